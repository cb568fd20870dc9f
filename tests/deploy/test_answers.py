from __future__ import annotations

import json

import numpy as np

from automl.deploy.answers import WRITERS, accepted
from automl.deploy.problem import BadCells, RequestError

VALUES = {"prediction": np.array([1.5, np.nan])}
CLASSES = {
    "prediction": np.array([1, 0]),
    "probability_0": np.array([0.25, 1.0]),
    "probability_1": np.array([0.75, 0.0]),
}


def test_values_have_no_probabilities_and_nan_is_null() -> None:
    assert json.loads(WRITERS["application/json"](VALUES)) == {
        "predictions": [{"prediction": 1.5}, {"prediction": None}]
    }
    assert WRITERS["text/csv"](VALUES) == b'1.5\n""\n'


def test_classes_keep_their_type() -> None:
    assert json.loads(WRITERS["application/json"](CLASSES))["predictions"][0] == {
        "prediction": 1,
        "probabilities": {"0": 0.25, "1": 0.75},
    }
    assert WRITERS["text/csv"](CLASSES) == b"1,0.25,0.75\n0,1.0,0.0\n"
    assert len(WRITERS["application/jsonlines"](CLASSES).splitlines()) == 2


def test_the_answer_has_a_form_that_the_client_accepts() -> None:
    assert accepted("", "text/csv") == "text/csv"
    assert accepted("application/json, text/csv", "text/csv") == "application/json"
    assert accepted("image/png, text/*", "text/csv") == "text/csv"
    assert accepted("image/png", "text/csv") is None
    assert accepted("application/json;q=0, text/csv", "application/json") == "text/csv"
    assert accepted("text/csv;q=0.2, application/json; Q=0.7", "text/csv") == "application/json"
    assert accepted("*/*, application/json;q=0", "application/json") == "application/jsonlines"
    assert accepted("*/*;q=0", "application/json") is None
    assert accepted("text/*;q=0.1, application/x-ndjson;q=x", "application/json") == "application/x-ndjson"


def test_a_problem_is_short_however_much_is_wrong() -> None:
    wrong = BadCells()
    for row in range(5000):
        wrong.add(row, "a", "x" * 10_000, "wrong")
    body = json.loads(RequestError.of_cells(wrong).to_json())
    assert body["detail"] == "wrong (and 4999 more)"
    assert len(body["errors"]) == 100
    assert len(body["errors"][0]["value"]) == 100
