"""SUN397: a tree of scenes, ten partitions."""

from __future__ import annotations

import os
import re
from pathlib import Path

from camkit.datasets.base import (
    DataError,
    PictureFiles,
    pictures_in,
    shared,
    some_there,
    table,
    top_folder,
)

LAYOUT = (
    "SUN397 comes from vision.princeton.edu/projects/2010/SUN. Under the folder you name, or under "
    "SUN397 in it, there must be ClassName.txt and the folders a/ to z/; for a partition also "
    "Training_01.txt and Testing_01.txt to Training_10.txt and Testing_10.txt (Partitions.zip)."
)
LISTS = {"train": "Training", "test": "Testing"}


class SUN397(PictureFiles):
    """397 scenes in a tree of classes, with ten partitions of 50 and 50 pictures a class.

    Classes and labels are those of torchvision's ``SUN397``, which has no partitions. A few files
    called .jpg hold another kind of picture; all are read by what they hold.

    Args:
        root: the folder as it was unpacked.
        split: "train", "test" or "all" (every picture of the tree, whatever the partition).
        partition: 1 to 10.

    Raises:
        DataError: a part is missing or damaged, or names a class that is not in ClassName.txt.
        ValueError: there is no such split or partition.
    """

    def __init__(
        self, root: str | os.PathLike[str], split: str = "test", partition: int = 1
    ) -> None:
        if split not in ("train", "test", "all"):
            raise ValueError(f'split must be "train", "test" or "all", got {split!r}.')
        if partition not in range(1, 11):
            raise ValueError(f"partition must be a whole number from 1 to 10, got {partition!r}.")
        top = top_folder(root, ["ClassName.txt"], "SUN397", LAYOUT)
        folders = [row[0].strip("/") for row in table(top / "ClassName.txt", 1, LAYOUT)]
        place = {name: c for c, name in enumerate(folders)}
        if split == "all":
            pictures, others = pictures_in(top)
            named = [file.relative_to(top).as_posix() for file in pictures]
            known = {"ClassName.txt", *(_list_name(w, n) for w in LISTS for n in range(1, 11))}
            left = {f.name: "not a picture by its ending" for f in others if f.name not in known}
        else:
            both = {half: _partition(top, half, partition) for half in LISTS}
            shared(both, str(top))
            named, left = both[split], {}
        strange = [name for name in named if name.rpartition("/")[0] not in place]
        if strange:
            raise DataError(
                f"{strange[0]} is in none of the {len(place)} classes of {top / 'ClassName.txt'}: "
                "take the picture or its line away, or get the list and the archive once more."
            )
        files = [top / name for name in named]
        some_there(files, top, LAYOUT)
        labels = [place[name.rpartition("/")[0]] for name in named]
        names = [re.sub(r"^\w/", "", name) for name in folders]
        super().__init__(top, names, files, labels, left_out=left)


def _list_name(half: str, partition: int) -> str:
    return f"{LISTS[half]}_{partition:02d}.txt"


def _partition(top: Path, half: str, partition: int) -> list[str]:
    """The paths of one half of a partition, without the slash they begin with."""
    name = _list_name(half, partition)
    places = [top, top / "Partitions", top.parent, top.parent / "Partitions"]
    file = next((place / name for place in places if (place / name).is_file()), top / name)
    return [row[0].strip("/") for row in table(file, 1, LAYOUT)]
