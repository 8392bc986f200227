"""When may a map be believed? True effects by drawing again, what agrees with them, and checks.

A drawn scene can be drawn again without a thing, or in another place. What that does to the score
is the true cause of the score, and a map can be held against it. ``python -m camkit.trust``
measures the trust table: several maps of several networks, with intervals.
"""

from __future__ import annotations

import argparse
import copy
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from scipy.stats import rankdata
from torch import Tensor, nn
from tqdm.auto import tqdm

from camkit import recipes, saliency, world, zoo
from camkit.cam import class_activation_maps, upsample
from camkit.heads import CamModel
from camkit.probe import log_odds
from camkit.train import inputs_of, map_weights
from camkit.world import Picture, Scene

Floats: TypeAlias = npt.NDArray[np.float64]
Bools: TypeAlias = npt.NDArray[np.bool_]
Measure: TypeAlias = Literal["centred", "log-odds"]
Interval: TypeAlias = "tuple[float, float, float]"
"""A value and the two ends of its 95 % interval."""

BACKGROUND = "background"
"""Names the place behind the things, where a thing is asked for."""
FEWEST = 3
"""Backgrounds that an effect of the background is averaged over, at least."""


# --- true causes --------------------------------------------------------------------------------


def evidence(scores: Tensor, c: int, measure: Measure = "centred") -> Tensor:
    """Say how much speaks for a class, in a number that no vector common to all classes changes.

    "centred": S_c - mean_d S_d. "log-odds": log(P_c / (1 - P_c)), as `camkit.probe.log_odds`.

    Args:
        scores: S, before the softmax, ``(..., C)``, at least two classes.
        c: the class.
        measure: which of the two.

    Returns:
        ``(...)``.

    Raises:
        ValueError: there is no such measure, one class, or c is none of them.

    Example:
        >>> scores = torch.tensor([3.0, 1.0, -1.0])
        >>> evidence(scores, 0), evidence(scores + 5, 0)
        (tensor(2.), tensor(2.))
    """
    if measure not in ("centred", "log-odds"):
        raise ValueError(f'measure must be "centred" or "log-odds", got {measure!r}.')
    odds = log_odds(scores, c)
    return odds if measure == "log-odds" else scores[..., c] - scores.mean(dim=-1)


def drawn_again(
    scene: Scene, thing: int | str, backgrounds: Sequence[str] | None = None
) -> list[Scene]:
    """List the scenes that lack one thing: one without it, or several in other places.

    Args:
        scene: the scene.
        thing: a thing by its index, all of a kind by its name, or "background".
        backgrounds: names of the places that stand in for the scene's own; at least three. All
            others by default.

    Returns:
        One scene for a thing; one for each of ``backgrounds`` for the background.

    Raises:
        TypeError, ValueError, IndexError: there is no such thing or place; or there are fewer than
            three backgrounds, or the scene's own is among them.

    Example:
        >>> scene = world.scene_of("dog", background="meadow", seed=3)
        >>> [one.kinds.count("dog") for one in drawn_again(scene, "dog")]
        [0]
        >>> [one.background.kind for one in drawn_again(scene, "background")][:3]
        ['beach', 'harbour', 'street']
    """
    home = scene.background.kind
    if isinstance(backgrounds, str):
        raise TypeError(f"backgrounds must be a list of names, not the text {backgrounds!r}.")
    places = [b for b in world.BACKGROUNDS if b != home] if backgrounds is None else backgrounds
    if len(set(places)) < FEWEST or home in places:
        raise ValueError(
            f"backgrounds must be at least {FEWEST} different places other than the scene's own, "
            f"{home}; got {', '.join(places) or 'none'}."
        )
    if thing == BACKGROUND:
        return [scene.on(place) for place in places]
    return [scene.without(thing)]


