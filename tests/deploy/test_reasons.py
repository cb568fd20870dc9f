"""A served prediction gives its reasons on demand."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import jsonschema
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from small_models import small

from automl import Predictor, explain
from automl.data.table import ProblemType
from automl.deploy.answers import WRITERS
from automl.deploy.columnar import PARQUET, write_parquet
from automl.deploy.openapi import completed
from automl.deploy.served import AnswerOptions, Served


def rows_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    records = table.drop(columns="late", errors="ignore").to_dict(orient="records")
    return [{name: None if value != value else value for name, value in record.items()} for record in records]


def test_reasons_are_those_of_the_library(client: httpx.Client, predictor: Predictor, table: pd.DataFrame) -> None:
    few = table.head(2)
    answered = client.post("/predict?reasons=3", json={"rows": rows_of(few)}).json()["predictions"]
    wanted = explain(predictor, few.drop(columns="late")).reasons(3)
    for answer, reasons in zip(answered, wanted, strict=True):
        assert [each["column"] for each in answer["reasons"]] == [each.column for each in reasons]
        np.testing.assert_allclose([each["adds"] for each in answer["reasons"]], [each.adds for each in reasons])
    plain = client.post("/predict", json={"rows": rows_of(few)}).json()["predictions"]
    added = ("explained", "reasons")
    assert [{name: row[name] for name in row if name not in added} for row in answered] == plain


@pytest.mark.parametrize(
    ("problem_type", "of"),
    [
        (ProblemType.BINARY, lambda row: ("yes", row["probabilities"]["yes"])),
        (ProblemType.MULTICLASS, lambda row: (row["prediction"], row["probabilities"][str(row["prediction"])])),
        (ProblemType.REGRESSION, lambda row: (None, row["prediction"])),
        (ProblemType.QUANTILE, lambda row: ("q0.5", row["q0.5"])),
    ],
)
def test_what_is_explained_is_said_and_all_reasons_lead_from_its_base_to_it(
    problem_type: ProblemType, of: Callable[[dict[str, Any]], tuple[Any, float]]
) -> None:
    predictor = small([("lightgbm", {})], problem_type)
    answers = Served(predictor, "id").answer(predictor.example_rows(), AnswerOptions(reasons=99))
    operation = completed({"paths": {}}, predictor, guarded=False)["paths"]["/predict"]["post"]
    documented = operation["responses"]["200"]["content"]["application/json"]["schema"]
    answered = json.loads(WRITERS["application/json"](answers))
    jsonschema.validate(answered, documented)
    for row in answered["predictions"]:
        explained = row["explained"]
        assert (explained.get("of"), explained["predicted"]) == pytest.approx(of(row))
        added = sum(reason["adds"] for reason in row["reasons"])
        assert explained["base"] + added == pytest.approx(explained["predicted"])
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"predictions": [row | {"explained": {"base": 0.0}}]}, documented)


def test_columns_with_types_have_reasons(client: httpx.Client, table: pd.DataFrame) -> None:
    few = table.head(2).drop(columns="late")
    body = write_parquet({name: pa.array(few[name], from_pandas=True) for name in few})
    headers = {"content-type": PARQUET, "accept": "application/json"}
    typed = client.post("/predict?reasons=9", content=body, headers=headers).json()["predictions"]
    assert typed == client.post("/predict?reasons=9", json={"rows": rows_of(few)}).json()["predictions"]


def test_what_cannot_be_explained_is_refused_in_a_line(client: httpx.Client, table: pd.DataFrame) -> None:
    row = rows_of(table.head(1))
    many = client.post("/predict?reasons=3", json={"rows": row * 11})
    assert (many.status_code, "at most 10 rows" in many.json()["detail"]) == (400, True)
    wrong = client.post("/predict?reasons=many", json={"rows": row})
    assert (wrong.status_code, "such as 3" in wrong.json()["detail"]) == (400, True)
    flat = client.post("/predict?reasons=3", json={"rows": row}, headers={"accept": "text/csv"})
    assert (flat.status_code, "application/json" in flat.json()["detail"]) == (406, True)
