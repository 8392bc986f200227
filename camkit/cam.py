"""The equations: features and weights in, class activation maps and scores out.

Zhou et al. (CVPR 2016), section 2, with the average and the bias that networks are built with:

    M_c(x, y) = sum_k w_k^c f_k(x, y)            the map of class c
    S_c       = mean_(x, y) M_c(x, y) + b_c      the score of class c, before the softmax

Every function is pure: tensors in, tensors out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

Classes: TypeAlias = "int | Sequence[int] | npt.NDArray[np.integer] | Tensor | None"


def class_activation_maps(features: Tensor, weights: Tensor, classes: Classes = None) -> Tensor:
    """Compute the maps M_c(x, y) = sum_k w_k^c f_k(x, y), raw, all classes in one product.

    Args:
        features: f_k, activations of the last convolutional layer, ``(B, K, h, w)``.
        weights: w_k^c, weights of the final linear layer, ``(C, K)``.
        classes: which maps: one class, a list of them, ``(B, n)`` for other classes in every
            picture, or None for all.

    Returns:
        ``(B, n, h, w)``, not scaled, not clipped at zero.

    Raises:
        TypeError: ``features`` or ``weights`` is not a tensor, or a class is not an integer.
        ValueError: the shapes do not fit together, or a class is out of range.

    Example:
        >>> features = torch.tensor([[[[9., 0.]], [[1., 1.]]]])     # 2 units, 1 x 2 places
        >>> weights = torch.tensor([[1., 2.], [0., -1.]])           # 2 classes
        >>> class_activation_maps(features, weights)[0].tolist()
        [[[11.0, 2.0]], [[-1.0, -1.0]]]
        >>> class_activation_maps(features, weights, classes=1).shape
        torch.Size([1, 1, 1, 2])
    """
    _check_shapes(features, weights)
    batch, units, height, width = features.shape
    if classes is not None:
        weights = weights[class_indices(classes, len(weights), batch).to(weights.device)]
    # (n, K) or (B, n, K) times (B, K, h * w)
    maps = weights @ features.reshape(batch, units, height * width)
    return maps.reshape(batch, -1, height, width)


def scores_from_maps(maps: Tensor, bias: Tensor | None = None) -> Tensor:
    """Sum the maps up to the scores: S_c = mean_(x, y) M_c(x, y) + b_c.

    Args:
        maps: M_c, ``(B, C, h, w)``.
        bias: b_c, ``(C,)``, or None for no bias.

    Returns:
        ``(B, C)``.

    Raises:
        ValueError: ``maps`` is not ``(B, C, h, w)``, or ``bias`` is not ``(C,)``.

    Example:
        >>> scores_from_maps(torch.tensor([[[[11., 2.]]]]), torch.tensor([0.5])).tolist()
        [[7.0]]
    """
    if maps.ndim != 4:
        raise ValueError(f"maps must be (B, C, h, w), got {tuple(maps.shape)}.")
    if bias is not None and bias.shape != maps.shape[1:2]:
        raise ValueError(
            f"bias must be ({maps.shape[1]},), one value for each of the maps, "
            f"got {tuple(bias.shape)}."
        )
    scores = maps.mean(dim=(2, 3))
    return scores if bias is None else scores + bias


def difference_map(
    features: Tensor, weights: Tensor, bias: Tensor | None, a: int, b: int
) -> tuple[Tensor, Tensor]:
    """Compute M_a - M_b, the evidence for class a rather than b, and the log-odds it adds up to.

    mean(M_a - M_b) + b_a - b_b = S_a - S_b = log(P_a / P_b): adding one vector to the weights of
    every class changes neither.

    Args:
        features: f_k, ``(B, K, h, w)``.
        weights: w_k^c, ``(C, K)``.
        bias: b_c, ``(C,)``, or None.
        a: the class asked for.
        b: the class it is compared with.

    Returns:
        The difference map ``(B, h, w)`` and the log-odds ``(B,)``.

    Raises:
        TypeError, ValueError: as `class_activation_maps`.

    Example:
        >>> features = torch.tensor([[[[9., 0.]], [[1., 1.]]]])
        >>> weights = torch.tensor([[1., 2.], [0., -1.]])
        >>> difference, log_odds = difference_map(features, weights, None, 0, 1)
        >>> difference.tolist(), log_odds.tolist()
        ([[[12.0, 3.0]]], [7.5])
    """
    pair = class_activation_maps(features, weights, [a, b])
    difference = pair[:, 0] - pair[:, 1]
    log_odds = difference.mean(dim=(1, 2))
    return difference, log_odds if bias is None else log_odds + bias[a] - bias[b]


def upsample(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Bring maps to a picture's size: bilinear, ``align_corners=False``, everywhere in camkit.

    Args:
        maps: ``(B, n, h, w)``.
        size: height and width, in pixels.

    Returns:
        ``(B, n, *size)``.

    Example:
        >>> upsample(torch.tensor([[[[0., 4.]]]]), (1, 4)).tolist()
        [[[[0.0, 1.0, 3.0, 4.0]]]]
    """
    return F.interpolate(maps, size=size, mode="bilinear", align_corners=False)


