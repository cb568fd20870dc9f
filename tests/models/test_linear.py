import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.linear_model import ElasticNet, LogisticRegression

from automl.data.table import ProblemType
from automl.deadline import NEVER
from automl.features.scale import Scaling
from automl.models.base import FitContext, FoldData, Shape
from automl.models.linear import Linear
from automl.models.penalised import Penalised

RNG = np.random.default_rng(5)
X = RNG.normal(size=(300, 6)).astype(np.float32)
SIGNAL = X @ np.array([2.0, -1.0, 0.5, 0.0, 0.0, 0.0]) + RNG.normal(0, 0.5, 300)


def solved(y, kind, outputs, ratio, penalty):
    objective = Penalised(X, y, kind, outputs, ratio)
    frequencies = np.full(max(outputs, 2), 1 / max(outputs, 2))
    point = objective.start(frequencies)
    for _ in range(5):
        point = objective.solve(point, penalty, NEVER)
    return objective.split(point)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_optimum_is_that_of_logistic_regression(n_classes):
    y = np.digitize(SIGNAL, np.quantile(SIGNAL, np.arange(1, n_classes) / n_classes))
    kind = ProblemType.BINARY if n_classes == 2 else ProblemType.MULTICLASS
    weights, bias = solved(y, kind, 1 if n_classes == 2 else n_classes, 0.0, 0.01)
    reference = LogisticRegression(C=1 / (0.01 * len(y)), tol=1e-8, max_iter=1000).fit(X, y)
    np.testing.assert_allclose(weights.T, reference.coef_, atol=2e-3)
    np.testing.assert_allclose(bias - bias.mean(), reference.intercept_ - reference.intercept_.mean(), atol=2e-3)


def test_the_optimum_is_that_of_the_elastic_net():
    weights, bias = solved(SIGNAL, ProblemType.REGRESSION, 1, 0.7, 0.1)
    reference = ElasticNet(alpha=0.1, l1_ratio=0.7, tol=1e-8).fit(X, SIGNAL)
    np.testing.assert_allclose(weights[:, 0], reference.coef_, atol=2e-3)
    np.testing.assert_allclose(bias[0], reference.intercept_, atol=2e-3)


def test_sparse_and_dense_inputs_give_the_same_model(trained, as_matrix):
    wide = np.where(RNG.random((400, 40)) < 0.1, 1.0, 0.0).astype(np.float32)
    y = (wide[:, :3].sum(axis=1) > 0).astype(np.int64)
    shape = Shape(ProblemType.BINARY, 300, 40, 2)
    predictions = []
    for values in (wide, csr_array(wide)):
        data = FoldData(as_matrix(values[:300]), y[:300], as_matrix(values[300:]), y[300:])
        model, _ = trained(Linear().fit(data, {}, FitContext(shape)))
        predictions.append(model.predict(data.X_valid))
    np.testing.assert_allclose(*predictions, atol=1e-3)
    assert (predictions[0].argmax(axis=1) == y[300:]).mean() > 0.95


def test_the_path_ends_early_where_noise_begins(trained, as_matrix):
    noise = RNG.normal(size=(80, 60)).astype(np.float32)
    y = noise[:, 0] + RNG.normal(0, 2, 80)
    data = FoldData(as_matrix(noise[:40]), y[:40], as_matrix(noise[40:]), y[40:])
    model, _ = trained(Linear().fit(data, {"penalty": "elasticnet"}, FitContext(Shape(ProblemType.REGRESSION, 40, 60))))
    assert model.details["stopped"] == "early"
    assert model.details["columns"] < 60


