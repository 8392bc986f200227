"""The sets of Table 5 in small trees laid out as published: divisions, boxes, what goes wrong."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import trees
from PIL import Image

from camkit.datasets import SUN397, DataError, FolderSet, PictureFiles, Scene15, Stanford40


def names(data: PictureFiles) -> list[str]:
    return [data.name(i) for i in range(len(data))]


# ---------------------------------------------------------------- folders and lists


@pytest.fixture
def rooms(tmp_path: Path) -> Path:
    """Indoor67's layout: Images/ with classes, the two lists beside it."""
    root = tmp_path / "Images"
    trees.folders(root, {"bar": 3, "gym": 2})
    (tmp_path / "TrainImages.txt").write_text("gym/image_0001.jpg\nbar/image_0003.jpg")
    (tmp_path / "TestImages.txt").write_text("bar/image_0001.jpg\r\n\ngym/image_0002.jpg\r\n")
    return root


INDOOR = {"train": "TrainImages.txt", "test": "TestImages.txt"}


def test_the_lists_of_indoor67(rooms: Path) -> None:
    train, test, every = (FolderSet(rooms, s, lists=INDOOR) for s in ("train", "test", "all"))
    assert names(train) == ["gym/image_0001.jpg", "bar/image_0003.jpg"]
    assert (train.labels.tolist(), train.classes) == ([1, 0], ["bar", "gym"])
    assert names(test) == ["bar/image_0001.jpg", "gym/image_0002.jpg"]
    assert len(every) == 5
    assert abs(int(train[1].image[0, 0, 0]) - 2) <= 2  # the third picture's shade


@pytest.mark.parametrize(
    "lines",
    [
        "./gym/image_0001.jpg\n/bar/image_0003.jpg",
        "Images/gym/image_0001.jpg\nimages/of/mine/bar/image_0003.jpg",
        "gym\\image_0001.jpg 1\nbar\\image_0003.jpg 0",
        "gym/image_0001 , second\nbar/image_0003, first",
        "gym/image_0001.jpg\t7\nbar/image_0003.jpg\t3",
        "only\nbar/image_0003",
    ],
)
def test_lists_of_several_styles(rooms: Path, lines: str) -> None:
    (rooms / "gym" / "image_0001.jpg").rename(rooms / "gym" / "only.jpg")
    (rooms.parent / "TrainImages.txt").write_text(lines.replace("image_0001", "only"))
    data = FolderSet(rooms, "train", lists={"train": "TrainImages.txt"})
    assert names(data) == ["gym/only.jpg", "bar/image_0003.jpg"]


def test_a_name_with_blanks_is_not_taken_for_a_label(tmp_path: Path) -> None:
    trees.folders(tmp_path, {"bar": 1, "gym": 1})
    (tmp_path / "bar" / "image_0001.jpg").rename(tmp_path / "bar" / "my bar 2.jpg")
    (tmp_path / "train.txt").write_text("bar/my bar 2.jpg 0\nbar/my bar 2.jpg\ngym/image_0001 1")
    with pytest.raises(DataError, match="stands in 'train' and again in 'train'"):
        FolderSet(tmp_path, "train", lists={"train": "train.txt"})
    (tmp_path / "train.txt").write_text("bar/my bar 2.jpg 0\ngym/image_0001 1")
    data = FolderSet(tmp_path, "train", lists={"train": "train.txt"})
    assert names(data) == ["bar/my bar 2.jpg", "gym/image_0001.jpg"]


@pytest.mark.parametrize(
    ("lines", "word"),
    [
        ("gym/image_0001.jpg 1\nbar/image_0003.jpg 1", "label 1 stands for two folders"),
        ("bar/image_0001.jpg 1\nbar/image_0003.jpg 2\ngym/image_0001 3", "different labels"),
        ("image_0001.jpg\nbar/image_0003.jpg", "may be 2 pictures"),
        ("pub/1.jpg\npub/2.jpg", "None of the 2 pictures .* name the folder that the list's"),
        ("gym/image_0009.jpg\nbar/image_0003.jpg", "lists one picture that .* lacks, such as 'gym"),
        ("bar/image_0002.jpg\nbar/image_0003.jpg", "no picture of 'gym'"),
        ("gym/image_0002.jpg\nbar/image_0003.jpg", r"gym/image_0002.jpg stands in 'train' and"),
    ],
)
def test_a_list_that_does_not_match_is_named(rooms: Path, lines: str, word: str) -> None:
    (rooms.parent / "TrainImages.txt").write_text(lines)
    with pytest.raises(DataError, match=word):
        FolderSet(rooms, "train", lists=INDOOR)


