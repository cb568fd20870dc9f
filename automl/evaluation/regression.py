"""Formulas of regression metrics: (rows,) values against (rows,) predictions, in plain NumPy, without warnings.

Where scikit-learn raises, because a target or a prediction is out of the metric's range, a metric of such a target is
NaN, and such a prediction counts as the nearest one in range.
"""

from __future__ import annotations

from collections.abc import Callable
from math import nan, sqrt
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from automl.evaluation.metric import Weight

Values = NDArray[Any]
Predictions = NDArray[np.float64]

TINY: Final = 1e-9
"""Least prediction that has a deviance, which are of positive ones; a share of the mean where that is below 1."""
LOWEST: Final = TINY - 1
"""Least prediction where only those above -1 have a logarithm."""
_LEAST_SHARE: Final = 0.05
"""Of the median size of a value: below, errors count no more in fits, however small the value."""


def mse(y: Values, prediction: Predictions, weight: Weight = None) -> float:
    """Return the mean squared error."""
    error = prediction - y
    return float(error @ error) / len(error) if weight is None else float(np.average(error**2, weights=weight))


def rmse(y: Values, prediction: Predictions, weight: Weight = None) -> float:
    """Return the root of the mean squared error."""
    return sqrt(mse(y, prediction, weight))


def msle(y: Values, prediction: Predictions, weight: Weight = None) -> float:
    """Return the mean squared error of ``log(1 + value)``; NaN if a target is not above -1."""
    return mse(np.log1p(y), np.log1p(np.maximum(prediction, LOWEST)), weight) if y.min() > -1 else nan


def rmsle(y: Values, prediction: Predictions, weight: Weight = None) -> float:
    """Return the root of the mean squared error of ``log(1 + value)``; NaN if a target is not above -1."""
    return sqrt(msle(y, prediction, weight)) if y.min() > -1 else nan


def mae(y: Values, prediction: Predictions, weight: Weight = None) -> float:
    """Return the mean absolute error."""
    return float(np.average(np.abs(prediction - y), weights=weight))


def median_absolute_error(y: Values, prediction: Predictions, weight: Weight = None) -> float:
    """Return the median absolute error."""
    return weighted_quantile(np.abs(prediction - y), 0.5, weight)


def max_error(y: Values, prediction: Predictions, weight: Weight = None) -> float:  # noqa: ARG001 - as all others
    """Return the largest absolute error, whatever the weights."""
    return float(np.abs(prediction - y).max())


def mape(y: Values, prediction: Predictions, weight: Weight = None) -> float:
    """Return the mean absolute error relative to the value (1 = 100 %); huge where a value is 0."""
    relative = np.abs(prediction - y) / np.maximum(np.abs(y), np.finfo(np.float64).eps)
    return float(np.average(relative, weights=weight))


def relative_weights(y: Values) -> Predictions:
    """Return (rows,) by how much the error at each value counts in :func:`mape`, 1 on average.

    The prediction that is best by it is the median of values weighted so. Values near 0 count alike: the smallest of
    all would decide everything.
    """
    size = np.abs(y.astype(np.float64))
    least = _LEAST_SHARE * float(np.median(size))
    if not least:
        return np.ones(len(y))
    weights = 1 / np.maximum(size, least)
    return np.asarray(weights / weights.mean())


def wape(y: Values, prediction: Predictions, weight: Weight = None) -> float:
    """Return the sum of absolute errors relative to that of absolute values (1 = 100 %); NaN if all values are 0."""
    total = float(np.average(np.abs(y), weights=weight))
    return mae(y, prediction, weight) / total if total else nan


def pinball(y: Values, prediction: Predictions, weight: Weight = None, *, quantile: float) -> float:
    """Return the mean error, too low ones counted ``quantile`` and too high ones ``1 - quantile`` (Koenker 1978)."""
    error = y - prediction
    return float(np.average(np.maximum(quantile * error, (quantile - 1) * error), weights=weight))


def poisson_deviance(y: Values, prediction: Predictions, weight: Weight = None) -> float:
    """Return the mean Poisson deviance; NaN if a target is negative."""
    return tweedie_deviance(y, prediction, weight, power=1)


