"""Evaluation of a set: numbers to redo by hand, nothing lost, the same file after any stop."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from camkit import cli, world, zoo
from camkit.boxes import box_from_map
from camkit.cam import upsample
from camkit.datasets import ILSVRC, ImageFolder, PictureFiles, VOCFolder
from camkit.evaluate import GRID, Evaluation, evaluate, output_places, read_rows, summarize
from camkit.heads import CamModel
from camkit.images import Sample
from camkit.metrics import EnergyInside, Localization, MaxBoxAcc, MaxBoxAccV2, PointingGame
from camkit.world.sets import Pictures

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE / "datasets"))

import trees  # noqa: E402  # lies beside the tests of the data sets


def colours(pool: Any = "average", names: tuple[str, ...] = ("red", "green", "blue")) -> CamModel:
    """A network that answers with the picture's colour: its maps are the picture's channels."""
    head = nn.Linear(3, 3, bias=False)
    head.weight = nn.Parameter(torch.eye(3))
    if pool == "flatten":
        head = nn.Linear(3 * 20 * 20, 3)
    return CamModel(
        nn.Identity(), head, pool=pool, names=names, size=20, mean=(0,) * 3, std=(1,) * 3
    )


def square(colour: int, box: list[int], truth: list[list[int]], name: str = "") -> Sample:
    """A full square of one colour on black, 20 x 20 unless the box says more."""
    image = np.zeros((20, 20, 3), np.uint8)
    x0, y0, x1, y1 = box
    image[y0:y1, x0:x1, colour] = 255
    return Sample(image, colour, np.array(truth, dtype=float).reshape(-1, 4), name=name)


def tiny() -> CamModel:
    """A random network of the world's classes, small enough to run hundreds of pictures."""
    torch.manual_seed(0)
    backbone = nn.Sequential(nn.Conv2d(3, 12, 5, stride=4, padding=2), nn.ReLU())
    head = nn.Linear(12, len(world.CLASSES))
    return CamModel(backbone, head, names=world.CLASSES, size=32).eval()


PICTURES = world.Objects(split="test", size=32, length=11)


# ---------------------------------------------------------------- the numbers


def test_five_pictures_by_hand(tmp_path: Path) -> None:
    samples = [
        square(0, [4, 4, 8, 8], [[4, 4, 8, 8]]),  # the box itself
        square(1, [4, 4, 8, 8], [[4, 4, 8, 12]]),  # IoU 16 / 32, which is just enough
        square(2, [0, 0, 10, 10], [[10, 10, 20, 20]]),  # elsewhere
        square(0, [0, 0, 18, 20], [[0, 0, 20, 20], [3, 3, 4, 4]]),  # IoU 18 / 20
        square(0, [4, 4, 8, 8], [[4, 4, 8, 8]]),  # right box, wrong class:
    ]
    samples[4] = Sample(samples[4].image, 1, samples[4].boxes)
    found = evaluate(colours(), samples, tmp_path / "rows.csv", progress=False)
    assert found.errors is not None
    assert found.rivals is not None
    assert found.max_box_acc is not None
    assert (found.pictures, found.unreadable, found.skipped) == (5, [], 0)
    assert found.classification_top1 == pytest.approx(20)
    assert found.classification_top5 == 0  # of three classes
    # The green map of the last picture is empty: it has no box.
    assert found.errors.top1 == pytest.approx(40)
    assert found.errors.known == pytest.approx(40)
    assert found.max_box_acc.value == pytest.approx(60)
    assert found.pointing == pytest.approx(60)
    assert found.energy == pytest.approx(3 / 5)
    assert found.max_box_acc_v2 is not None
    assert found.max_box_acc_v2.per_iou.tolist() == pytest.approx([60, 60, 40])
    # The whole picture is right for the fourth; its centre, 14 x 14 of 400, for none.
    assert found.rivals["whole"].known == pytest.approx(80)
    assert found.rivals["centre"].known == pytest.approx(100)
    rows = read_rows(tmp_path / "rows.csv")
    assert [row["iou"] for row in rows] == ["1.0000", "0.5000", "0.0000", "0.9000", "0.0000"]
    assert rows[4]["box"] == "nan nan nan nan"
    assert rows[4]["blind"] == rows[0]["box"] == "4.0 4.0 8.0 8.0"
    assert rows[3]["iou_centre"] == "0.4900"
    assert [row["right"] for row in rows] == ["1", "1", "1", "1", "0"]


