"""What lesson 10 measures once: classes without their units, and the objects of scenes.

`make` measures and writes the numbers; `ablation` and `scene_objects` read them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from camkit import discover, recipes, world, zoo
from camkit.cam import class_activation_maps
from camkit.discover import Doubles, Ints, Pixels
from camkit.heads import CamModel
from camkit.transfer import fit_svm, pooled_features

FILE = Path(__file__).resolve().parent.parent / "numbers" / "discover.json"
SEED = 10
COUNTS = (0, 1, 2, 3, 4, 6, 8, 12, 16)
"""How many units are taken from a class."""
LOTS = 5
"""How often units are drawn by lot."""
RARE = 0.05
"""A kind seen in fewer pictures of a scene is not listed."""
ROOMS = {
    "dining room": {
        "frequent": [
            ("wall", 0.99), ("chair", 0.98), ("floor", 0.98), ("table", 0.98), ("ceiling", 0.75),
            ("window", 0.73),
        ],
        "informative": [
            ("table", 0.96), ("chair", 0.85), ("chandelier", 0.80), ("plate", 0.73),
            ("vase", 0.69), ("flowers", 0.63),
        ],
    },
    "bathroom": {
        "frequent": [
            ("wall", 1.0), ("floor", 0.85), ("sink", 0.77), ("faucet", 0.74), ("mirror", 0.62),
            ("bathtub", 0.56),
        ],
        "informative": [
            ("sink", 0.84), ("faucet", 0.80), ("countertop", 0.80), ("toilet", 0.72),
            ("bathtub", 0.70), ("towel", 0.54),
        ],
    },
}  # fmt: skip
"""The two scenes of the paper's figure 9, photographs of SUN; printed there as "73" for .73."""


@dataclass(frozen=True)
class Ablation:
    """How many pictures of each class stay right when it loses its n most important units.

    Attributes:
        pictures: how many were measured, as many of each class.
        counts: how many units were taken.
        weight: the largest weights first, ``(len(counts), C)``.
        random: units drawn by lot, mean of `LOTS` draws, ``(len(counts), C)``.
    """

    pictures: int
    counts: tuple[int, ...]
    weight: Doubles = field(repr=False)
    random: Doubles = field(repr=False)


@dataclass(frozen=True)
class SceneObjects:
    """Objects in the test pictures of `world.Scenes`: how frequent, and how informative each is.

    Attributes:
        scenes: the C scenes.
        pictures: how many of each were measured.
        kinds: the n kinds of things, "background" among them.
        frequent: ``(C, n)``, from `camkit.discover.frequent_objects`.
        informative: ``(C, n)``, from `camkit.discover.informative_objects` with the scene's own
            map; NaN where a kind is never seen.
        by_other: the same with the map of the next scene of the list, as a control.
        hot: share of the pictures that is hot, ``(C,)``: what a map that looks anywhere gives.
        accuracy: of the SVM that draws the maps.
        weights: of that SVM on pooled features of `objects`, folded, ``(C, K)``.
        bias: ``(C,)``.
    """

    scenes: tuple[str, ...]
    pictures: int
    kinds: tuple[str, ...]
    frequent: Doubles = field(repr=False)
    informative: Doubles = field(repr=False)
    by_other: Doubles = field(repr=False)
    hot: Doubles = field(repr=False)
    accuracy: float
    weights: Doubles = field(repr=False)
    bias: Doubles = field(repr=False)

    def on(self, net: CamModel) -> CamModel:
        """The network with the SVM in the place of its head: it tells scenes, and draws maps."""
        head = nn.Linear(self.weights.shape[1], len(self.scenes))
        with torch.no_grad():
            head.weight.copy_(torch.from_numpy(self.weights))
            head.bias.copy_(torch.from_numpy(self.bias))
        return CamModel(
            net.backbone, head, names=self.scenes, mean=net.mean, std=net.std, size=net.size
        ).eval()

    def listed(
        self, scene: str, by: str = "informative", count: int = 6
    ) -> list[tuple[str, float]]:
        """The first few objects of a scene with their values.

        Args:
            scene: one of `scenes`.
            by: "frequent", "informative" or "by_other".
            count: how many.

        Returns:
            (kind, value), from high to low; kinds seen in less than `RARE` of the pictures, whose
            value is mostly luck, are left out.
        """
        c = self.scenes.index(scene)
        values = getattr(self, by)[c]
        seen = np.flatnonzero(self.frequent[c] >= RARE)
        order = seen[np.argsort(-values[seen], kind="stable")][:count]
        return [(self.kinds[j], float(values[j])) for j in order]


def ablation() -> Ablation:
    """Read how far the classes of `objects` live without their most important units.

    Example:
        >>> told = ablation()
        >>> bool(told.weight[0].min() > 0.9), told.weight.shape == (len(told.counts), 20)
        (True, True)
    """
    told = _numbers()["ablation"]
    shares = (np.array(told[way]) for way in ("weight", "random"))
    return Ablation(told["pictures"], tuple(told["counts"]), *shares)


