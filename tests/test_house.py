"""The house around the package: what ships, what is written, what a newcomer's commands do."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import camkit
from course import build

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
WRITTEN = {".py", ".md", ".ipynb", ".toml", ".yml", ".cff", ".json", ".css", ".html", ".js", ""}


def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


# ---------------------------------------------------------------- what is written


def written_files() -> list[Path]:
    """Return the project's own text files: those git knows of, or all where there is no git."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0:
        files = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        files = [path for path in ROOT.rglob("*") if ".venv" not in path.parts]
    return sorted(path for path in files if path.suffix in WRITTEN and path.is_file())


# Written in pieces, so that this file does not find itself.
UNFINISHED = "TO" + "DO|FIX" + "ME|XX" + "X|lorem" + " ipsum"
FORBIDDEN = {
    # "/home/me/" is how a docstring speaks of nobody's machine.
    "a path of one machine": r"(?<![\w.:/$}])/(?:work|tmp|root|opt|home|Users)/(?!me/)[\w.]",
    "unfinished work": rf"\b(?:{UNFINISHED})\b",
    "a package registry": r"(?:pypi|npmjs|pythonhosted)\.(?:org|com)|--extra-index" + "-url",
    "the folder of real material": "shared/" + "realdata",
}
ALLOWED = {("the folder of real material", ".ci/run")}


def blemishes(text: str) -> list[str]:
    """Return what stands in a text that no published file may hold."""
    return [
        f"{what}: {match.group()!r}"
        for what, pattern in FORBIDDEN.items()
        if (match := re.search(pattern, text))
    ]


def test_no_file_speaks_of_a_machine_or_of_unfinished_work() -> None:
    found = []
    for path in written_files():
        name = path.relative_to(ROOT).as_posix()
        for said in blemishes(path.read_text(encoding="utf-8")):
            if (said.split(":")[0], name) not in ALLOWED:
                found.append(f"{name} holds {said}")
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "see /ho" + "me/ada/photos",
        "open('/tm" + "p/x.png')",
        "# TO" + "DO later",
        "from https://py" + "pi.org/simple",
        "../shared/" + "realdata/img.jpg",
    ],
)
def test_a_blemish_is_found(text: str) -> None:
    assert len(blemishes(text)) == 1


@pytest.mark.parametrize("text", ["docs/root/a", "https://example.org/home/x", "w / h", "./tmp/a"])
def test_plain_text_is_no_blemish(text: str) -> None:
    assert blemishes(text) == []


def test_links_between_the_texts_lead_somewhere() -> None:
    lost = []
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)", path.read_text(encoding="utf-8")):
            if "://" not in target and not (path.parent / target).exists():
                lost.append(f"{path.name} -> {target}")
    assert lost == []


