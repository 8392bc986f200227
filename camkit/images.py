"""Pictures: read any of them safely, cut a network's input out of one, and remember the way back.

Torch is imported only where a tensor is made, so that the picture world can use `Sample`
without it.
"""

from __future__ import annotations

import io
import operator
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

if TYPE_CHECKING:
    import torch

Array: TypeAlias = npt.NDArray[np.uint8]
FloatArray: TypeAlias = npt.NDArray[np.float32]
BoxArray: TypeAlias = npt.NDArray[np.float64]
Picture: TypeAlias = "str | os.PathLike[str] | Image.Image | npt.NDArray[np.generic]"
Fit: TypeAlias = Literal["squash", "crop"]

MAX_MEGAPIXELS = 50
CROP_RATIO = 256 / 224
"""With ``fit="crop"`` the short side becomes 256/224 of the crop, as networks are often tested."""


class PictureError(ValueError):
    """A file or an array that cannot be read as a picture; the message says why."""


@dataclass(frozen=True)
class Sample:
    """One labelled picture with its ground truth.

    Args:
        image: the picture, ``(H, W, 3)``, uint8.
        label: index of the class.
        boxes: ``(n, 4)`` boxes ``(x0, y0, x1, y1)`` in pixels of the picture, end exclusive.
        mask: ``(H, W)``, True on the object, or None where it is not known.
        name: file or sample name, for messages and tables.

    Example:
        >>> sample = Sample(np.zeros((4, 6, 3), np.uint8), 2, np.array([[1.0, 0.0, 5.0, 3.0]]))
        >>> sample.image.shape, sample.label
        ((4, 6, 3), 2)
    """

    image: Array
    label: int
    boxes: BoxArray
    mask: npt.NDArray[np.bool_] | None = None
    name: str = ""


def read(picture: Picture) -> Array:
    """Read a file, a PIL image or an array as RGB pixels, upright.

    Rotation stored in EXIF is applied, transparency is laid on white, greyscale, 16-bit, palette
    and CMYK become RGB, and of an animation the first frame is taken.

    Args:
        picture: a path, a PIL image, or an array ``(H, W, 3)``, ``(H, W, 4)`` or ``(H, W)`` of
            uint8 or of floats in 0..1.

    Returns:
        ``(H, W, 3)`` uint8.

    Raises:
        FileNotFoundError: there is no such file.
        PictureError: the file or array is not a picture, is damaged, or has over 50 megapixels.
        TypeError: something else was passed.

    Example:
        >>> read(np.full((2, 3), 0.5)).shape
        (2, 3, 3)
    """
    if isinstance(picture, np.ndarray):
        return _read_array(picture)
    if isinstance(picture, Image.Image):
        return _read_pil(picture, "The image")
    if isinstance(picture, (str, os.PathLike)):
        return _read_file(Path(picture))
    raise TypeError(
        "picture must be a path, a PIL image, an array (H, W, 3) or a tensor (B, 3, H, W), "
        f"not {type(picture).__name__}."
    )


def _read_file(path: Path) -> Array:
    if not path.exists():
        raise FileNotFoundError(f"There is no file {str(path)!r}; check the name and the folder.")
    if path.is_dir():
        raise PictureError(f"{str(path)!r} is a folder; give the picture files inside it.")
    if path.stat().st_size == 0:
        raise PictureError(f"{str(path)!r} is empty (0 bytes).")
    return _open(path, repr(str(path)))


def read_bytes(data: bytes, name: str = "") -> Array:
    """Read what a file holds, such as an upload, as `read` reads the file; nothing is stored.

    Args:
        data: all bytes of the file.
        name: what messages call it.

    Returns:
        ``(H, W, 3)`` uint8, upright.

    Raises:
        TypeError: ``data`` is not bytes.
        PictureError: it is not a picture, is damaged, or has over 50 megapixels.

    Example:
        >>> read_bytes(b"hello", "letter.jpg")
        Traceback (most recent call last):
        ...
        camkit.images.PictureError: 'letter.jpg' is not a picture that Pillow can read; save it ...
    """
    if not isinstance(data, bytes):
        raise TypeError(f"data must be the bytes of a file, not {type(data).__name__}.")
    what = repr(name) if name else "The file"
    if not data:
        raise PictureError(f"{what} is empty (0 bytes).")
    return _open(io.BytesIO(data), what)


