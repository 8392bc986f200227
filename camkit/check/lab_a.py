"""Lab A, the bug hunt: a recipe that runs and is wrong, its bugs, and a check for each of them."""

from __future__ import annotations

import html
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from scipy import ndimage
from torch import Tensor, nn

from camkit import metrics
from camkit.cam import upsample
from camkit.check.core import (
    Check,
    Problem,
    Verdict,
    Wrong,
    _alike,
    _outcome,
    hidden_features,
    values,
)
from camkit.heads import CamModel

Box = tuple[float, float, float, float]
Mask = npt.NDArray[np.bool_]
Map = npt.NDArray[np.floating[Any]]
_EIGHT = np.ones((3, 3))
_BILINEAR = Image.Resampling.BILINEAR


@dataclass(frozen=True)
class Bug:
    """One mistake of the recipe: where it stands, what it is, and the check that finds it mended.

    ``told`` names it once it is found. ``back(steps)`` puts it back alone among repaired steps.
    """

    step: str
    told: str
    check: Check
    back: Callable[..., Any]


# --- the recipe, as the notebook gives it, and the repaired steps ---------------------------------


def recipe_read(path: Any) -> Any:
    """Read a picture; the channels come as many camera libraries deliver them."""
    return np.array(Image.open(path).convert("RGB"))[:, :, ::-1]


def read(path: Any) -> Any:
    """Read a picture as RGB, ``(H, W, 3)``."""
    return np.array(Image.open(path).convert("RGB"))


def recipe_prepare(pixels: Any, size: Any, mean: Any, std: Any) -> Tensor:
    """Resize and bring to 0..1, and no more."""
    small = Image.fromarray(np.ascontiguousarray(pixels)).resize(size[::-1], _BILINEAR)
    return torch.tensor(np.array(small)).permute(2, 0, 1).float()[None] / 255


def prepare(pixels: Any, size: Any, mean: Any, std: Any) -> Tensor:
    """Resize and normalise as in training, ``(1, 3, h, w)``."""
    x = recipe_prepare(pixels, size, mean, std)
    return (x - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)


