"""Things of the house. Mug, jug, teapot, basket and watering can share a handle."""

from __future__ import annotations

from matplotlib.path import Path

from camkit.world.ink import Ink, blob, box, curve, oval, poly, together
from camkit.world.palette import (
    CLAY,
    COFFEE,
    CREAM,
    GOLD,
    INK,
    LEAF,
    METAL,
    RGB,
    ROSE,
    WHITE,
    WOOD,
    darker,
    lighter,
    mix,
)
from camkit.world.sprites import Look, sprite

APPLE = mix(LEAF, GOLD, 0.5)

# Points are kept in rows, in the order in which they are drawn.
# fmt: off


def handle(ink: Ink, points: list[tuple[float, float]], colour: RGB, width: float) -> None:
    """A round bow through `points` that a hand can hold."""
    with ink.part("handle"):
        ink.line(curve(points), colour, width)


def pattern(ink: Ink, shape: Path, kind: str, colour: RGB, x: float, y: float) -> None:
    """A band, dots or a heart painted on the vessel `shape` about `(x, y)`."""
    with ink.clip(shape):
        if kind == "band":
            ink.fill(box(0.0, y - 0.07, 1.0, y + 0.04), colour)
            ink.fill(box(0.0, y + 0.075, 1.0, y + 0.10), colour)
        if kind == "dots":
            dots = [oval(x + 0.16 * (i - 1.5) + 0.08 * (j % 2), y + 0.13 * j, 0.034)
                    for i in range(4) for j in (-1, 0, 1)]
            ink.fill(together(dots), colour)
        if kind == "heart":
            ink.fill(blob([(x, y - 0.06), (x + 0.06, y - 0.11), (x + 0.12, y - 0.05), (x, y + 0.11),
                           (x - 0.12, y - 0.05), (x - 0.06, y - 0.11)]), colour)


_PATTERNS = ("plain", "band", "dots", "heart")


@sprite(
    "mug", colours="glaze", parts=("handle", "opening"), home="kitchen",
    words={"pattern": _PATTERNS, "shape": ("straight", "round"),
           "drink": ("steaming coffee", "coffee", "milk", "none")},
    numbers={"top": (0.0, 0.08), "wide": (-0.02, 0.03)},
)
def mug(ink: Ink, look: Look) -> None:
    """A mug, full or empty; its steam is seen but is no part of it."""
    glaze, top, w = look.main, 0.24 + look.number("top"), look.number("wide")
    right, belly = 0.69 + w, 0.05 if look.word("shape") == "round" else -0.01
    middle = top + 0.34
    handle(ink, [(right - 0.04, top + 0.13), (right + 0.13, top + 0.11),
                 (right + 0.22, middle - 0.05),
                 (right + 0.16, middle + 0.11), (right - 0.04, middle + 0.15)], glaze, 0.085)
    body = blob([(0.06, top), (0.38, top - 0.02), (right, top), (right + belly, middle),
                 (right - 0.045, 0.87), (0.58, 0.925), (0.38, 0.935), (0.18, 0.925),
                 (0.10, 0.87), (0.06 - 0.5 * belly, middle)])
    with ink.part("body"):
        ink.fill(body, glaze)
        pattern(ink, body, look.word("pattern"), look.second, 0.37, middle + 0.06)
    with ink.part("body"):
        ink.fill(oval(0.375 + w / 2, top, 0.325 + w / 2, 0.068), lighter(glaze, 0.25))
    drink = look.word("drink")
    inside = {"milk": WHITE, "none": darker(glaze, 0.45)}.get(drink, COFFEE)
    with ink.part("opening"):
        ink.fill(oval(0.375 + w / 2, top + 0.01, 0.275 + w / 2, 0.047), inside)
        ink.fill(oval(0.30, top + 0.002, 0.10, 0.014), lighter(inside, 0.25), alpha=0.6)
    if drink == "steaming coffee":
        with ink.aside():
            for x in (0.29, 0.44):
                ink.line(curve([(x, top - 0.04), (x + 0.03, top - 0.09), (x - 0.02, top - 0.14),
                                (x + 0.02, top - 0.20)]), WHITE, 0.028, alpha=0.55)


