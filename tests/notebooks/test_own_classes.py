"""What lesson 12 says of a folder of one's own classes is run as it stands there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import camkit
from camkit import cli, world

SOURCE = Path(__file__).resolve().parents[2] / "course" / "12_your_own_pictures.md"


@pytest.fixture
def deeper() -> str:
    found = re.search(r"Go deeper: a folder.*?</details>", SOURCE.read_text("utf-8"), re.DOTALL)
    assert found is not None
    return found[0]


def test_the_lines_of_python_run(
    deeper: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for kind in ("cat", "boat"):
        folder = Path("my_classes", kind)
        folder.mkdir(parents=True)
        for seed in range(6):
            image = world.scene_of(kind, seed=seed).sample(128).image
            Image.fromarray(image).save(folder / f"{seed}.png")
    Image.fromarray(world.scene_of("boat", seed=9).sample(200).image).save("photo.jpg")
    code = re.search(r"```python\n(.*?)```", deeper, re.DOTALL)
    assert code is not None
    names: dict[str, Any] = {"net": camkit.load("objects")}
    exec(compile(code[1], "lesson 12", "exec"), names)
    told = names["own"].explain("photo.jpg", 1)
    assert names["own"].names == ["boat", "cat"]
    assert told.names == [["boat"]]
    assert told.maps.shape[1] == 1


def test_the_commands_are_commands(deeper: str) -> None:
    lines = re.findall(r"^camkit .*$", deeper, re.MULTILINE)
    assert len(lines) == 2
    for line in lines:
        asked = cli._parser().parse_args(shlex.split(line)[1:])
        assert asked.command in ("train", "cam")
