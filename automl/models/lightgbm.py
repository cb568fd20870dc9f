"""LightGBM (Ke et al. 2017): leaf-wise trees on binned columns."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from automl.data.table import ProblemType
from automl.features.matrix import Matrix
from automl.formula.trees import summed
from automl.models.base import (
    Choice,
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
from automl.models.boosting import (
    FOUND,
    MOST_ROUNDS,
    Booster,
    RoundControl,
    Trained,
    boost,
    linked,
    means_if_monotone,
    objective_of,
    shrunk,
)
from automl.models.leaves import LeafTable
from automl.models.lightgbm_c import Trees
from automl.models.lightgbm_text import fields, tree_of
from automl.models.lookups import MANY

OBJECTIVES: Final = {
    ProblemType.BINARY: ("binary", "binary_logloss"),
    ProblemType.MULTICLASS: ("multiclass", "multi_logloss"),
    ProblemType.REGRESSION: ("regression", "rmse"),
    "quantile": ("quantile", "quantile"),
    "poisson": ("poisson", "rmse"),
    "tweedie": ("tweedie", "rmse"),
}
ENOUGH: Final = 10.0
"""Distance (rounds x learning rate) to plan for; measured on three tables, as for the other boosters."""
SECONDS_A_LEAF: Final = 4e-6
"""Writing a trained model as text and reading it."""

NAMES: Final = (
    "learning_rate",
    "num_leaves",
    "min_data_in_leaf",
    "feature_fraction",
    "bagging_fraction",
    "lambda_l1",
    "lambda_l2",
    "extra_trees",
    "cat_smooth",
    "cat_l2",
    "max_cat_to_onehot",
    "min_data_per_group",
)
PORTFOLIO: Final[tuple[tuple[Value, ...], ...]] = (
    (0.0398, 16, 1, 0.579, 0.959, 1.938, 2.990, False, 0.0215, 1.90, 27, 39),
    (0.0351, 64, 1, 0.668, 0.928, 1.013, 2.716, False, 0.137, 2.073, 20, 2),
    (0.0179, 39, 3, 0.462, 0.877, 1.238, 2.355, True, 15.4, 2.342, 16, 9),
    (0.0114, 84, 3, 0.528, 0.978, 1.027, 2.838, False, 0.0093, 2.155, 42, 75),
    (0.0413, 128, 9, 0.619, 0.884, 1.651, 1.74, False, 0.045, 2.661, 9, 3),
    (0.0074, 8, 15, 0.425, 0.722, 1.113, 2.262, True, 0.028, 1.89, 9, 10),
)
"""From TabRepo's portfolio (Salinas & Erickson 2024), by ``NAMES``, in the order in which they helped each other here.

Extra trees learn slowly and are best on small noisy tables; the fifth has them in TabRepo, and is better without.
"""

ESTIMATOR: Final = {
    "max_rounds": "n_estimators",
    "min_data_in_leaf": "min_child_samples",
    "feature_fraction": "colsample_bytree",
    "bagging_fraction": "subsample",
    "lambda_l1": "reg_alpha",
    "lambda_l2": "reg_lambda",
}
"""Names that LightGBM's estimators have for hyperparameters."""


@dataclass(frozen=True, eq=False)
class LightGBMModel(Model):
    """Trees up to the best round."""

    text: bytes
    """In LightGBM's text format."""
    classification: bool
    trained: Trained

    @cached_property
    def trees(self) -> Trees:
        """The model without data."""
        return Trees(self.text)

    @cached_property
    def leaves(self) -> LeafTable:
        """The trees for many rows."""
        return LeafTable.read(self.text, self.trees.outputs)

    def predict(self, X: Matrix) -> NDArray[np.float64]:
        """Sum the trees, with one thread."""
        many = X.rows >= MANY and self.leaves.quick_for(X.rows)
        margins = self.leaves.boosted(X.dense) if many else self.trees.raw(X.dense)
        return linked(margins, self.classification)

    def formula(self, X: Any) -> Any:
        """Return the same sums, which the text says in full."""
        trees, values = zip(*map(tree_of, fields(self.text)), strict=True)
        margins = summed(X, trees, np.concatenate(values), self.trees.outputs)
        return linked(margins, self.classification, self.trees.outputs)

    @property
    def details(self) -> Mapping[str, Value]:
        """How training went."""
        return self.trained.to_json()

    def save(self, folder: Path) -> None:
        """Write ``model.txt`` in LightGBM's text format, and ``model.json``."""
        (folder / "model.txt").write_bytes(self.text)
        record = {"classification": self.classification, "trained": self.trained.to_json()}
        (folder / "model.json").write_text(json.dumps(record), encoding="utf-8")


