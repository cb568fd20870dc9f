"""The features of many models at once: a row takes a few array steps in all, not as many for each fold and recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from automl.features.construct import Arithmetic
from automl.features.dates import DAY, Dates
from automl.features.encode import SLOTS, OneHots
from automl.features.matrix import Matrix
from automl.features.numeric import LARGEST
from automl.features.pipeline import Features
from automl.features.written import Places, Written, share_texts

Columns = Mapping[str, NDArray[Any]]
"""The columns of a typed frame by name."""


@dataclass(frozen=True, slots=True, eq=False)
class Plain:
    """Dense columns that are numbers or parts of dates, but for what is subtracted."""

    numbers: tuple[str, ...]
    dates: Dates
    """From 1970 on, with everything that any recipe makes of them."""
    source: NDArray[np.intp]
    """(columns,) among the numbers, then the dates."""
    origins: NDArray[np.float64]

    def __call__(self, columns: Columns, rows: int) -> NDArray[np.float64]:
        """Return (rows, columns)."""
        values = np.empty((rows, len(self.numbers)))
        for i, name in enumerate(self.numbers):
            values[:, i] = columns[name]
        values = np.clip(values, -LARGEST, LARGEST, out=values)
        if self.dates.sources:
            values = np.concatenate([values, self.dates.of(columns, rows)], axis=1)
        return values[:, self.source] - self.origins

    def formula(self, columns: Mapping[str, Any]) -> Any:
        """Return the same of symbols, (rows, 1) each."""
        values = np.clip(np.concatenate([columns[name] for name in self.numbers], axis=1), -LARGEST, LARGEST)
        return values[:, self.source] - self.origins


@dataclass(frozen=True, slots=True, eq=False)
class LookedUp:
    """Dense columns that are looked up by the code of a category; all tables lie behind one another."""

    sources: tuple[str, ...]
    source: NDArray[np.intp]
    """(columns,) among the sources."""
    starts: NDArray[np.intp]
    """(columns,) where the column of its table starts."""
    strides: NDArray[np.intp]
    """(columns,) from one category to the next."""
    cells: NDArray[np.float64]

    def __call__(self, columns: Columns, rows: int) -> NDArray[np.float64]:
        """Return (rows, columns)."""
        slots = np.empty((rows, len(self.sources)), np.intp)
        for i, name in enumerate(self.sources):
            slots[:, i] = columns[name]
        return self.cells[self.starts + self.strides * (slots[:, self.source] + SLOTS)]

    def formula(self, columns: Mapping[str, Any]) -> Any:
        """Return the same of symbols, (rows, 1) each."""
        slots = np.concatenate([columns[name] for name in self.sources], axis=1)
        return (self.starts + self.strides * (slots[:, self.source] + SLOTS)).look_up(self.cells)


@dataclass(frozen=True, slots=True, eq=False)
class Fused:
    """Fitted features side by side. Bit for bit what :meth:`Features.transform` of each returns."""

    plain: Plain
    looked_up: LookedUp
    written: Written
    arithmetic: Arithmetic
    """Combined columns of all recipes, over the plain, the looked up and then the written columns."""
    medians: NDArray[np.float64]
    """What a missing value of the dense and the combined columns becomes; NaN where a recipe lets it be missing."""
    flagged: NDArray[np.intp]
    order: NDArray[np.intp]
    """From the plain, looked up, written, combined and flag columns to those of each matrix, one after the other."""
    features: Sequence[Features]
    ends: Sequence[int]
    """Where the dense columns of each matrix end."""
    onehots: Sequence[OneHots]
    """The sparse columns of each; those of texts come after them."""
    bags: Sequence[Sequence[int]]
    """Their numbers for each matrix."""

    @classmethod
    def of(cls, features: Sequence[Features]) -> Fused:
        """Put features side by side, one of them or more."""
        return _Joint(features).fused()

    def __call__(self, columns: Columns, rows: int) -> list[Matrix]:
        """Return the matrix of each of the features."""
        written, bags = self.written(columns, rows)
        values = np.concatenate([self.plain(columns, rows), self.looked_up(columns, rows), written], axis=1)
        if len(self.arithmetic.left):
            values = np.concatenate([values, self.arithmetic(values)], axis=1)
        missing = np.isnan(values)
        np.copyto(values, self.medians, where=missing)
        if len(self.flagged):
            values = np.concatenate([values, missing[:, self.flagged]], axis=1)
        values = values[:, self.order]
        unscaled = np.clip(values, -LARGEST, LARGEST).astype(np.float32)
        matrices, start = [], 0
        for each, onehots, own, end in zip(self.features, self.onehots, self.bags, self.ends, strict=True):
            matrix = unscaled[:, start:end]
            if len(each.scaling.columns):
                matrix = np.clip(each.scaling(values[:, start:end]), -LARGEST, LARGEST).astype(np.float32)
            coded = onehots if each.compressed else onehots.dense
            further = [coded(columns, rows)] if onehots.sources else []
            matrices.append(each.assembled(np.ascontiguousarray(matrix), [*further, *(bags[n] for n in own)]))
            start = end
        return matrices

    def formula(self, columns: Mapping[str, Any]) -> list[Any]:
        """Return the symbol of the matrix of each of the features; sparse columns become dense ones."""
        nothing = next(iter(columns.values()))[:, np.zeros(0, np.intp)]  # a matrix of no columns has rows all the same
        parts = [part.formula(columns) for part in (self.plain, self.looked_up) if len(part.source)]
        values = np.concatenate(parts or [nothing.astype(np.float64)], axis=1)
        if len(self.arithmetic.left):
            values = np.concatenate([values, self.arithmetic.formula(values)], axis=1)
        missing = np.isnan(values)
        values = np.where(missing, self.medians, values)
        if len(self.flagged):
            values = np.concatenate([values, missing[:, self.flagged].astype(np.float64)], axis=1)
        matrices, start = [], 0
        for each, end in zip(self.features, self.ends, strict=True):
            scaled = each.scaling.formula(values[:, self.order[start:end]], end - start)
            matrix = np.clip(scaled, -LARGEST, LARGEST).astype(np.float32)
            sparse = [part.formula(columns[part.source]) for part in each.parts.onehots]
            matrices.append(np.concatenate([matrix, *sparse], axis=1))
            start = end
        return matrices


class _Joint:
    """Columns of many features while they are put side by side."""

    def __init__(self, features: Sequence[Features]) -> None:
        self.features = features
        parts = [each.parts for each in features]
        sources = (table.source for part in parts for table in part.tables)
        dates = max((part.dates for part in parts), key=lambda dates: (len(dates.sources), dates.cycles))
        self.dates = replace(dates, starts=np.zeros_like(dates.starts))
        self.numbers = max((part.numbers.names for part in parts), key=len)  # blind features have none
        self.places = {name: place for place, name in enumerate(self.numbers)}
        self.tables = {source: place for place, source in enumerate(dict.fromkeys(sources))}
        self.written, self.texts = share_texts(parts)
        self.plain: list[tuple[int, float]] = []
        self.looked_up: list[tuple[int, int, int]] = []
        self.cells: list[NDArray[np.float32]] = [np.zeros(0, np.float32)]
        self.end = 0
        """How many cells these are."""

    def fused(self) -> Fused:
        grouped = [self._dense(each, texts) for each, texts in zip(self.features, self.texts, strict=True)]
        starts_of_groups = np.cumsum([0, len(self.plain), len(self.looked_up)])
        dense = [starts_of_groups[groups] + places for groups, places in grouped]
        before = len(self.plain) + len(self.looked_up) + sum(self.written.widths)
        arithmetic = [each.arithmetic for each in self.features]
        combined = [0 if each is None else len(each.left) for each in arithmetic]
        starts = before + np.cumsum([0, *combined])
        first_flag = int(starts[-1])
        medians, flagged, order = np.full(first_flag, np.nan), [np.zeros(0, np.intp)], []
        for each, places, start, count in zip(self.features, dense, starts.tolist(), combined, strict=False):
            own = np.concatenate([places, np.arange(start, start + count)])
            order.append(own)
            if each.filling:
                medians[own] = each.filling.medians
                flags = first_flag + sum(map(len, flagged))
                flagged.append(own[each.filling.flagged])
                order.append(np.arange(flags, flags + len(flagged[-1])))
        source, origins = _columns(self.plain, 2)
        table, cell, stride = _columns(self.looked_up, 3).astype(np.intp)
        return Fused(
            plain=Plain(self.numbers, self.dates, source.astype(np.intp), origins),
            looked_up=LookedUp(tuple(self.tables), table, cell, stride, np.concatenate(self.cells, dtype=np.float64)),
            written=self.written,
            arithmetic=_side_by_side([(each, places) for each, places in zip(arithmetic, dense, strict=True) if each]),
            medians=medians,
            flagged=np.concatenate(flagged),
            order=np.concatenate(order).astype(np.intp),
            features=self.features,
            ends=np.cumsum([len(each.names) - len(each.parts.sparse_names) for each in self.features]).tolist(),
            onehots=[OneHots.of(each.parts.onehots) for each in self.features],
            bags=[each.bags for each in self.texts],
        )

    def _dense(self, features: Features, texts: Places) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Enter the kept dense columns; return the group of each, plain, looked up or written, and its place in it."""
        columns = [*self._numbers(features), *self._looked_up(features), *self._dates(features), *texts.dense]
        places = []
        for i in features.kept.tolist():
            column = columns[i]
            if isinstance(column, int):
                places.append((2, column))
            elif len(column) == 2:
                self.plain.append(column)
                places.append((0, len(self.plain) - 1))
            else:
                self.looked_up.append(column)
                places.append((1, len(self.looked_up) - 1))
        groups, place = np.array(places, np.intp).reshape(-1, 2).T
        return groups, place

    def _numbers(self, features: Features) -> list[tuple[int, float]]:
        numbers = features.parts.numbers
        return [(self.places[name], float(o)) for name, o in zip(numbers.names, numbers.origins, strict=True)]

    def _dates(self, features: Features) -> list[tuple[int, float]]:
        dates, first = features.parts.dates, len(self.numbers)
        places = {key: first + i for i, key in enumerate(zip(self.dates.names, self.dates.made_of, strict=True))}
        origins = {f"stamp({name})": start / DAY for name, start in zip(dates.sources, dates.starts, strict=True)}
        keys = zip(dates.names, dates.made_of, strict=True)  # the days between "a" and "b - c" are named like others
        return [(places[key], float(origins.get(key[0], 0.0))) for key in keys]

    def _looked_up(self, features: Features) -> list[tuple[int, int, int]]:
        columns = []
        for table in features.parts.tables:
            start, stride = self.end, table.rows.shape[1]
            columns += [(self.tables[table.source], start + i, stride) for i in range(stride)]
            self.cells.append(table.rows.ravel())
            self.end += table.rows.size
        return columns


def _columns(rows: Sequence[tuple[float, ...]], width: int) -> NDArray[np.float64]:
    return np.array(rows, np.float64).reshape(len(rows), width).T


def _side_by_side(parts: Sequence[tuple[Arithmetic, NDArray[np.intp]]]) -> Arithmetic:
    """Return all combinations as one, over columns that lie at other places."""
    none = np.zeros(0, np.intp)
    return Arithmetic(
        tuple(name for each, _ in parts for name in each.names),
        np.concatenate([none, *(places[each.left] for each, places in parts)]),
        np.concatenate([none, *(places[each.right] for each, places in parts)]),
        np.concatenate([none, *(each.operator for each, _ in parts)]),
    )
