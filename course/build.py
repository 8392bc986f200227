"""Build the notebooks people open from the texts people edit.

    python course/build.py [NAMES...]     build all, or the named ones (02, 05_from)
    python course/build.py --check        say where notebooks/ differs from course/, and exit 1
    python course/build.py --format       lay out the code of the sources as ruff does

A source is MyST text, ``course/NN_name.md``. In a code cell tagged ``exercise`` the lines from
``# solution:`` to ``# end`` are the marked solution. The notebook shows ``...  # your code here``
in their place (or the lines from ``# starter:`` on, where something is to be mended) and, after the
next cell tagged ``check``, the whole solved cell, folded and not run.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from nbstripout import strip_output
from tqdm import tqdm

ROOT = Path(__file__).resolve().parent.parent
COURSE, NOTEBOOKS = ROOT / "course", ROOT / "notebooks"
MAX_BYTES, MAX_SECONDS, MAX_MEGABYTES, CELL_SECONDS = 1_000_000, 60, 600, 120
MARKED = re.compile(
    r"(?:^[ \t]*# starter:[^\n]*\n(?P<starter>.*?))?"
    r"^(?P<indent>[ \t]*)# solution:[^\n]*\n(?P<solution>.*?)^[ \t]*# end[ \t]*$",
    re.DOTALL | re.MULTILINE,
)
LABS = {"lab_a": "05", "lab_b": "06", "lab_c": "10"}
"""The lesson that each lab follows."""
CODE_CELL = re.compile(r"(^```\{code-cell\}[^\n]*\n(?::[^\n]*\n)*\n?)(.*?)\n```$", re.S | re.M)
WIDGET = "application/vnd.jupyter.widget-view+json"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
Triple = tuple[str, str, tuple[str, ...]]


def place(stem: str) -> tuple[str, str]:
    """Where a notebook stands in the course, to sort by: a lab right after its lesson."""
    return LABS.get(stem[:5], stem[:2]), stem


def sources(names: Iterable[str] = ()) -> list[Path]:
    """The course's texts in order; with names, only those that begin with one of them."""
    found = sorted(COURSE.glob("*.md"), key=lambda path: place(path.stem))
    names = tuple(names)
    chosen = [p for p in found if p.stem.startswith(names)] if names else found
    missing = [n for n in names if not any(p.stem.startswith(n) for p in found)]
    if missing:
        there = ", ".join(p.stem for p in found) or "none"
        raise SystemExit(f"No source named {', '.join(missing)}; there are: {there}")
    return chosen


def tags(cell: NotebookNode) -> tuple[str, ...]:
    """The tags of a cell."""
    return tuple(cell.metadata.get("tags", ()))


def triples(notebook: NotebookNode) -> list[Triple]:
    """What a source fixes of a notebook: (type, source, tags) of every cell."""
    return [(cell.cell_type, cell.source, tags(cell)) for cell in notebook.cells]


def starter(code: str) -> str:
    """The code of an exercise with its solution taken out: what the learner finds."""

    def found(m: re.Match[str]) -> str:
        dots = f"{m['indent']}...  # your code here"
        return dots if m["starter"] is None else m["starter"].rstrip("\n")

    return MARKED.sub(found, code)


def solved(code: str) -> str:
    """The code of an exercise with its solution in place and the two marks gone."""
    return MARKED.sub(lambda m: m["solution"].rstrip("\n"), code)


def folded(code: str) -> NotebookNode:
    """A text cell that folds away a solution; it is shown, never run."""
    text = f"<details><summary>Solution</summary>\n\n```python\n{code}\n```\n\n</details>"
    return nbformat.v4.new_markdown_cell(text, metadata={"tags": ["solution"]})


