"""From a model on disk to a server that answers: put together from its parts, each in a file of its own.

``access`` asks for a key, counts and logs; ``predictions`` and ``routes`` know the paths, ``bodies``, ``columnar``,
``inference`` and ``answers`` the formats; ``service`` takes a request on (``limits``), chooses who answers
(``variants``) and keeps a record (``capture``); ``batching`` has requests predicted together by what is ``served``;
``reload`` brings new versions; ``listening`` and ``workers`` are about sockets and processes.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from automl.artifact import load
from automl.deploy import listening
from automl.deploy.asgi import App
from automl.deploy.capture import Capture
from automl.deploy.keys import Keys
from automl.deploy.logs import log_json
from automl.deploy.metrics import Metrics
from automl.deploy.options import ServeOptions
from automl.deploy.reload import Reloader
from automl.deploy.routes import application
from automl.deploy.served import Served, require_interchangeable
from automl.deploy.service import Service
from automl.deploy.variants import MAIN, Lane, Role, Variant
from automl.deploy.workers import Supervisor
from automl.errors import AutoMLError
from automl.predictor import Predictor


def create_app(predictor: Predictor, options: ServeOptions | None = None) -> App:
    """Return the web application of a predictor, warmed up by one prediction.

    Parameters
    ----------
    predictor
        What predicts; it is called in one thread, so that the server answers health checks meanwhile.
    options
        How it is served; ``workers`` is not for an application. The keys that are known come from the environment,
        see :mod:`automl.deploy.keys`.

    Raises
    ------
    ArtifactError
        If a variant cannot be loaded.
    AutoMLError
        If one answers another question, or needs other columns.
    """
    return _app(predictor, predictor.folder, options or ServeOptions())


def open_app(path: str | Path, options: ServeOptions) -> App:
    """Return the application of a run folder or an exported model, in which new versions are looked for."""
    return _app(load(path, trust=options.trust), Path(path), options)


def _app(predictor: Predictor, path: Path, options: ServeOptions) -> App:
    if options.log == "json":
        log_json()
    metrics = Metrics()
    lanes = [
        Lane(MAIN, path, Role.MAIN, 1.0, Served.warm(predictor)),
        *(_lane(one, predictor, options.trust) for one in options.variants),
    ]
    capture = None if options.capture is None else Capture(options.capture)
    service = Service(lanes, options.limits, metrics, capture)

    @asynccontextmanager
    async def while_it_runs(_: Any) -> AsyncIterator[None]:
        async with Reloader(lanes, metrics, options.trust).watching(options.watch):
            yield
        if capture is not None:
            await asyncio.to_thread(capture.close)

    return application(service, Keys.from_environment(), while_it_runs)


def _lane(variant: Variant, main: Predictor, trust: Path | None) -> Lane:
    """Return the lane of a model beside the main one."""
    predictor = load(variant.path, trust=trust)
    try:
        require_interchangeable(main, predictor)
    except AutoMLError as error:
        raise AutoMLError(f"{variant.path} cannot be served beside the main model: {error}") from None
    return Lane(variant.name, variant.path, variant.role, variant.share, Served.warm(predictor))


def serve(path: str | Path, host: str = "127.0.0.1", port: int = 8000, options: ServeOptions | None = None) -> None:
    """Serve a run folder or an exported model until SIGINT or SIGTERM, then finish the requests in flight.

    Raises
    ------
    ArtifactError
        If the model cannot be loaded.
    AutoMLError
        If the address cannot be listened on.
    """
    how = options or ServeOptions()
    with listening.exit_on_sigterm():
        if how.workers == 1:
            listen(open_app(path, how), host, port)
            return
        with listening.bind(host, port) as listener:
            Supervisor(Path(path), listener, how).run(partial(_announce, listener))


def listen(app: App, host: str, port: int) -> None:
    """Serve an application as :func:`serve` does; port 0 means any free one."""
    with listening.exit_on_sigterm(), listening.bind(host, port) as listener:
        _announce(listener)
        listening.run(app, listener)


def _announce(listener: socket.socket) -> None:
    listening.announce(listener, guarded=bool(Keys.from_environment()))
