"""The objective of a linear model, loss + L2 or elastic-net penalty, and its solver."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.special import expit

from automl.data.table import ProblemType
from automl.deadline import Deadline
from automl.evaluation.regression import weighted_quantile
from automl.models.descent import minimised
from automl.models.target import softmax

SMOOTHING: Final = 0.05
"""Spreads of the target within which the corner of the pinball loss is round (Chen and Mangasarian 1996)."""
ITERATIONS: Final = 100
"""Iterations of L-BFGS for one penalty. The next one starts from here, so that a solution need not be exact."""


@dataclass(frozen=True, slots=True, eq=False)
class Penalised:
    """``mean loss + penalty * (ratio * |w| + (1 - ratio) / 2 * w^2)`` over weights; the bias is free.

    X : (rows, columns). y : (rows,) standardised values or class codes.
    A *point* is a flat array: weights, their negative parts if there is an L1 part, bias.
    """

    X: NDArray[np.float32] | csr_array
    y: NDArray[Any]
    problem_type: ProblemType
    outputs: int
    ratio: float
    weight: NDArray[np.float64] | None = None
    """(rows,) how much each row counts in the mean; None = all alike."""
    quantile: float | None = None
    """Regression: aim at this quantile instead of the mean."""

    def start(self, frequencies: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the point with no weights, whose bias alone gives the class frequencies, the mean or the quantile."""
        point = np.zeros(self._size * (1 + (self.ratio > 0)) + self.outputs)
        if self.problem_type is ProblemType.BINARY:
            point[-1] = np.log(frequencies[1] / frequencies[0])
        elif self.problem_type is ProblemType.MULTICLASS:
            point[-self.outputs :] = np.log(frequencies)
        elif self.quantile is not None:
            point[-1] = weighted_quantile(self.y, self.quantile, self.weight)
        return point

    def strongest(self, start: NDArray[np.float64]) -> float:
        """Return the penalty that keeps every weight at about 0."""
        slope = np.abs(self._loss(start)[1]).max(initial=0.0)
        return float(slope / max(self.ratio, 0.1)) or 1.0

    def solve(self, point: NDArray[np.float64], penalty: float, deadline: Deadline) -> NDArray[np.float64]:
        """Return a point near the minimum, or what was reached by the deadline.

        With an L1 part only the columns move that have a weight or a slope steeper than the penalty; a column that
        becomes steep on the way moves in the next call. In a text few of the thousands of words ever do.
        """
        if self.ratio == 0:
            return self._minimum(point, penalty, deadline)
        weights, _ = self.split(point)
        steep = np.abs(self._loss(point)[1]) > penalty * self.ratio
        moving = (steep.reshape(weights.shape) | (weights != 0)).any(axis=1)
        if moving.all():
            return self._minimum(point, penalty, deadline)
        cells = np.flatnonzero(np.repeat(moving, self.outputs))
        places = np.concatenate([cells, self._size + cells, 2 * self._size + np.arange(self.outputs)])
        solution = np.zeros_like(point)
        solution[places] = replace(self, X=self.X[:, moving])._minimum(point[places], penalty, deadline)
        return solution

    def _minimum(self, point: NDArray[np.float64], penalty: float, deadline: Deadline) -> NDArray[np.float64]:
        """Run the solver from a point."""
        from scipy.optimize import Bounds

        lowest = np.full(len(point), -np.inf)
        lowest[: 2 * self._size] = 0
        return minimised(
            partial(self._objective, penalty=penalty),
            point,
            deadline,
            bounds=Bounds(lowest, np.inf) if self.ratio > 0 else None,
            options={"maxiter": ITERATIONS, "ftol": 1e-7, "gtol": 1e-6},
        )

    def split(self, point: NDArray[np.float64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return weights (columns, outputs) and bias (outputs,)."""
        weights = point[: self._size]
        if self.ratio > 0:
            weights = weights - point[self._size : 2 * self._size]
        return weights.reshape(-1, self.outputs).astype(np.float32), point[-self.outputs :].astype(np.float32)

    @property
    def _size(self) -> int:
        return int(self.X.shape[1]) * self.outputs

    def _objective(self, point: NDArray[np.float64], penalty: float) -> tuple[float, NDArray[np.float64]]:
        """Return value and gradient at a point."""
        loss, slope, bias_slope = self._loss(point)
        l1, l2 = penalty * self.ratio, penalty * (1 - self.ratio)
        weights = point[: self._size]
        if self.ratio == 0:
            return loss + l2 / 2 * float(weights @ weights), np.concatenate([slope + l2 * weights, bias_slope])
        both = point[: 2 * self._size]
        weights = weights - point[self._size : 2 * self._size]
        slope = slope + l2 * weights
        value = loss + l2 / 2 * float(weights @ weights) + l1 * float(both.sum())
        return value, np.concatenate([slope + l1, l1 - slope, bias_slope])

    def _loss(self, point: NDArray[np.float64]) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
        """Return the mean loss and its gradients by weights and bias."""
        weights, bias = self.split(point)
        scores = np.asarray(self.X @ weights + bias, np.float64)
        rows = np.arange(len(self.y))
        if self.quantile is not None:
            away = (scores - self.y[:, None]) / SMOOTHING
            loss = SMOOTHING * self._mean(np.logaddexp(0, away) - self.quantile * away)
            error = expit(away) - self.quantile
        elif self.problem_type is ProblemType.REGRESSION:
            error = scores - self.y[:, None]
            loss = self._mean(np.square(error)) / 2
        elif self.problem_type is ProblemType.BINARY:
            signed = np.where(self.y[:, None] == 1, -scores, scores)
            loss = self._mean(np.logaddexp(0, signed))
            error = expit(scores) - self.y[:, None]
        else:
            error = softmax(scores)
            loss = -self._mean(np.log(np.maximum(error[rows, self.y], 1e-300)))
            error[rows, self.y] -= 1
        if self.weight is None:
            error /= len(rows)
        else:
            error *= (self.weight / self.weight.sum())[:, None]
        slope = np.asarray(self.X.T @ error.astype(np.float32), np.float64)
        return loss, slope.ravel(), error.sum(axis=0)

    def _mean(self, losses: NDArray[np.float64]) -> float:
        return float(losses.mean() if self.weight is None else np.average(losses.ravel(), weights=self.weight))
