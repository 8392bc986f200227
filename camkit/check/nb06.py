"""The checks of notebook 06, measuring localization."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import stats

from camkit import metrics
from camkit.check.core import Check, Problem, Verdict, Wrong, tensor

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Truths: TypeAlias = "list[list[list[float]]]"
Errors: TypeAlias = "tuple[float, float, float]"

RIGHT = metrics.AGREES


def numbers(answer: Any, names: Sequence[str]) -> list[float] | Problem:
    """Read an answer that should be one number for each name, whatever they came in."""
    asked = f"return {len(names)} numbers: {', '.join(names)}"
    if isinstance(answer, np.ndarray) and answer.ndim == 1:
        answer = tuple(answer)
    if not isinstance(answer, (tuple, list)):
        came = "nothing (None)" if answer is None else f"a {type(answer).__name__}"
        return Problem("wrong type", f"{asked}; got {came}.")
    if len(answer) != len(names):
        return Problem("wrong shape", f"{asked}; got {len(answer)}.")
    read = []
    for name, part in zip(names, answer, strict=True):
        one = tensor(part, name)
        if isinstance(one, Problem):
            return one
        if one.numel() != 1:
            return Problem("wrong shape", f"{name} must be one number, got {tuple(one.shape)}.")
        read.append(float(one.item()))
    if not np.isfinite(read).all():
        return Problem("wrong values", f"{names[int(np.argmin(np.isfinite(read)))]} is NaN.")
    return read


# --- exercise A: localization_errors -------------------------------------------------------------

Given: TypeAlias = "tuple[Ints, Floats, Ints, Truths, Floats]"
"""Classes (N, 5), boxes (N, 5, 4), labels (N,), N lists of true boxes, known (N, 4)."""


def _agrees(boxes: npt.ArrayLike, truth: list[list[float]]) -> Bools:
    agrees: Bools = metrics.iou(boxes, truth).max(axis=1) >= RIGHT
    return agrees


def _parts(given: Given, few: int | None = None) -> tuple[Bools, Bools, Bools]:
    """Whether each guess has the class ``(N, 5)``, a right box ``(N, 5)``, and the known one."""
    classes, boxes, labels, truths, known = given
    true = [truth[:few] for truth in truths]
    drawn = np.array([_agrees(b, t) for b, t in zip(boxes, true, strict=True)])
    told = np.array([_agrees(b, t)[0] for b, t in zip(known, true, strict=True)])
    return classes == labels[:, None], drawn, told


def _wrong_share(*rights: npt.ArrayLike) -> Errors:
    top1, top5, known = (float(1 - np.asarray(right, bool).mean()) for right in rights)
    return top1, top5, known


def _as_asked(*given: Any) -> Errors:
    named, drawn, known = _parts(given)
    both = named & drawn
    return _wrong_share(both[:, 0], both.any(axis=1), known)


def _class_ignored(*given: Any) -> Errors:
    _, drawn, known = _parts(given)
    return _wrong_share(drawn[:, 0], drawn.any(axis=1), known)


def _first_true_box(*given: Any) -> Errors:
    named, drawn, known = _parts(given, few=1)
    both = named & drawn
    return _wrong_share(both[:, 0], both.any(axis=1), known)


def _from_two_guesses(*given: Any) -> Errors:
    named, drawn, known = _parts(given)
    return _wrong_share((named & drawn)[:, 0], named.any(axis=1) & drawn.any(axis=1), known)


def _above_half(*given: Any) -> Errors:
    classes, boxes, labels, truths, known = given
    pairs = list(zip(boxes, truths, strict=True))
    over = np.array([metrics.iou(b, t).max(axis=1) > RIGHT for b, t in pairs])
    told = np.array([metrics.iou(b, t).max() > RIGHT for b, t in zip(known, truths, strict=True)])
    both = (classes == labels[:, None]) & over
    return _wrong_share(both[:, 0], both.any(axis=1), told)


def _known_needs_class(*given: Any) -> Errors:
    named, drawn, known = _parts(given)
    both = named & drawn
    return _wrong_share(both[:, 0], both.any(axis=1), known & named[:, 0])


def _among_right_classes(*given: Any) -> Errors:
    named, drawn, known = _parts(given)
    both = named & drawn
    return _wrong_share(both[:, 0], both.any(axis=1), known[named[:, 0]])


def _known_left_out(*given: Any) -> Errors:
    _, drawn, _ = _parts(given)
    top1, top5, _ = _as_asked(*given)
    return top1, top5, float(1 - drawn[:, 0].mean())


def _shares_of_right(*given: Any) -> Errors:
    top1, top5, known = _as_asked(*given)
    return 1 - top1, 1 - top5, 1 - known


def _classification(*given: Any) -> Errors:
    named, _, known = _parts(given)
    return _wrong_share(named[:, 0], named.any(axis=1), known)


def _on_paper() -> Given:
    """Four pictures, all of class 3. A box of 8 x 8 holds one of 8 x 4: an IoU of one half."""
    other, half, right, miss = [0, 0, 2, 2], [20, 0, 28, 4], [20, 0, 28, 8], [40, 40, 48, 48]
    two = [[0.0, 20.0, 8.0, 28.0], [20.0, 0.0, 28.0, 8.0]]
    one = [[20.0, 0.0, 28.0, 8.0]]
    classes = [[3, 1, 2, 4, 5], [1, 3, 2, 4, 5], [1, 2, 3, 4, 5], [3, 1, 2, 4, 5]]
    boxes = [
        [half, miss, miss, miss, miss],  # the second true box, and an IoU of just one half
        [right, other, miss, miss, miss],  # right box, wrong class; right class, wrong box
        [miss, miss, right, miss, miss],  # right, at the third guess
        [miss, right, miss, miss, miss],  # right class, wrong box
    ]
    known = [half, other, right, miss]
    return (
        np.array(classes),
        np.array(boxes, float),
        np.full(4, 3),
        [two, one, one, one],
        np.array(known, float),
    )


def _drawn(seed: int, count: int) -> Given:
    """Random guesses, some of them boxes that agree with some true box."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 8, count)
    classes = np.argsort(rng.random((count, 8)) - 0.5 * np.eye(8)[labels], axis=1)[:, :5]
    truths: Truths = []
    guesses = np.empty((count, 6, 4))
    for i in range(count):
        corners = rng.integers(0, 60, (rng.integers(1, 4), 2)).astype(float)
        truth = np.concatenate([corners, corners + rng.integers(8, 30, corners.shape)], axis=1)
        near = truth[rng.integers(0, len(truth), 6)]
        shift = rng.choice([0.0, 3.0, 50.0], 6)[:, None]
        guesses[i] = near + shift * np.array([1, 0, 1, 0])
        truths.append(truth.tolist())
    guesses[0, 1] = np.nan  # a map without a box
    return classes, guesses[:, :5], labels, truths, guesses[:, 5]


