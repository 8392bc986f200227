"""The paper's tables beside ours: the paper's figures, our measuring, and how they are set."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

from camkit import relatives, tables, world, zoo
from camkit.cli import main
from camkit.heads import CamModel
from camkit.metrics import localization_errors
from camkit.tables import __main__ as command
from camkit.tables import counted, paper, photographs, shipped, transferred
from camkit.train import inputs_of

ROOT = Path(__file__).resolve().parent.parent

# ---------------------------------------------------------------- the paper's figures


def test_the_derived_columns_of_table_2() -> None:
    """(100 - localization error) / (100 - classification error), worked out on paper."""
    wanted = {
        "GoogLeNet-GAP": (67.1, 65.7),
        "VGGnet-GAP": (64.3, 62.5),
        "GoogLeNet": (58.6, 57.1),
        "AlexNet*-GAP": (65.8, 63.8),
        "AlexNet-GAP": (67.1, 64.9),
        "NIN": (59.4, 57.0),
        "Backprop on GoogLeNet": (56.8, 55.7),
        "Backprop on VGGnet": (56.5, 54.8),
        "Backprop on AlexNet": (60.7, 58.8),
        "GoogLeNet-GMP": (65.6, 63.6),
    }
    assert wanted.keys() == paper.LOCALIZATION.keys()
    for method, (top1, top5) in wanted.items():
        assert paper.box_given_class(method, 1) == pytest.approx(top1, abs=0.05)
        assert paper.box_given_class(method, 5) == pytest.approx(top5, abs=0.05)


def test_no_error_of_the_paper_breaks_the_order_that_must_hold() -> None:
    """Five guesses are never worse than one; a box asks for more than a class."""
    for figures in (paper.CLASSIFICATION, paper.LOCALIZATION):
        assert all(top5 < top1 for top1, top5 in figures.values())
    for method, (top1, top5) in paper.LOCALIZATION.items():
        network = method.removeprefix(paper.BACKPROP)
        assert paper.CLASSIFICATION[network][0] < top1
        assert paper.CLASSIFICATION[network][1] < top5


# ---------------------------------------------------------------- counting, by hand


class Colours(nn.Module):
    """One unit for red and one for green, a little blurred by nothing: the pixels themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :2] * self.scale


def colour_net() -> CamModel:
    """Class 0 is red, class 1 is green, and four classes are never likely."""
    head = nn.Linear(2, 6)  # five guesses need five classes
    with torch.no_grad():
        head.weight.zero_()
        head.weight[:2] = torch.eye(2)
        head.bias.copy_(torch.tensor([0.0, 0, -1, -2, -3, -4]))
    return CamModel(Colours(), head, size=40).eval()


def scene(*squares: tuple[int, int, int, int, int]) -> Any:
    """Draw squares (colour, x0, y0, x1, y1) on black."""
    image = np.zeros((40, 40, 3), np.uint8)
    for colour, x0, y0, x1, y1 in squares:
        image[y0:y1, x0:x1, colour] = 255
    return image


def four_pictures() -> world.Batch:
    images = [
        scene((0, 4, 4, 28, 28)),  # red, and its box is true
        scene((0, 4, 4, 28, 28)),  # called green: wrong class, and no green to box
        scene((0, 4, 4, 28, 28)),  # red, but the true box is elsewhere
        scene((0, 0, 0, 24, 24), (1, 24, 24, 34, 34)),  # green beside more red: wrong, box right
    ]
    boxes = [[4, 4, 28, 28], [4, 4, 28, 28], [28, 28, 34, 34], [24, 24, 34, 34]]
    return world.Batch(
        np.stack(images),
        np.array([0, 1, 0, 1]),
        [np.array([box], float) for box in boxes],
        np.zeros((4, 40, 40), bool),
    )


def test_errors_of_four_pictures_by_hand() -> None:
    told = shipped.measured(colour_net(), four_pictures())
    assert told["classification"] == [50.0, 0.0]
    assert told["cam"] == {"top1": 75.0, "known": 50.0, "given": 50.0}
    # The second picture's green map has no box, the third's is elsewhere; the fourth is right with
    # the second guess.
    assert told["five"]["cam"] == told["five"]["tight_and_loose"] == 50.0
    # Seen without classes, the last picture is one region of two squares that touch: 100/1156.
    assert told["class_blind"] == {"top1": 75.0, "known": 50.0, "given": 50.0}
    # The whole picture: 576/1600 at best.
    assert told["whole"] == {"top1": 100.0, "known": 100.0, "given": 0.0}


