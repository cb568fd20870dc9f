"""The schema of a table: decided once on the training table, applied to every later one."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from math import inf
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import infer_dtype, is_object_dtype

from automl.data.booleans import truth
from automl.data.cells import FEW, Cells, category_code, category_codes, cells_of, number_codes
from automl.data.codes import piece
from automl.data.dates import NOT_A_DATE, parse_dates, swapped
from automl.data.decimals import decimal_mark
from automl.data.disguised import WORDS, is_limit
from automl.data.kinds import forced_kind, infer_kind
from automl.data.lists import listed
from automl.data.numerals import Style, parse_numbers, plain_numbers
from automl.data.repeated_columns import with_duplicates
from automl.data.schema_file import is_unedited, require_column, settled_fields
from automl.data.table import MISSING, STRAY, UNSEEN, Column, Kind, Schema
from automl.data.templates import matrix_of as matrix_of_texts
from automl.data.templates import take_apart
from automl.data.vectors import holds_arrays, matrix_of
from automl.errors import SchemaError, suggestion, warn

NO_OVERRIDES: Final[Mapping[str, str]] = {}

Wrong = list[tuple[int, str, str]]


def infer_schema(
    frame: pd.DataFrame,
    *,
    overrides: Mapping[str, str] = NO_OVERRIDES,
    edited: Sequence[Mapping[str, Any]] = (),
    decimal: str | None = None,
) -> Schema:
    """Decide the kind of every column of a table of features.

    Parameters
    ----------
    frame
        Columns of text, of their own types, or both; the target is not among them.
    overrides
        Kinds of columns that the owner of the table knows better, by the names in :class:`Kind`; they win over the
        columns of ``edited``.
    edited
        Columns as their owner edited them, see :mod:`automl.data.schema_file`.
    decimal
        The decimal mark of the table; None = decided from all columns.

    Raises
    ------
    UsageError
        If an override names no column or no kind.
    DataError
        If the values of a column cannot be of the kind asked for.

    >>> schema = infer_schema(pd.DataFrame({"price": ["$1,200.50", "$3"], "paid": ["yes", "no"]}))
    >>> [(column.name, column.kind.value, column.unit) for column in schema.columns]
    [('price', 'numeric', '$'), ('paid', 'boolean', None)]
    """
    names = [str(name).strip() for name in frame.columns]
    records = {record["name"]: record for record in edited}
    for name, kind in (*((name, record["kind"]) for name, record in records.items()), *overrides.items()):
        require_column(name, kind, names)
    mark = decimal_mark(frame) if decimal is None else decimal

    def decide(name: str, series: pd.Series[Any]) -> Column:
        if name in overrides:
            return forced_kind(name, series, Kind(overrides[name]), decimal=mark)
        return infer_kind(name, series, decimal=mark)

    columns = [decide(name, frame.iloc[:, i]) for i, name in enumerate(names)]
    columns = with_duplicates(frame, _with_order(columns, settled=overrides), settled=overrides)
    for i, column in enumerate(columns):
        record = records.get(column.name)
        if record is not None and column.name not in overrides and not is_unedited(column, record):
            kind = Kind(record["kind"])
            columns[i] = forced_kind(column.name, frame.iloc[:, i], kind, decimal=mark, given=settled_fields(record))
    return Schema(tuple(_without_namesakes(column, names) for column in columns))


def _without_namesakes(column: Column, names: Collection[str]) -> Column:
    """Return the column with none beside it if that would have the name of another one."""
    if not any(further.name in names for further in column.derived):
        return column
    kind = Kind.TEXT if column.kind is Kind.VECTOR else column.kind
    return replace(column, kind=kind, worded=False, nominal=False, built="", length=0)


def _with_order(columns: list[Column], settled: Collection[str]) -> list[Column]:
    """Return the columns; dates that leave the order of day and month open have that of the others, if these agree."""

    def order(column: Column) -> str:
        """Return the first of two numbers for day and month, where years have four digits."""
        found = re.match("(%[dm]).(%[dm]).%Y", column.format or "")
        return found[1] if found else ""

    certain = {order(column): column.name for column in columns if not column.ambiguous and order(column)}
    if len(certain) != 1:
        return columns
    ((first, other),) = certain.items()

    def with_order(column: Column) -> Column:
        if not column.ambiguous or not order(column) or column.name in settled:
            return column
        written = str(column.format) if order(column) == first else swapped(str(column.format))
        reason = f"dates written {written}; {other!r} tells day and month apart"
        return replace(column, reason=reason, format=written, ambiguous=False)

    return [with_order(column) for column in columns]


def apply_schema(frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Return the typed frame, columns ``schema.typed`` in order, as drawn in :mod:`automl.data.table`.

    Columns are matched by name, further ones are ignored, the rows are numbered anew.

    Raises
    ------
    SchemaError
        If columns are missing, or cells cannot be of their column's kind; names all of them at once.
    """
    present = {str(name).strip(): series for name, series in frame.items()}
    _require([column.name for column in schema.used], present)
    typed: dict[str, Any] = {}
    wrong: Wrong = []
    numbers = {each.name: _several(present[each.name], each, wrong) for each in schema.used if each.length}
    for column, source in schema.typed:
        if column.length:
            typed[column.name] = numbers[source][:, column.length - 1]
        elif source in numbers:
            typed[column.name] = _texts_around(present[source], column, schema[source].decimal)
        elif column.built and column.name != source:  # what cannot be read is missing there
            typed[column.name] = _typed(_pieces(present[source], column), column, [])
        elif column.kind is Kind.CATEGORICAL and column.name != source:  # of a nominal one
            typed[column.name] = number_codes(typed[source], column.categories)
        else:
            typed[column.name] = _typed(present[source], column, wrong)
    if wrong:
        raise wrong_cells(wrong, schema)
    return pd.DataFrame(typed, index=pd.RangeIndex(len(frame)), copy=False)


