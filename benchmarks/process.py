"""Processes that are measured: their seconds, and the memory of all their children."""

from __future__ import annotations

import contextlib
import os
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


def execute(command: Sequence[str], log: Path, *, limit: float, folder: Path, extra: Mapping[str, str]) -> Finished:
    """Run a command in a fresh process in ``folder``; what it says goes to ``log`` and, as errors, to its ``.err``.

    ``extra`` is added to its environment. Every process that it leaves behind is ended. ``RuntimeError`` if it fails or
    takes more than ``limit`` seconds.
    """
    complaints = log.with_suffix(".err")
    with log.open("w") as stdout, complaints.open("w") as stderr:
        epoch, started, peak, seen = time.time(), time.perf_counter(), 0, set[psutil.Process]()
        process = psutil.Popen(command, stdout=stdout, stderr=stderr, cwd=folder, env={**os.environ, **extra})
        try:
            while (code := wait(process)) is None:
                seen.update(children(process))
                peak = max(peak, memory([process, *seen]))
                if time.perf_counter() - started > limit:
                    raise RuntimeError(f"killed after {limit:g} s")
            seconds = time.perf_counter() - started
        finally:
            kill([process, *seen, *children(process)])
            process.wait()
    if code != 0:
        raise RuntimeError(f"left with {code}: {complaints.read_text(errors='replace').strip()[-300:]}")
    return Finished(log.read_text(errors="replace"), epoch, seconds, peak)


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
