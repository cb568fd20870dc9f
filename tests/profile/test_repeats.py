"""Duplicates are counted as pandas counts them, whatever the cells hold."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.data.schema import infer_schema
from automl.data.table import Kind, ProblemType, Schema, Task
from automl.profile.repeats import find_duplicates
from automl.profile.rows import Rows

TASK = Task("y", ProblemType.BINARY, "", (0, 1))
CELLS = st.sampled_from(["a", "b", None])
TABLES = st.lists(st.tuples(CELLS, CELLS, st.integers(0, 1), st.integers(0, 2)), min_size=1, max_size=25)


@settings(max_examples=60, deadline=None)
@given(TABLES)
def test_equal_rows(table: list[tuple[str | None, str | None, int, int]]) -> None:
    frame = pd.DataFrame(table, columns=["one", "two", "y", "fold"])
    features = frame[["one", "two"]].astype("string[pyarrow]")
    rows = Rows.of(features, Schema(()), TASK, frame["y"].to_numpy())
    found = find_duplicates(rows, folds=frame["fold"].to_numpy())
    plain = frame.fillna("none")
    assert found.rows == plain.duplicated(["one", "two", "y"]).sum()
    by_features = plain.groupby(["one", "two"])["y"].transform("nunique")
    assert found.conflicting == (by_features > 1).sum()
    assert found.across_folds == (plain.groupby(["one", "two", "y"])["fold"].transform("nunique") > 1).sum()
    for group in found.examples:
        assert len({tuple(plain.iloc[row - 1][["one", "two", "y"]]) for row in group}) == 1


def test_lists_and_mixed_types_can_be_compared() -> None:
    frame = pd.DataFrame({"x": [[1, 2], [1, 2], "b", 3]}, dtype=object)
    assert find_duplicates(Rows.of(frame, Schema(()))).rows == 1


def test_infinite_and_missing_numbers_can_be_compared() -> None:
    frame = pd.DataFrame({"x": [np.nan, np.nan, np.inf, np.inf, 1.0]})
    assert find_duplicates(Rows.of(frame, Schema(()))).rows == 2


def test_rows_with_numbers_of_their_own_repeat_all_the_same() -> None:
    generator = np.random.default_rng(0)
    frame = pd.DataFrame({"x": generator.normal(size=100), "y": generator.normal(size=100)})
    frame = pd.concat([frame, frame.head(30)], ignore_index=True).assign(id=generator.permutation(130))
    schema = infer_schema(frame)
    assert schema.columns[2].kind is Kind.IDENTIFIER
    assert find_duplicates(Rows.of(frame, schema)).rows == 30
