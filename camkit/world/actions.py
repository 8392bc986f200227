"""Actions: a person in a pose with a tool in hand, pose and tool free of each other.

An action has a pose and a tool of its own. Any pose can be given any tool: the tool is fitted to
the hand of the pose (or to its foot, the ground or the saddle), in front of the person or behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

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
    _clutter,
    _common,
    box_of,
    draw_backdrop,
    draw_light,
    placed,
)
from camkit.world.paint import measure
from camkit.world.palette import FAMILIES
from camkit.world.people import POSE, Skeleton, skeleton
from camkit.world.raster import turning
from camkit.world.scene import Scene, check_seed, position
from camkit.world.sets import Pictures
from camkit.world.sprites import check_name
from camkit.world.things import Thing, make_thing

Point = tuple[float, float]

TOOLS: dict[str, str] = {
    "fishing": "rod",
    "riding": "bicycle",
    "climbing": "ladder",
    "reading": "book",
    "phoning": "phone",
    "sheltering": "umbrella",
    "watering": "watering can",
    "drinking": "mug",
    "sweeping": "broom",
    "kicking": "ball",
}
ACTIONS: tuple[str, ...] = tuple(TOOLS)
POSES: tuple[str, ...] = tuple(POSE)


@dataclass(frozen=True)
class _Fit:
    """How a tool goes with a person whose unit square has the side 1."""

    scale: float
    grip: Point  # the point of its unit square that goes to the hand
    to: Literal["hand", "ground", "foot"] = "hand"  # "ground": it stands there, beneath the hand
    front: bool = False
    turn: float = 0.0  # degrees clockwise
    flip: bool = False


_FITS: dict[str, _Fit] = {
    "rod": _Fit(0.80, (0.905, 0.77)),
    "bicycle": _Fit(0.80, (0.42, 0.25), "ground"),
    "ladder": _Fit(1.16, (0.48, 0.5), "ground"),
    "book": _Fit(0.38, (0.62, 0.80), turn=-8.0),
    "phone": _Fit(0.115, (0.50, 0.68), front=True, turn=14.0),
    "umbrella": _Fit(0.88, (0.50, 0.80)),
    "watering can": _Fit(0.46, (0.78, 0.24), turn=-16.0),
    "mug": _Fit(0.19, (0.92, 0.46), front=True, turn=20.0, flip=True),
    "broom": _Fit(0.84, (0.50, 0.40), "ground"),
    "ball": _Fit(0.28, (0.5, 0.5), "foot", front=True),
}
_RAISED = 0.13  # how far above the ground a person on a ladder stands
_STRAYS = ("bicycle", "bicycle", "ladder", "umbrella", "mug", "watering can", "ball")
_COLOURS = ("paint", "glaze", "coat", "wood", "clothes")
_IN_THE_AIR = ("seat", "perch")  # spares a thing the shadow of its foot on the ground


# --- where hands are ---------------------------------------------------------------------------


def _in_picture(thing: Thing, point: Point) -> Point:
    """A point of a thing's unit square, in shares of the picture."""
    moved = turning(thing.flip, thing.rotation) @ (np.array(point) - 0.5) * thing.scale
    return thing.place[0] + float(moved[0]), thing.place[1] + float(moved[1])


def bones_of(person: Thing) -> Skeleton:
    """The joints of a person, in its own unit square."""
    return skeleton(dict(person.words), dict(person.numbers))


def hand_of(person: Thing) -> Point:
    """Where the near hand of a person is, ``(x, y)`` in shares of the picture.

    >>> from camkit import world
    >>> scene = world.posed("phoning", "phone", seed=1)
    >>> x, y = world.hand_of(scene.person)
    >>> 0 < x < 1 and 0 < y < 1
    True
    """
    return _in_picture(person, bones_of(person).near_arm[2])


def grip_of(tool: Thing) -> Point:
    """The point of a tool's own unit square that is held."""
    x, y = _FITS[tool.kind].grip
    numbers = dict(tool.numbers)
    if tool.kind == "bicycle":
        y -= numbers["bar"]
    if tool.kind == "watering can":
        y -= numbers["arch"]
    if tool.kind == "umbrella":  # it leans about its middle, a little smaller than its square
        x, y = (
            turning(False, numbers["tilt"]) @ np.array((x - 0.5, y - 0.5)) * 0.95 + 0.5
        ).tolist()
    return x, y


