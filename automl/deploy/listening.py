"""From an application to a socket that is listened on. The only file that imports the web server."""

from __future__ import annotations

import ipaddress
import socket
import sys
from contextlib import suppress
from typing import Any, Final

import uvicorn

from automl.errors import AutoMLError

_DRAIN_SECONDS: Final = 25
"""For requests in flight after SIGTERM; hosts kill after 30."""


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


def run(app: Any, listener: socket.socket) -> None:
    """Answer requests until SIGINT or SIGTERM, then finish those in flight."""
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=_DRAIN_SECONDS
    )
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])
