"""A new version takes over between two batches: requests that wait are answered by it, none is lost."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from automl.artifact import load
from automl.deploy.metrics import Metrics
from automl.deploy.served import Served, identity, require_interchangeable
from automl.deploy.variants import Lane
from automl.errors import ArtifactError, AutoMLError

_LOG: Final = logging.getLogger(__name__)


class Reloader:
    """Looks whether other versions lie where the models came from."""

    def __init__(self, lanes: Sequence[Lane], metrics: Metrics, trust: Path | None) -> None:
        self._lanes = lanes
        self._metrics = metrics
        self._trust = trust
        self._seen = {lane.name: lane.served.id for lane in lanes}
        """What lay there when it was last served, or found not to fit; known of a file from the first look on."""
        self._refused: dict[str, str] = {}
        self._one_at_a_time = asyncio.Lock()
        self._running: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def watching(self, every: float | None) -> AsyncIterator[None]:
        """Look on SIGHUP and, if asked for, ``every`` so many seconds, as long as the block runs."""
        loop = asyncio.get_running_loop()
        if threading.current_thread() is threading.main_thread():
            loop.add_signal_handler(signal.SIGHUP, self._begin)
        if every is not None:
            self._keep(asyncio.create_task(self._poll(every)))
        yield
        for task in self._running:
            task.cancel()

    async def look(self) -> None:
        """Serve the versions that are there now. One that cannot be served is refused, and the old one stays."""
        async with self._one_at_a_time:
            for lane in self._lanes:
                await self._renew(lane)

    def _begin(self) -> None:
        self._keep(asyncio.create_task(self.look()))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._running.add(task)  # the loop alone would forget it
        task.add_done_callback(self._running.discard)

    async def _poll(self, every: float) -> None:
        while True:
            await asyncio.sleep(every)
            await self.look()

    async def _renew(self, lane: Lane) -> None:
        old, found = lane.served, ""
        try:
            found = _found(lane.path)
            if found == self._seen[lane.name]:
                return
            new = await asyncio.to_thread(_load, lane.path, old, self._trust)
        except Exception as error:  # whatever is wrong with what lies there, the old version works
            if isinstance(error, AutoMLError) and not isinstance(error, ArtifactError):
                self._seen[lane.name] = found  # it is complete, and the same look would tell the same of it
            if self._refused.get(lane.name) != str(error):
                self._refused[lane.name] = str(error)
                self._metrics.reloads.labels(lane.name, "refused").inc()
                _LOG.warning("%s stays at %s: %s", lane.name, old.id, error)
            return
        self._seen[lane.name] = found
        self._refused.pop(lane.name, None)
        if new.id == old.id:
            return
        lane.served = new
        self._metrics.models.labels(lane.name, old.id).set(0)
        self._metrics.models.labels(lane.name, new.id).set(1)
        self._metrics.reloads.labels(lane.name, "served").inc()
        _LOG.info("%s is now %s, was %s", lane.name, new.id, old.id)


def _found(path: Path) -> str:
    """Return what changes when another version lies at a place: which one it is, or of a file when it was written."""
    if not path.is_file():
        return identity(path)
    file = path.stat()
    return f"{file.st_mtime_ns} {file.st_size} {file.st_ino}"


def _load(path: Path, old: Served, trust: Path | None) -> Served:
    """Return the version in a folder, warm, if it can take the place of the old one."""
    predictor = load(path.resolve(), trust=trust)  # a link may point elsewhere meanwhile
    require_interchangeable(old.predictor, predictor)
    return Served.warm(predictor)
