from __future__ import annotations

import datetime as dt
import io
import subprocess
import sys
from decimal import Decimal

import httpx
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from automl import Predictor
from automl.data.cells import text_of
from automl.deploy.columnar import ARROW_STREAM, PARQUET, read_columnar
from automl.deploy.parquet_pages import sizes
from automl.deploy.problem import RequestError


def arrow(table: pa.Table, compression: str | None = None) -> bytes:
    out = pa.BufferOutputStream()
    with pa.ipc.new_stream(out, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(table)
    return bytes(out.getvalue().to_pybytes())


def parquet(table: pa.Table, **options: object) -> bytes:
    out = pa.BufferOutputStream()
    pq.write_table(table, out, **options)
    return bytes(out.getvalue().to_pybytes())


def read(body: bytes, media_type: str = ARROW_STREAM, max_rows: int = 10) -> pd.DataFrame:
    return read_columnar(body, media_type, used=["a", "b"], lists=["b"], max_rows=max_rows)


TABLE = pa.table({"extra": [[1], [2]], "b": [["x"], None], "a": [1, None]})


@pytest.mark.parametrize("path", ["/predict", "/invocations"])
@pytest.mark.parametrize("media_type", [ARROW_STREAM, PARQUET])
def test_columns_in_and_out(
    client: httpx.Client, predictor: Predictor, table: pd.DataFrame, path: str, media_type: str
) -> None:
    sent = pa.Table.from_pandas(table.drop(columns="late"))
    body = arrow(sent) if media_type == ARROW_STREAM else parquet(sent)
    answer = client.post(path, content=body, headers={"content-type": media_type})
    assert answer.headers["content-type"] == media_type
    stream = io.BytesIO(answer.content)
    got = pa.ipc.open_stream(stream).read_all() if media_type == ARROW_STREAM else pq.read_table(stream)
    wanted = predictor.predict_frame(table, proba=True)
    assert got.to_pydict() == wanted.to_dict(orient="list")


def test_what_comes_out_can_be_another_format(client: httpx.Client, table: pd.DataFrame) -> None:
    body = parquet(pa.Table.from_pandas(table.head(3)))
    answer = client.post("/predict", content=body, headers={"content-type": PARQUET, "accept": "application/json"})
    assert len(answer.json()["predictions"]) == 3


@pytest.mark.parametrize("media_type", [ARROW_STREAM, PARQUET])
def test_columns_come_in_order_and_lists_where_they_may(media_type: str) -> None:
    for kept in (TABLE, pa.concat_tables([TABLE, TABLE])):
        frame = read(arrow(kept) if media_type == ARROW_STREAM else parquet(kept), media_type)
        assert frame.columns.tolist() == ["a", "b"]
        assert len(frame) == kept.num_rows


@pytest.mark.parametrize("media_type", [ARROW_STREAM, PARQUET])
def test_a_large_identifier_is_the_same_alone_and_beside_a_null(media_type: str) -> None:
    ids = pa.table({"a": [2**53 + 1, None], "b": [["x"], ["x"]]})
    for kept in (ids, ids.slice(0, 1)):
        frame = read(arrow(kept) if media_type == ARROW_STREAM else parquet(kept), media_type)
        assert text_of(frame["a"][0]) == str(2**53 + 1)


def test_dictionaries_are_values() -> None:
    table = pa.table({"a": pa.array(["x", "y"]).dictionary_encode(), "b": [["z"], ["z"]]})
    assert read(arrow(table))["a"].tolist() == ["x", "y"]


@pytest.mark.parametrize(
    ("body", "media_type", "status", "word"),
    [
        (b"", ARROW_STREAM, 400, "not application"),
        (b"PAR1", PARQUET, 400, "not application"),
        (arrow(TABLE)[:-40], ARROW_STREAM, 400, "not application"),
        (parquet(TABLE)[:-9], PARQUET, 400, "not application"),
        (arrow(TABLE.drop_columns("a")), ARROW_STREAM, 422, "'a'"),
        (parquet(TABLE.slice(0, 0)), PARQUET, 422, "at least one"),
        (arrow(pa.table({"a": [{"x": 1}], "b": [["x"]]})), ARROW_STREAM, 422, "single values"),
        (arrow(pa.table({"a": [1], "b": pa.array([["x"]], pa.list_view(pa.string()))})), ARROW_STREAM, 422, "views"),
        (arrow(pa.concat_tables([TABLE] * 6)), ARROW_STREAM, 413, "more than 10 rows"),
        (parquet(pa.concat_tables([TABLE] * 6)), PARQUET, 413, "more than 10 rows"),
        (arrow(pa.table({"a": [1] * 9, "b": [["x" * 99]] * 9}), "zstd"), ARROW_STREAM, 415, "compressed"),
        (
            arrow(pa.table({"a": pa.array(["x" * 99] * 9).dictionary_encode(), "b": [["x"]] * 9}), "lz4"),
            ARROW_STREAM,
            415,
            "compressed",
        ),
    ],
)
def test_bodies_that_are_refused(body: bytes, media_type: str, status: int, word: str) -> None:
    with pytest.raises(RequestError, match=word) as caught:
        read(body, media_type)
    assert caught.value.status == status


def test_a_small_file_that_unpacks_to_much_is_refused() -> None:
    bomb = parquet(pa.table({"a": ["x" * 2**20] * 300, "b": [["x"]] * 300}), use_dictionary=False, compression="zstd")
    assert len(bomb) < 2**20
    with pytest.raises(RequestError, match="unpacks") as caught:
        read(bomb, PARQUET, max_rows=1000)
    assert caught.value.status == 413
    repeated = parquet(pa.table({"a": ["x" * 2**20] * 300, "b": [["x"]] * 300}))  # one value, and where it stands
    with pytest.raises(RequestError, match="unpacks"):
        read(repeated, PARQUET, max_rows=1000)


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.large_binary(), pa.string_view()])
def test_so_is_one_long_value_of_many_rows(kind: pa.DataType) -> None:
    """A dictionary holds it once; laid out, it takes its bytes in each row."""
    long = pa.DictionaryArray.from_arrays(pa.array([0, None] * 500, pa.int32()), pa.array(["x" * 2**20], kind))
    few = pa.DictionaryArray.from_arrays(pa.array([0, None] * 500, pa.int32()), pa.array(["x" * 20], kind))
    lists = pa.array([["y"]] * 1000)
    with pytest.raises(RequestError, match="unpacks") as caught:
        read(arrow(pa.table({"a": long, "b": lists})), max_rows=1000)
    assert caught.value.status == 413
    assert len(read(arrow(pa.table({"a": few, "b": lists})), max_rows=1000)) == 1000


