"""Ensembles: weights on out-of-fold predictions, greedy or of a second layer, and an honest score for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf, isnan
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from automl.blend import Blend, stack
from automl.evaluation.metric import Metric
from automl.evaluation.metrics import get_metric
from automl.evaluation.validation import make_folds

_SELECTION_ROWS: Final = 20_000
"""Rows that weights are chosen on at most: more do not change them, but cost time."""
_MEMBERS: Final = ((100, 4), (500, 8), (2_500, 15))
"""(rows, members): with so few rows, more members only fit the noise."""
_PATIENCE: Final = 8
"""Steps without a better ensemble after which the search ends."""
_PARTS: Final = 5
"""Parts for cross-fitting where there is only one fold."""
_CELLS: Final = 4_000_000
"""Rows times classes times members that the second layer is fitted on at most."""
_TINY: Final = 1e-15


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
    (models,) weights that sum to 1.

    >>> from automl.data.table import ProblemType
    >>> from automl.evaluation.metrics import get_metric
    >>> y = np.array([0.0, 1.0, 2.0, 3.0])
    >>> greedy_weights([y + 1, y - 1, y * 9], y, get_metric("rmse", ProblemType.REGRESSION))
    array([0.5, 0.5, 0. ])
    """
    members = max_members or next((limit for most, limit in _MEMBERS if len(y) <= most), steps)
    rows = _sample(y, metric, _SELECTION_ROWS)
    counts = _select(_losses([each[rows] for each in predictions], y[rows], metric), len(predictions), steps, members)
    weights: NDArray[np.float64] = counts / counts.sum()
    singles = [_loss(metric, y, each) for each in predictions]
    best = int(np.argmin(singles))
    if _loss(metric, y, Blend(weights)(predictions)) > singles[best]:
        weights = np.zeros(len(predictions))
        weights[best] = 1.0
    return weights


def choose_blend(
    predictions: Sequence[NDArray[np.float64]],
    y: NDArray[Any],
    metric: Metric,
    fold_of_row: NDArray[np.integer],
    *,
    random_state: int = 0,
) -> tuple[Blend, NDArray[np.float64]]:
    """Choose how the models become one ensemble: by greedy weights, or by a second layer fitted around them.

    Each fold's rows are predicted by both as they were fitted on the other folds, and the better way is taken; by the
    log loss if the metric looks at ranks, for it tells more of few rows, and calibrated probabilities are worth having.
    If there is only one fold, its rows are split into five random parts.

    Returns
    -------
    The blend over all models, fitted on all rows, and its cross-fitted predictions. The score of these is honest: no
    weight has seen the rows that it is scored on.
    """
    if len(y) < 2:  # nothing to choose on: equal weights
        equal = Blend(np.full(len(predictions), 1 / len(predictions)))
        return equal, equal(predictions)
    if (fold_of_row == fold_of_row[0]).all():
        fold_of_row = make_folds(y, metric.problem_types[0], folds=_PARTS, random_state=random_state).assignment
    ways = _blends(predictions, y, metric)
    honest = [np.empty_like(predictions[0]) for _ in ways]
    for fold in np.unique(fold_of_row):
        inside = fold_of_row == fold
        others = [each[~inside] for each in predictions]
        for way, blend in enumerate(_blends(others, y[~inside], metric)):
            honest[way][inside] = blend([each[inside] for each in predictions])
    judge = get_metric("log_loss", metric.problem_types[0]) if metric.surrogate == "log_loss" else metric
    best = min(range(len(ways)), key=lambda way: _loss(judge, y, honest[way]))
    return ways[best], honest[best]


def _blends(predictions: Sequence[NDArray[np.float64]], y: NDArray[Any], metric: Metric) -> list[Blend]:
    """Return the ways to combine the models that a second layer can compete with, fitted on the given rows."""
    weights = greedy_weights(predictions, y, metric)
    average = Blend(weights)
    if predictions[0].ndim == 1 and metric.surrogate != "squared_error":  # the second layer fits the mean
        return [average]
    cells = predictions[0].size // len(y) * int(np.count_nonzero(weights))
    rows = _sample(y, metric, min(_SELECTION_ROWS, _CELLS // cells))
    return [average, stack([each[rows] for each in predictions], y[rows], weights)]


def _sample(y: NDArray[Any], metric: Metric, most: int) -> NDArray[np.intp]:
    """Return the rows to choose on: all, or some of many."""
    if len(y) <= most:
        return np.arange(len(y))
    parts = make_folds(y, metric.problem_types[0], folds=-(-len(y) // most), random_state=0)
    return parts.split(0)[1]


Losses = Callable[[Sequence[int]], list[float]]
"""The losses of the average of the given models and each further one."""


def _losses(predictions: Sequence[NDArray[np.float64]], y: NDArray[Any], metric: Metric) -> Losses:
    """Return how averages are judged: by the metric, or all at once by what stands for it."""
    if metric.surrogate is None or len(y) < metric.surrogate_rows:

        def judged(members: Sequence[int]) -> list[float]:
            total = np.sum([predictions[index] for index in members], axis=0) if members else 0.0
            return [_loss(metric, y, (total + each) / (len(members) + 1)) for each in predictions]

        return judged

    if metric.surrogate == "log_loss":
        table = np.stack([each[np.arange(len(y)), y.astype(np.intp)] for each in predictions])
    else:
        table = np.stack(predictions)

    def smooth(members: Sequence[int]) -> list[float]:
        averages = (table[list(members)].sum(axis=0) + table) / (len(members) + 1)
        rows = -np.log(np.maximum(averages, _TINY)) if metric.surrogate == "log_loss" else np.square(averages - y)
        losses: list[float] = rows.mean(axis=1).tolist()
        return losses

    return smooth


def _select(losses: Losses, models: int, steps: int, most: int) -> NDArray[np.int64]:
    """Return how often each model is in the best ensemble that was met."""
    alone = losses([])
    members = [int(np.argmin(alone))]
    best, best_loss = list(members), alone[members[0]]
    while len(members) < steps:
        full = len(set(members)) >= most
        ranked = [
            (loss, index not in members, index)
            for index, loss in enumerate(losses(members))
            if not full or index in members
        ]
        loss, _, chosen = min(ranked)
        members.append(chosen)
        if loss < best_loss:
            best, best_loss = list(members), loss
        elif len(members) - len(best) >= _PATIENCE:
            break
    return np.bincount(best, minlength=models)


def _loss(metric: Metric, y: NDArray[Any], prediction: NDArray[np.float64]) -> float:
    """Return the loss; infinite where it is not defined."""
    loss = metric.loss(y, prediction)
    return inf if isnan(loss) else loss
