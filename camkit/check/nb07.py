"""The checks of notebook 07, scenes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from camkit.check.core import Check, Problem, Verdict, Wrong, tensor, values

Doubles = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


class _Fitted:
    """Fitted arrays under the names that scikit-learn gives them; equal if the arrays are."""

    def __init__(self, **arrays: Doubles) -> None:
        self.__dict__.update(arrays)

    def __eq__(self, other: object) -> bool:
        mine, theirs = self.__dict__, getattr(other, "__dict__", {})
        return mine.keys() == theirs.keys() and all(
            np.array_equal(mine[name], theirs[name]) for name in mine
        )

    __hash__ = None  # type: ignore[assignment]


# --- exercise A: fold -----------------------------------------------------------------------------


def _machines() -> list[tuple[_Fitted, _Fitted]]:
    """A scaler and an SVM: more units than classes, fewer, as many; some units hardly vary."""
    cases = []
    for seed, units, classes in ((70, 6, 4), (71, 3, 5), (72, 4, 4)):
        rng = np.random.default_rng(seed)
        scale = rng.uniform(0.2, 3.0, units)
        scale[1] = 1e-3  # a unit that hardly ever changes
        variance = scale**2
        scale[2], variance[2] = 1.0, 0.0  # one that never does: scikit-learn divides it by 1
        scaler = _Fitted(mean_=rng.normal(1.0, 1.0, units), scale_=scale, var_=variance)
        svm = _Fitted(coef_=rng.normal(size=(classes, units)), intercept_=rng.normal(size=classes))
        cases.append((scaler, svm))
    return cases


def _unseen(scaler: Any) -> Doubles:
    rng = np.random.default_rng(len(scaler.mean_))
    pictures: Doubles = scaler.mean_ + scaler.scale_ * rng.normal(size=(20, len(scaler.mean_)))
    return pictures


def _decisions(scaler: Any, svm: Any) -> Doubles:
    decided: Doubles = (_unseen(scaler) - scaler.mean_) / scaler.scale_ @ svm.coef_.T
    with_offset: Doubles = decided + svm.intercept_
    return with_offset


def _judge_fold(answer: Any, scaler: Any, svm: Any) -> Problem | None:
    if not isinstance(answer, (tuple, list)) or len(answer) != 2:
        came = f"{len(answer)} values" if isinstance(answer, (tuple, list)) else (
            "nothing (None)" if answer is None else f"a {type(answer).__name__}"
        )  # fmt: skip
        return Problem("wrong type", f"return two arrays, weights and offset; got {came}.")
    read = []
    for part, name, like in zip(
        answer, ("weights", "offset"), (svm.coef_, svm.intercept_), strict=True
    ):
        one = tensor(part, name)
        if isinstance(one, Problem):
            return one
        if tuple(one.shape) != like.shape:
            return Problem("wrong shape", f"{name} should be {like.shape}, got {tuple(one.shape)}.")
        read.append(one.numpy())
    weights, offset = read
    found = _unseen(scaler) @ weights.T + offset
    expected = torch.from_numpy(_decisions(scaler, svm))
    return values(
        found, expected, ("picture", "scene"), tolerance=1e-5, of="the decision that you give"
    )


def _fold(scaler: Any, svm: Any) -> tuple[Doubles, Doubles]:
    weights = svm.coef_ / scaler.scale_
    return weights, svm.intercept_ - weights @ scaler.mean_


FOLD = Check(
    "fold",
    _machines,
    _judge_fold,
    (
        Wrong(
            "not divided by the scale",
            lambda s, m: (m.coef_, m.intercept_ - m.coef_ @ s.mean_),
            "The SVM weighs features that were divided by their scale. Its weights must be "
            "divided, too.",
        ),
        Wrong(
            "means left out",
            lambda s, m: (m.coef_ / s.scale_, m.intercept_),
            "The means are missing from the offset: each feature had its mean taken away first.",
        ),
        Wrong(
            "multiplied instead of divided",
            lambda s, m: (m.coef_ * s.scale_, m.intercept_ - (m.coef_ * s.scale_) @ s.mean_),
            "You multiplied by the scale. Divide: a feature that varies much gets less weight.",
        ),
        Wrong(
            "means of undivided weights",
            lambda s, m: (m.coef_ / s.scale_, m.intercept_ - m.coef_ @ s.mean_),
            "The offset needs the mean of the *divided* features: use the new weights there, too.",
        ),
        Wrong(
            "means added",
            lambda s, m: (m.coef_ / s.scale_, m.intercept_ + m.coef_ / s.scale_ @ s.mean_),
            "The mean is taken away from a feature, so it goes into the offset with a minus.",
        ),
        Wrong(
            "divided by the variance",
            lambda s, m: (
                m.coef_ / np.where(s.var_ > 0, s.var_, 1),
                m.intercept_ - m.coef_ / np.where(s.var_ > 0, s.var_, 1) @ s.mean_,
            ),
            "That is the variance. The scaler divides by its root, which is scale_.",
        ),
        Wrong(
            "nothing folded",
            lambda s, m: (m.coef_, m.intercept_),
            "These are the SVM's own weights: they want standardised features, a map has raw ones.",
        ),
    ),
)


def fold(attempt: Callable[..., Any]) -> Verdict:
    """Check ``fold(scaler, svm)``: weights and offset that decide about raw features alike.

    >>> fold(lambda scaler, svm: ...)
    not attempted yet: replace the dots and run both cells again.
    """
    return FOLD(attempt)


# --- exercise B: lift -----------------------------------------------------------------------------


def _pictures() -> list[tuple[Doubles, Bools]]:
    """Maps and masks; then a picture with an empty mask among them, and a map nowhere positive."""
    cases = []
    for seed, n, h, w in ((73, 4, 6, 6), (74, 5, 4, 7), (75, 6, 5, 5)):
        rng = np.random.default_rng(seed)
        maps = rng.normal(0.2, 1.0, (n, h, w)) * rng.uniform(0.3, 3.0, (n, 1, 1))
        masks = rng.random((n, h, w)) < rng.uniform(0.1, 0.6, (n, 1, 1))
        masks[:, 0, 0], masks[:, -1, -1] = True, False
        if seed > 73:
            masks[1] = False  # nothing there to be found
        if seed > 74:
            maps[2] = -np.abs(maps[2])  # no heat at all
        cases.append((maps, masks))
    return cases


def _ratios(maps: Doubles, masks: Bools) -> Doubles:
    """Per picture; NaN where there is no mask or no heat."""
    inside = (maps * masks).sum(axis=(1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio: Doubles = inside / maps.sum(axis=(1, 2)) / masks.mean(axis=(1, 2))
    return ratio


def _heat(maps: Doubles) -> Doubles:
    hot: Doubles = np.maximum(maps, 0)
    return hot


def _lift(maps: Doubles, masks: Bools) -> float:
    return float(np.nanmean(_ratios(_heat(maps), masks)))


def _of_averages(maps: Doubles, masks: Bools) -> float:
    hot = _heat(maps)
    return float((hot * masks).sum() / hot.sum() / masks.mean())


def _of_averages_known(maps: Doubles, masks: Bools) -> float:
    known = masks.any(axis=(1, 2)) & (maps > 0).any(axis=(1, 2))
    return _of_averages(maps[known], masks[known])


def _shares(maps: Doubles, masks: Bools) -> float:
    hot = _heat(maps)
    with np.errstate(invalid="ignore"):
        share = (hot * masks).sum(axis=(1, 2)) / hot.sum(axis=(1, 2))
    return float(np.nanmean(np.where(masks.any(axis=(1, 2)), share, np.nan)))


def _from_zero(maps: Doubles, masks: Bools) -> float:
    """Min-max: the lowest cell becomes zero."""
    low = maps.min(axis=(1, 2), keepdims=True)
    return float(np.nanmean(_ratios(maps - low, masks)))


def _inside_over_outside(maps: Doubles, masks: Bools) -> float:
    hot, n = _heat(maps), len(maps)
    inside = [hot[i][masks[i]].mean() if masks[i].any() else np.nan for i in range(n)]
    outside = np.array([hot[i][~masks[i]].mean() for i in range(n)])
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.array(inside) / outside
    return float(np.nanmean(np.where(outside > 0, ratio, np.nan)))


def _judge_lift(answer: Any, maps: Doubles, masks: Bools) -> Problem | None:
    read = tensor(answer, "the lift")
    if isinstance(read, Problem):
        return read
    if read.numel() != 1:
        return Problem(
            "wrong shape",
            f"return one number, the mean over the pictures, got {tuple(read.shape)}.",
        )
    value, expected = float(read.item()), _lift(maps, masks)
    if np.isnan(value):
        return Problem(
            "wrong values",
            "the lift is NaN.",
            "A picture with an empty mask, or without any heat, has no lift: leave it out.",
        )
    if abs(value - expected) <= 1e-5 * max(1.0, expected):
        return None
    return Problem("wrong values", f"expected {expected:.4g}, got {value:.4g}.")


LIFT = Check(
    "lift",
    _pictures,
    _judge_lift,
    (
        Wrong(
            "negative heat counted",
            lambda m, k: float(np.nanmean(np.where(k.any(axis=(1, 2)), _ratios(m, k), np.nan))),
            "You let negative cells count. They speak against the scene: set them to zero first.",
        ),
        Wrong(
            "size of the heat, without its sign",
            lambda m, k: float(np.nanmean(_ratios(np.abs(m), k))),
            "You counted evidence against the scene as if it spoke for it: no absolute values.",
        ),
        Wrong("min-max first", _from_zero, "You moved zero to the lowest cell, and so made heat."),
        Wrong(
            "not divided by the area",
            _shares,
            "That is the share of the heat on the mask. Divide it by the mask's share of the area.",
        ),
        Wrong(
            "ratio of averages",
            _of_averages,
            "You added up all pictures first. Take the ratio of each picture, then the mean.",
        ),
        Wrong(
            "ratio of averages, empty pictures left out",
            _of_averages_known,
            "You added up all pictures first. Take the ratio of each picture, then the mean.",
        ),
        Wrong(
            "empty masks as zero",
            lambda m, k: float(np.nan_to_num(_ratios(_heat(m), k)).mean()),
            "A picture with an empty mask, or without heat, has no lift; you counted it as zero.",
        ),
        Wrong(
            "inside against outside",
            _inside_over_outside,
            "You compared the inside with the outside. The lift compares it with the whole.",
        ),
    ),
)


def lift(attempt: Callable[..., Any]) -> Verdict:
    """Check ``lift(maps, masks)``: positive heat on the masks over their share of the area.

    >>> lift(lambda maps, masks: ...)
    not attempted yet: replace the dots and run both cells again.
    """
    return LIFT(attempt)
