"""The table to learn from: its features, its target, and the columns that say how to validate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl.data.io import Reading, as_frame, read_table
from automl.data.roles import Roles, column_of
from automl.data.schema import apply_schema
from automl.data.table import Schema, Task
from automl.data.task import encode_target
from automl.errors import DataError, UsageError


@dataclass(frozen=True, slots=True, eq=False)
class TrainingTable:
    """A table as it was read."""

    frame: pd.DataFrame
    """The features: all columns but the target and those with a role."""
    target: pd.Series[Any]
    reading: Reading
    roles: Roles

    @classmethod
    def read(
        cls,
        X: object,
        y: object = None,
        target: str | None = None,
        *,
        groups: object = None,
        time: object = None,
        fold: object = None,
        reading: Reading | None = None,
    ) -> TrainingTable:
        """Read a table with its target: a column of its own, or ``y``.

        Raises
        ------
        UsageError
            If the target is given twice or not at all, or there is more than one role.
        DataError
            If the table cannot be read, or lacks a column.
        """
        if isinstance(X, str | Path):
            frame, reading = read_table(X, reading=reading)
        else:
            frame, reading = as_frame(X), Reading("frame")
        if (y is None) == (target is None):
            raise UsageError("give either y or the name of the target column")
        if target is not None:
            values = column_of(frame, target)
            frame = frame.drop(columns=target)
        else:
            values = pd.Series(np.asarray(y), name=getattr(y, "name", None) or "target")
            if len(values) != len(frame):
                raise DataError(f"y must have one value a row: X has {len(frame)} rows, y has {len(values)}")
        frame, roles = Roles.take(frame, groups=groups, time=time, fold=fold)
        return cls(frame, values, reading, roles)


def validation_rows(
    valid: object, table: TrainingTable, schema: Schema, task: Task
) -> tuple[pd.DataFrame, NDArray[Any]]:
    """Return the typed features and the encoded target of a validation table, rows without a target left out.

    Parameters
    ----------
    valid
        A table or a path like the training table's, with the target column; or a pair of features and target.

    Raises
    ------
    DataError
        If it is not like the training table, or no row has a target.
    """
    try:
        if isinstance(valid, tuple):
            rows = TrainingTable.read(*valid, reading=table.reading)
        else:
            rows = TrainingTable.read(valid, target=task.target, reading=table.reading)
        y, known = encode_target(rows.target, task)
        if not known.any():
            raise DataError("no row has a target")
        return apply_schema(rows.frame[known], schema), y[known]
    except DataError as error:
        raise DataError(f"the validation table must be like the training table: {error}") from error
