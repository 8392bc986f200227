"""What a linear SVM on the features of an object network makes of people who do things.

`make` measures and writes two files, the numbers and the arrays; `numbers`, `features`, `swapped`
and `knows_tools` read them, so that a lesson draws nothing but what it shows.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.numpy import load_file, save
from torch import nn
from tqdm.auto import tqdm

from camkit import recipes, saliency, transfer, world, zoo
from camkit.cam import upsample
from camkit.heads import CamModel
from camkit.tables.scenes import NETWORKS, PIXELS, Features, _row, ends
from camkit.train import inputs_of
from camkit.transfer import Floats, LinearSvm
from camkit.world import Scene

FILE = Path(__file__).resolve().parent.parent / "numbers" / "actions.json"
ARRAYS = FILE.with_suffix(".safetensors")
TRAIN, TEST = 1000, 500
SEEDS = 12
"""People in every cell of the grid of poses and tools."""
PHONES = 60
"""People who lose their phone."""
MANY = 30
"""Scenes that a diagnosis is made on."""
COST = 0.002
"""Of the SVM whose maps are shown: gentler than the one with the best accuracy, and less scattered.
"""
HELD: tuple[str | None, ...] = (*world.TOOLS.values(), None)
"""The columns of the grid: ten tools, and nothing."""


def features() -> Features:
    """Read the pooled features of `objects` on 1000 training and 500 test pictures of actions.

    Returns:
        `camkit.tables.scenes.Features`, labels as in `world.ACTIONS`.

    Example:
        >>> features().test.shape
        (500, 64)
    """
    kept = load_file(ARRAYS)
    train, test = (kept[name].astype(np.float32) for name in ("train", "test"))
    turns = np.arange(max(len(train), len(test)), dtype=np.int64) % len(world.ACTIONS)
    return Features(train, turns[: len(train)], test, turns[: len(test)])


def swapped() -> Floats:
    """Read the decisions for every pose with every tool.

    Returns:
        ``(10 poses, 11 tools, 12 people, 10 actions)``; the last of the tools is nothing.

    Example:
        >>> swapped().shape
        (10, 11, 12, 10)
    """
    grid: Floats = load_file(ARRAYS)["grid"].astype(np.float32)
    return grid


def knows_tools(net: CamModel) -> CamModel:
    """Give `objects` the weights of an SVM that learned tools in poses drawn by lot.

    The pose told it nothing, so it had to look at the tool.

    Args:
        net: the network `objects`.

    Returns:
        The network with ten scores, one for each of `world.TOOLS`, in the order of the actions.
    """
    kept = load_file(ARRAYS)
    head = nn.Linear(kept["expert"].shape[1], len(world.ACTIONS))
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(kept["expert"]))
        head.bias.copy_(torch.from_numpy(kept["expert_bias"]))
    return CamModel(
        net.backbone, head, names=tuple(world.TOOLS.values()), mean=net.mean, std=net.std,
        size=net.size,
    ).eval()  # fmt: skip


def numbers() -> dict[str, Any]:
    """Read what was measured.

    Returns:
        ``cost`` of the SVM that is shown, ``costs`` (cost and accuracy of that one and of the one
        that cross-validation chose), ``table5`` (rows of accuracy), ``lift`` (mean and 95 %
        interval for three maps), ``fresh`` (both on pictures that nothing was tuned on, and the
        lifts of the other SVM beside them), ``shares`` (of the heat and of the area, on person,
        tool and place, in all and for each action), ``expert`` (share of tools named by the SVM of
        `knows_tools`, in poses drawn by lot), ``phone`` (answers and decisions with and without it)
        and ``unlit`` (for each tool, how bright it is, and what three experiments change).

    Example:
        >>> told = numbers()
        >>> told["lift"]["own action"][1] > told["lift"]["class-blind"][2]
        True
    """
    told: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return told


# --- measuring ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Seen:
    """What a network says of scenes.

    Args:
        decisions: ``(N, C)``.
        heat: ``(N, 3)``, the shares of the positive heat on person, tool and place.
        area: ``(N, 3)``, their shares of the picture.
    """

    decisions: Floats
    heat: Floats
    area: Floats

    @property
    def lit(self) -> Floats:
        """``(N,)``: the heat on the tool over its share of the area; 1 is as bright as the mean."""
        bright: Floats = (self.heat[:, 1] / np.maximum(self.area[:, 1], 1e-9)).astype(np.float32)
        return bright


def look(net: CamModel, scenes: Sequence[Scene], label: int | Sequence[int]) -> Seen:
    """Draw scenes, ask a network, and share out the positive heat of one class's map.

    Args:
        net: a network with average pooling.
        scenes: from `world.Actions` or `world.posed`.
        label: whose map; one for all, or one for each scene.

    Returns:
        What was `Seen`. Where a scene has no tool its share is 0.

    Example:
        >>> import camkit
        >>> scene = world.action_of("phoning", background="park", seed=1)
        >>> look(camkit.load("objects"), [scene], 0).heat.sum().round(3).item()
        1.0
    """
    asked = np.broadcast_to(np.asarray(label), len(scenes))
    side = net.size[0]
    decided, heat, area = [], [], []
    for scene, c in zip(scenes, asked.tolist(), strict=True):
        picture = scene.draw(side)
        masks = np.zeros((2, side, side), bool)
        for thing, seen in zip(scene.things, picture.visible, strict=True):
            if thing.role in ("person", "tool"):
                masks[int(thing.role == "tool")] |= seen
        masks[0] &= ~masks[1]
        with torch.no_grad():
            f = net.features(inputs_of(net, picture.image[None]))
            decided.append(net.scores(f)[0].numpy())
            hot = upsample(net.maps(f, c), (side, side))[0, 0].clamp_min(0).numpy()
        total = max(float(hot.sum()), 1e-9)
        on = [float(hot[m].sum()) / total for m in masks]
        heat.append([*on, 1.0 - sum(on)])
        covered = [float(m.mean()) for m in masks]
        area.append([*covered, 1.0 - sum(covered)])
    return Seen(*(np.array(part, dtype=np.float32) for part in (decided, heat, area)))


def decisions(net: CamModel, scenes: Sequence[Scene]) -> Floats:
    """What a network decides on scenes drawn at its size: ``(N, C)``."""
    told = []
    for i in range(0, len(scenes), 50):
        images = np.stack([s.draw(net.size[0]).image for s in scenes[i : i + 50]])
        with torch.no_grad():
            told.append(net(inputs_of(net, images)).numpy())
    found: Floats = np.concatenate(told)
    return found


def lifts(net: CamModel, asked: CamModel, drawn: world.Batch) -> dict[str, list[float]]:
    """Mean lift on person and tool, with its interval: own action, no class, another by lot."""
    n, count = len(drawn.labels), len(asked.names)
    lot = (drawn.labels + 1 + np.random.default_rng(0).integers(0, count - 1, n)) % count
    found: dict[str, list[Floats]] = {"own action": [], "class-blind": [], "another action": []}
    with torch.no_grad():
        for i in range(0, n, 50):
            here = slice(i, i + 50)
            f = net.features(inputs_of(net, drawn.images[here]))
            both = asked.maps(f, np.stack([drawn.labels[here], lot[here]], axis=1)).numpy()
            for name, maps in (
                ("own action", both[:, 0]),
                ("class-blind", saliency.class_blind(f)[:, 0].numpy()),
                ("another action", both[:, 1]),
            ):
                found[name].append(transfer.lift(maps, drawn.masks[here]).astype(np.float32))
    return {
        name: ends(one[~np.isnan(one)])
        for name, parts in found.items()
        if len(one := np.concatenate(parts))
    }


def grid(asked: CamModel, seeds: int = SEEDS, progress: bool = True) -> Floats:
    """Decisions for every pose with every tool: ``(P, T, seeds, C)``."""
    found = [
        [decisions(asked, [world.posed(pose, tool, seed=s) for s in range(seeds)]) for tool in HELD]
        for pose in tqdm(world.POSES, desc="poses", disable=not progress)
    ]
    return np.array(found, dtype=np.float32)


def learn_tools(net: CamModel, count: int, progress: bool = True) -> tuple[LinearSvm, float]:
    """An SVM of tools, learned from `count` pictures with poses by lot, and its accuracy."""
    rng = np.random.default_rng(0)
    parts = []
    for first, n in ((10_000, count), (50_000, count // 2)):
        labels = np.arange(n) % len(world.ACTIONS)
        poses = rng.integers(0, len(world.POSES), n)
        images = np.stack([
            world.posed(world.POSES[p], HELD[c], seed=first + i).draw(net.size[0]).image
            for i, (p, c) in enumerate(zip(poses.tolist(), labels.tolist(), strict=True))
        ])  # fmt: skip
        parts.append((transfer.pooled_features(net, images, progress=progress), labels))
    svm = transfer.fit_svm(*parts[0], tuple(world.TOOLS.values()), costs=(COST,))
    return svm, svm.accuracy(*parts[1])


def phone(asked: CamModel, count: int = PHONES) -> dict[str, Any]:
    """Answers to people who phone, with the phone and without."""
    label = world.ACTIONS.index("phoning")
    told = {}
    for name, tool in (("with", "phone"), ("without", None)):
        scenes = [world.posed("phoning", tool, seed=s) for s in range(count)]
        decided = decisions(asked, scenes)
        told[name] = {
            "answers": decided.argmax(axis=1).tolist(),
            "decision": [round(float(v), 3) for v in decided[:, label]],
        }
    return told


def unlit(asked: CamModel, expert: CamModel, tool: str, count: int = MANY) -> dict[str, Any]:
    """How bright a tool is in its action's map, and what three experiments change.

    Returns:
        Means with 95 % intervals: ``lit`` (heat on it over its area), ``larger`` (change of that
        when it is three times as large), ``known`` (when the map is that of the SVM of tools),
        ``gone`` (fall of the decision when it is taken out).
    """
    label = list(world.TOOLS.values()).index(tool)
    scenes = [world.action_of(world.ACTIONS[label], seed=1000 + s) for s in range(count)]
    plain = look(asked, scenes, label)
    larger = look(asked, [s.enlarged(tool, 3.0) for s in scenes], label)
    known = look(expert, scenes, label)
    without = decisions(asked, [s.without(tool) for s in scenes])
    return {
        "lit": ends(plain.lit),
        "larger": ends(larger.lit - plain.lit),
        "known": ends(known.lit - plain.lit),
        "gone": ends(plain.decisions[:, label] - without[:, label]),
        "area": round(float(plain.area[:, 1].mean()), 4),
    }


def shares(asked: CamModel, scenes: Sequence[Scene], progress: bool = True) -> dict[str, Any]:
    """Heat and area on person, tool and place: in all with intervals, and for each action."""
    labels = np.array([s.label for s in scenes])
    seen = look(asked, list(tqdm(scenes, desc="shares", disable=not progress)), labels.tolist())
    parts = ("person", "tool", "place")
    return {
        "all": {
            p: {"heat": ends(seen.heat[:, k]), "area": ends(seen.area[:, k])}
            for k, p in enumerate(parts)
        },
        "each": {
            name: {
                "heat": np.round(seen.heat[labels == c].mean(axis=0), 4).tolist(),
                "area": np.round(seen.area[labels == c].mean(axis=0), 4).tolist(),
            }
            for c, name in enumerate(world.ACTIONS)
        },
    }


def fresh(
    net: CamModel, features: Floats, seen: world.Batch, costs: tuple[float, float], count: int,
    progress: bool = True,
) -> dict[str, Any]:  # fmt: skip
    """Measure once more on pictures that nothing was tuned on: ``Actions("test", seed=1)``.

    Args:
        net: the network.
        features: of the training pictures, ``(N, K)``.
        seen: the training pictures.
        costs: of the SVM whose maps are shown, and of the one cross-validation chose.
        count: how many new pictures.
        progress: show bars.

    Returns:
        ``accuracy`` for each cost, ``pixels`` (the best baseline), ``lift`` for each cost.
    """
    anew = world.Actions("test", seed=1, length=count).batch(progress=progress)
    pooled = transfer.pooled_features(net, anew.images, progress=progress)
    told: dict[str, Any] = {"n": count, "accuracy": {}, "lift": {}}
    for name, cost in zip(("gentle", "best"), costs, strict=True):
        svm = transfer.fit_svm(features, seen.labels, world.ACTIONS, costs=(cost,))
        told["accuracy"][name] = round(svm.accuracy(pooled, anew.labels), 4)
        told["lift"][name] = lifts(net, svm.on(net), anew)
    pixels = []
    for kind in PIXELS:
        raw = [transfer.raw_pixels(b.images, kind) for b in (seen, anew)]
        svm = transfer.fit_svm(raw[0], seen.labels, world.ACTIONS, costs=RAW_COSTS)
        pixels.append(svm.accuracy(raw[1], anew.labels))
    return {**told, "pixels": round(max(pixels), 4)}


RAW_COSTS = (0.0003, 0.003)

SMALL = ("book", "phone", "watering can", "mug", "ball")
"""Tools that can be made three times as large and still fit."""


def make(
    target: Path = FILE, *, train: int = TRAIN, test: int = TEST, seeds: int = SEEDS,
    many: int = MANY, progress: bool = True,
) -> Path:  # fmt: skip
    """Draw people, pool features, train SVMs, swap tools; write both files.

    Args:
        target: the file of numbers; the arrays go beside it.
        train: training pictures.
        test: test pictures.
        seeds: people in every cell of the grid.
        many: scenes of a diagnosis, and of those who phone twice as many.
        progress: show bars.

    Returns:
        The file of numbers.
    """
    seen = [
        world.Actions(split, length=count).batch(progress=progress)
        for split, count in (("train", train), ("test", test))
    ]
    nets = {row: zoo.load(name) for row, name in NETWORKS.items()}
    rows, kept = [], None
    for row, net in nets.items():
        pooled = [transfer.pooled_features(net, b.images, progress=progress) for b in seen]
        svm = transfer.fit_svm(pooled[0], seen[0].labels, world.ACTIONS)
        rows.append(_row(row, svm, pooled[1], seen[1].labels))
        kept = kept or (net, pooled, svm.accuracy(pooled[1], seen[1].labels), svm.cost)
    for kind, row in PIXELS.items():
        raw = [transfer.raw_pixels(b.images, kind) for b in seen]
        svm = transfer.fit_svm(raw[0], seen[0].labels, world.ACTIONS, costs=RAW_COSTS)
        rows.append(_row(row, svm, raw[1], seen[1].labels))
    rows.append({"feature": "chance", "accuracy": 1 / len(world.ACTIONS), "right": None, "n": None})
    assert kept is not None  # there is a first network
    net, pooled, best, best_cost = kept
    svm = transfer.fit_svm(pooled[0], seen[0].labels, world.ACTIONS, costs=(COST,))
    asked = svm.on(net)
    tools, tools_right = learn_tools(net, train, progress)
    expert, every = tools.on(net), world.Actions("test", length=test)
    scenes = [every.scene(i) for i in range(min(300, test))]
    told = {
        "about": f"{train} and {test} pictures of world.Actions('train') and ('test'), seed 0",
        "networks": {name: zoo.card(name)["sha256"] for name in NETWORKS.values()},
        "cost": COST,
        "costs": {
            "gentle": [COST, round(svm.accuracy(pooled[1], seen[1].labels), 4)],
            "best": [best_cost, round(best, 4)],
        },
        "table5": {"set": "actions", "rows": rows},
        "lift": lifts(net, asked, seen[1]),
        "fresh": fresh(net, pooled[0], seen[0], (COST, best_cost), test, progress),
        "shares": shares(asked, scenes, progress),
        "expert": round(tools_right, 4),
        "phone": phone(asked, 2 * many),
        "unlit": {tool: unlit(asked, expert, tool, many) for tool in SMALL},
    }
    weights, offset = tools.fold()
    arrays: dict[str, npt.NDArray[Any]] = {
        "train": pooled[0].astype(np.float16), "test": pooled[1].astype(np.float16),
        "grid": grid(asked, seeds, progress).astype(np.float16),
        "expert": np.ascontiguousarray(weights, np.float32),  # safetensors wants rows in a row
        "expert_bias": offset.astype(np.float32),
    }  # fmt: skip
    target.parent.mkdir(exist_ok=True)
    recipes.write(target.with_suffix(".safetensors"), save(arrays))
    recipes.write(target, (json.dumps(told, indent=1) + "\n").encode())
    return target
