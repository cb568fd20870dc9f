"""A trial keeps every fold before it reports it, goes on where it stopped, and minds the clock."""

from __future__ import annotations

from collections.abc import Callable, Generator
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ray.tune.schedulers import ASHAScheduler
from toys import Fixed, Shift, Toy

from automl.config import FitConfig
from automl.data.table import ProblemType
from automl.deadline import NEVER, Deadline, DeadlinePassedError
from automl.models.base import Family, FitContext, FoldData, Model, Params, Progress
from automl.models.registry import registered
from automl.tuning.candidate import Candidate
from automl.tuning.journal import Journal
from automl.tuning.schedulers import make_scheduler
from automl.tuning.store import StoredRun, read_run
from automl.tuning.trial import RUNGS, Allowance, TrialRunner, full_resource, telling_resource

NewRun = Callable[..., tuple[Path, StoredRun]]
CONFIG = FitConfig(max_trials=3)


def test_reports_rise_to_the_full_resource_and_follow_the_journal(
    toy_run: NewRun, toy_families: Callable[..., None]
) -> None:
    toy_families(Toy())
    root, run = toy_run(CONFIG)
    journal, candidate = Journal(root), Candidate("toy", {"offset": 1.0}, "search", 1)
    reports = []
    for report in TrialRunner(run.problem, journal).run(candidate, Allowance()):
        if report.fold is not None:
            assert report.fold in journal.trial(candidate.id).folds
        reports.append(report)
    assert [report.fold for report in reports] == [None] * len(RUNGS) + [0, 1, 2]
    resources = [report.resource for report in reports]
    assert resources == sorted(set(resources))
    assert resources[-1] == full_resource(run.problem.folds)
    losses = [record.loss for record in journal.trial(candidate.id).folds.values()]
    assert reports[-1].loss == pytest.approx(np.mean(losses))


def test_finished_folds_are_not_trained_again(toy_run: NewRun, toy_families: Callable[..., None]) -> None:
    toy_families(Toy())
    root, run = toy_run(CONFIG)
    journal, candidate = Journal(root), Candidate("toy", {"offset": 1.0}, "portfolio", 1)
    first = TrialRunner(run.problem, journal).run(candidate, Allowance())
    next(first)
    before = journal.trial(candidate.id).folds[0]
    reports = list(TrialRunner(read_run(root).problem, journal).run(candidate, Allowance()))
    assert [report.fold for report in reports] == [0, 1, 2]
    assert journal.trial(candidate.id).folds[0] == before


def test_a_trial_that_goes_on_elsewhere_has_the_time_of_its_missing_folds(
    toy_run: NewRun, toy_families: Callable[..., None]
) -> None:
    """Not of all: a model that may train twice as long is another one."""
    shares = []

    class Timed(Toy):
        def fit(self, data: FoldData, params: Params, context: FitContext) -> Generator[Progress, None, Model]:
            shares.append(context.deadline.remaining)
            return super().fit(data, params, context)

    toy_families(Timed())
    root, run = toy_run(CONFIG)
    candidate = Candidate("toy", {"offset": 1.0}, "portfolio", 1)
    next(TrialRunner(run.problem, Journal(root)).run(candidate, Allowance(seconds=30)))
    list(TrialRunner(run.problem, Journal(root)).run(candidate, Allowance(seconds=30)))
    assert shares[:2] == pytest.approx([5, 5], abs=0.5)  # half of a third: of few rows a fold may be trained twice


def test_a_family_that_does_not_stop_by_rows_learns_from_all_at_once(
    toy_run: NewRun, toy_families: Callable[..., None]
) -> None:
    learned = []

    class Whole(Toy):
        def stops(self, problem_type: ProblemType) -> bool:
            return False

        def fit(self, data: FoldData, params: Params, context: FitContext) -> Generator[Progress, None, Model]:
            learned.append(data.X_train.rows)
            return super().fit(data, params, context)

    toy_families(Whole())
    root, run = toy_run(CONFIG)
    list(TrialRunner(run.problem, Journal(root)).run(Candidate("toy", {"offset": 1.0}, "portfolio", 1), Allowance()))
    parts = [run.problem.parts(fold) for fold in range(3)]
    assert learned == [len(each.train) + len(each.stopping) for each in parts]
    assert all(len(each.stopping) < len(each.train) for each in parts)


def test_no_fold_starts_after_the_deadline(toy_run: NewRun, toy_families: Callable[..., None]) -> None:
    toy_families(Toy())
    root, run = toy_run(CONFIG)
    journal, candidate = Journal(root), Candidate("toy", {"offset": 1.0, "seconds": 0.2}, "portfolio", 1)
    runner = TrialRunner(run.problem, journal)
    with pytest.raises(DeadlinePassedError):
        list(runner.run(candidate, Allowance(Deadline.after(0.3))))
    assert 1 <= len(journal.trial(candidate.id).folds) < 3


def test_predictions_that_are_not_numbers_are_a_failure(toy_run: NewRun, toy_families: Callable[..., None]) -> None:
    toy_families(Fixed({"offset": float("nan")}))
    root, run = toy_run(CONFIG)
    journal, candidate = Journal(root), Candidate("fixed", {"offset": float("nan")}, "portfolio", 1)
    with pytest.raises(FloatingPointError, match="not finite"):
        list(TrialRunner(run.problem, journal).run(candidate, Allowance()))
    assert journal.trial(candidate.id).folds == {}


