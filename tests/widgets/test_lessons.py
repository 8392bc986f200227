"""The explorers of lessons 01 and 02: their numbers are the arrays', their surprises are true."""

from __future__ import annotations

import io
import math
import re
import time
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from camkit import relatives, world
from camkit.cam import difference_map
from camkit.heads import CamModel, CamResult, NoCamError
from camkit.images import Array
from camkit.widgets import any_class, difference, mix_the_units
from camkit.widgets.classes import AnyClass, Difference
from camkit.widgets.explorer import Explorer
from camkit.widgets.mix import LAST, REACH, Mix, Shift, tiny_network, tiny_picture

RENDER_MS = 12.0
"""The aim; a test fails at three times as much."""


def network(pool: Any = "average") -> CamModel:
    """Random weights, but batch norm that knows a picture, so that the features are not zero."""
    torch.manual_seed(0)
    net = relatives.build("plain", world.CLASSES, pool=pool)
    with torch.no_grad():
        net.head.weight *= 20
    return net


@pytest.fixture(scope="module")
def picture() -> Array:
    return world.two("dog", "boat", seed=1).sample(128).image


@pytest.fixture(scope="module")
def net() -> CamModel:
    return network()


@pytest.fixture(scope="module")
def result(net: CamModel, picture: Array) -> CamResult:
    return net.explain(picture, classes="all")


@pytest.fixture(scope="module")
def all_of_them(net: CamModel, picture: Array) -> dict[str, Explorer[Any]]:
    return {
        "mix": mix_the_units(),
        "shift": mix_the_units(net, picture),
        "any-class": any_class(net, picture),
        "difference": difference(net, picture),
    }


def value(text: str, name: str) -> str:
    """What the read-out says about something."""
    found = re.search(rf"^{re.escape(name)}[^\t]*\t(.*)$", text, re.MULTILINE)
    assert found is not None, text
    return found[1]


def a_number(text: str) -> float:
    found = re.search(r"[+−]?\d+(\.\d+)?(e[+-]\d+)?", text)
    assert found is not None, text
    return float(found[0].replace("−", "-"))


# --- all explorers ------------------------------------------------------------------------------

NAMES = ("mix", "shift", "any-class", "difference")


@pytest.mark.parametrize("name", NAMES)
def test_equal_states_give_equal_bytes(name: str, all_of_them: dict[str, Explorer[Any]]) -> None:
    explorer = all_of_them[name]
    assert explorer.name == name
    first = explorer.frame()
    explorer.frame(**{explorer.controls[0].name: 1})
    again = explorer.frame()
    assert first == again
    assert first.jpeg[:3] == b"\xff\xd8\xff"


@pytest.mark.parametrize("name", NAMES)
def test_every_control_changes_the_picture(
    name: str, all_of_them: dict[str, Explorer[Any]]
) -> None:
    explorer = all_of_them[name]
    row, picture, _ = explorer.widget.children
    for control in row.children:
        before = picture.value
        if hasattr(control, "options"):
            control.index = (control.index + 1) % len(control.options)
        elif isinstance(control.value, bool):
            control.value = not control.value
        else:
            control.value += 2 * control.step
        assert picture.value != before, control.description


