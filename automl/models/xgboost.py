"""XGBoost (Chen & Guestrin 2016): second-order trees on binned columns."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from automl.data.table import ProblemType
from automl.features.matrix import CODES, Matrix
from automl.formula.trees import Tree, summed
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
from automl.models.xgboost_c import Trees

OBJECTIVES: Final = {
    ProblemType.BINARY: ("binary:logistic", "logloss"),
    ProblemType.MULTICLASS: ("multi:softprob", "mlogloss"),
    ProblemType.REGRESSION: ("reg:squarederror", "rmse"),
    "quantile": ("reg:quantileerror", "quantile"),
    "poisson": ("count:poisson", "rmse"),
    "tweedie": ("reg:tweedie", "rmse"),
}
LOGARITHMIC: Final = ("count:poisson", "reg:tweedie")
"""Objectives whose trees add up to a logarithm."""
MEDIAN: Final = ("reg:absoluteerror", "mae")
"""Instead of the quantile 0.5: absolute errors were 2 % lower on six tables, after half the rounds."""
ENOUGH: Final = 10.0
"""Distance (rounds x learning rate) to plan for."""
MAX_BIN: Final = 256

PORTFOLIO: Final[tuple[Params, ...]] = (
    {
        "learning_rate": 0.05,
        "grow_policy": "lossguide",
        "max_depth": 10,
        "max_leaves": 24,
        "min_child_weight": 3.0,
        "subsample": 0.8,
        "colsample_bynode": 0.6,
        "lambda": 1.0,
    },
    {"learning_rate": 0.0181, "max_depth": 10, "min_child_weight": 0.603, "colsample_bytree": 0.692, "lambda": 1.0},
    {"learning_rate": 0.0878, "max_depth": 5, "min_child_weight": 0.629, "colsample_bytree": 0.663, "lambda": 1.0},
)
"""Loss-guided trees of few leaves: quick, and nowhere bad; then a deep and a shallow one from TabRepo's portfolio."""

TUNED: Final[Mapping[bool, Params]] = {
    True: {"learning_rate": 0.08, "min_child_weight": 5e-6, "subsample": 0.65, "colsample_bylevel": 0.9},
    False: {"learning_rate": 0.05, "max_depth": 9, "min_child_weight": 2.0, "subsample": 0.7},
}
"""By whether it is classification."""
DEFAULTS: Final[Params] = {
    "learning_rate": 0.08,
    "max_depth": 6,
    "min_child_weight": 1.0,
    "subsample": 1.0,
    "colsample_bytree": 1.0,
    "colsample_bylevel": 1.0,
    "colsample_bynode": 1.0,
    "alpha": 0.0,
    "lambda": 0.0,
    "grow_policy": "depthwise",
    "max_leaves": 0,
    "max_rounds": MOST_ROUNDS,
}

ESTIMATOR: Final = {"max_rounds": "n_estimators", "lambda": "reg_lambda", "alpha": "reg_alpha"}
"""Names that XGBoost's estimators have for hyperparameters."""


@dataclass(frozen=True, eq=False)
class XGBoostModel(Model):
    """Trees up to the best round."""

    raw: bytes
    """In XGBoost's UBJSON format."""
    classification: bool
    trained: Trained
    leaves: LeafTable | None = None
    """The same trees without XGBoost."""

    @cached_property
    def trees(self) -> Trees:
        """The model in XGBoost's library."""
        return Trees(self.raw)

    def predict(self, X: Matrix) -> NDArray[np.float64]:
        """Sum the trees, with one thread; codes that training did not have go the way of missing values."""
        if self.leaves is None or not self.leaves.quick_for(X.rows):
            return linked(self.trees.margins(X.dense), self.classification)
        return linked(self.leaves.boosted(X.dense), self.classification)

    @property
    def details(self) -> Mapping[str, Value]:
        """How training went."""
        return self.trained.to_json()

    def save(self, folder: Path) -> None:
        """Write ``model.ubj`` and ``model.json``."""
        (folder / "model.ubj").write_bytes(self.raw)
        record = {"classification": self.classification, "trained": self.trained.to_json()}
        (folder / "model.json").write_text(json.dumps(record), encoding="utf-8")

    def save_for_few_rows(self, folder: Path) -> None:
        """Write the trees once more, see :mod:`automl.models.leaves`."""
        trees, values, base, columns = self._parsed()
        LeafTable.of(trees, values[:, None], base, columns).save(folder)

    def formula(self, X: Any) -> Any:
        """Return the sum of the trees, rounded as XGBoost does."""
        trees, values, base, _ = self._parsed()
        margins = (summed(X, trees, values, len(base)) + base).astype(np.float32)
        return linked(margins, self.classification, len(base))

    def _parsed(self) -> tuple[Sequence[Tree], NDArray[np.float32], NDArray[np.float32], int]:
        """Return the trees, what their leaves are worth, what the sums start from, and how many columns there are."""
        import xgboost

        learner = orjson.loads(xgboost.Booster(model_file=bytearray(self.raw)).save_raw("json"))["learner"]
        about = learner["learner_model_param"]
        model = learner["gradient_booster"]["model"]
        trees, values = zip(*map(_tree, model["trees"]), strict=True)
        base = np.array(json.loads(about["base_score"]), np.float32).reshape(-1)
        if learner["objective"]["name"] in LOGARITHMIC:
            base = np.log(base.astype(np.float64)).astype(np.float32)
        elif learner["objective"]["name"] == "binary:logistic":
            base = -np.log((1 / base - 1).astype(np.float64)).astype(np.float32)  # to the last bit, as C does
        base = np.broadcast_to(base, max(1, int(about["num_class"])))
        return trees, np.concatenate(values), base, int(about["num_feature"])