@sprite(
    "jug", colours="glaze", parts=("handle", "lip"), home="kitchen",
    words={"pattern": _PATTERNS, "shape": ("pitcher", "ewer")},
    numbers={"waist": (0.0, 0.05), "belly": (0.0, 0.03)},
)
def jug(ink: Ink, look: Look) -> None:
    """A tall jug that pours to the left."""
    glaze, waist, belly = look.main, look.number("waist"), look.number("belly")
    low = 0.66 if look.word("shape") == "ewer" else 0.54
    handle(ink, [(0.61, 0.155), (0.76, 0.13), (0.86, 0.24), (0.84, 0.42), (0.70, 0.56)],
           darker(glaze, 0.08), 0.075)
    body = blob([(0.30, 0.12), (0.62, 0.12), (0.59 - waist, 0.29), (0.70 + belly, low),
                 (0.74 + belly, low + 0.13), (0.66, 0.90), (0.46, 0.935), (0.26, 0.90),
                 (0.18 - belly, low + 0.13), (0.22 - belly, low), (0.33 + waist, 0.29)])
    with ink.part("body"):
        ink.fill(body, glaze)
        pattern(ink, body, look.word("pattern"), look.second, 0.46, 0.66)
    with ink.part("lip"):
        ink.fill(blob([(0.15, 0.085), (0.30, 0.075), (0.48, 0.07), (0.645, 0.115), (0.60, 0.18),
                       (0.42, 0.195), (0.30, 0.20)]), lighter(glaze, 0.2))
        ink.fill(blob([(0.205, 0.098), (0.32, 0.095), (0.48, 0.095), (0.60, 0.125), (0.54, 0.155),
                       (0.40, 0.16), (0.30, 0.15)]), darker(glaze, 0.45))


@sprite(
    "teapot", colours="glaze", parts=("handle", "spout", "lid"), home="kitchen",
    words={"pattern": _PATTERNS, "shape": ("round", "tall")},
    numbers={"spout": (-0.04, 0.05), "knob": (0.0, 0.015)},
)
def teapot(ink: Ink, look: Look) -> None:
    """A pot-bellied teapot with a lid, its spout to the left."""
    glaze, rise = look.main, look.number("spout")
    top = 0.26 if look.word("shape") == "tall" else 0.36
    handle(ink, [(0.70, top + 0.12), (0.85, top + 0.07), (0.94, 0.56), (0.88, 0.71), (0.72, 0.77)],
           darker(glaze, 0.08), 0.075)
    with ink.part("spout"):
        ink.fill(blob([(0.33, 0.62), (0.21, 0.60), (0.155, 0.50 - rise), (0.04, 0.43 - rise),
                       (0.02, 0.48 - rise), (0.075, 0.57), (0.13, 0.74), (0.32, 0.82)]),
                 darker(glaze, 0.08))
        ink.fill(oval(0.035, 0.453 - rise, 0.03, 0.016, 65), darker(glaze, 0.6))
    body = blob([(0.32, top + 0.03), (0.50, top), (0.68, top + 0.03), (0.80, 0.56), (0.79, 0.74),
                 (0.66, 0.915), (0.50, 0.935), (0.34, 0.915), (0.21, 0.74), (0.20, 0.56)])
    with ink.part("body"):
        ink.fill(box(0.34, 0.88, 0.66, 0.945, 0.02), darker(glaze, 0.25))
        ink.fill(body, glaze)
        pattern(ink, body, look.word("pattern"), look.second, 0.50, 0.66)
    with ink.part("lid"):
        ink.fill(blob([(0.31, top + 0.06), (0.36, top - 0.02), (0.50, top - 0.075),
                       (0.64, top - 0.02), (0.69, top + 0.06), (0.50, top + 0.085)]),
                 lighter(glaze, 0.15))
        ink.line(curve([(0.36, top + 0.018), (0.50, top + 0.035), (0.64, top + 0.018)]),
                 look.second, 0.022)
    with ink.part("lid"):
        ink.fill(oval(0.50, top - 0.10, 0.052 + look.number("knob"), 0.048), look.accent)


