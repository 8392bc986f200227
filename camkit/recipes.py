"""The networks that camkit ships, remade from their seeds, and what was recorded on the way.

``python -m camkit.recipes`` makes every network that is not there yet, then the table of seeds.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save
from torch import Tensor
from tqdm.auto import tqdm

from camkit import relatives, world
from camkit.cam import class_activation_maps, upsample
from camkit.heads import CamModel, Pool
from camkit.train import (
    Images,
    Labels,
    Recipe,
    inputs_of,
    map_weights,
    measure,
    measure_drawn,
    train,
    unit_similarity,
)
from camkit.world.sets import Batch
from camkit.zoo import SHIPPED, load

NUMBERS = Path(__file__).parent / "numbers"
TEST_PICTURES, CHECK_PICTURES = 2000, 500

OBJECTS = Recipe(units=64)
RELATIVE = Recipe(pictures=6000, epochs=6, hide=0.0)  # nothing hidden: as the paper
SLOW = replace(RELATIVE, pictures=5000, batch=32, rate=4e-3)  # more steps on fewer

RECIPES: dict[str, Recipe] = {
    "objects": OBJECTS,
    "objects-max": replace(OBJECTS, pool="max"),
    "objects-flatten": replace(OBJECTS, pool="flatten"),
    "coarse": replace(SLOW, arch="coarse", pictures=8000, epochs=9),
    "fine": replace(SLOW, arch="fine"),
    "small-alexnet": replace(RELATIVE, arch="small-alexnet"),
    "small-alexnet-flatten": replace(RELATIVE, arch="small-alexnet", pool="flatten"),
    "small-vgg": replace(SLOW, arch="small-vgg"),
    "small-vgg-flatten": replace(SLOW, arch="small-vgg", pool="flatten"),
    "small-googlenet": replace(RELATIVE, arch="small-googlenet"),
    "small-googlenet-max": replace(RELATIVE, arch="small-googlenet", pool="max"),
    "small-googlenet-flatten": replace(RELATIVE, arch="small-googlenet", pool="flatten"),
    "small-googlenet-coarse": replace(RELATIVE, arch="small-googlenet-coarse"),
    "small-resnet": replace(RELATIVE, arch="small-resnet"),
    "small-resnet-flatten": replace(RELATIVE, arch="small-resnet", pool="flatten"),
    "biased-90": Recipe(epochs=9, bias=0.9),
    "biased-100": Recipe(epochs=9, bias=1.0),
    "birds": Recipe(
        units=64, about="birds", start="objects", pictures=5000, epochs=8, rate=2e-3, hide=0.0
    ),
}
FILMED = {"objects": "average", "objects-max": "max", "objects-flatten": "flatten"}


def make(
    name: str,
    folder: Path = SHIPPED,
    *,
    numbers: Path = NUMBERS,
    force: bool = False,
    threads: int | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Train one shipped network from its recipe, and write its weights and its card.

    Args:
        name: one of `RECIPES`.
        folder: where to write ``name.safetensors`` (half precision) and ``name.json``.
        numbers: where to write the film strip of the networks that have one.
        force: make it again although it is there.
        threads: as in `camkit.train.train`.
        progress: show bars.

    Returns:
        The card.

    Raises:
        ValueError: there is no such recipe.
        RuntimeError: the training ended early; nothing was written.
    """
    if name not in RECIPES:
        raise ValueError(f"There is no recipe {name!r}, only {', '.join(RECIPES)}.")
    recipe = RECIPES[name]
    weights, told = folder / f"{name}.safetensors", folder / f"{name}.json"
    reel = numbers / f"film-{FILMED[name]}.safetensors" if name in FILMED else None
    made = None if force or (reel and not reel.exists()) else _made(recipe, weights, told)
    if made is not None:
        print(f"{name}: already made ({weights}); --force makes it again")
        return made
    start = time.perf_counter()
    workers = min(2, os.cpu_count() or 1)
    images, labels = _training(recipe, workers, progress)
    check = _checking(_pictures_of(recipe))
    net = _untrained(recipe)
    net.to("cuda" if torch.cuda.is_available() else "cpu")
    camera = Camera(recipe, len(images) // recipe.batch) if reel else None
    history = train(
        net,
        images,
        labels,
        recipe=recipe,
        check=check,
        watch=camera,
        threads=threads,
        progress=progress,
    )
    if history.ended != "finished":
        raise RuntimeError(f"{name}: training ended early ({history.ended}); nothing was written.")
    net.to("cpu").half().float()  # measured as it is shipped
    blob = save({key: value.half().contiguous() for key, value in net.state_dict().items()})
    card = {
        "name": name,
        "arch": recipe.arch,
        "pool": recipe.pool,
        "size": list(net.size),
        "classes": net.names,
        "recipe": asdict(recipe),
        **_figures(recipe, net, check, workers, progress),
        "parameters": sum(p.numel() for p in net.parameters()),
        "threads": history.threads,
        "precision": history.precision,
        "device": "cuda" if torch.cuda.is_available() else "cpu",
        "seconds": round(time.perf_counter() - start),
        "torch": torch.__version__,
        "sha256": hashlib.sha256(blob).hexdigest(),
        "licence": "CC BY 4.0, The camkit developers",
    }
    folder.mkdir(parents=True, exist_ok=True)
    if camera is not None and reel is not None:
        reel.parent.mkdir(parents=True, exist_ok=True)
        write(reel, camera.developed(history.losses))
    write(weights, blob)
    write(told, (json.dumps(card, indent=1) + "\n").encode())
    return card


def _made(recipe: Recipe, weights: Path, told: Path) -> dict[str, Any] | None:
    """The card of a network that was made from this very recipe, if its weights are whole."""
    if not (weights.exists() and told.exists()):
        return None
    card: dict[str, Any] = json.loads(told.read_text(encoding="utf-8"))
    whole = hashlib.sha256(weights.read_bytes()).hexdigest() == card["sha256"]
    return card if whole and Recipe(**card["recipe"]) == recipe else None


def _untrained(recipe: Recipe) -> CamModel:
    """The network before its first step, its backbone from chance or from another network."""
    torch.manual_seed(recipe.seed)
    names = recipe.data("train", 1).names
    net = relatives.build(
        recipe.arch, names, pool=recipe.pool, size=recipe.size, units=recipe.units
    )
    if recipe.start:
        net.backbone.load_state_dict(load(recipe.start).backbone.state_dict())
    return net


def _pictures_of(recipe: Recipe) -> Recipe:
    """What a recipe's pictures depend on, and nothing else: equal ones share one drawing."""
    return Recipe(bias=recipe.bias, about=recipe.about, seed=recipe.seed, size=recipe.size)


def _training(recipe: Recipe, workers: int, progress: bool) -> tuple[Images, Labels]:
    """The training pictures; networks with the same ones share one drawing."""
    images, labels = _drawn(_pictures_of(recipe), workers, progress)
    return images[: recipe.pictures], labels[: recipe.pictures]


@functools.lru_cache(maxsize=1)
def _drawn(which: Recipe, workers: int, progress: bool) -> tuple[Images, Labels]:
    length = max(r.pictures for r in RECIPES.values() if _pictures_of(r) == which)
    return which.data("train", length).arrays(workers=workers, progress=progress)


@functools.lru_cache(maxsize=1)
def _checking(which: Recipe) -> tuple[Images, Labels]:
    return which.data("val", CHECK_PICTURES).arrays(progress=False)


@functools.lru_cache(maxsize=1)
def _testing(which: Recipe, workers: int, progress: bool) -> Batch:
    return which.data("test", TEST_PICTURES).batch(workers=workers, progress=progress)


def _figures(
    recipe: Recipe, net: CamModel, check: tuple[Images, Labels], workers: int, progress: bool
) -> dict[str, Any]:
    """What the card says of the network's answers, boxes and units."""
    measured = measure_drawn(net, _testing(_pictures_of(recipe), workers, progress))
    told: dict[str, Any] = {
        "accuracy": round(measured.accuracy, 4),
        "gt_known_localization": round(measured.gt_known, 4),
        "map": "Grad-CAM" if recipe.pool == "flatten" else "class activation map",
        "measured_on": f"{TEST_PICTURES} test pictures of seed {recipe.seed}, boxes at 20 %",
    }
    if recipe.pool != "flatten":
        told["top8_unit_correlation"] = round(unit_similarity(net, *check), 3)
    if recipe.bias is not None:
        away = world.BiasedObjects("test", recipe.seed, recipe.size, TEST_PICTURES, home=False)
        elsewhere = measure(net, away, workers=workers, progress=progress)
        told["accuracy_elsewhere"] = round(elsewhere.accuracy, 4)
        told["gt_known_elsewhere"] = round(elsewhere.gt_known, 4)
    return {**told, "by_class": measured.by_class(net.names)}


def write(file: Path, blob: bytes) -> None:
    """Write all or nothing: an old file survives a full disk or an interruption.

    Args:
        file: where.
        blob: what.
    """
    temporary = file.with_suffix(file.suffix + ".part")
    try:
        temporary.write_bytes(blob)
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)


