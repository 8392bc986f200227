"""Small data sets of drawn pictures, laid out as the publishers lay theirs out."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image

from camkit import world
from camkit.images import Sample

SIZE = 48
# Two classes whose order by WordNet number is not their order in the development kit.
WNIDS = {0: "n02119789", 1: "n01440764"}
KIT = {0: (1, "kit_fox"), 1: (449, "great_tench")}
CSV_NAMES = {0: "kit fox, Vulpes macrotis", 1: "tench, Tinca tinca"}


def drawn(count: int) -> list[Sample]:
    """Pictures of the first two classes in turns."""
    pictures = world.Objects(split="test", size=SIZE, length=(count + 1) * len(world.CLASSES))
    chosen = [i for i in range(len(pictures)) if i % len(world.CLASSES) < 2]
    return [pictures[i] for i in chosen[:count]]


def save(sample: Sample, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(sample.image).save(file, quality=95)


def xml(sample: Sample, file: Path, names: list[str], shift: tuple[int, int, int, int]) -> None:
    """Write all boxes of a sample, each with its name, moved from exclusive ends to a custom."""
    objects = ""
    for name, box in zip(names, sample.boxes, strict=True):
        ends = zip(("xmin", "ymin", "xmax", "ymax"), box + shift, strict=True)
        told = "".join(f"<{end}>{value:.0f}</{end}>" for end, value in ends)
        objects += f"<object><name>{name}</name><bndbox>{told}</bndbox></object>\n"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        f"<annotation>\n<folder>val</folder>\n<filename>{file.stem}</filename>\n"
        f"<size><width>{SIZE}</width><height>{SIZE}</height><depth>3</depth></size>\n"
        f"{objects}</annotation>\n",
        encoding="utf-8",
    )


def ilsvrc(root: Path, form: str, count: int = 4) -> list[Sample]:
    """The official tree with the kit of 2015 or of 2014, or the form of the Kaggle competition."""
    samples = drawn(count)
    base = root / "ILSVRC" if form == "csv" else root
    kit = {"2015": base / "devkit" / "data", "2014": root / "ILSVRC2014_devkit" / "data"}.get(form)
    for number, sample in enumerate(samples, 1):
        stem = f"ILSVRC2012_val_{number:08d}"
        save(sample, base / "Data" / "CLS-LOC" / "val" / f"{stem}.JPEG")
        if kit is not None:
            note = base / "Annotations" / "CLS-LOC" / "val" / f"{stem}.xml"
            xml(sample, note, [WNIDS[sample.label]] * len(sample.boxes), (0, 0, -1, -1))
    if kit is not None:
        kit.mkdir(parents=True)
        lines = [f"{WNIDS[c]} {KIT[c][0]} {KIT[c][1]}" for c in (0, 1)]
        (kit / "map_clsloc.txt").write_text("\n".join(lines) + "\n")
        truth = [str(KIT[sample.label][0]) for sample in samples]
        name = f"ILSVRC{form}_clsloc_validation_"
        (kit / f"{name}ground_truth.txt").write_text("\n".join(truth) + "\n")
        (kit / f"{name}blacklist.txt").write_text("3\n")
        return samples
    mapping = [f"{WNIDS[c]} {CSV_NAMES[c]}" for c in (1, 0)]
    (root / "LOC_synset_mapping.txt").write_text("\n".join(mapping) + "\n")
    with (root / "LOC_val_solution.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["ImageId", "PredictionString"])
        for number in range(count, 0, -1):  # the published file is not in order either
            sample = samples[number - 1]
            boxes = (sample.boxes + [0, 0, -1, -1]).astype(int).tolist()
            told = " ".join(f"{WNIDS[sample.label]} {' '.join(map(str, b))}" for b in boxes)
            table.writerow([f"ILSVRC2012_val_{number:08d}", told + " "])
    return samples


def cub(root: Path, count: int = 6) -> list[Sample]:
    """The lists of CUB-200-2011: numbers from 1, boxes as x, y, width, height, two parts."""
    samples = drawn(count)
    folders = {0: "001.Kit_Fox", 1: "002.Tench"}
    lists: dict[str, list[str]] = {name: [] for name in (
        "images", "image_class_labels", "train_test_split", "bounding_boxes", "parts/part_locs"
    )}  # fmt: skip
    for number, sample in enumerate(samples, 1):
        path = f"{folders[sample.label]}/bird_{number:04d}.jpg"
        save(sample, root / "images" / path)
        x0, y0, x1, y1 = sample.boxes[0]
        lists["images"].append(f"{number} {path}")
        lists["image_class_labels"].append(f"{number} {sample.label + 1}")
        lists["train_test_split"].append(f"{number} {int(number <= 2)}")
        lists["bounding_boxes"].append(f"{number} {x0:.1f} {y0:.1f} {x1 - x0:.1f} {y1 - y0:.1f}")
        lists["parts/part_locs"] += [f"{number} 1 {x0 + 1:.1f} {y0 + 2:.1f} 1"]
        lists["parts/part_locs"] += [f"{number} 2 0.0 0.0 0"]
    lists["classes"] = [f"{c + 1} {folders[c]}" for c in (0, 1)]
    lists["parts/parts"] = ["1 back", "2 left eye"]
    (root / "parts").mkdir()
    for name, lines in lists.items():
        (root / f"{name}.txt").write_text("\n".join(lines) + "\n")
    return samples


def voc(root: Path, count: int = 4) -> list[Sample]:
    """Annotations and JPEGImages; two boxes of other classes in the first picture."""
    samples = drawn(count)
    for number, sample in enumerate(samples, 1):
        save(sample, root / "JPEGImages" / f"{number:06d}.jpg")
        names = [world.CLASSES[sample.label]] * len(sample.boxes)
        if number == 1:
            small = np.array([[0.0, 0.0, 3.0, 2.0]])
            sample = Sample(sample.image, sample.label, np.concatenate([small, sample.boxes]))
            names = ["person", *names]
        xml(sample, root / "Annotations" / f"{number:06d}.xml", names, (1, 1, 0, 0))
    return samples


SUN_CLASSES = ["a/abbey", "a/apartment_building/outdoor", "k/kitchen"]
SUN_FORMATS = ("JPEG", "PNG", "GIF", "BMP")  # all called .jpg, as in the published archive


def sun(root: Path, each: int = 4) -> list[Sample]:
    """SUN397's tree and two of its partitions; a few files are not what their name says."""
    samples = drawn(each * len(SUN_CLASSES))
    names = []
    for i, sample in enumerate(samples):
        name = f"{SUN_CLASSES[i % 3]}/sun_{'abcdefghijklmnop'[i] * 16}.jpg"
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(sample.image).save(file, format=SUN_FORMATS[i % 4], quality=95)
        names.append(name)
    (root / "ClassName.txt").write_text("".join(f"/{name}\n" for name in SUN_CLASSES))
    for partition, first in ((1, names[:6]), (10, names[6:])):
        other = [name for name in names if name not in first]
        for half, some in (("Training", first), ("Testing", other)):
            lines = "".join(f"/{name}\r\n" for name in some)
            (root / f"{half}_{partition:02d}.txt").write_text(lines)
    return samples


