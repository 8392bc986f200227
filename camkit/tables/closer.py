"""How often an SVM names drawn birds right, whichever window it looks through.

`make` measures and writes the numbers of lesson 09, `closer` reads them. Training and test pictures
are always cut by the same rule, and the SVM is trained anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm.auto import tqdm

from camkit import boxes, recipes, transfer, world, zoo
from camkit.boxes import Floats
from camkit.cam import upsample
from camkit.heads import CamModel
from camkit.metrics import AGREES
from camkit.train import inputs_of
from camkit.transfer import LinearSvm, Pixels

FILE = Path(__file__).resolve().parent.parent / "numbers" / "birds.json"
NETWORK, FINE = "objects", "birds"
PICTURES = 1800
"""So many to train on, and so many to test on."""
SOURCES = ("whole", "cam", "true", "centred", "random")
MARGINS = (0.0, 0.1, 0.3, 0.6)
PIXELS = (128, 256)
"""Side of the picture that is cut: the network's own, and one drawn twice as large."""
USUAL = 0.4
"""Side of a usual bird's box as a share of the picture's: of the windows that see no bird."""
PAPER = 0.2
"""The paper's threshold."""
COSTS = (0.01, 0.03, 0.1)
SHOWN = (3, 13, 23, 33, 43, 53)
"""Test pictures whose answers are kept, for the explorer."""
KEPT = (("whole", 0.0), ("cam", 0.1), ("true", 0.1))
"""Windows on the small picture whose SVM is kept."""
ROWS = {
    "whole": "full picture", "cam": "crop at the map of \"bird\"", "true": "crop at the true box",
    "centred": "crop in the middle", "random": "crop at a random place",
}  # fmt: skip


@dataclass(frozen=True)
class Window:
    """How often species are named right through one window.

    Args:
        source: where the window lies: the "whole" picture, at the box of the map of "bird" ("cam"),
            at the "true" box, "centred", at a "random" place; or "painted", which leaves the
            picture as it is and paints grey all that lies outside the true box's window.
        margin: share of the box's longer side added on each side.
        pixels: side of the picture that was cut.
        right: right answers.
        count: test pictures.
        inside: mean share of the bird inside the window.
        fills: mean share of the window that the bird takes.
        cost: of the SVM, chosen by cross-validation on the training half.
        shown: the answers on the test pictures `SHOWN`, as numbers of species.
    """

    source: str
    margin: float
    pixels: int
    right: int
    count: int
    inside: float
    fills: float
    cost: float
    shown: tuple[int, ...]

    @property
    def accuracy(self) -> float:
        """The share of right answers."""
        return self.right / self.count


@dataclass(frozen=True)
class Closer:
    """All that was measured on drawn birds.

    Args:
        windows: one for every setting.
        svms: the SVM of each of `KEPT`, by its source, on features as they are.
        localized: share of test birds that a box fits (IoU of at least .5): of the map of "bird"
            ("cam"), in the middle ("centred"), and of the map of the species that the network
            `birds` names ("species").
        leak: of "n" test birds so many right, both halves cut at the map of the "true" species, or
            at that of the species "predicted".
    """

    windows: tuple[Window, ...]
    svms: dict[str, LinearSvm]
    localized: dict[str, float]
    leak: dict[str, int]

    def window(self, source: str, margin: float = 0.1, pixels: int = PIXELS[0]) -> Window:
        """Find one setting; the whole picture has no margin.

        Raises:
            ValueError: it was not measured.
        """
        margin = 0.0 if source == "whole" else margin
        for one in self.windows:
            if one.source == source and one.margin == margin and one.pixels == pixels:
                return one
        raise ValueError(
            f"there is no window {source!r} with margin {margin} on {pixels} pixels; sources are "
            f"{', '.join(SOURCES)}, margins {', '.join(map(str, MARGINS))}, pixels 128 and 256."
        )


