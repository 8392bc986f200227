"""The paper of an explorer: panels, cells, scales and words on a white sheet, fast enough to drag.

Places and lengths are in points of the page; the sheet has `SCALE` pixels to a point, so that
words stay crisp on a fine screen and when a page is enlarged.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import matplotlib
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageDraw, ImageFont

from camkit.images import Array
from camkit.plot import INK, QUIET, colour, diverging, muted, overlay

SCALE = 2
WIDTH = 720
"""Width of every sheet, in points: what a notebook's output shows beside an open file browser."""
MARGIN = 4
"""Left and right of what is drawn, so that no hairline and no letter is cut."""
HEAD = 26
"""From the top of a sheet to its panels, in points."""
LINE = "#d5d9df"


class Sheet:
    """A white sheet to draw on; `copy` lets a callback start from what never changes.

    Args:
        height: in points; the width is always `WIDTH`.

    Example:
        >>> sheet = Sheet(100)
        >>> sheet.words(0, 20, "picture", bold=True)
        >>> sheet.jpeg()[:3]
        b'\\xff\\xd8\\xff'
    """

    def __init__(self, height: int) -> None:
        self.image = Image.new("RGB", ((WIDTH + 2 * MARGIN) * SCALE, height * SCALE), "white")
        self._pen = ImageDraw.Draw(self.image)

    def copy(self) -> Sheet:
        """Return a sheet with the same drawing."""
        new = Sheet.__new__(Sheet)
        new.image = self.image.copy()
        new._pen = ImageDraw.Draw(new.image)
        return new

    def words(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = 14,
        bold: bool = False,
        ink: str = INK,
        anchor: str = "ls",
    ) -> None:
        """Write one line; ``anchor`` is Pillow's (``"ls"``: left end of the base line)."""
        font = _font(round(size * SCALE), bold)
        self._pen.text(((x + MARGIN) * SCALE, y * SCALE), text, font=font, fill=ink, anchor=anchor)

    def paste(self, x: float, y: float, image: Image.Image) -> None:
        """Lay an image down, one to one."""
        self.image.paste(image, (round((x + MARGIN) * SCALE), round(y * SCALE)))

    def cells(self, x: float, y: float, side: float, pixels: Array) -> None:
        """Lay a small array of colours ``(h, w, 3)`` down as sharp cells, ``side`` points wide."""
        height, width = pixels.shape[:2]
        size = (round(side * SCALE), round(side * SCALE * height / width))
        self.paste(x, y, Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST))

    def frame(self, x: float, y: float, wide: float, high: float, ink: str = LINE) -> None:
        """Draw a hairline around a panel, just outside it."""
        x += MARGIN
        box = (x * SCALE - 1, y * SCALE - 1, (x + wide) * SCALE, (y + high) * SCALE)
        self._pen.rectangle(box, outline=ink)

    def grid(self, x: float, y: float, side: float, count: int, ink: str = LINE) -> None:
        """Draw hairlines between ``count`` x ``count`` cells."""
        for at in (side * n / count for n in range(1, count)):
            self.line([(x + at, y), (x + at, y + side)], ink, 1)
            self.line([(x, y + at), (x + side, y + at)], ink, 1)

    def bar(self, x: float, y: float, wide: float, high: float, ink: str = INK) -> None:
        """Fill a rectangle."""
        x += MARGIN
        box = (x * SCALE, y * SCALE, (x + wide) * SCALE - 1, (y + high) * SCALE - 1)
        self._pen.rectangle(box, fill=ink)

    def triangle(self, x: float, y: float, side: float, ink: str = INK) -> None:
        """Fill a triangle that points to the right, its left side's middle at (x, y)."""
        corners = [(x, y - side / 2), (x + side * 0.8, y), (x, y + side / 2)]
        self._pen.polygon([((a + MARGIN) * SCALE, b * SCALE) for a, b in corners], fill=ink)

    def line(self, points: Sequence[tuple[float, float]], ink: str = INK, width: int = 3) -> None:
        """Draw a line through points; ``width`` in pixels."""
        pixels = [((x + MARGIN) * SCALE, y * SCALE) for x, y in points]
        self._pen.line(pixels, fill=ink, width=width, joint="curve")

    def dot(self, x: float, y: float, radius: float = 4, ink: str = INK) -> None:
        """Draw a filled disc with a white rim."""
        x += MARGIN
        for r, fill in ((radius + 1.5, "white"), (radius, ink)):
            place = ((x - r) * SCALE, (y - r) * SCALE, (x + r) * SCALE, (y + r) * SCALE)
            self._pen.ellipse(place, fill=fill)

    def scale(
        self,
        x: float,
        y: float,
        wide: float,
        limit: float,
        *,
        signed: bool,
        painted: bool = False,
        told: str = "",
    ) -> None:
        """Draw a colour bar with its ends, and zero, in raw numbers.

        Args:
            x: left end.
            y: upper edge.
            wide: length.
            limit: the number at the right end.
            signed: True from minus ``limit`` in diverging colours, False from 0 in magma.
            painted: True for colours as they look on a picture of middle grey.
            told: a word between the two ends, where zero does not stand there.
        """
        ramp = np.linspace(-limit if signed else 0.0, limit, 256)[None, :]
        pixels = diverging(ramp, limit) if signed else colour(ramp, limit)
        if painted:
            added, kept = (np.reshape(table, (1, 256, 3)) for table in _tables(signed))
            pixels = (added + kept * 128 // 255).astype(np.uint8)
        size = (round(wide * SCALE), 9 * SCALE)
        self.paste(x, y, Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR))
        self.frame(x, y, wide, 9)
        ends = [(x, "ls", -limit if signed else 0.0), (x + wide, "rs", limit)]
        for at, anchor, value in [*ends, *([(x + wide / 2, "ms", 0.0)] if signed else [])]:
            self.words(at, y + 24, number(value, signed), size=12, ink=QUIET, anchor=anchor)
        self.words(x + wide / 2, y + 24, told, size=11.5, ink=QUIET, anchor="ms")

    def jpeg(self) -> bytes:
        """Encode the sheet as JPEG of quality 85."""
        file = io.BytesIO()
        self.image.save(file, "jpeg", quality=85)
        return file.getvalue()


