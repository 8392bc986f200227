"""Stanford 40 Actions: people at something, each in a box."""

from __future__ import annotations

import os

import numpy as np

from camkit.datasets.base import DataError, PictureFiles, shared, some_there, table, top_folder
from camkit.datasets.xml import read_annotation
from camkit.images import BoxArray

LAYOUT = (
    "Stanford 40 Actions comes from vision.stanford.edu/Datasets/40actions.html. Under the folder "
    "you name, or under Stanford40 in it, there must be JPEGImages/, XMLAnnotations/ and "
    "ImageSplits/ with actions.txt, ACTION_train.txt and ACTION_test.txt."
)


class Stanford40(PictureFiles):
    """Forty everyday actions, each picture with the box of the person who acts.

    The boxes are read as in Pascal VOC: pixels are counted from 1 and the last belongs to the box.
    There is no box of the tool.

    Args:
        root: the folder as it was unpacked.
        split: "train", "test" or "all".

    Raises:
        DataError: a part is missing or damaged; the message says where it should be.
        ValueError: there is no such split.
    """

    def __init__(self, root: str | os.PathLike[str], split: str = "test") -> None:
        if split not in ("train", "test", "all"):
            raise ValueError(f'split must be "train", "test" or "all", got {split!r}.')
        top = top_folder(
            root, ["ImageSplits", "JPEGImages", "XMLAnnotations"], "Stanford40", LAYOUT
        )
        lists = top / "ImageSplits"
        rows = [row[0].split() for row in table(lists / "actions.txt", 1, LAYOUT)]
        # The first line is the heads of the columns: action and number of pictures.
        actions = [row[0] for row in rows if len(row) == 1 or row[1].isdigit()]
        parts = {
            f"{action}_{half}": [row[0] for row in table(lists / f"{action}_{half}.txt", 1, LAYOUT)]
            for action in actions
            for half in ("train", "test")
        }
        shared(parts, str(lists))
        wanted = [(c, half) for half in ("train", "test") for c in range(len(actions))]
        chosen = [
            (name, c)
            for c, half in wanted
            if split in (half, "all")
            for name in parts[f"{actions[c]}_{half}"]
        ]
        files = [top / "JPEGImages" / name for name, _ in chosen]
        some_there(files, top, LAYOUT)
        super().__init__(top, actions, files, [c for _, c in chosen])

    def boxes(self, index: int) -> BoxArray:
        """The box of the person ``(1, 4)``, end exclusive; of several, all ``(n, 4)``.

        Raises:
            DataError: the annotation is missing, damaged, or names nobody.
        """
        file = self.root / "XMLAnnotations" / f"{self.files[index].stem}.xml"
        told = read_annotation(file)
        if not told.objects:
            raise DataError(f"{file} holds no person: get the annotations once more. {LAYOUT}")
        boxes: BoxArray = np.maximum(np.array([box for _, box in told.objects]) - [1, 1, 0, 0], 0)
        return boxes
