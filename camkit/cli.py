"""The `camkit` command. Every subcommand is a function that adds its options and one that runs."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from camkit import __version__

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from camkit.finetune import Epoch
    from camkit.heads import CamModel, CamResult
    from camkit.images import Array, Sample

UPLOAD_BYTES = 200_000_000
"""A photograph dropped on a notebook travels in one message; 10 MiB is the limit by default."""


class Stop(Exception):
    """Ends the command with one sentence.

    Args:
        message: what is wrong and what to do.
        code: the exit code: 2 for what was asked, 1 for what went wrong on the way.
    """

    def __init__(self, message: str, code: int = 2) -> None:
        super().__init__(message)
        self.code = code


def main(argv: Sequence[str] | None = None) -> int:
    """Run the `camkit` command.

    Args:
        argv: the words after ``camkit``; those of the command line by default.

    Returns:
        The exit code: 0 well, 1 something failed, 2 asked wrongly, 130 interrupted.

    Example:
        >>> main(["--version"])
        camkit ...
        0
    """
    try:
        asked = _parser().parse_args(argv)
    except SystemExit as stop:  # argparse has said what it had to say
        return int(stop.code or 0)
    try:
        return int(asked.run(asked))
    except Stop as stop:
        print(f"camkit {asked.command}: {stop}", file=sys.stderr)
        return stop.code
    except KeyboardInterrupt:
        print(f"\ncamkit {asked.command}: interrupted.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever reads, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="camkit", description="Class Activation Mapping: see what a network looks at."
    )
    parser.add_argument("--version", action="version", version=f"camkit {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in (
        _add_cam,
        _add_lab,
        _add_fetch,
        _add_train,
        _add_evaluate,
        _add_tables,
        _add_export,
        _add_doctor,
    ):
        add(commands)
    return parser


def _command(
    commands: Any, name: str, summary: str, run: Callable[[argparse.Namespace], int]
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=summary, description=summary[0].upper() + summary[1:] + "."
    )
    parser.set_defaults(run=run)
    return parser


# --- camkit cam ---------------------------------------------------------------------------------


def _add_cam(commands: Any) -> None:
    parser = _command(commands, "cam", "show what a network sees in photographs, and where", _cam)
    parser.add_argument("photos", nargs="+", metavar="PHOTO", help="a file, or a folder of them")
    parser.add_argument(
        "--model",
        default="objects",
        help="a network by name, or a folder that `camkit train` wrote (default: objects)",
    )
    parser.add_argument("--weights", metavar="FILE", help="its weights, .pth or .safetensors")
    parser.add_argument("--names", metavar="FILE", help="class names, one a line")
    parser.add_argument("--top", type=int, default=5, help="classes shown (default: 5)")
    parser.add_argument("--out", default="cam", metavar="DIR", help="results (default: cam)")
    parser.add_argument(
        "--threshold", type=float, default=0.2, help="box: share of the maximum (default: 0.2)"
    )
    parser.add_argument(
        "--fit", choices=("squash", "crop"), default="squash", help="whole picture, or its centre"
    )


def _cam(asked: argparse.Namespace) -> int:
    if not 0 <= asked.threshold < 1:
        raise Stop(f"--threshold is a share from 0 up to 1, got {asked.threshold}.")
    photos, bad = _photos(asked.photos)
    out = _out_folder(Path(asked.out), photos)
    net = _network(asked)
    if not 1 <= asked.top <= len(net.names):
        raise Stop(f"--top must be from 1 to {len(net.names)}, the number of classes.")
    from tqdm.auto import tqdm

    done = 0
    # Without a terminal the bar would be noise in a log.
    for photo, name in tqdm(list(zip(photos, _result_names(photos), strict=True)), disable=None):
        try:
            told = _explain(net, photo, out / name, asked)
        except (ValueError, TypeError, OSError) as error:
            bad.append((photo, _sentence(error)))
            continue
        done += 1
        tqdm.write(f"{photo.name}: {told}")
    print(f"{done} of {len(photos)} photographs explained, in {out}.")
    for photo, why in bad:
        print(f"{photo}: {why}", file=sys.stderr)
    return 1 if bad else 0


def _photos(named: Sequence[str]) -> tuple[list[Path], list[tuple[Path, str]]]:
    """The files to explain, each once, in order; and folders that hold none."""
    from camkit.datasets.base import PICTURES

    found: dict[Path, Path] = {}
    bad: list[tuple[Path, str]] = []
    for one in map(Path, named):
        files = [one]
        if one.is_dir():
            files = sorted(f for f in one.iterdir() if f.suffix.lower() in PICTURES)
            files = [f for f in files if not f.name.startswith(".")]
            if not files:
                bad.append((one, "the folder holds no pictures."))
        for file in files:
            found.setdefault(file.resolve(), file)
    return list(found.values()), bad


def _result_names(photos: Sequence[Path]) -> list[str]:
    """A name for each photograph's results: its own, numbered where two would be the same."""
    names: list[str] = []
    taken: set[str] = {photo.stem.lower() for photo in photos}
    used: set[str] = set()
    for photo in photos:
        name, number = photo.stem, 1
        # Lower case, because on some systems A.json and a.json are one file.
        while name.lower() in used or (number > 1 and name.lower() in taken):
            number += 1
            name = f"{photo.stem}-{number}"
        used.add(name.lower())
        names.append(name)
    return names


