"""Things that roll and float. Car, truck, cart and bicycle share wheels; the boats share a hull."""

from __future__ import annotations

from camkit.world.ink import Ink, arc, blob, box, curve, limb, oval, poly, together
from camkit.world.palette import (
    CLAY,
    CREAM,
    GLASS,
    GOLD,
    INK,
    LEAF,
    METAL,
    RGB,
    STRAW,
    WHITE,
    WOOD,
    darker,
    lighter,
    mix,
)
from camkit.world.sprites import Look, sprite

# Points are kept in rows, in the order in which they are drawn.
# fmt: off


def wheel(ink: Ink, x: float, y: float, radius: float) -> None:
    """A tyre and its hub."""
    with ink.part("wheel"):
        ink.fill(oval(x, y, radius), INK)
        ink.fill(oval(x, y, 0.58 * radius), METAL)
        ink.line(oval(x, y, 0.42 * radius), darker(METAL, 0.35), 0.06 * radius)
        ink.fill(oval(x, y, 0.20 * radius), darker(METAL, 0.5))


def spoked_wheel(
    ink: Ink, x: float, y: float, radius: float, rim: RGB, spoke: RGB, thick: float, count: int
) -> None:
    """A rim, a hub and `count` spokes, with the background seen between them."""
    with ink.part("wheel"):
        ends = arc(x, y, 0.97 * radius, 0.97 * radius, 15, 375 - 360 / count, count)
        ink.line(together([curve([(x, y), end]) for end in ends]), spoke, 0.45 * thick)
        ink.line(oval(x, y, radius), rim, thick)
        ink.fill(oval(x, y, 0.17 * radius), rim)
        ink.fill(oval(x, y, 0.08 * radius), lighter(spoke, 0.3))


def window(ink: Ink, corners: list[tuple[float, float]]) -> None:
    """A pane with a slanting gleam; `corners` run clockwise from the lower left."""
    pane = poly(corners, 0.03)
    with ink.part("window"):
        ink.fill(pane, GLASS)
        x, low, top = corners[-1][0], corners[0][1], corners[1][1]
        with ink.clip(pane):
            ink.fill(poly([(x - 0.11, low), (x - 0.05, top), (x - 0.01, top), (x - 0.07, low)]),
                     WHITE, alpha=0.55)


@sprite(
    "car", colours="paint", parts=("wheel", "window", "light"), home="street",
    words={"shape": ("saloon", "hatchback", "beetle")},
    numbers={"roof": (0.0, 0.06), "wheel": (0.088, 0.108)},
)
def car(ink: Ink, look: Look) -> None:
    """A round little car, driving left."""
    paint, trim, shape = look.main, look.second, look.word("shape")
    roof, back = 0.30 - look.number("roof"), 0.80 if shape == "saloon" else 0.93
    with ink.part("body"):
        if shape == "beetle":
            ink.fill(blob([(0.05, 0.66), (0.12, 0.50), (0.29, 0.46), (0.40, roof + 0.02),
                           (0.58, roof - 0.02), (0.74, roof + 0.04), (0.88, 0.46), (0.955, 0.64),
                           (0.90, 0.73), (0.50, 0.73), (0.10, 0.73)]), paint)
        else:
            ink.fill(poly([(0.24, 0.54), (0.36, roof), (back - 0.12, roof), (back, 0.56)], 0.10),
                     paint)
            ink.fill(poly([(0.03, 0.53), (0.30, 0.47), (0.96, 0.47), (0.98, 0.72), (0.02, 0.72)],
                          0.09), paint)
        ink.fill(box(0.025, 0.665, 0.975, 0.735, 0.03), darker(paint, 0.3))
        ink.line(curve([(0.10, 0.60), (0.92, 0.60)]), trim, 0.024)
        ink.fill(box(0.60, 0.535, 0.67, 0.552, 0.008), darker(paint, 0.5))
    if shape == "beetle":
        window(ink, [(0.375, 0.49), (0.435, roof + 0.07), (0.54, roof + 0.045), (0.55, 0.49)])
        window(ink, [(0.60, 0.49), (0.60, roof + 0.045), (0.70, roof + 0.085), (0.78, 0.49)])
    else:
        window(ink, [(0.31, 0.49), (0.395, roof + 0.05), (0.535, roof + 0.05), (0.535, 0.49)])
        window(ink, [(0.575, 0.49), (0.575, roof + 0.05), (back - 0.14, roof + 0.05),
                     (back - 0.06, 0.49)])
    with ink.part("light"):
        ink.fill(oval(0.075, 0.575, 0.037, 0.042), GOLD)
        ink.fill(oval(0.067, 0.567, 0.012), WHITE)
        ink.fill(box(0.925, 0.53, 0.965, 0.60, 0.015), look.accent)
    for x in (0.25, 0.77):
        ink.fill(oval(x, 0.735, look.number("wheel") + 0.025), darker(paint, 0.55))
        wheel(ink, x, 0.79, look.number("wheel") + 0.01)


