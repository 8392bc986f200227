"""What class activation maps are compared with: gradients, Grad-CAM, HiResCAM, occlusion.

CAM reads its weights off the last layer; these maps ask the network instead, by a backward pass or
by covering pieces of the picture, and so they also work where there is no CAM. Every function takes
the network, a ready batch and the classes, in this order, and leaves the network as it was: modes,
``requires_grad`` and the parameters' ``.grad``.
"""

from __future__ import annotations

import difflib

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from camkit.cam import Classes, class_indices
from camkit.heads import CamModel, _evaluating, _ready_batch, _whole


def gradient(net: nn.Module, inputs: Tensor, classes: Classes = None) -> Tensor:
    """Ask how much each pixel could change a score: max over colours of |dS_c / dx|.

    Simonyan, Vedaldi and Zisserman (2014), section 3: the "Backprop" rows of the paper's tables.

    Args:
        net: a `CamModel` of any pooling, or any network from pictures to scores ``(B, C)``.
        inputs: x, a ready, normalised batch ``(B, 3, H, W)``.
        classes: which scores: one class, a list, ``(B, n)``, or None for all.

    Returns:
        ``(B, n, H, W)``, in units of the score for a unit of the normalised input, never negative.

    Raises:
        TypeError: ``net`` is not a module, ``inputs`` is not a tensor of floats, or a class is
            not an integer.
        ValueError: a shape does not fit, or a class is out of range.

    Example:
        >>> net = CamModel(nn.Conv2d(3, 1, 1), nn.Linear(1, 2)).eval()
        >>> gradient(net, torch.zeros(1, 3, 4, 5), classes=1).shape
        torch.Size([1, 1, 4, 5])
    """
    inputs = _checked(net, inputs)
    with _evaluating(net), torch.inference_mode(False), torch.enable_grad():
        leaf = inputs.detach().clone().requires_grad_()
        slopes = _slopes(_scores_of(net, leaf), leaf, classes)  # (B, n, 3, H, W)
    return slopes.abs().amax(dim=2)


def grad_cam(
    net: nn.Module,
    inputs: Tensor,
    classes: Classes = None,
    *,
    relu: bool = True,
    layer: str | None = None,
) -> Tensor:
    """Weigh a layer's units by their mean gradient: relu(sum_k alpha_k f_k).

    Selvaraju et al. (2017): ``alpha_k = mean_(x, y) dS_c / df_k(x, y)``. On an average-pooled head
    ``dS_c / df_k(x, y) = w_k^c / (h w)`` at every place, so that without its ReLU Grad-CAM *is* the
    class activation map, divided by the number of places.

    Args:
        net: a `CamModel` of any pooling; with ``layer``, any network from pictures to scores.
        inputs: a ready, normalised batch ``(B, 3, H, W)``.
        classes: which scores: one class, a list, ``(B, n)``, or None for all.
        relu: whether negative evidence is cut off, as in the original.
        layer: the name of the layer whose outputs ``(B, K, h, w)`` are weighed; the last one
            before pooling where left out.

    Returns:
        ``(B, n, h, w)``.

    Raises:
        TypeError: as `gradient`.
        ValueError: as `gradient`; or there is no such layer, it gives no maps, it runs not once
            but never or several times, or the scores do not depend on it.

    Example:
        >>> net = CamModel(nn.Conv2d(3, 4, 3), nn.Linear(4, 2)).eval()
        >>> x = torch.rand(1, 3, 6, 6)                                   # maps of 4 x 4 places
        >>> cam = net.maps(net.features(x)) / 16
        >>> torch.allclose(grad_cam(net, x, relu=False), cam, atol=1e-6)
        True
    """
    features, slopes = _features_and_slopes(net, inputs, classes, layer)
    alpha = slopes.mean(dim=(3, 4))  # (B, n, K)
    maps = torch.einsum("bnk,bkhw->bnhw", alpha, features)
    return maps.relu() if relu else maps


def hires_cam(
    net: nn.Module, inputs: Tensor, classes: Classes = None, *, layer: str | None = None
) -> Tensor:
    """Weigh every place by its own gradient: sum_k dS_c / df_k(x, y) * f_k(x, y).

    Draelos and Carin (2020). Grad-CAM averages the gradient over places first, and so may mark
    places that the score does not use. On any linear head, flattened ones too, the sum over places
    is ``S_c - b_c``; on an average-pooled one the map is Grad-CAM's.

    Args:
        net: a `CamModel` of any pooling; with ``layer``, any network from pictures to scores.
        inputs: a ready, normalised batch ``(B, 3, H, W)``.
        classes: which scores: one class, a list, ``(B, n)``, or None for all.
        layer: as in `grad_cam`.

    Returns:
        ``(B, n, h, w)``, not clipped at zero.

    Raises:
        TypeError, ValueError: as `grad_cam`.

    Example:
        >>> net = CamModel(nn.Conv2d(3, 4, 3), nn.Linear(4 * 16, 2), pool="flatten").eval()
        >>> x = torch.rand(1, 3, 6, 6)
        >>> summed = hires_cam(net, x).sum(dim=(2, 3)) + net.bias
        >>> torch.allclose(summed, net(x), atol=1e-6)
        True
    """
    features, slopes = _features_and_slopes(net, inputs, classes, layer)
    return torch.einsum("bnkhw,bkhw->bnhw", slopes, features)