@pytest.mark.parametrize("name", NAMES)
def test_a_frame_is_fast_enough_to_drag(name: str, all_of_them: dict[str, Explorer[Any]]) -> None:
    """Processor time of this thread: what else the machine does is not counted."""
    explorer = all_of_them[name]
    field = explorer.controls[0].name
    spent = []
    for i in range(25):
        start = time.thread_time()
        explorer.frame(**{field: i % 3 - (1 if name in ("mix", "shift") else 0)})
        spent.append(1000 * (time.thread_time() - start))
    median = sorted(spent)[len(spent) // 2]
    print(f"{name}: {median:.1f} ms a frame, aim {RENDER_MS:.0f}")
    assert median < 3 * RENDER_MS


# --- 01, mix the units --------------------------------------------------------------------------


def test_the_score_forgets_the_place_to_the_last_digit_and_the_peak_does_not() -> None:
    explorer = mix_the_units()
    said = {}
    for row in range(LAST + 1):
        for column in range(LAST + 1):
            text = explorer.frame(row=row, column=column, flat_edge=0.7, bias=-0.3).text
            said[row, column] = value(text, "Score, pooled first")
            assert said[row, column] == value(text, "Score, map first")
            # The strongest cell is the red spot's, the patch's upper left one.
            assert value(text, "Peak of the map").endswith(f"in row {row}, column {column}")
    # .25 * 1 - .25 * 1 + .25 * .5 + .375 * .7 - .3, on paper
    assert set(said.values()) == {"+0.0875"}


def test_both_ways_to_the_score_agree_for_any_weights() -> None:
    explorer = mix_the_units()
    rng = np.random.default_rng(0)
    for _ in range(20):
        drawn = (rng.integers(-20, 21, 5) / 10).tolist()
        names = ("red_spot", "blue_spot", "upright_edge", "flat_edge", "bias")
        text = explorer.frame(**dict(zip(names, drawn, strict=True))).text
        red, blue, upright, flat, bias = drawn
        wanted = 0.25 * (red + blue + upright) + 0.375 * flat + bias
        assert a_number(value(text, "Score, pooled first")) == pytest.approx(wanted, abs=6e-5)
        assert value(text, "Score, pooled first") == value(text, "Score, map first")


def test_a_map_without_a_positive_cell_has_no_peak() -> None:
    text = mix_the_units().frame(red_spot=-1, blue_spot=-1, upright_edge=-1, flat_edge=0).text
    assert value(text, "Peak of the map") == "no positive cell"


def test_each_unit_answers_to_its_own_tile_only() -> None:
    pixels = torch.from_numpy(tiny_picture(2, 3) / 255.0).permute(2, 0, 1)[None]
    features = tiny_network().features(pixels)[0]  # (4, 6, 6)
    lit = [{tuple(at) for at in torch.nonzero(unit > 1e-9).tolist()} for unit in features]
    assert lit == [{(2, 3)}, {(3, 4)}, {(2, 4)}, {(3, 3), (3, 4)}]
    assert float(features[3, 3, 4].detach()) == pytest.approx(4.5, abs=1e-12)
    assert features.detach().amax(dim=(1, 2)).tolist() == pytest.approx([9.0] * 4, abs=1e-12)


@pytest.mark.parametrize(
    ("changes", "error", "word"),
    [
        ({"row": LAST + 1}, ValueError, "row must be from 0 to 4, got 5"),
        ({"column": 1.5}, TypeError, "column must be a whole number"),
        ({"row": True}, TypeError, "row must be a whole number"),
        ({"red_spot": 2.1}, ValueError, "red_spot must be from -2 to 2"),
        ({"bias": math.nan}, ValueError, "bias must be from -2 to 2"),
        ({"flat_edge": "1"}, TypeError, "flat_edge must be a number"),
    ],
)
def test_a_bad_mix_is_refused(changes: Any, error: type[Exception], word: str) -> None:
    with pytest.raises(error, match=word):
        Mix(**changes)


def test_a_shifted_picture_wobbles_and_the_identity_holds(
    net: CamModel, picture: Array, all_of_them: dict[str, Explorer[Any]]
) -> None:
    explorer = all_of_them["shift"]
    scores = []
    for pixels in range(-REACH, REACH + 1, 4):
        text = explorer.frame(pixels=pixels, wanted=0).text
        pooled = a_number(value(text, "Score of dog, pooled first"))
        assert a_number(value(text, "Score, map first")) == pytest.approx(pooled, abs=2e-4)
        scores.append(pooled)
    assert len(set(scores)) > 1
    # By hand: the picture moved 8 pixels to the right, its left border repeated.
    moved = np.concatenate([np.repeat(picture[:, :1], 8, axis=1), picture[:, :-8]], axis=1)
    text = explorer.frame(pixels=8, wanted=0).text
    wanted = float(net.explain(moved, classes=0).scores[0, 0])
    assert a_number(value(text, "Score of dog")) == pytest.approx(wanted, abs=1e-3)


def test_mix_the_units_takes_both_or_neither(net: CamModel, picture: Array) -> None:
    with pytest.raises(TypeError, match="Give net and picture, or neither"):
        mix_the_units(net)
    with pytest.raises(ValueError, match='"map without a sum"'):
        mix_the_units(network("max"), picture)
    with pytest.raises(ValueError, match="pixels must be from -16 to 16, got 17"):
        Shift(17)
    with pytest.raises(ValueError, match="wanted must be from 0 to 19, got 20"):
        mix_the_units(net, picture).frame(wanted=20)


# --- 02, any class ------------------------------------------------------------------------------


def test_any_class_says_what_the_arrays_say(
    result: CamResult, all_of_them: dict[str, Explorer[Any]]
) -> None:
    heat = result.heatmaps()[0]  # (C, 128, 128): the input's own size
    largest = float(result.maps.max())
    for c in (0, 3, 19):
        text = all_of_them["any-class"].frame(wanted=c, scale="own").text
        peak = float(result.maps[0, c].max())
        share = float((heat[c] > 0.2 * heat[c].max()).mean())
        told = value(text, world.CLASSES[c])
        assert told.startswith(f"score {float(result.scores[0, c]):+.2f}".replace("-", "−"))
        assert told.endswith(f"probability {100 * float(result.probabilities[0, c]):.1f} %")
        assert a_number(value(text, "Raw peak")) == pytest.approx(peak, rel=5e-3)
        assert f"{100 * peak / largest:.0f} % of the largest" in value(text, "Raw peak")
        assert value(text, "Area above") == f"{100 * share:.0f} % of the picture"
        assert a_number(value(text, "The brightest")) == pytest.approx(peak, rel=5e-3)
        shared = all_of_them["any-class"].frame(wanted=c, scale="shared").text
        assert a_number(value(shared, "The brightest")) == pytest.approx(largest, rel=5e-3)


def test_a_weak_class_is_bright_on_its_own_scale_and_fades_on_the_shared(
    result: CamResult, all_of_them: dict[str, Explorer[Any]]
) -> None:
    peaks = result.maps[0].amax(dim=(1, 2))
    weakest = int(torch.where(peaks > 0, peaks, torch.inf).argmin())

    def brightness(scale: str) -> float:
        jpeg = all_of_them["any-class"].frame(wanted=weakest, scale=scale, on_picture=False).jpeg
        panel = np.asarray(Image.open(io.BytesIO(jpeg)))[60:500, 520:960]
        return float(panel.max(axis=(0, 1)).sum())

    assert brightness("own") > 500
    assert brightness("shared") < brightness("own")


def test_a_map_without_a_positive_cell_covers_nothing(picture: Array) -> None:
    net = network()
    with torch.no_grad():
        net.head.weight[4] = -net.head.weight[4].abs()
    text = any_class(net, picture).frame(wanted=4).text
    assert value(text, "Area above") == "0 % of the picture"
    assert value(text, "Raw peak").startswith(("−", "0"))


@pytest.mark.parametrize("make", [any_class, difference])
def test_a_flattened_head_has_no_map(make: Any, picture: Array) -> None:
    with pytest.raises(NoCamError, match="flattens its features"):
        make(network("flatten"), picture)


def test_bad_states_of_lesson_02_are_refused(all_of_them: dict[str, Explorer[Any]]) -> None:
    with pytest.raises(ValueError, match='scale must be "own" or "shared", got \'each\''):
        AnyClass(0, scale="each")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match='scale must be "own" or "shared"'):
        Difference(0, 1, scale="each")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="wanted must be from 0 to 19, got -1"):
        all_of_them["any-class"].frame(wanted=-1)
    with pytest.raises(TypeError, match="b must be a class number, not str"):
        all_of_them["difference"].frame(b="boat")


