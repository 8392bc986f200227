"""Explorer of lesson 12: *cover it*, a blurred square, and what becomes of the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from camkit import images, probe
from camkit.heads import CamModel
from camkit.images import Picture
from camkit.plot import QUIET
from camkit.widgets.canvas import (
    HEAD,
    LINE,
    SCALE,
    WIDTH,
    Photo,
    Sheet,
    fixed,
    number,
    percent,
    shortened,
)
from camkit.widgets.explorer import Choice, Control, Explorer, Frame, Slider

SIDE = 216
"""Longest side of the photograph and of the map, in points."""
MAP, LIST, BARS = 230, 462, 566
"""Where the map, the list of answers and its bars begin."""
ROW = 23
SHOWN = 5
PANELS: tuple[tuple[str, str], ...] = (("map", "map"), ("drops everywhere", "drops"))
NOW, BEFORE, EXPECTED = "#1f5f99", "#cfd6df", "#9aa5b4"


@dataclass(frozen=True)
class Cover:
    """The square's place, counted from 1, and what the second panel shows."""

    across: int = 1
    down: int = 1
    panel: Literal["map", "drops"] = "map"

    def __post_init__(self) -> None:
        for name in ("across", "down"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
                raise TypeError(f"{name} must be a whole number, not {type(value).__name__}.")
        if self.panel not in ("map", "drops"):
            raise ValueError(f'panel must be "map" or "drops", got {self.panel!r}.')


class CoverView:
    """The frames of `cover_it`: every place was asked once, a frame only looks it up."""

    def __init__(self, net: CamModel, picture: Picture, places: int) -> None:
        pixels = images.read(picture)
        self.found = probe.cover_everywhere(net, pixels, places=places)
        self.names, self.places = net.names, places
        self.before = self.found.whole.softmax(dim=0)  # (C,)
        self.after = self.found.scores.softmax(dim=2)  # (n, n, C)
        self.top = self.before.topk(min(SHOWN, len(self.names))).indices.tolist()
        self.drops, self.expected = self.found.drops, self.found.expected_drops
        # Places of the same value share the better rank.
        self.rank = _ranks(self.drops), _ranks(self.found.heat)
        every = np.stack([self.drops, self.expected])
        self.ends = min(0.0, float(every.min())), max(1e-6, float(every.max()))
        self.limit = max(float(np.abs(self.drops).max()), 1e-6)
        self.photo = Photo(pixels, SIDE)
        self.scale = self.photo.wide / pixels.shape[1]
        side = int(self.found.boxes[0, 0, 2] - self.found.boxes[0, 0, 0])
        small = np.asarray(self.photo.image)
        shown = probe._blurred(small, max(1, round(side * self.scale * SCALE)))
        self.blurred = Image.fromarray(shown)
        heat = self.found.maps[self.found.answer].float()
        self.peak = max(float(heat.max()), 1e-6)
        self.panels = {
            "map": self.photo.heat(heat.numpy(), self.peak),
            "drops": self.photo.signed(self._everywhere(pixels.shape[:2]), self.limit),
        }
        self.paper = self._paper()

    def render(self, state: Cover) -> Frame:
        """Draw the covered photograph, the square on the map, the answers, and both drops."""
        for name, value in (("across", state.across), ("down", state.down)):
            if not 1 <= value <= self.places:
                raise ValueError(f"{name} must be from 1 to {self.places}, got {value}.")
        at = (state.down - 1, state.across - 1)
        sheet = self.paper.copy()
        corner = self._corner(0)
        box = self.found.boxes[at] * self.scale
        x0, y0, x1, y1 = (round(v * SCALE) for v in box)
        sheet.paste(
            corner[0] + x0 / SCALE, corner[1] + y0 / SCALE, self.blurred.crop((x0, y0, x1, y1))
        )
        self._outline(sheet, corner, box)
        a = self.found.answer
        words = {"map": f"Map of {self.names[a]}", "drops": "Measured drop, all places"}
        sheet.words(MAP, 16, shortened(words[state.panel], SIDE, 14), bold=True)
        corner = self._corner(MAP)
        sheet.paste(*corner, self.panels[state.panel])
        self._outline(sheet, corner, box)
        signed = state.panel == "drops"
        limit = self.limit if signed else self.peak
        sheet.scale(MAP, HEAD + self.photo.high + 10, SIDE, limit, signed=signed, painted=True)
        self._answers(sheet, at)
        self._falls(sheet, at)
        return Frame(sheet.jpeg(), self._text(at, state.panel))

    # --- the panels -----------------------------------------------------------------------------

    def _everywhere(self, size: tuple[int, ...]) -> npt.NDArray[np.float32]:
        """At every cell of 64 x 64, the mean drop of the squares that cover its middle."""
        middles = (np.arange(64) + 0.5) / 64
        y, x = middles[:, None] * size[0], middles[None, :] * size[1]
        total, count = np.zeros((64, 64)), np.zeros((64, 64))
        for box, drop in zip(self.found.boxes.reshape(-1, 4), self.drops.ravel(), strict=True):
            inside = (x >= box[0]) & (x < box[2]) & (y >= box[1]) & (y < box[3])
            total += inside * drop
            count += inside
        # In a wide photograph few places leave stripes between them.
        return (total / np.maximum(count, 1)).astype(np.float32)

    def _corner(self, x: float) -> tuple[float, float]:
        photo = self.photo
        return x + (SIDE - photo.wide) / 2, HEAD

    def _outline(
        self, sheet: Sheet, corner: tuple[float, float], box: npt.NDArray[np.float64]
    ) -> None:
        """A white line with a dark rim, so that it is seen on anything."""
        low, high = np.array(corner) + 1, np.array(corner) + (self.photo.wide, self.photo.high) - 1
        x0, y0 = (float(v) for v in np.clip(np.array(corner) + box[:2], low, high))
        x1, y1 = (float(v) for v in np.clip(np.array(corner) + box[2:], low, high))
        corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)]
        sheet.line(corners, "#20242b", 7)
        sheet.line(corners, "white", 3)

    def _paper(self) -> Sheet:
        sheet = Sheet(HEAD + max(SIDE + 8, self.photo.high + 42))
        sheet.words(0, 16, "The photograph, covered", bold=True)
        for x in (0, MAP):
            left, top = self._corner(x)
            sheet.paste(left, top, self.photo.image)
            sheet.frame(left, top, self.photo.wide, self.photo.high)
        sheet.words(LIST, 16, "Its answers", bold=True)
        foot = HEAD + ROW * SHOWN + 6
        sheet.bar(LIST, foot + 1, 11, 8, BEFORE)
        sheet.words(LIST + 16, foot + 9, "whole", size=11, ink=QUIET)
        sheet.bar(LIST + 60, foot + 1, 11, 8, NOW)
        sheet.words(LIST + 76, foot + 9, "covered", size=11, ink=QUIET)
        y = foot + 36
        sheet.words(LIST, y, "Drop of the log-odds", bold=True)
        middle = self._place(0.0)
        sheet.line([(middle, y + 7), (middle, y + 57)], QUIET, 2)
        for k, name in enumerate(("from the map", "measured")):
            sheet.words(LIST, y + 24 + 24 * k, name, size=11.5, ink=QUIET)
        return sheet

    def _place(self, drop: float) -> float:
        """Where a drop ends; the bars leave room for a number on either side."""
        low, high = self.ends
        left = BARS + (38 if low < 0 else 0)
        return left + (drop - low) / (high - low) * (WIDTH - 38 - left)

    def _answers(self, sheet: Sheet, at: tuple[int, int]) -> None:
        now = self.after[at]
        answer = int(now.argmax())
        listed = self.top if answer in self.top else [*self.top[: SHOWN - 1], answer]
        room = WIDTH - BARS - 46
        for row, c in enumerate(listed):
            y = HEAD + ROW * row
            if c == answer:
                sheet.triangle(LIST, y + 9, 9)
            name = shortened(self.names[c], BARS - LIST - 18, 11.5)
            sheet.words(LIST + 12, y + 13, name, size=11.5, bold=c == answer)
            sheet.line([(BARS, y), (BARS, y + 19)], LINE, 2)
            sheet.bar(BARS, y + 1, max(1.0, float(self.before[c]) * room), 7, BEFORE)
            sheet.bar(BARS, y + 9, max(1.0, float(now[c]) * room), 8, NOW)
            told = percent(float(now[c]))
            told = "< 1 %" if told.startswith("under") else told
            sheet.words(WIDTH, y + 14, told, size=11, bold=c == answer, anchor="rs")

    def _falls(self, sheet: Sheet, at: tuple[int, int]) -> None:
        y = HEAD + ROW * SHOWN + 42
        for k, (drops, ink) in enumerate(((self.expected, EXPECTED), (self.drops, NOW))):
            drop = float(drops[at])
            low, high = sorted((self._place(0.0), self._place(drop)))
            top = y + 13 + 24 * k
            sheet.bar(low, top, max(1.0, high - low), 14, ink)
            x, side = (high + 5, "ls") if drop >= 0 else (low - 5, "rs")
            sheet.words(x, top + 11, fixed(drop, 1), size=11.5, anchor=side)

    # --- the read-out ---------------------------------------------------------------------------

    def _text(self, at: tuple[int, int], panel: str) -> str:
        a, count = self.found.answer, self.places**2
        now = int(self.after[at].argmax())
        became = "stays" if now == a else f"becomes {self.names[now]}"
        odds = float(probe.log_odds(self.found.whole, a))
        left = float(probe.log_odds(self.found.scores[at], a))
        harm, heat = (int(ranks[at]) for ranks in self.rank)
        return (
            f"The answer {self.names[a]}\t{became}; its probability goes from "
            f"{percent(float(self.before[a]), 1)} to {percent(float(self.after[at][a]), 1)}\n"
            f"Its log-odds\t{fixed(odds, 2)} whole, {fixed(left, 2)} covered\n"
            f"Drop expected from the map\t{fixed(float(self.expected[at]), 2)}\n"
            f"Drop measured\t{fixed(float(self.drops[at]), 2)}, rank {harm} of {count} places\n"
            f"Heat inside the square\t{number(float(self.found.heat[at]))} on average, "
            f"rank {heat} of {count}\n"
            f"Beside the photograph\t{self._beside(panel)}"
        )

    def _beside(self, panel: str) -> str:
        if panel == "map":
            return f"the map of {self.names[self.found.answer]}, up to {number(self.peak)}"
        low, high = (fixed(float(v), 2) for v in (self.drops.min(), self.drops.max()))
        return f"the measured drops of all places, from {low} to {high}"


