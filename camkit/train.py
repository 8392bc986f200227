"""Training, short enough to read in class, and measuring what was learned."""

from __future__ import annotations

import copy
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm.auto import tqdm

from camkit import relatives, world
from camkit.boxes import box_from_map
from camkit.cam import class_activation_maps, upsample
from camkit.heads import CamModel, Pool
from camkit.metrics import iou
from camkit.world.sets import Batch, Pictures

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what a network learns.

    Args:
        arch: one of `camkit.relatives.ARCHITECTURES`.
        pool: "average", "max" or "flatten".
        size: side of the pictures in pixels.
        units: how many units the last convolution has.
        pictures: how many training pictures are drawn.
        epochs: how often each is shown.
        batch: pictures in one step.
        rate: highest learning rate of AdamW, reached after a quarter of the steps (one cycle).
        decay: weight decay.
        shift: pictures are moved by up to this many pixels.
        smooth: label smoothing: a class is asked for 1 - smooth of the probability, and every
            class for an equal part of the rest; 0 asks for all.
        hide: share of squares hidden in every picture (Singh and Lee 2017, "Hide-and-Seek"), so
            that no single part of an object is enough; 0 hides nothing.
        bias: share of pictures whose background is tied to the class, or None for none.
        about: what the pictures show: "objects", or "birds".
        start: the shipped network whose backbone is trained on; "" begins from chance.
        seed: for the pictures, the first weights and the order.
    """

    arch: str = "plain"
    pool: Pool = "average"
    size: int = 128
    units: int = relatives.UNITS
    pictures: int = 8000
    epochs: int = 14
    batch: int = 64
    rate: float = 6e-3
    decay: float = 0.05
    shift: int = 6
    smooth: float = 0.1
    hide: float = 0.35
    bias: float | None = None
    about: Literal["objects", "birds"] = "objects"
    start: str = ""
    seed: int = 0

    def data(self, split: str, length: int) -> Pictures:
        """The pictures of one split of this recipe's set."""
        if self.bias is None:
            kind = world.Birds if self.about == "birds" else world.Objects
            return kind(split=split, seed=self.seed, size=self.size, length=length)
        return world.BiasedObjects(
            split=split, seed=self.seed, size=self.size, length=length, bias=self.bias
        )


@dataclass
class History:
    """What happened while a network learned.

    Args:
        losses: the loss of every step.
        accuracies: share right on the checking pictures, after every epoch.
        pictures_a_second: while training.
        threads: how many were used.
        precision: "float32", or "bfloat16" where the processor gains by it.
        ended: "finished", "interrupted", or what went wrong; the best weights so far are kept.
    """

    losses: list[float] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)
    pictures_a_second: float = 0.0
    threads: int = 1
    precision: str = "float32"
    ended: str = "finished"


