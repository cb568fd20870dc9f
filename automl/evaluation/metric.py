"""What a metric is: a formula, its natural sign, and the one rule that turns it into a loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf, nan
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from automl.data.table import ProblemType

Weight = NDArray[np.float64] | None
"""(rows,) how much each row counts; None = all alike."""
Formula = Callable[[NDArray[Any], NDArray[np.float64], Weight], float]
Surrogate = Literal["log_loss", "squared_error"] | None


@dataclass(frozen=True, slots=True)
class Metric:
    """How good predictions are.

    Called with ``y``, (rows,) int64 class codes 0..k-1 or float64 values, and the prediction, (rows, k) probabilities
    (binary too; column 1 is the positive class) or (rows,) values. A metric that is not defined for the rows at hand,
    such as ``roc_auc`` on a single class, is NaN. A row of weight 0 is as if it were not there.

    One of your own is given to ``AutoML(metric=...)`` as an object of this class, or as a plain function.

    >>> def bias(y, prediction, weight):
    ...     return abs(float(np.average(prediction - y, weights=weight)))
    >>> metric = Metric("bias", (ProblemType.REGRESSION,), False, bias)
    >>> metric(np.array([1.0, 3.0]), np.array([2.0, 6.0])), metric(np.ones(2), np.array([2.0, 6.0]), np.array([1.0, 0]))
    (2.0, 1.0)
    """

    name: str
    problem_types: tuple[ProblemType, ...]
    greater_is_better: bool
    function: Formula
    bounds: tuple[float, float] = (0.0, 1.0)
    """Least and greatest possible value."""
    surrogate: Surrogate = None
    """What models are combined by instead: it orders them alike and is much quicker."""
    surrogate_rows: int = 0
    """From this number of rows on."""
    decides: bool = False
    """Whether it looks at the predicted classes only and weighs both kinds of errors, so that there is a best threshold
    between two classes. Recall alone would be best if every row were positive."""
    of_positive: bool = False
    """Whether it is another number if the other one of two classes is the positive one."""
    quantile: float | None = None
    """The quantile of the target whose prediction is best, such as 0.5 for absolute errors; None = the mean."""
    least: float = -inf
    """The least prediction that it is defined for; a model that is optimised for it predicts none below."""
    of_logarithms: bool = False
    """Whether the prediction that is best is the mean of the target's logarithm."""
    relative: bool = False
    """Whether an error counts in proportion to the value that it is made at."""

    def __call__(self, y: NDArray[Any], prediction: NDArray[np.float64], weight: Weight = None) -> float:
        """Return the metric in its natural sign."""
        if weight is not None and not weight.all():
            counted = np.flatnonzero(weight)
            y, prediction, weight = y[counted], prediction[counted], weight[counted]
        return float(self.function(y, prediction, weight)) if len(y) else nan

    def loss(self, y: NDArray[Any], prediction: NDArray[np.float64], weight: Weight = None) -> float:
        """Return the metric turned so that lower is better."""
        value = self(y, prediction, weight)
        return -value if self.greater_is_better else value


def floored(metric: Metric, least: float) -> Metric:
    """Return the metric of predictions that are raised to the least one that is served."""
    return metric if least == -inf else replace(metric, function=_Floored(metric.function, least))


@dataclass(frozen=True, slots=True)
class _Floored:
    function: Formula
    least: float

    def __call__(self, y: NDArray[Any], prediction: NDArray[np.float64], weight: Weight) -> float:
        return self.function(y, np.maximum(prediction, self.least), weight)
