"""Binned data sets of boosters, built once in a process and used by all its trials."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from automl.models.base import FoldData

T = TypeVar("T")

CELLS: Final = 400_000_000
"""Rows x columns kept by one cache, about a byte each."""


@dataclass(frozen=True, slots=True, eq=False)
class _Entry(Generic[T]):
    values: object
    """The training matrix it was made from: a key that comes back with other data must not be believed."""
    cells: int
    built: T


class BinnedCache(Generic[T]):
    """The most recently used data sets, by fold and binning. For one fit at a time."""

    def __init__(self, cells: int = CELLS) -> None:
        self._cells = cells
        self._entries: OrderedDict[Hashable, _Entry[T]] = OrderedDict()

    def get(self, data: FoldData, binning: Hashable, build: Callable[[], T]) -> T:
        """Return the data set of this fold and binning; build it if it is not there or the fold has no key."""
        train = data.X_train
        if not train.key:
            return build()
        key = (train.key, data.X_valid.key, binning)
        entry = self._entries.pop(key, None)
        if entry is None or entry.values is not train.values:
            entry = _Entry(train.values, (train.rows + data.X_valid.rows) * train.columns, build())
        self._entries[key] = entry
        while len(self._entries) > 1 and sum(each.cells for each in self._entries.values()) > self._cells:
            self._entries.popitem(last=False)
        return entry.built
