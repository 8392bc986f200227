"""Shapes and one pen: what every sprite and every background is drawn with.

Coordinates are fractions of the unit square: x runs right, y runs *down*, as pixels do.
Shapes are matplotlib paths, so curves stay curves until the last moment and the same
drawing is right at any size. `Ink` only records strokes; `raster.py` turns them into pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from math import cos, radians, sin
from typing import Literal, NamedTuple

import numpy as np
from matplotlib.path import Path
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Drawing",
    "Ink",
    "Stroke",
    "arc",
    "blob",
    "box",
    "curve",
    "limb",
    "oval",
    "poly",
    "together",
]

RGB = tuple[float, float, float]
Floats = NDArray[np.float64]

_KAPPA = 0.5522847498307936  # the handle length that makes four Bezier curves a circle
_LINE, _CURVE3, _CURVE4, _CLOSE = Path.LINETO, Path.CURVE3, Path.CURVE4, Path.CLOSEPOLY


def _points(points: ArrayLike) -> Floats:
    array = np.array(points, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != 2 or len(array) < 2:
        raise ValueError(
            f"points must be a list of at least two (x, y) pairs; its shape is {array.shape}."
        )
    return array


_MODEL = Path([(0.0, 0.0)])  # lends new shapes its settings


def _shape(vertices: Floats, codes: NDArray[np.uint8]) -> Path:
    """`Path(vertices, codes)` without its checks, which take longer than drawing."""
    path: Path = Path._fast_from_codes_and_verts(vertices, codes, _MODEL)  # type: ignore[attr-defined]
    return path


def points_of(path: Path) -> Floats:
    """The points of a shape, (n, 2), corners and handles alike."""
    return np.asarray(path.vertices, dtype=np.float64)


def _coded(path: Path) -> Path:
    """`path`, its points said to be corners if nothing was said about them."""
    if path.codes is None:
        return _shape(points_of(path), _codes("open", len(points_of(path))))
    return path


@lru_cache(maxsize=128)
def _smoothing(n: int, closed: bool) -> Floats:
    """(1 + 3 steps, n): what turns n points into the Bezier points of their Catmull-Rom curve."""
    eye = np.eye(n)
    if closed:
        before, start = np.roll(eye, 1, axis=0), eye
        end, after = np.roll(eye, -1, axis=0), np.roll(eye, -2, axis=0)
    else:
        start, end = eye[:-1], eye[1:]
        before = np.concatenate([eye[:1], eye[:-2]])
        after = np.concatenate([eye[2:], eye[-1:]])
    steps = np.stack([start + (end - before) / 6, end - (after - start) / 6, end], axis=1)
    return np.concatenate([eye[:1], steps.reshape(-1, n), *([eye[:1]] if closed else [])])


@lru_cache(maxsize=256)
def _codes(kind: str, n: int) -> NDArray[np.uint8]:
    """What each of a shape's points is to matplotlib, for a shape of `n` points."""
    if kind in ("corners", "open"):
        codes = [_LINE] * n
    elif kind == "rounded":
        codes = [_LINE, _CURVE3, _CURVE3] * n
    else:
        codes = [_CURVE4] * (1 + 3 * (n if kind == "blob" else n - 1))
    if kind not in ("curve", "open"):
        codes.append(_CLOSE)
    codes[0] = Path.MOVETO
    return np.array(codes, dtype=np.uint8)


def blob(points: ArrayLike) -> Path:
    """A smooth closed shape through `points`.

    >>> blob([(0, 0), (1, 0), (1, 1), (0, 1)]).contains_point((0.5, 0.5))
    True
    """
    array = _points(points)
    n = len(array)
    return _shape(_smoothing(n, True) @ array, _codes("blob", n))


def curve(points: ArrayLike) -> Path:
    """A smooth open stroke through `points`, for `Ink.line`."""
    array = _points(points)
    n = len(array)
    return _shape(_smoothing(n, False) @ array, _codes("curve", n))


def poly(points: ArrayLike, radius: float = 0.0) -> Path:
    """A closed shape with straight sides; `radius` rounds its corners.

    >>> poly([(0, 0), (1, 0), (0, 1)], radius=0.1).contains_point((0.01, 0.01))
    False
    """
    corners = _points(points)
    n = len(corners)
    if radius <= 0:
        return _shape(np.concatenate([corners, corners[:1]]), _codes("corners", n))
    ahead = np.concatenate([corners[1:], corners[:1]]) - corners
    length = np.maximum(np.hypot(ahead[:, 0], ahead[:, 1]), 1e-9)[:, None]
    direction = ahead / length
    cut = np.minimum(radius, 0.5 * np.minimum(length, np.concatenate([length[-1:], length[:-1]])))
    vertices = np.empty((3 * n + 1, 2))
    vertices[:-1:3] = corners - np.concatenate([direction[-1:], direction[:-1]]) * cut
    vertices[1:-1:3] = corners
    vertices[2::3] = corners + direction * cut
    vertices[-1] = vertices[0]
    return _shape(vertices, _codes("rounded", n))


