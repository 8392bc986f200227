"""What happens to answers when a picture is covered, turned or enlarged: drawings and photographs.

`make` measures and writes the numbers, `coverings` reads them. Only numbers are kept, no picture.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr
from tqdm.auto import tqdm

from camkit import recipes, world, zoo
from camkit.boxes import Floats
from camkit.cam import upsample
from camkit.heads import CamModel
from camkit.images import Array, View, read
from camkit.metrics import AGREES, iou_at_thresholds
from camkit.probe import cover_everywhere
from camkit.tables import photographs
from camkit.tables.counted import AT_20, THRESHOLDS

FILE = Path(__file__).resolve().parent.parent / "numbers" / "covering.json"
DRAWINGS = 200
PLACES = 7  # of the square, down and across
PHOTOGRAPHS = "mobilenet_v2"
TURNS = {"mirrored": 0, "on its side": 1, "upside down": 2}

Seen = tuple[Array, int, Floats]
"""A picture, its class and its true boxes ``(m, 4)``."""


@dataclass(frozen=True)
class Covered:
    """How one network's answers take a square of a tenth, a turn, and twice the size.

    Args:
        pictures: how many were measured.
        accuracy: share of right answers to the whole pictures.
        kept: share of pictures whose answer stays with the square on the "hottest" place, on the
            "coldest", on "any" (the mean over all places), and on the "worst".
        rank_heat: median over the pictures of Spearman's rank correlation between the heat of the
            places and their drop in log-odds.
        rank_expected: the same for the drop that the maps let one expect.
        hottest_is_worst: share of pictures in which the hottest place is the most harmful.
        turned: share of pictures whose answer stays, by turn.
        enlarged: at the network's own size and at twice its side: share of right answers
            ("answers"), of right boxes at 20 % ("boxes_20") and at the threshold that is best on
            these very pictures ("boxes_best").
    """

    pictures: int
    accuracy: float
    kept: dict[str, float]
    rank_heat: float
    rank_expected: float
    hottest_is_worst: float
    turned: dict[str, float]
    enlarged: dict[str, list[float]]


def coverings() -> dict[str, Covered]:
    """Read what was measured.

    Returns:
        "drawings": the network `objects` on pictures of the world; "photographs": MobileNetV2 on
        boxed photographs of ILSVRC's validation set.

    Example:
        >>> told = coverings()
        >>> told["photographs"].rank_heat < told["drawings"].rank_heat
        True
    """
    told = json.loads(FILE.read_text(encoding="utf-8"))
    return {name: Covered(**told[name]) for name in ("drawings", "photographs")}


def make(target: Path = FILE) -> Path:
    """Measure drawings and photographs and write the numbers.

    Args:
        target: the file to write.

    Returns:
        The file.

    Raises:
        ValueError: there are no photographs.
    """
    home = photographs.real_folder()
    rows = photographs.photographs(home)[::2]  # half of them tell as much
    told = {
        "about": f"{DRAWINGS} pictures of world.Objects('test', seed=12) with objects; "
        f"{len(rows)} photographs of ILSVRC 2012 validation with {PHOTOGRAPHS}",
        "networks": {"objects": zoo.card("objects")["sha256"]},
        "drawings": measured(zoo.load("objects"), drawings(DRAWINGS)),
        "photographs": measured(
            photographs.network(home, PHOTOGRAPHS),
            [(read(row.file), row.label, row.boxes) for row in rows],
        ),
    }
    recipes.write(target, (json.dumps(told, indent=1) + "\n").encode())
    return target


def drawings(count: int) -> list[Seen]:
    """Draw the world's pictures that were measured, the first ``count`` of them."""
    samples = world.Objects(split="test", seed=12, size=256, length=count)
    return [(one.image, one.label, one.boxes) for one in samples]


