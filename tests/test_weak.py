"""Weak labels: phrases, mining, boxes of words and answers, each small enough to redo on paper."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import camkit
from camkit import transfer, weak, world

NET = camkit.load("objects")


# --- phrases -------------------------------------------------------------------------------------


def test_a_phrase_is_held_whole_and_inside_one_caption() -> None:
    assert weak.holds("A boat beside a lamp post.", "beside a lamp")
    assert not weak.holds("a boathouse", "boat")
    assert not weak.holds("a lamp beside a boat", "a boat beside")
    told = [["a cat in the snow"], ["a cat in", "the snow"], ["the snow"], ["a dog"]]
    positive, negative = weak.split_by_phrase(told, "in the snow")
    assert positive.tolist() == [True, False, False, False]
    assert negative.tolist() == [False, False, False, True], "a word of it is enough to be left out"


def test_small_words_name_nothing() -> None:
    positive, negative = weak.split_by_phrase([["a dog on the sand"], ["a cup on a table"]],
                                              "on the sand")  # fmt: skip
    assert positive.tolist() == [True, False]
    assert negative.tolist() == [False, True], "'on' and 'the' keep no picture out"
    for phrase in ("on the", "  "):
        with pytest.raises(ValueError, match="phrase"):
            weak.split_by_phrase([["a"]], phrase)


# --- mining --------------------------------------------------------------------------------------


def planted() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positives, easy negatives in a crowd, and a few hard ones close to the positives."""
    rng = np.random.default_rng(3)
    at = np.arange(1200)
    x = rng.normal(0, 0.4, (1200, 3))
    positive, hard = at < 30, (at >= 30) & (at < 40)
    x[positive] += (3, 1, 0)
    x[hard] += (3, -1, 0)
    return x, positive, hard


def test_mining_finds_the_hard_negatives_that_chance_misses() -> None:
    x, positive, hard = planted()
    mined = weak.mine(x, positive, ~positive, "dog", cost=1.0, seed=3)
    met = [set(n.tolist()) for n in mined.negatives]
    assert met[0] < met[1] < met[2]
    assert [len(m) for m in met] == [30, 60, 90]
    hard_ones = set(np.flatnonzero(hard).tolist())
    assert not met[0] & hard_ones, "chance meets none of ten among more than a thousand"
    assert len(met[1] & hard_ones) >= 5, "mining meets most of them at once"
    wrong = [(svm.decisions(x[hard])[:, 1] > 0).mean() for svm in mined.rounds]
    assert wrong[0] > 0.6
    assert wrong[2] < 0.2
    assert mined.svm is mined.rounds[-1]


def test_the_hardest_are_counted_on_paper() -> None:
    found = weak.hardest([9, 1, 8, 7, 2], [False, True, True, True, True], [3], 3)
    assert found.tolist() == [2, 4, 1]
    assert weak.hardest([1, 2], [True, False], [], 5).tolist() == [0]


def test_average_precision_agrees_with_scikit_learn() -> None:
    from sklearn.metrics import average_precision_score

    rng = np.random.default_rng(0)
    scores, right = rng.random(60), rng.random(60) < 0.3
    assert weak.average_precision(scores, right) == pytest.approx(
        average_precision_score(right, scores)
    )
    assert weak.average_precision([2, 1], [False, True]) == 0.5


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda x, p: weak.mine(x, p[:5], ~p), "one entry for each"),
        (lambda x, p: weak.mine(x, p, p), "on both sides"),
        (lambda x, p: weak.mine(x, p, np.zeros_like(p)), "0 negatives"),
        (lambda x, p: weak.mine(x, p, ~p, rounds=0), "at least 1"),
        (lambda x, p: weak.average_precision([1.0], [False]), "no positive"),
        (lambda x, p: weak.average_precision([1.0, 2.0], [True]), "must match"),
        (lambda x, p: weak.box_agreement([], [], agrees=0), "above 0"),
        (lambda x, p: weak.fit_answerer(["a"], ["b"], [[1.0], [2.0]]), "as many questions"),
        (lambda x, p: weak.fit_answerer(["a", "c"], ["b", "b"], [[1.0], [2.0]]), "at least two"),
        (lambda x, p: weak.kept_features("dogs"), "must be one of"),
    ],
)
def test_errors_say_what_to_do(call: object, word: str) -> None:
    x, positive, _ = planted()
    with pytest.raises(ValueError, match=word):
        call(x, positive)  # type: ignore[operator]


# --- words on signs ------------------------------------------------------------------------------


def test_boxes_of_a_map_stand_in_pixels_of_the_picture() -> None:
    cells = np.zeros((4, 4))
    cells[1, 2] = 1.0
    (box,) = weak.boxes_in(cells, 32, 0.5)
    assert (box[0] + box[2]) / 2 == pytest.approx(2.5 * 8, abs=0.6)
    assert (box[1] + box[3]) / 2 == pytest.approx(1.5 * 8, abs=0.6)
    assert len(weak.boxes_in(-cells, 32)) == 0


def test_each_true_box_is_taken_once_and_the_best_pair_first() -> None:
    one, near, far = [0, 0, 10, 10], [0, 0, 10, 8], [50, 50, 60, 60]
    told = weak.box_agreement([[near, one], [far]], [[one], []])
    assert (told.found, told.true, told.right) == (3, 1, 1)
    assert told.precision == pytest.approx(1 / 3)
    assert told.recall == 1.0
    # 8 of 10 agree at .8 and not above it.
    assert weak.box_agreement([[near]], [[one]], 0.8).right == 1
    assert weak.box_agreement([[near]], [[one]], 0.81).right == 0
    assert np.isnan(weak.box_agreement([[]], [[]]).precision)
    with pytest.raises(ValueError, match="zip"):
        weak.box_agreement([[]], [[], []])