def test_labels_of_classes_that_are_left_out_do_not_count(tmp_path: Path) -> None:
    trees.folders(tmp_path, {"bar": 1, "clutter": 1, "gym": 1, "noise": 1})
    lines = [
        f"{name}/image_0001.jpg {i}" for i, name in enumerate(("bar", "clutter", "gym", "noise"))
    ]
    (tmp_path / "train.txt").write_text("\n".join(lines))
    leave_out = ["clutter", "noise"]
    data = FolderSet(tmp_path, "train", lists={"train": "train.txt"}, leave_out=leave_out)
    assert names(data) == ["bar/image_0001.jpg", "gym/image_0001.jpg"]


def test_a_missing_list_says_where_it_was_looked_for(rooms: Path) -> None:
    with pytest.raises(DataError, match=r"no list 'val.txt', neither in .*Images nor above it"):
        FolderSet(rooms, "val", lists={"val": "val.txt"})
    data = FolderSet(rooms, "val", lists={"val": rooms.parent / "TestImages.txt"})
    assert len(data) == 2


def test_so_many_of_each_class(tmp_path: Path) -> None:
    trees.folders(tmp_path, {"BACKGROUND_Google": 1, "anchor": 5, "ant": 7})
    options = {"train": 3, "test": 2, "leave_out": ["BACKGROUND_Google"]}
    train, test = (FolderSet(tmp_path, s, **options) for s in ("train", "test"))  # type: ignore[arg-type]
    assert train.classes == ["anchor", "ant"]
    assert np.bincount(train.labels).tolist() == [3, 3]
    assert names(train)[:3] == [f"anchor/image_000{i}.jpg" for i in (1, 2, 3)]
    assert names(test) == [f"{c}/image_000{i}.jpg" for c in ("anchor", "ant") for i in (4, 5)]
    rest = FolderSet(tmp_path, "test", train=3, leave_out=["BACKGROUND_Google"])
    assert np.bincount(rest.labels).tolist() == [2, 4]
    drawn, again, other = (
        FolderSet(tmp_path, "train", seed=seed, **options)  # type: ignore[arg-type]
        for seed in (1, 1, 2)
    )
    assert names(drawn) == names(again) != names(other)
    left = FolderSet(tmp_path, "test", seed=1, train=3, leave_out=["BACKGROUND_Google"])
    assert sorted(names(drawn) + names(left)) == names(FolderSet(tmp_path))[1:]
    assert len(FolderSet(tmp_path, leave_out=["BACKGROUND_Google"])) == 12


def test_a_class_with_one_example_cannot_be_divided(tmp_path: Path) -> None:
    trees.folders(tmp_path, {"anchor": 5, "ant": 1})
    with pytest.raises(DataError, match="'ant' has one picture, too few for 1 to learn from"):
        FolderSet(tmp_path, "train", train=1)
    with pytest.raises(DataError, match=r"'anchor' has 5 pictures, too few for 4 .* and 2 to test"):
        FolderSet(tmp_path, "train", train=4, test=2)


def test_folders_called_train_and_test_divide_a_set(tmp_path: Path) -> None:
    trees.folders(tmp_path / "Train", {"bar": 2, "gym": 1})
    trees.folders(tmp_path / "test", {"bar": 1, "gym": 1})
    data = FolderSet(tmp_path, "train")
    assert names(data) == [
        "Train/bar/image_0001.jpg",
        "Train/bar/image_0002.jpg",
        "Train/gym/image_0001.jpg",
    ]
    assert data.labels.tolist() == [0, 0, 1]
    assert FolderSet(tmp_path, "test").labels.tolist() == [0, 1]
    assert len(FolderSet(tmp_path)) == 5
    with pytest.raises(ValueError, match="divided into folders already"):
        FolderSet(tmp_path, "train", train=1)
    with pytest.raises(ValueError, match="divided into folders already"):
        FolderSet(tmp_path, deep=True)
    trees.folders(tmp_path / "Train", {"zoo": 1})
    trees.folders(tmp_path / "test", {"zoo": 2})
    without = FolderSet(tmp_path, "test", leave_out=["bar"])
    assert (without.classes, without.labels.tolist()) == (["gym", "zoo"], [0, 1, 1])
    trees.folders(tmp_path / "test", {"pub": 1})
    with pytest.raises(DataError, match=r"Train lacks 1 classes .* such as 'pub'"):
        FolderSet(tmp_path)