def expand(text: str, name: str, *, with_solutions: bool = False) -> NotebookNode:
    """Turn a source into a notebook without outputs: for learners, or with solutions in place."""
    read = jupytext.reads(text, fmt="md:myst")
    cells: list[NotebookNode] = []
    open_exercise: str | None = None
    for cell in read.cells:
        cells.append(cell)
        if "exercise" in tags(cell) and cell.cell_type == "code":
            if open_exercise is not None or not MARKED.search(cell.source):
                raise ValueError(f"{name}: an exercise needs marked lines and a check after it")
            open_exercise = solved(cell.source)
            cell.source = open_exercise if with_solutions else starter(cell.source)
        elif "check" in tags(cell) and open_exercise is not None:
            if not with_solutions:
                cells.append(folded(open_exercise))
            open_exercise = None
    if open_exercise is not None:
        raise ValueError(f"{name}: the last exercise has no cell tagged check after it")
    seen: dict[str, int] = {}
    for cell in cells:
        # A cell's id follows its text, so that an edit elsewhere does not touch it.
        key = f"{name}\n{cell.cell_type}\n{cell.source}"
        seen[key] = seen.get(key, 0) + 1
        cell.id = hashlib.sha256(f"{key}\n{seen[key]}".encode()).hexdigest()[:12]
        cell.metadata = NotebookNode(
            {k: v for k, v in cell.metadata.items() if k != "lines_to_next"}
        )
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": dict(KERNEL)})


def fill_in(notebook: NotebookNode, measured: dict[str, int]) -> NotebookNode:
    """Write the measured run time and memory where a text asks for them, and into the metadata."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for key, value in measured.items():
                cell.source = cell.source.replace("{{" + key + "}}", str(value))
    notebook.metadata["camkit"] = dict(measured)
    return notebook


def kernel_megabytes(pid: int, field: str) -> float:
    """Memory of a process in MB from Linux's /proc (VmRSS now, VmHWM peak); NaN elsewhere."""
    status = Path(f"/proc/{pid}/status")
    found = re.search(rf"{field}:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(found[1]) / 1024 if found else math.nan


def run(notebook: NotebookNode, progress: Callable[[str], Any] = str) -> dict[str, int]:
    """Execute in a fresh kernel, offline and on one thread; return seconds and peak MB."""
    after_setup = peak = math.nan

    def after(cell: NotebookNode, cell_index: int, **_: Any) -> None:
        nonlocal after_setup, peak
        pid = client.km.provisioner.pid
        if "setup" in tags(cell) or math.isnan(after_setup):
            after_setup = kernel_megabytes(pid, "VmRSS")
        peak = kernel_megabytes(pid, "VmHWM")
        progress(f"cell {cell_index + 1}/{len(notebook.cells)}")

    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=CELL_SECONDS,
        store_widget_state=False,
        record_timing=False,
        resources={"metadata": {"path": str(NOTEBOOKS)}},
        on_cell_executed=after,
        # Only errors: the kernel's word about its own transport is nothing to act on.
        extra_arguments=["--IPKernelApp.log_level=40"],
    )
    with tempfile.TemporaryDirectory() as empty:
        # What is committed must not depend on what this machine happens to hold.
        env = {k: v for k, v in os.environ.items() if k != "CAMKIT_REALDATA"}
        env |= {"OMP_NUM_THREADS": "1", "TORCH_HOME": empty, "PYTHONHASHSEED": "0"}
        start = time.perf_counter()
        client.execute(env=env)
        seconds = time.perf_counter() - start
    # Rounded up, so that a rebuild on another day says the same.
    grown = 0 if math.isnan(peak) else max(0.0, peak - after_setup)
    return {"seconds": 5 * math.ceil(seconds / 5), "megabytes": 50 * math.ceil(grown / 50)}


def without_widgets(cell: NotebookNode) -> list[NotebookNode]:
    """The outputs of a cell with a line in place of every widget, and nothing of progress bars."""
    line = "Run this cell to choose." if "predict" in tags(cell) else "Run this cell to explore."
    kept = []
    for output in cell.outputs:
        data = output.get("data", {})
        if WIDGET in data and re.search(r"\d+%\|", data.get("text/plain", "")):
            continue
        if WIDGET in data:
            data = {"text/markdown": f"*{line}*", "text/plain": line}
            output = nbformat.v4.new_output("display_data", data)
        kept.append(output)
    return kept


def strip(notebook: NotebookNode) -> NotebookNode:
    """Take out what a saved notebook must not carry; outputs, counts and ids stay."""
    keys = ["metadata.widgets", "metadata.language_info", "cell.metadata.execution"]
    notebook = strip_output(notebook, True, True, True, extra_keys=keys)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = without_widgets(cell)
    return notebook


