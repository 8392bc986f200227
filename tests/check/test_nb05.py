"""The checks of lesson 05 take right boxes however they are written, and name what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage

from camkit import boxes, check
from camkit.check import nb05
from camkit.images import View

Answer = Callable[..., Any]


# --- box_from_map --------------------------------------------------------------------------------


def by_flooding(map: Any, threshold: float) -> list[int] | None:
    """Without SciPy: a stack of cells to visit."""
    if map.max() <= 0 or map.min() == map.max():
        return None
    left = {(int(y), int(x)) for y, x in zip(*np.where(map > threshold * map.max()), strict=True)}
    best: list[tuple[int, int]] = []
    for start in sorted(left):
        if start not in left:
            continue
        left.discard(start)
        region, open_cells = [], [start]
        while open_cells:
            y, x = open_cells.pop()
            region.append((y, x))
            for near in ((y + j, x + i) for j in (-1, 0, 1) for i in (-1, 0, 1)):
                if near in left:
                    left.discard(near)
                    open_cells.append(near)
        best = region if len(region) > len(best) else best
    ys, xs = zip(*best, strict=True)
    return [min(xs), min(ys), max(xs) + 1, max(ys) + 1]


def by_objects(map: Any, threshold: float) -> Any:
    if not (map.max() > 0 and np.ptp(map) > 0):
        return None
    regions, n = ndimage.label(map / map.max() > threshold, np.ones((3, 3)))
    sizes = ndimage.sum_labels(np.ones(map.shape), regions, range(1, n + 1))
    rows, columns = ndimage.find_objects(regions)[int(sizes.argmax())]
    return np.array([columns.start, rows.start, columns.stop, rows.stop])


def with_torch(map: Any, threshold: float) -> Any:
    box = boxes.box_from_map(torch.tensor(map), threshold)
    return None if box is None else torch.tensor(box)


@pytest.mark.parametrize("answer", [by_flooding, by_objects, with_torch, boxes.box_from_map])
def test_right_boxes_pass(answer: Answer) -> None:
    assert check.box_from_map(answer).passed, check.box_from_map(answer)


@pytest.mark.parametrize(
    ("answer", "kind", "advice"),
    [
        # As a learner would write them, not as the check does.
        (
            lambda m, t: boxes.box_from_map(m - m.min(), t) if boxes.box_from_map(m) else None,
            "wrong values",
            "stretched the map",
        ),
        (lambda m, t: boxes.box_from_map(m, t) and (0, 0, 1, 1), "wrong values", ""),
        (lambda m, t: by_objects(m, t)[[1, 0, 3, 2]], "wrong values", ""),
        (lambda m, t: m > t * m.max(), "wrong type", ""),
        (lambda m, t: by_objects(m, t)[:2], "wrong shape", ""),
        (lambda m, t: "left", "wrong type", ""),
        (
            lambda m, t: by_flooding(m, t) if m.min() < m.max() else [0, 0, m.shape[1], m.shape[0]],
            "wrong values",
            "",
        ),
        (
            lambda m, t: (
                None if by_objects(m, t) is None else by_objects(m, t) - np.array([0, 0, 1, 1])
            ),
            "wrong values",
            "ends are exclusive",
        ),
    ],
)
def test_wrong_boxes_do_not_pass(answer: Answer, kind: str, advice: str) -> None:
    verdict = check.box_from_map(answer)
    assert verdict.kind == kind, verdict
    assert advice in verdict.advice


def test_the_hidden_maps_are_those_the_lesson_promises() -> None:
    """A speck first, a tie, a corner, a wide region, a cell at the level, and no box thrice."""
    cases = nb05._maps()
    answers = [boxes.box_from_map(m, t) for m, t in cases]
    assert sum(a is None for a in answers) == 3
    assert all(m.shape[0] != m.shape[1] for m, _ in cases)
    assert {m.dtype for m, _ in cases} == {np.dtype(np.float32), np.dtype(np.float64)}
    # On paper: rows 2 to 4 and columns 4 to 7 of the first; the speck above it is met first.
    assert answers[0] == (4, 2, 8, 5)
    assert answers[1] == (5, 0, 7, 2)
    assert answers[3] == (6, 4, 9, 7)
    assert answers[4] == (1, 1, 3, 3)


# --- to_photo ------------------------------------------------------------------------------------


def two_corners(box: Any, view: View) -> Any:
    x0, y0, x1, y1 = view.region
    rows, columns = view.size
    return [
        x0 + box[0] / columns * (x1 - x0),
        y0 + box[1] / rows * (y1 - y0),
        x0 + box[2] / columns * (x1 - x0),
        y0 + box[3] / rows * (y1 - y0),
    ]


def from_the_recipe(box: Any, view: View) -> Any:
    """From the photograph's size alone: short side, zoom, centre."""
    (high, wide), (rows, columns) = view.original, view.size
    zoom = min(high / rows, wide / columns) * 224 / 256
    left, top = (wide - columns * zoom) / 2, (high - rows * zoom) / 2
    return np.array(box) * zoom + np.array([left, top, left, top])


