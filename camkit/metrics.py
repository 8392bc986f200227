"""How good is a box, a map, a set of them: the measures of localization, each by its definition.

Errors and accuracies are in percent, as papers print them; intersections over union and shares run
from 0 to 1. A meter (`Localization`, `MaxBoxAcc`, `PxAP`, ...) takes pictures a batch at a time,
can be asked at any time, and merges with another of the same settings: two halves, each measured
alone and then merged, give what the whole gives.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from camkit.boxes import (
    Bools,
    Convention,
    Floats,
    Ints,
    Keep,
    Rule,
    as_thresholds,
    boxes_at_thresholds,
    components_at_thresholds,
    why_no_box,
)

# Two boxes agree from this intersection over union on: the ILSVRC rule, and exactly .5 agrees.
AGREES = 0.5


# Boxes -------------------------------------------------------------------------------------------


def iou(
    boxes_a: npt.ArrayLike, boxes_b: npt.ArrayLike, convention: Convention = "camkit"
) -> Floats:
    """Divide what two boxes share by what they cover together.

    ``IoU = |A and B| / |A or B|``. With ``convention="wsol"`` (Choe et al. 2020, and the ILSVRC
    development kit) the ends belong to the box, so every side is one longer: ``x1 - x0 + 1``.

    Args:
        boxes_a: ``(n, 4)`` or one box ``(4,)``, ``(x0, y0, x1, y1)``. A row of NaN is a missing
            box; it shares nothing with any.
        boxes_b: ``(m, 4)`` or one box.
        convention: ``"camkit"`` (end exclusive) or ``"wsol"`` (end inclusive).

    Returns:
        ``(n, m)``, from 0 to 1.

    Raises:
        TypeError: the boxes are not numbers.
        ValueError: a shape is wrong, a box is reversed, infinite or, with exclusive ends, empty.

    Example:
        >>> iou([0, 0, 4, 4], [[2, 0, 6, 4], [4, 0, 8, 4]]).round(3).tolist()
        [[0.333, 0.0]]
        >>> iou([1, 2, 5, 6], [3, 1, 4, 5], convention="wsol").item() == 8 / 27
        True
    """
    _check_convention(convention)
    first = as_boxes(boxes_a, "boxes_a", convention)
    second = as_boxes(boxes_b, "boxes_b", convention)
    return _iou(first, second, 1.0 if convention == "wsol" else 0.0)


def as_boxes(
    boxes: npt.ArrayLike, name: str = "boxes", convention: Convention = "camkit"
) -> Floats:
    """Check boxes and bring them into rows.

    Args:
        boxes: ``(n, 4)``, one box ``(4,)``, or an empty list. Rows of NaN are missing boxes.
        name: what to call them in an error.
        convention: with inclusive ends (``"wsol"``) a box of one pixel has equal ends.

    Returns:
        ``(n, 4)``.

    Raises:
        TypeError: the boxes are not numbers.
        ValueError: a shape is wrong, a box is reversed, infinite or, with exclusive ends, empty.

    Example:
        >>> as_boxes([4, 0, 2, 9])
        Traceback (most recent call last):
        ValueError: boxes[0] is reversed: x0, y0, x1, y1 = 4, 0, 2, 9; give the smaller end first.
    """
    rows = _numbers(boxes, name)
    rows = rows.reshape(-1, 4) if rows.shape in {(4,), (0,)} else rows
    if rows.ndim != 2 or rows.shape[1] != 4:
        raise ValueError(f"{name} must be (n, 4), got shape {rows.shape}.")
    missing = np.isnan(rows).all(axis=1)
    width, height = rows[:, 2] - rows[:, 0], rows[:, 3] - rows[:, 1]
    room = 0 if convention == "wsol" else np.finfo(float).tiny
    fine = missing | (np.isfinite(rows).all(axis=1) & (np.minimum(width, height) >= room))
    if not fine.all():
        i = int(np.argmin(fine))
        said = "x0, y0, x1, y1 = " + ", ".join(f"{value:g}" for value in rows[i])
        if not np.isfinite(rows[i]).all():
            raise ValueError(f"{name}[{i}] is not finite: {said}; a missing box is NaN throughout.")
        if min(width[i], height[i]) < 0:
            raise ValueError(f"{name}[{i}] is reversed: {said}; give the smaller end first.")
        raise ValueError(
            f"{name}[{i}] has no area: {said}; ends are exclusive, so add one to each."
        )
    return rows


def wsol_box(
    box: npt.ArrayLike, size: tuple[float, float], to: tuple[float, float] = (224, 224)
) -> tuple[int, int, int, int]:
    """Carry a true box to the size of the maps as the benchmark of Choe et al. (2020) does.

    Each end is scaled, ``x * to_width / width``, and its fraction cut off.

    Args:
        box: one box, inclusive ends, in pixels of the picture.
        size: the picture's ``(width, height)``.
        to: the maps' ``(width, height)``.

    Returns:
        The box in pixels of the maps, inclusive ends.

    Raises:
        ValueError: the box is reversed or not finite, or a size is not positive.

    Example:
        >>> wsol_box((1, 2, 4, 3), (10, 20), (35, 10))
        (3, 1, 14, 1)
    """
    if min(*size, *to) <= 0:
        raise ValueError(f"size and to must be positive, got {size} and {to}.")
    rows = as_boxes(box, "box", "wsol")
    if len(rows) != 1 or np.isnan(rows).any():
        raise ValueError(f"box must be one box, got {len(rows)} rows.")
    x0, y0, x1, y1 = (float(value) for value in rows[0])
    across, down = float(to[0]), float(to[1])
    return (
        int(x0 * across / size[0]),
        int(y0 * down / size[1]),
        int(x1 * across / size[0]),
        int(y1 * down / size[1]),
    )


def iou_at_thresholds(
    map: npt.ArrayLike,
    boxes: npt.ArrayLike,
    thresholds: npt.ArrayLike | None = None,
    keep: str = "largest",
    rule: Rule = "max",
    convention: Convention = "camkit",
) -> Floats:
    """Follow the IoU of a map's box with the truth while the threshold moves.

    Args:
        map: one map ``(h, w)``, raw.
        boxes: the true boxes ``(m, 4)``, in cells of the map; the best match counts.
        thresholds: T thresholds from 0 up to 1; `camkit.boxes.threshold_grid` where left out.
        keep: the box of the ``"largest"`` region, of the ``"union"`` of all, or ``"all"`` regions,
            of which the best counts.
        rule: what the threshold is a share of, see `camkit.boxes.level_from_map`.
        convention: ``"camkit"`` or ``"wsol"``.

    Returns:
        ``(T,)``, 0 where the map has no box.

    Raises:
        TypeError: something does not hold numbers.
        ValueError: the map holds NaN or infinite values; a true box is missing, reversed, empty or
            outside the map; or a threshold or a word is not allowed.

    Example:
        >>> steps = [[0, 0, 0, 0], [0, 5, 9, 0], [0, 0, 0, 2]]
        >>> iou_at_thresholds(steps, [1, 1, 3, 2], [0.2, 0.5, 0.9]).round(3).tolist()
        [0.333, 1.0, 0.5]
    """
    _check_convention(convention)
    _check_keep(keep)
    given = _numbers(map, "map")
    if given.ndim != 2:
        raise ValueError(f"map must be one map (h, w), got shape {given.shape}: choose one.")
    cells = _as_maps(given[None])[0]
    truth = _true_boxes(boxes, "boxes", cells.shape, convention)
    grid = as_thresholds(thresholds)
    return _curve(cells, truth, grid, keep, rule, convention)


def _curve(
    cells: Floats,
    truth: Floats,
    grid: Floats,
    keep: str,
    rule: Rule,
    convention: Convention,
) -> Floats:
    more = 1.0 if convention == "wsol" else 0.0
    if keep == "all":
        rows, found = components_at_thresholds(cells, grid, rule, convention)
        best = np.zeros(len(grid))
        np.maximum.at(best, rows, _iou(found, truth, more).max(axis=1))
        return best
    found = boxes_at_thresholds(cells, grid, _one_box(keep), rule, convention)
    matched: Floats = _iou(found, truth, more).max(axis=1)
    return matched


def _iou(a: Floats, b: Floats, more: float) -> Floats:
    """The IoU ``(n, m)`` of checked boxes; ``more`` is 1 where the ends belong to the box."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.maximum(0, high - low + more).prod(axis=2)
    area_a = (a[:, 2:] - a[:, :2] + more).prod(axis=1)
    area_b = (b[:, 2:] - b[:, :2] + more).prod(axis=1)
    both = shared / (area_a[:, None] + area_b[None, :] - shared)
    return np.where(np.isnan(both), 0.0, both)


