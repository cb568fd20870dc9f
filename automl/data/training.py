"""The table to learn from: its features, its target, and the columns that say how to validate."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl.config import AS_FOUND, ReadOptions
from automl.data.io import column_of, read_data
from automl.data.reading import Reading
from automl.data.roles import Roles, one_a_row, reordered, series_of
from automl.data.schema import apply_schema, with_decimal
from automl.data.table import Schema, Task
from automl.data.task import encode_target, infer_task
from automl.data.weights import row_weights
from automl.errors import DataError, UsageError


@dataclass(frozen=True, slots=True, eq=False)
class TrainingTable:
    """A table as it was read."""

    frame: pd.DataFrame
    """The features: all columns but the target, the weights and those with a role."""
    target: pd.Series[Any]
    reading: Reading
    roles: Roles
    weight: NDArray[np.float64] | None = None
    """(rows,) how much each row counts, at least 0; None = all alike."""
    weight_column: str | None = None
    """The column that the weights came from, if they came from one."""
    warnings: Sequence[str] = ()
    """What its owner may have meant otherwise."""

    @classmethod
    def read(
        cls,
        X: object,
        y: object = None,
        target: object = None,
        *,
        weight: object = None,
        groups: object = None,
        time: object = None,
        fold: object = None,
        reading: Reading | None = None,
        options: ReadOptions = AS_FOUND,
    ) -> TrainingTable:
        """Read a table with its target: a column of its own, or ``y``.

        Raises
        ------
        UsageError
            If the target is given twice, not at all or not as one name, or there is more than one role.
        DataError
            If the table cannot be read, or lacks a column.
        """
        if target is not None and not isinstance(target, Hashable):
            raise UsageError(
                f"target is the name of one column, got a {type(target).__name__}; its values are given as y"
            )
        if isinstance(y, str):
            raise UsageError(f"y is the values of the target; a column of the table is named as target={y!r}")
        target = None if target is None else str(target).strip()  # as the names of columns are
        weight, groups, time, fold = (
            str(given).strip() if isinstance(given, str | Integral) else given for given in (weight, groups, time, fold)
        )  # those without names are called 0, 1, ...
        for role, given in (("weight", weight), ("groups", groups), ("time", time), ("fold", fold)):
            for other, taken in (("target", target), ("weight", weight)):
                if role != other and isinstance(given, str) and isinstance(taken, str) and given == taken:
                    raise UsageError(f"{role} must be another column than the {other}, got {given!r} for both")
        frame, found = read_data(X, reading=reading, options=options)
        if (y is None) == (target is None):
            raise UsageError("give either y or the name of the target column")
        values, warnings = _target_of(frame, y, target)
        frame = frame if target is None else frame.drop(columns=target)
        if reordered(X, y):
            warnings.append(
                "y has the row labels of X in another order; its values are taken by place: give y.loc[X.index]"
            )
        weights, column = None, weight if isinstance(weight, str) else None
        if weight is not None:
            weights = row_weights(one_a_row(frame, "weight", weight), found.decimal)
            frame = frame if column is None else frame.drop(columns=column)
        frame, roles = Roles.take(frame, groups=groups, time=time, fold=fold)
        return cls(frame, values, found, roles, weights, column, warnings)

    def understood(
        self, problem_type: str | None, positive: object = None
    ) -> tuple[Task, NDArray[Any], NDArray[np.bool_]]:
        """Decide the task, and encode the target of the rows that count: those with a target and a weight.

        Returns
        -------
        The task, (rows that count,) class codes or values, and (rows,) which count.
        """
        counted = np.ones(len(self.target), np.bool_) if self.weight is None else self.weight > 0
        target = self.target[counted]
        task = infer_task(
            target,
            str(target.name),
            problem_type=problem_type,
            positive=positive,
            decimal=self.reading.decimal,
            typed=self.reading.format != "csv",
        )
        y, answered = encode_target(target, task)
        counted[counted] = answered
        return task, y[answered], counted


def _target_of(frame: pd.DataFrame, y: object, target: str | None) -> tuple[pd.Series[Any], list[str]]:
    """Return the target, and a warning if it is called otherwise than ``y`` was."""
    if target is not None:
        return column_of(frame, target), []
    values = one_a_row(frame, "y", series_of(y, "target"))
    own = str(values.name).strip()
    if own not in frame.columns:
        return values, []
    values.name = next(name for name in ("target" + "_" * number for number in count()) if name not in frame.columns)
    called = f"y is called {own!r}, as is a column of X; what is predicted is called {values.name!r}"
    return values, [f"{called}, also in tables to evaluate on"]


def validation_rows(
    valid: object, table: TrainingTable, schema: Schema, task: Task
) -> tuple[pd.DataFrame, NDArray[Any], NDArray[np.float64] | None, NDArray[np.intp]]:
    """Return the typed features, encoded target, weights and places of a validation table's rows that count.

    Parameters
    ----------
    valid
        A table or a path like the training table's, with the target column, and that of the weights if it has one; or
        a pair of features and target.

    Raises
    ------
    DataError
        If it is not like the training table, or no row has a target.
    """
    try:
        if isinstance(valid, tuple):
            rows = TrainingTable.read(*valid, weight=table.weight_column, reading=table.reading)
        else:
            rows = TrainingTable.read(valid, target=task.target, weight=table.weight_column, reading=table.reading)
        decimal = rows.reading.decimal  # a file may be written otherwise than the training table, or that be a frame
        y, known = encode_target(rows.target, replace(task, decimal=decimal))
        if rows.weight is not None:
            known &= rows.weight > 0
        if not known.any():
            raise DataError("no row has a target")
        typed = apply_schema(rows.frame[known], with_decimal(schema, decimal, table.reading.decimal))
        return typed, y[known], None if rows.weight is None else rows.weight[known], np.flatnonzero(known)
    except DataError as error:
        raise DataError(f"the validation table must be like the training table: {error}") from error
