"""What a linear SVM on the features of an object network makes of drawn scenes.

`make` measures and writes two files, the numbers and the pooled features; `numbers` and `features`
read them, so that a lesson trains its SVM in a second and draws nothing it does not show.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.numpy import load_file, save
from tqdm.auto import tqdm

from camkit import recipes, saliency, transfer, world, zoo
from camkit.heads import CamModel
from camkit.train import inputs_of
from camkit.transfer import Doubles, Floats, Labels, LinearSvm
from camkit.world import Batch, Scene

FILE = Path(__file__).resolve().parent.parent / "numbers" / "scenes.json"
ARRAYS = FILE.with_suffix(".safetensors")
TRAIN, TEST = 1000, 500
EACH = (2, 4, 8, 16, 32, 64, 100)
"""Labelled pictures of each scene, in the curve of accuracy."""
DRAWS = 5
NETWORKS = {
    "objects, average pooled": "objects",
    "small-googlenet, average pooled": "small-googlenet",
    "small-googlenet-coarse, average pooled": "small-googlenet-coarse",
    "small-alexnet-flatten, last maps averaged": "small-alexnet-flatten",
}
PIXELS: dict[transfer.Raw, str] = {
    "colours": "pixels, 16 x 16 colours",
    "grey": "pixels, 16 x 16 grey",
    "histogram": "pixels, histogram of colours",
}
BOATS = ("two", "without rear", "without front", "none")
COST = 0.01
"""Of every SVM in the curve, where the pictures are too few to choose one."""


@dataclass(frozen=True)
class Features:
    """Pooled features of the network `objects` on drawn scenes.

    Args:
        train: ``(1000, 64)``, of `world.Scenes` "train".
        train_labels: ``(1000,)``, places in `world.SCENES`.
        test: ``(500, 64)``, of `world.Scenes` "test".
        test_labels: ``(500,)``.
    """

    train: Floats
    train_labels: Labels
    test: Floats
    test_labels: Labels


def features() -> Features:
    """Read the pooled features that come with camkit.

    Returns:
        The `Features`, in half precision when they were written.

    Example:
        >>> found = features()
        >>> found.train.shape, found.test_labels[:3].tolist()
        ((1000, 64), [0, 1, 2])
    """
    kept = load_file(ARRAYS)
    train, test = (kept[name].astype(np.float32) for name in ("train", "test"))
    turns = np.arange(max(len(train), len(test)), dtype=np.int64) % len(world.SCENES)
    return Features(train, turns[: len(train)], test, turns[: len(test)])


def numbers() -> dict[str, Any]:
    """Read what was measured.

    Returns:
        ``cost`` (of the SVM on the features of `objects`, chosen by cross-validation), ``table5``
        (rows of accuracy), ``lift`` (mean and 95 % interval for three maps), ``curve``
        (accuracy for so many labelled pictures of each scene), ``removals`` (what taking one thing
        out does, by the part it plays) and ``two_boats`` (margins with
        two boats, without either, without both).

    Example:
        >>> told = numbers()
        >>> told["lift"]["own scene"][1] > told["lift"]["class-blind"][2]
        True
    """
    told: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return told


def make(
    target: Path = FILE, *, train: int = TRAIN, test: int = TEST, progress: bool = True
) -> Path:
    """Draw the scenes, pool features, train SVMs, take things out; write both files.

    Args:
        target: the file of numbers; the features go beside it.
        train: training pictures.
        test: test pictures.
        progress: show bars.

    Returns:
        The file of numbers.
    """
    seen = [
        world.Scenes(split, length=count).batch(progress=progress)
        for split, count in (("train", train), ("test", test))
    ]
    nets = {row: zoo.load(name) for row, name in NETWORKS.items()}
    rows, kept = [], None
    for row, net in nets.items():
        pooled = [transfer.pooled_features(net, b.images, progress=progress) for b in seen]
        svm = transfer.fit_svm(pooled[0], seen[0].labels, world.SCENES)
        rows.append(_row(row, svm, pooled[1], seen[1].labels))
        kept = kept or (net, pooled, svm)
    for kind, row in PIXELS.items():
        raw = [transfer.raw_pixels(b.images, kind) for b in seen]
        svm = transfer.fit_svm(raw[0], seen[0].labels, world.SCENES, costs=(0.0003, 0.003))
        rows.append(_row(row, svm, raw[1], seen[1].labels))
    rows.append({"feature": "chance", "accuracy": 1 / len(world.SCENES), "right": None, "n": None})
    assert kept is not None  # there is a first network
    net, pooled, svm = kept
    asked, svm_cost = svm.on(net), svm.cost
    raw = [transfer.raw_pixels(b.images, "histogram") for b in seen]
    told = {
        "about": f"{train} and {test} pictures of world.Scenes('train') and ('test'), seed 0",
        "networks": {name: zoo.card(name)["sha256"] for name in NETWORKS.values()},
        "cost": svm_cost,
        "table5": {"set": "scenes", "rows": rows},
        "lift": lifts(net, asked, seen[1]),
        "curve": {
            "each": [n for n in EACH if n * len(world.SCENES) <= train],
            "features": curve(pooled[0], pooled[1], seen[0].labels, seen[1].labels),
            "pixels": curve(raw[0], raw[1], seen[0].labels, seen[1].labels),
        },
        "removals": removals(asked, range(min(150, test)), progress=progress),
        "two_boats": two_boats(asked, range(60), progress=progress),
    }
    target.parent.mkdir(exist_ok=True)
    arrays = {"train": pooled[0].astype(np.float16), "test": pooled[1].astype(np.float16)}
    recipes.write(target.with_suffix(".safetensors"), save(arrays))
    recipes.write(target, (json.dumps(told, indent=1) + "\n").encode())
    return target


def _row(name: str, svm: LinearSvm, x: Floats, labels: Labels) -> dict[str, Any]:
    right = int((svm.predict(x) == labels).sum())
    return {
        "feature": name,
        "accuracy": round(right / len(labels), 4),
        "right": right,
        "n": len(labels),
    }


def ends(values: npt.ArrayLike, seed: int = 0) -> list[float]:
    """The mean of some values and its 95 % interval, by a bootstrap of 2000 draws."""
    x = np.asarray(values, dtype=np.float64)
    again = x[np.random.default_rng(seed).integers(0, len(x), (2000, len(x)))].mean(axis=1)
    return [round(float(v), 4) for v in (x.mean(), *np.percentile(again, [2.5, 97.5]))]


def maps_of_three(net: CamModel, asked: CamModel, drawn: Batch) -> dict[str, Floats]:
    """Maps of the own scene, of another scene drawn by lot, and of no class: ``(N, h, w)`` each.

    Args:
        net: the network of the features.
        asked: the same network with the SVM's weights.
        drawn: pictures and labels.
    """
    n, count = len(drawn.labels), len(asked.names)
    lot = (drawn.labels + 1 + np.random.default_rng(0).integers(0, count - 1, n)) % count
    found: dict[str, list[Floats]] = {"own scene": [], "class-blind": [], "another scene": []}
    with torch.no_grad():
        for i in range(0, n, 50):
            here = slice(i, i + 50)
            f = net.features(inputs_of(net, drawn.images[here]))
            both = asked.maps(f, np.stack([drawn.labels[here], lot[here]], axis=1)).numpy()
            found["own scene"].append(both[:, 0])
            found["another scene"].append(both[:, 1])
            found["class-blind"].append(saliency.class_blind(f)[:, 0].numpy())
    return {name: np.concatenate(parts) for name, parts in found.items()}


def lifts(net: CamModel, asked: CamModel, drawn: Batch) -> dict[str, list[float]]:
    """Mean lift on the defining objects, with its interval, of three maps."""
    return {
        name: ends(one[~np.isnan(one)])
        for name, maps in maps_of_three(net, asked, drawn).items()
        if len(one := transfer.lift(maps, drawn.masks))
    }


def curve(x: Floats, test: Floats, labels: Labels, test_labels: Labels) -> list[list[float]]:
    """Accuracy on the test pictures with few labelled ones: mean, and 95 % over draws and pictures.

    Args:
        x: features of the training pictures, ``(N, K)``.
        test: of the test pictures.
        labels: of the training pictures; classes take turns.
        test_labels: of the test pictures.

    Returns:
        ``[mean, low, high]`` for every number in `EACH` that there are pictures for.
    """
    rng, found = np.random.default_rng(0), []
    for each in EACH:
        if each > min(np.bincount(labels)):
            break
        right = np.zeros(len(test_labels))
        draws = 1 if each == min(np.bincount(labels)) else DRAWS
        for _ in range(draws):
            few = np.concatenate(
                [rng.permutation(np.flatnonzero(labels == c))[:each] for c in np.unique(labels)]
            )
            svm = transfer.fit_svm(x[few], labels[few], costs=[COST])
            right += (svm.predict(test) == test_labels) / draws
        found.append(ends(right))
    return found


# --- taking things out ---------------------------------------------------------------------------


def decisions(asked: CamModel, scenes: Sequence[Scene]) -> Doubles:
    """The SVM's decisions about scenes, ``(N, C)``; each is drawn at the network's size.

    Args:
        asked: a network with the SVM's weights, such as ``svm.on(net)``.
        scenes: what to draw.
    """
    size = asked.size[0]
    images = np.stack([scene.draw(size).image for scene in scenes])
    with torch.no_grad():
        scores = asked(inputs_of(asked, images))
    found: Doubles = scores.numpy().astype(np.float64)
    return found


def margin(decided: npt.ArrayLike, label: int) -> Doubles:
    """By how much the decision for `label` exceeds the best of the others, for every row."""
    x = np.array(decided, dtype=np.float64)
    own = x[:, label].copy()
    x[:, label] = -np.inf
    gap: Doubles = own - x.max(axis=1)
    return gap


def removals(
    asked: CamModel, indices: Sequence[int], progress: bool = True
) -> dict[str, dict[str, Any]]:
    """Take every single thing out of test scenes, and group what happens by the part it plays.

    Returns:
        For "defining" (stands once), "stray" and "furniture": how many, the median share of the
        picture they cover, the change of the scene's own decision (mean and interval), and in how
        many of the rightly named scenes the answer turned.
    """
    told: dict[str, list[tuple[float, float, float]]] = {}
    for i in tqdm(indices, desc="taking out", disable=not progress):
        scene = world.Scenes("test", length=TEST).scene(i)
        seen = scene.draw(64).visible.mean(axis=(1, 2))
        decided = decisions(asked, [scene, *(scene.without(k) for k in range(len(scene.things)))])
        right = decided.argmax(axis=1) == scene.label
        for k, part in _parts(scene):
            change = decided[0, scene.label] - decided[1 + k, scene.label]
            turned = float(not right[1 + k]) if right[0] else np.nan
            told.setdefault(part, []).append((float(seen[k]), change, turned))
    found = {}
    for part in ("defining", "stray", "furniture"):
        area, change, turned = np.array(told[part]).T
        known = turned[~np.isnan(turned)]
        found[part] = {
            "count": len(area),
            "area": round(float(np.median(area)), 4),
            "change": ends(change),
            "turned": ends(known),
        }
    return found


def _parts(scene: Scene) -> Iterator[tuple[int, str]]:
    """The things that play one of three parts, with the part; a defining kind that stands once."""
    for k, thing in enumerate(scene.things):
        if thing.kind in scene.about:
            if scene.kinds.count(thing.kind) == 1:
                yield k, "defining"
        elif thing.role in ("object", "furniture"):
            yield k, "stray" if thing.role == "object" else "furniture"


def two_boats(
    asked: CamModel, seeds: Sequence[int], progress: bool = True
) -> dict[str, list[float]]:
    """Harbours with two boats: the margin as drawn, with either boat taken out, and with both.

    Returns:
        Four lists of margins, "two", "without rear", "without front" and "none", and "answers": for
        each, the share of harbours still called one.
    """
    label, rows = world.SCENES.index("harbour"), []
    for seed in tqdm(seeds, desc="two boats", disable=not progress):
        scene = world.scene_in("harbour", seed=seed, twice="boat")
        rear, front = (k for k, kind in enumerate(scene.kinds) if kind == "boat")
        less = [scene.without(rear), scene.without(front), scene.without("boat")]
        decided = decisions(asked, [scene, *less])
        rows.append(margin(decided, label))
    table = np.array(rows)
    told = {n: np.round(table[:, k], 3).tolist() for k, n in enumerate(BOATS)}
    return told | {"answers": np.round((table > 0).mean(axis=0), 3).tolist()}
