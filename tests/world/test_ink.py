"""The pen, the light and the register of sprites."""

from __future__ import annotations

import numpy as np
import pytest

from camkit import world
from camkit.world.ink import Ink, blob, box, curve, limb, oval, poly, together
from camkit.world.light import Light, lit, relief
from camkit.world.palette import FAMILIES, oklch
from camkit.world.raster import Frame, raster
from camkit.world.sheets import SHEETS, main
from camkit.world.sprites import load, sprite

RED = (0.8, 0.1, 0.1)


def covered(ink: Ink, **frame: object) -> np.ndarray:
    return raster(ink.finish(), Frame(100, 100, 50, 50, 100, **frame)).colour[..., 3] / 255  # type: ignore[arg-type]


def test_shapes_have_the_areas_geometry_says() -> None:
    for shape, area in (
        (box(0.1, 0.2, 0.6, 0.8), 0.30),
        (oval(0.5, 0.5, 0.3, 0.2), np.pi * 0.06),
        (poly([(0.1, 0.1), (0.9, 0.1), (0.1, 0.9)]), 0.32),
        (limb([(0.2, 0.5), (0.8, 0.5)], 0.2), 0.6 * 0.2 + np.pi * 0.01),
        (box(0.2, 0.2, 0.8, 0.8, 0.3), np.pi * 0.09),
        (together([box(0.0, 0.0, 0.2, 0.2), box(0.5, 0.5, 0.7, 0.7)]), 0.08),
    ):
        ink = Ink()
        ink.fill(shape, RED)
        assert covered(ink).mean() == pytest.approx(area, rel=0.06)


def test_a_frame_mirrors_then_turns() -> None:
    ink = Ink()
    ink.fill(box(0.0, 0.4, 0.3, 0.6), RED)  # a block at the left
    assert covered(ink)[50, 5:25].all()
    assert covered(ink, flip=True)[50, 75:95].all()
    assert covered(ink, rotation=90.0)[5:25, 50].all(), "clockwise: left goes up"


def test_moved_puts_the_origin_elsewhere() -> None:
    ink = Ink()
    with ink.moved(0.5, 0.5, scale=0.5, tilt=90.0):
        ink.fill(box(0.0, -0.2, 0.8, 0.2), RED)  # runs right, so once tilted it runs down
    alpha = covered(ink)
    assert alpha[52:88, 50].all()
    assert not alpha[:48].any()
    points, _ = ink.finish().outline()
    np.testing.assert_allclose(points.max(axis=0), [0.6, 0.9], atol=1e-9)


def test_clips_washes_and_asides_make_no_lumps() -> None:
    ink = Ink()
    with ink.part("plate"):
        ink.fill(box(0.2, 0.2, 0.8, 0.8), RED)
    with ink.clip(box(0.2, 0.2, 0.8, 0.8)):
        ink.fill(oval(0.8, 0.5, 0.3), (0.0, 0.0, 1.0))
    with ink.aside():
        ink.line(curve([(0.1, 0.1), (0.9, 0.1)]), RED, 0.05)
    layers = raster(ink.finish(), Frame(100, 100, 50, 50, 100))
    assert layers.colour[50, 75].tolist() == [0, 0, 255, 255]
    assert layers.colour[50, 85, 3] == 0, "clipped"
    assert set(np.unique(layers.lumps)) == {0, 1}
    assert layers.aside is not None
    assert layers.aside[10, 50, 3] == 255
    assert layers.colour[10, 50, 3] == 0


def test_background_pixels_belong_to_no_lump() -> None:
    # The rasteriser's empty canvas is white with alpha 0: white is not lump 255.
    assert not raster(Ink().finish(), Frame(8, 8, 4, 4, 8)).lumps.any()


def test_the_side_towards_the_lamp_is_the_bright_one() -> None:
    ink = Ink()
    ink.fill(oval(0.5, 0.5, 0.3), RED)
    lumps = raster(ink.finish(), Frame(100, 100, 50, 50, 100)).lumps
    for x, y in ((-0.7, -0.7), (0.7, -0.7)):
        shade = relief(lumps, Light(x, y), 5.0)
        near, far = (int(50 + s * 24 * x) for s in (1, -1))
        high, low = (int(50 + s * 24 * y) for s in (1, -1))
        assert shade[high, near] > shade[50, 50] + 0.1
        assert shade[low, far] < shade[50, 50] - 0.1
        assert not shade[:10].any(), "no light is lost outside"
    grey = np.full((1, 2, 3), 0.5, np.float32)
    out = lit(grey, np.array([[0.5, -0.5]], np.float32), Light())
    assert out[0, 0].mean() > 0.5 > out[0, 1].mean()
    assert out[0, 1, 2] > out[0, 1, 0], "shade is cool"


def test_colours_are_colours() -> None:
    for family in FAMILIES.values():
        for scheme in family:
            assert len(scheme) == 3
            assert all(0.0 <= v <= 1.0 for colour in scheme for v in colour)
    assert oklch(0.628, 0.2577, 29.23) == pytest.approx((1.0, 0.0, 0.0), abs=0.02)  # sRGB red


def test_sprites_declare_what_they_use() -> None:
    for name, entry in load().items():
        assert entry.name == name
        assert entry.draw.__doc__, f"{name} says what it shows"
        if entry.role == "object":
            assert entry.home in world.BACKGROUNDS
    with pytest.raises(ValueError, match="registered already"):
        sprite("dog", colours="coat")
    with pytest.raises(ValueError, match="colours must be one of"):
        sprite("dragon", colours="scales")
    with pytest.raises(ValueError, match="at least two"):
        blob([(0.0, 0.0)])


def test_look_alikes_share_parts() -> None:
    holders: dict[str, list[str]] = {}
    for name in world.CLASSES:
        for part in load()[name].parts:
            holders.setdefault(part, []).append(name)
    assert {"car", "cart", "bicycle"} <= set(holders["wheel"])
    assert {"mug", "jug", "basket"} <= set(holders["handle"])
    assert {"dog", "cat", "fox"} <= set(holders["head"])


def test_the_sheets_are_written(tmp_path) -> None:  # type: ignore[no-untyped-def]
    main(["--out", str(tmp_path), "--size", "16"])
    assert {p.stem for p in tmp_path.iterdir()} == set(SHEETS)