def train(
    net: CamModel,
    images: Images,
    labels: Labels,
    *,
    recipe: Recipe = Recipe(),
    check: tuple[Images, Labels] | None = None,
    watch: Callable[[int, CamModel], None] | None = None,
    threads: int | None = None,
    progress: bool = True,
) -> History:
    """Train a network in place: AdamW, one cycle, flips, shifts, brightness and colour jitter.

    Interrupting it keeps the best weights so far; so does a loss that is no number.

    Args:
        net: the network; it is left in evaluation mode.
        images: ``(N, H, W, 3)`` uint8.
        labels: ``(N,)``, from 0 to C-1.
        recipe: epochs, batch, rate, decay, shift, smooth, hide and seed are read from it.
        check: pictures and labels to measure the accuracy on after every epoch.
        watch: called with the number of finished steps and the network, before the first step and
            after every one.
        threads: 1 or more; None times the first steps with one and with all, and keeps the faster.
        progress: show a bar.

    Returns:
        A `History`.

    Raises:
        ValueError: a label is out of range, there is one class only, or the lengths differ.

    Example:
        >>> net = relatives.build("plain", ["dark", "bright"], size=32)
        >>> labels = np.arange(64) % 2
        >>> images = np.repeat(labels * 200, 32 * 32 * 3).reshape(64, 32, 32, 3).astype(np.uint8)
        >>> history = train(net, images, labels, recipe=Recipe(epochs=2, batch=16),
        ...                 threads=1, progress=False)
        >>> len(history.losses), history.ended
        (8, 'finished')
    """
    _check_data(net, images, labels)
    device = net.head.weight.device
    net.to(memory_format=torch.channels_last)
    history = History()
    before = torch.get_num_threads()
    history.threads, history.precision = _fastest(net, images, recipe.batch, threads)
    torch.set_num_threads(history.threads)
    steps = max(1, len(images) // recipe.batch)
    optimizer = torch.optim.AdamW(net.parameters(), lr=recipe.rate, weight_decay=recipe.decay)
    total = recipe.epochs * steps
    rise = 0.25 if total != 4 else 0.5  # a quarter of 4 steps is no interval: torch divides by zero
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.rate, total_steps=total, pct_start=rise
    )
    generator = torch.Generator().manual_seed(recipe.seed)
    best = copy.deepcopy(net.state_dict())
    start, seen = time.perf_counter(), 0
    bar = tqdm(total=total, desc="training", unit="step", disable=not progress)
    try:
        if watch is not None:
            watch(0, net)
        for _ in range(recipe.epochs):
            net.train()
            for rows in _shuffled(len(images), recipe.batch, steps, generator):
                inputs = _augmented(net, images[rows], recipe, generator, device)
                targets = torch.from_numpy(labels[rows]).to(device)
                with _autocast(device, history.precision):
                    scores = net(inputs).float()
                loss = F.cross_entropy(scores, targets, label_smoothing=recipe.smooth)
                if not math.isfinite(loss.item()):
                    raise FloatingPointError(
                        f"the loss is {loss.item()} at step {len(history.losses) + 1}"
                    )
                optimizer.zero_grad(set_to_none=True)
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                _centre(net)
                schedule.step()
                history.losses.append(loss.item())
                seen += len(rows)
                if watch is not None:
                    watch(len(history.losses), net)
                bar.update()
                bar.set_postfix(loss=f"{loss.item():.3f}", refresh=False)
            if check is not None:
                history.accuracies.append(accuracy(net, *check))
            if check is None or history.accuracies[-1] == max(history.accuracies):
                best = copy.deepcopy(net.state_dict())
    except KeyboardInterrupt:
        history.ended = "interrupted"
    except FloatingPointError as error:
        history.ended = str(error)
    finally:
        bar.close()
        torch.set_num_threads(before)
    history.pictures_a_second = seen / (time.perf_counter() - start)
    if check is not None or history.ended != "finished":
        net.load_state_dict(best)
    net.eval()
    return history


@torch.no_grad()
def _centre(net: CamModel) -> None:
    """Subtract the mean over classes from the weights: no probability changes, but maps do.

    One vector added to the weights of all classes leaves every softmax as it was, so training
    cannot choose it. This choice makes the maps of all classes add up to zero.
    """
    net.head.weight -= net.head.weight.mean(0)
    if net.head.bias is not None:
        net.head.bias -= net.head.bias.mean()


def _check_data(net: CamModel, images: Images, labels: Labels) -> None:
    if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8:
        raise ValueError(f"images must be (N, H, W, 3) uint8, got {images.shape} {images.dtype}.")
    if len(images) != len(labels) or len(images) == 0:
        raise ValueError(f"There are {len(images)} images but {len(labels)} labels.")
    if labels.min() < 0 or labels.max() >= len(net.names):
        raise ValueError(
            f"Labels run from {labels.min()} to {labels.max()}, but the network has "
            f"{len(net.names)} classes (0 to {len(net.names) - 1})."
        )
    if len(np.unique(labels)) == 1:
        raise ValueError("All labels are the same class; at least two are needed to learn from.")


def _shuffled(
    count: int, batch: int, steps: int, generator: torch.Generator
) -> list[npt.NDArray[np.int64]]:
    order = torch.randperm(count, generator=generator).numpy()
    return [order[i * batch : (i + 1) * batch] for i in range(steps)]