def _out_folder(out: Path, photos: Sequence[Path]) -> Path:
    if any(photo.resolve().parent == out.resolve() for photo in photos):
        raise Stop(
            f"--out {out} is the folder of the photographs, which results might overwrite: "
            "give another."
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Stop(f"--out {out} cannot be made ({error.strerror}): give another.") from error
    return out


def _network(asked: argparse.Namespace) -> CamModel:
    try:
        from camkit import finetune, zoo

        if asked.weights is None and Path(asked.model, finetune.MODEL).is_file():
            return finetune.load(asked.model)
        return zoo.load(asked.model, asked.weights, names=asked.names)
    except ImportError as error:
        raise Stop(f"{error}; `camkit doctor` says what to do.") from error
    except (ValueError, OSError) as error:
        raise Stop(_sentence(error)) from error


def _explain(net: CamModel, photo: Path, target: Path, asked: argparse.Namespace) -> str:
    """Explain one photograph and write its three files; the best classes in words."""
    from camkit import images, plot

    with warnings.catch_warnings():
        # A map without a box gets its reason in the JSON file; Pillow's notes help nobody here.
        warnings.simplefilter("ignore")
        pixels = images.read(photo)
        result = net.explain(pixels, asked.top, fit=asked.fit)
        boxes = result.boxes(asked.threshold)[0]
        classes = plot.told_boxes(result, asked.threshold)
        try:
            _write_results(target, pixels, result, boxes, photo, asked, classes)
        except OSError as error:
            raise Stop(
                f"{target.parent} cannot be written to ({error.strerror or error}); the results "
                "before this photograph are whole.",
                code=1,
            ) from error
    return ", ".join(f"{one['name']} {100 * one['probability']:.1f} %" for one in classes[:3])


def _write_results(
    target: Path,
    pixels: Array,
    result: CamResult,
    boxes: npt.NDArray[np.float64],
    photo: Path,
    asked: argparse.Namespace,
    classes: list[dict[str, Any]],
) -> None:
    import numpy as np

    from camkit import plot

    fig, _ = plot.explain_figure(result, pixels, titles=[photo.stem], threshold=asked.threshold)
    with _whole(target, ".jpg") as file:
        fig.savefig(file, format="jpg", dpi=160, pil_kwargs={"quality": 90})
    with _whole(target, ".npz") as file:
        np.savez_compressed(
            file,
            maps=result.maps[0].numpy(),
            classes=result.classes[0].numpy(),
            names=np.array(result.names[0]),
            scores=result.scores[0].numpy(),
            probabilities=result.probabilities[0].numpy(),
            boxes=boxes,
            region=np.array(result.views[0].region),
        )
    height, width = result.views[0].original
    told = {
        "photo": str(photo),
        "width": width,
        "height": height,
        "model": asked.model,
        "fit": asked.fit,
        "threshold": asked.threshold,
        "boxes_are": plot.BOXES_ARE,
        "classes": classes,
    }
    # Written last: where it stands, the other two do.
    with _whole(target, ".json") as file:
        file.write((json.dumps(told, indent=2, ensure_ascii=False) + "\n").encode())


@contextmanager
def _whole(target: Path, ending: str) -> Iterator[IO[bytes]]:
    """A file that appears under its name only when all of it is written."""
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".camkit-", delete=False) as file:
        try:
            yield file
        except BaseException:
            file.close()
            os.unlink(file.name)
            raise
    os.chmod(file.name, 0o666 & ~_umask())
    os.replace(file.name, target.with_name(target.name + ending))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sentence(error: BaseException) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, OSError) and error.strerror:
        text = f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return text if text.endswith((".", "?", "!")) else f"{text or type(error).__name__}."


