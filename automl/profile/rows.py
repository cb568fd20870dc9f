"""The rows that are measured: a table as it was read, what its columns are, and what is known of the target."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl.data.schema import apply_schema
from automl.data.table import UNSEEN, Column, Kind, ProblemType, Schema, Task

LARGEST: Final = 1e30
"""Numbers beyond it count as it: the fourth power of larger ones is infinite, and so is their single precision."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Some or all rows of a table; the target, if there is one, is known in each."""

    frame: pd.DataFrame
    """The feature columns as they were read."""
    schema: Schema
    task: Task | None
    y: NDArray[Any] | None
    """(rows,) class codes or values."""
    numbers: NDArray[np.intp]
    """(rows,) the number of each row in the file, from 1."""

    @classmethod
    def of(cls, frame: pd.DataFrame, schema: Schema, task: Task | None = None, y: NDArray[Any] | None = None) -> Rows:
        """Number the rows of a whole table."""
        return cls(frame, schema, task, y, np.arange(1, len(frame) + 1))

    def __post_init__(self) -> None:
        if self.y is not None and self.y.dtype.kind == "f":
            object.__setattr__(self, "y", np.clip(self.y, -LARGEST, LARGEST))

    def __len__(self) -> int:
        return len(self.frame)

    def sample(self, rows: int, random_state: int) -> Rows:
        """Return that many rows drawn at random, in their order; all if there are no more."""
        if len(self) <= rows:
            return self
        drawn = np.sort(np.random.default_rng(random_state).choice(len(self), rows, replace=False))
        y = None if self.y is None else self.y[drawn]
        return replace(self, frame=self.frame.iloc[drawn], y=y, numbers=self.numbers[drawn])

    def typed(self) -> pd.DataFrame:
        """Return the typed frame of :mod:`automl.data.table`."""
        return apply_schema(self.frame, self.schema)

    @property
    def signal(self) -> NDArray[np.float64] | None:
        """(rows,) a target that has a mean: the values, or 1 for the positive class and 0 for the other."""
        if self.task is None or self.y is None or self.task.problem_type is ProblemType.MULTICLASS:
            return None
        return self.y.astype(np.float64)


def matrix(column: Column, typed: pd.DataFrame) -> NDArray[np.float64]:
    """Return (rows, derived columns) the numbers of a vector or template, and the code of the text around them."""
    numbers = typed[[place.name for place in column.derived]].to_numpy(np.float64)
    return np.asarray(np.clip(numbers, -LARGEST, LARGEST))


def vector(column: Column, typed: pd.DataFrame) -> NDArray[np.float64]:
    """Return (rows,) a column as numbers, NaN where missing: codes of categories, dates in seconds, lengths of text,
    means of vectors."""
    if column.length:
        return np.asarray(matrix(column, typed).mean(axis=1))
    values = typed[column.name]
    if column.kind is Kind.TEXT:
        return np.asarray(values.str.len().to_numpy(np.float64))
    if column.kind is Kind.DATETIME:
        seconds = values.to_numpy().astype("datetime64[us]").astype(np.int64) / 1e6
        return np.where(values.isna(), np.nan, seconds)
    numbers: NDArray[np.float64] = np.clip(values.to_numpy(np.float64), -LARGEST, LARGEST)
    if column.kind is Kind.CATEGORICAL:
        return np.where((numbers < 0) & (numbers != UNSEEN), np.nan, numbers)
    return numbers


def ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rank of each value between 0 and 1; ties share theirs, missing values stay missing.

    >>> ranks(np.array([30.0, 10.0, 10.0, np.nan])).tolist()
    [1.0, 0.5, 0.5, nan]
    """
    return np.asarray(pd.Series(np.where(np.isfinite(values), values, np.nan)).rank(pct=True))
