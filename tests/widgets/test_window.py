"""The explorer of lesson 09: its bars are the measured numbers, its crops those of `transfer`."""

from __future__ import annotations

import re
import time
from typing import Any

import numpy as np
import pytest

from camkit import world, zoo
from camkit.tables import closer
from camkit.tables.closer import Closer, Window
from camkit.widgets import crop_window
from camkit.widgets.explorer import Explorer
from camkit.widgets.window import NAMES, Looked, WindowView

RENDER_MS = 15.0
"""The aim; a test fails at three times as much."""


def invented() -> Closer:
    """Numbers made up for the test: a share of its own for every setting."""
    windows = []
    for i, (source, margin, pixels) in enumerate(closer._settings()):
        shown = tuple((k + i) % 9 for k in range(len(closer.SHOWN)))
        windows.append(Window(source, margin, pixels, 10 + i, 100, 0.9, 0.2, 0.01, shown))
    return Closer(tuple(windows), {}, {}, {})


@pytest.fixture(scope="module")
def explorer() -> Explorer[Looked]:
    return crop_window(zoo.load("objects"), invented())


def value(text: str, name: str) -> str:
    found = re.search(rf"^{re.escape(name)}\t(.*)$", text, re.MULTILINE)
    assert found is not None, text
    return found[1]


@pytest.mark.parametrize("source", closer.SOURCES)
def test_the_readout_is_of_the_setting(source: str, explorer: Explorer[Looked]) -> None:
    one = invented().window(source, 0.3, 256)
    text = explorer.frame(source=source, margin=0.3, pixels=256).text
    assert value(text, "Species named right").startswith(f"{one.right}.0 % of 100 test pictures")
    labels = [world.Birds(split="test").scene(i).label for i in closer.SHOWN]
    right = sum(a == b for a, b in zip(one.shown, labels, strict=True))
    assert value(text, "Of these six") == f"{right} right"


def test_the_share_inside_is_that_of_the_six_birds(explorer: Explorer[Looked]) -> None:
    assert "100 %, 100 %, 100 %, 100 %, 100 %, 100 %" in explorer.frame(source="true").text
    text = value(explorer.frame(source="random", margin=0.0).text, "Share of the bird inside the"
                 " window")  # fmt: skip
    pictures, lot = world.Birds(split="test"), closer.random_boxes("test", 60, 128)
    for i, said in zip(closer.SHOWN, text.split("six ")[1].split(", "), strict=True):
        x0, y0, x1, y1 = lot[i]
        rows, columns = np.nonzero(pictures[i].mask)
        rows, columns = rows + 0.5, columns + 0.5
        held = (columns >= x0) & (columns < x1) & (rows >= y0) & (rows < y1)
        share = 100 * held.mean()
        assert said == (f"{share:.0f} %" if share == 0 or share >= 0.5 else "under 1 %")


def test_every_control_changes_picture_and_readout(explorer: Explorer[Looked]) -> None:
    box, picture, readout = explorer.widget.children
    assert [c.description for c in box.children] == ["window", "margin", "pixels"]
    box.children[0].index = 2  # the whole picture has no margin
    for control in box.children:
        before = picture.value, readout.value
        control.index = (control.index + 1) % len(control.options)
        assert picture.value != before[0], control.description
        assert readout.value != before[1], control.description


def test_equal_states_give_equal_bytes_and_a_frame_is_fast(explorer: Explorer[Looked]) -> None:
    first = explorer.frame()
    spent = []
    for i in range(20):
        start = time.thread_time()
        explorer.frame(source=closer.SOURCES[i % 5], margin=closer.MARGINS[i % 4])
        spent.append(1000 * (time.thread_time() - start))
    assert explorer.frame() == first
    median = sorted(spent)[len(spent) // 2]
    print(f"crop window: {median:.1f} ms a frame, aim {RENDER_MS:.0f}")
    assert median < 3 * RENDER_MS


@pytest.mark.parametrize(
    ("settings", "word"),
    [({"source": "left"}, "whole, cam, true"), ({"margin": 0.2}, "0.3"), ({"pixels": 64}, "256")],
)
def test_bad_settings_are_refused(settings: Any, word: str, explorer: Explorer[Looked]) -> None:
    with pytest.raises(ValueError, match=word):
        explorer.frame(**settings)


def test_the_windows_have_names_and_the_shipped_numbers_are_the_default() -> None:
    assert tuple(NAMES) == closer.SOURCES
    shipped = closer.closer().window("true")
    assert f"{100 * shipped.accuracy:.1f} % of 1,800" in crop_window().frame(source="true").text


def test_the_answers_shown_are_of_the_pictures_shown() -> None:
    view = WindowView(zoo.load("objects"), invented())
    assert len(view.labels) == len(closer.SHOWN) == len(view.small)
    assert len(set(view.labels)) >= 5
