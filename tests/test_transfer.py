"""Pooled features, the linear SVM on them, its maps, and the crops."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import nn

import camkit
from camkit import transfer
from camkit.datasets import ImageFolder
from camkit.heads import CamModel

RNG = np.random.default_rng(0)


class Colours(nn.Module):
    """A backbone whose units are the colour channels, so a reader can redo every number."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = 0
        self.norm = nn.BatchNorm2d(3)  # changes what it does in training mode

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen += len(x)
        return x


def colours(pool: str = "average") -> CamModel:
    return CamModel(Colours(), nn.Linear(3, 2), pool=pool, size=4).eval()  # type: ignore[arg-type]


def pictures(count: int, size: int = 4) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, size, size, 3), np.uint8)


def planted(count: int = 120, units: int = 6, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    labels = np.arange(count) % classes
    noise = np.random.default_rng(2).normal(size=(count, units))
    return noise * 0.5 + 3 * np.eye(units)[labels], labels


# --- features ---------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [1, 3, 64])
def test_a_picture_is_described_by_the_mean_of_every_unit(batch: int) -> None:
    some = pictures(7)
    found = transfer.pooled_features(colours(), some, batch=batch, progress=False)
    assert found.dtype == np.float32
    assert found == pytest.approx(some.mean(axis=(1, 2)) / 255, abs=1e-6)


def test_a_network_with_maximum_pooling_describes_by_the_maximum() -> None:
    some = pictures(3)
    found = transfer.pooled_features(colours("max"), some, progress=False)
    assert found == pytest.approx(some.max(axis=(1, 2)) / 255, abs=1e-6)


def test_a_flattened_network_is_averaged() -> None:
    net = CamModel(Colours(), nn.Linear(48, 2), pool="flatten", size=4).eval()
    some = pictures(3)
    found = transfer.pooled_features(net, some, progress=False)
    assert found == pytest.approx(some.mean(axis=(1, 2)) / 255, abs=1e-6)


def test_samples_arrays_lists_and_files_give_the_same(tmp_path: Path) -> None:
    some = pictures(4, size=9)
    for i, pixels in enumerate(some):
        (tmp_path / "ab"[i % 2]).mkdir(exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / "ab"[i % 2] / f"{i}.png")
    files = ImageFolder(tmp_path)
    net = colours()
    wanted = transfer.pooled_features(net, list(some), progress=False)
    assert transfer.pooled_features(net, some, progress=False) == pytest.approx(wanted)
    assert transfer.pooled_features(net, files, progress=False) == pytest.approx(
        wanted[[0, 2, 1, 3]]
    )


def test_the_network_is_given_back_as_it_was() -> None:
    net = colours().train()
    net.backbone.norm.eval()  # type: ignore[operator,union-attr]
    transfer.pooled_features(net, pictures(2), progress=False)
    assert net.training
    assert net.backbone.training
    assert not net.backbone.norm.training  # type: ignore[union-attr]


def test_kept_features_are_read_again_and_not_computed(tmp_path: Path) -> None:
    net, some = colours(), pictures(5)
    first = transfer.pooled_features(net, some, cache=tmp_path, progress=False)
    seen = net.backbone.seen
    again = transfer.pooled_features(net, some, cache=tmp_path, progress=False)
    assert net.backbone.seen == seen
    assert isinstance(again, np.memmap)
    assert np.array_equal(first, again)
    assert [f.suffix for f in tmp_path.iterdir()] == [".npy"]


@pytest.mark.parametrize("change", ["picture", "weights", "mean"])
def test_another_picture_or_network_is_computed_anew(tmp_path: Path, change: str) -> None:
    net, some = colours(), pictures(5)
    transfer.pooled_features(net, some, cache=tmp_path, progress=False)
    if change == "picture":
        some[3, 0, 0, 0] ^= 1
    elif change == "weights":
        net.backbone.norm.weight.data[0] += 1  # type: ignore[operator,union-attr]
    else:
        net.mean = (0.5, 0.5, 0.5)
    found = transfer.pooled_features(net, some, cache=tmp_path, progress=False)
    assert len(list(tmp_path.iterdir())) == 2
    assert found == pytest.approx(some.mean(axis=(1, 2)) / 255 - np.array(net.mean), abs=1e-6)


def test_an_interrupted_run_leaves_nothing_half_written(tmp_path: Path) -> None:
    class Broken(Colours):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if self.seen > 2:
                raise KeyboardInterrupt
            return super().forward(x)

    net = CamModel(Broken(), nn.Linear(3, 2), size=4).eval()
    with pytest.raises(KeyboardInterrupt):
        transfer.pooled_features(net, pictures(8), batch=2, cache=tmp_path, progress=False)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    Image.fromarray(pictures(1)[0]).save(tmp_path / "a" / "fine.png")
    (tmp_path / "b" / "broken.png").write_bytes(b"no picture")
    with pytest.raises(camkit.images.PictureError, match=r"broken\.png"):
        transfer.pooled_features(colours(), ImageFolder(tmp_path), progress=False)


@pytest.mark.parametrize("wrong", [{"pictures": []}, {"batch": 0}, {"batch": True}])
def test_features_refuse_what_they_cannot_use(wrong: dict[str, object]) -> None:
    asked = {"pictures": pictures(2), **wrong}
    with pytest.raises(ValueError, match=r"pictures is empty|batch must be"):
        transfer.pooled_features(colours(), progress=False, **asked)  # type: ignore[arg-type]


def test_raw_pixels_by_hand() -> None:
    two = np.zeros((2, 32, 32, 3), np.uint8)
    two[1, :16] = (255, 0, 0)  # the upper half red
    assert transfer.raw_pixels(two, "colours").shape == (2, 768)
    grey = transfer.raw_pixels(two, "grey")
    assert grey.shape == (2, 256)
    assert grey[1, 0] == pytest.approx(76 / 255)  # .299 of red
    histogram = transfer.raw_pixels(two, "histogram")
    assert histogram[0, 0] == 1
    assert histogram[1, 0] == histogram[1, 7 * 64] == 0.5
    with pytest.raises(ValueError, match="kind must be one of"):
        transfer.raw_pixels(two, "edges")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="empty"):
        transfer.raw_pixels([], "grey")


