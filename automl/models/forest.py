"""Averaged trees: growing them one by one until the deadline, and predicting from flat arrays.

scikit-learn grows the trees; the model keeps only their nodes, as arrays over all trees. That needs no scikit-learn to
load or predict, executes no code when read, and walks all trees at once: 0.25 ms for one row through 200 trees, where
``RandomForestRegressor.predict`` takes 9 ms.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import inf, log2
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from automl.data.table import ProblemType
from automl.features.matrix import Matrix, Needs
from automl.formula.trees import summed
from automl.models.base import (
    Family,
    FitContext,
    FoldData,
    LibraryEstimator,
    Model,
    Params,
    Progress,
    Shape,
    Value,
    complete,
)
from automl.models.leaves import MOST, LeafTable
from automl.models.lightgbm_c import FEW_ROWS
from automl.models.nodes import Nodes
from automl.models.target import Outcome

MODEL_BYTES: Final = 64_000_000
"""Nodes of one forest take at most about this much: bigger trees are cut to their best leaves."""
NODE_BYTES: Final = 11
PROBE_ROWS: Final = 2_000
FEWEST_TREES: Final = 10


@dataclass(frozen=True, slots=True, eq=False)
class ForestModel(Model):
    """Trees, which are averaged; the class frequencies count as one more tree, so that the order of rows stays."""

    nodes: Nodes
    outcome: Outcome
    stopped: str
    rows: int
    leaves: LeafTable | None = None
    """The same trees for few rows."""

    def predict(self, X: Matrix) -> NDArray[np.float64]:
        """Average the trees."""
        if self.leaves is not None and X.rows <= FEW_ROWS:
            total = self.leaves(X.dense).astype(np.float64).sum(axis=1)
        else:
            total = self.nodes.total(X.dense)
        return self.finish(total, len(self.nodes.roots))

    def formula(self, X: Any) -> Any:
        """Return the average of the trees."""
        trees, values = zip(*self.nodes.trees(), strict=True)
        return self.finish(summed(X, trees, np.concatenate(values)), len(trees))

    def finish(self, total: NDArray[np.float64], trees: int) -> NDArray[np.float64]:
        """Turn sums over ``trees`` trees into values or probabilities."""
        if self.outcome.scale is not None:
            return self.outcome.scale.restore(total[:, 0] / trees)
        frequencies = self.outcome.frequencies
        if len(frequencies) == 2:
            positive = (total[:, 0] + frequencies[1]) / (trees + 1)
            return np.column_stack([1 - positive, positive])
        mixed = total + frequencies
        shares: NDArray[np.float64] = mixed / mixed.sum(axis=1, keepdims=True)
        return shares

    @property
    def details(self) -> Mapping[str, Value]:
        """Trees grown, their nodes, rows they saw, and why growing ended."""
        nodes = self.nodes
        return {"rounds": len(nodes.roots), "nodes": len(nodes.child), "rows": self.rows, "stopped": self.stopped}

    def save(self, folder: Path) -> None:
        """Write ``forest.npz``."""
        arrays = {**self.nodes.arrays(), **self.outcome.arrays()}
        facts = np.array([self.nodes.depth, self.rows])
        np.savez(folder / "forest.npz", allow_pickle=False, **arrays, facts=facts, stopped=np.array(self.stopped))

    def save_for_few_rows(self, folder: Path) -> None:
        """Write the trees once more, see :mod:`automl.models.leaves`."""
        if len(self.nodes.child) // 2 < MOST:
            trees, values = zip(*self.nodes.trees(), strict=True)
            columns = int(self.nodes.feature.max()) + 1
            LeafTable.of(trees, np.concatenate(values), np.empty(0), columns).save(folder)

    @classmethod
    def load(cls, folder: Path) -> ForestModel:
        """Read ``forest.npz``."""
        with np.load(folder / "forest.npz", allow_pickle=False) as file:
            arrays = dict(file)
        nodes = Nodes.read(arrays, int(arrays["facts"][0]))
        rows = int(arrays["facts"][1])
        return cls(nodes, Outcome.read(arrays), str(arrays["stopped"]), rows, LeafTable.load(folder))


class Forest(Family):
    """Averaged trees; a kind of forest says which, and what can be chosen of them."""

    weighted = True
    tree: ClassVar[str]
    """What scikit-learn calls the trees, without Classifier or Regressor."""
    forest: ClassVar[str]
    """The same of the forest."""

    def needs(self, params: Params) -> Needs:
        """Return numbers only; trees take NaN as they are."""
        return Needs(missing="native", categories="numbers")

    def fit(self, data: FoldData, params: Params, context: FitContext) -> Generator[Progress, None, Model]:
        """Grow trees one by one until the deadline."""
        from sklearn import tree

        chosen = complete(params, self.defaults(context.shape))
        sample = float(chosen["max_samples"]) if "max_samples" in chosen else None
        plan = ForestPlan(getattr(tree, _kind(self.tree, context.shape)), chosen, sample)
        return (yield from grow(data, plan, context))

    def load(self, folder: Path) -> Model:
        """Read ``forest.npz``."""
        return ForestModel.load(folder)

    def memory(self, shape: Shape, params: Params) -> int:
        """Return the peak bytes of one fit: its nodes twice, and the trees in scikit-learn's own form."""
        trees = int(complete(params, self.defaults(shape))["trees"])
        leaves = min(_max_leaves(shape, trees), shape.rows)
        nodes = 2 * leaves * trees * (NODE_BYTES + 4 + 4 * shape.outputs)
        growing = 2 * leaves * (64 + 8 * max(shape.n_classes, 1)) + 64 * shape.rows
        return 2 * nodes + growing + 16 * shape.rows

    def stops(self, problem_type: ProblemType) -> bool:
        """Return that nothing is decided by validation rows."""
        return False

    def settled(self, params: Params, details: Mapping[str, Value]) -> Params:
        """Return them with the trees that were grown: validation rows decide nothing."""
        return {**params, "trees": details["rounds"]}

    def estimator(self, params: Params, context: FitContext, details: Mapping[str, Value]) -> LibraryEstimator:
        """Return scikit-learn's forest with the trees that were grown."""
        chosen = complete(params, self.defaults(context.shape))
        named: dict[str, object] = {"n_estimators" if key == "trees" else key: value for key, value in chosen.items()}
        named |= {"n_estimators": details["rounds"], "random_state": context.random_state}
        differs = "its probabilities can be 0: automl counts the class frequencies as one more row"
        classification = context.shape.problem_type.classification
        kind = _kind(self.forest, context.shape)
        return LibraryEstimator("sklearn.ensemble", kind, named, differs=(differs,) if classification else ())


