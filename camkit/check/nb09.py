"""The checks of notebook 09, fine-grained birds."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from camkit.check.core import Check, Problem, Verdict, Wrong, tensor
from camkit.heads import CamModel
from camkit.tables.closer import boxes_at
from camkit.transfer import LinearSvm, fit_svm, pooled_features, square_crops

Box: TypeAlias = "tuple[float, float, float, float]"
Size: TypeAlias = "tuple[int, int]"
Pixels = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]

# --- exercise A: square_crop ---------------------------------------------------------------------


def _start(start: float, side: float, length: int) -> float:
    if side >= length:
        return (length - side) / 2
    return min(max(start, 0.0), length - side)


def _square(box: Box, side: float, size: Size, *, held: bool = True) -> Box:
    x0, y0, x1, y1 = box
    left, top = (x0 + x1 - side) / 2, (y0 + y1 - side) / 2
    if held:
        left, top = _start(left, side, size[0]), _start(top, side, size[1])
    return left, top, left + side, top + side


def _longer(box: Box) -> float:
    return max(box[2] - box[0], box[3] - box[1])


def _window(box: Box, margin: float, size: Size) -> Box:
    return _square(box, _longer(box) * (1 + 2 * margin), size)


def _clipped(box: Box, margin: float, size: Size) -> Box:
    x0, y0, x1, y1 = _square(box, _longer(box) * (1 + 2 * margin), size, held=False)
    return max(x0, 0.0), max(y0, 0.0), min(x1, size[0]), min(y1, size[1])


def _sticks_out(box: Box, margin: float, size: Size) -> Box:
    return _square(box, _longer(box) * (1 + 2 * margin), size, held=False)


def _oblong(box: Box, margin: float, size: Size) -> Box:
    x0, y0, x1, y1 = box
    wide, high = margin * (x1 - x0), margin * (y1 - y0)
    left, top = max(x0 - wide, 0.0), max(y0 - high, 0.0)
    return left, top, min(x1 + wide, size[0]), min(y1 + high, size[1])


def _margin_of_picture(box: Box, margin: float, size: Size) -> Box:
    return _square(box, _longer(box) + 2 * margin * max(size), size)


def _margin_once(box: Box, margin: float, size: Size) -> Box:
    return _square(box, _longer(box) * (1 + margin), size)


def _shorter_side(box: Box, margin: float, size: Size) -> Box:
    side = min(box[2] - box[0], box[3] - box[1]) * (1 + 2 * margin)
    return _square(box, side, size)


def _exchanged(box: Box, margin: float, size: Size) -> Box:
    x0, y0, x1, y1 = _window((box[1], box[0], box[3], box[2]), margin, size)
    return x0, y0, x1, y1


def _size_exchanged(box: Box, margin: float, size: Size) -> Box:
    return _window(box, margin, (size[1], size[0]))


def _larger_at_zero(box: Box, margin: float, size: Size) -> Box:
    x0, y0, x1, y1 = _window(box, margin, size)
    left, top = (0.0 if side >= length else start for start, side, length in (
        (x0, x1 - x0, size[0]), (y0, y1 - y0, size[1])))  # fmt: skip
    return left, top, left + x1 - x0, top + y1 - y0


def _windows() -> list[tuple[Any, ...]]:
    """Boxes in the middle, wide, tall, at each edge, and one whose square is too large."""
    cases = [
        ((40.0, 30.0, 60.0, 50.0), 0.5, (120, 90)),
        ((30.0, 40.0, 70.0, 50.0), 0.1, (120, 90)),
        ((50.0, 20.0, 56.0, 60.0), 0.0, (120, 90)),
        ((0.0, 30.0, 12.0, 50.0), 0.2, (120, 90)),
        ((100.0, 70.0, 120.0, 90.0), 0.3, (120, 90)),
        ((60.0, 0.0, 90.0, 14.0), 0.1, (128, 128)),
        ((10.0, 20.0, 100.0, 70.0), 0.2, (120, 90)),
        ((5.0, 5.0, 125.0, 60.0), 0.6, (128, 128)),
    ]
    rng = np.random.default_rng(91)
    for _ in range(6):
        wide, high = (int(n) for n in rng.integers(60, 160, 2))
        x0, y0 = rng.uniform(0, [wide - 20, high - 20])
        x1, y1 = rng.uniform([x0 + 8, y0 + 8], [wide, high])
        box = (float(x0), float(y0), float(x1), float(y1))
        cases.append((box, float(rng.uniform(0, 0.6)), (wide, high)))
    return cases


def _judge_window(answer: Any, box: Box, margin: float, size: Size) -> Problem | None:
    if isinstance(answer, (list, np.ndarray)):
        answer = tuple(answer)
    if not isinstance(answer, tuple) or len(answer) != 4:
        return Problem("wrong type", "return four numbers, x0, y0, x1, y1.")
    read = [tensor(part, "each corner") for part in answer]
    for part in read:
        if isinstance(part, Problem):
            return part
    got = np.array([float(part) for part in read if isinstance(part, torch.Tensor)])
    wanted = np.array(_window(box, margin, size))
    if np.isfinite(got).all() and np.abs(got - wanted).max() <= 1e-6 * max(size):
        return None
    told = (
        f"for the box {_said(box)} with margin {margin:.2g} in a picture of {size[0]} x {size[1]} "
        f"the window is {_said(wanted)}, got {_said(got)}."
    )
    return Problem("wrong values", told, _word(got, wanted))


def _word(got: npt.NDArray[np.float64], wanted: npt.NDArray[np.float64]) -> str:
    wide, high = got[2] - got[0], got[3] - got[1]
    if abs(wide - high) > 1e-6:
        return "That is no square: it would be stretched when it is resized."
    if abs(wide - (wanted[2] - wanted[0])) > 1e-6:
        return "The side is the longer side of the box, and margin times that on each end."
    return "The side is right, the place is not: keep the middle, then push the square inside."


def _said(box: Any) -> str:
    return "(" + ", ".join(f"{v:.4g}" for v in box) + ")"


SQUARE_CROP = Check(
    "square_crop",
    _windows,
    _judge_window,
    (
        Wrong(
            "clipped",
            _clipped,
            "You cut off what sticks out of the picture. What is left is oblong, and the resize "
            "will squash the bird. Push the square inside instead.",
        ),
        Wrong(
            "oblong",
            _oblong,
            "You widened the box, and it stayed a box: oblong, so the resize will squash the "
            "bird. Take one side for both directions.",
        ),
        Wrong(
            "sticks out",
            _sticks_out,
            "Some squares stick out of the picture. Push them inside, their side as it is.",
        ),
        Wrong(
            "margin of the picture",
            _margin_of_picture,
            "The margin is a share of the box's longer side, not of the picture's: a small bird "
            "gets a small margin.",
        ),
        Wrong("margin once", _margin_once, "The margin is added on each side: twice in all."),
        Wrong(
            "shorter side",
            _shorter_side,
            "You took the box's shorter side, which cuts off head or tail. Take the longer one.",
        ),
        Wrong("x and y exchanged", _exchanged, "x and y are exchanged: a box is x0, y0, x1, y1."),
        Wrong(
            "width and height exchanged",
            _size_exchanged,
            "Width and height of the picture are exchanged: x is bounded by size[0], the width.",
        ),
        Wrong(
            "too large, from zero",
            _larger_at_zero,
            "A square larger than the picture has the picture in its middle, not at its start.",
        ),
    ),
)


def square_crop(attempt: Callable[..., Any]) -> Verdict:
    """Check ``square_crop(box, margin, size)``: the square window around a box.

    >>> square_crop(lambda box, margin, size: ...)
    not attempted yet: replace the dots and run both cells again.
    """
    return SQUARE_CROP(attempt)


# --- exercise B: name_birds ----------------------------------------------------------------------

COST = 0.01
SIDE, SPECIES = 32, 4
_RED, _MARKS = (214, 60, 56), ((70, 190, 84), (66, 98, 214), (222, 206, 70), (80, 204, 214))
"""All birds of the hidden pictures are red; a patch of one of four colours is their species."""


class _Small(CamModel):
    """A network that can be compared, so that a check sees whether it was changed."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Small):
            return NotImplemented
        mine, theirs = self.state_dict(), other.state_dict()
        return mine.keys() == theirs.keys() and all(torch.equal(mine[k], theirs[k]) for k in mine)

    __hash__ = CamModel.__hash__


