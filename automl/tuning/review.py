"""What is known of a run, while it goes on and later: its leaderboard, and its predictions out of fold."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, nan
from pathlib import Path

import pandas as pd

from automl import artifact
from automl.evaluation.custom import MetricLike
from automl.evaluation.interval import Score
from automl.evaluation.leaderboard import Leaderboard, Row
from automl.tuning.journal import FoldRecord, Journal, Members, Trial, mean_loss
from automl.tuning.outoffold import OutOfFold
from automl.tuning.problem import Problem
from automl.tuning.store import StoredRun, read_run


def leaderboard(root: Path, metric: MetricLike | None = None) -> Leaderboard:
    """Return the leaderboard of a run folder, with the weights of the predictor that is saved in it.

    Raises
    ------
    ArtifactError
        If it is not a run folder.
    UsageError
        If its metric is one of the user's own, and is not given.
    """
    return leaderboard_of(read_run(root, metric), Journal(root))


def leaderboard_of(run: StoredRun, journal: Journal) -> Leaderboard:
    """Return the same of a run that was read."""
    return Board(run.problem, journal).of(journal.members())


def out_of_fold(root: Path, metric: MetricLike | None = None) -> pd.DataFrame:
    """Return what the ensemble of a run predicts for its training rows, each by models that have not seen it.

    Its weights have not seen the row either: they were chosen on the other folds. To stack models, to find wrong
    labels, to look at errors.

    Returns
    -------
    One row for each training row that was validated (of a table of its own: each of its rows), in their order. The
    index is its place in the table, counted from 0. ``fold`` is the fold that it was validated in; then come the
    columns of :meth:`~automl.predictor.Predictor.predict_frame`, of classes with their probabilities.

    Raises
    ------
    ArtifactError
        If it is not a run folder, or no model is in it yet.
    UsageError
        If its metric is one of the user's own, and is not given.
    """
    run, prediction = read_run(root, metric), Journal(root).out_of_fold()
    model, folds = artifact.load(root), run.problem.folds
    columns = model.columns(prediction, proba=bool(model.task.classes))
    places = run.places[folds.valid_rows]
    return pd.DataFrame({"fold": folds.valid_folds, **columns}, index=pd.Index(places, name="row")).sort_index()


class Board:
    """Makes the leaderboard of a journal; a trial that has ended is scored only once."""

    def __init__(self, problem: Problem, journal: Journal) -> None:
        self._problem = problem
        self._journal = journal
        self._out_of_fold = OutOfFold(problem, journal)
        self._scores: dict[str, Score] = {}

    def of(self, members: Members) -> Leaderboard:
        """Return the leaderboard over all trials, with the weights that the members of a manifest have."""
        weights = {member["candidate"]: float(member["weight"]) for member in members}
        metric = self._problem.metric
        rows = [self._row(trial, weights.get(trial.candidate.id, 0.0)) for trial in self._journal.trials()]
        return Leaderboard(rows, metric.name, metric.greater_is_better)

    def _row(self, trial: Trial, weight: float) -> Row:
        records = [record for record in trial.folds.values() if record.fold < self._problem.folds.run]
        rows = sum(record.rows for record in records)
        return Row(
            candidate=trial.candidate.id,
            family=trial.candidate.family,
            score=self._score(trial, records) if records else None,
            fit_seconds=sum(record.fit_seconds for record in records),
            predict_ms_per_row=1000 * sum(record.predict_seconds for record in records) / rows if rows else nan,
            size_bytes=sum(record.size for record in records),
            status=trial.status,
            reason=trial.reason,
            weight=weight,
            folds=len(records),
            params=trial.candidate.params,
        )

    def _score(self, trial: Trial, records: Sequence[FoldRecord]) -> Score:
        """Return the score on the validation rows of the finished folds; its interval only when no more are to come."""
        candidate_id, metric = trial.candidate.id, self._problem.metric
        if trial.status == "running":
            loss = mean_loss(records)
            return Score(nan if loss == inf else -loss if metric.greater_is_better else loss, nan, nan)
        if candidate_id not in self._scores:
            prediction = self._out_of_fold.prediction(candidate_id, len(records))
            self._scores[candidate_id] = self._out_of_fold.score(self._out_of_fold.judged(prediction))
        return self._scores[candidate_id]
