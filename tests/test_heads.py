"""`CamModel`, `explain` and `convert`: numbers to redo on paper, and networks that must be refused.

Torchvision's own families are in `test_zoo`, surgery is in `test_relatives`.
"""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from camkit.heads import CamModel, NoCamError, conversion_error, convert
from camkit.images import PictureError


class Channels(nn.Module):
    """A backbone on paper: unit 0 is red, unit 1 is green minus blue."""

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.stack([inputs[:, 0], inputs[:, 1] - inputs[:, 2]], dim=1)


def paper_net(**options: Any) -> CamModel:
    head = nn.Linear(2, 3)
    head.weight.data = torch.tensor([[1.0, 0.0], [2.0, -1.0], [0.0, 3.0]])
    head.bias.data = torch.tensor([0.5, -1.0, 0.0])
    return CamModel(
        Channels(), head, **{"names": ["red", "warm", "green"], "size": (2, 3), **options}
    )


# Red 0 1 2 / 3 4 5, green 1 everywhere, blue 0 but for 3 in a corner.
INPUTS = torch.tensor(
    [[[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]], [[1.0] * 3] * 2, [[0.0, 0.0, 3.0], [0.0] * 3]]]
)
MAPS = [
    [[0, 1, 2], [3, 4, 5]],
    [[-1, 1, 6], [5, 7, 9]],
    [[3, 3, -6], [3, 3, 3]],
]
SCORES = [15 / 6 + 0.5, 27 / 6 - 1, 9 / 6]


def small_net(units: int = 8, count: int = 4, **options: Any) -> CamModel:
    torch.manual_seed(0)
    backbone = nn.Sequential(nn.Conv2d(3, units, 3, padding=1), nn.BatchNorm2d(units), nn.ReLU())
    names = ["cat", "dog", "cow", "hen"][:count]
    return CamModel(
        backbone, nn.Linear(units, count), **{"names": names, "size": 16, **options}
    ).eval()