# ILSVRC ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LocalizationErrors:
    """The ILSVRC errors of a set of pictures, in percent.

    `top1` and `top5` ask for the right class *and* a right box in one and the same guess; `known`
    asks only for a right box of the true class's map (None where no such box was given).
    """

    classification_top1: float
    classification_top5: float
    top1: float
    top5: float
    known: float | None
    pictures: int
    skipped: int


class Localization:
    """Count the ILSVRC errors: classification, localization top-1 and top-5, and class known.

    A guess is right when its class is the picture's and its box has an IoU of at least .5 with any
    true box; a picture is right when one of its first n guesses is (Russakovsky et al. 2015).
    Pictures on the black list are left out of the localization errors, above and below the bar;
    as in the official kit they stay in the classification errors.

    Args:
        agrees: the IoU from which on two boxes agree.
        convention: ``"camkit"`` (end exclusive) or ``"wsol"`` (end inclusive, as the official kit).

    Raises:
        ValueError: ``agrees`` is not within 0..1 (0 excluded), or there is no such convention.

    Example:
        >>> meter = Localization()
        >>> _ = meter.add([[3, 7]], [[[0, 0, 9, 9], [0, 0, 4, 4]]], [7], [[[0, 0, 4, 5]]])
        >>> meter.result().top1, meter.result().top5
        (100.0, 0.0)
    """

    def __init__(self, agrees: float = AGREES, convention: Convention = "camkit") -> None:
        _check_convention(convention)
        _check_agrees([agrees])
        self.agrees, self.convention = agrees, convention
        self._pictures = self._skipped = 0
        self._wrong: Ints = np.zeros(4, np.int64)  # classification 1 and 5, localization 1 and 5
        self._known_wrong = self._known = 0

    def add(
        self,
        classes: npt.ArrayLike,
        boxes: npt.ArrayLike,
        true_classes: npt.ArrayLike,
        true_boxes: Sequence[npt.ArrayLike],
        known: npt.ArrayLike | None = None,
        skip: npt.ArrayLike | None = None,
    ) -> Localization:
        """Add a batch of pictures.

        Args:
            classes: the guesses' classes ``(B, n)``, the surest first, n up to 5. A class may stand
                there more than once: so it gets several boxes, as in `camkit.boxes.five_guesses`.
            boxes: the guesses' boxes ``(B, n, 4)``; a row of NaN is never right.
            true_classes: the pictures' classes ``(B,)``.
            true_boxes: B arrays ``(m, 4)``: all true boxes of the picture's class.
            known: the box of the true class's map ``(B, 4)``, for the error with the class known.
            skip: the black list ``(B,)``, True for a picture to leave out.

        Returns:
            The meter itself.

        Raises:
            TypeError: something does not hold numbers.
            ValueError: lengths do not match, a box is reversed or empty, a picture has no true box,
                or ``known`` was given for some batches only.
        """
        guessed, true = _whole(classes, "classes"), _whole(true_classes, "true_classes")
        if guessed.ndim != 2 or not 1 <= guessed.shape[1] <= 5:
            raise ValueError(f"classes must be (B, n) with n from 1 to 5, got {guessed.shape}.")
        count = len(guessed)
        _check_length("true_classes", true.shape, (count,))
        drawn = _numbers(boxes, "boxes")
        _check_length("boxes", drawn.shape, (*guessed.shape, 4))
        if len(true_boxes) != count:
            raise ValueError(f"true_boxes must have {count} entries, got {len(true_boxes)}.")
        out = np.zeros(count, bool) if skip is None else np.asarray(skip)
        if out.dtype != np.bool_:
            raise TypeError(f"skip must be True or False for each picture, got {out.dtype}.")
        _check_length("skip", out.shape, (count,))
        boxes_known = None if known is None else _numbers(known, "known")
        if boxes_known is not None:
            _check_length("known", boxes_known.shape, (count, 4))
        if self._pictures and count and (known is None) != (self._known == 0):
            raise ValueError("known must be given for every batch or for none.")

        wrong: Ints = np.zeros(4, np.int64)
        known_wrong = 0
        for i in range(count):
            right_class = guessed[i] == true[i]
            wrong[:2] += not right_class[0], not right_class.any()
            if out[i]:
                continue
            truth = _true_boxes(true_boxes[i], f"true_boxes[{i}]", None, self.convention)
            right = right_class & self._agree(drawn[i], truth, f"boxes[{i}]")
            wrong[2:] += not right[0], not right.any()
            if boxes_known is not None:
                known_wrong += not self._agree(boxes_known[i], truth, f"known[{i}]").any()
        # Counted only now, so that a bad picture leaves nothing half added.
        self._pictures += count
        self._skipped += int(out.sum())
        self._wrong = self._wrong + wrong
        self._known_wrong += known_wrong
        self._known += 0 if known is None else count
        return self

    def _agree(self, boxes: Floats, truth: Floats, name: str) -> Bools:
        best = _iou(as_boxes(boxes, name, self.convention), truth, self.convention == "wsol")
        agrees: Bools = best.max(axis=1) >= self.agrees
        return agrees

    def merge(self, other: Localization) -> Localization:
        """Add another meter's pictures to this one.

        Raises:
            TypeError: the other is not of this kind.
            ValueError: its settings differ, or only one of the two knows the true class's boxes.
        """
        _check_alike(self, other, ("agrees", "convention"))
        if self._pictures and other._pictures and (self._known == 0) != (other._known == 0):
            raise ValueError("known must be given for every batch or for none.")
        self._pictures += other._pictures
        self._skipped += other._skipped
        self._wrong = self._wrong + other._wrong
        self._known_wrong += other._known_wrong
        self._known += other._known
        return self

    def result(self) -> LocalizationErrors:
        """Return the errors so far.

        Raises:
            ValueError: no picture was added, or all are on the black list.
        """
        counted = self._pictures - self._skipped
        if counted == 0:
            raise ValueError(
                f"no picture to measure: {self._pictures} added, {self._skipped} of them skipped."
            )
        percent = 100.0 * self._wrong / np.array([self._pictures] * 2 + [counted] * 2)
        known = 100.0 * self._known_wrong / counted if self._known else None
        c1, c5, top1, top5 = (float(value) for value in percent)
        return LocalizationErrors(c1, c5, top1, top5, known, self._pictures, self._skipped)


