"""Rules, regions, all thresholds at once, and the authors' tool, against brute force."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numba  # noqa: F401  (loaded, it makes the compiled way the one taken)
import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from camkit import boxes
from camkit.boxes import (
    authors_boxes,
    box_from_map,
    boxes_at_every_level,
    boxes_at_thresholds,
    components,
    components_at_thresholds,
    five_guesses,
    level_from_map,
    mask_from_map,
    threshold_grid,
    why_no_box,
)

Array = npt.NDArray[np.float64]

# The two peaks and the thin tail of a small map; every number below can be checked on it.
PEAKS = np.array(
    [
        [0, 0, 0, 0, 0, 0],
        [0, 9, 8, 0, 0, 3],
        [0, 7, 0, 0, 4, 0],
        [0, 0, 0, 4, 0, 0],
        [1, 0, 0, 0, 0, 0],
    ],
    dtype=float,
)


def brute(cells: npt.ArrayLike, threshold: float, rule: boxes.Rule = "max") -> Array:
    """Return the box of one threshold as a row, NaN where there is none, labelled by SciPy."""
    found, _ = components(cells, float(threshold), rule)
    return found[0] if len(found) else np.full(4, np.nan)


def smooth(seed: int, side: int = 14, to: int = 224) -> Array:
    """Return a map of random cells, enlarged."""
    small = np.random.default_rng(seed).normal(size=(side, side))
    return np.asarray(cv2.resize(small, (to, to), interpolation=cv2.INTER_LINEAR), np.float64)


def maps() -> st.SearchStrategy[Array]:
    """Draw maps of every kind: random, flat, ridged, tied, of one cell, with negative cells."""
    shapes = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9)
    tied = hnp.arrays(np.float64, shapes, elements=st.integers(-2, 3).map(float))
    free = hnp.arrays(np.float64, shapes, elements=st.floats(-1e6, 1e6))
    tiny = hnp.arrays(np.float64, shapes, elements=st.sampled_from([0.0, 5e-324, 1e-310, 1e-300]))
    flat = st.builds(lambda s, v: np.full(s, v), shapes, st.floats(-5, 5))
    ridged = st.builds(
        lambda s, p: np.add.outer(np.arange(s[0]) % p, np.arange(s[1]) % p).astype(float),
        shapes,
        st.integers(1, 4),
    )
    return st.one_of(tied, free, tiny, flat, ridged)


thresholds = st.lists(
    st.one_of(st.floats(0, 1, exclude_max=True), st.sampled_from([0.0, 0.2, 1 / 3, 0.5, 2 / 3])),
    min_size=1,
    max_size=12,
)


# One threshold


def test_levels_of_the_four_rules_by_hand() -> None:
    ramp = np.arange(-4.0, 6.0).reshape(2, 5)  # the ten whole numbers from -4 to 5
    assert level_from_map(ramp, 0.2) == 1.0
    assert level_from_map(ramp, 0.2, "minmax") == pytest.approx(-2.2)
    assert level_from_map(ramp, 0.5, "quantile") == 0.5
    assert level_from_map(ramp, rule="otsu") == 0.0


def test_min_max_before_the_rule_keeps_twice_as_many_cells() -> None:
    ramp = np.arange(-4.0, 6.0).reshape(2, 5)
    assert mask_from_map(ramp, 0.2).sum() == 4
    assert mask_from_map(ramp, 0.2, "minmax").sum() == 8


def test_otsu_takes_the_split_with_the_largest_variance_between() -> None:
    values = np.random.default_rng(1).normal(size=(6, 7))
    level = level_from_map(values, rule="otsu")

    def between(cut: float) -> float:
        low, high = values[values <= cut], values[values > cut]
        return float(low.size * high.size * (high.mean() - low.mean()) ** 2)

    cuts = np.unique(values)[:-1]
    assert between(level) == pytest.approx(max(between(cut) for cut in cuts))


def test_regions_come_largest_first_and_equal_ones_in_reading_order() -> None:
    found, sizes = components(PEAKS, 0.1)
    assert found.tolist() == [[1, 1, 3, 3], [3, 1, 6, 4], [0, 4, 1, 5]]
    assert sizes.tolist() == [3, 3, 1]
    assert box_from_map(PEAKS, 0.1) == (1, 1, 3, 3)


@pytest.mark.parametrize("rule", ["max", "minmax", "quantile", "otsu"])
@given(cells=maps(), threshold=st.floats(0, 1, exclude_max=True))
def test_every_rule_keeps_a_cell_or_says_why_not(
    rule: boxes.Rule, cells: Array, threshold: float
) -> None:
    mask = mask_from_map(cells, threshold, rule)
    found, sizes = components(cells, threshold, rule)
    assert mask.any() == (why_no_box(cells, rule) is None)
    assert sizes.sum() == mask.sum()
    assert len(found) == len(sizes)


@given(
    cells=maps(),
    threshold=st.floats(0, 1, exclude_max=True),
    rule=st.sampled_from(["max", "minmax", "quantile", "otsu"]),
    single=st.booleans(),
)
def test_one_box_is_the_first_of_the_regions_compiled_or_not(
    cells: Array, threshold: float, rule: boxes.Rule, single: bool
) -> None:
    cells = cells.astype(np.float32) if single else cells
    expected = brute(cells, threshold, rule)
    assert "numba" in sys.modules, "the compiled way is not under test"
    for way in ("1", "0"):
        os.environ["CAMKIT_COMPILE"] = way
        try:
            box = box_from_map(cells, threshold, rule)
        finally:
            del os.environ["CAMKIT_COMPILE"]
        np.testing.assert_array_equal([np.nan] * 4 if box is None else box, expected)


@pytest.mark.parametrize("seed", range(6))
def test_one_box_of_a_large_map(seed: int) -> None:
    noise = np.random.default_rng(seed).random((97, 224))
    for cells in (smooth(seed), noise, noise.T):
        for threshold in (0.2, 0.55, 0.6, 0.8):
            assert box_from_map(cells, threshold) == tuple(brute(cells, threshold))


def test_a_threshold_next_to_one_keeps_the_maximum() -> None:
    """Rounding brought the level up to the maximum, and no cell was left."""
    cells = np.array([[0.0, 5e-324]])
    assert box_from_map(cells, 0.9) == (1, 0, 2, 1)
    assert boxes_at_thresholds(cells, [0.9]).tolist() == [[1, 0, 2, 1]]


def test_only_a_share_of_the_maximum_needs_a_positive_value() -> None:
    cells = [[-3.0, -1.0]]
    assert why_no_box(cells) == "the map has no positive value"
    assert box_from_map(cells, 0.5, "minmax") == (1, 0, 2, 1)


# All thresholds


@given(cells=maps(), grid=thresholds, rule=st.sampled_from(["max", "minmax", "quantile", "otsu"]))
def test_the_sweep_equals_one_threshold_at_a_time(
    cells: Array, grid: list[float], rule: boxes.Rule
) -> None:
    swept = boxes_at_thresholds(cells, grid, rule=rule)
    rows, found = components_at_thresholds(cells, grid, rule=rule)
    union = boxes_at_thresholds(cells, grid, keep="union", rule=rule)
    for i, threshold in enumerate(grid):
        np.testing.assert_array_equal(swept[i], brute(cells, threshold, rule))
        every, _ = components(cells, threshold, rule)
        np.testing.assert_array_equal(found[rows == i], every)
        if len(every):
            around = [*every[:, :2].min(axis=0), *every[:, 2:].max(axis=0)]
            assert union[i].tolist() == around
        else:
            assert np.isnan(union[i]).all()


@given(cells=maps())
def test_every_level_equals_the_mask_above_it(cells: Array) -> None:
    levels, found = boxes_at_every_level(cells)
    assert (len(levels) == 0) == (why_no_box(cells) is not None)
    assert (np.diff(levels) > 0).all()
    if len(levels):
        assert levels.tolist() == sorted({0.0, *cells[cells > 0]} - {cells.max()})
    for level, box in zip(levels, found, strict=True):
        above = (cells > level).astype(float)  # a mask, whose box does not depend on a threshold
        if above.all():
            assert box.tolist() == [0, 0, cells.shape[1], cells.shape[0]]
        else:
            assert box.tolist() == list(box_from_map(above, 0.5) or ())


@pytest.mark.parametrize("seed", range(3))
def test_the_sweep_of_a_large_smooth_map(seed: int) -> None:
    cells = smooth(seed)
    grid = threshold_grid(1000)
    swept = boxes_at_thresholds(cells, grid)
    for i in range(0, 1000, 37):
        np.testing.assert_array_equal(swept[i], brute(cells, grid[i]))


def test_the_box_can_grow_when_the_threshold_rises() -> None:
    """A compact region above a long thin one: first the square wins, then the line."""
    cells = np.zeros((5, 9))
    cells[0:3, 0:3] = 2.0
    cells[4, 1:9] = 5.0
    cells[0, 4] = 10.0
    swept = boxes_at_thresholds(cells, [0.1, 0.3])
    widths = swept[:, 2] - swept[:, 0]
    assert widths.tolist() == [3, 8]


def test_a_batch_a_tensor_and_any_order_give_the_same_rows() -> None:
    stack = np.stack([smooth(seed, 5, 20) for seed in range(3)] + [np.full((20, 20), -1.0)])
    grid = np.array([0.7, 0.1, 0.1, 0.4])
    swept = boxes_at_thresholds(torch.from_numpy(stack), grid)
    assert swept.shape == (4, 4, 4)
    for one, rows in zip(stack, swept, strict=True):
        np.testing.assert_array_equal(rows, boxes_at_thresholds(one, grid))
        np.testing.assert_array_equal(rows, [brute(one, threshold) for threshold in grid])
    assert np.isnan(swept[3]).all()
    # A transposed map lies in memory the other way round.
    np.testing.assert_array_equal(
        boxes_at_thresholds(stack[0].T, grid), [brute(stack[0].T, t) for t in grid]
    )


def test_float32_maps_are_compared_in_float64() -> None:
    cells = smooth(4, 6, 24).astype(np.float32)
    np.testing.assert_array_equal(
        boxes_at_thresholds(cells, [0.3]), boxes_at_thresholds(cells.astype(np.float64), [0.3])
    )
    assert boxes_at_thresholds(cells, [0.3])[0].tolist() == list(box_from_map(cells, 0.3) or ())


def test_the_sweep_is_fifteen_times_a_loop_over_contours() -> None:
    """What `benchmarks/boxes.py` measures with care, in a second; the best of a few rounds."""
    cells, grid = smooth(0), threshold_grid(1000)

    def loop() -> None:
        for level in grid * cells.max():
            mask = (cells > level).view(np.uint8)
            outlines = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0]
            cv2.boundingRect(max(outlines, key=cv2.contourArea))

    def best(call: Callable[[], object], rounds: int) -> float:
        times = []
        for _ in range(rounds):
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
        return min(times)

    boxes_at_thresholds(cells, grid)  # compiled here, not under the clock
    assert best(loop, 3) >= 15 * best(lambda: boxes_at_thresholds(cells, grid), 15)


def test_many_values_in_one_bucket_cost_no_more() -> None:
    """One cell far above the others sends all their levels into one bucket of the table."""
    cells = np.random.default_rng(0).random((40, 40))
    cells[3, 3] = 1e9
    levels, found = boxes_at_every_level(cells)
    assert len(levels) == 1600
    assert found[0].tolist() == [0, 0, 40, 40]
    assert found[-1].tolist() == [3, 3, 4, 4]


def test_the_default_grid_is_that_of_the_benchmark() -> None:
    np.testing.assert_array_equal(threshold_grid(), np.arange(0, 1, 0.001))
    np.testing.assert_array_equal(threshold_grid(100), np.arange(0, 1, 0.01))
    assert boxes_at_thresholds(PEAKS).shape == (1000, 4)


# Compiled or not


@settings(max_examples=40)
@given(cells=maps(), grid=thresholds)
def test_python_gives_the_numbers_of_compiled_code(cells: Array, grid: list[float]) -> None:
    shares = np.clip(cells / max(cells.max(), 1e-9), 0, 1)
    assert "CAMKIT_COMPILE" not in os.environ
    answers = []
    for python in (False, True):
        if python:
            os.environ["CAMKIT_COMPILE"] = "0"
        try:
            answers.append(
                [
                    boxes_at_thresholds(cells, grid),
                    *components_at_thresholds(cells, grid),
                    boxes_at_thresholds(shares, grid, convention="wsol"),
                    *components_at_thresholds(shares, grid, convention="wsol"),
                ]
            )
        finally:
            os.environ.pop("CAMKIT_COMPILE", None)
    for compiled, plain in zip(*answers, strict=True):
        assert compiled.dtype == plain.dtype
        np.testing.assert_array_equal(compiled, plain)


def test_without_numba_the_kernels_run_as_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)  # what an import of a missing module meets

    def kernel(value: int) -> int:
        return value + 1

    assert boxes._machine_code(kernel) is kernel


def test_compiled_code_is_kept_in_the_users_cache_and_told_once(tmp_path: Path) -> None:
    code = "from camkit.boxes import boxes_at_thresholds as b; print(b([[0, 1], [0, 3]], [0.5]))"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NUMBA_")}
    environment |= {"XDG_CACHE_HOME": str(tmp_path), "LOCALAPPDATA": str(tmp_path)}
    root = Path(boxes.__file__).parent.parent

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            cwd=root,
            env=environment,
            check=True,
            timeout=200,
        )

    first, second = run(), run()
    assert first.stdout == second.stdout == "[[1. 1. 2. 2.]]\n"
    assert first.stderr.count("compiling") == 2  # two kernels, a line each
    assert second.stderr == ""
    assert list((tmp_path / "camkit" / "compiled").rglob("*.nbi"))
    assert not list(root.joinpath("camkit").rglob("*.nbi"))


def test_a_cache_that_cannot_be_written_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(in_the_way))
    monkeypatch.setenv("LOCALAPPDATA", str(in_the_way))
    assert boxes._cache_folder() == ""


# The authors' tool and the test entry


def reference_tool(heatmap: npt.NDArray[np.uint8]) -> list[list[int]]:
    """Work as the authors' tool does, with OpenCV, as ``x y width height``."""
    height, width = heatmap.shape
    pooled: list[tuple[int, int, int, int]] = []
    for level in (20, 100, 110):
        mask = (heatmap > level).astype(np.uint8)
        if mask.any() and not mask.all():
            far = np.sqrt(exact_squared_distance(mask))
            mask = ((far * (255 / far.max()) + 0.5).astype(int) > 10).astype(np.uint8)
        for outline in cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)[0]:
            x, y, w, h = cv2.boundingRect(outline)
            w, h = min(w, width - x - 5), min(h, height - y - 5)
            pooled.append((min(x, width - 5), min(y, height - 5), w, h))
    pooled.sort(key=lambda b: b[2] * b[3], reverse=True)
    i = 0
    while i < len(pooled):
        j = i + 1
        while j < len(pooled):
            (ax, ay, aw, ah), (bx, by, bw, bh) = pooled[i], pooled[j]
            across = max(0, min(ax + aw, bx + bw) - max(ax, bx))
            down = max(0, min(ay + ah, by + bh) - max(ay, by))
            if across * down > int(max(aw * ah, bw * bh) * 0.5):
                pooled.pop(j)
            j += 1
        i += 1
    return [list(box) for box in pooled]


