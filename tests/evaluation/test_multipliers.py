"""Multipliers of the probabilities of several classes."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.data.table import ProblemType
from automl.evaluation.costs import cost_metric
from automl.evaluation.decision import Decision, OfClasses, cross_decided, of_settled, tuned
from automl.evaluation.metric import Metric
from automl.evaluation.metrics import get_metric

MANY = ProblemType.MULTICLASS
METRICS = [get_metric(name, MANY) for name in ("accuracy", "balanced_accuracy", "f1_macro", "mcc", "cohen_kappa")]


def calibrated(seed: int, rows: int, prior: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return classes and their true probabilities."""
    rng, k = np.random.default_rng(seed), len(prior)
    y = rng.choice(k, rows, p=prior)
    z = rng.normal(size=(rows, k))
    z[np.arange(rows), y] += 1.2
    shares = np.exp(1.2 * z) * prior
    return y, shares / shares.sum(axis=1, keepdims=True)


@st.composite
def cases(draw):
    """Codes, probabilities with ties, zeros and ones, and weights or none; a class may be missing."""
    rng, k = np.random.default_rng(draw(st.integers(0, 2**32 - 1))), draw(st.integers(3, 5))
    rows = draw(st.integers(k, 60))
    shares = rng.integers(0, 4, (rows, k)) + 1e-300 if draw(st.booleans()) else rng.random((rows, k))
    weight = rng.uniform(0.1, 3, rows) if draw(st.booleans()) else None
    return rng.integers(0, k, rows), shares / shares.sum(axis=1, keepdims=True), weight


@settings(deadline=None, max_examples=60)
@given(cases(), st.sampled_from(METRICS))
def test_they_are_never_worse_than_none_on_their_rows(case, metric):
    y, prediction, weight = case
    decision = tuned(metric, y, prediction, weight)
    assert np.log(decision.multipliers).mean() == pytest.approx(0, abs=1e-9)
    found = of_settled(metric).loss(y, decision.settled(prediction), weight)
    plain = metric.loss(y, prediction, weight)
    assert np.isnan(plain) or found <= plain + 1e-9
    assert tuned(metric, y, prediction, weight) == decision


@pytest.mark.parametrize(("seed", "name"), [(994, "mcc"), (1629, "balanced_accuracy"), (1732, "cohen_kappa")])
def test_equal_products_are_never_decided_by_rounding(seed, name):
    rng = np.random.default_rng(seed)
    k = int(rng.integers(3, 6))
    rows = int(rng.integers(k, 20))
    shares = rng.integers(0, 4, (rows, k)) + 1e-300
    y, prediction, metric = rng.integers(0, k, rows), shares / shares.sum(axis=1, keepdims=True), get_metric(name, MANY)
    settled = tuned(metric, y, prediction).settled(prediction)
    assert of_settled(metric).loss(y, settled) <= metric.loss(y, prediction) + 1e-9


@settings(deadline=None, max_examples=30)
@given(cases(), st.sampled_from(METRICS))
def test_weights_are_repeated_rows(case, metric):
    y, prediction, _ = case
    times = np.arange(len(y)) % 3 + 1
    weighted = tuned(metric, y, prediction, times.astype(float))
    repeated = tuned(metric, np.repeat(y, times), np.repeat(prediction, times, axis=0))
    assert np.log(weighted.multipliers) == pytest.approx(np.log(repeated.multipliers), abs=1e-6)


@pytest.mark.parametrize("metric", METRICS[1:], ids=lambda each: each.name)
def test_a_grid_finds_nothing_much_better(metric):
    y, prediction = calibrated(0, 1_500, (0.8, 0.15, 0.05))
    found = metric(y, tuned(metric, y, prediction).settled(prediction))
    grid = np.exp(np.linspace(-1, 5, 25))
    every = [metric(y, Decision(multipliers=(1.0, a, b)).settled(prediction)) for a, b in product(grid, grid)]
    assert found > max(every) - 0.005


@pytest.mark.parametrize("name", ["balanced_accuracy", "f1_macro"])
def test_what_pays_is_taken_and_its_score_is_honest(name):
    metric = get_metric(name, MANY)
    y, prediction = calibrated(1, 12_000, (0.8, 0.15, 0.05))
    some, new = slice(0, 6_000), slice(6_000, None)
    decision, decided = cross_decided(metric, y[some], prediction[some], np.arange(6_000) % 5)
    assert decision.multipliers
    honest = metric(y[some], decided)
    assert metric(y[some], prediction[some]) + 0.03 < honest
    assert honest == pytest.approx(metric(y[new], decision.settled(prediction[new])), abs=0.05)


def test_noise_hardly_flatters():
    """Only the choice between two ways does."""
    metric, scores = get_metric("balanced_accuracy", MANY), []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        y, prediction = rng.integers(0, 3, 120), rng.dirichlet(np.ones(3), 120)
        scores.append(metric(y, cross_decided(metric, y, prediction, np.arange(120) % 5)[1]))
    assert np.mean(scores) == pytest.approx(1 / 3, abs=0.03)


def test_where_the_best_decision_is_known_or_a_search_would_take_long_the_metric_decides():
    y, prediction = calibrated(2, 200, (0.5, 0.3, 0.2))
    names = ("a", "b", "c")
    costs = cost_metric({one: {other: 1 + (one < other) for other in names if one != other} for one in names}, names)
    assert isinstance(costs.function, OfClasses)
    assert tuned(costs, y, prediction) == costs.function.decision
    own = Metric("own", (MANY,), True, lambda y, p, w: float((p.argmax(axis=1) == y).mean()), decides=True)
    assert tuned(own, y, prediction) == Decision()
    rng = np.random.default_rng(0)
    assert tuned(METRICS[1], rng.integers(0, 99, 500), rng.dirichlet(np.ones(99), 500)) == Decision()


def test_they_are_described_and_kept_as_json():
    decision = Decision(multipliers=(0.5, 2.0, 1.0))
    assert Decision.from_json(decision.to_json()) == decision
    assert decision(np.array([[0.6, 0.2, 0.2], [0.7, 0.1, 0.2]])).tolist() == [1, 0]
    assert decision.describe(("a", "b", "c")).endswith("multiplied: 'a' x 0.5, 'b' x 2, 'c' x 1")
