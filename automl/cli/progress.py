"""What is seen of a run while it goes on: a live view on a terminal, plain lines elsewhere, both on stderr."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import isfinite
from typing import TYPE_CHECKING, Final, TextIO

from automl.cli.duration import clock

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

    from automl.deploy.batch import BatchProgress
    from automl.evaluation.leaderboard import Leaderboard
    from automl.tuning.progress import Snapshot

_TOP: Final = 10
"""Rows of the live leaderboard."""


@contextmanager
def watch(max_trials: int | None = None) -> Iterator[Callable[[Snapshot], None]]:
    """Show the snapshots of a run; ``max_trials`` lets the end be estimated where there is no time budget."""
    if not _is_terminal():
        yield Lines(sys.stderr)
        return
    from rich.console import Console
    from rich.live import Live

    view = View(max_trials)
    console = Console(stderr=True)
    with Live(get_renderable=view.render, console=console, refresh_per_second=4, transient=True):

        def show(snapshot: Snapshot) -> None:
            view.snapshot = snapshot
            if snapshot.message:
                console.print(snapshot.message, markup=False, highlight=False)

        yield show


@contextmanager
def watch_rows() -> Iterator[Callable[[BatchProgress], None]]:
    """Show how far the prediction of a table is, if it takes long."""
    if not _is_terminal():
        yield RowLines(sys.stderr)
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    with Live(Text("reading"), console=Console(stderr=True), transient=True) as live:
        yield lambda seen: live.update(Text(f"{rows_left(seen)}  {rows_done(seen)}"))


class RowLines:
    """Prints a line now and then: rarer as the run grows older."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._next = 10.0

    def __call__(self, seen: BatchProgress) -> None:
        """Print what is new."""
        if seen.done < seen.rows and seen.seconds >= self._next:
            self._next = 1.2 * seen.seconds + 1
            print(f"{rows_left(seen):>24}  {rows_done(seen)}", file=self._stream, flush=True)


def rows_left(seen: BatchProgress) -> str:
    """Return the time so far and to come, in words."""
    ends = f", about {clock((seen.rows - seen.done) / seen.rate)} left" if seen.rate else ""
    return clock(seen.seconds) + ends


def rows_done(seen: BatchProgress) -> str:
    """Return how far the prediction of a table is, in words.

    >>> from automl.deploy.batch import BatchProgress
    >>> rows_done(BatchProgress(rows=1_000_000, done=600_000, earlier=200_000, rejected=3, seconds=4.0))
    '600,000 of 1,000,000 rows, 100,000 rows/s, 200,000 of an earlier run, 3 rejected'
    """
    parts = [f"{seen.done:,} of {seen.rows:,} rows", f"{seen.rate:,.0f} rows/s"]
    parts += [f"{seen.earlier:,} of an earlier run"] if seen.earlier else []
    parts += [f"{seen.rejected:,} rejected"] if seen.rejected else []
    return ", ".join(parts)


def _is_terminal() -> bool:
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


class Lines:
    """Prints every message, and a line on the standing now and then: rarer as the run grows older."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._next = 0.0
        self._finished = 0

    def __call__(self, snapshot: Snapshot) -> None:
        """Print what is new."""
        if snapshot.message:
            self._print(snapshot, snapshot.message)
        if snapshot.finished > self._finished and snapshot.elapsed >= self._next:
            self._finished = snapshot.finished
            self._next = 1.2 * snapshot.elapsed + 1
            self._print(snapshot, standing(snapshot))

    def _print(self, snapshot: Snapshot, line: str) -> None:
        print(f"{clock(snapshot.elapsed):>6}  {line}", file=self._stream, flush=True)


class View:
    """The last snapshot, drawn against the clock."""

    def __init__(self, max_trials: int | None) -> None:
        self._max_trials = max_trials
        self._started = time.monotonic()
        self.snapshot: Snapshot | None = None

    def render(self) -> Group:
        """Draw the time, the trials that run and the top of the leaderboard."""
        from rich.console import Group
        from rich.text import Text

        snapshot, elapsed = self.snapshot, time.monotonic() - self._started
        if snapshot is None:
            return Group(Text(f"{clock(elapsed)}  starting"))
        left = remaining(snapshot, elapsed, self._max_trials)
        ends = "" if left is None else f", about {clock(left)} left"
        lines = [Text(f"{clock(elapsed)}{ends}  {standing(snapshot)}", style="bold")]
        if snapshot.running:
            lines.append(Text(f"training {', '.join(snapshot.running)}", style="dim"))
        return Group(*lines, *([] if snapshot.board is None else [_table(snapshot.board)]))


def _table(board: Leaderboard) -> Table:
    """Draw the top of the leaderboard."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("candidate", "family"):
        table.add_column(heading)
    for heading in (board.metric_name, "low", "high", "fit s", "weight"):
        table.add_column(heading, justify="right")
    for row in board.rows[:_TOP]:
        score = ("", "", "") if row.score is None else (row.score.value, row.score.low, row.score.high)
        numbers = [f"{value:.4g}" if isinstance(value, float) and isfinite(value) else "" for value in score]
        weight = f"{row.weight:.2f}" if row.weight else ""
        table.add_row(row.candidate, row.family, *numbers, f"{row.fit_seconds:.1f}", weight)
    return table


def standing(snapshot: Snapshot) -> str:
    """Return the number of finished candidates and the score so far, in words."""
    done = f"{snapshot.finished} candidate{'' if snapshot.finished == 1 else 's'} done"
    if snapshot.score is None:
        return done
    name = snapshot.board.metric_name if snapshot.board is not None else "score"
    return f"{done}, {name} {snapshot.score.value:.4g} ({snapshot.score.low:.4g} to {snapshot.score.high:.4g})"


def remaining(snapshot: Snapshot, elapsed: float, max_trials: int | None) -> float | None:
    """Return the seconds until the first of the limits is reached; None if nothing can be said."""
    limits = []
    if snapshot.budget is not None:
        limits.append(snapshot.budget - elapsed)
    if max_trials is not None and snapshot.finished:
        limits.append(elapsed / snapshot.finished * (max_trials - snapshot.finished))
    return max(0.0, min(limits)) if limits else None
