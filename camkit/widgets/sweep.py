"""Explorer of lesson 05: *threshold*, from a map to its mask, its regions, and one box."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from camkit import boxes, images, metrics
from camkit.cam import upsample
from camkit.heads import CamModel
from camkit.images import Sample
from camkit.plot import INK, QUIET
from camkit.widgets.canvas import HEAD, LINE, WIDTH, Photo, Sheet, number, percent, shortened
from camkit.widgets.explorer import Choice, Control, Explorer, Frame, Slider

SIDE = 216
"""Longest side of the picture and of the mask, in points."""
MASK, CURVE = 234, 500
"""Where the second and the third panel begin."""
GRID = np.arange(1, 100) / 100
"""The thresholds of the slider and of the curve."""
RULES: tuple[tuple[str, boxes.Rule], ...] = (("share of maximum", "max"), ("min-max", "minmax"))
CHOSEN, OTHER, NOTHING = (38, 70, 110), (146, 166, 190), (238, 240, 243)
NUMBERED = 6
"""Regions that get a number in the picture, the largest first."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Threshold:
    """The threshold in percent, what it is a share of, and the picture's place in the list."""

    percent: int = 20
    rule: Literal["max", "minmax"] = "max"
    picture: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.percent, bool) or not isinstance(self.percent, (int, np.integer)):
            raise TypeError(f"percent must be a whole number, not {type(self.percent).__name__}.")
        if not 1 <= self.percent <= 99:
            raise ValueError(f"percent must be from 1 to 99, got {self.percent}.")
        if self.rule not in ("max", "minmax"):
            raise ValueError(f'rule must be "max" or "minmax", got {self.rule!r}.')


class _Shown:
    """One picture: its map at the input's size, its truth, and the IoU at every threshold."""

    def __init__(self, net: CamModel, sample: Sample) -> None:
        pixels = images.read(sample.image)
        result = net.explain(pixels, classes=[sample.label])
        self.view = result.views[0]
        large = upsample(result.maps[:1].float(), self.view.size)[0, 0]
        self.map: Floats = large.numpy().astype(np.float64)  # (h, w)
        if (reason := boxes.why_no_box(self.map)) is not None:
            name = net.names[sample.label]
            raise ValueError(f'The map of "{name}" has no box: {reason}. Give another picture.')
        self.low, self.high = float(self.map.min()), float(self.map.max())
        self.name = net.names[sample.label]
        self.truth = np.asarray(sample.boxes, np.float64)  # (m, 4), pixels of the picture
        inside = self.view.box_to_input(self.truth)
        self.curves = {
            rule: metrics.iou_at_thresholds(self.map, inside, GRID, rule=rule) for _, rule in RULES
        }
        self.boxes = {
            rule: self.view.box_back(boxes.boxes_at_thresholds(self.map, GRID, rule=rule))
            for _, rule in RULES
        }
        # One box around everything that is there: for two of a kind, both together.
        self.around = np.concatenate([self.truth[:, :2].min(0), self.truth[:, 2:].max(0)])
        self.photo = Photo(pixels, SIDE)
        self.hot = self.photo.heat(result.maps[0, 0].float().numpy(), float(result.maps.max()))


