"""A scene: things in a place under a light, without a pixel, and the picture drawn from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from camkit.images import Sample
from camkit.world.backgrounds import Backdrop, make_backdrop
from camkit.world.light import Light, grain
from camkit.world.paint import Painted, measure, paint_place, paint_thing
from camkit.world.palette import FAMILIES, Scheme
from camkit.world.sprites import check_name, find, kinds
from camkit.world.things import Thing, make_thing

Mask = NDArray[np.bool_]
Boxes = NDArray[np.float64]

SMALLEST = 16  # pixels; below this nothing can be made out


def check_size(size: object) -> int:
    """Return `size` if a picture can be drawn that small (or large)."""
    if isinstance(size, bool) or not isinstance(size, (int, np.integer)):
        raise TypeError(f"size must be a whole number of pixels; it is a {type(size).__name__}.")
    if not SMALLEST <= size <= 4096:
        raise ValueError(f"size must lie between {SMALLEST} and 4096 pixels; it is {size}.")
    return int(size)


def check_seed(seed: object, what: str = "seed") -> int:
    """Return `seed` if it can start a random stream."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
        raise TypeError(f"{what} must be a whole number; it is a {type(seed).__name__}.")
    if not 0 <= seed < 2**63:
        raise ValueError(f"{what} must lie between 0 and 2**63 - 1; it is {seed}.")
    return int(seed)


def _tight(mask: Mask) -> tuple[float, float, float, float]:
    """The box around a mask, end exclusive; NaN where the mask is empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return (np.nan,) * 4
    return (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))


def _overlap(piece: Painted, size: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Where a piece lies on the picture, and which part of the piece that is."""
    h, w = piece.alpha.shape
    x0, y0 = min(max(piece.x, 0), size), min(max(piece.y, 0), size)
    x1, y1 = max(min(piece.x + w, size), x0), max(min(piece.y + h, size), y0)
    there = (slice(y0, y1), slice(x0, x1))
    return there, (slice(y0 - piece.y, y1 - piece.y), slice(x0 - piece.x, x1 - piece.x))


