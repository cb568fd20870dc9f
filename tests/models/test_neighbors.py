import multiprocessing
import sys
from dataclasses import replace

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsRegressor

from automl.data.table import ProblemType
from automl.deadline import Deadline
from automl.models.base import FitContext, FoldData, Shape
from automl.models.neighbors import Neighbors


@pytest.mark.parametrize("p", [1, 2])
def test_uniform_votes_are_those_of_scikit_learn(p, problem, trained):
    data, shape = problem(ProblemType.REGRESSION)
    model, _ = trained(Neighbors().fit(data, {"weights": "uniform", "p": p}, FitContext(shape)))
    reference = KNeighborsRegressor(model.details["k"], p=p).fit(data.X_train.dense, data.y_train)
    np.testing.assert_allclose(model.predict(data.X_valid), reference.predict(data.X_valid.dense), rtol=1e-9)


def test_k_is_the_best_of_the_ladder_on_the_validation_rows(problem, trained):
    data, shape = problem(ProblemType.REGRESSION)
    model, _ = trained(Neighbors().fit(data, {"weights": "uniform"}, FitContext(shape)))
    errors = {}
    for k in (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144):
        reference = KNeighborsRegressor(k).fit(data.X_train.dense, data.y_train)
        errors[k] = np.square(reference.predict(data.X_valid.dense) - data.y_valid).mean()
    assert model.details["k"] == min(errors, key=errors.__getitem__)


def test_an_equal_row_does_not_make_a_class_certain(problem, trained):
    data, shape = problem(ProblemType.BINARY, 2)
    model, _ = trained(Neighbors().fit(data, {"weights": "distance"}, FitContext(shape)))
    probabilities = model.predict(data.X_train)
    assert probabilities.min() > 0
    assert probabilities.max() < 1


def test_a_table_that_cannot_be_searched_in_time_is_sampled(problem, trained):
    data, shape = problem(ProblemType.REGRESSION, rows=5_000)
    model, _ = trained(Neighbors().fit(data, {}, FitContext(shape, Deadline.after(-1))))
    assert model.details["rows"] == 1_000


def test_big_tables_are_sampled(monkeypatch, problem, trained):
    monkeypatch.setattr("automl.models.neighbors.CELLS", 500)
    data, shape = problem(ProblemType.REGRESSION)
    model, _ = trained(Neighbors().fit(data, {}, FitContext(shape)))
    assert model.details["rows"] == 100


def test_the_order_of_the_validation_rows_does_not_choose_k(problem, trained):
    data, shape = problem(ProblemType.BINARY, 2, rows=1_000)
    many = np.random.default_rng(0).integers(0, 100, 9_000)
    y = data.y_valid[many]
    chosen = []
    for rows in (many, many[np.argsort(y, kind="stable")]):
        wide = replace(
            data, X_valid=replace(data.X_valid, values=data.X_valid.values[rows]), y_valid=data.y_valid[rows]
        )
        chosen.append(trained(Neighbors().fit(wide, {}, FitContext(shape)))[0].details["k"])
    assert chosen[0] == chosen[1]


def test_a_cell_beyond_all_measure_is_far_away(trained, as_matrix):
    X = np.random.default_rng(0).normal(size=(300, 20)).astype(np.float32)
    X[250:, 0] = [1e20, 3e38] * 25
    data = FoldData(as_matrix(X[:200]), X[:200, 1].astype(float), as_matrix(X[200:]), X[200:, 1].astype(float))
    model, _ = trained(Neighbors().fit(data, {}, FitContext(Shape(ProblemType.REGRESSION, 200, 20))))
    assert np.isfinite(model.predict(data.X_valid)).all()


@pytest.mark.skipif(sys.platform == "win32", reason="has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_forked_process_answers_many_rows(every_core, problem, trained, as_matrix):
    """As a server that loads its model before it forks its workers has them."""
    data, shape = problem(ProblemType.REGRESSION, rows=2_000)
    wide, asked = (as_matrix(np.tile(X.dense, 4)) for X in (data.X_train, data.X_valid))  # too wide for a k-d tree
    model, _ = trained(Neighbors().fit(replace(data, X_train=wide, X_valid=asked), {}, FitContext(shape)))
    expected = model.predict(asked)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        np.testing.assert_array_equal(pool.apply_async(model.predict, (asked,)).get(30), expected)