# --- fitting -----------------------------------------------------------------------------------


def _at(tool: Thing, point: Point, there: Point) -> Thing:
    """`tool` moved so that `point` of its unit square lies at `there`."""
    x, y = _in_picture(replace(tool, place=(0.0, 0.0)), point)
    return replace(tool, place=(there[0] - x, there[1] - y))


def _down_to(tool: Thing, foot: float) -> Thing:
    """`tool` moved up or down until its lowest point lies at `foot`."""
    return replace(tool, place=(tool.place[0], foot - tool.scale * measure(tool)[3]))


def _fitted(person: Thing, tool: Thing) -> tuple[Thing, Thing]:
    """Person and tool together; the person is unmirrored, one unit large."""
    fit, words, bones = _FITS[tool.kind], dict(person.words), bones_of(person)
    small = 0.80 if words["age"] == "child" and tool.kind == "bicycle" else 1.0
    tool = replace(
        tool, role="tool", scale=fit.scale * small, rotation=fit.turn, flip=fit.flip,
        words=tool.words if fit.to == "ground" else (*tool.words, _IN_THE_AIR),
    )  # fmt: skip
    hand, foot = bones.near_arm[2], box_of(person)[3]
    if tool.kind == "bicycle" and words["pose"] == "riding":
        tool = _at(tool, (0.60, 0.30), bones.hip)
        return _off_the_ground(person, 0.0), tool
    if tool.kind == "ladder" and words["pose"] == "climbing":
        person = _off_the_ground(person, _RAISED)
        hand = (hand[0], hand[1] - _RAISED)
    if fit.to == "foot":
        ankle = bones.near_leg[2]
        radius = 0.42 * tool.scale
        high = min(ankle[1] + 0.01, foot - radius)
        return person, _at(tool, fit.grip, (ankle[0] - 0.075 - radius, high))
    if fit.to == "ground":
        tool = _down_to(tool, foot)
        return person, _slid(tool, hand)
    return person, _at(tool, grip_of(tool), hand)


def _slid(tool: Thing, hand: Point) -> Thing:
    """A standing tool moved sideways until what is held of it lies in the hand."""
    x, y = 0.5, 0.5 + (hand[1] - tool.place[1]) / tool.scale  # the hand's height on the tool
    if tool.kind == "bicycle":
        x = grip_of(tool)[0]
    elif tool.kind == "ladder":
        x = 0.48 - (0.16 + dict(tool.numbers)["lean"]) * (0.93 - y) / 0.91
    else:
        x = 0.29 + 0.41 * (0.76 - y) / 0.70  # along the broom's stick
    return replace(tool, place=(hand[0] - tool.scale * (x - 0.5), tool.place[1]))


def _off_the_ground(person: Thing, by: float) -> Thing:
    x, y = person.place
    return replace(person, place=(x, y - by), words=(*person.words, _IN_THE_AIR))


def _around(boxes: Sequence[Box]) -> Box:
    """The box around boxes."""
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    return min(x0), min(y0), max(x1), max(y1)


def _set_down(pair: Sequence[Thing], rng: np.random.Generator) -> list[Thing]:
    """Person and tool at a size and a place drawn for the person, moved only to fit the picture."""
    high, across, near, mirrored = rng.random(4).tolist()
    tall = box_of(pair[0])[3] - box_of(pair[0])[1]
    if mirrored < 0.5:
        pair = [
            replace(t, place=(1.0 - t.place[0], t.place[1]), flip=not t.flip, rotation=-t.rotation)
            for t in pair
        ]
    x0, y0, x1, y1 = _around([box_of(t) for t in pair])
    child = dict(pair[0].words)["age"] == "child"
    scale = ((0.44 if child else 0.52) + 0.32 * high) / tall
    scale = min(scale, 0.95 / (x1 - x0), 0.93 / (y1 - y0))
    wide, deep = scale * (x1 - x0), scale * (y1 - y0)
    middle = scale * ((box_of(pair[0])[0] + box_of(pair[0])[2]) / 2 - x0)
    left = min(max(0.12 + 0.76 * across - middle, 0.02), 0.98 - wide)
    foot = min(max(0.74 + 0.23 * (0.5 * high + 0.5 * near), deep + 0.02), 0.975)
    return [
        replace(t, scale=scale * t.scale, place=(left + scale * (t.place[0] - x0),
                                                 foot + scale * (t.place[1] - y1)))
        for t in pair
    ]  # fmt: skip