def with_decimal(schema: Schema, mark: str, trained: str) -> Schema:
    """Return the schema for a table with this decimal mark; the training table had ``trained``.

    With the same mark each column keeps its own: ``6,2`` may stand beside ``47,993`` that is a whole number.
    """
    if mark == trained:
        return schema
    return Schema(
        tuple(
            replace(column, decimal=mark) if column.kind in (Kind.NUMERIC, Kind.TEMPLATE) else column
            for column in schema.columns
        )
    )


def _require(needed: Sequence[str], known: Collection[str]) -> None:
    absent = [name for name in needed if name not in known]
    if absent:
        hints = {name: suggestion(name, known).removeprefix("; ") for name in absent}
        named = ", ".join(f"{name!r} ({hint})" if hint else repr(name) for name, hint in hints.items())
        array = absent == list(needed) and "x0" in needed and all(re.fullmatch(r"x\d+", name) for name in needed)
        way_out = "they were those of an array: give one, or rename the columns" if array else "add them"
        raise SchemaError(f"columns of the training table are missing: {named}; {way_out}")


def wrong_cells(wrong: Sequence[tuple[int, str, str]], schema: Schema) -> SchemaError:
    """Return the error for cells, as (row, column, value), that cannot be of their column's kind."""
    firsts: dict[str, tuple[int, str, str]] = {}
    for cell in wrong:
        firsts.setdefault(cell[1], cell)
    said = "; ".join(
        f"column {name!r} was {_said(schema[name])} in training, got {value[:40]!r} in row {row}"
        for row, name, value in firsts.values()
    )
    more = len(wrong) - len(firsts)
    return SchemaError(said + (f" (and {more} more cell{'s'[: more - 1]})" if more else ""), wrong)


def _said(column: Column) -> str:
    return f"{column.kind} of {column.length} numbers" if column.length else column.kind


def _typed(series: pd.Series[Any], column: Column, wrong: Wrong) -> Any:
    match column.kind:
        case Kind.NUMERIC:
            return _numeric(series, column, wrong)
        case Kind.BOOLEAN:
            return _boolean(series, column, wrong)
        case Kind.DATETIME:
            return _datetime(series, column, wrong)
        case Kind.CATEGORICAL:
            return _categorical(series, column)
        case _:
            return _text(series, column)


def _check(cells: Cells, unread: NDArray[np.bool_], column: Column, wrong: Wrong) -> None:
    """Note the cells whose value could not be read, and says nothing like missing, here or in general."""

    def says_missing(value: str) -> bool:
        return value in column.missing or value.lower() in WORDS or is_limit(value)

    bad = [code for code in np.flatnonzero(unread).tolist() if not says_missing(cells.values[code])]
    if column.tolerant and (strays := [code for code in bad if STRAY.search(cells.values[code])]):
        warn(f"column {column.name!r}: {cells.values[strays[0]][:40]!r} counts as missing, as its like did in training")
        bad = sorted({*bad}.difference(strays))
    if bad:
        rows = np.flatnonzero(np.isin(cells.codes, bad)).tolist()
        wrong.extend((row + 1, column.name, cells.values[cells.codes[row]]) for row in rows)


def _numeric(series: pd.Series[Any], column: Column, wrong: Wrong) -> NDArray[np.float64]:
    if series.dtype.kind in "iufb":
        numbers = series.to_numpy(np.float64, na_value=np.nan)
    elif series.dtype.kind == "m":
        numbers = series.dt.total_seconds().to_numpy(np.float64)
    else:
        fast = _numbers_at_once(series, column) if len(series) > FEW else None
        numbers = _numbers_of_text(series, column, wrong) if fast is None else fast
    known = np.isfinite(numbers)
    if column.missing:
        known &= ~np.isin(numbers, parse_numbers(column.missing))
    return np.where(known, numbers, np.nan)


