"""A member's one model, trained on all rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from automl import AutoML
from automl.slim.refit import Refit
from automl.tuning.journal import Journal
from automl.tuning.store import read_run


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
    member = Refit(problem, Journal(tmp_path), threads=1)(trial)
    assert member is not None
    assert member.candidate == trial.candidate.id
    assert [files.fold for files in member.folds] == [0]
    refitted = Journal(tmp_path).trials()[0]
    _, valid = problem.folds.split(2)  # the block that is seen again
    before, after = journal.prediction(trial.candidate.id, 2), Journal(tmp_path).prediction(refitted.candidate.id, 0)
    errors = [float(np.sqrt(np.mean(np.square(problem.y[valid] - each)))) for each in (before, after)]
    assert errors[1] < 0.9 * errors[0]
    assert refitted.details["rounds"] == trial.details["best_rounds"]


def test_what_needs_validation_rows_is_left_as_it_is(run: Path, tmp_path: Path) -> None:
    trial = next(each for each in Journal(run).trials() if each.candidate.family == "constant")
    assert Refit(read_run(run).problem, Journal(tmp_path), threads=1)(trial) is None
