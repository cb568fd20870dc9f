"""What a run tells whoever watches it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from automl import errors
from automl.evaluation.interval import Score
from automl.evaluation.leaderboard import Leaderboard


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of a run at one moment."""

    elapsed: float
    """Seconds since the start."""
    budget: float | None
    """Seconds that were given, if any."""
    message: str | None = None
    """A new line worth reading: a decision, a warning, an end."""
    board: Leaderboard | None = None
    """As the last trial ended; candidates that are being trained have a score without an interval."""
    running: tuple[str, ...] = ()
    """Candidates that are being trained."""
    finished: int = 0
    """Candidates that have ended."""
    score: Score | None = None
    """Out-of-fold score of the ensemble so far."""


OnProgress = Callable[[Snapshot], None]


@dataclass(frozen=True, slots=True)
class Reporter:
    """Tells whoever watches a run; what may mislead becomes a Python warning where nobody does."""

    on_progress: OnProgress | None = None
    started: float = 0.0
    """Seconds since the epoch."""
    budget: float | None = None

    def __post_init__(self) -> None:
        if self.on_progress is not None and not callable(self.on_progress):
            raise errors.UsageError(f"on_progress must be a function, got {self.on_progress!r}")

    @property
    def watched(self) -> bool:
        """Whether anybody watches."""
        return self.on_progress is not None

    def say(self, message: str) -> None:
        """Tell of a decision."""
        self.show(message)

    def warn(self, message: str) -> None:
        """Tell of what may mislead."""
        if self.watched:
            self.show(f"warning: {message}")
        else:
            errors.warn(message)

    def show(
        self,
        message: str | None = None,
        *,
        board: Leaderboard | None = None,
        running: Iterable[str] = (),
        score: Score | None = None,
    ) -> None:
        """Tell how far the run is."""
        if self.on_progress is not None:
            finished = sum(row.status != "running" for row in board.rows) if board else 0
            elapsed = time.time() - self.started
            self.on_progress(Snapshot(elapsed, self.budget, message, board, tuple(running), finished, score))