@dataclass(frozen=True)
class Picture:
    """A drawn scene and the truth about it.

    `image` is (H, W, 3) uint8. With n things, `visible` and `amodal` are (n, H, W) masks (what is
    seen, and what would be seen were nothing in front), `boxes` and `amodal_boxes` (n, 4) boxes
    `(x0, y0, x1, y1)` in pixels, end exclusive, NaN for a thing that is hidden altogether.

    >>> from camkit import world
    >>> picture = world.scene_of("dog", seed=1).draw(64)
    >>> picture.image.shape, picture.visible.shape[1:], len(picture.boxes) == len(picture.things)
    ((64, 64, 3), (64, 64), True)
    """

    image: NDArray[np.uint8]
    things: tuple[Thing, ...]
    pieces: tuple[Painted, ...]

    @property
    def size(self) -> int:
        """The side of the picture in pixels."""
        return len(self.image)

    @cached_property
    def _coverage(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        n = len(self.things)
        whole = np.zeros((n, self.size, self.size), np.float32)
        seen = np.zeros_like(whole)
        for i, piece in enumerate(self.pieces):
            (rows, columns), here = _overlap(piece, self.size)
            seen[:i, rows, columns] *= 1.0 - piece.alpha[here]
            whole[i, rows, columns] = seen[i, rows, columns] = piece.alpha[here]
        return seen, whole

    @cached_property
    def visible(self) -> NDArray[np.bool_]:
        """(n, H, W): where at least half a pixel is covered by the thing, as seen."""
        return self._coverage[0] > 0.5

    @cached_property
    def amodal(self) -> NDArray[np.bool_]:
        """(n, H, W): where the thing is, whatever lies in front of it."""
        return self._coverage[1] > 0.5

    @cached_property
    def boxes(self) -> Boxes:
        """(n, 4): the boxes around the visible masks."""
        return np.array([_tight(m) for m in self.visible]).reshape(-1, 4)

    @cached_property
    def amodal_boxes(self) -> Boxes:
        """(n, 4): the boxes around the amodal masks."""
        return np.array([_tight(m) for m in self.amodal]).reshape(-1, 4)

    def parts(self, which: int | str) -> dict[str, Mask]:
        """The parts of one thing, each an (H, W) mask inside its amodal mask.

        >>> from camkit import world
        >>> sorted(world.scene_of("dog", seed=1).draw(64).parts("dog"))[:3]
        ['body', 'ear', 'head']
        """
        i = position(self.things, which)
        piece = self.pieces[i]
        there, here = _overlap(piece, self.size)
        found: dict[str, Mask] = {}
        for lump, name in enumerate(piece.names[1:], start=1):
            mask = found.setdefault(name, np.zeros((self.size, self.size), dtype=bool))
            mask[there] |= piece.lumps[here] == lump
        return {name: mask & self.amodal[i] for name, mask in found.items()}

    def part(self, which: int | str, name: str) -> Mask:
        """One part of one thing, an (H, W) mask; a ValueError lists the parts it has."""
        parts = self.parts(which)
        check_name(name, list(parts), f"part of {self.things[position(self.things, which)].kind}")
        return parts[name]


def position(things: Sequence[Thing], which: int | str) -> int:
    """The index of a thing given by its index or its kind (the frontmost of that kind)."""
    present = ", ".join(t.kind for t in things) or "nothing"
    if isinstance(which, str):
        for i in range(len(things) - 1, -1, -1):
            if things[i].kind == which:
                return i
        find(which)  # says so if there is no such thing in the whole world
        raise ValueError(f"there is no {which!r} in this scene; it holds {present}.")
    if isinstance(which, bool) or not isinstance(which, (int, np.integer)):
        raise TypeError(
            f"a thing is named by its kind (str) or index (int), not by a {type(which).__name__}."
        )
    if not 0 <= which < len(things):
        raise IndexError(f"there is no thing {which} in this scene; it holds {present}.")
    return int(which)


@dataclass(frozen=True)
class Scene:
    """Things in a place under a light: everything a picture is drawn from.

    `things` stand from back to front. `label` is the index of the class the scene is about: of
    `world.CLASSES`, or of the `names` of the set it comes from. `about` names the kinds of things
    that make it so; none named, it is the class itself. A scene holds no pixels: it can be
    compared, hashed, pickled and changed; every change returns a new scene and leaves all else
    as it was.

    >>> from camkit import world
    >>> scene = world.scene_of("dog", background="room", seed=3)
    >>> scene.without("dog").kinds.count("dog")
    0
    """

    things: tuple[Thing, ...]
    background: Backdrop
    light: Light
    label: int
    name: str = ""
    about: tuple[str, ...] = ()

    @property
    def kinds(self) -> tuple[str, ...]:
        """What stands in the scene, from back to front."""
        return tuple(t.kind for t in self.things)

    @property
    def objects(self) -> tuple[int, ...]:
        """The indices of the things that belong to a class (no distractors, no occluders)."""
        return tuple(i for i, t in enumerate(self.things) if t.role == "object")

    def draw(self, size: int = 128) -> Picture:
        """Draw the scene, `size` pixels wide and high.

        Painted things are remembered, so drawing a changed scene repaints only what changed.
        """
        size = check_size(size)
        canvas = paint_place(self.background, self.light, size).colour.copy()
        pieces = tuple(paint_thing(thing, self.light, size) for thing in self.things)
        for piece in pieces:
            there, here = _overlap(piece, size)
            area = canvas[there]
            area *= ((1.0 - piece.shadow[here]) * (1.0 - piece.alpha[here]))[..., None]
            area += piece.colour[here]
            if piece.aside is not None:
                a = piece.aside[here][..., 3:]
                area += a * (piece.aside[here][..., :3] - area)
        canvas += grain(size)
        canvas *= 255.0
        canvas += 0.5
        np.clip(canvas, 0.0, 255.0, out=canvas)
        return Picture(canvas.astype(np.uint8), self.things, pieces)

    def sample(self, size: int = 128) -> Sample:
        """The picture as a labelled `Sample`: boxes and mask are of the things it is about."""
        picture = self.draw(size)
        about = self.about or (kinds("object")[self.label],)
        mine = [i for i, thing in enumerate(self.things) if thing.kind in about]
        boxes = picture.boxes[mine]
        return Sample(
            picture.image, self.label, boxes[~np.isnan(boxes).any(axis=1)],
            np.asarray(picture.visible[mine].any(axis=0)), self.name,
        )  # fmt: skip

    # --- interventions -----------------------------------------------------------------------

    def _with(self, i: int, thing: Thing) -> Scene:
        return replace(self, things=(*self.things[:i], thing, *self.things[i + 1 :]))

    def without(self, which: int | str) -> Scene:
        """The same scene without one thing, given by index, or without all of one kind."""
        i = position(self.things, which)
        if isinstance(which, str):
            return replace(self, things=tuple(t for t in self.things if t.kind != which))
        return replace(self, things=self.things[:i] + self.things[i + 1 :])

    def only(self, which: int | str) -> Scene:
        """The same scene with nothing in it but one thing."""
        return replace(self, things=(self.things[position(self.things, which)],))

    def on(self, background: str | Backdrop, seed: int = 0) -> Scene:
        """The same things under the same light in another place."""
        if isinstance(background, str):
            background = make_backdrop(background, np.random.default_rng(check_seed(seed)))
        elif not isinstance(background, Backdrop):
            raise TypeError(
                f"background must be a name, or the background of another scene; it is a "
                f"{type(background).__name__}."
            )
        return replace(self, background=background)

    def moved(self, which: int | str, dx: float, dy: float = 0.0) -> Scene:
        """The same scene with one thing moved by `(dx, dy)`, in shares of the picture."""
        i = position(self.things, which)
        if not (isfinite(dx) and isfinite(dy) and max(abs(dx), abs(dy)) <= 1.0):
            raise ValueError(
                f"dx and dy must lie between -1 and 1, the picture's side; they are {dx}, {dy}."
            )
        x, y = self.things[i].place
        return self._with(i, replace(self.things[i], place=(x + dx, y + dy)))

    def recoloured(self, which: int | str, colours: int | Scheme = 0) -> Scene:
        """The same scene with one thing in other colours.

        `colours` is three (r, g, b) colours in 0..1, or a number: which other scheme of the
        sprite's family to take (counted round and round, so any number is good).
        """
        i = position(self.things, which)
        thing = self.things[i]
        if isinstance(colours, (int, np.integer)):
            others = [s for s in FAMILIES[find(thing.kind).colours] if s != thing.colours]
            scheme = others[int(colours) % len(others)]
        else:
            scheme = _check_scheme(colours)
        return self._with(i, replace(thing, colours=scheme))

    def enlarged(self, which: int | str, factor: float) -> Scene:
        """The same scene with one thing `factor` times as large, its foot staying in place."""
        i = position(self.things, which)
        thing = self.things[i]
        if not (0.0 < thing.scale * factor <= 2.0):
            raise ValueError(
                f"factor must be above 0 and leave the thing at most twice the picture's side; "
                f"{thing.kind} would become {thing.scale * factor:.2f} sides large."
            )
        x0, _, x1, foot = measure(thing)
        middle, change = (x0 + x1) / 2, thing.scale * (1.0 - factor)
        place = (thing.place[0] + middle * change, thing.place[1] + foot * change)
        return self._with(i, replace(thing, place=place, scale=thing.scale * factor))

    def with_thing(
        self,
        thing: Thing | str,
        place: tuple[float, float] = (0.5, 0.9),
        scale: float = 0.3,
        seed: int = 0,
        behind: bool = False,
    ) -> Scene:
        """The same scene with one more thing, in front of the others or `behind` them.

        A name is enough: `place` is then where its foot stands, `scale` its size, both in shares
        of the picture, and `seed` draws its colours and pose.
        """
        if isinstance(thing, str):
            made = make_thing(thing, np.random.default_rng(check_seed(seed)))
            thing = stood(made, place, scale)
        elif not isinstance(thing, Thing):
            raise TypeError(f"thing must be a name or a Thing; it is a {type(thing).__name__}.")
        things = (thing, *self.things) if behind else (*self.things, thing)
        return replace(self, things=things)


def _check_scheme(colours: object) -> Scheme:
    array = np.asarray(colours, dtype=np.float64)
    if array.shape != (3, 3) or not ((array >= 0) & (array <= 1)).all():
        raise ValueError(
            "colours must be three (r, g, b) colours with values in 0..1, or a whole number."
        )
    main, second, accent = (tuple(row) for row in array.tolist())
    return (main, second, accent)


def stood(thing: Thing, foot: tuple[float, float], scale: float) -> Thing:
    """`thing`, `scale` large, with the middle of its foot at `foot` in the picture."""
    x0, _, x1, y1 = measure(thing)
    place = (foot[0] - scale * (x0 + x1) / 2, foot[1] - scale * y1)
    return replace(thing, place=place, scale=scale)
