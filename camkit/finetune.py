"""Training a network with a pooled head on a folder of your own pictures.

`train` writes everything into one folder, whole or not at all: the best network so far, a
checkpoint after every epoch, and a log. What happens in an epoch follows from the seed and the
epoch's number alone, so a run that was stopped and goes on ends as if it had never stopped.
"""

from __future__ import annotations

import csv
import difflib
import hashlib
import io
import json
import math
import os
import pickle
import tempfile
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from tqdm.auto import tqdm

from camkit import relatives
from camkit.datasets import DataError, ImageFolder
from camkit.heads import CamModel, NoCamError, Pool, replace_head, split
from camkit.images import as_size
from camkit.train import inputs_of
from camkit.zoo import WeightsError, check_file, download, read_weights

MODEL, CHECKPOINT, LOG, CARD = "model.safetensors", "checkpoint.pt", "log.csv", "card.json"
PARTS = (("train", "val"), ("train", "valid"), ("train", "test"), ("training", "validation"))
"""Folders that divide the pictures already, if a folder of pictures has both."""
SHARE = 0.8
"""Share of every class to learn from where the pictures are not divided; the rest checks."""
OWN_RATE = 0.1
"""Layers that bring trained weights learn at a tenth of the rate of the new ones."""
WARM_UP = 0.1
"""Share of all steps in which the rate rises; a steep beginning would spoil trained layers."""


@dataclass(frozen=True)
class Plan:
    """Everything that decides what is learned from a folder.

    Networks of torchvision learn by SGD with momentum 0.9 and weight decay 5e-4, as the released
    networks of the paper did; the small relatives by AdamW, as the shipped ones did. The rate rises
    over the first tenth of the steps and falls along half a cosine to zero.

    Args:
        arch: one of `architectures`. ``vgg16_gap`` is VGG-16 with the paper's head, after the
            paper's cut; ``resnet18`` has a pooled head already and gets a new last layer.
        weights: "default" starts from torchvision's published weights, "none" from random ones, a
            file from those in it. None: "default" for torchvision's networks, else "none".
        frozen: only the new layers learn.
        pool: "average", "max" or "flatten".
        size: side of the input in pixels; None for the network's usual one.
        epochs: how often every picture is shown.
        batch: pictures in one step.
        rate: highest learning rate of the new layers; layers that bring weights learn at a tenth.
            None for 0.01 (SGD) or 0.006 (AdamW).
        seed: for the division of the pictures, the first weights, the order and the crops.

    Example:
        >>> Plan(arch="plain", epochs=3).optimizer
        'adamw'
    """

    arch: str = "resnet18"
    weights: str | None = None
    frozen: bool = False
    pool: Pool = "average"
    size: int | None = None
    epochs: int = 10
    batch: int = 32
    rate: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}.")
        if self.size is not None:
            as_size(self.size)
        if self.rate is not None and not 0 < self.rate < math.inf:
            raise ValueError(f"rate must be above 0, got {self.rate}.")
        if self.frozen and self.start == "none":
            raise ValueError(
                "frozen keeps trained layers as they are, but there are none: name weights, or "
                "let all layers learn."
            )

    @property
    def start(self) -> str:
        """Where the first weights come from: "default", "none" or a file."""
        if self.weights is not None:
            return self.weights
        return "none" if self.arch in relatives.ARCHITECTURES else "default"

    @property
    def optimizer(self) -> Literal["sgd", "adamw"]:
        """The optimizer that goes with the architecture."""
        return "adamw" if self.arch in relatives.ARCHITECTURES else "sgd"

    @property
    def highest_rate(self) -> float:
        """The highest learning rate of the new layers."""
        if self.rate is not None:
            return self.rate
        return 0.006 if self.optimizer == "adamw" else 0.01


@dataclass(frozen=True)
class Epoch:
    """One line of the log.

    Args:
        epoch: its number, from 1.
        loss: mean over its training pictures.
        accuracy: share of the checking pictures that were right after it.
        seconds: how long it took, checking included.
    """

    epoch: int
    loss: float
    accuracy: float
    seconds: float


