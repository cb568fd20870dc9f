"""The schema as JSON that people read, edit and pass back: a list with one object a column, one column a line.

``name`` and ``kind`` say it all in most cases. What else there is says how the cells are read, by the fields of
:class:`automl.data.table.Column`: ``format``, ``unit``, ``decimal``, ``missing``, ``separator``, and ``categories`` of
a boolean, for 0 and 1; ``worded`` says whether models see the words of categories, ``nominal`` whether they see whole
numbers as categories, too, ``built`` whether they see the pieces of codes, ``length`` how many numbers the lists of a
vector have. ``reason``, ``score`` and ``ambiguous`` are for people; columns that are left out are inferred.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from automl.data.dates import is_layout
from automl.data.table import Column, Kind, Schema
from automl.errors import UsageError, suggestion

DEFAULTS: Final = asdict(Column("", Kind.TEXT, ""))
TOLD: Final = ("reason", "score", "ambiguous")
"""Fields that say why, and are decided anew."""

Record = Mapping[str, Any]


def schema_to_json(schema: Schema) -> list[dict[str, Any]]:
    """Return the columns as plain JSON values; what has its default is left out."""
    return [_record(column) for column in schema.columns]


def schema_from_json(records: Sequence[Record]) -> Schema:
    """Read what :func:`schema_to_json` wrote."""
    return Schema(tuple(Column(**{**_fields(record), "kind": Kind(record["kind"])}) for record in records))


def schema_text(schema: Schema) -> str:
    """Return the schema for people; categories are left out, for they are taken from the training table again.

    >>> print(schema_text(Schema((Column("age", Kind.NUMERIC, "numbers"),))))
    [
     {"name": "age", "kind": "numeric", "reason": "numbers"}
    ]
    """
    records = [_without_categories(_record(column)) for column in schema.columns]
    return "[\n" + ",\n".join(" " + json.dumps(record, ensure_ascii=False) for record in records) + "\n]"


def read_schema(source: str | Path | Sequence[Record]) -> tuple[Record, ...]:
    """Return the columns of an edited schema: of a JSON file, or as they are in memory.

    Raises
    ------
    UsageError
        If there is no such file, it is not JSON, or a column has no name, no kind, or a field that does not exist.
    """
    records = _loaded(Path(source)) if isinstance(source, str | Path) else source
    if not isinstance(records, Sequence):
        raise UsageError('a schema must be a list of columns, such as [{"name": "zip", "kind": "categorical"}]')
    for number, record in enumerate(records, 1):
        _check(number, record)
    return tuple(records)


def require_column(name: str, kind: str, names: Sequence[str]) -> None:
    """Refuse a kind that does not exist, or one of a column that does not exist."""
    if name not in names:
        raise UsageError(f"a type was set for {name!r} but there is no such column{suggestion(name, names)}")
    if kind not in tuple(Kind):
        hint = suggestion(kind, [known.value for known in Kind])
        raise UsageError(f"the type of {name!r} must be one of {', '.join(Kind)}, got {kind!r}{hint}")


def settled_fields(record: Record) -> dict[str, Any]:
    """Return the fields of an edited column that say how its cells are read, as :class:`Column` takes them."""
    return {key: value for key, value in _fields(_without_categories(record)).items() if key not in TOLD}


def is_unedited(column: Column, record: Record) -> bool:
    """Return whether a column of an edited schema says nothing but what was inferred."""
    said, inferred = settled_fields(record), settled_fields(_record(column))
    return all(said.get(key, default) == inferred.get(key, default) for key, default in DEFAULTS.items())


def _fields(record: Record) -> dict[str, Any]:
    """Return a column's fields with tuples where JSON has lists."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in record.items()}


def _record(column: Column) -> dict[str, Any]:
    record = {key: _plain(value) for key, value in asdict(column).items()}
    always = ("name", "kind", "reason")
    return {key: value for key, value in record.items() if key in always or value != _plain(DEFAULTS[key])}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value.value if isinstance(value, Kind) else value


def _without_categories(record: Record) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != "categories" or record["kind"] == Kind.BOOLEAN}


def _loaded(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read the schema {str(path)!r}: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"the schema {str(path)!r} is not JSON ({error}); automl schema writes one") from error


def _check(number: int, record: object) -> None:
    if not isinstance(record, Mapping) or not isinstance(record.get("name"), str) or "kind" not in record:
        raise UsageError(f"column {number} of the schema must have a name and a kind, got {record!r:.60}")
    for key, value in record.items():
        if key not in DEFAULTS:
            raise UsageError(f"column {record['name']!r} of the schema has no field {key!r}{suggestion(key, DEFAULTS)}")
        if not _fits(key, value):
            raise UsageError(f"{key!r} of the column {record['name']!r} of the schema cannot be {value!r:.60}")


def _fits(key: str, value: object) -> bool:
    if key == "format" and isinstance(value, str):
        return is_layout(value)
    if key == "decimal":
        return value in (".", ",")
    if key == "separator" and not value:
        return value is None
    default = DEFAULTS[key]
    if isinstance(default, tuple):
        return isinstance(value, list) and all(isinstance(each, str) for each in value)
    if isinstance(default, bool):
        return isinstance(value, bool)
    if isinstance(default, int):
        return type(value) is int and value >= 0
    if isinstance(default, float):
        return isinstance(value, int | float)
    return isinstance(value, str) or (value is None and default is None)
