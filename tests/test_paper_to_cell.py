"""The page that maps the paper to the lessons is whole, and every link arrives at a heading."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from course import build

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "paper_to_cell.md").read_text(encoding="utf-8")
LINK = re.compile(r"\[([^\]]+)\]\(\.\./notebooks/(\S+)\.ipynb#([^)]+)\)")


def headings(stem: str) -> dict[str, str]:
    """Anchor -> the words of the heading, for all headings of a lesson outside its code."""
    text = re.sub(
        r"^```.*?^```", "", (build.COURSE / f"{stem}.md").read_text("utf-8"), flags=re.S | re.M
    )
    found = re.findall(r"^#{2,3} (.+)$", text, re.M)
    return {slug(words): re.sub(r"[*`]", "", words) for words in found}


def slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def rows(part: str) -> list[list[str]]:
    """The cells of one of the page's tables, without its head."""
    section = PAGE.split(f"## {part}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


@pytest.mark.parametrize(("words", "stem", "anchor"), sorted(set(LINK.findall(PAGE))))
def test_every_link_arrives_at_the_heading_it_names(words: str, stem: str, anchor: str) -> None:
    there = headings(stem)
    assert anchor in there, f"{stem} has {sorted(there)}"
    lesson, _, heading = words.partition(", ")
    assert heading == there[anchor]
    assert stem.startswith(lesson.lower().replace(" ", "_"))


def test_every_section_figure_and_table_of_the_paper_has_its_cell() -> None:
    numbers = {
        part: [row[0].removesuffix(" †") for row in rows(part)] for part in ("Figures", "Tables")
    }
    assert numbers["Figures"] == [str(n) for n in range(1, 14)]
    assert numbers["Tables"] == [str(n) for n in range(1, 6)]
    assert {row[0][0] for row in rows("Sections")} == set("123456")
    for part in ("Sections", "Figures", "Tables"):
        for row in rows(part):
            assert len(row) == 3, row
            assert LINK.search(row[2]), row


def test_every_lesson_is_named() -> None:
    """No lesson stands beside the paper without a line, and each link is one that was found."""
    named = {stem for _, stem, _ in LINK.findall(PAGE)}
    assert named == {path.stem for path in build.sources()} - {"index"}
    assert PAGE.count("](../notebooks/") == len(LINK.findall(PAGE))
