"""Cells that are lists of equally many numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from automl import AutoML, load
from automl.data.rows import RowReader
from automl.data.schema import apply_schema, infer_schema
from automl.data.table import Kind, ProblemType, Task
from automl.data.vectors import numbers_of
from automl.errors import DataError, SchemaError
from automl.profile.measure import profile_table
from automl.profile.rows import Rows

NUMBERS = np.random.default_rng(0).normal(size=(30, 3)).round(4)
WAYS = {
    "JSON": [str(row.tolist()) for row in NUMBERS],
    "numpy": [str(row) for row in NUMBERS],
    "PostgreSQL": ["{" + ",".join(map(str, row)) + "}" for row in NUMBERS],
    "tuples": [str(tuple(row.tolist())) for row in NUMBERS],
    "blanks": [" ".join(map(str, row)) for row in NUMBERS],
    "commas": [", ".join(map(str, row)) for row in NUMBERS],
    "decimal commas": ["; ".join(map(str, row)).replace(".", ",") for row in NUMBERS],
    "lists": [row.tolist() for row in NUMBERS],
    "arrays": list(NUMBERS),
    "Arrow": pd.Series(NUMBERS.tolist(), dtype=pd.ArrowDtype(pa.list_(pa.float64(), 3))),
}


@pytest.mark.parametrize("cells", WAYS.values(), ids=WAYS)
def test_each_place_is_a_number_however_lists_are_written(cells: list[object]) -> None:
    frame = pd.DataFrame({"a": range(30), "emb": cells})
    schema = infer_schema(frame, overrides={"a": "numeric"})
    assert (schema["emb"].kind, schema["emb"].length) == (Kind.VECTOR, 3)
    typed = apply_schema(frame, schema)
    assert typed.columns.tolist() == ["a", "emb[1]", "emb[2]", "emb[3]"]
    np.testing.assert_array_equal(typed.iloc[:, 1:], NUMBERS)


@pytest.mark.parametrize(
    "cells",
    [
        [f"+41 79 {i:03d} 45 67" for i in range(30)],
        [f"{i},{i + 1}" for i in range(30)],
        [f"1.2.{i}" for i in range(30)],
        [f"{i % 12 + 1} 2024" for i in range(30)],
        [str(list(range(i % 7))) for i in range(30)],
        [f"room {i}.5, floor 2.5" for i in range(30)],
        [["a", "b"]] * 29 + [["c"]],
    ],
    ids=["telephones", "whole numbers", "versions", "months", "sets", "words", "lists of words"],
)
def test_what_is_no_list_of_numbers(cells: list[object]) -> None:
    assert infer_schema(pd.DataFrame({"c": cells}))["c"].kind is not Kind.VECTOR


def test_many_whole_numbers_are_pixels() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 16))
    frame = pd.DataFrame({"image": [" ".join(map(str, row)) for row in pixels]})
    schema = infer_schema(frame)
    assert schema["image"].length == 16
    np.testing.assert_array_equal(apply_schema(frame, schema), pixels)


def test_others_are_missing_in_training_and_wrong_later() -> None:
    cells = [*WAYS["JSON"], "[1, 2]", None, "[1, null, 3]", "nothing"]
    schema = infer_schema(pd.DataFrame({"emb": cells}))
    assert schema["emb"].missing == ("[1, 2]", "nothing")
    assert "2 cells with other text such as '[1, 2]' count as missing" in schema["emb"].reason
    typed = apply_schema(pd.DataFrame({"emb": cells}), schema)
    assert typed.iloc[30:].isna().to_numpy().tolist() == [[True] * 3, [True] * 3, [False, True, False], [True] * 3]
    for cell in ("[1, 2, 3, 4]", [1.0, 2.0], "7", [["a"]]):
        with pytest.raises(SchemaError, match="'emb' was vector of 3 numbers in training"):
            apply_schema(pd.DataFrame({"emb": [cell]}), schema)
        assert RowReader.of(schema)([{"emb": cell}]) is None


def test_a_kind_by_hand_and_names_that_are_taken() -> None:
    frame = pd.DataFrame({"place": [f"{i} {i + 1}" for i in range(30)], "emb": WAYS["JSON"], "emb[2]": range(30)})
    schema = infer_schema(frame, overrides={"place": "vector"})
    assert (schema["place"].kind, schema["place"].length) == (Kind.VECTOR, 2)
    assert schema["emb"].kind is Kind.TEXT


@given(arrays(np.float64, (3, 4), elements=st.floats(allow_infinity=False)))
def test_rows_are_the_same_one_by_one(numbers: np.ndarray) -> None:
    schema = infer_schema(pd.DataFrame({"emb": [[0.5, i, 1.0, 2.0] for i in range(5)]}))
    for cells in (numbers.tolist(), [str(row.tolist()) for row in numbers]):
        typed = RowReader.of(schema)([{"emb": cell} for cell in cells])
        assert typed is not None
        frame = apply_schema(pd.DataFrame({"emb": cells}), schema)
        pd.testing.assert_frame_equal(pd.DataFrame(typed), frame)
        np.testing.assert_array_equal(frame, numbers)


@given(st.text("[]{}() .,;|0159-eEnaul_") | st.lists(st.none() | st.floats() | st.text(max_size=3)))
def test_any_cell_is_numbers_or_none(cell: object) -> None:
    found = numbers_of(cell)
    assert found is None or (found.dtype == np.float64 and found.ndim == 1 and len(found) > 1)


def test_reports_look_at_all_places() -> None:
    rng = np.random.default_rng(0)
    where = rng.normal(size=(300, 2)).round(3)
    inside = (np.square(where).sum(axis=1) < 1).astype(int)
    frame = pd.DataFrame({"where": list(where), "noise": rng.normal(size=300)})
    schema, task = infer_schema(frame), Task("inside", ProblemType.BINARY, "", classes=(0, 1))
    profile = profile_table(Rows.of(frame, schema, task, inside), test=(frame.head(100), schema))
    told = {column.name: column for column in profile.columns}
    assert (told["where"].power or 0) > 0.5 > (told["noise"].power or 0)
    assert told["where"].top == ()
    assert profile.shift is not None
    assert {shift.name for shift in profile.shift.columns} == {"where", "noise"}


def test_a_model_learns_from_them_and_reads_them_however_they_are_written(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(300, 5)).round(4)
    frame = pd.DataFrame({"emb": [str(row.tolist()) for row in numbers], "y": (numbers @ rng.normal(size=5)).round(4)})
    frame.to_csv(tmp_path / "table.csv", index=False)
    frame.assign(emb=list(numbers)).to_parquet(tmp_path / "table.parquet")
    run = AutoML(max_trials=2, folds=2, n_jobs=1, output=tmp_path / "run").fit(tmp_path / "table.csv", target="y")
    model = load(run.run_)
    assert model.schema["emb"].length == 5
    expected = model.predict(tmp_path / "table.csv")
    assert np.corrcoef(expected, frame["y"])[0, 1] > 0.9
    for data in (tmp_path / "table.parquet", frame.assign(emb=list(numbers)), [{"emb": numbers[0].tolist()}]):
        np.testing.assert_allclose(model.predict(data), expected[: len(model.predict(data))], rtol=1e-12)


def test_none_are_numbers() -> None:
    with pytest.raises(DataError, match="cannot be vector"):
        infer_schema(pd.DataFrame({"a": ["x", "y"]}), overrides={"a": "vector"})
