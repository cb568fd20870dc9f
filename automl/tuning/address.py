"""Where a Ray cluster listens."""

from __future__ import annotations

import socket
from typing import Final

_SECONDS: Final = 5.0


def knock(address: str) -> None:
    """Raise an OSError at once if nobody listens at ``host:port``; Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=_SECONDS).close()