def test_the_result_is_what_the_meters_say(tmp_path: Path) -> None:
    """All measures at once, from the rows, against the meters fed with the maps themselves."""
    net = tiny()
    found = evaluate(net, PICTURES, tmp_path / "rows.csv", batch=4, progress=False)
    samples = list(PICTURES)
    with torch.no_grad():
        inputs, views = net._inputs([s.image for s in samples], 0, "squash")
        features = net.features(inputs)
        scores, maps = net.scores(features), net.maps(features)
    large = upsample(maps, net.size).numpy()
    guesses = scores.topk(5).indices.numpy()
    labels = np.array([s.label for s in samples])
    boxes = [s.boxes for s in samples]

    def box(picture: int, c: int) -> Any:
        one = box_from_map(large[picture, c])
        return [np.nan] * 4 if one is None else views[picture].box_back(one)

    drawn = np.array([[box(i, c) for c in row] for i, row in enumerate(guesses)])
    known = np.array([box(i, c) for i, c in enumerate(labels)])
    expected = Localization().add(guesses, drawn, labels, boxes, known).result()
    assert found.errors == expected
    assert found.classification_top1 == pytest.approx(expected.classification_top1)
    assert found.classification_top5 == pytest.approx(expected.classification_top5)
    own = large[np.arange(len(samples)), labels]
    for meter, value in (
        (MaxBoxAcc(GRID), found.max_box_acc),
        (MaxBoxAccV2(GRID), found.max_box_acc_v2),
    ):
        direct = meter.add(own, boxes).result()
        assert value is not None
        assert value.per_iou.tolist() == direct.per_iou.tolist()
        assert value.thresholds.tolist() == direct.thresholds.tolist()
    assert found.pointing == PointingGame(tolerance=0).add(own, boxes=boxes).result()
    energy = EnergyInside().add(own, boxes=boxes).result()
    assert found.energy == pytest.approx(energy, abs=1e-6)


def test_truth_and_boxes_are_in_pixels_of_the_picture(tmp_path: Path) -> None:
    """Twice as wide and three times as high as the network's input."""
    image = np.zeros((60, 40, 3), np.uint8)
    image[12:24, 8:16, 0] = 255
    sample = Sample(image, 0, np.array([[8.0, 12, 16, 24], [-5, 0, 44, 70]]))
    evaluate(colours(), [sample], tmp_path / "rows.csv", progress=False)
    row = read_rows(tmp_path / "rows.csv")[0]
    assert row["size"] == "40 60"
    assert row["truth"] == "8.0 12.0 16.0 24.0;0.0 0.0 40.0 60.0"  # cut at the edge
    x0, y0, x1, y1 = map(float, row["box"].split())
    assert (x0 % 2, x1 % 2, y0 % 3, y1 % 3) == (0, 0, 0, 0)
    assert abs(x0 - 8) <= 2
    assert abs(y1 - 24) <= 3


def test_a_true_box_thinner_than_a_cell_still_counts(tmp_path: Path) -> None:
    image = np.zeros((400, 400, 3), np.uint8)
    image[100:120, 100:120, 0] = 255
    sample = Sample(image, 0, np.array([[101.0, 101, 102, 102]]))
    evaluate(colours(), [sample], tmp_path / "rows.csv", progress=False)
    row = read_rows(tmp_path / "rows.csv")[0]
    assert (row["reason"], row["point"], row["iou"]) == ("", "1", "0.0025")


