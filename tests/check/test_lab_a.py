"""Lab A: the recipe fails every check, the repaired steps pass, half-repairs get their own word."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage
from torch import nn

from camkit import boxes, relatives, world
from camkit.check import lab_a
from camkit.check.lab_a import BUGS, Bug, Steps, bug_hunt
from camkit.images import View

NAMES = list(Steps.__dataclass_fields__)
Answer = Callable[..., Any]


def named(name: str, answer: Answer) -> Answer:
    """A function as a learner defines it, under the recipe's name."""

    def step(*given: Any) -> Any:
        return answer(*given)

    step.__name__ = name
    return step


def of(name: str, answer: Answer) -> lab_a.Found:
    return bug_hunt(named(name, answer))


def test_there_are_eleven_bugs_in_nine_steps_and_the_eight_of_the_lab_among_them() -> None:
    assert len(BUGS) == 11
    assert list(dict.fromkeys(bug.step for bug in BUGS)) == NAMES
    told = " ".join(bug.told for bug in BUGS)
    for word in (
        *("half of the maximum", "stretched", "first region", "network's pixels"),
        *("blue, green, red", "mean and deviation", "one channel", "random"),
    ):
        assert word in told


@pytest.mark.parametrize("bug", BUGS, ids=lambda b: f"{b.step}-{b.told[:20]}")
def test_the_broken_version_fails_and_the_repaired_passes(bug: Bug) -> None:
    assert not bug.check(lab_a._Plain(getattr(lab_a.recipe(), bug.step))).passed
    assert not bug.check(lab_a._Plain(bug.back)).passed
    assert bug.check(lab_a._Plain(getattr(Steps(), bug.step))).passed


@pytest.mark.parametrize("name", NAMES)
def test_the_recipe_is_not_attempted_yet_and_the_repaired_is_found(name: str) -> None:
    before = bug_hunt(getattr(lab_a.recipe(), name))
    count = sum(bug.step == name for bug in BUGS)
    assert before.score == (0, count)
    assert repr(before).startswith("not attempted yet: 0 of ")
    after = bug_hunt(getattr(Steps(), name))
    assert after.score == (count, count)
    assert repr(after).startswith("passed on ")
    assert all(bug.told in repr(after) for bug in BUGS if bug.step == name)
    # What is not found is not named.
    assert not any(bug.told in repr(before) for bug in BUGS)


def test_order_is_free_and_the_score_adds_up() -> None:
    steps = [getattr(Steps(), name) for name in NAMES]
    assert bug_hunt(*steps[::-1]).score == (11, 11)
    mixed = [getattr(lab_a.recipe() if i % 2 else Steps(), name) for i, name in enumerate(NAMES)]
    found = bug_hunt(*mixed)
    wanted = sum(NAMES.index(bug.step) % 2 == 0 for bug in BUGS)
    assert found.score == (wanted, 11)
    assert repr(found).startswith(f"{wanted} of 11 bugs found.")


@pytest.mark.parametrize("bug", [b for b in BUGS if b.check.wrong], ids=lambda b: b.told[:25])
def test_typical_wrong_repairs_get_their_own_advice(bug: Bug) -> None:
    assert len(bug.check.wrong) >= 2
    for wrong in bug.check.wrong:
        verdict = bug.check(lab_a._Plain(wrong.answer))
        assert not verdict.passed, wrong.name
        assert verdict.advice == wrong.advice, wrong.name


def half_layer(f: Any, weights: Any, bias: Any) -> Any:
    """As many outputs as classes, but still random."""
    return nn.Conv2d(f.shape[0], weights.shape[0], 1)(f)


def copied_layer(f: Any, weights: Any, bias: Any) -> Any:
    layer = nn.Conv2d(weights.shape[1], weights.shape[0], 1)
    layer.weight.data, layer.bias.data = weights[:, :, None, None], bias  # type: ignore[union-attr]
    return layer(f)


# As a learner might write them, not as the lab does.
RIGHT = [
    ("read", lambda path: np.asarray(Image.open(path).convert("RGB"))),
    ("read", lambda path: np.array(Image.open(path).convert("RGB"))[:, :, ::-1][:, :, ::-1]),
    (
        "prepare",
        lambda p, size, mean, std: View.of(p.shape[:2], size).to_input(p, mean, std)[None],
    ),
    ("score_maps", copied_layer),
    ("winner", lambda s: torch.einsum("chw->c", s).argmax()),
    ("winner", lambda s: int(np.argmax([m.mean() for m in s]))),
    ("class_map", lambda f, w, c: sum(w[c, k] * f[k] for k in range(len(f)))),
    ("keep", lambda h: boxes.mask_from_map(h)),
    ("keep", lambda h: h / h.max() > 0.2),
    ("region", lambda m: max(_each(m), key=np.sum)),
    ("corners", lambda m: boxes.box_from_map(m * 1.0)),
    ("corners", lambda m: np.array(boxes.box_from_map(m * 1.0))),
    ("to_photo", lambda b, size, shape: View.of(shape, size).box_back(b)),
    ("to_photo", lambda b, size, shape: np.array(b) * (shape[::-1] * 2) / (size[::-1] * 2)),
]


