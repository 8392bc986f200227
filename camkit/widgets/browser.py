"""Explorer of lesson 10: *unit browser*, what excites a unit and what a name for it is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageDraw

from camkit import discover, world
from camkit.cam import upsample
from camkit.discover import By, Concepts, Doubles, Ints
from camkit.heads import CamModel
from camkit.images import Array
from camkit.plot import QUIET
from camkit.widgets.canvas import HEAD, LINE, SCALE, WIDTH, Sheet, fixed, percent, shortened
from camkit.widgets.explorer import Choice, Control, Explorer, Frame, Slider

SHARES = (0.005, 0.01, 0.02, 0.05, 0.1)
"""Of all cells, in which a unit fires."""
ORDERS: tuple[tuple[str, By], ...] = (("weight", "weight"), ("contribution", "contribution"))
PICTURES = 240
RANKS = 16
PATCH, GAP = 72, 4
"""Side of one of the nine patches and what lies between two, in points."""
FOOT = HEAD + 3 * PATCH + 2 * GAP
"""Where the nine patches end."""
SECOND, BARS = 246, 494
"""Where the unit by lot and the bars begin."""
ROW = 30
NAMES = 5
"""How many names of the unit are shown; two controls follow."""
STRONG = 8
"""So many strongest units of a class count as the class's own."""
DARK, LIGHT, CONTROL = "#1f5f99", "#a9c3de", "#8a8f98"

Orders: TypeAlias = "dict[tuple[int, By], tuple[Ints, Doubles]]"