def localization_errors(
    classes: npt.ArrayLike,
    boxes: npt.ArrayLike,
    true_classes: npt.ArrayLike,
    true_boxes: Sequence[npt.ArrayLike],
    known: npt.ArrayLike | None = None,
    skip: npt.ArrayLike | None = None,
) -> LocalizationErrors:
    """Measure the ILSVRC errors of pictures that are all at hand: `Localization` in one call.

    Args:
        classes: the guesses' classes ``(B, n)``, the surest first, n up to 5.
        boxes: the guesses' boxes ``(B, n, 4)``, end exclusive; a row of NaN is never right.
        true_classes: the pictures' classes ``(B,)``.
        true_boxes: B arrays ``(m, 4)``.
        known: the box of the true class's map ``(B, 4)``.
        skip: the black list ``(B,)``.

    Returns:
        The errors, in percent.

    Raises:
        TypeError, ValueError: see `Localization.add`.

    Example:
        >>> boxes = [[[0, 0, 4, 4]], [[0, 0, 4, 4]]]
        >>> errors = localization_errors([[1], [2]], boxes, [1, 1], [[[0, 0, 4, 8]]] * 2)
        >>> errors.classification_top1, errors.top1  # the IoU is exactly .5: the first is right
        (50.0, 50.0)
    """
    return Localization().add(classes, boxes, true_classes, true_boxes, known, skip).result()


