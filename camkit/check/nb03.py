"""The checks of notebook 03, the head."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from camkit.check.core import Check, Problem, Verdict, Wrong, hidden_cases, tensor, values

_RANDOM = (
    "A new layer has random weights: the trained classifier is lost. Take its weights and its "
    "bias from the layer you were given."
)


def _layer(weights: Tensor, bias: Tensor) -> nn.Linear:
    """A linear layer with these weights ``(C, K)`` and this bias ``(C,)``."""
    linear = nn.Linear(weights.shape[1], weights.shape[0]).to(weights)
    with torch.no_grad():
        linear.weight.copy_(weights)
        linear.bias.copy_(bias)
    return linear


class _OfLayer:
    """An attempt that takes a layer, seen as a function of tensors, so that answers compare.

    Args:
        attempt: the learner's function.
        use: ``use(attempt, linear, features)`` calls it and returns what is judged.
    """

    def __init__(
        self, attempt: Callable[..., Any], use: Callable[[Any, nn.Linear, Tensor], Any]
    ) -> None:
        self.attempt, self.use = attempt, use
        self.__code__ = getattr(attempt, "__code__", None)  # where an error is looked for

    def __call__(self, weights: Tensor, bias: Tensor, features: Tensor) -> Any:
        linear = _layer(weights, bias)
        with torch.no_grad():
            answer = self.use(self.attempt, linear, features)
            parts = answer if isinstance(answer, tuple) and answer else (answer,)
            if isinstance(answer, Problem) or all(p is None or p is Ellipsis for p in parts):
                return answer
            if not torch.equal(linear.weight, weights) or not torch.equal(linear.bias, bias):
                return Problem(
                    "input changed", "the layer you were given must stay as it was: copy from it."
                )
            again = self.use(self.attempt, _layer(weights, bias), features)
        if not _equal(answer, again):
            return Problem(
                "wrong values", "two calls with the same layer gave two different answers.", _RANDOM
            )
        return answer


def _equal(a: Any, b: Any) -> bool:
    """Whether two answers hold the same numbers; what holds none is not judged here."""
    for one, other in zip(_parts(a), _parts(b), strict=False):
        x, y = tensor(one), tensor(other)
        if isinstance(x, Problem) or isinstance(y, Problem):
            return True
        if x.shape != y.shape or not torch.allclose(x, y, equal_nan=True):
            return False
    return True


def _parts(answer: Any) -> tuple[Any, ...]:
    return tuple(answer) if isinstance(answer, (tuple, list)) else (answer,)


# --- a linear layer as a convolution ------------------------------------------------------------


def _convolved(attempt: Callable[..., Any], linear: nn.Linear, features: Tensor) -> Any:
    """What the learner's convolution makes of the features ``(B, K, h, w)``."""
    conv = attempt(linear)
    if conv is None or conv is Ellipsis:
        return conv
    if not isinstance(conv, nn.Conv2d):
        kind = f"a {type(conv).__name__}"
        return Problem("wrong type", f"return an nn.Conv2d with a kernel of 1 × 1, not {kind}.")
    # A new layer is float32 whatever it was copied from; that is no mistake here.
    return copy.deepcopy(conv).double()(features.double())


def _judge_convolution(
    answer: Any, weights: Tensor, bias: Tensor, features: Tensor
) -> Problem | None:
    if isinstance(answer, Problem):
        return answer
    maps = torch.einsum("ck,bkhw->bchw", weights.double(), features.double())
    expected = maps + bias.double()[:, None, None]
    axes = ("picture", "class", "row", "column")
    return values(answer, expected, axes, of="what your convolution makes of the features")


def _filled(weight: Tensor, bias: Tensor | None) -> nn.Conv2d:
    """A 1x1 convolution with these weights ``(out, in)``."""
    conv = nn.Conv2d(weight.shape[1], weight.shape[0], 1, bias=bias is not None)
    conv.weight = nn.Parameter(weight[:, :, None, None])
    if bias is not None:
        conv.bias = nn.Parameter(bias)
    return conv


