"""Training: it learns, repeats itself, survives interruption and NaN, and writes all or nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from camkit import relatives, train
from camkit.heads import CamModel
from camkit.train import History, Images, Labels, Recipe


def striped(count: int = 96, size: int = 32) -> tuple[Images, Labels]:
    """Upright stripes (class 0) and flat ones (class 1), with noise."""
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 2
    wave = 60 * np.sign(np.sin(np.arange(size)))
    flat = np.broadcast_to(wave[:, None], (size, size))
    pictures = np.stack([flat if label else flat.T for label in labels])
    noise = rng.normal(0, 20, (count, size, size, 3))
    return np.clip(128 + pictures[..., None] + noise, 0, 255).astype(np.uint8), labels


def small() -> CamModel:
    torch.manual_seed(0)
    return relatives.build("plain", ["upright", "flat"], size=32)


QUICK = Recipe(epochs=3, batch=16, rate=5e-3, shift=2, hide=0.0)


def run(recipe: Recipe = QUICK, **more: object) -> tuple[CamModel, History]:
    net = small()
    history = train.train(net, *striped(), recipe=recipe, threads=1, progress=False, **more)  # type: ignore[arg-type]
    return net, history


def test_a_network_learns_what_can_be_learned() -> None:
    net, history = run(check=striped())
    assert history.ended == "finished"
    assert history.accuracies[-1] == 1.0
    assert np.mean(history.losses[-3:]) < 0.5 * np.mean(history.losses[:3])
    assert not net.training


def test_the_same_seed_and_threads_give_the_same_weights_to_the_last_bit() -> None:
    (first, _), (second, _) = run(), run()
    assert all(
        torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True)
    )
    other, _ = run(Recipe(epochs=3, batch=16, rate=5e-3, shift=2, hide=0.0, seed=1))
    assert not torch.equal(first.weights, other.weights)


def test_watch_sees_every_step_and_the_network_before_the_first() -> None:
    seen: list[int] = []
    run(watch=lambda step, net: seen.append(step))
    assert seen == list(range(19))  # 3 epochs of 96 / 16 steps, and the start


def test_interrupting_keeps_the_best_weights_so_far() -> None:
    after_an_epoch: dict[str, torch.Tensor] = {}

    def stop_in_the_second_epoch(step: int, net: CamModel) -> None:
        if step == 6:
            after_an_epoch.update({k: v.clone() for k, v in net.state_dict().items()})
        if step == 9:
            raise KeyboardInterrupt

    net, history = run(check=striped(), watch=stop_in_the_second_epoch)
    assert history.ended == "interrupted"
    assert len(history.losses) == 9
    kept = net.state_dict()
    assert all(torch.equal(kept[key], value) for key, value in after_an_epoch.items())


def test_interrupting_without_checking_pictures_keeps_the_last_whole_epoch() -> None:
    """Bug: without pictures to check on, an interruption threw all training away."""
    kept: dict[str, torch.Tensor] = {}

    def stop(step: int, net: CamModel) -> None:
        if step == 6:
            kept.update({k: v.clone() for k, v in net.state_dict().items()})
        if step == 9:
            raise KeyboardInterrupt

    net, _ = run(watch=stop)
    assert all(torch.equal(net.state_dict()[key], value) for key, value in kept.items())


def test_a_loss_that_is_no_number_stops_and_says_at_which_step() -> None:
    def spoil(step: int, net: CamModel) -> None:
        if step == 8:
            nn.init.constant_(net.head.weight, float("nan"))

    net, history = run(check=striped(), watch=spoil)
    assert history.ended == "the loss is nan at step 9"
    assert all(torch.isfinite(p).all() for p in net.parameters())


def test_the_threads_of_the_caller_are_given_back() -> None:
    before = torch.get_num_threads()
    run()
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x, y: (x, y + 1), r"Labels run from 1 to 2, but the network has 2 classes"),
        (lambda x, y: (x, y * 0), "All labels are the same class"),
        (lambda x, y: (x, y[:-1]), "96 images but 95 labels"),
        (lambda x, y: (x[:0], y[:0]), "0 images"),
        (lambda x, y: (x / 255.0, y), "uint8"),
        (lambda x, y: (x.transpose(0, 3, 1, 2), y), "images must be"),
    ],
)
def test_data_that_cannot_be_learned_from_is_refused(change, words) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=words):
        train.train(small(), *change(*striped()), recipe=QUICK, threads=1, progress=False)


def test_hidden_squares_hide_their_share_of_the_picture() -> None:
    images, _ = striped(64)
    generator = torch.Generator().manual_seed(0)
    recipe = Recipe(shift=0, hide=0.5)
    x = train._augmented(small(), images, recipe, generator, torch.device("cpu"))
    hidden = (x == 0).all(dim=1).float().mean().item()
    assert hidden == pytest.approx(0.5, abs=0.08)


def units_net(*maps: torch.Tensor) -> CamModel:
    """A network whose unit k always draws the k-th map."""

    class Fixed(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.stack(maps).expand(len(x), -1, -1, -1)

    net = CamModel(Fixed(), nn.Linear(len(maps), 1), size=4)
    nn.init.ones_(net.head.weight)
    return net.eval()


def test_unit_similarity_by_hand() -> None:
    images, labels = np.zeros((2, 4, 4, 3), np.uint8), np.zeros(2, np.int64)
    left = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    top = torch.tensor([[1.0, 1.0], [0.0, 0.0]])
    same = units_net(left, 3 * left + 1)  # the scale does not matter
    assert train.unit_similarity(same, images, labels, top=2) == pytest.approx(1.0)
    across = units_net(left, top)
    assert train.unit_similarity(across, images, labels, top=2) == pytest.approx(0.0, abs=1e-6)
    mixed = units_net(left, left, top, torch.zeros(2, 2))  # a silent unit counts in no pair
    assert train.unit_similarity(mixed, images, labels, top=4) == pytest.approx(1 / 3)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_few_steps_are_enough(count: int) -> None:
    """Four steps once divided by zero: a quarter of them is one."""
    images, labels = striped(2 * count)
    recipe = Recipe(epochs=1, batch=2, shift=0)
    history = train.train(small(), images, labels, recipe=recipe, threads=1, progress=False)
    assert len(history.losses) == count


@pytest.mark.parametrize("arch", relatives.ARCHITECTURES)
@pytest.mark.parametrize("pool", ["average", "max", "flatten"])
def test_every_small_relative_scores_and_maps(arch: str, pool: relatives.Pool) -> None:
    net = relatives.build(arch, ["a", "b", "c"], pool=pool).eval()
    features = net.features(torch.rand(1, 3, 128, 128))
    side = {"coarse": 8, "small-googlenet-coarse": 8, "fine": 32}.get(arch, 16)
    assert features.shape == (
        1,
        net.weights.shape[1] // (side**2 if pool == "flatten" else 1),
        side,
        side,
    )
    assert net.scores(features).shape == (1, 3)
    if pool == "average":
        mean = net.maps(features).mean(dim=(2, 3)) + net.bias
        torch.testing.assert_close(mean, net.scores(features))


def test_an_unknown_relative_is_named() -> None:
    with pytest.raises(ValueError, match="no small network 'lenet'"):
        relatives.build("lenet", ["a", "b"])


@pytest.mark.parametrize("arch", relatives.ARCHITECTURES)
def test_a_cell_looks_at_its_own_pixels_not_half_a_cell_beside_them(arch: str) -> None:
    """Odd kernels with a step of two once moved every box to the right and down."""
    net = relatives.build(arch, ["a", "b"]).double().eval()
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.constant_(layer.weight, 1.0)
    forth = torch.rand(1, 3, 128, 128, dtype=torch.float64, generator=torch.manual_seed(0))
    places = torch.arange(128, dtype=torch.float64)
    centres = []
    for x in (forth, forth.flip(2, 3)):  # both, as the maximum of a pool lies on one side or other
        x.requires_grad_()
        features = net.features(x)
        cells = features.shape[2]
        here = cells // 2 if x is forth else cells - 1 - cells // 2
        (gradient,) = torch.autograd.grad(features[0, :, here, here].sum(), x)
        weight = gradient.abs().sum((0, 1, 2))
        centres.append(float((weight * places).sum() / weight.sum()))
    stride = 128 // cells
    middle = stride * (cells // 2) + (stride - 1) / 2
    assert centres[0] == pytest.approx(middle, abs=stride / 4)
    assert (centres[0] + 127 - centres[1]) / 2 == pytest.approx(middle, abs=stride / 4)
