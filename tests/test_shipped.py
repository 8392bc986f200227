"""The shipped networks are what their cards say, on pictures they were never measured on."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch

import camkit
from camkit import recipes, train, world, zoo

FRESH = 1000


@pytest.fixture(scope="module")
def net() -> camkit.CamModel:
    return camkit.load("objects")


@pytest.fixture(scope="module")
def card() -> dict:  # type: ignore[type-arg]
    return zoo.card("objects")


def test_the_card_keeps_the_promises(card: dict) -> None:  # type: ignore[type-arg]
    assert card["accuracy"] >= 0.98
    assert card["gt_known_localization"] >= 0.80
    assert card["top8_unit_correlation"] < 0.70
    assert card["classes"] == list(world.CLASSES)
    file = zoo.SHIPPED / "objects.safetensors"
    assert file.stat().st_size <= 1_000_000
    assert hashlib.sha256(file.read_bytes()).hexdigest() == card["sha256"]


def test_the_network_does_what_the_card_says_on_a_fresh_draw(
    net: camkit.CamModel,
    card: dict,  # type: ignore[type-arg]
) -> None:
    fresh = world.Objects(split="test", seed=77, length=FRESH)
    measured = train.measure(net, fresh)
    for told, found in (
        (card["accuracy"], measured.accuracy),
        (card["gt_known_localization"], measured.gt_known),
    ):
        # Two and a half standard errors of the difference between the card's draw and this one.
        error = 2.5 * np.sqrt(told * (1 - told) * (1 / FRESH + 1 / recipes.TEST_PICTURES))
        assert found == pytest.approx(told, abs=max(error, 0.01))


def test_the_maps_of_a_classs_best_units_are_not_one_picture(net: camkit.CamModel) -> None:
    images, labels = world.Objects(split="test", seed=78, length=200).arrays()
    assert train.unit_similarity(net, images, labels) < 0.72  # 200 pictures, of another draw


def test_taking_the_object_out_takes_its_score_away(
    net: camkit.CamModel, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures = world.Objects(split="test", seed=79, length=100)
    scenes = [pictures.scene(i) for i in range(len(pictures))]
    labels = torch.tensor([scene.label for scene in scenes])[:, None]
    with torch.no_grad():
        before, after = (
            net(train.inputs_of(net, np.stack(images))).gather(1, labels)
            for images in (
                [scene.draw(128).image for scene in scenes],
                [scene.without(scene.objects[0]).draw(128).image for scene in scenes],
            )
        )
    fell = float((after < before).float().mean())
    lost = float((after < 0.5 * before).float().mean())
    with capsys.disabled():
        print(f"\nwithout the object: score falls in {fell:.0%}, by over half in {lost:.0%}")
    assert fell >= 0.98
    assert lost >= 0.9


FEW = 400
PLAIN = [
    n for n, r in recipes.RECIPES.items()
    if r.bias is None and r.about == "objects" and n != "objects"
]  # fmt: skip
BIASED = [n for n, recipe in recipes.RECIPES.items() if recipe.bias is not None]


@pytest.fixture(scope="module")
def few() -> world.sets.Batch:
    return world.Objects(split="test", seed=81, length=FEW).batch(progress=False)


def near(told: float, found: float) -> None:
    """Within three standard errors of the difference between two draws."""
    error = 3 * np.sqrt(told * (1 - told) * (1 / FEW + 1 / recipes.TEST_PICTURES))
    assert found == pytest.approx(told, abs=max(error, 0.015))


@pytest.mark.parametrize("name", recipes.RECIPES)
def test_every_card_belongs_to_its_weights_and_its_recipe(name: str) -> None:
    told = zoo.card(name)
    file = zoo.SHIPPED / f"{name}.safetensors"
    assert hashlib.sha256(file.read_bytes()).hexdigest() == told["sha256"]
    assert train.Recipe(**told["recipe"]) == recipes.RECIPES[name]


def test_all_shipped_networks_together_are_small() -> None:
    assert sum(file.stat().st_size for file in zoo.SHIPPED.iterdir()) < 12_000_000


@pytest.mark.parametrize("name", PLAIN)
def test_every_relative_does_what_its_card_says(name: str, few: world.sets.Batch) -> None:
    told = zoo.card(name)
    found = train.measure_drawn(camkit.load(name), few)
    near(told["accuracy"], found.accuracy)
    near(told["gt_known_localization"], found.gt_known)


def test_the_birds_network_does_what_its_card_says_and_began_from_objects() -> None:
    told, net = zoo.card("birds"), camkit.load("birds")
    assert net.names == list(world.SPECIES)
    assert told["recipe"]["start"] == "objects"
    found = train.measure(net, world.Birds("test", 82, length=FEW))
    near(told["accuracy"], found.accuracy)
    near(told["gt_known_localization"], found.gt_known)
    assert told["accuracy"] > 2 / len(world.SPECIES)  # far above chance


@pytest.mark.parametrize("name", BIASED)
def test_a_biased_network_does_what_its_card_says_at_home_and_elsewhere(name: str) -> None:
    told, net = zoo.card(name), camkit.load(name)
    bias = told["recipe"]["bias"]
    home = train.measure(net, world.BiasedObjects("test", 82, length=FEW, bias=bias))
    near(told["accuracy"], home.accuracy)
    away = train.measure(net, world.BiasedObjects("test", 82, length=FEW, home=False))
    near(told["accuracy_elsewhere"], away.accuracy)
    assert away.accuracy < home.accuracy


def test_average_and_max_answer_alike_but_the_average_localizes_better() -> None:
    average, largest = zoo.card("objects"), zoo.card("objects-max")
    assert abs(average["accuracy"] - largest["accuracy"]) <= 0.01
    assert average["gt_known_localization"] > largest["gt_known_localization"] + 0.05


def test_no_shipped_network_takes_a_name_of_torchvisions_registry() -> None:
    """`load("googlenet")` once gave the course's small relative."""
    torchvision = pytest.importorskip("torchvision")
    assert not set(zoo.shipped()) & set(torchvision.models.list_models(torchvision.models))
