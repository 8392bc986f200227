"""Explorer of lesson 01, *mix the units*: the score forgets the place, the map does not."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from camkit import images
from camkit.cam import class_activation_maps, scores_from_maps
from camkit.heads import CamModel
from camkit.images import Array, Picture, View
from camkit.plot import INK, QUIET, colour, diverging
from camkit.widgets.canvas import HEAD, LINE, WIDTH, Photo, Sheet, fixed, number, shortened
from camkit.widgets.explorer import Choice, Control, Explorer, Frame, Slider

UNITS = ("red spot", "blue spot", "upright edge", "flat edge")
GRID, TILE = 6, 12
"""Cells along a side of the map, and pixels along a side of what one cell sees."""
LAST = GRID - 2
"""The patch is two cells wide, so its upper left cell lies in 0..LAST."""
MOST = 2.0
"""Weights and bias lie in -MOST..MOST."""
REACH = 16
"""How far a picture is shifted, in pixels, to either side."""


# --- the tiny network ---------------------------------------------------------------------------


def tiny_network(weights: Tensor | None = None, bias: float = 0.0) -> CamModel:
    """Build a network of four hand-weighted units; each looks at tiles of 12 x 12 pixels.

    "Red spot" and "blue spot" compare the colours in the middle of a tile, "upright edge" its left
    with its right border, "flat edge" its upper with its lower one. All are cut at zero.

    Args:
        weights: w_k, ``(4,)``, one for each unit; ones by default.
        bias: b.

    Returns:
        A `CamModel` in double precision, with one class, for `tiny_picture`.

    Example:
        >>> net = tiny_network(bias=0.5)
        >>> x = torch.from_numpy(tiny_picture(0, 3) / 255.0).permute(2, 0, 1)[None]
        >>> features = net.features(x)
        >>> features.shape, [round(mean, 9) for mean in features.mean(dim=(2, 3))[0].tolist()]
        (torch.Size([1, 4, 6, 6]), [0.25, 0.25, 0.25, 0.375])
    """
    look = nn.Conv2d(3, 4, TILE, stride=TILE, bias=False, dtype=torch.float64)
    head = nn.Linear(4, 1, dtype=torch.float64)
    middle = slice(TILE // 2 - 2, TILE // 2 + 2)
    with torch.no_grad():
        look.weight.zero_()
        for unit, (more, less) in enumerate([(0, 2), (2, 0)]):  # channels: red, green, blue
            look.weight[unit, more, middle, middle] = 1.0 / 16
            look.weight[unit, less, middle, middle] = -1.0 / 16
        look.weight[2, :, :, :2], look.weight[2, :, :, -2:] = 1.0 / 72, -1.0 / 72
        look.weight[3, :, :2, :], look.weight[3, :, -2:, :] = 1.0 / 72, -1.0 / 72
        # A whole spot or edge of `tiny_picture` makes a unit 9, so that its mean is 9 / 36.
        look.weight[:2] *= 9 * 255 / 176
        look.weight[2:] *= 9 * 255 / 192
        head.weight[0] = torch.ones(4) if weights is None else weights
        head.bias.fill_(bias)
    backbone = nn.Sequential(look, nn.ReLU())
    return CamModel(backbone, head, names=["the class"], size=GRID * TILE).eval()


def tiny_picture(row: int = 1, column: int = 1) -> Array:
    """Draw a patch of four tiles on grey: a red spot, an upright edge, a flat edge, a blue spot.

    The blue spot lies on a weak flat edge, so that two units answer to the same cell.

    Args:
        row: row of the patch's upper left tile, 0..4.
        column: its column, 0..4.

    Returns:
        ``(72, 72, 3)`` uint8.

    Raises:
        TypeError, ValueError: ``row`` or ``column`` is not a whole number from 0 to 4.

    Example:
        >>> tiny_picture(row=4, column=0)[54, 6].tolist()     # the middle of the red spot
        [224, 64, 48]
    """
    for name, value in (("row", row), ("column", column)):
        _whole(name, value, 0, LAST)
    pixels = np.full((GRID * TILE, GRID * TILE, 3), 128, np.uint8)
    patch = np.full((2 * TILE, 2 * TILE, 3), 128, np.uint8)
    half = TILE // 2
    patch[:TILE, TILE : TILE + half], patch[:TILE, TILE + half :] = 224, 32
    patch[TILE : TILE + half, :TILE], patch[TILE + half :, :TILE] = 224, 32
    patch[TILE : TILE + half, TILE:], patch[TILE + half :, TILE:] = 176, 80
    y, x = np.mgrid[:TILE, :TILE] - (TILE - 1) / 2
    spot = x**2 + y**2 < 4.0**2
    patch[:TILE, :TILE][spot] = (224, 64, 48)
    patch[TILE:, TILE:][spot] = (48, 88, 224)
    top, left = row * TILE, column * TILE
    pixels[top : top + 2 * TILE, left : left + 2 * TILE] = patch
    return pixels


@lru_cache(maxsize=1)
def _tiny_features() -> dict[tuple[int, int], tuple[Array, Tensor]]:
    """Picture and features ``(1, 4, 6, 6)`` for every place of the patch: one pass for all."""
    places = [(row, column) for row in range(LAST + 1) for column in range(LAST + 1)]
    pictures = np.stack([tiny_picture(*place) for place in places])
    inputs = torch.from_numpy(pictures / 255.0).permute(0, 3, 1, 2)
    with torch.no_grad():
        features = tiny_network().features(inputs)
    return {
        place: (picture, one[None])
        for place, picture, one in zip(places, pictures, features, strict=True)
    }


@dataclass(frozen=True)
class Mix:
    """Weights w_k of the four units, the bias, and the upper left cell of the patch."""

    red_spot: float = 1.0
    blue_spot: float = -1.0
    upright_edge: float = 0.5
    flat_edge: float = 0.5
    bias: float = 0.0
    row: int = 1
    column: int = 1

    def __post_init__(self) -> None:
        for name in ("red_spot", "blue_spot", "upright_edge", "flat_edge", "bias"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise TypeError(f"{name} must be a number, not {type(value).__name__}.")
            if not -MOST <= value <= MOST:
                raise ValueError(f"{name} must be from -2 to 2, got {value}.")
        for name in ("row", "column"):
            _whole(name, getattr(self, name), 0, LAST)

    @property
    def weights(self) -> Tensor:
        """w_k, ``(1, 4)``."""
        values = (self.red_spot, self.blue_spot, self.upright_edge, self.flat_edge)
        return torch.tensor([values], dtype=torch.float64)


def _whole(name: str, value: object, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} must be a whole number, not {type(value).__name__}.")
    if not low <= value <= high:
        raise ValueError(f"{name} must be from {low} to {high}, got {value}.")


LIMIT = 27.0
"""No cell can exceed it: 2 * 9 for the blue spot and 2 * 4.5 for the flat edge below it. A scale
that never moves keeps every setting comparable."""
SIDE, UNIT = 216, 84
MIDDLE, CURVE = 252, "#3b528b"
UNIT_X, UNIT_Y = (252, 384), (HEAD + 20, HEAD + 156)
MAP_X = WIDTH - SIDE


@lru_cache(maxsize=1)
def _mix_paper() -> Sheet:
    """What no slider changes."""
    sheet = Sheet(HEAD + 278)
    sheet.words(0, 16, "The picture", bold=True)
    sheet.words(UNIT_X[0], 16, "Four units", bold=True)
    sheet.words(UNIT_X[0] + 88, 16, "mean F × weight w", size=13, ink=QUIET)
    sheet.words(MAP_X, 16, "Their weighted sum M", bold=True)
    for x in (SIDE + 12, MAP_X - 24):
        y = HEAD + SIDE / 2
        sheet.line([(x, y - 6), (x + 8, y), (x, y + 6)], QUIET)
    for unit, name in enumerate(UNITS):
        x, y = UNIT_X[unit % 2], UNIT_Y[unit // 2]
        sheet.words(x, y - 7, name, size=13)
        sheet.frame(x, y, UNIT, UNIT)
    for x in (0, MAP_X):
        sheet.frame(x, HEAD, SIDE, SIDE)
    sheet.scale(MAP_X, HEAD + SIDE + 12, SIDE, LIMIT, signed=True)
    return sheet


def render_mix(state: Mix) -> Frame:
    """Draw one setting of the tiny network: the picture, four unit maps and their weighted sum.

    Args:
        state: weights, bias and the place of the patch.

    Returns:
        The frame; its read-out computes the score twice, pooled first and map first.

    Example:
        >>> print(render_mix(Mix(row=0, column=4)).text.splitlines()[0])
        Score, pooled first: Σ w·F + b	+0.3125
    """
    picture, features = _tiny_features()[state.row, state.column]  # (72, 72, 3), (1, 4, 6, 6)
    bias = torch.tensor([state.bias], dtype=torch.float64)
    means = features.mean(dim=(2, 3))[0]  # F_k, (4,)
    pooled_first = float(state.weights[0] @ means + bias[0])
    maps = class_activation_maps(features, state.weights)  # (1, 1, 6, 6)
    map_first = float(scores_from_maps(maps, bias)[0, 0])

    sheet = _mix_paper().copy()
    sheet.cells(0, HEAD, SIDE, picture)
    sheet.grid(0, HEAD, SIDE, GRID, "#8c8c8c")
    for unit in range(4):
        x, y = UNIT_X[unit % 2], UNIT_Y[unit // 2]
        sheet.cells(x, y, UNIT, colour(features[0, unit], 9.0))
        sheet.grid(x, y, UNIT, GRID, "#2c2c38")
        weight = float(state.weights[0, unit])
        told = f"{float(means[unit]):.3g} × {fixed(weight, 1)}"
        sheet.words(x, y + UNIT + 17, told, size=13)
    sheet.cells(MAP_X, HEAD, SIDE, diverging(maps[0, 0], LIMIT))
    sheet.grid(MAP_X, HEAD, SIDE, GRID)
    _write_cells(sheet, maps[0, 0])
    told = f"mean {fixed(map_first - state.bias, 4)}, bias {fixed(state.bias, 1)}"
    sheet.words(MAP_X, HEAD + SIDE + 54, told, size=13)
    return Frame(sheet.jpeg(), _mix_text(maps[0, 0], pooled_first, map_first))


def _write_cells(sheet: Sheet, cells: Tensor) -> None:
    """Write the map's numbers into its cells, where they are not zero."""
    side = SIDE / GRID
    for y, x in torch.nonzero(cells.abs() > 1e-6).tolist():
        value = float(cells[y, x])
        ink = "white" if abs(value) > 0.75 * LIMIT else INK
        place = (MAP_X + (x + 0.5) * side, HEAD + (y + 0.5) * side)
        sheet.words(*place, number(value, digits=4), size=10, ink=ink, anchor="mm")