class XGBoost(Booster):
    """Level-wise or loss-guided boosting."""

    name = "xgboost"
    library = "xgboost"
    interactions = True
    deviances = True
    gpu = True

    def portfolio(self, shape: Shape) -> tuple[Params, ...]:
        """Return loss-guided trees, deep and shallow ones, and tuned defaults (Holzmüller et al. 2024)."""
        return (*PORTFOLIO, TUNED[shape.problem_type.classification])

    def space(self, shape: Shape) -> Space:
        """Return TabArena's space (Erickson et al. 2025)."""
        return {
            "learning_rate": Float(5e-3, 0.1, log=True),
            "max_depth": Int(4, 10, log=True),
            "min_child_weight": Float(1e-3, 5.0, log=True),
            "subsample": Float(0.6, 1.0),
            "colsample_bylevel": Float(0.6, 1.0),
            "colsample_bynode": Float(0.6, 1.0),
            "alpha": Float(1e-4, 5.0),
            "lambda": Float(1e-4, 5.0),
            "grow_policy": Choice(("depthwise", "lossguide")),
            "max_leaves": Int(8, 1024, log=True, when=("grow_policy", ("lossguide",))),
        }

    def defaults(self, shape: Shape) -> Params:
        """Return what holds for every problem."""
        return DEFAULTS

    def fit(self, data: FoldData, params: Params, context: FitContext) -> Generator[Progress, None, Model]:
        """Boost until the validation loss no longer falls, or the deadline; keep the trees up to the best round."""
        chosen = complete(params, DEFAULTS)
        most_rounds = int(chosen.pop("max_rounds"))
        rounds = _Rounds(data, chosen, means_if_monotone(context))
        enough = min(ENOUGH, context.enough)
        control = RoundControl(float(chosen["learning_rate"]), data.X_train.rows, enough, most_rounds)
        yield from boost(rounds, control, context)
        # the bytes leave training data behind, and make this model equal to the one that is loaded
        raw = bytes(rounds.booster[: control.best_rounds].save_raw("ubj"))
        return XGBoostModel(raw, context.shape.problem_type.classification, control.trained())

    def load(self, folder: Path) -> Model:
        """Read ``model.ubj`` and ``model.json``."""
        record = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        raw = (folder / "model.ubj").read_bytes()
        trained = Trained(**record["trained"])
        return XGBoostModel(raw, record["classification"], trained, LeafTable.load(folder))

    def memory(self, shape: Shape, params: Params) -> int:
        """Return the peak bytes of one fit: bins and their sketch, gradients, histograms of a level, the model."""
        chosen = complete(params, DEFAULTS)
        depth, most_leaves = int(chosen["max_depth"]), int(chosen["max_leaves"])
        leaves = min(1 << depth, most_leaves or shape.rows, shape.rows)
        bins = 4 * shape.rows * shape.columns
        gradients = 40 * shape.rows * shape.outputs
        histograms = leaves * MAX_BIN * shape.columns * 16
        model = 100 * leaves * shape.outputs * 1_000
        return 100_000_000 + bins + gradients + histograms + model

    def estimator(self, params: Params, context: FitContext, details: Mapping[str, Value]) -> LibraryEstimator:
        """Return ``XGBClassifier`` or ``XGBRegressor`` with the rounds that were found."""
        chosen = complete(params, DEFAULTS) | {"learning_rate": details["learning_rate"]}
        chosen["max_rounds"] = details["best_rounds"]
        named = {ESTIMATOR.get(name, name): value for name, value in chosen.items()}
        named |= {"tree_method": "hist", "enable_categorical": True, "random_state": context.random_state}
        if context.quantile is not None or context.power is not None:
            named |= _objective(context)[0]
        kind = "XGBClassifier" if context.shape.problem_type.classification else "XGBRegressor"
        return LibraryEstimator("xgboost", kind, named, differs=(FOUND,))


