"""The checks of lesson 08 take right answers however they are written, and name what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import RidgeClassifier

from camkit import check
from camkit.check import nb08
from camkit.transfer import fit_svm

Answer = Callable[..., Any]


# --- pipeline ------------------------------------------------------------------------------------


def by_the_package(train: Any, labels: Any, test: Any) -> Any:
    svm = fit_svm(train.mean(axis=(2, 3)), labels, costs=[0.01])
    weights, offset = svm.fold()
    maps = np.einsum("ck,nkhw->nchw", weights, test)
    return svm.predict(test.mean(axis=(2, 3))), maps, offset


def by_hand(train: Any, labels: Any, test: Any) -> Any:
    """With another linear machine, and in torch."""
    pooled = torch.from_numpy(train).mean(dim=(2, 3))
    mean, scale = pooled.mean(dim=0), pooled.std(dim=0)
    machine = RidgeClassifier().fit(((pooled - mean) / scale).numpy(), labels)
    weights = torch.from_numpy(machine.coef_) / scale
    offset = torch.from_numpy(machine.intercept_) - weights @ mean
    maps = torch.einsum("ck,nkhw->nchw", weights, torch.from_numpy(test))
    return [(maps.mean(dim=(2, 3)) + offset).argmax(dim=1), maps, offset]


@pytest.mark.parametrize("answer", [nb08._pipeline, by_the_package, by_hand])
def test_right_pipelines_pass(answer: Answer) -> None:
    assert check.pipeline(answer).passed, check.pipeline(answer)


@pytest.mark.parametrize("wrong", nb08.WRONG_PIPELINES, ids=lambda w: w.name)
def test_every_known_wrong_pipeline_gets_its_own_word(wrong: Any) -> None:
    verdict = check.pipeline(wrong.answer)
    assert verdict.kind == "wrong values", verdict
    assert verdict.advice == wrong.advice, verdict


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda a, m, b: a, "wrong type"),
        (lambda a, m, b: (a, m), "wrong type"),
        (lambda a, m, b: (a, m.mean(axis=(2, 3)), b), "wrong shape"),
        (lambda a, m, b: (a, m, "offset"), "wrong type"),
        (lambda a, m, b: (np.zeros_like(a), m, b), "wrong values"),
    ],
)
def test_other_answers_are_told_apart(change: Answer, kind: str) -> None:
    assert check.pipeline(lambda *case: change(*nb08._pipeline(*case))).kind == kind


def test_a_pipeline_that_stops_or_is_not_written_is_told() -> None:
    def stops(train: Any, labels: Any, test: Any) -> Any:
        return train @ labels

    assert check.pipeline(lambda train, labels, test: ...).kind == "not attempted yet"
    assert "in line 2" in check.pipeline(stops).message
    assert check.pipeline(3).kind == "wrong type"  # type: ignore[arg-type]

    def changes(train: Any, labels: Any, test: Any) -> Any:
        train -= train.mean()
        return nb08._pipeline(train, labels, test)

    assert check.pipeline(changes).kind == "input changed"


# --- why_not_lit ---------------------------------------------------------------------------------


def by_lists(scenes: Any, tool: Any, net: Any, expert: Any) -> Any:
    def mean(numbers: Any) -> float:
        numbers = list(numbers)
        return sum(numbers) / len(numbers)

    larger = mean(net(s.enlarged(tool, 3))[0] - net(s)[0] for s in scenes)
    known = mean(expert(s)[0] for s in scenes) - mean(net(s)[0] for s in scenes)
    gone = mean(net(s)[1] for s in scenes) - mean(net(s.without(tool))[1] for s in scenes)
    if gone > 0.2:
        return [larger, known, gone, "it was used"]
    if larger > 0.5:
        return larger, known, gone, "too small"
    return larger, known, np.float64(gone), "never learned" if known > 0.5 else "not needed"


def test_a_right_diagnosis_passes() -> None:
    assert check.why_not_lit(by_lists).passed, check.why_not_lit(by_lists)


def test_every_reason_is_planted() -> None:
    told = [by_lists(*case)[3] for case in nb08._plants()]
    assert set(told) == set(nb08.REASONS)
    assert all(len(case[0]) == 30 for case in nb08._plants())


@pytest.mark.parametrize("wrong", nb08.WRONG_REASONS, ids=lambda w: w.name)
def test_every_known_wrong_diagnosis_gets_its_own_word(wrong: Any) -> None:
    verdict = check.why_not_lit(wrong.answer)
    assert verdict.kind == "wrong values", verdict
    assert verdict.advice == wrong.advice, verdict


def test_other_diagnoses_are_told_apart() -> None:
    assert check.why_not_lit(lambda *case: by_lists(*case)[:3]).kind == "wrong type"
    verdict = check.why_not_lit(lambda *case: (*by_lists(*case)[:3], "dark"))
    assert verdict.kind == "wrong type"
    assert "too small" in verdict.message
