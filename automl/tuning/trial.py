"""One trial: a candidate trained fold by fold. Pure: knows nothing of Ray, and runs in any process.

Every finished fold is in the journal before it is reported. Between folds, and at a few points inside the first one,
the trial reports how good it is so far, so that a scheduler can stop it.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from automl.artifact import alike
from automl.config import FitConfig
from automl.deadline import NEVER, Deadline, DeadlinePassedError
from automl.evaluation.validation import Folds
from automl.features.matrix import Matrix
from automl.models import quantiles, resampled, saved, transformed
from automl.models.base import FACTOR, Family, FitContext, FoldData, Model, Params, Progress, relay
from automl.models.binned import BinnedCache
from automl.models.registry import FAMILIES, get_family
from automl.threads import limited_threads
from automl.tuning.budget import Plan
from automl.tuning.candidate import Candidate
from automl.tuning.configuration import Configuration
from automl.tuning.journal import FoldRecord, Journal, mean_loss
from automl.tuning.matrices import Matrices
from automl.tuning.problem import Problem
from automl.tuning.race import LEAST_ROWS, Race

RUNGS: Final = (0.125, 0.25, 0.5)
"""Shares of the planned rounds of the first fold at which a trial reports."""
_READ_BACK: Final = 10
"""Rows that a saved model predicts once more."""
_FARTHER: Final = 1.5
"""Times as far as the family's models went so far, the next one is thought to go at most."""
_UNITS: Final = 8
"""Resource of a whole fold; a rung after a share s of the rounds counts 8 s."""


def full_resource(folds: Folds) -> int:
    """Return the resource of a finished trial."""
    return _UNITS * folds.run


@dataclass(frozen=True, slots=True)
class Report:
    """How good a candidate is so far. Two candidates compare at equal ``resource``."""

    resource: int
    loss: float
    """Mean over finished folds, or the running first fold; lower is better."""
    fold: int | None = None
    """The fold that was just finished and is in the journal; None inside a fold."""


