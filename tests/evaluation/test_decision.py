"""The best threshold is the best of all, whatever the metric."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.data.table import ProblemType
from automl.evaluation.costs import cost_metric
from automl.evaluation.decision import Decision, at_best_decision, cross_decided, of_settled, tuned
from automl.evaluation.metric import Metric
from automl.evaluation.metrics import get_metric
from automl.evaluation.validation import parts_to_cross_fit

BINARY = ProblemType.BINARY
COST = cost_metric({"0": {"1": 1}, "1": {"0": 7}}, (0, 1))
METRICS = [get_metric(name, BINARY) for name in ("accuracy", "balanced_accuracy", "f1", "mcc", "jaccard")] + [COST]


@st.composite
def predictions(draw):
    """Codes of both classes, probabilities with ties, zeros and ones, and weights or none."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows = draw(st.integers(2, 40))
    y = np.concatenate([[0, 1], rng.integers(0, 2, rows - 2)])
    positive = rng.integers(0, 6, rows) / 5 if draw(st.booleans()) else rng.random(rows)
    weight = rng.integers(1, 5, rows).astype(float) if draw(st.booleans()) else None
    return y, np.column_stack([1 - positive, positive]), weight


@settings(deadline=None, max_examples=60)
@given(predictions(), st.sampled_from(METRICS))
def test_no_other_threshold_is_better(case, metric):
    y, prediction, weight = case
    decision, judged = tuned(metric, y, prediction, weight), of_settled(metric)
    found = judged.loss(y, decision.settled(prediction), weight)
    every = [judged.loss(y, Decision(each).settled(prediction), weight) for each in (*prediction[:, 1], 0.0, 1.1, 0.5)]
    assert found == pytest.approx(min(every))
    assert at_best_decision(metric, 2).loss(y, prediction, weight) == pytest.approx(found)
    assert found <= metric.loss(y, prediction, weight) + 1e-12


def test_a_threshold_that_pays_is_taken_and_its_score_is_honest():
    """A rare class, whose F1 is far better below 0.5."""
    rng, metric = np.random.default_rng(0), get_metric("f1", BINARY)
    truth = rng.beta(0.5, 4, 20_000)
    y = (rng.random(20_000) < truth).astype(np.int64)
    shares = np.column_stack([1 - truth, truth])
    decision, decided = cross_decided(metric, y[:10_000], shares[:10_000], np.arange(10_000) % 5)
    assert decision.threshold is not None
    honest, new = metric(y[:10_000], decided), metric(y[10_000:], decision.settled(shares[10_000:]))
    assert metric(y[:10_000], shares[:10_000]) + 0.1 < honest == pytest.approx(new, abs=0.04)


def rare(rows, positives):
    """A class so rare that equal parts of all rows hardly ever cut between two of its own."""
    rng = np.random.default_rng(0)
    y = np.arange(rows) < positives
    scores = rng.normal(np.where(y, 5.0, 0.0))
    positive = 1 / (1 + np.exp(-scores))
    return y.astype(np.int64), np.column_stack([1 - positive, positive])


def test_the_best_cut_among_many_rows_is_found_for_a_rare_class():
    y, prediction = rare(200_000, 150)
    f1 = get_metric("f1", BINARY)
    every = [f1(y, Decision(each).settled(prediction)) for each in prediction[y == 1, 1]]
    assert f1(y, tuned(f1, y, prediction).settled(prediction)) == pytest.approx(max(every))


def test_a_rare_class_is_found_by_a_metric_of_the_user_too():
    y, prediction = rare(20_000, 100)
    f1 = get_metric("f1", BINARY)
    own = Metric("own", (BINARY,), True, lambda y, p, w: f1(y, p, w), decides=True)
    best, found = (f1(y, tuned(metric, y, prediction).settled(prediction)) for metric in (f1, own))
    assert best - 0.02 < found <= best


@pytest.mark.parametrize("folds", [1, 5])
def test_thresholds_of_noise_do_not_flatter(folds):
    flattered, honest = [], []
    for seed in range(40):
        rng, metric = np.random.default_rng(seed), get_metric("balanced_accuracy", BINARY)
        y, positive = rng.integers(0, 2, 100), rng.random(100)
        shares = np.column_stack([1 - positive, positive])
        flattered.append(at_best_decision(metric, 2)(y, shares))
        parts = parts_to_cross_fit(np.arange(100) % folds, y, BINARY, seed)
        _, decided = cross_decided(metric, y, shares, parts)
        honest.append(metric(y, decided))
    assert np.mean(flattered) > 0.54
    assert np.mean(honest) == pytest.approx(0.5, abs=0.02)


def test_without_gain_the_metric_decides_by_itself():
    y = np.arange(200) % 2
    shares = np.where(y[:, None] == np.arange(2), 0.9, 0.1)
    decision, decided = cross_decided(get_metric("accuracy", BINARY), y, shares, np.arange(200) % 5)
    assert (decision, decided.argmax(axis=1).tolist()) == (Decision(), y.tolist())
    decision, _ = cross_decided(COST, y, shares, np.arange(200) % 5)
    assert decision.costs == ((0.0, 1.0), (7.0, 0.0))


def test_a_metric_of_the_user_is_tried_on_a_grid():
    own = Metric("own", (BINARY,), True, lambda y, p, w: float((p.argmax(axis=1) == y).sum()), decides=True)
    y, positive = np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.3, 0.4])
    prediction = np.column_stack([1 - positive, positive])
    assert own(y, prediction) == 2
    assert own(y, tuned(own, y, prediction).settled(prediction)) == 4


def test_what_does_not_decide_between_classes_stays():
    for name in ("roc_auc", "recall"):  # the latter is best where all rows are of the class
        metric = get_metric(name, BINARY)
        assert at_best_decision(metric, 2) is metric


def test_models_of_rare_classes_are_compared_by_the_multipliers_that_are_best_for_them():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [930, 50, 20])
    metric = get_metric("balanced_accuracy", ProblemType.MULTICLASS)

    def shares(noise):
        logits = np.log([0.93, 0.05, 0.02]) + 1.5 * np.eye(3)[y] + rng.normal(0, noise, (len(y), 3))
        return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)

    good, bad = shares(0.5), shares(2.0)
    assert metric(y, good) < 0.5
    compared = at_best_decision(metric, 3)
    assert compared(y, good) > compared(y, bad) + 0.1
    assert compared(y, good) == metric(y, tuned(metric, y, good).settled(good))


@pytest.mark.parametrize(
    ("decision", "classes"),
    [
        (Decision(), [0, 0, 1]),
        (Decision(0.3), [0, 1, 1]),
        (Decision(costs=((0.0, 1.0), (4.0, 0.0))), [1, 1, 1]),
    ],
)
def test_a_decision_is_kept_as_json(decision, classes):
    shares = np.array([[0.75, 0.25], [0.65, 0.35], [0.1, 0.9]])
    assert Decision.from_json(decision.to_json()) == decision
    assert decision(shares).tolist() == classes
    assert decision.settled(shares).argmax(axis=1).tolist() == classes
