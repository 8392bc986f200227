"""Potted plants, which share a pot, and what grows and lies about outdoors."""

from __future__ import annotations

from math import cos, radians, sin

from camkit.world.ink import Ink, arc, blob, box, curve, limb, oval, poly, together
from camkit.world.palette import (
    CREAM,
    GOLD,
    LEAF,
    RGB,
    WHITE,
    darker,
    lighter,
    mix,
)
from camkit.world.sprites import Look, sprite

# Points are kept in rows, in the order in which they are drawn.
# fmt: off


def pot(ink: Ink, kind: str, glaze: RGB, top: float, wide: float) -> None:
    """A flower pot with earth in it; `kind` is plain, banded or footed."""
    left, right, low = 0.5 - wide, 0.5 + wide, 0.36 * wide
    with ink.part("pot"):
        if kind == "footed":
            ink.fill(box(0.5 - 0.5 * wide, 0.88, 0.5 + 0.5 * wide, 0.94, 0.015), darker(glaze, 0.3))
        body = poly([(left + 0.03, top + 0.04), (right - 0.03, top + 0.04), (right - low, 0.935),
                     (left + low, 0.935)], 0.045)
        ink.fill(body, glaze)
        if kind == "banded":
            with ink.clip(body):
                ink.fill(box(0.0, top + 0.16, 1.0, top + 0.21), lighter(glaze, 0.6))
    with ink.part("pot"):
        ink.fill(box(left, top, right, top + 0.085, 0.03), lighter(glaze, 0.08))


def leaf(ink: Ink, x: float, y: float, angle: float, long: float, wide: float, colour: RGB) -> None:
    """A pointed leaf of `long`, growing from `(x, y)`; 0 degrees is straight up."""
    with ink.moved(x, y, long, angle):
        w = wide / long
        ink.fill(blob([(0.0, 0.02), (-0.55 * w, -0.25), (-0.5 * w, -0.62), (0.0, -1.0),
                       (0.5 * w, -0.62), (0.55 * w, -0.25)]), colour)
        ink.line(curve([(0.0, -0.06), (0.02 * w, -0.45), (0.0, -0.86)]), darker(colour, 0.25),
                 0.022)


_POTS = ("plain", "banded", "footed")


@sprite(
    "plant", colours="green", parts=("pot", "leaf"), home="room",
    words={"leaf": ("broad", "blades", "round"), "pot": _POTS},
    numbers={"top": (0.0, 0.06), "wide": (0.23, 0.28)},
)
def plant(ink: Ink, look: Look) -> None:
    """A leafy plant in a pot."""
    green, kind, top = look.main, look.word("leaf"), 0.60 + look.number("top")
    angles = {"broad": (-78, 78, -48, 50, -20, 24, 2), "round": (-54, 54, -25, 28, 2),
              "blades": (-72, 72, -52, 50, -34, 33, -15, 16, 0)}[kind]
    for i, angle in enumerate(angles):
        bend, tint = float(angle + look.rng.uniform(-5, 5)), darker(green, 0.30 - 0.045 * i)
        a = radians(bend)
        x, y = 0.5 + 0.10 * sin(a), top + 0.02
        with ink.part("leaf"):
            if kind == "broad":
                leaf(ink, x, y, bend, 0.50 - 0.08 * abs(sin(a)), 0.20, tint)
            elif kind == "blades":
                leaf(ink, x, y, bend, 0.56 - 0.10 * abs(sin(a)), 0.11, tint)
            else:
                long = 0.30 + 0.05 * (i % 2)
                x1, y1 = x + long * sin(a), y - long * cos(a)
                ink.line(curve([(x, y), (x + 0.4 * long * sin(a), y - 0.6 * long * cos(a)),
                                (x1, y1)]), darker(green, 0.2), 0.024)
                ink.fill(oval(x1, y1, 0.14, 0.135, 0.5 * bend), tint)
                ink.line(curve([(x1, y1 + 0.09), (x1 + 0.005, y1 - 0.02)]), darker(tint, 0.25),
                         0.012)
    pot(ink, look.word("pot"), look.second, top, look.number("wide"))


