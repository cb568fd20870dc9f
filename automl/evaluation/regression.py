"""Formulas of regression metrics: (rows,) values against (rows,) predictions, in plain NumPy, without warnings."""

from __future__ import annotations

from math import nan, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any]
Predictions = NDArray[np.float64]


def mse(y: Values, prediction: Predictions) -> float:
    """Return the mean squared error."""
    error = prediction - y
    return float(error @ error) / len(error)


def rmse(y: Values, prediction: Predictions) -> float:
    """Return the root of the mean squared error."""
    return sqrt(mse(y, prediction))


def mae(y: Values, prediction: Predictions) -> float:
    """Return the mean absolute error."""
    return float(np.mean(np.abs(prediction - y)))


def median_absolute_error(y: Values, prediction: Predictions) -> float:
    """Return the median absolute error."""
    return float(np.median(np.abs(prediction - y)))


def mape(y: Values, prediction: Predictions) -> float:
    """Return the mean absolute error relative to the value (1 = 100 %); huge where a value is 0."""
    return float(np.mean(np.abs(prediction - y) / np.maximum(np.abs(y), np.finfo(np.float64).eps)))


def r2(y: Values, prediction: Predictions) -> float:
    """Return the share of the variance that is explained; NaN for one row, 1 or 0 where all values are equal."""
    if len(y) < 2:
        return nan
    residual, total = mse(y, prediction), float(np.var(y))
    if total == 0:
        return 1.0 if residual == 0 else 0.0
    return 1 - residual / total


def adjusted_r2(y: Values, prediction: Predictions, n_features: int) -> float:
    """Return R² corrected for the number of features (Wherry); NaN unless there are over ``n_features`` + 1 rows."""
    freedom = len(y) - n_features - 1
    return 1 - (1 - r2(y, prediction)) * (len(y) - 1) / freedom if freedom > 0 else nan