def test_a_network_with_max_pooling_has_maps_but_no_log_odds(picture: Array) -> None:
    assert any_class(network("max"), picture).frame().jpeg
    with pytest.raises(ValueError, match="do not add up to log-odds"):
        difference(network("max"), picture)


def test_many_classes_and_a_picture_that_is_not_square() -> None:
    torch.manual_seed(0)
    names = [f"kind {c}, also known by another name" for c in range(60)]
    wide = np.random.default_rng(0).integers(0, 256, (50, 120, 3), dtype=np.uint8)
    explorer = any_class(relatives.build("plain", names), wide)
    assert explorer.frame(wanted=59).jpeg != explorer.frame(wanted=58).jpeg


# --- 02, difference -----------------------------------------------------------------------------


@pytest.mark.parametrize(("a", "b"), [(0, 9), (9, 0), (3, 12)])
def test_the_three_numbers_are_the_log_odds(
    a: int, b: int, net: CamModel, result: CamResult, all_of_them: dict[str, Explorer[Any]]
) -> None:
    text = all_of_them["difference"].frame(a=a, b=b).text
    mean = a_number(value(text, "Mean of the difference map"))
    biases = a_number(value(text, "Difference of the biases"))
    total = a_number(value(text, "Their sum, the log-odds"))
    p = result.probabilities[0].double()
    assert total == pytest.approx(float(torch.log(p[a] / p[b])), abs=1e-3)
    assert total == pytest.approx(mean + biases, abs=1.1e-3)
    assert biases == pytest.approx(float((net.bias[a] - net.bias[b]).detach()), abs=6e-4)
    maps = result.maps[0]
    assert mean == pytest.approx(float((maps[a] - maps[b]).mean()), abs=6e-4)
    likelier = world.CLASSES[a if total > 0 else b]
    assert f"So {likelier} is {math.exp(abs(total)):.3g}"[:12] in text


def test_the_explorer_and_the_equation_agree(
    net: CamModel, picture: Array, all_of_them: dict[str, Explorer[Any]]
) -> None:
    from camkit.images import View

    inputs = View.of((128, 128), 128).to_input(picture, net.mean, net.std)[None]
    with torch.no_grad():
        features = net.eval().features(inputs)
        _, log_odds = difference_map(features, net.weights, net.bias, 0, 9)
    text = all_of_them["difference"].frame(a=0, b=9).text
    assert a_number(value(text, "Their sum")) == pytest.approx(float(log_odds), abs=1e-3)


def test_a_class_against_itself_is_no_evidence(all_of_them: dict[str, Explorer[Any]]) -> None:
    text = all_of_them["difference"].frame(a=5, b=5).text
    assert value(text, "Their sum") == "0.000; the scores differ by 0.000"
    assert "A class gives no evidence against itself." in text
