"""A thing: one sprite with every choice made, and a place in a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from camkit.world.palette import FAMILIES, Scheme
from camkit.world.sprites import Role, find


@dataclass(frozen=True)
class Thing:
    """One thing in a scene. No pixels: it can be compared, hashed and pickled.

    `place` is where the middle of its unit square lies and `scale` that square's side, both in
    shares of the picture's side; `rotation` is in degrees, clockwise.
    """

    kind: str
    role: Role
    place: tuple[float, float]
    scale: float
    flip: bool
    rotation: float
    colours: Scheme
    words: tuple[tuple[str, str], ...]
    numbers: tuple[tuple[str, float], ...]
    seed: int


def make_thing(
    kind: str,
    rng: np.random.Generator,
    place: tuple[float, float] = (0.5, 0.5),
    scale: float = 1.0,
) -> Thing:
    """Draw a thing of `kind`: its colours, pose and measures come from `rng`."""
    sprite = find(kind)
    schemes = FAMILIES[sprite.colours]
    return Thing(
        kind=kind,
        role=sprite.role,
        place=place,
        scale=scale,
        flip=bool(rng.random() < 0.5) and sprite.role != "sign",  # words do not run backwards
        rotation=0.0,
        colours=schemes[int(rng.integers(len(schemes)))],
        words=tuple((n, w[int(rng.integers(len(w)))]) for n, w in sprite.words.items()),
        numbers=tuple(
            (n, lo + (hi - lo) * float(rng.random())) for n, (lo, hi) in sprite.numbers.items()
        ),
        seed=int(rng.integers(2**31)),
    )
