"""Cells that hold several values, and columns that repeat another one."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from automl.data.lists import list_separator
from automl.data.schema import apply_schema, infer_schema
from automl.data.table import Kind

GENRES = ["drama", "war", "love story", "crime", "sport", "space", "music"]
FILMS = [list(each) for size in (1, 2, 3) for each in combinations(GENRES, size)]


@pytest.mark.parametrize("separator", ["|", ";", ",", ", "])
def test_lists_are_texts_with_a_word_for_each_element(separator: str) -> None:
    frame = pd.DataFrame({"genres": [separator.join(film) for film in FILMS]})
    schema = infer_schema(frame)
    column = schema["genres"]
    assert (column.kind, column.separator) == (Kind.TEXT, separator.strip())
    assert column.reason.startswith(f"lists separated by {separator.strip()!r}")
    later = pd.DataFrame({"genres": [separator.join(["war", "love story"]), "", None]})
    assert apply_schema(later, schema)["genres"].tolist() == ["war love_story", "", ""]


def test_arrays_are_the_same_as_text_and_as_cells() -> None:
    text = pd.DataFrame({"c": [str(film).replace("'", '"') for film in FILMS]})
    cells = pd.DataFrame({"c": FILMS})
    arrays = pd.DataFrame({"c": [np.array(film, dtype=object) for film in FILMS]})
    typed = [apply_schema(frame, infer_schema(frame)) for frame in (text, cells, arrays)]
    assert infer_schema(text)["c"].separator == "["
    assert typed[0]["c"].iloc[-1] == "sport space music"
    for other in typed[1:]:
        pd.testing.assert_frame_equal(other, typed[0])
    arrow = pd.DataFrame({"c": pd.Series(FILMS * 2, dtype=pd.ArrowDtype(pa.list_(pa.string())))})  # more than FEW
    assert apply_schema(arrow, infer_schema(arrow))["c"].tolist() == typed[0]["c"].tolist() * 2


@pytest.mark.parametrize(
    "values",
    [
        [f"Smith{i}, Ann" for i in range(30)],
        [f"the number {i}, which is nice, and long" for i in range(30)],
        [f"{i};{i + 1}" for i in range(30)],
        [f"[{i}" for i in range(30)],
    ],
    ids=["names", "sentences", "pairs", "brackets"],
)
def test_what_only_looks_like_a_list(values: list[str]) -> None:
    assert list_separator(values) is None


def test_the_same_lists_again_and_again_are_categories() -> None:
    frame = pd.DataFrame({"c": ["|".join(film) for film in FILMS] * 40})
    column = infer_schema(frame)["c"]
    assert column.kind is Kind.CATEGORICAL
    assert column.reason.startswith("lists separated by '|'")


def test_a_column_that_repeats_another_is_left_out() -> None:
    frame = pd.DataFrame({"a": ["1", "2", None], "b": ["x", "y", "x"], "c": ["1", "2", None], "d": ["1", "2", "3"]})
    schema = infer_schema(frame)
    assert {column.name: column.kind for column in schema.columns} == {
        "a": Kind.NUMERIC,
        "b": Kind.CATEGORICAL,
        "c": Kind.DUPLICATE,
        "d": Kind.NUMERIC,
    }
    assert schema["c"].reason == "the same cells as 'a' in every row"
    assert list(apply_schema(frame.drop(columns="c"), schema)) == ["a", "b", "d"]
    assert infer_schema(frame, overrides={"c": "numeric"})["c"].kind is Kind.NUMERIC


def test_columns_that_differ_far_down_are_no_duplicates() -> None:
    a = np.arange(1000) % 7 + 0.5
    b = a.copy()
    b[501] = 0.0
    frame = pd.DataFrame({"a": a, "b": b, "c": b})
    assert [column.kind.value for column in infer_schema(frame).columns] == ["numeric", "numeric", "duplicate"]


@pytest.mark.parametrize("dtype", ["float64", "str", object, "category", "Int64"])
def test_sparse_columns_are_not_compared_with_each_other(dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = np.zeros((1000, 100))
    cells[np.arange(100) * 10 + 3, np.arange(100)] = 1  # where no probe is
    frame = pd.DataFrame(cells).rename(columns=str).astype("int64").astype(dtype)
    frame["again"] = frame["7"]
    compared: list[object] = []
    equals = pd.Series.equals
    monkeypatch.setattr(pd.Series, "equals", lambda one, other: compared.append(other.name) or equals(one, other))
    schema = infer_schema(frame)
    assert compared == ["7"]
    assert [column.name for column in schema.columns if column.kind is Kind.DUPLICATE] == ["again"]
