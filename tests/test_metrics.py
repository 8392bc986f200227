"""The measures of localization, on examples that can be redone on paper."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from camkit.boxes import five_guesses
from camkit.metrics import (
    EnergyInside,
    Localization,
    MaxBoxAcc,
    MaxBoxAccV2,
    PointingGame,
    PxAP,
    as_boxes,
    energy_inside,
    iou,
    iou_at_thresholds,
    localization_errors,
    wsol_box,
)

Array = npt.NDArray[np.float64]
NONE = [np.nan] * 4

# A block of 9 and 5, and a speck of 2: its boxes are (1,1,3,2), or with the speck (1,1,4,3).
STEPS = np.array([[0, 0, 0, 0], [0, 5, 9, 0], [0, 0, 0, 2]], float)


def random_maps(count: int, seed: int = 0) -> tuple[Array, list[Array]]:
    """Return maps of 8 x 10 cells and one or two true boxes for each."""
    draw = np.random.default_rng(seed)
    maps = draw.normal(size=(count, 8, 10))
    maps[:, 2:6, 3:8] += 2
    truth = []
    for _ in range(count):
        corner = draw.integers(0, 5, (int(draw.integers(1, 3)), 2))
        truth.append(np.concatenate([corner, corner + draw.integers(1, 4, corner.shape)], 1))
    return maps, truth


# IoU


def test_iou_by_hand() -> None:
    a = [[0, 0, 4, 4], [2, 2, 3, 3]]
    b = [[2, 0, 6, 4], [4, 0, 8, 4], [0, 0, 4, 4]]
    expected = [[8 / 24, 0, 1], [1 / 16, 0, 1 / 16]]
    np.testing.assert_array_equal(iou(a, b), expected)
    np.testing.assert_array_equal(iou(b, a), np.transpose(expected))


def test_ends_that_belong_to_the_box_make_every_side_one_longer() -> None:
    assert iou([0, 0, 3, 3], [2, 0, 5, 3], convention="wsol").item() == 8 / 24
    assert iou([0, 0, 3, 3], [2, 0, 5, 3]).item() == 3 / 15


def test_a_missing_box_shares_nothing() -> None:
    assert iou([NONE, [0, 0, 1, 1]], [[0, 0, 1, 1]]).tolist() == [[0], [1]]
    assert iou(np.empty((0, 4)), [[0, 0, 1, 1]]).shape == (0, 1)


@given(st.lists(st.tuples(*[st.integers(0, 9)] * 4), min_size=2, max_size=2))
def test_iou_equals_counting_cells(corners: list[tuple[int, int, int, int]]) -> None:
    cells, boxes = [], []
    for x, y, w, h in corners:
        boxes.append([x, y, x + w + 1, y + h + 1])
        grid = np.zeros((20, 20), bool)
        grid[y : y + h + 1, x : x + w + 1] = True
        cells.append(grid)
    counted = (cells[0] & cells[1]).sum() / (cells[0] | cells[1]).sum()
    assert iou(boxes[0], boxes[1]).item() == counted


# ILSVRC errors


def test_errors_of_four_pictures_by_hand() -> None:
    """All right; right box, wrong class; right class, wrong box; right in the second guess."""
    good, bad = [0, 0, 10, 10], [20, 20, 30, 30]
    errors = localization_errors(
        classes=[[1, 2], [2, 3], [1, 2], [2, 1]],
        boxes=[[good, bad], [good, good], [bad, bad], [good, good]],
        true_classes=[1, 1, 1, 1],
        true_boxes=[[good]] * 4,
        known=[good, good, bad, NONE],
    )
    assert errors.classification_top1 == 50
    assert errors.classification_top5 == 25
    assert errors.top1 == 75
    assert errors.top5 == 50
    assert errors.known == 50
    assert (errors.pictures, errors.skipped) == (4, 0)


def test_class_and_box_must_be_right_in_the_same_guess() -> None:
    good, bad = [0, 0, 10, 10], [20, 20, 30, 30]
    errors = localization_errors([[1, 2]], [[bad, good]], [1], [[good]])
    assert (errors.classification_top1, errors.top5) == (0, 100)
    assert errors.known is None


def test_an_iou_of_exactly_one_half_is_right() -> None:
    found = localization_errors([[1]], [[[0, 0, 4, 4]]], [1], [[[0, 0, 4, 8]]])
    assert found.top1 == 0
    just_below = localization_errors([[1]], [[[0, 0, 4, 4]]], [1], [[[0, 0, 4, 8.001]]])
    assert just_below.top1 == 100


def test_any_true_box_counts() -> None:
    guess = [[[5, 5, 9, 9]]]
    assert localization_errors([[1]], guess, [1], [[[0, 0, 2, 2], [5, 5, 9, 9]]]).top1 == 0
    assert localization_errors([[1]], guess, [1], [[[0, 0, 2, 2]]]).top1 == 100


def test_a_class_can_have_two_boxes_among_five_guesses() -> None:
    loose, tight = [0, 0, 20, 20], [0, 0, 4, 4]
    ranks, boxes = five_guesses([[loose, tight], [loose, tight], [loose]])
    classes = np.array([7, 3, 5])[ranks]
    first = localization_errors([classes], [boxes], [7], [[tight]])
    assert (first.top1, first.top5) == (100, 0)
    third = localization_errors([classes], [boxes], [5], [[tight]])
    assert (third.classification_top5, third.top5) == (0, 100)  # the third class has no tight box


def test_the_black_list_leaves_the_numerator_and_the_denominator() -> None:
    good, bad = [0, 0, 10, 10], [20, 20, 30, 30]
    errors = localization_errors(
        classes=[[1], [1], [2]],
        boxes=[[good], [bad], [bad]],
        true_classes=[1, 1, 1],
        true_boxes=[[good], [good], []],  # what is skipped needs no truth
        known=[good, bad, bad],
        skip=[False, False, True],
    )
    assert (errors.top1, errors.known) == (50, 50)
    assert errors.classification_top1 == pytest.approx(100 / 3)  # as in the official kit
    assert (errors.pictures, errors.skipped) == (3, 1)


def test_inclusive_ends_on_request() -> None:
    """A guess of 4 x 4 against 4 x 9: 16/36 by exclusive ends, 25/50 by inclusive ones."""
    guess, truth = [[[0, 0, 4, 4]]], [[[0, 0, 4, 9]]]
    assert Localization().add([[1]], guess, [1], truth).result().top1 == 100
    assert Localization(convention="wsol").add([[1]], guess, [1], truth).result().top1 == 0


@given(seed=st.integers(0, 10**6), count=st.integers(1, 12))
def test_localization_never_errs_less_than_classification(seed: int, count: int) -> None:
    draw = np.random.default_rng(seed)
    corner = draw.integers(0, 6, (count, 5, 2))
    boxes = np.concatenate([corner, corner + draw.integers(1, 6, corner.shape)], axis=2)
    errors = localization_errors(
        draw.integers(0, 4, (count, 5)), boxes, draw.integers(0, 4, count), boxes[:, :2]
    )
    assert errors.top1 >= errors.classification_top1
    assert errors.top5 >= errors.classification_top5
    assert errors.top1 >= errors.top5


def test_a_bad_picture_leaves_nothing_half_added() -> None:
    meter = Localization()
    with pytest.raises(ValueError, match=r"true_boxes\[1\] holds no true box"):
        meter.add([[1], [1]], [[[0, 0, 1, 1]]] * 2, [1, 1], [[[0, 0, 1, 1]], []])
    with pytest.raises(ValueError, match="no picture"):
        meter.result()


# IoU and accuracy against the threshold


def test_iou_at_thresholds_by_hand() -> None:
    truth = [1, 1, 3, 2]
    assert iou_at_thresholds(STEPS, truth, [0.2, 0.3, 0.9]).tolist() == [2 / 6, 1, 0.5]
    assert iou_at_thresholds(STEPS, [3, 2, 4, 3], [0.2, 0.3], "all").tolist() == [1 / 6, 0]


def test_all_regions_are_tried_where_the_largest_is_wrong() -> None:
    apart = np.array([[9.0, 9, 0, 4], [9, 9, 0, 0]])
    truth = [3, 0, 4, 1]
    assert iou_at_thresholds(apart, truth, [0.2]).tolist() == [0]
    assert iou_at_thresholds(apart, truth, [0.2], "all").tolist() == [1]
    assert iou_at_thresholds(apart, truth, [0.2], "union").tolist() == [1 / 8]


@pytest.mark.parametrize("cells", [-STEPS - 1, np.full((3, 4), 2.0), np.zeros((3, 4))])
@pytest.mark.parametrize("keep", ["largest", "union", "all"])
def test_a_map_without_a_box_counts_as_wrong(cells: Array, keep: str) -> None:
    assert iou_at_thresholds(cells, [1, 1, 3, 2], [0.1, 0.2], keep).tolist() == [0, 0]
    found = MaxBoxAcc([0.1], keep=keep).add([STEPS, cells], [[1, 1, 4, 3]] * 2).result()
    assert (found.value, found.pictures) == (50, 2)


def test_the_best_threshold_is_the_lowest_of_equals() -> None:
    meter = MaxBoxAcc([0.2, 0.3, 0.5, 0.9], agrees=(0.5, 0.7)).add([STEPS], [[1, 1, 3, 2]])
    assert meter.curve.tolist() == [[0, 100, 100, 100], [0, 100, 100, 0]]
    assert meter.result().thresholds.tolist() == [0.3, 0.3]


def test_ious_from_a_table_count_as_the_maps_did() -> None:
    grid = [0.1, 0.3, 0.6]
    for kind in (MaxBoxAcc, MaxBoxAccV2):
        direct = kind(grid).add(MAPS, TRUTH)
        pairs = zip(MAPS, TRUTH, strict=True)
        rows = [iou_at_thresholds(m, t, grid, keep=direct.keep) for m, t in pairs]
        told = kind(grid).add_ious(rows[:2]).add_ious(rows[2:])
        assert np.array_equal(told.curve, direct.curve)
        assert told.result().pictures == len(MAPS)
    for bad, word in (([0.1, 0.2, 0.3], r"\(B, 3\)"), ([[0.1]], "shape"), ([[0, 0, 2]], "within")):
        with pytest.raises(ValueError, match=word):
            MaxBoxAcc(grid).add_ious(bad)


def test_a_tensor_is_a_map() -> None:
    for kind in (torch.float64, torch.float32, torch.bfloat16):
        maps = torch.tensor(STEPS[None], dtype=kind)
        found = MaxBoxAcc([0.3]).add(maps, [torch.tensor([[1, 1, 3, 2]])]).result()
        assert found.value == 100


# Average precision, pointing, energy


def test_average_precision_of_a_ranking_by_hand() -> None:
    """Right, wrong, right: 1 * 1/2 at the first, 2/3 * 1/2 at the third."""
    found = PxAP().add([[[0.9, 0.6, 0.4, 0.1]]], [[[1, 0, 1, 0]]])
    assert found.result() == pytest.approx(100 * (1 / 2 + 2 / 3 / 2))
    thresholds, precision, recall = found.curve
    assert (np.diff(thresholds) < 0).all()
    at = [int(np.argmin(abs(thresholds - value))) for value in (0.9, 0.6, 0.4, 0.1)]
    np.testing.assert_allclose(precision[at], [1, 1 / 2, 2 / 3, 1 / 2])
    assert recall[at].tolist() == [0.5, 0.5, 1, 1]


def test_pixels_not_counted_change_nothing() -> None:
    plain = PxAP().add([[[0.9, 0.4]]], [[[1, 0]]]).result()
    assert PxAP().add([[[0.9, 0.4, 1.0]]], [[[1, 0, 255]]]).result() == plain


def test_a_pointed_cell_within_the_tolerance_hits() -> None:
    cells = np.zeros((1, 10, 10))
    cells[0, 5, 5] = 1
    box = [[8, 5, 10, 6]]  # three cells to the right of the peak
    for tolerance, share in [(0, 0), (2.9, 0), (3, 100), (15, 100)]:
        assert PointingGame(tolerance).add(cells, boxes=box).result() == share
    mask = cells > 0
    assert PointingGame(0).add(cells, masks=mask).result() == 100


def test_a_map_that_points_nowhere_misses() -> None:
    maps = np.stack([np.ones((2, 2)), -np.eye(2)])
    assert PointingGame(99).add(maps, masks=np.ones((2, 2, 2), bool)).result() == 0


def test_energy_counts_the_positive_part_alone() -> None:
    cells = np.array([[[6.0, 2], [-5, 0]]])
    assert energy_inside(cells, boxes=[[0, 0, 1, 2]]).tolist() == [0.75]
    assert energy_inside(cells, masks=cells == 2).tolist() == [0.25]
    assert energy_inside(-np.abs(cells), boxes=[[0, 0, 1, 2]]).tolist() == [0]


def test_an_even_map_has_the_objects_share_of_the_area_inside() -> None:
    assert energy_inside(np.ones((1, 4, 5)), boxes=[[1, 1, 3, 4]]).tolist() == [6 / 20]


def test_two_boxes_that_overlap_are_counted_once() -> None:
    boxes = [[[0, 0, 2, 1], [1, 0, 3, 1]]]
    assert energy_inside(np.ones((1, 1, 4)), boxes=boxes).tolist() == [0.75]


# Streams


def guesses(first: int, last: int) -> tuple[Any, ...]:
    """Return a batch for `Localization`, cut from one fixed set of ten."""
    draw = np.random.default_rng(5)
    corner = draw.integers(0, 6, (10, 5, 2))
    boxes = np.concatenate([corner, corner + draw.integers(2, 6, corner.shape)], axis=2)
    batch: tuple[Any, ...] = (
        draw.integers(0, 4, (10, 5)),
        boxes,
        draw.integers(0, 4, 10),
        list(boxes[:, :2]),
        boxes[:, 3],
        np.arange(10) % 4 == 1,
    )
    return tuple(part[first:last] for part in batch)


MAPS, TRUTH = random_maps(10)
UNIT = (MAPS - MAPS.min()) / (MAPS.max() - MAPS.min())
METERS: list[tuple[Callable[[], Any], Callable[[int, int], tuple[Any, ...]]]] = [
    (Localization, guesses),
    (MaxBoxAcc, lambda a, b: (MAPS[a:b], TRUTH[a:b])),
    (MaxBoxAccV2, lambda a, b: (MAPS[a:b], TRUTH[a:b])),
    (PxAP, lambda a, b: (UNIT[a:b], UNIT[a:b] > 0.5)),
    (lambda: PointingGame(1), lambda a, b: (MAPS[a:b], None, TRUTH[a:b])),
    (EnergyInside, lambda a, b: (MAPS[a:b], None, TRUTH[a:b])),
]


@pytest.mark.parametrize(("make", "cut"), METERS, ids=lambda part: getattr(part, "__name__", ""))
def test_halves_merged_give_the_whole(
    make: Callable[[], Any], cut: Callable[[int, int], tuple[Any, ...]]
) -> None:
    whole = make().add(*cut(0, 10))
    by_batch = make().add(*cut(0, 3)).add(*cut(3, 4)).add(*cut(4, 10))
    halves = make().add(*cut(0, 5)).merge(make().add(*cut(5, 10)))
    swapped = make().add(*cut(5, 10)).merge(make().add(*cut(0, 5)))
    for other in (by_batch, halves, swapped, make().merge(whole)):
        assert str(other.result()) == str(whole.result())
    # Asked on the way, a meter goes on as before.
    asked = make().add(*cut(0, 5))
    assert asked.result() is not None
    assert str(asked.add(*cut(5, 10)).result()) == str(whole.result())


@pytest.mark.parametrize("make", [make for make, _ in METERS])
def test_a_meter_without_pictures_says_so(make: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match=r"no (picture|pixel)"):
        make().result()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Localization(), Localization(agrees=0.3)),
        (MaxBoxAcc([0.1]), MaxBoxAcc([0.2])),
        (MaxBoxAcc([0.1]), MaxBoxAcc([0.1], keep="union")),
        (PxAP(10), PxAP(20)),
        (PointingGame(1), PointingGame(2)),
    ],
)
def test_meters_of_other_settings_do_not_merge(one: Any, other: Any) -> None:
    with pytest.raises(ValueError, match="differ"):
        one.merge(other)
    with pytest.raises(TypeError, match="merges with its like"):
        one.merge(EnergyInside())


# Bad input

BOX = [[0, 0, 1, 1]]


@pytest.mark.parametrize(
    ("call", "kind", "word"),
    [
        (lambda: iou([4, 0, 2, 9], BOX), ValueError, r"boxes_a\[0\] is reversed"),
        (lambda: iou(BOX, [[0, 0, 1, 1], [0, 0, 0, 5]]), ValueError, r"boxes_b\[1\] has no area"),
        (lambda: iou([0, 0, np.inf, 1], BOX), ValueError, "not finite"),
        (lambda: iou([0, 0, np.nan, 1], BOX), ValueError, "NaN throughout"),
        (lambda: iou([0, 0, 1], BOX), ValueError, r"must be \(n, 4\)"),
        (lambda: iou([["a", "b", "c", "d"]], BOX), TypeError, "must hold numbers"),
        (lambda: iou(BOX, BOX, convention="voc"), ValueError, "camkit, wsol"),
        (lambda: as_boxes([0, 0, 0, 0]), ValueError, "ends are exclusive"),
        (lambda: wsol_box([0, 0, 1, 1], (0, 5)), ValueError, "positive"),
        (lambda: wsol_box([BOX[0]] * 2, (5, 5)), ValueError, "one box"),
        (lambda: iou_at_thresholds(STEPS[None], BOX), ValueError, "choose one"),
        (lambda: iou_at_thresholds(STEPS * np.nan, BOX), ValueError, r"maps\[0\] holds NaN"),
        (lambda: iou_at_thresholds(STEPS, [0, 0, 5, 1]), ValueError, "outside the map, 4 wide"),
        (lambda: iou_at_thresholds(STEPS, [-1, 0, 1, 1]), ValueError, "outside the map"),
        (lambda: iou_at_thresholds(STEPS, []), ValueError, "no true box"),
        (lambda: iou_at_thresholds(STEPS, [NONE]), ValueError, "no true box"),
        (lambda: iou_at_thresholds(STEPS, BOX, [20]), ValueError, "write 0.2"),
        (lambda: iou_at_thresholds(STEPS, BOX, keep="best"), ValueError, "largest, union, all"),
        (lambda: MaxBoxAcc(keep="best"), ValueError, "largest, union, all"),
        (lambda: MaxBoxAcc(rule="best"), ValueError, "one of max"),
        (lambda: MaxBoxAcc(agrees=[50]), ValueError, "above 0 and up to 1"),
        (lambda: MaxBoxAcc(keep="union", convention="wsol"), ValueError, "one rule"),
        (lambda: MaxBoxAcc().add(STEPS, [BOX]), ValueError, r"\(B, h, w\)"),
        (lambda: MaxBoxAcc().add([STEPS], [BOX, BOX]), ValueError, "1 entries, got 2"),
        (lambda: MaxBoxAcc().add(np.zeros((1, 0, 3)), [BOX]), ValueError, "must have cells"),
        (lambda: MaxBoxAcc(convention="wsol").add([STEPS], [BOX]), ValueError, "wsol_map"),
        (lambda: Localization(agrees=0), ValueError, "above 0"),
        (lambda: localization_errors([1], [BOX], [1], [BOX]), ValueError, r"\(B, n\)"),
        (lambda: localization_errors([[0.5]], [BOX], [1], [BOX]), TypeError, "class numbers"),
        (lambda: localization_errors([[1]], BOX, [1], [BOX]), ValueError, r"\(1, 1, 4\)"),
        (lambda: localization_errors([[1]], [BOX], [1, 2], [BOX]), ValueError, "true_classes"),
        (lambda: localization_errors([[1]], [BOX], [1], []), ValueError, "1 entries, got 0"),
        (lambda: localization_errors([[1]], [BOX], [1], [BOX], skip=[1]), TypeError, "skip"),
        (lambda: localization_errors([[1]], [BOX], [1], [BOX], known=[BOX]), ValueError, "known"),
        (
            lambda: localization_errors([[1]], [BOX], [1], [BOX], skip=[True]),
            ValueError,
            "1 added, 1 of them skipped",
        ),
        (
            lambda: (
                Localization()
                .add([[1]], [BOX], [1], [BOX])
                .add([[1]], [BOX], [1], [BOX], known=BOX)
            ),
            ValueError,
            "every batch or for none",
        ),
        (lambda: PxAP(0), ValueError, "at least 1"),
        (lambda: PxAP().add([STEPS], [STEPS > 0]), ValueError, "within 0..1"),
        (lambda: PxAP().add([STEPS / 9], [STEPS]), ValueError, "0, 1 and 255"),
        (lambda: PxAP().add([STEPS / 9], STEPS > 0), ValueError, "masks must have shape"),
        (lambda: PxAP().add([STEPS * np.nan], [STEPS > 0]), ValueError, "NaN"),
        (lambda: PointingGame(-1), ValueError, "0 or more"),
        (lambda: PointingGame().add([STEPS]), ValueError, "one of the two"),
        (lambda: PointingGame().add([STEPS], [STEPS > 0], [BOX]), ValueError, "one of the two"),
        (lambda: PointingGame().add([STEPS], [STEPS]), TypeError, "True and False"),
        (lambda: PointingGame().add([STEPS], [STEPS > 99]), ValueError, "no cell on its object"),
        (lambda: energy_inside([STEPS], boxes=[[0, 0, 0.3, 0.3]]), ValueError, "no cell"),
        (lambda: energy_inside([STEPS, STEPS], boxes=[BOX]), ValueError, "2 entries, got 1"),
    ],
)
def test_bad_input_is_refused_with_a_word(
    call: Callable[[], object], kind: type[Exception], word: str
) -> None:
    with pytest.raises(kind, match=word):
        call()