def _open(source: Path | io.BytesIO, what: str) -> Array:
    try:
        with warnings.catch_warnings():  # of large pictures, which are refused below
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(source)
    except Image.DecompressionBombError as error:
        raise PictureError(_too_large(what, "over 170 megapixels")) from error
    except UnidentifiedImageError as error:
        raise PictureError(
            f"{what} is not a picture that Pillow can read; save it as JPEG or PNG."
        ) from error
    except PermissionError as error:
        raise PictureError(f"{what} may not be read: the file belongs to someone else.") from error
    except _DAMAGE as error:
        raise PictureError(f"{what} is damaged or incomplete ({error}).") from error
    with image:
        return _read_pil(image, what)


# What Pillow raises on damaged files, by format.
_DAMAGE = (OSError, SyntaxError, ValueError, EOFError)


def _too_large(what: str, size: str) -> str:
    return f"{what} is too large ({size}); at most {MAX_MEGAPIXELS} megapixels are read: shrink it."


def _read_pil(image: Image.Image, what: str) -> Array:
    width, height = image.size
    if width * height > MAX_MEGAPIXELS * 1_000_000:
        raise PictureError(
            _too_large(what, f"{width} x {height}, {width * height / 1e6:.0f} megapixels")
        )
    if width == 0 or height == 0:
        raise PictureError(f"{what} has no pixels ({width} x {height}).")
    try:
        image.load()
        image = ImageOps.exif_transpose(image)
    except _DAMAGE as error:
        raise PictureError(f"{what} is damaged or incomplete ({error}).") from error
    if image.mode.startswith("I") or image.mode == "F":
        return _read_deep(np.asarray(image), image.mode, what)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        colours = image.convert("RGBA")
        white = Image.new("RGBA", colours.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, colours)
    return np.array(image.convert("RGB"), dtype=np.uint8)