# --- camkit lab ---------------------------------------------------------------------------------


def _add_lab(commands: Any) -> None:
    parser = _command(commands, "lab", "open the course in JupyterLab, on this machine only", _lab)
    parser.add_argument("notebook", nargs="?", help="where to begin: a file, or 02 for notebook 02")
    parser.add_argument("--no-browser", action="store_true", help="print the address only")
    parser.add_argument("--port", type=int, help="a port instead of Jupyter's own choice")


def _lab(asked: argparse.Namespace) -> int:
    from importlib.util import find_spec

    if find_spec("jupyterlab") is None:
        raise Stop("JupyterLab is not here: pip install jupyterlab ipykernel ipywidgets.", code=1)
    folder, first = find_notebook(asked.notebook, Path.cwd())
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    if is_root:
        print("You are root, so Jupyter is told to allow that.", file=sys.stderr)
    words = lab_command(
        folder, first, browser=not asked.no_browser, port=asked.port, is_root=is_root
    )
    os.environ["CAMKIT_UPLOAD_BYTES"] = str(UPLOAD_BYTES)  # so that a kernel can say the limit
    sys.stdout.flush()
    if os.name == "nt":
        return subprocess.call(words)
    os.execv(words[0], words)


def find_notebook(asked: str | None, start: Path) -> tuple[Path, str]:
    """Find the course's folder and the notebook to open.

    Args:
        asked: a file, the beginning of a notebook's name, or None for the first page.
        start: the folder to look from, upward.

    Returns:
        The folder of notebooks, and a file name in it.

    Raises:
        Stop: there are no notebooks, or none of this name.
    """
    if asked is not None and Path(start, asked).is_file():
        file = Path(start, asked).resolve()
        return file.parent, file.name
    beside = Path(__file__).resolve().parent.parent
    places = [start, *(place / "notebooks" for place in (start, *start.parents, beside))]
    folder = next((p.resolve() for p in places if _is_course(p)), None)
    if folder is None:
        raise Stop(
            "The course's notebooks are not here: they come with the repository, not with the "
            "installed package. Go into the repository's folder, or name a notebook file."
        )
    names = sorted(file.name for file in folder.glob("*.ipynb"))
    if asked is None:
        return folder, "index.ipynb" if "index.ipynb" in names else names[0]
    matching = [name for name in names if name.startswith(asked)]
    if not matching:
        raise Stop(f"There is no notebook {asked!r} in {folder}, only {', '.join(names)}.")
    return folder, matching[0]


def _is_course(folder: Path) -> bool:
    """A folder with an index, or with notebooks numbered as the course's are."""
    return (folder / "index.ipynb").is_file() or any(folder.glob("[0-9][0-9]_*.ipynb"))


