"""Intervals around predicted values that hold new values as often as they promise: conformal prediction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from automl.errors import UsageError
from automl.evaluation.metric import Weight

_LEVELS: Final = np.linspace(0.0, 1.0, 201)
_ROWS: Final = 50
"""Rows that the spread at a size of prediction is measured on."""
_BINS: Final = 20


@dataclass(frozen=True, slots=True, eq=False)
class Residuals:
    """How far the values of unseen rows were from their predictions, by the size of the prediction.

    Split conformal prediction (Vovk, Gammerman, Shafer 2005) on out-of-fold residuals with their sign, each divided by
    the spread of its neighbours (Papadopoulos et al. 2002), so that intervals are wider where errors are. The spread is
    the mean absolute residual in bins of the prediction, interpolated between the middles of the bins.

    The residuals are those of one fold's model each. New rows get the average of the folds, which is nearer to their
    values, so that intervals hold a little more often than promised: with few rows and boosting by one or two percent.

    >>> y = np.arange(1000.0)
    >>> residuals = Residuals.fit(y, y + np.tile([-1.0, 0.0, 0.0, 1.0], 250))
    >>> residuals.interval(np.array([5.0]), 0.9)
    array([[4., 6.]])
    """

    centers: NDArray[np.float64]
    """(bins,) the median prediction of each bin, rising."""
    spreads: NDArray[np.float64]
    """(bins,) the mean absolute residual of each bin, positive."""
    quantiles: NDArray[np.float64]
    """(201,) quantiles of (value - prediction) / spread at the levels 0, 0.005 .. 1."""
    rows: int
    """Rows that it was learned from; of weighted ones, how many of one weight would tell as much (Kish 1965)."""
    least: float
    """No value is expected below: 0 if there was none in training, or the least that is predicted."""

    @classmethod
    def fit(
        cls, y: NDArray[Any], prediction: NDArray[np.float64], weight: Weight = None, *, least: float = -inf
    ) -> Self:
        """Learn from (rows,) values and their out-of-fold predictions; with weights, that share of them is covered.

        ``least`` is the least value that is predicted.
        """
        residual = y - prediction
        order = np.argsort(prediction, kind="stable")
        bins = np.array_split(order, min(max(len(y) // _ROWS, 1), _BINS))
        size = np.abs(residual)
        smallest = max(1e-3 * float(np.average(size, weights=weight)), float(np.finfo(np.float32).tiny))
        some = [None if weight is None else weight[rows] for rows in bins]
        centers = np.array([_quantiles(prediction[rows], 0.5, w) for rows, w in zip(bins, some, strict=True)])
        means = [float(np.average(size[rows], weights=w)) for rows, w in zip(bins, some, strict=True)]
        spreads = np.maximum(means, smallest)
        quantiles = _quantiles(residual / np.interp(prediction, centers, spreads), _LEVELS, weight)
        told = len(y) if weight is None else max(1, round(weight.sum() ** 2 / np.square(weight).sum()))
        return cls(centers, spreads, quantiles, told, max(0.0 if np.min(y) >= 0 else -inf, least))

    @property
    def most(self) -> float:
        """The greatest coverage that so many residuals tell of: with n of them, (n - 1) / (n + 1)."""
        return (self.rows - 1) / (self.rows + 1)

    def interval(self, prediction: NDArray[np.float64], coverage: float) -> NDArray[np.float64]:
        """Return (rows, 2): the bounds between which the value lies with probability ``coverage``, 0 < coverage < 1.

        Those of more than ``most`` are as wide as those of ``most``.

        Raises
        ------
        UsageError
            If the coverage is not a probability.
        """
        if not isinstance(coverage, int | float | np.number) or not 0 < coverage < 1:
            raise UsageError(f"the coverage of an interval must lie between 0 and 1, such as 0.9; got {coverage!r}")
        # with n residuals a new one is below their k-th with probability k / (n + 1)
        level = min((1 + coverage) / 2 * (self.rows + 1) / self.rows, 1.0)
        below, above = np.interp([1 - level, level], _LEVELS, self.quantiles)
        spread = np.interp(prediction, self.centers, self.spreads)
        low = np.maximum(prediction + min(below, 0.0) * spread, self.least)
        return np.column_stack([np.minimum(low, prediction), prediction + max(above, 0.0) * spread])

    def to_json(self) -> dict[str, Any]:
        """Return the residuals as JSON values."""
        return {
            "centers": self.centers.tolist(),
            "spreads": self.spreads.tolist(),
            "quantiles": self.quantiles.tolist(),
            "rows": self.rows,
            "least": None if self.least == -inf else self.least,
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` wrote."""
        centers, spreads, quantiles = (
            np.array(record[name], np.float64) for name in ("centers", "spreads", "quantiles")
        )
        return cls(centers, spreads, quantiles, record["rows"], -inf if record["least"] is None else record["least"])


def _quantiles(values: NDArray[np.float64], levels: Any, weight: Weight) -> Any:
    if weight is None:
        return np.quantile(values, levels)
    return np.quantile(values, levels, weights=weight, method="inverted_cdf")
