"""Discovery (the paper's section 5): what a network learned that nobody labelled.

Units: which pictures excite one, what a name for it would be, and what it is worth. Scenes: which
objects a map rests on (informative), and which are there anyway (frequent).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import csr_array
from torch import Tensor, nn

from camkit.cam import class_indices, upsample
from camkit.heads import CamModel, NoCamError
from camkit.train import inputs_of
from camkit.world import Picture, Scene

Floats: TypeAlias = npt.NDArray[np.float32]
Doubles: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Pixels: TypeAlias = npt.NDArray[np.uint8]
Bools: TypeAlias = npt.NDArray[np.bool_]
Number = TypeVar("Number", bound=np.generic)
By: TypeAlias = Literal["weight", "contribution"]

CELLS = 32
"""Cells along each side of a concept mask: a quarter of a picture of 128 pixels."""
BACKGROUND = "background"
OUTSIDE = 232
"""The grey outside of a picture."""
DIMMED: Pixels = (20 + np.arange(256) // 4).astype(np.uint8)
"""What is left of a pixel that does not excite a unit."""
HOT = 0.5
"""A region counts as hot above this share of its map's maximum."""


# --- what a cell sees ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Field:
    """What one cell of a map sees of the picture, in pixels of the network's input.

    Cell ``i`` (of a row or a column) sees from ``start + i * stride`` on, ``side`` pixels far.

    Example:
        >>> Field(start=-17, stride=8, side=42).box(0, 2)     # top row, third column
        (-1, -17, 41, 25)
    """

    start: int
    stride: int
    side: int

    def box(self, row: int, column: int) -> tuple[int, int, int, int]:
        """The square that the cell sees, ``(x0, y0, x1, y1)``; it may leave the picture."""
        x, y = (self.start + self.stride * at for at in (column, row))
        return x, y, x + self.side, y + self.side


def receptive_field(net: CamModel, tries: int = 16, seed: int = 0) -> Field:
    """Ask a network which pixels move the middle cell of its features: its receptive field.

    The gradient of the cell is taken at pictures of pure noise, several, so that no path is silent
    by chance; the pixels where it is not zero are those the cell sees.

    Args:
        net: the network; its mode is given back.
        tries: pictures of noise.
        seed: of the noise.

    Returns:
        A `Field`. Where a cell sees more than the whole picture, it is cut at the edges.

    Raises:
        ValueError: the features have another shape than ``(B, K, h, w)``, or no pixel moves them.

    Example:
        >>> conv = nn.Conv2d(3, 4, kernel_size=5, stride=4)
        >>> receptive_field(CamModel(conv, nn.Linear(4, 2), size=41))
        Field(start=0, stride=4, side=5)
    """
    draw = torch.Generator().manual_seed(seed)
    noise = torch.randn(tries, 3, *net.size, generator=draw).to(net.head.weight)
    noise.requires_grad_()
    mode = net.training
    net.eval()
    try:
        with torch.enable_grad():
            features = net.features(noise)
            if features.ndim != 4:
                raise ValueError(f"features must be (B, K, h, w), got {tuple(features.shape)}.")
            row, column = features.shape[2] // 2, features.shape[3] // 2
            cell = features[:, :, row, column].sum()
            (slope,) = torch.autograd.grad(cell, noise)
    finally:
        net.train(mode)
    seen = (slope != 0).any(dim=0).any(dim=0)  # (H, W)
    rows = seen.any(dim=1).nonzero().flatten().tolist()
    if not rows:
        raise ValueError("No pixel moves the middle cell: every unit there is silent.")
    stride = net.size[0] // features.shape[2]
    return Field(rows[0] - row * stride, stride, rows[-1] + 1 - rows[0])


