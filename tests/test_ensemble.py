"""Laws of ensembles."""

import time
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.blend import Blend, stack
from automl.data.table import ProblemType
from automl.deadline import Deadline
from automl.ensemble import choose_blend, greedy_weights, least_prediction
from automl.evaluation.metric import Metric
from automl.evaluation.metrics import get_metric
from automl.evaluation.regression import LOWEST
from automl.evaluation.validation import parts_to_cross_fit

CASES = [("roc_auc", ProblemType.BINARY), ("log_loss", ProblemType.MULTICLASS), ("rmse", ProblemType.REGRESSION)]


def noisy_models(rng, problem_type, rows, models):
    """Return a target and models that know it with different, independent errors."""
    if problem_type is ProblemType.REGRESSION:
        y = rng.normal(size=rows)
        return y, [y + rng.normal(scale=rng.uniform(0.2, 2), size=rows) for _ in range(models)]
    classes = 2 if problem_type is ProblemType.BINARY else 3
    y = np.concatenate([np.arange(classes), rng.integers(0, classes, rows - classes)])
    predictions = []
    for _ in range(models):
        weights = np.exp(np.eye(classes)[y] * rng.uniform(0, 2) + rng.normal(size=(rows, classes)))
        predictions.append(weights / weights.sum(axis=1, keepdims=True))
    return y, predictions


problems = st.tuples(st.integers(0, 2**32 - 1), st.sampled_from(CASES), st.integers(8, 120), st.integers(1, 6))


@settings(deadline=None, max_examples=60)
@given(problems)
def test_weights_are_shares_and_never_worse_than_the_best_model(problem):
    seed, (name, problem_type), rows, models = problem
    metric = get_metric(name, problem_type)
    y, predictions = noisy_models(np.random.default_rng(seed), problem_type, rows, models)
    weights = greedy_weights(predictions, y, metric)
    assert weights.shape == (models,)
    assert weights.min() >= 0
    assert weights.sum() == pytest.approx(1)
    best = min(metric.loss(y, each) for each in predictions)
    assert metric.loss(y, Blend(weights)(predictions)) <= best + 1e-12


@settings(deadline=None, max_examples=30)
@given(problems, st.randoms(use_true_random=False))
def test_the_order_of_models_does_not_matter(problem, random):
    seed, _, rows, models = problem
    metric = get_metric("rmse", ProblemType.REGRESSION)  # no ties between different models, unlike ranks
    y, predictions = noisy_models(np.random.default_rng(seed), ProblemType.REGRESSION, rows, models)
    order = random.sample(range(models), models)
    shuffled = greedy_weights([predictions[index] for index in order], y, metric)
    assert shuffled == pytest.approx(greedy_weights(predictions, y, metric)[order])


@settings(deadline=None, max_examples=30)
@given(problems)
def test_a_copy_of_a_model_changes_nothing(problem):
    seed, (name, problem_type), rows, models = problem
    metric = get_metric(name, problem_type)
    y, predictions = noisy_models(np.random.default_rng(seed), problem_type, rows, models)
    alone = greedy_weights(predictions, y, metric)
    doubled = greedy_weights([*predictions, predictions[0]], y, metric)
    assert doubled == pytest.approx([*alone, 0.0])


@pytest.mark.parametrize(("name", "problem_type"), CASES)
def test_a_perfect_model_gets_all(name, problem_type):
    y, predictions = noisy_models(np.random.default_rng(0), problem_type, 60, 4)
    perfect = y.copy() if problem_type is ProblemType.REGRESSION else np.eye(predictions[0].shape[1])[y]
    weights = greedy_weights([*predictions, perfect], y, get_metric(name, problem_type))
    assert weights.tolist() == [0, 0, 0, 0, 1]