def test_the_readme_lists_the_notebooks_that_exist() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| \[[^]]+\]\(notebooks/(\S+)\.ipynb\)", readme, re.MULTILINE)
    exist = {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")} - {"index"}
    assert listed == sorted(exist, key=build.place), (
        "the table in README.md names every notebook, in order"
    )


def test_the_readmes_example_runs_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only the weights differ: random ones stand in for those that `camkit fetch` brings."""
    torchvision = pytest.importorskip("torchvision")
    import numpy as np
    import torch
    from PIL import Image

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    example = re.search(r"```python\n(.*?)```", readme, re.DOTALL)
    assert example is not None
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    torch.save(torchvision.models.resnet18().state_dict(), "random.pth")
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    Image.fromarray(noise).save("photo.jpg")
    load = camkit.load
    monkeypatch.setattr(camkit, "load", lambda name: load(name, weights="random.pth"))
    face: dict[str, Any] = {}
    exec(example.group(1), face)
    claimed = re.search(r"# \((1, 5, 7, 7)\)", example.group(1))
    assert claimed is not None
    assert f"[{claimed.group(1)}]" in capsys.readouterr().out
    assert len(face["result"].names[0]) == 5


# ---------------------------------------------------------------- one version, one address


def test_the_version_is_the_same_everywhere() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## (\S+)", changelog, re.MULTILINE)
    assert newest is not None
    assert "version" not in pyproject()["project"], "camkit.__version__ is the one place"
    assert citation["version"] == newest.group(1) == camkit.__version__


def test_the_citation_names_the_course_and_the_paper() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert citation["authors"] == pyproject()["project"]["authors"]
    (paper,) = citation["references"]
    assert len(paper["authors"]) == 5
    assert (paper["start"], paper["end"], paper["year"]) == (2921, 2929, 2016)


def test_both_licences_name_their_holder() -> None:
    for name, title in [("LICENSE", "MIT License"), ("LICENSE-CONTENT", "Attribution 4.0")]:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert title in text
        assert "The camkit developers" in text


# ---------------------------------------------------------------- what a wheel carries


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Build the wheel from a copy, so that nothing is left behind in the tree."""
    source = tmp_path_factory.mktemp("source")
    shutil.copytree(
        ROOT / "camkit", source / "camkit", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in ("pyproject.toml", "README.md", "LICENSE", "LICENSE-CONTENT"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q"]
    done = subprocess.run(
        [*command, "--wheel-dir", str(source / "out"), str(source)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    (built,) = (source / "out").glob("*.whl")
    return zipfile.ZipFile(built)


def test_the_wheel_carries_every_file_of_the_package(wheel: zipfile.ZipFile) -> None:
    here = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "camkit").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    packed = {name for name in wheel.namelist() if name.startswith("camkit/")}
    assert "camkit/py.typed" in packed
    assert packed == here


def test_the_wheel_names_version_licences_and_command(wheel: zipfile.ZipFile) -> None:
    info = f"camkit-{camkit.__version__}.dist-info"
    metadata = wheel.read(f"{info}/METADATA").decode()
    assert f"\nVersion: {camkit.__version__}\n" in metadata
    assert "\nLicense-Expression: MIT AND CC-BY-4.0\n" in metadata
    assert f"{info}/licenses/LICENSE-CONTENT" in wheel.namelist()
    assert b"camkit = camkit.cli:main" in wheel.read(f"{info}/entry_points.txt")


# ---------------------------------------------------------------- conda and Binder

CONDA_NAMES = {"torch": "pytorch-cpu", "matplotlib": "matplotlib-base"}
CONDA_ALONE = {"python", "pip"}


def conda_specs() -> dict[str, str]:
    """Return the conda environment as {package: version spec}."""
    from rattler import MatchSpec

    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    specs = [MatchSpec(line) for line in environment["dependencies"]]
    return {str(spec.name.normalized): str(spec.version or "") for spec in specs}


def test_conda_and_pip_name_the_same_packages_and_bounds() -> None:
    project = pyproject()["project"]
    listed = [*project["dependencies"], *project["optional-dependencies"]["course"]]
    wanted = {
        CONDA_NAMES.get(package.name, package.name): str(package.specifier)
        for package in map(Requirement, listed)
    }
    found = {name: spec for name, spec in conda_specs().items() if name not in CONDA_ALONE}
    assert found == wanted


def test_condas_python_is_one_the_package_allows() -> None:
    spec = conda_specs()["python"]
    version = spec.strip("=").removesuffix(".*")
    assert version in SpecifierSet(pyproject()["project"]["requires-python"])


def test_binders_environment_equals_the_root_one() -> None:
    assert (ROOT / "binder/environment.yml").read_bytes() == (ROOT / "environment.yml").read_bytes()


def test_repo2docker_picks_the_files_of_binder(monkeypatch: pytest.MonkeyPatch) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its own logging library's
        from repo2docker.app import Repo2Docker

    monkeypatch.chdir(ROOT)
    app = Repo2Docker()
    packs = [kind(base_image=app.base_image) for kind in app.buildpacks]
    pack = next(pack for pack in packs if pack.detect())
    assert type(pack).__name__ == "CondaBuildPack"
    assert Path(pack.binder_dir) == Path("binder")
    assert Path(pack.binder_path("environment.yml")) == Path("binder/environment.yml")
    assert pack.get_post_build_scripts() == ["binder/postBuild"]
    assert pack.get_start_script() == "${REPO_DIR}/binder/start"
    assert conda_specs()["python"].strip("=").removesuffix(".*") == pack.python_version


@pytest.mark.parametrize("name", ["binder/postBuild", "binder/start", ".ci/run"])
def test_scripts_are_executable_and_parse(name: str) -> None:
    assert os.access(ROOT / name, os.X_OK)
    subprocess.run(["bash", "-n", str(ROOT / name)], check=True)


def test_start_hands_over_to_its_command_with_one_thread() -> None:
    done = subprocess.run(
        [ROOT / "binder/start", "sh", "-c", 'echo "$OMP_NUM_THREADS $1"', "_", "two words"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "1 two words\n"


def test_post_build_stops_at_the_first_failure(tmp_path: Path) -> None:
    (tmp_path / "pip").write_text("#!/bin/sh\nexit 3\n")
    (tmp_path / "pip").chmod(0o755)
    environment = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "CAMKIT_FETCH": "x"}
    done = subprocess.run([ROOT / "binder/postBuild"], env=environment, check=False)
    assert done.returncode == 3


# ---------------------------------------------------------------- make


def targets() -> list[str]:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert phony is not None
    return phony.group(1).split()


def test_every_target_is_real_and_documented() -> None:
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in targets():
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
        assert re.search(rf"^\| `make {target}\b", contributing, re.MULTILINE), target


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_the_documented_commands_are_those_make_runs(tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    words = {
        "lab": "camkit lab",
        "test": "pytest -n 2 --dist loadfile",
        "weights": "python -m camkit.recipes",
    }
    for target, command in words.items():
        done = subprocess.run(
            ["make", "-n", target], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        row = next(line for line in contributing.splitlines() if f"| `make {target}`" in line)
        assert command in done.stdout
        assert command in row
        assert "python3 -m venv .venv" in done.stdout
        assert "pip install" in done.stdout


# ---------------------------------------------------------------- badges


def badges() -> ModuleType:
    spec = importlib.util.spec_from_file_location("badges", ROOT / "tools/badges.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(params=["markers", "no markers"])
def copy(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A small copy of the project: pyproject, README, one course source and its notebook."""
    for name in ("pyproject.toml", "README.md", "tools/badges.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    markers = "<!-- badges -->\n<!-- /badges -->\n\n" if request.param == "markers" else ""
    words = f"# Title\n\n{markers}Text."
    (tmp_path / "course").mkdir()
    (tmp_path / "course/00_start.md").write_text(words + "\n", encoding="utf-8")
    cells = [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": words.splitlines(True)},
        {"cell_type": "code", "id": "b", "metadata": {}, "source": ["x = 'é'"], "outputs": []},
    ]
    (tmp_path / "notebooks").mkdir()
    text = json.dumps({"cells": cells, "nbformat": 4}, indent=1, ensure_ascii=False) + "\n"
    (tmp_path / "notebooks/00_start.ipynb").write_text(text, encoding="utf-8")
    return tmp_path


def snapshot(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_badges_write_the_address_and_the_links(copy: Path) -> None:
    command = [sys.executable, "tools/badges.py", "ada/cam"]
    subprocess.run(command, cwd=copy, check=True)
    data = tomllib.loads((copy / "pyproject.toml").read_text(encoding="utf-8"))
    assert data["tool"]["camkit"]["repository"] == "ada/cam"
    readme = (copy / "README.md").read_text(encoding="utf-8")
    lab = "https://mybinder.org/v2/gh/ada/cam/main?urlpath=lab/tree/notebooks"
    assert f"{lab}/index.ipynb" in readme
    source = (copy / "course/00_start.md").read_text(encoding="utf-8")
    assert f"{lab}/00_start.ipynb" in source
    colab = "https://colab.research.google.com/github/ada/cam/blob/main/notebooks/00_start.ipynb"
    assert colab in source
    notebook = json.loads((copy / "notebooks/00_start.ipynb").read_text(encoding="utf-8"))
    assert "".join(notebook["cells"][0]["source"]) + "\n" == source
    assert source.startswith("# Title\n\n<!-- badges -->\nOpen this notebook [on Binder](")
    assert source.endswith("\n<!-- /badges -->\n\nText.\n")
    assert notebook["cells"][1]["source"] == ["x = 'é'"]


def test_badges_change_nothing_the_second_time(copy: Path) -> None:
    module = badges()
    assert len(module.write(copy, "ada/cam")) == 4
    before = snapshot(copy)
    assert module.write(copy, "ada/cam") == []
    assert snapshot(copy) == before


def test_another_address_replaces_the_first(copy: Path) -> None:
    module = badges()
    module.write(copy, "ada/cam")
    module.write(copy, "grace/maps")
    assert not any(b"ada/cam" in data for data in snapshot(copy).values())


@pytest.mark.parametrize("wrong", ["", "ada", "ada/", "a/b/c", "https://example.org/a/b", "a b/c"])
def test_badges_refuse_what_is_no_address(copy: Path, wrong: str) -> None:
    before = snapshot(copy)
    done = subprocess.run(
        [sys.executable, "tools/badges.py", wrong], cwd=copy, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "owner/name" in done.stderr
    assert snapshot(copy) == before


def test_no_link_stands_before_the_address_is_known() -> None:
    if pyproject()["tool"]["camkit"]["repository"]:
        pytest.skip("the address is known: the links stand")
    for path in [ROOT / "README.md", *(ROOT / "course").glob("*.md")]:
        assert "mybinder.org/v2" not in path.read_text(encoding="utf-8"), path.name


def test_the_readme_has_a_place_for_the_badges() -> None:
    assert badges().BLOCK.search((ROOT / "README.md").read_text(encoding="utf-8"))