def test_a_tree_of_classes(tmp_path: Path) -> None:
    """SUN Attribute's pictures lie as SUN397's do."""
    trees.sun(tmp_path)
    data = FolderSet(tmp_path, deep=True)
    assert data.classes == ["abbey", "apartment_building/outdoor", "kitchen"]
    assert np.bincount(data.labels).tolist() == [4, 4, 4]
    assert data.left_out["ClassName.txt"] == "lies beside the classes' folders"


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"split": "train"}, "one of 'all' here; for others give lists=, train=, .* got 'train'"),
        ({"split": "val", "train": 1}, "one of 'all', 'train', 'test', got 'val'"),
        ({"train": 0}, "train must be 1 picture of each class at least, got 0"),
        ({"train": 1, "test": -1}, "test must be 1"),
        ({"seed": 3}, "go with train"),
        ({"train": 1, "lists": {"val": "val.txt"}}, "give one of them"),
        ({"leave_out": ["pub"]}, "'pub', which is none of the classes"),
        ({"leave_out": ["gym"]}, "leave two classes"),
    ],
)
def test_a_setting_out_of_range(rooms: Path, options: dict[str, object], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        FolderSet(rooms, **options)  # type: ignore[arg-type]


def test_a_number_of_pictures_is_a_whole_number(rooms: Path) -> None:
    with pytest.raises(TypeError, match=r"train must be a whole number of pictures, got 0\.5"):
        FolderSet(rooms, "train", train=0.5)  # type: ignore[arg-type]


def test_an_archive_a_level_off_says_what_to_name(rooms: Path) -> None:
    with pytest.raises(DataError, match=r"holds one folder, which holds others: name \S+/Images"):
        FolderSet(rooms.parent)
    with pytest.raises(
        DataError, match=r"pictures but no folders: .* name the folder above it, \S+/Images"
    ):
        FolderSet(rooms / "bar")


@pytest.mark.parametrize(
    ("loader", "below", "extra", "counts"),
    [
        (
            "Caltech101",
            "caltech101/101_ObjectCategories",
            "BACKGROUND_Google",
            {"ant": 2, "yin": 3},
        ),
        ("Caltech256", "caltech256/256_ObjectCategories", None, {"001.ak47": 3, "002.flag": 1}),
    ],
)
def test_what_torchvisions_loaders_lay_out(
    tmp_path: Path, loader: str, below: str, extra: str | None, counts: dict[str, int]
) -> None:
    """Classes, labels and files are those of torchvision's own loaders."""
    datasets = pytest.importorskip("torchvision.datasets")
    trees.folders(tmp_path / below, counts | ({extra: 1} if extra else {}))
    if loader == "Caltech256":  # its files are called by class and number
        for file in (tmp_path / below).rglob("*.jpg"):
            file.rename(file.with_name(f"{file.parent.name[:3]}_{file.stem[-4:]}.jpg"))
    wanted = getattr(datasets, loader)(tmp_path)
    data = FolderSet(tmp_path / below, leave_out=[extra] if extra else [])
    assert data.classes == wanted.categories
    assert data.labels.tolist() == wanted.y
    for found, (theirs, label) in zip(data, wanted, strict=False):
        assert np.array_equal(found.image, np.asarray(theirs.convert("RGB")))
        assert found.label == label


# ---------------------------------------------------------------- Scene15


def scenes(root: Path, each: int = 3, classes: int = 15) -> Path:
    trees.folders(root, {f"scene_{c:02d}": each for c in range(classes)})
    return root


@pytest.mark.parametrize("below", ["", "scene_categories"])
def test_scene15_by_number_and_by_chance(tmp_path: Path, below: str) -> None:
    scenes(tmp_path / below if below else tmp_path / "any")
    root = tmp_path if below else tmp_path / "any"
    train, test = (Scene15(root, s, train=2) for s in ("train", "test"))
    assert np.bincount(train.labels).tolist() == [2] * 15
    assert names(test) == [f"scene_{c:02d}/image_0003.jpg" for c in range(15)]
    assert len(Scene15(root)) == 45
    by_chance = Scene15(root, "train", train=2, seed=0)
    assert names(by_chance) != names(train)
    assert names(by_chance) == names(Scene15(root, "train", train=2, seed=0))


def test_scene15_by_lists_and_by_folders(tmp_path: Path) -> None:
    root = scenes(tmp_path / "a")
    lines = "\n".join(f"scene_{c:02d}/image_0002.jpg" for c in range(15))
    (tmp_path / "train.txt").write_text(lines)
    assert len(Scene15(root, "train", lists={"train": "train.txt"})) == 15
    for half, each in (("train", 2), ("test", 1)):
        scenes(tmp_path / "b" / half, each)
    assert len(Scene15(tmp_path / "b", "train")) == 30
    assert len(Scene15(tmp_path / "b", "test")) == 15


def test_scene15_needs_fifteen_classes_of_over_a_hundred(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has 3 pictures, too few for 100 to learn from"):
        Scene15(scenes(tmp_path / "a"), "train")
    with pytest.raises(DataError, match="holds 14 classes, not fifteen"):
        Scene15(scenes(tmp_path / "b", classes=14))


# ---------------------------------------------------------------- SUN397


@pytest.mark.parametrize("below", ["", "SUN397"])
def test_sun397_in_its_partitions(tmp_path: Path, below: str) -> None:
    samples = trees.sun(tmp_path / below)
    train, test = (SUN397(tmp_path, s, partition=1) for s in ("train", "test"))
    assert train.classes == ["abbey", "apartment_building/outdoor", "kitchen"]
    assert train.labels.tolist() == test.labels.tolist() == [0, 1, 2, 0, 1, 2]
    assert names(train)[1] == "a/apartment_building/outdoor/sun_bbbbbbbbbbbbbbbb.jpg"
    assert names(SUN397(tmp_path, "test", partition=10)) == names(train)
    # JPEG, PNG, GIF and BMP by turns, all called .jpg: read by what they hold.
    for found, sample in zip([*train, *test], samples, strict=True):
        assert found.image.shape == sample.image.shape
        assert np.abs(found.image.astype(int) - sample.image).mean() < 12
    every = SUN397(tmp_path, "all")
    assert (len(every), every.left_out, every.unreadable(progress=False)) == (12, {}, {})


def test_sun397_as_torchvision_reads_it(tmp_path: Path) -> None:
    """Classes, labels and files are those of torchvision's own loader."""
    theirs = pytest.importorskip("torchvision.datasets").SUN397
    trees.sun(tmp_path / "SUN397")
    wanted, every = theirs(tmp_path), SUN397(tmp_path, "all")
    assert every.classes == wanted.classes
    told = dict(zip(wanted._image_files, wanted._labels, strict=True))
    assert told == dict(zip(every.files, every.labels.tolist(), strict=True))


def test_lists_of_a_folder_of_their_own(tmp_path: Path) -> None:
    trees.sun(tmp_path / "SUN397")
    (tmp_path / "Partitions").mkdir()
    for file in (tmp_path / "SUN397").glob("T*.txt"):
        file.rename(tmp_path / "Partitions" / file.name)
    assert len(SUN397(tmp_path / "SUN397", "train")) == 6


def test_what_is_wrong_in_sun397_is_named(tmp_path: Path) -> None:
    trees.sun(tmp_path)
    (tmp_path / "a/abbey/sun_aaaaaaaaaaaaaaaa.jpg").write_bytes(b"<html>not found</html>")
    (tmp_path / "k/kitchen/sun_cccccccccccccccc.jpg").unlink()
    (tmp_path / "k/kitchen/Thumbs.db").write_bytes(b"x")
    train = SUN397(tmp_path, "train")
    found = train.unreadable(progress=False)
    assert list(found) == [0, 2]
    assert "not a picture that Pillow can read" in found[0]
    assert "no file" in found[2]
    assert SUN397(tmp_path, "all").left_out == {"Thumbs.db": "not a picture by its ending"}


def write(file: Path, text: str) -> None:
    file.write_text(text)


def empty(root: Path) -> None:
    for file in list(root.rglob("*.jpg")):
        file.unlink()


SUN_BROKEN: list[tuple[Callable[[Path], None], str]] = [
    (lambda root: (root / "Training_01.txt").unlink(), r"no \S+Training_01.txt. SUN397 comes"),
    (
        lambda root: write(root / "ClassName.txt", "/a/abbey\n"),
        r"outdoor/sun_b+.jpg is in none of the 1 classes",
    ),
    (
        lambda root: write(root / "Testing_01.txt", (root / "Training_01.txt").read_text()),
        "stands in 'train' and again in 'test'",
    ),
    (empty, "None of 6 listed pictures is"),
]


@pytest.mark.parametrize(("break_it", "word"), SUN_BROKEN)
def test_a_broken_sun397_says_what_to_do(
    tmp_path: Path, break_it: Callable[[Path], object], word: str
) -> None:
    trees.sun(tmp_path)
    break_it(tmp_path)
    with pytest.raises(DataError, match=word):
        SUN397(tmp_path, "train")


def test_sun397_knows_its_splits_and_partitions(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="from 1 to 10, got 11"):
        SUN397(tmp_path, "train", partition=11)
    with pytest.raises(ValueError, match="'val'"):
        SUN397(tmp_path, "val")


# ---------------------------------------------------------------- Stanford 40


@pytest.mark.parametrize("below", ["", "Stanford40"])
def test_stanford40_in_its_split_with_the_persons_box(tmp_path: Path, below: str) -> None:
    samples = trees.stanford(tmp_path / below)
    train, test = (Stanford40(tmp_path, s) for s in ("train", "test"))
    assert train.classes == trees.ACTIONS
    assert names(train) == [f"JPEGImages/{action}_001.jpg" for action in trees.ACTIONS]
    assert np.bincount(test.labels).tolist() == [3, 3]
    drawn = [s for s in samples if s.label == 1][1]
    found = next(s for s in test if s.name.endswith("riding_a_bike_002.jpg"))
    assert np.array_equal(found.boxes, drawn.boxes)
    assert found.label == 1
    assert sorted(names(Stanford40(tmp_path, "all"))) == sorted(names(train) + names(test))


def test_what_is_wrong_in_stanford40_is_named(tmp_path: Path) -> None:
    trees.stanford(tmp_path)
    (tmp_path / "XMLAnnotations/applauding_002.xml").unlink()
    (tmp_path / "XMLAnnotations/applauding_003.xml").write_text("<annotation></annotation>")
    (tmp_path / "JPEGImages/applauding_004.jpg").unlink()
    found = Stanford40(tmp_path).unreadable(progress=False)
    assert list(found) == [0, 1, 2]
    assert "no annotation" in found[0]
    assert "holds no person" in found[1]
    assert "no file" in found[2]


STANFORD_BROKEN: list[tuple[Callable[[Path], None], str]] = [
    (
        lambda root: (root / "ImageSplits/applauding_test.txt").unlink(),
        r"applauding_test.txt. Stanford 40",
    ),
    (
        lambda root: shutil.move(root / "JPEGImages", root / "Images"),
        r"holds no JPEGImages. Stanford 40 Actions comes",
    ),
    (
        empty,
        "None of 2 listed pictures is there",
    ),
    (
        lambda root: write(root / "ImageSplits/riding_a_bike_train.txt", "applauding_001.jpg"),
        "stands in 'applauding_train' and again in 'riding",
    ),
]


@pytest.mark.parametrize(("break_it", "word"), STANFORD_BROKEN)
def test_a_broken_stanford40_says_what_to_do(
    tmp_path: Path, break_it: Callable[[Path], object], word: str
) -> None:
    trees.stanford(tmp_path)
    break_it(tmp_path)
    with pytest.raises(DataError, match=word):
        Stanford40(tmp_path, "train")


def test_stanford40_knows_its_splits(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'val'"):
        Stanford40(tmp_path, "val")


# ---------------------------------------------------------------- a level off, or not there


@pytest.mark.parametrize("named", ["deep", "high"])
@pytest.mark.parametrize(("make", "read"), [(trees.sun, SUN397), (trees.stanford, Stanford40)])
def test_a_set_a_level_off_says_what_to_name(
    tmp_path: Path, make: Callable[[Path], object], read: Callable[[Path], object], named: str
) -> None:
    top = tmp_path / "data" / "unpacked"
    top.mkdir(parents=True)
    make(top)
    inner = next(folder for folder in sorted(top.iterdir()) if folder.is_dir())
    place = inner if named == "deep" else tmp_path / "data"
    with pytest.raises(DataError, match=rf"a level off: \S+ lies in \S+{top.name}, so name that"):
        read(place)


@pytest.mark.parametrize("read", [FolderSet, Scene15, SUN397, Stanford40])
def test_a_folder_that_is_not_there(tmp_path: Path, read: Callable[[Path], object]) -> None:
    with pytest.raises(DataError, match=r"There is no folder .*nowhere.*\. .+"):
        read(tmp_path / "nowhere")
    with pytest.raises(DataError):  # an empty one
        read(tmp_path)


def test_a_picture_that_is_no_jpeg_in_a_folder_set(tmp_path: Path) -> None:
    trees.folders(tmp_path, {"bar": 1, "gym": 1})
    Image.new("RGB", (6, 4), (9, 0, 0)).save(tmp_path / "bar" / "image_0001.jpg", format="PNG")
    assert FolderSet(tmp_path)[0].image[0, 0].tolist() == [9, 0, 0]
