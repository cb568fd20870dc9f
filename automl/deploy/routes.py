"""What is told over HTTP beside predictions, path by path. The only file that imports the web framework.

=============================  ======================================================================
``/ping, /health, /v2/health`` 200 once a prediction has been made
``/v2``, ``/v2/models/model``  the Open Inference Protocol: what goes in and comes out
``/metrics``                   what was counted, for Prometheus
``/version``                   of the library, the model and what it was trained with
``/docs``                      the documentation, with a real row to try; it asks nobody else for anything
=============================  ======================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.routing import APIRoute
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException

import automl
from automl.deploy import inference, openapi
from automl.deploy.access import Access
from automl.deploy.asgi import App
from automl.deploy.keys import Keys
from automl.deploy.metrics import MEDIA_TYPE
from automl.deploy.predictions import Predictions, require_model
from automl.deploy.problem import RequestError
from automl.deploy.service import Service


def application(
    service: Service, keys: Keys, while_it_runs: Callable[[FastAPI], AbstractAsyncContextManager[None]]
) -> App:
    """Return the web application of a service; ``while_it_runs`` is entered when it starts."""
    facts = FastAPIOffline(
        title="Predictions", version=automl.__version__, lifespan=while_it_runs, redirect_slashes=False
    )
    _add_inference(facts, service)
    _add_facts(facts, service)
    _add_heads(facts)
    for error in (RequestError, HTTPException, Exception):
        facts.add_exception_handler(error, _refuse)
    facts.openapi = partial(_documented, facts, service, guarded=bool(keys))  # type: ignore[method-assign]
    return Access(Predictions(facts, service), keys=keys, metrics=service.metrics)


def _add_inference(app: FastAPI, service: Service) -> None:
    @app.get("/v2", response_class=JSONResponse)
    async def server_metadata() -> Mapping[str, Any]:
        """Tell which server this is."""
        return inference.server_metadata()

    @app.get("/v2/models/{name}", response_class=JSONResponse)
    async def model_metadata(name: str) -> Mapping[str, Any]:
        """Tell which tensors go in and come out."""
        require_model(name)
        return inference.model_metadata(service.served.predictor, name, service.served.id)

    @app.get("/v2/models/{name}/versions/{version}", response_class=JSONResponse)
    async def version_metadata(name: str, version: str) -> Mapping[str, Any]:
        """Tell the same of a version."""
        require_model(name)
        return inference.model_metadata(service.lane_of(version).served.predictor, name, version)

    @app.get("/v2/models/{name}/ready", response_class=JSONResponse)
    async def model_ready(name: str) -> Mapping[str, Any]:
        """Tell that predictions can be made."""
        require_model(name)
        return {"name": name, "ready": True}

    @app.get("/v2/models/{name}/versions/{version}/ready", response_class=JSONResponse)
    async def version_ready(name: str, version: str) -> Mapping[str, Any]:
        """Tell that predictions can be made by a version."""
        require_model(name)
        service.lane_of(version)
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


def _add_heads(app: FastAPI) -> None:
    """Let whatever can be asked for with GET be asked for with HEAD, too, as load balancers do."""
    for route in [route for route in app.routes if isinstance(route, APIRoute)]:
        app.add_api_route(
            route.path,
            route.endpoint,
            methods=["HEAD"],
            response_class=route.response_class,
            include_in_schema=False,
        )


def _documented(app: FastAPI, service: Service, *, guarded: bool) -> dict[str, Any]:
    """Return the OpenAPI document of the model that is served now."""
    predictor = service.served.predictor
    task = predictor.task
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=f"Predicts `{task.target}` ({task.problem_type.value}).",
        routes=app.routes,
    )
    return openapi.completed(document, predictor, guarded=guarded)


def _refuse(request: Request, error: Exception) -> Response:
    """Answer a problem, an unknown path or method, or a fault of ours; the latter is logged and says nothing."""
    headers: Mapping[str, str] = {}
    if isinstance(error, HTTPException):
        headers, error = error.headers or {}, RequestError(error.status_code, str(error.detail))
    elif not isinstance(error, RequestError):
        error = RequestError(500, "it failed; the reason is in the log of the server")
    return Response(error.to_json(request.url.path), error.status, {**headers, **error.headers})
