"""What two trained networks do on 256 boxed photographs of ILSVRC's validation set, as numbers.

The photographs and the weights may not be handed on, so the package carries neither: only how well
every box fits. `make` writes the file where the material is; `real` reads it.
"""

from __future__ import annotations

import csv
import functools
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from safetensors.numpy import load_file, save
from torch import Tensor
from tqdm.auto import tqdm

from camkit import recipes, saliency, zoo
from camkit.boxes import Bools, Floats, Ints, centred_box
from camkit.cam import upsample
from camkit.heads import CamModel
from camkit.images import View, read
from camkit.metrics import iou, iou_at_thresholds
from camkit.tables.counted import SIDES, THRESHOLDS, averaged_in_cells, tight_and_loose

FILE = Path(__file__).resolve().parent.parent / "numbers" / "real.safetensors"
NETWORKS = {
    "squeezenet1_1": ("squeezenet1_1.pth", 224),
    # De-quantised: its padding is faithful only for sides of 32 k + 1.
    "mobilenet_v2": ("mobilenet_v2_tf2ptq.pth", 225),
}
MAPS = ("cam", "gradient", "gradient_cells", "class_blind", "other_class")
GUESSES = ("cam", "gradient_cells", "tight_and_loose")
STEPS = 200  # an IoU is kept as whole 200ths, rounded down: one byte, and .3, .5 and .7 stay exact

Stored: TypeAlias = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class RealNumbers:
    """How one trained network does on N photographs; every IoU is with the best true box.

    They are rounded *down* to multiples of .005, so that asking for at least .3, .5 or .7 gives the
    exact answer.

    Args:
        network: its name.
        labels: true class of each photograph, 0 to 999, ``(N,)``.
        boxes: number of its true boxes ``(N,)``.
        top5: the five classes with the highest scores, the surest first ``(N, 5)``.
        thresholds: .01, .02, ... .99, shares of the maximum ``(99,)``.
        curves: IoU at every threshold ``(N, 99)`` of the map of the true class ("cam"), of the
            gradient of its score, pixel by pixel ("gradient") and averaged over the cells of the
            map ("gradient_cells"), of the mean of all units ("class_blind"), and of the map of
            another class drawn by lot ("other_class").
        guesses: IoU of five guesses ``(N, 5)``: one box at 20 % for each of the five classes, from
            its map ("cam") or its gradient ("gradient_cells"); or the released tool's two boxes
            for the first and the second class and one for the third ("tight_and_loose"), see
            `camkit.boxes.five_guesses`.
        sides: .05, .10, ... 1, shares of each side ``(20,)``.
        centred: IoU of the centred box of every such side ``(N, 20)``; the last is the whole
            picture.
    """

    network: str
    labels: Ints
    boxes: Ints
    top5: Ints
    thresholds: Floats
    curves: dict[str, Floats]
    guesses: dict[str, Floats]
    sides: Floats
    centred: Floats

    @property
    def right(self) -> Bools:
        """Whether the surest class is the true one ``(N,)``."""
        right: Bools = self.top5[:, 0] == self.labels
        return right


def real(network: str = "mobilenet_v2") -> RealNumbers:
    """Read what a network trained on ImageNet does on 256 photographs: numbers only.

    Args:
        network: "mobilenet_v2" or "squeezenet1_1".

    Returns:
        A `RealNumbers`.

    Raises:
        ValueError: there are no numbers of this network.

    Example:
        >>> numbers = real()
        >>> numbers.curves["cam"].shape, numbers.guesses["cam"].shape, numbers.centred.shape
        ((256, 99), (256, 5), (256, 20))
        >>> at_20 = numbers.curves["cam"][:, numbers.thresholds == 0.2]
        >>> bool(0.6 < (at_20 >= 0.5).mean() < 0.75)              # class known
        True
    """
    return decoded(_stored(), network)


@functools.cache
def _stored() -> Stored:
    return dict(load_file(FILE))


def decoded(told: Stored, network: str) -> RealNumbers:
    """Turn the file's content into arrays of IoUs."""
    if f"{network}.top5" not in told:
        known = ", ".join(repr(key.split(".")[0]) for key in sorted(told) if key.endswith(".top5"))
        raise ValueError(f"There are no numbers of {network!r}, only of {known}.")
    return RealNumbers(
        network=network,
        labels=told["labels"].astype(np.int64),
        boxes=told["boxes"].astype(np.int64),
        top5=told[f"{network}.top5"].astype(np.int64),
        thresholds=THRESHOLDS,
        curves={name: told[f"{network}.curves.{name}"] / STEPS for name in MAPS},
        guesses={name: told[f"{network}.guesses.{name}"] / STEPS for name in GUESSES},
        sides=SIDES,
        centred=told["centred"] / STEPS,
    )


