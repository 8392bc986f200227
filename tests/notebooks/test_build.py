"""The builder: from a source with marked solutions to what learners open, and nothing more."""

from __future__ import annotations

import copy
from pathlib import Path

import nbformat
import pytest
import saved
from nbformat import NotebookNode

from course import build

SOURCE = '''---
kernelspec:
  name: python3
  display_name: Python 3 (ipykernel)
---

# Doubling

Run All took at most {{seconds}} s and {{megabytes}} MB.

```{code-cell} ipython3
:tags: [setup]

import os
```

```{code-cell} ipython3
:tags: [exercise]

def double(x):
    """Twice x."""
    # solution:
    y = x + x
    return y
    # end
```

+++ {"tags": ["hint"]}

<details><summary>Hint 1</summary>

Add.

</details>

```{code-cell} ipython3
:tags: [check]

print(double(2), os.environ["OMP_NUM_THREADS"], os.environ.get("CAMKIT_REALDATA"))
print(os.listdir(os.environ["TORCH_HOME"]), os.path.basename(os.getcwd()))
```

```{code-cell} ipython3
:tags: [predict]

import ipywidgets as widgets
widgets.IntSlider()
```

```{code-cell} ipython3
:tags: [explore]

from tqdm.auto import tqdm
for _ in tqdm(range(3)):
    pass
widgets.Button(description="Go")
```
'''


@pytest.fixture
def learners() -> NotebookNode:
    return build.expand(SOURCE, "double")


def test_the_starter_has_dots_where_the_solution_was(learners: NotebookNode) -> None:
    assert learners.cells[2].source == (
        'def double(x):\n    """Twice x."""\n    ...  # your code here'
    )
    namespace: dict[str, object] = {}
    exec(learners.cells[2].source, namespace)
    assert namespace["double"](3) is None  # type: ignore[operator]


def test_the_solution_follows_the_check_folded_and_whole(learners: NotebookNode) -> None:
    cell = learners.cells[5]
    assert build.tags(cell) == ("solution",)
    assert cell.cell_type == "markdown"
    assert cell.source.startswith("<details><summary>Solution</summary>\n\n```python\n")
    assert '    """Twice x."""\n    y = x + x\n    return y\n```' in cell.source
    assert "# solution" not in cell.source
    assert "# end" not in cell.source


def test_with_solutions_the_code_runs_and_nothing_is_folded() -> None:
    notebook = build.expand(SOURCE, "double", with_solutions=True)
    namespace: dict[str, object] = {}
    exec(notebook.cells[2].source, namespace)
    assert namespace["double"](3) == 6  # type: ignore[operator]
    assert not any("solution" in build.tags(c) for c in notebook.cells)


def test_several_marked_places_and_deeper_indents() -> None:
    code = "a = 1\n# solution: one\na = 2\n# end\n"
    code += "for i in x:\n    # solution:\n    b = 3\n    # end\nc"
    assert build.starter(code) == (
        "a = 1\n...  # your code here\nfor i in x:\n    ...  # your code here\nc"
    )
    assert build.solved(code) == "a = 1\na = 2\nfor i in x:\n    b = 3\nc"


def test_what_is_to_be_mended_is_there_broken_and_its_solution_whole() -> None:
    code = "def f(x):\n    # starter:\n    y = 3\n    return y\n"
    code += "    # solution:\n    return x\n    # end\n# solution:\na\n# end"
    assert build.starter(code) == "def f(x):\n    y = 3\n    return y\n...  # your code here"
    assert build.solved(code) == "def f(x):\n    return x\na"


def test_a_lab_follows_its_lesson() -> None:
    stems = ["06_b", "index", "lab_b_x", "10_c", "lab_a_x", "05_a", "11_d", "lab_c_x"]
    assert sorted(stems, key=build.place) == [
        *("05_a", "lab_a_x", "06_b", "lab_b_x", "10_c", "lab_c_x", "11_d", "index")
    ]


@pytest.mark.parametrize("missing", ["# solution:", "# end", ":tags: [check]"])
def test_an_exercise_without_marks_or_check_is_refused(missing: str) -> None:
    with pytest.raises(ValueError, match=r"double: .*exercise"):
        build.expand(SOURCE.replace(missing, "", 1), "double")


def test_ids_are_unique_steady_and_follow_the_text(learners: NotebookNode) -> None:
    ids = [c.id for c in learners.cells]
    assert len(set(ids)) == len(ids)
    assert ids == [c.id for c in build.expand(SOURCE, "double").cells]
    edited = build.expand(SOURCE.replace("Add.", "Add it to itself."), "double")
    assert sum(a != b.id for a, b in zip(ids, edited.cells, strict=True)) == 1
    assert set(ids).isdisjoint(c.id for c in build.expand(SOURCE, "other").cells)
    twice = build.expand("a\n\n+++\n\na\n", "n")
    assert len({c.id for c in twice.cells}) == 2


