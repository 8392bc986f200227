"""Scenes: a place is known by what stands there together.

Each scene is defined by two kinds of objects. Either of them alone also stands in other scenes, as
a stray or as half of another pair, so that only both together tell. The backdrop is hung at random,
as on a stage, and the furniture goes with the backdrop: neither tells anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from camkit.world.backgrounds import BACKGROUNDS, Backdrop
from camkit.world.compose import (
    BACKDROP,
    CLUTTER,
    LIGHT,
    OBJECT,
    OTHER,
    PLACE,
    Box,
    Streams,
    _common,
    box_of,
    draw_backdrop,
    draw_light,
)
from camkit.world.furniture import SURFACES
from camkit.world.paint import measure
from camkit.world.palette import FAMILIES
from camkit.world.scene import Scene, check_seed, stood
from camkit.world.sets import Pictures
from camkit.world.sprites import check_name, find, kinds
from camkit.world.things import Thing, make_thing

DEFINING: dict[str, tuple[str, str]] = {
    "harbour": ("boat", "steamer"),
    "seaside": ("boat", "umbrella"),
    "street": ("car", "bicycle"),
    "park": ("dog", "bicycle"),
    "farm": ("cart", "duck"),
    "picnic": ("basket", "jug"),
    "kitchen": ("teapot", "jug"),
    "study": ("lamp", "mug"),
    "living room": ("lamp", "cat"),
    "garden": ("watering can", "plant"),
}
SCENES: tuple[str, ...] = tuple(DEFINING)

# What may stand on a table, a bench or a shelf.
_SMALL = frozenset((
    "mug", "jug", "teapot", "basket", "watering can", "lamp", "plant", "cactus", "cat", "bird",
))  # fmt: skip
_COLOURS = ("paint", "glaze", "coat", "wood", "green")
_INDOORS = ("room", "kitchen")
_LARGE = {
    True: ("table", "table", "shelf", "armchair", "bookcase"),
    False: ("table", "table", "bench", "bench", "tree", "lamp post"),
}
_BESIDE = {True: ("clock", "picture", "armchair"), False: ("tree", "lamp post", "bench")}


def _furniture(backdrop: Backdrop, rng: np.random.Generator) -> list[Thing]:
    """One large piece and often a second one, of those that suit the backdrop."""
    inside = backdrop.kind in _INDOORS
    names = [_LARGE[inside][int(rng.integers(len(_LARGE[inside])))]]
    second = _BESIDE[inside][int(rng.integers(3))]
    if rng.random() < 0.75 and second != names[0]:
        names.append(second)
    taken = [_fixture(backdrop)] if inside else []
    placed: list[Thing] = []
    for name in names:
        made = make_thing(name, rng)
        low, high = find(name).share
        trials = [_put(made, low + (high - low) * rng.random(), rng) for _ in range(12)]
        best = min(trials, key=lambda t: _clash(box_of(t), [*map(box_of, placed), *taken]))
        placed.append(best)
    return placed


def _fixture(backdrop: Backdrop) -> Box:
    """The painted picture or window that hangs on the wall already."""
    at = dict(backdrop.numbers)
    x, half = (at["frame"], 0.12) if backdrop.kind == "room" else (at["window"], 0.19)
    return x - half, 0.04, x + half, 0.38


def _put(thing: Thing, scale: float, rng: np.random.Generator) -> Thing:
    """A piece of furniture at a place of its own: at the back of the floor, or on the wall."""
    x0, y0, x1, y1 = (scale * v for v in measure(thing))
    x = (x1 - x0) / 2 + 0.03 + max(0.94 - (x1 - x0), 0.0) * rng.random()
    if thing.kind == "shelf":
        foot = 0.47 + 0.05 * rng.random()
    elif not find(thing.kind).stands:
        foot = (y1 - y0) + 0.06 + 0.10 * rng.random()
    else:
        foot = (0.80 if thing.kind in SURFACES else 0.755) + 0.035 * rng.random()
    return stood(thing, (x, foot), scale)


def _clash(box: Box, others: Sequence[Box]) -> float:
    """How much of the smaller of two boxes lies in the other, summed over the others."""
    area = (box[2] - box[0]) * (box[3] - box[1])
    return sum(
        _common(box, o) / min(area, (o[2] - o[0]) * (o[3] - o[1])) for o in others
    )  # fmt: skip


def surface(thing: Thing) -> tuple[float, float, float] | None:
    """The line on which things can stand on a piece of furniture: `(x0, x1, y)`, or None."""
    if thing.kind not in SURFACES:
        return None
    x0, _, x1, _ = box_of(thing)
    inset = 0.06 * (x1 - x0)
    return x0 + inset, x1 - inset, thing.place[1] + thing.scale * (SURFACES[thing.kind] - 0.5)


def _arrange(
    names: Sequence[str], furniture: Sequence[Thing], rng: np.random.Generator
) -> list[Thing]:
    """Furniture and things from back to front: small things on tables, the rest on the ground."""
    order = sorted(((box_of(f)[3], f) for f in furniture), key=lambda pair: pair[0])
    tops = [(foot, line) for foot, f in order if (line := surface(f)) is not None]
    standing = [f for f in furniture if surface(f) is not None and find(f.kind).stands]
    taken: list[Box] = []
    for name in sorted(names, key=lambda n: n in _SMALL):
        made = _coloured(make_thing(name, rng), rng)
        x0, y0, x1, y1 = measure(made)
        longest = max(x1 - x0, y1 - y0)
        least, spread = (0.30, 0.12) if made.role == "object" else (0.15, 0.07)
        best: tuple[float, float, Thing] | None = None
        for trial in range(40):
            side, high = least + spread * rng.random(), rng.random()
            if tops and name in _SMALL and trial < 25:
                depth, (left, right, y) = tops[int(rng.integers(len(tops)))]
                scale = 0.88 * side / longest
                half = scale * (x1 - x0) / 2
                x = left + half + max(right - left - 2 * half, 0.0) * rng.random()
                foot, depth = y + 0.01 * high, depth + 0.001 + 0.002 * high
            else:
                foot = 0.86 + 0.11 * high if standing else 0.76 + 0.21 * high
                scale = side * (1.0 + 0.9 * (foot - 0.90)) / longest
                half = scale * (x1 - x0) / 2
                x, depth = 0.015 + half + max(0.97 - 2 * half, 0.0) * rng.random(), foot
            thing = stood(made, (x, foot), scale)
            box = box_of(thing)
            cost = _clash(box, taken) + 4 * max(0.02 - box[1], 0.0)
            if best is None or cost < best[0]:
                best = cost, depth, thing
            if cost < 0.03:
                break
        assert best is not None  # forty trials were made
        taken.append(box_of(best[2]))
        order.append(best[1:])
    return [thing for _, thing in sorted(order, key=lambda pair: pair[0])]


def _coloured(thing: Thing, rng: np.random.Generator) -> Thing:
    """`thing` in colours of any family, each a little off, so that no colour gives a kind away."""
    schemes = [s for family in _COLOURS for s in FAMILIES[family]]
    chosen = schemes[int(rng.integers(len(schemes)))]
    if rng.random() < 0.75:
        chosen = thing.colours
    shifts = rng.uniform(-0.06, 0.06, (3, 3)) + rng.uniform(-0.07, 0.07)
    colours = np.clip(np.array(chosen) + shifts, 0.05, 0.97).tolist()
    main, second, accent = ((r, g, b) for r, g, b in colours)
    return replace(thing, colours=(main, second, accent))


def _strays(about: tuple[str, ...], rng: np.random.Generator, count: int) -> list[str]:
    """Objects that belong to other scenes or to none, and together define no scene."""
    found: list[str] = []
    while len(found) < count:
        name = kinds("object")[int(rng.integers(len(kinds("object"))))]
        here = {*about, *found, name}
        if name in about or name in found:
            continue
        if sum(set(pair) <= here for pair in DEFINING.values()) == 1:
            found.append(name)
    return found


def furnish(
    about: str, streams: Streams, backdrop: Backdrop, twice: str | None = None, name: str = ""
) -> Scene:
    """The scene `about` before `backdrop`: its pair, strays, furniture and a distractor."""
    pair, rng = DEFINING[about], streams(OBJECT)
    double, again, many, small = rng.random(4).tolist()
    names: list[str] = [*pair]
    if twice is None and double < 0.30:
        twice = pair[int(again < 0.5)]
    if twice is not None:
        names.append(twice)
    names += _strays(pair, streams(OTHER), 1 + (many < 0.45) - (twice is not None))
    if small < 0.5:
        litter = ("ball", "books", "gift", "flower", "blocks", "pebbles")
        names.append(litter[int(streams(CLUTTER).integers(len(litter)))])
    furniture = _furniture(backdrop, streams(PLACE))
    return Scene(
        tuple(_arrange(names, furniture, streams(PLACE + 100))), backdrop,
        draw_light(streams(LIGHT)), SCENES.index(about), name, pair,
    )  # fmt: skip


@dataclass(frozen=True)
class Scenes(Pictures):
    """Ten scenes, each known by two kinds of objects that stand there together.

    A sample's label is the scene's place in `world.SCENES`; its boxes and mask are those of the
    kinds in `world.DEFINING`. Either kind alone stands in other scenes too, and the backdrop and
    the furniture tell nothing.

    Args:
        split: "train", "val" or "test": three streams without a common scene.
        seed: another seed, another set.
        size: side of the pictures in pixels.
        length: number of samples; a longer set begins with the same ones.

    >>> from camkit import world
    >>> scene = world.Scenes(split="test", size=64).scene(0)
    >>> world.SCENES[scene.label], scene.about
    ('harbour', ('boat', 'steamer'))
    """

    _NUMBER: ClassVar[int] = 5

    @property
    def names(self) -> tuple[str, ...]:
        """What the labels mean: the scenes' names."""
        return SCENES

    def _compose(self, index: int, streams: Streams, name: str) -> Scene:
        backdrop = draw_backdrop(streams(BACKDROP))
        return furnish(SCENES[index % len(SCENES)], streams, backdrop, name=name)


def scene_in(
    name: str, background: str | None = None, seed: int = 0, twice: str | None = None
) -> Scene:
    """A scene called `name`.

    Args:
        name: one of `world.SCENES`.
        background: one of `world.BACKGROUNDS`, or None for any.
        seed: draws everything else.
        twice: which of its two defining kinds stands there twice; None: by chance, or neither.

    Returns:
        The scene. Draw it with `scene.draw(size)`; `scene.about` names its defining kinds.

    Raises:
        ValueError: for a scene, a background or a seed that does not exist, or a kind that does
            not define the scene.

    >>> from camkit import world
    >>> world.scene_in("harbour", seed=1, twice="boat").kinds.count("boat")
    2
    """
    check_name(name, SCENES, "scene")
    if twice is not None:
        check_name(twice, DEFINING[name], f"kind that defines the scene {name!r}")
    if background is not None:
        check_name(background, BACKGROUNDS, "background")
    streams = Streams((check_seed(seed), 75, SCENES.index(name)))
    backdrop = draw_backdrop(streams(BACKDROP), background)
    return furnish(name, streams, backdrop, twice, f"{name}-{seed}")
