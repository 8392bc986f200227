"""A network seen as backbone, pooling and linear head: `CamModel`, and how others become one."""

from __future__ import annotations

import difflib
import operator
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn
from tqdm.auto import tqdm

from camkit import boxes as _boxes
from camkit import images as _images
from camkit.cam import Classes, class_activation_maps, class_indices, scores_from_maps, upsample
from camkit.images import BoxArray, Fit, FloatArray, Picture, View

Pool: TypeAlias = Literal["average", "max", "flatten"]
Pictures: TypeAlias = "Picture | Tensor | Sequence[Picture]"
WantedClasses: TypeAlias = "Classes | str | Sequence[str]"

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class NoCamError(ValueError):
    """This network has no exact class activation map; the message says why and the way out."""


class CamModel(nn.Module):
    """A network whose scores are a linear function of pooled features.

    ``head`` turns K pooled units into C scores: S_c = sum_k w_k^c pool(f_k) + b_c. With average
    pooling the class maps sum up to the scores (`camkit.cam`). The modules are shared with the
    caller, not copied.

    Args:
        backbone: pictures ``(B, 3, H, W)`` to features f_k ``(B, K, h, w)``.
        head: the last layer, `nn.Linear` (or a 1x1 `nn.Conv2d`) from K units to C classes.
        pool: "average"; "max", where the map is drawn from the same weights but its mean is not
            the score; "flatten", where every place has weights of its own and there is no map.
        relu_map: True for S_c = mean(relu(M_c + b_c)), the last step of SqueezeNet.
        dropout: share of pooled units dropped while training.
        names: the C class names; "class 0", ... where not given.
        mean: channel means the network wants subtracted, for pictures in 0..1.
        std: channel deviations it wants divided by.
        size: height and width of the input it wants, or one number for both.

    Raises:
        TypeError: ``backbone`` or ``head`` is not a module of the right kind.
        ValueError: ``pool``, ``names``, ``mean``, ``std`` or ``size`` does not fit.

    Example:
        >>> net = CamModel(nn.Conv2d(3, 8, 3), nn.Linear(8, 2), names=["cat", "dog"], size=32)
        >>> result = net.explain(np.zeros((40, 60, 3), np.uint8))
        >>> result.scores.shape, result.maps.shape, result.heatmaps()[0].shape
        (torch.Size([1, 2]), torch.Size([1, 2, 30, 30]), (2, 40, 60))
    """

    def __init__(
        self,
        backbone: nn.Module,
        head: nn.Linear | nn.Conv2d,
        *,
        pool: Pool = "average",
        relu_map: bool = False,
        dropout: float = 0.0,
        names: Sequence[str] | None = None,
        mean: Sequence[float] = (0.0, 0.0, 0.0),
        std: Sequence[float] = (1.0, 1.0, 1.0),
        size: int | tuple[int, int] = 224,
    ) -> None:
        super().__init__()
        if not isinstance(backbone, nn.Module):
            raise TypeError(f"backbone must be an nn.Module, not {type(backbone).__name__}.")
        if not isinstance(head, nn.Linear) and not _is_pointwise(head):
            raise TypeError(
                "head must be one nn.Linear (or a 1x1 nn.Conv2d) from units to classes, "
                f"not {type(head).__name__}."
            )
        if pool not in ("average", "max", "flatten"):
            raise ValueError(f'pool must be "average", "max" or "flatten", got {pool!r}.')
        if relu_map and (pool != "average" or dropout):
            raise ValueError("relu_map goes with average pooling and no dropout after it.")
        if len(mean) != 3 or len(std) != 3 or min(std) <= 0:
            raise ValueError(
                "mean and std must be 3 numbers each, one for each colour channel, and std above "
                f"zero; got {tuple(mean)} and {tuple(std)}."
            )
        count = int(head.weight.shape[0])
        if names is not None and len(names) != count:
            raise ValueError(f"names has {len(names)} entries, but the head has {count} classes.")
        self.backbone = backbone
        self.head = head
        self.dropout = nn.Dropout(dropout)
        self.pool = pool
        self.relu_map = relu_map
        self.names = list(names) if names is not None else [f"class {c}" for c in range(count)]
        self.mean, self.std = tuple(mean), tuple(std)
        self.size = _images.as_size(size)

    @property
    def weights(self) -> Tensor:
        """w_k^c, ``(C, K)``: the weights of the head."""
        return self.head.weight.flatten(1)

    @property
    def bias(self) -> Tensor:
        """b_c, ``(C,)``: the bias of the head, zeros where it has none."""
        if self.head.bias is None:
            return self.head.weight.new_zeros(len(self.head.weight))
        return self.head.bias

    @property
    def verdict(self) -> str:
        """What the maps of this network are to its scores."""
        if self.pool == "average":
            return "exact with its own last step" if self.relu_map else "exact"
        return "map without a sum" if self.pool == "max" else "no map"

    def features(self, inputs: Tensor) -> Tensor:
        """Run the backbone: inputs ``(B, 3, H, W)`` to f_k ``(B, K, h, w)``."""
        features: Tensor = self.backbone(inputs)
        return features

    def scores(self, features: Tensor) -> Tensor:
        """Pool the features ``(B, K, h, w)`` and weigh them: S_c before the softmax, ``(B, C)``.

        Raises:
            ValueError: the backbone's features do not fit the head.
        """
        self._check_features(features)
        if self.relu_map:
            maps = class_activation_maps(features, self.weights)
            return (maps + self.bias[:, None, None]).relu().mean(dim=(2, 3))
        if self.pool == "average":
            pooled = features.mean(dim=(2, 3))
        elif self.pool == "max":
            pooled = features.amax(dim=(2, 3))
        else:
            pooled = features.flatten(1)
        return F.linear(self.dropout(pooled), self.weights, self.bias)

    def _check_features(self, features: Tensor) -> None:
        if features.ndim != 4:
            raise ValueError(
                f"The backbone gives features of shape {tuple(features.shape)}, where "
                "(B, K, h, w) is needed: leave its pooling and flattening to CamModel."
            )
        places = int(features[0, 0].numel()) if self.pool == "flatten" else 1
        if features.shape[1] * places != self.head.weight.shape[1]:
            where = f" x {places} places" if self.pool == "flatten" else ""
            raise ValueError(
                f"The head weighs {self.head.weight.shape[1]} units, but the backbone gives "
                f"{features.shape[1]}{where}: they do not belong together."
            )

    def maps(self, features: Tensor, classes: Classes = None) -> Tensor:
        """Compute raw class maps M_c ``(B, n, h, w)`` from features ``(B, K, h, w)``.

        Args:
            features: f_k, from `features`.
            classes: as `camkit.class_activation_maps`; None for all.

        Returns:
            ``(B, n, h, w)``.

        Raises:
            NoCamError: the head is flattened, so that every place has weights of its own.
        """
        if self.pool == "flatten":
            raise NoCamError(
                "This network flattens its features: every place has its own weights, so there is "
                "no class activation map. Train it with pool='average', or use Grad-CAM."
            )
        return class_activation_maps(features, self.weights, classes)

    def forward(self, inputs: Tensor) -> Tensor:
        """Run the whole network: inputs ``(B, 3, H, W)`` to scores ``(B, C)``."""
        return self.scores(self.features(inputs))

    def explain(
        self,
        picture: Pictures,
        top: int | None = None,
        *,
        classes: WantedClasses = None,
        fit: Fit = "squash",
        batch: int = 16,
    ) -> CamResult:
        """Say what the network sees in pictures, and where: one pass for scores and maps.

        The network runs in evaluation mode and without gradients; its modes are given back.

        Args:
            picture: a path, a PIL image, an array ``(H, W, 3)``, a tensor ``(B, 3, H, W)`` that
                is already normalised and taken as it is, or a list of them.
            top: map the ``top`` classes with the highest scores; 5 (or all, if fewer) by default.
            classes: map these instead: numbers, names, or "all".
            fit: "squash" shows the network the whole picture, "crop" its centre.
            batch: pictures in one pass.

        Returns:
            A `CamResult`.

        Raises:
            NoCamError: the head is flattened.
            TypeError, ValueError: a picture, ``top`` or a class cannot be used; the message says
                which and what to do.

        Example:
            >>> net = CamModel(nn.Conv2d(3, 8, 3), nn.Linear(8, 2), names=["cat", "dog"], size=32)
            >>> net.explain(np.zeros((40, 60, 3), np.uint8), classes="dog").names
            [['dog']]
        """
        wanted = self._wanted(top, classes)
        batch = _whole("batch", batch, 1)
        pictures = _listed(picture)
        starts = range(0, len(pictures), batch)
        views: list[View] = []
        pieces = []
        reference = self.head.weight
        with _evaluating(self), torch.no_grad():
            for start in tqdm(starts, desc="explain", leave=False, disable=len(starts) < 4):
                inputs, seen = self._inputs(pictures[start : start + batch], start, fit)
                views += seen
                features = self.features(inputs.to(reference))
                scores = self.scores(features)
                chosen = scores.topk(wanted).indices if isinstance(wanted, int) else wanted
                maps = self.maps(features, chosen)
                pieces.append((scores.cpu(), chosen.cpu().expand(len(inputs), -1), maps.cpu()))
        scores, chosen, maps = (torch.cat(piece) for piece in zip(*pieces, strict=True))
        return CamResult(
            classes=chosen,
            names=[[self.names[c] for c in row] for row in chosen.tolist()],
            scores=scores,
            maps=maps,
            views=views,
        )

    def _wanted(self, top: int | None, classes: WantedClasses) -> int | Tensor:
        """How many of the best classes, or exactly which."""
        count = len(self.names)
        if classes is None:
            return min(5, count) if top is None else _whole("top", top, 1, count)
        if top is not None:
            raise ValueError("Give top or classes, not both.")
        if isinstance(classes, str):
            if classes == "all":
                return torch.arange(count)
            classes = [classes]
        numbers: Any = classes
        if isinstance(classes, np.ndarray) and classes.dtype.kind == "U":
            numbers = classes.tolist()
        if isinstance(numbers, (list, tuple)):
            numbers = [self.class_index(c) if isinstance(c, str) else c for c in numbers]
        rows = numbers if isinstance(numbers, list) else []
        nested = any(isinstance(row, (list, tuple)) or getattr(row, "ndim", 0) for row in rows)
        if nested or getattr(numbers, "ndim", 0) > 1:
            raise ValueError(
                "classes must be one flat list, the same for all pictures; for other classes in "
                "every picture, use net.maps(net.features(inputs), classes)."
            )
        return class_indices(numbers, count)

    def class_index(self, name: str) -> int:
        """Find a class by its name.

        Args:
            name: the name, in full; upper and lower case are the same.

        Returns:
            The class number.

        Raises:
            ValueError: there is no such class, or several have this name.
        """
        found = [c for c, known in enumerate(self.names) if known.lower() == name.lower()]
        if len(found) == 1:
            return found[0]
        if found:
            raise ValueError(f"Several classes are called {name!r}: give a number of {found}.")
        near = difflib.get_close_matches(name, self.names, n=3, cutoff=0.5)
        hint = f"; near ones: {', '.join(map(repr, near))}" if near else ""
        raise ValueError(f"There is no class {name!r} among {len(self.names)}{hint}.")

    def _inputs(self, pictures: Any, first: int, fit: Fit) -> tuple[Tensor, list[View]]:
        """One batch of normalised inputs, and how each was cut out of its picture."""
        if isinstance(pictures, Tensor):
            size = (int(pictures.shape[2]), int(pictures.shape[3]))
            return pictures, [View.of(size, size)] * len(pictures)
        views, tensors = [], []
        for number, picture in enumerate(pictures, first):
            try:
                pixels = _images.read(picture)
            except (TypeError, _images.PictureError) as error:
                if first == 0 and len(pictures) == 1:
                    raise
                raise type(error)(f"Picture {number}: {error}") from error
            views.append(View.of((pixels.shape[0], pixels.shape[1]), self.size, fit))
            tensors.append(views[-1].to_input(pixels, self.mean, self.std))
        return torch.stack(tensors), views


