"""A photograph chosen in a real browser: read by the kernel, shown in the page, not in the file."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from PIL import Image

if (here := str(Path(__file__).resolve().parent)) not in sys.path:
    sys.path.insert(0, here)

import lab as jupyter  # lies beside this file

from camkit import cli

CHROMIUM = shutil.which("chromium")
CELLS = (
    "import camkit\nfrom camkit import plot\nfrom camkit.widgets import upload\n"
    "def step(photo):\n"
    "    fig, ax = plot.picture(photo, title='yours')\n"
    "    camkit.show(fig, 'The photograph that was chosen.', f'Mean {photo.mean():.1f}')\n"
    "mine = upload(on=step)\nmine",
    "mine.then(step)",
)
SAVE = """
async () => {
  await jupyterapp.commands.execute('docmanager:save');
  return jupyterapp.shell.currentWidget.context.model.dirty;
}
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[jupyter.Lab]:
    """A server with the limits that `camkit lab` sets."""
    if CHROMIUM is None:
        pytest.skip("there is no chromium on the path (Debian: apt-get install chromium)")
    pytest.importorskip("jupyterlab", reason="JupyterLab is not installed")
    folder = tmp_path_factory.mktemp("notebooks")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in CELLS])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, folder / "own.ipynb")
    words = cli.lab_command(folder, "own.ipynb")
    limits = [w for w in words if str(cli.UPLOAD_BYTES) in w]
    assert len(limits) == 4
    with jupyter.running(folder, tmp_path_factory.mktemp("home"), limits) as server:
        yield server


@pytest.fixture
def page(lab: jupyter.Lab) -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=CHROMIUM, args=jupyter.FLAGS)
        yield browser.new_page(viewport={"width": 1280, "height": 900})
        browser.close()
        lab.stop_sessions()


def choose(page: Any, file: Path) -> Any:
    """Press the button as a person does, and choose a file in the window that opens."""
    with page.expect_file_chooser() as asked:
        page.query_selector(".camkit-upload button").click()
    asked.value.set_files(str(file))
    return asked.value


def test_a_photograph_of_many_megabytes_is_read_and_not_stored(
    lab: jupyter.Lab, page: Any, tmp_path: Path
) -> None:
    """Noise of 2400 x 1700 pixels is over 12 MB as PNG: more than Jupyter's own limit lets pass."""
    noise = np.random.default_rng(0).integers(0, 256, (1700, 2400, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(noise).save(tmp_path / "large.png", exif=exif, compress_level=1)
    assert (tmp_path / "large.png").stat().st_size > 11 * 1024 * 1024
    (tmp_path / "letter.jpg").write_text("not a picture, though its name says so")

    assert jupyter.open_and_run(page, lab, "own.ipynb") == []
    page.wait_for_selector(".camkit-upload [role=status]")
    asked = choose(page, tmp_path / "letter.jpg")
    assert asked.element.get_attribute("accept") == "image/*"
    assert not asked.is_multiple()
    said = "e => e.querySelector('[role=status]').innerText.includes('is not a picture')"
    page.wait_for_function(said, arg=page.query_selector(".camkit-upload"), timeout=60_000)
    assert page.query_selector("figure") is None

    choose(page, tmp_path / "large.png")
    page.wait_for_function("document.querySelectorAll('figure img').length === 2", timeout=120_000)
    told = page.query_selector(".camkit-upload [role=status]").inner_text()
    assert "large.png: 1700 × 2400 pixels, upright" in told
    captions = page.eval_on_selector_all("figcaption", "all => all.map(e => e.innerText)")
    assert captions == [f"Mean {noise.mean():.1f}"] * 2

    page.evaluate(SAVE)
    saved = (lab.folder / "own.ipynb").read_text(encoding="utf-8")
    assert '"execution_count": 1' in saved  # the file is the one that was run
    for trace in ("data:image", "image/png", "image/jpeg", "large.png", captions[0]):
        assert trace not in saved, trace
    assert len(saved) < 20_000


def test_the_command_raises_every_limit_on_the_way() -> None:
    """A photograph travels in one message of a websocket, and a file in one body."""
    words = " ".join(cli.lab_command(Path("n"), "index.ipynb"))
    for option in ("max_body_size", "max_buffer_size", "websocket_max_message_size"):
        assert option in words
    assert cli.UPLOAD_BYTES >= 100_000_000