def picture(height: int = 20, width: int = 30, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


# ---------------------------------------------------------------- CamModel


def test_a_network_on_paper() -> None:
    net = paper_net()
    features = net.features(INPUTS)
    assert net.maps(features)[0].tolist() == MAPS
    assert net(INPUTS)[0].tolist() == SCORES
    result = net.explain(INPUTS, classes="all")
    assert result.maps[0].tolist() == MAPS
    assert result.scores[0].tolist() == SCORES
    assert result.names == [["red", "warm", "green"]]
    odds = np.exp(SCORES)
    np.testing.assert_allclose(result.probabilities[0], odds / odds.sum(), rtol=1e-6)
    # 20 % of the maximum 9 is 1.8: the whole lower row and the upper right cell.
    assert result.boxes()[0, 1].tolist() == [0, 0, 3, 2]
    assert result.boxes(0.6)[0, 1].tolist() == [1, 0, 3, 2]  # above 5.4: 6, 7, 9


def test_max_pooling_on_paper() -> None:
    net = paper_net(pool="max")
    assert net(INPUTS)[0].tolist() == [5.5, 2 * 5 - 1 - 1, 3]  # the largest of f_1 is 1
    assert net.explain(INPUTS, classes="all").maps[0].tolist() == MAPS  # the same weights
    assert net.verdict == "map without a sum"


def test_a_relu_on_the_map_on_paper() -> None:
    net = paper_net(relu_map=True)
    assert net(INPUTS)[0, 1].item() == pytest.approx((0 + 0 + 5 + 4 + 6 + 8) / 6)
    assert net.explain(INPUTS, classes="all").maps[0].tolist() == MAPS
    assert net.verdict == "exact with its own last step"


def test_flattening_on_paper() -> None:
    head = nn.Linear(12, 2)
    head.weight.data = torch.stack([torch.arange(12.0), torch.ones(12)])
    head.bias.data.zero_()
    net = CamModel(Channels(), head, pool="flatten", size=(2, 3))
    flat = [0, 1, 2, 3, 4, 5, 1, 1, -2, 1, 1, 1]
    assert net(INPUTS)[0].tolist() == [sum(i * f for i, f in enumerate(flat)), sum(flat)]
    assert net.verdict == "no map"
    with pytest.raises(NoCamError, match=r"every place has its own weights.*use Grad-CAM"):
        net.explain(INPUTS)


def test_a_pointwise_convolution_and_no_bias_as_a_head() -> None:
    conv = nn.Conv2d(2, 3, 1, bias=False)
    conv.weight.data = paper_net().head.weight.data[:, :, None, None].clone()
    net = CamModel(Channels(), conv, size=(2, 3))
    assert net.weights.shape == (3, 2)
    assert net.bias.tolist() == [0, 0, 0]
    assert net(INPUTS)[0].tolist() == [2.5, 4.5, 1.5]
    assert net.names == ["class 0", "class 1", "class 2"]


def test_modules_are_shared() -> None:
    backbone, head = Channels(), nn.Linear(2, 3)
    net = CamModel(backbone, head)
    assert net.backbone is backbone
    assert net.head is head
    assert net.weights.data_ptr() == head.weight.data_ptr()


@pytest.mark.parametrize(
    ("error", "words", "arguments", "options"),
    [
        (TypeError, "backbone must be an nn.Module, not int", (3, nn.Linear(2, 3)), {}),
        (TypeError, "one nn.Linear .* not Sequential", (Channels(), nn.Sequential()), {}),
        (TypeError, "not Conv2d", (Channels(), nn.Conv2d(2, 3, 3)), {}),
        (ValueError, '"average", "max" or "flatten", got \'sum\'', None, {"pool": "sum"}),
        (ValueError, "names has 2 entries, but the head has 3", None, {"names": ["a", "b"]}),
        (ValueError, "size must be", None, {"size": 0}),
        (ValueError, "mean and std must be 3 numbers each", None, {"mean": (0.5,)}),
        (ValueError, "std above zero", None, {"std": (1, 0, 1)}),
        (ValueError, "relu_map goes with average", None, {"relu_map": True, "pool": "max"}),
        (ValueError, "relu_map goes with average", None, {"relu_map": True, "dropout": 0.5}),
    ],
)  # fmt: skip
def test_bad_parts(error: Any, words: str, arguments: Any, options: dict[str, Any]) -> None:
    with pytest.raises(error, match=words):
        CamModel(*(arguments or (Channels(), nn.Linear(2, 3))), **options)


def test_a_backbone_that_pools_or_does_not_fit() -> None:
    """What torch says of these, "Dimension out of range" or "mat1 and mat2", tells nobody."""
    pooled = nn.Sequential(Channels(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with pytest.raises(ValueError, match=r"features of shape \(1, 2\).*leave its pooling"):
        CamModel(pooled, nn.Linear(2, 3)).explain(INPUTS)
    with pytest.raises(ValueError, match="weighs 5 units, but the backbone gives 2: they do not"):
        CamModel(Channels(), nn.Linear(5, 3)).explain(INPUTS)
    with pytest.raises(ValueError, match="weighs 4 units, but the backbone gives 2 x 6 places"):
        CamModel(Channels(), nn.Linear(4, 3), pool="flatten")(INPUTS)


# ---------------------------------------------------------------- explain: pictures


def test_every_kind_of_picture_gives_the_same(tmp_path: Path) -> None:
    net, pixels = small_net(), picture()
    path = tmp_path / "a.png"
    Image.fromarray(pixels).save(path)
    expected = net.explain(pixels)
    for one in (path, str(path), Image.fromarray(pixels), pixels / 255, (pixels / 255).tolist()):
        if isinstance(one, list):
            one = np.array(one, np.float32)
        found = net.explain(one)
        assert torch.equal(found.scores, expected.scores)
        assert torch.equal(found.maps, expected.maps)
        assert found.heatmaps()[0].shape == (4, 20, 30)


def test_a_ready_tensor_is_taken_as_it_is() -> None:
    net = small_net(mean=(0.5,) * 3, std=(0.2,) * 3)
    inputs = torch.randn(2, 3, 12, 18)
    result = net.explain(inputs, classes="all")
    assert torch.equal(result.scores, net(inputs).detach())
    assert result.maps.shape == (2, 4, 12, 18)
    assert [heat.shape for heat in result.heatmaps()] == [(4, 12, 18)] * 2  # boxes in its pixels
    for same in (list(inputs), [inputs], (inputs[:1], inputs[1])):
        assert torch.equal(net.explain(same, classes="all").maps, result.maps)
    torch.testing.assert_close(net.explain(inputs[0]).scores, result.scores[:1])


def test_a_list_of_pictures_of_different_sizes() -> None:
    net = small_net()
    pictures = [picture(20, 30), picture(7, 50, 1), picture(1, 1, 2)]
    result = net.explain(pictures, top=2)
    assert result.maps.shape == (3, 2, 16, 16)
    assert [heat.shape for heat in result.heatmaps()] == [(2, 20, 30), (2, 7, 50), (2, 1, 1)]
    for i, one in enumerate(pictures):
        alone = net.explain(one, top=2)
        assert alone.names == [result.names[i]]
        torch.testing.assert_close(alone.maps[0], result.maps[i])


def test_batches_split_anywhere_give_the_same() -> None:
    net = small_net()
    pictures = [picture(seed=seed) for seed in range(7)]
    whole = net.explain(pictures, batch=7)
    for batch in (1, 2, 3, 100, np.int64(5)):
        split = net.explain(pictures, batch=batch)  # type: ignore[arg-type]
        assert torch.equal(split.classes, whole.classes)
        torch.testing.assert_close(split.scores, whole.scores)
        torch.testing.assert_close(split.maps, whole.maps)
        assert split.views == whole.views


def test_pictures_are_read_as_they_are_needed(tmp_path: Path) -> None:
    """A thousand pictures need the memory of one batch."""
    net = small_net()
    seen = 0

    def count(module: nn.Module, inputs: tuple[Tensor]) -> None:
        nonlocal seen
        seen += len(inputs[0])

    handle = net.backbone.register_forward_pre_hook(count)
    with pytest.raises(FileNotFoundError, match=r"missing\.png"):
        net.explain([picture()] * 4 + [tmp_path / "missing.png"], batch=2)
    handle.remove()
    assert seen == 4


def test_every_picture_has_top_classes_of_its_own() -> None:
    net = paper_net(names=["red", "warm", "green"])
    red = np.zeros((2, 3, 3), np.uint8)
    red[..., 0] = 255
    green = red[..., [1, 0, 2]]
    result = net.explain([red, green], top=1)
    # red: 1.5, 1, 0; green: 0.5, -2, 3.
    assert result.names == [["red"], ["green"]]
    assert result.classes.tolist() == [[0], [2]]
    assert result.scores.tolist() == [[1.5, 1, 0], [0.5, -2, 3]]
    assert str(result).splitlines()[1] == f"picture 1: green {result.probabilities[1, 2]:.3f}"


def test_top_classes_are_in_order_and_probabilities_sum_to_one() -> None:
    result = small_net().explain([picture(seed=s) for s in range(3)])
    assert result.classes.shape == (3, 4)  # all, where there are fewer than five
    for scores, classes in zip(result.scores, result.classes, strict=True):
        assert scores[classes].tolist() == sorted(scores.tolist(), reverse=True)
    np.testing.assert_allclose(result.probabilities.sum(dim=1), 1, rtol=1e-6)


def test_crop_looks_at_the_centre() -> None:
    net = small_net(size=14)
    pixels = picture(32, 64)
    result = net.explain(pixels, classes="cat", fit="crop")
    # The short side is 16 of the input's pixels, so 14 of them show 28 of the picture's.
    assert result.views[0].region == (18, 2, 46, 30)
    heat = result.heatmaps()[0][0]
    assert np.isfinite(heat[2:30, 18:46]).all()
    assert np.isnan(heat[:, :18]).all()
    assert np.isnan(heat[:2]).all()
    same = net.explain(np.ascontiguousarray(pixels[2:30, 18:46]), classes="cat")
    # At the rim, resizing and the convolution each see one pixel of the picture around the crop.
    torch.testing.assert_close(result.maps[..., 2:-2, 2:-2], same.maps[..., 2:-2, 2:-2])


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ([], ValueError, "The list of pictures is empty; give at least one"),
        ({}, TypeError, "^picture must be a path.* not dict"),
        (None, TypeError, "not NoneType"),
        (torch.zeros(0, 3, 8, 8), ValueError, "The batch is empty"),
        (torch.zeros(1, 8, 8, 3), ValueError, r"a batch \(B, 3, H, W\), got \(1, 8, 8, 3\)"),
        (torch.zeros(1, 3, 8, 8, dtype=torch.uint8), TypeError, "hold floats, not torch.uint8"),
        (torch.full((1, 3, 8, 8), torch.nan), ValueError, "The batch holds NaN"),
        ([torch.zeros(3, 8, 8), torch.zeros(3, 8, 9)], ValueError, "one height and width"),
        ([torch.zeros(3, 8, 8), picture()], TypeError, "pictures or ready tensors, not both"),
        ([picture(), np.full((2, 2), np.nan)], PictureError, "^Picture 1: The array holds NaN"),
        ([picture(), 3], TypeError, "^Picture 1: picture must be"),
        (np.zeros((2, 8, 8, 3)), PictureError, r"as a list, list\(array\)"),
    ],
)  # fmt: skip
def test_bad_pictures(given: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        small_net().explain(given)


# ---------------------------------------------------------------- explain: classes


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        (2, [2]),
        (np.int64(2), [2]),
        (np.uint8(2), [2]),
        (torch.tensor(2), [2]),
        ("cow", [2]),
        ("COW", [2]),
        (["hen", 0, torch.tensor(1), np.int32(2)], [3, 0, 1, 2]),
        (("cow", "cat"), [2, 0]),
        (np.array(["cow", "cat"]), [2, 0]),
        (np.array([3, 1]), [3, 1]),
        (torch.tensor([1, 1]), [1, 1]),
        (range(2), [0, 1]),
        ("all", [0, 1, 2, 3]),
    ],
)
def test_every_way_to_name_classes(classes: Any, expected: list[int]) -> None:
    net = small_net()
    result = net.explain([picture(), picture(seed=1)], classes=classes)
    assert result.classes.tolist() == [expected] * 2
    assert result.names == [[net.names[c] for c in expected]] * 2
    everything = net.explain([picture(), picture(seed=1)], classes="all")
    torch.testing.assert_close(result.maps, everything.maps[:, expected])
    assert result.scores.shape == (2, 4)  # of all classes, whatever is mapped


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"classes": "cct"}, ValueError, "no class 'cct' among 4; near ones: 'cat'"),
        ({"classes": ["cat", "zebra"]}, ValueError, r"no class 'zebra' among 4\.$"),
        ({"classes": 4}, ValueError, "class 4 is out of range; this network has 0 to 3"),
        ({"classes": -1}, ValueError, "class -1 is out of range"),
        ({"classes": True}, TypeError, "classes must be integers"),
        ({"classes": [True, 2]}, TypeError, "classes must be integers"),
        ({"classes": 1.0}, TypeError, "classes must be integers from 0 to 3, got 1.0"),
        ({"classes": []}, ValueError, "classes is empty"),
        ({"classes": [[0], [1]]}, ValueError, "one flat list, the same for all pictures"),
        ({"classes": [[0], [1, 2]]}, ValueError, "one flat list, the same for all pictures"),
        ({"classes": torch.zeros(2, 1, dtype=torch.int64)}, ValueError, "one flat list"),
        ({"top": 0}, ValueError, "top must be from 1 to 4, the number of classes, got 0"),
        ({"top": 5}, ValueError, "top must be from 1 to 4, the number of classes, got 5"),
        ({"top": True}, TypeError, "top must be a whole number, got True"),
        ({"top": 2.0}, TypeError, "top must be a whole number, got 2.0"),
        ({"top": torch.tensor(2.5)}, TypeError, r"top must be a whole number, got tensor\(2.5"),
        ({"top": 2, "classes": 1}, ValueError, "Give top or classes, not both"),
        ({"batch": 0}, ValueError, "batch must be at least 1, got 0"),
        ({"batch": "all"}, TypeError, "batch must be a whole number, got 'all'"),
        ({"fit": "zoom"}, ValueError, 'fit must be "squash" or "crop"'),
    ],
)
def test_bad_choices(options: dict[str, Any], error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        small_net().explain([picture(), picture()], **options)


def test_numbers_of_every_kind_for_top() -> None:
    for top in (2, np.int64(2), torch.tensor(2)):
        assert small_net().explain(picture(), top=top).maps.shape[1] == 2  # type: ignore[arg-type]


def test_two_classes_of_one_name() -> None:
    net = small_net(names=["crane", "crane", "cow", "hen"])
    with pytest.raises(ValueError, match=r"called 'crane': give a number of \[0, 1\]"):
        net.explain(picture(), classes="crane")


# ---------------------------------------------------------------- explain: what it leaves behind


def state(net: nn.Module) -> dict[str, Any]:
    """What a call must not change."""
    hooks = sum(
        len(getattr(m, name))
        for m in net.modules()
        for name in ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks")
    )
    return {
        "modes": [m.training for m in net.modules()],
        "gradients": [(p.requires_grad, p.grad) for p in net.parameters()],
        "values": {key: value.clone() for key, value in net.state_dict().items()},
        "hooks": hooks,
        "attributes": [sorted(vars(m)) for m in net.modules()],
    }


def assert_same(before: dict[str, Any], after: dict[str, Any]) -> None:
    values, others = before.pop("values"), after.pop("values")
    assert before == after
    for key, value in values.items():
        assert torch.equal(value, others[key]), key


@pytest.mark.parametrize("fails", [False, True])
def test_explain_leaves_nothing_behind(fails: bool) -> None:
    """Modes module by module, gradients, statistics; also when the backbone raises."""

    class Last(nn.Module):
        def forward(self, features: Tensor) -> Tensor:
            if fails:
                raise RuntimeError("the backbone broke")
            return features

    net = small_net()
    net.backbone.append(Last())
    net.train()
    net.backbone[1].eval()  # a frozen batch norm stays frozen
    net.head.bias.requires_grad_(False)
    net.head.weight.grad = torch.ones_like(net.head.weight)
    before = state(net)
    if fails:
        with pytest.raises(RuntimeError, match="the backbone broke"):
            net.explain(picture())
    else:
        result = net.explain(picture())
        assert not result.maps.requires_grad
    assert torch.is_grad_enabled()
    after = state(net)
    assert (net.head.weight.grad == 1).all()
    for each in (before, after):
        each["gradients"] = [needed for needed, _ in each["gradients"]]
    assert_same(before, after)
    assert [m.training for m in net.backbone] == [True, False, True, True]


def test_explain_uses_evaluation_mode() -> None:
    net = small_net(dropout=0.9)
    expected = net.explain(picture()).scores
    net.train()
    assert torch.equal(net.explain(picture()).scores, expected)


def test_maps_keep_their_gradients_outside_explain() -> None:
    """`explain` computes none, but features, maps and scores can be differentiated."""
    net = paper_net()
    inputs = INPUTS.clone().requires_grad_()
    net.maps(net.features(inputs), 1).sum().backward()
    assert inputs.grad is not None
    assert inputs.grad[0, :, 0, 0].tolist() == [2, -1, 1]


# ---------------------------------------------------------------- explain: precision, boxes


def test_double_precision() -> None:
    net = small_net()
    pixels = picture()
    single = net.explain(pixels, classes="all")
    double = net.double().explain(pixels, classes="all")
    assert double.maps.dtype == torch.float64
    sums = double.maps.mean(dim=(2, 3)) + net.bias
    assert (sums - double.scores).abs().max() / double.scores.abs().max() < 1e-12
    torch.testing.assert_close(double.maps.float(), single.maps)


@pytest.mark.filterwarnings("ignore:Picture 0")  # of a map without a box
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision(dtype: torch.dtype) -> None:
    net = small_net()
    single = net.explain(picture(), classes="all")
    half = net.to(dtype).explain(picture(), classes="all")
    assert half.maps.dtype == dtype
    assert (half.maps.float() - single.maps).abs().max() < 0.03 * single.maps.abs().max()
    assert half.probabilities.sum().item() == pytest.approx(1)
    assert half.heatmaps()[0].dtype == np.float32
    assert half.boxes().shape == (1, 4, 4)


def test_boxes_are_in_the_picture_s_pixels() -> None:
    """Upsampled to the input's size first, then carried back: at 2 x 3 nothing is upsampled."""
    red = np.zeros((40, 90, 3), np.uint8)
    red[20:, 60:, 0] = 255  # the lower right of 2 x 3 cells, each 30 x 20 pixels
    result = paper_net().explain(red, classes="red")
    assert result.boxes()[0, 0].tolist() == [60, 20, 90, 40]


def test_a_map_without_a_box_says_why() -> None:
    black = np.zeros((4, 6, 3), np.uint8)
    result = paper_net().explain([black, black], classes=["red"])
    words = 'class "red": no box, because the map has no positive value'
    with pytest.warns(match=f"Picture 0, {words}"), pytest.warns(match=f"Picture 1, {words}"):
        found = result.boxes()
    assert np.isnan(found).all()
    assert found.shape == (2, 1, 4)


def test_bad_thresholds() -> None:
    result = small_net().explain(picture())
    with pytest.raises(ValueError, match=r"for 20 % write 0\.2"):
        result.boxes(20)
    with pytest.raises(TypeError, match="threshold must be a number"):
        result.boxes("20%")  # type: ignore[arg-type]


# ---------------------------------------------------------------- convert: traced networks


class Own(nn.Module):
    """Somebody's network: a convolution, then whatever ``tail`` does with the features."""

    def __init__(self, tail: Callable[[Any, Any], Any], head: nn.Module | None = None) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 8, 3, stride=2)
        self.norm = nn.BatchNorm2d(8)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.drop = nn.Dropout(0.4)
        self.head = head or nn.Linear(8, 4)
        self.tail = tail

    def forward(self, inputs: Tensor) -> Any:
        return self.tail(self, F.relu(self.norm(self.conv(inputs))))