@dataclass
class Run:
    """What came of a training.

    Args:
        folder: where everything was written.
        epochs: the log, one `Epoch` each, those of an earlier part of the run included.
        ended: "finished", "interrupted", or the step at which the loss was no number.
    """

    folder: Path
    epochs: list[Epoch] = field(default_factory=list)
    ended: str = "finished"

    @property
    def best(self) -> Epoch | None:
        """The epoch whose network is kept: the last one of the highest accuracy."""
        return max(self.epochs, key=lambda e: (e.accuracy, e.epoch), default=None)


# --- architectures ------------------------------------------------------------------------------


def architectures() -> list[str]:
    """List the names that `build` takes.

    Returns:
        The small relatives; ``alexnet_star_gap``; then every classifier of torchvision, bare where
        its own head is pooled and linear, and with ``_gap`` for the paper's head instead. Whether a
        network can be cut, only `build` finds out.

    Example:
        >>> names = architectures()
        >>> "vgg16_gap" in names, "resnet18" in names, "plain" in names
        (True, True, True)
    """
    bare = _torchvision().models.list_models(module=_torchvision().models)
    small = list(relatives.ARCHITECTURES)
    return [
        *small,
        "alexnet_star_gap",
        *bare,
        *(f"{name}_gap" for name in bare),
    ]


def build(
    arch: str,
    names: Sequence[str],
    *,
    pool: Pool = "average",
    size: int | None = None,
    weights: str = "none",
) -> CamModel:
    """Build a network whose head is pooled and linear, for classes of your own.

    ``NAME_gap``: torchvision's NAME up to the paper's cut (all of its features where the paper has
    none), a 3x3 convolution of 1024 units, ReLU, pooling, one linear layer; VGG with dropout 0.5
    before it, as released. ``alexnet_star_gap``: two such convolutions of 512 units. A bare NAME,
    such as ``resnet18``: its own features and pooling, a new linear layer.

    Args:
        arch: one of `architectures`.
        names: the class names.
        pool: "average", "max" or "flatten".
        size: side of the input; None for the network's usual one.
        weights: "none", "default" for torchvision's published ones, or a file of them. A file that
            `train` wrote, or a shipped network's, fits too. The new layers are always random.

    Returns:
        A `CamModel` in training mode.

    Raises:
        ValueError: there is no such architecture (the message lists near ones), or it
            cannot be cut.
        NoCamError: the network's own head is not pooled and linear.
        WeightsError: the weights are missing or do not fit.

    Example:
        >>> net = build("squeezenet1_1_gap", ["cat", "dog"], size=64)
        >>> net.features(torch.zeros(1, 3, 64, 64)).shape
        torch.Size([1, 1024, 3, 3])
    """
    return _build(arch, names, pool, size, weights)[0]


def _build(
    arch: str, names: Sequence[str], pool: Pool, size: int | None, weights: str
) -> tuple[CamModel, list[nn.Module]]:
    """The network, and those of its modules that bring trained weights."""
    if arch in relatives.ARCHITECTURES:
        units = relatives.UNITS
        if weights != "none":
            units = _units(read_weights(_weights_file(arch, weights)), arch, pool, size or 128)
        net = relatives.build(arch, names, pool=pool, size=size or 128, units=units)
        old = net.backbone
    else:
        net, old = _with_new_head(arch, names, pool, size)
    if weights == "none":
        return net, []
    state = read_weights(_weights_file(arch, weights))
    if "head.weight" in state:  # a CamModel's own file: the added convolutions come too
        old = net
    elif arch in relatives.ARCHITECTURES:
        raise WeightsError(f"{weights} holds no weights of the small network {arch!r}.")
    _fill(old, net.backbone, state, weights)
    if old is net:
        return net, [net.backbone]
    trained = set(old.modules())
    return net, [module for module in net.backbone.children() if module in trained]


def _units(state: Mapping[str, Tensor], arch: str, pool: Pool, size: int | Sequence[int]) -> int:
    """How many units a small relative's own weights have; the usual number where not told."""
    if "head.weight" not in state:
        return relatives.UNITS
    columns = state["head.weight"].shape[1]
    if pool != "flatten":
        return columns
    usual = relatives.build(arch, ["any"], pool=pool, size=size).head.weight.shape[1]
    return columns * relatives.UNITS // usual


