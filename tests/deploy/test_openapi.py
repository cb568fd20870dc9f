from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import httpx
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
from automl.deploy.openapi import example_request

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