class ThresholdView:
    """The frames of `threshold`."""

    def __init__(self, net: CamModel, samples: Mapping[str, Sample]) -> None:
        self.titles = list(samples)
        self.shown = [_Shown(net, sample) for sample in samples.values()]
        # What the threshold does not move is drawn once for each picture and rule.
        self._paper = lru_cache(maxsize=len(self.shown) * len(RULES))(self._drawn)

    def render(self, state: Threshold) -> Frame:
        """Draw picture and box, mask and regions, and the IoU curve with its cursor."""
        if not 0 <= state.picture < len(self.shown):
            last = len(self.shown) - 1
            raise ValueError(f"picture must be from 0 to {last}, got {state.picture}.")
        one, row = self.shown[state.picture], state.percent - 1
        threshold = float(GRID[row])
        mask = boxes.mask_from_map(one.map, threshold, state.rule)
        regions, count = ndimage.label(mask, structure=np.ones((3, 3)))
        sizes = np.bincount(regions.ravel(), minlength=2)[1:]
        order = np.argsort(-sizes, kind="stable")  # of equals, the first in reading order
        box = one.boxes[state.rule][row]
        sheet = self._paper(state.picture, state.rule).copy()
        self._mask(sheet, one, regions, order)
        for x in (0, MASK):
            self._box(sheet, one, x, box, solid=True)
        words = "1 region" if count == 1 else f"{count} regions"
        sheet.words(MASK, 16, f"Mask: {words}", bold=True)
        iou = float(one.curves[state.rule][row])
        at = self._place(threshold, iou)
        sheet.line([(at[0], HEAD), (at[0], HEAD + SIDE)], QUIET, 2)
        sheet.dot(*at, radius=5)
        return Frame(sheet.jpeg(), self._text(state, one, sizes[order], box, iou))

    # --- the three panels -----------------------------------------------------------------------

    def _drawn(self, picture: int, rule: boxes.Rule) -> Sheet:
        one = self.shown[picture]
        sheet = Sheet(HEAD + SIDE + 50)
        sheet.words(0, 16, shortened(f"Map of {one.name}, and its box", SIDE, 14), bold=True)
        sheet.paste(*self._corner(one, 0), one.hot)
        sheet.words(CURVE - 26, 16, "IoU at every threshold", bold=True)
        for truth in one.truth:
            self._box(sheet, one, 0, truth, solid=False)
        below = HEAD + SIDE + 17
        sheet.words(0, below, "solid: the map's box; dashed: true box", size=11, ink=QUIET)
        sheet.words(MASK, below, "dark: the largest region, kept", size=11, ink=QUIET)
        self._axes(sheet, one, rule)
        return sheet

    def _corner(self, one: _Shown, x: float) -> tuple[float, float]:
        photo = one.photo
        return x + (SIDE - photo.wide) / 2, HEAD + (SIDE - photo.high) / 2

    def _mask(
        self, sheet: Sheet, one: _Shown, regions: npt.NDArray[np.int32], order: npt.NDArray[np.intp]
    ) -> None:
        table = np.full((len(order) + 2, 3), OTHER, np.uint8)
        table[0], table[1 + order[0]] = NOTHING, CHOSEN
        x, y = self._corner(one, MASK)
        sheet.paste(x, y, one.photo.cells(table[regions]))
        sheet.frame(x, y, one.photo.wide, one.photo.high)
        for truth in one.truth:
            self._box(sheet, one, MASK, truth, solid=False)
        down, across = np.array([one.photo.high, one.photo.wide]) / regions.shape
        depth = ndimage.distance_transform_cdt(np.pad(regions > 0, 1))[1:-1, 1:-1]
        numbered = order[:NUMBERED] + 1
        for rank, (row, column) in enumerate(ndimage.maximum_position(depth, regions, numbered)):
            px, py = x + (column + 0.5) * across, y + (row + 0.5) * down  # where it is thickest
            ink = "white" if rank == 0 else INK
            sheet.words(px, py, str(rank + 1), size=13, bold=True, ink=ink, anchor="mm")

    def _box(self, sheet: Sheet, one: _Shown, x: float, box: Floats, *, solid: bool) -> None:
        """A white line with a dark rim, so that it is seen on anything."""
        left, top = self._corner(one, x)
        scale = one.photo.wide / one.view.original[1]
        x0, x1 = np.clip(left + scale * box[[0, 2]], left + 1.5, left + one.photo.wide - 1.5)
        y0, y1 = np.clip(top + scale * box[[1, 3]], top + 1.5, top + one.photo.high - 1.5)
        corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)]
        if solid:
            sheet.line(corners, INK, 9)
            sheet.line(corners, "white", 4)
            return
        for a, b in pairwise(corners):
            long = max(abs(b[0] - a[0]), abs(b[1] - a[1]))
            strokes = max(1, round(long / 9))
            for k in range(strokes):
                ends = [
                    (a[0] + (b[0] - a[0]) * s, a[1] + (b[1] - a[1]) * s)
                    for s in (k / strokes, (k + 0.55) / strokes)
                ]
                sheet.line(ends, INK, 7)
                sheet.line(ends, "white", 3)

    def _place(self, threshold: float, iou: float) -> tuple[float, float]:
        """Where a threshold and an IoU lie in the third panel."""
        return CURVE + threshold * (WIDTH - CURVE - 8), HEAD + (1 - iou) * SIDE

    def _axes(self, sheet: Sheet, one: _Shown, rule: boxes.Rule) -> None:
        end, foot = self._place(1.0, 0.0)
        for iou in (0.0, 0.5, 1.0):
            y = self._place(0, iou)[1]
            sheet.line([(CURVE, y), (end, y)], QUIET if iou == 0.5 else LINE, 2)
            sheet.words(CURVE - 6, y + 4, f"{iou:g}", size=12, ink=QUIET, anchor="rs")
        sheet.words(end, self._place(0, 0.5)[1] - 5, "right from here up", size=11, anchor="rs")
        for share in (0.0, 0.2, 0.5, 1.0):
            x = self._place(share, 0)[0]
            sheet.line([(x, foot), (x, foot + 4)], QUIET, 2)
            side = "rs" if share == 1.0 else "ms"
            sheet.words(x, foot + 17, f"{share:.0%}", size=12, ink=QUIET, anchor=side)
        for other, ink, width in ((True, "#b4bcc8", 3), (False, "#1f5f99", 6)):
            for _, name in RULES:
                if (name != rule) == other:
                    pairs = zip(GRID, one.curves[name], strict=True)
                    sheet.line([self._place(float(t), float(v)) for t, v in pairs], ink, width)
        told = {name: label for label, name in RULES}
        faint = next(label for label, name in RULES if name != rule)
        words = f"thick: {told[rule]}; thin: {faint}"
        sheet.words((CURVE + end) / 2, foot + 36, words, size=11, ink=QUIET, anchor="ms")

    # --- the read-out ---------------------------------------------------------------------------

    def _text(
        self, state: Threshold, one: _Shown, sizes: npt.NDArray[np.intp], box: Floats, iou: float
    ) -> str:
        share = state.percent / 100
        level = boxes.level_from_map(one.map, share, state.rule)
        low, high = number(one.low, False), number(one.high, False)
        made = f"{share:g} × {high}, the maximum"
        if state.rule == "minmax":
            made = f"{low} + {share:g} × ({high} − ({low})), lowest to highest"
        curve = one.curves[state.rule]
        best = int(curve.argmax())
        listed = ", ".join(str(size) for size in sizes[:4]) + (", …" if len(sizes) > 4 else "")
        ends = ", ".join(f"{v:.0f}" for v in box)
        two = len(one.truth) > 1
        both = float(metrics.iou(box, one.around)[0, 0])
        verdict = "right" if iou >= metrics.AGREES else "wrong"
        return (
            f"{self.titles[state.picture]}, level\t{number(level, False)} = {made}\n"
            f"Above the level\t{percent(float(sizes.sum()) / one.map.size)} of the picture; "
            f"regions of {listed} pixels\n"
            f"Box of the largest\t({ends}) in pixels of the picture\n"
            f"IoU with the {'nearer' if two else 'true'} box\t{iou:.2f}, {verdict}"
            + (f"; with one box around both {both:.2f}" if two else "")
            + f"\nBest threshold for this picture\t{best + 1} %, IoU {curve[best]:.2f}"
        )