# Choe et al. (2020) ------------------------------------------------------------------------------


@dataclass(frozen=True)
class BoxAccuracy:
    """The result of `MaxBoxAcc`: the accuracy, in percent, and where it was found.

    `value` is the mean of `per_iou` ``(D,)``, the accuracy at the best threshold for each IoU asked
    for; `thresholds` ``(D,)`` are those thresholds, the lowest of equals.
    """

    value: float
    per_iou: Floats
    thresholds: Floats
    pictures: int


class MaxBoxAcc:
    """Measure the share of right boxes at the best threshold, the class being known.

    ``BoxAcc(t, d) = 100 / N * sum_i [IoU_i(t) >= d]``, ``MaxBoxAcc = max_t BoxAcc(t, .5)`` with the
    box of the largest region (Choe et al. 2020). With several IoUs d each finds its own best
    threshold, and the mean is returned. The threshold is chosen on the pictures it is reported on:
    tune on one set and report on another, see `curve`.

    Args:
        thresholds: T thresholds from 0 up to 1; `camkit.boxes.threshold_grid` where left out.
        agrees: the IoUs d.
        keep: ``"largest"`` region, ``"union"``, or ``"all"`` regions, of which the best counts.
        rule: what the threshold is a share of, see `camkit.boxes.level_from_map`.
        convention: ``"wsol"`` gives that benchmark's numbers to the last digit, for maps prepared
            by `camkit.boxes.wsol_map` and true boxes by `wsol_box`.

    Raises:
        TypeError: thresholds are not numbers.
        ValueError: a threshold, an IoU or a word is not allowed.

    Example:
        >>> meter = MaxBoxAcc(thresholds=[0.2, 0.5])
        >>> found = meter.add([[[0, 0, 0, 0], [0, 5, 9, 0], [0, 0, 0, 2]]], [[1, 1, 3, 2]]).result()
        >>> found.value, found.thresholds.tolist(), meter.curve.tolist()
        (100.0, [0.5], [[0.0, 100.0]])
    """

    def __init__(
        self,
        thresholds: npt.ArrayLike | None = None,
        agrees: Sequence[float] = (AGREES,),
        keep: str = "largest",
        rule: Rule = "max",
        convention: Convention = "camkit",
    ) -> None:
        _check_convention(convention)
        _check_agrees(agrees)
        self.thresholds = as_thresholds(thresholds)
        self.agrees = tuple(float(value) for value in agrees)
        self.keep, self.rule, self.convention = keep, rule, convention
        _check_keep(keep)
        # No map yet: the words alone are checked.
        boxes_at_thresholds(np.empty((0, 1, 1)), [0.0], _one_box(keep), rule, convention)
        self._pictures = 0
        self._right: Ints = np.zeros((len(self.agrees), len(self.thresholds)), np.int64)

    def add(self, maps: npt.ArrayLike, boxes: Sequence[npt.ArrayLike]) -> MaxBoxAcc:
        """Add a batch of maps of the true class.

        Args:
            maps: ``(B, h, w)``, raw; for ``"wsol"`` within 0..1.
            boxes: B arrays ``(m, 4)``: the true boxes, in cells of the maps. A map without a box
                counts as wrong.

        Returns:
            The meter itself.

        Raises:
            TypeError: something does not hold numbers.
            ValueError: lengths do not match; a map holds NaN or infinite values; a true box is
                missing, reversed, empty or outside the map.
        """
        cells = _as_maps(maps)
        if len(boxes) != len(cells):
            raise ValueError(f"boxes must have {len(cells)} entries, got {len(boxes)}.")
        truth = [
            _true_boxes(given, f"boxes[{i}]", cells.shape[1:], self.convention)
            for i, given in enumerate(boxes)
        ]
        ious = np.empty((len(cells), len(self.thresholds)))
        for row, one, true in zip(ious, cells, truth, strict=True):
            row[:] = _curve(one, true, self.thresholds, self.keep, self.rule, self.convention)
        return self.add_ious(ious)

    def add_ious(self, ious: npt.ArrayLike) -> MaxBoxAcc:
        """Add pictures whose IoU at every threshold is known already, from a table for instance.

        Args:
            ious: ``(B, T)``, from 0 to 1, as `iou_at_thresholds` gives them for the same settings.

        Returns:
            The meter itself.

        Raises:
            TypeError: they are not numbers.
            ValueError: there is not one for each threshold, or one leaves 0..1.
        """
        rows = _numbers(ious, "ious")
        if rows.ndim != 2:
            raise ValueError(f"ious must be (B, {len(self.thresholds)}), got shape {rows.shape}.")
        _check_length("ious", rows.shape, (len(rows), len(self.thresholds)))
        if not ((rows >= 0) & (rows <= 1)).all():
            raise ValueError("ious must lie within 0..1.")
        self._right = self._right + (rows[None] >= np.array(self.agrees)[:, None, None]).sum(axis=1)
        self._pictures += len(rows)
        return self

    def merge(self, other: MaxBoxAcc) -> MaxBoxAcc:
        """Add another meter's pictures to this one.

        Raises:
            TypeError: the other is not of this kind.
            ValueError: its settings differ.
        """
        _check_alike(self, other, ("thresholds", "agrees", "keep", "rule", "convention"))
        self._right = self._right + other._right
        self._pictures += other._pictures
        return self

    @property
    def curve(self) -> Floats:
        """BoxAcc ``(D, T)`` in percent, for each IoU asked for and each threshold.

        Raises:
            ValueError: no picture was added.
        """
        _check_added(self._pictures)
        share: Floats = self._right.astype(np.float64) * 100.0 / float(self._pictures)
        return share

    def result(self) -> BoxAccuracy:
        """Return the accuracy so far.

        Raises:
            ValueError: no picture was added.
        """
        curve = self.curve
        best = curve.argmax(axis=1)
        per_iou = curve.max(axis=1)
        return BoxAccuracy(
            float(np.average(per_iou)), per_iou, self.thresholds[best], self._pictures
        )


