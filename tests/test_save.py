"""A photograph with its boxes, written whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from camkit import plot
from camkit.heads import CamModel

NOISE = np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)
SPOT = np.zeros((60, 90, 3), np.uint8)
SPOT[20:40, 30:60, 0] = 255


@pytest.fixture(scope="module")
def net() -> CamModel:
    """Its map of "red" is how red a pixel is; that of "nothing" is minus as much: no box."""
    see, vote = torch.nn.Conv2d(3, 1, 1, bias=False), torch.nn.Linear(1, 2, bias=False)
    with torch.no_grad():
        see.weight[:] = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)
        vote.weight[:] = torch.tensor([[1.0], [-1.0]])
    return CamModel(see, vote, names=["red", "nothing"], size=(60, 90)).eval()


def test_the_files_say_what_the_result_says(net: CamModel, tmp_path: Path) -> None:
    picture, table = plot.save(net.explain(SPOT), SPOT, tmp_path / "spot.jpeg", boxes=2)
    assert (picture.name, table.name) == ("spot.png", "spot.json")
    told = json.loads(table.read_text("utf-8"))
    assert (told["width"], told["height"], told["threshold"]) == (90, 60, 0.2)
    red, nothing = told["classes"]
    assert red["name"] == "red"
    assert red["box"] == [30.0, 20.0, 60.0, 40.0]
    assert nothing["box"] is None
    assert "no positive value" in nothing["why_no_box"]
    assert red["probability"] + nothing["probability"] == pytest.approx(1)
    with Image.open(picture) as image:
        drawn = np.array(image)
        assert not image.getexif()
    assert drawn.shape == SPOT.shape
    assert (drawn[30, 45] == SPOT[30, 45]).all()  # inside the box nothing is drawn
    assert (drawn[20, 31:59] == 255).all()  # its upper edge
    assert (SPOT[20, 31:59] != 255).any()


def test_a_full_disk_leaves_the_old_files_whole(
    net: CamModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plot.save(net.explain(SPOT), SPOT, tmp_path / "a")
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}

    def full(self: Path, blob: bytes) -> int:
        with self.open("wb") as file:
            file.write(blob[: len(blob) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        plot.save(net.explain(NOISE), NOISE, tmp_path / "a")
    monkeypatch.undo()
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"picture": SPOT[:50]}, "was 90 x 60"),
        ({"boxes": 0}, "from 1 to 2, got 0"),
        ({"boxes": 3}, "from 1 to 2, got 3"),
        ({"threshold": 1.5}, "threshold"),
    ],
)
def test_what_does_not_fit_is_refused(
    change: Any, word: str, net: CamModel, tmp_path: Path
) -> None:
    options = {"picture": SPOT, "target": tmp_path / "a"} | change
    with pytest.raises(ValueError, match=word):
        plot.save(net.explain(SPOT), **options)
    assert not list(tmp_path.iterdir())


def test_several_pictures_are_refused(net: CamModel, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="one picture, got 2"):
        plot.save(net.explain([SPOT, SPOT]), SPOT, tmp_path / "a")
