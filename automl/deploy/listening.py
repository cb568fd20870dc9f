"""From an application to a socket that is listened on. The only file that imports the web server."""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from automl.deploy.problem import RequestError
from automl.errors import AutoMLError
from automl.threads import limited_threads

_DRAIN_SECONDS: Final = 24
"""For requests in flight after SIGTERM; hosts kill after 30."""
_GRACE_SECONDS: Final = 1.0
"""After SIGTERM, for clients that are about to ask over a connection that they have."""
_KEEP_ALIVE_SECONDS: Final = 75
"""For connections that nobody asks over: more than load balancers keep them, so that they are the ones to close."""
_HEAD_SECONDS: Final = 20.0
"""For the head of a request from its first byte on, and for the rest of one that was answered before its end."""
_MAX_HEAD_BYTES: Final = 2**16
_UPGRADE: Final = re.compile(rb"\r\nupgrade:[^\r\n]*", re.IGNORECASE)
_MOST_WAITING: Final = 64
"""Requests of a connection that wait for the answer of the one before."""
_BACKLOG: Final = 2048
"""Connections that wait to be accepted."""
_ACCEPTED_AT_ONCE: Final = 2
"""Connections, where there are none yet."""
_AGAIN_SECONDS: Final = 0.1


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 means any free one.

    Raises
    ------
    AutoMLError
        If the address cannot be listened on.
    """
    try:
        listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise AutoMLError(f"cannot listen on {host}:{port}: {error.strerror}; choose another with --port") from None
    # Accepted connections inherit it. Without, the body of an answer waits 40 ms for the client to confirm its head.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def announce(listener: socket.socket, *, guarded: bool) -> None:
    """Say where a server listens, and warn if anybody may ask it."""
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    print(f"listening on http://{shown}:{port}", file=sys.stderr, flush=True)
    if not guarded and not ipaddress.ip_address(host).is_loopback:
        message = f"warning: {host} is open to the network and nobody is asked who they are; set AUTOML_API_KEYS"
        print(message, file=sys.stderr, flush=True)


def run(app: Any, listener: socket.socket, ready: Callable[[], None] = lambda: None) -> None:
    """Answer requests until SIGINT or SIGTERM, then finish those in flight; ``ready`` is called once it listens."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
        http=_Connection,
        ws="none",
    )
    gc.collect()
    gc.freeze()  # or what was loaded would be looked through again and again, each time for a tenth of a second
    # a few rows are too little work to share: threads of BLAS would only wait for each other
    with suppress(KeyboardInterrupt), limited_threads(1):
        _Server(config, listener, ready).run(sockets=[])


