"""Many rows through many trees at once: every column looks up what it says about all trees, and that is put together.

Trees can tell few values of a column apart. For each of them a table has one row of bits, for all trees; a row of data
takes one long bitwise step a column, whatever the depth of the trees. After QuickScorer (Lucchese et al. 2015), which
looks at each split, not at each column.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

MANY: Final = 2_048
"""Rows from which the tables are worth building."""
CELLS: Final = 1 << 16
"""(row, word) pairs that are worked on together: they stay in the processor's cache."""
NUMBER: Final = -1
"""Instead of a row of answers to categories."""
Words = NDArray[np.uint32]
T = TypeVar("T", bound=np.floating[Any])


@dataclass(frozen=True, slots=True, eq=False)
class Splits:
    """Splits of all trees, to be answered with yes or no; one entry each, but for ``known``.

    column : that is asked about.
    threshold : numbers: whether they are above. None of it counts for categories.
    missing : the answer where the number is missing.
    category : the row of ``known``, or ``NUMBER``.
    known : (sets, codes + 2) the answers to a missing code, each code and higher ones.
    place : the word that the bits belong to.
    yes, no : the bits that an answer sets.
    """

    column: NDArray[np.integer]
    threshold: NDArray[np.float32]
    missing: NDArray[np.bool_]
    category: NDArray[np.integer]
    known: NDArray[np.bool_]
    place: NDArray[np.integer]
    yes: Words
    no: Words


@dataclass(frozen=True, slots=True, eq=False)
class Lookup:
    """What the values of one column set."""

    column: int
    borders: NDArray[np.float32] | None
    """Numbers: the thresholds, rising, and infinity; what is missing lies behind. None for codes."""
    table: Words
    """(values that are told apart, words)."""

    def rows(self, X: NDArray[np.float32]) -> NDArray[np.intp]:
        """Return (rows,) the row of the table."""
        values = X[:, self.column]
        if self.borders is not None:
            return np.searchsorted(self.borders, values)
        return np.fmin(np.fmax(values, -1.0), len(self.table) - 2).astype(np.intp) + 1


@dataclass(frozen=True, slots=True, eq=False)
class Lookups:
    """All columns that are asked about."""

    columns: Sequence[Lookup]
    words: int

    @classmethod
    def of(cls, splits: Splits, words: int) -> Lookups:
        """Bring splits into tables."""
        asked = np.unique(splits.column).tolist()
        return cls([_lookup(splits, column, words) for column in asked], words)

    def blocks(self, X: NDArray[np.float32]) -> Iterator[Words]:
        """Yield (a few rows, words): all bits that are set. The next ones overwrite them."""
        step = max(64, CELLS // max(1, self.words))
        found, one = np.empty((2, step, self.words), np.uint32)
        at = [each.rows(X) for each in self.columns]
        for start in range(0, len(X), step):
            rows = min(step, len(X) - start)
            found[:rows] = 0
            for each, places in zip(self.columns, at, strict=True):
                np.take(each.table, places[start : start + rows], axis=0, out=one[:rows], mode="clip")
                np.bitwise_or(found[:rows], one[:rows], out=found[:rows])
            yield found[:rows]


def _lookup(splits: Splits, column: int, words: int) -> Lookup:
    which = np.flatnonzero(splits.column == column)
    which = which[np.argsort(splits.place[which], kind="stable")]
    borders = None
    if splits.category[which[0]] != NUMBER:
        answers = splits.known[splits.category[which]]
    else:
        borders, rank = np.unique(splits.threshold[which], return_inverse=True)
        answers = np.arange(len(borders) + 2) > rank[:, None]
        answers[:, -1] = splits.missing[which]
        borders = np.append(borders, np.float32(np.inf))
    bits = np.where(answers, splits.yes[which, None], splits.no[which, None])
    place, first = np.unique(splits.place[which], return_index=True)
    table = np.zeros((answers.shape[1], words), bits.dtype)
    table[:, place] = np.bitwise_or.reduceat(bits, first, axis=0).T
    return Lookup(column, borders, table)


def round_down(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the largest float32 that is not above: x <= value stays the same for every float32 x."""
    with np.errstate(over="ignore"):
        rounded = values.astype(np.float32)
        below = np.nextafter(rounded, np.float32(-np.inf))
    return np.where(rounded > values, below, rounded)


def one_by_one(worth: NDArray[T]) -> NDArray[T]:
    """Return the sum over the first axis in its order, as a loop over trees adds, whatever the other axes.

    >>> one_by_one(np.ones((3, 2))).tolist()
    [3.0, 3.0]
    """
    if worth[0].size > 1:
        return np.asarray(worth.sum(axis=0))  # along what lies behind one another, numpy adds one slice at a time
    return np.asarray(np.add.accumulate(worth, axis=0)[-1])  # pairs would be added first
