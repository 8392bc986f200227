"""Transfer (the paper's section 4): pooled features, a linear SVM on them, and the SVM's maps."""

from __future__ import annotations

import contextlib
import hashlib
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor, nn
from tqdm.auto import tqdm

from camkit.cam import upsample
from camkit.datasets import PictureFiles
from camkit.heads import CamModel
from camkit.images import Fit, Sample, View, read
from camkit.metrics import energy_inside

Floats: TypeAlias = npt.NDArray[np.float32]
Doubles: TypeAlias = npt.NDArray[np.float64]
Pixels: TypeAlias = npt.NDArray[np.uint8]
Labels: TypeAlias = npt.NDArray[np.int64]
SomePictures: TypeAlias = "Pixels | Sequence[Sample] | Sequence[Pixels]"
Raw: TypeAlias = Literal["colours", "grey", "histogram"]

COSTS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
RAW: tuple[Raw, ...] = ("colours", "grey", "histogram")


# --- features ----------------------------------------------------------------------------------


def pooled_features(
    net: CamModel,
    pictures: SomePictures,
    batch: int = 64,
    cache: str | os.PathLike[str] | None = None,
    progress: bool = True,
    fit: Fit = "squash",
) -> Floats:
    """Describe every picture by K numbers: F_k, the units of the last layer, pooled.

    The network pools as its head does; one with a flattened head is averaged, as the paper does.

    Args:
        net: the network; its mode is given back.
        pictures: ``(N, H, W, 3)`` uint8; or a sequence of pictures or `Sample`, of any sizes, such
            as a data set of `camkit.datasets` or of `camkit.world`.
        batch: pictures in one pass.
        cache: a folder; the features are kept there under a hash of the network's weights and of
            the pictures' content, and the next call maps the file into memory.
        progress: show a bar.
        fit: "squash" shows the network the whole picture, "crop" its centre.

    Returns:
        ``(N, K)`` float32.

    Raises:
        ValueError: there is no picture, or ``batch`` is below 1.
        PictureError, FileNotFoundError: a picture cannot be read; the message says which.

    Example:
        >>> import camkit
        >>> net = camkit.load("objects")
        >>> pooled_features(net, np.zeros((3, 128, 128, 3), np.uint8), progress=False).shape
        (3, 64)
    """
    if len(pictures) == 0:
        raise ValueError("pictures is empty; give at least one.")
    if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
        raise ValueError(f"batch must be a whole number, at least 1, got {batch!r}.")
    if cache is None:
        found = np.empty((len(pictures), _units(net)), np.float32)
        _fill(found, net, pictures, batch, progress, fit)
        return found
    file = Path(cache) / f"features-{_content(net, pictures, fit, progress)}.npy"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_name(f"{file.stem}.{os.getpid()}.part")
        try:
            kept = np.lib.format.open_memmap(
                temporary, "w+", np.float32, (len(pictures), _units(net))
            )
            _fill(kept, net, pictures, batch, progress, fit)
            kept.flush()
            del kept
            temporary.replace(file)
        finally:
            temporary.unlink(missing_ok=True)
    mapped: Floats = np.load(file, mmap_mode="r")
    return mapped


def _units(net: CamModel) -> int:
    """K: how many numbers describe a picture."""
    with _looking(net):
        return int(net.features(torch.zeros(1, 3, *net.size, device=_device(net))).shape[1])


def _device(net: CamModel) -> torch.device:
    return net.head.weight.device


@contextlib.contextmanager
def _looking(net: CamModel) -> Iterator[None]:
    """Evaluation mode without gradients; every module's mode is given back."""
    modes = [(module, module.training) for module in net.modules()]
    net.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, mode in modes:
            module.training = mode