def sample_maps(
    maps: Tensor, down: npt.NDArray[np.float64], across: npt.NDArray[np.float64]
) -> Tensor:
    """Read maps at any places, with the rule of `upsample`: bilinear between cell centres.

    Args:
        maps: ``(..., h, w)``.
        down: ``(H,)``, rows to read, as shares of the height (0 the upper edge, 1 the lower).
        across: ``(W,)``, columns to read, as shares of the width.

    Returns:
        ``(..., H, W)`` on the CPU, in single precision or the maps' own if that is double.

    Example:
        >>> sample_maps(torch.tensor([[0., 4.]]), np.array([0.5]), np.array([0.25, 0.5])).tolist()
        [[0.0, 2.0]]
    """
    maps = maps.detach().cpu()
    maps = maps if maps.dtype == torch.float64 else maps.float()
    rows, row_share = _neighbours(down, maps.shape[-2], maps.dtype)
    columns, column_share = _neighbours(across, maps.shape[-1], maps.dtype)
    lines = torch.lerp(maps[..., rows[0], :], maps[..., rows[1], :], row_share[:, None])
    return torch.lerp(lines[..., columns[0]], lines[..., columns[1]], column_share)


def _neighbours(
    shares: npt.NDArray[np.float64], cells: int, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """The two cells whose centres enclose each place (2, n), and how far it is to the second."""
    place = np.clip(shares * cells - 0.5, 0, cells - 1)
    lower = np.floor(place).astype(np.int64)
    both = np.stack([lower, np.minimum(lower + 1, cells - 1)])
    return torch.from_numpy(both), torch.from_numpy(place - lower).to(dtype)


def share_of_maximum(maps: Tensor, *, shared: bool) -> Tensor:
    """Divide maps by their largest value, so that 1 is the hottest cell; zero stays zero.

    Args:
        maps: ``(B, n, h, w)``, raw.
        shared: True divides all maps of a picture by one number, so that they can be compared;
            False divides each by its own.

    Returns:
        ``(B, n, h, w)``, at most 1; a map without a positive value is returned unscaled.

    Example:
        >>> two = torch.tensor([[[[4., 2.]], [[1., 0.]]]])
        >>> share_of_maximum(two, shared=True)[0].tolist()
        [[[1.0, 0.5]], [[0.25, 0.0]]]
        >>> share_of_maximum(two, shared=False)[0].tolist()
        [[[1.0, 0.5]], [[1.0, 0.0]]]
    """
    if maps.ndim != 4:
        raise ValueError(f"maps must be (B, n, h, w), got {tuple(maps.shape)}.")
    largest = maps.amax(dim=(1, 2, 3) if shared else (2, 3), keepdim=True)
    return maps / torch.where(largest > 0, largest, torch.ones_like(largest))


def class_indices(classes: Classes, count: int, batch: int = 1) -> Tensor:
    """Turn what a person writes for classes into ``(n,)`` or ``(B, n)`` integers, checked.

    Args:
        classes: one class, a list, an array, a tensor ``(n,)`` or ``(B, n)``, or None for all.
        count: C, the number of classes.
        batch: B, the number of pictures, for ``(B, n)``.

    Returns:
        A tensor of int64.

    Raises:
        TypeError: a class is not an integer.
        ValueError: a class is out of 0..C-1, or the shape does not fit the batch.

    Example:
        >>> class_indices(np.int64(3), count=10).tolist()
        [3]
    """
    if classes is None:
        return torch.arange(count)
    try:
        array = np.atleast_1d(np.asarray(classes.cpu() if isinstance(classes, Tensor) else classes))
    except ValueError as error:
        raise ValueError("The rows of classes must have one length.") from error
    if array.size == 0:
        raise ValueError("classes is empty; give at least one class, or None for all.")
    # NumPy counts True as 1 where it stands among numbers.
    truth = isinstance(classes, (list, tuple)) and any(isinstance(c, bool) for c in classes)
    if array.dtype.kind not in "iu" or truth:
        raise TypeError(f"classes must be integers from 0 to {count - 1}, got {classes!r}.")
    wrong = array[(array < 0) | (array >= count)]
    if wrong.size:
        raise ValueError(f"class {wrong[0]} is out of range; this network has 0 to {count - 1}.")
    if array.ndim > 2 or (array.ndim == 2 and len(array) != batch):
        raise ValueError(
            f"classes must have shape (n,) or ({batch}, n) for {batch} pictures, got {array.shape}."
        )
    return torch.from_numpy(array.astype(np.int64))


def _check_shapes(features: Tensor, weights: Tensor) -> None:
    for name, value in (("features", features), ("weights", weights)):
        if not isinstance(value, Tensor):
            raise TypeError(f"{name} must be a torch tensor, not {type(value).__name__}.")
    if features.ndim != 4:
        raise ValueError(
            f"features must be (B, K, h, w), got {tuple(features.shape)}"
            + (": add a batch axis with features[None]." if features.ndim == 3 else ".")
        )
    if weights.ndim != 2:
        raise ValueError(f"weights must be (C, K), got {tuple(weights.shape)}.")
    if weights.shape[1] != features.shape[1]:
        turned = weights.shape[0] == features.shape[1]
        raise ValueError(
            f"weights (C, K) = {tuple(weights.shape)} do not fit K = {features.shape[1]} units"
            + (": transpose them." if turned else "; they belong to another layer.")
        )
