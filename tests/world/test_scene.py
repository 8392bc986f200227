"""Interventions change what they say and nothing else."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from camkit import world
from camkit.world.paint import paint_thing
from camkit.world.scene import Scene, _overlap

SIZE = 96


def reach(scene: Scene, *kinds: str) -> np.ndarray:
    """Where the things of these kinds, their shadows and their steam touch the picture."""
    touched = np.zeros((SIZE, SIZE), bool)
    for thing in scene.things:
        if thing.kind in kinds:
            piece = paint_thing(thing, scene.light, SIZE)
            there, here = _overlap(piece, SIZE)
            marks = (piece.alpha[here] > 0) | (piece.shadow[here] > 1e-3)
            if piece.aside is not None:
                marks |= piece.aside[here][..., 3] > 0
            touched[there] |= marks
    return touched


@pytest.mark.parametrize("kind", world.CLASSES[::3])
def test_only_the_thing_and_its_shadow_change(kind: str) -> None:
    scene = world.scene_of(kind, seed=4)
    before = scene.draw(SIZE).image
    for change in (
        scene.without(kind),
        scene.moved(kind, 0.08, -0.03),
        scene.recoloured(kind, 1),
        scene.enlarged(kind, 0.7),
    ):
        after = change.draw(SIZE).image
        differs = (np.abs(after.astype(int) - before) > 1).any(axis=2)
        allowed = reach(scene, kind) | reach(change, kind)
        assert differs.any()
        assert not (differs & ~allowed).any()
    assert (scene.draw(SIZE).image == before).all(), "the first scene is as it was"


def test_another_background_leaves_the_object_alone() -> None:
    scene = world.scene_of("dog", background="room", seed=3)
    other = scene.on("beach")
    assert other.things == scene.things
    a, b = scene.draw(SIZE), other.draw(SIZE)
    assert (a.visible == b.visible).all()
    inside = a.visible[scene.objects[0]]
    inside[1:] &= inside[:-1]
    inside[:-1] &= inside[1:]
    inside[:, 1:] &= inside[:, :-1]
    inside[:, :-1] &= inside[:, 1:]
    assert np.abs(a.image.astype(int) - b.image)[inside].max() <= 1
    assert (np.abs(a.image.astype(int) - b.image).max(axis=2) > 8).mean() > 0.3


def test_removing_the_object_leaves_the_bare_scene() -> None:
    scene = world.two("dog", "boat", seed=5)
    assert "dog" not in scene.without("dog").kinds
    assert "boat" in scene.without("dog").kinds
    first = scene.objects[0]
    assert len(scene.without(first).things) == len(scene.things) - 1
    assert scene.only("boat").kinds == ("boat",)
    pair = world.two("dog", "dog", seed=5)
    assert pair.kinds.count("dog") == 2
    assert pair.without("dog").kinds.count("dog") == 0
    assert pair.without(pair.objects[0]).kinds.count("dog") == 1


def test_moved_recoloured_and_enlarged_do_what_they_say() -> None:
    scene = world.scene_of("car", seed=7, framing=0.2).only("car")
    box = scene.draw(200).amodal_boxes[0]
    np.testing.assert_allclose(
        scene.moved("car", 0.05, -0.1).draw(200).amodal_boxes[0],
        box + [10, -20, 10, -20],
        atol=1.01,
    )
    grown = scene.enlarged("car", 1.2).draw(200).amodal_boxes[0]
    assert grown[3] == pytest.approx(box[3], abs=1.5), "the foot stays on the ground"
    assert grown[2] - grown[0] == pytest.approx(1.2 * (box[2] - box[0]), abs=2.5)
    red = scene.recoloured("car", ((0.9, 0.1, 0.1), (1, 1, 1), (0, 0, 0)))
    r, g, b = red.draw(96).image[red.draw(96).part("car", "body")].mean(axis=0)
    assert r > 2 * max(g, b)
    assert scene.recoloured("car", 0).things[0].colours != scene.things[0].colours


def test_a_scene_is_a_value() -> None:
    scene = world.scene_of("lamp", seed=11)
    again = pickle.loads(pickle.dumps(scene))
    assert again == scene
    assert hash(again) == hash(scene)
    assert (again.draw(48).image == scene.draw(48).image).all()


def test_two_objects_stand_apart_and_both_show() -> None:
    ds = world.TwoObjects(split="test", size=96)
    for i in range(12):
        scene = ds.scene(i)
        assert len(scene.objects) == 2
        picture = scene.draw(96)
        seen = [picture.visible[j].sum() / picture.amodal[j].sum() for j in scene.objects]
        assert min(seen) > 0.85
        assert min(picture.visible[j].mean() for j in scene.objects) > 0.02


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda s: s.without("dragon"), ValueError, "no thing called"),
        (lambda s: s.without("boat"), ValueError, "holds"),
        (lambda s: s.without(99), IndexError, "no thing 99"),
        (lambda s: s.without(1.5), TypeError, "index"),
        (lambda s: s.on("beech"), ValueError, "beach"),
        (lambda s: s.on(3), TypeError, "background"),
        (lambda s: s.on("beach", seed=-1), ValueError, "seed"),
        (lambda s: s.moved("dog", 4.0), ValueError, "between -1 and 1"),
        (lambda s: s.moved("dog", float("nan")), ValueError, "between -1 and 1"),
        (lambda s: s.recoloured("dog", ((0, 0, 2), (0, 0, 0), (0, 0, 0))), ValueError, "three"),
        (lambda s: s.enlarged("dog", 0), ValueError, "factor"),
        (lambda s: s.with_thing("dgo"), ValueError, "dog"),
        (lambda s: s.with_thing(3), TypeError, "thing"),
        (lambda s: s.draw(8), ValueError, "between 16 and"),
        (lambda s: s.draw("big"), TypeError, "size"),
        (lambda s: s.draw(64).part("dog", "wing"), ValueError, "part of dog"),
        (lambda s: s.draw(64).part("dog", "haed"), ValueError, "head"),
        (lambda s: world.scene_of("dgo"), ValueError, "dog"),
        (lambda s: world.scene_of(3), TypeError, "class"),
        (lambda s: world.scene_of("ball"), ValueError, "no class"),
        (lambda s: world.scene_of("dog", background="rom"), ValueError, "room"),
        (lambda s: world.scene_of("dog", seed=-1), ValueError, "seed"),
        (lambda s: world.scene_of("dog", framing=0.0), ValueError, "framing"),
        (lambda s: world.scene_of("dog", framing="big"), TypeError, "framing"),
        (lambda s: world.two("dog", "baot"), ValueError, "boat"),
    ],
)
def test_bad_input_is_named(call, kind, words) -> None:  # type: ignore[no-untyped-def]
    scene = world.scene_of("dog", seed=3).only("dog")
    with pytest.raises(kind, match=words):
        call(scene)
