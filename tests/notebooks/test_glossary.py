"""The glossary beside the notebooks: in order, short, and every link to it arrives."""

from __future__ import annotations

import re

import pytest

from course import build

PAGE = build.NOTEBOOKS / "glossary.md"
LINK = re.compile(r"\]\(glossary\.md#([^)\s]+)\)")
SOURCES = [path for path in build.sources() if path.stem != "index"]


def slug(heading: str) -> str:
    """The anchor of a heading on the site, and where Markdown is shown as GitHub does."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def entries() -> dict[str, str]:
    """Term -> what is said of it."""
    text = re.sub(r"^## .+$", "", PAGE.read_text("utf-8"), flags=re.M)  # groups of letters
    parts = re.split(r"^### (.+)$", text, flags=re.M)[1:]
    return dict(zip(parts[::2], (text.strip() for text in parts[1::2]), strict=True))


def test_the_terms_stand_in_order_and_once() -> None:
    terms = list(entries())
    assert len(terms) >= 60
    assert terms == sorted(terms, key=str.lower)
    anchors = [slug(term) for term in entries()]
    assert len(set(anchors)) == len(anchors)


def test_each_term_has_a_few_sentences_and_its_lesson() -> None:
    for term, text in entries().items():
        said, lesson = re.fullmatch(r"(.+?) \[[^\]]+\]\((\S+\.ipynb)\)", text, re.S).groups()  # type: ignore[union-attr]
        plain = re.sub(r"\$[^$]+\$", "x", said)
        assert 1 <= len(re.findall(r"[.:]\s|\.$", plain)) <= 4, term
        assert said.endswith("."), term
        assert len(plain) < 420, term
        assert "/" not in lesson


def test_every_link_in_the_glossary_arrives() -> None:
    anchors = {slug(term) for term in entries()}
    text = PAGE.read_text("utf-8")
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= anchors
    for name in set(re.findall(r"\]\((\S+)\.ipynb\)", text)):
        assert (build.NOTEBOOKS / f"{name}.ipynb").is_file(), name


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_every_lessons_links_to_the_glossary_arrive(source: object) -> None:
    anchors = {slug(term) for term in entries()}
    text = source.read_text("utf-8")  # type: ignore[attr-defined]
    assert set(LINK.findall(text)) <= anchors
    # The line of words near the end is made of links wherever it has one.
    for line in re.findall(r"^\*\*Words for the glossary:\*\*(.+)$", text, re.M):
        if "glossary.md" in line:
            assert len(LINK.findall(line)) == len(re.findall(r"\*[^*]+\*", line))


def test_the_first_lessons_lead_to_the_glossary() -> None:
    linked = {p.stem for p in SOURCES if LINK.search(p.read_text("utf-8"))}
    early = {p.stem for p in SOURCES if build.place(p.stem)[0] <= "06"}
    assert early <= linked
