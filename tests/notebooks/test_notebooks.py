"""The committed notebooks: equal to their sources, clean, complete; their checks mean something.

That every cell runs from a fresh kernel is what nbval adds, over ``notebooks/``.
"""

from __future__ import annotations

from pathlib import Path

import anatomy
import nbformat
import pytest
import saved
from nbformat import NotebookNode

from course import build

SOURCES = build.sources()
each = pytest.mark.parametrize("source", SOURCES, ids=lambda p: p.stem)


def committed(source: Path) -> NotebookNode:
    return nbformat.read(build.NOTEBOOKS / f"{source.stem}.ipynb", as_version=4)


def verdicts(notebook: NotebookNode) -> list[str]:
    """The first line that each check cell shows."""
    found = []
    for cell in notebook.cells:
        if "check" in build.tags(cell):
            shown = [o["data"]["text/plain"] for o in cell.outputs if "data" in o]
            found.append(shown[-1].splitlines()[0] if shown else "nothing")
    return found


def test_every_notebook_has_a_source_and_every_source_a_notebook() -> None:
    assert SOURCES
    there = {p.stem for p in build.NOTEBOOKS.glob("*.ipynb")}
    assert there == {p.stem for p in SOURCES}


@each
def test_pair(source: Path) -> None:
    assert build.differences(source) == []


@each
def test_saved_form(source: Path) -> None:
    notebook = committed(source)
    assert saved.check(source.stem, notebook) == []
    assert [c.id for c in notebook.cells] == [
        c.id for c in build.expand(source.read_text("utf-8"), source.stem).cells
    ]
    assert build.strip(committed(source)) == notebook
    path = build.NOTEBOOKS / f"{source.stem}.ipynb"
    assert path.read_text("utf-8") == build.written(notebook)


@each
def test_anatomy(source: Path) -> None:
    assert anatomy.check(source.stem, committed(source)) == []


@each
def test_measured_limits(source: Path) -> None:
    """Three times the aim is too much; the aim itself is told by the builder."""
    measured = committed(source).metadata.camkit
    assert 0 < measured["seconds"] <= 3 * build.MAX_SECONDS
    assert measured["megabytes"] <= build.MAX_MEGABYTES


@each
def test_untouched_exercises_are_not_attempted_yet(source: Path) -> None:
    for line in verdicts(committed(source)):
        assert line.startswith("not attempted yet"), line


@each
def test_solutions_pass_their_checks(source: Path) -> None:
    notebook = build.expand(source.read_text("utf-8"), source.stem, with_solutions=True)
    build.run(notebook)
    for line in verdicts(notebook):
        assert line.startswith("passed on "), line
