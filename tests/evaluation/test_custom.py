"""Metrics of the user's own: functions, objects, names to import; what cannot work is said at once."""

import os
import re
import subprocess
import sys
from functools import partial
from math import isnan, nan

import numpy as np
import pytest
from sklearn.metrics import (
    f1_score,
    fbeta_score,
    get_scorer,
    hinge_loss,
    make_scorer,
    mean_pinball_loss,
    mean_squared_error,
)

from automl.data.table import ProblemType, Task
from automl.errors import UsageError
from automl.evaluation.custom import check_metric, metric_name, resolve, silent_on_sign, stored_metric
from automl.evaluation.metric import Metric

BINARY = Task("y", ProblemType.BINARY, "", ("no", "yes"))
VALUES = Task("y", ProblemType.REGRESSION, "")
Y, PREDICTION = np.array([0, 1, 1]), np.array([[0.9, 0.1], [0.4, 0.6], [0.8, 0.2]])


def hits(y, prediction):
    return (prediction.argmax(axis=1) == y).sum()


def misses(y, prediction, sample_weight=None):
    return np.average(prediction.argmax(axis=1) != y, weights=sample_weight)


misses.greater_is_better = False


def test_a_function_is_a_metric_with_the_sign_that_it_says():
    assert resolve(hits, BINARY)(Y, PREDICTION) == 2.0
    assert resolve(hits, BINARY).greater_is_better
    assert resolve(hits, BINARY).problem_types == (ProblemType.BINARY,)
    assert not resolve(misses, BINARY).greater_is_better
    assert resolve(misses, BINARY)(Y, PREDICTION, np.array([1.0, 0.0, 3.0])) == 0.75


def test_for_a_function_of_scikit_learn_stands_ours():
    assert resolve(f1_score, BINARY).name == resolve("sklearn.metrics:f1_score", BINARY).name == "f1"
    squared = resolve(mean_squared_error, VALUES)
    assert (squared.name, squared.greater_is_better) == ("mse", False)
    assert stored_metric("mse", mean_squared_error, VALUES) == squared
    with pytest.raises(UsageError, match="'f1_score' is for binary problems, this one is regression"):
        resolve(f1_score, VALUES)


def test_a_partial_function_keeps_its_arguments_and_the_sign_of_what_is_inside():
    low = resolve(partial(mean_pinball_loss, alpha=0.1), VALUES)
    assert low(np.array([1.0]), np.array([0.0])) == pytest.approx(0.1)
    assert not low.greater_is_better
    assert low.name == metric_name(mean_pinball_loss)
    assert resolve(partial(fbeta_score, beta=2), BINARY).greater_is_better
    assert not resolve(partial(misses, sample_weight=None), BINARY).greater_is_better
    assert not resolve(hinge_loss, BINARY).greater_is_better


def test_for_a_scorer_stands_ours_if_it_has_no_arguments():
    loss = get_scorer("neg_log_loss")
    assert resolve(loss, BINARY) == resolve("log_loss", BINARY) == resolve(metric_name(loss), BINARY)
    for scorer in (get_scorer("f1_macro"), make_scorer(misses)):
        with pytest.raises(UsageError, match=r"must not be a scorer.* got make_scorer.*; give its name, such as"):
            resolve(scorer, BINARY)


def test_who_does_not_say_the_sign_is_known():
    assert [silent_on_sign(each) for each in (hits, partial(hits), lambda y, prediction: 1.0)] == [True] * 3
    known = (None, "rmse", misses, f1_score, partial(misses), get_scorer("f1"), Metric("bias", (), True, hits))
    assert not any(map(silent_on_sign, known))


def test_a_name_is_imported_from_the_working_directory_too(tmp_path, monkeypatch):
    (tmp_path / "our_gains.py").write_text("def gain(y, prediction):\n    return float(len(y))\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", ["elsewhere"])
    metric = resolve("our_gains:gain", BINARY)
    assert (metric.name, metric(Y, PREDICTION)) == ("our_gains:gain", 3.0)


def test_the_name_of_a_function_is_where_it_is_from():
    assert metric_name(hits) == f"{hits.__module__}:hits"
    assert metric_name("AUC") == "AUC"
    assert metric_name(Metric("bias", tuple(ProblemType), True, hits)) == "bias"


