"""CatBoost's trees in the form for few rows: the same to the last bit as in the library."""

import numpy as np
import pytest

from automl.data.table import ProblemType
from automl.features.matrix import Matrix
from automl.models.base import FitContext, FoldData, Shape
from automl.models.nested import NestedTrees
from automl.models.registry import get_family
from automl.models.symmetric import SymmetricTrees

ROWS, CODES = 600, 6
FORMS = {"SymmetricTree": SymmetricTrees, "Depthwise": NestedTrees, "Lossguide": NestedTrees}


def matrix(values):
    return Matrix(values.astype(np.float32), ("a", "b", "k", "l"), categorical=(1, 3), cardinalities=(CODES, 3))


def fitted(trained, problem_type, crossed=0, **params):
    rng = np.random.default_rng(0)
    values = np.column_stack(
        [rng.normal(size=ROWS), rng.integers(0, CODES, ROWS), rng.normal(size=ROWS).round(1), rng.integers(0, 3, ROWS)]
    )
    values[rng.random(values.shape) < 0.1] = np.nan
    signal = np.nan_to_num(values[:, 0]) + np.nan_to_num(values[:, 1], nan=4) * np.nan_to_num(values[:, 2])
    signal += crossed * ((np.nan_to_num(values[:, 1]) + np.nan_to_num(values[:, 3])) % 2)
    classes = {ProblemType.BINARY: 2, ProblemType.MULTICLASS: 3, ProblemType.REGRESSION: 0}[problem_type]
    cuts = np.quantile(signal, np.arange(1, classes) / classes) if classes else ()
    y = np.searchsorted(cuts, signal) if classes else signal
    data = FoldData(matrix(values[:500]), y[:500], matrix(values[500:]), y[500:])
    context = FitContext(Shape(problem_type, 500, 4, classes))
    return trained(get_family("catboost").fit(data, {"max_rounds": 40, **params}, context))[0], values


def asked(values):
    """Rows with the numbers of training, which borders lie between, missing ones, and codes that training had not."""
    further = values.copy()
    further[:, 1] = np.arange(ROWS) % (CODES + 4)
    further[:, 3] = np.where(np.arange(ROWS) % 5, np.arange(ROWS) % 4, np.nan)
    return np.concatenate([values, further])


@pytest.mark.parametrize("problem_type", [ProblemType.BINARY, ProblemType.MULTICLASS, ProblemType.REGRESSION])
@pytest.mark.parametrize("one_hot", [2, 10])
@pytest.mark.parametrize("policy", FORMS)
def test_one_column_a_question(policy, one_hot, problem_type, trained, tmp_path):
    params = {"grow_policy": policy, "one_hot_max_size": one_hot, "max_ctr_complexity": 1}
    model, values = fitted(trained, problem_type, **params)
    model.save(tmp_path)
    model.save_for_few_rows(tmp_path)
    quick, rows = get_family("catboost").load(tmp_path), asked(values)
    assert type(quick.trees) is FORMS[policy]
    one_by_one = np.concatenate([quick.predict(matrix(rows[i : i + 1])) for i in range(len(rows))])
    np.testing.assert_array_equal(one_by_one, model.predict(matrix(rows)))


def test_several_columns_a_question_are_left_to_the_library(trained, tmp_path):
    """Which only symmetric trees ask."""
    model, values = fitted(trained, ProblemType.REGRESSION, crossed=10, one_hot_max_size=2, max_ctr_complexity=4)
    model.save(tmp_path)
    model.save_for_few_rows(tmp_path)
    quick = get_family("catboost").load(tmp_path)
    assert quick.trees is None
    np.testing.assert_array_equal(quick.predict(matrix(values[:9])), model.predict(matrix(values[:9])))
