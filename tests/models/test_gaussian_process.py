"""What only Gaussian processes do."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import log_loss, root_mean_squared_error

from automl.data.table import ProblemType
from automl.deadline import Deadline
from automl.features.matrix import Matrix
from automl.models import gaussian_process
from automl.models.base import FitContext, FoldData, Shape
from automl.models.gaussian_process import GaussianProcess, _Basis

FAMILY = GaussianProcess()


def fold(X: np.ndarray, y: np.ndarray, rows: int, stopping: int = 60) -> tuple[FoldData, Matrix, np.ndarray]:
    """Return a fold of the first rows, and the rest to be predicted."""
    names = tuple(f"x{column}" for column in range(X.shape[1]))
    train, stop, test = (
        Matrix(X[part].astype(np.float32), names)
        for part in (slice(rows), slice(rows, rows + stopping), slice(rows + stopping, None))
    )
    return FoldData(train, y[:rows], stop, y[rows : rows + stopping]), test, y[rows + stopping :]


def fitted(data: FoldData, kind: ProblemType, classes: int = 0, **context: object):
    shape = Shape(kind, data.X_train.rows, data.X_train.columns, classes)
    training = FAMILY.fit(data, FAMILY.portfolio(shape)[0], FitContext(shape, **context))
    while True:
        try:
            next(training)
        except StopIteration as end:
            return end.value


@pytest.mark.parametrize(
    "function",
    [
        lambda X: np.sin(2 * X).sum(axis=1),
        lambda X: X[:, 0] * X[:, 1] + X[:, 2] ** 2,
        lambda X: np.hypot(X[:, 0], X[:, 1] + X[:, 2]),
    ],
    ids=["sum", "products", "distance"],
)
def test_smooth_functions_are_found_in_few_rows(function):
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, (1_260, 5))
    y = function(X) + rng.normal(0, 0.05, len(X))
    data, test, truth = fold(X, y, 200)
    trees = HistGradientBoostingRegressor().fit(data.X_train.dense, data.y_train).predict(test.dense)
    ours = fitted(data, ProblemType.REGRESSION).predict(test)
    assert root_mean_squared_error(truth, ours) < 0.4 * root_mean_squared_error(truth, trees)


@pytest.mark.parametrize("classes", [2, 3])
def test_smooth_borders_are_found_in_few_rows(classes):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2_460, 4))
    y = np.digitize(np.square(X).sum(axis=1) + rng.normal(0, 0.3, len(X)), [3.0, 5.0][: classes - 1])
    data, test, truth = fold(X, y, 250)
    trees = HistGradientBoostingClassifier(max_iter=30).fit(data.X_train.dense, data.y_train).predict_proba(test.dense)
    kind = ProblemType.BINARY if classes == 2 else ProblemType.MULTICLASS
    ours = fitted(data, kind, classes).predict(test)
    assert log_loss(truth, ours) < 0.7 * log_loss(truth, trees)


def test_all_rows_are_learned_from_where_there_are_more_than_landmarks(monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, (3_060, 3))
    y = np.sin(2 * X[:, 0]) * X[:, 1] + rng.normal(0, 1, len(X))
    data, test, _ = fold(X, y, 2_000)
    truth = np.sin(2 * test.dense[:, 0]) * test.dense[:, 1]
    monkeypatch.setitem(gaussian_process.LANDMARKS, False, 100)
    few = replace(data, X_train=replace(data.X_train, values=data.X_train.dense[:100]), y_train=data.y_train[:100])
    errors = [
        root_mean_squared_error(truth, fitted(each, ProblemType.REGRESSION).predict(test)) for each in (data, few)
    ]
    assert errors[0] < 0.4 * errors[1]


def test_the_model_is_the_process_of_its_covariance():
    """Functions of one column are kept at some values: between them they hardly differ."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(260, 3))
    data, test, _ = fold(X, np.sin(2 * X).sum(axis=1) + X[:, 0] * X[:, 1], 150)
    model = fitted(data, ProblemType.REGRESSION)
    known = model.covariance
    basis = _Basis.of(known, model.landmarks.astype(float))
    Z, values = model.landmarks.astype(float), test.dense.astype(float)
    inside = ((values >= Z.min(axis=0)) & (values <= Z.max(axis=0))).all(axis=1)
    order = np.random.default_rng(0).permutation(150)
    y = ((data.y_train - data.y_train.mean()) / data.y_train.std())[order]
    cov = known.between(Z, Z) + known.linear * Z @ Z.T + 1e6
    alpha = np.linalg.solve(cov + known.noise * np.eye(150), y)
    exact = (known.between(values, Z) + known.linear * values @ Z.T + 1e6) @ alpha
    exact = exact * data.y_train.std() + data.y_train.mean()
    assert known.additive > 0
    assert basis.directions.shape[0] == 150
    np.testing.assert_allclose(model.predict(test)[inside], exact[inside], atol=0.01 * data.y_train.std())


def test_wide_tables_fit_into_memory_and_time():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(460, 1_200))
    data, test, _ = fold(X, X[:, 0] + rng.normal(0, 0.1, 460), 300)
    model = fitted(data, ProblemType.REGRESSION, deadline=Deadline.after(3))
    assert np.isfinite(model.predict(test)).all()
    assert not len(model.functions)


def test_a_deadline_leaves_rows_out():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30_000, 4))
    data, test, _ = fold(X, X[:, 0], 29_000)
    model = fitted(data, ProblemType.REGRESSION, deadline=Deadline.after(-1))
    assert model.details["stopped"] == "deadline"
    assert np.isfinite(model.predict(test)).all()
