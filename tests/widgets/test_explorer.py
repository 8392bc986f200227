"""The pattern: render is pure, the shell shows what it returns, and an error is seen."""

from __future__ import annotations

import importlib.util
import io
import re
import subprocess
import sys
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from PIL import Image

from camkit import plot
from camkit.cam import upsample
from camkit.widgets.canvas import SCALE, WIDTH, Photo, Sheet, fixed, number, shortened
from camkit.widgets.explorer import Choice, Explorer, Frame, Slider, Tick


@dataclass(frozen=True)
class Bar:
    points: int = 2
    share: float = 0.5
    ink: str = "black"
    framed: bool = False

    def __post_init__(self) -> None:
        if self.points < 0:
            raise ValueError(f"points must not be negative, got {self.points}.")


def render(state: Bar) -> Frame:
    sheet = Sheet(60)
    sheet.bar(0, 10, 100 * state.share, state.points, state.ink)
    if state.framed:
        sheet.frame(0, 5, 110, 40, "black")
    return Frame(sheet.jpeg(), f"Thickness\t{state.points} <points>\nInk {state.ink}")


CONTROLS = (
    Slider("points", "points", "How thick.", -5, 30),
    Slider("share", "share", "How long.", 0.0, 1.0, 0.1),
    Choice("ink", "ink", "Which colour.", (("dark", "black"), ("blue", "#3b528b"))),
    Tick("framed", "framed", "With a frame."),
)


@pytest.fixture
def explorer() -> Explorer[Bar]:
    return Explorer("bar", Bar(), CONTROLS, render, "A bar, as long as the share says.")


def parts_of(explorer: Explorer[Any]) -> tuple[list[Any], Any, Any]:
    """The controls, the picture and the read-out."""
    row, picture, readout = explorer.widget.children
    return list(row.children), picture, readout


def test_the_widget_opens_with_the_start(explorer: Explorer[Bar]) -> None:
    _, picture, readout = parts_of(explorer)
    assert picture.value == render(Bar()).jpeg
    assert "2 &lt;points&gt;" in readout.value
    assert 'role="status" aria-live="polite"' in readout.value


def test_every_control_has_description_tooltip_and_moves_the_picture(
    explorer: Explorer[Bar],
) -> None:
    controls, picture, readout = parts_of(explorer)
    assert [c.description for c in controls] == ["points", "share", "ink", "framed"]
    assert [c.tooltip for c in controls] == [c.tooltip for c in CONTROLS]
    assert all(c.continuous_update for c in controls[:2])
    for control, value in zip(controls, (7, 0.9, "#3b528b", True), strict=True):
        before = picture.value
        control.value = value
        assert picture.value != before
    assert picture.value == render(Bar(7, 0.9, "#3b528b", True)).jpeg
    assert "7 &lt;points&gt;" in readout.value


def test_the_picture_has_an_accessible_name_that_the_page_reads(explorer: Explorer[Bar]) -> None:
    """The page reads `tooltip` only beside a `description`: without one the image broke."""
    _, picture, _ = parts_of(explorer)
    assert picture.tooltip == "A bar, as long as the share says."
    assert picture.get_state()["description"] == ""
    assert (picture.width, picture.height) == ("728", "60")
    assert Image.open(io.BytesIO(picture.value)).size == (728 * SCALE, 60 * SCALE)


def test_an_error_is_said_in_the_readout_and_raised(explorer: Explorer[Bar]) -> None:
    controls, picture, readout = parts_of(explorer)
    before = picture.value
    with pytest.raises(ValueError, match="must not be negative, got -1"):
        controls[0].value = -1
    assert "ValueError: points must not be negative, got -1." in readout.value
    assert picture.value == before
    controls[0].value = 3
    assert "ValueError" not in readout.value
    assert picture.value == render(Bar(3)).jpeg


def test_what_is_no_setting_is_refused(explorer: Explorer[Bar]) -> None:
    with pytest.raises(TypeError, match="no setting 'colour', only points, share, ink, framed"):
        explorer.frame(colour="red")
    with pytest.raises(TypeError, match="'width' names no field of Bar"):
        Explorer("bar", Bar(), [Slider("width", "w", "W.", 0, 1)], render, "A bar.")


