"""The shipped networks' recipes: made once, whole or not at all; the film strip and the seeds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from camkit import recipes, world
from camkit.train import Recipe

TINY = Recipe(pictures=40, epochs=1, batch=20, size=64)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """One recipe that is made in seconds, measured on few pictures."""
    monkeypatch.setitem(recipes.RECIPES, "tiny", TINY)
    monkeypatch.setattr(recipes, "TEST_PICTURES", 40)
    monkeypatch.setattr(recipes, "CHECK_PICTURES", 20)


@pytest.mark.usefixtures("tiny")
def test_making_a_network_writes_weights_and_a_card_and_does_it_once(tmp_path: Path) -> None:
    card = recipes.make("tiny", tmp_path, progress=False)
    assert json.dumps(card, indent=1) + "\n" == (tmp_path / "tiny.json").read_text()
    assert card["recipe"]["pictures"] == 40
    assert set(card["by_class"]) == set(world.CLASSES)
    before = (tmp_path / "tiny.safetensors").stat().st_mtime_ns
    assert json.dumps(recipes.make("tiny", tmp_path, progress=False)) == json.dumps(card)
    assert (tmp_path / "tiny.safetensors").stat().st_mtime_ns == before
    (tmp_path / "tiny.safetensors").write_bytes(b"damaged")
    recipes.make("tiny", tmp_path, progress=False)
    assert (tmp_path / "tiny.safetensors").stat().st_size > 100_000


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "net.safetensors"
    file.write_bytes(b"old")

    def full(self: Path, blob: bytes) -> int:
        with self.open("wb") as stream:
            stream.write(blob[:1])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        recipes.write(file, b"new")
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_an_unknown_recipe_is_named() -> None:
    with pytest.raises(ValueError, match="no recipe 'birdies'"):
        recipes.make("birdies")


@pytest.mark.usefixtures("tiny")
def test_a_filmed_network_leaves_its_film(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(recipes.FILMED, "tiny", "average")
    monkeypatch.setattr(recipes, "FILM_PICTURES", 20)
    monkeypatch.setattr(recipes, "NUMBERS", tmp_path)
    recipes.make("tiny", tmp_path, numbers=tmp_path, progress=False)
    film = recipes.film("average")
    assert film.steps.tolist()[0] == 0
    assert film.steps.tolist()[-1] == 2
    moments = len(film.steps)
    assert film.maps.shape == (moments, 3, 8, 8)
    assert film.probabilities.shape == (moments, 3)
    assert len(film.losses) == 2
    # The last frame is the network that was written, up to half precision.
    (tmp_path / "film-average.safetensors").unlink()
    again = recipes.make("tiny", tmp_path, numbers=tmp_path, progress=False)
    assert (tmp_path / "film-average.safetensors").exists()
    assert again["name"] == "tiny"


def test_the_films_that_are_shipped_end_where_the_cards_do() -> None:
    for name, pool in recipes.FILMED.items():
        film = recipes.film(pool)
        recipe = recipes.RECIPES[name]
        assert film.steps[0] == 0
        assert film.steps[-1] == recipe.epochs * (recipe.pictures // recipe.batch)
        assert (film.steps.diff() > 0).all()
        assert len(film.losses) == film.steps[-1]
        card = json.loads((recipes.SHIPPED / f"{name}.json").read_text())
        assert float(film.accuracy[-1]) == pytest.approx(card["accuracy"], abs=0.03)
        assert float(film.gt_known[-1]) == pytest.approx(card["gt_known_localization"], abs=0.09)


def test_the_actors_are_the_three_that_are_named() -> None:
    assert tuple(world.CLASSES[scene.label] for scene in recipes.actors()) == recipes.ACTORS


def test_the_small_experiment_has_six_classes_in_turn() -> None:
    drawn = recipes.small_pictures("val", 8, size=48)
    assert drawn.labels.tolist() == [0, 1, 2, 3, 4, 5, 0, 1]
    assert drawn.images.shape == (8, 48, 48, 3)
    first = world.Objects(split="val", size=48)[world.CLASSES.index(recipes.FEW[0])]
    assert np.array_equal(drawn.images[0], first.image)


def test_the_table_of_seeds_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipes, "SMALL", replace(recipes.SMALL, pictures=12, epochs=1, batch=6))
    monkeypatch.setattr(recipes, "SMALL_TEST", 6)
    monkeypatch.setattr(recipes, "SEEDS", 1)
    monkeypatch.setattr(recipes, "NUMBERS", tmp_path)
    file = tmp_path / "seeds.json"
    table = recipes.make_seeds(file, progress=False)
    assert [(r["pool"], r["seed"]) for r in table["rows"]] == [
        ("average", 0),
        ("max", 0),
        ("flatten", 0),
    ]
    table["rows"][0]["accuracy"] = -1  # a mark: this row must be kept, and the missing one made
    file.write_text(json.dumps({**table, "rows": table["rows"][:2]}))
    again = recipes.make_seeds(file, progress=False)
    assert again["rows"][0]["accuracy"] == -1
    assert again["rows"][2] == table["rows"][2]
    assert recipes.seeds("max")["accuracy"].shape == (1,)
    recipes.main(["seeds", "--out", str(tmp_path), "--force"])  # once kept the marked row
    anew = json.loads(file.read_text())["rows"]
    assert anew[0]["accuracy"] >= 0
    assert anew[1:] == again["rows"][1:]


def test_an_unknown_recording_or_table_is_named() -> None:
    with pytest.raises(ValueError, match="got 'mean'"):
        recipes.film("mean")
    with pytest.raises(ValueError, match="got 'mean'"):
        recipes.seeds("mean")


def test_centred_weights_change_no_probability() -> None:
    torch.manual_seed(0)
    net = recipes.relatives.build("plain", ["a", "b", "c"], size=32).eval()
    x = torch.rand(2, 3, 32, 32)
    before = net(x).softmax(1)
    from camkit.train import _centre

    _centre(net)
    assert net.weights.sum(0).abs().max() < 1e-6
    assert torch.allclose(net(x).softmax(1), before, atol=1e-6)
