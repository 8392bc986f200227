"""What lies about (distractors) and what stands in the way (occluders). None is a class."""

from __future__ import annotations

from camkit.world.ink import Ink, arc, blob, box, curve, oval, poly
from camkit.world.palette import CREAM, METAL, WHITE, darker, lighter
from camkit.world.sprites import Look, sprite

# Points are kept in rows, in the order in which they are drawn.
# fmt: off


@sprite("ball", colours="paint", role="distractor", share=(0.10, 0.17), home="beach",
        words={"pattern": ("beach", "stripe", "dots")}, numbers={"turn": (-40.0, 40.0)})
def ball(ink: Ink, look: Look) -> None:
    """A toy ball."""
    round_, kind = oval(0.0, 0.0, 0.42), look.word("pattern")
    with ink.moved(0.5, 0.51, 1.0, look.number("turn")):
        ink.fill(round_, look.main)
        with ink.clip(round_):
            if kind == "beach":
                for i in range(3):
                    a, b = arc(-0.06, -0.10, 0.7, 0.7, 120 * i, 120 * i + 60, 2)
                    ink.fill(poly([(-0.06, -0.10), a, b]), look.second if i else look.accent)
                ink.fill(oval(-0.06, -0.10, 0.07), look.second)
            if kind == "stripe":
                ink.fill(box(-0.5, -0.13, 0.5, 0.13), look.second)
                ink.fill(box(-0.5, -0.045, 0.5, 0.045), look.accent)
            if kind == "dots":
                for x, y in ((0.0, 0.0), *arc(0.0, 0.0, 0.27, 0.27, 0, 300, 6)):
                    ink.fill(oval(x, y, 0.075), look.second)


@sprite("gift", colours="paint", role="distractor", share=(0.12, 0.20), home="room",
        words={"wrap": ("plain", "dots")}, numbers={"tall": (0.0, 0.18)})
def gift(ink: Ink, look: Look) -> None:
    """A wrapped present with a bow."""
    top, ribbon = 0.48 - look.number("tall"), look.accent
    with ink.part("body"):
        ink.fill(box(0.12, top + 0.06, 0.88, 0.93, 0.03), look.main)
        if look.word("wrap") == "dots":
            for i in range(6):
                ink.fill(oval(0.22 + 0.11 * i + (0.06 if i > 2 else 0), 0.70 if i % 2 else 0.83,
                              0.03),
                         look.second)
        ink.fill(box(0.43, top + 0.06, 0.57, 0.93), ribbon)
    with ink.part("body"):
        ink.fill(box(0.07, top, 0.93, top + 0.14, 0.03), lighter(look.main, 0.12))
        ink.fill(box(0.43, top, 0.57, top + 0.14), ribbon)
    for side in (-1, 1):
        with ink.part("body"):
            ink.fill(blob([(0.5, top + 0.01), (0.5 + 0.10 * side, top - 0.15),
                           (0.5 + 0.28 * side, top - 0.16), (0.5 + 0.27 * side,
                                                             top - 0.02)]), ribbon)
    ink.fill(oval(0.5, top - 0.02, 0.07), darker(ribbon, 0.15))


@sprite("books", colours="paint", role="distractor", share=(0.13, 0.21), home="room",
        numbers={"slip": (-0.05, 0.05)})
def books(ink: Ink, look: Look) -> None:
    """Three books in a stack."""
    slip = look.number("slip")
    for i, colour in enumerate((look.main, look.accent, darker(look.main, 0.35))):
        x, y, w = 0.08 + slip * (i - 1) + 0.03 * i, 0.755 - 0.185 * i, 0.84 - 0.07 * i
        with ink.part("body"):
            ink.fill(box(x + 0.04, y + 0.02, x + w - 0.03, y + 0.165, 0.01), CREAM)
            ink.line(curve([(x + 0.1, y + 0.095), (x + w - 0.04, y + 0.095)]), darker(CREAM, 0.2),
                     0.012)
        with ink.part("body"):
            ink.fill(box(x, y, x + w, y + 0.045, 0.02), colour)
            ink.fill(box(x, y + 0.14, x + w, y + 0.185, 0.02), colour)
            ink.fill(box(x, y, x + 0.11, y + 0.185, 0.04), colour)


@sprite("cone", colours="paint", role="distractor", share=(0.11, 0.18), home="street")
def cone(ink: Ink, look: Look) -> None:
    """A traffic cone."""
    with ink.part("body"):
        ink.fill(box(0.10, 0.83, 0.90, 0.93, 0.04), darker(look.main, 0.2))
    with ink.part("body"):
        body = poly([(0.44, 0.08), (0.56, 0.08), (0.77, 0.86), (0.23, 0.86)], 0.04)
        ink.fill(body, look.main)
        with ink.clip(body):
            ink.fill(box(0.0, 0.32, 1.0, 0.45), WHITE)
            ink.fill(box(0.0, 0.60, 1.0, 0.73), WHITE)


@sprite("candy", colours="paint", role="distractor", share=(0.09, 0.15), home="kitchen",
        stands=False, numbers={"turn": (-30.0, 30.0)})
def candy(ink: Ink, look: Look) -> None:
    """A sweet in a twisted wrapper."""
    with ink.moved(0.5, 0.5, 1.0, look.number("turn")):
        for side in (-1, 1):
            with ink.part("body"):
                ink.fill(poly([(0.17 * side, 0.0), (0.44 * side, -0.20), (0.38 * side, 0.0),
                               (0.44 * side, 0.20)], 0.03), look.accent)
        with ink.part("body"):
            drop = oval(0.0, 0.0, 0.26, 0.22)
            ink.fill(drop, look.main)
            with ink.clip(drop):
                for x in (-0.16, 0.0, 0.16):
                    ink.line(curve([(x - 0.06, -0.24), (x + 0.02, 0.0), (x - 0.03, 0.24)]),
                             look.second, 0.05)


