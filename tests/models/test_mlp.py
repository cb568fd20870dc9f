import time

import numpy as np
import pytest

from automl.data.table import ProblemType
from automl.deadline import Deadline
from automl.models.base import FitContext
from automl.models.mlp import MLP
from automl.models.network import Network, squash

RNG = np.random.default_rng(2)


def test_the_gradient_is_that_of_the_loss():
    network = Network((3, 7, 5, 2))
    flat = RNG.normal(0, 0.5, network.size).astype(np.float32)
    X = RNG.normal(size=(20, 3)).astype(np.float32)
    target = RNG.normal(size=(20, 2)).astype(np.float32)

    def loss(at):
        output = network.activations(at, X, 0.0, RNG)[-1]
        return float(np.square(output.astype(np.float64) - target).sum() / 2)

    activations = network.activations(flat, X, 0.0, RNG)
    gradient = network.gradient(flat, activations, activations[-1] - target, 0.0)
    for _ in range(10):
        direction = RNG.normal(size=network.size).astype(np.float32)
        step = np.float32(1e-3)
        slope = (loss(flat + step * direction) - loss(flat - step * direction)) / (2 * step)
        assert slope == pytest.approx(float(gradient @ direction), rel=0.02, abs=0.02)


def test_dropout_keeps_the_expected_output_of_one_layer():
    network = Network((4, 50, 1))
    flat = np.abs(network.initial(RNG)) + np.float32(0.01)
    X = np.abs(RNG.normal(size=(2_000, 4))).astype(np.float32)
    full = network.activations(flat, X, 0.0, RNG)[-1].mean()
    assert network.activations(flat, X, 0.4, RNG)[-1].mean() == pytest.approx(full, rel=0.05)


def test_forward_and_training_see_the_same_network():
    network = Network((3, 8, 2))
    flat = RNG.normal(0, 0.5, network.size).astype(np.float32)
    X = RNG.normal(size=(50, 3)).astype(np.float32)
    np.testing.assert_allclose(network.forward(flat, X), network.activations(flat, squash(X), 0.0, RNG)[-1], rtol=1e-4)


def test_squashed_values_are_bounded_and_keep_their_order():
    values = np.array([-1e30, -10, -1, 0, 1, 10, 1e30], np.float32)
    squashed = squash(values)
    assert np.abs(squashed).max() <= 3
    assert (np.diff(squashed) > 0).all()


def test_a_product_of_columns_is_learned(problem, trained):
    data, shape = problem(ProblemType.REGRESSION, rows=2_000)
    model, _ = trained(MLP().fit(data, {"width": 32, "learning_rate": 1e-2}, FitContext(shape)))
    unexplained = np.square(model.predict(data.X_valid) - data.y_valid).mean() / data.y_valid.var()
    assert unexplained < 0.15


def test_training_fits_the_time(problem, trained, monkeypatch):
    monkeypatch.setattr(time, "time", time.process_time)  # seconds that other processes do not take away
    data, shape = problem(ProblemType.BINARY, 2, rows=5_000)
    params = {"width": 256, "layers": 4, "learning_rate": 3e-4}
    model, _ = trained(MLP().fit(data, params, FitContext(shape, Deadline.after(0.5))))
    assert model.details["stopped"] == "deadline"
    assert (model.predict(data.X_valid).argmax(axis=1) == data.y_valid).mean() > 0.75
