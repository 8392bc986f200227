"""Folders of pictures: what belongs to the set, what is named instead, and how it is divided."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from camkit.datasets import DataError, ImageFolder
from camkit.images import PictureError


def picture(file: Path, shade: int = 0) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (6, 4), (shade, 0, 0)).save(file)


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Three cats, two dogs, of which one is damaged, and four files that are no pictures."""
    for i in range(3):
        picture(tmp_path / "cat" / f"{i}.png", shade=i)
    picture(tmp_path / "dog" / "kennel" / "b.PNG", shade=9)
    (tmp_path / "dog" / "a.jpg").write_bytes(b"no picture at all")
    (tmp_path / "dog" / "notes.txt").write_text("good dog")
    (tmp_path / "readme.md").write_text("pets")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "cat" / ".DS_Store").write_bytes(b"x")
    return tmp_path


def test_files_stand_in_order_and_are_read_when_asked_for(pets: Path) -> None:
    data = ImageFolder(pets)
    assert data.classes == ["cat", "dog"]
    assert data.labels.tolist() == [0, 0, 0, 1, 1]
    names = ["cat/0.png", "cat/1.png", "cat/2.png", "dog/a.jpg", "dog/kennel/b.PNG"]
    assert [data.name(i) for i in range(5)] == names
    assert [file.relative_to(pets).as_posix() for file in data.files] == names
    sample = data[-1]
    assert (sample.name, sample.label, sample.boxes.shape) == ("dog/kennel/b.PNG", 1, (0, 4))
    assert sample.image[0, 0].tolist() == [9, 0, 0]


def test_a_file_that_is_no_picture_is_named_and_told(pets: Path) -> None:
    data = ImageFolder(pets)
    assert data.left_out == {
        "readme.md": "lies beside the classes' folders",
        "dog/notes.txt": "not a picture by its ending",
    }
    assert str(data) == (
        f"5 pictures of 2 classes in {pets}; 2 other files left out: readme.md (lies beside the "
        "classes' folders), dog/notes.txt (not a picture by its ending)."
    )


def test_a_damaged_file_keeps_its_place_and_is_found(pets: Path) -> None:
    data = ImageFolder(pets)
    with pytest.raises(PictureError, match=r"a\.jpg"):
        data[3]
    (pets / "cat" / "1.png").unlink()  # after the folder was opened
    found = data.unreadable(progress=False)
    assert list(found) == [1, 3]
    assert "no file" in found[1]
    assert "a.jpg" in found[3]
    assert len(data) == 5


def test_given_classes_set_the_labels_and_may_lack(pets: Path) -> None:
    data = ImageFolder(pets, classes=["dog", "emu", "cat"])
    assert data.labels.tolist() == [2, 2, 2, 0, 0]
    assert data.classes == ["dog", "emu", "cat"]


@pytest.mark.parametrize(
    ("made", "classes", "word"),
    [
        ([], None, "holds no folders"),
        (["cat/1.png"], None, "one class only, 'cat'"),
        (["cat/1.png", "dog/1.txt"], None, "'dog' has no pictures"),
        (["cat/1.png", "dog/1.png"], ["cat"], "'dog'"),
        (["cat/1.txt"], ["cat"], "no picture"),
    ],
)
def test_a_folder_that_cannot_be_used_says_why(
    tmp_path: Path, made: list[str], classes: list[str] | None, word: str
) -> None:
    for name in made:
        if name.endswith(".png"):
            picture(tmp_path / name)
        else:
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text("")
    with pytest.raises(DataError, match=word):
        ImageFolder(tmp_path, classes)


def test_no_folder_at_all_says_how_to_lay_it_out(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="one folder a class"):
        ImageFolder(tmp_path / "nowhere")


def test_a_split_divides_every_class_and_loses_nothing(tmp_path: Path) -> None:
    for name, count in (("a", 10), ("b", 2), ("c", 1)):
        for i in range(count):
            picture(tmp_path / name / f"{i}.png")
    data = ImageFolder(tmp_path)
    first, second = data.split(0.8, seed=1)
    assert np.bincount(first.labels).tolist() == [8, 1, 1]
    assert np.bincount(second.labels, minlength=3).tolist() == [2, 1, 0]
    both = sorted([*first.files, *second.files])
    assert both == data.files
    assert data.split(0.8, seed=1)[0].files == first.files
    assert data.split(0.8, seed=2)[0].files != first.files
    assert isinstance(first, ImageFolder)
    with pytest.raises(ValueError, match="between 0 and 1"):
        data.split(1.0)


def test_a_part_takes_numbers_or_booleans(pets: Path) -> None:
    data = ImageFolder(pets)
    assert [s.name for s in data.subset([2, 0])] == ["cat/2.png", "cat/0.png"]
    assert data.subset(data.labels == 1).labels.tolist() == [1, 1]
    with pytest.raises(TypeError, match="subset"):
        data[0:2]  # type: ignore[call-overload]
    with pytest.raises(IndexError, match="5 pictures"):
        data.subset([5])
    with pytest.raises(IndexError, match="booleans"):
        data.subset([True])
    with pytest.raises(DataError, match="at least one"):
        data.subset([])