def pointwise() -> nn.Module:
    torch.manual_seed(1)
    return nn.Conv2d(8, 4, 1)


EXACT: dict[str, tuple[Callable[[Any, Any], Any], bool]] = {
    "mean": (lambda n, f: n.head(f.mean([2, 3])), False),
    "mean of keywords": (lambda n, f: n.head(torch.mean(f, dim=(-2, -1))), False),
    "AdaptiveAvgPool2d": (lambda n, f: n.head(torch.flatten(n.pool(f), 1)), False),
    "adaptive_avg_pool2d": (lambda n, f: n.head(F.adaptive_avg_pool2d(f, 1).flatten(1)), False),
    "view": (lambda n, f: n.head(n.pool(f).view(f.size(0), -1)), False),
    "indexing": (lambda n, f: n.head(n.pool(f)[:, :, 0, 0]), False),
    "squeezing": (lambda n, f: n.head(n.pool(f).squeeze(-1).squeeze(-1)), False),
    "dropout": (lambda n, f: n.head(n.drop(f.mean((2, 3)))), False),
    "1x1 convolution, then pooling": (lambda n, f: n.head(f).mean((2, 3)), True),
    "pooling, then 1x1 convolution": (lambda n, f: n.head(n.pool(f)).flatten(1), True),
}


