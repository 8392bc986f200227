"""Each exercise check accepts right answers however they are written, and no wrong one."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from camkit import check
from camkit.cam import class_activation_maps
from camkit.check import nb01, nb02
from camkit.check.core import Check

# Every check of every lesson, so that none is forgotten here. Labs have their own tests.
CHECKS: list[Check] = [
    one
    for home in pkgutil.iter_modules(check.__path__)
    if home.name.startswith("nb")
    for one in vars(importlib.import_module(f"camkit.check.{home.name}")).values()
    if isinstance(one, Check)
]
# Checks that draw photographs and write files when they are called; test_nb12.py tests them alike.
WITH_FILES = {"explain_photo", "worst_square"}
Answer = Callable[..., Any]


# --- right answers, written in different ways ----------------------------------------------------


def hottest_loop(heat: Tensor) -> tuple[int, int]:
    best = (0, 0)
    for row in range(heat.shape[0]):
        for column in range(heat.shape[1]):
            if heat[row, column] > heat[best]:
                best = (row, column)
    return best


RIGHT_CELLS = [
    hottest_loop,
    lambda heat: (int(heat.argmax()) // heat.shape[1], int(heat.argmax()) % heat.shape[1]),
    lambda heat: np.unravel_index(int(heat.argmax()), heat.shape),
    lambda heat: torch.unravel_index(heat.argmax(), heat.shape),
    lambda heat: (heat == heat.max()).nonzero()[0],
    lambda heat: list(divmod(int(heat.argmax()), heat.shape[1])),
]


def map_loop(features: Tensor, weights: Tensor) -> Tensor:
    B, K, h, w = features.shape
    maps = torch.zeros(B, len(weights), h, w)
    for b in range(B):
        for c in range(len(weights)):
            for k in range(K):
                maps[b, c] += weights[c, k] * features[b, k]
    return maps


def map_numpy(features: Tensor, weights: Tensor) -> Any:
    return np.einsum("ck,bkhw->bchw", weights.numpy(), features.numpy())


def map_convolution(features: Tensor, weights: Tensor) -> Tensor:
    return torch.nn.functional.conv2d(features, weights[:, :, None, None])


def map_float64(features: Tensor, weights: Tensor) -> Tensor:
    return torch.tensordot(features.double(), weights.double().T, ([1], [0])).permute(0, 3, 1, 2)


RIGHT_MAPS = [
    map_loop,
    map_numpy,
    map_convolution,
    map_float64,
    class_activation_maps,
    lambda f, w: torch.einsum("ck,bkhw->bchw", w, f),
    lambda f, w: (w @ f.flatten(2)).reshape(len(f), len(w), *f.shape[2:]),
    lambda f, w: torch.nn.Parameter(w)[None, :, :, None, None].mul(f[:, None]).sum(2),
]


def shuffle_within_units(f: Tensor) -> Tensor:
    g = f.flatten(2)
    return g[:, :, torch.randperm(g.shape[2], generator=torch.Generator().manual_seed(0))].reshape(
        f.shape
    )


def add_pattern_without_mean(f: Tensor) -> Tensor:
    pattern = torch.arange(f[0, 0].numel(), dtype=f.dtype).reshape(f.shape[2:])
    return f + pattern - pattern.mean()


RIGHT_OTHERS = [
    shuffle_within_units,
    add_pattern_without_mean,
    lambda f: f.flip(2, 3),
    lambda f: f.roll(1, dims=3),
    lambda f: f.mean((2, 3), keepdim=True).expand(f.shape),
    lambda f: np.roll(f.numpy(), 1, axis=2),
    lambda f: f.double().roll((1, 1), (2, 3)),
]


def difference_einsum(f: Tensor, w: Tensor, bias: Tensor, a: int, b: int) -> Any:
    d = torch.einsum("k,bkhw->bhw", w[a] - w[b], f)
    return d, d.mean((1, 2)) + bias[a] - bias[b]


def difference_of_maps(f: Tensor, w: Tensor, bias: Tensor, a: int, b: int) -> Any:
    maps = (w @ f.flatten(2)).unflatten(2, f.shape[2:])
    d = maps[:, a] - maps[:, b]
    return [d, d.flatten(1).mean(1) + (bias[a] - bias[b])]


def difference_log_odds(f: Tensor, w: Tensor, bias: Tensor, a: int, b: int) -> Any:
    p = (f.double().mean((2, 3)) @ w.double().T + bias.double()).softmax(1)
    return difference_einsum(f, w, bias, a, b)[0], (p[:, a] / p[:, b]).log()


def difference_numpy(f: Tensor, w: Tensor, bias: Tensor, a: int, b: int) -> Any:
    d = np.tensordot(f.numpy(), (w[a] - w[b]).numpy(), ([1], [0]))
    return d, d.mean((1, 2)) + float(bias[a] - bias[b])


def fair_numpy(maps: Tensor) -> Any:
    stack = maps.numpy()
    return stack / stack.max() if stack.max() > 0 else stack.copy()


def fair_loop(maps: Tensor) -> Tensor:
    top = max(m.max().item() for m in maps)
    return torch.stack([m / top for m in maps]) if top > 0 else maps.clone()


RIGHT = [
    *((check.hottest_cell, f) for f in RIGHT_CELLS),
    *((check.class_map, f) for f in RIGHT_MAPS),
    *((check.same_scores_other_map, f) for f in RIGHT_OTHERS),
    *((check.difference_map, f) for f in (difference_einsum, difference_of_maps)),
    *((check.difference_map, f) for f in (difference_log_odds, difference_numpy)),
    *((check.fair_colours, f) for f in (fair_numpy, fair_loop)),
    (check.fair_colours, lambda m: m / m.max() if m.max() > 0 else m),
    (check.fair_colours, lambda m: m / m.max().clamp(min=1e-12)),
    (check.fair_colours, lambda m: m.double() / (m.max() if m.max() > 0 else m.abs().max() + 1)),
]


@pytest.mark.parametrize(("checked", "answer"), RIGHT)
def test_right_answers_pass(checked: Answer, answer: Answer) -> None:
    verdict = checked(answer)
    assert verdict.passed, verdict


# --- stubs and wrong answers ---------------------------------------------------------------------


def test_every_check_of_the_face_is_tested_here() -> None:
    here = {c.name for c in CHECKS}
    assert {name for name in check.__all__ if name.islower()} == here | WITH_FILES


@pytest.mark.parametrize("checked", [c.name for c in CHECKS])
def test_stubs_are_not_attempted_yet(checked: str) -> None:
    assert getattr(check, checked)(lambda *_: ...).kind == "not attempted yet"


KNOWN = [(c, w) for c in CHECKS for w in c.wrong]


@pytest.mark.parametrize(("checked", "wrong"), KNOWN, ids=[f"{c.name}-{w.name}" for c, w in KNOWN])
def test_known_wrong_answers_get_their_own_advice(checked: Check, wrong: Any) -> None:
    verdict = checked(wrong.answer)
    assert not verdict.passed
    assert verdict.advice == wrong.advice


# As a learner would write them: the check's own wrong answers are not the only ones it knows.
def transposed(f: Tensor, w: Tensor) -> Tensor:
    maps = []
    for c in range(len(w)):
        maps.append(sum(w[:, c][k] * f[:, k] for k in range(f.shape[1])))
    return torch.stack(maps, 1)


def swapped(f: Tensor, w: Tensor) -> Tensor:
    return torch.einsum("ck,bkxy->bcyx", w, f)


def pooled(f: Tensor, w: Tensor) -> Tensor:
    scores = f.mean((2, 3)) @ w.T
    return scores[:, :, None, None].expand(-1, -1, *f.shape[2:])


def first_picture_only(f: Tensor, w: Tensor) -> Tensor:
    return torch.einsum("ck,khw->chw", w, f[0])[None].expand(len(f), -1, -1, -1)


def one_class(f: Tensor, w: Tensor) -> Tensor:
    return torch.einsum("k,bkhw->bhw", w[0], f)


def batch_maximum(m: Tensor) -> Tensor:
    return m / m.flatten(1).max(1).values[:, None, None]


WRONG = [
    (check.hottest_cell, lambda heat: heat.max(), "wrong shape", ""),
    (check.hottest_cell, lambda heat: "here", "wrong type", ""),
    (check.hottest_cell, lambda heat: [], "wrong type", ""),
    (check.hottest_cell, lambda heat: hottest_loop(heat)[::-1], "wrong values", "Row before"),
    (
        check.hottest_cell,
        lambda heat: divmod(int(heat.argmax()), len(heat)),
        "wrong values",
        "columns",
    ),
    (check.hottest_cell, lambda heat: hottest_loop(heat.relu()), "wrong values", ""),
    (check.class_map, transposed, "error", "weights[c, k]"),
    (check.class_map, swapped, "wrong shape", "Height comes before width"),
    (check.class_map, pooled, "wrong values", "before pooling"),
    (check.class_map, lambda f, w: map_loop(f, w).relu(), "wrong values", "negative"),
    (check.class_map, first_picture_only, "wrong values", ""),
    (check.class_map, one_class, "wrong shape", ""),
    (check.class_map, lambda f, w: map_loop(f, w).argmax(1), "wrong shape", ""),
    (check.same_scores_other_map, lambda f: f[:, [*range(1, f.shape[1]), 0]], "wrong values", ""),
    (check.same_scores_other_map, lambda f: f * 3, "wrong values", "own mean"),
    (check.same_scores_other_map, lambda f: f.mean((2, 3), keepdim=True), "wrong shape", ""),
    (check.same_scores_other_map, lambda f: f + 1e-5 * torch.randn_like(f), "wrong values", ""),
    (
        check.same_scores_other_map,
        lambda f: f.flatten()[torch.randperm(f.numel())].reshape(f.shape),
        "wrong values",
        "own mean",
    ),
    (check.difference_map, lambda f, w, bias, a, b: map_loop(f, w)[:, a], "wrong type", ""),
    (
        check.difference_map,
        lambda f, w, bias, a, b: (difference_einsum(f, w, bias, a, b)[0], 0.0),
        "wrong shape",
        "",
    ),
    (
        check.difference_map,
        lambda f, w, bias, a, b: difference_einsum(f, w.softmax(0), bias, a, b),
        "wrong values",
        "",
    ),
    (check.fair_colours, batch_maximum, "wrong values", "own scale"),
    (check.fair_colours, lambda m: m.softmax(0), "wrong values", "divide, do not shift"),
    (check.fair_colours, lambda m: torch.zeros_like(m), "wrong values", "one factor"),
    (check.fair_colours, lambda m: m.clamp(max=1), "wrong values", "one factor"),
    (check.fair_colours, lambda m: m.sign() * m.abs().sqrt(), "wrong values", ""),
]


@pytest.mark.parametrize(("checked", "answer", "kind", "advice"), WRONG)
def test_wrong_answers_do_not_pass(checked: Answer, answer: Answer, kind: str, advice: str) -> None:
    verdict = checked(answer)
    assert verdict.kind == kind, verdict
    assert advice in verdict.advice


def test_a_transposed_matrix_is_caught_where_the_shapes_match() -> None:
    """With K == C a transposed weight matrix has the right shape; only values tell."""
    f, w = torch.ones(1, 2, 1, 1), torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    problem = nb01.CLASS_MAP.judge(transposed(f, w), f, w)
    assert problem is not None
    assert problem.message == (
        "largest difference 1 at picture 0, class 0, row 0, column 0: expected 3, got 4."
    )


def test_equal_cells_exchanged_leave_the_map_where_features_are_zero() -> None:
    verdict = check.same_scores_other_map(nb01._exchange_two)
    assert "the scores agree" in verdict.message


def test_adding_a_vector_to_every_class_and_turning_the_pair_are_among_the_cases() -> None:
    cases = nb02.DIFFERENCE_MAP.cases()
    (f, w, bias, a, b), (_, shifted, *_rest) = cases[:2]
    assert not torch.equal(w, shifted)
    for x, y in zip(
        difference_einsum(f, w, bias, a, b), difference_einsum(f, shifted, bias, a, b), strict=True
    ):
        assert torch.allclose(x, y, atol=1e-5)
    assert any(a > b for *_, a, b in cases)
    assert any(a < b for *_, a, b in cases)


def test_checks_are_quick() -> None:
    """A learner presses the button often: no more than 60 calls of their function."""
    for c in CHECKS:
        assert len(c.cases()) * 3 <= 60
