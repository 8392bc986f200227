"""Networks by name: find them on this machine, check them, load them. Nothing is fetched unasked.

Torchvision is imported when a name of its registry is asked for.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import pickle
import platform
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from tqdm.auto import tqdm

from camkit.heads import CamModel, NoCamError, conversion_error, convert, split

SHIPPED = Path(__file__).parent / "weights"


class WeightsError(ValueError):
    """A weights file is missing, damaged, not what it claims to be, or fits another network."""


@dataclass(frozen=True)
class Found:
    """A network whose weights are on this machine.

    Args:
        name: what `load` takes.
        kind: "shipped" with camkit, or "torchvision".
        file: where its weights are.
        classes: how many classes it tells apart.
    """

    name: str
    kind: str
    file: Path
    classes: int


def load(
    name: str = "objects",
    weights: str | os.PathLike[str] | None = None,
    *,
    names: Sequence[str] | str | os.PathLike[str] | None = None,
    size: int | tuple[int, int] | None = None,
) -> CamModel:
    """Load a network by name, ready to explain pictures.

    Args:
        name: a network shipped with camkit ("objects"), or a classifier of torchvision's registry
            ("resnet18") whose weights are in torch hub's cache.
        weights: a file of weights for the torchvision network, `.pth` or `.safetensors`, instead
            of the cache.
        names: class names, or a text file with one name a line; known for shipped networks and
            for ImageNet's 1000 classes.
        size: height and width of the input, where it differs from the network's usual one.

    Returns:
        A `CamModel` in evaluation mode.

    Raises:
        WeightsError: the weights are missing, damaged or do not fit; the message says what to do.
        NoCamError: the network has no exact map.
        ValueError: there is no network of this name.

    Example:
        >>> load("resnet19")
        Traceback (most recent call last):
        ...
        ValueError: There is no network 'resnet19'; near ones: 'resnet18', ...
    """
    if name in shipped() and weights is None:
        return _load_shipped(name, size)
    if name in shipped():
        raise ValueError(
            f"{name!r} comes with camkit and its own weights: leave weights out, or name the "
            "torchvision network that the file belongs to."
        )
    _check_name(name, shipped())
    published = _published(name)
    if weights is None:
        recipe = next((w for w in published if _cached(w).exists()), None)
        if recipe is None:
            raise WeightsError(
                f"The weights of {name!r} are not on this machine. Fetch them once with "
                f"`camkit fetch {name}` ({_megabytes(published[0])} MB), or give weights=FILE."
            )
        file = _cached(recipe)
        check_file(file)
    else:
        recipe, file = published[0], Path(weights)
    return _assemble(name, recipe, read_weights(file), file, names, size)


def _check_name(name: str, more: Sequence[str] = ()) -> None:
    """Refuse what is not a classifier of torchvision's registry; ``more`` are names to suggest."""
    if not isinstance(name, str):
        raise TypeError(f'name must be text such as "resnet18", not {type(name).__name__}.')
    known = _registry()
    if name not in known:
        near = difflib.get_close_matches(name.lower(), [*more, *known], n=3, cutoff=0.5)
        hint = f"; near ones: {', '.join(map(repr, near))}" if near else ""
        raise ValueError(f"There is no network {name!r}{hint}.")


def shipped() -> list[str]:
    """List the networks that come with camkit.

    Returns:
        Their names, sorted.
    """
    return sorted(file.stem for file in SHIPPED.glob("*.safetensors"))


def card(name: str) -> dict[str, Any]:
    """Read the model card of a shipped network: data, recipe, accuracy, localization, hash.

    Args:
        name: one of `shipped`.

    Returns:
        The card.

    Raises:
        ValueError: there is no such network.
    """
    if name not in shipped():
        raise ValueError(f"There is no shipped network {name!r}, only {shipped()}.")
    told: dict[str, Any] = json.loads((SHIPPED / f"{name}.json").read_text(encoding="utf-8"))
    return told


def _load_shipped(name: str, size: int | tuple[int, int] | None) -> CamModel:
    from camkit import relatives

    told = card(name)
    file = SHIPPED / f"{name}.safetensors"
    if hashlib.sha256(file.read_bytes()).hexdigest() != told["sha256"]:
        raise WeightsError(
            f"{file} is not the file its card describes; install camkit again, "
            f"or remake it with `python -m camkit.recipes {name}`."
        )
    net: CamModel = relatives.build(
        told["arch"],
        names=told["classes"],
        pool=told["pool"],
        size=size or told["size"],
        units=told["recipe"].get("units", relatives.UNITS),
    )
    net.load_state_dict({key: value.float() for key, value in load_file(file).items()})
    net.eval()
    return net