class MaxBoxAccV2(MaxBoxAcc):
    """Measure `MaxBoxAcc` at the IoUs .3, .5 and .7, with the boxes of all regions.

    ``mean over d of max_t BoxAcc(t, d)``; of all regions' boxes the best counts (Choe et al. 2020,
    second version). With ``convention="wsol"`` holes have boxes too.

    Args:
        thresholds: T thresholds from 0 up to 1; `camkit.boxes.threshold_grid` where left out.
        rule: what the threshold is a share of.
        convention: ``"camkit"`` or ``"wsol"``.

    Raises:
        TypeError: thresholds are not numbers.
        ValueError: a threshold or a word is not allowed.

    Example:
        >>> meter = MaxBoxAccV2(thresholds=[0.2])
        >>> found = meter.add([[[0, 0, 0, 0], [0, 5, 9, 0], [2, 0, 0, 0]]], [[1, 1, 3, 2]]).result()
        >>> found.per_iou.tolist()  # the speck at the corner ties in: IoU 2 / 6
        [100.0, 0.0, 0.0]
    """

    def __init__(
        self,
        thresholds: npt.ArrayLike | None = None,
        rule: Rule = "max",
        convention: Convention = "camkit",
    ) -> None:
        super().__init__(thresholds, (0.3, 0.5, 0.7), "all", rule, convention)