def gamma_deviance(y: Values, prediction: Predictions, weight: Weight = None) -> float:
    """Return the mean gamma deviance; NaN unless all targets are positive."""
    return tweedie_deviance(y, prediction, weight, power=2)


def tweedie_deviance(y: Values, prediction: Predictions, weight: Weight = None, *, power: float) -> float:
    """Return the mean Tweedie deviance of a power from 1 (Poisson) over 2 (gamma) up; NaN if a target cannot be."""
    if y.min() < 0 or (power >= 2 and y.min() == 0):
        return nan
    from scipy.special import xlogy

    mean = np.maximum(prediction, TINY * min(1.0, float(np.average(y, weights=weight)) or 1.0))
    if power == 1:
        deviance = xlogy(y, y / mean) - y + mean
    elif power == 2:
        deviance = np.log(mean / y) + y / mean - 1
    else:
        own = np.power(y, 2 - power) / ((1 - power) * (2 - power))
        deviance = own - y * mean ** (1 - power) / (1 - power) + mean ** (2 - power) / (2 - power)
    return float(2 * np.average(deviance, weights=weight))


def r2(y: Values, prediction: Predictions, weight: Weight = None) -> float:
    """Return the share of the variance that is explained; NaN for one row, 1 or 0 where all values are equal."""
    if len(y) < 2:
        return nan
    total = float(np.var(y)) if weight is None else mse(y, np.full(len(y), np.average(y, weights=weight)), weight)
    return _explained(mse(y, prediction, weight), total)


def adjusted_r2(y: Values, prediction: Predictions, weight: Weight = None, *, n_features: int) -> float:
    """Return R² corrected for the number of features (Wherry); NaN unless there are over ``n_features`` + 1 rows."""
    freedom = len(y) - n_features - 1
    return 1 - (1 - r2(y, prediction, weight)) * (len(y) - 1) / freedom if freedom > 0 else nan


def explained_variance(y: Values, prediction: Predictions, weight: Weight = None) -> float:
    """Return the share of the variance that is explained where a constant error counts nothing; else as ``r2``."""
    if len(y) < 2:
        return nan
    errors = y - prediction
    spread = mse(errors, np.full(len(y), np.average(errors, weights=weight)), weight)
    return _explained(spread, mse(y, np.full(len(y), np.average(y, weights=weight)), weight))


def d2_pinball(y: Values, prediction: Predictions, weight: Weight = None, *, quantile: float) -> float:
    """Return the share of the pinball loss of the best constant that is saved; NaN for one row."""
    constant = np.full(len(y), weighted_quantile(y, quantile, weight))
    return _saved(lambda *given: pinball(*given, quantile=quantile), y, prediction, constant, weight)


def d2_tweedie(y: Values, prediction: Predictions, weight: Weight = None, *, power: float) -> float:
    """Return the share of the Tweedie deviance of the mean that is saved; NaN for one row."""
    constant = np.full(len(y), np.average(y, weights=weight))
    return _saved(lambda *given: tweedie_deviance(*given, power=power), y, prediction, constant, weight)


def weighted_quantile(values: Values, share: float, weight: Weight = None) -> float:
    """Return the value below which ``share`` of the weight lies; midway between two where the border lies there.

    >>> weighted_quantile(np.array([1.0, 2.0, 9.0]), 0.5), weighted_quantile(np.array([1.0, 2.0]), 0.5)
    (2.0, 1.5)
    """
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(np.ones(len(values)) if weight is None else weight[order])
    wanted = share * reached[-1]
    place = min(int(np.searchsorted(reached, wanted - 1e-12 * reached[-1])), len(values) - 1)
    following = min(place + (reached[place] - wanted < 1e-12 * reached[-1]), len(values) - 1)
    return float((values[order[place]] + values[order[following]]) / 2)


def _saved(
    loss: Callable[[Values, Predictions, Weight], float],
    y: Values,
    prediction: Predictions,
    constant: Predictions,
    weight: Weight,
) -> float:
    return _explained(loss(y, prediction, weight), loss(y, constant, weight)) if len(y) > 1 else nan


def _explained(residual: float, total: float) -> float:
    if total == 0:
        return 1.0 if residual == 0 else 0.0
    return 1 - residual / total
