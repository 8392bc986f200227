"""Signs with words on them: fronts, boards, posters, plates. Blank ones are the same but the words.

What a sign says is its choice `says`, words in capitals with a space between them; "" is a blank
sign. Letters are outlines of the DejaVu fonts that come with matplotlib, each word a lump "text".
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path as File

import matplotlib as mpl
import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.textpath import TextPath

from camkit.world.ink import Ink, arc, blob, box, curve, oval, poly, together
from camkit.world.palette import (
    CLAY,
    CREAM,
    GLASS,
    GOLD,
    INK,
    LEAF,
    METAL,
    RGB,
    WHITE,
    WOOD,
    darker,
    lighter,
    mix,
    oklch,
)
from camkit.world.sprites import Look, sprite

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
FONTS = {"plain": "DejaVuSans-Bold.ttf", "serif": "DejaVuSerif-Bold.ttf"}
EMBLEMS = ("none", "cup", "star", "flower", "dots")
MARKS = ("zigzag", "bars", "diamonds", "waves")  # what a sign without words may show

PARTS = ("text", "mark", "board")

Area = tuple[float, float, float, float]

_SLATE = oklch(0.36, 0.025, 200)
_CHALK = oklch(0.95, 0.015, 100)
_LAMP = oklch(0.60, 0.19, 27)


@lru_cache(maxsize=256)
def outline(word: str, font: str) -> tuple[Path, float]:
    """The outline of a word in capitals one unit high, its corner at (0, 0), and its width.

    >>> shape, wide = outline("TEA", "plain")
    >>> shape.contains_point((0.1 * wide, 0.05)), 2.0 < wide < 3.0
    (True, True)
    """
    file = File(mpl.get_data_path()) / "fonts" / "ttf" / FONTS[font]
    drawn = TextPath((0, 0), word, size=1.0, prop=FontProperties(fname=file))
    codes = np.asarray(drawn.codes)
    points = np.array(drawn.vertices, dtype=np.float64)
    # Round letters stand a little over the line; the flat ones give the height of all.
    high = TextPath((0, 0), "H", size=1.0, prop=FontProperties(fname=file)).get_extents().height
    left, right = points[codes != Path.CLOSEPOLY, 0].min(), points[codes != Path.CLOSEPOLY, 0].max()
    points = (points - (left, 0.0)) * (1.0, -1.0) / high + (0.0, 1.0)
    return Path(points, codes), float((right - left) / high)


def write(
    ink: Ink, look: Look, area: Area, colour: RGB, rows: bool = False, only: int | None = None
) -> None:
    """What the sign says, as large as `area` allows: in one row, or each word in a row.

    `only` writes one of its words; without words there is a mark, or nothing if it is "none".
    """
    words = look.word("says").split()
    if words and only is not None:
        words = [words[only % len(words)]]
    shapes = [outline(word, look.word("font")) for word in words]
    if not shapes:
        _mark(ink, look, area, colour)
        return
    x0, y0, x1, y1 = area
    lines, gap, step = ([[s] for s in shapes] if rows else [shapes]), 0.7, 1.4
    wide = [sum(w for _, w in line) + gap * (len(line) - 1) for line in lines]
    high = 1.0 + step * (len(lines) - 1)
    size = min((x1 - x0) / max(wide), (y1 - y0) / high)
    y = 0.5 * (y0 + y1 - size * high)
    for line, length in zip(lines, wide, strict=True):
        x = 0.5 * (x0 + x1 - size * length)
        for shape, w in line:
            with ink.moved(x, y, size), ink.part("text"):
                ink.fill(shape, colour)
            x += size * (w + gap)
        y += size * step


def _mark(ink: Ink, look: Look, area: Area, colour: RGB) -> None:
    """A pattern where words could stand, of as many strokes, in their colour."""
    kind, (x0, y0, x1, y1) = look.word("mark"), area
    wide, high, mid = x1 - x0, min(y1 - y0, 0.3 * (x1 - x0)), 0.5 * (y0 + y1)
    top, pen = mid - 0.5 * high, 0.2 * high
    if kind == "none":
        return
    with ink.part("mark"):
        if kind == "zigzag":
            steps = [(x0 + wide * (0.05 + 0.9 * k / 8), top + high * (0.15 + 0.7 * (k % 2)))
                     for k in range(9)]  # fmt: skip
            ink.line(Path(steps), colour, pen)
        if kind == "bars":
            starts = [x0 + wide * (0.06 + 0.15 * k) for k in range(6)]
            ink.fill(together([box(x, top, x + 0.07 * wide, top + high) for x in starts]), colour)
        if kind == "diamonds":
            r = min(0.5 * high, 0.1 * wide)
            spots = [x0 + wide * (0.14 + 0.24 * k) for k in range(4)]
            ink.fill(together([poly([(x - r, mid), (x, mid - r), (x + r, mid), (x, mid + r)])
                               for x in spots]), colour)  # fmt: skip
        if kind == "waves":
            for y in (top + 0.2 * high, top + 0.8 * high):
                ink.line(curve([(x0 + wide * (0.05 + 0.9 * k / 8), y + 0.14 * high * (-1) ** k)
                                for k in range(9)]), colour, pen)  # fmt: skip


def _emblem(ink: Ink, look: Look, board: Path, x: float, y: float, r: float, colour: RGB) -> None:
    """A little picture painted on a board; it is there whether the board has words or not."""
    kind = look.word("emblem")
    with ink.clip(board):
        if kind == "cup":
            ink.fill(poly([(x - 0.8 * r, y - 0.5 * r), (x + 0.5 * r, y - 0.5 * r),
                           (x + 0.35 * r, y + 0.7 * r), (x - 0.65 * r, y + 0.7 * r)], 0.3 * r),
                     colour)  # fmt: skip
            ink.line(curve(arc(x + 0.5 * r, y, 0.4 * r, 0.35 * r, -80, 80, 5)), colour, 0.2 * r)
        if kind == "star":
            out, into = arc(x, y, r, r, -90, 198, 5), arc(x, y, 0.45 * r, 0.45 * r, -54, 234, 5)
            ink.fill(poly([p for two in zip(out, into, strict=True) for p in two], 0.1 * r), colour)
        if kind == "flower":
            ink.fill(together([oval(a, b, 0.36 * r) for a, b in arc(x, y, 0.6 * r, 0.6 * r, 0, 300,
                                                                   6)]), colour)  # fmt: skip
            ink.fill(oval(x, y, 0.3 * r), GOLD)
        if kind == "dots":
            ink.fill(together([oval(x + d * r, y, 0.24 * r) for d in (-0.75, 0.0, 0.75)]), colour)


def _paints(look: Look) -> tuple[RGB, RGB]:
    """A board's colour and its letters': dark on pale, or pale on dark."""
    if look.word("paint") == "dark":
        return darker(look.main, 0.42), lighter(look.second, 0.3)
    return look.second, darker(look.main, 0.45)


_LOOKS = {"font": ("plain", "serif"), "paint": ("dark", "pale"), "emblem": EMBLEMS, "mark": MARKS}

# Points are kept in rows, in the order in which they are drawn.
# fmt: off


@sprite("shop front", colours="paint", parts=PARTS, role="sign", share=(0.66, 0.88),
        home="street", numbers={"door": (0.0, 1.0)},
        words={"says": ("TEA", "CAFE", "BOOKS", "BREAD", "TOYS", "SHOES", "FISH", "CAKES", "HATS",
                        "FRUIT"), **_LOOKS})
def shop_front(ink: Ink, look: Look) -> None:
    """A shop: a board over a striped awning, a window with goods, a door."""
    paint, letters = _paints(look)
    wall, wood = mix(look.accent, CREAM, 0.55), darker(look.main, 0.15)
    right = look.number("door") > 0.5
    ink.fill(box(0.07, 0.10, 0.93, 0.93, 0.01), wall)
    with ink.part("body"):
        ink.fill(box(0.03, 0.06, 0.97, 0.13, 0.02), darker(wall, 0.25))
    door, pane = ((0.67, 0.88), (0.12, 0.61)) if right else ((0.12, 0.33), (0.39, 0.88))
    with ink.part("body"):
        ink.fill(box(pane[0] - 0.02, 0.50, pane[1] + 0.02, 0.84, 0.02), wood)
    glass = box(pane[0], 0.50, pane[1], 0.81)
    with ink.clip(glass):
        ink.fill(glass, mix(GLASS, CREAM, 0.25))
        for k, hue in enumerate((CLAY, GOLD, look.accent, LEAF)):
            x = pane[0] + 0.06 + 0.122 * k
            ink.fill(oval(x, 0.765, 0.052, 0.062), hue)
            ink.fill(oval(x - 0.012, 0.74, 0.014), WHITE, alpha=0.6)
        ink.fill(poly([(pane[0] + 0.30, 0.48), (pane[0] + 0.38, 0.48), (pane[0] + 0.20, 0.83),
                       (pane[0] + 0.12, 0.83)]), WHITE, alpha=0.3)
    with ink.part("body"):
        ink.fill(box(pane[0] - 0.035, 0.80, pane[1] + 0.035, 0.845, 0.015), darker(wood, 0.2))
    with ink.part("body"):
        ink.fill(box(door[0], 0.50, door[1], 0.93, 0.02), wood)
    with ink.clip(box(door[0], 0.5, door[1], 0.93)):
        ink.fill(box(door[0] + 0.04, 0.54, door[1] - 0.04, 0.74, 0.02), mix(GLASS, CREAM, 0.3))
        ink.fill(oval(door[1] - 0.035 if right else door[0] + 0.035, 0.79, 0.016), GOLD)
    awning = poly([(0.09, 0.37), (0.91, 0.37), (0.97, 0.52), (0.03, 0.52)])
    with ink.part("body"):
        ink.fill(awning, look.second)
        ink.fill(together([oval(0.03 + 0.94 * (k + 0.5) / 8, 0.52, 0.0588, 0.035)
                           for k in range(8)]), look.second)
        with ink.clip(box(0.0, 0.36, 1.0, 0.56)):
            for k in range(0, 8, 2):
                a, b = 0.09 + 0.82 * k / 8, 0.09 + 0.82 * (k + 1) / 8
                c, d = 0.03 + 0.94 * k / 8, 0.03 + 0.94 * (k + 1) / 8
                ink.fill(poly([(a, 0.37), (b, 0.37), (d, 0.52), (c, 0.52)]), look.main)
                ink.fill(oval(0.5 * (c + d), 0.52, 0.0588, 0.035), look.main)
    board = box(0.05, 0.15, 0.95, 0.375, 0.025)
    with ink.part("board"):
        ink.fill(board, paint)
    ink_left = 0.09 if look.word("emblem") == "none" else 0.22
    _emblem(ink, look, board, 0.15, 0.263, 0.062, letters)
    write(ink, look, (ink_left, 0.195, 0.91, 0.33), letters)


@sprite("hanging sign", colours="paint", parts=PARTS, role="sign", share=(0.62, 0.80),
        home="street",
        words={"says": ("INN", "TEA", "POST", "ART", "ZOO", "JAM", "PIER", "SOUP", "WOOL"),
               **_LOOKS})
def hanging_sign(ink: Ink, look: Look) -> None:
    """A board that hangs from the arm of a post."""
    paint, letters = _paints(look)
    iron = darker(METAL, 0.55)
    with ink.part("body"):
        ink.fill(box(0.845, 0.06, 0.905, 0.93, 0.02), iron)
        ink.fill(box(0.80, 0.87, 0.95, 0.93, 0.02), iron)
        ink.fill(oval(0.875, 0.055, 0.042), iron)
    with ink.part("body"):
        ink.line(curve([(0.08, 0.135), (0.87, 0.135)]), iron, 0.034)
        ink.line(curve([(0.62, 0.14), (0.78, 0.17), (0.865, 0.30)]), iron, 0.026)
        ink.fill(oval(0.08, 0.135, 0.03), iron)
    with ink.part("body"):
        for x in (0.20, 0.68):
            ink.line(curve([(x, 0.14), (x, 0.26)]), iron, 0.020)
    board = box(0.05, 0.235, 0.80, 0.70, 0.06)
    with ink.part("board"):
        ink.fill(board, darker(paint, 0.22) if look.word("paint") == "dark" else letters)
    inner = box(0.08, 0.265, 0.77, 0.67, 0.045)
    with ink.part("board"):
        ink.fill(inner, paint)
    bare = look.word("emblem") == "none"
    _emblem(ink, look, inner, 0.425, 0.575, 0.065, look.accent)
    write(ink, look, (0.115, 0.315, 0.735, 0.62 if bare else 0.475), letters)


@sprite("chalkboard", colours="wood", parts=PARTS, role="sign", share=(0.52, 0.68),
        home="street",
        words={"says": ("SOUP", "HOT TEA", "CAKE", "FRESH PIE", "JAM BUNS", "ICE", "TODAY FISH",
                        "NEW EGGS"), **_LOOKS})
def chalkboard(ink: Ink, look: Look) -> None:
    """A board on legs, for chalk."""
    wood = look.main
    with ink.part("body"):
        ink.fill(poly([(0.68, 0.10), (0.76, 0.10), (0.93, 0.88), (0.86, 0.90)], 0.02),
                 darker(wood, 0.4))
    with ink.part("body"):
        ink.fill(poly([(0.16, 0.10), (0.25, 0.10), (0.19, 0.93), (0.10, 0.93)], 0.015), wood)
        ink.fill(poly([(0.67, 0.10), (0.76, 0.10), (0.82, 0.93), (0.73, 0.93)], 0.015), wood)
        ink.fill(box(0.14, 0.055, 0.78, 0.14, 0.03), wood)
        ink.fill(box(0.11, 0.72, 0.81, 0.80, 0.02), wood)
    slate = poly([(0.205, 0.125), (0.715, 0.125), (0.75, 0.735), (0.17, 0.735)], 0.01)
    with ink.part("board"):
        ink.fill(slate, _SLATE)
        with ink.clip(slate):
            ink.fill(blob([(0.26, 0.2), (0.6, 0.24), (0.66, 0.6), (0.3, 0.66)]), _CHALK, alpha=0.07)
    bare = look.word("emblem") == "none"
    _emblem(ink, look, slate, 0.46, 0.63, 0.065, mix(look.accent, _CHALK, 0.45))
    write(ink, look, (0.225, 0.18, 0.70, 0.68 if bare else 0.535), _CHALK, rows=True)


@sprite("signpost", colours="paint", parts=PARTS, role="sign", share=(0.66, 0.84),
        home="park", numbers={"tilt": (-4.0, 4.0)},
        words={"says": ("SEA ZOO", "TOWN PARK", "FARM LAKE", "HILL MILL", "POND HOME", "CAMP PIER"),
               **_LOOKS})
def signpost(ink: Ink, look: Look) -> None:
    """Two arrows on a post, one to each side."""
    paint, letters = _paints(look)
    with ink.part("body"):
        ink.fill(box(0.46, 0.07, 0.54, 0.93, 0.02), WOOD)
        ink.fill(poly([(0.445, 0.09), (0.50, 0.035), (0.555, 0.09)], 0.015), darker(WOOD, 0.2))
    with ink.part("body"):
        ink.fill(blob([(0.36, 0.93), (0.42, 0.875), (0.50, 0.90), (0.57, 0.87), (0.65, 0.93),
                       (0.5, 0.945)]), darker(LEAF, 0.15))
    tilt = look.number("tilt")
    for k, (y, turn) in enumerate(((0.24, -1), (0.50, 1))):
        with ink.moved(0.5, y, 1.0, turn * tilt):
            a, b = (-0.46, 0.34) if turn < 0 else (-0.34, 0.46)
            tip = a if turn < 0 else b
            flat, end = (b, a + 0.11) if turn < 0 else (a, b - 0.11)
            arrow = poly([(flat, -0.105), (end, -0.105), (tip, 0.0), (end, 0.105), (flat, 0.105)],
                         0.02)
            with ink.part("board"):
                ink.fill(arrow, paint)
                ink.fill(together([oval(x, y, 0.012) for x in (-0.02, 0.02) for y in (-0.085,
                                                                                    0.085)]),
                         darker(paint, 0.35))
            middle = 0.5 * (flat + end)
            area = (middle - 0.31, -0.0625, middle + 0.31, 0.0625)
            write(ink, look, area, letters, only=k)


@sprite("billboard", colours="paint", parts=PARTS, role="sign", share=(0.70, 0.90),
        home="street", numbers={"sun": (0.2, 0.8), "hill": (0.0, 6.28)},
        words={"says": ("FAIR", "BIG SALE", "CIRCUS", "MUSIC", "SUMMER", "HELLO", "FUN DAY"),
               "font": ("plain", "serif"), "paint": ("dark", "pale"), "mark": MARKS,
               "emblem": ("hills", "sea", "stripes")})
def billboard(ink: Ink, look: Look) -> None:
    """A large poster on two posts, with a picture under its band."""
    paint, letters = _paints(look)
    with ink.part("body"):
        for x in (0.17, 0.77):
            ink.fill(box(x, 0.55, x + 0.06, 0.93, 0.01), darker(WOOD, 0.15))
    with ink.part("body"):
        ink.fill(box(0.03, 0.09, 0.97, 0.75, 0.03), darker(METAL, 0.35))
    poster = box(0.06, 0.12, 0.94, 0.72, 0.01)
    with ink.part("board"):
        ink.fill(poster, paint)
        with ink.clip(poster):
            kind, at = look.word("emblem"), look.number("sun")
            top = mix(look.accent, CREAM, 0.6)
            ink.fill(box(0.0, 0.44, 1.0, 0.80), top)
            if kind == "stripes":
                for k in range(0, 12, 2):
                    ink.fill(poly([(0.5, 0.44), (0.5 + 0.16 * (k - 6.5), 0.80),
                                   (0.5 + 0.16 * (k - 5.5), 0.80)]), look.accent)
            else:
                ink.fill(oval(0.1 + 0.8 * at, 0.52, 0.055), GOLD)
                low = LEAF if kind == "hills" else oklch(0.64, 0.10, 230)
                for k in range(2):
                    line = [(x / 8, 0.60 + 0.06 * k + 0.035 * np.sin(look.number("hill") + 0.9 * x
                                                                     + 2 * k))
                            for x in range(9)]
                    ink.fill(blob([*line, (1.2, 0.9), (-0.2, 0.9)]), lighter(low, 0.3 - 0.3 * k))
    write(ink, look, (0.10, 0.175, 0.90, 0.385), letters)


@sprite("parked car", colours="paint", parts=PARTS, role="sign", share=(0.66, 0.86),
        home="street", numbers={"roof": (0.0, 0.05)},
        words={"says": ("K 427", "A 12", "BX 58", "M 309", "T 76", "LE 4", "H 815"),
               "font": ("plain",), "paint": ("dark", "pale"), "mark": MARKS})
def parked_car(ink: Ink, look: Look) -> None:
    """A car seen from behind, with its plate."""
    coat, roof = look.main, 0.20 - look.number("roof")
    with ink.part("body"):
        for x in (0.13, 0.71):
            ink.fill(box(x, 0.74, x + 0.16, 0.93, 0.04), INK)
    with ink.part("body"):
        ink.fill(blob([(0.24, roof), (0.5, roof - 0.025), (0.76, roof), (0.84, 0.42),
                       (0.5, 0.48), (0.16, 0.42)]), coat)
    rear = poly([(0.275, roof + 0.045), (0.725, roof + 0.045), (0.785, 0.40), (0.215, 0.40)], 0.04)
    with ink.part("body"):
        ink.fill(rear, mix(GLASS, INK, 0.18))
        with ink.clip(rear):
            ink.fill(poly([(0.60, 0.1), (0.70, 0.1), (0.52, 0.5), (0.42, 0.5)]), WHITE, alpha=0.35)
            for x in (0.37, 0.63):
                ink.fill(oval(x, 0.41, 0.065, 0.085), mix(INK, GLASS, 0.25))
    with ink.part("body"):
        ink.fill(blob([(0.08, 0.50), (0.14, 0.41), (0.5, 0.395), (0.86, 0.41), (0.92, 0.50),
                       (0.93, 0.72), (0.88, 0.82), (0.5, 0.83), (0.12, 0.82), (0.07, 0.72)]), coat)
    for x, turn in ((0.145, 1), (0.855, -1)):
        with ink.part("body"):
            ink.fill(box(x - 0.055, 0.475, x + 0.055, 0.60, 0.03), _LAMP)
            ink.fill(oval(x + 0.012 * turn, 0.575, 0.03, 0.018), mix(GOLD, CREAM, 0.3))
    with ink.part("body"):
        ink.fill(box(0.06, 0.755, 0.94, 0.85, 0.045), darker(METAL, 0.15))
    with ink.part("board"):
        ink.fill(box(0.225, 0.525, 0.775, 0.735, 0.025), darker(INK, 0.1))
    dark = look.word("paint") == "dark"
    paint = mix(GOLD, CREAM, 0.25) if dark else WHITE
    with ink.part("board"):
        ink.fill(box(0.24, 0.54, 0.76, 0.72, 0.018), paint)
    write(ink, look, (0.265, 0.565, 0.735, 0.695), INK)


@sprite("van", colours="paint", parts=(*PARTS, "wheel"), role="sign", share=(0.72, 0.92),
        home="street", numbers={"nose": (0.0, 0.04)},
        words={"says": ("MILK", "BREAD", "FISH", "POST", "ICE", "TAXI", "EGGS", "CAKES"), **_LOOKS})
def van(ink: Ink, look: Look) -> None:
    """A delivery van with a board on its side."""
    paint, letters = _paints(look)
    coat = look.accent if look.word("paint") == "dark" else look.main
    nose = 0.05 - look.number("nose")
    body = poly([(nose, 0.80), (nose + 0.01, 0.56), (0.15, 0.50), (0.235, 0.27), (0.97, 0.27),
                 (0.97, 0.80)], 0.05)
    with ink.part("body"):
        ink.fill(body, coat)
        with ink.clip(body):
            ink.fill(box(-0.1, 0.735, 1.1, 0.85), darker(coat, 0.25))
    with ink.part("body"):
        pane = poly([(0.185, 0.51), (0.25, 0.325), (0.355, 0.325), (0.355, 0.51)], 0.02)
        ink.fill(pane, GLASS)
        with ink.clip(pane):
            ink.fill(poly([(0.30, 0.3), (0.335, 0.3), (0.27, 0.55), (0.23, 0.55)]), WHITE,
                     alpha=0.4)
    with ink.clip(body):
        ink.line(curve([(0.38, 0.30), (0.38, 0.73)]), darker(coat, 0.3), 0.012)
        ink.line(curve([(0.30, 0.575), (0.345, 0.575)]), darker(coat, 0.4), 0.02)
        ink.fill(oval(nose + 0.035, 0.63, 0.028, 0.036), mix(GOLD, CREAM, 0.35))
    board = box(0.42, 0.335, 0.93, 0.68, 0.04)
    with ink.part("board"):
        ink.fill(board, paint)
    bare = look.word("emblem") == "none"
    _emblem(ink, look, board, 0.675, 0.60, 0.05, look.main if look.word("paint") == "pale"
            else mix(GOLD, CREAM, 0.3))
    write(ink, look, (0.45, 0.375, 0.90, 0.64 if bare else 0.525), letters)
    for x in (0.215, 0.755):
        with ink.part("wheel"):
            ink.fill(oval(x, 0.80, 0.115), INK)
        with ink.part("wheel"):
            ink.fill(oval(x, 0.80, 0.058), METAL)