# ---------------------------------------------------------------- what cannot be measured


def test_an_unreadable_picture_is_named_and_counts_as_wrong(tmp_path: Path) -> None:
    trees.voc(tmp_path / "set", 4)
    (tmp_path / "set" / "JPEGImages" / "000002.jpg").write_bytes(b"not a picture")
    (tmp_path / "set" / "Annotations" / "000004.xml").write_text("<annotation>")
    data = VOCFolder(tmp_path / "set", classes=["person", *world.CLASSES])
    found = evaluate(tiny(), data, tmp_path / "rows.csv", progress=False)
    assert found.pictures == 4
    assert [name for name, _ in found.unreadable] == [
        "JPEGImages/000002.jpg",
        "JPEGImages/000004.jpg",
    ]
    assert "not well-formed" in found.unreadable[1][1]
    assert found.errors is not None
    assert found.errors.pictures == 4
    assert found.max_box_acc is not None
    assert found.max_box_acc.pictures == 4
    # The same network on the two that can be read: half as many, all the wrong ones beside them.
    alone = evaluate(tiny(), data.subset([0, 2]), tmp_path / "two.csv", progress=False)
    assert alone.errors is not None
    for name in ("top1", "top5", "known", "classification_top1"):
        assert getattr(found.errors, name) == (getattr(alone.errors, name) + 100) / 2
    assert found.pointing == (alone.pointing or 0) / 2


def test_the_black_list_counts_for_classification_alone(tmp_path: Path) -> None:
    trees.ilsvrc(tmp_path / "set", "2015")
    data = ILSVRC(tmp_path / "set")
    net = colours(names=("tench", "fox", "none"))
    with pytest.raises(ValueError, match="2 classes and the network 3"):
        evaluate(net, data, tmp_path / "rows.csv", progress=False)
    data.classes.append("another")
    found = evaluate(net, data, tmp_path / "rows.csv", progress=False)
    assert (found.pictures, found.skipped) == (4, 1)
    assert found.errors is not None
    assert (found.errors.pictures, found.errors.skipped) == (4, 1)
    assert found.max_box_acc is not None
    assert found.max_box_acc.pictures == 3


def test_a_true_box_that_is_nowhere_is_named(tmp_path: Path) -> None:
    samples = [
        square(0, [4, 4, 8, 8], [[30, 0, 40, 9]], "far.png"),
        square(0, [4, 4, 8, 8], [[8, 4, 4, 8]], "back.png"),
        square(0, [4, 4, 8, 8], [[4, 4, 8, 8]], "two\nlines.png"),
    ]
    found = evaluate(colours(), samples, tmp_path / "rows.csv", progress=False)
    assert [name for name, _ in found.unreadable] == ["0", "1"]
    assert "no area" in found.unreadable[0][1]
    assert "reversed" in found.unreadable[1][1]
    assert read_rows(tmp_path / "rows.csv")[2]["name"] == "two\\nlines.png"


def test_pictures_without_boxes_and_networks_without_maps_are_classified(tmp_path: Path) -> None:
    for name, colour in (("red", (255, 0, 0)), ("blue", (0, 0, 255))):
        (tmp_path / "set" / name).mkdir(parents=True)
        Image.new("RGB", (30, 20), colour).save(tmp_path / "set" / name / "1.png")
    (tmp_path / "set" / "blue" / "2.png").write_bytes(b"")
    data = ImageFolder(tmp_path / "set")
    found = evaluate(colours(), data, tmp_path / "rows.csv", progress=False)
    assert found.errors is None
    assert found.classification_top1 == pytest.approx(100 / 3)  # the empty file
    assert found.unreadable[0][0] == "blue/2.png"
    assert [row["label"] for row in read_rows(tmp_path / "rows.csv")] == ["2", "2", "0"]
    flat = evaluate(
        colours("flatten"), [square(0, [4, 4, 8, 8], [[4, 4, 8, 8]])], tmp_path / "f.csv",
        progress=False,
    )  # fmt: skip
    assert flat.errors is None
    assert "localization" not in str(flat)


