"""The checks of notebook 05, from map to box."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from camkit import boxes
from camkit.check.core import Check, Problem, Verdict, Wrong, tensor
from camkit.images import View

Map = npt.NDArray[np.floating[Any]]
Box = tuple[float, float, float, float]
_ENDS = ("x0", "y0", "x1", "y1")
_EIGHT = np.ones((3, 3))


# --- exercise A: box_from_map --------------------------------------------------------------------


def _around(mask: npt.NDArray[np.bool_]) -> Box:
    rows, columns = mask.any(axis=1).nonzero()[0], mask.any(axis=0).nonzero()[0]
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def _no_box(map: Map) -> bool:
    return bool(map.max() <= 0 or map.min() == map.max())


def _largest(mask: npt.NDArray[np.bool_], structure: Any = _EIGHT) -> Box:
    regions, _ = ndimage.label(mask, structure=structure)
    return _around(regions == 1 + np.bincount(regions.ravel())[1:].argmax())


def _as_asked(map: Map, threshold: float) -> Box | None:
    return None if _no_box(map) else _largest(map > threshold * map.max())


def _min_max(map: Map, threshold: float) -> Box | None:
    if _no_box(map):
        return None
    return _largest((map - map.min()) / (map.max() - map.min()) > threshold)


def _quantile(map: Map, threshold: float) -> Box | None:
    return None if _no_box(map) else _largest(map > np.quantile(map, threshold))


def _brightest_share(map: Map, threshold: float) -> Box | None:
    return None if _no_box(map) else _largest(map > np.quantile(map, 1 - threshold))


def _first(map: Map, threshold: float) -> Box | None:
    if _no_box(map):
        return None
    regions, _ = ndimage.label(map > threshold * map.max(), structure=_EIGHT)
    return _around(regions == 1)


def _union(map: Map, threshold: float) -> Box | None:
    return None if _no_box(map) else _around(map > threshold * map.max())


def _widest(map: Map, threshold: float) -> Box | None:
    if _no_box(map):
        return None
    regions, count = ndimage.label(map > threshold * map.max(), structure=_EIGHT)
    found = [_around(regions == i) for i in range(1, count + 1)]
    return max(found, key=lambda box: (box[2] - box[0]) * (box[3] - box[1]))


def _last_of_equals(map: Map, threshold: float) -> Box | None:
    if _no_box(map):
        return None
    regions, count = ndimage.label(map > threshold * map.max(), structure=_EIGHT)
    sizes = np.bincount(regions.ravel())[1:]
    return _around(regions == count - sizes[::-1].argmax())


def _four_neighbours(map: Map, threshold: float) -> Box | None:
    return None if _no_box(map) else _largest(map > threshold * map.max(), None)


def _at_least(map: Map, threshold: float) -> Box | None:
    return None if _no_box(map) else _largest(map >= threshold * map.max())


def _fixed_threshold(map: Map, threshold: float) -> Box | None:
    return _as_asked(map, 0.2)


def _changed(change: Callable[[Box], Box]) -> Callable[[Map, float], Box | None]:
    """The right box, written down wrongly."""

    def answer(map: Map, threshold: float) -> Box | None:
        box = _as_asked(map, threshold)
        return None if box is None else change(box)

    return answer


def _no_guard(map: Map, threshold: float) -> Box:
    return _largest(map > threshold * map.max())


def _constant_boxed(map: Map, threshold: float) -> Box | None:
    return None if map.max() <= 0 else _largest(map > threshold * map.max())


def _maps() -> list[tuple[Map, float]]:
    """Maps and thresholds; the first has a box, so that no answer means not attempted."""
    speck = np.full((6, 9), -3.0)
    speck[0, 1], speck[2:5, 4:8] = 10.0, 6.0
    speck[3, 3] = -1.0  # above the middle between lowest and highest, not above zero
    equals = np.zeros((5, 8))
    equals[0:2, 5:7] = equals[3:5, 1:3] = 4.0
    corner = np.zeros((6, 7))
    corner[1, 1] = corner[2, 2] = corner[3, 3] = corner[4, 4] = 5.0
    corner[0:2, 5:7] = 3.0  # three cells count, the fourth is too low
    corner[0, 6] = 0.5
    spread = np.zeros((7, 9))
    spread[np.arange(5), np.arange(5)] = 2.0  # five cells, a wide box
    spread[4:7, 6:9] = 2.0  # nine cells, a smaller box
    level = np.zeros((4, 6))
    level[1:3, 1:3] = 10.0
    level[1, 3:6] = 2.0  # exactly a fifth of the maximum: not above it
    rng = np.random.default_rng(51)
    smooth = [ndimage.gaussian_filter(rng.normal(size=s), 1.2) for s in ((12, 17), (16, 9))]
    waves = [one / np.abs(one).max() for one in smooth]
    return [
        (speck, 0.2),
        (equals, 0.2),
        (corner, 0.2),
        (spread, 0.2),
        (level, 0.2),
        (waves[0], 0.2),
        (waves[0], 0.6),
        (waves[1].astype(np.float32), 0.35),
        (waves[1] + 2.0, 0.8),
        (np.full((4, 6), -1.5) - np.arange(6), 0.2),
        (np.zeros((3, 5)), 0.2),
        (np.full((4, 3), 2.5), 0.2),
    ]


def _told(box: Any) -> str:
    return "(" + ", ".join(f"{v:g}" for v in box) + ")"


def _four(answer: Any) -> list[float] | Problem:
    """Read a box, whatever its numbers came in."""
    try:
        found = [float(v) for v in answer]
    except (TypeError, ValueError):
        came = "nothing (None)" if answer is None else f"a {type(answer).__name__}"
        return Problem("wrong type", f"return four numbers (x0, y0, x1, y1), not {came}.")
    if len(found) != 4:
        return Problem("wrong shape", f"a box has four numbers, got {len(found)}.")
    return found


def _judge_box(answer: Any, map: Map, threshold: float) -> Problem | None:
    wanted = boxes.box_from_map(map, threshold)
    at = f"on a map of {map.shape[0]} × {map.shape[1]} cells at {threshold:g}"
    if wanted is None:
        if answer is None:
            return None
        why = boxes.why_no_box(map)
        return Problem("wrong values", f"{at}, {why}: expected no box (None).")
    if answer is None:
        return Problem("wrong values", f"{at}: expected {_told(wanted)}, got no box (None).")
    found = _four(answer)
    if isinstance(found, Problem) or np.allclose(found, wanted, atol=1e-6):
        return found if isinstance(found, Problem) else None
    return Problem("wrong values", f"{at}: expected {_told(wanted)}, got {_told(found)}.")


BOX_FROM_MAP = Check(
    "box_from_map",
    _maps,
    _judge_box,
    (
        Wrong(
            "min-max before the rule",
            _min_max,
            "You stretched the map to 0..1 first. With negative cells the level sinks and the box "
            "grows: compare the raw map with threshold times its maximum.",
        ),
        Wrong(
            "quantile",
            _quantile,
            "You took a quantile, a share of the cells. The rule takes a share of the maximum.",
        ),
        Wrong(
            "share of the cells",
            _brightest_share,
            "You kept the brightest share of the cells. The rule takes a share of the maximum.",
        ),
        Wrong(
            "first region",
            _first,
            "You took the first region that is met; a speck can be first. Count the cells of each.",
        ),
        Wrong(
            "box around everything",
            _union,
            "Your box encloses everything above the threshold. Keep the largest region only.",
        ),
        Wrong(
            "largest box",
            _widest,
            "You took the region with the largest box. The rule counts the cells of a region.",
        ),
        Wrong(
            "last of equals",
            _last_of_equals,
            "Of equally large regions take the first in reading order.",
        ),
        Wrong(
            "four neighbours",
            _four_neighbours,
            "Cells that touch at a corner belong together too: label with structure=np.ones((3, "
            "3)).",
        ),
        Wrong(
            "at least",
            _at_least,
            "Keep what is above the level, > and not >=.",
        ),
        Wrong(
            "threshold ignored",
            _fixed_threshold,
            "You used a fifth of the maximum throughout; use the argument threshold.",
        ),
        Wrong(
            "one pixel short",
            _changed(lambda b: (b[0], b[1], b[2] - 1, b[3] - 1)),
            "One short: ends are exclusive, so x1 and y1 are one beyond the last cell.",
        ),
        Wrong(
            "corner and size",
            _changed(lambda b: (b[0], b[1], b[2] - b[0], b[3] - b[1])),
            "You returned a corner and a size, (x, y, width, height). A box here is two corners.",
        ),
        Wrong(
            "rows first",
            _changed(lambda b: (b[1], b[0], b[3], b[2])),
            "Rows and columns are exchanged: x counts columns and comes first.",
        ),
        Wrong(
            "no guard",
            _no_guard,
            "Nearly: a map without a positive cell has no box, and neither has one that is the "
            "same everywhere. Return None.",
        ),
        Wrong(
            "constant map boxed",
            _constant_boxed,
            "Nearly: a map with the same value everywhere points nowhere. Return None.",
        ),
    ),
)


def box_from_map(attempt: Callable[..., Any]) -> Verdict:
    """Check ``box_from_map(map, threshold)``: an array (h, w) to (x0, y0, x1, y1), or None.

    >>> from camkit import boxes
    >>> box_from_map(boxes.box_from_map)
    passed on 12 hidden inputs.
    """
    return BOX_FROM_MAP(attempt)


# --- exercise B: to_photo ------------------------------------------------------------------------


def _views() -> list[tuple[Box, View]]:
    """Crops of landscape, portrait and odd photographs, and a square one."""
    crops = [View.of(s, n, "crop") for s, n in (((427, 640), 224), ((803, 601), 224))]
    crops += [View.of((333, 1001), (128, 192), "crop"), View.of((500, 500), 128, "crop")]
    spots = [(0.1, 0.2, 0.7, 0.55), (0.0, 0.0, 1.0, 1.0)]
    return [
        ((s[0] * v.size[1], s[1] * v.size[0], s[2] * v.size[1], s[3] * v.size[0]), v)
        for v in crops
        for s in spots
    ]


def _zoom(view: View) -> tuple[float, float]:
    """Pixels of the photograph to one of the input, across and down."""
    x0, y0, x1, y1 = view.region
    return (x1 - x0) / view.size[1], (y1 - y0) / view.size[0]


def _no_offset(box: Box, view: View) -> Box:
    a, d = _zoom(view)
    return box[0] * a, box[1] * d, box[2] * a, box[3] * d


def _offset_first(box: Box, view: View) -> Box:
    (a, d), (x, y) = _zoom(view), view.region[:2]
    return (box[0] + x) * a, (box[1] + y) * d, (box[2] + x) * a, (box[3] + y) * d


def _exchanged(box: Box, view: View) -> Box:
    (a, d), (x, y) = _zoom(view), view.region[:2]
    return box[0] * a + y, box[1] * d + x, box[2] * a + y, box[3] * d + x


def _no_zoom(box: Box, view: View) -> Box:
    x, y = view.region[:2]
    return box[0] + x, box[1] + y, box[2] + x, box[3] + y


def _divided(box: Box, view: View) -> Box:
    (a, d), (x, y) = _zoom(view), view.region[:2]
    return box[0] / a + x, box[1] / d + y, box[2] / a + x, box[3] / d + y


def _whole_photo(box: Box, view: View) -> Box:
    (high, wide), (rows, columns) = view.original, view.size
    a, d = wide / columns, high / rows
    return box[0] * a, box[1] * d, box[2] * a, box[3] * d


def _judge_photo(answer: Any, box: Box, view: View) -> Problem | None:
    found = _four(answer)
    if isinstance(found, Problem):
        return found
    wanted = view.box_back(box)
    gap = np.abs(np.subtract(found, wanted))
    if not gap.max() > 0.5:  # rounding to whole pixels is allowed; NaN is not
        return None if np.isfinite(gap).all() else Problem("wrong values", "the box holds NaN.")
    worst = int(gap.argmax())
    high, wide = view.original
    return Problem(
        "wrong values",
        f"in a photograph {wide} wide and {high} high, {_ENDS[worst]} is off by {gap[worst]:.3g} "
        f"pixels: expected {wanted[worst]:.4g}, got {found[worst]:.4g}.",
        "Whatever you do, the input's corners must become the corners of view.region.",
    )


TO_PHOTO = Check(
    "to_photo",
    _views,
    _judge_photo,
    (
        Wrong(
            "unchanged",
            lambda box, view: box,
            "These are still the network's pixels; it never saw the photograph at its own size.",
        ),
        Wrong(
            "offset forgotten",
            _no_offset,
            "The size is right, the place is not: the crop begins at view.region's first corner, "
            "so add it.",
        ),
        Wrong(
            "offset added before scaling",
            _offset_first,
            "The offset is in pixels of the photograph: scale the box first, then add it.",
        ),
        Wrong(
            "x and y exchanged",
            _exchanged,
            "The offsets of x and y are exchanged; a square photograph would have hidden it.",
        ),
        Wrong(
            "not scaled",
            _no_zoom,
            "The place of the crop is added, but its pixels are still the network's: scale first.",
        ),
        Wrong(
            "divided",
            _divided,
            "The scale is upside down: one pixel of the input is several of the photograph.",
        ),
        Wrong(
            "whole photograph",
            _whole_photo,
            "You scaled as if the input showed the whole photograph; it shows view.region.",
        ),
    ),
)


def to_photo(attempt: Callable[..., Any]) -> Verdict:
    """Check ``to_photo(box, view)``: a box in the network's crop to one in the photograph.

    >>> to_photo(lambda box, view: view.box_back(box))
    passed on 8 hidden inputs.
    """
    return TO_PHOTO(attempt)


# --- extra: growing_map --------------------------------------------------------------------------


def _judge_growing(answer: Any) -> Problem | None:
    """Accept a 7 x 7 map on which the box grows somewhere while the threshold rises."""
    cells = tensor(np.asarray(answer) if isinstance(answer, (list, tuple)) else answer, "the map")
    if isinstance(cells, Problem):
        return cells
    if tuple(cells.shape) != (7, 7):
        return Problem("wrong shape", f"the map should be (7, 7), got {tuple(cells.shape)}.")
    if (reason := boxes.why_no_box(cells)) is not None:
        return Problem("wrong values", f"{reason}, so there is no box at all.")
    _, found = boxes.boxes_at_every_level(cells)
    areas = (found[:, 2] - found[:, 0]) * (found[:, 3] - found[:, 1])
    if (np.diff(areas) > 0).any():
        return None
    steps = ", ".join(f"{area:g}" for area in areas)
    return Problem(
        "wrong values",
        f"from the lowest level to the highest the box covers {steps} cells: it never grows.",
        "The mask only shrinks. So the box must change over to another region: which property "
        "makes a region the largest, and which makes its box large?",
    )


def _heap() -> Map:
    y, x = np.mgrid[-3:4, -3:4]
    return np.asarray(9.0 - np.abs(x) - np.abs(y))


def _two_heaps() -> Map:
    cells = np.zeros((7, 7))
    cells[1:3, 1:3], cells[4:6, 4:6] = 5.0, 9.0
    return cells


GROWING_MAP = Check(
    "growing_map",
    lambda: [()],
    _judge_growing,
    (
        Wrong(
            "one heap",
            _heap,
            "One heap gives one region, and its box can only shrink. You need two regions.",
        ),
        Wrong(
            "two alike",
            _two_heaps,
            "Two regions are right. Now give them different shapes: a fat one with many cells and "
            "low values, and a long thin one with fewer cells and high values.",
        ),
    ),
)


def growing_map(attempt: Callable[..., Any]) -> Verdict:
    """Check ``growing_map()``: a 7 x 7 map whose box grows while the threshold rises.

    >>> growing_map(lambda: [[0] * 7] * 7)
    wrong values: the map has no positive value, so there is no box at all.
    """
    return GROWING_MAP(attempt)
