"""Gradients, Grad-CAM, HiResCAM, occlusion: by hand, against CAM, and leaving no trace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from camkit import saliency
from camkit.heads import CamModel


class Fixed(nn.Module):
    """Three colours become two units: f_0 = red, f_1 = green + 2 blue."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 1, bias=False)
        self.conv.weight = nn.Parameter(
            torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 2.0]])[:, :, None, None]
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x)
        return out


def by_hand(pool: Any = "average") -> CamModel:
    """Two units on 2 x 2 places; class 0 weighs them 3 and -1, class 1 weighs them 0 and 2."""
    places = 4 if pool == "flatten" else 1
    head = nn.Linear(2 * places, 2)
    with torch.no_grad():
        head.weight.copy_(torch.tensor([[3.0, -1.0], [0.0, 2.0]]).repeat_interleave(places, dim=1))
        head.bias.copy_(torch.tensor([0.5, -0.5]))
    return CamModel(Fixed(), head, pool=pool, size=2).eval()


# Red is 4 at the upper left; green 1 everywhere; blue 1 at the lower right: f_1 = 1, 1, 1, 3.
PICTURE = torch.tensor([[[[4.0, 0], [0, 0]], [[1, 1], [1, 1]], [[0, 0], [0, 1]]]])


def random_net(pool: Any = "average", **more: Any) -> CamModel:
    torch.manual_seed(3)
    backbone = nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(inplace=True), nn.MaxPool2d(2),
        nn.Conv2d(6, 5, 3, padding=1), nn.ReLU(inplace=True),
    )  # fmt: skip
    units = 5 * 4 * 6 if pool == "flatten" else 5
    return CamModel(backbone, nn.Linear(units, 4), pool=pool, **more).eval()


@pytest.fixture
def inputs() -> Tensor:
    torch.manual_seed(5)
    return torch.randn(3, 3, 8, 12)


# ---------------------------------------------------------------- on paper


def test_the_gradient_on_paper() -> None:
    """dS_0/d(red, green, blue) = (3, -1, -2) / 4 at every place: the largest is 3/4."""
    found = saliency.gradient(by_hand(), PICTURE)
    assert found.tolist() == [[[[0.75, 0.75], [0.75, 0.75]], [[1.0, 1.0], [1.0, 1.0]]]]


def test_grad_cam_on_paper() -> None:
    """alpha of class 0 = (3, -1) / 4: (3 * 4 - 1) / 4 = 2.75, then -1/4, -1/4, -3/4."""
    raw = saliency.grad_cam(by_hand(), PICTURE, 0, relu=False)
    assert raw.tolist() == [[[[2.75, -0.25], [-0.25, -0.75]]]]
    assert saliency.grad_cam(by_hand(), PICTURE, 0).tolist() == [[[[2.75, 0.0], [0.0, 0.0]]]]


def test_a_maximum_sends_its_gradient_to_one_place() -> None:
    """Maximum: dS_1/df_1 is 2 at the lower right alone, so alpha_1 = 2/4 and HiResCAM 2 * 3."""
    net = by_hand("max")
    assert saliency.grad_cam(net, PICTURE, 1).tolist() == [[[[0.5, 0.5], [0.5, 1.5]]]]
    assert saliency.hires_cam(net, PICTURE, 1).tolist() == [[[[0.0, 0.0], [0.0, 6.0]]]]


def test_occlusion_on_paper() -> None:
    """Covering one place with zeros takes its share of the score away: M_0(x, y) / 4."""
    found = saliency.occlusion(by_hand(), PICTURE, 0, side=1, stride=1, progress=False)
    assert found.tolist() == [[[[2.75, -0.25], [-0.25, -0.75]]]]


def test_the_fill_is_what_covers() -> None:
    """Filled with ones, the upper left loses 3 of 4 reds, gains 2 greens' worth: (9 + 2) / 4."""
    found = saliency.occlusion(by_hand(), PICTURE, 0, side=1, stride=1, fill=1.0, progress=False)
    assert found[0, 0, 0, 0].item() == (3 * 3 - 1 * (1 - 3)) / 4


def test_an_occluding_square_is_centred_on_its_cell_and_cut_at_the_edge() -> None:
    """Side 4, stride 2, six columns: the first square covers columns 0 to 2, the second 1 to 4."""
    picture = torch.zeros(1, 3, 2, 6)
    picture[0, 0, :, 1] = 12.0  # red in column 1 only: S_0 = 3 * mean(red) = 3 * 24 / 12
    found = saliency.occlusion(by_hand(), picture, 0, side=4, stride=2, progress=False)
    assert found.shape == (1, 1, 1, 3)
    assert found[0, 0, 0].tolist() == [6.0, 6.0, 0.0]


