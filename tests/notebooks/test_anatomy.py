"""Every rule of the anatomy is proven on a small notebook that breaks it and one that does not."""

from __future__ import annotations

from collections.abc import Callable

import anatomy
import nbformat
import pytest
import saved
from nbformat import NotebookNode


def text(source: str, *tags: str) -> NotebookNode:
    return nbformat.v4.new_markdown_cell(source, metadata={"tags": list(tags)})


def code(source: str, *tags: str, **data: str) -> NotebookNode:
    outputs = [nbformat.v4.new_output("display_data", data)] if data else []
    return nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)}, outputs=outputs)


def notebook(*cells: NotebookNode) -> NotebookNode:
    # Cells are used several times here, and nbformat would grumble about their ids.
    return nbformat.v4.new_notebook(
        cells=[NotebookNode(c | {"id": f"cell-{i}"}) for i, c in enumerate(cells)]
    )


FOLD = "<details><summary>Open</summary>\n\nWords.\n\n</details>"
LAB = [text("# Lab Z · Words")]
LAB_SECTIONS = [text(f"## {name}") for name in (*anatomy.LAB_BEGINS, "The hunt", *anatomy.LAB_ENDS)]
TEN = [text(f"## {name} · words") for name in anatomy.SECTIONS]
STEPS = [
    code("def f(): ...", "exercise"),
    text(FOLD, "hint"),
    text(FOLD, "hint"),
    code("check(f)", "check"),
    text(FOLD, "solution"),
]
LONG = "\n".join("x = 1" for _ in range(16))
PNG = {"image/png": "AAAA"}
FIGURE = {"text/html": '<figure><img src="data:," alt="A map"></figure>'}

GOOD: dict[str, list[list[NotebookNode]]] = {
    "title": [[text("# One\n\n## Two\n\n### Three"), text("## Two\n```\n# a comment\n```")]],
    "sections": [
        TEN,
        [*TEN[:4], text("## Idea 2: more"), text("## Idea 3"), *TEN[4:]],
        [*LAB, *LAB_SECTIONS],
    ],
    "known_tags": [[text("a"), code("import camkit", "setup"), code("x", "explore")]],
    "length": [[text("a")] * 30 + [text(FOLD, "hint")] * 40],
    "code_length": [[code(LONG), code(LONG), code("x")]],
    "code_in_a_row": [[code("a"), code("b"), text("c"), code("d"), code("e")]],
    "offline": [[code("net = camkit.load('resnet18')"), text("https://example.org")]],
    "alt_texts": [[text("![A map](map.png)"), code("show()", **FIGURE), code("x", **PNG | FIGURE)]],
    "prose_numbers": [
        [text("Two units, 6 cells, arXiv 1512.04150v1: $0.5$, `0.25`, Table 2.1, version 0.17.")],
        [text("> they report 56.4 %"), text("```\n0.5\n```"), text("[here](a0.5.html)")],
        [text("<!-- source: Table 2 of the paper -->\n56.40 % error")],
        [text("## References"), text("arXiv 1512.04150, 42.6 %")],
        [text("the answer at place 3. And 5.")],
    ],
    "exercises": [STEPS * 2, [*LAB, *STEPS], [*LAB, *([STEPS[0], *STEPS[2:]] * 3)]],
    "folded_answers": [[text(FOLD)]],
    "predictions": [[code("predict('a', 'Q?', [])", "predict"), code("predict.reveal('a', 'b')")]],
}
BAD: dict[str, list[tuple[list[NotebookNode], str]]] = {
    "title": [
        ([text("## Two")], "one H1"),
        ([text("# One"), text("# One")], "one H1"),
        ([text("words"), text("# One")], "in the first cell"),
        ([text("# One\n\n### Three")], "jumps from level 1 to 3"),
    ],
    "sections": [
        (TEN[1:], "missing ['You will be able to']"),
        ([TEN[1], TEN[0], *TEN[2:]], "in this order"),
        ([*TEN, text("## Bonus")], "not of the anatomy ['Bonus']"),
        ([*TEN[:4], text("## Idea 3"), *TEN[4:]], "idea blocks must be numbered"),
        ([*TEN[:4], *(text(f"## Idea {n}") for n in (2, 3, 4)), *TEN[4:]], "idea blocks"),
        ([*LAB, *LAB_SECTIONS[:3], *LAB_SECTIONS[4:]], "its own sections between"),
        ([*LAB, *LAB_SECTIONS[1:]], "a lab begins with"),
    ],
    "known_tags": [
        ([code("import camkit", "setup", "hide-me")], "unknown tags ['hide-me']"),
        ([code("x"), code("y", "setup")], "the first code cell"),
        ([code("x")], "the first code cell"),
    ],
    "length": [([text("a")] * 29, "29 cells"), ([text("a")] * 46, "46 cells")],
    "code_length": [
        ([code("\n".join(["x"] * 21))], "21 lines of code"),
        ([code(LONG)] * 3, "more than 15 lines"),
    ],
    "code_in_a_row": [([code("a"), code("b"), code("c")], "the third code cell")],
    "offline": [
        ([code("get('https://example.org')")], "an address"),
        ([code("!pip install camkit")], "installs"),
        ([code("%pip install camkit")], "installs"),
    ],
    "alt_texts": [
        ([text("![](map.png)")], "without alternative text"),
        ([text('<img src="map.png">')], "without alternative text"),
        ([code("x", **PNG)], "a plain picture output"),
        ([code("x", **{"text/html": '<img src="a" alt=" ">'})], "without alternative text"),
        ([code("x", **{"text/html": "<svg></svg>"})], "without aria-label"),
    ],
    "prose_numbers": [
        ([text("an accuracy of 0.83")], "'0.83'"),
        ([text("an accuracy of 83 %")], "'83 %'"),
        ([text("about .68 of them")], "'.68'"),
        ([text("83.5% right")], "'83.5%'"),
        ([text("## References"), text("## More"), text("0.5")], "'0.5'"),
    ],
    "exercises": [
        (STEPS, "two exercises"),
        ([*STEPS, *STEPS[:2], *STEPS[3:]], "two exercises"),
        (STEPS * 3, "two exercises"),
        ([*LAB, STEPS[0], *STEPS[3:]], "an exercise of a lab"),
        (LAB, "an exercise of a lab"),
        ([*STEPS, *STEPS[:2], text("Open text", "hint"), *STEPS[3:]], "not folded"),
    ],
    "folded_answers": [
        ([text("<details><summary>Open</summary>\n\nWords.")], "not closed"),
        ([text("<details><summary>Open</summary>\nWords.\n</details>")], "empty line"),
        ([text("<details>\n\nWords.\n</details>")], "needs a <summary>"),
    ],
    "predictions": [
        ([code("predict('a', 'Q?', [])", "predict")], "never revealed"),
        ([code("predict.reveal('a', 'b')")], "never asked"),
        ([code("predict('a', 'Q?', [])"), code("predict.reveal('a', 'b')")], "not tagged predict"),
        (
            [code("predict.reveal('a', 'b')"), code("predict('a', 'Q?', [])", "predict")],
            "before it is asked",
        ),
    ],
}
RULES: dict[str, Callable[[NotebookNode], object]] = {r.__name__: r for r in anatomy.RULES}


