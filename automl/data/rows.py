"""A few rows as plain dicts, typed without a data frame: that alone would take longer than all models together.

Whatever is not plain, such as a missing column, a cell of another type or one that cannot be read, is left to
:func:`automl.data.schema.apply_schema`, which does everything and explains what is wrong.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, nan
from operator import itemgetter
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl.data.booleans import truth
from automl.data.cells import FEW, LONGEST_MISSING, MISSING_WORDS, category_code, category_codes, text_of
from automl.data.codes import piece
from automl.data.dates import NOT_A_DATE, parse_dates
from automl.data.lists import listed
from automl.data.numerals import Style, parse_numbers
from automl.data.table import MISSING, UNSEEN, Column, Kind, Schema
from automl.data.templates import take_apart
from automl.data.vectors import matrix_of

Read = Callable[[Any], Any]
"""From a cell to its typed value; raises :class:`NotPlain`."""


class NotPlain(Exception):  # noqa: N818 - says what a cell is, and never leaves this module
    """A cell needs a closer look."""


@dataclass(frozen=True, slots=True, eq=False)
class RowReader:
    """Types rows of plain cells as :func:`~automl.data.schema.apply_schema` does.

    >>> from automl.data.schema import infer_schema
    >>> import pandas as pd
    >>> table = pd.DataFrame({"size": [1.5, 2.0, 3.0] * 9, "city": ["Ulm", "Rom", "Ulm"] * 9})
    >>> RowReader.of(infer_schema(table))([{"size": 2, "city": "Rom"}])
    {'size': array([2.]), 'city': array([1], dtype=int32)}
    """

    columns: Mapping[str, tuple[str, Read, str]]
    """Where each typed column is read from, how a cell is, and the dtype of the column."""
    several: Mapping[str, Read]
    """How cells of several values are read, once for all of them."""

    @classmethod
    def of(cls, schema: Schema) -> RowReader:
        """Return the reader for a schema."""
        several = {
            each.name: _vector(each) if each.kind is Kind.VECTOR else _template(each)
            for each in schema.used
            if each.length
        }
        columns = {each.name: (source, _READERS[each.kind](each), _DTYPES[each.kind]) for each, source in schema.typed}
        for column, source in schema.typed:
            if column.length:
                columns[column.name] = (source, itemgetter(column.length - 1), _DTYPES[column.kind])
            elif source in several:
                columns[column.name] = (source, itemgetter(-1), _DTYPES[column.kind])
            elif column.built and column.name != source:
                columns[column.name] = (source, _piece(column, columns[column.name][1]), _DTYPES[column.kind])
            elif column.kind is Kind.CATEGORICAL and column.name != source:
                columns[column.name] = (source, _code(column, columns[source][1]), _DTYPES[column.kind])
        return cls(columns, several)

    def __call__(self, rows: object) -> dict[str, NDArray[Any]] | None:
        """Return the typed columns by name, or None if this is neither a list of a few plain dicts nor such a frame."""
        if isinstance(rows, pd.DataFrame) and len(rows) <= FEW and rows.columns.is_unique:
            names = list(rows.columns)  # to_dict would look up every single column
            rows = [dict(zip(names, cells, strict=True)) for cells in rows.to_numpy(dtype=object).tolist()]
        if not isinstance(rows, list) or not 0 < len(rows) <= FEW or not all(type(row) is dict for row in rows):
            return None
        try:
            if self.several:
                rows = [row | {name: read(row[name]) for name, read in self.several.items()} for row in rows]
            return {
                name: np.array([read(row[source]) for row in rows], dtype)
                for name, (source, read, dtype) in self.columns.items()
            }
        except (NotPlain, KeyError):
            return None


def _numeric(column: Column) -> Read:
    style = Style(column.unit, column.decimal)
    missing = frozenset(parse_numbers(column.missing).tolist())

    def read(cell: Any) -> float:
        if type(cell) is float or type(cell) is int:
            number = float(cell) if abs(cell) <= _LARGEST else nan
        else:
            text = _text(cell)
            if text is None or text in column.missing:
                return nan
            number = parse_numbers([text], style).item()
            if number != number:
                raise NotPlain
        return number if isfinite(number) and number not in missing else nan

    return read


def _boolean(column: Column) -> Read:
    def read(cell: Any) -> float:
        text = text_of(cell) if type(cell) is bool else _text(cell)
        value = nan if text is None else truth(text, column.categories)
        if text is not None and value != value and text not in column.missing:
            raise NotPlain
        return value

    return read


def _categorical(column: Column) -> Read:
    codes, missing = category_codes(column.categories), frozenset(column.missing)

    def read(cell: Any) -> int:
        text = text_of(cell) if type(cell) in _NUMBERS else _text(cell)
        return MISSING if text is None or text in missing else category_code(codes, text)

    return read


def _piece(column: Column, read: Read) -> Read:
    def read_piece(cell: Any) -> Any:
        text = text_of(cell) if type(cell) in _NUMBERS else _text(cell)
        return read(None if text is None or text in column.missing else piece(text, column.built))

    return read_piece


def _code(column: Column, read: Read) -> Read:
    codes = {float(category): code for code, category in enumerate(column.categories)}

    def read_code(cell: Any) -> int:
        number = read(cell)
        return MISSING if number != number else codes.get(number, UNSEEN)

    return read_code


def _datetime(column: Column) -> Read:
    def read(cell: Any) -> np.datetime64:
        text = _text(cell)
        if text is None or text in column.missing:
            return NOT_A_DATE
        moment: np.datetime64 = parse_dates([text], column.format)[0]
        if np.isnat(moment):
            raise NotPlain
        return moment

    return read


def _words(column: Column) -> Read:
    def read(cell: Any) -> str:
        text = text_of(cell) if type(cell) in _NUMBERS else _text(cell)
        if text is None or text in column.missing:
            return ""
        return text if column.separator is None else listed(text, column.separator)

    return read


def _vector(column: Column) -> Read:
    def read(cell: Any) -> NDArray[np.float64]:
        text = cell if type(cell) is list else _text(cell)
        known = text is not None and text not in column.missing
        numbers, read = matrix_of([text] if known else [], column.length)
        if known and not read[0]:
            raise NotPlain
        return numbers[0] if known else np.full(column.length, nan)

    return read


def _template(column: Column) -> Read:
    codes = category_codes(column.categories)

    def read(cell: Any) -> Sequence[float]:
        text = text_of(cell) if type(cell) in _NUMBERS else _text(cell)
        if text is None or text in column.missing:
            return [nan] * column.length + [MISSING]
        found = take_apart(text, column.decimal)
        numbers = [*found.numbers, *[nan] * column.length][: column.length]
        return [*numbers, codes.get(found.text, UNSEEN)]

    return read


def _text(cell: Any) -> str | None:
    """Return the text in a cell, None if it is missing."""
    if cell is None or (type(cell) is float and cell != cell):
        return None
    if type(cell) is not str:
        raise NotPlain
    text = text_of(cell)
    return None if text is None or (len(text) <= LONGEST_MISSING and text.lower() in MISSING_WORDS) else text


_LARGEST: Final = sys.float_info.max
_NUMBERS: Final = (bool, int, float)
_READERS: Final[Mapping[Kind, Callable[[Column], Read]]] = {
    Kind.NUMERIC: _numeric,
    Kind.BOOLEAN: _boolean,
    Kind.CATEGORICAL: _categorical,
    Kind.DATETIME: _datetime,
    Kind.TEXT: _words,
}
_DTYPES: Final[Mapping[Kind, str]] = {
    Kind.NUMERIC: "float64",
    Kind.BOOLEAN: "float64",
    Kind.CATEGORICAL: "int32",
    Kind.DATETIME: "datetime64[us]",
    Kind.TEXT: "object",
}