class PxAP:
    """Measure the average precision of a map's pixels, all pictures' pixels in one heap.

    ``PxAP = 100 * sum_l P(t_l) (R(t_l) - R(t_{l-1}))`` with t falling, P the share of the pixels at
    or above t that belong to an object, R the share of the objects' pixels at or above t (Choe et
    al. 2020). Values are sorted into bins of width ``1 / bins``, and the value 1 into a bin of its
    own. Values of one bin share a threshold, thresholds without a pixel are left out, and nothing
    is interpolated.

    Args:
        bins: how many bins from 0 to 1. The benchmark uses 1000.

    Raises:
        ValueError: ``bins`` is below 1.

    Example:
        >>> meter = PxAP().add([[[0.9, 0.4, 0.6, 0.1]]], [[[1, 1, 0, 0]]])
        >>> round(meter.result(), 4)
        83.3333
    """

    def __init__(self, bins: int = 1000) -> None:
        if bins < 1:
            raise ValueError(f"bins must be at least 1, got {bins}.")
        self.bins = bins
        # As the benchmark writes them: arange(0, 1, 1 / bins), then 1.
        self._edges = np.append(np.arange(bins) * (1 / bins), 1.0)
        self._counts: Ints = np.zeros((2, bins + 1), np.int64)  # background, objects

    def add(self, maps: npt.ArrayLike, masks: npt.ArrayLike) -> PxAP:
        """Add a batch of maps and the objects' masks.

        Args:
            maps: ``(B, h, w)``, from 0 to 1.
            masks: ``(B, h, w)``: 1 or True in the object, 0 outside, 255 where nothing is counted.

        Returns:
            The meter itself.

        Raises:
            TypeError: something does not hold numbers.
            ValueError: shapes do not match; a map holds NaN or leaves 0..1; a mask holds another
                number.
        """
        cells, truth = _as_maps(maps), _numbers(masks, "masks")
        _check_length("masks", truth.shape, cells.shape)
        if cells.size and not (cells.min() >= 0 and cells.max() <= 1):
            raise ValueError(
                f"maps must lie within 0..1, got {cells.min():g} to {cells.max():g}: "
                "divide by the maximum, or prepare them with camkit.boxes.wsol_map."
            )
        if not np.isin(truth, (0, 1, 255)).all():
            raise ValueError("masks must hold 0, 1 and 255 only: outside, object, not counted.")
        places = np.searchsorted(self._edges, cells.ravel(), side="right") - 1
        for kind in (0, 1):
            here = places[truth.ravel() == kind]
            self._counts[kind] += np.bincount(here, minlength=self.bins + 1)
        return self

    def merge(self, other: PxAP) -> PxAP:
        """Add another meter's pixels to this one.

        Raises:
            TypeError: the other is not of this kind.
            ValueError: its settings differ.
        """
        _check_alike(self, other, ("bins",))
        self._counts = self._counts + other._counts
        return self

    @property
    def curve(self) -> tuple[Floats, Floats, Floats]:
        """Thresholds, falling, with precision and recall at each, from 0 to 1.

        Raises:
            ValueError: no pixel of an object was added.
        """
        outside, inside = (row[::-1].cumsum().astype(np.float64) for row in self._counts)
        if inside[-1] == 0:
            raise ValueError("no pixel of an object was added: recall has no meaning without one.")
        used = inside + outside > 0
        return (
            self._edges[::-1][used],
            (inside / np.maximum(inside + outside, 1))[used],
            (inside / inside[-1])[used],
        )

    def result(self) -> float:
        """Return the average precision so far, in percent.

        Raises:
            ValueError: no pixel of an object was added.
        """
        _, precision, recall = self.curve
        return float((precision * np.diff(recall, prepend=0.0)).sum() * 100)


# Where does the heat lie? ------------------------------------------------------------------------