def spines(ink: Ink, points: list[tuple[float, float]], colour: RGB) -> None:
    """Little pale crosses where a cactus is to be left alone."""
    strokes = [curve([(x - 0.018, y - rise), (x + 0.018, y + rise)])
               for x, y in points for rise in (-0.012, 0.012)]
    ink.line(together(strokes), colour, 0.009)


@sprite(
    "cactus", colours="green", parts=("pot", "arm", "bud"), home="beach",
    words={"shape": ("armed", "ball", "paddles"), "bud": ("none", "bud"), "pot": _POTS},
    numbers={"top": (0.0, 0.05), "wide": (0.22, 0.27), "arm": (0.0, 0.09)},
)
def cactus(ink: Ink, look: Look) -> None:
    """A cactus in a pot."""
    green, shape, top = look.main, look.word("shape"), 0.63 + look.number("top")
    pale, arm, crown = lighter(green, 0.45), look.number("arm"), 0.10
    if shape == "armed":
        with ink.part("arm"):
            ink.line(curve([(0.46, 0.52 - arm), (0.28, 0.52 - arm), (0.235, 0.45 - arm),
                            (0.23, 0.32 - arm)]), darker(green, 0.1), 0.115)
        with ink.part("arm"):
            ink.line(curve([(0.54, 0.43 + arm), (0.72, 0.43 + arm), (0.765, 0.36 + arm),
                            (0.77, 0.24 + arm)]), darker(green, 0.1), 0.115)
        with ink.part("body"):
            trunk = limb([(0.50, top + 0.05), (0.50, 0.45), (0.50, 0.20)], 0.20, 0.19)
            ink.fill(trunk, green)
            for x in (0.45, 0.55):
                ink.line(curve([(x, 0.22), (x, top)]), darker(green, 0.25), 0.013)
            spines(ink, [(0.50, 0.24), (0.50, 0.38), (0.50, 0.52)], pale)
    elif shape == "ball":
        crown = 0.24
        with ink.part("body"):
            ball = oval(0.50, 0.47, 0.28, 0.24)
            ink.fill(ball, green)
            for r in (0.07, 0.18):
                ink.line(oval(0.50, 0.47, r, 0.235), darker(green, 0.28), 0.016)
            spines(ink, [(0.50, 0.33), (0.50, 0.47), (0.375, 0.42), (0.625, 0.42), (0.275, 0.50),
                         (0.725, 0.50), (0.42, 0.58), (0.58, 0.58)], pale)
    else:
        for x, y, rx, ry, tilt, tint in ((0.31, 0.32, 0.115, 0.17, -28, 0.14),
                                         (0.69, 0.29, 0.12, 0.175, 26, 0.08)):
            with ink.part("arm"):
                ink.fill(oval(x, y - arm / 3, rx, ry, tilt), darker(green, tint))
                spines(ink, [(x - 0.03, y - 0.06), (x + 0.03, y + 0.02)], pale)
        crown = 0.30
        with ink.part("body"):
            ink.fill(oval(0.50, 0.50, 0.165, 0.22), green)
            spines(ink, [(0.46, 0.38), (0.55, 0.43), (0.45, 0.50), (0.55, 0.56)], pale)
    if look.word("bud") == "bud":
        with ink.part("bud"):
            for angle in (-45, 45, 0):
                leaf(ink, 0.5, crown + 0.03, angle, 0.12, 0.085, look.accent)
    pot(ink, look.word("pot"), look.second, top, look.number("wide"))


@sprite("mushroom", colours="paint", role="distractor", parts=("cap",), share=(0.10, 0.18),
        home="meadow", numbers={"cap": (0.36, 0.46)})
def mushroom(ink: Ink, look: Look) -> None:
    """A toadstool with spots."""
    r = look.number("cap")
    with ink.part("body"):
        ink.fill(blob([(0.41, 0.45), (0.59, 0.45), (0.61, 0.70), (0.67, 0.92), (0.33, 0.92),
                       (0.39, 0.70)]), CREAM)
    with ink.part("cap"):
        cap = blob([(0.5 - r, 0.50), (0.52 - 0.8 * r, 0.27), (0.50, 0.10), (0.48 + 0.8 * r, 0.27),
                    (0.5 + r, 0.50), (0.50, 0.58)])
        ink.fill(cap, look.main)
        with ink.clip(cap):
            for x, y, s in ((0.34, 0.32, 0.07), (0.55, 0.22, 0.06), (0.68, 0.42, 0.075),
                            (0.47, 0.46, 0.06), (0.20, 0.48, 0.05)):
                ink.fill(oval(x, y, s, 0.8 * s), WHITE)


