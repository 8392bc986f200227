"""The checks of notebook 10, discovering patterns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from camkit import discover
from camkit.check.core import Check, Problem, Verdict, Wrong, tensor

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Named: TypeAlias = "tuple[str, float]"

# --- exercise A: name_unit -----------------------------------------------------------------------

NAMES = ("animal", "head", "tail", "bush", "background")
ROOM = 2.5
"""Cells by which an answer may differ: quantiles are taken in several ways."""


def _counts(fires: Bools, masks: Bools) -> tuple[Floats, Floats, float]:
    """Cells of both, cells of each mask, and cells that fire, over all pictures."""
    both = (fires[:, None] & masks).sum(axis=(0, 2, 3)).astype(float)
    return both, masks.sum(axis=(0, 2, 3)).astype(float), float(fires.sum())


def _ious(fires: Bools, masks: Bools) -> Floats:
    both, inside, fired = _counts(fires, masks)
    ious: Floats = both / np.maximum(inside + fired - both, 1)
    return ious


def _best(values: Floats, names: Sequence[str]) -> Named:
    return names[int(values.argmax())], float(values.max())


def _fires(activations: Floats, share: float) -> Bools:
    fires: Bools = activations > np.quantile(activations, 1 - share)
    return fires


def _as_asked(activations: Floats, masks: Bools, names: Sequence[str], share: float) -> Named:
    return _best(_ious(_fires(activations, share), masks), names)


def _per_picture(activations: Floats, masks: Bools, names: Sequence[str], share: float) -> Named:
    fires = np.stack([_fires(one, share) for one in activations])
    return _best(_ious(fires, masks), names)


def _without_union(activations: Floats, masks: Bools, names: Sequence[str], share: float) -> Named:
    both, _, fired = _counts(_fires(activations, share), masks)
    return _best(both / fired, names)


def _of_the_mask(activations: Floats, masks: Bools, names: Sequence[str], share: float) -> Named:
    both, inside, _ = _counts(_fires(activations, share), masks)
    return _best(both / np.maximum(inside, 1), names)


def _both_counted_twice(
    activations: Floats, masks: Bools, names: Sequence[str], share: float
) -> Named:
    both, inside, fired = _counts(_fires(activations, share), masks)
    return _best(both / (inside + fired), names)


def _most_frequent(activations: Floats, masks: Bools, names: Sequence[str], share: float) -> Named:
    ious = _ious(_fires(activations, share), masks)
    k = int(masks.any(axis=(2, 3)).sum(axis=0).argmax())
    return names[k], float(ious[k])


def _mean_of_pictures(
    activations: Floats, masks: Bools, names: Sequence[str], share: float
) -> Named:
    fires = _fires(activations, share)
    rows = [_ious(f[None], m[None]) for f, m in zip(fires, masks, strict=True)]
    return _best(np.mean(rows, axis=0), names)


def _wrong_end(activations: Floats, masks: Bools, names: Sequence[str], share: float) -> Named:
    return _best(_ious(activations > np.quantile(activations, share), masks), names)


def _of_the_maximum(activations: Floats, masks: Bools, names: Sequence[str], share: float) -> Named:
    return _best(_ious(activations > share * activations.max(), masks), names)


def _near_the_maximum(
    activations: Floats, masks: Bools, names: Sequence[str], share: float
) -> Named:
    return _best(_ious(activations > (1 - share) * activations.max(), masks), names)


WRONG_NAMES = (
    Wrong(
        "threshold per picture",
        _per_picture,
        "You took a threshold for each picture, so every picture fires, also one without the "
        "thing. Take one quantile of all cells of all pictures.",
    ),
    Wrong(
        "without the union",
        _without_union,
        "That is the share of the firing cells inside the mask. Nothing is lost by being large, so "
        "large things win: divide by the cells of either.",
    ),
    Wrong(
        "share of the mask",
        _of_the_mask,
        "That is the share of the mask that fires. A thing of one cell wins by luck: divide by the "
        "cells of either.",
    ),
    Wrong(
        "both counted twice",
        _both_counted_twice,
        "Cells of both are counted in the mask and in the firing: take them off once from the sum.",
    ),
    Wrong(
        "the most frequent name",
        _most_frequent,
        "You took the name that is there in most pictures, whatever the unit does.",
    ),
    Wrong(
        "mean over pictures",
        _mean_of_pictures,
        "You took the IoU of each picture and then the mean. Count the cells of all pictures "
        "first: then a picture where both are absent changes nothing.",
    ),
    Wrong(
        "the wrong end",
        _wrong_end,
        "You let the unit fire in all cells but a share. The threshold is the quantile 1 - share.",
    ),
    Wrong(
        "share of the maximum",
        _of_the_maximum,
        "That is a share of the maximum. Asked is a share of the cells: a quantile.",
    ),
    Wrong(
        "near the maximum",
        _near_the_maximum,
        "That is a share of the maximum. Asked is a share of the cells: a quantile.",
    ),
)


def _planted(
    seed: int, part: str, count: int = 40, h: int = 12, w: int = 16
) -> tuple[Floats, Bools, tuple[str, ...], float]:
    """A unit that means one part (or two things), and a share somewhat above what it covers."""
    rng = np.random.default_rng(seed)
    masks = np.zeros((count, len(NAMES), h, w), bool)
    for i, m in enumerate(masks):
        row, column = rng.integers(0, h - 4), rng.integers(0, w - 6)
        if i == 0 or rng.random() < 0.6:
            m[0, row : row + 4, column : column + 6] = True
            m[1, row : row + 2, column : column + 2] = True
            m[2, row + 1, column + 4 : column + 6] = True
        if i == 0 or rng.random() < 0.5:
            m[3, h - 3 :, w - 5 :] = True
        m[4] = ~m[:4].any(axis=0)
    at = [NAMES.index(name) for name in part.split(" and ")]
    meant = masks[:, at].any(axis=1)
    warm = masks[:, 0] if part == "head" else meant
    activations = 5.0 * meant + 2.0 * warm + rng.random(meant.shape) - 0.5
    return activations, masks, NAMES, float(meant.mean()) * (1.45 if part == "head" else 0.8)


def _name_cases() -> list[tuple[Any, ...]]:
    small = _planted(101, "head")
    single = _planted(104, "head", count=1, h=15, w=30)
    return [
        small,
        _planted(102, "background"),
        _planted(103, "animal and bush", h=14, w=10),
        (single[0].astype(np.float32), *single[1:]),
    ]


def _judge_name(
    answer: Any, activations: Floats, masks: Bools, names: Sequence[str], share: float
) -> Problem | None:
    if not isinstance(answer, (tuple, list)) or len(answer) != 2:
        came = "nothing (None)" if answer is None else f"{answer!r}"[:60]
        return Problem("wrong type", f"return two things, the name and its IoU; got {came}.")
    name, iou = answer[0], tensor(answer[1], "the IoU")
    if not isinstance(name, str):
        return Problem("wrong type", "the first must be a name.", "Return names[k], not k.")
    if isinstance(iou, Problem):
        return iou
    if iou.numel() != 1:
        return Problem("wrong shape", f"the IoU must be one number, got {tuple(iou.shape)}.")
    got, (right, wanted) = float(iou), _as_asked(activations, masks, names, share)
    room = ROOM / max(1.0, activations.size * share)
    if name == right and abs(got - wanted) <= room:
        return None
    told = f"this unit is {right!r} with an IoU of {wanted:.3f}, got {name!r} with {got:.3f}."
    return Problem("wrong values", told, _known_name(name, got, activations, masks, names, share))


def _known_name(name: str, got: float, *case: Any) -> str:
    right, wanted = _as_asked(*case)
    if name == right and abs(got - 100 * wanted) < 1:
        return "An IoU from 0 to 1 is asked for, not percent."
    for wrong in WRONG_NAMES:
        known, value = wrong.answer(*case)
        if known == name and abs(value - got) < 1e-4:
            return wrong.advice
    if name == right:
        return "The name is right. IoU: cells of both, over cells of either, all pictures at once."
    return "Take the name with the largest IoU over all pictures."


NAME_UNIT = Check("name_unit", _name_cases, _judge_name)


def name_unit(attempt: Callable[..., Any]) -> Verdict:
    """Check ``name_unit(activations, masks, names, share)``: the best name and its IoU.

    >>> name_unit(lambda activations, masks, names, share: ...)
    not attempted yet: replace the dots and run both cells again.
    """
    return NAME_UNIT(attempt)


# --- exercise B: informative_objects -------------------------------------------------------------


def _hot(maps: Floats, peak: Any = None) -> Bools:
    peak = maps.max(axis=(1, 2), keepdims=True) if peak is None else peak
    hot: Bools = (maps > discover.HOT * peak) & (peak > 0)
    return hot


def _parts(maps: Floats, masks: Bools, hot: Bools | None = None) -> tuple[Floats, Floats]:
    """Hot cells of every object in every picture ``(N, n)``, and all its cells."""
    hot = _hot(maps) if hot is None else hot
    both = (hot[:, None] & masks).sum(axis=(2, 3)).astype(float)
    return both, masks.sum(axis=(2, 3)).astype(float)


def _mean_there(shares: Floats, area: Floats) -> Floats:
    there = (area > 0).sum(axis=0)
    found = np.where(area > 0, shares, 0.0).sum(axis=0)
    means: Floats = np.divide(found, there, out=np.full(len(there), np.nan), where=there > 0)
    return means


def _informative(maps: Floats, masks: Bools) -> Floats:
    both, area = _parts(maps, masks)
    return _mean_there(both / np.maximum(area, 1), area)


def _cell_counts(maps: Floats, masks: Bools) -> Floats:
    return _mean_there(*_parts(maps, masks))


def _absent_as_zero(maps: Floats, masks: Bools) -> Floats:
    both, area = _parts(maps, masks)
    means: Floats = (both / np.maximum(area, 1)).mean(axis=0)
    return means


def _share_of_the_heat(maps: Floats, masks: Bools) -> Floats:
    both, area = _parts(maps, masks)
    fired = _hot(maps).sum(axis=(1, 2))[:, None]
    return _mean_there(both / np.maximum(fired, 1), area)


def _all_cells_at_once(maps: Floats, masks: Bools) -> Floats:
    both, area = _parts(maps, masks)
    total = area.sum(axis=0)
    shares: Floats = np.divide(
        both.sum(axis=0), total, out=np.full(len(total), np.nan), where=total > 0
    )
    return shares


def _touched(maps: Floats, masks: Bools) -> Floats:
    both, area = _parts(maps, masks)
    return _mean_there((both > 0).astype(float), area)


def _one_maximum(maps: Floats, masks: Bools) -> Floats:
    both, area = _parts(maps, masks, _hot(maps, maps.max()))
    return _mean_there(both / np.maximum(area, 1), area)


def _half_way_up(maps: Floats, masks: Bools) -> Floats:
    low, high = (f(maps, axis=(1, 2), keepdims=True) for f in (np.min, np.max))
    both, area = _parts(maps, masks, maps > low + discover.HOT * (high - low))
    return _mean_there(both / np.maximum(area, 1), area)


def _frequency(maps: Floats, masks: Bools) -> Floats:
    return discover.frequent_objects(masks)


def _other_pictures(maps: Floats, masks: Bools) -> Floats:
    return _informative(np.roll(maps, 1, axis=0), masks)


def _on_paper() -> tuple[Floats, Bools]:
    """Rooms of 2 x 4 cells with a wall (upper row), a lamp in the first two, and no clock."""
    masks = np.zeros((3, 3, 2, 4), bool)
    masks[:, 0, 0] = True
    masks[0, 1, 0, 1:3] = True
    masks[1, 1, 1, 1:3] = True
    maps = np.full((3, 2, 4), -2.0)
    maps[0, 0, 1:3] = 6.0, 4.0  # the whole lamp: above 3
    maps[1, 1, 1:3] = 3.0, 1.0  # half of it: only 3 is above 1.5
    maps[2, 1, 0] = 1.0
    return maps, masks


def _drawn(seed: int, count: int, h: int, w: int, dtype: Any) -> tuple[Any, Bools]:
    """Rooms with a wall everywhere, a table in most, a lamp in few, on which the map is hot."""
    rng = np.random.default_rng(seed)
    masks = np.zeros((count, 4, h, w), bool)
    maps = rng.normal(-1.0, 1.0, (count, h, w))
    for i in range(count):
        masks[i, 0, : h // 2] = True
        if i % 4:
            left = rng.integers(0, w - 3)
            masks[i, 1, h - 2 :, left : left + 3] = True
        if i % 3 == 0:
            row, column, side = rng.integers(0, h - 2), rng.integers(0, w - 2), rng.integers(1, 4)
            masks[i, 2, row : row + side, column : column + side] = True
            maps[i] += rng.uniform(2, 6) * masks[i, 2]
    maps[1] = -1 - rng.random((h, w))  # nowhere positive: nothing is hot
    return maps.astype(dtype), masks


def _judge_informative(answer: Any, maps: Floats, masks: Bools) -> Problem | None:
    read = tensor(answer)
    if isinstance(read, Problem):
        return read
    got, wanted = read.numpy(), _informative(maps, masks)
    if got.shape != wanted.shape:
        told = f"one number for each of {len(wanted)} objects is asked for, got {got.shape}."
        return Problem("wrong shape", told)
    for j, (value, right) in enumerate(zip(got, wanted, strict=True)):
        if np.isnan(value) and np.isnan(right):
            continue
        if np.isnan(right):
            told = f"object {j} is in no picture: nothing is known, so NaN; got {value:.3g}."
            return Problem("wrong values", told)
        if np.isnan(value) or abs(value - right) > 1e-5:
            told = f"of object {j} a share of {right:.4g} is hot on average, got {value:.4g}."
            return Problem("wrong values", told)
    return None


INFORMATIVE_OBJECTS = Check(
    "informative_objects",
    lambda: [
        _on_paper(),
        _drawn(111, 24, 6, 9, np.float64),
        _drawn(112, 30, 9, 6, np.float32),
    ],
    _judge_informative,
    (
        Wrong(
            "cell counts",
            _cell_counts,
            "You counted hot cells, so what is large wins, such as the wall. Divide by the cells "
            "of the object.",
        ),
        Wrong(
            "absent as zero",
            _absent_as_zero,
            "You averaged over all pictures, and took an object that is not there for one that is "
            "cold. Average over the pictures where it is seen.",
        ),
        Wrong(
            "share of the heat",
            _share_of_the_heat,
            "That is the share of the hot region that is the object; what is large wins again. "
            "Divide by the cells of the object.",
        ),
        Wrong(
            "all cells at once",
            _all_cells_at_once,
            "You added the cells of all pictures first, so pictures with a large one count more. "
            "Take the share in each picture, then the mean.",
        ),
        Wrong(
            "touched",
            _touched,
            "You counted the pictures in which the hot region touches the object; a wall is "
            "touched nearly always. Take the share of its cells.",
        ),
        Wrong(
            "one maximum",
            _one_maximum,
            "You took one maximum for all pictures: then some have no hot region at all. Each map "
            "has its own.",
        ),
        Wrong(
            "half way up",
            _half_way_up,
            "You took half the way from the lowest to the highest cell. Asked is half of the "
            "maximum: zero stays zero.",
        ),
        Wrong(
            "frequency",
            _frequency,
            "That is how frequent the objects are; the maps were not used.",
        ),
        Wrong(
            "other pictures",
            _other_pictures,
            "The maps lie on other pictures than their own.",
        ),
    ),
)


def informative_objects(attempt: Callable[..., Any]) -> Verdict:
    """Check ``informative_objects(maps, masks)``: how much of each object is hot.

    >>> informative_objects(lambda maps, masks: ...)
    not attempted yet: replace the dots and run both cells again.
    """
    return INFORMATIVE_OBJECTS(attempt)
