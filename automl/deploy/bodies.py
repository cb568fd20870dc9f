"""From the body of a request to a raw table. Columns are named as in training; a row without names has their order.

=======================  ==================================================================================
media type               body
=======================  ==================================================================================
application/json         ``{"rows": [ROW, ...]}``; ``instances``, ``inputs`` and ``dataframe_records`` mean
                         the same; or ``{"inputs": {NAME: [value, ...], ...}}``, or
                         ``{"dataframe_split": {"columns": [NAME, ...], "data": [[...], ...]}}``
application/jsonlines    one ROW a line
text/csv                 comma-separated, with the column names in the first line or without them
...arrow.stream          an Arrow stream, see :mod:`automl.deploy.columnar`
...parquet               a Parquet file
=======================  ==================================================================================

A ROW is ``{NAME: value, ...}``, ``{"features": [value, ...]}`` or ``[value, ...]``. Columns ``OUTER.INNER`` may be in
an object, ``{OUTER: {INNER: value, ...}, ...}``, as they were in training.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Collection, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any, Final

import orjson
import pandas as pd

from automl.data.json_rows import outer
from automl.data.lists import ARRAY
from automl.data.table import Kind, Schema
from automl.deploy.columnar import ARROW_STREAM, PARQUET, read_columnar
from automl.deploy.limits import no_rows, require_few
from automl.deploy.problem import BadCells, RequestError, brief

_FEW: Final = 100
"""Objects and lists that any body may hold."""
_ROWS_KEYS: Final = ("rows", "instances", "inputs", "dataframe_records")

Rows = Sequence[Mapping[str, Any]] | pd.DataFrame
"""Rows with the columns that models use; from columns with types a frame, else one mapping a row."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """The rows of a request as they were sent, and what is wrong with their form."""

    rows: Rows
    errors: BadCells = field(default_factory=BadCells)


def parse(body: bytes, media_type: str, schema: Schema, *, max_rows: int) -> Table:
    """Return the table in a body.

    Raises
    ------
    RequestError
        400 if the body cannot be read, 413 if it has too many rows, 415 if the media type is not known, 422 if it holds
        no rows. Wrong rows are not raised but collected, so that all of them can be told at once.
    """
    if media_type not in MEDIA_TYPES:
        raise RequestError(415, f"content type {media_type or 'missing'}; send one of: {', '.join(MEDIA_TYPES)}")
    if media_type in (ARROW_STREAM, PARQUET):
        used = [column.name for column in schema.used]
        return Table(read_columnar(body, media_type, used=used, lists=list_columns(schema), max_rows=max_rows))
    require_few_containers(body, schema, max_rows)
    items = _with_names(_READERS[media_type](body, max_rows), schema, max_rows)
    return lined_up(items, schema, max_rows=max_rows)


def lined_up(items: Sequence[Any], schema: Schema, *, max_rows: int) -> Table:
    """Line up rows by name. A batch is only as good as its rows one by one: each must have every column.

    When enough is wrong, what the other cells hold is not looked at any more.

    Raises
    ------
    RequestError
        413 if there are too many rows, 422 if there are none.
    """
    if not items:
        raise no_rows()
    require_few(len(items), max_rows)
    names = [column.name for column in schema.columns]
    used = [column.name for column in schema.used]
    needed, lists, objects = set(used), list_columns(schema), outer(used)
    errors = BadCells()
    rows: list[dict[str, Any]] = []
    for number, item in enumerate(items, 1):
        record = _record(item, names, objects)
        if isinstance(record, str):
            errors.add(number, None, None, f"row {number} {record}")
            record = {}
        elif not record.keys() >= needed:
            message = f"is missing in row {number}; null stands for an unknown value"
            for name in used:
                if name not in record:
                    errors.add(number, name, None, f"column {name!r} {message}")
        if not errors.enough:
            rows.append({name: record.get(name) for name in used})
    _empty_nested(rows, lists, errors)
    return Table(rows, errors)


def list_columns(schema: Schema) -> Collection[str]:
    """Return the names of the columns whose cells may be lists."""
    return {column.name for column in schema.used if column.separator == ARRAY or column.kind is Kind.VECTOR}


def _record(item: Any, names: Sequence[str], objects: Set[str]) -> Mapping[str, Any] | str:
    """Return a row by column name, or what is wrong with it; ``objects`` are those that columns were in."""
    if isinstance(item, dict):
        if item.keys() != {"features"} or not isinstance(item["features"], list):
            return item if objects.isdisjoint(item) else _unnested(item, names, objects)
        item = item["features"]
    if not isinstance(item, list):
        return f"must be an object or a list of values, got {item!r:.40}"
    if len(item) != len(names):
        return f"must have {len(names)} values in the order {', '.join(names)}; got {len(item)}"
    return dict(zip(names, item, strict=True))


def _unnested(item: Mapping[str, Any], names: Sequence[str], objects: Set[str], within: str = "") -> dict[str, Any]:
    """Return a row with the cells of its objects as columns; those of an object that is null are null."""
    found: dict[str, Any] = {}
    for name, cell in item.items():
        path = f"{within}{name}"
        if path in objects and isinstance(cell, dict):
            found |= _unnested(cell, names, objects, f"{path}.")
        elif path in objects and cell is None:
            found |= {each: None for each in names if each.startswith(f"{path}.")}
        else:
            found[path] = cell
    return found


def _empty_nested(rows: Sequence[dict[str, Any]], lists: Collection[str], errors: BadCells) -> None:
    """Note and empty the cells that are not single values, but for lists in the columns of ``lists``."""
    for number, row in enumerate(rows, 1):
        for name, value in row.items():
            if isinstance(value, dict) or (isinstance(value, list) and name not in lists):
                message = f"column {name!r} must be a single value, got {brief(value)} in row {number}"
                errors.add(number, name, value, message)
                row[name] = None


def _read_json(body: bytes, max_rows: int) -> list[Any]:
    content = decode(body, "the body")
    if isinstance(content, dict):
        if isinstance(split := content.get("dataframe_split"), dict):
            return _split_rows(split, max_rows)
        if isinstance(columns := content.get("inputs"), dict):
            return rows_of_columns(columns, max_rows)
        for key in _ROWS_KEYS:
            if isinstance(content.get(key), list):
                return list(content[key])
    raise RequestError(422, 'the body must be {"rows": [{column: value, ...}, ...]}')


def rows_of_columns(columns: Mapping[str, Any], max_rows: int) -> list[dict[str, Any]]:
    """Return one mapping a row of a list a column.

    Raises
    ------
    RequestError
        413 if there are too many rows, 422 if the columns are not equally long lists.
    """
    lengths = {len(values) if isinstance(values, list) else -1 for values in columns.values()}
    if len(lengths) > 1 or -1 in lengths:
        raise RequestError(422, "all columns must be lists of equally many values")
    require_few(max(lengths, default=0), max_rows)
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _split_rows(split: Mapping[str, Any], max_rows: int) -> list[Any]:
    names, data = split.get("columns"), split.get("data")
    if not isinstance(names, list) or not isinstance(data, list):
        raise RequestError(422, 'dataframe_split must have "columns", a list of names, and "data", a list of rows')
    return _named(names, data, max_rows)


def _read_json_lines(body: bytes, max_rows: int) -> list[Any]:
    lines = ((number, line) for number, line in enumerate(io.BytesIO(body), 1) if line.strip())
    return [decode(line, f"line {number}") for number, line in islice(lines, max_rows + 1)]


def _read_csv(body: bytes, max_rows: int) -> list[Any]:
    try:
        text = body.decode("utf-8-sig").strip("\r\n")  # as the blank lines around a file are no rows
        lines = csv.reader(io.StringIO(text, newline=""), strict=True)
        first = next(lines, [])
        rows = chain([first], lines)
        kept = rows if len(first) == 1 else filter(None, rows)  # of a single column, an empty line is a row
        found = islice(kept, max_rows + 2)  # the first may hold names
        return [[cell or None for cell in line] or [None] for line in found]
    except UnicodeDecodeError as error:
        raise RequestError(400, f"the body is not UTF-8: {error}") from None
    except csv.Error as error:
        raise RequestError(400, f"the body is not comma-separated text: {error}") from None


def _with_names(items: list[Any], schema: Schema, max_rows: int) -> list[Any]:
    """Take the first row as a header if it is one: a list that holds every column name that models need."""
    if items and isinstance(items[0], list):
        names = [name.strip() if isinstance(name, str) else name for name in items[0]]
        if all(column.name in names for column in schema.used):
            return _named(names, items[1:], max_rows)
    return items


def _named(names: Sequence[Any], rows: Sequence[Any], max_rows: int) -> list[Any]:
    """Give the values of each row their names."""
    require_few(len(rows), max_rows)
    if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise RequestError(
            422, f"column names must be different texts, got {', '.join(str(brief(name)) for name in names)}"
        )
    wrong = BadCells()
    for number, row in enumerate(rows, 1):
        if not isinstance(row, list) or len(row) != len(names):
            wrong.add(number, None, None, f"row {number} must have {len(names)} values, as there are names")
    if wrong.count:
        raise RequestError.of_cells(wrong)
    return [dict(zip(names, row, strict=True)) for row in rows]


def most_cells(body: bytes) -> int:
    """Return how many cells or rows a text can hold at most.

    >>> most_cells(b'{"rows": [{"a": 1, "b": 2}, {}]}'), most_cells(b"1,2\\n3,4")
    (3, 4)
    """
    return 1 + sum(body.count(separator) for separator in (b",", b"\n", b"\r"))


def require_few_containers(body: bytes, schema: Schema, max_rows: int) -> None:
    """Refuse a text that would become far more objects and lists than rows may hold: each takes many times its bytes.

    Raises
    ------
    RequestError
        413.
    """
    if body.count(b"{") + body.count(b"[") > _FEW + max_rows * (2 + len(schema.used)):
        raise RequestError(
            413, f"the body holds more objects and lists than {max_rows} rows can; send the rows in parts"
        )


def decode(text: bytes, what: str) -> Any:
    """Return a JSON value; ``what`` names it in the refusal of one that is not JSON."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise RequestError(400, f"{what} is not JSON (a missing number is null): {error}") from None


_READERS: Final[Mapping[str, Callable[[bytes, int], list[Any]]]] = {
    "application/json": _read_json,
    "application/jsonlines": _read_json_lines,
    "application/x-ndjson": _read_json_lines,
    "text/csv": _read_csv,
}
MEDIA_TYPES: Final = (*_READERS, ARROW_STREAM, PARQUET)
"""Media types that can be read."""