def _augmented(
    net: CamModel,
    images: Images,
    recipe: Recipe,
    generator: torch.Generator,
    device: torch.device,
) -> Tensor:
    """Shift, flip, jitter, normalise, hide: (n, H, W, 3) uint8 to (n, 3, H, W), channels last."""
    count, height, width, _ = images.shape
    shift = recipe.shift
    down, right = torch.randint(0, 2 * shift + 1, (2,), generator=generator).tolist()
    moved = np.pad(images, ((0, 0), (shift, shift), (shift, shift), (0, 0)), mode="reflect")
    moved = np.ascontiguousarray(moved[:, down : down + height, right : right + width])
    flip = (torch.rand(count, generator=generator) < 0.5).numpy()
    moved[flip] = moved[flip, :, ::-1]
    contrast = 1 + 0.2 * (2 * torch.rand(count, 1, 3, generator=generator) - 1)
    brightness = 0.1 * (2 * torch.rand(count, 1, 1, generator=generator) - 1)
    mean, std = torch.tensor(net.mean), torch.tensor(net.std)
    # One row of pixels is one run of 3 W numbers: many times faster than runs of 3.
    scale = (contrast / (255 * std)).repeat(1, 1, width).to(device)  # (n, 1, 3 W)
    offset = ((brightness - mean) / std).repeat(1, 1, width).to(device)
    x = torch.from_numpy(moved).to(device).flatten(2).float().mul_(scale).add_(offset)
    if recipe.hide:
        squares = int(torch.randint(2, 6, (), generator=generator))
        shown = torch.rand(count, 1, squares, squares, generator=generator) >= recipe.hide
        x *= F.interpolate(shown.float(), size=x.shape[1:])[:, 0].to(device)
    return x.reshape(count, height, width, 3).permute(0, 3, 1, 2)


def _normalised(net: CamModel, x: Tensor) -> Tensor:
    mean, std = x.new_tensor(net.mean), x.new_tensor(net.std)
    x = (x - mean.view(1, 3, 1, 1)) / std.view(1, 3, 1, 1)
    return x.contiguous(memory_format=torch.channels_last)


def _autocast(device: torch.device, precision: str) -> torch.autocast:
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16")


def _fastest(net: CamModel, images: Images, batch: int, threads: int | None) -> tuple[int, str]:
    """Time two steps of a copy with each setting; threads can lose on a busy machine."""
    device = net.head.weight.device
    if device.type != "cpu":
        return torch.get_num_threads(), "float32"
    before = torch.get_num_threads()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    choices = [threads] if threads is not None else sorted({1, min(2, cores or 1)})
    precisions = ["float32"]
    if torch.backends.cpu.get_cpu_capability() == "AVX512" and threads is None:
        precisions.append("bfloat16")
    if len(choices) * len(precisions) == 1:
        return choices[0], "float32"
    trial = copy.deepcopy(net).train()
    x = torch.from_numpy(images[:batch]).permute(0, 3, 1, 2).float() / 255
    inputs = _normalised(trial, x)
    taken = {}
    for count in choices:
        torch.set_num_threads(count)
        for precision in precisions:
            for _ in range(3):  # the last counts: the first ones warm up
                start = time.perf_counter()
                with _autocast(device, precision):
                    total = trial(inputs).float().sum()
                total.backward()
                taken[count, precision] = time.perf_counter() - start
    torch.set_num_threads(before)
    return min(taken, key=lambda setting: taken[setting])


# --- measuring --------------------------------------------------------------------------------


def inputs_of(net: CamModel, images: Images) -> Tensor:
    """Normalise pictures that already have the network's size.

    Args:
        net: says the mean and deviation.
        images: ``(N, H, W, 3)`` uint8.

    Returns:
        ``(N, 3, H, W)`` float32 on the network's device.
    """
    x = torch.from_numpy(images).to(net.head.weight.device).permute(0, 3, 1, 2).float() / 255
    return _normalised(net, x)


@torch.no_grad()
def accuracy(net: CamModel, images: Images, labels: Labels, batch: int = 128) -> float:
    """Measure the share of pictures whose highest score is the right class.

    Args:
        net: the network; its mode is given back.
        images: ``(N, H, W, 3)`` uint8, of the network's size.
        labels: ``(N,)``.
        batch: pictures in one pass.

    Returns:
        A share from 0 to 1.
    """
    mode = net.training
    net.eval()
    right = 0
    for i in range(0, len(images), batch):
        scores = net(inputs_of(net, images[i : i + batch]))
        right += int((scores.argmax(1).cpu().numpy() == labels[i : i + batch]).sum())
    net.train(mode)
    return right / len(images)


@dataclass(frozen=True)
class Measured:
    """How well a network answers and localizes on one set of pictures.

    Args:
        right: ``(N,)``, whether the answer was right.
        overlap: ``(N,)``, IoU of the 20 % box of the true class's map with the nearest true box.
        labels: ``(N,)``.
    """

    right: npt.NDArray[np.bool_]
    overlap: npt.NDArray[np.float64]
    labels: Labels

    @property
    def accuracy(self) -> float:
        """Share of right answers."""
        return float(self.right.mean())

    @property
    def gt_known(self) -> float:
        """Share of boxes with IoU of at least .5, the class being told."""
        return float((self.overlap >= 0.5).mean())

    def by_class(self, names: Sequence[str]) -> dict[str, dict[str, float]]:
        """The same for each class, rounded to three digits."""
        told = {}
        for c, name in enumerate(names):
            here = self.labels == c
            if here.any():
                told[name] = {
                    "accuracy": round(float(self.right[here].mean()), 3),
                    "gt_known": round(float((self.overlap[here] >= 0.5).mean()), 3),
                }
        return told


