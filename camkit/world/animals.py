"""Animals. Dog, cat and fox share one body and differ in head and tail; the birds share a wing."""

from __future__ import annotations

from matplotlib.path import Path

from camkit.world.ink import Ink, blob, curve, limb, oval, poly, together
from camkit.world.palette import INK, LEAF, RGB, ROSE, WHITE, darker, lighter, mix
from camkit.world.sprites import Look, sprite

# Points are kept in rows, in the order in which they are drawn.
# fmt: off


def eye(ink: Ink, x: float, y: float, radius: float = 0.027) -> None:
    """A dark eye with a spark of light."""
    ink.fill(oval(x, y, radius, 1.12 * radius), INK)
    ink.fill(oval(x - 0.3 * radius, y - 0.4 * radius, 0.36 * radius), WHITE)


def hip_of(look: Look) -> float:
    """How high the hip lies: lower for short legs, and near the ground for a lying animal."""
    return 0.75 if look.word("pose") == "lying" else 0.65 - look.number("leg")


def four_legged(
    ink: Ink, look: Look, coat: RGB, belly: RGB, sock: RGB, build: float
) -> tuple[Path, float, float]:
    """The body that dog, cat and fox share: far legs, trunk; and where its neck ends.

    `build` is 1 for the sturdiest; `near_legs` comes next.
    """
    pose, hip, stride = look.word("pose"), hip_of(look), look.number("stride")
    if pose == "sitting":
        with ink.part("leg"):
            ink.fill(limb([(0.50, 0.56), (0.47, 0.75), (0.455, 0.88)], 0.13 * build, 0.075),
                     darker(coat, 0.3))
            ink.fill(oval(0.435, 0.895, 0.058, 0.034), darker(sock, 0.3))
        trunk = blob([(0.36, 0.47), (0.48, 0.40), (0.62 + 0.03 * build, 0.50),
                      (0.745 + 0.04 * build, 0.68), (0.76 + 0.03 * build, 0.84), (0.66, 0.925),
                      (0.48, 0.91), (0.38, 0.74), (0.345, 0.58)])
        neck = 0.46, 0.52
    elif pose == "lying":
        with ink.part("leg"):
            ink.fill(limb([(0.38, 0.80), (0.24, 0.845), (0.125, 0.865)], 0.12 * build, 0.07),
                     darker(coat, 0.3))
            ink.fill(oval(0.12, 0.87, 0.058, 0.034), darker(sock, 0.3))
        trunk = blob([(0.30, 0.62), (0.42, 0.575), (0.60, 0.585), (0.76, 0.60), (0.86, 0.70),
                      (0.875, 0.85), (0.78, 0.925), (0.50, 0.925), (0.32, 0.90), (0.265, 0.76)])
        neck = 0.37, 0.68
    else:
        with ink.part("leg"):
            for x, step in ((0.41, 1.2 * stride), (0.77, -0.8 * stride)):
                foot = x + step
                ink.fill(limb([(x, hip), (x + 0.4 * step + 0.012, 0.78), (foot - 0.005, 0.87)],
                              0.11 * build, 0.07), darker(coat, 0.35))
                ink.fill(oval(foot - 0.025, 0.88, 0.056, 0.031), darker(sock, 0.35))
        sag = 0.09 * build
        trunk = blob([(0.29, hip - 0.15), (0.42, hip - 0.165), (0.58, hip - 0.15),
                      (0.76, hip - 0.17), (0.875, hip - 0.06), (0.87, hip + 0.06),
                      (0.76, hip + 0.075), (0.60, hip + sag - 0.015), (0.40, hip + sag),
                      (0.275, hip + 0.01)])
        neck = 0.34, hip - 0.05
    with ink.part("body"):
        ink.fill(trunk, coat)
        with ink.clip(trunk):
            if pose == "sitting":
                ink.fill(oval(0.35, 0.66, 0.09, 0.20, -8), belly)
            else:
                ink.fill(oval(0.55, hip + 0.12, 0.27, 0.07), belly)
    return trunk, *neck