Heat = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Browsed:
    """Which class, in which order its units stand, which of them, and how often it fires."""

    wanted: int
    by: By = "weight"
    rank: int = 1
    share: float = 0.01

    def __post_init__(self) -> None:
        for name in ("wanted", "rank"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
                raise TypeError(f"{name} must be a whole number, not {type(value).__name__}.")
        if self.by not in ("weight", "contribution"):
            raise ValueError(f'by must be "weight" or "contribution", got {self.by!r}.')
        if self.share not in SHARES:
            raise ValueError(f"share must be one of {', '.join(map(str, SHARES))}.")


class UnitBrowserView:
    """The frames of `unit_browser`: all overlaps are counted at the start."""

    def __init__(self, net: CamModel, naming: Concepts, others: Concepts) -> None:
        if naming.names != others.names:
            raise ValueError(
                "The two sets must have the same names: make the second with "
                "discover.concepts(scenes, names=first.names)."
            )
        cells = discover.unit_activations(net, naming.images)  # (N, K, h, w)
        elsewhere = discover.unit_activations(net, others.images)
        shuffled = np.random.default_rng(0).permutation(cells)  # each heat on another picture
        self.classes, self.names, self.pictures = net.names, naming.names, len(cells)
        self.ranked = self._ranked(net, cells.mean(axis=(2, 3)), naming.labels)
        self.lot = np.random.default_rng(0).permutation(cells.shape[1])
        units = np.moveaxis(cells, 1, 0)
        levels = np.array([[discover.firing_threshold(u, s) for u in units] for s in SHARES])
        self.levels = dict(zip(SHARES, levels, strict=True))  # (K,) each
        self.fit = _by_share(cells, naming, levels)
        self.tested = _by_share(elsewhere, others, levels)
        self.lost = _by_share(shuffled, naming, levels)
        self.end = float(np.ceil(10 * max(fit.max() for fit in self.fit.values())) / 10)
        self.fires = cells.max(axis=(2, 3))  # (N, K)
        self._cut(net, naming.images, cells)
        self.paper = self._paper()
        self.montage = lru_cache(maxsize=128)(self._montage)

    def _ranked(self, net: CamModel, pooled: npt.NDArray[np.float32], labels: Ints) -> Orders:
        """Every class's units in both orders, with their values."""
        found: Orders = {}
        for c, name in enumerate(net.names):
            mine = pooled[labels == c]
            if len(mine) == 0:
                raise ValueError(f"The first set has no picture of {name}; every class needs one.")
            found[c, "weight"] = discover.rank_units(net, c)
            found[c, "contribution"] = discover.rank_units(net, c, "contribution", mine)
        return found

    def _cut(self, net: CamModel, images: Array, cells: Heat) -> None:
        """The nine patches that excite each unit most, and the unit's heat on them."""
        field = discover.receptive_field(net)
        self.patches: list[Array] = []
        self.heats: list[Heat] = []
        for k in range(cells.shape[1]):
            tops = discover.top_cells(cells[:, k], 9)
            which = [i for i, *_ in tops]
            large = upsample(torch.from_numpy(cells[which, k][:, None]), net.size)[:, 0].numpy()
            boxes = [field.box(row, column) for _, row, column in tops]
            pairs = list(zip(which, boxes, strict=True))
            self.patches.append(
                _nine([discover.cut_out(images[i], box, discover.OUTSIDE) for i, box in pairs])
            )
            heats = zip(large, boxes, strict=True)  # nothing excites a unit outside the picture
            self.heats.append(_nine([discover.cut_out(one, box, -1e9) for one, box in heats]))

    def render(self, state: Browsed) -> Frame:
        """Draw nine patches of the unit, nine of a unit by lot, and how well names fit both."""
        if not 0 <= state.wanted < len(self.classes):
            raise ValueError(
                f"wanted must be from 0 to {len(self.classes) - 1}, got {state.wanted}."
            )
        units, _ = self.ranked[state.wanted, state.by]
        if not 1 <= state.rank <= len(units):
            raise ValueError(f"rank must be from 1 to {len(units)}, got {state.rank}.")
        unit, lot = int(units[state.rank - 1]), self._by_lot(state, units)
        sheet = self.paper.copy()
        title = f"Unit {unit}, number {state.rank} for {self.classes[state.wanted]}"
        sheet.words(0, 16, shortened(title, SECOND - 14, 14), bold=True)
        sheet.words(0, FOOT + 16, f"by {state.by}; bright where it fires", size=11, ink=QUIET)
        sheet.paste(0, HEAD, self.montage(unit, state.share))
        sheet.words(SECOND, 16, f"Unit {lot}, drawn by lot", bold=True)
        sheet.paste(SECOND, HEAD, self.montage(lot, state.share))
        self._bars(sheet, state, unit, lot)
        return Frame(sheet.jpeg(), self._text(state, unit, lot))

    def _by_lot(self, state: Browsed, units: Ints) -> int:
        """A unit to compare with: another one for every class, and never the ranked one."""
        lot = int(self.lot[state.wanted % len(units)])
        return lot if lot != units[state.rank - 1] else int(self.lot[state.wanted % len(units) - 1])

    def _montage(self, unit: int, share: float) -> Image.Image:
        """Three rows of three; what does not excite the unit is dark."""
        side = (3 * PATCH + 2 * GAP) * SCALE
        patch, heat = (Image.fromarray(x[unit]) for x in (self.patches, self.heats))
        lit = patch.resize((side, side), Image.Resampling.BICUBIC)
        fires = np.asarray(heat.resize((side, side), Image.Resampling.BILINEAR))
        mask = Image.fromarray(fires > self.levels[share][unit])
        image = Image.composite(lit, lit.point(3 * discover.DIMMED.tolist()), mask)
        pen = ImageDraw.Draw(image)
        for at in (side // 3, 2 * side // 3):
            for line in ((at, 0, at, side), (0, at, side, at)):
                pen.line(line, "white", GAP * SCALE)
        return image

    def _paper(self) -> Sheet:
        """What never changes."""
        sheet = Sheet(FOOT + 24)
        sheet.words(SECOND, FOOT + 16, "for comparison", size=11, ink=QUIET)
        sheet.words(BARS, 16, "How well names fit (IoU)", bold=True)
        foot = HEAD + ROW * (NAMES + 2)
        for share in (0.0, self.end / 2, self.end):
            x = self._at(share)
            sheet.line([(x, HEAD), (x, foot - 4)], LINE, 2)
            sheet.words(x, foot + 10, f"{share:.2g}", size=11, ink=QUIET, anchor="ms")
        return sheet

    # --- the bars -------------------------------------------------------------------------------

    def _bars(self, sheet: Sheet, state: Browsed, unit: int, lot: int) -> None:
        fit, tested = self.fit[state.share], self.tested[state.share]
        for row, j in enumerate(np.argsort(-fit[unit], kind="stable")[:NAMES]):
            pair = (float(fit[unit, j]), float(tested[unit, j]))
            self._row(sheet, row, self.names[j], pair, (DARK, LIGHT), bold=row == 0)
        j = int(fit[lot].argmax())
        told = f"by lot: {self.names[j]}"
        pair = (float(fit[lot, j]), float(tested[lot, j]))
        self._row(sheet, NAMES, told, pair, (CONTROL, "#ccd0d6"))
        j = int(self.lost[state.share][unit].argmax())
        told = f"pictures shuffled: {self.names[j]}"
        self._row(sheet, NAMES + 1, told, (float(self.lost[state.share][unit, j]),), (CONTROL,))

    def _row(
        self,
        sheet: Sheet,
        row: int,
        name: str,
        values: tuple[float, ...],
        inks: tuple[str, ...],
        bold: bool = False,
    ) -> None:
        y = HEAD + ROW * row
        sheet.words(BARS, y + 11, shortened(name, WIDTH - BARS - 34, 12), size=12, bold=bold)
        sheet.words(WIDTH, y + 11, f"{values[0]:.2f}", size=12, bold=bold, anchor="rs")
        for value, ink, top, high in zip(values, inks, (15, 21), (6, 4), strict=False):
            sheet.bar(BARS, y + top, max(1.0, self._at(value) - BARS), high, ink)

    def _at(self, share: float) -> float:
        return BARS + share / self.end * (WIDTH - BARS - 12)

    # --- the read-out ---------------------------------------------------------------------------

    def _text(self, state: Browsed, unit: int, lot: int) -> str:
        c, share = state.wanted, state.share
        orders = sorted((by for _, by in ORDERS), key=lambda by: by != state.by)
        places = [self._place(c, by, unit) for by in orders]
        fit, tested = self.fit[share][unit], self.tested[share][unit]
        best, second = (int(j) for j in np.argsort(-fit, kind="stable")[:2])
        level = self.levels[share][unit]
        firing = int((self.fires[:, unit] > level).sum())
        other, chance = int(self.fit[share][lot].argmax()), int(self.lost[share][unit].argmax())
        flips = "; ".join(
            f"{percent(s, 1 if s < 0.01 else 0)} {self.names[int(self.fit[s][unit].argmax())]}"
            for s in SHARES
        )
        return (
            f"Unit {unit} for {self.classes[c]}\t{'; '.join(places)}\n"
            f"Among the {STRONG} strongest of\t{self._served(unit)}\n"
            f"Fires above\t{level:.2f}, in {firing} of {self.pictures} pictures\n"
            f"Proposed name (dark bar; pale: other pictures)\t{self.names[best]}, IoU "
            f"{fit[best]:.2f}; on other pictures {tested[best]:.2f}\n"
            f"Second best\t{self.names[second]}, {fit[second]:.2f}\n"
            f"Unit {lot}, by lot\t{self.names[other]}, {self.fit[share][lot, other]:.2f}\n"
            f"Unit {unit} on shuffled pictures\t{self.names[chance]}, "
            f"{self.lost[share][unit, chance]:.2f}\n"
            f"Name, if it fires in\t{flips}"
        )

    def _place(self, c: int, by: By, unit: int) -> str:
        units, values = self.ranked[c, by]
        at = int(np.flatnonzero(units == unit)[0])
        return f"number {at + 1} by {by} ({fixed(float(values[at]), 2)})"

    def _served(self, unit: int) -> str:
        found = [
            name
            for c, name in enumerate(self.classes)
            if unit in self.ranked[c, "weight"][0][:STRONG]
        ]
        return ", ".join(found) or "no class"


def _by_share(cells: Heat, found: Concepts, levels: npt.ArrayLike) -> dict[float, Doubles]:
    """How well every name fits every unit ``(K, n)``, for each share of cells."""
    return dict(zip(SHARES, discover.overlaps(cells, found.masks, levels), strict=True))


def _nine(panels: Sequence[npt.NDArray[discover.Number]]) -> npt.NDArray[discover.Number]:
    """Three rows of three."""
    return np.concatenate([np.concatenate(panels[i : i + 3], axis=1) for i in (0, 3, 6)])


def unit_browser(
    net: CamModel, naming: Concepts | None = None, others: Concepts | None = None
) -> Explorer[Browsed]:
    """Browse the units of every class: their nine top patches, a name for each, and controls.

    A patch is as large as the field that a cell sees; what does not excite the unit is dark. The
    name is proposed on one set of pictures and tested on another.

    Args:
        net: a network with average or max pooling.
        naming: the pictures and masks that give the names, from `camkit.discover.concepts`; by
            default test pictures of `world.Objects`.
        others: those that test them, with the same names.

    Returns:
        The explorer; as the last line of a cell it shows itself.

    Raises:
        NoCamError: the head is flattened.
        ValueError: the sets have different names, or a class has no picture in the first.

    Example:
        >>> import camkit
        >>> scenes = [world.Objects(split="test", length=40).scene(i) for i in range(40)]
        >>> first = discover.concepts(scenes[:20])
        >>> second = discover.concepts(scenes[20:], names=first.names)
        >>> explorer = unit_browser(camkit.load("objects"), first, second)
        >>> explorer.frame(rank=2).text.split(" for ")[1].split("\\t")[0]
        'car'
    """
    if naming is None:
        naming = _drawn("val", None)
    if others is None:
        others = _drawn("test", naming.names)
    view = UnitBrowserView(net, naming, others)
    classes = tuple((name, c) for c, name in enumerate(net.names))
    shares = tuple((f"{percent(s, 1 if s < 0.01 else 0)} of all cells", s) for s in SHARES)
    controls: list[Control] = [
        Choice("wanted", "class", "The class whose units are in order.", classes),
        Choice("by", "ranked by", "By weight, or by what a unit adds to the score.", ORDERS),
        Slider("rank", "rank", "Which unit of the order, the most important first.", 1, RANKS),
        Choice("share", "fires in", "The share of all cells above the unit's threshold.", shares),
    ]
    alt = (
        "Left: the nine patches that excite the unit most, dark where they do not. Middle: the "
        "same for a unit drawn by lot. Right: bars that say how well the best names fit, and two "
        "controls."
    )
    start = net.names.index("car") if "car" in net.names else 0
    return Explorer("unit-browser", Browsed(start), controls, view.render, alt)


def _drawn(split: str, names: tuple[str, ...] | None) -> Concepts:
    pictures = world.Objects(split=split, length=PICTURES)
    return discover.concepts([pictures.scene(i) for i in range(PICTURES)], names=names)
