"""A predictor over HTTP. The only file that imports the web framework.

===================  ================================================================================
``/predict``         rows as JSON objects, typed from the training schema
``/invocations``     the hosting contract: CSV, JSON or JSON lines in, ``Accept`` chooses what comes out
``/ping, /health``   200 once a prediction has been made
``/version``         of the library, the model and what it was trained with
``/docs``            the documentation, with a real row to try
===================  ================================================================================

A refused request is answered with ``application/problem+json`` (RFC 9457) that names every wrong row and column.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

import orjson
import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

import automl
from automl.artifact import load
from automl.deploy import openapi, problem
from automl.deploy.answers import WRITERS, accepted
from automl.deploy.bodies import parse
from automl.deploy.problem import BadCell, RequestError
from automl.errors import AutoMLError, SchemaError, UsageError
from automl.predictor import Predictor

_DRAIN_SECONDS: Final = 25
"""For requests in flight after SIGTERM; hosts kill after 30."""
_JSON: Final = "application/json"


def create_app(predictor: Predictor, *, max_body_bytes: int = 16 * 2**20, max_rows: int = 100_000) -> FastAPI:
    """Return the web application of a predictor, warmed up by one prediction.

    Parameters
    ----------
    predictor
        What predicts; it is called in one thread, so that the server answers health checks meanwhile.
    max_body_bytes, max_rows
        Larger requests are refused with 413.
    """
    service = _Service(predictor, max_body_bytes, max_rows)
    service.predict(orjson.dumps(openapi.example_request(predictor)), _JSON, _JSON)
    app = FastAPI(
        title="Predictions",
        version=automl.__version__,
        description=f"Predicts `{predictor.task.target}` ({predictor.task.problem_type.value}).",
    )
    _add_predictions(app, service)
    _add_facts(app, _version(predictor))
    for error in (RequestError, HTTPException, Exception):
        app.add_exception_handler(error, _refuse)
    return app


def _add_predictions(app: FastAPI, service: _Service) -> None:
    @app.post("/predict", openapi_extra=openapi.predict_operation(service.predictor), response_class=Response)
    async def predict(request: Request) -> Response:
        """Predict rows given as objects; every row needs every column, further ones are ignored."""
        media_type = _media_type(request)
        if media_type != _JSON:
            raise RequestError(415, f"content type {media_type or 'missing'}; send {_JSON}")
        return await service.answer(request, _JSON, _JSON)

    @app.post("/invocations", openapi_extra=openapi.invocations_operation(service.predictor), response_class=Response)
    async def invocations(request: Request) -> Response:
        """Predict rows by name or in training order, as CSV, JSON or JSON lines."""
        media_type = _media_type(request)
        accept = request.headers.get("accept", "")
        to = accepted(accept, media_type if media_type in WRITERS else _JSON)
        if to is None:
            raise RequestError(406, f"cannot answer with {accept}; accept one of: {', '.join(WRITERS)}")
        return await service.answer(request, media_type, to)


def _add_facts(app: FastAPI, version: Mapping[str, Any]) -> None:
    @app.get("/ping")
    @app.get("/health")
    async def health() -> dict[str, str]:
        """Tell that predictions can be made: the application does not exist before the first one."""
        return {"status": "ok"}

    @app.get("/version")
    async def model_version() -> Mapping[str, Any]:
        """Tell what is served."""
        return version

    @app.get("/", include_in_schema=False)
    async def home() -> RedirectResponse:
        return RedirectResponse("/docs")


class _Service:
    """A predictor behind limits, called in a thread of its own."""

    def __init__(self, predictor: Predictor, max_body_bytes: int, max_rows: int) -> None:
        self.predictor = predictor
        self._max_body_bytes = max_body_bytes
        self._max_rows = max_rows
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="predict")

    async def answer(self, request: Request, media_type: str, to: str) -> Response:
        """Read a request and answer it."""
        body = await self._read(request)
        work = partial(self.predict, body, media_type, to, _coverage(request))
        return Response(await asyncio.get_running_loop().run_in_executor(self._thread, work), media_type=to)

    def predict(self, body: bytes, media_type: str, to: str, interval: float | None = None) -> bytes:
        """Turn the body of a request into the body of its answer."""
        table = parse(body, media_type, self.predictor.schema, max_rows=self._max_rows)
        errors = list(table.errors)
        try:
            classes = self.predictor.task.problem_type.classification
            frame = self.predictor.predict_frame(table.frame, proba=classes, interval=interval)
        except SchemaError as error:
            errors += [self._bad_cell(*cell) for cell in error.cells]
        except UsageError as error:
            raise RequestError(400, str(error)) from None
        if errors:
            raise RequestError.of_cells(errors)
        return WRITERS[to](frame)

    async def _read(self, request: Request) -> bytes:
        """Return the body; give up as soon as it is too large, whether it comes with its length or in chunks."""
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > self._max_body_bytes:
                raise RequestError(413, f"the body is larger than {self._max_body_bytes} bytes; send the rows in parts")
        return bytes(body)

    def _bad_cell(self, row: int, name: str, value: str) -> BadCell:
        kind = self.predictor.schema[name].kind
        return BadCell(row, name, value, f"column {name!r} was {kind} in training, got {value[:40]!r} in row {row}")


def serve(path: str | Path, host: str = "127.0.0.1", port: int = 8000) -> None:
    """Serve a run folder or an exported model until SIGINT or SIGTERM, then finish the requests in flight.

    Raises
    ------
    ArtifactError
        If the model cannot be loaded.
    AutoMLError
        If the address cannot be listened on.
    """
    listen(create_app(load(path)), host, port)


def listen(app: FastAPI, host: str, port: int) -> None:
    """Serve an application as :func:`serve` does; port 0 means any free one."""
    try:
        listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise AutoMLError(f"cannot listen on {host}:{port}: {error.strerror}; choose another with --port") from None
    # Accepted connections inherit it. Without, the body of an answer waits 40 ms for the client to confirm its head.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    shown = f"[{host}]" if ":" in host else host
    print(f"listening on http://{shown}:{listener.getsockname()[1]}", file=sys.stderr, flush=True)
    if not _loopback(host):
        print(f"warning: {host} is open to the network and nobody is asked who they are", file=sys.stderr, flush=True)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=_DRAIN_SECONDS
    )
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _coverage(request: Request) -> float | None:
    """Return the probability that intervals are asked for with, if they are."""
    given = request.query_params.get("interval")
    if given is None:
        return None
    try:
        return float(given)
    except ValueError:
        raise RequestError(400, f"interval must be a probability such as 0.9, got {given[:40]!r}") from None


def _refuse(_: Request, error: Exception) -> Response:
    """Answer a problem, an unknown path or method, or a fault of ours; the latter is logged and says nothing."""
    headers: Mapping[str, str] | None = None
    if isinstance(error, HTTPException):
        headers, error = error.headers, RequestError(error.status_code, str(error.detail))
    elif not isinstance(error, RequestError):
        error = RequestError(500, "the prediction failed; the reason is in the log of the server")
    return Response(error.to_json(), error.status, headers, problem.MEDIA_TYPE)


def _version(predictor: Predictor) -> dict[str, Any]:
    manifest = predictor.manifest
    digest = (predictor.folder / "manifest.sha256").read_text(encoding="ascii")
    return {
        "automl": automl.__version__,
        "model": {
            "id": digest[:12],
            "created": manifest["created"],
            "format": manifest["format"],
            "versions": manifest["versions"],
        },
        "target": predictor.task.target,
        "problem_type": predictor.task.problem_type.value,
        "classes": list(predictor.task.classes),
        "decision": predictor.decision.to_json(),
        "metric": predictor.metric,
        "score": predictor.manifest["score"],
    }


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