# --- the SVM ----------------------------------------------------------------------------------


def test_the_folded_svm_decides_the_same_on_pictures_it_never_saw() -> None:
    x, y = planted()
    x[:, 4] = 7 + 1e-4 * x[:, 4]  # one unit that hardly varies
    x[:, 5] = 3.0  # and one that never does
    svm = transfer.fit_svm(x, y, names=["a", "b", "c"])
    weights, bias = svm.fold()
    unseen = np.random.default_rng(5).normal(size=(50, 6))
    assert unseen @ weights.T + bias == pytest.approx(svm.decisions(unseen), rel=1e-9)
    assert np.isfinite(weights).all()


def test_decisions_are_scikit_learns() -> None:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import LinearSVC

    x, y = planted()
    theirs = make_pipeline(StandardScaler(), LinearSVC(C=0.01, random_state=0)).fit(x, y)
    ours = transfer.fit_svm(x, y, costs=[0.01])
    assert ours.decisions(x) == pytest.approx(theirs.decision_function(x), abs=1e-3)
    assert ours.cost == 0.01
    assert ours.tried == {}


@pytest.mark.parametrize("classes", [2, 3])
def test_the_mean_of_the_svms_map_plus_its_offset_is_its_decision(classes: int) -> None:
    net, some = colours(), pictures(40)
    labels = np.arange(40) % classes
    some[..., 0] = np.minimum(some[..., 0] // 2 + 60 * labels[:, None, None], 255)
    features = transfer.pooled_features(net, some, progress=False)
    svm = transfer.fit_svm(features, labels)
    result = svm.on(net).explain(list(some), classes="all")
    decided = svm.decisions(features)
    assert decided.shape == (40, classes)
    mean = result.maps.numpy().mean(axis=(2, 3)) + svm.fold()[1]
    assert mean == pytest.approx(decided, abs=1e-4)
    assert result.scores.numpy() == pytest.approx(decided, abs=1e-4)
    assert svm.on(net).names == list(svm.names)
    assert svm.on(net).backbone is net.backbone


def test_the_shipped_networks_maps_sum_up_to_the_decision() -> None:
    net = camkit.load("objects")
    some = RNG.integers(0, 256, (12, 128, 128, 3), np.uint8)
    features = transfer.pooled_features(net, some, progress=False)
    svm = transfer.fit_svm(features, np.arange(12) % 3, costs=[0.01])
    result = svm.on(net).explain(list(some), classes="all")
    decided = svm.decisions(features)
    scale = np.abs(decided).max()
    mean = result.maps.numpy().mean(axis=(2, 3)) + svm.fold()[1]
    assert np.abs(mean - decided).max() / scale < 1e-4


def test_the_cost_is_chosen_by_cross_validation() -> None:
    x, y = planted(60)
    x += np.random.default_rng(3).normal(size=x.shape) * 2
    svm = transfer.fit_svm(x, y, costs=[1e-6, 0.1])
    assert set(svm.tried) == {1e-6, 0.1}
    assert svm.tried[svm.cost] == max(svm.tried.values())
    flat = transfer.fit_svm(*planted(), costs=[0.3, 0.1, 0.2])
    assert flat.cost == 0.1  # the smallest among equals


def test_the_same_call_gives_the_same_svm() -> None:
    x, y = planted()
    one, other = transfer.fit_svm(x, y, seed=3), transfer.fit_svm(x, y, seed=3)
    assert np.array_equal(one.coef, other.coef)
    assert one.cost == other.cost


def test_a_class_with_one_example_is_told_by_name() -> None:
    x, y = planted(61)
    y[:] = np.where(y == 2, 0, y)
    y[5] = 2
    with pytest.raises(ValueError, match="heron has one example"):
        transfer.fit_svm(x, y, names=["gull", "tern", "heron"])
    assert transfer.fit_svm(x, y, names=["gull", "tern", "heron"], costs=[0.01]).cost == 0.01


X, Y = planted(30)
NAN = X.copy()
NAN[7, 2] = np.nan


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"features": np.ones((30, 6))}, "same features"),
        ({"features": NAN}, "picture 7 has NaN"),
        ({"features": X[:, 0]}, r"shape \(N, K\)"),
        ({"labels": Y[:-1]}, "30 class numbers"),
        ({"labels": Y.astype(float)}, "class numbers"),
        ({"labels": Y - 1}, "labels must lie from 0"),
        ({"labels": Y * 0}, "at least two classes"),
        ({"names": ["a", "b"]}, "labels must lie from 0 to 1"),
        ({"names": ["a", "b", "c", "d"]}, "no example of d"),
        ({"costs": []}, "costs must be numbers"),
        ({"costs": [0.1, -1]}, "costs must be numbers"),
        ({"folds": 1}, "folds must be at least 2"),
    ],
)
def test_an_svm_says_why_it_cannot_be_trained(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        transfer.fit_svm(**{"features": X, "labels": Y, **wrong})  # type: ignore[arg-type]


def test_an_svm_says_what_it_cannot_decide() -> None:
    svm = transfer.fit_svm(X, Y, costs=[0.1])
    with pytest.raises(ValueError, match=r"shape \(N, 6\)"):
        svm.decisions(X[:, :5])
    with pytest.raises(ValueError, match="one for each of 30 rows"):
        svm.accuracy(X, Y[:4])
    with pytest.raises(ValueError, match="weighs 6 features, but the network has 3 units"):
        svm.on(colours())


# --- crops ------------------------------------------------------------------------------------


def ramp(height: int, width: int) -> np.ndarray:
    """Red counts columns, green counts rows: a crop tells where it was cut."""
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0], image[..., 1] = np.arange(width)[None], np.arange(height)[:, None]
    return image


