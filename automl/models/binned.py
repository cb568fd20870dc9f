"""Binned data sets of boosters, built once and used by all trials of a run in one process."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final, TypeVar, cast

from automl.features.matrix import Matrix

T = TypeVar("T")

CELLS: Final = 400_000_000
"""Rows x columns kept by one cache, about a byte each."""


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    values: object
    """The training matrix it was made from: a key that comes back with other data must not be believed."""
    cells: int
    built: object


class BinnedCache:
    """The most recently used data sets, by fold and binning. For one fit at a time."""

    def __init__(self, cells: int = CELLS) -> None:
        self._cells = cells
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()

    def get(self, train: Matrix, valid: Matrix, binning: Hashable, build: Callable[[], T]) -> T:
        """Return the data set of these matrices; build it if it is not there or they have no key.

        ``binning`` tells apart what is built of them, by which library and how.
        """
        if not train.key:
            return build()
        key = (train.key, valid.key, binning)
        entry = self._entries.pop(key, None)
        if entry is None or entry.values is not train.values:
            entry = _Entry(train.values, (train.rows + valid.rows) * train.columns, build())
        self._entries[key] = entry
        while len(self._entries) > 1 and sum(each.cells for each in self._entries.values()) > self._cells:
            self._entries.popitem(last=False)
        return cast(T, entry.built)
