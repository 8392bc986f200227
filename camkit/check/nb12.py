"""The checks of notebook 12, your own pictures."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageOps
from torch import nn

from camkit import boxes, images, metrics, probe, world, zoo
from camkit.cam import upsample
from camkit.check.core import Check, Problem, Verdict, Wrong
from camkit.check.nb05 import Box, _four, _told
from camkit.heads import CamModel
from camkit.images import Array, View

Floats = npt.NDArray[np.float64]
Found = tuple[str, Box]


class _Hidden(CamModel):
    """A hidden network: a copy of it is itself, so that nobody's arguments seem to change."""

    def __deepcopy__(self, memo: Any) -> _Hidden:
        return self


# --- exercise A: explain_photo -------------------------------------------------------------------


class _ByHand(_Hidden):
    """A network that leaves the steps to the learner."""

    def explain(self, *picture: Any, **options: Any) -> Any:
        raise RuntimeError("net.explain takes all these steps at once; here they are yours")


def _colours() -> _ByHand:
    """Three classes whose maps are, pixel for pixel, how red, how blue and how bright it is.

    On the colour `_MEAN` every map is zero, but only once the mean is subtracted.
    """
    see = nn.Conv2d(3, 3, 1, bias=False)
    vote = nn.Linear(3, 3, bias=False)
    with torch.no_grad():
        see.weight[:] = torch.eye(3)[:, :, None, None]
        vote.weight[:] = torch.tensor([[1.0, 0.0, -1.0], [-1.0, 0.0, 1.0], [4.0, 4.0, 4.0]])
    names = ["red", "blue", "bright"]
    net = _ByHand(see, vote, names=names, mean=_MEAN, std=(0.25,) * 3, size=(48, 64))
    return net.eval()


_MEAN = (0.7, 0.5, 0.3)


def _canvas(high: int, wide: int, box: tuple[int, int, int, int], colour: Any) -> Array:
    """A picture of the mean colour with one rectangle."""
    pixels = np.empty((high, wide, 3), np.uint8)
    pixels[:] = np.rint(255 * np.array(_MEAN))
    x0, y0, x1, y1 = box
    pixels[y0:y1, x0:x1] = colour
    return pixels


def _files(folder: Path) -> list[Path]:
    """Photographs of every kind, written into a folder."""
    made: dict[str, tuple[Image.Image, dict[str, Any]]] = {}
    wide = _canvas(200, 320, (180, 30, 280, 110), (255, 0, 0))
    made["wide.png"] = Image.fromarray(wide), {}
    tall = _canvas(330, 180, (20, 200, 90, 300), (0, 0, 255))
    made["tall.png"] = Image.fromarray(tall), {}
    camera = Image.Exif()
    camera[0x0112] = 6  # lying in the file, to be turned a quarter to the right
    held = _canvas(220, 340, (40, 20, 130, 90), (255, 0, 0))
    made["camera.jpg"] = Image.fromarray(held), {"exif": camera, "quality": 95}
    grey = np.full((190, 250), 128, np.uint8)
    grey[100:170, 150:230] = 255
    made["grey.png"] = Image.fromarray(grey), {}
    # A hole in a picture: what lies hidden under it is black, what one sees is white.
    hole = np.dstack([_canvas(210, 300, (30, 120, 120, 190), 0), np.full((210, 300), 255)])
    hole[120:190, 30:120, 3] = 0
    made["cutout.png"] = Image.fromarray(hole.astype(np.uint8)), {}
    for name, (image, options) in made.items():
        image.save(folder / name, **options)
    return [folder / name for name in made]


