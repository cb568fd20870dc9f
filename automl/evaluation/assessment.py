"""How good predictions for labelled rows are: every metric, and what is behind the figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from automl.data.table import Label, Task
from automl.evaluation import confusion as cm
from automl.evaluation.calibration import Reliability, Share, equal_bins, observed, reliability
from automl.evaluation.classification import roc_auc
from automl.evaluation.conformal import Residuals
from automl.evaluation.decision import Decision, OfClasses, of_settled
from automl.evaluation.interval import FIXED_MODEL, Score, score_interval
from automl.evaluation.metric import Metric, Weight
from automl.evaluation.ranking import Ranking, ranking
from automl.evaluation.regression import weighted_quantile

COVERAGES: Final = (0.5, 0.8, 0.9)
"""Prediction intervals that are tried."""
_POINTS: Final = 1_000
"""Rows that are kept as they are, drawn at random."""
_BINS: Final = 15


@dataclass(frozen=True, slots=True)
class MetricScore:
    """A metric on the rows, with the 90 % interval for all rows of which these are a sample."""

    name: str
    greater_is_better: bool
    score: Score


@dataclass(frozen=True, slots=True)
class ClassScore:
    """How well one class is told from the others."""

    label: Label
    rows: int
    predicted: int
    """Rows for which it is chosen."""
    precision: float
    recall: float
    f1: float
    roc_auc: float
    """Area under the curve of its probability; NaN if all rows or none are of it."""
    reliability: Reliability
    """How far its probability means what it says."""


@dataclass(frozen=True, slots=True)
class Classes:
    """What is behind the figures where classes are predicted."""

    confusion: tuple[tuple[float, ...], ...]
    """Rows, or their weights, by true and by chosen class."""
    each: tuple[ClassScore, ...]
    reliability: Reliability
    """How far the probability of the positive class means what it says; of more than two, of the most probable one."""
    ranking: Ranking | None
    """Two classes."""


@dataclass(frozen=True, slots=True)
class Intervals:
    """Prediction intervals of one coverage."""

    share: Share
    """How many values lie in them."""
    width: float
    """The mean."""


@dataclass(frozen=True, slots=True)
class Errors:
    """Rows of similar prediction: the quantiles 5 %, 50 % and 95 % of value - prediction."""

    prediction: float
    """The median."""
    low: float
    median: float
    high: float
    rows: int


@dataclass(frozen=True, slots=True)
class Values:
    """What is behind the figures where numbers are predicted."""

    intervals: tuple[Intervals, ...]
    """By rising coverage; empty if the model was saved without what they are made of."""
    errors: tuple[Errors, ...]
    """By rising prediction."""
    points: tuple[tuple[float, float], ...]
    """Prediction and value of some rows."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """How good predictions are; of ``classes``, ``values`` and ``levels`` there is what the problem type has."""

    scores: tuple[MetricScore, ...]
    classes: Classes | None = None
    values: Values | None = None
    levels: tuple[Share, ...] = ()
    """Quantiles: the share of values that are not above each."""


def assess(
    task: Task,
    y: NDArray[Any],
    raw: NDArray[np.float64],
    metrics: Sequence[Metric],
    *,
    decision: Decision,
    residuals: Residuals | None = None,
    weight: Weight = None,
    random_state: int = 0,
) -> Assessment:
    """Return how good predictions are.

    Parameters
    ----------
    y, raw
        (rows,) class codes or values, and (rows, k) probabilities, (rows,) values or (rows, levels) quantiles.
    metrics
        What is computed, in this order.
    decision, residuals
        How the model chooses a class, and what its prediction intervals are made of.
    weight
        (rows,) how much each row counts, above 0; None = all alike.

    >>> from automl.data.table import ProblemType
    >>> from automl.evaluation.metrics import get_metric
    >>> task, rmse = Task("y", ProblemType.REGRESSION, ""), get_metric("rmse", ProblemType.REGRESSION)
    >>> assess(task, np.arange(9.0), np.arange(9.0) + 2, [rmse], decision=Decision()).scores[0].score
    Score(value=2.0, low=2.0, high=2.0)
    """
    chosen = decision.settled(raw) if task.classes else raw
    scores = []
    for metric in metrics:
        judged, prediction = (of_settled(metric), chosen) if sees_classes(metric) else (metric, raw)
        score = score_interval(judged, y, prediction, weight=weight, errors=FIXED_MODEL, random_state=random_state)
        scores.append(MetricScore(metric.name, metric.greater_is_better, score))
    if task.classes:
        return Assessment(tuple(scores), classes=_classes(task.classes, y, raw, decision, weight))
    if task.levels:
        levels = [observed(y <= raw[:, i], level, weight) for i, level in enumerate(task.levels)]
        return Assessment(tuple(scores), levels=tuple(levels))
    return Assessment(tuple(scores), values=_values(y, raw, residuals, weight, random_state))


def sees_classes(metric: Metric) -> bool:
    """Return whether a metric is of the predicted classes, which the model's own decision chooses."""
    return metric.decides or isinstance(metric.function, OfClasses)