def _assemble(
    name: str,
    recipe: Any,
    state: Mapping[str, Tensor],
    file: Path,
    names: Sequence[str] | str | os.PathLike[str] | None,
    size: int | tuple[int, int] | None,
) -> CamModel:
    """Build the torchvision network, fill in the weights strictly, convert it."""
    aux_logits = any("aux" in key.lower() for key in state)
    head = [k for k, v in _skeleton(name, aux_logits).state_dict().items() if v.ndim >= 2][-1]
    if head not in state:
        raise WeightsError(f"{file} does not fit {name!r}: it holds no {head!r}, the last layer.")
    classes = len(state[head])
    told = _read_names(names)
    if told is None and classes == len(recipe.meta["categories"]):
        told = recipe.meta["categories"]
    model = _build(name, classes, aux_logits)
    if not hasattr(state, "_metadata"):  # a safetensors file tells no versions: today's
        state = OrderedDict(state)
        setattr(state, "_metadata", getattr(model.state_dict(), "_metadata"))  # noqa: B009, B010
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        first = (str(error).split("\n")[1:2] or [str(error)])[0].strip()
        if len(first) > 150:  # torch lists every name
            first = first[:150].rsplit(",", 1)[0] + " and more."
        raise WeightsError(f"{file} does not fit {name!r}: {first}") from error
    preset = recipe.transforms()
    net = convert(
        model.eval(),
        names=told,
        mean=preset.mean,
        std=preset.std,
        size=size or preset.crop_size[0],
    )
    return net.eval()


def _read_names(names: Sequence[str] | str | os.PathLike[str] | None) -> Sequence[str] | None:
    if not isinstance(names, (str, os.PathLike)):
        return names
    lines = Path(names).read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip()]


def _build(name: str, classes: int, aux_logits: bool = False) -> nn.Module:
    """A network of torchvision's registry with random weights, as its published ones expect it."""
    import torchvision

    more: dict[str, Any] = {}
    if name in ("googlenet", "inception_v3"):
        more = {"transform_input": True, "init_weights": False, "aux_logits": aux_logits}
    model: nn.Module = torchvision.models.get_model(name, weights=None, num_classes=classes, **more)
    return model


def _skeleton(name: str, aux_logits: bool = False) -> nn.Module:
    """The same network with layers and names, but without values where it can be built so."""
    try:
        with torch.device("meta"):
            return _build(name, 1, aux_logits).eval()
    except NotImplementedError:  # RegNet computes its widths with tensors
        return _build(name, 1, aux_logits).eval()


def _registry() -> list[str]:
    """Names of torchvision's classifiers."""
    try:
        import torchvision
    except (ImportError, RuntimeError) as error:
        raise WeightsError(
            f"torchvision cannot be imported ({error}); `camkit doctor` says what to do. "
            f"Without it there are the shipped networks: {', '.join(shipped()) or 'none'}."
        ) from error
    names: list[str] = torchvision.models.list_models(module=torchvision.models)
    return names


def _published(name: str) -> list[Any]:
    """The weights that torchvision publishes for a network, its default first."""
    import torchvision

    every = torchvision.models.get_model_weights(name)
    return [every.DEFAULT, *(w for w in every if w is not every.DEFAULT)]


def _cached(recipe: Any) -> Path:
    return _checkpoints() / str(recipe.url).rsplit("/", 1)[-1]


def _checkpoints() -> Path:
    return Path(str(torch.hub.get_dir())) / "checkpoints"


def _megabytes(recipe: Any) -> str:
    return f"{recipe.meta['_file_size']:.0f}"


def check_file(file: Path) -> None:
    """Compare a file's SHA-256 with the beginning of it that torchvision writes into the name.

    Args:
        file: such as ``resnet18-f37072fd.pth``; other names are not checked.

    Raises:
        WeightsError: the file is another one, or damaged.
    """
    told = _told_hash(file)
    if told is None:
        return
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if not found.startswith(told):
        raise WeightsError(
            f"{file} is damaged or not the published file (SHA-256 starts with "
            f"{found[: len(told)]}, not {told}): delete it and fetch it again."
        )


def _told_hash(file: Path) -> str | None:
    told = re.search(r"-([0-9a-f]{8,})\.[a-z]+$", file.name)
    return told[1] if told else None


