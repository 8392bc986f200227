"""ILSVRC, CUB, the benchmark's lists and VOC folders, in small trees laid out as published."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import trees

from camkit import world
from camkit.datasets import CUB, ILSVRC, WSOL, DataError, PictureFiles, VOCFolder, wsol_boxes
from camkit.datasets.xml import read_annotation
from camkit.images import Sample
from camkit.metrics import MaxBoxAccV2, iou_at_thresholds, wsol_box


def assert_same(data: PictureFiles, samples: list[Sample], labels: list[int]) -> None:
    """The set gives back the drawn pictures, but for what JPEG loses."""
    assert len(data) == len(samples)
    for found, drawn, label in zip(data, samples, labels, strict=True):
        assert found.label == label
        assert np.array_equal(found.boxes, drawn.boxes)
        assert found.image.shape == drawn.image.shape
        assert np.abs(found.image.astype(int) - drawn.image).mean() < 12


# ---------------------------------------------------------------- ILSVRC


@pytest.mark.parametrize("form", ["2015", "2014", "csv"])
def test_ilsvrc_in_each_of_its_forms(tmp_path: Path, form: str) -> None:
    samples = trees.ilsvrc(tmp_path, form)
    data = ILSVRC(tmp_path)
    # n01440764 comes first although the kit numbers it 449: a network's outputs are so ordered.
    assert data.wnids == ["n01440764", "n02119789"]
    named = ["tench, Tinca tinca", "kit fox, Vulpes macrotis"]
    assert data.classes == (named if form == "csv" else ["great tench", "kit fox"])
    assert_same(data, samples, [1, 0, 1, 0])
    assert data[0].name == "ILSVRC2012_val_00000001.JPEG"
    assert data.skip.tolist() == [False, False, form != "csv", False]
    part = data.subset([3, 1])
    assert_same(part, [samples[3], samples[1]], [0, 0])


def test_ilsvrc_boxes_count_their_last_pixel(tmp_path: Path) -> None:
    """A box written 3, 5, 3, 5 is one pixel."""
    trees.ilsvrc(tmp_path, "csv")
    file = tmp_path / "LOC_val_solution.csv"
    rows = ["ImageId,PredictionString"]
    rows += [f"ILSVRC2012_val_0000000{i},n01440764 3 5 3 5 n01440764 0 1 7 9 " for i in (2, 1)]
    file.write_text("\n".join(rows) + "\n")
    assert ILSVRC(tmp_path)[0].boxes.tolist() == [[3, 5, 4, 6], [0, 1, 8, 10]]


def test_ilsvrc_reads_no_annotation_before_it_is_asked_for(tmp_path: Path) -> None:
    trees.ilsvrc(tmp_path, "2015")
    note = tmp_path / "Annotations/CLS-LOC/val/ILSVRC2012_val_00000002.xml"
    note.write_text("<annotation><object>")
    (tmp_path / "Data/CLS-LOC/val/ILSVRC2012_val_00000004.JPEG").unlink()
    other = note.with_name("ILSVRC2012_val_00000003.xml")
    other.write_text(other.read_text().replace("n02119789", "n01440764"))
    data = ILSVRC(tmp_path)
    assert len(data) == 4
    found = data.unreadable(progress=False)
    assert list(found) == [1, 2, 3]
    assert "not well-formed" in found[1]
    assert "no object of the picture's class, n02119789" in found[2]
    assert "00000004.JPEG" in found[3]


@pytest.mark.parametrize(
    ("lost", "word"),
    [
        ("Data", "Data/CLS-LOC/val"),
        ("devkit", "neither LOC_val_solution.csv nor map_clsloc.txt"),
        ("devkit/data/ILSVRC2015_clsloc_validation_ground_truth.txt", "ground_truth"),
    ],
)
def test_ilsvrc_says_what_is_missing_and_where_to_get_it(
    tmp_path: Path, lost: str, word: str
) -> None:
    import shutil

    trees.ilsvrc(tmp_path, "2015")
    gone = tmp_path / lost
    if gone.is_dir():
        shutil.rmtree(gone)
    else:
        gone.unlink()
    with pytest.raises(DataError, match=word) as said:
        ILSVRC(tmp_path)
    assert "image-net.org" in str(said.value)


@pytest.mark.parametrize(
    ("file", "text", "word"),
    [
        ("LOC_val_solution.csv", "ILSVRC2012_val_00000001,n01440764 1 2 3\n", "four numbers"),
        ("LOC_val_solution.csv", "ILSVRC2012_val_00000001,\n", "one class"),
        ("LOC_val_solution.csv", "ILSVRC2012_val_00000001,n9 1 2 3 4\n", "'n9'"),
        ("LOC_val_solution.csv", "ILSVRC2012_val_00000001,n01440764 1 2 x 4\n", "numbers"),
        ("LOC_synset_mapping.txt", "n01440764\n", "line 1"),
    ],
)
def test_a_damaged_list_of_ilsvrc_is_named(tmp_path: Path, file: str, text: str, word: str) -> None:
    trees.ilsvrc(tmp_path, "csv")
    (tmp_path / file).write_text(text)
    with pytest.raises(DataError, match=word):
        ILSVRC(tmp_path)


# ---------------------------------------------------------------- CUB


@pytest.mark.parametrize(
    ("split", "indices"), [("train", [0, 1]), ("test", [2, 3, 4, 5]), ("all", range(6))]
)
@pytest.mark.parametrize("below", ["", "CUB_200_2011"])
def test_cub_in_its_official_split(
    tmp_path: Path, below: str, split: str, indices: list[int]
) -> None:
    (tmp_path / below).mkdir(exist_ok=True)
    samples = trees.cub(tmp_path / below)
    data = CUB(tmp_path, split)
    chosen = [samples[i] for i in indices]
    assert_same(data, chosen, [s.label for s in chosen])
    assert data.classes == ["001.Kit_Fox", "002.Tench"]
    assert data.part_names == ["back", "left eye"]
    assert data.parts.shape == (len(chosen), 2, 2)
    assert np.array_equal(data.parts[0, 0], chosen[0].boxes[0, :2] + [1, 2])
    assert np.isnan(data.parts[:, 1]).all()


@pytest.mark.parametrize(
    ("file", "text", "word"),
    [
        ("bounding_boxes.txt", None, "bounding_boxes"),
        ("bounding_boxes.txt", "1 0.0 0.0 5.0 5.0\n", "lacks 5 of 6"),
        ("bounding_boxes.txt", "1 0.0 0.0 wide 5.0\n", "lacks 5"),
        ("image_class_labels.txt", "\n".join(f"{i} 9" for i in range(1, 7)), "'9'"),
        ("parts/part_locs.txt", "1 1 0.0 x 1\n", "numbers"),
        ("parts/part_locs.txt", "1 7 0.0 0.0 1\n", "part 7"),
        ("images.txt", "1\n", "2 columns"),
    ],
)
def test_a_damaged_list_of_cub_is_named(
    tmp_path: Path, file: str, text: str | None, word: str
) -> None:
    trees.cub(tmp_path)
    if text is None:
        (tmp_path / file).unlink()
    else:
        (tmp_path / file).write_text(text)
    with pytest.raises(DataError, match=word):
        CUB(tmp_path)


def test_cub_knows_its_splits(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'val'"):
        CUB(tmp_path, "val")


# ---------------------------------------------------------------- the benchmark's lists


def test_the_released_list_of_cubv2_holds_widths_and_heights(tmp_path: Path) -> None:
    """Its header says ends; the first row is the box (176, 136, 459, 291) of the metadata."""
    file = tmp_path / "CUBV2_boxes.txt"
    file.write_text("image_id,x0,y0,x1,y1\n11789,176,136,283,155\n11791,437,42,397,379\n")
    boxes = wsol_boxes(file)
    assert boxes["11789"].tolist() == [[176, 136, 459, 291]]
    assert boxes["11791"].tolist() == [[437, 42, 834, 421]]
    renamed = file.rename(tmp_path / "birds.txt")  # found out without the name: 397 < 437
    assert wsol_boxes(renamed)["11789"].tolist() == [[176, 136, 459, 291]]
    renamed.write_text("11789,176,136,283,155\n")
    assert wsol_boxes(renamed)["11789"].tolist() == [[176, 136, 283, 155]]  # nothing tells
    assert wsol_boxes(renamed, sizes=True)["11789"].tolist() == [[176, 136, 459, 291]]


def test_the_released_list_of_imagenetv2_holds_ends_and_several_boxes(tmp_path: Path) -> None:
    file = tmp_path / "ImageNetV2_boxes.txt"
    file.write_text(
        "image_id,x0,y0,x1,y1\n0/0.jpeg,156,163,318,230\n"
        "0/8.jpeg,195,216,347,314\n0/8.jpeg,322,222,492,324\n10/1.jpeg,0,0,500,280\n"
    )
    boxes = wsol_boxes(file)
    assert list(boxes) == ["0/0.jpeg", "0/8.jpeg", "10/1.jpeg"]
    assert boxes["0/8.jpeg"].tolist() == [[195, 216, 347, 314], [322, 222, 492, 324]]
    assert boxes["10/1.jpeg"].tolist() == [[0, 0, 500, 280]]


def test_published_boxes_through_the_benchmarks_own_measure(tmp_path: Path) -> None:
    """Perfect maps: the first bird of CUBV2 keeps 9576 / 9775, a box of 4 x 4 cells 16 / 25.

    The benchmark counts a box's exclusive end as if it belonged to the box, so small boxes lose.
    """
    file = tmp_path / "CUBV2_boxes.txt"
    file.write_text("image_id,x0,y0,x1,y1\n11789,176,136,283,155\nsmall,25,25,8,6\n")
    boxes = wsol_boxes(file)
    cells = [wsol_box(boxes[name], (560, 419)) for name in ("11789", "small")]
    assert cells == [(70, 72, 183, 155), (10, 13, 13, 16)]
    maps = np.zeros((2, 224, 224))
    for one, (x0, y0, x1, y1) in zip(maps, cells, strict=True):
        one[y0 : y1 + 1, x0 : x1 + 1] = 1
    pairs = zip(maps, cells, strict=True)
    ious = [iou_at_thresholds(one, box, [0.5], convention="wsol")[0] for one, box in pairs]
    assert ious == [9576 / 9775, 16 / 25]
    truth = [[box] for box in cells]
    found = MaxBoxAccV2([0.5], convention="wsol").add(maps, truth).result()
    assert found.per_iou.tolist() == [100, 100, 50]
    assert round(found.value, 2) == 83.33


@pytest.mark.parametrize(
    ("text", "word"),
    [("a,1,2,3\n", "5 columns"), ("a,1,2,x,4\n", "numbers"), ("a,1,2,0,4", "empty")],
)
def test_a_damaged_list_of_boxes_is_named(tmp_path: Path, text: str, word: str) -> None:
    file = tmp_path / "boxes.txt"
    file.write_text(text)
    with pytest.raises(DataError, match=word):
        wsol_boxes(file)
    with pytest.raises(DataError, match="clovaai/wsolevaluation"):
        wsol_boxes(tmp_path / "none.txt")


def test_a_set_from_the_benchmarks_metadata(tmp_path: Path) -> None:
    samples = trees.drawn(4)
    names = [f"val2/{s.label}/{i}.jpeg" for i, s in enumerate(samples)]
    lists = tmp_path / "metadata"
    lists.mkdir()
    for name, sample in zip(names, samples, strict=True):
        trees.save(sample, tmp_path / name)
    (lists / "image_ids.txt").write_text("\n".join(names))
    labels = [f"{n},{s.label}" for n, s in zip(names, samples, strict=True)]
    (lists / "class_labels.txt").write_text("\n".join(labels))
    rows = [
        f"{n},{','.join(str(int(v)) for v in box)}"
        for n, s in zip(names, samples, strict=True)
        for box in s.boxes
    ]
    (lists / "localization.txt").write_text("\n".join(rows))
    data = WSOL(tmp_path, lists)
    assert_same(data, samples, [s.label for s in samples])
    assert data.classes == ["0", "1"]
    (lists / "localization.txt").write_text("\n".join(rows[1:]))
    with pytest.raises(DataError, match="no class or no box for 1"):
        WSOL(tmp_path, lists)


# ---------------------------------------------------------------- Pascal VOC


def test_a_voc_folder_gives_the_main_objects_boxes(tmp_path: Path) -> None:
    samples = trees.voc(tmp_path)
    data = VOCFolder(tmp_path)
    assert data.classes == sorted([*world.CLASSES[:2], "person"])
    labels = [data.classes.index(world.CLASSES[s.label]) for s in samples]
    assert_same(data, samples, labels)  # without the small box of the person
    assert data[0].name == "JPEGImages/000001.jpg"
    given = VOCFolder(tmp_path, classes=["person", *world.CLASSES])
    assert given.labels.tolist() == [s.label + 1 for s in samples]
    with pytest.raises(DataError, match="'person'"):
        VOCFolder(tmp_path, classes=world.CLASSES)


def test_voc_counts_from_one_and_the_end_in(tmp_path: Path) -> None:
    trees.voc(tmp_path, 1)
    box = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>1</xmax><ymax>5</ymax></bndbox>"
    note = tmp_path / "Annotations" / "000001.xml"
    note.write_text(f"<annotation><object><name>a</name>{box}</object></annotation>")
    assert VOCFolder(tmp_path)[0].boxes.tolist() == [[0, 1, 1, 5]]
    note.write_text(note.read_text().replace("<xmin>1", "<xmin>0"))  # by a tool that starts at 0
    assert VOCFolder(tmp_path)[0].boxes.tolist() == [[0, 1, 1, 5]]


def test_what_is_wrong_in_a_voc_folder_is_named_and_counted(tmp_path: Path) -> None:
    trees.voc(tmp_path)
    notes = tmp_path / "Annotations"
    (notes / "000002.xml").write_text("<annotation>")
    (notes / "000003.xml").write_text("<annotation></annotation>")
    (notes / "000004.xml").unlink()
    (notes / "000009.xml").write_bytes((notes / "000001.xml").read_bytes())
    data = VOCFolder(tmp_path)
    assert data.labels[1] == -1
    found = data.unreadable(progress=False)
    assert list(found) == [1, 2]
    assert "not well-formed" in found[1]
    assert "no file" in found[2]
    assert data.left_out == {
        "JPEGImages/000004.jpg": "no XML file",
        "Annotations/000003.xml": "names no object",
    }
    assert str(data).startswith("3 pictures of 1 classes")


def test_a_voc_split_is_the_list_of_its_name(tmp_path: Path) -> None:
    trees.voc(tmp_path)
    lists = tmp_path / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "val.txt").write_text("000003\n000001  1\n")
    data = VOCFolder(tmp_path, split="val")
    assert [file.name for file in data.files] == ["000003.jpg", "000001.jpg"]
    assert data.left_out == {}
    with pytest.raises(DataError, match=r"test\.txt"):
        VOCFolder(tmp_path, split="test")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('<!DOCTYPE a [<!ENTITY b "lol">]><annotation>&b;</annotation>', "document type"),
        ('<!DOCTYPE a SYSTEM "file:///etc/passwd"><annotation/>', "document type"),
        ("<picture/>", "begins with <picture>"),
        ("<annotation><object/></annotation>", "without a name"),
        ("<annotation><object><name>a</name></object></annotation>", "four numbers"),
        ("", "not well-formed"),
    ],
)
def test_an_xml_file_that_is_hostile_or_wrong_is_refused(
    tmp_path: Path, text: str, word: str
) -> None:
    file = tmp_path / "a.xml"
    file.write_text(text)
    with pytest.raises(DataError, match=word):
        read_annotation(file)


def test_a_doctype_in_another_encoding_is_refused_as_well(tmp_path: Path) -> None:
    file = tmp_path / "a.xml"
    text = '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a><annotation/>'
    file.write_bytes(text.encode("utf-16"))
    with pytest.raises(DataError, match="document type"):
        read_annotation(file)


@pytest.mark.parametrize(("low", "high"), [("9", "3"), ("nan", "3"), ("1", "inf")])
def test_a_reversed_or_endless_box_is_refused(tmp_path: Path, low: str, high: str) -> None:
    file = tmp_path / "a.xml"
    box = f"<xmin>{low}</xmin><ymin>1</ymin><xmax>{high}</xmax><ymax>2</ymax>"
    file.write_text(
        f"<annotation><object><name>a</name><bndbox>{box}</bndbox></object></annotation>"
    )
    with pytest.raises(DataError, match="reversed or endless"):
        read_annotation(file)


def test_the_picture_named_inside_stays_in_its_folder(tmp_path: Path) -> None:
    file = tmp_path / "a.xml"
    file.write_text(r"<annotation><filename>..\..\x/secret.jpg</filename></annotation>")
    assert read_annotation(file).picture == "secret.jpg"


@pytest.mark.parametrize(
    "read", [ILSVRC, CUB, VOCFolder, lambda path: WSOL(path, path)], ids=lambda f: f.__name__
)
def test_a_folder_that_is_not_there(tmp_path: Path, read: Callable[[Path], PictureFiles]) -> None:
    with pytest.raises(DataError, match=r"There is no folder .*nowhere.*\. .+"):
        read(tmp_path / "nowhere")
    with pytest.raises(DataError):  # an empty one
        read(tmp_path)
