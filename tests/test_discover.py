"""Discovery: units with planted meaning get their names, and objects their two measures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import camkit
from camkit import discover, relatives, world
from camkit.heads import CamModel, NoCamError
from camkit.transfer import pooled_features


def tiny(weights: Any, bias: Any = None, pool: Any = "average") -> CamModel:
    """A network of a pointwise convolution, whose head has these weights."""
    values = torch.as_tensor(weights, dtype=torch.float32)
    head = nn.Linear(values.shape[1], values.shape[0])
    with torch.no_grad():
        head.weight.copy_(values)
        head.bias.copy_(torch.zeros(len(values)) if bias is None else torch.as_tensor(bias))
    return CamModel(nn.Conv2d(3, values.shape[1], 1), head, pool=pool, names=["cat", "dog"], size=8)


# --- what a cell sees ----------------------------------------------------------------------------


@pytest.mark.parametrize("pads", [0, 1])
def test_a_field_is_counted_layer_by_layer(pads: int) -> None:
    """On paper: 3, then 3 + 2 * 2 = 7 pixels after a step of two, from -(1 + 2) with padding."""
    layers = nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=2, padding=pads), nn.ReLU(), nn.Conv2d(4, 5, 3, padding=pads)
    )
    torch.manual_seed(0)
    net = CamModel(layers, nn.Linear(5, 2), size=33 if pads == 0 else 32)
    found = discover.receptive_field(net)
    assert found == discover.Field(start=-3 * pads, stride=2, side=7)
    assert found.box(1, 2) == (4 - 3 * pads, 2 - 3 * pads, 11 - 3 * pads, 9 - 3 * pads)


def test_pixels_outside_the_field_do_not_move_a_cell() -> None:
    """The shipped network: the square may be filled with anything, the cell sees nothing else."""
    net = camkit.load("objects")
    field = discover.receptive_field(net)
    torch.manual_seed(0)
    x = torch.randn(1, 3, *net.size)
    other = torch.randn(1, 3, *net.size)
    x0, y0, x1, y1 = field.box(7, 9)
    other[:, :, y0:y1, x0:x1] = x[:, :, y0:y1, x0:x1]
    with torch.no_grad():
        a, b = net.features(x), net.features(other)
    assert torch.allclose(a[:, :, 7, 9], b[:, :, 7, 9], atol=1e-5)
    assert not torch.allclose(a[:, :, 7, 10], b[:, :, 7, 10], atol=1e-5)


def test_a_field_gives_the_networks_mode_back() -> None:
    net = relatives.build("plain", ["a", "b"], size=64).train()
    before = {k: v.clone() for k, v in net.state_dict().items()}
    discover.receptive_field(net)
    assert net.training
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())


def test_a_silent_network_is_named() -> None:
    net = tiny([[1.0], [0.0]])
    nn.init.zeros_(net.backbone.weight)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="every unit there is silent"):
        discover.receptive_field(net)


def test_activations_are_the_features_picture_by_picture() -> None:
    net = camkit.load("objects")
    images = world.Objects(split="test", length=5).arrays(progress=False)[0]
    at_once = discover.unit_activations(net, images)
    in_turn = np.concatenate([discover.unit_activations(net, one[None]) for one in images])
    assert np.allclose(at_once, in_turn, atol=1e-4)
    pooled = pooled_features(net, images, progress=False)
    assert np.allclose(at_once.mean(axis=(2, 3)), pooled, atol=1e-4)
    with pytest.raises(ValueError, match=r"images must be \(N, 128, 128, 3\)"):
        discover.unit_activations(net, images[:, ::2])


# --- units of a class ----------------------------------------------------------------------------


def test_weight_and_contribution_answer_different_questions() -> None:
    """Unit 1 has the larger weight, unit 0 adds more: 1 * 6 against 3 * 1."""
    net = tiny([[1.0, 3.0, -1.0], [0.0, 0.0, 0.0]])
    pooled = [[8.0, 1.0, 2.0], [4.0, 1.0, 0.0]]
    assert discover.rank_units(net, "cat")[0].tolist() == [1, 0, 2]
    units, adds = discover.rank_units(net, 0, "contribution", pooled)
    assert units.tolist() == [0, 1, 2]
    assert adds.tolist() == [6.0, 3.0, -1.0]


def test_contributions_and_the_bias_are_the_mean_score() -> None:
    net = camkit.load("objects")
    images = world.Objects(split="test", length=61).arrays([5, 25, 45], progress=False)[0]
    pooled = pooled_features(net, images, progress=False)
    _, adds = discover.rank_units(net, "car", "contribution", pooled)
    scores = net.explain(list(images), classes="all").scores[:, 5]
    assert adds.sum() + net.bias[5].item() == pytest.approx(float(scores.mean()), abs=1e-3)


@pytest.mark.parametrize(
    ("settings", "error", "word"),
    [
        ({"of": "cow"}, ValueError, "cow"),
        ({"of": 2}, ValueError, "out of range"),
        ({"of": 0, "by": "size"}, ValueError, "'size'"),
        ({"of": 0, "by": "contribution"}, ValueError, "need pooled"),
        ({"of": 0, "by": "contribution", "pooled": [[1.0]]}, ValueError, r"must be \(N, 2\)"),
    ],
)
def test_a_bad_ranking_is_refused(settings: Any, error: type[Exception], word: str) -> None:
    with pytest.raises(error, match=word):
        discover.rank_units(tiny([[1.0, 2.0], [0.0, 0.0]]), **settings)


def test_a_flattened_head_has_no_units() -> None:
    net = relatives.build("plain", ["a", "b"], pool="flatten", size=32).eval()
    with pytest.raises(NoCamError, match="no rank"):
        discover.rank_units(net, "a")
    with pytest.raises(NoCamError, match="every place"):
        discover.ablate(net, 0)


def test_a_unit_taken_from_one_class_stays_with_the_others() -> None:
    net = tiny([[1.0, 2.0], [3.0, 4.0]], [0.5, 0.25])
    poorer = discover.ablate(net, 1, of="dog")
    assert poorer.weights.tolist() == [[1.0, 2.0], [3.0, 0.0]]
    assert discover.ablate(net, [0]).weights.tolist() == [[0.0, 2.0], [0.0, 4.0]]
    assert net.weights.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert poorer.backbone is net.backbone
    assert poorer.bias.tolist() == net.bias.tolist()
    assert (poorer.names, poorer.size, poorer.training) == (net.names, net.size, net.training)
    assert torch.equal(discover.ablate(net, []).weights, net.weights)


@pytest.mark.parametrize(
    ("units", "error", "word"),
    [(2, ValueError, "unit 2 is out of range"), ([0, -1], ValueError, "unit -1"),
     ([0.5], TypeError, "whole numbers")],
)  # fmt: skip
def test_a_unit_that_is_not_there_is_refused(units: Any, error: type[Exception], word: str) -> None:
    with pytest.raises(error, match=word):
        discover.ablate(tiny([[1.0, 2.0], [0.0, 0.0]]), units)


def test_synonyms_keep_a_class_right() -> None:
    """Three units say the same: taking one changes nothing, taking all three loses the class."""
    net = tiny([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]], [0.0, 0.5])
    pooled, labels = [[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]], [0, 1]
    shares = discover.still_right(net, pooled, labels, [0, 1, 2, 3])
    assert shares[:, 0].tolist() == [1.0, 1.0, 1.0, 0.0]
    assert shares[:, 1].tolist() == [1.0, 1.0, 1.0, 1.0]


def test_what_is_still_right_is_what_the_poorer_network_answers() -> None:
    net = camkit.load("objects")
    batch = world.Objects(split="test", seed=9, length=40).batch(progress=False, truth=False)
    pooled = pooled_features(net, batch.images, progress=False)
    shares = discover.still_right(net, pooled, batch.labels, [4])
    for c in (0, 5, 8):
        poorer = discover.ablate(net, discover.rank_units(net, c)[0][:4], of=c)
        with torch.no_grad():
            scores = poorer.explain(list(batch.images[batch.labels == c]), classes="all").scores
        assert shares[0, c] == pytest.approx(float((scores.argmax(1) == c).float().mean()))


def test_still_right_refuses_what_does_not_fit() -> None:
    net = tiny([[1.0, 2.0], [0.0, 0.0]])
    with pytest.raises(ValueError, match="no picture of dog"):
        discover.still_right(net, [[1.0, 2.0]], [0], [1])
    with pytest.raises(ValueError, match="pooled must be"):
        discover.still_right(net, [[1.0]], [0], [1])
    with pytest.raises(ValueError, match="'size'"):
        discover.still_right(net, [[1.0, 2.0]], [0], [1], order="size")  # type: ignore[arg-type]


# --- names, on planted units ---------------------------------------------------------------------

NAMES = ("animal", "head", "tail", "bush", "background")


def planted(count: int = 40, seed: int = 0) -> tuple[Any, Any]:
    """Pictures of 12 x 16 cells: an animal of 4 x 6 with a head of 2 x 2, sometimes a bush."""
    rng = np.random.default_rng(seed)
    masks = np.zeros((count, len(NAMES), 12, 16), bool)
    for m in masks:
        row, column = rng.integers(0, 8), rng.integers(0, 5)
        m[0, row : row + 4, column : column + 6] = True
        m[1, row : row + 2, column : column + 2] = True
        m[2, row + 1 : row + 2, column + 4 : column + 6] = True
        if rng.random() < 0.5:
            m[3, 8:12, 12:16] = True
        m[4] = ~m[:4].any(axis=0)
    noise = rng.random((count, 12, 16))
    return masks, noise


@pytest.mark.parametrize(("name", "part"), [(n, i) for i, n in enumerate(NAMES)])
def test_a_planted_unit_gets_its_name(name: str, part: int) -> None:
    masks, noise = planted()
    fires = 5.0 * masks[:, part] + noise
    found = discover.name_unit(fires, masks, NAMES, share=float(masks[:, part].mean()))
    assert found.name == name
    assert found.iou == pytest.approx(1.0)
    assert found.second != name
    assert found.second_iou == max(np.delete(found.ious, part))


def test_a_unit_of_two_objects_names_one_and_keeps_the_other_as_second() -> None:
    masks, noise = planted()
    fires = 5.0 * (masks[:, 0] | masks[:, 3]) + noise
    found = discover.name_unit(fires, masks, NAMES, share=float((masks[:, 0] | masks[:, 3]).mean()))
    assert {found.name, found.second} == {"animal", "bush"}
    assert found.iou < 0.9


def test_names_flip_with_the_threshold() -> None:
    """Hot on the head, warm on the animal: the share decides which of the two it is."""
    masks, noise = planted()
    fires = 5.0 * masks[:, 1] + 3.0 * masks[:, 0] + noise
    assert discover.name_unit(fires, masks, NAMES, share=0.02).name == "head"
    assert discover.name_unit(fires, masks, NAMES, share=0.125).name == "animal"


def test_a_name_that_is_luck_does_not_hold_on_other_pictures() -> None:
    """A unit that remembers its pictures: a perfect name there, none elsewhere."""
    masks, noise = planted(6)
    fires = 5.0 * masks[:, 1] + noise
    found = discover.name_unit(fires, masks, NAMES, share=float(masks[:, 1].mean()))
    others, more_noise = planted(40, seed=1)
    tested = discover.overlaps(more_noise[:, None] * 5, others, [found.threshold])[0]
    assert found.iou == pytest.approx(1.0)
    assert tested[1] < 0.1


def test_the_threshold_is_one_for_the_whole_set() -> None:
    """One picture of two excites the unit: all that fires lies in it."""
    cells = np.stack([np.full((5, 5), 0.1), np.arange(25.0).reshape(5, 5)])
    level = discover.firing_threshold(cells, share=0.1)
    assert (cells[0] > level).sum() == 0
    assert (cells[1] > level).sum() == 5
    assert discover.firing_threshold(np.zeros((2, 3, 3))) == 0.0
    assert discover.firing_threshold(-np.ones((2, 3, 3))) == 0.0


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1])
def test_a_share_out_of_range_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="share must lie"):
        discover.firing_threshold(np.ones((1, 2, 2)), share)


def test_overlap_is_counted_over_all_pictures_at_once() -> None:
    """Two pictures: 1 of 2 cells in the first, 0 of 3 in the second: 1/5, not the mean 1/4."""
    fires = np.array([[[[1.0, 0, 0, 0]]], [[[0.0, 0, 1, 0]]]])
    masks = np.array([[[[True, True, False, False]]], [[[True, True, False, False]]]])
    assert discover.overlaps(fires, masks, [0.5]).tolist() == [[0.2]]


def test_several_thresholds_at_once_are_each_ones_own() -> None:
    masks, noise = planted(5)
    cells = np.stack([noise, masks[:, 1] + noise], axis=1)
    levels = [[0.5, 1.0], [0.9, 0.9]]
    together = discover.overlaps(cells, masks, levels)
    assert together.shape == (2, 2, len(NAMES))
    for t, row in enumerate(levels):
        assert np.array_equal(together[t], discover.overlaps(cells, masks, row))


def test_small_activations_are_upsampled_as_everywhere() -> None:
    fires = np.array([[[[0.0, 4.0]]]])  # enlarged: 0, 1, 3, 4
    masks = np.array([[[[False, False, True, True]]]])
    assert discover.overlaps(fires, masks, [2.0]).tolist() == [[1.0]]


@pytest.mark.parametrize(
    ("call", "error", "word"),
    [
        (lambda m, a: discover.name_unit(a, m, ["one"]), ValueError, "one for each of 5 masks"),
        (lambda m, a: discover.name_unit(a, m.astype(int), NAMES), TypeError, "True and False"),
        (lambda m, a: discover.name_unit(a[:3], m, NAMES), ValueError, "as many pictures"),
        (lambda m, a: discover.name_unit(a[0], m, NAMES), ValueError, "of one unit"),
        (lambda m, a: discover.overlaps(a[:, None], m[:, 0], [1.0]), ValueError, "N, n, H, W"),
        (lambda m, a: discover.overlaps(a[:, None], m, [1.0, 2.0]), ValueError, r"thresholds \(K"),
    ],
)
def test_names_refuse_what_does_not_fit(call: Any, error: type[Exception], word: str) -> None:
    masks, noise = planted(4)
    with pytest.raises(error, match=word):
        call(masks, noise)


# --- top pictures --------------------------------------------------------------------------------


def test_top_cells_take_one_cell_of_a_picture() -> None:
    cells = np.zeros((3, 2, 4))
    cells[2, 1, 3], cells[2, 1, 2], cells[0, 0, 1] = 9.0, 8.0, 5.0
    assert discover.top_cells(cells, 2) == [(2, 1, 3), (0, 0, 1)]
    with pytest.raises(ValueError, match="count from 1 to N"):
        discover.top_cells(cells, 4)


@pytest.mark.parametrize(
    ("box", "wanted"),
    [
        ((0, 0, 2, 2), [[1, 2], [4, 5]]),
        ((-1, -1, 1, 1), [[0, 0], [0, 1]]),
        ((2, 1, 4, 2), [[6, 0]]),
        ((9, 9, 10, 10), [[0]]),
    ],
)
def test_a_patch_beyond_the_edge_is_filled(box: Any, wanted: Any) -> None:
    assert discover.cut_out(np.arange(1, 7).reshape(2, 3), box, 0).tolist() == wanted


def test_a_segmented_patch_is_bright_only_where_the_unit_fires() -> None:
    """A unit that fires in the left half of its picture: half of the patch is as it was."""
    images = np.full((2, 8, 8, 3), 100, np.uint8)
    cells = np.zeros((2, 8, 8), np.float32)
    cells[1, :, :4] = 5.0
    cells[1, 3, 3] = 6.0
    field = discover.Field(start=-2, stride=1, side=5)
    (patch,) = discover.segmented(images, cells, field, threshold=4.0, count=1)
    assert patch.shape == (5, 5, 3)
    assert (patch[:, :3] == 100).all()
    assert (patch[:, 3:] == discover.DIMMED[100]).all()
    corner = discover.segmented(images, cells[::-1, ::-1, ::-1], field, 4.0, count=1)
    assert corner.shape == (1, 5, 5, 3)
    cells[1, 0, 0] = 9.0
    (edge,) = discover.segmented(images, cells, field, 4.0, count=1)
    assert (edge[:2] == discover.OUTSIDE).all()
    assert (edge[2:, 2:] == 100).all()
    with pytest.raises(ValueError, match="for 1 activations"):
        discover.segmented(images, cells[:1], field, 4.0)


def test_concepts_of_a_scene_are_its_masks() -> None:
    scene = world.scene_of("car", seed=4)
    found = discover.concepts([scene], size=128)
    picture = scene.draw(128)
    at = {name: found.masks[0, i] for i, name in enumerate(found.names)}
    i = scene.kinds.index("car")
    assert np.array_equal(at["car"], picture.visible[i][2::4, 2::4])
    wheel = picture.part(i, "wheel") & picture.visible[i]
    assert np.array_equal(at["wheel of a car"], wheel[2::4, 2::4])
    assert np.array_equal(at["background"], ~picture.visible.any(axis=0)[2::4, 2::4])
    assert not any(name.startswith("body") for name in found.names)
    assert np.array_equal(found.images[0], picture.image)


def test_concepts_keep_the_names_of_another_set() -> None:
    cars, cats = [world.scene_of("car", seed=4)], [world.scene_of("cat", seed=4)]
    names = discover.concepts(cars).names
    found = discover.concepts(cats, names=names)
    assert found.names == names
    assert not found.masks[0, names.index("car")].any()
    plain = discover.concepts(cars, parts=False)
    assert "car" in plain.names
    assert "wheel" not in plain.names


def test_concepts_refuse_nothing_and_odd_sizes() -> None:
    with pytest.raises(ValueError, match="scenes is empty"):
        discover.concepts([])
    with pytest.raises(ValueError, match="multiple of 32"):
        discover.concepts([world.scene_of("car")], size=100)


# --- objects in scenes ---------------------------------------------------------------------------


def rooms() -> tuple[Any, Any]:
    """Four rooms: a wall everywhere, a lamp in two, and in three a table; the maps see the lamp."""
    masks = np.zeros((4, 4, 6, 8), bool)
    masks[:, 0, :3] = True
    masks[:2, 1, 1:3, 2:4] = True
    masks[1:, 2, 4:6, :4] = True
    maps = np.full((4, 6, 8), -1.0)
    maps[:2, 1:3, 2:4] = 4.0
    maps[2:, 4:6, 0] = 4.0
    return maps, masks


def test_a_rare_telling_object_beats_the_wall() -> None:
    """On paper: lamp 1; wall (4/24 + 4/24) / 4; table, in three rooms, (0 + 1/4 + 1/4) / 3."""
    maps, masks = rooms()
    found = discover.informative_objects(maps, masks)
    assert found[:3] == pytest.approx([1 / 12, 1.0, 1 / 6])
    assert np.isnan(found[3])
    assert discover.frequent_objects(masks).tolist() == [1.0, 0.5, 0.75, 0.0]


def test_another_scenes_map_gives_another_list() -> None:
    maps, masks = rooms()
    turned = discover.informative_objects(maps[:, ::-1], masks)
    assert np.nanargmax(turned) != 1


def test_a_map_without_heat_has_no_hot_region() -> None:
    maps, masks = rooms()
    assert discover.informative_objects(-np.abs(maps), masks)[:3].tolist() == [0.0, 0.0, 0.0]


def test_a_map_that_looks_anywhere_treats_large_and_small_alike() -> None:
    """Hot cells by lot: every object gets the share of the picture that is hot."""
    rng = np.random.default_rng(0)
    masks = np.zeros((3000, 2, 10, 10), bool)
    masks[:, 0, :5] = True
    masks[:, 1, 3, 7] = True
    maps = (rng.random((3000, 10, 10)) < 0.2) * 1.0
    assert discover.informative_objects(maps, masks) == pytest.approx([0.2, 0.2], abs=0.02)


def test_scenes_refuse_what_does_not_fit() -> None:
    maps, masks = rooms()
    with pytest.raises(ValueError, match="one for each of 4 pictures"):
        discover.informative_objects(maps[:2], masks)
    with pytest.raises(ValueError, match="threshold must be"):
        discover.informative_objects(maps, masks, threshold=1.0)
    with pytest.raises(TypeError, match="True and False"):
        discover.frequent_objects(masks * 1.0)
