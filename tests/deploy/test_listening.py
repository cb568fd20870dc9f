"""Connections over which nothing whole is asked end, and take little until then."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import orjson
import psutil
import pytest
from serving import SERVE, started

from automl import Predictor

IMPATIENT = "from automl.deploy import listening as l; l._HEAD_SECONDS = 0.4; l._KEEP_ALIVE_SECONDS = 2; " + SERVE
PING = b"GET /ping HTTP/1.1\r\nhost: x\r\n\r\n"
POST = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"


@pytest.fixture(scope="module")
def server(run: Path) -> Iterator[tuple[psutil.Process, tuple[str, int]]]:
    with started("-c", IMPATIENT, run, "127.0.0.1") as (process, _, address):
        place = urlsplit(address)
        assert place.hostname is not None
        assert place.port is not None
        yield psutil.Process(process.pid), (place.hostname, place.port)


@pytest.fixture
def connection(server: tuple[psutil.Process, tuple[str, int]]) -> Iterator[socket.socket]:
    with socket.create_connection(server[1]) as opened:
        opened.settimeout(10)
        yield opened


def until_end(connection: socket.socket) -> tuple[bytes, float]:
    """Return what comes until the server hangs up, and how many seconds that takes."""
    begin, said = time.monotonic(), b""
    while piece := connection.recv(2**16):
        said += piece
    return said, time.monotonic() - begin


def answers(connection: socket.socket, count: int = 1) -> bytes:
    """Return what comes until so many answers are whole."""
    said = b""
    while said.count(b"HTTP/1.1 ") < count or not said.endswith(b"}"):
        said += connection.recv(2**16)
    return said


@pytest.mark.parametrize("begin", [b"P", b"\r\n", b"GET /ping HTTP/1.1\r\n", POST, PING + PING[:9]])
def test_a_head_that_does_not_come_is_not_waited_for(connection: socket.socket, begin: bytes) -> None:
    connection.sendall(begin[:-1])
    time.sleep(0.1)
    connection.sendall(begin[-1:])
    said, seconds = until_end(connection)
    assert said.count(b"200 OK") == begin.count(b"\r\n\r\n")
    assert 0.2 < seconds < 1.5 or PING in begin


def test_bytes_that_come_one_by_one_do_not_win_time(connection: socket.socket) -> None:
    begin = time.monotonic()
    with pytest.raises(OSError, match=r"reset|Broken"):  # noqa: PT012 - one of them fails
        for _ in range(100):
            connection.sendall(b"G" if _ else b"X-")
            time.sleep(0.05)
    assert time.monotonic() - begin < 3


def test_connections_can_be_idle_for_longer(connection: socket.socket) -> None:
    time.sleep(0.8)
    for _ in range(2):
        connection.sendall(PING)
        assert b"200 OK" in answers(connection)
        time.sleep(0.8)
    said, seconds = until_end(connection)
    assert said == b""
    assert 0.6 < seconds < 3


def test_a_connection_over_which_nothing_is_asked_ends(connection: socket.socket) -> None:
    said, seconds = until_end(connection)
    assert said == b""
    assert 1 < seconds < 4


@pytest.mark.parametrize("parts", [1, 30])
def test_a_large_head_is_refused(connection: socket.socket, parts: int) -> None:
    head = PING[:-2] + b"".join(b"x-%d: %s\r\n" % (number, b"a" * 993) for number in range(66)) + b"\r\n"
    for part in range(parts):
        connection.sendall(head[part * len(head) // parts : (part + 1) * len(head) // parts])
        time.sleep(0.01)
    said, _ = until_end(connection)
    assert said.startswith(b"HTTP/1.1 431 ")
    assert b"larger than 65536 bytes" in said


def test_a_head_without_an_end_takes_no_memory(
    server: tuple[psutil.Process, tuple[str, int]], connection: socket.socket
) -> None:
    before = server[0].memory_info().rss
    with pytest.raises(OSError, match=r"reset|Broken"):  # noqa: PT012 - one of them fails
        connection.sendall(PING[:-2])
        for _ in range(50):
            connection.sendall(b"x: " + b"a" * 2**20)
    assert server[0].memory_info().rss - before < 2**24


def test_headers_after_a_body_have_an_end_too(
    server: tuple[psutil.Process, tuple[str, int]], connection: socket.socket
) -> None:
    before = server[0].memory_info().rss
    with pytest.raises(OSError, match=r"reset|Broken"):  # noqa: PT012 - one of them fails
        connection.sendall(POST + b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n")
        for _ in range(50):
            connection.sendall((b"x: " + b"a" * 1_000 + b"\r\n") * 1_000)
    assert server[0].memory_info().rss - before < 2**24


def test_chunks_of_any_size_make_a_body(connection: socket.socket) -> None:
    rows = b'{"rows": [' + b" " * 300_000 + b"]}"
    for size in (1_000, 200_000):
        parts = [rows[start : start + size] for start in range(0, len(rows), size)]
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
        connection.sendall(POST + b"transfer-encoding: chunked\r\n\r\n" + chunks + b"0\r\nx: y\r\n\r\n")
        assert b"HTTP/1.1 4" in answers(connection)


def test_large_heads_that_fit_and_bodies_beside_them_are_answered(connection: socket.socket) -> None:
    head = PING[:-2] + b"x: " + b"a" * 60_000 + b"\r\n\r\n"
    body = POST + b"content-length: 90000\r\n\r\n" + b" " * 90_000
    connection.sendall(body + head + body + head)
    said = answers(connection, 4)
    assert said.count(b"200 OK") == 2
    assert said.count(b"400 Bad Request") == 2


@pytest.mark.parametrize("parts", [1, 2])
def test_an_upgrade_that_clients_offer_is_not_taken_up(
    connection: socket.socket, predictor: Predictor, parts: int
) -> None:
    """As the clients of Java and ``curl --http2`` do with each first request."""
    body = orjson.dumps({"rows": [predictor.example_rows()[0] | {"note": "\r\nUpgrade: h2c"}]})
    head = POST + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAB\r\n"
    head += b"content-length: %d\r\n\r\n" % len(body)
    for _ in range(2):
        for piece in (head + body,) if parts == 1 else (head, body):
            connection.sendall(piece)
            time.sleep(0.05)
        said = answers(connection)
        assert b"200 OK" in said
        assert b"probabilities" in said


def test_requests_that_wait_for_others_are_not_without_number(
    server: tuple[psutil.Process, tuple[str, int]], connection: socket.socket
) -> None:
    connection.sendall(PING * 40)
    assert answers(connection, 40).count(b"200 OK") == 40
    process, place = server
    before = process.memory_info().rss
    with socket.create_connection(place) as greedy, pytest.raises(ConnectionError):  # noqa: PT012
        greedy.settimeout(5)
        for _ in range(500):
            greedy.sendall(PING * 1_000)
    assert process.memory_info().rss - before < 2**25


def test_a_body_that_is_stated_as_too_large_is_refused_at_once(connection: socket.socket) -> None:
    connection.sendall(POST + b"content-length: 99999999999\r\n\r\n{")
    said, seconds = until_end(connection)
    assert said.startswith(b"HTTP/1.1 413 ")
    assert seconds < 1.5


def test_a_body_that_ends_after_its_answer_leaves_a_connection_to_ask_over(connection: socket.socket) -> None:
    connection.sendall(POST.replace(b"/predict", b"/nothing") + b"content-length: 4\r\n\r\n{")
    assert b"404 Not Found" in answers(connection)
    connection.sendall(b"   ")
    time.sleep(0.8)
    connection.sendall(PING)
    assert b"200 OK" in answers(connection)
    assert until_end(connection)[0] == b""
