"""The statistics of a column."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.stats import kurtosis, skew

from automl.data.schema import apply_schema, infer_schema
from automl.data.table import Kind
from automl.profile.columns import histogram, profile_column, summarise
from automl.profile.record import ColumnProfile

NUMBERS = arrays.arrays(np.float64, st.integers(1, 60), elements=st.floats(-1e9, 1e9))


def profile(values: Any, signal: Any = None) -> ColumnProfile:
    frame = pd.DataFrame({"x": values})
    schema = infer_schema(frame)
    return profile_column(schema.columns[0], frame["x"], apply_schema(frame, schema), signal)


@settings(max_examples=60, deadline=None)
@given(NUMBERS)
def test_a_histogram_counts_every_value(values: np.ndarray[Any, Any]) -> None:
    drawn = histogram(values, np.ones(len(values)))
    assert sum(drawn.counts) == len(values)
    assert len(drawn.edges) == len(drawn.counts) + 1
    assert list(drawn.edges) == sorted(set(drawn.edges))
    for count, mean in zip(drawn.counts, drawn.target, strict=True):
        assert (mean is None) == (count == 0)
        assert mean is None or mean == pytest.approx(1)


@given(NUMBERS)
def test_quantiles_rise_from_the_least_to_the_largest(values: np.ndarray[Any, Any]) -> None:
    numbers = summarise(values)
    assert list(numbers.quantiles) == sorted(numbers.quantiles)
    assert (numbers.quantiles[0], numbers.quantiles[-1]) == (values.min(), values.max())
    assert 0 <= numbers.outliers <= len(values)


def test_the_shape_is_that_of_scipy() -> None:
    values = np.random.default_rng(0).lognormal(size=300)
    numbers = summarise(values)
    assert numbers.skew == pytest.approx(skew(values))
    assert numbers.kurtosis == pytest.approx(kurtosis(values))
    assert (summarise(np.full(9, 0.1)).skew, summarise(np.full(9, 0.1)).kurtosis) == (0, 0)


def test_whole_numbers_have_bins_of_equally_many() -> None:
    drawn = histogram(np.repeat(np.arange(17.0, 91.0), 3))
    widths = set(np.diff(drawn.edges).tolist())
    assert widths == {4.0}
    assert drawn.edges[0] == 16.5


def test_categories_are_counted_with_their_target() -> None:
    told = profile(["a"] * 6 + ["b"] * 3 + [None], np.array([1.0] * 3 + [0.0] * 7))
    assert [(each.value, each.count, each.target) for each in told.top] == [("a", 6, 0.5), ("b", 3, 0.0)]
    assert (told.missing, told.distinct, told.kind) == (1, 2, Kind.CATEGORICAL)


def test_numbers_that_stand_for_a_missing_value() -> None:
    draw = np.random.default_rng(0)
    ages, pressure = draw.integers(18, 90, 500).astype(float), draw.integers(60, 110, 500).astype(float)
    rain = np.where(draw.random(500) < 0.9, 0.0, np.round(draw.lognormal(1, 1, 500), 1))
    assert profile(ages).placeholders == ()
    assert profile(rain).placeholders == (), "most days are dry"
    assert profile(np.where(ages > 85, 999, ages)).stray == ("999",), "read as missing"
    assert [each.value for each in profile(np.where(pressure > 108, 0, pressure)).placeholders] == ["0"]
    assert [each.value for each in profile(np.where(draw.random(500) < 0.3, 41.5, ages + 0.25)).placeholders] == [
        "41.5"
    ]


def test_dates_know_whether_the_rows_are_in_their_order() -> None:
    days = pd.Series(pd.date_range("2020-01-01", periods=50).strftime("%d/%m/%Y"))
    assert profile(days).sorted
    assert profile(days[::-1].reset_index(drop=True)).sorted
    assert not profile(days.sample(frac=1, random_state=0).reset_index(drop=True)).sorted
    assert profile(days).numbers is not None


@pytest.mark.parametrize("values", [[None] * 5, ["x"] * 5, [f"A{i}" for i in range(40)], [1.5, None, float("inf")]])
def test_columns_with_little_to_measure(values: list[object]) -> None:
    told = profile(values)
    assert told.missing + sum(each.count for each in told.top) <= len(values)
