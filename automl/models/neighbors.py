"""k-nearest neighbours; k is chosen on the validation rows, because one search answers for every k."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from automl.data.table import ProblemType
from automl.features.matrix import Matrix, Needs, ScalingMethod
from automl.models.affine import FAR
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
from automl.models.target import Outcome, validation_loss
from automl.threads import limited_threads

ROWS: Final = 50_000
CELLS: Final = 10_000_000
"""Training rows kept, and their rows x columns: a bigger table is sampled, because every prediction searches it."""
CHUNK: Final = 256
ONE_THREAD_ROWS: Final = 8
"""Rows up to which threads would wait for each other longer than they search."""
_IMPORTED_BY: Final = os.getpid()
"""A process that was forked from this one lacks its threads, which OpenMP would wait for without an end."""
JUDGES: Final = 2_000
"""Validation rows that choose k."""
LADDER: Final = (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144)

DEFAULTS: Final[Params] = {"scaling": "standard", "weights": "distance", "p": 2, "k": 0}


@dataclass(frozen=True, slots=True, eq=False)
class NeighborsModel(Model):
    """Training rows and how neighbours vote.

    Classification: the class frequencies count as one more neighbour, so that no probability is 0.
    """

    X: NDArray[np.float32]
    y: NDArray[np.float64]
    """(rows,) standardised values or class codes."""
    p: int
    weighted: bool
    """Whether a neighbour counts by the inverse of its distance."""
    outcome: Outcome
    index: Any
    """``sklearn.neighbors.NearestNeighbors`` over ``X``."""
    counts: NDArray[np.float64] | None = None
    """(rows,) how much each vote counts besides; None = all alike."""
    quantile: float | None = None
    """Regression: the quantile of the votes that is predicted; None = their mean."""
    k: int = 1
    stopped: str = "rounds"

    def predict(self, X: Matrix) -> NDArray[np.float64]:
        """Let the k nearest training rows vote."""
        values = X.dense
        chunks = [values[start : start + CHUNK] for start in range(0, X.rows, CHUNK)]
        votes = [self.vote(*self.search(chunk, self.k), self.k) for chunk in chunks]
        empty = np.empty(0) if self.outcome.scale else np.empty((0, len(self.outcome.frequencies)))
        return np.concatenate([empty, *votes])

    def search(self, rows: NDArray[np.float32], k: int) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
        """Return distances to the k nearest training rows, nearest first, and their places: (rows, k) each."""
        alone = len(rows) <= ONE_THREAD_ROWS or os.getpid() != _IMPORTED_BY
        with limited_threads(1) if alone else nullcontext():
            distances, places = self.index.kneighbors(np.clip(rows, -FAR, FAR), n_neighbors=k)
        return distances.astype(np.float64), places

    def vote(self, distances: NDArray[np.float64], places: NDArray[np.intp], k: int) -> NDArray[np.float64]:
        """Return predictions from the first k of the neighbours found."""
        distances, places = distances[:, :k], places[:, :k]
        targets, scale = self.y[places], self.outcome.scale
        weights = np.ones_like(distances)
        if self.weighted:
            # a hundredth of the farthest distance is near enough: an equal row must not silence all others
            weights = 1 / np.maximum(distances, np.maximum(distances[:, -1:] / 100, 1e-9))
        if self.counts is not None:
            weights *= self.counts[places]
        weights *= k / weights.sum(axis=1, keepdims=True)
        if scale is not None and self.quantile is not None:
            rising = np.argsort(targets, axis=1)
            reached = np.take_along_axis(weights, rising, axis=1).cumsum(axis=1)
            place = (reached >= self.quantile * reached[:, -1:]).argmax(axis=1)
            return scale.restore(np.take_along_axis(targets, rising, axis=1)[np.arange(len(targets)), place])
        if scale is not None:
            return scale.restore((weights * targets).sum(axis=1) / k)
        n_classes = len(self.outcome.frequencies)
        cells = np.arange(len(targets))[:, None] * n_classes + targets.astype(np.int64)
        votes = np.bincount(cells.ravel(), weights.ravel(), minlength=len(targets) * n_classes)
        return self.outcome.shares(votes.reshape(len(targets), n_classes), k)

    @property
    def details(self) -> Mapping[str, Value]:
        """The chosen k, the training rows kept, and whether the deadline cut the choice short."""
        return {"k": self.k, "rows": len(self.X), "stopped": self.stopped}

    def save(self, folder: Path) -> None:
        """Write ``neighbors.npz``; the index is built again on load."""
        np.savez(
            folder / "neighbors.npz",
            X=self.X,
            y=self.y,
            p=self.p,
            weighted=self.weighted,
            **self.outcome.arrays(),
            counts=np.empty(0) if self.counts is None else self.counts,
            quantile=np.empty(0) if self.quantile is None else self.quantile,
            k=self.k,
            stopped=self.stopped,
        )

    def sampled(self, rows: NDArray[np.integer]) -> NeighborsModel:
        """Return the model that knows only these of its training rows."""
        X = np.ascontiguousarray(self.X[rows])
        counts = None if self.counts is None else self.counts[rows]
        return replace(self, X=X, y=self.y[rows], counts=counts, index=_index(X, self.p))


class Neighbors(Family):
    """k-nearest neighbours."""

    name = "knn"
    problem_types = tuple(ProblemType)
    library = "scikit-learn"
    weighted = True

    def needs(self, params: Params) -> Needs:
        """Return scaled dense numbers."""
        return Needs("impute", "onehot", cast(ScalingMethod, complete(params, DEFAULTS)["scaling"]))

    def portfolio(self, shape: Shape) -> tuple[Params, ...]:
        """Return one for each scaling and distance."""
        return (
            {"scaling": "standard", "weights": "distance", "p": 2},
            {"scaling": "quantile", "weights": "distance", "p": 1},
        )

    def space(self, shape: Shape) -> Space:
        """Return scaling, weights and distance; k is found on the validation rows."""
        return {
            "scaling": Choice(("standard", "quantile")),
            "weights": Choice(("distance", "uniform")),
            "p": Choice((2, 1)),
        }

    def defaults(self, shape: Shape) -> Params:
        """Return what holds for every problem."""
        return DEFAULTS

    def fit(self, data: FoldData, params: Params, context: FitContext) -> Generator[Progress, None, Model]:
        """Keep the training rows, or a sample that can be searched in the time left; choose k unless it is known."""
        yield from ()
        chosen = complete(params, DEFAULTS)
        outcome, y = Outcome.of(data.y_train, context.shape, data.weight_train)
        order = np.random.default_rng(context.random_state).permutation(data.X_train.rows)
        kept = np.sort(order[: max(1, min(ROWS, CELLS // max(1, data.X_train.columns)))])
        X, p = np.clip(data.X_train.dense[kept], -FAR, FAR), int(chosen["p"])
        with limited_threads(context.threads):
            model = NeighborsModel(
                X,
                y[kept].astype(np.float64),
                p,
                weighted=chosen["weights"] == "distance",
                outcome=outcome,
                index=_index(X, p),
                counts=None if data.weight_train is None else data.weight_train[kept],
                quantile=context.quantile,
            )
            model = _affordable(model, data.X_valid, context)
            if known := int(chosen["k"]):
                return replace(model, k=min(known, len(model.X)))
            return _with_best_k(model, data, context)

    def load(self, folder: Path) -> Model:
        """Read ``neighbors.npz`` and build the index."""
        with np.load(folder / "neighbors.npz", allow_pickle=False) as file:
            arrays = dict(file)
        X, p = arrays["X"], int(arrays["p"])
        return NeighborsModel(
            X,
            arrays["y"],
            p,
            weighted=bool(arrays["weighted"]),
            outcome=Outcome.read(arrays),
            index=_index(X, p),
            counts=arrays["counts"] if len(arrays.get("counts", ())) else None,
            quantile=float(arrays["quantile"]) if np.size(arrays.get("quantile", ())) else None,
            k=int(arrays["k"]),
            stopped=str(arrays["stopped"]),
        )

    def settled(self, params: Params, details: Mapping[str, Value]) -> Params:
        """Return them with the k that was best."""
        return {**params, "k": details["k"]}

    def estimator(self, params: Params, context: FitContext, details: Mapping[str, Value]) -> LibraryEstimator:
        """Return scikit-learn's model with the k that was found."""
        chosen = complete(params, DEFAULTS)
        named = {"n_neighbors": details["k"], "weights": chosen["weights"], "p": chosen["p"]}
        kind = "KNeighborsClassifier" if context.shape.problem_type.classification else "KNeighborsRegressor"
        differs = "its probabilities can be 0: automl counts the class frequencies as one more neighbour"
        return LibraryEstimator("sklearn.neighbors", kind, named, differs=(differs,))

    def memory(self, shape: Shape, params: Params) -> int:
        """Return the peak bytes of one fit: the rows kept, the index, and the distances of a chunk."""
        rows = min(shape.rows, ROWS, max(1, CELLS // max(1, shape.columns)))
        return 16 * rows * shape.columns + 16 * CHUNK * rows + 40 * shape.rows


def _index(X: NDArray[np.float32], p: int) -> Any:
    """Return a search index: a k-d tree for few columns, else brute force."""
    from sklearn.neighbors import NearestNeighbors

    return NearestNeighbors(metric="euclidean" if p == 2 else "manhattan").fit(X)


def _affordable(model: NeighborsModel, X_valid: Matrix, context: FitContext) -> NeighborsModel:
    """Return the model on a sample of its rows if searching all of them for the validation rows takes too long."""
    if context.deadline.remaining == inf:
        return model
    start = time.perf_counter()
    probe = X_valid.dense[: CHUNK // 4]
    model.search(probe, min(LADDER[-1], len(model.X)))
    needed = 2 * (time.perf_counter() - start) * X_valid.rows / len(probe)
    share = max(0.0, context.deadline.remaining) / max(needed, 1e-9)
    if share >= 1:
        return model
    rows = np.random.default_rng(context.random_state).permutation(len(model.X))
    return model.sampled(np.sort(rows[: max(min(len(rows), 1_000), int(share * len(rows)))]))


def _with_best_k(model: NeighborsModel, data: FoldData, context: FitContext) -> NeighborsModel:
    """Return the model with the k of lowest validation loss, judged by as many rows as the time allows."""
    ladder = [k for k in LADDER if k <= max(1, len(model.X) // 2)]
    # in any order, for the table may be sorted, and the time may end
    rows = np.random.default_rng(context.random_state).permutation(data.X_valid.rows)[:JUDGES]
    values = data.X_valid.dense[rows]
    found: list[tuple[NDArray[np.float64], NDArray[np.intp]]] = []
    for start in range(0, len(values), CHUNK):
        if found and context.deadline.passed:
            break
        found.append(model.search(values[start : start + CHUNK], ladder[-1]))
    near, far = zip(*found, strict=True)
    distances, places = np.concatenate(near), np.concatenate(far)
    judged = rows[: len(places)]
    y, weight = data.y_valid[judged], None if data.weight_valid is None else data.weight_valid[judged]
    votes = [model.vote(distances, places, k) for k in ladder]
    losses = [validation_loss(y, each, weight=weight, quantile=context.quantile) for each in votes]
    stopped = "rounds" if len(judged) == len(rows) else "deadline"
    return replace(model, k=ladder[int(np.argmin(losses))], stopped=stopped)
