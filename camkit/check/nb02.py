"""The checks of notebook 02, class activation maps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from camkit.check.core import Check, Problem, Verdict, Wrong, hidden_cases, place, tensor, values

_Pair = tuple[Tensor, Tensor]


def _difference(f: Tensor, weights: Tensor, bias: Tensor, a: int, b: int) -> _Pair:
    """M_a - M_b (B, h, w) and log(P_a / P_b) (B,)."""
    f, weights, bias = f.double(), weights.double(), bias.double()
    scores = f.mean((2, 3)) @ weights.T + bias
    logs = scores.log_softmax(1)
    maps = torch.einsum("k,bkhw->bhw", weights[a] - weights[b], f)
    return maps, logs[:, a] - logs[:, b]


def _maps(f: Tensor, weights: Tensor) -> Tensor:
    return torch.einsum("ck,bkhw->bchw", weights.double(), f.double())


def _normalised(f: Tensor, weights: Tensor, bias: Tensor, a: int, b: int) -> _Pair:
    maps = _maps(f, weights)
    maps = maps / maps.amax((2, 3), keepdim=True)
    d = maps[:, a] - maps[:, b]
    return d, d.mean((1, 2)) + (bias[a] - bias[b]).double()


def _min_max(f: Tensor, weights: Tensor, bias: Tensor, a: int, b: int) -> _Pair:
    maps = _maps(f, weights)
    low, high = maps.amin((2, 3), keepdim=True), maps.amax((2, 3), keepdim=True)
    d = ((maps - low) / (high - low))[:, [a, b]]
    d = d[:, 0] - d[:, 1]
    return d, d.mean((1, 2)) + (bias[a] - bias[b]).double()


def _no_bias(f: Tensor, weights: Tensor, bias: Tensor, a: int, b: int) -> _Pair:
    d, _ = _difference(f, weights, bias, a, b)
    return d, d.mean((1, 2))


def _absolute(f: Tensor, weights: Tensor, bias: Tensor, a: int, b: int) -> _Pair:
    d, odds = _difference(f, weights, bias, a, b)
    return d.abs(), odds


def _all_absolute(f: Tensor, weights: Tensor, bias: Tensor, a: int, b: int) -> _Pair:
    d = _difference(f, weights, bias, a, b)[0].abs()
    return d, d.mean((1, 2)) + (bias[a] - bias[b]).double()


def _probabilities(f: Tensor, weights: Tensor, bias: Tensor, a: int, b: int) -> _Pair:
    d, _ = _difference(f, weights, bias, a, b)
    p = (f.mean((2, 3)).double() @ weights.double().T + bias.double()).softmax(1)
    return d, p[:, a] - p[:, b]


def _turned(f: Tensor, weights: Tensor, bias: Tensor, a: int, b: int) -> _Pair:
    return _difference(f, weights, bias, b, a)


def _summed(f: Tensor, weights: Tensor, bias: Tensor, a: int, b: int) -> _Pair:
    d, _ = _difference(f, weights, bias, a, b)
    return d, d.sum((1, 2)) + (bias[a] - bias[b]).double()


def _judge_difference(
    answer: Any, f: Tensor, weights: Tensor, bias: Tensor, a: int, b: int
) -> Problem | None:
    """Type and shape of the pair first, then the map, then the number against log(P_a / P_b)."""
    if not isinstance(answer, (tuple, list)) or len(answer) != 2:
        return Problem(
            "wrong type", "return two things: the map and the number mean(map) + b_a - b_b."
        )
    maps, odds = _difference(f, weights, bias, a, b)
    wrong_map = values(answer[0], maps, ("picture", "row", "column"), of="the map")
    if wrong_map is not None:
        return wrong_map
    return values(answer[1], odds, ("picture",), of="the number, one for each picture,")


DIFFERENCE_MAP = Check(
    "difference_map",
    lambda: [
        (f, w + shift, bias, a, b)
        for f, w, bias in hidden_cases(seed=201)
        for a, b in ((0, 1), (w.shape[0] - 1, 0))
        # One vector added to every class's weights must change nothing.
        for shift in (0.0, torch.linspace(-1, 1, w.shape[1], dtype=w.dtype))
    ],
    _judge_difference,
    (
        Wrong(
            "maps normalised first",
            _normalised,
            "Subtract the raw maps: once each is divided by its own maximum, their difference is "
            "no longer evidence.",
        ),
        Wrong(
            "maps brought to 0..1 first",
            _min_max,
            "Subtract the raw maps: once each is stretched to 0..1, their difference is no "
            "longer evidence.",
        ),
        Wrong(
            "bias left out",
            _no_bias,
            "The map is right. The number lacks b_a - b_b: log(P_a / P_b) holds the biases too.",
        ),
        Wrong(
            "absolute map", _absolute, "Keep the sign: negative cells speak for b rather than a."
        ),
        Wrong(
            "absolute map and its mean",
            _all_absolute,
            "Keep the sign: negative cells speak for b rather than a.",
        ),
        Wrong(
            "difference of probabilities",
            _probabilities,
            "The map is right. The number is a difference of scores, log(P_a / P_b), not of "
            "probabilities P_a - P_b.",
        ),
        Wrong(
            "a and b exchanged", _turned, "You computed b minus a: evidence for a must be positive."
        ),
        Wrong(
            "sum for mean",
            _summed,
            "The map is right. Our scores are means over the cells, so take the map's mean, not "
            "its sum.",
        ),
    ),
)


def difference_map(attempt: Callable[..., Any]) -> Verdict:
    """Check ``difference_map(features, weights, bias, a, b)``: the map (B, h, w), the number (B,).

    >>> def answer(f, w, bias, a, b):
    ...     d = torch.einsum("k,bkhw->bhw", w[a] - w[b], f)
    ...     return d, d.mean((1, 2)) + bias[a] - bias[b]
    >>> difference_map(answer)
    passed on 20 hidden inputs.
    """
    return DIFFERENCE_MAP(attempt)


def _fair(maps: Tensor) -> Tensor:
    top = maps.max()
    return maps / top if top > 0 else maps


def _judge_colours(answer: Any, maps: Tensor) -> Problem | None:
    """Finite, zero stays zero, order kept, largest value 1, one factor for the whole stack."""
    out, given = tensor(answer), maps.double()
    if isinstance(out, Problem):
        return out
    if out.shape != given.shape:
        return Problem(
            "wrong shape",
            f"the answer should be {tuple(given.shape)} like the stack, got {tuple(out.shape)}.",
        )
    if not torch.isfinite(out).all():
        return Problem(
            "wrong values",
            "the answer holds NaN or infinity.",
            "You divided by zero: a stack without a positive value has no maximum to divide by.",
        )
    zero = given == 0
    if zero.any() and out[zero].abs().max() > 1e-6:
        return Problem(
            "wrong values",
            f"a cell that was 0 became {out[zero].abs().max().item():.3g}.",
            "Zero means no evidence: divide, do not shift.",
        )
    if (order := _order_broken(out, given)) is not None:
        return order
    top = given.max().item()
    if top > 0 and abs(out.max().item() - 1) > 1e-5:
        return Problem(
            "wrong values",
            f"the largest value of the stack should become 1, it is {out.max().item():.3g}.",
        )
    return values(out, given / top, ("map", "row", "column")) if top > 0 else None


def _order_broken(out: Tensor, given: Tensor) -> Problem | None:
    """A pair of cells whose order in the whole stack was turned or lost, if there is one."""
    order = given.flatten().argsort()
    step_in, step_out = given.flatten()[order].diff(), out.flatten()[order].diff()
    bad = ((step_in > 1e-4) & (step_out <= 1e-9)) | (step_out < -1e-6)
    if not bad.any():
        return None
    at = int(bad.nonzero()[0])
    cells = [np.unravel_index(int(i), given.shape) for i in order[at : at + 2]]
    low, high = (place([int(i) for i in c], ("map", "row", "column")) for c in cells)
    return Problem(
        "wrong values",
        f"the order is lost: ({low}) was below ({high}) and is not any more.",
        "Use one factor for the whole stack, and keep negative cells.",
    )


def _stacks() -> list[tuple[Tensor]]:
    draw = torch.Generator().manual_seed(211)
    stacks = [
        torch.randn(3, 4, 6, generator=draw) * torch.tensor([1.0, 5.0, 0.2]).view(3, 1, 1),
        torch.randn(1, 5, 3, generator=draw, dtype=torch.float64),
        torch.rand(4, 2, 5, generator=draw) * 7,
        torch.full((2, 3, 4), 2.5),
        torch.zeros(2, 3, 4),
        -torch.rand(2, 3, 5, generator=draw, dtype=torch.float64) - 0.5,
    ]
    for stack in stacks[:3]:
        stack[0, 1, 1] = 0.0
    return [(stack,) for stack in stacks]


FAIR_COLOURS = Check(
    "fair_colours",
    _stacks,
    _judge_colours,
    (
        Wrong("unchanged", lambda m: m, "You returned the stack as it came."),
        Wrong(
            "each by its own maximum",
            lambda m: m / m.amax((1, 2), keepdim=True),
            "Each map has its own scale here: the faintest looks as hot as the strongest. Take "
            "the maximum of the whole stack.",
        ),
        Wrong(
            "each from 0 to 1",
            lambda m: (
                (m - m.amin((1, 2), keepdim=True))
                / (m.amax((1, 2), keepdim=True) - m.amin((1, 2), keepdim=True))
            ),
            "Each map has its own scale here, and its zero moved. Divide the whole stack by one "
            "number.",
        ),
        Wrong(
            "min-max over the stack",
            lambda m: (m - m.min()) / (m.max() - m.min()),
            "Min-max moves zero: cells without evidence get a colour. Divide, do not shift.",
        ),
        Wrong(
            "negative values cut first",
            lambda m: m.clamp(min=0) / m.clamp(min=0).max(),
            "You cut the negative cells: evidence against a class and no evidence look the same "
            "then.",
        ),
        Wrong(
            "largest absolute value",
            lambda m: m / m.abs().max(),
            "You divided by the largest absolute value; the largest value of the stack should "
            "become 1.",
        ),
        Wrong(
            "no guard",
            lambda m: m / m.max(),
            "Nearly: what if no value of the stack is positive? Divided by zero it is lost, by a "
            "negative number its order turns round. Leave such a stack as it is.",
        ),
    ),
)


def fair_colours(attempt: Callable[..., Any]) -> Verdict:
    """Check ``fair_colours(maps)``: a stack (n, h, w) scaled by one number, its largest value 1.

    >>> fair_colours(lambda m: m / m.max() if m.max() > 0 else m)
    passed on 6 hidden inputs.
    """
    return FAIR_COLOURS(attempt)