def _kind(name: str, shape: Shape) -> str:
    return f"{name}{'Classifier' if shape.problem_type.classification else 'Regressor'}"


@dataclass(frozen=True, slots=True)
class ForestPlan:
    """What to grow."""

    kind: Callable[..., Any]
    """The class of scikit-learn's trees."""
    params: Params
    sample: float | None = None
    """Bootstrap: rows drawn with replacement for a tree, as a share; None = every tree sees every row once."""

    @property
    def trees(self) -> int:
        """How many."""
        return int(self.params["trees"])

    def seedling(self, seed: int, max_leaf_nodes: int | None) -> Any:
        """Return an unfitted tree."""
        shared = {name: self.params[name] for name in ("max_features", "min_samples_leaf", "min_samples_split")}
        return self.kind(**shared, max_leaf_nodes=max_leaf_nodes, random_state=seed)


def grow(data: FoldData, plan: ForestPlan, context: FitContext) -> Generator[Progress, None, ForestModel]:
    """Grow trees until all are there or the next one would not end before the deadline.

    At least one tree is grown: where the time left is short for the table, on a random sample of its rows.
    """
    outcome, y = Outcome.of(data.y_train, context.shape, data.weight_train)
    grower = _Grower(data.X_train.dense, y, data.weight_train, plan, context.shape)
    if context.deadline.remaining < inf:
        grower = grower.sampled(context)
    seeds = np.random.default_rng(context.random_state).integers(2**31, size=plan.trees).tolist()
    rungs = [max(1, round(share * plan.trees)) for share in context.rungs]
    parts: list[Nodes] = []
    valid = np.zeros((data.X_valid.rows, context.shape.outputs))
    stopped, slowest, seen = "rounds", 0.0, 0
    with ThreadPoolExecutor(context.threads) as pool:
        while len(parts) < plan.trees:
            if parts and context.deadline.remaining < 1.5 * slowest:
                stopped = "deadline"
                break
            start = time.perf_counter()
            parts += pool.map(grower.tree, seeds[len(parts) : len(parts) + context.threads])
            slowest = max(slowest, time.perf_counter() - start)
            for rung in [rung for rung, trees in enumerate(rungs) if seen < trees <= len(parts)]:
                valid += Nodes.joined(parts[seen:]).total(data.X_valid.dense)
                seen = len(parts)
                partial = ForestModel(parts[0], outcome, stopped, len(y))
                yield Progress(rung, partial.finish(valid, seen))
    return ForestModel(Nodes.joined(parts), outcome, stopped, len(grower.y))


