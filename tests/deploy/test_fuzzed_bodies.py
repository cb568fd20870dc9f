from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from clients import PROTOCOLS, Request
from hypothesis import given, settings
from hypothesis import strategies as st

from automl import Predictor
from automl.deploy.answers import WRITERS
from automl.deploy.bodies import MEDIA_TYPES

PATHS = ("/predict", "/invocations", "/v2/models/model/infer")
KEYS = (
    "rows", "instances", "inputs", "dataframe_records", "dataframe_split", "columns", "data", "features", "id",
    "outputs", "name", "shape", "datatype", "FP64", "BYTES", "age (years)", "plan", "member",
)  # fmt: skip

cells = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(KEYS)
values = st.recursive(
    cells, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
)


def valid(predictor: Predictor) -> list[Request]:
    rows = predictor.example_rows()[:3]
    return [protocol.ask(rows, predictor.schema) for protocol in PROTOCOLS]


@st.composite
def damaged(draw: st.DrawFn, requests: list[Request]) -> Request:
    """Draw a request that was right before some bytes were changed, repeated, or cut out."""
    request = draw(st.sampled_from(requests))
    body = bytearray(request.body)
    for _ in range(draw(st.integers(1, 4))):
        first = draw(st.integers(0, max(0, len(body) - 1)))
        last = draw(st.integers(first, min(len(body), first + 30)))
        body[first:last] = draw(st.sampled_from([b"", bytes(body[first:last]) * 2]) | st.binary(max_size=8))
    return Request(request.path, bytes(body), request.media_type)


@st.composite
def invented(draw: st.DrawFn) -> Request:
    """Draw a request that is made of the right words, or of any bytes."""
    body = draw(st.binary(max_size=200) | values.map(lambda value: json.dumps(value).encode(errors="replace")))
    return Request(draw(st.sampled_from(PATHS)), body, draw(st.sampled_from(MEDIA_TYPES) | st.just("text/html")))


def hostile_cells(predictor: Predictor) -> st.SearchStrategy[Request]:
    """Draw requests that are right but for their cells."""
    names = [column.name for column in predictor.schema.used]
    rows = st.lists(st.fixed_dictionaries(dict.fromkeys(names, values)), min_size=1, max_size=3)
    return rows.map(lambda rows: Request("/predict", json.dumps({"rows": rows}).encode(), "application/json"))


def check(client: httpx.Client, request: Request, accept: str, interval: str | None) -> None:
    """A body is answered, or refused with what is wrong with it."""
    headers = {"content-type": request.media_type, "accept": accept}
    parameters: dict[str, Any] = {} if interval is None else {"interval": interval}
    answer = client.post(request.path, content=request.body, headers=headers, params=parameters)
    if answer.status_code == 200:
        return
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["detail"]
    assert "\n" not in problem["detail"]
    assert len(answer.content) < 100_000


def fuzz(client: httpx.Client, predictor: Predictor, examples: int) -> None:
    requests = damaged(valid(predictor)) | invented() | hostile_cells(predictor)

    @settings(deadline=None, max_examples=examples)
    @given(
        requests,
        st.sampled_from(["*/*", "", *WRITERS, "text/html", ",;=,"]),
        st.none() | st.sampled_from(["0.9", "nan", "-1", "2", "a"]),
    )
    def holds(request: Request, accept: str, interval: str | None) -> None:
        check(client, request, accept, interval)

    holds()
    assert client.get("/ping").status_code == 200


def test_a_body_is_answered_or_refused_with_a_reason(client: httpx.Client, predictor: Predictor) -> None:
    fuzz(client, predictor, 300)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_5_000_bodies(client: httpx.Client, predictor: Predictor) -> None:
    fuzz(client, predictor, 5_000)
