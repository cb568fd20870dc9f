"""What is asked over HTTP, path by path. The only file that imports the web framework.

=============================  ======================================================================
``/predict``                   rows as JSON objects, typed from the training schema
``/invocations``               the hosting contract, and MLflow's bodies: CSV, JSON, JSON lines, Arrow
                               and Parquet in; ``Accept`` chooses what comes out
``/v2/models/model/infer``     the Open Inference Protocol, with ``/v2``, ``/v2/models/model``
``/ping, /health, /v2/health`` 200 once a prediction has been made
``/metrics``                   what was counted, for Prometheus
``/version``                   of the library, the model and what it was trained with
``/docs``                      the documentation, with a real row to try
=============================  ======================================================================

A refused request is answered with ``application/problem+json`` (RFC 9457) that names every wrong row and column.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

import automl
from automl.deploy import inference, openapi
from automl.deploy.access import Access
from automl.deploy.answers import SPEAK_REASONS, WRITERS, accepted
from automl.deploy.batching import Query
from automl.deploy.bodies import parse
from automl.deploy.columnar import ARROW_STREAM, PARQUET
from automl.deploy.keys import Keys
from automl.deploy.metrics import MEDIA_TYPE
from automl.deploy.problem import RequestError
from automl.deploy.served import Asked
from automl.deploy.service import Service

_JSON: Final = "application/json"
MODEL_NAME: Final = "model"
"""In the paths of the Open Inference Protocol."""


def application(
    service: Service, keys: Keys, while_it_runs: Callable[[FastAPI], AbstractAsyncContextManager[None]]
) -> FastAPI:
    """Return the web application of a service; ``while_it_runs`` is entered when it starts."""
    app = FastAPI(title="Predictions", version=automl.__version__, lifespan=while_it_runs)
    _add_predictions(app, service)
    _add_inference(app, service)
    _add_facts(app, service)
    for error in (RequestError, HTTPException, ClientDisconnect, Exception):
        app.add_exception_handler(error, _refuse)
    app.add_middleware(Access, keys=keys, metrics=service.metrics)
    app.openapi = partial(_documented, app, service)  # type: ignore[method-assign]
    return app


def _add_predictions(app: FastAPI, service: Service) -> None:
    @app.post("/predict", response_class=Response)
    async def predict(request: Request) -> Response:
        """Predict rows given as objects, as Arrow or Parquet; every row needs every column, others are ignored."""
        media_type = _media_type(request)
        if media_type not in (_JSON, ARROW_STREAM, PARQUET):
            given = media_type or "missing"
            raise RequestError(415, f"content type {given}; send {_JSON}, {ARROW_STREAM} or {PARQUET}")
        return await _answered(service, request, media_type)

    @app.post("/invocations", response_class=Response)
    async def invocations(request: Request) -> Response:
        """Predict rows by name or in training order, as CSV, JSON, JSON lines, Arrow or Parquet."""
        return await _answered(service, request, _media_type(request))


async def _answered(service: Service, request: Request, media_type: str) -> Response:
    accept = request.headers.get("accept", "")
    to = accepted(accept, media_type if media_type in WRITERS else _JSON)
    if to is None:
        raise RequestError(406, f"cannot answer with {accept:.100}; accept one of: {', '.join(WRITERS)}")
    asked = Asked(_coverage(request), _reasons(request))
    if asked.reasons and to not in SPEAK_REASONS:
        raise RequestError(406, f"reasons cannot be told as {to}; accept {_JSON}")

    def query_of(body: bytes) -> Query:
        read = partial(parse, body, media_type, max_rows=service.limits.max_rows)
        return Query(read, lambda answers, _: WRITERS[to](answers), asked)

    return await _response(service, request, query_of, to)


async def _response(
    service: Service, request: Request, query_of: Callable[[bytes], Query], media_type: str
) -> Response:
    """Answer a request, and tell whose answer it is: the client in headers, the log in the scope."""
    answered = await service.answer(request.scope["request_id"], request.stream(), query_of)
    reply, variant = answered.reply, answered.variant
    request.scope["answered"] = {"rows": len(reply.table.rows), "variant": variant, "model": reply.served.id}
    headers = {"x-model-variant": variant, "x-model-version": reply.served.id}
    return Response(reply.body, headers=headers, media_type=media_type)


def _add_inference(app: FastAPI, service: Service) -> None:
    @app.post("/v2/models/{name}/infer", response_class=Response)
    async def infer(name: str, request: Request) -> Response:
        """Predict the rows of named tensors, one a column."""
        _require_model(name)

        def query_of(body: bytes) -> Query:
            asked = inference.Inference(name, body, service.limits.max_rows)
            return Query(asked.read, asked.write)

        return await _response(service, request, query_of, _JSON)

    @app.get("/v2", response_class=JSONResponse)
    async def server_metadata() -> Mapping[str, Any]:
        """Tell which server this is."""
        return inference.server_metadata()

    @app.get("/v2/models/{name}", response_class=JSONResponse)
    async def model_metadata(name: str) -> Mapping[str, Any]:
        """Tell which tensors go in and come out."""
        _require_model(name)
        return inference.model_metadata(service.served.predictor, name, service.served.id)

    @app.get("/v2/models/{name}/ready", response_class=JSONResponse)
    async def model_ready(name: str) -> Mapping[str, Any]:
        """Tell that predictions can be made."""
        _require_model(name)
        return {"name": name, "ready": True}


def _add_facts(app: FastAPI, service: Service) -> None:
    @app.get("/ping")
    @app.get("/health")
    @app.get("/v2/health/live")
    @app.get("/v2/health/ready")
    async def health() -> dict[str, str]:
        """Tell that predictions can be made: the application does not exist before the first one."""
        return {"status": "ok"}

    @app.get("/version")
    async def version() -> Mapping[str, Any]:
        """Tell what is served."""
        return service.served.describe()

    @app.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        """Tell Prometheus what was counted."""
        return Response(service.metrics.render(), media_type=MEDIA_TYPE)

    @app.get("/", include_in_schema=False)
    async def home() -> RedirectResponse:
        return RedirectResponse("/docs")


def _documented(app: FastAPI, service: Service) -> dict[str, Any]:
    """Return the OpenAPI document of the model that is served now."""
    predictor = service.served.predictor
    task = predictor.task
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=f"Predicts `{task.target}` ({task.problem_type.value}).",
        routes=app.routes,
    )
    return openapi.completed(document, predictor, MODEL_NAME)


def _require_model(name: str) -> None:
    if name != MODEL_NAME:
        raise RequestError(404, f"there is no model {name!r:.60}; the model is called {MODEL_NAME!r}")


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


def _reasons(request: Request) -> int:
    """Return how many reasons of each row are asked for."""
    given = request.query_params.get("reasons", "0")
    if not (given.isascii() and given.isdigit() and len(given) <= 4):
        raise RequestError(400, f"reasons must be a number such as 3, got {given[:40]!r}")
    return int(given)


def _refuse(request: Request, error: Exception) -> Response:
    """Answer a problem, an unknown path or method, or a fault of ours; the latter is logged and says nothing."""
    headers: Mapping[str, str] | None = None
    if isinstance(error, HTTPException):
        headers, error = error.headers, RequestError(error.status_code, str(error.detail))
    elif isinstance(error, ClientDisconnect):
        error = RequestError(400, "the connection was closed before the body was complete")
    elif not isinstance(error, RequestError):
        error = RequestError(500, "the prediction failed; the reason is in the log of the server")
    return Response(error.to_json(request.url.path), error.status, {**(headers or {}), **error.headers()})
