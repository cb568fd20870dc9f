"""The schema as people read it, edit it and pass it back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.data.schema import apply_schema, infer_schema
from automl.data.schema_file import read_schema, schema_from_json, schema_text, schema_to_json
from automl.data.table import Kind
from automl.errors import DataError, UsageError

ROWS = 40
FRAME = pd.DataFrame(
    {
        "id": range(ROWS),
        "age": [str(18 + i % 35) if i % 9 else "999" for i in range(ROWS)],
        "price": [f"$1,{i:03}.50" for i in range(ROWS)],
        "paid": ["yes", "no"] * (ROWS // 2),
        "city": ["Bern", "Köln", "unknown", "Basel"] * (ROWS // 4),
        "day": [f"{i % 28 + 1:02}/01/2024" for i in range(ROWS)],
        "again": ["Bern", "Köln", "unknown", "Basel"] * (ROWS // 4),
    }
)
EDITS: list[tuple[str, dict[str, Any]]] = [
    ("age", {"kind": "categorical"}),
    ("age", {"missing": []}),
    ("day", {"format": "%m/%d/%Y"}),
    ("price", {"unit": None, "kind": "text"}),
    ("paid", {"categories": ["yes", "no"]}),
    ("city", {"missing": ["unknown"]}),
    ("city", {"kind": "text", "separator": "|"}),
    ("id", {"kind": "numeric"}),
    ("again", {"kind": "categorical"}),
]


def edited(name: str, change: dict[str, Any]) -> list[dict[str, Any]]:
    records = json.loads(schema_text(infer_schema(FRAME)))
    return [record | change if record["name"] == name else record for record in records]


def test_one_column_a_line_with_its_reason() -> None:
    schema = infer_schema(FRAME)
    lines = schema_text(schema).splitlines()
    assert len(lines) == len(schema.columns) + 2
    assert lines[2] == (
        ' {"name": "age", "kind": "numeric", "reason": "numbers; 999 in 5 cells, apart from all others, count as '
        'missing", "missing": ["999"]},'
    )
    assert "Bern" not in lines[5]
    assert '"duplicate", "reason": "the same cells as \'city\' in every row"' in lines[7]


def test_what_was_not_edited_changes_nothing(tmp_path: Path) -> None:
    schema = infer_schema(FRAME)
    (tmp_path / "schema.json").write_text(schema_text(schema), encoding="utf-8")
    assert infer_schema(FRAME, edited=read_schema(tmp_path / "schema.json")) == schema
    assert infer_schema(FRAME, edited=read_schema(schema_to_json(schema))) == schema
    assert infer_schema(FRAME, edited=[]) == schema


@pytest.mark.parametrize(("name", "change"), EDITS, ids=[f"{name} {change}" for name, change in EDITS])
def test_an_edit_holds_and_leaves_the_other_columns(name: str, change: dict[str, Any]) -> None:
    before, after = infer_schema(FRAME), infer_schema(FRAME, edited=read_schema(edited(name, change)))
    for column in after.columns:
        if column.name != name:
            assert column == before[column.name]
    record = next(record for record in schema_to_json(after) if record["name"] == name)
    for key, value in change.items():
        assert record.get(key, value if not value else None) == value
    assert record["reason"].startswith("set by hand")
    assert len(apply_schema(FRAME, after)) == ROWS


def test_edits_are_applied() -> None:
    def cells(name: str, change: dict[str, Any]) -> list[Any]:
        return apply_schema(FRAME, infer_schema(FRAME, edited=edited(name, change)))[name].tolist()

    assert np.isnan(cells("price", {})).sum() == 0
    assert cells("age", {})[1] == 19.0
    assert np.isnan(cells("age", {})[0])
    assert cells("age", {"missing": []})[0] == 999.0
    assert cells("paid", {"categories": ["yes", "no"]})[:2] == [0.0, 1.0]
    assert cells("city", {"missing": ["unknown"]})[:4] == [1, 2, -1, 0]
    assert [day.month for day in cells("day", {"format": "%m/%d/%Y"})[:3]] == [1, 2, 3]


def test_a_default_that_is_written_down_holds() -> None:
    frame = pd.DataFrame({"a": ["0,5", "1,5"], "b": ["1,250", "2,500"]})
    records = [{"name": "b", "kind": "numeric", "decimal": "."}]
    assert apply_schema(frame, infer_schema(frame))["b"].tolist() == [1.25, 2.5]
    assert apply_schema(frame, infer_schema(frame, edited=records))["b"].tolist() == [1250.0, 2500.0]


def test_a_schema_written_by_hand_may_be_partial_and_types_win() -> None:
    schema = infer_schema(FRAME, edited=[{"name": "age", "kind": "text"}, {"name": "city", "kind": "text"}])
    assert (schema["age"].kind, schema["city"].kind, schema["price"].kind) == (Kind.TEXT, Kind.TEXT, Kind.NUMERIC)
    schema = infer_schema(FRAME, edited=[{"name": "age", "kind": "text"}], overrides={"age": "categorical"})
    assert schema["age"].kind is Kind.CATEGORICAL


WRONG = {
    "an unknown column": ([{"name": "aeg", "kind": "numeric"}], "there is no such column; did you mean 'age'?"),
    "an unknown kind": ([{"name": "age", "kind": "numerical"}], "did you mean 'numeric'?"),
    "an unknown field": (
        [{"name": "age", "kind": "numeric", "unti": "$"}],
        "has no field 'unti'; did you mean 'unit'?",
    ),
    "no name": ([{"kind": "numeric"}], "column 1 of the schema must have a name and a kind"),
    "no kind": ([{"name": "age"}], "column 1 of the schema must have a name and a kind"),
    "not a column": (["age"], "column 1 of the schema must have a name and a kind, got 'age'"),
    "not a list": ({"age": "numeric"}, "a schema must be a list of columns"),
    "a list that is none": ([{"name": "age", "kind": "numeric", "missing": "999"}], "'missing' of the column 'age'"),
    "a format that is none": ([{"name": "day", "kind": "datetime", "format": "dd/mm/yyyy"}], "'format' of the column"),
    "a yes that is none": ([{"name": "city", "kind": "categorical", "worded": "yes"}], "'worded' of the column 'city'"),
    "a decimal mark that is none": ([{"name": "age", "kind": "numeric", "decimal": ";"}], "'decimal' of the column"),
}


@pytest.mark.parametrize(("records", "message"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_one_line(tmp_path: Path, records: Any, message: str) -> None:
    (tmp_path / "schema.json").write_text(json.dumps(records), encoding="utf-8")
    with pytest.raises(UsageError, match=message.replace("?", r"\?")):
        infer_schema(FRAME, edited=read_schema(tmp_path / "schema.json"))


def test_files_that_are_no_schema_and_values_that_do_not_fit(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the schema"):
        read_schema(tmp_path / "no.json")
    (tmp_path / "schema.json").write_text("name: age")
    with pytest.raises(UsageError, match="is not JSON"):
        read_schema(tmp_path / "schema.json")
    with pytest.raises(DataError, match="'city' cannot be numeric"):
        infer_schema(FRAME, edited=[{"name": "city", "kind": "numeric"}])
    with pytest.raises(DataError, match="'day' cannot be datetime"):
        infer_schema(FRAME, edited=[{"name": "day", "kind": "datetime", "format": "%Y-%m"}])


cell = st.one_of(
    st.none(),
    st.text(max_size=6),
    st.sampled_from(
        ["yes", "no", "?", "1", "-1", "999", "2,5", "$3", "01234", "13/01/2024", "a|b", "b|c|a", "unknown"]
    ),
)


@settings(max_examples=40, deadline=None)
@given(columns=st.lists(st.lists(cell, min_size=30, max_size=30), min_size=1, max_size=3))
def test_laws_of_any_schema(columns: list[list[str | None]]) -> None:
    frame = pd.DataFrame({f"c{i}": pd.Series(values, dtype="str") for i, values in enumerate(columns)})
    schema = infer_schema(frame)
    assert infer_schema(frame, edited=read_schema(json.loads(schema_text(schema)))) == schema
    assert schema_from_json(json.loads(json.dumps(schema_to_json(schema)))) == schema
    assert all(0 <= column.score <= 1 for column in schema.columns)
