"""Trees of any library for few rows: LightGBM's library finds the leaves, a table tells what they are worth.

A call of XGBoost or CatBoost takes 0.15 ms before the first tree is looked at, this one 5 µs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from automl.formula.trees import Tree
from automl.models.clightgbm import Trees

MOST: Final = 300_000
"""Leaves of a model up to which this form is worth its bytes."""
_CATEGORICAL, _MISSING_LEFT, _NAN_IS_MISSING = 1, 2, 8
_TREES, _TABLE = "rows.txt", "rows.npz"


def _text(tree: Tree, number: int) -> str:
    """Return the tree in LightGBM's format."""
    inner = len(tree.feature)
    if not inner:
        return f"Tree={number}\nnum_leaves=1\nnum_cat=0\nleaf_value=0\n\n"
    above = np.nextafter(tree.threshold, np.float32(np.inf))
    between = (tree.threshold.astype(np.float64) + above) / 2  # nine digits stay between two float32 numbers
    thresholds = [f"{value:.9g}" for value in between.tolist()]
    kinds = _NAN_IS_MISSING + _MISSING_LEFT * tree.missing_left.astype(np.intp)
    words: list[int] = []
    bounds = [0]
    for at, (node, codes) in enumerate(sorted(tree.codes.items())):
        thresholds[node], kinds[node] = str(at), _CATEGORICAL
        words += _bits(codes)
        bounds.append(len(words))
    lines = {
        "num_leaves": str(inner + 1),
        "num_cat": str(len(tree.codes)),
        "split_feature": _joined(tree.feature.tolist()),
        "threshold": " ".join(thresholds),
        "decision_type": _joined(kinds.tolist()),
        "left_child": _joined(tree.left.tolist()),
        "right_child": _joined(tree.right.tolist()),
        "leaf_value": " ".join(["0"] * (inner + 1)),
    }
    if words:
        lines |= {"cat_boundaries": _joined(bounds), "cat_threshold": _joined(words)}
    return f"Tree={number}\n" + "".join(f"{name}={value}\n" for name, value in lines.items()) + "\n"


def _bits(codes: NDArray[np.integer]) -> list[int]:
    """Return a set of codes as the bits of 32-bit words, at least one."""
    flags = np.zeros((int(codes.max(initial=0)) // 32 + 1) * 32, np.bool_)
    flags[codes] = True
    words: list[int] = np.packbits(flags, bitorder="little").view("<u4").tolist()
    return words


def _joined(values: Iterable[int]) -> str:
    return " ".join(map(str, values))


@dataclass(frozen=True, slots=True, eq=False)
class LeafTable:
    """Trees, and what each of their leaves is worth."""

    trees: Trees
    values: NDArray[np.floating]
    """(leaves of all trees, outputs)."""
    starts: NDArray[np.intp]
    """(trees,) the first leaf of each."""
    base: NDArray[np.floating]
    """What the sum starts from; its shape is that of the model."""

    def __call__(self, X: NDArray[np.float32]) -> NDArray[np.floating]:
        """Return (rows, trees, outputs): what the leaves of a row are worth."""
        return self.values.take(self.trees.leaves(X).astype(np.intp) + self.starts, axis=0)

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """Read what :func:`write` wrote; None if nothing was."""
        if not (folder / _TABLE).exists():
            return None
        with np.load(folder / _TABLE, allow_pickle=False) as table:
            return cls(Trees((folder / _TREES).read_bytes()), table["values"], table["starts"], table["base"])


def write(
    folder: Path, trees: Sequence[Tree], values: NDArray[np.floating], base: NDArray[np.floating], columns: int
) -> None:
    """Write trees beside the model that they are of, unless they are too many.

    Parameters
    ----------
    values
        (leaves of all trees, outputs), one tree after the other.
    base
        What the sum starts from.
    columns
        Of the matrices that they see.
    """
    if len(values) > MOST or not trees:
        return
    blocks = [_text(tree, number) for number, tree in enumerate(trees)]
    names = (f"f{i}" for i in range(columns))
    head = {
        "version": "v4",
        "num_class": "1",
        "num_tree_per_iteration": "1",
        "label_index": "0",
        "max_feature_idx": str(columns - 1),
        "feature_names": " ".join(names),
        "feature_infos": " ".join(["none"] * columns),
        "tree_sizes": _joined(len(block) for block in blocks),
    }
    lines = "".join(f"{name}={value}\n" for name, value in head.items())
    text = f"tree\n{lines}\n{''.join(blocks)}end of trees\n"
    leaves = [len(tree.feature) + 1 for tree in trees]
    (folder / _TREES).write_text(text, encoding="ascii")
    np.savez(folder / _TABLE, allow_pickle=False, values=values, starts=np.cumsum([0, *leaves[:-1]]), base=base)