# --- scenes ------------------------------------------------------------------------------------


class ActionScene(Scene):
    """A scene with a person and, most often, a tool; its interventions keep the pose.

    >>> from camkit import world
    >>> scene = world.action_of("phoning", seed=2)
    >>> scene.tool.kind, scene.without("phone").tool
    ('phone', None)
    """

    @property
    def person(self) -> Thing:
        """The person."""
        return self.things[position(self.things, "person")]

    @property
    def tool(self) -> Thing | None:
        """What the person holds, rides, climbs or kicks; None if there is no such thing."""
        held = [t for t in self.things if t.role == "tool"]
        return held[-1] if held else None

    def enlarged(self, which: int | str, factor: float) -> ActionScene:
        """The same scene with one thing `factor` times as large; a tool stays in its hand.

        Anything else keeps its foot in place, as in `Scene.enlarged`. The pose never changes.
        """
        larger = super().enlarged(which, factor)
        i = position(self.things, which)
        before, after = self.things[i], larger.things[i]
        if before.role == "tool" and _FITS[before.kind].to == "hand":
            after = _at(after, grip_of(before), _in_picture(before, grip_of(before)))
        return larger._with(i, after)  # type: ignore[return-value]


def _person(pose: str, rng: np.random.Generator) -> Thing:
    """A person in a pose; no child is bald or grey."""
    made = make_thing("person", rng)
    words = {**dict(made.words), "pose": pose}
    if words["age"] == "child":
        words["cut"] = "short" if words["cut"] == "bald" else words["cut"]
        words["hair"] = "brown" if words["hair"] == "grey" else words["hair"]
    return replace(made, words=tuple(words.items()), flip=False, scale=1.0, place=(0.5, 0.5))


def _coloured(tool: Thing, rng: np.random.Generator) -> Thing:
    """`tool` in colours of any family, each a little off, so that no colour gives it away."""
    schemes = [s for family in _COLOURS for s in FAMILIES[family]]
    chosen = schemes[int(rng.integers(len(schemes)))]
    shifts = rng.uniform(-0.06, 0.06, (3, 3)) + rng.uniform(-0.07, 0.07)
    colours = np.clip(np.array(chosen) + shifts, 0.05, 0.97).tolist()
    main, second, accent = ((r, g, b) for r, g, b in colours)
    return replace(tool, colours=(main, second, accent))


def _stray(taken: Sequence[Box], tool: str | None, rng: np.random.Generator) -> list[Thing]:
    """A tool of another action that stands about unused, or none."""
    names = [name for name in _STRAYS if name != tool]
    name, share, there = names[int(rng.integers(len(names)))], rng.random(), rng.random() < 0.4
    made = _coloured(make_thing(name, rng), rng)
    sizes = {"ladder": 0.55, "bicycle": 0.36, "umbrella": 0.30, "ball": 0.14, "mug": 0.17}
    scale = sizes.get(name, 0.22) * (0.85 + 0.35 * share)
    if there:
        for _ in range(10):
            trial = placed(made, scale, rng)
            box = box_of(trial)
            area = (box[2] - box[0]) * (box[3] - box[1])
            if all(_common(box, other) < 0.10 * area for other in taken):
                return [replace(trial, role="distractor")]  # nobody holds it
    return []


