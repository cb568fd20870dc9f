from __future__ import annotations

from typing import Any

import httpx
import pandas as pd
import pytest
from small_models import messy, small

from automl import Predictor
from automl.data.table import ProblemType
from automl.deploy.inference import model_metadata

INFER = "/v2/models/model/infer"


def tensors(frame: pd.DataFrame, nested: bool = False) -> list[dict[str, Any]]:
    rows = len(frame)
    inputs = []
    for name in frame.columns:
        values = [None if value != value else value for value in frame[name].tolist()]
        inputs.append(
            {
                "name": name,
                "shape": [rows, 1] if nested else [rows],
                "datatype": "FP64" if frame[name].dtype.kind == "f" else "BYTES",
                "data": [[value] for value in values] if nested else values,
            }
        )
    return inputs


@pytest.mark.parametrize("problem_type", ProblemType)
def test_the_outputs_that_are_told_are_those_that_are_answered(problem_type: ProblemType) -> None:
    predictor = small([("linear", {})], problem_type)
    told = model_metadata(predictor, "model", "1")["outputs"]
    answered = predictor.predict_frame(messy().head(2), proba=problem_type.classification)
    assert [output["name"] for output in told] == list(answered)


@pytest.mark.parametrize("nested", [False, True])
def test_named_tensors(client: httpx.Client, predictor: Predictor, table: pd.DataFrame, nested: bool) -> None:
    features = table.drop(columns="late").head(9)
    answer = client.post(INFER, json={"id": "a7", "inputs": tensors(features, nested)}).json()
    wanted = predictor.predict_frame(features, proba=True)
    assert answer["id"] == "a7"
    assert answer["model_name"] == "model"
    assert answer["model_version"] == client.get("/version").json()["model"]["id"]
    assert {output["name"]: output["data"] for output in answer["outputs"]} == wanted.to_dict(orient="list")
    assert {(output["datatype"], *output["shape"]) for output in answer["outputs"]} == {("BYTES", 9), ("FP64", 9)}


def test_the_version_that_is_served_can_be_asked_for(client: httpx.Client, table: pd.DataFrame) -> None:
    (version,) = client.get("/v2/models/model").json()["versions"]
    body = {"inputs": tensors(table.head(2))}
    answer = client.post(f"/v2/models/model/versions/{version}/infer", json=body)
    assert answer.status_code == 200
    assert answer.json() == client.post(INFER, json=body).json()
    for path, word in (
        ("model/versions/7", f"'7'; served are {version!r}"),
        ("m/versions/7", "'model'"),
    ):
        answer = client.post(f"/v2/models/{path}/infer", json=body)
        assert answer.status_code == 404
        assert word in answer.json()["error"]
    named = client.get(f"/v2/models/model/versions/{version}")
    assert named.json() == client.get("/v2/models/model").json()
    assert client.get(f"/v2/models/model/versions/{version}/ready").json() == {"name": "model", "ready": True}
    assert [client.get(f"/v2/models/model/versions/7{end}").status_code for end in ("", "/ready")] == [404, 404]


def test_outputs_can_be_chosen(client: httpx.Client, table: pd.DataFrame) -> None:
    body: dict[str, Any] = {"inputs": tensors(table.head(2)), "outputs": [{"name": "probability_late"}]}
    assert [output["name"] for output in client.post(INFER, json=body).json()["outputs"]] == ["probability_late"]
    refused = client.post(INFER, json=body | {"outputs": [{"name": "certainty"}]})
    assert refused.status_code == 422
    assert "certainty" in refused.json()["detail"]


def test_it_says_what_it_takes_and_gives(client: httpx.Client, predictor: Predictor, table: pd.DataFrame) -> None:
    assert client.get("/v2").json()["name"] == "automl"
    for path in ("/v2/health/live", "/v2/health/ready", "/v2/models/model/ready"):
        assert client.get(path).status_code == 200
    model = client.get("/v2/models/model").json()
    assert [tensor["name"] for tensor in model["inputs"]] == [column.name for column in predictor.schema.used]
    answered = client.post(INFER, json={"inputs": tensors(table.head(1))}).json()["outputs"]
    assert [(tensor["name"], tensor["datatype"]) for tensor in answered] == [
        (tensor["name"], tensor["datatype"]) for tensor in model["outputs"]
    ]


def test_the_documented_example_is_a_real_request(client: httpx.Client) -> None:
    operation = client.get("/openapi.json").json()["paths"]["/v2/models/{name}/infer"]["post"]
    example = operation["requestBody"]["content"]["application/json"]["example"]
    assert client.post(INFER, json=example).status_code == 200


def test_every_bad_cell_is_named_at_once(client: httpx.Client, table: pd.DataFrame) -> None:
    inputs = tensors(table.drop(columns="late").head(2))
    inputs[0]["data"] = ["old", "older"]
    answer = client.post(INFER, json={"inputs": inputs[:1] + inputs[2:]})
    assert answer.status_code == 422
    body = answer.json()
    assert body["error"] == body["detail"]
    assert {(error["row"], error["column"]) for error in body["errors"]} == {
        (1, "age (years)"),
        (2, "age (years)"),
        (1, "plan"),
        (2, "plan"),
    }


ONE = {"name": "a", "shape": [1], "datatype": "FP64", "data": [1]}


@pytest.mark.parametrize(
    ("path", "body", "status", "word"),
    [
        ("/v2/models/mode/infer", {}, 404, "'model'"),
        (INFER, b"{", 400, "JSON"),
        (INFER, [], 422, "inputs"),
        (INFER, {"inputs": []}, 422, "at least one"),
        (INFER, {"inputs": [7]}, 422, "input 1"),
        (INFER, {"inputs": [ONE, ONE]}, 422, "twice"),
        (INFER, {"inputs": [ONE | {"datatype": "TEXT"}]}, 422, "BYTES"),
        (INFER, {"inputs": [ONE | {"data": None}]}, 422, "no data"),
        (INFER, {"inputs": [ONE | {"shape": [2, 2]}]}, 422, "shape"),
        (INFER, {"inputs": [ONE | {"shape": [2]}]}, 422, "1 values"),
        (INFER, {"inputs": [ONE, ONE | {"name": "b", "shape": [2], "data": [1, 2]}]}, 422, "equally many"),
        (INFER, {"inputs": [ONE], "id": 7}, 422, "id"),
        (INFER, {"inputs": [ONE], "outputs": ["prediction"]}, 422, "outputs"),
        (INFER, {"inputs": [ONE | {"shape": [100_001], "data": [1] * 100_001}]}, 413, "more than 100000 rows"),
    ],
)
def test_requests_that_are_refused(client: httpx.Client, path: str, body: object, status: int, word: str) -> None:
    answer = client.post(path, content=body) if isinstance(body, bytes) else client.post(path, json=body)
    assert answer.status_code == status
    assert word in answer.json()["detail"]
