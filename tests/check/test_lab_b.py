"""The checks of lab B take right answers however they are written, and name what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from camkit import boxes, metrics
from camkit.check import lab_b

Answer = Callable[..., Any]


# --- part 1: fair_difference ---------------------------------------------------------------------


def answer(
    choose: Answer | None = None, paired: bool = True, which: str = "test", sign: int = 1
) -> Answer:
    """A right answer, or one with a single part exchanged."""

    def fair(a: Any, b: Any, tune: Any, test: Any) -> Any:
        columns = (
            choose(a, b, tune, test)
            if choose
            else [(one[tune] >= 0.5).mean(axis=0).argmax() for one in (a, b)]
        )
        there = test if which == "test" else tune
        hits = [one[there, k] >= 0.5 for one, k in zip((a, b), columns, strict=True)]
        rng, n = np.random.default_rng(1), int(there.sum())
        drawn = [rng.integers(0, n, (2000, n)) for _ in range(2)]
        second = drawn[0] if paired else drawn[1]
        gaps = sign * (hits[0][drawn[0]].mean(axis=1) - hits[1][second].mean(axis=1))
        gap = sign * (hits[0].mean() - hits[1].mean())
        return (gap, *np.percentile(gaps, [2.5, 97.5]))

    return fair


def by_the_normal_rule(a: Any, b: Any, tune: Any, test: Any) -> Any:
    k, m = ((one[tune] >= 0.5).sum(axis=0).argmax() for one in (a, b))
    d = (a[test, k] >= 0.5).astype(float) - (b[test, m] >= 0.5)
    half = stats.norm.ppf(0.975) * d.std() / len(d) ** 0.5
    return np.array([d.mean(), d.mean() - half, d.mean() + half])


def best(iou: Any, rows: Any) -> int:
    return int((iou[rows] >= 0.5).mean(axis=0).argmax())


@pytest.mark.parametrize("right", [answer(), by_the_normal_rule])
def test_fair_differences_pass(right: Answer) -> None:
    assert lab_b.fair_difference(right).passed, lab_b.fair_difference(right)


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (answer(lambda a, b, t, s: (best(a, t), best(a, t))), "setting that suits a"),
        (answer(lambda a, b, t, s: (best(a, s), best(b, s))), "both settings on the test half"),
        (answer(lambda a, b, t, s: (best(a, t), best(b, s))), "one of the two settings"),
        (answer(which="tune"), "half that chose"),
        (answer(sign=-1), "sign is turned"),
        (answer(paired=False), "apart"),
        (lambda *g: tuple(100 * v for v in answer()(*g)), "not points"),
        (lambda *g: tuple(np.array(answer()(*g))[[0, 2, 1]]), "lower end comes first"),
    ],
)
def test_an_unfair_difference_gets_its_own_word(wrong: Answer, word: str) -> None:
    verdict = lab_b.fair_difference(wrong)
    assert verdict.kind == "wrong values", verdict
    assert word in verdict.advice


def test_other_differences_do_not_pass() -> None:
    assert lab_b.fair_difference(lambda *g: answer()(*g)[0]).kind == "wrong type"
    assert lab_b.fair_difference(lambda *g: answer()(*g)[:2]).kind == "wrong shape"
    assert lab_b.fair_difference(lambda *g: (0.1, 0.0, 0.2)).kind == "wrong values"
    assert lab_b.fair_difference(lambda *g: None).kind == "not attempted yet"


def test_the_hidden_methods_have_dials_of_their_own_and_share_their_pictures() -> None:
    for a, b, tune, test in lab_b._pairs():
        assert best(a, tune) != best(b, tune)
        hits = [one[test, best(one, tune)] >= 0.5 for one in (a, b)]
        assert np.corrcoef(*hits)[0, 1] > 0.4


# --- part 2: chance_of_reversal ------------------------------------------------------------------


def by_ranks(a: Any, b: Any) -> float:
    """Mann and Whitney's U counts exactly these pairs."""
    return float(stats.mannwhitneyu(b, a).statistic / (len(a) * len(b)))


@pytest.mark.parametrize(
    "right",
    [by_ranks, lambda a, b: np.mean([(y > x) + (y == x) / 2 for x in a for y in b])],
)
def test_chances_pass(right: Answer) -> None:
    assert lab_b.chance_of_reversal(right).passed, lab_b.chance_of_reversal(right)


