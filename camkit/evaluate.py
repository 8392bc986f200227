"""Evaluation of a whole set: one row a picture, resumable, by one process or by many.

Every measure comes from `camkit.metrics`, and is computed from the rows: whoever has the table has
the result. Beside the class activation map stand three rivals that cost nothing: a box in the
picture's centre, the whole picture, and the box of a map that knows no class.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.distributed as dist
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from tqdm.auto import tqdm

from camkit import world
from camkit.boxes import box_from_map, centred_box, check_threshold, threshold_grid
from camkit.cam import upsample
from camkit.datasets import DataError, PictureFiles
from camkit.heads import CamModel, _evaluating
from camkit.images import BoxArray, FloatArray, PictureError, Sample, View
from camkit.metrics import (
    BoxAccuracy,
    Localization,
    LocalizationErrors,
    MaxBoxAcc,
    MaxBoxAccV2,
    PointingGame,
    as_boxes,
    energy_inside,
    iou,
    iou_at_thresholds,
)
from camkit.saliency import class_blind
from camkit.world.sets import Pictures

GRID = threshold_grid(100)
"""Thresholds at which every row holds the IoU."""
GUESSES = 5
CENTRE = 0.7
"""Share of each side that the centred box takes."""
RIVALS = {
    "centre": f"centred box ({CENTRE:g})",
    "whole": "whole picture",
    "blind": "class-blind map",
}
COLUMNS = (
    "index", "name", "label", "skip", "reason", "guesses", "probability", "right", "size", "truth",
    "box", "guessed", "blind", "iou", "iou_guesses", "iou_centre", "iou_whole", "iou_blind",
    "point", "energy", "largest", "any",
)  # fmt: skip

Row = dict[str, str]


# --- what comes out -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Evaluation:
    """The result of a whole set. Errors and accuracies in percent.

    Args:
        pictures: how many; every error is a share of them, or of those with boxes.
        unreadable: name and reason of each that could not be read or measured: counted as wrong.
        skipped: how many are on the black list, which counts for localization alone.
        classification_top1: error of the first guess.
        classification_top5: error of the first five.
        errors: localization errors, or None without boxes or without maps.
        rivals: the same with the box of a rival in place of the map's.
        max_box_acc: share of right boxes at the best threshold, class known.
        max_box_acc_v2: the same over the IoUs .3, .5 and .7, with all regions.
        pointing: how often the highest cell of the true class's map lies in a true box.
        energy: share of the map's positive part in the true boxes, 0 to 1.
        outside: share of the time that was not spent in the network; None if nothing was run.
    """

    pictures: int
    unreadable: list[tuple[str, str]]
    skipped: int
    classification_top1: float
    classification_top5: float
    errors: LocalizationErrors | None = None
    rivals: dict[str, LocalizationErrors] | None = None
    max_box_acc: BoxAccuracy | None = None
    max_box_acc_v2: BoxAccuracy | None = None
    pointing: float | None = None
    energy: float | None = None
    outside: float | None = None

    def __str__(self) -> str:
        lines = [
            f"{self.pictures} pictures, {len(self.unreadable)} unreadable (counted as wrong), "
            f"{self.skipped} on the black list",
            f"{'error in %':<28}{'top-1':>8}{'top-5':>8}{'class known':>14}",
            f"{'classification':<28}{self.classification_top1:8.2f}{self.classification_top5:8.2f}",
        ]
        if self.errors is not None:
            told = {"localization": self.errors}
            told |= {f"  {RIVALS[name]}": found for name, found in (self.rivals or {}).items()}
            for name, found in told.items():
                lines.append(f"{name:<28}{found.top1:8.2f}{found.top5:8.2f}{found.known:14.2f}")
        if self.max_box_acc is not None and self.max_box_acc_v2 is not None:
            one, two = self.max_box_acc, self.max_box_acc_v2
            at = [", ".join(f"{t:.2f}" for t in found.thresholds) for found in (one, two)]
            lines += [
                f"MaxBoxAcc {one.value:.2f} %, at the threshold {at[0]}",
                f"MaxBoxAccV2 {two.value:.2f} %, for IoUs of .3, .5, .7 at the thresholds {at[1]}",
                f"pointing game {self.pointing:.2f} %; energy inside {self.energy:.3f}",
            ]
        if self.outside is not None:
            lines.append(f"{100 * self.outside:.0f} % of the time was spent outside the network")
        return "\n".join(lines)


def evaluate(
    net: CamModel,
    samples: Sequence[Sample],
    out: str | os.PathLike[str],
    *,
    workers: int = 0,
    batch: int = 16,
    threshold: float = 0.2,
    by: str | None = None,
    progress: bool = True,
) -> Evaluation:
    """Evaluate a network on a set of pictures and write one row for each.

    The rows go to ``out`` batch by batch. An interrupted evaluation is called again with the same
    arguments and goes on where it stopped; the file is the same to the last byte. What was asked
    and what was found stand beside it in a file that ends in ``.json``.

    A picture that cannot be read keeps its row, which says why, and counts as wrong. True boxes are
    cut at the picture's edge. The whole picture is squashed to the network's size.

    Under ``torchrun`` each of the processes takes every n-th batch, and the first writes ``out``.

    Args:
        net: the network; one with a flattened head is classified with, but not localized with.
        samples: the set, such as one of `camkit.datasets` or `camkit.world`.
        out: the table, a ``.csv`` file.
        workers: processes that read and resize; 0 does it here.
        batch: pictures in one pass.
        threshold: share of a map's maximum that its box keeps.
        by: how a class of the set finds its output: "name", or "position" for a set whose classes
            stand in the network's order. By default as the set itself has it.
        progress: show a bar.

    Returns:
        An `Evaluation`.

    Raises:
        ValueError: a class of the set has no output, ``out`` was begun with other pictures, another
            network or other settings, or the network's maps are not finite.
        TypeError, ValueError: another argument is not allowed.

    Example:
        >>> import tempfile
        >>> from camkit import relatives, world
        >>> net = relatives.build("plain", world.CLASSES).eval()
        >>> pictures = world.Objects(split="test", size=128, length=3)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     evaluate(net, pictures, Path(folder, "rows.csv"), progress=False).pictures
        3
    """
    check_threshold(threshold)
    file = Path(out)
    if file.suffix != ".csv":
        raise ValueError(f"out must be a file that ends in .csv, got {str(out)!r}.")
    if batch < 1 or workers < 0:
        raise ValueError(f"batch must be 1 or more and workers 0 or more: {batch}, {workers}.")
    if len(samples) == 0:
        raise ValueError("samples must hold at least one picture.")
    places = output_places(net, samples, by)
    batches = [range(i, min(i + batch, len(samples))) for i in range(0, len(samples), batch)]
    asked = {
        "pictures": len(samples),
        "set": _set_print(samples),
        "network": _network_print(net),
        "outputs": None if places is None else _print(places.tolist()),
        "threshold": threshold,
        "batch": batch,
    }
    work = _Work(net, samples, places, threshold, workers)
    with _crew() as (rank, crew):
        strays = [p.name for p in sorted(file.parent.glob(f"{file.stem}.part*of*.csv"))]
        strays = [name for name in strays if crew == 1 or not name.endswith(f"of{crew}.csv")]
        if strays:
            raise ValueError(
                f"{strays[0]} was begun by another number of processes: go on with as many, or "
                "delete it."
            )
        if crew > 1:
            return _together(work, batches, file, asked, rank, crew, progress)
        _run(work, batches, file, asked, progress)
        found = summarize(file, work.outside)
        _write_told(file, asked, found)
        return found


def summarize(rows: str | os.PathLike[str], outside: float | None = None) -> Evaluation:
    """Compute all measures from the rows that `evaluate` wrote.

    Args:
        rows: the table.
        outside: passed on to the result.

    Returns:
        An `Evaluation`.

    Raises:
        ValueError: the file is not such a table, or is empty.
    """
    table = read_rows(rows)
    read = [row for row in table if not row["reason"]]
    guesses = [row["guesses"].split() for row in table]
    right = np.array([row["label"] in g[:1] for row, g in zip(table, guesses, strict=True)])
    among = np.array([row["label"] in g for row, g in zip(table, guesses, strict=True)])
    found = Evaluation(
        pictures=len(table),
        unreadable=[(row["name"], row["reason"]) for row in table if row["reason"]],
        skipped=sum(row["skip"] == "1" for row in table),
        classification_top1=100 * float((~right).mean()),
        classification_top5=100 * float((~among).mean()),
        outside=outside,
    )
    if not any(row["box"] for row in read):
        return found
    boxed = [row for row in table if row["reason"] or row["truth"]]
    counted = [row for row in boxed if row["skip"] != "1"]
    if not counted:
        return found
    larges, anys = (MaxBoxAcc(GRID), MaxBoxAccV2(GRID))
    larges.add_ious([_curve(row["largest"]) for row in counted])
    anys.add_ious([_curve(row["any"]) for row in counted])
    kinds = ("map", *RIVALS)
    meters = {kind: Localization() for kind in kinds}
    for row in boxed:
        for kind in kinds:
            _add(meters[kind], row, kind)
    errors = {kind: meter.result() for kind, meter in meters.items()}
    return Evaluation(
        **{
            **{name: getattr(found, name) for name in Evaluation.__dataclass_fields__},
            "errors": errors.pop("map"),
            "rivals": errors,
            "max_box_acc": larges.result(),
            "max_box_acc_v2": anys.result(),
            "pointing": 100 * float(np.mean([row["point"] == "1" for row in counted])),
            "energy": float(np.mean([float(row["energy"] or 0) for row in counted])),
        }
    )


def read_rows(file: str | os.PathLike[str]) -> list[Row]:
    """Read the table that `evaluate` wrote, its cells as text.

    Boxes are four numbers, several of them parted by ``;``. IoUs are from 0 to 1; those of
    ``largest`` and ``any``, one for each threshold of `GRID`, are in ten-thousandths. All IoUs are
    cut after the fourth digit, never rounded, so that none crosses .5.

    Args:
        file: the table.

    Returns:
        One dict a picture.

    Raises:
        ValueError: the file is not such a table, or is empty.
    """
    with Path(file).open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise ValueError(f"{file} is not a table that camkit.evaluate wrote.")
        rows: list[Row] = list(reader)
    if not rows:
        raise ValueError(f"{file} holds no picture.")
    return rows


def output_places(
    net: CamModel, samples: Sequence[Sample], by: str | None = None
) -> npt.NDArray[np.int64] | None:
    """Find the network's output for each class of a set.

    Args:
        net: the network.
        samples: the set.
        by: "name", "position", or None for the set's own way.

    Returns:
        For each label the output, ``(classes,)``; -1 where no picture needs one. None for a plain
        list of samples, whose labels are the outputs.

    Raises:
        ValueError: a class has no output, or several; or ``by`` is neither.
    """
    names: Sequence[str] | None = getattr(samples, "classes", None)
    if isinstance(samples, Pictures):
        names = world.CLASSES
    by = by or getattr(samples, "BY", "name")
    if by not in ("name", "position"):
        raise ValueError(f'by must be "name" or "position", got {by!r}.')
    if names is None:
        return None
    if by == "position":
        if len(names) != len(net.names):
            raise ValueError(
                f"The set has {len(names)} classes and the network {len(net.names)}: by position "
                "they must be as many."
            )
        return np.arange(len(names))
    used = set(samples.labels.tolist()) if isinstance(samples, PictureFiles) else None
    places = np.full(len(names), -1)
    lost = []
    for label, name in enumerate(names):
        if used is None or label in used:
            found = [c for c, own in enumerate(net.names) if own.lower() == name.lower()]
            if len(found) == 1:
                places[label] = found[0]
            else:
                lost.append(f"{name!r} ({len(found)} outputs)")
    if lost:
        raise ValueError(
            f"{len(lost)} of {len(names)} classes of the set do not have one output each in the "
            f"network: {', '.join(lost[:5])}. Name them as the network does, or, where both stand "
            'in the same order, say by="position".'
        )
    return places


# --- from a picture to a row --------------------------------------------------------------------


@dataclass(frozen=True)
class _Read:
    """One picture as a worker hands it over; without ``inputs``, the reason."""

    index: int
    name: str
    label: int
    skip: bool
    reason: str = ""
    size: tuple[int, int] = (0, 0)  # height and width
    truth: BoxArray | None = None
    inputs: Tensor | None = None


class _Reader(Dataset[list[_Read]]):
    """Reads, cuts and resizes a batch; runs in a worker."""

    def __init__(self, net: CamModel, samples: Sequence[Sample]) -> None:
        self.samples, self.size = samples, net.size
        self.mean, self.std = tuple(net.mean), tuple(net.std)

    def __getitem__(self, indices: range) -> list[_Read]:
        return [self._read(i) for i in indices]

    def _read(self, index: int) -> _Read:
        files = self.samples if isinstance(self.samples, PictureFiles) else None
        skip = bool(files.skip[index]) if files is not None else False
        try:
            sample = self.samples[index]
            height, width = sample.image.shape[:2]
            boxes = as_boxes(sample.boxes, "boxes")
            cut = np.clip(boxes, 0, [width, height, width, height])
            truth = as_boxes(cut, "within the picture, boxes")
            inputs = View.of((height, width), self.size).to_input(sample.image, self.mean, self.std)
        except (OSError, PictureError, DataError, ValueError) as error:
            name = files.name(index) if files is not None else str(index)
            label = int(files.labels[index]) if files is not None else -1
            return _Read(index, name, label, skip, " ".join(str(error).split()))
        name = sample.name or str(index)
        return _Read(index, name, sample.label, skip, "", (height, width), truth, inputs)


class _Work:
    """The network with what it is evaluated on; it knows how long the network took."""

    def __init__(
        self,
        net: CamModel,
        samples: Sequence[Sample],
        places: npt.NDArray[np.int64] | None,
        threshold: float,
        workers: int,
    ) -> None:
        self.net, self.samples, self.places = net, samples, places
        self.threshold, self.workers = threshold, workers
        self.inside = self.whole = 0.0

    @property
    def outside(self) -> float | None:
        return 1 - self.inside / self.whole if self.whole else None

    def output(self, read: _Read) -> int:
        """The network's number of the picture's class; -1 where that could not be read."""
        label = read.label
        if self.places is not None and label >= 0:
            label = int(self.places[label])
        if not (-1 if read.reason else 0) <= label < len(self.net.names):
            raise ValueError(
                f"Picture {read.index} has the label {label}, but the network has "
                f"{len(self.net.names)} classes."
            )
        return label

    def batches(self, todo: Sequence[range]) -> Iterator[list[Row]]:
        """The rows of each batch, in order."""
        loader: DataLoader[list[_Read]] = DataLoader(
            _Reader(self.net, self.samples),
            batch_size=None,
            sampler=todo,  # whatever it holds is asked for: here the numbers of a batch
            num_workers=self.workers,
            collate_fn=_as_it_is,
        )
        start = time.perf_counter()
        for pictures in loader:
            rows = self._rows(pictures)
            self.whole += time.perf_counter() - start
            start = time.perf_counter()
            yield rows
        self.whole += time.perf_counter() - start

    def _rows(self, pictures: list[_Read]) -> list[Row]:
        labels = [self.output(one) for one in pictures]
        seen = [(p, label) for p, label in zip(pictures, labels, strict=True) if not p.reason]
        told = iter(self._seen([p for p, _ in seen], [label for _, label in seen]) if seen else [])
        rows = []
        for one, label in zip(pictures, labels, strict=True):
            row = dict.fromkeys(COLUMNS, "")
            row |= {"index": str(one.index), "name": _one_line(one.name), "label": str(label)}
            row |= {"skip": str(int(one.skip)), "reason": _one_line(one.reason)}
            rows.append(row | ({} if one.reason else next(told)))
        return rows

    def _seen(self, pictures: list[_Read], labels: list[int]) -> list[Row]:
        """What the network says of the pictures of one pass."""
        start = time.perf_counter()
        net, maps, blind = self.net, None, None
        reference = net.head.weight
        inputs = torch.stack([p.inputs for p in pictures if p.inputs is not None])
        true = torch.tensor(labels, device=reference.device)[:, None]
        with torch.no_grad():
            features = net.features(inputs.to(reference))
            scores = net.scores(features)
            guesses = scores.topk(min(GUESSES, scores.shape[1])).indices
            if net.pool != "flatten":
                maps = net.maps(features, torch.cat([true, guesses], dim=1)).float().cpu()
                blind = class_blind(features).float().cpu()
            probabilities = scores.float().softmax(dim=1).gather(1, guesses[:, :1]).cpu()
        chosen = guesses.cpu().tolist()
        self.inside += time.perf_counter() - start
        finite = torch.isfinite(scores).all(dim=1).cpu() & (
            torch.tensor(True) if maps is None else torch.isfinite(maps).flatten(1).all(dim=1)
        )
        if not finite.all():
            bad = pictures[int(finite.int().argmin())]
            raise ValueError(
                f"The network's scores or maps of {bad.name} are not finite: look for NaN in it."
            )
        rows: list[Row] = []
        for i, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
            row = {
                "guesses": " ".join(map(str, chosen[i])),
                "probability": f"{float(probabilities[i, 0]):.4f}",
                "right": str(int(chosen[i][0] == label)),
                "size": f"{picture.size[1]} {picture.size[0]}",
            }
            if maps is not None and blind is not None and picture.truth is not None:
                large = upsample(torch.cat([maps[i], blind[i]])[None], net.size)[0].numpy()
                row |= _located(large, picture.truth, picture.size, net.size, self.threshold)
            rows.append(row)
        return rows


def _located(
    maps: FloatArray,
    truth: BoxArray,
    original: tuple[int, int],
    size: tuple[int, int],
    threshold: float,
) -> Row:
    """Boxes of the maps (true class, guesses, class-blind) and how well they meet the truth."""
    if len(truth) == 0:
        return {}
    view = View.of(original, size)
    found = [box_from_map(one, threshold) for one in maps]
    boxes = np.array([[np.nan] * 4 if box is None else view.box_back(box) for box in found])
    centre, whole = _rival_boxes(original)
    matched = iou([*boxes, centre, whole], truth).max(axis=1)
    # Within the map to the last bit, although two divisions lie between.
    cells = np.clip(view.box_to_input(truth), 0, [size[1], size[0]] * 2)
    spots = [_at_least_a_cell(cells, size)]
    point = PointingGame(tolerance=0).add(maps[:1], boxes=spots).result()
    return {
        "truth": _told_boxes(truth),
        "box": _told_boxes(boxes[:1]),
        "guessed": _told_boxes(boxes[1:-1]),
        "blind": _told_boxes(boxes[-1:]),
        "iou": _cut(matched[0]),
        "iou_guesses": " ".join(map(_cut, matched[1:-3])),
        "iou_blind": _cut(matched[-3]),
        "iou_centre": _cut(matched[-2]),
        "iou_whole": _cut(matched[-1]),
        "point": str(int(point == 100)),
        "energy": f"{float(energy_inside(maps[:1], boxes=spots)[0]):.6f}",
        "largest": _told_curve(iou_at_thresholds(maps[0], cells, GRID)),
        "any": _told_curve(iou_at_thresholds(maps[0], cells, GRID, keep="all")),
    }


def _rival_boxes(original: tuple[int, int]) -> tuple[BoxArray, BoxArray]:
    """A box in the middle, and the whole picture."""
    height, width = original
    return np.array(centred_box(height, width, CENTRE)), np.array([0.0, 0.0, width, height])


def _at_least_a_cell(boxes: BoxArray, size: tuple[int, int]) -> BoxArray:
    """Boxes thinner than a cell, which may hold no cell's centre, become the cell they lie in."""
    low, high = boxes[:, :2].copy(), boxes[:, 2:].copy()
    cell = np.minimum(np.floor((low + high) / 2), [size[1] - 1, size[0] - 1])
    thin = high - low < 1
    low[thin], high[thin] = cell[thin], cell[thin] + 1
    return np.concatenate([low, high], axis=1)