def true_effect(
    net: CamModel,
    scene: Scene,
    thing: int | str,
    backgrounds: Sequence[str] | None = None,
    *,
    size: int | None = None,
    of: int | str | None = None,
    measure: Measure = "centred",
) -> float:
    """Measure what a thing does to a score: draw the scene again without it, and see it fall.

    ``evidence(scene) - mean(evidence(scene drawn again))``: positive where the thing speaks for
    the class. What stood behind the thing is drawn, not guessed, and nothing else changes.

    Args:
        net: the network.
        scene: the scene.
        thing: a thing by its index, all of a kind by its name, or "background".
        backgrounds: names of the places that stand in for the background, at least three; all
            others by default.
        size: pixels of the drawing's side; the network's input by default.
        of: the class whose score is asked for, by number or name; the scene's own by default.
        measure: "centred", the score minus the mean over classes, or "log-odds".

    Returns:
        The fall, in units of the score.

    Raises:
        TypeError: ``net`` is no `CamModel`.
        TypeError, ValueError, IndexError: as `drawn_again` and `evidence`.

    Example:
        >>> net = zoo.load("objects")
        >>> scene = world.scene_of("dog", background="meadow", seed=3)
        >>> true_effect(net, scene, "dog") > 3 > abs(true_effect(net, scene, "background"))
        True
    """
    if not isinstance(net, CamModel):
        raise TypeError(f"net must be a CamModel, not {type(net).__name__}.")
    scenes = [scene, *drawn_again(scene, thing, backgrounds)]
    side = net.size[0] if size is None else size
    drawn = [one.draw(side).image for one in scenes]
    c = scene.label if of is None else net.class_index(of) if isinstance(of, str) else of
    told = evidence(_scores(net, np.stack(drawn)), c, measure)
    return float(told[0] - told[1:].mean())


def _scores(net: CamModel, images: npt.NDArray[np.uint8], batch: int = 64) -> Tensor:
    """Scores of pictures ``(N, H, W, 3)``; the network's mode is given back."""
    mode = net.training
    net.eval()
    with torch.no_grad():
        parts = [
            net(inputs_of(net, images[i : i + batch])).cpu() for i in range(0, len(images), batch)
        ]
    net.train(mode)
    return torch.cat(parts)


# --- maps against causes ------------------------------------------------------------------------


def regions(picture: Picture) -> Bools:
    """Cut a picture into its things and what is left, the background.

    Args:
        picture: a drawn scene of n things.

    Returns:
        ``(n + 1, H, W)``: where each thing is seen, in the order of the scene, and the rest.

    Example:
        >>> parts = regions(world.scene_of("dog", seed=1).draw(64))
        >>> bool((parts.sum(axis=0) == 1).all())
        True
    """
    things: Bools = picture.visible
    return np.concatenate([things, ~things.any(axis=0, keepdims=True)])


def heat_share(map: Tensor | npt.ArrayLike, masks: npt.ArrayLike) -> Floats:
    """Say which share of a map's positive heat lies in each region: whether it is *plausible*.

    Args:
        map: raw heat ``(h, w)``; it is brought to the masks' size.
        masks: the regions ``(n, H, W)``, True inside.

    Returns:
        ``(n,)``, from 0 to 1; all zero for a map without a positive value.

    Raises:
        ValueError: ``map`` is not ``(h, w)``, or ``masks`` is not ``(n, H, W)``.

    Example:
        >>> left = [[[True, False]], [[False, True]]]
        >>> heat_share([[3.0, 1.0]], left).tolist()
        [0.75, 0.25]
    """
    heat = torch.as_tensor(np.asarray(map) if not isinstance(map, Tensor) else map.detach().cpu())
    inside = np.asarray(masks, dtype=bool)
    if heat.ndim != 2 or inside.ndim != 3:
        raise ValueError(
            f"map must be (h, w) and masks (n, H, W), got {tuple(heat.shape)} and {inside.shape}."
        )
    size = (int(inside.shape[1]), int(inside.shape[2]))
    large = upsample(heat[None, None].double(), size)[0, 0].clamp_min(0).numpy()
    whole = float(large.sum())
    shares: Floats = (inside * large).sum(axis=(1, 2)) / (whole if whole > 0 else 1.0)
    return shares


