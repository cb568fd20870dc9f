"""Several processes answer at one address: they share the listening socket, and one that dies is replaced.

The first process answers nothing itself. It passes on SIGHUP (look for a new version) and SIGTERM (finish what is in
flight and end); if it is killed, its workers see their standard input end, and end like that too.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from automl.deploy.options import ServeOptions
from automl.errors import ArtifactError, AutoMLError

_POLL_SECONDS: Final = 0.1
_SHORT_LIFE: Final = 5.0
"""A worker that dies sooner is replaced only after as long: it would die again."""
_END_SECONDS: Final = 28.0
"""After which workers that do not end are killed; hosts kill after 30."""


class Supervisor:
    """Starts workers, replaces them, ends them."""

    def __init__(self, path: Path, listener: socket.socket, options: ServeOptions) -> None:
        self._path = path
        self._listener = listener
        self._options = options
        self._ending = False
        self._workers: list[_Worker] = []

    def run(self, ready: Callable[[], None]) -> None:
        """Serve until SIGTERM or SIGINT; ``ready`` is called when all workers can answer.

        Raises
        ------
        AutoMLError
            If the workers cannot start.
        """
        with tempfile.TemporaryDirectory(prefix="automl-metrics-") as metrics, self._signals():
            try:
                self._workers = [self._start(metrics) for _ in range(self._options.workers)]
                for worker in self._workers:
                    worker.wait_until_ready()
                ready()
                while not self._ending:
                    time.sleep(_POLL_SECONDS)
                    self._workers = [self._alive(worker, metrics) for worker in self._workers]
            finally:
                self._end()

    def _start(self, metrics: str) -> _Worker:
        return _Worker(self._path, self._listener, self._options, metrics)

    def _alive(self, worker: _Worker, metrics: str) -> _Worker:
        """Return a worker, or the one that takes its place."""
        code = worker.process.poll()
        if code is None or self._ending or time.monotonic() < worker.due:
            return worker
        from prometheus_client.multiprocess import mark_process_dead

        why = worker.last_words()
        told = f"worker {worker.process.pid} ended with {code}{why and f' ({why})'}; another takes its place"
        print(told, file=sys.stderr, flush=True)
        mark_process_dead(worker.process.pid, metrics)  # type: ignore[no-untyped-call]
        worker.close()
        return self._start(metrics)

    def _end(self) -> None:
        self._listener.close()  # or connections would be made that nobody answers
        self._tell(signal.SIGTERM)
        deadline = time.monotonic() + _END_SECONDS
        for worker in self._workers:
            worker.end(deadline - time.monotonic())

    def _tell(self, number: signal.Signals) -> None:
        for worker in self._workers:
            worker.process.send_signal(number)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        def end(*_: object) -> None:
            self._ending = True

        def pass_on(*_: object) -> None:
            self._tell(signal.SIGHUP)

        handlers: dict[signal.Signals, Any] = {signal.SIGTERM: end, signal.SIGINT: end, signal.SIGHUP: pass_on}
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class _Worker:
    """One process that answers."""

    def __init__(self, path: Path, listener: socket.socket, options: ServeOptions, metrics: str) -> None:
        self.due = time.monotonic() + _SHORT_LIFE
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as it is then in the process, until that can answer
        try:
            self.process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-P", "-m", "automl.deploy.worker", str(path), str(listener.fileno())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                pass_fds=[listener.fileno()],
                env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": metrics},
            )
        finally:
            signal.signal(signal.SIGHUP, before)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._stdin, self._stdout = self.process.stdin, self.process.stdout
        self._stdin.write(options.to_json() + "\n")
        self._stdin.flush()

    def wait_until_ready(self) -> None:
        said = self._stdout.readline()
        if not said:
            raise AutoMLError("a worker ended before it could answer; what it said is above")
        if error := json.loads(said).get("error"):
            raise ArtifactError(error)

    def last_words(self) -> str:
        """Return the error that an ended worker told, if it did before it could answer."""
        return "".join(json.loads(line).get("error", "") for line in self._stdout)

    def end(self, seconds: float) -> None:
        try:
            self.process.wait(max(0.0, seconds))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.close()

    def close(self) -> None:
        self._stdin.close()
        self._stdout.close()
