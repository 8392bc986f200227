"""Explorers of lesson 02: *any class*, and *difference*, a rather than b in log-odds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image
from torch import Tensor

from camkit import images
from camkit.cam import upsample
from camkit.heads import CamModel
from camkit.images import Picture, View
from camkit.plot import INK, QUIET, colour
from camkit.widgets.canvas import HEAD, WIDTH, Photo, Sheet, fixed, number, percent, shortened
from camkit.widgets.explorer import Choice, Control, Explorer, Frame, Tick

Scale = Literal["own", "shared"]
SCALES = (("own", "own"), ("shared", "shared"))
SHOWN = 20
"""Classes in the list beside the map: all of the picture world's."""
ROW = 14
"""Height of one line of that list, in points."""


_SCALES = {"own": "its own maximum", "shared": "the largest of all classes"}
SCALE_END = "#d1603d"
LIST, BARS = 504, 614
"""Where the list of `any_class` and its bars begin."""
MIDDLE, RIGHT = 248, 496
"""Where the second and the third panel of `difference` begin."""


class Asked:
    """What one pass found in a picture: raw maps and scores of all classes.

    Args:
        net: a network with average or max pooling.
        picture: a picture, ``(H, W, 3)`` or a path; one with two objects has most to tell.
        side: longest side of the panels, in points.

    Raises:
        NoCamError: the head is flattened, so there is no map.
    """

    def __init__(self, net: CamModel, picture: Picture, side: int) -> None:
        pixels = images.read(picture)
        result = net.explain(pixels, classes="all")
        self.names = net.names
        self.maps, self.scores = result.maps[0], result.scores[0]  # (C, h, w), (C,)
        self.probabilities = result.probabilities[0]  # (C,)
        self.bias = net.bias.detach().cpu()
        self.peaks = self.maps.amax(dim=(1, 2))  # (C,)
        self.largest = float(self.peaks.max())
        self.best = [int(c) for c in self.scores.argsort(descending=True)]
        self.view: View = result.views[0]
        self.photo = Photo(pixels, side)
        self.side = side

    def check(self, name: str, c: int) -> None:
        """Refuse what is no class."""
        if isinstance(c, bool) or not isinstance(c, (int, np.integer)):
            raise TypeError(f"{name} must be a class number, not {type(c).__name__}.")
        if not 0 <= c < len(self.names):
            raise ValueError(f"{name} must be from 0 to {len(self.names) - 1}, got {c}.")

    def cells(self, c: int) -> npt.NDArray[np.float32]:
        """The raw map of class c, ``(h, w)``."""
        cells: npt.NDArray[np.float32] = self.maps[c].float().numpy()
        return cells

    def limit(self, c: int, scale: Scale) -> float:
        """The end of the scale: the map's own maximum or the largest of all maps; 1 if not > 0."""
        limit = float(self.peaks[c]) if scale == "own" else self.largest
        return limit if limit > 0 else 1.0

    def covered(self, c: int) -> float:
        """Share of the network's input above 20 % of the map's maximum; 0 without a positive one.

        The map is brought to the input's size first, as for a box.
        """
        large = upsample(self.maps[c][None, None].float(), self.view.size)
        peak = float(large.max())
        return float((large > 0.2 * peak).float().mean()) if peak > 0 else 0.0

    def options(self) -> tuple[tuple[str, int], ...]:
        """Every class, by name, for a list to choose from."""
        twice = {name for name in self.names if self.names.count(name) > 1}
        return tuple((f"{n} ({c})" if n in twice else n, c) for c, n in enumerate(self.names))

    def place(self, x: float) -> tuple[float, float]:
        """Upper left corner of a picture centred in the square panel that begins at x."""
        photo = self.photo
        return x + (self.side - photo.wide) / 2, HEAD + (self.side - photo.high) / 2

    def lay(self, sheet: Sheet, x: float, image: Image.Image) -> None:
        """Put an image of the picture's shape into the panel that begins at x."""
        left, top = self.place(x)
        sheet.paste(left, top, image)
        sheet.frame(left, top, self.photo.wide, self.photo.high)


# --- any class ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class AnyClass:
    """The class asked for, the scale of its colours, and whether the map lies on the picture."""

    wanted: int
    scale: Scale = "own"
    on_picture: bool = True

    def __post_init__(self) -> None:
        if self.scale not in ("own", "shared"):
            raise ValueError(f'scale must be "own" or "shared", got {self.scale!r}.')