@torch.no_grad()
def unit_activations(net: CamModel, images: Pixels, batch: int = 64) -> Floats:
    """Compute what every unit does in every cell of many pictures: f_k.

    Args:
        net: the network, in evaluation mode.
        images: ``(N, H, W, 3)`` uint8, of the network's size.
        batch: pictures in one pass.

    Returns:
        ``(N, K, h, w)`` float32.

    Raises:
        ValueError: the pictures have another size, or there is none.

    Example:
        >>> import camkit
        >>> net = camkit.load("objects")
        >>> unit_activations(net, np.zeros((2, 128, 128, 3), np.uint8)).shape
        (2, 64, 16, 16)
    """
    if images.ndim != 4 or images.shape[1:] != (*net.size, 3) or len(images) == 0:
        raise ValueError(
            f"images must be (N, {net.size[0]}, {net.size[1]}, 3) with at least one picture, got "
            f"{images.shape}."
        )
    parts = [
        net.features(inputs_of(net, images[i : i + batch])).float().cpu().numpy()
        for i in range(0, len(images), batch)
    ]
    found: Floats = np.concatenate(parts)
    return found


# --- which units matter to a class --------------------------------------------------------------


def rank_units(
    net: CamModel,
    of: int | str,
    by: By = "weight",
    pooled: npt.ArrayLike | None = None,
) -> tuple[Ints, Doubles]:
    """Put a class's units in order, the most important first.

    By weight, ``w_k^c``, as the paper does: what one more of unit k would add to the score. By
    contribution, ``w_k^c mean F_k`` over pictures of the class: what unit k does add; all of them
    and the bias sum up to the mean score.

    Args:
        net: the network, with average or max pooling.
        of: the class, by number or name.
        by: "weight" or "contribution".
        pooled: F_k of pictures of the class, ``(N, K)``, from `camkit.transfer.pooled_features`;
            needed for contributions.

    Returns:
        The units ``(K,)``, and the value of each ``(K,)``, from high to low.

    Raises:
        NoCamError: the head is flattened, so that a unit has a weight for every place.
        ValueError: there is no such class, ``by`` is none of the two, or ``pooled`` is missing or
            has another shape.

    Example:
        >>> net = CamModel(nn.Conv2d(3, 3, 3), nn.Linear(3, 2), names=["cat", "dog"])
        >>> net.head.weight.data = torch.tensor([[1., -2., 3.], [0., 0., 0.]])
        >>> units, weights = rank_units(net, "cat")
        >>> units.tolist(), weights.tolist()
        ([2, 0, 1], [3.0, 1.0, -2.0])
        >>> rank_units(net, "cat", by="contribution", pooled=[[9.0, 1.0, 2.0]])[0].tolist()
        [0, 2, 1]
    """
    if by not in ("weight", "contribution"):
        raise ValueError(f'by must be "weight" or "contribution", got {by!r}.')
    if net.pool == "flatten":
        raise NoCamError(
            "This network flattens its features, so a unit has a weight for every place and no "
            "rank: take one with pool='average'."
        )
    c = _class(net, of)
    values = net.weights[c].detach().cpu().double().numpy()
    if by == "contribution":
        if pooled is None:
            raise ValueError("Contributions need pooled, F_k (N, K) of pictures of the class.")
        given = np.asarray(pooled, dtype=np.float64)
        if given.ndim != 2 or given.shape[1] != len(values) or len(given) == 0:
            raise ValueError(f"pooled must be (N, {len(values)}), got {given.shape}.")
        values = values * given.mean(axis=0)
    order = np.argsort(-values, kind="stable")
    return order, values[order]


def ablate(
    net: CamModel, units: int | Sequence[int] | Ints, of: int | str | None = None
) -> CamModel:
    """Take units away: their weights are set to zero, for one class or for all.

    Args:
        net: the network, with average or max pooling. It stays as it is.
        units: which units.
        of: the class that loses them; None for all classes.

    Returns:
        A network with the same backbone, shared, and a head of its own.

    Raises:
        NoCamError: the head is flattened.
        TypeError, ValueError: a unit is no whole number or there is no such unit or class.

    Example:
        >>> net = CamModel(nn.Conv2d(3, 3, 3), nn.Linear(3, 2), names=["cat", "dog"])
        >>> poorer = ablate(net, [0, 2], of="cat")
        >>> (poorer.weights != 0).tolist()
        [[False, True, False], [True, True, True]]
    """
    if net.pool == "flatten":
        raise NoCamError(
            "This network flattens its features, so a unit has a weight for every place: take one "
            "with pool='average'."
        )
    chosen = np.atleast_1d(np.asarray(units))
    if chosen.size and chosen.dtype.kind not in "iu":
        raise TypeError(f"units must be whole numbers, got {units!r}.")
    count = net.weights.shape[1]
    wrong = chosen[(chosen < 0) | (chosen >= count)]
    if wrong.size:
        raise ValueError(f"unit {wrong[0]} is out of range; this network has 0 to {count - 1}.")
    classes = range(len(net.names)) if of is None else [_class(net, of)]
    head = copy.deepcopy(net.head)
    with torch.no_grad():
        for c in classes:
            head.weight[c, torch.from_numpy(chosen.astype(np.int64))] = 0.0
    poorer = CamModel(
        net.backbone,
        head,
        pool=net.pool,
        relu_map=net.relu_map,
        dropout=net.dropout.p,
        names=net.names,
        mean=net.mean,
        std=net.std,
        size=net.size,
    )
    return poorer.train(net.training)