def lab_command(
    folder: Path,
    first: str,
    *,
    browser: bool = True,
    port: int | None = None,
    is_root: bool = False,
) -> list[str]:
    """Write the command that starts JupyterLab, on loopback and with Jupyter's own random token.

    Args:
        folder: the folder of notebooks.
        first: the notebook to open in it.
        browser: False prints the address only.
        port: a port, or None for Jupyter's choice.
        is_root: True allows the superuser.

    Returns:
        The words of the command.

    Example:
        >>> "--ServerApp.ip=127.0.0.1" in lab_command(Path("notebooks"), "index.ipynb")
        True
    """
    words = [sys.executable, "-m", "jupyterlab", "--ServerApp.ip=127.0.0.1"]
    words += [f"--ServerApp.root_dir={folder}", f"--LabApp.default_url=/lab/tree/{first}"]
    words += [
        f"--ServerApp.max_body_size={UPLOAD_BYTES}",
        f"--ServerApp.max_buffer_size={UPLOAD_BYTES}",
        f"--ServerApp.tornado_settings={{'websocket_max_message_size': {UPLOAD_BYTES}}}",
        f"--ZMQChannelsWebsocketConnection.iopub_data_rate_limit={UPLOAD_BYTES}",
    ]
    if port is not None:
        words.append(f"--ServerApp.port={port}")
    if is_root:
        words.append("--ServerApp.allow_root=True")
    return words if browser else [*words, "--no-browser"]


# --- camkit fetch and camkit doctor -------------------------------------------------------------


def _add_fetch(commands: Any) -> None:
    parser = _command(commands, "fetch", "download a pretrained network, after asking", _fetch)
    parser.add_argument("name", help='a classifier of torchvision, such as "resnet18"')
    parser.add_argument("--yes", action="store_true", help="do not ask")


def _fetch(asked: argparse.Namespace) -> int:
    try:
        from camkit import zoo

        if asked.name in zoo.shipped():
            print(f"{asked.name!r} comes with camkit: there is nothing to fetch.")
            return 0
        wanted = zoo.download(asked.name)
    except ImportError as error:
        raise Stop(f"{error}; `camkit doctor` says what to do.") from error
    except ValueError as error:
        raise Stop(_sentence(error)) from error
    if not wanted.file.exists():
        print(
            f"{wanted.name}: {wanted.megabytes:.0f} MB from {wanted.url}\n"
            f"to {wanted.file}, checked by the {wanted.checked}."
        )
        if not (asked.yes or _agreed("Fetch it?")):
            print("Nothing was fetched.")
            return 1
    try:
        print(f"It is here: {zoo.fetch(asked.name, yes=True)}")
    except (ValueError, OSError) as error:
        raise Stop(_sentence(error), code=1) from error
    return 0


def _agreed(question: str) -> bool:
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:  # nobody is there to answer
        print()
        return False


# --- camkit train -------------------------------------------------------------------------------


def _add_train(commands: Any) -> None:
    parser = _command(
        commands, "train", "train a network with maps on a folder of pictures", _train
    )
    parser.add_argument(
        "--data",
        required=True,
        metavar="DIR",
        help="DIR/cat/*.jpg, DIR/dog/*.jpg, ...; or these below DIR/train and DIR/val; "
        "or imagenette, which torchvision downloads",
    )
    parser.add_argument(
        "--arch",
        default="resnet18",
        help="vgg16_gap, alexnet_gap, googlenet_gap, alexnet_star_gap: the paper's; resnet18 and "
        "other classifiers of torchvision; plain and other small ones (default: resnet18)",
    )
    parser.add_argument(
        "--weights",
        metavar="FILE",
        help="weights to start from: a file, the word default for torchvision's published ones, or "
        "the word none; left out, it is default, and none for the small networks",
    )
    parser.add_argument("--frozen", action="store_true", help="only the new layers learn")
    parser.add_argument(
        "--pool", choices=("average", "max", "flatten"), default="average", help="average has maps"
    )
    parser.add_argument("--epochs", type=int, default=10, metavar="N", help="default: 10")
    parser.add_argument(
        "--batch", type=int, default=32, metavar="N", help="pictures in a step (default: 32)"
    )
    parser.add_argument(
        "--rate",
        type=float,
        metavar="X",
        help="highest rate of the new layers (default: 0.01, small networks 0.006); layers that "
        "bring weights learn at a tenth",
    )
    parser.add_argument("--size", type=int, metavar="N", help="side of the input in pixels")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default: 0")
    parser.add_argument(
        "--out",
        default="trained",
        metavar="DIR",
        help="results; a run that was stopped there goes on (default: trained)",
    )
    parser.add_argument(
        "--workers", type=int, default=min(4, max(0, (os.cpu_count() or 1) - 1)),
        metavar="N", help="processes that read pictures (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--yes", action="store_true", help="do not ask before a download")


