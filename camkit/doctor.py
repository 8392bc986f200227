"""What is installed, what does not fit together, what is present: the report of `camkit doctor`.

The judgements are pure functions of versions, texts and exceptions; `examine` feeds them.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

Verdict: TypeAlias = Literal["ok", "warn", "missing", "broken"]

IMPORT_NAMES = {"pillow": "PIL", "scikit-learn": "sklearn"}
"""Packages that are imported under another name than they are installed under."""

BOTH_TORCHES = (
    "Install both in one command, from one place, so that they are one pair of builds: "
    "pip install --force-reinstall torch torchvision (with conda: pytorch and torchvision)."
)


@dataclass(frozen=True)
class Line:
    """One line of the report.

    Args:
        verdict: "ok", "warn" (the course runs), "missing" or "broken" (mend it).
        told: what was found.
        do: what to do about it.
    """

    verdict: Verdict
    told: str
    do: str = ""

    @property
    def bad(self) -> bool:
        """Whether it must be mended before the course runs."""
        return self.verdict in ("missing", "broken")

    def __str__(self) -> str:
        more = f"\n{'':9}{self.do}" if self.do else ""
        return f"{self.verdict:<9}{self.told}{more}"


def examine() -> list[Line]:
    """Look at this machine.

    Returns:
        The lines of the report, in reading order.
    """
    lines = [judge_python(sys.version_info[:2]), *_camkit_lines()]
    wanted = _requirements()
    for package, minimum in wanted["needed"]:
        lines.append(_look_at(package, minimum, needed=True))
    lines += _torch_lines()
    for package, minimum in wanted["course"]:
        lines.append(_look_at(package, minimum, needed=False))
    return [*lines, _kernel_line(), *_machine_lines(), *_network_lines()]


def report(lines: list[Line]) -> str:
    """Write the report: one verdict a line, and the count of what must be mended.

    Args:
        lines: from `examine`.

    Returns:
        Text of several lines.

    Example:
        >>> print(report([Line("ok", "Python 3.11"), Line("missing", "numpy", "Install it.")]))
        ok       Python 3.11
        missing  numpy
                 Install it.
        <BLANKLINE>
        1 thing must be mended, marked "missing" or "broken" above.
    """
    bad = sum(line.bad for line in lines)
    if bad == 0:
        end = "Nothing must be mended."
    else:
        things = "1 thing" if bad == 1 else f"{bad} things"
        end = f'{things} must be mended, marked "missing" or "broken" above.'
    return "\n".join([*map(str, lines), "", end])


# --- judgements ---------------------------------------------------------------------------------


def version_numbers(version: str) -> tuple[int, ...]:
    """Read the numbers of a version, without its build tag and without zeros at its end.

    Example:
        >>> version_numbers("2.14.1+cu130"), version_numbers("2.2.0") == version_numbers("2.2")
        ((2, 14, 1), True)
    """
    found = re.match(r"\d+(?:\.\d+)*", version)
    numbers = [int(part) for part in found[0].split(".")] if found else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def judge_python(version: tuple[int, int]) -> Line:
    """Judge the Python: camkit is written for 3.10 and later.

    Example:
        >>> judge_python((3, 8)).verdict
        'broken'
    """
    told = f"Python {version[0]}.{version[1]}"
    if version < (3, 10):
        return Line("broken", told, "camkit needs Python 3.10 or later: make a new environment.")
    return Line("ok", told)


def judge_package(package: str, version: str | None, minimum: str, needed: bool) -> Line:
    """Judge an installed package by its version alone.

    Args:
        package: its name.
        version: what is installed, or None.
        minimum: the least version that camkit was written for.
        needed: False where only the notebooks need it.

    Example:
        >>> str(judge_package("numpy", "1.25.0", "1.26", needed=True).verdict)
        'broken'
        >>> judge_package("ipywidgets", None, "8.1", needed=False).verdict
        'warn'
    """
    install = f'pip install "{package}>={minimum}"'
    if version is None:
        purpose = "" if needed else ", which only the notebooks need"
        return Line(
            "missing" if needed else "warn", f"{package} is not here{purpose}", f"{install}."
        )
    if version_numbers(version) < version_numbers(minimum):
        return Line(
            "broken" if needed else "warn",
            f"{package} {version} is older than {minimum}",
            f"{install}.",
        )
    return Line("ok", f"{package} {version}")


def judge_pair(torch_version: str, vision_version: str) -> Line:
    """Judge whether a torchvision was built for this torch: torch 2.x goes with 0.(x + 15).

    Args:
        torch_version: such as "2.14.1+cu130".
        vision_version: such as "0.29.1+cpu".

    Example:
        >>> judge_pair("2.14.1+cu130", "0.29.1+cu130").verdict
        'ok'
        >>> judge_pair("2.14.1+cpu", "0.29.1+cu130").verdict
        'broken'
        >>> judge_pair("2.14.1", "0.20.0").told
        'torchvision 0.20.0 was not built for torch 2.14.1, which goes with torchvision 0.29'
    """
    torch_numbers, vision_numbers = version_numbers(torch_version), version_numbers(vision_version)
    if torch_numbers[:1] == (2,):
        partner = (0, (*torch_numbers, 0)[1] + 15)
        if vision_numbers[:2] != partner:
            return Line(
                "broken",
                f"torchvision {vision_version} was not built for torch {torch_version}, "
                f"which goes with torchvision 0.{partner[1]}",
                BOTH_TORCHES,
            )
    torch_build, vision_build = _build_tag(torch_version), _build_tag(vision_version)
    if torch_build and vision_build and torch_build != vision_build:
        return Line(
            "broken",
            f"torch is a {_named(torch_build)} build, but torchvision a {_named(vision_build)} "
            f"build ({torch_version} beside {vision_version})",
            BOTH_TORCHES,
        )
    return Line("ok", f"torchvision {vision_version} fits torch {torch_version}")


def _build_tag(version: str) -> str:
    """The build after the plus sign where it names a device, such as cpu, cu130 or rocm6.4."""
    tag = version.partition("+")[2]
    return tag if re.match(r"cpu|cu\d|rocm|xpu", tag) else ""


def _named(tag: str) -> str:
    digits = re.fullmatch(r"cu(\d+)(\d)", tag)
    return f"CUDA {digits[1]}.{digits[2]}" if digits else "CPU" if tag == "cpu" else tag


def judge_import_error(package: str, error: BaseException) -> Line:
    """Recognise why an installed package cannot be imported, and say what to do.

    Args:
        package: what was imported.
        error: what it raised.

    Example:
        >>> error = RuntimeError("operator torchvision::nms does not exist")
        >>> print(judge_import_error("torchvision", error).told)
        torchvision does not fit torch: its compiled operators were built for another one
    """
    said = " ".join(str(error).split())
    if "torchvision::" in said or (package == "torchvision" and "undefined symbol" in said):
        return Line(
            "broken",
            f"{package} does not fit torch: its compiled operators were built for another one",
            f"Often a CPU build beside a CUDA build. {BOTH_TORCHES}",
        )
    if re.search(r"compiled using NumPy 1|numpy\.(core|_core)\.multiarray|_ARRAY_API", said) or (
        "numpy.dtype size changed" in said or "numpy.ndarray size changed" in said
    ):
        return Line(
            "broken",
            f"{package} was built for another NumPy than the one installed",
            f"Install a matching pair: pip install --upgrade --force-reinstall numpy {package}.",
        )
    if "Numba needs NumPy" in said:
        return Line(
            "broken",
            f"numba does not know the installed NumPy yet ({said})",
            "pip install --upgrade numba, or an older numpy.",
        )
    if re.search(r"lib\w*(cuda|cublas|cudnn|nvrtc|nccl)\S*: cannot open shared object", said):
        return Line(
            "broken",
            f"{package} is a CUDA build whose CUDA libraries are not here ({said})",
            BOTH_TORCHES,
        )
    if "DLL load failed" in said:
        return Line(
            "broken",
            f"{package} lacks a Windows library ({said})",
            "Install Microsoft's Visual C++ Redistributable, then start again.",
        )
    if isinstance(error, ModuleNotFoundError):
        return Line(
            "missing",
            f"{package} needs {error.name}, which is not here",
            f"pip install --force-reinstall {package}.",
        )
    return Line(
        "broken",
        f"{package} is installed but cannot be imported ({type(error).__name__}: {said[:200]})",
        f"pip install --force-reinstall {package}.",
    )


def judge_memory(available: float | None) -> Line:
    """Judge the free memory: a notebook of the course stays under 0.9 GB.

    Args:
        available: in bytes, or None where the system does not tell.

    Example:
        >>> judge_memory(0.5e9).verdict, judge_memory(8e9).told
        ('warn', 'memory: 8.0 GB free')
    """
    if available is None:
        return Line("ok", "memory: this system does not tell how much is free")
    told = f"memory: {available / 1e9:.1f} GB free"
    if available < 1e9:
        return Line("warn", told, "A notebook needs up to 0.9 GB: close other programs.")
    return Line("ok", told)


def judge_disk(free: float, folder: str) -> Line:
    """Judge the free disk.

    Args:
        free: in bytes.
        folder: where.

    Example:
        >>> judge_disk(1e8, "here").verdict
        'warn'
    """
    told = f"disk: {free / 1e9:.1f} GB free in {folder}"
    if free < 5e8:
        return Line("warn", told, "A pretrained network is up to 0.5 GB: make room to fetch one.")
    return Line("ok", told)


def judge_kernel(kernel: str | None, here: str) -> Line:
    """Judge whether notebooks run in the environment that camkit is in.

    Args:
        kernel: the Python that Jupyter's kernel "python3" starts, or None where there is none.
        here: the Python that runs this.

    Example:
        >>> judge_kernel("/usr/bin/python3", "/home/me/.venv/bin/python").verdict
        'broken'
    """
    if kernel is None:
        return Line(
            "warn", "Jupyter has no kernel, which only the notebooks need", "pip install ipykernel."
        )
    # A name without a folder is looked up beside the server, which is this environment.
    same = os.path.dirname(kernel) == "" or _folder(kernel) == _folder(here)
    if not same:
        return Line(
            "broken",
            f"notebooks would run in {kernel}, not in {here}, where camkit is",
            f"{here} -m ipykernel install --sys-prefix --name python3; if it still differs, "
            "jupyter kernelspec list shows which folder hides it.",
        )
    return Line("ok", "notebooks run in the same environment as camkit")


def _folder(python: str) -> str:
    # Not resolved: the python of a virtual environment is a link to the one outside it.
    return os.path.normcase(os.path.dirname(os.path.abspath(python)))


def requirements_from(lines: list[str]) -> dict[str, list[tuple[str, str]]]:
    """Sort a package's requirements into those it needs and those of its notebooks.

    Args:
        lines: as in package metadata.

    Returns:
        "needed" and "course", lists of name and least version.

    Example:
        >>> requirements_from(["numpy>=1.26", 'ipywidgets>=8.1; extra == "course"'])
        {'needed': [('numpy', '1.26')], 'course': [('ipywidgets', '8.1')]}
    """
    found: dict[str, list[tuple[str, str]]] = {"needed": [], "course": []}
    for line in lines:
        parts = re.match(r"([\w.-]+)\s*(?:>=\s*([\d.]+))?[^;]*(?:;\s*(.*))?$", line)
        if parts is None:
            continue
        extra = re.search(r"extra\s*==\s*['\"](\w+)['\"]", parts[3] or "")
        room = extra[1] if extra else "needed"
        if room in found:
            found[room].append((parts[1].lower(), parts[2] or "0"))
    return found


# --- looking ------------------------------------------------------------------------------------


def _requirements() -> dict[str, list[tuple[str, str]]]:
    try:
        return requirements_from(importlib.metadata.requires("camkit") or [])
    except importlib.metadata.PackageNotFoundError:
        return requirements_from(["numpy", "scipy", "numba", "pillow", "torch", "torchvision"])


def _camkit_lines() -> list[Line]:
    import camkit

    told = f"camkit {camkit.__version__}, in {Path(camkit.__file__).parent}"
    try:
        importlib.metadata.version("camkit")
    except importlib.metadata.PackageNotFoundError:
        return [Line("warn", f"{told}, not installed", "In its folder: pip install -e .[course].")]
    return [Line("ok", told)]


def _look_at(package: str, minimum: str, needed: bool) -> Line:
    try:
        version = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return judge_package(package, None, minimum, needed)
    line = judge_package(package, version, minimum, needed)
    if line.verdict != "ok" or not needed:
        return line
    error = _import(IMPORT_NAMES.get(package, package.replace("-", "_")))
    return line if error is None else judge_import_error(package, error)


def _import(module: str) -> BaseException | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            importlib.import_module(module)
    except Exception as error:  # whatever a broken build raises is what is to be judged
        return error
    return None


def _torch_lines() -> list[Line]:
    if _import("torch") is not None:
        return []  # already told
    import numpy as np
    import torch

    device = "a CUDA build" if torch.version.cuda else "a CPU build"
    if torch.version.cuda:
        device += ", GPU found" if torch.cuda.is_available() else " without a GPU: runs on the CPU"
    lines = [Line("ok", f"torch is {device}, {torch.get_num_threads()} thread(s)")]
    try:
        torch.from_numpy(np.zeros(1))
    except RuntimeError as error:
        lines.append(judge_import_error("torch", RuntimeError(f"_ARRAY_API: {error}")))
    vision = vision_version()
    if vision is not None:
        lines.append(judge_pair(str(torch.__version__), vision))
    return lines


def vision_version() -> str | None:
    """Read torchvision's version and build without importing it, which a mismatch forbids.

    Returns:
        Such as "0.29.1+cu130", or None where it is not installed.
    """
    spec = importlib.util.find_spec("torchvision")
    if spec is None or not spec.submodule_search_locations:
        return None
    file = Path(spec.submodule_search_locations[0], "version.py")
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    told = re.search(r"__version__ = ['\"]([^'\"]+)['\"]", text)
    return told[1] if told else importlib.metadata.version("torchvision")


def _kernel_line() -> Line:
    try:
        manager: Any = importlib.import_module("jupyter_client.kernelspec")
        kernel = manager.KernelSpecManager().get_kernel_spec("python3").argv[0]
    except Exception:  # no Jupyter, no kernel, or a damaged one: in each case there is none
        kernel = None
    return judge_kernel(kernel, sys.executable)


def _machine_lines() -> list[Line]:
    folder = Path.cwd()
    return [
        Line("ok", f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors"),
        judge_memory(_free_memory()),
        judge_disk(shutil.disk_usage(folder).free, str(folder)),
    ]


def _free_memory() -> float | None:
    """Linux tells what can be had without swapping; other systems only what is unused, or not."""
    try:
        told = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text())
        if told:
            return int(told[1]) * 1024.0
    except OSError:
        pass
    sysconf: Callable[[str], int] | None = getattr(os, "sysconf", None)
    try:
        pages = sysconf("SC_AVPHYS_PAGES") if sysconf else -1
        return float(pages * os.sysconf("SC_PAGE_SIZE")) if pages > 0 else None
    except (ValueError, OSError):
        return None


def _network_lines() -> list[Line]:
    if _import("camkit.zoo") is not None:
        return []  # torch is broken, which is told above
    from camkit import zoo

    found = zoo.available()
    shipped = [f.name for f in found if f.kind == "shipped"]
    others = [f.name for f in found if f.kind != "shipped"]
    here = f"shipped networks: {', '.join(shipped)}"
    return [
        Line("ok", here)
        if shipped
        else Line("missing", "no shipped network is here", "Install camkit again."),
        Line("ok", f"pretrained networks found: {', '.join(others) or 'none, and none is needed'}"),
    ]
