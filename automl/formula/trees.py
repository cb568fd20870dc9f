"""Binary trees of any library as arrays, and the symbol of their sum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LEQ, _MEMBER = 0, 6
_SUM, _NO_TRANSFORM = 1, 0


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """A binary tree; arrays have one entry an inner node, the first is the root.

    feature : the column that is looked at.
    threshold : left if x <= threshold. None of it counts where ``codes`` are given.
    missing_left : whether NaN goes left; not looked at where ``codes`` are given.
    left, right : the inner node that follows, or -1, -2 ... for the leaf 0, 1 ...
    codes : by inner node, the category codes that go left; all others, and NaN, go right.
    """

    feature: NDArray[np.integer]
    threshold: NDArray[np.floating]
    missing_left: NDArray[np.bool_]
    left: NDArray[np.integer]
    right: NDArray[np.integer]
    codes: Mapping[int, NDArray[np.integer]]


def cut(column: int, thresholds: NDArray[np.floating]) -> Tree:
    """Return a balanced tree whose leaf ``i`` is where a column is above ``i`` of the thresholds, which rise.

    >>> cut(0, np.array([1.0, 2.0])).threshold.tolist()
    [2.0, 1.0]
    """
    places: list[int] = []  # of the thresholds, by node
    left, right = np.empty((2, len(thresholds)), np.intp)

    def grown(low: int, high: int) -> int:
        if low == high:
            return -1 - low
        middle, node = (low + high) // 2, len(places)
        places.append(middle)
        left[node], right[node] = grown(low, middle), grown(middle + 1, high)
        return node

    grown(0, len(thresholds))
    feature, missing_left = np.full(len(places), column), np.zeros(len(places), np.bool_)
    return Tree(feature, np.asarray(thresholds, np.float64)[places], missing_left, left, right, {})


def summed(X: Any, trees: Sequence[Tree], values: NDArray[np.floating], outputs: int = 1) -> Any:
    """Return the symbol, (rows, outputs), of the sums of the leaves that rows fall into, in double precision.

    Parameters
    ----------
    values
        (leaves of all trees,), one tree after the other, or (leaves of all trees, outputs).
    outputs
        Of the former: each tree adds to one of so many outputs in turn.
    """
    if values.ndim == 2:  # a leaf of the operator has one output: the trees are there once for each
        outputs = values.shape[1]
        targets, trees = np.repeat(np.arange(outputs), len(trees)), [*trees] * outputs
        values = values.T.ravel()
    else:
        targets = np.arange(len(trees)) % outputs
    grown = [_plain(tree) for tree in trees]
    sizes = np.array([len(tree.feature) for tree in grown])
    leaves = np.array([len(tree.feature) + 1 for tree in trees])  # one more than inner nodes
    nodes, first = np.cumsum(sizes) - sizes, np.cumsum(leaves) - leaves
    mode = np.concatenate([_modes(tree) for tree in grown])
    left, right = (
        [_children(getattr(tree, side), node, leaf) for tree, node, leaf in zip(grown, nodes, first, strict=True)]
        for side in ("left", "right")
    )
    settings: dict[str, Any] = {
        "aggregate_function": _SUM,
        "post_transform": _NO_TRANSFORM,
        "n_targets": outputs,
        "tree_roots": nodes,
        "nodes_featureids": np.concatenate([tree.feature for tree in grown]),
        "nodes_modes": mode,
        "nodes_splits": np.concatenate([tree.threshold for tree in grown]),
        "nodes_missing_value_tracks_true": np.concatenate([tree.missing_left for tree in grown]) & (mode == _LEQ),
        "nodes_truenodeids": np.concatenate([places for places, _ in left]),
        "nodes_trueleafs": np.concatenate([is_leaf for _, is_leaf in left]),
        "nodes_falsenodeids": np.concatenate([places for places, _ in right]),
        "nodes_falseleafs": np.concatenate([is_leaf for _, is_leaf in right]),
        "leaf_targetids": np.repeat(targets, leaves),
        "leaf_weights": np.asarray(values, np.float64),
    }
    members = [codes for tree in grown for _, codes in sorted(tree.codes.items())]
    if members:  # the sets of all nodes that have one, each ended by NaN
        settings["membership_values"] = np.concatenate([np.append(codes, np.nan) for codes in members])
    return X.astype(np.float64).then("TreeEnsemble", **settings)


def _plain(tree: Tree) -> Tree:
    """Return the tree as the operator wants it: with an inner node, and with something in every set of codes."""
    if not len(tree.feature):
        zero = np.zeros(1, np.intp)
        return Tree(zero, np.zeros(1), np.zeros(1, np.bool_), zero - 1, zero - 1, {})
    empty = [node for node, codes in tree.codes.items() if not len(codes)]
    threshold, missing_left = tree.threshold.astype(np.float64), tree.missing_left.copy()
    threshold[empty], missing_left[empty] = -np.inf, False
    return replace(
        tree,
        threshold=threshold,
        missing_left=missing_left,
        codes={node: codes for node, codes in tree.codes.items() if len(codes)},
    )


def _modes(tree: Tree) -> NDArray[np.uint8]:
    modes = np.full(len(tree.feature), _LEQ, np.uint8)
    modes[list(tree.codes)] = _MEMBER
    return modes


def _children(
    child: NDArray[np.integer], node: np.intp, leaf: np.intp
) -> tuple[NDArray[np.integer], NDArray[np.bool_]]:
    """Return the places of children among those of all trees, and which of them are leaves."""
    is_leaf = child < 0
    return np.where(is_leaf, leaf - 1 - child, node + child), is_leaf
