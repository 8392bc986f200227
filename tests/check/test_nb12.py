"""The checks of lesson 12 take right answers however they are written, and name what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from camkit import check, images, probe
from camkit.boxes import box_from_map
from camkit.cam import upsample
from camkit.check import nb12
from camkit.heads import CamModel
from camkit.images import View

# --- explain_photo -------------------------------------------------------------------------------


def by_view(net: CamModel, path: Path) -> Any:
    """With what the package offers below `explain`."""
    pixels = images.read(path)
    view = View.of(pixels.shape[:2], net.size)
    features = net.features(view.to_input(pixels, net.mean, net.std)[None])
    c = int(net.scores(features).argmax())
    large = upsample(net.maps(features, [c]), net.size)[0, 0].detach().numpy()
    return net.names[c], view.box_back(box_from_map(large))


def by_hand(net: CamModel, path: Path) -> Any:
    """With Pillow and torch alone, the map enlarged to the photograph's own size."""
    image = ImageOps.exif_transpose(Image.open(path)).convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    image = Image.alpha_composite(white, image).convert("RGB")
    small = np.asarray(image.resize(net.size[::-1], Image.Resampling.BICUBIC), np.float32) / 255
    inputs = torch.from_numpy((small - np.float32(net.mean)) / np.float32(net.std))
    with torch.no_grad():
        features = net.backbone(inputs.permute(2, 0, 1)[None])[0]  # (K, h, w)
        maps = torch.einsum("ck,khw->chw", net.weights, features)
        c = int((maps.mean(dim=(1, 2)) + net.bias).argmax())
        large = upsample(maps[None, [c]], image.size[::-1])[0, 0].numpy()
    rows, columns = np.nonzero(large > 0.2 * large.max())
    return [net.names[c], (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)]


@pytest.mark.parametrize("answer", [by_view, by_hand])
def test_a_right_explanation_passes(answer: Any) -> None:
    assert check.explain_photo(answer).passed, check.explain_photo(answer)


def test_the_hidden_photographs_are_worked_out_on_paper(tmp_path: Path) -> None:
    """Each rectangle stands where it was painted; the camera's was turned to the right."""
    told = {
        "wide.png": ("red", (180, 30, 280, 110)),
        "tall.png": ("blue", (20, 200, 90, 300)),
        # (x, y) of the file, 220 high, lies at (220 - y, x) when upright.
        "camera.jpg": ("red", (130, 40, 200, 130)),
        "grey.png": ("bright", (150, 100, 230, 170)),
        "cutout.png": ("bright", (30, 120, 120, 190)),
    }
    for path in nb12._files(tmp_path):
        name, box = by_view(nb12._colours(), path)
        assert name == told[path.name][0]
        assert np.abs(np.subtract(box, told[path.name][1])).max() <= 8, path.name


@pytest.mark.parametrize("wrong", nb12.EXPLAIN_PHOTO_WRONG, ids=lambda w: w.name)
def test_every_known_wrong_explanation_gets_its_own_word(wrong: Any) -> None:
    verdict = check.explain_photo(wrong.answer)
    assert verdict.kind == "wrong values"
    assert verdict.advice == wrong.advice


def test_the_ready_method_is_not_the_exercise() -> None:
    verdict = check.explain_photo(lambda net, path: net.explain(path))
    assert verdict.kind == "error"
    assert "here they are yours" in verdict.message


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (lambda net, path: ..., "not attempted yet"),
        (lambda net, path: "red", "wrong type"),
        (lambda net, path: ("red", 3), "wrong type"),
        (lambda net, path: ("red", (1, 2, 3)), "wrong shape"),
        (lambda net, path: ("green", (1, 2, 3, 4)), "wrong values"),
        (lambda net, path: ("red", (np.nan,) * 4), "wrong values"),
        (lambda net, path: Path(path.parent, "none.png").read_bytes(), "error"),
    ],
)
def test_odd_explanations_get_a_sentence(answer: Any, kind: str) -> None:
    assert check.explain_photo(answer).kind == kind


# --- worst_square --------------------------------------------------------------------------------


def by_the_package(net: CamModel, picture: Any) -> Any:
    found = probe.cover_everywhere(net, picture, progress=False)
    return found.boxes.reshape(-1, 4)[found.drops.argmax()]


def test_a_right_square_passes() -> None:
    assert check.worst_square(by_the_package).passed, check.worst_square(by_the_package)


def test_a_finer_search_passes_too() -> None:
    def twice(net: CamModel, picture: Any) -> Any:
        found = probe.cover_everywhere(net, picture, places=12, progress=False)
        return tuple(float(v) for v in found.boxes.reshape(-1, 4)[found.drops.argmax()])

    assert check.worst_square(twice).passed


@pytest.mark.parametrize("wrong", nb12.WORST_SQUARE_WRONG, ids=lambda w: w.name)
def test_every_known_wrong_square_gets_its_own_word(wrong: Any) -> None:
    verdict = check.worst_square(wrong.answer)
    assert verdict.kind == "wrong values"
    assert verdict.advice == wrong.advice


def test_the_sure_network_is_sure_wherever_it_is_covered() -> None:
    """So that probabilities cannot tell one place from another, and log-odds can."""
    net, picture = nb12._networks()[1], nb12._pictures()[1]
    found = probe.cover_everywhere(net, picture, places=4, progress=False)
    assert (found.scores.softmax(dim=2)[..., found.answer] == 1.0).all()
    assert found.drops.std() > 1.0


@pytest.mark.parametrize(
    ("box", "word"),
    [
        ((0, 0, 50, 50), "more than a tenth"),
        ((0, 0, 30, 20), "must be a square"),
        ((110, 0, 150, 40), "no box inside the picture"),
        ((40, 0, 10, 30), "no box inside"),
        ((0, 0, np.nan, 30), "NaN"),
    ],
)
def test_what_is_no_square_of_a_tenth_is_refused(box: Any, word: str) -> None:
    assert word in check.worst_square(lambda net, picture: box).message


def test_an_untouched_exercise_is_not_attempted() -> None:
    assert check.worst_square(lambda net, picture: ...).kind == "not attempted yet"
