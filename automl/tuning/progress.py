"""What a run tells whoever watches it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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
