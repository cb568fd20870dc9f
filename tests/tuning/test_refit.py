"""A member's one model, trained on all rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from toys import Again, Toy

from automl import AutoML
from automl.config import FitConfig
from automl.deadline import Deadline
from automl.evaluation.splits import by_time
from automl.tuning.candidate import Candidate
from automl.tuning.journal import Journal, Trial
from automl.tuning.problem import Problem
from automl.tuning.refit import Refit
from automl.tuning.store import StoredRun, read_run
from automl.tuning.trial import Allowance, TrialRunner

NewRun = Callable[..., tuple[Path, StoredRun]]
ROWS = 60
FORWARD = by_time(np.arange(ROWS), folds=2, run=2, fixed=True)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(300, 3)), columns=list("abc"))
    noisy = frame.assign(y=frame["a"] + rng.normal(size=300))
    return AutoML(max_trials=4, folds=3, output=tmp_path_factory.mktemp("refit") / "run").fit(noisy, target="y").run_


def test_it_knows_the_noise_of_every_row(run: Path, tmp_path: Path) -> None:
    """The model of a fold knows only that of the rows which it was trained on."""
    problem, journal = read_run(run).problem, Journal(run)
    trial = next(each for each in journal.trials() if each.candidate.family == "lightgbm")
    member = Refit(problem, journal, Journal(tmp_path))(trial, Allowance())
    assert member is not None
    assert member.candidate == trial.candidate.id
    assert [files.fold for files in member.folds] == [3]  # which no fold of the run is
    refitted = Journal(tmp_path).trials()[0]
    _, valid = problem.folds.split(0)  # the block that is seen again
    before, after = journal.prediction(trial.candidate.id, 0), Journal(tmp_path).prediction(refitted.candidate.id, 0)
    errors = [float(np.sqrt(np.mean(np.square(problem.y[valid] - each)))) for each in (before, after)]
    assert errors[1] < 0.9 * errors[0]
    assert refitted.folds[0].details["rounds"] == trial.details(3)["best_rounds"]


@pytest.fixture
def train(toy_run: NewRun, toy_families: Callable[..., None]) -> Callable[[Toy], tuple[Problem, Journal, Trial]]:
    def trained(family: Toy) -> tuple[Problem, Journal, Trial]:
        toy_families(family)
        root, run = toy_run(FitConfig(max_trials=1), folds=FORWARD)
        candidate = Candidate(family.name, {"offset": 0.5}, "portfolio")
        list(TrialRunner(run.problem, Journal(root)).run(candidate, Allowance()))
        return run.problem, Journal(root), Journal(root).trial(candidate.id)

    return trained


def test_what_needs_validation_rows_is_left_as_it_is(train) -> None:
    problem, journal, trial = train(Toy())
    refit = Refit(problem, journal)
    assert not refit.waiting(trial)
    assert refit(trial, Allowance()) is None
    assert refit.seconds([trial]) == 0


def test_nothing_is_begun_that_would_not_end_in_time(train) -> None:
    family = Again()
    problem, journal, trial = train(family)
    assert family.seen == [20, 40, 18, 20]
    refit = Refit(problem, journal)
    record = trial.folds[0]
    likely = ROWS / 40 * (record.feature_seconds + record.fit_seconds + record.predict_seconds)
    assert refit.seconds([trial]) == pytest.approx(likely)
    for seconds in (-1.0, 0.5 * likely):
        assert refit(trial, Allowance(Deadline.after(seconds))) is None
    assert family.seen == [20, 40, 18, 20]
    assert refit.waiting(trial)
    assert refit(trial, Allowance(Deadline.after(60.0))) is not None
    assert family.seen == [20, 40, 18, 20, ROWS]
    assert not refit.waiting(trial)
    assert refit.seconds([trial]) == 0


def test_what_the_time_has_cut_short_is_not_taken_and_trained_again_with_more(train) -> None:
    family = Again()
    problem, journal, trial = train(family)
    family.cut = True
    assert Refit(problem, journal)(trial, Allowance()) is None
    assert Refit(problem, journal).waiting(trial)
    family.cut = False
    member = Refit(problem, journal)(trial, Allowance())
    assert member is not None
    assert Refit(problem, journal, Journal(journal.root / "elsewhere"))(trial, Allowance()) == member  # not once more
    assert family.seen == [20, 40, 18, 20, ROWS, ROWS]
