"""The checks of notebook 04, training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy import stats
from torch import Tensor

from camkit.check.core import Check, Problem, Verdict, Wrong, tensor, values

Floats = npt.NDArray[np.float64]

# --- what reaches a cell ------------------------------------------------------------------------


def _gradient(f: Tensor, kind: str) -> Tensor:
    """1/(h w) in every cell, or 1 in the highest cell of each map."""
    if kind == "average":
        return torch.full_like(f, 1 / (f.shape[2] * f.shape[3]))
    return (f == f.amax((2, 3), keepdim=True)).to(f)


def _cases() -> list[tuple[Tensor, str]]:
    draw = torch.Generator().manual_seed(401)
    shapes = ((1, 3, 4, 6), (3, 5, 5, 3), (2, 4, 3, 3))
    drawn = [torch.randn(s, generator=draw, dtype=torch.float64) for s in shapes]
    drawn[1] = drawn[1].float()
    drawn.append(-drawn[0].abs() - 0.5)  # negative everywhere: the highest is still one cell
    return [(f, kind) for f in drawn for kind in ("average", "max")]


def _kinds(average: Callable[[Tensor], Tensor], maximum: Callable[[Tensor], Tensor]) -> Any:
    return lambda f, kind: average(f) if kind == "average" else maximum(f)


def _right_average(f: Tensor) -> Tensor:
    return _gradient(f, "average")


def _right_max(f: Tensor) -> Tensor:
    return _gradient(f, "max")


def _judge_gradient(answer: Any, f: Tensor, kind: str) -> Problem | None:
    """Against autograd on a copy: the sum over pictures and units of the pooled values."""
    leaf = f.double().clone().requires_grad_()
    pooled = leaf.mean((2, 3)) if kind == "average" else leaf.amax((2, 3))
    (expected,) = torch.autograd.grad(pooled.sum(), leaf)
    return values(answer, expected, ("picture", "unit", "row", "column"), of=f'for "{kind}", it')


CELL_GRADIENT = Check(
    "cell_gradient",
    _cases,
    _judge_gradient,
    (
        Wrong(
            "ones for the average",
            _kinds(torch.ones_like, _right_max),
            "Maximum is right. For the average you gave every cell 1, as if it were a sum: "
            "1/(h w) of a change reaches the mean.",
        ),
        Wrong(
            "number of values for number of cells",
            _kinds(lambda f: torch.full_like(f, 1 / f.numel()), _right_max),
            "Maximum is right. For the average you divided by all values of the batch: each map "
            "is pooled by itself, so only its own h w cells share.",
        ),
        Wrong(
            "height squared",
            _kinds(lambda f: torch.full_like(f, 1 / f.shape[2] ** 2), _right_max),
            "Maximum is right. A map need not be square: the number of its cells is h times w.",
        ),
        Wrong(
            "the activation itself",
            _kinds(
                _right_average,
                lambda f: torch.where(f == f.amax((2, 3), keepdim=True), f, torch.zeros_like(f)),
            ),
            "The place is right. A derivative is how fast the pooled value follows the cell: 1 in "
            "the highest cell, not its activation.",
        ),
        Wrong(
            "activations shared out",
            _kinds(lambda f: f / (f.shape[2] * f.shape[3]), _right_max),
            "For the average you returned the cells' own values, shared out. The derivative does "
            "not depend on what a cell holds.",
        ),
        Wrong(
            "maximum over the batch",
            _kinds(_right_average, lambda f: (f == f.max()).to(f)),
            "The average is right. For the maximum each map has its own highest cell; you took "
            "the highest of the whole batch.",
        ),
        Wrong(
            "maximum over units",
            _kinds(_right_average, lambda f: (f == f.amax((1, 2, 3), keepdim=True)).to(f)),
            "The average is right. For the maximum each unit has its own highest cell; you took "
            "the highest over all units of a picture.",
        ),
        Wrong(
            "maximum over one side",
            _kinds(_right_average, lambda f: (f == f.amax(3, keepdim=True)).to(f)),
            "The average is right. For the maximum you have one cell in every row; it must be one "
            "in every map.",
        ),
        Wrong(
            "the same for both",
            lambda f, kind: _right_average(f),
            "You gave both kinds the average's derivative: look at kind.",
        ),
        Wrong(
            "positive cells",
            _kinds(_right_average, lambda f: (f > 0).to(f)),
            "The average is right. You marked every positive cell; the maximum follows one only.",
        ),
    ),
)


def cell_gradient(attempt: Callable[..., Any]) -> Verdict:
    """Check ``cell_gradient(features, kind)``: d pooled / d cell, as large as the features.

    >>> def answer(f, kind):
    ...     if kind == "average":
    ...         return torch.full_like(f, 1 / (f.shape[2] * f.shape[3]))
    ...     return (f == f.amax((2, 3), keepdim=True)).to(f)
    >>> cell_gradient(answer)
    passed on 8 hidden inputs.
    """
    return CELL_GRADIENT(attempt)


# --- an interval that keeps its promise ---------------------------------------------------------

TABLES = 500
CLAIM = 0.95
_STUDENT = (
    "Nearly. With few runs their spread is itself uncertain: take the quantile of Student's t "
    "with n - 1 degrees of freedom, not "
)


class _OfTables:
    """An attempt that takes one table, seen as a function of many, ``(R, n)`` to ``(R, 2)``."""

    def __init__(self, attempt: Callable[..., Any]) -> None:
        self.attempt = attempt
        self.__code__ = getattr(attempt, "__code__", None)  # where an error is looked for

    def __call__(self, gap: Floats, gmp: Floats, truth: float) -> Any:
        ends = []
        for a, b in zip(gap, gmp, strict=True):
            answer = self.attempt(a, b)
            if answer is None or answer is Ellipsis:
                return answer
            read = _ends(answer)
            if isinstance(read, Problem):
                return read
            ends.append(read)
        return np.array(ends)


def _ends(answer: Any) -> tuple[float, float] | Problem:
    two = "return two numbers: the lower and the upper end of the interval."
    if isinstance(answer, (np.ndarray, Tensor)) and answer.shape == (2,):
        answer = tuple(answer.tolist())
    if not isinstance(answer, (tuple, list)) or len(answer) != 2:
        return Problem("wrong type", two)
    read = [tensor(end, "an end of the interval") for end in answer]
    if isinstance(read[0], Problem) or isinstance(read[1], Problem):
        return next(r for r in read if isinstance(r, Problem))
    if read[0].numel() != 1 or read[1].numel() != 1:
        return Problem("wrong shape", two)
    return read[0].item(), read[1].item()


def _interval(
    d: Floats, error: Floats | None = None, quantile: float | None = None, centre: float = 1.0
) -> Floats:
    """Mean of the differences ``(R, n)``, plus and minus a quantile times an error."""
    n = d.shape[1]
    wide = d.std(1, ddof=1) / np.sqrt(n) if error is None else error
    q = stats.t.ppf(0.5 + CLAIM / 2, n - 1) if quantile is None else quantile
    middle = centre * d.mean(1)
    return np.stack([middle - q * wide, middle + q * wide], axis=1)


def _unpaired(gap: Floats, gmp: Floats, truth: float) -> Floats:
    n = gap.shape[1]
    error = np.sqrt((gap.var(1, ddof=1) + gmp.var(1, ddof=1)) / n)
    return _interval(gap - gmp, error, float(stats.t.ppf(0.5 + CLAIM / 2, 2 * n - 2)))


def _tables() -> list[tuple[Floats, Floats, float]]:
    """Many tables of runs with a known difference: few and many runs, the seed mattering or not."""
    rng = np.random.default_rng(411)
    drawn = []
    # runs, true difference, spread that both heads share, spread of each on its own
    for n, truth, shared, own in ((5, 0.12, 0.06, 0.02), (20, 0.0, 0.03, 0.03), (7, -0.3, 0, 0.1)):
        seed = rng.normal(0.6, shared, (TABLES, n))
        gap = seed + truth + rng.normal(0, own, (TABLES, n))
        drawn.append((gap, seed + rng.normal(0, own, (TABLES, n)), truth))
    return drawn


def _judge_interval(answer: Any, gap: Floats, gmp: Floats, truth: float) -> Problem | None:
    """Order and finiteness, then how often the truth is inside, then the ends themselves."""
    if isinstance(answer, Problem):
        return answer
    ends = np.asarray(answer, dtype=np.float64)
    if not np.isfinite(ends).all():
        return Problem("wrong values", "an end of the interval is NaN or infinite.")
    if (ends[:, 0] > ends[:, 1]).any():
        return Problem("wrong values", "the lower end must come first, and lie below the upper.")
    inside = float(((ends[:, 0] <= truth) & (truth <= ends[:, 1])).mean())
    told = (
        f"in {len(ends)} tables of {gap.shape[1]} runs with a known difference the interval held "
        f"it in {inside:.1%}, and it claims {CLAIM:.0%}"
    )
    expected = _interval(gap - gmp)
    width, wanted = float(np.diff(ends).mean()), float(np.diff(expected).mean())
    # A quantile read from a table has three or four figures.
    if np.abs(ends - expected).max() <= 0.003 * wanted:
        return None
    return Problem(
        "wrong values", f"{told}; its mean width is {width:.3g}, and {wanted:.3g} would do."
    )


PAIRED_INTERVAL = Check(
    "paired_interval",
    _tables,
    _judge_interval,
    (
        Wrong(
            "standard deviation for standard error",
            lambda a, b, t: _interval(a - b, (a - b).std(1, ddof=1)),
            "You took the standard deviation of the runs. The mean of n runs is known better than "
            "one run: divide by the root of n.",
        ),
        Wrong(
            "normal quantile",
            lambda a, b, t: _interval(a - b, quantile=float(stats.norm.ppf(0.5 + CLAIM / 2))),
            _STUDENT + "of the normal distribution.",
        ),
        Wrong(
            "normal quantile 1.96",
            lambda a, b, t: _interval(a - b, quantile=1.96),
            _STUDENT + "of the normal distribution.",
        ),
        Wrong(
            "quantile 2",
            lambda a, b, t: _interval(a - b, quantile=2.0),
            _STUDENT + "2.",
        ),
        Wrong(
            "unpaired",
            _unpaired,
            "You treated the two heads as unrelated runs. Row i of both has the same seed: take "
            "the difference of each row first.",
        ),
        Wrong(
            "degrees of freedom n",
            lambda a, b, t: _interval(
                a - b, quantile=float(stats.t.ppf(0.5 + CLAIM / 2, a.shape[1]))
            ),
            "Nearly. The mean was taken from the same n runs, so n - 1 degrees of freedom remain.",
        ),
        Wrong(
            "divided by n",
            lambda a, b, t: _interval(a - b, (a - b).std(1) / np.sqrt(a.shape[1])),
            "Nearly. NumPy's std divides by n; a spread estimated from n runs divides by n - 1: "
            "std(ddof=1).",
        ),
        Wrong(
            "one-sided quantile",
            lambda a, b, t: _interval(a - b, quantile=float(stats.t.ppf(CLAIM, a.shape[1] - 1))),
            "Nearly. The interval may miss on either side, so 2.5 % are left on each: the quantile "
            "is that of 0.975.",
        ),
        Wrong(
            "divided by n, not its root",
            lambda a, b, t: _interval(a - b, (a - b).std(1, ddof=1) / a.shape[1]),
            "You divided the standard deviation by n; the standard error divides by its root.",
        ),
        Wrong(
            "turned round",
            lambda a, b, t: _interval(b - a),
            "The sign is turned: gap minus gmp is positive where average pooling is better.",
        ),
        Wrong(
            "percentiles of the runs",
            lambda a, b, t: np.quantile(a - b, [0.025, 0.975], axis=1).T,
            "You gave the range of single runs. Asked is how well their mean is known.",
        ),
    ),
)


def paired_interval(attempt: Callable[..., Any]) -> Verdict:
    """Check ``paired_interval(gap, gmp)``: the 95 % interval of the mean difference, (low, high).

    >>> def answer(gap, gmp):
    ...     d = gap - gmp
    ...     half = stats.t.ppf(0.975, len(d) - 1) * d.std(ddof=1) / len(d) ** 0.5
    ...     return d.mean() - half, d.mean() + half
    >>> paired_interval(answer)
    passed on 3 hidden inputs.
    """
    return PAIRED_INTERVAL(_OfTables(attempt) if callable(attempt) else attempt)