def read_weights(file: Path) -> dict[str, Tensor]:
    """Read tensors from a file without ever running code that it may hold.

    Args:
        file: `.safetensors`, or a torch file of a state dict (bare, or under "state_dict" or
            "model").

    Returns:
        Names and tensors.

    Raises:
        WeightsError: there is no such file, it is damaged, or holds more than tensors.
    """
    if not file.is_file():
        raise WeightsError(f"There is no weights file {str(file)!r}; check the name and folder.")
    try:
        if file.suffix == ".safetensors":
            loaded: Any = load_file(file)
        else:
            loaded = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"{file} is refused: it is damaged or holds more than tensors, "
            "and might run code when opened. Ask for a file of plain weights (a state dict)."
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, SafetensorError) as error:
        raise WeightsError(f"{file} is damaged or not a weights file ({error}).") from error
    state = loaded
    for key in ("state_dict", "model"):  # where training scripts put it
        if isinstance(state, dict) and isinstance(state.get(key), dict):
            state = state[key]
    tensors = isinstance(state, dict) and all(isinstance(v, Tensor) for v in state.values())
    if not state or not tensors:
        raise WeightsError(f"{file} holds no state dict (names and tensors).")
    named = OrderedDict((_current_name(str(key)), value) for key, value in state.items())
    # The modules' versions, which torch keeps beside the tensors; MNASNet cannot do without.
    versions = getattr(state, "_metadata", None)
    if versions is not None:
        told = {re.sub(r"^module(\.|$)", "", key): value for key, value in versions.items()}
        setattr(named, "_metadata", told)  # noqa: B010
    return named


def _current_name(key: str) -> str:
    """A parameter's name without DataParallel's prefix, and as torchvision's DenseNet has it now.

    The published DenseNet files are older than the rule that forbids "norm.1" as a module's name.
    """
    return re.sub(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)", r"\1\2", key.removeprefix("module."))


def available() -> list[Found]:
    """List every network that `load` can load without fetching anything.

    Returns:
        The shipped networks, then torchvision's that have a map and whose weights are in torch
        hub's cache.
    """
    found = [
        Found(name, "shipped", SHIPPED / f"{name}.safetensors", len(card(name)["classes"]))
        for name in shipped()
    ]
    folder = _checkpoints()
    if not folder.is_dir():
        return found
    present = {file.name for file in folder.iterdir()}
    try:
        names = _registry()
    except WeightsError:
        return found
    for name in names:
        recipe = next((w for w in _published(name) if _cached(w).name in present), None)
        if recipe is not None and _has_map(name):
            classes = len(recipe.meta["categories"])
            found.append(Found(name, "torchvision", _cached(recipe), classes))
    return found


def _has_map(name: str) -> bool:
    """Whether the layers of an architecture allow a map; no numbers are computed."""
    try:
        split(_skeleton(name))
    except NoCamError:
        return False
    return True


@dataclass(frozen=True)
class Download:
    """What `fetch` would bring.

    Args:
        name: the network.
        url: where from.
        megabytes: how much.
        file: where to.
        checked: how the file will be checked.
    """

    name: str
    url: str
    megabytes: float
    file: Path
    checked: str


def download(name: str) -> Download:
    """Say what fetching a network would bring, without fetching it.

    Args:
        name: a classifier of torchvision's registry.

    Returns:
        A `Download`.

    Raises:
        ValueError: there is no such network.

    Example:
        >>> download("mobilenet_v2").megabytes
        13.6
    """
    _check_name(name)
    recipe = _published(name)[0]
    file = _cached(recipe)
    return Download(
        name,
        recipe.url,
        round(float(recipe.meta["_file_size"]), 1),
        file,
        f"first {len(_told_hash(file) or '')} digits of its SHA-256, as torchvision publishes them",
    )


def fetch(name: str, *, yes: bool = False) -> Path:
    """Download a pretrained network of torchvision, with a bar, checked and all or nothing.

    Args:
        name: a classifier of torchvision's registry.
        yes: must be True: nothing is downloaded without a yes.

    Returns:
        The file in torch hub's cache.

    Raises:
        ValueError: ``yes`` is not True, or there is no such network.
        WeightsError: the network or the disk failed; nothing half written is left.
    """
    wanted = download(name)
    if wanted.file.exists():
        check_file(wanted.file)
        return wanted.file
    if yes is not True:
        raise ValueError(
            f"{name!r} is a download of {wanted.megabytes:.0f} MB from {wanted.url}: "
            "say yes=True to fetch it."
        )
    try:
        wanted.file.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(
            wanted.url, str(wanted.file), hash_prefix=_told_hash(wanted.file), progress=True
        )
    except (OSError, HTTPException, RuntimeError) as error:
        raise WeightsError(f"{name!r} could not be fetched from {wanted.url}: {error}.") from error
    return wanted.file


