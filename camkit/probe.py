"""One picture and what moves its answer: a square covered, ten crops, said in log-odds.

Every function runs the network on changed copies of one picture; the picture itself stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageFilter
from torch import Tensor
from tqdm.auto import tqdm

from camkit import images
from camkit.cam import upsample
from camkit.heads import CamModel, NoCamError, _evaluating, _whole
from camkit.images import CROP_RATIO, Array, Picture, View

Floats = npt.NDArray[np.float64]

PLACES = 9
"""Places of the covering square, down and across."""
SHARE = 0.1
"""Share of the picture's area that the square covers."""


def log_odds(scores: Tensor, c: int) -> Tensor:
    """Compute log(P_c / (1 - P_c)) = S_c - log sum_(a != c) exp S_a, exact also where P_c is 1.

    A probability near one hardly moves any more, whatever happens to the picture; log-odds do.
    Adding one number to all scores changes neither, so that networks can be compared.

    Args:
        scores: S, before the softmax, ``(..., C)``, at least two classes.
        c: the class.

    Returns:
        ``(...)``.

    Raises:
        ValueError: there is one class, or c is none of them.

    Example:
        >>> log_odds(torch.tensor([0.0, 0.0]), 0).item()       # as likely as not
        0.0
        >>> log_odds(torch.tensor([40.0, 0.0]), 0).item()      # the probability is 1.0
        40.0
    """
    count = scores.shape[-1]
    if count < 2:
        raise ValueError("log-odds need at least two classes.")
    if not 0 <= c < count:
        raise ValueError(f"c must be a class from 0 to {count - 1}, got {c}.")
    others = torch.cat([scores[..., :c], scores[..., c + 1 :]], dim=-1)
    return scores[..., c] - others.logsumexp(dim=-1)


def cover(picture: Picture, box: npt.ArrayLike) -> Array:
    """Blur a rectangle of a picture until nothing in it can be told; the rest stays.

    A blurred patch keeps the colours of the place. A black one would be an object of its own.

    Args:
        picture: a picture, ``(H, W, 3)`` or a path.
        box: ``(x0, y0, x1, y1)`` in pixels, end exclusive; rounded to whole pixels.

    Returns:
        A copy, ``(H, W, 3)`` uint8.

    Raises:
        ValueError: the box is not four numbers, or holds no pixel of the picture.

    Example:
        >>> stripes = np.tile(np.array([0, 255], np.uint8), (20, 10))          # (20, 20)
        >>> covered = cover(stripes, (5, 5, 15, 15))
        >>> int(np.ptp(covered[5:15, 5:15])) < 60, bool((covered[0] == stripes[0, :, None]).all())
        (True, True)
    """
    pixels = images.read(picture)
    x0, y0, x1, y1 = _inside(box, pixels.shape[:2])
    pixels[y0:y1, x0:x1] = _blurred(pixels, max(x1 - x0, y1 - y0))[y0:y1, x0:x1]
    return pixels


def _inside(box: npt.ArrayLike, size: tuple[int, ...]) -> tuple[int, int, int, int]:
    """A box in whole pixels, cut off at the picture's edges, checked."""
    given = np.asarray(box, dtype=np.float64)
    if given.shape != (4,) or not np.isfinite(given).all():
        raise ValueError(f"box must be four numbers (x0, y0, x1, y1), got {box!r}.")
    height, width = size
    ends = np.rint(given).clip(0, [width, height, width, height]).astype(int)
    x0, y0, x1, y1 = (int(v) for v in ends)
    if x1 <= x0 or y1 <= y0:
        raise ValueError(f"box {box!r} holds no pixel of a picture of {width} x {height}.")
    return x0, y0, x1, y1


def _blurred(pixels: Array, side: int) -> Array:
    """The whole picture, blurred for a patch of this side."""
    smooth = Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(max(1.0, side / 4)))
    return np.asarray(smooth)


def squares(
    size: tuple[int, int], places: int = PLACES, share: float = SHARE
) -> npt.NDArray[np.int64]:
    """Lay a square on a grid of places, from edge to edge of a picture.

    Args:
        size: height and width of the picture.
        places: how many places down, and how many across.
        share: the square's share of the picture's area; never more, in whole pixels. In a strip
            so narrow that the square does not fit, its side is the short side.

    Returns:
        ``(places, places, 4)``: row, column, ``(x0, y0, x1, y1)``.

    Raises:
        TypeError, ValueError: ``places`` is not at least 2, or ``share`` not between 0 and 1.

    Example:
        >>> squares((100, 100), places=3, share=0.25)[0].tolist()
        [[0, 0, 50, 50], [25, 0, 75, 50], [50, 0, 100, 50]]
    """
    places = _whole("places", places, 2)
    if not 0 < share <= 1:
        raise ValueError(f"share must be above 0 and at most 1, got {share}.")
    height, width = size
    side = max(1, min(height, width, int((share * height * width) ** 0.5)))
    tops = np.rint(np.linspace(0, height - side, places)).astype(np.int64)
    lefts = np.rint(np.linspace(0, width - side, places)).astype(np.int64)
    corners = np.stack(np.broadcast_arrays(lefts[None, :], tops[:, None]), axis=-1)
    return np.concatenate([corners, corners + side], axis=-1)


