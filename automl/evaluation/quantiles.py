"""Formulas of metrics of several quantiles at once: (rows,) values against (rows, levels) predictions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from automl.evaluation.metric import Weight
from automl.evaluation.regression import weighted_quantile

Levels = tuple[float, ...]


def pinball(y: NDArray[Any], prediction: NDArray[np.float64], weight: Weight = None, *, levels: Levels) -> float:
    """Return the pinball loss (Koenker and Bassett 1978), averaged over rows and levels.

    >>> pinball(np.array([1.0]), np.array([[0.0, 2.0]]), levels=(0.5, 0.9))
    0.3
    """
    error = y[:, None] - prediction
    share = np.full(len(y), 1 / len(y)) if weight is None else weight / weight.sum()
    # level * max(e, 0) + (1 - level) * max(-e, 0), by products alone: the ensemble asks for it thousands of times
    losses = (np.array(levels) - 0.5) * (share @ error) + 0.5 * (share @ np.abs(error))
    return float(losses.mean())


def d2_pinball(y: NDArray[Any], prediction: NDArray[np.float64], weight: Weight = None, *, levels: Levels) -> float:
    """Return the share of the loss of the best constants that is saved; 1 or 0 where all values are equal."""
    constant = np.array([weighted_quantile(y, level, weight) for level in levels])
    loss = pinball(y, prediction, weight, levels=levels)
    worst = pinball(y, np.tile(constant, (len(y), 1)), weight, levels=levels)
    return 1 - loss / worst if worst else float(loss == 0)


def coverage(y: NDArray[Any], prediction: NDArray[np.float64], weight: Weight = None) -> NDArray[np.float64]:
    """Return (levels,) the share of values that are not above each quantile: the level itself would be perfect.

    >>> coverage(np.array([1.0, 2.0]), np.array([[0.0, 1.5], [1.0, 3.0]])).tolist()
    [0.0, 1.0]
    """
    return np.asarray(np.average(y[:, None] <= prediction, axis=0, weights=weight))


def coverage_error(y: NDArray[Any], prediction: NDArray[np.float64], weight: Weight = None, *, levels: Levels) -> float:
    """Return the mean distance of the coverage from the levels."""
    return float(np.abs(coverage(y, prediction, weight) - np.array(levels)).mean())