def test_an_object_must_fit_the_task_and_not_take_a_known_name():
    with pytest.raises(UsageError, match="'bias' is for regression problems, this one is binary"):
        resolve(Metric("bias", (ProblemType.REGRESSION,), True, hits), BINARY)
    with pytest.raises(UsageError, match="'rmse' is taken"):
        resolve(Metric("rmse", (ProblemType.REGRESSION,), True, hits), VALUES)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda y, prediction: 1 / 0, "it raised ZeroDivisionError: division by zero"),
        (lambda y, prediction: "good", "it raised ValueError"),
        (lambda y, prediction: None, "it raised TypeError"),
        (lambda y, prediction: nan, "it returned nan"),
        (lambda y, prediction: prediction, "it raised TypeError"),
        (lambda y: 1.0, "it raised TypeError"),
    ],
)
def test_what_is_not_a_number_is_one_line_before_training(function, said):
    with pytest.raises(UsageError, match=re.escape(said)) as error:
        check_metric(resolve(function, BINARY), Y, BINARY)
    assert "(rows, 2) probabilities" in str(error.value)


@pytest.mark.parametrize("own", [False, True], ids=["function", "Metric"])
def test_where_a_metric_fails_it_is_not_defined(own):
    """On the rows of a fold, say, of which none is predicted to be positive: the run goes on."""

    def rarely(y, prediction, weight=None):
        return 1 / int((prediction[:, 1] >= 0.5).sum())

    metric = resolve(Metric("rarely", (ProblemType.BINARY,), True, rarely) if own else rarely, BINARY)
    assert isnan(metric(Y, np.tile([0.9, 0.1], (3, 1))))
    assert metric(Y, np.tile([0.1, 0.9], (3, 1))) == pytest.approx(1 / 3)


def test_a_target_out_of_range_is_said_before_training():
    with pytest.raises(UsageError, match=r"'rmsle' must be a number for this target \(-4 to 3\)"):
        check_metric(resolve("rmsle", VALUES), np.array([-4.0, 1.0, 3.0]), VALUES)
    check_metric(resolve("rmsle", VALUES), np.array([0.0, 1.0, 3.0]), VALUES)


def test_weights_need_a_function_that_takes_them():
    with pytest.raises(UsageError, match="no third parameter for the weights"):
        check_metric(resolve(hits, BINARY), Y, BINARY, np.ones(3))
    check_metric(resolve(misses, BINARY), Y, BINARY, np.ones(3))


def test_a_run_is_gone_on_with_by_its_own_metric_only():
    assert stored_metric("rmse", None, VALUES).name == "rmse"
    assert stored_metric(metric_name(hits), hits, BINARY).name == metric_name(hits)
    with pytest.raises(UsageError, match=r"does not hold the code of the metric 'our:gain'.*metric='our:gain'"):
        stored_metric("our:gain", None, BINARY)
    with pytest.raises(UsageError, match="'bias'"):
        stored_metric("bias", None, BINARY)
    with pytest.raises(UsageError, match=r"the run optimises 'mae', not 'rmse'"):
        stored_metric("mae", "rmse", VALUES)


def test_a_metric_may_return_a_number_of_numpy() -> None:
    """Of single precision, too, as the mean of float32 values is."""

    def error(y, prediction, weight):
        return np.float32(np.mean(np.abs(y - prediction)))

    metric = resolve(Metric("mine", (ProblemType.REGRESSION,), False, error), VALUES)
    check_metric(metric, np.arange(4.0), VALUES)
    assert type(metric(np.zeros(4), np.ones(4))) is float


def test_a_lambda_is_told_from_others_and_is_the_same_in_every_process():
    written = [
        "lambda y, prediction: -((y - prediction) ** 2).mean()",
        "lambda y, prediction: -((y - prediction) ** 4).mean()",
        "lambda y, prediction: -abs(y - prediction).mean()",
        "lambda y, prediction: sum(each in {'a', 'b', 'c', 'd'} for each in y)",
    ]
    names = [metric_name(eval(each)) for each in written]
    assert len(set(names)) == 4
    assert [metric_name(eval("\n\n(" + each + ")")) for each in written] == names
    code = f"from automl.evaluation.custom import metric_name\nprint(*map(metric_name, [{', '.join(written)}]))"
    elsewhere = [
        subprocess.run(
            [sys.executable, "-c", code], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True
        ).stdout
        for seed in ("1", "2")
    ]
    known = [name.partition(":")[2] for name in names]
    assert [each.split("__main__:")[1:] for each in elsewhere] == [[f"{n} " for n in known[:3]] + [f"{known[3]}\n"]] * 2
    first, second = map(eval, written[:2])
    name = resolve(first, VALUES).name
    assert stored_metric(name, first, VALUES).name == name
    with pytest.raises(UsageError, match=r"the run optimises '.*<lambda .*>', not '.*<lambda .*>'"):
        stored_metric(name, second, VALUES)