def test_class_blind_is_the_mean_of_the_units() -> None:
    features = by_hand().features(PICTURE)
    assert saliency.class_blind(features).tolist() == [[[[2.5, 0.5], [0.5, 1.5]]]]


# ---------------------------------------------------------------- against CAM and each other


def test_grad_cam_on_a_pooled_head_is_cam_divided_by_the_places(inputs: Tensor) -> None:
    net = random_net()
    cam = net.maps(net.features(inputs)) / (4 * 6)
    assert (saliency.grad_cam(net, inputs, relu=False) - cam).abs().max() < 1e-6
    assert (saliency.hires_cam(net, inputs) - cam).abs().max() < 1e-6
    assert (saliency.grad_cam(net, inputs) - cam.relu()).abs().max() < 1e-6


def test_on_a_flattened_head_only_the_places_own_gradients_add_up(inputs: Tensor) -> None:
    """HiResCAM keeps the sum; Grad-CAM, which averages first, does not: the control must fail."""
    net = random_net("flatten")
    wanted = net(inputs) - net.bias
    hires = saliency.hires_cam(net, inputs).sum(dim=(2, 3))
    grad = saliency.grad_cam(net, inputs, relu=False).sum(dim=(2, 3))
    assert (hires - wanted).abs().max() < 1e-5
    assert (grad - wanted).abs().max() > 1e-2


def test_the_last_layer_by_name_is_the_last_layer_by_default(inputs: Tensor) -> None:
    net = random_net()
    named = saliency.grad_cam(net, inputs, layer="backbone.5", relu=False)
    assert torch.equal(named, saliency.grad_cam(net, inputs, relu=False))


def test_a_layer_before_a_relu_in_place_keeps_its_own_values(inputs: Tensor) -> None:
    """The ReLU that follows overwrites its input; the map must come from the values before it."""
    net = random_net()
    slow = random_net()
    for layer in (2, 5):
        slow.backbone[layer].inplace = False  # type: ignore[index, union-attr]
    for name in ("backbone.1", "backbone.4"):
        fast_map = saliency.hires_cam(net, inputs, layer=name)
        assert torch.allclose(fast_map, saliency.hires_cam(slow, inputs, layer=name))
        assert fast_map.abs().max() > 0


def test_any_module_will_do(inputs: Tensor) -> None:
    net = random_net()
    plain = nn.Sequential(net.backbone, nn.AdaptiveAvgPool2d(1), nn.Flatten(), net.head).eval()
    for function in (saliency.grad_cam, saliency.hires_cam):
        assert torch.allclose(
            function(plain, inputs, [2, 0], layer="0"), function(net, inputs, [2, 0]), atol=1e-6
        )
    assert torch.allclose(saliency.gradient(plain, inputs), saliency.gradient(net, inputs))


def test_the_gradient_agrees_with_a_small_step() -> None:
    torch.manual_seed(0)
    net = random_net().double()
    x = torch.randn(1, 3, 8, 12, dtype=torch.float64)
    wanted = torch.zeros(3)
    for colour in range(3):
        moved = x.clone()
        moved[0, colour, 3, 7] += 1e-6
        wanted[colour] = ((net(moved) - net(x))[0, 1] / 1e-6).item()
    assert saliency.gradient(net, x, 1)[0, 0, 3, 7].item() == pytest.approx(
        wanted.abs().max().item(), rel=1e-4
    )


def test_other_classes_in_every_picture(inputs: Tensor) -> None:
    net, rows = random_net(), [[0, 3], [1, 1], [2, 0]]
    for function in (saliency.gradient, saliency.grad_cam, saliency.hires_cam, _occlusion):
        every = function(net, inputs)
        chosen = function(net, inputs, torch.tensor(rows))
        assert chosen.shape[:2] == (3, 2)
        for b, row in enumerate(rows):
            assert torch.allclose(chosen[b], every[b, row], atol=1e-6)


def test_one_picture_at_a_time_gives_the_same(inputs: Tensor) -> None:
    net = random_net()
    for function in (saliency.gradient, saliency.grad_cam, saliency.hires_cam, _occlusion):
        alone = torch.cat([function(net, one[None]) for one in inputs])
        assert torch.allclose(function(net, inputs), alone, atol=1e-6)


def _occlusion(net: nn.Module, inputs: Tensor, classes: Any = None) -> Tensor:
    return saliency.occlusion(net, inputs, classes, side=4, stride=4, batch=5, progress=False)


# ---------------------------------------------------------------- leaving no trace

FUNCTIONS = (saliency.gradient, saliency.grad_cam, saliency.hires_cam, _occlusion)


