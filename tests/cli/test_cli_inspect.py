"""``automl inspect``: for people, for programs, and as a page."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from automl import inspect_table
from automl.cli import main
from automl.insights.registry import INSIGHTS

Failure = Callable[..., tuple[int, str]]


def test_people_read_findings_and_columns(datasets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(datasets / "churn.csv"), "--target", "churn"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert "1,200 rows x 17 columns" in said.out
    assert "--types town=text" in said.out
    in_python = inspect_table(datasets / "churn.csv", target="churn").findings
    assert any("types={'town': 'text'}" in finding.message for finding in in_python)
    assert "`" not in said.out
    assert max(map(len, said.out.splitlines())) <= 80
    for column in ("customer_id", "monthly_fee", "logins_per_week"):
        assert column in said.out


def test_programs_read_the_same(datasets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "report.html"
    churn = str(datasets / "churn.csv")
    assert main(["inspect", churn, "--target", "churn", "--test", churn, "--html", str(page), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert {finding["insight"] for finding in report["findings"]} >= {"test_rows_in_training", "constant", "identifier"}
    assert {finding["severity"] for finding in report["findings"]} <= {"high", "medium", "low"}
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_markup_in_a_table_is_no_markup(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "[bold]odd.csv"
    path.write_text("[red]a[/red],b\n" + "[link=x]1,:smile:\n" * 3 + "[/],k\n" * 3)
    assert main(["inspect", str(path)]) == 0
    out = capsys.readouterr().out
    assert "[red]a[/red]" in out
    assert "[bold]odd" in out
    assert ":smile:" in out


def test_a_wrong_target_is_one_line(datasets: Path, failure: Failure) -> None:
    code, line = failure("inspect", datasets / "churn.csv", "--target", "chrun")
    assert (code, line) == (3, "error: there is no column 'chrun'; did you mean 'churn'?")


def test_every_option_that_is_named_exists() -> None:
    known = {"--types", "--groups", "--time-column", "--metric", "--problem-type"}
    sources = Path(INSIGHTS[0].look.__code__.co_filename).parent.glob("*.py")
    named = {option for source in sources for option in re.findall(r"--[a-z][a-z-]+", source.read_text())}
    assert named <= known