def _train(asked: argparse.Namespace) -> int:
    from camkit import finetune

    names = ("arch", "weights", "frozen", "pool", "size", "epochs", "batch", "rate", "seed")
    out = Path(asked.out)
    try:
        plan = finetune.Plan(**{name: getattr(asked, name) for name in names})
        data, words = _training_pictures(asked)
        if out.resolve() == data.resolve() or data.resolve() in out.resolve().parents:
            raise Stop(f"--out {out} lies among the pictures, as if it were a class: give another.")
        learn, check = finetune.folders(data, plan.seed)
        print(f"learning from {learn}\nchecking on {check}")
        start = {"none": "random weights", "default": "the published weights"}
        rate = f"{plan.optimizer} with a rate up to {plan.highest_rate:g}"
        print(f"{plan.arch} from {start.get(plan.start, plan.start)}, {rate}; results in {out}")
        run = finetune.train(
            data,
            out,
            plan,
            words=words,
            workers=max(0, asked.workers),
            tell=_tell_epoch,
            progress=sys.stderr.isatty(),  # without a terminal the bar would be noise in a log
        )
    except ImportError as error:
        raise Stop(f"{error}; `camkit doctor` says what to do.") from error
    except ValueError as error:
        raise Stop(_sentence(error)) from error
    except OSError as error:
        told = f"{_sentence(error)} What was written before is whole; the same command goes on."
        raise Stop(told, code=1) from error
    if run.ended != "finished":
        print(f"camkit train: {run.ended}.", file=sys.stderr)
    if run.best is None:
        print("No epoch was finished, so nothing was kept.", file=sys.stderr)
    else:
        right = f"right on {100 * run.best.accuracy:.1f} % of the checking pictures"
        print(f"{out / finetune.MODEL} is the network after epoch {run.best.epoch}, {right}.")
        if plan.pool != "flatten":
            print(f"See what it looks at: camkit cam PHOTO --model {out}")
    return {"finished": 0, "interrupted": 130}.get(run.ended, 1)


def _tell_epoch(epoch: Epoch) -> None:
    from tqdm.auto import tqdm

    tqdm.write(
        f"epoch {epoch.epoch}: loss {epoch.loss:.3f}, right {100 * epoch.accuracy:.1f} %, "
        f"{epoch.seconds:.1f} s"
    )


def _training_pictures(asked: argparse.Namespace) -> tuple[Path, dict[str, str]]:
    """The folder, and what its classes are called in words."""
    from camkit import finetune

    if asked.data != "imagenette" or Path(asked.data).is_dir():
        return Path(asked.data), {}
    here = Path("imagenette2-320").is_dir()
    yes = here or asked.yes or _agreed("Download Imagenette, 340 MB, into this folder?")
    return finetune.imagenette(yes=yes), finetune.WORDS


# --- camkit evaluate ----------------------------------------------------------------------------

WORLD_SPLITS = ("train", "val", "test", "hard", "two")


