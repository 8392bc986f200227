"""The checks of lab B, fair comparison."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from camkit import boxes
from camkit.check.core import Check, Problem, Verdict, Wrong, tensor, values
from camkit.check.nb06 import RIGHT, numbers

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Candidates: TypeAlias = "list[list[list[float]]]"


# --- part 1: fair_difference ---------------------------------------------------------------------

SAMPLES = 4000


def _pairs() -> list[tuple[Floats, Floats, Bools, Bools]]:
    """Two methods on the same pictures: hard ones are hard for both, each has its own dial."""
    cases = []
    for seed, few, many, columns in ((81, 200, 600, 12), (82, 150, 500, 20)):
        rng = np.random.default_rng(seed)
        n = few + many
        tune = rng.permutation(np.arange(n) < few)
        level = rng.normal(0.56, 0.12, (n, 1))  # how easy a picture is
        tables = []
        for count, peak, bonus in ((12, 0.25, 0.05), (columns, 0.7, 0.0)):
            dial = np.linspace(0.05, 0.95, count)
            middle = np.where(tune, peak, peak + 0.1)[:, None] + rng.normal(0, 0.06, (n, 1))
            iou = level + bonus - 0.6 * np.abs(dial - middle) + rng.normal(0, 0.03, (n, count))
            tables.append(np.clip(iou, 0, 1))
        cases.append((tables[0], tables[1], tune, ~tune))
    return cases


def _best(iou: Floats, which: Bools) -> int:
    return int((iou[which] >= RIGHT).mean(axis=0).argmax())


def _resampled(gaps: Floats) -> tuple[float, float]:
    drawn = np.random.default_rng(0).integers(0, len(gaps), (SAMPLES, len(gaps)))
    low, high = np.percentile(gaps[drawn].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)


def _judge_difference(
    answer: Any, a: Floats, b: Floats, tune: Bools, test: Bools
) -> Problem | None:
    read = numbers(answer, ("the difference", "low", "high"))
    if isinstance(read, Problem):
        return read
    gap, low, high = read
    hits = [(iou[:, _best(iou, tune)] >= RIGHT).astype(float) for iou in (a, b)]
    gaps = hits[0][test] - hits[1][test]
    if abs(gap - gaps.mean()) > 1e-6:
        told = f"on the test half a is right {gaps.mean():+.4f} more often than b, got {gap:+.4f}."
        return Problem("wrong values", told.replace("-", "−"), _said(gap, a, b, tune, test))
    ends = _resampled(gaps)
    wide, due = high - low, ends[1] - ends[0]
    if max(abs(low - ends[0]), abs(high - ends[1])) <= 0.15 * due and abs(wide / due - 1) < 0.1:
        return None
    shares = [one[test].mean() for one in hits]
    unpaired = 3.92 * np.sqrt(sum(s * (1 - s) for s in shares) / test.sum())
    advice = "Draw test pictures with replacement, and take the difference of both on each sample."
    if low > high:
        advice = "The lower end comes first."
    elif abs(wide / unpaired - 1) < 0.12:
        advice = (
            "You drew the pictures of a and of b apart. Both saw the same pictures: draw pictures "
            "once, and take the difference on them."
        )
    return Problem(
        "wrong values",
        f"the interval should be about {ends[0]:.3f} to {ends[1]:.3f}, got {low:.3f} to "
        f"{high:.3f}.".replace("-", "−"),
        advice,
    )


def _said(gap: float, a: Floats, b: Floats, tune: Bools, test: Bools) -> str:
    """What is known to give this difference."""

    def share(iou: Floats, column: int, which: Bools) -> float:
        return float((iou[which, column] >= RIGHT).mean())

    best_a, best_b = _best(a, tune), _best(b, tune)
    right = share(a, best_a, test) - share(b, best_b, test)
    on_test = share(a, _best(a, test), test) - share(b, _best(b, test), test)
    half = share(a, best_a, test) - share(b, _best(b, test), test)
    known = [
        (-right, "The sign is turned: a minus b is positive where a is better."),
        (100 * right, "A share from −1 to 1 is asked for, not points of percent."),
        (on_test, "You chose both settings on the test half. Choose on tune."),
        (half, "You chose one of the two settings on the test half. Choose both on tune."),
        (
            share(a, best_a, tune) - share(b, best_b, tune),
            "You reported on the half that chose. Report on test.",
        ),
        (
            float(a[test, best_a].mean() - b[test, best_b].mean()),
            "That is a difference of mean IoUs. Asked are shares of right boxes.",
        ),
    ]
    if best_a < b.shape[1]:
        one = share(a, best_a, test) - share(b, best_a, test)
        known.insert(0, (one, "You gave b the setting that suits a. Each chooses its own."))
    return next((word for value, word in known if abs(gap - value) < 1e-6), "")


FAIR_DIFFERENCE = Check("fair_difference", _pairs, _judge_difference)


def fair_difference(attempt: Callable[..., Any]) -> Verdict:
    """Check ``fair_difference(a, b, tune, test)``: the difference, low, high.

    >>> fair_difference(lambda a, b, tune, test: ...)
    not attempted yet: replace the dots and run both cells again.
    """
    return FAIR_DIFFERENCE(attempt)


# --- part 2: chance_of_reversal ------------------------------------------------------------------


def _runs() -> list[tuple[Floats, Floats]]:
    rng = np.random.default_rng(83)
    ties = np.array([0.7, 0.8, 0.8, 0.9]), np.array([0.6, 0.8, 0.85])
    return [
        ties,
        (rng.normal(0.8, 0.05, 20), rng.normal(0.76, 0.05, 20)),
        (rng.normal(0.6, 0.1, 7).round(1), rng.normal(0.6, 0.1, 11).round(1)),
    ]


def _reversed(a: Floats, b: Floats) -> float:
    ahead = b[None, :] - a[:, None]
    return float((ahead > 0).mean() + 0.5 * (ahead == 0).mean())


def _same_seed(a: Floats, b: Floats) -> float:
    n = min(len(a), len(b))
    gap = b[:n] - a[:n]
    return float((gap > 0).mean() + 0.5 * (gap == 0).mean())


CHANCE_OF_REVERSAL = Check(
    "chance_of_reversal",
    _runs,
    lambda answer, a, b: values(answer, tensor_of(_reversed(a, b)), of="the chance"),
    (
        Wrong(
            "same row only",
            _same_seed,
            "You compared row i with row i. Two groups that each train once do not share a seed: "
            "compare every run of a with every run of b.",
        ),
        Wrong(
            "ties left out",
            lambda a, b: float((b[None, :] > a[:, None]).mean()),
            "Nearly: where two runs are equal, a coin decides. Count such a pair as one half.",
        ),
        Wrong(
            "ties counted whole",
            lambda a, b: float((b[None, :] >= a[:, None]).mean()),
            "Nearly: where two runs are equal, a coin decides. Count such a pair as one half.",
        ),
        Wrong(
            "turned round",
            lambda a, b: 1 - _reversed(a, b),
            "That is the chance that a comes out ahead. Asked is the other one.",
        ),
        Wrong(
            "against the mean",
            lambda a, b: float((b > a.mean()).mean()),
            "You compared runs of b with the mean of a. One training of a is a single run, too.",
        ),
        Wrong(
            "difference of means",
            lambda a, b: float(b.mean() - a.mean()),
            "That is the difference of the means. Asked is how often a single run of b beats one "
            "of a.",
        ),
    ),
)


def tensor_of(value: float) -> Any:
    """A number as the checks compare it."""
    read = tensor(value)
    assert not isinstance(read, Problem)
    return read


def chance_of_reversal(attempt: Callable[..., Any]) -> Verdict:
    """Check ``chance_of_reversal(a, b)``: how often one run of b beats one run of a.

    >>> import numpy as np
    >>> chance_of_reversal(lambda a, b: np.mean([(y > x) + (y == x) / 2 for x in a for y in b]))
    passed on 3 hidden inputs.
    """
    return CHANCE_OF_REVERSAL(attempt)


# --- part 3: five_guesses ------------------------------------------------------------------------


def _candidates() -> list[tuple[Candidates]]:
    rng = np.random.default_rng(84)
    cases: list[tuple[Candidates]] = []
    for counts in ((3, 2, 2), (2, 4, 1), (1, 3, 2)):
        three: Candidates = []
        for count in counts:
            corner = rng.integers(0, 40, (count, 2))
            size = rng.permutation(np.arange(5, 45, 5))[:count, None] + np.array([0, 3])
            three.append(np.concatenate([corner, corner + size], axis=1).astype(float).tolist())
        cases.append((three,))
    return cases


def _by_area(candidates: Candidates, classes: tuple[int, ...], places: tuple[int, ...]) -> Any:
    guesses = []
    for k, place in zip(classes, places, strict=True):
        ordered = sorted(candidates[k], key=lambda b: -(b[2] - b[0]) * (b[3] - b[1]))
        guesses.append(ordered[place] if -len(ordered) <= place < len(ordered) else [np.nan] * 4)
    return np.array(classes), np.array(guesses)


_UNSORTED = ((0, 0), (0, 1), (1, 0), (1, 1), (2, 0))


def _judge_guesses(answer: Any, candidates: Candidates) -> Problem | None:
    if not isinstance(answer, (tuple, list)) or len(answer) != 2:
        return Problem("wrong type", "return two things: the ranks (5,) and the boxes (5, 4).")
    ranks, wanted = boxes.five_guesses([np.array(one) for one in candidates])
    given = tensor(np.asarray(answer[0]), "the ranks")
    if isinstance(given, Problem):
        return given
    if given.shape != (5,) or given.tolist() != ranks.tolist():
        told = f"the ranks should be {ranks.tolist()}, got {given.tolist()}."
        return Problem("wrong values", told, "Two boxes of rank 0, two of rank 1, one of rank 2.")
    found = np.asarray(answer[1], dtype=np.float64)
    if found.shape != (5, 4):
        return Problem("wrong shape", f"the boxes should be (5, 4), got {found.shape}.")
    if np.allclose(found, wanted, equal_nan=True):
        return None
    i = int(
        np.argmin([np.allclose(f, w, equal_nan=True) for f, w in zip(found, wanted, strict=True)])
    )
    if np.isnan(wanted[i]).all():
        told = f"class {ranks[i]} has one box only, so guess {i} should be NaN: there is no tight."
        return Problem("wrong values", told, "A missing guess is a row of np.nan, never right.")
    told = f"guess {i}, of class {ranks[i]}, should be {wanted[i].tolist()}, got "
    return Problem("wrong values", f"{told}{found[i].tolist()}.")


FIVE_GUESSES = Check(
    "five_guesses",
    _candidates,
    _judge_guesses,
    (
        Wrong(
            "smallest for tight",
            lambda c: _by_area(c, (0, 0, 1, 1, 2), (0, -1, 0, -1, 0)),
            "You took the smallest box for the tight one. It is the second largest.",
        ),
        Wrong(
            "as they come",
            lambda c: (
                np.array([0, 0, 1, 1, 2]),
                np.array([(c[k] + [[np.nan] * 4])[j] for k, j in _UNSORTED]),
            ),
            "You took the boxes in the order they came. Sort each class's boxes by area first.",
        ),
        Wrong(
            "tight for the third",
            lambda c: _by_area(c, (0, 0, 1, 1, 2), (0, 1, 0, 1, 1)),
            "The third class gives its loose box, the largest.",
        ),
        Wrong(
            "tight before loose",
            lambda c: _by_area(c, (0, 0, 1, 1, 2), (1, 0, 1, 0, 0)),
            "Loose first: the largest box of a class comes before its second largest.",
        ),
    ),
)


def five_guesses(attempt: Callable[..., Any]) -> Verdict:
    """Check ``five_guesses(candidates)``: the ranks (5,) and the boxes (5, 4).

    >>> five_guesses(boxes.five_guesses)
    passed on 3 hidden inputs.
    """
    return FIVE_GUESSES(attempt)


# --- part 4: corrector ---------------------------------------------------------------------------


def _drawn_and_true() -> list[tuple[Floats, Floats]]:
    rng = np.random.default_rng(85)
    cases = []
    for n, noise in ((30, 0.0), (60, 3.0), (200, 6.0)):
        centre, half = rng.uniform(30, 90, (n, 2)), rng.uniform(8, 30, (n, 2))
        true = np.concatenate([centre - half, centre + half], axis=1)
        wider = np.concatenate([centre - 1.3 * half - 2, centre + 1.3 * half + 5], axis=1)
        cases.append((wider + rng.normal(0, 1, (n, 4)) * noise, true))
    return cases


def _with_one(found: Floats) -> Floats:
    return np.column_stack([found, np.ones(len(found))])


def _fitted(found: Floats, truth: Floats) -> Floats:
    return np.asarray(np.linalg.lstsq(_with_one(found), truth, rcond=None)[0], np.float64)


def _each_side(found: Floats, truth: Floats) -> Floats:
    """Every side from itself and the constant alone."""
    matrix = np.zeros((5, 4))
    for j in range(4):
        pair = np.column_stack([found[:, j], np.ones(len(found))])
        matrix[[j, 4], j] = np.linalg.lstsq(pair, truth[:, j], rcond=None)[0]
    return matrix


def _without_constant(found: Floats, truth: Floats) -> Floats:
    small = np.linalg.lstsq(found, truth, rcond=None)[0]
    return np.vstack([small, np.zeros(4)])


def _judge_corrector(answer: Any, found: Floats, truth: Floats) -> Problem | None:
    read = tensor(answer, "the matrix")
    if isinstance(read, Problem):
        return read
    if tuple(read.shape) != (5, 4):
        return Problem("wrong shape", f"the matrix should be (5, 4), got {tuple(read.shape)}.")
    given = read.numpy()
    if not np.isfinite(given).all():
        return Problem("wrong values", "the matrix holds NaN or infinity.")
    wanted = _with_one(found) @ _fitted(found, truth)
    gap = np.abs(_with_one(found) @ given - wanted).max()
    if gap <= 0.01:
        return None
    left, due = (
        ((_with_one(found) @ m - truth) ** 2).mean() for m in (given, _fitted(found, truth))
    )
    told = f"the squared error left is {left:.3g} a side, and {due:.3g} would do"
    return Problem("wrong values", f"{told}; a corrected side is off by up to {gap:.3g} pixels.")


CORRECTOR = Check(
    "corrector",
    _drawn_and_true,
    _judge_corrector,
    (
        Wrong(
            "turned round",
            lambda found, truth: _fitted(truth, found),
            "You fitted the drawn boxes to the true ones. What is known at test time is the drawn "
            "box: it goes in, the true one comes out.",
        ),
        Wrong(
            "no constant",
            _without_constant,
            "The constant is not used. Append a column of ones to found.",
        ),
        Wrong(
            "a constant only",
            lambda found, truth: np.vstack(
                [np.eye(4), (truth - found).mean(axis=0, keepdims=True)]
            ),
            "You only shift the sides. A box that is too wide needs a factor, too.",
        ),
        Wrong(
            "each side alone",
            _each_side,
            "You corrected each side by itself. How far the left side is off depends on the width, "
            "so let every side use all four.",
        ),
    ),
)


def corrector(attempt: Callable[..., Any]) -> Verdict:
    """Check ``corrector(found, truth)``: the matrix (5, 4) that carries (box, 1) to the true box.

    >>> corrector(lambda found, truth: ...)
    not attempted yet: replace the dots and run both cells again.
    """
    return CORRECTOR(attempt)