def number(value: float, signed: bool = True, digits: int = 3) -> str:
    """Write a number for a label: three figures, a real minus sign, no minus zero.

    >>> number(-1.25), number(18.0), number(0.0), number(0.5, signed=False)
    ('−1.25', '+18', '0', '0.5')
    """
    text = f"{value:+.{digits}g}" if signed else f"{value:.{digits}g}"
    text = text.replace("-", "−")
    return text.lstrip("+−") if float(f"{value:.{digits}g}") == 0 else text


def fixed(value: float, digits: int) -> str:
    """Write a number to so many decimals, with its sign, a real minus, and no minus zero.

    >>> fixed(-0.0125, 4), fixed(1e-17, 4)
    ('−0.0125', '0.0000')
    """
    text = f"{value:+.{digits}f}".replace("-", "−")
    return text.lstrip("+−") if float(f"{value:.{digits}f}") == 0 else text


def percent(share: float, digits: int = 0) -> str:
    """Write a share as a percentage; a small one is never written as nothing.

    >>> percent(0.461, 1), percent(0.14), percent(0.0004, 1), percent(0.0)
    ('46.1 %', '14 %', 'under 0.1 %', '0 %')
    """
    least = 10.0**-digits
    if 0 < 100 * share < least / 2:
        return f"under {least:.{digits}f} %"
    return f"{100 * share:.{digits}f} %"


def shortened(text: str, wide: float, size: float) -> str:
    """Cut a name so that it fits ``wide`` points; a list of names is cut to its first.

    >>> shortened("cat", 100, 14), shortened("tabby, tabby cat, mouser", 60, 14)
    ('cat', 'tabby')
    """
    font = _font(round(size * SCALE), False)
    if font.getlength(text) > wide * SCALE:
        text = text.split(",")[0]
    while len(text) > 1 and font.getlength(text) > wide * SCALE:
        text = text.rstrip("…")[:-1] + "…"
    return text


