"""The checks of lesson 10 take right answers however they are written, and name what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from camkit import check, discover
from camkit.check import nb10

Answer = Callable[..., Any]


# --- name_unit -----------------------------------------------------------------------------------


def by_sorting(activations: Any, masks: Any, names: Any, share: Any) -> Any:
    """Without a quantile: the most active cells of all pictures, counted off."""
    count = round(share * activations.size)
    level = np.sort(activations, axis=None)[-count]
    best = ("", -1.0)
    for j, name in enumerate(names):
        both = either = 0
        for i in range(len(activations)):
            fires, inside = activations[i] >= level, masks[i, j]
            both += np.sum(fires & inside)
            either += np.sum(fires | inside)
        best = max(best, (name, both / either), key=lambda pair: pair[1])
    return best


def by_torch(activations: Any, masks: Any, names: Any, share: Any) -> Any:
    cells, inside = torch.from_numpy(activations), torch.from_numpy(masks)
    fires = (cells > torch.quantile(cells.flatten(), 1 - share))[:, None]
    ious = (fires & inside).sum((0, 2, 3)) / (fires | inside).sum((0, 2, 3))
    return names[int(ious.argmax())], ious.max()


def by_the_package(activations: Any, masks: Any, names: Any, share: Any) -> Any:
    found = discover.name_unit(activations, masks, names, share)
    return [found.name, np.float64(found.iou)]


@pytest.mark.parametrize("answer", [by_sorting, by_torch, by_the_package])
def test_right_names_pass(answer: Answer) -> None:
    assert check.name_unit(answer).passed, check.name_unit(answer)


def test_the_hidden_units_are_those_the_lesson_promises() -> None:
    cases = nb10._name_cases()
    assert [by_the_package(*case)[0] for case in cases] == ["head", "background", "animal", "head"]
    assert by_the_package(*cases[2])[1] < 0.9  # it means two things
    assert (cases[2][1][:, 3]).any()
    assert any(a.min() < 0 for a, *_ in cases)
    assert all(masks.shape[2] != masks.shape[3] for _, masks, *_ in cases)
    assert {len(a) for a, *_ in cases} == {1, 40}
    assert {a.dtype for a, *_ in cases} == {np.dtype(np.float32), np.dtype(np.float64)}


@pytest.mark.parametrize("wrong", nb10.WRONG_NAMES, ids=lambda w: w.name)
def test_every_known_wrong_name_gets_its_own_word(wrong: Any) -> None:
    verdict = check.name_unit(wrong.answer)
    assert verdict.kind == "wrong values"
    assert verdict.advice == wrong.advice


@pytest.mark.parametrize(
    ("change", "kind", "word"),
    [
        (lambda name, iou: (name, 100 * iou), "wrong values", "not percent"),
        (lambda name, iou: name, "wrong type", "return two things"),
        (lambda name, iou: (nb10.NAMES.index(name), iou), "wrong type", "not k"),
        (lambda name, iou: (name, "large"), "wrong type", "the IoU"),
        (lambda name, iou: (name, np.full(5, iou)), "wrong shape", "one number"),
        (lambda name, iou: (name, 0.5 * iou), "wrong values", "The name is right"),
        (lambda name, iou: ("tail", iou), "wrong values", "largest IoU"),
        (lambda name, iou: ..., "not attempted yet", "dots"),
    ],
)
def test_other_wrong_names_do_not_pass(change: Answer, kind: str, word: str) -> None:
    verdict = check.name_unit(lambda *case: change(*by_the_package(*case)))
    assert verdict.kind == kind, verdict
    assert word in f"{verdict.message} {verdict.advice}"


# --- informative_objects -------------------------------------------------------------------------


def by_loops(maps: Any, masks: Any) -> Any:
    shares: list[float] = []
    for j in range(masks.shape[1]):
        seen = []
        for heat, mask in zip(maps, masks[:, j], strict=True):
            if mask.any():
                hot = heat > heat.max() / 2 if heat.max() > 0 else np.zeros_like(mask)
                seen.append(hot[mask].mean())
        shares.append(float(np.mean(seen)) if seen else float("nan"))
    return shares


@pytest.mark.parametrize(
    "answer",
    [
        lambda maps, masks: np.array(by_loops(maps, masks)),
        lambda maps, masks: torch.tensor(by_loops(maps, masks)),
        discover.informative_objects,
    ],
)
def test_right_shares_pass(answer: Answer) -> None:
    assert check.informative_objects(answer).passed, check.informative_objects(answer)


def test_the_first_hidden_rooms_are_worked_out_on_paper() -> None:
    """Lamp: all of it, then half; wall: 2 of 4 cells, then none twice."""
    maps, masks = nb10._on_paper()
    found = by_loops(maps, masks)
    assert found[:2] == pytest.approx([(2 / 4 + 0 + 0) / 3, (1 + 1 / 2) / 2])
    assert np.isnan(found[2])


def test_the_hidden_rooms_have_a_wall_everywhere_and_a_rare_lamp() -> None:
    for maps, masks in nb10.INFORMATIVE_OBJECTS.cases()[1:]:
        often = discover.frequent_objects(masks)
        tells = discover.informative_objects(maps, masks)
        assert often[0] == 1 > often[2] > 0
        assert tells[2] > 2 * tells[0]
        assert (maps.max(axis=(1, 2)) <= 0).any()


@pytest.mark.parametrize("wrong", nb10.INFORMATIVE_OBJECTS.wrong, ids=lambda w: w.name)
def test_every_known_wrong_share_gets_its_own_word(wrong: Any) -> None:
    verdict = check.informative_objects(wrong.answer)
    assert verdict.kind == "wrong values"
    assert verdict.advice == wrong.advice


@pytest.mark.parametrize(
    ("change", "kind", "word"),
    [
        (lambda v: v[:1], "wrong shape", "each of 3 objects"),
        (np.nan_to_num, "wrong values", "NaN"),
        (lambda v: np.full_like(v, np.nan), "wrong values", "got nan"),
        (lambda v: 1 - v, "wrong values", "is hot on average"),
        (lambda v: "all", "wrong type", "tensor"),
        (lambda v: ..., "not attempted yet", "dots"),
    ],
)
def test_other_wrong_shares_do_not_pass(change: Answer, kind: str, word: str) -> None:
    verdict = check.informative_objects(lambda *case: change(np.array(by_loops(*case))))
    assert verdict.kind == kind, verdict
    assert word in verdict.message
