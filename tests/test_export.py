"""Copies for a class: nothing of the outputs and solutions is left, and slides show the figures."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import v4

from camkit import cli, export

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
FIGURE = {"text/html": '<figure><img alt="A map." src="data:image/png;base64,AAAA"></figure>'}


WIDGET = {"text/markdown": "*Run this cell to explore.*", "text/plain": "Run this cell to explore."}


def tagged(*tags: str) -> dict[str, Any]:
    return {"tags": list(tags)}


@pytest.fixture
def notebook() -> Any:
    shown = v4.new_output("display_data", FIGURE)
    return v4.new_notebook(
        cells=[
            v4.new_markdown_cell("# 01 · Maps\n\nA lesson."),
            v4.new_code_cell("import camkit", metadata=tagged("setup"), execution_count=1),
            v4.new_markdown_cell("## Idea 1 · Sums"),
            v4.new_code_cell("camkit.show(fig)", outputs=[shown], execution_count=2),
            v4.new_code_cell(
                "explorer", outputs=[v4.new_output("display_data", WIDGET)], execution_count=3
            ),
            v4.new_markdown_cell("Read it back.\n\n## Idea 2 · Means\n\nNext."),
            v4.new_code_cell("def f():\n    ...", metadata=tagged("exercise"), execution_count=3),
            v4.new_markdown_cell("<details><summary>Hint 1</summary>\n\nx\n\n</details>",
                                 metadata=tagged("hint")),
            v4.new_markdown_cell("<details><summary>Solution</summary>\n\ny = 42\n\n</details>",
                                 metadata=tagged("solution")),
            v4.new_markdown_cell("### Extra\n\nTry.\n\n<details><summary>One answer</summary>\n\n"
                                 "z = 43\n\n</details>\n\nGo on."),
        ]
    )  # fmt: skip


def test_students_get_no_outputs_and_no_solutions(notebook: Any) -> None:
    before = copy.deepcopy(notebook)
    found = export.student(notebook)
    assert notebook == before
    assert len(found.cells) == len(notebook.cells) - 1
    text = nbformat.writes(found)
    for trace in ("y = 42", "z = 43", "data:image", '"execution_count": 2'):
        assert trace not in text
    for kept in ("Hint 1", "Try.", "Go on.", "Idea 1", "def f()"):
        assert kept in text


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_the_courses_own_notebooks(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    found = export.student(notebook)
    nbformat.validate(found)
    assert all(not cell.get("outputs") for cell in found.cells)
    texts = "\n".join(cell.source for cell in found.cells)
    assert "<summary>Solution</summary>" not in texts
    assert "<summary>One answer</summary>" not in texts
    assert texts.count("<details") == texts.count("</details>")
    kept = [cell.id for cell in found.cells]
    assert kept == [c.id for c in notebook.cells if "solution" not in c.metadata.get("tags", [])]


def test_slides_show_text_and_figures_and_no_code(notebook: Any) -> None:
    page = export.slides(notebook, reveal="reveal.js")
    body = page[page.index("<body") :]
    assert 'alt="A map."' in body
    for shown in ("A lesson.", "Idea 1", "Read it back.", "Go on."):
        assert shown in body
    for hidden in ("camkit.show(fig)", "import camkit", "y = 42", "z = 43", "Hint 1", "def f()"):
        assert hidden not in body
    assert "reveal.js/dist/reveal" in page
    assert "Run this cell" not in page
    parts = [part for cell in notebook.cells for part in export._parts(copy.deepcopy(cell))]
    kinds = [export._kind(part) for part in parts]
    assert kinds == (
        ["slide", "skip", "slide", "subslide", "skip", "subslide", "slide"]
        + ["skip", "skip", "subslide"]  # the solution is gone
    )
    assert [part.source for part in parts][5:7] == ["Read it back.", "## Idea 2 · Means\n\nNext."]


def test_the_command_writes_both(
    notebook: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    folder = tmp_path / "notebooks"
    folder.mkdir()
    for name in ("01_maps", "02_more", "index"):
        nbformat.write(notebook, folder / f"{name}.ipynb")
    monkeypatch.chdir(tmp_path)
    assert cli.main(["export"]) == 0
    assert sorted(p.name for p in Path("export").iterdir()) == [
        "01_maps.ipynb", "02_more.ipynb", "index.ipynb"
    ]  # fmt: skip
    assert "y = 42" not in Path("export/01_maps.ipynb").read_text("utf-8")
    assert cli.main(["export", "02", "--slides", "--out", "talk"]) == 0
    assert [p.name for p in Path("talk").iterdir()] == ["02_more.slides.html"]
    assert "1 notebook as slides in talk" in capsys.readouterr().out
    assert cli.main(["export", "--out", "notebooks"]) == 2
    assert "the folder of the notebooks themselves" in capsys.readouterr().err
    assert cli.main(["export", "09"]) == 2
