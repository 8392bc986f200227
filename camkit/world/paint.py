"""From a thing or a background to lit pixels, each remembered for the next redraw."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil, cos, radians, sin

import numpy as np
from numpy.typing import NDArray

from camkit.world.backgrounds import Backdrop, background
from camkit.world.ink import Frame, Ink
from camkit.world.light import Light, lit, relief, shadow
from camkit.world.sprites import Look, find
from camkit.world.things import Thing

Floats = NDArray[np.float32]

_PAD = 0.09  # room for the shadow around the unit square
_SOFT = 0.042  # rounded edge of a lump, as a share of the unit square
_MEASURE = 64  # pixels of the unit square when a thing is only measured


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


def look_of(thing: Thing) -> Look:
    """The look a thing's sprite is drawn with."""
    main, second, accent = thing.colours
    return Look(
        main, second, accent, dict(thing.words), dict(thing.numbers),
        np.random.Generator(np.random.Philox(thing.seed)),
    )  # fmt: skip


@lru_cache(maxsize=96)
def paint_thing(thing: Thing, light: Light, size: int) -> Painted:
    """Draw and light `thing` for a picture `size` pixels wide."""
    sprite = find(thing.kind)
    side = thing.scale * size
    turn = radians(thing.rotation)
    n = ceil(side * (abs(cos(turn)) + abs(sin(turn)) + 2 * _PAD)) + 2
    cx, cy = thing.place[0] * size, thing.place[1] * size
    x, y = round(cx - n / 2), round(cy - n / 2)
    ink = Ink(Frame(n, n, cx - x, cy - y, side, thing.flip, thing.rotation))
    sprite.draw(ink, look_of(thing))
    layers = ink.finish()
    pixels = layers.colour.astype(np.float32) / 255.0
    alpha = np.ascontiguousarray(pixels[..., 3])
    shade = relief(layers.lumps, light, _SOFT * side)
    # A gentle fall of light over the whole thing holds its lumps together.
    fall = np.linspace(0.10, -0.10, n, dtype=np.float32)
    shade += fall[:, None] - light.x * fall[None, :]
    colour = lit(pixels[..., :3], shade, light) * alpha[..., None]
    aside = None if layers.aside is None else layers.aside.astype(np.float32) / 255.0
    return Painted(
        x, y, colour, alpha, aside, shadow(alpha, light, side, sprite.stands),
        layers.lumps, layers.names,
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
    ink = Ink(Frame(size, size, size / 2, size / 2, size), base=None)
    background(backdrop.kind).draw(
        ink, Look(main, second, accent, {}, dict(backdrop.numbers), rng)
    )
    layers = ink.finish()
    shade = 0.55 * relief(layers.lumps, light, 0.016 * size)
    shade += np.linspace(0.05, -0.07, size, dtype=np.float32)[:, None]
    colour = layers.colour[..., :3].astype(np.float32) / 255.0
    return Place(lit(colour, shade, light), layers.lumps, layers.names)


def measure(thing: Thing) -> tuple[float, float, float, float]:
    """The thing's own box about its place, in shares of its scale: `(x0, y0, x1, y1)`."""
    return _measure(replace(thing, place=(0.5, 0.5), scale=1.0))


@lru_cache(maxsize=256)
def _measure(thing: Thing) -> tuple[float, float, float, float]:
    n = _MEASURE + _MEASURE // 2
    ink = Ink(Frame(n, n, n / 2, n / 2, _MEASURE, thing.flip, thing.rotation), lumps=False)
    find(thing.kind).draw(ink, look_of(thing))
    solid = ink.finish().colour[..., 3] > 127
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    if not len(rows):
        raise ValueError(f"the sprite {thing.kind!r} draws nothing that counts into its mask.")
    edges = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    x0, y0, x1, y1 = (float(e - n / 2) / _MEASURE for e in edges)
    return x0, y0, x1, y1
