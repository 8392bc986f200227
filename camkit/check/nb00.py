"""The check of notebook 00, start here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from camkit.check.core import Check, Problem, Verdict, Wrong, hidden_cases, tensor


def _peak(heat: Tensor) -> tuple[int, int]:
    """Row and column of the largest cell of a map (h, w)."""
    row, column = divmod(int(heat.argmax()), heat.shape[1])
    return row, column


def _is_peak(answer: Any, heat: Tensor) -> Problem | None:
    """Accept (row, column) of the largest cell: a pair of numbers, a tensor or an array."""
    row, column = _peak(heat)
    if isinstance(answer, (tuple, list)):
        parts = [tensor(part) for part in answer]
        numbers = [part for part in parts if isinstance(part, Tensor) and part.numel() == 1]
        whole = len(numbers) == len(parts) and parts
        answer = torch.cat([n.flatten() for n in numbers]) if whole else None
    read = tensor(answer)
    if isinstance(read, Problem):
        return Problem(read.kind, "the answer must be a pair (row, column), two whole numbers.")
    if read.shape != (2,):
        return Problem(
            "wrong shape",
            "the answer must be a pair (row, column), two whole numbers; "
            f"got {'one number' if read.numel() == 1 else f'the shape {tuple(read.shape)}'}.",
        )
    if read.tolist() == [row, column]:
        return None
    got = ", ".join(f"{part:g}" for part in read.tolist())
    return Problem(
        "wrong values",
        f"in a map of {heat.shape[0]} rows and {heat.shape[1]} columns the largest cell stands at "
        f"({row}, {column}), got ({got}).",
    )


HOTTEST_CELL = Check(
    "hottest_cell",
    lambda: (
        [(features[0, 0],) for features, _, _ in hidden_cases(seed=1)]
        # Every cell speaks against the class: the largest is still the one nearest to zero.
        + [(-1 - hidden_cases(seed=9)[0][0][0, 1].abs(),)]
    ),
    _is_peak,
    (
        Wrong(
            "row and column exchanged",
            lambda heat: _peak(heat)[::-1],
            "Row before column: the first axis of a map runs down, the second across.",
        ),
        Wrong(
            "counted through",
            lambda heat: int(heat.argmax()),
            "argmax counts the cells row by row. Turn its number n into row and column: with w "
            "columns they are n // w and n % w.",
        ),
        Wrong(
            "divided by the rows",
            lambda heat: divmod(int(heat.argmax()), heat.shape[0]),
            "A row holds as many cells as there are columns: divide by heat.shape[1].",
        ),
        Wrong(
            "counted from one",
            lambda heat: tuple(part + 1 for part in _peak(heat)),
            "Rows and columns are counted from 0.",
        ),
        Wrong(
            "largest size",
            lambda heat: _peak(heat.abs()),
            "Look for the largest value, not the largest size: a negative cell speaks against "
            "the class.",
        ),
        Wrong(
            "coldest cell",
            lambda heat: _peak(-heat),
            "That is the coldest cell.",
        ),
    ),
)


def hottest_cell(attempt: Callable[..., Any]) -> Verdict:
    """Check ``hottest_cell(heat)``: a map (h, w) to the row and column of its largest cell.

    >>> hottest_cell(lambda heat: divmod(int(heat.argmax()), heat.shape[1]))
    passed on 6 hidden inputs.
    """
    return HOTTEST_CELL(attempt)
