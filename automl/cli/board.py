"""``automl leaderboard`` and ``automl out-of-fold``: what a run knows of unseen rows."""

from __future__ import annotations

import sys
from json import dumps
from pathlib import Path
from typing import Annotated

import typer

from automl.cli.options import Json, RunMetric

Run = Annotated[Path, typer.Argument(metavar="RUN", help="Run folder.")]


def leaderboard(
    run: Run,
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


def out_of_fold(
    run: Run,
    metric: RunMetric = None,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="CSV or Parquet file; - writes CSV to stdout.")
    ] = "-",
) -> None:
    """Predict the training rows that were validated, each by models that have not seen it, ``row`` counted from 1.

    To stack models, to find wrong labels, to look at errors.
    """
    import pyarrow as pa

    from automl.deploy.tables import write_table
    from automl.tuning.review import out_of_fold as review

    frame = review(run, metric).reset_index()
    frame["row"] += 1
    write_table(pa.Table.from_pandas(frame, preserve_index=False), sys.stdout if output == "-" else output)