def test_independent_errors_are_averaged_away():
    rng, metric = np.random.default_rng(0), get_metric("rmse", ProblemType.REGRESSION)
    y = rng.normal(size=2_000)
    predictions = [y + rng.normal(size=2_000) for _ in range(4)]
    weights = greedy_weights(predictions, y, metric)
    assert weights == pytest.approx([0.25] * 4, abs=0.05)
    assert metric(y, Blend(weights)(predictions)) == pytest.approx(0.5, abs=0.05)


@settings(deadline=None, max_examples=40)
@given(problems, st.lists(st.floats(1.0, 1e9), min_size=6, max_size=6))
def test_a_cheaper_ensemble_keeps_most_of_the_gain(problem, costs):
    seed, (name, problem_type), rows, models = problem
    metric = get_metric(name, problem_type)
    y, predictions = noisy_models(np.random.default_rng(seed), problem_type, rows, models)
    full, light = (greedy_weights(predictions, y, metric, costs=each) for each in (None, costs[:models]))
    assert set(np.flatnonzero(light)) <= set(np.flatnonzero(full))
    judge = get_metric("mse", problem_type) if name == "rmse" else metric  # it is what stands for RMSE
    best = min(judge.loss(y, each) for each in predictions)
    whole, rest = (judge.loss(y, Blend(each)(predictions)) for each in (full, light))
    assert rest <= whole + 0.02 * (best - whole) + 1e-9


@pytest.mark.parametrize("dear", [0, 1])
def test_of_near_twins_the_cheaper_one_stays(dear):
    rng, metric = np.random.default_rng(0), get_metric("rmse", ProblemType.REGRESSION)
    y, common, *own = rng.normal(size=(6, 2_000))
    predictions = [y + common + own[0] / 4, y + common + own[1] / 4, y + own[2], y + own[3]]
    assert greedy_weights(predictions, y, metric).min() > 0
    costs = [9.0 if index == dear else 1.0 for index in range(4)]
    assert np.flatnonzero(greedy_weights(predictions, y, metric, costs=costs)).tolist() == [1 - dear, 2, 3]


@pytest.mark.parametrize(("rows", "members"), [(100, 4), (500, 8), (2_000, 15)])
def test_few_rows_get_few_members(rows, members):
    rng, metric = np.random.default_rng(0), get_metric("rmse", ProblemType.REGRESSION)
    y = rng.normal(size=rows)
    predictions = [y + rng.normal(size=rows) for _ in range(20)]
    assert np.count_nonzero(greedy_weights(predictions, y, metric)) == members
    assert np.count_nonzero(greedy_weights(predictions, y, metric, max_members=2)) == 2


def test_many_rows_are_sampled_and_still_never_worse():
    metric, problem_type = get_metric("roc_auc", ProblemType.BINARY), ProblemType.BINARY
    y, predictions = noisy_models(np.random.default_rng(0), problem_type, 45_000, 3)
    weights = greedy_weights(predictions, y, metric)
    assert metric(y, Blend(weights)(predictions)) > max(metric(y, each) for each in predictions)


def test_an_undefined_metric_takes_the_first_model():
    metric = get_metric("roc_auc", ProblemType.BINARY)
    assert greedy_weights([np.full((6, 2), 0.5)] * 3, np.zeros(6, dtype=np.int64), metric).tolist() == [1, 0, 0]


def test_cross_fitting_uses_the_weights_of_the_other_folds():
    metric = get_metric("mae", ProblemType.REGRESSION)  # has no second layer
    y, predictions = noisy_models(np.random.default_rng(0), ProblemType.REGRESSION, 90, 4)
    fold_of_row = np.repeat([0, 1, 2], 30)
    blend, honest = choose_blend(predictions, y, metric, fold_of_row)
    assert blend.weights == pytest.approx(greedy_weights(predictions, y, metric))
    for fold in range(3):
        inside = fold_of_row == fold
        weights = greedy_weights([each[~inside] for each in predictions], y[~inside], metric)
        assert honest[inside] == pytest.approx(Blend(weights)([each[inside] for each in predictions]))


