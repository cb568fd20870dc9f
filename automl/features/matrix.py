"""What features hand to a model family: one matrix of numbers and what its columns mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack, vstack

CODES: Final = 255
"""Categories with a code of their own; the others share one."""

_FEW: Final = 256
"""Rows up to which what SciPy checks takes longer than what it does."""

Missing = Literal["native", "impute"]
Categories = Literal["codes", "numbers", "onehot"]
ScalingMethod = Literal["none", "standard", "robust", "quantile"]
Text = Literal["svd", "tfidf"]


@dataclass(frozen=True, slots=True)
class Needs:
    """What a family wants its input to look like. The feature pipeline asks this, never which family it is.

    missing
        ``native``: NaN stays. ``impute``: filled with the median, with an indicator column where it pays.
    categories
        ``codes``: integer codes, declared in ``Matrix.categorical``, and a target encoding beside high cardinality.
        ``numbers``: ordinal codes for low, target encoding for high cardinality; nothing declared.
        ``onehot``: one-hot for low, target encoding for high cardinality.
    scaling
        Applied to every column that is not 0 / 1.
    text
        ``svd``: tf-idf reduced to a few dense columns. ``tfidf``: the sparse tf-idf columns themselves.
    sparse
        The family accepts a ``csr_array``; it is used where that is smaller.
    arithmetic
        Sums, differences, products and quotients of the columns that tell most are added.
    blind
        The family looks at no column: the matrix has rows, but nothing in them.
    """

    missing: Missing = "native"
    categories: Categories = "codes"
    scaling: ScalingMethod = "none"
    text: Text = "svd"
    sparse: bool = False
    arithmetic: bool = False
    blind: bool = False

    @property
    def recipe(self) -> str:
        """A name for this combination that is safe in a path; equal needs share features.

        >>> Needs().recipe
        'native-codes-none-svd-dense'
        """
        if self.blind:
            return "blind"
        kind = "sparse" if self.sparse else "dense"
        added = "-arithmetic" if self.arithmetic else ""
        return f"{self.missing}-{self.categories}-{self.scaling}-{self.text}-{kind}{added}"


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """Rows ready for a model.

    values : (rows, columns) float32, C-contiguous, or a ``csr_array`` of float32 if the family accepts sparse input.
    names : one name a column, unique.
    categorical : indices of columns that hold integer category codes 0 .. cardinality-1; NaN where missing or unseen.
    cardinalities : the number of codes of each column in ``categorical``.
    sources : of training rows, for each column the columns of the table that it is made of.
    key : identity for caches of derived structures (binned data sets); empty = do not cache.
    """

    values: NDArray[np.float32] | csr_array
    names: tuple[str, ...]
    categorical: tuple[int, ...] = ()
    cardinalities: tuple[int, ...] = ()
    sources: tuple[tuple[str, ...], ...] = ()
    key: str = ""

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.values.shape[0])

    @property
    def columns(self) -> int:
        """Number of columns."""
        return int(self.values.shape[1])

    @property
    def dense(self) -> NDArray[np.float32]:
        """The values as a dense array."""
        return self.values.toarray() if isinstance(self.values, csr_array) else self.values

    def followed_by(self, other: Matrix) -> Matrix:
        """Return these rows and those of a matrix of the same columns."""
        values: NDArray[np.float32] | csr_array
        if isinstance(self.values, np.ndarray) and isinstance(other.values, np.ndarray):
            values = np.concatenate([self.values, other.values])
        else:
            values = csr_array(vstack([csr_array(self.values), csr_array(other.values)]))
        return replace(self, values=values, key=self.key and f"{self.key}+{other.key}")


def side_by_side(dense: NDArray[np.float32], further: Sequence[csr_array]) -> csr_array:
    """Return dense columns, and sparse ones behind them, as one sparse array.

    >>> side_by_side(np.array([[0, 2]], np.float32), [csr_array(np.array([[3, 0]], np.float32))]).toarray().tolist()
    [[0.0, 2.0, 3.0, 0.0]]
    """
    if len(dense) > _FEW:
        blocks: list[Any] = [csr_array(dense), *further]
        return csr_array(hstack(blocks, format="csr"))
    rows, columns = np.nonzero(dense)
    parts, width = [(rows, columns, dense[rows, columns])], dense.shape[1]
    for part in further:
        parts.append((np.repeat(np.arange(len(dense)), np.diff(part.indptr)), part.indices + width, part.data))
        width += part.shape[1]
    row, column, values = (np.concatenate(each) for each in zip(*parts, strict=True))
    order = np.argsort(row, kind="stable")
    ends = np.cumsum(np.bincount(row, minlength=len(dense)))
    indptr = np.concatenate([[0], ends]).astype(np.int32)
    return csr_array((values[order], column[order].astype(np.int32), indptr), shape=(len(dense), width))
