"""Every metric equals scikit-learn's, in the corners too."""

import contextlib
import functools
import warnings
from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from automl.data.table import ProblemType
from automl.errors import UsageError
from automl.evaluation import regression
from automl.evaluation.metrics import default_metric, get_metric, metrics_for

BINARY, MULTICLASS = ProblemType.BINARY, ProblemType.MULTICLASS
REGRESSION, QUANTILE = ProblemType.REGRESSION, ProblemType.QUANTILE


@pytest.mark.parametrize("name", [*(metric.name for metric in metrics_for(BINARY)), "fbeta@2", "lift@0.1"])
def test_a_metric_knows_whether_it_is_of_the_positive_class(name: str) -> None:
    draw = np.random.default_rng(0)
    y, prediction = (draw.random(200) < 0.3).astype(np.int64), draw.dirichlet([2, 1], 200)
    metric = get_metric(name, BINARY)
    same = np.isclose(metric(y, prediction), metric(1 - y, prediction[:, ::-1]), rtol=1e-9)
    assert metric.of_positive == (not same)


def decided(prediction):
    return prediction.argmax(axis=1)


def macro_over_present(binary):
    """One-vs-rest over the classes in ``y``, where scikit-learn itself gives up on a missing class."""

    def average(y, prediction, w):
        return np.mean([binary(y == code, prediction[:, code], sample_weight=w) for code in np.unique(y)])

    return average


def of_classes(function, **options):
    return lambda y, p, w: function(y, decided(p), sample_weight=w, **options)


def averaged(name, function):
    options = {} if name == "jaccard" else {"zero_division": 0}
    return {
        f"{name}_{average}": of_classes(function, average=average, **options)
        for average in ("macro", "micro", "weighted")
    }


def expected_lift(y, p, w):
    """Return the lift of the best tenth when ties stand in every order equally often."""
    w = np.ones(len(y)) if w is None else w
    falling = np.unique(p[:, 1])[::-1]
    left, caught = 0.1 * w.sum(), 0.0
    for score in falling:
        tied = p[:, 1] == score
        taken = min(left, w[tied].sum())
        caught += taken * np.average(y[tied], weights=w[tied])
        left -= taken
    return caught / 0.1 / w[y == 1].sum()


def ratio(place):
    def likelihood_ratio(y, p, w):
        return sk.class_likelihood_ratios(y, decided(p), sample_weight=w, replace_undefined_by=np.nan)[place]

    return likelihood_ratio


LEVELS = (0.1, 0.5, 0.8)


def each_level(of_level, prediction):
    return np.mean([of_level(q, level) for q, level in zip(prediction.T, LEVELS, strict=True)])


def saved_by_levels(y, prediction, weight):
    """The loss as a share of that of the best constants."""
    losses, of_best = 0.0, 0.0
    for q, level in zip(prediction.T, LEVELS, strict=True):
        loss = sk.mean_pinball_loss(y, q, alpha=level, sample_weight=weight)
        losses += loss
        of_best += loss / (1 - sk.d2_pinball_score(y, q, alpha=level, sample_weight=weight))
    return losses / of_best


