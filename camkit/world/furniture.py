"""Furniture, indoors and out: it stands in most scenes and tells nothing about them."""

from __future__ import annotations

from camkit.world.ink import Ink, arc, blob, box, curve, limb, oval, poly, together
from camkit.world.palette import CREAM, GLASS, GOLD, INK, METAL, darker, lighter, mix
from camkit.world.sprites import Look, sprite

# How far down the unit square the surface lies on which things can stand.
SURFACES = {"table": 0.43, "bench": 0.595, "shelf": 0.57}

# Points are kept in rows, in the order in which they are drawn.
# fmt: off


@sprite("table", colours="wood", parts=("top", "leg"), role="furniture", share=(0.56, 0.70),
        home="room", words={"cloth": ("none", "runner", "drawer")}, numbers={"spread": (0.0, 0.05)})
def table(ink: Ink, look: Look) -> None:
    """A wooden table, seen a little from above."""
    wood, spread = look.main, look.number("spread")
    for x, lean in ((0.16, -1), (0.84, 1)):
        with ink.part("leg"):
            ink.fill(limb([(x, 0.47), (x + 0.5 * spread * lean, 0.84)], 0.058, 0.044),
                     darker(wood, 0.38))
    with ink.part("body"):
        ink.fill(box(0.09, 0.475, 0.91, 0.575, 0.015), darker(wood, 0.2))
        if look.word("cloth") == "drawer":
            ink.line(box(0.36, 0.495, 0.64, 0.56, 0.01), darker(wood, 0.45), 0.009)
            ink.fill(oval(0.50, 0.528, 0.018), look.second)
    for x, lean in ((0.10, -1), (0.90, 1)):
        with ink.part("leg"):
            ink.fill(limb([(x, 0.50), (x + spread * lean, 0.925)], 0.075, 0.052),
                     darker(wood, 0.08))
    top = poly([(0.10, 0.365), (0.90, 0.365), (0.985, 0.485), (0.015, 0.485)], 0.03)
    with ink.part("top"):
        ink.fill(box(0.015, 0.455, 0.985, 0.515, 0.025), darker(wood, 0.16))
        ink.fill(top, lighter(wood, 0.14))
        with ink.clip(top):
            ink.line(together([curve([(0.02 + 0.03 * i, y), (0.5, y - 0.004), (0.98 - 0.03 * i, y)])
                               for i, y in enumerate((0.463, 0.43, 0.40))]), wood, 0.008)
            if look.word("cloth") == "runner":
                ink.fill(poly([(0.33, 0.35), (0.67, 0.35), (0.70, 0.50), (0.30, 0.50)]),
                         mix(look.accent, CREAM, 0.45))
                ink.line(together([curve([(0.36, 0.35), (0.335, 0.50)]),
                                   curve([(0.64, 0.35), (0.665, 0.50)])]), CREAM, 0.012)


@sprite("bench", colours="wood", parts=("seat", "back", "leg"), role="furniture",
        share=(0.46, 0.58), home="park", words={"iron": ("dark", "green")})
def bench(ink: Ink, look: Look) -> None:
    """A garden bench with a slatted back."""
    wood = look.main
    iron = darker(METAL, 0.62) if look.word("iron") == "dark" else mix(look.accent, INK, 0.5)
    for x in (0.12, 0.88):
        with ink.part("leg"):
            ink.line(curve([(x, 0.26), (x - 0.01, 0.60), (x, 0.90)]), iron, 0.045)
    for y in (0.265, 0.365, 0.465):
        with ink.part("back"):
            ink.fill(box(0.03, y, 0.97, y + 0.072, 0.03), darker(wood, 0.06))
    for y, grow in ((0.555, 0.0), (0.625, 0.018)):
        with ink.part("seat"):
            ink.fill(box(0.03 - grow, y, 0.97 + grow, y + 0.066, 0.028), lighter(wood, 0.12))
    for x in (0.10, 0.90):
        with ink.part("leg"):
            ink.line(curve([(x, 0.70), (x, 0.80), (x + (0.03 if x > 0.5 else -0.03), 0.925)]), iron,
                     0.05)
            ink.line(curve([(x - 0.02, 0.46), (x + 0.02, 0.43), (x + 0.01, 0.66)]), iron, 0.04)


