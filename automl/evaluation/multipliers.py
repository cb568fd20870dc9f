"""More than two classes: a multiplier for each probability, so that the class of the highest product is chosen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from automl.evaluation.confusion import Confusion, Values, confusion
from automl.evaluation.metric import Weight

_CELLS: Final = 100_000
"""Rows times classes that are searched at most; of more rows, as many at equal distances."""
_CUTS: Final = 100
"""Values of a multiplier that are tried at a time."""
_SWEEPS: Final = 4
_FARTHEST: Final = 10.0
"""Logarithm of the largest multiplier."""
_FLOOR: Final = 1e-12
"""A probability counts as at least this much; no multiplier makes such a class the highest."""
_TINY: Final = 1e-9
"""Share of the rows, or difference of logarithms, below which it is what rounding leaves of 0."""

Loss = Callable[[Confusion], Values]
"""From (..., k, k) confusion matrices to (...) losses."""


def best_multipliers(
    loss: Loss, y: NDArray[np.integer], prediction: NDArray[np.float64], weight: Weight = None
) -> NDArray[np.float64]:
    """Return (k,) multipliers, of geometric mean 1, that make a loss of classes small on these rows.

    Coordinate descent from equal multipliers, or from those that make all classes as likely, whichever is better: of
    one class at a time the rows that change sides are sorted by the multiplier at which they do, and the confusion
    matrices between them are compared. Of equally good multipliers the one that changes least is taken.

    >>> from automl.evaluation.confusion import balanced_accuracy
    >>> y = np.array([0, 0, 0, 1, 2, 2])
    >>> prediction = np.array([[0.8, 0.1, 0.1]] * 3 + [[0.5, 0.4, 0.1]] + [[0.1, 0.1, 0.8]] * 2)
    >>> better = best_multipliers(lambda matrix: -balanced_accuracy(matrix), y, prediction)
    >>> (better * prediction).argmax(axis=1).tolist()
    [0, 0, 0, 1, 2, 2]
    """
    rows = np.linspace(0, len(y) - 1, min(len(y), _CELLS // prediction.shape[1])).astype(np.intp)
    y, prediction = y[rows], prediction[rows]
    logs = np.log(np.maximum(prediction, _FLOOR))
    weight = np.ones(len(rows)) if weight is None else weight[rows]

    def deciding(scores: NDArray[np.float64]) -> float:
        return float(loss(confusion(y, scores.argmax(axis=1), logs.shape[1], weight)))

    def at(shifts: NDArray[np.float64]) -> float:
        return deciding(logs + shifts)

    support = np.bincount(y, weight, logs.shape[1])
    even = -np.log(np.where(support > 0, support, weight.sum()) / weight.sum())
    shifts = min((np.zeros(logs.shape[1]), even), key=at)
    reached = at(shifts)
    for _ in range(_SWEEPS):
        before = reached
        for label in range(len(shifts)):
            shift, there = _along(loss, y, logs, shifts, label, weight)
            if there < reached:
                shifts[label], reached = shift, there
        if not reached < before:
            break
    found = np.asarray(np.exp(shifts - shifts.mean()))
    equal = np.ones_like(found)
    return min((equal, found), key=lambda each: deciding(prediction * each))  # rounding may have parted equal products


def _along(
    loss: Loss,
    y: NDArray[np.integer],
    logs: NDArray[np.float64],
    shifts: NDArray[np.float64],
    label: int,
    weight: NDArray[np.float64],
) -> tuple[float, float]:
    """Return the best logarithm of one class's multiplier, all others fixed, and the loss there."""
    classes = len(shifts)
    scores = logs + shifts
    scores[:, label] = -np.inf
    other = scores.argmax(axis=1)
    needed = scores[np.arange(len(y)), other] - logs[:, label]  # from there on the row is of this class
    order = np.argsort(needed)
    rising = needed[order]
    ends = np.flatnonzero(np.append(True, rising[1:] - rising[:-1] > _TINY))
    ends = np.append(ends[np.linspace(0, len(ends) - 1, min(len(ends), _CUTS)).astype(np.intp)], len(y))
    below = np.searchsorted(ends, np.arange(len(y)), side="right") - 1
    cells = (below * classes + y[order]) * classes + other[order]
    moved = np.bincount(cells, weight[order], (len(ends) - 1) * classes**2).reshape(-1, classes, classes)
    gone = np.concatenate([np.zeros((1, classes, classes)), moved.cumsum(axis=0)])
    matrices = confusion(y, other, classes, weight) - gone
    matrices[:, :, label] += gone.sum(axis=2)
    matrices[matrices < _TINY * weight.sum()] = 0.0
    padded = np.concatenate([rising[:1] - 1, rising, rising[-1:] + 1])
    cuts, losses = (padded[ends] + padded[ends + 1]) / 2, loss(matrices)
    losses = np.where(np.isnan(losses) | (np.abs(cuts) > _FARTHEST), np.inf, losses)
    best = np.flatnonzero(losses == losses.min())
    place = best[np.argmin(np.abs(cuts[best] - shifts[label]))]
    return float(cuts[place]), float(losses[place])
