"""Write the project's public address, and the Binder and Colab links that follow from it.

    python tools/badges.py owner/name

The address goes into ``[tool.camkit] repository`` in pyproject.toml. The links go into README.md,
every course source and the notebook built from it: between the lines ``<!-- badges -->`` and
``<!-- /badges -->``, which are set under the title where they do not stand yet. A second run
changes nothing; another address replaces the first.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

OPEN, CLOSE = "<!-- badges -->", "<!-- /badges -->"
BLOCK = re.compile(f"{OPEN}\n.*?{CLOSE}", re.DOTALL)
TITLE = re.compile(r"^# .*\n", re.MULTILINE)
REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")
BRANCH = "main"


def links(repository: str, notebook: str) -> tuple[str, str]:
    """Return the Binder and the Colab address of one notebook."""
    path = f"notebooks/{notebook}.ipynb"
    binder = f"https://mybinder.org/v2/gh/{repository}/{BRANCH}?urlpath=lab/tree/{path}"
    colab = f"https://colab.research.google.com/github/{repository}/blob/{BRANCH}/{path}"
    return binder, colab


def readme_block(repository: str) -> str:
    """Return the two badges of the README."""
    binder, colab = links(repository, "index")
    return (
        f"[![Open the course on Binder](https://mybinder.org/badge_logo.svg)]({binder})\n"
        "[![Open the course in Colab]"
        f"(https://colab.research.google.com/assets/colab-badge.svg)]({colab})"
    )


def notebook_block(repository: str, notebook: str) -> str:
    """Return a notebook's links, in words: a badge would be fetched at every opening."""
    binder, colab = links(repository, notebook)
    return (
        f"Open this notebook [on Binder]({binder}) or [in Colab]({colab}). In Colab, first run\n"
        f"`%pip install git+https://github.com/{repository}` in a cell of its own."
    )


def filled(text: str, block: str) -> str:
    """Return the text with the block between its markers, or under its title."""
    marked = f"{OPEN}\n{block}\n{CLOSE}"
    if BLOCK.search(text):
        return BLOCK.sub(lambda _: marked, text)
    return TITLE.sub(lambda title: f"{title.group()}\n{marked}\n", text, count=1)


def rewrite(path: Path, text: str) -> bool:
    """Save the text where it differs from the file, and say whether it did."""
    if text == path.read_text(encoding="utf-8"):
        return False
    path.write_text(text, encoding="utf-8", newline="\n")
    return True


def filled_notebook(path: Path, block: str) -> str:
    """Return a notebook's JSON with the block in its first text cell."""
    text = path.read_text(encoding="utf-8")
    notebook = json.loads(text)
    first = next(cell for cell in notebook["cells"] if cell["cell_type"] == "markdown")
    first["source"] = filled("".join(first["source"]), block).splitlines(keepends=True)
    if notebook == json.loads(text):
        return text
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def with_address(pyproject: str, repository: str) -> str:
    """Return pyproject.toml's text with the address in its one place."""
    line = re.compile(r'^repository = "[^"]*"$', re.MULTILINE)
    if len(line.findall(pyproject)) != 1:
        raise ValueError('pyproject.toml must hold exactly one line `repository = "..."`')
    return line.sub(f'repository = "{repository}"', pyproject)


def write(root: Path, repository: str) -> list[Path]:
    """Write address and links everywhere; return the files that changed.

    Raises ValueError when the repository is not of the form owner/name.
    """
    if not REPOSITORY.fullmatch(repository):
        raise ValueError(
            f"the repository must be written owner/name, as in `make badges REPO=owner/name`; "
            f"got {repository!r}"
        )
    pyproject, readme = root / "pyproject.toml", root / "README.md"
    texts = {
        pyproject: with_address(pyproject.read_text(encoding="utf-8"), repository),
        readme: filled(readme.read_text(encoding="utf-8"), readme_block(repository)),
    }
    for source in sorted((root / "course").glob("*.md")):
        block = notebook_block(repository, source.stem)
        texts[source] = filled(source.read_text(encoding="utf-8"), block)
    for notebook in sorted((root / "notebooks").glob("*.ipynb")):
        texts[notebook] = filled_notebook(notebook, notebook_block(repository, notebook.stem))
    return [path for path, text in texts.items() if rewrite(path, text)]


def main() -> int:
    root = Path(__file__).resolve().parent.parent
    try:
        changed = write(root, sys.argv[1] if len(sys.argv) > 1 else "")
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    for path in changed:
        print("wrote", path.relative_to(root))
    if not changed:
        print("Every link stands already.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