def setup() -> None:
    """Report what a notebook runs on: versions, device, threads, and which networks are here.

    Example:
        >>> setup()  # doctest: +ELLIPSIS
        camkit ... · Python ... · torch ...
        ...
    """
    from camkit import __version__

    device = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "CPU"
    print(f"camkit {__version__} · Python {platform.python_version()} · torch {torch.__version__}")
    print(f"device: {device} · threads: {torch.get_num_threads()}")
    names: dict[str, list[str]] = {"shipped": [], "torchvision": []}
    for one in available():
        names[one.kind].append(one.name)
    print("networks shipped with camkit:", ", ".join(names["shipped"]) or "none")
    print("pretrained networks found:", ", ".join(names["torchvision"]) or "none (none is needed)")


# --- verdicts: which architectures of torchvision have an exact map ------------------------------


@dataclass(frozen=True)
class Verdict:
    """What was found out about one architecture, with random calibrated weights.

    Args:
        name: of torchvision's registry.
        verdict: "exact", "exact with its own last step" or "refused".
        reason: why it was refused, else empty.
        error: relative error of the scores summed up from the maps, float32.
        error_double: the same, float64.
        wrong_features: the same with every unit's map given to its neighbour: must be large.
        zero_bias: the same with the bias left out: must be large.
    """

    name: str
    verdict: str
    reason: str = ""
    error: float = float("nan")
    error_double: float = float("nan")
    wrong_features: float = float("nan")
    zero_bias: float = float("nan")


def verdict(name: str, *, seed: int = 0, classes: int = 20) -> Verdict:
    """Convert one architecture of torchvision and measure how exact its maps are.

    Untrained networks hide mistakes: their features are almost zero and their biases zero. So the
    batch norms are calibrated on one batch and the head gets a bias as large as its scores first,
    and two controls that must fail are measured beside the errors.

    Args:
        name: of torchvision's registry.
        seed: for weights and inputs.
        classes: number of classes to build it with.

    Returns:
        A `Verdict`.
    """
    try:
        split(_skeleton(name))  # where the layers alone forbid a map, no weight is drawn
        model = untrained(name, seed=seed, classes=classes)
        net = convert(model)
    except NoCamError as refusal:
        return Verdict(name, "refused", str(refusal))
    error = conversion_error(model, net)
    backbone = net.backbone
    net.backbone = nn.Sequential(backbone, _RolledUnits())
    wrong_features = conversion_error(model, net)
    net.backbone = backbone
    other = type(net)(backbone, _without_bias(net.head), pool=net.pool, relu_map=net.relu_map)
    zero_bias = conversion_error(model, other.eval())
    error_double = conversion_error(model.double(), net.double())
    return Verdict(name, net.verdict, "", error, error_double, wrong_features, zero_bias)


def verdicts(names: Sequence[str] | None = None) -> list[Verdict]:
    """Measure many architectures, with a bar; all of torchvision's registry by default.

    Args:
        names: of torchvision's registry.

    Returns:
        One `Verdict` each.
    """
    return [verdict(name) for name in tqdm(names or _registry(), desc="architectures")]


def untrained(name: str, *, seed: int = 0, classes: int = 20) -> nn.Module:
    """Build an architecture with random weights whose features and bias are far from zero.

    Args:
        name: of torchvision's registry.
        seed: for weights and the calibration batch.
        classes: number of classes.

    Returns:
        The torchvision module, in evaluation mode.
    """
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        model = _build(name, classes).eval()
        norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # the plain average over the calibration batch
            norm.train()
        batch = torch.randn(2, 3, 224, 224)
        if norms:
            model(batch)
            model.eval()
        last = [m for m in model.modules() if isinstance(m, (nn.Linear, nn.Conv2d))][-1]
        # As large as the scores: beside scores of a thousand, a bias of one could be forgotten.
        if last.bias is not None:
            nn.init.normal_(last.bias, std=float(model(batch).std()))
    return model


class _RolledUnits(nn.Module):
    """Features whose units changed places: the control that must not pass."""

    def forward(self, features: Tensor) -> Tensor:
        return features.roll(1, dims=1)


def _without_bias(head: nn.Linear | nn.Conv2d) -> nn.Linear:
    linear = nn.Linear(head.weight.shape[1], head.weight.shape[0], bias=False)
    linear.weight = nn.Parameter(head.weight.detach().flatten(1))
    return linear
