"""Formulas of probabilities: (rows,) class codes 0..k-1 against (rows, k) probabilities, in plain NumPy.

Written out because an ensemble asks for them hundreds of times a second, and because they must neither warn nor fail:
where scikit-learn raises or warns, a metric that is undefined is NaN. Classes that do not occur in ``y`` are left out
of averages over classes, as scikit-learn does. Weights are positive.
"""

from __future__ import annotations

from collections.abc import Callable
from math import nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from automl.evaluation.metric import Weight

Codes = NDArray[Any]
Probabilities = NDArray[np.float64]
Ranking = Callable[[NDArray[np.bool_], NDArray[np.float64], Weight], float]


def roc_auc(y: Codes, prediction: Probabilities, weight: Weight = None) -> float:
    """Return the area under the ROC curve; many classes: mean of one-vs-rest. NaN with one class in ``y``."""
    return _one_vs_rest(_area_under_roc, y, prediction, weight)


def roc_auc_ovr_weighted(y: Codes, prediction: Probabilities, weight: Weight = None) -> float:
    """Return the area under the ROC curve, the mean of one-vs-rest with each class counted by its rows."""
    return _one_vs_rest(_area_under_roc, y, prediction, weight, by_rows=True)


def roc_auc_ovo(y: Codes, prediction: Probabilities, weight: Weight = None) -> float:
    """Return the mean area under the ROC curve over pairs of classes (Hand and Till 2001)."""
    return _one_vs_one(y, prediction, weight)


def roc_auc_ovo_weighted(y: Codes, prediction: Probabilities, weight: Weight = None) -> float:
    """Return the area under the ROC curve over pairs of classes, each pair counted by its rows."""
    return _one_vs_one(y, prediction, weight, by_rows=True)


def average_precision(y: Codes, prediction: Probabilities, weight: Weight = None) -> float:
    """Return the average precision; many classes: mean of one-vs-rest. NaN with one class in ``y``."""
    return _one_vs_rest(_average_precision, y, prediction, weight)


def log_loss(y: Codes, prediction: Probabilities, weight: Weight = None) -> float:
    """Return the mean negative logarithm of the probability of the right class, clipped at the float's epsilon."""
    eps = np.finfo(prediction.dtype).eps
    return float(-np.average(np.log(np.clip(prediction[np.arange(len(y)), y], eps, 1 - eps)), weights=weight))


def brier(y: Codes, prediction: Probabilities, weight: Weight = None) -> float:
    """Return the mean squared error of the probabilities: of class 1 if binary, else summed over classes (0 to 2)."""
    error = prediction.copy()
    error[np.arange(len(y)), y] -= 1
    squares = error[:, 1] ** 2 if error.shape[1] == 2 else np.square(error).sum(axis=1)
    return float(np.average(squares, weights=weight))


def d2_log_loss(y: Codes, prediction: Probabilities, weight: Weight = None) -> float:
    """Return the share of the log loss of the class frequencies that is saved; NaN with one class in ``y``."""
    return _saved(log_loss, y, prediction, weight)


def d2_brier(y: Codes, prediction: Probabilities, weight: Weight = None) -> float:
    """Return the share of the Brier score of the class frequencies that is saved; NaN with one class in ``y``."""
    return _saved(brier, y, prediction, weight)


def top_k_accuracy(y: Codes, prediction: Probabilities, weight: Weight = None, *, k: float) -> float:
    """Return the share of rows whose class is among the ``k`` most probable; of equal ones the last classes are."""
    likeliest = np.argsort(prediction, axis=1, kind="stable")[:, : -int(k) - 1 : -1]
    return float(np.average((likeliest == y[:, None]).any(axis=1), weights=weight))


def lift(y: Codes, prediction: Probabilities, weight: Weight = None, *, share: float) -> float:
    """Return how many times more frequent class 1 is among the ``share`` of rows where it is most probable.

    Rows of equal probability at the border count in part, as if their order were random. NaN without class 1.
    """
    positives, counts = at_thresholds(y == 1, prediction[:, 1], weight)
    if not positives[-1]:
        return nan
    reached = np.interp(share * counts[-1], np.append(0, counts), np.append(0, positives))
    return float(reached / positives[-1] / share)


def _saved(
    loss: Callable[[Codes, Probabilities, Weight], float], y: Codes, prediction: Probabilities, weight: Weight
) -> float:
    counts = np.bincount(y, weight, prediction.shape[1])
    known = loss(y, np.tile(counts / counts.sum(), (len(y), 1)), weight)
    return 1 - loss(y, prediction, weight) / known if np.count_nonzero(counts) > 1 else nan


def _one_vs_rest(
    binary: Ranking, y: Codes, prediction: Probabilities, weight: Weight, *, by_rows: bool = False
) -> float:
    counts = np.bincount(y, weight, prediction.shape[1])
    present = np.flatnonzero(counts)
    if len(present) < 2:
        return nan
    if prediction.shape[1] == 2:
        return binary(y == 1, prediction[:, 1], weight)
    values = [binary(y == code, prediction[:, code], weight) for code in present]
    return float(np.average(values, weights=counts[present] if by_rows else None))


def _one_vs_one(y: Codes, prediction: Probabilities, weight: Weight, *, by_rows: bool = False) -> float:
    counts = np.bincount(y, weight, prediction.shape[1])
    present = np.flatnonzero(counts)
    if len(present) < 2:
        return nan
    each = np.ones(len(y)) if weight is None else weight
    values, sizes = [], []
    for code in present.tolist():
        own = np.flatnonzero(y == code)
        own = own[np.argsort(prediction[own, code])]
        reached = np.append(0.0, np.cumsum(each[own]))
        scores, column = prediction[own, code], prediction[:, code]
        # for every row, the rows of the class that rank above it, ties as one half: all other classes at once
        below = (reached[np.searchsorted(scores, column)] + reached[np.searchsorted(scores, column, "right")]) / 2
        won = np.bincount(y, (counts[code] - below) * each, len(counts))
        others = present[present != code]
        values.append(won[others] / (counts[code] * counts[others]))
        sizes.append(counts[code] + counts[others])
    return float(np.average(np.concatenate(values), weights=np.concatenate(sizes) if by_rows else None))


def _area_under_roc(positive: NDArray[np.bool_], score: NDArray[np.float64], weight: Weight) -> float:
    """Count the pairs (positive, negative) in the right order, ties as one half, along the distinct scores."""
    positives, counts = at_thresholds(positive, score, weight)
    negatives = counts - positives
    widths, heights = np.diff(negatives, prepend=0), positives + np.concatenate(([0], positives[:-1]))
    return float((widths @ heights) / (2.0 * positives[-1] * negatives[-1]))


def _average_precision(positive: NDArray[np.bool_], score: NDArray[np.float64], weight: Weight) -> float:
    positives, counts = at_thresholds(positive, score, weight)
    return float(np.diff(positives, prepend=0) @ (positives / counts) / positives[-1])


def at_thresholds(
    positive: NDArray[np.bool_], score: NDArray[np.float64], weight: Weight
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return how many positives and how many rows, or their weights, lie at or above each distinct score, falling."""
    order = np.argsort(-score)
    falling = score[order]
    last = np.append(np.flatnonzero(falling[1:] != falling[:-1]), len(score) - 1)
    if weight is None:
        return np.cumsum(positive[order], dtype=np.int64)[last], last + 1
    return np.cumsum(positive[order] * weight[order])[last], np.cumsum(weight[order])[last]
