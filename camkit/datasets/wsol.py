"""Boxes that came with the benchmark of Choe et al. (2020): ImageNetV2, CUBV2 and the others."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

import numpy as np

from camkit.datasets.base import DataError, PictureFiles, a_folder, numbers, table
from camkit.images import BoxArray

LAYOUT = (
    "The lists are in the repository clovaai/wsolevaluation: release/ImageNetV2_boxes.txt, "
    "release/CUBV2_boxes.txt, and for each set and split metadata/SET/SPLIT/ with image_ids.txt, "
    "class_labels.txt and localization.txt; its README says where the pictures are."
)


def wsol_boxes(file: str | os.PathLike[str], sizes: bool | None = None) -> dict[str, BoxArray]:
    """Read a published list of boxes, one box a line: picture, and four numbers.

    The first line of ``release/CUBV2_boxes.txt`` says ``x0,y0,x1,y1``, but its rows are x, y, width
    and height. ``x1`` and ``y1`` of the two released lists reach the picture's width and height:
    their ends are exclusive. Those of ``metadata/`` are the same numbers, cut at the last pixel.

    Args:
        file: a released list, or a ``localization.txt``.
        sizes: True where the last two numbers are width and height. None finds out: they are if the
            file is called CUBV2, or if as ends they would make a box reversed or empty.

    Returns:
        The pictures' names, in the file's order, each with its boxes ``(n, 4)``.

    Raises:
        DataError: the file is missing or damaged, or a box is empty.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder, "boxes.txt")
        ...     _ = file.write_text("image_id,x0,y0,x1,y1\\n7,176,136,283,155\\n8,437,42,397,9\\n")
        ...     wsol_boxes(file)["7"].tolist()  # the second row gives it away
        [[176.0, 136.0, 459.0, 291.0]]
    """
    path = Path(file)
    rows = [row for row in table(path, 5, LAYOUT, ",") if row[0] != "image_id"]
    boxes = numbers(path, [row[1:] for row in rows]).reshape(-1, 4)
    if sizes is None:
        sizes = "CUBV2" in path.name or bool((boxes[:, 2:] <= boxes[:, :2]).any())
    if sizes:
        boxes[:, 2:] += boxes[:, :2]
    empty = (boxes[:, 2:] <= boxes[:, :2]).any(axis=1)
    if empty.any():
        row = rows[int(np.argmax(empty))]
        raise DataError(f"{path}: the box {','.join(row[1:])} of {row[0]} is empty.")
    found: dict[str, list[BoxArray]] = {}
    for (name, *_), box in zip(rows, boxes, strict=True):
        found.setdefault(name, []).append(box)
    return {name: np.stack(some) for name, some in found.items()}


class WSOL(PictureFiles):
    """Pictures listed in a folder of the benchmark's metadata, with classes and boxes.

    Args:
        root: the folder of the pictures.
        metadata: such as ``metadata/ILSVRC/val`` (ImageNetV2) or ``metadata/CUB/val`` (CUBV2).

    Raises:
        DataError: a list is missing or damaged, or lacks a picture.
    """

    BY: ClassVar[str] = "position"
    PER_PICTURE: ClassVar[tuple[str, ...]] = (*PictureFiles.PER_PICTURE, "_truth")

    def __init__(self, root: str | os.PathLike[str], metadata: str | os.PathLike[str]) -> None:
        pictures, lists = a_folder(root, LAYOUT), a_folder(metadata, LAYOUT)
        names = [row[0] for row in table(lists / "image_ids.txt", 1, LAYOUT)]
        told = dict(table(lists / "class_labels.txt", 2, LAYOUT, ","))
        boxes = wsol_boxes(lists / "localization.txt", sizes=False)
        lost = [name for name in names if name not in told or name not in boxes]
        if lost:
            raise DataError(f"{lists} has no class or no box for {len(lost)}, such as {lost[0]}.")
        labels = [
            int(c) for (c,) in numbers(lists / "class_labels.txt", [[told[n]] for n in names])
        ]
        folders = {c: Path(name).parent.name for c, name in zip(labels, names, strict=True)}
        self._truth = [boxes[name] for name in names]
        super().__init__(
            pictures,
            [folders.get(c, str(c)) for c in range(max(labels, default=0) + 1)],
            [pictures / name for name in names],
            labels,
        )

    def boxes(self, index: int) -> BoxArray:
        """The picture's boxes ``(n, 4)``, as published."""
        return self._truth[index]
