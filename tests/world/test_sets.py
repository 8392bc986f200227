"""Sets: the same sample whatever was drawn before, and backgrounds that give nothing away."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from camkit import world
from camkit.world.compose import box_of
from camkit.world.scene import Scene

SETS = {
    "objects": world.Objects(size=32, length=40),
    "hard": world.Objects(size=32, length=40, hard=True),
    "framing": world.Objects(size=32, length=40, framing=0.1),
    "two": world.TwoObjects(size=32, length=40),
    "kind": world.TwoOfAKind(size=32, length=40),
    "biased": world.BiasedObjects(size=32, length=40),
}


@pytest.mark.parametrize("name", SETS)
def test_a_sample_depends_on_its_index_alone(name: str) -> None:
    ds = SETS[name]
    late = ds[17].image
    for i in (3, 30, 5):
        ds[i]
    assert (ds[17].image == late).all()
    assert type(ds)(size=32, length=18, **_dials(ds)).scene(17) == ds.scene(17), "any length"
    assert type(ds)(size=64, length=40, **_dials(ds)).scene(17) == ds.scene(17), "any size"
    assert len({hash(ds.scene(i)) for i in range(40)}) == 40, "no scene twice"
    assert [s.label for s in ds][:5] == [ds.scene(i).label for i in range(5)]


def _dials(ds: world.Objects) -> dict[str, object]:
    return {k: getattr(ds, k) for k in ("framing", "hard", "bias") if hasattr(ds, k)}


def test_splits_seeds_and_sets_are_different_streams() -> None:
    seen: set[Scene] = set()
    count = 0
    for split in world.SPLITS:
        for seed in (0, 1):
            for make in (world.Objects, world.TwoOfAKind, world.BiasedObjects):
                ds = make(split=split, seed=seed)
                for i in range(20):
                    scene = ds.scene(i)
                    seen.add(Scene(scene.things, scene.background, scene.light, scene.label))
                    count += 1
    assert len(seen) == count


def test_labels_take_turns() -> None:
    ds = world.Objects(length=3 * len(world.CLASSES))
    counts = np.bincount([ds.scene(i).label for i in range(len(ds))])
    assert (counts == 3).all()
    assert len(world.CLASSES) >= 16
    assert len(world.BACKGROUNDS) >= 6
    assert len(world.DISTRACTORS) >= 9
    assert len(world.OCCLUDERS) >= 3


def test_the_object_takes_the_share_of_the_picture_that_is_promised() -> None:
    def shares(ds: world.Objects, n: int) -> np.ndarray:
        boxes = [box_of(s.things[s.objects[0]]) for s in (ds.scene(i) for i in range(n))]
        return np.array([(x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in boxes])

    low, middle, high = np.quantile(shares(world.Objects(split="val"), 600), (0.05, 0.5, 0.95))
    assert low == pytest.approx(0.12, abs=0.02)
    assert middle == pytest.approx(0.29, abs=0.03)
    assert high == pytest.approx(0.50, abs=0.04)
    for wanted in (0.05, 0.2, 0.4):
        assert np.allclose(shares(world.Objects(framing=wanted), 40), wanted, atol=0.005)
    assert shares(world.Objects(framing=0.8), 20).max() < 0.92, "it still fits the picture"


def test_objects_stand_on_the_ground_inside_the_picture() -> None:
    for ds in (world.Objects(split="val"), world.TwoObjects(split="val")):
        for i in range(100):
            scene = ds.scene(i)
            for j in scene.objects:
                x0, y0, x1, y1 = box_of(scene.things[j])
                assert min(x0, y0, 1 - x1, 1 - y1) > -0.02
                assert y1 > 0.7


def test_backgrounds_tell_nothing_about_the_class() -> None:
    from scipy.stats import chi2_contingency

    n = 40 * len(world.CLASSES)
    ds = world.Objects(length=n)
    table = np.zeros((len(world.CLASSES), len(world.BACKGROUNDS)), int)
    for i in range(n):
        scene = ds.scene(i)
        table[scene.label, world.BACKGROUNDS.index(scene.background.kind)] += 1
    assert chi2_contingency(table).pvalue > 1e-3
    tied = np.zeros_like(table)
    biased = world.BiasedObjects(length=200)
    for i in range(200):
        scene = biased.scene(i)
        tied[scene.label, world.BACKGROUNDS.index(scene.background.kind)] += 1
    assert chi2_contingency(tied[:, tied.any(axis=0)]).pvalue < 1e-9, "the test can fail"


def test_a_probe_that_sees_only_the_background_is_near_chance() -> None:
    from sklearn.linear_model import LogisticRegression

    def features(ds: world.Pictures, n: int) -> tuple[np.ndarray, np.ndarray]:
        rows, labels = [], []
        for i in range(n):
            scene = ds.scene(i)
            bare = scene
            for j in reversed(range(len(scene.things))):
                bare = bare.without(j)
            small = bare.draw(32).image.reshape(8, 4, 8, 4, 3).mean(axis=(1, 3))
            rows.append(small.ravel() / 255)
            labels.append(scene.label)
        return np.array(rows), np.array(labels)

    def accuracy(train: world.Pictures, test: world.Pictures) -> float:
        x, y = features(train, 400)
        probe = LogisticRegression(max_iter=200, C=0.3).fit(x, y)
        return float(probe.score(*features(test, 200)))

    chance = 1 / len(world.CLASSES)
    assert accuracy(world.Objects(), world.Objects(split="test")) < chance + 0.07
    tied = accuracy(world.BiasedObjects(bias=1.0), world.BiasedObjects(split="test", bias=1.0))
    assert tied > chance + 0.10, "the same probe finds the class where there is a bias"


def test_bias_ties_a_class_to_its_home() -> None:
    def at_home(ds: world.BiasedObjects) -> float:
        scenes = [ds.scene(i) for i in range(200)]
        return float(np.mean([
            s.background.kind == world.HOMES[world.CLASSES[s.label]] for s in scenes
        ]))  # fmt: skip

    assert at_home(world.BiasedObjects(bias=1.0)) == 1.0
    assert at_home(world.BiasedObjects(home=False)) == 0.0
    assert at_home(world.BiasedObjects(bias=0.9)) == pytest.approx(0.91, abs=0.06)
    assert at_home(world.BiasedObjects(bias=0.0)) == pytest.approx(1 / 8, abs=0.08)
    for i in range(10):  # two biases differ in nothing but the background
        a, b = (world.BiasedObjects(bias=v).scene(i) for v in (0.0, 1.0))
        assert (a.things, a.light) == (b.things, b.light)


def test_workers_draw_the_same_pictures() -> None:
    ds = world.Objects(size=32, length=70)
    one, two = ds.batch(progress=False), ds.batch(workers=2, progress=False)
    assert (one.images == two.images).all()
    assert (one.masks == two.masks).all()
    assert (one.labels == two.labels).all()
    assert all((a == b).all() for a, b in zip(one.boxes, two.boxes, strict=True))
    images, labels = ds.arrays([5, 3], progress=False)
    assert (images[1] == ds[3].image).all()
    assert labels.tolist() == [5, 3]


def test_the_world_does_without_torch() -> None:
    code = (
        "import sys; from camkit import world; world.Objects(size=32)[0]; "
        "print('torch' in sys.modules, 'matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda: world.Objects(split="tset"), ValueError, "test"),
        (lambda: world.Objects(split=1), TypeError, "split"),
        (lambda: world.Objects(seed=-1), ValueError, "seed"),
        (lambda: world.Objects(seed=0.5), TypeError, "seed"),
        (lambda: world.Objects(size=8), ValueError, "16"),
        (lambda: world.Objects(length=0), ValueError, "length"),
        (lambda: world.Objects(length=2.0), TypeError, "length"),
        (lambda: world.Objects(framing=0.9), ValueError, "framing"),
        (lambda: world.Objects(length=5)[5], IndexError, "between 0 and 4"),
        (lambda: world.Objects(length=5)[-1], IndexError, "between 0 and 4"),
        (lambda: world.Objects()[0:3], TypeError, "batch"),
        (lambda: world.Objects(length=5).arrays([0, 9], progress=False), IndexError, "9"),
        (lambda: world.Objects(length=5).arrays(workers=-1), ValueError, "workers"),
        (lambda: world.BiasedObjects(bias=1.2), ValueError, "bias"),
        (lambda: world.BiasedObjects(bias="all"), TypeError, "bias"),
        (lambda: world.TwoObjects(classes=("dog",)), ValueError, "two"),
        (lambda: world.TwoObjects(classes=("dog", "baot")), ValueError, "boat"),
    ],
)
def test_bad_input_is_named(call, kind, words) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(kind, match=words):
        call()


def test_two_objects_can_be_limited_to_some_classes() -> None:
    ds = world.TwoObjects(classes=["dog", "boat"])  # type: ignore[arg-type]
    for i in range(6):
        scene = ds.scene(i)
        assert {scene.things[j].kind for j in scene.objects} == {"dog", "boat"}
        assert world.CLASSES[scene.label] == ("dog", "boat")[i % 2]