def _mix_text(cells: Tensor, pooled_first: float, map_first: float) -> str:
    peak = float(cells.max())
    at = divmod(int(cells.argmax()), GRID)
    where = (
        f"{number(peak, digits=4)} in row {at[0]}, column {at[1]}"
        if peak > 1e-6
        else "no positive cell"
    )
    return (
        f"Score, pooled first: Σ w·F + b\t{fixed(pooled_first, 4)}\n"
        f"Score, map first: mean(M) + b\t{fixed(map_first, 4)}\n"
        f"Peak of the map\t{where}"
    )


# --- a trained network, its picture shifted -----------------------------------------------------


@dataclass(frozen=True)
class Shift:
    """How far the picture is shifted to the right, in pixels of the input, and the class asked."""

    pixels: int = 0
    wanted: int = 0

    def __post_init__(self) -> None:
        _whole("pixels", self.pixels, -REACH, REACH)


class Shifted:
    """A trained network's features for every shift of a picture, and the frames made of them.

    Args:
        net: a network with average pooling.
        picture: a picture; it is squashed to the network's input, and its border is repeated
            where a shift would uncover something.

    Raises:
        ValueError: the network's score is not the mean of its map plus a bias.
    """

    def __init__(self, net: CamModel, picture: Picture) -> None:
        if net.verdict != "exact":
            raise ValueError(
                f'The maps of net are "{net.verdict}", so its score is no mean of a map: give a '
                "network with average pooling."
            )
        pixels = images.read(picture)
        view = View.of((pixels.shape[0], pixels.shape[1]), net.size)
        raw = view.to_input(pixels)  # (3, H, W), 0..1
        shape = (3, 1, 1)
        whole = (raw - torch.tensor(net.mean).view(shape)) / torch.tensor(net.std).view(shape)
        batch = torch.stack([_moved(whole, n) for n in range(-REACH, REACH + 1)])
        told = net.explain(batch, classes="all")  # scores: pooled first, by the network itself
        self.scores, self.maps = told.scores, told.maps  # (33, C), (33, C, h, w)
        self.again = scores_from_maps(told.maps, net.bias.detach().cpu())  # map first, (33, C)
        self.names, self.best = net.names, int(told.scores[REACH].argmax())
        self.limits = told.maps.abs().amax(dim=(0, 2, 3))  # (C,): one scale for all shifts
        self.stride = net.size[1] / told.maps.shape[3]
        self.photos = [Photo(_pixels(_moved(raw, n)), SIDE).image for n in range(-REACH, REACH + 1)]
        self._papers: dict[int, Sheet] = {}

    def render(self, state: Shift) -> Frame:
        """Draw one shift: the picture, the map of the class, and its score at every shift."""
        at, c = state.pixels + REACH, state.wanted
        if not 0 <= c < len(self.names):
            raise ValueError(f"wanted must be from 0 to {len(self.names) - 1}, got {c}.")
        if c not in self._papers:
            self._papers[c] = self._paper(c)
        sheet = self._papers[c].copy()
        sheet.paste(0, HEAD, self.photos[at])
        cells, limit = self.maps[at, c], float(self.limits[c]) or 1.0
        sheet.cells(MIDDLE, HEAD, SIDE, diverging(cells, limit))
        sheet.dot(*self._place(c, state.pixels))
        return Frame(sheet.jpeg(), self._text(state))

    def _text(self, state: Shift) -> str:
        at, c = state.pixels + REACH, state.wanted
        pooled, again = float(self.scores[at, c]), float(self.again[at, c])
        cells = self.maps[at, c]
        row, column = divmod(int(cells.argmax()), cells.shape[1])
        change = pooled - float(self.scores[REACH, c])
        return (
            f"Score of {self.names[c]}, pooled first\t{fixed(pooled, 4)}\n"
            f"Score, map first\t{fixed(again, 4)} (they differ by {abs(pooled - again):.0e})\n"
            f"Change by the shift\t{fixed(change, 4)}\n"
            f"Peak of the map\t{number(float(cells.max()))} in row {row}, column {column}"
        )

    def _place(self, c: int, shift: int) -> tuple[float, float]:
        """Where the score of class c at a shift lies on the sheet."""
        low, high = float(self.scores[:, c].min()), float(self.scores[:, c].max())
        level = (float(self.scores[shift + REACH, c]) - low) / ((high - low) or 1.0)
        across = (shift + REACH) / (2 * REACH)
        return MAP_X + 10 + across * (SIDE - 20), HEAD + SIDE - 24 - level * (SIDE - 48)

    def _paper(self, c: int) -> Sheet:
        sheet = Sheet(HEAD + 268)
        sheet.words(0, 16, "The shifted picture", bold=True)
        sheet.words(MIDDLE, 16, shortened(f"Map of {self.names[c]}", SIDE, 15), bold=True)
        sheet.words(MAP_X, 16, "Its score, by shift", bold=True)
        for left in (0, MIDDLE, MAP_X):
            sheet.frame(left, HEAD, SIDE, SIDE)
        sheet.scale(MIDDLE, HEAD + SIDE + 12, SIDE, float(self.limits[c]) or 1.0, signed=True)
        for k in range(int(-REACH // self.stride), int(REACH // self.stride) + 1):
            x = self._place(c, round(k * self.stride))[0]
            sheet.line([(x, HEAD + 1), (x, HEAD + SIDE - 1)], LINE, 2)
        sheet.line([self._place(c, n) for n in range(-REACH, REACH + 1)], CURVE, 5)
        low, high = float(self.scores[:, c].min()), float(self.scores[:, c].max())
        sheet.words(MAP_X + 6, HEAD + 15, fixed(high, 3), size=12, ink=QUIET)
        sheet.words(MAP_X + 6, HEAD + SIDE - 6, fixed(low, 3), size=12, ink=QUIET)
        for n, anchor in ((-REACH, "ls"), (0, "ms"), (REACH, "rs")):
            x = MAP_X + (n + REACH) / (2 * REACH) * SIDE
            sheet.words(x, HEAD + SIDE + 18, number(n), size=12, ink=QUIET, anchor=anchor)
        told = f"pixels; lines are one cell ({self.stride:.3g}) apart"
        sheet.words(MAP_X, HEAD + SIDE + 36, told, size=11, ink=QUIET)
        return sheet


def _moved(picture: Tensor, pixels: int) -> Tensor:
    """Shift ``(3, H, W)`` to the right by so many pixels; the border is repeated."""
    width = picture.shape[2]
    columns = torch.arange(width) - pixels
    return picture[:, :, columns.clamp(0, width - 1)]


def _pixels(picture: Tensor) -> Array:
    """``(3, H, W)`` in 0..1 to ``(H, W, 3)`` uint8."""
    pixels: Array = np.rint(picture.permute(1, 2, 0).numpy() * 255).astype(np.uint8)
    return pixels


# --- the explorers ------------------------------------------------------------------------------


def mix_the_units(net: CamModel | None = None, picture: Picture | None = None) -> Explorer[Any]:
    """Mix four units into a map and a score, and move what they see; lesson 01.

    Without arguments: a tiny hand-weighted network on a grid of 6 x 6 cells. Wherever the patch
    stands, the score is the same to the last digit. With a trained network and a picture: the
    picture is shifted pixel by pixel. The score wobbles, and the identity still holds.

    Args:
        net: a network with average pooling.
        picture: a picture for it, ``(H, W, 3)`` or a path.

    Returns:
        The explorer; as the last line of a cell it shows itself.

    Raises:
        TypeError: only one of ``net`` and ``picture`` is given.
        ValueError: the network's score is not the mean of its map plus a bias.

    Example:
        >>> explorer = mix_the_units()
        >>> upper, lower = explorer.frame(row=0, column=0), explorer.frame(row=4, column=3)
        >>> upper.text.splitlines()[:2] == lower.text.splitlines()[:2]       # the scores
        True
        >>> upper.jpeg == lower.jpeg
        False
    """
    if (net is None) != (picture is None):
        raise TypeError("Give net and picture, or neither for the tiny network.")
    if net is not None and picture is not None:
        return _shift_explorer(Shifted(net, picture))
    weights = [
        Slider(unit.replace(" ", "_"), unit, f"Weight of the unit {unit}.", -MOST, MOST, 0.1)
        for unit in UNITS
    ]
    controls: list[Control] = [
        *weights,
        Slider("row", "patch row", "Row of the patch's upper left cell.", 0, LAST),
        Slider("column", "patch column", "Column of the patch's upper left cell.", 0, LAST),
        Slider("bias", "bias", "Added to the score, not to the map.", -MOST, MOST, 0.1),
    ]
    alt = (
        "From left to right: a grey picture with a patch of four tiles, the maps of four units, "
        "and their weighted sum on six by six cells, orange where positive, purple where negative."
    )
    return Explorer("mix", Mix(), controls, render_mix, alt)


def _shift_explorer(shifted: Shifted) -> Explorer[Any]:
    options = tuple((name, c) for c, name in enumerate(shifted.names))
    controls: list[Control] = [
        Slider("pixels", "shift in pixels", "Shifts the picture to the right.", -REACH, REACH),
        Choice("wanted", "class", "The class whose map and score are shown.", options),
    ]
    alt = (
        "From left to right: the shifted picture, the map of the class in cells, orange where "
        "positive and purple where negative, and a curve of the score against the shift."
    )
    return Explorer("shift", Shift(0, shifted.best), controls, shifted.render, alt)
