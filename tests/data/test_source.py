"""Where tables come from: patterns of files, addresses, and how they are called."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import fsspec
import pandas as pd
import pytest

from automl.data.io import read_table
from automl.data.source import display, locate
from automl.errors import DataError, UsageError


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    (tmp_path / "part-2.csv").write_text("b;a\ny;3,5\n")
    (tmp_path / "part-1.csv").write_text("a;b\n1;x\n2;z\n")
    return tmp_path


def test_several_files_are_one_table(parts: Path) -> None:
    frame, reading = read_table(parts / "part-*.csv")
    assert frame.to_dict("list") == {"a": ["1", "2", "3,5"], "b": ["x", "z", "y"]}
    assert frame.index.tolist() == [0, 1, 2]
    assert reading.describe() == "';' separated, utf-8, 2 files, decimal comma, 3 rows x 2 columns"


def test_several_files_of_different_columns_are_refused(parts: Path) -> None:
    (parts / "part-3.csv").write_text("a;c\n1;x\n")
    with pytest.raises(DataError, match=r"'b' is in part-1\.csv, not in part-3\.csv; leave that file out"):
        read_table(parts / "part-*.csv")
    (parts / "part-3.csv").write_text("a;b;c\n1;x;2\n")
    with pytest.raises(DataError, match=r"'c' is in part-3\.csv, not in part-1\.csv"):
        read_table(parts / "part-*.csv")
    (parts / "part-3.csv").write_text("a;b\n1\n")
    with pytest.raises(DataError, match=r"part-3\.csv: line 2 has 1 value"):
        read_table(parts / "part-*.csv")


def test_patterns_that_match_nothing_and_names_that_look_like_patterns(parts: Path) -> None:
    with pytest.raises(DataError, match="no file matches"):
        locate(parts / "*.parquet")
    (parts / "data[1].csv").write_text("a,b\n1,2\n")
    assert locate(parts / "data[1].csv") == [str(parts / "data[1].csv")]
    with pytest.raises(DataError, match=r"or all as '.*\*\.csv'"):
        locate(parts)


@pytest.fixture
def storage() -> Iterator[None]:
    memory = fsspec.filesystem("memory")
    for name, text in (("part-1.csv", "a,b\n1,x\n"), ("part-2.csv", "a,b\n2,y\n")):
        memory.pipe(f"/shop/{name}", text.encode())
    yield
    memory.rm("/shop", recursive=True)


@pytest.mark.usefixtures("storage")
def test_addresses() -> None:
    assert read_table("memory://shop/part-1.csv")[0].to_dict("list") == {"a": ["1"], "b": ["x"]}
    assert read_table("memory://shop/part-*.csv")[0]["a"].tolist() == ["1", "2"]
    with pytest.raises(DataError, match=r"there is no file 'memory://shop/part-9\.csv'"):
        read_table("memory://shop/part-9.csv")
    with pytest.raises(DataError, match="no file matches"):
        read_table("memory://shop/*.parquet")


def test_an_address_of_a_file(parts: Path) -> None:
    assert read_table((parts / "part-1.csv").as_uri())[0]["a"].tolist() == ["1", "2"]


def test_addresses_that_cannot_be_reached_are_one_line() -> None:
    with pytest.raises(UsageError, match="'memry://' are not known; did you mean 'memory'"):
        read_table("memry://bucket/t.csv")
    with pytest.raises(UsageError, match=r"cannot be read yet: .*dropbox"):
        read_table("dropbox://me:secret@host/t.csv")
    with pytest.raises(UsageError, match="read it with a query first"):
        locate("sqlite:///shop.db")


def test_names_for_people_hold_no_secrets() -> None:
    assert display("https://me:secret@host/t.csv?token=secret") == "https://me:***@host/t.csv"
    assert display(Path("data/t.csv")) == "t.csv"


def test_parts_keep_their_types(tmp_path: Path) -> None:
    for i in range(2):
        pd.DataFrame({"a": [i], "b": pd.to_datetime(["2024-01-31"])}).to_parquet(tmp_path / f"{i}.parquet")
    frame, reading = read_table(tmp_path / "*.parquet")
    assert frame["b"].dtype.kind == "M"
    assert reading.describe() == "Parquet, 2 files, 2 rows x 2 columns"
    (tmp_path / "2.parquet").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="must have one format"):
        read_table(tmp_path / "*.parquet")