class PointingGame:
    """Count how often a map's highest cell lies on the object.

    ``hits / (hits + misses)`` in percent, over pictures; a point within ``tolerance`` cells of the
    object counts (Zhang et al. 2018, who allow 15 pixels). Of equal cells the first in reading
    order points. A map with one value everywhere, or without a positive one, points nowhere and
    misses.

    Args:
        tolerance: in cells of the map.

    Raises:
        ValueError: ``tolerance`` is negative.

    Example:
        >>> meter = PointingGame(tolerance=0).add([[[0, 2], [5, 1]]], boxes=[[0, 1, 1, 2]])
        >>> meter.result()
        100.0
    """

    def __init__(self, tolerance: float = 15) -> None:
        if not tolerance >= 0:
            raise ValueError(f"tolerance must be 0 or more, got {tolerance}.")
        self.tolerance = float(tolerance)
        self._hits = self._pictures = 0

    def add(
        self,
        maps: npt.ArrayLike,
        masks: npt.ArrayLike | None = None,
        boxes: Sequence[npt.ArrayLike] | None = None,
    ) -> PointingGame:
        """Add a batch of maps with the objects' masks or boxes.

        Args:
            maps: ``(B, h, w)``, raw.
            masks: ``(B, h, w)``, True on the object; or
            boxes: B arrays ``(m, 4)``, end exclusive, in cells of the maps.

        Returns:
            The meter itself.

        Raises:
            TypeError: something does not hold numbers, or masks are not True and False.
            ValueError: lengths do not match; a map holds NaN or infinite values; an object is
                missing; a box is reversed, empty or outside the map; or not just one of masks and
                boxes is given.
        """
        cells = _as_maps(maps)
        targets = _targets(cells.shape, masks, boxes)
        hits = 0
        for one, target in zip(cells, targets, strict=True):
            if why_no_box(one) is None:
                row, column = np.unravel_index(int(one.argmax()), one.shape)
                down, across = np.nonzero(target)
                near = ((down - row) ** 2 + (across - column) ** 2).min()
                hits += bool(near <= self.tolerance**2)
        self._hits += hits
        self._pictures += len(cells)
        return self

    def merge(self, other: PointingGame) -> PointingGame:
        """Add another meter's pictures to this one.

        Raises:
            TypeError: the other is not of this kind.
            ValueError: its settings differ.
        """
        _check_alike(self, other, ("tolerance",))
        self._hits += other._hits
        self._pictures += other._pictures
        return self

    def result(self) -> float:
        """Return the share of hits so far, in percent.

        Raises:
            ValueError: no picture was added.
        """
        _check_added(self._pictures)
        return 100.0 * self._hits / self._pictures


def energy_inside(
    maps: npt.ArrayLike,
    masks: npt.ArrayLike | None = None,
    boxes: Sequence[npt.ArrayLike] | None = None,
) -> Floats:
    """Measure which share of a map's positive part lies on the object.

    ``sum over the object of max(m, 0) / sum over the map of max(m, 0)`` (the energy-based pointing
    game, Wang et al. 2020). Compare it with the object's share of the area: a map that is the same
    everywhere reaches just that.

    Args:
        maps: ``(B, h, w)``, raw.
        masks: ``(B, h, w)``, True on the object; or
        boxes: B arrays ``(m, 4)``, end exclusive, in cells of the maps. A cell counts if its centre
            lies in one of them.

    Returns:
        ``(B,)``, from 0 to 1; 0 for a map without a positive value.

    Raises:
        TypeError: something does not hold numbers, or masks are not True and False.
        ValueError: as in `PointingGame.add`.

    Example:
        >>> energy_inside([[[6, 2], [-5, 0]]], boxes=[[0, 0, 1, 2]]).tolist()
        [0.75]
    """
    heat = np.maximum(_as_maps(maps), 0)
    targets = _targets(heat.shape, masks, boxes)
    whole = heat.sum(axis=(1, 2))
    inside = np.where(targets, heat, 0).sum(axis=(1, 2))
    share: Floats = np.divide(inside, whole, out=np.zeros(len(heat)), where=whole > 0)
    return share


class EnergyInside:
    """Average `energy_inside` over pictures.

    Example:
        >>> meter = EnergyInside().add([[[6, 2], [-5, 0]]], boxes=[[0, 0, 1, 2]])
        >>> meter.result()
        0.75
    """

    def __init__(self) -> None:
        self._shares: list[float] = []

    def add(
        self,
        maps: npt.ArrayLike,
        masks: npt.ArrayLike | None = None,
        boxes: Sequence[npt.ArrayLike] | None = None,
    ) -> EnergyInside:
        """Add a batch of maps with the objects' masks or boxes: see `energy_inside`.

        Returns:
            The meter itself.
        """
        self._shares += energy_inside(maps, masks, boxes).tolist()
        return self

    def merge(self, other: EnergyInside) -> EnergyInside:
        """Add another meter's pictures to this one.

        Raises:
            TypeError: the other is not of this kind.
        """
        _check_alike(self, other, ())
        self._shares += other._shares
        return self

    def result(self) -> float:
        """Return the mean share so far, from 0 to 1.

        Raises:
            ValueError: no picture was added.
        """
        _check_added(len(self._shares))
        return math.fsum(self._shares) / len(self._shares)  # the same in any order


# What comes in -----------------------------------------------------------------------------------