def _by_steps(
    net: CamModel,
    path: Path,
    *,
    upright: bool = True,
    on_white: bool = True,
    normal: bool = True,
    back: str = "both",
) -> Found:
    """All steps of the exercise, each of which can be taken wrongly."""
    with Image.open(path) as file:
        image = ImageOps.exif_transpose(file) if upright else file.copy()
    if on_white:
        image = Image.fromarray(_as_it_lies(image))
    pixels = image.convert("RGB")
    (wide, high), (rows, columns) = pixels.size, net.size
    small = np.array(pixels.resize((columns, rows), Image.Resampling.BILINEAR))
    inputs = torch.from_numpy(small).permute(2, 0, 1)[None].float() / 255
    if normal:
        mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (net.mean, net.std))
        inputs = (inputs - mean) / std
    with torch.no_grad():
        features = net.features(inputs)
        c = int(net.scores(features).argmax())
        large = upsample(net.maps(features, c), net.size)[0, 0].numpy()
    x0, y0, x1, y1 = boxes.box_from_map(large) or (0.0, 0.0, float(columns), float(rows))
    across, down = wide / columns, high / rows
    if back == "none":
        across = down = 1.0
    elif back == "one":
        down = across
    elif back == "exchanged":
        across, down = high / columns, wide / rows
    return net.names[c], (x0 * across, y0 * down, x1 * across, y1 * down)


def _as_it_lies(image: Image.Image) -> Array:
    """Laid on white, but not turned: an array knows no EXIF."""
    return images.read(Image.fromarray(np.asarray(image)))


def _cropped(net: CamModel, path: Path) -> Found:
    found = CamModel.explain(net, path, 1, fit="crop")
    x0, y0, x1, y1 = (float(v) for v in found.boxes()[0, 0])
    return found.names[0][0], (x0, y0, x1, y1)


def _lying(net: CamModel, path: Path) -> Found:
    return _by_steps(net, path, upright=False)


EXPLAIN_PHOTO_WRONG = (
    Wrong(
        "EXIF ignored",
        _lying,
        "A camera held upright stores the picture lying down and writes into EXIF how to turn it: "
        "ImageOps.exif_transpose, before anything else.",
    ),
    Wrong(
        "the network's pixels",
        lambda net, path: _by_steps(net, path, back="none"),
        "Your box is in the pixels of the network's input; scale it to the photograph's.",
    ),
    Wrong(
        "one scale for both",
        lambda net, path: _by_steps(net, path, back="one"),
        "The photograph was squashed: it has one scale across and another down. You used the one "
        "across for both.",
    ),
    Wrong(
        "height and width exchanged",
        lambda net, path: _by_steps(net, path, back="exchanged"),
        "Height and width are exchanged: Pillow's size is (width, height), net.size is (height, "
        "width).",
    ),
    Wrong(
        "alpha dropped",
        lambda net, path: _by_steps(net, path, on_white=False),
        "Under transparent places lies a hidden colour, often black. Lay the picture on white: "
        "Image.alpha_composite with a white image, then convert.",
    ),
    Wrong(
        "not normalised",
        lambda net, path: _by_steps(net, path, normal=False),
        "The network wants net.mean subtracted and the rest divided by net.std, for values in "
        "0..1.",
    ),
    Wrong(
        "cropped",
        _cropped,
        "You showed the network the centre only; squash the whole photograph to net.size.",
    ),
)


def _alike(a: Found, b: Found) -> bool:
    return a[0] == b[0] and float(metrics.iou(a[1], b[1])[0, 0]) > 0.97


def _judge_photo(answer: Any, net: CamModel, path: Path) -> Problem | None:
    if not isinstance(answer, (tuple, list)) or len(answer) != 2 or not isinstance(answer[0], str):
        return Problem("wrong type", "return the name of the class and its box, (name, box).")
    four = _four(answer[1])
    if isinstance(four, Problem):
        return four
    right = CamModel.explain(net, path, 1)
    wanted = right.names[0][0], right.boxes()[0, 0]
    given = answer[0], (four[0], four[1], four[2], four[3])
    high, wide = right.views[0].original
    at = f"in {path.name}, {wide} wide and {high} high when upright"
    if given[0] != wanted[0]:
        problem = f"{at}: the answer is {wanted[0]!r}, got {given[0]!r}."
    elif not float(metrics.iou(given[1], wanted[1])[0, 0]) >= 0.9:
        problem = f"{at}: expected a box near {_told(wanted[1].round())}, got {_told(given[1])}."
    else:
        return None
    for wrong in EXPLAIN_PHOTO_WRONG:
        if _alike(given, wrong.answer(net, path)):
            return Problem("wrong values", problem, wrong.advice)
    return Problem("wrong values", problem)