def state(net: nn.Module) -> Iterator[Any]:
    """Yield everything that a map could leave behind in a network."""
    for name, module in net.named_modules():
        yield name, module.training, len(module._forward_hooks)
    for name, parameter in net.named_parameters():
        yield name, parameter.requires_grad, parameter.grad is None
    for name, value in net.state_dict().items():
        yield name, value.double().sum().item()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_network_is_left_as_it_was(function: Any, inputs: Tensor) -> None:
    net = random_net().train()
    net.backbone[1].eval()  # type: ignore[index]
    net.head.weight.requires_grad_(False)
    before, asked = list(state(net)), inputs.clone()
    first = function(net, inputs)
    assert list(state(net)) == before
    assert torch.equal(inputs, asked)
    assert not inputs.requires_grad
    assert not first.requires_grad
    assert torch.equal(first, function(net.eval(), inputs))  # measured in evaluation mode


def test_the_hook_goes_also_after_an_error(inputs: Tensor) -> None:
    net = random_net().train()
    before = list(state(net))
    with pytest.raises(ValueError, match="class 9 is out of range"):
        saliency.grad_cam(net, inputs, 9, layer="backbone.4")
    with pytest.raises(ValueError, match="layer 'head' runs 0 times"):
        saliency.grad_cam(net, inputs, 0, layer="head")  # only its weights are used
    assert list(state(net)) == before


@pytest.mark.parametrize("function", FUNCTIONS)
def test_frozen_networks_and_switched_off_gradients(function: Any, inputs: Tensor) -> None:
    net = random_net()
    wanted = function(net, inputs)
    frozen = random_net().requires_grad_(False)
    assert torch.equal(function(frozen, inputs), wanted)
    with torch.no_grad():
        assert torch.equal(function(net, inputs), wanted)
    with torch.inference_mode():
        assert torch.equal(function(net, inputs.clone()), wanted)


# ---------------------------------------------------------------- words for a learner


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_cannot_be_used_is_refused(function: Any, inputs: Tensor) -> None:
    net = random_net()
    with pytest.raises(TypeError, match=r"net must be an nn\.Module, not str"):
        function("resnet18", inputs)
    with pytest.raises(TypeError, match="inputs must be a ready, normalised tensor"):
        function(net, inputs.numpy())
    with pytest.raises(TypeError, match="it must hold floats"):
        function(net, inputs.byte())
    with pytest.raises(ValueError, match="NaN"):
        function(net, inputs * float("nan"))
    with pytest.raises(ValueError, match=r"class 4 is out of range; this network has 0 to 3"):
        function(net, inputs, 4)


def test_layers_that_cannot_be_used_are_named(inputs: Tensor) -> None:
    net = random_net()
    with pytest.raises(ValueError, match=r"no layer 'backbone.44'; near ones: 'backbone.4'"):
        saliency.grad_cam(net, inputs, layer="backbone.44")
    with pytest.raises(ValueError, match="is no CamModel, so layer must name the layer"):
        saliency.grad_cam(net.backbone, inputs)
    relu = nn.ReLU()
    twice = nn.Sequential(nn.Conv2d(3, 4, 1), relu, relu, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with pytest.raises(ValueError, match="layer '1' runs 2 times in one pass"):
        saliency.grad_cam(twice, inputs, layer="1")
    with pytest.raises(ValueError, match=r"layer '4' gives \(3, 4\), where maps"):
        saliency.grad_cam(twice, inputs, layer="4")


class Branch(nn.Module):
    """Has a layer whose output goes nowhere."""

    def __init__(self) -> None:
        super().__init__()
        self.aside, self.main = nn.Conv2d(3, 2, 1), nn.Conv2d(3, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        self.aside(x)
        out: Tensor = self.main(x)
        return out.mean(dim=(2, 3))


@pytest.mark.parametrize("frozen", [False, True])
def test_a_layer_that_the_scores_do_not_need(frozen: bool, inputs: Tensor) -> None:
    net = Branch().requires_grad_(not frozen)
    with pytest.raises(ValueError, match="scores do not depend on this layer"):
        saliency.grad_cam(net, inputs, layer="aside")


def test_a_network_that_gives_no_scores(inputs: Tensor) -> None:
    with pytest.raises(ValueError, match=r"net must give scores \(B, C\)"):
        saliency.gradient(nn.Conv2d(3, 2, 1), inputs)


def test_squares_and_steps_must_be_whole(inputs: Tensor) -> None:
    net = random_net()
    with pytest.raises(ValueError, match="side must be at least 1, got 0"):
        saliency.occlusion(net, inputs, side=0)
    with pytest.raises(TypeError, match="stride must be a whole number"):
        saliency.occlusion(net, inputs, stride=2.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="features must be a torch tensor"):
        saliency.class_blind([[1.0]])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="features must be"):
        saliency.class_blind(torch.zeros(2, 3))
