"""A map becomes a mask, and the mask a box: one threshold, or all of them in one sweep.

The paper's rule (Zhou et al. 2016, the localization section): keep the places above a share of
the map's maximum, take the largest connected region, and draw the smallest box around it. Boxes
are ``(x0, y0, x1, y1)`` in cells of the map, end exclusive. Two conventions of other codes live
here under their own names: ``convention="wsol"`` (the weakly supervised localization benchmark of
Choe et al. 2020) and `authors_boxes` (the box tool released with the paper).

The sweeps are compiled by numba at their first call and kept in the user's cache folder;
``CAMKIT_COMPILE=0`` runs the same lines in Python, for the same numbers.
"""

from __future__ import annotations

import contextlib
import functools
import numbers
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar, cast, get_args

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Box: TypeAlias = "tuple[float, float, float, float]"
Rule: TypeAlias = Literal["max", "minmax", "quantile", "otsu"]
Keep: TypeAlias = Literal["largest", "union"]
Convention: TypeAlias = Literal["camkit", "wsol"]
Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]
Kernel = TypeVar("Kernel", bound=Callable[..., Any])

_EIGHT = np.ones((3, 3), dtype=bool)
# The steps to a cell's neighbours, clockwise from the west: (rows, columns).
_RING = ((0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1))

# What the heuristic of the paper's test entry guesses: which class, by rank, each box is for.
GUESS_RANKS = (0, 0, 1, 1, 2)


# One threshold ---------------------------------------------------------------------------------