def _fill(
    out: Floats, net: CamModel, pictures: SomePictures, batch: int, progress: bool, fit: Fit
) -> None:
    """Write the features of all pictures; one thread reads ahead while the network runs."""
    starts = range(0, len(pictures), batch)
    pool: Callable[[Tensor], Tensor] = (
        (lambda f: f.amax(dim=(2, 3))) if net.pool == "max" else (lambda f: f.mean(dim=(2, 3)))
    )
    bar = tqdm(total=len(pictures), desc="features", unit="picture", disable=not progress)
    with bar, _looking(net), ThreadPoolExecutor(1) as reader:
        waiting = reader.submit(_inputs, net, pictures, 0, batch, fit)
        for start in starts:
            inputs = waiting.result()
            if start + batch < len(pictures):
                waiting = reader.submit(_inputs, net, pictures, start + batch, batch, fit)
            pooled = pool(net.features(inputs.to(net.head.weight)))
            out[start : start + len(inputs)] = pooled.float().cpu().numpy()
            bar.update(len(inputs))


def _inputs(net: CamModel, pictures: SomePictures, start: int, batch: int, fit: Fit) -> Tensor:
    """One batch of the network's inputs (B, 3, h, w)."""
    stop = min(start + batch, len(pictures))
    if isinstance(pictures, np.ndarray) and pictures.shape[1:] == (*net.size, 3) and fit != "crop":
        return _scaled(net, np.ascontiguousarray(pictures[start:stop]))
    tensors = []
    for i in range(start, stop):
        image = _pixels(pictures[i])
        view = View.of((image.shape[0], image.shape[1]), net.size, fit)
        tensors.append(view.to_input(image, net.mean, net.std))
    return torch.stack(tensors)


def _scaled(net: CamModel, images: Pixels) -> Tensor:
    """Pictures (B, H, W, 3) that need no resizing: one product and one sum along whole rows."""
    mean, std = torch.tensor(net.mean), torch.tensor(net.std)
    width = images.shape[2]
    rows = torch.from_numpy(images).float().flatten(2)  # (B, H, W * 3)
    rows.mul_((1 / (255 * std)).repeat(width)).sub_((mean / std).repeat(width))
    return rows.view(images.shape).permute(0, 3, 1, 2)


def _pixels(picture: Any) -> Pixels:
    return picture.image if isinstance(picture, Sample) else read(picture)


def _content(net: CamModel, pictures: SomePictures, fit: Fit, progress: bool) -> str:
    """A hash of all that the features depend on: the network's backbone and every picture."""
    told = hashlib.sha256(f"{net.pool} {net.size} {net.mean} {net.std} {fit}".encode())
    for name, value in sorted(net.backbone.state_dict().items()):
        told.update(name.encode())
        told.update(value.detach().cpu().contiguous().numpy().tobytes())
    told.update(str(net.backbone).encode())
    bar = tqdm(
        range(len(pictures)), desc="hashing", unit="picture", leave=False, disable=not progress
    )
    for i in bar:
        if isinstance(pictures, PictureFiles):
            blob, shape = pictures.files[i].read_bytes(), ""
        else:
            image = _pixels(pictures[i])
            blob, shape = image.tobytes(), str(image.shape)
        told.update(shape.encode())
        told.update(hashlib.sha256(blob).digest())
    return told.hexdigest()[:24]


def raw_pixels(images: SomePictures, kind: Raw = "colours") -> Floats:
    """Describe pictures without any network: what an SVM reaches on the pixels themselves.

    Args:
        images: as for `pooled_features`.
        kind: "colours", the picture shrunk to 16 x 16 (768 numbers); "grey", the same without
            colour (256); "histogram", how often each of 8 x 8 x 8 colours occurs (512), blind to
            place.

    Returns:
        ``(N, D)`` float32.

    Raises:
        ValueError: ``kind`` is none of these, or there is no picture.

    Example:
        >>> raw_pixels(np.full((2, 8, 8, 3), 255, np.uint8), "histogram").sum(axis=1).tolist()
        [1.0, 1.0]
    """
    if kind not in RAW:
        raise ValueError(f"kind must be one of {', '.join(RAW)}, got {kind!r}.")
    if len(images) == 0:
        raise ValueError("images is empty; give at least one picture.")
    return np.stack([_raw(Image.fromarray(_pixels(picture)), kind) for picture in images])