def _with_new_head(
    arch: str, names: Sequence[str], pool: Pool, size: int | None
) -> tuple[CamModel, nn.Module]:
    """A network of torchvision with another head, and the original whose layers it shares."""
    models = _torchvision().models
    known = architectures()
    if arch not in known:
        near = difflib.get_close_matches(arch.lower(), known, n=4, cutoff=0.5)
        raise ValueError(
            f"There is no architecture {arch!r}; "
            f"near ones: {', '.join(map(repr, near or ['plain', 'resnet18', 'vgg16_gap']))}."
        )
    name = arch.removesuffix("_gap").removesuffix("_star")
    more: dict[str, Any] = {}
    if name in ("googlenet", "inception_v3"):  # as the published weights expect it
        more = {"transform_input": True, "init_weights": False, "aux_logits": False}
    model: nn.Module = models.get_model(name, weights=None, **more)
    preset = models.get_model_weights(name).DEFAULT.transforms()
    wanted: dict[str, Any] = {
        "pool": pool,
        "mean": preset.mean,
        "std": preset.std,
        "size": size or preset.crop_size[0],
    }
    if not arch.endswith("_gap"):
        try:
            _, _, rest = split(model.eval())
        except NoCamError as error:
            raise NoCamError(f"{error} Ready-made: {arch + '_gap'!r}.") from error
        net = replace_head(model, names, convs=0, dropout=rest.get("dropout", 0.0), **wanted)
    elif arch == "alexnet_star_gap":
        net = replace_head(model, names, convs=2, width=512, dropout=0.5, **wanted)
    else:
        dropout = 0.5 if name.startswith("vgg") else 0.0
        net = replace_head(model, names, dropout=dropout, **wanted)
    return net.train(), model


def _weights_file(arch: str, weights: str) -> Path:
    if weights != "default":
        return Path(weights)
    if arch in relatives.ARCHITECTURES:
        raise WeightsError(
            f"There are no published weights of the small network {arch!r}: name a file, or start "
            'from random ones with weights "none".'
        )
    wanted = download(arch.removesuffix("_gap").removesuffix("_star"))
    if not wanted.file.exists():
        raise WeightsError(
            f"The published weights of {wanted.name!r} are not on this machine. Fetch them once "
            f"with `camkit fetch {wanted.name}` ({wanted.megabytes:.0f} MB), name a file, or start "
            'from random ones with weights "none".'
        )
    check_file(wanted.file)
    return wanted.file


def _fill(old: nn.Module, backbone: nn.Module, state: Mapping[str, Tensor], told: str) -> None:
    """Load what the backbone shares with ``old`` out of ``old``'s weights, and nothing else."""
    shared = {id(value) for value in backbone.state_dict(keep_vars=True).values()}
    own = {k: v for k, v in old.state_dict(keep_vars=True).items() if id(v) in shared}
    missing = [key for key in own if key not in state]
    if missing:
        raise WeightsError(f"{told} does not fit: it lacks {missing[0]!r} and so the layers kept.")
    for key, value in own.items():
        if state[key].shape != value.shape:
            raise WeightsError(
                f"{told} does not fit: {key!r} has shape {tuple(state[key].shape)}, where "
                f"{tuple(value.shape)} is needed."
            )
    wanted = OrderedDict((key, state[key].float()) for key in own)
    versions = getattr(state, "_metadata", None) or getattr(old.state_dict(), "_metadata")  # noqa: B009
    setattr(wanted, "_metadata", versions)  # noqa: B010
    old.load_state_dict(wanted, strict=False)


def _torchvision() -> Any:
    try:
        import torchvision
    except (ImportError, RuntimeError) as error:
        raise WeightsError(
            f"torchvision cannot be imported ({error}); `camkit doctor` says what to do."
        ) from error
    return torchvision


# --- pictures -----------------------------------------------------------------------------------