@sprite("star", colours="paint", role="distractor", share=(0.10, 0.16), home="room", stands=False,
        numbers={"turn": (-20.0, 20.0)})
def star(ink: Ink, look: Look) -> None:
    """A plump star, as from a mobile."""
    outer, inner = arc(0.0, 0.03, 0.45, 0.45, -90, 198, 5), arc(0.0, 0.03, 0.21, 0.21, -54, 234, 5)
    with ink.moved(0.5, 0.5, 1.0, look.number("turn")):
        ink.fill(poly([p for pair in zip(outer, inner, strict=True) for p in pair], 0.09),
                 look.main)


@sprite("blocks", colours="paint", role="distractor", share=(0.13, 0.20), home="room")
def blocks(ink: Ink, look: Look) -> None:
    """Three building blocks in a heap."""
    for x, y, colour in ((0.07, 0.53, look.main), (0.52, 0.53, look.accent),
                         (0.30, 0.12, look.second)):
        with ink.part("body"):
            ink.fill(box(x, y, x + 0.41, y + 0.41, 0.05), colour)
            ink.line(box(x + 0.07, y + 0.07, x + 0.34, y + 0.34, 0.03), darker(colour, 0.22), 0.025)


@sprite("fence", colours="wood", role="occluder", share=(0.30, 0.44), home="meadow",
        words={"paint": ("white", "wood"), "tops": ("pointed", "round")})
def fence(ink: Ink, look: Look) -> None:
    """A piece of paling."""
    wood = lighter(look.main, 0.85) if look.word("paint") == "white" else look.main
    with ink.part("body"):
        for y in (0.56, 0.78):
            ink.fill(box(0.02, y, 0.98, y + 0.075, 0.015), darker(wood, 0.18))
    for x in (0.06, 0.255, 0.45, 0.645, 0.84):
        with ink.part("body"):
            if look.word("tops") == "pointed":
                ink.fill(poly([(x, 0.94), (x, 0.44), (x + 0.055, 0.34), (x + 0.11, 0.44),
                               (x + 0.11, 0.94)], 0.012), wood)
            else:
                ink.fill(box(x, 0.36, x + 0.11, 0.94, 0.055), wood)
            for y in (0.595, 0.815):
                ink.fill(oval(x + 0.055, y, 0.012), darker(METAL, 0.5))


@sprite("crate", colours="wood", role="occluder", share=(0.24, 0.36), home="harbour",
        words={"brace": ("one", "cross")})
def crate(ink: Ink, look: Look) -> None:
    """A packing case of planks."""
    wood, dark = look.main, darker(look.main, 0.35)
    with ink.part("body"):
        ink.fill(box(0.06, 0.22, 0.94, 0.94, 0.03), wood)
        for y in (0.40, 0.58, 0.76):
            ink.line(curve([(0.10, y), (0.90, y)]), dark, 0.014)
    with ink.part("body"):
        ink.line(curve([(0.15, 0.86), (0.85, 0.30)]), look.second, 0.10)
        if look.word("brace") == "cross":
            ink.line(curve([(0.15, 0.30), (0.85, 0.86)]), look.second, 0.10)
    with ink.part("body"):
        for x0, y0, x1, y1 in ((0.04, 0.20, 0.96, 0.31), (0.04, 0.845, 0.96, 0.95),
                               (0.04, 0.20, 0.15, 0.95), (0.85, 0.20, 0.96, 0.95)):
            ink.fill(box(x0, y0, x1, y1, 0.02), look.second)
        for x in (0.095, 0.905):
            for y in (0.255, 0.90):
                ink.fill(oval(x, y, 0.016), dark)


@sprite("pillar", colours="stone", role="occluder", share=(0.30, 0.44), home="park",
        words={"top": ("urn", "flat")})
def pillar(ink: Ink, look: Look) -> None:
    """A short garden pillar."""
    with ink.part("body"):
        ink.fill(box(0.36, 0.24, 0.64, 0.88, 0.015), look.main)
        for x in (0.44, 0.56):
            ink.line(curve([(x, 0.28), (x, 0.84)]), darker(look.main, 0.22), 0.02)
    with ink.part("body"):
        ink.fill(box(0.29, 0.84, 0.71, 0.94, 0.02), look.second)
        ink.fill(box(0.30, 0.17, 0.70, 0.27, 0.02), look.second)
    if look.word("top") == "urn":
        with ink.part("body"):
            ink.fill(oval(0.50, 0.11, 0.105, 0.09), darker(look.second, 0.1))


@sprite("barrel", colours="wood", role="occluder", share=(0.24, 0.34), home="harbour")
def barrel(ink: Ink, look: Look) -> None:
    """A barrel with two hoops."""
    body = blob([(0.24, 0.14), (0.50, 0.12), (0.76, 0.14), (0.86, 0.54), (0.77, 0.93),
                 (0.50, 0.945),
                 (0.23, 0.93), (0.14, 0.54)])
    with ink.part("body"):
        ink.fill(body, look.main)
        with ink.clip(body):
            for x, bend in ((0.32, -0.06), (0.50, 0.0), (0.68, 0.06)):
                ink.line(curve([(x, 0.1), (x + bend, 0.54), (x, 0.95)]), darker(look.main, 0.35),
                         0.014)
    with ink.part("body"):
        for y, w in ((0.30, 0.325), (0.76, 0.335)):
            ink.line(curve([(0.5 - w, y), (0.5, y + 0.035), (0.5 + w, y)]), darker(METAL, 0.4),
                     0.06)
    with ink.part("body"):
        ink.fill(oval(0.50, 0.14, 0.265, 0.05), lighter(look.main, 0.2))