def telling_resource(problem: Problem) -> int:
    """Return the resource up to which a trial has predicted too few rows to be told from others."""
    if len(problem.parts(0).stopping) >= LEAST_ROWS:
        return 0
    rows = np.bincount(problem.folds.valid_folds, minlength=problem.folds.run).cumsum()
    return _UNITS * (1 + int(np.searchsorted(rows, LEAST_ROWS)))


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a trial may use."""

    deadline: Deadline = NEVER
    """When the run stops training."""
    moving: bool = False
    """Whether that may come sooner, as the journal tells: ensembles take longer the more there is to choose from."""
    seconds: float = inf
    """Time planned for this trial; its folds share it evenly."""
    threads: int = 1
    gpu: bool = False
    race: bool = False
    """Whether a trial that brings the ensemble nothing is stopped between folds. Then the order of arrival matters."""

    @classmethod
    def planned(cls, plan: Plan, config: FitConfig, deadline: Deadline) -> Allowance:
        """Return what a trial of a planned run may use."""
        return cls(
            deadline,
            moving=True,
            seconds=plan.trial_seconds,
            threads=plan.threads,
            gpu=bool(config.gpus),
            race=not config.repeatable,
        )


class RaceLostError(Exception):
    """The ensemble of the finished trials has no use for this one."""

    def __init__(self, loss: float) -> None:
        super().__init__("brings the ensemble nothing on the folds that it has finished")
        self.loss = loss
        """Mean over those folds."""


class TrialRunner:
    """Runs trials of one problem in this process, reusing features and binned data between them."""

    def __init__(self, problem: Problem, journal: Journal) -> None:
        self._problem = problem
        self._journal = journal
        self._matrices = Matrices(problem, journal.features)
        self._binned = BinnedCache()
        self._race = Race(problem, journal)
        self._shape = problem.shape

    def run(self, candidate: Candidate, allowance: Allowance) -> Iterator[Report]:
        """Train the folds that the journal does not have yet; report after each, and inside the first.

        Raises
        ------
        DeadlinePassedError
            If a fold could not be started in time, or its features not be fitted. Finished folds stay.
        RaceLostError
            If it is not worth its further folds.
        Exception
            Whatever a family raises; the caller notes it as the reason of the failure.
        """
        self._journal.open(candidate)
        family = get_family(candidate.family)
        records = dict(self._journal.trial(candidate.id).folds)
        run, enough = self._problem.folds.run, self._farthest(family)
        missing = sum(fold not in records for fold in range(run))
        ends = allowance.deadline.within(allowance.seconds / run * max(1, missing))  # a trial that was begun elsewhere
        for fold in range(run):
            if fold not in records:
                deadline = self._journal.deadline(allowance.deadline) if allowance.moving else allowance.deadline
                if deadline.passed:
                    raise DeadlinePassedError
                configuration = Configuration.of(_carried(family, candidate.params, records))
                context = FitContext(
                    shape=self._shape,
                    deadline=Deadline(min(ends.at, deadline.at)).share(run - fold),
                    threads=allowance.threads,
                    gpu=allowance.gpu and family.gpu,
                    random_state=self._problem.random_state,
                    quantile=self._problem.metric.quantile,
                    power=configuration.power,
                    constraints=self._problem.constraints,
                    enough=enough,
                    rungs=RUNGS if fold == 0 and candidate.races else (),
                    binned=self._binned,
                )
                with limited_threads(allowance.threads):
                    records[fold] = yield from self._fold(candidate, family, fold, configuration, context, deadline)
            loss = mean_loss(records[i] for i in range(fold + 1))
            yield Report(_UNITS * (fold + 1), loss, fold)
            if allowance.race and self._race.lost(candidate.id, fold + 1):
                raise RaceLostError(loss)

    def _farthest(self, family: Family) -> float:
        """Return a distance beyond which the family's models do not go, by how far those went that were not cut short.

        Infinite as long as there is none.
        """
        trials = (trial for trial in self._journal.trials() if trial.candidate.family == family.name)
        details = [record.details for trial in trials for record in trial.folds.values()]
        whole = (each for each in details if {"best_rounds", "learning_rate"} <= set(each))  # an MLP goes by its plan
        whole = (each for each in whole if each.get("stopped") != "deadline")
        went = (float(each["best_rounds"]) * float(each["learning_rate"]) for each in whole)
        return _FARTHER * max(went, default=inf)

    def _fold(
        self,
        candidate: Candidate,
        family: Family,
        fold: int,
        configuration: Configuration,
        context: FitContext,
        deadline: Deadline,
    ) -> Generator[Report, None, FoldRecord]:
        """Train, measure and keep one fold. The features, which others share, may take until the run's deadline."""
        started = time.perf_counter()
        needs = configuration.needs(family)
        data, scored = self._matrices.fold(fold, needs, deadline)
        if deadline.passed:  # what begins a fit, its first round, cannot be cut short
            raise DeadlinePassedError
        if not family.weighted:
            data = replace(data, weight_train=None, weight_valid=None)
        problem = self._problem
        _, stopping, valid = problem.parts(fold)
        loss = problem.objective.loss
        prepared = time.perf_counter()

        def report(progress: Progress) -> Report:
            so_far = loss(data.y_valid, progress.prediction, problem.weight_of(stopping))
            return Report(round(_UNITS * RUNGS[progress.rung]), so_far)

        trained = self._fit if stopping is valid else self._fit_twice
        model = yield from relay(trained(family, data, configuration, context), report)
        fitted = time.perf_counter()
        prediction = model.predict(scored)
        if not np.isfinite(prediction).all():
            raise FloatingPointError("predictions on the validation rows are not finite")
        record = FoldRecord(
            fold=fold,
            loss=loss(problem.y[valid], prediction, problem.weight_of(valid)),
            feature_seconds=prepared - started,
            fit_seconds=fitted - prepared,
            predict_seconds=time.perf_counter() - fitted,
            rows=len(prediction),
            size=0,
            recipe=needs.recipe,
            details=model.details,
            finished=time.time(),
        )

        def check(folder: Path) -> None:
            if family not in FAMILIES:  # those of the package are tested for it
                _require_readable(family, folder, scored, prediction)

        self._journal.write_fold(candidate, record, model, prediction, check=check)
        return record

    def _fit_twice(
        self, family: Family, data: FoldData, configuration: Configuration, context: FitContext
    ) -> Generator[Progress, None, Model]:
        """Train until the rows to stop by say so, and then once more as long, with these rows among the others.

        Where there is nothing for them to say, they are among the others at once.
        """
        if not (family.stops(context.shape.problem_type) or configuration.log):
            return (yield from self._fit(family, data.with_stopping_rows(), configuration, context))
        first = yield from self._fit(family, data, configuration, replace(context, deadline=context.deadline.share(2)))
        own = quantiles.settled(family, configuration.own, first.details, self._problem.task.levels)
        if own is None:
            return first
        raised = first.details.get(FACTOR)
        again = replace(configuration, own=own, factor=None if raised is None else float(raised))
        second = yield from self._fit(family, data.with_stopping_rows(), again, replace(context, rungs=()))
        return first if second.details.get("stopped") == "deadline" else second

    def _fit(
        self, family: Family, data: FoldData, configuration: Configuration, context: FitContext
    ) -> Generator[Progress, None, Model]:
        """Begin to train a family on the rows and the target that the configuration asks for."""
        if configuration.resample:
            return resampled.fit(family, data, configuration.own, context, configuration.resample)
        means = self._shape.of_means and not self._shape.of_logarithms
        levels = self._problem.task.levels
        return transformed.fit(
            *(family, data, configuration.own, context),
            log=configuration.log,
            means=means,
            factor=configuration.factor,
            levels=levels,
        )


def _require_readable(family: Family, folder: Path, X: Matrix, prediction: NDArray[np.float64]) -> None:
    """Raise if a saved model cannot be read, or predicts otherwise than when it was scored."""
    first = replace(X, values=X.values[:_READ_BACK], key="")
    if not alike(saved.load(family, folder).predict(first), prediction[:_READ_BACK]):
        raise ValueError("the model predicts otherwise once it is saved and loaded")


def _carried(family: Family, params: Params, records: dict[int, FoldRecord]) -> Params:
    """Return the hyperparameters with those that an earlier fold fitted to the time, so that all folds are alike."""
    details = records[min(records)].details if records else {}
    return {**params, **{name: details[name] for name in family.carried if name in details}}