@contextmanager
def exit_on_sigterm() -> Iterator[None]:
    """Make SIGTERM an exit like others for as long as the block runs: what a process unpacked is removed by it.

    It does not end the web server at once, which raises it again when it has finished. SIGHUP, which asks for a new
    version, ends nothing before there is one that could be replaced.
    """

    def leave(*_: object) -> None:
        raise SystemExit(0)

    if threading.current_thread() is not threading.main_thread():  # which hears no signals
        yield
        return
    handlers: dict[signal.Signals, Any] = {signal.SIGTERM: leave, signal.SIGHUP: signal.SIG_IGN}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Transport:
    """A transport to which nothing is written any more when it closes: that the client has left is no fault of ours."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)


class _Connection(HttpToolsProtocol):
    """A connection that ends when nothing is asked over it, or a head takes too long or is too large.

    What the application is asked it looks after itself; before it hears of a request, nobody else does.
    """

    _in_head = True
    """Whether what comes next belongs to a head."""
    _head_bytes = 0
    """Of a head that is not complete."""
    _beside = 0
    """Bytes since the last ones of a body, which belong to none: a body in chunks may end with further headers."""
    _rest: asyncio.TimerHandle | None = None
    """Hangs up unless the rest of a head, or of what was answered already, comes before."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(cast("asyncio.Transport", _Transport(transport)))
        self._idle()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_head and _UPGRADE.search(data):  # to no other protocol: the parser would leave the body out
            head, end, rest = data.partition(b"\r\n\r\n")
            data = _UPGRADE.sub(b"", head) + end + rest
        if not self._in_head:
            self._beside += len(data)
            super().data_received(data)
            if self._beside > _MAX_HEAD_BYTES and not self._in_head:
                self.transport.close()
        elif len(data) <= (room := _MAX_HEAD_BYTES - self._head_bytes):
            self._head_bytes += len(data)
            super().data_received(data)
            if self._head_bytes:
                self._wait_for_rest()
        else:  # until the head must have ended, and if it has, the rest
            self._head_bytes = _MAX_HEAD_BYTES
            super().data_received(data[:room])
            if self._head_bytes:
                self._refuse_head()
            elif not self.transport.is_closing():
                self.data_received(data[room:])

    def on_headers_complete(self) -> None:
        self._in_head, self._head_bytes, self._beside = False, 0, 0
        self._wait_no_more()
        if len(self.pipeline) >= _MOST_WAITING:  # which are held, whoever asks and whatever for
            self.transport.abort()
            return
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._beside = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_head = True
        self._wait_no_more()
        super().on_message_complete()
        if self.cycle.response_complete:  # it was answered before its end
            self._idle()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete and not self._in_head:
            self._wait_for_rest()

    def _idle(self) -> None:
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def _wait_for_rest(self) -> None:
        if self._rest is None:
            self._rest = self.loop.call_later(_HEAD_SECONDS, self.transport.close)

    def _wait_no_more(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None

    def _refuse_head(self) -> None:
        if self.transport.is_closing():
            return
        error = RequestError(431, f"the head of the request is larger than {_MAX_HEAD_BYTES} bytes; send fewer headers")
        body = error.to_json()
        headers = {**error.headers, "content-length": str(len(body)), "connection": "close"}
        lines = [
            "HTTP/1.1 431 Request Header Fields Too Large",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        self.transport.write("\r\n".join([*lines, "", ""]).encode("ascii") + body)
        self.transport.close()


class _Server(uvicorn.Server):
    """Shares connections with its fellow workers, and leaves without hanging up on anybody."""

    def __init__(self, config: uvicorn.Config, listener: socket.socket, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._listener = listener
        self._ready = ready
        self._accepted: set[asyncio.Task[Any]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._listener.listen(_BACKLOG)
        self._listener.setblocking(False)
        self._watch()
        self._ready()

    def _watch(self) -> None:
        if self._listener.fileno() >= 0:
            asyncio.get_running_loop().add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        """Accept connections: in each turn of the loop half as many as there are, while some wait.

        A turn answers something on every connection there is. Were only a few accepted in each, the others would wait
        for all of these many times over; were it all that wait, fellow workers would get none.
        """
        try:
            for _ in range(_ACCEPTED_AT_ONCE + len(self.server_state.connections) // 2):
                self._take(self._listener.accept()[0])
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError:  # too many files are open
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._listener)
            loop.call_later(_AGAIN_SECONDS, self._watch)

    def _take(self, connection: socket.socket) -> None:
        """Answer what is asked over an accepted connection."""
        connection.setblocking(False)
        task = asyncio.create_task(asyncio.get_running_loop().connect_accepted_socket(self._protocol, connection))
        self._accepted.add(task)  # the loop alone would forget it
        task.add_done_callback(self._accepted.discard)

    def _protocol(self) -> asyncio.Protocol:
        """Return what reads requests and writes answers: much faster than what comes without a further library."""
        return _Connection(self.config, self.server_state, self.lifespan.state)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let clients that keep their connection, or wait for one, ask once more; the answer tells them to close it."""
        asyncio.get_running_loop().remove_reader(self._listener)
        with suppress(OSError):  # nobody waits any more
            while True:
                self._take(self._listener.accept()[0])
        self._listener.close()
        self.server_state.default_headers = [*self.server_state.default_headers, (b"connection", b"close")]
        deadline = time.monotonic() + _GRACE_SECONDS
        while (self._accepted or self.server_state.connections) and not self.force_exit and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        await super().shutdown(sockets)
