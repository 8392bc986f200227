"""One threshold, one box: the paper's rule against a flood fill written here."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from camkit import boxes
from camkit.boxes import Box, box_from_map, check_threshold, why_no_box


def flooded(cells: npt.NDArray[np.float64], threshold: float) -> Box:
    """Take the largest region above the threshold, found by walking from cell to cell."""
    kept = {(y, x) for y, x in np.argwhere(cells > threshold * cells.max()).tolist()}
    best: list[tuple[int, int]] = []
    for start in sorted(kept):  # reading order; an equally large later region does not win
        if start not in kept:
            continue
        kept.remove(start)
        region, ahead = [], [start]
        while ahead:
            y, x = ahead.pop()
            region.append((y, x))
            for step in [(y + i, x + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]:
                if step in kept:
                    kept.remove(step)
                    ahead.append(step)
        best = region if len(region) > len(best) else best
    rows, columns = [y for y, _ in best], [x for _, x in best]
    return float(min(columns)), float(min(rows)), max(columns) + 1.0, max(rows) + 1.0


# ---------------------------------------------------------------- the rule


def test_a_box_on_paper() -> None:
    cells = [
        [0, 0, 0, 0, 0],
        [0, 1, 2, 0, 0],  # 20 % of 10 is 2, and 2 is not above it
        [0, 0, 10, 3, 0],
        [0, 0, 5, 0, 9],
    ]
    assert box_from_map(cells) == (2, 2, 5, 4)  # the 9 touches the 3 by a corner
    assert box_from_map(cells, 0.09) == (1, 1, 5, 4)
    assert box_from_map(cells, 0.89) == (2, 2, 3, 3)


def test_corners_touch() -> None:
    cells = [[9, 0, 0], [0, 9, 0], [0, 0, 9]]
    assert box_from_map(cells) == (0, 0, 3, 3)


@pytest.mark.parametrize(
    ("cells", "box"),
    [
        ([[5, 0, 5]], (0, 0, 1, 1)),
        ([[0, 0, 5], [0, 0, 0], [5, 0, 0]], (2, 0, 3, 1)),  # the upper one, though further right
        ([[0, 0, 0, 4], [4, 0, 4, 0], [4, 0, 0, 0]], (2, 0, 4, 2)),
    ],
)
def test_of_equals_the_first_in_reading_order(cells: list[list[int]], box: Box) -> None:
    assert box_from_map(cells) == box


def test_a_hot_speck_before_a_warm_object() -> None:
    """The largest region wins, not the hottest, and not the first."""
    cells = np.zeros((6, 8))
    cells[0, 0] = 10
    cells[2:5, 3:7] = 4
    assert box_from_map(cells) == (3, 2, 7, 5)
    assert box_from_map(cells, 0.4) == (0, 0, 1, 1)  # 4 is not above 40 % of 10


def test_the_threshold_is_strict_and_the_maximum_always_passes() -> None:
    assert box_from_map([[1, 2, 4]], 0.5) == (2, 0, 3, 1)
    assert box_from_map([[0, 1e-3, 1]], 0) == (1, 0, 3, 1)
    assert box_from_map([[0.98, 0.995, 1]], 0.99) == (1, 0, 3, 1)


def test_negative_cells_do_not_move_the_level() -> None:
    """The level is a share of the maximum, not of the range from minimum to maximum."""
    assert box_from_map([[-100, 1, 3, 10]]) == (2, 0, 4, 1)


small = hnp.arrays(
    np.float64,
    hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=7),
    elements=st.integers(-3, 5).map(float),
)


@given(small, st.sampled_from([0, 0.2, 0.5, 0.99]))
def test_boxes_equal_a_flood_fill(cells: npt.NDArray[np.float64], threshold: float) -> None:
    found = box_from_map(cells, threshold)
    if why_no_box(cells) is None:
        assert found == flooded(cells, threshold)
    else:
        assert found is None
        assert cells.max() <= 0 or cells.min() == cells.max()


@given(small, st.integers(1, 1000), st.sampled_from([0.0, 0.2, 0.6]))
def test_the_unit_of_a_map_does_not_matter(
    cells: npt.NDArray[np.float64], factor: int, threshold: float
) -> None:
    # A power of two scales without rounding.
    scale = 2.0 ** (factor % 21 - 10)
    assert box_from_map(cells, threshold) == box_from_map(cells * scale, threshold)


@pytest.mark.parametrize("compiled", [False, True])
def test_compiled_or_not_the_box_is_the_same(compiled: bool) -> None:
    """Without numba loaded SciPy labels the regions: reading order there too."""
    code = (
        f"import sys, numpy as np; {'import numba' if compiled else ''}\n"
        "from camkit.boxes import box_from_map\n"
        "numbers = np.random.default_rng(0)\n"
        "maps = numbers.integers(-2, 6, (300, 6, 7))\n"
        "found = [box_from_map(m, t) for m in maps for t in (0, .2, .7)]\n"
        "print('numba' in sys.modules, found)"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    maps = np.random.default_rng(0).integers(-2, 6, (300, 6, 7))
    expected = [flooded(one.astype(float), t) for one in maps for t in (0, 0.2, 0.7)]
    assert told == f"{compiled} {expected}\n"


# ---------------------------------------------------------------- kinds of maps


@pytest.mark.parametrize(
    "dtype", ["float16", "float32", "float64", "uint8", "int16", "int64", "bool"]
)
def test_every_kind_of_array(dtype: str) -> None:
    cells = np.array([[0, 0, 0], [0, 1, 1]]).astype(dtype)
    assert box_from_map(cells) == (1, 1, 3, 2)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.int32])
def test_every_kind_of_tensor(dtype: torch.dtype) -> None:
    """NumPy has no bfloat16, which the maps of a network in half precision may be."""
    cells = torch.tensor([[0, 0, 0], [0, 1, 1]]).to(dtype)
    assert box_from_map(cells) == (1, 1, 3, 2)


def test_a_tensor_with_gradients() -> None:
    assert box_from_map(torch.tensor([[0.0, 1.0]], requires_grad=True)) == (1, 0, 2, 1)


def test_a_map_is_not_changed() -> None:
    cells = np.array([[0.0, -1.0, 3.0]])
    before = cells.copy()
    box_from_map(cells)
    assert (cells == before).all()


# ---------------------------------------------------------------- no box


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ([[-1.0, -3.0]], "the map has no positive value"),
        ([[0.0, 0.0]], "the map has no positive value"),
        ([[0.0, -1.0]], "the map has no positive value"),
        ([[2.0, 2.0]], "the map has the same value everywhere"),
        ([[7.0]], "the map has the same value everywhere"),  # one cell says nothing about where
        ([[1.0, np.nan]], "the map holds NaN or infinite values"),
        ([[1.0, np.inf]], "the map holds NaN or infinite values"),
        ([[1.0, -np.inf]], "the map holds NaN or infinite values"),
        (np.zeros((0, 3)), "the map is empty"),
    ],
)
def test_no_box_has_a_reason(cells: object, reason: str) -> None:
    assert box_from_map(cells) is None  # type: ignore[arg-type]
    assert why_no_box(cells) == reason  # type: ignore[arg-type]


def test_a_map_with_a_box_has_no_reason() -> None:
    assert why_no_box([[0, 1]]) is None


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize("threshold", [1, 1.5, -0.1, float("nan"), float("inf"), np.float32(2)])
def test_a_threshold_out_of_range(threshold: float) -> None:
    with pytest.raises(ValueError, match="threshold is a share of the maximum, from 0 up to 1"):
        box_from_map([[0, 1]], threshold)


def test_a_percentage_is_recognised() -> None:
    with pytest.raises(ValueError, match=r"got 20: for 20 % write 0\.2\."):
        box_from_map([[0, 1]], 20)


@pytest.mark.parametrize("threshold", ["0.2", None, True, [0.2], 1j])
def test_a_threshold_must_be_a_number(threshold: object) -> None:
    with pytest.raises(TypeError, match="threshold must be a number, got"):
        check_threshold(threshold)  # type: ignore[arg-type]


@pytest.mark.parametrize("threshold", [0, 0.2, np.float32(0.2), np.float64(0.2), Fraction(1, 5)])
def test_numbers_of_every_kind(threshold: float) -> None:
    assert box_from_map([[0, 1, 5]], threshold) == (1 if threshold == 0 else 2, 0, 3, 1)


def test_one_map_at_a_time() -> None:
    with pytest.raises(ValueError, match=r"one map \(h, w\), got shape \(1, 2, 2\): choose one"):
        box_from_map(np.zeros((1, 2, 2)))
    with pytest.raises(TypeError, match="map must hold numbers"):
        box_from_map([["a", "b"]])  # type: ignore[list-item]


def test_the_face_is_the_module() -> None:
    import camkit

    assert camkit.box_from_map is boxes.box_from_map


# ---------------------------------------------------------------- the rival that looks at nothing


def test_a_centred_box_has_equal_margins_and_its_share_of_each_side() -> None:
    assert boxes.centred_box(10, 20, 0.5) == (5.0, 2.5, 15.0, 7.5)
    assert boxes.centred_box(10, 20, 1) == (0.0, 0.0, 20.0, 10.0)


@pytest.mark.parametrize(
    ("height", "width", "side", "word"),
    [(10, 20, 0, "share of each side"), (10, 20, 70, "got 70"), (0, 20, 0.5, "got 0 and 20")],
)
def test_a_centred_box_of_no_size_is_refused(
    height: float, width: float, side: float, word: str
) -> None:
    with pytest.raises(ValueError, match=word):
        boxes.centred_box(height, width, side)
