"""The Open Inference Protocol, version 2, over JSON: one tensor a column, of shape [rows] or [rows, 1]; of lists of
numbers [rows, length].

A value that is not known is ``null``, which the protocol itself has no word for. A column that is text on the wire is
``BYTES``; a tensor may have any datatype whose values its column can hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

import automl
from automl.data.cells import text_of
from automl.data.table import Column, Kind, Schema
from automl.deploy.answers import Answers
from automl.deploy.bodies import Table, decode, lined_up, require_few_containers, rows_of_columns
from automl.deploy.problem import RequestError, brief
from automl.predictor import Predictor

PLATFORM: Final = "automl"
_INTEGERS: Final = tuple(f"{sign}INT{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64))
DATATYPES: Final = ("BOOL", *_INTEGERS, "FP16", "FP32", "FP64", "BYTES")
_OF_ARRAYS: Final = {"b": "BOOL", "i": "INT64", "u": "UINT64", "f": "FP64"}


def server_metadata() -> dict[str, Any]:
    """Return what ``GET /v2`` tells."""
    return {"name": PLATFORM, "version": automl.__version__, "extensions": []}


def model_metadata(predictor: Predictor, name: str, version: str) -> dict[str, Any]:
    """Return what ``GET /v2/models/NAME`` tells: the tensors that go in and come out."""
    outputs = dict.fromkeys(predictor.task.level_names or ("prediction",), _label_datatype(predictor))
    outputs |= {f"probability_{label}": "FP64" for label in predictor.task.classes}
    return {
        "name": name,
        "versions": [version],
        "platform": PLATFORM,
        "inputs": [
            {"name": column.name, "datatype": datatype(column), "shape": [-1, *_lengths(column)]}
            for column in predictor.schema.used
        ],
        "outputs": [{"name": name, "datatype": kind, "shape": [-1]} for name, kind in outputs.items()],
    }


def datatype(column: Column) -> str:
    """Return the datatype in which a column's values are usually sent."""
    return "FP64" if column.kind in (Kind.NUMERIC, Kind.VECTOR) and column.unit is None else "BYTES"


def _lengths(column: Column) -> list[int]:
    """Return how many numbers a cell has, where it has several."""
    return [column.length] if column.kind is Kind.VECTOR else []


def example(row: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    """Return the body of a request with one row."""

    def tensor(column: Column) -> dict[str, Any]:
        kind, cell = datatype(column), row[column.name]
        return {
            "name": column.name,
            "shape": [1, *_lengths(column)],
            "datatype": kind,
            "data": [text_of(cell) if kind == "BYTES" else cell],
        }

    return {"inputs": [tensor(column) for column in schema.used]}


class Inference:
    """An inference request: how its body is read, and how its answer is written."""

    def __init__(self, name: str, body: bytes, max_rows: int) -> None:
        self._name = name
        self._body = body
        self._max_rows = max_rows
        self._id: str | None = None
        self._wanted: Sequence[str] | None = None

    def read(self, schema: Schema) -> Table:
        """Return the rows of the tensors.

        Raises
        ------
        RequestError
            400 if the body is not JSON, 413 if it holds too much, 422 if it is not a request of the protocol.
        """
        require_few_containers(self._body, schema, self._max_rows)
        content = decode(self._body, "the body")
        if not isinstance(content, dict) or not isinstance(content.get("inputs"), list):
            raise RequestError(422, 'the body must be {"inputs": [{"name", "shape", "datatype", "data"}, ...]}')
        self._wanted = _wanted(content.get("outputs"))
        self._id = content.get("id")
        if not isinstance(self._id, str | None):
            raise RequestError(422, f"id must be a text, got {brief(self._id)!r:.40}")
        return lined_up(rows_of_columns(_columns(content["inputs"]), self._max_rows), schema, max_rows=self._max_rows)

    def write(self, answers: Answers, model_id: str) -> bytes:
        """Return the body of the answer.

        Raises
        ------
        RequestError
            422 if an output is asked for that there is not.
        """
        unknown = [name for name in self._wanted or () if name not in answers]
        if unknown:
            raise RequestError(422, f"there is no output {unknown[0]!r:.60}; there are {', '.join(answers)}")
        content: dict[str, Any] = {"model_name": self._name, "model_version": model_id}
        if self._id is not None:
            content["id"] = self._id
        content["outputs"] = [_tensor(name, answers[name]) for name in self._wanted or answers]
        return orjson.dumps(content)


def _columns(inputs: Sequence[Any]) -> dict[str, list[Any]]:
    """Return the values of each tensor by its name."""
    columns: dict[str, list[Any]] = {}
    for number, tensor in enumerate(inputs, 1):
        if not isinstance(tensor, dict) or not isinstance(name := tensor.get("name"), str):
            raise RequestError(422, f"input {number} must be an object with a name")
        if name in columns:
            raise RequestError(422, f"input {name!r:.60} is there twice")
        columns[name] = _values(name, tensor)
    return columns


def _values(name: str, tensor: Mapping[str, Any]) -> list[Any]:
    """Return the values of a tensor, which may be nested as its shape is."""
    kind, shape, data = tensor.get("datatype"), tensor.get("shape"), tensor.get("data")
    if kind not in DATATYPES:
        raise RequestError(
            422, f"input {name!r:.60} has datatype {brief(kind)!r:.40}; send one of {', '.join(DATATYPES)}"
        )
    if not isinstance(data, list):
        raise RequestError(422, f"input {name!r:.60} has no data; only JSON tensors can be read, not binary ones")
    sizes = shape if isinstance(shape, list) else []
    if len(sizes) not in (1, 2) or not all(type(size) is int for size in sizes) or sizes[1:] == [0]:
        given = [brief(size) for size in sizes[:5]] if isinstance(shape, list) else brief(shape)
        raise RequestError(422, f"input {name!r:.60} must have shape [rows] or [rows, length], got {given!r:.40}")
    if len(sizes) == 2:
        data = _cells(data, sizes[1])
    if len(data) != sizes[0]:
        raise RequestError(422, f"input {name!r:.60} has {len(data)} values, but its shape says {sizes[0]}")
    return data


def _cells(data: list[Any], length: int) -> list[Any]:
    """Return the cells of a tensor of two dimensions, nested as they are or one number behind the other."""
    nested = bool(data) and all(isinstance(value, list) and len(value) == length for value in data)
    if length == 1:
        return [value[0] for value in data] if nested else data
    return (
        data
        if nested or length < 1 or len(data) % length
        else [data[i : i + length] for i in range(0, len(data), length)]
    )


def _wanted(outputs: Any) -> Sequence[str] | None:
    """Return the names of the outputs that are asked for; None means all."""
    if outputs is None or outputs == []:
        return None
    if not isinstance(outputs, list) or not all(
        isinstance(one, dict) and isinstance(one.get("name"), str) for one in outputs
    ):
        raise RequestError(422, 'outputs must be [{"name": NAME}, ...]')
    return [one["name"] for one in outputs]


def _tensor(name: str, values: NDArray[np.generic]) -> dict[str, Any]:
    return {
        "name": name,
        "shape": [len(values)],
        "datatype": _OF_ARRAYS.get(values.dtype.kind, "BYTES"),
        "data": values.tolist(),
    }


def _label_datatype(predictor: Predictor) -> str:
    return _OF_ARRAYS.get(predictor.task.labels.dtype.kind, "BYTES") if predictor.task.classes else "FP64"
