"""Every metric equals scikit-learn's, in the corners too."""

import warnings
from math import inf, isnan, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from automl.data.table import ProblemType
from automl.errors import UsageError
from automl.evaluation.metrics import METRICS, default_metric, get_metric, metrics_for

BINARY, MULTICLASS, REGRESSION = ProblemType.BINARY, ProblemType.MULTICLASS, ProblemType.REGRESSION


def decided(prediction):
    return prediction.argmax(axis=1)


def macro_over_present(binary):
    """One-vs-rest over the classes in ``y``, where scikit-learn itself gives up on a missing class."""

    def average(y, prediction):
        return np.mean([binary(y == code, prediction[:, code]) for code in np.unique(y)])

    return average


LABELLED = {
    "accuracy": lambda y, p: sk.accuracy_score(y, decided(p)),
    "balanced_accuracy": lambda y, p: sk.balanced_accuracy_score(y, decided(p)),
    "f1_macro": lambda y, p: sk.f1_score(y, decided(p), average="macro", zero_division=0),
    "f1_micro": lambda y, p: sk.f1_score(y, decided(p), average="micro", zero_division=0),
    "f1_weighted": lambda y, p: sk.f1_score(y, decided(p), average="weighted", zero_division=0),
    "precision_macro": lambda y, p: sk.precision_score(y, decided(p), average="macro", zero_division=0),
    "recall_macro": lambda y, p: sk.recall_score(y, decided(p), average="macro", zero_division=0),
    "mcc": lambda y, p: sk.matthews_corrcoef(y, decided(p)),
    "log_loss": lambda y, p: sk.log_loss(y, p, labels=list(range(p.shape[1]))),
    "brier": lambda y, p: sk.brier_score_loss(y, p, labels=list(range(p.shape[1]))),
}
EXPECTED = {
    BINARY: LABELLED
    | {
        "f1": lambda y, p: sk.f1_score(y, decided(p), zero_division=0),
        "precision": lambda y, p: sk.precision_score(y, decided(p), zero_division=0),
        "recall": lambda y, p: sk.recall_score(y, decided(p), zero_division=0),
        "roc_auc": lambda y, p: sk.roc_auc_score(y, p[:, 1]),
        "average_precision": lambda y, p: sk.average_precision_score(y, p[:, 1]),
    },
    MULTICLASS: LABELLED
    | {
        "roc_auc": macro_over_present(sk.roc_auc_score),
        "average_precision": macro_over_present(sk.average_precision_score),
    },
    REGRESSION: {
        "rmse": sk.root_mean_squared_error,
        "mse": sk.mean_squared_error,
        "mae": sk.mean_absolute_error,
        "mape": sk.mean_absolute_percentage_error,
        "median_absolute_error": sk.median_absolute_error,
        "r2": sk.r2_score,
        "adjusted_r2": lambda y, p: 1 - (1 - sk.r2_score(y, p)) * (len(y) - 1) / (len(y) - 4),
    },
}


