"""The picture world's ground truth: masks, boxes and parts, at any size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from camkit import world
from camkit.world.compose import box_of
from camkit.world.sprites import load


def box_iou(a: np.ndarray, b: np.ndarray) -> float:
    wide, high = np.minimum(a, b)[2:] - np.maximum(a, b)[:2]
    areas = [(c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)]
    return float(wide * high / (sum(areas) - wide * high))


SCENES = [world.Objects(split="val").scene(i) for i in range(len(world.CLASSES))]
HARD = [world.Objects(split="val", hard=True).scene(i) for i in range(6)]


def iou(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / max((a | b).sum(), 1))


@pytest.mark.parametrize("scene", SCENES + HARD, ids=lambda s: s.name)
def test_masks_boxes_and_parts_agree(scene: world.Scene) -> None:
    picture = scene.draw(96)
    assert not (picture.visible & ~picture.amodal).any(), "what is seen is part of the whole"
    assert picture.visible.sum(axis=0).max() <= 1, "a pixel shows one thing"
    for i, thing in enumerate(picture.things):
        for mask, box in (
            (picture.visible[i], picture.boxes[i]),
            (picture.amodal[i], picture.amodal_boxes[i]),
        ):
            if not mask.any():
                assert np.isnan(box).all()
                continue
            x0, y0, x1, y1 = box.astype(int)
            assert mask[y0:y1, x0:x1].sum() == mask.sum(), "nothing outside the box"
            for edge in (mask[y0], mask[y1 - 1], mask[:, x0], mask[:, x1 - 1]):
                assert edge.any(), "the box is tight"
        parts = picture.parts(i)
        union = np.zeros_like(picture.amodal[i])
        for name, part in parts.items():
            assert name in load()[thing.kind].parts, f"{thing.kind} does not declare {name}"
            assert not (part & ~picture.amodal[i]).any()
            assert not (part & union).any(), "a pixel belongs to one part"
            union |= part
        assert iou(union, picture.amodal[i]) > 0.97, "the parts make up the whole"


@pytest.mark.parametrize("kind", world.CLASSES)
def test_every_class_has_parts_that_show(kind: str) -> None:
    picture = world.scene_of(kind, seed=1, framing=0.4).draw(128)
    shown = [name for name, mask in picture.parts(kind).items() if mask.sum() > 10]
    assert len(shown) >= 2


def test_a_scene_looks_the_same_at_any_size() -> None:
    for scene in SCENES + HARD:
        small, large = scene.draw(128), scene.draw(256)
        halved = large.image.reshape(128, 2, 128, 2, 3).mean(axis=(1, 3))
        assert np.abs(halved - small.image).mean() < 4.0, scene.name
        for i in scene.objects:
            fine = large.amodal[i].reshape(128, 2, 128, 2).mean(axis=(1, 3)) > 0.5
            # The bicycle is made of lines one pixel wide, whose edges count most.
            assert iou(small.amodal[i], fine) > 0.9, (scene.name, scene.things[i].kind)
            # Half a pixel of a thin tail may be seen at one size and not at the other.
            assert box_iou(small.amodal_boxes[i], large.amodal_boxes[i] / 2) > 0.85


def test_the_box_planned_without_pixels_is_the_box_that_is_drawn() -> None:
    for scene in SCENES:
        i = scene.objects[0]
        planned = np.clip(np.array(box_of(scene.things[i])) * 200, 0, 200)
        np.testing.assert_allclose(scene.draw(200).amodal_boxes[i], planned, atol=2.0)


def test_what_lies_in_front_hides_what_lies_behind() -> None:
    dog = world.scene_of("dog", seed=1).only("dog")
    covered = dog.with_thing(replace(dog.things[0], seed=1), behind=False)
    picture = covered.draw(96)
    assert not picture.visible[0].any(), "a dog exactly behind its double is not seen"
    assert np.isnan(picture.boxes[0]).all()
    assert iou(picture.amodal[0], picture.amodal[1]) > 0.98
    swapped = dog.with_thing(replace(dog.things[0], seed=1), behind=True).draw(96)
    assert swapped.visible[1].any()


def test_steam_counts_into_no_mask() -> None:
    from camkit.world.paint import paint_thing

    things = [s.things[s.objects[0]] for s in (world.scene_of("mug", seed=k) for k in range(12))]
    steaming = [t for t in things if paint_thing(t, SCENES[0].light, 96).aside is not None]
    assert steaming, "some mug steams"
    scene = replace(world.scene_of("mug").only("mug"), things=(steaming[0],))
    picture = scene.draw(192)
    piece = picture.pieces[0]
    assert piece.aside is not None
    airy = (piece.aside[..., 3] > 0.05) & (piece.alpha < 0.01)
    assert airy.sum() > 20, "steam is seen"
    assert not (airy & (piece.lumps > 0)).any()


def test_a_sample_carries_the_truth_of_its_class() -> None:
    for i, ds in enumerate(
        [world.Objects(size=64), world.TwoObjects(size=64), world.TwoOfAKind(size=64)]
    ):
        sample = ds[3]
        assert sample.image.shape == (64, 64, 3)
        assert sample.image.dtype == np.uint8
        assert sample.boxes.shape == ((2, 4) if i == 2 else (1, 4))
        assert sample.mask is not None
        ys, xs = np.nonzero(sample.mask)
        assert (xs.min(), ys.min()) == tuple(sample.boxes[:, :2].min(axis=0))
        assert (xs.max() + 1, ys.max() + 1) == tuple(sample.boxes[:, 2:].max(axis=0))
