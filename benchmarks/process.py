"""Processes that are measured: their seconds, and the memory of all their children."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

SAMPLE_SECONDS = 0.5
CLOCK = "fit.json"
"""In the folder of a run: when the process of the fit started, and its seconds."""


@dataclass(frozen=True)
class Finished:
    """How a command ended, and what it took."""

    stdout: str
    started: float
    """Seconds since the epoch."""
    seconds: float
    peak_bytes: int
    others: float
    """Cores that other processes used meanwhile, on average: a measurement wants a quiet machine."""


def execute(command: Sequence[str], log: Path, *, limit: float, folder: Path, extra: Mapping[str, str]) -> Finished:
    """Run a command in a fresh process in ``folder``; what it says goes to ``log`` and, as errors, to its ``.err``.

    ``extra`` is added to its environment. Every process that it leaves behind is ended. ``RuntimeError`` if it fails or
    takes more than ``limit`` seconds.
    """
    complaints = log.with_suffix(".err")
    with log.open("w") as stdout, complaints.open("w") as stderr:
        epoch, started, peak, seen = time.time(), time.perf_counter(), 0, set[psutil.Process]()
        machine, reaped, used = machine_seconds(), reaped_seconds(), dict[psutil.Process, float]()
        process = psutil.Popen(command, stdout=stdout, stderr=stderr, cwd=folder, env={**os.environ, **extra})
        try:
            while (code := wait(process)) is None:
                seen.update(children(process))
                peak = max(peak, memory([process, *seen]))
                used |= {each: spent for each in [process, *seen] if (spent := cpu_seconds(each))}
                if time.perf_counter() - started > limit:
                    raise RuntimeError(f"killed after {limit:g} s")
            seconds = time.perf_counter() - started
            own = max(sum(used.values()), reaped_seconds() - reaped)  # orphans are in one, what ended fast in the other
            others = max(0.0, machine_seconds() - machine - own) / seconds
        finally:
            kill([process, *seen, *children(process)])
            process.wait()
    if code != 0:
        raise RuntimeError(f"left with {code}: {complaints.read_text(errors='replace').strip()[-300:]}")
    return Finished(log.read_text(errors="replace"), epoch, seconds, peak, others)


def wait(process: psutil.Popen) -> int | None:
    try:
        return int(process.wait(timeout=SAMPLE_SECONDS))
    except psutil.TimeoutExpired:
        return None


def children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=True))
    except psutil.Error:
        return []  # it has just ended


def kill(processes: Sequence[psutil.Process]) -> None:
    for each in processes:
        with contextlib.suppress(psutil.Error):
            each.kill()


def memory(processes: Sequence[psutil.Process]) -> int:
    """Return the bytes that processes hold together, shared pages counted once."""
    total = 0
    for each in processes:
        try:
            used = each.memory_full_info()
        except psutil.Error:
            continue  # it has just ended
        total += getattr(used, "pss", used.rss)
    return total


def cpu_seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0  # it has just ended; what it had used before is known
    return float(times.user + times.system)


def reaped_seconds() -> float:
    """Return the core-seconds of all children that have ended, their own children that ended before them included."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def machine_seconds() -> float:
    """Return the core-seconds that all processes of the machine have used."""
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system)


@contextlib.contextmanager
def busy(count: int) -> Iterator[None]:
    """Let ``count`` processes burn a core each."""
    burning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in burning:
            process.kill()
            process.wait()
