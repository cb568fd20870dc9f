"""``automl export`` and ``automl serve``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from automl.cli.duration import parse_bytes
from automl.cli.options import Model, RayAddress, Trust

if TYPE_CHECKING:
    from automl.deploy.capture import CaptureOptions


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
        typer.Option(metavar="ID", help="One of a run's leaderboard, not all together; code is of the best."),
    ] = None,
    sign: Annotated[
        Path | None,
        typer.Option(
            metavar="KEY.pem",
            help="Sign the model with this private key: openssl genpkey -algorithm ed25519 -out key.pem; for --trust: "
            "openssl pkey -in key.pem -pubout -out public.pem.",
        ),
    ] = None,
    trust: Trust = None,
) -> None:
    """Copy a model out of its run, alone, with what serves it, or as the code that makes it."""
    from automl.deploy.export import export as export_model

    export_model(model, to, format, candidate=candidate, key=sign, trust=trust)
    print(to)


def serve(
    model: Model,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 opens it to the network.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 picks a free one.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes that share the port.")] = 1,
    engine: Annotated[
        Literal["local", "ray"],
        typer.Option(
            help="Where the model runs: in processes of this machine, or in replicas on Ray Serve behind this process. "
            "Each of these loads MODEL, and with --watch its new versions, from a place that all machines see."
        ),
    ] = "local",
    replicas: Annotated[
        str | None, typer.Option(metavar="LEAST..MOST", help="On Ray: as many as are needed of these; default 1..4.")
    ] = None,
    ray_address: RayAddress = None,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", help="For one request.")] = 30.0,
    max_rows: Annotated[int, typer.Option(min=1, help="Rows of one request at most.")] = 100_000,
    max_body: Annotated[str, typer.Option(metavar="SIZE", help="Bytes of one request at most.")] = "16MiB",
    max_requests: Annotated[
        int, typer.Option(min=1, help="Requests in a worker at a time; others are told 503.")
    ] = 512,
    watch: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="Look for a new version this often; SIGHUP: at once (not on Ray)."),
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
    capture_share: Annotated[
        float | None, typer.Option(min=0, max=1, help="Of the requests, to keep; default all.")
    ] = None,
    capture_max: Annotated[
        str | None, typer.Option(metavar="SIZE", help="That each worker keeps at most; default 1GiB.")
    ] = None,
    trust: Trust = None,
    log: Annotated[Literal["json", "none"], typer.Option(help="A line for each request, or none.")] = "json",
) -> None:
    """Serve predictions over HTTP until interrupted. Keys that may ask: AUTOML_API_KEYS in the environment."""
    from automl.deploy.limits import Limits
    from automl.deploy.options import Replicas, ServeOptions
    from automl.deploy.server import serve as serve_model
    from automl.deploy.variants import Role, Variant
    from automl.errors import UsageError

    given = {Role.SPLIT: variant, Role.CANARY: canary, Role.SHADOW: shadow}
    options = ServeOptions(
        workers=workers,
        limits=Limits(parse_bytes(max_body), max_rows, max_requests, timeout),
        watch=watch,
        variants=tuple(Variant.parse(text, role) for role, texts in given.items() for text in texts or ()),
        capture=_capture(capture, capture_share, capture_max),
        trust=trust,
        log=log,
    )
    if engine == "ray":
        if workers > 1:
            raise UsageError("on Ray there are no workers; leave out --workers and say --replicas")
        from automl.deploy.replicas import serve as serve_on_ray

        serve_on_ray(model, host, port, options, Replicas.parse(replicas or "1..4"), ray_address)
        return
    if replicas or ray_address:
        raise UsageError("--replicas and --ray-address are about Ray; add --engine ray")
    serve_model(model, host, port, options)


def _capture(folder: Path | None, share: float | None, most: str | None) -> CaptureOptions | None:
    """Return what is kept of the traffic."""
    from automl.deploy.capture import CaptureOptions
    from automl.errors import UsageError

    given: dict[str, Any] = {} if share is None else {"share": share}
    if most is not None:
        given["max_bytes"] = parse_bytes(most)
    if folder is not None:
        return CaptureOptions(folder, **given)
    if given:
        raise UsageError("--capture-share and --capture-max are about what is kept; add --capture DIR")
    return None
