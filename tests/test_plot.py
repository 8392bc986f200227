"""Pixels that a reader can compute, figures that say what they show, and no trace left behind."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image
from torch import nn

from camkit import plot
from camkit.heads import CamModel, CamResult
from camkit.images import View


def result_of(maps: Any, scores: Any, views: list[View]) -> CamResult:
    maps = torch.tensor(maps, dtype=torch.float32)
    count = maps.shape[1]
    return CamResult(
        classes=torch.arange(count).expand(len(maps), -1),
        names=[[f"thing {c}" for c in range(count)]] * len(maps),
        scores=torch.tensor(scores, dtype=torch.float32),
        maps=maps,
        views=views,
    )


@pytest.fixture
def photo() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (60, 90, 3), dtype=np.uint8)


@pytest.fixture
def result(photo: np.ndarray) -> CamResult:
    maps = [[[[0.0, 4.0], [0.0, 0.0]], [[2.0, -1.0], [-1.0, -1.0]], [[-1.0, -2.0], [-3.0, -1.0]]]]
    return result_of(maps, [[2.0, 1.0, 0.0]], [View.of((60, 90), 32)])


# --- pixels -------------------------------------------------------------------------------------


def test_colour_is_the_table_at_255_times_the_share() -> None:
    table = (matplotlib.colormaps["viridis"](np.linspace(0, 1, 256))[:, :3] * 255).round()
    values = np.array([[-5.0, 0.0, 1.0, 2.0, 9.0, np.inf]])
    found = plot.colour(values, vmax=2.0, colours="viridis")[0]
    # 1 of 2 is half of 255, 127.5, which rounds up to entry 128.
    np.testing.assert_array_equal(found, table[[0, 0, 128, 255, 255, 255]])


def test_colour_shows_nan_as_grey_and_takes_tensors() -> None:
    pixels = plot.colour(torch.tensor([[float("nan"), 1.0]]), vmax=1.0)
    assert pixels[0, 0].tolist() == [211, 211, 211]


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: plot.colour([1.0], 1.0), "(H, W)"),
        (lambda: plot.colour([["a"]], 1.0), "numbers"),
        (lambda: plot.colour([[1.0]], vmax=0.0), "vmax"),
        (lambda: plot.colour([[1.0]], vmax=float("nan")), "vmax"),
        (lambda: plot.colour([[1.0]], 1.0, colours="no such"), "magma"),
        (lambda: plot.overlay(np.zeros((2, 2, 3), np.uint8), [[1.0]]), "heatmaps"),
        (lambda: plot.overlay(np.zeros((1, 1, 3), np.uint8), [[1.0]], opacity=60), "opacity"),
        (lambda: plot.draw_boxes(np.zeros((9, 9, 3), np.uint8), [1, 2, 3]), "(n, 4)"),
        (lambda: plot.draw_boxes(np.zeros((9, 9, 3), np.uint8), [1, 2, 3, 4], ["a", "b"]), "label"),
        (lambda: plot.draw_boxes(np.zeros((9, 9, 3), np.uint8), [1, 2, 3, 4], (), ["x"]), "dashed"),
        (lambda: plot.maps(np.zeros((2, 2, 2, 2))), "(n, h, w)"),
        (lambda: plot.maps(np.zeros((2, 2)), ["a", "b"]), "titles"),
        (lambda: plot.maps(np.zeros((2, 2, 2)), ax=plot.subplots()[1]), "ax"),
    ],
)
def test_a_wrong_value_is_named(call: Any, word: str) -> None:
    with pytest.raises(ValueError, match=re.escape(word)):
        call()


def test_an_image_must_be_bytes() -> None:
    with pytest.raises(TypeError, match=r"images\.read"):
        plot.overlay(np.zeros((2, 2, 3)), np.zeros((2, 2)))  # type: ignore[arg-type]


def test_diverging_is_symmetric_and_light_at_zero() -> None:
    low, zero, high = plot.diverging([[-3.0, 0.0, 3.0]])[0].astype(int)
    assert zero.min() > 240
    assert low[2] > low[0]  # purple has more blue than red
    assert high[0] > high[2]  # orange the other way
    # One scale for both signs: -1 of limit 3 is as pale as +1.
    pale = plot.diverging([[-1.0, 1.0]], limit=3.0)[0].astype(int).sum(axis=1)
    assert abs(pale[0] - pale[1]) < 60


def test_overlay_keeps_the_picture_where_there_is_no_heat(photo: np.ndarray) -> None:
    heat = np.full((60, 90), -2.0)
    np.testing.assert_array_equal(plot.overlay(photo, heat), photo)
    np.testing.assert_array_equal(plot.overlay(photo, np.zeros((60, 90))), photo)


def test_overlay_covers_more_the_hotter_it_is() -> None:
    grey = np.full((1, 5, 3), 90, np.uint8)
    drawn = plot.overlay(grey, [[0.0, 1.0, 2.0, 3.0, 4.0]], opacity=0.5).astype(int)
    end = np.array([252, 253, 191])
    assert drawn[0, 4].tolist() == pytest.approx((end + 90) / 2, abs=1)
    covered = np.abs(drawn - 90).sum(axis=2)[0]
    assert covered[0] == 0
    assert (covered[1:] > 0).all()


def test_overlay_with_one_scale_makes_maps_comparable() -> None:
    grey = np.full((1, 1, 3), 90, np.uint8)
    weak, strong = (plot.overlay(grey, [[v]], vmax=4.0) for v in (1.0, 4.0))
    assert not np.array_equal(weak, strong)
    alone = plot.overlay(grey, [[1.0]])  # its own maximum: as hot as any
    np.testing.assert_array_equal(alone, strong)


def test_overlay_greys_what_the_network_did_not_see() -> None:
    red = np.zeros((1, 2, 3), np.uint8)
    red[..., 0] = 255
    seen, unseen = plot.overlay(red, [[-1.0, np.nan]])[0]
    assert seen.tolist() == [255, 0, 0]
    assert len(set(unseen.tolist())) == 1


def test_overlay_with_no_opacity_or_only_nan_is_no_error(photo: np.ndarray) -> None:
    np.testing.assert_array_equal(plot.overlay(photo, np.ones((60, 90)), opacity=0), photo)
    assert plot.overlay(photo, np.full((60, 90), np.nan)).shape == photo.shape


def test_dashed_differs_from_solid_and_nan_draws_nothing() -> None:
    empty = np.full((100, 100, 3), 40, np.uint8)
    before = empty.copy()
    box = [20, 20, 80, 80]
    solid = plot.draw_boxes(empty, box)
    dashed = plot.draw_boxes(empty, box, styles=["dashed"])
    white = [(drawn[20, 20:80] == 255).all(axis=1).mean() for drawn in (solid, dashed)]
    assert white[0] == 1.0
    assert 0.3 < white[1] < 0.9
    np.testing.assert_array_equal(plot.draw_boxes(empty, [[np.nan] * 4], ["none"]), empty)
    np.testing.assert_array_equal(plot.draw_boxes(empty, np.empty((0, 4))), empty)
    np.testing.assert_array_equal(empty, before)


def test_a_box_at_the_edge_is_seen_on_all_four_sides() -> None:
    drawn = plot.draw_boxes(np.zeros((50, 70, 3), np.uint8), [0, 0, 70, 50])
    white = (drawn == 255).all(axis=2)
    for side in (white[:3], white[-3:], white[:, :3].T, white[:, -3:].T):
        assert side.any(axis=0).mean() > 0.9


def test_labels_are_drawn_inside_the_picture() -> None:
    plain = np.zeros((60, 200, 3), np.uint8)
    with_label = plot.draw_boxes(plain, [0, 0, 200, 60], ["Egyptian cat"])
    without = plot.draw_boxes(plain, [0, 0, 200, 60])
    assert (with_label != without).any()
    outside = plot.draw_boxes(plain, [190, 50, 199, 59], ["a long name at the far corner"])
    # The box is 9 pixels wide at the right; the words begin further left, where there is room.
    assert (outside[:, :150] == 255).all(axis=2).any()


def test_the_slider_functions_are_fast() -> None:
    """A median of 400 x 400 within three times its aim; the aims stand beside."""
    rng = np.random.default_rng(0)
    heat = rng.random((400, 400), dtype=np.float32)
    image = rng.integers(0, 255, (400, 400, 3), dtype=np.uint8)
    for call, aim in ((lambda: plot.colour(heat, 1.0), 2), (lambda: plot.overlay(image, heat), 4)):
        call()
        times = []
        for _ in range(15):
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
        # The best of 15, because other work on the machine only ever adds.
        assert min(times) * 1000 < 3 * aim


# --- figures ------------------------------------------------------------------------------------


def test_a_figure_names_classes_probabilities_and_boxes(
    result: CamResult, photo: np.ndarray
) -> None:
    fig, axes = plot.explain_figure(result, photo, titles=["my photo"])
    assert axes.shape == (1, 4)
    assert [ax.get_title(loc="left") for ax in axes[0]] == [
        "my photo", "thing 0", "thing 1", "thing 2",
    ]  # fmt: skip
    told = [[text.get_text() for text in ax.texts] for ax in axes[0]]
    # softmax of 2, 1, 0: e^2 / (e^2 + e + 1) = 66.5 %
    assert told[1] == ["66.5 %, score 2.0"]
    assert told[3] == ["9.0 %, score 0.0; no box"]
    boxes = [[p for p in ax.patches if isinstance(p, Rectangle)] for ax in axes[0]]
    assert [len(found) for found in boxes] == [0, 1, 1, 0]
    # The first map is hot at the upper right: its box starts right of the middle's left half.
    assert boxes[1][0].get_x() > 22
    assert boxes[1][0].get_x() + boxes[1][0].get_width() == pytest.approx(90, abs=1)
    assert isinstance(fig, Figure)


def test_all_maps_of_a_figure_share_one_scale(result: CamResult, photo: np.ndarray) -> None:
    fig, axes = plot.explain_figure(result, photo, columns=4)
    drawn = [ax.images[0].get_array() for ax in axes[0]]
    _, view = plot._to_panel(photo, result.views[0])
    heat = view.map_back(result.maps[0])[1]
    expected = plot.overlay(plot.muted(np.asarray(drawn[0])), heat, vmax=4.0)
    np.testing.assert_array_equal(drawn[2], expected)
    bar = fig.axes[-1]
    assert bar.get_ylabel() == "evidence $M_c$"
    assert bar.get_yticklabels()[0].get_text() == "0"
    assert bar.get_ylim() == (0, 4)


def test_a_scale_for_each_picture_on_request(photo: np.ndarray) -> None:
    views = [View.of((60, 90), 32)] * 2
    two = result_of([[[[8.0, 1.0]]], [[[2.0, 1.0]]]], [[1.0], [1.0]], views)
    one_bar, _ = plot.explain_figure(two, [photo, photo])
    two_bars, axes = plot.explain_figure(two, [photo, photo], shared=False)
    assert axes.shape == (2, 2)
    ends = [[ax.get_ylim()[1] for ax in fig.axes if ax.get_ylabel()] for fig in (one_bar, two_bars)]
    assert ends == [[8], [8, 2]]


def test_true_boxes_are_dashed_and_said_to_be(result: CamResult, photo: np.ndarray) -> None:
    _, axes = plot.explain_figure(result, photo, truth=[10, 10, 50, 50])
    assert "dashed: true box" in axes[0, 0].texts[0].get_text()
    styles = [patch.get_linestyle() for patch in axes[0, 1].patches]
    assert len(styles) == 2
    assert styles[0] != styles[1]


def test_other_pictures_than_were_explained_are_refused(
    result: CamResult, photo: np.ndarray
) -> None:
    with pytest.raises(ValueError, match="2 were given"):
        plot.explain_figure(result, [photo, photo])
    with pytest.raises(ValueError, match="same pictures"):
        plot.explain_figure(result, photo[:, :50])
    with pytest.raises(ValueError, match="titles"):
        plot.explain_figure(result, photo, titles="my photo")


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (300, 1), (2000, 1500)])
def test_any_shape_of_picture_makes_a_printable_figure(size: tuple[int, int]) -> None:
    photo = np.full((*size, 3), 128, np.uint8)
    net = CamModel(nn.Conv2d(3, 4, 3), nn.Linear(4, 2), size=16)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fig, _ = plot.explain_figure(net.explain(photo), photo)
        pixels = plot._rasterise(fig, 50)
    assert max(pixels.shape) < 1500
    assert all(max(ax.images[0].get_array().shape) <= 640 for ax in fig.axes)


def test_maps_write_their_numbers_on_one_scale() -> None:
    fig, axes = plot.maps([[[11.0, 2.0]], [[1.0, 0.5]]], ["a", "b"], numbers=True, label="$M_c$")
    assert {text.get_text() for text in axes[1].texts} == {"1", "0.5"}
    assert axes[0].images[0].get_clim() == axes[1].images[0].get_clim() == (0.0, 11.0)
    assert fig.axes[-1].get_ylabel() == "$M_c$"


def test_maps_with_a_negative_value_get_two_colours() -> None:
    _, axes = plot.maps([[3.0, -1.0]])
    assert axes[0].images[0].get_clim() == (-3.0, 3.0)
    _, axes = plot.maps([[3.0, -1.0]], signed=False)
    assert axes[0].images[0].get_clim() == (0.0, 3.0)


def test_figures_accept_an_axis(photo: np.ndarray) -> None:
    fig, (left, right) = plot.subplots(1, 2)
    assert plot.picture(photo, np.ones((60, 90)), ax=left) == (fig, left)
    assert plot.maps([[1.0, 2.0]], ax=right)[0] is fig
    assert left.images
    assert right.images


def test_nothing_is_told_by_colour_alone_in_the_lines_of_a_plot() -> None:
    _, ax = plot.subplots()
    lines = [ax.plot([0, 1], [n, n])[0] for n in range(6)]
    assert len({(str(line.get_linestyle()), str(line._dash_pattern)) for line in lines}) == 6


def test_no_setting_of_matplotlib_changes(result: CamResult, photo: np.ndarray) -> None:
    before = matplotlib.rcParams.copy()
    fig, _ = plot.explain_figure(result, photo)
    plot.maps([[1.0, 2.0]])
    plot.picture(photo, title="A claim")
    plot.show(fig, "alt", "caption")
    with pytest.raises(RuntimeError), plot.style():
        raise RuntimeError
    assert matplotlib.rcParams.copy() == before


def test_no_figure_needs_pyplot() -> None:
    code = (
        "import sys, numpy as np; from camkit import plot; fig, _ = plot.maps([[1., 2.]]);"
        "plot.show(fig, 'a', 'c'); assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=120)


# --- show ---------------------------------------------------------------------------------------


class _Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: dict[str, dict[str, str | None]] = {}
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found[tag] = dict(attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def notebook() -> Iterator[Any]:
    """An IPython shell, so that output goes where a notebook's does."""
    shells = pytest.importorskip("IPython.core.interactiveshell")
    capture = pytest.importorskip("IPython.utils.capture")
    shell = shells.InteractiveShell.instance()
    try:
        with capture.capture_output() as outputs:
            yield outputs
    finally:
        type(shell).clear_instance()


