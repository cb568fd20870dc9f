"""Trees of any library: LightGBM's library finds the leaves, or bit vectors; a table tells what they are worth.

A call of XGBoost or CatBoost takes 0.15 ms before the first tree is looked at, this one 5 µs. Many rows through small
trees take half the time that XGBoost takes, and a third where it asks for categories.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from automl.formula.trees import Tree
from automl.models import codebook
from automl.models.bitvectors import BitVectors
from automl.models.lightgbm_c import FEW_ROWS, Trees
from automl.models.lightgbm_text import fields, numbers, written
from automl.models.lookups import MANY, one_by_one

MOST: Final = 300_000
"""Leaves of a model up to which this form is worth its bytes."""
_TREES, _TABLE = "rows.txt", "rows.npz"


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
        return rows <= FEW_ROWS or (rows >= MANY and self.vectors is not None)

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
        leaves = [len(tree.feature) + 1 for tree in trees]
        return cls(written(trees, columns), values, np.cumsum([0, *leaves[:-1]], dtype=np.int32), base)

    def save(self, folder: Path) -> None:
        """Write the table beside the model that it is of, unless it is too large."""
        if len(self.values) <= MOST:
            (folder / _TREES).write_bytes(self.text)
            facts = {"starts": self.starts, "base": self.base}
            np.savez(folder / _TABLE, allow_pickle=False, **codebook.encode(self.values), **facts)

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """Read what :meth:`save` wrote; None if nothing was."""
        if not (folder / _TREES).exists():
            return None
        with np.load(folder / _TABLE, allow_pickle=False) as table:
            text = (folder / _TREES).read_bytes()
            return cls(text, codebook.decode(table), table["starts"].astype(np.int32), table["base"])
