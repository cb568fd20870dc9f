"""A model on Ray Serve: replicas of the application of :mod:`automl.deploy.server`, as many as the requests need.

The process that starts them is the :mod:`~automl.deploy.door` in front of them, and finishes what is in flight before
it ends. Ray Serve's own doors answer everybody with 404 from the moment an application is to end. Where those are
wanted, on every machine of a cluster, :func:`deployment` is what ``serve run`` takes.
"""

from __future__ import annotations

import logging
import signal
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from ray.exceptions import RayActorError

from automl.artifact import load
from automl.config import FitConfig
from automl.deploy import listening
from automl.deploy.access import Access
from automl.deploy.cluster import joined
from automl.deploy.door import Door, WholeRequest, WholeResponse, call, unnamed
from automl.deploy.keys import Keys
from automl.deploy.logs import log_json
from automl.deploy.metrics import Metrics
from automl.deploy.options import Replicas, ServeOptions
from automl.deploy.problem import RequestError
from automl.deploy.server import open_app
from automl.errors import AutoMLError, UsageError
from automl.threads import limited_threads

_TARGET: Final = 8
"""Requests in flight for which a replica is enough: they are predicted together."""
_END_SECONDS: Final = 24
"""For what a replica is answering when it is no longer needed."""


def deployment(path: str | Path, options: ServeOptions, replicas: Replicas) -> Any:
    """Return what Ray Serve runs: the application of a model, loaded once in each replica.

    Parameters
    ----------
    path
        Run folder or exported model, at a place that all machines of the cluster see; so are those in the options.
    """
    serve, place, options = _serve(), Path(path).absolute(), options.absolute()

    def build() -> Any:
        limited_threads(1).__enter__()  # as long as the process lives
        return unnamed(open_app(place, options))

    return serve.deployment(
        serve.ingress(build)(_Replica),
        name="model",
        max_ongoing_requests=2 * options.limits.max_requests,  # the application is the one to refuse
        autoscaling_config={
            "min_replicas": replicas.least,
            "max_replicas": replicas.most,
            "target_ongoing_requests": _TARGET,
        },
        graceful_shutdown_wait_loop_s=0.1,
        graceful_shutdown_timeout_s=_END_SECONDS,
    ).bind()


class _Replica:
    """An application on Ray; Ray Serve mixes it in, as ``app``."""

    app: Any

    async def answer(self, asked: WholeRequest) -> WholeResponse:
        return await call(self.app, asked)


def serve(
    path: str | Path,
    host: str,
    port: int,
    options: ServeOptions,
    replicas: Replicas,
    address: str | None = None,
) -> None:
    """Serve on Ray until SIGINT or SIGTERM, then finish the requests in flight.

    Parameters
    ----------
    address
        Of a Ray cluster; None = one of this machine alone, as long as this call.

    Raises
    ------
    ArtifactError
        If a model cannot be loaded.
    UsageError
        If Ray Serve is not installed.
    AutoMLError
        If the address cannot be listened on, the cluster not be reached, or the replicas not start.
    """
    if options.log == "json":
        log_json()
    for model in (path, *(variant.path for variant in options.variants)):
        load(model, trust=options.trust)  # what is wrong is said at once, and once
    application = deployment(path, replace(options, log="none"), replicas)
    metrics, keys = Metrics(), Keys.from_environment()
    limits = replace(options.limits, max_requests=options.limits.max_requests * replicas.most)
    with (
        listening.bind(host, port) as listener,
        joined(address, max(replicas.most, FitConfig().cores)),
        listening.exit_on_sigterm(),
        _deaf_to_sighup(),
        _running(application) as ask,
    ):
        listening.announce(listener, guarded=bool(keys))
        listening.run(Access(Door(ask, limits, metrics), keys=keys, metrics=metrics), listener)


@contextmanager
def _deaf_to_sighup() -> Iterator[None]:
    """Go on after SIGHUP: the replicas hear no signals."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


@contextmanager
def _running(application: Any) -> Iterator[Callable[[WholeRequest], Awaitable[WholeResponse]]]:
    """Run an application on Ray Serve for as long as the block runs, and return what asks it."""
    serve, name = _serve(), f"automl-{uuid.uuid4().hex[:8]}"
    serve.start(proxy_location="Disabled", logging_config={"log_level": "WARNING", "enable_access_log": False})
    try:
        handle = _started(serve, application, name)

        async def ask(asked: WholeRequest) -> WholeResponse:
            try:
                told: WholeResponse = await handle.answer.remote(asked)
            except RayActorError:  # what it was answering is lost with a replica that died
                raise RequestError(503, "the replica that had it ended; send it again", retry_after=1) from None
            return told

        yield ask
    finally:
        serve.delete(name)


def _started(serve: Any, application: Any, name: str) -> Any:
    try:
        return serve.run(application, name=name, route_prefix=None)
    except RuntimeError as error:
        raise AutoMLError(f"the replicas do not start: {error}") from error


def _serve() -> Any:
    try:
        from ray import serve
    except ImportError:
        raise UsageError("serving on Ray needs Ray Serve; pip install 'automl[scale]'") from None
    logging.getLogger("ray.serve").setLevel(logging.CRITICAL)  # its import says otherwise
    return serve
