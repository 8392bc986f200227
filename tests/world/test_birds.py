"""Finches: no single mark names a species, any two do; and nothing but the marks tells."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from camkit import world
from camkit.world.birds import PLACES
from camkit.world.compose import box_of
from camkit.world.sprites import find, kinds


def bird_in(scene: world.Scene) -> world.Thing:
    return scene.things[scene.kinds.index(scene.about[0])]


def test_there_are_nine_species_in_the_order_of_the_register() -> None:
    assert len(world.SPECIES) == 9
    assert kinds("bird") == world.SPECIES == world.Birds().names
    assert not set(world.SPECIES) & set(world.CLASSES)


def test_a_form_belongs_to_three_species_and_two_forms_to_one() -> None:
    """The rows of the orthogonal array L9: any two species share exactly one form."""
    for mark, forms in world.FORMS.items():
        assert len(forms) == 3
        for form in forms:
            assert sum(getattr(m, mark) == form for m in world.MARKS.values()) == 3
    for one, other in combinations(world.MARKS.values(), 2):
        assert sum(a == b for a, b in zip(one, other, strict=True)) == 1


@pytest.mark.parametrize("species", world.SPECIES)
def test_the_telling_parts_can_be_seen_on_the_bird(species: str) -> None:
    picture = world.bird_of(species, seed=3, framing=0.3).draw(256)
    parts = picture.parts(species)
    assert len(world.TELLING[species]) == 4
    for part in world.TELLING[species]:
        assert parts[part].sum() > 60, part
    for part, form in (("crest", world.MARKS[species].crest), ("bar", world.MARKS[species].bar)):
        assert (part in parts) == (form != "none")


def test_nothing_but_the_marks_depends_on_the_species() -> None:
    """Colours, breast, ring, seat and posture come from one stream, whatever the species."""
    for seed in range(5):
        birds = [bird_in(world.bird_of(name, seed=seed)) for name in world.SPECIES]
        free = [
            (b.colours, b.flip, b.numbers, [w for w in b.words if w[0] not in world.FORMS])
            for b in birds
        ]
        assert all(one == free[0] for one in free)
    for name in world.SPECIES:
        assert find(name).colours == "feathers"
        words = {bird_in(world.bird_of(name, seed=s)).words for s in range(30)}
        for mark in world.FORMS:
            assert len({dict(w)[mark] for w in words}) == 1
        for free_word in ("breast", "ring", "seat"):
            assert len({dict(w)[free_word] for w in words}) >= 2


def test_a_bird_takes_the_share_of_the_picture_that_is_promised() -> None:
    ds = world.Birds(split="val", length=200)
    areas = []
    for i in range(200):
        x0, y0, x1, y1 = box_of(bird_in(ds.scene(i)))
        assert min(x0, y0, 1 - x1, 1 - y1) > -0.02, "inside the picture"
        areas.append((x1 - x0) * (y1 - y0))
    assert min(areas) > 0.035
    assert max(areas) < 0.27
    assert 0.12 < float(np.mean(areas)) < 0.18
    asked = world.Birds(framing=0.1, length=20)
    for i in range(20):
        x0, y0, x1, y1 = box_of(bird_in(asked.scene(i)))
        assert (x1 - x0) * (y1 - y0) == pytest.approx(0.1, abs=0.015)


def test_a_sample_is_about_its_bird() -> None:
    ds = world.Birds(split="test", size=96, length=18)
    for i in range(18):
        sample, picture = ds[i], ds.scene(i).draw(96)
        k = picture.things.index(bird_in(ds.scene(i)))
        assert sample.label == i % 9
        assert (sample.mask == picture.visible[k]).all()
        assert (sample.boxes == picture.boxes[k : k + 1]).all()
        assert picture.visible[k].sum() > 0.6 * picture.amodal[k].sum()


def test_a_perched_bird_sits_on_something_and_throws_no_shadow_on_the_air() -> None:
    met = set()
    for seed in range(40):
        scene = world.bird_of("elm finch", seed=seed)
        bird = bird_in(scene)
        if dict(bird.words)["seat"] == "ground":
            continue
        seat = scene.things[scene.things.index(bird) - 1]
        met.add(seat.kind)
        foot, (x0, top, x1, _) = box_of(bird)[3], box_of(seat)
        assert x0 < bird.place[0] < x1
        assert top - 0.02 < foot
        piece = scene.only(bird.kind).draw(128).pieces[0]
        assert piece.shadow[-4:].max() < 0.05
    assert {"post", "bough", "pillar"} <= met


def test_places_are_under_the_open_sky_and_tell_nothing() -> None:
    from scipy.stats import chi2_contingency

    ds = world.Birds(length=540)
    table = np.zeros((9, len(PLACES)), int)
    for i in range(540):
        scene = ds.scene(i)
        table[scene.label, PLACES.index(scene.background.kind)] += 1
    assert not {"room", "kitchen"} & set(PLACES)
    assert chi2_contingency(table).pvalue > 1e-3


def test_a_probe_that_sees_all_but_the_bird_is_near_chance() -> None:
    from sklearn.linear_model import LogisticRegression

    def features(split: str, count: int) -> tuple[np.ndarray, np.ndarray]:
        ds = world.Birds(split=split, size=32, length=count)
        scenes = [ds.scene(i) for i in range(count)]
        bare = [s.without(s.about[0]).draw(32).image.reshape(8, 4, 8, 4, 3) for s in scenes]
        rows = np.stack([b.mean(axis=(1, 3)).ravel() / 255 for b in bare])
        return rows, np.array([s.label for s in scenes])

    probe = LogisticRegression(max_iter=200, C=0.3).fit(*features("train", 360))
    assert probe.score(*features("test", 270)) < 1 / 9 + 0.07


def test_exchanging_a_mark_changes_the_bird_alone() -> None:
    scene = world.bird_of("alder finch", seed=4, framing=0.2)
    other = world.remarked(scene, crest="fan", bar="two")
    assert other.label == scene.label
    one, two = scene.draw(128), other.draw(128)
    k = scene.kinds.index("alder finch")
    near = one.amodal[k] | two.amodal[k]
    ys, xs = np.nonzero(near)
    apart = (one.image != two.image).any(axis=2)
    assert apart.any()
    far = np.ones_like(apart)
    far[max(ys.min() - 14, 0) : ys.max() + 14, max(xs.min() - 14, 0) : xs.max() + 14] = False
    assert not (apart & far).any(), "only the bird and its shadow"
    assert "bar" in two.parts("alder finch")
    assert world.remarked(scene) == scene


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda: world.bird_of("elm"), ValueError, "elm finch"),
        (lambda: world.bird_of("dog"), ValueError, "species"),
        (lambda: world.bird_of("elm finch", background="moon"), ValueError, "background"),
        (lambda: world.bird_of("elm finch", seed=-1), ValueError, "seed"),
        (lambda: world.Birds(framing=0.9), ValueError, "framing"),
        (lambda: world.remarked(world.scene_of("dog")), ValueError, "must hold a bird"),
        (lambda: world.remarked(world.bird_of("elm finch"), crest="wig"), ValueError, "fan"),
        (lambda: world.remarked(world.bird_of("elm finch"), leg="long"), ValueError, "crest"),
    ],
)
def test_bad_input_is_named(call, kind, words) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(kind, match=words):
        call()


def test_a_sample_depends_on_its_index_alone() -> None:
    ds = world.Birds(size=32, length=40)
    late = ds[17].image
    ds[30]
    assert (ds[17].image == late).all()
    assert world.Birds(size=64, length=18).scene(17) == ds.scene(17), "any size, any length"
    assert len({hash(ds.scene(i)) for i in range(40)}) == 40
    assert world.Birds(split="test").scene(0) != world.Birds(split="train").scene(0)
