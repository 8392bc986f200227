"""Training on a folder: what is learned, written and kept, and what stops it."""

from __future__ import annotations

import contextlib
import csv
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from camkit import cli, finetune, relatives, world
from camkit.datasets import DataError
from camkit.finetune import CHECKPOINT, LOG, MODEL, Plan
from camkit.heads import CamModel, NoCamError, Pool
from camkit.zoo import SHIPPED, WeightsError

KEPT = sorted(world.CLASSES[:3])
QUICK = Plan(arch="plain", size=32, epochs=3, batch=8)
STEPS = 3  # in an epoch: 24 of 30 pictures are learned from


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten pictures of each of three classes of the world, 64 pixels, one folder a class."""
    root = tmp_path_factory.mktemp("pictures")
    drawn = world.Objects(size=64, length=10 * len(world.CLASSES))
    for i in range(len(drawn)):
        name = world.CLASSES[i % len(world.CLASSES)]
        if name in KEPT:
            folder = root / name
            folder.mkdir(exist_ok=True)
            Image.fromarray(drawn[i].image).save(folder / f"{i:03d}.png")
    return root


@pytest.fixture(scope="module")
def stripes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty pictures of upright and of flat stripes, divided already."""
    root, rng = tmp_path_factory.mktemp("stripes"), np.random.default_rng(0)
    wave = np.broadcast_to(60 * np.sign(np.sin(np.arange(40)))[:, None], (40, 40))
    for i in range(80):
        name, stripe = ("flat", wave) if i % 2 else ("upright", wave.T)
        folder = root / ("train" if i < 60 else "val") / name
        folder.mkdir(parents=True, exist_ok=True)
        noisy = 128 + stripe[..., None] + rng.normal(0, 20, (40, 40, 3))
        Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(folder / f"{i}.png")
    return root


def run(data: Path, out: Path, plan: Plan = QUICK, **more: Any) -> finetune.Run:
    return finetune.train(data, out, plan, progress=False, **more)


