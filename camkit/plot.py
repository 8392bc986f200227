"""Static figures and the pictures they are made of; nothing here opens a window.

The first functions turn arrays into pixels and are fast enough for a slider: `colour`, `overlay`,
`diverging`, `draw_boxes`. The others return ``(fig, ax)``. `show` puts either into a notebook
with its alternative text. No function changes matplotlib's settings, and none needs pyplot.
"""

from __future__ import annotations

import base64
import contextlib
import html
import io
import json
import math
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

import matplotlib
import numpy as np
import numpy.typing as npt
from cycler import cycler
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from PIL import Image, ImageDraw, ImageFont

from camkit import images as _images
from camkit.images import Array, Picture, View

if TYPE_CHECKING:
    from camkit.heads import CamResult

Line: TypeAlias = Literal["solid", "dashed", "dotted"]
AxesArray: TypeAlias = npt.NDArray[np.object_]

DIVERGING = "PuOr_r"
"""Purple for less, orange for more: safe for colour-blind readers, near white at zero."""
INK, QUIET, HALO = "#1c1f24", "#5b626d", "#14161a"
PANEL_PIXELS = 640
"""Longest side of a picture inside a figure; more would not be seen."""

STYLE: Any = {
    # DejaVu comes with matplotlib, so that a figure is the same on every machine.
    "font.family": ["DejaVu Sans"],
    "font.size": 9.0,
    "text.color": INK,
    "axes.titlesize": 10.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 8.0,
    "axes.labelcolor": INK,
    "axes.edgecolor": QUIET,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": cycler(
        color=["#3b528b", "#d1603d", "#2a8f7a", "#8a5aa8", "#b8860b", "#5b626d"],
        linestyle=["-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1))],
    ),
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "figure.dpi": 100.0,
    "image.cmap": "magma",
    "image.interpolation": "nearest",
    "savefig.facecolor": "white",
}


@contextlib.contextmanager
def style() -> Iterator[None]:
    """Draw in the course's style inside a ``with`` block; matplotlib's settings come back after.

    Example:
        >>> before = matplotlib.rcParams["font.size"]
        >>> with style():
        ...     fig, ax = subplots()
        >>> matplotlib.rcParams["font.size"] == before
        True
    """
    with matplotlib.rc_context(STYLE):
        yield


# --- pixels -------------------------------------------------------------------------------------


def colour(values: npt.ArrayLike, vmax: float, vmin: float = 0.0, colours: str = "magma") -> Array:
    """Colour numbers through a table of 256 entries: ``table[255 (v - vmin) / (vmax - vmin)]``.

    Args:
        values: ``(H, W)``; what lies outside ``vmin..vmax`` gets the colour of the nearer end.
        vmax: the value of the last colour.
        vmin: the value of the first colour.
        colours: name of a matplotlib colour map.

    Returns:
        ``(H, W, 3)`` uint8; NaN becomes a light grey.

    Raises:
        ValueError: ``values`` is not ``(H, W)``, ``vmax <= vmin``, or there is no such colour map.

    Example:
        >>> colour([[0.0, 2.0]], vmax=2.0).tolist()
        [[[0, 0, 4], [252, 253, 191]]]
    """
    steps, unseen = _steps(_as_map(values), vmin, vmax)
    pixels: Array = np.take(_table(colours), steps, axis=0)  # three times as fast as table[steps]
    if unseen is not None:
        pixels[unseen] = 211
    return pixels


def diverging(values: npt.ArrayLike, limit: float | None = None) -> Array:
    """Colour signed numbers: purple below zero, orange above, near white at zero.

    Args:
        values: ``(H, W)``.
        limit: the size at which both colours are full; the largest |value| by default.

    Returns:
        ``(H, W, 3)`` uint8; NaN becomes a light grey.

    Raises:
        ValueError: ``values`` is not ``(H, W)``, or ``limit`` is not positive.

    Example:
        >>> purple, white, orange = diverging([[-1.0, 0.0, 1.0]])[0].tolist()
        >>> purple[2] > purple[0], min(white) > 240, orange[0] > orange[2]
        (True, True, True)
    """
    cells = _as_map(values)
    if limit is None:
        limit = _largest(np.abs(cells)) or 1.0
    return colour(cells, limit, -limit, DIVERGING)


def overlay(
    image: Array,
    heat: npt.ArrayLike,
    vmax: float | None = None,
    opacity: float = 0.8,
    colours: str = "magma",
) -> Array:
    """Lay a heat map on its picture: the hotter, the less of the picture shines through.

    Args:
        image: the picture, ``(H, W, 3)`` uint8.
        heat: raw heat, ``(H, W)``. Zero and less is clear; NaN, where a network never looked,
            is greyed.
        vmax: the heat of the last colour; the map's own maximum by default. Give the same number
            to maps that are to be compared.
        opacity: share of colour at ``vmax``, 0..1.
        colours: name of a matplotlib colour map.

    Returns:
        ``(H, W, 3)`` uint8.

    Raises:
        TypeError: ``image`` is not uint8.
        ValueError: the shapes differ, or ``vmax`` or ``opacity`` is out of range.

    Example:
        >>> grey = np.full((1, 2, 3), 100, np.uint8)
        >>> overlay(grey, [[-3.0, 5.0]], opacity=1.0).tolist()
        [[[100, 100, 100], [252, 253, 191]]]
    """
    _check_image(image)
    cells = _as_map(heat)
    if cells.shape != image.shape[:2]:
        raise ValueError(
            f"heat {cells.shape} must have the picture's height and width {image.shape[:2]}: "
            "take it from result.heatmaps()."
        )
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity is a share from 0 to 1, got {opacity}.")
    if vmax is None:
        vmax = _largest(cells)
        vmax = vmax if vmax > 0 else 1.0
    steps, unseen = _steps(cells, 0.0, vmax)
    added, kept = _blend_tables(colours, float(opacity))
    # 256 shares of 1/256 in 16 bits: no floats, so that a slider does not wait.
    mixed = np.take(added, steps, axis=0)
    mixed += image * np.take(kept, steps)[:, :, None]
    mixed >>= 8
    pixels = mixed.astype(np.uint8)
    if unseen is not None:
        grey = image[unseen].mean(axis=1, keepdims=True)
        pixels[unseen] = (140 + 0.35 * grey).astype(np.uint8)
    return pixels