class Photo:
    """A picture at a panel's size, and heat painted on it by table, as `camkit.plot.overlay` does.

    The network must have seen the whole picture, squashed to its input.

    Args:
        pixels: the picture, ``(H, W, 3)`` uint8.
        side: longest side of the panel, in points.

    Example:
        >>> photo = Photo(np.full((50, 100, 3), 128, np.uint8), side=40)
        >>> photo.wide, photo.high, photo.image.size
        (40, 20, (80, 40))
        >>> photo.heat(np.ones((2, 4), np.float32), limit=1.0).size
        (80, 40)
    """

    def __init__(self, pixels: Array, side: int) -> None:
        height, width = pixels.shape[:2]
        self.wide, self.high = (
            max(1, round(side * n / max(height, width))) for n in (width, height)
        )
        self.size = (self.wide * SCALE, self.high * SCALE)
        self.image = Image.fromarray(pixels).resize(self.size, Image.Resampling.BICUBIC)
        self._base = Image.fromarray(muted(np.asarray(self.image)))

    def heat(self, cells: npt.NDArray[np.float32], limit: float) -> Image.Image:
        """Lay a map ``(h, w)`` on the muted picture: clear up to zero, bright at ``limit``."""
        return self._paint(cells, 0.0, limit, *_tables(signed=False))

    def signed(self, cells: npt.NDArray[np.float32], limit: float) -> Image.Image:
        """Lay signed values ``(h, w)`` on it: purple at ``-limit``, grey at zero, orange above."""
        return self._paint(cells, -limit, limit, *_tables(signed=True))

    def cells(self, pixels: Array) -> Image.Image:
        """Stretch the colours of cells ``(h, w, 3)`` over the picture, with sharp borders."""
        return Image.fromarray(pixels).resize(self.size, Image.Resampling.NEAREST)

    def _paint(
        self,
        cells: npt.NDArray[np.float32],
        low: float,
        high: float,
        added: list[int],
        kept: list[int],
    ) -> Image.Image:
        # Pillow's bilinear enlargement follows the rule of `camkit.cam.upsample`.
        large = Image.fromarray(cells).resize((self.wide, self.high), Image.Resampling.BILINEAR)
        steps = np.clip((np.asarray(large) - low) / (high - low), 0, 1) * 255 + 0.5
        index = Image.fromarray(steps.astype(np.uint8)).resize(self.size, Image.Resampling.BILINEAR)
        index.putpalette(kept)
        shining_through = ImageChops.multiply(self._base, index.convert("RGB"))
        index.putpalette(added)
        return ImageChops.add(shining_through, index.convert("RGB"))


@lru_cache(maxsize=2)
def _tables(signed: bool) -> tuple[list[int], list[int]]:
    """For 256 steps: the colour that is added, and the share of the picture kept, as palettes."""
    if not signed:
        ramp = np.linspace(0, 1, 256)[None, :]
        on_black = overlay(np.zeros((1, 256, 3), np.uint8), ramp, 1.0)
        on_white = overlay(np.full((1, 256, 3), 255, np.uint8), ramp, 1.0)
        return on_black.ravel().tolist(), (on_white - on_black).ravel().tolist()
    ramp = np.linspace(-1, 1, 256)
    # Zero keeps most of the picture; beyond it, middling evidence is seen too.
    covered = 0.25 + 0.65 * np.abs(ramp)[:, None] ** 0.6
    added = diverging(ramp[None, :], 1.0)[0] * covered
    kept = np.repeat(255 * (1 - covered), 3, axis=1)
    return np.rint(added).astype(int).ravel().tolist(), np.rint(kept).astype(int).ravel().tolist()


@lru_cache(maxsize=32)
def _font(pixels: int, bold: bool) -> ImageFont.FreeTypeFont:
    # DejaVu comes with matplotlib, so that a sheet is the same on every machine.
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    path = Path(matplotlib.get_data_path(), "fonts", "ttf", name)
    return ImageFont.truetype(str(path), pixels)
