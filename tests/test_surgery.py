"""Surgery: the paper's cuts, their maps and parameters, and what cannot be cut."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from camkit import train
from camkit.heads import CamModel, as_convolution, as_linear, replace_head


def of_torchvision(name: str) -> nn.Module:
    """An architecture without numbers: shapes and counts cost nothing on torch's meta device."""
    models = pytest.importorskip("torchvision").models
    more = {"init_weights": False} if name == "googlenet" else {}
    with torch.device("meta"):
        return models.get_model(name, weights=None, **more)


@pytest.mark.parametrize(
    ("name", "groups", "side", "millions"),
    # VGGnet-GAP has 20.46 million parameters, 18.10 with the released grouped convolution.
    [("vgg16", 1, 14, 20.459304), ("vgg16", 2, 14, 18.100008), ("alexnet", 1, 13, 5.855016),
     ("googlenet", 1, 14, 11.967656)],
)  # fmt: skip
def test_the_papers_cuts_have_its_maps_and_parameters(
    name: str, groups: int, side: int, millions: float
) -> None:
    net = replace_head(of_torchvision(name), 1000, groups=groups)
    features = net.features(torch.zeros(1, 3, 224, 224, device="meta"))
    assert features.shape == (1, 1024, side, side)
    assert sum(p.numel() for p in net.parameters()) == round(millions * 1e6)


def chain() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=2), nn.ReLU(), nn.Conv2d(4, 5, 3, stride=2), nn.ReLU(),
        nn.Flatten(), nn.Linear(5 * 7 * 7, 2),
    )  # fmt: skip


def test_what_is_kept_is_shared_and_the_relu_after_the_cut_is_kept() -> None:
    model = chain()
    net = replace_head(model, ["a", "b", "c"], after="2", convs=2, width=6, size=32)
    kinds = [type(layer).__name__ for layer in net.backbone]  # type: ignore[arg-type]
    assert kinds == ["Conv2d", "ReLU", "Conv2d", "ReLU", "Conv2d", "ReLU", "Conv2d", "ReLU"]
    assert net.backbone[0] is model[0]  # type: ignore[index]
    assert net.names == ["a", "b", "c"]


@pytest.mark.parametrize("pool", ["average", "avg", "max", "flatten"])
def test_every_pooling_scores_and_learns(pool: str) -> None:
    net = replace_head(chain(), 3, after="2", width=6, pool=pool, dropout=0.5, size=32)
    assert net.training
    net(torch.rand(2, 3, 32, 32)).sum().backward()
    assert all(p.grad is not None for p in net.parameters())


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"after": "layer9"}, "no layer 'layer9' to cut after; near ones"),
        ({"after": "5"}, "cut before the network flattens|features have shape"),
        ({"after": "2", "size": 7}, "single place at 7 pixels"),
        ({"after": "2", "width": 0}, "at least 1"),
        ({"after": "2", "pool": "median"}, 'pool must be "average", "max" or "flatten"'),
        ({"after": "2", "convs": -1}, "convs at least 0"),
    ],
)
def test_what_cannot_be_cut_is_told(asked: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace_head(chain(), 2, **({"size": 32} | asked))  # type: ignore[arg-type]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("classes", [2, 3])  # 3 classes of 3 units: a transposed matrix would fit
def test_both_ways_of_writing_the_head_are_one(bias: bool, classes: int) -> None:
    torch.manual_seed(0)
    linear, features = nn.Linear(3, classes, bias=bias), torch.randn(2, 3, 4, 5)
    if bias:
        nn.init.normal_(linear.bias, std=10)
    conv = as_convolution(linear)
    pooled_last = conv(features).mean(dim=(2, 3))
    torch.testing.assert_close(pooled_last, linear(features.mean(dim=(2, 3))))
    back = as_linear(conv)
    assert torch.equal(back.weight, linear.weight)
    assert (back.bias is None) is not bias


def test_the_wrong_layers_weights_fit_and_still_break_the_identity() -> None:
    """Two layers of equal width: the shapes of the first match the features, the sum does not."""
    torch.manual_seed(0)
    first, second = nn.Linear(4, 4), nn.Linear(4, 4)
    features = torch.rand(1, 4, 3, 3)
    scores = second(first(features.mean(dim=(2, 3))).relu())
    wrong = CamModel(nn.Identity(), second)
    summed = (wrong.maps(features).mean(dim=(2, 3)) + wrong.bias).detach()
    assert summed.shape == scores.shape
    assert ((summed - scores.detach()).abs().max() / scores.detach().abs().max()).item() > 0.05


@pytest.mark.parametrize("make", [lambda: nn.Conv2d(3, 2, 3), lambda: nn.Conv2d(4, 2, 1, groups=2)])
def test_only_a_pointwise_convolution_is_a_linear_layer(make: Callable[[], nn.Module]) -> None:
    with pytest.raises(TypeError, match="1x1 convolution"):
        as_linear(make())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "asked", "words"),
    [
        ("googlenet", {"after": "inception4f"}, "near ones: .*'inception4e'"),
        ("vgg16", {"after": "features.82"}, "near ones: .*'features.28'"),
        ("alexnet", {"after": "conv5"}, "AlexNet has no layer 'conv5' to cut after; near ones: "),
        ("vgg16", {"size": 16}, "single place at 16 pixels.*cut earlier, for example after"),
        ("alexnet", {"after": "features.10", "size": 64, "groups": 5}, "groups"),
    ],
)
def test_the_papers_networks_tell_what_cannot_be_cut(
    name: str, asked: dict[str, object], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        replace_head(of_torchvision(name), 2, **asked)  # type: ignore[arg-type]


@pytest.mark.parametrize("classes", [0, []])
def test_a_head_needs_a_class(classes: int | list[str]) -> None:
    with pytest.raises(ValueError, match="classes and width must be at least 1"):
        replace_head(chain(), classes, after="2", size=32)


def test_fewer_classes_than_labels_are_told_before_a_step() -> None:
    net = replace_head(chain(), 2, after="2", width=4, size=32)
    images, labels = np.zeros((3, 32, 32, 3), np.uint8), np.array([0, 1, 2])
    with pytest.raises(ValueError, match=r"Labels run from 0 to 2, but the network has 2 classes"):
        train.train(net, images, labels, threads=1, progress=False)
