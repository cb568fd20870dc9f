"""Trees of any library: LightGBM's library finds the leaves, or bit vectors; a table tells what they are worth.

A call of XGBoost or CatBoost takes 0.15 ms before the first tree is looked at, this one 5 µs. Many rows through small
trees take half the time that XGBoost takes, and a third where it asks for categories.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from automl.models.bitvectors import BitVectors, fields, numbers
from automl.models.clightgbm import FEW, Trees
from automl.models.lookups import MANY, one_by_one

MOST: Final = 300_000
"""Leaves of a model up to which this form is worth its bytes."""
_CATEGORICAL, _MISSING_LEFT, _NAN_IS_MISSING = 1, 2, 8
_TREES, _TABLE = "rows.txt", "rows.npz"


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """A binary tree; arrays have one entry an inner node, the first is the root.

    feature : the column that is looked at.
    threshold : left if x <= threshold, as float32. None of it counts where ``codes`` are given.
    missing_left : whether NaN goes left.
    left, right : the inner node that follows, or -1, -2 ... for the leaf 0, 1 ...
    codes : by inner node, the category codes that go left; all others, and NaN, go right.
    """

    feature: NDArray[np.integer]
    threshold: NDArray[np.float32]
    missing_left: NDArray[np.bool_]
    left: NDArray[np.integer]
    right: NDArray[np.integer]
    codes: dict[int, NDArray[np.integer]]

    def text(self, number: int) -> str:
        """Return the tree in LightGBM's format."""
        inner = len(self.feature)
        if not inner:
            return f"Tree={number}\nnum_leaves=1\nnum_cat=0\nleaf_value=0\n\n"
        above = np.nextafter(self.threshold, np.float32(np.inf))
        between = (self.threshold.astype(np.float64) + above) / 2  # nine digits stay between two float32 numbers
        thresholds = [f"{value:.9g}" for value in between.tolist()]
        kinds = _NAN_IS_MISSING + _MISSING_LEFT * self.missing_left.astype(np.intp)
        words: list[int] = []
        bounds = [0]
        for at, (node, codes) in enumerate(sorted(self.codes.items())):
            thresholds[node], kinds[node] = str(at), _CATEGORICAL
            words += _bits(codes)
            bounds.append(len(words))
        lines = {
            "num_leaves": str(inner + 1),
            "num_cat": str(len(self.codes)),
            "split_feature": _joined(self.feature.tolist()),
            "threshold": " ".join(thresholds),
            "decision_type": _joined(kinds.tolist()),
            "left_child": _joined(self.left.tolist()),
            "right_child": _joined(self.right.tolist()),
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


@dataclass(frozen=True, eq=False)
class LeafTable:
    """Trees, and what each of their leaves is worth."""

    text: bytes
    """The trees in LightGBM's format."""
    values: NDArray[np.floating]
    """(leaves of all trees, outputs)."""
    starts: NDArray[np.int32]
    """(trees,) the first leaf of each."""
    base: NDArray[np.floating]
    """(outputs,) what the sum of boosted trees starts from; they take turns if there are several outputs."""

    def __call__(self, X: NDArray[np.float32]) -> NDArray[np.floating]:
        """Return (rows, trees, outputs): what the leaves of a row are worth."""
        return self.values.take(self.trees.leaves(X).astype(np.int32) + self.starts, axis=0)

    def boosted(self, X: NDArray[np.float32]) -> NDArray[np.floating]:
        """Return (rows, outputs): the sums in the order and the precision in which boosters add."""
        if len(X) < MANY or self.vectors is None:
            return self._sums(self.trees.leaves(X).astype(np.int32))
        return np.concatenate([self._sums(leaves) for leaves in self.vectors.leaves(X)])

    def quick_for(self, rows: int) -> bool:
        """Return whether no library is quicker for so many rows."""
        return rows <= FEW or (rows >= MANY and self.vectors is not None)

    @cached_property
    def trees(self) -> Trees:
        """The trees in LightGBM's library."""
        return Trees(self.text)

    @cached_property
    def vectors(self) -> BitVectors | None:
        """The same trees for many rows, if that is quicker."""
        return BitVectors.of(fields(self.text))

    def _sums(self, leaves: NDArray[np.int32]) -> NDArray[np.floating]:
        worth = self.values[:, 0].take((leaves + self.starts).T).reshape(-1, len(self.base), len(leaves))
        worth[:1] += self.base[:, None]
        return one_by_one(worth).T

    @classmethod
    def read(cls, text: bytes, outputs: int) -> Self:
        """Read a model of LightGBM's own."""
        trees = fields(text)
        leaves = [int(tree["num_leaves"]) for tree in trees]
        values = numbers(trees, "leaf_value", np.float64)[:, None]
        return cls(text, values, np.cumsum([0, *leaves[:-1]], dtype=np.int32), np.zeros(outputs))

    @classmethod
    def of(cls, trees: Sequence[Tree], values: NDArray[np.floating], base: NDArray[np.floating], columns: int) -> Self:
        """Bring trees that see so many columns into LightGBM's format."""
        blocks = [tree.text(number) for number, tree in enumerate(trees)]
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
        return cls(text.encode("ascii"), values, np.cumsum([0, *leaves[:-1]], dtype=np.int32), base)

    def save(self, folder: Path) -> None:
        """Write the table beside the model that it is of, unless it is too large."""
        if len(self.values) <= MOST:
            (folder / _TREES).write_bytes(self.text)
            np.savez(folder / _TABLE, allow_pickle=False, values=self.values, starts=self.starts, base=self.base)

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """Read what :meth:`save` wrote; None if nothing was."""
        if not (folder / _TABLE).exists():
            return None
        with np.load(folder / _TABLE, allow_pickle=False) as table:
            text = (folder / _TREES).read_bytes()
            return cls(text, table["values"], table["starts"].astype(np.int32), table["base"])
