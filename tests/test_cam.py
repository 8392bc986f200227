"""The equations, with numbers a reader can redo on paper."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from camkit.cam import (
    class_activation_maps,
    class_indices,
    difference_map,
    sample_maps,
    scores_from_maps,
    share_of_maximum,
    upsample,
)

# Two units, 2 rows x 3 columns, one picture; three classes, a negative weight among them.
FEATURES = torch.tensor([[[[1.0, 2.0, 0.0], [0.0, 3.0, 6.0]], [[4.0, 0.0, 1.0], [1.0, 0.0, 0.0]]]])
WEIGHTS = torch.tensor([[1.0, 0.0], [2.0, -1.0], [-1.0, 3.0]])
BIAS = torch.tensor([0.5, -1.0, 0.0])
MAPS = torch.tensor(
    [
        [
            [[1.0, 2.0, 0.0], [0.0, 3.0, 6.0]],  # f_0
            [[-2.0, 4.0, -1.0], [-1.0, 6.0, 12.0]],  # 2 f_0 - f_1
            [[11.0, -2.0, 3.0], [3.0, -3.0, -6.0]],  # 3 f_1 - f_0
        ]
    ]
)
SCORES = torch.tensor([[12 / 6 + 0.5, 18 / 6 - 1.0, 6 / 6]])


def random_case(seed: int, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor]:
    """Features (B, K, h, w), weights (C, K) and bias (C,) of small sizes, K unlike C."""
    numbers = torch.Generator().manual_seed(seed)
    batch, units, count, height, width = (
        int(torch.randint(1, high, (1,), generator=numbers)) for high in (4, 6, 8, 5, 7)
    )
    return (
        torch.randn(batch, units, height, width, generator=numbers, dtype=dtype),
        torch.randn(count, units, generator=numbers, dtype=dtype),
        torch.randn(count, generator=numbers, dtype=dtype),
    )


# ---------------------------------------------------------------- maps and scores


def test_maps_on_paper() -> None:
    assert torch.equal(class_activation_maps(FEATURES, WEIGHTS), MAPS)


def test_the_mean_of_a_map_and_the_bias_are_the_score() -> None:
    assert torch.equal(scores_from_maps(MAPS, BIAS), SCORES)
    pooled = FEATURES.mean(dim=(2, 3))
    assert torch.equal(pooled @ WEIGHTS.T + BIAS, SCORES)


def test_without_a_bias_the_score_is_the_mean() -> None:
    assert scores_from_maps(MAPS).tolist() == [[2.0, 3.0, 1.0]]


def test_maps_are_neither_clipped_nor_scaled() -> None:
    maps = class_activation_maps(FEATURES, WEIGHTS)
    assert maps.min() == -6
    assert maps.max() == 12


@pytest.mark.parametrize(
    ("classes", "rows"),
    [
        (1, [1]),
        (np.int64(2), [2]),
        (torch.tensor(0), [0]),
        ([2, 0], [2, 0]),
        ((1, 1), [1, 1]),
        (np.array([1]), [1]),
        (range(2), [0, 1]),
        ([torch.tensor(1), np.int32(0)], [1, 0]),
        (None, [0, 1, 2]),
    ],
)
def test_chosen_classes(classes: object, rows: list[int]) -> None:
    maps = class_activation_maps(FEATURES, WEIGHTS, classes)  # type: ignore[arg-type]
    assert torch.equal(maps, MAPS[:, rows])


def test_other_classes_in_every_picture() -> None:
    two = torch.cat([FEATURES, 10 * FEATURES])
    maps = class_activation_maps(two, WEIGHTS, torch.tensor([[0, 2], [1, 0]]))
    assert torch.equal(maps, torch.stack([MAPS[0, [0, 2]], 10 * MAPS[0, [1, 0]]]))


@given(st.integers(0, 10_000))
def test_one_product_equals_the_loop(seed: int) -> None:
    features, weights, _ = random_case(seed)
    batch, units, height, width = features.shape
    loop = torch.zeros(batch, len(weights), height, width, dtype=features.dtype)
    for c in range(len(weights)):
        for k in range(units):
            loop[:, c] += weights[c, k] * features[:, k]
    torch.testing.assert_close(class_activation_maps(features, weights), loop)


@given(st.integers(0, 10_000), st.floats(-3, 3), st.floats(-3, 3))
def test_maps_are_linear_in_the_features_and_in_the_weights(seed: int, a: float, b: float) -> None:
    f, w, _ = random_case(seed)
    g, v = f.flip(0, 2), w.roll(1, 0)
    both = a * class_activation_maps(f, w) + b * class_activation_maps(g, w)
    torch.testing.assert_close(class_activation_maps(a * f + b * g, w), both)
    both = a * class_activation_maps(f, w) + b * class_activation_maps(f, v)
    torch.testing.assert_close(class_activation_maps(f, a * w + b * v), both)


@given(st.integers(0, 10_000))
def test_summing_before_or_after_weighing_is_the_same(seed: int) -> None:
    features, weights, bias = random_case(seed)
    from_maps = scores_from_maps(class_activation_maps(features, weights), bias)
    from_pool = torch.nn.functional.linear(features.mean(dim=(2, 3)), weights, bias)
    torch.testing.assert_close(from_maps, from_pool)


def test_maps_carry_gradients() -> None:
    features = FEATURES.clone().requires_grad_()
    scores_from_maps(class_activation_maps(features, WEIGHTS), BIAS)[0, 1].backward()
    assert features.grad is not None
    # dS_c / df_k = w_k^c / (h w), the same at every place.
    expected = WEIGHTS[1][None, :, None, None].expand_as(features) / 6
    torch.testing.assert_close(features.grad, expected)


# ---------------------------------------------------------------- differences


def test_difference_on_paper() -> None:
    difference, log_odds = difference_map(FEATURES, WEIGHTS, BIAS, 1, 0)
    assert torch.equal(difference, MAPS[:, 1] - MAPS[:, 0])
    assert log_odds.tolist() == [SCORES[0, 1] - SCORES[0, 0]]


@given(st.integers(0, 10_000), st.floats(-5, 5))
def test_a_vector_added_to_every_class_changes_maps_but_no_difference(
    seed: int, size: float
) -> None:
    features, weights, bias = random_case(seed)
    moved = weights + size * torch.arange(1.0, weights.shape[1] + 1, dtype=weights.dtype)
    a, b = 0, len(weights) - 1
    before = difference_map(features, weights, bias, a, b)
    after = difference_map(features, moved, bias, a, b)
    for one, other in zip(before, after, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-11)
    scores = scores_from_maps(class_activation_maps(features, moved), bias)
    logs = scores.log_softmax(dim=1)
    torch.testing.assert_close(after[1], logs[:, a] - logs[:, b], rtol=0, atol=1e-11)


# ---------------------------------------------------------------- other sizes


def test_upsampling_on_paper() -> None:
    # Cell centres at 1/4 and 3/4: columns at 1/8, 3/8, 5/8, 7/8 lie -1/4, 1/4, 3/4, 5/4 between.
    large = upsample(torch.tensor([[[[0.0, 8.0], [4.0, 12.0]]]]), (2, 4))
    assert large.tolist() == [[[[0, 2, 6, 8], [4, 6, 10, 12]]]]


@given(st.integers(0, 10_000), st.integers(1, 23), st.integers(1, 23))
def test_reading_at_pixel_centres_is_upsampling(seed: int, height: int, width: int) -> None:
    maps, _, _ = random_case(seed)
    down, across = (np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width
    torch.testing.assert_close(sample_maps(maps, down, across), upsample(maps, (height, width)))


def test_reading_outside_repeats_the_edge() -> None:
    maps = torch.tensor([[1.0, 5.0]])
    assert sample_maps(maps, np.array([-3.0, 9.0]), np.array([-1.0, 2.0])).tolist() == [[1, 5]] * 2


def test_half_precision_and_integer_maps_are_read_in_single_precision() -> None:
    maps = torch.tensor([[0.0, 1.0]])
    at = np.array([0.5]), np.array([0.4])  # 0.3 of the way from 1/4 to 3/4
    for dtype in (torch.float16, torch.bfloat16, torch.int64):
        read = sample_maps(maps.to(dtype), *at)
        assert read.dtype == torch.float32
        assert read.item() == pytest.approx(0.3, abs=1e-6)


def test_shares_of_the_maximum() -> None:
    maps = torch.tensor([[[[8.0, -4.0]], [[2.0, 1.0]], [[-1.0, -2.0]]]])
    shared = share_of_maximum(maps, shared=True)
    assert shared[0].tolist() == [[[1, -0.5]], [[0.25, 0.125]], [[-0.125, -0.25]]]
    own = share_of_maximum(maps, shared=False)
    assert own[0].tolist() == [[[1, -0.5]], [[1, 0.5]], [[-1, -2]]]  # no positive value: as it was


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize("classes", [3, -1, [0, 3], np.array([[0], [5]])])
def test_a_class_out_of_range_names_the_range(classes: object) -> None:
    with pytest.raises(ValueError, match="out of range; this network has 0 to 2"):
        class_indices(classes, 3, batch=2)  # type: ignore[arg-type]


@pytest.mark.parametrize("classes", [True, [True, 2], [False], 1.0, [0.0], "cat", [None], {1}])
def test_a_class_must_be_an_integer(classes: object) -> None:
    """Also `[True, 2]`, where NumPy reads the True as a 1."""
    with pytest.raises(TypeError, match="classes must be integers from 0 to 2"):
        class_indices(classes, 3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        ([], "classes is empty; give at least one class"),
        ([[0], [1, 2]], "rows of classes must have one length"),
        ([[0, 1]], r"\(n,\) or \(2, n\) for 2 pictures, got \(1, 2\)"),
        (np.zeros((2, 1, 1), int), r"got \(2, 1, 1\)"),
    ],
)
def test_a_list_of_classes_must_fit(classes: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        class_indices(classes, 3, batch=2)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("features", "weights", "words"),
    [
        (FEATURES[0], WEIGHTS, r"features must be \(B, K, h, w\), got \(2, 2, 3\): add a batch"),
        (FEATURES, WEIGHTS[0], r"weights must be \(C, K\), got \(2,\)"),
        (FEATURES, WEIGHTS.T, "transpose them"),
        (FEATURES, torch.zeros(4, 5), "do not fit K = 2 units; they belong to another layer"),
    ],
)
def test_shapes_that_do_not_fit(features: Tensor, weights: Tensor, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        class_activation_maps(features, weights)


def test_arrays_are_not_tensors() -> None:
    with pytest.raises(TypeError, match="features must be a torch tensor, not ndarray"):
        class_activation_maps(FEATURES.numpy(), WEIGHTS)  # type: ignore[arg-type]


def test_a_bias_of_other_classes_is_refused() -> None:
    """A bias (1,) would be added to every class without a word."""
    with pytest.raises(ValueError, match=r"bias must be \(3,\).* got \(1,\)"):
        scores_from_maps(MAPS, BIAS[:1])
    with pytest.raises(ValueError, match=r"maps must be \(B, C, h, w\), got \(3, 2, 3\)"):
        scores_from_maps(MAPS[0], BIAS)
    with pytest.raises(ValueError, match=r"maps must be \(B, n, h, w\)"):
        share_of_maximum(MAPS[0], shared=True)