ACTIONS = ["applauding", "riding_a_bike"]


def stanford(root: Path, count: int = 8) -> list[Sample]:
    """Stanford 40's three folders: the first pictures of each action are to learn from."""
    samples = drawn(count)
    numbers = dict.fromkeys(ACTIONS, 0)
    lists: dict[str, list[str]] = {f"{a}_{h}": [] for a in ACTIONS for h in ("train", "test")}
    for sample in samples:
        action = ACTIONS[sample.label]
        numbers[action] += 1
        stem = f"{action}_{numbers[action]:03d}"
        save(sample, root / "JPEGImages" / f"{stem}.jpg")
        note = root / "XMLAnnotations" / f"{stem}.xml"
        xml(sample, note, ["person"] * len(sample.boxes), (1, 1, 0, 0))
        note.write_text(note.read_text().replace("<bndbox>", f"<action>{action}</action><bndbox>"))
        half = "train" if numbers[action] == 1 else "test"
        lists[f"{action}_{half}"].append(f"{stem}.jpg\t")
    splits = root / "ImageSplits"
    splits.mkdir()
    told = "".join(f"{action}\t{numbers[action]}\n" for action in ACTIONS)
    (splits / "actions.txt").write_text("action_name\tnumber_of_images\n" + told)
    for name, lines in lists.items():
        (splits / f"{name}.txt").write_text("\n".join(lines) + "\n")
    return samples


def folders(root: Path, counts: dict[str, int]) -> None:
    """One folder a class, so many pictures in each, each of another shade."""
    for name, count in counts.items():
        (root / name).mkdir(parents=True)
        for i in range(count):
            Image.new("RGB", (6, 4), (i, 0, 0)).save(root / name / f"image_{i + 1:04d}.jpg")