@pytest.mark.parametrize(("name", "problem_type"), CASES[1:])
def test_a_rows_own_target_has_no_part_in_its_cross_fitted_prediction(name, problem_type):
    """Its part in the choice between two ways is all it has: here one way is better by far."""
    rng = np.random.default_rng(1)
    y, predictions = noisy_models(rng, problem_type, 200, 4)
    fold_of_row = rng.integers(0, 4, 200)
    metric = get_metric(name, problem_type)
    _, honest = choose_blend(predictions, y, metric, fold_of_row)
    changed = y.copy()
    changed[0] = changed[0] + 0.01 if problem_type is ProblemType.REGRESSION else (changed[0] + 1) % (y.max() + 1)
    _, again = choose_blend(predictions, changed, metric, fold_of_row)
    same = fold_of_row == fold_of_row[0]
    assert np.array_equal(honest[same], again[same])
    assert not np.array_equal(honest[~same], again[~same])


def test_the_second_layer_is_taken_where_it_helps_on_new_rows():
    metric, rng = get_metric("log_loss", ProblemType.BINARY), np.random.default_rng(0)
    truth = rng.uniform(0.02, 0.98, 3000)
    y = (rng.random(3000) < truth).astype(np.int64)
    timid = 0.5 + (truth - 0.5) / 4
    predictions = [np.column_stack([1 - timid, timid])]
    blend, honest = choose_blend(predictions, y, metric, rng.integers(0, 5, 3000))
    assert blend.log
    assert metric.loss(y, honest) < metric.loss(y, predictions[0]) - 0.05
    assert np.abs(blend(predictions)[:, 1] - truth).mean() < 0.08


@pytest.mark.parametrize("problem_type", [ProblemType.BINARY, ProblemType.REGRESSION])
def test_the_second_layer_is_not_taken_for_luck(problem_type):
    """Models that are right as they are: whatever looks better in 300 rows is chance."""
    metric = get_metric("roc_auc" if problem_type is ProblemType.BINARY else "rmse", problem_type)
    bent = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        signal = rng.normal(size=300)
        if problem_type is ProblemType.BINARY:
            truth = 1 / (1 + np.exp(-signal))
            y, model = (rng.random(300) < truth).astype(np.int64), np.column_stack([1 - truth, truth])
        else:
            y, model = signal + rng.normal(size=300), signal
        blend, _ = choose_blend([model], y, metric, rng.integers(0, 5, 300))
        bent += blend.bias is not None
    assert bent <= 4


def test_calibration_must_not_cost_what_is_optimised():
    """The share of the rows above one half gets worse as probabilities get better."""

    def above(y, prediction, weight):
        return float(np.average(prediction[:, 1] > 0.5, weights=weight))

    rng = np.random.default_rng(0)
    truth = rng.uniform(0.02, 0.48, 3000)
    y, bold = (rng.random(3000) < truth).astype(np.int64), np.minimum(2 * truth, 0.98)
    predictions, folds = [np.column_stack([1 - bold, bold])], rng.integers(0, 5, 3000)
    own = Metric("above", (ProblemType.BINARY,), True, above)
    assert choose_blend(predictions, y, get_metric("roc_auc", ProblemType.BINARY), folds)[0].log
    assert not choose_blend(predictions, y, own, folds)[0].log


@pytest.mark.parametrize("folds_run", [1, 5])
def test_cross_fitting_does_not_flatter_noise(folds_run):
    """Among 30 models of pure noise some look good by luck; the ensemble's honest score does not believe it."""
    metric, rng = get_metric("roc_auc", ProblemType.BINARY), np.random.default_rng(0)
    flattered, honest = [], []
    for seed in range(12):
        y = rng.integers(0, 2, 150)
        positive = rng.random((30, 150))
        predictions = [np.column_stack([1 - each, each]) for each in positive]
        parts = parts_to_cross_fit(rng.integers(0, folds_run, 150), y, ProblemType.BINARY, seed)
        flattered.append(metric(y, Blend(greedy_weights(predictions, y, metric))(predictions)))
        honest.append(metric(y, choose_blend(predictions, y, metric, parts)[1]))
    assert np.mean(flattered) > 0.6
    assert np.mean(honest) == pytest.approx(0.5, abs=0.04)