def arranged(
    pose: str, tool: str | None, streams: Streams, backdrop: Backdrop, name: str = ""
) -> ActionScene:
    """A person in `pose` with `tool`, before `backdrop`, with some clutter."""
    person = _person(pose, streams(OBJECT))
    pair = [person]
    if tool is not None:
        rng = streams(PLACE)
        pair = list(_fitted(person, _coloured(make_thing(tool, rng), rng)))
    pair = _set_down(pair, streams(PLACE + 100))
    taken = [box_of(t) for t in pair]
    others = _stray(taken, tool, streams(OTHER))
    taken += [box_of(t) for t in others]
    others += [t for t in _clutter(streams(CLUTTER), taken, 1.3) if t.kind != tool]
    if len(pair) == 2 and not _FITS[pair[1].kind].front:
        pair.reverse()
    foot = _around([box_of(t) for t in pair])[3]
    others.sort(key=lambda t: box_of(t)[3])
    behind = [t for t in others if box_of(t)[3] <= foot]
    return ActionScene(
        (*behind, *pair, *(t for t in others if box_of(t)[3] > foot)), backdrop,
        draw_light(streams(LIGHT)), ACTIONS.index(pose), name,
        ("person",) if tool is None else ("person", tool),
    )  # fmt: skip


@dataclass(frozen=True)
class Actions(Pictures):
    """Ten actions, each a person in a pose with a tool, among clutter.

    A sample's label is the action's place in `world.ACTIONS`; its boxes and mask are those of
    the person and of the tool, `world.TOOLS[action]`. Tools of other actions may stand about.

    Args:
        split: "train", "val" or "test": three streams without a common scene.
        seed: another seed, another set.
        size: side of the pictures in pixels.
        length: number of samples; a longer set begins with the same ones.

    >>> from camkit import world
    >>> scene = world.Actions(split="test", size=64).scene(0)
    >>> world.ACTIONS[scene.label], scene.about
    ('fishing', ('person', 'rod'))
    """

    _NUMBER: ClassVar[int] = 6

    @property
    def names(self) -> tuple[str, ...]:
        """What the labels mean: the actions' names."""
        return ACTIONS

    def scene(self, index: int) -> ActionScene:
        """The scene at `index`, to be changed or drawn at any size."""
        return super().scene(index)  # type: ignore[return-value]

    def _compose(self, index: int, streams: Streams, name: str) -> ActionScene:
        action = ACTIONS[index % len(ACTIONS)]
        backdrop = draw_backdrop(streams(BACKDROP))
        return arranged(action, TOOLS[action], streams, backdrop, name)


def posed(pose: str, tool: str | None, background: str | None = None, seed: int = 0) -> ActionScene:
    """A person in any pose with any tool.

    Args:
        pose: one of `world.POSES`.
        tool: one of the values of `world.TOOLS`, or None for empty hands.
        background: one of `world.BACKGROUNDS`, or None for any.
        seed: draws everything else: the same seed gives the same person in the same light.

    Returns:
        The scene. Draw it with `scene.draw(size)`; `picture.boxes` hold person and tool.

    Raises:
        ValueError: for a pose, a tool, a background or a seed that does not exist.

    >>> from camkit import world
    >>> scene = world.posed("phoning", "umbrella", seed=1)
    >>> scene.about
    ('person', 'umbrella')
    """
    check_name(pose, POSES, "pose")
    if tool is not None:
        check_name(tool, tuple(TOOLS.values()), "tool")
    if background is not None:
        check_name(background, BACKGROUNDS, "background")
    streams = Streams((check_seed(seed), 76))
    backdrop = draw_backdrop(streams(BACKDROP), background)
    return arranged(pose, tool, streams, backdrop, f"{pose}-{tool or 'nothing'}-{seed}")


def action_of(action: str, background: str | None = None, seed: int = 0) -> ActionScene:
    """A person doing something: the pose and the tool of one action.

    Args:
        action: one of `world.ACTIONS`.
        background: one of `world.BACKGROUNDS`, or None for any.
        seed: draws everything else.

    Returns:
        The scene.

    Raises:
        ValueError: for an action, a background or a seed that does not exist.

    >>> from camkit import world
    >>> world.action_of("riding", seed=3).about
    ('person', 'bicycle')
    """
    check_name(action, ACTIONS, "action")
    return posed(action, TOOLS[action], background, seed)