@pytest.mark.parametrize(
    "answer",
    [
        two_corners,
        from_the_recipe,
        lambda box, view: np.rint(two_corners(box, view)),
        lambda box, view: torch.tensor(two_corners(box, view)),
        lambda box, view: view.box_back(box),
    ],
)
def test_right_ways_back_pass(answer: Answer) -> None:
    assert check.to_photo(answer).passed, check.to_photo(answer)


@pytest.mark.parametrize(
    ("answer", "kind", "advice"),
    [
        (lambda box, view: view.box_to_input(box), "wrong values", "corners"),
        (lambda box, view: np.floor(two_corners(box, view)) - 1, "wrong values", "corners"),
        (lambda box, view: two_corners(box, view)[:2], "wrong shape", ""),
        (lambda box, view: [float("nan")] * 4, "wrong values", ""),
        (
            lambda box, view: np.array(box) * view.original[1] / view.size[1],
            "wrong values",
            "",
        ),
        (lambda box, view: two_corners(box, view)[0], "wrong type", ""),
    ],
)
def test_wrong_ways_back_do_not_pass(answer: Answer, kind: str, advice: str) -> None:
    verdict = check.to_photo(answer)
    assert verdict.kind == kind, verdict
    assert advice in verdict.advice


def test_the_photographs_are_landscape_portrait_odd_and_square() -> None:
    shapes = {view.original for _, view in nb05._views()}
    assert any(h > w for h, w in shapes)
    assert any(h < w for h, w in shapes)
    assert any(h == w for h, w in shapes)
    assert any(h % 2 for h, _ in shapes)


# --- growing_map ---------------------------------------------------------------------------------


def fat_and_thin() -> Any:
    """Four low cells in a square, a box of 4; three high ones on a slope, a box of 9."""
    cells = np.zeros((7, 7))
    cells[0:2, 0:2] = 2.0
    cells[[3, 4, 5], [6, 5, 4]] = 5.0
    return cells


def test_a_map_whose_box_grows_passes() -> None:
    assert boxes.box_from_map(fat_and_thin(), 0.2) == (0, 0, 2, 2)
    assert boxes.box_from_map(fat_and_thin(), 0.5) == (4, 3, 7, 6)
    assert check.growing_map(fat_and_thin).passed
    assert check.growing_map(lambda: fat_and_thin().tolist()).passed
    assert check.growing_map(lambda: torch.tensor(fat_and_thin())).passed


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (lambda: np.zeros((7, 7)), "wrong values"),
        (lambda: fat_and_thin()[:6], "wrong shape"),
        (lambda: -fat_and_thin(), "wrong values"),
        (lambda: np.eye(7), "wrong values"),
        (lambda: fat_and_thin() > 0, "wrong type"),
        (lambda: np.full((7, 7), np.nan), "wrong values"),
    ],
)
def test_a_map_whose_box_never_grows_does_not(answer: Answer, kind: str) -> None:
    assert check.growing_map(answer).kind == kind
