"""A trained network on boxed photographs: the numbers that were measured without this package."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from camkit.datasets import PictureFiles
from camkit.evaluate import GRID, evaluate, read_rows
from camkit.heads import CamModel, convert
from camkit.images import BoxArray

tv = pytest.importorskip("torchvision.models")


class Boxed(PictureFiles):
    """The photographs of imagenet-val-boxes, whose boxes stand in one table."""

    PER_PICTURE = (*PictureFiles.PER_PICTURE, "truth")

    def __init__(self, folder: Path) -> None:
        found: dict[str, tuple[int, list[list[float]]]] = {}
        with (folder / "boxes.csv").open(encoding="utf-8") as lines:
            for row in csv.DictReader(lines):
                boxes = found.setdefault(row["file"], (int(row["index"]), []))[1]
                boxes.append([float(row[side]) for side in ("x0", "y0", "x1", "y1")])
        self.truth = [np.array(boxes) for _, boxes in found.values()]
        labels = [label for label, _ in found.values()]
        super().__init__(folder, [f"{c}" for c in range(1000)], [folder / f for f in found], labels)

    def boxes(self, index: int) -> BoxArray:
        return self.truth[index]


def mobilenet(folder: Path) -> CamModel:
    model = tv.mobilenet_v2()
    file = folder / "weights" / "mobilenet_v2_tf2ptq.pth"
    model.load_state_dict(torch.load(file, weights_only=True))
    return convert(model.eval(), size=225)


def test_mobilenet_on_256_boxed_photographs(realdata: Path, tmp_path: Path) -> None:
    """Whole picture squashed to 225; within one point of what was measured independently."""
    data = Boxed(realdata / "imagenet-val-boxes")
    file = tmp_path / "rows.csv"
    found = evaluate(mobilenet(realdata), data, file, by="position", progress=False)
    print(found)
    assert (found.pictures, found.unreadable) == (256, [])
    assert found.errors is not None
    assert found.rivals is not None
    assert 75.4 - 1 <= 100 - found.classification_top1 <= 75.8 + 1
    assert 100 - (found.errors.known or 0) == pytest.approx(67.2, abs=1)
    assert 100 - found.errors.top1 == pytest.approx(51.2, abs=1)
    assert 100 - (found.rivals["centre"].known or 0) == pytest.approx(56.6, abs=0.2)
    curves = np.array([row["largest"].split() for row in read_rows(file)], dtype=int)
    right = 100 * (curves >= 5000).mean(axis=0)
    for threshold, value in {0.1: 62.5, 0.15: 65.2, 0.2: 67.2, 0.3: 62.9}.items():
        here = int(np.argmin(np.abs(GRID - threshold)))
        assert right[here] == pytest.approx(value, abs=1), threshold
    assert found.max_box_acc is not None
    assert found.max_box_acc.value == right.max()
    # A photograph that is lost counts as a ninth that is wrong.
    bad = data.subset([*range(8), 0])
    bad.files[8] = tmp_path / "lost.jpg"
    first = evaluate(mobilenet(realdata), data.subset(range(8)), tmp_path / "a.csv", by="position")
    again = evaluate(mobilenet(realdata), bad, tmp_path / "b.csv", by="position", progress=False)
    assert again.classification_top1 == pytest.approx((8 * first.classification_top1 + 100) / 9)
