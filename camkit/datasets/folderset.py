"""Class folders with the lists of their publisher, or divided by number: most sets of Table 5."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from camkit.datasets.base import DataError, PictureFiles, a_folder, shared, table
from camkit.datasets.folder import LAYOUT, ImageFolder

HALVES = {"train", "training", "val", "valid", "validation", "test", "testing"}
"""Folders of these names are parts of a set, not classes."""
SCENE15 = (
    "Scene15 comes as one folder a class, fifteen in all, often under scene_categories/: "
    "ROOT/bedroom/image_0001.jpg, ROOT/CALsuburb/image_0001.jpg, ..."
)


class FolderSet(PictureFiles):
    """One folder a class, divided as its publisher did, or into so many of each class.

    A list names one picture a line, by its path from ``root`` (``kitchen/1.jpg``; folders before
    that and the ending may be there or not), or by its bare name where no other has it. A label
    behind the name, divided from it by a blank, a tab or a comma, must agree with the folders.
    Folders called train and test (or val) divide a set by themselves.

    Args:
        root: the folder of the classes' folders, or of train and test with the classes in them.
        split: "all", "train", "test", or the name of a list.
        lists: files that name the pictures of each part, looked for from ``root``, from the folder
            above it, and as they are.
        train: without lists, how many of each class are to learn from: the first by name.
        test: how many of the others are to test on; by default all.
        seed: draw the ``train`` and ``test`` pictures by chance instead.
        leave_out: folders that are no classes of the set.
        deep: every folder that holds pictures is a class, called by its path, without the single
            letter that SUN sets sort by: ``a/apartment_building/outdoor``.

    Raises:
        DataError: the folders, the lists and the numbers do not fit; the message says what to do.
        ValueError: there is no such split, a setting is out of range, or two do not go together.
        TypeError: a number of pictures is none.

    Example:
        >>> import tempfile
        >>> from PIL import Image
        >>> with tempfile.TemporaryDirectory() as root:
        ...     for name in ("bar/1", "bar/2", "gym/1", "gym/2"):
        ...         Path(root, name).parent.mkdir(exist_ok=True)
        ...         Image.new("RGB", (6, 4)).save(Path(root, name + ".jpg"))
        ...     _ = Path(root, "TrainImages.txt").write_text("gym/2.jpg\\nbar/1.jpg\\n")
        ...     data = FolderSet(root, "train", lists={"train": "TrainImages.txt"})
        ...     data.classes, [sample.name for sample in data]
        (['bar', 'gym'], ['gym/2.jpg', 'bar/1.jpg'])
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        split: str = "all",
        *,
        lists: Mapping[str, str | os.PathLike[str]] | None = None,
        train: int | None = None,
        test: int | None = None,
        seed: int | None = None,
        leave_out: Collection[str] = (),
        deep: bool = False,
    ) -> None:
        folder = a_folder(root, LAYOUT)
        _check_numbers(lists, train, test, seed)
        if divided(folder):
            if lists is not None or train is not None or deep:
                raise ValueError(
                    f"{folder} is divided into folders already: leave out lists, train and deep."
                )
            classes, files, labels, parts = _of_halves(folder)
            left: dict[str, str] = {}
        else:
            whole = ImageFolder(folder)
            classes, files, left = whole.classes, whole.files, whole.left_out
            labels, parts = whole.labels.tolist(), {}
            if deep:
                classes, labels = _by_path(folder, files)
        classes, labels = _without(leave_out, classes, labels)
        if lists is not None:
            parts = _by_lists(folder, lists, files, labels, classes)
        elif train is not None:
            parts = _by_number(labels, classes, train, test, seed)
        super().__init__(folder, classes, files, labels, left_out=left)
        rows = _chosen(split, {"all": list(range(len(files))), **parts})
        kept = self.subset([i for i in rows if labels[i] >= 0])
        self.__dict__.update(kept.__dict__)