def scene_objects() -> SceneObjects:
    """Read which objects of each scene are frequent, and which informative.

    Example:
        >>> told = scene_objects()
        >>> sorted(kind for kind, _ in told.listed("harbour", count=2))
        ['boat', 'steamer']
    """
    told = dict(_numbers()["scenes"])
    for name in ("frequent", "informative", "by_other", "hot", "weights", "bias"):
        told[name] = np.array(told[name], dtype=np.float64)  # null becomes NaN
    return SceneObjects(**{**told, "scenes": tuple(told["scenes"]), "kinds": tuple(told["kinds"])})


@lru_cache(maxsize=1)
def _numbers() -> dict[str, Any]:
    told: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return told


def make(target: Path = FILE, *, pictures: int = 2000, progress: bool = True) -> Path:
    """Measure the numbers of lesson 10 and write them: ``python -m camkit.tables discover``.

    Args:
        target: the file to write.
        pictures: of objects to test; half as many scenes to learn from, and as many to test.
        progress: show bars.

    Returns:
        The file.
    """
    net = zoo.load("objects")
    tested = world.Objects(split="test", seed=SEED, length=pictures)
    images, labels = tested.arrays(progress=progress)
    told = {
        "about": f"python -m camkit.tables discover: {pictures} test pictures of world.Objects; "
        f"{pictures // 2} to learn from and as many to test of world.Scenes; seed {SEED}",
        "network": zoo.card("objects")["sha256"],
        "ablation": measured_ablation(net, images, labels, progress),
        "scenes": measured_scenes(net, pictures // 2, progress),
    }
    recipes.write(target, (json.dumps(told) + "\n").encode())
    return target


def measured_ablation(
    net: CamModel, images: Pixels, labels: Ints, progress: bool = False
) -> dict[str, Any]:
    """Take units from the classes of a network, the important ones and others by lot.

    Args:
        net: the network.
        images: ``(N, H, W, 3)`` uint8.
        labels: ``(N,)``.
        progress: show a bar.

    Returns:
        The fields of an `Ablation`.
    """
    pooled = pooled_features(net, images, progress=progress)
    lots = [
        discover.still_right(net, pooled, labels, COUNTS, "random", seed) for seed in range(LOTS)
    ]
    return {
        "pictures": len(labels),
        "counts": COUNTS,
        "weight": discover.still_right(net, pooled, labels, COUNTS).round(4).tolist(),
        "random": np.mean(lots, axis=0).round(4).tolist(),
    }


def measured_scenes(net: CamModel, pictures: int, progress: bool = False) -> dict[str, Any]:
    """Train an SVM on scenes, and measure the objects of other pictures of them by its maps.

    Args:
        net: the network whose pooled features the SVM is trained on.
        pictures: how many to learn from, and how many to test.
        progress: show bars.

    Returns:
        The fields of a `SceneObjects`.
    """
    learned = world.Scenes(split="train", seed=SEED, length=pictures)
    images, labels = learned.arrays(progress=progress)
    svm = fit_svm(pooled_features(net, images, progress=progress), labels, names=world.SCENES)
    weights, bias = (x.round(4) for x in svm.fold())
    names = tuple(
        dict.fromkeys(
            [discover.BACKGROUND, *(s for i in range(pictures) for s in learned.scene(i).kinds)]
        )
    )
    told: dict[str, Any] = {
        "scenes": world.SCENES,
        "pictures": pictures // len(world.SCENES),
        "kinds": names,
        "weights": weights.tolist(),
        "bias": bias.tolist(),
        "frequent": [], "informative": [], "by_other": [], "hot": [],
    }  # fmt: skip
    right = 0.0
    for c in range(len(world.SCENES)):
        rows, share = measured_scene(net, weights, bias, c, names, told["pictures"])
        right += share
        for name, values in rows.items():
            told[name].append(values)
    told["accuracy"] = round(right / len(world.SCENES), 4)
    return told


def measured_scene(
    net: CamModel, weights: Doubles, bias: Doubles, c: int, names: Sequence[str], pictures: int
) -> tuple[dict[str, Any], float]:
    """Measure the objects of one scene.

    Args:
        net: the network.
        weights: of the folded SVM, ``(C, K)``.
        bias: ``(C,)``.
        c: the scene.
        names: the kinds of things.
        pictures: how many to look at.

    Returns:
        Its rows of a `SceneObjects`, and the share of its pictures that the SVM names rightly.
    """
    count = len(weights)
    tested = world.Scenes(split="test", seed=SEED, length=count * pictures)
    found = discover.concepts(
        [tested.scene(c + count * i) for i in range(pictures)], names=names, parts=False
    )
    features = torch.from_numpy(discover.unit_activations(net, found.images))
    values = torch.from_numpy(weights).float()
    maps = class_activation_maps(features, values)  # (N, C, h, w)
    scores = maps.mean(dim=(2, 3)) + torch.from_numpy(bias).float()
    own, other = maps[:, c].numpy(), maps[:, (c + 1) % count].numpy()
    measures = {
        "frequent": discover.frequent_objects(found.masks),
        "informative": discover.informative_objects(own, found.masks),
        "by_other": discover.informative_objects(other, found.masks),
    }
    rows: dict[str, Any] = {
        name: [None if np.isnan(v) else round(float(v), 3) for v in row]
        for name, row in measures.items()
    }
    rows["hot"] = round(float(discover.hot_region(own, (discover.CELLS,) * 2).mean()), 3)
    return rows, float((scores.argmax(dim=1) == c).float().mean())