def _judge_errors(answer: Any, *given: Any) -> Problem | None:
    names = ("the top-1 error", "the top-5 error", "the error with the class known")
    read = numbers(answer, names)
    if isinstance(read, Problem):
        return read
    wanted = _as_asked(*given)
    if np.allclose(read, np.multiply(wanted, 100), atol=1e-3):
        return Problem("wrong values", "shares from 0 to 1 are asked for, not percent.")
    for name, got, right in zip(names, read, wanted, strict=True):
        if abs(got - right) > 1e-6:
            told = f"on {len(given[2])} pictures {name} is {right:.4g}, got {got:.4g}."
            return Problem("wrong values", told)
    return None


LOCALIZATION_ERRORS = Check(
    "localization_errors",
    lambda: [_on_paper(), _drawn(61, 40), _drawn(62, 97)],
    _judge_errors,
    (
        Wrong(
            "class ignored",
            _class_ignored,
            "You never asked for the class: a right box of the wrong class is no right guess.",
        ),
        Wrong(
            "only the first true box",
            _first_true_box,
            "A picture may have several true boxes, and any of them counts: take the best IoU.",
        ),
        Wrong(
            "class and box from two guesses",
            _from_two_guesses,
            "Class and box must be right in one and the same guess; you let one guess bring the "
            "class and another the box.",
        ),
        Wrong("above one half", _above_half, "An IoU of exactly one half is right: >=, not >."),
        Wrong(
            "class asked for where it is known",
            _known_needs_class,
            "With the class known, nobody asks what the network would have said: only the box "
            "counts.",
        ),
        Wrong(
            "known among right classes",
            _among_right_classes,
            "With the class known all pictures count, also those whose class the network missed.",
        ),
        Wrong(
            "known not used",
            _known_left_out,
            "With the class known the box comes from the true class's map: use the argument known.",
        ),
        Wrong("shares of right", _shares_of_right, "These are shares of right answers: 1 - error."),
        Wrong(
            "classification errors",
            _classification,
            "These are the errors of the classes alone. A right guess has a right box too.",
        ),
    ),
)


