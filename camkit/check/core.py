"""The pattern of every exercise check: hidden inputs, one clear line, never a traceback."""

from __future__ import annotations

import copy
import html
import linecache
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

STUB = "replace the dots and run both cells again."
_SIGNS = {"passed": "✓", "not attempted yet": "○"}
_COLOURS = {"passed": "#1b6e3c", "not attempted yet": "#4a5568"}


@dataclass(frozen=True, repr=False)
class Verdict:
    """What a check found: ``kind`` in two or three words, ``message`` in one sentence, ``advice``.

    ``kind`` is one of ``passed``, ``not attempted yet``, ``error``, ``wrong type``,
    ``wrong shape``, ``wrong values`` and ``input changed``.

    >>> Verdict("wrong shape", "expected (2, 3), got (3, 2).", "Are rows and columns swapped?")
    wrong shape: expected (2, 3), got (3, 2).
    Are rows and columns swapped?
    """

    kind: str
    message: str
    advice: str = ""

    @property
    def passed(self) -> bool:
        """Whether the learner's function did all that was asked."""
        return self.kind == "passed"

    def __repr__(self) -> str:
        between = " " if self.passed else ": "
        return f"{self.kind}{between}{self.message}" + (f"\n{self.advice}" if self.advice else "")

    def _repr_html_(self) -> str:
        sign, colour = _SIGNS.get(self.kind, "✗"), _COLOURS.get(self.kind, "#9b2c2c")
        between = " " if self.passed else ": "
        advice = f"<br>{html.escape(self.advice)}" if self.advice else ""
        return (
            f'<div role="status" style="border-left:4px solid {colour};padding:.3em .8em">'
            f'<span aria-hidden="true" style="color:{colour};font-weight:700">{sign}</span> '
            f"<strong>{self.kind}</strong>{between}{html.escape(self.message)}{advice}</div>"
        )


@dataclass(frozen=True)
class Problem:
    """Why one answer is not accepted; a judge returns it, or None when all is well."""

    kind: str
    message: str
    advice: str = ""


@dataclass(frozen=True)
class Wrong:
    """A known wrong answer: a function that gives it, and what to tell whoever wrote it."""

    name: str
    answer: Callable[..., Any]
    advice: str


@dataclass(frozen=True)
class Check:
    """Run a learner's function on hidden inputs and say one thing about it.

    Arguments: ``name`` of the function asked for; ``cases()``, a list of argument tuples;
    ``judge(answer, *case)``, which returns a :class:`Problem` or None; ``wrong``, the known wrong
    answers in the order in which they are tried. Calling the check with a function returns a
    :class:`Verdict`; whatever the function does, no exception leaves the check.

    >>> import torch
    >>> twice = Check("twice", lambda: [(torch.arange(3.0),)], lambda y, x: values(y, 2 * x),
    ...               (Wrong("square", lambda x: x ** 2, "You squared; the task is to double."),))
    >>> twice(lambda x: x + x)
    passed on 1 hidden input.
    >>> twice(lambda x: x * x)
    wrong values: largest difference 1 at place 1: expected 2, got 1.
    You squared; the task is to double.
    """

    name: str
    cases: Callable[[], Sequence[tuple[Any, ...]]]
    judge: Callable[..., Problem | None]
    wrong: tuple[Wrong, ...] = ()

    def __call__(self, attempt: Any) -> Verdict:
        if not callable(attempt):
            return Verdict("wrong type", f"give me the function {self.name}, not its result.")
        cases = self.cases()
        for number, case in enumerate(cases):
            problem = self._problem(attempt, case, first=number == 0)
            if problem is not None:
                advice = self._advice(attempt, cases) or problem.advice
                if problem.kind == "not attempted yet":
                    advice = ""
                return Verdict(problem.kind, problem.message, advice)
        return Verdict("passed", f"on {len(cases)} hidden input{'s' if len(cases) > 1 else ''}.")

    def _problem(
        self, attempt: Callable[..., Any], case: tuple[Any, ...], *, first: bool
    ) -> Problem | None:
        """What is wrong with the attempt on one case."""
        given = copy.deepcopy(case)
        try:
            answer = attempt(*given)
        except NotImplementedError:
            return Problem("not attempted yet", STUB)
        except Exception as error:
            return Problem("error", _told(error, attempt, case))
        parts = answer if isinstance(answer, tuple) and answer else (answer,)
        if first and all(part is None or part is Ellipsis for part in parts):
            return Problem("not attempted yet", STUB)
        if not all(_same(a, b) for a, b in zip(given, case, strict=True)):
            return Problem(
                "input changed",
                f"{self.name} must leave its arguments as they were.",
                "Work on a copy: x = x.clone(), and no += on an argument.",
            )
        try:
            return self.judge(answer, *case)
        except Exception as error:  # an answer so odd that the judge itself stumbles over it
            return Problem("wrong type", f"the answer cannot be read ({_first_line(error)}).")

    def _advice(self, attempt: Callable[..., Any], cases: Sequence[tuple[Any, ...]]) -> str:
        """The advice of the first known wrong answer that the attempt equals on every case."""
        tried = [_outcome(attempt, case) for case in cases]
        for wrong in self.wrong:
            known = [_outcome(wrong.answer, case) for case in cases]
            told_apart = any(kind == "answer" for kind, _ in known)
            if told_apart and all(_alike(a, b) for a, b in zip(tried, known, strict=True)):
                return wrong.advice
        return ""


