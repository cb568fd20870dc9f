"""How the predictions of an ensemble's members become one, and the second layer that learns it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from automl.deadline import NEVER, Deadline
from automl.evaluation.metric import Weight
from automl.evaluation.regression import weighted_quantile
from automl.models.descent import minimised
from automl.models.target import softmax
from automl.threads import limited_threads

Predictions = Sequence[NDArray[np.float64]]
"""One array a member: (rows, k) probabilities, (rows, levels) quantiles or (rows,) values."""

_FLOOR: Final = 1e-6
"""A member's probability counts as at least this much: the logarithm of 0 would be final."""
_PENALTY: Final = 10.0
"""Rows that the prior, the given weights without a bias, counts for."""


@dataclass(frozen=True, slots=True, eq=False)
class Blend:
    """Weights of the members, and perhaps a bias.

    Without ``log`` the prediction is the weighted sum plus the bias. With it, probabilities are multiplied instead of
    added, each to the power of its weight: a logarithmic opinion pool (Genest and Zidek 1986), whose weights need not
    sum to 1, so that it is sharper than its members where they agree, and whose bias belongs to the classes.

    Values below the least one are raised to it.

    >>> half = np.array([[0.2, 0.8]])
    >>> Blend(np.array([0.5, 0.5]))([half, half])
    array([[0.2, 0.8]])
    >>> Blend(np.array([1.0, 1.0]), log=True)([half, half]).round(3)
    array([[0.059, 0.941]])
    """

    weights: NDArray[np.float64]
    """(members,)"""
    bias: NDArray[np.float64] | None = None
    """(1,) for values, (levels,) for quantiles, (k,) for the logarithms of probabilities; None = 0."""
    log: bool = False
    least: float = -inf
    """The least value that may be predicted."""

    def __call__(self, predictions: Predictions) -> NDArray[np.float64]:
        """Return (rows, k), (rows, levels) or (rows,) from what the members predict."""
        total = np.zeros_like(predictions[0])
        for weight, prediction in zip(self.weights.tolist(), predictions, strict=True):
            if weight:
                total += weight * (np.log(np.maximum(prediction, _FLOOR)) if self.log else prediction)
        if self.bias is None:
            return softmax(total) if self.log else self._in_range(total)
        total += self.bias
        if self.log:
            return softmax(total)
        return self._in_range(np.sort(total, axis=1) if total.ndim == 2 else total)  # quantiles stay in order

    def _in_range(self, total: NDArray[np.float64]) -> NDArray[np.float64]:
        return total if self.least == -inf else np.maximum(total, self.least)

    def only(self, members: NDArray[np.intp]) -> Self:
        """Return the blend of some members; the others must have no weight."""
        return type(self)(self.weights[members], self.bias, self.log, self.least)


def stack(
    predictions: Predictions,
    y: NDArray[Any],
    weights: NDArray[np.float64],
    *,
    sample_weight: Weight = None,
    deadline: Deadline = NEVER,
) -> Blend:
    """Fit a second layer over the members that have a weight: least squares, or the log loss for probabilities.

    The coefficients are drawn towards the given weights and no bias, as if these had been seen in ten further rows, so
    that few rows change little. With a single member this is the scaling of Platt (1999) with a bias a class.

    Parameters
    ----------
    predictions
        Out-of-fold.
    y
        (rows,) class codes or values.
    weights
        (members,) that sum to 1.
    sample_weight
        (rows,) how much each row counts, 1 on average; None = all alike.
    deadline
        When to stop with what has been found.
    """
    members = np.flatnonzero(weights)
    chosen = [predictions[member] for member in members.tolist()]
    if predictions[0].ndim == 2:
        fitted, bias = _pool(chosen, y, weights[members], sample_weight, deadline)
    else:
        fitted, bias = _least_squares(chosen, y, weights[members], sample_weight)
    every = np.zeros(len(weights))
    every[members] = fitted
    return Blend(every, bias, log=predictions[0].ndim == 2)


def shift(
    predictions: Predictions,
    y: NDArray[Any],
    weights: NDArray[np.float64],
    levels: Sequence[float],
    *,
    sample_weight: Weight = None,
) -> Blend:
    """Return the average of quantiles, each level moved so that its share of the values lies below it.

    Conformalised quantile regression (Romano, Patterson, Candès 2019), one side at a time; the arguments are those of
    :func:`stack`.
    """
    error = y[:, None] - Blend(weights)(predictions)
    moves = [weighted_quantile(error[:, place], level, sample_weight) for place, level in enumerate(levels)]
    return Blend(weights, np.array(moves))


def _least_squares(
    predictions: Predictions, y: NDArray[Any], prior: NDArray[np.float64], sample_weight: Weight
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return ridge weights around the prior, and the bias that makes the mean right."""
    table = np.column_stack(predictions)
    means, mean = np.average(table, axis=0, weights=sample_weight), float(np.average(y, weights=sample_weight))
    scale = max(float(np.var(y)), np.finfo(np.float64).tiny)
    inner = table - means
    counted = inner if sample_weight is None else inner * sample_weight[:, None]
    gram = counted.T @ inner / scale + _PENALTY * np.eye(len(prior))
    weights = prior + np.linalg.solve(gram, counted.T @ (y - mean - inner @ prior) / scale)
    return weights, np.array([mean - means @ weights])


def _pool(
    predictions: Predictions, y: NDArray[Any], prior: NDArray[np.float64], sample_weight: Weight, deadline: Deadline
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the weights and the bias of the logarithmic pool with the least penalised log loss."""
    logs = np.log(np.maximum(np.stack(predictions), _FLOOR))
    members, rows, classes = logs.shape
    start = np.concatenate([prior, np.zeros(classes)])
    codes = y.astype(np.intp)

    def loss(coefficients: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        probabilities = softmax(np.tensordot(coefficients[:members], logs, 1) + coefficients[members:])
        hit = probabilities[np.arange(rows), codes]
        away = coefficients - start
        gains = np.log(np.maximum(hit, np.finfo(np.float64).tiny))
        probabilities[np.arange(rows), codes] -= 1.0
        if sample_weight is not None:
            gains *= sample_weight
            probabilities *= sample_weight[:, None]
        value = _PENALTY * float(away @ away) - float(gains.sum())
        slope = np.concatenate([np.tensordot(logs, probabilities, 2), probabilities.sum(axis=0)])
        return value / rows, (slope + 2 * _PENALTY * away) / rows

    with limited_threads(1):
        found = minimised(loss, start, deadline)
    return found[:members], found[members:]