def still_right(
    net: CamModel,
    pooled: npt.ArrayLike,
    labels: npt.ArrayLike,
    counts: Sequence[int],
    order: Literal["weight", "random"] = "weight",
    seed: int = 0,
) -> Doubles:
    """Measure how many pictures of each class stay right when it loses its n most important units.

    Class after class: its n largest weights (or n drawn by lot) are set to zero, the other
    classes keep theirs, and its own pictures are classified again.

    Args:
        net: the network, with average or max pooling.
        pooled: F_k of the pictures, ``(N, K)``, from `camkit.transfer.pooled_features`.
        labels: ``(N,)``; every class needs a picture.
        counts: how many units are taken, such as ``[0, 1, 8]``.
        order: "weight", the most important first; "random", as a control.
        seed: of the lot.

    Returns:
        ``(len(counts), C)``, shares from 0 to 1.

    Raises:
        ValueError: shapes do not match, a class has no picture, or ``order`` is none of the two.

    Example:
        >>> net = CamModel(nn.Conv2d(3, 2, 3), nn.Linear(2, 2))
        >>> net.head.weight.data, net.head.bias.data = torch.eye(2), torch.zeros(2)
        >>> still_right(net, [[2.0, 1.0], [1.0, 2.0]], [0, 1], [0, 1]).tolist()
        [[1.0, 1.0], [0.0, 0.0]]
    """
    if order not in ("weight", "random"):
        raise ValueError(f'order must be "weight" or "random", got {order!r}.')
    given, right = torch.as_tensor(np.asarray(pooled, np.float32)), np.asarray(labels)
    if given.ndim != 2 or given.shape[1] != net.weights.shape[1] or right.shape != given.shape[:1]:
        raise ValueError(
            f"pooled must be (N, {net.weights.shape[1]}) and labels (N,), got "
            f"{tuple(given.shape)} and {right.shape}."
        )
    rng = np.random.default_rng(seed)
    shares = np.empty((len(counts), len(net.names)))
    for c in range(len(net.names)):
        mine = given[torch.from_numpy(right == c)]
        if len(mine) == 0:
            raise ValueError(f"There is no picture of {net.names[c]}; every class needs one.")
        units = rank_units(net, c)[0] if order == "weight" else rng.permutation(given.shape[1])
        for i, n in enumerate(counts):
            poorer = ablate(net, units[:n], of=c)
            with torch.no_grad():
                scores = nn.functional.linear(mine, poorer.weights.cpu(), poorer.bias.cpu())
            shares[i, c] = float((scores.argmax(dim=1) == c).float().mean())
    return shares


# --- what excites a unit ------------------------------------------------------------------------