@sprite("flower", colours="paint", role="distractor", share=(0.10, 0.19), home="meadow",
        words={"petals": ("five", "eight")}, numbers={"lean": (-0.06, 0.06)})
def flower(ink: Ink, look: Look) -> None:
    """A single bloom on its stalk."""
    n, x, lean = (5 if look.word("petals") == "five" else 8), 0.5, look.number("lean")
    stalk = darker(LEAF, 0.1)
    ink.line(curve([(x, 0.93), (x - lean, 0.66), (x + lean, 0.36)]), stalk, 0.05)
    ink.fill(oval(0.37, 0.76, 0.13, 0.055, 30), stalk)
    ink.fill(oval(0.63, 0.70, 0.13, 0.055, -30), stalk)
    with ink.part("body"):
        for px, py in arc(x + lean, 0.30, 0.17, 0.17, -90, 270 - 360 / n, n):
            ink.fill(oval(px, py, 0.115 if n == 5 else 0.085), look.main)
    with ink.part("body"):
        ink.fill(oval(x + lean, 0.30, 0.105), look.accent)


@sprite("leaf", colours="green", role="distractor", share=(0.08, 0.15), home="park", stands=False,
        words={"season": ("summer", "autumn")}, numbers={"tilt": (-60.0, 60.0)})
def falling_leaf(ink: Ink, look: Look) -> None:
    """A falling leaf."""
    colour = look.main if look.word("season") == "summer" else mix(look.accent, GOLD, 0.6)
    with ink.moved(0.5, 0.5, 0.85, look.number("tilt")):
        ink.line(curve([(0.0, 0.48), (0.02, 0.30), (0.0, 0.1)]), darker(colour, 0.3), 0.05)
        ink.fill(blob([(0.0, 0.38), (-0.20, 0.25), (-0.29, 0.0), (-0.18, -0.25), (0.0, -0.46),
                       (0.18, -0.25), (0.29, 0.0), (0.20, 0.25)]), colour)
        ink.line(curve([(0.0, 0.34), (0.0, -0.34)]), darker(colour, 0.28), 0.025)
        for y in (0.18, 0.0, -0.18):
            ink.line(curve([(-0.17, y - 0.10), (0.0, y), (0.17, y - 0.10)]), darker(colour, 0.28),
                     0.016)


@sprite("pebbles", colours="stone", role="distractor", share=(0.12, 0.20), home="beach")
def pebbles(ink: Ink, look: Look) -> None:
    """Three pebbles."""
    for x, y, rx, ry, c in ((0.66, 0.76, 0.26, 0.17, look.second),
                            (0.30, 0.78, 0.24, 0.15, look.main),
                            (0.49, 0.86, 0.17, 0.085, darker(look.main, 0.2))):
        with ink.part("body"):
            ink.fill(oval(x, y, rx, ry, float(look.rng.uniform(-8, 8))), c)


@sprite("shell", colours="glaze", role="distractor", share=(0.09, 0.16), home="beach")
def shell(ink: Ink, look: Look) -> None:
    """A scallop shell."""
    fan = blob([(0.42, 0.88), (0.14, 0.62), (0.08, 0.42), (0.22, 0.24), (0.40, 0.17), (0.60, 0.17),
                (0.78, 0.24), (0.92, 0.42), (0.86, 0.62), (0.58, 0.88)])
    ink.fill(poly([(0.34, 0.78), (0.66, 0.78), (0.70, 0.92), (0.30, 0.92)], 0.04),
             darker(look.main, 0.15))
    ink.fill(fan, look.main)
    with ink.clip(fan):
        for x, y in arc(0.5, 0.52, 0.44, 0.40, 190, 350, 7):
            ink.line(curve([(0.5, 0.86), (x, y)]), darker(look.main, 0.25), 0.022)
        ink.line(curve(arc(0.5, 0.55, 0.37, 0.30, 180, 360, 9)), look.second, 0.04, alpha=0.7)


