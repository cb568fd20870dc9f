"""From an application to a socket that is listened on. The only file that imports the web server."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import uvicorn

from automl.errors import AutoMLError
from automl.models.affine import BlasThreads

_DRAIN_SECONDS: Final = 24
"""For requests in flight after SIGTERM; hosts kill after 30."""
_GRACE_SECONDS: Final = 1.0
"""After SIGTERM, for clients that are about to ask over a connection that they have."""
_KEEP_ALIVE_SECONDS: Final = 75
"""For connections that nobody asks over: more than load balancers keep them, so that they are the ones to close."""
_BACKLOG: Final = 2048
_ACCEPTED_AT_ONCE: Final = 2
"""Connections, by one worker: the others shall get some, too."""


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
        backlog=_ACCEPTED_AT_ONCE,
    )
    # a few rows are too little work to share: threads of BLAS would only wait for each other
    with suppress(KeyboardInterrupt), BlasThreads(1).limited():
        _Server(config, ready).run(sockets=[listener])


class _Server(uvicorn.Server):
    """Shares connections with its fellow workers, and leaves without hanging up on anybody."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in sockets or ():
            listener.listen(_BACKLOG)  # the configured backlog is also how many are accepted at once
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let clients that keep their connection ask once more; the answer tells them to close it."""
        for listener in (*self.servers, *(sockets or ())):
            listener.close()
        self.server_state.default_headers = [*self.server_state.default_headers, (b"connection", b"close")]
        deadline = time.monotonic() + _GRACE_SECONDS
        while self.server_state.connections and not self.force_exit and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        await super().shutdown(sockets)
