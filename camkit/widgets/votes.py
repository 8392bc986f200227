"""Committed predictions: three options to click, the vote kept, the measurement beside it."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Question:
    """One prediction: its text, its options, and the place of the chosen one (None: no vote)."""

    text: str
    options: tuple[str, ...]
    vote: int | None = None


def letter(i: int) -> str:
    """Name option i as a learner reads it.

    >>> letter(2)
    '(c)'
    """
    return f"({chr(ord('a') + i)})"


def question_text(question: Question) -> str:
    """Put a question and its options into Markdown that reads without a kernel.

    >>> print(question_text(Question("Which is larger?", ("A", "B"))))
    **Predict.** Which is larger?
    <BLANKLINE>
    - (a) A
    - (b) B
    """
    options = "\n".join(f"- {letter(i)} {text}" for i, text in enumerate(question.options))
    return f"**Predict.** {question.text}\n\n{options}"


def vote_text(question: Question) -> str:
    """Say which option stands, for the line beside the buttons.

    >>> vote_text(Question("Which?", ("A", "B"), vote=1))
    'Your vote: (b) B. It is kept for the measurement below.'
    """
    if question.vote is None:
        return "No vote yet."
    option = question.options[question.vote].rstrip(".")
    return f"Your vote: {letter(question.vote)} {option}. It is kept for the measurement below."


def answer_text(question: Question, measured: str, right: int, why: Mapping[int, str]) -> str:
    """Put vote, measurement and the reason into Markdown lines.

    With a vote for a wrong option, the reason is the one why that option tempts and fails;
    otherwise every reason given is told.

    >>> asked = Question("Which is larger?", ("A", "B"), vote=0)
    >>> print(answer_text(asked, "A is 1, B is 2.", right=1, why={0: "A only looks larger."}))
    **You said** (a) A
    <BLANKLINE>
    **Measured** A is 1, B is 2.
    <BLANKLINE>
    **So it is** (b) B. Not (a): A only looks larger.
    """
    lines = []
    if question.vote is not None:
        lines.append(f"**You said** {letter(question.vote)} {question.options[question.vote]}")
    lines.append(f"**Measured** {measured}")
    told = [question.vote] if question.vote in why and question.vote != right else sorted(why)
    reasons = "".join(f" Not {letter(i)}: {why[i]}" for i in told if i is not None)
    agreed = ", as you said" if question.vote == right else ""
    option = question.options[right].rstrip(".")
    lines.append(f"**So it is** {letter(right)} {option}{agreed}.{reasons}")
    return "\n\n".join(lines)


def _show(markdown: str, *widgets: Any) -> None:
    from IPython import display as ipython

    ipython.display(ipython.Markdown(markdown), *widgets)  # type: ignore[no-untyped-call]


@dataclass
class Predict:
    """Ask for a prediction, keep the vote, and show it beside the measurement.

    ``predict(name, text, options)`` shows the question and a row of buttons. ``predict.reveal(
    name, measured, right, why)`` shows the vote beside what was measured; without a vote the
    answer is folded away, so that a page read without a kernel does not give it away.
    """

    questions: dict[str, Question] = field(default_factory=dict)

    def __call__(self, name: str, text: str, options: Sequence[str]) -> None:
        """Show a question; asked again (the cell is run twice), it keeps its vote.

        Args:
            name: what :meth:`reveal` finds the question by.
            text: the question, in Markdown.
            options: two to four answers, plain text.

        Raises:
            TypeError: ``options`` is one text instead of a list of them.
            ValueError: there are fewer than two or more than four options, or two are equal.
        """
        if isinstance(options, str):
            raise TypeError("options must be a list of answers, not one text: put it in [ ].")
        if not 2 <= len(options) <= 4 or len(set(options)) != len(options):
            raise ValueError(f"options must be 2 to 4 different answers, got {list(options)!r}.")
        old = self.questions.get(name)
        question = Question(text, tuple(options))
        if old is not None and old.options == question.options:
            question.vote = old.vote
        self.questions[name] = question
        _show(question_text(question), self.buttons(question))

    def buttons(self, question: Question) -> Any:
        """Build the row of buttons and the line that says which vote stands.

        The buttons are native ones: Tab reaches them, Space or Enter presses them.
        """
        import ipywidgets as widgets

        choice = widgets.ToggleButtons(
            options=[(letter(i), i) for i in range(len(question.options))],
            value=question.vote,
            description="Your vote",
            tooltips=list(question.options),
            # Read aloud, so without the marks of Markdown.
            tooltip=f"Your vote on: {re.sub(r'[*`$]', '', question.text)}",
            style={"button_width": "4em"},
        )
        said = widgets.HTML(html.escape(vote_text(question)))

        def keep(change: Mapping[str, Any]) -> None:
            question.vote = change["new"]
            said.value = html.escape(vote_text(question))

        choice.observe(keep, names="value")
        return widgets.VBox([choice, said])

    def reveal(self, name: str, measured: str, right: int, why: Mapping[int, str]) -> None:
        """Show the vote beside the measurement, and why a tempting option is wrong.

        Args:
            name: the name under which the question was asked.
            measured: what was measured, in Markdown; write its numbers from variables.
            right: the place of the right option, counted from 0.
            why: for wrong options, by place, one sentence on why it tempts and fails.

        Raises:
            ValueError: there is no such question or option, or ``why`` speaks against ``right``.
        """
        question = self._asked(name, right, why)
        text = answer_text(question, measured, right, why)
        if question.vote is None:
            text = f"<details><summary>The answer</summary>\n\n{text}\n\n</details>"
        _show(text)

    def _asked(self, name: str, right: int, why: Mapping[int, str]) -> Question:
        if name not in self.questions:
            raise ValueError(
                f"No question {name!r} was asked in this kernel: run the cell with "
                f"predict({name!r}, ...) first."
            )
        question = self.questions[name]
        places = range(len(question.options))
        if right not in places or any(i not in places for i in why):
            raise ValueError(f"right and why must name options 0 to {len(places) - 1}.")
        if right in why or not why:
            raise ValueError(
                "why must hold a reason against a wrong option, and none against the right."
            )
        return question


predict = Predict()
