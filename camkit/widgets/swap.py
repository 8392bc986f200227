"""Explorer of lesson 03, *head swapper*: shapes that match, and an identity that does not hold."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from camkit import images as _images
from camkit.heads import CamModel, _evaluating
from camkit.images import Array, Picture, View
from camkit.plot import INK, QUIET
from camkit.widgets.canvas import HEAD, WIDTH, Photo, Sheet, fixed, number, shortened
from camkit.widgets.explorer import Choice, Control, Explorer, Frame

Taken = Literal["backbone", "pooling"]
POOLS = (nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d, nn.Flatten)

WHY = {
    "average": "A mean of a weighted sum is the weighted sum of the means.",
    "maximum": "Pooling reads one cell of each unit; a mean over cells cannot give it back.",
    "flatten": "Every place has weights of its own: there is no w for a unit.",
    "two layers": "The last weights belong to hidden units behind a ReLU, not to the features.",
    "ReLU on the maps": "The network cuts the maps at zero before it takes their mean.",
    "norm before pooling": "What is pooled is not what the backbone gave, but its norm.",
    "norm after pooling": "The norm divides the pooled units by a number that no cell knows.",
}
"""The heads, and for each what stands between its map and its score."""


class PlaceNorm(nn.LayerNorm):
    """Layer norm over the units of each place, ``(B, K, h, w)``; the last step before Swin pools.

    Example:
        >>> f = PlaceNorm(2)(torch.tensor([1.0, 3.0]).view(1, 2, 1, 1))
        >>> f.flatten().round(decimals=2).tolist()
        [-1.0, 1.0]
    """

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.movedim(1, -1)).movedim(-1, 1)


# --- seven heads on the same features -----------------------------------------------------------


def fit_heads(
    net: CamModel, images: Array, labels: npt.ArrayLike, *, steps: int = 40, seed: int = 0
) -> dict[str, nn.Sequential]:
    """Fit six other heads to the features of a network; its own average head is copied.

    The features stay as they are. Each head is fitted to all pictures at once, by L-BFGS on the
    cross-entropy.

    Args:
        net: a network with average pooling.
        images: pictures to fit to, ``(N, H, W, 3)`` uint8.
        labels: their classes, ``(N,)``.
        steps: iterations of L-BFGS.
        seed: of the first weights.

    Returns:
        Seven heads by name, each a chain from features ``(B, K, h, w)`` to scores ``(B, C)``.

    Raises:
        ValueError: the network does not pool by average, or labels and pictures do not fit.

    Example:
        >>> net = CamModel(nn.Conv2d(3, 8, 3), nn.Linear(8, 2), size=16)
        >>> pictures = np.random.default_rng(0).integers(0, 255, (6, 16, 16, 3), dtype=np.uint8)
        >>> heads = fit_heads(net, pictures, [0, 1, 0, 1, 0, 1], steps=2)
        >>> [type(layer).__name__ for layer in heads["two layers"]]
        ['AdaptiveAvgPool2d', 'Flatten', 'Linear', 'ReLU', 'Linear']
    """
    if net.verdict != "exact":
        raise ValueError(f'net must pool by average; its maps are "{net.verdict}".')
    wanted = torch.as_tensor(np.asarray(labels), dtype=torch.long)
    if wanted.shape != (len(images),) or not len(images):
        raise ValueError(
            f"labels must be one class for each of {len(images)} pictures, got shape "
            f"{tuple(wanted.shape)}."
        )
    if not 0 <= int(wanted.min()) <= int(wanted.max()) < len(net.names):
        raise ValueError(f"labels must be from 0 to {len(net.names) - 1}.")
    pieces = np.array_split(images, -(-len(images) // 48))
    features = torch.cat([_features(net, list(piece))[0] for piece in pieces])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        heads = _blank_heads(features, len(net.names))
    for name, head in heads.items():
        if name == "average":
            head[-1].load_state_dict({"weight": net.weights, "bias": net.bias})
        else:
            _fit(head, features, wanted, steps)
        head.requires_grad_(False)
    return heads


def _blank_heads(features: Tensor, classes: int) -> dict[str, nn.Sequential]:
    """The seven heads with random weights, for features ``(N, K, h, w)``."""
    units, places = features.shape[1], features.shape[2] * features.shape[3]

    def mean() -> tuple[nn.Module, nn.Module]:
        return nn.AdaptiveAvgPool2d(1), nn.Flatten()

    def scores(entries: int = units) -> nn.Linear:
        return nn.Linear(entries, classes)

    chains: dict[str, tuple[nn.Module, ...]] = {
        "average": (*mean(), scores()),
        "maximum": (nn.AdaptiveMaxPool2d(1), nn.Flatten(), scores()),
        "flatten": (nn.Flatten(), scores(units * places)),
        "two layers": (*mean(), nn.Linear(units, units), nn.ReLU(), scores()),
        "ReLU on the maps": (nn.Conv2d(units, classes, 1), nn.ReLU(), *mean()),
        "norm before pooling": (PlaceNorm(units), *mean(), scores()),
        "norm after pooling": (*mean(), nn.LayerNorm(units), scores()),
    }
    # Maps that begin below zero everywhere would be cut away, and never learn.
    nn.init.ones_(chains["ReLU on the maps"][0].bias)  # type: ignore[arg-type]
    return {name: nn.Sequential(*chain).to(features) for name, chain in chains.items()}


def _fit(head: nn.Sequential, features: Tensor, labels: Tensor, steps: int) -> None:
    parameters = list(head.parameters())
    options: dict[str, Any] = {"history_size": 10, "line_search_fn": "strong_wolfe"}
    optimiser = torch.optim.LBFGS(parameters, max_iter=steps, **options)

    def loss() -> Tensor:
        optimiser.zero_grad()
        error = F.cross_entropy(head(features), labels)
        # A little decay: separable pictures would drive the weights to infinity.
        error = error + 1e-5 * torch.stack([p.square().sum() for p in parameters]).sum()
        error.backward()  # type: ignore[no-untyped-call]
        return error

    optimiser.step(loss)  # type: ignore[no-untyped-call]


def _features(net: CamModel, pictures: list[Array]) -> tuple[Tensor, View]:
    """Features ``(B, K, h, w)`` of pictures of one size, and how they were cut."""
    view = View.of((pictures[0].shape[0], pictures[0].shape[1]), net.size)
    inputs = torch.stack([view.to_input(one, net.mean, net.std) for one in pictures])
    with _evaluating(net), torch.no_grad():
        return net.features(inputs.to(net.head.weight)).cpu().float(), view


# --- the recipe, and whether its map adds up -----------------------------------------------------


@dataclass(frozen=True)
class Trial:
    """The popular recipe tried on one head: the last layer's weights times the features.

    Args:
        layers: the layers a reader sees, each with the shape that comes out of it.
        features_at: the row of the features: 0 for the backbone's, else so many layers on.
        weights_at: the row of the last layer with class weights; None where maps are taken ready.
        broken_at: the row of the first operation that forbids the sum, or None.
        units: units of the features that were taken.
        entries: weights a class.
        scores: the head's own S_c, ``(C,)``.
        maps: ``(C, h, w)``, or None where the shapes do not match.
        sums: mean(map) + bias of each class, ``(C,)``, or None.
    """

    layers: tuple[tuple[str, str], ...]
    features_at: int
    weights_at: int | None
    broken_at: int | None
    units: int
    entries: int
    scores: Tensor
    maps: Tensor | None
    sums: Tensor | None

    @property
    def off(self) -> float:
        """Largest difference between sums and scores, as a share of the largest score."""
        if self.sums is None:
            return float("nan")
        gap = (self.sums - self.scores).abs().max() / self.scores.abs().max().clamp_min(1e-30)
        return float(gap)

    @property
    def holds(self) -> bool:
        """Whether mean(map) + bias is the score, for every class."""
        return self.off < 1e-6


def try_head(name: str, head: nn.Sequential, features: Tensor, taken: Taken) -> Trial:
    """Apply the recipe to one head.

    Args:
        name: one of `WHY`.
        head: the chain of its layers.
        features: f_k of one picture, ``(K, h, w)``.
        taken: "backbone" takes the features as the head gets them, "pooling" as they are pooled.

    Returns:
        A `Trial`, computed in double precision.

    Example:
        >>> head = nn.Sequential(nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(2, 3))
        >>> trial = try_head("maximum", head, torch.rand(2, 4, 5), "backbone")
        >>> trial.maps.shape, trial.holds
        (torch.Size([3, 4, 5]), False)
    """
    chain = list(copy.deepcopy(head).double())
    steps = [features.double()[None]]  # what goes into each layer, and the scores
    with torch.no_grad():
        for layer in chain:
            steps.append(layer(steps[-1]))
    pool = next(i for i, layer in enumerate(chain) if isinstance(layer, POOLS))
    last = max(i for i, layer in enumerate(chain) if isinstance(layer, (nn.Linear, nn.Conv2d)))
    at = pool if taken == "pooling" else 0
    f, scores = steps[at][0], steps[-1][0]
    weights, bias = _weights_of(chain[last])
    ready = last < at  # the class weights lie before the pooling: what is pooled are the maps
    maps = sums = None
    if ready:
        maps, sums = f, f.mean(dim=(1, 2))
    elif weights.shape[1] == len(f):
        maps = torch.einsum("ck,khw->chw", weights, f)
        sums = maps.mean(dim=(1, 2)) + bias
    shown = [i for i in range(len(chain)) if i != pool + 1 or not isinstance(chain[i], nn.Flatten)]
    row = {i: r for r, i in enumerate(shown, start=1)}
    told = [(_told(chain[i]), _shape(steps[i + 1][0])) for i in shown]
    if isinstance(chain[pool], POOLS[:2]):  # pooling and the flattening after it are one row
        told[row[pool] - 1] = (told[row[pool] - 1][0], _shape(steps[pool + 1][0].flatten()))
    trial = Trial(
        layers=(("features", _shape(steps[0][0])), *told),
        features_at=row.get(at - 1, 0),
        weights_at=None if ready else row[last],
        broken_at=None,
        units=len(f),
        entries=weights.shape[1],
        scores=scores,
        maps=maps,
        sums=sums,
    )
    forbids = {"maximum": pool, "flatten": pool, "two layers": last - 1, "ReLU on the maps": 1}
    forbids |= {"norm before pooling": 0, "norm after pooling": last - 1}
    if name in forbids and not trial.holds:
        trial = Trial(**{**vars(trial), "broken_at": row[forbids[name]]})
    return trial


def _weights_of(layer: nn.Module) -> tuple[Tensor, Tensor]:
    """w ``(C, n)`` and b ``(C,)`` of a linear layer or a 1x1 convolution."""
    state = layer.state_dict()
    return state["weight"].flatten(1), state["bias"]


def _told(layer: nn.Module) -> str:
    if isinstance(layer, nn.Linear):
        return f"linear, {layer.in_features} → {layer.out_features}"
    if isinstance(layer, nn.Conv2d):
        return f"1 × 1 conv, {layer.in_channels} → {layer.out_channels}"
    return {
        nn.AdaptiveAvgPool2d: "mean over places",
        nn.AdaptiveMaxPool2d: "maximum over places",
        nn.Flatten: "flatten",
        nn.ReLU: "ReLU",
        PlaceNorm: "norm of each place",
        nn.LayerNorm: "norm",
    }[type(layer)]


def _shape(one: Tensor) -> str:
    return " × ".join(str(n) for n in one.shape)


# --- the explorer -------------------------------------------------------------------------------

SIDE, CHAIN, MAP = 208, 232, WIDTH - 208
"""Side of the two square panels, and where the chain of layers and the map begin."""
BOX = 24
"""Height of a layer's box."""
GUTTER = 20
"""Left of the boxes, for the marks."""


