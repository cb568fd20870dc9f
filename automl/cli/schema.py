"""``automl schema``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from automl.cli.options import ProblemType
from automl.cli.table import Table, Types, parse_types, reads_table
from automl.config import AS_FOUND, FitConfig, ReadOptions


@reads_table
def schema(
    table: Table,
    target: Annotated[str | None, typer.Option(help="Column to predict; it is left out.")] = None,
    problem_type: ProblemType = None,
    types: Types = None,
    read: ReadOptions = AS_FOUND,
) -> None:
    """Print what the columns of a table are taken for, as JSON to edit and to pass to fit --schema."""
    from automl.data.identifiers import with_telling_identifiers
    from automl.data.io import read_table
    from automl.data.schema import infer_schema
    from automl.data.schema_file import schema_text
    from automl.data.source import display
    from automl.data.training import TrainingTable

    wanted = FitConfig(problem_type=problem_type).problem_type  # validates it
    overrides = parse_types(types)
    if target is None:
        frame, reading = read_table(table, options=read)
        decided = infer_schema(frame, overrides=overrides, decimal=reading.decimal)
    else:
        training = TrainingTable.read(table, target=target, options=read)
        task, y, known = training.understood(wanted)
        frame, reading = training.frame[known], training.reading
        decided = infer_schema(frame, overrides=overrides, decimal=reading.decimal)
        decided = with_telling_identifiers(frame, decided, y, task, settled=overrides)
    print(f"read {display(table)}: {reading.describe()}", file=sys.stderr)
    print(schema_text(decided))
