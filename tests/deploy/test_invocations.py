from __future__ import annotations

import csv
import gzip
import io
import json

import httpx
import orjson
import pandas as pd
import pytest

from automl import Predictor


@pytest.fixture(scope="module")
def features(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop(columns="late").head(12)


@pytest.fixture(scope="module")
def wanted(predictor: Predictor, features: pd.DataFrame) -> list[list[object]]:
    return predictor.predict_frame(features, proba=True).values.tolist()


def plain(answer: httpx.Response) -> list[list[object]]:
    """Return an answer in any of its forms as a list of rows."""
    assert answer.status_code == 200, answer.text
    media_type = answer.headers["content-type"].partition(";")[0]
    if media_type == "text/csv":
        return [[row[0], *map(float, row[1:])] for row in csv.reader(io.StringIO(answer.text))]
    lines = (
        answer.json()["predictions"] if media_type == "application/json" else map(json.loads, answer.text.splitlines())
    )
    return [[line["prediction"], *line["probabilities"].values()] for line in lines]


@pytest.mark.parametrize("header", [False, True])
@pytest.mark.parametrize("accept", ["*/*", "text/csv", "application/json", "application/jsonlines"])
def test_csv(
    client: httpx.Client, features: pd.DataFrame, wanted: list[list[object]], header: bool, accept: str
) -> None:
    body = features.to_csv(index=False, header=header)
    answer = client.post("/invocations", content=body, headers={"content-type": "text/csv", "accept": accept})
    assert answer.headers["content-type"].startswith("text/csv" if accept == "*/*" else accept)
    assert plain(answer) == wanted


@pytest.mark.parametrize("key", ["instances", "dataframe_split", "features"])
def test_json(client: httpx.Client, features: pd.DataFrame, wanted: list[list[object]], key: str) -> None:
    split = json.loads(features.to_json(orient="split", double_precision=15))
    body: dict[str, object] = {"dataframe_split": split}
    if key == "instances":
        body = {key: [dict(zip(split["columns"], row, strict=True)) for row in split["data"]]}
    if key == "features":
        body = {"instances": [{"features": row} for row in split["data"]]}
    assert plain(client.post("/invocations", json=body)) == wanted


def test_json_lines(client: httpx.Client, features: pd.DataFrame, wanted: list[list[object]]) -> None:
    body = features.to_json(orient="records", lines=True, double_precision=15)
    answer = client.post("/invocations", content=body, headers={"content-type": "application/jsonlines"})
    assert answer.headers["content-type"] == "application/jsonlines"
    assert plain(answer) == wanted


def test_a_csv_row_of_another_length_is_named(client: httpx.Client) -> None:
    answer = client.post("/invocations", content=b"1,2,3\n", headers={"content-type": "text/csv"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["row"] == 1
    assert "age (years), plan" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-encoding": "gzip"}, 415),
        ({"content-encoding": "identity"}, 200),
        ({"content-type": "application/json; charset=latin-1"}, 415),
        ({"content-type": 'application/json; Charset="UTF-8"'}, 200),
    ],
)
@pytest.mark.parametrize("path", ["/predict", "/invocations"])
def test_a_body_that_is_packed_or_not_utf_8_is_told_what_to_send(
    client: httpx.Client, predictor: Predictor, path: str, headers: dict[str, str], status: int
) -> None:
    body = orjson.dumps({"rows": predictor.example_rows()[:1]})
    content = gzip.compress(body) if headers.get("content-encoding") == "gzip" else body
    answer = client.post(path, content=content, headers={"content-type": "application/json"} | headers)
    assert answer.status_code == status
    assert status == 200 or "; send the body " in answer.json()["detail"]
