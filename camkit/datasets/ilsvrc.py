"""The validation pictures of ImageNet's classification and localization task (ILSVRC 2012-2017)."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import ClassVar

import numpy as np

from camkit.datasets.base import DataError, PictureFiles, a_folder, numbers, table
from camkit.datasets.xml import read_annotation
from camkit.images import BoxArray

LAYOUT = (
    "ILSVRC comes from image-net.org after registration, or from the Kaggle competition "
    '"imagenet-object-localization-challenge". Under the folder you name, or under ILSVRC in it, '
    "there must be Data/CLS-LOC/val/*.JPEG, and either LOC_val_solution.csv with "
    "LOC_synset_mapping.txt, or Annotations/CLS-LOC/val/*.xml with the development kit's "
    "map_clsloc.txt and *_clsloc_validation_ground_truth.txt in devkit/data "
    "(ILSVRC2014_devkit/data)."
)


class ILSVRC(PictureFiles):
    """The 50,000 validation pictures with their classes and boxes.

    Classes stand in the order of their WordNet numbers, as the outputs of published networks do;
    the development kit's own numbers are in another order, and are translated. The kit's black list
    (1,762 pictures whose boxes were found wanting) goes into `skip`; Kaggle's form has none.

    Boxes are written from 0 with the end counted in, so 1 is added to it.

    Args:
        root: the folder, laid out officially or as Kaggle gives it.

    Attributes:
        wnids: the classes' WordNet numbers, sorted.

    Raises:
        DataError: a part is missing or damaged; the message says where it should be.
    """

    BY: ClassVar[str] = "position"
    PER_PICTURE: ClassVar[tuple[str, ...]] = (*PictureFiles.PER_PICTURE, "_truth")

    def __init__(self, root: str | os.PathLike[str]) -> None:
        top = a_folder(root, LAYOUT)
        base = top / "ILSVRC" if (top / "ILSVRC").is_dir() else top
        pictures = a_folder(base / "Data" / "CLS-LOC" / "val", LAYOUT)
        boxes = base / "Annotations" / "CLS-LOC" / "val"
        self._truth: list[BoxArray | Path]  # numbers, or the file to read them from
        solution = next((f for f in _places(top, base, "LOC_val_solution.csv")), None)
        if solution is not None:
            names, wnids, self._truth, classes = _from_csv(solution)
        else:
            names, wnids, classes = _from_kit(top, base)
            self._truth = [boxes / f"{name}.xml" for name in names]
        self.wnids = sorted(classes)
        place = {wnid: c for c, wnid in enumerate(self.wnids)}
        super().__init__(
            pictures,
            [classes[wnid] for wnid in self.wnids],
            [pictures / f"{name}.JPEG" for name in names],
            [place[wnid] for wnid in wnids],
            skip=_black_list(top, base, names),
        )

    def boxes(self, index: int) -> BoxArray:
        """All boxes of the picture's class ``(n, 4)``, ends exclusive.

        Raises:
            DataError: the annotation is missing, damaged, or holds no object of the class.
        """
        truth = self._truth[index]
        if not isinstance(truth, Path):
            return truth
        wnid = self.wnids[self.labels[index]]
        found = [box for name, box in read_annotation(truth).objects if name == wnid]
        if not found:
            raise DataError(f"{truth} holds no object of the picture's class, {wnid}.")
        return np.array(found) + [0, 0, 1, 1]


def _places(top: Path, base: Path, pattern: str) -> list[Path]:
    folders = [top, base]
    folders += [place / kit for place in (top, base) for kit in ("devkit/data", "data")]
    folders += [kit / "data" for kit in sorted(top.glob("ILSVRC*_devkit"))]
    return [file for folder in dict.fromkeys(folders) for file in sorted(folder.glob(pattern))]


def _from_kit(top: Path, base: Path) -> tuple[list[str], list[str], dict[str, str]]:
    """Names and WordNet numbers of the pictures, and names of the classes by number."""
    maps = _places(top, base, "map_clsloc.txt")
    truths = _places(top, base, "*_clsloc_validation_ground_truth.txt")
    if not maps or not truths:
        what = "map_clsloc.txt" if not maps else "*_clsloc_validation_ground_truth.txt"
        raise DataError(f"There is neither LOC_val_solution.csv nor {what} in {top}. {LAYOUT}")
    kit = {row[1]: (row[0], row[2].replace("_", " ")) for row in table(maps[0], 3, LAYOUT)}
    lines = [row[0] for row in table(truths[0], 1, LAYOUT)]
    strange = next((line for line in lines if line not in kit), None)
    if strange is not None:
        raise DataError(f"{truths[0]} names the class {strange!r}, which {maps[0]} does not hold.")
    names = [f"ILSVRC2012_val_{number:08d}" for number in range(1, len(lines) + 1)]
    return names, [kit[line][0] for line in lines], dict(kit.values())


def _from_csv(
    solution: Path,
) -> tuple[list[str], list[str], list[BoxArray | Path], dict[str, str]]:
    """The same with the boxes, sorted by the pictures' names."""
    classes = dict(table(solution.with_name("LOC_synset_mapping.txt"), 2, LAYOUT))
    with solution.open(encoding="utf-8-sig", newline="") as lines:
        rows = sorted((row + ["", ""])[:2] for row in csv.reader(lines))
    rows = [row for row in rows if row[0] not in ("", "ImageId")]
    truth: list[BoxArray | Path] = []
    wnids = []
    for name, told in rows:
        words = [told.split()[i : i + 5] for i in range(0, len(told.split()), 5)]
        if not words or len(words[-1]) < 5 or len({word[0] for word in words}) > 1:
            raise DataError(
                f"{solution}: {name} must have one class and four numbers a box, got {told!r}."
            )
        if words[0][0] not in classes:
            raise DataError(
                f"{solution}: {name} is of the class {words[0][0]!r}, which "
                "LOC_synset_mapping.txt does not hold."
            )
        truth.append(numbers(solution, [word[1:] for word in words]) + [0, 0, 1, 1])
        wnids.append(words[0][0])
    return [row[0] for row in rows], wnids, truth, classes


def _black_list(top: Path, base: Path, names: list[str]) -> list[bool]:
    files = _places(top, base, "*_clsloc_validation_blacklist.txt")
    listed = {row[0].zfill(8) for row in table(files[0], 1, LAYOUT)} if files else set()
    return [name.rsplit("_", 1)[-1] in listed for name in names]
