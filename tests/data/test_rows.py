"""Rows that are typed without a frame are typed the same."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from automl.data.io import as_frame
from automl.data.rows import RowReader
from automl.data.schema import apply_schema, infer_schema
from automl.data.table import Column, Kind, Schema
from automl.errors import SchemaError

TRAIN = pd.DataFrame(
    {
        "size": ["1.5", "2", "n.v.", "-3"] * 10,
        "price": [f"${i},200.50" for i in range(1, 41)],
        "balance": [f"({i})" if i % 3 else f"{i} K" if i % 2 else f"{i}.5M" for i in range(40)],
        "sum": [f"{'€$'[i % 2]}{i}.50{'-' * (i % 3 == 0)}" for i in range(40)],
        "at": [f"{i % 24}:{i:02}" for i in range(40)],
        "paid": ["yes", "no", "", "yes"] * 10,
        "city": ["Ulm", "Rom", "1", "2.5"] * 10,
        "day": [f"{i % 28 + 1:02}/03/2024" for i in range(40)],
    }
)
SCHEMA = infer_schema(TRAIN, overrides={"city": "categorical", "day": "datetime", "size": "numeric"})
NUMBERS = (
    "1",
    "1.0",
    "2.5",
    "$7",
    "1,200.50",
    "-3e2",
    "inf",
    "1_000",
    "0",
    "(2)",
    "2-",
    "€3-",
    "3k",
    "(1.5 M)",
    "(4",
    "7:05",
    "1:02:03",
    "7:5",
)
DATES = ("13/03/2024", "2024-03-13", "03/13/2024")
OTHERS = ("Ulm", " Rom ", "n.v.", "N/A", "", "?", "yes", "NO", "true", "abc", "None", "-")
words = st.sampled_from((*NUMBERS, *DATES, *OTHERS))
cells = st.one_of(st.none(), st.booleans(), st.integers(-5, 10**6), st.floats(), words)


@settings(deadline=None, max_examples=200)
@example([dict.fromkeys(TRAIN.columns, 1e308)])
@example([TRAIN.iloc[0].to_dict() | {"size": 10**400}])
@given(st.lists(st.fixed_dictionaries(dict.fromkeys(TRAIN.columns, cells)), min_size=1, max_size=1))
def test_a_plain_row_is_typed_as_in_a_frame(rows: list[dict[str, object]]) -> None:
    reader = RowReader.of(SCHEMA)
    typed = reader(rows)
    if typed is None:
        return
    expected = apply_schema(as_frame(rows), SCHEMA)
    for name, values in typed.items():
        assert values.dtype == expected[name].dtype
        np.testing.assert_array_equal(values, expected[name].to_numpy())


@settings(deadline=None, max_examples=100)
@given(st.fixed_dictionaries(dict.fromkeys(TRAIN.columns, cells)), st.booleans())
def test_a_small_frame_is_typed_the_same(row: dict[str, object], inferred: bool) -> None:
    reader = RowReader.of(SCHEMA)
    frame = pd.DataFrame([row, row], dtype=None if inferred else object)
    typed = reader(frame)
    if typed is None:
        return
    expected = apply_schema(frame, SCHEMA)
    for name, values in typed.items():
        np.testing.assert_array_equal(values, expected[name].to_numpy())


def test_rows_of_the_training_table_are_plain() -> None:
    reader = RowReader.of(SCHEMA)
    rows = TRAIN.head(30).to_dict("records")
    typed = reader(rows)
    assert typed is not None
    expected = apply_schema(TRAIN.head(30), SCHEMA)
    for name, values in typed.items():
        np.testing.assert_array_equal(values, expected[name].to_numpy())


def test_what_is_not_plain_is_left_to_others() -> None:
    reader = RowReader.of(SCHEMA)
    row = TRAIN.iloc[0].to_dict()
    odd = [row | {"size": "abc"}, row | {"size": [1]}, row | {"day": pd.Timestamp(0)}, {"size": 1}]
    assert [reader([each]) for each in odd] == [None] * 4
    assert [reader(rows) for rows in ([], [row] * 65, row, TRAIN[:0])] == [None] * 4
    with pytest.raises(SchemaError, match="'abc'"):
        apply_schema(as_frame([odd[0]]), SCHEMA)


def test_worded_categories_are_typed_the_same() -> None:
    schema = Schema((Column("job", Kind.CATEGORICAL, "", ("fire chief", "nurse"), missing=("-none-",), worded=True),))
    rows = [{"job": cell} for cell in ("nurse", " fire chief ", "fire nurse", "-none-", None, "?")]
    typed = RowReader.of(schema)(rows)
    assert typed is not None
    assert typed["job"].tolist() == [1, 0, -2, -1, -1, -1]
    assert typed["job in words"].tolist() == ["nurse", "fire chief", "fire nurse", "", "", ""]
    expected = apply_schema(as_frame(rows), schema)
    assert {name: values.tolist() for name, values in typed.items()} == expected.to_dict("list")


@pytest.mark.parametrize("separator", [None, ","])
def test_texts_and_lists_are_typed_the_same(separator: str | None) -> None:
    schema = Schema((Column("note", Kind.TEXT, "", missing=("nothing",), separator=separator),))
    rows = [{"note": cell} for cell in ("a  b, c", "", " nothing ", "n/a", None, 1.0, True, "[1, 2]", float("nan"))]
    typed = RowReader.of(schema)(rows)
    assert typed is not None
    assert typed["note"].tolist() == apply_schema(as_frame(rows), schema)["note"].tolist()
