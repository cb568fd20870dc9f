"""Predictors of one or more small models on a table of numbers with gaps, flags and categories."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl.blend import Blend
from automl.data.reading import Reading
from automl.data.schema import apply_schema, infer_schema
from automl.data.table import ProblemType, Schema, Task
from automl.evaluation.decision import Decision
from automl.evaluation.interval import Score
from automl.features.matrix import Matrix
from automl.features.pipeline import fit_features
from automl.models import transformed
from automl.models.base import FitContext, FoldData, Model, Params, Shape
from automl.models.registry import get_family
from automl.predictor import FoldModel, Part, Predictor

ROWS = 240
CLASSES = {ProblemType.BINARY: ("no", "yes"), ProblemType.MULTICLASS: (3, 5, 9)}
LEVELS = (0.1, 0.5, 0.9)
QUICK: dict[str, Params] = {
    "lightgbm": {"max_rounds": 12, "num_leaves": 12, "min_data_in_leaf": 3, "cat_smooth": 1.0, "min_data_per_group": 5},
    "catboost": {"max_rounds": 12, "depth": 4, "max_ctr_complexity": 1},
    "xgboost": {"max_rounds": 12, "max_depth": 4},
    "mlp": {"width": 8},
    "linear": {},
    "gaussian_process": {},
    "knn": {},
    "extra_trees": {"trees": 8},
    "random_forest": {"trees": 8},
    "constant": {},
}
"""What each family learns with."""
MOST_PROBABLE = Decision()


def messy() -> pd.DataFrame:
    """Numbers with gaps, far from zero, and with a code for missing; words, flags, numbers that are categories."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "size": rng.normal(size=ROWS),
            "price": np.where(rng.random(ROWS) < 0.1, -999.0, rng.gamma(2, 100, ROWS)),
            "stamp": rng.integers(10**11, 10**11 + 10**6, ROWS).astype(float),
            "paid": rng.choice(["yes", "no"], ROWS),
            "label": rng.choice(["a", "b, é", "c"], ROWS),
            "street": rng.choice([f"s{i}" for i in range(40)], ROWS),
            "zip": rng.choice([10115, 80331, 20095], ROWS).astype(float),
        }
    )
    return frame.mask(rng.random(frame.shape) < 0.05)


def run(fit: Any) -> Model:
    """Run a fit to its end."""
    while True:
        try:
            next(fit)
        except StopIteration as end:
            return end.value


def small(
    families: Sequence[tuple[str, Params]],
    problem_type: ProblemType,
    *,
    columns: Sequence[str] = (),
    amounts: bool = False,
    power: float | None = None,
    decision: Decision = MOST_PROBABLE,
    blend: Blend | None = None,
) -> Predictor:
    """Return an ensemble of families with parameters over their quick ones: each a member, trained on half of the rows.

    ``columns`` are those to learn from, all if there are none. With ``amounts`` or ``power`` the target is an amount,
    learned by its logarithm or a deviance.
    """
    raw = messy()
    kinds = {"street": "categorical", "label": "categorical", "zip": "categorical"}
    schema = infer_schema(raw, overrides=kinds)
    typed = apply_schema(raw, schema)
    signal = np.nan_to_num(typed["size"]) + (typed["label"] == 1) * 1.5 + typed["street"] % 3
    signal = np.asarray(signal + np.nan_to_num(typed["price"]) / 200)
    schema = Schema(tuple(column for column in schema.columns if not columns or column.name in columns))
    raw, typed = raw[[column.name for column in schema.columns]], typed[[column.name for column in schema.columns]]
    y, task = _target(np.exp(signal / 2) if amounts or power else signal, problem_type)
    parts = []
    for member, (name, params) in enumerate(families):
        family = get_family(name)
        shape = Shape(
            ProblemType.REGRESSION if task.levels else problem_type, ROWS // 2, 7, task.n_classes, skewed=amounts
        )
        chosen = {**QUICK[name], **params}
        features, X = fit_features(typed, y, schema, task, family.needs(chosen), random_state=0)
        context = FitContext(shape, power=power)
        model = run(transformed.fit(family, _halves(X, y), chosen, context, log=amounts, levels=task.levels))
        parts.append(Part(0, features, [FoldModel(member, 1.0, model)]))
    examples = raw.head(6).astype(object)
    return Predictor(
        schema=schema,
        task=task,
        metric="",
        score=Score(0.0, 0.0, 0.0),
        parts=parts,
        blend=blend or Blend(np.full(len(parts), 1 / len(parts))),
        residuals=None,
        decision=decision,
        coverage=(),
        reading=Reading("csv"),
        examples=examples.where(examples.notna(), None).to_dict("records"),
        manifest={"members": [{"candidate": f"{name}-{i}", "family": name} for i, (name, _) in enumerate(families)]},
        folder=Path(),
    )


def _target(signal: NDArray[np.float64], problem_type: ProblemType) -> tuple[NDArray[Any], Task]:
    if problem_type is ProblemType.BINARY:
        return (signal > np.median(signal)).astype(np.int64), Task("y", problem_type, "", CLASSES[problem_type])
    if problem_type is ProblemType.MULTICLASS:
        cuts = np.quantile(signal, [0.3, 0.6])
        return np.digitize(signal, cuts), Task("y", problem_type, "", CLASSES[problem_type])
    return signal, Task("y", problem_type, "", levels=LEVELS if problem_type is ProblemType.QUANTILE else ())


def _halves(X: Matrix, y: NDArray[Any]) -> FoldData:
    even = np.arange(X.rows) % 2 == 0
    train, valid = (
        Matrix(X.values[rows], X.names, X.categorical, X.cardinalities, X.sources) for rows in (even, ~even)
    )
    return FoldData(train, y[even], valid, y[~even])