def occlusion(
    net: nn.Module,
    inputs: Tensor,
    classes: Classes = None,
    *,
    side: int = 32,
    stride: int = 8,
    fill: float = 0.0,
    batch: int = 64,
    progress: bool = True,
) -> Tensor:
    """Cover a square of the picture, see how far the score drops; move on, and repeat.

    Zeiler and Fergus (2014). One value for every cell of a grid of ``stride`` pixels:
    ``S_c(x) - S_c(x with a square around the cell's centre covered)``. No gradient is needed, but
    one forward pass a cell.

    Args:
        net: a `CamModel` of any pooling, or any network from pictures to scores ``(B, C)``.
        inputs: x, a ready, normalised batch ``(B, 3, H, W)``.
        classes: which scores: one class, a list, ``(B, n)``, or None for all.
        side: side of the square in pixels; it is cut off at the picture's edge. (Where ``side``
            and ``stride`` are not both odd or both even, it lies half a pixel up and left.)
        stride: step between squares in pixels.
        fill: what covers, in the normalised input's units; 0 is the mean colour.
        batch: covered pictures in one pass.
        progress: show a bar.

    Returns:
        ``(B, n, ceil(H / stride), ceil(W / stride))``, positive where the piece spoke for c.

    Raises:
        TypeError, ValueError: as `gradient`; or ``side``, ``stride`` or ``batch`` is below 1.

    Example:
        >>> net = CamModel(nn.Conv2d(3, 1, 1), nn.Linear(1, 2)).eval()
        >>> x = torch.zeros(1, 3, 8, 12)
        >>> occlusion(net, x, 0, side=4, stride=4, progress=False).shape
        torch.Size([1, 1, 2, 3])
    """
    inputs = _checked(net, inputs)
    side, stride = _whole("side", side, 1), _whole("stride", stride, 1)
    batch = _whole("batch", batch, 1)
    height, width = inputs.shape[2:]
    rows, columns = -(-height // stride), -(-width // stride)
    jobs = [
        (b, _span(i, side, stride), _span(j, side, stride))
        for b in range(len(inputs))
        for i in range(rows)
        for j in range(columns)
    ]
    drops = []
    with _evaluating(net), torch.no_grad():
        whole = _scores_of(net, inputs)  # (B, C)
        wanted = _wanted(classes, whole)  # (B, n)
        with tqdm(total=len(jobs), desc="covering", unit="square", disable=not progress) as bar:
            for start in range(0, len(jobs), batch):
                some = jobs[start : start + batch]
                owners = torch.tensor([b for b, _, _ in some], device=inputs.device)
                covered = inputs[owners]  # indexing copies
                for one, (_, down, across) in zip(covered, some, strict=True):
                    one[:, down, across] = fill
                fall = whole[owners] - _scores_of(net, covered)
                drops.append(fall.gather(1, wanted[owners]))
                bar.update(len(some))
    grid = torch.cat(drops).reshape(len(inputs), rows, columns, -1)
    return grid.permute(0, 3, 1, 2)


def class_blind(features: Tensor) -> Tensor:
    """Average the units, without any weight: the map that knows no class, mean_k f_k(x, y).

    A free rival: what a class map does better than this, it owes to the class.

    Args:
        features: f_k, ``(B, K, h, w)``.

    Returns:
        ``(B, 1, h, w)``.

    Raises:
        TypeError: ``features`` is not a tensor.
        ValueError: it is not ``(B, K, h, w)``.

    Example:
        >>> class_blind(torch.tensor([[[[9., 0.]], [[1., 1.]]]])).tolist()
        [[[[5.0, 0.5]]]]
    """
    if not isinstance(features, Tensor):
        raise TypeError(f"features must be a torch tensor, not {type(features).__name__}.")
    if features.ndim != 4:
        raise ValueError(f"features must be (B, K, h, w), got {tuple(features.shape)}.")
    return features.mean(dim=1, keepdim=True)


# --- what they share ----------------------------------------------------------------------------


def _checked(net: nn.Module, inputs: Tensor) -> Tensor:
    """The batch, checked, on the network's device and in its precision."""
    if not isinstance(net, nn.Module):
        raise TypeError(f"net must be an nn.Module, not {type(net).__name__}.")
    if not isinstance(inputs, Tensor):
        raise TypeError(
            f"inputs must be a ready, normalised tensor (B, 3, H, W), not "
            f"{type(inputs).__name__}: camkit.View makes one of a picture."
        )
    reference = next((p for p in net.parameters() if p.is_floating_point()), inputs)
    return _ready_batch(inputs).to(device=reference.device, dtype=reference.dtype)


def _scores_of(net: nn.Module, inputs: Tensor) -> Tensor:
    scores = net(inputs)
    if not isinstance(scores, Tensor) or scores.ndim != 2 or len(scores) != len(inputs):
        came = tuple(scores.shape) if isinstance(scores, Tensor) else type(scores).__name__
        raise ValueError(f"net must give scores (B, C) for B pictures, got {came}.")
    return scores


def _wanted(classes: Classes, scores: Tensor) -> Tensor:
    """The classes asked for, one row a picture, ``(B, n)``."""
    wanted = class_indices(classes, scores.shape[1], len(scores)).to(scores.device)
    return wanted if wanted.ndim == 2 else wanted.expand(len(scores), -1)


def _slopes(scores: Tensor, leaf: Tensor, classes: Classes) -> Tensor:
    """dS_c / d leaf for every class asked for, ``(B, n, *leaf.shape[1:])``."""
    wanted = _wanted(classes, scores)
    slopes: list[Tensor] = []
    for j in range(wanted.shape[1]):
        # Pictures do not meet in evaluation mode: the gradient of their sum is each one's own.
        total = scores.gather(1, wanted[:, j : j + 1]).sum()
        more = j + 1 < wanted.shape[1]
        slope = None
        if total.requires_grad:
            (slope,) = torch.autograd.grad(total, leaf, retain_graph=more, allow_unused=True)
        if slope is None:
            raise ValueError("The scores do not depend on this layer: choose one on their way.")
        slopes.append(slope)
    return torch.stack(slopes, dim=1)


def _features_and_slopes(
    net: nn.Module, inputs: Tensor, classes: Classes, layer: str | None
) -> tuple[Tensor, Tensor]:
    """f_k ``(B, K, h, w)`` of a layer, and dS_c / df_k ``(B, n, K, h, w)``."""
    inputs = _checked(net, inputs)
    with _evaluating(net), torch.inference_mode(False), torch.enable_grad():
        inputs = inputs.detach().clone()
        if layer is None:
            if not isinstance(net, CamModel):
                raise ValueError(
                    f"{type(net).__name__} is no CamModel, so layer must name the layer to weigh; "
                    f"{_near(net, '')}."
                )
            with torch.no_grad():
                features = net.features(inputs)
            features = features.detach().clone().requires_grad_()
            scores = net.scores(features)
        else:
            features, scores = _cut_at(net, inputs, layer)
        return features.detach(), _slopes(scores, features, classes)


def _cut_at(net: nn.Module, inputs: Tensor, layer: str) -> tuple[Tensor, Tensor]:
    """Run the network; the layer's output becomes a leaf, so that only what follows has a graph."""
    modules = dict(net.named_modules())
    if layer not in modules or not layer:
        raise ValueError(f"{type(net).__name__} has no layer {layer!r}; {_near(net, layer)}.")
    seen: list[Tensor] = []

    def cut(module: nn.Module, given: object, output: object) -> Tensor:
        if not isinstance(output, Tensor) or output.ndim != 4:
            came = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
            raise ValueError(f"layer {layer!r} gives {came}, where maps (B, K, h, w) are needed.")
        seen.append(output.detach().clone().requires_grad_())
        return seen[-1].clone()  # the next layer may work in place

    handle = modules[layer].register_forward_hook(cut)
    try:
        scores = _scores_of(net, inputs)
    finally:
        handle.remove()
    if len(seen) != 1:
        raise ValueError(
            f"layer {layer!r} runs {len(seen)} times in one pass, where exactly one is needed: "
            "choose another."
        )
    return seen[0], scores


def _near(net: nn.Module, layer: str) -> str:
    names = [name for name, module in net.named_modules() if name and not list(module.children())]
    near = difflib.get_close_matches(layer, names, n=5, cutoff=0.3) or names[-5:]
    return (
        f"near ones: {', '.join(map(repr, near))}" if layer else f"the last are {', '.join(near)}"
    )


def _span(cell: int, side: int, stride: int) -> slice:
    """The pixels that a square around the centre of a cell covers, along one axis."""
    start = cell * stride + (stride - side) // 2
    return slice(max(0, start), start + side)
