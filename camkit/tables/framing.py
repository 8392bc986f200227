"""How often boxes are right when the objects fill more or less of the picture: one set of networks,
several framings.

`make` measures and writes the numbers, `framings` reads them. Every setting is chosen on one half
of the pictures and reported on the other.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm.auto import tqdm

from camkit import recipes, saliency, world, zoo
from camkit.boxes import Bools, Floats, centred_box
from camkit.cam import upsample
from camkit.heads import CamModel
from camkit.metrics import AGREES, iou, iou_at_thresholds
from camkit.tables.counted import AT_20, SIDES, THRESHOLDS, halves
from camkit.train import inputs_of
from camkit.world import Batch

FILE = Path(__file__).resolve().parent.parent / "numbers" / "framing.json"
FRAMINGS = (0.06, 0.1, 0.16, 0.24, 0.34, 0.45, 0.57, 0.7)
PICTURES = 400
NETWORKS = {"cam": "objects", "max": "objects-max"}
SETTINGS = {"cam": THRESHOLDS, "class_blind": THRESHOLDS, "max": THRESHOLDS, "centred": SIDES}
"""The ways to draw a box that have something to choose, and what there is to choose from."""


@dataclass(frozen=True)
class Framing:
    """How often each way to draw a box is right while objects fill one share of the picture.

    Args:
        asked: the share that the objects' boxes were to take.
        share: the share that they do take, as far as they fit; the median.
        pictures: how many were measured.
        right: share of right boxes (IoU of at least .5, the class being told) by way: the class
            map at 20 % ("cam_20") and at the best threshold ("cam"), the mean of all units
            ("class_blind"), the centred box ("centred"), the map of the twin that pools by its
            maximum, at 20 % ("max_20") and at the best threshold ("max").
        chosen: for each way that has something to choose, the setting chosen on either half: a
            threshold, or the side of the centred box. It counts for the *other* half.
    """

    asked: float
    share: float
    pictures: int
    right: dict[str, float]
    chosen: dict[str, tuple[float, float]]


def framings() -> list[Framing]:
    """Read what was measured, from the smallest objects to the largest.

    Returns:
        One `Framing` for each of `FRAMINGS`.

    Example:
        >>> small, *_, large = framings()
        >>> small.right["centred"] < 0.3 < 0.8 < large.right["centred"]
        True
    """
    told = json.loads(FILE.read_text(encoding="utf-8"))
    return [
        Framing(**{**row, "chosen": {way: (a, b) for way, (a, b) in row["chosen"].items()}})
        for row in told["framings"]
    ]


def make(target: Path = FILE, *, count: int = PICTURES, progress: bool = True) -> Path:
    """Measure the average and the maximum twin on pictures of every framing; write the numbers.

    Args:
        target: the file to write.
        count: pictures of each framing.
        progress: show a bar.

    Returns:
        The file.
    """
    nets = {way: zoo.load(name) for way, name in NETWORKS.items()}
    rows = []
    for share in tqdm(FRAMINGS, desc="framings", disable=not progress):
        pictures = world.Objects(split="test", framing=share, length=count)
        rows.append(measured(share, pictures.batch(progress=False), nets))
    told = {
        "about": f"{count} pictures each of world.Objects(split='test', seed=0, framing=...)",
        "networks": {name: zoo.card(name)["sha256"] for name in NETWORKS.values()},
        "framings": rows,
    }
    target.parent.mkdir(exist_ok=True)
    recipes.write(target, (json.dumps(told, indent=1) + "\n").encode())
    return target


def measured(asked: float, drawn: Batch, nets: dict[str, CamModel]) -> dict[str, Any]:
    """Measure every way to draw a box on one framing.

    Args:
        asked: the framing.
        drawn: its pictures, of the networks' size.
        nets: the average twin ("cam") and the maximum twin ("max").

    Returns:
        The fields of a `Framing`.
    """
    hits = {way: curves >= AGREES for way, curves in _curves(drawn, nets).items()}
    height, width = drawn.images.shape[1:3]
    boxes = np.array([centred_box(height, width, side) for side in SIDES])
    overlaps = [iou(boxes, truth).max(axis=1) for truth in drawn.boxes]
    hits["centred"] = np.array(overlaps) >= AGREES
    found = {way: _halved(hits[way], SETTINGS[way]) for way in SETTINGS}
    areas = [(truth[:, 2:] - truth[:, :2]).prod(axis=1).max() for truth in drawn.boxes]
    right = {way: share for way, (share, _) in found.items()}
    right |= {f"{way}_20": float(hits[way][:, AT_20].mean()) for way in nets}
    return {
        "asked": asked,
        "share": round(float(np.median(areas)) / (height * width), 3),
        "pictures": len(drawn.labels),
        "right": {way: round(share, 4) for way, share in sorted(right.items())},
        "chosen": {way: chosen for way, (_, chosen) in found.items()},
    }


def _curves(drawn: Batch, nets: dict[str, CamModel], batch: int = 50) -> dict[str, Floats]:
    """The IoU of every picture at every threshold ``(N, 99)``, for three maps."""
    curves: dict[str, list[Floats]] = {}
    for i in range(0, len(drawn.labels), batch):
        here = slice(i, i + batch)
        ways = {}
        with torch.no_grad():
            for way, net in nets.items():
                features = net.features(inputs_of(net, drawn.images[here]))
                ways[way] = net.maps(features, drawn.labels[here, None])
                if way == "cam":
                    ways["class_blind"] = saliency.class_blind(features)
        size = drawn.images.shape[1:3]
        for way, maps in ways.items():
            large = upsample(maps, size)[:, 0].cpu().numpy()
            for one, truth in zip(large, drawn.boxes[here], strict=True):
                curves.setdefault(way, []).append(iou_at_thresholds(one, truth, THRESHOLDS))
    return {way: np.array(rows) for way, rows in curves.items()}


def _halved(hits: Bools, settings: Floats) -> tuple[float, list[float]]:
    """The share of right boxes, each with the setting chosen on the half it is not in; both."""
    first = halves(len(hits))
    best = [int(hits[half].mean(axis=0).argmax()) for half in (first, ~first)]
    right = hits[~first, best[0]].sum() + hits[first, best[1]].sum()
    return float(right) / len(hits), [float(settings[k]) for k in best]