def folders(data: str | os.PathLike[str], seed: int = 0) -> tuple[ImageFolder, ImageFolder]:
    """Open a folder of pictures: those to learn from, and those to check on.

    Args:
        data: ``DIR/cat/1.jpg``, ``DIR/dog/1.jpg``, ..., of which a fifth of every class checks; or
            the same below ``DIR/train`` and ``DIR/val``.
        seed: another seed, another division.

    Returns:
        Two sets with the same classes.

    Raises:
        DataError: there are no pictures, or one class only, or ``DIR/val`` has a class that
            ``DIR/train`` lacks.

    Example:
        >>> with tempfile.TemporaryDirectory() as root:
        ...     for name in ("dark", "bright"):
        ...         Path(root, name).mkdir()
        ...         for i in range(10):
        ...             Image.new("RGB", (8, 8)).save(Path(root, name, f"{i}.png"))
        ...     learn, check = folders(root)
        >>> len(learn), len(check), check.classes
        (16, 4, ['bright', 'dark'])
    """
    root = Path(data)
    for learn, check in PARTS:
        if (root / learn).is_dir() and (root / check).is_dir():
            train_set = ImageFolder(root / learn)
            return train_set, ImageFolder(root / check, train_set.classes)
    return ImageFolder(root).split(SHARE, seed)


def imagenette(folder: str | os.PathLike[str] = ".", *, yes: bool = False) -> Path:
    """Bring Imagenette, ten easy classes of ImageNet (fast.ai), through torchvision: 340 MB.

    Args:
        folder: where ``imagenette2-320`` is, or shall be.
        yes: must be True if it has to be downloaded: nothing is downloaded without a yes.

    Returns:
        A folder with ``train`` and ``val``, for `train`; its classes are named by `WORDS`.

    Raises:
        ValueError: it is not there and ``yes`` is not True.
        WeightsError: torchvision cannot be imported.

    Example:
        >>> with tempfile.TemporaryDirectory() as empty:
        ...     imagenette(empty)
        Traceback (most recent call last):
        ...
        ValueError: Imagenette is not in ...: it is a download of 340 MB ...
    """
    target = Path(folder) / "imagenette2-320"
    if not target.is_dir():
        if yes is not True:
            raise ValueError(
                f"Imagenette is not in {folder}: it is a download of 340 MB from "
                "https://s3.amazonaws.com/fast-ai-imageclas/; say yes=True to fetch it."
            )
        # Unpacked elsewhere and moved when whole; the archive goes with the temporary folder.
        with tempfile.TemporaryDirectory(dir=folder, prefix=".imagenette-") as temporary:
            _torchvision().datasets.Imagenette(temporary, size="320px", download=True)
            Path(temporary, target.name).replace(target)
    return target


WORDS = {
    "n01440764": "tench",
    "n02102040": "English springer",
    "n02979186": "cassette player",
    "n03000684": "chain saw",
    "n03028079": "church",
    "n03394916": "French horn",
    "n03417042": "garbage truck",
    "n03425413": "gas pump",
    "n03445777": "golf ball",
    "n03888257": "parachute",
}
"""What Imagenette's folders are called in words."""


class _Crops(Dataset[tuple[Tensor, int]]):
    """Pictures as a network sees them: a random part in one epoch's order, or the whole, squashed.

    Every draw depends on the seed, the epoch and the picture alone, not on who draws it.
    """

    def __init__(
        self, data: ImageFolder, size: tuple[int, int], seed: int = 0, epoch: int | None = None
    ) -> None:
        self.data, self.size, self.seed, self.epoch = data, size, seed, epoch
        if epoch is not None:
            from torchvision.transforms import v2

            self.change = v2.Compose(
                [
                    v2.RandomResizedCrop(size, scale=(0.25, 1.0)),
                    v2.RandomHorizontalFlip(),
                    v2.ColorJitter(brightness=0.2, contrast=0.2, saturation=0.2),
                ]
            )

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image = Image.fromarray(self.data[index].image)
        if self.epoch is None:
            image = image.resize(self.size[::-1], Image.Resampling.BILINEAR)
        else:
            with torch.random.fork_rng(devices=[]):
                torch.default_generator.manual_seed(_seed(self.seed, self.epoch, index))
                image = self.change(image)
        return torch.from_numpy(np.array(image)), int(self.data.labels[index])


