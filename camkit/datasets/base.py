"""What all data sets on disk share: files, labels and true boxes, read when they are asked for."""

from __future__ import annotations

import copy
import operator
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, TypeVar

import numpy as np
import numpy.typing as npt

from camkit.images import BoxArray, PictureError, Sample, read

PICTURES = (
    ".bmp", ".gif", ".jp2", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"
)  # fmt: skip
"""Endings that make a file of a data set a picture."""
NO_BOX: BoxArray = np.empty((0, 4))

Set = TypeVar("Set", bound="PictureFiles")


class DataError(ValueError):
    """A data set that cannot be used as it lies there; the message says how it should lie."""


class PictureFiles(Sequence[Sample]):
    """Labelled picture files. Item i is a `camkit.Sample`, read from the disk at that moment.

    A file that is missing or damaged keeps its place: item i then raises, and the message names the
    file. So whoever counts pictures cannot lose one. `unreadable` looks for all of them.

    Args:
        root: the folder of the pictures.
        classes: the classes' names, in the order of the labels.
        files: the pictures, N of them.
        labels: their classes ``(N,)``.

    Attributes:
        skip: ``(N,)``, True for a picture on the set's black list.
        left_out: files in the folder that do not belong to the set, each with the reason.

    Raises:
        DataError: there is no picture, or files and labels do not match.
    """

    BY: ClassVar[str] = "name"
    """How a class of the set finds its output of a network: by "name", or by "position"."""
    PER_PICTURE: ClassVar[tuple[str, ...]] = ("files", "labels", "skip")
    """What a part of the set takes its rows of."""

    def __init__(
        self,
        root: str | os.PathLike[str],
        classes: Sequence[str],
        files: Sequence[Path],
        labels: npt.ArrayLike,
        skip: npt.ArrayLike | None = None,
        left_out: dict[str, str] | None = None,
    ) -> None:
        self.root = Path(root)
        self.classes = list(classes)
        self.files = list(files)
        self.labels: npt.NDArray[np.int64] = np.asarray(labels, dtype=np.int64)
        self.skip: npt.NDArray[np.bool_] = np.zeros(len(self.files), bool)
        if skip is not None:
            self.skip = np.asarray(skip, dtype=bool)
        self.left_out = left_out or {}
        if not self.files:
            raise DataError(f"{self.root} holds no picture of this data set.")
        if not len(self.files) == len(self.labels) == len(self.skip):
            raise DataError(
                f"{len(self.files)} files, {len(self.labels)} labels and {len(self.skip)} words "
                "on skipping do not match: give one of each for every picture."
            )

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Sample:  # type: ignore[override]
        i = self._check(index)
        boxes = self.boxes(i)
        return Sample(read(self.files[i]), int(self.labels[i]), boxes, name=self.name(i))

    def __iter__(self) -> Iterator[Sample]:
        return (self[i] for i in range(len(self)))

    def __str__(self) -> str:
        count = len(np.unique(self.labels[self.labels >= 0]))
        told = f"{len(self)} pictures of {count} classes in {self.root}"
        if self.skip.any():
            told += f"; {int(self.skip.sum())} on the black list"
        if self.left_out:
            first = list(self.left_out.items())[:3]
            told += f"; {len(self.left_out)} other files left out: " + ", ".join(
                f"{name} ({why})" for name, why in first
            )
            told += " and more" if len(self.left_out) > 3 else ""
        return told + "."

    def _check(self, index: object) -> int:
        if isinstance(index, slice):
            raise TypeError("an index must be a whole number; for a part, call .subset(indices).")
        i = operator.index(index)  # type: ignore[arg-type]
        if not -len(self) <= i < len(self):
            raise IndexError(f"index must lie within {len(self)} pictures, got {i}.")
        return i % len(self)

    def name(self, index: int) -> str:
        """The picture's path within the set, with forward slashes."""
        file = self.files[index]
        inside = file.relative_to(self.root) if file.is_relative_to(self.root) else file
        return inside.as_posix()

    def boxes(self, index: int) -> BoxArray:
        """All true boxes of the picture's class ``(n, 4)``, ends exclusive; none by default."""
        return NO_BOX

    def subset(self: Set, indices: Iterable[int]) -> Set:
        """Take some pictures of the set, in the order given.

        Args:
            indices: whole numbers, or a boolean for every picture.

        Returns:
            A set of the same kind.

        Raises:
            TypeError, IndexError: an index is not one of this set.
            DataError: no picture is left.
        """
        wanted = np.asarray(list(indices))
        if wanted.dtype == np.bool_:
            if len(wanted) != len(self):
                raise IndexError(f"{len(wanted)} booleans were given for {len(self)} pictures.")
            wanted = np.flatnonzero(wanted)
        if len(wanted) == 0:
            raise DataError("a part of a data set needs at least one picture.")
        rows = [self._check(i) for i in wanted]
        part = copy.copy(self)
        for field in self.PER_PICTURE:
            values = getattr(self, field)
            taken = values[rows] if isinstance(values, np.ndarray) else [values[i] for i in rows]
            setattr(part, field, taken)
        return part

    def split(self: Set, share: float = 0.8, seed: int = 0) -> tuple[Set, Set]:
        """Divide the set in two by chance, class by class.

        Args:
            share: of every class's pictures, what the first part gets, rounded; each part gets at
                least one of a class that has two. A class with one picture gives it to the larger.
            seed: another seed, another division.

        Returns:
            The two parts, in the set's order.

        Raises:
            ValueError: ``share`` is not between 0 and 1.
            DataError: a part would be empty.
        """
        if not 0 < share < 1:
            raise ValueError(f"share must lie between 0 and 1, got {share}.")
        rng = np.random.default_rng(seed)
        first = np.zeros(len(self), bool)
        for c in np.unique(self.labels):
            here = rng.permutation(np.flatnonzero(self.labels == c))
            count = int(np.clip(round(share * len(here)), 1, len(here) - 1 or 1))
            if len(here) == 1:
                count = int(share >= 0.5)
            first[here[:count]] = True
        return self.subset(first), self.subset(~first)

    def unreadable(self, progress: bool = True) -> dict[int, str]:
        """Read every picture and its boxes once, to find those that cannot be read.

        Args:
            progress: show a bar.

        Returns:
            Index and reason of each; empty where all is well.
        """
        from tqdm.auto import tqdm

        found = {}
        for i in tqdm(range(len(self)), desc="checking", unit="picture", disable=not progress):
            try:
                self[i]
            except UNREADABLE as error:
                found[i] = str(error)
        return found


