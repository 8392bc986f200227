"""The plasticine look: flat colour becomes a lit, rounded, shadowed thing.

Each lump (a part of a sprite) is taken for a soft cushion: its mask, blurred, is a height
field h, and a surface lit from the direction l gets -l . grad h more light than a flat one. Blur,
derivative and resampling are all linear in rows and columns, so each is a small matrix, and
lighting a sprite is a handful of matrix products on a coarse grid, whatever the size.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_GRID = 40  # cells of the coarse grid on which relief and shadow are computed
_CHANNELS = 4  # lumps this far apart in the drawing order share a height field


@dataclass(frozen=True)
class Light:
    """Where the light comes from, and its colour.

    `x` and `y` point from the thing to the lamp in the picture plane (y is negative: from above);
    `warmth` runs from -1 (a cool, grey day) to 1 (late sun).
    """

    x: float = -0.6
    y: float = -0.8
    warmth: float = 0.2


@lru_cache(maxsize=512)
def down(n: int, cells: int) -> Floats:
    """(cells, n): means of `n` pixels over `cells` equal cells."""
    edges = np.linspace(0.0, n, cells + 1)
    pixels = np.arange(n)
    low = np.maximum(edges[:-1, None], pixels[None, :])
    high = np.minimum(edges[1:, None], pixels[None, :] + 1)
    weights = np.maximum(high - low, 0.0)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)


@lru_cache(maxsize=512)
def up(n: int, cells: int) -> Floats:
    """(n, cells): linear interpolation from `cells` cell centres to `n` pixel centres."""
    at = np.clip((np.arange(n) + 0.5) * cells / n - 0.5, 0.0, cells - 1.0)
    return np.maximum(1.0 - np.abs(at[:, None] - np.arange(cells)[None, :]), 0.0).astype(np.float32)


def spread(cells: int, sigma: float, scale: float = 1.0, about: float = 0.0, shift: float = 0.0
           ) -> Floats:  # fmt: skip
    """(cells, cells): squeeze by `scale` about a row, move by `shift`, blur by `sigma` (cells)."""
    at = np.arange(cells, dtype=np.float32)
    source = about + (at - about) * scale + shift
    return np.asarray(
        np.exp(-0.5 * ((at[:, None] - source[None, :]) / sigma) ** 2)
        * (scale / (sigma * 2.5066283)),
        dtype=np.float32,
    )


@lru_cache(maxsize=512)
def _slopes(cells: int, tenths: int) -> tuple[Floats, Floats]:
    """(cells, cells) each: a Gaussian blur and its derivative times sigma (in tenths of a cell)."""
    sigma = tenths / 10
    gap = (np.arange(cells)[:, None] - np.arange(-cells, 2 * cells)[None, :]) / sigma
    blur = np.exp(-0.5 * gap**2) / (sigma * 2.5066283)
    # What lies beyond an edge is taken for a mirror image, so an edge casts no slope.
    return tuple(  # type: ignore[return-value]
        (m[:, cells : 2 * cells] + m[:, cells - 1 :: -1] + m[:, : 2 * cells - 1 : -1])
        .astype(np.float32) for m in (blur, -gap * blur)
    )  # fmt: skip


def relief(lumps: NDArray[np.uint8], light: Light, softness: float) -> Floats:
    """How much more (or less) light than a flat surface each pixel of the lumps gets: (h, w).

    `softness` is the width of a lump's rounded edge in pixels.
    """
    h, w = lumps.shape
    channels = min(_CHANNELS, max(int(lumps.max()), 1))
    turn = lumps % channels + (lumps == 0) * np.uint8(channels)
    stack = (turn == np.arange(channels, dtype=np.uint8)[:, None, None]).astype(np.float32)
    gh, gw = min(_GRID, h), min(_GRID, w)
    low = down(h, gh) @ stack @ down(w, gw).T
    blur_y, slope_y = _slopes(gh, max(5, round(10 * softness * gh / h)))
    blur_x, slope_x = _slopes(gw, max(5, round(10 * softness * gw / w)))
    across, along = blur_y @ low, slope_y @ low
    # The slope towards the lamp, and a darker rim where lumps meet (little light gets in there).
    value = (-light.x) * (across @ slope_x.T) - light.y * (along @ blur_x.T)
    value = 1.5 * value + 0.55 * (across @ blur_x.T) - 0.5
    fine = up(h, gh) @ value @ up(w, gw).T
    shade = np.einsum("chw,chw->hw", fine, stack)
    # Lumps have hard edges; the step in the light between two of them must not show as stairs.
    shade[1:-1] = 0.5 * shade[1:-1] + 0.25 * (shade[:-2] + shade[2:])
    shade[:, 1:-1] = 0.5 * shade[:, 1:-1] + 0.25 * (shade[:, :-2] + shade[:, 2:])
    return np.asarray(shade, dtype=np.float32)


_LEVELS = 512


@lru_cache(maxsize=64)
def _response(warmth: float) -> tuple[Floats, Floats]:
    """(512, 3) each: what a shade of -1..1 multiplies a colour by, and what it adds."""
    shade = np.linspace(-1.0, 1.0, _LEVELS)[:, None]
    bright, dark = np.maximum(shade, 0.0), np.minimum(shade, 0.0)
    warm = np.array([1.0, 0.96, 0.84]) - warmth * np.array([0.0, 0.02, 0.10])
    cool = np.array([0.92, 0.84, 0.66])
    gleam = (0.42 * bright + 1.6 * np.maximum(bright - 0.42, 0.0) ** 2) * warm
    return ((1.0 + dark * cool) * (1.0 - gleam)).astype(np.float32), gleam.astype(np.float32)


def lit(colour: Floats, shade: Floats, light: Light) -> Floats:
    """`colour` (h, w, 3) in 0..1 under `shade` (h, w): warm where lit, cool where dark."""
    times, plus = _response(light.warmth)
    level = np.clip((shade + 1.0) * (0.5 * (_LEVELS - 1)) + 0.5, 0, _LEVELS - 1).astype(np.intp)
    out = times.take(level, axis=0)
    out *= colour
    out += plus.take(level, axis=0)
    return np.asarray(out)


def shadow(alpha: Floats, light: Light, side: float, stands: bool) -> Floats:
    """The shadow (h, w) in 0..1 of a thing: a soft one behind it, and one on the ground.

    `alpha` is the thing's coverage on the same canvas, `side` its unit square in pixels.
    """
    h, w = alpha.shape
    gh, gw = min(_GRID, h), min(_GRID, w)
    low = down(h, gh) @ alpha @ down(w, gw).T
    sy, sx = side * gh / h, side * gw / w  # a unit square's side in cells
    behind_y = spread(gh, 0.035 * sy, shift=0.025 * sy)
    behind_x = spread(gw, 0.035 * sx, shift=-0.045 * light.x * sx)
    total = 0.30 * (behind_y @ low @ behind_x.T)
    if stands:
        rows = np.flatnonzero(low.max(axis=1) > 0.2)
        foot = float(rows[-1]) if len(rows) else gh - 1.0
        ground_y = spread(gh, 0.022 * sy, scale=0.07, about=foot)
        ground_x = spread(gw, 0.045 * sx, shift=-0.07 * light.x * sx)
        total = total + 0.75 * np.minimum(1.0, 1.6 * (ground_y @ low @ ground_x.T) / 0.5)
    return np.asarray(up(h, gh) @ np.minimum(total, 0.62) @ up(w, gw).T, dtype=np.float32)


@lru_cache(maxsize=16)
def grain(size: int) -> Floats:
    """(size, size, 1): fine unevenness of the clay, the same surface at every size."""
    rng = np.random.Generator(np.random.Philox(20160627))
    fine = rng.standard_normal((256, 256)).astype(np.float32) * 0.013
    blur, _ = _slopes(256, 30)
    coarse = blur @ rng.standard_normal((256, 256)).astype(np.float32) @ blur.T
    noise = fine + 0.007 * coarse / coarse.std()
    if size < 256:
        step = down(256, size)
        noise = step @ noise @ step.T
    elif size > 256:
        step = up(size, 256)
        noise = step @ noise @ step.T
    return np.asarray(noise[..., None], dtype=np.float32)