def rank_agreement(a: npt.ArrayLike, b: npt.ArrayLike) -> Floats:
    """Correlate the ranks of two rows of numbers (Spearman 1904): 1 the same order, -1 reversed.

    Args:
        a: numbers ``(..., n)``; equal ones share their ranks.
        b: as many ``(..., n)``.

    Returns:
        ``(...)``; 0 where all numbers of a row are equal, since they name no order.

    Raises:
        ValueError: the shapes differ, or a row has fewer than two numbers.

    Example:
        >>> rank_agreement([[1, 2, 9], [5, 5, 5]], [[0, 3, 4], [1, 2, 3]]).tolist()
        [1.0, 0.0]
    """
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if first.shape != second.shape or first.ndim < 1 or first.shape[-1] < 2:
        raise ValueError(
            f"Two sets of rows of equal shape, at least two numbers long, are needed; got "
            f"{first.shape} and {second.shape}."
        )
    ranks = [rankdata(x, axis=-1) for x in (first, second)]
    x, y = (r - r.mean(axis=-1, keepdims=True) for r in ranks)
    length = np.sqrt((x**2).sum(axis=-1) * (y**2).sum(axis=-1))
    found: Floats = np.divide(
        (x * y).sum(axis=-1), length, out=np.zeros(length.shape), where=length > 0
    )
    return found


@dataclass(frozen=True)
class Agreement:
    """Whether maps are *faithful*: what their heat and the true effects have in common.

    Args:
        ranks: rank agreement over the regions of each picture ``(N,)``.
        strongest: whether the region with most heat is the one with most effect ``(N,)``.
    """

    ranks: Floats
    strongest: Bools


def agreement(heat: npt.ArrayLike, effects: npt.ArrayLike) -> Agreement:
    """Compare heat and true effect, region by region, in every picture.

    Args:
        heat: of each region (object, bystanders, background) ``(N, n)``, as from `heat_share`.
        effects: of each region ``(N, n)``, as from `true_effect`.

    Returns:
        An `Agreement`. Where two regions share the most heat, none is the strongest.

    Raises:
        ValueError: the shapes differ or are not ``(N, n)``.

    Example:
        >>> agreement([[0.6, 0.3, 0.1]], [[5.0, -1.0, 0.0]])
        Agreement(ranks=array([0.5]), strongest=array([ True]))
    """
    hot, moved = np.asarray(heat, np.float64), np.asarray(effects, np.float64)
    if hot.ndim != 2:
        raise ValueError(f"heat and effects must be (N, n), got {hot.shape} and {moved.shape}.")
    ranks = rank_agreement(hot, moved)
    alone = (hot == hot.max(axis=1, keepdims=True)).sum(axis=1) == 1
    return Agreement(ranks, alone & (hot.argmax(axis=1) == moved.argmax(axis=1)))


# --- checks that need no truth ------------------------------------------------------------------


