"""The site builds without a warning, and its pages ask nothing of any other site."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from inspect import ismodule
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.slow

# Attributes that a browser follows by itself, by element; a link in the text waits for a click.
FETCHED = {
    "script": ("src",),
    "img": ("src", "srcset"),
    "iframe": ("src",),
    "source": ("src", "srcset"),
    "video": ("src", "poster"),
    "object": ("data",),
}


class Fetches(HTMLParser):
    """Collect the addresses outside the site that opening a page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = FETCHED.get(tag, ())
        if tag == "link" and dict(attrs).get("rel") not in {"canonical", "author", "license"}:
            names = ("href",)
        self.outside += [
            value for name, value in attrs if name in names and value and "//" in value[:8]
        ]


def outside_of(html: str) -> list[str]:
    parser = Fetches()
    parser.feed(html)
    return parser.outside


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("myst_nb", reason="the site needs the extra docs: make test-all has it")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    done = subprocess.run(
        [*command, "-d", str(folder / "trees"), str(ROOT / "docs"), str(folder / "html")],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return folder / "html"


def test_an_outside_request_is_found() -> None:
    page = '<a href="https://a.org">a</a><script src="//cdn.org/x.js"></script><img src="a.png">'
    assert outside_of(page) == ["//cdn.org/x.js"]
    assert outside_of('<link rel="stylesheet" href="https://cdn.org/x.css">')


def test_no_page_asks_another_site(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert site / "index.html" in pages
    assert {
        page.name: said for page in pages if (said := outside_of(page.read_text("utf-8")))
    } == {}
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(?:url\(|@import )[\"']?(?:https?:)?//", sheet.read_text("utf-8"))


def test_formulas_are_set_without_a_script(site: Path) -> None:
    page = (site / "index.html").read_text(encoding="utf-8")
    assert '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block"' in page
    assert not re.search(r"<script[^>]*mathjax", page, re.IGNORECASE)


def test_every_public_name_is_described(site: Path) -> None:
    import camkit

    page = (site / "api.html").read_text(encoding="utf-8")
    rooms = {name for name in camkit.__all__ if ismodule(getattr(camkit, name))}
    for name in sorted(set(camkit.__all__) - rooms):
        assert re.search(rf'id="camkit\.\w+\.{name}"', page), name
    for room in rooms:
        assert f'id="module-camkit.{room}"' in page, room