def _raw(image: Image.Image, kind: Raw) -> Floats:
    if kind == "histogram":
        cells = np.asarray(image).reshape(-1, 3).astype(np.int64) // 32
        counts = np.bincount(cells @ np.array([64, 8, 1]), minlength=512)
        shares: Floats = (counts / counts.sum()).astype(np.float32)
        return shares
    small = image.convert("L" if kind == "grey" else "RGB").resize(
        (16, 16), Image.Resampling.BILINEAR
    )
    values: Floats = np.asarray(small, np.float32).ravel() / np.float32(255)
    return values


# --- the SVM -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class LinearSvm:
    """A linear SVM for every class against all others, on standardised features.

    Decision of class c: ``d_c(x) = sum_k coef_ck (x_k - mean_k) / scale_k + intercept_c``.

    Attributes:
        names: the C classes.
        mean: of every feature on the training pictures, ``(K,)``.
        scale: its standard deviation, ``(K,)``; 1 where the feature never changes.
        coef: the SVM's weights on standardised features, ``(C, K)``.
        intercept: ``(C,)``.
        cost: the penalty that cross-validation chose.
        tried: cost -> accuracy in cross-validation; empty if one cost was given.
    """

    names: tuple[str, ...]
    mean: Doubles = field(repr=False)
    scale: Doubles = field(repr=False)
    coef: Doubles = field(repr=False)
    intercept: Doubles = field(repr=False)
    cost: float
    tried: dict[float, float] = field(default_factory=dict)

    def decisions(self, features: npt.ArrayLike) -> Doubles:
        """Decide: how far every picture lies on each class's side of its border.

        Args:
            features: ``(N, K)``.

        Returns:
            ``(N, C)``; the highest is the answer.

        Raises:
            ValueError: the features are not ``(N, K)``, or not finite.
        """
        x = _as_features(features, len(self.mean))
        decided: Doubles = (x - self.mean) / self.scale @ self.coef.T + self.intercept
        return decided

    def predict(self, features: npt.ArrayLike) -> Labels:
        """The class with the highest decision, ``(N,)``, for features ``(N, K)``."""
        best: Labels = self.decisions(features).argmax(axis=1)
        return best

    def accuracy(self, features: npt.ArrayLike, labels: npt.ArrayLike) -> float:
        """The share of right answers, from 0 to 1.

        Raises:
            ValueError: features and labels do not match.
        """
        predicted, right = self.predict(features), np.asarray(labels)
        if right.shape != predicted.shape:
            raise ValueError(
                f"labels must be one for each of {len(predicted)} rows, got shape {right.shape}."
            )
        return float((predicted == right).mean())

    def fold(self) -> tuple[Doubles, Doubles]:
        """Fold the standardisation into weights and offset: ``d_c(x) = w_c . x + b_c``.

        ``w_ck = coef_ck / scale_k`` and ``b_c = intercept_c - sum_k w_ck mean_k``.

        Returns:
            w ``(C, K)`` and b ``(C,)``.
        """
        weights = self.coef / self.scale
        return weights, self.intercept - weights @ self.mean

    def on(self, net: CamModel) -> CamModel:
        """Put the folded SVM in the place of the network's head (the paper's section 4).

        The weights of the SVM take the place of w_k^c, so ``mean(M_c) + b_c`` is the decision of
        class c, and `CamModel.explain` draws what the SVM looks at.

        Args:
            net: the network whose pooled features the SVM was trained on. Its backbone is shared,
                not copied.

        Returns:
            A network of the SVM's classes, in evaluation mode.

        Raises:
            ValueError: the network has another number of units.

        Example:
            >>> import camkit
            >>> net = camkit.load("objects")
            >>> images = np.random.default_rng(0).integers(0, 256, (8, 128, 128, 3), np.uint8)
            >>> features = pooled_features(net, images, progress=False)
            >>> svm = fit_svm(features, [0, 1] * 4, names=["a", "b"], costs=[0.01])
            >>> result = svm.on(net).explain(list(images), classes="all")
            >>> bool(np.allclose(result.scores, svm.decisions(features), atol=1e-3))
            True
        """
        weights, bias = self.fold()
        units = _units(net)
        if weights.shape[1] != units:
            raise ValueError(
                f"The SVM weighs {weights.shape[1]} features, but the network has {units} units: "
                "give the network whose features it was trained on."
            )
        head = nn.Linear(units, len(self.names))
        with torch.no_grad():
            head.weight.copy_(torch.from_numpy(weights))
            head.bias.copy_(torch.from_numpy(bias))
        return CamModel(
            net.backbone,
            head.to(net.head.weight),
            pool="max" if net.pool == "max" else "average",
            names=self.names,
            mean=net.mean,
            std=net.std,
            size=net.size,
        ).eval()


