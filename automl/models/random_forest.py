"""Random forest (Breiman 2001)."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Final

from automl.data.table import ProblemType
from automl.features.matrix import Needs
from automl.models.base import (
    Family,
    FitContext,
    Float,
    FoldData,
    Int,
    LibraryEstimator,
    Model,
    Params,
    Progress,
    Shape,
    Space,
    Value,
    complete,
)
from automl.models.forest import ForestModel, ForestPlan, estimator, forest_memory, grow

DEFAULTS: Final[Params] = {
    "trees": 200,
    "max_features": 0.75,
    "max_samples": 1.0,
    "min_samples_leaf": 1,
    "min_samples_split": 2,
}


class RandomForest(Family):
    """Averaged trees, each on its own bootstrap sample."""

    name = "random_forest"
    weighted = True

    def needs(self, params: Params) -> Needs:
        """Return numbers only; trees take NaN as they are."""
        return Needs(missing="native", categories="numbers")

    def portfolio(self, shape: Shape) -> tuple[Params, ...]:
        """Return a smooth one, unlike the extra trees, and AutoGluon's."""
        return (
            {"max_features": 0.5, "min_samples_leaf": 4, "max_samples": 0.7},
            {"max_features": 0.75, "min_samples_leaf": 1},
        )

    def space(self, shape: Shape) -> Space:
        """Return TabArena's space."""
        return {
            "max_features": Float(0.4, 1.0),
            "max_samples": Float(0.5, 1.0),
            "min_samples_leaf": Int(1, 16, log=True),
            "min_samples_split": Int(2, 4, log=True),
        }

    def defaults(self, shape: Shape) -> Params:
        """Return what holds for every problem."""
        return DEFAULTS

    def fit(self, data: FoldData, params: Params, context: FitContext) -> Generator[Progress, None, Model]:
        """Grow trees one by one until the deadline."""
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

        chosen = complete(params, DEFAULTS)
        kind = DecisionTreeClassifier if context.shape.problem_type.classification else DecisionTreeRegressor
        return (yield from grow(data, ForestPlan(kind, chosen, float(chosen["max_samples"])), context))

    def load(self, folder: Path) -> Model:
        """Read ``forest.npz``."""
        return ForestModel.load(folder)

    def memory(self, shape: Shape, params: Params) -> int:
        """Return the peak bytes of one fit."""
        return forest_memory(shape, int(complete(params, DEFAULTS)["trees"]))

    def stops(self, problem_type: ProblemType) -> bool:
        """Return that nothing is decided by validation rows."""
        return False

    def refit(self, params: Params, details: Mapping[str, Value]) -> Params:
        """Return them with the trees that were grown: validation rows decide nothing."""
        return {**params, "trees": details["rounds"]}

    def estimator(self, params: Params, context: FitContext, details: Mapping[str, Value]) -> LibraryEstimator:
        """Return ``RandomForestClassifier`` or ``RandomForestRegressor`` with the trees that were grown."""
        return estimator("RandomForest", complete(params, DEFAULTS), context, details)
