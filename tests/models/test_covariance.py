"""The covariance of Gaussian processes, and what the evidence finds."""

import numpy as np
import pytest
from sklearn.gaussian_process.kernels import RBF, Matern

from automl.deadline import NEVER, Deadline
from automl.models.covariance import ADDITIVE, Covariance, _Evidence, correlation, learned


def drawn(rows: int, columns: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, columns))


def standardised(y: np.ndarray) -> np.ndarray:
    return ((y - y.mean()) / y.std())[:, None]


@pytest.mark.parametrize(("kind", "theirs"), [("rbf", RBF(1.0)), ("matern", Matern(1.0, nu=2.5))])
def test_correlations_are_those_of_scikit_learn(kind, theirs):
    X, Z = drawn(20, 3), drawn(10, 3, seed=1)
    ours = Covariance(kind, 2.0, np.ones(3), 0.6, np.array([1.0, 4.0, 0.25]), 0.0, 0.1)
    alone = sum(theirs(X[:, [i]] * s, Z[:, [i]] * s) for i, s in enumerate((1.0, 2.0, 0.5)))
    np.testing.assert_allclose(ours.between(X, Z), 2 * theirs(X, Z) + 0.2 * alone, rtol=1e-9)


@pytest.mark.parametrize("kind", ["matern", "rbf"])
@pytest.mark.parametrize("columns", [1, 4, ADDITIVE + 1])
def test_the_gradient_is_that_of_the_value(kind, columns):
    X, rng = drawn(60, columns), np.random.default_rng(2)
    y = np.hstack([standardised(X[:, 0] ** 2), standardised(np.sin(X.sum(axis=1)))])
    evidence, point = _Evidence(X, y, rng.uniform(0.5, 2, 60), kind), rng.normal(size=6 + columns) / 2
    _, gradient = evidence(point)
    steps = 1e-2 * np.eye(len(point))
    slopes = [(evidence(point + step)[0] - evidence(point - step)[0]) / 2e-2 for step in steps]
    np.testing.assert_allclose(gradient, slopes, atol=1e-3)


def test_a_column_that_tells_nothing_loses_its_influence():
    X = drawn(300, 4)
    found = learned(X, standardised(np.sin(2 * X[:, 0]) * X[:, 1]), np.ones(300), "rbf", NEVER)
    assert found.rates[2:].max() < 0.05 * found.rates[:2].min()
    assert found.noise < 0.01


def test_a_sum_of_functions_is_told_from_a_function_of_all():
    X = drawn(300, 4)
    apart = learned(X, standardised(np.sin(2 * X).sum(axis=1)), np.ones(300), "rbf", NEVER)
    joint = learned(X, standardised(X[:, 0] * X[:, 1] * X[:, 2]), np.ones(300), "rbf", NEVER)
    assert apart.additive > 10 * apart.interaction
    assert joint.interaction > 10 * joint.additive


def test_noise_is_noise():
    rng = np.random.default_rng(1)
    found = learned(drawn(300, 5), standardised(rng.normal(size=300)), np.ones(300), "matern", NEVER)
    assert found.noise > 0.8
    assert found.interaction + found.additive < 0.2


def test_weights_tell_which_rows_are_noisy():
    X, rng = drawn(200, 2), np.random.default_rng(0)
    spread = np.where(np.arange(200) % 2, 0.1, 1.0)
    y = standardised(np.sin(2 * X[:, 0]) + spread * rng.normal(size=200))
    known = _Evidence(X, y, 1 / spread**2, "rbf")
    alike = _Evidence(X, y, np.ones(200), "rbf")
    ends = [learned(X, y, weight, "rbf", NEVER) for weight in (1 / spread**2, np.ones(200))]
    points = [_point(end) for end in ends]
    assert known(points[0])[0] < alike(points[1])[0] - 0.1


def test_the_time_can_be_over():
    X = drawn(50, 3)
    found = learned(X, standardised(X[:, 0]), np.ones(50), "rbf", Deadline.after(-1))
    assert np.isfinite(found.between(X, X)).all()


def test_the_slope_is_that_of_the_correlation():
    for kind in ("matern", "rbf"):
        squares = np.linspace(0.1, 9, 50)
        below, above = (correlation(squares + step, kind)[0] for step in (-1e-5, 1e-5))
        np.testing.assert_allclose(correlation(squares, kind)[1], (above - below) / 2e-5, rtol=1e-6)


def _point(known: Covariance) -> np.ndarray:
    variances = np.log([known.interaction, known.additive, known.linear * len(known.rates), known.noise])
    common = np.log(known.rates * len(known.rates))
    own = np.log(known.own_rates)
    return np.concatenate([variances, [common.mean(), own.mean()], common - common.mean()])