@dataclass(frozen=True)
class Covering:
    """One picture covered at every place of a grid, one after the other.

    Args:
        answer: a, the class with the highest score of the whole picture.
        boxes: the squares ``(n, n, 4)``, in pixels of the picture.
        whole: scores of the whole picture ``(C,)``.
        scores: scores of the covered picture at every place ``(n, n, C)``, measured.
        expected: what the maps let one expect for them ``(n, n, C)``: the covered cells say
            nothing for any class, all others say what they said.
        maps: raw maps of the whole picture ``(C, h, w)``.
        heat: mean of the answer's map inside the square ``(n, n)``.
    """

    answer: int
    boxes: npt.NDArray[np.int64]
    whole: Tensor
    scores: Tensor
    expected: Tensor
    maps: Tensor
    heat: Floats

    @property
    def drops(self) -> Floats:
        """How far the answer's log-odds fell at every place ``(n, n)``, measured."""
        return self._drops(self.scores)

    @property
    def expected_drops(self) -> Floats:
        """How far the maps let one expect them to fall ``(n, n)``."""
        return self._drops(self.expected)

    @property
    def kept(self) -> npt.NDArray[np.bool_]:
        """Where the answer stayed the answer ``(n, n)``."""
        kept: npt.NDArray[np.bool_] = (self.scores.argmax(dim=-1) == self.answer).numpy()
        return kept

    def _drops(self, scores: Tensor) -> Floats:
        a = self.answer
        fall: Floats = (log_odds(self.whole, a) - log_odds(scores, a)).numpy()
        return fall


def cover_everywhere(
    net: CamModel,
    picture: Picture,
    *,
    places: int = PLACES,
    share: float = SHARE,
    batch: int = 8,
    progress: bool = True,
) -> Covering:
    """Cover a square of the picture at every place of a grid, and ask the network each time.

    What the maps let one expect follows from the identity: with w the share of each cell that the
    square covers, S_c falls by mean_(x, y) w(x, y) M_c(x, y). A cell sees more than its own place,
    and blur is something to be seen as well, so what is measured differs.

    Args:
        net: a network with average pooling.
        picture: a picture, ``(H, W, 3)`` or a path, squashed to the network's input.
        places: places of the square, down and across.
        share: the square's share of the picture's area.
        batch: covered pictures in one pass.
        progress: show a bar.

    Returns:
        A `Covering`.

    Raises:
        NoCamError: the maps do not add up to the scores.
        TypeError, ValueError: as `squares`; or the picture cannot be read.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> net = CamModel(torch.nn.Conv2d(3, 8, 3), torch.nn.Linear(8, 2), size=32)
        >>> noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
        >>> found = cover_everywhere(net, noise, places=3, progress=False)
        >>> found.drops.shape, found.expected_drops.shape
        ((3, 3), (3, 3))
    """
    if net.pool != "average":
        raise NoCamError(
            f"With {net.pool} pooling the maps do not add up to the scores, so they let one expect "
            "nothing about a covered picture: give a network with average pooling."
        )
    pixels = images.read(picture)
    height, width = pixels.shape[:2]
    boxes = squares((height, width), places, share)
    blurred = _blurred(pixels, int(boxes[0, 0, 2] - boxes[0, 0, 0]))
    view = View.of((height, width), net.size)
    reference = net.head.weight
    flat, scores = boxes.reshape(-1, 4), []
    with _evaluating(net), torch.no_grad():
        features = net.features(view.to_input(pixels, net.mean, net.std)[None].to(reference))
        whole, maps = net.scores(features)[0].cpu(), net.maps(features)[0].cpu()
        for start in tqdm(
            range(0, len(flat), batch), desc="covering", leave=False, disable=not progress
        ):
            inputs = []
            for x0, y0, x1, y1 in flat[start : start + batch]:
                kept = pixels[y0:y1, x0:x1].copy()
                pixels[y0:y1, x0:x1] = blurred[y0:y1, x0:x1]
                inputs.append(view.to_input(pixels, net.mean, net.std))
                pixels[y0:y1, x0:x1] = kept
            scores.append(net(torch.stack(inputs).to(reference)).cpu())
        said = (maps + net.bias.cpu()[:, None, None]).relu() if net.relu_map else maps
    covered = _covered_cells(boxes, (height, width), (maps.shape[1], maps.shape[2]))
    answer = int(whole.argmax())
    falls = torch.einsum("rsyx,cyx->rsc", covered, said) / said[0].numel()
    heat = torch.einsum("rsyx,yx->rs", covered, maps[answer]) / covered.sum(dim=(2, 3))
    return Covering(
        answer=answer,
        boxes=boxes,
        whole=whole,
        scores=torch.cat(scores).reshape(*boxes.shape[:2], -1),
        expected=whole - falls,
        maps=maps,
        heat=heat.double().numpy(),
    )