def _objective(context: FitContext) -> tuple[dict[str, Value], str]:
    """Return the settings of what is minimised, and the metric of the validation rows."""
    objective, metric = MEDIAN if context.quantile == 0.5 else OBJECTIVES[objective_of(context)]
    settings: dict[str, Value] = {"objective": objective}
    if context.quantile is not None and context.quantile != 0.5:
        settings["quantile_alpha"] = context.quantile
    elif context.power is not None and context.power != 1:
        settings["tweedie_variance_power"] = context.power
    return settings, metric


class _Rounds:
    """XGBoost as rounds."""

    def __init__(self, data: FoldData, chosen: Params, context: FitContext) -> None:
        import xgboost

        objective, metric = _objective(context)
        settings = {
            **chosen,
            "alpha": shrunk(float(chosen["alpha"]), data.y_train, context),
            **objective,
            "eval_metric": metric,
            "tree_method": "hist",
            "max_bin": MAX_BIN,
            "seed": context.random_state,
            "nthread": context.threads,
            "device": "cuda" if context.gpu else "cpu",
            "verbosity": 0,
        }
        if context.shape.problem_type is ProblemType.MULTICLASS:
            settings["num_class"] = context.shape.n_classes
        sources = data.X_train.sources
        if directions := context.constraints.directions(sources):
            settings["monotone_constraints"] = f"({','.join(map(str, directions))})"
        if groups := context.constraints.groups(sources):
            settings["interaction_constraints"] = str(groups)
        binning, build = ("xgboost", context.gpu), lambda: _data_sets(data, context)
        self._train, self._valid = context.binned.get(data.X_train, data.X_valid, binning, build)
        self.booster = xgboost.Booster(settings, [self._train, self._valid])
        self._classification = context.shape.problem_type.classification
        self._rounds = 0

    def advance(self) -> float:
        """Train one more round."""
        self.booster.update(self._train, self._rounds)
        self._rounds += 1
        return float(self.booster.eval_set([(self._valid, "valid")]).rpartition(":")[2])

    def set_learning_rate(self, learning_rate: float) -> None:
        """Use this learning rate from the next round on."""
        self.booster.set_param({"learning_rate": learning_rate})

    def prediction(self) -> NDArray[np.float64]:
        """Return what the trees so far predict for the validation rows; XGBoost keeps their sums."""
        return linked(self.booster.predict(self._valid, output_margin=True), self._classification)


def _data_sets(data: FoldData, context: FitContext) -> tuple[Any, Any]:
    """Bin the training rows; validation rows stay as they are, so that codes unknown to the bins cannot hurt."""
    import xgboost

    categorical = set(data.X_train.categorical)
    types = ["c" if column in categorical else "q" for column in range(data.X_train.columns)]
    common = {"feature_types": types, "enable_categorical": True, "nthread": context.threads}
    known = {"label": data.y_train, "weight": data.weight_train}
    train = xgboost.QuantileDMatrix(data.X_train.dense, **known, max_bin=MAX_BIN, **common)
    return train, xgboost.DMatrix(data.X_valid.dense, label=data.y_valid, weight=data.weight_valid, **common)


def _tree(record: Mapping[str, Any]) -> tuple[Tree, NDArray[np.float32]]:
    """Return a tree of XGBoost's JSON format, and what its leaves are worth."""
    left, right = np.array(record["left_children"]), np.array(record["right_children"])
    inner, leaf = np.flatnonzero(left >= 0), np.flatnonzero(left < 0)
    place = np.empty(len(left), np.intp)
    place[inner], place[leaf] = np.arange(len(inner)), -1 - np.arange(len(leaf))
    values = np.array(record["split_conditions"], np.float32)
    left, right = place[left[inner]], place[right[inner]]
    missing_left = np.array(record["default_left"], np.bool_)[inner]
    codes: dict[int, NDArray[np.integer]] = {}
    starts, sizes = record["categories_segments"], record["categories_sizes"]
    for node, start, size in zip(record["categories_nodes"], starts, sizes, strict=True):
        at = int(place[node])
        chosen = np.array(record["categories"][start : start + size], np.intp)  # these go right, missing as is said
        if missing_left[at]:
            left[at], right[at] = right[at], left[at]
        else:
            chosen = np.setdiff1d(np.arange(CODES + 1), chosen)
        codes[at] = chosen
    feature = np.array(record["split_indices"], np.intp)[inner]
    below = np.nextafter(values[inner], np.float32(-np.inf))  # XGBoost asks for x < threshold
    return Tree(feature, below, missing_left, left, right, codes), values[leaf]
