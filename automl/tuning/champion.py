"""The best so far: the ensemble over all finished trials, the leaderboard, and the predictor on disk."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from math import inf, nan
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from automl import assembly
from automl.artifact import Opened
from automl.assembly import About, Ensemble, FoldFiles, Member
from automl.blend import Blend
from automl.data.table import ProblemType
from automl.deadline import NEVER, Deadline
from automl.ensemble import choose_blend
from automl.evaluation.conformal import Residuals
from automl.evaluation.decision import Decision, cross_decided, of_settled
from automl.evaluation.interval import Score, score_interval
from automl.evaluation.leaderboard import Leaderboard, Row
from automl.evaluation.metric import Metric
from automl.evaluation.quantiles import coverage
from automl.models.base import Model
from automl.predictor import Predictor
from automl.tuning.journal import FoldRecord, Journal, Trial, mean_loss
from automl.tuning.problem import Problem

_CONTENDERS: Final = 24
"""Trials that the ensemble chooses from: the best by their own score."""
_KEPT: Final = 2
"""Predictors on disk: the best, and the one before it for whoever is just reading it."""
_BYTES_A_SECOND: Final = 5_000_000
"""Of models that are brought into their form for few rows; measured twice as many."""
_OVERHEAD: Final = 0.05
"""Share of the time that updates may take while trials run."""


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


class Champion:
    """Chooses the ensemble and keeps its predictor on disk, replaced in one step and by better ones only.

    Parameters
    ----------
    most
        Members that are served at most, and then with the model of one fold each; None = all that help, with all folds.
    """

    def __init__(self, problem: Problem, journal: Journal, about: About, most: int | None = None) -> None:
        self._most = most
        self._problem = problem
        self._journal = journal
        self._about = about
        self._opened: Opened = {}
        self._predictions: dict[str, NDArray[np.float64]] = {}
        self._scores: dict[str, Score] = {}
        self._weights: dict[str, float] = {}
        self._loss = inf
        self._considered: frozenset[str] = frozenset()
        self._updated = -inf
        self._choosing = 0.0
        self._settling = 0.0
        """Seconds that the last update took from the choice to its end."""
        self._writing = 0.0
        self._ensemble: Ensemble | None = None
        self.predictor: Predictor | None = None

    @property
    def cost(self) -> float:
        """Seconds that an update takes which finds a better ensemble, by the last ones."""
        return self._choosing + self._settling

    def update(self, deadline: Deadline = NEVER, *, now: bool = True) -> bool:
        """Choose the ensemble anew if trials have finished; return whether a better predictor was written.

        The choice ends early enough to be written by the deadline; without the time for it, only a first predictor is
        made. With ``now=False`` only if that takes a small share of the time since the last update.
        """
        deadline = deadline.earlier(self._settling)
        if self.predictor is not None and deadline.passed:
            return False
        started = time.perf_counter()
        if not now and started - self._updated < self.cost / _OVERHEAD:
            return False
        trials = [trial for trial in self._journal.trials() if trial.complete(self._problem.folds.run)]
        considered = frozenset(trial.candidate.id for trial in trials)
        if not trials or considered == self._considered:
            return False
        better = self._choose(trials, deadline)
        self._considered = considered
        self._updated = time.perf_counter()
        return better

    def quicken(self, deadline: Deadline, *, most: int | None = None) -> None:
        """Bring models of the predictor into their form for few rows, as far as the time goes.

        They are part of the next predictor that is written.

        Parameters
        ----------
        most
            Models at most; None = all.
        """
        if self._ensemble is None:
            return
        slow = ((m.family, fold) for m in self._ensemble.members for fold in m.folds if not fold.quick.exists())
        for family, fold in islice(slow, most):
            if sum(file.stat().st_size for file in fold.model.iterdir()) < _BYTES_A_SECOND * deadline.remaining:
                assembly.quicken(family, fold)

    def finish(self, deadline: Deadline) -> None:
        """Bring all models into that form, and write the predictor once more."""
        self.quicken(deadline.earlier(self._writing))
        if self._ensemble is not None and deadline.remaining > self._writing:
            self._opened = {path: each for path, each in self._opened.items() if not isinstance(each, Model)}
            self._write(self._ensemble)

    def board(self) -> Leaderboard:
        """Return the leaderboard over all trials."""
        trials = self._journal.trials()
        metric = self._problem.metric
        rows = [self._row(trial) for trial in trials]
        return Leaderboard(rows, metric.name, metric.greater_is_better)

    def _choose(self, trials: Sequence[Trial], deadline: Deadline) -> bool:
        beyond = [trial for trial in trials if trial.candidate.origin != "baseline"]
        contenders = sorted(beyond or trials, key=self._mean_loss)[:_CONTENDERS]
        began = time.perf_counter()
        predictions = [self.prediction(trial.candidate.id) for trial in contenders]
        blend, honest = self.blended(predictions, self._most, deadline)
        started = time.perf_counter()
        self._choosing = started - began
        judged = self.judged(honest)
        loss = judged.metric.loss(judged.y, judged.prediction, judged.weight)
        if self.predictor is not None and not loss < self._loss:
            return False
        chosen = np.flatnonzero(blend.weights)
        blend, trials = blend.only(chosen), [contenders[i] for i in chosen]
        folds = 1 if self._most else self._problem.folds.final
        members = [member(self._journal, trial, folds) for trial in trials]
        self._write(self.ensemble(members, blend, judged))
        self._settling = time.perf_counter() - started
        self._weights = dict(zip((trial.candidate.id for trial in trials), blend.weights.tolist(), strict=True))
        self._loss = loss if beyond else inf  # whatever is trained takes the place of the baseline
        return True

    def blended(
        self, predictions: Sequence[NDArray[np.float64]], most: int | None = None, deadline: Deadline = NEVER
    ) -> tuple[Blend, NDArray[np.float64]]:
        """Return how out-of-fold predictions (``most`` of them) become one, and its cross-fitted predictions."""
        problem, folds = self._problem, self._problem.folds
        return choose_blend(
            predictions,
            problem.y_valid,
            problem.objective,
            folds.valid_folds,
            levels=problem.task.levels,
            sample_weight=problem.weight_of(folds.valid_rows),
            training_weight=problem.training_weight_of(folds.valid_rows),
            positive=bool(problem.constraints.monotone),
            max_members=most,
            random_state=problem.random_state,
            deadline=deadline,
        )

    def ensemble(self, members: Sequence[Member], blend: Blend, judged: Judged) -> Ensemble:
        """Return an ensemble with everything that its cross-fitted predictions tell of it."""
        task = self._problem.task
        values = task.problem_type is ProblemType.REGRESSION
        residuals = Residuals.fit(judged.y, judged.prediction, judged.weight) if values else None
        covered = coverage(judged.y, judged.prediction, judged.weight).tolist() if task.levels else ()
        return Ensemble(members, blend, self.scored(judged), residuals, judged.decision, covered)

    def _write(self, ensemble: Ensemble) -> None:
        """Write the next predictor, let everyone see it, and drop the outdated ones."""
        started = time.perf_counter()
        folder = self._journal.root / "models"
        folder.mkdir(exist_ok=True)
        versions = sorted(place for place in folder.iterdir() if place.name.isdigit())
        number = int(versions[-1].name) + 1 if versions else 1
        predictor = assembly.write(folder / f"{number:04d}", ensemble, self._about, self._opened)
        point_to(self._journal.root / "model", Path("models") / predictor.folder.name)
        for outdated in versions[: 1 - _KEPT]:
            shutil.rmtree(outdated)
        self._ensemble, self.predictor = ensemble, predictor
        self._writing = time.perf_counter() - started

    def _mean_loss(self, trial: Trial) -> float:
        return mean_loss(trial.folds[fold] for fold in range(self._problem.folds.run))

    def prediction(self, candidate_id: str) -> NDArray[np.float64]:
        """Return the out-of-fold predictions of a candidate, in the order of the rows that get one."""
        if candidate_id not in self._predictions:
            folds = range(self._problem.folds.run)
            parts = [self._journal.prediction(candidate_id, fold) for fold in folds]
            self._predictions[candidate_id] = self._problem.folds.joined(parts)
        return self._predictions[candidate_id]

    def judged(self, prediction: NDArray[np.float64]) -> Judged:
        """Prepare predictions of the first of the rows that are validated for their score."""
        problem, folds = self._problem, self._problem.folds
        rows = folds.valid_rows[: min(len(prediction), folds.final_rows)]
        y, weight, metric = problem.y[rows], problem.weight_of(rows), problem.metric
        prediction, decision = prediction[: len(rows)], Decision()
        if metric.decides:
            fold_of_row = folds.valid_folds[: len(rows)]
            decision, prediction = cross_decided(
                metric, y, prediction, fold_of_row, weight=weight, random_state=problem.random_state
            )
            metric = of_settled(metric)
        groups = problem.groups_valid
        return Judged(metric, y, prediction, weight, None if groups is None else groups[: len(rows)], decision)

    def scored(self, judged: Judged) -> Score:
        """Return the score with its interval."""
        return score_interval(
            judged.metric,
            judged.y,
            judged.prediction,
            weight=judged.weight,
            groups=judged.groups,
            random_state=self._problem.random_state,
        )

    def _row(self, trial: Trial) -> Row:
        records = [record for record in trial.folds.values() if record.fold < self._problem.folds.run]
        rows = sum(record.rows for record in records)
        return Row(
            candidate=trial.candidate.id,
            family=trial.candidate.family,
            score=self._score(trial, records) if records else None,
            fit_seconds=sum(record.fit_seconds for record in records),
            predict_ms_per_row=1000 * sum(record.predict_seconds for record in records) / rows
            if rows
            else float("nan"),
            size_bytes=sum(record.size for record in records),
            status=trial.status,
            reason=trial.reason,
            weight=self._weights.get(trial.candidate.id, 0.0),
            folds=len(records),
            params=trial.candidate.params,
        )

    def _score(self, trial: Trial, records: Sequence[FoldRecord]) -> Score:
        """Return the score on the validation rows of the finished folds; its interval only when no more are to come."""
        candidate_id, metric = trial.candidate.id, self._problem.metric
        if trial.status == "running":
            loss = mean_loss(records)
            return Score(nan if loss == inf else -loss if metric.greater_is_better else loss, nan, nan)
        if candidate_id not in self._scores:
            predictions = [self._journal.prediction(candidate_id, record.fold) for record in records]
            self._scores[candidate_id] = self.scored(self.judged(self._problem.folds.joined(predictions)))
        return self._scores[candidate_id]


def member(journal: Journal, trial: Trial, run: int) -> Member:
    """Return a trial as a member of an ensemble, with the files of its first ``run`` folds."""
    folds = [
        FoldFiles(
            fold=record.fold,
            recipe=record.recipe,
            model=journal.fold(trial.candidate.id, record.fold) / "model",
            features=journal.features / record.recipe / f"fold-{record.fold}" / "features",
        )
        for record in trial.folds.values()
        if record.fold < run
    ]
    return Member(trial.candidate.id, trial.candidate.family, folds)


def point_to(link: Path, target: Path) -> None:
    """Make ``link`` a symbolic link to the relative ``target``, in one step.

    A folder in its place, as copying a run without its links leaves it, is removed before.
    """
    if link.is_dir() and not link.is_symlink():
        shutil.rmtree(link)
    partial = link.with_name(f".{link.name}")
    partial.unlink(missing_ok=True)
    partial.symlink_to(target, target_is_directory=True)
    partial.replace(link)
