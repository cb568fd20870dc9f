"""``automl predict``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from automl.cli.deploy import Model
from automl.cli.table import Decimal, Encoding, Na, Query, Sep, Sheet, Table, read_options
from automl.errors import UsageError


def predict(
    model: Model,
    data: Table,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="CSV or Parquet file; - writes CSV to stdout.")
    ] = "-",
    proba: Annotated[bool, typer.Option("--proba", help="Add one probability_<class> column a class.")] = False,
    interval: Annotated[
        float | None,
        typer.Option(metavar="P", help="Add low and high, between which the value lies with probability P."),
    ] = None,
    sep: Sep = None,
    encoding: Encoding = None,
    decimal: Decimal = None,
    na: Na = None,
    sheet: Sheet = None,
    query: Query = None,
) -> None:
    """Predict every row of a table, in the order of the rows. It is read as the training table was."""
    suffix = Path(output).suffix.lower()
    if output != "-" and suffix not in (".csv", ".parquet"):
        raise UsageError(f"--output must end in .csv or .parquet or be -, got {output!r}")
    options = read_options(sep, encoding, decimal, na, sheet, query)
    from automl.artifact import load

    frame = load(model).predict_frame(data, proba=proba, interval=interval, options=options)
    if suffix == ".parquet":
        frame.to_parquet(output, index=False)
    else:
        frame.to_csv(sys.stdout if output == "-" else output, index=False)
