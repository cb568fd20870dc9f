"""Applications and predictions on Ray, one machine or many. The door to Ray of this package.

Serving: replicas of the application of :mod:`automl.deploy.server`, between a least and a most number, as many as the
requests in flight need. This process is the :mod:`~automl.deploy.door` in front of them and finishes what is in flight
when it is ended; Ray's own doors would answer everybody with 404 meanwhile. Where those are wanted, on every machine of
a cluster, `deployment` is what ``serve run`` takes.
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

import ray
from ray.exceptions import RayActorError

from automl.config import FitConfig
from automl.deploy import listening
from automl.deploy.access import Access
from automl.deploy.door import Asked, Door, Told, call, unnamed
from automl.deploy.keys import Keys
from automl.deploy.logs import log_json
from automl.deploy.metrics import Metrics
from automl.deploy.options import Replicas, ServeOptions
from automl.deploy.problem import RequestError
from automl.deploy.server import open_app
from automl.errors import AutoMLError, UsageError
from automl.models.affine import BlasThreads

_TARGET: Final = 8
"""Requests in flight for which a replica is enough: they are predicted together."""
_END_SECONDS: Final = 24
"""For what a replica is answering when it is no longer needed."""
_OBJECT_STORE: Final = 500_000_000


def deployment(path: str | Path, options: ServeOptions, replicas: Replicas) -> Any:
    """Return what Ray Serve runs: the application of a model, loaded once in each replica.

    Parameters
    ----------
    path
        Run folder or exported model, at a place that all machines of the cluster see; so are those in the options.
    """
    serve, place = _serve(), Path(path).absolute()

    def build() -> Any:
        BlasThreads(1).limited().__enter__()  # as long as the process lives
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

    async def answer(self, asked: Asked) -> Told:
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
    UsageError
        If Ray Serve is not installed.
    AutoMLError
        If the address cannot be listened on, the cluster not be reached, or the replicas not start.
    """
    if options.log == "json":
        log_json()
    metrics, keys, limits = Metrics(), Keys.from_environment(), options.limits
    limits = replace(limits, max_requests=limits.max_requests * replicas.most)
    with (
        listening.bind(host, port) as listener,
        _ray(address, replicas.most),
        _running(deployment(path, replace(options, log="none"), replicas)) as ask,
    ):
        listening.announce(listener, guarded=bool(keys))
        listening.run(Access(Door(ask, limits, metrics), keys=keys, metrics=metrics), listener)


@contextmanager
def _ray(address: str | None, cpus: int) -> Iterator[None]:
    """Have Ray in this process, for as long as the block runs."""
    logging.getLogger("ray").setLevel(logging.CRITICAL)
    local: dict[str, Any] = {
        "num_cpus": max(cpus, FitConfig().cores),
        "include_dashboard": False,
        "object_store_memory": _OBJECT_STORE,
    }
    try:
        ray.init(
            address=address or "local",
            log_to_driver=False,
            logging_level=logging.CRITICAL,
            **({} if address else local),
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise AutoMLError(f"Ray cannot be used: {error}") from error
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield
    finally:
        ray.shutdown()


def _leave(*_: object) -> None:
    raise SystemExit(0)


@contextmanager
def _running(application: Any) -> Iterator[Callable[[Asked], Awaitable[Told]]]:
    """Run an application on Ray Serve for as long as the block runs, and return what asks it."""
    serve, name = _serve(), f"automl-{uuid.uuid4().hex[:8]}"
    serve.start(proxy_location="Disabled", logging_config={"log_level": "WARNING", "enable_access_log": False})
    try:
        handle = serve.run(application, name=name, route_prefix=None)

        async def ask(asked: Asked) -> Told:
            try:
                told: Told = await handle.answer.remote(asked)
            except RayActorError:  # what it was answering is lost with a replica that died
                raise RequestError(
                    503, "the replica that had the request ended; send it again", retry_after=1
                ) from None
            return told

        yield ask
    except RuntimeError as error:
        raise AutoMLError(f"the replicas do not start: {error}") from error
    finally:
        serve.delete(name)


def _serve() -> Any:
    try:
        from ray import serve
    except ImportError:
        raise UsageError("serving on Ray needs Ray Serve; pip install 'automl[scale]'") from None
    logging.getLogger("ray.serve").setLevel(logging.CRITICAL)  # its import says otherwise
    return serve
