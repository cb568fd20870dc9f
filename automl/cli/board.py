"""``automl leaderboard``."""

from __future__ import annotations

from json import dumps
from pathlib import Path
from typing import Annotated

import typer

from automl.cli.options import Json, RunMetric


def leaderboard(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder.")],
    metric: RunMetric = None,
    json: Json = False,
) -> None:
    """Show every candidate of a run, best first."""
    from automl.tuning.review import leaderboard as review

    board = review(run, metric)
    print(dumps(board.to_json()) if json else board.to_text())