def top_cells(activations: Floats, count: int = 9) -> list[tuple[int, int, int]]:
    """Find the pictures that excite a unit most, each by its strongest cell.

    Args:
        activations: of one unit, ``(N, h, w)``.
        count: how many pictures.

    Returns:
        (picture, row, column), the strongest first; one cell of a picture.

    Raises:
        ValueError: the shape is another, or there are fewer pictures than ``count``.

    Example:
        >>> top_cells(np.array([[[0.0, 3.0]], [[5.0, 4.0]]]), count=2)
        [(1, 0, 0), (0, 0, 1)]
    """
    if activations.ndim != 3 or not 1 <= count <= len(activations):
        raise ValueError(
            f"activations must be (N, h, w) of one unit and count from 1 to N, got "
            f"{activations.shape} and {count}."
        )
    flat = activations.reshape(len(activations), -1)
    best = flat.argmax(axis=1)
    order = np.argsort(-flat.max(axis=1), kind="stable")[:count]
    wide = activations.shape[2]
    return [(int(i), int(best[i]) // wide, int(best[i]) % wide) for i in order]


def cut_out(
    values: npt.NDArray[Number], box: tuple[int, int, int, int], fill: float
) -> npt.NDArray[Number]:
    """Cut a box out of a picture or a map; what lies outside is filled.

    Args:
        values: ``(H, W)`` or ``(H, W, 3)``.
        box: ``(x0, y0, x1, y1)``, whole pixels, end exclusive.
        fill: the value outside.

    Returns:
        ``(y1 - y0, x1 - x0)``, or with 3 channels.

    Example:
        >>> cut_out(np.array([[1, 2], [3, 4]]), (1, 1, 3, 3), fill=0).tolist()
        [[4, 0], [0, 0]]
    """
    x0, y0, x1, y1 = box
    height, width = values.shape[:2]
    cut = np.full((y1 - y0, x1 - x0, *values.shape[2:]), fill, values.dtype)
    left, top, right, bottom = max(x0, 0), max(y0, 0), min(x1, width), min(y1, height)
    if left < right and top < bottom:
        cut[top - y0 : bottom - y0, left - x0 : right - x0] = values[top:bottom, left:right]
    return cut


def segmented(
    images: Pixels, activations: Floats, field: Field, threshold: float, count: int = 9
) -> Pixels:
    """Cut out what excites a unit most, at the size of its field; what does not excite it is dark.

    Zhou et al. (ICLR 2015): the pictures with the strongest cells, and in them what lies above the
    unit's threshold.

    Args:
        images: ``(N, H, W, 3)`` uint8.
        activations: of one unit, ``(N, h, w)``.
        field: what a cell sees, from `receptive_field`.
        threshold: above which the unit fires, from `firing_threshold`.
        count: how many pictures.

    Returns:
        ``(count, side, side, 3)`` uint8, the strongest first; light grey outside of a picture.

    Raises:
        ValueError: the shapes do not match, or there are fewer pictures than ``count``.

    Example:
        >>> images = np.full((1, 4, 4, 3), 200, np.uint8)
        >>> heat = np.array([[[9.0, 0.0], [0.0, 0.0]]], np.float32)
        >>> segmented(images, heat, Field(0, 2, 3), 5.0, count=1)[0, 0, :, 0].tolist()
        [200, 200, 70]
    """
    if images.ndim != 4 or len(images) != len(activations):
        raise ValueError(
            f"images must be (N, H, W, 3) for {len(activations)} activations, got {images.shape}."
        )
    patches = []
    for i, row, column in top_cells(activations, count):
        large = _as_large(np.float32(activations[i])[None, None], images.shape[1:3])[0, 0]
        lit = np.where(large[..., None] > threshold, images[i], DIMMED[images[i]])
        patches.append(cut_out(lit, field.box(row, column), OUTSIDE))
    return np.stack(patches)


# --- a name for a unit --------------------------------------------------------------------------


@dataclass(frozen=True)
class Concepts:
    """Pictures, and masks of everything in them that could give a unit its name.

    Attributes:
        images: ``(N, H, W, 3)`` uint8.
        labels: ``(N,)``, the class of each picture.
        names: the n names.
        masks: ``(N, n, cells, cells)`` bool; a cell belongs to what lies at its centre.
    """

    images: Pixels = field(repr=False)
    labels: Ints = field(repr=False)
    names: tuple[str, ...]
    masks: Bools = field(repr=False)


def concepts(
    scenes: Sequence[Scene],
    size: int = 128,
    names: Sequence[str] | None = None,
    parts: bool = True,
) -> Concepts:
    """Draw scenes, and write down where every thing and every part of an object is seen.

    A name is a kind of thing ("car"), a part of any object ("wheel"), a part of one kind
    ("wheel of a car"), or "background", where no thing is. An object's body, what no other part
    is, gets no name of its own.

    Args:
        scenes: the scenes.
        size: side of the pictures, in pixels.
        names: which names, in this order, such as those of another set; by default all that occur.
        parts: False leaves the parts out.

    Returns:
        The `Concepts`.

    Raises:
        ValueError: there is no scene, or ``size`` is no multiple of `CELLS`.

    Example:
        >>> from camkit import world
        >>> found = concepts([world.scene_of("car", seed=1)])
        >>> found.masks.shape[2:], {"car", "wheel", "wheel of a car"} <= set(found.names)
        ((32, 32), True)
    """
    if not scenes:
        raise ValueError("scenes is empty; give at least one.")
    if size % CELLS:
        raise ValueError(f"size must be a multiple of {CELLS}, got {size}.")
    step = size // CELLS
    centres = slice(step // 2, None, step)
    images = np.empty((len(scenes), size, size, 3), np.uint8)
    seen: list[dict[str, Bools]] = []
    for i, scene in enumerate(scenes):
        picture = scene.draw(size)
        images[i] = picture.image
        here: dict[str, Bools] = {}
        for name, mask in _named_masks(picture, parts):
            small = mask[centres, centres]
            here[name] = here[name] | small if name in here else small
        seen.append(here)
    order = tuple(sorted({name for here in seen for name in here}) if names is None else names)
    masks = np.zeros((len(scenes), len(order), CELLS, CELLS), bool)
    for i, here in enumerate(seen):
        for j, name in enumerate(order):
            if name in here:
                masks[i, j] = here[name]
    return Concepts(images, np.array([s.label for s in scenes], np.int64), order, masks)


def _named_masks(picture: Picture, parts: bool) -> Iterator[tuple[str, Bools]]:
    """Every name with a mask ``(H, W)``; a name may come more than once."""
    bare = np.asarray(~picture.visible.any(axis=0))
    yield BACKGROUND, bare
    for j, thing in enumerate(picture.things):
        seen: Bools = picture.visible[j]
        yield thing.kind, seen
        if not parts or thing.role != "object":
            continue
        for part, mask in picture.parts(j).items():
            here: Bools = mask & seen
            if part != "body":
                yield part, here
                yield f"{part} of {_a(thing.kind)}", here


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def firing_threshold(activations: npt.ArrayLike, share: float = 0.01) -> float:
    """Find the one number above which a unit fires in a share of all cells of all pictures.

    Args:
        activations: of one unit on a whole set, ``(N, h, w)``.
        share: of all cells, above 0 and below 1.

    Returns:
        The threshold. It is never below zero: a silent cell does not fire.

    Raises:
        ValueError: ``share`` is out of range or the activations are not ``(N, h, w)``.

    Example:
        >>> cells = np.arange(100.0).reshape(1, 10, 10)
        >>> bool((cells > firing_threshold(cells, share=0.05)).sum() == 5)
        True
    """
    cells = np.asarray(activations)
    if cells.ndim != 3 or cells.size == 0:
        raise ValueError(f"activations must be (N, h, w) of one unit, got {cells.shape}.")
    if not 0 < share < 1:
        raise ValueError(f"share must lie above 0 and below 1, got {share}.")
    return max(0.0, float(np.quantile(cells, 1 - share)))


def overlaps(
    activations: npt.ArrayLike, masks: npt.ArrayLike, thresholds: npt.ArrayLike
) -> Doubles:
    """Compute how well the firing of units fits masks: IoU over a whole set of pictures.

    ``|fires and inside| / |fires or inside|``, counted over all cells of all pictures at once, so
    that a unit which fires where the thing is not loses by it.

    Args:
        activations: ``(N, K, h, w)``; smaller than the masks, they are upsampled first.
        masks: ``(N, n, H, W)`` bool.
        thresholds: above which each unit fires, ``(K,)``; or ``(T, K)``, T for every unit.

    Returns:
        ``(K, n)``, or ``(T, K, n)``; 0 where neither ever occurs.

    Raises:
        TypeError: the masks are not True and False.
        ValueError: the shapes do not match.

    Example:
        >>> fires = [[[[9.0, 9.0, 0.0, 0.0]]]]
        >>> mask = np.array([[[[False, True, True, True]]]])
        >>> overlaps(fires, mask, [1.0]).tolist()               # 1 cell of both, 4 of either
        [[0.25]]
    """
    cells = np.asarray(activations, np.float32)
    inside, levels = _as_masks(masks), np.asarray(thresholds, np.float32)
    if (
        cells.ndim != 4
        or len(cells) != len(inside)
        or levels.ndim not in (1, 2)
        or levels.shape[-1] != cells.shape[1]
    ):
        raise ValueError(
            f"activations must be (N, K, h, w), masks (N, n, H, W) of as many pictures and "
            f"thresholds (K,) or (T, K), got {cells.shape}, {inside.shape} and {levels.shape}."
        )
    rows = levels.reshape(-1, cells.shape[1])
    both = np.zeros((*rows.shape, inside.shape[1]))
    fired, covered = np.zeros(rows.shape), inside.sum(axis=(0, 2, 3))
    for i in range(0, len(cells), 32):  # a few pictures at a time: the units are many
        large = np.moveaxis(_as_large(cells[i : i + 32], inside.shape[2:]), 1, 0)
        large = large.reshape(cells.shape[1], -1)
        some = np.moveaxis(inside[i : i + 32], 1, 0).reshape(inside.shape[1], -1)
        # Most masks are nearly empty: a sparse product takes a hundredth of the time.
        sparse = csr_array(some, dtype=np.float32)
        for t, row in enumerate(rows):
            fires = large > row[:, None]
            both[t] += (sparse @ fires.T.astype(np.float32)).T
            fired[t] += fires.sum(axis=1)
    either = fired[..., None] + covered - both
    shares: Doubles = np.divide(both, either, out=np.zeros_like(both), where=either > 0)
    return shares if levels.ndim == 2 else shares[0]


@dataclass(frozen=True)
class Name:
    """A proposed name for a unit, and what stands against it.

    Attributes:
        name: the concept whose masks fit best.
        iou: how well, from 0 to 1.
        second: the second-best concept.
        second_iou: how well that one fits.
        threshold: above which the unit fires.
        ious: of every concept, ``(n,)``.
    """

    name: str
    iou: float
    second: str
    second_iou: float
    threshold: float
    ious: Doubles = field(repr=False)


def name_unit(
    activations: npt.ArrayLike,
    masks: npt.ArrayLike,
    names: Sequence[str],
    share: float = 0.01,
) -> Name:
    """Propose a name for a unit: the concept whose masks its firing fits best.

    One threshold holds for the whole set, so that a unit may be silent in most pictures (Bau et
    al. 2017, "Network Dissection"). A proposal is tested on other pictures:
    ``overlaps(others, their_masks, [name.threshold])``.

    Args:
        activations: of one unit, ``(N, h, w)``.
        masks: of n concepts, ``(N, n, H, W)`` bool.
        names: the n names.
        share: of all cells, in which the unit is to fire.

    Returns:
        A `Name`.

    Raises:
        TypeError, ValueError: the shapes do not match, there are fewer than two names, or ``share``
            is out of range.

    Example:
        >>> fires = np.array([[[9.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 8.0]]])
        >>> masks = np.stack([fires > 0, np.ones_like(fires, bool)], axis=1)    # (2, 2, 2, 2)
        >>> found = name_unit(fires, masks, ["nose", "face"], share=0.25)
        >>> found.name, found.iou, found.second, found.second_iou
        ('nose', 1.0, 'face', 0.25)
    """
    threshold = firing_threshold(activations, share)
    inside = _as_masks(masks)
    if len(names) != inside.shape[1] or len(names) < 2:
        raise ValueError(
            f"names must be one for each of {inside.shape[1]} masks and at least two, got "
            f"{len(names)}."
        )
    ious = overlaps(np.asarray(activations)[:, None], inside, [threshold])[0]
    best, next_best = np.argsort(-ious, kind="stable")[:2]
    return Name(
        names[best], float(ious[best]), names[next_best], float(ious[next_best]), threshold, ious
    )


# --- objects in scenes --------------------------------------------------------------------------


def frequent_objects(masks: npt.ArrayLike) -> Doubles:
    """Measure how often each object is there: the share of pictures in which it is seen.

    Args:
        masks: of n objects in N pictures of one scene, ``(N, n, H, W)`` bool.

    Returns:
        ``(n,)``, from 0 to 1.

    Raises:
        TypeError, ValueError: the masks are not True and False, or not ``(N, n, H, W)``.

    Example:
        >>> frequent_objects([[[[True]], [[True]]], [[[True]], [[False]]]]).tolist()
        [1.0, 0.5]
    """
    share: Doubles = _as_masks(masks).any(axis=(2, 3)).mean(axis=0)
    return share


def informative_objects(
    maps: npt.ArrayLike | Tensor, masks: npt.ArrayLike, threshold: float = HOT
) -> Doubles:
    """Measure how much of each object lies in the hot region of its scene's map.

    The hot region of a picture lies above a share of its map's maximum. For each object, the share
    of its area that is hot, in every picture where it is seen; then the mean over those pictures.
    A map that looks anywhere gives every object, large or small, the share of the picture that is
    hot.

    Args:
        maps: raw maps of the scene's own class, ``(N, h, w)``; smaller than the masks, they are
            upsampled first.
        masks: of n objects, ``(N, n, H, W)`` bool.
        threshold: share of the map's maximum, at least 0 and below 1.

    Returns:
        ``(n,)``, from 0 to 1; NaN for an object that is never seen.

    Raises:
        TypeError, ValueError: the masks are not True and False, the shapes do not match, or
            ``threshold`` is out of range.

    Example:
        >>> maps = [[[4.0, 0.0, 0.0, 0.0]]]
        >>> wall, pot = [[True] * 4], [[True, False, False, False]]
        >>> informative_objects(maps, [[wall, pot]]).tolist()
        [0.25, 1.0]
    """
    inside = _as_masks(masks)
    if not 0 <= threshold < 1:
        raise ValueError(f"threshold must be at least 0 and below 1, got {threshold}.")
    heat = np.asarray(maps.detach().cpu() if isinstance(maps, Tensor) else maps, np.float32)
    if heat.ndim != 3 or len(heat) != len(inside):
        raise ValueError(
            f"maps must be (N, h, w), one for each of {len(inside)} pictures, got {heat.shape}."
        )
    hot = hot_region(heat, inside.shape[2:], threshold)[:, None] & inside  # (N, n, H, W)
    area = inside.sum(axis=(2, 3))
    shares = np.divide(hot.sum(axis=(2, 3)), area, out=np.zeros(area.shape), where=area > 0)
    there = (area > 0).sum(axis=0)
    means: Doubles = np.divide(
        shares.sum(axis=0), there, out=np.full(len(there), np.nan), where=there > 0
    )
    return means


def hot_region(maps: npt.ArrayLike, size: tuple[int, ...], threshold: float = HOT) -> Bools:
    """Mark where maps lie above a share of their own maximum; a map without heat has no region.

    Args:
        maps: raw, ``(N, h, w)``.
        size: height and width of the regions.
        threshold: share of the maximum.

    Returns:
        ``(N, *size)`` bool.

    Example:
        >>> hot_region([[[4.0, 3.0, 1.0]], [[-1.0, -2.0, -3.0]]], (1, 3)).tolist()
        [[[True, True, False]], [[False, False, False]]]
    """
    large = _as_large(np.asarray(maps, np.float32)[:, None], size)[:, 0]
    peak = large.max(axis=(1, 2), keepdims=True)
    hot: Bools = (large > threshold * peak) & (peak > 0)
    return hot


# --- what they share ----------------------------------------------------------------------------


def _class(net: CamModel, of: int | str) -> int:
    return net.class_index(of) if isinstance(of, str) else int(class_indices(of, len(net.names)))


def _as_masks(masks: npt.ArrayLike) -> Bools:
    inside = np.asarray(masks)
    if inside.dtype != np.bool_:
        raise TypeError(f"masks must be True and False, not {inside.dtype}.")
    if inside.ndim != 4 or 0 in inside.shape:
        raise ValueError(f"masks must be (N, n, H, W), got {inside.shape}.")
    return inside


def _as_large(cells: Floats, size: tuple[int, ...]) -> Floats:
    """Maps ``(N, K, h, w)`` at the size of the masks."""
    if cells.shape[2:] == tuple(size):
        return cells
    large: Floats = upsample(torch.from_numpy(cells), (size[0], size[1])).numpy()
    return large
