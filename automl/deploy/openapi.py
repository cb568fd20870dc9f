"""What the endpoint takes and gives, in the words of OpenAPI, from the training schema."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from math import isfinite
from typing import Any, Final

from automl.data.lists import ARRAY
from automl.data.table import Column, Kind, Task
from automl.data.vectors import numbers_of
from automl.deploy import inference, problem
from automl.deploy.answers import WRITERS
from automl.deploy.bodies import MEDIA_TYPES
from automl.deploy.columnar import ARROW_STREAM, PARQUET
from automl.deploy.keys import OPEN_PATHS
from automl.deploy.predictions import MODEL_NAME, ROUTES
from automl.deploy.served import EXPLAINED
from automl.predictor import Predictor

_TYPES: Final = {bool: "boolean", int: "integer", float: "number", str: "string"}
_CELLS: Final[Mapping[Kind, Sequence[str]]] = {
    Kind.NUMERIC: ("number", "string"),
    Kind.BOOLEAN: ("boolean", "string", "number"),
    Kind.CATEGORICAL: ("string", "number", "boolean"),
    Kind.DATETIME: ("string", "number"),
    Kind.TEXT: ("string", "number", "boolean"),
    Kind.VECTOR: ("array", "string"),
    Kind.TEMPLATE: ("string", "number"),
}
"""What the cells of a column can be read from, the usual first."""
_KEYS: Final = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
"""The ways to send a key."""
_LISTED: Final = 20
"""Known categories that are listed."""


def completed(document: dict[str, Any], predictor: Predictor, *, guarded: bool) -> dict[str, Any]:
    """Return an OpenAPI document with what the model takes and gives; ``guarded`` if it asks for a key."""
    operations = (_predict_operation(predictor), _invocations_operation(predictor), _infer_operation(predictor))
    predictions = {
        route.path: {"post": {"summary": inspect.getdoc(route.way), **operation}}
        for route, operation in zip(ROUTES, operations, strict=True)
    }
    paths = document["paths"] = predictions | document["paths"]
    for path in [path for path in paths if "{name}" in path]:
        for operation in paths[path].values():
            named = [{"name": "name", "in": "path", "required": True, "schema": {"const": MODEL_NAME}}]
            operation["parameters"] = named
            operation["responses"] = {
                code: answer
                for code, answer in operation["responses"].items()
                if code != "422" or path.endswith("infer")
            } | {"404": _refusal("There is no such model")}
    for operation in (operation for methods in paths.values() for operation in methods.values()):
        operation["responses"]["401"] = _refusal("No key, or none that is known")
    document.get("components", {}).pop("schemas", None)  # of the framework's own refusals, which are never answered
    if guarded:
        document.setdefault("components", {})["securitySchemes"] = _KEYS
        document["security"] = [{name: []} for name in _KEYS]
        for path in OPEN_PATHS & paths.keys():
            for operation in paths[path].values():
                operation["security"] = []
    return document


def _predict_operation(predictor: Predictor) -> dict[str, Any]:
    """Return the body, with a real row as its example, and the answers of ``/predict``."""
    row = _object({column.name: _cell(column) for column in predictor.schema.used})
    body = _object({"rows": {"type": "array", "minItems": 1, "items": row}})
    content: dict[str, Any] = {media_type: {"schema": {}} for media_type in (ARROW_STREAM, PARQUET)}
    content["application/json"] = {"schema": body, "example": example_request(predictor)}
    return {
        "requestBody": {"required": True, "content": content},
        "responses": {"200": _answer(predictor.task), **_REFUSALS},
        "parameters": _parameters(predictor),
    }


def _invocations_operation(predictor: Predictor) -> dict[str, Any]:
    """Return the bodies and the answers of ``/invocations``."""
    order = ", ".join(column.name for column in predictor.schema.columns)
    content: dict[str, Any] = {media_type: {"schema": {}} for media_type in MEDIA_TYPES}
    content["application/json"]["example"] = {"instances": example_request(predictor)["rows"]}
    return {
        "requestBody": {"required": True, "description": f"Order of the columns: {order}", "content": content},
        "responses": {"200": _answer(predictor.task), **_REFUSALS},
        "parameters": _parameters(predictor),
    }


def _infer_operation(predictor: Predictor) -> dict[str, Any]:
    """Return the body and the answer of an inference request."""
    tensor = _object(
        {
            "name": {"type": "string"},
            "shape": {"type": "array", "items": {"type": "integer"}},
            "datatype": {"enum": list(inference.DATATYPES)},
            "data": {"type": "array"},
        }
    )
    tensors = {"type": "array", "items": tensor}
    body = _object({"inputs": tensors}, optional={"id": {"type": "string"}})
    answer = _object({"model_name": {"type": "string"}, "model_version": {"type": "string"}, "outputs": tensors})
    example = inference.example(example_request(predictor)["rows"][0], predictor.schema)
    return {
        "requestBody": {"required": True, "content": {"application/json": {"schema": body, "example": example}}},
        "responses": {
            "200": {"description": "Tensors, one an output", "content": {"application/json": {"schema": answer}}},
            **_REFUSALS,
        },
    }


def _parameters(predictor: Predictor) -> list[dict[str, Any]]:
    """Return what can be asked for beside the prediction: reasons, and an interval where numbers are predicted."""
    reasons = _parameter(
        "reasons",
        {"type": "integer", "minimum": 0, "maximum": 9999, "example": 3},
        "Answer also what this many columns add to the prediction, and which output is explained, of at most "
        f"{EXPLAINED} rows, in JSON only",
    )
    if predictor.residuals is None:
        return [reasons]
    coverage = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1, "example": 0.9}
    return [
        _parameter("interval", coverage, "Answer also `low` and `high`, between which the value lies so probably"),
        reasons,
    ]


def _parameter(name: str, schema: Mapping[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}


def example_request(predictor: Predictor) -> dict[str, list[dict[str, Any]]]:
    """Return the body of a request with one real row."""
    row = predictor.example_rows()[0]
    return {"rows": [{column.name: _example(column, row[column.name]) for column in predictor.schema.used}]}


def _example(column: Column, value: Any) -> Any:
    """Return a raw value as a client would write it: a table read from CSV holds its numbers as text."""
    if column.kind is Kind.VECTOR and (numbers := numbers_of(value)) is not None:
        return [number if isfinite(number) else None for number in numbers.tolist()]
    if inference.datatype(column) == "FP64" and isinstance(value, str):
        with suppress(ValueError):
            number = float(value)
            if not isfinite(number):  # which JSON has no word for
                return None
            return int(number) if number.is_integer() else number
    return value


def _cell(column: Column) -> dict[str, Any]:
    """Return the type of a column's values. Categories are not an enumeration: others can be predicted too."""
    types = [*_CELLS[column.kind], *(["array"] if column.separator == ARRAY else []), "null"]
    cell: dict[str, Any] = {"type": types, "description": column.kind.value}
    if column.categories:
        cell["examples"] = list(column.categories[:_LISTED])
    if column.format:
        cell["description"] += f", format {column.format}"
    return cell