def _seed(*numbers: int) -> int:
    """One number from several, for generators that shall have nothing in common."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _order(count: int, batch: int, seed: int, epoch: int) -> list[list[int]]:
    """The pictures of every step: shuffled; a last step that is not full is left out."""
    generator = torch.Generator().manual_seed(_seed(seed, epoch))
    order = torch.randperm(count, generator=generator).tolist()
    steps = max(1, count // batch)
    return [order[i * batch : (i + 1) * batch] for i in range(steps)]


# --- training -----------------------------------------------------------------------------------


def train(
    data: str | os.PathLike[str],
    out: str | os.PathLike[str],
    plan: Plan = Plan(),
    *,
    words: Mapping[str, str] | None = None,
    workers: int = 0,
    device: str | None = None,
    watch: Callable[[int, CamModel], None] | None = None,
    tell: Callable[[Epoch], None] | None = None,
    progress: bool = True,
) -> Run:
    """Train a network on a folder of pictures, or go on with a run that was stopped.

    Whenever the accuracy on the checking pictures is as high as never before, ``model.safetensors``
    and ``card.json`` are written; after every epoch ``checkpoint.pt`` and ``log.csv``. Each file
    appears whole or stays as it was. On a processor, a run that goes on gives the same weights, to
    the last bit, as one that was never stopped.

    Args:
        data: a folder of pictures, see `folders`.
        out: the folder to write; if it holds a checkpoint of the same plan and pictures, that run
            goes on.
        plan: what to train, and how.
        words: class names in place of the folders' names.
        workers: processes that read pictures; the result does not depend on it.
        device: such as "cpu" or "cuda"; None for the first GPU, if there is one.
        watch: called with the number of finished steps and the network after every step.
        tell: called with an epoch when everything of it is written.
        progress: show a bar.

    Returns:
        A `Run`. Interrupted, or at a loss that is no number, it ends early and says so; what was
        kept is the best network so far.

    Raises:
        DataError: pictures are missing, or cannot be read; the message names them.
        ValueError: ``out`` holds another run, or the plan cannot be followed.
        OSError: the disk is full; the old files are still there.

    Example:
        >>> plan = Plan(arch="plain", size=32, epochs=2, batch=8)
        >>> with tempfile.TemporaryDirectory() as root:
        ...     for name, grey in (("dark", 60), ("bright", 190)):
        ...         Path(root, "data", name).mkdir(parents=True)
        ...         for i in range(10):
        ...             file = Path(root, "data", name, f"{i}.png")
        ...             Image.new("RGB", (40, 30), (grey + i, grey, grey)).save(file)
        ...     run = train(Path(root, "data"), Path(root, "out"), plan, progress=False)
        ...     net, told = load(Path(root, "out")), card(Path(root, "out"))
        >>> run.ended, len(run.epochs), net.names, told["arch"]
        ('finished', 2, ['bright', 'dark'], 'plain')
    """
    target = Path(out)
    learn, check = folders(data, plan.seed)
    pictures = _fingerprint(learn, check)
    saved = _read_checkpoint(target, plan, pictures)
    if saved is None:
        for part in (learn, check):
            _all_readable(part, progress)
    names = [(words or {}).get(name, name) for name in learn.classes]
    where = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    with torch.random.fork_rng(devices=[where] if where.type == "cuda" else []):
        torch.manual_seed(_seed(plan.seed))
        net, trained = _build(plan.arch, names, plan.pool, plan.size, plan.start)
        net.to(where, memory_format=torch.channels_last)  # type: ignore[call-overload]
        optimizer = _optimizer(plan, net, trained)
        run = Run(target)
        if saved is not None:
            net.load_state_dict(saved["net"])
            optimizer.load_state_dict(saved["optimizer"])
            run.epochs = [Epoch(**row) for row in saved["epochs"]]
        target.mkdir(parents=True, exist_ok=True)
        loop = _Loop(plan, net, trained, optimizer, learn, check, workers, watch)
        loop.bar = tqdm(
            total=plan.epochs * loop.steps,
            initial=len(run.epochs) * loop.steps,
            desc="training",
            unit="step",
            disable=not progress,
        )
        try:
            for number in range(len(run.epochs) + 1, plan.epochs + 1):
                run.epochs.append(loop.epoch(number))
                if run.best is run.epochs[-1]:
                    _write_model(target, net, _card(plan, net, loop, run.epochs[-1]))
                _write_checkpoint(target, plan, pictures, net, optimizer, run.epochs)
                if tell is not None:
                    tell(run.epochs[-1])
        except KeyboardInterrupt:
            run.ended = "interrupted"
        except FloatingPointError as error:
            run.ended = str(error)
        finally:
            loop.bar.close()
    return run


def _fingerprint(learn: ImageFolder, check: ImageFolder) -> str:
    """A number that changes with the pictures: their names, sizes in bytes and classes."""
    lines = [
        f"{part} {data.name(i)} {file.stat().st_size} {data.classes[data.labels[i]]}"
        for part, data in (("learn", learn), ("check", check))
        for i, file in enumerate(data.files)
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _all_readable(data: ImageFolder, progress: bool) -> None:
    bad = data.unreadable(progress)
    if bad:
        told = " ".join(bad[i] for i in list(bad)[:5])
        more = f" And {len(bad) - 5} more." if len(bad) > 5 else ""
        raise DataError(
            f"{len(bad)} of {len(data)} pictures cannot be read; mend them or take them away. "
            f"{told}{more}"
        )


def _optimizer(plan: Plan, net: CamModel, trained: list[nn.Module]) -> torch.optim.Optimizer:
    old = {id(p) for module in trained for p in module.parameters()}
    kept = [p for p in net.parameters() if id(p) in old]
    new = [p for p in net.parameters() if id(p) not in old]
    for parameter in kept:
        parameter.requires_grad_(not plan.frozen)
    groups: list[dict[str, Any]] = [{"params": new, "highest": plan.highest_rate}]
    if kept and not plan.frozen:
        groups.append({"params": kept, "highest": plan.highest_rate * OWN_RATE})
    if plan.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=plan.highest_rate, weight_decay=0.05)
    return torch.optim.SGD(groups, lr=plan.highest_rate, momentum=0.9, weight_decay=5e-4)


def rate_at(step: int, steps: int) -> float:
    """Say which share of the highest rate a step learns with: up, then half a cosine down.

    Args:
        step: from 0.
        steps: how many there are in all epochs.

    Returns:
        Above 0, at most 1.

    Example:
        >>> [round(rate_at(step, 20), 2) for step in (0, 1, 2, 11, 19)]
        [0.5, 1.0, 1.0, 0.5, 0.01]
    """
    up = max(1, round(WARM_UP * steps))
    if step < up:
        return (step + 1) / up
    return (1 + math.cos(math.pi * (step - up) / (steps - up))) / 2


class _Loop:
    """One run's network, pictures and settings; `epoch` shows every picture once."""

    bar: tqdm[Any]

    def __init__(
        self,
        plan: Plan,
        net: CamModel,
        trained: list[nn.Module],
        optimizer: torch.optim.Optimizer,
        learn: ImageFolder,
        check: ImageFolder,
        workers: int,
        watch: Callable[[int, CamModel], None] | None,
    ) -> None:
        self.plan, self.net, self.optimizer, self.watch = plan, net, optimizer, watch
        self.frozen = trained if plan.frozen else []
        self.learn, self.check, self.workers = learn, check, workers
        self.device = net.head.weight.device
        self.steps = max(1, len(learn) // plan.batch)
        gains = self.device.type == "cuda" and torch.cuda.is_bf16_supported()
        self.precision = "bfloat16" if gains else "float32"

    def epoch(self, number: int) -> Epoch:
        """Show every training picture, then measure on the checking pictures."""
        start = time.perf_counter()
        self.bar.set_description(f"epoch {number}/{self.plan.epochs}")
        torch.manual_seed(_seed(self.plan.seed, number))  # of dropout
        losses: list[float] = []
        self.net.train()
        for module in self.frozen:
            module.eval()  # batch norms keep the statistics they bring
        done = (number - 1) * self.steps
        for images, labels in self._batches(number):
            losses.append(self._step(images, labels, done + len(losses)))
            self.bar.update()
            self.bar.set_postfix(loss=f"{losses[-1]:.3f}", refresh=False)
            if self.watch is not None:
                self.watch(done + len(losses), self.net)
        accuracy = self._accuracy()
        return Epoch(number, sum(losses) / len(losses), accuracy, time.perf_counter() - start)

    def _step(self, images: Tensor, labels: Tensor, step: int) -> float:
        share = rate_at(step, self.plan.epochs * self.steps)
        for group in self.optimizer.param_groups:
            group["lr"] = group["highest"] * share
        loss = F.cross_entropy(self._scores(images), labels.to(self.device))
        if not math.isfinite(loss.item()):
            raise FloatingPointError(
                f"the loss is {loss.item()} at step {step + 1} (epoch {step // self.steps + 1}); "
                f"try a rate below {self.plan.highest_rate:g}"
            )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        return loss.item()

    def _scores(self, images: Tensor) -> Tensor:
        """Pictures ``(B, H, W, 3)`` uint8 to scores ``(B, C)``."""
        inputs = inputs_of(self.net, images.numpy())
        reduced = self.precision == "bfloat16"
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=reduced):
            return self.net(inputs).float()  # type: ignore[no-any-return]

    @torch.no_grad()
    def _accuracy(self) -> float:
        self.net.eval()
        right = sum(
            int((self._scores(images).argmax(1).cpu() == labels).sum())
            for images, labels in self._batches(None)
        )
        return right / len(self.check)

    def _batches(self, epoch: int | None) -> DataLoader[tuple[Tensor, int]]:
        plan = self.plan
        data = self.check if epoch is None else self.learn
        count, batch = len(data), plan.batch
        if epoch is None:
            rows = [list(range(i, min(i + batch, count))) for i in range(0, count, batch)]
        else:
            rows = _order(count, batch, plan.seed, epoch)
        return DataLoader(
            _Crops(data, self.net.size, plan.seed, epoch),
            batch_sampler=rows,
            num_workers=self.workers,
            generator=torch.Generator(),  # or the loader would draw from dropout's
        )


