"""How good predictions are, and the ranks that this is told from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def ranks(values: Floats) -> Floats:
    """Return the rank of each value between 0 and 1; ties share theirs, missing values stay missing.

    >>> ranks(np.array([30.0, 10.0, 10.0, np.nan])).tolist()
    [1.0, 0.5, 0.5, nan]
    """
    return pd.Series(np.where(np.isfinite(values), values, np.nan)).rank(pct=True).to_numpy()


def roc_auc(y: NDArray[Any], predicted: Floats) -> float:
    """Return the area under the ROC curve: how often a row of class 1 is above one of class 0.

    >>> roc_auc(np.array([0, 1, 1]), np.array([0.2, 0.1, 0.9]))
    0.5
    """
    positive = np.count_nonzero(y == 1)
    above = ranks(predicted)[y == 1].sum() * len(y) - positive * (positive + 1) / 2
    return float(above / (positive * (len(y) - positive)))


def accuracy(y: NDArray[Any], predicted: Floats) -> float:
    """Return the share of rows whose class has the largest of the (rows, classes) predictions."""
    return float(np.mean(predicted.argmax(axis=1) == y))


def r2(y: NDArray[Any], predicted: Floats) -> float:
    """Return the share of the variance that predictions explain.

    >>> r2(np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 2.0]))
    0.0
    """
    return float(1 - ((y - predicted) ** 2).sum() / ((y - y.mean()) ** 2).sum())
