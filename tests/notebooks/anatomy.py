"""The rules a notebook of the course keeps. Each is one function that returns what breaks it.

A rule takes the notebook and yields messages; `check` runs all of them but those a notebook is
exempt from. `EXEMPT` names the exemptions with their reason, so that it can be emptied.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from itertools import pairwise

from nbformat import NotebookNode

Rule = Callable[[NotebookNode], Iterator[str]]

TAGS = {"setup", "predict", "explore", "exercise", "hint", "check", "solution"}
SECTIONS = (
    "You will be able to",
    "Setup",
    "The finished picture",
    "Idea 1",
    "Explore",
    "Exercises",
    "When it breaks",
    "Check yourself",
    "What you can do now",
    "References",
)
LAB_BEGINS = ("You will be able to", "Setup", "The finished picture")
LAB_ENDS = ("What you can do now", "References")
"""A lab has its own sections between these."""
MAX_BYTES, LINES, HARD_LINES, CELLS, IN_A_ROW = 1_000_000, 15, 20, (30, 45), 2
ABOVE_FIFTEEN = 2
"""How many code cells of a notebook may have more than LINES lines, up to HARD_LINES."""

EXEMPT: dict[str, dict[str, str]] = {
    "index": {
        rule: "the index is a list of lessons, not a lesson"
        for rule in ("sections", "length", "exercises")
    },
    "00_start_here": {
        "exercises": "one is enough to learn how an exercise, its hints and its check work",
    },
}


def check(name: str, notebook: NotebookNode) -> list[str]:
    """All messages of all rules that hold for this notebook."""
    return [
        f"{name}: {message}"
        for rule in RULES
        if rule.__name__ not in EXEMPT.get(name, {})
        for message in rule(notebook)
    ]


def tags(cell: NotebookNode) -> tuple[str, ...]:
    """The tags of a cell."""
    return tuple(cell.metadata.get("tags", ()))


def code(notebook: NotebookNode) -> list[tuple[int, NotebookNode]]:
    """The code cells with their place, counted from 1."""
    return [(i, c) for i, c in enumerate(notebook.cells, 1) if c.cell_type == "code"]


def text(notebook: NotebookNode) -> list[tuple[int, NotebookNode]]:
    """The text cells with their place, counted from 1."""
    return [(i, c) for i, c in enumerate(notebook.cells, 1) if c.cell_type == "markdown"]


def headings(notebook: NotebookNode) -> list[tuple[int, int, str]]:
    """(place, level, words) of every heading outside fenced code."""
    found = []
    for i, cell in text(notebook):
        source = re.sub(r"^```.*?^```", "", cell.source, flags=re.S | re.M)
        for marks, words in re.findall(r"^(#{1,6})\s+(.+?)\s*$", source, re.M):
            found.append((i, len(marks), words))
    return found


def title(notebook: NotebookNode) -> Iterator[str]:
    """One H1, at the very top; levels go down one at a time."""
    found = headings(notebook)
    tops = [i for i, level, _ in found if level == 1]
    if tops != [1]:
        yield f"there must be one H1, in the first cell; found in cells {tops}"
    for (_, above, _), (i, level, words) in pairwise(found):
        if level > above + 1:
            yield f"cell {i}: heading {words!r} jumps from level {above} to {level}"


def is_lab(notebook: NotebookNode) -> bool:
    """Whether a notebook calls itself a lab."""
    return any(level == 1 and words.startswith("Lab ") for _, level, words in headings(notebook))


def sections(notebook: NotebookNode) -> Iterator[str]:
    """The ten sections, each once and in order, and one to three idea blocks; less in a lab."""
    if is_lab(notebook):
        names = [words for _, level, words in headings(notebook) if level == 2]
        first, last = names[: len(LAB_BEGINS)], names[-len(LAB_ENDS) :]
        asked = list(zip((*LAB_BEGINS, *LAB_ENDS), (*first, *last), strict=False))
        if len(names) <= len(asked) or not all(has.startswith(name) for name, has in asked):
            yield (
                f"a lab begins with {', '.join(LAB_BEGINS)} and ends with {', '.join(LAB_ENDS)}, "
                f"with its own sections between: got {names}"
            )
        return
    there = [(i, words) for i, level, words in headings(notebook) if level == 2]
    ideas = [words for _, words in there if words.startswith("Idea ")]
    numbers = [words.split()[1].rstrip(":·.") for words in ideas]
    if numbers != [str(n + 1) for n in range(len(ideas))] or not 1 <= len(ideas) <= 3:
        yield f"idea blocks must be numbered 1 to at most 3, found {ideas}"
    later_ideas = re.compile(r"Idea [2-9]")
    plain = [words for _, words in there if not later_ideas.match(words)]
    order = [next((s for s in SECTIONS if words.startswith(s)), words) for words in plain]
    if order != list(SECTIONS):
        missing = [s for s in SECTIONS if s not in order]
        odd = [s for s in order if s not in SECTIONS]
        told = f"missing {missing}, not of the anatomy {odd}" if missing or odd else f"got {order}"
        yield f"the sections must be {', '.join(SECTIONS)}, in this order: {told}"


def known_tags(notebook: NotebookNode) -> Iterator[str]:
    """Only the tags of the course, and exactly one setup cell, the first that runs."""
    for i, cell in enumerate(notebook.cells, 1):
        if unknown := set(tags(cell)) - TAGS:
            yield f"cell {i}: unknown tags {sorted(unknown)}"
    places = [i for i, c in code(notebook) if "setup" in tags(c)]
    first = [i for i, _ in code(notebook)][:1]
    if places != first:
        yield f"the one setup cell must be the first code cell, setup is in cells {places}"


def length(notebook: NotebookNode) -> Iterator[str]:
    """A lesson has 30 to 45 cells; hints and folded solutions are not counted."""
    count = sum(not {"hint", "solution"} & set(tags(c)) for c in notebook.cells)
    if not CELLS[0] <= count <= CELLS[1]:
        yield f"{count} cells (hints and solutions left out); a lesson has {CELLS[0]}-{CELLS[1]}"


def code_length(notebook: NotebookNode) -> Iterator[str]:
    """At most 15 lines a code cell; two cells may have up to 20."""
    lines = {i: len(c.source.strip().splitlines()) for i, c in code(notebook)}
    over = [i for i, n in lines.items() if n > LINES]
    for i in over:
        if lines[i] > HARD_LINES:
            yield f"cell {i}: {lines[i]} lines of code, {HARD_LINES} are the end"
    if len(over) > ABOVE_FIFTEEN:
        yield f"cells {over} have more than {LINES} lines; at most {ABOVE_FIFTEEN} may"


def code_in_a_row(notebook: NotebookNode) -> Iterator[str]:
    """At most two code cells follow each other without a word between them."""
    run = 0
    for i, cell in enumerate(notebook.cells, 1):
        run = run + 1 if cell.cell_type == "code" else 0
        if run == IN_A_ROW + 1:
            yield f"cell {i}: the third code cell in a row; say what it is for"


def offline(notebook: NotebookNode) -> Iterator[str]:
    """No address is needed to run a cell, and nothing is installed."""
    for i, cell in code(notebook):
        if re.search(r"https?://|ftp://", cell.source):
            yield f"cell {i}: an address in a code cell; a notebook runs offline"
        if re.search(r"^\s*[!%]\s*(pip|conda|wget|curl|mamba)\b", cell.source, re.M):
            yield f"cell {i}: installs or downloads; put it into the installation notes"


def alt_texts(notebook: NotebookNode) -> Iterator[str]:
    """Every picture, in the text or in an output, has words for those who do not see it."""
    for i, cell in text(notebook):
        if re.search(r"!\[\s*\]\(", cell.source):
            yield f"cell {i}: a picture in the text without alternative text"
        yield from (f"cell {i}: {m}" for m in _html_without_alt(cell.source))
    for i, cell in code(notebook):
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            page = "".join(data.get("text/html", ""))
            yield from (f"cell {i}: output, {m}" for m in _html_without_alt(page))
            if any(kind.startswith("image/") for kind in data) and "<img" not in page:
                yield f"cell {i}: a plain picture output; use camkit.show(fig, alt, caption)"


def _html_without_alt(page: str) -> Iterator[str]:
    for img in re.findall(r"<img\b[^>]*>", page, re.S):
        if not re.search(r"""\balt\s*=\s*(["'])\s*\S.*?\1""", img, re.S):
            yield "an <img> without alternative text"
    for svg in re.findall(r"<svg\b[^>]*>", page, re.S):
        if "aria-label" not in svg and 'aria-hidden="true"' not in svg:
            yield "an <svg> without aria-label"


NUMBER = re.compile(r"(?<![\w.,])(?:\d*\.?\d+\s?(?:%|per cent|percent)|\d*\.\d+)(?![\w.]*\d)")
NOT_PROSE = (
    (r"^```.*?^```", re.S | re.M),  # fenced code
    (r"`[^`\n]*`", 0),
    (r"\$\$.*?\$\$", re.S),
    (r"\$[^$\n]+\$", 0),
    (r"^>.*$", re.M),  # quotations
    (r"\]\([^)]*\)", 0),  # link targets
    (r"<[^>]*>", re.S),
    (r"\b(?:Section|Sec\.|Table|Fig\.|Figure|version|arXiv)[:\s]+[\d.]+(?:v\d)?", re.I),
)


def prose_numbers(notebook: NotebookNode) -> Iterator[str]:
    """Decimals and percentages in the text come from variables, or name where they come from.

    A cell that holds ``<!-- source: ... -->`` is let through, and so is the list of references.
    """
    in_references = False
    for i, cell in text(notebook):
        if re.search(r"^##\s", cell.source, re.M):
            in_references = bool(re.search(r"^##\s+References", cell.source, re.M))
        if in_references or "solution" in tags(cell) or re.search(r"<!--\s*source:", cell.source):
            continue
        prose = cell.source
        for pattern, flags in NOT_PROSE:
            prose = re.sub(pattern, " ", prose, flags=flags)
        for number in NUMBER.findall(prose):
            yield f"cell {i}: the number {number.strip()!r} is typed into the text"


def exercises(notebook: NotebookNode) -> Iterator[str]:
    """After each exercise: two folded hints, a check, and the folded solution, in this order.

    A lesson has two exercises; a lab has as many as it wants, each with at least one hint.
    """
    kinds = [(i, t) for i, c in enumerate(notebook.cells, 1) for t in tags(c)]
    steps = [(i, t) for i, t in kinds if t in ("exercise", "hint", "check", "solution")]
    wanted = ["exercise", "hint", "hint", "check", "solution"]
    groups = max(1, len([t for _, t in steps if t == "exercise"]))
    if is_lab(notebook):
        order = " ".join(t for _, t in steps)
        if not re.fullmatch(r"(exercise( hint)+ check solution ?)+", order):
            yield f"an exercise of a lab has hints, a check and its solution; got {order}"
    elif [t for _, t in steps] != wanted * groups or groups != 2:
        yield f"two exercises must each have {' '.join(wanted)}; got {[t for _, t in steps]}"
    for i, cell in enumerate(notebook.cells, 1):
        folds = {"hint", "solution"} & set(tags(cell))
        if folds and not re.match(r"<details>\s*<summary>", cell.source.lstrip()):
            yield f"cell {i}: tagged {sorted(folds)} but not folded in <details>"


def folded_answers(notebook: NotebookNode) -> Iterator[str]:
    """Every <details> is closed, named, and leaves an empty line so that Markdown is read in it."""
    for i, cell in text(notebook):
        opened = len(re.findall(r"<details\b", cell.source))
        if opened != len(re.findall(r"</details>", cell.source)):
            yield f"cell {i}: <details> is not closed"
        good = re.findall(r"<details[^>]*>\s*<summary>[^<]*\S[^<]*</summary>\n\n", cell.source)
        if opened != len(good):
            yield f"cell {i}: <details> needs a <summary> and an empty line after it"


def predictions(notebook: NotebookNode) -> Iterator[str]:
    """Each prediction that is asked in a cell tagged predict is revealed once, further down."""
    asked, revealed = {}, {}
    for i, cell in code(notebook):
        for call in ast.walk(_parsed(cell.source)):
            if not isinstance(call, ast.Call) or not call.args:
                continue
            name = getattr(call.args[0], "value", None)
            said = ast.unparse(call.func)
            if said in ("predict", "widgets.predict"):  # an SVM predicts, too
                asked[name] = i
                if "predict" not in tags(cell):
                    yield f"cell {i}: asks a prediction but is not tagged predict"
            elif said.endswith("predict.reveal"):
                revealed[name] = i
    for name in asked.keys() ^ revealed.keys():
        yield f"prediction {name!r} is {'never revealed' if name in asked else 'never asked'}"
    for name in asked.keys() & revealed.keys():
        if revealed[name] < asked[name]:
            yield f"prediction {name!r} is revealed before it is asked"


def _parsed(source: str) -> ast.AST:
    """The syntax of a cell, magics left out."""
    return ast.parse(re.sub(r"^\s*[!%].*$", "", source, flags=re.M))


RULES: tuple[Rule, ...] = (
    title,
    sections,
    known_tags,
    length,
    code_length,
    code_in_a_row,
    offline,
    alt_texts,
    prose_numbers,
    exercises,
    folded_answers,
    predictions,
)
