"""Out-of-fold predictions of a run: read from its journal, blended, decided and scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isnan

import numpy as np
from numpy.typing import NDArray

from automl.assembly import Ensemble, Member
from automl.blend import Blend
from automl.data.table import ProblemType
from automl.deadline import NEVER, Deadline
from automl.ensemble import choose_blend, least_prediction
from automl.evaluation.conformal import Residuals
from automl.evaluation.decision import Decision, cross_decided, of_settled
from automl.evaluation.interval import Score, score_interval
from automl.evaluation.metric import Metric, floored
from automl.evaluation.quantiles import coverage
from automl.evaluation.validation import parts_to_cross_fit
from automl.tuning.journal import Journal
from automl.tuning.problem import Problem


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Out-of-fold predictions as they are scored: where the metric is of classes, decided honestly."""

    metric: Metric
    y: NDArray[np.generic]
    prediction: NDArray[np.float64]
    weight: NDArray[np.float64] | None
    groups: NDArray[np.intp] | None
    decision: Decision
    """What new rows are decided by."""

    @property
    def loss(self) -> float:
        """Lower is better; infinite where the metric is not defined."""
        loss = self.metric.loss(self.y, self.prediction, self.weight)
        return inf if isnan(loss) else loss


@dataclass(frozen=True, slots=True, eq=False)
class OutOfFold:
    """The out-of-fold predictions of one problem's candidates, and what becomes of them."""

    problem: Problem
    journal: Journal

    def prediction(self, candidate_id: str, folds: int) -> NDArray[np.float64]:
        """Return what the models of a candidate's first folds predict, in the order of ``problem.folds.valid_rows``."""
        return self.problem.folds.joined([self.journal.prediction(candidate_id, fold) for fold in range(folds)])

    def blended(
        self,
        predictions: Sequence[NDArray[np.float64]],
        *,
        most: int | None = None,
        costs: Sequence[float] | None = None,
        deadline: Deadline = NEVER,
    ) -> tuple[Blend, NDArray[np.float64]]:
        """Return how predictions of all folds (``most`` of them) become one, and its cross-fitted predictions."""
        problem, folds = self.problem, self.problem.folds
        return choose_blend(
            predictions,
            problem.y_valid,
            problem.objective,
            self._parts(len(folds.valid_rows)),
            levels=problem.task.levels,
            sample_weight=problem.weight_of(folds.valid_rows),
            training_weight=problem.training_weight_of(folds.valid_rows),
            positive=bool(problem.constraints.monotone),
            max_members=most,
            costs=costs,
            deadline=deadline,
        )

    def judged(self, prediction: NDArray[np.float64]) -> Judged:
        """Cut predictions to the rows that the score is about; for metrics of classes, decide them by cross-fitting."""
        problem, folds = self.problem, self.problem.folds
        rows = folds.valid_rows[: min(len(prediction), folds.final_rows)]
        y, weight = problem.y[rows], problem.weight_of(rows)
        metric = floored(problem.metric, least_prediction(problem.metric, problem.y))
        prediction, decision = prediction[: len(rows)], Decision()
        if metric.decides:
            decision, prediction = cross_decided(metric, y, prediction, self._parts(len(rows)), weight=weight)
            metric = of_settled(metric)
        groups = None if problem.groups is None else problem.groups[rows]
        return Judged(metric, y, prediction, weight, groups, decision)

    def _parts(self, count: int) -> NDArray[np.integer]:
        """Return the parts of the first validated rows of which each is judged by what the others decide."""
        problem, folds = self.problem, self.problem.folds
        rows = folds.valid_rows[:count]
        groups = None if problem.groups is None else problem.groups[rows]
        kind, seed = problem.task.problem_type, problem.random_state
        return parts_to_cross_fit(folds.valid_folds[:count], problem.y[rows], kind, seed, groups)

    def score(self, judged: Judged) -> Score:
        """Return the score with its interval."""
        return score_interval(
            judged.metric,
            judged.y,
            judged.prediction,
            weight=judged.weight,
            groups=judged.groups,
            random_state=self.problem.random_state,
        )

    def ensemble(self, members: Sequence[Member], blend: Blend, judged: Judged) -> Ensemble:
        """Return an ensemble with everything that its cross-fitted predictions tell of it."""
        task = self.problem.task
        residuals = None
        if task.problem_type is ProblemType.REGRESSION:
            residuals = Residuals.fit(judged.y, judged.prediction, judged.weight, least=blend.least)
        covered = coverage(judged.y, judged.prediction, judged.weight).tolist() if task.levels else ()
        return Ensemble(members, blend, self.score(judged), residuals, judged.decision, covered)
