"""The race over folds: who brings the ensemble nothing stops, who errs elsewhere goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from toys import Shift, Toy

from automl.data.schema import apply_schema, infer_schema
from automl.data.task import infer_task
from automl.evaluation.metrics import get_metric
from automl.evaluation.validation import make_folds
from automl.tuning.candidate import Candidate
from automl.tuning.journal import FoldRecord, Journal
from automl.tuning.problem import Problem
from automl.tuning.race import Race
from automl.tuning.trial import Allowance, RaceLostError, TrialRunner

ROWS = 6_000
NOISE = np.random.default_rng(0).normal(size=ROWS)


@pytest.fixture
def problem() -> Problem:
    y = np.random.default_rng(1).normal(size=ROWS)
    frame = pd.DataFrame({"a": y + NOISE, "b": NOISE})
    schema, task = infer_schema(frame), infer_task(pd.Series(y), "y")
    folds = make_folds(y, task.problem_type, folds=3, random_state=0)
    return Problem(apply_schema(frame, schema), y, schema, task, get_metric("rmse", task.problem_type), folds, 0)


def note(journal: Journal, problem: Problem, name: str, error: NDArray[np.float64], folds: int) -> str:
    """Keep the folds of a trial that errs by ``error`` in each row."""
    candidate = Candidate(name, {}, "portfolio")
    journal.open(candidate)
    for fold in range(folds):
        valid = problem.folds.split(fold)[1]
        prediction = (problem.y + error)[valid]
        loss = problem.metric.loss(problem.y[valid], prediction)
        record = FoldRecord(fold, loss, 0.0, 0.0, 0.0, len(valid), 0, "recipe", {}, 0.0)
        journal.write_fold(candidate, record, Shift([0.0]), prediction)
    return candidate.id


def three_rivals(journal: Journal, problem: Problem) -> None:
    generator = np.random.default_rng(2)
    for name in ("one", "two", "three"):
        note(journal, problem, name, 0.5 * NOISE + 0.05 * generator.normal(size=ROWS), folds=3)


def test_worse_and_nothing_new_loses(tmp_path: Path, problem: Problem) -> None:
    journal = Journal(tmp_path)
    three_rivals(journal, problem)
    assert Race(problem, journal).lost(note(journal, problem, "worse", NOISE, folds=1), 1)


def test_worse_but_erring_elsewhere_goes_on(tmp_path: Path, problem: Problem) -> None:
    journal = Journal(tmp_path)
    three_rivals(journal, problem)
    assert not Race(problem, journal).lost(note(journal, problem, "other", -NOISE, folds=1), 1)


def test_the_better_goes_on(tmp_path: Path, problem: Problem) -> None:
    journal = Journal(tmp_path)
    three_rivals(journal, problem)
    assert not Race(problem, journal).lost(note(journal, problem, "better", 0.1 * NOISE, folds=1), 1)


def test_nobody_loses_before_there_are_rivals_or_rows(tmp_path: Path, problem: Problem) -> None:
    journal = Journal(tmp_path)
    worse = note(journal, problem, "worse", NOISE, folds=1)
    assert not Race(problem, journal).lost(worse, 1)
    three_rivals(journal, problem)
    few = make_folds(problem.y, problem.task.problem_type, folds=20, random_state=0)
    small = Problem(problem.frame, problem.y, problem.schema, problem.task, problem.metric, few, 0)
    assert not Race(small, Journal(tmp_path / "other")).lost(note(Journal(tmp_path / "other"), small, "x", NOISE, 1), 1)


def test_a_trial_that_lost_says_so_and_keeps_its_folds(
    tmp_path: Path, problem: Problem, toy_families: Callable[..., None]
) -> None:
    toy_families(Toy())
    journal, candidate = Journal(tmp_path), Candidate("toy", {"offset": 9.0}, "portfolio", 1)
    three_rivals(journal, problem)
    with pytest.raises(RaceLostError, match="brings the ensemble nothing"):
        list(TrialRunner(problem, journal).run(candidate, Allowance(race=True)))
    assert list(journal.trial(candidate.id).folds) == [0]
    assert len(list(TrialRunner(problem, journal).run(candidate, Allowance()))) == 3