def test_the_batch_size_changes_nothing() -> None:
    one, four = (shipped.measured(colour_net(), four_pictures(), batch=b) for b in (1, 4))
    assert one == four


@pytest.mark.filterwarnings("ignore:Picture")
def test_the_short_cut_counts_what_the_ilsvrc_errors_count() -> None:
    """Top-1 needs only the true class's box; the full count draws one for each guess."""
    net = zoo.load("objects")
    drawn = world.Objects(split="test", hard=True, length=60).batch(progress=False)
    told = shipped.measured(net, drawn)
    result = net.explain(inputs_of(net, drawn.images), 5)
    known = net.explain(inputs_of(net, drawn.images), classes="all").boxes()
    errors = localization_errors(
        result.classes,
        result.boxes(),
        drawn.labels,
        drawn.boxes,
        known=known[np.arange(60), drawn.labels],
    )
    assert told["classification"] == pytest.approx(
        [errors.classification_top1, errors.classification_top5], abs=0.01
    )
    assert told["cam"]["top1"] == pytest.approx(errors.top1, abs=0.01)
    assert told["cam"]["known"] == pytest.approx(errors.known, abs=0.01)
    assert told["five"]["cam"] == pytest.approx(errors.top5, abs=0.01)
    assert errors.top1 > errors.top5  # there is something to count


def test_a_tight_box_can_save_a_picture() -> None:
    """A bright square in a dim one, and the bright one is the truth: above 20 % it is lost."""
    image = scene((0, 2, 2, 30, 30))
    image[2:30, 2:30, 0] = 60
    image[6:16, 6:16, 0] = 255
    truth = [np.array([[6.0, 6, 16, 16]])] * 2
    drawn = world.Batch(np.stack([image] * 2), np.zeros(2, int), truth, np.zeros((2, 40, 40), bool))
    told = shipped.measured(colour_net(), drawn)
    assert told["cam"]["known"] == told["five"]["cam"] == 100.0
    assert told["five"]["tight_and_loose"] == 0.0


def test_a_setting_is_never_chosen_on_the_rows_it_is_reported_on() -> None:
    """Each row alone is right with a setting of its own: no other row recommends it."""
    assert not counted.tuned(np.eye(40, dtype=bool)).any()
    sure = np.zeros((40, 3), bool)
    sure[:, 1] = True
    assert counted.tuned(sure).all()
    with pytest.raises(ValueError, match="at least two rows to be halved, got 1"):
        counted.tuned(sure[:1])


# ---------------------------------------------------------------- shipped networks, made here