@sprite("lamp post", colours="stone", parts=("lantern", "foot"), role="furniture",
        share=(0.62, 0.76), home="street", words={"arms": ("one", "bracket")})
def lamp_post(ink: Ink, look: Look) -> None:
    """A cast-iron lantern on a post."""
    iron = darker(look.main, 0.62)
    with ink.part("body"):
        ink.fill(limb([(0.5, 0.26), (0.5, 0.86)], 0.032, 0.048), iron)
        if look.word("arms") == "bracket":
            ink.line(curve([(0.38, 0.335), (0.45, 0.315), (0.55, 0.315), (0.62, 0.335)]), iron,
                     0.022)
            for x in (0.38, 0.62):
                ink.fill(oval(x, 0.338, 0.018), iron)
    for y, w in ((0.48, 0.034), (0.74, 0.042)):
        with ink.part("body"):
            ink.fill(box(0.5 - w, y, 0.5 + w, y + 0.035, 0.014), lighter(iron, 0.12))
    with ink.part("foot"):
        ink.fill(poly([(0.455, 0.80), (0.545, 0.80), (0.585, 0.93), (0.415, 0.93)], 0.015), iron)
    with ink.part("lantern"):
        ink.fill(poly([(0.405, 0.10), (0.595, 0.10), (0.555, 0.265), (0.445, 0.265)], 0.012),
                 lighter(GOLD, 0.45))
        ink.line(together([curve([(0.5, 0.11), (0.5, 0.26)]), curve([(0.41, 0.11), (0.45, 0.26)]),
                           curve([(0.59, 0.11), (0.55, 0.26)])]), iron, 0.014)
    with ink.part("lantern"):
        ink.fill(poly([(0.375, 0.115), (0.445, 0.052), (0.5, 0.03), (0.555, 0.052),
                       (0.625, 0.115)], 0.012), iron)
        ink.fill(box(0.435, 0.25, 0.565, 0.278, 0.01), iron)
        ink.fill(oval(0.5, 0.03, 0.016), iron)


@sprite("tree", colours="green", parts=("crown", "trunk"), role="furniture", share=(0.60, 0.78),
        home="park", words={"shape": ("round", "tall")}, numbers={"bend": (-0.04, 0.04)})
def tree(ink: Ink, look: Look) -> None:
    """A round tree, or a poplar."""
    leaf, bend = darker(look.main, 0.10), look.number("bend")
    bark = mix((0.45, 0.33, 0.24), look.second, 0.12)
    with ink.part("trunk"):
        ink.fill(limb([(0.5, 0.93), (0.5 + bend / 2, 0.75), (0.5 + bend, 0.52)], 0.105, 0.06), bark)
        ink.line(curve([(0.51, 0.88), (0.51 + bend / 2, 0.76)]), darker(bark, 0.3), 0.012)
    tall = look.word("shape") == "tall"
    lobes = (
        ((0.50, 0.58, 0.15), (0.43, 0.44, 0.14), (0.58, 0.42, 0.14), (0.50, 0.26, 0.15),
         (0.50, 0.15, 0.10)) if tall else
        ((0.30, 0.47, 0.17), (0.70, 0.47, 0.17), (0.50, 0.50, 0.19), (0.37, 0.28, 0.18),
         (0.63, 0.28, 0.18), (0.50, 0.20, 0.15))
    )
    for i, (x, y, r) in enumerate(lobes):
        with ink.part("crown"):
            ink.fill(oval(x + bend, y, r, 0.92 * r), mix(leaf, CREAM, 0.05 * (i % 3)))


