"""The explorer of lesson 11: its gauges are the numbers of `trust`, its answers the networks'."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from camkit import trust, world, zoo
from camkit.widgets import bias_dial
from camkit.widgets.dial import NETWORKS, Dial
from camkit.widgets.explorer import Explorer

RENDER_MS = 12.0
"""The aim; a test fails at three times as much."""
SCENES = [world.scene_of("dog", "park", seed=3), world.scene_of("mug", "kitchen", seed=1)]


@pytest.fixture(scope="module")
def explorer() -> Explorer[Dial]:
    return bias_dial(scenes=SCENES)


def value(text: str, name: str) -> str:
    found = re.search(rf"^{re.escape(name)}[^\t]*\t(.*)$", text, re.MULTILINE)
    assert found is not None, text
    return found[1]


def a_number(text: str) -> float:
    return float(text.replace("−", "-"))


@pytest.mark.parametrize("network", range(len(NETWORKS)))
@pytest.mark.parametrize("place", [0, 4])
def test_the_gauges_are_true_effects_and_heat_shares(
    network: int, place: int, explorer: Explorer[Dial]
) -> None:
    net, scene = zoo.load(NETWORKS[network][1]), SCENES[0]
    if place:
        others = [b for b in world.BACKGROUNDS if b != "park"]
        scene = scene.on(others[place - 1])
    text = explorer.frame(network=network, place=place).text
    backgrounds = [b for b in world.BACKGROUNDS if b != scene.background.kind]
    drawn = scene.draw(128)
    mask = drawn.visible[scene.kinds.index("dog")]
    result = net.explain(drawn.image, classes=["dog"])
    heat = trust.heat_share(result.maps[0, 0], mask[None])[0]
    assert value(text, "Heat where the dog stands") == f"{100 * heat:.0f} %"
    for name, thing in (("Without the dog", "dog"), ("In other places", "background")):
        wanted = trust.true_effect(net, scene, thing, backgrounds)
        # Its home is not always drawn with the same seed as a place that is put in.
        slack = 0.011 if thing == "dog" or place == 0 else 0.6
        assert a_number(value(text, name)) == pytest.approx(wanted, abs=slack)
    first = net.names[int(result.scores[0].argmax())]
    assert value(text, "The network answers").startswith(f"{first}, ")
    assert value(text, "The network answers").endswith("right" if first == "dog" else "wrong")


def test_without_the_object_the_answer_is_neither_right_nor_wrong(
    explorer: Explorer[Dial],
) -> None:
    text = explorer.frame(object=False).text
    assert value(text, "The picture") == "park, its home, no dog in it"
    assert not re.search("right|wrong", value(text, "The network answers"))
    assert "Heat where the dog stood" in text


def test_the_causes_turn_with_the_tie(explorer: Explorer[Dial]) -> None:
    """The surprise of the explorer: less heat on the object, and rightly so."""
    free, bound = (explorer.frame(network=n).text for n in (0, 2))
    assert value(free, "The stronger cause") == "the dog"
    assert value(bound, "The stronger cause") == "the background"
    heat = [int(value(t, "Heat where")[:-2]) for t in (free, bound)]
    assert heat[0] > heat[1]


def test_every_control_changes_picture_and_readout(explorer: Explorer[Dial]) -> None:
    box, picture, readout = explorer.widget.children
    names = ["tied to home", "place", "scene", "the object is there"]
    assert [c.description for c in box.children] == names
    for control in box.children:
        before = picture.value, readout.value
        if hasattr(control, "options"):
            control.index = (control.index + 1) % len(control.options)
        else:
            control.value = not control.value
        assert picture.value != before[0], control.description
        assert readout.value != before[1], control.description


def test_equal_states_give_equal_bytes_and_a_frame_is_fast(explorer: Explorer[Dial]) -> None:
    first = explorer.frame()
    for i in range(6):
        explorer.frame(network=i % 3, scene=i % 2)  # a picture is painted when it is first shown
    spent = []
    for i in range(24):
        start = time.thread_time()
        explorer.frame(network=i % 3, scene=i % 2)
        spent.append(1000 * (time.thread_time() - start))
    assert explorer.frame() == first
    median = sorted(spent)[len(spent) // 2]
    print(f"bias dial: {median:.1f} ms a frame, aim {RENDER_MS:.0f}")
    assert median < 3 * RENDER_MS


@pytest.mark.parametrize(
    ("settings", "error", "word"),
    [
        ({"network": 3}, ValueError, "network must be from 0 to 2"),
        ({"scene": -1}, ValueError, "scene must be from 0 to 1"),
        ({"place": 8}, ValueError, "place must be from 0 to 7"),
        ({"place": 0.5}, TypeError, "whole number, not float"),
        ({"object": "yes"}, TypeError, "True or False, not str"),
    ],
)
def test_bad_settings_are_refused(
    settings: Any, error: type[Exception], word: str, explorer: Explorer[Dial]
) -> None:
    with pytest.raises(error, match=word):
        explorer.frame(**settings)


def test_two_networks_are_not_enough() -> None:
    with pytest.raises(ValueError, match="needs 3 networks"):
        bias_dial([zoo.load("objects")] * 2, SCENES)
    with pytest.raises(ValueError, match="at least one scene"):
        bias_dial(scenes=[])
