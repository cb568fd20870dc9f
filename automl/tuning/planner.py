"""What to train next: the portfolio first, then a search that goes on from what it has shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from enum import Enum
from math import inf
from statistics import mean, median
from typing import Final

from automl.config import FitConfig
from automl.models.base import Family, Shape
from automl.models.registry import get_family
from automl.tuning.budget import Plan
from automl.tuning.candidate import Candidate
from automl.tuning.exploration import Exploration
from automl.tuning.journal import Journal, Trial
from automl.tuning.portfolio import portfolio
from automl.tuning.problem import Problem

_BATCH: Final = 4
"""Candidates that a repeatable search proposes at once, whatever the number of cores."""
_LEAST_SHARE: Final = 0.5
"""A trial fits itself to the time it has, but with less than this share of what its family took it is not started."""
_LEAST_SECONDS: Final = 1.0
"""The same for a family that was not tried yet, which may have to import its library, and makes its features."""


class Next(Enum):
    """Answers of a planner that has no candidate."""

    WAIT = "not now: ask again when a trial has ended, or in the process that searches"
    FINISHED = "nothing is left to try"


def make_planner(
    config: FitConfig, plan: Plan, problem: Problem, journal: Journal, *, searches: bool = True
) -> Planner:
    """Return the planner of a run, which knows all trials in its journal and goes on with those that have not ended."""
    return Planner(
        [get_family(name) for name in plan.families],
        problem.shape,
        random_state=config.random_state,
        folds=problem.folds.run,
        max_trials=config.max_trials,
        repeatable=config.repeatable,
        searches=searches,
        trials=journal.trials(),
    )


class Planner:
    """Proposes candidates and learns from how they end.

    With ``repeatable`` the order of proposals does not depend on when results arrive. Without ``searches`` it proposes
    the portfolio only: a search that another process goes on with would not be repeatable. It goes on where ``trials``
    are, those that have not ended first.
    """

    def __init__(
        self,
        families: Sequence[Family],
        shape: Shape,
        *,
        random_state: int,
        folds: int = 1,
        max_trials: int | None = None,
        repeatable: bool = False,
        searches: bool = True,
        trials: Iterable[Trial] = (),
    ) -> None:
        self._repeatable = repeatable
        self._searches = searches
        self._folds = folds
        self._left = inf if max_trials is None else max_trials
        self._costs: dict[str, list[float]] = {}
        self._features = 0.0
        self._seen: set[str] = set()
        self._asked = 0
        self._outstanding: set[str] = set()
        self._exploration = Exploration(families, shape, random_state)
        self._batch: list[Candidate] = []
        self._answers: list[Trial] = []
        unfinished = []
        for trial in trials:
            if trial.status == "running":
                unfinished.append(trial.candidate)
            else:
                self._seen.add(trial.candidate.id)
                self._asked = max(self._asked, trial.candidate.index + 1)
                self._left -= trial.candidate.origin != "baseline"
                self._note(trial)
        self._queue = unfinished + portfolio(families, shape)

    def propose(self, remaining: float) -> Candidate | Next:
        """Return the next candidate to train in the remaining seconds."""
        if self._left <= 0 or remaining <= 0:
            return Next.FINISHED
        candidate = self._from_portfolio(remaining) or self._from_search(remaining)
        if isinstance(candidate, Candidate):
            self._seen.add(candidate.id)
            self._outstanding.add(candidate.id)
            self._left -= 1
        return candidate

    def tell(self, trial: Trial) -> None:
        """Learn how a proposed candidate ended; one that is still running was cut off."""
        self._outstanding.discard(trial.candidate.id)
        self._note(trial)

    def _note(self, trial: Trial) -> None:
        seconds = [each.feature_seconds + each.fit_seconds + each.predict_seconds for each in trial.folds.values()]
        if seconds and trial.candidate.origin in ("portfolio", "search"):
            self._costs.setdefault(trial.candidate.family, []).append(self._folds * mean(seconds))
        if trial.folds:
            made = mean(each.feature_seconds for each in trial.folds.values())
            self._features = max(self._features, self._folds * made)
        self._answers.append(trial)

    def _from_portfolio(self, remaining: float) -> Candidate | None:
        self._queue = [candidate for candidate in self._queue if candidate.id not in self._seen]
        for place, candidate in enumerate(self._queue):
            if self._affordable(candidate.family, remaining):
                return self._numbered(self._queue.pop(place))
        return None

    def _from_search(self, remaining: float) -> Candidate | Next:
        affordable = [name for name in self._exploration.families if self._affordable(name, remaining)]
        if not affordable:
            return Next.FINISHED
        if not self._searches:
            return Next.WAIT
        if not self._batch:
            if self._repeatable and self._outstanding:
                return Next.WAIT
            self._batch = self._searched(affordable)
        return self._numbered(self._batch.pop(0)) if self._batch else Next.FINISHED

    def _searched(self, affordable: Sequence[str]) -> list[Candidate]:
        """Return new candidates of the search, which first learns how others ended, in the order of their proposals."""
        for trial in sorted(self._answers, key=lambda trial: trial.candidate.index):
            self._exploration.learn(trial)
        self._answers.clear()
        asked = (self._exploration.ask(affordable, self._seen) for _ in range(_BATCH if self._repeatable else 1))
        return [candidate for candidate in asked if candidate is not None]

    def _affordable(self, family: str, remaining: float) -> bool:
        known = self._costs.get(family)
        return remaining >= (_LEAST_SHARE * median(known) if known else max(_LEAST_SECONDS, self._features))

    def _numbered(self, candidate: Candidate) -> Candidate:
        self._asked += 1
        return replace(candidate, index=self._asked - 1)
