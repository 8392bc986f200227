"""From a thing or a background to lit pixels, each remembered for the next redraw."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, cos, radians, sin

import numpy as np
from numpy.typing import NDArray

from camkit.world.backgrounds import Backdrop, background
from camkit.world.ink import Drawing, Ink
from camkit.world.light import Light, lit, relief, shadow
from camkit.world.palette import Scheme
from camkit.world.raster import Frame, raster, turning
from camkit.world.sprites import Look, find
from camkit.world.things import Thing

Floats = NDArray[np.float32]
Floats64 = NDArray[np.float64]

_PAD = 0.11  # room for the shadow around the unit square
_SOFT = 0.042  # rounded edge of a lump, as a share of the unit square


@dataclass(frozen=True)
class Painted:
    """One lit thing on a canvas of its own whose corner lies on pixel `(x, y)` of the picture."""

    x: int
    y: int
    colour: Floats  # (h, w, 3), times alpha
    alpha: Floats  # (h, w)
    aside: Floats | None  # (h, w, 4), straight alpha
    shadow: Floats  # (h, w)
    lumps: NDArray[np.uint8]  # (h, w)
    names: tuple[str, ...]


@lru_cache(maxsize=256)
def _drawing(
    kind: str,
    colours: Scheme,
    words: tuple[tuple[str, str], ...],
    numbers: tuple[tuple[str, float], ...],
    seed: int,
) -> tuple[Drawing, Floats64, Floats64]:
    """A thing's strokes, and the points and pen widths of their outlines."""
    ink = Ink()
    rng = np.random.Generator(np.random.Philox(seed))
    find(kind).draw(ink, Look(*colours, dict(words), dict(numbers), rng))
    drawing = ink.finish()
    points, pen = drawing.outline()
    if not len(points):
        raise ValueError(f"the sprite {kind!r} draws nothing that counts into its mask.")
    return drawing, points, pen


def _drawn(thing: Thing) -> tuple[Drawing, Floats64, Floats64]:
    return _drawing(thing.kind, thing.colours, thing.words, thing.numbers, thing.seed)


@lru_cache(maxsize=96)
def paint_thing(thing: Thing, light: Light, size: int) -> Painted:
    """Draw and light `thing` for a picture `size` pixels wide."""
    sprite = find(thing.kind)
    side = thing.scale * size
    turn = radians(thing.rotation)
    n = ceil(side * (abs(cos(turn)) + abs(sin(turn)) + 2 * _PAD)) + 2
    cx, cy = thing.place[0] * size, thing.place[1] * size
    x, y = round(cx - n / 2), round(cy - n / 2)
    drawing = _drawn(thing)[0]
    layers = raster(drawing, Frame(n, n, cx - x, cy - y, side, thing.flip, thing.rotation))
    pixels = layers.colour.astype(np.float32) / 255.0
    alpha = np.ascontiguousarray(pixels[..., 3])
    shade = relief(layers.lumps, light, _SOFT * side)
    # A gentle fall of light over the whole thing holds its lumps together.
    fall = np.linspace(0.10, -0.10, n, dtype=np.float32)
    shade += fall[:, None] - light.x * fall[None, :]
    colour = lit(pixels[..., :3], shade, light) * alpha[..., None]
    aside = None if layers.aside is None else layers.aside.astype(np.float32) / 255.0
    stands = sprite.stands and ("seat", "perch") not in thing.words  # there is air beside a perch
    return Painted(
        x, y, colour, alpha, aside, shadow(alpha, light, side, stands),
        layers.lumps, drawing.names,
    )  # fmt: skip


@dataclass(frozen=True)
class Place:
    """One lit background."""

    colour: Floats  # (size, size, 3)
    lumps: NDArray[np.uint8]  # (size, size)
    names: tuple[str, ...]


@lru_cache(maxsize=24)
def paint_place(backdrop: Backdrop, light: Light, size: int) -> Place:
    """Draw and light a background."""
    main, second, accent = backdrop.colours
    rng = np.random.Generator(np.random.Philox(backdrop.seed))
    ink = Ink(base=None)
    background(backdrop.kind).draw(ink, Look(main, second, accent, {}, dict(backdrop.numbers), rng))
    drawing = ink.finish()
    layers = raster(drawing, Frame(size, size, size / 2, size / 2, size))
    shade = 0.55 * relief(layers.lumps, light, 0.016 * size)
    shade += np.linspace(0.05, -0.07, size, dtype=np.float32)[:, None]
    colour = layers.colour[..., :3].astype(np.float32) / 255.0
    return Place(lit(colour, shade, light), layers.lumps, drawing.names)


def measure(thing: Thing) -> tuple[float, float, float, float]:
    """The thing's own box about its place, in shares of its scale: `(x0, y0, x1, y1)`."""
    return _measure(
        thing.kind, thing.colours, thing.words, thing.numbers, thing.seed, thing.flip,
        thing.rotation,
    )  # fmt: skip


@lru_cache(maxsize=256)
def _measure(
    kind: str,
    colours: Scheme,
    words: tuple[tuple[str, str], ...],
    numbers: tuple[tuple[str, float], ...],
    seed: int,
    flip: bool,
    rotation: float,
) -> tuple[float, float, float, float]:
    _, points, pen = _drawing(kind, colours, words, numbers, seed)
    at = (points - 0.5) @ turning(flip, rotation).T
    (x0, y0), (x1, y1) = (at - pen).min(axis=0).tolist(), (at + pen).max(axis=0).tolist()
    return x0, y0, x1, y1