# --- the film strip: what a network's maps looked like while it learned -------------------------

FRAMES = 20  # recorded moments, evenly spread over the logarithm of the step
FILM_PICTURES = 200  # for the curves
ACTORS = ("cat", "umbrella", "bicycle")  # the three pictures whose maps are kept


@dataclass(frozen=True)
class Film:
    """A recorded training: T moments, three pictures, three curves.

    Args:
        steps: finished optimisation steps at each moment, ``(T,)``; the first is 0.
        epochs: the same in epochs, ``(T,)``.
        maps: raw maps of the true classes of the three pictures, ``(T, 3, h, w)``: class
            activation maps, or Grad-CAM before its ReLU where the head is flattened.
        probabilities: of the three true classes, ``(T, 3)``.
        accuracy: share of right answers on validation pictures, ``(T,)``.
        gt_known: share of 20 % boxes with IoU of at least .5, the class being told, ``(T,)``.
        inside: share of the map's positive part inside the object's mask, ``(T,)``.
        losses: of every step, ``(steps,)``.
    """

    steps: Tensor
    epochs: Tensor
    maps: Tensor
    probabilities: Tensor
    accuracy: Tensor
    gt_known: Tensor
    inside: Tensor
    losses: Tensor


def film(pool: str) -> Film:
    """Load the recorded training of one of the three twins.

    Args:
        pool: "average", "max" or "flatten".

    Returns:
        A `Film`; its pictures are `actors`.

    Raises:
        ValueError: there is no such recording.

    Example:
        >>> seen = film("average")
        >>> seen.steps[0].item(), seen.maps.shape[1:]
        (0, torch.Size([3, 16, 16]))
    """
    if pool not in FILMED.values():
        raise ValueError(f"pool must be one of {', '.join(FILMED.values())}, got {pool!r}.")
    tensors = load_file(NUMBERS / f"film-{pool}.safetensors")
    return Film(**{k: v.float() if v.is_floating_point() else v for k, v in tensors.items()})


