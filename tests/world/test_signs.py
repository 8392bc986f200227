"""Signs: words that can be read, boards that tell nothing, and words painted away."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import binary_dilation

from camkit import world
from camkit.world.lettered import check_text
from camkit.world.light import Light
from camkit.world.paint import measure, paint_thing
from camkit.world.signs import LETTERS, MARKS, outline
from camkit.world.sprites import find, kinds
from camkit.world.things import Thing, make_thing

DS = world.Signs(split="test", size=128, length=80)


def sign(kind: str, seed: int, **words: str) -> Thing:
    thing = make_thing(kind, np.random.default_rng(seed))
    return replace(thing, words=tuple((n, words.get(n, w)) for n, w in thing.words))


def test_there_are_signs_and_none_is_a_class() -> None:
    assert len(world.SIGNS) >= 6
    assert not set(world.SIGNS) & {*world.CLASSES, *world.DISTRACTORS, *world.OCCLUDERS}


@pytest.mark.parametrize("kind", kinds("sign"))
def test_it_is_drawn_whole_stands_and_is_not_mirrored(kind: str) -> None:
    for seed in range(10):
        one = sign(kind, seed)
        assert not one.flip, "words do not run backwards"
        x0, y0, x1, y1 = measure(one)
        assert -0.55 <= x0 < x1 <= 0.55
        assert -0.55 <= y0 < y1 <= 0.55
        assert 0.38 < y1 < 0.50, "it stands on the ground"
        p = paint_thing(one, Light(), 128)
        assert max(p.alpha[0].max(), p.alpha[-1].max(), p.alpha[:, 0].max()) == 0.0
        assert set(p.names[1:]) <= set(find(kind).parts)


@pytest.mark.parametrize("kind", kinds("sign"))
def test_each_word_is_a_lump_of_its_own(kind: str) -> None:
    for says in ("TEA", "AB 12"):
        names = paint_thing(sign(kind, 3, says=says), Light(), 128).names
        count = 2 if kind == "signpost" else len(says.split())  # a signpost repeats a single word
        assert names.count("text") == count
        assert "mark" not in names
    for mark in MARKS:
        names = paint_thing(sign(kind, 3, says="", mark=mark), Light(), 128).names
        assert "text" not in names
        assert "mark" in names


def test_the_outline_of_an_h_is_one_unit_high_and_letters_stand_in_a_row() -> None:
    shape, wide = outline("H", "plain")
    box = shape.get_extents()
    assert (box.x0, box.y0, box.y1) == pytest.approx((0.0, 0.0, 1.0), abs=1e-6)
    assert box.x1 == pytest.approx(wide)
    assert outline("HH", "plain")[1] > 2 * wide
    assert world.sign_of("van", says="O", seed=2).draw(128).part("van", "text").any()
    assert all(outline(letter, "serif")[1] > 0.1 for letter in LETTERS)


def test_blank_takes_the_words_and_leaves_all_else() -> None:
    for i in range(1, 24, 2):
        scene = DS.scene(i)
        before, after = scene.draw(128), scene.blank().draw(128)
        assert set(scene.blank().says) == {""}
        assert scene.blank().blank() == scene.blank()
        boxes, letters = world.words_in(before)
        assert letters.any()
        assert len(world.words_in(after)[0]) == 0
        gap = np.abs(before.image.astype(int) - after.image).max(axis=2)
        assert (gap[letters] > 0).mean() > 0.95
        signs = binary_dilation(before.amodal[list(scene.signs)].any(axis=0), iterations=2)
        assert not gap[~signs].any(), "on the signs only"
        near = np.zeros_like(letters)
        for x0, y0, x1, y1 in boxes.astype(int):  # the light on a board shifts a little, too
            near[max(y0 - 9, 0) : y1 + 9, max(x0 - 9, 0) : x1 + 9] = True
        assert gap[~near].max() < 25
        assert (before.visible == after.visible).all()


def test_textless_scenes_keep_still_when_blanked() -> None:
    marked = world.Signs(split="test", length=20, marks=1.0)
    for ds in (DS, marked):
        for i in range(0, 20, 2):
            assert ds.scene(i).blank() == ds.scene(i)
    assert all("mark" in p.names for i in range(0, 20, 2) for p in marked.scene(i).draw(64).pieces
               if "board" in p.names)  # fmt: skip


def test_boxes_hold_the_letters_and_letters_can_be_read() -> None:
    heights = []
    for i in range(1, 80, 2):
        sample = DS[i]
        assert sample.label == 1
        assert sample.mask is not None
        assert sample.mask.any()
        inside = np.zeros_like(sample.mask)
        for x0, y0, x1, y1 in sample.boxes.astype(int):
            inside[y0:y1, x0:x1] = True
            heights.append(y1 - y0)
        assert not (sample.mask & ~inside).any()
    assert np.mean(np.array(heights) >= 10) > 0.6, "ten pixels and more, mostly"
    assert np.median(heights) >= 10


def test_boxes_are_counted_on_paper() -> None:
    scene = world.sign_of("signpost", says="SEA ZOO", seed=4)
    boxes, _ = world.words_in(scene.draw(128))
    assert len(boxes) == 2
    upper, lower = boxes[np.argsort(boxes[:, 1])]
    assert upper[3] <= lower[1], "one arrow above the other"
    assert world.words_in(scene.without("signpost").draw(128))[0].shape == (0, 4)


def test_only_words_tell_the_labels_apart() -> None:
    """The same kinds of signs, emblems and places in both, up to chance."""
    ds = world.Signs(length=600)
    scenes = [ds.scene(i) for i in range(600)]
    assert [s.label for s in scenes[:4]] == [0, 1, 0, 1]
    for told in (
        lambda s: s.things[0].kind,
        lambda s: s.background.kind,
        lambda s: dict(s.things[s.signs[0]].words).get("emblem", "no place for one"),
    ):
        for value in {told(s) for s in scenes}:
            shares = [np.mean([told(s) == value for s in scenes[k::2]]) for k in (0, 1)]
            assert abs(shares[0] - shares[1]) < 4 * (0.25 * 2 / 300) ** 0.5
    assert not any(w for s in scenes[::2] for w in s.says)
    assert all(all(s.says) for s in scenes[1::2])


def test_marks_are_a_dial_that_leaves_all_else() -> None:
    plain, marked = world.Signs(length=40), world.Signs(length=40, marks=0.5)
    changed = [plain.scene(i) != marked.scene(i) for i in range(40)]
    assert not any(changed[1::2]), "scenes with words do not depend on it"
    assert 4 <= sum(changed[::2]) <= 16
    for i in range(0, 40, 2):
        places = [
            [(t.kind, t.place, t.colours) for t in s.scene(i).things] for s in (plain, marked)
        ]
        assert places[0] == places[1]


def test_other_words_can_be_written() -> None:
    scene = DS.scene(1).lettered(" cam 16 ")
    assert scene.says[-1] == "CAM 16"
    assert DS.scene(1).lettered("x", DS.scene(1).signs[0]).says[0] == "X"
    assert world.sign_of("van", says="", seed=2).label == 0


@pytest.mark.parametrize(
    ("call", "error", "word"),
    [
        (lambda: check_text("CAFÉ"), ValueError, "A to Z"),
        (lambda: check_text("A" * 13), ValueError, "at most 12"),
        (lambda: check_text(7), TypeError, "must be a str"),
        (lambda: world.sign_of("dog"), ValueError, "no sign called"),
        (lambda: world.sign_of("van", background="moon"), ValueError, "no background"),
        (lambda: world.Signs(marks=1.2), ValueError, "between 0 and 1"),
        (lambda: world.Signs(marks="all"), TypeError, "must be a number"),
        (lambda: world.sign_of("van").without("van").lettered("A"), ValueError, "no sign"),
    ],
)
def test_errors_say_what_to_do(call: object, error: type[Exception], word: str) -> None:
    with pytest.raises(error, match=word):
        call()  # type: ignore[operator]


def test_a_sample_depends_on_its_index_alone() -> None:
    late = DS[17].image
    for i in (3, 30, 5):
        DS[i]
    assert (DS[17].image == late).all()
    assert world.Signs(split="test", size=32, length=18).scene(17) == DS.scene(17)
    assert len({hash(DS.scene(i)) for i in range(60)}) == 60
    assert DS.names == ("no text", "text")