def test_cross_fitting_does_not_flatter_what_was_learned_of_a_group():
    """In one fold, too, rows of a group are not judged by weights that have seen others of it."""
    metric, rng = get_metric("roc_auc", ProblemType.BINARY), np.random.default_rng(0)
    groups, one_fold, honest = np.repeat(np.arange(40), 10), np.zeros(400, np.intp), []
    for seed in range(12):
        y = rng.integers(0, 2, 40)[groups]
        positive = rng.random((30, 40))[:, groups]
        predictions = [np.column_stack([1 - each, each]) for each in positive]
        parts = parts_to_cross_fit(one_fold, y, ProblemType.BINARY, seed, groups)
        honest.append(metric(y, choose_blend(predictions, y, metric, parts)[1]))
    assert np.mean(honest) == pytest.approx(0.5, abs=0.08)


def test_a_single_row_is_averaged():
    metric = get_metric("rmse", ProblemType.REGRESSION)
    blend, honest = choose_blend([np.array([1.0]), np.array([3.0])], np.array([1.0]), metric, np.array([0]))
    assert (blend.weights.tolist(), honest.tolist()) == ([0.5, 0.5], [2.0])


def test_metrics_without_a_surrogate_choose_by_themselves():
    metric, problem_type = get_metric("mae", ProblemType.REGRESSION), ProblemType.REGRESSION
    y, predictions = noisy_models(np.random.default_rng(0), problem_type, 300, 4)
    weights = greedy_weights(predictions, y, metric)
    assert metric.loss(y, Blend(weights)(predictions)) < min(metric.loss(y, each) for each in predictions)


