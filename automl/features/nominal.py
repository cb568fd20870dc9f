"""Whole numbers that are rather names: codes of shops, postcodes, products. Their order says little of the target, and
each of them something of its own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl.data.cells import number_codes
from automl.data.table import Column, Kind, ProblemType, Schema, Task
from automl.features.encode import SLOTS, fit_table
from automl.features.matrix import Needs
from automl.features.numeric import LARGEST
from automl.features.supervision import supervise
from automl.features.terms import sample

FEWEST: Final = 10
"""Different numbers up to which a few splits tell all of them apart."""
MOST: Final = 20_000
"""Different numbers up to which they are categories."""
ROWS_EACH: Final = 2.0
"""Mean rows of a number from which it may be known in new rows."""
ROWS: Final = 200_000
"""Rows in which jumps are looked for."""
JUMPS: Final = 6.0
"""Standard errors that the target must jump more than chance alone would have it."""
TRIED: Final = 8
"""Columns, those with the highest jumps, that are tried as categories,"""
TRIED_ROWS: Final = 10_000
"""on this many rows,"""
FOLDS: Final = 3
"""in this many folds,"""
ROUNDS: Final = 60
"""by this many trees."""
CERTAIN: Final = 3.0
"""Standard errors that the squared error must fall by,"""
SHARE: Final = 0.004
"""and the share of it."""
CLASSES: Final = 5
"""Classes, the most frequent ones, that are looked at."""

Split = Callable[[int], tuple[NDArray[np.intp], NDArray[np.intp]]]


def with_nominal_numbers(
    typed: pd.DataFrame,
    schema: Schema,
    y: NDArray[Any],
    task: Task,
    *,
    split: Split,
    folds: int,
    random_state: int,
    threads: int = 1,
    settled: Container[str] = (),
) -> tuple[Schema, pd.DataFrame]:
    """Return the schema in which models see some whole numbers as categories, too, and its typed frame.

    It is those whose target jumps from one number to the next, rather than rise and fall with them, and which tell new
    rows more that way: a small boosted model is compared with those that see the mean target of each number besides, of
    all these columns, and of those that help alone.

    Parameters
    ----------
    y
        (rows,) class codes or values.
    split, folds
        The rows to learn from and those to compare on, by fold, and how many folds there are.
    settled
        Columns that stay as they are, because their owner says so.
    """
    targets, heights = list(_targets(y, task)), {}
    for column in schema.used:
        free = column.name not in settled and f"{column.name} as category" not in typed.columns
        if column.kind is Kind.NUMERIC and not column.nominal and free:
            heights[column] = np.fromiter(jumps(typed[column.name].to_numpy(), targets), np.float64)
    heights = {column: height for column, height in heights.items() if height.max(initial=0.0) > JUMPS}
    if not heights:
        return schema, typed
    highest = sorted(heights, key=lambda column: -heights[column].max())
    target = targets[int(heights[highest[0]].argmax())]
    suspects = [_nominal(column, typed[column.name].to_numpy()) for column in highest[:TRIED]]
    trial = _Trial.of(typed, schema, suspects, target, split, min(folds, FOLDS), random_state, threads)
    alone = [suspect for suspect in suspects if trial.helps([suspect])] if len(suspects) > 1 else []
    best = min((alone, suspects), key=trial.error)
    if not trial.helps(best):
        return schema, typed
    found = {column.name: column for column in best}
    schema = Schema(tuple(found.get(column.name, column) for column in schema.columns))
    columns = {
        column.name: typed[column.name] if column.name in typed else number_codes(typed[source], column.categories)
        for column, source in schema.typed
    }
    return schema, pd.DataFrame(columns, copy=False)


def _nominal(column: Column, numbers: NDArray[np.float64]) -> Column:
    values, counts = np.unique(numbers[~np.isnan(numbers)], return_counts=True)
    names = tuple(str(int(value)) for value in values[np.lexsort((values, -counts))])
    reason = f"{column.reason}; each says something of its own, so they are categories, too"
    return replace(column, reason=reason, nominal=True, categories=names)


def jumps(numbers: NDArray[np.float64], targets: Sequence[NDArray[np.float64]]) -> Iterator[float]:
    """Yield how much the mean of each target jumps from one whole number to the next, in standard errors.

    The mean of a number is compared with that on the line between the means of the next smaller and the next larger
    one: what it lies beside the line, squared, over what chance lets it lie, is 1 in the mean where the target changes
    smoothly with the numbers, as in the differences of von Neumann (1941).

    Parameters
    ----------
    numbers
        (rows,) numbers, NaN where missing; others than whole ones that come again have no jumps.
    targets
        (rows,) numbers each.

    >>> codes, (effect, noise) = np.arange(5000) % 50, np.random.default_rng(0).normal(size=(2, 5000))
    >>> [height > JUMPS for height in jumps(codes * 1.0, [codes + noise, effect[codes] + noise])]
    [False, True]
    """
    known = np.flatnonzero(~np.isnan(numbers))
    known = known[:: -(-len(known) // ROWS) or 1]
    if not (np.trunc(numbers[known]) == numbers[known]).all():
        return
    values, place, counts = np.unique(numbers[known], return_inverse=True, return_counts=True)
    if not (FEWEST < len(values) <= MOST and len(known) >= ROWS_EACH * len(values)) or np.abs(values).max() > 2**53:
        return
    left = (values[2:] - values[1:-1]) / (values[2:] - values[:-2])  # the nearer one counts more
    parts = 1 / counts[1:-1] + left**2 / counts[:-2] + (1 - left) ** 2 / counts[2:]
    spread = np.sqrt(3.4 * len(parts))  # of a sum of squares, of which neighbours have parts in common
    for target in targets:
        means = np.bincount(place, target[known]) / counts
        noise = np.square(target[known] - means[place]).sum() / (len(known) - len(values))
        beside = np.square(means[1:-1] - left * means[:-2] - (1 - left) * means[2:])
        chance = np.maximum(noise, np.finfo(np.float64).tiny) * parts
        yield float((beside / chance - 1).sum() / spread)


def _targets(y: NDArray[Any], task: Task) -> Iterator[NDArray[np.float64]]:
    """Yield the target as numbers: the ranks of values, 0 to 1, or 1 for a class, of each of the most frequent ones."""
    if not task.classes:
        from scipy.stats import rankdata

        yield np.asarray(rankdata(y) / len(y), np.float64)
        return
    frequent = np.argsort(-np.bincount(y))[:CLASSES]
    for code in frequent[len(task.classes) == 2 :]:
        yield (y == code).astype(np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class _Fold:
    """Rows to learn from and rows to compare on: plain values, and further columns by the name of a suspect."""

    known: NDArray[np.float64]
    y: NDArray[np.float64]
    further: NDArray[np.float64]
    expected: NDArray[np.float64]
    means: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float32]]]

    def errors(self, names: Collection[str], settings: Mapping[str, Any]) -> NDArray[np.float64]:
        """Return the squared errors of a small boosted model that sees some of the further columns."""
        import lightgbm

        known = np.concatenate([self.known, *(self.means[name][0] for name in names)], axis=1)
        further = np.concatenate([self.further, *(self.means[name][1] for name in names)], axis=1)
        data = lightgbm.Dataset(known, self.y, params=dict(settings))
        model = lightgbm.train(dict(settings), data, num_boost_round=ROUNDS)
        errors: NDArray[np.float64] = np.square(self.expected - np.asarray(model.predict(further)))
        return errors


@dataclass(frozen=True, slots=True, eq=False)
class _Trial:
    """Whether columns predict new rows better as categories."""

    folds: Sequence[_Fold]
    settings: Mapping[str, Any]
    known: dict[tuple[str, ...], NDArray[np.float64]] = field(default_factory=dict)
    """(rows compared on,) squared errors by the columns that were categories."""

    @classmethod
    def of(
        cls,
        typed: pd.DataFrame,
        schema: Schema,
        suspects: Sequence[Column],
        target: NDArray[np.float64],
        split: Split,
        count: int,
        random_state: int,
        threads: int,
    ) -> _Trial:
        """Learn the means of all suspects in each fold."""
        task, needs = Task("", ProblemType.REGRESSION, ""), Needs(categories="numbers")
        values = _values(typed[[each.name for each, _ in schema.typed if each.kind is not Kind.TEXT]])
        codes = {suspect: number_codes(typed[suspect.name], suspect.categories) for suspect in suspects}
        folds = []
        for fold in range(count):
            train, valid = (rows[sample(len(rows), TRIED_ROWS, random_state)] for rows in split(fold))
            supervision, means = supervise(target[train], task, random_state), {}
            for suspect, code in codes.items():
                assert suspect.beside is not None
                table, told = fit_table(suspect.beside, code[train], needs, supervision)
                means[suspect.name] = told, table.rows[code[valid] + SLOTS]
            folds.append(_Fold(values[train], target[train], values[valid], target[valid], means))
        settings = {
            "objective": "regression",
            "num_leaves": 31,
            "learning_rate": 0.1,
            "min_data_in_leaf": 20,
            "num_threads": threads,
            "deterministic": True,
            "force_row_wise": True,
            "seed": random_state,
            "verbosity": -1,
        }
        return cls(folds, settings)

    def error(self, columns: Sequence[Column]) -> float:
        """Return the sum of squared errors with these columns as categories."""
        return float(self._errors(columns).sum())

    def helps(self, columns: Sequence[Column]) -> bool:
        """Return whether the error falls for certain with these columns as categories, and by more than a trifle."""
        plain = self._errors(())
        fall = plain - self._errors(columns)
        certain = fall.mean() > CERTAIN * fall.std() / np.sqrt(len(fall))
        return bool(certain and fall.sum() > SHARE * plain.sum())

    def _errors(self, columns: Sequence[Column]) -> NDArray[np.float64]:
        names = tuple(column.name for column in columns)
        if names not in self.known:
            self.known[names] = np.concatenate([fold.errors(names, self.settings) for fold in self.folds])
        return self.known[names]


def _values(frame: pd.DataFrame) -> NDArray[np.float64]:
    """Return plain numbers of typed columns: dates as they are counted, categories by their codes."""
    columns = (frame[name].to_numpy() for name in frame)
    plain = (column.astype(np.int64) if column.dtype.kind == "M" else column for column in columns)
    return np.clip(np.stack([column.astype(np.float64) for column in plain], axis=1), -LARGEST, LARGEST)
