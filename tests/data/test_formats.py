"""Tables in other formats than CSV: the format is told by the content, whatever the file is called."""

from __future__ import annotations

import datetime
import gzip
import io
import json
import lzma
import sqlite3
import sys
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from automl.config import ReadOptions
from automl.data.batches import open_batches
from automl.data.cells import text_of
from automl.data.io import as_frame, read_table
from automl.data.reading import Reading
from automl.data.schema import apply_schema, infer_schema
from automl.errors import DataError, UsageError

CITIES = pd.DataFrame(
    {"city": ["Bern", "Köln"], "size": [1.5, 2.25], "since": pd.to_datetime(["1191-01-01", "1288-06-05"])}
)


def read(data: bytes, options: ReadOptions | None = None) -> tuple[pd.DataFrame, Reading]:
    return read_table(io.BytesIO(data), options=options or ReadOptions())


def arrow(frame: pd.DataFrame, opened: Any) -> bytes:
    sink, table = pa.BufferOutputStream(), pa.Table.from_pandas(frame)
    with opened(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def parquet(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    return buffer.getvalue()


TYPED = {
    "parquet": parquet(CITIES),
    "parquet with row labels": parquet(CITIES.set_axis(["x", "y"])),
    "parquet with an index that has a name": parquet(CITIES.set_index("since")),
    "arrow": arrow(CITIES, pa.ipc.new_file),
    "arrow stream": arrow(CITIES, pa.ipc.new_stream),
    "gzip": gzip.compress(parquet(CITIES)),
    "xz": lzma.compress(parquet(CITIES)),
}


@pytest.mark.parametrize("data", TYPED.values(), ids=TYPED.keys())
def test_types_are_kept(data: bytes) -> None:
    frame, reading = read(data)
    pd.testing.assert_frame_equal(frame, CITIES, check_dtype=False)
    assert frame["size"].dtype == np.float64
    assert frame["since"].dtype.kind == "M"
    assert reading.format in ("parquet", "arrow")
    assert reading.describe().endswith("2 rows x 3 columns")


JSON = {
    "lines": '{"a": 1, "b": "x"}\n\n{"a": 2.5, "b": null}\n',
    "a missing key": '{"a": 1, "b": "x"}\n{"a": 2.5}',
    "windows lines": '{"a": 1, "b": "x"}\r\n{"a": 2.5, "b": null}\r\n',
    "an array": '\n[{"a": 1, "b": "x"},\n {"a": 2.5, "b": null}]',
    "not a number": '{"a": 1, "b": "x"}\n{"a": 2.5, "b": NaN}',
}


@pytest.mark.parametrize("text", JSON.values(), ids=JSON.keys())
def test_json(text: str) -> None:
    frame, reading = read(text.encode())
    assert frame["a"].tolist() == [1.0, 2.5]
    assert frame["b"].isna().tolist() == [False, True]
    assert reading.describe() == "JSON, 2 rows x 2 columns"


def test_objects_inside_of_objects_are_columns_and_lists_are_cells() -> None:
    rows = [{"id": 1, "home": {"city": "Bern"}, "tags": ["a", "b"]}, {"id": 2, "home": {"city": "Köln"}, "tags": []}]
    frame, _ = read(str(rows).replace("'", '"').encode())
    assert list(frame) == ["id", "home.city", "tags"]
    assert frame["tags"].tolist() == [["a", "b"], []]
    pd.testing.assert_frame_equal(frame, as_frame(rows))
    wrong = [{"home": {"city": {"name": "Bern"}}}, {"home": {"city": "Ulm"}}]
    assert as_frame(wrong, ["id", "home.city"])["home.city"].tolist() == ['{"name": "Bern"}', "Ulm"]


BROKEN = {
    "a broken line": (b'{"a": 1}\n{"a": \n', "line 2 is not JSON"),
    "a line that is no object": (b'{"a": 1}\n[1]\n', "line 2 is no JSON object"),
    "an entry that is no object": (b'[{"a": 1}, 5]', "entry 2 of the JSON array is no object: 5"),
    "an open array": (b'[{"a": 1}, ', "the JSON array is not JSON"),
    "an empty array": (b"[]", "empty JSON array"),
    "a deep array": (b"[{" + b'"a":[' * 100_000, "is not JSON"),
    "arrow": (TYPED["arrow"][:300], "the Arrow file is damaged"),
    "arrow stream": (TYPED["arrow stream"][:300], "the Arrow file is damaged"),
    "parquet": (TYPED["parquet"][:300], "the Parquet file is damaged"),
    "no rows": (parquet(CITIES.head(0)), "the Parquet file has no rows"),
    "an old workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), r"save it as \.xlsx"),
    "a database": (b"SQLite format 3\0" + bytes(100), "sqlite:///"),
    "an image": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "the file is binary"),
    "bytes without a meaning": (bytes(range(256)) * 4, "the file is binary"),
}


@pytest.mark.parametrize(("data", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_what_cannot_be_read_is_one_line(data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(data)
    assert "\n" not in str(caught.value)


def workbook(**sheets: list[list[Any]]) -> bytes:
    book, buffer = openpyxl.Workbook(), io.BytesIO()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(buffer)
    return buffer.getvalue()


ROWS = [
    ["id", "size", "day", None],
    ["01", 1.5, datetime.datetime(2024, 1, 31)],
    [],
    ["02", None, None],
    ["03", 2, "?"],
]


def test_a_workbook() -> None:
    frame, reading = read(workbook(Notes=[], Data=[["Sizes, 2024"], [], *ROWS]))
    assert reading.describe() == "Excel, sheet 'Data', 1 line before the header skipped, 3 rows x 3 columns"
    typed = apply_schema(frame, infer_schema(frame, overrides={"id": "categorical"}))
    assert infer_schema(frame, overrides={"id": "categorical"})["id"].categories == ("01", "02", "03")
    assert typed["size"].isna().tolist() == [False, True, False]
    assert typed["day"].dt.day.tolist()[:1] == [31]


def test_the_sheet_of_a_workbook_must_be_clear() -> None:
    data = workbook(One=ROWS, Two=[["a"], [1]], Empty=[])
    assert read(data, ReadOptions(sheet="Two"))[0]["a"].tolist() == [1]
    for sheet, error, message in (
        (None, UsageError, "2 sheets hold data: 'One', 'Two'; name one with read=ReadOptions"),
        ("Tow", UsageError, "there is no sheet 'Tow'; did you mean 'Two'"),
        ("Empty", DataError, "the sheet 'Empty' is empty"),
    ):
        with pytest.raises(error, match=message):
            read(data, ReadOptions(sheet=sheet))
    _, reading = read(data, ReadOptions(sheet="Two"))
    assert read_table(io.BytesIO(data), reading=reading)[1].sheet == "Two"
    assert read_table(io.BytesIO(workbook(Other=ROWS)), reading=reading)[1].sheet == "Other"
    for end in range(40, len(data), 200):
        with pytest.raises(DataError, match="damaged"):
            read(data[:end])


@pytest.fixture
def shop(tmp_path: Path) -> str:
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("create table sales (id integer, price real, note text)")
        connection.executemany(
            "insert into sales values (?, ?, ?)", [(1, 1.5, "a:b"), (2, None, "100%"), (3, 2.0, None)]
        )
    connection.close()
    return f"sqlite:///{tmp_path / 'shop.db'}"


def test_a_query(shop: str) -> None:
    frame, reading = read_table(shop, options=ReadOptions(query="select * from sales where note <> ':x' or id = 3"))
    assert frame["price"].isna().tolist() == [False, True, False]
    assert frame["note"].tolist()[:2] == ["a:b", "100%"]
    assert reading.describe() == "SQL query, 3 rows x 3 columns"


def test_what_a_database_cannot_answer_is_one_line(shop: str, tmp_path: Path) -> None:
    missing = shop.replace("shop.db", "shp.db")
    for url, query, error, message in (
        (shop, None, UsageError, "is a database; its rows are named by read=ReadOptions"),
        (shop, "select * from sale", DataError, "the query failed: no such table: sale"),
        (shop, "select * from sales where id > 9", DataError, "selects no rows"),
        (shop, "delete from sales", DataError, "must be a select"),
        (missing, "select 1", DataError, "did you mean 'shop.db'"),
        ("postgresql://me:secret@host/shop", None, UsageError, r"me:\*\*\*@host"),
        ("sqlite+nothing:///x", "select 1", UsageError, "cannot be opened"),
        ("train.csv", "select 1", UsageError, "a query needs a database, and 'train.csv' is none"),
    ):
        with pytest.raises(error, match=message) as caught:
            read_table(url, options=ReadOptions(query=query))
        assert "secret" not in str(caught.value)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["shop.db"]
    assert len(read_table(shop, options=ReadOptions(query="select * from sales"))[0]) == 3


@pytest.mark.parametrize(
    ("library", "source", "command"),
    [
        ("openpyxl", None, r"pip install 'automl\[excel\]'"),
        ("fsspec", "s3://bucket/t.csv", r"pip install 'automl\[remote\]'"),
        ("sqlalchemy", "sqlite:///x.db", r"pip install 'automl\[sql\]'"),
    ],
)
def test_a_library_that_is_missing_is_named_with_its_command(
    library: str, source: str | None, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = workbook(Data=ROWS)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(UsageError, match=command):
        read_table(
            source or io.BytesIO(data), options=ReadOptions(query="select 1" if library == "sqlalchemy" else None)
        )


@pytest.mark.parametrize("orient", ["columns", "list"])
def test_an_object_of_columns_is_a_table(orient: str, tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", None]})
    text = frame.to_json() if orient == "columns" else json.dumps(frame.to_dict(orient="list"), default=str)
    (tmp_path / "table.json").write_text(text.replace("NaN", "null"))
    found, reading = read_table(tmp_path / "table.json")
    assert found["a"].tolist() == [1, 2, 3]
    assert found["b"].tolist()[:2] == ["x", "y"]
    assert found["b"].isna().tolist() == [False, False, True]
    assert reading.rows == 3


def test_a_single_row_of_json_stays_a_row(tmp_path: Path) -> None:
    (tmp_path / "row.json").write_text('{"home": {"city": "Bern", "zip": 3000}, "work": {"city": "Ulm", "zip": 8}}')
    assert list(read_table(tmp_path / "row.json")[0]) == ["home.city", "home.zip", "work.city", "work.zip"]


PLACES = pd.DataFrame({"city": ["Bern", "Ulm", "Rom"], "size": [1.5, 2.25, 3.0], "zip": [1, 2, 3]})
WRAPPED = {
    "split": PLACES.to_json(orient="split"),
    "table": PLACES.to_json(orient="table", index=False),
    "a web service": json.dumps({"data": PLACES.to_dict("records"), "total": 3, "links": []}),
    "on several lines": json.dumps({"page": {"number": 1}, "rows": PLACES.to_dict("records")}, indent=1),
}


@pytest.mark.parametrize("text", WRAPPED.values(), ids=WRAPPED.keys())
def test_a_table_inside_of_an_object_is_found(text: str) -> None:
    assert read(text.encode())[0].to_dict("list") == PLACES.to_dict("list")


def test_an_object_with_the_columns_of_training_is_a_row_whatever_it_holds() -> None:
    row = {"order": 7, "items": [{"a": 1}, {"a": 2}]}
    _, reading = read(json.dumps([row, row]).encode())
    frame, _ = read_table(io.BytesIO(json.dumps(row).encode()), reading=reading)
    assert frame.to_dict("records") == [row]


def test_columns_that_do_not_fit_their_data_are_an_error() -> None:
    with pytest.raises(DataError, match="columns and data of the JSON object do not fit"):
        read(b'{"columns": ["a"], "data": [[1, 2]]}')


@pytest.mark.parametrize("labels", [[0, 1, 2], ["u", "v", "w"]])
def test_what_pandas_writes_with_row_labels_has_a_column_without_a_name(labels: list[Any]) -> None:
    frame, buffer = pd.DataFrame({"price": [1, 2, 3]}, index=labels), io.BytesIO()
    frame.to_excel(buffer)
    found, reading = read(buffer.getvalue())
    assert found.to_dict("list") == {"Unnamed: 0": labels, "price": [1, 2, 3]}
    assert reading.skipped == 0
    assert list(as_frame(pd.DataFrame(columns=["a", None]))) == ["a", "Unnamed: 1"]


def test_a_title_may_stand_over_any_column() -> None:
    rows = [[None, "Report", None], ["city", "size", "year"], ["Bern", 1, 2020], ["Köln", 2, 2021]]
    frame, reading = read(workbook(all=rows))
    assert (list(frame), reading.skipped) == (["city", "size", "year"], 1)


LARGE_IDS = [2**53 + 1, 2**53, None, -(2**62) - 1]


def test_large_identifiers_keep_their_digits_beside_nulls(tmp_path: Path) -> None:
    for kind in (pa.int64(), pa.uint64()):
        cells = [cell for cell in LARGE_IDS if kind == pa.int64() or cell is None or cell > 0]
        table = pa.table({"id": pa.array(cells, kind), "few": pa.array([1, 2, None, 3][: len(cells)], kind)})
        stream = pa.BufferOutputStream()
        with pa.ipc.new_stream(stream, table.schema) as writer:
            writer.write_table(table)
        pq.write_table(table, tmp_path / "ids.parquet")
        with open_batches(tmp_path / "ids.parquet", reading=Reading("parquet"), options=ReadOptions()) as batches:
            frames = [batch.frame for batch in batches.read()]
        for frame in (
            read(stream.getvalue().to_pybytes())[0],
            read((tmp_path / "ids.parquet").read_bytes())[0],
            *frames,
        ):
            assert [text_of(cell) for cell in frame["id"]] == [None if cell is None else str(cell) for cell in cells]
            assert frame["few"].dtype == np.float64


def test_so_do_those_of_other_formats(tmp_path: Path) -> None:
    rows = [{"id": number, "of": {"id": number}, "few": 1 if number else None} for number in LARGE_IDS]
    with sqlite3.connect(tmp_path / "ids.db") as database:
        database.execute("create table ids (id integer)")
        database.executemany("insert into ids values (?)", [(number,) for number in LARGE_IDS])
    database.close()
    said = pd.DataFrame({"id": [-1 if number is None else number for number in LARGE_IDS]})
    tables = [
        read(json.dumps(rows).encode())[0],
        read("\n".join(map(json.dumps, rows)).encode())[0],
        read(json.dumps({"id": LARGE_IDS, "few": [1, None, 2, 3]}).encode())[0],
        as_frame({"id": LARGE_IDS, "few": [1, None, 2, 3]}),
        read_table(f"sqlite:///{tmp_path / 'ids.db'}", options=ReadOptions(query="select * from ids"))[0],
        read(parquet(said), ReadOptions(na=["-1"]))[0],
    ]
    for table in tables:
        assert [text_of(cell) for cell in table["id"]] == [None if cell is None else str(cell) for cell in LARGE_IDS]
        assert "few" not in table or table["few"].dtype == np.float64
    assert tables[0]["of.id"].tolist() == LARGE_IDS


def test_a_name_that_an_object_gives_too_is_refused() -> None:
    with pytest.raises(DataError, match=r"holds 'a\.b' twice"):
        read(b'{"a": {"b": 1}, "a.b": 2}\n{"a": {"b": 3}, "a.b": 4}')


def test_a_float_is_the_text_of_its_whole_number() -> None:
    assert [text_of(float(number)) for number in (2**53 - 1, 2**53, -(2**53), 0)] == [
        *map(str, (2**53 - 1, 2**53, -(2**53), 0))
    ]
    assert text_of(-0.0) == "0"
