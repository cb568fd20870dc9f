"""JSON tables: one object a line, one array of objects, an object that holds one, or one object of columns.

Objects inside of objects become columns ``outer.inner``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import pandas as pd

from automl.data.cells import text_of
from automl.data.exact import exact
from automl.errors import DataError, warn

BEGINNING: Final = re.compile(r"\s*(?:\{\s*[\"}]|\[\s*[{\]])")
"""How a JSON table begins, and a CSV file hardly can."""
INDENTED: Final = re.compile(r"\s*\{\s*\n")
"""How an object begins that is written on several lines."""


def begins_json(text: str) -> bool:
    """Return whether a text is a JSON table by its beginning.

    >>> [begins_json(text) for text in ('{"a": 1}', '[ {"a": 1}]', '[a],[b]', 'a,b')]
    [True, True, False, False]
    """
    return BEGINNING.match(text) is not None


def read_json(text: str, header: Collection[str] = ()) -> pd.DataFrame:
    """Return the table of a JSON text; a key that is missing in an object is a missing cell.

    Parameters
    ----------
    header
        The columns of an earlier table: an object that names some of them is not searched for a table inside.

    Raises
    ------
    DataError
        If a line is no object, or there is none.
    """
    if text.lstrip().startswith("["):
        rows = _array(text)
    else:
        rows = [_parse(text, "the JSON object")] if INDENTED.match(text) else _lines(text)
        if len(rows) == 1 and {name.partition(".")[0] for name in header}.isdisjoint(rows[0]):
            return _whole(rows[0])
    if not rows:
        raise DataError("the file is an empty JSON array; it needs one object a row")
    columns = _columns(rows[0]) if len(rows) == 1 else None
    return frame_of_rows(rows, header) if columns is None else _of_columns(columns)


def _whole(table: Mapping[str, Any]) -> pd.DataFrame:
    """Return the table that a single object holds: columns and data, as pandas writes with ``orient="split"``, a list
    for each column, or exactly one list of objects, as in answers of web services; else it is a row."""
    names, data = table.get("columns"), table.get("data")
    if isinstance(names, list) and isinstance(data, list) and all(isinstance(row, list) for row in data):
        try:
            return pd.DataFrame(data, columns=names)
        except (ValueError, AssertionError) as error:
            raise DataError(f"columns and data of the JSON object do not fit ({error}); repair it") from error
    columns = _columns(table)
    if columns is not None:
        return _of_columns(columns)
    lists = [cells for cells in table.values() if isinstance(cells, list) and cells]
    lists = [cells for cells in lists if all(isinstance(cell, dict) for cell in cells)]
    return frame_of_rows(lists[0] if len(lists) == 1 else [table])


def _columns(table: Mapping[str, Any]) -> dict[str, list[Any]] | None:
    """Return the columns of an object that holds a list, or an object of numbered cells, for each; else None.

    >>> _columns({"a": {"0": 1, "1": 2}, "b": {"0": 3, "1": 4}}), _columns({"a": [1, 2], "b": "c"})
    ({'a': [1, 2], 'b': [3, 4]}, None)
    """
    columns = [list(cells.values()) if _numbered(cells) else cells for cells in table.values()]
    if len(columns) < 2 or not all(isinstance(cells, list) and len(cells) == len(columns[0]) > 1 for cells in columns):
        return None
    return dict(zip(table, columns, strict=True))


def _of_columns(columns: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    return pd.DataFrame({name: exact(cells) for name, cells in columns.items()})


def _numbered(cells: object) -> bool:
    """Return whether cells are named as pandas names rows, ``0``, ``1``, ..., and no columns are."""
    return isinstance(cells, dict) and all(name.isdigit() for name in cells)


def frame_of_rows(rows: Sequence[Mapping[str, Any]], header: Collection[str] = ()) -> pd.DataFrame:
    """Return the table of one mapping a row.

    Parameters
    ----------
    header
        The columns of an earlier table: where one of them held no objects, an object is a cell, as JSON. As a column of
        its own it would count as missing, and that only beside rows that have none. Columns that were in objects are
        missing cells where no row has them, for parts of an object may be left out.

    >>> list(frame_of_rows([{"id": 1, "home": {"city": "Bern", "zip": "3000"}}]))
    ['id', 'home.city', 'home.zip']
    >>> frame_of_rows([{"id": {"no": 1}}, {"id": 2}], ["id"])["id"].tolist()
    ['{"no": 1}', 2]
    """
    written = rows
    if any(isinstance(cell, dict) for row in rows for cell in row.values()):
        whole = set(header) - outer(header)
        rows = [_flat(row, whole) for row in rows]
    names = dict.fromkeys(name for row in rows for name in row)
    names |= dict.fromkeys(_left_out(written, names, header))
    for name in outer(names) & names.keys():
        if all(row.get(name) is None for row in rows):  # an object that some rows have
            del names[name]
    return pd.DataFrame(
        {name: exact([row.get(name) for row in rows]) for name in names}, index=pd.RangeIndex(len(rows))
    )


def outer(names: Collection[str]) -> set[str]:
    """Return the names of the objects that columns are in."""
    return {name[:place] for name in names for place, letter in enumerate(name) if letter == "."}


def _left_out(rows: Sequence[Mapping[str, Any]], names: Collection[str], header: Collection[str]) -> list[str]:
    """Return the columns that objects of an earlier table had and no row has, if no name is a new one, or misspelled.

    ``rows`` are as they are written, ``names`` those of their columns.
    """
    absent = [name for name in header if "." in name and name not in names]
    if (
        not absent
        or not outer(header).union(header).issuperset(names)
        or any("." in name for row in rows for name in row)
    ):
        return []
    warn(f"{', '.join(map(repr, absent[:5]))}{', ...'[: 5 * (len(absent) > 5)]}: in no row, and count as missing")
    return absent


def unnested(frame: pd.DataFrame, header: Collection[str] = ()) -> pd.DataFrame:
    """Return a table with columns of mappings as those of what they hold, see :func:`frame_of_rows`.

    >>> list(unnested(pd.DataFrame({"id": [1, 2], "home": [{"city": "Bern"}, None]})))
    ['id', 'home.city']
    """
    objects = [name for name, cells in frame.items() if name not in header and _holds_mappings(cells)]
    if not objects:
        return frame
    parts = []
    for name, cells in frame.items():
        part = cells.to_frame()
        if name in objects:
            own = [each for each in header if each.startswith(f"{name}.")]
            part = frame_of_rows([{str(name): cell} if isinstance(cell, dict) else {} for cell in cells], own)
        parts.append(part.set_axis(frame.index))
    return pd.concat(parts, axis=1)


def _holds_mappings(cells: pd.Series[Any]) -> bool:
    """Return whether all cells that are not missing are mappings."""
    known = cells[cells.notna()] if cells.dtype == object else cells.head(0)
    return len(known) > 0 and isinstance(known.iloc[0], dict) and all(isinstance(cell, dict) for cell in known)


def _flat(row: Mapping[str, Any], whole: Collection[str], within: str = "") -> dict[str, Any]:
    """Return a row with the cells of its objects beside the others, but for the objects in ``whole``, as JSON."""
    found: dict[str, Any] = {}
    for name, cell in row.items():
        path = f"{within}{name}"
        if isinstance(cell, dict):
            inner = {path: text_of(cell)} if path in whole else _flat(cell, whole, f"{path}.")
        else:
            inner = {path: cell}
        if twice := found.keys() & inner.keys():
            raise DataError(f"a row holds {min(twice)!r} twice, once as an object's; rename one of them")
        found |= inner
    return found


def _array(text: str) -> list[dict[str, Any]]:
    rows = _parse(text, "the JSON array")
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise DataError(f"entry {number} of the JSON array is no object: {row!r:.40}; each row must be one")
    return list(rows)


def _lines(text: str) -> list[dict[str, Any]]:
    rows = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        row = _parse(line, f"line {number}")
        if not isinstance(row, dict):
            raise DataError(f"line {number} is no JSON object: {line.strip():.40}; write one object a line")
        rows.append(row)
    return rows


def _parse(text: str, where: str) -> Any:
    """Return a JSON value; the standard library takes what others write for numbers without a value (NaN)."""
    import orjson

    try:
        return orjson.loads(text)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        pass
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where} is not JSON ({error}); write one object a line, or one array of objects") from error