def same_answers(net: CamModel, vector: Tensor | None = None) -> CamModel:
    """Build a network with equal probabilities and other maps: one vector less for every class.

    ``w_k^c - v_k`` changes every score by the same ``sum_k v_k pool(f_k)``, which the softmax
    forgets. Every map changes by ``sum_k v_k f_k(x, y)``; the difference of two maps does not.

    Args:
        net: a network whose scores are linear in its pooled features.
        vector: v, one number for every weight of a class; the mean size of all weights, everywhere,
            by default.

    Returns:
        A network that shares the backbone, in the mode of ``net``.

    Raises:
        TypeError: ``net`` is no `CamModel`.
        ValueError: its scores are not linear in pooled features, or ``vector`` does not fit.

    Example:
        >>> net = CamModel(nn.Conv2d(3, 4, 3), nn.Linear(4, 2)).eval()
        >>> twin, x = same_answers(net), torch.rand(1, 3, 6, 6)
        >>> torch.allclose(twin(x).softmax(1), net(x).softmax(1), atol=1e-6)
        True
    """
    if not isinstance(net, CamModel):
        raise TypeError(f"net must be a CamModel, not {type(net).__name__}.")
    if net.relu_map:
        raise ValueError("This network cuts its maps at zero before the mean: a shift would show.")
    weights, bias = net.weights.detach(), net.bias.detach()
    if vector is None:
        vector = weights.abs().mean().expand(weights.shape[1])
    if not isinstance(vector, Tensor) or vector.shape != weights.shape[1:]:
        came = tuple(vector.shape) if isinstance(vector, Tensor) else type(vector).__name__
        raise ValueError(f"vector must be a tensor ({weights.shape[1]},), got {came}.")
    head = nn.Linear(weights.shape[1], len(weights)).to(weights)
    with torch.no_grad():
        head.weight.copy_(weights - vector)
        head.bias.copy_(bias)
    twin = CamModel(
        net.backbone,
        head,
        pool=net.pool,
        dropout=net.dropout.p,
        names=net.names,
        mean=net.mean,
        std=net.std,
        size=net.size,
    )
    return twin.train(net.training)


def randomised(net: CamModel, what: Literal["labels"] | int, seed: int = 0) -> CamModel:
    """Spoil a network on purpose: a map that does not notice does not explain it.

    After Adebayo et al. (2018). "labels" gives every class the weights and the bias of another
    one. A number n shuffles the weights of the last n layers among themselves, from the scores
    downwards (the cascade): what the layers learned is lost, their scale is not.

    Args:
        net: the network; it is not changed.
        what: "labels", or how many layers (linear and convolutional), from 0 to all.
        seed: of the shuffling.

    Returns:
        A spoiled copy.

    Raises:
        TypeError: ``net`` is no `CamModel`, or ``what`` is neither.
        ValueError: there are not so many layers.

    Example:
        >>> net = CamModel(nn.Conv2d(3, 4, 3), nn.Linear(4, 2)).eval()
        >>> torch.equal(randomised(net, "labels").weights, net.weights.flip(0))
        True
    """
    if not isinstance(net, CamModel):
        raise TypeError(f"net must be a CamModel, not {type(net).__name__}.")
    draw = torch.Generator().manual_seed(seed)
    spoiled = copy.deepcopy(net)
    with torch.no_grad():
        if what == "labels":
            # Along a random ring, so that no class keeps its own.
            ring = torch.randperm(len(net.weights), generator=draw).to(net.head.weight.device)
            spoiled.head.weight[ring] = net.head.weight[ring.roll(1)]
            if spoiled.head.bias is not None and net.head.bias is not None:
                spoiled.head.bias[ring] = net.head.bias[ring.roll(1)]
            return spoiled
        layers = _layers(spoiled)
        if isinstance(what, bool) or not isinstance(what, int):
            raise TypeError(f'what must be "labels" or a number of layers, got {what!r}.')
        if not 0 <= what <= len(layers):
            raise ValueError(f"what must be from 0 to {len(layers)} layers, got {what}.")
        for layer in layers[len(layers) - what :]:
            order = torch.randperm(layer.weight.numel(), generator=draw).to(layer.weight.device)
            layer.weight.copy_(layer.weight.flatten()[order].view_as(layer.weight))
    return spoiled