def closer() -> Closer:
    """Read what was measured on drawn birds.

    Returns:
        The `Closer`.

    Example:
        >>> told = closer()
        >>> told.window("whole").right < told.window("cam").right < told.window("true").right
        True
    """
    told = json.loads(FILE.read_text(encoding="utf-8"))
    windows = tuple(Window(**{**row, "shown": tuple(row["shown"])}) for row in told["windows"])
    svms = {}
    for source, kept in told["svms"].items():
        weights = np.array(kept["weights"], dtype=np.float64)
        plain = np.zeros(weights.shape[1]), np.ones(weights.shape[1])
        bias = np.array(kept["bias"], dtype=np.float64)
        svms[source] = LinearSvm(world.SPECIES, *plain, weights, bias, kept["cost"])
    return Closer(windows, svms, told["localized"], told["leak"])


def random_boxes(split: str, count: int, size: int) -> Floats:
    """Boxes of a usual bird's size anywhere in the picture, one for each of so many: ``(N, 4)``."""
    rng = np.random.default_rng((9, world.SPLITS.index(split)))
    side = USUAL * size
    corners = rng.random((count, 2)) * (size - side)
    return np.concatenate([corners, corners + side], axis=1)


def bird_boxes(net: CamModel, images: Pixels) -> Floats:
    """The boxes of the network's map of "bird" by the paper's rule, ``(N, 4)``; NaN if none."""
    return boxes_at(net, images, np.full(len(images), list(net.names).index("bird")))


@torch.no_grad()
def boxes_at(net: CamModel, images: Pixels, classes: Any, step: int = 100) -> Floats:
    """The boxes of each picture's own class by the paper's rule, ``(N, 4)``; NaN if none."""
    found = []
    for start in range(0, len(images), step):
        here = slice(start, start + step)
        wanted = torch.as_tensor(np.asarray(classes)[here])[:, None]
        maps = net.maps(net.features(inputs_of(net, images[here])), wanted)
        large = upsample(maps, net.size)[:, 0].numpy().astype(np.float64)
        found.append(boxes.boxes_at_thresholds(large, [PAPER])[:, 0])
    return np.concatenate(found)


@torch.no_grad()
def species_boxes(net: CamModel, images: Pixels) -> Floats:
    """The boxes of the map of the species that the network names, ``(N, 4)``."""
    named = [net(inputs_of(net, images[i : i + 100])).argmax(1) for i in range(0, len(images), 100)]
    return boxes_at(net, images, torch.cat(named))


def fits(drawn: Floats, true: Floats) -> Floats:
    """The IoU of each box with its own true one, ``(N,)``; a box of NaN has 0."""
    both = np.concatenate([drawn[:, None], true[:, None]], axis=1)
    low, high = both[:, :, :2].max(axis=1), both[:, :, 2:].min(axis=1)
    common = np.clip(high - low, 0, None).prod(axis=1)
    areas = (both[:, :, 2:] - both[:, :, :2]).prod(axis=2).sum(axis=1)
    shares: Floats = np.nan_to_num(common / (areas - common))
    return shares


def window_of(box: Floats, margin: float, size: int) -> tuple[float, float, float, float]:
    """The square that `transfer.square_crop` cuts, ``(x0, y0, x1, y1)`` in pixels."""
    if np.isnan(box).any():
        return 0.0, 0.0, float(size), float(size)
    side = float(max(box[2] - box[0], box[3] - box[1])) * (1 + 2 * margin)
    left, top = (
        (size - side) / 2 if side >= size else float(np.clip((a + b - side) / 2, 0, size - side))
        for a, b in ((box[0], box[2]), (box[1], box[3]))
    )
    return left, top, left + side, top + side


def bird_inside(mask: Any, window: tuple[float, float, float, float]) -> tuple[float, float]:
    """The share of the bird inside a window, and the share of the window that is bird."""
    rows, columns = np.nonzero(mask)
    x0, y0, x1, y1 = window
    held = (columns + 0.5 >= x0) & (columns + 0.5 < x1) & (rows + 0.5 >= y0) & (rows + 0.5 < y1)
    return float(held.mean()), float(held.sum()) / ((x1 - x0) * (y1 - y0))