@pytest.mark.parametrize("name", EXACT)
def test_own_networks_are_traced(name: str) -> None:
    tail, conv = EXACT[name]
    model = Own(tail, pointwise() if conv else None).eval()
    net = convert(model)
    assert net.verdict == "exact"
    assert net.head is model.head
    inputs = torch.randn(2, 3, 33, 41)
    features = net.features(inputs)
    sums = net.maps(features).mean(dim=(2, 3)) + net.bias
    torch.testing.assert_close(sums, model(inputs), rtol=1e-5, atol=1e-6)


def test_a_relu_between_map_and_pooling() -> None:
    model = Own(lambda n, f: n.pool(F.relu(n.head(f))).flatten(1), pointwise()).eval()
    net = convert(model)
    assert net.verdict == "exact with its own last step"
    assert conversion_error(model, net) < 1e-6


@pytest.mark.parametrize(
    "tail",
    [
        lambda n, f: n.head(F.adaptive_max_pool2d(f, 1).flatten(1)),
        lambda n, f: n.head(f.amax((2, 3))),
    ],
)
def test_max_pooling_is_recognised(tail: Any) -> None:
    model = Own(tail).eval()
    net = convert(model)
    assert net.verdict == "map without a sum"
    assert conversion_error(model, net) < 1e-6


