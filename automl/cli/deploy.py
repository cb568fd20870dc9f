"""``automl export`` and ``automl serve``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

Model = Annotated[Path, typer.Argument(metavar="MODEL", help="Run folder or exported model.")]


def export(
    model: Model,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="New or empty folder.")],
    format: Annotated[
        Literal["artifact", "endpoint"], typer.Option(help="The model alone, or a project that serves it.")
    ] = "artifact",
) -> None:
    """Copy a model to a folder of its own, alone or with everything that serves it."""
    from automl.deploy.export import export as export_model

    export_model(model, to, format)
    print(to)


def serve(
    model: Model,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 opens it to the network.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 picks a free one.")] = 8000,
) -> None:
    """Serve predictions over HTTP until interrupted."""
    from automl.deploy.server import serve as serve_model

    serve_model(model, host, port)