def _cut(value: float) -> str:
    return f"{int(value * 10_000) / 10_000:.4f}"


def _told_curve(ious: npt.NDArray[np.float64]) -> str:
    return " ".join(str(int(value * 10_000)) for value in ious)


def _curve(cell: str) -> npt.NDArray[np.float64]:
    """The IoUs of a row; none is right where there was no picture."""
    return np.array(cell.split(), dtype=np.float64) / 10_000 if cell else np.zeros(len(GRID))


def _told_boxes(boxes: BoxArray) -> str:
    return ";".join(" ".join(repr(float(v)) for v in box) for box in boxes)


def _boxes(cell: str) -> BoxArray:
    return np.array([box.split() for box in cell.split(";")], dtype=np.float64)


def _add(meter: Localization, row: Row, kind: str) -> None:
    """Add a row to a meter, with the boxes of the map or of a rival."""
    skip = [row["skip"] == "1"]
    if row["reason"]:  # wrong in every way
        nowhere = np.full((1, 1, 4), np.nan)
        meter.add([[-2]], nowhere, [-1], [[0, 0, 1, 1]], nowhere[0], skip)
        return
    guesses = [int(c) for c in row["guesses"].split()]
    if kind == "map":
        known, drawn = _boxes(row["box"])[0], _boxes(row["guessed"])
    else:
        width, height = map(int, row["size"].split())
        centre, whole = _rival_boxes((height, width))
        known = {"centre": centre, "whole": whole, "blind": _boxes(row["blind"])[0]}[kind]
        drawn = np.tile(known, (len(guesses), 1))
    meter.add([guesses], drawn[None], [int(row["label"])], [_boxes(row["truth"])], [known], skip)