def _classes(
    labels: Sequence[Label], y: NDArray[Any], raw: NDArray[np.float64], decision: Decision, weight: Weight
) -> Classes:
    predicted = decision(raw)
    matrix = cm.confusion(y, predicted, len(labels), weight)
    precisions, recalls, f1 = cm.precisions(matrix), cm.recalls(matrix), cm.fbetas(matrix)
    each = []
    for code, label in enumerate(labels):
        own, share = y == code, raw[:, code]
        each.append(
            ClassScore(
                label,
                int(own.sum()),
                int((predicted == code).sum()),
                float(precisions[code]),
                float(recalls[code]),
                float(f1[code]),
                roc_auc(own.astype(np.intp), np.column_stack([1 - share, share]), weight),
                reliability(share, own, weight),
            )
        )
    confusion = tuple(map(tuple, matrix.tolist()))
    if len(labels) == 2:
        return Classes(confusion, tuple(each), each[1].reliability, ranking(y == 1, raw[:, 1], weight))
    likeliest = raw.argmax(axis=1)
    told = reliability(raw.max(axis=1), likeliest == y, weight)
    return Classes(confusion, tuple(each), told, None)


def _values(
    y: NDArray[Any], raw: NDArray[np.float64], residuals: Residuals | None, weight: Weight, random_state: int
) -> Values:
    intervals = []
    if residuals is not None:
        for coverage in (each for each in COVERAGES if each <= residuals.most):
            low, high = residuals.interval(raw, coverage).T
            inside = observed((low <= y) & (y <= high), coverage, weight)
            intervals.append(Intervals(inside, float(np.average(high - low, weights=weight))))
    errors = []
    for rows in equal_bins(raw, weight, most=_BINS):
        some = None if weight is None else weight[rows]
        low, median, high = (weighted_quantile((y - raw)[rows], level, some) for level in (0.05, 0.5, 0.95))
        errors.append(Errors(weighted_quantile(raw[rows], 0.5, some), low, median, high, len(rows)))
    drawn = np.random.default_rng(random_state).permutation(len(y))[:_POINTS]
    points = zip(raw[drawn].tolist(), y[drawn].tolist(), strict=True)
    return Values(tuple(intervals), tuple(errors), tuple(points))


@dataclass(frozen=True, slots=True)
class Comparison:
    """The score that was reported after training beside the one on the rows."""

    metric: str
    greater_is_better: bool
    reported: Score
    """Out of fold, with the interval in which a new score was expected."""
    found: Score

    @property
    def inside(self) -> bool | None:
        """Whether the score lies in the reported interval; None if one of them is not defined."""
        if isnan(self.found.value) or isnan(self.reported.value):
            return None
        return self.reported.low <= self.found.value <= self.reported.high

    @property
    def better(self) -> bool:
        """Whether the score is better than the reported one."""
        return (self.found.value > self.reported.value) is self.greater_is_better

    @property
    def open(self) -> bool:
        """Whether the two intervals meet, so that a score outside may be the luck of few rows."""
        return self.found.low <= self.reported.high and self.reported.low <= self.found.high