def near_legs(ink: Ink, look: Look, coat: RGB, sock: RGB, build: float) -> None:
    """The pair of legs on our side."""
    hip, stride, pose = hip_of(look), look.number("stride"), look.word("pose")
    with ink.part("leg"):
        if pose == "standing":
            ink.fill(blob([(0.74, hip - 0.10), (0.86, hip - 0.09), (0.885, hip + 0.03),
                           (0.86 + 0.8 * stride, 0.79), (0.862 + stride, 0.895),
                           (0.795 + stride, 0.90), (0.775 + 0.4 * stride, 0.80),
                           (0.73, hip + 0.06)]), coat)
            ink.fill(oval(0.812 + stride, 0.895, 0.062, 0.036), sock)
        else:
            x = 0.66 if pose == "sitting" else 0.745
            ink.fill(oval(x, 0.785, 0.135 * build + 0.01, 0.135, -20), coat)
            ink.fill(oval(x - 0.095, 0.905, 0.092, 0.036), sock)
    with ink.part("leg"):
        if pose == "lying":
            ink.fill(limb([(0.42, 0.82), (0.28, 0.885), (0.16, 0.893)], 0.13 * build, 0.08), coat)
            ink.fill(oval(0.145, 0.90, 0.068, 0.037), sock)
        else:
            top, x, step = (0.58, 0.41, 0.0) if pose == "sitting" else (hip - 0.02, 0.335, -stride)
            ink.fill(limb([(x, top), (x + 0.4 * step + 0.005, 0.77), (x + step - 0.008, 0.875)],
                          0.135 * build, 0.085), coat)
            ink.fill(oval(x + step - 0.03, 0.895, 0.064, 0.036), sock)


def pricked_ears(ink: Ink, x: float, y: float, tall: float, coat: RGB, inner: RGB, tip: RGB
                 ) -> None:
    """Two pointed ears, standing `tall` above a head whose crown is at `(x, y)`."""
    for side, lean in ((-1, -0.02), (1, 0.03)):
        at = x + side * 0.10
        ear = blob([(at - 0.065, y + 0.03), (at - 0.035 + lean, y - 0.55 * tall),
                    (at + lean + side * 0.02, y - tall), (at + 0.045 + lean, y - 0.5 * tall),
                    (at + 0.065, y + 0.04)])
        with ink.part("ear"):
            ink.fill(ear, coat)
            with ink.clip(ear):
                ink.fill(oval(at + lean + side * 0.02, y - tall, 0.07, 0.36 * tall), tip)
                ink.fill(blob([(at - 0.035, y + 0.03), (at + lean + side * 0.015, y - 0.68 * tall),
                               (at + 0.038, y + 0.03)]), inner)


_POSES = ("standing", "sitting", "lying")