def painted(image: Pixels, window: tuple[float, float, float, float]) -> Pixels:
    """The picture with all grey outside a window: the clutter is gone, the scale is as it was."""
    x0, y0, x1, y1 = (round(v) for v in window)
    grey = np.full_like(image, 128)
    inside = slice(max(y0, 0), y1), slice(max(x0, 0), x1)
    grey[inside] = image[inside]
    return grey


Setting = tuple[str, float, int]


def _settings() -> list[Setting]:
    crops = [(s, m, p) for s in SOURCES[1:] for m in MARGINS for p in PIXELS]
    return [*(("whole", 0.0, p) for p in PIXELS), *crops, ("painted", 0.1, PIXELS[0])]


def _looked(
    net: CamModel, pictures: world.Birds, progress: bool, step: int = 150
) -> tuple[dict[Setting, Any], dict[str, Floats], Any]:
    """Through every window: features, shares of the bird inside; boxes by source; labels."""
    size, settings = PIXELS[0], _settings()
    found: dict[Setting, list[Any]] = {one: [] for one in settings}
    placed: dict[str, list[Floats]] = {"cam": [], "true": []}
    labels: list[int] = []
    lot = random_boxes(pictures.split, len(pictures), size)
    bar = tqdm(range(0, len(pictures), step), desc=f"birds, {pictures.split}", disable=not progress)
    for start in bar:
        here = range(start, min(start + step, len(pictures)))
        scenes = [pictures.scene(i) for i in here]
        samples = [scene.sample(size) for scene in scenes]
        images = {size: np.stack([s.image for s in samples])}
        images[PIXELS[1]] = np.stack([scene.draw(PIXELS[1]).image for scene in scenes])
        by_source = {
            "whole": np.full((len(here), 4), np.nan),
            "cam": bird_boxes(net, images[size]),
            "true": np.stack([s.boxes[0] for s in samples]),
            "centred": np.tile(boxes.centred_box(size, size, USUAL), (len(here), 1)),
            "random": lot[start : here.stop],
        }
        by_source["painted"] = by_source["true"]
        for setting in settings:
            source, margin, pixels = setting
            windows = [window_of(b, margin, size) for b in by_source[source]]
            if source == "painted":
                pairs = zip(images[size], windows, strict=True)
                seen = np.stack([painted(image, window) for image, window in pairs])
            else:
                zoomed = by_source[source] * (pixels / size)
                seen = transfer.square_crops(images[pixels], list(zoomed), margin, size)
            masks = [s.mask for s in samples]
            inside = [bird_inside(m, w) for m, w in zip(masks, windows, strict=True)]
            features = transfer.pooled_features(net, seen, progress=False)
            found[setting].append((features, np.array(inside)))
        for source in placed:
            placed[source].append(by_source[source])
        labels += [s.label for s in samples]
    joined = {
        s: tuple(np.concatenate(part) for part in zip(*rows, strict=True))
        for s, rows in found.items()
    }
    return joined, {s: np.concatenate(rows) for s, rows in placed.items()}, np.array(labels)


def make(target: Path = FILE, *, count: int = PICTURES, progress: bool = True) -> Path:
    """Measure every window on drawn birds; write the numbers.

    Args:
        target: the file to write.
        count: pictures to train on, and as many to test on.
        progress: show a bar.

    Returns:
        The file.
    """
    net = zoo.load(NETWORK)
    halves = {s: world.Birds(split=s, size=PIXELS[0], length=count) for s in ("train", "test")}
    known, _, labels = _looked(net, halves["train"], progress)
    asked, placed, truth = _looked(net, halves["test"], progress)
    windows, svms = [], {}
    for setting in tqdm(known, desc="SVMs", disable=not progress):
        source, margin, pixels = setting
        svm = transfer.fit_svm(known[setting][0], labels, world.SPECIES, COSTS, folds=3)
        answers = svm.predict(asked[setting][0])
        inside, fills = asked[setting][1].mean(axis=0)
        windows.append({
            "source": source, "margin": margin, "pixels": pixels,
            "right": int((answers == truth).sum()), "count": count,
            "inside": round(float(inside), 4), "fills": round(float(fills), 4), "cost": svm.cost,
            "shown": [int(answers[i]) for i in SHOWN if i < count],
        })  # fmt: skip
        if (source, margin) in KEPT and pixels == PIXELS[0]:
            svms[source] = _kept(svm)
    images = {s: pictures.arrays(progress=progress)[0] for s, pictures in halves.items()}
    fine = zoo.load(FINE)
    told = {
        "about": f"world.Birds(length={count}) of the splits train and test; features of {NETWORK}",
        "networks": {name: zoo.card(name)["sha256"] for name in (NETWORK, FINE)},
        "table4": [_row(one) for one in windows if _of_table(one)],
        "localized": _localized(placed, species_boxes(fine, images["test"])),
        "leak": leak_of(net, images["train"], labels, images["test"], truth),
        "windows": windows,
        "svms": svms,
    }
    target.parent.mkdir(exist_ok=True)
    recipes.write(target, ("\n".join(_lines(told)) + "\n").encode())
    return target


