"""The checks of lesson 04: gradients however they are found, and intervals that keep their word."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from camkit import check
from camkit.check import nb04

Answer = Callable[..., Any]


# --- cell_gradient -------------------------------------------------------------------------------


def by_autograd(features: Tensor, kind: str) -> Tensor:
    leaf = features.clone().requires_grad_()
    pooled = leaf.mean(dim=(2, 3)) if kind == "average" else leaf.flatten(2).max(dim=2).values
    pooled.sum().backward()  # type: ignore[no-untyped-call]
    assert leaf.grad is not None
    return leaf.grad


def by_loop(features: Tensor, kind: str) -> Tensor:
    B, K, h, w = features.shape
    out = torch.zeros(B, K, h, w)
    for b in range(B):
        for k in range(K):
            if kind == "average":
                out[b, k] += 1 / h / w
            else:
                out[b, k].view(-1)[features[b, k].argmax()] = 1
    return out


def with_numpy(features: Tensor, kind: str) -> Any:
    f = features.numpy()
    flat = f.reshape(*f.shape[:2], -1)
    if kind == "average":
        return np.full(f.shape, 1 / flat.shape[2])
    return np.eye(flat.shape[2])[flat.argmax(axis=2)].reshape(f.shape)


@pytest.mark.parametrize("answer", [by_autograd, by_loop, with_numpy])
def test_right_gradients_pass(answer: Answer) -> None:
    assert check.cell_gradient(answer).passed, check.cell_gradient(answer)


@pytest.mark.parametrize(
    ("answer", "kind", "advice"),
    [
        # As a learner would write them, not as the check does.
        (
            lambda f, kind: f * 0 + 1 / f[0].numel() if kind == "average" else by_loop(f, kind),
            "wrong values",
            "",
        ),
        (
            lambda f, kind: f * 0 + 1 if kind == "average" else by_loop(f, kind),
            "wrong values",
            "as if it were a sum",
        ),
        (lambda f, kind: by_loop(f, kind) * f, "wrong values", ""),
        (lambda f, kind: f.mean((2, 3)), "wrong shape", ""),
        (lambda f, kind: by_loop(f, "avg"), "wrong values", ""),
        (
            lambda f, kind: by_loop(f, kind) if kind == "average" else f == f.amax(),
            "wrong type",
            "",
        ),
        (lambda f, kind: "1/hw", "wrong type", ""),
        (lambda f, kind: f.relu_(), "input changed", ""),
    ],
)
def test_wrong_gradients_do_not_pass(answer: Answer, kind: str, advice: str) -> None:
    verdict = check.cell_gradient(answer)
    assert verdict.kind == kind, verdict
    assert advice in verdict.advice


def test_hidden_features_are_rectangles_of_any_sign_without_ties() -> None:
    """A tie would have many right answers."""
    cases = nb04._cases()
    assert any(f.shape[2] != f.shape[3] for f, _ in cases)
    assert any((f < 0).all() for f, _ in cases)
    for f, _ in cases:
        top = f.flatten(2).topk(2).values
        assert (top[..., 0] > top[..., 1]).all()


# --- paired_interval -----------------------------------------------------------------------------


def on_foot(gap: Any, gmp: Any) -> Any:
    d = [a - b for a, b in zip(gap, gmp, strict=True)]
    mean = sum(d) / len(d)
    error = (sum((x - mean) ** 2 for x in d) / (len(d) - 1) / len(d)) ** 0.5
    reach = {5: 2.776, 7: 2.447, 20: 2.093}[len(d)] * error  # as printed in a table
    return mean - reach, mean + reach


def with_scipy(gap: Any, gmp: Any) -> Any:
    d = gap - gmp
    return stats.t.interval(0.95, len(d) - 1, loc=d.mean(), scale=stats.sem(d))


def by_test(gap: Any, gmp: Any) -> Any:
    return list(stats.ttest_rel(gap, gmp).confidence_interval(0.95))


@pytest.mark.parametrize("answer", [on_foot, with_scipy, by_test])
def test_right_intervals_pass(answer: Answer) -> None:
    assert check.paired_interval(answer).passed, check.paired_interval(answer)


def test_an_array_or_a_tensor_of_two_is_read_too() -> None:
    assert check.paired_interval(lambda a, b: np.array(with_scipy(a, b))).passed
    assert check.paired_interval(lambda a, b: torch.tensor(with_scipy(a, b))).passed


def shifted(a: Any, b: Any) -> Any:
    low, high = with_scipy(a, b)
    return low + 0.01, high + 0.01


@pytest.mark.parametrize(
    ("answer", "kind", "advice"),
    [
        (lambda a, b: stats.norm.interval(0.95, (a - b).mean(), stats.sem(a - b)), "", "Student"),
        (
            lambda a, b: stats.t.interval(0.95, len(a) - 1, (a - b).mean(), (a - b).std(ddof=1)),
            "",
            "divide by the root of n",
        ),
        (
            lambda a, b: list(stats.ttest_ind(a, b).confidence_interval(0.95)),
            "",
            "Row i of both has the same seed",
        ),
        (lambda a, b: stats.ttest_rel(a, b).confidence_interval(0.9), "", "0.975"),
        (lambda a, b: (b - a).mean() + np.array([-1, 1]) * 0.05, "", ""),
        (shifted, "", ""),
        (lambda a, b: (-1.0, 1.0), "", ""),
        (lambda a, b: (-np.inf, np.inf), "", ""),
        (lambda a, b: with_scipy(a, b)[::-1], "", ""),
        (lambda a, b: (a - b).mean(), "wrong type", ""),
        (lambda a, b: ("low", "high"), "wrong type", ""),
        (lambda a, b: (a - b, a + b), "wrong shape", ""),
        (lambda a, b: a.mean() / 0 if False else a.undefined(), "error", ""),
    ],
)
def test_wrong_intervals_do_not_pass(answer: Answer, kind: str, advice: str) -> None:
    verdict = check.paired_interval(answer)
    assert verdict.kind == (kind or "wrong values"), verdict
    assert advice in verdict.advice


def test_the_right_interval_keeps_its_word_on_the_hidden_tables_and_the_tempting_ones_do_not() -> (
    None
):
    """500 tables: a right interval misses 25 of them, give or take 5."""

    def held(make: Answer, at: int) -> float:
        gap, gmp, truth = nb04._tables()[at]
        ends = make(gap, gmp, truth)
        return float(((ends[:, 0] <= truth) & (truth <= ends[:, 1])).mean())

    wrong = {w.name: w.answer for w in nb04.PAIRED_INTERVAL.wrong}
    for at in range(3):
        assert held(lambda a, b, t: nb04._interval(a - b), at) == pytest.approx(0.95, abs=0.03)
    assert held(wrong["normal quantile"], 0) < 0.91
    assert held(wrong["standard deviation for standard error"], 0) > 0.98
    assert held(wrong["unpaired"], 0) > 0.98
    message = check.paired_interval(lambda a, b: (-1.0, 1.0)).message
    assert message.startswith("in 500 tables of 5 runs with a known difference")
    assert "held it in 100.0%" in message


def test_learners_arrays_stay_as_they_are() -> None:
    def spoil(a: Any, b: Any) -> Any:
        a -= b
        return a.mean(), a.mean()

    assert check.paired_interval(spoil).kind == "input changed"