def box_from_map(map: npt.ArrayLike, threshold: float = 0.2, rule: Rule = "max") -> Box | None:
    """Draw the box of the largest region above ``threshold`` times the maximum.

    Regions are 8-connected; of two equally large ones the first in reading order is taken.

    Args:
        map: one map ``(h, w)``, raw: an array or a tensor.
        threshold: share of the maximum, from 0 up to (not including) 1; the paper uses 0.2.
        rule: what the threshold is a share of, see `level_from_map`.

    Returns:
        ``(x0, y0, x1, y1)`` in cells of the map, end exclusive, or None where the rule has no
        answer: see `why_no_box`.

    Raises:
        TypeError: ``threshold`` is not a number, or ``map`` does not hold numbers.
        ValueError: ``threshold`` is outside 0..1, ``map`` is not ``(h, w)``, or there is no such
            rule.

    Example:
        >>> box_from_map([[0, 0, 0, 0], [0, 5, 9, 0], [0, 0, 3, 0], [1, 0, 0, 0]])
        (1.0, 1.0, 3.0, 3.0)
        >>> box_from_map([[-2, -1], [-1, -3]]) is None
        True
    """
    check_threshold(threshold)
    cells = _as_map(map)
    if why_no_box(cells, rule) is not None:
        return None
    level = _levels(cells, np.array([threshold], np.float64), rule)[0]
    # Loading compiled code takes as long as a thousand boxes: it pays where it is loaded already.
    if sys.modules.get("numba") and os.environ.get("CAMKIT_COMPILE") != "0":
        x0, y0, x1, y1 = _one_box(np.ascontiguousarray(cells, _float_of(cells)), level)
        return float(x0), float(y0), float(x1), float(y1)
    regions, _ = ndimage.label(_above(cells, level), structure=_EIGHT)
    # Labels follow reading order, and argmax takes the first of equals.
    largest = int(np.argmax(np.bincount(regions.ravel())[1:])) + 1
    region = regions == largest
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def why_no_box(map: npt.ArrayLike, rule: Rule = "max") -> str | None:
    """Say why a map has no box, or None where it has one.

    Args:
        map: one map ``(h, w)``.
        rule: only a share of the maximum needs a positive value; the other rules need two values.

    Returns:
        A sentence, or None.

    Raises:
        TypeError: ``map`` does not hold numbers.
        ValueError: ``map`` is not ``(h, w)``, or there is no such rule.

    Example:
        >>> why_no_box([[-2.0, -1.0]])
        'the map has no positive value'
    """
    cells = _as_map(map)
    _one_of("rule", rule, Rule)
    if cells.size == 0:
        return "the map is empty"
    low, high = float(cells.min()), float(cells.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        return "the map holds NaN or infinite values"
    if high <= 0 and rule == "max":
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

    Example:
        >>> check_threshold(20)
        Traceback (most recent call last):
        ValueError: threshold is a share of the maximum, from 0 up to 1, got 20: for 20 % write 0.2.
    """
    number: object = threshold  # what a caller passes is not what a type promises
    if isinstance(number, bool) or not isinstance(number, numbers.Real):
        raise TypeError(f"threshold must be a number, got {type(threshold).__name__}.")
    if not 0 <= threshold < 1:
        hint = f": for {threshold} % write {threshold / 100}" if 1 <= threshold <= 100 else ""
        raise ValueError(
            f"threshold is a share of the maximum, from 0 up to 1, got {threshold}{hint}."
        )


def level_from_map(map: npt.ArrayLike, threshold: float = 0.2, rule: Rule = "max") -> float:
    """Turn a threshold into the value above which a cell is kept.

    - ``"max"``: ``t * max``, the paper's rule.
    - ``"minmax"``: ``min + t * (max - min)``. What codes do that stretch the map to 0..1 first. It
      is a pitfall: where the map has negative cells, the level sinks and the box grows.
    - ``"quantile"``: the value that a share ``t`` of the cells does not exceed.
    - ``"otsu"``: the split into two groups with the largest variance between them, ``n_0 n_1
      (mean_1 - mean_0)^2`` (Otsu 1979); it finds its own threshold and reads none.

    The level always lies below the maximum, so that at least one cell is kept.

    Args:
        map: one map ``(h, w)``, raw.
        threshold: from 0 up to (not including) 1.
        rule: one of the four.

    Returns:
        The level, in the map's own units.

    Raises:
        TypeError: ``threshold`` is not a number, or ``map`` does not hold numbers.
        ValueError: the map has no box under this rule (see `why_no_box`), or the threshold or the
            rule is not allowed.

    Example:
        >>> ramp = [[-4, -2, 0], [2, 4, 6]]
        >>> level_from_map(ramp, 0.5), level_from_map(ramp, 0.5, "minmax")
        (3.0, 1.0)
        >>> level_from_map(ramp, 0.5, "quantile"), level_from_map(ramp, rule="otsu")
        (1.0, 0.0)
    """
    check_threshold(threshold)
    reason = why_no_box(map, rule)
    if reason is not None:
        raise ValueError(f"map has no level: {reason}.")
    cells = _as_map(map)
    return float(_levels(cells, np.array([threshold], np.float64), rule)[0])


def mask_from_map(map: npt.ArrayLike, threshold: float = 0.2, rule: Rule = "max") -> Bools:
    """Keep the cells above a threshold: strictly above `level_from_map`.

    Args:
        map: one map ``(h, w)``, raw.
        threshold: from 0 up to (not including) 1.
        rule: what the threshold is a share of, see `level_from_map`.

    Returns:
        ``(h, w)``, True where a cell is kept; nowhere, where `why_no_box` gives a reason.

    Raises:
        TypeError: ``threshold`` is not a number, or ``map`` does not hold numbers.
        ValueError: the threshold, the rule or the map's shape is not allowed.

    Example:
        >>> mask_from_map([[-2.0, 1.0], [3.0, 10.0]]).tolist()
        [[False, False], [True, True]]
    """
    check_threshold(threshold)
    cells = _as_map(map)
    if why_no_box(cells, rule) is not None:
        return np.zeros(cells.shape, dtype=bool)
    return _above(cells, _levels(cells, np.array([threshold], np.float64), rule)[0])


def components(
    map: npt.ArrayLike, threshold: float = 0.2, rule: Rule = "max"
) -> tuple[Floats, Ints]:
    """Draw the boxes of all regions above a threshold, the largest region first.

    Args:
        map: one map ``(h, w)``, raw.
        threshold: from 0 up to (not including) 1.
        rule: what the threshold is a share of, see `level_from_map`.

    Returns:
        The boxes ``(n, 4)`` and the regions' sizes in cells ``(n,)``. Equally large regions
        stand in reading order. n is 0 where `why_no_box` gives a reason.

    Raises:
        TypeError: ``threshold`` is not a number, or ``map`` does not hold numbers.
        ValueError: the threshold, the rule or the map's shape is not allowed.

    Example:
        >>> boxes, sizes = components([[9, 0, 0, 0], [0, 0, 5, 6], [0, 0, 0, 7]])
        >>> boxes.tolist(), sizes.tolist()
        ([[2.0, 1.0, 4.0, 3.0], [0.0, 0.0, 1.0, 1.0]], [3, 1])
    """
    regions, _ = ndimage.label(mask_from_map(map, threshold, rule), structure=_EIGHT)
    sizes = np.bincount(regions.ravel(), minlength=1)[1:].astype(np.int64)
    order = np.argsort(-sizes, kind="stable")
    return _rectangles(regions)[order], sizes[order]


# All thresholds --------------------------------------------------------------------------------


def threshold_grid(count: int = 1000) -> Floats:
    """Spread thresholds evenly over 0..1, without the 1: the grid of Choe et al. (2020).

    Args:
        count: how many.

    Returns:
        ``(count,)``: 0, 1/count, 2/count, ...

    Raises:
        ValueError: ``count`` is below 1.

    Example:
        >>> threshold_grid(5).round(3).tolist()
        [0.0, 0.2, 0.4, 0.6, 0.8]
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, got {count}.")
    # The benchmark writes arange(0, 1, step); i * step and i / count differ in the last digit.
    return (np.arange(count) * (1 / count)).astype(np.float64)


def boxes_at_thresholds(
    maps: npt.ArrayLike,
    thresholds: npt.ArrayLike | None = None,
    keep: Keep = "largest",
    rule: Rule = "max",
    convention: Convention = "camkit",
) -> Floats:
    """Draw the box at every threshold of a grid in one sweep: the numbers of `box_from_map`.

    Lower the level from the maximum down. Cells come in, the highest first; each one starts a
    region, joins one, or ties several together, and a union-find forest (Tarjan 1975) keeps each
    region's size and box. So all thresholds together cost little more than one.

    With ``convention="wsol"`` the boxes are those of the benchmark of Choe et al. (2020), to the
    last digit: the map, from 0 to 1, becomes 8-bit levels ``u = floor(255 s)``; the mask is ``u >
    int(t max u)``; the *largest* region is the one whose outline, drawn through cell centres,
    encloses the largest area (of equals, the last in reading order); the exclusive ends are cut
    to the last cell and read as inclusive; no region gives (0, 0, 0, 0). Use `wsol_map` to prepare
    a map as that benchmark does.

    Args:
        maps: one map ``(h, w)``, or n maps ``(n, h, w)``, raw.
        thresholds: T thresholds from 0 up to 1, in any order; `threshold_grid` where left out.
        keep: ``"largest"`` region, or the ``"union"`` of all (the box around the whole mask).
        rule: what the threshold is a share of, see `level_from_map`.
        convention: ``"camkit"`` (exclusive ends, regions by size) or ``"wsol"``.

    Returns:
        ``(T, 4)`` or ``(n, T, 4)``. Rows of NaN where `why_no_box` gives a reason.

    Raises:
        TypeError: maps or thresholds do not hold numbers.
        ValueError: a shape, a threshold or a word is not allowed; or, for ``"wsol"``, a map holds
            NaN or leaves 0..1.

    Example:
        >>> steps = [[0, 0, 0, 0, 0], [0, 5, 9, 0, 0], [0, 0, 0, 0, 3]]
        >>> boxes_at_thresholds(steps, [0.2, 0.4, 0.9]).tolist()
        [[1.0, 1.0, 3.0, 2.0], [1.0, 1.0, 3.0, 2.0], [2.0, 1.0, 3.0, 2.0]]
        >>> boxes_at_thresholds(steps, [0.2], keep="union").tolist()
        [[1.0, 1.0, 5.0, 3.0]]
    """
    batch = _as_batch(maps)
    grid = as_thresholds(thresholds)
    _one_of("keep", keep, Keep)
    _check_convention(convention, rule, keep)
    found = np.full((len(batch), len(grid), 4), np.nan)
    for i, one in enumerate(batch):
        if convention == "wsol":
            found[i] = _wsol_largest(one, grid)
        elif why_no_box(one, rule) is None:
            levels = _levels(one, grid, rule)
            found[i] = _union_boxes(one, levels) if keep == "union" else _largest(one, levels)
    return found if np.ndim(maps) == 3 else found[0]


def components_at_thresholds(
    map: npt.ArrayLike,
    thresholds: npt.ArrayLike | None = None,
    rule: Rule = "max",
    convention: Convention = "camkit",
) -> tuple[Ints, Floats]:
    """Draw the boxes of all regions at every threshold of a grid, in one sweep.

    The numbers are those of `components` at each threshold. With ``convention="wsol"`` they are the
    boxes of all contours, as Choe et al. (2020) take them for MaxBoxAccV2: of every region's
    outline *and of every hole's*, the holes' boxes after the regions'; see `boxes_at_thresholds`
    for the rest.

    Args:
        map: one map ``(h, w)``, raw.
        thresholds: T thresholds from 0 up to 1, in any order; `threshold_grid` where left out.
        rule: what the threshold is a share of, see `level_from_map`.
        convention: ``"camkit"`` or ``"wsol"``.

    Returns:
        The row of the threshold that each box belongs to ``(N,)``, ascending, and the boxes
        ``(N, 4)``, within a row the largest region first.

    Raises:
        TypeError: map or thresholds do not hold numbers.
        ValueError: a shape, a threshold or a word is not allowed; or, for ``"wsol"``, the map holds
            NaN or leaves 0..1.

    Example:
        >>> rows, boxes = components_at_thresholds([[9, 0, 4], [0, 0, 5]], [0.2, 0.5])
        >>> rows.tolist(), boxes.tolist()
        ([0, 0, 1, 1], [[2.0, 0.0, 3.0, 2.0], [0.0, 0.0, 1.0, 1.0],
                        [0.0, 0.0, 1.0, 1.0], [2.0, 1.0, 3.0, 2.0]])
    """
    cells = _as_map(map).astype(np.float64)
    grid = as_thresholds(thresholds)
    _check_convention(convention, rule, "largest")
    if convention == "wsol":
        return _wsol_all(cells, grid)
    if why_no_box(cells, rule) is not None:
        return np.empty(0, np.int64), np.empty((0, 4))
    levels = _levels(cells, grid, rule)
    order = np.argsort(levels, kind="stable")
    rows, found = _sweep(cells, levels[order], _touching(_EDGES_FIRST), True)
    return _sorted_rows(order[rows], found)


def boxes_at_every_level(map: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Draw the box of the largest region at every level at which the mask changes.

    A grid of thresholds can step over a mask; the distinct values of the map cannot. Each level L
    stands for every threshold t with ``L <= t * max`` up to the next level.

    Args:
        map: one map ``(h, w)``, raw.

    Returns:
        The levels ``(L,)`` ascending, in the map's units: 0 and the positive values below the
        maximum; and the boxes ``(L, 4)`` of the cells above each. L is 0 where `why_no_box` gives
        a reason.

    Raises:
        TypeError: ``map`` does not hold numbers.
        ValueError: ``map`` is not ``(h, w)``.

    Example:
        >>> levels, boxes = boxes_at_every_level([[0, 5, 9], [0, 0, 0], [3, 0, 0]])
        >>> levels.tolist()
        [0.0, 3.0, 5.0]
        >>> boxes.tolist()
        [[1.0, 0.0, 3.0, 1.0], [1.0, 0.0, 3.0, 1.0], [2.0, 0.0, 3.0, 1.0]]
    """
    cells = _as_map(map).astype(np.float64)
    if why_no_box(cells) is not None:
        return np.empty(0), np.empty((0, 4))
    levels = np.unique(np.append(cells[cells > 0], 0.0))[:-1]
    return levels, _largest(cells, levels)


def as_thresholds(thresholds: npt.ArrayLike | None = None) -> Floats:
    """Check a list of thresholds, or give the usual grid.

    Args:
        thresholds: numbers from 0 up to (not including) 1; None for `threshold_grid`.

    Returns:
        ``(T,)``, in the order given.

    Raises:
        TypeError: they are not numbers.
        ValueError: there is none, they are not one list, or one is outside the range.

    Example:
        >>> as_thresholds([0.5, 0.2]).tolist()
        [0.5, 0.2]
    """
    if thresholds is None:
        return threshold_grid()
    grid = np.asarray(thresholds)
    if grid.ndim != 1 or grid.size == 0:
        raise ValueError(f"thresholds must be one list of numbers, got shape {grid.shape}.")
    if grid.dtype.kind not in "fiu":
        raise TypeError(f"thresholds must be numbers, got {grid.dtype}.")
    wrong = grid[~((grid >= 0) & (grid < 1))]
    if wrong.size:
        check_threshold(float(wrong[0]))
    return grid.astype(np.float64)


# The paper's test entry and the authors' tool ----------------------------------------------------


def five_guesses(boxes: Sequence[npt.ArrayLike]) -> tuple[Ints, Floats]:
    """Make five guesses from three classes: a loose and a tight box twice, and one loose box.

    The heuristic of the paper's test entry: two boxes for the first and the second class, one for
    the third. As in the released code, loose is the largest box of a class, tight the second
    largest.

    Args:
        boxes: for each of the three most probable classes its boxes ``(n, 4)``, as `components` or
            `authors_boxes` give them.

    Returns:
        The rank of the class of each guess ``(5,)``, ``[0, 0, 1, 1, 2]``, and the guesses
        ``(5, 4)``. A class with too few boxes leaves a row of NaN: a guess that is never right.

    Raises:
        ValueError: there are not three classes, or their boxes are not ``(n, 4)``.

    Example:
        >>> one, two = [[0, 0, 9, 9], [2, 2, 4, 4]], [[1, 1, 3, 3], [0, 0, 5, 5]]
        >>> ranks, guesses = five_guesses([one, two, [[3, 3, 8, 8]]])
        >>> ranks.tolist(), guesses[3].tolist()
        ([0, 0, 1, 1, 2], [1.0, 1.0, 3.0, 3.0])
    """
    if len(boxes) != 3:
        raise ValueError(f"boxes must hold those of three classes, got {len(boxes)}.")
    ranks = np.array(GUESS_RANKS, np.int64)
    guesses = np.full((len(ranks), 4), np.nan)
    for rank, given in enumerate(boxes):
        rows = np.asarray(given, np.float64)
        if rows.ndim != 2 or rows.shape[1] != 4:
            raise ValueError(f"boxes[{rank}] must be (n, 4), got shape {rows.shape}.")
        area = (rows[:, 2] - rows[:, 0]) * (rows[:, 3] - rows[:, 1])
        ordered = rows[np.argsort(-area, kind="stable")]
        places = np.flatnonzero(ranks == rank)[: len(ordered)]
        guesses[places] = ordered[: len(places)]
    return ranks, guesses


def centred_box(height: float, width: float, side: float) -> Box:
    """Draw the box in the middle that takes a share of each side: a rival that looks at nothing.

    Args:
        height: of the picture, in pixels.
        width: of the picture, in pixels.
        side: share of the height and of the width, above 0, up to 1: the whole picture.

    Returns:
        ``(x0, y0, x1, y1)`` in pixels, end exclusive.

    Raises:
        ValueError: ``side`` is not a share, or the picture has no area.

    Example:
        >>> centred_box(100, 200, 0.5)
        (50.0, 25.0, 150.0, 75.0)
    """
    if not 0 < side <= 1:
        raise ValueError(f"side is a share of each side, above 0 and up to 1, got {side}.")
    if not (height > 0 and width > 0):
        raise ValueError(f"height and width must be above 0, got {height} and {width}.")
    across, down = width * (1 - side) / 2, height * (1 - side) / 2
    return across, down, width - across, height - down


def authors_boxes(
    heatmap: npt.ArrayLike, levels: tuple[int, int, int] = (20, 100, 110)
) -> npt.NDArray[np.float64]:
    """Draw boxes as the tool released with the paper does (zhoubolei/CAM, ``bboxgenerator``).

    It is not the paper's 20 % rule. At three grey levels the cells above are kept, worn away by
    10/255 of the largest distance to the background, and every outline, of a region or a hole,
    gives a box that stays 5 cells clear of the right and the bottom. The boxes of the three levels
    are sorted by area, and from the largest down a box is dropped that shares more than half of
    the larger one; as in the original, the one after a dropped box is not looked at.

    Args:
        heatmap: grey levels ``(h, w)``, uint8, at least 6 x 6.
        levels: three grey levels, increasing, from 1 to 254. The paper's evaluation uses these.

    Returns:
        ``(n, 4)`` boxes ``(x0, y0, x1, y1)``, largest first. The tool prints ``x y width height``;
        where the 5 cells make a width negative, the ends change places, as in its evaluation.

    Raises:
        TypeError: ``heatmap`` is not uint8.
        ValueError: its shape is not allowed, or ``levels`` do not increase within 1..254. (The
            original takes 30, 90, 150 then, without a word.)

    Example:
        >>> heatmap = np.zeros((40, 40), np.uint8)
        >>> heatmap[10:30, 5:25] = 90
        >>> authors_boxes(heatmap).tolist()
        [[5.0, 10.0, 25.0, 30.0]]
    """
    grey = np.asarray(heatmap)
    if grey.dtype != np.uint8:
        raise TypeError(f"heatmap must hold grey levels, uint8, got {grey.dtype}.")
    if grey.ndim != 2 or min(grey.shape) < 6:
        raise ValueError(f"heatmap must be (h, w), at least 6 x 6, got shape {grey.shape}.")
    if len(levels) != 3 or not 0 < levels[0] < levels[1] < levels[2] < 255:
        raise ValueError(f"levels must be three, increasing, from 1 to 254, got {levels}.")
    pooled = [box for level in levels for box in _authors_outlines(_worn(grey > level))]
    pooled.sort(key=lambda box: -box[2] * box[3])
    i = 0
    while i < len(pooled):
        j = i + 1
        while j < len(pooled):
            if _share_half(pooled[i], pooled[j]):
                del pooled[j]
            j += 1  # also after a deletion: the original steps over the next box
        i += 1
    ends = [(x, y, x + w, y + h) for x, y, w, h in pooled]
    rows = np.array(ends, np.float64).reshape(-1, 4)
    return np.concatenate(
        [np.minimum(rows[:, :2], rows[:, 2:]), np.maximum(rows[:, :2], rows[:, 2:])], axis=1
    )


def _worn(mask: Bools) -> Bools:
    if mask.all() or not mask.any():  # no distance to measure: the tool leaves such a mask alone
        return mask
    distance = ndimage.distance_transform_edt(mask)
    worn: Bools = np.floor(distance * (255.0 / distance.max()) + 0.5) > 10
    return worn


def _authors_outlines(mask: Bools) -> list[tuple[int, int, int, int]]:
    """The boxes ``x y w h`` of regions and holes, in the order in which the tool meets them."""
    height, width = mask.shape
    regions, _ = ndimage.label(mask, structure=_EIGHT)
    hollow, _ = ndimage.label(~np.pad(mask, 1))  # 4-connected; the one around the picture is first
    outlines = []
    for label, (y0, x0, y1, x1, first) in enumerate(_spans(regions), start=1):
        outlines.append(((label, 0), (x0, y0, x1 - x0, y1 - y0), first))
    for label, (y0, x0, y1, x1, first) in enumerate(_spans(hollow), start=1):
        y, x = divmod(first, width + 2)
        if label > 1:  # back from the padded frame: the hole's box grows by its rim
            outer = int(regions[y - 1, x - 2])
            outlines.append(((outer, label), (x0 - 2, y0 - 2, x1 - x0 + 2, y1 - y0 + 2), first))
    # Last region first, each followed by its holes, the last hole first.
    outlines.sort(key=lambda item: (-item[0][0], item[0][1] > 0, -item[0][1]))
    return [
        (
            _limit(x, 0, width - 5),
            _limit(y, 0, height - 5),
            _limit(w, 0, width - x - 5),
            _limit(h, 0, height - y - 5),
        )
        for _, (x, y, w, h), _ in outlines
    ]


def _spans(regions: npt.NDArray[Any]) -> Iterator[tuple[int, int, int, int, int]]:
    """For each label: y0, x0, y1, x1 and its first cell in reading order."""
    _, first = np.unique(regions.ravel(), return_index=True)
    has_ground = int(regions.size > 0 and (regions == 0).any())
    for found, start in zip(ndimage.find_objects(regions), first[has_ground:], strict=True):
        rows, columns = found
        yield rows.start, columns.start, rows.stop, columns.stop, int(start)


def _limit(value: int, low: int, high: int) -> int:
    # Not max(low, min(value, high)): with high below low the tool gives high.
    return low if value < low else min(value, high)


def _share_half(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> bool:
    half = int(max(a[2] * a[3], b[2] * b[3]) * 0.5)
    across = max(0, min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0]))
    down = max(0, min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1]))
    return across * down > half


# The benchmark of Choe et al. (2020) -------------------------------------------------------------


def wsol_map(map: npt.ArrayLike, size: int = 224) -> Floats:
    """Prepare a map as the benchmark of Choe et al. (2020) does: enlarge, then stretch to 0..1.

    Bicubic enlargement (Keys 1981, with a = -0.75, edges repeated, cell centres aligned), then
    ``(m - min) / (max - min)``. A map with NaN or one value everywhere becomes zeros.

    Args:
        map: one map ``(h, w)``, raw.
        size: side of the result, in pixels; the benchmark uses 224.

    Returns:
        ``(size, size)``, from 0 to 1.

    Raises:
        TypeError: ``map`` does not hold numbers.
        ValueError: ``map`` is not ``(h, w)`` or is empty, or ``size`` is below 1.

    Example:
        >>> wsol_map([[0.0, 1.0], [2.0, 3.0]], size=2).round(3).tolist()
        [[0.0, 0.333], [0.667, 1.0]]
    """
    cells = _as_map(map).astype(np.float64)
    if cells.size == 0:
        raise ValueError("map is empty: give at least one cell.")
    if size < 1:
        raise ValueError(f"size must be at least 1, got {size}.")
    large = cells
    if cells.shape != (size, size):
        large = _cubic(size, cells.shape[0]) @ cells @ _cubic(size, cells.shape[1]).T
    low, high = large.min(), large.max()
    if np.isnan(large).any() or low == high:
        return np.zeros((size, size))
    # In two steps, as there: what is divided is the shifted map and its own maximum.
    shifted = large - low
    stretched: Floats = shifted / shifted.max()
    return stretched


def _cubic(to: int, count: int) -> Floats:
    """The weights ``(to, count)`` of bicubic resizing along one side, in the float32 of OpenCV."""
    place = ((np.arange(to) + 0.5) * (count / to) - 0.5).astype(np.float32)
    start = np.floor(place)
    x = place - start
    one, a = np.float32(1), np.float32(-0.75)
    near = ((a + 2) * x - (a + 3)) * x * x + one
    back = one - x
    next_ = ((a + 2) * back - (a + 3)) * back * back + one
    far = ((a * (x + 1) - 5 * a) * (x + 1) + 8 * a) * (x + 1) - 4 * a
    weights = np.zeros((to, count))
    for step, weight in zip(
        (-1, 0, 1, 2), (far, near, next_, one - far - near - next_), strict=True
    ):
        column = np.clip(start.astype(np.int64) + step, 0, count - 1)
        np.add.at(weights, (np.arange(to), column), weight.astype(np.float64))
    return weights


def _wsol_levels(cells: Floats, grid: Floats) -> tuple[Floats, Floats, Ints]:
    """The 8-bit map, the distinct levels ascending, and the level each threshold asks for."""
    if cells.size == 0:
        raise ValueError('map is empty: convention "wsol" needs at least one cell.')
    low, high = float(cells.min()), float(cells.max())
    if np.isnan(low):
        raise ValueError('map holds NaN: convention "wsol" refuses it.')
    if low < 0 or high > 1:
        raise ValueError(
            f'map must lie within 0..1 for convention "wsol", got {low:g} to {high:g}: '
            "prepare it with wsol_map."
        )
    grey = np.floor(cells * 255)
    levels, asked = np.unique(np.floor(grid * grey.max()), return_inverse=True)
    return grey, levels, asked.astype(np.int64)


def _wsol_largest(cells: Floats, grid: Floats) -> Floats:
    grey, levels, asked = _wsol_levels(cells, grid)
    boxes = np.zeros((len(levels), 4))
    rows, found = _sweep(grey, levels, _touching(_EDGES_FIRST), True)
    chosen = _widest(grey, levels, rows, found)
    has = chosen >= 0
    boxes[has] = _wsol_ends(found[chosen[has], 2:].astype(np.float64), cells.shape)
    return boxes[asked]


def _wsol_all(cells: Floats, grid: Floats) -> tuple[Ints, Floats]:
    grey, levels, asked = _wsol_levels(cells, grid)
    rows, found = _sweep(grey, levels, _touching(_EDGES_FIRST), True)
    # A hole is a 4-connected region of the cells at or below the level that misses the edge.
    depths, dark = _sweep(-grey, -(levels[::-1] + 1), _touching(_EDGES), True)
    height, width = cells.shape
    inside = (dark[:, 2:4] > 0).all(1) & (dark[:, 4] < width) & (dark[:, 5] < height)
    holes = dark[inside]
    holes[:, 2:] += np.array([-1, -1, 1, 1], np.int64)
    of_regions = _sorted_rows(rows, found)
    of_holes = _sorted_rows(len(levels) - 1 - depths[inside], holes)
    none = np.setdiff1d(np.arange(len(levels)), rows)
    every_row = np.concatenate([of_regions[0], of_holes[0], none])
    boxes = np.concatenate(
        [
            _wsol_ends(of_regions[1], cells.shape),
            _wsol_ends(of_holes[1], cells.shape),
            np.zeros((len(none), 4)),
        ]
    )
    order = np.argsort(every_row, kind="stable")
    every_row, boxes = every_row[order], boxes[order]
    # Many thresholds ask for one level: hand each of them that level's boxes.
    begin = np.searchsorted(every_row, asked)
    count = np.searchsorted(every_row, asked, side="right") - begin
    skip = np.repeat(np.cumsum(count) - count, count)
    pick = np.repeat(begin, count) + np.arange(count.sum()) - skip
    return np.repeat(np.arange(len(grid)), count), boxes[pick]


def _wsol_ends(boxes: Floats, shape: tuple[int, ...]) -> Floats:
    last = np.array([np.inf, np.inf, shape[1] - 1, shape[0] - 1])
    ends: Floats = np.minimum(boxes, last)
    return ends


# Inside the sweep --------------------------------------------------------------------------------


def _above(cells: npt.NDArray[Any], level: float) -> Bools:
    kept: Bools = cells.astype(np.float64) > level
    return kept


def _levels(cells: npt.NDArray[Any], thresholds: Floats, rule: Rule) -> Floats:
    """The level of each threshold, for a map that has a box."""
    low, high = np.float64(cells.min()), np.float64(cells.max())
    if rule == "max":
        levels = thresholds * high
    elif rule == "minmax":
        levels = (1 - thresholds) * low + thresholds * high
    elif rule == "quantile":
        levels = np.quantile(cells.astype(np.float64), thresholds)
    else:
        levels = np.full(len(thresholds), _otsu(cells.astype(np.float64)))
    # Rounding, or many cells at the maximum, can bring a level up to it; the maximum is kept.
    below: Floats = np.minimum(levels, np.nextafter(high, -np.inf))
    return below


def _otsu(cells: Floats) -> float:
    values = np.sort(cells, axis=None)
    below = np.arange(1, len(values), dtype=np.float64)
    above = len(values) - below
    total = np.cumsum(values)
    gap = (total[-1] - total[:-1]) / above - total[:-1] / below
    between = np.where(values[:-1] < values[1:], below * above * gap**2, -1.0)
    return float(values[int(np.argmax(between))])


def _largest(cells: Floats, levels: Floats) -> Floats:
    order = np.argsort(levels, kind="stable")
    rows, found = _sweep(cells, levels[order], _touching(_EDGES_FIRST), False)
    boxes = np.full((len(levels), 4), np.nan)
    boxes[order[rows]] = found[:, 2:]
    return boxes


def _union_boxes(cells: Floats, levels: Floats) -> Floats:
    ends = []
    for highest in (cells.max(axis=0), cells.max(axis=1)):
        on = highest[None, :] > levels[:, None]  # (T, w), then (T, h)
        ends.append((on.argmax(axis=1), on.shape[1] - on[:, ::-1].argmax(axis=1)))
    (x0, x1), (y0, y1) = ends
    return np.stack([x0, y0, x1, y1], axis=1).astype(np.float64)


def _sorted_rows(rows: Ints, found: Ints) -> tuple[Ints, Floats]:
    """Sort by row, then the largest region first, then reading order."""
    order = np.lexsort((found[:, 0], -found[:, 1], rows))
    return rows[order], found[order, 2:].astype(np.float64)


@functools.cache
def _touching(steps: tuple[int, ...]) -> Ints:
    """For every pattern of present neighbours, one of each group that already touches.

    Neighbours that touch each other are in one region already, so it is enough to ask one of them.

    Returns:
        ``(256, 5)``: how many to ask, then their places on the ring.
    """
    table = np.zeros((256, 5), np.int64)
    for pattern in range(256):
        present = np.array([pattern >> i & 1 for i in range(8)], bool)
        square = np.zeros((3, 3), bool)
        for (row, column), on in zip(_RING, present, strict=True):
            square[row + 1, column + 1] = on
        groups, _ = ndimage.label(square, structure=_EIGHT if len(steps) == 8 else None)
        asked: dict[int, int] = {}
        for i in steps:
            row, column = _RING[i]
            if present[i]:
                asked.setdefault(int(groups[row + 1, column + 1]), i)
        table[pattern, 0] = len(asked)
        table[pattern, 1 : 1 + len(asked)] = list(asked.values())
    return table


# Edge neighbours first: they touch more of the others, and are the likelier to be in the cache.
_EDGES_FIRST = (2, 0, 4, 6, 1, 3, 5, 7)
_EDGES = (2, 0, 4, 6)


def _compiled(kernel: Kernel) -> Kernel:
    """Compile a kernel when it is first called; without numba the same lines run in Python.

    ``CAMKIT_COMPILE=0`` asks for Python. The numbers are the same, only slower to come.
    """
    ready: list[Callable[..., Any]] = []

    @functools.wraps(kernel)
    def call(*arguments: Any) -> Any:
        if os.environ.get("CAMKIT_COMPILE") == "0":
            return kernel(*arguments)
        if not ready:
            ready.append(_machine_code(kernel))
        return ready[0](*arguments)

    return cast(Kernel, call)


def _machine_code(kernel: Callable[..., Any]) -> Callable[..., Any]:
    try:
        import numba
        from numba.core import event
    except ImportError:
        return kernel
    config: Any = numba.config
    register: Any = event.register
    before = config.CACHE_DIR
    folder = before or _cache_folder()
    try:
        # Read when a function is wrapped: without it the code would land beside the source.
        config.CACHE_DIR = folder
        code: Callable[..., Any] = numba.njit(cache=bool(folder))(kernel)
    finally:
        config.CACHE_DIR = before

    class Notice(event.Listener):
        def on_start(self, event: Any) -> None:
            if event.data["dispatcher"] is code:
                kept = "kept for next time" if folder else "not kept, no cache can be written"
                name = kernel.__name__.strip("_")
                print(
                    f"camkit: compiling {name} once, a few seconds ({kept}).",
                    file=sys.stderr,
                )

        def on_end(self, event: Any) -> None:
            pass

    register("numba:compile", Notice())
    return code


def _cache_folder() -> str:
    """The user's own cache folder for compiled code, or "" where none can be written."""
    home = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME")
    with contextlib.suppress(OSError, RuntimeError):  # a read-only or missing home
        folder = (Path(home) if home else Path.home() / ".cache") / "camkit" / "compiled"
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return str(folder)
    return ""


def _sweep(cells: Floats, levels: Floats, touching: Ints, every: bool) -> tuple[Ints, Ints]:
    """Lower the level through a map and note regions at each of the levels.

    Args:
        cells: ``(h, w)``.
        levels: ``(T,)`` ascending, at least one.
        touching: which neighbours to ask, and with it the connectivity: see `_touching`.
        every: note all regions at each level, or the largest alone.

    Returns:
        Rows of levels ``(N,)``, descending, and for each a region ``(N, 6)``: its first cell in
        reading order (in a frame one cell wide around the map), its size, x0, y0, x1, y1.
    """
    order, ends = _queue(np.ascontiguousarray(cells), np.ascontiguousarray(levels))
    rows, found = _flood(order, ends, cells.shape[0], cells.shape[1], touching, every)
    return rows, found


@_compiled
def _queue(cells: Floats, levels: Floats) -> tuple[Ints, Ints]:
    """Order the cells by how many levels lie below them, the most first, then reading order.

    A cell belongs to the masks of just the levels below it. A table of evenly spaced buckets finds
    the levels near a value and a bisection the exact number; a counting sort does the rest.

    Returns:
        The cells, by their places in a frame one cell wide around the map, and for each number of
        levels where its cells end ``(T + 1,)``.
    """
    height, width = cells.shape
    count = len(levels)
    low = levels[0]
    span = cells.max() - low
    buckets = max(256, 2 * count)
    scale = buckets / span if 1e-290 < span < 1e290 else 0.0
    near = np.zeros(buckets + 2, np.int64)
    for j in range(count):
        near[int(min((levels[j] - low) * scale, buckets)) + 1 if scale > 0 else 1] += 1
    for k in range(buckets + 1):
        near[k + 1] += near[k]
    below = np.zeros((height, width), np.int32)
    ends = np.zeros(count + 1, np.int64)
    for y in range(height):
        for x in range(width):
            value = cells[y, x]
            if value > low:
                k = int(min((value - low) * scale, buckets)) if scale > 0 else 0
                a = near[k]
                b = near[k + 1]
                while a < b:
                    middle = (a + b) // 2
                    if levels[middle] < value:
                        a = middle + 1
                    else:
                        b = middle
                below[y, x] = a
                ends[a] += 1
    kept = 0
    for b in range(count, 0, -1):
        kept += ends[b]
        ends[b] = kept - ends[b]
    order = np.empty(kept, np.int64)
    for y in range(height):
        for x in range(width):
            b = below[y, x]
            if b > 0:
                order[ends[b]] = (y + 1) * (width + 2) + x + 1
                ends[b] += 1
    return order, ends


@_compiled
def _flood(
    order: Ints, ends: Ints, height: int, width: int, touching: Ints, every: bool
) -> tuple[Ints, Ints]:
    """Let the cells in one after the other, join regions, and note them at each level."""
    wide = width + 2
    ring = np.array([-1, -wide - 1, -wide, -wide + 1, 1, wide + 1, wide, wide - 1])  # as _RING
    on = np.zeros((height + 2) * wide, np.uint8)
    parent = np.empty((height + 2) * wide, np.int32)
    size = np.empty((height + 2) * wide, np.int32)
    least = np.empty(((height + 2) * wide, 5), np.int32)  # first cell, x0, y0, -x1, -y1
    live = np.empty(len(order) if every else 1, np.int32)
    slot = np.empty((height + 2) * wide if every else 1, np.int32)
    alive = 0
    best = -1
    count = len(ends) - 1
    rows = np.empty(count, np.int64)
    found = np.empty((count, 6), np.int64)
    noted = 0
    i = 0
    for b in range(count, 0, -1):
        while i < ends[b]:
            p = order[i]
            i += 1
            y = p // wide - 1
            x = p - (y + 1) * wide - 1
            parent[p] = p
            size[p] = 1
            least[p, 0] = p
            least[p, 1] = x
            least[p, 2] = y
            least[p, 3] = -x - 1
            least[p, 4] = -y - 1
            if every:
                live[alive] = p
                slot[p] = alive
                alive += 1
            pattern = 0
            for k in range(8):
                pattern |= int(on[p + ring[k]]) << k
            on[p] = 1
            r = p
            for k in range(touching[pattern, 0]):
                q = p + ring[touching[pattern, k + 1]]
                while parent[q] != q:
                    parent[q] = parent[parent[q]]
                    q = int(parent[q])
                if q == r:
                    continue
                if size[q] >= size[r]:
                    q, r = r, q
                parent[q] = r
                size[r] += size[q]
                for f in range(5):
                    least[r, f] = min(least[r, f], least[q, f])
                if every:
                    alive -= 1
                    live[slot[q]] = live[alive]
                    slot[live[alive]] = slot[q]
            # Regions only grow, so the largest so far is found by looking at what just grew.
            if (
                best < 0
                or size[r] > size[best]
                or (size[r] == size[best] and least[r, 0] < least[best, 0])
            ):
                best = r
        while noted + max(alive, 1) > len(rows):
            rows = np.concatenate((rows, np.empty_like(rows)))
            found = np.concatenate((found, np.empty_like(found)))
        for k in range(alive if every else min(i, 1)):
            r = int(live[k]) if every else best
            rows[noted] = b - 1
            found[noted, 0] = least[r, 0]
            found[noted, 1] = size[r]
            found[noted, 2] = least[r, 1]
            found[noted, 3] = least[r, 2]
            found[noted, 4] = -least[r, 3]
            found[noted, 5] = -least[r, 4]
            noted += 1
    return rows[:noted], found[:noted]


@_compiled
def _one_box(cells: Floats, level: float) -> tuple[int, int, int, int]:
    """Draw the box of the largest region above one level, joining runs of cells row by row.

    Of two regions that meet, the one whose first run comes first takes the other in: so a region
    is known by its first cell in reading order, and the first of equals is met first.
    """
    height, width = cells.shape
    most = height * (width // 2 + 1)  # runs: at most every other cell
    parent = np.empty(most, np.int32)
    facts = np.empty((most, 5), np.int32)  # size, x0, y0, x1, y1 of a region
    start = np.empty(most, np.int32)
    stop = np.empty(most, np.int32)
    count = 0
    above = 0  # the first run of the row above
    for y in range(height):
        row = count
        near = above
        x = 0
        while x < width:
            if not cells[y, x] > level:
                x += 1
                continue
            begin = x
            while x < width and cells[y, x] > level:
                x += 1
            parent[count] = count
            start[count] = begin
            stop[count] = x
            facts[count, 0] = x - begin
            facts[count, 1] = begin
            facts[count, 2] = y
            facts[count, 3] = x
            facts[count, 4] = y + 1
            while near < row and stop[near] < begin:
                near += 1
            k = near
            r = count
            while k < row and start[k] <= x:  # touching, corners included
                q = k
                while parent[q] != q:
                    parent[q] = parent[parent[q]]
                    q = int(parent[q])
                if q != r:
                    q, r = max(q, r), min(q, r)
                    parent[q] = r
                    facts[r, 0] += facts[q, 0]
                    facts[r, 1] = min(facts[r, 1], facts[q, 1])
                    facts[r, 3] = max(facts[r, 3], facts[q, 3])
                    facts[r, 4] = max(facts[r, 4], facts[q, 4])
                k += 1
            count += 1
        above = row
    best = 0
    for k in range(count):
        if parent[k] == k and facts[k, 0] > facts[best, 0]:
            best = k
    return facts[best, 1], facts[best, 2], facts[best, 3], facts[best, 4]


@_compiled
def _widest(cells: Floats, levels: Floats, rows: Ints, found: Ints) -> Ints:
    """Choose at each level the region whose outline encloses the largest area.

    The outline runs through cell centres, around the region from its first cell (Suzuki and Abe
    1985); its area is half the sum of ``x dy - y dx``. A line one cell wide encloses nothing. Of
    equal areas the last in reading order is taken: the order in which OpenCV lists outlines. A
    hole's outline lies within its region's and cannot enclose more.

    Args:
        cells: ``(h, w)``.
        levels: ``(T,)``.
        rows, found: all regions at all levels, from `_sweep`.

    Returns:
        ``(T,)``: which of the regions, or -1.
    """
    height, width = cells.shape
    wide = width + 2
    framed = np.full((height + 2) * wide, -np.inf)
    for y in range(height):
        for x in range(width):
            framed[(y + 1) * wide + x + 1] = cells[y, x]
    across = np.array([-1, -1, 0, 1, 1, 1, 0, -1], np.int64)  # as _RING
    down = np.array([0, -1, -1, -1, 0, 1, 1, 1], np.int64)
    chosen = np.full(len(levels), -1, np.int64)
    areas = np.zeros(len(levels), np.int64)
    for i in range(len(rows)):
        row = rows[i]
        level = levels[row]
        start = found[i, 0]
        # Twice the area, which is an integer; no outline encloses more than its box.
        most = 2 * (found[i, 4] - found[i, 2] - 1) * (found[i, 5] - found[i, 3] - 1)
        if chosen[row] >= 0 and most < areas[row]:
            continue
        area = 0
        if most > 0:
            # Clockwise from the west, which lies outside: where the walk will end.
            back = 1
            while framed[start + down[back] * wide + across[back]] <= level:
                back += 1
            last = start + down[back] * wide + across[back]
            here = start
            while True:
                step = (back + 7) % 8
                while framed[here + down[step] * wide + across[step]] <= level:
                    step = (step + 7) % 8
                there = here + down[step] * wide + across[step]
                y = here // wide
                area += (here - y * wide) * down[step] - y * across[step]
                if there == start and here == last:
                    break
                back = (step + 4) % 8
                here = there
            area = abs(area)
        best = chosen[row]
        if best < 0 or area > areas[row] or (area == areas[row] and start > found[best, 0]):
            chosen[row] = i
            areas[row] = area
    return chosen


# What comes in -----------------------------------------------------------------------------------


def _as_map(map: npt.ArrayLike) -> npt.NDArray[np.generic]:
    cells = _as_numbers(map)
    if cells.ndim != 2:
        raise ValueError(f"map must be one map (h, w), got shape {cells.shape}: choose one.")
    return cells


def _float_of(cells: npt.NDArray[Any]) -> npt.DTypeLike:
    """Single precision stays: its values are exact in double precision too."""
    return cells.dtype if cells.dtype == np.float32 else np.float64


def _as_batch(maps: npt.ArrayLike) -> Floats:
    cells = _as_numbers(maps)
    if cells.ndim not in (2, 3):
        raise ValueError(f"maps must be (h, w) or (n, h, w), got shape {cells.shape}.")
    return cells.astype(np.float64)[None] if cells.ndim == 2 else cells.astype(np.float64)


def _as_numbers(map: npt.ArrayLike) -> npt.NDArray[np.generic]:
    detach = getattr(map, "detach", None)
    tensor = detach().cpu() if detach is not None else None
    if tensor is not None and tensor.is_floating_point() and tensor.element_size() == 2:
        tensor = tensor.float()  # NumPy has no bfloat16
    cells = np.asarray(map if tensor is None else tensor)
    if cells.dtype.kind not in "fiub":
        raise TypeError(f"map must hold numbers, got {cells.dtype}.")
    return cells


def _one_of(name: str, word: str, allowed: object) -> None:
    words = get_args(allowed)
    if word not in words:
        raise ValueError(f"{name} must be one of {', '.join(words)}, got {word!r}.")


def _check_convention(convention: str, rule: Rule, keep: str) -> None:
    _one_of("convention", convention, Convention)
    _one_of("rule", rule, Rule)
    if convention == "wsol" and (rule, keep) != ("max", "largest"):
        raise ValueError('convention "wsol" has one rule: leave rule and keep as they are.')


def _rectangles(regions: npt.NDArray[Any]) -> Floats:
    """The boxes ``(n, 4)`` of labelled regions, in the order of their labels."""
    slices = ndimage.find_objects(regions) if regions.size else []
    found = [(c.start, r.start, c.stop, r.stop) for r, c in slices]
    return np.array(found, np.float64).reshape(-1, 4)
