"""Every picture a person may have, and the way there and back."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from camkit.images import PictureError, Sample, View, as_size, read

# 4 rows, 6 columns: red grows to the right, green downwards, one corner blue.
SMALL = np.zeros((4, 6, 3), np.uint8)
SMALL[..., 0] = np.arange(6) * 40
SMALL[..., 1] = np.arange(4)[:, None] * 60
SMALL[0, 0, 2] = 255


def saved(path: Path, image: Any, **options: Any) -> Path:
    (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(path, **options)
    return path


# ---------------------------------------------------------------- files that are pictures


@pytest.mark.parametrize("ending", ["png", "bmp", "tiff", "webp"])
def test_lossless_files_come_back_to_the_bit(tmp_path: Path, ending: str) -> None:
    options = {"lossless": True} if ending == "webp" else {}
    path = saved(tmp_path / f"a.{ending}", SMALL, **options)
    for given_as in (path, str(path)):
        found = read(given_as)
        assert found.dtype == np.uint8
        assert (found == SMALL).all()


def test_a_pil_image_and_an_array_come_back_to_the_bit() -> None:
    assert (read(Image.fromarray(SMALL)) == SMALL).all()
    assert (read(SMALL) == SMALL).all()
    assert read(SMALL) is not SMALL  # a copy: nobody's array is drawn on


def test_a_pil_image_stays_open(tmp_path: Path) -> None:
    with Image.open(saved(tmp_path / "a.png", SMALL)) as image:
        assert (read(image) == read(image)).all()


def test_greyscale_becomes_three_equal_channels(tmp_path: Path) -> None:
    grey = SMALL[..., 0]
    for picture in (grey, grey[..., None], grey / 255, saved(tmp_path / "grey.png", grey)):
        assert (read(picture) == grey[..., None]).all()
        assert read(picture).shape == (4, 6, 3)


def test_a_black_and_white_file(tmp_path: Path) -> None:
    path = saved(tmp_path / "bits.png", Image.fromarray(SMALL[..., 0] > 100))
    assert (read(path)[..., 0] == (SMALL[..., 0] > 100) * 255).all()


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_places_are_white(tmp_path: Path, mode: str) -> None:
    """Laid on white, not on whatever colour lies hidden there (often black)."""
    image = Image.new(mode, (6, 4))
    if mode == "P":
        image.putpalette([0, 0, 0, 90, 90, 90])
        image.paste(1, (0, 0, 6, 2))
        image.save(tmp_path / "a.png", transparency=0)
    else:
        image.paste((90,) * (len(mode) - 1) + (255,), (0, 0, 6, 2))
        image.save(tmp_path / "a.png")
    found = read(tmp_path / "a.png")
    assert (found[:2] == 90).all()
    assert (found[2:] == 255).all()


def test_half_transparent_is_half_white() -> None:
    rgba = np.array([[[100, 0, 200, 128]]], np.uint8)
    share = 128 / 255
    expected = np.array([100, 0, 200]) * share + 255 * (1 - share)
    assert np.abs(read(rgba)[0, 0] - expected).max() <= 1


def test_sixteen_bits_are_scaled_not_clipped(tmp_path: Path) -> None:
    """A value v of 65535 is what the float v / 65535 is; Pillow's own conversion clips at 255."""
    deep = np.array([[0, 128, 129, 385], [386, 20000, 65406, 65535]], np.uint16)
    found = read(saved(tmp_path / "deep.png", Image.fromarray(deep)))
    assert (found == read(deep / 65535)).all()
    assert found[..., 0].tolist() == [[0, 0, 1, 1], [2, 78, 254, 255]]


def test_files_of_integers_and_floats(tmp_path: Path) -> None:
    grey = SMALL[..., 0]
    assert (read(Image.fromarray(grey.astype(np.int32))) == grey[..., None]).all()
    floats = saved(tmp_path / "floats.tiff", (grey / 255).astype(np.float32))
    assert (read(floats) == grey[..., None]).all()


def test_cmyk_keeps_its_colours(tmp_path: Path) -> None:
    colours = np.zeros((32, 32, 3), np.uint8)
    colours[..., 0] = 200
    path = saved(tmp_path / "print.jpg", Image.fromarray(colours).convert("CMYK"), quality=95)
    assert Image.open(path).mode == "CMYK"
    assert np.abs(read(path).astype(int) - colours).max() < 6


@pytest.mark.parametrize("ending", ["gif", "webp", "png"])
def test_of_an_animation_the_first_frame(tmp_path: Path, ending: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    path = tmp_path / f"moving.{ending}"
    lossless = {"lossless": True} if ending == "webp" else {}
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100, **lossless)
    assert Image.open(path).n_frames == 2
    assert (read(path) == (255, 0, 0)).all()


