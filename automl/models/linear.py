"""Logistic, softmax and linear regression with an L2 or elastic-net penalty, along a path of penalties.

One solver for all: L-BFGS-B (Byrd, Lu, Nocedal, Zhu 1995). An L1 part is smooth once a weight is the difference of two
that are not negative.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Final, cast

import numpy as np

from automl.data.table import ProblemType
from automl.features.matrix import Needs, ScalingMethod
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
from automl.models.path import STRENGTH, LinearModel, follow
from automl.models.target import BEYOND, Outcome

DEFAULTS: Final[Params] = {"scaling": "robust", "penalty": "l2", "l1_ratio": 0.5, STRENGTH: 0.0, "beyond": BEYOND}


class Linear(Family):
    """Generalised linear models."""

    name = "linear"
    problem_types = tuple(ProblemType)
    weighted = True

    def needs(self, params: Params) -> Needs:
        """Return scaled numbers, indicators and whole tf-idf columns, sparse where that is smaller."""
        scaling = cast(ScalingMethod, complete(params, DEFAULTS)["scaling"])
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
        """Follow the path of penalties; where the strength is known, to that."""
        chosen = complete(params, DEFAULTS)
        ratio = float(chosen["l1_ratio"]) if chosen["penalty"] == "elasticnet" else 0.0
        end = float(chosen[STRENGTH]) if STRENGTH in params else None
        return (yield from follow(data, context, ratio, end, float(chosen["beyond"])))

    def load(self, folder: Path) -> Model:
        """Read ``linear.npz``."""
        with np.load(folder / "linear.npz", allow_pickle=False) as file:
            arrays = dict(file)
        beyond = float(arrays.get("beyond", BEYOND))  # models of earlier versions do not tell
        facts = int(arrays["rows"]), float(arrays["penalty"]), int(arrays["rounds"]), beyond, str(arrays["stopped"])
        return LinearModel(arrays["weights"], arrays["bias"], Outcome.read(arrays), *facts)

    def settled(self, params: Params, details: Mapping[str, Value]) -> Params:
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