def muted(image: Array, share: float = 0.6) -> Array:
    """Take colour out of a picture, so that heat is the only strong colour on it.

    Args:
        image: the picture, ``(H, W, 3)`` uint8.
        share: 0 leaves it as it is, 1 makes it grey.

    Returns:
        ``(H, W, 3)`` uint8.

    Example:
        >>> muted(np.array([[[255, 0, 0]]], np.uint8), share=1.0).tolist()
        [[[76, 76, 76]]]
    """
    _check_image(image)
    full = Image.fromarray(image)
    return np.array(Image.blend(full, full.convert("L").convert("RGB"), share), dtype=np.uint8)


def draw_boxes(
    image: Array,
    boxes: npt.ArrayLike,
    labels: Sequence[str] = (),
    styles: Sequence[Line] = (),
) -> Array:
    """Draw boxes into a picture, told apart by their line and label, never by colour alone.

    Args:
        image: the picture, ``(H, W, 3)`` uint8; it is not changed.
        boxes: ``(n, 4)`` or ``(4,)``, ``(x0, y0, x1, y1)`` in pixels, end exclusive; a row of NaN
            (no box) is left out.
        labels: n texts, or none.
        styles: n of "solid", "dashed" and "dotted"; all solid by default.

    Returns:
        ``(H, W, 3)`` uint8.

    Raises:
        TypeError: ``image`` is not uint8.
        ValueError: ``boxes`` is not ``(n, 4)``, or the counts or styles do not fit.

    Example:
        >>> picture = np.zeros((40, 60, 3), np.uint8)
        >>> drawn = draw_boxes(picture, [10, 10, 50, 30])
        >>> drawn[10, 30].tolist(), drawn[20, 30].tolist()
        ([255, 255, 255], [0, 0, 0])
    """
    _check_image(image)
    rows, labels, styles = _check_boxes(boxes, labels, styles)
    canvas = Image.fromarray(image)
    draw = ImageDraw.Draw(canvas)
    width = max(1, round(max(image.shape[:2]) / 200))
    font = _font(max(10, round(max(image.shape[:2]) / 30)))
    for row, line in zip(rows, styles, strict=True):
        if not np.isnan(row).any():
            _draw_box(draw, row, line, width, canvas.size)
    for row, label in zip(rows, labels, strict=True):
        if label and not np.isnan(row).any():
            _draw_label(draw, row, label, font, width, canvas.size)
    return np.array(canvas, dtype=np.uint8)


def _as_map(values: npt.ArrayLike) -> npt.NDArray[np.floating[Any]]:
    detach = getattr(values, "detach", None)
    cells = np.asarray(detach().cpu() if detach is not None else values)
    if cells.ndim != 2 or cells.size == 0 or cells.dtype.kind not in "fiub":
        raise ValueError(
            f"A map must hold numbers, (H, W), got shape {cells.shape} of {cells.dtype}."
        )
    return cells if cells.dtype == np.float64 else cells.astype(np.float32, copy=False)


def _largest(cells: npt.NDArray[np.floating[Any]]) -> float:
    """The largest finite value, or zero where there is none."""
    finite = cells[np.isfinite(cells)]
    return float(finite.max()) if finite.size else 0.0


def _steps(
    cells: npt.NDArray[np.floating[Any]], vmin: float, vmax: float
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_] | None]:
    """Entries of a table of 256 colours, and where there is no number (None: nowhere)."""
    if not (math.isfinite(vmin) and math.isfinite(vmax)) or vmax <= vmin:
        raise ValueError(f"vmax must be a number above vmin, got vmin={vmin}, vmax={vmax}.")
    unseen = np.isnan(cells)
    some_unseen = bool(unseen.any())
    # Clipped first: an infinite value has a colour too, and no product overflows.
    scaled = np.clip(np.where(unseen, vmin, cells) if some_unseen else cells, vmin, vmax)
    scaled = (scaled - vmin) * (255.0 / (vmax - vmin)) + 0.5
    return scaled.astype(np.uint8), unseen if some_unseen else None


@lru_cache(maxsize=16)
def _table(colours: str) -> Array:
    """A colour map as ``(256, 3)`` uint8."""
    if colours not in matplotlib.colormaps:
        raise ValueError(
            f'There is no colour map {colours!r}; use "magma", "viridis" or "cividis".'
        )
    entries = matplotlib.colormaps[colours](np.linspace(0, 1, 256))[:, :3]
    table: Array = np.rint(entries * 255).astype(np.uint8)
    table.setflags(write=False)
    return table


