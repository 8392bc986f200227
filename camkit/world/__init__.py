"""The picture world: a small plasticine world that is drawn, with the truth about every pixel.

>>> from camkit import world
>>> sample = world.Objects(split="test", size=64, length=100)[3]
>>> sample.image.shape, sample.boxes.shape, sample.mask.shape
((64, 64, 3), (1, 4), (64, 64))
"""

from __future__ import annotations

from camkit.world.actions import (
    ACTIONS,
    POSES,
    TOOLS,
    Actions,
    ActionScene,
    action_of,
    hand_of,
    posed,
)
from camkit.world.backgrounds import BACKGROUNDS
from camkit.world.birds import FORMS, MARKS, SPECIES, TELLING, Birds, bird_of, remarked
from camkit.world.captions import captions
from camkit.world.compose import home_of, scene_of, two
from camkit.world.lettered import Signs, SignScene, sign_of, words_in
from camkit.world.rooms import DEFINING, SCENES, Scenes, scene_in
from camkit.world.scene import Picture, Scene
from camkit.world.sets import SPLITS, Batch, BiasedObjects, Objects, TwoObjects, TwoOfAKind
from camkit.world.sprites import kinds
from camkit.world.things import Thing, make_thing

CLASSES: tuple[str, ...] = kinds("object")
DISTRACTORS: tuple[str, ...] = kinds("distractor")
OCCLUDERS: tuple[str, ...] = kinds("occluder")
SIGNS: tuple[str, ...] = kinds("sign")
HOMES: dict[str, str] = {name: home_of(name) for name in CLASSES}

__all__ = [
    "ACTIONS",
    "BACKGROUNDS",
    "CLASSES",
    "DEFINING",
    "DISTRACTORS",
    "FORMS",
    "HOMES",
    "MARKS",
    "OCCLUDERS",
    "POSES",
    "SCENES",
    "SIGNS",
    "SPECIES",
    "SPLITS",
    "TELLING",
    "TOOLS",
    "ActionScene",
    "Actions",
    "Batch",
    "BiasedObjects",
    "Birds",
    "Objects",
    "Picture",
    "Scene",
    "Scenes",
    "SignScene",
    "Signs",
    "Thing",
    "TwoObjects",
    "TwoOfAKind",
    "action_of",
    "bird_of",
    "captions",
    "hand_of",
    "make_thing",
    "posed",
    "remarked",
    "scene_in",
    "scene_of",
    "sign_of",
    "two",
    "words_in",
]
