"""Clients that cost the machine of a server little: one loop, kept connections, requests that were made before."""

from __future__ import annotations

import selectors
import socket
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

TIMEOUT = 60.0


@dataclass
class Seen:
    """What came back."""

    wall: float
    seconds: list[float] = field(default_factory=list)
    """Of each request, from its first byte to the last one of its answer."""
    answers: Counter[tuple[int, int, bytes]] = field(default_factory=Counter)
    """How often a request, by its number, had a status and a body."""


class Connection:
    """One that a client keeps, and what it is asking."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""

    def ask(self, number: int, request: bytes) -> None:
        self.number, self.started = number, time.perf_counter()
        self.socket.sendall(request)

    def answer(self) -> tuple[int, bytes] | None:
        """Return the status and the body, or None if not all of it is here."""
        part = self.socket.recv(2**18)
        if not part:
            raise ConnectionError("the server closed a connection that was in use")
        self._received += part
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end:
            return None
        length = int(head.lower().partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return None
        self._received = b""
        return int(head[9:12]), body


def post(path: str, body: bytes) -> bytes:
    """Return the bytes of a request."""
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    return f"{head}\r\n\r\n".encode() + body


def ask(port: int, requests: Sequence[bytes], clients: int, seconds: float) -> Seen:
    """Let each client ask one request after the other, until the time is up."""
    connections = [Connection(port) for _ in range(clients)]
    seen, next_number, asking = Seen(0.0), 0, clients
    with selectors.DefaultSelector() as selector:
        started = time.perf_counter()
        for connection in connections:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            connection.ask(next_number % len(requests), requests[next_number % len(requests)])
            next_number += 1
        while asking:
            ready = selector.select(TIMEOUT)
            if not ready:
                raise TimeoutError(f"{asking} requests were not answered within {TIMEOUT:g} s")
            for key, _ in ready:
                connection = key.data
                answer = connection.answer()
                if answer is None:
                    continue
                now = time.perf_counter()
                seen.seconds.append(now - connection.started)
                seen.answers[connection.number, *answer] += 1
                if now - started >= seconds:
                    asking -= 1
                    continue
                number = next_number % len(requests)
                connection.ask(number, requests[number])
                next_number += 1
        seen.wall = time.perf_counter() - started
    for connection in connections:
        connection.socket.close()
    return seen