def actors(size: int = 128) -> list[world.Scene]:
    """Compose the three scenes of the film strip: the first test pictures of three classes.

    Returns:
        Three scenes; ``scene.draw(size).image`` is the picture.
    """
    pictures = world.Objects(split="test", seed=0, size=size)
    return [pictures.scene(world.CLASSES.index(name)) for name in ACTORS]


class Camera:
    """Records a network while it learns: give it to `train` as ``watch``."""

    def __init__(self, recipe: Recipe, steps_an_epoch: int) -> None:
        total = recipe.epochs * steps_an_epoch
        self.moments = {0, *np.geomspace(4, total, FRAMES - 1).round().astype(int).tolist()}
        self.steps_an_epoch = steps_an_epoch
        self.drawn = replace(recipe, bias=None).data("val", FILM_PICTURES).batch(progress=False)
        samples = [scene.sample(recipe.size) for scene in actors()]
        self.images = np.stack([sample.image for sample in samples])
        self.labels = torch.tensor([sample.label for sample in samples])[:, None]
        self.frames: list[dict[str, Tensor]] = []

    @torch.no_grad()
    def __call__(self, step: int, net: CamModel) -> None:
        if step not in self.moments:
            return
        mode = net.training
        net.eval()
        features = net.features(inputs_of(net, self.images))
        labels = self.labels.to(features.device)
        measured = measure_drawn(net, self.drawn)
        self.frames.append(
            {
                "steps": torch.tensor(step),
                "epochs": torch.tensor(step / self.steps_an_epoch),
                "maps": class_activation_maps(features, map_weights(net, features), labels)[:, 0],
                "probabilities": net.scores(features).softmax(1).gather(1, labels)[:, 0],
                "accuracy": torch.tensor(measured.accuracy),
                "gt_known": torch.tensor(measured.gt_known),
                "inside": torch.tensor(self._inside(net)),
            }
        )
        net.train(mode)

    def _inside(self, net: CamModel) -> float:
        """Mean share of the positive part of the true class's map inside the object's mask."""
        shares = []
        for i in range(0, len(self.drawn.labels), 50):
            features = net.features(inputs_of(net, self.drawn.images[i : i + 50]))
            labels = torch.from_numpy(self.drawn.labels[i : i + 50, None]).to(features.device)
            maps = class_activation_maps(features, map_weights(net, features), labels)
            heat = upsample(maps, net.size).relu()[:, 0].cpu()
            mask = torch.from_numpy(self.drawn.masks[i : i + 50])
            shares += ((heat * mask).sum((1, 2)) / heat.sum((1, 2)).clamp_min(1e-9)).tolist()
        return float(np.mean(shares))

    def developed(self, losses: Sequence[float]) -> bytes:
        """The whole recording as a safetensors file, in half precision."""
        told = {key: torch.stack([f[key].cpu() for f in self.frames]) for key in self.frames[0]}
        told["losses"] = torch.tensor(losses)
        return save(
            {k: (v.half() if v.is_floating_point() else v).contiguous() for k, v in told.items()}
        )