class AnyClassView(Asked):
    """The frames of `any_class`."""

    def __init__(self, net: CamModel, picture: Picture) -> None:
        super().__init__(net, picture, side=232)
        self.listed = [int(c) for c in self.peaks.argsort(descending=True)[:SHOWN]]
        self.paper = self._paper()

    def render(self, state: AnyClass) -> Frame:
        """Draw the map of one class on one scale, and where its peak stands among the others."""
        c = state.wanted
        self.check("wanted", c)
        limit = self.limit(c, state.scale)
        sheet = self.paper.copy()
        x = self.side + 16
        sheet.words(x, 16, shortened(f"Map of {self.names[c]}", self.side, 15), bold=True)
        cells = self.cells(c)
        if state.on_picture:
            self.lay(sheet, x, self.photo.heat(cells, limit))
        else:
            self.lay(sheet, x, self.photo.cells(colour(cells, limit)))
        told, y, painted = _SCALES[state.scale], HEAD + self.side + 14, state.on_picture
        sheet.scale(x, y, self.side, limit, signed=False, painted=painted, told=told)
        self._mark(sheet, c, limit)
        return Frame(sheet.jpeg(), self._text(state, limit))

    def _text(self, state: AnyClass, limit: float) -> str:
        c = state.wanted
        peak, highest = float(self.peaks[c]), int(self.peaks.argmax())
        share = f", {percent(peak / self.largest)} of the largest ({self.names[highest]})"
        return (
            f"{self.names[c]}\tscore {fixed(float(self.scores[c]), 2)}, "
            f"probability {percent(float(self.probabilities[c]), 1)}\n"
            f"Raw peak of its map\t{number(peak)}{share if self.largest > 0 else ''}\n"
            f"Area above 20 % of its own peak\t{percent(self.covered(c))} of the picture\n"
            f"The brightest colour stands for\t{number(limit)}, {_SCALES[state.scale]}\n"
            f"The map is drawn\t{self._drawn(state)}"
        )

    def _drawn(self, state: AnyClass) -> str:
        rows, columns = self.maps.shape[1:]
        return "smoothly, on the picture" if state.on_picture else f"as {rows} × {columns} cells"

    def _paper(self) -> Sheet:
        sheet = Sheet(HEAD + max(ROW * len(self.listed), self.side + 10) + 28)
        sheet.words(0, 16, "The picture", bold=True)
        self.lay(sheet, 0, self.photo.image)
        sheet.words(LIST, 16, "Raw peak of each class", bold=True)
        for row, c in enumerate(self.listed):
            self._row(sheet, row, c, asked=False)
        y = HEAD + ROW * len(self.listed) + 16
        sheet.line([(LIST + 12, y - 4), (LIST + 30, y - 4)], SCALE_END, 3)
        sheet.words(LIST + 36, y, "the brightest colour", size=11.5, ink=QUIET)
        return sheet

    def _row(self, sheet: Sheet, row: int, c: int, *, asked: bool) -> None:
        y, peak = HEAD + ROW * row, float(self.peaks[c])
        name = shortened(self.names[c], BARS - LIST - 20, 11.5)
        ink = INK if asked else QUIET
        if asked:
            sheet.bar(LIST, y, WIDTH - LIST, ROW, "white")
            sheet.triangle(LIST, y + ROW / 2, 9)
        sheet.words(LIST + 12, y + 10.5, name, size=11.5, bold=asked, ink=ink)
        if peak > 0:
            wide = max(1.0, peak / self.largest * (WIDTH - BARS))
            sheet.bar(BARS, y + 3, wide, ROW - 6, INK if asked else "#b9bfc9")

    def _mark(self, sheet: Sheet, c: int, limit: float) -> None:
        """Point out the class in the list, and the end of the scale above the bars."""
        row = self.listed.index(c) if c in self.listed else len(self.listed) - 1
        self._row(sheet, row, c, asked=True)
        if self.largest > 0:
            x = BARS + min(1.0, limit / self.largest) * (WIDTH - BARS) - 1
            end = HEAD + ROW * len(self.listed)
            sheet.line([(x, HEAD), (x, end)], SCALE_END, 3)


def any_class(net: CamModel, picture: Picture) -> Explorer[AnyClass]:
    """Ask for the map of any class of one picture, on its own or on the shared scale; lesson 02.

    One pass at the start; afterwards a class is a row of weights on the same features. On its own
    scale a class that is not there is as hot as the right one, on the shared scale it fades.

    Args:
        net: a network with average or max pooling.
        picture: a picture, ``(H, W, 3)`` or a path; best one with two objects.

    Returns:
        The explorer; as the last line of a cell it shows itself.

    Raises:
        NoCamError: the head is flattened.
        TypeError, ValueError: ``picture`` cannot be read.

    Example:
        >>> import torch
        >>> _ = torch.manual_seed(0)
        >>> net = CamModel(torch.nn.Conv2d(3, 8, 3), torch.nn.Linear(8, 2), names=["cat", "dog"])
        >>> explorer = any_class(net, np.zeros((40, 60, 3), np.uint8))
        >>> explorer.frame(wanted=1, scale="shared").text.split("\\t")[0]
        'dog'
    """
    view = AnyClassView(net, picture)
    controls: list[Control] = [
        Choice("wanted", "class", "The class whose map is shown.", view.options()),
        Choice("scale", "scale", "Brightest is the map's own maximum, or that of all.", SCALES),
        Tick("on_picture", "on the picture", "Lay the map on the picture, or show its cells."),
    ]
    alt = (
        "From left to right: the picture, the map of the chosen class, dark where low and bright "
        "where high, and a list of bars with the raw peak of every class."
    )
    return Explorer("any-class", AnyClass(view.best[0]), controls, view.render, alt)