@dataclass(frozen=True)
class CamResult:
    """What `CamModel.explain` found: scores, and raw maps of the chosen classes.

    Args:
        classes: numbers of the chosen classes, ``(B, n)``.
        names: their names, B lists of n.
        scores: S_c of *all* classes, before the softmax, ``(B, C)``.
        maps: raw M_c of the chosen classes, ``(B, n, h, w)``.
        views: how each input was cut out of its picture, B of them.
    """

    classes: Tensor
    names: list[list[str]]
    scores: Tensor
    maps: Tensor
    views: list[View] = field(repr=False)

    @property
    def probabilities(self) -> Tensor:
        """P_c of all classes, ``(B, C)``: the softmax of the scores."""
        return self.scores.float().softmax(dim=1)

    def heatmaps(self) -> list[FloatArray]:
        """Bring the raw maps to the pixels of the original pictures.

        Returns:
            B arrays ``(n, H, W)``; NaN where a crop left the picture unseen.
        """
        return [view.map_back(maps) for view, maps in zip(self.views, self.maps, strict=True)]

    def boxes(self, threshold: float = 0.2) -> BoxArray:
        """Draw the box of every map: the paper's rule at the input's size, then carried back.

        Args:
            threshold: share of the map's maximum, from 0 up to 1.

        Returns:
            ``(B, n, 4)``, ``(x0, y0, x1, y1)`` in pixels of the original pictures. A map without
            a box gives a row of NaN and a warning that says why.

        Raises:
            TypeError, ValueError: ``threshold`` is not a number from 0 up to 1.
        """
        _boxes.check_threshold(threshold)
        found = np.full((*self.maps.shape[:2], 4), np.nan)
        for i, view in enumerate(self.views):
            large = upsample(self.maps[i : i + 1].float(), view.size)[0].numpy()
            for j, one in enumerate(large):
                box = _boxes.box_from_map(one, threshold)
                if box is not None:
                    found[i, j] = view.box_back(box)
                else:
                    warnings.warn(
                        f'Picture {i}, class "{self.names[i][j]}": no box, because '
                        f"{_boxes.why_no_box(one)}.",
                        stacklevel=2,
                    )
        return found

    def __str__(self) -> str:
        lines = []
        for i, (classes, names) in enumerate(zip(self.classes.tolist(), self.names, strict=True)):
            told = (
                f"{n} {self.probabilities[i, c]:.3f}" for c, n in zip(classes, names, strict=True)
            )
            lines.append(f"picture {i}: " + ", ".join(told))
        return "\n".join(lines)