def _layers(net: CamModel) -> list[nn.Conv2d | nn.Linear]:
    """The layers with weights to learn, from the picture to the scores."""
    below = [m for m in net.backbone.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    return [*below, net.head]


def similarity(maps: Tensor | npt.ArrayLike, others: Tensor | npt.ArrayLike) -> Floats:
    """Compare maps cell by cell: the rank agreement of each pair.

    Args:
        maps: ``(B, h, w)``.
        others: ``(B, h, w)``.

    Returns:
        ``(B,)``: 1 for the same order of cells, about 0 for unrelated maps.

    Raises:
        ValueError: the shapes differ, or are not ``(B, h, w)``.

    Example:
        >>> similarity([[[1.0, 2.0], [3.0, 4.0]]], [[[5.0, 6.0], [7.0, 8.0]]]).tolist()
        [1.0]
    """
    both = [np.asarray(m.detach().cpu() if isinstance(m, Tensor) else m) for m in (maps, others)]
    if both[0].ndim != 3 or both[0].shape != both[1].shape:
        raise ValueError(
            f"maps and others must be (B, h, w) alike, got {both[0].shape} and {both[1].shape}."
        )
    return rank_agreement(*(m.reshape(len(m), -1) for m in both))


# --- the trust table ----------------------------------------------------------------------------

FILE = recipes.NUMBERS / "trust.json"
BYSTANDERS = 3
EACH = 10  # pictures of every class
SEEN = 20  # pixels of a thing, at least, for its heat to be asked for
AGAIN = 2000  # bootstrap samples
SQUARE, STEP = 32, 16  # of the occlusion, in pixels
NETWORKS = ("objects", "objects-max", "objects-flatten", "biased-90", "biased-100")
COVERED = ("objects", "biased-90", "biased-100")
"""The networks that are occluded too: it takes a forward pass for every square."""
MAPS = {
    "cam": "class map",
    "grad_cam": "Grad-CAM",
    "hires_cam": "HiResCAM",
    "gradient": "gradient",
    "occlusion": "occlusion",
    "class_blind": "class-blind map",
    "flat": "one value everywhere",
}


@dataclass(frozen=True)
class Network:
    """One network of the trust table. Every number has the two ends of its 95 % interval.

    Args:
        home: share of right answers at home, the place that the class is tied to.
        elsewhere: the same pictures with every other background.
        effects: mean true effects of the "object", a "bystander" and the "background" at home.
        heat_elsewhere: share of the class map's heat on the object, in one other place.
    """

    home: Interval
    elsewhere: Interval
    effects: dict[str, Interval]
    heat_elsewhere: Interval


@dataclass(frozen=True)
class Row:
    """One map of one network. Every number has the two ends of its 95 % interval.

    Args:
        network: a name of `NETWORKS`.
        map: a key of `MAPS`.
        heat: share of the positive heat on the object.
        peak: share of pictures with the hottest place on the object.
        ranks: rank agreement of heat and effect over the five regions of a picture, mean.
        ahead: by how much that is more than for the map with one value everywhere, which knows the
            regions' areas and nothing else.
        strongest: share of pictures in which the region with most heat is the one with most effect.
        between: rank agreement, over the pictures, of the heat on the object and by how much the
            object's effect exceeds the background's.
    """

    network: str
    map: str
    heat: Interval
    peak: Interval
    ranks: Interval
    ahead: Interval
    strongest: Interval
    between: Interval


@dataclass(frozen=True)
class Trust:
    """The trust table, and the numbers of every picture that its class maps were measured on.

    Args:
        networks: by name.
        rows: every map of every network.
        indices: which pictures of ``world.BiasedObjects("test", bias=1.0)`` they are ``(N,)``.
        heat: by network of `COVERED`, the share of the class map's heat in the object, the three
            bystanders and the background ``(N, 5)``.
        effects: their true effects ``(N, 5)``.
    """

    networks: dict[str, Network]
    rows: tuple[Row, ...]
    indices: tuple[int, ...]
    heat: dict[str, Floats]
    effects: dict[str, Floats]

    def row(self, network: str, map: str = "cam") -> Row:
        """Find one row.

        Raises:
            ValueError: there is none; the message lists what there is.
        """
        found = [r for r in self.rows if (r.network, r.map) == (network, map)]
        if not found:
            known = ", ".join(f"{r.network}: {r.map}" for r in self.rows)
            raise ValueError(f"There is no row {network}: {map}, only {known}.")
        return found[0]


def numbers() -> Trust:
    """Read the trust table that comes with camkit.

    Returns:
        A `Trust`.

    Example:
        >>> told = numbers()
        >>> len(told.indices) >= 200, told.row("objects").map
        (True, 'cam')
    """
    told = json.loads(FILE.read_text(encoding="utf-8"))

    def ends(group: dict[str, Any]) -> dict[str, Any]:
        return {k: tuple(v) if isinstance(v, list) else v for k, v in group.items()}

    networks = {
        name: Network(**{**ends(one), "effects": ends(one["effects"])})
        for name, one in told["networks"].items()
    }
    rows = tuple(Row(**ends(row)) for row in told["rows"])
    kept = {
        what: {name: np.array(one[what], np.float64) for name, one in told["pictures"].items()}
        for what in ("heat", "effects")
    }
    return Trust(networks, rows, tuple(told["indices"]), kept["heat"], kept["effects"])


@dataclass(frozen=True)
class Case:
    """One picture of the trust table, drawn in all the ways that are asked for.

    `images` holds the picture; without the object and each of three bystanders; and in every other
    place ``(12, H, W, 3)``. `masks` are the five regions ``(5, H, W)``.
    """

    label: int
    images: npt.NDArray[np.uint8]
    masks: Bools


def cases(each: int = EACH, size: int = 128) -> Iterator[tuple[int, Case]]:
    """Draw the pictures of the trust table: at home, an object and three bystanders, all seen.

    The rule: of every class, the first ``each`` test pictures that have just three bystanders.

    Args:
        each: pictures of every class.
        size: pixels of a side.

    Yields:
        The index in ``world.BiasedObjects("test", bias=1.0)``, and the `Case`.

    Example:
        >>> index, case = next(cases(each=1))
        >>> case.label, case.images.shape, case.masks.shape
        (0, (12, 128, 128, 3), (5, 128, 128))
    """
    pictures = world.BiasedObjects("test", bias=1.0, size=size, length=10**6)
    for label, name in enumerate(world.CLASSES):
        found, index = 0, label
        while found < each:
            scene = pictures.scene(index)
            if len(scene.things) == 1 + BYSTANDERS:
                drawn = scene.draw(size)
                if (drawn.visible.sum(axis=(1, 2)) >= SEEN).all():
                    yield index, _case(scene, drawn, scene.kinds.index(name))
                    found += 1
            index += len(world.CLASSES)


def _case(scene: Scene, drawn: Picture, mine: int) -> Case:
    """The object first, then the bystanders from back to front, then the background."""
    order = [mine, *(i for i in range(len(scene.things)) if i != mine)]
    asked = [one for i in order for one in drawn_again(scene, i)]
    asked += drawn_again(scene, BACKGROUND)
    images = [drawn.image, *(one.draw(drawn.size).image for one in asked)]
    return Case(scene.label, np.stack(images), regions(drawn)[[*order, -1]])


def effects_of(net: CamModel, case: Case) -> tuple[Floats, Bools]:
    """Measure the true effect of each of five regions, and which drawings are answered rightly.

    Args:
        net: the network.
        case: a `Case`.

    Returns:
        Effects ``(5,)``: object, three bystanders, background; and right answers ``(12,)``.
    """
    scores = _scores(net, case.images)
    told = evidence(scores, case.label).double().numpy()
    lack, alone = told[1:], 1 + BYSTANDERS
    effects = told[0] - np.array([*lack[:alone], lack[alone:].mean()])
    return effects, (scores.argmax(1) == case.label).numpy()


def maps_of(
    net: CamModel,
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.int64],
    *,
    covered: bool,
    batch: int = 50,
) -> dict[str, Tensor]:
    """Draw every map of `MAPS` that a network has.

    Args:
        net: the network.
        images: ``(N, H, W, 3)`` of the network's size.
        labels: which class of each picture ``(N,)``.
        covered: whether to occlude, which takes a pass for every square.
        batch: pictures at once.

    Returns:
        By key of `MAPS`, raw ``(N, h, w)``. The class map of a flattened head, which has none, is
        its Grad-CAM without the ReLU.
    """
    starts = range(0, len(images), batch)
    parts = [_maps(net, images[i : i + batch], labels[i : i + batch], covered) for i in starts]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def _maps(
    net: CamModel, images: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64], covered: bool
) -> dict[str, Tensor]:
    x, wanted = inputs_of(net, images), torch.from_numpy(labels)[:, None]
    with torch.no_grad():
        features = net.features(x)
        weights = map_weights(net, features)
        found = {"cam": class_activation_maps(features, weights, wanted)}
    if net.pool == "flatten":
        found["grad_cam"] = saliency.grad_cam(net, x, wanted)
        found["hires_cam"] = saliency.hires_cam(net, x, wanted)
    found["gradient"] = saliency.gradient(net, x, wanted)
    if covered:
        found["occlusion"] = saliency.occlusion(
            net, x, wanted, side=SQUARE, stride=STEP, progress=False
        )
    found["class_blind"] = saliency.class_blind(features)
    found["flat"] = torch.ones_like(found["class_blind"])
    return {name: maps[:, 0].cpu() for name, maps in found.items()}


