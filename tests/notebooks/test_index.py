"""The front page lists exactly the lessons there are, as they call themselves."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from course import build

ROW = re.compile(r"^\| \[([^\]]+)\]\(([^)]+)\.ipynb\) \| (.+?) \| (\d+) \|$", re.M)
LINK = re.compile(r"\]\(([^)\s]+\.ipynb)\)")
LESSONS = [p for p in build.sources() if p.stem != "index"]


def index() -> str:
    return (build.COURSE / "index.md").read_text("utf-8")


def own_words(source: Path) -> tuple[str, str, int]:
    """Title, question and minutes, as a lesson states them in its first cell."""
    text = source.read_text("utf-8")
    title = re.search(r"^# (.+)$", text, re.M)
    question = re.search(r"^\*\*(.+\?)\*\*$", text, re.M)
    minutes = re.search(r"takes (\d+) minutes", text)
    assert title, f"{source.name} has no title"
    assert question, f"{source.name} has no question in bold below its title"
    assert minutes, f"{source.name} does not say how many minutes it takes"
    return title[1], question[1], int(minutes[1])


def dead(text: str) -> list[str]:
    """The linked notebooks that are not there."""
    return [link for link in LINK.findall(text) if not (build.NOTEBOOKS / link).is_file()]


def test_the_table_is_the_course() -> None:
    """One row for each lesson, in order, with its own title, question and minutes."""
    rows = [(name, title, said, int(n)) for title, name, said, n in ROW.findall(index())]
    assert rows == [(source.stem, *own_words(source)) for source in LESSONS]


@pytest.mark.parametrize("source", build.sources(), ids=lambda p: p.stem)
def test_no_link_leads_nowhere(source: Path) -> None:
    assert dead(source.read_text("utf-8")) == []


def test_a_link_to_a_missing_notebook_is_found() -> None:
    assert dead("[00](00_start_here.ipynb), [99](99_none.ipynb)") == ["99_none.ipynb"]


def test_a_route_takes_the_minutes_it_claims() -> None:
    minutes = {source.stem: own_words(source)[2] for source in LESSONS}
    routes = re.findall(r"^- \*\*(\d+) minutes\*\*(.+)$", index(), re.M)
    assert routes
    for claimed, text in routes:
        assert sum(minutes[Path(link).stem] for link in LINK.findall(text)) == int(claimed)


@pytest.mark.parametrize("source", LESSONS, ids=lambda p: p.stem)
def test_every_lesson_names_its_neighbours(source: Path) -> None:
    """The first cell says what comes before and after; both must be what the course says."""
    first = source.read_text("utf-8").split("\n## ")[0]
    at = LESSONS.index(source)
    before, after = re.search(r"Before this: (.+?)\. After it: (.+?)\.", first).groups()  # type: ignore[union-attr]
    for said, other in ((before, at - 1), (after, at + 1)):
        if 0 <= other < len(LESSONS):
            stem = LESSONS[other].stem
            assert (stem[:5] if stem.startswith("lab_") else stem[:2]) in said
