"""From the body of a request to a raw table. Columns are named as in training; a row without names has their order.

=======================  ==================================================================================
media type               body
=======================  ==================================================================================
application/json         ``{"rows": [ROW, ...]}``; ``instances``, ``inputs`` and ``dataframe_records`` mean
                         the same; or ``{"dataframe_split": {"columns": [NAME, ...], "data": [[...], ...]}}``
application/jsonlines    one ROW a line
text/csv                 comma-separated, with the column names in the first line or without them
=======================  ==================================================================================

A ROW is ``{NAME: value, ...}``, ``{"features": [value, ...]}`` or ``[value, ...]``.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import orjson
import pandas as pd

from automl.data.lists import ARRAY
from automl.data.table import Schema
from automl.deploy.problem import BadCell, RequestError

_ROWS_KEYS: Final = ("rows", "instances", "inputs", "dataframe_records")


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """The rows of a request as they were sent, and what is wrong with their form."""

    frame: pd.DataFrame
    """The columns that models use, in training order; cells keep the type they were sent with."""
    errors: Sequence[BadCell]


def parse(body: bytes, media_type: str, schema: Schema, *, max_rows: int) -> Table:
    """Return the table in a body.

    Raises
    ------
    RequestError
        400 if the body cannot be read, 413 if it has too many rows, 415 if the media type is not known, 422 if it holds
        no rows. Wrong rows are not raised but collected, so that all of them can be told at once.
    """
    if media_type not in READERS:
        raise RequestError(415, f"content type {media_type or 'missing'}; send one of: {', '.join(READERS)}")
    items = _with_names(READERS[media_type](body), schema)
    if not items:
        raise RequestError(422, "the request holds no rows; send at least one")
    if len(items) > max_rows:
        raise RequestError(413, f"the request holds {len(items)} rows, the limit is {max_rows}; send them in parts")
    return _table(items, schema)


def _table(items: Sequence[Any], schema: Schema) -> Table:
    """Line up rows by name. A batch is only as good as its rows one by one: each must have every column."""
    names = [column.name for column in schema.columns]
    used = [column.name for column in schema.used]
    lists = {column.name for column in schema.used if column.separator == ARRAY}
    errors: list[BadCell] = []
    records: list[Mapping[str, Any]] = []
    for row, item in enumerate(items, 1):
        record = _record(item, names)
        if isinstance(record, str):
            errors.append(BadCell(row, None, None, f"row {row} {record}"))
            record = {}
        elif not record.keys() >= set(used):
            errors += [
                BadCell(row, name, None, f"column {name!r} is missing in row {row}; null stands for an unknown value")
                for name in used
                if name not in record
            ]
        records.append(record)
    rows = [[record.get(name) for name in used] for record in records]
    errors += _nested(used, rows, lists)
    cells = np.empty((len(rows), len(used)), dtype=object)  # one block: much faster than a column at a time
    cells[:] = rows
    return Table(pd.DataFrame(cells, columns=used, dtype=object), errors)


def _record(item: Any, names: Sequence[str]) -> Mapping[str, Any] | str:
    """Return a row by column name, or what is wrong with it."""
    if isinstance(item, dict):
        if item.keys() != {"features"} or not isinstance(item["features"], list):
            return item
        item = item["features"]
    if not isinstance(item, list):
        return f"must be an object or a list of values, got {item!r:.40}"
    if len(item) != len(names):
        return f"must have {len(names)} values in the order {', '.join(names)}; got {len(item)}"
    return dict(zip(names, item, strict=True))


def _nested(names: Sequence[str], rows: Sequence[list[Any]], lists: Collection[str]) -> list[BadCell]:
    """Report the cells that are not single values, but for the columns of ``lists``, and empty them."""
    errors = []
    for row, values in enumerate(rows, 1):
        for i, value in enumerate(values):
            if isinstance(value, dict) or (isinstance(value, list) and names[i] not in lists):
                message = f"column {names[i]!r} must be a single value, got {value!r:.40} in row {row}"
                errors.append(BadCell(row, names[i], value, message))
                values[i] = None
    return errors


def _read_json(body: bytes) -> list[Any]:
    content = _decode(body, "the body")
    if isinstance(content, dict):
        if isinstance(split := content.get("dataframe_split"), dict):
            return _split_rows(split)
        for key in _ROWS_KEYS:
            if isinstance(content.get(key), list):
                return list(content[key])
    raise RequestError(422, 'the body must be {"rows": [{column: value, ...}, ...]}')


def _split_rows(split: Mapping[str, Any]) -> list[Any]:
    names, data = split.get("columns"), split.get("data")
    if not isinstance(names, list) or not isinstance(data, list):
        raise RequestError(422, 'dataframe_split must have "columns", a list of names, and "data", a list of rows')
    return _named(names, data)


def _read_json_lines(body: bytes) -> list[Any]:
    return [_decode(line, f"line {number}") for number, line in enumerate(body.splitlines(), 1) if line.strip()]


def _read_csv(body: bytes) -> list[Any]:
    try:
        lines = list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True))
    except UnicodeDecodeError as error:
        raise RequestError(400, f"the body is not UTF-8: {error}") from None
    except csv.Error as error:
        raise RequestError(400, f"the body is not comma-separated text: {error}") from None
    return [[cell or None for cell in line] for line in lines if line]


def _with_names(items: list[Any], schema: Schema) -> list[Any]:
    """Take the first row as a header if it is one: a list that holds every column name that models need."""
    if items and isinstance(items[0], list):
        names = [name.strip() if isinstance(name, str) else name for name in items[0]]
        if all(column.name in names for column in schema.used):
            return _named(names, items[1:])
    return items


def _named(names: Sequence[Any], rows: Sequence[Any]) -> list[Any]:
    """Give the values of each row their names."""
    if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise RequestError(422, f"column names must be different texts, got {', '.join(map(str, names))}")
    wrong = [
        BadCell(row, None, None, f"row {row} must have {len(names)} values, as there are names")
        for row, item in enumerate(rows, 1)
        if not isinstance(item, list) or len(item) != len(names)
    ]
    if wrong:
        raise RequestError.of_cells(wrong)
    return [dict(zip(names, row, strict=True)) for row in rows]


def _decode(text: bytes, what: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise RequestError(400, f"{what} is not JSON (a missing number is null): {error}") from None


READERS: Final[Mapping[str, Callable[[bytes], list[Any]]]] = {
    "application/json": _read_json,
    "application/jsonlines": _read_json_lines,
    "application/x-ndjson": _read_json_lines,
    "text/csv": _read_csv,
}
"""Media types that can be read."""