@dataclass(frozen=True)
class HeadSwap:
    """The head, the class whose map is asked for, and which features the recipe takes."""

    head: str = "average"
    wanted: int = 0
    taken: Taken = "backbone"

    def __post_init__(self) -> None:
        if self.head not in WHY:
            raise ValueError(f"head must be one of {', '.join(WHY)}, got {self.head!r}.")
        if self.taken not in ("backbone", "pooling"):
            raise ValueError(f'taken must be "backbone" or "pooling", got {self.taken!r}.')


class HeadSwapView:
    """The frames of `head_swapper`: every head tried on one picture."""

    def __init__(self, net: CamModel, picture: Picture, heads: Mapping[str, nn.Sequential]) -> None:
        missing = [name for name in WHY if name not in heads]
        if missing:
            raise ValueError(f"heads lacks {', '.join(missing)}: take what fit_heads returns.")
        pixels = _images.read(picture)
        features, _ = _features(net, [pixels])
        kinds: tuple[Taken, ...] = ("backbone", "pooling")
        self.trials = {
            (name, taken): try_head(name, heads[name], features[0], taken)
            for name in WHY
            for taken in kinds
        }
        self.names = net.names
        self.best = int(self.trials["average", "backbone"].scores.argmax())
        self.photo = Photo(pixels, SIDE)
        self._papers: dict[tuple[str, Taken], Sheet] = {}

    def render(self, state: HeadSwap) -> Frame:
        """Draw one head: its layers, the map that the recipe gives, and both sums."""
        c = state.wanted
        if isinstance(c, bool) or not isinstance(c, (int, np.integer)):
            raise TypeError(f"wanted must be a class number, not {type(c).__name__}.")
        if not 0 <= c < len(self.names):
            raise ValueError(f"wanted must be from 0 to {len(self.names) - 1}, got {c}.")
        key = (state.head, state.taken)
        if key not in self._papers:
            self._papers[key] = self._paper(self.trials[key], state.taken)
        sheet, trial = self._papers[key].copy(), self.trials[key]
        sheet.words(MAP, 16, shortened(f"“Map” of {self.names[c]}", SIDE, 15), bold=True)
        self._map(sheet, trial, c)
        self._sums(sheet, trial, c)
        return Frame(sheet.jpeg(), self._text(state, trial))

    def _paper(self, trial: Trial, taken: Taken) -> Sheet:
        """What no class changes: the picture, the layers and the two ticks."""
        sheet = Sheet(HEAD + SIDE + 108)
        sheet.words(0, 16, "The picture", bold=True)
        self._lay(sheet, 0, self.photo.image)
        sheet.words(CHAIN + GUTTER, 16, "The head", bold=True)
        step = (SIDE - BOX) / max(1, len(trial.layers) - 1)
        step = min(step, 46)
        left, wide = CHAIN + GUTTER, MAP - CHAIN - GUTTER - 24
        for row, (name, shape) in enumerate(trial.layers):
            y = HEAD + row * step
            broken = row == trial.broken_at
            marked = broken or row in (trial.features_at, trial.weights_at)
            if row:
                sheet.line([(left + 14, y - step + BOX + 2), (left + 14, y - 2)], QUIET, 2)
            sheet.frame(left, y, wide, BOX, INK if marked else "#b9bfc9")
            sheet.words(left + 8, y + 16.5, name, size=12, bold=broken)
            sheet.words(left + wide - 6, y + 16.5, shape, size=10.5, ink=QUIET, anchor="rs")
            for mark, here in (("✗", broken), ("f", row == trial.features_at)):
                if here:
                    sheet.words(left - 8, y + 17, mark, size=15, bold=True, anchor="rs")
            if row == trial.weights_at:
                sheet.words(left - 8, y + 17, "w", size=15, bold=True, anchor="rs")
        marks = "f × w, f as the backbone gives it"
        if taken == "pooling":
            marks = "f × w, f as it is pooled"
        if trial.weights_at is None:
            marks = "f is pooled as one map a class"
        sheet.words(left, HEAD + SIDE + 24, marks, size=11, ink=QUIET)
        self._ticks(sheet, trial)
        return sheet

    def _ticks(self, sheet: Sheet, trial: Trial) -> None:
        y = HEAD + SIDE + 68
        sign = "✓" if trial.maps is not None else "✗"
        sheet.words(MAP, y, f"{sign}  shapes match", size=15, bold=True)
        if trial.maps is None:
            sheet.words(MAP, y + 24, "–  nothing to add up", size=15, bold=True)
        else:
            sign, word = ("✓", "holds") if trial.holds else ("✗", "fails")
            sheet.words(MAP, y + 24, f"{sign}  identity {word}", size=15, bold=True)

    def _lay(self, sheet: Sheet, x: float, image: object) -> None:
        left = x + (SIDE - self.photo.wide) / 2
        top = HEAD + (SIDE - self.photo.high) / 2
        sheet.paste(left, top, image)  # type: ignore[arg-type]
        sheet.frame(left, top, self.photo.wide, self.photo.high)

    def _map(self, sheet: Sheet, trial: Trial, c: int) -> None:
        if trial.maps is None:
            sheet.frame(MAP, HEAD, SIDE, SIDE)
            middle, y = MAP + SIDE / 2, HEAD + SIDE / 2
            sheet.words(middle, y - 8, f"{trial.entries} weights a class", size=13, anchor="ms")
            sheet.words(middle, y + 12, f"for {trial.units} units", size=13, anchor="ms")
            return
        peak = float(trial.maps[c].max())
        limit = peak if peak > 0 else 1.0
        self._lay(sheet, MAP, self.photo.heat(trial.maps[c].float().numpy(), limit))
        told = "its own maximum"
        sheet.scale(MAP, HEAD + SIDE + 14, SIDE, limit, signed=False, painted=True, told=told)

    def _sums(self, sheet: Sheet, trial: Trial, c: int) -> None:
        """Two bars from one zero line: the score, and what the map adds up to."""
        every = [trial.scores] if trial.sums is None else [trial.scores, trial.sums]
        limit = max(float(torch.cat(every).abs().max()), 1e-30)
        zero, reach = 316.0, 92.0
        y = HEAD + SIDE + 46
        listed: list[tuple[str, float | None]] = [("score of the head", float(trial.scores[c]))]
        sums = trial.sums
        listed.append(("mean of the map + bias", None if sums is None else float(sums[c])))
        for name, value in listed:
            sheet.words(0, y + 12, name, size=13)
            if value is None:
                sheet.words(zero + 8, y + 12, "no map", size=13, ink=QUIET)
            else:
                wide = max(1.0, abs(value) / limit * reach)
                sheet.bar(zero if value >= 0 else zero - wide, y, wide, 15)
                told = fixed(value, 2)
                sheet.words(zero - reach - 6, y + 12, told, size=13, bold=True, anchor="rs")
            y += 26
        sheet.line([(zero, HEAD + SIDE + 40), (zero, y - 4)], QUIET, 2)

    def _text(self, state: HeadSwap, trial: Trial) -> str:
        c, name = state.wanted, self.names[state.wanted]
        where = "from the backbone" if state.taken == "backbone" else "as they are pooled"
        ready = trial.weights_at is None
        match = "yes" if trial.maps is not None else "no"
        shapes = (
            "yes: one map a class, nothing is multiplied any more"
            if ready
            else f"{match}: {trial.entries} weights a class, {trial.units} units"
        )
        score = fixed(float(trial.scores[c]), 3)
        if trial.maps is None or trial.sums is None:
            sums = "no map, no sum"
            identity = "cannot be asked"
        else:
            gap = abs(float(trial.sums[c] - trial.scores[c]))
            sums = f"{fixed(float(trial.sums[c]), 3)} (they differ by {gap:.2g})"
            share = f"{trial.off:.0e}" if trial.off < 1e-3 else f"{trial.off:.0%}"
            word = "yes" if trial.holds else "no"
            identity = f"{word}: over all classes off by {share} of the largest score"
        why = WHY["average"] if trial.holds else WHY[state.head]
        if ready:
            why = "What is pooled are the maps themselves, and nothing follows but the mean."
        return (
            f"Head\t{state.head}; features {where}\n"
            f"Shapes match\t{shapes}\n"
            f"Score of {name}\t{score}\n"
            f"Mean of its map + bias\t{sums}\n"
            f"Identity holds\t{identity}\n"
            f"Why\t{why}\n"
            f"Peak of the map\t{self._peak(trial, c)}"
        )

    def _peak(self, trial: Trial, c: int) -> str:
        if trial.maps is None:
            return "no map"
        cells = trial.maps[c]
        row, column = divmod(int(cells.argmax()), cells.shape[1])
        return f"{number(float(cells.max()))} in row {row}, column {column}"


