"""The checks of notebook 11, trust."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from camkit import trust, world, zoo
from camkit.boxes import boxes_at_thresholds
from camkit.cam import class_activation_maps, upsample
from camkit.check.core import Check, Problem, Verdict, Wrong, hidden_cases, tensor, values
from camkit.heads import CamModel
from camkit.metrics import iou
from camkit.probe import log_odds
from camkit.train import inputs_of
from camkit.world import Scene

SIZE = 128

# --- exercise A: true_effect ----------------------------------------------------------------------


class Hidden(CamModel):
    """A small network that a check hands out; a copy of it is itself, so that it can be compared.

    It sees colours alone, in squares of 16 pixels. ``sure`` scales its scores.
    """

    def __init__(self, seed: int, sure: float = 1.0, common: float = 0.0) -> None:
        draw = torch.Generator().manual_seed(seed)
        conv, head = nn.Conv2d(3, 7, 1), nn.Linear(7, len(world.CLASSES))
        with torch.no_grad():
            conv.weight.copy_(3 * torch.randn(conv.weight.shape, generator=draw))
            conv.bias.copy_(torch.randn(7, generator=draw))  # type: ignore[union-attr]
            head.weight.copy_(sure * torch.randn(head.weight.shape, generator=draw))
            head.weight += common * torch.linspace(0.5, 1.5, 7)
            head.bias.copy_(torch.randn(len(head.bias), generator=draw))
        super().__init__(
            nn.Sequential(nn.AvgPool2d(16), conv, nn.ReLU()), head, names=world.CLASSES, size=SIZE
        )
        self.eval()

    def __deepcopy__(self, memo: Any) -> Hidden:
        return self


def _pictures(scenes: list[Scene]) -> npt.NDArray[np.uint8]:
    return np.stack([scene.draw(SIZE).image for scene in scenes])


def _told(net: CamModel, scenes: list[Scene]) -> Tensor:
    with torch.no_grad():
        scores: Tensor = net(inputs_of(net, _pictures(scenes)))
    return scores.double()


def _read(net: CamModel, scene: Scene, others: list[Scene], how: Callable[..., Any]) -> float:
    """What is read off the scores of the scene ``[:1]`` and of the others, as a mean fall."""
    read = how(_told(net, [scene, *others]), scene.label)
    return float(read[0] - read[1:].mean())


def _centred(S: Tensor, c: int) -> Tensor:
    return S[:, c] - S.mean(dim=1)


def _others(scene: Scene, thing: Any, places: list[str]) -> list[Scene]:
    return trust.drawn_again(scene, thing, places)


def _by(how: Callable[..., Any]) -> Callable[..., float]:
    return lambda net, scene, thing, places: _read(net, scene, _others(scene, thing, places), how)


def _one_place(net: CamModel, scene: Scene, thing: Any, places: list[str]) -> float:
    return _read(net, scene, _others(scene, thing, places)[:1], _centred)


def _turned(net: CamModel, scene: Scene, thing: Any, places: list[str]) -> float:
    return -_by(_centred)(net, scene, thing, places)


def _summed(net: CamModel, scene: Scene, thing: Any, places: list[str]) -> float:
    read = _centred(_told(net, [scene, *_others(scene, thing, places)]), scene.label)
    return float((read[0] - read[1:]).sum())


def _nothing_else(net: CamModel, scene: Scene, thing: Any, places: list[str]) -> float:
    """Keep the thing alone instead of taking it out."""
    if thing == trust.BACKGROUND:
        return _by(_centred)(net, scene, thing, places)
    return _read(net, scene, [scene.only(thing)], _centred)


def _grey(net: CamModel, scene: Scene, thing: Any, _places: list[str]) -> float:
    """Paint over what is asked for with middle grey."""
    drawn = scene.draw(SIZE)
    gone = np.flatnonzero([kind == thing for kind in scene.kinds])
    mask = drawn.visible[gone].any(axis=0)
    if thing == trust.BACKGROUND:
        mask = ~drawn.visible.any(axis=0)
    covered = drawn.image.copy()
    covered[mask] = 128
    with torch.no_grad():
        S = net(inputs_of(net, np.stack([drawn.image, covered]))).double()
    read = _centred(S, scene.label)
    return float(read[0] - read[1])


def _scenes() -> list[tuple[Any, ...]]:
    home, five = ["beach", "street", "snow"], ["park", "room", "kitchen", "harbour", "beach"]
    dog = world.scene_of("dog", "meadow", seed=3)
    mug = world.two("mug", "cat", "street", seed=5)
    boat = world.scene_of("boat", "harbour", seed=11, framing=0.4)
    return [
        (Hidden(1), dog, "dog", home),
        (Hidden(1), dog, "background", home),
        (Hidden(2, common=9.0), mug, "cat", five),
        (Hidden(2, common=9.0), mug, "background", five),
        (Hidden(33, sure=40.0), boat, "boat", home),
        (Hidden(33, sure=40.0), boat, "background", home),
    ]


def _judge_effect(answer: Any, net: CamModel, scene: Scene, thing: Any, places: Any) -> Any:
    """Accept the fall of the centred score, or of the log-odds."""
    asked = _others(scene, thing, places)
    of = f"the effect of {thing!r}"
    centred, odds = (
        values(answer, torch.tensor(_read(net, scene, asked, how)), of=of, tolerance=1e-4)
        for how in (_centred, log_odds)
    )
    return None if odds is None else centred


TRUE_EFFECT = Check(
    "true_effect",
    _scenes,
    _judge_effect,
    (
        Wrong(
            "raw score",
            _by(lambda S, c: S[:, c]),
            "A raw score moves with what all classes share: add one vector to the weights of every "
            "class, and it changes while no answer does. Take the mean over classes off.",
        ),
        Wrong(
            "probability",
            _by(lambda S, c: S.softmax(dim=1)[:, c]),
            "A probability near one hardly moves, whatever the network has lost. Use scores with "
            "their mean over classes removed, or log-odds.",
        ),
        Wrong(
            "logarithm of the probability",
            _by(lambda S, c: S.log_softmax(dim=1)[:, c]),
            "log P cannot rise above zero, so near one it hardly moves. Log-odds are "
            "log(P / (1 - P)); or take scores with their mean over classes removed.",
        ),
        Wrong(
            "one place",
            _one_place,
            "One other place may happen to help or to harm. Average over all the places given.",
        ),
        Wrong(
            "summed over places", _summed, "Average over the places; a sum grows with their number."
        ),
        Wrong(
            "sign turned",
            _turned,
            "The effect is the scene's own evidence minus that of the scene drawn again.",
        ),
        Wrong(
            "painted grey",
            _grey,
            "You painted over the thing. A grey blob is a thing too, one that the network never "
            "saw: draw the scene without it.",
        ),
        Wrong(
            "only the thing kept",
            _nothing_else,
            "scene.only keeps the thing and takes out all the others; scene.without takes it out.",
        ),
    ),
)


def true_effect(attempt: Callable[..., Any]) -> Verdict:
    """Check ``true_effect(net, scene, thing, places)``: the fall of the evidence, drawn again.

    >>> true_effect(lambda net, scene, thing, places: ...)
    not attempted yet: replace the dots and run both cells again.
    """
    return TRUE_EFFECT(attempt)


# --- exercise B: same_answers ---------------------------------------------------------------------

_Head: TypeAlias = "tuple[Tensor, Tensor]"
"""Weights (C, K) and bias (C,)."""
PHOTOS = 20
SAME_BOX = 0.9
"""From this IoU on, two boxes count as the same."""


@cache
def _features(units: int) -> Tensor:
    """What K units find in some pictures: the shipped network's, or spots for another K."""
    net = zoo.load("objects")
    if units == net.weights.shape[1]:
        drawn = world.Objects("test", seed=11, length=PHOTOS).arrays(progress=False)[0]
        with torch.no_grad():
            return net.features(inputs_of(net, drawn)).double()
    draw = torch.Generator().manual_seed(units)
    spots = torch.randn(PHOTOS, units, 4, 4, generator=draw, dtype=torch.float64).relu()
    return upsample(spots, (16, 16))