# What a camera writes, and what the picture on its side must become.
UPRIGHT: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a),
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("ending", ["png", "tiff"])
def test_pictures_stand_upright(tmp_path: Path, orientation: int, ending: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / f"turned.{ending}", SMALL, exif=exif)
    upright = UPRIGHT[orientation](SMALL)
    assert (read(path) == upright).all()
    with Image.open(path) as image:
        assert (read(image) == upright).all()


def test_one_pixel() -> None:
    assert read(np.array([[[1, 2, 3]]], np.uint8)).tolist() == [[[1, 2, 3]]]


def test_floats_are_rounded() -> None:
    assert read(np.array([[0.0, 0.5, 1.0, 0.003]]))[..., 0].tolist() == [[0, 128, 255, 1]]
    assert read(np.array([[0.25]], np.float16))[0, 0, 0] == 64


# ---------------------------------------------------------------- files that are not


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no file '.*cat\.jpg'; check the name"):
        read(tmp_path / "cat.jpg")


def test_not_a_picture(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("not a picture, though its name says so")
    for name, words in [
        ("", "is a folder; give the picture files inside it"),
        ("empty.jpg", r"empty\.jpg' is empty \(0 bytes\)"),
        ("text.jpg", r"text\.jpg' is not a picture that Pillow can read; save it as JPEG or PNG"),
    ]:
        with pytest.raises(PictureError, match=words):
            read(tmp_path / name)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_half_a_file(tmp_path: Path, form: str, share: float) -> None:
    """Every cut ends in one sentence that names the file, also where the header still opens."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    whole = io.BytesIO()
    Image.fromarray(noise).save(whole, form)
    path = tmp_path / "half"
    path.write_bytes(whole.getvalue()[: int(share * whole.tell())])
    with pytest.raises(PictureError, match=r"half' is (damaged or incomplete|not a picture)"):
        read(path)


def test_half_a_file_opened_by_pillow(tmp_path: Path) -> None:
    """Pillow opens the header and fails only when the pixels are asked for."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = saved(tmp_path / "a.jpg", noise)
    path.write_bytes(path.read_bytes()[:-2000])
    with (
        Image.open(path) as image,
        pytest.raises(PictureError, match=r"^The image is damaged or incomplete"),
    ):
        read(image)


@pytest.mark.parametrize("size", [(9000, 6000), (10000, 9500), (20000, 10000)])
def test_huge(tmp_path: Path, size: tuple[int, int]) -> None:
    """One sentence, and no warning of Pillow's beside it, which speaks of attacks."""
    path = saved(tmp_path / "huge.png", Image.new("1", size))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(PictureError, match=r"too large \(.*megapixels\); at most 50 megapix"):
            read(path)


def test_fifty_megapixels_are_read() -> None:
    assert read(np.zeros((5000, 10000), np.uint8)).shape == (5000, 10000, 3)
    with pytest.raises(PictureError, match="The array is too large"):
        read(np.broadcast_to(np.uint8(0), (5001, 10000)))


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (
            np.zeros((3, 8, 9), np.uint8),
            r"got \(3, 8, 9\): move the channels last, with .transpose",
        ),
        (np.zeros((2, 8, 9, 3), np.uint8), r"as a list, list\(array\)"),
        (np.zeros((8, 9, 2), np.uint8), r"must be \(H, W, 3\), got \(8, 9, 2\)\."),
        (np.zeros(5, np.uint8), r"must be \(H, W, 3\), got \(5,\)"),
        (np.zeros((0, 9, 3), np.uint8), r"has no pixels, its shape is \(0, 9, 3\)"),
        (np.full((2, 2), np.nan), "The array holds NaN or infinite values"),
        (np.full((2, 2), np.inf), "The array holds NaN or infinite values"),
        (
            np.array([[0.0, 255.0]]),
            "floats from 0 to 255, but they must lie in 0..1: divide by 255",
        ),
        (np.array([[-1.0, 1.0]]), "floats from -1 to 1, but they must lie in 0..1"),
    ],
)
def test_arrays_that_are_no_pictures(array: np.ndarray, words: str) -> None:
    with pytest.raises(PictureError, match=words):
        read(array)


@pytest.mark.parametrize("dtype", ["int64", "uint16", "bool", "complex128"])
def test_arrays_of_another_kind(dtype: str) -> None:
    with pytest.raises(TypeError, match=rf"uint8 \(0..255\) or floats \(0..1\), got {dtype}"):
        read(np.zeros((2, 2, 3), dtype))


