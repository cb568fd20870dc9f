"""A labelled table, as a model answers it: what scores and reports are made of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl.config import AS_FOUND, ReadOptions
from automl.data.io import column_of
from automl.data.reading import Reading
from automl.data.roles import one_a_row
from automl.data.task import encode_target
from automl.data.weights import row_weights
from automl.errors import DataError
from automl.evaluation.assessment import sees_classes
from automl.evaluation.costs import CostsLike, read_costs
from automl.evaluation.custom import MetricLike, stored_metric
from automl.evaluation.decision import of_settled
from automl.evaluation.metric import Metric
from automl.predictor import Predictor


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """The rows of a table that count, those with a target and a weight, and a model's predictions for them."""

    model: Predictor
    reading: Reading
    y: NDArray[Any]
    """(rows,) class codes or values."""
    raw: NDArray[np.float64]
    weight: NDArray[np.float64] | None
    left_out: int
    """Rows that do not count."""
    weighing: str
    """How much each row counts, in words, where that is not, or was not in training, the same."""

    @classmethod
    def of(
        cls,
        model: Predictor,
        data: object,
        *,
        y: object = None,
        weight: object = None,
        as_trained: bool = False,
        options: ReadOptions = AS_FOUND,
    ) -> Labelled:
        """Predict a labelled table.

        Parameters
        ----------
        y
            (rows,) target values; None = a column of the table has them.
        weight
            How much each row counts: the name of a column, or one number of at least 0 a row.
        as_trained
            Whether rows count by the column of weights of the training table, if no other weights are given.

        Raises
        ------
        DataError
            If the table lacks the target or other columns, or no row has a target.
        """
        frame, reading = model.read(data, options)
        task = replace(model.task, decimal=reading.decimal)
        target = column_of(frame, task.target) if y is None else one_a_row(frame, "y", y)
        codes, counted = encode_target(target, task)
        weighing = "" if weight is None else "rows count by the weights given"
        if as_trained and weight is None:
            weight, weighing = _weight_as_trained(model, frame)
        weights = None if weight is None else row_weights(one_a_row(frame, "weight", weight), reading.decimal)
        if weights is not None:
            counted = counted & (weights > 0)
        if not counted.any():
            raise DataError(f"no row has a value of the target {task.target!r}; give a labelled table")
        raw = model.raw(frame, replace(options, decimal=reading.decimal))[counted]
        weights = None if weights is None else weights[counted]
        return cls(model, reading, codes[counted], raw, weights, int((~counted).sum()), weighing)

    def score(self, metric: Metric) -> float:
        """Return a metric in its natural sign; one of classes sees those that the model chooses."""
        raw = self.raw
        if sees_classes(metric):
            metric, raw = of_settled(metric), self.model.decision.settled(raw)
        return metric(self.y, raw, self.weight)


def optimised(model: Predictor, metric: MetricLike | None, cost_matrix: CostsLike | None) -> Metric:
    """Return the metric that a model was chosen by; one of the user's own, or a cost matrix, must be given.

    Raises
    ------
    UsageError
        If it is not given, or another one is.
    """
    costs = None if cost_matrix is None else read_costs(cost_matrix)
    return stored_metric(model.metric, metric, model.task, costs=costs, n_features=len(model.schema.used))


def _weight_as_trained(model: Predictor, frame: pd.DataFrame) -> tuple[str | None, str]:
    """Return the column by which rows count as they did in training, None if there is none, and what that means."""
    column = model.manifest.get("weight")  # predictors of earlier versions do not know
    if column is None:
        return None, ""
    if column in frame.columns:
        return column, f"rows count by {column!r}, as in training"
    missing = f"by {column!r}, which this table lacks" if column else "by weights that were no column"
    return None, f"rows count alike here, in training {missing}"