def _read_deep(grey: npt.NDArray[np.generic], mode: str, what: str) -> Array:
    """Greyscale of 16 or 32 bits: Pillow's own conversion would clip at 255, not scale."""
    if grey.dtype.kind == "f":
        return _grey_to_rgb(_floats_to_bytes(grey.astype(np.float64), what))
    low, high = int(grey.min()), int(grey.max())
    if mode == "I" and low >= 0 and high <= 255:
        return _grey_to_rgb(grey.astype(np.uint8))
    if low < 0 or high > 65535:
        raise PictureError(
            f"{what} has values from {low} to {high}; at most 16 bits (0..65535) are read: "
            "scale it to 8 bits first."
        )
    return _grey_to_rgb(((grey.astype(np.uint32) + 128) // 257).astype(np.uint8))  # rounded


def _grey_to_rgb(grey: Array) -> Array:
    return np.repeat(grey[:, :, None], 3, axis=2)


def _read_array(array: npt.NDArray[np.generic]) -> Array:
    shape = array.shape
    if array.ndim == 3 and shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        hint = ""
        if array.ndim == 3 and shape[0] in (1, 3):
            hint = ": move the channels last, with .transpose(1, 2, 0)"
        elif array.ndim == 4:
            hint = ": give several pictures as a list, list(array)"
        raise PictureError(f"An array must be (H, W, 3), got {shape}{hint}.")
    if 0 in shape:
        raise PictureError(f"The array has no pixels, its shape is {shape}.")
    if shape[0] * shape[1] > MAX_MEGAPIXELS * 1_000_000:
        raise PictureError(_too_large("The array", f"{shape[1]} x {shape[0]}"))
    if array.dtype.kind == "f":
        array = _floats_to_bytes(array.astype(np.float64), "The array")
    elif array.dtype != np.uint8:
        raise TypeError(
            f"An array must hold uint8 (0..255) or floats (0..1), got {array.dtype}: "
            "if its values are 0..255, convert it with .astype(np.uint8)."
        )
    pixels = np.array(array, dtype=np.uint8)
    if pixels.ndim == 2:
        return _grey_to_rgb(pixels)
    if pixels.shape[2] == 4:
        return _read_pil(Image.fromarray(pixels), "The array")
    return pixels


def _floats_to_bytes(array: npt.NDArray[np.float64], what: str) -> Array:
    if not np.isfinite(array).all():
        raise PictureError(f"{what} holds NaN or infinite values; a picture needs numbers.")
    low, high = float(array.min()), float(array.max())
    if low < 0 or high > 1:
        raise PictureError(
            f"{what} holds floats from {low:.3g} to {high:.3g}, but they must lie in 0..1: "
            "divide by 255, or pass uint8."
        )
    return np.asarray(np.rint(array * 255), dtype=np.uint8)


def as_size(size: int | tuple[int, int]) -> tuple[int, int]:
    """Turn what a person writes for a size into height and width, checked.

    Args:
        size: height and width in pixels, or one number for both.

    Returns:
        Height and width.

    Raises:
        TypeError: it is not made of whole numbers.
        ValueError: a side is below 1, or there are not one or two numbers.

    Example:
        >>> as_size(224)
        (224, 224)
    """
    given: Any = size
    numbers = (given, given) if np.ndim(given) == 0 else tuple(given)
    try:
        sides = tuple(operator.index(number) for number in numbers)
    except TypeError as error:
        raise TypeError(f"size must be whole numbers of pixels, got {size!r}.") from error
    if len(sides) != 2 or min(sides) < 1:
        raise ValueError(
            f"size must be (height, width) or one number, at least 1 pixel, got {size!r}."
        )
    return sides[0], sides[1]


@dataclass(frozen=True)
class View:
    """How a network's input was cut out of a picture, and the way back.

    The input shows the rectangle ``region`` of the picture, stretched to ``size``. A place x of
    the picture lies at ``(x - x0) * width / (x1 - x0)`` in the input, and likewise for y.

    Args:
        original: height and width of the picture, in pixels.
        size: height and width of the network's input, in pixels.
        region: ``(x0, y0, x1, y1)``, the part of the picture that the input shows, in pixels.

    Example:
        >>> view = View.of((100, 200), size=50)          # squashed: x by 4, y by 2
        >>> view.box_back(np.array([10.0, 10.0, 20.0, 30.0])).tolist()
        [40.0, 20.0, 80.0, 60.0]
    """

    original: tuple[int, int]
    size: tuple[int, int]
    region: tuple[float, float, float, float]

    @classmethod
    def of(
        cls, original: tuple[int, int], size: int | tuple[int, int], fit: Fit = "squash"
    ) -> View:
        """Choose the region: the whole picture squashed, or its centre at its own proportions.

        Args:
            original: height and width of the picture.
            size: height and width of the input, or one number for both.
            fit: "squash" shows everything; "crop" makes the short side 256/224 of the input and
                takes the centre.

        Returns:
            The view.

        Raises:
            TypeError, ValueError: ``fit`` is neither, or ``size`` is not positive pixels.
        """
        height, width = original
        rows, columns = as_size(size)
        if fit == "squash":
            return cls((height, width), (rows, columns), (0.0, 0.0, float(width), float(height)))
        if fit != "crop":
            raise ValueError(f'fit must be "squash" or "crop", got {fit!r}.')
        # Pixels of the picture to one pixel of the input, the same for both sides.
        zoom = min(height / rows, width / columns) / CROP_RATIO
        x0, y0 = (width - columns * zoom) / 2, (height - rows * zoom) / 2
        return cls(
            (height, width), (rows, columns), (x0, y0, x0 + columns * zoom, y0 + rows * zoom)
        )

    def to_input(
        self, image: Array, mean: Sequence[float] = (0, 0, 0), std: Sequence[float] = (1, 1, 1)
    ) -> torch.Tensor:
        """Cut the input out of the picture, resize it (bilinear, antialiased) and normalise it.

        Args:
            image: the picture, ``(H, W, 3)`` uint8, of the view's original size.
            mean: subtracted from each channel, in 0..1.
            std: each channel is divided by it.

        Returns:
            ``(3, h, w)`` float32.

        Raises:
            TypeError: the picture is not uint8.
            ValueError: the picture has another size than the view was made for.

        Example:
            >>> view = View.of((4, 8), size=2)
            >>> view.to_input(np.full((4, 8, 3), 255, np.uint8)).shape
            torch.Size([3, 2, 2])
        """
        import torch

        if image.dtype != np.uint8:
            raise TypeError(f"image must be uint8, not {image.dtype}: camkit.images.read makes it.")
        if image.shape != (*self.original, 3):
            raise ValueError(
                f"This view was made for a picture of shape {(*self.original, 3)}, "
                f"got {image.shape}."
            )
        resized = Image.fromarray(image).resize(
            self.size[::-1], Image.Resampling.BILINEAR, box=self.region
        )
        pixels = torch.from_numpy(np.array(resized)).permute(2, 0, 1).float() / 255
        shape = (3, 1, 1)
        return (pixels - torch.tensor(mean).view(shape)) / torch.tensor(std).view(shape)

    def map_back(self, maps: torch.Tensor) -> FloatArray:
        """Carry maps to the picture's pixels, bilinear, ``align_corners=False``.

        Args:
            maps: ``(..., h, w)``, of any resolution, showing the same region as the input.

        Returns:
            ``(..., H, W)`` float32; NaN where the network never looked (outside a crop).

        Example:
            >>> import torch
            >>> View.of((4, 8), size=2).map_back(torch.ones(1, 2, 2)).shape
            (1, 4, 8)
        """
        from camkit.cam import sample_maps

        height, width = self.original
        x0, y0, x1, y1 = self.region
        # Pixel centres of the picture, as shares of the region.
        across = ((np.arange(width) + 0.5 - x0) / (x1 - x0)).astype(np.float64)
        down = ((np.arange(height) + 0.5 - y0) / (y1 - y0)).astype(np.float64)
        seen = np.outer((down >= 0) & (down <= 1), (across >= 0) & (across <= 1))
        values: FloatArray = sample_maps(maps, down, across).float().numpy()
        return np.where(seen, values, np.float32(np.nan))

    def box_back(self, box: npt.ArrayLike) -> BoxArray:
        """Carry boxes from the input's pixels to the picture's.

        Args:
            box: ``(..., 4)``, ``(x0, y0, x1, y1)`` in pixels of the input.

        Returns:
            The same shape, in pixels of the picture.
        """
        return np.asarray(box, dtype=np.float64) * self._scale() + self._offset()

    def box_to_input(self, box: npt.ArrayLike) -> BoxArray:
        """Carry boxes from the picture's pixels to the input's (the inverse of `box_back`).

        Args:
            box: ``(..., 4)``, ``(x0, y0, x1, y1)`` in pixels of the picture.

        Returns:
            The same shape, in pixels of the input.

        Example:
            >>> View.of((100, 200), size=50).box_to_input([40, 20, 80, 60]).tolist()
            [10.0, 10.0, 20.0, 30.0]
        """
        return (np.asarray(box, dtype=np.float64) - self._offset()) / self._scale()

    def _scale(self) -> BoxArray:
        x0, y0, x1, y1 = self.region
        across, down = (x1 - x0) / self.size[1], (y1 - y0) / self.size[0]
        return np.array([across, down, across, down])

    def _offset(self) -> BoxArray:
        return np.array([self.region[0], self.region[1], self.region[0], self.region[1]])