def explain_photo(attempt: Callable[..., Any]) -> Verdict:
    """Check ``explain_photo(net, path)``: a file to ``(name, box)``, in the photograph's pixels.

    >>> explain_photo(lambda net, path: ("red", (0, 0, 9, 9))).message
    'in wide.png, 320 wide and 200 high when upright: expected a box near (..., got (0, 0, 9, 9).'
    """
    with tempfile.TemporaryDirectory() as folder:
        net = _colours()
        cases = [(net, path) for path in _files(Path(folder))]
        return Check("explain_photo", lambda: cases, _judge_photo)(attempt)


# --- exercise B: worst_square --------------------------------------------------------------------

RANDOM = 200
BETTER = 0.95
PLACES = 9


SURE = 30.0
SCENES = (("car", 105), ("plant", 138))


@cache
def _networks() -> tuple[_Hidden, _Hidden]:
    """The network `objects`, and one so sure that its probabilities stay one when covered."""
    net = zoo.load("objects")
    pair = []
    for factor in (1.0, SURE):
        head = nn.Linear(net.weights.shape[1], net.weights.shape[0])
        with torch.no_grad():
            head.weight.copy_(factor * net.weights)
            head.bias.copy_(factor * net.bias)
        hidden = _Hidden(
            net.backbone, head, names=net.names, mean=net.mean, std=net.std, size=net.size
        )
        pair.append(hidden.eval())
    return pair[0], pair[1]


@cache
def _pictures() -> tuple[Array, ...]:
    """Drawn pictures on which the hottest place is far from the most harmful one."""
    return tuple(world.scene_of(kind, seed=seed).sample(128).image for kind, seed in SCENES)


def _squares() -> list[tuple[CamModel, Array]]:
    return list(zip(_networks(), (one.copy() for one in _pictures()), strict=True))


def _harm(net: CamModel, picture: Array, squares: npt.ArrayLike) -> Floats:
    """How far the winner's log-odds fall with each square covered."""
    size = (picture.shape[0], picture.shape[1])
    view = View.of(size, net.size)
    every = [picture, *(probe.cover(picture, box) for box in np.asarray(squares))]
    inputs = torch.stack([view.to_input(one, net.mean, net.std) for one in every])
    with torch.no_grad():
        scores = torch.cat([net(inputs[i : i + 25]) for i in range(0, len(inputs), 25)])
    odds = probe.log_odds(scores, int(scores[0].argmax()))
    fall: Floats = (odds[0] - odds[1:]).double().numpy()
    return fall


@cache
def _random_harms(which: int) -> Floats:
    """The harm of 200 random squares of a tenth of the area."""
    picture = _pictures()[which]
    high, wide = picture.shape[:2]
    side = int((0.1 * high * wide) ** 0.5)
    rng = np.random.default_rng(120 + which)
    corners = np.stack(
        [rng.integers(0, wide - side + 1, RANDOM), rng.integers(0, high - side + 1, RANDOM)], axis=1
    )
    return _harm(_networks()[which], picture, np.concatenate([corners, corners + side], axis=1))


def _grid(picture: Array) -> Floats:
    size = (picture.shape[0], picture.shape[1])
    return probe.squares(size, PLACES).reshape(-1, 4).astype(np.float64)


def _as_asked(net: CamModel, picture: Array) -> Box:
    grid = _grid(picture)
    return _box(grid[int(_harm(net, picture, grid).argmax())])


def _box(row: Floats) -> Box:
    x0, y0, x1, y1 = (float(v) for v in row)
    return x0, y0, x1, y1


