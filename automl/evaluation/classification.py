"""Formulas of classification metrics: (rows,) class codes 0..k-1 against (rows, k) probabilities, in plain NumPy.

Written out because an ensemble asks for them hundreds of times a second, and because they must neither warn nor fail:
where scikit-learn raises or warns, a metric that is undefined is NaN. Classes that do not occur in ``y`` are left out
of averages over classes, as scikit-learn does.
"""

from __future__ import annotations

from collections.abc import Callable
from math import nan, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[Any]
Probabilities = NDArray[np.float64]


def accuracy(y: Codes, prediction: Probabilities) -> float:
    """Return the share of rows whose most probable class is right."""
    return float(np.mean(prediction.argmax(axis=1) == y))


def balanced_accuracy(y: Codes, prediction: Probabilities) -> float:
    """Return the mean recall over the classes in ``y``."""
    confusion = _confusion(y, prediction)
    support = confusion.sum(axis=1)
    return float(np.mean(_ratio(confusion.diagonal(), support)[support > 0]))


def f1(y: Codes, prediction: Probabilities) -> float:
    """Return the F1 score of class 1; 0 where it is neither in ``y`` nor predicted."""
    return float(_f1_scores(_confusion(y, prediction))[1])


def f1_macro(y: Codes, prediction: Probabilities) -> float:
    """Return the mean F1 score over the classes in ``y`` or predicted."""
    confusion = _confusion(y, prediction)
    return float(np.mean(_f1_scores(confusion)[_occurs(confusion)]))


def f1_weighted(y: Codes, prediction: Probabilities) -> float:
    """Return the mean F1 score weighted by the rows of each class."""
    confusion = _confusion(y, prediction)
    return float(np.average(_f1_scores(confusion), weights=confusion.sum(axis=1)))


def precision(y: Codes, prediction: Probabilities) -> float:
    """Return the precision of class 1; 0 where it is not predicted."""
    return float(_precisions(_confusion(y, prediction))[1])


def precision_macro(y: Codes, prediction: Probabilities) -> float:
    """Return the mean precision over the classes in ``y`` or predicted."""
    confusion = _confusion(y, prediction)
    return float(np.mean(_precisions(confusion)[_occurs(confusion)]))


def recall(y: Codes, prediction: Probabilities) -> float:
    """Return the recall of class 1; 0 where it is not in ``y``."""
    return float(_recalls(_confusion(y, prediction))[1])


def recall_macro(y: Codes, prediction: Probabilities) -> float:
    """Return the mean recall over the classes in ``y`` or predicted."""
    confusion = _confusion(y, prediction)
    return float(np.mean(_recalls(confusion)[_occurs(confusion)]))


def mcc(y: Codes, prediction: Probabilities) -> float:
    """Return Matthews' correlation of classes (Gorodkin 2004 for many); 0 if only one is in ``y`` or predicted."""
    confusion = _confusion(y, prediction).astype(np.float64)
    rows, support, predicted = confusion.sum(), confusion.sum(axis=1), confusion.sum(axis=0)
    covariance = confusion.trace() * rows - support @ predicted
    variances = (rows**2 - predicted @ predicted) * (rows**2 - support @ support)
    return float(covariance / sqrt(variances)) if variances > 0 else 0.0


def roc_auc(y: Codes, prediction: Probabilities) -> float:
    """Return the area under the ROC curve; many classes: mean of one-vs-rest. NaN with one class in ``y``."""
    return _one_vs_rest(_area_under_roc, y, prediction)


def average_precision(y: Codes, prediction: Probabilities) -> float:
    """Return the average precision; many classes: mean of one-vs-rest. NaN with one class in ``y``."""
    return _one_vs_rest(_average_precision, y, prediction)


def log_loss(y: Codes, prediction: Probabilities) -> float:
    """Return the mean negative logarithm of the probability of the right class, clipped at the float's epsilon."""
    eps = np.finfo(prediction.dtype).eps
    return float(-np.mean(np.log(np.clip(prediction[np.arange(len(y)), y], eps, 1 - eps))))


def brier(y: Codes, prediction: Probabilities) -> float:
    """Return the mean squared error of the probabilities: of class 1 if binary, else summed over classes (0 to 2)."""
    error = prediction.copy()
    error[np.arange(len(y)), y] -= 1
    return float(np.mean(error[:, 1] ** 2 if error.shape[1] == 2 else np.square(error).sum(axis=1)))


def _confusion(y: Codes, prediction: Probabilities) -> NDArray[np.int64]:
    """Return (k, k) counts: rows are true, columns are predicted classes."""
    k = prediction.shape[1]
    return np.bincount(y * k + prediction.argmax(axis=1), minlength=k * k).reshape(k, k)


def _occurs(confusion: NDArray[np.int64]) -> NDArray[np.intp]:
    return np.flatnonzero(confusion.sum(axis=0) + confusion.sum(axis=1))


def _precisions(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    return _ratio(confusion.diagonal(), confusion.sum(axis=0))


def _recalls(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    return _ratio(confusion.diagonal(), confusion.sum(axis=1))


def _f1_scores(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    return _ratio(2 * confusion.diagonal(), confusion.sum(axis=0) + confusion.sum(axis=1))


def _ratio(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.zeros(len(whole)), where=whole > 0)


def _one_vs_rest(
    binary: Callable[[NDArray[np.bool_], NDArray[np.float64]], float], y: Codes, prediction: Probabilities
) -> float:
    present = np.flatnonzero(np.bincount(y, minlength=prediction.shape[1]))
    if len(present) < 2:
        return nan
    if prediction.shape[1] == 2:
        return binary(y == 1, prediction[:, 1])
    return float(np.mean([binary(y == code, prediction[:, code]) for code in present]))


def _area_under_roc(positive: NDArray[np.bool_], score: NDArray[np.float64]) -> float:
    """Count the pairs (positive, negative) in the right order, ties as one half, along the distinct scores."""
    positives, counts = _at_thresholds(positive, score)
    negatives = counts - positives
    widths, heights = np.diff(negatives, prepend=0), positives + np.concatenate(([0], positives[:-1]))
    return float((widths @ heights) / (2.0 * positives[-1] * negatives[-1]))


def _average_precision(positive: NDArray[np.bool_], score: NDArray[np.float64]) -> float:
    positives, counts = _at_thresholds(positive, score)
    return float(np.diff(positives, prepend=0) @ (positives / counts) / positives[-1])


def _at_thresholds(
    positive: NDArray[np.bool_], score: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return how many positives and how many rows lie at or above each distinct score, scores falling."""
    order = np.argsort(-score)
    falling = score[order]
    last = np.append(np.flatnonzero(falling[1:] != falling[:-1]), len(score) - 1)
    return np.cumsum(positive[order], dtype=np.int64)[last], last + 1
