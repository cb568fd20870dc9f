"""Members of an ensemble trained once more, on all rows: one model each instead of one a fold."""

from __future__ import annotations

from dataclasses import replace

from automl.assembly import Member
from automl.models.registry import get_family
from automl.tuning.champion import member
from automl.tuning.configuration import Configuration
from automl.tuning.journal import Journal, Trial
from automl.tuning.problem import Problem
from automl.tuning.trial import Allowance, TrialRunner


class Refit:
    """Trains candidates on all rows, each once, in a journal of its own.

    What their folds' validation rows decided, such as the rounds, is taken over from there.
    """

    def __init__(self, problem: Problem, journal: Journal, threads: int) -> None:
        self._journal = journal
        self._problem = problem.on_all_rows()
        self._runner = TrialRunner(self._problem, journal)
        self._threads = threads

    def __call__(self, trial: Trial) -> Member | None:
        """Return a candidate with its model of all rows; None if it cannot do without validation rows."""
        candidate, configuration = trial.candidate, Configuration.of(trial.candidate.params)
        if configuration.log or self._problem.task.levels:  # raised to the mean of unseen rows; rounds for each level
            return None
        params = get_family(candidate.family).refit(candidate.params, trial.details)
        if params is None:
            return None
        again = replace(candidate, params=params)
        for _ in self._runner.run(again, Allowance(threads=self._threads)):
            pass
        trained = member(self._journal, self._journal.trial(again.id), 1)
        return replace(trained, candidate=candidate.id)