def test_a_widget_becomes_a_line_and_a_progress_bar_nothing() -> None:
    def shows(plain: str, tag: str) -> list[str]:
        output = nbformat.v4.new_output("display_data", {build.WIDGET: {}, "text/plain": plain})
        cell = nbformat.v4.new_code_cell("x", outputs=[output], metadata={"tags": [tag]})
        return [o["data"]["text/plain"] for o in build.without_widgets(cell)]

    assert shows("IntSlider(value=0)", "explore") == ["Run this cell to explore."]
    assert shows("ToggleButtons()", "predict") == ["Run this cell to choose."]
    assert shows("  0%|          | 0/3 [00:00<?, ?it/s]", "explore") == []


def test_a_build_end_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Offline, one thread, no real material; stripped, counted, equal to its source."""
    monkeypatch.setattr(build, "NOTEBOOKS", tmp_path / "notebooks")
    monkeypatch.setattr(build, "COURSE", tmp_path)
    monkeypatch.setenv("CAMKIT_REALDATA", "somewhere")
    source = tmp_path / "00_double.md"
    source.write_text(SOURCE, "utf-8")
    assert build.differences(source) == ["00_double.ipynb is missing"]
    (tmp_path / "notebooks").mkdir()
    measured = build.build(source)
    notebook = nbformat.read(tmp_path / "notebooks" / "00_double.ipynb", as_version=4)
    assert saved.check("00_double", notebook) == []
    assert notebook.metadata.camkit == {k: measured[k] for k in ("seconds", "megabytes")}
    assert f"Run All took at most {measured['seconds']} s" in notebook.cells[0].source
    assert notebook.cells[4].outputs[0].text == "None 1 None\n[] notebooks\n"
    lines = [o["data"]["text/plain"] for c in notebook.cells[6:] for o in c.outputs]
    assert lines == ["Run this cell to choose.", "Run this cell to explore."]
    assert build.differences(source) == []
    assert build.main(["--check"]) == 0
    # The strip leaves a stripped notebook as it is.
    assert build.strip(copy.deepcopy(notebook)) == notebook

    source.write_text(
        SOURCE.replace("import os", "import os as os").replace("[check]", "[check, hint]")
    )
    found = build.differences(source)
    assert found == [
        "00_double.ipynb, cell 2: the source is not the one of 00_double.md",
        "00_double.ipynb, cell 5: the tags is not the one of 00_double.md",
    ]
    source.unlink()
    (tmp_path / "01_other.md").write_text("# Other\n", "utf-8")
    assert build.main(["--check"]) == 1


def test_a_cell_that_fails_stops_the_build_of_its_notebook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(build, "NOTEBOOKS", tmp_path)
    monkeypatch.setattr(build, "COURSE", tmp_path)
    (tmp_path / "a.md").write_text("```{code-cell}\n1 / 0\n```\n", "utf-8")
    assert build.main(["a"]) == 1
    assert "a: not built." in capsys.readouterr().out
    assert not (tmp_path / "a.ipynb").exists()


def test_too_big_or_talking_of_this_machine_is_refused() -> None:
    def showing(text: str) -> NotebookNode:
        cell = nbformat.v4.new_code_cell("x")
        cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=text)]
        return nbformat.v4.new_notebook(cells=[cell])

    with pytest.raises(ValueError, match="the limit is 1,000,000"):
        build.written(showing("x" * 1_000_001))
    with pytest.raises(ValueError, match="path of this machine"):
        build.written(showing(f"{build.ROOT}/camkit/cam.py"))


def test_an_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(SystemExit, match=r"No source named 99; there are: "):
        build.sources(["99"])


def test_format_lays_out_code_cells_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(build, "COURSE", tmp_path)
    source = tmp_path / "a.md"
    ugly = SOURCE.replace("y = x + x", "y=x+x").replace("Add.", "Add  it: x+x.")
    source.write_text(ugly, "utf-8")
    assert build.main(["--format"]) == 0
    assert source.read_text("utf-8") == ugly.replace("y=x+x", "y = x + x").replace(
        "import ipywidgets as widgets\nwidgets", "import ipywidgets as widgets\n\nwidgets"
    ).replace("import tqdm\nfor", "import tqdm\n\nfor")
    build.main(["--format"])
    assert capsys.readouterr().out.splitlines() == ["Laid out anew: a.md", "Laid out anew: nothing"]