def _whole(name: str, value: object, low: int, high: int | None = None) -> int:
    """A whole number of any kind (also NumPy's), checked."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be a whole number, got {value!r}.")
    try:
        number = operator.index(value)
    except TypeError as error:  # a tensor of floats has __index__, but no index
        raise TypeError(f"{name} must be a whole number, got {value!r}.") from error
    if number < low or (high is not None and number > high):
        allowed = f"from {low} to {high}, the number of classes" if high else f"at least {low}"
        raise ValueError(f"{name} must be {allowed}, got {number}.")
    return number


def _listed(pictures: Pictures) -> list[Any] | Tensor:
    """A list of pictures, or one ready batch (B, 3, H, W)."""
    if isinstance(pictures, Tensor):
        return _ready_batch(pictures)
    listed: list[Any] = list(pictures) if isinstance(pictures, (list, tuple)) else [pictures]
    if not listed:
        raise ValueError("The list of pictures is empty; give at least one.")
    if not any(isinstance(one, Tensor) for one in listed):
        return listed
    if not all(isinstance(one, Tensor) for one in listed):
        raise TypeError("A list must hold pictures or ready tensors, not both.")
    batches = [_ready_batch(one) for one in listed]
    sizes = sorted({tuple(one.shape[2:]) for one in batches})
    if len(sizes) > 1:
        raise ValueError(f"Tensors in one list must have one height and width, got {sizes}.")
    return torch.cat(batches)


def _ready_batch(inputs: Tensor) -> Tensor:
    if inputs.ndim == 3:
        inputs = inputs[None]
    if inputs.ndim != 4 or inputs.shape[1] != 3:
        raise ValueError(f"A tensor must be a batch (B, 3, H, W), got {tuple(inputs.shape)}.")
    if 0 in inputs.shape:
        raise ValueError(f"The batch is empty, its shape is {tuple(inputs.shape)}.")
    if not inputs.is_floating_point():
        raise TypeError(
            f"A tensor is taken as ready and normalised, so it must hold floats, not "
            f"{inputs.dtype}: pass pictures as arrays (H, W, 3) instead."
        )
    if not torch.isfinite(inputs).all():
        raise ValueError("The batch holds NaN or infinite values; a picture needs numbers.")
    return inputs


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode for a while; every module's own mode is given back, also after an error."""
    modes = [(module, module.training) for module in model.modules()]
    # Nothing to switch: a millisecond saved on every picture.
    if not any(mode for _, mode in modes):
        yield
        return
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