def ship(folder: Path, name: str, arch: str, pool: Any, accuracy: float, seed: int = 0) -> None:
    """Write a network with random weights and its card."""
    torch.manual_seed(seed)
    net = relatives.build(arch, world.CLASSES, pool=pool)
    file = folder / f"{name}.safetensors"
    save_file(net.state_dict(), file)
    card = {
        "name": name,
        "arch": arch,
        "pool": pool,
        "size": [128, 128],
        "classes": list(world.CLASSES),
        "recipe": {"arch": arch, "pool": pool},
        "accuracy": accuracy,
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
    }
    file.with_suffix(".json").write_text(json.dumps(card))


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder of shipped networks, and an empty place for their numbers."""
    monkeypatch.setattr(zoo, "SHIPPED", tmp_path)
    monkeypatch.setattr(shipped, "FILE", tmp_path / "numbers" / "tables.json")
    return tmp_path


def row_of(number: int, method: str) -> dict[str, Any]:
    return next(row for row in tables.table(number).rows if row["method"] == method)


def test_without_networks_every_table_still_stands(shelf: Path) -> None:
    assert row_of(1, "VGGnet")["top-1"] == "not made"
    assert row_of(1, "NIN")["ours"] is None
    assert row_of(2, "Backprop on AlexNet")["known"] == "not made"
    assert row_of(2, "whole picture")["top-1"] == "not made"
    assert row_of(3, "GoogLeNet-GAP")["top-5"] == "not made"
    for number in (1, 2, 3):
        assert "not made" in tables.text(number)


def test_figures_come_from_cards_and_measuring_and_go_with_the_weights(shelf: Path) -> None:
    ship(shelf, "small-googlenet", "plain", "average", 0.9)
    ship(shelf, "small-alexnet-flatten", "small-alexnet", "flatten", 0.95)
    ship(shelf, "small-alexnet", "small-alexnet", "average", 0.875)
    assert row_of(1, "GoogLeNet-GAP")["top-1"] == pytest.approx(10.0)
    assert row_of(1, "GoogLeNet-GAP")["hard top-1"] == "not made"
    target = shipped.make(
        ["small-googlenet", "small-alexnet-flatten"], shipped.FILE, count=20, progress=False
    )
    told = json.loads(target.read_text())["networks"]
    assert set(told) == {"small-googlenet", "small-alexnet-flatten"}
    plain, flat = told["small-googlenet"], told["small-alexnet-flatten"]
    assert "cam" in plain["ordinary"]
    assert "cam" not in flat["ordinary"]  # a flattened head has no map
    assert row_of(1, "AlexNet")["hard top-1"] == flat["hard"]["classification"][0]
    assert row_of(2, "GoogLeNet-GAP")["top-1"] == plain["ordinary"]["cam"]["top1"]
    assert row_of(2, "Backprop on AlexNet")["known"] == flat["ordinary"]["gradient"]["known"]
    assert row_of(2, "CAM, tuned")["known"] == plain["ordinary"]["cam_tuned"]["known"]
    assert row_of(3, "GoogLeNet-GAP")["top-5"] == plain["ordinary"]["five"]["cam"]
    cam, gradient = (plain["ordinary"][way]["top1"] for way in ("cam", "gradient"))
    order = "as in the paper" if cam < gradient else "the other way round from the paper"
    assert any(order in note and f"{cam:.1f} %" in note for note in tables.table(2).notes)
    # The price of average pooling, from the two cards: 12.5 - 5.
    assert any("+7.5 here" in note for note in tables.table(1).notes)
    # Measured already: nothing is done twice.
    stamp = target.stat().st_mtime_ns
    shipped.make(["small-googlenet"], target, count=20, progress=False)
    assert target.stat().st_mtime_ns == stamp
    # Trained anew: the old figures are nobody's.
    ship(shelf, "small-googlenet", "plain", "average", 0.8, seed=1)
    assert row_of(1, "GoogLeNet-GAP")["top-1"] == pytest.approx(20.0)
    assert row_of(1, "GoogLeNet-GAP")["hard top-1"] == "not made"
    assert row_of(2, "GoogLeNet-GAP")["top-1"] == "not made"


def test_the_numbers_that_come_with_camkit_are_of_the_networks_that_come_with_it() -> None:
    if not shipped.FILE.exists():
        pytest.skip("numbers/tables.json is not made yet")
    told = json.loads(shipped.FILE.read_text(encoding="utf-8"))["networks"]
    assert shipped.numbers().keys() == told.keys(), "run python -m camkit.tables make"
    assert set(told) == set(paper.RELATIVES.values()) & set(zoo.shipped())


# ---------------------------------------------------------------- photographs, as numbers


@pytest.mark.parametrize("network", ["squeezenet1_1", "mobilenet_v2"])
def test_the_numbers_of_photographs_keep_what_was_measured_elsewhere(network: str) -> None:
    """Within a point of another program's figures on the same photographs."""
    top1, known, placed = {
        "squeezenet1_1": (66.6, {10: 53.9, 15: 59.0, 20: 61.5, 30: 56.6}, 44.1),
        "mobilenet_v2": (75.6, {10: 62.5, 15: 65.2, 20: 67.2, 30: 62.9}, 51.2),
    }[network]
    numbers = tables.real(network)
    hits = numbers.curves["cam"] >= 0.5
    assert 100 * numbers.right.mean() == pytest.approx(top1, abs=1)
    for percent, value in known.items():
        assert 100 * hits[:, percent - 1].mean() == pytest.approx(value, abs=1)
    assert 100 * (numbers.right & hits[:, 19]).mean() == pytest.approx(placed, abs=1)
    seventy = numbers.centred[:, np.isclose(numbers.sides, 0.7)]
    assert 100 * (seventy >= 0.5).mean() == pytest.approx(56.6, abs=1)


