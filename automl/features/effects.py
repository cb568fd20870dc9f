"""What a row's categories add to its target, all of them together and beside the numbers.

Means of single columns (:mod:`automl.features.encode`) count what columns have in common once for each of them, and
trees need many cuts for a sum. An additive model, fitted by ridge regression, tells the columns apart: a category has
an effect of its own if it has rows enough, and shares the effects of its words with other categories.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack, vstack

from automl.data.table import Column
from automl.features.encode import ONE_HOT, SLOTS, OneHot, out_of_fold_means, worded
from automl.features.supervision import FOLDS, Supervision
from automl.features.terms import Vocabulary, sample

SAMPLE: Final = 20_000
"""Rows that each of the inner models is fitted on at most."""
RIDGE: Final = 1.0
TERMS: Final = 5_000
FARTHEST: Final = 4.0
"""Standard deviations at which numbers are cut off: their squares are used, too."""
TINY: Final = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Effects:
    """One dense column for each column of the target: the sum of the effects of a row's categories."""

    sources: tuple[str, ...]
    names: tuple[str, ...]
    tables: tuple[NDArray[np.float32], ...]
    """(2 + categories, names) of each source: see ``SLOTS``."""

    @classmethod
    def fit(
        cls, frame: pd.DataFrame, columns: Sequence[Column], numbers: NDArray[np.float64], supervision: Supervision
    ) -> tuple[Effects, NDArray[np.float64]]:
        """Return the part, of columns with many categories, and its training columns, out of fold.

        There are none where the means of one column tell as much, out of fold, too.

        Parameters
        ----------
        columns
            The categorical columns of the typed frame. Those of few categories only stand beside.
        numbers
            (rows, n) what else may explain the target.
        """
        wide = [column for column in columns if len(column.categories) > ONE_HOT]
        if not wide or (len(wide) == 1 and not worded(wide[0].categories)):
            return NONE, np.zeros((len(frame), 0))
        few = [column for column in columns if column not in wide]
        beside = [_curves(numbers), *(_design(frame, column)[_slots(frame, column)] for column in few)]
        slots = [_slots(frame, column) for column in wide]
        designs = [_design(frame, column) for column in wide]
        means = [out_of_fold_means(column, frame[column.name].to_numpy(), supervision) for column in wide]
        tables, added = _fitted(designs, slots, csr_array(hstack(beside, format="csr")), supervision)
        if _told(added, supervision.values) <= max(_told(mean, supervision.values) for mean in means):
            return NONE, np.zeros((len(frame), 0))
        sources, names = tuple(column.name for column in wide), supervision.named("effects of categories")
        return cls(sources, names, tuple(table.astype(np.float32) for table in tables)), added

    @classmethod
    def beside(cls, parts: Sequence[Self]) -> Self:
        """Return the columns of parts with the same sources as one."""
        sources = next((part.sources for part in parts if part.sources), ())
        parts = [part for part in parts if part.sources]
        tables = zip(*(part.tables for part in parts), strict=True)
        names = tuple(name for part in parts for name in part.names)
        return cls(sources, names, tuple(np.concatenate(each, axis=1) for each in tables))

    def transform(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """Return (rows, names)."""
        return self.of({name: frame[name].to_numpy() for name in self.sources}, len(frame))

    def of(self, columns: Mapping[str, NDArray[Any]], rows: int) -> NDArray[np.float64]:
        """Return the same for the columns of a frame by name."""
        total = np.zeros((rows, len(self.names)))
        for name, table in zip(self.sources, self.tables, strict=True):
            total += table[columns[name] + SLOTS]
        return total

    def formula(self, columns: Mapping[str, Any]) -> Any:
        """Return the same of symbols, (rows, 1) each."""
        places = np.arange(len(self.names))
        terms = [
            ((columns[name] + SLOTS) * len(self.names) + places).look_up(table.ravel().astype(np.float64))
            for name, table in zip(self.sources, self.tables, strict=True)
        ]
        return sum(terms[1:], start=terms[0])


NONE: Final = Effects((), (), ())


def _fitted(
    designs: Sequence[csr_array[Any]],
    slots: Sequence[NDArray[np.intp]],
    beside: csr_array[Any],
    supervision: Supervision,
) -> tuple[list[NDArray[np.float64]], NDArray[np.float64]]:
    """Return the tables, means over the models of the inner folds, and what the other folds' models say of each row."""
    rows, targets = supervision.values.shape
    ends = np.cumsum([design.shape[1] for design in designs])[:-1]
    tables = [np.zeros((design.shape[0], targets)) for design in designs]
    added = np.zeros((rows, targets))
    for fold in range(FOLDS):
        inside = np.flatnonzero(supervision.folds == fold)
        others = np.flatnonzero(supervision.folds != fold) if rows > 1 else np.arange(rows)
        others = others[sample(len(others), SAMPLE, supervision.random_state + fold)]
        blocks = [beside[others], *(design[own[others]] for design, own in zip(designs, slots, strict=True))]
        slopes = _ridge(hstack(blocks, format="csr"), supervision, others)[beside.shape[1] :]
        for design, own, slope, table in zip(designs, slots, np.split(slopes, ends), tables, strict=True):
            effect = design @ slope
            effect -= effect[own[others]].mean(axis=0)
            effect[0] = 0.0  # of a category that training has not seen
            added[inside] += effect[own[inside]]
            table += effect / FOLDS
    return tables, added


def _told(columns: NDArray[np.float64], targets: NDArray[np.float64]) -> float:
    """Return the share of the variance of the targets that a column each explains by a line, their mean."""
    away, values = columns - columns.mean(axis=0), targets - targets.mean(axis=0)
    spread = np.square(away).sum(axis=0) * np.square(values).sum(axis=0)
    return float(np.mean(np.square((away * values).sum(axis=0)) / np.maximum(spread, TINY)))


def _slots(frame: pd.DataFrame, column: Column) -> NDArray[np.intp]:
    return frame[column.name].to_numpy().astype(np.intp) + SLOTS


def _design(frame: pd.DataFrame, column: Column) -> csr_array[Any]:
    """Return (2 + categories, terms): its own column for each category that has rows enough, and those of its words."""
    places = OneHot.fit(column, frame[column.name].to_numpy()).places
    known = np.flatnonzero(places >= 0)
    shape = (len(places), int(places.max(initial=-1)) + 1)
    own = csr_array((np.ones(len(known), np.float32), (known, places[known])), shape=shape)
    if not worded(column.categories):
        return own
    words = _words(column.categories)
    unknown: Any = csr_array((SLOTS, words.shape[1]), dtype=np.float32)
    stacked: Any = vstack([unknown, words], format="csr")
    return csr_array(hstack([own, stacked], format="csr"))


@lru_cache(maxsize=32)
def _words(categories: tuple[str, ...]) -> csr_array[Any]:
    """Return (categories, terms) tf-idf weights. Looks at no row and no target, so that it is the same in all folds."""
    return Vocabulary.fit(categories, "words", least=2, most=TERMS).transform(categories)


def _curves(numbers: NDArray[np.float64]) -> csr_array[Any]:
    """Return numbers and their squares, scaled; missing ones are average."""
    if not numbers.shape[1]:
        return csr_array(numbers)
    missing = np.isnan(numbers)
    known = np.where(missing, 0.0, numbers)
    known /= np.maximum(np.abs(known).max(axis=0, initial=0.0), TINY)  # squares of the largest would be infinite
    count = np.maximum(np.count_nonzero(~missing, axis=0), 1)
    away = np.where(missing, 0.0, known - known.sum(axis=0) / count)
    spread = np.sqrt(np.square(away).sum(axis=0) / count)
    scaled = np.clip(away / np.maximum(spread, TINY), -FARTHEST, FARTHEST)
    return csr_array(np.concatenate([scaled, np.square(scaled)], axis=1))


def _ridge(X: csr_array[Any], supervision: Supervision, rows: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return slopes (columns, targets)."""
    from sklearn.linear_model import Ridge

    y, weight = supervision.values[rows], None if supervision.weight is None else supervision.weight[rows]
    if not X.shape[1]:
        return np.zeros((0, y.shape[1]))
    model: Any = Ridge(RIDGE, solver="sparse_cg", tol=1e-3).fit(X, y, weight)
    return np.asarray(model.coef_.reshape(y.shape[1], X.shape[1]).T)