def together(shapes: Sequence[Path]) -> Path:
    """Many shapes of one colour as one, which is much faster to draw than one by one."""
    shapes = [_coded(s) for s in shapes]
    return _shape(
        np.concatenate([s.vertices for s in shapes]), np.concatenate([s.codes for s in shapes])
    )


_ROUND_X = np.array([0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0])  # which of x0, x1
_ROUND_Y = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0])
_ROUND = np.array([
    (0, 1), (0, 0), (1, 0), (-1, 0), (0, 0), (0, 1), (0, -1), (0, 0), (-1, 0), (1, 0), (0, 0),
    (0, -1), (0, 1),
])  # fmt: skip


def box(x0: float, y0: float, x1: float, y1: float, radius: float = 0.0) -> Path:
    """An upright rectangle from the corner `(x0, y0)` to `(x1, y1)`, corners rounded."""
    if radius <= 0:
        corners = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)], dtype=np.float64)
        return _shape(corners, _codes("corners", 4))
    r = min(radius, abs(x1 - x0) / 2, abs(y1 - y0) / 2)
    vertices = _ROUND * r
    vertices[:, 0] += np.array([x0, x1])[_ROUND_X]
    vertices[:, 1] += np.array([y0, y1])[_ROUND_Y]
    return _shape(vertices, _codes("rounded", 4))


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
    return _shape(points + (cx, cy), _CIRCLE_CODES)


def arc(
    cx: float, cy: float, rx: float, ry: float, start: float, stop: float, n: int = 9
) -> list[tuple[float, float]]:
    """`n` points on an ellipse from angle `start` to `stop` (degrees, 0 right, 90 down)."""
    angles = [radians(start + (stop - start) * i / (n - 1)) for i in range(n)]
    return [(cx + rx * cos(a), cy + ry * sin(a)) for a in angles]


@lru_cache(maxsize=32)
def _ramp(n: int) -> Floats:
    """(n, 1): evenly from 0 to 1."""
    return np.linspace(0.0, 1.0, n)[:, None]


def limb(points: ArrayLike, start: float, end: float | None = None) -> Path:
    """A rounded tube along `points`: `start` wide where it begins, `end` where it ends.

    Legs, tails, necks, handles. Without `end` the width stays.
    """
    spine = _points(points)
    if len(spine) == 2:
        spine = np.stack([spine[0], 0.5 * (spine[0] + spine[1]), spine[1]])
    n = len(spine)
    tangent = np.empty_like(spine)
    tangent[1:-1] = spine[2:] - spine[:-2]
    tangent[0], tangent[-1] = spine[1] - spine[0], spine[-1] - spine[-2]
    tangent /= np.maximum(np.hypot(tangent[:, 0], tangent[:, 1]), 1e-9)[:, None]
    half = tangent * (0.5 * (start + ((start if end is None else end) - start) * _ramp(n)))
    outline = np.empty((2 * n + 2, 2))
    sideways = half[:, ::-1] * (-1.0, 1.0)
    outline[:n] = spine + sideways
    outline[n] = spine[-1] + half[-1]
    outline[n + 1 : -1] = (spine - sideways)[::-1]
    outline[-1] = spine[0] - half[0]
    return blob(outline)


class Stroke(NamedTuple):
    """One act of the pen, in the coordinates of the unit square."""

    shape: Path
    colour: RGB
    alpha: float
    width: float  # of a line; 0 for a fill
    matrix: Floats | None  # (3, 3), where `Ink.moved` has put the pen's origin
    lump: int  # 0 for detail, which lies on a lump that is there already
    layer: Literal["body", "aside"]
    clip: tuple[Path, Floats | None] | None
    fade: RGB | None  # the colour at the bottom of a wash


@dataclass(frozen=True)
class Drawing:
    """What an `Ink` has recorded: strokes, later ones on top, and the part each lump is of."""

    strokes: tuple[Stroke, ...]
    names: tuple[str, ...]  # names[0] is "", no lump

    def outline(self) -> tuple[Floats, Floats]:
        """Points on the outlines of all that is solid, (m, 2), and the pen's half widths (m, 1)."""
        solid = [s for s in self.strokes if s.lump]
        if not solid:
            return np.empty((0, 2)), np.empty((0, 1))
        vertices = np.concatenate([
            points_of(s.shape) if s.matrix is None
            else points_of(s.shape) @ s.matrix[:2, :2].T + s.matrix[:2, 2] for s in solid
        ])  # fmt: skip
        codes = np.concatenate([s.shape.codes for s in solid])
        pen = np.repeat([s.width / 2 for s in solid], [len(points_of(s.shape)) for s in solid])
        corners = np.flatnonzero(codes <= _LINE)
        thirds = np.flatnonzero(codes == _CURVE4)[2::3]
        halves = np.flatnonzero(codes == _CURVE3)[1::2]
        at, width = [vertices[corners]], [pen[corners]]
        for t in (0.25, 0.5, 0.75, 1.0):
            u = 1.0 - t
            at.append(u**3 * vertices[thirds - 3] + 3 * u * u * t * vertices[thirds - 2]
                      + 3 * u * t * t * vertices[thirds - 1] + t**3 * vertices[thirds])  # fmt: skip
            at.append(u * u * vertices[halves - 2] + 2 * u * t * vertices[halves - 1]
                      + t * t * vertices[halves])  # fmt: skip
            width += [pen[thirds], pen[halves]]
        return np.concatenate(at), np.concatenate(width)[:, None]