def _add_evaluate(commands: Any) -> None:
    parser = _command(commands, "evaluate", "measure a network on a whole set", _evaluate)
    add = parser.add_argument
    add(
        "--data", required=True, metavar="DIR", help='the set\'s folder, or "world", which is drawn'
    )
    layouts = ("folder", "ilsvrc", "cub", "voc", "wsol", "sun397", "stanford40", "world")
    add("--layout", choices=layouts, help="how it lies there (default: one folder a class)")
    splits = ", ".join(WORLD_SPLITS)
    add("--split", help=f"of cub, voc, sun397, stanford40; of the world: {splits} (default: test)")
    add("--length", type=int, default=2000, help="of the world (default: 2000)")
    add("--metadata", metavar="DIR", help="of wsol: the lists of one split")
    add("--model", default="objects", help="a network by name (default: objects)")
    add("--weights", metavar="FILE", help="its weights, .pth or .safetensors")
    add("--names", metavar="FILE", help="class names, one a line")
    add("--by", choices=("name", "position"), help="how classes find outputs (default: the set's)")
    add("--threshold", type=float, default=0.2, help="box: share of the maximum (default: 0.2)")
    add("--batch", type=int, default=16, help="pictures in a pass (default: 16)")
    add("--workers", type=int, default=0, help="processes that read (default: 0)")
    add("--device", default="cpu", help='"cuda" for a GPU (default: cpu)')
    add("--out", default="evaluation.csv", metavar="FILE", help="the table (evaluation.csv)")


def _evaluate(asked: argparse.Namespace) -> int:
    net = _network(asked)
    from camkit import evaluate
    from camkit.datasets import PictureFiles

    try:
        samples = _samples(asked, net)
        told = str(samples) if isinstance(samples, PictureFiles) else repr(samples)
        is_first = os.environ.get("RANK", "0") == "0"  # of the processes that torchrun starts
        if is_first:
            print(told)
        found = evaluate.evaluate(
            net.to(_device(asked.device)), samples, asked.out, workers=asked.workers,
            batch=asked.batch, threshold=asked.threshold, by=asked.by,
        )  # fmt: skip
    except ValueError as error:
        raise Stop(_sentence(error)) from error
    except OSError as error:
        told = f"{_sentence(error)} What was written before is whole; the same command goes on."
        raise Stop(told, code=1) from error
    if is_first:
        print(f"{found}\nBoxes keep what is above {asked.threshold:g} of a map's maximum; ", end="")
        print(f"the rows are in {asked.out}.")
        for name, why in found.unreadable:
            print(f"{name}: {why}", file=sys.stderr)
    return 1 if found.unreadable and is_first else 0


def _samples(asked: argparse.Namespace, net: CamModel) -> Sequence[Sample]:
    from camkit import datasets, world

    layout = asked.layout or ("world" if asked.data == "world" else "folder")
    if asked.split is not None and layout not in ("cub", "voc", "sun397", "stanford40", "world"):
        raise Stop(
            f"--split is for cub, voc, sun397, stanford40 and world; the layout {layout} has none."
        )
    if (asked.metadata is not None) != (layout == "wsol"):
        raise Stop("--metadata goes with --layout wsol, and only with it: it names the lists.")
    if layout == "world":
        split = asked.split or "test"
        if split not in WORLD_SPLITS:
            raise Stop(f"--split of the world must be one of {', '.join(WORLD_SPLITS)}.")
        side, length = max(net.size), asked.length
        if split == "two":
            return world.TwoObjects(split="test", size=side, length=length)
        base = "test" if split == "hard" else split
        return world.Objects(split=base, size=side, length=length, hard=split == "hard")
    if layout == "ilsvrc":
        return datasets.ILSVRC(asked.data)
    if layout == "cub":
        return datasets.CUB(asked.data, asked.split or "test")
    if layout == "sun397":
        return datasets.SUN397(asked.data, asked.split or "test")
    if layout == "stanford40":
        return datasets.Stanford40(asked.data, asked.split or "test")
    if layout == "voc":
        return datasets.VOCFolder(asked.data, split=asked.split)
    if layout == "wsol":
        return datasets.WSOL(asked.data, asked.metadata)
    return datasets.ImageFolder(asked.data, None if asked.by == "position" else net.names)