def test_the_static_figure_is_made_by_the_same_render(
    explorer: Explorer[Bar], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[dict[str, str]] = []
    monkeypatch.setattr(plot, "_emit", shown.append)
    explorer.figure([{}, {"points": 9, "ink": "#3b528b"}], "Two bars.", "The second is thicker.")
    page = shown[0]["text/html"]
    alts = re.findall(r'<img alt="([^"]+)"', page)
    assert alts == ["Two bars. As it starts.", "The same, points 9, ink blue."]
    assert "9 &lt;points&gt;" in page
    assert "<figcaption" in page
    assert "The second is thicker." in page
    plain = shown[0]["text/plain"]
    assert plain.startswith("[Figure: Two bars.]\nAs it starts\nThickness: 2 <points>\nInk black\n")
    assert len(unescape(page)) < 60_000


@pytest.mark.parametrize(
    ("settings", "alt", "error", "word"),
    [
        ([{}], "Bars.", ValueError, "2 to 6"),
        ([{}] * 7, "Bars.", ValueError, "2 to 6"),
        ([{}, {}], " ", ValueError, "alt is empty"),
        ([{}, {}], None, TypeError, "alt must be a string"),
        ([{}, {"points": -2}], "Bars.", ValueError, "must not be negative"),
        ([{}, {"point": 2}], "Bars.", TypeError, "no setting 'point'"),
    ],
)
def test_a_figure_that_says_nothing_is_refused(
    explorer: Explorer[Bar], settings: Any, alt: Any, error: type[Exception], word: str
) -> None:
    with pytest.raises(error, match=word):
        explorer.figure(settings, alt, "A caption.")


def test_where_widgets_are_not_understood_its_words_are_shown(explorer: Explorer[Bar]) -> None:
    bundle: Any = explorer._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert "application/vnd.jupyter.widget-view+json" in data
    assert data["text/plain"] == (
        "[Explorer: A bar, as long as the share says.]\nThickness: 2 <points>\nInk black"
    )


def test_an_explorer_needs_ipywidgets_only_when_it_is_shown() -> None:
    code = (
        "import sys; from camkit.widgets import mix_the_units; e = mix_the_units(); e.frame(); "
        "print('ipywidgets' in sys.modules); e.widget; print('ipywidgets' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["False", "True"]


def test_a_saved_notebook_carries_no_state_of_an_explorer() -> None:
    """Built as the course is: a line stands where the explorer was, and nothing of its state."""
    path = Path(__file__).resolve().parents[2] / "course" / "build.py"
    spec = importlib.util.spec_from_file_location("course_build", path)
    assert spec is not None
    assert spec.loader is not None
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    cell = nbformat.v4.new_code_cell("from camkit import widgets\nwidgets.mix_the_units()")
    cell.metadata["tags"] = ["explore"]
    notebook = nbformat.v4.new_notebook(cells=[cell])
    build.run(notebook)
    assert "application/vnd.jupyter.widget-view+json" in notebook.cells[0].outputs[0].data
    saved = build.strip(notebook)
    assert [output.data["text/plain"] for output in saved.cells[0].outputs] == [
        "Run this cell to explore."
    ]
    assert "widgets" not in saved.metadata
    assert "model_id" not in nbformat.writes(saved)


# --- the sheet ----------------------------------------------------------------------------------


def test_numbers_have_a_real_minus_and_no_minus_zero() -> None:
    assert [number(v) for v in (-0.0, -2.0, 1.25, 12345.0)] == ["0", "−2", "+1.25", "+1.23e+04"]
    assert [fixed(v, 2) for v in (-0.001, -0.01, 3.0)] == ["0.00", "−0.01", "+3.00"]


def test_a_name_is_cut_to_its_panel() -> None:
    assert shortened("tench, Tinca tinca", 50, 14) == "tench"
    cut = shortened("a" * 60, 100, 14)
    assert cut.endswith("…")
    assert 5 < len(cut) < 20


def test_a_sheet_keeps_a_margin_and_its_copy_is_its_own() -> None:
    sheet = Sheet(20)
    copy = sheet.copy()
    sheet.bar(0, 0, WIDTH, 20, "black")
    assert np.asarray(copy.image).min() == 255
    inked = np.flatnonzero(np.asarray(sheet.image)[5, :, 0] == 0)
    assert (inked[0], inked[-1]) == (4 * SCALE, (WIDTH + 4) * SCALE - 1)


def test_heat_is_painted_as_by_overlay() -> None:
    """By tables in Pillow, for speed; the result is that of `camkit.plot.overlay`."""
    import torch

    rng = np.random.default_rng(0)
    cells = rng.normal(size=(5, 7)).astype(np.float32)
    photo = Photo(rng.integers(0, 256, (60, 90, 3), dtype=np.uint8), side=60)
    limit = float(cells.max())
    painted = np.asarray(photo.heat(cells, limit)).astype(int)
    large = upsample(torch.from_numpy(cells)[None, None], (80, 120))[0, 0]
    wanted = plot.overlay(plot.muted(np.asarray(photo.image)), large, limit).astype(int)
    # Pillow reads the table between its entries, and rounds in another place: a few grey levels.
    difference = np.abs(painted - wanted)
    assert np.quantile(difference, 0.99) <= 12
    assert difference.mean() < 2


def test_signed_values_are_purple_below_grey_at_and_orange_above_zero() -> None:
    photo = Photo(np.full((30, 90, 3), 128, np.uint8), side=90)
    painted = np.asarray(photo.signed(np.array([[-2.0, 0.0, 2.0]], np.float32), 2.0)).astype(int)
    purple, grey, orange = painted[30, 5], painted[30, 90], painted[30, -5]
    assert purple[2] > purple[1] + 30
    assert np.ptp(grey) < 6
    assert orange[0] > orange[2] + 60


@pytest.mark.parametrize(("shape", "size"), [((50, 100), (40, 20)), ((100, 50), (20, 40))])
def test_a_picture_keeps_its_proportions(shape: tuple[int, int], size: tuple[int, int]) -> None:
    photo = Photo(np.zeros((*shape, 3), np.uint8), side=40)
    assert (photo.wide, photo.high) == size