LABELLED = {
    "accuracy": of_classes(sk.accuracy_score),
    "balanced_accuracy": of_classes(sk.balanced_accuracy_score),
    "error_rate": of_classes(sk.zero_one_loss),
    "mcc": of_classes(sk.matthews_corrcoef),
    "cohen_kappa": of_classes(sk.cohen_kappa_score),
    "quadratic_kappa": of_classes(functools.partial(sk.cohen_kappa_score, weights="quadratic", labels=range(10))),
    **averaged("f1", sk.f1_score),
    **averaged("precision", sk.precision_score),
    **averaged("recall", sk.recall_score),
    **averaged("jaccard", sk.jaccard_score),
    "log_loss": lambda y, p, w: sk.log_loss(y, p, sample_weight=w, labels=list(range(p.shape[1]))),
    "brier": lambda y, p, w: sk.brier_score_loss(y, p, sample_weight=w, labels=list(range(p.shape[1]))),
    "d2_log_loss": lambda y, p, w: sk.d2_log_loss_score(y, p, sample_weight=w, labels=list(range(p.shape[1]))),
    "d2_brier": lambda y, p, w: sk.d2_brier_score(y, p, sample_weight=w, labels=list(range(p.shape[1]))),
}
EXPECTED = {
    BINARY: LABELLED
    | {
        "f1": of_classes(sk.f1_score, zero_division=0),
        "precision": of_classes(sk.precision_score, zero_division=0),
        "recall": of_classes(sk.recall_score, zero_division=0),
        "jaccard": of_classes(sk.jaccard_score),
        "fbeta@2": of_classes(sk.fbeta_score, beta=2, zero_division=0),
        "roc_auc": lambda y, p, w: sk.roc_auc_score(y, p[:, 1], sample_weight=w),
        "average_precision": lambda y, p, w: sk.average_precision_score(y, p[:, 1], sample_weight=w),
        "lift@0.1": expected_lift,
        "positive_likelihood_ratio": ratio(0),
        "negative_likelihood_ratio": ratio(1),
    },
    MULTICLASS: LABELLED
    | {
        "roc_auc": macro_over_present(sk.roc_auc_score),
        "average_precision": macro_over_present(sk.average_precision_score),
        "top_k_accuracy@2": lambda y, p, w: sk.top_k_accuracy_score(
            y, p, k=2, sample_weight=w, labels=list(range(p.shape[1]))
        ),
    },
    REGRESSION: {
        "rmse": sk.root_mean_squared_error,
        "mse": sk.mean_squared_error,
        "mae": sk.mean_absolute_error,
        "mape": sk.mean_absolute_percentage_error,
        "wape": lambda y, p, sample_weight: (
            sk.mean_absolute_error(y, p, sample_weight=sample_weight) / np.average(np.abs(y), weights=sample_weight)
        ),
        "rmsle": sk.root_mean_squared_log_error,
        "msle": sk.mean_squared_log_error,
        "median_absolute_error": sk.median_absolute_error,
        "max_error": lambda y, p, sample_weight: sk.max_error(y, p),
        "poisson_deviance": sk.mean_poisson_deviance,
        "gamma_deviance": sk.mean_gamma_deviance,
        "tweedie_deviance@1.5": functools.partial(sk.mean_tweedie_deviance, power=1.5),
        "d2_tweedie@1.2": functools.partial(sk.d2_tweedie_score, power=1.2),
        "pinball@0.9": functools.partial(sk.mean_pinball_loss, alpha=0.9),
        "d2_pinball@0.9": functools.partial(sk.d2_pinball_score, alpha=0.9),
        "d2_absolute_error": sk.d2_absolute_error_score,
        "r2": sk.r2_score,
        "explained_variance": sk.explained_variance_score,
        "adjusted_r2": lambda y, p, sample_weight: (
            1 - (1 - sk.r2_score(y, p, sample_weight=sample_weight)) * (len(y) - 1) / (len(y) - 4)
            if len(y) > 4
            else nan
        ),
    },
    QUANTILE: {
        "pinball": lambda y, p, w: each_level(
            lambda q, level: sk.mean_pinball_loss(y, q, alpha=level, sample_weight=w), p
        ),
        "d2_pinball": lambda y, p, w: 1 - saved_by_levels(y, p, w),
        "coverage_error": lambda y, p, w: each_level(lambda q, level: abs(np.average(y <= q, weights=w) - level), p),
    },
}
PAIRS = {
    "roc_auc_ovr_weighted": {"multi_class": "ovr", "average": "weighted"},
    "roc_auc_ovo": {"multi_class": "ovo", "average": "macro"},
    "roc_auc_ovo_weighted": {"multi_class": "ovo", "average": "weighted"},
}
"""Where every class must be in ``y``; pairs without weights, which scikit-learn has none for."""
ELSEWHERE = {f"{name}_{kind}" for name in ("f1", "precision", "recall", "jaccard") for kind in ["samples"]} | {
    *("adjusted_mutual_info_score", "adjusted_rand_score", "completeness_score", "fowlkes_mallows_score"),
    *("homogeneity_score", "mutual_info_score", "normalized_mutual_info_score", "rand_score", "v_measure_score"),
}
"""scikit-learn's scorers of clusters and of several labels a row."""


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


def weights(rows, seed):
    """No weights, whole ones with zeros among them, or any."""
    rng = np.random.default_rng(seed)
    return (None, rng.integers(0, 4, rows).astype(float), rng.gamma(1.0, size=rows))[seed % 3]


def test_every_metric_is_compared():
    for problem_type in ProblemType:
        plain = {metric.name for metric in metrics_for(problem_type)}
        assert plain <= set(EXPECTED[problem_type]) | set(PAIRS)
        assert len(plain) == len(metrics_for(problem_type))


def assert_equals_sklearn(problem_type, y, prediction, seed):
    weight = weights(len(y), seed)
    kept = np.arange(len(y)) if weight is None else np.flatnonzero(weight)
    if len(np.unique(y[kept])) < 2:
        return
    given = y[kept], prediction[kept], None if weight is None else weight[kept]
    for name, reference in EXPECTED[problem_type].items():
        metric = get_metric(name, problem_type, n_features=3, levels=LEVELS)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="sklearn")  # of a class that is predicted and not in y
            expected = float(
                reference(*given[:2], **{"sample_weight": given[2]} if given[1].ndim == 1 else {"w": given[2]})
            )
        assert metric(y, prediction, weight) == pytest.approx(expected, rel=1e-9, abs=1e-12, nan_ok=True), name
        assert isnan(expected) or metric.bounds[0] - 1e-12 <= expected <= metric.bounds[1] + 1e-12, name


@settings(deadline=None, max_examples=25)
@given(labelled(classes=2), st.integers(0, 99))
def test_binary_equals_sklearn(case, seed):
    assert_equals_sklearn(BINARY, *case, seed)