def _numbers_at_once(series: pd.Series[Any], column: Column) -> NDArray[np.float64] | None:
    """Return the numbers of a column of nothing but numbers, or of plain texts of such; else None."""
    if not is_object_dtype(series.dtype):  # of texts
        return plain_numbers(series) if column.decimal == "." else None
    if infer_dtype(series) not in ("integer", "floating", "mixed-integer-float"):
        return None
    try:
        return series.to_numpy(np.float64, na_value=np.nan)
    except OverflowError:
        return None


def _numbers_of_text(series: pd.Series[Any], column: Column, wrong: Wrong) -> NDArray[np.float64]:
    cells = cells_of(series, missing=column.missing)
    parsed = parse_numbers(cells.values, Style(column.unit, column.decimal))
    numbers, unread = cells.spread(parsed, np.nan), np.isnan(parsed)
    if is_object_dtype(series.dtype) and infer_dtype(series) != "string":
        # a number beside texts is not written in their style: 1.234 stays so beside 1.234,5
        own = series.map(lambda cell: isinstance(cell, int | float | np.number | np.bool_ | Decimal)).to_numpy(bool)
        numbers[own] = [_float(cell) for cell in series.to_numpy()[own]]
        unread &= np.isin(np.arange(len(parsed)), cells.codes[~own])
    _check(cells, unread, column, wrong)
    return numbers


def _float(cell: Any) -> float:
    """Return a number as a float; an integer beyond all floats is infinite, as its text is."""
    try:
        return float(cell)
    except OverflowError:
        return inf


def _several(series: pd.Series[Any], column: Column, wrong: Wrong) -> NDArray[np.float64]:
    """Return (rows, length) the numbers of a vector or template."""
    if column.kind is Kind.VECTOR and holds_arrays(series):
        numbers, known = matrix_of(series.tolist(), column.length)
        if (known | series.isna().to_numpy()).all():
            return numbers
    cells = cells_of(series, missing=column.missing)
    if column.kind is Kind.TEMPLATE:
        numbers = matrix_of_texts(cells.values, column.length, column.decimal)
    else:
        numbers, known = matrix_of(cells.values, column.length)
        _check(cells, ~known, column, wrong)
    return np.concatenate([numbers, np.full((1, column.length), np.nan)])[cells.codes]


def _texts_around(series: pd.Series[Any], column: Column, decimal: str) -> NDArray[np.int32]:
    cells, codes = cells_of(series, missing=column.missing), category_codes(column.categories)
    parsed = np.array([codes.get(take_apart(value, decimal).text, UNSEEN) for value in cells.values], dtype=np.int32)
    return cells.spread(parsed, MISSING)


def _boolean(series: pd.Series[Any], column: Column, wrong: Wrong) -> NDArray[np.float64]:
    cells = cells_of(series)
    parsed = np.array([truth(value, column.categories) for value in cells.values], dtype=np.float64)
    _check(cells, np.isnan(parsed), column, wrong)
    return cells.spread(parsed, np.nan)


def _categorical(series: pd.Series[Any], column: Column) -> NDArray[np.int32]:
    cells = cells_of(series, missing=column.missing)
    if len(cells.values) == 1 and cells.values[0] in column.categories:
        known = column.categories.index(cells.values[0])  # a single row does not pay for an index of all categories
        return cells.spread(np.array([known], dtype=np.int32), MISSING)
    codes = category_codes(column.categories)
    parsed = np.array([category_code(codes, value) for value in cells.values], dtype=np.int32)
    return cells.spread(parsed, MISSING)


def _datetime(series: pd.Series[Any], column: Column, wrong: Wrong) -> NDArray[np.datetime64]:
    if series.dtype.kind == "M":
        dates = pd.DatetimeIndex(series)
        utc = dates if dates.tz is None else dates.tz_convert("UTC").tz_localize(None)
        moments = utc.to_numpy().astype("datetime64[us]")
        return np.where(np.isin(moments, parse_dates(column.missing, column.format)), NOT_A_DATE, moments)
    cells = cells_of(series, missing=column.missing)
    parsed = parse_dates(cells.values, column.format)
    _check(cells, np.isnat(parsed), column, wrong)
    return cells.spread(parsed, NOT_A_DATE)


def _pieces(series: pd.Series[Any], column: Column) -> pd.Series[Any]:
    cells = cells_of(series, missing=column.missing)
    found = [piece(value, column.built) for value in cells.values]
    return pd.Series(cells.spread(np.array(found, dtype=object), None), dtype=object)


def _text(series: pd.Series[Any], column: Column) -> Any:
    cells = cells_of(series, missing=column.missing)
    values = cells.values if column.separator is None else [listed(value, column.separator) for value in cells.values]
    return pd.array(cells.spread(np.array(values, dtype=object), ""), dtype="string[pyarrow]")
