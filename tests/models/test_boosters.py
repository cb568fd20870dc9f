"""What only boosters do: learn faster when the time is short, keep the best round, share binned data."""

import time
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest

from automl.data.table import ProblemType
from automl.deadline import Deadline
from automl.features.matrix import Matrix
from automl.models import boosting
from automl.models.base import FitContext, FoldData, Shape
from automl.models.binned import BinnedCache
from automl.models.registry import get_family

BOOSTERS = ["lightgbm", "xgboost", "catboost"]


def smooth(rows, columns=10, key=""):
    """A function without noise: more rounds always help."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(rows + 1_000, columns)).astype(np.float32)
    y = np.sin(2 * X[:, 0]) * X[:, 1] + np.cos(3 * X[:, 2]) + X[:, 3:].sum(axis=1)
    names = tuple(f"c{column}" for column in range(columns))
    train, valid = (Matrix(X[part].copy(), names, key=key) for part in (slice(rows), slice(rows, None)))
    return FoldData(train, y[:rows], valid, y[rows:]), Shape(ProblemType.REGRESSION, rows, columns)


@pytest.mark.parametrize("name", BOOSTERS)
def test_short_time_is_met_by_longer_steps(name, trained):
    import_module(name)  # which may take longer than the deadline
    data, shape = smooth(20_000)
    context = FitContext(shape, deadline=Deadline.after(0.7))
    model, _ = trained(get_family(name).fit(data, {"learning_rate": 1e-3}, context))
    assert model.details["learning_rate"] > 1e-3
    assert model.details["stopped"] == "deadline"
    assert 1 <= model.details["best_rounds"] <= model.details["rounds"]
    assert np.std(model.predict(data.X_valid) - data.y_valid) < 0.95 * np.std(data.y_valid)


def test_too_many_rows_for_the_time_are_sampled(trained, monkeypatch):
    """Categories, weights and all: CatBoost starts again on a part of them, and is better for it."""
    data, shape = smooth(120_000, columns=20)
    words = np.random.default_rng(0).integers(0, 50, (121_000, 2)).astype(np.float32)
    train, valid = (
        Matrix(np.hstack([X.values, words[rows]]), (*X.names, "k", "l"), categorical=(20, 21), cardinalities=(50, 50))
        for X, rows in ((data.X_train, slice(120_000)), (data.X_valid, slice(120_000, None)))
    )
    weight = np.random.default_rng(0).random(120_000) + 0.5
    data, shape = FoldData(train, data.y_train, valid, data.y_valid, weight), replace(shape, columns=22)
    for clock in ("time", "perf_counter"):
        monkeypatch.setattr(time, clock, time.process_time)  # seconds that other processes do not take away
    errors = []
    for fewest in (10_000, 120_000):
        monkeypatch.setattr(boosting, "FEWEST_ROWS", fewest)
        context = FitContext(shape, deadline=Deadline.after(1.5))
        model, _ = trained(get_family("catboost").fit(data, {"one_hot_max_size": 2}, context))
        errors.append(float(np.std(model.predict(data.X_valid) - data.y_valid)))
        assert model.details["learning_rate"] == 0.3
    assert errors[0] < errors[1]


@pytest.mark.parametrize("name", BOOSTERS)
def test_a_learning_rate_that_was_fitted_to_the_time_is_kept_by_the_next_fold(name, trained):
    data, shape = smooth(300)
    model, _ = trained(get_family(name).fit(data, {"learning_rate": 0.21, "max_rounds": 50}, FitContext(shape)))
    assert model.details["learning_rate"] == 0.21


@pytest.mark.parametrize("name", BOOSTERS)
def test_trees_after_the_best_round_are_dropped(name, trained):
    rng = np.random.default_rng(0)
    X = Matrix(rng.normal(size=(200, 4)).astype(np.float32), tuple("abcd"))
    y = rng.integers(0, 2, 200)
    data, shape = FoldData(X, y, X, 1 - y), Shape(ProblemType.BINARY, 200, 4, 2)
    model, _ = trained(get_family(name).fit(data, {}, FitContext(shape)))
    assert (model.details["best_rounds"], model.details["stopped"]) == (1, "early")
    assert np.abs(model.predict(X)[:, 1] - 0.5).max() < 0.2


@pytest.mark.parametrize("name", BOOSTERS)
def test_the_seed_matters(name, trained):
    data, shape = smooth(300)
    params = {**get_family(name).portfolio(shape)[0], "max_rounds": 50}
    one, other = (
        trained(get_family(name).fit(data, params, FitContext(shape, random_state=seed)))[0].predict(data.X_valid)
        for seed in (0, 1)
    )
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("name", ["lightgbm", "xgboost"])
def test_binned_data_is_shared_by_trials_and_changes_nothing(name, trained):
    family, binned, built = get_family(name), BinnedCache(), []
    keyed, shape = smooth(300, key=f"{name}/fold-0")
    free, _ = smooth(300)

    def predict(data, params):
        model, _ = trained(family.fit(data, {**params, "max_rounds": 50}, FitContext(shape, binned=binned)))
        built.append(len(binned._entries))
        return model.predict(data.X_valid)

    for params in (*family.portfolio(shape), {"learning_rate": 0.2}):
        np.testing.assert_array_equal(predict(keyed, params), predict(free, params))
    assert set(built) == {1}
