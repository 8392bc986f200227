"""Trust: effects that can be worked out from pixels, ranks on paper, checks that can fail."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from camkit import trust, world, zoo
from camkit.boxes import boxes_at_thresholds
from camkit.cam import difference_map, upsample
from camkit.heads import CamModel
from camkit.train import inputs_of


class Corner(nn.Module):
    """Sees the upper left pixel alone: its red and its blue."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, [0, 2], :1, :1]


def corner_net(common: float = 0.0) -> CamModel:
    """Two classes: red speaks for class 0, blue for class 1."""
    head = nn.Linear(2, 2)
    with torch.no_grad():
        head.weight.copy_(torch.tensor([[4.0, 0.0], [0.0, 4.0]]) + common)
        head.bias.zero_()
    return CamModel(Corner(), head, names=["red", "blue"], size=32).eval()


SCENE = world.scene_of("dog", "meadow", seed=3)
"""Its upper left pixel belongs to the background."""
PLACES = ["beach", "snow", "room"]


def pixel(scene: world.Scene) -> tuple[float, float]:
    red, _, blue = (scene.draw(32).image[0, 0] / 255).tolist()
    return red, blue


# --- true causes --------------------------------------------------------------------------------


def test_an_effect_is_worked_out_from_a_pixel() -> None:
    """Centred, class red scores 4 red - (4 red + 4 blue) / 2 = 2 (red - blue)."""
    others = [pixel(SCENE.on(place)) for place in PLACES]
    own = pixel(SCENE)
    wanted = 2 * (own[0] - own[1]) - np.mean([2 * (red - blue) for red, blue in others])
    found = trust.true_effect(corner_net(), SCENE, "background", PLACES, of="red")
    assert found == pytest.approx(wanted, abs=1e-5)
    assert abs(found) > 0.05


def test_a_thing_that_the_network_does_not_see_has_no_effect() -> None:
    assert trust.true_effect(corner_net(), SCENE, "dog", of="red") == 0.0


def test_of_two_classes_the_log_odds_are_twice_the_centred_score() -> None:
    net = corner_net()
    centred, odds = (
        trust.true_effect(net, SCENE, "background", PLACES, of=0, measure=how)
        for how in ("centred", "log-odds")
    )
    assert odds == pytest.approx(2 * centred, abs=1e-5)


@pytest.mark.parametrize("measure", ["centred", "log-odds"])
def test_a_vector_common_to_all_classes_changes_no_effect(measure: Any) -> None:
    found = [
        trust.true_effect(corner_net(c), SCENE, "background", PLACES, of="red", measure=measure)
        for c in (0.0, 7.0)
    ]
    assert found[0] == pytest.approx(found[1], abs=1e-4)


def test_the_network_is_left_as_it_was() -> None:
    net = corner_net().train()
    trust.true_effect(net, SCENE, "dog", of="red")
    assert net.training


def test_a_kind_by_its_name_takes_out_all_of_it_and_an_index_one() -> None:
    pair = world.two("mug", "mug", "street", seed=2)
    assert trust.drawn_again(pair, "mug")[0].kinds.count("mug") == 0
    assert trust.drawn_again(pair, pair.objects[0])[0].kinds.count("mug") == 1
    everywhere = trust.drawn_again(pair, "background")
    assert len(everywhere) == len(world.BACKGROUNDS) - 1
    assert "street" not in {one.background.kind for one in everywhere}


@pytest.mark.parametrize(
    ("settings", "error", "word"),
    [
        ({"thing": "background", "backgrounds": ["snow", "room"]}, ValueError, "at least 3"),
        ({"thing": "background", "backgrounds": ["snow"] * 4}, ValueError, "at least 3"),
        ({"thing": "background", "backgrounds": ["snow", "room", "meadow"]}, ValueError, "own"),
        ({"thing": "background", "backgrounds": "snow"}, TypeError, "list of names"),
        ({"thing": "boat"}, ValueError, "no 'boat' in this scene"),
        ({"thing": 99}, IndexError, "no thing 99"),
        ({"thing": "dog", "measure": "probability"}, ValueError, '"centred" or "log-odds"'),
        ({"thing": "dog", "of": "dog"}, ValueError, "no class 'dog'"),
        ({"thing": "dog", "of": 2}, ValueError, "from 0 to 1, got 2"),
        ({"thing": "dog", "net": nn.Identity()}, TypeError, "CamModel, not Identity"),
    ],
)
def test_a_bad_question_is_refused(settings: Any, error: type[Exception], word: str) -> None:
    asked = {"net": corner_net(), "scene": SCENE, "of": "red", **settings}
    with pytest.raises(error, match=word):
        trust.true_effect(**asked)


