from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pandas as pd
import pytest
from serving import SERVE, started

import automl
from automl import Predictor
from automl.deploy.asgi import App
from automl.deploy.capture import CaptureOptions
from automl.deploy.export import export
from automl.deploy.limits import Limits
from automl.deploy.options import ServeOptions
from automl.deploy.server import create_app, serve
from automl.deploy.variants import Role, Variant
from automl.errors import AutoMLError

PROBLEM = "application/problem+json"


def as_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    records = frame.drop(columns="late").to_dict(orient="records")
    return [{name: None if value != value else value for name, value in record.items()} for record in records]


def expected(predictor: Predictor, frame: pd.DataFrame) -> list[dict[str, Any]]:
    answers = predictor.predict_frame(frame, proba=True)
    return [
        {
            "prediction": row["prediction"],
            "probabilities": {label: row[f"probability_{label}"] for label in predictor.task.classes},
        }
        for row in answers.to_dict(orient="records")
    ]


def test_a_served_row_is_predicted_as_in_process(
    client: httpx.Client, predictor: Predictor, table: pd.DataFrame
) -> None:
    for row in (0, 5, 9):
        answer = client.post("/predict", json={"rows": as_rows(table.iloc[[row]])})
        assert answer.status_code == 200
        assert answer.json() == {"predictions": expected(predictor, table.iloc[[row]])}


def test_rows_come_back_in_order(client: httpx.Client, predictor: Predictor, table: pd.DataFrame) -> None:
    answer = client.post("/predict", json={"rows": as_rows(table)})
    assert answer.json() == {"predictions": expected(predictor, table)}


def test_unknown_categories_nulls_and_further_columns_are_fine(client: httpx.Client, table: pd.DataFrame) -> None:
    row = as_rows(table.head(1))[0]
    rows = [row | {"plan": "never seen"}, dict.fromkeys(row), row | {"further": [1, 2]}]
    answer = client.post("/predict", json={"rows": rows})
    assert answer.status_code == 200
    assert len(answer.json()["predictions"]) == 3


def test_who_asks_otherwise_is_told_how(client: httpx.Client) -> None:
    answer = client.put("/v2/models/model/infer", json={})
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.json()["error"] == answer.json()["detail"]


def test_every_bad_cell_is_named_at_once(client: httpx.Client, table: pd.DataFrame) -> None:
    row = as_rows(table.iloc[[1]])[0]
    lacking = {name: value for name, value in row.items() if name != "plan"}
    rows = [row | {"age (years)": "abc"}, row, lacking, row | {"age (years)": "old"}]
    answer = client.post("/predict", json={"rows": rows})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == PROBLEM
    body = answer.json()
    assert body["status"] == 422
    assert {(error["row"], error["column"], error["value"]) for error in body["errors"]} == {
        (1, "age (years)", "abc"),
        (3, "plan", None),
        (4, "age (years)", "old"),
    }
    assert "abc" in next(error["message"] for error in body["errors"] if error["row"] == 1)


@pytest.mark.parametrize(
    ("method", "path", "options", "status"),
    [
        ("POST", "/predict", {"content": b"{", "headers": {"content-type": "application/json"}}, 400),
        ("POST", "/predict", {"content": b"1,2", "headers": {"content-type": "text/csv"}}, 415),
        ("POST", "/predict", {"content": b"{}"}, 415),
        ("POST", "/invocations", {"content": b"{}", "headers": {"content-type": "image/png"}}, 415),
        ("POST", "/invocations", {"json": {}, "headers": {"accept": "text/html"}}, 406),
        ("POST", "/predict", {"json": {"rows": [{}]}}, 422),
        ("POST", "/predict?reason=3", {"json": {"rows": [{}]}}, 400),
        ("POST", "/v2/models/model/infer?interval=0.9", {"json": {}}, 400),
        ("GET", "/predict", {}, 405),
        ("GET", "/nowhere", {}, 404),
    ],
)
def test_refusals_are_problem_details(
    client: httpx.Client, method: str, path: str, options: dict[str, Any], status: int
) -> None:
    answer = client.request(method, path, **options)
    assert answer.status_code == answer.json()["status"] == status
    assert answer.headers["content-type"] == PROBLEM
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_is_refused(client: httpx.Client, chunked: bool) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(17):
            yield b" " * 2**20

    headers = {"content-type": "application/json"}
    answer = client.post("/predict", content=chunks() if chunked else b"".join(chunks()), headers=headers)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == PROBLEM
    assert client.get("/ping").status_code == 200


def ask(app: App, path: str, body: object) -> httpx.Response:
    async def post() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.post(path, json=body)

    return asyncio.run(post())


def test_limits_can_be_set(predictor: Predictor) -> None:
    app = create_app(predictor, ServeOptions(limits=Limits(max_body_bytes=1000, max_rows=2)))
    assert ask(app, "/predict", {"rows": ["a" * 1000]}).status_code == 413
    assert ask(app, "/predict", {"rows": [{}] * 3}).status_code == 413
    assert ask(app, "/predict", {"rows": [{}] * 2}).status_code == 422


