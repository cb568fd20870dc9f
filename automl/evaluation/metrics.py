"""Metrics in their natural sign, and the one rule that turns them into a loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from math import inf, isnan
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from automl.data.table import ProblemType
from automl.errors import UsageError, suggestion
from automl.evaluation import classification, regression

_BINARY: Final = (ProblemType.BINARY,)
_CLASSES: Final = (ProblemType.BINARY, ProblemType.MULTICLASS)
_VALUES: Final = (ProblemType.REGRESSION,)
_MANY: Final = 10_000
"""Rows from which on ranks take long, and the log loss chooses as well."""


Surrogate = Literal["log_loss", "squared_error"] | None


@dataclass(frozen=True, slots=True)
class Metric:
    """How good predictions are.

    Called with ``y``, (rows,) int64 class codes 0..k-1 or float64 values, and the prediction, (rows, k) probabilities
    (binary too; column 1 is the positive class) or (rows,) values. A metric that is not defined for the rows at hand,
    such as ``roc_auc`` on a single class, is NaN.

    >>> rmse = get_metric("rmse", ProblemType.REGRESSION)
    >>> rmse(np.array([1.0, 3.0]), np.array([1.0, 1.0])) == 2**0.5
    True
    """

    name: str
    problem_types: tuple[ProblemType, ...]
    greater_is_better: bool
    function: Callable[[NDArray[Any], NDArray[np.float64]], float]
    bounds: tuple[float, float] = (0.0, 1.0)
    """Least and greatest possible value."""
    surrogate: Surrogate = None
    """What models are combined by instead: it orders them alike and is much quicker."""
    surrogate_rows: int = 0
    """From this number of rows on."""

    def __call__(self, y: NDArray[Any], prediction: NDArray[np.float64]) -> float:
        """Return the metric in its natural sign."""
        return self.function(y, prediction)

    def loss(self, y: NDArray[Any], prediction: NDArray[np.float64]) -> float:
        """Return the metric turned so that lower is better."""
        value = self.function(y, prediction)
        return -value if self.greater_is_better else value

    def better(self, a: float, b: float) -> bool:
        """Return whether score ``a`` is better than score ``b``; any number is better than NaN."""
        return not isnan(a) and (isnan(b) or (a > b if self.greater_is_better else a < b))


METRICS: Final = (
    Metric("accuracy", _CLASSES, True, classification.accuracy),
    Metric("balanced_accuracy", _CLASSES, True, classification.balanced_accuracy),
    Metric("f1", _BINARY, True, classification.f1),
    Metric("f1_macro", _CLASSES, True, classification.f1_macro),
    Metric("f1_micro", _CLASSES, True, classification.accuracy),  # the same where every row has one class
    Metric("f1_weighted", _CLASSES, True, classification.f1_weighted),
    Metric("precision", _BINARY, True, classification.precision),
    Metric("precision_macro", _CLASSES, True, classification.precision_macro),
    Metric("recall", _BINARY, True, classification.recall),
    Metric("recall_macro", _CLASSES, True, classification.recall_macro),
    Metric("roc_auc", _CLASSES, True, classification.roc_auc, surrogate="log_loss", surrogate_rows=_MANY),
    Metric(
        "average_precision",
        _CLASSES,
        True,
        classification.average_precision,
        surrogate="log_loss",
        surrogate_rows=_MANY,
    ),
    Metric("log_loss", _CLASSES, False, classification.log_loss, (0.0, inf), "log_loss"),
    Metric("mcc", _CLASSES, True, classification.mcc, (-1.0, 1.0)),
    Metric("brier", _CLASSES, False, classification.brier, (0.0, 2.0)),
    Metric("rmse", _VALUES, False, regression.rmse, (0.0, inf), "squared_error"),
    Metric("mse", _VALUES, False, regression.mse, (0.0, inf), "squared_error"),
    Metric("mae", _VALUES, False, regression.mae, (0.0, inf)),
    Metric("mape", _VALUES, False, regression.mape, (0.0, inf)),
    Metric("median_absolute_error", _VALUES, False, regression.median_absolute_error, (0.0, inf)),
    Metric("r2", _VALUES, True, regression.r2, (-inf, 1.0), "squared_error"),
    Metric("adjusted_r2", _VALUES, True, partial(regression.adjusted_r2, n_features=0), (-inf, 1.0), "squared_error"),
)
"""Every metric; :func:`metrics_for` tells ``adjusted_r2`` the number of features."""

_ALIASES: Final[Mapping[str, str]] = {
    "auc": "roc_auc",
    "logloss": "log_loss",
    "acc": "accuracy",
    "medae": "median_absolute_error",
}
_DEFAULTS: Final[Mapping[ProblemType, str]] = {
    ProblemType.BINARY: "roc_auc",
    ProblemType.MULTICLASS: "log_loss",
    ProblemType.REGRESSION: "rmse",
}


def get_metric(name: str, problem_type: ProblemType, *, n_features: int = 0) -> Metric:
    """Return a metric by name; case, hyphens and a few short forms (``AUC``, ``logloss``) do not matter.

    Parameters
    ----------
    n_features
        Number of feature columns, for ``adjusted_r2``, which is ``r2`` without any.

    Raises
    ------
    UsageError
        If there is no such metric, or none for this problem type.

    >>> get_metric("AUC", ProblemType.BINARY).name
    'roc_auc'
    """
    wanted = name.lower().replace("-", "_")
    wanted = _ALIASES.get(wanted, wanted)
    suitable = {metric.name: metric for metric in metrics_for(problem_type, n_features=n_features)}
    if wanted in suitable:
        return suitable[wanted]
    choices = f"choose one of {', '.join(suitable)}"
    for metric in METRICS:
        if metric.name == wanted:
            fitting = " or ".join(metric.problem_types)
            raise UsageError(f"metric {name!r} is for {fitting} problems, this one is {problem_type}; {choices}")
    raise UsageError(f"metric {name!r} is unknown{suggestion(wanted, [*suitable, *_ALIASES])}; {choices}")


def metrics_for(problem_type: ProblemType, *, n_features: int = 0) -> tuple[Metric, ...]:
    """Return all metrics for a problem type; ``n_features`` as in :func:`get_metric`.

    >>> [metric.name for metric in metrics_for(ProblemType.REGRESSION)][:3]
    ['rmse', 'mse', 'mae']
    """
    adjusted = partial(regression.adjusted_r2, n_features=n_features)
    return tuple(
        replace(metric, function=adjusted) if metric.name == "adjusted_r2" else metric
        for metric in METRICS
        if problem_type in metric.problem_types
    )


def default_metric(problem_type: ProblemType) -> Metric:
    """Return the metric that is optimised unless the user names one.

    >>> default_metric(ProblemType.MULTICLASS).name
    'log_loss'
    """
    return get_metric(_DEFAULTS[problem_type], problem_type)
