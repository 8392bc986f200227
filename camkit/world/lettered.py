"""Streets and parks with signs: with words on them, or the same without a letter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from camkit.images import Sample
from camkit.world.backgrounds import BACKGROUNDS
from camkit.world.compose import (
    BACKDROP,
    CLUTTER,
    COVER,
    LIGHT,
    OTHER,
    PLACE,
    Box,
    Streams,
    _common,
    box_of,
    draw_backdrop,
    draw_light,
    make_object,
    placed,
)
from camkit.world.scene import Boxes, Mask, Picture, Scene, _overlap, _tight, check_seed, position
from camkit.world.sets import Pictures
from camkit.world.signs import LETTERS
from camkit.world.sprites import check_name, find, kinds
from camkit.world.things import Thing, make_thing

LABELS = ("no text", "text")
GROUNDS = ("street", "park", "harbour")
LONGEST = 12  # letters on a sign, a space among them


def _with_word(thing: Thing, name: str, word: str) -> Thing:
    return replace(thing, words=tuple((n, word if n == name else w) for n, w in thing.words))


def _saying(thing: Thing, text: str) -> Thing:
    return _with_word(thing, "says", text)


def _blank(thing: Thing) -> Thing:
    """A sign without its words, or without its mark."""
    return _with_word(_saying(thing, ""), "mark", "none") if _says(thing) else thing


def _says(thing: Thing) -> str:
    return dict(thing.words).get("says", "") if thing.role == "sign" else ""


def words_in(picture: Picture) -> tuple[Boxes, Mask]:
    """The words that can be seen in a picture: a box for each, and the mask of all letters.

    Args:
        picture: a drawn scene.

    Returns:
        Boxes ``(n, 4)`` in pixels, end exclusive, and a mask ``(H, W)``.

    >>> from camkit import world
    >>> boxes, mask = words_in(world.sign_of("signpost", says="SEA ZOO", seed=1).draw(128))
    >>> boxes.shape, mask.shape
    ((2, 4), (128, 128))
    """
    boxes, letters = [], np.zeros((picture.size, picture.size), bool)
    for i, (thing, piece) in enumerate(zip(picture.things, picture.pieces, strict=True)):
        if not _says(thing):
            continue
        there, here = _overlap(piece, picture.size)
        for lump in (k for k, name in enumerate(piece.names) if name == "text"):
            seen = np.zeros_like(letters)
            seen[there] = piece.lumps[here] == lump
            seen &= picture.visible[i]
            if seen.any():
                boxes.append(_tight(seen))
                letters |= seen
    return np.array(boxes).reshape(-1, 4), letters


@dataclass(frozen=True)
class SignScene(Scene):
    """A scene with signs; its samples carry the boxes of the words and the mask of the letters.

    >>> from camkit import world
    >>> scene = world.sign_of("shop front", says="TEA", seed=2)
    >>> scene.says, scene.blank().says, len(scene.blank().sample(64).boxes)
    (('TEA',), ('',), 0)
    """

    @property
    def signs(self) -> tuple[int, ...]:
        """The indices of the signs, from back to front."""
        return tuple(i for i, t in enumerate(self.things) if t.role == "sign")

    @property
    def says(self) -> tuple[str, ...]:
        """What each sign says, from back to front; "" is a blank one."""
        return tuple(_says(self.things[i]) for i in self.signs)

    def blank(self) -> SignScene:
        """The same scene with every word painted away, and nothing else changed."""
        return replace(self, things=tuple(_blank(t) for t in self.things))

    def lettered(self, text: str, which: int | str | None = None) -> SignScene:
        """The same scene with other words on one sign, given by index or kind; None: the last.

        Raises:
            ValueError: there is no sign, or `text` is not made of A to Z, 0 to 9 and spaces.
        """
        if not self.signs:
            raise ValueError("there is no sign in this scene to write on.")
        i = self.signs[-1] if which is None else position(self.things, which)
        if i not in self.signs:
            raise ValueError(f"{self.things[i].kind} is no sign; signs are {kinds('sign')}.")
        return self._with(i, _saying(self.things[i], check_text(text)))  # type: ignore[return-value]

    def sample(self, size: int = 128) -> Sample:
        """The picture as a labelled `Sample`: a box for each word, the mask of the letters."""
        picture = self.draw(size)
        boxes, letters = words_in(picture)
        return Sample(picture.image, self.label, boxes, letters, self.name)


def check_text(text: object) -> str:
    """Return `text`, in capitals, if it can be written on a sign."""
    if not isinstance(text, str):
        raise TypeError(f"text must be a str, such as 'TEA'; it is a {type(text).__name__}.")
    told = " ".join(text.upper().split())
    if not set(told) <= {*LETTERS, " "} or len(told) > LONGEST:
        raise ValueError(
            f"text must be at most {LONGEST} of A to Z, 0 to 9 and spaces; it is {text!r}."
        )
    return told


def _sign(kind: str, rng: np.random.Generator, share: float | None = None) -> Thing:
    """A sign on the ground, facing the reader."""
    thing = make_thing(kind, rng)
    low, high = find(kind).share
    scale = rng.uniform(low, high) if share is None else share
    return placed(thing, scale, rng)


def _bystanders(taken: Sequence[Box], rng: np.random.Generator, mean: float) -> list[Thing]:
    """Objects and distractors that stand beside the signs or a little before them."""
    found, things = list(taken), []
    for _ in range(min(int(rng.poisson(mean)), 3)):
        if rng.random() < 0.6:
            kind = kinds("object")[int(rng.integers(len(kinds("object"))))]
            thing = make_object(kind, rng, float(rng.uniform(0.05, 0.10)), False, (0.0, 1.0))
            scale = thing.scale
        else:
            kind = kinds("distractor")[int(rng.integers(len(kinds("distractor"))))]
            thing, scale = make_thing(kind, rng), float(rng.uniform(*find(kind).share))
        for _ in range(5):
            trial = placed(thing, scale, rng)
            box = box_of(trial)
            area = (box[2] - box[0]) * (box[3] - box[1])
            if all(_common(box, other) < 0.30 * area for other in found):
                things.append(trial)
                found.append(box)
                break
    return things


def _scene(signs: list[Thing], streams: Streams, background: str | None, **named: object) -> Scene:
    """Signs, what stands about them, a place and a light."""
    ground = background or GROUNDS[int(streams(OTHER).integers(len(GROUNDS)))]
    others = _bystanders([box_of(s) for s in signs], streams(CLUTTER), 1.6)
    return SignScene(
        things=(*sorted(signs, key=lambda t: box_of(t)[3]), *others),
        background=draw_backdrop(streams(BACKDROP), ground),
        light=draw_light(streams(LIGHT)),
        **named,  # type: ignore[arg-type]
    )


def sign_of(
    kind: str, says: str | None = None, background: str | None = None, seed: int = 0
) -> SignScene:
    """A scene about one sign.

    Args:
        kind: one of `world.SIGNS`.
        says: what stands on it; None: a word of its own, "": nothing.
        background: one of `world.BACKGROUNDS`, or None for a street, a park or a harbour.
        seed: draws everything else.

    Returns:
        The scene; `.blank()` paints the words away, `.lettered("CAM")` writes others.

    Raises:
        ValueError: there is no such sign or background, or `says` cannot be written.

    >>> from camkit import world
    >>> world.sign_of("van", says="cam", seed=3).says
    ('CAM',)
    """
    check_name(kind, kinds("sign"), "sign")
    if background is not None:
        check_name(background, BACKGROUNDS, "background")
    streams = Streams((check_seed(seed), 77))
    sign = _sign(kind, streams(PLACE))
    if says is not None:
        sign = _saying(sign, check_text(says))
    label = int(bool(_says(sign)))
    made = _scene([sign], streams, background, label=label, name=f"{kind}-{seed}")
    assert isinstance(made, SignScene)
    return made


@dataclass(frozen=True)
class Signs(Pictures):
    """Pictures with words on signs (label 1, "text") and without a letter (label 0, "no text").

    Both hold the same signs, boards, plates, emblems and bystanders in the same places: only words
    tell them apart. A sample's boxes are those of the words, its mask is that of the letters.

    Args:
        split, seed, size, length: as for `Objects`.
        marks: the share of textless pictures whose signs show a pattern (a zigzag, bars, diamonds,
            waves) in the place and the colour of words; the others are plain.

    >>> from camkit import world
    >>> ds = world.Signs(split="test", size=64, length=4)
    >>> [len(ds[i].boxes) > 0 for i in range(4)]
    [False, True, False, True]
    """

    marks: float = 0.0

    _NUMBER: ClassVar[int] = 7

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.marks, bool) or not isinstance(self.marks, (int, float, np.number)):
            raise TypeError(f"marks must be a number; it is a {type(self.marks).__name__}.")
        if not 0.0 <= self.marks <= 1.0:
            raise ValueError(f"marks must lie between 0 and 1, a share; it is {self.marks}.")

    @property
    def names(self) -> tuple[str, ...]:
        """What the labels mean."""
        return LABELS

    def scene(self, index: int) -> SignScene:
        """The scene at `index`, to be changed or drawn at any size."""
        made = super().scene(index)
        assert isinstance(made, SignScene)
        return made

    def _compose(self, index: int, streams: Streams, name: str) -> Scene:
        rng = streams(PLACE)
        kind = kinds("sign")[int(rng.integers(len(kinds("sign"))))]
        signs = [_sign(kind, rng)]
        if rng.random() < 0.45:
            small = ("chalkboard", "hanging sign", "signpost")
            other = _sign(small[int(rng.integers(len(small)))], rng, float(rng.uniform(0.42, 0.52)))
            room = box_of(signs[0])
            if _common(room, box_of(other)) < 0.12 * other.scale**2:
                signs.append(other)
        if index % 2 == 0:
            marked = bool(streams(COVER).random() < self.marks)
            signs = [_saying(sign, "") if marked else _blank(sign) for sign in signs]
        return _scene(signs, streams, None, label=index % 2, name=name)
