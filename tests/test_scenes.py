"""The numbers of the scenes: of the shipped networks, and a part of them measured again."""

from __future__ import annotations

import numpy as np
import pytest

from camkit import transfer, world, zoo
from camkit.tables import scenes
from camkit.transfer import LinearSvm

TOLD = scenes.numbers()
ROWS = {row["feature"]: row for row in TOLD["table5"]["rows"]}
MAIN = "objects, average pooled"


@pytest.fixture(scope="module")
def svm() -> LinearSvm:
    known = scenes.features()
    return transfer.fit_svm(known.train, known.train_labels, world.SCENES, costs=[TOLD["cost"]])


def test_the_numbers_are_of_the_shipped_networks() -> None:
    """A network trained anew asks for ``python -m camkit.tables scenes``."""
    assert TOLD["networks"] == {n: zoo.card(n)["sha256"] for n in scenes.NETWORKS.values()}


def test_the_features_are_those_of_scenes_drawn_again() -> None:
    net, known = zoo.load("objects"), scenes.features()
    for split, kept in (("train", known.train), ("test", known.test)):
        few = [0, 7, 41, len(kept) - 1]
        images = np.stack(
            [world.Scenes(split, length=len(kept)).scene(i).draw(128).image for i in few]
        )
        again = transfer.pooled_features(net, images, progress=False)
        assert np.allclose(again, kept[few], atol=2e-3, rtol=2e-3)
    labels = [world.Scenes("test", length=20).scene(i).label for i in range(20)]
    assert known.test_labels[:20].tolist() == labels


def test_the_accuracy_is_counted_again(svm: LinearSvm) -> None:
    known, row = scenes.features(), ROWS[MAIN]
    assert row["accuracy"] == pytest.approx(row["right"] / row["n"], abs=1e-4)
    again = svm.accuracy(known.test, known.test_labels)
    assert again == pytest.approx(row["accuracy"], abs=0.01), "half precision"


def test_features_carry_over_and_pixels_do_not() -> None:
    best = max(ROWS[name]["accuracy"] for name in scenes.PIXELS.values())
    assert 0.6 <= ROWS[MAIN]["accuracy"] <= 0.85
    assert ROWS[MAIN]["accuracy"] >= best + 0.25
    assert ROWS["chance"]["accuracy"] == pytest.approx(1 / len(world.SCENES))


def test_the_own_map_lies_on_the_defining_objects_more_than_two_controls() -> None:
    own, blind, other = (TOLD["lift"][k] for k in ("own scene", "class-blind", "another scene"))
    assert own[1] > max(blind[2], other[2]), "intervals apart"
    assert blind[1] > 1, "a map that knows no class finds things, too"


def test_a_part_of_the_lifts_is_measured_again(svm: LinearSvm) -> None:
    net = zoo.load("objects")
    drawn = world.Scenes("test").batch(range(40), progress=False)
    maps = scenes.maps_of_three(net, svm.on(net), drawn)
    found = {name: np.nanmean(transfer.lift(one, drawn.masks)) for name, one in maps.items()}
    assert found["own scene"] == pytest.approx(TOLD["lift"]["own scene"][0], rel=0.2)
    assert found["class-blind"] == pytest.approx(TOLD["lift"]["class-blind"][0], rel=0.1)
    assert found["own scene"] > max(found["class-blind"], found["another scene"])


def test_more_labelled_pictures_help_and_intervals_hold_their_means() -> None:
    curve = TOLD["curve"]
    means = [mean for mean, _, _ in curve["features"]]
    assert means[-1] > means[0] + 0.15
    assert all(
        low <= mean <= high for way in ("features", "pixels") for mean, low, high in curve[way]
    )
    assert len(curve["each"]) == len(curve["features"]) == len(curve["pixels"])


def test_taking_out_what_defines_matters_more_than_what_is_large() -> None:
    parts = TOLD["removals"]
    assert parts["defining"]["change"][1] > parts["furniture"]["change"][2]
    assert parts["furniture"]["area"] > parts["defining"]["area"], "furniture is larger"
    assert parts["defining"]["turned"][1] > parts["furniture"]["turned"][2]


def test_margins_of_two_boats_fall_boat_by_boat(svm: LinearSvm) -> None:
    told = TOLD["two_boats"]
    two, rear, front, none = (np.median(told[name]) for name in scenes.BOATS)
    assert two > max(rear, front)
    assert min(rear, front) > none
    again = scenes.two_boats(svm.on(zoo.load("objects")), range(3), progress=False)
    assert np.allclose(again["two"], told["two"][:3], atol=0.25)


def test_a_margin_on_paper() -> None:
    assert scenes.margin([[0.5, -0.25, 0.125], [0.0, 1.0, 0.5]], 0).tolist() == [0.375, -1.0]