# --- conversion ---------------------------------------------------------------------------------

Split: TypeAlias = "tuple[nn.Module, nn.Linear | nn.Conv2d, dict[str, Any]]"
"""Backbone, head, and what else `CamModel` must know (pool, relu_map, dropout)."""

Chain: TypeAlias = "list[tuple[str, nn.Module]]"
"""Named modules, applied one after the other."""

WAY_OUT = (
    "Give it a pooled head and train that (camkit.heads.replace_head), "
    "or build camkit.CamModel(backbone, head) yourself."
)


def convert(
    model: nn.Module,
    *,
    names: Sequence[str] | None = None,
    mean: Sequence[float] = IMAGENET_MEAN,
    std: Sequence[float] = IMAGENET_STD,
    size: int | tuple[int, int] = 224,
) -> CamModel:
    """See a classifier as backbone, pooling and linear head, and prove it against the original.

    Torchvision's families are split by name, other networks by tracing them. The scores computed
    from the features are compared with the model's own output on inputs of two sizes and scales.

    Args:
        model: a classifier; its modules are shared, not copied, and its modes stay as they are. A
            `CamModel` is returned as it is.
        names: class names.
        mean: channel means it wants subtracted (ImageNet's by default).
        std: channel deviations it wants divided by (ImageNet's by default).
        size: height and width it wants.

    Returns:
        A `CamModel` with the same scores.

    Raises:
        TypeError: ``model`` is not a module.
        NoCamError: it has no exact map; the message names the operation that forbids it.

    Example:
        >>> model = nn.Sequential(
        ...     nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2))
        >>> convert(model).verdict
        'exact'
    """
    if isinstance(model, CamModel):
        return model
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be an nn.Module, not {type(model).__name__}.")
    training, own = model.training, set(model.modules())
    with _evaluating(model):
        backbone, head, rest = split(model)
        net = CamModel(backbone, head, names=names, mean=mean, std=std, size=size, **rest).eval()
        error = conversion_error(model, net)
    allowed = _allowed_error(head.weight.dtype)
    if not error < allowed:
        by = f"differ from its own by {error:.1e} of the largest score ({allowed:.0e} is allowed)"
        raise NoCamError(
            f"{type(model).__name__} has no exact map: scores from its features "
            f"{by if error < float('inf') else 'do not have the shape of its own'}, so its forward "
            f"pass does something else than pool and weigh. {WAY_OUT}"
        )
    for module in net.modules():
        if module not in own:  # containers made here are in the model's mode, as its modules are
            module.training = training
    return net


def conversion_error(model: nn.Module, net: CamModel) -> float:
    """Compare the scores that ``net`` sums up from its maps with ``model``'s own output.

    Both must be in evaluation mode. The error is max |difference| / max |score|, the larger one
    of two inputs of different size and scale.

    Args:
        model: the original.
        net: what it was converted to.

    Returns:
        The relative error; infinite where the shapes differ.

    Raises:
        NoCamError: ``model`` itself cannot be run on such inputs.

    Example:
        >>> net = CamModel(nn.Conv2d(3, 8, 3), nn.Linear(8, 2)).eval()
        >>> conversion_error(net, net) < 1e-5
        True
    """
    reference = net.head.weight
    generator = torch.Generator().manual_seed(0)
    worst = 0.0
    for shape, scale, shift in (((2, 3, 160, 224), 1.0, 0.0), ((1, 3, 192, 160), 3.0, 1.0)):
        inputs = (torch.randn(shape, generator=generator) * scale + shift).to(reference)
        with torch.no_grad():
            try:
                own = model(inputs)
            except Exception as error:  # whatever a stranger's network may raise
                raise NoCamError(
                    f"{type(model).__name__} was tried on {tuple(inputs.shape)}, a batch of colour "
                    f"pictures, and failed ({_told(error)}): it must take three channels and more "
                    "than one size, for example by nn.AdaptiveAvgPool2d(1) as its pooling."
                ) from error
            features = net.features(inputs)
            fits = features.ndim == 4 and features.shape[1] == net.head.weight.shape[1]
            mine = _summed_scores(net, features) if fits or net.pool == "flatten" else None
        if mine is None or not isinstance(own, Tensor) or own.shape != mine.shape:
            return float("inf")
        difference = (own - mine).abs().max() / own.abs().max().clamp_min(1e-30)
        worst = max(worst, float(difference.nan_to_num(nan=float("inf"))))
    return worst