@lru_cache(maxsize=64)
def _blend_tables(
    colours: str, opacity: float
) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint16]]:
    """What each step of heat adds ``(256, 3)`` and how much of the picture it keeps ``(256,)``."""
    # The exponent lets middling heat be seen on a busy photograph; zero stays clear.
    share = np.linspace(0, 1, 256) ** 0.6
    covered = np.rint(256 * opacity * share).astype(np.uint16)
    added = _table(colours).astype(np.uint16) * covered[:, None]
    return added, np.uint16(256) - covered


def _check_image(image: Array) -> None:
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        kind = image.dtype if isinstance(image, np.ndarray) else type(image).__name__
        raise TypeError(f"image must be an array of uint8, got {kind}: use camkit.images.read.")
    if image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"image must be (H, W, 3), got {image.shape}: use camkit.images.read.")


def _check_boxes(
    boxes: npt.ArrayLike, labels: Sequence[str], styles: Sequence[Line]
) -> tuple[npt.NDArray[np.float64], list[str], list[Line]]:
    rows = np.asarray(boxes, dtype=np.float64)
    if rows.size == 0 or rows.ndim == 1:
        rows = rows.reshape(-1, rows.size or 4)
    if rows.ndim != 2 or rows.shape[1] != 4:
        raise ValueError(f"boxes must be (n, 4), got {rows.shape}.")
    count = len(rows)
    for name, given in (("labels", labels), ("styles", styles)):
        if isinstance(given, str) or len(given) not in (0, count):
            raise ValueError(f"{name} must be a list of {count}, one for each box, got {given!r}.")
    for line in styles:
        if line not in _DASHES:
            raise ValueError(f'A style is "solid", "dashed" or "dotted", got {line!r}.')
    return rows, list(labels) or [""] * count, list(styles) or ["solid"] * count


_DASHES: dict[str, tuple[float, float]] = {
    "solid": (1.0, 0.0),
    "dashed": (6.0, 4.0),
    "dotted": (1.5, 2.5),
}
"""Length of a stroke and of the gap after it, in line widths."""


