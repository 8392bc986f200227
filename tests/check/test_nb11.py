"""The checks of lesson 11 take right answers however they are written, and name what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from camkit import check, trust
from camkit.check import nb11
from camkit.train import inputs_of

Answer = Callable[..., Any]


# --- true_effect ---------------------------------------------------------------------------------


def again(scene: Any, thing: Any, places: Any) -> list[Any]:
    return [scene.on(p) for p in places] if thing == "background" else [scene.without(thing)]


def by_explain(net: Any, scene: Any, thing: Any, places: Any) -> Any:
    scenes = [scene, *again(scene, thing, places)]
    scores = net.explain([one.draw(128).image for one in scenes], top=1).scores
    centred = scores[:, scene.label] - scores.mean(dim=1)
    return centred[0] - centred[1:].mean()


def by_loop(net: Any, scene: Any, thing: Any, places: Any) -> float:
    def evidence(one: Any) -> float:
        with torch.no_grad():
            scores = net(inputs_of(net, one.draw(128).image[None]))[0].tolist()
        return float(scores[scene.label] - sum(scores) / len(scores))

    others = [evidence(one) for one in again(scene, thing, places)]
    return evidence(scene) - sum(others) / len(others)


def by_log_odds(net: Any, scene: Any, thing: Any, places: Any) -> Any:
    scenes = [scene, *again(scene, thing, places)]
    scores = net.explain([one.draw(128).image for one in scenes], top=1).scores.double().numpy()
    own = scores[:, scene.label]
    others = np.delete(scores, scene.label, axis=1)
    odds = own - np.log(np.exp(others - own[:, None]).sum(axis=1)) - own
    return float(odds[0] - odds[1:].mean())


@pytest.mark.parametrize("answer", [by_explain, by_loop, by_log_odds, trust.true_effect])
def test_right_effects_pass(answer: Answer) -> None:
    assert check.true_effect(answer).passed, check.true_effect(answer)


def test_the_hidden_scenes_ask_what_the_lesson_promises() -> None:
    cases = nb11._scenes()
    assert all(len(places) >= 3 for *_, places in cases)
    assert {thing == "background" for _, _, thing, _ in cases} == {True, False}
    # One asks for another thing than the scene's own class, one is sure beyond .99.
    assert any(thing not in ("background", nb11.world.CLASSES[s.label]) for _, s, thing, _ in cases)
    sure = [float(nb11._told(n, [s]).softmax(1)[0, s.label]) for n, s, *_ in cases]
    assert max(sure) > 0.99


@pytest.mark.parametrize("wrong", nb11.TRUE_EFFECT.wrong, ids=lambda w: w.name)
def test_every_known_wrong_effect_gets_its_own_word(wrong: Any) -> None:
    verdict = check.true_effect(wrong.answer)
    assert verdict.kind == "wrong values"
    assert verdict.advice == wrong.advice


@pytest.mark.parametrize(
    ("wrong", "kind", "word"),
    [
        (lambda *given: ..., "not attempted yet", "dots"),
        (lambda *given: "much", "wrong type", "the effect of 'dog'"),
        (lambda *given: np.zeros(2), "wrong shape", "should be ()"),
        (lambda net, scene, thing, places: scene.without("boat"), "error", "boat"),
        (lambda *given: 0.0, "wrong values", "expected"),
    ],
)
def test_other_wrong_effects_do_not_pass(wrong: Answer, kind: str, word: str) -> None:
    verdict = check.true_effect(wrong)
    assert verdict.kind == kind, verdict
    assert word in verdict.message


# --- same_answers --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        lambda w, b: (w - w.abs().mean(), b),
        lambda w, b: (w - w.abs().mean(dim=0), b + 3),
        lambda w, b: (w - 2 * w.abs().mean(), b),
        lambda w, b: [w.numpy() - w.abs().mean().item(), b.numpy()],
        lambda w, b: (w - w[0], b),
    ],
)
def test_right_heads_pass(answer: Answer) -> None:
    assert check.same_answers(answer).passed, check.same_answers(answer)


@pytest.mark.parametrize("wrong", nb11.SAME_ANSWERS.wrong, ids=lambda w: w.name)
def test_every_known_wrong_head_gets_its_own_word(wrong: Any) -> None:
    verdict = check.same_answers(wrong.answer)
    assert verdict.kind == "wrong values"
    assert verdict.advice == wrong.advice


@pytest.mark.parametrize(
    ("wrong", "kind", "word"),
    [
        (lambda w, b: ..., "not attempted yet", "dots"),
        (lambda w, b: w - 1, "wrong type", "two things"),
        (lambda w, b: (w - 1, "none"), "wrong type", "the bias"),
        (lambda w, b: (w.T, b), "wrong shape", "the weights should be"),
        (lambda w, b: (w - 1, b[:1]), "wrong shape", "the bias should be"),
        (lambda w, b: (w * float("nan"), b), "wrong values", "NaN"),
        (lambda w, b: (w - 1e-4, b), "wrong values", "of the boxes change"),
        (lambda w, b: (w - w.abs().mean(), b * 0), "wrong values", "a probability changes"),
    ],
)
def test_other_wrong_heads_do_not_pass(wrong: Answer, kind: str, word: str) -> None:
    verdict = check.same_answers(wrong)
    assert verdict.kind == kind, verdict
    assert word in verdict.message
