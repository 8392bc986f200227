"""Lesson 12 on real photographs with networks trained by others: its functions and its cells."""

from __future__ import annotations

import csv
import functools
import json
import types
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import torch
from PIL import Image

import camkit
from camkit import plot, probe, saliency, zoo
from camkit.heads import CamModel
from camkit.images import View, read, read_bytes
from camkit.tables import photographs
from camkit.widgets import upload

pytest.importorskip("torchvision.models")

NAMES = tuple(photographs.NETWORKS)
NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "12_your_own_pictures.ipynb"


@functools.cache
def network(folder: Path, name: str) -> CamModel:
    return photographs.network(folder, name)


@functools.cache
def samples(folder: Path) -> list[Path]:
    """Photographs of every size and kind: the largest, the smallest, the grey ones, some others."""
    home = folder / "imagenet-samples"
    files = sorted((home / "images").iterdir())
    area = {file: Image.open(file).size for file in files}
    ranked = sorted(files, key=lambda file: area[file][0] * area[file][1])
    grey = [file for file in files if Image.open(file).mode == "L"]
    return [ranked[0], ranked[-1], *grey[:2], *files[::12]]


def labels(folder: Path) -> dict[str, int]:
    with (folder / "imagenet-samples" / "labels.csv").open(encoding="utf-8") as lines:
        rows = list(csv.reader(lines))
    column = next(k for k, cell in enumerate(rows[1]) if cell.isdigit())
    file = next(k for k, cell in enumerate(rows[1]) if "." in cell)
    return {Path(row[file]).name: int(row[column]) for row in rows[1:]}


@pytest.mark.parametrize("name", NAMES)
def test_grad_cam_is_the_class_activation_map(realdata: Path, name: str) -> None:
    """On the averaged head of MobileNetV2 to 1e-5 of the largest cell, as the equations say.

    SqueezeNet's last step is a ReLU of map and bias, where the gradient is zero below zero: there
    the two differ by one factor a class, the share of cells above it.
    """
    net = network(realdata, name)
    for file in samples(realdata)[:5]:
        pixels = read(file)
        inputs = View.of(pixels.shape[:2], net.size).to_input(pixels, net.mean, net.std)[None]
        with torch.no_grad():
            features = net.features(inputs)
            best = int(net.scores(features)[0].argmax())
            cam = net.maps(features, best)[0, 0]
        found = saliency.grad_cam(net, inputs, best, relu=False)[0, 0] * cam.numel()
        if net.relu_map:
            cam = cam * float((cam + net.bias[best] > 0).float().mean())
        assert (found - cam).abs().max() < 1e-5 * cam.abs().max(), file.name


@pytest.mark.parametrize("name", NAMES)
def test_covering_says_what_the_network_says(realdata: Path, name: str) -> None:
    """The expected drop of a picture covered whole leaves the biases; the measured one is real."""
    net = network(realdata, name)
    photo = read(samples(realdata)[4])
    found = probe.cover_everywhere(net, photo, places=2, progress=False)
    asked = net.explain([photo, *(probe.cover(photo, b) for b in found.boxes.reshape(-1, 4))], 1)
    assert torch.allclose(asked.scores[0], found.whole, atol=1e-3)
    assert torch.allclose(asked.scores[1:], found.scores.reshape(4, -1), atol=1e-3)
    all_of_it = probe.cover_everywhere(net, photo[:200, :200], places=2, share=1.0, progress=False)
    left = torch.zeros_like(net.bias) if net.relu_map else net.bias.detach()
    assert torch.allclose(all_of_it.expected[0, 0], left, atol=1e-3)


def test_photographs_of_every_kind_come_through_the_uploader(realdata: Path) -> None:
    mine = upload()
    for file in samples(realdata):
        mine.receive(file.name, file.read_bytes())
        assert mine.picture is not None
        assert (mine.picture == read(file)).all()
        assert (read_bytes(file.read_bytes()) == mine.picture).all()
        assert mine.said.startswith(f"{file.name}: ")


def test_a_photograph_is_saved_with_its_boxes(realdata: Path, tmp_path: Path) -> None:
    net = network(realdata, "mobilenet_v2")
    for file in samples(realdata)[:3]:
        result = net.explain(file)
        picture, table = plot.save(result, file, tmp_path / file.stem, boxes=2)
        told = json.loads(table.read_text("utf-8"))
        height, width = read(file).shape[:2]
        assert Image.open(picture).size == (width, height) == (told["width"], told["height"])
        boxes = [one["box"] for one in told["classes"]]
        assert np.allclose(boxes, result.boxes()[0], atol=0.01)
        assert np.max(boxes) <= max(width, height)


def test_ten_crops_are_right_at_least_nearly_as_often(realdata: Path) -> None:
    net, known = network(realdata, "mobilenet_v2"), labels(realdata)
    files = sorted((realdata / "imagenet-samples" / "images").iterdir())[::3]
    wanted = [known[file.name] for file in files]
    one = net.explain(files, 1).scores.argmax(dim=1).tolist()
    ten = [probe.ten_crops(net, file).answer for file in files]
    right = [np.mean([a == b for a, b in zip(got, wanted, strict=True)]) for got in (one, ten)]
    print(f"{len(files)} photographs: one look {right[0]:.0%}, ten crops {right[1]:.0%}")
    assert min(right) > 0.6
    assert right[1] > right[0] - 0.15


def test_the_cells_of_the_lesson_run_with_pretrained_networks(
    realdata: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As on a machine that has fetched two networks: every cell, asserts and all."""
    load = zoo.load
    there = [zoo.Found(name, "torchvision", realdata, 1000) for name in reversed(NAMES)]

    def loaded(name: str = "objects", *rest: Any, **options: Any) -> CamModel:
        return network(realdata, name) if name in NAMES else load(name, *rest, **options)

    monkeypatch.setattr(zoo, "available", lambda: there)
    monkeypatch.setattr(camkit, "load", loaded)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    here = types.ModuleType("__main__").__dict__
    for cell in notebook.cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, "a cell of lesson 12", "exec"), here)
    assert here["name"] == "mobilenet_v2"
    assert here["stand_in"].shape == (427, 640, 3)
    assert len(here["report"].split()) <= 100
    assert "which can give 1000 answers" in capsys.readouterr().out
