"""The colours of the picture world, chosen in OKLCH so that they sit well together.

OKLCH (Ottosson 2020) names a colour by lightness (0..1), chroma (0 grey to about 0.3) and hue
(degrees): equal steps look equal. A family is a list of schemes; a scheme is three colours that
go together: `main` (the body), `second` (its companion) and `accent` (a small, brighter detail).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, radians, sin

RGB = tuple[float, float, float]
Scheme = tuple[RGB, RGB, RGB]


def oklch(lightness: float, chroma: float, hue: float) -> RGB:
    """The sRGB colour (r, g, b in 0..1) of an OKLCH triple, clipped to what a screen shows.

    >>> tuple(round(v, 2) for v in oklch(1.0, 0.0, 0.0))
    (1.0, 1.0, 1.0)
    """
    a, b = chroma * cos(radians(hue)), chroma * sin(radians(hue))
    l_ = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    m_ = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    s_ = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * l_ - 3.3077115913 * m_ + 0.2309699292 * s_,
        -1.2684380046 * l_ + 2.6097574011 * m_ - 0.3413193965 * s_,
        -0.0041960863 * l_ - 0.7034186147 * m_ + 1.7076147010 * s_,
    )
    r, g, b = (_gamma(min(max(v, 0.0), 1.0)) for v in linear)
    return r, g, b


def _gamma(v: float) -> float:
    return float(12.92 * v if v <= 0.0031308 else 1.055 * v ** (1 / 2.4) - 0.055)


def mix(one: RGB, other: RGB, share: float) -> RGB:
    """`one` with `share` (0..1) of `other` in it.

    >>> mix((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), 0.25)
    (0.25, 0.25, 0.25)
    """
    r, g, b = (p + (q - p) * share for p, q in zip(one, other, strict=True))
    return r, g, b


def darker(colour: RGB, share: float = 0.25) -> RGB:
    """`colour` in shade: towards a deep, cool brown rather than black."""
    return mix(colour, SHADE, share)


def lighter(colour: RGB, share: float = 0.25) -> RGB:
    """`colour` in the light: towards a warm white."""
    return mix(colour, CREAM, share)


# Colours that mean the same wherever they stand.
INK = oklch(0.25, 0.02, 60)  # eyes, noses, tyres
SHADE = oklch(0.24, 0.05, 300)
WHITE = oklch(0.97, 0.008, 90)
CREAM = oklch(0.95, 0.035, 85)
GLASS = oklch(0.87, 0.05, 225)
METAL = oklch(0.76, 0.012, 250)
WOOD = oklch(0.58, 0.09, 62)
STRAW = oklch(0.76, 0.10, 80)
CLAY = oklch(0.62, 0.125, 42)
LEAF = oklch(0.62, 0.135, 140)
GOLD = oklch(0.82, 0.14, 85)
ROSE = oklch(0.72, 0.13, 12)
COFFEE = oklch(0.40, 0.06, 55)


def _schemes(*triples: Sequence[tuple[float, float, float]]) -> tuple[Scheme, ...]:
    return tuple((oklch(*t[0]), oklch(*t[1]), oklch(*t[2])) for t in triples)


FAMILIES: dict[str, tuple[Scheme, ...]] = {
    # Fur: coat, its pale side, collar.
    "coat": _schemes(
        [(0.66, 0.115, 58), (0.90, 0.045, 80), (0.60, 0.15, 25)],  # ginger
        [(0.50, 0.075, 52), (0.83, 0.06, 75), (0.66, 0.11, 210)],  # chestnut
        [(0.80, 0.075, 78), (0.95, 0.03, 85), (0.58, 0.13, 15)],  # sand
        [(0.46, 0.022, 270), (0.86, 0.012, 260), (0.75, 0.14, 75)],  # slate
        [(0.93, 0.018, 80), (0.70, 0.07, 60), (0.62, 0.12, 250)],  # cream
        [(0.37, 0.025, 50), (0.78, 0.06, 70), (0.70, 0.13, 150)],  # dark brown
    ),
    # Fox: coat, white, stocking.
    "fox": _schemes(
        [(0.65, 0.145, 48), (0.95, 0.025, 80), (0.33, 0.04, 40)],  # red
        [(0.60, 0.115, 40), (0.93, 0.03, 75), (0.30, 0.03, 30)],  # russet
        [(0.52, 0.025, 260), (0.88, 0.012, 250), (0.30, 0.02, 280)],  # silver
        [(0.92, 0.015, 230), (0.98, 0.006, 200), (0.66, 0.03, 240)],  # arctic
        [(0.76, 0.09, 72), (0.96, 0.02, 85), (0.42, 0.05, 50)],  # sand
    ),
    # Feathers: back, breast, beak and feet.
    "plumage": _schemes(
        [(0.64, 0.10, 245), (0.93, 0.03, 85), (0.76, 0.14, 68)],  # blue
        [(0.55, 0.06, 60), (0.70, 0.15, 42), (0.62, 0.09, 60)],  # robin
        [(0.86, 0.13, 95), (0.95, 0.06, 98), (0.72, 0.16, 55)],  # yellow
        [(0.95, 0.012, 90), (0.88, 0.02, 230), (0.76, 0.15, 62)],  # white
        [(0.62, 0.11, 150), (0.90, 0.07, 105), (0.70, 0.14, 45)],  # green
        [(0.44, 0.03, 270), (0.86, 0.02, 250), (0.78, 0.14, 75)],  # black
        [(0.70, 0.12, 15), (0.93, 0.03, 40), (0.60, 0.10, 55)],  # pink
    ),
    # Finches of every species: back, breast, beak and legs.
    "feathers": _schemes(
        [(0.62, 0.095, 240), (0.92, 0.04, 85), (0.74, 0.13, 68)],  # blue
        [(0.55, 0.065, 60), (0.72, 0.145, 45), (0.60, 0.08, 60)],  # robin
        [(0.74, 0.125, 92), (0.95, 0.05, 98), (0.62, 0.12, 45)],  # ochre
        [(0.60, 0.10, 145), (0.90, 0.075, 105), (0.72, 0.13, 50)],  # green
        [(0.47, 0.03, 265), (0.87, 0.02, 250), (0.77, 0.14, 75)],  # charcoal
        [(0.68, 0.115, 15), (0.93, 0.03, 40), (0.58, 0.09, 55)],  # rose
        [(0.60, 0.08, 200), (0.82, 0.11, 80), (0.52, 0.07, 50)],  # teal
        [(0.60, 0.095, 305), (0.92, 0.03, 310), (0.80, 0.13, 85)],  # heather
        [(0.58, 0.125, 38), (0.90, 0.055, 75), (0.46, 0.04, 270)],  # rust
    ),
    # Enamel, lacquer, cloth: strong but not loud.
    "paint": _schemes(
        [(0.61, 0.175, 27), (0.94, 0.03, 85), (0.82, 0.14, 85)],  # poppy
        [(0.76, 0.145, 70), (0.95, 0.03, 90), (0.55, 0.12, 250)],  # marigold
        [(0.85, 0.14, 95), (0.97, 0.02, 95), (0.60, 0.16, 28)],  # lemon
        [(0.66, 0.12, 155), (0.94, 0.035, 120), (0.80, 0.13, 80)],  # mint leaf
        [(0.64, 0.10, 195), (0.95, 0.025, 190), (0.76, 0.14, 60)],  # teal
        [(0.62, 0.125, 248), (0.94, 0.025, 240), (0.84, 0.13, 90)],  # sky blue
        [(0.50, 0.13, 268), (0.90, 0.04, 270), (0.78, 0.13, 55)],  # ink blue
        [(0.58, 0.135, 308), (0.93, 0.03, 310), (0.86, 0.12, 95)],  # plum
        [(0.72, 0.135, 5), (0.95, 0.03, 20), (0.60, 0.10, 200)],  # rose
    ),
    # Clothes: shirt, trousers or skirt, trimmings and shoes.
    "clothes": _schemes(
        [(0.64, 0.155, 28), (0.48, 0.075, 262), (0.93, 0.04, 90)],  # red and denim
        [(0.82, 0.125, 90), (0.44, 0.06, 250), (0.62, 0.15, 30)],  # yellow and navy
        [(0.62, 0.095, 195), (0.84, 0.055, 80), (0.70, 0.15, 50)],  # teal and sand
        [(0.93, 0.025, 90), (0.54, 0.085, 155), (0.62, 0.13, 25)],  # cream and moss
        [(0.66, 0.105, 245), (0.42, 0.03, 280), (0.86, 0.12, 95)],  # sky and slate
        [(0.70, 0.13, 355), (0.50, 0.10, 300), (0.95, 0.02, 60)],  # rose and plum
        [(0.60, 0.10, 145), (0.60, 0.075, 60), (0.90, 0.06, 100)],  # leaf and tan
        [(0.56, 0.115, 305), (0.80, 0.07, 210), (0.84, 0.13, 80)],  # violet and pale blue
        [(0.72, 0.14, 58), (0.46, 0.055, 45), (0.90, 0.04, 200)],  # orange and brown
    ),
    # Glazes and earthenware: softer than paint.
    "glaze": _schemes(
        [(0.92, 0.03, 85), (0.58, 0.11, 250), (0.66, 0.14, 35)],  # cream and cobalt
        [(0.67, 0.115, 42), (0.92, 0.04, 80), (0.48, 0.06, 50)],  # terracotta
        [(0.70, 0.075, 200), (0.94, 0.025, 190), (0.60, 0.09, 60)],  # celadon
        [(0.56, 0.11, 255), (0.93, 0.02, 240), (0.84, 0.12, 88)],  # cobalt
        [(0.80, 0.11, 85), (0.95, 0.03, 90), (0.55, 0.12, 30)],  # honey
        [(0.73, 0.10, 15), (0.95, 0.025, 30), (0.56, 0.09, 200)],  # blush
        [(0.62, 0.09, 150), (0.93, 0.03, 130), (0.80, 0.12, 80)],  # moss
    ),
    # Growing things: leaf, pot, flower.
    "green": _schemes(
        [(0.62, 0.135, 142), (0.64, 0.12, 42), (0.72, 0.15, 12)],
        [(0.55, 0.115, 152), (0.90, 0.03, 85), (0.84, 0.14, 88)],
        [(0.68, 0.13, 128), (0.58, 0.11, 250), (0.74, 0.14, 35)],
        [(0.58, 0.09, 175), (0.72, 0.09, 55), (0.75, 0.13, 340)],
    ),
    # Wood, wicker, rope.
    "wood": _schemes(
        [(0.62, 0.10, 62), (0.78, 0.09, 78), (0.60, 0.15, 28)],
        [(0.74, 0.10, 76), (0.58, 0.09, 60), (0.62, 0.11, 245)],
        [(0.52, 0.08, 50), (0.72, 0.09, 70), (0.66, 0.12, 150)],
    ),
    # Stone and the like.
    "stone": _schemes(
        [(0.70, 0.015, 80), (0.80, 0.012, 80), (0.62, 0.10, 140)],
        [(0.62, 0.02, 250), (0.76, 0.015, 240), (0.64, 0.10, 130)],
        [(0.68, 0.035, 55), (0.80, 0.03, 65), (0.62, 0.10, 145)],
    ),
    # Skies: high, at the horizon, and the colour of small things under it.
    "sky": _schemes(
        [(0.74, 0.095, 240), (0.94, 0.025, 215), (0.74, 0.13, 20)],  # clear noon
        [(0.80, 0.065, 225), (0.95, 0.04, 85), (0.80, 0.13, 75)],  # morning
        [(0.72, 0.07, 295), (0.90, 0.065, 55), (0.74, 0.12, 350)],  # evening
        [(0.83, 0.022, 240), (0.94, 0.012, 220), (0.72, 0.10, 30)],  # overcast
        [(0.78, 0.06, 195), (0.95, 0.03, 150), (0.80, 0.12, 55)],  # sea mist
    ),
    # Indoors: wall, wooden floor, cushion.
    "wall": _schemes(
        [(0.86, 0.045, 200), (0.72, 0.07, 65), (0.68, 0.12, 35)],
        [(0.88, 0.05, 80), (0.66, 0.065, 55), (0.62, 0.10, 245)],
        [(0.84, 0.05, 150), (0.76, 0.065, 75), (0.74, 0.11, 60)],
        [(0.86, 0.045, 15), (0.70, 0.06, 60), (0.62, 0.09, 190)],
        [(0.82, 0.04, 265), (0.74, 0.07, 70), (0.76, 0.12, 80)],
    ),
}
