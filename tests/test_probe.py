"""One picture covered and cropped: what is expected, worked out on paper, and what is measured."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from camkit import probe, relatives, world, zoo
from camkit.heads import CamModel, NoCamError
from camkit.images import View


def reds(size: tuple[int, int] = (40, 60), **options: Any) -> CamModel:
    """Its map of "red" is, pixel for pixel, how red a picture is; "other" is nothing at all."""
    see = torch.nn.Conv2d(3, 1, 1, bias=False)
    vote = torch.nn.Linear(1, 2)
    with torch.no_grad():
        see.weight[:] = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)
        vote.weight[:] = torch.tensor([[8.0], [0.0]])
        vote.bias[:] = torch.tensor([1.0, 0.5])
    return CamModel(see, vote, names=["red", "other"], size=size, **options)


# ---------------------------------------------------------------- log-odds


def test_log_odds_on_paper() -> None:
    scores = torch.tensor([[math.log(3.0), 0.0], [0.0, math.log(9.0)]])
    assert probe.log_odds(scores, 0).tolist() == pytest.approx([math.log(3), -math.log(9)])
    three = torch.tensor([math.log(6.0), 0.0, math.log(2.0)])  # 6 : 1 : 2
    assert probe.log_odds(three, 0).item() == pytest.approx(math.log(2.0))


def test_log_odds_still_move_where_probabilities_are_one() -> None:
    scores = torch.tensor([[60.0, 0.0, 0.0], [50.0, 0.0, 0.0]])
    assert scores.softmax(dim=1)[:, 0].tolist() == [1.0, 1.0]
    a, b = probe.log_odds(scores, 0).tolist()
    assert a - b == pytest.approx(10.0)


def test_log_odds_know_no_common_offset() -> None:
    scores = torch.randn(4, 7, generator=torch.Generator().manual_seed(0))
    gap = probe.log_odds(scores, 3) - probe.log_odds(scores + 5.0, 3)
    assert gap.abs().max() < 1e-5


@pytest.mark.parametrize(("count", "c"), [(1, 0), (3, 3), (3, -1)])
def test_log_odds_refuse(count: int, c: int) -> None:
    with pytest.raises(ValueError, match=r"two classes|from 0 to 2"):
        probe.log_odds(torch.zeros(count), c)


# ---------------------------------------------------------------- squares and covers


@pytest.mark.parametrize("size", [(100, 100), (427, 640), (900, 300), (31, 17), (40, 900)])
def test_squares_are_square_inside_and_no_larger_than_asked(size: tuple[int, int]) -> None:
    boxes = probe.squares(size, places=5)
    sides = boxes[..., 2:] - boxes[..., :2]
    assert (sides == sides[0, 0, 0]).all()
    assert sides[0, 0, 0] ** 2 <= 0.1 * size[0] * size[1]
    assert boxes.min() == 0
    assert boxes[..., 2].max() == size[1]
    assert boxes[..., 3].max() == size[0]
    assert (np.diff(boxes[:, :, 1], axis=0) >= 0).all()  # rows go down
    assert (np.diff(boxes[:, :, 0], axis=1) >= 0).all()  # columns go right


@pytest.mark.parametrize(
    ("options", "error"),
    [({"places": 1}, ValueError), ({"places": 2.5}, TypeError), ({"share": 0}, ValueError)],
)
def test_squares_refuse(options: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        probe.squares((40, 40), **options)


def test_a_cover_changes_the_box_and_nothing_else() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (50, 80, 3), dtype=np.uint8)
    kept = noise.copy()
    covered = probe.cover(noise, (10.4, 5.6, 40.2, 30))
    assert (noise == kept).all()
    inside = np.zeros((50, 80), bool)
    inside[6:30, 10:40] = True
    assert (covered[~inside] == noise[~inside]).all()
    assert covered[inside].std() < 0.2 * noise[inside].std()
    assert abs(covered[inside].mean() - noise[inside].mean()) < 3  # the colours stay


@pytest.mark.parametrize("box", [(0, 0, 5), (9, 9, 3, 3), (90, 0, 99, 9), (0, 0, np.nan, 4)])
def test_a_cover_refuses_what_is_no_box(box: Any) -> None:
    with pytest.raises(ValueError, match="box"):
        probe.cover(np.zeros((40, 60, 3), np.uint8), box)


# ---------------------------------------------------------------- covering everywhere


def test_what_the_map_lets_one_expect_is_worked_out_on_paper() -> None:
    """Red everywhere: M = 8, S = 8 + 1 against .5. A square of 12 x 12 of 40 x 60 takes 6 %."""
    red = np.zeros((40, 60, 3), np.uint8)
    red[..., 0] = 255
    found = probe.cover_everywhere(reds(), red, places=3, share=0.06, progress=False)
    assert found.boxes[0, 0].tolist() == [0, 0, 12, 12]
    assert found.whole.tolist() == pytest.approx([9.0, 0.5])
    assert found.expected[..., 0].numpy() == pytest.approx(9.0 - 8 * 0.06)
    assert found.expected[..., 1].numpy() == pytest.approx(0.5)
    assert found.expected_drops == pytest.approx(0.48)
    assert found.heat == pytest.approx(8.0)
    # Blurred red is red: what is measured does not move at all.
    assert np.abs(found.drops).max() < 1e-5
    assert found.kept.all()


def test_half_covered_cells_count_half() -> None:
    """Cells of 10 x 10 pixels, a square of 15: one whole cell, two halves and a quarter."""
    boxes = np.array([[[0, 0, 15, 15]]])
    shares = probe._covered_cells(boxes, (40, 60), (4, 6))[0, 0]
    assert shares[:2, :2].tolist() == [[1.0, 0.5], [0.5, 0.25]]
    assert shares.sum() == pytest.approx(2.25)


def test_without_blur_nothing_and_with_it_as_if_the_network_saw_the_covered_picture() -> None:
    net = zoo.load("objects")
    picture = world.scene_of("teapot", seed=3).sample(256).image
    kept = picture.copy()
    found = probe.cover_everywhere(net, picture, places=3, progress=False)
    assert (picture == kept).all()
    asked = net.explain([picture, *(probe.cover(picture, b) for b in found.boxes.reshape(-1, 4))])
    assert torch.allclose(asked.scores[0], found.whole, atol=1e-4)
    assert torch.allclose(asked.scores[1:].reshape(3, 3, -1), found.scores, atol=1e-4)
    assert found.answer == int(asked.scores[0].argmax())
    same = asked.scores[1:].argmax(dim=1).reshape(3, 3) == found.answer
    assert (found.kept == same.numpy()).all()
    fall = found.whole[found.answer] - found.scores[..., found.answer]
    assert not np.allclose(found.drops, fall.numpy(), atol=0.01)  # log-odds, not the score


def test_all_cells_covered_leave_the_biases() -> None:
    """A square as large as the picture: what is expected is what is left without any evidence."""
    net = relatives.build("plain", world.CLASSES)
    with torch.no_grad():
        net.head.bias.copy_(torch.linspace(-1, 1, len(world.CLASSES)))
    picture = world.scene_of("dog", seed=1).sample(128).image
    found = probe.cover_everywhere(net.eval(), picture, places=2, share=1.0, progress=False)
    assert torch.allclose(found.expected[0, 0], net.bias.detach(), atol=1e-4)


def test_squeezenets_last_step_is_minded() -> None:
    """S = mean(relu(M + b)): only what is left after the ReLU can be taken away."""
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[:, :30, 0] = 255
    net = reds(relu_map=True)
    found = probe.cover_everywhere(net, picture, places=2, share=0.5, progress=False)
    half = probe._covered_cells(found.boxes, (40, 60), (40, 60)).numpy()
    said = np.where(picture[..., 0] > 0, 9.0, 1.0)  # relu(8 r + 1)
    expected = said.mean() - (half * said).mean(axis=(2, 3))
    assert found.expected[..., 0].numpy() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("pool", ["max", "flatten"])
def test_where_maps_do_not_add_up_nothing_is_expected(pool: Any) -> None:
    net = relatives.build("plain", world.CLASSES, pool=pool, size=32)
    with pytest.raises(NoCamError, match="average pooling"):
        probe.cover_everywhere(net, np.zeros((40, 60, 3), np.uint8))


# ---------------------------------------------------------------- ten crops


def test_ten_crops_lie_where_the_authors_put_them() -> None:
    """Squashed to 256 x 256 and cut to 224: corners at 0 and 32, the centre at 16."""
    net = reds(size=(224, 224))
    found = probe.ten_crops(net, np.zeros((256, 256, 3), np.uint8))
    corners = [view.region[:2] for view in found.views]
    assert corners[:5] == [(0, 0), (32, 0), (0, 32), (32, 32), (16, 16)]
    assert corners[5:] == corners[:5]
    wide = probe.ten_crops(net, np.zeros((256, 512, 3), np.uint8))
    assert wide.views[3].region == (64, 32, 512, 256)
    assert found.signed.shape == (256, 256)


def test_a_place_has_the_same_map_in_every_crop_that_sees_it() -> None:
    """The map is the red of each pixel, so all crops agree, mirrored ones turned back."""
    ramp = np.zeros((32, 32, 3), np.uint8)
    ramp[..., 0] = np.arange(32) * 8
    ramp[4, 5, 0] = 255
    found = probe.ten_crops(reds(size=(28, 28)), ramp, c=0)
    red = torch.from_numpy(ramp[..., 0] / 255 * 8).float()
    assert torch.allclose(found.signed, red, atol=1e-5)
    one = found.views[2].region  # lower left
    assert one == (0, 4, 28, 32)
    assert torch.allclose(found.maps[2], red[4:, :28], atol=1e-5)
    assert torch.allclose(found.maps[7], red[4:, :28], atol=1e-5)


def test_absolute_values_turn_evidence_against_into_evidence_for() -> None:
    see = torch.nn.Conv2d(3, 1, 1, bias=False)
    vote = torch.nn.Linear(1, 2)
    with torch.no_grad():
        see.weight[:] = torch.tensor([1.0, -1.0, 0.0]).view(1, 3, 1, 1)
        vote.weight[:] = torch.tensor([[1.0], [-1.0]])
        vote.bias[:] = 0.0
    net = CamModel(see, vote, size=28)
    picture = np.zeros((32, 32, 3), np.uint8)
    picture[14:18, 4:8, 0] = 255  # for
    picture[14:18, 24:28, 1] = 255  # against
    found = probe.ten_crops(net, picture, c=0)
    assert found.signed[15, 5] == pytest.approx(1.0)
    assert found.signed[15, 25] == pytest.approx(-1.0)
    assert found.absolute[15, 5] > 0.5
    assert found.absolute[15, 25] > 0.5
    assert found.absolute.max() == pytest.approx(1.0)


def test_probabilities_are_averaged_over_the_crops() -> None:
    net = zoo.load("objects")
    picture = world.scene_of("mug", seed=2).sample(200).image
    found = probe.ten_crops(net, picture)
    assert torch.allclose(found.probabilities, found.scores.softmax(dim=1).mean(dim=0))
    squashed = np.asarray(Image.fromarray(picture).resize((146, 146), Image.Resampling.BILINEAR))
    crop = View.of((128, 128), 128).to_input(squashed[:128, :128].copy(), net.mean, net.std)
    with torch.no_grad():
        scores = net(torch.stack([crop, crop.flip(2)]))
    assert torch.allclose(scores, found.scores[[0, 5]], atol=0.5)


def test_a_flattened_head_has_no_crops_to_put_together() -> None:
    net = relatives.build("plain", world.CLASSES, pool="flatten", size=32)
    with pytest.raises(NoCamError):
        probe.ten_crops(net, np.zeros((40, 60, 3), np.uint8))