def head_swapper(
    net: CamModel, picture: Picture, heads: Mapping[str, nn.Sequential]
) -> Explorer[HeadSwap]:
    """Swap the head on fixed features and see whether a map of class weights adds up; lesson 03.

    The recipe is always the same: the last layer's weights times the features. Two ticks tell
    whether the shapes match and whether mean(map) + bias is the head's own score.

    Args:
        net: the network whose features all heads share.
        picture: a picture, ``(H, W, 3)`` or a path.
        heads: what `fit_heads` returns.

    Returns:
        The explorer; as the last line of a cell it shows itself.

    Raises:
        ValueError: a head is missing.
        TypeError, ValueError: ``picture`` cannot be read.

    Example:
        >>> net = CamModel(nn.Conv2d(3, 8, 3), nn.Linear(8, 2), names=["cat", "dog"], size=16)
        >>> pictures = np.random.default_rng(0).integers(0, 255, (6, 16, 16, 3), dtype=np.uint8)
        >>> heads = fit_heads(net, pictures, [0, 1, 0, 1, 0, 1], steps=2)
        >>> explorer = head_swapper(net, pictures[0], heads)
        >>> for head in ("two layers", "flatten"):
        ...     print(explorer.frame(head=head).text.splitlines()[1])
        Shapes match	yes: 8 weights a class, 8 units
        Shapes match	no: 1568 weights a class, 8 units
    """
    view = HeadSwapView(net, picture, heads)
    twice = {name for name in view.names if view.names.count(name) > 1}
    named = tuple((f"{n} ({c})" if n in twice else n, c) for c, n in enumerate(view.names))
    controls: list[Control] = [
        Choice("head", "head", "What leads from features to scores.", tuple((n, n) for n in WHY)),
        Choice("wanted", "class", "The class whose map is asked for.", named),
        Choice(
            "taken",
            "features",
            "As the backbone gives them, or as they are pooled.",
            (("from the backbone", "backbone"), ("as they are pooled", "pooling")),
        ),
    ]
    alt = (
        "From left to right: the picture, the layers of the head with a cross at the one that "
        "forbids the sum, and the map of the chosen class; below, the score and the mean of the "
        "map plus bias as two bars, and two ticks."
    )
    return Explorer("head-swapper", HeadSwap(wanted=view.best), controls, view.render, alt)
