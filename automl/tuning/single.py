"""One candidate of a run as a predictor of its own: all of its fold models, scored by their out-of-fold predictions."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from automl import assembly
from automl.blend import Blend
from automl.ensemble import least_prediction
from automl.errors import UsageError, suggestion
from automl.predictor import Predictor
from automl.tuning.champion import member
from automl.tuning.journal import Journal, Trial
from automl.tuning.outoffold import OutOfFold
from automl.tuning.store import StoredRun


def finished(run: StoredRun, journal: Journal) -> dict[str, Trial]:
    """Return the candidates that have trained all folds, by their id."""
    folds = run.problem.folds.run
    return {trial.candidate.id: trial for trial in journal.trials() if trial.complete(folds)}


def write_single(run: StoredRun, journal: Journal, candidate: str, to: Path) -> Predictor:
    """Write the predictor of one candidate to a new folder.

    Raises
    ------
    UsageError
        If there is no such candidate, or it was stopped before it had trained all folds.
    """
    known, problem = finished(run, journal), run.problem
    if candidate not in known:
        every = [trial.candidate.id for trial in journal.trials()]
        why = "did not train all folds" if candidate in every else f"is none{suggestion(candidate, known)}"
        raise UsageError(f"the candidate {candidate!r} {why}; these can be had: {', '.join(known)}")
    out_of_fold = OutOfFold(problem, journal)
    judged = out_of_fold.judged(out_of_fold.prediction(candidate, problem.folds.run))
    members = [member(journal, known[candidate], problem.folds.final)]
    alone = Blend(np.ones(1), least=least_prediction(problem.metric, problem.y_valid))
    return assembly.write(to, out_of_fold.ensemble(members, alone, judged), run.about, {})
