"""The checks of lesson 03: layers written in many ways pass, and no bug of the hunt does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from camkit import check, heads
from camkit.check import nb03

Answer = Callable[..., Any]


def copied(linear: nn.Linear) -> nn.Conv2d:
    conv = nn.Conv2d(linear.in_features, linear.out_features, 1)
    with torch.no_grad():
        conv.weight.copy_(linear.weight[:, :, None, None])
        conv.bias.copy_(linear.bias)  # type: ignore[union-attr]
    return conv


def by_state(linear: nn.Linear) -> nn.Conv2d:
    conv = nn.Conv2d(linear.in_features, linear.out_features, (1, 1), stride=1, padding=0)
    state = linear.state_dict()
    conv.load_state_dict({"weight": state["weight"][:, :, None, None], "bias": state["bias"]})
    return conv


def shared(linear: nn.Linear) -> nn.Conv2d:
    conv = nn.Conv2d(linear.in_features, linear.out_features, 1)
    conv.weight.data = linear.weight.data.view(*linear.weight.shape, 1, 1)
    conv.bias = linear.bias
    return conv


def by_loop(linear: nn.Linear) -> nn.Conv2d:
    conv = nn.Conv2d(linear.in_features, linear.out_features, 1).to(linear.weight.dtype)
    for c in range(linear.out_features):
        for k in range(linear.in_features):
            conv.weight.data[c, k, 0, 0] = linear.weight.data[c, k]
        conv.bias.data[c] = linear.bias.data[c]  # type: ignore[union-attr]
    return conv


@pytest.mark.parametrize("answer", [heads.as_convolution, copied, by_state, shared, by_loop])
def test_a_right_convolution_passes(answer: Answer) -> None:
    assert check.as_convolution(answer).passed


def look(features: Tensor, linear: nn.Linear) -> Any:
    maps = torch.einsum("ck,khw->chw", linear.weight, features)
    c = int((maps.mean(dim=(1, 2)) + linear.bias).argmax())
    return c, maps[c]


def look_pooled_first(features: Tensor, linear: nn.Linear) -> Any:
    c = linear(features.mean(dim=(1, 2))).argmax()
    return [c, (linear.weight[c] @ features.flatten(1)).view(features.shape[1:])]


def look_by_convolution(features: Tensor, linear: nn.Linear) -> Any:
    maps = heads.as_convolution(linear)(features[None])[0]
    c = maps.mean(dim=(1, 2)).argmax().item()
    return c, maps[c] - linear.bias[c]


def look_numpy(features: Tensor, linear: nn.Linear) -> Any:
    w, b, f = (x.detach().double().numpy() for x in (linear.weight, linear.bias, features))
    maps = np.tensordot(w, f, 1)
    c = np.argmax(maps.mean(axis=(1, 2)) + b)
    return c, maps[c]


RIGHT = [look, look_pooled_first, look_by_convolution, look_numpy]


@pytest.mark.parametrize("answer", RIGHT)
def test_a_right_look_passes(answer: Answer) -> None:
    verdict = check.answer_and_map(answer)
    assert verdict.passed, verdict


def no_bias_layer(linear: nn.Linear) -> nn.Conv2d:
    conv = nn.Conv2d(linear.in_features, linear.out_features, 1, bias=False)
    conv.weight.data = linear.weight.data[:, :, None, None].clone()
    return conv


def turned(linear: nn.Linear) -> nn.Conv2d:
    conv = copied(linear)
    conv.weight.data = linear.weight.data.T[:, :, None, None].clone()
    return conv


def as_many_as_units(linear: nn.Linear) -> nn.Conv2d:
    return nn.Conv2d(linear.in_features, linear.in_features, 1)


def three_by_three(linear: nn.Linear) -> nn.Conv2d:
    return nn.Conv2d(linear.in_features, linear.out_features, 3)


def moved(linear: nn.Linear) -> nn.Conv2d:
    conv = copied(linear)
    linear.bias.data.zero_()
    return conv


CONVOLUTIONS = [
    (no_bias_layer, "wrong values", "the bias is lost"),
    (turned, "error", "The matrix is turned"),
    (lambda linear: nn.Conv2d(linear.in_features, linear.out_features, 1), "wrong values", "new"),
    (as_many_as_units, "wrong values", "random weights"),
    (three_by_three, "wrong values", "random weights"),
    (lambda linear: linear, "wrong type", ""),
    (lambda linear: linear.weight[:, :, None, None], "wrong type", ""),
    (moved, "input changed", ""),
]


@pytest.mark.parametrize(("answer", "kind", "advice"), CONVOLUTIONS)
def test_a_wrong_convolution_does_not_pass(answer: Answer, kind: str, advice: str) -> None:
    verdict = check.as_convolution(answer)
    assert verdict.kind == kind, verdict
    assert advice in verdict.advice


def hottest_unit(features: Tensor, linear: nn.Linear) -> Any:
    return int(features.mean(dim=(1, 2)).argmax()), look(features, linear)[1]


def all_maps(features: Tensor, linear: nn.Linear) -> Any:
    return look(features, linear)[0], torch.einsum("ck,khw->chw", linear.weight, features)


def flat_argmax(features: Tensor, linear: nn.Linear) -> Any:
    maps = torch.einsum("ck,khw->chw", linear.weight, features)
    return maps.argmax(), maps[maps.argmax() % len(maps)]


def with_bias(features: Tensor, linear: nn.Linear) -> Any:
    c, one = look(features, linear)
    return c, one + linear.bias[c]


def random_layer(features: Tensor, linear: nn.Linear) -> Any:
    maps = nn.Conv2d(len(features), linear.out_features, 1)(features.float())
    c = int(maps.mean(dim=(1, 2)).argmax())
    return c, maps[c]


LOOKS = [
    (hottest_unit, "wrong values", ""),
    (all_maps, "wrong shape", ""),
    (flat_argmax, "wrong values", "not pooled"),
    (with_bias, "wrong values", "take b_c off"),
    (random_layer, "wrong values", "random weights"),
    (lambda f, linear: (look(f, linear)[0], f[look(f, linear)[0]]), "wrong values", ""),
    (lambda f, linear: look(f, linear)[0], "wrong type", ""),
    (lambda f, linear: (linear(f.mean(dim=(1, 2))), f[0]), "wrong shape", ""),
    (lambda f, linear: ("cat", f[0]), "wrong type", ""),
    (lambda f, linear: f.no_such_thing, "error", ""),
]


@pytest.mark.parametrize(("answer", "kind", "advice"), LOOKS)
def test_a_wrong_look_does_not_pass(answer: Answer, kind: str, advice: str) -> None:
    verdict = check.answer_and_map(answer)
    assert verdict.kind == kind, verdict
    assert advice in verdict.advice


def test_the_class_is_counted_on_paper() -> None:
    """One unit on two cells, two classes: S = (mean 2, mean -2 + 5), so the bias decides."""
    features, weights = torch.tensor([[[1.0, 3.0]]]), torch.tensor([[1.0], [-1.0]])
    bias = torch.tensor([0.0, 5.0])
    judge = nb03.ANSWER_AND_MAP.judge
    assert judge((1, torch.tensor([[-1.0, -3.0]])), weights, bias, features) is None
    wrong = judge((0, torch.tensor([[1.0, 3.0]])), weights, bias, features)
    assert wrong is not None
    assert wrong.message == "the untouched network answers class 1, you answered 0."
    counted = judge((3, torch.tensor([[1.0, 3.0]])), weights, bias, features)
    assert counted is not None
    assert counted.message == "there are classes 0 to 1, you answered 3."


@pytest.mark.parametrize("name", ["as_convolution", "answer_and_map"])
def test_a_result_instead_of_the_function_is_told(name: str) -> None:
    assert getattr(check, name)(torch.zeros(2)).kind == "wrong type"


def test_a_mistake_is_told_with_the_learners_line() -> None:
    def answer(linear: nn.Linear) -> nn.Conv2d:
        return nn.Conv2d(linear.in_features, linear.out_featurs, 1)  # type: ignore[arg-type]

    verdict = check.as_convolution(answer)
    assert verdict.kind == "error"
    assert "in line 2, `return nn.Conv2d(linear.in_features, linear.out_featurs, 1)" in str(verdict)


def test_the_bias_is_large_and_square_matrices_are_among_the_layers() -> None:
    cases = nb03.AS_CONVOLUTION.cases()
    assert all(float(bias.abs().max()) > 5 for _, bias, _ in cases)
    assert {w.shape[0] == w.shape[1] for w, _, _ in cases} == {True, False}
    assert any(f.shape[2] != f.shape[3] for _, _, f in cases)
