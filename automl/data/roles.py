"""Columns that say how to validate instead of what to predict from. No model sees them, no prediction needs them."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Final, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl.data.cells import MISSING_LABELS, cells_of, in_known_dtype, text_of
from automl.data.dates import date_layout
from automl.data.io import column_of
from automl.data.kinds import infer_kind
from automl.data.numerals import parse_numbers
from automl.data.schema import apply_schema
from automl.data.table import Kind, Schema
from automl.errors import DataError, SchemaError, UsageError

_NO_GROUP: Final = MISSING_LABELS - {"na"}
"""What stands for no group; ``NA`` and ``-`` may be the name of one, and no group may be torn apart."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Roles:
    """The role columns of a table, each (rows,) as it was read; None where a table has no such column."""

    groups: pd.Series[Any] | None = None
    """Rows with the same value belong together: of one patient, customer, machine."""
    time: pd.Series[Any] | None = None
    """When a row came to be."""
    fold: pd.Series[Any] | None = None
    """The fold that a row is validated in."""

    @classmethod
    def take(
        cls, frame: pd.DataFrame, *, groups: object = None, time: object = None, fold: object = None
    ) -> tuple[pd.DataFrame, Self]:
        """Return the frame without its role columns, and these.

        Parameters
        ----------
        groups, time, fold
            The name of a column of the frame, or one value a row.

        Raises
        ------
        UsageError
            If there is more than one of them.
        DataError
            If there is no such column, or the values are not one a row.

        >>> frame, roles = Roles.take(pd.DataFrame({"age": [41, 52], "patient": ["a", "b"]}), groups="patient")
        >>> list(frame), roles.groups.tolist()
        (['age'], ['a', 'b'])
        """
        given = {
            role: value for role, value in (("groups", groups), ("time", time), ("fold", fold)) if value is not None
        }
        if len(given) > 1:
            raise UsageError(f"rows are split by one thing, got {' and '.join(given)}; give one of them")
        series = {role: one_a_row(frame, role, value) for role, value in given.items()}
        names = [value for value in given.values() if isinstance(value, str)]
        return frame.drop(columns=names), cls(**series)

    @property
    def given(self) -> str | None:
        """The role that a column has, if any has one."""
        return next((field.name for field in fields(self) if getattr(self, field.name) is not None), None)

    def __getitem__(self, rows: NDArray[np.bool_]) -> Self:
        """Return the roles of some rows."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return type(self)(**{role: None if series is None else series[rows] for role, series in given.items()})


def one_a_row(frame: pd.DataFrame, role: str, value: object) -> pd.Series[Any]:
    """Return a column by its name, or the values given: one a row, the rows numbered from 0.

    Raises
    ------
    DataError
        If there is no such column, or the values are not one a row.
    """
    if isinstance(value, str):
        return column_of(frame, value).reset_index(drop=True)
    values = series_of(value, role)
    if len(values) != len(frame):
        raise DataError(f"{role} must have one value a row: the table has {len(frame)} rows, {role} has {len(values)}")
    return values


def series_of(value: object, role: str) -> pd.Series[Any]:
    """Return a series, an array, a list or a frame of one column as a series that has a name, its rows numbered from 0.

    >>> series_of(pd.DataFrame({"a": [1, 2]}), "y").name, series_of([[1], [2]], "y").tolist()
    ('a', [1, 2])

    Raises
    ------
    DataError
        If there is not one value a row.
    """
    given = value.squeeze(axis=1) if isinstance(value, pd.DataFrame) else value
    given = pd.Series(given) if isinstance(given, pd.Categorical) else given  # an array has no order of categories
    if not isinstance(given, pd.Series):
        array = np.asarray(given)
        array = array[:, 0] if array.shape[1:] == (1,) else array
        if array.ndim != 1:
            raise DataError(f"{role} must have one value a row, got a {type(value).__name__} of shape {array.shape}")
        given = pd.Series(array, name=getattr(given, "name", None))
    series: pd.Series[Any] = given.reset_index(drop=True)
    series.name = given.name or role
    return in_known_dtype(series)


def reordered(X: object, y: object) -> bool:
    """Return whether the row labels of a target are those of its table in another order, so that one was shuffled.

    >>> X, y = pd.DataFrame({"a": [1, 2, 3]}), pd.Series([10, 20, 30])
    >>> reordered(X, y), reordered(X, y[::-1])
    (False, True)
    """
    if not isinstance(X, pd.DataFrame) or not isinstance(y, pd.Series | pd.DataFrame) or X.index.equals(y.index):
        return False
    return len(X) == len(y) and X.index.is_unique and bool(X.index.isin(y.index).all())


def group_codes(groups: pd.Series[Any]) -> NDArray[np.intp]:
    """Return (rows,) group codes from 0; a row without a group is a group of its own.

    >>> group_codes(pd.Series(["NA", "DE", None, "NA", None])).tolist()
    [0, 1, 2, 0, 3]
    """
    codes = cells_of(groups, _NO_GROUP).codes.astype(np.intp)
    missing = codes < 0
    codes[missing] = codes.max() + 1 + np.arange(np.count_nonzero(missing))
    return codes


def moments(time: pd.Series[Any]) -> NDArray[np.generic]:
    """Return (rows,) the values of a time column: dates, or numbers such as years and steps.

    Raises
    ------
    DataError
        If a row has neither.

    >>> moments(pd.Series(["31/12/2023", "13/01/2024"])).astype("datetime64[D]").tolist()
    [datetime.date(2023, 12, 31), datetime.date(2024, 1, 13)]
    """
    name = str(time.name)
    column = infer_kind(name, time)
    if column.kind not in (Kind.DATETIME, Kind.NUMERIC):  # whole numbers may look like an identifier, seasons as words
        cells = cells_of(time).values
        layout = date_layout(cells)
        kind = Kind.NUMERIC if np.isfinite(parse_numbers(cells)).any() else Kind.DATETIME
        column = replace(column, kind=kind, format=layout.format if layout else None)
    try:
        values = apply_schema(time.to_frame(name), Schema((column,)))[name]
        missing = values.isna().to_numpy()
    except SchemaError as error:
        missing = np.isin(np.arange(len(time)), [row - 1 for row, _, _ in error.cells])
    if missing.any():
        row = int(missing.argmax())
        raise DataError(
            f"a time column must hold a date or a number in every row, {name!r} has "
            f"{text_of(time.iloc[row]) or 'nothing'!r} in row {time.index[row] + 1}; repair it or leave out the row"
        )
    found: NDArray[np.generic] = values.to_numpy()
    return found
