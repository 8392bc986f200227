"""Real data sets in the layouts they are published in: files, labels and boxes, read lazily.

Every set is a sequence of `camkit.Sample`. Boxes are ``(x0, y0, x1, y1)`` with exclusive ends in
pixels of the picture, whatever the publisher writes. A set that does not lie as it should says how
it should lie, and where to get it.
"""

from __future__ import annotations

from camkit.datasets.base import UNREADABLE, DataError, PictureFiles
from camkit.datasets.cub import CUB
from camkit.datasets.folder import ImageFolder
from camkit.datasets.folderset import FolderSet, Scene15
from camkit.datasets.ilsvrc import ILSVRC
from camkit.datasets.stanford import Stanford40
from camkit.datasets.sun import SUN397
from camkit.datasets.voc import VOCFolder
from camkit.datasets.wsol import WSOL, wsol_boxes

__all__ = [
    "CUB",
    "ILSVRC",
    "SUN397",
    "UNREADABLE",
    "WSOL",
    "DataError",
    "FolderSet",
    "ImageFolder",
    "PictureFiles",
    "Scene15",
    "Stanford40",
    "VOCFolder",
    "wsol_boxes",
]