def test_a_crop_by_hand() -> None:
    cut = transfer.square_crop(ramp(60, 100), [40, 20, 60, 30], margin=0.1, size=24)
    # side 20 * 1.2 = 24 around (50, 25): columns 38 to 61, rows 13 to 36
    assert cut[0, 0].tolist() == [38, 13, 0]
    assert cut[-1, -1].tolist() == [61, 36, 0]


def test_a_crop_at_the_edge_is_pushed_inside_and_stays_square() -> None:
    cut = transfer.square_crop(ramp(60, 100), [90, 50, 100, 60], margin=0.5, size=20)
    assert cut[0, 0].tolist() == [80, 40, 0]
    assert cut[-1, -1].tolist() == [99, 59, 0]


def test_a_square_larger_than_the_picture_repeats_the_edge() -> None:
    cut = transfer.square_crop(ramp(20, 100), [30, 0, 70, 20], margin=0, size=40)
    assert cut[0, 0].tolist() == [30, 0, 0]
    assert cut[-1, -1].tolist() == [69, 19, 0]
    assert cut[5, 7].tolist() == [37, 0, 0]
    assert cut[20, 7].tolist() == [37, 10, 0]


def test_no_box_takes_the_whole_picture() -> None:
    image = ramp(30, 30)
    assert np.array_equal(transfer.square_crop(image, [np.nan] * 4, size=30), image)


