from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import httpx
import jsonschema
import numpy as np
import pandas as pd
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from automl import Predictor
from automl.data.cells import plain_rows
from automl.data.schema import infer_schema
from automl.data.table import Kind
from automl.deploy.bodies import lined_up
from automl.deploy.inference import Inference
from automl.deploy.openapi import completed, example_request
from automl.deploy.served import framed

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@schemathesis.serializer(
    "application/jsonlines",
    "application/x-ndjson",
    "text/csv",
    "application/vnd.apache.arrow.stream",
    "application/vnd.apache.parquet",
)
def as_bytes(_: Any, value: Any) -> bytes:
    """Bodies that are not JSON are any bytes; what is in them is fuzzed elsewhere."""
    return value if isinstance(value, bytes) else str(value).encode(errors="replace")


def test_what_is_answered_is_what_is_documented(client: httpx.Client) -> None:
    document = schemathesis.openapi.from_url(f"{client.base_url}/openapi.json")
    paths = set()
    for operation in (result.ok() for result in document.get_all_operations()):
        paths.add(operation.path)

        @settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
        @given(operation.as_strategy())
        def holds(case: Case) -> None:
            case.call_and_validate(checks=CHECKS)

        holds()
    assert {"/predict", "/invocations", "/v2/models/{name}/infer", "/metrics", "/version"} <= paths


def test_an_example_whose_number_is_missing_is_json(predictor: Predictor) -> None:
    kept = [{**row, "age (years)": "NaN"} for row in predictor.example_rows()]
    asked = example_request(replace(predictor, examples=kept))
    assert json.loads(json.dumps(asked, allow_nan=False))["rows"][0]["age (years)"] is None


def test_the_examples_of_a_typed_table_are_what_is_documented_and_read(predictor: Predictor) -> None:
    days = pd.date_range("2024-01-01", periods=90, freq="D")
    frame = pd.DataFrame(
        {
            "flag": [True, False, True] * 30,
            "word": ["yes", "no", "no"] * 30,
            "code": [10115, 80331, 20095] * 30,
            "size": np.linspace(0, 1, 90),
            "price": [f"${number}.5" for number in range(90)],
            "day": days,
            "tags": [[f"t{number % 7}", f"t{number % 5}"] for number in range(90)],
            "gap": [None, 1.5, 2.5] * 30,
            "stamp": [int(day.strftime("%Y%m%d")) for day in days],
        }
    )
    schema = infer_schema(frame, overrides={"code": "categorical", "stamp": "datetime"})
    kinds = {column.name: column.kind for column in schema.used}
    assert (kinds["flag"], schema["tags"].separator) == (Kind.BOOLEAN, "[")
    typed = replace(predictor, schema=schema, examples=plain_rows(frame.head(1)))
    paths = completed({"paths": {}}, typed, guarded=False)["paths"]
    bodies = {path: paths[path]["post"]["requestBody"]["content"]["application/json"] for path in paths}
    row = json.loads(json.dumps(bodies["/predict"]["example"]))["rows"][0]
    documented = bodies["/predict"]["schema"]
    for sent in (row, row | {"flag": "yes", "tags": ["a"]}, row | {"code": "Ulm", "flag": 1}, dict.fromkeys(row)):
        jsonschema.validate({"rows": [sent]}, documented)
        table = lined_up([sent], schema, max_rows=1)
        assert not table.errors.count
        typed.typed(framed(table.rows, schema))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"rows": [row | {"size": [1]}]}, documented)
    inference = bodies["/v2/models/{name}/infer"]
    jsonschema.validate(inference["example"], inference["schema"])
    texts = [each["data"][0] for each in inference["example"]["inputs"] if each["datatype"] == "BYTES"]
    assert all(isinstance(text, str) for text in texts)
    read = Inference("model", json.dumps(inference["example"]).encode(), 1).read(schema)
    typed.typed(framed(read.rows, schema))