def test_pooling_in_two_steps_gives_a_coarser_map() -> None:
    """A network that averages small blocks and then all of them has a map of the blocks."""
    net = convert(Own(lambda n, f: n.head(F.avg_pool2d(f, 4).mean((2, 3)))).eval())
    assert net.features(torch.zeros(1, 3, 65, 65)).shape == (1, 8, 8, 8)


REFUSED: dict[str, tuple[Callable[[Any, Any], Any], nn.Module | None, str]] = {
    "softmax": (lambda n, f: n.head(f.mean((2, 3))).softmax(1), None, "stopped at softmax"),
    "sum": (lambda n, f: n.head(f.sum((2, 3))), None, "stopped at sum_1"),
    "flatten": (lambda n, f: n.head(f.flatten(1)), nn.Linear(8 * 9, 4), "stopped at relu"),
    "scaled scores": (lambda n, f: 2 * n.head(f.mean((2, 3))), None, "stopped at mul"),
    "max after the weights": (lambda n, f: n.head(f).amax((2, 3)), pointwise(), "differ from its"),
    "mean over one axis": (lambda n, f: n.head(f.mean(3).mean(2)), None, "do not have the shape"),
    "half of the places": (lambda n, f: n.head(f[..., ::2].mean((2, 3))), None, ""),
    "a bottom corner": (lambda n, f: n.head(n.pool(f[..., :3, :3]).flatten(1)), None, ""),
    "window of a fixed size": (
        lambda n, f: n.head(F.avg_pool2d(f, 7).flatten(1)), None, "tried on .* more than one size"
    ),
    "one place of four": (
        lambda n, f: n.head(F.adaptive_avg_pool2d(f, 2)[:, :, 0, 0]), None, "differ from its own"
    ),
    "a dictionary": (lambda n, f: {"out": n.head(f.mean((2, 3)))}, None, "no tensor but a dict"),
    "untraceable": (lambda n, f: n.head(f.mean((2, 3))) if f.sum() else f, None, "be traced"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_own_networks_are_refused(name: str) -> None:
    """Those that are exact after all on part of the features keep their promise instead."""
    tail, head, words = REFUSED[name]
    model = Own(tail, copy.deepcopy(head)).eval()
    if not words:
        # Averaging a part of the features is a backbone that ends in that part.
        assert conversion_error(model, convert(model)) < 1e-6
        return
    with pytest.raises(NoCamError, match=words) as caught:
        convert(model)
    told = str(caught.value)
    assert told.startswith("Own ")
    assert "\n" not in told
    assert "replace_head" in told or "AdaptiveAvgPool2d(1)" in told  # the way out


def test_greyscale_networks_are_refused_in_one_sentence() -> None:
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2)
    )
    with pytest.raises(NoCamError, match="must take three channels and more than one size"):
        convert(model)