def test_a_network_that_is_not_finite_stops_with_the_pictures_name(tmp_path: Path) -> None:
    net = colours()
    with torch.no_grad():
        net.head.weight[0, 0] = torch.nan
    with pytest.raises(ValueError, match=r"maps of a\.png are not finite"):
        evaluate(
            net, [square(0, [4, 4, 8, 8], [[4, 4, 8, 8]], "a.png")], tmp_path / "r.csv",
            progress=False,
        )  # fmt: skip


def test_a_label_without_output_stops(tmp_path: Path) -> None:
    sample = Sample(np.zeros((20, 20, 3), np.uint8), 7, np.empty((0, 4)))
    with pytest.raises(ValueError, match="label 7, but the network has 3"):
        evaluate(colours(), [sample], tmp_path / "r.csv", progress=False)


# ---------------------------------------------------------------- classes and outputs


def files(names: list[str], labels: list[int], tmp_path: Path) -> PictureFiles:
    return PictureFiles(tmp_path, names, [tmp_path / "a.png"] * len(labels), labels)


def test_classes_find_their_outputs(tmp_path: Path) -> None:
    net = colours()
    data = files(["Blue", "emu", "red"], [0, 2, 2], tmp_path)
    assert output_places(net, data).tolist() == [2, -1, 0]  # type: ignore[union-attr]
    assert output_places(net, data, by="position").tolist() == [0, 1, 2]  # type: ignore[union-attr]
    assert output_places(net, [square(0, [0, 0, 2, 2], [])]) is None
    with pytest.raises(ValueError, match=r"'emu' \(0 outputs\)"):
        output_places(net, files(["Blue", "emu"], [0, 1], tmp_path))
    with pytest.raises(ValueError, match=r"'red' \(2 outputs\)"):
        output_places(colours(names=("red", "red", "blue")), files(["red"], [0], tmp_path))
    with pytest.raises(ValueError, match='"name" or "position"'):
        output_places(net, data, by="chance")
    with pytest.raises(ValueError, match="20 classes"):
        output_places(net, PICTURES)


# ---------------------------------------------------------------- stopping and going on


def whole(tmp_path: Path, **more: Any) -> tuple[Evaluation, bytes, str]:
    found = evaluate(tiny(), PICTURES, tmp_path / "whole.csv", batch=4, progress=False, **more)
    file = tmp_path / "whole.csv"
    return found, file.read_bytes(), file.with_suffix(".json").read_text()


def test_a_file_cut_anywhere_is_completed_to_the_same_bytes(tmp_path: Path) -> None:
    first, content, told = whole(tmp_path)
    file = tmp_path / "whole.csv"
    lines = np.cumsum([len(line) for line in content.splitlines(keepends=True)])
    places = [0, 5, lines[0], lines[0] + 3, lines[4] - 1, lines[4], lines[4] + 1, lines[7] + 9]
    for place in [*places, len(content) - 1, len(content)]:
        file.write_bytes(content[:place])
        again = evaluate(tiny(), PICTURES, file, batch=4, progress=False)
        assert file.read_bytes() == content, place
        assert file.with_suffix(".json").read_text() == told, place
        assert again.errors == first.errors


class Interrupted(Exception):
    pass


class Stopping(Pictures):
    """The same pictures, but at the ninth somebody presses Ctrl-C, once."""

    stopped = False

    def __getitem__(self, index: int) -> Sample:  # type: ignore[override]
        if index == 8 and not Stopping.stopped:
            Stopping.stopped = True
            raise KeyboardInterrupt
        return PICTURES[index]

    def __repr__(self) -> str:
        return repr(PICTURES)


