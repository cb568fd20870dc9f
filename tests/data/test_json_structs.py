"""Objects in cells become columns, however the table is given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from automl.data.io import as_frame, read_data
from automl.errors import DataWarning

ROWS: list[dict[str, Any]] = [
    {"id": i, "user": None if i % 5 == 0 else {"age": i % 70, "geo": {"lat": i / 10}}, "tags": ["a", "b"][: i % 3]}
    for i in range(30)
]


def parquet(folder: Path) -> object:
    pd.DataFrame(ROWS).to_parquet(folder / "rows.parquet")
    return folder / "rows.parquet"


def feather(folder: Path) -> object:
    pd.DataFrame(ROWS).to_feather(folder / "rows.feather")
    return folder / "rows.feather"


def lines(folder: Path) -> object:
    pd.DataFrame(ROWS).to_json(folder / "rows.jsonl", orient="records", lines=True)
    return folder / "rows.jsonl"


MADE = {
    "parquet": parquet,
    "feather": feather,
    "lines": lines,
    "frame": lambda _: pd.DataFrame(ROWS, index=range(100, 130)),
    "arrow": lambda _: pa.Table.from_pylist(ROWS),
    "rows": lambda _: ROWS,
}


@pytest.mark.parametrize("made", MADE.values(), ids=MADE.keys())
def test_objects_become_columns(made: Any, tmp_path: Path) -> None:
    frame, reading = read_data(made(tmp_path))
    assert sorted(frame) == sorted(reading.header) == ["id", "tags", "user.age", "user.geo.lat"]
    assert frame["user.age"].isna().to_numpy().nonzero()[0].tolist() == [*range(0, 30, 5)]
    assert frame["user.geo.lat"].tolist()[1:4] == [0.1, 0.2, 0.3]


def test_cells_that_are_not_all_objects_stay_together() -> None:
    frame, _ = read_data(pd.DataFrame({"a": [{"b": 1}, "c"], "d": [1, 2]}))
    assert list(frame.columns) == ["a", "d"]


def test_parts_of_objects_may_be_left_out_of_all_rows() -> None:
    header = read_data(ROWS)[1].header
    for row in ({"id": 1, "tags": []}, {"id": 1, "tags": [], "user": None}, {"id": 1, "tags": [], "user": {"age": 3}}):
        with pytest.warns(DataWarning, match=r"'user.geo.lat': in no row, and count as missing"):
            frame = as_frame([row], header)
        assert sorted(frame) == ["id", "tags", "user.age", "user.geo.lat"]
        assert frame["user.geo.lat"].isna().all()


@pytest.mark.parametrize("row", [{"id": 1, "tags": [], "usr": {"age": 3}}, {"id": 1, "tags": [], "user.age": 3}])
def test_names_that_are_misspelled_or_no_parts_of_objects_stay_absent(row: dict[str, Any]) -> None:
    assert "user.geo.lat" not in as_frame([row], ["id", "tags", "user.age", "user.geo.lat"])
