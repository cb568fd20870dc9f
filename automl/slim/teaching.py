"""Students of an ensemble, from what they are taught to what they know: cross-validated, then taught by all rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl.assembly import FoldFiles, Member
from automl.config import usable_cores
from automl.evaluation.metric import Weight
from automl.features.matrix import Matrix, Needs
from automl.models.base import Model
from automl.models.lightgbm import LightGBM
from automl.models.transformed import TransformedTargetModel, Unit
from automl.predictor import Predictor
from automl.slim.student import distil, made_up
from automl.tuning.matrices import Matrices, fitted, fitted_texts, load_features
from automl.tuning.problem import Problem

STUDENTS: Final = (512, 128, 32)
"""Rounds."""
TAUGHT: Final = 20_000
"""Rows that a student sees at least: made-up ones are added to fewer."""
MOST: Final = 200_000
"""Rows that a student sees at most."""


@dataclass(frozen=True, slots=True, eq=False)
class Student:
    """A single booster that an ensemble has taught."""

    rounds: int
    member: Member
    """On disk, taught by all rows."""
    prediction: NDArray[np.float64]
    """Out of fold, of students that were taught by the other folds."""


def student_needs(recipes: Sequence[str], weights: NDArray[np.float64]) -> Needs:
    """Return the columns that a student sees: combined ones only if most of the ensemble does.

    Parameters
    ----------
    recipes, weights
        Of the members of the ensemble.
    """
    sizes = np.abs(weights)
    combined = np.array(["arithmetic" in recipe for recipe in recipes])
    return replace(LightGBM().needs({}), arithmetic=bool(sizes[combined].sum() > sizes.sum() / 2))


@dataclass(frozen=True, slots=True, eq=False)
class Teaching:
    """An ensemble with all its folds, and what its students see."""

    problem: Problem
    ensemble: Predictor
    served: Predictor
    """The same with the models that are served, which may have seen all rows: it teaches what is kept."""
    needs: Needs
    matrices: Matrices
    """The matrices of the run."""
    whole: Matrices
    """Those of all rows, see :meth:`Problem.on_all_rows`."""
    folder: Path
    """For the students; it exists."""

    def students(self) -> Iterator[Student]:
        """Yield students of more and fewer rounds."""
        folds = self.problem.folds
        lessons = [self._fold_lesson(fold) for fold in range(folds.final)]
        last = self._lesson(self.served, self.whole, self.problem.on_all_rows(), 0)
        for rounds in STUDENTS:
            with ThreadPoolExecutor(usable_cores()) as pool:  # LightGBM is far slower where its own threads must wait
                *students, final = pool.map(partial(self._taught, rounds=rounds), (*lessons, last))
            parts = [student.predict(lesson.X_valid) for student, lesson in zip(students, lessons, strict=True)]
            name = f"student-{rounds}"
            model = self.folder / name / "model"
            model.mkdir(parents=True)
            final.save(model)
            recipe, store = self.needs.recipe, self.whole.folder
            files = FoldFiles(0, recipe, model, fitted(store, recipe, 0), fitted_texts(store, 0))
            yield Student(rounds, Member(name, LightGBM.name, [files]), folds.joined(parts))

    def _taught(self, lesson: _Lesson, rounds: int) -> Model:
        problem, unit = self.problem, None if self.problem.task.classes else Unit.of(lesson.soft)
        model = distil(
            lesson.X,
            lesson.soft if unit is None else (lesson.soft - unit.origin) / unit.size,
            problem.task.problem_type,
            rounds=rounds,
            weight=lesson.weight,
            random_state=problem.random_state,
        )
        return model if unit is None else TransformedTargetModel(model, unit)

    def _fold_lesson(self, fold: int) -> _Lesson:
        """Return what a student of a fold's training rows is taught by models that have seen no others."""
        parts = [
            replace(part, models=[replace(each, share=1.0) for each in part.models])
            for part in self.ensemble.parts
            if part.fold == fold
        ]
        return self._lesson(replace(self.ensemble, parts=parts), self.matrices, self.problem, fold)

    def _lesson(self, teacher: Predictor, matrices: Matrices, problem: Problem, fold: int) -> _Lesson:
        """Return some of a fold's training rows, made-up ones where they are few, and what the teacher says of them.

        The out-of-fold predictions of these rows would be better advice, but the models that gave them have seen the
        fold that the student is examined on: an examination after such advice is far too good.
        """
        rows = problem.parts(fold).train
        data, examined = matrices.fold(fold, self.needs)
        X = data.X_train
        rng = np.random.default_rng(problem.random_state)
        if len(rows) > MOST:
            some = np.sort(rng.choice(len(rows), MOST, replace=False))
            rows, X = rows[some], replace(X, values=X.dense[some])
        frame, weight = problem.frame.iloc[rows], problem.training_weight_of(rows)
        further = made_up(frame, problem.schema, max(0, TAUGHT - len(rows)), rng)
        if len(further):
            features = load_features(matrices.folder, self.needs.recipe, fold)
            X = replace(X, values=np.concatenate([X.dense, features.transform(further).dense]))
            weight = None if weight is None else np.concatenate([weight, np.ones(len(further))])
        soft = teacher.of_typed(pd.concat([frame, further], ignore_index=True))
        return _Lesson(X, soft, weight, examined)


@dataclass(frozen=True, slots=True, eq=False)
class _Lesson:
    """Rows for a student, what the teacher says of them, and the rows that it is examined on."""

    X: Matrix
    soft: NDArray[np.float64]
    weight: Weight
    X_valid: Matrix
