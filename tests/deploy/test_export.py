from __future__ import annotations

import json
import os
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

import httpx
import pandas as pd
import pytest
from serving import started

from automl import Predictor, load
from automl.deploy.export import export
from automl.errors import AutoMLError
from automl.models.registry import get_family


@pytest.fixture(scope="module")
def endpoint(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(run, tmp_path_factory.mktemp("export") / "endpoint", "endpoint")


def test_an_artifact_predicts_as_its_run(run: Path, predictor: Predictor, table: pd.DataFrame, tmp_path: Path) -> None:
    copied = export(run, tmp_path / "new" / "artifact")
    pd.testing.assert_frame_equal(
        load(copied).predict_frame(table, proba=True), predictor.predict_frame(table, proba=True), check_exact=True
    )
    again = export(copied, tmp_path / "again")
    assert sorted(path.name for path in again.rglob("*")) == sorted(path.name for path in copied.rglob("*"))


@pytest.mark.parametrize("form", ["artifact", "endpoint"])
def test_a_folder_with_something_in_it_is_left_alone(run: Path, tmp_path: Path, form: str) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(AutoMLError, match="not an empty folder"):
        export(run, tmp_path, form)  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_empty_folder_is_filled(run: Path, tmp_path: Path) -> None:
    export(run, tmp_path)
    assert load(tmp_path).task.target == "late"


def test_requirements_are_what_is_needed_as_installed(endpoint: Path, predictor: Predictor) -> None:
    lines = (endpoint / "requirements.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if "==" in line)
    assert pins["numpy"] == version("numpy")
    assert pins["fastapi"] == version("fastapi")
    assert {get_family(member["family"]).library for member in predictor.manifest["members"]} <= pins.keys()
    assert not {"ray", "optuna", "typer", "pytest", "automl"} & pins.keys()
    assert lines[-1] == "./automl-src"


def test_nothing_from_the_data_gets_into_code(endpoint: Path, table: pd.DataFrame) -> None:
    for name in ("app.py", "Dockerfile", "requirements.txt", "README.md"):
        text = (endpoint / name).read_text()
        assert not [column for column in table.columns if column not in ("same", "member", "late") and column in text]
        assert "{{" not in text
        assert "49" not in text


def test_an_endpoint_starts_and_answers(endpoint: Path, predictor: Predictor, tmp_path: Path) -> None:
    moved = shutil.copytree(endpoint, tmp_path / "moved")
    environment = os.environ | {"PORT": "0", "PYTHONPATH": str(moved / "automl-src")}
    with started(moved / "app.py", environment=environment) as (_, _, address):
        request = json.loads((moved / "example_request.json").read_text(encoding="utf-8"))
        answer = httpx.post(f"{address}/predict", json=request).json()["predictions"]
    example = predictor.predict_frame(pd.DataFrame(predictor.example_rows()[:1]), proba=True)
    assert answer[0]["prediction"] == example["prediction"][0]
    assert list(answer[0]["probabilities"].values()) == example.iloc[0, 1:].tolist()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_readme_holds_in_a_fresh_environment(endpoint: Path, tmp_path: Path) -> None:
    project = shutil.copytree(endpoint, tmp_path / "project")
    commands = (project / "README.md").read_text().split("```sh\n")[1].split("```")[0].splitlines()
    for command in commands[:-1]:
        subprocess.run(command, shell=True, check=True, cwd=project)
    python, app = (project / part for part in commands[-1].split())
    with started(app, python=python, environment={"PATH": os.environ["PATH"], "PORT": "0"}) as (_, _, address):
        request = json.loads((project / "example_request.json").read_text(encoding="utf-8"))
        assert httpx.post(f"{address}/predict", json=request).status_code == 200
    listed = json.loads(subprocess.check_output([project / ".venv/bin/pip", "list", "--format", "json"]))
    assert not {package["name"] for package in listed} & {"ray", "optuna", "typer"}