# --- maps against causes ------------------------------------------------------------------------


def test_heat_is_shared_out_on_paper() -> None:
    """4 and 2 are positive, −3 counts nowhere; the third mask overlaps the first."""
    masks = np.zeros((3, 2, 2), bool)
    masks[0, 0, 0] = masks[1, 0, 1] = masks[2, :, 0] = True
    assert trust.heat_share([[4.0, 2.0], [0.0, -3.0]], masks).tolist() == pytest.approx(
        [2 / 3, 1 / 3, 2 / 3]
    )
    assert trust.heat_share(torch.tensor([[-1.0, -2.0], [-3.0, 0.0]]), masks).tolist() == [0, 0, 0]


def test_heat_is_brought_to_the_masks_size_first() -> None:
    heat = torch.tensor([[1.0, 3.0], [0.0, 2.0]])
    masks = np.zeros((1, 8, 8), bool)
    masks[0, :, :3] = True
    large = upsample(heat[None, None], (8, 8))[0, 0]
    wanted = float(large[:, :3].sum() / large.sum())
    assert trust.heat_share(heat, masks)[0] == pytest.approx(wanted)


def test_regions_cut_a_picture_without_rest() -> None:
    drawn = world.scene_of("cat", seed=4).draw(64)
    parts = trust.regions(drawn)
    assert len(parts) == len(drawn.things) + 1
    assert (parts.sum(axis=0) == 1).all()


def test_ranks_agree_on_paper() -> None:
    """1 - 6 sum d^2 / (n (n^2 - 1)): ranks 1 2 3 4 against 2 1 4 3 give 1 - 24 / 60 = .6."""
    assert trust.rank_agreement([1, 2, 3, 4], [20, 10, 40, 30]) == pytest.approx(0.6)
    assert trust.rank_agreement([1, 2, 3], [3, 2, 1]) == pytest.approx(-1)
    # Ties share their rank: 1.5, 1.5, 3 against 1, 2, 3.
    assert trust.rank_agreement([5, 5, 9], [1, 2, 3]) == pytest.approx(np.sqrt(3) / 2)