def _wrong_convolution(name: str, attempt: Callable[[nn.Linear], Any], advice: str) -> Wrong:
    return Wrong(name, _OfLayer(attempt, _convolved), advice)


AS_CONVOLUTION = Check(
    "as_convolution",
    lambda: [(w, 20 * bias, f) for f, w, bias in hidden_cases(seed=301)],
    _judge_convolution,
    (
        _wrong_convolution(
            "bias lost",
            lambda linear: _filled(linear.weight.detach(), None),
            "The weights are right, the bias is lost: every map is off by b_c, and so is its mean.",
        ),
        _wrong_convolution(
            "weights transposed",
            lambda linear: _filled(linear.weight.detach().T, linear.bias.detach()),
            "The matrix is turned: the weights of a convolution are (out, in, 1, 1), classes "
            "first, as in the linear layer.",
        ),
        _wrong_convolution(
            "a new layer",
            lambda linear: nn.Conv2d(linear.in_features, linear.out_features, 1),
            _RANDOM,
        ),
        _wrong_convolution(
            "a new layer with the right bias",
            lambda linear: _filled(
                torch.rand(linear.out_features, linear.in_features), linear.bias.detach()
            ),
            _RANDOM,
        ),
        _wrong_convolution(
            "bias twice",
            lambda linear: _filled(linear.weight.detach(), 2 * linear.bias.detach()),
            "The bias is in there twice: a constant stays itself under the mean, so it is copied "
            "as it is.",
        ),
        _wrong_convolution(
            "weights of zero",
            lambda linear: _filled(torch.zeros_like(linear.weight), linear.bias.detach()),
            "Your convolution answers the same whatever it sees: copy the weights too.",
        ),
    ),
)


def as_convolution(attempt: Callable[..., Any]) -> Verdict:
    """Check ``as_convolution(linear)``: the 1x1 convolution that does the same in every cell.

    >>> def answer(linear):
    ...     conv = nn.Conv2d(linear.in_features, linear.out_features, 1)
    ...     conv.weight.data = linear.weight.data[:, :, None, None].clone()
    ...     conv.bias.data = linear.bias.data.clone()
    ...     return conv
    >>> as_convolution(answer)
    passed on 5 hidden inputs.
    """
    return AS_CONVOLUTION(_OfLayer(attempt, _convolved) if callable(attempt) else attempt)


# --- the answer of the untouched network, and its map -------------------------------------------


def _looked(attempt: Callable[..., Any], linear: nn.Linear, features: Tensor) -> Any:
    return attempt(features, linear)


def _judge_look(answer: Any, weights: Tensor, bias: Tensor, features: Tensor) -> Problem | None:
    """The class of the untouched network first, then its map, ``(h, w)``."""
    if isinstance(answer, Problem):
        return answer
    if not isinstance(answer, (tuple, list)) or len(answer) != 2:
        return Problem("wrong type", "return two things: the number of the class, and its map.")
    told = tensor(answer[0], "the class")
    if isinstance(told, Problem):
        return told
    if told.numel() != 1:
        return Problem(
            "wrong shape", f"the class should be one number, got shape {tuple(told.shape)}."
        )
    maps = torch.einsum("ck,khw->chw", weights.double(), features.double())
    scores = maps.mean((1, 2)) + bias.double()
    wanted = int(scores.argmax())
    if told.item() != wanted:
        given = told.item()
        if given != int(given) or not 0 <= given < len(scores):
            here = f"there are classes 0 to {len(scores) - 1}, you answered {given:g}."
        else:
            here = f"the untouched network answers class {wanted}, you answered {given:g}."
        return Problem("wrong values", here)
    return values(answer[1], maps[wanted], ("row", "column"), of="the map")


def _winner(features: Tensor, linear: nn.Linear) -> tuple[int, Tensor]:
    """The right class and all maps M_c, ``(C, h, w)``."""
    maps = torch.einsum("ck,khw->chw", linear.weight, features)
    return int((maps.mean((1, 2)) + linear.bias).argmax()), maps


