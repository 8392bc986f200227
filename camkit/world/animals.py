"""Animals."""

from __future__ import annotations

from camkit.world.ink import Ink, blob, curve, limb, oval
from camkit.world.palette import INK, ROSE, WHITE, darker
from camkit.world.sprites import Look, sprite


@sprite(
    "dog",
    colours="coat",
    parts=("head", "ear", "leg", "tail"),
    words={"marking": ("plain", "patches", "saddle")},
    numbers={"tail": (-0.06, 0.05), "leg": (0.0, 0.05), "nose": (0.0, 0.03)},
    home="meadow",
)
def dog(ink: Ink, look: Look) -> None:
    """A short-legged dog, seen from the side, looking left."""
    coat, pale, collar = look.main, look.second, look.accent
    ground, tail, nose = 0.90 - 0.0, look.number("tail"), look.number("nose")
    hip = 0.66 - look.number("leg")
    with ink.part("leg"):  # the far pair, in shade
        for x in (0.40, 0.80):
            ink.fill(limb([(x, hip), (x + 0.01, 0.80), (x - 0.01, ground - 0.03)], 0.10, 0.08),
                     darker(coat, 0.35))  # fmt: skip
    with ink.part("tail"):
        ink.fill(limb([(0.84, hip - 0.10), (0.92, hip - 0.16), (0.95, hip - 0.28 - tail)],
                      0.07, 0.035), coat)  # fmt: skip
    body = blob([(0.30, hip - 0.16), (0.50, hip - 0.16), (0.78, hip - 0.17), (0.89, hip - 0.04),
                 (0.86, hip + 0.09), (0.62, hip + 0.08), (0.38, hip + 0.10), (0.27, hip)])  # fmt: skip
    with ink.part("body"):
        ink.fill(body, coat)
        with ink.clip(body):
            ink.fill(oval(0.56, hip + 0.13, 0.26, 0.07), pale)
            if look.word("marking") == "saddle":
                ink.fill(oval(0.62, hip - 0.15, 0.19, 0.13), darker(coat, 0.45))
            if look.word("marking") == "patches":
                for _ in range(4):
                    x, y = look.rng.uniform(0.40, 0.84), hip + look.rng.uniform(-0.14, 0.06)
                    ink.fill(oval(x, y, look.rng.uniform(0.04, 0.08), 0.045), darker(coat, 0.45))
    with ink.part("leg"):
        for x in (0.34, 0.84):
            ink.fill(limb([(x, hip - 0.02), (x, 0.78), (x - 0.01, ground - 0.03)], 0.13, 0.085),
                     coat)  # fmt: skip
            ink.fill(oval(x - 0.025, ground - 0.03, 0.065, 0.035), pale)
    with ink.part("head"):
        ink.fill(limb([(0.34, hip - 0.04), (0.30, hip - 0.22)], 0.20, 0.15), coat)
        ink.line(curve([(0.225, hip - 0.13), (0.30, hip - 0.08), (0.39, hip - 0.12)]), collar, 0.04)
        ink.fill(blob([(0.20, hip - 0.42), (0.34, hip - 0.43), (0.40, hip - 0.30),
                       (0.33, hip - 0.18), (0.19, hip - 0.17), (0.08 - nose, hip - 0.19),
                       (0.055 - nose, hip - 0.26), (0.13, hip - 0.31)]), coat)  # fmt: skip
        ink.fill(blob([(0.19, hip - 0.27), (0.08 - nose, hip - 0.27), (0.06 - nose, hip - 0.21),
                       (0.12, hip - 0.18), (0.20, hip - 0.19)]), pale)  # fmt: skip
        ink.fill(oval(0.065 - nose, hip - 0.265, 0.033, 0.027), INK)
        ink.line(curve([(0.075, hip - 0.20), (0.13, hip - 0.195), (0.18, hip - 0.215)]), INK, 0.012)
        ink.fill(oval(0.21, hip - 0.325, 0.027), INK)
        ink.fill(oval(0.202, hip - 0.333, 0.009), WHITE)
        ink.fill(oval(0.235, hip - 0.24, 0.03, 0.02), ROSE, alpha=0.4)
    with ink.part("ear"):
        ink.fill(blob([(0.28, hip - 0.42), (0.36, hip - 0.42), (0.43, hip - 0.28),
                       (0.41, hip - 0.17), (0.33, hip - 0.20), (0.30, hip - 0.32)]),
                 darker(coat, 0.35))  # fmt: skip