def _boxes(f: Tensor, weights: Tensor, classes: Tensor) -> npt.NDArray[np.float64]:
    """20 % boxes of one class's map in every picture ``(N, 4)``, NaN where there is none."""
    maps = upsample(class_activation_maps(f, weights, classes[:, None]), (SIZE, SIZE))[:, 0]
    return boxes_at_thresholds(maps.numpy(), [0.2])[:, 0]


def _changed(f: Tensor, old: Tensor, new: Tensor, classes: Tensor) -> float:
    """The share of pictures whose box is another one."""
    share = []
    for a, b in zip(_boxes(f, old, classes), _boxes(f, new, classes), strict=True):
        lost = [bool(np.isnan(box).any()) for box in (a, b)]
        share.append(lost[0] != lost[1] if any(lost) else iou([a], [b]).max() < SAME_BOX)
    return float(np.mean(share))


def _judge_head(answer: Any, weights: Tensor, bias: Tensor) -> Problem | None:
    if not isinstance(answer, (tuple, list)) or len(answer) != 2:
        return Problem("wrong type", "return two things: the new weights and the new bias.")
    read = []
    for name, part, old in zip(("the weights", "the bias"), answer, (weights, bias), strict=True):
        one = tensor(part, name)
        if isinstance(one, Problem):
            return one
        if one.shape != old.shape:
            told = f"{name} should be {tuple(old.shape)}, got {tuple(one.shape)}."
            return Problem("wrong shape", told)
        if not torch.isfinite(one).all():
            return Problem("wrong values", f"{name} hold NaN or infinity.")
        read.append(one)
    f, old, new = _features(weights.shape[1]), weights.double(), read[0]
    scores = [f.mean((2, 3)) @ w.T + b for w, b in ((old, bias.double()), (new, read[1]))]
    off = (scores[0].softmax(1) - scores[1].softmax(1)).abs().max().item()
    if off > 1e-6:
        return Problem("wrong values", f"a probability changes by {off:.3g}; at most 1e-6 may.")
    pulled = (new - old) - (new - old).mean(dim=0)  # what is not the same for all classes
    if pulled.abs().max() > 1e-5 * max(1.0, new.abs().max().item()):
        return Problem(
            "wrong values",
            f"the difference of two classes' maps changes, by up to {pulled.abs().max():.3g} for a "
            "unit of activation.",
        )
    share = _changed(f, old, new, scores[0].argmax(dim=1))
    if share < 0.5:
        return Problem(
            "wrong values",
            f"the probabilities agree, but only {share:.0%} of the boxes change.",
            "The vector is too small, or hits the wrong units: try another size, or its sign.",
        )
    return None


