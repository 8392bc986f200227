"""Errors counted from boxes that are right or not: the same way for drawings and photographs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch.nn.functional as F
from scipy.stats import binomtest
from torch import Tensor

from camkit.boxes import Bools, Floats, authors_boxes, five_guesses

THRESHOLDS: Floats = np.arange(1, 100) / 100
SIDES: Floats = np.arange(1, 21) / 20
AT_20 = 19  # the column of the paper's threshold


def errors(right: Bools, hits: Bools) -> dict[str, float | None]:
    """Compute the localization errors of boxes drawn for the true class, in percent.

    Where the surest class is right, its box is the true class's: so the top-1 error needs no other
    box. ``given`` is the share of right boxes among the pictures whose class is right.

    Args:
        right: whether the surest class is the true one ``(N,)``.
        hits: whether the true class's box is right ``(N,)``.

    Returns:
        ``top1``, ``known`` (errors) and ``given`` (a share, None where no class is right).

    Example:
        >>> errors(np.array([True, True, False, False]), np.array([True, False, True, True]))
        {'top1': 75.0, 'known': 25.0, 'given': 50.0}
    """
    return {
        "top1": percent(~(right & hits)),
        "known": percent(~hits),
        "given": percent(hits[right]) if right.any() else None,
    }


def percent(which: Bools) -> float:
    """Turn the share of True into percent, rounded to hundredths."""
    return round(100.0 * float(np.mean(which)), 2)


def tuned(hits: Bools) -> Bools:
    """Choose the best column on one half of the rows, report it on the other, both ways round.

    Args:
        hits: ``(N, T)``, whether picture i is right with setting t.

    Returns:
        ``(N,)``: row i with the setting chosen on the half that it is not in.

    Raises:
        ValueError: there are fewer than two rows.

    Example:
        >>> always = np.array([[True, False]] * 6)
        >>> tuned(always).tolist()
        [True, True, True, True, True, True]
    """
    if len(hits) < 2:
        raise ValueError(f"hits must have at least two rows to be halved, got {len(hits)}.")
    first = halves(len(hits))
    found = np.zeros(len(hits), bool)
    for half in (first, ~first):
        found[half] = hits[half, hits[~half].mean(axis=0).argmax()]
    return found


def halves(count: int) -> Bools:
    """Draw one half of so many rows by a fixed seed: True for a row in it ``(count,)``."""
    first = np.zeros(count, bool)
    first[np.random.default_rng(0).permutation(count)[: count // 2]] = True
    return first


def tight_and_loose(maps: npt.ArrayLike) -> Floats:
    """Make the paper's five guesses for its test entry, with the boxes of its released tool.

    Args:
        maps: raw maps of the three surest classes, at the input's size ``(3, H, W)``.

    Returns:
        ``(5, 4)``, for the classes of ranks `camkit.boxes.GUESS_RANKS`; a missing box is NaN.

    Example:
        >>> one = np.zeros((40, 40))
        >>> one[2:30, 2:30], one[6:16, 6:16] = 0.25, 1.0
        >>> tight_and_loose([one] * 3)[:2].tolist()
        [[2.0, 2.0, 30.0, 30.0], [6.0, 6.0, 16.0, 16.0]]
    """
    return five_guesses([tool_boxes(one) for one in np.asarray(maps, np.float64)])[1]


def tool_boxes(map: npt.ArrayLike) -> Floats:
    """Draw the released tool's boxes of one raw map ``(H, W)``: its positive part in 256 greys."""
    positive = np.asarray(map, np.float64).clip(min=0)
    grey = 255 * positive / max(positive.max(), np.finfo(float).tiny)
    return authors_boxes(grey.astype(np.uint8))


def averaged_in_cells(pixels: Tensor, features: Tensor) -> Tensor:
    """Average gradients ``(B, n, H, W)`` over the cells of the features: ``(B, n, h, w)``.

    The gradient of one pixel is mostly noise; this gives it the resolution of a class map, so that
    one box rule fits both.
    """
    return F.adaptive_avg_pool2d(pixels, (features.shape[2], features.shape[3]))


def interval(right: int, count: int) -> tuple[float, float]:
    """Compute the 95 % interval (Wilson's) of a share that was counted.

    Args:
        right: how many were right.
        count: of how many, at least 1.

    Returns:
        The two ends in percent.

    Raises:
        ValueError: the numbers are not 0 <= right <= count.

    Example:
        >>> [round(end, 1) for end in interval(45, 50)]
        [78.6, 95.7]
    """
    if not 0 <= right <= count or count < 1:
        raise ValueError(f"right must lie between 0 and count, got {right} of {count}.")
    ends = binomtest(right, count).proportion_ci(0.95, method="wilson")
    return 100 * float(ends.low), 100 * float(ends.high)