@sprite(
    "dog", colours="coat", parts=("head", "ear", "leg", "tail"), home="park",
    words={"pose": _POSES, "marking": ("plain", "patches", "saddle"), "ears": ("long", "short")},
    numbers={"tail": (-0.05, 0.05), "leg": (0.0, 0.05), "stride": (-0.01, 0.06), "nose": (0.0,
                                                                                          0.03)},
)
def dog(ink: Ink, look: Look) -> None:
    """A dog with hanging ears and a collar, looking left."""
    coat, pale, pose = look.main, look.second, look.word("pose")
    hip, nose, marking = hip_of(look), look.number("nose"), look.word("marking")
    wag, rest = look.number("tail"), 0.045 if pose == "lying" else 0.0
    with ink.part("tail"):
        ink.fill(limb([(0.83, hip - 0.09), (0.91, hip - 0.15), (0.945, hip - 0.27 - wag)],
                      0.075, 0.038)
                 if pose == "standing" else
                 limb([(0.70 + rest, 0.85), (0.84 + rest, 0.86), (0.91 + rest, 0.74 + wag)],
                      0.08, 0.04), coat)
    trunk, x, y = four_legged(ink, look, coat, pale, pale, 1.0)
    with ink.part("body"), ink.clip(trunk):
        if marking == "saddle":
            ink.fill(oval(0.66, y - 0.07, 0.19, 0.14, 30 if pose == "sitting" else 0),
                     darker(coat, 0.45))
        if marking == "patches":
            for _ in range(4):
                ink.fill(oval(look.rng.uniform(0.45, 0.84), look.rng.uniform(y - 0.1, y + 0.12),
                              look.rng.uniform(0.04, 0.075), 0.045), darker(coat, 0.45))
    near_legs(ink, look, coat, pale, 1.0)
    with ink.moved(x, y):
        with ink.part("head"):
            ink.fill(limb([(0.0, 0.02), (-0.04, -0.18)], 0.21, 0.16), coat)
            ink.line(curve([(-0.118, -0.09), (-0.04, -0.035), (0.062, -0.08)]), look.accent, 0.042)
            ink.fill(blob([(-0.14, -0.38), (0.0, -0.39), (0.06, -0.26), (-0.01, -0.14),
                           (-0.15, -0.13), (-0.26 - nose, -0.15), (-0.285 - nose, -0.22),
                           (-0.21, -0.27)]), coat)
            ink.fill(blob([(-0.15, -0.23), (-0.26 - nose, -0.23), (-0.28 - nose, -0.17),
                           (-0.22, -0.14), (-0.14, -0.15)]), pale)
            ink.fill(oval(-0.275 - nose, -0.225, 0.035, 0.029), INK)
            ink.line(curve([(-0.265, -0.165), (-0.21, -0.155), (-0.155, -0.175)]), INK, 0.012)
            eye(ink, -0.13, -0.285)
            ink.fill(oval(-0.105, -0.20, 0.03, 0.02), ROSE, alpha=0.4)
        with ink.part("ear"):
            low = -0.13 if look.word("ears") == "long" else -0.20
            ink.fill(blob([(-0.06, -0.385), (0.02, -0.38), (0.085, -0.26), (0.075, low),
                           (0.0, low - 0.02), (-0.04, -0.28)]), darker(coat, 0.35))


