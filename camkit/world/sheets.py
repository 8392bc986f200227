"""Contact sheets of every set, to be looked at: `python -m camkit.world.sheets --out DIR`."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from camkit.world.actions import ACTIONS, TOOLS, Actions, posed
from camkit.world.backgrounds import BACKGROUNDS
from camkit.world.birds import SPECIES, Birds, bird_of
from camkit.world.compose import scene_of, two
from camkit.world.lettered import Signs
from camkit.world.palette import oklch
from camkit.world.rooms import DEFINING, SCENES, Scenes
from camkit.world.scene import Picture, check_size
from camkit.world.sets import BiasedObjects, Objects, Pictures, TwoObjects, TwoOfAKind
from camkit.world.sprites import kinds

Pixels = NDArray[np.uint8]

_PAPER, _TEXT = (255, 255, 255), (45, 40, 38)


def grid(rows: Sequence[Sequence[Pixels]], titles: Sequence[str] = (), gap: int = 6) -> Image.Image:
    """Pictures of one size in rows on white, with a title at the left of each row."""
    size = len(rows[0][0])
    margin = round(0.95 * size) if titles else gap
    wide = margin + max(len(row) for row in rows) * (size + gap)
    sheet = Image.new("RGB", (wide, gap + len(rows) * (size + gap)), _PAPER)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=max(10, size // 9))
    for r, row in enumerate(rows):
        top = gap + r * (size + gap)
        if titles:
            pen.multiline_text((gap, top + size // 2), titles[r], _TEXT, font, anchor="lm")
        for c, picture in enumerate(row):
            sheet.paste(Image.fromarray(picture), (margin + c * (size + gap), top))
    return sheet


def _objects(size: int, hard: bool = False) -> Image.Image:
    classes = kinds("object")
    ds = Objects("test", size=size, hard=hard)
    rows = [[ds[c + len(classes) * k].image for k in range(8)] for c in range(len(classes))]
    return grid(rows, classes)


def _hard(size: int) -> Image.Image:
    return _objects(size, hard=True)


def _framing(size: int) -> Image.Image:
    shares = (0.05, 0.10, 0.20, 0.35, 0.50, 0.70)
    sets = [Objects("test", size=size, framing=share) for share in shares]
    return grid([[ds[i].image for i in range(2, 10)] for ds in sets],
                [f"box {share:.0%}\nof the picture" for share in shares])  # fmt: skip


def _rows_of(pictures: Pictures, rows: int = 5) -> Image.Image:
    return grid([[pictures[8 * r + c].image for c in range(8)] for r in range(rows)])


def _two_objects(size: int) -> Image.Image:
    return _rows_of(TwoObjects("test", size=size))


def _two_of_a_kind(size: int) -> Image.Image:
    return _rows_of(TwoOfAKind("test", size=size))


def _biased(size: int) -> Image.Image:
    sets = {f"bias {b}": BiasedObjects("test", size=size, bias=b) for b in (0.0, 0.9, 1.0)}
    sets["never at home"] = BiasedObjects("test", size=size, home=False)
    return grid([[ds[i].image for i in range(0, 20, 2)] for ds in sets.values()], list(sets))


def _actions(size: int) -> Image.Image:
    ds = Actions("test", size=size)
    rows = [[ds[a + len(ACTIONS) * k].image for k in range(8)] for a in range(len(ACTIONS))]
    return grid(rows, ACTIONS)


def _poses(size: int) -> Image.Image:
    held = (*TOOLS.values(), None)
    rows = [[posed(p, t, "park", seed=4).draw(size).image for t in held] for p in ACTIONS]
    return grid(rows, ACTIONS)


def _birds(size: int) -> Image.Image:
    """Field guide: each species alike in all but its marks, then as the set shows it."""
    ds = Birds("test", size=size)
    rows = [
        [bird_of(name, seed=s, framing=0.25).draw(size).image for s in (3, 4, 5)]
        + [ds[c + len(SPECIES) * k].image for k in range(5)]
        for c, name in enumerate(SPECIES)
    ]
    return grid(rows, [name.replace(" ", "\n") for name in SPECIES])


def _backgrounds(size: int) -> Image.Image:
    rows = [[scene_of(kinds("object")[0], name, seed=s).without(kinds("object")[0]).draw(size).image
             for s in range(6)] for name in BACKGROUNDS]  # fmt: skip
    return grid(rows, BACKGROUNDS)


def _scenes(size: int) -> Image.Image:
    ds = Scenes("test", size=size)
    rows = [[ds[c + len(SCENES) * k].image for k in range(8)] for c in range(len(SCENES))]
    return grid(rows, [f"{name}:\n" + " +\n".join(DEFINING[name]) for name in SCENES])


def _signs(size: int) -> Image.Image:
    ds, marked = Signs("test", size=size), Signs("test", size=size, marks=1.0)
    with_words = [ds.scene(i) for i in range(1, 33, 2)]
    rows = [with_words[:8], [s.blank() for s in with_words[:8]], with_words[8:],
            [marked.scene(i) for i in range(0, 16, 2)]]  # fmt: skip
    return grid([[s.draw(size).image for s in row] for row in rows],
                ["words", "painted away", "words", "marks"])  # fmt: skip


def _interventions(size: int) -> Image.Image:
    rows = []
    classes = kinds("object")
    for seed, kind in enumerate(classes[:: max(1, len(classes) // 5)][:5]):
        scene = scene_of(kind, seed=seed + 10, framing=0.22)
        other = BACKGROUNDS[(BACKGROUNDS.index(scene.background.kind) + 3) % len(BACKGROUNDS)]
        changed = [
            scene, scene.without(kind), scene.only(kind), scene.on(other),
            scene.moved(kind, 0.12, 0.02), scene.recoloured(kind), scene.enlarged(kind, 1.4),
            scene.with_thing(classes[(classes.index(kind) + 7) % len(classes)], (0.2, 0.96), 0.34),
        ]  # fmt: skip
        rows.append([s.draw(size).image for s in changed])
    titles = (
        "as drawn",
        "without",
        "only",
        "elsewhere",
        "moved",
        "recoloured",
        "enlarged",
        "and another",
    )
    sheet = grid(rows)
    step, bar = size + 6, max(18, size // 7)
    page = Image.new("RGB", (sheet.width, sheet.height + bar), _PAPER)
    page.paste(sheet, (0, bar))
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(size=max(10, size // 11))
    for c, title in enumerate(titles):
        pen.text((6 + c * step + size / 2, bar / 2 + 2), title, _TEXT, font, anchor="mm")
    return page


_TINTS = np.array([oklch(0.50 + 0.1 * (i % 4), 0.13, 40 + 137.5 * i) for i in range(12)]) * 255


def outlined(picture: Picture) -> Pixels:
    """The picture with the visible (solid) and whole (dashed) boxes of its objects drawn in."""
    image = Image.fromarray(picture.image)
    pen = ImageDraw.Draw(image)
    width = max(1, picture.size // 100)
    for i, thing in enumerate(picture.things):
        if thing.role != "object" or np.isnan(picture.boxes[i]).any():
            continue
        x0, y0, x1, y1 = picture.amodal_boxes[i].tolist()
        dash = max(4, picture.size // 24)
        for a in np.arange(x0, x1, 2 * dash).tolist():
            for y in (y0, y1 - 1):
                pen.line([(a, y), (min(a + dash, x1), y)], (255, 255, 255), width)
        for b in np.arange(y0, y1, 2 * dash).tolist():
            for x in (x0, x1 - 1):
                pen.line([(x, b), (x, min(b + dash, y1))], (255, 255, 255), width)
        x0, y0, x1, y1 = picture.boxes[i].tolist()
        pen.rectangle([x0, y0, x1 - 1, y1 - 1], outline=(30, 25, 40), width=width)
    return np.asarray(image)


def parts_view(picture: Picture, which: int | str) -> Pixels:
    """The parts of one thing, tinted and named, over a pale copy of the picture."""
    pale = picture.image.astype(np.float32) * 0.3 + 255 * 0.7
    parts = {n: m for n, m in picture.parts(which).items() if m.any()}
    for k, mask in enumerate(parts.values()):
        pale[mask] = 0.35 * picture.image[mask] + 0.65 * _TINTS[k % 12]
    image = Image.fromarray(pale.astype(np.uint8))
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(size=max(9, picture.size // 15))
    for name, mask in parts.items():
        y, x = (float(np.median(v)) for v in np.nonzero(mask))
        pen.text((x, y), name, (20, 18, 30), font, anchor="mm", stroke_width=2,
                 stroke_fill=(255, 255, 255))  # fmt: skip
    return np.asarray(image)


def _truth(size: int) -> Image.Image:
    classes, columns = kinds("object"), []
    for i, kind in enumerate(classes[:: max(1, len(classes) // 7)][:7]):
        scene = scene_of(kind, seed=40 + i, framing=0.3)
        columns.append((scene.draw(size), kind))
    pair = two(classes[0], classes[-1], seed=5)
    columns.append((pair.draw(size), classes[0]))
    rows: list[list[Pixels]] = [[], [], [], []]
    for picture, kind in columns:
        mine = [i for i, t in enumerate(picture.things) if t.role == "object"]
        seen, whole = picture.visible[mine].any(axis=0), picture.amodal[mine].any(axis=0)
        hidden = np.where(whole, 120, 20) + np.where(seen, 135, 0)
        rows[0].append(picture.image)
        rows[1].append(outlined(picture))
        rows[2].append(np.repeat(hidden[..., None], 3, axis=2).astype(np.uint8))
        rows[3].append(parts_view(picture, kind))
    return grid(rows, ["the picture", "boxes: seen\n(solid), whole\n(dashed)",
                       "masks: seen\n(white), hidden\n(grey)", "parts"])  # fmt: skip


def poster(size: int = 256) -> Image.Image:
    """The sheet that stands in the README: every class once, on every background in turn."""
    classes = kinds("object")
    columns = 6
    count = max(
        columns, len(classes) - len(classes) % columns + (columns if len(classes) % columns else 0)
    )
    rows: list[list[Pixels]] = []
    for i in range(count):
        kind = classes[i] if i < len(classes) else classes[(7 * i) % len(classes)]
        place = BACKGROUNDS[(3 * i + i // 8) % len(BACKGROUNDS)]
        scene = scene_of(kind, place, seed=100 + i, framing=0.30)
        if i % columns == 0:
            rows.append([])
        rows[-1].append(scene.draw(size).image)
    return grid(rows, gap=8)


SHEETS: dict[str, Callable[[int], Image.Image]] = {
    "objects": _objects,
    "hard": _hard,
    "framing": _framing,
    "two_objects": _two_objects,
    "two_of_a_kind": _two_of_a_kind,
    "biased": _biased,
    "birds": _birds,
    "actions": _actions,
    "poses": _poses,
    "backgrounds": _backgrounds,
    "scenes": _scenes,
    "signs": _signs,
    "interventions": _interventions,
    "truth": _truth,
    "poster": poster,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m camkit.world.sheets", description=__doc__)
    parser.add_argument("--out", required=True, type=Path, help="the folder to write to")
    parser.add_argument("--size", type=int, default=128, help="side of one picture in pixels")
    parser.add_argument("--only", nargs="+", choices=list(SHEETS), help="these sheets only")
    parser.add_argument(
        "--jpeg", action="store_true", help="write JPEG files, a sixth as large as PNG"
    )
    given = parser.parse_args(arguments)
    size = check_size(given.size)
    given.out.mkdir(parents=True, exist_ok=True)
    for name in given.only or SHEETS:
        target = given.out / f"{name}.{'jpg' if given.jpeg else 'png'}"
        SHEETS[name](size).save(target, quality=82, optimize=True)
        print(target)


if __name__ == "__main__":
    main()
