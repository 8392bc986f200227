"""Data sets on real material: folders of photographs, VOC files, ImageNet boxes in both forms."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image

from camkit.datasets import ILSVRC, ImageFolder, VOCFolder


def test_fifty_raccoons(realdata: Path) -> None:
    data = VOCFolder(realdata / "voc-xml-raccoon")
    assert len(data) == 50
    assert data.classes == ["raccoon"]
    assert data.left_out == {}
    assert data.unreadable(progress=False) == {}
    first = data.subset([i for i, f in enumerate(data.files) if f.name == "raccoon-1.jpg"])[0]
    # Written 81, 88, 522, 408 in a picture of 650 x 417.
    assert first.image.shape == (417, 650, 3)
    assert first.boxes.tolist() == [[80, 87, 522, 408]]
    for sample in data:
        height, width = sample.image.shape[:2]
        assert (sample.boxes >= 0).all()
        assert (sample.boxes <= [width, height, width, height]).all()


def test_eight_scenes(realdata: Path) -> None:
    root = realdata / "sun8"
    inside = [f for f in root.iterdir() if f.is_dir()]
    data = ImageFolder(inside[0] if len(inside) == 1 else root)
    assert len(data.classes) >= 2
    assert len(data) == 320
    first, second = data.split(0.5)
    assert len(first) == len(second) == 160


def test_ilsvrc_photographs_in_the_form_of_the_competition(realdata: Path, tmp_path: Path) -> None:
    folder = realdata / "imagenet-val-boxes"
    with (folder / "boxes.csv").open(encoding="utf-8") as lines:
        rows = [r for r in csv.DictReader(lines) if r["file"].startswith("val-original-size")]
    pictures = tmp_path / "ILSVRC" / "Data" / "CLS-LOC" / "val"
    pictures.mkdir(parents=True)
    told: dict[str, str] = {}
    for row in rows:
        file = folder / row["file"]
        (pictures / file.name).write_bytes(file.read_bytes())
        ends = [int(float(row[end])) for end in ("x0", "y0", "x1", "y1")]
        told[file.stem] = told.get(file.stem, "") + f"{row['wnid']} {' '.join(map(str, ends))} "
    table = "".join(f"{name},{line}\n" for name, line in told.items())
    (tmp_path / "LOC_val_solution.csv").write_text("ImageId,PredictionString\n" + table)
    names = {row["wnid"]: row["name"] for row in rows}
    mapping = "".join(f"{wnid} {name}\n" for wnid, name in sorted(names.items()))
    (tmp_path / "LOC_synset_mapping.txt").write_text(mapping)
    data = ILSVRC(tmp_path)
    assert len(data) == len(told)
    assert data.unreadable(progress=False) == {}
    assert sum(len(sample.boxes) for sample in data) == len(rows)
    for sample in data:
        row = next(r for r in rows if r["file"].endswith(sample.name))
        with Image.open(folder / row["file"]) as image:
            assert sample.image.shape[:2] == image.size[::-1]
        assert data.classes[sample.label] == row["name"]
        assert np.all(sample.boxes[:, 2:] <= np.array(sample.image.shape[1::-1]))
