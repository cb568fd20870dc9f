"""The small tables that come with the project."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from automl.data.io import read_table
from automl.data.schema import apply_schema, infer_schema
from automl.data.table import Kind, ProblemType
from automl.data.task import encode_target, infer_task

FOLDER = Path(__file__).parents[1] / "datasets"

TARGETS = {
    "breast_cancer": ("diagnosis", ProblemType.BINARY),
    "wine": ("cultivar", ProblemType.MULTICLASS),
    "diabetes": ("progression", ProblemType.REGRESSION),
    "churn": ("churn", ProblemType.BINARY),
}


def test_the_script_writes_the_same_bytes(tmp_path: Path) -> None:
    subprocess.run([sys.executable, FOLDER / "make.py", tmp_path], check=True)
    assert {path.stem for path in FOLDER.glob("*.csv")} == set(TARGETS)
    for path in FOLDER.glob("*.csv"):
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name


@pytest.mark.parametrize("name", TARGETS)
def test_each_has_its_task(name: str) -> None:
    frame, _ = read_table(FOLDER / f"{name}.csv")
    target, problem_type = TARGETS[name]
    y = frame.pop(target)
    task = infer_task(y, target)
    assert task.problem_type is problem_type
    assert encode_target(y, task)[1].all()
    assert len(apply_schema(frame, infer_schema(frame))) == len(frame)


def test_churn_has_a_column_of_every_kind() -> None:
    frame, _ = read_table(FOLDER / "churn.csv")
    kinds = {column.name: column.kind for column in infer_schema(frame.drop(columns="churn")).columns}
    assert kinds == {
        "customer_id": Kind.IDENTIFIER,
        "signup_date": Kind.DATETIME,
        "last_login": Kind.DATETIME,
        "town": Kind.CATEGORICAL,
        "job_title": Kind.CATEGORICAL,
        "age": Kind.NUMERIC,
        "plan": Kind.CATEGORICAL,
        "monthly_fee": Kind.NUMERIC,
        "discount": Kind.NUMERIC,
        "payment": Kind.CATEGORICAL,
        "autopay": Kind.BOOLEAN,
        "support_calls": Kind.NUMERIC,
        "logins_per_week": Kind.NUMERIC,
        "newsletter": Kind.BOOLEAN,
        "country": Kind.CONSTANT,
        "note": Kind.TEXT,
    }