def test_the_strongest_region_must_stand_alone() -> None:
    heat = [[0.5, 0.3, 0.2], [0.4, 0.4, 0.2], [0.1, 0.2, 0.7]]
    found = trust.agreement(heat, [[3.0, 1.0, 0.0], [3.0, 1.0, 0.0], [3.0, 1.0, 0.0]])
    assert found.strongest.tolist() == [True, False, False]
    assert found.ranks.tolist() == pytest.approx([1.0, np.sqrt(3) / 2, -1.0])


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: trust.heat_share(np.ones((1, 2, 2)), np.ones((1, 2, 2))), "map must be"),
        (lambda: trust.heat_share(np.ones((2, 2)), np.ones((2, 2))), "masks"),
        (lambda: trust.rank_agreement([1, 2], [1, 2, 3]), "equal shape"),
        (lambda: trust.rank_agreement([1], [1]), "two numbers"),
        (lambda: trust.agreement([1, 2], [1, 2]), r"\(N, n\)"),
        (lambda: trust.similarity(np.ones((2, 2)), np.ones((2, 2))), r"\(B, h, w\)"),
        (lambda: trust.interval([1.0]), "two pictures"),
        (lambda: trust.numbers().row("objects", "deletion"), "no row objects: deletion"),
    ],
)
def test_bad_shapes_are_refused(call: Any, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        call()


# --- checks that need no truth ------------------------------------------------------------------


def random_net(pool: Any = "average", **more: Any) -> CamModel:
    torch.manual_seed(3)
    backbone = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
    units = 6 * 16 if pool == "flatten" else 6
    return CamModel(backbone, nn.Linear(units, 4), pool=pool, size=8, **more).eval()


@pytest.mark.parametrize("pool", ["average", "max", "flatten"])
def test_a_twin_gives_the_same_answers(pool: Any) -> None:
    net, x = random_net(pool), torch.randn(5, 3, 8, 8)
    twin = trust.same_answers(net)
    assert twin.backbone is net.backbone
    assert not twin.training
    assert torch.allclose(net(x).softmax(1), twin(x).softmax(1), atol=1e-6)
    assert (net.weights - twin.weights).std() < 1e-6
    assert (net.weights - twin.weights).mean() > 0.01


def test_the_twins_difference_map_is_the_same_and_its_boxes_are_not() -> None:
    net = zoo.load("objects")
    twin = trust.same_answers(net)
    drawn = world.Objects("test", length=20).arrays(progress=False)
    with torch.no_grad():
        f = net.features(inputs_of(net, drawn[0]))
        before, after = (difference_map(f, one.weights, one.bias, 2, 5) for one in (net, twin))
        maps = [one.maps(f, drawn[1][:, None]) for one in (net, twin)]
    assert torch.allclose(before[0], after[0], atol=1e-4)
    assert torch.allclose(before[1], after[1], atol=1e-4)
    boxes = [boxes_at_thresholds(upsample(m, (128, 128))[:, 0].numpy(), [0.2])[:, 0] for m in maps]
    assert (np.abs(boxes[0] - boxes[1]).max(axis=1) > 4).mean() >= 0.5


def test_any_vector_will_do() -> None:
    net, x = random_net(), torch.randn(2, 3, 8, 8)
    twin = trust.same_answers(net, torch.arange(6.0))
    assert torch.allclose(net.weights - twin.weights, torch.arange(6.0).expand(4, 6))
    assert torch.allclose(net(x).softmax(1), twin(x).softmax(1), atol=1e-6)


def test_a_twin_is_refused_where_it_would_not_be_one() -> None:
    with pytest.raises(ValueError, match=r"tensor \(6,\), got \(5,\)"):
        trust.same_answers(random_net(), torch.ones(5))
    with pytest.raises(ValueError, match="cuts its maps at zero"):
        trust.same_answers(random_net(relu_map=True))
    with pytest.raises(TypeError, match="CamModel"):
        trust.same_answers(nn.Identity())  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(5))
def test_no_class_keeps_its_own_weights(seed: int) -> None:
    net = random_net()
    before = net.weights.clone()
    spoiled = trust.randomised(net, "labels", seed)
    assert torch.equal(net.weights, before)
    used = [int((before == row).all(dim=1).nonzero()) for row in spoiled.weights]
    assert sorted(used) == [0, 1, 2, 3]
    assert all(a != b for a, b in enumerate(used))
    assert torch.equal(spoiled.bias, net.bias[used])


def test_a_cascade_goes_from_the_scores_downwards() -> None:
    net = random_net()
    for layers in range(3):
        spoiled = trust.randomised(net, layers, seed=1)
        pairs = [(net.backbone[0], spoiled.backbone[0]), (net.head, spoiled.head)]
        changed = [not torch.equal(a.weight, b.weight) for a, b in pairs]
        assert changed == [layers > 1, layers > 0]
        for a, b in pairs:  # the same numbers in another order
            assert torch.equal(a.weight.flatten().sort()[0], b.weight.flatten().sort()[0])


def test_a_class_map_notices_and_a_class_blind_one_cannot() -> None:
    net, x = random_net(), torch.randn(6, 3, 8, 8)
    spoiled = trust.randomised(net, 1)
    with torch.no_grad():
        f, g = net.features(x), spoiled.features(x)
        kept = trust.similarity(net.maps(f, 0)[:, 0], spoiled.maps(g, 0)[:, 0])
    assert trust.similarity(f.mean(dim=1), g.mean(dim=1)).tolist() == pytest.approx([1] * 6)
    assert kept.mean() < 0.9


@pytest.mark.parametrize(
    ("what", "error", "word"),
    [("units", TypeError, "labels"), (True, TypeError, "labels"), (3, ValueError, "0 to 2")],
)
def test_a_bad_randomisation_is_refused(what: Any, error: type[Exception], word: str) -> None:
    with pytest.raises(error, match=word):
        trust.randomised(random_net(), what)


# --- the trust table ----------------------------------------------------------------------------


