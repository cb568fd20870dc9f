from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from typing import IO
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from serving import started

from automl import Predictor
from automl.deploy.options import ServeOptions
from automl.deploy.workers import Supervisor


@contextmanager
def two_workers(run: Path) -> Iterator[tuple[Popen[str], IO[str], str]]:
    with started("-m", "automl", "serve", run, "--port", "0", "--workers", "2", "--log", "none") as server:
        yield server


def children(process: Popen[str]) -> set[int]:
    return {child.pid for child in psutil.Process(process.pid).children()}


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


class Load:
    """Clients that ask until they are told to stop, or until nobody listens any more."""

    def __init__(self, address: str, predictor: Predictor, clients: int = 8) -> None:
        self.lost = 0
        self.answered = 0
        self._port = urlsplit(address).port
        self._body = json.dumps({"rows": predictor.example_rows()[:1]}).encode()
        self._done = False
        self._threads = ThreadPoolExecutor(clients)
        self._clients = [self._threads.submit(self._ask) for _ in range(clients)]

    def stop(self) -> None:
        self._done = True
        for client in self._clients:
            client.result()
        self._threads.shutdown()

    def _ask(self) -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", self._port or 0, timeout=30)) as connection:
            while not self._done:
                try:
                    if connection.sock is None:
                        connection.connect()
                except ConnectionError:
                    return  # nobody listens any more
                try:
                    connection.request("POST", "/predict", self._body, {"content-type": "application/json"})
                    answer = connection.getresponse()
                    answer.read()
                    assert answer.status == 200
                    self.answered += 1
                except (ConnectionError, http.client.HTTPException):
                    self.lost += 1
                    connection.close()


@pytest.mark.slow
def test_a_killed_worker_is_replaced_and_loses_only_what_it_was_answering(run: Path, predictor: Predictor) -> None:
    with two_workers(run) as (process, stderr, address):
        before = children(process)
        assert len(before) == 2
        load = Load(address, predictor)
        wait_for(lambda: load.answered > 50)
        time.sleep(5)  # a worker that dies young is replaced later
        killed = before.pop()
        os.kill(killed, signal.SIGKILL)
        wait_for(lambda: len(children(process) - before) == 1)
        assert f"worker {killed} ended" in stderr.readline()
        answered = load.answered
        wait_for(lambda: load.answered > answered + 50)
        load.stop()
        assert load.lost <= 8
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_sigterm_under_load_loses_nothing(run: Path, predictor: Predictor, workers: int) -> None:
    command = ("-m", "automl", "serve", run, "--port", "0", "--workers", str(workers), "--log", "none")
    with started(*command) as (process, _, address):
        load = Load(address, predictor)
        wait_for(lambda: load.answered > 50)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) in (0, -signal.SIGTERM)
        load.stop()
        assert load.lost == 0


def test_workers_count_together_and_look_for_new_versions_together(run: Path, other_run: Path, tmp_path: Path) -> None:
    live = tmp_path / "live"
    live.symlink_to(run)
    with two_workers(live) as (process, _, address):
        for _ in range(40):
            assert httpx.get(f"{address}/v2").status_code == 200  # each over a connection of its own
        wait_for(lambda: 'automl_requests_total{path="/v2",status="200"} 40.0' in metrics(address))
        assert "automl_model_info" in metrics(address)
        live.unlink()
        live.symlink_to(other_run)
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: 'automl_reloads_total{outcome="served",variant="main"} 2.0' in metrics(address))


def metrics(address: str) -> str:
    return httpx.get(f"{address}/metrics").text


@pytest.mark.slow
def test_workers_end_when_the_first_process_is_killed(run: Path) -> None:
    with two_workers(run) as (process, _, _):
        workers = [psutil.Process(pid) for pid in children(process)]
        process.kill()
        gone, alive = psutil.wait_procs(workers, timeout=30)
        assert len(gone) == 2
        assert not alive


@pytest.mark.slow
def test_workers_that_cannot_start_are_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="holds no model"), two_workers(tmp_path):
        pass


def test_why_a_worker_ended_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        supervisor = Supervisor(tmp_path, listener, ServeOptions(workers=2, log="none"))
        ended = supervisor._start(str(tmp_path))
        assert ended.process.wait(60) == 1
        ended.due = 0.0
        other = supervisor._alive(ended, str(tmp_path))
        assert other is not ended
        other.process.wait(60)
        other.close()
    told = capfd.readouterr().err
    assert f"worker {ended.process.pid} ended with 1 ({tmp_path} holds no model" in told


def test_what_libraries_print_does_not_fill_the_pipe(run: Path) -> None:
    """Nobody reads what a worker says after it is ready."""
    code = (
        "import os, sys; from automl.deploy import worker\n"
        "def loud(app, listener, ready): ready(); os.write(1, b'x' * 2**18); os._exit(0)\n"
        "worker.run = loud; worker.work(sys.argv[1:])"
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = Popen(
            [sys.executable, "-c", code, run, str(listener.fileno())],
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            pass_fds=[listener.fileno()],
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(ServeOptions(log="none").to_json().encode() + b"\n")
        process.stdin.flush()
        try:
            assert json.loads(process.stdout.readline()) == {"ready": True}
            assert process.wait(30) == 0
        finally:
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()