def make(target: Path = FILE, *, each: int = EACH, progress: bool = True) -> Path:
    """Measure the trust table and write it.

    Args:
        target: the file to write.
        each: pictures of every class.
        progress: show a bar.

    Returns:
        The file.
    """
    total = each * len(world.CLASSES)
    drawn = dict(tqdm(cases(each), total=total, desc="drawing", disable=not progress))
    told: dict[str, Any] = {
        "about": f"the first {each} test pictures of every class of world.BiasedObjects(bias=1.0) "
        f"with three bystanders; value and 95 % interval, bootstrap over pictures",
        "sha256": {name: zoo.card(name)["sha256"] for name in NETWORKS},
        "indices": list(drawn),
        "networks": {},
        "rows": [],
        "pictures": {},
    }
    for name in tqdm(NETWORKS, desc="networks", disable=not progress):
        network, rows, kept = measured(name, zoo.load(name), list(drawn.values()))
        told["networks"][name] = network
        told["rows"] += rows
        if name in COVERED:
            told["pictures"][name] = kept
    target.parent.mkdir(exist_ok=True)
    recipes.write(target, _lines(told).encode())
    return target


def _lines(told: dict[str, Any]) -> str:
    """The table as JSON with a line for each of its rows, so that a change of one can be read."""
    rest = ",\n ".join(f'"{k}": {json.dumps(v)}' for k, v in told.items() if k != "rows")
    rows = ",\n  ".join(json.dumps(row) for row in told["rows"])
    return f'{{\n {rest},\n "rows": [\n  {rows}\n ]\n}}\n'