def test_every_rule_is_proven_both_ways() -> None:
    assert set(GOOD) == set(BAD) == set(RULES)


@pytest.mark.parametrize(("rule", "cells"), [(r, c) for r, all_ in GOOD.items() for c in all_])
def test_what_keeps_a_rule_is_let_through(rule: str, cells: list[NotebookNode]) -> None:
    assert list(RULES[rule](notebook(*cells))) == []  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("rule", "cells", "said"), [(r, c, s) for r, all_ in BAD.items() for c, s in all_]
)
def test_what_breaks_a_rule_is_said(rule: str, cells: list[NotebookNode], said: str) -> None:
    messages = list(RULES[rule](notebook(*cells)))  # type: ignore[call-overload]
    assert any(said in m for m in messages), messages


def test_exemptions_name_a_rule_and_a_reason() -> None:
    for name, rules in anatomy.EXEMPT.items():
        assert set(rules) <= set(RULES), name
        assert all(len(reason) > 20 for reason in rules.values())


def test_only_exempt_rules_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    short = notebook(text("# One"), code("x", "setup"))
    assert any("cells" in m for m in anatomy.check("01_x", short))
    monkeypatch.setitem(anatomy.EXEMPT, "01_x", {"length": "a reason long enough to be one"})
    messages = anatomy.check("01_x", short)
    assert not any("a lesson has" in m for m in messages)
    assert any("sections" in m for m in messages)


def test_each_rule_on_saved_notebooks() -> None:
    def ran(count: int, *outputs: NotebookNode) -> NotebookNode:
        return nbformat.v4.new_code_cell("x", execution_count=count, outputs=list(outputs))

    def said(nb: NotebookNode) -> str:
        return "\n".join(saved.check("n", nb))

    good = notebook(ran(1), text("words"), ran(2))
    good.metadata.kernelspec = {"name": "python3"}
    assert said(good) == ""
    assert "execution counts are [1, 3]" in said(notebook(ran(1), ran(3)))
    assert "execution counts" in said(notebook(code("x")))
    twins = notebook(ran(1), ran(2))
    twins.cells[1].id = twins.cells[0].id
    assert "is missing or not unique" in said(twins)
    view = nbformat.v4.new_output("display_data", {saved.WIDGET: {}})
    assert "a saved widget" in said(notebook(ran(1, view)))
    state = notebook(ran(1))
    state.metadata.widgets = {}
    assert "the state of widgets" in said(state)
    timed = notebook(ran(1))
    timed.cells[0].metadata["execution"] = {}
    assert "metadata ['execution']" in said(timed)
    error = nbformat.v4.new_output("error", ename="KeyError", evalue="k", traceback=[])
    assert "KeyError: k" in said(notebook(ran(1, error)))
    grumble = nbformat.v4.new_output("stream", name="stderr", text="Warning")
    assert "writes to stderr" in said(notebook(ran(1, grumble)))
