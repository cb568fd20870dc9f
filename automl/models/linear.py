"""Logistic, softmax and linear regression with an L2 or elastic-net penalty, along a path of penalties.

One solver for all: L-BFGS-B (Byrd, Lu, Nocedal, Zhu 1995). An L1 part is smooth once a weight is the difference of two
that are not negative. The path starts where every weight is about 0 and is followed, each solution the start of the
next (Friedman, Hastie, Tibshirani 2010), until the validation loss gets worse: its strength needs no search.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from automl.data.table import ProblemType
from automl.features.matrix import Matrix, Needs, Scaling
from automl.models.affine import BlasThreads, affine, bounded
from automl.models.base import (
    Choice,
    Family,
    FitContext,
    Float,
    FoldData,
    LibraryEstimator,
    Model,
    Params,
    Progress,
    Shape,
    Space,
    Value,
    complete,
)
from automl.models.penalised import Penalised
from automl.models.target import BEYOND, Outcome, stopping_loss

STEPS: Final = 14
STEP: Final = 10**-0.5
"""Factor from one penalty of the path to the next: 14 of them span seven decades."""
PATIENCE: Final = 2
AFAR: Final = 0.5
"""Share of the training range by which a prediction may leave it where no validation row speaks against it: lines go
on, but a few columns with heavy tails must not take them anywhere."""
_EQUAL: Final = 1e-6
"""Relative difference of penalties that are the same."""

STRENGTH: Final = "strength"
"""The penalty at which the path ends, where it is known; how far predictions may leave the range is known then, too."""

DEFAULTS: Final[Params] = {"scaling": "robust", "penalty": "l2", "l1_ratio": 0.5, STRENGTH: 0.0, "beyond": BEYOND}


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
        return self._finish(affine(bounded(X.values), self.weights, self.bias))

    def formula(self, X: Any) -> Any:
        """Return what ``predict`` does, as a symbol of the columns."""
        return self._finish(affine(bounded(X), self.weights, self.bias))

    def _finish(self, scores: NDArray[np.float32]) -> NDArray[np.float64]:
        if len(self.outcome.frequencies) == 2:
            scores = np.column_stack([np.zeros_like(scores), scores])
        return self.outcome.predictions(scores, self.rows)

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


class Linear(Family):
    """Generalised linear models."""

    name = "linear"
    problem_types = tuple(ProblemType)
    weighted = True

    def needs(self, params: Params) -> Needs:
        """Return scaled numbers, indicators and whole tf-idf columns, sparse where that is smaller."""
        scaling = cast(Scaling, complete(params, DEFAULTS)["scaling"])
        return Needs("impute", "onehot", scaling, text="tfidf", sparse=True)

    def portfolio(self, shape: Shape) -> tuple[Params, ...]:
        """Return one of each scaling; the second selects columns, the last one is plain ridge regression."""
        return (
            {"scaling": "robust", "penalty": "l2"},
            {"scaling": "standard", "penalty": "elasticnet", "l1_ratio": 0.5},
            {"scaling": "quantile", "penalty": "l2"},
            {"scaling": "standard", "penalty": "l2"},
        )

    def space(self, shape: Shape) -> Space:
        """Return scaling and kind of penalty; its strength is found on the path."""
        return {
            "scaling": Choice(("robust", "standard", "quantile")),
            "penalty": Choice(("l2", "elasticnet")),
            "l1_ratio": Float(0.05, 1.0, when=("penalty", ("elasticnet",))),
        }

    def defaults(self, shape: Shape) -> Params:
        """Return what holds for every problem."""
        return DEFAULTS

    def fit(self, data: FoldData, params: Params, context: FitContext) -> Generator[Progress, None, Model]:
        """Follow the path until two solutions in a row gain nothing on the validation rows, or the deadline.

        Where the penalty is known, to that, and validation rows decide nothing.
        """
        chosen, known = complete(params, DEFAULTS), STRENGTH in params
        ratio = float(chosen["l1_ratio"]) if chosen["penalty"] == "elasticnet" else 0.0
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
        blas = BlasThreads(context.threads)
        point = objective.start(outcome.frequencies)
        best = LinearModel(*objective.split(point), outcome, len(y))
        prediction = best.predict(data.X_valid)
        lowest = stopping_loss(data, prediction, context)
        worse, stopped, rounds = 0, "rounds", 0
        strongest = objective.strongest(point)
        path = [strongest * STEP**step for step in range(STEPS)]
        if known:
            end = float(chosen[STRENGTH])  # 0 = where the path starts
            path = [*(each for each in path if each > end * (1 + _EQUAL)), end] if end else []
        for penalty in path:
            if stopped == "early" or context.deadline.passed:
                break
            with blas.limited():
                point = objective.solve(point, penalty, context.deadline)
            rounds += 1
            model = LinearModel(*objective.split(point), outcome, len(y), penalty)
            candidate = model.predict(data.X_valid)
            loss = stopping_loss(data, candidate, context)
            if known or loss < lowest:
                worse, lowest, best, prediction = 0, loss, model, candidate
            elif model.weights.any():  # a path with an L1 part begins without weights: there is nothing to judge yet
                worse += 1
            if worse == PATIENCE:
                stopped = "early"
            for rung in [rung for rung, share in enumerate(context.rungs) if rounds - 1 < share * STEPS <= rounds]:
                yield Progress(rung, prediction)
        if context.deadline.passed and stopped == "rounds":
            stopped = "deadline"
        beyond = float(chosen["beyond"]) if known else AFAR
        outcome, _ = Outcome.of(data.y_train, context.shape, data.weight_train, beyond)
        further = replace(best, outcome=outcome, beyond=beyond)
        if known or stopping_loss(data, further.predict(data.X_valid), context) <= lowest:
            best = further
        return replace(best, rounds=rounds, stopped=stopped)

    def load(self, folder: Path) -> Model:
        """Read ``linear.npz``."""
        with np.load(folder / "linear.npz", allow_pickle=False) as file:
            arrays = dict(file)
        beyond = float(arrays.get("beyond", BEYOND))  # models of earlier versions do not tell
        facts = int(arrays["rows"]), float(arrays["penalty"]), int(arrays["rounds"]), beyond, str(arrays["stopped"])
        return LinearModel(arrays["weights"], arrays["bias"], Outcome.read(arrays), *facts)

    def refit(self, params: Params, details: Mapping[str, Value]) -> Params:
        """Return them with the penalty that was best, and how far predictions may go."""
        return {**params, STRENGTH: details["penalty"], "beyond": details.get("beyond", BEYOND)}

    def estimator(self, params: Params, context: FitContext, details: Mapping[str, Value]) -> LibraryEstimator:
        """Return scikit-learn's model with the penalty that was found."""
        chosen, penalty = complete(params, DEFAULTS), float(details["penalty"]) or 1e3
        ratio = float(chosen["l1_ratio"]) if chosen["penalty"] == "elasticnet" else 0.0
        module, rows = "sklearn.linear_model", context.shape.rows
        named: dict[str, object]
        if context.shape.problem_type.classification:
            named = {"C": 1 / (penalty * rows), "max_iter": 2_000, "random_state": context.random_state}
            named |= {"l1_ratio": ratio, "solver": "saga"} if ratio else {}
            return LibraryEstimator(module, "LogisticRegression", named)
        if not ratio:
            return LibraryEstimator(module, "Ridge", {"alpha": penalty * rows}, scaled_target=True)
        named = {"alpha": penalty, "l1_ratio": ratio, "max_iter": 5_000}
        return LibraryEstimator(module, "ElasticNet", named, scaled_target=True)

    def memory(self, shape: Shape, params: Params) -> int:
        """Return the peak bytes of one fit: two copies of the inputs, scores, gradients, and L-BFGS's 10 pairs."""
        return 8 * shape.rows * shape.columns + 8 * shape.outputs * (6 * shape.rows + 2 * 30 * shape.columns)
