"""``automl explain``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final, TextIO

import typer

from automl.cli.options import Keep, Model, Trust
from automl.cli.table import Table, reads_table
from automl.config import AS_FOUND, ReadOptions
from automl.errors import UsageError

ROWS: Final = 8
"""Explained at a time."""
MOST: Final = 200
"""Explained at most, drawn at random, where only the mean is asked for."""


@reads_table
def explain(
    model: Model,
    table: Table,
    top: Annotated[int | None, typer.Option(min=1, help="Print only the strongest reasons of each row.")] = None,
    importance: Annotated[
        bool, typer.Option("--importance", help=f"How far each column moves predictions, over up to {MOST} rows.")
    ] = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="CSV file to write.")] = None,
    keep: Keep = None,
    trust: Trust = None,
    read: ReadOptions = AS_FOUND,
) -> None:
    """Say what each column adds to the prediction of each row, in its unit: the target's own, or probability.

    A line a row: the mean prediction of a few training rows, what each column adds to it, and their sum; of classes
    also which one that is the probability of, of quantiles which one that is. With --importance a line a column: the
    mean size of what it adds.
    """
    if importance and (top is not None or keep):
        raise UsageError("--importance tells of columns, --top and --keep of rows; leave out one")
    from automl.artifact import load
    from automl.data.io import column_of
    from automl.explanation import explain as explain_rows

    predictor = load(model, trust=trust)
    frame, reading = predictor.read(table, read)
    predictor.typed_as(frame, reading)  # what is wrong with a cell is said before anything is explained
    same = ReadOptions(decimal=reading.decimal)
    if importance:
        drawn = frame.sample(min(MOST, len(frame)), random_state=0)
        found = explain_rows(predictor, drawn, options=same)
        with _opened(output) as file:
            found.importance().to_csv(file, index_label="column", lineterminator="\n")
        return
    kept = {name: column_of(frame, name) for name in keep or ()}
    with _opened(output) as file:
        for start in range(0, max(len(frame), 1), ROWS):  # what is known is told: a row may take a second
            found = explain_rows(predictor, frame.iloc[start : start + ROWS], options=same)
            told = found.frame() if top is None else found.told(top)
            for place, (name, column) in enumerate(kept.items()):
                if name in told:
                    raise UsageError(f"the column {name!r} cannot be kept: what it adds is called so; use --top")
                told.insert(place, name, column.iloc[start : start + ROWS].array)
            told.to_csv(file, index=False, header=not start, lineterminator="\n")
            file.flush()


@contextmanager
def _opened(output: Path | None) -> Iterator[TextIO]:
    """Open the standard output, or a file that is there when it is complete."""
    from automl.deploy.tables import complete

    if output is None:
        yield sys.stdout
        return
    with complete(output) as place, place.open("w", encoding="utf-8", newline="") as file:
        yield file