def _summed_scores(net: CamModel, features: Tensor) -> Tensor:
    """The scores through the maps where they sum up to them, else through the pooling."""
    if net.pool != "average" or net.relu_map:
        return net.scores(features)
    return scores_from_maps(net.maps(features), net.bias)


def _allowed_error(dtype: torch.dtype) -> float:
    return {torch.float64: 1e-12, torch.float32: 1e-5}.get(dtype, 2e-2)


def _told(error: Exception) -> str:
    """An error in one sentence."""
    told = f"{type(error).__name__}: {error}"
    return told.splitlines()[0].split(". ")[0]


def split(model: nn.Module) -> Split:
    """Split by family, so that training still works; any other network by tracing.

    Nothing is compared yet: `convert` does that.

    Args:
        model: a classifier, in evaluation mode.

    Returns:
        Its backbone, its head, and what else `CamModel` must know.

    Raises:
        NoCamError: its layers allow no map; the message names the one that forbids it.

    Example:
        >>> model = nn.Sequential(
        ...     nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2))
        >>> backbone, head, rest = split(model)
        >>> head is model[3], rest["pool"]
        (True, 'average')
    """
    family = _family(model)
    return _FAMILIES[family](model) if family else _split_by_trace(model)


def _linear(classifier: nn.Module, model: nn.Module) -> tuple[nn.Linear, dict[str, Any]]:
    """The one linear layer of a classifier (dropout before it is kept), or the reason against."""
    layers = [m for m in classifier.modules() if not isinstance(m, (nn.Sequential, nn.Identity))]
    dropout = 0.0
    while layers and isinstance(layers[0], nn.Dropout):
        dropout = float(layers[0].p)
        layers = layers[1:]
    if len(layers) == 1 and isinstance(layers[0], nn.Linear):
        return layers[0], {"dropout": dropout}
    listed = ", ".join(type(layer).__name__ for layer in layers) or "no layers"
    raise NoCamError(
        f"{type(model).__name__} has no exact map: between pooling and scores stand {listed}, "
        f"where one linear layer is needed. {WAY_OUT}"
    )


def _pooled(steps: Callable[[Any], Chain], classifier: str) -> Callable[[Any], Split]:
    """A family that pools by average and ends in one linear layer."""

    def split(model: Any) -> Split:
        linear, rest = _linear(getattr(model, classifier), model)
        pool: Any = getattr(model, "avgpool", None)
        known = isinstance(pool, (nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d))
        if known and pool.output_size not in (1, (1, 1)):
            raise NoCamError(
                f"{type(model).__name__} has no exact map: it flattens features of "
                f"{pool.output_size} places, each with weights of its own. {WAY_OUT}"
            )
        rest["pool"] = "max" if isinstance(pool, nn.AdaptiveMaxPool2d) else "average"
        return nn.Sequential(*(module for _, module in steps(model))), linear, rest

    return split


class _Renormalise(nn.Module):
    """From ImageNet's mean and deviation to 0.5 and 0.5, as GoogLeNet and Inception want it."""

    def forward(self, inputs: Tensor) -> Tensor:
        # Divided as Python floats, so that the result is the original's to the last bit.
        scale = inputs.new_tensor([std / 0.5 for std in IMAGENET_STD])
        shift = inputs.new_tensor([(mean - 0.5) / 0.5 for mean in IMAGENET_MEAN])
        return inputs * scale.view(1, 3, 1, 1) + shift.view(1, 3, 1, 1)


def _steps(*names: str) -> Callable[[Any], Chain]:
    def steps(model: Any) -> Chain:
        return [(name, getattr(model, name)) for name in names]

    return steps


def _children_until(last: str) -> Callable[[Any], Chain]:
    """Every child up to ``last`` but the auxiliary heads, which only training uses."""

    def steps(model: Any) -> Chain:
        first: Chain = [("transform_input", _Renormalise())] if model.transform_input else []
        names = [name for name, _ in model.named_children()]
        kept = [n for n in names[: names.index(last) + 1] if not n.lower().startswith("aux")]
        return first + [(name, getattr(model, name)) for name in kept]

    return steps


def _dense_steps(model: Any) -> Chain:
    # Torchvision applies this ReLU in place after the features, where a hook would miss it.
    return [("features", model.features), ("relu", nn.ReLU())]


def _squeeze_steps(model: Any) -> Chain:
    return [("features", model.features), ("classifier.0", model.classifier[0])]


