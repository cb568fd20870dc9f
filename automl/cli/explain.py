"""``automl explain``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from automl.cli.deploy import Model
from automl.cli.table import Decimal, Encoding, Na, Query, Sep, Sheet, Table, read_options


def explain(
    model: Model,
    table: Table,
    top: Annotated[int | None, typer.Option(min=1, help="Print only the strongest reasons of each row.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="CSV file to write.")] = None,
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

    found = explain_rows(load(model), table, options=read_options(sep, encoding, decimal, na, sheet, query))
    frame = found.frame() if top is None else found.told(top)
    text = frame.to_csv(None, index=False, lineterminator="\n")
    if output is None:
        print(text, end="")
    else:
        output.write_text(text, encoding="utf-8")