@sprite("armchair", colours="paint", parts=("seat", "back", "arm"), role="furniture",
        share=(0.40, 0.50), home="room", words={"cloth": ("plain", "buttons", "dots")})
def armchair(ink: Ink, look: Look) -> None:
    """A deep armchair."""
    cloth = mix(look.main, (0.72, 0.66, 0.60), 0.40)
    for x in (0.20, 0.80):
        with ink.part("body"):
            ink.fill(box(x - 0.035, 0.84, x + 0.035, 0.93, 0.015), darker(look.accent, 0.55))
    with ink.part("back"):
        back = blob([(0.19, 0.70), (0.17, 0.26), (0.24, 0.13), (0.50, 0.09), (0.76, 0.13),
                     (0.83, 0.26), (0.81, 0.70)])
        ink.fill(back, darker(cloth, 0.08))
        if look.word("cloth") == "buttons":
            for x, y in ((0.36, 0.25), (0.64, 0.25), (0.50, 0.36)):
                ink.fill(oval(x, y, 0.018), darker(cloth, 0.4))
        if look.word("cloth") == "dots":
            with ink.clip(back):
                ink.fill(together([oval(0.14 * i + 0.07 * (j % 2), 0.14 + 0.10 * j, 0.022)
                                   for i in range(1, 7) for j in range(5)]), lighter(cloth, 0.5))
    with ink.part("body"):
        ink.fill(box(0.14, 0.66, 0.86, 0.87, 0.04), darker(cloth, 0.14))
    with ink.part("seat"):
        ink.fill(box(0.23, 0.54, 0.77, 0.70, 0.06), lighter(cloth, 0.15))
    for x0, x1 in ((0.05, 0.25), (0.75, 0.95)):
        with ink.part("arm"):
            ink.fill(poly([(x0, 0.46), (x1, 0.46), (x1 - 0.01, 0.88), (x0 + 0.02, 0.88)], 0.08),
                     cloth)


@sprite("bookcase", colours="wood", parts=("books",), role="furniture", share=(0.54, 0.66),
        home="room", words={"top": ("flat", "globe")})
def bookcase(ink: Ink, look: Look) -> None:
    """A tall case of books."""
    wood, rng = darker(look.main, 0.12), look.rng
    with ink.part("body"):
        ink.fill(box(0.20, 0.10, 0.80, 0.93, 0.02), wood)
    shelves = ((0.15, 0.37), (0.41, 0.63), (0.67, 0.88))
    ink.fill(together([box(0.245, y0, 0.755, y1) for y0, y1 in shelves]), darker(wood, 0.5))
    tints = (mix(look.accent, CREAM, 0.30), mix(GLASS, INK, 0.30), mix(look.second, CREAM, 0.4),
             mix(look.accent, INK, 0.35))
    for k, (_, y1) in enumerate(shelves):
        x, stop = 0.255, 0.745 - 0.12 * (k == 1)
        while x < stop - 0.04:
            wide, high = 0.038 + 0.03 * rng.random(), 0.12 + 0.075 * rng.random()
            with ink.part("books"):
                ink.fill(box(x, y1 - high, x + wide, y1, 0.008), tints[int(rng.integers(4))])
            x += wide + 0.006
    if look.word("top") == "globe":
        with ink.part("body"):
            ink.fill(oval(0.62, 0.05, 0.052), mix(GLASS, look.accent, 0.25))
            ink.fill(box(0.57, 0.085, 0.67, 0.105, 0.008), darker(wood, 0.2))


@sprite("shelf", colours="wood", parts=("board",), role="furniture", share=(0.44, 0.56),
        home="kitchen", stands=False, words={"hooks": ("none", "three")})