def exact_squared_distance(mask: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Measure each cell's squared distance to the nearest zero, the slow and certain way."""
    down, across = np.nonzero(mask == 0)
    rows, columns = np.indices(mask.shape)
    gaps = (rows[..., None] - down) ** 2 + (columns[..., None] - across) ** 2
    return np.asarray(gaps.min(axis=-1), np.int64)


@pytest.mark.parametrize("seed", range(25))
def test_the_authors_boxes_equal_a_reading_with_opencv(seed: int) -> None:
    draw = np.random.default_rng(seed)
    side = int(draw.integers(3, 9))
    small = draw.integers(0, 256, (side, side)).astype(np.uint8)
    height, width = (int(n) for n in draw.integers(12, 45, 2))
    heatmap = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    expected = np.array(reference_tool(np.asarray(heatmap, np.uint8)), float).reshape(-1, 4)
    x, y, w, h = expected.T
    corners = np.stack(
        [np.minimum(x, x + w), np.minimum(y, y + h), np.maximum(x, x + w), np.maximum(y, y + h)], 1
    )
    np.testing.assert_array_equal(authors_boxes(np.asarray(heatmap, np.uint8)), corners)


def test_the_authors_boxes_by_hand() -> None:
    heatmap = np.zeros((60, 80), np.uint8)
    heatmap[10:50, 10:70] = 50  # above 20 only
    heatmap[20:30, 20:30] = 200  # above all three: of two equal boxes one remains
    assert authors_boxes(heatmap).tolist() == [[10, 10, 70, 50], [20, 20, 30, 30]]
    heatmap[52:, 72:] = 50  # at the right and the bottom: the box is kept 5 cells clear
    assert authors_boxes(heatmap)[2].tolist() == [72, 52, 75, 55]


def test_a_hole_has_a_box_in_the_authors_tool() -> None:
    heatmap = np.zeros((60, 60), np.uint8)
    heatmap[10:50, 10:50] = 50
    heatmap[25:35, 25:35] = 0
    # The ring is 15 cells wide, so 10/255 of the deepest distance wears nothing away.
    assert authors_boxes(heatmap).tolist() == [[10, 10, 50, 50], [24, 24, 36, 36]]


def test_a_dark_and_a_bright_heatmap_of_the_authors_tool() -> None:
    assert authors_boxes(np.zeros((20, 20), np.uint8)).shape == (0, 4)
    # Of three equal boxes two remain: the original steps over the one after a dropped box.
    assert authors_boxes(np.full((20, 20), 255, np.uint8)).tolist() == [[0, 0, 15, 15]] * 2


def test_the_authors_own_heatmap_gives_their_own_boxes(realdata: Path) -> None:
    heatmap = np.asarray(Image.open(realdata / "authors" / "heatmap_6.jpg").convert("L"))
    printed = np.array((realdata / "authors" / "heatmap_6.txt").read_text().split(), float)
    theirs = printed.reshape(-1, 4)
    ours = authors_boxes(heatmap)
    np.testing.assert_array_equal(ours[:, :2], theirs[:, :2])
    np.testing.assert_array_equal(ours[:, 2:] - ours[:, :2], theirs[:, 2:])
    # The paper's rule on the same heatmap gives another box, and the sweep the same one.
    assert box_from_map(heatmap, 0.2) == (72, 166, 72 + 304, 166 + 168)
    assert boxes_at_thresholds(heatmap, [0.2]).tolist() == [[72, 166, 376, 334]]


def test_five_guesses_are_two_two_and_one() -> None:
    loose, tight, speck = [0, 0, 9, 9], [2, 2, 5, 5], [7, 7, 8, 8]
    ranks, guesses = five_guesses([[tight, loose, speck], [loose], [tight, loose]])
    assert ranks.tolist() == [0, 0, 1, 1, 2]
    assert guesses[[0, 1, 2, 4]].tolist() == [loose, tight, loose, loose]
    assert np.isnan(guesses[3]).all()  # the second class has no second box


# Bad input

NAN, FLAT = np.full((3, 3), np.nan), np.full((3, 3), 2.0)


@pytest.mark.parametrize("cells", [NAN, FLAT, -FLAT, FLAT * np.inf, np.zeros((0, 3))])
def test_a_map_without_an_answer_has_no_box_anywhere(cells: Array) -> None:
    assert box_from_map(cells) is None
    assert not mask_from_map(cells).any()
    assert components(cells)[0].shape == (0, 4)
    assert np.isnan(boxes_at_thresholds(cells, [0.2, 0.5])).all()
    assert np.isnan(boxes_at_thresholds(cells, [0.2], keep="union")).all()
    assert components_at_thresholds(cells, [0.2])[1].shape == (0, 4)
    assert boxes_at_every_level(cells)[1].shape == (0, 4)
    with pytest.raises(ValueError, match="map has no level: the map"):
        level_from_map(cells)


@pytest.mark.parametrize(
    ("call", "kind", "word"),
    [
        (lambda: box_from_map(PEAKS, rule="mean"), ValueError, "one of max, minmax"),
        (lambda: boxes_at_thresholds(PEAKS, []), ValueError, "one list"),
        (lambda: boxes_at_thresholds(PEAKS, [[0.1]]), ValueError, "one list"),
        (lambda: boxes_at_thresholds(PEAKS, ["a"]), TypeError, "thresholds must be numbers"),
        (lambda: boxes_at_thresholds(PEAKS, [0.1, 20]), ValueError, "write 0.2"),
        (lambda: boxes_at_thresholds(PEAKS, [np.nan]), ValueError, "share of the maximum"),
        (lambda: boxes_at_thresholds(PEAKS[0], [0.1]), ValueError, "(n, h, w)"),
        (lambda: boxes_at_thresholds([["a"]], [0.1]), TypeError, "hold numbers"),
        (lambda: boxes_at_thresholds(PEAKS, [0.1], keep="first"), ValueError, "largest, union"),
        (lambda: boxes_at_thresholds(PEAKS, convention="voc"), ValueError, "camkit, wsol"),
        (lambda: boxes_at_thresholds(PEAKS, rule="best"), ValueError, "one of max"),
        (lambda: components_at_thresholds(PEAKS[None], [0.1]), ValueError, "choose one"),
        (lambda: threshold_grid(0), ValueError, "at least 1"),
        (lambda: authors_boxes(PEAKS), TypeError, "uint8"),
        (lambda: authors_boxes(np.zeros((5, 9), np.uint8)), ValueError, "at least 6 x 6"),
        (lambda: authors_boxes(np.zeros((9, 9), np.uint8), (30, 30, 40)), ValueError, "increasing"),
        (lambda: five_guesses([[[0, 0, 1, 1]]]), ValueError, "three classes"),
        (lambda: five_guesses([[0, 0, 1, 1]] * 3), ValueError, "boxes\\[0\\] must be"),
    ],
)
def test_bad_input_is_refused_with_a_word(call: object, kind: type[Exception], word: str) -> None:
    assert callable(call)
    with pytest.raises(kind, match=word.replace("(", r"\(").replace(")", r"\)")):
        call()