@sprite(
    "cat", colours="coat", parts=("head", "ear", "leg", "tail"), home="room",
    words={"pose": _POSES, "marking": ("plain", "tabby", "bib")},
    numbers={"tail": (-0.04, 0.06), "leg": (0.0, 0.04), "stride": (-0.01, 0.06), "cheek": (0.0,
                                                                                           0.02)},
)
def cat(ink: Ink, look: Look) -> None:
    """A cat with a round face, looking at us."""
    coat, pale, pose, marking = look.main, look.second, look.word("pose"), look.word("marking")
    hip, curl, stripe = hip_of(look), look.number("tail"), darker(look.main, 0.4)
    sock = pale if marking == "bib" else coat
    if pose == "standing":
        with ink.part("tail"):
            ink.fill(limb([(0.83, hip - 0.09), (0.91, hip - 0.14), (0.925, hip - 0.27),
                           (0.85 + curl, hip - 0.36), (0.82 + curl, hip - 0.42)], 0.075, 0.06),
                     coat)
            ink.fill(oval(0.825 + curl, hip - 0.42, 0.035), stripe)
    trunk, x, y = four_legged(ink, look, coat, mix(coat, pale, 0.6), sock, 0.86)
    with ink.part("body"), ink.clip(trunk):
        if marking == "tabby":
            bands = [curve([(0.50 + 0.09 * i, 0.50 + 0.07 * i), (0.60 + 0.07 * i, 0.42 + 0.1 * i)]
                           if pose == "sitting" else
                           [(0.46 + 0.105 * i, hip - 0.18), (0.49 + 0.10 * i, hip - 0.03)])
                     for i in range(4)]
            ink.line(together(bands), stripe, 0.028)
    near_legs(ink, look, coat, sock, 0.86)
    if pose != "standing":
        with ink.moved(0.0 if pose == "sitting" else 0.095, 0.0), ink.part("tail"):
            ink.fill(limb([(0.78, 0.80), (0.83, 0.89), (0.70, 0.925), (0.56 + curl, 0.91)],
                          0.075, 0.05), coat)
            ink.fill(oval(0.565 + curl, 0.908, 0.03), stripe)
    with ink.moved(x - 0.05, y - 0.17):
        wide = 0.175 + look.number("cheek")
        pricked_ears(ink, 0.0, -0.11, 0.13, coat, mix(ROSE, coat, 0.3), coat)
        with ink.part("head"):
            ink.fill(blob([(-0.09, -0.135), (0.09, -0.135), (wide, 0.0), (0.13, 0.12),
                           (0.0, 0.15), (-0.13, 0.12), (-wide, 0.0)]), coat)
            if marking == "tabby":
                brow = [curve([(x, -0.13), (0.8 * x, -0.065)]) for x in (-0.045, 0.0, 0.045)]
                ink.line(together(brow), stripe, 0.018)
            for side in (-1, 1):
                ink.fill(oval(0.042 * side - 0.01, 0.072, 0.055, 0.045), pale)
                ink.fill(oval(0.08 * side - 0.01, -0.01, 0.036, 0.04), mix(LEAF, WHITE, 0.35))
                ink.fill(oval(0.08 * side - 0.014, -0.005, 0.017, 0.034), INK)
                ink.fill(oval(0.08 * side - 0.02, -0.022, 0.009), WHITE)
            ink.fill(poly([(-0.036, 0.034), (0.016, 0.034), (-0.01, 0.062)], 0.012), ROSE)
            ink.line(curve([(-0.05, 0.085), (-0.028, 0.095), (-0.01, 0.07), (0.008, 0.095),
                            (0.03, 0.085)]), INK, 0.01)
        with ink.aside():
            whiskers = [curve([(0.09 * side, 0.07 + 0.3 * rise), (0.22 * side, 0.05 + rise)])
                        for side in (-1, 1) for rise in (-0.02, 0.03)]
            ink.line(together(whiskers), lighter(coat, 0.7), 0.006, alpha=0.8)


@sprite(
    "fox", colours="fox", parts=("head", "ear", "leg", "tail"), home="snow",
    words={"pose": _POSES},
    numbers={"tail": (-0.05, 0.05), "leg": (0.0, 0.05), "stride": (-0.01, 0.06), "brush": (0.0,
                                                                                           0.03)},
)
def fox(ink: Ink, look: Look) -> None:
    """A fox: pointed face, white cheeks, dark stockings and a brush."""
    coat, white, sock, pose = look.main, look.second, look.accent, look.word("pose")
    hip, lift, brush = hip_of(look), look.number("tail"), look.number("brush")
    if pose != "standing":
        tail = blob([(0.70, 0.80), (0.80, 0.70 + lift), (0.91, 0.68 + lift), (0.965, 0.78),
                     (0.955 + brush, 0.87), (0.87, 0.925), (0.74, 0.92)])
        tip = oval(0.93, 0.70 + lift, 0.10, 0.085)
    else:
        tail = blob([(0.83, hip - 0.13), (0.88, hip - 0.24 - lift), (0.93, hip - 0.33 - lift),
                     (0.975, hip - 0.25), (0.985, hip - 0.08), (0.94 + brush, hip + 0.06),
                     (0.87, hip + 0.04)])
        tip = oval(0.93, hip - 0.30 - lift, 0.10, 0.085)
    with ink.moved(0.045 if pose == "lying" else 0.0, 0.0), ink.part("tail"):
        ink.fill(tail, coat)
        with ink.clip(tail):
            ink.fill(tip, white)
    _, x, y = four_legged(ink, look, coat, white, sock, 0.86)
    near_legs(ink, look, coat, sock, 0.86)
    with ink.moved(x - 0.05, y - 0.15):
        pricked_ears(ink, 0.02, -0.10, 0.19, coat, lighter(coat, 0.55), sock)
        with ink.part("head"):
            face = blob([(-0.08, -0.14), (0.10, -0.13), (0.17, -0.01), (0.20, 0.075),
                         (0.07, 0.10), (-0.03, 0.155), (-0.09, 0.15), (-0.13, 0.09),
                         (-0.175, 0.045), (-0.155, -0.04)])
            ink.fill(face, coat)
            with ink.clip(face):
                ink.fill(blob([(0.24, -0.01), (0.10, 0.0), (0.0, 0.06), (-0.06, 0.08),
                               (-0.04, 0.20), (0.20, 0.16)]), white)
                ink.fill(blob([(-0.22, -0.02), (-0.145, -0.01), (-0.11, 0.06), (-0.075, 0.08),
                               (-0.08, 0.20), (-0.20, 0.12)]), white)
            ink.fill(oval(-0.065, 0.145, 0.034, 0.028), INK)
            eye(ink, -0.105, 0.0, 0.024)
            eye(ink, 0.05, 0.0, 0.026)


