"""Extremely randomised trees (Geurts, Ernst, Wehenkel 2006)."""

from __future__ import annotations

from typing import Final

from automl.models.base import Choice, Int, Params, Shape, Space
from automl.models.forest import Forest

DEFAULTS: Final[Params] = {"trees": 200, "max_features": 0.75, "min_samples_leaf": 1, "min_samples_split": 2}


class ExtraTrees(Forest):
    """Averaged trees with random thresholds; every tree sees every row."""

    name = "extra_trees"
    tree, forest = "ExtraTree", "ExtraTrees"

    def portfolio(self, shape: Shape) -> tuple[Params, ...]:
        """Return AutoGluon's two configurations and one with stronger column sampling."""
        return (
            {"max_features": 0.75, "min_samples_leaf": 1},
            {"max_features": 1.0, "min_samples_leaf": 4},
            {"max_features": "sqrt", "min_samples_leaf": 1},
        )

    def space(self, shape: Shape) -> Space:
        """Return TabArena's space."""
        return {
            "max_features": Choice((0.75, "sqrt", 0.5, 1.0)),
            "min_samples_leaf": Int(1, 16, log=True),
            "min_samples_split": Int(2, 32, log=True),
        }

    def defaults(self, shape: Shape) -> Params:
        """Return what holds for every problem."""
        return DEFAULTS