def _one_line(text: str) -> str:
    """A row is a line: that is how an interrupted file is mended."""
    return text.replace("\r", "\\r").replace("\n", "\\n")


def _as_it_is(batch: Any) -> Any:
    return batch


# --- writing, going on, sharing the work --------------------------------------------------------


def _run(
    work: _Work, batches: Sequence[range], file: Path, asked: dict[str, Any], progress: bool
) -> None:
    """Write the rows of the batches that the file does not hold yet."""
    done = _resume(file, batches, asked)
    todo = batches[done:]
    total = sum(map(len, batches))
    bar = tqdm(
        total=total,
        initial=total - sum(map(len, todo)),
        unit="picture",
        desc="evaluating",
        disable=None if progress else True,
    )
    with bar, file.open("ab") as target, _evaluating(work.net):
        for rows in work.batches(todo) if todo else ():
            target.write(_as_text(rows))
            target.flush()
            bar.update(len(rows))


def _resume(file: Path, batches: Sequence[range], asked: dict[str, Any]) -> int:
    """Cut an interrupted file after its last whole batch, and count the batches it holds."""
    header = (",".join(COLUMNS) + "\n").encode()
    if not file.exists():
        _write_told(file, asked)
        file.write_bytes(header)
        return 0
    told = file.with_suffix(".json")
    before = json.loads(told.read_text(encoding="utf-8"))["asked"] if told.exists() else {}
    other = [name for name in asked if before.get(name) != asked[name]]
    content = file.read_bytes()
    if other or not (content.startswith(header) or header.startswith(content)):
        raise ValueError(
            f"{file} is there already and was not begun with the same "
            f"{', '.join(other) or 'columns'}: delete it, or give another out."
        )
    ends = (np.flatnonzero(np.frombuffer(content, np.uint8) == 10) + 1).tolist()  # of whole lines
    lines = len(ends) - 1
    done = rows = 0
    for one in batches:
        if rows + len(one) > lines:
            break
        rows, done = rows + len(one), done + 1
    with file.open("r+b") as target:
        if not ends:
            target.write(header)
        target.truncate(ends[rows] if ends else len(header))
    return done


