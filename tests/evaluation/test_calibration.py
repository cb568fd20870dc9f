"""Shares beside what was expected of them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from automl.evaluation.calibration import equal_bins, observed, reliability

VALUES = st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]) | st.floats(0, 1), min_size=1, max_size=120)


@settings(max_examples=40)
@given(st.integers(1, 300), st.data())
def test_the_interval_is_wilsons(rows: int, data: st.DataObject) -> None:
    right = data.draw(st.integers(0, rows))
    share = observed(np.arange(rows) < right, 0.5)
    expected = binomtest(right, rows).proportion_ci(0.9, method="wilson")
    np.testing.assert_allclose((share.low, share.high), (expected.low, expected.high), atol=1e-12)
    assert share.low <= share.value <= share.high
    assert (share.value, share.rows) == (right / rows, rows)


def test_weights_count_rows_and_uneven_ones_tell_less() -> None:
    happened = np.arange(200) % 4 == 0
    even, uneven = observed(happened, 0.5, np.full(200, 7.0)), observed(happened, 0.5, np.where(happened, 9.0, 1.0))
    assert even == observed(happened, 0.5)
    assert uneven.value == pytest.approx(9 / 12)
    assert uneven.high - uneven.low > even.high - even.low


@settings(max_examples=40)
@given(VALUES, st.integers(1, 12))
def test_bins_part_the_rows_in_order_and_keep_equal_values_together(values: list[float], most: int) -> None:
    array = np.array(values)
    bins = equal_bins(array, most=most)
    assert sorted(np.concatenate(bins).tolist()) == list(range(len(values)))
    assert len(bins) <= most
    for one, next_one in pairwise(bins):
        assert array[one].max() < array[next_one].min()


def test_different_values_fill_bins_evenly() -> None:
    assert {len(rows) for rows in equal_bins(np.random.default_rng(0).random(1_000))} == {100}


def test_right_probabilities_err_as_much_as_chance_does() -> None:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(200):
        probability = rng.beta(0.6, 2.0, 400)
        found.append(reliability(probability, rng.random(400) < probability))
    error, by_chance = (np.mean([getattr(each, name) for each in found]) for name in ("error", "by_chance"))
    assert error == pytest.approx(by_chance, rel=0.05)
    covered = [each.low <= each.expected <= each.high for one in found for each in one.bins]
    assert np.mean(covered) == pytest.approx(0.9, abs=0.03)


def test_wrong_probabilities_err_by_how_wrong_they_are() -> None:
    rng = np.random.default_rng(0)
    probability = rng.uniform(0.2, 0.5, 20_000)
    found = reliability(probability + 0.3, rng.random(20_000) < probability)
    assert found.error == pytest.approx(0.3, abs=0.01)
    assert all(each.expected > each.high for each in found.bins)


def test_weights_count_in_bins_and_in_the_error() -> None:
    rng = np.random.default_rng(0)
    probability, happened, weight = rng.random(400), rng.random(400) < 0.4, rng.integers(0, 2, 400) * 9.0 + 1
    found = reliability(probability, happened, weight)
    bins = equal_bins(probability, weight)
    assert [weight[rows].sum() / weight.sum() for rows in bins] == pytest.approx([0.1] * 10, abs=0.01)
    surplus = [abs(weight[rows] @ (happened - probability)[rows]) for rows in bins]
    assert found.error == pytest.approx(sum(surplus) / weight.sum())
    assert found.by_chance > reliability(probability, happened).by_chance
