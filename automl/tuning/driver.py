"""The search in a process of its own: starts Ray in the background, runs one job, dies at once when it is told to.

A process and not a thread, because what Ray does to its process cannot be undone: it ends it when its workers are asked
for after a shutdown, it cannot be stopped in the middle of a search, and it slows down every other thread.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryFile
from typing import Any, Final, Literal

import cloudpickle
import psutil

from automl.config import FitConfig
from automl.deadline import Deadline
from automl.errors import UsageError
from automl.evaluation.custom import MetricLike
from automl.models.registry import FAMILIES, registered
from automl.tuning.budget import Plan
from automl.tuning.candidate import Candidate
from automl.tuning.progress import Reporter

_SMALL_SECONDS: Final = 10.0
_SMALL_TRIALS: Final = 3
"""A job of so little time or so few trials is done before Ray has started."""
_START: Final = "from automl.tuning.search import main; main()"

Happened = Literal["started", "ended"]


@dataclass(frozen=True, slots=True)
class Job:
    """A search: the run folder with everything to train on, the plan, and when training stops."""

    root: Path
    """Absolute; on a cluster, on storage that all machines share."""
    plan: Plan
    deadline: Deadline

    @property
    def storage(self) -> Path:
        """Where Tune keeps what it insists on keeping; removed at the end."""
        return self.root / "ray"


@dataclass(frozen=True, slots=True)
class Ready:
    """Ray has started."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened to a trial."""

    what: Happened
    candidate: Candidate


@dataclass(frozen=True, slots=True)
class Finished:
    """The job has come to its end."""


@dataclass(frozen=True, slots=True)
class Broken:
    """Ray did not start, or the job ended too soon."""

    reason: str


Message = Ready | Event | Finished | Broken


class SearchProcess:
    """The parent's end of the line: Ray starts at once, also while there is no run folder yet.

    What the process prints is in ``search.log`` of the run folder in the end.

    Raises
    ------
    UsageError
        If the metric, or a family from outside the package, cannot be sent there.
    """

    def __init__(self, config: FitConfig, metric: MetricLike | None = None) -> None:
        outside = [family for family in registered() if family not in FAMILIES]
        try:
            job = cloudpickle.dumps((config, outside, metric))
        except Exception as error:  # every class may have its own
            reason = f"{type(error).__name__}: {error}"
            raise UsageError(f"the metric or a family cannot be sent to other processes ({reason})") from error
        self._root: Path | None = None
        self._state: Literal["starting", "ready", "finished"] = "starting"
        self.error: str | None = None
        """Why the search cannot be used, if so."""
        self._line: Connection[Any, Message]
        self._line, theirs = Pipe()
        self._log = TemporaryFile()  # noqa: SIM115 - closed with the process
        with TemporaryFile() as handed:  # a pipe would take the job only as it is read
            handed.write(job)
            handed.seek(0)
            self._process = self._started(theirs.fileno(), handed.fileno())
        theirs.close()

    def _started(self, line: int, job: int) -> subprocess.Popen[bytes]:
        """Start the process, which inherits its end of the line and the file of its job."""
        return subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-P", "-c", _START, str(line), str(job)],
            pass_fds=[line, job],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},  # families may be in any module known here
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,  # to be ended with all of Ray in it; Ctrl-C is for the parent alone
        )

    @property
    def starting(self) -> bool:
        """Whether Ray is still on its way."""
        self._listen(0)
        return self._state == "starting" and self.error is None

    @property
    def usable(self) -> bool:
        """Whether Ray has started and works."""
        self._listen(0)
        return self._state == "ready" and self.error is None

    @property
    def ended(self) -> bool:
        """Whether the job has ended, well or not."""
        return self._state == "finished" or self.error is not None

    def enter(self, root: Path) -> None:
        """Work in this run folder."""
        self._root = root.resolve()

    def run(self, plan: Plan, deadline: Deadline) -> None:
        """Hand over the job in the folder that was entered; returns at once."""
        assert self._root is not None
        try:
            self._line.send(Job(self._root, plan, deadline))
        except OSError:
            self._broken("its process ended")

    def event(self, seconds: float) -> Event | None:
        """Return the next event of a trial; None if there was none within the seconds."""
        message = self._listen(seconds)
        return message if isinstance(message, Event) else None

    def close(self) -> None:
        """End the process, whatever it is doing; Ray and its workers end with it."""
        if self._process.returncode is None:  # not waited for: its number cannot belong to others yet
            end_session(self._process.pid)
            self._process.wait()
        if self._line.closed:
            return
        self._line.close()
        with self._log:
            if self._root is not None:
                rmtree(self._root / "ray", ignore_errors=True)
                self._log.seek(0)
                (self._root / "search.log").write_bytes(self._log.read())

    def _listen(self, seconds: float) -> Message | None:
        """Wait for a message and note what it says of the search."""
        if self.ended:
            return None
        try:
            if not self._line.poll(seconds):
                return None
            message = self._line.recv()
        except (EOFError, OSError):
            message = Broken("its process ended")
        match message:
            case Ready():
                self._state = "ready"
            case Finished():
                self._state = "finished"
            case Broken(reason):
                self._broken(reason)
        return message

    def _broken(self, reason: str) -> None:
        self.error = f"Ray cannot be used ({reason}; search.log in the run folder has what it printed)"


@contextmanager
def searching(config: FitConfig, metric: MetricLike | None, reporter: Reporter) -> Iterator[SearchProcess | None]:
    """Start Ray in the background, unless the whole job is a few seconds of work, or cannot be handed over; end it."""
    short = config.time_budget is not None and config.time_budget <= _SMALL_SECONDS
    few = config.max_trials is not None and config.max_trials <= _SMALL_TRIALS
    search = None
    if not (short or few) or config.ray_address is not None:
        try:
            search = SearchProcess(config, metric)
        except UsageError as error:
            reporter.warn(f"{error}; training in this process alone")
    try:
        yield search
    finally:
        if search is not None:
            search.close()


def end_session(session: int) -> None:
    """Kill every process of a session, also those whose parents have died. The caller's own process goes last."""
    own = os.getpid()
    for pid in sorted(psutil.pids(), key=lambda pid: pid == own):
        with suppress(ProcessLookupError, PermissionError):
            if os.getsid(pid) == session:
                os.kill(pid, signal.SIGKILL)
