from __future__ import annotations

import csv
import io
import tracemalloc
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.config import ReadOptions
from automl.data.io import read_table
from automl.data.table import Column, Kind, Schema
from automl.deploy.bodies import Table, parse
from automl.deploy.inference import Inference, example
from automl.deploy.problem import SHOWN, RequestError

NAMES = ["age", "features", "odd, 'name'"]
SCHEMA = Schema(tuple(Column(name, Kind.NUMERIC, "test") for name in NAMES))
JSON, LINES, CSV = "application/json", "application/jsonlines", "text/csv"

plain = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text("ab\n\",'é ")
)
rows = st.lists(st.lists(plain, min_size=3, max_size=3), min_size=1, max_size=5)
texts = st.lists(st.lists(st.text("a1\n\r\",'é ;", min_size=1), min_size=3, max_size=3), min_size=1, max_size=5)


def read(body: object, media_type: str = JSON) -> Table:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return parse(raw, media_type, SCHEMA, max_rows=100)


def refused(body: object, media_type: str = JSON) -> RequestError:
    with pytest.raises(RequestError) as caught:
        read(body, media_type)
    return caught.value


def written(lines: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    return text.getvalue().encode()


@settings(deadline=None, max_examples=40)
@given(rows)
def test_every_shape_means_the_same_table(values: list[list[object]]) -> None:
    records = [dict(zip(NAMES, row, strict=True)) for row in values]
    for body in (
        {"rows": records},
        {"instances": records},
        {"inputs": values},
        {"inputs": {name: [row[i] for row in values] for i, name in enumerate(NAMES)}},
        {"dataframe_records": [dict(reversed(record.items())) | {"extra": 1} for record in records]},
        {"instances": [{"features": row} for row in values]},
        {"dataframe_split": {"columns": NAMES, "index": [0], "data": values}},
    ):
        table = read(body)
        assert not table.errors.count
        assert table.rows == records
    lines = b"\n\n".join(map(orjson.dumps, records))
    assert read(lines, LINES).rows == records


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_an_empty_line_of_a_single_column_is_a_row_as_in_a_file(end: str, tmp_path: Path) -> None:
    schema = Schema((Column("age", Kind.NUMERIC, "test"),))
    for header in ("age", '"age"'):
        body = end.join(["", header, "1", "", '""', "2", "", ""]).encode()
        (tmp_path / "new.csv").write_bytes(body)
        frame, _ = read_table(tmp_path / "new.csv", options=ReadOptions())
        for sent in (body, b"1" + body.partition(b"1")[2]):
            rows = parse(sent, CSV, schema, max_rows=5).rows
            assert rows == [{"age": age} for age in ("1", None, None, "2")]
        assert frame["age"].isna().tolist() == [False, True, True, False]
    with pytest.raises(RequestError, match="more than 3 rows"):
        parse(body, CSV, schema, max_rows=3)


@settings(deadline=None, max_examples=40)
@given(texts)
def test_csv_is_the_same_with_and_without_a_header(values: list[list[str]]) -> None:
    expected = [dict(zip(NAMES, row, strict=True)) for row in values]
    swapped = [["extra", *reversed(NAMES)], *(["1", *reversed(row)] for row in values)]
    for body in (written(values), written([NAMES, *values]), written(swapped), b"\xef\xbb\xbf" + written(values)):
        table = read(body, CSV)
        assert not table.errors.count
        assert table.rows == expected


def test_an_empty_csv_cell_is_missing() -> None:
    assert read(b"1,,3\n\n,5,\n", CSV).rows == [
        dict(zip(NAMES, row, strict=True)) for row in (["1", None, "3"], [None, "5", None])
    ]


def test_columns_that_models_do_not_use_may_be_left_out() -> None:
    schema = Schema((Column("id", Kind.IDENTIFIER, "test"), Column("age", Kind.NUMERIC, "test")))
    assert parse(b'{"rows": [{"age": 1}]}', JSON, schema, max_rows=1).rows == [{"age": 1}]
    assert parse(b"a7,1\n", CSV, schema, max_rows=1).rows == [{"age": "1"}]


def test_all_wrong_rows_and_cells_are_told_at_once() -> None:
    row = dict.fromkeys(NAMES, 1)
    body = {"rows": [row, {"age": 1, "features": 2}, 7, [1, 2], row | {"age": {"a": 1}}]}
    table = read(body)
    assert [(cell.row, cell.column) for cell in table.errors.first] == [
        (2, "odd, 'name'"),
        (3, None),
        (4, None),
        (5, "age"),
    ]
    assert len(table.rows) == 5


@pytest.mark.parametrize(
    ("body", "media_type", "status", "word"),
    [
        (b'{"rows": [', JSON, 400, "not JSON"),
        (b'{"rows": [{"age": NaN}]}', JSON, 400, "null"),
        (b"\xff\xfe", JSON, 400, "not JSON"),
        (b"[" * 500, JSON, 400, "not JSON"),
        (b"[" * 100_000, JSON, 413, "objects and lists"),
        (b'{"age": 1}\n{"age"\n', LINES, 400, "line 2"),
        (b"\xff,1,2", CSV, 400, "UTF-8"),
        (b'1,"2,3', CSV, 400, "comma-separated"),
        (b"[]", JSON, 422, "rows"),
        (b'{"rows": {"age": 1}}', JSON, 422, "rows"),
        (b'{"rows": []}', JSON, 422, "at least one"),
        (b"", CSV, 422, "at least one"),
        (b'{"dataframe_split": {"data": []}}', JSON, 422, "columns"),
        (b'{"dataframe_split": {"columns": [["a"]], "data": [[1]]}}', JSON, 422, "names"),
        (b'{"dataframe_split": {"columns": ["a", "a"], "data": [[1, 2]]}}', JSON, 422, "names"),
        (b'{"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2], [3]]}}', JSON, 422, "row 2"),
        (b'{"inputs": {"a": [1, 2], "b": [3]}}', JSON, 422, "equally many"),
        (b'{"inputs": {"a": [' + b"1," * 100 + b"1]}}", JSON, 413, "more than 100 rows"),
        (b'{"dataframe_split": {"columns": ["a"], "data": [' + b"[1]," * 100 + b"[1]]}}", JSON, 413, "100 rows"),
        (b"1\n" * 101, "application/jsonlines", 413, "more than 100 rows"),
        (b"1\n" * 101, "text/csv", 413, "more than 100 rows"),
        (b'{"rows": [' + b"1," * 100 + b"1]}", JSON, 413, "more than 100 rows"),
        (b"{}", "application/xml", 415, "text/csv"),
        (b"{}", "", 415, "missing"),
    ],
)
def test_bodies_that_cannot_be_read(body: bytes, media_type: str, status: int, word: str) -> None:
    error = refused(body, media_type)
    assert error.status == status
    assert word in error.detail
    assert "\n" not in error.detail


def test_a_list_is_one_cell_of_a_column_of_lists() -> None:
    schema = Schema((Column("tags", Kind.TEXT, "test", separator="["), Column("age", Kind.NUMERIC, "test")))
    table = parse(orjson.dumps({"rows": [{"tags": ["a", "b"], "age": [1]}]}), JSON, schema, max_rows=9)
    assert table.rows == [{"tags": ["a", "b"], "age": None}]
    assert [error.column for error in table.errors.first] == ["age"]


NESTED = Schema(tuple(Column(name, Kind.NUMERIC, "test") for name in ("age", "home.zip", "home.geo.lat")))


@pytest.mark.parametrize(
    ("row", "read", "wrong"),
    [
        ({"age": 1, "home": {"zip": 2, "geo": {"lat": 3, "lon": {}}}}, [1, 2, 3], []),
        ({"age": 1, "home.zip": 2, "home": {"geo": {"lat": 3}}}, [1, 2, 3], []),
        ({"age": 1, "home.zip": 2, "home.geo.lat": 3}, [1, 2, 3], []),
        ({"age": 1, "home": None}, [1, None, None], []),
        ({"age": 1, "home": {"zip": 2, "geo": None}}, [1, 2, None], []),
        ({"age": 1}, [1, None, None], ["home.zip", "home.geo.lat"]),
        ({"age": 1, "home": {"zip": 2}}, [1, 2, None], ["home.geo.lat"]),
        ({"age": {"zip": 2}, "home": 7}, [None] * 3, ["home.zip", "home.geo.lat", "age"]),
        ({"age": 1, "home": {"zip": {"a": 2}, "geo": {"lat": [3]}}}, [1, None, None], ["home.zip", "home.geo.lat"]),
    ],
)
def test_columns_in_objects(row: dict[str, object], read: list[int | None], wrong: list[str]) -> None:
    table = parse(orjson.dumps({"rows": [row]}), JSON, NESTED, max_rows=9)
    assert isinstance(table.rows, list)
    assert list(table.rows[0].values()) == read
    assert [error.column for error in table.errors.first] == wrong


def test_deep_bodies_are_refused_in_one_line() -> None:
    def nested(depth: int) -> bytes:
        return b'{"rows": [{"age": 1, "home": ' + b'{"geo": ' * depth + b"1" + b"}" * depth + b"}]}"

    assert parse(nested(900), JSON, NESTED, max_rows=999).errors.count == 2
    with pytest.raises(RequestError, match="not JSON"):
        parse(nested(2_000), JSON, NESTED, max_rows=9_999)


def test_lists_of_numbers_in_bodies_and_tensors() -> None:
    schema = Schema((Column("emb", Kind.VECTOR, "test", length=2), Column("age", Kind.NUMERIC, "test")))
    emb, wanted = [[1, 2], [3.5, None]], [{"emb": [1, 2], "age": 5}, {"emb": [3.5, None], "age": [6]}]
    table = parse(orjson.dumps({"inputs": {"emb": emb, "age": [5, [6]]}}), JSON, schema, max_rows=9)
    assert table.rows == [wanted[0], {**wanted[1], "age": None}]
    for data in (emb, [1, 2, 3.5, None]):
        tensors = [
            {"name": "emb", "shape": [2, 2], "datatype": "FP64", "data": data},
            {"name": "age", "shape": [2, 1], "datatype": "INT8", "data": [[5], [6]]},
        ]
        read_ = Inference("model", orjson.dumps({"inputs": tensors}), 9).read(schema)
        assert read_.rows == [wanted[0], {**wanted[1], "age": 6}]
    sent = example(wanted[0], schema)
    assert sent["inputs"][0] == {"name": "emb", "shape": [1, 2], "datatype": "FP64", "data": [[1, 2]]}
    assert Inference("model", orjson.dumps(sent), 9).read(schema).rows == wanted[:1]


def test_of_many_wrong_cells_the_first_are_told_and_all_counted() -> None:
    table = read(b'{"rows": [' + b"{}," * 99 + b"{}]}")
    assert (table.errors.count, len(table.errors.first)) == (300, SHOWN)
    assert len(table.rows) < 99


def test_small_wrong_bodies_take_little() -> None:
    body = b'{"rows": [' + b"{}," * 49_999 + b"{}]}"
    schema = Schema(tuple(Column(f"a{i}", Kind.NUMERIC, "test") for i in range(20)))
    tracemalloc.start()
    try:
        table = parse(body, JSON, schema, max_rows=10**6)
        assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
    finally:
        tracemalloc.stop()
    assert table.errors.count == 10**6
