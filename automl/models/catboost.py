"""CatBoost (Prokhorenkova et al. 2018): symmetric trees, and target statistics for categories that do not leak."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from automl.data.table import ProblemType
from automl.deadline import Deadline
from automl.features.matrix import Matrix
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
    WARM_UP,
    Booster,
    RoundControl,
    Trained,
    linked,
    objective_of,
    rows_in_time,
)
from automl.models.catboost_trees import CatBoostTrees
from automl.models.lightgbm_c import FEW_ROWS
from automl.models.nested import NestedTrees
from automl.models.symmetric import SymmetricTrees

LOSSES: Final = {
    ProblemType.BINARY: "Logloss",
    ProblemType.MULTICLASS: "MultiClass",
    ProblemType.REGRESSION: "RMSE",
    "quantile": "Quantile:alpha={quantile}",
}
ENOUGH: Final = 30.0
"""Distance (rounds x learning rate) to plan for; symmetric trees are weak, and need more of them."""
_DEEPEST: Final = 16
"""Levels that a symmetric tree of CatBoost has at most."""
METRIC_PERIOD: Final = 5
"""Rounds between two losses: CatBoost copies all of them to Python each round, which adds up over thousands."""

PORTFOLIO: Final[tuple[Params, ...]] = (
    {"learning_rate": 0.0686, "depth": 6, "l2_leaf_reg": 2.15, "one_hot_max_size": 30, "max_ctr_complexity": 1},
    {"learning_rate": 0.0314, "depth": 8, "l2_leaf_reg": 2.80, "one_hot_max_size": 3, "max_ctr_complexity": 2}
    | {"grow_policy": "Depthwise"},
    {"learning_rate": 0.0494, "depth": 4, "l2_leaf_reg": 4.56, "one_hot_max_size": 10, "max_ctr_complexity": 1},
    {"learning_rate": 0.08, "depth": 7, "l2_leaf_reg": 1e-5, "one_hot_max_size": 15, "max_ctr_complexity": 1}
    | {"bootstrap_type": "Bernoulli", "subsample": 0.9},
    {"learning_rate": 0.05, "depth": 6, "l2_leaf_reg": 3.0, "one_hot_max_size": 2},
)
"""From TabRepo's portfolio (Salinas & Erickson 2024), tuned defaults (Holzmüller et al. 2024), the library's defaults.

One-hot up to thirty categories and no statistics of combined columns come first: several times quicker, and where time
is short so much better for it (RMSE of employee salaries after 4 s a fold: 8,080 instead of 8,400).
"""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a matrix is handed to CatBoost: the numeric columns, then the categorical ones as words."""

    numeric: tuple[int, ...]
    categorical: tuple[int, ...]
    cardinality: int
    """The highest of the categorical columns. Higher codes all become one word that training does not have."""

    @classmethod
    def of(cls, X: Matrix) -> Layout:
        """Read the kinds of the columns."""
        categorical = set(X.categorical)
        numeric = tuple(column for column in range(X.columns) if column not in categorical)
        return cls(numeric, X.categorical, max(X.cardinalities, default=0))

    def pool(self, X: Matrix, y: NDArray[np.generic] | None = None, weight: NDArray[np.float64] | None = None) -> Any:
        """Return a ``catboost.Pool``; ``FeaturesData`` is the quickest way in: 0.1 ms for one row."""
        import catboost

        values = X.dense
        numbers = words = None
        if self.numeric:
            numbers = np.ascontiguousarray(values[:, self.numeric]) if self.categorical else values
        if self.categorical:
            codes = np.nan_to_num(values[:, self.categorical], nan=-1.0)
            words = self._words()[np.clip(codes, -1, self.cardinality).astype(np.int64) + 1]
        return catboost.Pool(catboost.FeaturesData(numbers, words), label=y, weight=weight)

    def _words(self) -> NDArray[np.object_]:
        """Return a word for a missing code, each code, and a code that is too high."""
        return np.array([str(code).encode() for code in range(-1, self.cardinality + 1)], dtype=object)


