"""``automl schema``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from automl.cli.table import Decimal, Encoding, Na, Query, Sep, Sheet, Table, Types, parse_types, read_options


def schema(
    table: Table,
    target: Annotated[str | None, typer.Option(help="Column to predict; it is left out.")] = None,
    types: Types = None,
    sep: Sep = None,
    encoding: Encoding = None,
    decimal: Decimal = None,
    na: Na = None,
    sheet: Sheet = None,
    query: Query = None,
) -> None:
    """Print what the columns of a table are taken for, as JSON to edit and to pass to fit --schema."""
    from automl.data.io import column_of, read_table
    from automl.data.schema import infer_schema
    from automl.data.schema_file import schema_text
    from automl.data.source import display

    frame, reading = read_table(table, options=read_options(sep, encoding, decimal, na, sheet, query))
    print(f"read {display(table)}: {reading.describe()}", file=sys.stderr)
    if target is not None:
        frame = frame.drop(columns=column_of(frame, target).name)
    print(schema_text(infer_schema(frame, overrides=parse_types(types), decimal=reading.decimal)))