def _split_squeezenet(model: Any) -> Split:
    kinds = (nn.Dropout, nn.Conv2d, nn.ReLU, nn.AdaptiveAvgPool2d)
    if tuple(map(type, model.classifier)) != kinds:
        return _split_by_trace(model)
    backbone = nn.Sequential(*(module for _, module in _squeeze_steps(model)))
    return backbone, model.classifier[1], {"relu_map": True}


def _refuse(reason: str) -> Callable[[Any], Split]:
    def split(model: Any) -> Split:
        raise NoCamError(f"{type(model).__name__} has no exact map: {reason}. {WAY_OUT}")

    return split


# The modules that lead from the picture to the features, one after the other, by family.
_STEPS: dict[str, Callable[[Any], Chain]] = {
    "AlexNet": _steps("features"),
    "ConvNeXt": _steps("features"),
    "DenseNet": _dense_steps,
    "EfficientNet": _steps("features"),
    "GoogLeNet": _children_until("inception5b"),
    "Inception3": _children_until("Mixed_7c"),
    "MaxVit": _steps("stem", "blocks"),
    "MNASNet": _steps("layers"),
    "MobileNetV2": _steps("features"),
    "MobileNetV3": _steps("features"),
    "RegNet": _steps("stem", "trunk_output"),
    "ResNet": _steps("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4"),
    "ShuffleNetV2": _steps("conv1", "maxpool", "stage2", "stage3", "stage4", "conv5"),
    "SqueezeNet": _squeeze_steps,
    # The norm acts on every place before pooling; then places last become places first.
    "SwinTransformer": _steps("features", "norm", "permute"),
    "VGG": _steps("features"),
}

_FAMILIES: dict[str, Callable[[Any], Split]] = {
    **{name: _pooled(_STEPS[name], "classifier") for name in ("AlexNet", "DenseNet", "VGG")},
    **{name: _pooled(_STEPS[name], "classifier") for name in ("EfficientNet", "MNASNet")},
    **{name: _pooled(_STEPS[name], "classifier") for name in ("MobileNetV2", "MobileNetV3")},
    **{name: _pooled(_STEPS[name], "fc") for name in ("GoogLeNet", "Inception3", "RegNet")},
    **{name: _pooled(_STEPS[name], "fc") for name in ("ResNet", "ShuffleNetV2")},
    "SwinTransformer": _pooled(_STEPS["SwinTransformer"], "head"),
    "SqueezeNet": _split_squeezenet,
    "ConvNeXt": _refuse("its last norm comes after pooling and scales every picture differently"),
    "MaxVit": _refuse("between pooling and scores stand a norm and two linear layers"),
    "VisionTransformer": _refuse("its scores are read from a class token, not from pooled places"),
}


def _family(model: nn.Module) -> str | None:
    """The torchvision family that a network is, or is derived from."""
    for kind in type(model).__mro__:
        known = kind.__name__ in _STEPS or kind.__name__ in _FAMILIES
        if known and kind.__module__.startswith("torchvision.models."):
            return kind.__name__
    return None


# --- tracing: walk back from the output through linear and pooling to the features --------------


def _split_by_trace(model: nn.Module) -> Split:
    try:
        graph = fx.Tracer().trace(model)
    except Exception as error:
        raise NoCamError(
            f"{type(model).__name__} cannot be traced ({_told(error)}), "
            f"so its pooling and last layer were not found. {WAY_OUT}"
        ) from error
    walk = _Walk(model, graph)
    walk.skip("reshape")
    head: nn.Linear | nn.Conv2d | None = walk.take_linear() or walk.take_pointwise()
    rest: dict[str, Any] = {}
    if head is not None:
        rest["dropout"] = walk.skip("reshape", "dropout")
        pool = walk.take_pool()
    else:
        pool = walk.take_pool()
        walk.skip("reshape", "dropout")
        rest["relu_map"] = walk.take_relu()
        head = walk.take_pointwise()
    if head is None or pool is None or (pool == "max" and rest.get("relu_map")):
        raise NoCamError(
            f"{type(model).__name__} has no exact map: it does not end in global pooling and one "
            f"linear layer; the walk back from its scores stopped at {walk.told()}. {WAY_OUT}"
        )
    graph.output(walk.node)
    graph.erase_node(walk.output)
    backbone = fx.GraphModule(model, graph)
    backbone.graph.eliminate_dead_code()
    backbone.recompile()
    return backbone, head, {"pool": pool, **rest}


