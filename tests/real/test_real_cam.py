"""The equations, pictures and boxes on real photographs, with networks trained by others."""

from __future__ import annotations

import csv
import dataclasses
import functools
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image
from scipy import io

from camkit import zoo
from camkit.cam import class_activation_maps, scores_from_maps, upsample
from camkit.heads import CamModel, convert
from camkit.images import View, read

tv = pytest.importorskip("torchvision.models")

WEIGHTS = {"squeezenet1_1": "squeezenet1_1.pth", "mobilenet_v2": "mobilenet_v2_tf2ptq.pth"}
# The second network's padding is faithful only for sides of 32 k + 1.
SIZE = {"squeezenet1_1": 224, "mobilenet_v2": 225}


@functools.cache
def network(folder: Path, name: str) -> CamModel:
    """Load a torchvision network with its trained weights, and convert it."""
    model = getattr(tv, name)()
    model.load_state_dict(torch.load(folder / "weights" / WEIGHTS[name], weights_only=True))
    with (folder / "imagenet-samples" / "imagenet_classes.csv").open(encoding="utf-8") as lines:
        names = [row["name"] for row in csv.DictReader(lines)]
    return convert(model.eval(), names=names, size=SIZE[name])


# ---------------------------------------------------------------- the authors' own numbers


def test_the_authors_scores_from_their_features_and_weights(realdata: Path) -> None:
    """Softmax of the maps' means, and of a bias that their file lacks, fitted on other crops."""
    folder = realdata / "authors"
    told = io.loadmat(folder / "data_img1.mat")
    # Columns, rows, units, crops: (B, K, h, w).
    features = torch.from_numpy(told["activation_lastconv"].transpose(3, 2, 1, 0)).double()
    weights = torch.from_numpy(io.loadmat(folder / "data_net.mat")["weights_LR"].T).double()
    published = torch.from_numpy(told["scores"].reshape(1000, 10).T).double()
    sums = scores_from_maps(class_activation_maps(features, weights))
    # log P_c = S_c + b_c - log Z, with one Z a crop: b_c up to a number that no softmax sees.
    bias = published.log() - sums
    bias = (bias - bias.mean(dim=1, keepdim=True))[:5].mean(dim=0)
    with_bias = (scores_from_maps(class_activation_maps(features, weights), bias)).softmax(dim=1)
    error = (with_bias - published)[5:].abs().max().item()
    without = (sums.softmax(dim=1) - published)[5:].abs().max().item()
    print(f"largest error of a probability: {error:.1e}, without a bias {without:.1e}")
    assert error < 5e-6
    assert 5e-4 < without < 2e-3
    best = published.mean(dim=0).topk(3)
    assert best.values.numpy().round(3).tolist() == [0.234, 0.150, 0.099]
    assert torch.equal(with_bias.mean(dim=0).topk(3).indices, best.indices)


# ---------------------------------------------------------------- classification and localization


