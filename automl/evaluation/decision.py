"""From probabilities to classes: the most probable one, by a threshold or multipliers, or the cheapest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import nan
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from automl.data.table import Label
from automl.evaluation.confusion import Confusion, Values, confusion
from automl.evaluation.metric import Metric, Weight
from automl.evaluation.multipliers import best_multipliers

_GRID: Final = 64
"""Thresholds tried for a metric of the user's own, which sees one at a time."""
_FEWEST: Final = 10
"""Rows below which a threshold cannot be judged."""
_THRESHOLDS: Final = 1_000
"""Thresholds between neighbours in the order of probabilities that are tried at most."""
_MANY: Final = 5_000
"""Rows from which on sorting takes long, and the log loss chooses models as well."""
_MOST_CLASSES: Final = 30
"""Classes above which each has too few rows to tell its multiplier, and a search takes long."""


@dataclass(frozen=True, slots=True)
class Decision:
    """How a class is chosen; without anything else the most probable one.

    >>> shares = np.array([[0.7, 0.3], [0.2, 0.8]])
    >>> Decision()(shares).tolist(), Decision(0.3)(shares).tolist(), Decision(costs=((0, 1), (9, 0)))(shares).tolist()
    ([0, 1], [1, 1], [1, 1])
    """

    threshold: float | None = None
    """Two classes: the least probability of the second one at which it is chosen."""
    costs: tuple[tuple[float, ...], ...] = ()
    """``costs[i][j]`` of choosing class j where i is true; the class of least expected cost is chosen."""

    multipliers: tuple[float, ...] = ()
    """More classes: what each probability is multiplied by; the class of the highest product is chosen."""

    def __call__(self, prediction: NDArray[np.float64]) -> NDArray[np.intp]:
        """Return (rows,) class codes for (rows, k) probabilities."""
        if self.threshold is not None:
            return (prediction[:, 1] >= self.threshold).astype(np.intp)
        if self.costs:  # not a matrix product, whose last bits may depend on the rows beside a row
            expected: NDArray[np.float64] = (prediction[:, :, None] * np.array(self.costs)).sum(axis=1)
            cheapest: NDArray[np.intp] = expected.argmin(axis=1)
            return cheapest
        weighed = prediction * np.array(self.multipliers) if self.multipliers else prediction
        highest: NDArray[np.intp] = weighed.argmax(axis=1)
        return highest

    def settled(self, prediction: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (rows, k) probabilities that are 1 for the chosen class."""
        return np.asarray(np.eye(prediction.shape[1])[self(prediction)])

    def describe(self, classes: Sequence[Label]) -> str:
        """Return in words how a class is chosen; empty for the most probable one."""
        if self.threshold is not None:
            return f"predicts {classes[1]!r} from a probability of {self.threshold:.3g} on"
        if self.multipliers:
            shown = ", ".join(f"{label!r} x {m:.3g}" for label, m in zip(classes, self.multipliers, strict=True))
            return f"predicts the class of the highest probability, multiplied: {shown}"
        return "predicts the class of least expected cost" if self.costs else ""

    def to_json(self) -> dict[str, Any]:
        """Return what is not the default."""
        threshold = {} if self.threshold is None else {"threshold": self.threshold}
        costs = {"costs": [list(row) for row in self.costs]} if self.costs else {}
        return threshold | costs | ({"multipliers": list(self.multipliers)} if self.multipliers else {})

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Decision:
        """Read what :meth:`to_json` wrote."""
        costs = tuple(map(tuple, record.get("costs", ())))
        return cls(record.get("threshold"), costs, tuple(record.get("multipliers", ())))


@dataclass(frozen=True, slots=True)
class OfClasses:
    """A metric's function made of a formula of confusion matrices."""

    formula: Callable[[Confusion], Values]
    """From (..., k, k) matrices to (...) values, see :mod:`automl.evaluation.confusion`."""
    decision: Decision = Decision()

    def __call__(self, y: NDArray[Any], prediction: NDArray[np.float64], weight: Weight) -> float:
        """Return the value for the classes that are chosen."""
        return float(self.formula(confusion(y, self.decision(prediction), prediction.shape[1], weight)))


def tuned(metric: Metric, y: NDArray[Any], prediction: NDArray[np.float64], weight: Weight = None) -> Decision:
    """Return the threshold between two classes, or the multipliers of more, that are best on these rows.

    A threshold lies midway between two probabilities that occur; of equally good ones the nearest to 0.5 is taken. The
    metric's own decision stays where the metric is not defined, and among more than two classes where it is a function
    of the user's own, or has costs, whose best decision is known.

    >>> from automl.evaluation.metrics import get_metric
    >>> from automl.data.table import ProblemType
    >>> positive = np.array([0.1, 0.2, 0.3, 0.4])
    >>> shares = np.column_stack([1 - positive, positive])
    >>> tuned(get_metric("f1", ProblemType.BINARY), np.array([0, 0, 1, 1]), shares)
    Decision(threshold=0.25, costs=(), multipliers=())
    """
    classes, function = prediction.shape[1], metric.function
    if classes > 2:
        if classes > _MOST_CLASSES or not isinstance(function, OfClasses) or function.decision.costs:
            return own_decision(metric)
        sign = -1.0 if metric.greater_is_better else 1.0
        found = best_multipliers(lambda matrices: sign * function.formula(matrices), y, prediction, weight)
        return Decision(multipliers=tuple(found.tolist()))
    threshold, _ = _best(metric, y, prediction, weight)
    return own_decision(metric) if threshold is None else Decision(threshold)


def cross_decided(
    metric: Metric,
    y: NDArray[Any],
    prediction: NDArray[np.float64],
    fold_of_row: NDArray[np.integer],
    *,
    weight: Weight = None,
) -> tuple[Decision, NDArray[np.float64]]:
    """Choose how to decide by out-of-fold predictions: tuned, see :func:`tuned`, or as the metric does by itself.

    Each fold's rows are decided by the threshold or multipliers that are best on the other folds; only if that is
    better than the metric's own decision, they are worth their noise. There must be two folds, see
    :func:`~automl.evaluation.validation.parts_to_cross_fit`.

    Returns
    -------
    The decision, and predictions as :meth:`Decision.settled` makes them, whose score is honest: no threshold has seen
    the rows that it is scored on.
    """
    own, judged = own_decision(metric), of_settled(metric)
    by_itself = own.settled(prediction)
    if len(y) < _FEWEST:
        return own, by_itself
    honest = np.empty_like(by_itself)
    for fold in np.unique(fold_of_row):
        inside, outside = np.flatnonzero(fold_of_row == fold), np.flatnonzero(fold_of_row != fold)
        some = None if weight is None else weight[outside]
        honest[inside] = tuned(metric, y[outside], prediction[outside], some).settled(prediction[inside])
    if not judged.loss(y, honest, weight) < judged.loss(y, by_itself, weight):
        return own, by_itself
    return tuned(metric, y, prediction, weight), honest


def own_decision(metric: Metric) -> Decision:
    """Return how a metric chooses classes by itself: the most probable one, or the cheapest."""
    return metric.function.decision if isinstance(metric.function, OfClasses) else Decision()


def of_settled(metric: Metric) -> Metric:
    """Return the metric for predictions that :meth:`Decision.settled` has made."""
    function = metric.function
    return replace(metric, function=OfClasses(function.formula)) if isinstance(function, OfClasses) else metric


def at_best_decision(metric: Metric, classes: int) -> Metric:
    """Return the metric by which models are compared: each by the threshold or the multipliers that are best for it.

    As they are, most models of a rare class look alike: they never predict it. Metrics that do not look at classes
    stay. Among more than two classes the log loss chooses the members of an ensemble: it takes no search.
    """
    if not metric.decides:
        return metric
    rows = _MANY if classes == 2 else 0
    return replace(metric, function=_AtBest(metric), surrogate="log_loss", surrogate_rows=rows)


@dataclass(frozen=True, slots=True)
class _AtBest:
    metric: Metric

    def __call__(self, y: NDArray[Any], prediction: NDArray[np.float64], weight: Weight) -> float:
        if prediction.shape[1] == 2:
            return _best(self.metric, y, prediction, weight)[1]
        decided = tuned(self.metric, y, prediction, weight).settled(prediction)
        return of_settled(self.metric)(y, decided, weight)


def _best(
    metric: Metric, y: NDArray[Any], prediction: NDArray[np.float64], weight: Weight
) -> tuple[float | None, float]:
    """Return the best threshold between two classes, None if there is none, and the metric's value there."""
    thresholds, values = _curve(metric, y, prediction, weight)
    losses = -values if metric.greater_is_better else values
    if np.isnan(losses).all():
        return None, nan
    best = np.flatnonzero(losses == np.nanmin(losses))
    place = best[np.argmin(np.abs(thresholds[best] - 0.5))]
    return float(thresholds[place]), float(values[place])


def _curve(
    metric: Metric, y: NDArray[Any], prediction: NDArray[np.float64], weight: Weight
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return thresholds and the metric at each."""
    shares = prediction[:, 1]
    if not isinstance(metric.function, OfClasses):
        parts = np.linspace(0, 1, _GRID // 2)
        grid = np.unique([np.quantile(some, parts) for some in (shares, shares[y == 1]) if len(some)])
        thresholds = np.append(_between(grid, np.arange(len(grid) + 1)), 0.5)
        return thresholds, np.array([metric(y, Decision(each).settled(prediction), weight) for each in thresholds])
    order = np.argsort(shares)
    scores, positive = shares[order], y[order] == 1
    counted = np.ones(len(y)) if weight is None else weight[order]
    above = np.append(np.flatnonzero(np.append(True, scores[1:] != scores[:-1])), len(y))
    if len(above) > _THRESHOLDS:  # below as many rows of one class as of the other: one of the two may be rare
        rows = [_spread(np.flatnonzero(of_class), _THRESHOLDS // 2) for of_class in (positive, ~positive)]
        above = above[np.unique(np.searchsorted(above, np.concatenate([*rows, [0, len(y)]]), side="right") - 1)]
    # the rows below each threshold, by class
    negatives, positives = (np.append(0.0, np.cumsum(counted * rows))[above] for rows in (~positive, positive))
    matrices = [[negatives, negatives[-1] - negatives], [positives, positives[-1] - positives]]
    return _between(scores, above), metric.function.formula(np.moveaxis(np.array(matrices), -1, 0))


def _spread(rows: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """Return some of the rows, at equal distances from the first to the last."""
    return rows[np.linspace(0, len(rows) - 1, count).astype(np.intp)] if len(rows) else rows


def _between(scores: NDArray[np.float64], above: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return thresholds with so many of the rising probabilities below, midway to the next one."""
    below = np.append(0.0, scores)[above]
    middle = (below + np.append(scores, 1.0)[above]) / 2
    return np.asarray(np.where(above == 0, middle, np.maximum(middle, np.nextafter(below, 2))))