class _Walk:
    """A place in a traced graph, moving from the output towards the input."""

    def __init__(self, model: nn.Module, graph: fx.Graph) -> None:
        self.modules = dict(model.named_modules())
        self.output = next(node for node in graph.nodes if node.op == "output")
        self.node: Any = self.output.args[0]

    def module(self) -> nn.Module | None:
        is_call = isinstance(self.node, fx.Node) and self.node.op == "call_module"
        return self.modules[str(self.node.target)] if is_call else None

    def calls(self, *names: str) -> bool:
        """Is this a call of a function or tensor method with one of these names?"""
        if not isinstance(self.node, fx.Node):
            return False
        if self.node.op not in ("call_function", "call_method"):
            return False
        target = self.node.target
        return (target if isinstance(target, str) else getattr(target, "__name__", "")) in names

    def told(self) -> str:
        module = self.module()
        if module is not None:
            return f"{type(module).__name__} ({self.node.target})"
        if not isinstance(self.node, fx.Node):
            kind = type(self.node).__name__.removeprefix("immutable_")
            return f"an output that is no tensor but a {kind}"
        return str(self.node.name)

    def back(self) -> None:
        self.node = self.node.args[0]

    def skip(self, *kinds: str) -> float:
        """Pass over shape changes and dropout; return the dropout's share."""
        dropout = 0.0
        while True:
            module = self.module()
            if "reshape" in kinds and (
                isinstance(module, (nn.Flatten, nn.Identity))
                or self.calls("flatten", "view", "reshape", "squeeze", "getitem")
            ):
                self.back()
            elif "dropout" in kinds and isinstance(module, (nn.Dropout, nn.Dropout2d)):
                dropout = module.p
                self.back()
            elif "dropout" in kinds and self.calls("dropout"):
                given = self.node.args[1] if len(self.node.args) > 1 else 0.5
                dropout = float(self.node.kwargs.get("p", given))
                self.back()
            else:
                return dropout

    def take_linear(self) -> nn.Linear | None:
        module = self.module()
        if not isinstance(module, nn.Linear):
            return None
        self.back()
        return module

    def take_pointwise(self) -> nn.Conv2d | None:
        module = self.module()
        if not _is_pointwise(module):
            return None
        self.back()
        return module  # type: ignore[return-value]

    def take_relu(self) -> bool:
        found = isinstance(self.module(), nn.ReLU) or self.calls("relu", "relu_")
        if found:
            self.back()
        return found

    def take_pool(self) -> Pool | None:
        """Global pooling; whether it really is global, the comparison with the model proves."""
        module = self.module()
        if isinstance(module, (nn.AdaptiveAvgPool2d, nn.AvgPool2d)) or self.calls(
            "adaptive_avg_pool2d", "avg_pool2d", "mean"
        ):
            pool: Pool = "average"
        elif isinstance(module, (nn.AdaptiveMaxPool2d, nn.MaxPool2d)) or self.calls(
            "adaptive_max_pool2d", "max_pool2d", "amax"
        ):
            pool = "max"
        else:
            return None
        self.back()
        return pool


def _is_pointwise(module: object) -> bool:
    return (
        isinstance(module, nn.Conv2d)
        and module.kernel_size == (1, 1)
        and module.stride == (1, 1)
        and module.padding in ((0, 0), 0)
        and module.groups == 1
    )


# --- surgery: give a network a pooled head ------------------------------------------------------


def replace_head(
    model: nn.Module,
    classes: int | Sequence[str],
    *,
    after: str | None = None,
    convs: int = 1,
    width: int = 1024,
    pool: str = "average",
    groups: int = 1,
    relu: bool = True,
    dropout: float = 0.0,
    mean: Sequence[float] = IMAGENET_MEAN,
    std: Sequence[float] = IMAGENET_STD,
    size: int = 224,
) -> CamModel:
    """Cut a network after a layer and give it convolutions, pooling and one linear layer.

    The paper's surgery (section 3): AlexNet after conv5, VGG-16 after conv5-3, GoogLeNet after
    inception4e; then one 3x3 convolution of 1024 units, average pooling, and the softmax layer.
    The new layers have random weights: without training there is no classifier.

    Args:
        model: a torchvision classifier, a `CamModel`, or an `nn.Sequential`; the layers that are
            kept are shared, not copied.
        classes: how many classes, or their names.
        after: the last layer to keep, such as "features.28" or "inception4e"; a ReLU that follows
            it is kept too. By default the paper's cut where it has one, else all features.
        convs: how many 3x3 convolutions (stride 1, padding 1) to add.
        width: their number of units.
        pool: "average" (or "avg"), "max" or "flatten".
        groups: groups of the added convolutions; the released networks use 2.
        relu: whether a ReLU follows each added convolution.
        dropout: share of pooled units dropped while training.
        mean: channel means the network wants subtracted.
        std: channel deviations it wants divided by.
        size: height and width of its input; the size of the map follows from it.

    Returns:
        A `CamModel` in training mode.

    Raises:
        TypeError: ``model`` is not a module.
        ValueError: there is no such layer (the message lists near ones), the map would have a
            single place, or an argument is out of range.

    Example:
        >>> model = nn.Sequential(nn.Conv2d(3, 8, 3, stride=4), nn.ReLU(), nn.Flatten())
        >>> net = replace_head(model, ["cat", "dog"], after="0", width=16, size=32)
        >>> net.verdict, net(torch.zeros(1, 3, 32, 32)).shape
        ('exact', torch.Size([1, 2]))
    """
    names = None if isinstance(classes, int) else list(classes)
    count = classes if isinstance(classes, int) else len(classes)
    if count < 1 or convs < 0 or width < 1:
        raise ValueError(
            f"classes and width must be at least 1 and convs at least 0, got {count}, {width} "
            f"and {convs}."
        )
    kept = _chain_until(model, after)
    units, height, columns = _probe(kept, size)
    added: list[nn.Module] = []
    for _ in range(convs):
        added.append(nn.Conv2d(units, width, 3, stride=1, padding=1, groups=groups))
        added += [nn.ReLU()] if relu else []
        units = width
    kind: Any = "average" if pool == "avg" else pool
    if kind != "flatten" and height * columns == 1:
        raise ValueError(
            f"After {after or kept[-1][0]!r} the map has a single place at {size} pixels, so there "
            f"is nothing to pool: cut earlier, for example after {kept[len(kept) // 2][0]!r}."
        )
    places = height * columns if kind == "flatten" else 1
    reference = next((p for _, m in kept for p in m.parameters()), torch.empty(0))
    net = CamModel(
        nn.Sequential(*(module for _, module in kept), *added),
        nn.Linear(units * places, count),
        pool=kind,
        dropout=dropout,
        names=names,
        mean=mean,
        std=std,
        size=size,
    )
    return net.to(device=reference.device, dtype=reference.dtype)