def test_a_file_of_floats_out_of_range_is_named(tmp_path: Path) -> None:
    path = saved(tmp_path / "heights.tiff", np.full((2, 2), 300.0, np.float32))
    with pytest.raises(PictureError, match=r"heights\.tiff' holds floats from 300 to 300"):
        read(path)
    deep = saved(tmp_path / "deep.tiff", np.full((2, 2), 70000, np.int32))
    with pytest.raises(PictureError, match=r"deep\.tiff' has values from 70000 .* at most 16 bits"):
        read(deep)


@pytest.mark.parametrize("picture", [None, 3, b"bytes", {}, torch.zeros(3, 2, 2)])
def test_something_else(picture: object) -> None:
    with pytest.raises(TypeError, match="picture must be a path, a PIL image, an array"):
        read(picture)  # type: ignore[arg-type]


# ---------------------------------------------------------------- views


def test_squash_on_paper() -> None:
    view = View.of((100, 200), size=(50, 40))
    assert view.region == (0, 0, 200, 100)
    assert view.box_back([10, 10, 20, 30]).tolist() == [50, 20, 100, 60]
    assert view.box_to_input([50, 20, 100, 60]).tolist() == [10, 10, 20, 30]


def test_crop_on_paper() -> None:
    # The short side, 512, becomes 256 in the input's scale: 2 pixels to 1. 224 * 2 = 448.
    view = View.of((512, 1000), 224, "crop")
    assert view.region == (500 - 224, 256 - 224, 500 + 224, 256 + 224)
    assert view.box_back([0, 0, 224, 224]).tolist() == [276, 32, 724, 480]
    # Not square: the side that binds is the height, 448 = 2 * 224, against 600 = 3 * 200.
    view = View.of((448, 600), (224, 200), "crop")
    zoom = 2 / (256 / 224)
    assert view.region == pytest.approx(
        (300 - 100 * zoom, 224 - 112 * zoom, 300 + 100 * zoom, 224 + 112 * zoom)
    )


sides = st.integers(1, 300)


@given(sides, sides, sides, sides, st.sampled_from(["squash", "crop"]), st.integers(0, 99))
def test_boxes_go_there_and_back(
    height: int, width: int, rows: int, columns: int, fit: Any, seed: int
) -> None:
    view = View.of((height, width), (rows, columns), fit)
    x0, y0, x1, y1 = view.region
    # The region lies inside the picture (but for the last bit), and its pixels are square if cut.
    slack = 1e-9
    assert x0 >= -slack
    assert y0 >= -slack
    assert x1 <= width + slack
    assert y1 <= height + slack
    if fit == "crop":
        assert (x1 - x0) / columns == pytest.approx((y1 - y0) / rows)
    boxes = np.random.default_rng(seed).uniform(0, 300, (5, 4))
    np.testing.assert_allclose(view.box_to_input(view.box_back(boxes)), boxes, atol=1e-9)
    np.testing.assert_allclose(view.box_back([0, 0, columns, rows]), view.region, atol=1e-9)


@pytest.mark.parametrize("fit", ["squash", "crop"])
@pytest.mark.parametrize("original", [(40, 64), (64, 40), (50, 50)])
@pytest.mark.parametrize("size", [(32, 32), (24, 40)])
def test_a_ramp_comes_back_as_it_was(fit: Any, original: Any, size: Any) -> None:
    """A map that gives each input pixel its place, carried back, gives each pixel its own place."""
    view = View.of(original, size, fit)
    rows, columns = size
    x = view.box_back([[c + 0.5, 0, 0, 0] for c in range(columns)])[:, 0]
    y = view.box_back([[0, r + 0.5, 0, 0] for r in range(rows)])[:, 1]
    ramps = torch.stack(
        [
            torch.from_numpy(x).expand(rows, columns),
            torch.from_numpy(y)[:, None].expand(rows, columns),
        ]
    )
    back = view.map_back(ramps)
    assert back.shape == (2, *original)
    own_x, own_y = np.meshgrid(np.arange(original[1]) + 0.5, np.arange(original[0]) + 0.5)
    x0, y0, x1, y1 = view.region
    seen = (own_x >= x0) & (own_x <= x1) & (own_y >= y0) & (own_y <= y1)
    # A centre on the very edge is in or out by a rounding error.
    edge = (
        sum(np.isclose(own, end) for own, end in zip([own_x, own_y] * 2, view.region, strict=True))
        > 0
    )
    assert (np.isnan(back[0]) == ~seen)[~edge].all()
    # Beyond the outermost cell centres a map repeats its edge.
    inner = ~edge & (own_x >= x[0]) & (own_x <= x[-1]) & (own_y >= y[0]) & (own_y <= y[-1])
    assert inner.sum() > 0.5 * seen.sum()
    assert np.abs(back[0] - own_x)[inner].max() < 1e-4
    assert np.abs(back[1] - own_y)[inner].max() < 1e-4