# --- difference ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    """Class a, class b, and the scale of their two maps."""

    a: int
    b: int
    scale: Scale = "shared"

    def __post_init__(self) -> None:
        if self.scale not in ("own", "shared"):
            raise ValueError(f'scale must be "own" or "shared", got {self.scale!r}.')


class DifferenceView(Asked):
    """The frames of `difference`."""

    def __init__(self, net: CamModel, picture: Picture) -> None:
        super().__init__(net, picture, side=224)
        if net.verdict != "exact":
            raise ValueError(
                f'The maps of net are "{net.verdict}", so they do not add up to log-odds: give a '
                "network with average pooling."
            )

        # The map that stays while the other class is changed is not painted again.
        self._painted = lru_cache(maxsize=4)(lambda c, limit: self.photo.heat(self.cells(c), limit))

    def render(self, state: Difference) -> Frame:
        """Draw the maps of a and b and their difference in log-odds."""
        a, b = state.a, state.b
        self.check("a", a)
        self.check("b", b)
        gap = self.maps[a] - self.maps[b]  # (h, w)
        sheet = Sheet(HEAD + self.side + 44)
        for x, c in ((0, a), (MIDDLE, b)):
            title = shortened(f"Map of {self.names[c]}", self.side, 15)
            sheet.words(x, 16, title, bold=True)
            limit = self.limit(c, state.scale)
            self.lay(sheet, x, self._painted(c, limit))
            told, y = _SCALES[state.scale], HEAD + self.side + 14
            sheet.scale(x, y, self.side, limit, signed=False, painted=True, told=told)
        title = f"{self.names[a]} rather than {self.names[b]}"
        sheet.words(RIGHT, 16, shortened(title, self.side, 15), bold=True)
        limit = float(gap.abs().max()) or 1.0
        self.lay(sheet, RIGHT, self.photo.signed(gap.float().numpy(), limit))
        sheet.scale(RIGHT, HEAD + self.side + 14, self.side, limit, signed=True, painted=True)
        return Frame(sheet.jpeg(), self._text(state, gap))

    def _text(self, state: Difference, gap: Tensor) -> str:
        a, b = state.a, state.b
        mean, biases = float(gap.mean()), float(self.bias[a] - self.bias[b])
        odds = float(self.scores[a] - self.scores[b])
        likelier, other = (a, b) if odds >= 0 else (b, a)
        peaks = " and ".join(f"{number(float(self.peaks[c]))} ({self.names[c]})" for c in (a, b))
        limits = "the largest of all classes, " + number(self.limit(a, "shared"))
        if state.scale == "own":
            limits = "the peak of each"
        return (
            f"Mean of the difference map\t{fixed(mean, 3)}\n"
            f"Difference of the biases\t{fixed(biases, 3)}\n"
            f"Their sum, the log-odds\t{fixed(mean + biases, 3)}; "
            f"the scores differ by {fixed(odds, 3)}\n"
            + (
                f"So {self.names[likelier]} is {_times(abs(odds))} times as likely as "
                f"{self.names[other]}."
                if a != b
                else "A class gives no evidence against itself."
            )
            + f"\nRaw peaks of the two maps\t{peaks}"
            + f"\nTheir brightest colours stand for\t{limits}"
        )


def _times(log_odds: float) -> str:
    """The odds, as a reader says them: three figures, a power of ten where they are large."""
    power = log_odds / math.log(10)
    return f"{math.exp(log_odds):.3g}" if power < 5 else f"10 to the {power:.0f}"


def difference(net: CamModel, picture: Picture) -> Explorer[Difference]:
    """Hold one class against another: M_a - M_b is the evidence for a rather than b; lesson 02.

    The mean of the difference map plus the difference of the biases is the log-odds,
    log(P_a / P_b). Take a class that is not there, and look at it on its own and on the shared
    scale.

    Args:
        net: a network with average pooling.
        picture: a picture, ``(H, W, 3)`` or a path; best one with two objects.

    Returns:
        The explorer; as the last line of a cell it shows itself. It opens with the two classes of
        the highest scores.

    Raises:
        NoCamError: the head is flattened.
        ValueError: the network does not pool by average, or has fewer than two classes.

    Example:
        >>> import torch
        >>> net = CamModel(torch.nn.Conv2d(3, 8, 3), torch.nn.Linear(8, 2), names=["cat", "dog"])
        >>> explorer = difference(net, np.zeros((40, 60, 3), np.uint8))
        >>> print(explorer.frame(a=1, b=1).text.splitlines()[3])
        A class gives no evidence against itself.
    """
    view = DifferenceView(net, picture)
    if len(view.names) < 2:
        raise ValueError("net has one class; a difference needs two.")
    controls: list[Control] = [
        Choice("a", "evidence for", "The class that positive cells speak for.", view.options()),
        Choice("b", "rather than", "The class that negative cells speak for.", view.options()),
        Choice("scale", "scale", "Each map its own, or one for all classes.", SCALES),
    ]
    alt = (
        "From left to right: the map of class a, the map of class b, and a minus b on the picture, "
        "orange where the evidence is for a, purple where it is for b."
    )
    start = Difference(view.best[0], view.best[1])
    return Explorer("difference", start, controls, view.render, alt)
