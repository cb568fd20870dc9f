"""Laws of prediction intervals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.errors import UsageError
from automl.evaluation.conformal import Residuals


def drawn(rng, rows):
    """Return values whose spread grows with their prediction, and is skewed."""
    prediction = rng.uniform(0, 10, rows)
    return prediction + prediction * (rng.exponential(size=rows) - 1), prediction


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9, 0.95])
@pytest.mark.parametrize("rows", [60, 500, 5000])
def test_new_values_are_covered_as_often_as_promised(coverage, rows):
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(40):
        residuals = Residuals.fit(*drawn(rng, rows))
        y, prediction = drawn(rng, 2000)
        low, high = residuals.interval(prediction, coverage).T
        shares.append(((low <= y) & (y <= high)).mean())
    assert np.mean(shares) == pytest.approx(coverage, abs=0.02)


def test_few_rows_tell_of_errors_up_to_some_coverage():
    """A new value lies within the extremes of n others with probability (n - 1) / (n + 1)."""
    rng = np.random.default_rng(0)
    inside = []
    for _ in range(2000):
        y = rng.normal(size=17)
        residuals = Residuals(np.zeros(1), np.ones(1), np.quantile(y[:16], np.linspace(0, 1, 201)), 16, -np.inf)
        low, high = residuals.interval(np.zeros(1), residuals.most)[0]
        inside.append(low <= y[16] <= high)
        assert residuals.interval(np.zeros(1), 0.99).tolist() == [[low, high]]
    assert residuals.most == 15 / 17
    assert np.mean(inside) == pytest.approx(15 / 17, abs=0.02)


def test_they_are_covered_where_errors_are_small_and_where_they_are_large():
    rng = np.random.default_rng(0)
    residuals = Residuals.fit(*drawn(rng, 20_000))
    y, prediction = drawn(rng, 20_000)
    low, high = residuals.interval(prediction, 0.9).T
    inside = (low <= y) & (y <= high)
    for part in np.array_split(np.argsort(prediction), 8):
        assert inside[part].mean() == pytest.approx(0.9, abs=0.04)
    assert (high - low)[prediction > 9].mean() > 4 * (high - low)[prediction < 1].mean()


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32 - 1), st.integers(1, 700), st.floats(0.01, 0.98))
def test_intervals_hold_the_prediction_and_grow_with_the_coverage(seed, rows, coverage):
    rng = np.random.default_rng(seed)
    residuals = Residuals.fit(*drawn(rng, rows))
    prediction = rng.uniform(-5, 20, 50)
    narrow, wide = residuals.interval(prediction, coverage), residuals.interval(prediction, coverage + 0.01)
    assert (narrow[:, 0] <= prediction).all()
    assert (prediction <= narrow[:, 1]).all()
    assert (wide[:, 0] <= narrow[:, 0]).all()
    assert (narrow[:, 1] <= wide[:, 1]).all()


def test_no_interval_reaches_below_zero_where_no_value_does():
    rng = np.random.default_rng(0)
    prediction = rng.uniform(0, 1, 500)
    y = np.abs(prediction + rng.normal(size=500))
    assert Residuals.fit(y, prediction).interval(prediction, 0.99).min() == 0
    assert Residuals.fit(y - 1, prediction).interval(prediction, 0.99).min() < 0


def test_json_brings_back_the_same_intervals():
    rng = np.random.default_rng(0)
    residuals = Residuals.fit(*drawn(rng, 900))
    prediction = rng.uniform(0, 10, 20)
    again = Residuals.from_json(residuals.to_json())
    assert np.array_equal(again.interval(prediction, 0.9), residuals.interval(prediction, 0.9))


@pytest.mark.parametrize("coverage", [0.0, 1.0, -0.1, 90.0, float("nan"), "0.9", [0.8, 0.9]])
def test_a_coverage_is_a_probability(coverage):
    with pytest.raises(UsageError, match=r"such as 0\.9"):
        Residuals.fit(np.arange(9.0), np.arange(9.0)).interval(np.zeros(1), coverage)


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(2, 90), st.sampled_from([0.5, 0.9]))
def test_weights_are_repeated_rows(seed, rows, coverage):
    """Of few rows: those of many are spread over bins by their number."""
    rng = np.random.default_rng(seed)
    y, prediction = drawn(rng, rows)
    times = rng.integers(1, 4, rows)
    weighted = Residuals.fit(y, prediction, times.astype(float))
    repeated = Residuals.fit(np.repeat(y, times), np.repeat(prediction, times), np.ones(times.sum()))
    if len(repeated.centers) == 1:
        assert weighted.spreads == pytest.approx(repeated.spreads)
        assert weighted.centers == pytest.approx(repeated.centers)
        assert weighted.quantiles == pytest.approx(repeated.quantiles)
    assert 1 <= weighted.rows <= rows
    scaled = Residuals.fit(y, prediction, 7.0 * times)
    assert scaled.interval(prediction, coverage) == pytest.approx(weighted.interval(prediction, coverage))


def test_rows_that_count_more_are_covered():
    """Their errors are three times as large, and their share of the weight is nine tenths."""
    rng = np.random.default_rng(0)
    loud = np.arange(20_000) % 2 == 1
    y, weight = rng.normal(size=20_000) * np.where(loud, 3, 1), np.where(loud, 1.8, 0.2)
    low, high = Residuals.fit(y, np.zeros(20_000), weight).interval(np.zeros(20_000), 0.9).T
    inside = (low <= y) & (y <= high)
    assert np.average(inside, weights=weight) == pytest.approx(0.9, abs=0.01)
    assert inside.mean() > 0.92
