"""What a saved notebook may carry. Each rule is one function that returns what breaks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from nbformat import NotebookNode

Rule = Callable[[NotebookNode], Iterator[str]]
WIDGET = "application/vnd.jupyter.widget-view+json"


def unique_ids(notebook: NotebookNode) -> Iterator[str]:
    """Every cell has an id of its own."""
    ids = [cell.get("id") for cell in notebook.cells]
    for i in {i for i in ids if i is None or ids.count(i) > 1}:
        yield f"the cell id {i!r} is missing or not unique"


def run_in_order(notebook: NotebookNode) -> Iterator[str]:
    """Code cells were run once, from top to bottom."""
    counts = [c.execution_count for c in notebook.cells if c.cell_type == "code"]
    if counts != list(range(1, len(counts) + 1)):
        yield f"execution counts are {counts}"


def no_widget_state(notebook: NotebookNode) -> Iterator[str]:
    """A saved widget opens as an error: none is saved, neither its view nor its state."""
    if "widgets" in notebook.metadata:
        yield "the metadata hold the state of widgets"
    for i, cell in enumerate(notebook.cells, 1):
        if any(WIDGET in output.get("data", {}) for output in cell.get("outputs", ())):
            yield f"cell {i}: a saved widget"


def no_machine(notebook: NotebookNode) -> Iterator[str]:
    """Metadata say nothing of the machine and the moment."""
    if extra := set(notebook.metadata) - {"kernelspec", "camkit"}:
        yield f"metadata {sorted(extra)}"
    for i, cell in enumerate(notebook.cells, 1):
        if extra := set(cell.metadata) & {"execution", "ExecuteTime", "collapsed", "scrolled"}:
            yield f"cell {i}: metadata {sorted(extra)}"


def no_errors(notebook: NotebookNode) -> Iterator[str]:
    """No cell ended in an error or grumbled."""
    for i, cell in enumerate(notebook.cells, 1):
        for output in cell.get("outputs", ()):
            if output.output_type == "error":
                yield f"cell {i}: {output.ename}: {output.evalue}"
            elif output.output_type == "stream" and output.name == "stderr":
                yield f"cell {i}: writes to stderr: {output.text[:80]!r}"


RULES: tuple[Rule, ...] = (unique_ids, run_in_order, no_widget_state, no_machine, no_errors)


def check(name: str, notebook: NotebookNode) -> list[str]:
    """All messages of all rules."""
    return [f"{name}: {message}" for rule in RULES for message in rule(notebook)]
