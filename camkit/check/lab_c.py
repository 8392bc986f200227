"""The checks of lab C, weak labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch

from camkit import weak
from camkit.check.core import Check, Problem, Verdict, Wrong, tensor, values
from camkit.check.nb06 import numbers

Doubles: TypeAlias = npt.NDArray[np.float64]
Bools: TypeAlias = npt.NDArray[np.bool_]
Ints: TypeAlias = npt.NDArray[np.int64]


# --- station 1: hardest --------------------------------------------------------------------------


def _scored() -> list[tuple[Doubles, Bools, Ints, int]]:
    """Detectors that score some positives and some met negatives highest of all."""
    cases = []
    for seed, n, count in ((91, 12, 2), (92, 200, 15), (93, 77, 30)):
        rng = np.random.default_rng(seed)
        decisions = rng.permutation(np.linspace(-3, 2, n)) + rng.uniform(0, 0.01, n)
        order = np.argsort(-decisions)
        negative = np.ones(n, bool)
        negative[order[[0, 2, n // 2]]] = False  # positives, and pictures on neither side
        met = np.sort(order[[1, 4, n - 1]])
        cases.append((decisions, negative, met, count))
    return cases


def _judge_hardest(
    answer: Any, d: Doubles, negative: Bools, met: Ints, count: int
) -> Problem | None:
    read = tensor(np.asarray(answer) if isinstance(answer, list) else answer, "the indices")
    if isinstance(read, Problem):
        return read
    wanted = weak.hardest(d, negative, met, count)
    if tuple(read.shape) != (count,):
        told = f"{count} indices were asked for, got the shape {tuple(read.shape)}."
        return Problem("wrong shape", told, "Are negatives that were met left out, and no others?")
    found = read.numpy()
    if (found == wanted).all():
        return None
    if set(found.tolist()) == set(wanted.tolist()):
        return Problem("wrong values", "these are the right pictures, but not the hardest first.")
    i = int((found != wanted).argmax())
    told = f"index {i} should be picture {wanted[i]} with a decision of {d[wanted[i]]:.2f}"
    return Problem("wrong values", f"{told}, got {found[i]:g}.".replace("-", "−"))


def _of_all(d: Doubles, negative: Bools, met: Ints, count: int) -> Ints:
    return np.argsort(-d)[:count]


def _met_too(d: Doubles, negative: Bools, met: Ints, count: int) -> Ints:
    return weak.hardest(d, negative, np.zeros(0, np.int64), count)


def _places(d: Doubles, negative: Bools, met: Ints, count: int) -> Ints:
    """Places in the list of unmet negatives, not in the list of pictures."""
    left = negative.copy()
    left[met] = False
    return np.argsort(-d[left])[:count]


HARDEST = Check(
    "hardest",
    _scored,
    _judge_hardest,
    (
        Wrong(
            "positives, too",
            _of_all,
            "You ranked all pictures. Those with a high decision that are no negatives are what "
            "the detector should find: leave them out.",
        ),
        Wrong(
            "met negatives, too",
            _met_too,
            "Some of these were met already. Leave the pictures in met out.",
        ),
        Wrong(
            "places in a shorter list",
            _places,
            "These are places in the list of what is left. Turn them back into numbers of "
            "pictures: np.flatnonzero(left)[places].",
        ),
        Wrong(
            "easiest",
            lambda d, negative, met, count: weak.hardest(-d, negative, met, count),
            "These are the easiest: the detector is sure they are negative. Hard ones have high "
            "decisions.",
        ),
        Wrong(
            "nearest to the border",
            lambda d, negative, met, count: weak.hardest(-np.abs(d), negative, met, count),
            "You took those nearest to zero. A negative far on the wrong side is harder still.",
        ),
    ),
)


def hardest(attempt: Callable[..., Any]) -> Verdict:
    """Check ``hardest(decisions, negative, met, count)``: indices, the hardest first.

    >>> hardest(weak.hardest)
    passed on 3 hidden inputs.
    """
    return HARDEST(attempt)


# --- station 2: precision_recall -----------------------------------------------------------------


def _masks() -> list[tuple[Bools, Bools]]:
    """Found and true areas; in one picture nothing is found, in one there is nothing."""
    cases = []
    for seed, n, h, w in ((94, 1, 6, 9), (95, 4, 8, 5), (96, 7, 5, 5)):
        rng = np.random.default_rng(seed)
        words = rng.random((n, h, w)) < 0.2
        found = (rng.random((n, h, w)) < 0.3) | (words & (rng.random((n, h, w)) < 0.5))
        if n > 2:
            found[0], words[1] = False, False
        cases.append((found, words))
    return cases


def _shares(found: Bools, words: Bools) -> tuple[float, float]:
    both = float((found & words).sum())
    return both / float(found.sum()), both / float(words.sum())


def _mean_of_pictures(found: Bools, words: Bools) -> tuple[float, float]:
    axes = (1, 2)
    both = (found & words).sum(axis=axes)
    shares = [both / np.maximum(one.sum(axis=axes), 1) for one in (found, words)]
    return float(shares[0].mean()), float(shares[1].mean())


def _judge_shares(answer: Any, found: Bools, words: Bools) -> Problem | None:
    read = numbers(answer, ("precision", "recall"))
    if isinstance(read, Problem):
        return read
    for name, value, wanted in zip(
        ("precision", "recall"), read, _shares(found, words), strict=True
    ):
        if not abs(value - wanted) <= 1e-6:
            told = f"{name} should be {wanted:.4f}, got {value:.4f}."
            return Problem("wrong values", told.replace("-", "−"))
    return None


PRECISION_RECALL = Check(
    "precision_recall",
    _masks,
    _judge_shares,
    (
        Wrong(
            "swapped",
            lambda found, words: _shares(found, words)[::-1],
            "They are swapped. Precision asks of what was found, recall of what is there.",
        ),
        Wrong(
            "mean of pictures",
            _mean_of_pictures,
            "You averaged over pictures. Count over all pictures first, then divide once: a "
            "picture where nothing is found has no precision of its own.",
        ),
        Wrong(
            "shares of the picture",
            lambda found, words: (float((found & words).mean()), float(words.mean())),
            "You divided by the area of the pictures.",
        ),
        Wrong(
            "IoU twice",
            lambda found, words: 2 * (float((found & words).sum() / (found | words).sum()),),
            "That is the IoU, one number for both mistakes. Precision and recall keep them apart.",
        ),
    ),
)


def precision_recall(attempt: Callable[..., Any]) -> Verdict:
    """Check ``precision_recall(found, words)``: two shares, over all pictures.

    >>> precision_recall(lambda found, words: ...)
    not attempted yet: replace the dots and run both cells again.
    """
    return PRECISION_RECALL(attempt)


# --- station 3: map_and_offset -------------------------------------------------------------------

Asked: TypeAlias = "tuple[torch.Tensor, ...]"


def _asked() -> list[tuple[Any, ...]]:
    """Features (K, h, w), w (A, K), W (A, V), b (A,), the bag (V,) and an answer; once K == V."""
    cases: list[tuple[Any, ...]] = []
    for seed, k, v, h, w in ((97, 3, 5, 2, 4), (98, 4, 4, 3, 3), (99, 6, 9, 5, 2)):
        draw = torch.Generator().manual_seed(seed)
        f = torch.randn(k, h, w, generator=draw).double()
        units, words = (torch.randn(k + 1, n, generator=draw).double() for n in (k, v))
        bias = 2 + torch.rand(k + 1, generator=draw).double()
        bag = (torch.arange(v) % 3 != 1).double()
        cases.append((f, units, words, bias, bag, seed % 3))
    return cases


def _map_and_offset(
    f: Any, units: Any, words: Any, bias: Any, bag: Any, a: int
) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.einsum("k,kyx->yx", units[a], f), words[a] @ bag + bias[a]


def _judge_offset(answer: Any, *case: Any) -> Problem | None:
    if not isinstance(answer, (tuple, list)) or len(answer) != 2:
        return Problem("wrong type", "return two things: the map (h, w) and the offset.")
    expected = _map_and_offset(*case)
    found = values(answer[0], expected[0], ("row", "column"), of="the map")
    return found or values(answer[1], expected[1], of="the offset")


def _without(left_out: str) -> Callable[..., Any]:
    def answer(f: Any, units: Any, words: Any, bias: Any, bag: Any, a: int) -> Any:
        m, _ = _map_and_offset(f, units, words, bias, bag, a)
        return m, bias[a] if left_out == "words" else words[a] @ bag

    return answer


def _smeared(f: Any, units: Any, words: Any, bias: Any, bag: Any, a: int) -> Any:
    m, _ = _map_and_offset(f, units, words, bias, bag, a)
    return m + words[a] @ bag, bias[a]


def _scaled(f: Any, units: Any, words: Any, bias: Any, bag: Any, a: int) -> Any:
    m, offset = _map_and_offset(f, units, words, bias, bag, a)
    return m / m.numel(), offset


MAP_AND_OFFSET = Check(
    "map_and_offset",
    _asked,
    _judge_offset,
    (
        Wrong(
            "words left out",
            _without("words"),
            "Where is the question? Every word that is in it adds its weight to the offset.",
        ),
        Wrong(
            "bias left out",
            _without("bias"),
            "The answer's bias belongs to the offset, too.",
        ),
        Wrong(
            "words in the map",
            _smeared,
            "You added the words to every cell of the map. The mean is the same, but a word is "
            "nowhere in the picture: it belongs to the offset.",
        ),
        Wrong(
            "divided twice",
            _scaled,
            "The mean comes later: leave the map undivided, so that mean(map) + offset is the "
            "score.",
        ),
        Wrong(
            "score for the offset",
            lambda f, units, words, bias, bag, a: (
                _map_and_offset(f, units, words, bias, bag, a)[0],
                units[a] @ f.mean(dim=(1, 2)) + words[a] @ bag + bias[a],
            ),
            "That is the whole score. The offset is the part of it that does not come from the "
            "picture.",
        ),
    ),
)


def map_and_offset(attempt: Callable[..., Any]) -> Verdict:
    """Check ``map_and_offset(features, units, words, bias, bag, a)``: the map, the offset.

    >>> map_and_offset(lambda f, units, words, bias, bag, a: (
    ...     (units[a][:, None, None] * f).sum(0), (words[a] * bag).sum() + bias[a]))
    passed on 3 hidden inputs.
    """
    return MAP_AND_OFFSET(attempt)