def test_show_gives_a_figure_its_alternative_text(notebook: Any) -> None:
    fig, _ = plot.maps([[1.0, 2.0]])
    plot.show(fig, 'A "hot" cell & a <cold> one', "The right cell is hotter.")
    (output,) = notebook.outputs
    assert set(output.data) == {"text/html", "text/plain"}
    page = _Tags(output.data["text/html"])
    assert page.found["img"]["alt"] == 'A "hot" cell & a <cold> one'
    assert page.text == "The right cell is hotter."
    assert {"figure", "img", "figcaption"} == set(page.found)
    assert 'A "hot" cell' in output.data["text/plain"]
    assert "The right cell is hotter." in output.data["text/plain"]


def test_show_closes_what_pyplot_keeps(notebook: Any) -> None:
    import matplotlib.pyplot as plt

    fig, ax = plt.subplots()
    ax.plot([0, 1])
    assert plt.fignum_exists(fig.number)
    plot.show(fig, "A line.", "It rises.")
    assert not plt.fignum_exists(fig.number)


def test_show_prints_both_texts_in_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    plot.show(np.zeros((4, 4, 3), np.uint8), "A black square.", "Nothing is there.")
    assert capsys.readouterr().out == "[Figure: A black square.]\nNothing is there.\n"


@pytest.mark.parametrize(
    ("arguments", "kind", "word"),
    [
        ((np.zeros((4, 4, 3), np.uint8), "", "c"), ValueError, "alt is empty"),
        ((np.zeros((4, 4, 3), np.uint8), "a", "  "), ValueError, "caption is empty"),
        ((np.zeros((4, 4, 3), np.uint8), None, "c"), TypeError, "alt"),
        (((1, 2), "a", "c"), TypeError, r"first of \(fig, ax\)"),
    ],
)
def test_show_needs_a_figure_and_two_texts(arguments: Any, kind: Any, word: str) -> None:
    with pytest.raises(kind, match=word):
        plot.show(*arguments)


def test_figures_stay_small(result: CamResult) -> None:
    """A chart becomes PNG, photographs JPEG, both well below 120 kB at 100 dpi."""
    y, x = np.mgrid[:300, :400]
    rng = np.random.default_rng(0)
    smooth = np.stack([x * 0.5, y * 0.6, (x + y) * 0.3], axis=2) + rng.normal(0, 4, (300, 400, 3))
    photo = smooth.clip(0, 255).astype(np.uint8)
    one = result_of(result.maps.tolist(), [[2.0, 1.0, 0.0]], [View.of((300, 400), 32)])
    kind, data = plot.encode(plot._rasterise(plot.explain_figure(one, photo)[0], 100))
    assert kind == "jpeg"
    assert len(data) < 120_000
    _, ax = plot.subplots()
    ax.plot([0, 1, 4, 9])
    kind, data = plot.encode(plot._rasterise(ax.figure, 100))
    assert kind == "png"
    assert len(data) < 30_000


def test_encoded_pictures_open_again(tmp_path: Path, photo: np.ndarray) -> None:
    kind, data = plot.encode(photo)
    file = tmp_path / f"again.{kind}"
    file.write_bytes(data)
    with Image.open(file) as image:
        assert image.size == (90, 60)
