"""Categories as numbers: each column becomes a table with one row a category, and a look-up is the whole transform."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from automl.data.table import Column
from automl.features.matrix import CODES, Needs
from automl.features.supervision import FOLDS, Supervision

SLOTS: Final = 2
"""Rows of a table before the categories: code -2 (unseen) has row 0, code -1 (missing) row 1."""
SMOOTHING: Final = 10.0
"""Rows that the overall mean counts for in a category's mean."""
ENCODED: Final = 10
"""Categories above which the target encoding joins or replaces codes."""
COUNTED: Final = 30
"""Categories above which their frequency is a column."""
ONE_HOT: Final = 30
"""Categories up to which each has a column of 0 and 1."""
SPARSE_LEVELS: Final = 2000
SPARSE_ROWS: Final = 5
"""Sparse input: further categories have such a column too if they have that many rows."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """The dense columns of one categorical column."""

    source: str
    names: tuple[str, ...]
    cardinalities: tuple[int, ...]
    """Number of codes of each column that holds codes to be declared, else 0."""
    rows: NDArray[np.float32]
    """(2 + categories, names): see ``SLOTS``."""

    def transform(self, frame: pd.DataFrame) -> NDArray[np.float32]:
        """Return (rows, names)."""
        codes: NDArray[np.int32] = frame[self.source].to_numpy()
        return self.rows[codes + SLOTS]


@dataclass(frozen=True, slots=True, eq=False)
class OneHot:
    """The sparse columns of one categorical column, at most one of them 1 in a row."""

    source: str
    names: tuple[str, ...]
    places: NDArray[np.int32]
    """(2 + categories,): which column is 1; -1 = none."""

    @classmethod
    def fit(cls, column: Column, codes: NDArray[np.int32]) -> OneHot:
        """Give columns to all categories of the training rows, or to frequent ones if they are many."""
        counts = _counts(column, codes)
        many = np.count_nonzero(counts[SLOTS:]) > ONE_HOT
        levels = _by_frequency(counts, SPARSE_ROWS if many else 1)[:SPARSE_LEVELS]
        places = np.full(len(counts), -1, np.int32)
        places[levels] = np.arange(len(levels))
        return cls(column.name, _level_names(column, levels), places)

    def transform(self, frame: pd.DataFrame) -> csr_array[Any]:
        """Return (rows, names)."""
        return OneHots.of([self])({self.source: frame[self.source].to_numpy()}, len(frame))

    def formula(self, codes: Any) -> Any:
        """Return the columns, which are few or mostly 0, of the symbol of the codes, as dense ones."""
        columns = np.arange(len(self.names), dtype=np.int32)
        return np.equal((codes + SLOTS).look_up(self.places), columns).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class OneHots:
    """The columns of 0 and 1 of several categorical columns side by side."""

    sources: tuple[str, ...]
    starts: NDArray[np.intp]
    """(sources,) where the places of each begin."""
    places: NDArray[np.int32]
    """For one source after the other: which column is 1; -1 = none."""
    width: int

    @classmethod
    def of(cls, parts: Sequence[OneHot]) -> OneHots:
        """Put columns side by side."""
        before = np.cumsum([0, *(len(part.names) for part in parts)])
        starts = np.cumsum([0, *(len(part.places) for part in parts)])[:-1]
        places = [np.zeros(0, np.int32)]
        for part, first in zip(parts, before.tolist(), strict=False):
            places.append(np.where(part.places < 0, np.int32(-1), part.places + np.int32(first)))
        return cls(tuple(part.source for part in parts), starts, np.concatenate(places), int(before[-1]))

    def __call__(self, columns: Mapping[str, NDArray[np.int32]], rows: int) -> csr_array[Any]:
        """Return (rows, width) for the codes of columns by name."""
        places = self._ones(columns, rows)
        known = places >= 0
        indptr = np.concatenate([[0], np.cumsum(np.count_nonzero(known, axis=1))]).astype(np.int32)
        ones = np.ones(int(indptr[-1]), np.float32)
        return csr_array((ones, places[known], indptr), shape=(rows, self.width))

    def dense(self, columns: Mapping[str, NDArray[np.int32]], rows: int) -> NDArray[np.float32]:
        """Return the same as a dense array."""
        places = self._ones(columns, rows)
        known = places >= 0
        values = np.zeros((rows, self.width), np.float32)
        values[np.nonzero(known)[0], places[known]] = 1
        return values

    def _ones(self, columns: Mapping[str, NDArray[np.int32]], rows: int) -> NDArray[np.int32]:
        """Return (rows, sources): which column is 1; -1 = none."""
        slots = np.empty((rows, len(self.sources)), np.intp)
        for i, name in enumerate(self.sources):
            slots[:, i] = columns[name]
        return self.places.take(slots + (self.starts + SLOTS))


@dataclass(frozen=True, slots=True, eq=False)
class _Piece:
    """Some columns of a table under construction; ``train`` stands in for training rows that must not see a mean."""

    names: tuple[str, ...]
    rows: NDArray[Any]
    cardinality: int = 0
    train: NDArray[np.float64] | None = None


def fit_table(
    column: Column, codes: NDArray[np.int32], needs: Needs, supervision: Supervision
) -> tuple[Table, NDArray[np.float64]]:
    """Return the table of a categorical column and its training columns, target means out of fold.

    Parameters
    ----------
    codes
        (rows,) of the typed training frame.
    """
    slots = codes.astype(np.intp) + SLOTS
    pieces = list(_pieces(column, codes, needs, supervision))
    names = tuple(name for piece in pieces for name in piece.names)
    cardinalities = tuple(piece.cardinality for piece in pieces for _ in piece.names)
    rows = [np.zeros((len(column.categories) + SLOTS, 0)), *(piece.rows for piece in pieces)]
    table = Table(column.name, names, cardinalities, np.concatenate(rows, axis=1, dtype=np.float32))
    parts = [np.zeros((len(codes), 0)), *(p.rows[slots] if p.train is None else p.train for p in pieces)]
    return table, np.concatenate(parts, axis=1)


def _pieces(column: Column, codes: NDArray[np.int32], needs: Needs, supervision: Supervision) -> Iterator[_Piece]:
    counts = _counts(column, codes)
    distinct = np.count_nonzero(counts[SLOTS:])
    if needs.categories == "codes" or (needs.categories == "numbers" and distinct <= ENCODED):
        yield _codes(column.name, counts, declared=needs.categories == "codes")
    if needs.categories == "onehot" and distinct <= ONE_HOT:
        if not needs.sparse:
            yield _one_hot(column, counts)
    elif distinct > ENCODED:
        yield _means(column.name, codes, len(counts), supervision)
    if needs.categories != "onehot" and distinct > COUNTED:
        yield _Piece((f"count({column.name})",), np.log1p(counts)[:, None])


def _counts(column: Column, codes: NDArray[np.int32]) -> NDArray[np.intp]:
    """Return training rows a slot."""
    return np.bincount(codes + SLOTS, minlength=len(column.categories) + SLOTS)


def _by_frequency(counts: NDArray[np.intp], least: int) -> NDArray[np.intp]:
    """Return the slots, that of missing among them, that have rows enough, the most frequent first."""
    order = np.argsort(-counts[1:], kind="stable") + 1
    return order[counts[order] >= least]


def _codes(name: str, counts: NDArray[np.intp], *, declared: bool) -> _Piece:
    """Number the categories by falling frequency; what training saw once is like unseen."""
    levels = _by_frequency(counts, 2)
    levels = levels[levels >= SLOTS]
    rows = np.full((len(counts), 1), np.nan, np.float32)
    rows[levels, 0] = np.minimum(np.arange(len(levels)), CODES)
    return _Piece((name,), rows, min(len(levels), CODES + 1) if declared else 0)


def _one_hot(column: Column, counts: NDArray[np.intp]) -> _Piece:
    levels = _by_frequency(counts, 1)
    rows = np.zeros((len(counts), len(levels)), np.float32)
    rows[levels, np.arange(len(levels))] = 1
    return _Piece(_level_names(column, levels), rows)


def _level_names(column: Column, levels: NDArray[np.intp]) -> tuple[str, ...]:
    values = ("unseen", "missing", *column.categories)
    return tuple(
        f"{column.name} = {values[level]}" if level >= SLOTS else f"missing({column.name})" for level in levels
    )


def _means(name: str, codes: NDArray[np.int32], size: int, supervision: Supervision) -> _Piece:
    """Return the mean target of each category, drawn towards the overall mean where rows are few.

    The m-estimate of Micci-Barreca (2001). A training row gets the mean over the other inner folds.
    """
    slots, folds, weight = codes.astype(np.intp) + SLOTS, supervision.folds, supervision.weight
    cells = folds * size + slots
    counts = np.bincount(cells, weight, FOLDS * size).reshape(FOLDS, size)
    total = counts.sum(axis=0)
    rows, train = [], []
    for target in supervision.values.T:
        prior = SMOOTHING * np.average(target, weights=weight)
        counted = target if weight is None else target * weight
        sums = np.bincount(cells, counted, FOLDS * size).reshape(FOLDS, size)
        whole = sums.sum(axis=0)
        rows.append((whole + prior) / (total + SMOOTHING))
        train.append(((whole - sums + prior) / (total - counts + SMOOTHING))[folds, slots])
    return _Piece(supervision.named(f"mean({name})"), np.stack(rows, 1), train=np.stack(train, 1))
