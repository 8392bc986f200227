"""The benchmark of Choe et al. (2020), to the last digit: golden values, and a reading with OpenCV.

The golden values were obtained by running that benchmark's own code. The reading with OpenCV below
was written for these tests from its description; it is slow and says what the convention is.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from camkit.boxes import boxes_at_thresholds, components_at_thresholds, threshold_grid, wsol_map
from camkit.metrics import MaxBoxAcc, MaxBoxAccV2, PxAP, iou, iou_at_thresholds, wsol_box

Array = npt.NDArray[np.float64]

FIVE = threshold_grid(5)
UNIMODAL = np.array(
    [
        [0.0, 0.0, 0.0, 0.0, 0.0],
        [0.0, 0.4, 0.4, 0.4, 0.6],
        [0.0, 0.4, 1.0, 0.8, 0.6],
        [0.0, 0.4, 0.4, 0.4, 0.6],
    ]
)
MULTIMODAL = np.array(
    [
        [0.4, 0.0, 0.2, 0.2, 0.2],
        [0.4, 0.4, 0.0, 0.4, 0.0],
        [0.0, 0.0, 0.0, 0.4, 0.0],
        [1.0, 0.6, 0.8, 0.2, 0.2],
    ]
)


def reference(scores: Array, grid: Array) -> tuple[list[list[int]], list[list[list[int]]]]:
    """Box a map at each threshold: the outline with the largest area, and all outlines."""
    grey = (scores * 255).astype(np.uint8)
    height, width = scores.shape
    single, multi = [], []
    for threshold in grid:
        level = int(threshold * np.max(grey))
        mask = cv2.threshold(grey, level, 255, cv2.THRESH_BINARY)[1]
        outlines = cv2.findContours(mask, cv2.RETR_TREE, cv2.CHAIN_APPROX_SIMPLE)[0]
        boxes = []
        for outline in outlines:
            x, y, w, h = cv2.boundingRect(outline)
            boxes.append([x, y, min(x + w, width - 1), min(y + h, height - 1)])
        multi.append(boxes or [[0, 0, 0, 0]])
        areas = [cv2.contourArea(outline) for outline in outlines]
        single.append(boxes[int(np.argmax(areas))] if boxes else [0, 0, 0, 0])
    return single, multi


def all_boxes(scores: Array, grid: Array) -> list[list[list[int]]]:
    """Return the boxes of all contours by threshold, as whole numbers."""
    rows, boxes = components_at_thresholds(scores, grid, convention="wsol")
    return [boxes[rows == i].astype(int).tolist() for i in range(len(grid))]


def assert_as_reference(scores: Array, grid: Array) -> None:
    """Box for box for the largest outline, box set for box set for all."""
    single, multi = reference(scores, grid)
    assert boxes_at_thresholds(scores, grid, convention="wsol").tolist() == single
    assert [sorted(row) for row in all_boxes(scores, grid)] == [sorted(row) for row in multi]


# Golden values: boxes


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        (np.zeros((3, 3)), [[0, 0, 0, 0]] * 5),
        (UNIMODAL, [[1, 1, 4, 3], [1, 1, 4, 3], [2, 1, 4, 3], [2, 2, 4, 3], [2, 2, 3, 3]]),
        # Second: a triangle of 3 cells beats a curve of 5. Fourth: two lines tie with area 0.
        (MULTIMODAL, [[0, 0, 4, 3], [0, 0, 2, 2], [0, 3, 3, 3], [2, 3, 3, 3], [0, 3, 1, 3]]),
    ],
    ids=["zeros", "unimodal", "multimodal"],
)
def test_golden_boxes_of_the_largest_outline(scores: Array, expected: list[list[int]]) -> None:
    assert boxes_at_thresholds(scores, FIVE, convention="wsol").tolist() == expected


def test_golden_boxes_of_all_outlines() -> None:
    expected = [
        [[0, 0, 4, 3]],
        [[0, 0, 2, 2], [0, 1, 4, 3]],
        [[0, 3, 3, 3]],
        [[0, 3, 1, 3], [2, 3, 3, 3]],
        [[0, 3, 1, 3]],
    ]
    assert [sorted(row) for row in all_boxes(MULTIMODAL, FIVE)] == expected


def test_golden_a_hole_is_an_outline_too() -> None:
    ring = np.zeros((20, 20))
    ring[2:18, 2:18] = 1
    ring[8:12, 8:12] = 0
    assert all_boxes(ring, np.array([0.5])) == [[[2, 2, 18, 18], [7, 7, 13, 13]]]
    assert boxes_at_thresholds(ring, [0.5], convention="wsol").tolist() == [[2, 2, 18, 18]]


def test_golden_a_line_encloses_nothing() -> None:
    cells = np.zeros((20, 20))
    cells[1, 2:14] = 1
    cells[3:5, 3:5] = 1
    assert boxes_at_thresholds(cells, [0.5], convention="wsol").tolist() == [[3, 3, 5, 5]]
    assert boxes_at_thresholds(cells, [0.5]).tolist() == [[2, 1, 14, 2]]  # by size, the line


def test_golden_ends_are_cut_to_the_last_cell() -> None:
    cells = np.zeros((20, 20))
    cells[16:, 16:] = 1
    assert boxes_at_thresholds(cells, [0.5], convention="wsol").tolist() == [[16, 16, 19, 19]]
    assert boxes_at_thresholds(cells, [0.5]).tolist() == [[16, 16, 20, 20]]


# Golden values: boxes and their overlap


def test_golden_iou() -> None:
    ones = iou(np.zeros((3, 4)), np.zeros((5, 4)), convention="wsol")
    assert ones.shape == (3, 5)
    assert ones.dtype == np.float64
    assert (ones == 1).all()
    two = [[1, 1, 3, 3], [4, 4, 5, 5]]
    np.testing.assert_array_equal(iou(two, two, convention="wsol"), np.eye(2))
    assert iou([1, 2, 5, 6], [3, 1, 4, 5], convention="wsol").item() == 8 / 27
    with pytest.raises(ValueError, match="reversed"):
        iou([1, 1, 0, 0], [1, 1, 2, 2], convention="wsol")


def test_golden_true_boxes_are_scaled_and_cut() -> None:
    assert wsol_box((1, 2, 4, 3), (10, 20), (35, 10)) == (3, 1, 14, 1)
    assert wsol_box((1, 2, 1, 2), (3, 3), (3, 3)) == (1, 2, 1, 2)
    # The first picture of its CUB validation list: 560 x 419.
    assert wsol_box((176, 136, 459, 291), (560, 419)) == (70, 72, 183, 155)


@pytest.mark.parametrize(("side", "score"), [(4, 0.64), (20, 400 / 441)])
def test_golden_a_perfect_detection_does_not_reach_one(side: int, score: float) -> None:
    cells = np.zeros((40, 40))
    cells[5 : 5 + side, 5 : 5 + side] = 1
    truth = [5, 5, 4 + side, 4 + side]  # inclusive
    found = iou_at_thresholds(cells, truth, [0.5], convention="wsol")
    assert found.tolist() == [score]
    exclusive = [5, 5, 5 + side, 5 + side]
    assert iou_at_thresholds(cells, exclusive, [0.5]).tolist() == [1.0]


def test_golden_accuracy_has_a_best_threshold_for_each_iou() -> None:
    a, b = np.zeros((20, 20)), np.zeros((20, 20))
    a[4:10, 4:10] = 0.6
    a[5:8, 5:8] = 1
    b[0:4, 0:4] = 0.5
    b[10:20, 10:20] = 0.3
    b[0, 19] = 1
    meter = MaxBoxAccV2(threshold_grid(10), convention="wsol")
    found = meter.add([a, b], [[4, 4, 9, 9], [0, 0, 3, 3]]).result()
    assert found.per_iou.tolist() == [100, 100, 50]
    assert round(found.value, 2) == 83.33
    assert found.pictures == 2


def test_a_map_with_nan_or_beyond_one_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        boxes_at_thresholds(np.full((3, 3), np.nan), FIVE, convention="wsol")
    with pytest.raises(ValueError, match="wsol_map"):
        boxes_at_thresholds(UNIMODAL * 2, FIVE, convention="wsol")
    with pytest.raises(ValueError, match="one rule"):
        boxes_at_thresholds(UNIMODAL, FIVE, rule="otsu", convention="wsol")
    with pytest.raises(ValueError, match="empty"):
        components_at_thresholds(np.zeros((0, 2)), FIVE, convention="wsol")


# Golden values: masks


def test_golden_average_precision() -> None:
    scores = [[[0.9, 0.4, 0.6, 0.1]]]
    assert PxAP().add(scores, [[[1, 1, 0, 0]]]).result() == pytest.approx(83.3333, abs=1e-4)
    assert PxAP().add([[[0.5] * 4]], [[[1, 0, 0, 0]]]).result() == 25


@pytest.mark.parametrize("ignored", [0.0, 1.0])
def test_golden_a_perfect_map_reaches_100_whatever_the_ignored_pixels_say(ignored: float) -> None:
    mask = np.zeros((1, 224, 224), np.uint8)
    mask[0, 40:180, 60:200] = 1
    mask[0, :30] = 255
    scores = np.where(mask == 255, ignored, mask == 1)
    assert PxAP(100).add(scores, mask).result() == 100.0


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(("inside", "outside"), [(43031, 7145), (833, 49342), (347, 13909)])
def test_golden_a_constant_map_reaches_the_share_of_the_object(
    value: float, inside: int, outside: int
) -> None:
    mask = np.repeat(np.uint8([1, 0]), [inside, outside])[None, None]
    found = PxAP(100).add(np.full(mask.shape, value), mask).result()
    assert found == pytest.approx(100 * inside / (inside + outside), abs=1e-9)


def test_golden_masks_without_object_and_without_background() -> None:
    scores = np.full((1, 4, 4), 0.5)
    with pytest.raises(ValueError, match="no pixel of an object"):
        PxAP().add(scores, np.zeros((1, 4, 4), np.uint8)).result()
    assert PxAP().add(scores, np.ones((1, 4, 4), np.uint8)).result() == 100


def test_average_precision_equals_a_sum_over_a_histogram() -> None:
    draw = np.random.default_rng(0)
    scores = wsol_map(draw.normal(size=(14, 14)), 60)[None]
    mask = draw.choice(np.uint8([0, 1, 255]), scores.shape)
    grid = np.arange(0, 1, 0.001)
    edges = np.append(grid, [1.0, 2.0, 3.0])
    inside = np.histogram(scores[mask == 1], edges)[0].astype(float)
    outside = np.histogram(scores[mask == 0], edges)[0].astype(float)
    tp, fp = inside[::-1].cumsum(), outside[::-1].cumsum()
    with np.errstate(invalid="ignore"):
        steps = (tp / (tp + fp))[1:] * np.diff(tp / inside.sum())
    expected = steps[(tp + fp != 0)[1:]].sum() * 100
    assert PxAP().add(scores, mask).result() == expected


# Against OpenCV


@pytest.mark.parametrize("seed", range(4))
def test_maps_are_prepared_as_opencv_does(seed: int) -> None:
    draw = np.random.default_rng(seed)
    small = draw.normal(size=(int(draw.integers(4, 15)), int(draw.integers(4, 15))))
    large = cv2.resize(small, (224, 224), interpolation=cv2.INTER_CUBIC)
    large = large - large.min()
    theirs = large / large.max()
    ours = wsol_map(small)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-15)
    np.testing.assert_array_equal((ours * 255).astype(np.uint8), (theirs * 255).astype(np.uint8))
    assert (ours.min(), ours.max()) == (0, 1)


@pytest.mark.parametrize("cells", [np.full((7, 7), 3.0), np.full((7, 7), np.nan)])
def test_a_constant_map_and_one_with_nan_become_zeros(cells: Array) -> None:
    assert not wsol_map(cells, 8).any()


@pytest.mark.parametrize("seed", range(6))
def test_boxes_of_maps_at_224_equal_opencv(seed: int) -> None:
    draw = np.random.default_rng(seed)
    small = draw.normal(size=(14, 14)) if seed % 2 else draw.gamma(0.3, size=(7, 7))
    assert_as_reference(wsol_map(small), threshold_grid(100))


def test_boxes_of_noise_at_224_equal_opencv() -> None:
    assert_as_reference(np.random.default_rng(3).random((224, 224)), threshold_grid(12))


@settings(max_examples=300)
@given(
    levels=hnp.arrays(
        np.int64,
        hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12),
        elements=st.integers(0, 4),
    )
)
def test_boxes_of_small_maps_equal_opencv(levels: npt.NDArray[np.int64]) -> None:
    """Ties, holes in holes, lines and single cells are common in maps of few values."""
    assert_as_reference(levels / 4, threshold_grid(8))


@pytest.mark.parametrize("several", [False, True], ids=["largest", "all"])
def test_accuracy_equals_a_loop_over_opencv(several: bool) -> None:
    draw = np.random.default_rng(7)
    maps = np.stack([wsol_map(draw.normal(size=(7, 7)), 40) for _ in range(12)])
    corner = draw.integers(0, 20, (12, 2, 2))
    truth = np.concatenate([corner, corner + draw.integers(5, 19, (12, 2, 2))], axis=2)
    grid = threshold_grid(50)
    right = np.zeros((3, 50))
    for one, true in zip(maps, truth, strict=True):
        single, multi = reference(one, grid)
        for t in range(50):
            boxes = multi[t] if several else [single[t]]
            best = max(inclusive_iou(box, other) for box in boxes for other in true.tolist())
            right[:, t] += np.array([0.3, 0.5, 0.7]) <= best
    expected = right * 100.0 / 12
    meter = (
        MaxBoxAccV2(grid, convention="wsol")
        if several
        else MaxBoxAcc(grid, (0.3, 0.5, 0.7), convention="wsol")
    ).add(maps, list(truth))
    np.testing.assert_array_equal(meter.curve, expected)
    assert meter.result().value == np.average(expected.max(axis=1))
    assert 0 < meter.result().value < 100


def inclusive_iou(a: list[int], b: list[int]) -> float:
    """Divide shared by covered cells, ends belonging to the boxes."""

    def cells(x0: int, y0: int, x1: int, y1: int) -> int:
        return max(0, x1 - x0 + 1) * max(0, y1 - y0 + 1)

    shared = cells(max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3]))
    return shared / (cells(*a) + cells(*b) - shared)
