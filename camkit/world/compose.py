"""Where things go: scenes are put together here, every draw made, not a pixel touched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from camkit.world.backgrounds import BACKGROUNDS, Backdrop, background, make_backdrop
from camkit.world.light import Light
from camkit.world.paint import measure
from camkit.world.palette import FAMILIES
from camkit.world.scene import Scene, check_seed, stood
from camkit.world.sprites import check_name, find, kinds
from camkit.world.things import Thing, make_thing

Box = tuple[float, float, float, float]

# Share of the picture that the object's box takes: quantiles of the natural distribution.
_QUANTILES = (0.0, 0.05, 0.25, 0.50, 0.75, 0.95, 1.0)
_SHARES = (0.09, 0.122, 0.20, 0.296, 0.385, 0.50, 0.57)
FRAMING = (0.02, 0.8)  # the least and the largest share that can be asked for


@dataclass(frozen=True)
class Streams:
    """Independent random streams of one scene, so that turning one dial leaves the rest alone."""

    key: tuple[int, ...]

    def __call__(self, aspect: int) -> np.random.Generator:
        return np.random.default_rng((*self.key, aspect))


OBJECT, PLACE, BACKDROP, LIGHT, CLUTTER, COVER, OTHER = range(7)


def check_framing(framing: object) -> float | None:
    """Return `framing` if an object can take that share of a picture."""
    if framing is None:
        return None
    if isinstance(framing, bool) or not isinstance(framing, (int, float, np.number)):
        raise TypeError(
            f"framing must be None or a number, the share of the picture the object's box is to "
            f"take; it is a {type(framing).__name__}."
        )
    low, high = FRAMING
    if not low <= framing <= high:
        raise ValueError(f"framing must lie between {low} and {high}, or be None; it is {framing}.")
    return float(framing)


def draw_light(rng: np.random.Generator) -> Light:
    """A light from the upper left or right."""
    side = -1.0 if rng.random() < 0.5 else 1.0
    return Light(side * rng.uniform(0.4, 0.75), -rng.uniform(0.65, 0.85), rng.uniform(-0.2, 0.8))


def draw_backdrop(rng: np.random.Generator, kind: str | None = None) -> Backdrop:
    """A background, of `kind` or of any kind."""
    any_kind = BACKGROUNDS[int(rng.integers(len(BACKGROUNDS)))]
    return make_backdrop(any_kind if kind is None else kind, rng)


def box_of(thing: Thing) -> Box:
    """The thing's box in shares of the picture."""
    x0, y0, x1, y1 = measure(thing)
    (x, y), s = thing.place, thing.scale
    return x + s * x0, y + s * y0, x + s * x1, y + s * y1


def _common(a: Box, b: Box) -> float:
    """The area two boxes share."""
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))


def scale_for(thing: Thing, share: float) -> float:
    """How large to draw `thing` for its box to take `share` of the picture, as far as it fits."""
    x0, y0, x1, y1 = measure(thing)
    wide, high = x1 - x0, y1 - y0
    return float(min((share / (wide * high)) ** 0.5, 0.96 / wide, 0.94 / high))


def placed(
    thing: Thing, scale: float, rng: np.random.Generator, across: tuple[float, float] = (0.0, 1.0)
) -> Thing:
    """`thing` at `scale` on the ground (or in the air), inside the columns `across`.

    The nearer the front a thing stands the larger it is, as in a photograph.
    """
    x0, y0, x1, y1 = (scale * v for v in measure(thing))
    wide, high = x1 - x0, y1 - y0
    spare = max(across[1] - across[0] - wide, 0.0)
    x = across[0] + wide / 2 + spare * rng.random()
    x = min(max(x, wide / 2 + 0.01), 0.99 - wide / 2) if wide < 0.98 else 0.5
    if thing.role != "object" or find(thing.kind).stands:
        near = min(max((high - 0.25) / 0.5, 0.0), 1.0)
        foot = 0.76 + 0.17 * (0.7 * near + 0.3 * rng.random())
    else:
        foot = 0.06 + high + max(0.88 - high, 0.0) * rng.random()
    foot = min(max(foot, high + 0.025), 0.975)
    return stood(thing, (x, foot), scale)


def _object(
    kind: str, rng: np.random.Generator, share: float, hard: bool, across: tuple[float, float]
) -> Thing:
    thing = make_thing(kind, rng)
    turn, odd, family = rng.normal(), rng.random(), int(rng.integers(1 << 30))
    thing = replace(thing, rotation=float((11.0 if hard else 2.0) * turn))
    if hard and odd < 0.45:
        schemes = [s for name in ("paint", "glaze", "coat", "wood") for s in FAMILIES[name]]
        thing = replace(thing, colours=schemes[family % len(schemes)])
    return placed(thing, scale_for(thing, share), rng, across)


def _clutter(rng: np.random.Generator, taken: Sequence[Box], mean: float) -> list[Thing]:
    """Distractors beside the objects, never on top of them."""
    names, found = kinds("distractor"), list(taken)
    things: list[Thing] = []
    if not names:
        return things
    for _ in range(min(int(rng.poisson(mean)), 5)):
        name = names[int(rng.integers(len(names)))]
        low, high = find(name).share
        thing = make_thing(name, rng)
        scale = rng.uniform(low, high)
        for _ in range(6):
            trial = placed(thing, scale, rng)
            box = box_of(trial)
            area = (box[2] - box[0]) * (box[3] - box[1])
            if all(_common(box, other) < 0.12 * area for other in found):
                things.append(trial)
                found.append(box)
                break
    return things


