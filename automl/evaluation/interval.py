"""A score with the interval in which the score on new data is expected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import inf, isfinite, nan, sqrt
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from automl.evaluation.decision import OfClasses
from automl.evaluation.metric import Metric, Weight

NEW_SAMPLE: Final = 3
"""Errors when a model is trained and scored anew: of the scored rows, of the new rows, and of the training."""
FIXED_MODEL: Final = 1
"""Errors when a model stays as it is and new rows are its whole world: of the scored rows."""
_LEVEL: Final = 0.9
"""Probability that a score lies in its interval."""
_BLOCKS: Final = 20
"""Times that a metric is computed without some of the rows."""
_UNSEEN: Final = 3
"""Mistakes that as many new rows may show where there was none: the rule of three (Hanley and Lippman-Hand 1983)."""


@dataclass(frozen=True, slots=True)
class Score:
    """A metric's value in its natural sign and the interval expected on new data; NaN where it is not defined."""

    value: float
    low: float
    high: float

    def to_json(self) -> dict[str, float | None]:
        """Return the score as JSON values, null where a number is not finite."""
        return {name: number if isfinite(number) else None for name, number in asdict(self).items()}

    @classmethod
    def from_json(cls, record: Mapping[str, float | None]) -> Self:
        """Read what :meth:`to_json` wrote.

        >>> Score.from_json(Score(0.5, 0.25, inf).to_json())
        Score(value=0.5, low=0.25, high=inf)
        """
        value, low, high = record["value"], record["low"], record["high"]
        if value is None:
            return cls(nan, nan, nan)
        return cls(value, -inf if low is None else low, inf if high is None else high)


def score_interval(
    metric: Metric,
    y: NDArray[Any],
    prediction: NDArray[np.float64],
    *,
    weight: Weight = None,
    groups: NDArray[np.intp] | None = None,
    errors: int = NEW_SAMPLE,
    random_state: int = 0,
) -> Score:
    """Return the score of predictions with its 90 % interval: of out-of-fold ones, for a new sample of as many rows.

    The standard error is that of the delete-a-group jackknife (Shao and Tu 1995; Kott 2001): the metric is computed 20
    times, each time without one random block of rows, and Student's t with 19 degrees of freedom allows for that small
    number. It is widened by the square root of 3: a new sample has a sampling error too, and so
    has the training of the models, whose folds share most of their rows (Nadeau and Bengio 2003). Blocks are not
    stratified by the target, since the shares of classes also vary from sample to sample. With ``errors=FIXED_MODEL``
    it is not widened: the interval for the score of a finished model on all rows of which these are a sample.

    Rows of a group are never in two blocks: what they share does not average out, so they count as one.

    Where no row is of another class than the likeliest one, or no block tells from another, as in a perfect ranking,
    the rows cannot tell what a mistake costs. There the interval also holds the score that they would have if three of
    them, by the rule of three, were of the likeliest class but their own.

    The interval has no width where values are predicted without any error. With fewer than four rows it is the metric's
    whole range.

    >>> from automl.data.table import ProblemType
    >>> from automl.evaluation.metrics import get_metric
    >>> y = np.arange(100.0)
    >>> score = score_interval(get_metric("mae", ProblemType.REGRESSION), y, y + np.tile([0.0, 2.0], 50))
    >>> score.value, round(score.low, 1), round(score.high, 1)
    (1.0, 0.7, 1.3)
    """
    value = metric(y, prediction, weight)
    if np.isnan(value):
        return Score(nan, nan, nan)
    least, greatest = metric.bounds
    values = _jackknife(metric, y, prediction, weight, groups, random_state)
    values = values[~np.isnan(values)]  # a block may hold all rows of a class
    if len(values) < 2:
        return Score(value, least, greatest)
    margin = _student_t(0.5 + _LEVEL / 2, len(values) - 1) * sqrt(errors) * _error(values)
    reached = [value - margin, value + margin]
    if metric.problem_types[0].classification and (not margin or np.array_equal(prediction.argmax(axis=1), y)):
        reached.append(_with_mistakes(metric, y, prediction, weight))
    return Score(value, max(float(np.nanmin(reached)), least), min(float(np.nanmax(reached)), greatest))


def difference_error(
    metric: Metric,
    y: NDArray[Any],
    one: NDArray[np.float64],
    other: NDArray[np.float64],
    *,
    weight: Weight = None,
    groups: NDArray[np.intp] | None = None,
) -> float:
    """Return the standard error of the difference between the scores of two predictions for the same rows.

    By the jackknife of :func:`score_interval`. Rows that are hard for both cancel out, so it is far smaller than the
    errors of the scores. NaN with fewer than four rows.
    """
    judged = [_jackknife(metric, y, each, weight, groups, random_state=0) for each in (one, other)]
    values = judged[0] - judged[1]
    values = values[~np.isnan(values)]
    return _error(values) if len(values) > 1 else nan


def _jackknife(
    metric: Metric,
    y: NDArray[Any],
    prediction: NDArray[np.float64],
    weight: Weight,
    groups: NDArray[np.intp] | None,
    random_state: int,
) -> NDArray[np.float64]:
    """Return the metric without each of some blocks of rows; nothing if there are too few rows for two blocks."""
    units = np.arange(len(y)) if groups is None else np.unique(groups, return_inverse=True)[1]
    count = int(units.max(initial=-1)) + 1
    parts = min(_BLOCKS, count // 2)
    if parts < 2:
        return np.empty(0)
    block = np.random.default_rng(random_state).permutation(count)[units] % parts
    if isinstance(metric.function, OfClasses) and prediction.shape[1] ** 2 <= len(y):
        return _of_matrices(metric.function, y, prediction, weight, block, parts)
    remaining = [np.flatnonzero(block != part) for part in range(parts)]
    weights = [None if weight is None else weight[rows] for rows in remaining]
    return np.array([metric(y[rows], prediction[rows], each) for rows, each in zip(remaining, weights, strict=True)])


def _of_matrices(
    function: OfClasses,
    y: NDArray[Any],
    prediction: NDArray[np.float64],
    weight: Weight,
    block: NDArray[np.intp],
    parts: int,
) -> NDArray[np.float64]:
    """Return the same from the confusion matrices of the blocks, all at once."""
    classes = prediction.shape[1]
    cells = (block * classes + y) * classes + function.decision(prediction)
    matrices = np.bincount(cells, weight, parts * classes**2).reshape(parts, classes, classes)
    return function.formula(np.tensordot(1.0 - np.eye(parts), matrices, 1))  # sums: differences would leave rounding


def _with_mistakes(metric: Metric, y: NDArray[Any], prediction: NDArray[np.float64], weight: Weight) -> float:
    """Return the metric if some rows, from the most to the least certain, were of the likeliest class but their own."""
    own = np.arange(len(y)), y
    rows = np.argsort(prediction[own], kind="stable")[(np.arange(_UNSEEN) * 2 + 1) * len(y) // (2 * _UNSEEN)]
    others = prediction.copy()
    others[own] = -inf
    mistaken = y.copy()
    mistaken[rows] = others[rows].argmax(axis=1)
    return metric(mistaken, prediction, weight)


def _error(values: NDArray[np.float64]) -> float:
    """Return the standard error of what was computed without each of its blocks."""
    return sqrt((len(values) - 1) / len(values) * float(np.sum((values - values.mean()) ** 2)))


def _student_t(probability: float, freedom: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, probability))
