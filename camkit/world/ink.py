"""Shapes and one pen: what every sprite and every background is drawn with.

Coordinates are fractions of the unit square: x runs right, y runs *down*, as pixels do.
Shapes are matplotlib paths, so curves stay curves until the last moment and the same
drawing is right at any size. `Ink` lays them down with matplotlib's Agg rasteriser.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import cos, radians, sin

import numpy as np
from matplotlib.backend_bases import GraphicsContextBase
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.path import Path
from matplotlib.transforms import Affine2D, TransformedPath
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Ink", "Frame", "arc", "blob", "box", "curve", "limb", "oval", "poly",
]

RGB = tuple[float, float, float]
Floats = NDArray[np.float64]

_KAPPA = 0.5522847498307936  # the handle length that makes four Bezier curves a circle
_LINE, _CURVE3, _CURVE4, _CLOSE = Path.LINETO, Path.CURVE3, Path.CURVE4, Path.CLOSEPOLY


def _points(points: ArrayLike) -> Floats:
    array = np.asarray(points, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != 2 or len(array) < 2:
        raise ValueError(
            f"points must be a list of at least two (x, y) pairs; its shape is {array.shape}."
        )
    return array


def _through(points: Floats, closed: bool) -> Floats:
    """Bezier points of the Catmull-Rom curve through `points`: (1 + 3 n, 2)."""
    if closed:
        before, start = np.roll(points, 1, axis=0), points
        end, after = np.roll(points, -1, axis=0), np.roll(points, -2, axis=0)
    else:
        start, end = points[:-1], points[1:]
        before = np.concatenate([points[:1], points[:-2]])
        after = np.concatenate([points[2:], points[-1:]])
    steps = np.stack([start + (end - before) / 6, end - (after - start) / 6, end], axis=1)
    return np.concatenate([points[:1], steps.reshape(-1, 2)])


def blob(points: ArrayLike) -> Path:
    """A smooth closed shape through `points`.

    >>> blob([(0, 0), (1, 0), (1, 1), (0, 1)]).contains_point((0.5, 0.5))
    True
    """
    vertices = _through(_points(points), closed=True)
    codes = np.full(len(vertices) + 1, _CURVE4, dtype=np.uint8)
    codes[0], codes[-1] = Path.MOVETO, _CLOSE
    return Path(np.concatenate([vertices, vertices[:1]]), codes)


def curve(points: ArrayLike) -> Path:
    """A smooth open stroke through `points`, for `Ink.line`."""
    vertices = _through(_points(points), closed=False)
    codes = np.full(len(vertices), _CURVE4, dtype=np.uint8)
    codes[0] = Path.MOVETO
    return Path(vertices, codes)


def poly(points: ArrayLike, radius: float = 0.0) -> Path:
    """A closed shape with straight sides; `radius` rounds its corners.

    >>> poly([(0, 0), (1, 0), (0, 1)], radius=0.1).contains_point((0.01, 0.01))
    False
    """
    corners = _points(points)
    if radius <= 0:
        codes = np.full(len(corners) + 1, _LINE, dtype=np.uint8)
        codes[0], codes[-1] = Path.MOVETO, _CLOSE
        return Path(np.concatenate([corners, corners[:1]]), codes)
    ahead = np.roll(corners, -1, axis=0) - corners
    length = np.maximum(np.hypot(ahead[:, 0], ahead[:, 1]), 1e-9)[:, None]
    cut = np.minimum(radius, 0.5 * np.minimum(length, np.roll(length, 1, axis=0)))
    direction = ahead / length
    arrive = corners - np.roll(direction, 1, axis=0) * cut
    leave = corners + direction * cut
    vertices = np.stack([arrive, corners, leave], axis=1).reshape(-1, 2)
    codes = np.tile(np.array([_LINE, _CURVE3, _CURVE3], dtype=np.uint8), len(corners))
    codes[0] = Path.MOVETO
    return Path(np.concatenate([vertices, vertices[:1]]), np.append(codes, np.uint8(_CLOSE)))


def box(x0: float, y0: float, x1: float, y1: float, radius: float = 0.0) -> Path:
    """An upright rectangle from the corner `(x0, y0)` to `(x1, y1)`."""
    return poly([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], radius)


_CIRCLE = np.array([
    (1, 0), (1, _KAPPA), (_KAPPA, 1), (0, 1), (-_KAPPA, 1), (-1, _KAPPA), (-1, 0),
    (-1, -_KAPPA), (-_KAPPA, -1), (0, -1), (_KAPPA, -1), (1, -_KAPPA), (1, 0), (1, 0),
])  # fmt: skip
_CIRCLE_CODES = np.array([Path.MOVETO] + [_CURVE4] * 12 + [_CLOSE], dtype=np.uint8)


def oval(cx: float, cy: float, rx: float, ry: float | None = None, tilt: float = 0.0) -> Path:
    """An ellipse about `(cx, cy)`; a circle without `ry`; `tilt` in degrees, clockwise.

    >>> oval(0.5, 0.5, 0.2).contains_point((0.69, 0.5))
    True
    """
    points = _CIRCLE * (rx, rx if ry is None else ry)
    if tilt:
        c, s = cos(radians(tilt)), sin(radians(tilt))
        points = points @ np.array([[c, s], [-s, c]])
    return Path(points + (cx, cy), _CIRCLE_CODES)


def arc(
    cx: float, cy: float, rx: float, ry: float, start: float, stop: float, n: int = 9
) -> list[tuple[float, float]]:
    """`n` points on an ellipse from angle `start` to `stop` (degrees, 0 right, 90 down)."""
    angles = [radians(start + (stop - start) * i / (n - 1)) for i in range(n)]
    return [(cx + rx * cos(a), cy + ry * sin(a)) for a in angles]


def limb(points: ArrayLike, start: float, end: float | None = None) -> Path:
    """A rounded tube along `points`: `start` wide where it begins, `end` where it ends.

    Legs, tails, necks, handles. Without `end` the width stays.
    """
    spine = _points(points)
    if len(spine) == 2:
        spine = np.stack([spine[0], spine.mean(axis=0), spine[1]])
    tangent = np.gradient(spine, axis=0)
    tangent /= np.maximum(np.hypot(tangent[:, 0], tangent[:, 1]), 1e-9)[:, None]
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)
    half = np.linspace(start, start if end is None else end, len(spine))[:, None] / 2
    left, right = spine + normal * half, spine - normal * half
    tip = spine[-1:] + tangent[-1:] * half[-1]
    root = spine[:1] - tangent[:1] * half[0]
    return blob(np.concatenate([left, tip, right[::-1], root]))


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
        c, s = cos(radians(self.rotation)) * self.side, sin(radians(self.rotation)) * self.side
        m = -1.0 if self.flip else 1.0
        a, b, d, e = c * m, -s, s * m, c
        tx = self.x - 0.5 * (a + b)
        ty = self.y - 0.5 * (d + e)
        return np.array([[a, b, tx], [-d, -e, self.height - ty], [0.0, 0.0, 1.0]])


@dataclass
class Layers:
    """What an `Ink` has drawn: see `Ink.finish`."""

    colour: NDArray[np.uint8]  # (h, w, 4), the body, straight alpha
    aside: NDArray[np.uint8] | None  # (h, w, 4), what is drawn but belongs to no mask
    lumps: NDArray[np.uint8]  # (h, w), number of the lump on top, 0 where nothing lies
    names: tuple[str, ...]  # the part each lump belongs to; names[0] is ""


class _Context(GraphicsContextBase):
    """A graphics context whose colour is set without parsing."""

    def __init__(self) -> None:
        super().__init__()
        self._snap = False
        self._linewidth = 0.0
        self._joinstyle = "round"
        self._capstyle = "round"


class _Canvas:
    """One Agg canvas and its context."""

    def __init__(self, width: int, height: int, smooth: bool) -> None:
        self.agg = RendererAgg(width, height, 72)
        self.gc = _Context()
        self.gc.set_antialiased(smooth)

    def paint(
        self, path: Path, transform: Affine2D, colour: Sequence[float], alpha: float, width: float
    ) -> None:
        rgba = (*colour, alpha)
        self.gc._rgb = rgba  # type: ignore[attr-defined]
        self.gc._linewidth = width  # type: ignore[attr-defined]
        self.agg.draw_path(self.gc, path, transform, None if width else rgba)

    def pixels(self) -> NDArray[np.uint8]:
        return np.array(self.agg.buffer_rgba())


@dataclass
class Ink:
    """The pen: `fill`, `line`, `clip`, `part` and `aside`.

    Later strokes lie on top. `part(name)` groups strokes into a lump that is lit as one
    piece of plasticine and can be asked for by name; `aside()` groups strokes that are
    seen but are not the thing itself (steam, a lamp's cord).

    >>> ink = Ink(Frame(32, 32, 16, 16, 32))
    >>> with ink.part("head"):
    ...     ink.fill(oval(0.5, 0.5, 0.25), (0.8, 0.4, 0.2))
    >>> layers = ink.finish()
    >>> layers.names, int((layers.lumps == 1).sum() > 180)
    (('', 'head'), 1)
    """

    frame: Frame
    lumps: bool = True  # keep track of parts; measuring a thing does without
    base: str | None = "body"  # the part of strokes outside any `part`; None: mere detail
    _transform: Affine2D = field(init=False)
    _canvases: dict[str, _Canvas] = field(init=False, default_factory=dict)
    _names: list[str] = field(init=False, default_factory=lambda: [""])
    _lump: int = field(init=False, default=0)
    _target: str = field(init=False, default="body")
    _clips: int = field(init=False, default=0)
    _pen: float = field(init=False, default=1.0)

    def __post_init__(self) -> None:
        self._transform = Affine2D(self.frame.matrix())
        self._canvas("body")
        if self.lumps:
            self._canvas("lumps")

    def _canvas(self, name: str) -> _Canvas:
        if name not in self._canvases:
            self._canvases[name] = _Canvas(
                self.frame.width, self.frame.height, smooth=name != "lumps"
            )
        return self._canvases[name]

    def _stroke(self, shape: Path, colour: Sequence[float], alpha: float, width: float) -> None:
        pixels = width * self._pen * self.frame.side
        self._canvas(self._target).paint(shape, self._transform, colour, alpha, pixels)
        # A clipped or see-through stroke lies on a lump that is there already.
        if self.lumps and self._target == "body" and alpha == 1.0 and not self._clips:
            if not self._lump:
                if self.base is None:
                    return
                self._open(self.base)
            mark = self._lump / 255.0
            self._canvases["lumps"].paint(
                shape, self._transform, (mark, mark, mark), 1.0, pixels
            )

    def _open(self, name: str) -> None:
        self._names.append(name)
        self._lump = len(self._names) - 1

    def fill(self, shape: Path, colour: Sequence[float], alpha: float = 1.0) -> None:
        """Fill `shape`; `colour` is (r, g, b) in 0..1."""
        self._stroke(shape, colour, alpha, 0.0)

    def line(
        self, shape: Path, colour: Sequence[float], width: float, alpha: float = 1.0
    ) -> None:
        """Draw along `shape` with a round pen `width` of the unit square wide."""
        self._stroke(shape, colour, alpha, width)

    def wash(self, x0: float, y0: float, x1: float, y1: float, top: RGB, bottom: RGB) -> None:
        """Fill a rectangle that fades from `top` to `bottom`; flat, so no lump."""
        corners = np.array([
            [(x0, y0), (x1, y0), (x1, y1)], [(x0, y0), (x1, y1), (x0, y1)],
        ])  # fmt: skip
        colours = np.array([[(*top, 1.0), (*top, 1.0), (*bottom, 1.0)],
                            [(*top, 1.0), (*bottom, 1.0), (*bottom, 1.0)]])  # fmt: skip
        canvas = self._canvas(self._target)
        canvas.agg.draw_gouraud_triangles(canvas.gc, corners, colours, self._transform)
        if self.lumps and self._target == "body" and not self._clips:
            area = box(x0, y0, x1, y1)
            self._canvases["lumps"].paint(area, self._transform, (0.0, 0.0, 0.0), 1.0, 0.0)

    @contextmanager
    def clip(self, shape: Path) -> Iterator[None]:
        """Inside the `with`, nothing is drawn outside `shape`; clips do not nest."""
        gc = self._canvas(self._target).gc
        gc.set_clip_path(TransformedPath(shape, self._transform))
        self._clips += 1
        try:
            yield
        finally:
            self._clips -= 1
            gc.set_clip_path(None)

    @contextmanager
    def moved(self, x: float, y: float, scale: float = 1.0, tilt: float = 0.0) -> Iterator[None]:
        """Inside the `with`, (0, 0) lies at `(x, y)`: all is tilted (degrees, clockwise), scaled.

        A head drawn about its neck can so sit on any body.
        """
        transform, pen = self._transform, self._pen
        local = Affine2D().rotate_deg(tilt).scale(scale).translate(x, y)
        self._transform = Affine2D(transform.get_matrix() @ local.get_matrix())
        self._pen = pen * scale
        try:
            yield
        finally:
            self._transform, self._pen = transform, pen

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Strokes inside the `with` form one lump of the part `name`."""
        before = self._lump
        if self.lumps:
            self._open(name)
        try:
            yield
        finally:
            self._lump = before

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Strokes inside the `with` are seen, in front, but count into no mask."""
        before, self._target = self._target, "aside"
        try:
            yield
        finally:
            self._target = before

    def finish(self) -> Layers:
        """Return the pixels drawn so far."""
        aside, lumps = self._canvases.get("aside"), self._canvases.get("lumps")
        shape = (self.frame.height, self.frame.width)
        return Layers(
            colour=self._canvases["body"].pixels(),
            aside=None if aside is None else aside.pixels(),
            lumps=np.zeros(shape, np.uint8) if lumps is None else lumps.pixels()[..., 0],
            names=tuple(self._names),
        )