def _draw_box(
    draw: ImageDraw.ImageDraw,
    row: npt.NDArray[np.float64],
    line: Line,
    width: int,
    size: tuple[int, int],
) -> None:
    # A side that runs along the picture's edge, or beyond it, is drawn just inside.
    edge = max(1, width // 2) + width // 2
    last = (size[0] - 1 - edge, size[1] - 1 - edge) * 2
    x0, y0, x1, y1 = (
        int(min(max(v, edge), end))
        for v, end in zip(np.rint(row - (0, 0, 1, 1)), last, strict=True)
    )
    sides = (((x0, y0), (x1, y0)), ((x1, y0), (x1, y1)), ((x0, y1), (x1, y1)), ((x0, y0), (x0, y1)))
    # A dark edge under a white line is seen on any picture.
    for grow, ink in ((max(1, width // 2), HALO), (0, "white")):
        for (ax, ay), (bx, by) in sides:
            for start, stop in _strokes(max(bx - ax, by - ay), line, width):
                along = (1, 0) if by == ay else (0, 1)
                draw.rectangle(
                    (
                        ax + along[0] * start - (width - 1) // 2 - grow,
                        ay + along[1] * start - (width - 1) // 2 - grow,
                        ax + along[0] * stop + width // 2 + grow,
                        ay + along[1] * stop + width // 2 + grow,
                    ),
                    fill=ink,
                )


def _strokes(length: int, line: Line, width: int) -> list[tuple[int, int]]:
    stroke, gap = (max(1, round(part * width)) for part in _DASHES[line])
    if line == "solid":
        return [(0, length)]
    return [(at, min(at + stroke, length)) for at in range(0, length + 1, stroke + gap)]


def _draw_label(
    draw: ImageDraw.ImageDraw,
    row: npt.NDArray[np.float64],
    label: str,
    font: ImageFont.FreeTypeFont,
    width: int,
    size: tuple[int, int],
) -> None:
    pad = max(2, int(font.size) // 4)
    left, top, right, bottom = draw.textbbox((0, 0), label, font=font)
    wide, high = right - left + 2 * pad, bottom - top + 2 * pad
    x = min(max(0, int(row[0]) - width), max(0, size[0] - int(wide)))
    # Above the box where there is room, else inside its upper edge.
    y = int(row[1]) - int(high) - width
    y = y if y >= 0 else min(max(0, int(row[1])), max(0, size[1] - int(high)))
    draw.rectangle((x, y, x + wide, y + high), fill=HALO)
    draw.text((x + pad - left, y + pad - top), label, font=font, fill="white")


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont:
    path = Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
    return ImageFont.truetype(str(path), size)


# --- figures ------------------------------------------------------------------------------------


def subplots(
    rows: int = 1, columns: int = 1, size: tuple[float, float] = (6.0, 3.6), **options: Any
) -> tuple[Figure, Any]:
    """Make an empty figure in the course's style, as ``plt.subplots`` does, but without pyplot.

    Args:
        rows: rows of axes.
        columns: columns of axes.
        size: width and height, in inches.
        options: passed on to `matplotlib.figure.Figure.subplots`.

    Returns:
        The figure, and one axis or an array of them.

    Example:
        >>> fig, ax = subplots()
        >>> ax.spines["top"].get_visible()
        False
    """
    with style():
        fig = Figure(figsize=size, layout="constrained")
        return fig, fig.subplots(rows, columns, **options)


def picture(
    image: Picture,
    heat: npt.ArrayLike | None = None,
    *,
    vmax: float | None = None,
    boxes: npt.ArrayLike = (),
    labels: Sequence[str] = (),
    styles: Sequence[Line] = (),
    title: str = "",
    opacity: float = 0.8,
    colours: str = "magma",
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Show one picture, with heat and boxes where they are given.

    Args:
        image: a picture, ``(H, W, 3)`` or a path.
        heat: raw heat, ``(H, W)``, laid over it as `overlay` does.
        vmax: the heat of the last colour; the map's own maximum by default.
        boxes: ``(n, 4)``, in pixels of the picture.
        labels: n texts, or none.
        styles: n of "solid", "dashed" and "dotted".
        title: a claim, set left above the picture.
        opacity: share of colour at ``vmax``.
        colours: name of a matplotlib colour map.
        ax: the axis to draw on; a new figure by default.

    Returns:
        The figure and the axis.

    Example:
        >>> fig, ax = picture(np.zeros((40, 60, 3), np.uint8), boxes=[10, 10, 50, 30])
        >>> len(ax.patches)
        1
    """
    pixels = _images.read(image)
    if heat is not None:
        pixels = overlay(muted(pixels), heat, vmax, opacity, colours)
    with style():
        if ax is None:
            height = 4.5 * min(2.0, pixels.shape[0] / pixels.shape[1])
            _, ax = subplots(size=(4.5, height + (0.35 if title else 0)))
        _draw_panel(ax, pixels, pixels.shape[:2], title)
        _patch_boxes(ax, boxes, labels, styles)
    return cast(Figure, ax.figure), ax


def explain_figure(
    result: CamResult,
    pictures: Picture | Sequence[Picture],
    *,
    titles: Sequence[str] = (),
    threshold: float = 0.2,
    truth: npt.ArrayLike | Sequence[npt.ArrayLike] | None = None,
    opacity: float = 0.8,
    colours: str = "magma",
    shared: bool = True,
    columns: int = 3,
) -> tuple[Figure, AxesArray]:
    """Show what a network saw and where: each picture, then its class maps on one shared scale.

    Args:
        result: what `CamModel.explain` returned, B pictures with n maps each.
        pictures: the same pictures that were explained, one or a list of B.
        titles: B names of the pictures; by default those of their files.
        threshold: share of a map's maximum at which its box is drawn (solid).
        truth: true boxes ``(m, 4)`` in pixels of the picture, or a list of B of them (dashed).
        opacity: share of colour at the hottest place of the figure.
        colours: name of a matplotlib colour map.
        shared: True compares all pictures on one scale; False gives each picture a scale, and a
            colour bar, of its own, shared by its classes.
        columns: panels in a row for one picture; several pictures get one row each.

    Returns:
        The figure and its axes, ``(B, 1 + n)``.

    Raises:
        ValueError: there are not B pictures, or a picture has another size than was explained.

    Example:
        >>> import torch
        >>> from camkit.heads import CamModel
        >>> net = CamModel(torch.nn.Conv2d(3, 8, 3), torch.nn.Linear(8, 2), size=32)
        >>> photo = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
        >>> fig, axes = explain_figure(net.explain(photo), photo)
        >>> axes.shape
        (1, 3)
    """
    listed = list(pictures) if isinstance(pictures, (list, tuple)) else [cast(Picture, pictures)]
    count, shown = int(result.maps.shape[0]), int(result.maps.shape[1])
    if len(listed) != count:
        raise ValueError(f"result explains {count} pictures, but {len(listed)} were given.")
    if columns < 1:
        raise ValueError(f"columns must be at least 1, got {columns}.")
    true, titles = _true_boxes(truth, count), _picture_titles(titles, listed)
    limits = [_limit(part) for part in ([result.maps] * count if shared else result.maps)]
    per_row = min(columns, shown + 1) if count == 1 else shown + 1
    with style():
        fig, axes, bars = _panels(result.views, shown + 1, per_row, 1 if shared else count)
        for i, one in enumerate(listed):
            pixels, view = _to_panel(one, result.views[i])
            heats, base = view.map_back(result.maps[i]), muted(pixels)
            layers = [overlay(base, heat, limits[i], opacity, colours) for heat in heats]
            found = _boxes_of(result, i, threshold)
            words = _panel_words(
                result, i, titles[i], threshold, found, true is not None, axes[i, 0]
            )
            for j, ax in enumerate(axes[i]):
                _draw_panel(ax, [pixels, *layers][j], result.views[i].original, *words[j])
                if true is not None:
                    _patch_boxes(ax, true[i], (), ["dashed"] * len(true[i]))
                _patch_boxes(ax, found[j - 1] if j else (), (), ())
        for bar, limit in zip(bars, limits, strict=False):
            _overlay_bar(bar, limit, opacity, colours)
    return fig, axes


def maps(
    values: npt.ArrayLike,
    titles: Sequence[str] = (),
    *,
    vmax: float | None = None,
    signed: bool | None = None,
    numbers: bool = False,
    label: str = "",
    colours: str = "magma",
    columns: int = 4,
    ax: Axes | None = None,
) -> tuple[Figure, AxesArray]:
    """Show maps cell by cell on one shared scale, with a colour bar in raw units.

    Args:
        values: ``(h, w)`` or ``(n, h, w)``, raw.
        titles: n titles, or none.
        vmax: the value of the last colour; the largest of all maps by default.
        signed: True colours both signs (`diverging`), False clips at zero; by default signed
            where a value is negative.
        numbers: True writes every value into its cell, for maps small enough to read.
        label: what the colour bar measures.
        colours: name of a matplotlib colour map for unsigned maps.
        columns: maps in a row.
        ax: the axis for a single map; a new figure by default.

    Returns:
        The figure and its n axes, ``(n,)``.

    Raises:
        ValueError: ``values`` has another shape, the titles do not fit, or ``ax`` is given for
            several maps.

    Example:
        >>> fig, axes = maps([[11.0, 2.0], [3.0, -1.0]], ["castle"], numbers=True)
        >>> sorted(text.get_text() for text in axes[0].texts)
        ['11', '2', '3', '−1']
    """
    cells = _stack(values)
    titles = _titles(titles, len(cells))
    lowest = -_largest(-cells.reshape(1, -1))
    signed = lowest < 0 if signed is None else signed
    limit = _largest(np.abs(cells) if signed else cells) if vmax is None else vmax
    limit = limit if limit > 0 else 1.0
    norm = Normalize(-limit if signed else 0.0, limit)
    table = matplotlib.colormaps[DIVERGING if signed else colours].with_extremes(bad="#d3d3d3")
    with style():
        axes = _axes_for(len(cells), columns, cells.shape[1] / cells.shape[2], bool(titles[0]), ax)
        for one, title, axis in zip(cells, titles, axes, strict=True):
            axis.imshow(one, norm=norm, cmap=table, interpolation="nearest")
            axis.set_title(title)
            _bare(axis)
            if numbers:
                _write_numbers(axis, one, table(norm(one)))
        fig = cast(Figure, axes[0].figure)
        rows = math.ceil(len(cells) / min(len(cells), max(1, columns)))
        # As thin beside many rows as beside one.
        bar = fig.colorbar(
            ScalarMappable(norm, table), ax=list(axes), shrink=0.8, aspect=14 * rows, pad=0.03
        )
        bar.outline.set_visible(False)
        bar.set_label(label)
    return fig, axes


# --- into a file --------------------------------------------------------------------------------

BOXES_ARE = "x0, y0, x1, y1 in pixels of the photograph, end exclusive"


def told_boxes(result: CamResult, threshold: float = 0.2, picture: int = 0) -> list[dict[str, Any]]:
    """Say what a network found in one picture as plain data: names, scores, boxes.

    Args:
        result: what `CamModel.explain` returned.
        threshold: share of a map's maximum at which its box is drawn.
        picture: which of its pictures.

    Returns:
        For each class: ``class``, ``name``, ``score``, ``probability``, and ``box``: four numbers
        in pixels of the picture, or None with the reason under ``why_no_box``.

    Example:
        >>> import torch
        >>> from camkit.heads import CamModel
        >>> net = CamModel(torch.nn.Conv2d(3, 8, 3), torch.nn.Linear(8, 2), names=["cat", "dog"])
        >>> photo = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
        >>> sorted(told_boxes(net.explain(photo))[0])[:3]
        ['box', 'class', 'name']
    """
    from camkit.boxes import why_no_box
    from camkit.cam import upsample

    boxes = _boxes_of(result, picture, threshold)
    large = upsample(result.maps[picture][None].float(), result.views[picture].size)[0]
    told = []
    for j, c in enumerate(result.classes[picture].tolist()):
        why = why_no_box(large[j])
        told.append(
            {
                "class": c,
                "name": result.names[picture][j],
                "score": float(result.scores[picture, c]),
                "probability": float(result.probabilities[picture, c]),
                "box": [round(float(v), 2) for v in boxes[j]] if why is None else None,
                **({"why_no_box": why} if why else {}),
            }
        )
    return told


def save(
    result: CamResult,
    picture: Picture,
    target: str | os.PathLike[str],
    *,
    boxes: int = 1,
    threshold: float = 0.2,
) -> tuple[Path, Path]:
    """Write a photograph with its boxes as PNG and the boxes as JSON beside it: both whole files.

    The picture keeps its own pixels; nothing of the original file's extra data (place, camera) is
    carried over.

    Args:
        result: what `CamModel.explain` returned for this one picture.
        picture: the picture that was explained.
        target: the files' common name; an ending is replaced by ``.png`` and ``.json``.
        boxes: how many of the classes get their box drawn; all are in the JSON.
        threshold: share of a map's maximum at which a box is drawn.

    Returns:
        The two files, the picture and the boxes.

    Raises:
        ValueError: ``result`` explains several pictures or one of another size, or ``boxes`` is
            not from 1 to the number of classes.
        OSError: the folder is not there or may not be written to; no half file is left.

    Example:
        >>> import tempfile, torch
        >>> from camkit.heads import CamModel
        >>> net = CamModel(torch.nn.Conv2d(3, 8, 3), torch.nn.Linear(8, 2), names=["cat", "dog"])
        >>> photo = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     [file.name for file in save(net.explain(photo), photo, Path(folder, "zoo"))]
        ['zoo.png', 'zoo.json']
    """
    from camkit.recipes import write

    if len(result.views) != 1:
        raise ValueError(f"save takes the result of one picture, got {len(result.views)}.")
    pixels, original = _images.read(picture), result.views[0].original
    if pixels.shape[:2] != original:
        raise ValueError(
            f"The picture is {pixels.shape[1]} x {pixels.shape[0]} pixels, but the explained one "
            f"was {original[1]} x {original[0]}."
        )
    told = told_boxes(result, threshold)
    if not 1 <= boxes <= len(told):
        raise ValueError(f"boxes must be from 1 to {len(told)}, got {boxes}.")
    drawn = [one for one in told[:boxes] if one["box"] is not None]
    labels = [f"{one['name']} {_percent(one['probability'])}" for one in drawn]
    rows = np.array([one["box"] for one in drawn], dtype=np.float64).reshape(-1, 4)
    file = io.BytesIO()
    Image.fromarray(draw_boxes(pixels, rows, labels)).save(file, "png")
    data = {
        "width": original[1],
        "height": original[0],
        "threshold": threshold,
        "boxes_are": BOXES_ARE,
        "classes": told,
    }
    png, table = (Path(target).with_suffix(ending) for ending in (".png", ".json"))
    write(png, file.getvalue())
    # Written last: where it stands, the picture does.
    write(table, (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode())
    return png, table


# --- the parts of a figure ----------------------------------------------------------------------


def _stack(values: npt.ArrayLike) -> npt.NDArray[np.floating[Any]]:
    detach = getattr(values, "detach", None)
    cells = np.asarray(detach().cpu() if detach is not None else values)
    if cells.ndim not in (2, 3) or cells.size == 0 or cells.dtype.kind not in "fiub":
        raise ValueError(
            f"values must be maps (n, h, w) or one map (h, w), got shape {cells.shape}."
        )
    return cells.reshape(-1, *cells.shape[-2:]).astype(np.float64)


def _titles(titles: Sequence[str], count: int) -> list[str]:
    if isinstance(titles, str) or len(titles) not in (0, count):
        raise ValueError(f"titles must be a list of {count}, one for each map, got {titles!r}.")
    return list(titles) or [""] * count


def _axes_for(count: int, columns: int, aspect: float, titled: bool, ax: Axes | None) -> AxesArray:
    """n axes for n maps: the one given, or those of a new figure."""
    if ax is not None:
        if count != 1:
            raise ValueError(f"ax can hold one map, but values holds {count}: leave ax out.")
        return np.array([ax], dtype=object)
    across = min(count, max(1, columns))
    down = math.ceil(count / across)
    side = 2.6 if across > 1 else 3.4
    high = side * min(2.0, max(0.25, aspect)) + (0.3 if titled else 0.1)
    _, grid = subplots(down, across, (side * across + 0.7, high * down), squeeze=False)
    for spare in grid.ravel()[count:]:
        spare.set_axis_off()
    axes: AxesArray = grid.ravel()[:count]
    return axes


def _bare(ax: Axes) -> None:
    ax.set_xticks([])
    ax.set_yticks([])
    for side in ax.spines.values():
        side.set_visible(False)


def _write_numbers(
    ax: Axes, cells: npt.NDArray[np.floating[Any]], shades: npt.NDArray[np.floating[Any]]
) -> None:
    size = max(6.0, min(14.0, 40.0 / max(cells.shape)))
    for (y, x), value in np.ndenumerate(cells):
        light = float(shades[y, x, :3] @ (0.299, 0.587, 0.114)) > 0.55
        ax.text(
            x,
            y,
            f"{value:.3g}".replace("-", "−"),
            ha="center",
            va="center",
            fontsize=size,
            color=INK if light else "white",
        )


def _draw_panel(
    ax: Axes, pixels: Array, original: tuple[int, int], title: str, told: str = ""
) -> None:
    """A picture in its own pixels, whatever the resolution it is drawn at."""
    height, width = original
    ax.imshow(pixels, extent=(0, width, height, 0), interpolation="antialiased")
    ax.set_anchor("NW")
    _bare(ax)
    if title:
        lines = told.count("\n") + 1 if told else 0
        ax.set_title(title, pad=6 + 12 * lines)
    if told:
        ax.annotate(
            told,
            (0, 1),
            (0, 4),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="left",
            va="bottom",
            color=QUIET,
            fontsize=8.5,
            linespacing=1.25,
        )


def _patch_boxes(
    ax: Axes, boxes: npt.ArrayLike, labels: Sequence[str], styles: Sequence[Line]
) -> None:
    rows, labels, styles = _check_boxes(boxes, labels, styles)
    halo = [patheffects.withStroke(linewidth=3.4, foreground=HALO)]
    for (x0, y0, x1, y1), label, line in zip(rows, labels, styles, strict=True):
        if np.isnan(x0):
            continue
        stroke, gap = _DASHES[line]
        # A side along the picture's edge, or beyond it, is drawn just inside.
        (left, right), (low, high) = sorted(ax.get_xlim()), sorted(ax.get_ylim())
        edge = 0.009 * max(right - left, high - low)
        x0, x1 = np.clip((x0, x1), left + edge, max(left + edge, right - edge))
        y0, y1 = np.clip((y0, y1), low + edge, max(low + edge, high - edge))
        ax.add_patch(
            Rectangle(
                (x0, y0),
                x1 - x0,
                y1 - y0,
                fill=False,
                edgecolor="white",
                linewidth=1.7,
                linestyle="-" if line == "solid" else (0, (stroke * 0.6, gap * 0.6)),
                path_effects=halo,
                clip_on=False,
                joinstyle="miter",
            )
        )
        if label:
            ax.annotate(
                label,
                (x0, y0),
                (2, -2),
                textcoords="offset points",
                ha="left",
                va="top",
                color="white",
                fontsize=8.5,
                bbox={"facecolor": HALO, "pad": 2, "linewidth": 0},
            )


def _to_panel(picture: Picture, view: View) -> tuple[Array, View]:
    """The picture at a size that a figure can show, and how to bring maps to that size.

    Drawing at the size of a photograph of 50 megapixels would need gigabytes for its maps.
    """
    pixels = _images.read(picture)
    height, width = view.original
    if pixels.shape[:2] != view.original:
        raise ValueError(
            f"The picture is {pixels.shape[1]} x {pixels.shape[0]} pixels, but the explained one "
            f"was {width} x {height}: give the same pictures in the same order."
        )
    scale = PANEL_PIXELS / max(height, width)
    rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
    small = Image.fromarray(pixels).resize(
        (columns, rows), Image.Resampling.BICUBIC if scale < 1 else Image.Resampling.NEAREST
    )
    x0, y0, x1, y1 = view.region
    across, down = columns / width, rows / height
    region = (x0 * across, y0 * down, x1 * across, y1 * down)
    return np.array(small, dtype=np.uint8), View((rows, columns), view.size, region)


def _limit(maps: Any) -> float:
    """The hottest cell of raw maps, the end of their scale; 1 where nothing is hot."""
    largest = _largest(_as_map(maps.reshape(1, -1)))
    return largest if largest > 0 else 1.0


def _panels(
    views: Sequence[View], count: int, per_row: int, bars: int
) -> tuple[Figure, AxesArray, list[Axes]]:
    """A figure of equally wide panels, ``count`` for each view, and axes for the colour bars."""
    shapes = [max(0.12, min(2.0, view.original[0] / view.original[1])) for view in views]
    width = max(1.9, min(2.75, 3.4 / float(np.median(shapes))))
    if per_row > 4:
        width = min(width, 2.1)
    lines = math.ceil(count / per_row)
    heights = [width * shape for shape in shapes for _ in range(lines)]
    head, gap, margin, right = 0.5, 0.14, 0.08, 0.8
    wide = 2 * margin + per_row * width + (per_row - 1) * gap + right
    high = sum(heights) + len(heights) * (head + gap) + margin - gap
    fig = Figure(figsize=(wide, high))

    def place(left: float, top: float, across: float, down: float) -> Axes:
        return fig.add_axes((left / wide, (top - down) / high, across / wide, down / high))

    axes, bar_axes, top = np.empty(len(views) * count, dtype=object), list[Axes](), high
    for row, height in enumerate(heights):
        top -= head
        view, line = divmod(row, lines)
        for column in range(min(per_row, count - line * per_row)):
            left = margin + column * (width + gap)
            axes[view * count + line * per_row + column] = place(left, top, width, height)
        if line == 0 and view < bars:
            bar = place(wide - margin - right + 0.16, top, 0.13, min(3.2, max(1.0, height)))
            bar_axes.append(bar)
        top -= height + gap
    return fig, axes.reshape(len(views), count), bar_axes


def _picture_titles(titles: Sequence[str], pictures: Sequence[Picture]) -> list[str]:
    if isinstance(titles, str) or len(titles) not in (0, len(pictures)):
        raise ValueError(f"titles must be a list of {len(pictures)}, got {titles!r}.")
    return list(titles) or [
        Path(one).stem if isinstance(one, (str, os.PathLike)) else "The picture" for one in pictures
    ]


def _panel_words(
    result: CamResult,
    i: int,
    title: str,
    threshold: float,
    boxes: npt.NDArray[np.float64],
    true: bool,
    ax: Axes,
) -> list[tuple[str, str]]:
    """Title and second line of every panel of picture i."""
    room = int(ax.get_position().width * cast(Figure, ax.figure).get_figwidth() * 72 / 6.7)
    height, width = result.views[i].original
    size = f"{width} × {height}, boxes at {100 * threshold:.3g} %"
    words = [(_short(title, room), "dashed: true box" if true else size)]
    for name, c, box in zip(result.names[i], result.classes[i].tolist(), boxes, strict=True):
        told = f"{_percent(float(result.probabilities[i, c]))}, score {result.scores[i, c]:.1f}"
        words.append((_short(name, room), told + ("; no box" if np.isnan(box).any() else "")))
    return words


def _percent(share: float) -> str:
    return "under 0.1 %" if share < 0.001 else f"{100 * share:.1f} %"


def _short(text: str, length: int) -> str:
    """A name that fits above its panel; ImageNet's list several, the first says enough."""
    text = text if len(text) <= length else text.split(",")[0]
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def _boxes_of(result: CamResult, i: int, threshold: float) -> npt.NDArray[np.float64]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a map without a box says so below its title
        found: npt.NDArray[np.float64] = result.boxes(threshold)[i]
    return found


def _true_boxes(
    truth: npt.ArrayLike | Sequence[npt.ArrayLike] | None, count: int
) -> list[npt.NDArray[np.float64]] | None:
    """The true boxes of each picture, ``(m, 4)``."""
    if truth is None:
        return None
    one_picture = count == 1 and np.ndim(cast(Any, truth)) <= 2
    listed = [truth] if one_picture else list(cast("Sequence[npt.ArrayLike]", truth))
    if len(listed) != count:
        raise ValueError(f"truth must hold boxes for {count} pictures, got {len(listed)}.")
    return [_check_boxes(boxes, (), ())[0] for boxes in cast("list[npt.ArrayLike]", listed)]


def _overlay_bar(ax: Axes, vmax: float, opacity: float, colours: str) -> None:
    """A scale in the colours one sees: the heat laid on middle grey."""
    ramp = np.linspace(vmax, 0, 256)[:, None]
    grey = np.full((256, 1, 3), 128, np.uint8)
    ax.imshow(overlay(grey, ramp, vmax, opacity, colours), extent=(0, 1, 0, vmax), aspect="auto")
    ax.set_xticks([])
    ax.yaxis.tick_right()
    ticks = [t for t in MaxNLocator(4).tick_values(0, vmax) if t <= vmax]
    ax.set_yticks(ticks, [f"{t:g}" for t in ticks])
    ax.tick_params(length=2)
    ax.set_ylabel("evidence $M_c$", labelpad=4)
    ax.yaxis.set_label_position("right")
    for side in ax.spines.values():
        side.set_visible(False)


# --- into a notebook ----------------------------------------------------------------------------


def show(fig: Figure | Array, alt: str, caption: str, *, dpi: int = 100) -> None:
    """Put a figure into the notebook with its alternative text and caption.

    JupyterLab gives a plain figure no alternative text, so this one is an HTML ``<figure>``. In a
    terminal both texts are printed. The figure is closed, so that it is not shown twice.

    Args:
        fig: a figure, or a picture ``(H, W, 3)`` uint8.
        alt: what is to be seen, for who cannot see it.
        caption: what it says, one or two sentences for everyone.
        dpi: pixels per inch.

    Raises:
        TypeError: ``fig`` is neither, or a text is not a string.
        ValueError: ``alt`` or ``caption`` is empty.
    """
    text: object  # what a caller passes is not what a type promises
    for name, text in (("alt", alt), ("caption", caption)):
        if not isinstance(text, str):
            raise TypeError(f"{name} must be a string, not {type(text).__name__}.")
        if not text.strip():
            raise ValueError(f"{name} is empty; say in a sentence what the figure shows.")
    given: object = fig
    if isinstance(given, Figure):
        pixels = _rasterise(given, dpi)
    elif isinstance(given, np.ndarray):
        _check_image(given)
        pixels = given
    else:
        hint = ": pass the first of (fig, ax)" if isinstance(fig, tuple) else ""
        raise TypeError(f"fig must be a figure or a picture, not {type(fig).__name__}{hint}.")
    kind, data = encode(pixels)
    _emit(
        {
            "text/html": _HTML.format(
                kind=kind,
                data=base64.b64encode(data).decode(),
                alt=html.escape(alt.strip()),
                caption=html.escape(caption.strip()),
                width=pixels.shape[1] * 100 // dpi if isinstance(fig, Figure) else pixels.shape[1],
            ),
            "text/plain": f"[Figure: {alt.strip()}]\n{caption.strip()}",
        }
    )


_HTML = (
    '<figure style="margin:0.5em 0"><img alt="{alt}" width="{width}" '
    'style="max-width:100%;height:auto" src="data:image/{kind};base64,{data}">'
    '<figcaption style="max-width:46em;margin-top:0.4em">{caption}</figcaption></figure>'
)


def encode(image: Array, quality: int = 85) -> tuple[Literal["png", "jpeg"], bytes]:
    """Compress a picture as PNG with at most 256 colours or as JPEG, whichever is smaller.

    Args:
        image: ``(H, W, 3)`` uint8.
        quality: of the JPEG, 1..95.

    Returns:
        "png" or "jpeg", and the bytes of the file.

    Example:
        >>> kind, data = encode(np.zeros((8, 8, 3), np.uint8))
        >>> kind, data[1:4]
        ('png', b'PNG')
    """
    _check_image(image)
    full = Image.fromarray(image)
    png, jpeg = io.BytesIO(), io.BytesIO()
    full.quantize(256).save(png, "png", optimize=True)
    full.save(jpeg, "jpeg", quality=quality, optimize=True)
    if png.tell() <= jpeg.tell():
        return "png", png.getvalue()
    return "jpeg", jpeg.getvalue()


def _rasterise(fig: Figure, dpi: int) -> Array:
    """Draw a figure to ``(H, W, 3)`` and close it, if pyplot keeps it."""
    file = io.BytesIO()
    with style():
        fig.savefig(file, format="png", dpi=dpi)
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close(fig)
    with Image.open(file) as image:
        return np.array(image.convert("RGB"), dtype=np.uint8)


def _emit(data: dict[str, str]) -> None:
    """Hand the output to Jupyter, or print its text where there is none."""
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        print(data["text/plain"])
        return
    if get_ipython() is None:
        print(data["text/plain"])
    else:
        display(data, raw=True)  # type: ignore[no-untyped-call]
