"""The uploader: every bad file gets one sentence, pictures stand upright, and nothing is stored."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from PIL import Image

from camkit import cli, images
from camkit.widgets import upload
from camkit.widgets.uploads import JUPYTERS_LIMIT, Upload

NOISE = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)


# Smooth, so that JPEG keeps it: red grows to the right, green downwards.
RAMP = np.zeros((64, 96, 3), np.uint8)
RAMP[..., 0], RAMP[..., 1] = np.arange(96) * 2, np.arange(64)[:, None] * 3


def encoded(image: Any = NOISE, form: str = "png", **options: Any) -> bytes:
    file = io.BytesIO()
    (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(file, form, **options)
    return file.getvalue()


def chosen(mine: Upload, name: str, data: bytes) -> None:
    """What the page sends when somebody chose a file."""
    _ = mine.widget
    sent = {"name": name, "type": "image/png", "size": len(data), "last_modified": 0}
    mine._button.set_state({"value": [{**sent, "content": memoryview(data)}]})


def test_a_photograph_comes_to_the_bit_and_to_every_step() -> None:
    seen: list[Any] = []
    mine = upload(lambda photo: seen.append(("on", photo)))
    _ = mine.then(lambda photo: seen.append(("then", photo))).widget
    chosen(mine, "sea.png", encoded())
    assert [name for name, _ in seen] == ["on", "then"]
    assert all((photo == NOISE).all() for _, photo in seen)
    assert mine.said.startswith("sea.png: 96 × 64 pixels")
    assert "sea.png" in mine._line.value
    with Image.open(io.BytesIO(mine._small.value)) as small:
        assert small.size == (96, 64)


def test_a_step_given_later_sees_the_photograph_that_is_there() -> None:
    mine = upload()
    chosen(mine, "a.png", encoded())
    seen: list[Any] = []
    _ = mine.then(seen.append).widget
    assert len(seen) == 1


def test_a_cell_run_again_replaces_its_step() -> None:
    mine, seen = upload(), []

    def step(photo: Any) -> None:
        seen.append(1)

    first = step
    _ = mine.then(first).widget

    def step(photo: Any) -> None:  # type: ignore[no-redef]
        seen.append(2)

    _ = mine.then(step).widget
    chosen(mine, "a.png", encoded())
    assert seen == [2]


def test_a_photograph_from_a_camera_held_upright_is_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    mine = upload()
    chosen(mine, "IMG_1.jpg", encoded(RAMP, form="jpeg", exif=exif, quality=95))
    assert mine.picture is not None
    assert mine.picture.shape == (96, 64, 3)
    assert np.abs(np.rot90(RAMP, -1).astype(int) - mine.picture).mean() < 3
    assert "64 × 96" in mine.said
    with Image.open(io.BytesIO(mine._small.value)) as small:
        assert small.size == (64, 96)


def broken(form: str) -> Iterator[tuple[str, bytes]]:
    whole = encoded(form=form)
    for share in (0.1, 0.5, 0.9):
        yield f"half.{form}", whole[: int(share * len(whole))]


BAD = [
    ("empty.jpg", b""),
    ("letter.jpg", b"not a picture, though its name says so"),
    ("huge.png", encoded(Image.new("1", (9000, 6000)))),
    ("bomb.png", encoded(Image.new("1", (20000, 10000)))),
    ("heights.tiff", encoded(Image.fromarray(np.full((2, 2), 300.0, np.float32)), "tiff")),
    ("deep.tiff", encoded(Image.fromarray(np.full((2, 2), 70000, np.int32)), "tiff")),
    *(case for form in ("jpeg", "png", "gif", "webp", "tiff", "bmp") for case in broken(form)),
]


@pytest.mark.parametrize(("name", "data"), BAD, ids=[f"{i}-{n}" for i, (n, _) in enumerate(BAD)])
def test_every_bad_file_gets_one_sentence_that_names_it(name: str, data: bytes) -> None:
    mine = upload(lambda photo: pytest.fail("a bad file must reach no step"))
    chosen(mine, name, data)
    assert mine.picture is None
    assert mine.said.startswith(f"'{name}' ")
    assert len(mine.said.splitlines()) == 1
    assert mine.said.endswith(".")
    assert "Traceback" not in mine._line.value


@pytest.mark.parametrize(("name", "data"), BAD[:6])
def test_an_upload_is_refused_as_the_file_is(name: str, data: bytes, tmp_path: Path) -> None:
    """`read_bytes` says of bytes what `read` says of the file that holds them."""
    (tmp_path / name).write_bytes(data)
    with pytest.raises(images.PictureError) as of_file:
        images.read(tmp_path / name)
    with pytest.raises(images.PictureError) as of_bytes:
        images.read_bytes(data, name)
    assert str(of_file.value).replace(str(tmp_path) + os.sep, "") == str(of_bytes.value)


def test_after_a_bad_file_the_good_one_still_stands() -> None:
    mine = upload()
    chosen(mine, "good.png", encoded())
    chosen(mine, "bad.png", b"no")
    assert mine.said.endswith("The photograph before it, good.png, still stands.")
    assert mine.picture is not None


def test_a_name_with_marks_of_html_is_shown_as_it_is() -> None:
    mine = upload()
    chosen(mine, "<img src=x>.png", b"no")
    assert "<img" not in mine._line.value


def test_the_button_keeps_nothing_and_forgetting_keeps_nothing_at_all() -> None:
    mine = upload()
    chosen(mine, "a.png", encoded())
    assert mine._button.value == ()
    mine.forget()
    assert mine.picture is None
    assert mine._small.value == b""
    assert "Forgotten" in mine._line.value


def test_the_button_offers_pictures_one_at_a_time() -> None:
    _ = (mine := upload()).widget
    assert mine._button.accept == "image/*"
    assert mine._button.multiple is False


def test_the_limit_is_the_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CAMKIT_UPLOAD_BYTES", raising=False)
    assert f"Up to {JUPYTERS_LIMIT // 1_000_000} MB" in upload().said

    def started(*words: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.os, "execv", started)
    monkeypatch.setattr(cli.subprocess, "call", lambda words: 0)
    monkeypatch.setattr(cli, "find_notebook", lambda *asked: (Path("n"), "index.ipynb"))
    monkeypatch.setenv("CAMKIT_UPLOAD_BYTES", "0")  # what the command sets is put back
    cli.main(["lab", "--no-browser"])
    assert f"Up to {cli.UPLOAD_BYTES // 1_000_000} MB" in upload().said


def test_a_step_must_be_a_function() -> None:
    given: Any = "top five"
    with pytest.raises(TypeError, match="a function of the picture, not a str"):
        upload(given)
    with pytest.raises(TypeError, match="not a str"):
        upload().then(given)


STORED = """
import io
import numpy as np
from PIL import Image
import camkit
from camkit import plot
from camkit.widgets import upload