def recipe_score_maps(features: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
    """A new layer of 1 x 1 in place of the classifier, as wide as the features."""
    layer = nn.Conv2d(len(features), len(features), kernel_size=1)
    maps: Tensor = layer(features)
    return maps.detach()


def score_maps(features: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
    """The trained classifier as a layer of 1 x 1: ``(K, h, w)`` to ``(C, h, w)``."""
    return torch.einsum("ck,khw->chw", weights, features) + bias[:, None, None]


def recipe_winner(scores: Tensor) -> int:
    """The class that holds the single largest cell."""
    return int(scores.argmax()) // scores[0].numel()


def winner(scores: Tensor) -> int:
    """The class with the largest mean."""
    return int(scores.mean(dim=(1, 2)).argmax())


def recipe_class_map(features: Tensor, weights: Tensor, c: int) -> Tensor:
    """One channel of the features."""
    return features[c]


def class_map(features: Tensor, weights: Tensor, c: int) -> Tensor:
    """The map of class c, ``(h, w)``."""
    return torch.einsum("k,khw->hw", weights[c], features)


def recipe_keep(heat: Any) -> Any:
    """Stretch to 0..1, then keep the upper half."""
    spread = heat.max() - heat.min() or 1  # a flat map is not divided by zero
    return (heat - heat.min()) / spread > 0.5


def keep(heat: Any) -> Any:
    """Above a fifth of the maximum."""
    return heat > 0.2 * heat.max()


def recipe_region(mask: Any) -> Any:
    """The first region that is met."""
    if not mask.any():
        return mask
    regions, _ = ndimage.label(mask, structure=_EIGHT)
    return regions == 1


def region(mask: Any) -> Any:
    """The largest region; of an empty mask nothing."""
    if not mask.any():
        return mask
    regions, _ = ndimage.label(mask, structure=_EIGHT)
    return regions == 1 + np.bincount(regions.ravel())[1:].argmax()


def recipe_corners(mask: Any) -> Any:
    """The upper left corner and the size."""
    if not mask.any():
        return 0, 0, *mask.shape[::-1]
    rows, columns = mask.any(axis=1).nonzero()[0], mask.any(axis=0).nonzero()[0]
    return columns[0], rows[0], columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1


def corners(mask: Any) -> Any:
    """Two corners, ends exclusive; of an empty mask those of the picture."""
    if not mask.any():
        return 0, 0, *mask.shape[::-1]
    rows, columns = mask.any(axis=1).nonzero()[0], mask.any(axis=0).nonzero()[0]
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


def recipe_to_photo(box: Any, size: Any, shape: Any) -> Any:
    """The box as it is."""
    return tuple(float(v) for v in box)


def to_photo(box: Any, size: Any, shape: Any) -> Any:
    """From the input's pixels to the photograph's, both (height, width)."""
    across, down = shape[1] / size[1], shape[0] / size[0]
    return box[0] * across, box[1] * down, box[2] * across, box[3] * down


@dataclass(frozen=True)
class Steps:
    """The nine functions of the recipe; by default the repaired ones."""

    read: Callable[..., Any] = read
    prepare: Callable[..., Any] = prepare
    score_maps: Callable[..., Any] = score_maps
    winner: Callable[..., Any] = winner
    class_map: Callable[..., Any] = class_map
    keep: Callable[..., Any] = keep
    region: Callable[..., Any] = region
    corners: Callable[..., Any] = corners
    to_photo: Callable[..., Any] = to_photo


def recipe() -> Steps:
    """The nine functions as the recipe has them.

    >>> recipe().keep(np.array([[-4.0, 2.0, 6.0]])).tolist()
    [[False, True, True]]
    """
    return Steps(
        *(globals()[f"recipe_{name}"] for name in Steps.__dataclass_fields__)  # in their order
    )


def explain(path: Any, net: CamModel, steps: Steps) -> tuple[int, Box]:
    """Run the nine steps on a picture: the class that wins, and a box in the photograph."""
    return _answer(*_seen(path, net, steps), net, steps)


def _seen(path: Any, net: CamModel, steps: Steps) -> tuple[Tensor, tuple[int, int]]:
    """The first two steps and the features ``(K, h, w)``; and the photograph's height and width."""
    pixels = steps.read(path)
    with torch.no_grad():
        features = net.features(steps.prepare(pixels, net.size, net.mean, net.std))[0]
    return features, pixels.shape[:2]


def _answer(f: Tensor, shape: tuple[int, int], net: CamModel, steps: Steps) -> tuple[int, Box]:
    """The other seven steps."""
    weights, bias = net.weights.detach(), net.bias.detach()
    c = steps.winner(steps.score_maps(f, weights, bias))
    small = steps.class_map(f, weights, min(c, len(net.names) - 1))  # (h, w)
    heat = upsample(small[None, None], net.size)[0, 0].numpy()
    box = steps.corners(steps.region(steps.keep(heat)))
    return c, steps.to_photo(box, net.size, shape)


# --- what is judged -------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _folder() -> tempfile.TemporaryDirectory[str]:
    """Where the hidden pictures lie, until the kernel ends."""
    return tempfile.TemporaryDirectory(prefix="camkit-lab-")


def _photo(seed: int, height: int, width: int) -> npt.NDArray[np.uint8]:
    """A picture that is redder than green and greener than blue, so that no two agree."""
    rng = np.random.default_rng(seed)
    noise = rng.integers(0, 60, (height, width, 3))
    return np.asarray(noise + np.array([180, 90, 10]), dtype=np.uint8)


def _files() -> list[tuple[Path]]:
    found = []
    for seed, shape in ((1, (5, 8)), (2, (9, 4))):
        path = Path(_folder().name, f"{seed}.png")
        if not path.exists():
            Image.fromarray(_photo(seed, *shape)).save(path)
        found.append((path,))
    return found


def _pixels(answer: Any) -> Any:
    """Pixels as floats, whatever whole numbers they came in."""
    return np.asarray(answer, float) if isinstance(answer, np.ndarray) else answer


def _judge_read(answer: Any, path: Path) -> Problem | None:
    wanted = torch.tensor(read(path), dtype=torch.float64)
    return values(_pixels(answer), wanted, ("row", "column", "channel"), of="the picture")


_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def _judge_prepare(answer: Any, pixels: Any, size: Any, mean: Any, std: Any) -> Problem | None:
    wanted = prepare(pixels, size, mean, std)
    axes = ("picture", "channel", "row", "column")
    return values(answer, wanted, axes, tolerance=1e-4, of="the input")


def _features(seed: int) -> list[tuple[Tensor, Tensor, Tensor]]:
    """One picture's features, with K != C and once K == C."""
    kinds = [(7, 4, 3, 5), (6, 3, 4, 2), (5, 5, 3, 4)]
    drawn = [
        hidden_features(seed + i, K=K, C=C, h=h, w=w, batch=1, dtype=torch.float32)
        for i, (K, C, h, w) in enumerate(kinds)
    ]
    return [(f[0], w, 3 * b) for f, w, b in drawn]


def _judge_count(answer: Any, f: Tensor, weights: Tensor, bias: Tensor) -> Problem | None:
    """As many maps as classes; K == C would not tell."""
    shape = getattr(answer, "shape", None)
    wanted = (len(weights), *f.shape[1:])
    if shape is None:
        came = type(answer).__name__
        return Problem("wrong type", f"the score maps must be a tensor (C, h, w), not {came}.")
    if tuple(shape) != wanted:
        return Problem(
            "wrong shape", f"{len(weights)} classes: expected {wanted}, got {tuple(shape)}."
        )
    return None


def _judge_layer(answer: Any, f: Tensor, weights: Tensor, bias: Tensor) -> Problem | None:
    axes = ("class", "row", "column")
    problem = values(answer, score_maps(f, weights, bias), axes, of="the maps")
    if problem is None or problem.kind != "wrong values":
        return problem
    advice = "A new layer begins with random weights. Where are the trained ones?"
    return Problem(problem.kind, problem.message, advice)


def _judge_winner(answer: Any, scores: Tensor) -> Problem | None:
    wanted = torch.tensor(float(winner(scores)))
    return values(answer, wanted, of="the class")


def _scores() -> list[tuple[Tensor]]:
    """Score maps on which the mean, the largest cell and the positive part disagree."""
    peak = torch.full((3, 3, 4), -1.0)
    peak[1, 0, 0] = 9.0  # the largest cell; the mean of class 1 is below that of class 2
    peak[2] = 0.5
    torn = torch.full((3, 2, 6), -1.0)  # largest cell in 0, positive part in 1, mean in 2
    torn[0, 0, 0] = 5.0
    torn[1, 0], torn[1, 1], torn[2] = 2.0, -2.0, 0.3
    flat = torch.zeros(4, 2, 5)
    flat[3] = 1.0
    flat[0, 0] = 3.0
    flat[0, 1] = -2.5
    draws = [
        hidden_features(s, K=4, C=2, h=3, w=3, batch=1, dtype=torch.float32)[0][0] for s in (5, 6)
    ]
    return [(peak,), (torn,), (flat,), *((d,) for d in draws)]


def _judge_map(answer: Any, f: Tensor, weights: Tensor, c: int) -> Problem | None:
    return values(answer, class_map(f, weights, c), ("row", "column"), of="the map")


def _as_mask(answer: Any, shape: tuple[int, ...]) -> Mask | Problem:
    mask = np.asarray(answer)
    if mask.shape != shape:
        return Problem("wrong shape", f"the mask should be {shape}, got {mask.shape}.")
    if mask.dtype != bool and not np.isin(mask, (0, 1)).all():
        return Problem("wrong values", "a mask holds True and False.")
    return mask.astype(bool)


def _level_between(answer: Mask, heat: Map) -> str:
    """Between which values of a map a mask cuts."""
    out, kept = heat[~answer], heat[answer]
    low = f"{out.max():.3g}" if out.size else "nothing"
    return f"keeps from {kept.min():.3g} up, leaves out up to {low}" if kept.size else "keeps none"


def _judge_zero(answer: Any, heat: Map) -> Problem | None:
    """Whether the lowest value moves the level, whatever share of the maximum was chosen.

    The lowest value lies so deep that min-max, at any share asked about, takes in the cells at 0.
    """
    mask = _as_mask(answer, heat.shape)
    if isinstance(mask, Problem):
        return mask
    if mask[heat <= 0].any():
        return Problem(
            "wrong values",
            f"on a map from {heat.min():.3g} to {heat.max():.3g} your mask "
            f"{_level_between(mask, heat)}: the lowest value has moved the level.",
        )
    if not mask[heat == heat.max()].all():
        return Problem("wrong values", "the maximum itself must be kept.")
    return None


def _judge_share(answer: Any, heat: Map) -> Problem | None:
    """Whether the share is a fifth, on maps whose lowest value is zero."""
    mask = _as_mask(answer, heat.shape)
    if isinstance(mask, Problem):
        return mask
    if not np.array_equal(mask, keep(heat)):
        return Problem(
            "wrong values",
            f"on a map from 0 to {heat.max():.3g} your mask {_level_between(mask, heat)}.",
            "How large a share of the maximum does the paper take?",
        )
    return None


def _deep() -> list[tuple[Map]]:
    rng = np.random.default_rng(3)
    found: list[tuple[Map]] = []
    for shape in ((4, 6), (5, 3)):
        heat = rng.uniform(-9, -8, shape)
        heat[1] = rng.uniform(-0.4, 0, shape[1])  # above the middle of the range
        heat[1, :2] = -2.0  # above a fifth of the range
        heat[2, 1:] = rng.uniform(6, 8, shape[1] - 1)
        found.append((heat,))
    return found


def _shallow() -> list[tuple[Map]]:
    ramps = [10 * np.linspace(0, 1, n).reshape(s) ** 2 for n, s in ((24, (4, 6)), (35, (7, 5)))]
    return [(ramps[0],), (ramps[1][::-1].copy(),)]


def _two_regions() -> list[tuple[Mask]]:
    speck = np.zeros((6, 9), bool)
    speck[0, 2], speck[2:5, 4:8] = True, True
    last = np.zeros((7, 5), bool)
    last[0:3, 0:2], last[5, 1:5] = True, True  # the larger one first, the wider one last
    tie = np.zeros((4, 8), bool)
    tie[0, 5:7], tie[3, 0:2] = True, True
    wide = np.zeros((7, 8), bool)
    wide[np.arange(4), np.arange(4)], wide[5:7, 4:7] = True, True  # four cells on a slope, then six
    return [(speck,), (last,), (tie,), (wide,)]


def _judge_region(answer: Any, mask: Mask) -> Problem | None:
    found = _as_mask(answer, mask.shape)
    if isinstance(found, Problem):
        return found
    if np.array_equal(found, region(mask)):
        return None
    return Problem(
        "wrong values",
        f"of a mask of {mask.sum()} cells you keep {found.sum()}; the largest region has "
        f"{region(mask).sum()}, and of equals the first is taken.",
    )


def _one_region() -> list[tuple[Mask]]:
    found = []
    for shape, (y0, y1, x0, x1) in (((6, 9), (2, 5, 3, 8)), ((8, 5), (0, 8, 1, 2))):
        mask = np.zeros(shape, bool)
        mask[y0:y1, x0:x1] = True
        found.append((mask,))
    return found


def _numbers(answer: Any) -> Any:
    return np.asarray(answer, float) if isinstance(answer, (tuple, list)) else answer


def _judge_corners(answer: Any, mask: Mask) -> Problem | None:
    wanted = torch.tensor([float(v) for v in corners(mask)])
    return values(_numbers(answer), wanted, of="the box")


def _judge_photo(answer: Any, box: Box, size: Any, shape: Any) -> Problem | None:
    wanted = torch.tensor([float(v) for v in to_photo(box, size, shape)])
    return values(_numbers(answer), wanted, tolerance=1e-4, of="the box")


def _as_ints(answer: Callable[..., Any]) -> Callable[..., Any]:
    """A wrong mask in numbers, as an attempt's mask is compared with it."""
    return lambda *given: np.asarray(answer(*given)).astype(int)


# --- the bugs -------------------------------------------------------------------------------------


def _largest_box(mask: Any) -> Any:
    regions, n = ndimage.label(mask, structure=_EIGHT)
    spans = ndimage.find_objects(regions)
    areas = [(r.stop - r.start) * (c.stop - c.start) for r, c in spans]
    return regions == 1 + int(np.argmax(areas[:n]))


BUGS: tuple[Bug, ...] = (
    Bug(
        "read",
        "the channels came in the order blue, green, red",
        Check(
            "read",
            _files,
            _judge_read,
            (
                Wrong(
                    "mirrored",
                    lambda path: read(path)[:, ::-1],
                    "You turned the columns round, not the channels.",
                ),
                Wrong(
                    "red and green exchanged",
                    lambda path: read(path)[:, :, [1, 0, 2]],
                    "Red and green are exchanged now. Which two were before?",
                ),
                Wrong(
                    "grey",
                    lambda path: read(path).mean(axis=2, keepdims=True).repeat(3, axis=2),
                    "The order does not matter to a grey picture, but the network learned colours.",
                ),
            ),
        ),
        recipe_read,
    ),
    Bug(
        "prepare",
        "mean and deviation of the training pictures were left out",
        Check(
            "prepare",
            lambda: [
                (_photo(3, 12, 20), (6, 10), _MEAN, _STD),
                (_photo(4, 16, 8), (8, 8), (0.5, 0.5, 0.5), (0.25, 0.3, 0.2)),
            ],
            _judge_prepare,
            (
                Wrong(
                    "mean alone",
                    lambda p, size, mean, std: (
                        recipe_prepare(p, size, mean, std) - torch.tensor(mean).view(3, 1, 1)
                    ),
                    "The mean is off now; divide by the deviation too.",
                ),
                Wrong(
                    "deviation alone",
                    lambda p, size, mean, std: (
                        recipe_prepare(p, size, mean, std) / torch.tensor(std).view(3, 1, 1)
                    ),
                    "You divide by the deviation; take the mean off first.",
                ),
                Wrong(
                    "added to 0..255",
                    lambda p, size, mean, std: (
                        (
                            255 * recipe_prepare(p, size, mean, std)
                            - torch.tensor(mean)[:, None, None]
                        )
                        / torch.tensor(std)[:, None, None]
                    ),
                    "Mean and deviation are those of pictures in 0..1: divide by 255 first.",
                ),
                Wrong(
                    "the picture's own",
                    lambda p, size, mean, std: (
                        (
                            recipe_prepare(p, size, mean, std)
                            - recipe_prepare(p, size, mean, std).mean((2, 3), keepdim=True)
                        )
                        / recipe_prepare(p, size, mean, std).std((2, 3), keepdim=True)
                    ),
                    "These are this picture's own mean and deviation. The network wants those of "
                    "its training, which you are given.",
                ),
                Wrong(
                    "the other order",
                    lambda p, size, mean, std: (
                        recipe_prepare(p, size, mean, std) / torch.tensor(std)[:, None, None]
                        - torch.tensor(mean)[:, None, None]
                    ),
                    "First the mean is taken off, then the rest is divided.",
                ),
            ),
        ),
        recipe_prepare,
    ),
    Bug(
        "score_maps",
        "the new layer had as many outputs as there are features, not classes",
        Check("score_maps", lambda: _features(401)[:2], _judge_count),
        recipe_score_maps,
    ),
    Bug(
        "score_maps",
        "the new layer was random, and the trained one was thrown away",
        Check(
            "score_maps",
            lambda: _features(411),
            _judge_layer,
            (
                Wrong(
                    "bias forgotten",
                    lambda f, w, b: torch.einsum("ck,khw->chw", w, f),
                    "Nearly: a linear layer has a bias, and so must its twin.",
                ),
                Wrong(
                    "bias averaged",
                    lambda f, w, b: score_maps(f, w, b / f[0].numel()),
                    "The mean of a map plus the whole bias is the score: add it to every cell.",
                ),
            ),
        ),
        recipe_score_maps,
    ),
    Bug(
        "winner",
        "the class was read off the largest cell instead of the mean of the map",
        Check(
            "winner",
            _scores,
            _judge_winner,
            (
                Wrong(
                    "flat place",
                    lambda s: int(s.argmax()),
                    "This is a place in the flattened maps, not a class.",
                ),
                Wrong(
                    "maximum",
                    lambda s: int(s.amax((1, 2)).argmax()),
                    "Still the largest cell: this is maximum pooling. The network was trained with "
                    "the average.",
                ),
                Wrong(
                    "positive part",
                    lambda s: int(s.clamp(min=0).mean((1, 2)).argmax()),
                    "You dropped the negative cells; they belong to the score.",
                ),
                Wrong(
                    "absolute values",
                    lambda s: int(s.abs().mean((1, 2)).argmax()),
                    "Evidence against a class is no evidence for it: keep the sign.",
                ),
                Wrong(
                    "most cells",
                    lambda s: int(s.argmax(0).flatten().bincount(minlength=len(s)).argmax()),
                    "You counted the cells each class wins. The score is a mean.",
                ),
            ),
        ),
        recipe_winner,
    ),
    Bug(
        "class_map",
        "one channel of the features was taken for the map of a class",
        Check(
            "class_map",
            lambda: [(f, w, c) for f, w, _ in _features(421) for c in (0, len(w) - 1)],
            _judge_map,
            (
                Wrong(
                    "transposed",
                    lambda f, w, c: torch.einsum("k,khw->hw", w[:, c], f),
                    "weights[:, c] is the wrong way round; it fits only where K equals C.",
                ),
                Wrong(
                    "one channel, weighted",
                    lambda f, w, c: w[c, c] * f[c],
                    "Still one channel. Sum over all of them, each with its weight.",
                ),
                Wrong(
                    "mean of the channels",
                    lambda f, w, c: f.mean(0),
                    "This map knows no class: where are the weights?",
                ),
                Wrong(
                    "negative cells cut",
                    lambda f, w, c: class_map(f, w, c).clamp(min=0),
                    "The paper's map keeps its negative cells.",
                ),
                Wrong(
                    "negative weights cut",
                    lambda f, w, c: class_map(f, w.clamp(min=0), c),
                    "Negative weights belong to the class: they say what speaks against it.",
                ),
            ),
        ),
        recipe_class_map,
    ),
    Bug(
        "keep",
        "the map was stretched to 0..1 before the threshold, which moves zero",
        Check(
            "keep",
            _deep,
            _judge_zero,
            (
                Wrong(
                    "absolute values",
                    _as_ints(lambda h: np.abs(h) > 0.2 * np.abs(h).max()),
                    "Strong evidence against the class is kept now. Keep the sign.",
                ),
                Wrong(
                    "min-max at a fifth",
                    _as_ints(lambda h: (h - h.min()) / np.ptp(h) > 0.2),
                    "The share is another one now, but the map is still stretched.",
                ),
                Wrong(
                    "everything",
                    _as_ints(lambda h: h >= h.min()),
                    "This keeps every cell.",
                ),
            ),
        ),
        lambda heat: (heat - heat.min()) / (np.ptp(heat) or 1) > 0.2,
    ),
    Bug(
        "keep",
        "half of the maximum was asked for, where the paper takes a fifth",
        Check(
            "keep",
            _shallow,
            _judge_share,
            (
                Wrong(
                    "quantile",
                    _as_ints(lambda h: h > np.quantile(h, 0.2)),
                    "A fifth of the cells is not a fifth of the maximum.",
                ),
                Wrong(
                    "brightest fifth",
                    _as_ints(lambda h: h > np.quantile(h, 0.8)),
                    "The brightest fifth of the cells is not what lies above a fifth of the "
                    "maximum.",
                ),
                Wrong(
                    "a fixed number",
                    _as_ints(lambda h: h > 0.2),
                    "0.2 is a share of the maximum, not a value of the map.",
                ),
                Wrong(
                    "20 for 20 %",
                    _as_ints(lambda h: h > 20 * h.max()),
                    "A share is a number from 0 to 1: for 20 % write 0.2.",
                ),
            ),
        ),
        lambda heat: heat > 0.5 * heat.max(),
    ),
    Bug(
        "region",
        "the first region was taken for the largest",
        Check(
            "region",
            _two_regions,
            _judge_region,
            (
                Wrong(
                    "all regions",
                    _as_ints(lambda m: m),
                    "You keep everything. One region is asked for.",
                ),
                Wrong(
                    "the last region",
                    _as_ints(
                        lambda m: (
                            ndimage.label(m, structure=_EIGHT)[0]
                            == ndimage.label(m, structure=_EIGHT)[1]
                        )
                    ),
                    "You took the last region. The largest can stand anywhere.",
                ),
                Wrong(
                    "the background",
                    _as_ints(lambda m: ~m),
                    "Label 0 is what is left over; it is the largest of all, and no region. Leave "
                    "it out of the count, and add 1 to the place you find.",
                ),
                Wrong(
                    "largest box",
                    _as_ints(_largest_box),
                    "You compared the boxes. Count the cells of each region.",
                ),
            ),
        ),
        recipe_region,
    ),
    Bug(
        "corners",
        "a corner and a size were given for two corners",
        Check(
            "corners",
            _one_region,
            _judge_corners,
            (
                Wrong(
                    "ends inclusive",
                    lambda m: np.array(corners(m)) - np.array([0, 0, 1, 1]),
                    "One short: x1 and y1 stand one beyond the last column and row.",
                ),
                Wrong(
                    "rows first",
                    lambda m: np.array(corners(m))[[1, 0, 3, 2]],
                    "x counts columns and comes first.",
                ),
                Wrong(
                    "corner plus size, one too many",
                    lambda m: np.array(corners(m)) + np.array([0, 0, 1, 1]),
                    "One too many: the size already counts the last column and row.",
                ),
            ),
        ),
        recipe_corners,
    ),
    Bug(
        "to_photo",
        "the box was left in the network's pixels",
        Check(
            "to_photo",
            lambda: [
                ((10.0, 20.0, 60.0, 90.0), (128, 128), (427, 640)),
                ((0.0, 5.0, 96.0, 64.0), (64, 96), (801, 333)),
            ],
            _judge_photo,
            (
                Wrong(
                    "x and y exchanged",
                    lambda b, size, shape: to_photo(b, size, shape[::-1]),
                    "Height and width are exchanged; a square photograph would have hidden it.",
                ),
                Wrong(
                    "upside down",
                    lambda b, size, shape: to_photo(b, shape, size),
                    "The scale is upside down: a pixel of the input is several of the photograph.",
                ),
                Wrong(
                    "one corner",
                    lambda b, size, shape: (*to_photo(b, size, shape)[:2], *b[2:]),
                    "The first corner is carried, the second is not.",
                ),
                Wrong(
                    "whole pixels of scale",
                    lambda b, size, shape: [
                        b[0] * (shape[1] // size[1]),
                        b[1] * (shape[0] // size[0]),
                        b[2] * (shape[1] // size[1]),
                        b[3] * (shape[0] // size[0]),
                    ],
                    "The scale is no whole number: divide with / and not with //.",
                ),
            ),
        ),
        recipe_to_photo,
    ),
)


# --- the hunt ------------------------------------------------------------------------------------


class _Plain:
    """A learner's function whose masks come as numbers, so that they can be compared."""

    def __init__(self, attempt: Callable[..., Any]) -> None:
        self.attempt = attempt
        self.__code__ = getattr(attempt, "__code__", None)

    def __call__(self, *given: Any) -> Any:
        # The same draw for every call, so that a random layer is known again.
        with torch.random.fork_rng():
            torch.manual_seed(0)
            answer = self.attempt(*given)
        mask = isinstance(answer, np.ndarray) and answer.dtype == bool
        return answer.astype(int) if mask else answer


@dataclass(frozen=True, repr=False)
class Found:
    """The score of a hunt: a verdict for each bug, in the order of the recipe."""

    verdicts: tuple[tuple[Bug, Verdict], ...]

    @property
    def score(self) -> tuple[int, int]:
        """Bugs found, of how many."""
        return sum(verdict.passed for _, verdict in self.verdicts), len(self.verdicts)

    @property
    def headline(self) -> str:
        """The score in a line, as every check begins."""
        k, n = self.score
        bugs = f"{k} of {n} bug{'s' if n > 1 else ''} found"
        if k == n:
            return f"passed on {n} check{'s' if n > 1 else ''}: {bugs}."
        untouched = all(v.kind == "not attempted yet" for _, v in self.verdicts)
        return f"not attempted yet: {bugs}." if untouched else f"{bugs}."

    @property
    def lines(self) -> list[tuple[str, str, str]]:
        """For each bug its step, a sign, and what is to be said of it."""
        told = []
        for bug, verdict in self.verdicts:
            if verdict.passed:
                told.append((bug.step, "✓", f"found: {bug.told}."))
            elif verdict.kind == "not attempted yet":
                told.append((bug.step, "○", "does what the recipe does."))
            else:
                words = f"{verdict.kind}: {verdict.message} {verdict.advice}".strip()
                told.append((bug.step, "✗", words))
        return told

    def __repr__(self) -> str:
        return "\n".join([self.headline, *(f"  {s} {step}: {w}" for step, s, w in self.lines)])

    def _repr_html_(self) -> str:
        k, n = self.score
        colour = "#1b6e3c" if k == n else "#4a5568"
        rows = "".join(
            f'<div style="display:flex;gap:.8em"><span aria-hidden="true">{sign}</span>'
            f"<code style='flex:0 0 7em'>{step}</code><span>{html.escape(words)}</span></div>"
            for step, sign, words in self.lines
        )
        return (
            f'<div role="status" style="border-left:4px solid {colour};padding:.3em .8em">'
            f"<strong>{html.escape(self.headline)}</strong>{rows}</div>"
        )


def bug_hunt(*attempts: Callable[..., Any]) -> Found:
    """Check any of the nine functions of the recipe, in any order: which bugs are mended?

    Args:
        attempts: the functions, known by their names.

    Returns:
        The score; as the last line of a cell it shows itself.

    Raises:
        TypeError: something else than a function was given.
        ValueError: the recipe has no function of that name.

    Example:
        >>> bug_hunt(read, recipe_winner)
        1 of 2 bugs found.
          ✓ read: found: the channels came in the order blue, green, red.
          ○ winner: does what the recipe does.
        >>> bug_hunt(recipe_keep)
        not attempted yet: 0 of 2 bugs found.
          ○ keep: does what the recipe does.
          ○ keep: does what the recipe does.
    """
    known = list(Steps.__dataclass_fields__)
    given = {}
    for attempt in attempts:
        name = getattr(attempt, "__name__", None)
        if not callable(attempt) or name is None:
            raise TypeError(f"give me the functions themselves, not {type(attempt).__name__}.")
        name = name.removeprefix("recipe_")
        if name not in known:
            raise ValueError(f"The recipe has no function {name!r}, only {', '.join(known)}.")
        given[name] = attempt
    return Found(tuple((bug, _verdict(bug, given[bug.step])) for bug in BUGS if bug.step in given))


def _verdict(bug: Bug, attempt: Callable[..., Any]) -> Verdict:
    """What the bug's check says; "not attempted yet" where the recipe's answer comes."""
    plain, broken = _Plain(attempt), _Plain(globals()[f"recipe_{bug.step}"])
    cases = bug.check.cases()
    verdict = bug.check(plain)
    if verdict.passed:
        return verdict
    tried = [_outcome(plain, case) for case in cases]
    known = [_outcome(broken, case) for case in cases]
    if all(_alike(a, b) for a, b in zip(tried, known, strict=True)):
        return Verdict("not attempted yet", "it does what the recipe does.")
    return verdict


# --- what each costs -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Cost:
    """A row of `costs`: what was run, and the shares of right classes and right boxes."""

    name: str
    classes: float
    boxes: float
    steps: Steps = field(repr=False)


def costs(
    net: CamModel, paths: Sequence[Any], labels: Sequence[int], truth: Sequence[npt.ArrayLike]
) -> list[Cost]:
    """Run the recipe, the repaired steps, and the repaired steps with one bug put back at a time.

    Args:
        net: the network.
        paths: n picture files.
        labels: their classes.
        truth: their true boxes, ``(m, 4)`` each, in pixels of the picture.

    Returns:
        The recipe, the repaired one, and a row for each bug; boxes count from an IoU of 0.5 on,
        whatever the class. Both bugs of the new layer are put back together.

    Raises:
        ValueError: the lists are empty or of different lengths.
    """
    if not paths or not len(paths) == len(labels) == len(truth):
        raise ValueError(
            f"paths, labels and truth must be equally long lists, got {len(paths)}, {len(labels)} "
            f"and {len(truth)}."
        )
    runs: dict[str, Steps] = {"the recipe": recipe(), "repaired": Steps()}
    for bug in BUGS:
        if bug.step != "score_maps" or "random" in bug.told:
            runs[bug.told] = Steps(**{bug.step: bug.back})
    rows = []
    # Most runs share their first two steps, and these take nearly all of the time.
    seen = cache(lambda path, *first: _seen(path, net, Steps(*first)))
    for name, steps in runs.items():
        with torch.random.fork_rng():
            torch.manual_seed(0)
            answers = [
                _answer(*seen(path, steps.read, steps.prepare), net, steps) for path in paths
            ]
        right = [c == label for (c, _), label in zip(answers, labels, strict=True)]
        hit = [
            _overlap(box, t) >= metrics.AGREES for (_, box), t in zip(answers, truth, strict=True)
        ]
        rows.append(Cost(name, float(np.mean(right)), float(np.mean(hit)), steps))
    return rows


def _overlap(box: Any, truth: npt.ArrayLike) -> float:
    """The best IoU; a box that is turned round shares nothing."""
    if not (box[2] > box[0] and box[3] > box[1]):
        return 0.0
    return float(metrics.iou([float(v) for v in box], truth).max())


__all__ = ["BUGS", "Bug", "Cost", "Found", "Steps", "bug_hunt", "costs", "explain", "recipe"]
