"""Models behind limits: from the chunks of a request to the reply of a batch."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from automl.deploy.asgi import Receive
from automl.deploy.batching import Query, Reply
from automl.deploy.capture import Capture
from automl.deploy.limits import Admission, Limits, Load, chunks, slow_answer, slow_body, unless_left
from automl.deploy.metrics import Metrics
from automl.deploy.problem import RequestError
from automl.deploy.served import Served
from automl.deploy.variants import Canary, Lane, Role, pick

_FAULTS: Final = (500, 504)
"""Statuses that count against a canary."""
_MAX_SHADOWS: Final = 64
"""Copies that may wait; further ones are not made."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A reply and who gave it."""

    reply: Reply
    variant: str


class Service:
    """Answers requests as long as there is room for them and time."""

    def __init__(self, lanes: Sequence[Lane], limits: Limits, metrics: Metrics, capture: Capture | None) -> None:
        self.lanes = lanes
        self.limits = limits
        self.metrics = metrics
        self._capture = capture
        self._admission = Admission(limits)
        self._canary = Canary()
        self._shadows: set[asyncio.Task[None]] = set()
        for lane in lanes:
            lane.batcher.on_batch = metrics.batch.observe
            metrics.models.labels(lane.name, lane.served.id).set(1)

    @property
    def served(self) -> Served:
        """The main model."""
        return self.lanes[0].served

    async def answer(
        self,
        request_id: str,
        receive: Receive,
        query_of: Callable[[bytes], Query],
        *,
        stated: int = 0,
        version: str | None = None,
    ) -> Answered:
        """Read a body, of so many bytes as are ``stated``, make a query of it and answer it, by a ``version`` if given.

        What takes long is given up when the client leaves.

        Raises
        ------
        RequestError
            408 if the body does not come in time, 504 if the answer does not; 400 if the client leaves; 404 if there is
            no such version, or no longer; 413, 503 and those of a query.
        """
        lane = pick(self.lanes, request_id) if version is None else self.lane_of(version)
        query: Query | None = None
        with self._admission.request() as load:
            try:
                async with asyncio.timeout(self.limits.timeout):
                    query = query_of(await self._read(lane, load, chunks(receive), stated))
                    asked = self._ask(lane, query)
                    answered = await (asked if query.small else unless_left(receive, asked))
            except TimeoutError:
                raise self._too_slow(lane, arrived=query is not None) from None
        if version not in (None, answered.reply.served.id):
            raise self._no_version(version)
        self.metrics.rows.labels(answered.variant).inc(len(answered.reply.table.rows))
        if self._capture is not None:
            self._capture.note(request_id, answered.variant, answered.reply, load.held_bytes)
            self.metrics.dropped.set(self._capture.dropped)
        self._ask_shadows(query, answered.reply, load.held_bytes)
        return answered

    def lane_of(self, version: str) -> Lane:
        """Return where a version is served; raise the RequestError 404 if it is nowhere."""
        for lane in self.lanes:
            if lane.served.id == version:
                return lane
        raise self._no_version(version)

    def _no_version(self, version: str | None) -> RequestError:
        served = " and ".join(repr(lane.served.id) for lane in self.lanes)
        return RequestError(404, f"there is no version {version!r:.60}; served are {served}")

    async def _read(self, lane: Lane, load: Load, chunks: AsyncIterator[bytes], stated: int) -> bytes:
        lane.batcher.on_their_way += 1
        try:
            return await self._admission.read(load, chunks, stated)
        finally:
            lane.batcher.on_their_way -= 1

    async def _ask(self, lane: Lane, query: Query) -> Answered:
        """Ask a model; what a canary cannot answer the main model answers."""
        started = time.perf_counter()
        self.metrics.waiting.inc()
        try:
            reply = await lane.batcher.ask(query)
        except RequestError as error:
            if error.status not in _FAULTS:
                raise
            self._note(lane, failed=True, seconds=time.perf_counter() - started)
            if lane.role is not Role.CANARY:
                raise
            return await self._ask(self.lanes[0], query)
        finally:
            self.metrics.waiting.dec()
        self._note(lane, failed=False, seconds=time.perf_counter() - started)
        return Answered(reply, lane.name)

    def _note(self, lane: Lane, *, failed: bool, seconds: float) -> None:
        if self._canary.note(lane, self.lanes[0], failed=failed, seconds=seconds):
            self.metrics.rollbacks.labels(lane.name).inc()

    def _too_slow(self, lane: Lane, *, arrived: bool) -> RequestError:
        if not arrived:
            return slow_body(self.limits.timeout)
        self._note(lane, failed=True, seconds=self.limits.timeout)
        return slow_answer(self.limits.timeout)

    def _ask_shadows(self, query: Query, reply: Reply, size: int) -> None:
        for lane in self.lanes:
            if lane.role is not Role.SHADOW:
                continue
            if len(self._shadows) >= _MAX_SHADOWS or not self._admission.has_room(size):
                self.metrics.shadows.labels(lane.name, "left out").inc()
                continue
            task = asyncio.create_task(self._ask_shadow(lane, query, reply, size))
            self._shadows.add(task)
            task.add_done_callback(self._shadows.discard)

    async def _ask_shadow(self, lane: Lane, query: Query, reply: Reply, size: int) -> None:
        try:
            with self._admission.held(size):
                other = await lane.batcher.ask(query)
            first = next(iter(reply.answers))  # the prediction, or the lowest quantile
            same = other.answers[first].tolist() == reply.answers[first].tolist()
            outcome = "same" if same else "different"
        except RequestError:
            outcome = "failed"
        self.metrics.shadows.labels(lane.name, outcome).inc()