def _answer(task: Task) -> dict[str, Any]:
    """Return the answer of ``/predict`` and ``/invocations``."""
    kinds = {_TYPES[type(label)] for label in task.classes} or {"number"}
    told: dict[str, Any] = {name: {"type": sorted(kinds)} for name in task.level_names or ("prediction",)}
    reason = _object({"column": {"type": "string"}, "value": {}, "adds": {"type": "number"}})
    reasons = {"type": "array", "items": reason, "description": "On demand, the strongest first"}
    on_demand: dict[str, Any] = {"explained": _explained(task, kinds), "reasons": reasons}
    if task.classes:
        share = {"type": "number", "minimum": 0, "maximum": 1}
        told["probabilities"] = _object({str(label): share for label in task.classes})
    elif not task.levels:
        on_demand |= {"low": {"type": "number"}, "high": {"type": "number"}}
    row = _object(told, optional=on_demand)
    content: dict[str, Any] = {media_type: {} for media_type in WRITERS}
    content["application/json"] = {"schema": _object({"predictions": {"type": "array", "items": row}})}
    return {"description": f"Predicted {task.target!r}, row by row", "content": content}


def _explained(task: Task, kinds: Collection[str]) -> dict[str, Any]:
    """Return what the reasons are of; ``kinds`` are the types of the classes."""
    ends = {
        "base": {"type": "number", "description": "The mean prediction of a few training rows"},
        "predicted": {"type": "number", "description": "The prediction: `base` and what all columns add"},
    }
    if task.classes:
        said = "the positive one of two" if task.n_classes == 2 else "the predicted one"
        of = {"type": sorted(kinds), "description": f"The class whose probability is explained: {said}"}
    elif task.levels:
        of = {"enum": list(task.level_names), "description": "The quantile that is explained"}
    else:
        return _object(ends)
    return _object({"of": of, **ends})


def _refusal(description: str) -> dict[str, Any]:
    """Return the answer to a request that is refused, see :class:`~automl.deploy.problem.RequestError`."""
    cell = {
        "row": {"type": ["integer"]},
        "column": {"type": ["string", "null"]},
        "value": {},
        "message": {"type": ["string"]},
    }
    schema = _object(
        {},
        optional={
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "errors": {"type": "array", "items": _object({}, optional=cell)},
        },
    )
    return {"description": description, "content": {problem.MEDIA_TYPE: {"schema": schema}}}


def _object(required: Mapping[str, Any], *, optional: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the type of an object, by the types of its properties."""
    always = {"required": list(required)} if required else {}
    return {"type": "object", "properties": {**required, **(optional or {})}, **always}


_REFUSALS: Final[Mapping[str, Any]] = {
    "400": _refusal("The body cannot be read"),
    "406": _refusal("None of the accepted media types can be written"),
    "408": _refusal("The body did not arrive in time"),
    "413": _refusal("The body is too large"),
    "415": _refusal("The content type is not known"),
    "422": _refusal("The table does not match the training table; `errors` lists every wrong row and column"),
    "503": _refusal("There are as many requests as the server can hold; `Retry-After` says when to try again"),
    "504": _refusal("There was no answer in time"),
}
