"""What the shipped networks do on pictures of the world: the numbers beside the paper's.

`make` measures and writes them; `numbers` reads them, and leaves out any network that was trained
anew since, so that a table never shows an old figure for a new network.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from camkit import recipes, saliency, world, zoo
from camkit.boxes import GUESS_RANKS, Floats, centred_box, five_guesses
from camkit.cam import upsample
from camkit.heads import CamModel
from camkit.metrics import AGREES, iou, iou_at_thresholds
from camkit.tables.counted import (
    AT_20,
    SIDES,
    THRESHOLDS,
    averaged_in_cells,
    errors,
    percent,
    tool_boxes,
    tuned,
)
from camkit.tables.paper import RELATIVES
from camkit.train import inputs_of

FILE = Path(__file__).resolve().parent.parent / "numbers" / "tables.json"
PICTURES = 1000
KINDS = ("ordinary", "hard")


def numbers() -> dict[str, dict[str, Any]]:
    """Read what was measured, of the networks that are still the ones measured."""
    if not FILE.exists():
        return {}
    return _still_here(json.loads(FILE.read_text(encoding="utf-8"))["networks"])


def make(
    names: Sequence[str] | None = None,
    target: Path = FILE,
    *,
    count: int = PICTURES,
    progress: bool = True,
) -> Path:
    """Measure the shipped networks of the tables on test pictures and write the numbers.

    The file is written after every network; one that was measured already is not measured again.

    Args:
        names: which; all that Tables 1 to 3 name and that are here by default.
        target: the file to write.
        count: pictures, and as many hard ones.
        progress: show bars.

    Returns:
        The file.
    """
    wanted = names or [name for name in RELATIVES.values() if name in zoo.shipped()]
    about = f"{count} pictures of Objects(split='test', seed=0), and as many with hard=True"
    told: dict[str, Any] = {"about": about, "networks": {}}
    before = json.loads(target.read_text(encoding="utf-8")) if target.exists() else told
    if before["about"] == about:
        told["networks"] = _still_here(before["networks"])
    left = [name for name in wanted if name not in told["networks"]]
    drawn = {
        kind: world.Objects(split="test", hard=kind == "hard", length=count).batch(
            progress=progress
        )
        for kind in (KINDS if left else ())
    }
    for name in tqdm(left, desc="networks", disable=not progress):
        net = zoo.load(name)
        found = {kind: measured(net, pictures) for kind, pictures in drawn.items()}
        told["networks"][name] = {"sha256": zoo.card(name)["sha256"], **found}
        told["networks"] = {n: told["networks"][n] for n in sorted(told["networks"])}
        target.parent.mkdir(exist_ok=True)
        recipes.write(target, (json.dumps(told, indent=1) + "\n").encode())
    return target


def _still_here(told: dict[str, Any]) -> dict[str, Any]:
    """The entries whose network is shipped, and has the weights that were measured."""
    here = zoo.shipped()
    return {
        name: one
        for name, one in told.items()
        if name in here and zoo.card(name).get("sha256") == one["sha256"]
    }


def measured(net: CamModel, drawn: world.Batch, batch: int = 50) -> dict[str, Any]:
    """Measure classification and localization of one network, and of its free rivals.

    Only the true class's boxes are drawn: no other guess can be right.

    Args:
        net: a network of any pooling, in evaluation mode; a flattened one has no map, so that only
            its gradient draws boxes.
        drawn: pictures of the network's size, with their boxes.
        batch: pictures in one pass.

    Returns:
        ``classification``: errors top-1 and top-5; then for each way to draw a box what
        `camkit.tables.counted.errors` gives, and in ``five`` the top-5 localization errors. All in
        percent.
    """
    curves: dict[str, list[Floats]] = {}
    tool: list[Floats] = []
    guessed = np.empty((len(drawn.labels), 5), np.int64)
    for i in range(0, len(drawn.labels), batch):
        here = slice(i, i + batch)
        guessed[here], ways = _maps(net, drawn.images[here], drawn.labels[here])
        for way, maps in ways.items():
            for one, truth in zip(maps, drawn.boxes[here], strict=True):
                curves.setdefault(way, []).append(iou_at_thresholds(one, truth, THRESHOLDS))
                if way == "cam":
                    tool.append(five_guesses([tool_boxes(one)] * 3)[1])
    named = guessed == drawn.labels[:, None]  # (N, 5)
    right = named[:, 0]
    told: dict[str, Any] = {
        "classification": [percent(~right), percent(~named.any(axis=1))],
        "five": {},
    }
    for way, found in curves.items():
        hits = np.array(found) >= AGREES
        told[way] = errors(right, hits[:, AT_20])
        told[f"{way}_tuned"] = errors(right, tuned(hits))
        told["five"][way] = percent(~(named.any(axis=1) & hits[:, AT_20]))
    if tool:
        agree = _overlaps(tool, drawn.boxes) >= AGREES
        told["five"]["tight_and_loose"] = percent(~(agree & named[:, GUESS_RANKS]).any(axis=1))
    height, width = drawn.images.shape[1:3]
    boxes = np.array([centred_box(height, width, side) for side in SIDES])
    centred = _overlaps([boxes] * len(right), drawn.boxes) >= AGREES
    told["centred"] = errors(right, tuned(centred))
    told["whole"] = errors(right, centred[:, -1])
    return told


def _maps(net: CamModel, images: Any, labels: Any) -> tuple[Any, dict[str, Any]]:
    """The five surest classes ``(B, 5)``, and the true class's maps ``(B, H, W)`` in three ways."""
    inputs, wanted = inputs_of(net, images), labels[:, None]
    with torch.no_grad():
        features = net.features(inputs)
        best = net.scores(features).topk(5).indices.cpu().numpy()
    cells = averaged_in_cells(saliency.gradient(net, inputs, wanted), features)
    ways: dict[str, Tensor] = {"gradient": cells, "class_blind": saliency.class_blind(features)}
    if net.pool != "flatten":
        ways["cam"] = net.maps(features, wanted).detach()
    large = {way: upsample(maps, net.size)[:, 0].cpu().numpy() for way, maps in ways.items()}
    return best, large


def _overlaps(boxes: Sequence[Floats], truths: Sequence[Floats]) -> Floats:
    """IoU of every picture's boxes with its best true box ``(N, n)``."""
    pairs = zip(boxes, truths, strict=True)
    return np.array([iou(some, truth).max(axis=1) for some, truth in pairs])
