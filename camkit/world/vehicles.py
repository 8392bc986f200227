"""Things that roll and float."""

from __future__ import annotations

from camkit.world.ink import Ink, box, oval, poly
from camkit.world.palette import GLASS, GOLD, INK, METAL, WHITE, darker, lighter
from camkit.world.sprites import Look, sprite


def wheel(ink: Ink, x: float, y: float, radius: float) -> None:
    """A tyre and its hub."""
    with ink.part("wheel"):
        ink.fill(oval(x, y, radius), INK)
        ink.fill(oval(x, y, 0.56 * radius), METAL)
        ink.fill(oval(x, y, 0.20 * radius), darker(METAL, 0.5))


@sprite(
    "car",
    colours="paint",
    parts=("wheel", "window", "light"),
    words={"shape": ("saloon", "hatchback")},
    numbers={"roof": (0.0, 0.06), "wheel": (0.085, 0.105)},
    home="street",
)
def car(ink: Ink, look: Look) -> None:
    """A round little car, seen from the side, driving left."""
    paint, trim = look.main, look.second
    roof, back = 0.30 - look.number("roof"), 0.93 if look.word("shape") == "hatchback" else 0.80
    with ink.part("body"):
        ink.fill(poly([(0.24, 0.54), (0.36, roof), (back - 0.12, roof), (back, 0.56)], 0.10), paint)
        ink.fill(poly([(0.03, 0.53), (0.30, 0.47), (0.96, 0.47), (0.98, 0.72), (0.02, 0.72)], 0.09),
                 paint)  # fmt: skip
        ink.fill(box(0.02, 0.66, 0.98, 0.73, 0.03), darker(paint, 0.3))
        ink.line(box(0.08, 0.575, 0.93, 0.58), trim, 0.018)
        ink.fill(box(0.60, 0.525, 0.67, 0.54, 0.008), darker(paint, 0.5))
    with ink.part("window"):
        ink.fill(poly([(0.31, 0.49), (0.395, roof + 0.05), (0.535, roof + 0.05), (0.535, 0.49)],
                      0.03), GLASS)  # fmt: skip
        ink.fill(poly([(0.575, 0.49), (0.575, roof + 0.05), (back - 0.14, roof + 0.05),
                       (back - 0.06, 0.49)], 0.03), GLASS)  # fmt: skip
        ink.fill(poly([(0.41, 0.49), (0.475, roof + 0.05), (0.505, roof + 0.05), (0.44, 0.49)]),
                 lighter(GLASS, 0.6), alpha=0.7)  # fmt: skip
    with ink.part("light"):
        ink.fill(oval(0.055, 0.58, 0.035, 0.04), GOLD)
        ink.fill(oval(0.047, 0.572, 0.012), WHITE)
        ink.fill(box(0.945, 0.53, 0.985, 0.60, 0.015), look.accent)
    for x in (0.24, 0.77):
        ink.fill(oval(x, 0.72, look.number("wheel") + 0.025), darker(paint, 0.55))
        wheel(ink, x, 0.735, look.number("wheel"))