def _ranks(values: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """1 for the largest value."""
    larger: npt.NDArray[np.int64] = (values[None, None] > values[..., None, None]).sum(axis=(2, 3))
    return 1 + larger


def cover_it(net: CamModel, picture: Picture, places: int = probe.PLACES) -> Explorer[Cover]:
    """Cover a tenth of a photograph, and see what becomes of the answer; lesson 12.

    The network is asked once for every place, at the start. The map lets one expect how far the
    answer's log-odds fall, if covered cells say nothing and all others what they said; beside it
    stands how far they fell.

    Args:
        net: a network with average pooling.
        picture: a picture, ``(H, W, 3)`` or a path.
        places: places of the square, down and across.

    Returns:
        The explorer; as the last line of a cell it shows itself. It opens on the hottest place.

    Raises:
        NoCamError: the maps do not add up to the scores.
        TypeError, ValueError: the picture cannot be read, or ``places`` is below 2.

    Example:
        >>> import torch
        >>> _ = torch.manual_seed(0)
        >>> net = CamModel(torch.nn.Conv2d(3, 8, 3), torch.nn.Linear(8, 2), names=["cat", "dog"])
        >>> noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
        >>> explorer = cover_it(net, noise, places=3)
        >>> explorer.frame(across=2, down=2).text.split("\\t")[0]
        'The answer ...'
    """
    view = CoverView(net, picture, places)
    down, across = np.unravel_index(int(view.found.heat.argmax()), view.found.heat.shape)
    controls: list[Control] = [
        Slider("across", "across", "How far right the blurred square lies.", 1, places),
        Slider("down", "down", "How far down the blurred square lies.", 1, places),
        Choice("panel", "beside it", "The map, or the measured drop at every place.", PANELS),
    ]
    alt = (
        "From left to right: the photograph with a blurred square; the map of its answer, or the "
        "measured drop at all places, with the same square; bars of the five best answers, whole "
        "and covered, and two bars with the drop of the log-odds, expected and measured."
    )
    start = Cover(int(across) + 1, int(down) + 1)
    return Explorer("cover-it", start, controls, view.render, alt)
