"""A linear model along a path of penalties.

The path starts where every weight is about 0 and is followed, each solution the start of the next (Friedman, Hastie,
Tibshirani 2010), until the validation loss gets worse: the strength of a penalty needs no search.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from automl.features.matrix import Matrix
from automl.models.affine import affine, bounded
from automl.models.base import FitContext, FoldData, Model, Progress, Value
from automl.models.penalised import Penalised
from automl.models.target import BEYOND, Outcome, stopping_loss
from automl.threads import limited_threads

STRENGTH: Final = "strength"
"""The hyperparameter of families that follow the path: the penalty at which it ends, where that is known."""
STEPS: Final = 14
STEP: Final = 10**-0.5
"""Factor from one penalty of the path to the next: 14 of them span seven decades."""
PATIENCE: Final = 2
AFAR: Final = 0.5
"""Share of the training range by which a prediction may leave it where no validation row speaks against it: lines go
on, but a few columns with heavy tails must not take them anywhere."""
_EQUAL: Final = 1e-6
"""Relative difference of penalties that are the same."""


@dataclass(frozen=True, slots=True, eq=False)
class LinearModel(Model):
    """Weights (columns, outputs) and bias (outputs,); the class frequencies count as one more training row."""

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    outcome: Outcome
    rows: int
    penalty: float = 0.0
    rounds: int = 0
    beyond: float = BEYOND
    """Share of the training range by which a prediction may leave it."""
    stopped: str = "rounds"

    def predict(self, X: Matrix) -> NDArray[np.float64]:
        """Return scores as values within the bounds of the target, or as probabilities."""
        return self.outcome.predictions_of_outputs(affine(bounded(X.values), self.weights, self.bias), self.rows)

    def formula(self, X: Any) -> Any:
        """Return what ``predict`` does, as a symbol of the columns."""
        return self.outcome.predictions_of_outputs(affine(bounded(X), self.weights, self.bias), self.rows)

    @property
    def details(self) -> Mapping[str, Value]:
        """Penalties tried, the chosen one, weights in use, how far predictions may go, and why the path ended."""
        used = int(np.count_nonzero(np.abs(self.weights).max(axis=1, initial=0.0)))
        return {
            "rounds": self.rounds,
            "penalty": self.penalty,
            "columns": used,
            "beyond": self.beyond,
            "stopped": self.stopped,
        }

    def save(self, folder: Path) -> None:
        """Write ``linear.npz``."""
        np.savez(
            folder / "linear.npz",
            weights=self.weights,
            bias=self.bias,
            **self.outcome.arrays(),
            rows=self.rows,
            penalty=self.penalty,
            rounds=self.rounds,
            beyond=self.beyond,
            stopped=self.stopped,
        )


def follow(
    data: FoldData, context: FitContext, ratio: float, end: float | None = None, beyond: float = BEYOND
) -> Generator[Progress, None, LinearModel]:
    """Follow the path until two solutions in a row gain nothing on the validation rows, or the deadline.

    Parameters
    ----------
    ratio
        Share of the penalty that is of absolute values; 0 = all of it is of squares.
    end
        The penalty at which the path ends, 0 = where it starts, if it is known: validation rows decide nothing then.
    beyond
        How far predictions may leave the training range where the end is known, see ``LinearModel.beyond``.
    """
    outcome, y = Outcome.of(data.y_train, context.shape, data.weight_train)
    objective = Penalised(
        bounded(data.X_train.values),
        y,
        context.shape.problem_type,
        context.shape.outputs,
        ratio,
        data.weight_train,
        context.quantile,
    )
    point = objective.start(outcome.frequencies)
    best = LinearModel(*objective.split(point), outcome, len(y))
    prediction = best.predict(data.X_valid)
    lowest = stopping_loss(data, prediction, context)
    worse, stopped, rounds = 0, "rounds", 0
    strongest = objective.strongest(point)
    path = [strongest * STEP**step for step in range(STEPS)]
    if end is not None:
        path = [*(each for each in path if each > end * (1 + _EQUAL)), end] if end else []
    for penalty in path:
        if stopped == "early" or context.deadline.passed:
            break
        with limited_threads(context.threads):
            point = objective.solve(point, penalty, context.deadline)
        rounds += 1
        model = LinearModel(*objective.split(point), outcome, len(y), penalty)
        candidate = model.predict(data.X_valid)
        loss = stopping_loss(data, candidate, context)
        if end is not None or loss < lowest:
            worse, lowest, best, prediction = 0, loss, model, candidate
        elif model.weights.any():  # a path with an L1 part begins without weights: there is nothing to judge yet
            worse += 1
        if worse == PATIENCE:
            stopped = "early"
        for rung in [rung for rung, share in enumerate(context.rungs) if rounds - 1 < share * STEPS <= rounds]:
            yield Progress(rung, prediction)
    if context.deadline.passed and stopped == "rounds":
        stopped = "deadline"
    beyond = AFAR if end is None else beyond
    outcome, _ = Outcome.of(data.y_train, context.shape, data.weight_train, beyond)
    further = replace(best, outcome=outcome, beyond=beyond)
    if end is not None or stopping_loss(data, further.predict(data.X_valid), context) <= lowest:
        best = further
    return replace(best, rounds=rounds, stopped=stopped)
