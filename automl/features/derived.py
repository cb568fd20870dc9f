"""Derived columns, kept where they tell new rows more: whole numbers as categories, the pieces of codes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl.data.cells import number_codes
from automl.data.table import Column, Kind, ProblemType, Schema, Task
from automl.deadline import NEVER, Deadline, DeadlinePassedError
from automl.features.encode import SLOTS, fit_table
from automl.features.matrix import Needs
from automl.features.nominal import nominal_numbers
from automl.features.numeric import LARGEST
from automl.features.sampling import sample
from automl.features.supervision import Supervision, supervise

TRIED: Final = 8
"""Columns of each sort that are tried; of numbers, those with the highest jumps."""
TRIED_ROWS: Final = 10_000
"""Rows that a trial learns from and is compared on, at most."""
TRIED_CELLS: Final = 1_000_000
"""The same times columns: fewer rows of wide tables."""
FOLDS: Final = 3
"""Folds of a trial."""
ROUNDS: Final = 60
"""Trees of a trial."""
CERTAIN: Final = {Kind.NUMERIC: 3.0, Kind.CATEGORICAL: 2.0}
"""Standard errors that the squared error must fall by: with numbers as names, and with pieces, which seldom help by
chance."""
SHARE: Final = 0.004
"""Share of the squared error that it must fall by, too."""
CLASSES: Final = 5
"""Classes, the most frequent ones, that are looked at."""

Rows = NDArray[np.intp]
Split = Callable[[int], tuple[Rows, Rows]]


def with_derived_columns(
    typed: pd.DataFrame,
    schema: Schema,
    y: NDArray[Any],
    task: Task,
    *,
    split: Split,
    folds: int,
    random_state: int,
    deadline: Deadline = NEVER,
    settled: Container[str] = (),
) -> tuple[Schema, pd.DataFrame]:
    """Return the schema in which models see some whole numbers as categories, too, and the pieces of some codes, and
    its typed frame.

    It is those that tell new rows more that way: a small boosted model is compared with those that see, besides, the
    pieces of all codes that are built alike and the mean target of each number of all columns of
    :func:`~automl.features.nominal.nominal_numbers`, or of those columns that help alone.

    Parameters
    ----------
    y
        (rows,) class codes or values.
    split, folds
        The rows to learn from and those to compare on, by fold, and how many folds there are.
    deadline
        When to be done; if it is not known by then, models see none of it.
    settled
        Columns that stay as they are, because their owner says so.
    """
    targets, free = list(_targets(y, task)), [column for column in schema.used if column.name not in settled]
    numbers = [column for column in free if f"{column.name} as category" not in typed.columns]
    nominal = nominal_numbers(typed, numbers, targets)[:TRIED]
    target = targets[int(nominal[0][1].argmax()) if nominal else 0]
    built = [column for column in free if column.built]
    pieces = [_in_pieces(column) for column in built if any(further.built for further in column.derived)]
    suspects, chosen = [*(column for column, _ in nominal), *pieces[:TRIED]], []
    if suspects:
        typed = _typed(typed, _replaced(schema, suspects))
        with suppress(DeadlinePassedError):
            trial = _Trial.of(typed, schema, suspects, target, split, min(folds, FOLDS), random_state, deadline)
            alone = [suspect for suspect in suspects if trial.helps([suspect])] if len(suspects) > 1 else []
            best = min((alone, suspects), key=trial.error)
            chosen = best if trial.helps(best) else []
    schema = _replaced(schema, [*(replace(column, built="") for column in built), *chosen])
    return schema, _typed(typed, schema) if suspects else typed


def _in_pieces(column: Column) -> Column:
    return replace(column, reason=f"{column.reason}; built alike, so their pieces are columns, too")


def _replaced(schema: Schema, columns: Sequence[Column]) -> Schema:
    """Return the schema with these columns in the place of those of their names; the last one of a name counts."""
    found = {column.name: column for column in columns}
    return Schema(tuple(found.get(column.name, column) for column in schema.columns))


def _typed(typed: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Return the typed frame of a schema, where only whole numbers have become categories, too."""
    columns = {
        column.name: typed[column.name] if column.name in typed else number_codes(typed[source], column.categories)
        for column, source in schema.typed
    }
    return pd.DataFrame(columns, copy=False)


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
    """Rows to learn from and rows to compare on: plain values, and what is derived from a column by its name."""

    known: NDArray[np.float64]
    y: NDArray[np.float64]
    further: NDArray[np.float64]
    expected: NDArray[np.float64]
    derived: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]]

    def errors(self, names: Collection[str], settings: Mapping[str, Any]) -> NDArray[np.float64]:
        """Return the squared errors of a small boosted model that sees what is derived from some columns."""
        import lightgbm

        known = np.concatenate([self.known, *(self.derived[name][0] for name in names)], axis=1)
        further = np.concatenate([self.further, *(self.derived[name][1] for name in names)], axis=1)
        data = lightgbm.Dataset(known, self.y, params=dict(settings))
        model = lightgbm.train(dict(settings), data, num_boost_round=ROUNDS)
        errors: NDArray[np.float64] = np.square(self.expected - np.asarray(model.predict(further)))
        return errors


