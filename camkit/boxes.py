"""A map becomes a mask, and the mask a box: the paper's rule, one threshold.

Keep the places above a share of the map's maximum, take the largest connected region, and draw
the smallest box around it (Zhou et al. 2016, the localization section).
"""

from __future__ import annotations

import numbers
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Box: TypeAlias = "tuple[float, float, float, float]"

_EIGHT = np.ones((3, 3), dtype=bool)


def box_from_map(map: npt.ArrayLike, threshold: float = 0.2) -> Box | None:
    """Draw the box of the largest region above ``threshold`` times the maximum.

    Regions are 8-connected; of two equally large ones the first in reading order is taken.

    Args:
        map: one map ``(h, w)``, raw: an array or a tensor.
        threshold: share of the maximum, from 0 up to (not including) 1; the paper uses 0.2.

    Returns:
        ``(x0, y0, x1, y1)`` in cells of the map, end exclusive, or None where the rule has no
        answer: see `why_no_box`.

    Raises:
        TypeError: ``threshold`` is not a number, or ``map`` does not hold numbers.
        ValueError: ``threshold`` is outside 0..1, or ``map`` is not ``(h, w)``.

    Example:
        >>> box_from_map([[0, 0, 0, 0], [0, 5, 9, 0], [0, 0, 3, 0], [1, 0, 0, 0]])
        (1.0, 1.0, 3.0, 3.0)
        >>> box_from_map([[-2, -1], [-1, -3]]) is None
        True
    """
    cells = _as_map(map)
    check_threshold(threshold)
    if why_no_box(cells) is not None:
        return None
    regions, _ = ndimage.label(cells > threshold * cells.max(), structure=_EIGHT)
    # Labels follow reading order, and argmax takes the first of equals.
    largest = int(np.argmax(np.bincount(regions.ravel())[1:])) + 1
    rows, columns = ndimage.find_objects(regions)[largest - 1]
    return float(columns.start), float(rows.start), float(columns.stop), float(rows.stop)


def why_no_box(map: npt.ArrayLike) -> str | None:
    """Say why a map has no box, or None where it has one.

    Args:
        map: one map ``(h, w)``.

    Returns:
        A sentence, or None.

    Example:
        >>> why_no_box([[-2.0, -1.0]])
        'the map has no positive value'
    """
    cells = _as_map(map)
    if cells.size == 0:
        return "the map is empty"
    low, high = float(cells.min()), float(cells.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        return "the map holds NaN or infinite values"
    if high <= 0:
        return "the map has no positive value"
    if low == high:
        return "the map has the same value everywhere"
    return None


def check_threshold(threshold: float) -> None:
    """Refuse a threshold that is not a share of the maximum.

    Args:
        threshold: a number from 0 up to (not including) 1.

    Raises:
        TypeError: it is not a number.
        ValueError: it is outside the range.
    """
    number: object = threshold  # what a caller passes is not what a type promises
    if isinstance(number, bool) or not isinstance(number, numbers.Real):
        raise TypeError(f"threshold must be a number, got {type(threshold).__name__}.")
    if not 0 <= threshold < 1:
        hint = f": for {threshold} % write {threshold / 100}" if 1 <= threshold <= 100 else ""
        raise ValueError(
            f"threshold is a share of the maximum, from 0 up to 1, got {threshold}{hint}."
        )


def _as_map(map: npt.ArrayLike) -> npt.NDArray[np.generic]:
    detach = getattr(map, "detach", None)
    cells = np.asarray(detach().cpu() if detach is not None else map)
    if cells.dtype.kind not in "fiub":
        raise TypeError(f"map must hold numbers, got {cells.dtype}.")
    if cells.ndim != 2:
        raise ValueError(f"map must be one map (h, w), got shape {cells.shape}: choose one.")
    return cells
