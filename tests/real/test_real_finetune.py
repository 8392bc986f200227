"""Training on real photographs: trained layers kept as they are, a new last layer on top."""

from __future__ import annotations

from pathlib import Path

import pytest

from camkit import finetune
from camkit.finetune import Plan

SCENES = ("bedroom", "desert", "football_stadium", "rainforest")


@pytest.fixture(scope="module")
def scenes(realdata: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve photographs of each of four scenes to learn from, six to check on, as links."""
    root = tmp_path_factory.mktemp("scenes")
    for name in SCENES:
        for i, photo in enumerate(sorted((realdata / "sun8" / name).iterdir())[:18]):
            folder = root / ("train" if i < 12 else "val") / name
            folder.mkdir(parents=True, exist_ok=True)
            (folder / photo.name).symlink_to(photo)
    return root


@pytest.mark.parametrize(
    ("arch", "file", "size"),
    # The second network's padding is faithful only for sides of 32 k + 1.
    [("squeezenet1_1", "squeezenet1_1.pth", 128), ("mobilenet_v2", "mobilenet_v2_tf2ptq.pth", 129)],
)
def test_four_scenes_are_told_apart_by_frozen_features(
    arch: str, file: str, size: int, scenes: Path, realdata: Path, tmp_path: Path
) -> None:
    weights = str(realdata / "weights" / file)
    plan = Plan(arch, weights, frozen=True, size=size, epochs=4, batch=12, rate=0.05)
    run = finetune.train(scenes, tmp_path, plan, progress=False)
    assert run.best is not None
    print(f"{arch}: {100 * run.best.accuracy:.0f} % of 24 photographs, chance 25 %")
    assert run.best.accuracy >= 0.7
    net = finetune.load(tmp_path)
    photo = next((scenes / "val" / "rainforest").iterdir())
    result = net.explain(photo, classes="all")
    error = (result.maps.mean(dim=(2, 3)) + net.bias - result.scores).abs().max()
    assert (error / result.scores.abs().max()).item() < 1e-5
