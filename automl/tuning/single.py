"""One candidate of a run as a predictor of its own, scored by its out-of-fold predictions."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from automl import assembly
from automl.blend import Blend
from automl.ensemble import least_prediction
from automl.errors import UsageError, suggestion
from automl.predictor import Predictor
from automl.tuning.journal import Journal, Trial
from automl.tuning.outoffold import OutOfFold
from automl.tuning.refit import Refit, member, with_all_cores
from automl.tuning.store import StoredRun


def finished(run: StoredRun, journal: Journal) -> dict[str, Trial]:
    """Return the candidates that have trained all folds, by their id."""
    folds = run.problem.folds.run
    return {trial.candidate.id: trial for trial in journal.trials() if trial.complete(folds)}


def find_finished(run: StoredRun, journal: Journal, candidate: str) -> Trial:
    """Return a candidate that has trained all folds, by its id.

    Raises
    ------
    UsageError
        If there is no such candidate, or it was stopped before.
    """
    known = finished(run, journal)
    if candidate not in known:
        every = [trial.candidate.id for trial in journal.trials()]
        why = "did not train all folds" if candidate in every else f"is none{suggestion(candidate, known)}"
        raise UsageError(f"the candidate {candidate!r} {why}; these can be had: {', '.join(known)}")
    return known[candidate]


def write_single(run: StoredRun, journal: Journal, trial: Trial, to: Path, *, anew: Path | None = None) -> Predictor:
    """Write the predictor of a candidate that has trained all folds to a new folder.

    Parameters
    ----------
    anew
        Where folds step forward in time: folder to train it in once more, on all rows, if the run has not and its
        family can. None = the model of the fold is served.
    """
    problem, out_of_fold = run.problem, OutOfFold(run.problem, journal)
    judged = out_of_fold.judged(out_of_fold.prediction(trial.candidate.id, problem.folds.run))
    refitted = None
    if anew is not None and problem.folds.forward:
        refitted = Refit(problem, journal, Journal(anew))(trial, with_all_cores(run))
    members = [refitted or member(journal, trial, problem.folds.final)]
    alone = Blend(np.ones(1), least=least_prediction(problem.metric, problem.y_valid))
    return assembly.write(to, out_of_fold.ensemble(members, alone, judged), run.about, {})
