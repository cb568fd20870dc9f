"""The race over folds: a trial that brings the ensemble nothing does not train its further folds."""

from __future__ import annotations

from math import isfinite
from typing import Final

from automl.ensemble import greedy_weights
from automl.tuning.journal import Journal, Trial
from automl.tuning.outoffold import OutOfFold
from automl.tuning.problem import Problem

LEAST_ROWS: Final = 1_000
"""Rows that must be predicted before a trial can lose: with fewer, luck decides, and folds are cheap."""
_LEAST_RIVALS: Final = 3
_RIVALS: Final = 12


class Race:
    """Compares an unfinished trial with the finished ones, on the rows that it has predicted so far."""

    def __init__(self, problem: Problem, journal: Journal) -> None:
        self._problem = problem
        self._journal = journal
        self._out_of_fold = OutOfFold(problem, journal)

    def lost(self, candidate_id: str, folds: int) -> bool:
        """Return whether a greedy ensemble of the finished trials and this one gives it no weight.

        Being worse is not enough to lose: the ensemble takes what errs elsewhere, too. Decided after the first, second
        and fourth fold only.

        Parameters
        ----------
        folds
            The trial has finished this many folds, the first ones.
        """
        if folds & (folds - 1) or folds >= self._problem.folds.run:
            return False
        rivals = self._rivals()
        if len(rivals) < _LEAST_RIVALS:
            return False
        own = self._out_of_fold.prediction(candidate_id, folds)
        rows = self._problem.folds.valid_rows[: len(own)]
        y, weight, metric = self._problem.y[rows], self._problem.weight_of(rows), self._problem.objective
        if len(own) < LEAST_ROWS or not isfinite(metric.loss(y, own, weight)):
            return False
        others = [self._out_of_fold.prediction(trial.candidate.id, folds) for trial in rivals]
        return not greedy_weights([*others, own], y, metric, sample_weight=weight)[-1]

    def _rivals(self) -> list[Trial]:
        """Return the best finished trials."""
        run = self._problem.folds.run
        trials = [t for t in self._journal.trials() if t.candidate.origin != "baseline" and t.complete(run)]
        return sorted(trials, key=lambda trial: trial.loss(run))[:_RIVALS]