def test_the_shapes_and_ranges_of_the_numbers() -> None:
    numbers = tables.real()
    count = len(numbers.labels)
    assert count == 256
    assert numbers.boxes.min() == 1
    assert numbers.top5.shape == (count, 5)
    assert set(numbers.curves) == set(photographs.MAPS)
    assert all(curve.shape == (count, 99) for curve in numbers.curves.values())
    assert all(guess.shape == (count, 5) for guess in numbers.guesses.values())
    assert numbers.thresholds[[0, -1]].tolist() == [0.01, 0.99]
    assert numbers.sides[[0, -1]].tolist() == [0.05, 1.0]
    every = [*numbers.curves.values(), *numbers.guesses.values(), numbers.centred]
    assert min(one.min() for one in every) >= 0
    assert max(one.max() for one in every) <= 1
    # Where the first guess is right, its box is that of the true class's map.
    right = numbers.right
    assert np.array_equal(numbers.guesses["cam"][right, 0], numbers.curves["cam"][right, 19])
    # A map of another class is a worse guide, and pixel by pixel a gradient is none at all.
    at_20 = {name: (curve[:, 19] >= 0.5).mean() for name, curve in numbers.curves.items()}
    assert at_20["cam"] > at_20["class_blind"] > at_20["gradient"]
    assert at_20["cam"] > at_20["other_class"]
    assert photographs.FILE.stat().st_size < 400_000


def test_rounding_down_keeps_the_answer_at_every_usual_bound() -> None:
    overlaps = np.array([0.29, 0.3, 0.3 - 1e-6, 0.5, 0.4999, 0.7, 0.69999, 1.0, 0.0])
    kept = photographs._floored(overlaps) / photographs.STEPS
    assert np.all(kept <= overlaps + 1e-9)
    assert np.all(overlaps - kept < 0.005)
    for bound in (0.3, 0.5, 0.7):
        assert np.array_equal(kept >= bound, overlaps >= bound)


def test_a_network_without_numbers_is_refused() -> None:
    with pytest.raises(ValueError, match="only of 'mobilenet_v2', 'squeezenet1_1'"):
        tables.real("resnet50")


def test_another_class_is_never_the_same() -> None:
    labels = list(range(1000))
    drawn = photographs.others(labels)
    assert all(a != b and 0 <= b < 1000 for a, b in zip(labels, drawn, strict=True))
    assert drawn == photographs.others(labels)


