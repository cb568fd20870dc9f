"""Clients of every protocol: how each asks for the same rows, and how it reads the answer."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from automl.data.table import Schema
from automl.deploy.columnar import ARROW_STREAM, PARQUET
from automl.deploy.inference import datatype

Row = Mapping[str, Any]
Answer = list[Any]
"""The prediction and the probability of each class."""
JSON, LINES, CSV = "application/json", "application/jsonlines", "text/csv"


@dataclass(frozen=True)
class Request:
    path: str
    body: bytes
    media_type: str


@dataclass(frozen=True)
class Protocol:
    name: str
    ask: Callable[[Sequence[Row], Schema], Request]
    read: Callable[[bytes], list[Answer]]


def _json(path: str, wrap: Callable[[Sequence[Row]], Any]) -> Callable[[Sequence[Row], Schema], Request]:
    return lambda rows, _: Request(path, json.dumps(wrap(rows)).encode(), JSON)


def _split(rows: Sequence[Row]) -> Any:
    return {"dataframe_split": {"columns": list(rows[0]), "data": [list(row.values()) for row in rows]}}


def _lines(rows: Sequence[Row], _: Schema) -> Request:
    return Request("/invocations", "\n".join(map(json.dumps, rows)).encode(), LINES)


def _csv(rows: Sequence[Row], schema: Schema) -> Request:
    text = io.StringIO()
    names = [column.name for column in schema.columns]
    csv.writer(text).writerows([["" if row.get(name) is None else row[name] for name in names] for row in rows])
    return Request("/invocations", text.getvalue().encode(), CSV)


def _arrow(rows: Sequence[Row], _: Schema) -> Request:
    table, out = pa.Table.from_pylist(list(rows)), pa.BufferOutputStream()
    with pa.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table)
    return Request("/predict", out.getvalue().to_pybytes(), ARROW_STREAM)


def _parquet(rows: Sequence[Row], _: Schema) -> Request:
    out = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(list(rows)), out)
    return Request("/invocations", out.getvalue().to_pybytes(), PARQUET)


def _infer(rows: Sequence[Row], schema: Schema) -> Request:
    inputs = [
        {
            "name": column.name,
            "shape": [len(rows)],
            "datatype": datatype(column),
            "data": [row[column.name] for row in rows],
        }
        for column in schema.used
    ]
    return Request("/v2/models/model/infer", json.dumps({"inputs": inputs}).encode(), JSON)


def _read_records(records: Sequence[Any]) -> list[Answer]:
    return [[record["prediction"], *record["probabilities"].values()] for record in records]


def _read_json(body: bytes) -> list[Answer]:
    return _read_records(json.loads(body)["predictions"])


def _read_lines(body: bytes) -> list[Answer]:
    return _read_records([json.loads(line) for line in body.splitlines()])


def _read_csv(body: bytes) -> list[Answer]:
    return [[row[0], *map(float, row[1:])] for row in csv.reader(io.StringIO(body.decode()))]


def _read_table(table: pa.Table) -> list[Answer]:
    return [list(row.values()) for row in table.to_pylist()]


def _read_tensors(body: bytes) -> list[Answer]:
    return [list(row) for row in zip(*(each["data"] for each in json.loads(body)["outputs"]), strict=True)]


PROTOCOLS = (
    Protocol("predict", _json("/predict", lambda rows: {"rows": rows}), _read_json),
    Protocol("instances", _json("/invocations", lambda rows: {"instances": rows}), _read_json),
    Protocol("dataframe_split", _json("/invocations", _split), _read_json),
    Protocol("json lines", _lines, _read_lines),
    Protocol("csv", _csv, _read_csv),
    Protocol("arrow", _arrow, lambda body: _read_table(pa.ipc.open_stream(body).read_all())),
    Protocol("parquet", _parquet, lambda body: _read_table(pq.read_table(pa.BufferReader(body)))),
    Protocol("inference", _infer, _read_tensors),
)