def test_an_interrupted_evaluation_goes_on_where_it_stopped(tmp_path: Path) -> None:
    _, content, _ = whole(tmp_path)
    file = tmp_path / "stopped.csv"
    pictures = Stopping(split="test", size=32, length=11)
    with pytest.raises(KeyboardInterrupt):
        evaluate(tiny(), pictures, file, batch=4, progress=False)
    kept = file.read_bytes()
    assert content.startswith(kept)
    assert kept.count(b"\n") == 9  # the header and two batches
    evaluate(tiny(), pictures, file, batch=4, progress=False)
    assert file.read_bytes() == content


def test_reading_in_other_processes_changes_nothing(tmp_path: Path) -> None:
    _, content, _ = whole(tmp_path)
    evaluate(tiny(), PICTURES, tmp_path / "workers.csv", batch=4, workers=2, progress=False)
    assert (tmp_path / "workers.csv").read_bytes() == content


@pytest.mark.parametrize("change", ["threshold", "batch", "pictures", "network", "json", "columns"])
def test_a_file_of_another_evaluation_is_not_touched(tmp_path: Path, change: str) -> None:
    whole(tmp_path)
    file = tmp_path / "whole.csv"
    net, pictures, more = tiny(), PICTURES, {"batch": 4}
    if change == "threshold":
        more["threshold"] = 0.3  # type: ignore[assignment]
    elif change == "batch":
        more["batch"] = 5
    elif change == "pictures":
        pictures = world.Objects(split="test", size=32, length=11, seed=1)
    elif change == "network":
        with torch.no_grad():
            net.head.weight[0, 0] += 1
    elif change == "json":
        file.with_suffix(".json").unlink()
    else:
        file.write_text("a,b\n1,2\n")
    before = file.read_bytes()
    with pytest.raises(ValueError, match="not begun with the same"):
        evaluate(net, pictures, file, progress=False, **more)  # type: ignore[arg-type]
    assert file.read_bytes() == before