@dataclass(frozen=True, slots=True, eq=False)
class _Grower:
    """Grows one tree from its seed, whatever was grown before: chunks and threads cannot change a forest."""

    X: NDArray[np.float32]
    y: NDArray[np.generic]
    weight: NDArray[np.float64] | None
    plan: ForestPlan
    shape: Shape

    def tree(self, seed: int) -> Nodes:
        """Return the tree of this seed."""
        most = _max_leaves(self.shape, self.plan.trees)
        tree = self.plan.seedling(
            seed, most if most < len(self.y) else None
        )  # with a limit it grows best first: slower
        tree.fit(self.X, self.y, sample_weight=self._sample_weight(seed))
        grown = tree.tree_.value[:, 0, :]
        if not self.shape.problem_type.classification:
            return Nodes.of(tree.tree_, grown)
        values = np.zeros((len(grown), self.shape.n_classes))
        values[:, tree.classes_] = grown
        return Nodes.of(tree.tree_, values[:, 1:] if self.shape.outputs == 1 else values)

    def _sample_weight(self, seed: int) -> NDArray[np.float64] | None:
        """Return how much each row counts in a tree: its weight, times how often it was drawn."""
        if self.plan.sample is None:
            return self.weight
        rows = len(self.y)
        drawn = np.random.default_rng(seed).integers(rows, size=max(1, round(self.plan.sample * rows)))
        counts = np.bincount(drawn, minlength=rows).astype(np.float64)
        return counts if self.weight is None else counts * self.weight

    def sampled(self, context: FitContext) -> _Grower:
        """Return a grower on as many rows as let a few trees end in time, by the seconds of a tree on a few rows."""
        rows = len(self.y)
        if rows <= PROBE_ROWS:
            return self
        order = np.random.default_rng(context.random_state).permutation(rows)
        probe = self._only(order[:PROBE_ROWS])
        start = time.perf_counter()
        probe.tree(0)
        seconds = (time.perf_counter() - start) / (PROBE_ROWS * log2(PROBE_ROWS))
        affordable = context.deadline.remaining * context.threads / FEWEST_TREES / (seconds * log2(rows))
        return self if affordable >= rows else self._only(np.sort(order[: max(PROBE_ROWS, int(affordable))]))

    def _only(self, rows: NDArray[np.integer]) -> _Grower:
        weight = None if self.weight is None else self.weight[rows]
        return _Grower(self.X[rows], self.y[rows], weight, self.plan, self.shape)


def _max_leaves(shape: Shape, trees: int) -> int:
    """Return the leaves a tree may have so that the forest keeps its size."""
    return max(2, MODEL_BYTES // (2 * NODE_BYTES + 4 * shape.outputs) // trees)