@sprite(
    "truck", colours="paint", parts=("wheel", "window", "light", "load"), home="street",
    words={"load": ("case", "logs", "sand")},
    numbers={"cab": (0.0, 0.05), "wheel": (0.085, 0.105)},
)
def truck(ink: Ink, look: Look) -> None:
    """A truck with its load behind an upright cab, driving left."""
    paint, trim, load = look.main, look.second, look.word("load")
    top, wide = 0.34 - look.number("cab"), look.number("wheel")
    with ink.part("load"):
        if load == "case":
            ink.fill(box(0.40, 0.25, 0.97, 0.68, 0.035), trim)
            ink.fill(box(0.40, 0.545, 0.97, 0.60), look.accent)
            folds = [curve([(x, 0.28), (x, 0.66)]) for x in (0.54, 0.685, 0.83)]
            ink.line(together(folds), darker(trim, 0.22), 0.012)
        elif load == "logs":
            for x, y in ((0.51, 0.52), (0.68, 0.52), (0.85, 0.52), (0.595, 0.375), (0.765, 0.375)):
                ink.fill(oval(x, y, 0.088), darker(WOOD, 0.35))
                ink.fill(oval(x, y, 0.068), STRAW)
                ink.line(oval(x, y, 0.036), darker(STRAW, 0.3), 0.012)
        else:
            ink.fill(blob([(0.42, 0.62), (0.52, 0.46), (0.66, 0.38), (0.80, 0.45), (0.94, 0.62)]),
                     darker(STRAW, 0.12))
    if load != "case":
        with ink.part("body"):
            ink.fill(poly([(0.40, 0.54), (0.975, 0.54), (0.95, 0.72), (0.40, 0.72)], 0.03),
                     look.accent)
            ink.line(curve([(0.43, 0.60), (0.94, 0.60)]), darker(look.accent, 0.3), 0.014)
    with ink.part("body"):
        ink.fill(box(0.05, 0.68, 0.96, 0.765, 0.03), darker(paint, 0.5))
        ink.fill(poly([(0.03, 0.72), (0.045, 0.56), (0.10, 0.52), (0.17, top), (0.39, top),
                       (0.39, 0.72)], 0.05), paint)
        ink.fill(box(0.02, 0.69, 0.39, 0.76, 0.03), darker(paint, 0.25))
        ink.fill(box(0.31, 0.585, 0.365, 0.602, 0.008), darker(paint, 0.5))
    window(ink, [(0.155, 0.53), (0.21, top + 0.05), (0.345, top + 0.05), (0.345, 0.53)])
    with ink.part("light"):
        ink.fill(oval(0.075, 0.625, 0.032, 0.038), GOLD)
        ink.fill(oval(0.067, 0.617, 0.011), WHITE)
    for x in (0.22, 0.77):  # two, as a car has: wheels alone must not tell a truck
        wheel(ink, x, 0.80, wide)


@sprite(
    "cart", colours="wood", parts=("wheel", "shaft", "load"), home="meadow",
    words={"load": ("empty", "hay", "pumpkins"), "sides": ("planks", "rails")},
    numbers={"wheel": (0.155, 0.185), "shaft": (-0.05, 0.06)},
)
def cart(ink: Ink, look: Look) -> None:
    """A wooden cart on two spoked wheels, its shaft to the left."""
    wood, pale, radius = look.main, look.second, look.number("wheel")
    with ink.part("shaft"):
        ink.fill(limb([(0.30, 0.68), (0.16, 0.645), (0.045, 0.555 + look.number("shaft"))], 0.05,
                      0.038),
                 darker(wood, 0.2))
    if look.word("load") == "hay":
        with ink.part("load"):
            ink.fill(blob([(0.27, 0.50), (0.30, 0.36), (0.42, 0.25), (0.58, 0.20), (0.76, 0.25),
                           (0.89, 0.37), (0.92, 0.50)]), STRAW)
            ends = ((0.36, 0.30) + look.rng.random((9, 2)) * (0.42, 0.12)).tolist()
            stalks = [curve([(x, y), (x + 0.07, y - 0.045)]) for x, y in ends]
            ink.line(together(stalks), darker(STRAW, 0.3), 0.012)
    if look.word("load") == "pumpkins":
        for x, y in ((0.39, 0.42), (0.81, 0.42), (0.60, 0.37)):
            with ink.part("load"):
                ink.fill(oval(x, y, 0.14, 0.12), mix(GOLD, CLAY, 0.6))
                ribs = [oval(x, y, r, 0.115) for r in (0.045, 0.105)]
                ink.line(together(ribs), darker(CLAY, 0.2), 0.012)
                ink.line(curve([(x, y - 0.11), (x + 0.025, y - 0.155)]), darker(LEAF, 0.3), 0.032)
    with ink.part("body"):
        if look.word("sides") == "planks":
            ink.fill(poly([(0.18, 0.43), (0.98, 0.43), (0.92, 0.72), (0.25, 0.72)], 0.03), wood)
            gaps = [curve([(0.22, y), (0.94, y)]) for y in (0.525, 0.625)]
            ink.line(together(gaps), darker(wood, 0.35), 0.014)
        else:
            ink.fill(poly([(0.24, 0.62), (0.94, 0.62), (0.92, 0.72), (0.25, 0.72)], 0.03), wood)
            posts = [curve([(x, 0.44), (x, 0.66)]) for x in (0.24, 0.41, 0.585, 0.76, 0.92)]
            ink.line(together(posts), wood, 0.042)
            ink.line(curve([(0.20, 0.515), (0.96, 0.515)]), wood, 0.055)
        ink.line(curve([(0.18, 0.435), (0.98, 0.435)]), pale, 0.05)
        ink.fill(together([oval(x, 0.665, 0.014) for x in (0.30, 0.585, 0.87)]), darker(wood, 0.5))
    for x in (0.37, 0.79):
        spoked_wheel(ink, x, 0.925 - radius, radius, darker(wood, 0.35), pale, 0.052, 8)