def wing(ink: Ink, x: float, y: float, long: float, colour: RGB, tilt: float = 0.0) -> None:
    """A folded wing with three feathers, from its shoulder `(x, y)` backwards."""
    with ink.moved(x, y, long, tilt), ink.part("wing"):
        ink.fill(blob([(-0.08, -0.12), (0.25, -0.28), (0.70, -0.12), (1.0, 0.12), (0.80, 0.17),
                       (0.72, 0.28), (0.52, 0.26), (0.42, 0.34), (0.10, 0.27), (-0.10, 0.08)]),
                 colour)
        for dx, dy in ((0.30, 0.07), (0.22, 0.18)):
            ink.line(curve([(dx, dy), (dx + 0.22, dy + 0.02), (dx + 0.44, dy + 0.045)]),
                     darker(colour, 0.3), 0.035)


def bird_legs(ink: Ink, x: float, y: float, colour: RGB) -> None:
    """Two legs with toes, from the belly `(x, y)` down to the ground."""
    with ink.part("leg"):
        for dx, shade in ((0.10, 0.3), (0.0, 0.0)):
            ink.line(curve([(x + dx, y), (x + dx - 0.005, 0.905)]), darker(colour, shade), 0.032)
            ink.fill(blob([(x + dx - 0.085, 0.93), (x + dx, 0.885), (x + dx + 0.05, 0.93),
                           (x + dx - 0.02, 0.935)]), darker(colour, shade))


