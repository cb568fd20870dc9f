"""``automl evaluate``: for people, for programs, and as a page."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from automl.cli import main

Failure = Callable[..., tuple[int, str]]


def test_people_read_the_verdict_and_every_metric(
    run: Path, datasets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(run), str(datasets / "churn.csv")]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    lines = said.out.splitlines()
    assert lines[1].startswith("roc_auc 0.")
    assert "expected after training" in lines[1]
    assert lines[2].startswith("expected calibration error")
    head = lines.index(next(line for line in lines if line.startswith("metric ")))
    assert lines[head - 1] == "positive class: yes"
    assert lines[head + 1].split()[0] == "roc_auc"
    assert "log_loss" in said.out
    assert "--html FILE" in lines[-1]


def test_programs_read_the_same_and_a_page_is_written(
    run: Path, datasets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = pd.read_csv(datasets / "churn.csv").assign(w=range(1200))
    frame.to_csv(tmp_path / "new.csv", index=False, sep="|")
    page = tmp_path / "model.html"
    command = ["evaluate", str(run), str(tmp_path / "new.csv"), "--weight", "w", "--sep", "|", "--html", str(page)]
    assert main([*command, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["rows"], told["left_out"], told["metric"]) == (1199, 1, "roc_auc")
    assert told["positive"] == "yes"
    assert told["assessment"]["scores"][0]["name"] == "roc_auc"
    assert "others are of the positive class, yes." in page.read_text(encoding="utf-8")
    assert main(command) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"report: {page}"


def test_fit_scores_its_test_table_alike(
    fitted: tuple[Path, object], run: Path, datasets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(run), str(datasets / "churn.csv"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    fit = json.loads(fitted[1].stdout)  # type: ignore[attr-defined]
    assert fit["positive"] == told["positive"] == "yes"
    expected = fit["test"]
    assert {each["name"]: each["score"]["value"] for each in told["assessment"]["scores"]} == pytest.approx(expected)


def test_what_is_wrong_is_one_line(run: Path, datasets: Path, tmp_path: Path, failure: Failure) -> None:
    churn = datasets / "churn.csv"
    assert failure("evaluate", tmp_path, churn) == (
        1,
        f"error: {tmp_path} holds no model; give a run folder or an exported model",
    )
    code, line = failure("evaluate", run, churn, "--weight", "wieght")
    assert code == 3
    assert "no column 'wieght'" in line
    code, line = failure("evaluate", run, datasets / "wine.csv")
    assert code == 3
    assert "no column 'churn'" in line
    code, line = failure("evaluate", run, churn, "--metric", "f1")
    assert code == 2
    assert "optimises 'roc_auc', not 'f1'" in line
