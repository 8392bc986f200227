"""The numbers of lesson 09: one rule for both halves, of the shipped networks, one command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from camkit import tables, transfer, world, zoo
from camkit.metrics import iou
from camkit.tables import __main__ as command
from camkit.tables import closer
from camkit.tables.counted import interval


def told() -> Any:
    return json.loads(closer.FILE.read_text(encoding="utf-8"))


def test_the_numbers_are_of_the_shipped_networks() -> None:
    """A network trained anew asks for ``python -m camkit.tables birds``."""
    names = (closer.NETWORK, closer.FINE)
    assert told()["networks"] == {name: zoo.card(name)["sha256"] for name in names}


def test_every_setting_of_the_explorer_was_measured() -> None:
    read = closer.closer()
    assert len(read.windows) == len(closer._settings())
    for source in closer.SOURCES:
        for margin in closer.MARGINS:
            for pixels in closer.PIXELS:
                one = read.window(source, margin, pixels)
                assert one.count == closer.PICTURES
                assert 0 <= one.right <= one.count
                assert 0 < one.fills < 1
                assert 0 < one.inside <= 1
                assert len(one.shown) == len(closer.SHOWN)
    with pytest.raises(ValueError, match="no window 'left'"):
        read.window("left")


def test_looking_closer_helps_in_the_papers_order_with_intervals_apart() -> None:
    """Table 4: full picture < crop at the map < crop at the box."""
    read = closer.closer()
    ends = [interval(one.right, one.count) for one in map(read.window, ("whole", "cam", "true"))]
    assert ends[0][1] < ends[1][0]
    assert ends[1][1] < ends[2][0]


def test_what_lesson_09_says_of_the_windows() -> None:
    read = closer.closer()
    true, large = (read.window("true", pixels=p).accuracy for p in closer.PIXELS)
    whole, painted = read.window("whole").accuracy, read.window("painted").accuracy
    assert abs(large - true) < 0.06 < true - whole
    assert whole < painted < true
    assert read.window("random").accuracy < whole
    assert read.leak["true"] > read.leak["predicted"]


def test_table_4_has_the_rows_of_the_file() -> None:
    rows = {row["row"]: row for row in told()["table4"]}
    assert list(rows) == list(closer.ROWS.values())
    read = closer.closer()
    for source, name in closer.ROWS.items():
        assert rows[name]["right"] == read.window(source).right
    shown = " ".join(str(row["method"]) for row in tables.table(4).rows)
    assert closer.ROWS["centred"] in shown


def test_the_kept_svms_answer_as_those_that_were_measured() -> None:
    """The answers on the explorer's six pictures, computed again from pictures to species."""
    read, net = closer.closer(), zoo.load(closer.NETWORK)
    pictures = world.Birds(split="test")
    samples = [pictures[i] for i in closer.SHOWN]
    images = np.stack([s.image for s in samples])
    placed = {
        "whole": np.full((len(samples), 4), np.nan),
        "cam": closer.bird_boxes(net, images),
        "true": np.stack([s.boxes[0] for s in samples]),
    }
    apart = 0
    for source, margin in closer.KEPT:
        crops = transfer.square_crops(images, list(placed[source]), margin)
        features = transfer.pooled_features(net, crops, progress=False)
        answers = read.svms[source].predict(features)
        apart += int((answers != np.array(read.window(source).shown)).sum())
    assert apart <= 1  # a tie may fall the other way on another machine


def test_the_window_is_the_square_that_is_cut() -> None:
    """On paper: 20 x 10 about (30, 25), margin .1: side 24, from 18 to 42 and from 13 to 37."""
    assert closer.window_of(np.array([20.0, 20, 40, 30]), 0.1, 128) == (18.0, 13.0, 42.0, 37.0)
    assert closer.window_of(np.array([0.0, 100, 10, 128]), 0.0, 128) == (0.0, 100.0, 28.0, 128.0)
    assert closer.window_of(np.full(4, np.nan), 0.3, 128) == (0.0, 0.0, 128.0, 128.0)
    left, _, right, _ = closer.window_of(np.array([10.0, 10, 110, 60]), 0.6, 128)
    assert (left, right) == pytest.approx((-46.0, 174.0))


def test_the_share_of_the_bird_inside_is_counted_in_pixels() -> None:
    mask = np.zeros((8, 8), bool)
    mask[2:4, 0:4] = True
    assert closer.bird_inside(mask, (2.0, 0.0, 6.0, 4.0)) == (0.5, 0.25)
    assert closer.bird_inside(mask, (0.0, 0.0, 8.0, 8.0)) == (1.0, 0.125)


def test_paint_leaves_the_window_as_it_was() -> None:
    image = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)
    grey = closer.painted(image, (2.0, 1.0, 5.0, 4.0))
    assert (grey[1:4, 2:5] == image[1:4, 2:5]).all()
    outside = np.ones((8, 8), bool)
    outside[1:4, 2:5] = False
    assert (grey[outside] == 128).all()


def test_boxes_are_compared_each_with_its_own() -> None:
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 50, (6, 2))
    true = np.concatenate([low, low + rng.uniform(5, 40, (6, 2))], axis=1)
    drawn = true + rng.uniform(-4, 4, (6, 4))
    wanted = [iou(a[None], b[None])[0, 0] for a, b in zip(drawn, true, strict=True)]
    np.testing.assert_allclose(closer.fits(drawn, true), wanted)
    assert closer.fits(np.full((1, 4), np.nan), true[:1]).tolist() == [0.0]


def test_the_boxes_are_those_of_explain() -> None:
    net = zoo.load(closer.NETWORK)
    images = np.stack([world.bird_of(n, seed=2).draw(128).image for n in world.SPECIES[:3]])
    one = closer.bird_boxes(net, images)
    other = net.explain(list(images), classes=["bird"]).boxes()[:, 0]
    np.testing.assert_allclose(one, other)


def test_the_command_writes_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(closer, "MARGINS", (0.1,))
    target = tmp_path / "numbers" / "birds.json"
    closer.make(target, count=18, progress=False)
    few = json.loads(target.read_text(encoding="utf-8"))
    assert [row["n"] for row in few["table4"]] == [18] * 5
    assert few["leak"]["n"] == 18
    assert set(few["localized"]) == {"cam", "centred", "species"}
    assert not list(target.parent.glob("*.part"))
    monkeypatch.setattr(closer, "make", lambda: target)
    assert command.main(["birds"]) == 0
    assert capsys.readouterr().out.strip() == str(target)