@sprite(
    "bicycle", colours="paint", parts=("wheel", "frame", "saddle", "handlebar", "pedal"),
    home="street", words={"frame": ("diamond", "step-through")},
    numbers={"wheel": (0.20, 0.225), "bar": (0.0, 0.05)},
)
def bicycle(ink: Ink, look: Look) -> None:
    """A bicycle, riding left; thin, so a box holds much that is not bicycle."""
    paint, radius, bar = look.main, look.number("wheel"), look.number("bar")
    y = 0.925 - radius
    for x in (0.255, 0.745):
        spoked_wheel(ink, x, y, radius, INK, METAL, 0.042, 10)
        with ink.part("frame"):
            ink.line(curve(arc(x, y, radius + 0.035, radius + 0.035, 200, 320, 7)),
                     look.second, 0.026)
    crank, seat, head = (0.50, y + 0.02), (0.59, 0.40), (0.325, 0.40)
    with ink.part("frame"):
        ink.line(poly([crank, (0.745, y), seat]), paint, 0.042)
        ink.line(curve([head, crank]), paint, 0.042)
        ink.line(curve([head, (0.565, 0.47)]) if look.word("frame") == "diamond" else
                 curve([(0.33, 0.44), (0.42, 0.60), (0.535, 0.60)]), paint, 0.042)
        ink.line(curve([(0.305, 0.31), head, (0.255, y)]), paint, 0.042)
        ink.line(curve([seat, (0.60, 0.35)]), METAL, 0.035)
    with ink.part("pedal"):
        ink.fill(oval(*crank, 0.055), darker(METAL, 0.35))
        ink.line(curve([crank, (0.46, y + 0.10)]), METAL, 0.028)
        ink.fill(box(0.41, y + 0.09, 0.51, y + 0.125, 0.012), INK)
    with ink.part("saddle"):
        ink.fill(blob([(0.49, 0.335), (0.60, 0.31), (0.71, 0.29), (0.73, 0.345), (0.66, 0.38),
                       (0.56, 0.365)]), darker(WOOD, 0.45))
    with ink.part("handlebar"):
        ink.line(curve([(0.31, 0.33), (0.29, 0.245 - bar), (0.36, 0.225 - bar),
                        (0.43, 0.255 - bar)]), METAL, 0.032)
        ink.line(curve([(0.385, 0.232 - bar), (0.44, 0.262 - bar)]), darker(WOOD, 0.45), 0.046)
        ink.fill(oval(0.235, 0.345, 0.042, 0.05, 10), GOLD)
        ink.fill(oval(0.215, 0.345, 0.016, 0.034), WHITE)


def hull(ink: Ink, paint: RGB, stripe: RGB, line: float) -> None:
    """A boat's hull, bow to the left, and its water line at `line`."""
    shape = blob([(0.03, 0.685), (0.14, 0.715), (0.50, 0.745), (0.84, 0.715), (0.965, 0.68),
                  (0.93, 0.79), (0.84, 0.915), (0.50, 0.93), (0.22, 0.915), (0.10, 0.82)])
    with ink.part("hull"):
        ink.fill(shape, paint)
        with ink.clip(shape):
            ink.fill(box(0.0, line, 1.0, 1.0), darker(paint, 0.4))
            ink.line(curve([(0.03, 0.70), (0.14, 0.73), (0.50, 0.76), (0.84, 0.73), (0.97, 0.695)]),
                     stripe, 0.03)


