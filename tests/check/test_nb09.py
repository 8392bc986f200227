"""The checks of lesson 09 take honest pipelines however written, and name what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from camkit import check, transfer
from camkit.check import nb09

Answer = Callable[..., Any]


# --- square_crop ---------------------------------------------------------------------------------


def in_numpy(box: Any, margin: Any, size: Any) -> Any:
    corners = np.reshape(box, (2, 2))
    side = (corners[1] - corners[0]).max() * (1 + 2 * margin)
    free = np.array(size) - side
    start = np.where(free > 0, np.clip(corners.mean(axis=0) - side / 2, 0, free), free / 2)
    return np.concatenate([start, start + side])


def as_a_list(box: Any, margin: Any, size: Any) -> Any:
    return [float(v) for v in in_numpy(box, margin, size)]


@pytest.mark.parametrize("answer", [in_numpy, as_a_list])
def test_right_windows_pass(answer: Answer) -> None:
    assert check.square_crop(answer).passed, check.square_crop(answer)


def test_the_windows_are_those_that_the_package_cuts() -> None:
    """A picture that is brightest at one pixel shows where `transfer.square_crop` cut."""
    for box, margin, (wide, high) in nb09._windows():
        x0, y0, x1, _ = nb09._window(box, margin, (wide, high))
        rows, columns = np.mgrid[:high, :wide]
        picture = np.stack([columns, rows, 0 * rows], axis=2).astype(np.uint8)
        cut = transfer.square_crop(picture, box, margin, 32)
        step = (x1 - x0) / 32
        inside = [i for i in range(32) if 1 < x0 + step * (i + 0.5) < wide - 1]
        wanted = [x0 + step * (i + 0.5) - 0.5 for i in inside]
        middle = 16 if 1 < y0 + step * 16.5 < high - 1 else 31
        assert np.abs(cut[middle, inside, 0] - np.array(wanted)).max() < 1.2


@pytest.mark.parametrize("wrong", nb09.SQUARE_CROP.wrong, ids=lambda w: w.name)
def test_every_known_wrong_window_gets_its_own_word(wrong: Any) -> None:
    verdict = check.square_crop(wrong.answer)
    assert verdict.kind == "wrong values"
    assert verdict.advice == wrong.advice


@pytest.mark.parametrize(
    ("change", "kind", "word"),
    [
        (lambda w: w[:3], "wrong type", "four numbers"),
        (lambda w: None, "not attempted yet", "dots"),
        (lambda w: (w[0] + 2, w[1], w[2] + 2, w[3]), "wrong values", "keep the middle"),
        (lambda w: (w[0], w[1], w[2] + 3, w[3]), "wrong values", "no square"),
        (lambda w: (w[0], w[1], w[2] + 3, w[3] + 3), "wrong values", "longer side"),
        (lambda w: (float("nan"), *w[1:]), "wrong values", ""),
    ],
)
def test_other_wrong_windows_do_not_pass(change: Answer, kind: str, word: str) -> None:
    verdict = check.square_crop(lambda *given: change(tuple(in_numpy(*given))))
    assert verdict.kind == kind, verdict
    assert word in str(verdict)


# --- name_birds ----------------------------------------------------------------------------------


def cut_at_predictions(net: Any, train: Any, labels: Any, test: Any, test_labels: Any) -> Any:
    """With `explain`, as the lesson does."""

    def pooled(pictures: Any) -> Any:
        return transfer.pooled_features(net, pictures, progress=False)

    svm = transfer.fit_svm(pooled(train), labels, costs=[0.01])
    crops = []
    for pictures in (train, test):
        found = svm.on(net).explain(list(pictures), classes="all").boxes()
        own = found[np.arange(len(pictures)), svm.predict(pooled(pictures))]
        crops.append(transfer.square_crops(pictures, list(own)))
    return transfer.fit_svm(pooled(crops[0]), labels, costs=[0.01]).predict(pooled(crops[1]))


def cut_at_the_bird(net: Any, train: Any, labels: Any, test: Any, test_labels: Any) -> Any:
    """One picture at a time, and a list for an answer."""
    crops = []
    for pictures in (train, test):
        boxes = [net.explain(one, classes=["bird"]).boxes()[0, 0] for one in pictures]
        crops.append(transfer.square_crops(pictures, boxes, 0.1, nb09.SIDE))
    known, asked = (transfer.pooled_features(net, one, progress=False) for one in crops)
    return transfer.fit_svm(known, labels, costs=[0.01]).predict(asked)


@pytest.mark.parametrize("answer", [cut_at_predictions, cut_at_the_bird])
@pytest.mark.filterwarnings("ignore:Picture .* no box")
def test_honest_pipelines_pass(answer: Answer) -> None:
    assert check.name_birds(answer).passed, check.name_birds(answer)


def test_the_leak_pays_on_the_hidden_birds() -> None:
    """Otherwise nobody would be tempted, and an honest answer would prove nothing."""
    case, blind = nb09._birds()
    right = [float((one == case[4]).mean()) for one in nb09._right()]
    assert float((nb09._leaky(*case) == case[4]).mean()) > max(right) + 0.1
    assert min(right) > 1.5 / nb09.SPECIES
    assert blind[4] is None
    assert all(a is b or np.array_equal(a, b) for a, b in zip(case[1:4], blind[1:4], strict=True))


@pytest.mark.parametrize("wrong", nb09.NAME_BIRDS.wrong, ids=lambda w: w.name)
def test_every_known_wrong_pipeline_gets_its_own_word(wrong: Any) -> None:
    verdict = check.name_birds(wrong.answer)
    assert verdict.kind == "wrong values", verdict
    assert verdict.advice == wrong.advice


def test_a_pipeline_that_only_counts_its_hits_needs_no_labels() -> None:
    def shares(net: Any, train: Any, labels: Any, test: Any, test_labels: Any) -> Any:
        return float((nb09._by_bird(net, train, labels, test, None) == test_labels).mean())

    verdict = check.name_birds(shares)
    assert verdict.kind == "wrong shape"
    assert "predict" in verdict.advice


def test_nothing_done_is_no_attempt() -> None:
    assert check.name_birds(lambda *given: ...).kind == "not attempted yet"


def test_a_network_must_come_back_as_it_was() -> None:
    def trains(net: Any, train: Any, labels: Any, test: Any, test_labels: Any) -> Any:
        net.head.weight.data += 1
        return nb09._by_bird(net, train, labels, test, None)

    assert check.name_birds(trains).kind == "input changed"
