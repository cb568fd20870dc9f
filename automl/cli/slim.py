"""``automl slim``."""

from __future__ import annotations

import sys
from json import dumps
from pathlib import Path
from typing import Annotated

import typer

from automl.cli.duration import parse_bytes, parse_latency
from automl.cli.options import Json, RunMetric


def slim(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder: its rows are needed.")],
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="New or empty folder for the chosen model.")],
    max_latency: Annotated[str | None, typer.Option(metavar="TIME", help="For one row, such as 0.2ms.")] = None,
    max_size: Annotated[str | None, typer.Option(metavar="SIZE", help="On disk, such as 2MB.")] = None,
    keep: Annotated[
        float | None, typer.Option(min=0, max=1, help="Share of the score that must remain, such as 0.995.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw all options as SVG.")] = None,
    metric: RunMetric = None,
    json: Json = False,
) -> None:
    """Trade quality for speed: fewer members, one model of each, or one small model that has learned from all.

    Where a member can be trained once more on all rows, that is its one model. Every option is built, scored out of
    fold and timed; its members are given, while the score of the run also pays for their choice. Without a limit the
    quickest is taken that is within one standard error of the full ensemble.
    """
    from automl.slim.frontier import Wanted, to_json, to_text
    from automl.slim.slimming import slim as slim_run

    row_ms = None if max_latency is None else parse_latency(max_latency)
    size = None if max_size is None else parse_bytes(max_size)
    options, chosen = slim_run(run, to, Wanted(row_ms, size, keep), metric=metric, say=_say)
    print(dumps(to_json(options, chosen)) if json else to_text(options, chosen))
    if plot is not None:
        from automl.slim.picture import draw

        draw(options, chosen, plot)


def _say(line: str) -> None:
    print(line, file=sys.stderr)
