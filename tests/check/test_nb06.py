"""The checks of lesson 06 take right answers however they are written, and name what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from camkit import check, metrics
from camkit.check import nb06

Answer = Callable[..., Any]


# --- localization_errors -------------------------------------------------------------------------


def by_loops(classes: Any, boxes: Any, labels: Any, truths: Any, known: Any) -> Any:
    """With an overlap written out, and no library."""

    def agree(a: Any, b: Any) -> bool:
        wide = min(a[2], b[2]) - max(a[0], b[0])
        high = min(a[3], b[3]) - max(a[1], b[1])
        if not (wide > 0 and high > 0):
            return False
        area = [(c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)]
        return bool(2 * wide * high >= sum(area) - wide * high)

    top1 = top5 = told = 0
    for i, label in enumerate(labels):
        right = [
            c == label and any(agree(b, t) for t in truths[i])
            for c, b in zip(classes[i], boxes[i], strict=True)
        ]
        top1, top5 = top1 + right[0], top5 + any(right)
        told += any(agree(known[i], t) for t in truths[i])
    n = len(labels)
    return 1 - top1 / n, 1 - top5 / n, 1 - told / n


def by_the_package(classes: Any, boxes: Any, labels: Any, truths: Any, known: Any) -> Any:
    found = metrics.localization_errors(classes, boxes, labels, truths, known)
    assert found.known is not None
    return np.array([found.top1, found.top5, found.known]) / 100


@pytest.mark.parametrize("answer", [by_loops, by_the_package])
def test_right_errors_pass(answer: Answer) -> None:
    assert check.localization_errors(answer).passed, check.localization_errors(answer)


def test_the_first_hidden_pictures_are_worked_out_on_paper() -> None:
    """Picture 0 is right at once, 2 at the third guess; given the class 0 and 2 are right."""
    assert by_loops(*nb06._on_paper()) == (0.75, 0.5, 0.5)
    assert by_the_package(*nb06._on_paper()).tolist() == [0.75, 0.5, 0.5]


def test_the_hidden_pictures_are_those_the_lesson_promises() -> None:
    classes, boxes, labels, truths, _ = nb06._on_paper()
    assert max(map(len, truths)) == 2
    assert metrics.iou(boxes[0, 0], truths[0]).max() == 0.5
    assert classes[1, 0] != labels[1]
    assert metrics.iou(boxes[1, 0], truths[1]).max() == 1
    for seed, count in ((61, 40), (62, 97)):
        given = nb06._drawn(seed, count)
        named, _, _ = nb06._parts(given)
        top1, top5, _ = by_loops(*given)
        assert 1 - named[:, 0].mean() <= top1
        assert 1 - named.any(axis=1).mean() <= top5 <= top1
        assert all(0.1 < error < 0.9 for error in by_loops(*given))


@pytest.mark.parametrize("wrong", nb06.LOCALIZATION_ERRORS.wrong, ids=lambda w: w.name)
def test_every_known_wrong_answer_gets_its_own_word(wrong: Any) -> None:
    verdict = check.localization_errors(wrong.answer)
    assert verdict.kind == "wrong values"
    assert verdict.advice == wrong.advice


@pytest.mark.parametrize(
    ("change", "kind", "word"),
    [
        (lambda e: tuple(100 * v for v in e), "wrong values", "percent"),
        (lambda e: e[:2], "wrong shape", "got 2"),
        (lambda e: e[0], "wrong type", "return 3 numbers"),
        (lambda e: (e[1], e[0], e[2]), "wrong values", "top-1"),
        (lambda e: (e[0], e[1], float("nan")), "wrong values", "NaN"),
        (lambda e: (e[0], e[1], np.array([e[2], e[2]])), "wrong shape", "one number"),
        (lambda e: (e[0], e[1], "few"), "wrong type", "tensor"),
        (lambda e: ..., "not attempted yet", "dots"),
    ],
)
def test_other_wrong_errors_do_not_pass(change: Answer, kind: str, word: str) -> None:
    verdict = check.localization_errors(lambda *given: change(by_loops(*given)))
    assert verdict.kind == kind, verdict
    assert word in verdict.message


# --- tune_then_test ------------------------------------------------------------------------------


def answer(
    choose: Answer | None = None,
    report: Answer | None = None,
    ends: tuple[float, float] = (2.5, 97.5),
    which: str = "test",
    size: Answer = len,
) -> Answer:
    """A right answer, or one with a single part exchanged."""

    def tuned(iou: Any, thresholds: Any, tune: Any, test: Any) -> Any:
        right = iou >= 0.5
        k = choose(iou, tune, test) if choose else right[tune].mean(axis=0).argmax()
        hits = right[test if which == "test" else tune, k]
        rng = np.random.default_rng(0)
        means = [rng.choice(hits, size(hits)).mean() for _ in range(2000)]
        share = report(iou, tune, test, k) if report else right[test, k].mean()
        low, high = np.percentile(means, ends)
        return thresholds[k], share, low, high

    return tuned


def by_hand(iou: Any, thresholds: Any, tune: Any, test: Any) -> Any:
    """Without the random numbers of NumPy, and with a list of rows."""
    import random

    share = [np.mean([row[k] >= 0.5 for row in iou[tune]]) for k in range(len(thresholds))]
    best = max(range(len(thresholds)), key=lambda k: share[k])
    hits = [bool(row[best] >= 0.5) for row in iou[test]]
    draw = random.Random(1)
    means = sorted(sum(draw.choices(hits, k=len(hits))) / len(hits) for _ in range(1000))
    return float(thresholds[best]), sum(hits) / len(hits), means[25], means[974]


@pytest.mark.parametrize("right", [answer(), by_hand])
def test_right_choices_pass(right: Answer) -> None:
    assert check.tune_then_test(right).passed, check.tune_then_test(right)


def test_the_halves_disagree_and_the_last_case_alters_the_test_half_alone() -> None:
    (iou, _, tune, test), second, (other, *_) = nb06._tables()
    assert not (tune & test).any()
    assert (iou[tune] == other[tune]).all()
    assert (iou[test] != other[test]).any()
    for one, thresholds, a, b in (nb06._tables()[0], second):
        best = [thresholds[(one[half] >= 0.5).mean(axis=0).argmax()] for half in (a, b)]
        assert abs(best[0] - best[1]) > 0.1


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (answer(lambda i, a, b: (i[b] >= 0.5).mean(0).argmax()), "chose on the test half"),
        (answer(lambda i, a, b: (i >= 0.5).mean(0).argmax()), "chose on all pictures"),
        (answer(report=lambda i, a, b, k: (i[b] >= 0.5).any(1).mean()), "oracle"),
        (answer(report=lambda i, a, b, k: (i[b] >= 0.5).mean()), "averaged over"),
        (answer(report=lambda i, a, b, k: (i[b] >= 0.5).mean(0).max()), "best threshold of"),
        (answer(report=lambda i, a, b, k: (i[a, k] >= 0.5).mean()), "half that chose"),
        (answer(report=lambda i, a, b, k: (i[:, k] >= 0.5).mean()), "all pictures"),
        (answer(report=lambda i, a, b, k: (i[b, k] > 0.5).mean()), ">=, not >"),
        (answer(report=lambda i, a, b, k: i[b, k].mean()), "mean IoU"),
        (answer(report=lambda i, a, b, k: 100 * (i[b, k] >= 0.5).mean()), "not percent"),
        (answer(report=lambda i, a, b, k: (i[b, k] < 0.5).mean()), "the error"),
        (answer(which="tune"), "tuning half"),
        (answer(ends=(16, 84)), "one standard error"),
        (answer(ends=(5, 95)), "5 % left out on each"),
        (answer(ends=(97.5, 2.5)), "lower end comes first"),
        (answer(size=lambda hits: 1), "single pictures"),
    ],
)
def test_a_wrong_choice_gets_its_own_word(wrong: Answer, word: str) -> None:
    verdict = check.tune_then_test(wrong)
    assert verdict.kind == "wrong values", verdict
    assert word in verdict.advice


@pytest.mark.parametrize(
    ("wrong", "kind", "word"),
    [
        (lambda *g: answer()(*g)[:2], "wrong shape", "got 2"),
        (lambda *g: (7, *answer()(*g)[1:]), "wrong values", "none of those given"),
        (lambda *g: (*answer()(*g)[:2], 0.0, 0.0), "wrong values", "the interval should be"),
        (lambda *g: answer(size=lambda h: 10)(*g), "wrong values", "the interval should be"),
        (lambda *g: 0.2, "wrong type", "4 numbers"),
        (lambda *g: None, "not attempted yet", "dots"),
    ],
)
def test_other_wrong_choices_do_not_pass(wrong: Answer, kind: str, word: str) -> None:
    verdict = check.tune_then_test(wrong)
    assert verdict.kind == kind, verdict
    assert word in verdict.message