_PAPER_CUTS = {"AlexNet": "features.10", "VGG": "features.28", "GoogLeNet": "inception4e"}


def _chain_until(model: nn.Module, after: str | None) -> Chain:
    """The named steps of a network up to ``after``, and the ReLU that follows it."""
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be an nn.Module, not {type(model).__name__}.")
    family = _family(model)
    if family in _STEPS:
        chain = _expanded(_STEPS[family](model))
    elif isinstance(model, CamModel):
        chain = _expanded([("backbone", model.backbone)])
    elif isinstance(model, nn.Sequential):
        chain = _expanded(list(model.named_children()))
    else:
        raise ValueError(
            f"{type(model).__name__} is not a chain of layers that can be cut by name: "
            "pass its features as an nn.Sequential."
        )
    names = [name for name, _ in chain]
    if after is None:
        after = _PAPER_CUTS.get(family or "", names[-1])
        after = after if after in names else names[-1]
    if after not in names:
        near = difflib.get_close_matches(after, names, n=5, cutoff=0.3) or names[-5:]
        raise ValueError(
            f"{type(model).__name__} has no layer {after!r} to cut after; "
            f"near ones: {', '.join(map(repr, near))}."
        )
    last = names.index(after)
    if last + 1 < len(chain) and isinstance(chain[last + 1][1], nn.ReLU):
        last += 1
    return chain[: last + 1]


def _expanded(chain: Chain) -> Chain:
    """Open plain containers, so that a cut can go between their layers."""
    opened: Chain = []
    for name, module in chain:
        if type(module) in (nn.Sequential, nn.ModuleList):
            opened += _expanded([(f"{name}.{key}", m) for key, m in module.named_children()])
        else:
            opened.append((name, module))
    return opened


def _probe(chain: Chain, size: int) -> tuple[int, int, int]:
    """Units, height and width of the features, for a picture of this size."""
    steps = nn.Sequential(*(module for _, module in chain))
    reference = next(steps.parameters(), torch.empty(0))
    with _evaluating(steps), torch.no_grad():
        features = steps(reference.new_zeros(1, 3, size, size))
    if features.ndim != 4:
        raise ValueError(
            f"After {chain[-1][0]!r} the features have shape {tuple(features.shape)}, where "
            "(B, K, h, w) is needed: cut before the network flattens them."
        )
    return int(features.shape[1]), int(features.shape[2]), int(features.shape[3])


def as_convolution(linear: nn.Linear) -> nn.Conv2d:
    """Write a linear layer as the 1x1 convolution that does the same at every place.

    pool(conv(f)) = linear(pool(f)) for average pooling: both are sums, and sums can be swapped.

    Args:
        linear: K units to C classes, with or without bias.

    Returns:
        A 1x1 convolution with copies of its weights and bias.

    Example:
        >>> linear, features = nn.Linear(3, 2), torch.rand(1, 3, 4, 5)
        >>> maps = as_convolution(linear)(features)                      # M_c + b_c
        >>> torch.allclose(maps.mean(dim=(2, 3)), linear(features.mean(dim=(2, 3))), atol=1e-6)
        True
    """
    conv = nn.Conv2d(linear.in_features, linear.out_features, 1, bias=linear.bias is not None)
    conv.to(linear.weight)
    with torch.no_grad():
        conv.weight.copy_(linear.weight[:, :, None, None])
        if conv.bias is not None:
            conv.bias.copy_(linear.bias)
    return conv


def as_linear(conv: nn.Conv2d) -> nn.Linear:
    """Write a 1x1 convolution as the linear layer on pooled features that does the same.

    Args:
        conv: a 1x1 convolution, stride 1, one group, with or without bias.

    Returns:
        A linear layer with copies of its weights and bias.

    Raises:
        TypeError: ``conv`` is not such a convolution.

    Example:
        >>> as_linear(nn.Conv2d(3, 2, 1))
        Linear(in_features=3, out_features=2, bias=True)
    """
    if not _is_pointwise(conv):
        raise TypeError(f"conv must be a 1x1 convolution, stride 1, one group, got {conv}.")
    linear = nn.Linear(conv.in_channels, conv.out_channels, bias=conv.bias is not None)
    linear.to(conv.weight)
    with torch.no_grad():
        linear.weight.copy_(conv.weight.flatten(1))
        if conv.bias is not None:
            linear.bias.copy_(conv.bias)
    return linear