def shelf(ink: Ink, look: Look) -> None:
    """A board on two brackets, to hang on a wall."""
    wood = look.main
    for x in (0.18, 0.82):
        with ink.part("body"):
            ink.line(curve([(x, 0.62), (x, 0.75)]), darker(wood, 0.3), 0.04)
            ink.line(curve([(x + 0.10 * (1 if x < 0.5 else -1), 0.625), (x, 0.73)]),
                     darker(wood, 0.3), 0.032)
    if look.word("hooks") == "three":
        for x in (0.36, 0.50, 0.64):
            with ink.part("body"):
                ink.line(curve([(x, 0.63), (x, 0.68), (x + 0.025, 0.695), (x + 0.035, 0.675)]),
                         darker(METAL, 0.3), 0.016)
    with ink.part("board"):
        ink.fill(box(0.03, 0.555, 0.97, 0.64, 0.02), lighter(wood, 0.12))
        ink.line(curve([(0.06, 0.60), (0.5, 0.595), (0.94, 0.60)]), darker(wood, 0.1), 0.008)


@sprite("clock", colours="paint", parts=("face",), role="furniture", share=(0.16, 0.20),
        home="kitchen", stands=False, numbers={"hour": (0.0, 360.0), "minute": (0.0, 360.0)})
def clock(ink: Ink, look: Look) -> None:
    """A round clock, to hang on a wall."""
    with ink.part("body"):
        ink.fill(oval(0.5, 0.5, 0.44), mix(look.main, (0.7, 0.66, 0.62), 0.35))
    with ink.part("face"):
        ink.fill(oval(0.5, 0.5, 0.345), CREAM)
        ticks = arc(0.5, 0.5, 0.28, 0.28, 0, 330, 12)
        ink.fill(together([oval(x, y, 0.022 if i % 3 == 0 else 0.012)
                           for i, (x, y) in enumerate(ticks)]), darker(METAL, 0.5))
        for turn, reach, width in ((look.number("hour"), 0.15, 0.045),
                                   (look.number("minute"), 0.24, 0.03)):
            (x, y), _ = arc(0.5, 0.5, reach, reach, turn, turn + 1, 2)
            ink.line(curve([(0.5, 0.5), (x, y)]), INK, width)
        ink.fill(oval(0.5, 0.5, 0.03), look.accent)


@sprite("picture", colours="sky", parts=("frame",), role="furniture", share=(0.20, 0.26),
        home="room", stands=False, words={"shows": ("hills", "sea", "flower")})
def picture(ink: Ink, look: Look) -> None:
    """A small painting in a frame."""
    with ink.part("frame"):
        ink.fill(box(0.06, 0.14, 0.94, 0.86, 0.03), mix(GOLD, INK, 0.42))
    inside = box(0.15, 0.225, 0.85, 0.775)
    with ink.part("body"):
        ink.fill(inside, look.second)
        with ink.clip(inside):
            if look.word("shows") == "hills":
                ink.fill(oval(0.68, 0.38, 0.07), lighter(GOLD, 0.3))
                ink.fill(oval(0.30, 0.85, 0.34, 0.30), mix(look.main, (0.45, 0.6, 0.4), 0.7))
                ink.fill(oval(0.74, 0.88, 0.34, 0.26), mix(look.main, (0.4, 0.52, 0.4), 0.8))
            if look.word("shows") == "sea":
                ink.fill(box(0.1, 0.52, 0.9, 0.9), mix(look.main, (0.25, 0.45, 0.6), 0.55))
                for y in (0.59, 0.67):
                    ink.line(curve([(0.24, y), (0.34, y - 0.02), (0.44, y), (0.54, y - 0.02),
                                    (0.64, y)]), look.second, 0.02)
            if look.word("shows") == "flower":
                ink.line(curve([(0.5, 0.80), (0.49, 0.50)]), (0.40, 0.55, 0.36), 0.03)
                for x, y in arc(0.5, 0.46, 0.09, 0.09, 0, 300, 6):
                    ink.fill(oval(x, y, 0.06), mix(look.accent, CREAM, 0.25))
                ink.fill(oval(0.5, 0.46, 0.05), GOLD)