@pytest.mark.parametrize("model", ["resnet18", None, nn.Linear, lambda x: x])
def test_what_is_no_network(model: object) -> None:
    with pytest.raises(TypeError, match=r"model must be an nn\.Module, not"):
        convert(model)  # type: ignore[arg-type]


def test_a_cam_model_is_one_already() -> None:
    net = small_net()
    assert convert(net) is net


# ---------------------------------------------------------------- convert: torchvision's, changed

tv = pytest.importorskip("torchvision.models")


def resnet(**changes: nn.Module) -> Any:
    torch.manual_seed(0)
    model = tv.ResNet(tv.resnet.BasicBlock, [1, 1, 1, 1], num_classes=5)
    for name, module in changes.items():
        setattr(model, name, module)
    return model


def test_a_replaced_last_layer() -> None:
    model = resnet(fc=nn.Sequential(nn.Dropout(0.3), nn.Linear(512, 7))).eval()
    net = convert(model)
    assert net.verdict == "exact"
    assert net.head is model.fc[1]
    assert net.dropout.p == 0.3
    assert conversion_error(model, net) < 1e-5


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"fc": nn.Sequential(nn.Linear(512, 9), nn.ReLU(), nn.Linear(9, 3))},
            "between pooling and scores stand Linear, ReLU, Linear, where one",
        ),
        ({"fc": nn.Identity()}, "stand no layers, where one"),
        ({"fc": nn.Sequential(nn.Linear(512, 3), nn.Softmax(1))}, "stand Linear, Softmax"),
        (
            {"avgpool": nn.AdaptiveAvgPool2d(2), "fc": nn.Linear(2048, 3)},
            "flattens features of 2 places",
        ),
        ({"layer4": nn.Sequential(nn.Conv2d(256, 99, 1))}, "was tried on .* and failed"),
    ],
)
def test_changes_that_forbid_a_map(changes: dict[str, nn.Module], words: str) -> None:
    with pytest.raises(NoCamError, match=words):
        convert(resnet(**changes).eval())