def tensor(answer: Any, of: str = "the answer") -> torch.Tensor | Problem:
    """Read a tensor, an array or a number as a float64 tensor; a Problem for anything else.

    >>> tensor(np.ones(2, dtype=np.float32))
    tensor([1., 1.], dtype=torch.float64)
    """
    if isinstance(answer, torch.Tensor):
        read = answer.detach().cpu()
    elif isinstance(answer, (np.ndarray, np.number, int, float)) and not isinstance(answer, bool):
        read = torch.as_tensor(np.asarray(answer).copy())  # some views torch cannot read
    else:
        came = "nothing (None)" if answer is None else f"a {type(answer).__name__}"
        return Problem("wrong type", f"{of} must be a tensor (or an array), not {came}.")
    if read.is_complex() or read.dtype == torch.bool:
        return Problem("wrong type", f"{of} must hold real numbers, not {read.dtype}.")
    return read.double()


def values(
    answer: Any,
    expected: torch.Tensor,
    axes: tuple[str, ...] = (),
    tolerance: float = 1e-5,
    of: str = "the answer",
) -> Problem | None:
    """Compare an answer with what is expected: type, then shape, then values.

    Arguments: ``axes``, a name for each axis of ``expected``; ``tolerance``, the largest
    difference allowed, as a share of the largest expected value (or of 1, if that is larger).

    >>> values(torch.zeros(2, 2), torch.eye(2), ("row", "column")).message
    'largest difference 1 at row 0, column 0: expected 1, got 0.'
    """
    read = tensor(answer, of)
    if isinstance(read, Problem):
        return read
    if read.shape != expected.shape:
        return Problem(
            "wrong shape", f"{of} should be {tuple(expected.shape)}, got {tuple(read.shape)}."
        )
    if not torch.isfinite(read).all():
        return Problem("wrong values", f"{of} holds NaN or infinity.")
    expected = expected.double()
    gap = (read - expected).abs()
    if gap.numel() == 0 or gap.max() <= tolerance * max(1.0, expected.abs().max().item()):
        return None
    at = tuple(int(i) for i in np.unravel_index(int(gap.argmax()), gap.shape))
    where = f" at {place(at, axes)}" if at else ""
    return Problem(
        "wrong values",
        f"largest difference {gap.max().item():.3g}{where}: "
        f"expected {expected[at].item():.3g}, got {read[at].item():.3g}.",
    )


