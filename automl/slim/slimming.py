"""From a run to a predictor that is quick and small enough: fewer members, one model of each, or one student of all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
from numpy.typing import NDArray

from automl import artifact, assembly
from automl.assembly import Member
from automl.blend import Blend
from automl.data.constraints import FREE
from automl.ensemble import greedy_weights
from automl.evaluation.custom import MetricLike
from automl.evaluation.interval import difference_error
from automl.predictor import Predictor
from automl.slim.frontier import ANYTHING, Option, Wanted, choose, measured, share
from automl.slim.teaching import Teaching, student_needs
from automl.tuning.journal import Journal
from automl.tuning.matrices import Matrices
from automl.tuning.outoffold import OutOfFold
from automl.tuning.refit import Refit, member, with_all_cores
from automl.tuning.store import read_run

_REFITTED: Final = 4
"""Members that are trained anew at most: each costs as much as one of its folds."""

Say = Callable[[str], None]


def slim(
    run: Path,
    to: Path,
    wanted: Wanted = ANYTHING,
    *,
    metric: MetricLike | None = None,
    say: Say = lambda _: None,
) -> tuple[list[Option], Option]:
    """Measure what could be served instead of the ensemble of a run, and write what is wanted to a new folder.

    Returns
    -------
    All options, the full ensemble first, and the chosen one, whose predictor is in ``to``. So that they compare, the
    members are given for all of them, and weighed anew: the score of the run, for which members are chosen among all
    candidates without the rows that they are scored on, is another one.

    Raises
    ------
    ArtifactError
        If ``run`` is not a run folder: its rows are needed.
    AutoMLError
        If nothing is within the limits, or something is in the way in ``to``.

    >>> options, chosen = slim(Path("runs/churn"), Path("small"), Wanted(keep=0.95))  # doctest: +SKIP
    """
    artifact.require_free(to)
    with TemporaryDirectory() as folder:
        options = []
        for option in _Slimming(run, Path(folder), metric).options():
            say(option.describe())
            options.append(option)
        chosen = choose(options, wanted)
        artifact.copy(chosen.predictor, to)
        return options, replace(chosen, predictor=artifact.load(to))


class _Slimming:
    """A run, its full ensemble, and the way to others."""

    def __init__(self, run: Path, folder: Path, metric: MetricLike | None) -> None:
        stored = read_run(run, metric)
        self._problem = stored.problem
        self._journal = Journal(run)
        self._out_of_fold = OutOfFold(self._problem, self._journal)
        self._about = stored.about
        self._folder = folder
        self._allowance = with_all_cores(stored)
        self._anew = Journal(folder / "anew")  # of what is trained on all rows
        self._refit = Refit(self._problem, self._journal, self._anew)
        self._full = artifact.load(run)
        self._trials = [self._journal.trial(each["candidate"]) for each in self._full.manifest["members"]]
        self._predictions = [
            self._out_of_fold.prediction(trial.candidate.id, self._problem.folds.run) for trial in self._trials
        ]
        self._blend, self._honest = self._out_of_fold.blended(self._predictions)
        self._judged = self._out_of_fold.judged(self._honest)
        self._score = self._judged.metric(self._judged.y, self._judged.prediction, self._judged.weight)

    def options(self) -> Iterator[Option]:
        """Yield the full ensemble, then all others."""
        everyone = list(range(len(self._trials)))
        names = {1: "best member", len(everyone): "full ensemble"}
        for count in (len(everyone), *(n for n in (8, 4, 2, 1) if n < len(everyone))):
            chosen = self._best(count)
            name = names.get(count, f"{count} members")
            option = self._option(name, chosen, self._problem.folds.final)
            if count == len(everyone):
                self._full = option.predictor  # with all folds: the run may serve fewer
            yield option
            if self._problem.folds.final > 1:
                yield self._option(f"{name}, one model each", chosen, 1)
        yield from self._students()

    def _best(self, count: int) -> list[int]:
        """Return the members that are best together."""
        problem, folds = self._problem, self._problem.folds
        if count == len(self._trials):
            return list(range(count))
        weights = greedy_weights(
            self._predictions,
            problem.y_valid,
            problem.objective,
            sample_weight=problem.weight_of(folds.valid_rows),
            max_members=count,
        )
        return np.flatnonzero(weights).tolist()

    def _option(self, name: str, chosen: Sequence[int], folds: int) -> Option:
        """Return some members, with some of their folds. What is scored is one fold model, so all folds score alike.

        With a single fold, few members are trained anew on all rows where that is possible, and those that the run has
        trained so are taken: that is better than the model of a fold, by how much is not known.
        """
        blend, honest = self._out_of_fold.blended([self._predictions[i] for i in chosen])
        used = np.flatnonzero(blend.weights)
        trials = [self._trials[chosen[i]] for i in used.tolist()]
        if folds == 1 and len(trials) <= _REFITTED:
            for trial in trials:
                self._refit(trial, self._allowance)
        refitted = [self._refit.member(trial) if folds == 1 else None for trial in trials]
        members = [each or member(self._journal, trial, folds) for each, trial in zip(refitted, trials, strict=True)]
        return self._measured(name, members, blend.only(used), honest)

    def _teacher(self) -> Predictor:
        """Return the full ensemble with the models of its folds, which have not seen what its students are asked."""
        folds = self._problem.folds
        if folds.final > 1:
            return self._full
        used = np.flatnonzero(self._blend.weights)
        members = [member(self._journal, self._trials[i], folds.final) for i in used.tolist()]
        ensemble = self._out_of_fold.ensemble(members, self._blend.only(used), self._judged)
        return assembly.write(self._folder / "teacher", ensemble, self._about, {})

    def _measured(self, name: str, members: Sequence[Member], blend: Blend, honest: NDArray[np.float64]) -> Option:
        place = self._folder / f"option-{len(list(self._folder.glob('option-*')))}"
        judged = self._out_of_fold.judged(honest)
        ensemble = self._out_of_fold.ensemble(members, blend, judged)
        for each in members:
            for fold in each.folds:
                if not fold.quick.exists():
                    assembly.quicken(each.family, fold)
        predictor = assembly.write(place, ensemble, self._about, {})
        row_ms, size = measured(predictor)
        full, metric = self._judged, self._judged.metric
        best = self._score
        error = difference_error(
            metric, full.y, full.prediction, judged.prediction, weight=full.weight, groups=full.groups
        )
        kept = share(ensemble.score.value, best, greater_is_better=metric.greater_is_better)
        lost = (best - ensemble.score.value) * (1 if metric.greater_is_better else -1)
        return Option(name, predictor, lost, error, kept, row_ms, size)

    def _students(self) -> Iterator[Option]:
        """Yield single boosters that the ensemble has taught."""
        problem = self._problem
        if problem.task.levels or problem.constraints != FREE:  # a student knows neither
            return
        needs = student_needs([trial.folds[0].recipe for trial in self._trials], self._blend.weights)
        matrices = Matrices(problem, self._journal.features)
        whole = Matrices(problem.on_all_rows(), self._anew.features)
        teaching = Teaching(problem, self._teacher(), self._full, needs, matrices, whole, self._folder)
        for each in teaching.students():
            alone = Blend(np.ones(1), least=self._blend.least)
            yield self._measured(f"student of {each.rounds} rounds", [each.member], alone, each.prediction)
