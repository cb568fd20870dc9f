"""``automl export`` and ``automl serve``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

Model = Annotated[Path, typer.Argument(metavar="MODEL", help="Run folder, or exported model: a folder or a file.")]


def export(
    model: Model,
    to: Annotated[
        Path,
        typer.Option("--to", metavar="PLACE", help="New or empty folder; NAME.tar.gz or .onnx, if it is one file."),
    ],
    format: Annotated[
        Literal["artifact", "endpoint", "sagemaker", "onnx", "code"],
        typer.Option(
            help="The model alone; a project that serves it; model.tar.gz for hosts of that contract; one file for "
            "ONNX runtimes; or a script of plain libraries that trains a candidate again."
        ),
    ] = "artifact",
    candidate: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Which one, by the leaderboard: by default code is of the best, onnx of all."),
    ] = None,
) -> None:
    """Copy a model out of its run, alone, with what serves it, or as the code that makes it."""
    from automl.deploy.export import export as export_model

    export_model(model, to, format, candidate=candidate)
    print(to)


def serve(
    model: Model,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 opens it to the network.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 picks a free one.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes that share the port.")] = 1,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", help="For one request.")] = 30.0,
    watch: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Look for a new version this often; SIGHUP: at once.")
    ] = None,
    variant: Annotated[
        list[str] | None, typer.Option(metavar="PATH=SHARE", help="Another model for a share of the requests.")
    ] = None,
    canary: Annotated[
        list[str] | None,
        typer.Option(metavar="PATH=SHARE", help="The same, until it fails more often or is slower than MODEL."),
    ] = None,
    shadow: Annotated[
        list[str] | None, typer.Option(metavar="PATH", help="Is asked, too; its answers are only compared.")
    ] = None,
    capture: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep requests and answers here, as Parquet.")
    ] = None,
    capture_share: Annotated[float, typer.Option(min=0, max=1, help="Of the requests, to keep.")] = 1.0,
    log: Annotated[Literal["json", "none"], typer.Option(help="A line for each request, or none.")] = "json",
) -> None:
    """Serve predictions over HTTP until interrupted. Keys that may ask: AUTOML_API_KEYS in the environment."""
    from automl.deploy.capture import CaptureOptions
    from automl.deploy.limits import Limits
    from automl.deploy.options import ServeOptions
    from automl.deploy.server import serve as serve_model
    from automl.deploy.variants import Role, Variant

    given = {Role.SPLIT: variant, Role.CANARY: canary, Role.SHADOW: shadow}
    options = ServeOptions(
        workers=workers,
        limits=Limits(timeout=timeout),
        watch=watch,
        variants=tuple(Variant.parse(text, role) for role, texts in given.items() for text in texts or ()),
        capture=None if capture is None else CaptureOptions(capture, capture_share),
        log=log,
    )
    serve_model(model, host, port, options)