def fit_svm(
    features: npt.ArrayLike,
    labels: npt.ArrayLike,
    names: Sequence[str] | None = None,
    costs: Sequence[float] = COSTS,
    folds: int = 5,
    seed: int = 0,
) -> LinearSvm:
    """Standardise features and train a linear SVM, every class against all others.

    The cost is the one with the best accuracy in cross-validation on these features alone (the
    smallest among equals); the standardisation is learned anew in every fold.

    Args:
        features: ``(N, K)``, from `pooled_features` or `raw_pixels`.
        labels: ``(N,)``, class numbers from 0.
        names: the C class names; "class 0", ... where not given.
        costs: to choose from; a single one is taken as it is.
        folds: parts of the cross-validation; fewer where a class has fewer examples.
        seed: of the division into folds and of the solver.

    Returns:
        The `LinearSvm`.

    Raises:
        ValueError: shapes do not match, a feature is not finite, there are fewer than two classes,
            a class has no example or only one where costs are to be compared, all pictures have
            the same features, or a cost is not above zero.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> labels = np.arange(60) % 3
        >>> features = rng.normal(size=(60, 5)) + 4 * np.eye(5)[labels]
        >>> fit_svm(features, labels).accuracy(features, labels)
        1.0
    """
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x, y, names = _training(features, labels, names)
    grid = sorted({float(cost) for cost in costs})
    if not grid or grid[0] <= 0 or not np.isfinite(grid).all():
        raise ValueError(f"costs must be numbers above zero, got {list(costs)}.")
    tried: dict[float, float] = {}
    if len(grid) > 1:
        parts = StratifiedKFold(_folds(y, names, folds), shuffle=True, random_state=seed)
        for cost in grid:
            machine = make_pipeline(StandardScaler(), _machine(cost, x.shape, seed))
            with _settling():
                tried[cost] = float(cross_val_score(machine, x, y, cv=parts).mean())
    best = max(tried, key=lambda cost: tried[cost]) if tried else grid[0]
    scaler = StandardScaler().fit(x)
    machine = _machine(best, x.shape, seed)
    with _settling():
        machine.fit(scaler.transform(x), y)
    coef, intercept = machine.coef_, machine.intercept_
    if len(names) == 2:  # scikit-learn gives one row for two classes
        coef, intercept = np.vstack([-coef, coef]), np.concatenate([-intercept, intercept])
    return LinearSvm(names, scaler.mean_, scaler.scale_, coef, intercept, best, tried)


def _machine(cost: float, shape: tuple[int, ...], seed: int) -> Any:
    """One SVM; the dual problem settles sooner where units are many beside the pictures."""
    from sklearn.svm import LinearSVC

    dual = 4 * shape[1] > shape[0]
    return LinearSVC(C=cost, dual=dual, max_iter=5000, random_state=seed)