@sprite(
    "basket", colours="wood", parts=("handle", "rim", "content"), home="meadow",
    words={"content": ("empty", "apples", "bread"), "shape": ("wide", "deep")},
    numbers={"bow": (0.0, 0.08), "lean": (0.0, 0.04)},
)
def basket(ink: Ink, look: Look) -> None:
    """A woven basket with a bow to carry it by."""
    wicker, pale, lean = look.main, look.second, look.number("lean")
    top, bow = (0.53 if look.word("shape") == "wide" else 0.45), 0.10 + look.number("bow")
    handle(ink, [(0.13, top + 0.05), (0.17, 0.5 * (top + bow) - 0.05), (0.32, bow + 0.03),
                 (0.50, bow), (0.68, bow + 0.03), (0.83, 0.5 * (top + bow) - 0.05),
                 (0.87, top + 0.05)], darker(wicker, 0.12), 0.06)
    with ink.part("rim"):
        ink.fill(oval(0.50, top, 0.43, 0.075), darker(wicker, 0.5))
    if look.word("content") == "apples":
        for i, (x, y) in enumerate(((0.39, -0.075), (0.62, -0.08), (0.25, -0.03), (0.51, -0.02),
                                    (0.76, -0.03))):
            with ink.part("content"):
                ink.fill(oval(x, top + y, 0.108), mix(ROSE, CLAY, 0.6) if i % 2 else APPLE)
                ink.line(curve([(x, top + y - 0.075), (x + 0.02, top + y - 0.125)]), COFFEE, 0.018)
    if look.word("content") == "bread":
        for x, tilt in ((0.33, -62), (0.70, -112), (0.52, -78)):
            with ink.part("content"):
                ink.fill(oval(x, top - 0.05, 0.20, 0.085, tilt), mix(GOLD, WOOD, 0.6))
                for y in (-0.13, -0.06):
                    ink.line(curve([(x - 0.035, top + y), (x + 0.04, top + y - 0.035)]), CREAM,
                             0.02)
    body = poly([(0.08, top), (0.92, top), (0.84 - lean, 0.935), (0.16 + lean, 0.935)], 0.06)
    with ink.part("body"):
        ink.fill(body, wicker)
        with ink.clip(body):
            weave = [oval(0.10 + 0.20 * column + 0.10 * (row % 2), top + 0.085 + 0.093 * row,
                          0.088, 0.038) for row in range(5) for column in range(5)]
            ink.fill(together(weave), mix(wicker, pale, 0.75))
    with ink.part("rim"):
        ink.line(curve([(0.085, top + 0.01), (0.28, top + 0.05), (0.50, top + 0.06),
                        (0.72, top + 0.05), (0.915, top + 0.01)]), pale, 0.06)
        twists = []
        for i in range(8):
            x = 0.14 + 0.103 * i
            y = top + 0.06 - 0.24 * (x - 0.5) ** 2
            twists.append(curve([(x - 0.02, y - 0.022), (x + 0.02, y + 0.016)]))
        ink.line(together(twists), darker(pale, 0.3), 0.012)


@sprite(
    "watering can", colours="paint", parts=("handle", "spout", "rose"), home="park",
    words={"shape": ("round", "conical"), "band": ("yes", "no")},
    numbers={"spout": (-0.04, 0.05), "arch": (0.0, 0.05)},
)
def watering_can(ink: Ink, look: Look) -> None:
    """A watering can, its spout to the left."""
    paint, rise, arch = look.main, look.number("spout"), look.number("arch")
    neck = 0.43 if look.word("shape") == "conical" else 0.37
    handle(ink, [(0.62, 0.46), (0.60, 0.30 - arch), (0.74, 0.20 - arch), (0.89, 0.28 - arch / 2),
                 (0.955, 0.46), (0.91, 0.64), (0.82, 0.76)], darker(paint, 0.12), 0.06)
    with ink.part("spout"):
        ink.fill(poly([(0.45, 0.62), (0.45, 0.83), (0.33, 0.74), (0.105, 0.375 - rise),
                       (0.165, 0.335 - rise)], 0.03), darker(paint, 0.12))
    with ink.part("rose"):
        ink.fill(poly([(0.165, 0.30 - rise), (0.19, 0.355 - rise), (0.12, 0.425 - rise),
                       (0.015, 0.34 - rise), (0.055, 0.255 - rise)], 0.02), look.accent)
        for x, y in ((0.055, 0.335), (0.08, 0.30), (0.095, 0.35)):
            ink.fill(oval(x, y - rise, 0.011), INK)
    body = poly([(neck, 0.44), (1.25 - neck, 0.44), (0.87, 0.935), (0.38, 0.935)], 0.05)
    with ink.part("body"):
        ink.fill(body, paint)
        with ink.clip(body):
            if look.word("band") == "yes":
                ink.fill(box(0.0, 0.60, 1.0, 0.72), look.second)
            ink.fill(box(0.0, 0.875, 1.0, 1.0), darker(paint, 0.3))
    with ink.part("body"):
        ink.fill(oval(0.625, 0.445, 0.625 - neck, 0.052), lighter(paint, 0.25))
        ink.fill(oval(0.625, 0.45, 0.58 - neck, 0.034), darker(paint, 0.6))
        ink.fill(blob([(0.65, 0.40), (0.80, 0.40), (1.24 - neck, 0.445), (0.78, 0.50),
                       (0.66, 0.50)]), lighter(paint, 0.2))