ODD_TYPES = {
    "binary": pa.array([b"\x00\xff", b"12"]),
    "date": pa.array([dt.date(2024, 1, 2), None]),
    "decimal": pa.array([Decimal("1.50"), None]),
    "duration": pa.array([dt.timedelta(days=1), None]),
    "time": pa.array([dt.time(1, 2), None]),
    "moment": pa.array([dt.datetime(2024, 1, 2, tzinfo=dt.UTC), None]),
    "year 9999": pa.array([253_402_214_400, 0], pa.timestamp("s")),
    "nothing": pa.nulls(2),
    "half": pa.array([0.5, 1.5], pa.float64()).cast(pa.float16()),
    "large": pa.array([2**64 - 1, 1], pa.uint64()),
    "truth": pa.array([True, None]),
    "words": pa.array(["x", None]).dictionary_encode(),
    "infinite": pa.array([float("inf"), float("nan")]),
}


@pytest.mark.parametrize("type_", ODD_TYPES)
@pytest.mark.parametrize("media_type", [ARROW_STREAM, PARQUET])
def test_columns_of_any_type_are_answered_or_refused(
    client: httpx.Client, table: pd.DataFrame, type_: str, media_type: str
) -> None:
    sent = pa.Table.from_pandas(table.drop(columns="late").head(2))
    for i, name in enumerate(sent.column_names):
        odd = sent.set_column(i, name, ODD_TYPES[type_])
        body = arrow(odd) if media_type == ARROW_STREAM else parquet(odd)
        answer = client.post("/predict", content=body, headers={"content-type": media_type, "accept": "text/csv"})
        assert answer.status_code in (200, 422), answer.text


def told_smaller(body: bytes) -> bytes:
    """Return a Parquet file of one column and one row group whose footer says that it unpacks to 100 bytes."""

    def number(value: int) -> bytes:  # as Thrift's compact protocol writes it
        value, digits = 2 * value, b""
        while value > 127:
            digits, value = digits + bytes([value & 127 | 128]), value >> 7
        return digits + bytes([value])

    group = pq.ParquetFile(pa.BufferReader(body)).metadata.row_group(0)
    start = len(body) - 8 - int.from_bytes(body[-8:-4], "little")
    footer = body[start:-8]
    for size in {group.total_byte_size, group.column(0).total_uncompressed_size}:
        footer = footer.replace(number(size), number(100))
    lying = body[:start] + footer + len(footer).to_bytes(4, "little") + b"PAR1"
    assert pq.ParquetFile(pa.BufferReader(lying)).metadata.row_group(0).total_byte_size == 100
    return lying