def localization_errors(attempt: Callable[..., Any]) -> Verdict:
    """Check ``localization_errors(classes, boxes, labels, truths, known)``: three shares.

    >>> localization_errors(lambda *given: ...)
    not attempted yet: replace the dots and run both cells again.
    """
    return LOCALIZATION_ERRORS(attempt)


# --- exercise B: tune_then_test ------------------------------------------------------------------

CLAIM = 0.95
MANY = 500
"""Test pictures from which on the width of the interval is judged closely."""


def _tables() -> list[tuple[Floats, Floats, Bools, Bools]]:
    """IoU of pictures at some thresholds; the halves disagree about the best one."""
    cases = []
    for seed, few, many in ((63, 300, 1000), (64, 150, 100)):
        rng = np.random.default_rng(seed)
        thresholds = np.linspace(0.05, 0.75, 15)
        tune = rng.permutation(np.arange(few + many) < few)
        middle = np.where(tune, 0.25, 0.5)[:, None] + rng.normal(0, 0.1, (len(tune), 1))
        iou = np.clip(0.75 - 1.1 * np.abs(thresholds - middle), 0, 1)
        iou *= rng.random((len(tune), 1)) < 0.9  # some pictures are lost at every threshold
        iou = np.where(rng.random(iou.shape) < 0.05, RIGHT, iou)  # some are right just so
        cases.append((iou, thresholds, tune, ~tune))
    iou, thresholds, tune, test = cases[0]
    other = iou.copy()  # the same tuning half: the choice must not change
    other[test] = other[test][:, ::-1]
    return [*cases, (other, thresholds, tune, test)]


def _at(table: Floats, which: Bools) -> Floats:
    share: Floats = (table[which] >= RIGHT).mean(axis=0)
    return share


def _judge_tuned(
    answer: Any, iou: Floats, thresholds: Floats, tune: Bools, test: Bools
) -> Problem | None:
    read = numbers(answer, ("the threshold", "the share of right boxes", "low", "high"))
    if isinstance(read, Problem):
        return read
    threshold, share, low, high = read
    if (problem := _judge_choice(threshold, iou, thresholds, tune, test)) is not None:
        return problem
    k = int(np.abs(thresholds - threshold).argmin())
    if (problem := _judge_share(share, k, iou, tune, test)) is not None:
        return problem
    return _judge_ends(low, high, (iou[:, k] >= RIGHT), tune, test)


def _judge_choice(
    threshold: float, iou: Floats, thresholds: Floats, tune: Bools, test: Bools
) -> Problem | None:
    places = np.flatnonzero(np.abs(thresholds - threshold) < 1e-9)
    if len(places) != 1:
        return Problem(
            "wrong values",
            f"the threshold {threshold:.4g} is none of those given.",
            "Return thresholds[k], not its place k." if threshold in range(len(iou[0])) else "",
        )
    k, on_tune = int(places[0]), _at(iou, tune)
    if on_tune[k] == on_tune.max():
        return None
    told = (
        f"at {threshold:.2f} the tuning half has {on_tune[k]:.1%} right boxes, and at "
        f"{thresholds[on_tune.argmax()]:.2f} {on_tune.max():.1%}."
    )
    on_test, on_all = _at(iou, test), _at(iou, tune | test)
    advice = "Choose the threshold with the largest share of IoUs of at least one half."
    if on_test[k] == on_test.max():
        advice = "You chose on the test half, and will report the luck of that choice. Use tune."
    elif on_all[k] == on_all.max():
        advice = "You chose on all pictures, those of the test half among them. Use tune alone."
    elif k == int(iou[tune].mean(axis=0).argmax()):
        advice = "You chose by the mean IoU. What is reported is the share of right boxes."
    elif k == int((iou[tune] > RIGHT).mean(axis=0).argmax()):
        advice = "An IoU of exactly one half is right: >=, not >."
    return Problem("wrong values", told, advice)