def measured(
    name: str, net: CamModel, drawn: Sequence[Case]
) -> tuple[dict[str, Any], list[dict[str, Any]], dict[str, Any]]:
    """Measure one network and its maps on the pictures of the table.

    Args:
        name: says whether it is occluded, too.
        net: the network.
        drawn: the pictures.

    Returns:
        The fields of its `Network`; those of its `Row` s; and each picture's heat and effects.
    """
    labels = np.array([case.label for case in drawn])
    told = [effects_of(net, case) for case in drawn]
    effects, right = (np.stack(part) for part in zip(*told, strict=True))  # (N, 5), (N, 12)
    first = 2 + BYSTANDERS  # of the drawings in other places
    away = np.stack(
        [case.images[first + i % (len(case.images) - first)] for i, case in enumerate(drawn)]
    )
    far = maps_of(net, away, labels, covered=False)["cam"]
    network = {
        "home": interval(right[:, 0]),
        "elsewhere": interval(right[:, first:].mean(axis=1)),
        "effects": {
            "object": interval(effects[:, 0]),
            "bystander": interval(effects[:, 1:-1].mean(axis=1)),
            "background": interval(effects[:, -1]),
        },
        "heat_elsewhere": interval(_shares(far, drawn)[:, 0]),
    }
    here = np.stack([case.images[0] for case in drawn])
    found = maps_of(net, here, labels, covered=name in COVERED)
    shares = {key: _shares(maps, drawn) for key, maps in found.items()}
    areas = agreement(shares["flat"], effects).ranks
    more = effects[:, 0] - effects[:, -1]
    rows = []
    for key, heat in shares.items():
        agreed = agreement(heat, effects)
        hot = [_peak(m, case.masks[0]) for m, case in zip(found[key], drawn, strict=True)]
        row: dict[str, npt.ArrayLike] = {
            "heat": heat[:, 0],
            "peak": hot,
            "ranks": agreed.ranks,
            "ahead": agreed.ranks - areas,
            "strongest": agreed.strongest,
        }
        between = interval(np.stack([heat[:, 0], more], axis=1), _rank_of_columns)
        told_of_it = {what: interval(values) for what, values in row.items()}
        rows.append({"network": name, "map": key, **told_of_it, "between": between})
    kept = {"heat": shares["cam"].round(3).tolist(), "effects": effects.round(2).tolist()}
    return network, rows, kept