def _cover(rng: np.random.Generator, thing: Thing, hard: bool) -> list[Thing]:
    """An occluder in front of a corner of the object, or none."""
    names = kinds("occluder")
    if not names or rng.random() > (0.6 if hard else 0.22):
        return []
    x0, y0, x1, y1 = box_of(thing)
    cover = make_thing(names[int(rng.integers(len(names)))], rng)
    a, b, c, d = measure(cover)
    reach = rng.uniform(0.45, 0.70) if hard else rng.uniform(0.26, 0.42)
    # Wide enough to hide `reach` of the object's width, but not higher than half of it.
    scale = min(reach * (x1 - x0) / (c - a), (0.75 if hard else 0.5) * (y1 - y0) / (d - b), 0.6)
    side = x0 if rng.random() < 0.5 else x1
    inside = (0.5 if hard else 0.32) * scale * (c - a)
    x = side + inside * (1 if side == x0 else -1)
    return [stood(cover, (x, min(y1 + 0.02, 0.99)), scale)]


def compose(
    labels: Sequence[str],
    streams: Streams,
    *,
    framing: float | None = None,
    hard: bool = False,
    backdrop: Backdrop | None = None,
    clutter: float = 1.7,
    name: str = "",
) -> Scene:
    """A scene with one object for each of `labels`; the first is what the scene is about."""
    rng = streams(OBJECT)
    side_by_side = len(labels) > 1
    shares = rng.random(len(labels))
    if framing is not None:
        share = [framing] * len(labels)
    elif hard:
        share = [0.055 + 0.105 * float(u) for u in shares]
    elif side_by_side:
        share = [0.11 + 0.11 * float(u) for u in shares]
    else:
        share = [float(np.interp(u, _QUANTILES, _SHARES)) for u in shares]
    halves = [(0.0, 1.0)]
    if side_by_side:
        cut = float(rng.uniform(0.45, 0.55))
        halves = [(0.02, cut), (cut, 0.98)]
        if rng.random() < 0.5:
            halves.reverse()
    objects = []
    for i, (kind, s, half) in enumerate(zip(labels, share, halves, strict=True)):
        thing = make_object(kind, streams(PLACE + 100 * (i + 1)), s, hard, half)
        objects.append(thing)
    boxes = [box_of(o) for o in objects]
    others = _clutter(streams(CLUTTER), boxes, 3.0 if hard else clutter)
    covers = [] if side_by_side else _cover(streams(COVER), objects[0], hard)
    things = sorted([*objects, *others], key=lambda t: box_of(t)[3])
    return Scene(
        things=(*things, *covers),
        background=draw_backdrop(streams(BACKDROP)) if backdrop is None else backdrop,
        light=draw_light(streams(LIGHT)),
        label=kinds("object").index(labels[0]),
        name=name,
    )


def make_object(
    kind: str, rng: np.random.Generator, share: float, hard: bool, half: tuple[float, float]
) -> Thing:
    """An object, narrow enough for its part of the picture."""
    thing = _object(kind, rng, share, hard, half)
    x0, _, x1, _ = box_of(thing)
    room = half[1] - half[0]
    if x1 - x0 > room and room < 0.9:
        middle = (half[0] + half[1]) / 2
        foot = box_of(thing)[3]
        return stood(thing, (middle, foot), thing.scale * room / (x1 - x0))
    return thing


def scene_of(
    kind: str, background: str | None = None, seed: int = 0, framing: float | None = None
) -> Scene:
    """A scene about one object of the class `kind`.

    Args:
        kind: one of `world.CLASSES`.
        background: one of `world.BACKGROUNDS`, or None for any.
        seed: draws everything else.
        framing: share of the picture the object's box is to take, 0.02 to 0.8, as far as it fits;
            None draws it from the natural distribution.

    Returns:
        The scene. Draw it with `scene.draw(size)`.

    Raises:
        ValueError: for a class, a background, a seed or a framing that does not exist.

    >>> from camkit import world
    >>> world.scene_of("dog", background="beach", seed=3).background.kind
    'beach'
    """
    check_name(kind, kinds("object"), "class")
    streams = Streams((check_seed(seed), 71))
    if background is not None:
        check_name(background, BACKGROUNDS, "background")
    backdrop = draw_backdrop(streams(BACKDROP), background)
    return compose(
        [kind], streams, framing=check_framing(framing), backdrop=backdrop, name=f"{kind}-{seed}"
    )


def two(one: str, other: str, background: str | None = None, seed: int = 0) -> Scene:
    """A scene about two objects side by side, of two classes or of the same one.

    >>> from camkit import world
    >>> scene = world.two("dog", "car", seed=2)
    >>> sorted(scene.things[i].kind for i in scene.objects)
    ['car', 'dog']
    """
    for kind in (one, other):
        check_name(kind, kinds("object"), "class")
    streams = Streams((check_seed(seed), 72))
    if background is not None:
        check_name(background, BACKGROUNDS, "background")
    backdrop = draw_backdrop(streams(BACKDROP), background)
    return compose(
        [one, other], streams, backdrop=backdrop, clutter=0.7, name=f"{one}-{other}-{seed}"
    )


def home_of(kind: str) -> str:
    """The background a biased set ties the class `kind` to."""
    home = find(kind).home
    background(home)
    return home
