"""The leaderboard of a run: while it goes on, in this process or in another one, and of its folder later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import inf, nan
from pathlib import Path
from typing import Any

from automl.evaluation.custom import MetricLike
from automl.evaluation.interval import Score
from automl.evaluation.leaderboard import Leaderboard, Row
from automl.tuning.journal import FoldRecord, Journal, Trial, mean_loss, read_json
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
    manifest = journal.root / "model" / "manifest.json"
    return Board(run.problem, journal).of(read_json(manifest)["members"] if manifest.exists() else ())


class Board:
    """Makes the leaderboard of a journal; a trial that has ended is scored only once."""

    def __init__(self, problem: Problem, journal: Journal) -> None:
        self._problem = problem
        self._journal = journal
        self._out_of_fold = OutOfFold(problem, journal)
        self._scores: dict[str, Score] = {}

    def of(self, members: Iterable[Mapping[str, Any]]) -> Leaderboard:
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
