"""The covariance of a Gaussian process, and what the evidence of some training rows says about it.

Rasmussen, Williams, *Gaussian Processes for Machine Learning* (2006), chapters 4 and 5: every column has a length of
its own, within which the function hardly changes, so that columns that tell nothing lose their influence. Beside the
function of all columns stands a sum of functions of one column each (Duvenaud, Nickisch, Rasmussen 2011), which needs
far fewer rows where the target is such a sum, and a linear function.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from automl.deadline import Deadline
from automl.models.descent import minimised

Kind = Literal["matern", "rbf"]
Array = NDArray[np.float64]

ADDITIVE: Final = 30
"""Columns up to which there are functions of one column each: they take the time of as many functions of all."""
FEW: Final = 150
ITERATIONS: Final[Mapping[bool, int]] = {True: 30, False: 15}
"""By whether there are few rows. To the end would take twice as long, and suit new rows no better: with many columns
the lengths would fit the noise."""
SPREAD: Final = 1.5
"""Standard deviation that the logarithms of the columns' rates are expected to have."""
JITTER: Final = 2e-6
"""Added to a variance of 1, without which rounding would make the matrix indefinite."""
_BOUNDS: Final = ((-8.0, 4.0), (-12.0, 4.0), (-12.0, 4.0), (-10.0, 2.0), (-8.0, 8.0), (-8.0, 8.0))
"""Of the logarithms of the variances of interaction, sum, line and noise, and of two common rates."""
_START: Final = (0.0, -1.0, -1.0, -2.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Covariance:
    """``interaction * c(sum of rates * squared differences) + additive * mean of c(rate * squared difference) + line``.

    Functions are of standardised columns, and have values of spread 1.
    """

    kind: Kind
    """How smooth functions are: twice differentiable, or without any end."""
    interaction: float
    """Variance of the function of all columns."""
    rates: Array
    """(columns,) inverse squared lengths of it."""
    additive: float
    """Variance of the functions of one column each; 0 = there are none."""
    own_rates: Array
    """(columns,) inverse squared lengths of those."""
    linear: float
    """Variance of the weights of the line."""
    noise: float
    """Variance of what is no function of the columns."""

    def between(self, left: Array, right: Array) -> Array:
        """Return (left rows, right rows) covariances without line and noise."""
        from scipy.spatial.distance import cdist

        roots = np.sqrt(self.rates)
        squares = cdist(left * roots, right * roots, "sqeuclidean")
        found: Array = self.interaction * correlation(squares, self.kind)[0]
        for column in range(len(self.rates) if self.additive else 0):
            found += self.of_column(column, left[:, column], right[:, column])
        return found

    def of_column(self, column: int, left: Array, right: Array) -> Array:
        """Return (left values, right values) covariances of the function of one column."""
        share = self.additive / len(self.rates)
        squares = np.square(left[:, None] - right)
        return np.asarray(share * correlation(self.own_rates[column] * squares, self.kind)[0])


def correlation(squares: Any, kind: Kind) -> tuple[Any, Any]:
    """Return the correlation at squared distances, in lengths, and its slope.

    >>> value, slope = correlation(np.array([0.0, 1.0]), "rbf")
    >>> value.round(3).tolist(), slope.round(3).tolist()
    ([1.0, 0.607], [-0.5, -0.303])
    """
    if kind == "rbf":
        value = np.exp(squares * -0.5)
        return value, value * -0.5
    far = np.sqrt(squares * 5.0)
    falling = np.exp(-far)
    rising = far + 1.0
    return (rising + far * far / 3.0) * falling, rising * falling * (-5.0 / 6.0)


def learned(X: Array, y: Array, weight: Array, kind: Kind, deadline: Deadline) -> Covariance:
    """Return the covariance under which the targets are most likely, or the best so far at the deadline.

    Parameters
    ----------
    X : (rows, columns) standardised inputs; memory is columns times half the squared rows.
    y : (rows, outputs) standardised targets, which share the covariance.
    weight : (rows,) how often each row counts: the noise of a mean of as many.
    """
    point = np.concatenate([_START, np.zeros(X.shape[1])])
    bounds = [*_BOUNDS, *[(-8.0, 8.0)] * X.shape[1]]
    for rows in sorted({min(FEW, len(X)), len(X)}):  # a few rows lead near to what all of them say
        evidence = _Evidence(X[:rows], y[:rows], weight[:rows], kind)
        options = {"maxiter": ITERATIONS[rows <= FEW], "ftol": 1e-6}
        if not deadline.passed:
            point = minimised(evidence, point, deadline, bounds=bounds, options=options)
    return evidence.covariance(point)


class _Evidence:
    """The negative logarithm of the likelihood of a point: logarithms of variances and rates.

    Whatever all pairs of rows have is kept once for each pair, as ``scipy.spatial.distance.pdist`` does.
    """

    def __init__(self, X: Array, y: Array, weight: Array, kind: Kind) -> None:
        from scipy.spatial.distance import pdist, squareform

        self.y, self.kind = y, kind
        self.rows, self.columns = X.shape
        self.noise = 1 / weight
        self.squares = np.empty((self.columns, self.rows * (self.rows - 1) // 2), np.float32)
        for column in range(self.columns):
            self.squares[column] = pdist(X[:, column : column + 1], "sqeuclidean")
        products = X @ X.T
        self.line = squareform(products, checks=False)
        self.own_line = np.diag(products).copy()
        self.additive = 1 < self.columns <= ADDITIVE

    def covariance(self, point: Array) -> Covariance:
        """Return what a point stands for."""
        interaction, additive, linear, noise = np.exp(point[:4]).tolist()
        columns = max(self.columns, 1)
        return Covariance(
            self.kind,
            interaction=interaction,
            rates=np.exp(point[4] + point[6:]) / columns,
            additive=additive if self.additive else 0.0,
            own_rates=np.exp(point[5] + point[6:]),
            linear=linear / columns,
            noise=noise,
        )

    def __call__(self, point: Array) -> tuple[float, Array]:
        """Return value and gradient, both as a mean over the rows."""
        from scipy.linalg import lapack
        from scipy.spatial.distance import squareform

        known = self.covariance(point)
        rates = known.rates.astype(np.float32)
        joint, slope = correlation(rates @ self.squares, self.kind)
        pairs = known.interaction * joint.astype(np.float64) + known.linear * self.line + 1.0
        summed, slopes = np.zeros(len(pairs), np.float32), []
        for column in range(self.columns if self.additive else 0):
            alone, own_slope = correlation(np.float32(known.own_rates[column]) * self.squares[column], self.kind)
            summed += alone
            slopes.append(own_slope)
        share = known.additive / max(self.columns, 1)
        pairs += share * summed
        matrix = squareform(pairs)
        smooth = known.interaction + known.additive
        own = smooth + known.linear * self.own_line + 1.0
        matrix[np.diag_indices(self.rows)] = own + known.noise * self.noise + JITTER * (1 + smooth)
        root, failed = lapack.dpotrf(matrix, lower=1, clean=1)
        if failed:
            return 1e10, np.zeros_like(point)
        lower = lapack.dpotri(root, lower=1)[0]
        inverse = np.tril(lower) + np.tril(lower, -1).T
        fitted = inverse @ self.y
        outputs = self.y.shape[1]
        apart = point[6:] / SPREAD**2
        value = 0.5 * float((fitted * self.y).sum()) + outputs * float(np.log(np.diag(root)).sum())
        towards = 0.5 * (outputs * inverse - fitted @ fitted.T)
        own, pair = np.diag(towards), 2 * squareform(towards, checks=False)
        whole, pair32 = float(own.sum()), pair.astype(np.float32)
        by_rate = known.interaction * known.rates * (self.squares @ (pair32 * slope))
        by_own = np.zeros(self.columns)
        for column, own_slope in enumerate(slopes):
            own_slope *= self.squares[column]
            by_own[column] = share * known.own_rates[column] * float(own_slope @ pair32)
        by_sum = share * float(pair @ summed) + known.additive * whole
        gradient = np.concatenate(
            [
                [known.interaction * (float(pair @ joint) + whole), by_sum],
                [known.linear * (float(pair @ self.line) + float(own @ self.own_line))],
                [known.noise * float(own @ self.noise), by_rate.sum(), by_own.sum()],
                by_rate + by_own + apart,
            ]
        )
        return (value + float(point[6:] @ apart) / 2) / self.rows, gradient / self.rows
