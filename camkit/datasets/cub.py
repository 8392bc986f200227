"""CUB-200-2011: 11,788 birds of 200 species, one box and fifteen parts each."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from camkit.datasets.base import DataError, PictureFiles, a_folder, numbers, table
from camkit.images import BoxArray

LAYOUT = (
    "CUB-200-2011 comes from vision.caltech.edu/datasets/cub_200_2011. Under the folder you name, "
    "or under CUB_200_2011 in it, there must be images/, images.txt, classes.txt, "
    "image_class_labels.txt, train_test_split.txt, bounding_boxes.txt, and parts/."
)


class CUB(PictureFiles):
    """Birds with their species, box and parts, in the official split.

    Boxes are published as x, y, width, height, and become ``(x, y, x + width, y + height)``.

    Args:
        root: the folder as it was unpacked.
        split: "train" (5,994 pictures), "test" (5,794) or "all".

    Attributes:
        part_names: the parts, P of them.
        parts: ``(N, P, 2)``, x and y in pixels of the picture; NaN for a part that is hidden.

    Raises:
        DataError: a part is missing or damaged; the message says where it should be.
        ValueError: there is no such split.
    """

    PER_PICTURE: ClassVar[tuple[str, ...]] = (*PictureFiles.PER_PICTURE, "parts", "_boxes")

    def __init__(self, root: str | os.PathLike[str], split: str = "test") -> None:
        if split not in ("train", "test", "all"):
            raise ValueError(f'split must be "train", "test" or "all", got {split!r}.')
        top = a_folder(root, LAYOUT)
        top = top / "CUB_200_2011" if (top / "CUB_200_2011").is_dir() else top
        paths = dict(table(top / "images.txt", 2, LAYOUT))
        ids = list(paths)
        classes = dict(table(top / "classes.txt", 2, LAYOUT))
        place = {number: c for c, number in enumerate(classes)}
        labels = _for_each(top / "image_class_labels.txt", 1, ids)
        strange = next((row[0] for row in labels if row[0] not in place), None)
        if strange is not None:
            raise DataError(f"image_class_labels.txt names the class {strange!r}, unknown here.")
        is_train = np.array(
            [row[0] == "1" for row in _for_each(top / "train_test_split.txt", 1, ids)]
        )
        file = top / "bounding_boxes.txt"
        x, y, width, height = numbers(file, _for_each(file, 4, ids)).T
        self._boxes: BoxArray = np.stack([x, y, x + width, y + height], axis=1)
        self.part_names, self.parts = _parts(top / "parts", ids)
        super().__init__(
            top / "images",
            list(classes.values()),
            [top / "images" / paths[one] for one in ids],
            [place[row[0]] for row in labels],
        )
        keep = np.ones(len(ids), bool) if split == "all" else is_train == (split == "train")
        self.__dict__.update(self.subset(keep).__dict__)

    def boxes(self, index: int) -> BoxArray:
        """The bird's box ``(1, 4)``, end exclusive."""
        box: BoxArray = self._boxes[[index]]
        return box


def _for_each(file: Path, columns: int, ids: list[str]) -> list[list[str]]:
    """The rows of a table whose first column is the picture's number, in the pictures' order."""
    rows = {row[0]: row[1:] for row in table(file, columns + 1, LAYOUT)}
    lost = [one for one in ids if one not in rows]
    if lost:
        raise DataError(f"{file} lacks {len(lost)} of {len(ids)} pictures, such as {lost[0]}.")
    return [rows[one] for one in ids]


def _parts(folder: Path, ids: list[str]) -> tuple[list[str], npt.NDArray[np.float64]]:
    names = dict(table(folder / "parts.txt", 2, LAYOUT))
    file = folder / "part_locs.txt"
    rows = table(file, 5, LAYOUT)
    row_of, column_of = {one: i for i, one in enumerate(ids)}, {p: j for j, p in enumerate(names)}
    parts = np.full((len(ids), len(names), 2), np.nan)
    for (one, part, *_), (x, y, visible) in zip(
        rows, numbers(file, [row[2:] for row in rows]), strict=True
    ):
        if one not in row_of or part not in column_of:
            raise DataError(f"{file} names picture {one} and part {part}, unknown here.")
        if visible:
            parts[row_of[one], column_of[part]] = x, y
    return list(names.values()), parts
