"""The baseline: class frequencies or the mean, whatever the row. Always on the leaderboard, never fails."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from automl.data.table import ProblemType
from automl.evaluation.regression import weighted_quantile
from automl.features.matrix import Matrix, Needs
from automl.models.base import (
    Family,
    FitContext,
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
from automl.models.target import class_frequencies


@dataclass(frozen=True, slots=True)
class ConstantModel(Model):
    """One output for every row: a single value, or one probability a class."""

    output: tuple[float, ...]
    classification: bool

    def predict(self, X: Matrix) -> NDArray[np.float64]:
        """Repeat the output for each row."""
        if self.classification:
            return np.tile(np.array(self.output), (X.rows, 1))
        return np.full(X.rows, self.output[0])

    def formula(self, X: Any) -> Any:
        """Return the same: of no columns there is the sum 0 in each row."""
        outputs = X.sum(axis=1, keepdims=True).astype(np.float64) + np.array(self.output)
        return outputs if self.classification else outputs[:, 0]

    def save(self, folder: Path) -> None:
        """Write ``constant.json``."""
        record = {"output": self.output, "classification": self.classification}
        (folder / "constant.json").write_text(json.dumps(record), encoding="utf-8")


class Constant(Family):
    """Class frequencies, smoothed by one row a class, or the mean or quantile."""

    name = "constant"
    problem_types = tuple(ProblemType)
    baseline = True
    weighted = True
    monotone = True
    interactions = True

    def needs(self, params: Params) -> Needs:
        """Return that no column is looked at."""
        return Needs(blind=True)

    def portfolio(self, shape: Shape) -> tuple[Params, ...]:
        """Return the only configuration."""
        return ({},)

    def space(self, shape: Shape) -> Space:
        """Return nothing to search."""
        return {}

    def fit(self, data: FoldData, params: Params, context: FitContext) -> Generator[Progress, None, Model]:
        """Average the training target, also when the deadline has passed."""
        yield from ()
        complete(params, {})
        if not context.shape.problem_type.classification:
            y = data.y_train.astype(np.float64)
            if context.quantile is None:
                middle = float(np.average(y, weights=data.weight_train))
            else:
                middle = weighted_quantile(y, context.quantile, data.weight_train)
            return ConstantModel((middle,), classification=False)
        frequencies = class_frequencies(data.y_train, context.shape.n_classes, data.weight_train)
        return ConstantModel(tuple(frequencies.tolist()), classification=True)

    def load(self, folder: Path) -> Model:
        """Read ``constant.json``."""
        record = json.loads((folder / "constant.json").read_text(encoding="utf-8"))
        return ConstantModel(tuple(record["output"]), record["classification"])

    def stops(self, problem_type: ProblemType) -> bool:
        """Return that nothing is decided by validation rows."""
        return False

    def settled(self, params: Params, details: Mapping[str, Value]) -> Params:
        """Return the same: validation rows decide nothing."""
        return params

    def estimator(self, params: Params, context: FitContext, details: Mapping[str, Value]) -> LibraryEstimator:
        """Return scikit-learn's dummy."""
        if context.shape.problem_type.classification:
            return LibraryEstimator("sklearn.dummy", "DummyClassifier", {"strategy": "prior"})
        named: dict[str, object] = {"strategy": "mean"}
        if context.quantile is not None:
            named = {"strategy": "quantile", "quantile": context.quantile}
        return LibraryEstimator("sklearn.dummy", "DummyRegressor", named)

    def memory(self, shape: Shape, params: Params) -> int:
        """Return the bytes of one copy of the target."""
        return 8 * shape.rows
