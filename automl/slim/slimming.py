"""From a run to a predictor that is quick and small enough: fewer members, fewer folds, or one student of all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl import artifact, assembly
from automl.assembly import FoldFiles, Member
from automl.blend import Blend
from automl.config import usable_cores
from automl.data.constraints import FREE
from automl.ensemble import greedy_weights
from automl.evaluation.custom import Asked
from automl.evaluation.interval import difference_error
from automl.features.matrix import Matrix, Needs
from automl.features.pipeline import Features, fit_features
from automl.models.lightgbm import LightGBM, LightGBMModel
from automl.models.registry import registered
from automl.predictor import Predictor
from automl.slim.frontier import ANYTHING, Option, Wanted, choose, measured, share
from automl.slim.refit import Refit
from automl.slim.student import distil, made_up
from automl.tuning.budget import make_plan
from automl.tuning.champion import member
from automl.tuning.journal import Journal
from automl.tuning.matrices import Matrices
from automl.tuning.outoffold import OutOfFold
from automl.tuning.store import read_run

STUDENTS: Final = (512, 128, 32)
"""Rounds."""
TAUGHT: Final = 20_000
"""Rows that a student sees at least: made-up ones are added to fewer."""
MOST: Final = 200_000
"""Rows that a student sees at most."""
_REFITTED: Final = 4
"""Members that are trained anew at most: each costs as much as one of its folds."""

Say = Callable[[str], None]


def slim(
    run: Path,
    to: Path,
    wanted: Wanted = ANYTHING,
    *,
    metric: Asked | None = None,
    say: Say = lambda _: None,
) -> tuple[list[Option], Option]:
    """Measure what could be served instead of the ensemble of a run, and write what is wanted to a new folder.

    Returns
    -------
    All options, the full ensemble first, and the chosen one, whose predictor is in ``to``.

    Raises
    ------
    ArtifactError
        If ``run`` is not a run folder: its rows are needed.
    AutoMLError
        If nothing is within the limits, or something is in the way in ``to``.

    >>> slim(Path("runs/churn"), Path("small"), Wanted(row_ms=0.5))                              # doctest: +SKIP
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

    def __init__(self, run: Path, folder: Path, metric: Asked | None) -> None:
        stored = read_run(run, metric)
        self._problem = stored.problem
        self._journal = Journal(run)
        self._out_of_fold = OutOfFold(self._problem, self._journal)
        self._about = stored.about
        self._folder = folder
        plan = make_plan(stored.config, self._problem.shape, registered(), 1).alone(self._problem.shape)
        self._refit = Refit(self._problem, folder / "refitted", plan.threads)
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
            option = self._option(name, chosen, self._problem.folds.run)
            if count == len(everyone):
                self._full = option.predictor  # with all folds: the run may serve fewer
            yield option
            if self._problem.folds.run > 1:
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

        With a single fold, few members are trained anew on all rows where that is possible: that is better than the
        model of a fold, by how much is not known.
        """
        blend, honest = self._out_of_fold.blended([self._predictions[i] for i in chosen])
        used = np.flatnonzero(blend.weights)
        trials = [self._trials[chosen[i]] for i in used.tolist()]
        anew = folds == 1 and len(trials) <= _REFITTED
        members = [(anew and self._refit(trial)) or member(self._journal, trial, folds) for trial in trials]
        return self._measured(name, members, blend.only(used), honest)

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
        """Yield single boosters that the ensemble has taught: scored by cross-validation, then taught by all rows."""
        problem = self._problem
        if problem.task.levels or problem.constraints != FREE:  # a student knows neither
            return
        lessons = [self._lesson(fold) for fold in range(problem.folds.run)]
        last = self._last_lesson()
        for rounds in STUDENTS:
            with ThreadPoolExecutor(usable_cores()) as pool:  # LightGBM is far slower where its own threads must wait
                *students, final = pool.map(partial(self._taught, rounds=rounds), (*lessons, last))
            parts = [student.predict(lesson.X_valid) for student, lesson in zip(students, lessons, strict=True)]
            name = f"student-{rounds}"
            model = self._folder / name / "model"
            model.mkdir(parents=True)
            final.save(model)
            files = FoldFiles(0, last.features.needs.recipe, model, self._folder / "features")
            student = Member(name, LightGBM.name, [files])
            honest = problem.folds.joined(parts)
            yield self._measured(f"student of {rounds} rounds", [student], Blend(np.ones(1)), honest)

    def _taught(self, lesson: _Lesson, rounds: int) -> LightGBMModel:
        problem = self._problem
        return distil(
            lesson.X,
            lesson.soft,
            problem.task.problem_type,
            rounds=rounds,
            weight=lesson.weight,
            random_state=problem.random_state,
        )

    def _lesson(self, fold: int) -> _Lesson:
        """Return what a student of a fold's training rows is taught by models that have seen no others."""
        parts = [
            replace(part, models=[replace(each, share=1.0) for each in part.models])
            for part in self._full.parts
            if part.fold == fold
        ]
        matrices = Matrices(self._problem, self._journal.features)
        data = matrices.fold(fold, self._needs)
        features = Features.load(matrices.place(fold, self._needs) / "features")
        rows, _ = self._problem.folds.split(fold)
        return self._taught_by(replace(self._full, parts=parts), rows, features, data.X_train, data.X_valid)

    def _last_lesson(self) -> _Lesson:
        """Return what a student of all rows is taught by the ensemble."""
        problem = self._problem
        features, X = fit_features(
            problem.frame,
            problem.y,
            problem.schema,
            problem.task,
            self._needs,
            random_state=problem.random_state,
            groups=problem.groups,
        )
        (self._folder / "features").mkdir()
        features.save(self._folder / "features")
        return self._taught_by(self._full, np.arange(len(problem.y)), features, X, X)

    @property
    def _needs(self) -> Needs:
        """Return the columns that a student sees: combined ones only if most of the ensemble does."""
        recipes = [trial.folds[0].recipe for trial in self._trials]
        weights = np.abs(self._blend.weights)
        combined = sum(weight for weight, recipe in zip(weights, recipes, strict=True) if "arithmetic" in recipe)
        return replace(LightGBM().needs({}), arithmetic=bool(combined > weights.sum() / 2))

    def _taught_by(
        self, teacher: Predictor, rows: NDArray[np.intp], features: Features, X: Matrix, X_valid: Matrix
    ) -> _Lesson:
        """Return some of the rows, made-up ones where they are few, and what the teacher says of them.

        The out-of-fold predictions of these rows would be better advice, but the models that gave them have seen the
        fold that the student is examined on: an examination after such advice is far too good.
        """
        problem = self._problem
        rng = np.random.default_rng(problem.random_state)
        if len(rows) > MOST:
            some = np.sort(rng.choice(len(rows), MOST, replace=False))
            rows, X = rows[some], replace(X, values=X.dense[some])
        frame, weight = problem.frame.iloc[rows], problem.training_weight_of(rows)
        further = made_up(frame, max(0, TAUGHT - len(rows)), rng)
        if len(further):
            X = replace(X, values=np.concatenate([X.dense, features.transform(further).dense]))
            weight = None if weight is None else np.concatenate([weight, np.ones(len(further))])
        soft = teacher.of_typed(pd.concat([frame, further], ignore_index=True))
        return _Lesson(X, soft, weight, X_valid, features)


@dataclass(frozen=True, slots=True, eq=False)
class _Lesson:
    """Rows for a student, what the teacher says of them, and the rows that it is examined on."""

    X: Matrix
    soft: NDArray[np.float64]
    weight: NDArray[np.float64] | None
    X_valid: Matrix
    features: Features
