"""The leaderboard of a run, with how good each candidate is on a further table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from automl.config import ReadOptions
from automl.data.io import read_data
from automl.errors import warn
from automl.evaluation.custom import MetricLike
from automl.evaluation.leaderboard import Leaderboard
from automl.labelled import Labelled
from automl.tuning.journal import Journal
from automl.tuning.review import leaderboard_of
from automl.tuning.single import finished, write_single
from automl.tuning.store import read_run


def leaderboard_on(
    root: Path, data: object, y: object = None, *, metric: MetricLike | None = None, journal: Journal | None = None
) -> Leaderboard:
    """Predict a labelled table by every candidate that has trained all folds, and return the leaderboard with scores.

    It stays in the order of the scores out of fold: who chooses by the table afterwards has no unseen rows any more.
    It is the models of the folds that predict, also where the run has trained its members once more.

    Parameters
    ----------
    y
        (rows,) target values; None = a column of the table has them.
    metric
        The run's, if it is one of the user's own.
    journal
        The run's, where its trials of an earlier time count.

    Raises
    ------
    ArtifactError
        If it is not a run folder.
    DataError
        If the table lacks the target or other columns.
    """
    run, journal = read_run(root, metric), journal or Journal(root)
    frame, reading = read_data(data, reading=run.about.reading)
    same, weighing = ReadOptions(decimal=reading.decimal), ""
    scores: dict[str, float] = {}
    with TemporaryDirectory(prefix=".leaderboard-", dir=root) as folder:  # there, for files are linked
        for candidate, trial in finished(run, journal).items():
            predictor = write_single(run, journal, trial, Path(folder) / candidate)
            rows = Labelled.of(predictor, frame, y=y, as_trained=True, options=same)
            weighing = "" if rows.weight is not None else rows.weighing
            scores[candidate] = rows.score(run.problem.metric)
    if weighing:
        warn(weighing)
    board = leaderboard_of(run, journal)
    with_scores = [replace(row, test=scores.get(row.candidate)) for row in board.rows]
    return Leaderboard(with_scores, board.metric_name, board.greater_is_better)