def _covered_cells(
    boxes: npt.NDArray[np.int64], size: tuple[int, int], cells: tuple[int, int]
) -> Tensor:
    """The share of every cell that each square covers, ``(n, n, h, w)``."""
    shares = []
    for axis in (0, 1):  # down, across
        side, count = size[axis], cells[axis]
        low, high = (boxes[..., k] * count / side for k in (1 - axis, 3 - axis))
        edges = np.arange(count + 1)
        both = np.minimum(high[..., None], edges[1:]) - np.maximum(low[..., None], edges[:-1])
        shares.append(both.clip(0, 1))
    product = shares[0][..., :, None] * shares[1][..., None, :]
    return torch.from_numpy(product.astype(np.float32))


# --- ten crops ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class TenCrops:
    """What a network said to ten crops of one picture, and two ways to put the maps together.

    Args:
        answer: the class with the highest mean probability.
        views: how each crop was cut out; the last five are mirrored.
        scores: of every crop ``(10, C)``.
        probabilities: their mean over the crops ``(C,)``.
        maps: the answer's raw map of every crop ``(10, h, w)``, mirrored ones turned back.
        signed: at every place, the mean of the maps of the crops that see it ``(H, W)``.
        absolute: the sum of their absolute values over the largest, as the authors' code draws
            it ``(H, W)``.
    """

    answer: int
    views: list[View]
    scores: Tensor
    probabilities: Tensor
    maps: Tensor
    signed: Tensor
    absolute: Tensor


def ten_crops(net: CamModel, picture: Picture, c: int | None = None) -> TenCrops:
    """Look at the four corners, the centre, and their mirror images, as the authors' code does.

    The picture is squashed to 256/224 of the network's input; probabilities are averaged over the
    crops. Their code sums the *absolute values* of the ten maps, so that evidence against a class
    looks like evidence for it (zhoubolei/CAM, the demo's ``mergeTenCrop``). ``signed`` is ours.

    Args:
        net: a network with average or max pooling.
        picture: a picture, ``(H, W, 3)`` or a path.
        c: the class whose maps are put together; the answer by default.

    Returns:
        `TenCrops`, its two maps at 256/224 of the network's input.

    Raises:
        NoCamError: the head is flattened.
        TypeError, ValueError: the picture cannot be read, or c is no class.

    Example:
        >>> net = CamModel(torch.nn.Conv2d(3, 8, 1), torch.nn.Linear(8, 2), size=28)
        >>> found = ten_crops(net, np.zeros((40, 60, 3), np.uint8))
        >>> found.scores.shape, found.maps.shape, found.signed.shape
        (torch.Size([10, 2]), torch.Size([10, 28, 28]), torch.Size([32, 32]))
    """
    pixels = images.read(picture)
    height, width = pixels.shape[:2]
    rows, columns = net.size
    high, wide = round(rows * CROP_RATIO), round(columns * CROP_RATIO)
    corners = [(0, 0), (0, wide - columns), (high - rows, 0), (high - rows, wide - columns)]
    corners.append(((high - rows) // 2, (wide - columns) // 2))
    down, across = height / high, width / wide  # pixels of the picture to one of the squashed
    views = [
        View(
            (height, width),
            net.size,
            (x * across, y * down, (x + columns) * across, (y + rows) * down),
        )
        for y, x in corners
    ]
    crops = torch.stack([view.to_input(pixels, net.mean, net.std) for view in views])
    with _evaluating(net), torch.no_grad():
        features = net.features(torch.cat([crops, crops.flip(3)]).to(net.head.weight))
        scores = net.scores(features).cpu()
        probabilities = scores.softmax(dim=1).mean(dim=0)
        answer = int(probabilities.argmax())
        maps = net.maps(features, answer if c is None else c)[:, 0].cpu()
    maps = torch.cat([maps[:5], maps[5:].flip(2)])
    large = upsample(maps[:, None], net.size)[:, 0]
    total, absolute, seen = torch.zeros(3, high, wide)
    for one, (y, x) in zip(large, corners * 2, strict=True):
        here = (slice(y, y + rows), slice(x, x + columns))
        total[here] += one
        absolute[here] += one.abs()
        seen[here] += 1
    return TenCrops(
        answer=answer,
        views=views * 2,
        scores=scores,
        probabilities=probabilities,
        maps=maps,
        signed=total / seen.clamp(min=1),
        absolute=absolute / absolute.max().clamp(min=1e-12),
    )