def _no_bias(f: Tensor, linear: nn.Linear) -> tuple[int, Tensor]:
    _, maps = _winner(f, linear)
    c = int(maps.mean((1, 2)).argmax())
    return c, maps[c]


def _bias_in_map(f: Tensor, linear: nn.Linear) -> tuple[int, Tensor]:
    c, maps = _winner(f, linear)
    return c, maps[c] + linear.bias[c]


def _unpooled(f: Tensor, linear: nn.Linear) -> tuple[int, Tensor]:
    _, maps = _winner(f, linear)
    c = int((maps + linear.bias[:, None, None]).argmax())
    return c, maps[c % len(maps)]


def _unpooled_no_bias(f: Tensor, linear: nn.Linear) -> tuple[int, Tensor]:
    _, maps = _winner(f, linear)
    return int(maps.argmax()), maps[int(maps.argmax()) % len(maps)]


def _hottest(f: Tensor, linear: nn.Linear) -> tuple[int, Tensor]:
    _, maps = _winner(f, linear)
    c = int((maps.amax((1, 2)) + linear.bias).argmax())
    return c, maps[c]


def _unit_c(f: Tensor, linear: nn.Linear) -> tuple[int, Tensor]:
    c, _ = _winner(f, linear)
    return c, f[c]


def _first_class(f: Tensor, linear: nn.Linear) -> tuple[int, Tensor]:
    c, maps = _winner(f, linear)
    return c, maps[0]


def _new_layer(f: Tensor, linear: nn.Linear) -> tuple[int, Tensor]:
    maps = nn.Conv2d(len(f), linear.out_features, 1)(f.float())
    c = int(maps.mean((1, 2)).argmax())
    return c, maps[c]


def _wrong_look(name: str, attempt: Callable[..., Any], advice: str) -> Wrong:
    return Wrong(name, _OfLayer(attempt, _looked), advice)


ANSWER_AND_MAP = Check(
    "answer_and_map",
    lambda: [(w, bias, f[i]) for f, w, bias in hidden_cases(seed=311) for i in range(len(f))],
    _judge_look,
    (
        _wrong_look(
            "bias forgotten",
            _no_bias,
            "The weights are right, the bias is forgotten: a class can win by its bias.",
        ),
        _wrong_look(
            "bias in the map",
            _bias_in_map,
            "Class and shape are right. Your map holds the bias: take b_c off, so that its mean "
            "plus the bias is the score.",
        ),
        _wrong_look(
            "argmax before pooling",
            _unpooled,
            "You took the argmax of a tensor that was not pooled, so it counts cells too: take "
            "the mean over the cells first.",
        ),
        _wrong_look(
            "argmax before pooling, without bias",
            _unpooled_no_bias,
            "You took the argmax of a tensor that was not pooled, so it counts cells too: take "
            "the mean over the cells first.",
        ),
        _wrong_look(
            "the hottest cell decides",
            _hottest,
            "You let the hottest cell decide. This network pools by average: take the mean over "
            "the cells.",
        ),
        _wrong_look(
            "channel c",
            _unit_c,
            "The class is right. Channel c of the features is unit c, not class c: a class is a "
            "weighted sum of all units.",
        ),
        _wrong_look(
            "always class 0",
            _first_class,
            "The class is right, the map is always that of class 0: take the map of the class you "
            "found.",
        ),
        _wrong_look("a new layer", _new_layer, _RANDOM),
    ),
)


def answer_and_map(attempt: Callable[..., Any]) -> Verdict:
    """Check ``answer_and_map(features, linear)``: the network's class, and its map ``(h, w)``.

    >>> def answer(features, linear):
    ...     maps = torch.einsum("ck,khw->chw", linear.weight, features)
    ...     c = int((maps.mean(dim=(1, 2)) + linear.bias).argmax())
    ...     return c, maps[c]
    >>> answer_and_map(answer)
    passed on 11 hidden inputs.
    """
    return ANSWER_AND_MAP(_OfLayer(attempt, _looked) if callable(attempt) else attempt)