def threshold(net: CamModel, samples: Mapping[str, Sample]) -> Explorer[Threshold]:
    """Move the threshold and watch mask, regions, box and IoU; lesson 05.

    The map of the sample's own class is brought to the network's input size, as the paper's rule
    wants it. The curve holds the IoU at every threshold, from one sweep.

    Args:
        net: a network with average or max pooling.
        samples: a name for each picture; each has its class and at least one true box.

    Returns:
        The explorer; as the last line of a cell it shows itself.

    Raises:
        NoCamError: the head is flattened.
        TypeError: ``samples`` is no mapping from names to samples.
        ValueError: there is no sample, one has no true box, or its map has no box at all.

    Example:
        >>> import torch
        >>> _ = torch.manual_seed(0)
        >>> net = CamModel(torch.nn.Conv2d(3, 8, 3), torch.nn.Linear(8, 2), names=["cat", "dog"])
        >>> pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
        >>> one = Sample(pixels, 1, np.array([[10.0, 5.0, 30.0, 25.0]]))
        >>> explorer = threshold(net, {"noise": one})
        >>> explorer.frame(percent=40).text.split("\\t")[0]
        'noise, level'
    """
    given: object = samples
    if not isinstance(given, Mapping) or not all(isinstance(s, Sample) for s in given.values()):
        raise TypeError("samples must be a dict from names to Sample, as world.Objects gives them.")
    if not samples:
        raise ValueError("samples is empty; give at least one picture.")
    for name, sample in samples.items():
        if len(metrics.as_boxes(sample.boxes)) == 0 or np.isnan(sample.boxes).any():
            raise ValueError(f"samples[{name!r}] has no true box to compare with.")
    view = ThresholdView(net, samples)
    controls: list[Control] = [
        Slider("percent", "threshold (%)", "What share a cell must exceed to be kept.", 1, 99),
        Choice(
            "rule", "a share of", "Of the maximum, or of the range from lowest to highest.", RULES
        ),
    ]
    if len(samples) > 1:
        options = tuple((name, i) for i, name in enumerate(samples))
        controls.append(Choice("picture", "picture", "Which picture is shown.", options))
    alt = (
        "From left to right: the picture under its heat with the box of the map, solid, and the "
        "true boxes, dashed; the mask, its regions numbered by size and the largest dark; and the "
        "IoU over the threshold as a curve with a cursor."
    )
    return Explorer("threshold", Threshold(), controls, view.render, alt)
