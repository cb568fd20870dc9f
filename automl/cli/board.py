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
    test: Annotated[
        str | None, typer.Option(metavar="TABLE", help="Score every candidate on this labelled table, too.")
    ] = None,
    json: Json = False,
) -> None:
    """Show every candidate of a run, best first: out of fold, and on demand on a table that it has not seen."""
    from automl.report.leaderboard import leaderboard_on
    from automl.tuning.review import leaderboard as review

    board = review(run, metric) if test is None else leaderboard_on(run, test, metric=metric)
    print(dumps(board.to_json()) if json else board.to_text())
