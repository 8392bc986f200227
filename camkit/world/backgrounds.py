"""Places: what lies behind the things.

Each place is a function like a sprite's, on the whole picture. `stand` is the band in which a
thing may put its foot. Colours are quieter than the things', so that a thing is found at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import sin

import numpy as np

from camkit.world.ink import Ink, arc, blob, box, curve, limb, oval, poly, together
from camkit.world.palette import (
    CREAM,
    FAMILIES,
    GLASS,
    GOLD,
    RGB,
    SHADE,
    WHITE,
    Scheme,
    darker,
    lighter,
    mix,
    oklch,
)
from camkit.world.sprites import Look, check_name

_SEA = oklch(0.66, 0.085, 220)
_SAND = oklch(0.87, 0.06, 82)
_GRASS = oklch(0.77, 0.115, 130)
_SNOW = oklch(0.965, 0.012, 240)
_BARK = oklch(0.50, 0.06, 55)
_ASPHALT = oklch(0.62, 0.012, 270)
_STONE = oklch(0.80, 0.022, 75)


@dataclass(frozen=True)
class Background:
    """A place: how to draw it, what varies, and where things may stand."""

    name: str
    draw: Callable[[Ink, Look], None]
    colours: str
    numbers: Mapping[str, tuple[float, float]]
    stand: tuple[float, float]


@dataclass(frozen=True)
class Backdrop:
    """A background with every choice made. No pixels."""

    kind: str
    colours: Scheme
    numbers: tuple[tuple[str, float], ...]
    seed: int


_PLACES: dict[str, Background] = {}

_Draw = Callable[[Ink, Look], None]


def _place(
    colours: str, stand: tuple[float, float], **numbers: tuple[float, float]
) -> Callable[[_Draw], _Draw]:
    def register(draw: _Draw) -> _Draw:
        _PLACES[draw.__name__] = Background(draw.__name__, draw, colours, numbers, stand)
        return draw

    return register


def background(name: str) -> Background:
    """The background called `name`; a ValueError names the near ones if there is none."""
    return _PLACES[check_name(name, BACKGROUNDS, "background")]


def make_backdrop(kind: str, rng: np.random.Generator) -> Backdrop:
    """Draw a background of `kind`: its colours and measures come from `rng`."""
    place = background(kind)
    schemes = FAMILIES[place.colours]
    return Backdrop(
        kind,
        schemes[int(rng.integers(len(schemes)))],
        tuple((n, lo + (hi - lo) * float(rng.random())) for n, (lo, hi) in place.numbers.items()),
        int(rng.integers(2**31)),
    )


# --- pieces shared by the places -------------------------------------------------------------


def _sky(ink: Ink, look: Look, horizon: float, clouds: int = 2) -> None:
    """A sky that pales towards the horizon, a sun, and clouds."""
    ink.wash(-0.1, -0.1, 1.1, horizon, look.main, look.second)
    rng = look.rng
    if rng.random() < 0.6:
        x, y = rng.uniform(0.1, 0.9), rng.uniform(0.10, 0.22)
        sun = mix(GOLD, look.second, 0.35)
        ink.fill(oval(x, y, 0.105), look.second, alpha=0.35)
        with ink.part("sun"):
            ink.fill(oval(x, y, 0.062), sun)
    for _ in range(clouds):
        _cloud(ink, rng.uniform(0.0, 1.0), rng.uniform(0.10, 0.8 * horizon - 0.06),
               rng.uniform(0.8, 1.25), mix(WHITE, look.second, 0.25), rng)  # fmt: skip


def _cloud(ink: Ink, x: float, y: float, s: float, colour: RGB, rng: np.random.Generator) -> None:
    """A heap of round puffs on a flat foot."""
    puffs = rng.uniform(-1.0, 1.0, (4, 2))
    with ink.part("cloud"):
        ink.fill(blob([(x - 0.13 * s, y), (x - 0.10 * s, y - 0.03 * s), (x, y - 0.045 * s),
                       (x + 0.10 * s, y - 0.03 * s), (x + 0.13 * s, y), (x, y + 0.014 * s)]),
                 colour)  # fmt: skip
        for at, (dx, dr) in zip((-0.075, -0.02, 0.04, 0.085), puffs, strict=True):
            r = (0.048 - 2.6 * at * at + 0.007 * dr) * s
            ink.fill(oval(x + (at + 0.008 * dx) * s, y - 0.55 * r - 0.004 * s, r, 0.9 * r), colour)


def _ridge(ink: Ink, y: float, height: float, colour: RGB, waves: float, phase: float) -> None:
    """A rolling hill across the picture, its top about `y`."""
    top = [(x / 8, y - height * sin(waves * x / 8 * 6.2832 + phase)) for x in range(-1, 10)]
    with ink.part("hill"):
        ink.fill(blob([*top, (1.3, y + 0.2), (1.3, 1.3), (-0.3, 1.3), (-0.3, y + 0.2)]), colour)


def _tree(ink: Ink, x: float, foot: float, s: float, leaf: RGB) -> None:
    """A round tree."""
    with ink.part("tree"):
        ink.fill(limb([(x, foot), (x, foot - 0.14 * s)], 0.035 * s, 0.022 * s), _BARK)
    with ink.part("tree"):
        ink.fill(blob([(x - 0.10 * s, foot - 0.13 * s), (x - 0.115 * s, foot - 0.23 * s),
                       (x - 0.04 * s, foot - 0.32 * s), (x + 0.05 * s, foot - 0.31 * s),
                       (x + 0.115 * s, foot - 0.22 * s), (x + 0.095 * s, foot - 0.125 * s),
                       (x, foot - 0.10 * s)]), leaf)  # fmt: skip


def _fir(ink: Ink, x: float, foot: float, s: float, leaf: RGB) -> None:
    """A fir with snow on its boughs."""
    with ink.part("tree"):
        ink.fill(box(x - 0.012 * s, foot - 0.05 * s, x + 0.012 * s, foot), _BARK)
        for low, wide in ((0.04, 0.085), (0.11, 0.068), (0.18, 0.048)):
            ink.fill(poly([(x - wide * s, foot - low * s), (x, foot - (low + 0.13) * s),
                           (x + wide * s, foot - low * s)], 0.012 * s), leaf)  # fmt: skip
        ink.fill(poly([(x - 0.022 * s, foot - 0.255 * s), (x, foot - 0.31 * s),
                       (x + 0.022 * s, foot - 0.255 * s), (x, foot - 0.265 * s)], 0.008 * s),
                 _SNOW)  # fmt: skip


def _tufts(ink: Ink, look: Look, n: int, top: float, colour: RGB) -> None:
    """Tufts of grass, larger towards the front."""
    tufts = []
    for x, t in look.rng.random((n, 2)).tolist():
        y = top + (0.98 - top) * t
        s = 0.016 + 0.022 * t
        tufts.append(curve([(x - 0.6 * s, y - 0.7 * s), (x - 0.15 * s, y), (x, y - s),
                            (x + 0.15 * s, y), (x + 0.65 * s, y - 0.8 * s)]))  # fmt: skip
    ink.line(together(tufts), colour, 0.007)


def _waves(ink: Ink, look: Look, n: int, top: float, low: float, colour: RGB) -> None:
    """Small crests on the water, larger towards the front."""
    crests = []
    for x, t in look.rng.random((n, 2)).tolist():
        y, w = top + (low - top) * t, 0.025 + 0.05 * t
        crests.append(curve([(x - w, y), (x - w / 2, y - 0.009), (x, y), (x + w / 2, y - 0.009),
                             (x + w, y)]))  # fmt: skip
    ink.line(together(crests), colour, 0.007)


def _flowers(ink: Ink, look: Look, n: int, top: float) -> None:
    at = [(x, top + (0.98 - top) * t, t) for x, t in look.rng.random((n, 2)).tolist()]
    petals = [oval(x, y, 0.009 + 0.008 * t, 0.007 + 0.006 * t) for x, y, t in at]
    ink.fill(together(petals[::2]), mix(look.accent, WHITE, 0.2))
    ink.fill(together(petals[1::2]), mix(look.accent, WHITE, 0.65))
    ink.fill(together([oval(x, y, 0.003 + 0.003 * t) for x, y, t in at]), GOLD)


# --- the places ------------------------------------------------------------------------------


@_place("sky", (0.68, 0.95), horizon=(0.50, 0.58), phase=(0.0, 6.28))
def meadow(ink: Ink, look: Look) -> None:
    """Rolling hills under clouds."""
    horizon, phase = look.number("horizon"), look.number("phase")
    _sky(ink, look, 0.75)
    green = mix(_GRASS, look.second, 0.12)
    _ridge(ink, horizon - 0.06, 0.05, mix(green, look.second, 0.62), 0.9, phase)
    _ridge(ink, horizon, 0.045, mix(green, look.second, 0.36), 1.1, phase + 2.2)
    for i in range(2):
        x = 0.1 + 0.8 * float(look.rng.random())
        _tree(
            ink, x, horizon + 0.035 + 0.02 * i, 0.55, mix(darker(_GRASS, 0.28), look.second, 0.25)
        )
    _ridge(ink, horizon + 0.09, 0.022, green, 0.8, phase + 4.0)
    _tufts(ink, look, 9, horizon + 0.14, darker(green, 0.22))
    _flowers(ink, look, 10, horizon + 0.14)


@_place("sky", (0.74, 0.95), horizon=(0.42, 0.50), slope=(-0.03, 0.03))
def beach(ink: Ink, look: Look) -> None:
    """Sea and sand."""
    horizon, slope = look.number("horizon"), look.number("slope")
    _sky(ink, look, horizon + 0.02)
    sea = mix(_SEA, look.main, 0.35)
    shore = 0.63
    ink.wash(-0.1, horizon, 1.1, shore + 0.08, darker(sea, 0.10), lighter(sea, 0.45))
    _waves(ink, look, 6, horizon + 0.025, shore - 0.035, lighter(sea, 0.7))
    edge = [(i / 6, shore + slope * (i / 3 - 1) + 0.014 * sin(2.1 * i + 40 * slope))
            for i in range(-1, 8)]  # fmt: skip
    down = [(1.3, 1.3), (-0.3, 1.3)]
    ink.fill(blob([*[(x, y - 0.012) for x, y in edge], *down]), WHITE)
    sand = mix(_SAND, look.second, 0.2)
    ink.fill(blob([*[(x, y + 0.012) for x, y in edge], *down]), darker(sand, 0.16))
    with ink.part("sand"):
        ink.fill(blob([*[(x, y + 0.055) for x, y in edge], *down]), sand)
    ink.fill(together([oval(x, 0.74 + 0.25 * t, 0.004 + 0.004 * s, 0.003 + 0.002 * s)
                       for x, t, s in look.rng.random((16, 3)).tolist()]),
             darker(sand, 0.28))  # fmt: skip
    for x, t in look.rng.random((2, 2)).tolist():
        ink.fill(poly([*arc(x, 0.78 + 0.18 * t, 0.02, 0.018, 180, 360, 7)], 0.004),
                 mix(look.accent, CREAM, 0.6))  # fmt: skip


@_place("sky", (0.78, 0.95), horizon=(0.40, 0.47), land=(0.1, 0.9))
def harbour(ink: Ink, look: Look) -> None:
    """A quay by the water, a headland with a lighthouse."""
    horizon, land = look.number("horizon"), look.number("land")
    _sky(ink, look, horizon + 0.02)
    far = mix(oklch(0.66, 0.06, 165), look.second, 0.45)
    with ink.part("hill"):
        ink.fill(blob([(land - 0.38, horizon + 0.02), (land - 0.2, horizon - 0.06),
                       (land, horizon - 0.10), (land + 0.2, horizon - 0.05),
                       (land + 0.42, horizon + 0.02), (land, horizon + 0.06)]), far)  # fmt: skip
    with ink.part("tower"):
        ink.fill(poly([(land - 0.026, horizon - 0.08), (land - 0.018, horizon - 0.24),
                       (land + 0.018, horizon - 0.24), (land + 0.026, horizon - 0.08)], 0.004),
                 CREAM)  # fmt: skip
        band = mix(look.accent, look.second, 0.25)
        for y in (0.12, 0.185):
            ink.fill(box(land - 0.022, horizon - y, land + 0.022, horizon - y + 0.028), band)
        ink.fill(poly([(land - 0.024, horizon - 0.238), (land, horizon - 0.29),
                       (land + 0.024, horizon - 0.238)], 0.004), band)  # fmt: skip
    sea = mix(_SEA, look.main, 0.35)
    ink.wash(-0.1, horizon, 1.1, 0.76, mix(sea, look.second, 0.25), darker(sea, 0.18))
    _waves(ink, look, 9, horizon + 0.03, 0.69, lighter(sea, 0.55))
    stone = mix(_STONE, look.second, 0.15)
    with ink.part("quay"):
        ink.fill(box(-0.1, 0.70, 1.1, 1.1), stone)
    joints = []
    for row, y in enumerate((0.70, 0.745)):
        joints.append(curve([(-0.1, y + 0.045), (1.1, y + 0.045)]))
        for i in range(6):
            x = 0.2 * i + 0.1 * row - 0.05
            joints.append(curve([(x, y + 0.004), (x, y + 0.042)]))
    ink.line(together(joints), darker(stone, 0.3), 0.006)
    for x in (0.12 + 0.1 * land, 0.78 + 0.1 * land):
        with ink.part("bollard"):
            ink.fill(box(x - 0.017, 0.655, x + 0.017, 0.715, 0.008), darker(stone, 0.62))
            ink.fill(box(x - 0.027, 0.645, x + 0.027, 0.668, 0.01), darker(stone, 0.55))


_FACADES = (
    oklch(0.83, 0.06, 45), oklch(0.87, 0.055, 85), oklch(0.80, 0.045, 195),
    oklch(0.84, 0.04, 250), oklch(0.82, 0.05, 150), oklch(0.83, 0.05, 5),
)  # fmt: skip


@_place("sky", (0.74, 0.95), shift=(0.0, 0.2), first=(0.0, 5.99))
def street(ink: Ink, look: Look) -> None:
    """A row of houses, a pavement and a road."""
    _sky(ink, look, 0.6, clouds=1)
    rng, x = look.rng, -look.number("shift")
    pick = int(look.number("first"))
    while x < 1.0:
        wide, top = rng.uniform(0.20, 0.27), rng.uniform(0.18, 0.34)
        wall = mix(_FACADES[pick % 6], look.second, 0.22)
        roof = mix(oklch(0.60, 0.075, 35 if pick % 2 else 270), look.second, 0.25)
        pick += 1 + int(rng.integers(2))
        with ink.part("house"):
            ink.fill(box(x, top, x + wide, 0.70), wall)
        with ink.part("roof"):
            if rng.random() < 0.5:
                ink.fill(poly([(x - 0.01, top + 0.02), (x + wide / 2, top - 0.09),
                               (x + wide + 0.01, top + 0.02)], 0.012), roof)  # fmt: skip
            else:
                ink.fill(box(x - 0.012, top - 0.012, x + wide + 0.012, top + 0.024, 0.01), roof)
        glass = mix(GLASS, wall, 0.2)
        panes = [(x + k * wide, top + 0.055 + 0.105 * i) for k in (0.27, 0.73)
                 for i in range(int((0.55 - top) / 0.105))]  # fmt: skip
        ink.fill(together([box(a - 0.032, y - 0.004, a + 0.032, y + 0.062) for a, y in panes]),
                 lighter(wall, 0.6))  # fmt: skip
        ink.fill(
            together([box(a - 0.025, y + 0.002, a + 0.025, y + 0.055) for a, y in panes]), glass
        )
        ink.fill(box(x + 0.40 * wide, 0.58, x + 0.60 * wide, 0.70, 0.01),
                 mix(roof, look.accent, 0.3))  # fmt: skip
        x += wide
    path = mix(_STONE, look.second, 0.2)
    with ink.part("pavement"):
        ink.fill(box(-0.1, 0.685, 1.1, 0.80), path)
    slabs = [curve([(0.2 * i - 0.03, 0.69), (0.22 * i - 0.06, 0.765)]) for i in range(6)]
    ink.line(together(slabs), darker(path, 0.18), 0.005)
    ink.fill(box(-0.1, 0.765, 1.1, 0.785), darker(path, 0.25))
    road = mix(_ASPHALT, look.second, 0.1)
    with ink.part("road"):
        ink.fill(box(-0.1, 0.785, 1.1, 1.1), road)
    dashes = [box(a, 0.885, a + 0.15, 0.905) for a in (-0.05, 0.27, 0.59, 0.91)]
    ink.fill(together(dashes), lighter(road, 0.55))


@_place("sky", (0.70, 0.95), horizon=(0.54, 0.60), phase=(0.0, 6.28), peak=(0.15, 0.85))
def snow(ink: Ink, look: Look) -> None:
    """Mountains, firs, and snow."""
    horizon, phase, peak = look.number("horizon"), look.number("phase"), look.number("peak")
    _sky(ink, look, 0.75, clouds=1)
    rock = mix(oklch(0.62, 0.045, 265), look.second, 0.38)
    for k, (dx, up) in enumerate(((0.0, 0.36), (0.42, 0.27), (-0.40, 0.25))):
        x, y = peak + dx, horizon + 0.06 - up
        with ink.part("mountain"):
            ink.fill(poly([(x - 0.9 * up, horizon + 0.12), (x, y), (x + 0.9 * up, horizon + 0.12)],
                          0.03), lighter(rock, 0.15 * k))  # fmt: skip
        ink.fill(poly([(x - 0.37 * up, y + 0.42 * up), (x, y + 0.012),
                       (x + 0.37 * up, y + 0.42 * up), (x + 0.17 * up, y + 0.34 * up),
                       (x, y + 0.48 * up),
                       (x - 0.17 * up, y + 0.35 * up)], 0.014), _SNOW)  # fmt: skip
    white = mix(_SNOW, look.second, 0.22)
    _ridge(ink, horizon + 0.045, 0.03, darker(white, 0.10), 0.9, phase)
    fir = mix(oklch(0.50, 0.06, 165), look.second, 0.22)
    for x, t in look.rng.random((4, 2)).tolist():
        _fir(ink, x, horizon + 0.06 + 0.03 * t, 0.55 + 0.25 * t, fir)
    _ridge(ink, horizon + 0.115, 0.02, white, 0.7, phase + 2.5)
    drifts = [
        (x, horizon + 0.18 + (0.8 - horizon) * t) for x, t in look.rng.random((8, 2)).tolist()
    ]
    ink.line(together([curve([(x - 0.05, y), (x, y - 0.008), (x + 0.05, y)]) for x, y in drifts]),
             darker(white, 0.16), 0.006)  # fmt: skip


@_place("sky", (0.70, 0.95), horizon=(0.54, 0.58), bend=(0.25, 0.75))
def park(ink: Ink, look: Look) -> None:
    """Trees, a hedge, a lawn and a path."""
    horizon, bend = look.number("horizon"), look.number("bend")
    _sky(ink, look, 0.7, clouds=1)
    lawn = mix(oklch(0.80, 0.095, 138), look.second, 0.15)
    leaf = (oklch(0.66, 0.10, 145), oklch(0.72, 0.10, 120), oklch(0.70, 0.095, 75))
    rng = look.rng
    for i in range(5):
        x = 0.22 * i + 0.08 * float(rng.random()) + 0.02
        _tree(ink, x, horizon + 0.02, 0.9 + 0.35 * float(rng.random()),
              mix(leaf[int(rng.integers(3))], look.second, 0.28))  # fmt: skip
    hedge = mix(oklch(0.62, 0.09, 150), look.second, 0.2)
    with ink.part("hedge"):
        tops = [(x / 10, horizon - 0.035 - 0.012 * (x % 2)) for x in range(-1, 12)]
        ink.fill(blob([*tops, (1.2, horizon + 0.06), (-0.2, horizon + 0.06)]), hedge)
    with ink.part("lawn"):
        ink.fill(box(-0.1, horizon + 0.03, 1.1, 1.1), lawn)
    path = mix(_SAND, look.second, 0.25)
    mid = 0.5 + 0.4 * (0.5 - bend)
    ink.fill(blob([(bend, horizon + 0.028), (bend + 0.035, horizon + 0.04),
                   (0.5 * (bend + mid) + 0.10, 0.70), (mid + 0.22, 0.84), (mid + 0.36, 1.05),
                   (mid + 0.2, 1.3), (mid - 0.2, 1.3), (mid - 0.30, 1.05), (mid - 0.13, 0.84),
                   (0.5 * (bend + mid) - 0.07, 0.70), (bend - 0.035, horizon + 0.04)]),
             path)  # fmt: skip
    _tufts(ink, look, 8, horizon + 0.10, darker(lawn, 0.2))
    _flowers(ink, look, 8, horizon + 0.10)


def _boards(ink: Ink, top: float, wood: RGB, rows: int, rng: np.random.Generator) -> None:
    """Floor boards that narrow towards the wall."""
    with ink.part("floor"):
        ink.fill(box(-0.1, top, 1.1, 1.1), wood)
    dark, y = darker(wood, 0.2), top
    joints, grain = [], []
    for i in range(rows):
        step = 0.045 + 0.022 * i
        shift = rng.uniform(0.0, 0.4)
        joints.append(curve([(-0.1, y + step), (1.1, y + step)]))
        for x in (shift, shift + 0.45, shift + 0.85):
            joints.append(curve([(x, y + 0.003), (x, y + step)]))
            grain.append(curve([(x + 0.06, y + 0.5 * step), (x + 0.16, y + 0.42 * step),
                                (x + 0.28, y + 0.55 * step)]))  # fmt: skip
        y += step
    ink.line(together(joints), dark, 0.005)
    ink.line(together(grain), dark, 0.004, alpha=0.45)


@_place("wall", (0.76, 0.95), frame=(0.12, 0.88), paper=(0.0, 2.99), rug=(0.35, 0.65))
def room(ink: Ink, look: Look) -> None:
    """A papered wall, a picture, a skirting board, a wooden floor and a rug."""
    wall, frame = look.main, look.number("frame")
    ink.wash(-0.1, -0.1, 1.1, 0.7, lighter(wall, 0.16), wall)
    soft, paper = lighter(wall, 0.30), int(look.number("paper"))
    if paper == 0:
        ink.fill(together([box(0.125 * i - 0.03, -0.1, 0.125 * i + 0.025, 0.66) for i in range(9)]),
                 soft)  # fmt: skip
    elif paper == 1:
        dots = [oval(0.14 * i + 0.07 * (j % 2), 0.05 + 0.11 * j, 0.016)
                for j in range(6) for i in range(8)]  # fmt: skip
        ink.fill(together(dots), soft)
    else:
        with ink.part("panel"):
            ink.fill(box(-0.1, 0.42, 1.1, 0.68), soft)
        ink.line(together([curve([(0.16 * i, 0.43), (0.16 * i, 0.66)]) for i in range(7)]),
                 darker(soft, 0.14), 0.006)  # fmt: skip
    x = frame
    with ink.part("frame"):
        ink.fill(box(x - 0.105, 0.09, x + 0.105, 0.33, 0.01), mix(look.second, SHADE, 0.15))
    ink.fill(box(x - 0.082, 0.113, x + 0.082, 0.307), CREAM)
    ink.fill(oval(x + 0.03, 0.17, 0.026), mix(look.accent, CREAM, 0.25))
    with ink.clip(box(x - 0.082, 0.113, x + 0.082, 0.307)):
        ink.fill(oval(x - 0.05, 0.32, 0.10, 0.085), mix(look.accent, look.main, 0.6))
        ink.fill(oval(x + 0.07, 0.33, 0.10, 0.075), mix(look.second, look.main, 0.35))
    _boards(ink, 0.68, look.second, 5, look.rng)
    rug, mid = mix(look.accent, CREAM, 0.42), look.number("rug")
    with ink.part("rug"):
        ink.fill(oval(mid, 0.875, 0.40, 0.085), rug)
    ink.line(oval(mid, 0.875, 0.345, 0.066), lighter(rug, 0.5), 0.010)
    with ink.part("skirting"):
        ink.fill(box(-0.1, 0.645, 1.1, 0.69, 0.004), lighter(wall, 0.72))


@_place("wall", (0.78, 0.95), window=(0.15, 0.85), edge=(0.60, 0.66))
def kitchen(ink: Ink, look: Look) -> None:
    """A tiled wall, a window, and a wooden table in front."""
    wall, edge, rng = mix(look.main, CREAM, 0.35), look.number("edge"), look.rng
    ink.wash(-0.1, -0.1, 1.1, edge, lighter(wall, 0.25), wall)
    joint = darker(wall, 0.13)
    tiles = [curve([(-0.1, 0.02 + 0.1 * j), (1.1, 0.02 + 0.1 * j)]) for j in range(7)]
    tiles += [curve([(0.17 * i + 0.05, -0.1), (0.17 * i + 0.05, 0.7)]) for i in range(-1, 7)]
    ink.line(together(tiles), joint, 0.005)
    x = look.number("window")
    with ink.part("window"):
        ink.fill(box(x - 0.17, 0.05, x + 0.17, 0.39, 0.012), lighter(wall, 0.75))
    ink.wash(x - 0.145, 0.075, x + 0.145, 0.365, GLASS, lighter(GLASS, 0.55))
    with ink.clip(box(x - 0.145, 0.075, x + 0.145, 0.365)):
        ink.fill(oval(x - 0.07, 0.39, 0.16, 0.09), mix(_GRASS, CREAM, 0.35))
        ink.fill(oval(x + 0.12, 0.40, 0.14, 0.08), mix(_GRASS, CREAM, 0.2))
    ink.fill(box(x - 0.008, 0.07, x + 0.008, 0.37), lighter(wall, 0.75))
    ink.fill(box(x - 0.15, 0.215, x + 0.15, 0.229), lighter(wall, 0.75))
    wood = look.second
    with ink.part("table"):
        ink.fill(box(-0.1, edge, 1.1, 1.1), wood)
    ink.wash(-0.1, edge, 1.1, 1.1, lighter(wood, 0.22), wood)
    dark = darker(wood, 0.22)
    # Planks run to the front, so their joints spread.
    ink.line(together([curve([(a, edge), (0.5 + 1.5 * (a - 0.5), 1.1)])
                       for a in (0.02, 0.34, 0.66, 0.98)]), dark, 0.006)  # fmt: skip
    grain = []
    for a, t, s in rng.random((14, 3)).tolist():
        y = edge + 0.03 + (0.9 - edge) * t
        b = 0.5 + (a * 1.2 - 0.6) * (1 + (y - edge) * 1.2)
        grain.append(curve([(b, y), (b + 0.012 * (b - 0.5), y + 0.03 + 0.03 * s),
                            (b + 0.05 * (b - 0.5), y + 0.08 + 0.07 * s)]))  # fmt: skip
    ink.line(together(grain), dark, 0.004, alpha=0.55)
    ink.fill(box(-0.1, edge - 0.006, 1.1, edge + 0.012), lighter(wood, 0.4))


BACKGROUNDS: tuple[str, ...] = tuple(_PLACES)
