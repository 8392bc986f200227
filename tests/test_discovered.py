"""The numbers of lesson 10 are those that a fresh measurement gives."""

from __future__ import annotations

import json

import numpy as np
import pytest

from camkit import discover, world, zoo
from camkit.tables import discovered
from camkit.transfer import pooled_features

CAR = world.CLASSES.index("car")


def test_the_numbers_are_of_the_network_that_is_shipped() -> None:
    told = json.loads(discovered.FILE.read_text(encoding="utf-8"))
    assert told["network"] == zoo.card("objects")["sha256"]
    assert discovered.FILE.stat().st_size < 20_000


def test_a_class_measured_again_gives_its_column() -> None:
    """All test pictures of one class, drawn anew: a picture more or less is rounding."""
    told, net, count = discovered.ablation(), zoo.load("objects"), len(world.CLASSES)
    pictures = world.Objects(split="test", seed=discovered.SEED, length=told.pictures)
    mine = range(CAR, told.pictures, count)
    pooled = pooled_features(net, pictures.arrays(mine, progress=False)[0], progress=False)
    units, _ = discover.rank_units(net, CAR)
    for n, share in zip(told.counts, told.weight[:, CAR], strict=True):
        poorer = discover.ablate(net, units[:n], of=CAR)
        scores = pooled @ poorer.weights.detach().numpy().T + poorer.bias.detach().numpy()
        assert (scores.argmax(axis=1) == CAR).mean() == pytest.approx(share, abs=0.011)


def test_a_scene_measured_again_gives_its_row() -> None:
    """The pictures of one scene, drawn anew, under the SVM that is stored."""
    told, c = discovered.scene_objects(), 2
    rows, _ = discovered.measured_scene(
        zoo.load("objects"), told.weights, told.bias, c, told.kinds, told.pictures
    )
    for name in ("frequent", "informative", "by_other"):
        again = np.array(rows[name], dtype=float)
        assert again == pytest.approx(getattr(told, name)[c], abs=0.02, nan_ok=True), name
    assert rows["hot"] == pytest.approx(told.hot[c], abs=0.002)


def test_a_unit_more_or_less_is_nothing_and_eight_are_much() -> None:
    told = discovered.ablation()
    mean, lot = told.weight.mean(axis=1), told.random.mean(axis=1)
    assert told.counts[:2] == (0, 1)
    assert mean[0] - mean[1] < 0.05
    at = told.counts.index(8)
    assert mean[at] < 0.5 < 0.9 < lot[at]
    assert (np.diff(mean) <= 0).all()


def test_what_defines_a_scene_is_informative_and_the_furniture_only_frequent() -> None:
    told = discovered.scene_objects()
    gains = []
    for c, scene in enumerate(told.scenes):
        pair = [told.kinds.index(kind) for kind in world.DEFINING[scene]]
        assert (told.frequent[c, pair] > 0.9).all()
        assert told.informative[c, pair].max() > 2.5 * told.hot[c]
        gains.append(told.informative[c, pair].mean() - told.by_other[c, pair].mean())
        often = [kind for kind, _ in told.listed(scene, "frequent")]
        assert often[0] == discover.BACKGROUND or told.frequent[c].max() == 1
        place = told.kinds.index(discover.BACKGROUND)
        assert told.informative[c, place] < 1.5 * told.hot[c]
    assert np.mean(gains) > 0.1


def test_a_list_leaves_out_what_is_hardly_ever_there() -> None:
    told = discovered.scene_objects()
    for scene in told.scenes:
        c = told.scenes.index(scene)
        for by in ("frequent", "informative", "by_other"):
            found = told.listed(scene, by)
            assert len(found) == 6
            assert [v for _, v in found] == sorted((v for _, v in found), reverse=True)
            assert all(told.frequent[c, told.kinds.index(k)] >= discovered.RARE for k, _ in found)


def test_the_stored_svm_stands_on_the_network() -> None:
    told, net = discovered.scene_objects(), zoo.load("objects")
    scenes = told.on(net)
    sample = world.Scenes(split="test", seed=discovered.SEED, length=10)[0]
    result = scenes.explain(sample.image, classes="all")
    means = result.maps.mean(dim=(2, 3)) + scenes.bias
    assert result.scores.detach().numpy() == pytest.approx(means.detach().numpy(), abs=1e-4)
    assert scenes.names == list(told.scenes)
    assert scenes.backbone is net.backbone
    assert 0.5 < told.accuracy < 0.95


def test_the_maker_measures_what_it_says() -> None:
    net = zoo.load("objects")
    images, labels = world.Objects(split="test", length=40).arrays(progress=False)
    told = discovered.measured_ablation(net, images, labels)
    assert told["pictures"] == 40
    assert np.shape(told["weight"]) == (len(discovered.COUNTS), 20)
    assert np.mean(told["weight"][0]) > 0.9
    assert np.mean(told["weight"][-1]) < np.mean(told["random"][-1])


def test_the_papers_rooms_share_two_and_three_of_six() -> None:
    """Figure 9: table and chair; sink, faucet and bathtub."""
    shared = {}
    for room, lists in discovered.ROOMS.items():
        often, tells = ([kind for kind, _ in lists[by]] for by in ("frequent", "informative"))
        assert len(often) == len(tells) == 6
        shared[room] = {kind for kind in tells if kind in often}
    assert shared["dining room"] == {"table", "chair"}
    assert shared["bathroom"] == {"sink", "faucet", "bathtub"}