def _hottest(net: CamModel, picture: Array) -> Box:
    grid = _grid(picture)
    heat = net.explain(picture, 1).heatmaps()[0][0]
    means = [heat[int(y0) : int(y1), int(x0) : int(x1)].mean() for x0, y0, x1, y1 in grid]
    return _box(grid[int(np.argmax(means))])


def _by_probability(net: CamModel, picture: Array) -> Box:
    grid = _grid(picture)
    c = int(net.explain(picture, 1).classes[0, 0])
    told = net.explain([probe.cover(picture, box) for box in grid], 1).probabilities[:, c]
    return _box(grid[int(told.argmin())])


def _by_crop(net: CamModel, picture: Array) -> Box:
    grid = _grid(picture)
    c = int(net.explain(picture, 1).classes[0, 0])
    crops = [picture[int(y0) : int(y1), int(x0) : int(x1)] for x0, y0, x1, y1 in grid]
    odds = probe.log_odds(net.explain(crops, 1).scores, c)
    return _box(grid[int(odds.argmin())])


def _middle(net: CamModel, picture: Array) -> Box:
    return _box(_grid(picture)[PLACES**2 // 2])


WORST_SQUARE_WRONG = (
    Wrong(
        "hottest",
        _hottest,
        "That is the hottest place. Heat is a guess: cover every place and measure.",
    ),
    Wrong(
        "probability",
        _by_probability,
        "You compared probabilities. Where the network is sure they are one whatever is covered, "
        "and the first place wins: take log-odds, from the scores.",
    ),
    Wrong(
        "cropped",
        _by_crop,
        "You showed the network the square alone. Cover the square, and show it all the rest.",
    ),
    Wrong(
        "the middle",
        _middle,
        "That is the middle of the picture. Measure every place.",
    ),
)


def _judge_square(answer: Any, net: CamModel, picture: Array) -> Problem | None:
    four = _four(answer)
    if isinstance(four, Problem):
        return four
    if not np.isfinite(four).all():
        return Problem("wrong values", "the box holds NaN or infinity.")
    x0, y0, x1, y1 = four
    high, wide = picture.shape[:2]
    at = f"in a picture {wide} wide and {high} high"
    if not (0 <= x0 < x1 <= wide and 0 <= y0 < y1 <= high):
        return Problem("wrong values", f"{at}, {_told(four)} is no box inside the picture.")
    if abs((x1 - x0) - (y1 - y0)) > 1.5:
        size = f"{x1 - x0:.3g} wide and {y1 - y0:.3g} high"
        return Problem("wrong values", f"{at}, your box is {size}: it must be a square.")
    share = (x1 - x0) * (y1 - y0) / (wide * high)
    if share > 0.1005:  # a tenth, and what rounding to whole pixels may add
        return Problem("wrong values", f"{at}, your square covers {share:.1%}, more than a tenth.")
    which = next(k for k, one in enumerate(_networks()) if one is net)
    harm = float(_harm(net, picture, [four])[0])
    beaten = float((_random_harms(which) < harm).mean())
    if beaten >= BETTER:
        return None
    problem = (
        f"{at}, your square lowers the log-odds of {net.names[_winner(net, picture)]} by "
        f"{harm:.2f}; of {RANDOM} random squares {1 - beaten:.0%} do as much or more."
    )
    for wrong in WORST_SQUARE_WRONG:
        if float(metrics.iou(four, wrong.answer(net, picture))[0, 0]) > 0.9:
            return Problem("wrong values", problem, wrong.advice)
    return Problem("wrong values", problem)


def _winner(net: CamModel, picture: Array) -> int:
    return int(net.explain(picture, 1).classes[0, 0])


def worst_square(attempt: Callable[..., Any]) -> Verdict:
    """Check ``worst_square(net, picture)``: the square that lowers the answer's log-odds most.

    >>> worst_square(lambda net, picture: (0, 0, 100, 100)).message
    'in a picture 128 wide and 128 high, your square covers 61.0%, more than a tenth.'
    """
    return Check("worst_square", _squares, _judge_square)(attempt)
