"""What imports what: the floors of the package, and what ``import camkit`` costs."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "camkit"

# Floor of each room. A room imports from floors below its own, and from the neighbours named.
FLOORS = {
    "cam": 0,
    "boxes": 0,
    "metrics": 0,
    "images": 0,
    "heads": 1,
    "relatives": 1,
    "saliency": 1,
    "world": 1,
    "zoo": 2,
    "train": 2,
    "recipes": 2,
    "finetune": 2,
    "transfer": 2,
    "probe": 2,
    "datasets": 2,
    "plot": 3,
    "tables": 3,
    "evaluate": 3,
    "discover": 3,
    "trust": 3,
    "weak": 3,
    "widgets": 4,
    "check": 4,
    "cli": 5,
    "doctor": 5,
    "export": 5,
}
NEIGHBOURS = {
    "images": {"cam"},  # a map is carried back by the one function that upsamples
    "metrics": {"boxes"},
    "relatives": {"heads"},
    "saliency": {"heads"},
    "train": {"datasets", "zoo"},
    "recipes": {"train", "zoo"},
    "finetune": {"train", "datasets", "zoo"},
    "transfer": {"datasets"},
    "tables": {"discover"},
    "cli": {"doctor", "export"},
}
# Narrower than its floor: the one room that may import nothing but the ground floor.
ONLY_GROUND = {"export"}
# Libraries beside the standard library, where a room's duty names them all.
LIBRARIES = {
    "cam": {"numpy", "torch"},
    "boxes": {"numpy", "scipy", "numba"},
    "metrics": {"numpy"},
    "images": {"numpy", "PIL", "torch"},
}
# Libraries that belong to some rooms alone.
HOMES = {
    "ipywidgets": {"widgets", "check", "cli"},
    "sklearn": {"transfer", "evaluate", "discover", "trust", "weak"},
}


def room_of(path: Path) -> str:
    """Return the room a file belongs to: ``camkit/world/ink.py`` belongs to ``world``."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> Iterator[tuple[str, bool]]:
    """Yield (dotted name, stands at the top of the file) for every import, late ones included."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    late = {
        id(node)
        for scope in ast.walk(tree)
        if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(scope)
    }
    package = ["camkit", *path.relative_to(PACKAGE).parent.parts]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, id(node) not in late
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                yield f"{base}.{alias.name}", id(node) not in late


def broken_floors(path: Path) -> list[str]:
    """Return one sentence for every import of a file that its room may not make."""
    room = room_of(path)
    if room not in FLOORS:
        return [f"{path.name}: {room!r} has no floor; give it one in the table above"]
    said = []
    for name, at_top in imports_of(path):
        top, _, rest = name.partition(".")
        if top == "camkit":
            target = rest.split(".")[0]
            ground = target in FLOORS and FLOORS[target] == 0
            below = target in FLOORS and FLOORS[target] < FLOORS[room]
            allowed = ground if room in ONLY_GROUND else below or target in NEIGHBOURS.get(room, ())
            if target in FLOORS and target != room and not allowed:
                said.append(f"{room} may not import {target}: it is not on a floor below")
        elif top in sys.stdlib_module_names:
            continue
        elif room in LIBRARIES and top not in LIBRARIES[room]:
            said.append(f"{room} may not import {top}; its libraries are {LIBRARIES[room]}")
        elif top in HOMES and room not in HOMES[top]:
            said.append(f"{top} belongs to {HOMES[top]}, not to {room}")
        elif top == "torchvision" and at_top:
            said.append(f"{room} must import torchvision where it is used, not at the top")
        elif top == "torch" and room == "world":
            said.append("world draws pictures in many processes and must not import torch")
    return said


MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_only_from_floors_below(path: Path) -> None:
    assert broken_floors(path) == []


@pytest.mark.parametrize(
    ("room", "line", "word"),
    [
        ("cam", "from camkit.heads import CamModel", "may not import heads"),
        ("cam", "from camkit import zoo", "may not import zoo"),
        ("cam", "from . import plot", "may not import plot"),
        ("cam", "def f():\n    import camkit.images", "may not import images"),
        ("boxes", "import cv2", "may not import cv2"),
        ("heads", "import torchvision.models", "where it is used"),
        ("world", "import torch", "must not import torch"),
        ("zoo", "import sklearn.svm", "belongs to"),
        ("export", "from camkit.plot import show", "may not import plot"),
        ("attic", "import numpy", "no floor"),
    ],
)
def test_a_forbidden_import_is_found(
    room: str, line: str, word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path)
    path = tmp_path / f"{room}.py"
    path.write_text(line, encoding="utf-8")
    assert word in " ".join(broken_floors(path))


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("metrics", "from camkit.boxes import box_from_map"),
        ("heads", "def f():\n    import torchvision"),
        ("cli", "from camkit import export, zoo"),
    ],
)
def test_an_allowed_import_is_let_through(
    room: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path)
    path = tmp_path / f"{room}.py"
    path.write_text(line, encoding="utf-8")
    assert broken_floors(path) == []


def run(code: str) -> str:
    """Run a few lines in a fresh interpreter and return what they print."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=PACKAGE.parent,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def loaded_by(statement: str) -> set[str]:
    """Return the top-level modules that one statement loads."""
    code = f"{statement}; import json, sys; print(json.dumps(sorted(sys.modules)))"
    return {name.partition(".")[0] for name in json.loads(run(code))}


def test_import_camkit_is_cheap() -> None:
    heavy = {"matplotlib", "ipywidgets", "sklearn", "torchvision", "torch", "scipy", "numba"}
    assert not heavy & loaded_by("import camkit")


def test_the_equations_load_neither_figures_nor_torchvision() -> None:
    loaded = loaded_by("import camkit.cam, camkit.boxes, camkit.images, camkit.heads")
    assert "torch" in loaded
    assert not {"matplotlib", "ipywidgets", "sklearn", "torchvision"} & loaded


def test_the_world_loads_no_torch() -> None:
    assert not {"torch", "torchvision"} & loaded_by("import camkit.world")


def test_every_module_imports_without_torchvision() -> None:
    """A CPU torch beside a CUDA torchvision fails on import; the package must still stand."""
    code = """
import importlib, pkgutil, sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torchvision":
            raise RuntimeError("operator torchvision::nms does not exist")

sys.meta_path.insert(0, Blocker())
import camkit
for module in pkgutil.walk_packages(camkit.__path__, "camkit."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
        print(module.name)
"""
    names = run(code).split()
    assert "camkit.cam" in names
    assert "camkit.heads" in names


def test_every_name_of_the_face_is_found() -> None:
    import camkit

    for name in camkit.__all__:
        assert getattr(camkit, name) is not None, name
    with pytest.raises(AttributeError, match="no attribute 'no_such_name'"):
        _ = camkit.no_such_name