def test_an_exactly_linear_target_is_learned_by_a_ridge_of_the_portfolio(trained, as_matrix):
    y = X @ np.array([2.0, -1.0, 0.5, 1.0, -3.0, 0.1])
    errors = []
    for params in Linear().portfolio(Shape(ProblemType.REGRESSION, 200, 6)):
        if params["penalty"] == "l2":
            scaled = Scaling.fit(X[:200].astype(np.float64), params["scaling"])(X.astype(np.float64)).astype(np.float32)
            data = FoldData(as_matrix(scaled[:200]), y[:200], as_matrix(scaled[200:]), y[200:])
            model, _ = trained(Linear().fit(data, params, FitContext(Shape(ProblemType.REGRESSION, 200, 6))))
            errors.append(np.median(np.abs(model.predict(data.X_valid) - y[200:])))
    assert min(errors) < 0.001 * y.std()


def test_no_fold_of_a_wide_table_ends_without_columns(trained, as_matrix):
    """Spectra: few rows, many columns that move together. The first steps of a path have no weights, or hardly any."""
    rng, at = np.random.default_rng(5), np.linspace(0, 1, 200)
    peaks = np.exp(-np.square(at - np.array([[0.2], [0.4], [0.55], [0.7], [0.85]])) / 0.01)
    amounts = rng.uniform(size=(60, 5))
    spectra = amounts @ peaks + rng.normal(0, 0.3, (60, 1)) * (1 + at)
    spectra = ((spectra - spectra.mean(axis=0)) / spectra.std(axis=0)).astype(np.float32)
    y = 5 * amounts[:, 2] + rng.normal(0, 0.1, 60)
    for fold in range(8):
        valid = np.arange(60) % 8 == fold
        data = FoldData(as_matrix(spectra[~valid]), y[~valid], as_matrix(spectra[valid]), y[valid])
        context = FitContext(Shape(ProblemType.REGRESSION, int((~valid).sum()), 200))
        model, _ = trained(Linear().fit(data, {"scaling": "standard", "penalty": "elasticnet"}, context))
        assert model.details["columns"]
        assert np.abs(model.predict(data.X_valid) - y[valid]).mean() < 0.25 * np.abs(y - y.mean()).mean()


def spread(low, high, rows):
    """Return rows of one column with values in the given range."""
    return np.linspace(low, high, rows, dtype=np.float32)[:, None]


def of_line(trained, as_matrix, truth, valid):
    """Return a ridge regression of one column, trained between -1 and 1 and validated on these rows."""
    train = spread(-1, 1, 200)
    data = FoldData(as_matrix(train), truth(train[:, 0]), as_matrix(valid), truth(valid[:, 0]))
    model, _ = trained(Linear().fit(data, {}, FitContext(Shape(ProblemType.REGRESSION, 200, 1))))
    return lambda *values: model.predict(as_matrix(np.array(values, np.float32)[:, None]))


def test_a_line_goes_on_beyond_the_training_range(trained, as_matrix):
    predict = of_line(trained, as_matrix, lambda x: 3.0 * x, spread(-0.9, 0.9, 50))
    np.testing.assert_allclose(predict(-1.8, 1.8), [-5.4, 5.4], rtol=1e-3)


def test_a_line_does_not_go_on_where_validation_rows_speak_against_it(trained, as_matrix):
    valid = np.concatenate([spread(-0.9, 0.9, 50), spread(1.8, 1.9, 5)])
    predict = of_line(trained, as_matrix, lambda x: np.clip(3.0 * x, -3.0, 3.0), valid)
    assert predict(1.8) <= 3.0 + 0.1 * 6.0


def test_predictions_stay_near_the_training_range(trained, as_matrix):
    data = FoldData(as_matrix(X[:200]), SIGNAL[:200], as_matrix(X[200:]), SIGNAL[200:])
    model, _ = trained(Linear().fit(data, {}, FitContext(Shape(ProblemType.REGRESSION, 200, 6))))
    low, high = SIGNAL[:200].min(), SIGNAL[:200].max()
    far = model.predict(as_matrix(np.array([[1e30] * 6, [-1e30] * 6, [50, -50, 50, 0, 0, 0]], np.float32)))
    assert (far <= high + 0.51 * (high - low)).all()
    assert (far >= low - 0.51 * (high - low)).all()