class Scene15(FolderSet):
    """Fifteen scenes: 100 pictures of each class to learn from, the others to test on.

    Args:
        root: the folder of the fifteen classes, or the one above scene_categories.
        split: "train", "test" or "all".
        train: how many of each class are to learn from: the first by name.
        seed: draw them by chance instead.
        lists: files that name the pictures of each part, in place of a number.

    Raises:
        DataError: there are not fifteen classes, a class has too few pictures, or a list does not
            fit.
        ValueError: there is no such split.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        split: str = "all",
        *,
        train: int = 100,
        seed: int | None = None,
        lists: Mapping[str, str | os.PathLike[str]] | None = None,
    ) -> None:
        top = a_folder(root, SCENE15)
        top = top / "scene_categories" if (top / "scene_categories").is_dir() else top
        asked = None if lists is not None or divided(top) or split == "all" else train
        super().__init__(top, split, lists=lists, train=asked, seed=None if asked is None else seed)
        if len(self.classes) != 15:
            raise DataError(f"{top} holds {len(self.classes)} classes, not fifteen. {SCENE15}")


def divided(folder: Path) -> bool:
    """Whether a folder holds train and test folders rather than classes."""
    names = {f.name.lower() for f in folder.iterdir() if f.is_dir() and f.name[0] != "."}
    return len(names) > 1 and names <= HALVES


def _check_numbers(
    lists: Mapping[str, str | os.PathLike[str]] | None,
    train: int | None,
    test: int | None,
    seed: int | None,
) -> None:
    """Check that what was asked for can be meant."""
    for name, count in (("train", train), ("test", test)):
        if count is not None and (isinstance(count, bool) or not isinstance(count, int)):
            raise TypeError(f"{name} must be a whole number of pictures, got {count!r}.")
        if count is not None and count < 1:
            raise ValueError(f"{name} must be 1 picture of each class at least, got {count}.")
    if lists is not None and train is not None:
        raise ValueError("lists and train both divide the set: give one of them.")
    if train is None and (test is not None or seed is not None):
        raise ValueError("test and seed go with train, a number of pictures: give that, too.")


# --- how a folder is divided --------------------------------------------------------------------

Parts = dict[str, list[int]]


def _chosen(split: str, parts: Parts) -> list[int]:
    if split not in parts:
        known = ", ".join(repr(name) for name in parts)
        more = (
            ""
            if len(parts) > 1
            else " here; for others give lists=, train=, or lay out folders train and test"
        )
        raise ValueError(f"split must be one of {known}{more}, got {split!r}.")
    return parts[split]


def _of_halves(folder: Path) -> tuple[list[str], list[Path], list[int], Parts]:
    """Classes, pictures and labels of train, test and their like, each a folder of classes."""
    halves = sorted(f for f in folder.iterdir() if f.is_dir() and f.name[0] != ".")
    sets = {half.name: ImageFolder(half) for half in halves}
    classes = sorted({name for one in sets.values() for name in one.classes})
    files: list[Path] = []
    labels: list[int] = []
    parts: Parts = {}
    for name, one in sets.items():
        lost = sorted(set(classes) - set(one.classes))
        if lost:
            raise DataError(
                f"{folder / name} lacks {len(lost)} classes that the other folders have, such as "
                f"{lost[0]!r}: add its pictures, or take the class out of all."
            )
        known = next((k for k in ("train", "val", "test") if name.lower().startswith(k)), name)
        parts[known] = list(range(len(files), len(files) + len(one)))
        files += one.files
        labels += [classes.index(one.classes[c]) for c in one.labels]
    return classes, files, labels, parts


def _by_path(folder: Path, files: Sequence[Path]) -> tuple[list[str], list[int]]:
    """Classes and labels where every folder that holds pictures is a class."""
    paths = [file.relative_to(folder).parent.as_posix() for file in files]
    named = [re.sub(r"^\w/", "", path) for path in paths]
    classes = sorted(set(named))
    place = {name: c for c, name in enumerate(classes)}
    return classes, [place[name] for name in named]


def _without(
    leave_out: Collection[str], classes: list[str], labels: list[int]
) -> tuple[list[str], list[int]]:
    """Take classes away: their pictures get the label -1."""
    strange = sorted(set(leave_out) - set(classes))
    if strange:
        raise ValueError(f"leave_out names {strange[0]!r}, which is none of the classes.")
    kept = [name for name in classes if name not in leave_out]
    if len(kept) < 2:
        raise ValueError("leave_out must leave two classes at least.")
    place = {name: c for c, name in enumerate(kept)}
    return kept, [place.get(classes[label], -1) for label in labels]


def _by_number(
    labels: list[int], classes: list[str], train: int, test: int | None, seed: int | None
) -> Parts:
    """So many of each class to learn from, and so many (or all) of the others to test on."""
    parts: Parts = {"train": [], "test": []}
    rng, of = np.random.default_rng(seed), np.array(labels)
    for c, name in enumerate(classes):
        here: npt.NDArray[np.intp] = np.flatnonzero(of == c)
        if len(here) < train + (test or 1):
            raise DataError(
                f"The class {name!r} has {_pictures(len(here))}, too few for {train} to learn from "
                f"and {test or 1} to test on: ask for less, add pictures, or leave the class out."
            )
        if seed is not None:
            here = rng.permutation(here)
        parts["train"] += sorted(here[:train].tolist())
        parts["test"] += sorted(here[train:][:test].tolist())
    return parts


def _pictures(count: int) -> str:
    return "one picture" if count == 1 else f"{count} pictures"


# --- the lists of publishers --------------------------------------------------------------------


def _by_lists(
    folder: Path,
    lists: Mapping[str, str | os.PathLike[str]],
    files: list[Path],
    labels: list[int],
    classes: list[str],
) -> Parts:
    """The pictures that each list names, in its order."""
    keys = _keys(folder, files)
    parts: Parts = {}
    for name, told in lists.items():
        places = [folder / told, folder.resolve().parent / told, Path(told)]
        file = next((place for place in places if place.is_file()), None)
        if file is None:
            raise DataError(
                f"There is no list {os.fspath(told)!r}, neither in {folder} nor above it: put it "
                "there or give its full path."
            )
        parts[name] = _listed(file, folder, keys, files, labels)
    shared(
        {name: [files[i].relative_to(folder).as_posix() for i in p] for name, p in parts.items()},
        str(folder),
    )
    lost = sorted(set(range(len(classes))) - {labels[i] for i in parts.get("train", [])})
    if "train" in parts and lost:
        raise DataError(
            f"The list {os.fspath(lists['train'])!r} names no picture of {classes[lost[0]]!r}, so "
            "nothing can be learned of it: add some, or leave the class out with leave_out."
        )
    return parts


def _keys(folder: Path, files: list[Path]) -> dict[str, list[int]]:
    """What a line may call each picture: its path or its bare name, with the ending or without."""
    keys: dict[str, list[int]] = {}
    for i, file in enumerate(files):
        path = file.relative_to(folder)
        for key in {path.as_posix(), path.with_suffix("").as_posix(), file.name, file.stem}:
            keys.setdefault(key, []).append(i)
    return keys


def _listed(
    file: Path, folder: Path, keys: dict[str, list[int]], files: list[Path], labels: list[int]
) -> list[int]:
    """The rows of the pictures that a list names.

    Raises:
        DataError: a picture is missing or could be several, or labels and folders do not match.
    """
    found: list[int] = []
    lost: list[str] = []
    told: dict[str, int] = {}  # the list's label -> the folder's
    lines = [row[0] for row in table(file, 1, LAYOUT)]
    for number, line in enumerate(lines, 1):
        rows, label = _meant(line, keys)
        if len(rows) > 1:
            raise DataError(
                f"{file}, line {number}: {line!r} may be {_pictures(len(rows))}, such as "
                f"{files[rows[0]]}: give the path with its class."
            )
        if not rows:
            lost.append(line)
            continue
        found += rows
        c = labels[rows[0]]
        if label is not None and c >= 0 and told.setdefault(label, c) != c:
            raise DataError(
                f"{file}, line {number}: the label {label} stands for two folders, the second at "
                f"{line!r}: the labels are of another set or in another order."
            )
    if len(lost) == len(lines):
        raise DataError(
            f"None of the {len(lines)} pictures of {file} lies in {folder}, such as {lost[0]!r}: "
            "name the folder that the list's paths begin in."
        )
    if lost:
        raise DataError(
            f"{file} lists {_pictures(len(lost))} that {folder} lacks, such as {lost[0]!r}: unpack "
            "the archive once more, or take the lines out of the list."
        )
    if len(set(told.values())) < len(told):
        raise DataError(
            f"{file} gives pictures of one folder different labels: the labels are of another set."
        )
    return found


def _meant(line: str, keys: dict[str, list[int]]) -> tuple[list[int], str | None]:
    """The pictures that a line may mean, and the label behind the name."""
    label: str | None = None
    words = line.replace("\\", "/").strip()
    name, _, last = re.sub(r"[\s,]+(?=[^\s,]*$)", "\n", words).partition("\n")
    for told, behind in ((words, None), (name, last or None)):
        path = told.removeprefix("./").strip("/")
        while path:
            if path in keys:
                return keys[path], behind
            # Folders above the classes may stand before; a bare name is only looked up as such.
            path = path.partition("/")[2] if path.count("/") > 1 else ""
    return [], label