# --- files --------------------------------------------------------------------------------------


def _write(file: Path, blob: bytes) -> None:
    """All or nothing: an old file survives a full disk, an interruption and a power failure."""
    temporary = file.with_name(f".{file.name}.part")
    try:
        with temporary.open("wb") as stream:
            stream.write(blob)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)


def _tensors(net: CamModel) -> dict[str, Tensor]:
    return {k: v.detach().cpu().contiguous() for k, v in net.state_dict().items()}


def _hash(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 of names and values, in order of the names."""
    digest = hashlib.sha256()
    for key in sorted(tensors):
        digest.update(key.encode())
        digest.update(tensors[key].contiguous().view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _card(plan: Plan, net: CamModel, loop: _Loop, epoch: Epoch) -> dict[str, Any]:
    from camkit import __version__

    return {
        "arch": plan.arch,
        "classes": net.names,
        "pool": net.pool,
        "size": net.size[0],
        "accuracy": round(epoch.accuracy, 4),
        "measured_on": f"{len(loop.check)} checking pictures, squashed to {net.size[0]} pixels",
        "learned_from": f"{len(loop.learn)} pictures",
        "epoch": epoch.epoch,
        "plan": asdict(plan),
        "started_from": plan.start,
        "parameters": sum(p.numel() for p in net.parameters()),
        "threads": torch.get_num_threads(),
        "precision": loop.precision,
        "device": loop.device.type,
        "torch": str(torch.__version__),
        "camkit": __version__,
    }


def _write_model(target: Path, net: CamModel, card: dict[str, Any]) -> None:
    """Weights with their card inside, so that the two can never be of different epochs."""
    tensors = _tensors(net)
    card = {**card, "sha256": _hash(tensors)}
    _write(target / MODEL, save(tensors, metadata={"camkit": json.dumps(card)}))
    _write(target / CARD, (json.dumps(card, indent=1, ensure_ascii=False) + "\n").encode())


def _write_checkpoint(
    target: Path,
    plan: Plan,
    pictures: str,
    net: CamModel,
    optimizer: torch.optim.Optimizer,
    epochs: list[Epoch],
) -> None:
    told = {
        "plan": asdict(plan),
        "pictures": pictures,
        "net": net.state_dict(),
        "optimizer": optimizer.state_dict(),
        "epochs": [asdict(epoch) for epoch in epochs],
    }
    blob = io.BytesIO()
    torch.save(told, blob)
    _write(target / CHECKPOINT, blob.getvalue())
    lines = io.StringIO()
    log = csv.DictWriter(lines, ["epoch", "loss", "accuracy", "seconds"], lineterminator="\n")
    log.writeheader()
    for epoch in epochs:
        log.writerow(
            {
                "epoch": epoch.epoch,
                "loss": f"{epoch.loss:.6f}",
                "accuracy": f"{epoch.accuracy:.4f}",
                "seconds": f"{epoch.seconds:.2f}",
            }
        )
    _write(target / LOG, lines.getvalue().encode())


_NO_CHECKPOINT = (RuntimeError, ValueError, TypeError, LookupError, OSError, EOFError)
_NO_CHECKPOINT += (pickle.UnpicklingError,)  # type: ignore[assignment]


def _read_checkpoint(target: Path, plan: Plan, pictures: str) -> dict[str, Any] | None:
    """The checkpoint of this very run, or None where there is none."""
    file = target / CHECKPOINT
    if not file.exists():
        # A first epoch whose checkpoint did not fit on the disk left a network: it begins again.
        if (target / MODEL).exists() and card(target)["plan"] != asdict(plan):
            raise ValueError(
                f"{target} holds another network and no checkpoint of it: choose another folder."
            )
        return None
    try:
        saved: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
        before: dict[str, Any] = saved["plan"]
        same = saved["pictures"] == pictures
    except _NO_CHECKPOINT as error:
        raise WeightsError(
            f"{file} is damaged or no checkpoint ({type(error).__name__}): choose another folder."
        ) from error
    wanted = asdict(plan)
    changed = [
        f"{key} was {before.get(key)!r}, now {value!r}"
        for key, value in wanted.items()
        if before.get(key) != value
    ]
    if not same and not changed:  # another seed divides them otherwise
        changed.append("other pictures")
    if changed:
        raise ValueError(
            f"{target} holds another run ({'; '.join(changed)}): choose another folder, or go on "
            "with the same settings."
        )
    return saved


def card(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """Read what a network written by `train` says of itself.

    Args:
        folder: the folder that `train` wrote, or its ``model.safetensors``.

    Returns:
        Architecture, classes, accuracy, plan, hash and more.

    Raises:
        WeightsError: there is no such network there, or it is damaged.
    """
    file = Path(folder)
    file = file / MODEL if file.is_dir() else file
    if not file.is_file():
        raise WeightsError(
            f"There is no {file}: `camkit train` writes it when its first epoch is done."
        )
    try:
        with safe_open(file, framework="pt") as opened:
            told: dict[str, Any] = json.loads((opened.metadata() or {})["camkit"])
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise WeightsError(f"{file} is damaged, or `camkit train` did not write it.") from error
    return told


def load(folder: str | os.PathLike[str]) -> CamModel:
    """Load a network that `train` has written, ready to explain pictures.

    Args:
        folder: the folder that `train` wrote, or its ``model.safetensors``.

    Returns:
        A `CamModel` in evaluation mode, on the processor.

    Raises:
        WeightsError: there is no such network there, or it is damaged.
    """
    told = card(folder)
    file = Path(folder)
    tensors = read_weights(file / MODEL if file.is_dir() else file)
    if _hash(tensors) != told["sha256"]:
        raise WeightsError(f"{file} is damaged: its weights are not those its card describes.")
    net = _skeleton(told, tensors)
    net.load_state_dict(tensors, assign=True)
    return net.eval()


def _skeleton(told: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> CamModel:
    """A network as its card says, without numbers where it can be built so: VGG's cost seconds."""
    asked: dict[str, Any] = {"pool": told["pool"], "size": told["size"]}
    if told["arch"] in relatives.ARCHITECTURES:
        units = _units(tensors, told["arch"], **asked)
        return relatives.build(told["arch"], told["classes"], units=units, **asked)
    try:
        with torch.device("meta"):
            return build(told["arch"], told["classes"], **asked)
    except NotImplementedError:  # RegNet computes its widths with tensors
        with torch.random.fork_rng(devices=[]):
            return build(told["arch"], told["classes"], **asked)