def _kept(svm: LinearSvm) -> dict[str, Any]:
    weights, bias = svm.fold()
    rounded = [[float(f"{w:.4g}") for w in row] for row in weights]
    return {"weights": rounded, "bias": [float(f"{b:.6g}") for b in bias], "cost": svm.cost}


def _of_table(one: dict[str, Any]) -> bool:
    margin = 0.0 if one["source"] == "whole" else 0.1
    return one["source"] in ROWS and one["margin"] == margin and one["pixels"] == PIXELS[0]


def _row(one: dict[str, Any]) -> dict[str, Any]:
    share = round(one["right"] / one["count"], 4)
    return {"row": ROWS[one["source"]], "accuracy": share, "right": one["right"], "n": one["count"]}


def _localized(placed: dict[str, Floats], species: Floats) -> dict[str, float]:
    """How often a box fits its bird: of two maps, and in the middle."""
    middle = np.tile(boxes.centred_box(PIXELS[0], PIXELS[0], USUAL), (len(species), 1))
    found = {"cam": placed["cam"], "centred": middle, "species": species}
    return {
        name: round(float((fits(drawn, placed["true"]) >= AGREES).mean()), 4)
        for name, drawn in found.items()
    }


def leak_of(net: CamModel, train: Pixels, labels: Any, test: Pixels, truth: Any) -> dict[str, int]:
    """Name birds in crops at the map of a species, in both halves alike: true, or predicted.

    Args:
        net: the network of the features.
        train: pictures ``(N, H, W, 3)``, with their species ``labels`` ``(N,)``.
        labels: of the training pictures.
        test: pictures to name.
        truth: their species.

    Returns:
        ``n``, and how many were right with the "true" and with the "predicted" species.
    """

    def pooled(pictures: Pixels) -> Any:
        return transfer.pooled_features(net, pictures, progress=False)

    svm = transfer.fit_svm(pooled(train), labels, world.SPECIES, COSTS, folds=3)
    look, found = svm.on(net), {"n": len(truth)}
    for name, classes in {
        "true": (labels, truth),
        "predicted": (svm.predict(pooled(train)), svm.predict(pooled(test))),
    }.items():
        halves = zip((train, test), classes, strict=True)
        cut = [transfer.square_crops(p, list(boxes_at(look, p, c))) for p, c in halves]
        again = transfer.fit_svm(pooled(cut[0]), labels, world.SPECIES, COSTS, folds=3)
        found[name] = int((again.predict(pooled(cut[1])) == truth).sum())
    return found


def _lines(told: dict[str, Any]) -> Iterator[str]:
    """JSON with a line for every setting and every row of weights: small, and it can be read."""
    yield "{"
    last = list(told)[-1]
    for key, value in told.items():
        comma = "" if key == last else ","
        if isinstance(value, list):
            rows = ",\n  ".join(json.dumps(row) for row in value)
            yield f' "{key}": [\n  {rows}\n ]{comma}'
        else:
            yield f' "{key}": {json.dumps(value)}{comma}'
    yield "}"
