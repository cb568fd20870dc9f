from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import pytest
import yaml
from serving import started

from automl import AutoML, Predictor, load
from automl.deploy.export import export
from automl.errors import AutoMLError, UsageError
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


def test_a_place_that_is_named_like_another_format_is_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="named like ONNX, but the format is artifact; add format='onnx'"):
        export(run, tmp_path / "model.onnx")


def test_rows_in_a_model_have_only_the_columns_that_it_reads(churn_model: AutoML) -> None:
    predictor = churn_model.predictor_
    used = {column.name for column in predictor.schema.used}
    assert "customer_id" not in used
    assert {name for row in predictor.manifest["golden"]["rows"] for name in row} == used


def test_an_empty_folder_is_filled(run: Path, tmp_path: Path) -> None:
    export(run, tmp_path)
    assert load(tmp_path).task.target == "late"


def test_the_current_folder_is_filled_and_stays_it(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for form in ("artifact", "endpoint"):
        (tmp_path / form).mkdir()
        monkeypatch.chdir(tmp_path / form)
        assert export(run, Path(), form) == Path()  # type: ignore[arg-type]
        assert load(Path() if form == "artifact" else Path("model")).task.target == "late"


def test_a_full_disk_is_told_of_by_the_output(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: Path, to: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(source), None, str(to))

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(AutoMLError, match=r"^cannot write .*/new: No space left on device; make room"):
        export(run, tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_requirements_are_what_is_needed_as_installed(endpoint: Path, predictor: Predictor) -> None:
    lines = (endpoint / "requirements.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if "==" in line)
    assert pins["numpy"] == version("numpy")
    assert pins["fastapi"] == version("fastapi")
    assert {get_family(member["family"]).library for member in predictor.manifest["members"]} <= pins.keys()
    assert not {"ray", "optuna", "typer", "pytest", "automl"} & pins.keys()
    assert lines[-1] == "./automl-src"


def test_nothing_from_the_data_gets_into_code(endpoint: Path, table: pd.DataFrame) -> None:
    for name in ("app.py", "ray_app.py", "Dockerfile", "requirements.txt", "README.md"):
        text = (endpoint / name).read_text()
        assert not [column for column in table.columns if column not in ("same", "member", "late") and column in text]
        assert "{{" not in text
        assert "{%" not in text
        assert "49" not in text


def test_an_endpoint_starts_and_passes_its_own_tests(endpoint: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(endpoint, tmp_path / "moved")
    (moved / "model").rename(tmp_path / "opt")
    environment = os.environ | {
        "PORT": "1",
        "AIP_HTTP_PORT": "0",
        "PYTHONPATH": str(moved / "automl-src"),
        "MODEL": str(tmp_path / "opt"),
        "AUTOML_API_KEYS": "one, other",
        "LOG": "none",
    }
    with started(moved / "app.py", "serve", environment=environment) as (_, _, address):
        smoke = subprocess.run(
            [sys.executable, moved / "smoke_test.py", address], env=environment, capture_output=True, text=True
        )
        assert smoke.returncode == 0, smoke.stdout + smoke.stderr
        assert smoke.stdout.count("ok ") == 5
        load_test = [sys.executable, moved / "load_test.py", address, "--clients", "2", "--seconds", "0.3"]
        loaded = subprocess.run(load_test, env=environment, capture_output=True, text=True)
        assert loaded.returncode == 0, loaded.stdout + loaded.stderr
        assert "failed: 0" in loaded.stdout
        answer = moved / "example_answer.json"
        answer.write_text(answer.read_text().replace("probabilities", "other"))
        wrong = subprocess.run(
            [sys.executable, moved / "smoke_test.py", address], env=environment, capture_output=True, text=True
        )
    assert wrong.returncode == 1
    assert "FAILED POST /predict" in wrong.stdout
    assert subprocess.run(load_test, capture_output=True).returncode == 1  # nobody is there any more


def test_manifests_are_whole(endpoint: Path) -> None:
    compose = yaml.safe_load((endpoint / "compose.yaml").read_text())
    assert compose["services"]["endpoint"]["read_only"]
    objects = {each["kind"]: each for each in yaml.safe_load_all((endpoint / "kubernetes.yaml").read_text())}
    assert objects.keys() == {"Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget"}
    pod = objects["Deployment"]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    port = pod["containers"][0]["ports"][0]["containerPort"]
    assert port == objects["Service"]["spec"]["ports"][0]["targetPort"]
    replicas = yaml.safe_load((endpoint / "ray.yaml").read_text())
    assert replicas["http_options"]["host"] == "127.0.0.1"
    assert (endpoint / "requirements-ray.txt").read_text().endswith(f"ray[serve]=={version('ray')}\n")
    image = (endpoint / "Dockerfile").read_text()
    assert f"EXPOSE {port}\n" in image
    assert f"USER {pod['securityContext']['runAsUser']}\n" in image
    assert image.rstrip().endswith("FROM runtime\nCOPY model ./model")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_readme_holds_in_a_fresh_environment(endpoint: Path, tmp_path: Path) -> None:
    project = shutil.copytree(endpoint, tmp_path / "project")
    commands = (project / "README.md").read_text().split("```sh\n")[1].split("```")[0].splitlines()
    for command in commands[:-1]:
        subprocess.run(command, shell=True, check=True, cwd=project)
    python, app = (project / part for part in commands[-1].split())
    with started(app, python=python, environment={"PATH": os.environ["PATH"], "PORT": "0"}) as (_, _, address):
        subprocess.run([sys.executable, "-I", project / "smoke_test.py", address], check=True)
    listed = json.loads(subprocess.check_output([project / ".venv/bin/pip", "list", "--format", "json"]))
    assert not {package["name"] for package in listed} & {"ray", "optuna", "typer"}


ON_RAY = """
import subprocess, sys
import ray
from ray import serve
import ray_app
port = int(sys.argv[1])
ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
serve.start(http_options={"host": "127.0.0.1", "port": port})
serve.run(ray_app.app, route_prefix="/")
sys.exit(subprocess.run([sys.executable, "smoke_test.py", f"http://127.0.0.1:{port}"]).returncode)
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_project_passes_its_own_test_behind_the_doors_of_ray_serve(endpoint: Path, tmp_path: Path) -> None:
    project = shutil.copytree(endpoint, tmp_path / "project")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = os.environ | {"PYTHONPATH": f"{project / 'automl-src'}{os.pathsep}{project}"}
    command = [sys.executable, "-c", ON_RAY, str(port)]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