def _device(name: str) -> str:
    """A device that is there; each process of torchrun gets a GPU of its own."""
    import torch

    if not name.startswith("cuda"):
        return name
    if not torch.cuda.is_available():
        raise Stop("--device cuda: there is no GPU that torch can use; leave the option out.")
    return name if ":" in name else f"cuda:{os.environ.get('LOCAL_RANK', '0')}"


def _add_tables(commands: Any) -> None:
    parser = _command(commands, "tables", "print a table of the paper beside ours", _tables)
    parser.add_argument("number", type=int, help="of the table in the paper: 1 to 5")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--csv", dest="form", action="store_const", const="csv", help="for a program")
    form.add_argument(
        "--markdown", dest="form", action="store_const", const="markdown", help="for a page"
    )
    parser.set_defaults(form="text")


def _tables(asked: argparse.Namespace) -> int:
    from camkit import tables

    try:
        told: str = getattr(tables, asked.form)(asked.number)
    except ValueError as error:
        raise Stop(_sentence(error)) from error
    print(told.rstrip("\n"), flush=True)
    return 0


# --- camkit export ------------------------------------------------------------------------------


def _add_export(commands: Any) -> None:
    parser = _command(commands, "export", "copy notebooks for a class, or as slides", _export)
    parser.add_argument(
        "notebooks",
        nargs="*",
        metavar="NOTEBOOK",
        help="files, or 02 for notebook 02 (default: the whole course)",
    )
    parser.add_argument(
        "--slides",
        action="store_true",
        help="slides of text, figures and tables; else copies without outputs and solutions",
    )
    parser.add_argument(
        "--reveal",
        metavar="URL",
        help="where slides find reveal.js: an address, or a folder beside them (default: its own)",
    )
    parser.add_argument("--out", default="export", metavar="DIR", help="results (default: export)")


def _export(asked: argparse.Namespace) -> int:
    try:
        import nbformat

        from camkit import export
    except ImportError as error:
        raise Stop("JupyterLab is not here: pip install jupyterlab.", code=1) from error
    files = _asked_notebooks(asked.notebooks)
    out = Path(asked.out)
    if any(file.resolve().parent == out.resolve() for file in files):
        raise Stop(f"--out {out} is the folder of the notebooks themselves: give another.")
    try:
        out.mkdir(parents=True, exist_ok=True)
        for file in files:
            notebook: Any = nbformat.read(file, as_version=4)  # type: ignore[no-untyped-call]
            if asked.slides:
                text, ending = export.slides(notebook, asked.reveal), ".slides.html"
            else:
                copied = export.student(notebook)
                text, ending = nbformat.writes(copied) + "\n", ".ipynb"  # type: ignore[no-untyped-call]
            with _whole(out / file.stem, ending) as target:
                target.write(text.encode())
    except (OSError, ValueError) as error:
        raise Stop(_sentence(error), code=1) from error
    count = "1 notebook" if len(files) == 1 else f"{len(files)} notebooks"
    print(f"{count}{' as slides' if asked.slides else ''} in {out}.")
    return 0


def _asked_notebooks(named: Sequence[str]) -> list[Path]:
    """Files by name or number; all of the course, in the order of their names, by default."""
    if named:
        places = [find_notebook(one, Path.cwd()) for one in named]
        return [folder / name for folder, name in places]
    folder, _ = find_notebook(None, Path.cwd())
    return sorted(folder.glob("*.ipynb"))


def _add_doctor(commands: Any) -> None:
    _command(commands, "doctor", "tell what is installed, mismatched and present", _doctor)


def _doctor(asked: argparse.Namespace) -> int:
    from camkit import doctor

    lines = doctor.examine()
    print(doctor.report(lines))
    return 1 if any(line.bad for line in lines) else 0
