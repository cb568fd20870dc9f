"""Gaussian process: a smooth function of the columns, each with a length of its own that the evidence chooses.

Where the truth is smooth, tables of some hundred rows tell more than trees can cut out of them. Of many rows the
covariance with some of them stands for the rest (subset of regressors; Quiñonero-Candela, Rasmussen 2005). Classes are
learned by logistic regression on the same functions; the covariance is that of their 0 / 1 indicators.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from automl.data.table import ProblemType
from automl.features.matrix import Matrix, Needs, ScalingMethod
from automl.models.affine import FAR, affine, bounded
from automl.models.base import (
    Choice,
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
from automl.models.covariance import Array, Covariance, Kind, correlation, learned
from automl.models.path import AFAR, STRENGTH, follow
from automl.models.target import Outcome
from automl.threads import limited_threads

ROWS: Final = 500
"""Training rows whose evidence is asked, at most."""
PAIRS: Final = 20_000_000
"""Pairs of these rows times columns, at most: wide tables ask fewer rows."""
LANDMARKS: Final[Mapping[bool, int]] = {True: 400, False: 1_000}
"""Rows that stand for the rest, by whether there are classes."""
MOST_ROWS: Final = 50_000
"""Training rows of classes, which logistic regression passes many times."""
JUDGES: Final = 10_000
"""Validation rows that say where logistic regression ends."""
CHUNK: Final = 1_024
KNOTS: Final = 256
"""Values of a column at which its own function is kept; it is a line between them, and constant beyond."""
NEGLIGIBLE: Final = 1e-9
"""Share of the largest eigenvalue below which a direction is rounding."""

DEFAULTS: Final[Params] = {"scaling": "standard", "kernel": "matern", STRENGTH: 0.0}


@dataclass(frozen=True, slots=True, eq=False)
class GaussianProcessModel(Model):
    """Weights of the covariances with landmarks, of a line, and functions of one column each.

    The class frequencies count as one more training row.
    """

    covariance: Covariance
    landmarks: NDArray[np.float32]
    weights: Array
    """(landmarks, outputs) of the correlations by the function of all columns."""
    line: Array
    """(columns, outputs)."""
    bias: Array
    low: Array
    """(columns,) lowest values of the columns."""
    step: Array
    """(columns,) between knots."""
    functions: NDArray[np.float32]
    """(columns x knots, outputs) of one column each; empty if there are none."""
    outcome: Outcome
    rows: int
    penalty: float = 0.0
    stopped: str = "rounds"
    _distances: Array = field(init=False, repr=False)
    """(2 x columns, landmarks), by which squares and values of columns become squared distances but for the offsets."""
    _offsets: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        Z, rates = self.landmarks.astype(np.float64), self.covariance.rates[:, None]
        object.__setattr__(self, "_distances", np.concatenate([np.tile(rates, len(Z)), -2 * rates * Z.T]))
        object.__setattr__(self, "_offsets", np.square(Z) @ rates[:, 0])

    def predict(self, X: Matrix) -> NDArray[np.float64]:
        """Return values within the bounds of the target, or probabilities."""
        chunks = [X.dense[start : start + CHUNK] for start in range(0, max(X.rows, 1), CHUNK)]
        scores = np.concatenate([self._scores(chunk) for chunk in chunks])
        return self.outcome.predictions_of_outputs(scores, self.rows)

    def formula(self, X: Any) -> Any:
        """Return what ``predict`` does, as a symbol of the columns."""
        return self.outcome.predictions_of_outputs(self._scores(X), self.rows)

    def _scores(self, X: Any) -> Any:
        """Return (rows, outputs) standardised values or logits; the bits of a row do not depend on the batch."""
        X = bounded(X).astype(np.float64)
        squares = np.maximum(affine(np.concatenate([X * X, X], axis=1), self._distances, self._offsets), 0.0)
        joint = correlation(squares, self.covariance.kind)[0]
        scores = affine(joint, self.weights, self.bias) + affine(X, self.line, np.zeros_like(self.bias))
        if not len(self.functions):
            return scores
        place = np.clip((X - self.low) / self.step, 0.0, KNOTS - 1.001)
        below = place.astype(np.int64)
        knots = below + KNOTS * np.arange(len(self.low))
        here, above = _looked_up(self.functions, knots), _looked_up(self.functions, knots + 1)
        return scores + (here + (above - here) * (place - below)[:, :, None]).sum(axis=1)

    @property
    def details(self) -> Mapping[str, Value]:
        """What the evidence says, the penalty on the path of classes, and whether the time cut it short."""
        known = self.covariance
        return {
            "interaction": known.interaction,
            "additive": known.additive,
            "linear": known.linear,
            "noise": known.noise,
            "rate": float(np.median(known.rates)) if len(known.rates) else 0.0,
            "landmarks": len(self.landmarks),
            "penalty": self.penalty,
            "stopped": self.stopped,
        }

    def save(self, folder: Path) -> None:
        """Write ``gaussian_process.npz``."""
        known = self.covariance
        np.savez(
            folder / "gaussian_process.npz",
            kind=known.kind,
            variances=np.array([known.interaction, known.additive, known.linear, known.noise]),
            rates=known.rates,
            own_rates=known.own_rates,
            landmarks=self.landmarks,
            weights=self.weights,
            line=self.line,
            bias=self.bias,
            low=self.low,
            step=self.step,
            functions=self.functions,
            **self.outcome.arrays(),
            rows=self.rows,
            penalty=self.penalty,
            stopped=self.stopped,
        )


class GaussianProcess(Family):
    """Gaussian processes."""

    name = "gaussian_process"
    weighted = True

    def needs(self, params: Params) -> Needs:
        """Return scaled dense numbers."""
        return Needs("impute", "onehot", cast(ScalingMethod, complete(params, DEFAULTS)["scaling"]))

    def stops(self, problem_type: ProblemType) -> bool:
        """Return whether there are classes: of values the evidence says all."""
        return problem_type.classification

    def portfolio(self, shape: Shape) -> tuple[Params, ...]:
        """Return a rougher function of the values, and a smooth one of their quantiles."""
        return {"scaling": "standard", "kernel": "matern"}, {"scaling": "quantile", "kernel": "rbf"}

    def space(self, shape: Shape) -> Space:
        """Return scaling and kernel; the evidence chooses everything else."""
        return {"scaling": Choice(("standard", "quantile", "robust")), "kernel": Choice(("matern", "rbf"))}

    def defaults(self, shape: Shape) -> Params:
        """Return what holds for every problem."""
        return DEFAULTS

    def fit(self, data: FoldData, params: Params, context: FitContext) -> Generator[Progress, None, Model]:
        """Ask the evidence of some rows in a third of the time, then learn from as many as the rest of it allows."""
        chosen, classes = complete(params, DEFAULTS), context.shape.problem_type.classification
        outcome, y = Outcome.of(data.y_train, context.shape, data.weight_train, AFAR)
        X, rows = data.X_train.dense, np.random.default_rng(context.random_state).permutation(len(y))
        weight = np.ones(len(y)) if data.weight_train is None else data.weight_train
        with limited_threads(context.threads):
            asked = rows[: max(2, min(ROWS, int((2 * PAIRS / max(X.shape[1], 1)) ** 0.5)))]
            covariance = learned(
                _inputs(X[asked]),
                _indicators(y[asked], context.shape.n_classes) if classes else y[asked, None],
                weight[asked],
                cast(Kind, chosen["kernel"]),
                context.deadline.share(3),
            )
            basis = _Basis.of(covariance, _inputs(X[rows[: LANDMARKS[classes]]]))
            if not classes:
                return basis.model(*basis.least_squares(X, y, weight, rows, context), outcome, len(y))
            learnable = _on_basis(basis, data, rows[:MOST_ROWS])
        context = replace(context, rungs=())  # not all validation rows are there to report
        found = yield from follow(learnable, context, 0.0, float(chosen[STRENGTH]) if STRENGTH in params else None)
        known = found.weights.astype(np.float64), found.bias.astype(np.float64), found.stopped
        return replace(basis.model(*known, outcome, len(y)), penalty=found.penalty)

    def load(self, folder: Path) -> Model:
        """Read ``gaussian_process.npz``."""
        with np.load(folder / "gaussian_process.npz", allow_pickle=False) as file:
            arrays = dict(file)
        interaction, additive, linear, noise = arrays["variances"].tolist()
        kind = cast(Kind, str(arrays["kind"]))
        covariance = Covariance(kind, interaction, arrays["rates"], additive, arrays["own_rates"], linear, noise)
        return GaussianProcessModel(
            covariance=covariance,
            landmarks=arrays["landmarks"],
            weights=arrays["weights"],
            line=arrays["line"],
            bias=arrays["bias"],
            low=arrays["low"],
            step=arrays["step"],
            functions=arrays["functions"],
            outcome=Outcome.read(arrays),
            rows=int(arrays["rows"]),
            penalty=float(arrays["penalty"]),
            stopped=str(arrays["stopped"]),
        )

    def settled(self, params: Params, details: Mapping[str, Value]) -> Params:
        """Return them with the penalty that was best for classes."""
        return {**params, STRENGTH: details["penalty"]}

    def estimator(self, params: Params, context: FitContext, details: Mapping[str, Value]) -> LibraryEstimator:
        """Return scikit-learn's kernel machines, with the length that half of the columns have."""
        from sklearn.svm import SVC

        gamma = float(details["rate"]) / 2 or 1.0
        differs = ("it has one length for all columns, and neither a line nor functions of single columns",)
        named: dict[str, object]
        if context.shape.problem_type.classification:
            named = {"estimator": SVC(gamma=gamma), "ensemble": False}
            imports = {"SVC": "sklearn.svm"}
            return LibraryEstimator(
                "sklearn.calibration", "CalibratedClassifierCV", named, imports=imports, differs=differs
            )
        named = {"kernel": "rbf", "gamma": gamma, "alpha": float(details["noise"])}
        return LibraryEstimator("sklearn.kernel_ridge", "KernelRidge", named, scaled_target=True, differs=differs)

    def memory(self, shape: Shape, params: Params) -> int:
        """Return the peak bytes of one fit: pairs, the basis of a chunk, and for classes of many rows."""
        classes = shape.problem_type.classification
        landmarks = LANDMARKS[classes]
        pairs = 16 * min(ROWS**2 // 2 * shape.columns, PAIRS) + 64 * ROWS**2
        basis = 8 * (landmarks + shape.columns) * (4 * landmarks + 4 * CHUNK)
        of_classes = (
            8 * min(shape.rows, MOST_ROWS + JUDGES) * (landmarks + shape.columns) if classes else 0
        )  # float32, and on the way to it
        return 32 * shape.rows + pairs + basis + of_classes


@dataclass(frozen=True, slots=True, eq=False)
class _Basis:
    """Independent functions of variance 1 whose weighted sums are what the process can become.

    covariance : of the process. landmarks : (landmarks, columns). directions : (landmarks, functions), by which the
    covariances with the landmarks become such functions.
    """

    covariance: Covariance
    landmarks: NDArray[np.float32]
    directions: Array

    @classmethod
    def of(cls, covariance: Covariance, landmarks: Array) -> _Basis:
        """Take the covariances among the landmarks apart."""
        from scipy.linalg import eigh

        values, vectors = eigh(covariance.between(landmarks, landmarks), driver="evd")  # the default may fail
        kept = values > NEGLIGIBLE * values[-1]
        return cls(covariance, landmarks.astype(np.float32), vectors[:, kept] / np.sqrt(values[kept]))

    def __call__(self, X: Array) -> Array:
        """Return (rows, functions + columns): the last ones are the columns, for the line."""
        smooth = self.covariance.between(X, self.landmarks.astype(np.float64)) @ self.directions
        return np.column_stack([smooth, X * np.sqrt(self.covariance.linear)])

    def least_squares(
        self,
        X: NDArray[np.float32],
        y: Array,
        weight: Array,
        rows: NDArray[np.integer],
        context: FitContext,
    ) -> tuple[Array, Array, str]:
        """Return weights (functions + columns, 1) and bias of standardised values, and why it ended.

        ``rows`` are in any order: where the time is short, the first ones stand for all.
        """
        from scipy.linalg import cho_factor, cho_solve

        size, stopped = self.directions.shape[1] + X.shape[1] + 1, "rounds"
        products, sums = np.zeros((size, size)), np.zeros(size)
        for start in range(0, len(rows), CHUNK):
            if start and context.deadline.passed:
                stopped = "deadline"
                break
            chunk = rows[start : start + CHUNK]
            functions = np.column_stack([self(_inputs(X[chunk])), np.ones(len(chunk))])
            weighed = functions * weight[chunk, None]
            products += functions.T @ weighed
            sums += weighed.T @ y[chunk]
        products[np.diag_indices(size)] += self.covariance.noise
        solution = cho_solve(cho_factor(products), sums)[:, None]
        return solution[:-1], solution[-1], stopped

    def model(self, weights: Array, bias: Array, stopped: str, outcome: Outcome, rows: int) -> GaussianProcessModel:
        """Return the process that weights of the functions and columns make of it."""
        known, Z = self.covariance, self.landmarks.astype(np.float64)
        count = self.directions.shape[1]
        of_landmarks = self.directions @ weights[:count]
        low, step, functions = np.empty(0), np.empty(0), np.empty((0, len(bias)), np.float32)
        if known.additive:
            low = Z.min(axis=0)
            step = np.maximum(np.ptp(Z, axis=0), 1e-6) / (KNOTS - 1)
            knots = low + step * np.arange(KNOTS)[:, None]
            columns = range(Z.shape[1])
            functions = np.concatenate(
                [known.of_column(column, knots[:, column], Z[:, column]) @ of_landmarks for column in columns],
                dtype=np.float32,
            )
        return GaussianProcessModel(
            covariance=known,
            landmarks=self.landmarks,
            weights=known.interaction * of_landmarks,
            line=np.sqrt(known.linear) * weights[count:],
            bias=bias,
            low=low,
            step=step,
            functions=functions,
            outcome=outcome,
            rows=rows,
            stopped=stopped,
        )


def _indicators(y: NDArray[np.integer], classes: int) -> Array:
    """Return (rows, classes) standardised indicators; one column if there are two."""
    found = np.eye(classes)[y][:, -(classes if classes > 2 else 1) :]
    return np.asarray((found - found.mean(axis=0)) / np.maximum(found.std(axis=0), NEGLIGIBLE))


def _on_basis(basis: _Basis, data: FoldData, rows: NDArray[np.integer]) -> FoldData:
    """Return a fold whose columns are the functions of a basis, of some training rows and not too many to stop by."""

    def of(X: NDArray[np.float32]) -> Matrix:
        chunks = [X[start : start + CHUNK] for start in range(0, max(len(X), 1), CHUNK)]
        values = np.concatenate([basis(_inputs(chunk)).astype(np.float32) for chunk in chunks])
        return Matrix(values, tuple(map(str, range(values.shape[1]))))

    judges = np.random.default_rng(0).permutation(data.X_valid.rows)[:JUDGES]
    return FoldData(
        of(data.X_train.dense[rows]),
        data.y_train[rows],
        of(data.X_valid.dense[judges]),
        data.y_valid[judges],
        None if data.weight_train is None else data.weight_train[rows],
        None if data.weight_valid is None else data.weight_valid[judges],
    )


def _inputs(X: NDArray[np.float32]) -> Array:
    """Return what the covariance is computed of."""
    return np.clip(X, -FAR, FAR).astype(np.float64)


def _looked_up(table: NDArray[np.float32], places: Any) -> Any:
    """Return the rows of a table at places, which may be a symbol."""
    return table[places] if isinstance(places, np.ndarray) else places.look_up(table)
