"""What a report tells, from Python."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from automl import TableReport, inspect_table
from automl.config import ReadOptions
from automl.errors import DataError, UsageError

DATASETS = Path(__file__).parents[2] / "datasets"


@pytest.fixture(scope="module")
def report() -> TableReport:
    return inspect_table(DATASETS / "churn.csv", target="churn")


def test_it_is_about_the_table(report: TableReport) -> None:
    assert (report.name, report.profile.rows, len(report.profile.columns)) == ("churn.csv", 1200, 16)
    assert report.task is not None
    assert report.task.classes == ("no", "yes")
    baseline = report.profile.target.baseline if report.profile.target is not None else None
    assert baseline is not None
    assert baseline.score > 0.7


def test_the_most_suspicious_columns_come_first(report: TableReport) -> None:
    names = [column.name for column in report.columns]
    assert sorted(names) == sorted(column.name for column in report.profile.columns)
    ranks = [min((finding.severity.rank for finding in report.about(name)), default=3) for name in names]
    assert ranks == sorted(ranks)
    assert ranks[0] < ranks[-1] == 3
    assert report.columns[-1].power == min(
        column.power or 0.0 for column in report.columns if not report.about(column.name)
    )


def test_json_holds_everything(report: TableReport) -> None:
    plain = report.to_json()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert len(plain["findings"]) == len(report.findings)
    assert [column["name"] for column in plain["profile"]["columns"]] == [c.name for c in report.profile.columns]
    assert plain["profile"]["target"]["problem_type"] == "binary"


def test_all_ways_in_give_the_same_report() -> None:
    frame = pd.read_csv(DATASETS / "wine.csv")
    target = frame.columns[-1]
    path = inspect_table(str(DATASETS / "wine.csv"), target=target)
    for table in (frame, pl.from_pandas(frame), frame.to_dict(orient="list")):
        report = inspect_table(table, target=target)
        assert report.name == "table"
        assert report.profile.associations == path.profile.associations
        assert [each.message for each in report.findings] == [each.message for each in path.findings]


def test_rows_keep_the_numbers_of_the_file() -> None:
    draw = np.random.default_rng(0)
    frame = pd.DataFrame({"x": draw.normal(size=90), "z": draw.normal(size=90), "y": draw.choice(["a", "b"], 90)})
    frame.loc[:29, "y"] = None
    frame.loc[60, ["x", "z"]] = [50.0, 50.0]
    assert inspect_table(frame, target="y").profile.anomalies[0].row == 61


def test_types_and_problem_type_are_followed() -> None:
    frame = pd.DataFrame({"zip": ["12345", "54321", "11111"] * 20, "y": [3, 4, 5] * 20})
    report = inspect_table(frame, target="y", types={"zip": "categorical"}, problem_type="regression")
    assert report.profile.columns[0].kind == "categorical"
    assert report.task is not None
    assert report.task.problem_type == "regression"


def test_a_target_alone_is_no_table() -> None:
    with pytest.raises(DataError, match="no column beside the target"):
        inspect_table({"y": [1, 2, 2]}, target="y")


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"target": "chrun"}, DataError, "did you mean 'churn'"),
        ({"problem_type": "binry", "target": "churn"}, UsageError, "did you mean 'binary'"),
        ({"types": {"age": "number"}}, UsageError, "type of 'age'"),
        ({"target": "customer_id"}, DataError, "too many for classes"),
    ],
)
def test_what_is_wrong_is_said(options: dict[str, object], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        inspect_table(DATASETS / "churn.csv", **options)  # type: ignore[arg-type]


NUMBERS = st.floats(allow_nan=True) | st.integers(-(10**20), 10**20) | st.sampled_from([0, 1, 999, -1e308, 1e-320])
WORDS = st.sampled_from(["", "a", "B", "yes", "no", "?", "unknown", "2024-02-30", "1.5", "$3", "12%"]) | st.text(
    max_size=6
)
DATES = st.datetimes().map(str) | st.just("2021-01-01")
COLUMNS = st.lists(st.sampled_from([NUMBERS, WORDS, DATES, st.none()]), min_size=1, max_size=4)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(st.data(), st.integers(2, 40), st.booleans())
def test_every_table_has_a_report(data: st.DataObject, rows: int, targeted: bool) -> None:
    kinds = data.draw(COLUMNS)
    cells = [data.draw(st.lists(st.none() | kind, min_size=rows, max_size=rows)) for kind in kinds]
    frame = pd.DataFrame({f"c{i}": pd.Series(column, dtype=object) for i, column in enumerate(cells)})
    if targeted:
        frame["y"] = data.draw(st.lists(st.integers(0, 2), min_size=rows, max_size=rows))
        assume(frame["y"].nunique() > 1)
    target = "y" if targeted else None
    report = inspect_table(frame, target=target, test=frame)
    plain = report.to_json()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert "</html>" in report.to_html()


def test_a_sheet_is_that_of_the_table_and_not_of_the_test_table(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": range(60), "y": ["a", "b"] * 30})
    frame.to_excel(tmp_path / "train.xlsx", sheet_name="Data", index=False)
    frame.to_csv(tmp_path / "test.csv", index=False)
    options = ReadOptions(sheet="Data")
    report = inspect_table(tmp_path / "train.xlsx", target="y", test=tmp_path / "test.csv", read=options)
    assert report.profile.shift is not None