def test_the_result_stands_beside_the_table(tmp_path: Path) -> None:
    found, _, told = whole(tmp_path)
    read = json.loads(told)
    assert read["found"]["classification_top1"] == found.classification_top1
    assert found.errors is not None
    assert read["found"]["errors"]["known"] == found.errors.known
    assert summarize(tmp_path / "whole.csv").errors == found.errors
    assert found.outside is not None
    assert 0 < found.outside < 1
    assert f"{100 * found.outside:.0f} % of the time was spent outside the network" in str(found)


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"out": "rows.txt"}, r"\.csv"),
        ({"batch": 0}, "batch"),
        ({"workers": -1}, "workers"),
        ({"threshold": 1.0}, "threshold"),
        ({"samples": []}, "at least one"),
    ],
)
def test_arguments_are_checked_first(tmp_path: Path, more: dict[str, Any], word: str) -> None:
    arguments = {"samples": PICTURES, "out": "rows.csv", **more}
    arguments["out"] = tmp_path / arguments["out"]
    with pytest.raises(ValueError, match=word):
        evaluate(tiny(), **arguments, progress=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n"])
def test_a_strange_table_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(ValueError, match=r"not a table"):
        read_rows(tmp_path / "a.csv")


# ---------------------------------------------------------------- several processes


CREW = """
import os
import sys
sys.path.insert(0, sys.argv[1])
import test_evaluate as t
found = t.evaluate(t.tiny(), t.PICTURES, sys.argv[2], batch=4, progress=False)
os.write(1, f"FOUND {found.errors}\\n".encode())  # in one piece: two processes write
"""


def crew(processes: int, file: Path) -> subprocess.CompletedProcess[str]:
    script = file.with_name("crew.py")
    script.write_text(CREW)
    words = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    words += [f"--nproc-per-node={processes}", str(script), str(HERE), str(file)]
    return subprocess.run(
        words,
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


@pytest.fixture
def alone() -> None:
    if not torch.distributed.is_available():
        pytest.skip("this torch was built without torch.distributed")


def test_two_processes_write_the_same_file(tmp_path: Path, alone: None) -> None:
    """Three batches of eleven pictures: one process has two of them, the other one."""
    found, content, told = whole(tmp_path)
    file = tmp_path / "crew.csv"
    done = crew(2, file)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(f"FOUND {found.errors}") == 2
    assert file.read_bytes() == content
    assert file.with_suffix(".json").read_text() == told
    assert sorted(p.name for p in tmp_path.glob("crew*")) == ["crew.csv", "crew.json", "crew.py"]


def test_parts_of_a_larger_crew_are_not_forgotten(tmp_path: Path) -> None:
    (tmp_path / "whole.part0of2.csv").write_text("")
    with pytest.raises(ValueError, match=r"part0of2\.csv was begun by another number"):
        whole(tmp_path)


# ---------------------------------------------------------------- the command


def test_the_command_evaluates_the_drawn_world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["evaluate", "--data", "world", "--split", "hard", "--length", "5", "--batch", "2"]
    assert cli.main(words) == 0
    said = capsys.readouterr().out
    assert "Objects(split='test', seed=0, size=128, length=5, framing=None, hard=True)" in said
    rows = read_rows(tmp_path / "evaluation.csv")
    net = zoo.load("objects")
    pictures = world.Objects(split="test", size=128, length=5, hard=True)
    direct = evaluate(net, pictures, tmp_path / "direct.csv", batch=2, progress=False)
    assert rows == read_rows(tmp_path / "direct.csv")
    assert str(direct).rpartition("\n")[0] in said  # but for the share of time
    assert cli.main(words) == 0  # once more: nothing is left to do
    assert "outside the network" not in capsys.readouterr().out


def test_the_command_names_what_it_could_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in world.CLASSES[:2]:
        trees.save(trees.drawn(1)[0], tmp_path / "set" / name / "a.png")
    (tmp_path / "set" / world.CLASSES[0] / "b.png").write_bytes(b"")
    assert cli.main(["evaluate", "--data", "set", "--out", "folder.csv"]) == 1
    said = capsys.readouterr()
    assert f"{world.CLASSES[0]}/b.png: " in said.err
    assert "3 pictures, 1 unreadable (counted as wrong)" in said.out
    trees.voc(tmp_path / "voc", 2)
    # A class that no picture has needs no output: here "person", of which there is a small box.
    assert cli.main(["evaluate", "--data", "voc", "--layout", "voc", "--out", "voc.csv"]) == 0
    assert "localization" in capsys.readouterr().out
    (tmp_path / "set" / "unicorn").mkdir()
    assert cli.main(["evaluate", "--data", "set", "--out", "new.csv"]) == 2
    assert "'unicorn'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--data", "nowhere"], "no folder 'nowhere'"),
        (["--data", "world", "--out", "a.txt"], ".csv"),
        (["--data", "world", "--split", "easy"], "train, val, test, hard, two"),
        (["--data", ".", "--split", "val"], "--split is for"),
        (["--data", ".", "--layout", "wsol"], "--metadata"),
        (["--data", ".", "--metadata", "."], "--metadata"),
        (["--data", "world", "--model", "objekts"], "objekts"),
        (["--data", "world", "--threshold", "1"], "threshold"),
        (["--data", "world", "--length", "0"], "length"),
        (["--data", ".", "--layout", "cub", "--split", "val"], "'val'"),
        (["--data", ".", "--layout", "sun397"], "SUN397 comes from"),
        (["--data", ".", "--layout", "stanford40"], "Stanford 40 Actions comes from"),
    ],
)
def test_the_command_says_in_a_sentence_what_it_cannot_do(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["evaluate", *words]) == 2
    assert said in capsys.readouterr().err


def test_a_gpu_that_is_not_there_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert cli.main(["evaluate", "--data", "world", "--length", "1", "--device", "cuda"]) == 2
    assert "no GPU" in capsys.readouterr().err
