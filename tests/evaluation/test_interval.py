"""The interval of a score holds on new data as often as it says."""

import json
from dataclasses import astuple, replace
from math import inf, isnan, nan

import numpy as np
import pytest

from automl.data.table import ProblemType
from automl.evaluation.interval import FIXED_MODEL, NEW_SAMPLE, Score, score_interval
from automl.evaluation.metrics import get_metric

ROUNDS = 250


def binary_sample(rng, rows):
    """Return a target with 20 % positives and the probabilities of a fair, slightly overconfident model."""
    logit = 1.5 * rng.normal(size=rows) - 2
    y = (rng.random(rows) < 1 / (1 + np.exp(-logit))).astype(np.int64)
    probability = 1 / (1 + np.exp(-1.2 * logit + 0.5 * rng.normal(size=rows)))
    return y, np.column_stack([1 - probability, probability])


def regression_sample(rng, rows):
    prediction = rng.normal(size=rows)
    return prediction + rng.normal(size=rows) * (1 + np.abs(prediction)), prediction


@pytest.mark.parametrize(
    ("name", "problem_type", "sample"),
    [
        ("roc_auc", ProblemType.BINARY, binary_sample),
        ("log_loss", ProblemType.BINARY, binary_sample),
        ("accuracy", ProblemType.BINARY, binary_sample),
        ("rmse", ProblemType.REGRESSION, regression_sample),
        ("r2", ProblemType.REGRESSION, regression_sample),
    ],
)
def test_new_samples_of_a_given_model_score_inside(name, problem_type, sample):
    """More often than it says: here nothing was trained on the rows."""
    metric, rng = get_metric(name, problem_type), np.random.default_rng(0)
    inside = 0
    for seed in range(ROUNDS):
        score = score_interval(metric, *sample(rng, 400), random_state=seed)
        inside += score.low <= metric(*sample(rng, 400)) <= score.high
    assert 0.9 <= inside / ROUNDS <= 0.99


@pytest.mark.parametrize("name", ["roc_auc", "accuracy", "brier"])
def test_the_score_of_a_fixed_model_lies_inside_as_often_as_it_says(name):
    metric, rng = get_metric(name, ProblemType.BINARY), np.random.default_rng(0)
    truth = metric(*binary_sample(rng, 300_000))
    scores = [
        score_interval(metric, *binary_sample(rng, 400), errors=FIXED_MODEL, random_state=i) for i in range(ROUNDS)
    ]
    assert np.mean([score.low <= truth <= score.high for score in scores]) == pytest.approx(0.9, abs=0.05)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", ["accuracy", "f1_macro", "mcc", "positive_likelihood_ratio"])
def test_matrices_of_blocks_give_what_their_rows_give(name, weighted):
    metric, rng = get_metric(name, ProblemType.BINARY), np.random.default_rng(0)
    y, prediction = binary_sample(rng, 300)
    weight = rng.uniform(0.5, 2, 300) if weighted else None
    by_rows = replace(metric, function=lambda *given: metric.function(*given))
    quick, slow = (score_interval(each, y, prediction, weight=weight) for each in (metric, by_rows))
    np.testing.assert_allclose(astuple(quick), astuple(slow), rtol=1e-9)


def cross_validated(rng, rows=100, columns=20, folds=5):
    """Return a target with out-of-fold predictions of linear models, and new rows with the folds' mean predictions."""
    weights = rng.normal(size=columns) / 3
    X = rng.normal(size=(2 * rows, columns))
    y = X @ weights + rng.normal(size=2 * rows)
    fold, out_of_fold, new = rng.permutation(rows) % folds, np.empty(rows), np.zeros(rows)
    for number in range(folds):
        inside = fold == number
        fitted = np.linalg.lstsq(X[:rows][~inside], y[:rows][~inside], rcond=None)[0]
        out_of_fold[inside] = X[:rows][inside] @ fitted
        new += X[rows:] @ fitted / folds
    return y[:rows], out_of_fold, y[rows:], new


def test_nine_in_ten_new_samples_of_trained_models_score_inside():
    rmse, rng = get_metric("rmse", ProblemType.REGRESSION), np.random.default_rng(0)
    inside = 0
    for seed in range(ROUNDS):
        y, out_of_fold, y_new, new = cross_validated(rng)
        score = score_interval(rmse, y, out_of_fold, random_state=seed)
        inside += score.low <= rmse(y_new, new) <= score.high
    assert 0.85 <= inside / ROUNDS <= 0.95


def test_contains_its_value_and_stays_in_bounds():
    auc, rng = get_metric("roc_auc", ProblemType.BINARY), np.random.default_rng(0)
    y = np.repeat([0, 1], 15)
    positive = np.clip(0.2 + 0.5 * y + 0.25 * rng.normal(size=30), 0, 1)
    score = score_interval(auc, y, np.column_stack([1 - positive, positive]))
    assert 0 <= score.low < score.value < score.high == 1