@dataclass(frozen=True, eq=False)
class CatBoostModel(Model):
    """Trees up to the best round."""

    raw: bytes
    """In CatBoost's binary format."""
    layout: Layout
    classification: bool
    trained: Trained
    trees: SymmetricTrees | NestedTrees | None = None
    """The same trees for few rows."""

    @cached_property
    def booster(self) -> Any:
        """``catboost.CatBoost``."""
        import catboost

        return catboost.CatBoost().load_model(blob=self.raw, format="cbm")

    def predict(self, X: Matrix) -> NDArray[np.float64]:
        """Sum the trees, with one thread."""
        if self.trees is not None and X.rows <= FEW_ROWS:
            return linked(self.trees(X.dense), self.classification)
        raw = self.booster.predict(self.layout.pool(X), prediction_type="RawFormulaVal", thread_count=1)
        return linked(raw, self.classification)

    def formula(self, X: Any) -> Any:
        """Return the same sums, over the matrix and columns of what is asked about categories."""
        layout = self.layout
        trees = CatBoostTrees(self._json(), layout.numeric, layout.categorical, layout.cardinality)
        return linked(trees.formula(X, self._answering), self.classification, trees.outputs)

    def _json(self) -> Any:
        return orjson.loads(_written(self.booster, "json"))

    def _answering(self, model: Mapping[str, Any]) -> Callable[[NDArray[np.float32], int, int], NDArray[np.integer]]:
        """Return what tells the leaves of rows in a range of the trees of a model in CatBoost's JSON format."""
        booster = _read(orjson.dumps(model), "json")

        def leaves(values: NDArray[np.float32], start: int, end: int) -> NDArray[np.integer]:
            pool = self.layout.pool(Matrix(values, (), self.layout.categorical))
            return np.asarray(booster.calc_leaf_indexes(pool, start, end))

        return leaves

    @property
    def details(self) -> Mapping[str, Value]:
        """How training went."""
        return self.trained.to_json()

    def save(self, folder: Path) -> None:
        """Write ``model.cbm`` in CatBoost's binary format, and ``model.json``."""
        (folder / "model.cbm").write_bytes(self.raw)
        record = {
            "classification": self.classification,
            "numeric": self.layout.numeric,
            "categorical": self.layout.categorical,
            "cardinality": self.layout.cardinality,
            "trained": self.trained.to_json(),
        }
        (folder / "model.json").write_text(json.dumps(record), encoding="utf-8")

    def save_for_few_rows(self, folder: Path) -> None:
        """Write the trees once more, if they look at one column at a time."""
        model, layout = self._json(), self.layout
        trees: SymmetricTrees | NestedTrees | None
        if "oblivious_trees" in model:
            trees = SymmetricTrees.of(model, layout.numeric, layout.categorical, self._answers)
        else:
            columns = layout.numeric, layout.categorical, layout.cardinality
            trees = NestedTrees.of(model, *columns, self._answering)
        if trees is not None:
            trees.save(folder)

    def _answers(self, column: int) -> NDArray[np.bool_]:
        """Return (codes + 2, trees, depth) answers to the codes of a column, see :meth:`SymmetricTrees.of`."""
        layout = self.layout
        values = np.zeros((layout.cardinality + 2, len(layout.numeric) + len(layout.categorical)), np.float32)
        values[:, column] = np.arange(-1, layout.cardinality + 1)
        leaves = self.booster.calc_leaf_indexes(layout.pool(Matrix(values, (), layout.categorical)))
        return np.asarray(leaves[:, :, None] >> np.arange(_DEEPEST) & 1, np.bool_)