def test_the_first_table_is_worked_out_on_paper() -> None:
    """Of 12 pairs b is ahead in .8>.7, .85>.7, .85>.8 twice; .8 meets .8 twice."""
    assert by_ranks(*lab_b._runs()[0]) == pytest.approx((4 + 2 / 2) / 12)


@pytest.mark.parametrize("wrong", lab_b.CHANCE_OF_REVERSAL.wrong, ids=lambda w: w.name)
def test_a_wrong_chance_gets_its_own_word(wrong: Any) -> None:
    verdict = lab_b.chance_of_reversal(wrong.answer)
    assert verdict.kind == "wrong values"
    # Ties left out and ties counted whole have one advice.
    assert verdict.advice == wrong.advice


# --- part 3: five_guesses ------------------------------------------------------------------------


def by_hand(candidates: Any) -> Any:
    guesses = []
    for rank, count in ((0, 2), (1, 2), (2, 1)):
        rows = np.array(candidates[rank])
        order = (-(rows[:, 2] - rows[:, 0]) * (rows[:, 3] - rows[:, 1])).argsort()
        picked = [rows[i].tolist() for i in order[:count]]
        guesses += picked + [[float("nan")] * 4] * (count - len(picked))
    return [0, 0, 1, 1, 2], guesses


@pytest.mark.parametrize("right", [by_hand, boxes.five_guesses])
def test_five_guesses_pass(right: Answer) -> None:
    assert lab_b.five_guesses(right).passed, lab_b.five_guesses(right)


@pytest.mark.parametrize("wrong", lab_b.FIVE_GUESSES.wrong, ids=lambda w: w.name)
def test_wrong_guesses_do_not_pass(wrong: Any) -> None:
    verdict = lab_b.five_guesses(wrong.answer)
    assert verdict.kind == "wrong values", verdict


@pytest.mark.parametrize(
    ("change", "kind", "word"),
    [
        (lambda r, g: g, "wrong type", "two things"),
        (lambda r, g: ([0, 1, 2, 0, 1], g), "wrong values", "ranks"),
        (lambda r, g: (r, g[:4]), "wrong shape", "(5, 4)"),
        (lambda r, g: (r, np.nan_to_num(np.array(g))), "wrong values", "no tight"),
        (lambda r, g: (r, np.array(g) + 1), "wrong values", "guess 0"),
    ],
)
def test_other_guesses_do_not_pass(change: Answer, kind: str, word: str) -> None:
    verdict = lab_b.five_guesses(lambda candidates: change(*by_hand(candidates)))
    assert verdict.kind == kind, verdict
    assert word in verdict.message


# --- part 4: corrector ---------------------------------------------------------------------------


def by_normal_equations(found: Any, truth: Any) -> Any:
    x = np.hstack([found, np.ones((len(found), 1))])
    return np.linalg.solve(x.T @ x, x.T @ truth)


@pytest.mark.parametrize(
    "right",
    [
        by_normal_equations,
        lambda f, t: np.linalg.pinv(np.column_stack([f, np.ones(len(f))])) @ t,
    ],
)
def test_correctors_pass(right: Answer) -> None:
    assert lab_b.corrector(right).passed, lab_b.corrector(right)


def test_a_corrector_undoes_what_was_done() -> None:
    """The first hidden boxes are exactly an affine change of the true ones."""
    found, truth = lab_b._drawn_and_true()[0]
    moved = np.column_stack([found, np.ones(len(found))]) @ by_normal_equations(found, truth)
    assert np.allclose(moved, truth)
    assert metrics.iou(moved, truth).diagonal().min() > 0.999
    assert metrics.iou(found, truth).diagonal().max() < 0.9


@pytest.mark.parametrize("wrong", lab_b.CORRECTOR.wrong, ids=lambda w: w.name)
def test_a_wrong_corrector_gets_its_own_word(wrong: Any) -> None:
    verdict = lab_b.corrector(wrong.answer)
    assert verdict.kind == "wrong values", verdict
    assert verdict.advice == wrong.advice


def test_other_correctors_do_not_pass() -> None:
    assert lab_b.corrector(lambda f, t: by_normal_equations(f, t).T).kind == "wrong shape"
    assert lab_b.corrector(lambda f, t: by_normal_equations(f, t) * np.nan).kind == "wrong values"
    assert lab_b.corrector(lambda f, t: t).kind == "wrong shape"
    assert lab_b.corrector(lambda f, t: ...).kind == "not attempted yet"