def test_without_real_material_the_numbers_are_not_made(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.delenv("CAMKIT_REALDATA", raising=False)
    assert command.main(["real"]) == 2
    assert "let the environment variable CAMKIT_REALDATA name a folder" in capsys.readouterr().err
    monkeypatch.setenv("CAMKIT_REALDATA", str(tmp_path))
    assert command.main(["real"]) == 2
    assert f"{tmp_path} is none" in capsys.readouterr().err


# ---------------------------------------------------------------- Tables 4 and 5


def counted_row(key: str, name: str, right: int, count: int) -> dict[str, Any]:
    return {key: name, "accuracy": right / count, "right": right, "n": count}


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a place for the numbers of drawn birds, scenes and actions, empty at first."""
    monkeypatch.setattr(transferred, "FOLDER", tmp_path)
    return tmp_path


def write_birds(folder: Path, whole: str, cam: str, true: str) -> None:
    found = {
        "crop at a random place": 30,
        whole: 90,
        "crop in the middle": 110,
        cam: 130,
        true: 150,
    }
    rows = [counted_row("row", name, right, 200) for name, right in found.items()]
    told = {"about": "birds of one nest", "table4": rows}
    (folder / "birds.json").write_text(json.dumps(told))


def write_sets(folder: Path) -> None:
    for file, name, right in (("scenes", "scenes", 80), ("actions", "actions", 90)):
        rows = [counted_row("feature", "objects", right, 100)]
        rows.append({"feature": "chance", "accuracy": 0.125})
        told = {"table5": {"set": name, "rows": rows}}
        (folder / f"{file}.json").write_text(json.dumps(told))


def test_table_4_as_the_paper_prints_it(measured: Path) -> None:
    one = tables.table(4)
    assert list(one.columns) == ["method", "annotation", "paper accuracy"]
    printed = [(row["method"], row["annotation"], row["paper accuracy"]) for row in one.rows]
    assert printed[:3] == [
        ("GoogLeNet-GAP on full image", "n/a", 63.0),
        ("GoogLeNet-GAP on crop", "n/a", 67.8),
        ("GoogLeNet-GAP on BBox", "BBox", 70.5),
    ]
    assert printed[-1] == ("PANDA R-CNN", "BBox+Parts", 76.4)
    assert len(printed) == 8
    assert any("58.84 %" in note and "41.0 %" in note for note in one.notes)
    assert "What differs" not in tables.text(4)  # there is nothing of ours to differ


@pytest.mark.parametrize(
    "names",
    [
        ("full picture", 'crop at the map of "bird"', "crop at the true box"),
        ("whole picture", "CAM crop", "true box"),
    ],
)
def test_ours_stand_beside_table_4_with_the_row_it_lacks(
    measured: Path, names: tuple[str, str, str]
) -> None:
    write_birds(measured, *names)
    one = tables.table(4)
    ours = {row["method"]: (row.get("ours"), row.get("ours (95 %)")) for row in one.rows}
    assert ours["GoogLeNet-GAP on full image"] == (45.0, "38.3-51.9")
    assert ours["GoogLeNet-GAP on crop"][0] == 65.0
    assert ours["GoogLeNet-GAP on BBox"][0] == 75.0
    assert ours["DPD"] == (None, None)
    assert [row["method"] for row in one.rows[8:]] == [
        "crop at a random place",
        "crop in the middle",
    ]
    assert ours["crop in the middle"][0] == 55.0
    assert "Ours: birds of one nest." in one.notes
    assert any("Each of ours counts 200 test pictures" in note for note in one.notes)


def test_table_5_as_the_paper_prints_it(measured: Path) -> None:
    one = tables.table(5)
    assert list(one.columns) == ["feature", *paper.SETS]
    figures = {row["feature"]: [row[name] for name in paper.SETS] for row in one.rows}
    assert figures["gap from GoogLeNet-GAP"][:3] == [51.31, 66.61, 88.30]
    assert figures["ave pool from GoogLeNet"][-2:] == [72.03, 95.42]
    # The oddity is printed as the paper prints it, marked, and said.
    fc7 = one.rows[0]
    assert fc7["SUN Attr. (!)"] == fc7["Scene15"] == 84.23
    assert any(note.startswith("(!)") and "not checked" in note for note in one.notes)


def test_ours_stand_below_table_5(measured: Path) -> None:
    write_sets(measured)
    one = tables.table(5)
    ours = [(r["part"], r["feature"], r["ours"], r.get("ours (95 %)")) for r in one.rows[3:]]
    assert ours == [
        ("Drawn scenes", "objects", 80.0, "71.1-86.7"),
        ("Drawn scenes", "chance", 12.5, None),
        ("Drawn actions", "objects", 90.0, "82.6-94.5"),
        ("Drawn actions", "chance", 12.5, None),
    ]
    assert "Drawn scenes:" in tables.text(5)
    (measured / "actions.json").unlink()
    assert len(tables.table(5).rows) == 5


def test_wilsons_interval_by_hand() -> None:
    """(p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n), with z = 1.96, for 8 of 10."""
    middle, half = 0.8 + 3.8416 / 20, 1.96 * (0.016 + 3.8416 / 400) ** 0.5
    wanted = [100 * (middle + sign * half) / 1.38416 for sign in (-1, 1)]
    assert counted.interval(8, 10) == pytest.approx(wanted, abs=0.01)
    assert counted.interval(0, 5)[0] == 0
    with pytest.raises(ValueError, match="between 0 and count, got 6 of 5"):
        counted.interval(6, 5)


def test_the_photographs_of_table_5_count_every_answer_once(tmp_path: Path) -> None:
    """Divided folders are tested once; other folders in halves, both ways round."""
    for part, count in (("train", 4), ("test", 2)):
        for name, shade in (("dark", 40), ("light", 210)):
            for i in range(count):
                file = tmp_path / "divided" / part / name / f"{i}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                Image.new("RGB", (8, 8), (shade + i,) * 3).save(file)
    divided = list(transferred.halves(tmp_path / "divided"))
    assert [(len(learn), len(test)) for learn, test in divided] == [(8, 4)]
    both = list(transferred.halves(tmp_path / "divided" / "train"))
    assert [len(test) for _, test in both] == [4, 4]
    assert sorted(f for _, test in both for f in test.files) == sorted(
        (tmp_path / "divided" / "train").rglob("*.png")
    )
    assert [len(test) for _, test in transferred.halves(tmp_path / "divided" / "train", 2)] == [
        2,
        2,
    ]
    rows = list(transferred.compared({"tiny": colour_net()}, both, progress=False))
    found = {row["feature"]: (row.get("right"), row.get("n")) for row in rows}
    assert found["tiny, pooled"] == found["pixels, 16 x 16 grey"] == (8, 8)
    assert rows[-1] == {"feature": "chance", "accuracy": 0.5}


def test_without_photographs_the_numbers_of_table_5_are_not_made(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("CAMKIT_REALDATA", str(tmp_path))
    assert command.main(["transfer"]) == 2
    assert f"{tmp_path} is none" in capsys.readouterr().err


@pytest.mark.parametrize("file", ["birds", "scenes", "actions", "photographs"])
def test_shipped_rows_of_tables_4_and_5_count_what_they_say(file: str) -> None:
    """An accuracy that was counted is right / n, and every row has a name of its own."""
    path = transferred.FOLDER / f"{file}.json"
    if not path.exists():
        pytest.skip(f"numbers/{file}.json is not made yet")
    told = json.loads(path.read_text(encoding="utf-8"))
    kept = told["table4"] if file == "birds" else told["table5"]
    for rows in [kept] if file == "birds" else [one["rows"] for one in np.atleast_1d(kept)]:
        names = [row["row" if file == "birds" else "feature"] for row in rows]
        assert len(set(names)) == len(names) >= 3
        for row in (row for row in rows if row.get("n")):
            share = row["right"] / row["n"]  # written as a share or in percent
            assert 0 < share <= 1
            assert row["accuracy"] in (
                pytest.approx(share, abs=1e-3),
                pytest.approx(100 * share, abs=0.1),
            )


# ---------------------------------------------------------------- how they are set


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_csv_holds_every_row_and_no_dash(number: int) -> None:
    one = tables.table(number)
    rows = list(csv.DictReader(io.StringIO(tables.csv(number))))
    first = next(iter(one.columns))
    assert [row[first] for row in rows] == [row[first] for row in one.rows]
    for column in (column for column, decimals in one.columns.items() if decimals):
        assert all(row[column] in ("", "not made") or float(row[column]) >= 0 for row in rows)


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_text_is_aligned_and_fits_a_terminal(number: int) -> None:
    lines = tables.text(number).splitlines()
    rule = next(line for line in lines if line.startswith("---"))
    assert max(map(len, lines)) <= 120
    one = tables.table(number)
    first = next(iter(one.columns))
    below = lines[lines.index(rule) + 1 :]
    for row in one.rows:
        line = next(line for line in below if line.startswith(f"{row[first]}  "))
        below = below[below.index(line) + 1 :]
        assert re.split(r"  +", line) == [cell for cell in tables._cells(one, row) if cell]
    # Numbers stand under each other: every row ends where the rule does, or holds a word there.
    assert len(rule) == max(len(line) for line in lines[: lines.index(rule) + len(one.rows)])
    for note in one.notes:
        assert note in " ".join(lines)


class Outline(HTMLParser):
    """Counts what a table is made of, and whether every element is closed."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.count: dict[str, int] = {}
        self.open: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.count[tag] = self.count.get(tag, 0) + 1
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_html_and_markdown_hold_the_same_cells(number: int) -> None:
    one = tables.table(number)
    parts = len({row["part"] for row in one.rows})
    parts = parts if parts > 1 else 0
    outline = Outline(tables.html(number))
    assert outline.open == []
    assert outline.count["tr"] == 1 + len(one.rows) + parts
    assert outline.count["td"] == len(one.rows) * (len(one.columns) - 1)
    assert one._repr_html_() == tables.html(one)
    lines = [line for line in tables.markdown(number).splitlines() if line.startswith("|")]
    assert len(lines) == 2 + len(one.rows) + parts
    assert {line.count("|") for line in lines} == {len(one.columns) + 1}


def test_a_table_that_is_not_there() -> None:
    with pytest.raises(ValueError, match="There is no table 9 here"):
        tables.table(9)


@pytest.mark.parametrize(("words", "first"), [([], "Table 2."), (["--markdown"], "**Table 2.")])
def test_the_command_prints_a_table(
    words: list[str], first: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tables", "2", *words]) == 0
    told = capsys.readouterr().out
    assert told.startswith(first)
    assert "GoogLeNet-GAP" in told


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    """`camkit tables 2 | head -1`: the pipe closes while the table is written."""
    words = [sys.executable, "-c", "from camkit.cli import main; raise SystemExit(main())"]
    with subprocess.Popen(
        [*words, "tables", "1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    ) as done:
        assert done.stdout is not None
        assert done.stderr is not None
        done.stdout.close()
        said = done.stderr.read().decode()
        assert (said, done.wait(timeout=600)) == ("", 0)


def test_the_command_writes_csv_and_refuses_other_tables(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["tables", "1", "--csv"]) == 0
    assert capsys.readouterr().out == tables.csv(1)
    assert main(["tables", "9"]) == 2
    assert capsys.readouterr().err.startswith("camkit tables: There is no table 9 here")
