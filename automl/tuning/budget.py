"""The plan: how many folds, trials at once, threads a trial and seconds a trial fit into the time, cores and memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import Final

import psutil

from automl.config import FitConfig
from automl.errors import UsageError
from automl.models.base import Family, Shape

_DIVERSITY: Final = 6
"""Candidates that a run should be able to finish: fewer folds are run rather than fewer candidates."""
_LONGEST_SHARE: Final = 0.5
"""Share of the time that a trial may take, however many run at once: one after another, two fit."""
_REFERENCE: Final = 4.0
"""Cost of a typical candidate's fold, in fits of the preview."""
_CELLS_A_THREAD: Final = 100_000
"""Rows times columns that a thread more pays for: with fewer, threads wait for each other longer than they work."""
_FREE_SHARE: Final = 0.8
_CONTAINER: Final = Path("/sys/fs/cgroup")
"""Where Linux tells the limits of a container (cgroup v2)."""
_BYTES_A_VALUE: Final = 4
_WIDENING: Final = 3
"""Feature columns a raw column turns into, roughly."""

_WORKER_BYTES: Final = 300_000_000
"""Of a process that trains, beside the data: libraries and buffers."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a run uses its resources. A resume makes its own, for its time and machine, with as many folds."""

    families: tuple[str, ...]
    folds_run: int
    concurrency: int
    threads: int
    """Threads a trial; ``concurrency * threads`` never exceeds the cores."""
    trial_seconds: float = inf
    left_out: tuple[str, ...] = ()
    """Families that do not fit into the memory."""

    def alone(self, shape: Shape) -> Plan:
        """Return the plan for one trial at a time: with all cores, as far as the table is large enough for them."""
        return replace(self, concurrency=1, threads=threads_alone(self.concurrency * self.threads, shape))

    def fold_seconds(self, preview_seconds: float) -> float:
        """Return what a fold of a typical candidate is likely to take, by what one of the preview took."""
        return min(_REFERENCE * preview_seconds, self.trial_seconds / self.folds_run)

    def describe(self, folds: int) -> str:
        """Return the plan in a line for people; there are so many folds, of which some may not be run."""
        trials = f"{self.concurrency} trial{'s' if self.concurrency > 1 else ''} at a time"
        threads = f"{self.threads} thread{'s' if self.threads > 1 else ''} each"
        seconds = "" if self.trial_seconds == inf else f", up to {self.trial_seconds:.1f} s a trial"
        left_out = f"; left out for lack of memory: {', '.join(self.left_out)}" if self.left_out else ""
        some = f"{self.folds_run} of " if self.folds_run < folds else ""
        return f"{some}{folds} fold{'s' if folds > 1 else ''}, {trials}, {threads}{seconds}{left_out}"


def free_memory(container: Path = _CONTAINER) -> int:
    """Return the bytes that are free; in a container, what it may still take.

    What it holds of files it has read is free, too: they give way when memory is needed.
    """
    available = int(psutil.virtual_memory().available)
    try:
        limit, used = (int((container / f"memory.{name}").read_text()) for name in ("max", "current"))
        stat = dict(line.split() for line in (container / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):  # there is no limit
        return available
    files = int(stat["active_file"]) + int(stat["inactive_file"])
    return max(0, min(available, limit - used + files))


def threads_alone(cores: int, shape: Shape) -> int:
    """Return the threads of one trial that has all cores, as far as the table is large enough for them.

    >>> from automl.data.table import ProblemType
    >>> [threads_alone(8, Shape(ProblemType.REGRESSION, rows, 20)) for rows in (1_000, 20_000, 1_000_000)]
    [1, 4, 8]
    """
    return max(1, min(cores, shape.rows * shape.columns // _CELLS_A_THREAD))


def make_plan(config: FitConfig, shape: Shape, families: Sequence[Family], folds_run: int) -> Plan:
    """Plan cores and memory before anything was measured.

    As many one-thread trials at once as there are cores, since two processes of one thread beat one of two on all but
    large data; fewer, with more threads each, where the memory does not hold that many.
    """
    memory, peaks = fitting(config, shape, families)
    concurrency = max(1, min(config.cores, memory // (_WORKER_BYTES + max(peaks.values()))))
    return Plan(
        families=tuple(peaks),
        folds_run=folds_run,
        concurrency=concurrency,
        threads=config.cores // concurrency,
        left_out=tuple(family.name for family in families if family.name not in peaks),
    )


def fitting(config: FitConfig, shape: Shape, families: Sequence[Family]) -> tuple[int, dict[str, int]]:
    """Return the bytes that may be used, and those that each family needs which fits into them.

    Raises
    ------
    UsageError
        If none but the baseline does.
    """
    memory = config.memory or int(free_memory() * _FREE_SHARE)
    matrix = shape.rows * shape.columns * _WIDENING * _BYTES_A_VALUE
    peaks = {family.name: family.memory(shape, family.portfolio(shape)[0]) + matrix for family in families}
    models = [family.name for family in families if not family.baseline] or list(peaks)
    fits = {name: peak for name, peak in peaks.items() if peak <= memory}
    if not set(models) & set(fits):
        need, have = min(peaks[name] for name in models) / 1e9, memory / 1e9
        raise UsageError(f"memory must hold at least one model: {need:.2f} GB are needed, {have:.2f} GB are allowed")
    return memory, fits


def fit_to_time(
    plan: Plan,
    preview_seconds: float,
    remaining: float,
    *,
    feature_seconds: float = 0.0,
    folds_fixed: bool = False,
    max_trials: int | None = None,
) -> Plan:
    """Choose folds and seconds a trial, after one fold of the preview was measured.

    Where not even one fold fits, fewer trials get more threads each.

    Parameters
    ----------
    preview_seconds
        Seconds for one fold of the preview with the plan's threads.
    remaining
        Seconds until the deadline; infinite leaves the plan as it is.
    feature_seconds
        Seconds for its features, which are fitted in one thread.
    folds_fixed
        Whether the number of folds stays.
    max_trials
        Candidates that are asked for at most; None = as many as there is time for.
    """
    if remaining == inf:
        return plan
    candidates = min(_DIVERSITY, max_trials or _DIVERSITY)
    a_trial = max(0.0, remaining) * min(plan.concurrency / candidates, _LONGEST_SHARE)
    seconds = _REFERENCE * preview_seconds
    while seconds > a_trial and plan.concurrency >= _DIVERSITY:  # half as many at once are still enough candidates
        plan = replace(plan, concurrency=plan.concurrency // 2, threads=plan.threads * 2)
        seconds /= 2
    folds = plan.folds_run if folds_fixed else max(1, min(plan.folds_run, int(a_trial / (seconds + feature_seconds))))
    return replace(plan, folds_run=folds, trial_seconds=a_trial)