@pytest.mark.parametrize("fit", ["squash", "crop"])
@pytest.mark.parametrize("original", [(60, 90), (90, 60)])
def test_a_hot_cell_comes_back_where_its_box_does(fit: Any, original: Any) -> None:
    view = View.of(original, (32, 48), fit)
    cell = (5, 9)  # of 8 x 12: each covers 4 x 4 pixels of the input
    maps = torch.zeros(8, 12)
    maps[cell] = 1
    back = view.map_back(maps)
    box = view.box_back([9 * 4, 5 * 4, 10 * 4, 6 * 4])
    rows, columns = np.nonzero(np.nan_to_num(back) > 0.5)
    assert box[0] - 1 <= columns.min() < columns.max() + 1 <= box[2] + 1
    assert box[1] - 1 <= rows.min() < rows.max() + 1 <= box[3] + 1
    y, x = np.unravel_index(np.nanargmax(back), back.shape)
    assert abs(x + 0.5 - (box[0] + box[2]) / 2) <= 0.75
    assert abs(y + 0.5 - (box[1] + box[3]) / 2) <= 0.75


@pytest.mark.parametrize("fit", ["squash", "crop"])
@pytest.mark.parametrize("original", [(200, 300), (300, 200)])
def test_an_object_is_where_its_box_says(fit: Any, original: Any) -> None:
    """A white rectangle in the picture is white in the input, at the box carried there."""
    picture = np.zeros((*original, 3), np.uint8)
    x0, y0, x1, y1 = 90, 80, 150, 140
    picture[y0:y1, x0:x1] = 255
    view = View.of(original, (64, 48), fit)
    inputs = view.to_input(picture)
    rows, columns = np.nonzero(inputs[0].numpy() > 0.5)
    there = view.box_to_input([x0, y0, x1, y1])
    found = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
    assert np.abs(found - there).max() <= 0.5 + 1e-9


def test_squashing_equals_pillow_and_normalises() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (30, 50, 3), dtype=np.uint8)
    resized = Image.fromarray(picture).resize((20, 16), Image.Resampling.BILINEAR)
    expected = (np.array(resized).transpose(2, 0, 1) / 255 - 0.5) / 0.25
    inputs = View.of((30, 50), (16, 20)).to_input(picture, [0.5] * 3, [0.25] * 3)
    assert inputs.dtype == torch.float32
    assert np.abs(inputs.numpy() - expected).max() < 1e-6


def test_one_pixel_there_and_back() -> None:
    for fit in ("squash", "crop"):
        view = View.of((1, 1), 8, fit)  # type: ignore[arg-type]
        assert (view.to_input(np.full((1, 1, 3), 255, np.uint8)) == 1).all()
        assert view.map_back(torch.arange(4.0).view(2, 2)).tolist() == [[1.5]]


def test_maps_of_any_number_of_axes_come_back() -> None:
    view = View.of((6, 9), 4)
    assert view.map_back(torch.zeros(2, 3, 2, 2)).shape == (2, 3, 6, 9)
    assert view.map_back(torch.zeros(2, 2, dtype=torch.float64)).dtype == np.float32


def test_bad_views() -> None:
    with pytest.raises(ValueError, match='fit must be "squash" or "crop", got \'zoom\''):
        View.of((4, 4), 2, "zoom")  # type: ignore[arg-type]
    view = View.of((4, 4), 2)
    with pytest.raises(ValueError, match=r"of shape \(4, 4, 3\), got \(4, 5, 3\)"):
        view.to_input(np.zeros((4, 5, 3), np.uint8))
    with pytest.raises(TypeError, match="image must be uint8, not float64"):
        view.to_input(np.zeros((4, 4, 3)))  # type: ignore[arg-type]


def test_sizes() -> None:
    """Whole numbers of every kind: a size read from an array is not a Python int."""
    assert as_size(np.int64(5)) == (5, 5)  # type: ignore[arg-type]
    assert as_size((np.int32(2), 3)) == (2, 3)  # type: ignore[arg-type]
    for wrong in (0, (3, -1), (1, 2, 3)):
        with pytest.raises(ValueError, match=r"size must be \(height, width\) or one number"):
            as_size(wrong)  # type: ignore[arg-type]
    for kind in (2.5, "12", None):
        with pytest.raises(TypeError, match="size must be whole numbers of pixels"):
            as_size(kind)  # type: ignore[arg-type]


def test_a_sample_needs_no_torch() -> None:
    sample = Sample(SMALL, 1, np.zeros((0, 4)))
    assert sample.mask is None
    assert sample.name == ""