def place(at: Sequence[int], axes: Sequence[str] = ()) -> str:
    """Say in words where an entry stands.

    >>> place((0, 4, 9), ("class", "row", "column"))
    'class 0, row 4, column 9'
    """
    if len(axes) == len(at):
        return ", ".join(f"{axis} {i}" for axis, i in zip(axes, at, strict=True))
    return f"place {at[0] if len(at) == 1 else tuple(at)}"


def _told(error: Exception, attempt: Callable[..., Any], case: tuple[Any, ...]) -> str:
    """An exception in one sentence, with the learner's line where there is one."""
    code = getattr(attempt, "__code__", None)
    line, trace = "", error.__traceback__
    while trace is not None:
        if code is not None and trace.tb_frame.f_code.co_filename == code.co_filename:
            text = linecache.getline(code.co_filename, trace.tb_lineno).strip()
            number = trace.tb_lineno - code.co_firstlineno + 1
            line = f" in line {number}" + (f", `{text}`" if text else "")
        trace = trace.tb_next
    sizes = ", ".join(str(tuple(x.shape)) for x in case if isinstance(x, torch.Tensor))
    given = f" (given tensors of shape {sizes})" if sizes else ""
    return f"your function stopped{line} with {type(error).__name__}: {_first_line(error)}{given}."


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else "no message"


def _same(a: Any, b: Any) -> bool:
    """Whether an argument is what it was before the call."""
    if isinstance(a, torch.Tensor):
        return a.shape == b.shape and torch.equal(a, b)
    if isinstance(a, np.ndarray):
        return np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    return bool(a == b)


def _outcome(function: Callable[..., Any], case: tuple[Any, ...]) -> tuple[str, Any]:
    """What a function does: ("answer", its parts), ("nothing", None) or ("error", None)."""
    try:
        answer = function(*copy.deepcopy(case))
    except Exception:
        return "error", None
    if answer is None:
        return "nothing", None
    parts = [tensor(p) for p in (answer if isinstance(answer, (tuple, list)) else (answer,))]
    read = [p for p in parts if not isinstance(p, Problem)]
    if len(read) < len(parts):
        return "answer", None
    # Four numbers, written as a tuple or as an array of four, are the same answer.
    return "answer", [torch.stack(read)] if read and not any(p.ndim for p in read) else read


def _alike(a: tuple[str, Any], b: tuple[str, Any]) -> bool:
    """Whether two outcomes are the same failure, or the same numbers, or nothing both."""
    if a[0] != b[0] or a[0] != "answer":
        return a[0] == b[0]
    if a[1] is None or b[1] is None or len(a[1]) != len(b[1]):
        return False
    return all(
        x.shape == y.shape and torch.allclose(x, y, rtol=1e-4, atol=1e-6, equal_nan=True)
        for x, y in zip(a[1], b[1], strict=True)
    )


def hidden_features(
    seed: int, *, K: int, C: int, h: int, w: int, batch: int, dtype: torch.dtype
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Random features (B, K, h, w), weights (C, K) and bias (C,), negative values among them."""
    draw = torch.Generator().manual_seed(seed)
    shapes = ((batch, K, h, w), (C, K), (C,))
    f, weights, bias = (torch.randn(s, generator=draw, dtype=dtype) for s in shapes)
    return f, weights, bias


def hidden_cases(seed: int) -> list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """The inputs that every map is checked on: K != C, h != w, batches of 1 and 3, then K == C."""
    return [
        hidden_features(seed, K=3, C=5, h=4, w=6, batch=1, dtype=torch.float32),
        hidden_features(seed + 1, K=7, C=2, h=5, w=3, batch=3, dtype=torch.float32),
        hidden_features(seed + 2, K=4, C=3, h=2, w=5, batch=3, dtype=torch.float64),
        hidden_features(seed + 3, K=4, C=4, h=3, w=3, batch=1, dtype=torch.float32),
        hidden_features(seed + 4, K=4, C=4, h=6, w=2, batch=3, dtype=torch.float64),
    ]
