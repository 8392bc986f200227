"""The checks of lesson 07 take right answers however they are written, and name what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from camkit import check, transfer
from camkit.check import nb07

Answer = Callable[..., Any]


# --- fold ----------------------------------------------------------------------------------------


def by_loops(scaler: Any, svm: Any) -> Any:
    classes, units = svm.coef_.shape
    weights, offset = np.zeros((classes, units)), np.zeros(classes)
    for c in range(classes):
        offset[c] = svm.intercept_[c]
        for k in range(units):
            weights[c, k] = svm.coef_[c, k] / scaler.scale_[k]
            offset[c] -= weights[c, k] * scaler.mean_[k]
    return weights, offset


def in_torch(scaler: Any, svm: Any) -> Any:
    coef, scale = torch.from_numpy(svm.coef_), torch.from_numpy(scaler.scale_)
    weights = coef / scale[None, :]
    return [weights, torch.from_numpy(svm.intercept_) - weights @ torch.from_numpy(scaler.mean_)]


@pytest.mark.parametrize("answer", [by_loops, in_torch, nb07._fold])
def test_right_folds_pass(answer: Answer) -> None:
    assert check.fold(answer).passed, check.fold(answer)


def test_the_hidden_machines_hold_a_unit_that_hardly_varies_and_one_that_never_does() -> None:
    for scaler, _ in nb07._machines():
        assert scaler.scale_.min() <= 1e-3
        assert (scaler.var_ == 0).sum() == 1
        assert (scaler.scale_[scaler.var_ == 0] == 1).all()
    shapes = [svm.coef_.shape for _, svm in nb07._machines()]
    assert any(c > k for c, k in shapes)
    assert any(c == k for c, k in shapes)


def test_a_fold_of_scikit_learn_passes_what_the_package_folds() -> None:
    """The names of the hidden machines are scikit-learn's, and the package folds alike."""
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import LinearSVC

    rng = np.random.default_rng(0)
    x, y = rng.normal(2, 3, (90, 5)), np.arange(90) % 3
    x[:, 0] += 3 * y
    scaler = StandardScaler().fit(x)
    svm = LinearSVC(C=0.1).fit(scaler.transform(x), y)
    weights, offset = by_loops(scaler, svm)
    assert np.allclose(x @ weights.T + offset, svm.decision_function(scaler.transform(x)))
    ours = transfer.fit_svm(x, y, costs=[0.1])
    w, b = by_loops(
        nb07._Fitted(mean_=ours.mean, scale_=ours.scale),
        nb07._Fitted(coef_=ours.coef, intercept_=ours.intercept),
    )
    assert np.allclose(w, ours.fold()[0])
    assert np.allclose(b, ours.fold()[1])


@pytest.mark.parametrize("wrong", nb07.FOLD.wrong, ids=lambda w: w.name)
def test_every_known_wrong_fold_gets_its_own_word(wrong: Any) -> None:
    verdict = check.fold(wrong.answer)
    assert verdict.kind == "wrong values"
    assert verdict.advice == wrong.advice


def in_place(scaler: Any, svm: Any) -> Any:
    svm.coef_ /= scaler.scale_
    return svm.coef_, svm.intercept_ - svm.coef_ @ scaler.mean_


@pytest.mark.parametrize(
    ("answer", "kind", "word"),
    [
        (lambda s, m: nb07._fold(s, m)[0], "wrong type", "two arrays"),
        (lambda s, m: (nb07._fold(s, m)[0].T, m.intercept_), "wrong shape", "weights"),
        (lambda s, m: (nb07._fold(s, m)[0], 0.0), "wrong shape", "offset"),
        (lambda s, m: ("a", "b"), "wrong type", "weights"),
        (lambda s, m: (m.coef_ / np.sqrt(s.var_), m.intercept_), "wrong values", "NaN"),
        (in_place, "input changed", "leave its arguments"),
        (lambda s, m: ..., "not attempted yet", "dots"),
    ],
)
def test_other_wrong_folds_do_not_pass(answer: Answer, kind: str, word: str) -> None:
    with np.errstate(divide="ignore", invalid="ignore"):
        verdict = check.fold(answer)
    assert verdict.kind == kind, verdict
    assert word in verdict.message


# --- lift ----------------------------------------------------------------------------------------


def picture_by_picture(maps: Any, masks: Any) -> float:
    found = []
    for map, mask in zip(maps, masks, strict=True):
        total = sum(v for v in map.ravel() if v > 0)
        if not mask.any() or not total:
            continue
        inside = sum(v for v, m in zip(map.ravel(), mask.ravel(), strict=True) if m and v > 0)
        found.append(inside / total / (mask.sum() / mask.size))
    return sum(found) / len(found)


def by_the_package(maps: Any, masks: Any) -> Any:
    return np.nanmean(transfer.lift(maps, masks))


@pytest.mark.parametrize("answer", [picture_by_picture, by_the_package, nb07._lift])
def test_right_lifts_pass(answer: Answer) -> None:
    assert check.lift(answer).passed, check.lift(answer)


def test_a_lift_on_paper() -> None:
    """Half of the heat on a quarter of the area is a lift of two."""
    maps, masks = np.array([[[2.0, 1.0], [1.0, -9.0]]]), np.array([[[True, False], [False, False]]])
    assert picture_by_picture(maps, masks) == 2.0
    assert nb07._lift(maps, masks) == 2.0


def test_the_hidden_pictures_hold_an_empty_mask_and_a_map_without_heat() -> None:
    cases = nb07._pictures()
    assert sum(not masks.any(axis=(1, 2)).all() for _, masks in cases) == 2
    assert sum(not (maps > 0).any(axis=(1, 2)).all() for maps, _ in cases) == 1
    assert any(maps.shape[1] != maps.shape[2] for maps, _ in cases)


@pytest.mark.parametrize("wrong", nb07.LIFT.wrong, ids=lambda w: w.name)
def test_every_known_wrong_lift_gets_its_own_word(wrong: Any) -> None:
    verdict = check.lift(wrong.answer)
    assert verdict.kind == "wrong values"
    assert verdict.advice == wrong.advice


@pytest.mark.parametrize(
    ("answer", "kind", "word"),
    [
        (lambda m, k: nb07._ratios(nb07._heat(m), k), "wrong shape", "one number"),
        (lambda m, k: float(nb07._ratios(nb07._heat(m), k).mean()), "wrong values", "NaN"),
        (lambda m, k: 1.0, "wrong values", "expected"),
        (lambda m, k: "high", "wrong type", "tensor"),
        (lambda m, k: ..., "not attempted yet", "dots"),
    ],
)
def test_other_wrong_lifts_do_not_pass(answer: Answer, kind: str, word: str) -> None:
    verdict = check.lift(answer)
    assert verdict.kind == kind, verdict
    assert word in verdict.message
