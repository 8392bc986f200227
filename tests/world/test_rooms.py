"""Scenes: only what stands together tells, and captions say nothing that is not so."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from camkit import world
from camkit.world.captions import phrase
from camkit.world.compose import box_of
from camkit.world.rooms import surface
from camkit.world.sprites import kinds

N = 800
SCENES = [world.Scenes("train", size=32).scene(i) for i in range(N)]
LABELS = np.array([s.label for s in SCENES])


def test_ten_scenes_each_a_pair_of_known_objects() -> None:
    assert len(world.SCENES) >= 8
    assert len({frozenset(pair) for pair in world.DEFINING.values()}) == len(world.SCENES)
    for pair in world.DEFINING.values():
        assert len(set(pair)) == 2
        assert set(pair) <= set(world.CLASSES)


def test_a_scene_holds_its_own_pair_and_no_other() -> None:
    for scene in SCENES:
        present = set(scene.kinds)
        held = [name for name, pair in world.DEFINING.items() if set(pair) <= present]
        assert held == [world.SCENES[scene.label]]
        assert scene.about == world.DEFINING[held[0]]


def test_every_defining_kind_stands_elsewhere_too() -> None:
    for name, pair in world.DEFINING.items():
        here = world.SCENES.index(name)
        for kind in pair:
            where = [s.label for s in SCENES if kind in s.kinds]
            elsewhere = Counter(label for label in where if label != here)
            assert sum(elsewhere.values()) > 0.15 * len(where), f"{kind} gives {name} away"
            assert len(elsewhere) >= 4, f"{kind} stands in few other scenes"


def _answers(told: list[tuple[str, ...]]) -> float:
    """How often the label is guessed from `told` alone: learned on one half, asked on the other."""
    vocabulary = sorted({word for words in told for word in words})
    counts = np.zeros((len(vocabulary), len(world.SCENES))) + 0.5
    for words, label in zip(told[: N // 2], LABELS[: N // 2], strict=True):
        for word in words:
            counts[vocabulary.index(word), label] += 1
    log = np.log(counts / counts.sum(axis=1, keepdims=True))
    told_half = told[N // 2 :]
    guesses = [sum(log[vocabulary.index(w)] for w in words).argmax() for words in told_half]
    return float((np.array(guesses) == LABELS[N // 2 :]).mean())


def test_backdrop_and_furniture_tell_nothing_but_the_objects_tell_all() -> None:
    chance, slack = 1 / len(world.SCENES), 0.04
    assert _answers([(s.background.kind,) for s in SCENES]) < chance + slack
    furniture = kinds("furniture")
    pieces = [tuple(k for k in s.kinds if k in furniture) or ("none",) for s in SCENES]
    assert _answers(pieces) < chance + slack
    clutter = [tuple(k for k in s.kinds if k in world.DISTRACTORS) or ("none",) for s in SCENES]
    assert _answers(clutter) < chance + slack
    objects = [tuple(k for k in s.kinds if k in world.CLASSES) for s in SCENES]
    assert _answers(objects) > 0.9


def test_a_linear_probe_of_bare_backdrops_stays_near_chance() -> None:
    """The pictures themselves, everything taken out of them: 8 x 8 colours and a linear probe."""
    from sklearn.linear_model import RidgeClassifier

    bare = [world.scene.replace(s, things=()) for s in SCENES[:400]]
    x = np.stack([s.draw(32).image[::4, ::4].reshape(-1) for s in bare]).astype(float)
    probe = RidgeClassifier(alpha=1e4).fit(x[:200], LABELS[:200])
    assert probe.score(x[200:], LABELS[200:400]) < 1 / len(world.SCENES) + 0.08


def test_furniture_is_what_stands_there_most_often() -> None:
    counts = Counter(kind for s in SCENES for kind in set(s.kinds))
    furniture = kinds("furniture")
    assert counts.most_common(1)[0][0] in furniture
    assert np.mean([any(k in furniture for k in s.kinds) for s in SCENES]) > 0.95


def test_things_stand_apart_inside_the_picture_and_at_a_size_that_was_learned() -> None:
    sides, seen = [], []
    for scene in SCENES[:60]:
        picture = scene.draw(64)
        for i, thing in enumerate(scene.things):
            x0, y0, x1, y1 = box_of(thing)
            assert x0 >= -0.02
            assert x1 <= 1.02
            assert y1 <= 1.0
            if thing.kind in scene.about:
                sides.append(max(x1 - x0, y1 - y0))
                seen.append(picture.visible[i].sum() / picture.amodal[i].sum())
    assert np.quantile(sides, 0.05) > 0.20
    assert np.quantile(sides, 0.95) < 0.46
    assert np.median(seen) > 0.95
    assert np.mean(np.array(seen) > 0.6) > 0.9


def test_a_sample_marks_the_defining_objects_all_of_them() -> None:
    scene = world.scene_in("harbour", seed=4, twice="boat")
    sample, picture = scene.sample(64), scene.draw(64)
    mine = [i for i, k in enumerate(scene.kinds) if k in ("boat", "steamer")]
    assert len(mine) == 3
    assert sample.boxes.shape == (3, 4)
    assert (sample.mask == picture.visible[mine].any(axis=0)).all()
    assert world.SCENES[sample.label] == "harbour"


def test_everything_can_be_taken_out() -> None:
    for scene in SCENES[:20]:
        for kind in set(scene.kinds):
            left = scene.without(kind)
            assert kind not in left.kinds
            assert left.draw(32).image.shape == (32, 32, 3)


@pytest.mark.parametrize("name", world.SCENES)
def test_a_scene_by_name(name: str) -> None:
    one, other = (world.scene_in(name, background=b, seed=2) for b in ("snow", "street"))
    assert one.kinds.count(world.DEFINING[name][0]) >= 1
    assert one.background.kind == "snow"
    assert other.background.kind == "street"
    assert one == world.scene_in(name, background="snow", seed=2)


def test_wrong_names_are_told() -> None:
    with pytest.raises(ValueError, match="no scene called 'kitchn'; did you mean kitchen"):
        world.scene_in("kitchn")
    with pytest.raises(ValueError, match="no background called"):
        world.scene_in("kitchen", background="moon")
    with pytest.raises(ValueError, match="kind that defines the scene 'kitchen' called 'boat'"):
        world.scene_in("kitchen", twice="boat")
    assert world.Scenes().names == world.SCENES


# --- captions ----------------------------------------------------------------------------------


def test_captions_name_only_what_is_there_and_not_all_of_it() -> None:
    silent = 0
    for scene in SCENES[:300]:
        told = world.captions(scene)
        assert told == world.captions(scene)
        assert 2 <= len(told) <= 4
        assert len(set(told)) == len(told)
        text = "; ".join(told)
        for kind in (*world.CLASSES, *world.DISTRACTORS, *kinds("furniture")):
            if phrase(kind) in told or f"two {kind}s" in told:
                assert kind in scene.kinds
        for line in told:
            head = line.split(" ", 1)[1]
            assert any(head.startswith(k) for k in scene.kinds), line
        silent += any(k not in text for k in scene.kinds)
    assert silent > 200


def test_on_means_on() -> None:
    lines = 0
    for scene in SCENES[:300]:
        for line in world.captions(scene):
            words = line.split(" on a ")
            if len(words) != 2 or words[1] not in ("table", "bench", "shelf"):
                continue
            lines += 1
            one = words[0].split(" ", 1)[1]
            tops = [surface(t) for t in scene.things if t.kind == words[1]]
            feet = [box_of(t) for t in scene.things if t.kind == one]
            assert any(
                abs(foot[3] - top[2]) < 0.05 and top[0] <= (foot[0] + foot[2]) / 2 <= top[1]
                for top in tops if top for foot in feet
            )  # fmt: skip
    assert lines > 50


def test_two_of_a_kind_are_counted() -> None:
    scenes = [world.scene_in("harbour", seed=s, twice="boat") for s in range(20)]
    assert any("two boats" in world.captions(s) for s in scenes)
    single = [world.scene_of("dog", seed=s) for s in range(10)]
    assert not any(c.startswith("two") for s in single for c in world.captions(s))
