"""Rows that repeat others."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl.data.cells import cells_of
from automl.data.repeated_rows import has_room
from automl.data.table import Kind
from automl.profile.record import Duplicates
from automl.profile.rows import Rows

EXAMPLES: Final = 5
LISTED: Final = 5
"""Rows of a group that are listed."""

Codes = NDArray[np.int64]


def find_duplicates(rows: Rows, *, folds: NDArray[Any] | None = None) -> Duplicates:
    """Count the rows of a whole table that are equal, as texts or values of the file.

    Parameters
    ----------
    folds
        (rows,) the fold of each row, if there are folds.
    """
    numbered = [i for i, column in enumerate(rows.schema.columns) if column.kind is Kind.IDENTIFIER]
    plain = comparable(rows.frame)
    if len(numbered) < plain.shape[1]:
        plain = plain.drop(columns=numbered)  # a row is no other one because it has another number
    features = row_codes(plain)
    same = features if rows.y is None else _joined(features, rows.y)
    counts = np.bincount(same)
    repeating = np.flatnonzero(counts > 1)
    examples = tuple(tuple(rows.numbers[same == group][:LISTED].tolist()) for group in repeating[:EXAMPLES])
    return Duplicates(
        rows=len(same) - len(counts),
        examples=examples,
        conflicting=_conflicting(features, rows),
        across_folds=None if folds is None else _across(same, folds),
        expected=not has_room(plain),
    )


def row_codes(plain: pd.DataFrame) -> Codes:
    """Return (rows,) numbers from 0 that are equal where all cells of comparable rows are."""
    codes, _ = pd.factorize(pd.util.hash_pandas_object(plain, index=False).to_numpy())
    return np.asarray(codes, dtype=np.int64)


def comparable(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose cells can be hashed: those of lists and mixed types are codes of their text."""
    columns = (frame.iloc[:, i] for i in range(frame.shape[1]))
    plain = {i: cells_of(each).codes if each.dtype == object else each.array for i, each in enumerate(columns)}
    return pd.DataFrame(plain, index=frame.index)


def _joined(features: Codes, y: NDArray[Any]) -> Codes:
    """Return codes of rows that are equal in the target too."""
    values, _ = pd.factorize(y)
    codes, _ = pd.factorize(features * (values.max() + 1) + values)
    return np.asarray(codes, dtype=np.int64)


def _conflicting(features: Codes, rows: Rows) -> int:
    if rows.task is None or rows.y is None or not rows.task.problem_type.classification:
        return 0
    return int(_differs(features, rows.y)[features].sum())


def _across(same: Codes, folds: NDArray[Any]) -> int:
    return int(_differs(same, folds)[same].sum())


def _differs(groups: Codes, values: NDArray[Any]) -> NDArray[np.bool_]:
    """Return, for each group, whether its rows differ in the value."""
    low = np.full(groups.max() + 1, np.iinfo(np.int64).max)
    high = np.full(groups.max() + 1, -1)
    np.minimum.at(low, groups, values)
    np.maximum.at(high, groups, values)
    return low < high
