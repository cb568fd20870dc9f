"""A whole table, measured: associations, anomalies, a test table, samples."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from automl.data.schema import infer_schema
from automl.data.task import encode_target, infer_task
from automl.insights.registry import find
from automl.profile import measure
from automl.profile.measure import profile_table, quick_profile
from automl.profile.record import Associations
from automl.profile.rows import Rows
from automl.profile.shift import find_shift


def rows_of(frame: pd.DataFrame, target: str | None = None) -> Rows:
    if target is None:
        return Rows.of(frame, infer_schema(frame))
    task = infer_task(frame[target], target)
    y, _ = encode_target(frame[target], task)
    features = frame.drop(columns=target)
    return Rows.of(features, infer_schema(features), task, y)


def table(rows: int = 500, seed: int = 0) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    x = draw.normal(size=rows)
    return pd.DataFrame(
        {
            "x": x,
            "down": -(x**3),
            "other": draw.normal(size=rows),
            "sign": np.where(x > 0, "plus", "minus"),
            "same": np.where(x > 0, "p", "m"),
            "day": pd.date_range("2024-01-01", periods=rows, freq="D"),
            "y": x + draw.normal(0, 0.3, rows),
        }
    )


def strength(found: Associations | None, one: str, other: str) -> float:
    assert found is not None
    matrix, names = np.array(found.matrix), found.names
    np.testing.assert_array_equal(matrix, matrix.T)
    assert np.abs(matrix).max() <= 1
    return float(matrix[names.index(one), names.index(other)])


def test_columns_that_go_together() -> None:
    found = profile_table(rows_of(table(), "y")).associations
    assert strength(found, "x", "down") == pytest.approx(-1, abs=0.001)
    assert strength(found, "sign", "same") == pytest.approx(1, abs=0.01)
    assert strength(found, "sign", "x") > 0.8
    assert strength(found, "y", "x") > 0.9
    for unrelated in ("x", "sign", "y"):
        assert abs(strength(found, "other", unrelated)) < 0.15


def test_the_row_unlike_the_others_comes_first() -> None:
    frame = table().drop(columns="down")
    frame.loc[77, ["x", "other"]] = [40.0, -35.0]
    first = profile_table(rows_of(frame, "y")).anomalies[0]
    assert first.row == 78
    assert {name for name, _, _ in first.cells} >= {"x", "other"}


def test_a_sample_of_a_large_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "ROWS", 200)
    frame = pd.concat([table(), table()], ignore_index=True)
    profile = profile_table(rows_of(frame, "y"))
    assert (profile.rows, profile.sampled) == (1000, 200)
    assert profile.duplicates is not None
    assert profile.duplicates.rows == 500, "duplicates are counted on all rows"
    assert profile.target is not None
    assert profile.target.rows == 1000
    day = next(column for column in profile.columns if column.name == "day")
    assert not day.sorted
    assert profile_table(rows_of(frame, "y")) == profile, "equal seeds draw equal rows"


def test_a_test_table_like_the_training_table_has_not_shifted() -> None:
    train, test = table(), table(seed=1).drop(columns=["y", "day"])
    rows = rows_of(train.drop(columns="day"), "y")
    shift = find_shift(rows, test, rows.schema)
    assert shift.auc is not None
    assert 0.4 < shift.auc < 0.6
    assert all(column.p_value > 0.01 for column in shift.columns)
    assert shift.repeated == 0


@pytest.mark.parametrize("column", ["x", "sign"])
def test_a_shift_is_in_the_column_that_moved(column: str) -> None:
    train, test = table().drop(columns="day"), table(seed=1).drop(columns=["y", "day"])
    test[column] = np.abs(test["x"]) + 1 if column == "x" else "plus"
    rows = rows_of(train, "y")
    shift = find_shift(rows, test, rows.schema)
    assert shift.columns[0].name == column
    assert shift.columns[0].psi > 0.25
    assert shift.columns[0].p_value < 1e-6
    assert max(other.psi for other in shift.columns[1:]) < 0.1


def test_few_test_rows_say_nothing() -> None:
    rows = rows_of(table(), "y")
    shift = find_shift(rows, table().head(10), rows.schema)
    assert (shift.columns, shift.auc, shift.repeated) == ((), None, 10)


def test_no_time_leaves_columns_unmeasured() -> None:
    rows = rows_of(table(), "y")
    folds = np.zeros(len(rows), dtype=np.int16)
    some = quick_profile(rows, folds=folds, seconds=0)
    assert [(column.name, column.power is None) for column in some.columns] == [(rows.frame.columns[0], False)]
    assert some.duplicates is None
    assert all(column.power is not None for column in quick_profile(rows, folds=folds).columns)


def test_a_quick_look_at_a_wide_table_sees_enough_rows() -> None:
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 5_000)))
    rows = Rows.of(frame.rename(columns=str), infer_schema(frame))
    assert quick_profile(rows, folds=None, seconds=0).sampled == 50


def test_a_table_without_a_target() -> None:
    profile = profile_table(rows_of(table()))
    assert profile.target is None
    assert all(column.power is None for column in profile.columns)
    assert profile.associations is not None


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_hardly_any_rows(rows: int) -> None:
    assert profile_table(rows_of(table(rows).drop(columns="y"))).rows == rows


def test_lists_of_identifiers_are_counted_as_what_they_hold() -> None:
    frame = pd.DataFrame({"item_ids": [[i % 7, i % 5] for i in range(300)], "x": range(300), "y": [0, 1] * 150})
    assert quick_profile(rows_of(frame, "y"), folds=None).columns[0].things == 35


def test_a_quick_look_counts_things_and_classes_in_all_rows() -> None:
    frame = pd.DataFrame({"patient_id": np.repeat(np.arange(1_000), 20), "x": np.random.default_rng(0).random(20_000)})
    rows = rows_of(frame.assign(y=np.where(np.arange(20_000) < 25, "ill", "well")), "y")
    found = quick_profile(rows, folds=None)
    assert (found.rows, found.sampled) == (20_000, 3_000)
    assert found.columns[0].things == 1_000
    assert [each.count for each in found.target.classes] == [25, 19_975]
    (said,) = (each.evidence for each in find(found, in_fit=True) if each.insight == "repeated_identifier")
    assert "20.0 rows each" in said