class Unreadable(Toy):
    """Its models can be saved, and no more."""

    name = "unreadable"

    def load(self, folder: Path) -> Model:
        raise ValueError("a bug in load")


class Forgetful(Toy):
    """Its models come back as others."""

    name = "forgetful"

    def load(self, folder: Path) -> Model:
        return Shift([0.0])


@pytest.mark.parametrize(("family", "reason"), [(Unreadable(), "a bug in load"), (Forgetful(), "saved and loaded")])
def test_a_model_that_does_not_come_back_is_a_failure(
    toy_run: NewRun, toy_families: Callable[..., None], family: Family, reason: str
) -> None:
    """Found when an ensemble is written, it would end the run."""
    toy_families(family)
    root, run = toy_run(CONFIG)
    journal, candidate = Journal(root), Candidate(family.name, {"offset": 1.0}, "portfolio", 1)
    with pytest.raises(ValueError, match=reason):
        list(TrialRunner(run.problem, journal).run(candidate, Allowance()))
    assert journal.trial(candidate.id).folds == {}


def test_a_run_folder_gives_back_its_problem(toy_run: NewRun) -> None:
    root, run = toy_run(CONFIG)
    problem = read_run(root).problem
    assert problem.frame.equals(run.problem.frame)
    assert (problem.frame.dtypes == run.problem.frame.dtypes).all()
    np.testing.assert_array_equal(problem.y, run.problem.y)
    np.testing.assert_array_equal(problem.folds.assignment, run.problem.folds.assignment)
    assert (problem.schema, problem.task) == (run.problem.schema, run.problem.task)


def test_a_fact_of_a_model_does_not_replace_a_hyperparameter_of_that_name(toy_run: NewRun) -> None:
    """A linear model tells the strength of its penalty, its hyperparameter is the kind."""
    root, run = toy_run(CONFIG)
    journal = Journal(root)
    common = {"scaling": "standard", "l1_ratio": 1.0}
    kinds = [Candidate("linear", {**common, "penalty": kind}, "portfolio", 1) for kind in ("elasticnet", "l2")]
    for candidate in kinds:
        list(TrialRunner(run.problem, journal).run(candidate, Allowance()))
    for fold in range(run.problem.folds.run):
        one, other = (journal.prediction(candidate.id, fold) for candidate in kinds)
        assert not np.array_equal(one, other)


def test_a_deadline_that_moves_is_kept(toy_run: NewRun, toy_families: Callable[..., None]) -> None:
    toy_families(Toy())
    root, run = toy_run(CONFIG)
    journal, candidate = Journal(root), Candidate("toy", {"offset": 1.0}, "portfolio")
    reports = TrialRunner(run.problem, journal).run(candidate, Allowance(Deadline.after(60), moving=True))
    next(reports)
    journal.move_deadline(Deadline.after(0))
    with pytest.raises(DeadlinePassedError):
        next(reports)
    later = Deadline.after(600)
    assert journal.deadline(later).passed
    journal.move_deadline(NEVER)
    assert journal.deadline(later) == later


@pytest.mark.parametrize(("rows", "telling"), [(3_000, 0), (1_500, 16), (900, 32)])
def test_trials_are_compared_from_a_thousand_rows_on(toy_run: NewRun, rows: int, telling: int) -> None:
    """In three folds: by the first of them, by two, by more than there are."""
    _, run = toy_run(CONFIG, rows=rows)
    assert telling_resource(run.problem) == telling
    scheduler = make_scheduler("asha", full_resource(run.problem.folds), telling)
    assert isinstance(scheduler, ASHAScheduler) == (telling < 24)


def test_a_family_is_told_how_far_its_models_go(toy_run: NewRun, toy_families: Callable[..., None]) -> None:
    told: list[float] = []

    class Went(Shift):
        stopped = "early"

        @property
        def details(self) -> dict[str, Any]:
            return {
                "best_rounds": 40 if self.stopped == "early" else 1000,
                "learning_rate": 0.1,
                "stopped": self.stopped,
            }

    class Cut(Went):
        stopped = "deadline"

    class Goes(Toy):
        def fit(self, data: FoldData, params: Params, context: FitContext) -> Generator[Progress, None, Model]:
            told.append(context.enough)
            yield from ()
            return (Cut if params["offset"] == 2.0 else Went)([0.0])

    toy_families(Goes())
    root, run = toy_run(CONFIG)
    runner = TrialRunner(run.problem, Journal(root))
    for index, offset in enumerate((2.0, 1.0, 0.5)):
        list(runner.run(Candidate("toy", {"offset": offset}, "portfolio", index), Allowance()))
    assert sorted(set(told)) == [6.0, inf]
    assert told[-1] == 6.0


@pytest.mark.parametrize("family", registered(), ids=lambda family: family.name)
def test_every_family_is_trained_after_others_of_its_own(toy_run: NewRun, family: Family) -> None:
    root, run = toy_run(CONFIG)
    runner = TrialRunner(run.problem, Journal(root))
    for index, params in enumerate(family.portfolio(run.problem.shape)[:2]):
        candidate = Candidate(family.name, params, "portfolio", index)
        list(runner.run(candidate, Allowance()))
        assert len(Journal(root).trial(candidate.id).folds) == 3
