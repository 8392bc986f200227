"""Plasticine people: a figure with joints, its clothes and hair, and where its hands are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import atan2, cos, degrees, radians, sin

from camkit.world.ink import Ink, blob, box, curve, limb, oval, together
from camkit.world.palette import INK, RGB, ROSE, WHITE, darker, lighter, mix, oklch
from camkit.world.sprites import Look, sprite

# Points are kept in rows, in the order in which they are drawn.
# fmt: off

Point = tuple[float, float]
Bent = tuple[float, float]  # upper and lower half of a limb: 0 hangs down, 90 points ahead, 180 up


@dataclass(frozen=True)
class Pose:
    """How a figure that looks left holds itself; all angles in degrees.

    `lean` and `nod` tilt the trunk and the head forward. "near" is the side towards us.
    """

    near_arm: Bent
    far_arm: Bent
    near_leg: Bent = (6.0, 2.0)
    far_leg: Bent = (-8.0, -10.0)
    lean: float = 2.0
    nod: float = 0.0
    looks: Point = (-0.3, 0.0)  # where the pupils are turned, in eye radii
    mouth: str = "smile"


POSE: dict[str, Pose] = {
    "fishing": Pose((28, 82), (44, 88), (10, 4), (-10, -16), lean=-3, nod=2, looks=(-0.3, 0.25)),
    "riding": Pose((-10, 84), (2, 88), (50, 10), (12, 2), lean=12, nod=-8),
    "climbing": Pose((120, 152), (142, 172), (-4, -14), (74, -4), lean=9, nod=-20,
                     looks=(-0.35, -0.35)),
    "reading": Pose((10, 98), (24, 104), (4, 2), (-6, -8), lean=1, nod=12, looks=(-0.25, 0.45)),
    "phoning": Pose((-76, 146), (6, 22), (12, 4), (-6, -12), lean=-2, nod=-6, mouth="open"),
    "sheltering": Pose((34, 150), (-6, 14), (10, 2), (-10, -18), lean=1, nod=-3,
                       looks=(-0.3, -0.2)),
    "watering": Pose((38, 64), (26, 56), (14, 6), (-12, -18), lean=13, nod=10, looks=(-0.3, 0.4)),
    "drinking": Pose((50, 163), (-8, 8), (6, 2), (-6, -8), lean=-4, nod=-8, mouth="round"),
    "sweeping": Pose((-10, 100), (25, 25), (24, 10), (-16, -24), lean=15, nod=8,
                     looks=(-0.3, 0.35)),
    "kicking": Pose((-58, -30), (74, 92), (66, 44), (-10, -24), lean=-12, nod=4, looks=(-0.3, 0.4),
                    mouth="open"),
}

# Lengths and widths of a grown-up and a child, both about .88 of the unit square high.
_BUILD: dict[str, dict[str, float]] = {
    "grown": {"head": 0.104, "neck": 0.122, "trunk": 0.255, "arm": 0.140, "leg": 0.162,
              "wide": 0.098, "limb": 1.0},
    "child": {"head": 0.142, "neck": 0.150, "trunk": 0.230, "arm": 0.124, "leg": 0.128,
              "wide": 0.094, "limb": 0.95},
}

_GROUND = 0.93  # where the lower foot stands


def _from(start: Point, angle: float, length: float) -> Point:
    """The end of a bone that starts at `start`."""
    return start[0] - length * sin(radians(angle)), start[1] + length * cos(radians(angle))


@dataclass(frozen=True)
class Skeleton:
    """Where the joints of a figure are, in its unit square: each limb from its root to its end."""

    head: Point
    neck: Point
    hip: Point
    near_arm: tuple[Point, Point, Point]
    far_arm: tuple[Point, Point, Point]
    near_leg: tuple[Point, Point, Point]
    far_leg: tuple[Point, Point, Point]
    nod: float


def skeleton(words: Mapping[str, str], numbers: Mapping[str, float]) -> Skeleton:
    """The joints of a person with these choices, its lower foot on the ground.

    >>> choices = {"pose": "phoning", "age": "grown"}
    >>> found = skeleton(choices, {"arms": 0.0, "legs": 0.0, "bend": 0.0})
    >>> found.near_arm[2][1] < found.neck[1]  # the hand is raised above the neck
    True
    """
    pose, build = POSE[words["pose"]], _BUILD[words["age"]]
    arms, legs, bend = numbers["arms"], numbers["legs"], numbers["bend"]
    lean = pose.lean + bend

    def leg(angles: Bent, hip: Point, sway: float) -> tuple[Point, Point, Point]:
        knee = _from(hip, angles[0] + sway, build["leg"])
        return hip, knee, _from(knee, angles[1] + 0.6 * sway, build["leg"])

    def arm(angles: Bent, shoulder: Point, sway: float) -> tuple[Point, Point, Point]:
        elbow = _from(shoulder, angles[0] + sway, build["arm"])
        return shoulder, elbow, _from(elbow, angles[1] + 0.6 * sway, build["arm"])

    low = max(leg(a, (0.0, 0.0), s * legs)[2][1] for a, s in
              ((pose.near_leg, 1.0), (pose.far_leg, -1.0)))
    hip = 0.52, _GROUND - 0.030 - low
    neck = _from(hip, 180.0 - lean, build["trunk"])
    shoulder = _from(hip, 180.0 - lean, 0.86 * build["trunk"])
    nod = pose.nod + 0.5 * bend
    return Skeleton(
        head=_from(neck, 180.0 - 0.5 * lean - 0.3 * nod, build["neck"]), neck=neck, hip=hip,
        near_arm=arm(pose.near_arm, (shoulder[0] + 0.018, shoulder[1]), arms),
        far_arm=arm(pose.far_arm, (shoulder[0] - 0.040, shoulder[1]), -0.7 * arms),
        near_leg=leg(pose.near_leg, (hip[0] + 0.018, hip[1]), legs),
        far_leg=leg(pose.far_leg, (hip[0] - 0.022, hip[1]), -legs), nod=nod,
    )


_SKIN: dict[str, RGB] = {
    "porcelain": oklch(0.88, 0.045, 55), "peach": oklch(0.82, 0.075, 58),
    "honey": oklch(0.73, 0.085, 62), "chestnut": oklch(0.58, 0.080, 52),
    "umber": oklch(0.45, 0.060, 48),
}
_HAIR: dict[str, RGB] = {
    "black": oklch(0.28, 0.02, 280), "brown": oklch(0.38, 0.06, 50),
    "copper": oklch(0.58, 0.14, 45), "straw": oklch(0.80, 0.10, 82), "grey": oklch(0.78, 0.01, 90),
}
_CUTS = ("short", "bob", "tail", "bun", "curls", "cap", "beanie", "bald")


def _eyes(ink: Ink, pose: Pose) -> None:
    """Two dark eyes that look where the pose says, and their brows."""
    dx, dy = 0.14 * pose.looks[0], 0.14 * pose.looks[1]
    for x, wide in ((-0.66, 0.085), (-0.10, 0.105)):
        ink.fill(oval(x + dx, -0.02 + dy, wide, 1.35 * wide), INK)
        ink.fill(oval(x + dx - 0.03, -0.07 + dy, 0.036), WHITE)


def _mouth(ink: Ink, kind: str, skin: RGB) -> None:
    dark = darker(mix(skin, ROSE, 0.55), 0.45)
    if kind == "smile":
        ink.line(curve([(-0.66, 0.42), (-0.48, 0.53), (-0.22, 0.46)]), dark, 0.075)
    elif kind == "open":
        ink.fill(blob([(-0.64, 0.42), (-0.42, 0.42), (-0.24, 0.41), (-0.34, 0.60), (-0.50, 0.62)]),
                 dark)
    else:
        ink.fill(oval(-0.58, 0.50, 0.10, 0.09), dark)


def _behind(ink: Ink, cut: str, hair: RGB) -> None:
    """What hangs behind the head."""
    if cut in ("bob", "tail"):
        with ink.part("hair"):
            if cut == "bob":
                ink.fill(blob([(-0.35, -0.7), (0.4, -1.0), (1.05, -0.45), (1.16, 0.35),
                               (1.04, 0.98), (0.55, 1.12), (0.2, 0.9), (0.0, 0.2)]),
                         darker(hair, 0.15))
            else:
                ink.fill(limb([(0.82, -0.55), (1.32, -0.42), (1.55, 0.10), (1.42, 0.72)],
                              0.42, 0.16), hair)
    if cut == "curls":
        with ink.part("hair"):
            ink.fill(together([oval(x, y, 0.44) for x, y in
                               ((-0.45, -0.82), (0.10, -1.0), (0.62, -0.80), (0.98, -0.38),
                                (1.08, 0.12), (0.92, 0.55))]), hair)


def _above(ink: Ink, cut: str, hair: RGB, cloth: RGB, trim: RGB) -> None:
    """Hair over the forehead and the back of the head, or what is worn on it."""
    if cut == "bald":
        with ink.part("hair"):
            ink.fill(blob([(0.42, -0.05), (0.72, -0.40), (1.02, -0.22), (1.0, 0.30), (0.72, 0.58),
                           (0.58, 0.30)]), hair)
        return
    with ink.part("hair"):
        if cut == "curls":
            ink.fill(blob([(-0.80, -0.62), (-0.55, -1.02), (0.10, -1.22), (0.80, -0.92),
                           (1.16, -0.20), (0.98, 0.50), (0.66, 0.20), (0.40, -0.40),
                           (-0.10, -0.55)]), hair)
            ink.fill(together([oval(x, y, 0.25) for x, y in
                               ((-0.72, -0.56), (-0.36, -0.70), (0.06, -0.66), (0.42, -0.46),
                                (0.62, -0.06))]), hair)
        else:
            ink.fill(blob([(-0.92, -0.34), (-0.74, -0.82), (-0.20, -1.14), (0.46, -1.06),
                           (0.98, -0.62), (1.06, 0.05), (0.86, 0.50), (0.62, 0.42),
                           (0.52, -0.02), (0.30, -0.38), (-0.12, -0.50), (-0.56, -0.40)]), hair)
    if cut == "bun":
        with ink.part("hair"):
            ink.fill(oval(0.66, -1.14, 0.42, 0.38), hair)
    if cut == "cap":
        with ink.part("hair"):
            ink.fill(blob([(-0.98, -0.34), (-0.86, -0.86), (-0.20, -1.22), (0.52, -1.12),
                           (1.02, -0.62), (1.06, -0.28), (0.30, -0.42), (-0.40, -0.44)]), cloth)
            ink.fill(limb([(-0.55, -0.44), (-1.05, -0.40), (-1.46, -0.28)], 0.20, 0.15),
                     darker(cloth, 0.2))
            ink.fill(oval(0.02, -1.17, 0.11, 0.08), trim)
    if cut == "beanie":
        with ink.part("hair"):
            ink.fill(blob([(-0.96, -0.40), (-0.78, -1.00), (-0.10, -1.34), (0.60, -1.16),
                           (1.04, -0.58), (1.04, -0.30), (0.20, -0.44)]), cloth)
            ink.line(curve([(-0.93, -0.42), (-0.30, -0.54), (0.40, -0.50), (1.02, -0.28)]), trim,
                     0.26)
            ink.fill(oval(-0.02, -1.38, 0.24), trim)


def head_of(ink: Ink, look: Look, at: Point, radius: float, nod: float) -> None:
    """A round head that looks left, three quarters towards us."""
    pose = POSE[look.word("pose")]
    skin, hair, cut = _SKIN[look.word("skin")], _HAIR[look.word("hair")], look.word("cut")
    with ink.moved(at[0], at[1], radius, -nod):
        _behind(ink, cut, hair)
        with ink.part("head"):
            ink.fill(blob([(0.0, -1.05), (0.72, -0.78), (1.0, -0.05), (0.80, 0.66), (0.22, 1.0),
                           (-0.40, 0.98), (-0.86, 0.62), (-0.98, 0.0), (-0.74, -0.75)]), skin)
            ink.fill(oval(-0.02, 0.34, 0.21, 0.15), ROSE, alpha=0.42)
            ink.fill(oval(-0.80, 0.34, 0.12, 0.13), ROSE, alpha=0.42)
            _eyes(ink, pose)
            _mouth(ink, pose.mouth, skin)
        with ink.part("head"):
            ink.fill(oval(-0.52, 0.22, 0.17, 0.14), lighter(skin, 0.12))
        with ink.part("head"):
            ink.fill(oval(0.50, 0.14, 0.17, 0.23), darker(skin, 0.08))
        _above(ink, cut, hair, look.accent, look.second)


def _leg(ink: Ink, joints: tuple[Point, Point, Point], look: Look, thick: float, far: bool) -> None:
    """One leg in trousers, or bare below shorts or a skirt, and its shoe."""
    shade = 0.22 if far else 0.0
    hip, knee, ankle = joints
    skin, cloth = darker(_SKIN[look.word("skin")], shade), darker(look.second, shade)
    shoe = darker(mix(look.accent, INK, 0.35), shade)
    bare = look.word("wears") in ("shorts", "skirt")
    with ink.part("leg"):
        ink.fill(limb([hip, knee, ankle], 0.098 * thick, (0.062 if bare else 0.080) * thick),
                 skin if bare else cloth)
        if look.word("wears") == "shorts":
            middle = (0.35 * hip[0] + 0.65 * knee[0], 0.35 * hip[1] + 0.65 * knee[1])
            ink.fill(limb([hip, middle], 0.105 * thick, 0.108 * thick), cloth)
        x, y = ankle
        with ink.moved(x, y, 1.0, 0.35 * _tilt(knee, ankle)):
            ink.fill(blob([(0.042, -0.022), (0.048, 0.026), (-0.035, 0.030), (-0.092, 0.028),
                           (-0.088, 0.004), (-0.045, -0.012), (-0.034, -0.032)]), shoe)
            ink.line(curve([(0.040, 0.024), (-0.085, 0.026)]), lighter(shoe, 0.5), 0.012)


def _tilt(start: Point, end: Point) -> float:
    """How far a bone leans from hanging straight down, in degrees clockwise."""
    return degrees(atan2(start[0] - end[0], end[1] - start[1]))


def _arm(ink: Ink, joints: tuple[Point, Point, Point], look: Look, thick: float, far: bool) -> None:
    """One arm in its sleeve, and the hand."""
    shade = 0.22 if far else 0.0
    shoulder, elbow, wrist = joints
    skin, cloth = darker(_SKIN[look.word("skin")], shade), darker(look.main, shade + 0.05)
    with ink.part("arm"):
        if look.word("sleeve") == "long":
            ink.fill(limb([shoulder, elbow, wrist], 0.076 * thick, 0.060 * thick), cloth)
        else:
            ink.fill(limb([shoulder, elbow, wrist], 0.062 * thick, 0.048 * thick), skin)
            cuff = (0.3 * shoulder[0] + 0.7 * elbow[0], 0.3 * shoulder[1] + 0.7 * elbow[1])
            ink.fill(limb([shoulder, cuff], 0.080 * thick, 0.078 * thick), cloth)
    with ink.part("hand"):
        ink.fill(oval(wrist[0], wrist[1], 0.037 * thick), skin)


def _trunk(ink: Ink, look: Look, bones: Skeleton, wide: float) -> None:
    """Shirt and what is worn below it, drawn upright about the hip and tilted with it."""
    (hx, hy), (nx, ny) = bones.hip, bones.neck
    high = ((nx - hx) ** 2 + (ny - hy) ** 2) ** 0.5
    tilt = _tilt(bones.neck, bones.hip)
    shirt = blob([(-0.62 * wide, -high), (0.0, -1.05 * high), (0.66 * wide, -high),
                  (1.04 * wide, -0.74 * high), (1.0 * wide, -0.2 * high), (0.90 * wide, 0.045),
                  (0.0, 0.060), (-0.90 * wide, 0.045), (-1.10 * wide, -0.2 * high),
                  (-1.0 * wide, -0.72 * high)])
    with ink.moved(hx, hy, 1.0, tilt):
        with ink.part("torso"):
            ink.fill(shirt, look.main)
            with ink.clip(shirt):
                if look.word("pattern") == "stripes":
                    for y in (-0.78, -0.52, -0.26, 0.0):
                        ink.fill(box(-0.2, y * high - 0.012, 0.2, y * high + 0.016), look.accent)
                if look.word("pattern") == "dots":
                    ink.fill(together([oval(-0.06 + 0.06 * i + 0.03 * (j % 2), -0.85 * high
                                            + 0.055 * j, 0.013)
                                       for i in range(4) for j in range(5)]), look.accent)
        low = 0.12 if look.word("wears") == "skirt" else 0.055
        with ink.part("torso"):
            if look.word("wears") == "skirt":
                ink.fill(blob([(-0.92 * wide, -0.05), (0.0, -0.06), (0.92 * wide, -0.05),
                               (1.40 * wide, 0.5 * low), (1.55 * wide, low), (0.0, 1.12 * low),
                               (-1.65 * wide, low), (-1.45 * wide, 0.5 * low)]), look.second)
            else:
                ink.fill(blob([(-1.0 * wide, -0.035), (0.0, -0.028), (0.98 * wide, -0.035),
                               (0.94 * wide, 0.045), (0.0, low), (-0.94 * wide, 0.045)]),
                         look.second)
            if look.word("wears") == "dungarees":
                ink.fill(blob([(-0.78 * wide, -0.03), (-0.72 * wide, -0.58 * high),
                               (-0.1 * wide, -0.60 * high), (0.30 * wide, -0.57 * high),
                               (0.62 * wide, -0.03)]), look.second)
                ink.line(curve([(0.20 * wide, -0.55 * high), (0.50 * wide, -0.96 * high)]),
                         look.second, 0.026)
                ink.line(curve([(-0.62 * wide, -0.55 * high), (-0.52 * wide, -0.97 * high)]),
                         look.second, 0.026)
                ink.fill(together([oval(x * wide, -0.53 * high, 0.011) for x in (-0.60, 0.17)]),
                         lighter(look.accent, 0.4))


@sprite(
    "person", colours="clothes", role="person", parts=("head", "hair", "torso", "arm", "hand",
                                                       "leg"),
    words={"pose": tuple(POSE), "age": ("grown", "grown", "child"), "skin": tuple(_SKIN),
           "hair": tuple(_HAIR), "cut": _CUTS, "wears": ("trousers", "shorts", "skirt",
                                                         "dungarees"),
           "pattern": ("plain", "stripes", "dots"), "sleeve": ("long", "short")},
    numbers={"arms": (-7.0, 7.0), "legs": (-6.0, 6.0), "bend": (-4.0, 4.0)}, share=(0.6, 0.8),
)
def person(ink: Ink, look: Look) -> None:
    """A person who looks left: far limbs, trunk, head, and the near arm in front."""
    build = _BUILD[look.word("age")]
    bones, thick = skeleton(look.words, look.numbers), build["limb"]
    _arm(ink, bones.far_arm, look, thick, far=True)
    _leg(ink, bones.far_leg, look, thick, far=True)
    _leg(ink, bones.near_leg, look, thick, far=False)
    with ink.part("head"):
        skin = darker(_SKIN[look.word("skin")], 0.12)
        ink.fill(limb([bones.neck, bones.head], 0.070 * thick, 0.066 * thick), skin)
    _trunk(ink, look, bones, build["wide"])
    head_of(ink, look, bones.head, build["head"], bones.nod)
    _arm(ink, bones.near_arm, look, thick, far=False)