@sprite(
    "lamp", colours="paint", parts=("shade", "stem", "base"), home="room",
    words={"base": ("vase", "stick", "ball"), "shade": ("bell", "cone", "drum")},
    numbers={"drop": (0.0, 0.06), "wide": (-0.03, 0.03)},
)
def lamp(ink: Ink, look: Look) -> None:
    """A table lamp, lit; its cord is seen but is no part of it."""
    cloth, trim, drop, w = look.main, look.second, look.number("drop"), look.number("wide")
    foot = darker(look.accent, 0.15)
    low = 0.50 + drop
    with ink.aside():
        ink.line(curve([(0.70, 0.915), (0.82, 0.925), (0.90, 0.90), (0.97, 0.925)]), INK, 0.014)
    with ink.part("stem"):
        ink.fill(box(0.474, low - 0.06, 0.526, 0.90, 0.012), METAL)
    with ink.part("base"):
        if look.word("base") == "vase":
            ink.fill(blob([(0.43, low + 0.07), (0.57, low + 0.07), (0.56, low + 0.13), (0.67, 0.75),
                           (0.63, 0.87), (0.50, 0.91), (0.37, 0.87), (0.33, 0.75),
                           (0.44, low + 0.13)]), foot)
        if look.word("base") == "ball":
            for y, r in ((0.83, 0.105), (0.70, 0.08), (0.61 + drop / 2, 0.055)):
                ink.fill(oval(0.50, y, r, 0.88 * r), foot)
    with ink.part("base"):
        ink.fill(blob([(0.30, 0.93), (0.32, 0.885), (0.50, 0.865), (0.68, 0.885), (0.70, 0.93),
                       (0.50, 0.94)]), darker(foot, 0.1))
    left, top = {"bell": (0.31, 0.08), "cone": (0.375, 0.07), "drum": (0.21, 0.13)}[
        look.word("shade")]
    side = 0.115 - w if look.word("shade") != "drum" else 0.165 - w
    if look.word("shade") == "bell":
        shade = blob([(left, top), (0.50, top - 0.02), (1 - left, top), (0.76, 0.28),
                      (1 - side, low - 0.03), (0.94 - side, low), (0.50, low + 0.02),
                      (0.06 + side, low), (side, low - 0.03), (0.24, 0.28)])
    else:
        shade = poly([(left, top), (1 - left, top), (1 - side, low), (side, low)], 0.04)
    with ink.part("shade"):
        ink.fill(shade, cloth)
        with ink.clip(shade):
            for r, alpha in ((0.34, 0.25), (0.24, 0.3), (0.15, 0.3)):
                ink.fill(oval(0.50, low + 0.02, r, 0.85 * r), lighter(GOLD, 0.55), alpha=alpha)
            ink.fill(box(0.0, low - 0.05, 1.0, low + 0.03), trim)
            ink.fill(box(0.0, 0.0, 1.0, top + 0.035), trim)


@sprite(
    "umbrella", colours="paint", parts=("canopy", "stick", "handle"), home="beach",
    words={"cloth": ("plain", "two-tone", "rim"), "shape": ("flat", "deep")},
    numbers={"tilt": (-14.0, 14.0), "bend": (0.0, 0.04)},
)
def umbrella(ink: Ink, look: Look) -> None:
    """An open umbrella; below its canopy a box holds mostly air."""
    cloth, other, top = look.main, look.second, 0.10 if look.word("shape") == "deep" else 0.18
    with ink.moved(0.50, 0.50, 0.95, look.number("tilt")), ink.moved(-0.5, -0.5):
        with ink.part("stick"):
            ink.line(curve([(0.50, top - 0.06), (0.50, 0.84)]), METAL, 0.034)
        bend = look.number("bend")
        handle(ink, [(0.50, 0.78), (0.50, 0.87), (0.545, 0.945), (0.62 + bend, 0.935),
                     (0.645 + bend, 0.865)], darker(WOOD, 0.3), 0.055)
        hems = [0.03, 0.215, 0.405, 0.595, 0.785, 0.97]
        low = [0.55, 0.53, 0.52, 0.52, 0.53, 0.55]
        for i in range(5):
            x0, x1, y0, y1 = hems[i], hems[i + 1], low[i], low[i + 1]
            a, b = 0.5 + 0.72 * (x0 - 0.5), 0.5 + 0.72 * (x1 - 0.5)
            rise = top + 0.11
            lift = [0.06, 0.02, 0.0, 0.0, 0.02, 0.06]
            panel = blob([(0.49 + 0.005 * i, top), (b, rise + lift[i + 1]), (x1, y1),
                          (0.5 * (x0 + x1), 0.5 * (y0 + y1) - 0.045), (x0, y0),
                          (a, rise + lift[i])])
            with ink.part("canopy"):
                turn = look.word("cloth") == "two-tone" and i % 2
                ink.fill(panel, other if turn else cloth)
                with ink.clip(panel):
                    if look.word("cloth") == "rim":
                        ink.line(curve([(x0, y0 - 0.02), (0.5 * (x0 + x1), 0.46), (x1, y1 - 0.02)]),
                                 other, 0.05)