def mast(ink: Ink, x: float, top: float, flag: RGB) -> None:
    """A mast up to `top`, with a pennant blown to the right."""
    with ink.part("mast"):
        ink.line(curve([(x, 0.74), (x, top)]), darker(WOOD, 0.15), 0.035)
    with ink.part("flag"):
        ink.fill(poly([(x, top - 0.005), (x + 0.15, top + 0.04), (x, top + 0.085)], 0.012), flag)


@sprite(
    "boat", colours="paint", parts=("hull", "mast", "sail", "flag"), home="harbour",
    words={"sail": ("plain", "stripes", "sun"), "rig": ("sloop", "lugger")},
    numbers={"mast": (0.0, 0.05), "line": (0.82, 0.87), "wind": (0.0, 0.05)},
)
def boat(ink: Ink, look: Look) -> None:
    """A small sailing boat."""
    top, wind, cloth = 0.10 - look.number("mast"), look.number("wind"), look.second
    mast(ink, 0.46, top, look.accent)
    if look.word("rig") == "sloop":
        main = blob([(0.485, top + 0.09), (0.60 + wind, 0.28), (0.76 + wind, 0.46), (0.88, 0.655),
                     (0.68, 0.675), (0.49, 0.67), (0.482, 0.40)])
        jib = blob([(0.435, top + 0.14), (0.435, 0.42), (0.43, 0.665), (0.26, 0.66),
                    (0.10, 0.645), (0.22 - wind, 0.48), (0.35 - wind, 0.29)])
        sails = [main, jib]
    else:
        sails = [blob([(0.28, top + 0.16), (0.52, top + 0.11), (0.74, top + 0.12),
                       (0.80 + wind, 0.42), (0.84, 0.64), (0.52, 0.68), (0.20, 0.66),
                       (0.23 - wind, 0.42)])]
    for i, sail in enumerate(sails):
        with ink.part("sail"):
            ink.fill(sail, cloth if i == 0 else look.accent)
            with ink.clip(sail):
                if look.word("sail") == "stripes":
                    for y in (0.27, 0.41, 0.55):
                        ink.fill(box(0.0, y, 1.0, y + 0.065), look.accent if i == 0 else cloth)
                if look.word("sail") == "sun" and i == 0:
                    ink.fill(oval(0.60, 0.50, 0.085), look.accent)
                seams = [curve([(0.0, y), (0.5, y + 0.02), (1.0, y)]) for y in (0.24, 0.38, 0.52)]
                ink.line(together(seams), darker(cloth, 0.25), 0.012)
    hull(ink, look.main, look.second, look.number("line"))


@sprite(
    "steamer", colours="paint", parts=("hull", "mast", "flag", "cabin", "funnel", "window"),
    home="harbour", words={"funnels": ("one", "two"), "deck": ("low", "high")},
    numbers={"funnel": (0.0, 0.06), "line": (0.82, 0.87), "puff": (0.0, 0.05)},
)
def steamer(ink: Ink, look: Look) -> None:
    """A little steamboat; its smoke is seen but is no part of it."""
    top, stripe = 0.26 - look.number("funnel"), look.accent
    deck = 0.43 if look.word("deck") == "high" else 0.53
    stacks = (0.63,) if look.word("funnels") == "one" else (0.53, 0.72)
    mast(ink, 0.24, 0.28, look.accent)
    for x in stacks:
        with ink.part("funnel"):
            pipe = poly([(x - 0.075, 0.62), (x - 0.062, top), (x + 0.062, top), (x + 0.075, 0.62)],
                        0.02)
            ink.fill(pipe, look.main)
            with ink.clip(pipe):
                ink.fill(box(0.0, top, 1.0, top + 0.06), INK)
                ink.fill(box(0.0, top + 0.085, 1.0, top + 0.13), look.second)
    with ink.part("cabin"):
        ink.fill(box(0.31, deck, 0.87, 0.78, 0.035), look.second)
        ink.fill(box(0.275, deck - 0.025, 0.905, deck + 0.03, 0.025), stripe)
    with ink.part("window"):
        for x in (0.42, 0.59, 0.76):
            ink.fill(oval(x, deck + 0.115, 0.052), darker(stripe, 0.3))
            ink.fill(oval(x, deck + 0.115, 0.036), GLASS)
    hull(ink, look.main, look.second, look.number("line"))
    with ink.aside():
        puff = look.number("puff")
        for x in stacks:
            for i, (dx, dy) in enumerate(((0.03, -0.06), (0.11, -0.13), (0.21, -0.17))):
                ink.fill(oval(x + dx + puff, top + dy, 0.05 + 0.014 * i, 0.042 + 0.01 * i),
                         CREAM, alpha=0.75 - 0.15 * i)