def _floored(overlaps: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    # A billionth more, so that .29, which a computer holds as a little less, stays .29.
    return np.floor(np.asarray(overlaps) * STEPS + 1e-9).astype(np.uint8)


# --- making it ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Photograph:
    """A photograph with its class and its true boxes ``(m, 4)``, in its own pixels."""

    file: Path
    label: int
    boxes: Floats


def photographs(folder: Path) -> list[Photograph]:
    """List the boxed photographs of a folder of real material, in the order of its list."""
    found: dict[str, tuple[int, list[list[float]]]] = {}
    home = folder / "imagenet-val-boxes"
    with (home / "boxes.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            _, boxes = found.setdefault(row["file"], (int(row["index"]), []))
            boxes.append([float(row[side]) for side in ("x0", "y0", "x1", "y1")])
    return [Photograph(home / name, label, np.array(b)) for name, (label, b) in found.items()]


def network(folder: Path, name: str) -> CamModel:
    """Load one of `NETWORKS` from a folder of real material."""
    weights, size = NETWORKS[name]
    return zoo.load(name, folder / "weights" / weights, size=size)


def examined(net: CamModel, photograph: Photograph, other: int) -> Stored:
    """Measure one network on one photograph.

    Args:
        net: a network with average pooling, in evaluation mode.
        photograph: what to look at.
        other: a class that is not the photograph's, for the control.

    Returns:
        One row of everything the file holds of a network.
    """
    inputs, truth = _prepared(net, photograph)
    with torch.no_grad():
        features = net.features(inputs)
        top5 = net.scores(features)[0].topk(5).indices.tolist()
        wanted = [photograph.label, *top5]
        maps = net.maps(features, [*wanted, other])
        cams = upsample(torch.cat([maps, saliency.class_blind(features)], dim=1), net.size)[0]
    pixels = saliency.gradient(net, inputs, wanted)
    cells = upsample(averaged_in_cells(pixels, features), net.size)[0]
    shown = zip(MAPS, (cams[0], pixels[0, 0], cells[0], cams[-1], cams[-2]), strict=True)
    boxes = tight_and_loose(cams[1:4].numpy())
    return {
        "top5": np.array(top5, np.int16),
        **{f"curves.{name}": _floored(_curve(one, truth)) for name, one in shown},
        "guesses.cam": _floored([_curve(one, truth, [0.2])[0] for one in cams[1:6]]),
        "guesses.gradient_cells": _floored([_curve(one, truth, [0.2])[0] for one in cells[1:]]),
        "guesses.tight_and_loose": _floored(iou(boxes, truth).max(axis=1)),
    }


def _curve(one: Tensor, truth: Floats, thresholds: npt.ArrayLike = THRESHOLDS) -> Floats:
    return iou_at_thresholds(one.numpy(), truth, thresholds)


def _prepared(net: CamModel, photograph: Photograph) -> tuple[Tensor, Floats]:
    """The network's input ``(1, 3, H, W)``, and the true boxes in its pixels."""
    pixels = read(photograph.file)
    (height, width), (rows, columns) = pixels.shape[:2], net.size
    inputs = View.of((height, width), net.size).to_input(pixels, net.mean, net.std)[None]
    truth = photograph.boxes * np.array([columns / width, rows / height] * 2)
    return inputs, truth.clip(0, np.array([columns, rows] * 2))


def real_folder(folder: str | os.PathLike[str] | None = None) -> Path:
    """Find the real material: the folder given, or the one that ``CAMKIT_REALDATA`` names."""
    named = folder or os.environ.get("CAMKIT_REALDATA")
    if not named or not Path(named, "imagenet-val-boxes", "boxes.csv").is_file():
        raise ValueError(
            "The numbers need real photographs with boxes: let the environment variable "
            "CAMKIT_REALDATA name a folder with imagenet-val-boxes/boxes.csv and weights/"
            + (f"; {named} is none." if named else ".")
        )
    return Path(named)


def others(labels: Sequence[int]) -> list[int]:
    """Draw another class for every row, by a fixed seed."""
    steps = np.random.default_rng(0).integers(1, 1000, len(labels))
    return [int(value) for value in (np.array(labels) + steps) % 1000]


def make(folder: str | os.PathLike[str] | None = None, target: Path = FILE) -> Path:
    """Measure `NETWORKS` on the boxed photographs and write the numbers.

    Args:
        folder: real photographs and weights; the one that ``CAMKIT_REALDATA`` names by default.
        target: the file to write.

    Returns:
        The file.

    Raises:
        ValueError: there is no such folder.
    """
    home = real_folder(folder)
    rows = photographs(home)
    labels = [row.label for row in rows]
    told: Stored = {
        "labels": np.array(labels, np.int16),
        "boxes": np.array([len(row.boxes) for row in rows], np.uint8),
        "centred": np.stack([_centred(row) for row in rows]),
    }
    for name in NETWORKS:
        net = network(home, name)
        pairs = zip(tqdm(rows, desc=name), others(labels), strict=True)
        found = [examined(net, row, other) for row, other in pairs]
        told |= {f"{name}.{key}": np.stack([one[key] for one in found]) for key in found[0]}
    about = "IoU of boxes with the best true box, in 200ths, on ILSVRC 2012 validation photographs"
    recipes.write(target, save(told, metadata={"about": about}))
    return target


def _centred(photograph: Photograph) -> npt.NDArray[np.uint8]:
    height, width = read(photograph.file).shape[:2]
    boxes = [centred_box(height, width, side) for side in SIDES]
    return _floored(iou(boxes, photograph.boxes).max(axis=1))
