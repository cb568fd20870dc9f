from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from automl import AutoML
from automl.config import FitConfig
from automl.data.table import ProblemType
from automl.evaluation.metrics import get_metric
from automl.evaluation.splits import by_time
from automl.evaluation.validation import make_folds
from automl.tuning.problem import FEW_VALIDATED, Problem
from automl.tuning.store import StoredRun

NewRun = Callable[[FitConfig], tuple[object, StoredRun]]


@pytest.fixture
def of_rows(toy_run: NewRun) -> Callable[..., Problem]:
    """A problem of so many rows in 8 folds, for its parts alone."""
    problem = toy_run(FitConfig(max_trials=1))[1].problem

    def create(rows: int, groups: NDArray[np.intp] | None = None) -> Problem:
        y = np.random.default_rng(rows).normal(size=rows)
        folds = make_folds(y, problem.task.problem_type, folds=8, groups=groups, random_state=0)
        return replace(problem, frame=pd.DataFrame(index=range(rows)), y=y, folds=folds, groups=groups)

    return create


@pytest.mark.parametrize("rows", [4, 60, 8 * FEW_VALIDATED - 8])
def test_few_rows_are_scored_by_models_that_did_not_stop_by_them(of_rows: Callable[..., Problem], rows: int) -> None:
    problem = of_rows(rows)
    for fold in range(problem.folds.run):
        train, stopping, valid = problem.parts(fold)
        assert sorted([*train, *stopping, *valid]) == list(range(rows))
        assert len(train) > len(stopping) > 0
        assert np.array_equal(valid, problem.folds.split(fold)[1])


def test_rows_to_stop_by_do_not_part_groups(of_rows: Callable[..., Problem]) -> None:
    groups = np.arange(120) // 3
    problem = of_rows(120, groups)
    for fold in range(problem.folds.run):
        parts = [set(groups[rows]) for rows in problem.parts(fold)]
        assert sum(map(len, parts)) == len(set.union(*parts)) == 40


def test_many_rows_are_both(of_rows: Callable[..., Problem]) -> None:
    problem = of_rows(8 * FEW_VALIDATED)
    train, stopping, valid = problem.parts(3)
    assert stopping is valid
    assert len(train) == 7 * FEW_VALIDATED


def test_folds_in_time_stop_by_the_rows_before_those_that_they_are_scored_on(of_rows: Callable[..., Problem]) -> None:
    problem = replace(of_rows(60), folds=by_time(np.arange(60), folds=5, run=5, fixed=False))
    for fold in range(5):
        train, stopping, valid = problem.parts(fold)
        assert [*train, *stopping] == list(range(10 * (5 - fold))) or fold == 4  # the oldest are drawn
        assert sorted([*train, *stopping]) == list(range(10 * (5 - fold)))
        assert min(valid) == 10 * (5 - fold)


def test_all_rows_are_not_taken_from_training(of_rows: Callable[..., Problem]) -> None:
    problem = of_rows(60).on_all_rows()
    train, stopping, valid = problem.parts(0)
    assert stopping is valid
    assert np.array_equal(train, problem.folds.split(0)[0])


def test_relative_errors_count_relative_to_their_values_in_fits(of_rows: Callable[..., Problem]) -> None:
    problem = replace(of_rows(60), y=np.exp(np.arange(60) / 20), metric=get_metric("mape", ProblemType.REGRESSION))
    rows = np.arange(10, 40)
    weight = problem.training_weight_of(rows)
    assert weight is not None
    np.testing.assert_allclose(weight * problem.y[rows], weight[0] * problem.y[rows][0])
    doubled = replace(problem, weight=np.full(60, 2.0)).training_weight_of(rows)
    np.testing.assert_allclose(doubled, 2 * weight)


@pytest.mark.slow
def test_a_coin_is_not_predicted(tmp_path: object) -> None:
    """Rounds, penalties and neighbours that suit the rows that are scored would be worth an AUC of .7 here."""
    scores = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        X, y = rng.normal(size=(60, 5)), rng.permutation(np.arange(60) % 2)
        run = f"{tmp_path}/{seed}"
        scores.append(AutoML(max_trials=3, families=["lightgbm", "linear", "knn"], output=run).fit(X, y).score_)
    assert np.mean([score.value for score in scores]) == pytest.approx(0.5, abs=0.06)
    assert np.mean([score.low <= 0.5 <= score.high for score in scores]) >= 0.75
