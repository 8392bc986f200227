"""Explorer of lesson 04: *film strip*, maps and measures of a network while it learned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt

from camkit import boxes, metrics, world
from camkit.cam import upsample
from camkit.images import Sample
from camkit.plot import INK, QUIET
from camkit.recipes import Film, actors, film
from camkit.widgets.canvas import HEAD, LINE, WIDTH, Photo, Sheet, number, percent, shortened
from camkit.widgets.explorer import Choice, Control, Explorer, Frame

SIDE, STEP = 154, 164
"""Longest side of a picture, and from one picture to the next, in points."""
PICTURES = 3
CURVE, END = 536, WIDTH - 6
"""Where the curves begin and end."""
FOOT = HEAD + SIDE
RECENT = 25
"""Steps whose loss is averaged."""
HEADS = ("average", "max", "flatten")
SCALES = (("one for all three", "shared"), ("each its own", "own"))
CURVES = (
    ("accuracy", "right answers", INK, 0.0),
    ("gt_known", "right boxes", "#1f5f99", 7.0),
    ("inside", "heat inside", "#a8551a", 2.5),
)
"""Field of the film, name, colour, and length of a dash in points (0: one line)."""

Floats = npt.NDArray[np.float32]
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class FilmStrip:
    """The recorded moment, the head of the network, and what the colours are a share of."""

    moment: int = 0
    head: str = "average"
    scale: Literal["shared", "own"] = "shared"

    def __post_init__(self) -> None:
        if isinstance(self.moment, bool) or not isinstance(self.moment, (int, np.integer)):
            raise TypeError(f"moment must be a whole number, not {type(self.moment).__name__}.")
        if self.scale not in ("shared", "own"):
            raise ValueError(f'scale must be "shared" or "own", got {self.scale!r}.')


class _Reel:
    """One film, with the 20 % box of every map and its IoU."""

    def __init__(self, one: Film, samples: Sequence[Sample]) -> None:
        self.steps = one.steps.tolist()
        self.epochs: list[float] = one.epochs.tolist()
        self.maps: Floats = one.maps.numpy().astype(np.float32)  # (T, 3, h, w)
        self.peaks = one.maps.amax((2, 3)).tolist()  # (T, 3)
        self.probabilities: list[list[float]] = one.probabilities.tolist()
        self.curves = {field: getattr(one, field).tolist() for field, *_ in CURVES}
        losses = one.losses.tolist()
        self.losses = [losses[max(0, step - RECENT) : step] for step in self.steps]
        large = upsample(one.maps.float(), samples[0].image.shape[:2]).numpy()
        self.boxes = [[boxes.box_from_map(m, 0.2) for m in moment] for moment in large]
        self.ious = [
            [
                0.0 if box is None else float(metrics.iou([box], sample.boxes).max())
                for box, sample in zip(row, samples, strict=True)
            ]
            for row in self.boxes
        ]

    def limits(self, moment: int, scale: str) -> list[float]:
        """What the brightest colour stands for in each picture; 1 where nothing is hot."""
        peaks = self.peaks[moment]
        tops = [max(peaks)] * PICTURES if scale == "shared" else peaks
        return [top if top > 0 else 1.0 for top in tops]


class FilmStripView:
    """The frames of `film_strip`."""

    def __init__(self, films: Mapping[str, Film], samples: Sequence[Sample]) -> None:
        self.reels = {name: _Reel(one, samples) for name, one in films.items()}
        self.names = [world.CLASSES[sample.label] for sample in samples]
        self.photos = [Photo(sample.image, SIDE) for sample in samples]
        self.truths = [np.asarray(sample.boxes, float) for sample in samples]
        self.zoom = SIDE / max(samples[0].image.shape[:2])
        self._papers: dict[str, Sheet] = {}

    def render(self, state: FilmStrip) -> Frame:
        """Draw one moment: three maps with their boxes, and the curves with a cursor."""
        if state.head not in self.reels:
            raise ValueError(f"head must be one of {', '.join(self.reels)}, got {state.head!r}.")
        reel, t = self.reels[state.head], state.moment
        if not 0 <= t < len(reel.steps):
            raise ValueError(f"moment must be from 0 to {len(reel.steps) - 1}, got {t}.")
        if state.head not in self._papers:
            self._papers[state.head] = self._paper(reel)
        sheet = self._papers[state.head].copy()
        limits = reel.limits(t, state.scale)
        for i, limit in enumerate(limits):
            self._picture(sheet, reel, t, i, limit)
        x = self._x(reel, t)
        sheet.line([(x, HEAD), (x, FOOT)], QUIET, 2)
        for row, (field, _, ink, _) in enumerate(CURVES):
            share = reel.curves[field][t]
            sheet.dot(x, FOOT - share * SIDE, 4, ink)
            sheet.words(END, FOOT + 37 + 17 * row, percent(share), size=12, bold=True, anchor="rs")
        return Frame(sheet.jpeg(), self._text(state, reel, limits))

    # --- what is drawn --------------------------------------------------------------------------

    def _paper(self, reel: _Reel) -> Sheet:
        """What no moment changes: names, axes, curves and their legend."""
        sheet = Sheet(FOOT + 80)
        for i, name in enumerate(self.names):
            sheet.words(STEP * i, 16, shortened(f"Map of {name}", SIDE, 14), bold=True)
        told = "solid: the map's box, above a fifth of its maximum; dashed: the true box"
        sheet.words(0, FOOT + 71, told, size=11, ink=QUIET)
        sheet.words(CURVE - 34, 16, "Measures at each step", bold=True)
        for share in (0.0, 0.5, 1.0):
            y = FOOT - share * SIDE
            sheet.line([(CURVE, y), (END, y)], LINE, 2)
            sheet.words(CURVE - 5, y + 4, percent(share), size=11, ink=QUIET, anchor="rs")
        for tick in [0, *(10**n for n in range(1, 7) if 10**n <= reel.steps[-1])]:
            x = self._at(reel, tick)
            sheet.line([(x, FOOT), (x, FOOT + 4)], QUIET, 2)
            sheet.words(x, FOOT + 16, f"{tick}", size=11, ink=QUIET, anchor="ms")
        places = [self._x(reel, t) for t in range(len(reel.steps))]
        for row, (field, name, ink, dash) in enumerate(CURVES):
            heights = [FOOT - share * SIDE for share in reel.curves[field]]
            dashed(sheet, list(zip(places, heights, strict=True)), ink, 5, dash)
            y = FOOT + 37 + 17 * row
            dashed(sheet, [(CURVE - 34, y - 4), (CURVE - 6, y - 4)], ink, 5, dash)
            sheet.words(CURVE, y, name, size=12)
        return sheet

    def _at(self, reel: _Reel, step: float) -> float:
        """Where a step lies: by its logarithm, and step 0 at the very left."""
        first, last = np.log(reel.steps[1]), np.log(reel.steps[-1])
        if step <= 0:
            return CURVE
        return float(CURVE + 18 + (np.log(step) - first) / (last - first) * (END - CURVE - 18))

    def _x(self, reel: _Reel, t: int) -> float:
        return self._at(reel, reel.steps[t])

    def _picture(self, sheet: Sheet, reel: _Reel, t: int, i: int, limit: float) -> None:
        x, photo = STEP * i, self.photos[i]
        sheet.paste(x, HEAD, photo.heat(reel.maps[t, i], limit))
        for truth in self.truths[i]:
            self._box(sheet, x, photo, truth, 5.0)
        if (box := reel.boxes[t][i]) is not None:
            self._box(sheet, x, photo, np.asarray(box), 0.0)
        told = f"probability {percent(reel.probabilities[t][i])}"
        sheet.words(x, FOOT + 17, told, size=12)
        sheet.scale(x, FOOT + 28, SIDE, limit, signed=False, painted=True)

    def _box(
        self, sheet: Sheet, x: float, photo: Photo, box: npt.NDArray[np.float64], dash: float
    ) -> None:
        """A white line with a dark rim, so that it is seen on anything."""
        x0, x1 = np.clip(x + self.zoom * box[[0, 2]], x + 1.5, x + photo.wide - 1.5).tolist()
        y0, y1 = np.clip(HEAD + self.zoom * box[[1, 3]], HEAD + 1.5, HEAD + photo.high - 1.5)
        corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)]
        for ink, width in ((INK, 8), ("white", 4)):
            dashed(sheet, corners, ink, width, dash)

    # --- what is read ---------------------------------------------------------------------------

    def _text(self, state: FilmStrip, reel: _Reel, limits: Sequence[float]) -> str:
        t = state.moment
        losses = reel.losses[t]
        loss = f"{np.mean(losses):.2f} (of the last {len(losses)} steps)" if losses else "not yet"
        iou = [
            "no box" if box is None else f"{v:.2f}"
            for box, v in zip(reel.boxes[t], reel.ious[t], strict=True)
        ]
        bright = f"{number(limits[0], False)} in all three, their hottest cell"
        if state.scale == "own":
            own = self._each(number(v, False) for v in reel.peaks[t])
            bright = f"each map's own hottest cell, {own}"
        right, known, inside = (reel.curves[field] for field, *_ in CURVES)
        return (
            f"{state.head} head, after {reel.steps[t]} of {reel.steps[-1]} steps\t"
            f"epoch {reel.epochs[t]:.2f} of {reel.epochs[-1]:.0f}; loss {loss}\n"
            f"Right answers\t{_now_and_last(right, t)}\n"
            f"Right boxes, the class being told\t{_now_and_last(known, t)}\n"
            f"Heat inside the object's mask\t{_now_and_last(inside, t)}\n"
            f"Probability\t{self._each(map(percent, reel.probabilities[t]))}\n"
            f"IoU of the box, right from 0.5\t{self._each(iou)}\n"
            f"The brightest colour\t{bright}"
        )

    def _each(self, values: Iterable[str]) -> str:
        return ", ".join(f"{n} {v}" for n, v in zip(self.names, values, strict=True))


def _now_and_last(shares: Sequence[float], t: int) -> str:
    return f"{percent(shares[t])}; at the end {percent(shares[-1])}"


def dashed(sheet: Sheet, points: Points, ink: str, width: int, dash: float) -> None:
    """Draw a line through points, in dashes that run on around its corners.

    Args:
        sheet: to draw on.
        points: in points of the page.
        ink: colour.
        width: in pixels.
        dash: length of a dash and of half a gap in points; 0 draws one unbroken line.

    Example:
        >>> sheet = Sheet(20)
        >>> dashed(sheet, [(0, 10), (100, 10)], INK, 4, 5)
        >>> sheet.image.getpixel((12, 20)), sheet.image.getpixel((22, 20))
        ((28, 31, 36), (255, 255, 255))
    """
    if dash == 0:
        sheet.line(points, ink, width)
        return
    gap = 2.5 + 0.4 * dash
    stroke: list[tuple[float, float]] = [points[0]]
    drawn, left = True, dash
    for a, b in pairwise(points):
        length = float(np.hypot(b[0] - a[0], b[1] - a[1]))
        done = 0.0
        while length - done > left:
            done += left
            at = (a[0] + (b[0] - a[0]) * done / length, a[1] + (b[1] - a[1]) * done / length)
            if drawn:
                sheet.line([*stroke, at], ink, width)
            stroke, drawn = [at], not drawn
            left = dash if drawn else gap
        left -= length - done
        stroke.append(b)
    if drawn and len(stroke) > 1:
        sheet.line(stroke, ink, width)


def film_strip(
    films: Mapping[str, Film] | None = None, samples: Sequence[Sample] | None = None
) -> Explorer[FilmStrip]:
    """Run through a recorded training: maps of three pictures, and three curves; lesson 04.

    Each picture shows the map of its own class, the 20 % box of that map (solid) and the true box
    (dashed). Colours are a share of the hottest cell of all three maps at that moment, or of each
    map's own.

    Args:
        films: recorded trainings by the name of their head, all at the same steps; None takes the
            three that come with camkit.
        samples: the three pictures whose maps were recorded; None takes those of the recordings.

    Returns:
        The explorer; as the last line of a cell it shows itself. It opens in the middle.

    Raises:
        TypeError: ``films`` is no mapping from names to films.
        ValueError: there is no film, they were recorded at different steps, or the pictures are
            not three of one size with a true box each.

    Example:
        >>> explorer = film_strip()
        >>> explorer.frame(moment=0, head="max").text.split("\\t")[0]
        'max head, after 0 of 1750 steps'
    """
    given: object = films
    if films is None:
        films = {name: film(name) for name in HEADS}
    elif not isinstance(given, Mapping) or not all(isinstance(f, Film) for f in given.values()):
        raise TypeError("films must be a dict from a head's name to its Film.")
    if not films:
        raise ValueError("films is empty; give at least one.")
    moments = {tuple(one.steps.tolist()) for one in films.values()}
    if len(moments) > 1:
        raise ValueError("films were recorded at different steps; give those of one recipe.")
    if samples is None:
        samples = [scene.sample(128) for scene in actors()]
    one_size = len({sample.image.shape for sample in samples}) == 1
    if len(samples) != PICTURES or not one_size or any(len(s.boxes) == 0 for s in samples):
        raise ValueError(
            f"samples must be {PICTURES} pictures of one size, with a true box each, got "
            f"{len(samples)}."
        )
    view, steps = FilmStripView(films, samples), moments.pop()
    told = tuple((f"{step} steps", t) for t, step in enumerate(steps))
    heads = tuple((name, name) for name in films)
    controls: list[Control] = [
        Choice("moment", "after", "How long the network has learned.", told),
        Choice("scale", "colours", "One scale for all three maps, or each its own.", SCALES),
    ]
    if len(films) > 1:
        controls.insert(1, Choice("head", "head", "How the network pools its features.", heads))
    alt = (
        f"From left to right: {', '.join(view.names)}, each under the heat of its own class with "
        "the map's box, solid, and the true box, dashed; and three curves over the training steps "
        "with a cursor: right answers, right boxes, heat inside the object."
    )
    start = FilmStrip(len(steps) // 2, next(iter(films)))
    return Explorer("film-strip", start, controls, view.render, alt)