def _judge_share(share: float, k: int, iou: Floats, tune: Bools, test: Bools) -> Problem | None:
    right = _at(iou, test)
    if abs(share - right[k]) < 1e-6:
        return None
    hits = iou >= RIGHT
    known = (
        (100 * right[k], "A share from 0 to 1 is asked for, not percent."),
        (hits[test].any(axis=1).mean(), _ORACLE),
        (right.mean(), "You averaged over the thresholds. Report at the one you chose."),
        (right.max(), "That is the best threshold of the test half. Report at the chosen one."),
        (hits[tune, k].mean(), "You reported on the half that chose. Report on test."),
        (hits[:, k].mean(), "You reported on all pictures. Those that chose are among them."),
        ((iou[test, k] > RIGHT).mean(), "An IoU of exactly one half is right: >=, not >."),
        (iou[test, k].mean(), "That is the mean IoU. Asked is the share of IoUs >= one half."),
        (1 - right[k], "That is the error. Asked is the share of right boxes."),
    )
    advice = next((word for value, word in known if abs(share - value) < 1e-6), "")
    told = f"at the chosen threshold {right[k]:.4g} of the test boxes are right, got {share:.4g}."
    return Problem("wrong values", told, advice)


_ORACLE = (
    "You let every picture have its own best threshold. Nobody knows that one without the true "
    "box: it is an oracle, not a method."
)


def _judge_ends(low: float, high: float, hits: Bools, tune: Bools, test: Bools) -> Problem | None:
    wanted = _by_chance(hits[test])
    share, wide, due = float(hits[test].mean()), high - low, wanted[1] - wanted[0]
    # Room for the luck of a thousand samples and, in a small set, for steps of one picture.
    slack = 0.15 * due + 1 / test.sum()
    placed = abs(low - wanted[0]) <= slack and abs(high - wanted[1]) <= slack
    if placed and (test.sum() < MANY or abs(wide / due - 1) < 0.1):
        return None
    told = (
        f"for {share:.3f} of {test.sum()} pictures the interval should be about {wanted[0]:.3f} to "
        f"{wanted[1]:.3f}, got {low:.3f} to {high:.3f}."
    )
    on_tune = _by_chance(hits[tune])
    advice = "Draw as many test pictures as there are, with replacement, many times."
    if low > high:
        advice = "The lower end comes first."
    elif low == high:
        advice = "All your samples are the same: draw with replacement."
    elif max(abs(low - on_tune[0]), abs(high - on_tune[1])) <= slack:
        advice = "You drew from the tuning half. The interval belongs to what is reported."
    elif low == 0 and high == 1:
        advice = "These are percentiles of single pictures. Take those of the means of samples."
    elif abs(wide / due - stats.norm.ppf(0.84) / stats.norm.ppf(0.975)) < 0.1:
        advice = "That is about one standard error to each side, so 68 %. Take the 2.5 and 97.5 %."
    elif abs(wide / due - stats.norm.ppf(0.95) / stats.norm.ppf(0.975)) < 0.05:
        advice = "That looks like 5 % left out on each side. For 95 % leave out 2.5 % on each."
    return Problem("wrong values", told, advice)


def _by_chance(hits: Bools) -> tuple[float, float]:
    """The ends that a bootstrap of very many samples has: those of a binomial distribution."""
    n, share = len(hits), float(hits.mean())
    tail = (1 - CLAIM) / 2
    low, high = (float(stats.binom.ppf(q, n, share)) / n for q in (tail, 1 - tail))
    return low, high


TUNE_THEN_TEST = Check("tune_then_test", _tables, _judge_tuned)


def tune_then_test(attempt: Callable[..., Any]) -> Verdict:
    """Check ``tune_then_test(iou, thresholds, tune, test)``: threshold, share, low, high.

    >>> tune_then_test(lambda iou, thresholds, tune, test: ...)
    not attempted yet: replace the dots and run both cells again.
    """
    return TUNE_THEN_TEST(attempt)