@lru_cache(maxsize=1)
def _net() -> _Small:
    """Eight units that see differences of colours, in cells of four pixels; a head of two."""
    pairs = ((0, 1), (1, 0), (1, 2), (2, 1), (0, 2), (2, 0))
    conv = nn.Conv2d(3, 8, 1)
    with torch.no_grad():
        conv.weight.zero_()
        conv.bias.copy_(torch.tensor([-0.1] * 6 + [-0.9, -0.9]))  # type: ignore[union-attr]
        for unit, (more, less) in enumerate(pairs):
            conv.weight[unit, more], conv.weight[unit, less] = 1.0, -1.0
        conv.weight[6, :2], conv.weight[7, 1:] = 1.0, 1.0
    head = nn.Linear(8, 2)
    with torch.no_grad():
        head.weight.zero_()
        head.bias.zero_()
        head.weight[0, 0], head.weight[1, 6] = 1.0, 1.0
    backbone = nn.Sequential(nn.AvgPool2d(4, 2, 1), conv, nn.ReLU())
    return _Small(backbone, head, names=("bird", "stone"), mean=(0, 0, 0), std=(1, 1, 1),
                  size=SIDE).eval()  # fmt: skip


def _pictures(seed: int, count: int) -> tuple[Pixels, Labels]:
    """Red birds with the patch of their species, among patches of all species."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % SPECIES
    images = np.empty((count, SIDE, SIDE, 3), np.uint8)
    images[:] = rng.integers(120, 160, (count, 1, 1, 1))
    for image, label in zip(images, labels, strict=True):
        for mark in rng.integers(0, SPECIES, 5):
            x, y = rng.integers(0, SIDE - 7, 2)
            wide = int(rng.integers(3, 8))
            image[y : y + wide, x : x + wide] = _MARKS[mark]
        x, y = rng.integers(0, SIDE - 12, 2)
        image[y : y + 12, x : x + 12] = _RED
        dx, dy = rng.integers(1, 8, 2)
        image[y + dy : y + dy + 4, x + dx : x + dx + 4] = _MARKS[label]
    noise = rng.normal(0, 16, images.shape)
    return np.clip(images + noise, 0, 255).astype(np.uint8), labels


def _birds() -> list[tuple[Any, ...]]:
    """The same birds twice: with their labels, and with none."""
    train, labels = _pictures(92, 96)
    test, truth = _pictures(93, 48)
    return [(_net(), train, labels, test, truth), (_net(), train, labels, test, None)]


def _features(net: CamModel, pictures: Pixels) -> Any:
    return pooled_features(net, pictures, progress=False)


def _fit(net: CamModel, pictures: Pixels, labels: Labels, cost: float = COST) -> LinearSvm:
    names = [f"species {c}" for c in range(int(labels.max()) + 1)]
    return fit_svm(_features(net, pictures), labels, names, costs=[cost])


def _cut(look: CamModel, pictures: Pixels, classes: Any) -> Pixels:
    """Every picture, cut at the map of its class."""
    return square_crops(pictures, list(boxes_at(look, pictures, classes)))


def _named(net: CamModel, train: Pixels, labels: Labels, test: Pixels) -> Labels:
    return _fit(net, train, labels).predict(_features(net, test))


def _bird(net: CamModel, pictures: Pixels) -> Labels:
    return np.full(len(pictures), list(net.names).index("bird"))


def _by_prediction(net: Any, train: Any, labels: Any, test: Any, _: Any) -> Labels:
    svm = _fit(net, train, labels)
    look = svm.on(net)
    cut = [_cut(look, p, svm.predict(_features(net, p))) for p in (train, test)]
    return _named(net, cut[0], labels, cut[1])


def _by_bird(net: Any, train: Any, labels: Any, test: Any, _: Any) -> Labels:
    cut = [_cut(net, p, _bird(net, p)) for p in (train, test)]
    return _named(net, cut[0], labels, cut[1])


def _leaky(net: Any, train: Any, labels: Any, test: Any, test_labels: Any) -> Labels:
    look = _fit(net, train, labels).on(net)
    return _named(net, _cut(look, train, labels), labels, _cut(look, test, test_labels))


def _test_alone(net: Any, train: Any, labels: Any, test: Any, _: Any) -> Labels:
    svm = _fit(net, train, labels)
    return _named(net, train, labels, _cut(svm.on(net), test, svm.predict(_features(net, test))))


def _bird_test_alone(net: Any, train: Any, labels: Any, test: Any, _: Any) -> Labels:
    return _named(net, train, labels, _cut(net, test, _bird(net, test)))


def _true_for_training(net: Any, train: Any, labels: Any, test: Any, _: Any) -> Labels:
    svm = _fit(net, train, labels)
    look = svm.on(net)
    cut = _cut(look, test, svm.predict(_features(net, test)))
    return _named(net, _cut(look, train, labels), labels, cut)


def _surest_crop(net: Any, train: Any, labels: Any, test: Any, _: Any) -> Labels:
    """Every species cuts its own crop, and the one that is surest of its own is named."""
    look = _fit(net, train, labels).on(net)
    svm = _fit(net, _cut(look, train, labels), labels)
    cuts = [_cut(look, test, np.full(len(test), c)) for c in range(SPECIES)]
    each = [svm.decisions(_features(net, cut))[:, c] for c, cut in enumerate(cuts)]
    surest: Labels = np.stack(each, axis=1).argmax(axis=1)
    return surest


def _tuned_on_test(net: Any, train: Any, labels: Any, test: Any, test_labels: Any) -> Labels:
    cut = [_cut(net, p, _bird(net, p)) for p in (train, test)]
    svms = [_fit(net, cut[0], labels, cost) for cost in (0.001, 0.01, 0.1, 1.0)]
    features = _features(net, cut[1])
    best = max(svms, key=lambda svm: svm.accuracy(features, test_labels))
    return best.predict(features)


def _uncut(net: Any, train: Any, labels: Any, test: Any, _: Any) -> Labels:
    return _named(net, train, labels, test)


@lru_cache(maxsize=1)
def _right() -> tuple[Labels, Labels]:
    """What two honest pipelines answer: cut by the species predicted, and by the map of "bird"."""
    case = _birds()[0]
    return _by_prediction(*case), _by_bird(*case)


def _judge_names(
    answer: Any, net: Any, train: Any, labels: Any, test: Any, test_labels: Any
) -> Problem | None:
    read = tensor(answer, "the answer")
    if isinstance(read, Problem):
        return read
    if tuple(read.shape) != (len(test),):
        told = f"return one species for each of {len(test)} test birds, got {tuple(read.shape)}."
        return Problem("wrong shape", told, "Return svm.predict(...), not how often it is right.")
    got = read.numpy()
    apart = min(int((got != right).sum()) for right in _right())
    if apart <= 1:
        return None
    truth = _birds()[0][4]
    told = (
        f"{apart} of {len(test)} answers differ from those of an honest pipeline; yours are right "
        f"for {int((got == truth).sum())}, its for "
        f"{' or '.join(str(int((r == truth).sum())) for r in _right())}."
    )
    return Problem("wrong values", told, _UNLIKE)


_UNLIKE = (
    "Cut training and test by one and the same rule, one that asks for no test label: the map of "
    'the species that the first SVM predicts, or the map of "bird". Take costs=[0.01].'
)

NAME_BIRDS = Check(
    "name_birds",
    _birds,
    _judge_names,
    (
        Wrong(
            "still leaking",
            _leaky,
            "The test pictures are still cut at the map of their true species. Whoever knows the "
            "species need not ask. Cut them by something that can be had without the label.",
        ),
        Wrong(
            "test alone",
            _test_alone,
            "You cut the test half only. Training and test no longer look alike: cut the training "
            "pictures by the same rule, and train the second SVM on them.",
        ),
        Wrong(
            "test alone, at the bird",
            _bird_test_alone,
            "You cut the test half only. Training and test no longer look alike: cut the training "
            "pictures by the same rule, and train the second SVM on them.",
        ),
        Wrong(
            "training by the true species",
            _true_for_training,
            "No test label is used any more, but the halves are cut by two rules: training by the "
            "true species, test by the predicted. Cut both by the same one.",
        ),
        Wrong(
            "surest crop",
            _surest_crop,
            "You let every species cut its own crop and kept the surest. A map of a species finds "
            "what looks like it; decide where to look once, before the species is asked.",
        ),
        Wrong(
            "cost tuned on the test half",
            _tuned_on_test,
            "You chose the cost by the test labels. That is a leak, too: choose within the "
            "training half, or take the one that is given.",
        ),
        Wrong(
            "nothing cut",
            _uncut,
            "Nothing was cut: these are the answers for whole pictures.",
        ),
    ),
)  # fmt: skip


def name_birds(attempt: Callable[..., Any]) -> Verdict:
    """Check ``name_birds(net, train, labels, test, test_labels)``: no test label may be used.

    >>> name_birds(lambda net, train, labels, test, test_labels: ...)
    not attempted yet: replace the dots and run both cells again.
    """
    return NAME_BIRDS(attempt)
