"""Ensembles: greedy weights on out-of-fold predictions, and an honest score for them."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, isnan
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from automl.evaluation.metrics import Metric
from automl.evaluation.validation import make_folds

_SELECTION_ROWS: Final = 10_000
"""Rows that weights are chosen on at most: more do not change them, but cost time."""
_MEMBERS: Final = ((100, 4), (500, 8), (2_500, 15))
"""(rows, members): with so few rows, more members only fit the noise."""
_PATIENCE: Final = 8
"""Steps without a better ensemble after which the search ends."""
_PARTS: Final = 5
"""Parts for cross-fitting where there is only one fold."""


def greedy_weights(
    predictions: Sequence[NDArray[np.float64]],
    y: NDArray[Any],
    metric: Metric,
    *,
    steps: int = 25,
    max_members: int | None = None,
) -> NDArray[np.float64]:
    """Choose weights by greedy selection with replacement (Caruana et al. 2004).

    Starts with the best model, adds ``steps - 1`` times the model that makes the average best, and keeps the best
    ensemble on the way. Of equally good models one that is already in is taken, then the first. On the given rows the
    result is never worse than the best model alone.

    Parameters
    ----------
    predictions
        One array a model: (rows, k) probabilities or (rows,) values, out-of-fold.
    y
        (rows,) class codes or values.
    max_members
        Models with a weight at most; None = chosen by the number of rows.

    Returns
    -------
    (models,) weights, multiples of 1 / (members counted with repetition), that sum to 1.

    >>> from automl.data.table import ProblemType
    >>> from automl.evaluation.metrics import get_metric
    >>> y = np.array([0.0, 1.0, 2.0, 3.0])
    >>> greedy_weights([y + 1, y - 1, y * 9], y, get_metric("rmse", ProblemType.REGRESSION))
    array([0.5, 0.5, 0. ])
    """
    rows = len(y)
    members = max_members or next((limit for most, limit in _MEMBERS if rows <= most), steps)
    if rows > _SELECTION_ROWS:
        parts = make_folds(y, metric.problem_types[0], folds=-(-rows // _SELECTION_ROWS), random_state=0)
        _, sample = parts.split(0)
        counts = _select([each[sample] for each in predictions], y[sample], metric, steps, members)
    else:
        counts = _select(predictions, y, metric, steps, members)
    weights: NDArray[np.float64] = counts / counts.sum()
    singles = [_loss(metric, y, each) for each in predictions]
    best = int(np.argmin(singles))
    if _loss(metric, y, _average(predictions, weights)) > singles[best]:
        weights = np.zeros(len(predictions))
        weights[best] = 1.0
    return weights


def cross_fitted(
    predictions: Sequence[NDArray[np.float64]],
    y: NDArray[Any],
    metric: Metric,
    fold_of_row: NDArray[np.integer],
    *,
    random_state: int = 0,
) -> NDArray[np.float64]:
    """Return the ensemble's predictions where each fold's weights were chosen on the other folds.

    The score of these predictions is honest: no weight has seen the rows that it is scored on. If there is only one
    fold, its rows are split into five random parts.
    """
    if len(y) < 2:  # nothing to choose on: equal weights
        return _average(predictions, np.full(len(predictions), 1 / len(predictions)))
    if (fold_of_row == fold_of_row[0]).all():
        fold_of_row = make_folds(y, metric.problem_types[0], folds=_PARTS, random_state=random_state).assignment
    blended: NDArray[np.float64] = np.empty_like(predictions[0])
    for fold in np.unique(fold_of_row):
        inside = fold_of_row == fold
        weights = greedy_weights([each[~inside] for each in predictions], y[~inside], metric)
        blended[inside] = _average([each[inside] for each in predictions], weights)
    return blended


def _select(
    predictions: Sequence[NDArray[np.float64]], y: NDArray[Any], metric: Metric, steps: int, members: int
) -> NDArray[np.int64]:
    """Return how often each model is in the best ensemble that was met."""
    losses = [_loss(metric, y, each) for each in predictions]
    first = int(np.argmin(losses))
    counts = np.zeros(len(predictions), dtype=np.int64)
    counts[first] = 1
    best, best_loss = counts.copy(), losses[first]
    total = predictions[first].copy()
    trial = np.empty_like(total)
    for size in range(2, steps + 1):
        full = np.count_nonzero(counts) >= members
        ranked = []
        for index in np.flatnonzero(counts).tolist() if full else range(len(predictions)):
            np.add(total, predictions[index], out=trial)
            trial /= size
            ranked.append((_loss(metric, y, trial), counts[index] == 0, index))
        loss, _, chosen = min(ranked)
        counts[chosen] += 1
        total += predictions[chosen]
        if loss < best_loss:
            best, best_loss = counts.copy(), loss
        elif size - best.sum() >= _PATIENCE:
            break
    return best


def _average(predictions: Sequence[NDArray[np.float64]], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    total: NDArray[np.float64] = np.zeros_like(predictions[0])
    for weight, prediction in zip(weights, predictions, strict=True):
        if weight > 0:
            total += weight * prediction
    return total


def _loss(metric: Metric, y: NDArray[Any], prediction: NDArray[np.float64]) -> float:
    """Return the loss; infinite where it is not defined."""
    loss = metric.loss(y, prediction)
    return inf if isnan(loss) else loss
