"""Scaling of columns that are not 0 and 1."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from automl.features.matrix import ScalingMethod
from automl.formula.trees import cut, summed

QUANTILES: Final = 1000
TAIL: Final = 1e-5
"""Probability left beyond the outermost quantiles: about 4.3 standard deviations."""
TINY: Final = 1e-30
_NONE: Final = np.zeros(0)


@dataclass(frozen=True, slots=True, eq=False)
class Scaling:
    """Brings columns to a common size by statistics of the training rows.

    ``standard``: mean 0 and standard deviation 1. ``robust``: by median and quartiles, then ``x / sqrt(1 + (x/3)^2)``,
    which stays within 3 (Holzmüller, Grinsztajn, Steinwart 2024, RealMLP). ``quantile``: to normal scores.
    """

    method: ScalingMethod
    columns: NDArray[np.intp]
    """The columns that are scaled."""
    centers: NDArray[np.float64]
    factors: NDArray[np.float64]
    knots: NDArray[np.float64]
    """Quantile: the different training quantiles of all columns, one column after the other, rising."""
    scores: NDArray[np.float64]
    """Quantile: the normal scores of the knots."""
    lengths: tuple[int, ...]
    """Quantile: the number of knots of each column."""

    @classmethod
    def fit(cls, values: NDArray[np.float64], method: ScalingMethod, codes: tuple[int, ...] = ()) -> Scaling:
        """Learn from training columns without missing values; those that hold category codes stay as they are."""
        scaled = ~((values == 0) | (values == 1)).all(axis=0)
        scaled[list(codes)] = False
        columns = np.flatnonzero(scaled)
        scaling = cls(method, columns if method != "none" else columns[:0], _NONE, _NONE, _NONE, _NONE, ())
        inner = values[:, scaling.columns]
        match method:
            case "standard":
                spread = inner.std(axis=0)
                return replace(scaling, centers=inner.mean(axis=0), factors=_inverse(spread))
            case "robust":
                low, center, high = np.quantile(inner, (0.25, 0.5, 0.75), axis=0)
                whole = (inner.max(axis=0, initial=-np.inf) - inner.min(axis=0, initial=np.inf)) / 2
                return replace(scaling, centers=center, factors=_inverse(np.where(high > low, high - low, whole)))
            case "quantile":
                return _quantiles(scaling, inner)
        return scaling

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the columns scaled, (rows, columns)."""
        if not len(self.columns):
            return values
        scaled = values.copy()
        if self.method == "quantile":
            start = 0
            for column, length in zip(self.columns.tolist(), self.lengths, strict=True):
                end = start + length
                scaled[:, column] = np.interp(values[:, column], self.knots[start:end], self.scores[start:end])
                start = end
            return scaled
        inner = (values[:, self.columns] - self.centers) * self.factors
        if self.method == "robust":
            inner /= np.sqrt(1 + np.square(inner / 3))
        scaled[:, self.columns] = inner
        return scaled

    def formula(self, values: Any, width: int) -> Any:
        """Return the same of a symbol with so many columns."""
        if not len(self.columns):
            return values
        inner = values[:, self.columns]
        inner = self._interpolated(inner) if self.method == "quantile" else (inner - self.centers) * self.factors
        if self.method == "robust":
            inner = inner / np.sqrt(1 + np.square(inner / 3))
        places = np.arange(width)
        places[self.columns] = width + np.arange(len(self.columns))
        return np.concatenate([values, inner], axis=1)[:, places]

    def _interpolated(self, inner: Any) -> Any:
        """Return the symbol of the scores of the columns that are scaled: a tree for each finds the knot below."""
        ends = np.cumsum(self.lengths)
        starts = ends - self.lengths
        between = [self.knots[start + 1 : end - 1] for start, end in zip(starts, ends, strict=True)]
        trees = [cut(column, thresholds) for column, thresholds in enumerate(between)]
        found = [start + np.arange(len(each) + 1) for start, each in zip(starts, between, strict=True)]
        below = summed(inner, trees, np.concatenate(found), len(trees)).astype(np.int64)
        rise, run = (np.diff(each, append=each[-1:]) for each in (self.scores, self.knots))
        steps = np.divide(rise, run, out=np.zeros_like(rise), where=run > 0)  # no column looks beyond its last knot
        near = np.minimum(np.maximum(inner, self.knots[starts]), self.knots[ends - 1])
        return below.look_up(self.scores) + (near - below.look_up(self.knots)) * below.look_up(steps)


def _inverse(spread: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1 / spread, and 0 where nothing is spread."""
    return np.where(spread > TINY, 1 / np.maximum(spread, TINY), 0.0)


def _quantiles(scaling: Scaling, values: NDArray[np.float64]) -> Scaling:
    from scipy.special import ndtri

    levels = np.linspace(0, 1, min(QUANTILES, len(values)))
    normal = ndtri(np.clip(levels, TAIL, 1 - TAIL))
    knots, scores = [], []
    for column in np.quantile(values, levels, axis=0).T:
        different, place = np.unique(column, return_inverse=True)
        knots.append(different)
        scores.append(np.bincount(place, weights=normal) / np.bincount(place))  # equal values share their mean score
    return replace(
        scaling,
        knots=np.concatenate([_NONE, *knots]),
        scores=np.concatenate([_NONE, *scores]),
        lengths=tuple(len(column) for column in knots),
    )
