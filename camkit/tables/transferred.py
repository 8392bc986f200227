"""Tables 4 and 5: what a linear SVM makes of pooled features, on drawings and on photographs.

The numbers of drawings come with the lessons on birds, scenes and actions. `make` measures two
networks trained on ImageNet on three small sets of photographs.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from camkit import recipes, transfer
from camkit.datasets import FolderSet, PictureFiles
from camkit.datasets.folderset import divided
from camkit.heads import CamModel
from camkit.tables.counted import interval
from camkit.tables.photographs import NETWORKS, network
from camkit.transfer import Floats, Raw

FOLDER = Path(__file__).resolve().parent.parent / "numbers"
NAME = "photographs.json"
BIRDS = "birds.json"
DRAWN = ("scenes.json", "actions.json")
PHOTOGRAPHS = {"scene15": "15 scenes", "sun8": "8 SUN scenes", "har15-actions": "15 actions"}
"""Folders of photographs, and what they show."""
PIXELS: dict[Raw, str] = {
    "colours": "pixels, 16 x 16 colours",
    "grey": "pixels, 16 x 16 grey",
    "histogram": "pixels, histogram of colours",
}
ABOUT = "photographs, an SVM on features of two networks trained on ImageNet, each answer once"
POOLED = re.compile(r", (?:average |last maps )?(?:pooled|averaged)$")
"""What a network's name may be followed by: in the table the name alone stands for its units."""


@dataclass(frozen=True)
class Score:
    """How many test pictures one way of describing them got right.

    Args:
        name: of the features, or of what was cropped.
        accuracy: in percent.
        right: of ``count`` pictures; neither where nothing was counted, as for chance.
    """

    name: str
    accuracy: float
    right: int | None = None
    count: int | None = None

    @property
    def ends(self) -> tuple[float, float] | None:
        """The 95 % interval in percent; None where nothing was counted."""
        return interval(self.right, self.count) if self.count and self.right is not None else None


def birds() -> list[Score]:
    """What was measured on drawn birds, row by row; empty where it was not."""
    told = _told(BIRDS, "table4")
    return _scores(told, "row") if told else []


def sets() -> dict[str, list[Score]]:
    """What was measured on drawn scenes, drawn actions and photographs: set by set."""
    found = {}
    for file in DRAWN:
        told = _told(file, "table5")
        if told:
            found[f"Drawn {told['set']}"] = _scores(told["rows"], "feature")
    for one in _told(NAME, "table5") or []:
        found[f"Photographs of {one['set']}"] = _scores(one["rows"], "feature")
    return found


def about(*files: str) -> list[str]:
    """Tell how the numbers were measured, in a sentence for the files that are here."""
    said = [word for file in files if (word := _told(file, "about"))]
    return [f"Ours: {'; '.join(said)}."] if said else []


def _told(file: str, key: str) -> Any:
    path = FOLDER / file
    return json.loads(path.read_text(encoding="utf-8")).get(key) if path.exists() else None


def _scores(rows: list[dict[str, Any]], key: str) -> list[Score]:
    """Rows of a file; an accuracy that was counted is counted again."""
    found = []
    for row in rows:
        name = POOLED.sub("", row[key])
        right, count = row.get("right"), row.get("n")
        if right is not None and count:
            found.append(Score(name, 100 * right / count, right, count))
        else:
            found.append(Score(name, 100 * row["accuracy"]))
    return found


# --- photographs --------------------------------------------------------------------------------


def make(
    folder: str | os.PathLike[str] | None = None,
    target: Path | None = None,
    *,
    each: int | None = None,
    progress: bool = True,
) -> Path:
    """Measure two networks trained on ImageNet, and raw pixels, on three sets of photographs.

    Args:
        folder: real photographs and weights; the one that ``CAMKIT_REALDATA`` names by default.
        target: the file to write.
        each: take at most so many pictures of each class and part.
        progress: show bars.

    Returns:
        The file.

    Raises:
        ValueError: there is no such folder.
    """
    named = folder or os.environ.get("CAMKIT_REALDATA")
    if not named or not all(Path(named, name).is_dir() for name in PHOTOGRAPHS):
        raise ValueError(
            "The numbers need photographs: let the environment variable CAMKIT_REALDATA name a "
            f"folder with weights, {', '.join(PHOTOGRAPHS)}"
            + (f"; {named} is none." if named else ".")
        )
    nets = {name: network(Path(named), name) for name in NETWORKS}
    told = []
    for name, shown in tqdm(PHOTOGRAPHS.items(), desc="sets", disable=not progress):
        rounds = list(halves(Path(named) / name, each))
        told.append({"set": shown, "rows": list(compared(nets, rounds, progress))})
    content = json.dumps({"about": ABOUT, "table5": told}, indent=1) + "\n"
    written = target or FOLDER / NAME
    recipes.write(written, content.encode())
    return written


def halves(folder: Path, each: int | None = None) -> Iterator[tuple[PictureFiles, PictureFiles]]:
    """Pairs of what to learn from and what to test on.

    The folders train and test where there are such; else two halves by chance, both ways round.
    """
    if divided(folder):
        yield _first(FolderSet(folder, "train"), each), _first(FolderSet(folder, "test"), each)
        return
    first, second = _first(FolderSet(folder), each).split(0.5, seed=0)
    yield first, second
    yield second, first


def _first(data: PictureFiles, each: int | None) -> PictureFiles:
    """At most so many pictures of each class."""
    if each is None:
        return data
    kept = [np.flatnonzero(data.labels == c)[:each] for c in range(len(data.classes))]
    return data.subset(np.sort(np.concatenate(kept)))


def compared(
    nets: dict[str, CamModel],
    rounds: list[tuple[PictureFiles, PictureFiles]],
    progress: bool = True,
) -> Iterator[dict[str, Any]]:
    """Count right answers: of every network's pooled features, of raw pixels, of guessing.

    Args:
        nets: networks by name.
        rounds: pairs of training and test pictures; every answer counts once.
        progress: show bars.

    Yields:
        One row each: ``feature``, ``accuracy`` (a share), ``right`` and ``n``.
    """
    parts = {id(part): part for pair in rounds for part in pair}  # each is described once
    describe: dict[str, Callable[[PictureFiles], Floats]] = {}
    for name, net in nets.items():
        describe[f"{name}, pooled"] = partial(
            transfer.pooled_features, net, batch=16, progress=progress
        )
    for kind, name in PIXELS.items():
        describe[name] = partial(transfer.raw_pixels, kind=kind)
    for feature, features in describe.items():
        x = {key: features(part) for key, part in parts.items()}
        right = []
        for learn, test in rounds:
            svm = transfer.fit_svm(x[id(learn)], learn.labels, learn.classes)
            right.append(svm.predict(x[id(test)]) == test.labels)
        hits = np.concatenate(right)
        yield {
            "feature": feature,
            "accuracy": round(float(hits.mean()), 4),
            "right": int(hits.sum()),
            "n": len(hits),
        }
    yield {"feature": "chance", "accuracy": round(1 / len(rounds[0][0].classes), 4)}