@sprite("starfish", colours="paint", role="distractor", share=(0.10, 0.17), home="beach",
        stands=False, numbers={"turn": (0.0, 72.0)})
def starfish(ink: Ink, look: Look) -> None:
    """A soft star of five arms."""
    outer = arc(0.0, 0.0, 0.43, 0.43, -90, 198, 5)
    inner = arc(0.0, 0.0, 0.19, 0.19, -54, 234, 5)
    with ink.moved(0.5, 0.5, 1.0, look.number("turn")):
        body = blob([p for pair in zip(outer, inner, strict=True) for p in pair])
        ink.fill(body, look.main)
        dots = [oval(s * x, s * y, 0.026) for x, y in outer for s in (0.25, 0.5, 0.72)]
        with ink.clip(body):
            ink.fill(together(dots), lighter(look.main, 0.55))


@sprite("rock", colours="stone", role="occluder", share=(0.26, 0.40), home="beach",
        words={"moss": ("yes", "no")})
def rock(ink: Ink, look: Look) -> None:
    """A boulder and a smaller one leaning on it."""
    stones = (blob([(0.05, 0.92), (0.08, 0.64), (0.26, 0.44), (0.52, 0.36), (0.74, 0.46),
                    (0.86, 0.68), (0.88, 0.92), (0.48, 0.945)]),
              blob([(0.60, 0.94), (0.62, 0.78), (0.76, 0.68), (0.90, 0.74), (0.98, 0.93)]))
    for stone, colour in zip(stones, (look.main, look.second), strict=True):
        with ink.part("body"):
            ink.fill(stone, colour)
            with ink.clip(stone):
                if look.word("moss") == "yes":
                    ink.fill(oval(0.40, 0.40, 0.28, 0.12, -10), look.accent)
                for _ in range(4):
                    ink.fill(oval(look.rng.uniform(0.15, 0.9), look.rng.uniform(0.55, 0.9), 0.05,
                                  0.03), darker(colour, 0.2), alpha=0.6)


@sprite("bush", colours="green", role="occluder", share=(0.28, 0.42), home="park",
        words={"berries": ("yes", "no")})
def bush(ink: Ink, look: Look) -> None:
    """A round bush."""
    with ink.part("body"):
        ink.fill(box(0.12, 0.76, 0.90, 0.94, 0.08), darker(look.main, 0.25))
    for x, y, r, shade in ((0.26, 0.70, 0.235, 0.22), (0.76, 0.70, 0.225, 0.18),
                           (0.52, 0.58, 0.27, 0.1), (0.36, 0.785, 0.172, 0.0), (0.64, 0.80, 0.165,
                                                                              0.04)):
        with ink.part("body"):
            ink.fill(oval(x, y, r, 0.9 * r), darker(look.main, shade))
    if look.word("berries") == "yes":
        spots = ((0.2, 0.50) + look.rng.random((8, 2)) * (0.6, 0.36)).tolist()
        with ink.clip(box(0.0, 0.0, 1.0, 1.0)):
            ink.fill(together([oval(x, y, 0.028) for x, y in spots]), look.accent)


@sprite("grass", colours="green", role="occluder", share=(0.24, 0.38), home="meadow")
def grass(ink: Ink, look: Look) -> None:
    """A tuft of tall grass."""
    for row, (n, high) in enumerate(((9, 0.72), (8, 0.52), (7, 0.36))):
        blades = []
        for i, (bend, short) in enumerate(look.rng.random((n, 2)).tolist()):
            x = 0.12 + 0.76 * (i + 0.5 * (row % 2)) / (n - 0.5)
            lean, h = 0.14 * bend - 0.07 + 0.25 * (x - 0.5), high * (1.0 - 0.2 * short)
            blades.append(poly([(x - 0.045, 0.94), (x + 0.4 * lean - 0.035, 0.94 - 0.5 * h),
                                (x + lean, 0.94 - h), (x + 0.4 * lean + 0.035, 0.94 - 0.5 * h),
                                (x + 0.045, 0.94)], 0.05))
        with ink.part("body"):
            ink.fill(together(blades), darker(look.main, 0.28 - 0.13 * row))