@given(
    x=st.floats(0, 80), y=st.floats(0, 40), w=st.floats(1, 20), h=st.floats(1, 20),
    margin=st.floats(0, 2),
)  # fmt: skip
def test_a_crop_keeps_its_box_and_stretches_nothing(
    x: float, y: float, w: float, h: float, margin: float
) -> None:
    cut = transfer.square_crop(ramp(60, 100), [x, y, x + w, y + h], margin, size=64).astype(int)
    steps_across = np.diff(cut[32, :, 0])
    steps_down = np.diff(cut[:, 32, 1])
    assert steps_across.min() >= 0
    assert steps_down.min() >= 0
    assert cut[..., 0].min() <= x + 1
    assert cut[..., 0].max() >= min(x + w, 100) - 2
    assert cut[..., 1].min() <= y + 1
    assert cut[..., 1].max() >= min(y + h, 60) - 2


@pytest.mark.parametrize(
    ("box", "more"),
    [([5, 5, 5, 9], {}), ([200, 5, 210, 9], {}), ([0, 0, 4, 4], {"margin": -0.1}),
     ([0, 0, 4, 4], {"size": 0})],
)  # fmt: skip
def test_a_crop_refuses(box: list[float], more: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        transfer.square_crop(ramp(30, 30), box, **more)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="do not match"):
        transfer.square_crops(np.zeros((2, 9, 9, 3), np.uint8), [[0, 0, 4, 4]])


def test_lift_by_hand() -> None:
    maps = np.array([[[3.0, 1.0], [-5.0, 0.0]], [[1.0, 1.0], [1.0, 1.0]], [[-1.0, -1], [-1, -1]]])
    masks = np.zeros((3, 2, 2), bool)
    masks[:, 0, 0] = True
    found = transfer.lift(maps, masks)
    assert found[:2].tolist() == [3.0, 1.0]  # 3/4 of the heat on 1/4 of the area; and chance
    assert np.isnan(found[2])  # nothing positive
    assert np.isnan(transfer.lift(maps[:1], masks[:1] & False)).all()


def test_lift_upsamples_small_maps_and_refuses_misfits() -> None:
    masks = np.zeros((1, 8, 8), bool)
    masks[:, :, :4] = True
    assert transfer.lift(np.array([[[1.0, 0.0]]]), masks)[0] > 1.7
    with pytest.raises(TypeError, match="True and False"):
        transfer.lift(np.ones((1, 2, 2)), np.ones((1, 2, 2)))
    with pytest.raises(ValueError, match="of as many pictures"):
        transfer.lift(np.ones((2, 2, 2)), masks)
