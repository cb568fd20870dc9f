"""Load a served model: ``python benchmarks/load.py MODEL TABLE [--requests 1000] [--clients 1 8 64] [--workers 1]``.

Starts ``automl serve`` on a free port, sends single rows from several clients at once, checks every answer against
``automl predict`` on the same rows, and prints errors, requests a second and latencies.
"""

from __future__ import annotations

import argparse
import http.client
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from automl import load

AUTOML = (sys.executable, "-m", "automl")
WARM_UP = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("table", type=Path)
    parser.add_argument("--requests", type=int, default=1_000)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()

    header, *lines = options.table.read_text(encoding="utf-8").splitlines()
    bodies = [f"{header}\n{lines[number % min(len(lines), 200)]}\n".encode() for number in range(options.requests)]
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    how = ["--workers", str(options.workers)] if options.workers > 1 else []
    server = subprocess.Popen([*AUTOML, "serve", options.model, "--port", str(port), *how], stderr=subprocess.DEVNULL)
    truths = expected(options.model, bodies)
    try:
        wait_for(port)
        ask_all(port, bodies[:WARM_UP], 1)
        for clients in options.clients:
            measure(port, bodies, clients, truths)
    finally:
        server.terminate()
        server.wait()


def measure(port: int, bodies: list[bytes], clients: int, truths: list[list[str]]) -> None:
    started = time.perf_counter()
    answers, seconds = ask_all(port, bodies, clients)
    wall = time.perf_counter() - started
    wrong = sum(not same(answer, truth) for answer, truth in zip(answers, truths, strict=True))
    milliseconds = np.percentile(np.array(seconds) * 1_000, [50, 99])
    print(
        f"{len(bodies)} requests from {clients} clients: {wrong} wrong or failed, "
        f"{len(bodies) / wall:.0f} requests/s, p50 {milliseconds[0]:.1f} ms, p99 {milliseconds[1]:.1f} ms"
    )


def wait_for(port: int) -> None:
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/ping")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)


def ask_all(port: int, bodies: list[bytes], clients: int) -> tuple[list[list[str]], list[float]]:
    """Send every body over one of the clients' kept connections; return predictions and seconds in their order."""

    def client(share: list[bytes]) -> list[tuple[list[str], float]]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        return [ask(connection, body) for body in share]

    with ThreadPoolExecutor(clients) as pool:
        parts = list(pool.map(client, [bodies[first::clients] for first in range(clients)]))
    done = [parts[number % clients][number // clients] for number in range(len(bodies))]
    return [answer for answer, _ in done], [seconds for _, seconds in done]


def ask(connection: http.client.HTTPConnection, body: bytes) -> tuple[list[str], float]:
    started = time.perf_counter()
    connection.request("POST", "/invocations", body, {"Content-Type": "text/csv", "Accept": "text/csv"})
    response = connection.getresponse()
    content = response.read()
    seconds = time.perf_counter() - started
    return (content.decode().strip().split(",") if response.status == 200 else [str(response.status)]), seconds


def expected(model: Path, bodies: list[bytes]) -> list[list[str]]:
    """Return what ``automl predict`` says of the same rows, as the fields of its lines."""
    with tempfile.TemporaryDirectory() as folder:
        table, out = Path(folder) / "rows.csv", Path(folder) / "out.csv"
        header = bodies[0].split(b"\n")[0]
        table.write_bytes(b"\n".join([header, *(body.split(b"\n")[1] for body in bodies)]) + b"\n")
        proba = ["--proba"] if load(model).classes_ is not None else []
        subprocess.run([*AUTOML, "predict", model, table, "-o", out, *proba], check=True)
        return [line.split(",") for line in out.read_text(encoding="utf-8").splitlines()[1:]]


def same(answer: list[str], truth: list[str]) -> bool:
    """Compare labels exactly and numbers to 1e-9."""

    def equal(one: str, other: str) -> bool:
        return one == other or bool(np.isclose(float(one), float(other), rtol=1e-9, atol=0))

    try:
        return len(answer) == len(truth) and all(map(equal, answer, truth))
    except ValueError:
        return False


if __name__ == "__main__":
    main()