class CatBoost(Booster):
    """Boosting that is strong without tuning. On the CPU only: its GPU trainer cannot be stopped at a deadline."""

    name = "catboost"
    library = "catboost"

    def portfolio(self, shape: Shape) -> tuple[Params, ...]:
        """Return symmetric trees of depth 6, then a spread of depths and growing policies."""
        return PORTFOLIO

    def space(self, shape: Shape) -> Space:
        """Return TabArena's space (Erickson et al. 2025), with the bootstrap left open, and what is quick in it."""
        return {
            "learning_rate": Float(5e-3, 0.1, log=True),
            "depth": Int(4, 8),
            "grow_policy": Choice(("SymmetricTree", "Depthwise")),
            "bootstrap_type": Choice(("Bernoulli", "Bayesian")),
            "subsample": Float(0.7, 1.0, when=("bootstrap_type", ("Bernoulli",))),
            "bagging_temperature": Float(0.0, 1.0, when=("bootstrap_type", ("Bayesian",))),
            "colsample_bylevel": Float(0.85, 1.0),
            "l2_leaf_reg": Float(1e-4, 5.0, log=True),
            "leaf_estimation_iterations": Int(1, 20, log=True),
            "one_hot_max_size": Int(2, 100, log=True),
            "model_size_reg": Float(0.1, 1.5, log=True),
            "max_ctr_complexity": Int(1, 4),
        }

    def defaults(self, shape: Shape) -> Params:
        """Return every hyperparameter's default for this problem: CatBoost's own."""
        multiclass = shape.problem_type is ProblemType.MULTICLASS
        return {
            "learning_rate": 0.05,
            "depth": 6,
            "grow_policy": "SymmetricTree",
            "bootstrap_type": "Bayesian" if multiclass else "MVS",
            "subsample": 0.8,
            "bagging_temperature": 1.0,
            "colsample_bylevel": 1.0,
            "l2_leaf_reg": 3.0,
            "leaf_estimation_iterations": 10 if shape.problem_type is ProblemType.BINARY else 1,
            "one_hot_max_size": 2,
            "model_size_reg": 0.5,
            "max_ctr_complexity": 4,
            "max_rounds": MOST_ROUNDS,
        }

    def fit(self, data: FoldData, params: Params, context: FitContext) -> Generator[Progress, None, Model]:
        """Boost until the validation loss no longer falls, or the deadline; keep the trees up to the best round.

        If the first rounds show that the time is too short, training starts again with a higher learning rate, which
        CatBoost cannot change on the way; if even the highest is too low, on a part of the rows. Reports nothing on the
        way, since it cannot predict there.
        """
        yield from ()
        chosen = complete(params, self.defaults(context.shape))
        if (data.y_train == data.y_train[0]).all():
            chosen["bootstrap_type"] = "No"  # sampling by gradients fails where all of them are zero
        layout = Layout.of(data.X_train)
        if directions := context.constraints.directions(data.X_train.sources):
            chosen |= _ordered([directions[column] for column in (*layout.numeric, *layout.categorical)])
        train = layout.pool(data.X_train, data.y_train, data.weight_train)
        train.quantize(random_seed=context.random_state)  # once, however often it trains
        valid = layout.pool(data.X_valid, data.y_valid, data.weight_valid)
        most_rounds, rows = int(chosen.pop("max_rounds")), data.X_train.rows
        enough = min(ENOUGH, context.enough)
        control = RoundControl(float(chosen["learning_rate"]), rows, enough, most_rounds)
        booster = _train((train, valid), chosen, control, context)
        if control.learning_rate != chosen["learning_rate"]:
            chosen["learning_rate"] = control.learning_rate
            affordable = rows_in_time(rows, enough, control.seconds_per_round, context.deadline.remaining)
            if affordable < rows:
                drawn = np.random.default_rng(context.random_state).choice(rows, affordable, replace=False)
                train = train.slice(np.sort(drawn).tolist())
            control = RoundControl(control.learning_rate, affordable, enough, most_rounds, adapts=False)
            booster = _train((train, valid), chosen, control, context)
        raw = _written(booster, "cbm")
        return CatBoostModel(raw, layout, context.shape.problem_type.classification, control.trained())

    def load(self, folder: Path) -> Model:
        """Read ``model.cbm`` and ``model.json``."""
        record = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        layout = Layout(tuple(record["numeric"]), tuple(record["categorical"]), record["cardinality"])
        raw, trained = (folder / "model.cbm").read_bytes(), Trained(**record["trained"])
        trees = NestedTrees.load(folder, layout.categorical, layout.cardinality) or SymmetricTrees.load(folder)
        return CatBoostModel(raw, layout, record["classification"], trained, trees)

    def memory(self, shape: Shape, params: Params) -> int:
        """Return the peak bytes of one fit: bins, target statistics, approximations, histograms, the model."""
        leaves = 1 << int(complete(params, self.defaults(shape))["depth"])
        rows = shape.rows * (12 * shape.columns + 64 * shape.outputs + 1_000)
        histograms = leaves * 255 * shape.columns * 32 * shape.outputs
        model = 16 * leaves * shape.outputs * 1_000
        return 100_000_000 + rows + histograms + model

    def estimator(self, params: Params, context: FitContext, details: Mapping[str, Value]) -> LibraryEstimator:
        """Return ``CatBoostClassifier`` or ``CatBoostRegressor`` with the rounds that were found."""
        chosen = complete(params, self.defaults(context.shape)) | {"learning_rate": details["learning_rate"]}
        chosen = _used(chosen) | {"iterations": details["best_rounds"], "random_seed": context.random_state}
        chosen |= {"loss_function": LOSSES[objective_of(context)].format(quantile=context.quantile)}
        chosen |= {"allow_writing_files": False, "verbose": False}
        del chosen["max_rounds"]
        kind = "CatBoostClassifier" if context.shape.problem_type.classification else "CatBoostRegressor"
        return LibraryEstimator("catboost", kind, chosen, categorical="cat_features", differs=(FOUND,))


