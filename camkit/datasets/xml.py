"""Boxes in Pascal VOC's XML, read without ever following what a hostile file may declare."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn
from xml.etree import ElementTree
from xml.parsers import expat

from camkit.datasets.base import DataError


@dataclass(frozen=True)
class Annotation:
    """What one XML file tells of a picture.

    Args:
        file: the XML file.
        picture: the file name it gives the picture, without folders; empty where it gives none.
        objects: for each object its name and ``(xmin, ymin, xmax, ymax)`` as written.
    """

    file: Path
    picture: str
    objects: list[tuple[str, tuple[float, float, float, float]]]


def read_annotation(file: Path) -> Annotation:
    """Read the objects of one picture.

    Args:
        file: an XML file in the form of Pascal VOC.

    Returns:
        An `Annotation`.

    Raises:
        DataError: there is no such file, it is not such XML, it declares a document type (where
            entities that grow without end are hidden), or a box is not four numbers in order.
    """
    root = _tree(file)
    if root.tag != "annotation":
        raise DataError(f"{file} is no Pascal VOC annotation: it begins with <{root.tag}>.")
    objects = []
    for one in root.iterfind("object"):
        name = (one.findtext("name") or "").strip()
        ends = [one.findtext(f"bndbox/{end}") for end in ("xmin", "ymin", "xmax", "ymax")]
        if not name:
            raise DataError(f"{file} holds an object without a name.")
        try:
            x0, y0, x1, y1 = (float(end or "") for end in ends)
        except ValueError as error:
            raise DataError(f"{file}: the box of {name!r} is not four numbers: {ends}.") from error
        if not (math.isfinite(x0 + y0 + x1 + y1) and x0 <= x1 and y0 <= y1):
            raise DataError(f"{file}: the box of {name!r} is reversed or endless: {ends}.")
        objects.append((name, (x0, y0, x1, y1)))
    # Only the last part: a path of another machine helps nobody, and might lead elsewhere.
    told = (root.findtext("filename") or "").strip().replace("\\", "/").rsplit("/", 1)[-1]
    return Annotation(file, told, objects)


def _tree(file: Path) -> ElementTree.Element:
    def refuse(*_: object) -> NoReturn:
        raise DataError(f"{file} declares a document type, which no annotation needs: refused.")

    builder = ElementTree.TreeBuilder()
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda tag, attributes: builder.start(tag, attributes)
    parser.EndElementHandler = lambda tag: builder.end(tag)
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(file.read_bytes(), True)
    except FileNotFoundError as error:
        raise DataError(f"There is no annotation {file}.") from error
    except expat.ExpatError as error:
        raise DataError(f"{file} is not well-formed XML ({error}).") from error
    root: ElementTree.Element = builder.close()
    return root
