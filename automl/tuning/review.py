"""Looking at a run without going on with it, also while it goes on in another process."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from automl.evaluation.custom import Asked
from automl.evaluation.leaderboard import Leaderboard
from automl.tuning.champion import Champion
from automl.tuning.journal import Journal, read_json
from automl.tuning.store import read_run


def leaderboard(root: Path, metric: Asked | None = None) -> Leaderboard:
    """Return the leaderboard of a run folder, with the weights of the predictor that is saved in it.

    Raises
    ------
    ArtifactError
        If it is not a run folder.
    UsageError
        If its metric is one of the user's own, and is not given.
    """
    run = read_run(root, metric)
    board = Champion(run.problem, Journal(root), run.about).board()
    manifest = root / "model" / "manifest.json"
    members = read_json(manifest)["members"] if manifest.exists() else []
    weights = {member["candidate"]: member["weight"] for member in members}
    rows = [replace(row, weight=weights.get(row.candidate, 0.0)) for row in board.rows]
    return Leaderboard(rows, board.metric_name, board.greater_is_better)