@dataclass
class Ink:
    """The pen: `fill`, `line`, `wash`, `clip`, `moved`, `part` and `aside`.

    Later strokes lie on top. `part(name)` groups strokes into a lump that is lit as one
    piece of plasticine and can be asked for by name; `aside()` groups strokes that are
    seen but are not the thing itself (steam, a lamp's cord).

    >>> ink = Ink()
    >>> with ink.part("head"):
    ...     ink.fill(oval(0.5, 0.5, 0.25), (0.8, 0.4, 0.2))
    >>> drawing = ink.finish()
    >>> drawing.names, len(drawing.strokes)
    (('', 'head'), 1)
    """

    base: str | None = "body"  # the part of strokes outside any `part`; None: mere detail
    _strokes: list[Stroke] = field(init=False, default_factory=list)
    _names: list[str] = field(init=False, default_factory=lambda: [""])
    _lump: int = field(init=False, default=0)
    _layer: Literal["body", "aside"] = field(init=False, default="body")
    _clip: tuple[Path, Floats | None] | None = field(init=False, default=None)
    _matrix: Floats | None = field(init=False, default=None)
    _pen: float = field(init=False, default=1.0)

    def _stroke(self, shape: Path, colour: RGB, alpha: float, width: float) -> None:
        shape, lump = _coded(shape), 0
        # A clipped or see-through stroke lies on a lump that is there already.
        if self._layer == "body" and alpha == 1.0 and self._clip is None:
            if not self._lump and self.base is not None:
                self._open(self.base)
            lump = self._lump
        self._strokes.append(
            Stroke(shape, colour, alpha, width * self._pen, self._matrix, lump, self._layer,
                   self._clip, None)
        )  # fmt: skip

    def _open(self, name: str) -> None:
        self._names.append(name)
        self._lump = len(self._names) - 1

    def fill(self, shape: Path, colour: RGB, alpha: float = 1.0) -> None:
        """Fill `shape`; `colour` is (r, g, b) in 0..1."""
        self._stroke(shape, colour, alpha, 0.0)

    def line(self, shape: Path, colour: RGB, width: float, alpha: float = 1.0) -> None:
        """Draw along `shape` with a round pen `width` of the unit square wide."""
        self._stroke(shape, colour, alpha, width)

    def wash(self, x0: float, y0: float, x1: float, y1: float, top: RGB, bottom: RGB) -> None:
        """Fill a rectangle that fades from `top` to `bottom`; flat, it buries lumps below."""
        area = box(x0, y0, x1, y1)
        self._strokes.append(
            Stroke(area, top, 1.0, 0.0, self._matrix, 0, self._layer, self._clip, bottom)
        )

    @contextmanager
    def clip(self, shape: Path) -> Iterator[None]:
        """Inside the `with`, nothing is drawn outside `shape`; clips do not nest."""
        before, self._clip = self._clip, (shape, self._matrix)
        try:
            yield
        finally:
            self._clip = before

    @contextmanager
    def moved(self, x: float, y: float, scale: float = 1.0, tilt: float = 0.0) -> Iterator[None]:
        """Inside the `with`, (0, 0) lies at `(x, y)`: all is tilted (degrees, clockwise), scaled.

        A head drawn about its neck can so sit on any body.
        """
        matrix, pen = self._matrix, self._pen
        c, s = scale * cos(radians(tilt)), scale * sin(radians(tilt))
        local = np.array([[c, -s, x], [s, c, y], [0.0, 0.0, 1.0]])
        self._matrix = local if matrix is None else matrix @ local
        self._pen = pen * scale
        try:
            yield
        finally:
            self._matrix, self._pen = matrix, pen

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Strokes inside the `with` form one lump of the part `name`."""
        before = self._lump
        self._open(name)
        try:
            yield
        finally:
            self._lump = before

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Strokes inside the `with` are seen, in front, but count into no mask."""
        before, self._layer = self._layer, "aside"
        try:
            yield
        finally:
            self._layer = before

    def finish(self) -> Drawing:
        """What has been drawn so far."""
        return Drawing(tuple(self._strokes), tuple(self._names))