@sprite(
    "bird", colours="plumage", parts=("head", "beak", "wing", "tail", "leg"), home="snow",
    words={"pose": ("perched", "upright"), "crest": ("none", "tuft")},
    numbers={"plump": (0.0, 0.04), "tail": (-6.0, 8.0)},
)
def bird(ink: Ink, look: Look) -> None:
    """A plump songbird with a short pointed beak."""
    back, breast, beak = look.main, look.second, look.accent
    plump, tilt = look.number("plump"), -16.0 if look.word("pose") == "upright" else 0.0
    bird_legs(ink, 0.47, 0.76, beak)
    with ink.moved(0.5, 0.5, tilt=tilt):
        with ink.moved(0.20, 0.06, tilt=look.number("tail") - tilt / 2), ink.part("tail"):
            ink.fill(poly([(-0.06, -0.08), (0.10, -0.05), (0.275, -0.06), (0.24, 0.01),
                           (0.265, 0.06), (0.08, 0.075), (-0.05, 0.09)], 0.03), darker(back, 0.22))
        trunk = blob([(-0.20, -0.16), (0.02, -0.20), (0.22, -0.06), (0.26, 0.09), (0.13, 0.25),
                      (-0.07, 0.29 + plump), (-0.25, 0.20 + plump), (-0.315, 0.02)])
        with ink.part("body"):
            ink.fill(trunk, back)
            with ink.clip(trunk):
                ink.fill(oval(-0.20, 0.22, 0.20, 0.25, -38), breast)
        wing(ink, -0.06, 0.03, 0.34, darker(back, 0.14), 12)
        with ink.part("beak"):
            ink.fill(poly([(-0.34, -0.225), (-0.465, -0.165), (-0.34, -0.135)], 0.02), beak)
        with ink.part("head"):
            if look.word("crest") == "tuft":
                ink.fill(blob([(-0.27, -0.32), (-0.20, -0.37), (-0.09, -0.42), (-0.12, -0.34),
                               (-0.06, -0.36), (-0.11, -0.26)]), back)
            ink.fill(oval(-0.20, -0.19, 0.165, 0.155), back)
            ink.fill(blob([(-0.36, -0.15), (-0.27, -0.155), (-0.20, -0.09), (-0.20, -0.04),
                           (-0.29, -0.06)]), breast)
            eye(ink, -0.245, -0.215, 0.03)


@sprite(
    "duck", colours="plumage", parts=("head", "beak", "wing", "tail", "leg"), home="park",
    words={"tail": ("curled", "straight"), "ring": ("plain", "collar")},
    numbers={"neck": (0.0, 0.06), "bill": (0.0, 0.03)},
)
def duck(ink: Ink, look: Look) -> None:
    """A duck with a long neck and a flat bill."""
    back, breast, bill = look.main, look.second, look.accent
    tip = (0.97, 0.44) if look.word("tail") == "curled" else (0.99, 0.56)
    bird_legs(ink, 0.50, 0.79, bill)
    with ink.part("tail"):
        ink.fill(blob([(0.78, 0.56), (0.87, 0.50), tip, (0.95, 0.58), (0.88, 0.68),
                       (0.80, 0.70)]), darker(back, 0.1))
    trunk = blob([(0.20, 0.56), (0.36, 0.52), (0.56, 0.50), (0.80, 0.52), (0.91, 0.58),
                  (0.82, 0.76), (0.60, 0.835), (0.38, 0.83), (0.22, 0.73)])
    with ink.part("body"):
        ink.fill(trunk, back)
        with ink.clip(trunk):
            ink.fill(oval(0.28, 0.82, 0.26, 0.14, 20), breast)
    wing(ink, 0.47, 0.62, 0.38, darker(back, 0.14), -4)
    lift, long = look.number("neck"), look.number("bill")
    with ink.part("head"):
        ink.fill(limb([(0.33, 0.64), (0.285, 0.48), (0.33, 0.34 - lift)], 0.24, 0.16), back)
        if look.word("ring") == "collar":
            ink.line(curve([(0.205, 0.44), (0.28, 0.475), (0.375, 0.45)]), breast, 0.035)
    with ink.moved(0.31, 0.27 - lift):
        with ink.part("beak"):
            ink.fill(blob([(-0.09, -0.03), (-0.15, 0.0), (-0.24 - long, 0.012),
                           (-0.255 - long, 0.05), (-0.17, 0.075), (-0.08, 0.07)]), bill)
            ink.line(curve([(-0.235 - long, 0.038), (-0.17, 0.045), (-0.11, 0.025)]),
                     darker(bill, 0.4), 0.011)
        with ink.part("head"):
            ink.fill(oval(0.0, 0.0, 0.145, 0.135), back)
            eye(ink, -0.05, -0.03, 0.028)
            ink.fill(oval(-0.035, 0.045, 0.032, 0.02), ROSE, alpha=0.35)
