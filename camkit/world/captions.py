"""Captions: short phrases that are true of a scene, and say only some of what is there."""

from __future__ import annotations

import numpy as np

from camkit.world.compose import box_of
from camkit.world.furniture import SURFACES
from camkit.world.rooms import surface
from camkit.world.scene import Scene
from camkit.world.sprites import find
from camkit.world.things import Thing

_PLACES = {
    "meadow": "in a meadow",
    "beach": "on the sand",
    "harbour": "on the quay",
    "street": "on the road",
    "snow": "in the snow",
    "park": "in a park",
    "room": "on a wooden floor",
    "kitchen": "before a tiled wall",
}
_SEVERAL = ("blocks", "books", "pebbles", "grass")
_LEAST, _MOST = 2, 4  # phrases of a caption


def phrase(kind: str) -> str:
    """A kind with its article.

    >>> phrase("umbrella"), phrase("boat"), phrase("blocks")
    ('an umbrella', 'a boat', 'some blocks')
    """
    if kind in _SEVERAL:
        return f"some {kind}"
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def captions(scene: Scene) -> tuple[str, ...]:
    """Two to four short phrases that are true of a scene, such as "a boat beside a lamp post".

    They come from where the things stand, not from the picture: what stands on what, beside what,
    before what, what is there twice, and the ground it stands on. The same scene always has the
    same phrases; most scenes hold things that no phrase names, as in captions written by people.

    Args:
        scene: any scene of this world.

    Returns:
        The phrases; fewer than two only where there is next to nothing to say.

    >>> from camkit import world
    >>> scene = world.scene_in("kitchen", background="room", seed=5)
    >>> phrases = world.captions(scene)
    >>> phrases == world.captions(scene), 2 <= len(phrases) <= 4
    (True, True)
    """
    told = _true_phrases(scene)
    rng = np.random.default_rng([7, *(t.seed for t in scene.things)])
    count = min(int(rng.integers(_LEAST, _MOST + 1)), len(told))
    chosen: list[int] = rng.choice(len(told), count, replace=False).tolist() if told else []
    return tuple(told[i] for i in sorted(chosen))


def _true_phrases(scene: Scene) -> list[str]:
    """Everything the captions of this scene could say, each once."""
    said: list[str] = []
    things = [t for t in scene.things if t.role != "occluder"]
    for kind in dict.fromkeys(scene.kinds):
        if scene.kinds.count(kind) == 2:
            said.append(f"two {kind}s")
    for thing in things:
        if thing.role == "furniture":
            continue
        on_ground = find(thing.kind).stands
        for other in things:
            if other is thing or other.kind == thing.kind:
                continue
            relation = _relation(thing, other)
            if relation:
                said.append(f"{phrase(thing.kind)} {relation} {phrase(other.kind)}")
            on_ground &= relation != "on"
        if on_ground and scene.background.kind in _PLACES:
            said.append(f"{phrase(thing.kind)} {_PLACES[scene.background.kind]}")
    return list(dict.fromkeys(said))


def _relation(one: Thing, other: Thing) -> str | None:
    """How `one` stands to `other`: on, beside or in front of it; None where nothing is plain."""
    a, b = box_of(one), box_of(other)
    top = surface(other)
    middle = (a[0] + a[2]) / 2
    if top is not None and top[0] <= middle <= top[1] and abs(a[3] - top[2]) < 0.03:
        return "on"
    if one.kind in SURFACES or not (find(one.kind).stands and find(other.kind).stands):
        return None
    covered = min(a[2], b[2]) - max(a[0], b[0])
    if covered > 0.5 * min(a[2] - a[0], b[2] - b[0]) and 0.04 < a[3] - b[3] < 0.30:
        return "in front of"
    if covered < 0.05 and abs(a[3] - b[3]) < 0.12 and -covered < 0.15:
        return "beside"
    return None
