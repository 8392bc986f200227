"""Predictions: the vote is kept and shown; without a kernel the page does not give it away."""

from __future__ import annotations

import ast
import subprocess
import sys
from typing import Any

import IPython.display
import ipywidgets
import pytest

from camkit.widgets.votes import Predict, Question, answer_text, question_text, vote_text

OPTIONS = ("nothing lights up", "an error", "a hot spot somewhere")
WHY = {0: "A map scaled to its own maximum always has a cell at 1.", 1: "Every class has weights."}


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was displayed, in order."""
    kept: list[Any] = []
    monkeypatch.setattr(IPython.display, "display", lambda *things: kept.extend(things))
    return kept


def test_the_question_stands_in_text_with_all_its_options() -> None:
    text = question_text(Question("What do you see?", OPTIONS))
    assert text.startswith("**Predict.** What do you see?\n\n- (a) nothing lights up\n- (b)")
    assert all(option in text for option in OPTIONS)


def test_a_click_is_kept_said_and_shown_beside_the_measurement(shown: list[Any]) -> None:
    predict = Predict()
    predict("boat", "What do you see?", OPTIONS)
    buttons, said = shown[1].children
    assert said.value == "No vote yet."
    buttons.value = 0
    assert said.value.startswith("Your vote: (a) nothing lights up.")
    predict.reveal("boat", "the hottest cell is 1.00.", right=2, why=WHY)
    text = shown[-1].data
    assert "**You said** (a) nothing lights up" in text
    assert "**Measured** the hottest cell is 1.00." in text
    assert text.endswith(f"(c) a hot spot somewhere. Not (a): {WHY[0]}")
    assert WHY[1] not in text
    assert "<details>" not in text


def test_without_a_vote_the_answer_is_folded_with_every_reason(shown: list[Any]) -> None:
    predict = Predict()
    predict("boat", "What do you see?", OPTIONS)
    predict.reveal("boat", "1.00.", right=2, why=WHY)
    text = shown[-1].data
    assert text.startswith("<details><summary>The answer</summary>\n\n")
    assert WHY[0] in text
    assert WHY[1] in text
    assert "You said" not in text


def test_a_right_vote_is_told_so_and_still_hears_the_reasons() -> None:
    text = answer_text(Question("What?", OPTIONS, vote=2), "1.00.", 2, WHY)
    assert "(c) a hot spot somewhere, as you said. Not (a):" in text


def test_the_vote_outlives_a_second_run_of_the_cell_unless_the_options_change(
    shown: list[Any],
) -> None:
    predict = Predict()
    predict("boat", "What do you see?", OPTIONS)
    shown[1].children[0].value = 1
    predict("boat", "What do you see?", OPTIONS)
    assert shown[3].children[0].value == 1
    assert vote_text(predict.questions["boat"]).startswith("Your vote: (b)")
    predict("boat", "What do you see?", ["yes", "no"])
    assert predict.questions["boat"].vote is None


def test_buttons_have_names_that_can_be_read_aloud(shown: list[Any]) -> None:
    Predict()("boat", "What do *you* see?", OPTIONS)
    buttons = shown[1].children[0]
    assert isinstance(buttons, ipywidgets.ToggleButtons)
    assert buttons.description == "Your vote"
    assert tuple(buttons.tooltips) == OPTIONS
    assert buttons.tooltip == "Your vote on: What do you see?"


def test_learners_text_cannot_become_markup(shown: list[Any]) -> None:
    Predict()("q", "Which?", ["a < b", "a > b"])
    buttons, said = shown[1].children
    buttons.value = 0
    assert "a &lt; b" in said.value


@pytest.mark.parametrize("options", [[], ["one"], list("abcde"), ["same", "same"]])
def test_options_are_two_to_four_different_ones(options: list[str]) -> None:
    with pytest.raises(ValueError, match="2 to 4 different answers"):
        Predict()("q", "Which?", options)


def test_one_text_for_the_options_is_refused() -> None:
    with pytest.raises(TypeError, match="list of answers"):
        Predict()("q", "Which?", "yes or no")


def test_reveal_names_what_is_wrong(shown: list[Any]) -> None:
    predict = Predict()
    with pytest.raises(ValueError, match=r"No question 'q' was asked .* run the cell"):
        predict.reveal("q", "1", right=0, why={1: "No."})
    predict("q", "Which?", ["yes", "no"])
    for right, why in ((2, {0: "No."}), (0, {5: "No."})):
        with pytest.raises(ValueError, match="options 0 to 1"):
            predict.reveal("q", "1", right=right, why=why)
    for why in ({}, {0: "But it is right."}):
        with pytest.raises(ValueError, match="reason against a wrong option"):
            predict.reveal("q", "1", right=0, why=why)


def test_importing_widgets_does_not_import_ipywidgets() -> None:
    code = "import sys, camkit.widgets; print([m in sys.modules for m in ('ipywidgets', 'torch')])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ast.literal_eval(out.stdout) == [False, False]
