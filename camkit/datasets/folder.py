"""The plainest data set: one folder of pictures for every class."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from camkit.datasets.base import DataError, PictureFiles, a_folder, pictures_in

LAYOUT = (
    "Lay the pictures out with one folder a class, whose name is the class's: "
    "ROOT/cat/1.jpg, ROOT/cat/2.jpg, ROOT/dog/1.jpg, ..."
)


class ImageFolder(PictureFiles):
    """Pictures in one folder a class. There are no boxes.

    Folders within a class's folder belong to the class. Files that are no pictures by their ending
    are left out and named in `left_out`.

    Args:
        root: the folder of the classes' folders.
        classes: the classes, in the order of the labels, such as a network's names: folders must
            then be among them, and a class may lack. By default, all folders, sorted by name.

    Raises:
        DataError: there is no folder, no picture or only one class, a class's folder is empty, or a
            folder is not among the classes.

    Example:
        >>> import tempfile
        >>> from PIL import Image
        >>> with tempfile.TemporaryDirectory() as root:
        ...     for name in ("cat", "dog"):
        ...         Path(root, name).mkdir()
        ...         Image.new("RGB", (6, 4)).save(Path(root, name, "1.png"))
        ...     data = ImageFolder(root)
        ...     data.classes, data.labels.tolist(), data[1].name
        (['cat', 'dog'], [0, 1], 'dog/1.png')
    """

    def __init__(self, root: str | os.PathLike[str], classes: Sequence[str] | None = None) -> None:
        folder = a_folder(root, LAYOUT)
        found = sorted(f.name for f in folder.iterdir() if f.is_dir() and f.name[0] != ".")
        if not found and pictures_in(folder)[0]:
            raise DataError(
                f"{folder} holds pictures but no folders: if it is one class, name the folder "
                f"above it, {folder.resolve().parent}. {LAYOUT}"
            )
        if not found:
            raise DataError(f"{folder} holds no folders. {LAYOUT}")
        names = found if classes is None else list(classes)
        strange = [name for name in found if name not in names]
        if strange:
            raise DataError(
                f"{folder} holds {len(strange)} folders that are none of the {len(names)} classes, "
                f"such as {strange[0]!r}: move them away, or name them as the class is named."
            )
        only = folder / found[0]
        if classes is None and len(found) == 1 and any(f.is_dir() for f in only.iterdir()):
            raise DataError(
                f"{folder} holds one folder, which holds others: name {only} if the classes are "
                "in there."
            )
        if classes is None and len(found) == 1:
            raise DataError(
                f"{folder} holds one class only, {found[0]!r}; there must be two at least, or "
                f"else there is nothing to tell apart. {LAYOUT}"
            )
        files: list[Path] = []
        labels: list[int] = []
        stray = [f for f in sorted(folder.iterdir()) if f.is_file() and f.name[0] != "."]
        for name in found:
            pictures, others = pictures_in(folder / name)
            if not pictures and classes is None:
                raise DataError(
                    f"The class {name!r} has no pictures: {folder / name} holds "
                    f"{len(others)} other files. Fill the folder or take it away."
                )
            files += pictures
            labels += [names.index(name)] * len(pictures)
            stray += others
        why = {
            file.relative_to(folder).as_posix(): "lies beside the classes' folders"
            if file.parent == folder
            else "not a picture by its ending"
            for file in stray
        }
        super().__init__(folder, names, files, labels, left_out=why)
