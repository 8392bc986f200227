"""Strokes become pixels: the only file that knows matplotlib's Agg rasteriser."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, radians, sin
from typing import Any

import numpy as np
from matplotlib.backend_bases import GraphicsContextBase
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.path import Path
from matplotlib.transforms import Affine2D, TransformedPath
from numpy.typing import NDArray

from camkit.world.ink import Drawing, Stroke, points_of

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Frame:
    """Where a unit square lies on a canvas of pixels.

    A point `(u, v)` of the unit square is mirrored (`flip`), turned by `rotation` degrees
    clockwise about the middle, made `side` pixels large, and put with its middle on
    pixel `(x, y)` of a canvas `width` x `height`.
    """

    width: int
    height: int
    x: float
    y: float
    side: float
    flip: bool = False
    rotation: float = 0.0

    def matrix(self) -> Floats:
        """(3, 3): unit square to Agg's pixels, whose y runs up."""
        (a, b), (d, e) = (self.side * turning(self.flip, self.rotation)).tolist()
        tx = self.x - 0.5 * (a + b)
        ty = self.y - 0.5 * (d + e)
        return np.array([[a, b, tx], [-d, -e, self.height - ty], [0.0, 0.0, 1.0]])


def turning(flip: bool, rotation: float) -> Floats:
    """(2, 2): mirror first, then turn by `rotation` degrees clockwise."""
    c, s = cos(radians(rotation)), sin(radians(rotation))
    m = -1.0 if flip else 1.0
    return np.array([[c * m, -s], [s * m, c]])


@dataclass(frozen=True)
class Layers:
    """A drawing in pixels."""

    colour: NDArray[np.uint8]  # (h, w, 4), the body, straight alpha
    aside: NDArray[np.uint8] | None  # (h, w, 4), what is drawn but belongs to no mask
    lumps: NDArray[np.uint8]  # (h, w), number of the lump on top, 0 where nothing lies


class _Canvas:
    """One Agg canvas and its context."""

    def __init__(self, frame: Frame, smooth: bool) -> None:
        self.frame, self.matrix = frame, frame.matrix()
        # Typed Any: the rasteriser takes plain matrices too, which its declaration does not say.
        self.agg: Any = RendererAgg(frame.width, frame.height, 72)  # type: ignore[no-untyped-call]
        self.gc = GraphicsContextBase()
        self.gc.set_antialiased(smooth)
        self.gc.set_snap(False)
        self.gc.set_joinstyle("round")
        self.gc.set_capstyle("round")
        self._clip: tuple[Path, Floats | None] | None = None

    def _at(self, local: Floats | None) -> Floats:
        return self.matrix if local is None else self.matrix @ local

    def paint(self, stroke: Stroke) -> None:
        if stroke.clip is not self._clip:
            self._clip = stroke.clip
            self.gc.set_clip_path(
                None if stroke.clip is None
                else TransformedPath(stroke.clip[0], Affine2D(self._at(stroke.clip[1])))
            )  # fmt: skip
        if stroke.fade is not None:
            self._wash(stroke, stroke.fade)
        else:
            self._draw(stroke, (*stroke.colour, stroke.alpha))

    def mark(self, stroke: Stroke) -> None:
        """Put the number of the stroke's lump wherever it covers."""
        level = stroke.lump / 255.0
        self._draw(stroke, (level, level, level, 1.0))

    def _draw(self, stroke: Stroke, rgba: tuple[float, float, float, float]) -> None:
        # The setters would parse a colour that is known to be good, at twice the cost of drawing.
        self.gc._rgb = rgba  # type: ignore[attr-defined]
        self.gc._linewidth = stroke.width * self.frame.side  # type: ignore[attr-defined]
        self.agg.draw_path(
            self.gc, stroke.shape, self._at(stroke.matrix), None if stroke.width else rgba
        )

    def _wash(self, stroke: Stroke, bottom: tuple[float, float, float]) -> None:
        a, b, c, d = points_of(stroke.shape)[:4]
        high, low = (*stroke.colour, 1.0), (*bottom, 1.0)
        self.agg.draw_gouraud_triangles(
            self.gc, np.array([[a, b, c], [a, c, d]]),
            np.array([[high, high, low], [high, low, low]]), self._at(stroke.matrix),
        )  # fmt: skip

    def pixels(self) -> NDArray[np.uint8]:
        return np.array(self.agg.buffer_rgba())


def raster(drawing: Drawing, frame: Frame) -> Layers:
    """Lay down all strokes of `drawing` on the canvas that `frame` describes.

    >>> from camkit.world.ink import Ink, oval
    >>> ink = Ink()
    >>> ink.fill(oval(0.5, 0.5, 0.25), (0.8, 0.4, 0.2))
    >>> layers = raster(ink.finish(), Frame(32, 32, 16, 16, 32))
    >>> layers.colour[16, 16].tolist(), 180 < int((layers.lumps == 1).sum()) < 230
    ([204, 102, 51, 255], True)
    """
    body, lumps = _Canvas(frame, smooth=True), _Canvas(frame, smooth=False)
    aside = None
    for stroke in drawing.strokes:
        if stroke.layer == "aside":
            aside = aside or _Canvas(frame, smooth=True)
            aside.paint(stroke)
            continue
        body.paint(stroke)
        if stroke.lump or (stroke.fade is not None and stroke.clip is None):
            lumps.mark(stroke)
    marks = lumps.pixels()
    return Layers(
        body.pixels(),
        None if aside is None else aside.pixels(),
        marks[..., 0] * (marks[..., 3] > 0),
    )
