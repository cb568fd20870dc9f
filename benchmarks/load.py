"""Load servers of one model: ``python -m benchmarks.load MODEL TABLE [--whole MODEL] [--environments FOLDER]``.

MODEL is one LightGBM of two classes; where there are environments of them (see ``environments.py``), other servers get
its very trees. ``--whole`` is a further model, for ``automl serve`` alone. Clients on the same machine ask for single
rows, each over a connection of its own, one request after the other. Every answer is compared with what the model
predicts for all rows at once.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil

from automl import load
from automl.data.table import Kind
from benchmarks.clients import Seen, ask, post
from benchmarks.environments import interpreter
from benchmarks.measure import machine
from benchmarks.process import children, kill
from benchmarks.roster import OUR_PACKAGES, Engine
from benchmarks.trees_of import write_trees

SERVERS = Path(__file__).with_name("servers")
OTHERS = {
    "mlflow": ("/invocations", "dataframe_records"),
    "litserve": ("/predict", "rows"),
    "bentoml": ("/predict", "rows"),
}
"""Where they are asked, and what they call rows."""
ROWS = 200
START_SECONDS = 120.0
WARM_UP_SECONDS = 1.0


@dataclass(frozen=True)
class Server:
    """How a server is started, and how it is asked."""

    name: str
    command: Sequence[str]
    """The port is added to it."""
    path: str
    rows: str
    """What a list of rows is called in the body of a request."""
    wanted: Sequence[float] | None
    """The probability of the second class, row by row; None if answers mean nothing."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("table", type=Path)
    parser.add_argument("--whole", type=Path, help="a further model, of any kind and two classes")
    parser.add_argument("--environments", type=Path, help="of the other servers; those that are there are measured")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    known = machine()
    print(f"{known['date']}, {known['machine']}, clients on the same cores; {options.seconds:g} s each\n")
    print(
        "| server | clients | requests/s | p50 ms | p99 ms | wrong or failed |\n| --- | --- | --- | --- | --- | --- |"
    )
    with tempfile.TemporaryDirectory() as folder:
        rows = some_rows(options.model, options.table)
        for server in servers(options, rows, Path(folder)):
            requests = [post(server.path, json.dumps({server.rows: [row]}).encode()) for row in rows]
            with running(server, Path(folder), requests[0]) as port:
                ask(port, requests, 4, WARM_UP_SECONDS)
                for clients in options.clients:
                    print(told(server, clients, ask(port, requests, clients, options.seconds)), flush=True)
    print(f"\n{versions(options.environments)}")


def some_rows(model: Path, table: Path) -> list[dict[str, Any]]:
    """Return rows in the types of JSON: numbers are not text."""
    predictor = load(model)
    names = [column.name for column in predictor.schema.used]
    numeric = [column.name for column in predictor.schema.used if column.kind is Kind.NUMERIC]
    frame = predictor.read(table)[0].head(ROWS)[names]
    frame = frame.assign(**{name: pd.to_numeric(frame[name]) for name in numeric})
    rows: list[dict[str, Any]] = json.loads(frame.to_json(orient="records"))
    return rows


def servers(options: argparse.Namespace, rows: list[dict[str, Any]], folder: Path) -> Iterator[Server]:
    """Yield what is measured, the client itself first."""
    yield Server("nothing (the client)", [sys.executable, f"{SERVERS}/serve_nothing.py", "-"], "/", "rows", None)
    for name, model in {"automl": options.model, "automl, the whole ensemble": options.whole}.items():
        if model is not None:
            wanted = load(model).predict_proba(pd.DataFrame(rows))[:, 1].tolist()
            for workers in (1, 2):
                command = [sys.executable, "-m", "automl", "serve", str(model), "--workers", str(workers), "--port"]
                yield Server(f"{name}, {workers} worker{'s'[: workers - 1]}", command, "/predict", "rows", wanted)
    wanted = write_trees(load(options.model), rows, folder / "trees")
    for name, (path, key) in OTHERS.items():
        python = interpreter((options.environments or Path()).absolute() / name)
        if options.environments is not None and python.exists():
            yield Server(name, [str(python), f"{SERVERS}/serve_{name}.py", str(folder)], path, key, wanted)


@contextmanager
def running(server: Server, folder: Path, request: bytes) -> Iterator[int]:
    """Run a server, all its processes included, until the block ends; give its port once it answers."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    log = folder / "server.log"
    with log.open("w") as output:
        path = f"{Path(server.command[0]).parent}{os.pathsep}{os.environ['PATH']}"  # where MLflow looks for uvicorn
        command = [*server.command, str(port)]
        process = psutil.Popen(command, stdout=output, stderr=output, env={**os.environ, "PATH": path})
    try:
        deadline = time.monotonic() + START_SECONDS
        while not answers(port, request):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{server.name} does not answer:\n{log.read_text()[-2000:]}")
            time.sleep(0.2)
        yield port
    finally:
        kill([*children(process), process])
        process.wait()


def answers(port: int, request: bytes) -> bool:
    try:
        return all(status == 200 for _, status, _ in ask(port, [request], 1, 0.0).answers)
    except (OSError, ValueError):
        return False


def told(server: Server, clients: int, seen: Seen) -> str:
    """Return a line of the table."""
    wrong = sum(times for answer, times in seen.answers.items() if not right(server, *answer))
    p50, p99 = np.percentile(seen.seconds, [50, 99]) * 1_000
    rate = len(seen.seconds) / seen.wall
    return f"| {server.name} | {clients} | {rate:,.0f} | {p50:.1f} | {p99:.1f} | {wrong} |"


def right(server: Server, number: int, status: int, body: bytes) -> bool:
    if status != 200:
        return False
    if server.wanted is None:
        return True
    answer = json.loads(body)
    first = (answer["predictions"] if isinstance(answer, dict) else answer)[0]
    found = first if isinstance(first, float) else list(first["probabilities"].values())[1]
    return bool(np.isclose(found, server.wanted[number], rtol=1e-9, atol=0))


def versions(environments: Path | None) -> str:
    """Return what is installed, server by server."""
    engines = [Engine("ours", "ours", packages=(*OUR_PACKAGES, "uvicorn", "httptools"))]
    engines += [Engine(name, name, name, packages=(name, "lightgbm")) for name in OTHERS]
    found = {engine.name: engine.versions(environments or Path()) for engine in engines}
    return "; ".join(", ".join(f"{name} {number}" for name, number in each.items()) for each in found.values() if each)


if __name__ == "__main__":
    main()
