"""Look at one sprite while drawing it: `python -m camkit.world.preview dog --out dog.png`.

Each row shows one draw of the sprite at 256 px, then at 128 and 64 px, and its parts.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from camkit.world.light import Light
from camkit.world.paint import measure, paint_thing
from camkit.world.palette import oklch
from camkit.world.sprites import find, load
from camkit.world.things import Thing, make_thing

_TINTS = [oklch(0.45 + 0.5 * (i % 3) / 3, 0.13, 47 * i) for i in range(12)]
_PAPER = oklch(0.86, 0.03, 95)


def _picture(thing: Thing, size: int, parts: bool = False) -> NDArray[np.uint8]:
    canvas = np.ones((size, size, 3), np.float32) * np.array(_PAPER, np.float32)
    p = paint_thing(thing, Light(), size)
    h, w = p.alpha.shape
    x, y = max(p.x, 0), max(p.y, 0)
    cut = (slice(y - p.y, min(h, size - p.y)), slice(x - p.x, min(w, size - p.x)))
    area = canvas[y : p.y + cut[0].stop, x : p.x + cut[1].stop]
    area *= 1 - p.shadow[cut][..., None]
    if parts:
        kinds = sorted(set(p.names))
        for i, name in enumerate(p.names[1:], start=1):
            area[p.lumps[cut] == i] = _TINTS[kinds.index(name) % 12]
    else:
        area *= 1 - p.alpha[cut][..., None]
        area += p.colour[cut]
    if p.aside is not None:
        a = p.aside[cut][..., 3:]
        area *= 1 - a
        area += a * p.aside[cut][..., :3]
    return np.asarray(np.clip(canvas * 255 + 0.5, 0, 255), dtype=np.uint8)


def sheet(names: Sequence[str], draws: int = 4) -> NDArray[np.uint8]:
    """A sheet with `draws` columns for each sprite: large, small, smaller, and its parts."""
    rows = []
    for name in names:
        row = []
        for i in range(draws):
            thing = make_thing(name, np.random.default_rng(i))
            x0, y0, x1, y1 = measure(thing)
            scale = 0.82 / max(x1 - x0, y1 - y0)
            place = (0.5 - scale * (x0 + x1) / 2, 0.5 - scale * (y0 + y1) / 2)
            thing = replace(thing, scale=scale, place=place)
            small = np.zeros((256, 128, 3), np.uint8) + 255
            small[:128] = _picture(thing, 128)
            small[128:192, :64] = _picture(thing, 64)
            small[192:224, :32] = _picture(thing, 32)
            small[128:192, 64:] = _picture(thing, 64, parts=True)
            row += [_picture(thing, 256), small]
        rows.append(np.concatenate(row, axis=1))
    return np.concatenate(rows, axis=0)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m camkit.world.preview", description=__doc__)
    parser.add_argument("names", nargs="*", help="sprites to show; all of them if none is named")
    parser.add_argument("--out", required=True, help="the PNG file to write")
    parser.add_argument("--draws", type=int, default=4, help="draws of each sprite")
    arguments = parser.parse_args()
    names = [find(n).name for n in arguments.names] or list(load())
    Image.fromarray(sheet(names, arguments.draws)).save(arguments.out)


if __name__ == "__main__":
    main()
