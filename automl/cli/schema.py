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
    from automl.data.identifiers import with_telling_identifiers
    from automl.data.io import column_of, read_table
    from automl.data.schema import infer_schema
    from automl.data.schema_file import schema_text
    from automl.data.source import display
    from automl.data.task import encode_target, infer_task

    frame, reading = read_table(table, options=read_options(sep, encoding, decimal, na, sheet, query))
    print(f"read {display(table)}: {reading.describe()}", file=sys.stderr)
    overrides = parse_types(types)
    if target is None:
        decided = infer_schema(frame, overrides=overrides, decimal=reading.decimal)
    else:
        values = column_of(frame, target)
        task = infer_task(values, target, decimal=reading.decimal)
        y, known = encode_target(values, task)
        frame = frame.drop(columns=target)[known]
        decided = infer_schema(frame, overrides=overrides, decimal=reading.decimal)
        decided = with_telling_identifiers(frame, decided, y[known], task, settled=overrides)
    print(schema_text(decided))
