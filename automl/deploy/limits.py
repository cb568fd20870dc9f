"""How much a server takes on: what is too large, too many or too slow is refused before it costs memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from automl.deploy.asgi import Receive
from automl.deploy.problem import RequestError

T = TypeVar("T")

_BODIES: Final = 8
"""Largest bodies that a worker holds at once."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one worker takes on."""

    max_body_bytes: int = 16 * 2**20
    max_rows: int = 100_000
    max_requests: int = 512
    """In flight; further ones are answered with 503."""
    timeout: float = 30.0
    """Seconds that a request may take."""

    @property
    def max_held_bytes(self) -> int:
        """Bytes of all bodies in flight together."""
        return _BODIES * self.max_body_bytes


class Admission:
    """Counts the requests in flight and the bytes that their bodies hold.

    >>> admission = Admission(Limits(max_requests=1))
    >>> with admission.request():
    ...     admission.in_flight
    1
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.in_flight = 0
        self._held_bytes = 0

    @contextmanager
    def request(self) -> Iterator[Load]:
        """Admit a request for as long as the block runs.

        Raises
        ------
        RequestError
            503 if there are too many.
        """
        if self.in_flight >= self.limits.max_requests:
            raise busy()
        load = Load()
        self.in_flight += 1
        try:
            yield load
        finally:
            self.in_flight -= 1
            self._held_bytes -= load.held_bytes

    def has_room(self, size: int) -> bool:
        """Return whether a body of so many bytes could be held beside those in flight."""
        return self._held_bytes + size <= self.limits.max_held_bytes

    @contextmanager
    def held(self, size: int) -> Iterator[None]:
        """Count a body that is held for as long as the block runs, after its request was answered."""
        self._held_bytes += size
        try:
            yield
        finally:
            self._held_bytes -= size

    async def read(self, load: Load, chunks: AsyncIterator[bytes], stated: int = 0) -> bytes:
        """Return the body of a request; give up as soon as it is too large, or at once if its stated length is.

        Raises
        ------
        RequestError
            413 if it is too large, 503 if the bodies in flight are together.
        """
        body = bytearray()
        self._require_short(stated)
        async for chunk in chunks:
            body += chunk
            load.held_bytes += len(chunk)
            self._held_bytes += len(chunk)
            self._require_short(len(body))
            if self._held_bytes > self.limits.max_held_bytes:
                raise busy()
        return bytes(body)

    def _require_short(self, size: int) -> None:
        most = self.limits.max_body_bytes
        if size > most:
            raise RequestError(413, f"the body is larger than {most} bytes; send the rows in parts")


def stated_length(headers: Mapping[str, str]) -> int:
    """Return the bytes of a body as its request states them, 0 if it does not.

    >>> stated_length({"content-length": "12"}), stated_length({"transfer-encoding": "chunked"})
    (12, 0)
    """
    given = headers.get("content-length", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 20 else 0


async def chunks(receive: Receive) -> AsyncIterator[bytes]:
    """Receive a body.

    Raises
    ------
    RequestError
        400 if the client leaves before its end.
    """
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RequestError(400, "the connection was closed before the body was complete")
        yield message.get("body", b"")
        more = message.get("more_body", False)


async def unless_left(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """Return what comes of some work, which ends when the client leaves; its body must have been received.

    Raises
    ------
    RequestError
        400 if the client leaves before.
    """
    working, leaving = asyncio.ensure_future(work), asyncio.ensure_future(_departure(receive))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise RequestError(400, "the connection was closed before the answer")
    finally:
        working.cancel()
        leaving.cancel()


async def _departure(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


@dataclass(slots=True)
class Load:
    """What one request holds."""

    held_bytes: int = 0


def no_rows() -> RequestError:
    """Return the refusal of a request that holds nothing to predict."""
    return RequestError(422, "the request holds no rows; send at least one")


def require_few(rows: int, most: int) -> None:
    """Refuse a request with more than ``most`` rows; asked before a row takes memory.

    Raises
    ------
    RequestError
        413 if there are more.
    """
    if rows > most:
        raise RequestError(413, f"the request holds more than {most} rows, which is the limit; send them in parts")


def busy() -> RequestError:
    """Return the refusal of a server that has enough to do."""
    return RequestError(503, "the server has as many requests as it can hold; try again in a second", retry_after=1)


def slow_body(seconds: float) -> RequestError:
    """Return what a client is told whose body does not come."""
    return RequestError(408, f"the body did not arrive within {seconds:g} s")


def slow_answer(seconds: float) -> RequestError:
    """Return what a client is told whose answer is not there in time."""
    return RequestError(504, f"there was no answer within {seconds:g} s; send fewer rows at once or try later")
