"""Small relatives of the paper's networks, made for the picture world of 128 pixels.

Each follows the plan of its big relative: AlexNet's large first filters, VGG's pairs of 3x3
convolutions, GoogLeNet's inception blocks, ResNet's shortcuts. All have batch norm, which the
originals of 2012 to 2014 had not, so that they train in minutes.

A step of two takes an even kernel here: only then does cell i of a map lie in the middle of its 8
pixels, where bilinear upsampling puts it. The originals' odd kernels move every map, and so every
box, by almost half a cell to the right and down.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from camkit.heads import CamModel, Pool

UNITS = 48  # two or three a class: with many more, units become copies of each other
MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)


def build(
    arch: str,
    names: Sequence[str],
    *,
    pool: Pool = "average",
    size: int | Sequence[int] = 128,
    units: int = UNITS,
    dropout: float = 0.0,
) -> CamModel:
    """Build a small network with random weights.

    Args:
        arch: one of `ARCHITECTURES`.
        names: the class names.
        pool: "average", "max" or "flatten": the twins of lessons 03 and 04.
        size: height and width of its pictures, in pixels, or one number for both.
        units: how many units the last layer has; GoogLeNet's four branches share a multiple of 8.
        dropout: share of pooled units dropped while training.

    Returns:
        A `CamModel` in training mode.

    Raises:
        ValueError: there is no such architecture.

    Example:
        >>> net = build("plain", ["cat", "dog"])
        >>> net.features(torch.zeros(1, 3, 128, 128)).shape
        torch.Size([1, 48, 16, 16])
    """
    if arch not in ARCHITECTURES:
        raise ValueError(f"There is no small network {arch!r}, only {', '.join(ARCHITECTURES)}.")
    height, width = (size, size) if isinstance(size, int) else (size[0], size[1])
    backbone = ARCHITECTURES[arch](units)
    places = 1
    if pool == "flatten":
        with torch.no_grad():
            places = backbone.eval()(torch.zeros(1, 3, height, width))[0, 0].numel()
        backbone.train()
    return CamModel(
        backbone,
        nn.Linear(units * places, len(names)),
        pool=pool,
        dropout=dropout,
        names=names,
        mean=MEAN,
        std=STD,
        size=(height, width),
    )


def _conv(before: int, after: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    padding = (kernel - stride + 1) // 2
    return nn.Sequential(
        nn.Conv2d(before, after, kernel, stride, padding, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True),
    )


def _plain(strides: tuple[int, int, int, int, int], units: int) -> nn.Sequential:
    first, second, third, fourth, fifth = strides
    return nn.Sequential(
        _conv(3, 16, 4, first),
        _conv(16, 32, _even(second), second),
        _conv(32, 64, _even(third), third),
        _conv(64, 96, _even(fourth), fourth),
        _conv(96, units, _even(fifth), fifth),
    )


def _even(stride: int) -> int:
    """Kernel: 2 for a step of two, which sees least beyond its cell, else 3."""
    return 2 if stride == 2 else 3


def _alexnet(units: int) -> nn.Sequential:
    return nn.Sequential(
        _conv(3, 32, 12, 4),
        nn.MaxPool2d(2),
        _conv(32, 64, 5),
        _conv(64, 96),
        _conv(96, units),
    )


def _vgg(units: int) -> nn.Sequential:
    return nn.Sequential(
        _conv(3, 8),
        nn.MaxPool2d(2),
        _conv(8, 24),
        _conv(24, 24),
        nn.MaxPool2d(2),
        _conv(24, 48),
        _conv(48, 48),
        nn.MaxPool2d(2),
        _conv(48, 96),
        _conv(96, units),
    )


class Inception(nn.Module):
    """Szegedy's block: 1x1, 3x3, 5x5 and pooled branches side by side, their units stacked."""

    def __init__(self, before: int, one: int, three: int, five: int, pooled: int) -> None:
        super().__init__()
        self.one = _conv(before, one, 1)
        self.three = nn.Sequential(_conv(before, three // 2, 1), _conv(three // 2, three))
        self.five = nn.Sequential(_conv(before, five // 2, 1), _conv(five // 2, five, 5))
        self.pooled = nn.Sequential(nn.MaxPool2d(3, 1, 1), _conv(before, pooled, 1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.one(x), self.three(x), self.five(x), self.pooled(x)], dim=1)


def _googlenet(units: int, *, coarse: bool = False) -> nn.Sequential:
    return nn.Sequential(
        _conv(3, 16, 8, 2),
        nn.MaxPool2d(2),
        _conv(16, 48),
        nn.MaxPool2d(2),
        Inception(48, 16, 32, 8, 8),
        Inception(64, 24, 48, 12, 12),
        nn.MaxPool2d(2) if coarse else nn.Identity(),
        Inception(96, units // 4, units // 2, units // 8, units // 8),
    )


class Residual(nn.Module):
    """He's block: two 3x3 convolutions and a shortcut round them."""

    def __init__(self, before: int, after: int, stride: int = 1) -> None:
        super().__init__()
        self.first = _conv(before, after, _even(stride), stride)
        self.second = nn.Sequential(
            nn.Conv2d(after, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after)
        )
        same = before == after and stride == 1
        self.shortcut: nn.Module = (
            nn.Identity()
            if same
            else nn.Sequential(
                nn.AvgPool2d(stride), nn.Conv2d(before, after, 1, bias=False), nn.BatchNorm2d(after)
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.second(self.first(x)) + self.shortcut(x))


def _resnet(units: int) -> nn.Sequential:
    return nn.Sequential(
        _conv(3, 16, 4, 2), Residual(16, 32, 2), Residual(32, 96, 2), Residual(96, units)
    )


ARCHITECTURES: dict[str, Callable[[int], nn.Sequential]] = {
    "plain": lambda units: _plain((2, 2, 2, 1, 1), units),  # map 16 x 16
    "coarse": lambda units: _plain((2, 2, 2, 2, 1), units),  # map 8 x 8
    "fine": lambda units: _plain((2, 2, 1, 1, 1), units),  # map 32 x 32
    "small-alexnet": _alexnet,
    "small-vgg": _vgg,
    "small-googlenet": _googlenet,
    "small-googlenet-coarse": lambda units: _googlenet(
        units, coarse=True
    ),  # map 8 x 8, as GoogLeNet before surgery
    "small-resnet": _resnet,
}