def measured(net: CamModel, seen: Sequence[Seen], progress: bool = True) -> dict[str, Any]:
    """Measure one network.

    Args:
        net: a network with average pooling, in evaluation mode.
        seen: pictures with class and boxes.
        progress: show a bar.

    Returns:
        The fields of a `Covered`.
    """
    rows = [covered(net, one) for one in tqdm(seen, desc="covering", disable=not progress)]
    sizes = [net.size, (2 * net.size[0] - net.size[0] % 2, 2 * net.size[1] - net.size[1] % 2)]
    large = [enlarged(net, seen, size, progress) for size in sizes]

    def mean(values: Sequence[Any]) -> float:
        return round(float(np.mean(values)), 4)

    return {
        "pictures": len(rows),
        "accuracy": mean([row["right"] for row in rows]),
        "kept": {k: mean([row[k] for row in rows]) for k in ("hottest", "coldest", "any", "worst")},
        **{
            k: round(float(np.median([row[k] for row in rows])), 3)
            for k in ("rank_heat", "rank_expected")
        },
        "hottest_is_worst": mean([row["hottest_is_worst"] for row in rows]),
        "turned": {turn: mean([row[turn] for row in rows]) for turn in TURNS},
        "enlarged": {k: [one[k] for one in large] for k in large[0]},
    }


def covered(net: CamModel, one: Seen) -> dict[str, Any]:
    """Cover and turn one picture.

    Args:
        net: the network.
        one: picture, class, boxes.

    Returns:
        Whether the answer is right, whether it stays, and both rank correlations.
    """
    pixels, label, _ = one
    found = cover_everywhere(net, pixels, places=PLACES, progress=False)
    drops, heat = found.drops.ravel(), found.heat.ravel()
    kept = found.kept.ravel()
    turned = {
        "mirrored": pixels[:, ::-1],
        "on its side": np.rot90(pixels),
        "upside down": np.rot90(pixels, 2),
    }
    with torch.no_grad():
        answers = net.explain([np.ascontiguousarray(turned[turn]) for turn in TURNS], 1)
    stays = (answers.scores.argmax(dim=1) == found.answer).tolist()
    return {
        "right": found.answer == label,
        "hottest": kept[heat.argmax()],
        "coldest": kept[heat.argmin()],
        "any": kept.mean(),
        "worst": kept[drops.argmax()],
        "rank_heat": spearmanr(heat, drops).statistic,
        "rank_expected": spearmanr(found.expected_drops.ravel(), drops).statistic,
        "hottest_is_worst": heat.argmax() == drops.argmax(),
        **dict(zip(TURNS, stays, strict=True)),
    }


def enlarged(
    net: CamModel, seen: Sequence[Seen], size: tuple[int, int], progress: bool = True
) -> dict[str, float]:
    """Feed the same pixels at a size: right answers, right boxes of the true class.

    Args:
        net: the network, whatever its own size.
        seen: pictures with class and boxes.
        size: height and width of the input.
        progress: show a bar.

    Returns:
        Shares: "answers", "boxes_20", "boxes_best".
    """
    small = net.size
    right, curves = [], []
    for pixels, label, boxes in tqdm(seen, desc=f"input of {size[0]}", disable=not progress):
        # First to the network's own size: enlarging then adds not one pixel.
        own = View.of((pixels.shape[0], pixels.shape[1]), small)
        inputs = own.to_input(pixels, net.mean, net.std)[None]
        with torch.no_grad():
            features = net.features(upsample(inputs, size))
            right.append(int(net.scores(features).argmax()) == label)
            one = upsample(net.maps(features, label), size)[0, 0].numpy()
        factor = np.array([size[1] / pixels.shape[1], size[0] / pixels.shape[0]] * 2)
        curves.append(iou_at_thresholds(one, boxes * factor, THRESHOLDS))
    hits = np.array(curves) >= AGREES
    return {
        "answers": round(float(np.mean(right)), 4),
        "boxes_20": round(float(hits[:, AT_20].mean()), 4),
        "boxes_best": round(float(hits.mean(axis=0).max()), 4),
    }
