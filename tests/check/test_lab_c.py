"""The checks of lab C take right answers however they are written, and name what is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from camkit import weak
from camkit.check import lab_c


def by_sorting(decisions: Any, negative: Any, met: Any, count: int) -> Any:
    left = [i for i in range(len(decisions)) if negative[i] and i not in set(met.tolist())]
    return sorted(left, key=lambda i: -decisions[i])[:count]


def by_masking(decisions: Any, negative: Any, met: Any, count: int) -> Any:
    scores = np.where(negative, decisions, -np.inf)
    scores[met] = -np.inf
    return np.argsort(-scores)[:count]


@pytest.mark.parametrize("right", [by_sorting, by_masking, weak.hardest])
def test_hard_negatives_pass(right: Any) -> None:
    assert lab_c.hardest(right).passed, lab_c.hardest(right)


@pytest.mark.parametrize("wrong", lab_c.HARDEST.wrong, ids=lambda w: w.name)
def test_other_negatives_get_their_own_word(wrong: Any) -> None:
    verdict = lab_c.hardest(wrong.answer)
    assert verdict.kind == "wrong values"
    assert verdict.advice == wrong.advice


def test_order_and_count_of_hard_negatives_matter() -> None:
    turned = lab_c.hardest(lambda *g: by_masking(*g)[::-1])
    assert turned.kind == "wrong values"
    assert "not the hardest first" in turned.message
    assert lab_c.hardest(lambda *g: by_masking(*g)[:-1]).kind == "wrong shape"
    assert lab_c.hardest(lambda *g: None).kind == "not attempted yet"


def by_counting(found: Any, words: Any) -> Any:
    hits = np.count_nonzero(found[words])
    return hits / np.count_nonzero(found), hits / np.count_nonzero(words)


@pytest.mark.parametrize("right", [by_counting, lambda f, w: np.array([w[f].mean(), f[w].mean()])])
def test_shares_pass(right: Any) -> None:
    assert lab_c.precision_recall(right).passed, lab_c.precision_recall(right)


@pytest.mark.parametrize("wrong", lab_c.PRECISION_RECALL.wrong, ids=lambda w: w.name)
def test_other_shares_get_their_own_word(wrong: Any) -> None:
    verdict = lab_c.precision_recall(wrong.answer)
    assert verdict.kind == "wrong values"
    assert verdict.advice == wrong.advice


def test_one_share_is_not_two() -> None:
    assert lab_c.precision_recall(lambda f, w: by_counting(f, w)[0]).kind == "wrong type"


def by_loops(f: Any, units: Any, words: Any, bias: Any, bag: Any, a: int) -> Any:
    m = torch.zeros(f.shape[1:], dtype=f.dtype)
    for k in range(len(f)):
        m += units[a, k] * f[k]
    return m.numpy(), float(bias[a]) + sum(float(words[a, v]) for v in range(len(bag)) if bag[v])


@pytest.mark.parametrize("right", [by_loops, lab_c._map_and_offset])
def test_maps_and_offsets_pass(right: Any) -> None:
    assert lab_c.map_and_offset(right).passed, lab_c.map_and_offset(right)


@pytest.mark.parametrize("wrong", lab_c.MAP_AND_OFFSET.wrong, ids=lambda w: w.name)
def test_other_maps_and_offsets_get_their_own_word(wrong: Any) -> None:
    verdict = lab_c.map_and_offset(wrong.answer)
    assert verdict.kind == "wrong values"
    assert verdict.advice == wrong.advice


def test_a_map_alone_is_not_enough() -> None:
    alone = lab_c.map_and_offset(lambda *g: by_loops(*g)[0])
    assert alone.kind == "wrong type"
    turned = lab_c.map_and_offset(lambda *g: (by_loops(*g)[0].T, by_loops(*g)[1]))
    assert turned.kind == "wrong shape"


def test_the_hidden_answers_keep_the_identity() -> None:
    for f, units, words, bias, bag, a in lab_c._asked():
        m, offset = lab_c._map_and_offset(f, units, words, bias, bag, a)
        score = units[a] @ f.mean(dim=(1, 2)) + words[a] @ bag + bias[a]
        assert torch.isclose(m.mean() + offset, score)
