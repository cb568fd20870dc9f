"""Nodes of averaged trees as flat arrays over all trees, which walk down together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from automl.formula.trees import Tree
from automl.models import codebook
from automl.models.lookups import round_down

WALK: Final = 1 << 17
"""(row, tree) pairs that walk down together: the working set stays in the processor's cache."""


@dataclass(frozen=True, slots=True, eq=False)
class Nodes:
    """Nodes of one or more trees, each array one entry a node, the nodes of a tree level by level.

    child : left child, the right one comes next; a leaf is its own child.
    feature, threshold : left if x <= threshold. Rounded down to float32, which decides equally for float32 values.
    missing_left : whether NaN goes left.
    values : (nodes, outputs): standardised mean, probability of the second class, or one probability a class.
    roots : (trees,) first node of each tree.
    depth : length of the longest path.
    """

    child: NDArray[np.int32]
    feature: NDArray[np.integer]
    threshold: NDArray[np.float32]
    missing_left: NDArray[np.bool_]
    values: NDArray[np.float32]
    roots: NDArray[np.int32]
    depth: int

    @classmethod
    def of(cls, tree: Any, values: NDArray[np.float64]) -> Nodes:
        """Renumber a fitted ``sklearn.tree._tree.Tree`` level by level, so that siblings are neighbours."""
        left, right = tree.children_left, tree.children_right
        levels = [np.zeros(1, np.intp)]
        while len(inner := levels[-1][left[levels[-1]] >= 0]):
            levels.append(np.stack([left[inner], right[inner]], axis=1).ravel())
        old = np.concatenate(levels)
        inner = left[old] >= 0
        feature = np.zeros(len(old), np.min_scalar_type(max(int(tree.n_features) - 1, 0)))
        threshold = np.full(len(old), inf, np.float32)
        missing_left = np.ones(len(old), np.bool_)
        feature[inner] = tree.feature[old[inner]]
        threshold[inner] = round_down(tree.threshold[old[inner]])
        missing_left[inner] = tree.missing_go_to_left[old[inner]].astype(np.bool_)
        roots = np.zeros(1, np.int32)
        ordered = values[old].astype(np.float32)
        return cls(_children(inner, roots), feature, threshold, missing_left, ordered, roots, int(tree.max_depth))

    @classmethod
    def joined(cls, parts: Sequence[Nodes]) -> Nodes:
        """Put trees behind one another."""
        starts = np.cumsum([0, *(len(part.child) for part in parts[:-1])], dtype=np.int32)
        return cls(
            np.concatenate([part.child + start for part, start in zip(parts, starts, strict=True)]),
            np.concatenate([part.feature for part in parts]),
            np.concatenate([part.threshold for part in parts]),
            np.concatenate([part.missing_left for part in parts]),
            np.concatenate([part.values for part in parts]),
            np.concatenate([part.roots + start for part, start in zip(parts, starts, strict=True)]),
            max(part.depth for part in parts),
        )

    def trees(self) -> Iterator[tuple[Tree, NDArray[np.float32]]]:
        """Yield each tree with inner nodes and leaves apart, and what its leaves are worth."""
        for start, end in pairwise([*self.roots.tolist(), len(self.child)]):
            child = self.child[start:end] - start
            is_leaf = child == np.arange(len(child))
            inner, leaf = np.flatnonzero(~is_leaf), np.flatnonzero(is_leaf)
            place = np.empty(len(child), np.intp)
            place[inner], place[leaf] = np.arange(len(inner)), -1 - np.arange(len(leaf))
            left = child[inner]
            at = start + inner
            facts = self.feature[at], self.threshold[at], self.missing_left[at]
            yield Tree(*facts, place[left], place[left + 1], {}), self.values[start + leaf]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what is saved: which nodes are leaves, how the others split, and the values of the leaves."""
        inner = self.child != np.arange(len(self.child))
        return {
            "inner": np.packbits(inner),
            "feature": self.feature[inner],
            "threshold": self.threshold[inner],
            "missing_left": np.packbits(self.missing_left[inner]),
            **codebook.encode(self.values[~inner]),
            "roots": self.roots,
        }

    @classmethod
    def read(cls, arrays: Mapping[str, NDArray[Any]], depth: int) -> Nodes:
        """Return what :meth:`arrays` returned, also of an earlier version, as nodes."""
        roots = arrays["roots"]
        if "child" in arrays:
            child, leaves = arrays["child"], arrays["values"]
            inner = child != np.arange(len(child))
            missing_left = np.unpackbits(arrays["missing_left"], count=len(child)).astype(np.bool_)
            feature = arrays["feature"]
        else:
            count = 2 * len(arrays["feature"]) + len(roots)  # each tree has a leaf more than inner nodes
            inner = np.unpackbits(arrays["inner"], count=count).astype(np.bool_)
            child, leaves = _children(inner, roots), codebook.decode(arrays)
            missing_left = np.ones(count, np.bool_)
            missing_left[inner] = np.unpackbits(arrays["missing_left"], count=len(arrays["feature"]))
            feature = np.zeros(count, arrays["feature"].dtype)
            feature[inner] = arrays["feature"]
        threshold = np.full(len(child), inf, np.float32)
        threshold[inner] = arrays["threshold"]
        values = np.zeros((len(child), leaves.shape[1]), np.float32)
        values[~inner] = leaves
        return cls(child, feature, threshold, missing_left, values, roots, depth)

    def total(self, X: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return (rows, outputs) sums over the trees."""
        step = max(1, WALK // len(self.roots))
        blocks = [self._leaves(X[start : start + step]) for start in range(0, len(X), step)]
        # float64 before the sum: a sum that converts in blocks would depend on where the row stands in its batch
        sums = [self.values[block].astype(np.float64).sum(axis=1) for block in blocks]
        return np.concatenate(sums) if sums else np.empty((0, self.values.shape[1]))

    def _leaves(self, X: NDArray[np.float32]) -> NDArray[np.int32]:
        """Return (rows, trees) leaves. Walks that have arrived are dropped from the work now and then."""
        cells = np.ascontiguousarray(X).ravel()
        missing = bool(np.isnan(cells).any())
        leaves = np.tile(self.roots, len(X))
        walking = np.arange(len(leaves))
        node, row = leaves, walking // len(self.roots) * X.shape[1]
        for level in range(1, self.depth + 1):
            cell = cells.take(row + self.feature.take(node))
            right = cell > self.threshold.take(node)
            if missing:
                right |= np.isnan(cell) & ~self.missing_left.take(node)
            below = self.child.take(node) + right
            if level % 4 == 0:
                moved = below != node
                leaves[walking] = below
                walking, row, below = walking[moved], row[moved], below[moved]
            node = below
        leaves[walking] = node
        return leaves.reshape(len(X), len(self.roots))


def _children(inner: NDArray[np.bool_], roots: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return ``child`` of trees whose nodes stand level by level, by which of them are not leaves."""
    trees = np.repeat(np.arange(len(roots)), np.diff(roots, append=len(inner)) // 2)
    child = np.arange(len(inner), dtype=np.int32)
    child[inner] = 2 * np.arange(len(trees)) + 1 + trees
    return child
