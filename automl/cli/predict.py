"""``automl predict``."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer

from automl.cli.options import Keep, Model, RayAddress, Trust
from automl.cli.table import Table, reads_table
from automl.config import AS_FOUND, ReadOptions
from automl.errors import SchemaError


@reads_table
def predict(
    model: Model,
    data: Table,
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE|DIR",
            help="CSV or Parquet file; or a folder: rows with wrong cells are listed there instead of ending the run, "
            "and the same command continues after an interruption; - writes CSV to stdout.",
        ),
    ] = "-",
    keep: Keep = None,
    format: Annotated[Literal["csv", "parquet"] | None, typer.Option(help="Format of the files in a folder.")] = None,
    proba: Annotated[bool, typer.Option("--proba", help="Add one probability_<class> column a class.")] = False,
    interval: Annotated[
        float | None,
        typer.Option(metavar="P", help="Add low and high, between which the value lies with probability P."),
    ] = None,
    trust: Trust = None,
    engine: Annotated[
        Literal["local", "ray"],
        typer.Option(help="Where batches are predicted: here, or by every machine of a Ray cluster."),
    ] = "local",
    ray_address: RayAddress = None,
    read: ReadOptions = AS_FOUND,
) -> None:
    """Predict every row of a table, in the order of the rows. It is read as the training table was.

    CSV and Parquet of any size pass through in batches; other formats are read whole.
    """
    from automl.artifact import load
    from automl.cli.progress import rows_done, watch_rows
    from automl.deploy.batch import predict_files
    from automl.deploy.tables import is_folder

    try:
        with watch_rows() as show:
            seen = predict_files(
                load(model, trust=trust),
                data,
                sys.stdout if output == "-" else output,
                keep=keep or (),
                proba=proba,
                interval=interval,
                format=format,
                options=read,
                on_progress=show,
                engine=engine,
                ray_address=ray_address,
            )
    except SchemaError as error:
        if not error.cells:
            raise
        raise SchemaError(f"{error}; -o FOLDER/ predicts the other rows and lists these", error.cells) from None
    if output != "-" and is_folder(output):
        print(rows_done(seen), file=sys.stderr)
