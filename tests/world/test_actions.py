"""Actions: any pose goes with any tool, the tool lies in the hand, and the place tells nothing."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest

from camkit import world
from camkit.world.actions import _FITS, _in_picture, bones_of, grip_of
from camkit.world.compose import box_of
from camkit.world.people import POSE, skeleton
from camkit.world.sprites import find, kinds

N = 400
SCENES = [world.Actions("train", size=32).scene(i) for i in range(N)]
LABELS = np.array([s.label for s in SCENES])
HELD = tuple(world.TOOLS.values())


def test_ten_actions_each_a_pose_and_a_tool_of_its_own() -> None:
    assert len(world.ACTIONS) >= 8
    assert world.POSES == world.ACTIONS
    assert len(set(HELD)) == len(world.ACTIONS)
    assert kinds("person") == ("person",)
    assert set(kinds("tool")) < set(HELD)
    assert set(HELD) & set(world.CLASSES), "some tools are objects that the networks know"


def test_a_scene_holds_one_person_and_its_own_tool_once() -> None:
    for scene in SCENES:
        tool = world.TOOLS[world.ACTIONS[scene.label]]
        assert scene.kinds.count("person") == 1
        assert scene.kinds.count(tool) == 1
        assert scene.about == ("person", tool)
        assert scene.tool is not None
        assert scene.tool.kind == tool


def test_a_sample_has_a_box_for_the_person_and_one_for_the_tool() -> None:
    for action in world.ACTIONS:
        scene = world.action_of(action, background="park", seed=2)
        sample, picture = scene.sample(96), scene.draw(96)
        assert sample.boxes.shape == (2, 4)
        mine = [i for i, k in enumerate(scene.kinds) if k in scene.about]
        assert (sample.mask == picture.visible[mine].any(axis=0)).all()
        assert world.ACTIONS[sample.label] == action


@pytest.mark.parametrize("pose", world.POSES)
def test_any_pose_goes_with_any_tool_inside_the_picture(pose: str) -> None:
    for tool in (*HELD, None):
        scene = world.posed(pose, tool, seed=5)
        for thing in (scene.person, *([scene.tool] if scene.tool else [])):
            x0, y0, x1, y1 = box_of(thing)
            assert min(x0, y0) > -0.01
            assert max(x1, y1) < 1.01
        assert dict(scene.person.words)["pose"] == pose
        assert scene.draw(32).image.shape == (32, 32, 3)


def test_a_held_tool_lies_in_the_hand() -> None:
    held = [tool for tool in HELD if _FITS[tool].to == "hand"]
    assert len(held) >= 5
    for pose, tool, seed in product(world.POSES, held, (0, 1)):
        scene = world.posed(pose, tool, seed=seed)
        assert scene.tool is not None
        hand, grip = world.hand_of(scene.person), _in_picture(scene.tool, grip_of(scene.tool))
        assert np.allclose(hand, grip, atol=1e-9)


def test_the_hand_is_where_it_is_drawn() -> None:
    """The computed place lies on pixels of the part "hand", also of mirrored people."""
    flips = set()
    for seed in range(12):
        scene = world.posed(world.POSES[seed % 10], None, seed=seed)
        picture = scene.draw(160)
        x, y = (round(160 * v) for v in world.hand_of(scene.person))
        hands = picture.part("person", "hand")
        assert hands[max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3].any()
        flips.add(scene.person.flip)
    assert flips == {False, True}


def test_standing_tools_stand_and_a_rider_sits_on_the_saddle() -> None:
    for tool in ("bicycle", "ladder", "broom"):
        scene = world.posed("reading", tool, seed=3)
        assert scene.tool is not None
        assert abs(box_of(scene.tool)[3] - box_of(scene.person)[3]) < 0.01
    for seed in range(4):
        scene = world.action_of("riding", seed=seed)
        assert scene.tool is not None
        hip = _in_picture(scene.person, bones_of(scene.person).hip)
        assert np.allclose(hip, _in_picture(scene.tool, (0.60, 0.30)))
        assert box_of(scene.person)[3] < box_of(scene.tool)[3] - 0.03  # feet in the air


def test_pose_and_tool_are_free_of_each_other() -> None:
    """The same seed gives the same person in the same light; only what is asked for changes."""
    with_phone, with_mug = (world.posed("phoning", t, "park", seed=4) for t in ("phone", "mug"))
    assert with_phone.light == with_mug.light
    assert with_phone.background == with_mug.background
    one, other = with_phone.person, with_mug.person
    assert (one.words, one.numbers, one.colours) == (other.words, other.numbers, other.colours)
    waving = world.posed("kicking", "phone", "park", seed=4).person
    assert waving.colours == one.colours
    assert {**dict(waving.words), "pose": "phoning"} == dict(one.words)


def test_the_tool_can_go_and_grow_while_the_pose_is_kept() -> None:
    for action, tool in world.TOOLS.items():
        scene = world.action_of(action, seed=6)
        left = scene.without(tool)
        assert left.tool is None
        assert left.person == scene.person
        if tool in ("phone", "mug", "book", "rod", "watering can"):
            larger = scene.enlarged(tool, 3.0)
            assert larger.person == scene.person
            assert larger.tool is not None
            assert scene.tool is not None
            assert larger.tool.scale == pytest.approx(3 * scene.tool.scale)
            grip = _in_picture(larger.tool, grip_of(larger.tool))
            assert np.allclose(grip, world.hand_of(scene.person))


def test_a_phone_is_tiny_on_purpose() -> None:
    areas = {}
    for action, tool in world.TOOLS.items():
        scenes = [world.action_of(action, "snow", seed=s) for s in range(6)]
        seen = [s.draw(128).visible[s.kinds.index(tool)].mean() for s in scenes]
        areas[tool] = float(np.mean(seen))
    assert min(areas, key=lambda tool: areas[tool]) == "phone"
    assert areas["phone"] < 0.006


def test_people_differ_and_children_are_not_grey() -> None:
    people = [s.person for s in SCENES]
    words = [dict(p.words) for p in people]
    assert {w["age"] for w in words} == {"grown", "child"}
    assert len({w["skin"] for w in words}) >= 5
    assert len({w["cut"] for w in words}) >= 8
    assert all(w["hair"] != "grey" and w["cut"] != "bald" for w in words if w["age"] == "child")
    assert len({p.colours for p in people}) >= 8


def test_a_person_is_drawn_whole_with_its_parts_in_every_pose() -> None:
    wanted = {"head", "hair", "torso", "arm", "hand", "leg"}
    assert wanted <= set(find("person").parts)
    for pose in POSE:
        scene = world.posed(pose, None, "meadow", seed=7)
        assert set(scene.draw(128).parts("person")) == wanted


def test_joints_turn_by_their_angles() -> None:
    """On paper: an arm at 90 degrees points ahead, to the left; bones keep their lengths."""
    for pose in POSE:
        found = skeleton({"pose": pose, "age": "grown"}, {"arms": 0.0, "legs": 0.0, "bend": 0.0})
        lengths = [
            np.hypot(b[0] - a[0], b[1] - a[1])
            for limb in (found.near_arm, found.far_arm)
            for a, b in pairwise(limb)
        ]
        assert np.allclose(lengths, 0.14)
        assert max(found.near_leg[2][1], found.far_leg[2][1]) == pytest.approx(0.90)
    level = skeleton({"pose": "kicking", "age": "grown"}, {"arms": 0.0, "legs": 0.0, "bend": 0.0})
    assert level.far_arm[2][0] < level.far_arm[0][0]


def test_a_linear_probe_of_bare_backdrops_stays_near_chance() -> None:
    """The pictures themselves, everything taken out of them: 8 x 8 colours and a linear probe."""
    from sklearn.linear_model import RidgeClassifier

    bare = [replace(s, things=()) for s in SCENES]
    x = np.stack([s.draw(32).image[::4, ::4].reshape(-1) for s in bare]).astype(float)
    probe = RidgeClassifier(alpha=1e4).fit(x[:200], LABELS[:200])
    assert probe.score(x[200:], LABELS[200:]) < 1 / len(world.ACTIONS) + 0.08


def test_strays_of_other_actions_stand_about() -> None:
    beside = [s for s in SCENES if set(s.kinds) & (set(HELD) - set(s.about))]
    assert 0.15 < len(beside) / N < 0.8


def test_wrong_names_are_told() -> None:
    with pytest.raises(ValueError, match="no action called 'fishng'; did you mean fishing"):
        world.action_of("fishng")
    with pytest.raises(ValueError, match="no pose called"):
        world.posed("sleeping", "rod")
    with pytest.raises(ValueError, match="no tool called 'hammer'"):
        world.posed("fishing", "hammer")
    with pytest.raises(ValueError, match="no background called"):
        world.action_of("fishing", background="moon")
    assert world.Actions().names == world.ACTIONS