# --- the table of seeds: how far one run is from the next ----------------------------------------

FEW = ("cat", "bird", "car", "boat", "mug", "umbrella")
SMALL = Recipe(size=96, pictures=1200, epochs=6, batch=32, hide=0.0)
SEEDS = 20
SMALL_TEST = 600


def small_pictures(split: str, count: int, size: int = SMALL.size) -> Batch:
    """Draw pictures of the six classes of the small experiment, their labels 0 to 5.

    Args:
        split: "train", "val" or "test".
        count: how many pictures, the classes in turn.
        size: side in pixels.

    Returns:
        A `world` batch: images, labels, boxes, masks.
    """
    every = len(world.CLASSES)
    numbers = [world.CLASSES.index(name) for name in FEW]
    rounds = -(-count // len(FEW))
    wanted = [r * every + c for r in range(rounds) for c in numbers][:count]
    drawn = world.Objects(split=split, size=size, length=rounds * every).batch(
        wanted, progress=False
    )
    return replace(drawn, labels=np.array([numbers.index(c) for c in drawn.labels.tolist()]))


def small_run(
    pool: Pool,
    seed: int,
    drawn: Batch,
    *,
    epochs: int = SMALL.epochs,
    threads: int | None = 1,
    progress: bool = False,
) -> CamModel:
    """Train one small network of the class experiment: six classes, 96 pixels.

    Args:
        pool: the head: "average", "max" or "flatten".
        seed: of first weights and order; the pictures are the same for all.
        drawn: pictures from `small_pictures`.
        epochs: how often each is shown.
        threads: as in `camkit.train.train`.
        progress: show a bar.

    Returns:
        The network, in evaluation mode.
    """
    torch.manual_seed(seed)
    net = relatives.build(SMALL.arch, FEW, pool=pool, size=drawn.images.shape[1])
    recipe = replace(SMALL, pool=pool, seed=seed, epochs=epochs)
    train(net, drawn.images, drawn.labels, recipe=recipe, threads=threads, progress=progress)
    return net


def make_seeds(file: Path = NUMBERS / "seeds.json", *, progress: bool = True) -> dict[str, Any]:
    """Train 20 small networks per head and write what each reached; finished rows are kept.

    Args:
        file: where to write; rows that stand there from the same recipe are not made again.
        progress: show a bar.

    Returns:
        The table: the recipe, and for each head 20 rows of seed, accuracy and localization.
    """
    told: dict[str, Any] = {"recipe": asdict(SMALL), "classes": list(FEW), "rows": []}
    if file.exists():
        before = json.loads(file.read_text(encoding="utf-8"))
        if {k: before[k] for k in ("recipe", "classes")} == {
            k: json.loads(json.dumps(told[k])) for k in ("recipe", "classes")
        }:
            told["rows"] = before["rows"]
    done = {(row["pool"], row["seed"]) for row in told["rows"]}
    pools: tuple[Pool, ...] = ("average", "max", "flatten")
    missing = [(p, s) for s in range(SEEDS) for p in pools if (p, s) not in done]
    if missing:
        drawn, test = small_pictures("train", SMALL.pictures), small_pictures("test", SMALL_TEST)
        for pool, seed in tqdm(missing, desc="seeds", unit="run", disable=not progress):
            measured = measure_drawn(small_run(pool, seed, drawn), test)
            told["rows"].append(
                {
                    "pool": pool,
                    "seed": seed,
                    "accuracy": round(measured.accuracy, 4),
                    "gt_known": round(measured.gt_known, 4),
                }
            )
            write(file, (json.dumps(told, indent=1) + "\n").encode())
    return told


def seeds(pool: str) -> dict[str, np.ndarray[Any, np.dtype[np.float64]]]:
    """Load the table of seeds of one head.

    Args:
        pool: "average", "max" or "flatten".

    Returns:
        ``accuracy`` and ``gt_known``, 20 shares each; row i of every head has seed i.

    Raises:
        ValueError: there is no such head.

    Example:
        >>> table = seeds("average")
        >>> len(table["accuracy"]), len(table["gt_known"])
        (20, 20)
    """
    told = json.loads((NUMBERS / "seeds.json").read_text(encoding="utf-8"))
    rows = sorted((r for r in told["rows"] if r["pool"] == pool), key=lambda r: r["seed"])
    if not rows:
        raise ValueError(f'pool must be "average", "max" or "flatten", got {pool!r}.')
    return {key: np.array([row[key] for row in rows]) for key in ("accuracy", "gt_known")}


def main(argv: Sequence[str] | None = None) -> int:
    """Make the shipped networks that are not there yet."""
    parser = argparse.ArgumentParser(prog="python -m camkit.recipes", description=main.__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(RECIPES)}, seeds")
    parser.add_argument("--force", action="store_true", help="make them again")
    parser.add_argument("--out", type=Path, default=SHIPPED, help="folder to write into")
    parser.add_argument("--threads", type=int, help="default: the faster of one and two")
    asked = parser.parse_args(argv)
    numbers = NUMBERS if asked.out == SHIPPED else asked.out
    for name in asked.names or [*RECIPES, "seeds"]:
        start = time.perf_counter()
        if name == "seeds":
            if asked.force:
                (numbers / "seeds.json").unlink(missing_ok=True)
            make_seeds(numbers / "seeds.json")
            continue
        card = make(name, asked.out, numbers=numbers, force=asked.force, threads=asked.threads)
        print(
            f"{name}: accuracy {card['accuracy']:.3f}, localization with the class known "
            f"{card['gt_known_localization']:.3f}, {time.perf_counter() - start:.0f} s",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
