"""Rows that know of each other: repeated rows, rows in the order of time, rows of one identifier."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl.data.cells import cells_of
from automl.data.kinds import names_identifier
from automl.data.table import Kind, Schema

FEWEST: Final = 20
"""Different values that a date or an identifier needs before its order or its repetition says something."""
IN_ORDER: Final = 0.99
"""Share of steps from row to row that go one way, from which rows are in the order of a date."""
MOST_ROWS: Final = 1_000
"""Mean rows a value above which an identifier rather names a category."""
SHARED: Final = 1.2
"""Mean rows a value from which an identifier repeats."""
ROOM: Final = 10
"""Possible combinations of values a row from which a row that repeats another is a copy, not a coincidence."""


def repeated_rows(typed: pd.DataFrame) -> NDArray[np.intp] | None:
    """Return (rows,) codes from 0 that equal rows share, or None if there are none, or they are nothing special.

    Where few columns with few values each allow hardly more different rows than there are, new rows repeat them too.

    >>> repeated_rows(pd.DataFrame({"a": np.arange(60.0) % 59, "b": np.arange(60.0) % 59}))[[0, 1, 59]].tolist()
    [0, 1, 0]
    >>> repeated_rows(pd.DataFrame({"a": np.arange(60.0) % 59})) is None
    True
    """
    hashes = pd.util.hash_pandas_object(typed, index=False).to_numpy()
    distinct, codes = np.unique(hashes, return_inverse=True)
    if len(distinct) == len(hashes):
        return None
    possible = 1
    for name in typed:
        possible *= typed[name].nunique(dropna=False)
        if possible > ROOM * len(hashes):
            return codes
    return None


def remarks(frame: pd.DataFrame, typed: pd.DataFrame, schema: Schema) -> Iterator[str]:
    """Yield what random folds may be fooled by, each with the option that deals with it.

    Parameters
    ----------
    frame, typed
        The features as they were read, and typed.
    """
    for name in _ordering_dates(typed, schema):
        yield f"rows seem ordered by {name!r}: scores may be too good, use --time-column {name}"
    for name in _shared_identifiers(frame, schema):
        yield f"rows share values of {name!r}: scores may be too good for new ones, use --groups {name}"


def _ordering_dates(typed: pd.DataFrame, schema: Schema) -> Iterator[str]:
    """Yield the date columns that the rows are sorted by, up or down."""
    for name in schema.of(Kind.DATETIME):
        dates = typed[name].dropna().to_numpy()
        steps = np.diff(dates).astype(np.int64)
        if len(np.unique(dates)) >= FEWEST and max(np.mean(steps >= 0), np.mean(steps <= 0)) >= IN_ORDER:
            yield name


def _shared_identifiers(frame: pd.DataFrame, schema: Schema) -> Iterator[str]:
    """Yield the columns that identify something by their name, but more than one row has each value."""
    for column in schema.used:
        if column.kind in (Kind.NUMERIC, Kind.CATEGORICAL) and names_identifier(column.name):
            cells = cells_of(frame[column.name])
            rows_each = len(frame) / max(len(cells.values), 1)
            if len(cells.values) >= FEWEST and SHARED <= rows_each <= MOST_ROWS:
                yield column.name
