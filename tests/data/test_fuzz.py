"""Any bytes are a table or one line that says why not; what was written as a table comes back with every row.

A file that hangs the reader ends in the timeout of the test.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from automl.config import ReadOptions
from automl.data.io import read_table
from automl.data.schema import apply_schema, infer_schema
from automl.errors import AutoMLError

QUICK, FULL = 200, 5_000

PIECES = [
    *('"', "'", "\\", ",", ";", "\t", "|", "\n", "\r\n", "\r", "\0", "#", "\ufeff", "[", "{", "}", "]", ":", " "),
    *(
        "a",
        "id",
        "1",
        "01234",
        "1,5",
        "$1,200.50",
        "12%",
        "13/01/2024",
        "2024-01-31",
        "?",
        "NaN",
        "inf",
        "1e999",
        "-999",
    ),
    *("Zürich", "東京", "\u2028", "\x1a", "\x85", "a|b|c", '["x", 1]', '{"a": 1}', '"quoted ""text"""', "yes", "no"),
]
MAGICS = [b"PK\x03\x04", b"PAR1", b"ARROW1\0\0", b"\x1f\x8b", b"BZh9", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\0", b"\xff\xfe"]
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252", "shift_jis", "utf-7"]


def zipped(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("t.csv", data)
    return buffer.getvalue()


COMPRESSIONS: list[Callable[[bytes], bytes]] = [bytes, gzip.compress, bz2.compress, lzma.compress, zipped]

texts = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)
rows = st.lists(st.lists(st.sampled_from(PIECES), min_size=1, max_size=5).map(",".join), max_size=30).map("\n".join)
encoded = st.tuples(texts | rows, st.sampled_from(ENCODINGS)).map(
    lambda pair: pair[0].encode(pair[1], errors="replace")
)
raw = st.binary(max_size=300) | st.tuples(st.sampled_from(MAGICS), st.binary(max_size=200)).map(b"".join)
files = st.tuples(st.sampled_from(COMPRESSIONS), encoded | raw, st.integers(0, 40)).map(
    lambda parts: parts[0](parts[1])[: -parts[2] or None]
)
options = st.builds(
    ReadOptions,
    sep=st.none() | st.sampled_from([",", ";", "tab", " ", "x", "'"]),
    encoding=st.none() | st.sampled_from(ENCODINGS),
    decimal=st.sampled_from([None, ".", ","]),
    na=st.lists(st.sampled_from(["1", "a", "?", ""]), max_size=2),
)


def check_any_bytes(data: bytes, asked: ReadOptions) -> None:
    try:
        frame, reading = read_table(io.BytesIO(data), options=asked)
        schema = infer_schema(frame, decimal=reading.decimal)
        assert len(apply_schema(frame, schema)) == len(frame)
        again, _ = read_table(io.BytesIO(data), reading=reading)
        assert len(again) == len(frame)
    except AutoMLError as error:
        said = str(error)
    else:
        said = reading.describe()
    assert len(said.splitlines()) == 1


@st.composite
def tables(draw: st.DrawFn) -> tuple[bytes, int, int]:
    """A valid CSV file, its rows and its columns."""
    width = draw(st.integers(2, 5))
    cell = st.lists(st.sampled_from([piece for piece in PIECES if piece not in ("\0", "\r")]), max_size=3).map("".join)
    plain = st.sampled_from(["1", "2.5", "abc", "x y", "Zürich", "2024-01-31", "a@b.c"])
    body = draw(st.lists(st.lists(draw(st.sampled_from([cell, plain])), min_size=width, max_size=width), min_size=1))
    buffer = io.StringIO(newline="")
    csv.writer(
        buffer,
        delimiter=draw(st.sampled_from([",", ";", "\t", "|"])),
        quoting=draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
        lineterminator=draw(st.sampled_from(["\n", "\r\n"])),
    ).writerows([[f"column {i}" for i in range(width)], *body])
    data = buffer.getvalue().encode(draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"])))
    return draw(st.sampled_from(COMPRESSIONS))(data), len(body), width


def check_valid_table(table: tuple[bytes, int, int]) -> None:
    data, height, width = table
    frame, reading = read_table(io.BytesIO(data))
    assert frame.shape == (height, width) == (reading.rows, len(reading.header))


def fuzzed(examples: int) -> settings:
    return settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))


@fuzzed(QUICK // 2)
@given(data=files, asked=options)
def test_any_bytes(data: bytes, asked: ReadOptions) -> None:
    check_any_bytes(data, asked)


@fuzzed(QUICK // 2)
@example(table=(b"column 0,column 1,column 2,column 3\n'|,,,'\n", 1, 4))
@example(table=(b'column 0,column 1\n"1,5\\",\n,",\'"\n', 2, 2))
@example(table=(b'column 0,column 1\n"1,5\\",",,\'"\n', 1, 2))
@given(table=tables())
def test_no_row_of_a_valid_table_is_lost(table: tuple[bytes, int, int]) -> None:
    check_valid_table(table)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@fuzzed(FULL)
@given(data=files, asked=options)
def test_many_files_of_any_bytes(data: bytes, asked: ReadOptions) -> None:
    check_any_bytes(data, asked)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@fuzzed(FULL)
@given(table=tables())
def test_no_row_of_many_valid_tables_is_lost(table: tuple[bytes, int, int]) -> None:
    check_valid_table(table)