def test_the_table_is_of_the_shipped_networks() -> None:
    """A network trained anew asks for ``python -m camkit.trust``."""
    told = json.loads(trust.FILE.read_text(encoding="utf-8"))
    assert told["sha256"] == {name: zoo.card(name)["sha256"] for name in trust.NETWORKS}


def test_every_number_lies_in_its_interval_and_the_pictures_are_enough() -> None:
    told = trust.numbers()
    assert len(told.indices) == trust.EACH * len(world.CLASSES) >= 200
    shown = [v for row in told.rows for v in vars(row).values() if isinstance(v, tuple)]
    for one in told.networks.values():
        shown += [one.home, one.elsewhere, one.heat_elsewhere, *one.effects.values()]
    assert len(shown) > 150
    assert all(low <= value <= high for value, low, high in shown)
    for name in trust.COVERED:
        assert told.heat[name].shape == told.effects[name].shape == (200, 5)
        assert told.heat[name].sum(axis=1) == pytest.approx(np.ones(200), abs=0.003)


def test_rows_are_computed_from_the_numbers_of_their_pictures() -> None:
    told = trust.numbers()
    for name in trust.COVERED:
        row, heat, effects = told.row(name), told.heat[name], told.effects[name]
        found = trust.agreement(heat, effects)
        assert row.heat[0] == pytest.approx(heat[:, 0].mean(), abs=1e-3)
        assert row.ranks[0] == pytest.approx(found.ranks.mean(), abs=0.02)
        assert row.strongest[0] == pytest.approx(found.strongest.mean(), abs=0.02)
        more = effects[:, 0] - effects[:, -1]
        assert row.between[0] == pytest.approx(trust.rank_agreement(heat[:, 0], more), abs=0.02)
        assert told.networks[name].effects["object"][0] == pytest.approx(
            effects[:, 0].mean(), abs=0.01
        )


def test_the_first_pictures_measure_the_same_again() -> None:
    told, net = trust.numbers(), zoo.load("biased-90")
    drawn = trust.cases(each=2)
    for i in range(3):
        index, case = next(drawn)
        at = told.indices.index(index)
        effects, right = trust.effects_of(net, case)
        assert effects == pytest.approx(told.effects["biased-90"][at], abs=0.02)
        labels = np.array([case.label])
        maps = trust.maps_of(net, case.images[:1], labels, covered=i == 0)
        assert set(maps) == {"cam", "gradient", "class_blind", "flat"} | (
            {"occlusion"} if i == 0 else set()
        )
        heat = trust.heat_share(maps["cam"][0], case.masks)
        assert heat == pytest.approx(told.heat["biased-90"][at], abs=0.005)
        areas = trust.heat_share(maps["flat"][0], case.masks)
        assert areas == pytest.approx(case.masks.mean(axis=(1, 2)))
        assert right.shape == (5 + len(world.BACKGROUNDS) - 1,)


def test_effects_of_a_case_are_true_effects() -> None:
    net = zoo.load("biased-100")
    index, case = next(trust.cases(each=1))
    scene = world.BiasedObjects("test", bias=1.0, length=10**6).scene(index)
    mine = scene.kinds.index(world.CLASSES[scene.label])
    order = [mine, *(i for i in range(len(scene.things)) if i != mine), "background"]
    wanted = [trust.true_effect(net, scene, thing) for thing in order]
    assert trust.effects_of(net, case)[0] == pytest.approx(wanted, abs=1e-4)


def test_intervals_are_a_bootstrap() -> None:
    """For shares of 400 pictures: half, plus or minus 1.96 sqrt(.25 / 400) = .049."""
    value, low, high = trust.interval([0.0, 1.0] * 200)
    assert value == 0.5
    assert (low, high) == pytest.approx((0.451, 0.549), abs=0.006)


def test_the_command_writes_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(trust, "NETWORKS", ("objects-flatten",))
    first = list(trust.cases(each=1))[:3]
    monkeypatch.setattr(trust, "cases", lambda each: iter(first))
    target = tmp_path / "numbers" / "trust.json"
    assert trust.main(["--out", str(target), "--each", "1"]) == 0
    assert capsys.readouterr().out.strip() == str(target)
    told = json.loads(target.read_text(encoding="utf-8"))
    assert told["indices"] == [index for index, _ in first]
    assert {row["map"] for row in told["rows"]} == set(trust.MAPS) - {"occlusion"}
    assert not list(target.parent.glob("*.part"))
