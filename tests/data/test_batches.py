"""A table in batches is the table that is read whole, to the cell and to the error."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import re
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path

import fsspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from automl.config import AS_FOUND, ReadOptions
from automl.data import batches
from automl.data.batches import open_batches
from automl.data.io import read_table, without_cells
from automl.data.reading import Reading
from automl.errors import AutoMLError, DataError, UsageError

LIKE_TRAINING = Reading("csv", "cp1252", ",")
PIECES = [
    *('"', '""', "'", "\\", ",", ",", ";", "\t", "\n", "\n", "\r\n", "\r", "\0", "#", "\ufeff", "{", "[", " "),
    *("a", "id", "1", "1,5", '"x,1"', '"two\nlines"', "Zürich", "東京", "\x85", "a,b\n", "1,2\n", "a\n"),
]


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "ROWS", 3)


def whole(source: str | Path, options: ReadOptions = AS_FOUND, reading: Reading = LIKE_TRAINING) -> pd.DataFrame:
    """Return the table from batches, after a look at their sizes and numbers."""
    with open_batches(source, reading=reading, options=options) as table:
        found = list(table.read())
        assert [batch.number for batch in found] == list(range(len(table)))
        assert [batch.start for batch in found] == [sum(len(b.frame) for b in found[:i]) for i in range(len(found))]
        assert all(0 < len(batch.frame) <= 3 for batch in found) or (table.rows == 0 and len(found) == 1)
        assert sum(len(batch.frame) for batch in found) == table.rows
        frame = pd.concat([batch.frame for batch in found], ignore_index=True)
        return without_cells(frame, table.options.na, table.options.decimal or ".")[0]


def agree(source: str | Path, options: ReadOptions = AS_FOUND, reading: Reading = LIKE_TRAINING) -> None:
    """Read a source both ways."""
    try:
        expected, how = read_table(source, reading=reading, options=options)
    except AutoMLError as error:
        if re.search(r"^the (file has a header|Parquet file) .*no rows$", str(error)):
            try:
                assert whole(source, options, reading).empty
            except DataError as names:  # what is wrong with them is found all the same
                if "column names must differ" not in str(names):
                    raise
            return
        with pytest.raises(type(error), match=f"^{re.escape(str(error))}$"):
            whole(source, options, reading)
        return
    pd.testing.assert_frame_equal(whole(source, options, reading), expected)
    with open_batches(source, reading=reading, options=options) as table:
        assert table.options.decimal == how.decimal


@pytest.mark.parametrize("order", [[0, 10, 0], [0, 0]])
def test_files_without_rows_are_left_out_and_alone_they_are_a_table(order: list[int], tmp_path: Path) -> None:
    for number, rows in enumerate(order):
        frame = pd.DataFrame({"id": [f"{i:03}" for i in range(rows)], "x": ["1,5"] * rows})
        frame.to_csv(tmp_path / f"{number}.csv", index=False, sep=";")
        frame.assign(n=np.arange(rows)).to_parquet(tmp_path / f"{number}.parquet")
    for ending, kind in (("csv", pa.string()), ("parquet", pa.int64())):
        with open_batches(tmp_path / f"*.{ending}", reading=Reading("csv", "utf-8", ";"), options=AS_FOUND) as table:
            found = list(table.read(["n" if ending == "parquet" else "id"]))
            assert table.options.decimal == ("," if sum(order) and ending == "parquet" else ".")
        assert [len(batch.frame) for batch in found] == ([3, 3, 3, 1] if sum(order) else [0])
        assert list(found[0].frame)[:2] == ["id", "x"]
        assert found[0].kept.schema.types == [kind]


def zipped(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("t.csv", data)
    return buffer.getvalue()


def zstd(data: bytes) -> bytes:
    return bytes(pa.compress(data, codec="zstd", asbytes=True))


CITIES = "id,city,size\n" + "".join(f'{i:03},"Ci""ty, {i}\nnorth",{i}.5\n' for i in range(10))
CSV: dict[str, bytes] = {
    "quoted newlines": CITIES.encode(),
    "blank lines": CITIES.replace("\n0", "\n\n0").encode() + b"\n\n",
    "carriage returns": CITIES.replace("\n", "\r\n").encode(),
    "line ends of two kinds": CITIES.replace("\n00", "\r\n00").encode(),
    "old line ends": CITIES.replace("\n", "\r").encode(),
    "a byte order mark": CITIES.encode("utf-8-sig"),
    "UTF-16": CITIES.encode("utf-16"),
    "the encoding of the training table": CITIES.replace("city", "Größe").encode("cp1252"),
    "lines before the header": b"# export\n\nReport of the year\n" + CITIES.encode(),
    "a delimiter at the end of each line": CITIES.replace("size\n", "size,\n").replace(".5\n", ".5,\n").encode(),
    "an unnamed column with a value": CITIES.replace("size\n", "size,\n").replace(".5\n", ".5,1\n").encode(),
    "one column": b"\n\nid\n1\n\n3\n4\n5\n\n",
    "missing cells": b'a,b\n1,\n,2\n?,""\n-999,n.v.\n',
    "no rows": b"a,b\n",
    "nothing": b" \n",
    "one column without a name": b'""\n""',
    "a short row": CITIES.encode() + b"11\n",
    "an open quote": CITIES.encode() + b'11,"x,2\n',
    "two columns of one name": b"a,a\n1,2\n",
    "zero bytes": b"a,b\n1,\0\n",
    "gzip": gzip.compress(CITIES.encode()),
    "bz2": bz2.compress(CITIES.encode()),
    "xz": lzma.compress(CITIES.encode()),
    "zip": zipped(CITIES.encode()),
    "zstd": zstd(CITIES.encode()),
    "half a gzip file": gzip.compress(CITIES.encode())[:60],
}


@pytest.mark.parametrize("data", CSV.values(), ids=CSV.keys())
def test_text(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "table"
    path.write_bytes(data)
    agree(path)
    agree(path, ReadOptions(na=["-999", "n.v."]))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.lists(st.sampled_from(PIECES), max_size=25).map("".join), encoding=st.sampled_from(["utf-8", "cp1252"]))
@example(text='a,b\n1,5" pipe\n2,x\n', encoding="utf-8")
@example(text='a,b\n1,"x"y\n2,x\n', encoding="utf-8")
@example(text="\n\ufeff", encoding="utf-8")
@example(text="\n\ufeffa\n\n1\n", encoding="utf-8")
@example(text="\n\ufeff\n1\n", encoding="utf-8")
def test_any_text(text: str, encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "table"
    path.write_bytes(text.encode(encoding, errors="replace"))
    agree(path)


def test_a_separator_and_an_encoding_that_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("größe;x\n0,5;a\n1,5;b\n2,5;c\n3,5;d\n", encoding="mac_roman")
    agree(path, ReadOptions(sep=";", encoding="mac_roman", decimal=","))
    agree(path, ReadOptions(encoding="utf-8"))
    agree(path, ReadOptions(sep=";", encoding="mac_roman"), Reading("parquet"))


@pytest.mark.parametrize(
    "write",
    [
        lambda frame, path: frame.to_parquet(path, row_group_size=4),
        lambda frame, path: frame.set_index("id").to_parquet(path),
        lambda frame, path: path.write_bytes(gzip.compress(frame.to_parquet())),
        lambda frame, path: frame.to_feather(path),
        lambda frame, path: frame.to_json(path, orient="records", lines=True, date_format="iso"),
        lambda frame, path: path.write_text(json.dumps([{"a": {"b": i}} for i in range(7)])),
        lambda frame, path: frame.to_excel(path.with_suffix(".xlsx"), index=False),
        lambda frame, path: frame.iloc[:0].to_parquet(path),
    ],
    ids=["parquet", "index", "gzip", "feather", "json lines", "json array", "excel", "no rows"],
)
def test_other_formats(write: Callable[[pd.DataFrame, Path], object], tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": range(10), "x": [0.5, None] * 5, "day": pd.date_range("2026-01-01", periods=10)})
    write(frame, tmp_path / "table")
    (path,) = tmp_path.iterdir()
    agree(path)


def test_a_damaged_file(tmp_path: Path) -> None:
    (tmp_path / "table").write_bytes(pd.DataFrame({"a": [1]}).to_parquet()[:-9])
    with pytest.raises(DataError, match="the Parquet file is damaged"):
        whole(tmp_path / "table")


def test_several_files(tmp_path: Path) -> None:
    (tmp_path / "part-1.csv").write_text("# one\na,b\n" + "1,x\n" * 4)
    (tmp_path / "part-2.csv.gz").write_bytes(gzip.compress(b"b,a\n" + b"y,2\n" * 2))
    agree(tmp_path / "part-*")
    (tmp_path / "part-3.csv").write_text("a,c\n1,2\n")
    agree(tmp_path / "part-*")
    (tmp_path / "part-3.csv").write_text("a,b\n1\n")
    agree(tmp_path / "part-*")
    pd.DataFrame({"a": [1], "b": [2]}).to_parquet(tmp_path / "part-3.csv")
    agree(tmp_path / "part-*")
    (tmp_path / "part-3.csv").write_text('[{"a": 1, "b": 2}]')
    agree(tmp_path / "part-*")


def test_names_that_are_patterns_to_the_parser(tmp_path: Path) -> None:
    folder = tmp_path / "year=2026"
    folder.mkdir()
    (folder / "data1.csv").write_text("a,b\n9,9\n")
    (folder / "data[1].csv").write_text("a,b\n1,2\n")
    agree(folder / "data[1].csv")
    agree(folder / "data1.csv")


def test_queries(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "shop.db") as database:
        pd.DataFrame({"a": range(7)}).to_sql("rows", database)
    database.close()
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    with open_batches(url, reading=LIKE_TRAINING, options=ReadOptions(query="select a from rows")) as table:
        assert [batch.frame["a"].tolist() for batch in table.read()] == [[0, 1, 2], [3, 4, 5], [6]]
        assert len(table.digest()) == 64


def test_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(CITIES.encode())))
    (tmp_path / "table.csv").write_text(CITIES)
    pd.testing.assert_frame_equal(whole(Path("-")), read_table(tmp_path / "table.csv")[0])


def test_addresses() -> None:
    storage = fsspec.filesystem("memory")
    storage.pipe({f"/batches/{i}.csv.gz": gzip.compress(CITIES.encode()) for i in range(2)})
    try:
        agree("memory://batches/*.csv.gz")
        agree("memory://batches/9.csv.gz")
    finally:
        storage.rm("/batches", recursive=True)


def test_kept_columns_are_as_they_are_stored(tmp_path: Path) -> None:
    pd.DataFrame({"id": pd.array([2**60 + 1, None, 3], "Int64"), "x": [1, 2, 3]}).to_parquet(tmp_path / "t")
    (tmp_path / "t.csv").write_text("id,x\n007,1\n,2\n")
    for name, expected in (("t", [2**60 + 1, None, 3]), ("t.csv", ["007", None])):
        with open_batches(tmp_path / name, reading=LIKE_TRAINING, options=ReadOptions(na=["007"])) as table:
            (batch,) = table.read(["id"])
            assert batch.kept.to_pydict() == {"id": expected}
            with pytest.raises(DataError, match="there is no column 'idd'; did you mean 'id'"):
                next(table.read(["idd"]))


def test_kept_columns_of_several_types_become_text(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text('[{"id": 1}, {"id": "x"}, {"id": 2.0}]')
    with open_batches(tmp_path / "t.json", reading=LIKE_TRAINING, options=AS_FOUND) as table:
        (batch,) = table.read(["id"])
        assert batch.kept.to_pydict() == {"id": ["1", "x", "2"]}


def test_long_rows_come_in_smaller_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "SIZE", 2_000)
    (tmp_path / "t.csv").write_text("a,b\n" + f"1,{'x' * 1_500}\n" * 3)
    with open_batches(tmp_path / "t.csv", reading=LIKE_TRAINING, options=AS_FOUND) as table:
        assert [len(batch.frame) for batch in table.read()] == [1, 1, 1]


def test_the_digest_is_that_of_the_content(tmp_path: Path) -> None:
    digests = set()
    for name, text in (("a.csv", "a\n1\n"), ("b.csv", "a\n1\n"), ("c.csv", "a\n2\n")):
        (tmp_path / name).write_text(text)
        with open_batches(tmp_path / name, reading=LIKE_TRAINING, options=AS_FOUND) as table:
            digests.add(table.digest())
    assert len(digests) == 2


@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "t.json"])
def test_a_sheet_is_refused_of_what_has_none(tmp_path: Path, name: str) -> None:
    frame = pd.DataFrame({"a": ["x", "y"]})
    {"csv": frame.to_csv, "parquet": frame.to_parquet, "json": frame.to_json}[name[2:]](tmp_path / name)
    agree(tmp_path / name, ReadOptions(sheet="Data"))
    with pytest.raises(UsageError, match="the sheet 'Data' needs an Excel workbook"):
        read_table(tmp_path / name, options=ReadOptions(sheet="Data"))
