"""Formulas of predicted classes: (..., k, k) confusion matrices, rows true, columns predicted, to (...) values.

Of many matrices at once, because a threshold is found by looking at those of all thresholds. They neither warn nor
fail: where scikit-learn raises or warns, a metric that is undefined is NaN, a share of nothing is 0. Classes that do
not occur are left out of averages over classes, as scikit-learn does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Confusion = NDArray[Any]
Values = NDArray[np.float64]
Scores = Callable[[Confusion], Values]
"""From (..., k, k) to (..., k): a value of each class."""


def confusion(y: NDArray[Any], predicted: NDArray[np.intp], classes: int, weight: Values | None = None) -> Confusion:
    """Return the (classes, classes) matrix of rows, or of their weights.

    >>> confusion(np.array([0, 1, 1]), np.array([0, 0, 1]), 2).tolist()
    [[1, 0], [1, 1]]
    """
    return np.bincount(y * classes + predicted, weight, classes**2).reshape(classes, classes)


def accuracy(matrix: Confusion) -> Values:
    """Return the share of rows whose class is right."""
    return np.asarray(_right(matrix).sum(axis=-1) / matrix.sum(axis=(-2, -1)))


def error_rate(matrix: Confusion) -> Values:
    """Return the share of rows whose class is wrong."""
    return 1 - accuracy(matrix)


def balanced_accuracy(matrix: Confusion) -> Values:
    """Return the mean recall over the classes in ``y``."""
    support = matrix.sum(axis=-1)
    return _mean(_ratio(_right(matrix), support), support > 0)


def precisions(matrix: Confusion) -> Values:
    """Return (..., k) precisions; 0 where a class is not predicted."""
    return _ratio(_right(matrix), matrix.sum(axis=-2))


def recalls(matrix: Confusion) -> Values:
    """Return (..., k) recalls; 0 where a class is not in ``y``."""
    return _ratio(_right(matrix), matrix.sum(axis=-1))


def fbetas(matrix: Confusion, beta: float = 1.0) -> Values:
    """Return (..., k) F scores, which count recall ``beta`` times as much as precision; 0 for what never occurs."""
    square = beta**2
    return _ratio((1 + square) * _right(matrix), square * matrix.sum(axis=-1) + matrix.sum(axis=-2))


def jaccards(matrix: Confusion) -> Values:
    """Return (..., k) shares of the rows that are of a class and predicted so among those that are one of both."""
    right = _right(matrix)
    return _ratio(right, matrix.sum(axis=-1) + matrix.sum(axis=-2) - right)


def jaccard_micro(matrix: Confusion) -> Values:
    """Return the Jaccard index of all classes counted together."""
    right = _right(matrix).sum(axis=-1)
    return np.asarray(right / (2 * matrix.sum(axis=(-2, -1)) - right))


def positive(matrix: Confusion, scores: Scores) -> Values:
    """Return the score of class 1."""
    return scores(matrix)[..., 1]


def macro(matrix: Confusion, scores: Scores) -> Values:
    """Return the mean score over the classes in ``y`` or predicted."""
    return _mean(scores(matrix), matrix.sum(axis=-1) + matrix.sum(axis=-2) > 0)


def weighted(matrix: Confusion, scores: Scores) -> Values:
    """Return the mean score over classes, each counted by its rows."""
    support = matrix.sum(axis=-1)
    return np.asarray((scores(matrix) * support).sum(axis=-1) / support.sum(axis=-1))


def mcc(matrix: Confusion) -> Values:
    """Return Matthews' correlation of classes (Gorodkin 2004 for many); 0 if only one is in ``y`` or predicted."""
    matrix = matrix.astype(np.float64)
    rows, support, predicted = matrix.sum(axis=(-2, -1)), matrix.sum(axis=-1), matrix.sum(axis=-2)
    covariance = _right(matrix).sum(axis=-1) * rows - (support * predicted).sum(axis=-1)
    variances = (rows**2 - np.square(predicted).sum(axis=-1)) * (rows**2 - np.square(support).sum(axis=-1))
    floor = 1e-12 * rows**4  # what differences of equal sums of weights leave
    return np.where(variances > floor, covariance / np.sqrt(np.maximum(variances, floor)), 0.0)


def cohen_kappa(matrix: Confusion) -> Values:
    """Return the agreement beyond what chance gives (Cohen 1960); NaN where chance alone agrees everywhere."""
    return _kappa(matrix, 1.0 - np.eye(matrix.shape[-1]))


def quadratic_kappa(matrix: Confusion) -> Values:
    """Return the agreement of ordered classes beyond chance, errors counted by the square of their distance.

    Cohen (1968); NaN where chance alone agrees everywhere.
    """
    places = np.arange(matrix.shape[-1], dtype=np.float64)
    return _kappa(matrix, np.square(places[:, None] - places))


def positive_likelihood_ratio(matrix: Confusion) -> Values:
    """Return recall over false positive rate, class 1 being positive; NaN without false positives."""
    recall, positives = recalls(matrix), matrix.sum(axis=-1)[..., 1]
    return _or_nan(recall[..., 1], 1 - recall[..., 0], matrix[..., 0, 1] * positives)


def negative_likelihood_ratio(matrix: Confusion) -> Values:
    """Return false negative rate over specificity, class 1 being positive; NaN without true negatives."""
    recall, positives = recalls(matrix), matrix.sum(axis=-1)[..., 1]
    return _or_nan(1 - recall[..., 1], recall[..., 0], matrix[..., 0, 0] * positives)


def cost(matrix: Confusion, costs: tuple[tuple[float, ...], ...]) -> Values:
    """Return the mean cost of a row; ``costs[i][j]`` is that of predicting class j where i is true."""
    return np.asarray((matrix * np.array(costs)).sum(axis=(-2, -1)) / matrix.sum(axis=(-2, -1)))


def _right(matrix: Confusion) -> Confusion:
    return matrix.diagonal(axis1=-2, axis2=-1)


def _kappa(matrix: Confusion, errors: Values) -> Values:
    """Return the agreement beyond chance; ``errors[i, j]`` is how much class j counts where i is true."""
    matrix = matrix.astype(np.float64)
    support, predicted = matrix.sum(axis=-1), matrix.sum(axis=-2)
    by_chance = ((support @ errors) * predicted).sum(axis=-1) / matrix.sum(axis=(-2, -1))
    return 1 - _or_nan(np.tensordot(matrix, errors, 2), by_chance)


def _ratio(part: Confusion, whole: Confusion) -> Values:
    return np.asarray(np.divide(part, whole, out=np.zeros(np.shape(whole)), where=whole > 0))


def _or_nan(part: Values, whole: Values, defined: Values | None = None) -> Values:
    where = (whole if defined is None else defined) > 0
    return np.asarray(np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=where))


def _mean(values: Values, counted: NDArray[np.bool_]) -> Values:
    return np.asarray((values * counted).sum(axis=-1) / counted.sum(axis=-1))