SAME_ANSWERS = Check(
    "same_answers",
    lambda: [
        *((w, b) for _, w, b in hidden_cases(seed=1101)),
        (zoo.load("objects").weights.detach(), zoo.load("objects").bias.detach()),
    ],
    _judge_head,
    (
        Wrong(
            "unchanged", lambda w, b: (w.clone(), b.clone()), "You returned the head as it came."
        ),
        Wrong(
            "only the biases",
            lambda w, b: (w.clone(), b + 1),
            "A bias is no part of a map: the probabilities agree, and every map is as it was.",
        ),
        Wrong(
            "weights scaled",
            lambda w, b: (2 * w, b.clone()),
            "Larger weights make the network surer, so the probabilities change.",
        ),
        Wrong(
            "weights and biases scaled",
            lambda w, b: (2 * w, 2 * b),
            "Larger weights make the network surer, so the probabilities change.",
        ),
        Wrong(
            "one number for each class",
            lambda w, b: (w - w.abs().mean(dim=1, keepdim=True), b.clone()),
            "You took another number off each class. What all classes lose alike drops out of the "
            "softmax; what one loses does not.",
        ),
        Wrong(
            "units permuted",
            lambda w, b: (w.flip(1), b.clone()),
            "Each unit meets another weight now. (Permute the units along with their weights, and "
            "nothing changes at all: no probability, no map.)",
        ),
        Wrong(
            "classes permuted",
            lambda w, b: (w.flip(0), b.flip(0)),
            "You exchanged whole classes, and with them their probabilities.",
        ),
        Wrong(
            "absolute weights",
            lambda w, b: (w.abs(), b.clone()),
            "Without their signs the weights are another network's.",
        ),
    ),
)


def same_answers(attempt: Callable[..., Any]) -> Verdict:
    """Check ``same_answers(weights, bias)``: (C, K) and (C,) to a head with the same answers.

    >>> same_answers(lambda weights, bias: ...)
    not attempted yet: replace the dots and run both cells again.
    """
    return SAME_ANSWERS(attempt)