def test_a_fault_of_ours_says_nothing_about_itself(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    app = create_app(predictor)
    monkeypatch.setattr(Predictor, "of_typed", lambda *_, **__: 1 / 0)
    answer = ask(app, "/invocations", {"instances": predictor.example_rows()})
    assert answer.status_code == 500
    assert answer.headers["content-type"] == PROBLEM
    assert "ZeroDivision" not in answer.text


def test_the_documented_example_is_a_real_request(client: httpx.Client, predictor: Predictor) -> None:
    operations = client.get("/openapi.json").json()["paths"]
    content = operations["/predict"]["post"]["requestBody"]["content"]["application/json"]
    row = content["schema"]["properties"]["rows"]["items"]
    assert row["required"] == [column.name for column in predictor.schema.used]
    assert row["properties"]["age (years)"]["type"] == ["number", "string", "null"]
    assert row["properties"]["plan"]["type"] == ["string", "number", "boolean", "null"]
    answer = client.post("/predict", json=content["example"]).json()
    assert answer == {"predictions": expected(predictor, pd.DataFrame(predictor.example_rows()[:1]))}
    invocation = operations["/invocations"]["post"]["requestBody"]["content"]["application/json"]["example"]
    assert client.post("/invocations", json=invocation).json() == answer


def test_it_tells_what_it_is(client: httpx.Client) -> None:
    assert client.get("/ping").status_code == client.get("/health").status_code == 200
    assert client.get("/").headers["location"] == "/docs"
    version = client.get("/version").json()
    assert version["automl"] == automl.__version__
    assert version["classes"] == ["in time", "late"]
    assert version["model"]["versions"]["numpy"]


def test_its_documentation_asks_nobody_else(client: httpx.Client) -> None:
    page = client.get("/docs").text
    asked = re.findall(r"""(?:src|href|url)\s*[=:]\s*["']([^"']+)["']""", page)
    assert len(asked) >= 4
    for path in asked:
        assert path.startswith("/")
        assert client.get(path).status_code == 200


@pytest.mark.parametrize(
    "path", ["/ping", "/health", "/metrics", "/version", "/v2/health/ready", "/v2", "/v2/models/model"]
)
def test_heads_of_what_it_tells_can_be_asked_for(client: httpx.Client, path: str) -> None:
    answer, whole = client.head(path), client.get(path)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == whole.headers["content-type"]


def test_eight_clients_at_once(client: httpx.Client, predictor: Predictor, table: pd.DataFrame) -> None:
    rows, wanted = as_rows(table), expected(predictor, table)

    def ask(i: int) -> bool:
        answer = client.post("/predict", json={"rows": [rows[i % len(rows)]]})
        return answer.status_code == 200 and answer.json()["predictions"] == [wanted[i % len(rows)]]

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(ask, range(200)))


def test_requests_in_flight_are_finished_after_sigterm(run: Path, predictor: Predictor) -> None:
    body = json.dumps({"instances": predictor.example_rows()[:1]}).encode()
    with started("-c", SERVE, run, "0.0.0.0") as (process, stderr, address):
        assert "warning: 0.0.0.0 is open to the network" in stderr.readline()
        port = urlsplit(address).port
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.putrequest("POST", "/invocations")
        connection.putheader("content-type", "application/json")
        connection.putheader("content-length", str(len(body)))
        connection.endheaders(body[:10])
        assert httpx.get(f"http://127.0.0.1:{port}/ping").status_code == 200  # the server has seen what came before
        process.send_signal(signal.SIGTERM)
        while _accepts(port):
            pass
        connection.send(body[10:])
        assert connection.getresponse().status == 200
        connection.close()
        assert process.wait(30) in (0, -signal.SIGTERM)


def _accepts(port: int | None) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port or 0), timeout=5).close()
    except ConnectionError:
        return False
    return True


def test_a_taken_port_is_one_clear_line(run: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AutoMLError, match=rf"127\.0\.0\.1:{port}.*in use.*--port"):
            serve(run, "127.0.0.1", port)


def test_what_is_nested_deeply_is_refused_with_a_reason(client: httpx.Client, predictor: Predictor) -> None:
    row, deep = predictor.example_rows()[0], "[" * 900 + "]" * 900
    names = [column.name for column in predictor.schema.used]
    rows = json.dumps({"rows": [row | {names[0]: "DEEP"}]})
    tensor = json.dumps({"inputs": [{"name": names[0], "shape": [1], "datatype": "FP64", "data": [1]}]})
    bodies = [("/predict", rows, '"DEEP"')]
    bodies += [("/v2/models/model/infer", tensor, part) for part in ('"FP64"', "[1]")]
    bodies += [("/v2/models/model/infer", '{"inputs": [], "id": 1}', "1")]
    bodies += [("/v2/models/model/infer", '{"inputs": [], "outputs": [{"name": 1}]}', "1")]
    bodies += [("/invocations", '{"dataframe_split": {"columns": [1], "data": []}}', "1")]
    for path, body, part in bodies:
        answer = client.post(path, content=body.replace(part, deep), headers={"content-type": "application/json"})
        assert (answer.status_code, "failed" in answer.text) == (422, False), (path, part, answer.text)


def test_what_a_server_unpacked_is_gone_after_sigterm(run: Path, tmp_path: Path) -> None:
    model = export(run, tmp_path / "m.automl.tar.gz")
    (tmp_path / "unpacked").mkdir()
    environment = os.environ | {"TMPDIR": str(tmp_path / "unpacked")}
    with started("-m", "automl", "serve", model, "--port", "0", environment=environment) as (process, _, _):
        assert list((tmp_path / "unpacked").glob("automl-*"))
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert not list((tmp_path / "unpacked").glob("automl-*"))


def test_options_for_processes_in_other_folders_have_absolute_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    variant = Variant(Path("b"), Role.SPLIT, 0.1)
    options = ServeOptions(trust=Path("key.pem"), variants=(variant,), capture=CaptureOptions(Path("kept"))).absolute()
    assert options.trust == tmp_path / "key.pem"
    assert options.variants[0].path == tmp_path / "b"
    assert options.capture is not None
    assert options.capture.folder == tmp_path / "kept"
    assert ServeOptions().absolute() == ServeOptions()
