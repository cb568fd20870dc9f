"""``model.tar.gz`` for hosts: what a host does with it, done by a client that knows nothing but the contract."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pandas as pd
import pytest

from automl import Predictor, load
from automl.cli import main
from automl.deploy.export import export
from automl.errors import UsageError

HOST = """
import base64, importlib, json, sys
model_dir = sys.argv[1]
sys.path.insert(0, model_dir + "/code")
handler = importlib.import_module("inference")
assert handler.__file__.startswith(model_dir)
model = handler.model_fn(model_dir)
import automl
assert automl.__file__.startswith(model_dir)
print(json.dumps([200, "", ""]), flush=True)  # GET /ping
for line in sys.stdin:
    content_type, accept, text = json.loads(line)
    body = text if content_type.startswith("text/") else text.encode()
    try:
        answer, media_type = handler.output_fn(handler.predict_fn(handler.input_fn(body, content_type), model), accept)
        print(json.dumps([200, media_type, answer.decode()]), flush=True)
    except Exception as error:
        print(json.dumps([400, "", str(error)]), flush=True)
"""
"""Loads once; then, for each request, calls the functions in turn. Text comes as str, other bodies as bytes."""


@pytest.fixture(scope="module")
def unpacked(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hosting")
    assert main(["export", str(run), "--to", str(folder / "model.tar.gz"), "--format", "sagemaker"]) == 0
    with tarfile.open(folder / "model.tar.gz") as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # Python 3.11.3 has none
        archive.extractall(folder / "opt")
    return folder / "opt"


def test_it_holds_what_the_contract_names(unpacked: Path) -> None:
    assert sorted(path.name for path in unpacked.iterdir()) == ["code", "model"]
    lines = (unpacked / "code" / "requirements.txt").read_text().split()
    names = {line.partition("==")[0] for line in lines}
    assert {"numpy", "pandas"} <= names
    assert not names & {"automl", "fastapi", "uvicorn", "ray", "typer"}
    assert {path.name for path in (unpacked / "code").iterdir()} == {"automl", "inference.py", "requirements.txt"}


def test_the_file_is_a_model_too(unpacked: Path, predictor: Predictor, table: pd.DataFrame) -> None:
    again = load(unpacked.parent / "model.tar.gz")
    pd.testing.assert_frame_equal(again.predict_frame(table), predictor.predict_frame(table))


def test_a_host_gets_the_answers_of_the_model(unpacked: Path, predictor: Predictor, table: pd.DataFrame) -> None:
    features = table.drop(columns="late").head(5)
    expected = predictor.predict_frame(features, proba=True)
    records = json.loads(features.to_json(orient="records"))
    csv = "text/csv"
    requests = [
        (csv, csv, features.to_csv(index=False, header=False)),
        (f"{csv}; charset=utf-8", "*/*", features.to_csv(index=False)),
        ("application/json", "application/json", json.dumps({"instances": records})),
        ("application/json", "", json.dumps({"instances": [{"features": list(row.values())} for row in records]})),
        ("application/jsonlines", "application/jsonlines", "\n".join(map(json.dumps, records))),
        (csv, csv, "old,basic,0.5,yes,x"),
        ("image/png", csv, "x"),
        (csv, "image/png", features.to_csv(index=False)),
    ]
    process = subprocess.run(
        [sys.executable, "-c", HOST, unpacked],
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"PYTHONSAFEPATH": "1"},
        input="".join(json.dumps(request) + "\n" for request in requests),
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    ping, *answers = map(json.loads, process.stdout.splitlines())
    assert ping[0] == 200
    assert [status for status, _, _ in answers] == [200] * 5 + [400] * 3
    assert [form for _, form, _ in answers[:5]] == [csv, *["application/json"] * 3, "application/jsonlines"]
    first = pd.read_csv(io.StringIO(answers[0][2]), header=None)
    assert first.values.tolist() == expected.values.tolist()
    for _, _, text in answers[1:4]:
        assert [row["prediction"] for row in json.loads(text)["predictions"]] == expected["prediction"].tolist()
    assert "'old'" in answers[5][2]
    assert "text/csv" in answers[6][2]
    assert "accept one of" in answers[7][2]


def test_it_is_one_file(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a file that ends in"):
        export(run, tmp_path / "folder", "sagemaker")
