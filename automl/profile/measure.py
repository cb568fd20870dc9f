"""From rows to their profile."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl.data.cells import cells_of
from automl.data.identifiers import chance_of_order, names_identifier, sorts
from automl.data.table import Column, Kind, Schema
from automl.deadline import NEVER, Deadline
from automl.profile.anomalies import find_anomalies
from automl.profile.associations import associate
from automl.profile.columns import profile_column
from automl.profile.power import prediction_power
from automl.profile.record import ColumnProfile, Profile
from automl.profile.repeats import find_duplicates
from automl.profile.rows import Rows, vector
from automl.profile.shift import find_shift
from automl.profile.target import profile_target, small_model

ROWS: Final = 200_000
"""Rows that statistics are from."""
POWER_ROWS: Final = 10_000
"""Rows that prediction power and the small model are from."""
QUICK_ROWS: Final = 3_000
"""Rows of the quick look, fewer if there are many columns."""
QUICK_CELLS: Final = 200_000
FEWEST_ROWS: Final = 50
"""Rows of the quick look below which a column shows nothing."""
CELLS_A_SECOND: Final = 10_000_000
"""Cells whose rows are compared in a second, at the least."""


def profile_table(
    rows: Rows,
    *,
    raw_target: pd.Series[Any] | None = None,
    test: tuple[pd.DataFrame, Schema] | None = None,
    random_state: int = 0,
) -> Profile:
    """Measure a whole table.

    Duplicates and the target are measured on all rows, the rest on up to 200,000 drawn at random.

    Parameters
    ----------
    raw_target
        The target as it was read, with the rows that have none.
    test
        A further table to compare with, and how its cells are to be read.
    """
    sample = rows.sample(ROWS, random_state)
    typed = sample.typed()
    few = sample.sample(POWER_ROWS, random_state)
    few_typed = few.typed()
    columns = tuple(
        _with_signal(_column(rows, sample, typed, i), column, few, few_typed)
        for i, column in enumerate(rows.schema.columns)
    )
    target = profile_target(rows, raw_target, missing=0 if raw_target is None else len(raw_target) - len(rows))
    if target is not None:
        of_others = max((column.power or 0.0 for column in columns if not column.kind.single), default=0.0)
        target = replace(target, baseline=small_model(few, few_typed, of_others))
    interest = [column.name for column in sorted(columns, key=lambda column: -(column.power or 0.0))]
    return Profile(
        rows=len(rows),
        sampled=len(sample),
        columns=columns,
        target=target,
        duplicates=find_duplicates(rows),
        associations=associate(sample, interest, random_state=random_state),
        anomalies=find_anomalies(sample, random_state=random_state),
        shift=None if test is None else find_shift(rows, *test, random_state=random_state),
    )


def quick_profile(
    rows: Rows,
    *,
    folds: NDArray[Any] | None,
    raw_target: pd.Series[Any] | None = None,
    seconds: float | None = None,
    random_state: int = 0,
) -> Profile:
    """Measure what could make a fit mislead, in the time there is: columns on some rows, the others on all.

    Parameters
    ----------
    folds
        (rows,) the fold of each row; None = no row is validated.
    raw_target
        Some of the target as it was read, where it is known.
    seconds
        Time to take, None = what it needs. Columns that it does not reach are left out. The first column does not
        count: it loads libraries that the fit needs in any case.
    """
    most = max(FEWEST_ROWS, QUICK_CELLS // max(1, rows.frame.shape[1]))
    few = rows.sample(min(QUICK_ROWS, most), random_state)
    typed = few.typed()
    columns: list[ColumnProfile] = []
    deadline = NEVER
    for i, column in enumerate(few.schema.columns):
        if deadline.passed:
            break
        columns.append(_with_signal(_column(rows, few, typed, i), column, few, typed))
        if i == 0 and seconds is not None:
            deadline = Deadline.after(seconds)
    in_time = rows.frame.size / CELLS_A_SECOND < deadline.remaining
    duplicates = find_duplicates(rows, folds=folds) if in_time else None
    target = profile_target(rows, raw_target)
    return Profile(len(rows), len(few), tuple(columns), target=target, duplicates=duplicates)


def _column(rows: Rows, some: Rows, typed: pd.DataFrame, place: int) -> ColumnProfile:
    """Measure a column on some rows; what shows in all only, on all."""
    column = rows.schema.columns[place]
    measured = profile_column(column, some.frame.iloc[:, place], typed, some.signal)
    if not names_identifier(column.name):
        return measured
    return replace(measured, things=len(cells_of(rows.frame.iloc[:, place]).values))


def _with_signal(measured: ColumnProfile, column: Column, rows: Rows, typed: pd.DataFrame) -> ColumnProfile:
    """Add what a column tells of the target: by its values and, dates and identifiers, by its order."""
    if rows.task is None or rows.y is None:
        return measured
    power = prediction_power(column, typed, rows.y, rows.task) if column.kind.used else None
    order = _order(column, rows, typed)
    if order is None or not np.isfinite(order).all():
        return replace(measured, power=power)
    if column.kind is Kind.IDENTIFIER and sorts(order, rows.y, rows.task):
        return replace(measured, power=power, reason=f"{column.reason}, but they were sorted by the target before")
    return replace(measured, power=power, order_chance=chance_of_order(order, rows.y, rows.task))


def _order(column: Column, rows: Rows, typed: pd.DataFrame) -> NDArray[np.float64] | None:
    if column.kind is Kind.DATETIME:
        return vector(column, typed)
    if column.kind is Kind.IDENTIFIER:
        numbers = pd.to_numeric(rows.frame[column.name], errors="coerce")
        return numbers.to_numpy(np.float64, na_value=np.nan)
    return None