def _numbers(values: npt.ArrayLike, name: str) -> Floats:
    detach = getattr(values, "detach", None)
    array = np.asarray(detach().cpu().double() if detach is not None else values)  # also bfloat16
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} must hold numbers, got {array.dtype}.")
    return array.astype(np.float64)


def _whole(values: npt.ArrayLike, name: str) -> Ints:
    detach = getattr(values, "detach", None)
    array = np.asarray(detach().cpu() if detach is not None else values)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold class numbers, got {array.dtype}.")
    return array.astype(np.int64)


def _as_maps(maps: npt.ArrayLike) -> Floats:
    cells = _numbers(maps, "maps")
    if cells.ndim != 3:
        raise ValueError(f"maps must be (B, h, w), got shape {cells.shape}.")
    if len(cells) and cells[0].size == 0:
        raise ValueError(f"maps must have cells, got shape {cells.shape}.")
    broken = ~np.isfinite(cells).all(axis=(1, 2))
    if broken.any():
        i = int(np.argmax(broken))
        raise ValueError(f"maps[{i}] holds NaN or infinite values: look for them in the network.")
    return cells


def _true_boxes(
    boxes: npt.ArrayLike, name: str, shape: tuple[int, ...] | None, convention: Convention
) -> Floats:
    rows = as_boxes(boxes, name, convention)
    if len(rows) == 0 or np.isnan(rows).any():
        raise ValueError(f"{name} holds no true box: leave the picture out, or skip it by name.")
    if shape is not None:
        limit = np.array([shape[1], shape[0]]) - (1 if convention == "wsol" else 0)
        outside = (rows[:, :2] < 0).any(axis=1) | (rows[:, 2:] > limit).any(axis=1)
        if outside.any():
            i = int(np.argmax(outside))
            said = ", ".join(f"{value:g}" for value in rows[i])
            raise ValueError(
                f"{name} lies outside the map, {shape[1]} wide and {shape[0]} high: ({said}); "
                "give boxes in cells of the map."
            )
    return rows


def _targets(
    shape: tuple[int, ...], masks: npt.ArrayLike | None, boxes: Sequence[npt.ArrayLike] | None
) -> Bools:
    """The objects' masks ``(B, h, w)``, none of them empty."""
    if (masks is None) == (boxes is None):
        raise ValueError("give the objects as masks or as boxes, one of the two.")
    count, height, width = shape
    if boxes is not None:
        if len(boxes) != count:
            raise ValueError(f"boxes must have {count} entries, got {len(boxes)}.")
        target: Bools = np.zeros((count, height, width), bool)
        down, across = np.arange(height)[:, None] + 0.5, np.arange(width)[None] + 0.5
        for i, given in enumerate(boxes):
            for x0, y0, x1, y1 in _true_boxes(given, f"boxes[{i}]", (height, width), "camkit"):
                target[i] |= (x0 <= across) & (across < x1) & (y0 <= down) & (down < y1)
    else:
        target = np.asarray(masks)
        if target.dtype != np.bool_:
            raise TypeError(f"masks must be True and False, got {target.dtype}: write masks > 0.")
        _check_length("masks", target.shape, shape)
    empty = ~target.any(axis=(1, 2))
    if empty.any():
        i = int(np.argmax(empty))
        raise ValueError(f"picture {i} of the batch has no cell on its object.")
    return target


def _check_convention(convention: str) -> None:
    if convention not in ("camkit", "wsol"):
        raise ValueError(f"convention must be one of camkit, wsol, got {convention!r}.")


def _check_keep(keep: str) -> None:
    if keep not in ("largest", "union", "all"):
        raise ValueError(f"keep must be one of largest, union, all, got {keep!r}.")


def _one_box(keep: str) -> Keep:
    return "union" if keep == "union" else "largest"


def _check_agrees(agrees: Sequence[float]) -> None:
    if len(agrees) == 0 or not all(0 < value <= 1 for value in agrees):
        raise ValueError(f"agrees must be IoUs above 0 and up to 1, got {agrees}.")


def _check_length(name: str, shape: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    if shape != wanted:
        raise ValueError(f"{name} must have shape {wanted}, got {shape}.")


def _check_added(count: int) -> None:
    if count == 0:
        raise ValueError("no picture was added: call add first.")


def _check_alike(one: Any, other: Any, settings: tuple[str, ...]) -> None:
    if type(one) is not type(other):
        raise TypeError(f"a {type(one).__name__} merges with its like, got {type(other).__name__}.")
    for name in settings:
        if not np.array_equal(getattr(one, name), getattr(other, name)):
            raise ValueError(
                f"{name} differs: {getattr(one, name)} and {getattr(other, name)}; "
                "merge meters of the same settings."
            )