@pytest.fixture(scope="module")
def whole(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that was never stopped."""
    out = tmp_path_factory.mktemp("whole")
    assert run(pictures, out).ended == "finished"
    return out


def stop_at(step: int) -> Any:
    def watch(done: int, net: CamModel) -> None:
        if done == step:
            raise KeyboardInterrupt

    return watch


def sha(folder: Path) -> str:
    return str(finetune.card(folder)["sha256"])


def last_weights(folder: Path) -> dict[str, torch.Tensor]:
    saved = torch.load(folder / CHECKPOINT, weights_only=True)
    weights: dict[str, torch.Tensor] = saved["net"]
    return weights


def equal(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


# --- what is learned and written ----------------------------------------------------------------


def test_a_folder_is_learned_from(stripes: Path, tmp_path: Path) -> None:
    done = run(stripes, tmp_path, Plan(arch="plain", size=32, epochs=4, batch=10))
    assert done.ended == "finished"
    assert done.best is not None
    assert done.best.accuracy == 1.0
    assert done.epochs[-1].loss < 0.5 * done.epochs[0].loss


def test_the_network_read_back_is_as_accurate_as_its_card_says(pictures: Path, whole: Path) -> None:
    """One picture at a time, from the files, through `explain`."""
    net, told = finetune.load(whole), finetune.card(whole)
    _, check = finetune.folders(pictures)
    answers = [net.explain(file, 1).classes.item() for file in check.files]
    assert np.mean(answers == check.labels) == pytest.approx(told["accuracy"], abs=1e-4)
    assert net.names == KEPT == told["classes"]
    assert not net.training
    result = net.explain(check.files[0], classes="all")
    summed = result.maps.mean(dim=(2, 3)) + net.bias
    torch.testing.assert_close(summed, result.scores)


def test_the_best_network_is_kept_and_the_log_tells_every_epoch(whole: Path) -> None:
    with (whole / LOG).open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert all(float(row["loss"]) > 0 and float(row["seconds"]) > 0 for row in rows)
    accuracies = [float(row["accuracy"]) for row in rows]
    told = finetune.card(whole)
    assert told["accuracy"] == max(accuracies)
    assert accuracies[told["epoch"] - 1] == max(accuracies)
    assert told == json.loads((whole / "card.json").read_text(encoding="utf-8"))
    assert sorted(f.name for f in whole.iterdir()) == ["card.json", CHECKPOINT, LOG, MODEL]


def test_the_first_weights_do_not_touch_the_callers_randomness(
    pictures: Path, tmp_path: Path
) -> None:
    torch.manual_seed(7)
    wanted = torch.rand(3)
    torch.manual_seed(7)
    run(pictures, tmp_path, Plan(arch="plain", size=32, epochs=1))
    assert torch.equal(torch.rand(3), wanted)


def test_who_reads_the_pictures_does_not_matter(
    pictures: Path, whole: Path, tmp_path: Path
) -> None:
    run(pictures, tmp_path, workers=2)
    assert equal(last_weights(tmp_path), last_weights(whole))


def test_another_seed_is_another_run(pictures: Path, whole: Path, tmp_path: Path) -> None:
    run(pictures, tmp_path, Plan(arch="plain", size=32, epochs=3, batch=8, seed=1))
    assert not equal(last_weights(tmp_path), last_weights(whole))


def test_a_crop_depends_on_seed_epoch_and_picture_alone(pictures: Path) -> None:
    learn, _ = finetune.folders(pictures)
    first = finetune._Crops(learn, (32, 32), seed=0, epoch=1)
    wanted = first[5][0]
    first[3]
    assert torch.equal(first[5][0], wanted)
    for seed, epoch in ((0, 2), (1, 1)):
        assert not torch.equal(finetune._Crops(learn, (32, 32), seed, epoch)[5][0], wanted)


def test_every_picture_is_shown_once_an_epoch_and_the_order_changes() -> None:
    rows = finetune._order(24, 8, seed=0, epoch=1)
    assert sorted(row for step in rows for row in step) == list(range(24))
    assert finetune._order(24, 8, seed=0, epoch=2) != rows
    assert [len(step) for step in finetune._order(20, 8, 0, 1)] == [8, 8]
    assert [len(step) for step in finetune._order(3, 8, 0, 1)] == [3]


def test_the_rate_rises_for_a_tenth_of_the_steps_and_falls_to_almost_nothing() -> None:
    rates = [finetune.rate_at(step, 100) for step in range(100)]
    assert rates[:10] == pytest.approx([0.1 * (i + 1) for i in range(10)])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[55] == pytest.approx(0.5)
    assert 0 < rates[99] < 1e-3
    assert finetune.rate_at(0, 1) == 1


# --- stopped, and gone on -----------------------------------------------------------------------


@pytest.mark.parametrize("step", [STEPS + 1, 2 * STEPS, 2 * STEPS + 2])
def test_a_run_that_goes_on_ends_as_if_it_had_never_stopped(
    step: int, pictures: Path, whole: Path, tmp_path: Path
) -> None:
    assert run(pictures, tmp_path, watch=stop_at(step)).ended == "interrupted"
    seen: list[int] = []
    done = run(pictures, tmp_path, watch=lambda step, net: seen.append(step))
    assert seen[0] == (step - 1) // STEPS * STEPS + 1  # the epoch that was cut short begins again
    assert seen[-1] == 3 * STEPS
    assert [epoch.epoch for epoch in done.epochs] == [1, 2, 3]
    assert equal(last_weights(tmp_path), last_weights(whole))
    assert sha(tmp_path) == sha(whole)
    assert (tmp_path / LOG).read_text().count("\n") == 4


def test_momentum_and_dropout_go_on_as_well(pictures: Path, tmp_path: Path) -> None:
    """SGD has a memory, and this network drops units at random."""
    plan = Plan(arch="squeezenet1_1", weights="none", size=64, epochs=2, batch=12)
    assert run(pictures, tmp_path / "whole", plan).ended == "finished"
    run(pictures, tmp_path / "part", plan, watch=stop_at(3))
    torch.rand(5)  # the caller's own draws between the parts do not matter
    run(pictures, tmp_path / "part", plan)
    drops = [m for m in finetune.load(tmp_path / "part").modules() if isinstance(m, nn.Dropout)]
    assert max(module.p for module in drops) == 0.5
    assert equal(last_weights(tmp_path / "part"), last_weights(tmp_path / "whole"))


def test_interrupted_in_the_second_epoch_the_first_ones_network_is_kept(
    pictures: Path, tmp_path: Path
) -> None:
    after: dict[str, torch.Tensor] = {}

    def watch(step: int, net: CamModel) -> None:
        if step == STEPS:
            after.update({k: v.clone() for k, v in net.state_dict().items()})
        if step == STEPS + 1:
            raise KeyboardInterrupt

    done = run(pictures, tmp_path, watch=watch)
    assert (done.ended, len(done.epochs)) == ("interrupted", 1)
    assert equal(dict(finetune.load(tmp_path).state_dict()), after)


def test_interrupted_in_the_first_epoch_nothing_is_kept_and_load_says_so(
    pictures: Path, tmp_path: Path
) -> None:
    done = run(pictures, tmp_path, watch=stop_at(1))
    assert (done.ended, done.best) == ("interrupted", None)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(WeightsError, match="when its first epoch is done"):
        finetune.load(tmp_path)


def test_a_loss_that_is_no_number_stops_at_its_step_and_the_best_is_kept(
    pictures: Path, tmp_path: Path
) -> None:
    def spoil(step: int, net: CamModel) -> None:
        if step == STEPS + 1:
            nn.init.constant_(net.head.weight, float("nan"))

    done = run(pictures, tmp_path, watch=spoil)
    assert done.ended == "the loss is nan at step 5 (epoch 2); try a rate below 0.006"
    assert finetune.card(tmp_path)["epoch"] == 1
    assert all(torch.isfinite(p).all() for p in finetune.load(tmp_path).parameters())


@contextlib.contextmanager
def full_disk() -> Iterator[Any]:
    """Files of more than 100 kB cannot be written any more, once the yielded function is called."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("step", [1, STEPS + 1])
def test_a_full_disk_leaves_the_old_files_whole_and_the_run_can_go_on(
    step: int, pictures: Path, whole: Path, tmp_path: Path
) -> None:
    before: dict[str, bytes] = {}
    with full_disk() as fill:

        def watch(done: int, net: CamModel) -> None:
            if done == step:
                before.update({f.name: f.read_bytes() for f in tmp_path.iterdir()})
                fill()

        with pytest.raises(OSError, match="File too large"):
            run(pictures, tmp_path, watch=watch)
    assert {f.name: f.read_bytes() for f in tmp_path.iterdir()} == before
    assert len(before) == (0 if step == 1 else 4)
    run(pictures, tmp_path)
    assert equal(last_weights(tmp_path), last_weights(whole))
    assert sha(tmp_path) == sha(whole)


def test_a_first_epoch_whose_checkpoint_did_not_fit_begins_again(
    pictures: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(finetune, "_write_checkpoint", full)
        with pytest.raises(OSError, match="No space left"):
            run(pictures, tmp_path)
    assert (tmp_path / MODEL).exists()
    run(pictures, tmp_path)
    assert sha(tmp_path) == sha(whole)
    (tmp_path / CHECKPOINT).unlink()
    with pytest.raises(ValueError, match="another network and no checkpoint"):
        run(pictures, tmp_path, Plan(arch="fine", size=32))


def test_another_plan_or_other_pictures_do_not_go_on(
    pictures: Path, stripes: Path, whole: Path
) -> None:
    with pytest.raises(ValueError, match=r"another run \(epochs was 3, now 9; seed was 0, now 4\)"):
        run(pictures, whole, Plan(arch="plain", size=32, epochs=9, batch=8, seed=4))
    with pytest.raises(ValueError, match=r"another run \(other pictures\)"):
        run(stripes, whole)
    assert run(pictures, whole).ended == "finished"  # the same run, which is over


def test_damaged_files_are_refused(pictures: Path, whole: Path, tmp_path: Path) -> None:
    for name in (MODEL, CHECKPOINT):
        (tmp_path / name).write_bytes((whole / name).read_bytes())
    blob = bytearray((tmp_path / MODEL).read_bytes())
    blob[-5] ^= 1  # one bit of one weight
    (tmp_path / MODEL).write_bytes(blob)
    with pytest.raises(WeightsError, match="not those its card describes"):
        finetune.load(tmp_path)
    (tmp_path / MODEL).write_bytes(blob[:1000])
    with pytest.raises(WeightsError, match="damaged"):
        finetune.load(tmp_path)
    (tmp_path / CHECKPOINT).write_bytes(b"PK nothing of use")
    with pytest.raises(WeightsError, match=r"checkpoint\.pt is damaged or no checkpoint"):
        run(pictures, tmp_path)
    foreign = SHIPPED / "objects.safetensors"
    with pytest.raises(WeightsError, match="did not write it"):
        finetune.load(foreign)


@pytest.mark.parametrize("pool", ["average", "flatten"])
def test_the_courses_own_network_can_be_the_beginning(
    pictures: Path, tmp_path: Path, pool: Pool
) -> None:
    """It has more units than its architecture's usual number: its file tells how many."""
    name = "objects" if pool == "average" else "objects-flatten"
    plan = replace(
        QUICK, size=128, epochs=1, pool=pool, weights=str(SHIPPED / f"{name}.safetensors")
    )
    run(pictures, tmp_path, plan)
    net = finetune.load(tmp_path)
    assert net.features(torch.zeros(1, 3, 128, 128)).shape == (1, 64, 16, 16)
    assert len(net.names) == len(KEPT)


# --- architectures ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arch", "units", "convolutions"),
    [("alexnet_gap", 1024, 1), ("alexnet_star_gap", 512, 2), ("googlenet_gap", 1024, 1),
     ("vgg16_gap", 1024, 1), ("squeezenet1_1", 512, 0), ("mobilenet_v3_small_gap", 1024, 1)],
)  # fmt: skip
def test_the_papers_networks_learn_a_step_and_are_read_back(
    arch: str, units: int, convolutions: int, pictures: Path, tmp_path: Path
) -> None:
    plan = Plan(arch=arch, weights="none", size=64, epochs=1, batch=24)
    assert run(pictures, tmp_path, plan).ended == "finished"
    net = finetune.load(tmp_path)
    added = [m for m in net.backbone.children() if isinstance(m, nn.Conv2d)][-convolutions:]
    assert net.weights.shape == (3, units)
    assert all(m.out_channels == units for m in added[:convolutions])
    assert net.dropout.p == (0.5 if "vgg" in arch or "star" in arch else 0.0)
    result = net.explain(np.zeros((80, 60, 3), np.uint8), classes="all")
    torch.testing.assert_close(
        result.maps.mean(dim=(2, 3)) + net.bias, result.scores, rtol=1e-4, atol=1e-5
    )


def test_a_network_that_cannot_be_built_without_numbers_is_read_back(tmp_path: Path) -> None:
    """RegNet computes its widths with tensors, so it is drawn first and filled then."""
    net = finetune.build("regnet_y_400mf", ["a", "b"], size=64)
    torch.manual_seed(5)
    told = {"arch": "regnet_y_400mf", "classes": ["a", "b"], "pool": "average", "size": 64}
    finetune._write_model(tmp_path, net, told)
    assert equal(dict(finetune.load(tmp_path).state_dict()), dict(net.state_dict()))
    assert torch.initial_seed() == 5


def test_max_and_flatten_twins(pictures: Path, tmp_path: Path) -> None:
    for pool, verdict in (("max", "map without a sum"), ("flatten", "no map")):
        plan = Plan(arch="plain", size=32, epochs=1, pool=pool)  # type: ignore[arg-type]
        run(pictures, tmp_path / pool, plan)
        assert finetune.load(tmp_path / pool).verdict == verdict


@pytest.mark.parametrize(
    ("arch", "error", "words"),
    [
        ("vgg16gap", ValueError, "no architecture 'vgg16gap'; near ones: 'vgg16_gap'"),
        ("renset18", ValueError, "near ones: 'resnet18'"),
        ("zzz", ValueError, "near ones: 'plain', 'resnet18', 'vgg16_gap'"),
        ("mobilenet_v3_small", NoCamError, "Ready-made: 'mobilenet_v3_small_gap'"),
        ("vit_b_32_gap", ValueError, "not a chain of layers"),
    ],
)
def test_what_cannot_be_built_is_told(arch: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        finetune.build(arch, ["a", "b"])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a small network of torchvision, as its publisher would write them."""
    models = pytest.importorskip("torchvision").models
    torch.manual_seed(3)
    file = tmp_path_factory.mktemp("weights") / "shufflenet.pth"
    torch.save(models.shufflenet_v2_x0_5().state_dict(), file)
    return file


@pytest.mark.parametrize("arch", ["shufflenet_v2_x0_5", "shufflenet_v2_x0_5_gap"])
def test_frozen_layers_stay_as_they_are_and_new_ones_learn(
    arch: str, trained: Path, pictures: Path, tmp_path: Path
) -> None:
    plan = Plan(arch=arch, weights=str(trained), frozen=True, size=64, epochs=1, batch=12)
    heads: list[torch.Tensor] = []
    run(pictures, tmp_path, plan, watch=lambda step, net: heads.append(net.weights.clone()))
    net = finetune.load(tmp_path)
    given = list(torch.load(trained, weights_only=True).values())
    kept = list(net.backbone.state_dict().values())
    count = len(kept) - (2 if arch.endswith("_gap") else 0)  # one added convolution
    # Statistics of batch norms are among them: in training mode they would move.
    assert count > 200
    assert all(torch.equal(a, b) for a, b in zip(kept[:count], given, strict=False))
    assert not torch.equal(heads[0], heads[1])


def test_trained_layers_learn_at_a_tenth_of_the_rate(trained: Path) -> None:
    plan = Plan(arch="shufflenet_v2_x0_5_gap", weights=str(trained))
    net, old = finetune._build(plan.arch, ["a", "b"], "average", 64, plan.start)
    new, kept = finetune._optimizer(plan, net, old).param_groups
    assert (new["highest"], kept["highest"]) == (0.01, pytest.approx(0.001))
    assert [tuple(p.shape) for p in new["params"]] == [(1024, 1024, 3, 3), (1024,), (2, 1024), (2,)]
    assert len(new["params"]) + len(kept["params"]) == len(list(net.parameters()))


def test_a_network_of_ones_own_is_a_beginning_too(
    whole: Path, pictures: Path, tmp_path: Path
) -> None:
    half = {k: v.half() for k, v in relatives.build("plain", ["c"]).state_dict().items()}
    save_file(half, tmp_path / "half.safetensors")  # as the shipped networks are stored
    for weights in (whole / MODEL, tmp_path / "half.safetensors"):
        net = finetune.build("plain", ["a", "b"], size=32, weights=str(weights))
        stored = finetune.read_weights(weights)
        for key, value in net.backbone.state_dict().items():
            assert torch.equal(value, stored[f"backbone.{key}"].to(value.dtype)), key
        assert net.names == ["a", "b"]
    with pytest.raises(WeightsError, match="does not fit"):
        finetune.build("small-resnet", ["a", "b"], weights=str(whole / MODEL))


def test_weights_that_do_not_fit_are_refused(trained: Path) -> None:
    with pytest.raises(WeightsError, match="lacks 'features"):
        finetune.build("squeezenet1_1", ["a", "b"], weights=str(trained))
    with pytest.raises(WeightsError, match="has shape"):
        finetune.build("shufflenet_v2_x1_0_gap", ["a", "b"], weights=str(trained))
    with pytest.raises(WeightsError, match="no weights of the small network 'plain'"):
        finetune.build("plain", ["a", "b"], weights=str(trained))
    with pytest.raises(WeightsError, match="no published weights of the small network"):
        finetune.build("plain", ["a", "b"], weights="default")


def test_published_weights_are_never_fetched_unasked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(WeightsError, match=r"Fetch them once with `camkit fetch vgg16` \(528 MB\)"):
        finetune._weights_file("vgg16_gap", "default")
    file = tmp_path / "checkpoints" / "squeezenet1_1-b8a52dc0.pth"
    file.parent.mkdir()
    file.write_bytes(b"not these")
    with pytest.raises(WeightsError, match="damaged or not the published file"):
        finetune._weights_file("squeezenet1_1", "default")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
        ({"batch": -1}, "batch must be at least 1, got -1"),
        ({"rate": 0.0}, "rate must be above 0"),
        ({"rate": float("nan")}, "rate must be above 0"),
        ({"size": 0}, "at least 1 pixel"),
        ({"arch": "plain", "frozen": True}, "there are none: name weights"),
    ],
)
def test_a_plan_that_cannot_be_followed_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Plan(**change)


# --- folders ------------------------------------------------------------------------------------


def grey(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8)).save(file)


def test_folders_that_cannot_be_learned_from_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no folder"):
        finetune.folders(tmp_path / "nowhere")
    with pytest.raises(DataError, match="holds no folders"):
        finetune.folders(tmp_path)
    (tmp_path / "cat").mkdir()
    with pytest.raises(DataError, match="one class only"):
        finetune.folders(tmp_path)
    (tmp_path / "dog").mkdir()
    with pytest.raises(DataError, match="'cat' has no pictures"):
        finetune.folders(tmp_path)


def test_a_class_that_only_the_checking_pictures_have_is_refused(tmp_path: Path) -> None:
    for name in ("train/cat", "train/dog", "val/cat", "val/fox"):
        grey(tmp_path / name / "1.png")
    with pytest.raises(DataError, match=r"none of the 2 classes, such as 'fox'"):
        finetune.folders(tmp_path)


def test_unreadable_pictures_are_named_before_anything_is_trained(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        for i in range(5):
            grey(tmp_path / "data" / name / f"{i}.png")
    bad = tmp_path / "data" / "dog" / "2.png"
    bad.write_bytes(bad.read_bytes()[:40])
    (tmp_path / "data" / "cat" / "4.png").write_bytes(b"")
    with pytest.raises(DataError) as told:
        run(tmp_path / "data", tmp_path / "out")
    assert "cannot be read; mend them or take them away" in str(told.value)
    assert "2.png" in str(told.value) or "4.png" in str(told.value)
    assert not (tmp_path / "out").exists()


def test_imagenette_is_moved_into_place_when_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = pytest.importorskip("torchvision").datasets
    ours = {wnid: words[0] for wnid, words in datasets.Imagenette._WNID_TO_CLASS.items()}
    assert ours == finetune.WORDS

    def cut_off(root: str, size: str, download: bool) -> None:
        grey(Path(root, "imagenette2-320", "train", "n01440764", "1.jpeg"))
        raise OSError("the connection was lost")

    monkeypatch.setattr(datasets, "Imagenette", cut_off)
    with pytest.raises(ValueError, match="download of 340 MB"):
        finetune.imagenette(tmp_path)
    with pytest.raises(OSError, match="lost"):
        finetune.imagenette(tmp_path, yes=True)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(
        datasets,
        "Imagenette",
        lambda root, **_: grey(Path(root, "imagenette2-320", "train", "n01440764", "1.jpeg")),
    )
    assert finetune.imagenette(tmp_path, yes=True) == tmp_path / "imagenette2-320"
    assert [f.name for f in tmp_path.iterdir()] == ["imagenette2-320"]
    assert finetune.imagenette(tmp_path) == tmp_path / "imagenette2-320"  # it is there: no question


# --- the command --------------------------------------------------------------------------------


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def words(data: Path, *more: str) -> list[str]:
    return ["train", "--data", str(data), "--arch", "plain", "--size", "32", "--epochs", "1",
            "--batch", "8", "--workers", "0", *more]  # fmt: skip


def test_the_command_trains_and_the_result_explains_a_picture(
    at: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(words(pictures, "--out", "mine")) == 0
    told = capsys.readouterr().out
    assert f"learning from 24 pictures of 3 classes in {pictures}" in told
    assert "plain from random weights, adamw with a rate up to 0.006" in told
    assert re.search(r"^epoch 1: loss \d\.\d+, right \d+\.\d %, \d+\.\d s$", told, re.MULTILINE)
    assert "model.safetensors is the network after epoch 1, right on " in told
    assert "See what it looks at: camkit cam PHOTO --model mine" in told
    photo = next((pictures / KEPT[0]).iterdir())
    assert cli.main(["cam", str(photo), "--model", "mine", "--top", "3"]) == 0
    seen = json.loads((at / "cam" / f"{photo.stem}.json").read_text(encoding="utf-8"))
    assert {one["name"] for one in seen["classes"]} == set(KEPT)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--arch", "plane"], "no architecture 'plane'; near ones: 'plain'"),
        (["--epochs", "0"], "epochs must be at least 1"),
        (["--weights", "gone.pth"], "There is no weights file 'gone.pth'"),
        (["--data", "nowhere"], "There is no folder 'nowhere'"),
        (["--data", "imagenette"], "Imagenette is not in"),
    ],
)
def test_what_was_asked_wrongly_is_said_in_one_sentence(
    more: list[str], says: str, at: Path, pictures: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("builtins.input", lambda question: "no")
    assert cli.main(words(pictures, *more)) == 2
    err = capsys.readouterr().err
    assert says in err
    assert "Traceback" not in err


def test_results_among_the_pictures_are_refused(
    pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for out in (pictures, pictures / "trained"):
        assert cli.main(words(pictures, "--out", str(out))) == 2
        assert "lies among the pictures" in capsys.readouterr().err
    assert not (pictures / "trained").exists()


def test_interrupted_the_command_says_what_is_kept(
    at: Path, pictures: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(finetune._Loop, "_accuracy", interrupt)
    assert cli.main(words(pictures)) == 130
    err = capsys.readouterr().err
    assert "camkit train: interrupted." in err
    assert "No epoch was finished, so nothing was kept." in err


def test_a_full_disk_ends_the_command_in_one_sentence(
    at: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with full_disk() as fill:
        fill()
        assert cli.main(words(pictures)) == 1
    assert "File too large" in capsys.readouterr().err
    assert list((at / "trained").iterdir()) == []


def test_no_small_relative_takes_a_name_of_torchvisions() -> None:
    """`--arch googlenet` once meant the course's small one."""
    names = finetune.architectures()
    assert set(relatives.ARCHITECTURES) <= set(names)
    assert len(names) == len(set(names))
    assert finetune.build("small-googlenet", ["a", "b"]).size == (128, 128)
