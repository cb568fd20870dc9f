"""Random forest (Breiman 2001)."""

from __future__ import annotations

from typing import Final

from automl.models.base import Float, Int, Params, Shape, Space
from automl.models.forest import Forest

DEFAULTS: Final[Params] = {
    "trees": 200,
    "max_features": 0.75,
    "max_samples": 1.0,
    "min_samples_leaf": 1,
    "min_samples_split": 2,
}


class RandomForest(Forest):
    """Averaged trees, each on its own bootstrap sample."""

    name = "random_forest"
    tree, forest = "DecisionTree", "RandomForest"

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