@st.composite
def labelled(draw, classes):
    """Class codes of which some may be missing, and probabilities with ties and exact zeros and ones."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows = draw(st.integers(classes, 60))
    present = draw(st.integers(2, classes))
    y = np.concatenate([np.arange(present), rng.integers(0, present, rows - present)])
    if draw(st.booleans()):
        weights = rng.integers(0, 3, (rows, classes)) + np.eye(classes)[rng.integers(0, classes, rows)]
    else:
        weights = rng.gamma(0.5, size=(rows, classes))
    return y.astype(np.int64), weights / weights.sum(axis=1, keepdims=True)


def test_every_metric_is_compared():
    for problem_type in ProblemType:
        assert {metric.name for metric in metrics_for(problem_type)} == set(EXPECTED[problem_type])
    assert len({metric.name for metric in METRICS}) == len(METRICS)


def assert_equals_sklearn(problem_type, y, prediction):
    for metric in metrics_for(problem_type, n_features=3):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="sklearn")  # of a class that is predicted and not in y
            expected = float(EXPECTED[problem_type][metric.name](y, prediction))
        assert metric(y, prediction) == pytest.approx(expected, rel=1e-9, abs=1e-12), metric.name
        assert metric.bounds[0] - 1e-12 <= expected <= metric.bounds[1] + 1e-12, metric.name


@settings(deadline=None, max_examples=40)
@given(labelled(classes=2))
def test_binary_equals_sklearn(case):
    assert_equals_sklearn(BINARY, *case)


@settings(deadline=None, max_examples=40)
@given(labelled(classes=4))
def test_multiclass_equals_sklearn(case):
    assert_equals_sklearn(MULTICLASS, *case)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(5, 50), st.floats(-2, 2))
def test_regression_equals_sklearn(seed, rows, offset):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=rows).round(1)
    assert_equals_sklearn(REGRESSION, y, y + rng.normal(size=rows).round(1) + offset)


def test_r2_of_equal_values_equals_sklearn():
    r2, y = get_metric("r2", REGRESSION), np.full(4, 2.0)
    assert r2(y, y) == sk.r2_score(y, y)
    assert r2(y, y + 1) == sk.r2_score(y, y + 1)


@pytest.mark.parametrize("name", ["roc_auc", "average_precision"])
@pytest.mark.parametrize("problem_type", [BINARY, MULTICLASS])
def test_ranking_one_class_is_undefined(name, problem_type):
    metric = get_metric(name, problem_type)
    prediction = np.full((5, 2 if problem_type is BINARY else 3), 1 / 3)
    assert isnan(metric(np.ones(5, dtype=np.int64), prediction))
    assert isnan(metric.loss(np.ones(5, dtype=np.int64), prediction))


def test_too_few_rows_for_r2():
    assert isnan(get_metric("r2", REGRESSION)(np.ones(1), np.ones(1)))
    assert isnan(get_metric("adjusted_r2", REGRESSION, n_features=3)(np.arange(4.0), np.arange(4.0)))


def test_loss_and_better_follow_the_sign():
    auc, rmse = get_metric("roc_auc", BINARY), get_metric("rmse", REGRESSION)
    y, prediction = np.array([0, 1]), np.array([[0.8, 0.2], [0.3, 0.7]])
    assert auc(y, prediction) == 1
    assert auc.loss(y, prediction) == -1
    assert rmse.loss(np.zeros(2), np.ones(2)) == rmse(np.zeros(2), np.ones(2)) == 1
    assert auc.better(0.9, 0.8)
    assert not auc.better(0.8, 0.8)
    assert rmse.better(1.0, inf)
    assert rmse.better(1.0, nan)
    assert not rmse.better(nan, nan)


def test_a_certain_mistake_costs_the_epsilon():
    certain = np.array([[1.0, 0.0]])
    assert get_metric("log_loss", BINARY)(np.array([1]), certain) == pytest.approx(-np.log(np.finfo(float).eps))


@pytest.mark.parametrize(("name", "found"), [("AUC", "roc_auc"), ("ROC-AUC", "roc_auc"), ("logloss", "log_loss")])
def test_names_are_forgiving(name, found):
    assert get_metric(name, BINARY).name == found


def test_unknown_metric_suggests_a_known_one():
    with pytest.raises(UsageError, match="'acuracy' is unknown; did you mean 'accuracy'"):
        get_metric("acuracy", BINARY)


def test_unsuitable_metric_says_what_it_is_for():
    with pytest.raises(
        UsageError, match=r"'f1' is for binary problems, this one is multiclass; choose one of .*f1_macro"
    ):
        get_metric("f1", MULTICLASS)


@pytest.mark.parametrize(
    ("problem_type", "name"), [(BINARY, "roc_auc"), (MULTICLASS, "log_loss"), (REGRESSION, "rmse")]
)
def test_defaults(problem_type, name):
    assert default_metric(problem_type).name == name
