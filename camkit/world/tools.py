"""Tools that people hold and that are no class of their own: rod, ladder, book, phone, broom."""

from __future__ import annotations

from camkit.world.ink import Ink, blob, box, curve, limb, oval, poly, together
from camkit.world.palette import (
    CREAM,
    GLASS,
    INK,
    METAL,
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


@sprite("rod", colours="paint", role="tool", parts=("stick", "reel", "line", "float"),
        stands=False, words={"catch": ("float", "fish")}, numbers={"bend": (-0.03, 0.05)})
def rod(ink: Ink, look: Look) -> None:
    """A fishing rod held at its lower right end, its line hanging from the tip."""
    bend = look.number("bend")
    tip = 0.16, 0.10 + bend
    with ink.part("line"):
        ink.line(curve([tip, (0.125, 0.35), (0.12, 0.70)]), lighter(look.accent, 0.3), 0.014)
    with ink.part("stick"):
        ink.line(curve([(0.62, 0.42), (0.40, 0.20), tip]), mix(look.second, look.main, 0.3), 0.034)
        ink.line(curve([(0.93, 0.80), (0.78, 0.60), (0.60, 0.40)]), darker(look.second, 0.25),
                 0.048)
    with ink.part("stick"):
        ink.line(curve([(0.955, 0.835), (0.86, 0.71)]), look.main, 0.068)
    with ink.part("reel"):
        ink.fill(oval(0.755, 0.645, 0.062), look.accent)
        ink.fill(oval(0.755, 0.645, 0.034), darker(look.accent, 0.4))
    with ink.part("float"):
        if look.word("catch") == "float":
            ink.fill(oval(0.12, 0.80, 0.075, 0.105), WHITE)
            ink.fill(blob([(0.043, 0.80), (0.06, 0.725), (0.12, 0.69), (0.18, 0.725),
                           (0.197, 0.80)]), look.main)
        else:
            ink.fill(blob([(0.12, 0.68), (0.20, 0.77), (0.185, 0.86), (0.14, 0.91), (0.205, 0.98),
                           (0.115, 0.95), (0.025, 0.98), (0.095, 0.91), (0.045, 0.86),
                           (0.035, 0.77)]), mix(look.main, METAL, 0.35))
            ink.fill(oval(0.10, 0.755, 0.019), INK)


@sprite("ladder", colours="wood", role="tool", parts=("rail", "rung"),
        numbers={"lean": (0.0, 0.05)})
def ladder(ink: Ink, look: Look) -> None:
    """A ladder that leans to the left, seen from its side."""
    lean = 0.16 + look.number("lean")

    def rail(low: float) -> list[tuple[float, float]]:
        return [(low, 0.93), (low - lean, 0.02)]

    with ink.part("rail"):
        ink.line(curve(rail(0.64)), darker(look.main, 0.28), 0.036)
    with ink.part("rung"):
        for i in range(8):
            y = 0.845 - 0.108 * i
            x = 0.48 - lean * (0.93 - y) / 0.91
            ink.line(curve([(x, y), (x + 0.16, y - 0.006)]), mix(look.main, look.second, 0.5),
                     0.030)
    with ink.part("rail"):
        ink.line(curve(rail(0.48)), look.main, 0.040)


@sprite("book", colours="paint", role="tool", parts=("cover", "page"), stands=False,
        words={"mark": ("star", "band", "none")})
def book(ink: Ink, look: Look) -> None:
    """An open book, seen over its left half."""
    page = mix(CREAM, look.second, 0.45)
    with ink.part("cover"):
        ink.fill(poly([(0.05, 0.20), (0.50, 0.30), (0.95, 0.20), (0.95, 0.83), (0.50, 0.93),
                       (0.05, 0.83)], 0.03), look.main)
    with ink.part("page"):
        ink.fill(blob([(0.10, 0.16), (0.32, 0.17), (0.50, 0.27), (0.50, 0.86), (0.30, 0.765),
                       (0.10, 0.77)]), page)
        lines = [curve([(0.17, y), (0.31, y + 0.012), (0.43, y + 0.055)])
                 for y in (0.28, 0.38, 0.48, 0.58, 0.68)]
        ink.line(together(lines), darker(page, 0.35), 0.020)
    with ink.part("page"):
        ink.fill(blob([(0.50, 0.27), (0.68, 0.17), (0.90, 0.16), (0.90, 0.77), (0.70, 0.765),
                       (0.50, 0.86)]), lighter(page, 0.3))
        if look.word("mark") == "star":
            ink.fill(oval(0.71, 0.37, 0.105), look.accent)
        if look.word("mark") == "band":
            ink.fill(poly([(0.57, 0.34), (0.84, 0.25), (0.84, 0.42), (0.57, 0.51)], 0.02),
                     look.second)
        rows = [curve([(0.57, y + 0.055), (0.69, y + 0.012), (0.83, y)]) for y in (0.55, 0.65)]
        ink.line(together(rows), darker(page, 0.35), 0.020)


@sprite("phone", colours="paint", role="tool", parts=("screen",), stands=False)
def phone(ink: Ink, look: Look) -> None:
    """A mobile phone, upright."""
    with ink.part("body"):
        ink.fill(box(0.27, 0.05, 0.73, 0.95, 0.09), darker(look.main, 0.25))
        ink.fill(box(0.42, 0.085, 0.58, 0.105, 0.01), INK)
    with ink.part("screen"):
        ink.fill(box(0.32, 0.14, 0.68, 0.82, 0.03), mix(GLASS, look.second, 0.4))
        ink.fill(together([box(0.38 + 0.10 * i, 0.24 + 0.14 * j, 0.44 + 0.10 * i, 0.32 + 0.14 * j,
                               0.01) for i in range(3) for j in range(3)]), lighter(look.main, 0.2))


@sprite("broom", colours="paint", role="tool", parts=("stick", "brush"), stands=False,
        words={"brush": ("straw", "bristle")})
def broom(ink: Ink, look: Look) -> None:
    """A broom, its brush down on the left and its stick leaning to the right."""
    with ink.part("stick"):
        ink.line(curve([(0.29, 0.76), (0.70, 0.06)]), mix(WOOD, look.second, 0.5), 0.038)
        ink.fill(oval(0.705, 0.055, 0.026), look.main)
    brush = blob([(0.20, 0.665), (0.385, 0.735), (0.40, 0.84), (0.385, 0.945), (0.20, 0.95),
                  (0.015, 0.925), (0.09, 0.77)])
    straw = look.word("brush") == "straw"
    with ink.part("brush"):
        ink.fill(brush, mix(STRAW, look.accent, 0.35) if straw else darker(look.second, 0.45))
        with ink.clip(brush):
            tips = [curve([(0.29, 0.72), (0.03 + 0.075 * i, 0.98)]) for i in range(6)]
            ink.line(together(tips), darker(STRAW, 0.28) if straw else darker(look.second, 0.2),
                     0.012)
    with ink.part("brush"):
        ink.fill(limb([(0.185, 0.685), (0.40, 0.775)], 0.085, 0.085), look.main)
