"""Nine species of finch that share one body, and pictures of them.

A species is told by four marks: crest, wing bar, tail and beak. Each mark has three forms, each
form belongs to three species, and no two species share more than one: no single mark names a bird,
any two together do (the nine are the rows of Taguchi's orthogonal array L9). Colour, breast, eye
ring, posture and perch are drawn freely and tell nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import ClassVar, NamedTuple

from camkit.world.animals import eye
from camkit.world.backgrounds import BACKGROUNDS
from camkit.world.compose import (
    BACKDROP,
    CLUTTER,
    COVER,
    LIGHT,
    OBJECT,
    OTHER,
    PLACE,
    Streams,
    _clutter,
    _cover,
    box_of,
    check_framing,
    draw_backdrop,
    draw_light,
    placed,
    scale_for,
)
from camkit.world.ink import Ink, blob, curve, limb, oval, poly, together
from camkit.world.paint import measure
from camkit.world.palette import RGB, ROSE, darker, lighter, mix
from camkit.world.scene import Scene, check_seed, stood
from camkit.world.sets import Pictures
from camkit.world.sprites import Look, check_name, sprite
from camkit.world.things import Thing, make_thing

# Points are kept in rows, in the order in which they are drawn.
# fmt: off


class Marks(NamedTuple):
    """What tells a species: the form of each of the four marks."""

    crest: str  # none, peak or fan
    bar: str  # none, one or two
    tail: str  # short, forked or long
    beak: str  # cone, needle or hook


MARKS: Mapping[str, Marks] = MappingProxyType({
    "alder finch": Marks("none", "none", "short", "cone"),
    "birch finch": Marks("none", "one", "forked", "needle"),
    "cedar finch": Marks("none", "two", "long", "hook"),
    "elm finch": Marks("peak", "none", "forked", "hook"),
    "hazel finch": Marks("peak", "one", "long", "cone"),
    "larch finch": Marks("peak", "two", "short", "needle"),
    "maple finch": Marks("fan", "none", "long", "needle"),
    "rowan finch": Marks("fan", "one", "short", "hook"),
    "willow finch": Marks("fan", "two", "forked", "cone"),
})
SPECIES: tuple[str, ...] = tuple(MARKS)
FORMS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    mark: tuple(dict.fromkeys(getattr(m, mark) for m in MARKS.values())) for mark in Marks._fields
})
# The parts in which the four marks are seen; a crest that is not there is seen on the head.
TELLING: Mapping[str, tuple[str, ...]] = MappingProxyType({
    name: ("head" if m.crest == "none" else "crest", "wing" if m.bar == "none" else "bar", "tail",
           "beak")
    for name, m in MARKS.items()
})


# --- the body they share ---------------------------------------------------------------------


def _tail(ink: Ink, form: str, back: RGB) -> None:
    """A tail that grows from (0, 0) to the right."""
    shape = {
        "short": poly([(-0.07, -0.07), (0.08, -0.07), (0.175, -0.06), (0.165, 0.065), (0.07, 0.08),
                       (-0.07, 0.09)], 0.035),
        "forked": poly([(-0.07, -0.06), (0.10, -0.07), (0.36, -0.125), (0.175, 0.005),
                        (0.33, 0.135), (0.09, 0.08), (-0.07, 0.08)], 0.022),
        "long": blob([(-0.07, -0.06), (0.15, -0.052), (0.36, -0.055), (0.445, 0.0), (0.36, 0.052),
                      (0.15, 0.055), (-0.07, 0.075)]),
    }[form]
    with ink.part("tail"):
        ink.fill(shape, darker(back, 0.22))
        with ink.clip(shape):
            reach = {"short": 0.10, "forked": 0.15, "long": 0.33}[form]
            ink.line(curve([(0.0, 0.006), (0.6 * reach, 0.004), (reach, 0.002)]),
                     darker(back, 0.45), 0.013)


def _crest(ink: Ink, form: str, colour: RGB) -> None:
    """A crest on a head of radius .15 about (0, 0)."""
    if form == "peak":
        with ink.part("crest"):
            ink.fill(blob([(-0.115, -0.085), (-0.03, -0.155), (0.075, -0.235), (0.21, -0.275),
                           (0.155, -0.165), (0.135, -0.05), (0.05, 0.0)]), colour)
    elif form == "fan":
        with ink.part("crest"):
            ink.fill(together([limb([(0.01, -0.06), (0.01 + 0.6 * x, -0.06 + 0.6 * y),
                                     (0.01 + x, -0.06 + y)], 0.06, 0.062)
                               for x, y in ((-0.135, -0.155), (-0.06, -0.205), (0.025, -0.215),
                                            (0.11, -0.185))]), colour)


def _beak(ink: Ink, form: str, colour: RGB) -> None:
    """A beak on the left of a head of radius .15 about (0, 0)."""
    with ink.part("beak"):
        if form == "cone":
            ink.fill(poly([(-0.10, -0.075), (-0.165, -0.055), (-0.245, 0.03), (-0.15, 0.075),
                           (-0.09, 0.08)], 0.02), colour)
            ink.line(curve([(-0.225, 0.028), (-0.16, 0.018), (-0.11, 0.02)]), darker(colour, 0.4),
                     0.012)
        elif form == "needle":
            ink.fill(limb([(-0.10, 0.0), (-0.22, 0.012), (-0.365, 0.03)], 0.07, 0.012), colour)
        else:
            ink.fill(blob([(-0.09, -0.07), (-0.175, -0.07), (-0.262, -0.02), (-0.29, 0.065),
                           (-0.268, 0.145), (-0.235, 0.075), (-0.17, 0.045), (-0.09, 0.06)]),
                     colour)


def _wing(ink: Ink, bars: str, back: RGB, pale: RGB) -> None:
    """A folded wing from its shoulder (0, 0) to the right, with its bars."""
    colour = darker(back, 0.16)
    shape = blob([(-0.055, -0.035), (0.03, -0.115), (0.17, -0.095), (0.30, 0.02), (0.395, 0.115),
                  (0.28, 0.125), (0.16, 0.155), (0.04, 0.125), (-0.045, 0.06)])
    with ink.part("wing"):
        ink.fill(shape, colour)
        with ink.clip(shape):
            for y in (0.025, 0.075):
                ink.line(curve([(0.17, y - 0.02), (0.27, y + 0.025), (0.37, y + 0.06)]),
                         darker(colour, 0.32), 0.014)
    places = {"none": (), "one": ((0.06, 0.078),), "two": ((0.015, 0.046), (0.115, 0.046))}[bars]
    for x, wide in places:
        with ink.part("bar"):
            ink.line(curve([(x + 0.035, -0.07), (x + 0.005, 0.01), (x + 0.025, 0.095)]), pale, wide)


def _breast(ink: Ink, pattern: str, plump: float, colour: RGB, dark: RGB) -> None:
    """The breast, and what is drawn on it."""
    shape = blob([(-0.245, -0.12), (-0.155, -0.035), (-0.12, 0.08), (-0.05, 0.185 + plump),
                  (-0.095, 0.25 + plump), (-0.25, 0.17 + plump), (-0.309, 0.0)])
    with ink.part("breast"):
        ink.fill(shape, colour)
        with ink.clip(shape):
            if pattern == "spots":
                ink.fill(together([oval(x, y + 0.5 * plump, 0.017, 0.02) for x, y in (
                    (-0.235, -0.03), (-0.185, 0.01), (-0.255, 0.035), (-0.20, 0.075),
                    (-0.15, 0.115), (-0.225, 0.13), (-0.165, 0.175), (-0.11, 0.205))]), dark)
            elif pattern == "bib":
                ink.fill(oval(-0.255, -0.055, 0.095, 0.095, 20), dark)


def songbird(ink: Ink, look: Look) -> None:
    """A finch of the species whose marks its words say, facing left."""
    back, breast, horn = look.main, look.second, look.accent
    plump, lean = look.number("plump"), look.number("lean")
    perched = look.word("seat") == "perch"
    foot = 0.90 if perched else 0.925
    with ink.part("leg"):
        for dx, shade in ((0.085, 0.3), (0.0, 0.0)):
            x, colour = 0.405 + dx, darker(horn, shade)
            ink.line(curve([(x + 0.01, 0.73), (x, foot - 0.03)]), colour, 0.026)
            ink.fill(oval(x - 0.015, foot - 0.005, 0.032, 0.028) if perched else
                     blob([(x - 0.075, foot + 0.005), (x, foot - 0.04), (x + 0.045, foot + 0.005),
                           (x - 0.015, foot + 0.01)]), colour)
    with ink.moved(0.435, 0.60, 0.84, lean):
        with ink.moved(0.225, 0.085, tilt=look.number("droop")):
            _tail(ink, look.word("tail"), back)
        with ink.part("body"):
            ink.fill(blob([(-0.12, -0.215), (0.06, -0.175), (0.20, -0.075), (0.285, 0.065),
                           (0.22, 0.15), (0.08, 0.215), (-0.10, 0.245 + plump),
                           (-0.245, 0.165 + plump), (-0.302, 0.0), (-0.25, -0.14)]), back)
        _breast(ink, look.word("breast"), plump, breast, darker(mix(back, breast, 0.2), 0.45))
        with ink.moved(-0.085, -0.015, tilt=look.number("wing")):
            _wing(ink, look.word("bar"), back, lighter(back, 0.92))
        with ink.moved(-0.185, -0.215, tilt=look.number("nod")):
            _crest(ink, look.word("crest"), darker(back, 0.12))
            _beak(ink, look.word("beak"), horn)
            with ink.part("head"):
                face = oval(0.0, 0.0, 0.158, 0.15)
                ink.fill(face, back)
                with ink.clip(face):
                    ink.fill(oval(-0.075, 0.105, 0.10, 0.075, 18), breast)
                if look.word("ring") == "ring":
                    ink.fill(oval(-0.055, -0.028, 0.056, 0.06), lighter(back, 0.85), alpha=0.98)
                eye(ink, -0.055, -0.028, 0.031)
                ink.fill(oval(-0.03, 0.05, 0.032, 0.02), ROSE, alpha=0.4)


_PARTS = ("head", "beak", "crest", "wing", "bar", "tail", "leg", "breast")
for _name, _marks in MARKS.items():
    sprite(
        _name, colours="feathers", role="bird", home="park",
        parts=tuple(p for p in _PARTS if getattr(_marks, p, "") != "none"),
        words={**{mark: (form,) for mark, form in _marks._asdict().items()},
               "breast": ("plain", "spots", "bib"), "ring": ("none", "ring"),
               "seat": ("ground", "perch")},
        numbers={"plump": (0.0, 0.035), "lean": (-13.0, 13.0), "nod": (-12.0, 14.0),
                 "droop": (4.0, 24.0), "wing": (2.0, 12.0)},
    )(songbird)


# --- what they perch on ----------------------------------------------------------------------


@sprite("post", colours="wood", role="perch", home="meadow", words={"cap": ("flat", "slanted")},
        numbers={"wide": (0.10, 0.14)})
def post(ink: Ink, look: Look) -> None:
    """A gate post with a strand of wire."""
    w, top = look.number("wide"), 0.06 if look.word("cap") == "flat" else 0.10
    with ink.part("body"):
        stake = poly([(0.5 - w, top), (0.5 + w, 0.06), (0.5 + w, 0.94), (0.5 - w, 0.94)], 0.02)
        ink.fill(stake, look.main)
        with ink.clip(stake):
            for x, y in ((-0.4, 0.14), (0.1, 0.24), (0.5, 0.12)):
                ink.line(curve([(0.5 + x * w, y), (0.5 + x * w + 0.01, y + 0.3),
                                (0.5 + x * w, y + 0.62)]), darker(look.main, 0.32), 0.014)


@sprite("bough", colours="wood", role="perch", home="park", stands=False,
        words={"leaves": ("summer", "autumn")}, numbers={"bend": (-0.03, 0.03)})
def bough(ink: Ink, look: Look) -> None:
    """A bough that reaches in from the right."""
    bark, bend, leaf = darker(look.main, 0.2), look.number("bend"), (0.62, 0.70, 0.38)
    leaf = mix(leaf, (0.86, 0.60, 0.30), 0.85) if look.word("leaves") == "autumn" else leaf
    with ink.part("body"):
        ink.fill(limb([(1.0, 0.56 + bend), (0.62, 0.50 - bend), (0.30, 0.51), (0.04, 0.47)], 0.10,
                      0.035), bark)
    for x, y, tilt, shade in ((0.86, 0.44, -38, 0.2), (0.70, 0.60, 38, 0.1), (0.12, 0.40, -50, 0.0),
                              (0.20, 0.57, 40, 0.15), (0.02, 0.50, 8, 0.05)):
        with ink.part("body"):
            ink.fill(oval(x, y, 0.085, 0.04, tilt), darker(leaf, shade))


# --- pictures of them ------------------------------------------------------------------------
# fmt: on

PLACES = tuple(b for b in BACKGROUNDS if b not in ("room", "kitchen"))  # under the open sky
_SHARES = (0.05, 0.25)  # of the picture, which the bird's box takes
# What a bird perches on, by how high its feet are above the ground, in shares of the picture.
_SEATS: tuple[tuple[str, float, float], ...] = (
    ("rock", 0.06, 0.16),
    ("crate", 0.08, 0.22),
    ("barrel", 0.12, 0.26),
    ("pillar", 0.16, 0.40),
    ("post", 0.14, 0.52),
    ("bough", 0.14, 0.52),
)
_FLAT = {"pillar": ("top", "flat")}  # an urn is no seat


def _with_words(thing: Thing, **words: str) -> Thing:
    return replace(thing, words=tuple((n, words.get(n, w)) for n, w in thing.words))


def _seated(bird: Thing, scale: float, streams: Streams) -> tuple[Thing, list[Thing]]:
    """The bird on its seat, and the seat; on the ground it needs none."""
    rng = streams(PLACE)
    if rng.random() < 0.4:
        bird = placed(_with_words(bird, seat="ground"), scale, rng)
        return bird, []
    bird = _with_words(bird, seat="perch")
    x0, y0, x1, y1 = (scale * v for v in measure(bird))
    kind, low, high = _SEATS[int(rng.integers(len(_SEATS)))]
    seat = make_thing(kind, rng)
    seat = _with_words(seat, **dict([_FLAT[kind]] if kind in _FLAT else []))
    ground = float(rng.uniform(0.84, 0.95))
    foot = max(ground - float(rng.uniform(low, high)), y1 - y0 + 0.03)
    wide = x1 - x0
    x = 0.02 + wide / 2 + float(rng.random()) * max(0.96 - wide, 0.0)
    bird = stood(bird, (x, foot), scale)
    a, top, b, bottom = measure(seat)
    sunk = 0.02 * scale
    legs = bird.place[0] + scale * (0.05 if bird.flip else -0.05)  # under the feet
    if kind == "bough":
        size = float(rng.uniform(0.75, 0.95))
        # Its thick end lies outside the picture, on the side that is nearer.
        left = legs < 0.5
        seat = replace(seat, flip=left, scale=size)
        reach = 0.49 * size
        end = min(-0.02, legs - 0.3 * size) if left else max(1.02, legs + 0.3 * size)
        seat = replace(seat, place=(end + reach * (1 if left else -1), foot - sunk + 0.025 * size))
    else:
        size = max((ground - foot + sunk) / (bottom - top), 0.35 * wide / (b - a))
        seat = stood(seat, (legs, foot - sunk + size * (bottom - top)), size)
    return bird, [seat]


def _scene(
    species: str, streams: Streams, framing: float | None, background: str | None, name: str
) -> Scene:
    """A bird, what it sits on and what lies about."""
    rng = streams(OBJECT)
    bird = make_thing(species, rng)
    low, high = _SHARES
    share = low + (high - low) * float(rng.random()) if framing is None else framing
    bird = replace(bird, rotation=float(rng.normal(0.0, 2.0)))
    bird, seat = _seated(bird, scale_for(bird, share), streams)
    taken = [box_of(t) for t in (bird, *seat)]
    others = sorted(_clutter(streams(CLUTTER), taken, 2.4), key=lambda t: box_of(t)[3])
    cover = [] if seat else _cover(streams(COVER), bird, False)
    if background is None:
        background = PLACES[int(streams(OTHER).integers(len(PLACES)))]
    return Scene(
        things=(*others, *seat, bird, *cover),
        background=draw_backdrop(streams(BACKDROP), background),
        light=draw_light(streams(LIGHT)),
        label=SPECIES.index(species),
        name=name,
        about=(species,),
    )


@dataclass(frozen=True)
class Birds(Pictures):
    """One finch of nine species, small among other things; `label` counts in `world.SPECIES`.

    Its box takes 5 to 25 % of the picture (or `framing`, as far as it fits). The arguments are
    those of `Objects`.

    >>> from camkit import world
    >>> ds = world.Birds(split="test", size=64, length=10)
    >>> ds.names[ds[1].label], ds.scene(1).about
    ('birch finch', ('birch finch',))
    """

    framing: float | None = None

    _NUMBER: ClassVar[int] = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        check_framing(self.framing)

    @property
    def names(self) -> tuple[str, ...]:
        """The species, in the order of the labels."""
        return SPECIES

    def _compose(self, index: int, streams: Streams, name: str) -> Scene:
        return _scene(SPECIES[index % len(SPECIES)], streams, self.framing, None, name)


def bird_of(
    species: str, background: str | None = None, seed: int = 0, framing: float | None = None
) -> Scene:
    """A scene about one bird.

    Args:
        species: one of `world.SPECIES`.
        background: one of `world.BACKGROUNDS`, or None for any under the open sky.
        seed: draws everything else; two species with one seed share colours, posture and place.
        framing: share of the picture the bird's box is to take; None draws it from .05 to .25.

    Returns:
        The scene. Draw it with `scene.draw(size)`.

    Raises:
        ValueError: for a species, a background, a seed or a framing that does not exist.

    >>> from camkit import world
    >>> world.bird_of("elm finch", background="snow", seed=2).about
    ('elm finch',)
    """
    check_name(species, SPECIES, "species")
    if background is not None:
        check_name(background, BACKGROUNDS, "background")
    streams = Streams((check_seed(seed), 73))
    return _scene(species, streams, check_framing(framing), background, f"{species}-{seed}")


def remarked(scene: Scene, **marks: str) -> Scene:
    """The same scene, the bird's marks exchanged: any form of any mark, even on no known species.

    Args:
        scene: a scene about a bird.
        marks: `crest`, `bar`, `tail`, `beak`: one of the forms in `world.FORMS`.

    Returns:
        The scene with the same bird in every other respect; its label is kept.

    Raises:
        ValueError: for a mark or a form that does not exist, or a scene without a bird.

    >>> from camkit import world
    >>> scene = world.remarked(world.bird_of("alder finch", seed=1), crest="fan")
    >>> "crest" in scene.draw(64).parts("alder finch")
    True
    """
    birds = [i for i, t in enumerate(scene.things) if t.kind in MARKS]
    if not birds:
        raise ValueError(f"scene must hold a bird; it holds {', '.join(scene.kinds) or 'nothing'}.")
    for mark, form in marks.items():
        check_name(mark, tuple(FORMS), "mark")
        check_name(form, FORMS[mark], f"form of the {mark}")
    things = list(scene.things)
    things[birds[-1]] = _with_words(things[birds[-1]], **marks)
    return replace(scene, things=tuple(things))