def _as_text(rows: list[Row]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writerows(rows)
    return text.getvalue().encode("utf-8", "backslashreplace")


def _write_told(file: Path, asked: dict[str, Any], found: Evaluation | None = None) -> None:
    """Say beside the table what was asked and, at the end, what was found."""
    told: dict[str, Any] = {"asked": asked}
    if found is not None:
        kept = {name: value for name, value in asdict(found).items() if name != "outside"}
        told["found"] = kept
    text = json.dumps(told, indent=1, ensure_ascii=False, default=lambda array: array.tolist())
    part = file.with_suffix(".json.part")
    part.write_text(text + "\n", encoding="utf-8", errors="backslashreplace")
    os.replace(part, file.with_suffix(".json"))


@contextlib.contextmanager
def _crew() -> Iterator[tuple[int, int]]:
    """This process's number and how many there are: 0 of 1, or what torchrun says."""
    started = False
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not dist.is_initialized():
        # Processes wait for the slowest, however long that takes.
        dist.init_process_group("gloo", timeout=timedelta(days=30))
        started = True
    try:
        many = dist.is_available() and dist.is_initialized()
        yield (dist.get_rank(), dist.get_world_size()) if many else (0, 1)
    finally:
        if started:
            dist.destroy_process_group()


def _together(
    work: _Work,
    batches: Sequence[range],
    file: Path,
    asked: dict[str, Any],
    rank: int,
    crew: int,
    progress: bool,
) -> Evaluation:
    """Evaluate every crew-th batch here; the first process joins the parts and tells the others.

    Whole batches are shared out, so that each is the same as in one process, to the last bit.
    """
    shared: list[Any] = [None]
    if rank == 0 and file.exists() and _resume(file, batches, asked) == len(batches):
        shared = [summarize(file)]
    dist.broadcast_object_list(shared)
    if shared[0] is not None:
        ready: Evaluation = shared[0]
        return ready
    part = file.with_name(f"{file.stem}.part{rank}of{crew}.csv")
    _run(work, batches[rank::crew], part, asked, progress and rank == 0)
    parts: list[Any] | None = [None] * crew if rank == 0 else None
    dist.gather_object(part.read_bytes(), parts)
    if rank == 0 and parts is not None:
        lines = [iter(one.splitlines(keepends=True)) for one in parts]
        heads = [next(one) for one in lines]
        joined = [heads[0]]
        for number, one in enumerate(batches):
            joined += [next(lines[number % crew]) for _ in one]
        whole = file.with_suffix(".csv.part")
        whole.write_bytes(b"".join(joined))
        os.replace(whole, file)
        shared = [summarize(file, work.outside)]
        _write_told(file, asked, shared[0])
    dist.broadcast_object_list(shared)
    part.unlink()
    part.with_suffix(".json").unlink()
    dist.barrier()  # a process that ends with an error code makes torchrun stop the others
    found: Evaluation = shared[0]
    return found


# --- what makes two evaluations the same --------------------------------------------------------


def _print(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]


def _set_print(samples: Sequence[Sample]) -> str:
    if isinstance(samples, PictureFiles):
        names = [samples.name(i) for i in range(len(samples))]
        return _print([names, samples.labels.tolist(), samples.skip.tolist()])
    return _print(repr(samples)) if isinstance(samples, Pictures) else "a list"


def _network_print(net: CamModel) -> str:
    digest = hashlib.sha256(repr((net.pool, net.relu_map, net.size)).encode())
    digest.update(repr((tuple(net.mean), tuple(net.std), list(net.names))).encode())
    for name, values in sorted(net.state_dict().items()):
        digest.update(name.encode())
        digest.update(values.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()[:16]