def test_areas_are_counted_on_paper() -> None:
    found, true = weak.filled([[[0, 0, 4, 2], [0, 0, 2, 4]]], 4), weak.filled([[[0, 0, 2, 2]]], 4)
    assert found.sum() == 12, "what two boxes share counts once"
    assert weak.area_agreement(found, true) == (4 / 12, 1.0)
    nothing = np.zeros_like(found)
    assert np.isnan(weak.area_agreement(nothing, true)[0])
    assert weak.area_agreement(nothing, true)[1] == 0
    with pytest.raises(ValueError, match="one shape"):
        weak.area_agreement(found, nothing[:, :2])


# --- a question ----------------------------------------------------------------------------------


def test_questions_are_answered_by_the_captions_and_by_what_is_there() -> None:
    kinds = set()
    for i in range(40):
        scene = world.Scenes(length=40).scene(i)
        told = world.captions(scene)
        for question, answer in weak.questions(scene):
            words = question.split()
            if question.startswith("is there"):
                assert (" ".join(words[3:]) in scene.kinds) == (answer == "yes")
            elif question.startswith("what colour"):
                (thing,) = [t for t in scene.things if t.kind == " ".join(words[4:])]
                assert answer == weak.colour_name(thing.colours[0])
            else:
                asked = question.split(" the ")[1]
                assert any(asked in phrase and answer in phrase for phrase in told)
            kinds.add(" ".join(words[:3]) if words[0] == "what" else words[0])
    assert kinds == {"is", "where", "what colour is", "what is on", "what is beside", "what is in"}


def test_colours_have_everyday_names() -> None:
    from camkit.world import palette

    known = {"red": (0.8, 0.1, 0.1), "orange": (0.95, 0.6, 0.2), "yellow": (0.95, 0.85, 0.3),
             "green": palette.LEAF, "blue": (0.2, 0.4, 0.8), "purple": (0.5, 0.3, 0.7),
             "pink": palette.ROSE, "brown": palette.WOOD, "white": palette.WHITE,
             "grey": (0.6, 0.6, 0.62), "black": (0.1, 0.1, 0.1)}  # fmt: skip
    assert {weak.colour_name(c) for c in known.values()} == set(known)
    assert all(weak.colour_name(c) == name for name, c in known.items())


def fitted(picture: bool = True) -> weak.Answerer:
    """Dogs are in the snow or on the sand, as unit 0 says; a cat is always on the sand."""
    asked = ["where is the dog"] * 6 + ["where is the cat"] * 2
    answers = ["in the snow", "on the sand"] * 3 + ["on the sand"] * 2
    features = np.zeros((8, 64))
    features[[0, 2, 4], 0], features[[1, 3, 5, 6, 7], 5] = 2.0, 1.0
    return weak.fit_answerer(asked, answers, features, cost=10, picture=picture)


def test_the_control_never_sees_the_picture() -> None:
    net, blind = fitted(), fitted(picture=False)
    snow, sand = np.zeros((1, 64)), np.zeros((1, 64))
    snow[0, 0], sand[0, 5] = 2.0, 1.0
    assert net.answer(["where is the dog"] * 2, np.vstack([snow, sand])) == [
        "in the snow",
        "on the sand",
    ]
    assert (blind.unit_weights == 0).all()
    both = blind.scores(["where is the dog"] * 2, np.vstack([snow, sand]))
    assert (both[0] == both[1]).all()


def test_the_map_of_an_answer_is_the_same_whatever_is_asked() -> None:
    net, picture = fitted(), world.scene_of("dog", "snow", seed=1).draw(128).image
    told = [net.asked(NET, q).explain(picture, classes="all") for q in ("where is the dog", "")]
    assert torch.equal(told[0].maps, told[1].maps)
    assert not torch.allclose(told[0].scores, told[1].scores)
    features = transfer.pooled_features(NET, picture[None], progress=False)
    expected = net.scores(["where is the dog"], features)
    assert np.allclose(told[0].scores.numpy(), expected, atol=1e-3)


def test_more_than_two_answers_are_scored_alike_by_both_ways() -> None:
    rng = np.random.default_rng(1)
    asked = [f"what is {w}" for w in "abcdef"] * 5
    answers = [("x", "y", "z")[i % 3] for i in range(30)]
    net = weak.fit_answerer(asked, answers, rng.normal(size=(30, 4)))
    assert net.scores(asked[:2], np.zeros((2, 4))).shape == (2, 3)
    assert net.bag("what is a a dog").sum() == 3, "a word counts once, an unknown one not at all"


# --- features that come with camkit --------------------------------------------------------------


@pytest.mark.parametrize("name", weak.KEPT)
def test_kept_features_are_those_of_their_pictures(name: str) -> None:
    rows, ds = weak.kept_features(name), weak.KEPT[name]
    assert len(rows) == len(ds)
    some = [0, 1, len(ds) // 2, len(ds) - 1]
    again = transfer.pooled_features(NET, ds.arrays(some, progress=False)[0], progress=False)
    assert np.abs(again - rows[some]).max() < 0.01 * np.abs(rows).max()


def test_a_detector_of_words_hardly_needs_more_than_blank_boards_and_is_fooled_by_marks() -> None:
    labels = np.arange(600) % 2
    svm = transfer.fit_svm(weak.kept_features("signs"), labels, world.Signs().names, costs=[0.03])
    test = np.arange(200) % 2
    assert svm.accuracy(weak.kept_features("signs-test"), test) > 0.88
    marks = weak.kept_features("marks-test")[::2]
    assert (svm.predict(marks) == 1).mean() > 0.6