def test_a_new_sample_is_less_certain_than_a_fixed_model_and_a_seed_repeats():
    rmse = get_metric("rmse", ProblemType.REGRESSION)
    y, prediction = regression_sample(np.random.default_rng(0), 200)
    narrow, wide = (score_interval(rmse, y, prediction, errors=errors) for errors in (FIXED_MODEL, NEW_SAMPLE))
    assert wide.low < narrow.low < narrow.value == wide.value < narrow.high < wide.high
    assert (
        score_interval(rmse, y, prediction, random_state=0)
        == wide
        != score_interval(rmse, y, prediction, random_state=1)
    )


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_too_few_rows_know_nothing(rows):
    accuracy = get_metric("accuracy", ProblemType.BINARY)
    prediction = np.tile([0.4, 0.6], (rows, 1))
    assert score_interval(accuracy, np.ones(rows, dtype=np.int64), prediction) == Score(1, 0, 1)


def test_fewer_rows_than_blocks():
    mae = get_metric("mae", ProblemType.REGRESSION)
    y = np.arange(10.0)
    score = score_interval(mae, y, y + np.tile([0.5, 1.0], 5))
    assert 0 < score.low < score.value == 0.75 < score.high < 1.5


def test_an_undefined_metric_has_no_interval():
    auc = get_metric("roc_auc", ProblemType.BINARY)
    score = score_interval(auc, np.zeros(30, dtype=np.int64), np.full((30, 2), 0.5))
    assert all(isnan(value) for value in (score.value, score.low, score.high))


def test_a_block_may_hold_all_rows_of_a_class():
    auc, y = get_metric("roc_auc", ProblemType.BINARY), np.zeros(40, dtype=np.int64)
    y[7] = 1
    positive = np.linspace(0, 1, 40)
    score = score_interval(auc, y, np.column_stack([1 - positive, positive]))
    assert 0 <= score.low <= score.value <= score.high <= 1


def rarely_wrong(rng, rows, mistakes):
    """Return a target and probabilities of three classes that are sure of the right one but for some rows."""
    y = rng.integers(0, 3, rows)
    chosen = np.where(rng.random(rows) < mistakes, (y + 1) % 3, y)
    sure = rng.uniform(0.9, 0.999, rows)[:, None]
    return y, np.where(np.eye(3)[chosen] > 0, sure, (1 - sure) / 2)


@pytest.mark.parametrize("mistakes", [0.001, 0.004, 0.01])
@pytest.mark.parametrize("name", ["accuracy", "log_loss", "f1_macro"])
def test_few_rows_without_a_mistake_promise_no_perfect_score(name, mistakes):
    metric, rng = get_metric(name, ProblemType.MULTICLASS), np.random.default_rng(0)
    truth = metric(*rarely_wrong(rng, 100_000, mistakes))
    scores = [score_interval(metric, *rarely_wrong(rng, 150, mistakes), errors=FIXED_MODEL) for _ in range(ROUNDS)]
    assert np.mean([score.low <= truth <= score.high for score in scores]) >= 0.9


def test_a_perfect_ranking_may_not_last():
    auc, rng = get_metric("roc_auc", ProblemType.BINARY), np.random.default_rng(0)
    y = np.repeat([0, 1], 50)
    positive = np.sort(rng.uniform(0, 0.4, 100))  # all of them are taken for negative
    score = score_interval(auc, y, np.column_stack([1 - positive, positive]))
    assert 0.9 < score.low < score.value == score.high == 1


def test_values_without_an_error_have_no_width():
    y = np.arange(40.0)
    assert score_interval(get_metric("rmse", ProblemType.REGRESSION), y, y) == Score(0, 0, 0)


def test_rows_of_a_group_count_as_one():
    metric = get_metric("mae", ProblemType.REGRESSION)
    random = np.random.default_rng(0)
    groups = np.repeat(np.arange(50), 20)
    inside = {True: 0, False: 0}
    for _ in range(60):
        first, second = (np.abs(random.normal(size=50))[groups] for _ in range(2))
        for grouped in inside:
            score = score_interval(metric, first, np.zeros(1_000), groups=groups if grouped else None)
            inside[grouped] += score.low <= second.mean() <= score.high
    assert inside[False] < 40  # a quarter of the width that the 50 groups need
    assert inside[True] >= 50


def test_groups_of_one_row_change_no_interval():
    metric = get_metric("mae", ProblemType.REGRESSION)
    y = np.random.default_rng(0).normal(size=100)
    assert score_interval(metric, y, np.zeros(100), groups=np.arange(100)) == score_interval(metric, y, np.zeros(100))


@pytest.mark.parametrize("score", [Score(0.5, 0.25, 0.75), Score(0.5, -inf, inf), Score(nan, nan, nan)])
def test_a_score_comes_back_from_strict_json(score: Score) -> None:
    record = json.loads(json.dumps(score.to_json(), allow_nan=False))
    np.testing.assert_equal(astuple(Score.from_json(record)), astuple(score))