@settings(deadline=None, max_examples=25)
@given(labelled(classes=4), st.integers(0, 99))
def test_multiclass_equals_sklearn(case, seed):
    assert_equals_sklearn(MULTICLASS, *case, seed)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(8, 50), st.floats(0.1, 2))
def test_regression_equals_sklearn(seed, rows, offset):
    rng = np.random.default_rng(seed)
    y = rng.gamma(1.0, size=rows).round(1) + 0.1
    assert_equals_sklearn(REGRESSION, y, y * rng.gamma(2.0, size=rows).round(1) + offset, seed)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(8, 50))
def test_quantiles_equal_sklearn(seed, rows):
    rng = np.random.default_rng(seed)
    assert_equals_sklearn(QUANTILE, rng.normal(size=rows), rng.normal(size=(rows, 3)), seed)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_averages_over_pairs_of_classes_equal_sklearn(seed):
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.arange(4), rng.integers(0, 4, 30)])
    prediction = rng.dirichlet(np.ones(4), len(y)).round(2) + 1e-3
    prediction /= prediction.sum(axis=1, keepdims=True)
    for name, options in PAIRS.items():
        assert get_metric(name, MULTICLASS)(y, prediction) == pytest.approx(sk.roc_auc_score(y, prediction, **options))


@settings(deadline=None, max_examples=30)
@given(st.sampled_from(sorted(ProblemType)), st.integers(0, 2**32 - 1))
def test_a_weight_of_two_is_the_row_twice(problem_type, seed):
    rng = np.random.default_rng(seed)
    weight = rng.integers(0, 3, 40)
    classes = {BINARY: 2, MULTICLASS: 3}.get(problem_type, 0)
    y = (
        np.concatenate([np.arange(classes), rng.integers(0, classes, 40 - classes)])
        if classes
        else rng.gamma(1.0, size=40)
    )
    prediction = rng.dirichlet(np.ones(classes), 40) if classes else rng.gamma(1.0, size=40)
    if problem_type is QUANTILE:
        prediction = rng.gamma(1.0, size=(40, 3))
    repeated = np.repeat(np.arange(40), weight)
    for metric in metrics_for(problem_type, levels=LEVELS):
        twice = metric(y[repeated], prediction[repeated])
        if metric.name != "adjusted_r2":  # which counts rows, not weights
            assert metric(y, prediction, weight.astype(float)) == pytest.approx(twice, nan_ok=True), metric.name


@pytest.mark.parametrize("name", sorted(set(sk.get_scorer_names()) - ELSEWHERE))
def test_the_names_of_scikit_learn_are_known_and_keep_their_natural_sign(name):
    known = []
    for problem_type in ProblemType:
        with contextlib.suppress(UsageError):
            known.append(get_metric(name, problem_type))
    assert known
    assert {metric.greater_is_better for metric in known} == {not name.startswith("neg_")}


def test_an_argument_out_of_range_says_the_range():
    with pytest.raises(UsageError, match=r"'pinball' takes a number from 0.001 to 0.999, such as pinball@0.5; got '9'"):
        get_metric("pinball@9", REGRESSION)
    with pytest.raises(UsageError, match="'rmse@2' is unknown"):
        get_metric("rmse@2", REGRESSION)


def test_a_target_that_a_metric_cannot_take_is_undefined():
    y, prediction = np.array([-2.0, 1.0]), np.array([1.0, 1.0])
    for name in ("rmsle", "msle", "poisson_deviance", "gamma_deviance"):
        assert isnan(get_metric(name, REGRESSION)(y, prediction)), name
        assert get_metric(name, REGRESSION)(np.array([1.0, 2.0]), -prediction) > 1, name  # a prediction is only bad


@pytest.mark.parametrize("scale", [1e-12, 1e9])
def test_the_gamma_deviance_does_not_depend_on_the_unit_of_the_target(scale):
    y, prediction = np.array([0.5, 1.0, 3.0]), np.array([1.0, 0.9, 2.0])
    metric = get_metric("gamma_deviance", REGRESSION)
    assert metric(scale * y, scale * prediction) == pytest.approx(metric(y, prediction))


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


def test_the_loss_follows_the_sign():
    auc, rmse = get_metric("roc_auc", BINARY), get_metric("rmse", REGRESSION)
    y, prediction = np.array([0, 1]), np.array([[0.8, 0.2], [0.3, 0.7]])
    assert auc(y, prediction) == 1
    assert auc.loss(y, prediction) == -1
    assert rmse.loss(np.zeros(2), np.ones(2)) == rmse(np.zeros(2), np.ones(2)) == 1


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


@given(values=st.lists(st.floats(5.0, 100.0), min_size=1, max_size=30))
def test_the_best_constant_for_relative_errors_is_the_median_by_their_weights(values):
    y = np.array(values)
    best = regression.weighted_quantile(y, 0.5, regression.relative_weights(y))
    losses = [regression.mape(y, np.full(len(y), each)) for each in values]
    assert regression.mape(y, np.full(len(y), best)) == pytest.approx(min(losses))
    assert regression.relative_weights(y).mean() == pytest.approx(1.0)