def figure(photo):
    fig, ax = plot.picture(photo, title="yours")
    camkit.show(fig, "The photograph.", "A caption that names yours.")
    return photo.shape

mine = upload(figure)
mine
"""
CHOOSE = """
noise = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
file = io.BytesIO()
Image.fromarray(noise).save(file, "png")
sent = {"name": "secret.png", "type": "image/png", "size": 1, "last_modified": 0}
mine._button.set_state({"value": [{**sent, "content": memoryview(file.getvalue())}]})
"""


def test_a_saved_notebook_holds_no_pixel_of_the_upload() -> None:
    """What a step shows goes into a widget; the file holds the widget's place and no picture."""
    cells = [nbformat.v4.new_code_cell(c) for c in (STORED, "mine.then(figure)", CHOOSE)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    client = NotebookClient(notebook, kernel_name="python3", timeout=120)
    client.execute()
    shown = [
        output
        for one in client.widget_state.values()
        for output in one.get("outputs", ())
        if "image/" in json.dumps(output)
    ]
    assert shown, "the figure was drawn, inside the widget"
    saved = json.dumps([cell.outputs for cell in notebook.cells])
    for trace in ("data:image", "image/png", "image/jpeg", "names yours", "secret.png", "64, 96"):
        assert trace not in saved, trace