def _shares(maps: Tensor, drawn: Sequence[Case]) -> Floats:
    return np.stack([heat_share(m, case.masks) for m, case in zip(maps, drawn, strict=True)])


def _peak(map: Tensor, mask: Bools) -> float:
    """The share of a map's hottest places, brought to the picture's size, that lie in the mask."""
    large = upsample(map[None, None].double(), (mask.shape[0], mask.shape[1]))[0, 0].numpy()
    return float(mask[large == large.max()].mean())


def _rank_of_columns(samples: Floats) -> Floats:
    """Rank agreement of the two columns of ``(..., N, 2)``."""
    return rank_agreement(samples[..., 0], samples[..., 1])


def interval(
    values: npt.ArrayLike, statistic: Callable[[Floats], Floats] | None = None, seed: int = 0
) -> Interval:
    """Bootstrap a number over pictures: its value and its 95 % interval.

    Args:
        values: one row for each picture, ``(N,)`` or ``(N, ...)``.
        statistic: what is reported of rows ``(..., N, ...)``; their mean by default.
        seed: of the samples.

    Returns:
        Value, low, high, rounded to three decimals.

    Raises:
        ValueError: there are fewer than two pictures.

    Example:
        >>> interval([0.0, 1.0] * 200)
        (0.5, 0.45, 0.547)
    """
    rows = np.asarray(values, np.float64)
    if len(rows) < 2:
        raise ValueError(f"values must hold at least two pictures, got {len(rows)}.")
    again = np.random.default_rng(seed).integers(0, len(rows), (AGAIN, len(rows)))
    told = (lambda samples: samples.mean(axis=-1)) if statistic is None else statistic
    low, high = np.percentile(told(rows[again]), [2.5, 97.5])
    return round(float(told(rows)), 3), round(float(low), 3), round(float(high), 3)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure the trust table of lesson 11 and write it into the package."""
    parser = argparse.ArgumentParser(prog="python -m camkit.trust", description=main.__doc__)
    parser.add_argument("--out", type=Path, default=FILE, help="file to write")
    parser.add_argument("--each", type=int, default=EACH, help="pictures of every class")
    asked = parser.parse_args(argv)
    print(make(asked.out, each=asked.each))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