def test_a_resnet_with_max_pooling() -> None:
    """Its maps are drawn from the same weights; no sum is claimed."""
    model = resnet(avgpool=nn.AdaptiveMaxPool2d(1)).eval()
    net = convert(model)
    assert net.verdict == "map without a sum"
    assert conversion_error(model, net) < 1e-5


def test_a_vgg_with_a_pooled_head() -> None:
    torch.manual_seed(0)
    features = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())
    with torch.device("meta"):  # its own head has 120 million weights
        model = tv.VGG(features, num_classes=5).eval()
    with pytest.raises(NoCamError, match="Linear, ReLU, Dropout, Linear, ReLU, Dropout, Linear"):
        convert(model)
    model.features = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())
    model.avgpool, model.classifier = nn.AdaptiveAvgPool2d(1), nn.Linear(8, 5)
    assert convert(model).verdict == "exact"


def test_another_forward_pass_is_found_out() -> None:
    """The layers are a ResNet's, the scores are not: only the comparison can tell."""

    class Doubled(tv.ResNet):  # type: ignore[misc, name-defined]
        def forward(self, x: Tensor) -> Tensor:
            return 2 * super().forward(x)

    model = Doubled(tv.resnet.BasicBlock, [1, 1, 1, 1], num_classes=5).eval()
    with pytest.raises(NoCamError, match=r"differ from its own by 5\.0e-01 of the largest"):
        convert(model)


def test_what_is_no_classifier() -> None:
    segmentation = tv.segmentation.lraspp_mobilenet_v3_large(weights=None, weights_backbone=None)
    with pytest.raises(NoCamError, match=r"^LRASPP has no exact map.*no tensor but a dict"):
        convert(segmentation)
    detection = tv.detection.ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None)
    with pytest.raises(NoCamError, match=r"^SSD cannot be traced") as caught:
        convert(detection)
    assert len(str(caught.value)) < 350


def test_the_user_s_modules_are_shared() -> None:
    model = resnet()
    net = convert(model)
    own = {id(m) for m in model.modules()}
    assert net.head is model.fc
    assert net.backbone[0] is model.conv1
    made = [m for m in net.modules() if id(m) not in own]
    assert [type(m) for m in made] == [CamModel, nn.Sequential, nn.Dropout]  # no copy among them
    assert all(any(p is q for q in model.parameters()) for p in net.parameters())