# What an item raises when its file or its annotation is at fault.
UNREADABLE = (FileNotFoundError, PictureError, DataError)


def a_folder(root: str | os.PathLike[str], layout: str) -> Path:
    """Check that a data set's folder is there.

    Args:
        root: the folder.
        layout: where to get the set and how to lay it out, for the message.

    Raises:
        DataError: there is no such folder.
    """
    folder = Path(root)
    if not folder.is_dir():
        raise DataError(f"There is no folder {str(folder)!r}. {layout}")
    return folder


def top_folder(
    root: str | os.PathLike[str], parts: Sequence[str], official: str, layout: str
) -> Path:
    """Find the folder that holds all parts of a set: the one named, or the official one in it.

    Args:
        root: the folder as somebody named it.
        parts: files and folders that must lie in it.
        official: the name of the folder that the set's archive unpacks into.
        layout: where to get the set and how to lay it out, for the message.

    Raises:
        DataError: a part is missing; where the parts lie a level away, the message names the place.
    """
    folder = a_folder(root, layout)

    def lacks(place: Path) -> list[str]:
        return [part for part in parts if not (place / part).exists()]

    for place in (folder, folder / official):
        if not lacks(place):
            return place
    above = list(folder.resolve().parents)[:2]
    for place in (*sorted(folder.glob("*/")), *sorted(folder.glob("*/*/")), *above):
        if not lacks(place):
            raise DataError(f"{folder} is a level off: {parts[0]} lies in {place}, so name that.")
    nearer = min((folder, folder / official), key=lambda place: len(lacks(place)))
    raise DataError(f"{nearer} holds no {lacks(nearer)[0]}. {layout}")


def shared(lists: Mapping[str, Sequence[str]], where: str) -> None:
    """Check that no picture stands in two lists.

    Args:
        lists: for each list its pictures.
        where: what the lists belong to, for the message.

    Raises:
        DataError: one does.
    """
    seen: dict[str, str] = {}
    for name, pictures in lists.items():
        for picture in pictures:
            if picture in seen:
                raise DataError(
                    f"{where}: {picture} stands in {seen[picture]!r} and again in {name!r}; what a "
                    "network learned from tests nothing, so take the picture out of one of them."
                )
            seen[picture] = name


def some_there(files: Sequence[Path], top: Path, layout: str) -> None:
    """Check that one of the listed pictures is there at all; one that is lost keeps its place.

    Args:
        files: the listed pictures.
        top: the folder of the set.
        layout: where to get the set and how to lay it out, for the message.

    Raises:
        DataError: there is none.
    """
    if files and not any(file.is_file() for file in files):
        raise DataError(
            f"None of {len(files)} listed pictures is there, such as {files[0]}: unpack the "
            f"pictures into {top}. {layout}"
        )


def pictures_in(folder: Path) -> tuple[list[Path], list[Path]]:
    """All pictures in a folder and the folders below it, sorted, and all other files.

    Hidden files and folders, whose names begin with a dot, are not looked at.
    """
    pictures: list[Path] = []
    others: list[Path] = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith("."):
                file = Path(place, name)
                (pictures if file.suffix.lower() in PICTURES else others).append(file)
    return sorted(pictures), sorted(others)


def table(file: Path, columns: int, layout: str, separator: str | None = None) -> list[list[str]]:
    """Read a text file of columns; the last one takes the rest of its line.

    Args:
        file: the file; empty lines are passed over.
        columns: how many every line must have.
        layout: where to get the set and how to lay it out, for the message.
        separator: between the columns; any blank space by default.

    Raises:
        DataError: there is no such file, it is no text, or a line has fewer columns.
    """
    if not file.is_file():
        raise DataError(f"There is no {file}. {layout}")
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{file} is not a text file in UTF-8 ({error}).") from error
    rows = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            row = [word.strip() for word in line.strip().split(separator, columns - 1)]
            if len(row) < columns:
                raise DataError(
                    f"{file}, line {number}, must have {columns} columns, got {line.strip()!r}."
                )
            rows.append(row)
    return rows


def numbers(file: Path, rows: Sequence[Sequence[str]]) -> npt.NDArray[np.float64]:
    """Turn the rows of a table into numbers ``(n, columns)``.

    Raises:
        DataError: a word is not a finite number.
    """
    for row in rows:
        try:
            fine = all(np.isfinite(float(word)) for word in row)
        except ValueError:
            fine = False
        if not fine:
            raise DataError(f"{file} must hold numbers here, got {' '.join(row)!r}.")
    return np.array(rows, dtype=np.float64).reshape(len(rows), -1)
