"""Copies of the course's notebooks for a class: without outputs and solutions, or as slides.

Pure functions on notebooks; `camkit export` reads and writes the files. nbformat and nbconvert come
with JupyterLab and are imported when they are needed.
"""

from __future__ import annotations

import copy
import re
from typing import Any

SOLVED = re.compile(
    r"\n*<details>\s*<summary>(?:Solution|One answer)</summary>.*?</details>\n*", re.DOTALL
)
"""A folded answer to an exercise, inside a text."""
HEADING = re.compile(r"^(#{1,3})\s", re.MULTILINE)
WAITING = "Run this cell to"
"""How a committed notebook says that a widget stands here."""
ASIDE = {"setup", "hint", "solution", "exercise", "check"}
"""Cells that are no slides: what a class does at its own machine."""


def _tags(cell: Any) -> set[str]:
    return set(cell.metadata.get("tags", ()))


def student(notebook: Any) -> Any:
    """Copy a notebook for students: no outputs, no counts, no solutions.

    Hints and the folded answers of *Check yourself* stay: they are there to be unfolded.

    Args:
        notebook: as nbformat reads it, version 4.

    Returns:
        The copy; the notebook given stays as it is.

    Example:
        >>> from nbformat import v4
        >>> cells = [v4.new_code_cell("1 + 1", execution_count=3),
        ...          v4.new_markdown_cell("...", metadata={"tags": ["solution"]})]
        >>> [cell.execution_count for cell in student(v4.new_notebook(cells=cells)).cells]
        [None]
    """
    new = copy.deepcopy(notebook)
    new.cells = [cell for cell in new.cells if "solution" not in _tags(cell)]
    for cell in new.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        else:
            cell.source = SOLVED.sub("\n\n", cell.source).strip("\n")
    return new


def slides(notebook: Any, reveal: str | None = None) -> str:
    """Turn an executed notebook into slides: text, figures and tables, without code.

    Every section begins a slide to the right, its parts lie below it. Exercises, hints and the
    set-up are left out. The page loads reveal.js, require.js and MathJax from their public
    addresses, so that showing it needs a network.

    Args:
        notebook: as nbformat reads it, version 4, with its outputs.
        reveal: another place of reveal.js: an address, or a folder beside the slides.

    Returns:
        One HTML page.

    Raises:
        ImportError: nbconvert is not here.
    """
    from nbconvert import SlidesExporter

    new = copy.deepcopy(notebook)
    new.cells = [part for cell in new.cells for part in _parts(cell)]
    for cell in new.cells:
        cell.metadata["slideshow"] = {"slide_type": _kind(cell)}
    options: dict[str, Any] = {"exclude_input": True, "exclude_output_prompt": True}
    if reveal is not None:
        options["reveal_url_prefix"] = reveal
    exporter: Any = SlidesExporter
    page, _ = exporter(reveal_scroll=True, **options).from_notebook_node(new)
    return str(page)


def _parts(cell: Any) -> list[Any]:
    """A text, cut where a heading stands inside it; code without what waits for a kernel."""
    if cell.cell_type != "markdown":
        cell.outputs = [
            output
            for output in cell.get("outputs", ())
            if not str(output.get("data", {}).get("text/plain", "")).startswith(WAITING)
        ]
        return [cell]
    texts = re.split(r"\n(?=#{1,3}\s)", SOLVED.sub("\n\n", cell.source))
    parts = [copy.deepcopy(cell) for text in texts if text.strip()]
    for number, (part, text) in enumerate(zip(parts, filter(str.strip, texts), strict=True)):
        part.source, part.id = text.strip("\n"), f"{cell.id}-{number}"
    return parts


def _kind(cell: Any) -> str:
    """Where a cell stands: "slide" to the right, "subslide" below, "-" on the same, "skip"."""
    if _tags(cell) & ASIDE:
        return "skip"
    if cell.cell_type != "markdown":
        if not cell.get("outputs"):
            return "skip"
        shown = str([output.get("data", {}) for output in cell.outputs])
        return "subslide" if "<img" in shown else "-"
    found = HEADING.search(cell.source)
    if found is None:
        return "subslide"
    return "slide" if len(found[1]) <= 2 else "subslide"
