"""The shipped network is what its card says, on pictures it was never measured on."""

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
    assert card["gt_known_localization"] >= 0.75
    assert card["top8_unit_correlation"] < 0.72
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
    assert train.unit_similarity(net, images, labels) < 0.74  # 200 pictures, of another draw


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