@pytest.mark.parametrize("repeated", [True, False])
@pytest.mark.parametrize("lying", [True, False])
def test_what_a_file_unpacks_to_is_known_before_it_is_unpacked(repeated: bool, lying: bool) -> None:
    """One value for many rows is counted row by row; what the footer says is not believed."""
    values = ["x" * 2**22] * 256 if repeated else ["x" * 2**29]
    body = parquet(pa.table({"a": values}), compression="zstd", use_dictionary=repeated, write_statistics=False)
    body = told_smaller(body) if lying else body
    assert len(body) < 2**15
    code = (
        "import resource, sys; import pandas, pyarrow.parquet\n"
        "from automl.deploy.columnar import PARQUET, read_columnar\n"
        "from automl.deploy.problem import RequestError\n"
        "def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "body, before = sys.stdin.buffer.read(), peak()\n"
        "try: read_columnar(body, PARQUET, used=['a'], lists=[], max_rows=1000)\n"
        "except RequestError as error: print(error.status, (peak() - before) // 1024)\n"
    )
    told = subprocess.run([sys.executable, "-c", code], input=body, capture_output=True, check=True).stdout
    status, megabytes = map(int, told.split())
    assert (status, megabytes < 700) == (413, True)


def test_pages_count_as_much_as_they_unpack_to() -> None:
    words = [f"{number}" * 20 for number in range(3000)]
    table = pa.table({"a": words, "a.b": [1.5] * 3000, "c": [["x", "y"]] * 3000})
    for options in ({}, {"data_page_version": "2.0"}, {"compression": "zstd", "row_group_size": 700}):
        body = parquet(table, **options)
        file = pq.ParquetFile(pa.BufferReader(body))
        groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
        told = sum(group.column(i).total_uncompressed_size for group in groups for i in range(group.num_columns))
        found = sizes(body, file, ["a", "a.b", "c"], 2**30)
        assert told <= found.total <= 2 * told
        assert 0 < found.repeated <= told
        assert sizes(body, file, ["a.b"], 2**30).repeated == 0
        assert sizes(body, file, ["a"], 1000).total < found.total
    plain = parquet(table, use_dictionary=False)
    assert sizes(plain, pq.ParquetFile(pa.BufferReader(plain)), ["a"], 2**30).repeated == 0
    short = parquet(table, use_dictionary=False, column_encoding={"a": "DELTA_BYTE_ARRAY", "a.b": "PLAIN"})
    assert sizes(short, pq.ParquetFile(pa.BufferReader(short)), ["a"], 2**30).repeated > 0


@pytest.mark.parametrize(
    "header",
    [
        bytes.fromhex("1500 1510 1510 2500 00"),  # where what is told of the values is expected, there is a number
        bytes.fromhex("1500 1510 1510 2c 1802 41 1500 00 00"),  # their encoding is a number, their count is a text
        bytes.fromhex("1500 1800 1510 00"),  # the size is a text
        bytes.fromhex("1500 1100"),  # the size is a truth, and there is no other
    ],
)
def test_a_page_header_with_other_types_than_its_own_is_refused(header: bytes) -> None:
    body = parquet(pa.table({"a": ["x" * 100, "y"], "b": [["x"], ["y"]]}), use_dictionary=False)
    for column in (0, 1):
        at = pq.ParquetFile(pa.BufferReader(body)).metadata.row_group(0).column(column).data_page_offset
        with pytest.raises(RequestError, match="not application") as caught:
            read(body[:at] + header + body[at + len(header) :], PARQUET)
        assert caught.value.status == 400


def test_of_two_things_told_of_a_page_the_worse_counts() -> None:
    body = parquet(pa.table({"a": ["x" * 100]}), use_dictionary=False)
    file = pq.ParquetFile(pa.BufferReader(body))
    plain, repeating = "2c 1502 1500 1500 1500 00", "3c 1502 1500 1502 150e 00"
    header = bytes.fromhex(f"1506 1510 1510 {plain} {repeating} 00")
    at = file.metadata.row_group(0).column(0).data_page_offset
    assert sizes(body[:at] + header + body[at + len(header) :], file, ["a"], 0).repeated == 8


def test_a_stream_that_points_outside_of_itself_is_refused() -> None:
    for offsets in ([0, 2**20, 0], [0, 2**20, 5]):
        ends = pa.py_buffer(np.array(offsets, "<i4"))
        odd = pa.Array.from_buffers(pa.string(), 2, [None, ends, pa.py_buffer(b"hello")])
        with pytest.raises(RequestError, match="not application") as caught:
            read(arrow(pa.table({"a": odd, "b": [["x"], ["y"]]})))
        assert caught.value.status == 400


def test_views_of_the_same_bytes_count_each_time() -> None:
    size, rows = 2**22, 400
    cell = size.to_bytes(4, "little") + b"xxxx" + bytes(8)
    views = pa.Array.from_buffers(pa.string_view(), rows, [None, pa.py_buffer(cell * rows), pa.py_buffer(b"x" * size)])
    with pytest.raises(RequestError, match="unpacks"):
        read(arrow(pa.table({"a": views, "b": [["x"]] * rows})), max_rows=rows)
    few = pa.array(["short", None, "longer than twelve letters"], pa.string_view())
    got = read(arrow(pa.table({"a": few, "b": [["x"]] * 3})))
    assert got["a"].fillna("").tolist() == ["short", "", "longer than twelve letters"]