def boxed(folder: Path) -> dict[str, tuple[int, npt.NDArray[np.float64]]]:
    """Read the class and the boxes (n, 4) of every photograph that has them."""
    found: dict[str, tuple[int, list[list[float]]]] = {}
    with (folder / "imagenet-val-boxes" / "boxes.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            label, boxes = found.setdefault(row["file"], (int(row["index"]), []))
            assert label == int(row["index"])
            boxes.append([float(row[side]) for side in ("x0", "y0", "x1", "y1")])
    return {name: (label, np.array(boxes)) for name, (label, boxes) in found.items()}


def overlap(box: npt.NDArray[np.float64], truth: npt.NDArray[np.float64]) -> float:
    """Compute the largest intersection over union of one box with several."""
    low, high = np.maximum(box[:2], truth[:, :2]), np.minimum(box[2:], truth[:, 2:])
    both = np.prod(np.clip(high - low, 0, None), axis=1)
    area = np.prod(truth[:, 2:] - truth[:, :2], axis=1) + np.prod(box[2:] - box[:2])
    return float((both / (area - both)).max())


@pytest.mark.parametrize(
    ("name", "top1", "known"),
    [
        # Measured independently of this package; a range where two ways to resize differ.
        ("squeezenet1_1", (66.4, 66.8), {0.1: 53.9, 0.15: 59.0, 0.2: (61.3, 61.7), 0.3: 56.6}),
        ("mobilenet_v2", (75.4, 75.8), {0.1: 62.5, 0.15: 65.2, 0.2: 67.2, 0.3: 62.9}),
    ],
)
def test_accuracy_and_localization(
    realdata: Path, name: str, top1: tuple[float, float], known: dict[float, Any]
) -> None:
    """Whole picture squashed, class known, largest region, IoU of at least one half."""
    net, photos = network(realdata, name), boxed(realdata)
    assert len(photos) == 256
    files = list(photos)
    right, hits = 0, dict.fromkeys(known, 0)
    for start in range(0, len(files), 16):
        some = files[start : start + 16]
        labels = torch.tensor([photos[file][0] for file in some])
        wanted, place = labels.unique(return_inverse=True)
        result = net.explain(
            [realdata / "imagenet-val-boxes" / file for file in some], classes=wanted
        )
        right += int((result.scores.argmax(dim=1) == labels).sum())
        own = dataclasses.replace(
            result,
            classes=labels[:, None],
            names=[[net.names[c]] for c in labels.tolist()],
            maps=result.maps[torch.arange(len(some)), place][:, None],
        )
        for threshold in known:
            boxes = own.boxes(threshold)[:, 0]
            hits[threshold] += sum(
                overlap(box, photos[file][1]) >= 0.5 for box, file in zip(boxes, some, strict=True)
            )
    found = {threshold: 100 * hit / len(files) for threshold, hit in hits.items()}
    print(f"{name}: top-1 {100 * right / len(files):.1f} %, class known", end=" ")
    print(", ".join(f"{value:.1f} % at {threshold}" for threshold, value in found.items()))
    assert top1[0] - 1 <= 100 * right / len(files) <= top1[1] + 1
    for threshold, value in found.items():
        low, high = np.broadcast_to(known[threshold], 2)
        assert low - 1 <= value <= high + 1, threshold


# ---------------------------------------------------------------- there and back


def photographs(folder: Path) -> dict[str, npt.NDArray[np.uint8]]:
    """Return a landscape and a portrait photograph, both well away from square."""
    found: dict[str, npt.NDArray[np.uint8]] = {}
    for path in sorted((folder / "imagenet-samples" / "images").iterdir()):
        pixels = read(path)
        height, width = pixels.shape[:2]
        kind = "landscape" if width > 1.25 * height else "portrait" if height > 1.25 * width else ""
        if kind and min(height, width) > 200:
            found.setdefault(kind, pixels)
    assert set(found) == {"landscape", "portrait"}
    return found


@pytest.mark.parametrize("fit", ["squash", "crop"])
@pytest.mark.parametrize("kind", ["landscape", "portrait"])
def test_maps_and_boxes_come_back_through_every_view(realdata: Path, kind: str, fit: Any) -> None:
    pixels = photographs(realdata)[kind]
    height, width = pixels.shape[:2]
    net = network(realdata, "squeezenet1_1")
    result = net.explain(pixels, top=3, fit=fit)
    view = result.views[0]
    heat = result.heatmaps()[0]
    assert heat.shape == (3, height, width)
    # A pixel's heat is the map at the place where the network saw that pixel.
    large = upsample(result.maps, view.size)[0]
    x0, y0, x1, y1 = view.region
    for x, y in [(0.5, 0.5), (0.3, 0.7), (0.71, 0.22)]:
        column, row = int(x0 + x * (x1 - x0)), int(y0 + y * (y1 - y0))
        there = view.box_to_input([column, row, column + 1, row + 1])
        at = (there[:2] + there[2:]) / 2 - 0.5
        near = large[:, round(float(at[1])), round(float(at[0]))].numpy()
        assert np.abs(heat[:, row, column] - near).max() < 0.05 * float(large.abs().max())
    # Outside a crop there is nothing; a squashed picture is seen whole.
    assert np.isnan(heat).any() == (fit == "crop")
    for box, one in zip(result.boxes()[0], result.maps[0], strict=True):
        assert x0 - 1e-6 <= box[0] < box[2] <= x1 + 1e-6
        assert y0 - 1e-6 <= box[1] < box[3] <= y1 + 1e-6
        # The box encloses, to a pixel of the input, what lies above the level in the picture.
        hot = np.nan_to_num(view.map_back(one), nan=-np.inf)
        peak = np.unravel_index(hot.argmax(), hot.shape)
        if box[0] <= peak[1] < box[2] and box[1] <= peak[0] < box[3]:
            inside = hot[int(box[1]) : int(np.ceil(box[3])), int(box[0]) : int(np.ceil(box[2]))]
            assert inside.max() == hot.max()
    np.testing.assert_allclose(
        view.box_to_input(view.box_back(result.boxes()[0])), result.boxes()[0]
    )


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("fit", ["squash", "crop"])
def test_a_photograph_turned_by_its_camera_or_by_hand(
    realdata: Path, tmp_path: Path, orientation: int, fit: Any
) -> None:
    """Pixels on their side with a note in EXIF, and upright pixels: the same maps and boxes."""
    turns = Image.Transpose
    # How a camera held that way stores the picture: what its note asks for, undone.
    stored = {
        2: turns.FLIP_LEFT_RIGHT,
        3: turns.ROTATE_180,
        4: turns.FLIP_TOP_BOTTOM,
        5: turns.TRANSPOSE,
        6: turns.ROTATE_90,
        7: turns.TRANSVERSE,
        8: turns.ROTATE_270,
    }[orientation]
    upright = Image.fromarray(photographs(realdata)["landscape"])
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright.transpose(stored).save(tmp_path / "camera.png", exif=exif)
    upright.save(tmp_path / "hand.png")
    net = network(realdata, "squeezenet1_1")
    camera, hand = (
        net.explain(tmp_path / name, top=2, fit=fit) for name in ("camera.png", "hand.png")
    )
    assert camera.names == hand.names
    assert camera.views == hand.views
    assert torch.equal(camera.maps, hand.maps)
    assert (camera.boxes() == hand.boxes()).all()
    np.testing.assert_array_equal(camera.heatmaps()[0], hand.heatmaps()[0])


def test_a_jpeg_with_a_note_in_exif(realdata: Path, tmp_path: Path) -> None:
    """The same JPEG, read with its note and turned by hand afterwards."""
    path = tmp_path / "camera.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(photographs(realdata)["landscape"]).save(path, exif=exif, quality=90)
    with Image.open(path) as image:
        by_hand = np.rot90(np.array(image), -1)
    net = network(realdata, "squeezenet1_1")
    camera, hand = net.explain(path), net.explain(np.ascontiguousarray(by_hand))
    assert camera.heatmaps()[0].shape[1:] == by_hand.shape[:2]
    assert torch.equal(camera.maps, hand.maps)
    np.testing.assert_array_equal(camera.boxes(), hand.boxes())


# ---------------------------------------------------------------- odd sizes and files


def test_photographs_of_odd_sizes(realdata: Path) -> None:
    """From 68 x 56 to 2400 x 1632, colour and grey, in one list."""
    folder = realdata / "imagenet-samples"
    with (folder / "labels.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    rows = sorted(rows, key=lambda row: int(row["width"]) * int(row["height"]))
    grey = [row for row in rows if row["mode"] == "L"]
    chosen = rows[:4] + rows[-4:] + grey[:2]
    assert grey
    net = network(realdata, "squeezenet1_1")
    result = net.explain([folder / "images" / row["file"] for row in chosen], top=1, batch=4)
    for row, heat, box in zip(chosen, result.heatmaps(), result.boxes()[:, 0], strict=True):
        assert heat.shape == (1, int(row["height"]), int(row["width"]))
        assert np.isfinite(heat).all()
        assert 0 <= box[0] < box[2] <= int(row["width"])
        assert 0 <= box[1] < box[3] <= int(row["height"])
    labels = torch.tensor([int(row["index"]) for row in chosen])
    hits = (result.scores.topk(5).indices == labels[:, None]).any(dim=1)
    assert hits.sum() >= 0.7 * len(chosen)


def test_maps_sum_up_to_the_scores_on_photographs(realdata: Path) -> None:
    """Exact, and exact with its own last step; leaving that step out is seen at once."""
    files = sorted((realdata / "imagenet-samples" / "images").iterdir())[:4]
    net = network(realdata, "mobilenet_v2")
    result = net.explain(files, classes="all")
    sums = scores_from_maps(result.maps, net.bias.detach())
    largest = result.scores.abs().max()
    assert (sums - result.scores).abs().max() / largest < 1e-5
    net = network(realdata, "squeezenet1_1")
    result = net.explain(files, classes="all")
    maps = result.maps + net.bias.detach()[:, None, None]
    assert (maps.relu().mean(dim=(2, 3)) - result.scores).abs().max() < 1e-5 * largest
    assert (maps.mean(dim=(2, 3)) - result.scores).abs().max() > 0.1 * largest


def test_loading_by_name_gives_the_same_network(realdata: Path) -> None:
    file = realdata / "weights" / WEIGHTS["mobilenet_v2"]
    net = zoo.load("mobilenet_v2", weights=file, size=225)
    photo = sorted((realdata / "imagenet-samples" / "images").iterdir())[0]
    expected = network(realdata, "mobilenet_v2").explain(photo)
    found = net.explain(photo)
    assert torch.equal(found.maps, expected.maps)
    assert len(net.names) == 1000
    assert found.views == [View.of(read(photo).shape[:2], 225)]  # type: ignore[arg-type]


def test_a_network_of_other_classes(realdata: Path) -> None:
    """965 birds: the last layer is found in the file, the names in a text file."""
    folder = realdata / "weights"
    net = zoo.load(
        "mobilenet_v2",
        weights=folder / "mobilenet_v2_inat_bird.pth",
        names=folder / "inat_bird_labels.txt",
        size=225,
    )
    assert len(net.names) == 965
    bird = next((realdata / "cub-subset" / "images").rglob("*.jpg"))
    result = net.explain(bird, top=1)
    assert result.probabilities.max() > 0.1