@pytest.mark.parametrize("make", [resnet, lambda: Own(EXACT["dropout"][0])])
def test_modes_are_given_back_and_taken_over(make: Callable[[], nn.Module]) -> None:
    """The new containers are in the mode of the network they were made from."""
    model = make()
    model.train()
    norm = next(m for m in model.modules() if isinstance(m, nn.BatchNorm2d))
    norm.eval()
    before = state(model)
    net = convert(model)
    assert_same(before, state(model))
    assert [m for m in net.modules() if not m.training] == [norm]
    assert not any(m.training for m in convert(model.eval()).modules())


def test_modes_are_given_back_after_a_refusal() -> None:
    model = resnet(fc=nn.Identity())
    before = state(model)
    with pytest.raises(NoCamError):
        convert(model)
    assert_same(before, state(model))


@pytest.mark.parametrize(
    "make",
    [
        lambda: tv.mobilenet_v2(num_classes=4, dropout=0.5, width_mult=0.25),
        lambda: Own(EXACT["dropout"][0]),
        lambda: Own(lambda n, f: n.head(F.dropout(f.mean((2, 3)), p=0.5, training=n.training))),
        lambda: Own(lambda n, f: n.pool(F.relu(n.head(n.drop(f)))).flatten(1), pointwise()),
    ],
)
def test_a_converted_network_still_trains(make: Callable[[], nn.Module]) -> None:
    """Dropout drops, statistics move, and the original learns with it."""
    torch.manual_seed(0)
    model = make().train()
    net = convert(model)
    inputs = torch.randn(4, 3, 64, 64)
    norm = next(m for m in model.modules() if isinstance(m, nn.BatchNorm2d))
    moved = norm.running_mean.clone()
    assert not torch.equal(net(inputs), net(inputs))  # dropout is at work
    assert not torch.equal(norm.running_mean, moved)
    before = [p.clone() for p in model.parameters()]
    F.cross_entropy(net(inputs), torch.tensor([0, 1, 2, 3])).backward()
    torch.optim.SGD(net.parameters(), lr=0.1).step()
    changed = [not torch.equal(p, q) for p, q in zip(before, model.parameters(), strict=True)]
    assert sum(changed) > len(changed) / 2
    assert conversion_error(model.eval(), net.eval()) < 1e-5  # and both still agree


def test_double_precision_is_checked_to_the_last_digits() -> None:
    """An error of 1e-9 passes in single precision and is refused in double."""

    class Off(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.body = nn.Conv2d(3, 8, 3)
            self.fc = nn.Linear(8, 4)

        def forward(self, x: Tensor) -> Tensor:
            return self.fc(self.body(x).mean((2, 3)) * (1 + 1e-9 * (x.shape[2] == 160)))

    class Traced(Off):
        def forward(self, x: Tensor) -> Tensor:
            return self.fc(self.body(x).mean((2, 3)))

    model, plain = Off().double(), Traced().double()
    net = convert(plain)
    assert conversion_error(plain, net) < 1e-12
    assert 1e-10 < conversion_error(model, net) < 1e-8


def test_names_and_preprocessing_are_taken_over() -> None:
    net = convert(
        resnet().eval(), names=list("abcde"), mean=(0.1, 0.2, 0.3), std=(1, 2, 4), size=(32, 48)
    )
    assert (net.mean, net.std, net.size) == ((0.1, 0.2, 0.3), (1, 2, 4), (32, 48))
    assert net.names == list("abcde")
    grey = net.explain(np.full((9, 9, 3), 255, np.uint8))
    expected = torch.tensor([0.9, 0.4, 0.175]).view(1, 3, 1, 1).expand(1, 3, 32, 48)
    torch.testing.assert_close(grey.scores, net(expected).detach())
    with pytest.raises(ValueError, match="names has 1 entries, but the head has 5 classes"):
        convert(resnet(), names=["a"])


# ---------------------------------------------------------------- speed


def test_scores_and_maps_cost_little_more_than_the_scores(
    record_property: Callable[[str, object], None],
) -> None:
    """The aim on a quiet machine is 1.10 (benchmarks/explain.py); here only a slip must fail."""
    torch.manual_seed(0)
    model = tv.resnet18().eval()
    net = convert(model)
    inputs = torch.randn(1, 3, 224, 224)
    bare: list[float] = []
    full: list[float] = []
    for _ in range(9):
        with torch.no_grad():
            start = time.perf_counter()
            model(inputs)
            bare.append(time.perf_counter() - start)
        start = time.perf_counter()
        net.explain(inputs, top=5)
        full.append(time.perf_counter() - start)
    ratio = statistics.median(full) / statistics.median(bare)
    record_property("ratio", ratio)
    print(f"scores and top-5 maps / scores alone: {ratio:.3f}")
    assert ratio < 1.5