class LightGBM(Booster):
    """Leaf-wise boosting; the quickest of the boosters."""

    name = "lightgbm"
    library = "lightgbm"
    interactions = True
    deviances = True

    def portfolio(self, shape: Shape) -> tuple[Params, ...]:
        """Return tuned defaults (Holzmüller et al. 2024), then a spread of leaves, sampling and step lengths."""
        first = {name: self.defaults(shape)[name] for name in ("learning_rate", "num_leaves", "min_data_in_leaf")}
        return (first, *(dict(zip(NAMES, values, strict=True)) for values in PORTFOLIO))

    def space(self, shape: Shape) -> Space:
        """Return TabArena's space (Erickson et al. 2025)."""
        return {
            "learning_rate": Float(5e-3, 0.1, log=True),
            "num_leaves": Int(2, 200, log=True),
            "min_data_in_leaf": Int(1, 64, log=True),
            "feature_fraction": Float(0.4, 1.0),
            "bagging_fraction": Float(0.7, 1.0),
            "lambda_l1": Float(1e-4, 1.0),
            "lambda_l2": Float(1e-4, 2.0),
            "extra_trees": Choice((False, True)),
            "cat_smooth": Float(1e-3, 100.0, log=True),
            "cat_l2": Float(5e-3, 2.0, log=True),
            "max_cat_to_onehot": Int(8, 100, log=True),
            "min_data_per_group": Int(2, 100, log=True),
        }

    def defaults(self, shape: Shape) -> Params:
        """Return every hyperparameter's default for this problem."""
        classification = shape.problem_type.classification
        return {
            "learning_rate": 0.04 if classification else 0.05,
            "num_leaves": 50 if classification else 100,
            # on few rows, 40 a leaf would leave no tree to grow
            "min_data_in_leaf": max(3, min(40, shape.rows // 50)) if classification else 3,
            "feature_fraction": 1.0,
            "bagging_fraction": 0.75 if classification else 0.7,
            "lambda_l1": 0.0,
            "lambda_l2": 0.0,
            "extra_trees": False,
            "cat_smooth": 10.0,
            "cat_l2": 10.0,
            "max_cat_to_onehot": 4,
            "min_data_per_group": 100,
            "max_rounds": MOST_ROUNDS,
        }

    def fit(self, data: FoldData, params: Params, context: FitContext) -> Generator[Progress, None, Model]:
        """Boost until the validation loss no longer falls, or the deadline; keep the trees up to the best round."""
        chosen = complete(params, self.defaults(context.shape))
        most_rounds = int(chosen.pop("max_rounds"))
        rounds = _Rounds(data, chosen, means_if_monotone(context))
        control = RoundControl(
            learning_rate=float(chosen["learning_rate"]),
            rows=data.X_train.rows,
            enough=min(ENOUGH, context.enough),
            most_rounds=most_rounds,
            closing=SECONDS_A_LEAF * int(chosen["num_leaves"]) * context.shape.outputs,
        )
        yield from boost(rounds, control, context)
        # the text leaves training data and buffers behind, and makes this model equal to the one that is loaded
        text = rounds.booster.model_to_string(num_iteration=control.best_rounds).encode()
        return LightGBMModel(text, context.shape.problem_type.classification, control.trained())

    def load(self, folder: Path) -> Model:
        """Read ``model.txt`` and ``model.json``."""
        record = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        text = (folder / "model.txt").read_bytes()
        return LightGBMModel(text, record["classification"], Trained(**record["trained"]))

    def memory(self, shape: Shape, params: Params) -> int:
        """Return the peak bytes of one fit: bins by row and by column, scores, histograms of all leaves, the model."""
        leaves = min(int(complete(params, self.defaults(shape))["num_leaves"]), shape.rows)
        bins = 3 * shape.rows * shape.columns
        scores = 48 * shape.rows * shape.outputs
        histograms = leaves * 255 * shape.columns * 20
        model = 200 * leaves * shape.outputs * 1_000
        return 50_000_000 + bins + scores + histograms + model

    def estimator(self, params: Params, context: FitContext, details: Mapping[str, Value]) -> LibraryEstimator:
        """Return ``LGBMClassifier`` or ``LGBMRegressor`` with the rounds that were found."""
        chosen = complete(params, self.defaults(context.shape)) | {"learning_rate": details["learning_rate"]}
        chosen["max_rounds"] = details["best_rounds"]
        named = {ESTIMATOR.get(name, name): value for name, value in chosen.items()}
        named |= {"subsample_freq": 1, "random_state": context.random_state, "verbosity": -1}
        if context.quantile is not None or context.power is not None:
            named |= _objective(context)
        kind = "LGBMClassifier" if context.shape.problem_type.classification else "LGBMRegressor"
        return LibraryEstimator("lightgbm", kind, named, differs=(FOUND,))

    def preview(self, shape: Shape) -> Params:
        """Return few rounds of longer steps."""
        return {**super().preview(shape), "num_leaves": 31}


def _objective(context: FitContext) -> dict[str, Value]:
    """Return the settings of what is minimised."""
    settings: dict[str, Value] = {"objective": OBJECTIVES[objective_of(context)][0]}
    if context.quantile is not None:
        settings["alpha"] = context.quantile
    elif context.power is not None:
        settings["tweedie_variance_power"] = context.power
    return settings


class _Rounds:
    """LightGBM as rounds."""

    def __init__(self, data: FoldData, chosen: Params, context: FitContext) -> None:
        import lightgbm

        settings: dict[str, Any] = {
            **chosen,
            "lambda_l1": shrunk(float(chosen["lambda_l1"]), data.y_train, context),
            **_objective(context),
            "metric": OBJECTIVES[objective_of(context)][1],
            "bagging_freq": int(len(data.y_train) * float(chosen["bagging_fraction"]) >= 1),  # no bag may be empty
            "seed": context.random_state,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": context.threads,
            "feature_pre_filter": False,
            "verbosity": -1,
        }
        if context.shape.problem_type is ProblemType.MULTICLASS:
            settings["num_class"] = context.shape.n_classes
        sources = data.X_train.sources
        if directions := context.constraints.directions(sources):
            settings["monotone_constraints"] = directions
        if groups := context.constraints.groups(sources):
            settings["interaction_constraints"] = groups
        binning = ("lightgbm", context.random_state)
        train, valid = context.binned.get(data.X_train, data.X_valid, binning, lambda: _data_sets(data, context))
        self.booster = lightgbm.Booster(settings, train)
        self.booster.add_valid(valid, "valid")
        self._X_valid = data.X_valid
        self._context = context

    def advance(self) -> float | None:
        """Train one more round."""
        if self.booster.update():
            return None
        return float(self.booster.eval_valid()[0][2])

    def set_learning_rate(self, learning_rate: float) -> None:
        """Use this learning rate from the next round on."""
        self.booster.reset_parameter({"learning_rate": learning_rate})

    def prediction(self) -> NDArray[np.float64]:
        """Return what the trees so far predict for the validation rows."""
        threads = self._context.threads
        margins = np.asarray(self.booster.predict(self._X_valid.dense, num_threads=threads, raw_score=True))
        return linked(margins, self._context.shape.problem_type.classification)


def _data_sets(data: FoldData, context: FitContext) -> tuple[Any, Any]:
    """Bin the training rows, and the validation rows alike."""
    import lightgbm

    settings = {
        "seed": context.random_state,
        "feature_pre_filter": False,
        "num_threads": context.threads,
        "verbosity": -1,
    }
    train = lightgbm.Dataset(
        data.X_train.dense,
        label=data.y_train,
        weight=data.weight_train,
        categorical_feature=list(data.X_train.categorical),
        params=settings,
    ).construct()
    known = {"label": data.y_valid, "weight": data.weight_valid}
    valid = train.create_valid(data.X_valid.dense, **known, params=settings).construct()
    return train, valid
