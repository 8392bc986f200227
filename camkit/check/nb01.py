"""The checks of notebook 01, global average pooling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from camkit.check.core import (
    Check,
    Problem,
    Verdict,
    Wrong,
    hidden_cases,
    hidden_features,
    tensor,
    values,
)

MAP_AXES = ("picture", "class", "row", "column")


def _map(features: Tensor, weights: Tensor) -> Tensor:
    """M_c(x, y) = sum_k w_k^c f_k(x, y): (B, K, h, w) and (C, K) to (B, C, h, w)."""
    return torch.einsum("ck,bkhw->bchw", weights.double(), features.double())


def _pooled(features: Tensor, weights: Tensor) -> Tensor:
    constant = features.mean((2, 3), keepdim=True).expand_as(features)
    return _map(constant, weights)


CLASS_MAP = Check(
    "class_map",
    lambda: [(f, w) for f, w, _ in hidden_cases(seed=101)],
    lambda answer, f, w: values(answer, _map(f, w), MAP_AXES),
    (
        Wrong(
            "weights transposed",
            lambda f, w: torch.einsum("kc,bkhw->bchw", w.double(), f.double()),
            "Row c of weights belongs to class c: use weights[c, k], not weights[k, c]. With as "
            "many units as classes the shapes match all the same.",
        ),
        Wrong(
            "height and width swapped",
            lambda f, w: _map(f, w).transpose(2, 3),
            "Height comes before width: the answer is (B, C, h, w). On a square map you would not "
            "have noticed.",
        ),
        Wrong(
            "pooled first",
            _pooled,
            "Your map is the same in every cell: weigh the features before pooling, not after.",
        ),
        Wrong(
            "negative cells cut",
            lambda f, w: _map(f, w).clamp(min=0),
            "Keep the negative cells: they are evidence against the class, and the mean "
            "needs them.",
        ),
        Wrong(
            "averaged over units",
            lambda f, w: _map(f, w) / f.shape[1],
            "Sum over the units k, do not average over them.",
        ),
        Wrong(
            "scaled to its own maximum",
            lambda f, w: _map(f, w) / _map(f, w).amax((2, 3), keepdim=True),
            "Return the raw map: scaled to its own maximum it no longer adds up to the score.",
        ),
        Wrong(
            "weights softmaxed",
            lambda f, w: _map(f, w.softmax(1)),
            "Use the weights as they are; a softmax belongs behind the scores.",
        ),
    ),
)


def class_map(attempt: Callable[..., Any]) -> Verdict:
    """Check ``class_map(features, weights)``: (B, K, h, w) and (C, K) to the maps (B, C, h, w).

    >>> class_map(lambda f, w: (w @ f.flatten(2)).unflatten(2, f.shape[2:]))
    passed on 5 hidden inputs.
    """
    return CLASS_MAP(attempt)


def _sparse_features() -> Tensor:
    """Two units that fire in one place off the middle and are zero elsewhere, as behind a ReLU."""
    f = torch.zeros(2, 2, 4, 5)
    f[0, 0, 1, 1], f[0, 1, 2, 3] = 2.0, 3.0
    f[1] = f[0] / 2
    return f


def _same_scores(answer: Any, features: Tensor) -> Problem | None:
    """Accept g with the scores of f under ten weight matrices, and another map."""
    g = tensor(answer)
    if isinstance(g, Problem):
        return g
    f = features.double()
    if g.shape != f.shape:
        return Problem(
            "wrong shape", f"g should have the shape of f, {tuple(f.shape)}, got {tuple(g.shape)}."
        )
    if not torch.isfinite(g).all():
        return Problem("wrong values", "g holds NaN or infinity.")
    draw = torch.Generator().manual_seed(7)
    weights = torch.randn(10, 4, f.shape[1], generator=draw, dtype=torch.float64)
    scores_f, scores_g = (weights @ x.mean((2, 3)).T for x in (f, g))
    off = (scores_f - scores_g).abs().max().item()
    # 1e-6 of the features' size, so that float32 rounding of a right answer passes.
    if off > 1e-6 * max(1.0, f.abs().max().item()):
        return Problem(
            "wrong values",
            f"the scores differ by up to {off:.3g} under ten hidden weight matrices.",
            "For every weight matrix to agree, each unit must keep its own mean in each picture.",
        )
    moved = (_map(f, weights[0]) - _map(g, weights[0])).abs().amax((1, 2, 3)).min().item()
    if moved <= 1e-3:
        return Problem(
            "wrong values",
            f"the scores agree, but a map changed by only {moved:.3g} in one of the pictures.",
            "Move activation to another cell: exchanging cells that hold the same value "
            "changes nothing. Many cells behind a ReLU are equal: zero.",
        )
    return None


def _exchange_two(f: Tensor) -> Tensor:
    g = f.clone()
    g[..., 0, 0], g[..., 0, 1] = f[..., 0, 1], f[..., 0, 0]
    return g


SAME_SCORES_OTHER_MAP = Check(
    "same_scores_other_map",
    lambda: [
        *(
            (hidden_features(s, K=k, C=2, h=h, w=w, batch=b, dtype=d)[0],)
            for s, k, h, w, b, d in (
                (111, 3, 4, 6, 1, torch.float32),
                (112, 5, 5, 3, 3, torch.float32),
                (113, 4, 3, 3, 3, torch.float64),
                (114, 1, 2, 4, 1, torch.float64),
            )
        ),
        (_sparse_features(),),
    ],
    _same_scores,
    (
        Wrong(
            "unchanged",
            lambda f: f.clone(),
            "You returned f as it came: same scores, but also the same map.",
        ),
        Wrong(
            "units permuted",
            lambda f: f.flip(1),
            "You exchanged whole units: each meets another weight then, and the scores change. "
            "Move cells within a unit.",
        ),
        Wrong(
            "everything doubled",
            lambda f: 2 * f,
            "Scaling the features scales their means, and so the scores.",
        ),
        Wrong(
            "equal cells exchanged",
            _exchange_two,
            "You exchanged two cells that can hold the same value, zero for example; then nothing "
            "moves. Move every cell.",
        ),
        Wrong(
            "pictures exchanged",
            lambda f: f.roll(1, 0).flip(3),
            "You mixed the pictures of a batch: each must keep its own scores.",
        ),
        Wrong(
            "negative cells cut",
            lambda f: f.clamp(min=0).flip(3),
            "Cutting negative cells changes the means; only move them.",
        ),
    ),
)


def same_scores_other_map(attempt: Callable[..., Any]) -> Verdict:
    """Check ``same_scores_other_map(features)``: g with the scores of f for every weight matrix.

    >>> same_scores_other_map(lambda f: f.roll(1, -1))
    passed on 5 hidden inputs.
    """
    return SAME_SCORES_OTHER_MAP(attempt)