@settings(deadline=None, max_examples=30)
@given(problems)
def test_a_weight_of_two_is_the_row_twice(problem):
    seed, (name, problem_type), rows, models = problem
    metric, rng = get_metric(name, problem_type), np.random.default_rng(seed)
    y, predictions = noisy_models(rng, problem_type, rows, models)
    weight = rng.integers(1, 4, rows)
    often = np.repeat(np.arange(rows), weight)
    weighted = greedy_weights(predictions, y, metric, sample_weight=weight.astype(float), max_members=4)
    repeated = greedy_weights([each[often] for each in predictions], y[often], metric, max_members=4)
    losses = [metric.loss(y, Blend(each)(predictions), weight.astype(float)) for each in (weighted, repeated)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


def test_the_second_layer_counts_rows_by_their_weights():
    for problem_type in (ProblemType.REGRESSION, ProblemType.MULTICLASS):
        rng = np.random.default_rng(1)
        y, predictions = noisy_models(rng, problem_type, 80, 3)
        weight = rng.integers(1, 4, 80)
        often, prior = np.repeat(np.arange(80), weight), np.full(3, 1 / 3)
        weighted = stack(predictions, y, prior, sample_weight=weight.astype(float))
        repeated = stack([each[often] for each in predictions], y[often], prior)
        # the scale of the ridge is the variance of the target, which repetition changes a little
        np.testing.assert_allclose(weighted.weights, repeated.weights, atol=2e-2)
        np.testing.assert_allclose(weighted.bias, repeated.bias, atol=2e-2)


@pytest.mark.parametrize(("name", "problem_type"), [("rmse", ProblemType.REGRESSION), ("log_loss", ProblemType.BINARY)])
def test_no_weight_is_negative_where_that_would_break_a_promise(name, problem_type):
    """The second model is the first one's error: an average takes it to be less bold, the best weights subtract it."""
    rng, metric = np.random.default_rng(0), get_metric(name, problem_type)
    signal, error = rng.normal(size=(2, 3_000))
    models = [signal + error, 0.2 * error]
    if problem_type is ProblemType.BINARY:
        y = (rng.random(3_000) < 1 / (1 + np.exp(-signal))).astype(np.int64)
        models = [1 / (1 + np.exp(-each)) for each in models]
        models = [np.column_stack([1 - each, each]) for each in models]
    else:
        y = signal + 0.1 * rng.normal(size=3_000)
    folds = np.arange(3_000) % 3
    free, free_honest = choose_blend(models, y, metric, folds)
    kept, honest = choose_blend(models, y, metric, folds, positive=True)
    assert free.weights.min() < -0.05
    assert kept.weights.min() >= 0
    assert metric.loss(y, free_honest) < metric.loss(y, honest)


def test_the_second_layer_does_not_undo_class_weights():
    """Models of balanced classes are far from the table's shares, and are to stay there."""
    metric, rng = get_metric("roc_auc", ProblemType.BINARY), np.random.default_rng(0)
    signal = rng.normal(size=4_000)
    y = (rng.random(4_000) < 1 / (1 + np.exp(3 - 2 * signal))).astype(np.int64)
    shift = 3 - np.log(1 / y.mean() - 1)
    balanced = [1 / (1 + np.exp(shift - 2 * signal - 0.2 * rng.normal(size=4_000))) for _ in range(3)]
    models = [np.column_stack([1 - each, each]) for each in balanced]
    weight = np.where(y == 1, 0.5 / y.mean(), 0.5 / (1 - y.mean()))
    folds = np.arange(4_000) % 4
    undone, kept = (
        choose_blend(models, y, metric, folds, training_weight=each)[1][:, 1].mean() for each in (None, weight)
    )
    assert undone == pytest.approx(y.mean(), abs=0.02)
    assert kept == pytest.approx(np.mean(balanced), abs=0.05)
    assert kept > 1.5 * y.mean()


def test_a_choice_ends_in_time_with_the_best_so_far():
    """Each look at the metric takes 5 ms at least, so their number tells the time."""
    looks = []

    def slow(y, prediction, weight):
        looks.append(time.sleep(0.005))
        return float(np.average(np.abs(prediction - y), weights=weight))

    metric = Metric("slow", (ProblemType.REGRESSION,), False, slow, (0.0, np.inf))
    y, predictions = noisy_models(np.random.default_rng(0), ProblemType.REGRESSION, 600, 24)
    folds = np.arange(600) % 5
    blend, honest = choose_blend(predictions, y, metric, folds, deadline=Deadline.after(0.3))
    assert len(looks) < 80
    assert blend.weights.sum() == pytest.approx(1)
    assert np.isfinite(honest).all()
    looks.clear()
    assert greedy_weights(predictions, y, metric, deadline=Deadline(0.0)).tolist() == [1, *[0] * 23]
    assert len(looks) == 1


@pytest.mark.parametrize(
    ("metric", "y", "least"),
    [
        ("rmse", [0.0, 4.0], 0.0),
        ("rmse", [2.0, 4.0], 0.0),
        ("rmse", [-1.0, 4.0], -inf),
        ("gamma_deviance", [2.0, 4.0], 2.0),
        ("poisson_deviance", [0.0, 4.0], 0.02),
        ("rmsle", [0.0, 4.0], 0.0),
        ("rmsle", [-0.5, 4.0], LOWEST),
    ],
)
def test_the_least_prediction_suits_the_values_and_the_metric(metric, y, least):
    assert least_prediction(get_metric(metric, ProblemType.REGRESSION), np.array(y)) == least


def test_no_blend_predicts_below_what_is_the_least():
    y = np.maximum(np.random.default_rng(0).normal(size=200), 0)
    models = [y + np.random.default_rng(seed).normal(size=200) for seed in (1, 2)]
    parts = np.arange(200) % 5
    blend, honest = choose_blend(models, y, get_metric("rmse", ProblemType.REGRESSION), parts)
    assert blend(models).min() == honest.min() == 0.0
