"""``automl explain``."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Final

import typer

from automl.cli.deploy import Model, Trust
from automl.cli.table import Decimal, Encoding, Na, Query, Sep, Sheet, Table, read_options
from automl.config import ReadOptions

ROWS: Final = 8
"""Explained at a time."""


def explain(
    model: Model,
    table: Table,
    top: Annotated[int | None, typer.Option(min=1, help="Print only the strongest reasons of each row.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="CSV file to write.")] = None,
    trust: Trust = None,
    sep: Sep = None,
    encoding: Encoding = None,
    decimal: Decimal = None,
    na: Na = None,
    sheet: Sheet = None,
    query: Query = None,
) -> None:
    """Say what each column adds to the prediction of each row, in its unit: the target's own, or probability.

    A line a row: the mean prediction of a few training rows, what each column adds to it, and their sum.
    """
    from automl.artifact import load
    from automl.explanation import explain as explain_rows

    predictor = load(model, trust=trust)
    frame, reading = predictor.read(table, read_options(sep, encoding, decimal, na, sheet, query))
    same = ReadOptions(decimal=reading.decimal)
    with nullcontext(sys.stdout) if output is None else output.open("w", encoding="utf-8", newline="") as file:
        for start in range(0, max(len(frame), 1), ROWS):  # what is known is told: a row may take a second
            found = explain_rows(predictor, frame.iloc[start : start + ROWS], options=same)
            told = found.frame() if top is None else found.told(top)
            told.to_csv(file, index=False, header=not start, lineterminator="\n")
            file.flush()