def _written(booster: Any, form: str) -> bytes:
    """Return a model as the file that CatBoost writes in this format."""
    with TemporaryDirectory() as folder:
        booster.save_model(str(Path(folder) / "model"), format=form)
        return (Path(folder) / "model").read_bytes()


def _read(content: bytes, form: str) -> Any:
    """Return the model in what CatBoost wrote in a format that it only reads from files."""
    import catboost

    with TemporaryDirectory() as folder:
        (Path(folder) / "model").write_bytes(content)
        return catboost.CatBoost().load_model(str(Path(folder) / "model"), format=form)


def _ordered(directions: Sequence[int]) -> dict[str, Value]:
    """Return what keeps predictions in order: no other trees can, and statistics of combinations hold numbers too."""
    written = f"({','.join(map(str, directions))})"
    return {"monotone_constraints": written, "grow_policy": "SymmetricTree", "max_ctr_complexity": 1}


def _used(chosen: Params) -> dict[str, Value]:
    """Return the hyperparameters without those that CatBoost refuses beside the kind of bootstrap."""
    used = {"Bayesian": "bagging_temperature", "No": ""}.get(str(chosen["bootstrap_type"]), "subsample")
    unused = {"bagging_temperature", "subsample"} - {used}
    return {name: value for name, value in chosen.items() if name not in unused}


def _train(pools: tuple[Any, Any], chosen: Params, control: RoundControl, context: FitContext) -> Any:
    """Train to the end that the control sees, or until it asks for another learning rate."""
    import catboost

    settings: dict[str, Any] = {
        **_used(chosen),
        "iterations": control.most_rounds,
        "loss_function": LOSSES[objective_of(context)].format(quantile=context.quantile),
        "metric_period": METRIC_PERIOD,
        "use_best_model": True,
        "allow_const_label": True,
        "random_seed": context.random_state,
        "thread_count": context.threads,
        "allow_writing_files": False,
    }
    if context.shape.problem_type is ProblemType.MULTICLASS:
        settings["classes_count"] = context.shape.n_classes
    elif context.shape.problem_type is ProblemType.BINARY:
        settings["class_names"] = [0, 1]
    booster = catboost.CatBoost(settings)
    watch = _Watch(control, context.deadline, settings["loss_function"])
    silence = io.StringIO()
    train, valid = pools
    booster.fit(train, eval_set=valid, callbacks=[watch], log_cout=silence, log_cerr=silence)
    return booster


class _Watch:
    """Asks the control after every round."""

    def __init__(self, control: RoundControl, deadline: Deadline, metric: str) -> None:
        self._control = control
        self._deadline = deadline
        self._metric = metric
        self._last = time.perf_counter()

    def after_iteration(self, info: Any) -> bool:
        """Return whether to go on."""
        now = time.perf_counter()
        seconds, self._last = now - self._last, now
        control, learning_rate = self._control, self._control.learning_rate
        loss = float(info.metrics["validation"][self._metric][-1])
        going = control.record(loss, seconds, self._deadline.remaining)
        # later, starting again would cost more than it gains
        control.adapts = control.adapts and control.rounds < WARM_UP
        return going and control.learning_rate == learning_rate