def _each(mask: Any) -> list[Any]:
    regions, n = ndimage.label(mask, structure=np.ones((3, 3)))
    return [regions == i for i in range(1, n + 1)]


@pytest.mark.parametrize(("name", "answer"), RIGHT)
def test_other_right_repairs_pass(name: str, answer: Answer) -> None:
    k, n = of(name, answer).score
    assert k == n, of(name, answer)


HALF = [
    # (step, repair, bugs found, words)
    ("score_maps", half_layer, 1, "Where are the trained ones?"),
    ("keep", lambda h: (h - h.min()) / np.ptp(h) > 0.2, 1, "still stretched"),
    ("keep", lambda h: h > 0.5 * h.max(), 1, "does what the recipe does"),
    ("keep", lambda h: h > 0.3 * h.max(), 1, "How large a share"),
    ("read", lambda path: np.array(Image.open(path).convert("RGB"))[::-1], 0, "wrong values"),
    ("read", lambda path: Image.open(path), 0, "wrong type"),
    ("prepare", lambda p, *rest: torch.tensor(p), 0, "wrong shape"),
    ("winner", lambda s: int(s.min(1).values.min(1).values.argmax()), 0, "expected"),
    ("class_map", lambda f, w, c: w[:, c] @ f.flatten(1), 0, ""),
    ("region", lambda m: m.sum(), 0, "the mask should be"),
    ("corners", lambda m: (0, 0, 1, 1), 0, "expected"),
    ("to_photo", lambda b, size, shape: b[:2], 0, "wrong shape"),
    ("keep", lambda h: 1 / 0, 0, "ZeroDivisionError"),
]


@pytest.mark.parametrize(("name", "answer", "found", "words"), HALF)
def test_half_repairs_are_scored_for_what_they_mend(
    name: str, answer: Answer, found: int, words: str
) -> None:
    result = of(name, answer)
    assert result.score[0] == found, result
    assert words in repr(result)
    assert "passed" not in repr(result)


def test_a_map_without_evidence_stops_neither_recipe_nor_repair() -> None:
    """A dead unit's channel is zero throughout; the recipe divided 0 by 0 and found no region."""
    for steps in (lab_a.recipe(), Steps()):
        for heat in (np.zeros((4, 6)), np.full((4, 6), -2.0)):
            mask = steps.region(steps.keep(heat))
            assert not mask.any()
            assert tuple(steps.corners(mask)) == (0, 0, 6, 4)


def test_what_is_no_step_is_refused() -> None:
    with pytest.raises(ValueError, match="no function 'overlap', only read, prepare"):
        bug_hunt(named("overlap", lambda a: a))
    result: Any = 3
    with pytest.raises(TypeError, match="the functions themselves, not int"):
        bug_hunt(result)


def test_the_page_says_it_in_words_and_escapes() -> None:
    page = of("keep", lambda h: 1 / 0)._repr_html_()
    assert 'role="status"' in page
    assert "0 of 2 bugs found" in page
    assert "ZeroDivisionError: division by zero" in page
    assert "&lt;" in of("read", lambda p: [][p])._repr_html_() or "✗" in page


def test_costs_are_those_of_running_the_steps(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = relatives.build("plain", world.CLASSES).eval()
    samples = [world.Objects(split="test", size=200)[i] for i in range(3)]
    paths = []
    for i, sample in enumerate(samples):
        paths.append(tmp_path / f"{i}.png")
        Image.fromarray(sample.image).save(paths[-1])
    truth = [s.boxes for s in samples]
    # Labels that the repaired steps get right, so that a row must say so.
    told = net.explain([str(p) for p in paths], top=1)
    labels = told.classes[:, 0].tolist()
    rows = lab_a.costs(net, paths, labels, truth)
    assert [row.name for row in rows[:2]] == ["the recipe", "repaired"]
    assert len(rows) == 2 + len(BUGS) - 1
    assert rows[1].classes == 1.0
    # The repaired steps are camkit's own: same class, same box.
    for path, box in zip(paths, told.boxes()[:, 0], strict=True):
        c, mine = lab_a.explain(path, net, Steps())
        assert c == told.classes[paths.index(path), 0]
        assert np.allclose([float(v) for v in mine], box, equal_nan=True)
    with pytest.raises(ValueError, match="equally long"):
        lab_a.costs(net, paths, labels[:2], truth)
