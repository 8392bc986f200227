"""What can be drawn: sprites, their choices, and the register they stand in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from importlib import import_module
from typing import Literal

import numpy as np

from camkit.world.ink import Ink
from camkit.world.palette import FAMILIES, RGB

Role = Literal[
    "object", "distractor", "occluder", "bird", "perch", "person", "tool", "furniture", "sign"
]

# The files of sprites, in the order in which their classes are listed.
_FILES = (
    "animals", "vehicles", "household", "nature", "clutter", "birds", "signs", "furniture",
    "people", "tools",
)  # fmt: skip


@dataclass(frozen=True)
class Look:
    """How one sprite is to be drawn this time: its colours, words and numbers.

    `main`, `second`, `accent` are its three colours; `word("pose")` and `number("leg")` its
    drawn choices; `rng` is a generator of its own for small irregular detail (spots, petals).
    """

    main: RGB
    second: RGB
    accent: RGB
    words: Mapping[str, str]
    numbers: Mapping[str, float]
    rng: np.random.Generator = field(repr=False, compare=False)

    def word(self, name: str) -> str:
        """The choice drawn for `name`, one of those the sprite declared."""
        return self.words[name]

    def number(self, name: str) -> float:
        """The value drawn for `name`, between the limits the sprite declared."""
        return self.numbers[name]


@dataclass(frozen=True)
class Sprite:
    """A drawable thing and everything that may vary about it."""

    name: str
    draw: Callable[[Ink, Look], None]
    role: Role
    colours: str  # a family of `palette.FAMILIES`
    parts: tuple[str, ...]
    words: Mapping[str, tuple[str, ...]]
    numbers: Mapping[str, tuple[float, float]]
    home: str  # the background a biased set ties the class to
    stands: bool  # False: it may hang in the air
    share: tuple[float, float]  # side of the unit square in the picture, for things not in focus


_REGISTER: dict[str, Sprite] = {}


def sprite(
    name: str,
    *,
    colours: str,
    parts: tuple[str, ...] = (),
    role: Role = "object",
    words: Mapping[str, tuple[str, ...]] | None = None,
    numbers: Mapping[str, tuple[float, float]] | None = None,
    home: str = "meadow",
    stands: bool = True,
    share: tuple[float, float] = (0.14, 0.22),
) -> Callable[[Callable[[Ink, Look], None]], Callable[[Ink, Look], None]]:
    """Register a function `draw(ink, look)` as the sprite `name`.

    `words` and `numbers` say what varies: a choice of names, a range of values. They are drawn
    when a scene is made, not when it is painted, so a scene looks the same at any size.
    """
    if name in _REGISTER:
        raise ValueError(f"sprite {name!r} is registered already; give the new one another name.")
    if colours not in FAMILIES:
        raise ValueError(f"colours must be one of {', '.join(FAMILIES)}; it is {colours!r}.")

    def register(draw: Callable[[Ink, Look], None]) -> Callable[[Ink, Look], None]:
        _REGISTER[name] = Sprite(
            name, draw, role, colours, ("body", *(p for p in parts if p != "body")),
            dict(words or {}), dict(numbers or {}), home, stands, share,
        )  # fmt: skip
        return draw

    return register


def load() -> Mapping[str, Sprite]:
    """Every sprite by name, the files of sprites being imported once."""
    _import_files()
    return _REGISTER


@lru_cache(maxsize=1)
def _import_files() -> None:
    for file in _FILES:
        import_module(f"camkit.world.{file}")


def find(name: str, role: Role | None = None) -> Sprite:
    """The sprite called `name`; a ValueError names the near ones if there is none."""
    register = load()
    found = register.get(name) if isinstance(name, str) else None
    if found is None or (role is not None and found.role != role):
        known = [s.name for s in register.values() if role is None or s.role == role]
        found = register[check_name(name, known, role or "thing")]
    return found


def check_name(name: object, known: list[str] | tuple[str, ...], what: str) -> str:
    """Return `name` if it is one of `known`; otherwise say what is near, or what there is."""
    if not isinstance(name, str):
        raise TypeError(
            f"{what} must be a name (a str), such as {known[0]!r}; it is a {type(name).__name__}."
        )
    if name in known:
        return name
    near = get_close_matches(name, known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(known)}."
    raise ValueError(f"there is no {what} called {name!r}; {hint}")


@lru_cache(maxsize=8)
def kinds(role: Role) -> tuple[str, ...]:
    """The names of all sprites of one role, in the order of the register."""
    return tuple(s.name for s in load().values() if s.role == role)