def measure(
    net: CamModel,
    pictures: Pictures,
    *,
    threshold: float = 0.2,
    workers: int = 0,
    batch: int = 64,
    progress: bool = False,
) -> Measured:
    """Measure accuracy and localization of a network on pictures of the world.

    Args:
        net: a network in evaluation mode; a flattened head is measured by its Grad-CAM.
        pictures: a set, of the network's size.
        threshold: share of the map's maximum that the box keeps.
        workers: processes that draw.
        batch: pictures in one pass.
        progress: show a bar while drawing.

    Returns:
        A `Measured`.
    """
    drawn = pictures.batch(workers=workers, progress=progress)
    return measure_drawn(net, drawn, threshold=threshold, batch=batch)


@torch.no_grad()
def measure_drawn(
    net: CamModel, drawn: Batch, *, threshold: float = 0.2, batch: int = 64
) -> Measured:
    """Measure as `measure` does, on pictures that are drawn already.

    Args:
        net: a network in evaluation mode; a flattened head is measured by its Grad-CAM.
        drawn: from ``pictures.batch()``.
        threshold: share of the map's maximum that the box keeps.
        batch: pictures in one pass.

    Returns:
        A `Measured`.
    """
    right: list[bool] = []
    overlap: list[float] = []
    for i in range(0, len(drawn.labels), batch):
        labels = drawn.labels[i : i + batch]
        features = net.features(inputs_of(net, drawn.images[i : i + batch]))
        right += (net.scores(features).argmax(1).cpu().numpy() == labels).tolist()
        small = class_activation_maps(features, map_weights(net, features), labels[:, None])
        maps = upsample(small, net.size).cpu().numpy()
        for j in range(len(labels)):
            box = box_from_map(maps[j, 0], threshold)
            overlap.append(0.0 if box is None else float(iou([box], drawn.boxes[i + j]).max()))
    return Measured(np.array(right), np.array(overlap), drawn.labels)


def map_weights(net: CamModel, features: Tensor) -> Tensor:
    """Find the weights that draw a network's maps, whatever its head.

    Average and max pooling: w_k^c. A flattened head weighs every place for itself, and Grad-CAM
    (Selvaraju et al. 2017) takes the mean over the places: its gradient is these very weights.

    Args:
        net: the network.
        features: f_k, ``(B, K, h, w)``.

    Returns:
        ``(C, K)``.
    """
    if net.pool != "flatten":
        return net.weights
    return net.weights.reshape(len(net.weights), features.shape[1], -1).mean(2)


@torch.no_grad()
def unit_similarity(net: CamModel, images: Images, labels: Labels, top: int = 8) -> float:
    """Measure how alike the maps of a class's strongest units are.

    For every class, the units with the largest weights; for every picture of the class, the mean
    correlation of their maps, two by two; then the mean over pictures, then over classes.

    Args:
        net: the network.
        images: ``(N, H, W, 3)`` uint8, of the network's size.
        labels: ``(N,)``.
        top: how many units.

    Returns:
        A correlation: near 1, every unit draws the same picture.
    """
    means = []
    for c in np.unique(labels):
        units = net.weights[int(c)].topk(top).indices
        features = net.features(inputs_of(net, images[labels == c]))[:, units].flatten(2)
        centred = features - features.mean(dim=2, keepdim=True)
        length = centred.norm(dim=2, keepdim=True)
        centred = centred / length.clamp_min(1e-12)
        alike = centred @ centred.transpose(1, 2)  # (n, top, top)
        alive = (length > 1e-6) & (length > 1e-6).transpose(1, 2)  # a silent unit has no map
        off = alive & ~torch.eye(top, dtype=torch.bool, device=alive.device)
        pairs = off.sum(dim=(1, 2))
        mean = (alike * off).sum(dim=(1, 2)) / pairs.clamp_min(1)
        means.append(float(mean[pairs > 0].mean()))
    return float(np.mean(means))
