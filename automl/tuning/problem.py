"""The data of a run, as every trial sees it. Shared read-only between processes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl.data.constraints import FREE, Constraints
from automl.data.table import Kind, ProblemType, Schema, Task
from automl.ensemble import least_prediction
from automl.evaluation.decision import at_best_decision
from automl.evaluation.metric import Metric, floored
from automl.evaluation.regression import relative_weights
from automl.evaluation.validation import Folds, make_folds
from automl.models.base import Shape
from automl.models.resampled import imbalanced
from automl.models.transformed import skewed

FEW_VALIDATED: Final = 200
"""Validated rows of a fold below which a model that stops where it predicts them best is flattered by its score."""
RARE: Final = 10
"""A row of the rarer of two classes tells as much as so many rows at most."""
STOPPING_PARTS: Final = 8
"""One of so many parts of the training rows is what such a fold stops by instead."""


class Parts(NamedTuple):
    """The rows of a fold, each in rising order."""

    train: NDArray[np.intp]
    stopping: NDArray[np.intp]
    """What decides how long a model learns, or how strong its penalty is."""
    valid: NDArray[np.intp]
    """What it is scored on: the rows to stop by, unless these would be few."""


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """A typed frame, its target, and how it is validated.

    frame : typed frame, (rows, used columns), see :mod:`automl.data.table`.
    y : (rows,) class codes or values.
    folds : the split; trials run its first ``folds.run`` folds.
    """

    frame: pd.DataFrame
    y: NDArray[np.generic]
    schema: Schema
    task: Task
    metric: Metric
    """What is optimised."""
    folds: Folds
    random_state: int
    groups: NDArray[np.intp] | None = None
    """(rows,) codes from 0 of rows that belong together: no fold, inner ones included, parts them. None = no two do."""
    weight: NDArray[np.float64] | None = None
    """(rows,) how much each counts in fits and scores: positive, 1 on average. None = all alike."""
    class_weight: tuple[float, ...] = ()
    """How much more each class counts, in fits only; empty = all alike."""
    constraints: Constraints = FREE
    """What every model, and the ensemble, must keep to."""
    resample: bool = False
    """Whether resampled training rows are tried, if a class is rare."""
    unread: tuple[str, ...] | None = None
    """Columns whose texts are left out; None = those that there is too little time for."""

    @property
    def shape(self) -> Shape:
        """Rows, columns and outputs, before features are built."""
        return Shape(
            self.task.problem_type if self.task.classes else ProblemType.REGRESSION,
            len(self.frame),
            self.schema.width,
            self.task.n_classes,
            numeric=self.constraints.combinable(self.schema.of(Kind.NUMERIC)),
            skewed=not self.task.classes and (skewed(self.y) or self._of_amounts),
            resample=self.resample and imbalanced(self.y, self.task.n_classes),
            of_means=self.metric.quantile is None and not self.task.levels,
            of_logarithms=self.metric.of_logarithms and bool(self.y.min() >= 0),
        )

    @property
    def _of_amounts(self) -> bool:
        """Whether the metric is one of amounts, as these values are: then a factor matters more than a difference."""
        return self.metric.least > -inf and bool(self.y.min() >= 0)

    @property
    def objective(self) -> Metric:
        """What candidates are compared by: the metric of what is served, of classes at each one's best threshold."""
        return floored(at_best_decision(self.metric, self.task.n_classes), least_prediction(self.metric, self.y))

    @property
    def weighted(self) -> bool:
        """Whether rows do not all count alike in fits."""
        return self.weight is not None or bool(self.class_weight)

    def weight_of(self, rows: NDArray[np.intp]) -> NDArray[np.float64] | None:
        """Return the weights of some rows, as far as there are any."""
        return None if self.weight is None else self.weight[rows]

    def training_weight_of(self, rows: NDArray[np.intp]) -> NDArray[np.float64] | None:
        """Return how much some rows count in fits: their weights, times those of their classes or of their errors."""
        weight = self.weight_of(rows)
        if self.class_weight:
            further = np.array(self.class_weight)[self.y[rows].astype(np.intp)]
        elif self.metric.relative:
            further = relative_weights(self.y)[rows]
        else:
            return weight
        return further if weight is None else weight * further

    @property
    def y_valid(self) -> NDArray[np.generic]:
        """The target of the rows that get out-of-fold predictions, in the order of ``folds.valid_rows``."""
        return self.y[self.folds.valid_rows]

    def parts(self, fold: int) -> Parts:
        """Return the rows of a fold to train on, to stop by and to score."""
        train, valid = self.folds.split(fold)
        if len(train) < 2 or self._telling(valid) >= FEW_VALIDATED or np.isin(valid, train).any():
            return Parts(train, valid, valid)
        stopping = self._newest(fold, train) if self.folds.forward else self._drawn(fold, train)
        learned = np.setdiff1d(train, stopping, assume_unique=True)
        if len(np.unique(self.y[learned])) < 2:
            return Parts(train, valid, valid)
        return Parts(learned, stopping, valid)

    def _telling(self, rows: NDArray[np.intp]) -> int:
        """Return how many rows some tell as much as: hundreds of one class say little of what tells it from another."""
        if self.task.problem_type is not ProblemType.BINARY:
            return len(rows)
        return min(len(rows), RARE * int(np.bincount(self.y[rows].astype(np.intp), minlength=2).min()))

    def _drawn(self, fold: int, train: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return one of ``STOPPING_PARTS`` of the training rows of a fold, like the others in target and groups."""
        groups = None if self.groups is None else np.unique(self.groups[train], return_inverse=True)[1]
        kind, seed = self.task.problem_type, self.random_state + fold
        inner = make_folds(self.y[train], kind, folds=STOPPING_PARTS, random_state=seed, groups=groups)
        return train[inner.split(0)[1]]

    def _newest(self, fold: int, train: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the training rows that the next fold back in time validates; the oldest rows have no such order."""
        if fold + 1 == self.folds.count:
            return self._drawn(fold, train)
        return np.intersect1d(train, self.folds.split(fold + 1)[1], assume_unique=True)

    def with_folds_run(self, run: int) -> Problem:
        """Return the same problem with only the first ``run`` folds evaluated."""
        return replace(self, folds=replace(self.folds, run=run))

    def on_all_rows(self) -> Problem:
        """Return the same problem with one fold that trains on all rows, see :meth:`Folds.on_all_rows`."""
        return replace(self, folds=self.folds.on_all_rows())
