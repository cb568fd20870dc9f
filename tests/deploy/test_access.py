from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from serving import started

from automl import Predictor
from automl.deploy.keys import OPEN_PATHS, VARIABLE, Keys
from automl.errors import UsageError

KEY = "a-key-that-is-known"
LIMITS = ("--max-rows", "3", "--max-body", "2KB")


@pytest.fixture(scope="module")
def guarded(run: Path) -> Iterator[tuple[httpx.Client, Any]]:
    environment = os.environ | {"AUTOML_API_KEYS": f"another,{KEY}"}
    with (
        started("-m", "automl", "serve", run, "--port", "0", *LIMITS, environment=environment) as (_, stderr, address),
        httpx.Client(base_url=address, timeout=30) as client,
    ):
        yield client, stderr


def test_who_has_no_known_key_is_refused_but_may_ask_for_health(guarded: tuple[httpx.Client, Any]) -> None:
    client, _ = guarded
    for path in ("/ping", "/health", "/v2/health/live", "/v2/health/ready"):
        assert client.get(path).status_code == 200
    for headers in ({}, {"x-api-key": KEY[:-1]}, {"authorization": f"Basic {KEY}"}, {"x-api-key": ""}):
        answer = client.get("/version", headers=headers)
        assert answer.status_code == answer.json()["status"] == 401
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.headers["x-request-id"]
    for headers in (
        {"x-api-key": KEY},
        {"authorization": f"bearer {KEY}"},
        {"authorization": "Bearer another"},
        {"authorization": "Bearer of.a.gateway", "x-api-key": KEY},
    ):
        assert client.get("/version", headers=headers).status_code == 200


def test_limits_are_as_they_were_asked_for(guarded: tuple[httpx.Client, Any], predictor: Predictor) -> None:
    client, _ = guarded
    row, headers = predictor.example_rows()[0], {"x-api-key": KEY}
    answers = [client.post("/predict", json={"rows": [row] * rows}, headers=headers) for rows in (3, 4, 100)]
    assert [answer.status_code for answer in answers] == [200, 413, 413]
    assert "more than 3 rows" in answers[1].json()["detail"]
    assert "larger than 2000 bytes" in answers[2].json()["detail"]


def test_the_document_says_how_a_key_is_sent(guarded: tuple[httpx.Client, Any], client: httpx.Client) -> None:
    document = guarded[0].get("/openapi.json", headers={"x-api-key": KEY}).json()
    schemes = document["components"]["securitySchemes"]
    assert {tuple(way) for way in document["security"]} == {(name,) for name in schemes}
    assert {scheme["type"] for scheme in schemes.values()} == {"http", "apiKey"}
    unguarded = {
        path
        for path, methods in document["paths"].items()
        if all(each.get("security") == [] for each in methods.values())
    }
    assert unguarded == OPEN_PATHS
    open_document = client.get("/openapi.json").json()
    assert "security" not in open_document
    assert not open_document.get("components")


def test_empty_keys_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not Keys([" ", ""])
    monkeypatch.setenv(VARIABLE, " , ")  # a secret that went wrong
    with pytest.raises(UsageError, match="names no key"):
        Keys.from_environment()
    monkeypatch.setenv(VARIABLE, "")
    assert not Keys.from_environment()
    assert Keys([]).allow("/predict", {})


def test_a_request_is_one_json_line_that_knows_its_id(guarded: tuple[httpx.Client, Any], predictor: Predictor) -> None:
    client, stderr = guarded
    headers = {"x-api-key": KEY, "x-request-id": "seen-below"}
    answer = client.post("/predict", json={"rows": predictor.example_rows()[:2]}, headers=headers)
    assert answer.headers["x-request-id"] == "seen-below"
    line: dict[str, Any] = {}
    while line.get("request_id") != "seen-below":
        line = json.loads(stderr.readline())
    assert line.pop("time")
    assert line.pop("seconds") > 0
    assert line == {
        "level": "info",
        "message": "request",
        "request_id": "seen-below",
        "client": "127.0.0.1",
        "method": "POST",
        "path": "/predict",
        "status": 200,
        "rows": 2,
        "variant": "main",
        "model": answer.headers["x-model-version"],
    }
    hostile = client.get("/ping", headers={"x-request-id": 'a"b c'})
    assert hostile.headers["x-request-id"] not in ('a"b c', "")


def counted(client: httpx.Client, name: str) -> float:
    lines = client.get("/metrics", headers={"x-api-key": KEY}).text.splitlines()
    return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(name)), 0.0)


def test_what_is_answered_is_counted(guarded: tuple[httpx.Client, Any], predictor: Predictor) -> None:
    client, _ = guarded
    names = [
        'automl_requests_total{path="/predict",status="200"}',
        'automl_requests_total{path="/predict",status="400"}',
        'automl_requests_total{path="unknown",status="404"}',
        'automl_rows_total{variant="main"}',
        'automl_request_seconds_count{path="/predict"}',
        "automl_batch_requests_count",
    ]
    before = [counted(client, name) for name in names]
    headers = {"x-api-key": KEY, "content-type": "application/json"}
    client.post("/predict", json={"rows": predictor.example_rows()[:3]}, headers=headers)
    client.post("/predict", content=b"{", headers=headers)
    client.get("/no/such/path", headers=headers)
    after = [counted(client, name) for name in names]
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, 1, 1, 3, 2, 2]
    assert counted(client, "automl_queue_length") == 0
    model = client.get("/version", headers=headers).json()["model"]["id"]
    assert counted(client, f'automl_model_info{{model="{model}",variant="main"}}') == 1


def test_who_leaves_in_the_middle_leaves_nothing_behind(guarded: tuple[httpx.Client, Any]) -> None:
    client, _ = guarded
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", client.base_url.port or 0)) as connection:
            head = f"POST /predict HTTP/1.1\r\nhost: a\r\nx-api-key: {KEY}\r\ncontent-type: application/json\r\n"
            connection.sendall(f"{head}content-length: 100\r\n\r\n{{".encode())
    deadline = time.monotonic() + 10
    while counted(client, "automl_requests_in_flight ") > 1:  # the one that asks
        assert time.monotonic() < deadline
    assert counted(client, 'automl_requests_total{path="/predict",status="500"}') == 0
