"""What the shipped networks do on the hard pictures of the world: the numbers beside the paper's.

`make` measures and writes them; `numbers` reads them, and leaves out any network that was trained
anew since, so that a table never shows an old figure for a new network.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm.auto import tqdm

from camkit import saliency, world, zoo
from camkit.boxes import GUESS_RANKS, Bools, Floats, centred_box
from camkit.cam import upsample
from camkit.heads import CamModel
from camkit.metrics import AGREES, iou, iou_at_thresholds
from camkit.tables.counted import AT_20, SIDES, THRESHOLDS, errors, percent, tight_and_loose, tuned
from camkit.tables.paper import RELATIVES
from camkit.train import inputs_of

FILE = Path(__file__).resolve().parent.parent / "numbers" / "tables.json"
PICTURES = 1000


def numbers() -> dict[str, dict[str, Any]]:
    """Read what was measured, of the networks that are still the ones measured."""
    if not FILE.exists():
        return {}
    told = json.loads(FILE.read_text(encoding="utf-8"))["networks"]
    here = zoo.shipped()
    return {
        name: one
        for name, one in told.items()
        if name in here and zoo.card(name).get("sha256") == one["sha256"]
    }


def make(
    names: Sequence[str] | None = None,
    target: Path = FILE,
    *,
    count: int = PICTURES,
    progress: bool = True,
) -> Path:
    """Measure the shipped networks of the tables on hard test pictures and write the numbers.

    Args:
        names: which; all that Tables 1 to 3 name and that are here by default.
        target: the file to write.
        count: pictures.
        progress: show bars.

    Returns:
        The file.
    """
    wanted = names or [name for name in RELATIVES.values() if name in zoo.shipped()]
    told: dict[str, Any] = {
        "about": f"{count} pictures of Objects(split='test', hard=True, seed=0); boxes at 20 %",
        "networks": {},
    }
    drawn = world.Objects(split="test", hard=True, length=count).batch(progress=progress)
    for name in tqdm(wanted, desc="networks", disable=not progress):
        found = measured(zoo.load(name), drawn)
        told["networks"][name] = {"sha256": zoo.card(name)["sha256"], **found}
    target.parent.mkdir(exist_ok=True)
    half = target.with_suffix(".part")
    half.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    half.replace(target)
    return target


def measured(net: CamModel, drawn: world.Batch, batch: int = 50) -> dict[str, Any]:
    """Measure classification and localization of one network, and of its free rivals.

    Args:
        net: a network of any pooling, in evaluation mode; a flattened one has no map, so that only
            its gradient draws boxes.
        drawn: pictures of the network's size, with their boxes.
        batch: pictures in one pass.

    Returns:
        ``classification``: errors top-1 and top-5; then for each way to draw a box what `errors`
        gives, and for ``five`` the top-5 localization errors. All in percent.
    """
    top5: list[list[int]] = []
    curves: dict[str, list[Floats]] = {}
    five: dict[str, list[Bools]] = {}
    for i in range(0, len(drawn.labels), batch):
        here = slice(i, i + batch)
        for way, row, guesses in _examined(net, drawn.images[here], drawn.labels[here], top5):
            truth = drawn.boxes[i + row]
            rank = _rank(top5[i + row], int(drawn.labels[i + row]))
            curves.setdefault(way, []).append(iou_at_thresholds(guesses[0], truth, THRESHOLDS))
            if way == "class_blind":
                continue
            for kind, hit in _five(way, guesses, rank, truth).items():
                five.setdefault(kind, []).append(hit)
    guessed, labels = np.array(top5), drawn.labels
    right = guessed[:, 0] == labels
    told: dict[str, Any] = {
        "classification": [
            percent(~right),
            percent(~(guessed == labels[:, None]).any(axis=1)),
        ],
        "five": {kind: percent(~np.array(hits)) for kind, hits in five.items()},
    }
    for way, found in curves.items():
        hits = np.array(found) >= AGREES
        told[way] = errors(right, hits[:, AT_20])
        told[f"{way}_tuned"] = errors(right, tuned(hits))
    height, width = drawn.images.shape[1:3]
    boxes = [centred_box(height, width, side) for side in SIDES]
    centred = np.array([iou(boxes, truth).max(axis=1) for truth in drawn.boxes]) >= AGREES
    told["centred"] = errors(right, tuned(centred))
    told["whole"] = errors(right, centred[:, -1])
    return told


def _examined(
    net: CamModel, images: Any, labels: Any, top5: list[list[int]]
) -> Iterator[tuple[str, int, Any]]:
    """Ways to draw boxes, rows, and maps: of the true class, then of the five guessed ones."""
    inputs = inputs_of(net, images)
    with torch.no_grad():
        features = net.features(inputs)
        best = net.scores(features).topk(5).indices
    top5 += best.tolist()
    wanted = torch.cat([torch.from_numpy(labels)[:, None].to(best.device), best], dim=1)
    cells = F.adaptive_avg_pool2d(saliency.gradient(net, inputs, wanted), features.shape[2:])
    ways: dict[str, Tensor] = {"gradient": cells, "class_blind": saliency.class_blind(features)}
    if net.pool != "flatten":
        ways["cam"] = net.maps(features, wanted)
    for way, maps in ways.items():
        for row, one in enumerate(upsample(maps.detach(), net.size).cpu().numpy()):
            yield way, row, one


def _rank(guessed: Sequence[int], label: int) -> int:
    """The place of the true class among five guesses; 5 where it is none of them."""
    return guessed.index(label) if label in guessed else 5


def _five(way: str, maps: Any, rank: int, truth: Floats) -> dict[str, bool]:
    """Is one of five guesses right: one box a class, and the tight and loose ones?"""
    box = iou_at_thresholds(maps[0], truth, [0.2])[0] >= AGREES  # the true class's map
    told = {way: bool(rank < 5 and box)}
    if way == "cam":
        agree = iou(tight_and_loose(maps[1:4]), truth).max(axis=1) >= AGREES
        told["tight_and_loose"] = bool((agree & (np.array(GUESS_RANKS) == rank)).any())
    return told
