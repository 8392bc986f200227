"""Folders of pictures with Pascal VOC's XML files, as most annotation tools write them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from camkit.datasets.base import DataError, PictureFiles, a_folder, pictures_in, table
from camkit.datasets.xml import Annotation, read_annotation
from camkit.images import BoxArray

LAYOUT = (
    "Pascal VOC comes from host.robots.ox.ac.uk/pascal/VOC. Under the folder you name there must "
    "be Annotations/*.xml and JPEGImages/* (or annotations/ and images/), one XML file a picture, "
    "of the same name; for a split also ImageSets/Main/SPLIT.txt."
)


class VOCFolder(PictureFiles):
    """Pictures with boxes of named objects.

    A sample has one label: here it is the class of the picture's largest box, and `boxes` gives all
    boxes of that class. Pixels are counted from 1 in these files and the last belongs to the box,
    so the box is ``(xmin - 1, ymin - 1, xmax, ymax)``.

    An annotation that cannot be read keeps its place, with the label -1. Pictures without an XML
    file, and XML files without an object, are named in `left_out`.

    Args:
        root: the folder.
        classes: the classes, in the order of the labels; by default all names, sorted.
        split: take the pictures that ImageSets/Main/SPLIT.txt lists; by default all.

    Raises:
        DataError: a part is missing, or an object is not among the classes.
    """

    PER_PICTURE: ClassVar[tuple[str, ...]] = (*PictureFiles.PER_PICTURE, "_truth")

    def __init__(
        self,
        root: str | os.PathLike[str],
        classes: Sequence[str] | None = None,
        split: str | None = None,
    ) -> None:
        top = a_folder(root, LAYOUT)
        notes = _either(top, "Annotations", "annotations")
        shelf = _either(top, "JPEGImages", "images")
        pictures = {file.stem: file for file in pictures_in(shelf)[0]}
        stems = sorted(file.stem for file in notes.glob("*.xml"))
        if split is not None:
            lines = table(top / "ImageSets" / "Main" / f"{split}.txt", 1, LAYOUT)
            stems = [line[0].split()[0] for line in lines]
        left_out = {}
        if split is None:
            bare = sorted(set(pictures) - set(stems))
            left_out = {pictures[s].relative_to(top).as_posix(): "no XML file" for s in bare}
        told: list[Annotation | DataError] = []
        files: list[Path] = []
        for stem in stems:
            one = _annotation(notes / f"{stem}.xml")
            if isinstance(one, Annotation) and not one.objects:
                left_out[one.file.relative_to(top).as_posix()] = "names no object"
                continue
            named = one.picture if isinstance(one, Annotation) else ""
            told.append(one)
            files.append(pictures.get(stem, shelf / (named or f"{stem}.jpg")))
        found = {name for one in told if isinstance(one, Annotation) for name, _ in one.objects}
        names = sorted(found) if classes is None else list(classes)
        if found - set(names):
            strange = sorted(found - set(names))
            raise DataError(
                f"{notes} names {len(strange)} classes that were not given, such as {strange[0]!r}."
            )
        labels = [names.index(_main(one)) if isinstance(one, Annotation) else -1 for one in told]
        self._truth = [one if isinstance(one, DataError) else _boxes(one) for one in told]
        super().__init__(top, names, files, labels, left_out=left_out)

    def boxes(self, index: int) -> BoxArray:
        """All boxes of the picture's class ``(n, 4)``, ends exclusive.

        Raises:
            DataError: the annotation could not be read.
        """
        truth = self._truth[index]
        if isinstance(truth, DataError):
            raise DataError(str(truth))
        return truth


def _either(top: Path, *names: str) -> Path:
    for name in names:
        if (top / name).is_dir():
            return top / name
    raise DataError(f"{top} holds neither {' nor '.join(names)}. {LAYOUT}")


def _annotation(file: Path) -> Annotation | DataError:
    try:
        return read_annotation(file)
    except DataError as error:
        return error


def _main(one: Annotation) -> str:
    """The class of the largest box, the first of equals."""

    def area(index: int) -> float:
        x0, y0, x1, y1 = one.objects[index][1]
        return (x1 - x0 + 1) * (y1 - y0 + 1)

    return one.objects[max(range(len(one.objects)), key=area)][0]


def _boxes(one: Annotation) -> BoxArray:
    rows = [box for name, box in one.objects if name == _main(one)]
    # Some tools count from 0 all the same: no pixel lies before the first.
    boxes: BoxArray = np.maximum(np.array(rows) - [1, 1, 0, 0], 0)
    return boxes