def written(notebook: NotebookNode) -> str:
    """The text of a notebook's file; refuses one that is too big or speaks of this machine."""
    nbformat.validate(notebook)
    text = nbformat.writes(notebook).rstrip("\n") + "\n"
    if len(text.encode()) > MAX_BYTES:
        raise ValueError(f"{len(text.encode()):,} bytes; the limit is {MAX_BYTES:,}")
    private = [p for p in (str(ROOT), str(Path.home()), tempfile.gettempdir()) if f"{p}/" in text]
    if private:
        raise ValueError(f"an output names a path of this machine ({', '.join(private)})")
    return text


def build(source: Path, progress: Callable[[str], Any] = str) -> dict[str, int]:
    """Build one notebook from its source and return what was measured."""
    notebook = expand(source.read_text("utf-8"), source.stem)
    measured = run(notebook, progress)
    text = written(strip(fill_in(notebook, measured)))
    NOTEBOOKS.mkdir(exist_ok=True)
    (NOTEBOOKS / f"{source.stem}.ipynb").write_text(text, "utf-8")
    return measured | {"kilobytes": len(text.encode()) // 1000}


def differences(source: Path) -> list[str]:
    """Where the committed notebook differs from what its source says."""
    path = NOTEBOOKS / f"{source.stem}.ipynb"
    if not path.exists():
        return [f"{path.name} is missing"]
    there = nbformat.read(path, as_version=4)
    wanted = expand(source.read_text("utf-8"), source.stem)
    wanted = triples(fill_in(wanted, dict(there.metadata.get("camkit", {}))))
    pairs = enumerate(zip(triples(there), wanted, strict=False))
    parts = ("type", "source", "tags")
    found = [
        f"{path.name}, cell {i + 1}: the {part} is not the one of {source.name}"
        for i, (a, b) in pairs
        for part, x, y in zip(parts, a, b, strict=True)
        if x != y
    ]
    if len(there.cells) != len(wanted):
        found.append(f"{path.name} has {len(there.cells)} cells, {source.name} {len(wanted)}")
    return found


def tidy(source: Path) -> bool:
    """Let ruff lay out the code cells of a source; tell whether anything moved."""

    def formatted(match: re.Match[str]) -> str:
        ruff = [
            sys.executable,
            "-m",
            "ruff",
            "format",
            "--quiet",
            "--stdin-filename",
            "cell.py",
            "-",
        ]
        done = subprocess.run(
            ruff, input=match[2], capture_output=True, text=True, check=True, cwd=ROOT
        )
        return f"{match[1]}{done.stdout.strip()}\n```"

    old = source.read_text("utf-8")
    new = CODE_CELL.sub(formatted, old)
    source.write_text(new, "utf-8")
    return new != old


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Build notebooks/ from course/.")
    parser.add_argument("names", nargs="*", help="how the sources' names begin, such as 02")
    parser.add_argument("--check", action="store_true", help="compare only, run nothing")
    parser.add_argument("--format", action="store_true", help="lay out the sources, run nothing")
    options = parser.parse_args(arguments)
    chosen = sources(options.names)
    if options.format:
        moved = [source.name for source in chosen if tidy(source)]
        print("Laid out anew:", ", ".join(moved) or "nothing")
        return 0
    if options.check:
        names = {p.stem for p in sources()}
        strays = [p for p in sorted(NOTEBOOKS.glob("*.ipynb")) if p.stem not in names]
        found = [line for source in chosen for line in differences(source)]
        found += [f"{p.name} has no source in course/" for p in strays if not options.names]
        print("\n".join(found) or f"{len(chosen)} notebooks equal their sources.")
        return bool(found)
    failed = False
    for source in (bar := tqdm(chosen, unit="notebook")):
        bar.set_description(source.stem)
        try:
            m = build(source, bar.set_postfix_str)
        except (CellExecutionError, ValueError) as error:
            failed = True
            bar.write(f"{source.stem}: not built. {error}")
        else:
            over = m["seconds"] > MAX_SECONDS or m["megabytes"] > MAX_MEGABYTES
            bar.write(
                f"{source.stem}: at most {m['seconds']} s, {m['megabytes']} MB above the imports, "
                f"{m['kilobytes']} kB on disk{'  (over the limits)' if over else ''}"
            )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
