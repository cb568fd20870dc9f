"""A server that answers nothing itself: it passes whole requests on to where applications run.

What is too much is refused here, in the words of the application, before it is passed on; who may ask, what is counted
and logged is the business of :class:`~automl.deploy.access.Access` around it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableSequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Final

from automl.deploy.asgi import App, Message, Receive, Send
from automl.deploy.batching import explained
from automl.deploy.limits import Admission, Limits, Load, chunks, slow_answer, slow_body, stated_length
from automl.deploy.metrics import MEDIA_TYPE, Metrics
from automl.deploy.problem import refuse

_PASSED: Final = (
    "type",
    "asgi",
    "http_version",
    "method",
    "scheme",
    "path",
    "raw_path",
    "query_string",
    "root_path",
    "headers",
    "client",
    "server",
)
"""What an application is told of a request."""
_ON_THE_WAY_SECONDS: Final = 2.0
"""More than the application has: it is the one to say that it is too slow."""


@dataclass(frozen=True, slots=True)
class WholeRequest:
    """A request and its whole body."""

    scope: Mapping[str, Any]
    body: bytes


@dataclass(frozen=True, slots=True)
class WholeResponse:
    """A response with its whole body, and what there is to log of it."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    path: str
    """The route, not the client's words."""
    answered: Mapping[str, Any] = field(default_factory=dict)


class Door:
    """Takes requests on, as long as there is room for them and time."""

    def __init__(
        self, ask: Callable[[WholeRequest], Awaitable[WholeResponse]], limits: Limits, metrics: Metrics
    ) -> None:
        self._ask = ask
        self._limits = limits
        self._metrics = metrics
        self._admission = Admission(limits)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        try:
            told = self._counted() if scope["path"] == "/metrics" else await self._passed_on(scope, receive)
        except Exception as error:
            await refuse(send, explained(error), scope["path"])
            return
        scope["route"], scope["answered"] = SimpleNamespace(path=told.path), told.answered
        if "rows" in told.answered:
            self._metrics.rows.labels(told.answered["variant"]).inc(told.answered["rows"])
        await send({"type": "http.response.start", "status": told.status, "headers": told.headers})
        await send({"type": "http.response.body", "body": told.body})

    def _counted(self) -> WholeResponse:
        return WholeResponse(200, [(b"content-type", MEDIA_TYPE.encode())], self._metrics.render(), "/metrics")

    async def _passed_on(self, scope: Message, receive: Receive) -> WholeResponse:
        with self._admission.request() as load:
            body = await self._read(load, receive, stated_length(scope["named_headers"]))
            named = [(name, value) for name, value in scope["headers"] if name != b"x-request-id"]
            named.append((b"x-request-id", scope["request_id"].encode("ascii")))
            asked = WholeRequest({name: scope[name] for name in _PASSED if name in scope} | {"headers": named}, body)
            try:
                async with asyncio.timeout(self._limits.timeout + _ON_THE_WAY_SECONDS):
                    return await self._ask(asked)
            except TimeoutError:
                raise slow_answer(self._limits.timeout) from None

    async def _read(self, load: Load, receive: Receive, stated: int) -> bytes:
        try:
            async with asyncio.timeout(self._limits.timeout):
                return await self._admission.read(load, chunks(receive), stated)
        except TimeoutError:
            raise slow_body(self._limits.timeout) from None


async def call(app: App, asked: WholeRequest) -> WholeResponse:
    """Ask an application in this process."""
    scope, sent = dict(asked.scope), list[Message]()
    arriving: MutableSequence[Message] = [{"type": "http.request", "body": asked.body}]

    async def receive() -> Message:
        if arriving:
            return arriving.pop()
        await asyncio.Event().wait()  # the client stays until it has its answer
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start, *bodies = sent
    return WholeResponse(
        start["status"],
        list(start["headers"]),
        b"".join(message.get("body", b"") for message in bodies),
        getattr(scope.get("route"), "path", "unknown"),
        scope.get("answered", {}),
    )


def unnamed(app: App) -> App:
    """Return an application that leaves the id of a request to who passed it on, who says it, too."""

    async def answer(scope: Message, receive: Receive, send: Send) -> None:
        async def send_without(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [header for header in message["headers"] if header[0] != b"x-request-id"]
            await send(message)

        await app(scope, receive, send_without)

    return answer
