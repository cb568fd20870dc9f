"""Ensembles: weights on out-of-fold predictions, greedy or of a second layer, and an honest score for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import inf, isnan
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from automl.blend import Blend, shift, stack
from automl.deadline import NEVER, Deadline
from automl.evaluation.metric import Metric, Weight
from automl.evaluation.regression import TINY
from automl.evaluation.validation import make_folds

_SELECTION_ROWS: Final = 20_000
"""Rows that weights are chosen on at most: more do not change them, but cost time."""
_MEMBERS: Final = ((100, 4), (500, 8), (2_500, 15))
"""(rows, members): with so few rows, more members only fit the noise."""
_STEPS: Final = 25
"""Models, counted as often as they are in, that an average is of at most."""
_JUDGED: Final = 4
"""Models, the best by what stands for the metric, that are judged by the metric itself."""
_PATIENCE: Final = 8
"""Steps without a better ensemble after which the search ends."""
_WORTH: Final = 0.02
"""Share of what the ensemble gains over its best member that it may lose by being cheaper."""
_CELLS: Final = 4_000_000
"""Rows times classes times members that the second layer is fitted on at most."""
_SMALL: Final = 0.01
"""Share of the mean that is predicted at least by a metric to which 0 is infinitely wrong."""
_TINY: Final = 1e-15


def greedy_weights(
    predictions: Sequence[NDArray[np.float64]],
    y: NDArray[Any],
    metric: Metric,
    *,
    sample_weight: Weight = None,
    max_members: int | None = None,
    costs: Sequence[float] | None = None,
    deadline: Deadline = NEVER,
) -> NDArray[np.float64]:
    """Choose weights by greedy selection with replacement (Caruana et al. 2004).

    Starts with the best model, adds 24 times the model that makes the average best, and keeps the best ensemble on the
    way. Of equally good models one that is already in is taken, then the first. On the given rows the
    result is never worse than the best model alone.

    Parameters
    ----------
    predictions
        One array a model: (rows, k) probabilities or (rows,) values, out-of-fold. The most promising come first: where
        the time is short, the others are not looked at.
    y
        (rows,) class codes or values.
    sample_weight
        (rows,) how much each row counts; None = all alike.
    max_members
        Models with a weight at most; None = chosen by the number of rows.
    costs
        What serving each model costs, such as its bytes. The costliest members first, those are left out without which
        the ensemble loses next to nothing of what it gains over its best member; None = all that help stay.
    deadline
        When to stop with the best ensemble so far.

    Returns
    -------
    (models,) weights that sum to 1.

    >>> from automl.data.table import ProblemType
    >>> from automl.evaluation.metrics import get_metric
    >>> y = np.array([0.0, 1.0, 2.0, 3.0])
    >>> greedy_weights([y + 1, y - 1, y * 9], y, get_metric("rmse", ProblemType.REGRESSION))
    array([0.5, 0.5, 0. ])
    """
    members = max_members or next((limit for most, limit in _MEMBERS if len(y) <= most), _STEPS)
    judge = _Judge(metric, y, sample_weight)
    rows = judge.sample(_SELECTION_ROWS)
    some = judge.of(rows)
    losses = _losses([each[rows] for each in predictions], some)
    counts = _select(losses, len(predictions), members, deadline)
    if costs is not None:
        counts = _lightened(losses, counts, costs, deadline)
    weights: NDArray[np.float64] = counts / counts.sum()
    if some.direct and len(rows) == len(y):  # chosen by what it would be compared by
        return weights
    alone = np.fromiter(losses([], range(len(predictions))), np.float64)
    promising = np.argsort(alone, kind="stable")[:_JUDGED]
    singles = list(_in_time((judge(predictions[model]) for model in promising), deadline))
    best = promising[int(np.argmin(singles))]
    if judge(Blend(weights)(predictions)) > min(singles):
        weights = np.zeros(len(predictions))
        weights[best] = 1.0
    return weights


def choose_blend(
    predictions: Sequence[NDArray[np.float64]],
    y: NDArray[Any],
    metric: Metric,
    fold_of_row: NDArray[np.integer],
    *,
    levels: Sequence[float] = (),
    sample_weight: Weight = None,
    training_weight: Weight = None,
    positive: bool = False,
    max_members: int | None = None,
    costs: Sequence[float] | None = None,
    deadline: Deadline = NEVER,
) -> tuple[Blend, NDArray[np.float64]]:
    """Choose how the models become one ensemble: by greedy weights, or by a second layer fitted around them.

    The second layer of quantiles at ``levels`` only moves each of them to where it covers its share of the values.

    Each fold's rows are predicted by both as they were fitted on the other folds, of which there must be one at least,
    see :func:`~automl.evaluation.validation.parts_to_cross_fit`. The second layer, which also calibrates probabilities,
    is taken where it is better beyond noise by the squared error, or by the log loss or the Brier score and not worse
    by the other; also if the metric is of ranks or classes: these tell more of few rows, and calibrated probabilities
    are worth having.

    Parameters
    ----------
    sample_weight
        (rows,) how much each row counts in scores.
    training_weight
        (rows,) the same in fits, if classes are weighted there: the second layer is not to undo that.
    positive
        Whether no weight may be negative: then the ensemble rises with a column with which all its members rise.
    max_members, costs
        See :func:`greedy_weights`.
    deadline
        When to be done: all fits get an even share of the time, and end with the best that they have found by then.

    Returns
    -------
    The blend over all models, fitted on all rows, and its cross-fitted predictions. The score of these is honest: no
    weight has seen the rows that it is scored on.
    """
    if len(y) < 2:  # nothing to choose on: equal weights
        equal = Blend(np.full(len(predictions), 1 / len(predictions)))
        return equal, equal(predictions)
    judge = _Judge(metric, y, sample_weight, sample_weight if training_weight is None else training_weight)
    folds = np.unique(fold_of_row)
    blends = partial(_blends, levels=levels, positive=positive, max_members=max_members, costs=costs)
    ways = blends(predictions, judge, deadline=deadline.share(len(folds) + 1))
    honest = [np.empty_like(predictions[0]) for _ in ways]
    for number, fold in enumerate(folds):
        inside = np.flatnonzero(fold_of_row == fold)
        outside = np.flatnonzero(fold_of_row != fold)
        others = [each[outside] for each in predictions]
        share = deadline.share(len(folds) - number)
        for way, blend in enumerate(blends(others, judge.of(outside), deadline=share)):
            honest[way][inside] = blend([each[inside] for each in predictions])
    if len(ways) == 1:
        return ways[0], honest[0]
    better = judge(honest[1]) < judge(honest[0])
    taken = better if levels else (better or metric.surrogate is not None) and judge.clear(*honest)
    return ways[taken], honest[taken]


@dataclass(frozen=True, slots=True, eq=False)
class _Judge:
    """The target, the weights of its rows, and the metric: what predictions are compared by."""

    metric: Metric
    y: NDArray[Any]
    weight: Weight
    in_fits: Weight = None
    """How much rows count in the fit of a second layer."""

    def __call__(self, prediction: NDArray[np.float64]) -> float:
        """Return the loss; infinite where it is not defined."""
        loss = self.metric.loss(self.y, prediction, self.weight)
        return inf if isnan(loss) else loss

    @property
    def direct(self) -> bool:
        """Whether the metric itself is quick enough to choose by."""
        return self.metric.surrogate is None or len(self.y) < self.metric.surrogate_rows

    def clear(self, plain: NDArray[np.float64], refined: NDArray[np.float64]) -> bool:
        """Return whether refined predictions gain by every proper score, and by one of them beyond noise.

        By more than one standard error (Breiman et al. 1984): on few rows, what looks a little better is more often
        worse on new ones.
        """
        share = np.ones(len(self.y)) if self.in_fits is None else self.in_fits
        share = share / share.sum()
        gains = [before - after for before, after in zip(self._costs(plain), self._costs(refined), strict=True)]
        means = [float(share @ gain) for gain in gains]
        errors = [float(np.linalg.norm(share * (gain - mean))) for gain, mean in zip(gains, means, strict=True)]
        return min(means) > 0 and any(mean > error for mean, error in zip(means, errors, strict=True))

    def _costs(self, prediction: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """Return what each row costs by proper scores: log loss and Brier score, or squared error."""
        if prediction.ndim == 1:
            return [np.square(prediction - self.y)]
        places = np.arange(len(self.y)), self.y.astype(np.intp)
        away = prediction.copy()
        away[places] -= 1.0
        return [-np.log(np.maximum(prediction[places], _TINY)), np.square(away).sum(axis=1)]

    def of(self, rows: NDArray[np.intp]) -> _Judge:
        """Return the judge of some rows."""
        weight, in_fits = (None if each is None else each[rows] for each in (self.weight, self.in_fits))
        return replace(self, y=self.y[rows], weight=weight, in_fits=in_fits)

    def sample(self, most: int) -> NDArray[np.intp]:
        """Return the rows to choose on: all, or some of many."""
        if len(self.y) <= most:
            return np.arange(len(self.y))
        parts = make_folds(self.y, self.metric.problem_types[0], folds=-(-len(self.y) // most), random_state=0)
        return parts.split(0)[1]


def _blends(
    predictions: Sequence[NDArray[np.float64]],
    judge: _Judge,
    *,
    levels: Sequence[float],
    positive: bool,
    max_members: int | None,
    costs: Sequence[float] | None,
    deadline: Deadline,
) -> list[Blend]:
    """Return the ways to combine the models that a second layer can compete with, fitted on the given rows."""
    y, metric = judge.y, judge.metric
    weights = greedy_weights(
        predictions, y, metric, sample_weight=judge.weight, max_members=max_members, costs=costs, deadline=deadline
    )
    least = least_prediction(metric, y)
    average = Blend(weights, least=least)
    if levels:
        moved = shift(predictions, y, weights, levels, sample_weight=judge.weight)
        return [average, replace(moved, least=least)]
    if predictions[0].ndim == 1 and metric.surrogate != "squared_error":  # the second layer fits the mean
        return [average]
    if deadline.passed:
        return [average, average]
    cells = predictions[0].size // len(y) * int(np.count_nonzero(weights))
    rows = judge.sample(min(_SELECTION_ROWS, _CELLS // cells))
    some = judge.of(rows)
    chosen = [each[rows] for each in predictions]
    stacked = stack(chosen, some.y, weights, sample_weight=some.in_fits, deadline=deadline)
    stacked = replace(stacked, least=least)
    return [average, average if positive and stacked.weights.min() < 0 else stacked]


def least_prediction(metric: Metric, y: NDArray[Any]) -> float:
    """Return the least value to predict: 0 where no value is negative.

    A deviance of a positive value grows without end towards 0: where all are positive, the least of them is predicted
    at least, else a small share of their mean.
    """
    if y.dtype.kind != "f" or y.min() < 0:  # classes, or values without a floor
        return metric.least
    return (float(y.min()) or _SMALL * float(y.mean())) if metric.least == TINY else 0.0


Losses = Callable[[Sequence[int], Sequence[int]], Iterable[float]]
"""The losses of the average of the given models and each of some further ones."""


def _losses(predictions: Sequence[NDArray[np.float64]], judge: _Judge) -> Losses:
    """Return how averages are judged: by the metric, or all at once by what stands for it."""
    y, metric = judge.y, judge.metric
    if judge.direct:

        def judged(members: Sequence[int], further: Sequence[int]) -> Iterator[float]:
            total = np.sum([predictions[index] for index in members], axis=0) if members else 0.0
            return (judge((total + predictions[index]) / (len(members) + 1)) for index in further)

        return judged

    if metric.surrogate == "log_loss":
        table = np.stack([each[np.arange(len(y)), y.astype(np.intp)] for each in predictions])
    else:
        table = np.stack(predictions)

    def smooth(members: Sequence[int], further: Sequence[int]) -> list[float]:
        averages = (table[list(members)].sum(axis=0) + table[list(further)]) / (len(members) + 1)
        rows = -np.log(np.maximum(averages, _TINY)) if metric.surrogate == "log_loss" else np.square(averages - y)
        losses: list[float] = np.average(rows, axis=1, weights=judge.weight).tolist()
        return losses

    return smooth


def _in_time(losses: Iterable[float], deadline: Deadline) -> Iterator[float]:
    """Yield the first loss, and further ones until the deadline has passed."""
    for loss in losses:
        yield loss
        if deadline.passed:
            return


def _rounded(loss: float) -> float:
    """Return a loss without the last digits, in which equal ones differ by the order of their sums.

    >>> _rounded(0.1 + 0.2) == _rounded(0.3)
    True
    """
    return float(f"{loss:.10e}")


def _select(losses: Losses, models: int, most: int, deadline: Deadline) -> NDArray[np.int64]:
    """Return how often each model is in the best ensemble that was met."""
    everyone = range(models)
    alone = [_rounded(loss) for loss in _in_time(losses([], everyone), deadline)]
    members = [alone.index(min(alone))]
    best, best_loss = list(members), alone[members[0]]
    while len(members) < _STEPS and not deadline.passed:
        further = everyone if len(set(members)) < most else sorted(set(members))
        ranked = [
            (_rounded(loss), index not in members, index)
            for loss, index in zip(_in_time(losses(members, further), deadline), further, strict=False)
        ]
        loss, _, chosen = min(ranked)
        members.append(chosen)
        if loss < best_loss:
            best, best_loss = list(members), loss
        elif len(members) - len(best) >= _PATIENCE:
            break
    return np.bincount(best, minlength=models)


def _lightened(
    losses: Losses, counts: NDArray[np.int64], costs: Sequence[float], deadline: Deadline
) -> NDArray[np.int64]:
    """Return the counts without members that bring too little for their costs, the costliest first.

    What a member leaves goes to the one that makes the best of it.
    """

    def loss(counts: NDArray[np.int64]) -> float:
        *others, last = np.repeat(everyone, counts).tolist()
        return next(iter(losses(others, [last])))

    everyone = np.arange(len(counts))
    members = np.flatnonzero(counts).tolist()
    whole = loss(counts)
    most = whole + _WORTH * (min(losses([], members)) - whole)
    for member in sorted(members, key=lambda member: (-costs[member], -member)):
        rest = np.where(everyone == member, 0, counts)
        heirs = [rest + counts[member] * (everyone == heir) for heir in np.flatnonzero(rest)]
        if heirs and not deadline.passed:
            found = list(_in_time(map(loss, heirs), deadline))
            if min(found) <= most:
                counts = heirs[found.index(min(found))]
    return counts