@contextlib.contextmanager
def _settling() -> Iterator[None]:
    """Say in one sentence, once, that the solver stopped before it settled."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        yield
    if any(issubclass(w.category, ConvergenceWarning) for w in seen):
        warnings.warn(
            "The SVM stopped before it settled: a smaller cost, or fewer features, would help.",
            stacklevel=3,
        )
    for w in seen:
        if not issubclass(w.category, ConvergenceWarning):
            warnings.warn_explicit(w.message, w.category, w.filename, w.lineno)


def _training(
    features: npt.ArrayLike, labels: npt.ArrayLike, names: Sequence[str] | None
) -> tuple[Doubles, Labels, tuple[str, ...]]:
    """What an SVM can be trained on, or a sentence that says why not."""
    x, y = _as_features(features), np.asarray(labels)
    if y.shape != (len(x),) or y.dtype.kind not in "iu":
        raise ValueError(
            f"labels must be {len(x)} class numbers, one for each row of features; "
            f"got {y.dtype} of shape {y.shape}."
        )
    count = len(names) if names is not None else int(y.max()) + 1
    if y.min() < 0 or y.max() >= count:
        raise ValueError(f"labels must lie from 0 to {count - 1}, got {y.min()} to {y.max()}.")
    told = tuple(names) if names is not None else tuple(f"class {c}" for c in range(count))
    if count < 2:
        raise ValueError(f"An SVM separates at least two classes, got {count}.")
    missing = [told[c] for c in range(count) if not (y == c).any()]
    if missing:
        raise ValueError(f"There is no example of {', '.join(missing)}; every class needs some.")
    if (x == x[0]).all():
        raise ValueError(
            "All pictures have the same features, so nothing can tell the classes apart: "
            "check that the pictures differ and the network is trained."
        )
    return x, y.astype(np.int64), told


def _as_features(features: npt.ArrayLike, units: int | None = None) -> Doubles:
    x = np.asarray(features, dtype=np.float64)
    if x.ndim != 2 or 0 in x.shape or (units is not None and x.shape[1] != units):
        wanted = "(N, K)" if units is None else f"(N, {units})"
        raise ValueError(f"features must have the shape {wanted}, got {x.shape}.")
    if not np.isfinite(x).all():
        row = int(np.flatnonzero(~np.isfinite(x).all(axis=1))[0])
        raise ValueError(f"features must be finite; picture {row} has NaN or infinity.")
    return x


def _folds(y: Labels, names: tuple[str, ...], folds: int) -> int:
    counts = np.bincount(y, minlength=len(names))
    if counts.min() < 2:
        lone = names[int(counts.argmin())]
        raise ValueError(
            f"{lone} has one example, and cross-validation needs two of every class: give it "
            "more, or give one cost, as in costs=[0.01]."
        )
    if folds < 2:
        raise ValueError(f"folds must be at least 2, got {folds}.")
    return int(min(folds, counts.min()))


# --- crops and the reading of maps -------------------------------------------------------------


def square_crop(image: Pixels, box: npt.ArrayLike, margin: float = 0.1, size: int = 128) -> Pixels:
    """Cut a square around a box and resize it, without stretching anything.

    The side is the box's longer side plus ``margin`` of it on each side. A square that leaves the
    picture is pushed back inside; one larger than the picture is filled up with the edge's colours.

    Args:
        image: ``(H, W, 3)`` uint8.
        box: ``(x0, y0, x1, y1)`` in pixels, end exclusive; NaN takes the whole picture.
        margin: share of the box's longer side to add on each side, at least 0.
        size: side of the result, in pixels.

    Returns:
        ``(size, size, 3)`` uint8.

    Raises:
        ValueError: the box is empty or lies outside, or ``margin`` or ``size`` cannot be used.

    Example:
        >>> square_crop(np.zeros((60, 90, 3), np.uint8), [70, 10, 90, 20], size=32).shape
        (32, 32, 3)
    """
    if margin < 0 or size < 1:
        raise ValueError(f"margin must be at least 0 and size at least 1, got {margin} and {size}.")
    height, width = image.shape[:2]
    x0, y0, x1, y1 = np.asarray(box, dtype=np.float64)
    if np.isnan([x0, y0, x1, y1]).any():
        x0, y0, x1, y1 = 0.0, 0.0, float(width), float(height)
        margin = 0.0
    if not (x0 < x1 and y0 < y1) or x1 <= 0 or y1 <= 0 or x0 >= width or y0 >= height:
        raise ValueError(
            f"box must be (x0, y0, x1, y1) with x0 < x1 and y0 < y1 and lie in the picture of "
            f"{width} x {height} pixels, got {np.asarray(box).tolist()}."
        )
    side = max(x1 - x0, y1 - y0) * (1 + 2 * margin)
    left = _inside((x0 + x1 - side) / 2, side, width)
    top = _inside((y0 + y1 - side) / 2, side, height)
    pad = int(np.ceil(max(0.0, -left, -top, left + side - width, top + side - height)))
    padded = np.pad(image, ((pad, pad), (pad, pad), (0, 0)), mode="edge") if pad else image
    region = (left + pad, top + pad, left + pad + side, top + pad + side)
    cut = Image.fromarray(padded).resize((size, size), Image.Resampling.BILINEAR, box=region)
    return np.asarray(cut)


def _inside(start: float, side: float, length: int) -> float:
    """Where a square begins once it is pushed into a picture; centred if it is larger."""
    if side >= length:
        return (length - side) / 2
    return min(max(start, 0.0), length - side)


def square_crops(
    images: SomePictures, boxes: Sequence[npt.ArrayLike], margin: float = 0.1, size: int = 128
) -> Pixels:
    """Cut one square out of every picture: see `square_crop`.

    Args:
        images: N pictures.
        boxes: N boxes, such as ``result.boxes()[:, 0]``; NaN takes the whole picture.
        margin: as in `square_crop`.
        size: as in `square_crop`.

    Returns:
        ``(N, size, size, 3)`` uint8.

    Raises:
        ValueError: there are not as many boxes as pictures.

    Example:
        >>> square_crops(np.zeros((2, 9, 9, 3), np.uint8), [[0, 0, 4, 4]] * 2, size=8).shape
        (2, 8, 8, 3)
    """
    if len(images) != len(boxes):
        raise ValueError(f"{len(images)} pictures and {len(boxes)} boxes do not match.")
    pairs = zip(images, boxes, strict=True)
    return np.stack([square_crop(_pixels(image), box, margin, size) for image, box in pairs])


def lift(maps: npt.ArrayLike | Tensor, masks: npt.ArrayLike) -> Doubles:
    """How many times more positive heat lies on the masks than their area would get by chance.

    ``share of the positive heat inside / share of the area inside``, for every picture: 1 is what
    a map reaches that is the same everywhere. Average it over pictures.

    Args:
        maps: raw maps ``(N, h, w)``; smaller than the masks, they are upsampled first.
        masks: ``(N, H, W)`` bool.

    Returns:
        ``(N,)``; NaN where the mask is empty or the map nowhere positive.

    Raises:
        TypeError, ValueError: the shapes do not match, or maps do not hold numbers.

    Example:
        >>> lift([[[3.0, 1.0], [-5.0, 0.0]]], [[[True, False], [False, False]]]).tolist()
        [3.0]
    """
    heat = torch.as_tensor(np.asarray(maps, dtype=np.float32))
    inside = np.asarray(masks)
    if inside.dtype != np.bool_:
        raise TypeError(f"masks must be True and False, not {inside.dtype}.")
    if heat.ndim != 3 or inside.ndim != 3 or len(heat) != len(inside):
        raise ValueError(
            f"maps must be (N, h, w) and masks (N, H, W) of as many pictures, got "
            f"{tuple(heat.shape)} and {inside.shape}."
        )
    if heat.shape[1:] != inside.shape[1:]:
        heat = upsample(heat[:, None], (int(inside.shape[1]), int(inside.shape[2])))[:, 0]
    values = heat.numpy()
    area = inside.mean(axis=(1, 2))
    known = (area > 0) & (values > 0).any(axis=(1, 2))
    lifts: Doubles = np.full(len(area), np.nan)
    if known.any():
        lifts[known] = energy_inside(values[known], inside[known]) / area[known]
    return lifts
