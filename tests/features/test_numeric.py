from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from typed_frames import TASKS, schema_of

from automl.data.table import Kind
from automl.features.matrix import Matrix, Needs
from automl.features.numeric import Filling
from automl.features.pipeline import Features, fit_features
from automl.features.scale import Scaling


def fitted(needs: Needs, **columns: object) -> tuple[Features, Matrix]:
    frame = pd.DataFrame(columns).astype(np.float64)
    schema = schema_of(**dict.fromkeys(columns, Kind.NUMERIC))
    return fit_features(frame, np.arange(len(frame)) * 1.0, schema, TASKS["regression"], needs, random_state=0)


def test_constants_duplicates_and_mostly_missing_columns_are_dropped() -> None:
    x = np.arange(400.0)
    rare = np.full(400, np.nan)
    rare[0] = 1
    gone = np.where(x < 200, np.nan, 7)
    _, matrix = fitted(Needs(), x=x, one=np.ones(400), again=x, rare=rare, gone=gone)
    assert matrix.names == ("x", "gone")


def test_the_median_fills_and_an_indicator_tells() -> None:
    x = np.array([1.0, 2.0, 9.0, np.nan, np.nan, 3.0])
    features, matrix = fitted(Needs("impute"), x=x, y=np.arange(6.0))
    assert matrix.names == ("x", "y", "missing(x)")
    assert matrix.dense[:, 0].tolist() == [1, 2, 9, 2, 2, 3]
    assert matrix.dense[:, 2].tolist() == [0, 0, 0, 1, 1, 0]
    assert features.transform(pd.DataFrame({"x": [5.0], "y": [np.nan]})).dense.tolist() == [[5, 2, 0]]


def test_columns_missing_together_share_an_indicator() -> None:
    gaps = np.array([[1, np.nan, np.nan], [2, 1, 5], [3, 0, 7]])
    filling = Filling.fit(gaps)
    assert filling.names(("a", "b", "c")) == ("a", "b", "c", "missing(b)")


def test_far_whole_numbers_stay_apart_in_float32() -> None:
    days = np.array([20140301, 20140302, 20140303, 20151231])
    _, matrix = fitted(Needs(), day=days)
    assert matrix.dense[:, 0].tolist() == [0, 1, 2, 10930]


def test_large_numbers_that_begin_near_0_stay_what_they_are() -> None:
    """A quotient of two such columns is to be theirs."""
    _, matrix = fitted(Needs(), revenue=[2.0e7, 4.0e7, 9.0e8, 0.0])
    assert matrix.dense[:, 0].tolist() == [2.0e7, 4.0e7, 9.0e8, 0.0]


def test_values_beyond_float32_are_cut_off() -> None:
    features, _ = fitted(Needs(), x=[0.0, 1e300, -1e300])
    assert np.isfinite(features.transform(pd.DataFrame({"x": [1e308, -1e308]})).dense).all()


@pytest.mark.parametrize("method", ["standard", "robust", "quantile"])
def test_zeros_and_ones_are_not_scaled(method: str) -> None:
    generator = np.random.default_rng(0)
    values = np.stack([generator.integers(0, 2, 50), generator.normal(5, 3, 50)], axis=1).astype(np.float64)
    scaled = Scaling.fit(values, method)(values)  # type: ignore[arg-type]
    np.testing.assert_array_equal(scaled[:, 0], values[:, 0])
    assert abs(np.median(scaled[:, 1])) < 0.3


def test_standard_is_mean_0_and_deviation_1() -> None:
    values = np.random.default_rng(0).normal(50, 7, (200, 2))
    scaled = Scaling.fit(values, "standard")(values)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(scaled.std(axis=0), 1)


def test_robust_ignores_outliers_and_stays_within_3() -> None:
    values = np.append(np.arange(101.0), 1e12)[:, None]
    scaled = Scaling.fit(values, "robust")(values)[:, 0]
    assert scaled[50] == pytest.approx(0, abs=0.02)
    assert 0.4 < scaled[75] < 0.6
    assert scaled[-1] == pytest.approx(3)


def test_quantile_is_normal_for_any_distribution() -> None:
    values = np.exp(np.random.default_rng(0).normal(size=(5000, 1)) * 4)
    scaling = Scaling.fit(values, "quantile")
    scaled = np.sort(scaling(values)[:, 0])
    np.testing.assert_allclose(np.quantile(scaled, [0.1, 0.5, 0.9]), [-1.28155, 0, 1.28155], atol=0.02)
    assert np.abs(scaling(np.array([[0.0], [1e30]]))).max() < 5


def test_quantile_gives_ties_their_mean_rank() -> None:
    values = np.array([0.0] * 90 + list(range(1, 11)))[:, None]
    scaled = Scaling.fit(values, "quantile")(values)[:, 0]
    assert len(set(scaled[:90].tolist())) == 1
    assert (np.diff(scaled[89:]) > 0).all()


def test_a_column_without_spread_becomes_0() -> None:
    values = np.full((10, 1), 7.0)
    for method in ("standard", "robust"):
        assert not Scaling.fit(values, method)(values).any()  # type: ignore[arg-type]
