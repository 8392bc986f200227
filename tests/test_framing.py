"""The numbers of the framings: honest halves, one command, and of the shipped networks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from camkit import relatives, world, zoo
from camkit.boxes import box_from_map, centred_box
from camkit.cam import upsample
from camkit.metrics import iou
from camkit.tables import __main__ as command
from camkit.tables import framing
from camkit.tables.counted import SIDES, halves, tuned

WAYS = {"cam", "cam_20", "class_blind", "centred", "max", "max_20"}


def nets() -> dict[str, Any]:
    torch.manual_seed(0)
    return {
        "cam": relatives.build("plain", world.CLASSES).eval(),
        "max": relatives.build("plain", world.CLASSES, pool="max").eval(),
    }


def test_the_numbers_are_of_the_shipped_networks() -> None:
    """A network trained anew asks for ``python -m camkit.tables framing``."""
    told = json.loads(framing.FILE.read_text(encoding="utf-8"))
    assert told["networks"] == {n: zoo.card(n)["sha256"] for n in framing.NETWORKS.values()}
    assert [row.asked for row in framing.framings()] == list(framing.FRAMINGS)


def test_every_number_is_a_share_and_every_setting_one_that_there_is() -> None:
    for row in framing.framings():
        assert row.right.keys() == WAYS
        assert all(0 <= share <= 1 for share in row.right.values())
        assert row.pictures == framing.PICTURES
        assert row.share == pytest.approx(row.asked, abs=0.03)
        for way, settings in framing.SETTINGS.items():
            assert all(np.isclose(settings, one).any() for one in row.chosen[way])


def test_the_ranking_turns_over() -> None:
    """Lesson 06 says so: a centred box misses small objects and is hard to beat on large ones."""
    small, *_, large = framing.framings()
    assert small.right["centred"] < 0.1 < 0.5 < small.right["cam"]
    assert large.right["centred"] > large.right["cam_20"]


def test_measuring_agrees_with_boxes_drawn_one_by_one() -> None:
    drawn = world.Objects(split="test", framing=0.3, length=12).batch(progress=False)
    pair = nets()
    told = framing.measured(0.3, drawn, pair)
    right, middle = [], []
    for image, label, truth in zip(drawn.images, drawn.labels, drawn.boxes, strict=True):
        maps = pair["cam"].explain(image, classes=[int(label)]).maps
        box = box_from_map(upsample(maps, (128, 128))[0, 0].detach().numpy(), 0.2)
        right.append(box is not None and iou(box, truth).max() >= 0.5)
        centred = [centred_box(128, 128, side) for side in SIDES]
        middle.append(iou(centred, truth).max(axis=1) >= 0.5)
    assert told["right"]["cam_20"] == pytest.approx(np.mean(right), abs=1e-4)
    # The centred box chosen on one half counts on the other, both ways round.
    assert told["right"]["centred"] == pytest.approx(tuned(np.array(middle)).mean(), abs=1e-4)
    areas = [float((b[0, 2] - b[0, 0]) * (b[0, 3] - b[0, 1])) for b in drawn.boxes]
    assert told["share"] == pytest.approx(np.median(areas) / 128**2, abs=1e-3)


def test_a_setting_counts_for_the_half_that_did_not_choose_it() -> None:
    """On paper: the first half likes column 0, the second column 1; each gets the other's."""
    first = halves(10)
    hits = np.stack([first, ~first], axis=1)
    share, chosen = framing._halved(hits, np.array([0.2, 0.7]))
    assert share == 0.0
    assert chosen == [0.2, 0.7]
    share, chosen = framing._halved(np.stack([np.ones(10, bool), first], axis=1), np.array([1, 2]))
    assert share == 1.0
    assert chosen == [1.0, 1.0]
    assert first.sum() == 5


def test_the_command_writes_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(framing, "FRAMINGS", (0.3,))
    target = tmp_path / "numbers" / "framing.json"
    framing.make(target, count=4, progress=False)
    told = json.loads(target.read_text(encoding="utf-8"))
    assert told["framings"][0]["pictures"] == 4
    assert not list(target.parent.glob("*.part"))
    monkeypatch.setattr(framing, "make", lambda: target)
    assert command.main(["framing"]) == 0
    assert capsys.readouterr().out.strip() == str(target)
