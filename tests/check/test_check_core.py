"""The pattern of the exercise checks: one line for everything a learner's function can do."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from camkit.check import Check, Problem, Verdict, Wrong
from camkit.check.core import hidden_cases, tensor, values

AXES = ("row", "column")


def _cases() -> list[tuple[torch.Tensor]]:
    return [(torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]),), (torch.zeros(1, 3),)]


DOUBLE = Check(
    "double",
    _cases,
    lambda answer, x: values(answer, 2 * x, AXES),
    (
        Wrong("squared", lambda x: x * x, "You squared."),
        Wrong("turned", lambda x: 2 * x.T, "You turned it."),
        Wrong("broken", lambda x: x.nonsense, "No one can match a known answer that only fails."),
    ),
)


def test_a_right_answer_passes_and_says_on_how_many_inputs() -> None:
    assert repr(DOUBLE(lambda x: x + x)) == "passed on 2 hidden inputs."
    assert DOUBLE(lambda x: x + x).passed


def _raises_not_implemented(x: torch.Tensor) -> torch.Tensor:
    raise NotImplementedError


@pytest.mark.parametrize(
    "stub", [lambda x: None, lambda x: ..., lambda x: (..., ...), _raises_not_implemented]
)
def test_a_stub_is_not_attempted_yet(stub: object) -> None:
    verdict = DOUBLE(stub)
    assert verdict.kind == "not attempted yet"
    assert verdict.advice == ""
    assert not verdict.passed


def test_an_exception_is_told_in_one_sentence_with_its_line() -> None:
    def attempt(x: torch.Tensor) -> torch.Tensor:
        y = x + 1
        return y @ torch.ones(99, 1)

    verdict = DOUBLE(attempt)
    assert verdict.kind == "error"
    assert "in line 3, `return y @ torch.ones(99, 1)`" in verdict.message
    assert "RuntimeError" in verdict.message
    assert "(given tensors of shape (2, 3))" in verdict.message
    assert "\n" not in verdict.message
    assert verdict.advice == ""


def test_an_exception_inside_a_library_names_the_learners_line() -> None:
    def attempt(x: torch.Tensor) -> np.ndarray:
        return np.linalg.inv(np.zeros((2, 2)))

    assert "in line 2, `return np.linalg.inv" in DOUBLE(attempt).message


def test_a_function_without_python_lines_still_gets_a_sentence() -> None:
    verdict = DOUBLE(torch.linalg.inv)
    assert verdict.kind == "error"
    assert "your function stopped with" in verdict.message


def test_wrong_type_shape_and_values_come_in_this_order() -> None:
    assert repr(DOUBLE(lambda x: "2x")) == (
        "wrong type: the answer must be a tensor (or an array), not a str."
    )
    assert DOUBLE(lambda x: x > 0).kind == "wrong type"
    assert DOUBLE(lambda x: x[:, :2]).message == "the answer should be (2, 3), got (2, 2)."
    off = DOUBLE(lambda x: 2 * x + 0.31 * (x == 1))
    assert off.message == "largest difference 0.31 at row 0, column 0: expected 2, got 2.31."
    assert DOUBLE(lambda x: 2 * x / x.sum()).kind == "wrong values"
    assert DOUBLE(lambda x: x / 0).message == "the answer holds NaN or infinity."


def test_the_place_is_the_one_with_the_largest_difference() -> None:
    def attempt(x: torch.Tensor) -> torch.Tensor:
        y = 2 * x
        y[0, 1] += 0.1
        y[-1, 2] -= 0.5
        return y

    assert "0.5 at row 1, column 2: expected 12, got 11.5" in DOUBLE(attempt).message


def test_none_after_a_right_first_answer_is_not_a_stub() -> None:
    verdict = DOUBLE(lambda x: 2 * x if x.any() else None)
    assert (verdict.kind, verdict.message) == (
        "wrong type",
        "the answer must be a tensor (or an array), not nothing (None).",
    )


def test_a_changed_argument_is_noticed_even_when_the_answer_is_right() -> None:
    def attempt(x: torch.Tensor) -> torch.Tensor:
        x *= 2
        return x

    verdict = DOUBLE(attempt)
    assert verdict.kind == "input changed"
    assert "clone" in verdict.advice


def test_the_learner_cannot_change_the_hidden_input_of_the_judge() -> None:
    def attempt(x: torch.Tensor) -> torch.Tensor:
        x.zero_()
        return x

    assert DOUBLE(attempt).kind == "input changed"


def test_a_known_wrong_answer_gets_its_advice_and_an_unknown_one_none() -> None:
    assert DOUBLE(lambda x: x**2).advice == "You squared."
    assert DOUBLE(lambda x: (x + x).T).advice == "You turned it."
    assert DOUBLE(lambda x: 3 * x).advice == ""


def test_a_wrong_answer_that_only_looks_known_on_one_input_gets_no_advice() -> None:
    verdict = DOUBLE(lambda x: x**2 if len(x) == 2 else x + 1)
    assert verdict.kind == "wrong values"
    assert verdict.advice == ""


def test_a_function_that_always_fails_is_not_taken_for_a_known_answer() -> None:
    assert DOUBLE(lambda x: x.no_such_thing).advice == ""


def test_a_result_instead_of_a_function_is_said() -> None:
    assert DOUBLE(torch.ones(2)).message == "give me the function double, not its result."


def test_an_answer_the_judge_stumbles_over_ends_in_a_sentence() -> None:
    def judge(answer: object, x: torch.Tensor) -> Problem | None:
        raise KeyError("odd")

    assert Check("f", _cases, judge)(lambda x: x).kind == "wrong type"


def test_html_tells_by_words_and_signs_and_escapes_the_learners_text() -> None:
    page = Verdict("error", "your function stopped with <b>&", "Try x < y.")._repr_html_()
    assert "<strong>error</strong>" in page
    assert "✗" in page
    assert "&lt;b&gt;&amp;" in page
    assert "x &lt; y" in page
    assert 'role="status"' in page
    assert "✓" in Verdict("passed", "on 1 hidden input.")._repr_html_()
    assert "○" in Verdict("not attempted yet", "replace the dots.")._repr_html_()


def test_a_wrong_answer_that_is_nothing_for_some_inputs_is_known_again() -> None:
    """None, where a map has no box, hid the advice: it was never like another None."""

    def positive(x: torch.Tensor) -> torch.Tensor | None:
        return x + 1 if x.sum() > 0 else None

    def judge(answer: object, x: torch.Tensor) -> Problem | None:
        return values(answer, x) if x.sum() > 0 else None

    known = Wrong("one more", positive, "Take one away.")
    check = Check("f", lambda: [(torch.ones(2),), (-torch.ones(2),)], judge, (known,))
    assert check(lambda x: x + 1 if (x > 0).any() else None).advice == "Take one away."
    assert check(lambda x: x + 1).advice == ""


def test_a_wrong_answer_is_known_again_as_a_tuple_or_as_an_array() -> None:
    known = Wrong("twice", lambda x: (2.0, 4.0), "Halve it.")
    check = Check(
        "f", lambda: [(torch.ones(1),)], lambda a, x: Problem("wrong values", "no"), (known,)
    )
    for answer in ([2, 4], np.array([2.0, 4.0]), (torch.tensor(2), 4)):
        assert check(lambda x, answer=answer: answer).advice == "Halve it."
    assert check(lambda x: (2.0, 5.0)).advice == ""
    assert check(lambda x: ()).advice == ""


def test_answers_of_every_numeric_kind_are_read() -> None:
    for answer in (np.float32(2), 2, 2.0, torch.tensor(2, dtype=torch.int64), np.array(2.0)):
        assert torch.equal(tensor(answer), torch.tensor(2.0, dtype=torch.float64))  # type: ignore[arg-type]
    grad = torch.ones(2, requires_grad=True) * 2
    assert isinstance(tensor(grad), torch.Tensor)
    for answer in (True, "2", [2], 2j, np.array(["a"])):
        if isinstance(answer, np.ndarray):
            with pytest.raises(TypeError):
                tensor(answer)
        else:
            assert isinstance(tensor(answer), Problem)


def test_hidden_inputs_are_those_the_lessons_ask_for() -> None:
    cases = hidden_cases(seed=1)
    shapes = [(f.shape, w.shape) for f, w, _ in cases]
    assert {f[0] for f, _ in shapes} == {1, 3}
    assert any(f[1] != w[0] and f[2] != f[3] for f, w in shapes)
    assert any(f[1] == w[0] for f, w in shapes)
    assert {f.dtype for f, _, _ in cases} == {torch.float32, torch.float64}
    assert all((f < 0).any() and (w < 0).any() for f, w, _ in cases)
