"""A family on the logarithm of the target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.data.table import ProblemType
from automl.evaluation.regression import poisson_deviance
from automl.features.matrix import Matrix
from automl.models.base import Family, FitContext, FoldData, Model, Progress, Shape
from automl.models.registry import FAMILIES, get_family
from automl.models.transformed import Amounts, fit, load, skewed

ROWS = 600
Trained = Callable[..., tuple[Model, list[Progress]]]


def fold() -> tuple[FoldData, Shape]:
    """Amounts that are an exponential of the column."""
    generator = np.random.default_rng(0)
    values = generator.uniform(0, 8, size=(ROWS, 1)).astype(np.float32)
    y = np.exp(values[:, 0].astype(float)) * generator.lognormal(0, 0.1, ROWS)
    half = ROWS // 2
    train, valid = (Matrix(part, ("x",)) for part in (values[:half], values[half:]))
    return FoldData(train, y[:half], valid, y[half:]), Shape(ProblemType.REGRESSION, ROWS, 1, skewed=skewed(y))


@pytest.mark.parametrize("name", ["lightgbm", "catboost", "xgboost", "linear", "random_forest"])
def test_any_family_learns_logarithms(name: str, tmp_path: Path) -> None:
    data, shape = fold()
    family = get_family(name)
    training = fit(family, data, family.portfolio(shape)[0], FitContext(shape, rungs=(0.5,)), log=True)
    reports = []
    while True:
        try:
            reports.append(next(training))
        except StopIteration as end:
            model = end.value
            break
    prediction = model.predict(data.X_valid)
    assert np.median(np.abs(np.log(prediction / data.y_valid.astype(float)))) < 0.3
    assert all(report.prediction.max() > 100 for report in reports)  # in the target's own unit
    assert data.y_train.min() <= prediction.min()
    assert prediction.max() <= data.y_train.max() * (1 + 1e-9)
    model.save(tmp_path)
    np.testing.assert_array_equal(load(family, tmp_path).predict(data.X_valid), prediction)


def test_a_plain_target_is_left_alone(tmp_path: Path) -> None:
    data, shape = fold()
    family = get_family("linear")
    with pytest.raises(StopIteration) as end:
        next(fit(family, data, family.portfolio(shape)[0], FitContext(shape), log=False))
    end.value.value.save(tmp_path)
    assert not (tmp_path / "target.json").exists()


@given(st.lists(st.floats(0, 1e12), min_size=2, max_size=30))
def test_there_and_back(values: list[float]) -> None:
    y = np.array(values)
    amounts = Amounts(y.min(), y.max())
    np.testing.assert_allclose(amounts.restore(np.log1p(y)), y, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("power", [1.0, 1.5])
@pytest.mark.parametrize("family", [each for each in FAMILIES if each.deviances], ids=lambda family: family.name)
def test_a_deviance_is_minimised_by_means(family: Family, power: float, tmp_path: Path, trained: Trained) -> None:
    generator = np.random.default_rng(0)
    X = generator.uniform(0, 4, size=(2 * ROWS, 1)).astype(np.float32)
    means = np.exp(X[:, 0].astype(float)) / 4
    y = generator.poisson(means).astype(float)  # many are 0
    train, valid = (Matrix(part, ("x",)) for part in (X[:ROWS], X[ROWS:]))
    data = FoldData(train, y[:ROWS], valid, y[ROWS:])
    context = FitContext(Shape(ProblemType.REGRESSION, ROWS, 1, skewed=True), power=power, rungs=(0.5,))
    model, reports = trained(fit(family, data, {}, context, log=False))
    prediction = model.predict(valid)
    assert prediction.min() >= 0
    assert prediction.max() <= y[:ROWS].max() * (1 + 1e-9)
    for each in (prediction, *(report.prediction for report in reports)):
        assert poisson_deviance(y[ROWS:], each) < 1.4 * poisson_deviance(y[ROWS:], means[ROWS:])
        assert abs(each.mean() / means[ROWS:].mean() - 1) < 0.2
    model.save(tmp_path)
    model.save_for_few_rows(tmp_path)
    loaded = load(family, tmp_path)
    np.testing.assert_array_equal(loaded.predict(valid), prediction)
    few = replace(valid, values=valid.values[:5])
    np.testing.assert_array_equal(loaded.predict(few), prediction[:5])


@pytest.mark.parametrize("means", [False, True])
def test_the_mean_of_an_amount_lies_above_that_of_its_logarithm(means: bool, tmp_path: Path, trained: Trained) -> None:
    generator = np.random.default_rng(0)
    X = generator.uniform(0, 2, size=(2_000, 1)).astype(np.float32)
    y = np.exp(X[:, 0] + generator.normal(0, 1, len(X)))  # their mean is exp(x + 0.5)
    data = FoldData(Matrix(X[:1000], ("x",)), y[:1000], Matrix(X[1000:], ("x",)), y[1000:])
    shape = Shape(ProblemType.REGRESSION, 1_000, 1, skewed=True)
    model, _ = trained(fit(get_family("linear"), data, {}, FitContext(shape), log=True, means=means))
    predicted = model.predict(data.X_valid)
    assert bool(abs(predicted.mean() / y[1000:].mean() - 1) < 0.01) is means
    error = np.sqrt(np.mean((predicted - np.exp(X[1000:, 0] + 0.5)) ** 2))
    assert bool(error < 0.6) is means
    model.save(tmp_path)
    np.testing.assert_array_equal(load(get_family("linear"), tmp_path).predict(data.X_valid), predicted)


@pytest.mark.parametrize(("origin", "size"), [(1.7e9, 50.0), (1e12, 1.0), (0.0, 1e-6), (3e-9, 1e-9)])
@pytest.mark.parametrize("name", ["lightgbm", "catboost", "xgboost", "linear"])
def test_targets_that_seven_digits_cannot_hold(
    name: str, origin: float, size: float, tmp_path: Path, trained: Trained
) -> None:
    generator = np.random.default_rng(0)
    X = generator.normal(size=(800, 2)).astype(np.float32)
    z = X[:, 0] + generator.normal(0, 0.1, len(X))
    y = origin + size * z
    data = FoldData(Matrix(X[:600], ("a", "b")), y[:600], Matrix(X[600:], ("a", "b")), y[600:])
    family, shape = get_family(name), Shape(ProblemType.REGRESSION, 600, 2)
    model, reports = trained(fit(family, data, {}, FitContext(shape, rungs=(0.5,)), log=False))
    for each in (model.predict(data.X_valid), *(report.prediction for report in reports)):
        assert np.sqrt(np.mean(((each - origin) / size - z[600:]) ** 2)) < 0.6
    model.save(tmp_path)
    np.testing.assert_array_equal(load(family, tmp_path).predict(data.X_valid), model.predict(data.X_valid))