@dataclass(frozen=True, slots=True, eq=False)
class _Trial:
    """Whether what is derived from columns predicts new rows better."""

    folds: Sequence[_Fold]
    settings: Mapping[str, Any]
    deadline: Deadline
    known: dict[tuple[str, ...], NDArray[np.float64]] = field(default_factory=dict)
    """(rows compared on,) squared errors by the columns whose derived ones were seen."""

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
        deadline: Deadline,
    ) -> _Trial:
        """Learn the means of the categories of all suspects in each fold; ``typed`` has those columns."""
        derived = {
            each.name: [further for further in each.derived if further.kind is not Kind.TEXT] for each in suspects
        }
        apart = {further.name for columns in derived.values() for further in columns}
        plain = [each.name for each, _ in schema.typed if each.kind is not Kind.TEXT and each.name not in apart]
        codes = [suspect for suspect in suspects if suspect.kind is Kind.CATEGORICAL]
        folds, most = [], min(TRIED_ROWS, TRIED_CELLS // len(typed.columns))
        for fold in range(count):
            train, valid = (rows[sample(len(rows), most, random_state)] for rows in split(fold))
            supervision = supervise(target[train], Task("", ProblemType.REGRESSION, ""), random_state)
            known, unseen = _means(codes, typed, (train, valid), supervision)
            known = np.concatenate([_values(typed[plain].iloc[train]), known], axis=1)
            unseen = np.concatenate([_values(typed[plain].iloc[valid]), unseen], axis=1)
            further = {name: _means(each, typed, (train, valid), supervision) for name, each in derived.items()}
            folds.append(_Fold(known, target[train], unseen, target[valid], further))
        settings = {
            "objective": "regression",
            "num_leaves": 31,
            "learning_rate": 0.1,
            "min_data_in_leaf": 20,
            "num_threads": 1,
            "deterministic": True,
            "force_row_wise": True,
            "seed": random_state,
            "verbosity": -1,
        }
        return cls(folds, settings, deadline)

    def error(self, columns: Sequence[Column]) -> float:
        """Return the sum of squared errors with what is derived from these columns."""
        return float(self._errors(columns).sum())

    def helps(self, columns: Sequence[Column]) -> bool:
        """Return whether the error falls for certain with what is derived from these columns, by more than a trifle."""
        plain = self._errors(())
        fall = plain - self._errors(columns)
        errors = max((CERTAIN[column.kind] for column in columns), default=0.0)
        certain = fall.mean() > errors * fall.std() / np.sqrt(len(fall))
        return bool(certain and fall.sum() > SHARE * plain.sum())

    def _errors(self, columns: Sequence[Column]) -> NDArray[np.float64]:
        names = tuple(column.name for column in columns)
        if names not in self.known:
            errors = []
            for fold in self.folds:
                if self.deadline.passed:
                    raise DeadlinePassedError
                errors.append(fold.errors(names, self.settings))
            self.known[names] = np.concatenate(errors)
        return self.known[names]


def _means(
    columns: Sequence[Column], typed: pd.DataFrame, rows: tuple[Rows, Rows], supervision: Supervision
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the numbers of columns, and the mean targets of the categories, of rows to learn from and of others."""
    train, valid = rows
    known, unseen = [np.empty((len(train), 0))], [np.empty((len(valid), 0))]
    for column in columns:
        cells = typed[column.name].to_numpy()
        if column.kind is Kind.NUMERIC:
            known.append(cells[train, None])
            unseen.append(cells[valid, None])
        else:
            table, told = fit_table(column, cells[train], Needs(categories="numbers"), supervision)
            known.append(told)
            unseen.append(table.rows[cells[valid] + SLOTS].astype(np.float64))
    return np.concatenate(known, axis=1), np.concatenate(unseen, axis=1)


def _values(frame: pd.DataFrame) -> NDArray[np.float64]:
    """Return plain numbers of typed columns: dates as they are counted, categories by their codes."""
    columns = (frame[name].to_numpy() for name in frame)
    plain = (column.astype(np.int64) if column.dtype.kind == "M" else column for column in columns)
    return np.clip(np.stack([column.astype(np.float64) for column in plain], axis=1), -LARGEST, LARGEST)
