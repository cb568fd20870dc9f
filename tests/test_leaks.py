"""Planted traps: what random folds take for knowledge is seen through by the split that fits the data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.signal import lfilter
from sklearn.metrics import r2_score
from sklearn.model_selection import GroupKFold, RepeatedKFold, TimeSeriesSplit

from automl import AutoML
from automl.errors import DataError, UsageError
from automl.tuning.journal import Journal
from automl.tuning.store import read_run

QUICK: dict[str, Any] = {"max_trials": 1, "n_jobs": 1, "metric": "r2"}


@pytest.fixture(scope="module")
def patients() -> pd.DataFrame:
    """Eight rows each of 40 patients, who can be told by their looks; the target is noise that each has of his own."""
    random = np.random.default_rng(0)
    patient = random.permutation(np.repeat(np.arange(40), 8))
    looks, noise = random.normal(size=(40, 2)), random.normal(size=40)
    rows = looks[patient] + 0.01 * random.normal(size=(320, 2))
    return pd.DataFrame({"height": rows[:, 0], "weight": rows[:, 1], "patient": patient, "y": noise[patient]})


@pytest.fixture(scope="module")
def months() -> pd.DataFrame:
    """Rows in the order of time, by which the target wanders about 0 without a trend; one column drifts along."""
    random = np.random.default_rng(1)
    y = lfilter([1.0], [1.0, -0.98], random.normal(size=360))
    drift = np.arange(360) + random.normal(size=360)
    when = pd.date_range("2023-01-01", periods=360, freq="D").strftime("%Y-%m-%d")
    return pd.DataFrame({"drift": drift, "noise": random.normal(size=360), "when": when, "y": y})


def fit(frame: pd.DataFrame, output: Path, folds: object = 3, **options: Any) -> AutoML:
    model = AutoML(**QUICK, folds=folds, output=output / "run")  # type: ignore[arg-type]
    return model.fit(frame, target="y", **options)


def test_groups_are_not_known_by_their_looks(patients: pd.DataFrame, tmp_path: Path) -> None:
    assert fit(patients.drop(columns="patient"), tmp_path / "random").score_.value > 0.8
    model = fit(patients, tmp_path / "groups", groups="patient")
    assert model.score_.value < 0.2
    assert "patient" not in model.predictor_.feature_names_in_
    assert len(model.predict(patients.drop(columns="patient"))) == len(patients)
    problem = read_run(model.run_).problem
    for fold in range(3):
        train, valid = problem.folds.split(fold)
        assert not set(patients["patient"][train]) & set(patients["patient"][valid])
    assert problem.groups is not None
    assert len(set(problem.groups)) == 40


def test_the_future_is_not_known_from_the_rows_around_it(months: pd.DataFrame, tmp_path: Path) -> None:
    assert fit(months.drop(columns="when"), tmp_path / "random").score_.value > 0.8
    model = fit(months, tmp_path / "time", time="when")
    assert model.score_.value < 0.2
    folds = read_run(model.run_).problem.folds
    assert folds.forward
    assert folds.split(0)[1].tolist() == list(range(270, 360))


def test_the_latest_models_are_scored(months: pd.DataFrame, tmp_path: Path) -> None:
    assert_scored_on(months.tail(90), fit(months, tmp_path, time="when"))


def test_a_resumed_run_keeps_its_split(months: pd.DataFrame, patients: pd.DataFrame, tmp_path: Path) -> None:
    for frame, role in ((months, {"time": "when"}), (patients, {"groups": "patient"})):
        model = fit(frame, tmp_path / str(role), **role)
        before = read_run(model.run_).problem
        resumed = AutoML.resume(model.run_, time_budget=2)
        after = read_run(model.run_).problem
        assert resumed.score_.value < 0.2
        for fold in range(3):
            for rows, same in zip(before.folds.split(fold), after.folds.split(fold), strict=True):
                assert np.array_equal(rows, same)
        assert (before.folds.forward, before.folds.fixed) == (after.folds.forward, after.folds.fixed)
        assert np.array_equal(before.groups, after.groups) if before.groups is not None else after.groups is None


def test_copies_of_a_row_do_not_tell_of_it(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    frame = pd.DataFrame(random.normal(size=(60, 3)), columns=list("abc")).assign(y=random.normal(size=60))
    model = fit(pd.concat([frame] * 4, ignore_index=True), tmp_path)
    assert model.score_.value < 0.2


def test_a_second_table_is_validated_on(months: pd.DataFrame, tmp_path: Path) -> None:
    frame = months.drop(columns="when")
    train, valid = frame.iloc[:300], frame.iloc[300:]
    valid.to_csv(tmp_path / "valid.csv", index=False)
    model = fit(train, tmp_path / "file", None, valid=str(tmp_path / "valid.csv"))
    folds = read_run(model.run_).problem.folds
    assert [len(rows) for rows in folds.split(0)] == [300, 60]
    assert_scored_on(valid, model)
    same = AutoML(**QUICK, output=tmp_path / "pair")
    same.fit(train[["drift", "noise"]], train["y"], valid=(valid[["drift", "noise"]], valid["y"]))
    np.testing.assert_array_equal(same.predict(valid), model.predict(valid))


def assert_scored_on(rows: pd.DataFrame, model: AutoML) -> None:
    """The scores of the candidates are those of their first folds on these rows."""
    for row in model.board_.rows:
        assert row.score is not None
        assert row.score.value == pytest.approx(r2_score(rows["y"], Journal(model.run_).prediction(row.candidate, 0)))


@pytest.mark.parametrize(
    ("splitter", "role"),
    [
        (GroupKFold(3), {"groups": "patient"}),
        (TimeSeriesSplit(3), {}),
        (RepeatedKFold(n_splits=2, n_repeats=2, random_state=0), {}),
        ([(range(160), range(160, 320))], {}),
    ],
    ids=["groups", "time", "repeated", "pairs"],
)
def test_splitters_of_scikit_learn_are_taken(
    splitter: Any, role: dict[str, str], patients: pd.DataFrame, tmp_path: Path
) -> None:
    model = fit(patients, tmp_path, splitter, **role)
    groups = patients["patient"] if role else None
    pairs = splitter if isinstance(splitter, list) else splitter.split(patients, groups=groups)
    folds = read_run(model.run_).problem.folds
    found = [tuple(map(list, folds.split(fold))) for fold in range(folds.run)]
    expected = [(list(train), list(valid)) for train, valid in pairs]
    assert sorted(found) == sorted(expected)
    assert len(model.predict(patients.head(3))) == 3
    assert np.isfinite(model.score_.value)


def test_what_is_suspicious_is_said(patients: pd.DataFrame, months: pd.DataFrame, tmp_path: Path) -> None:
    seen: list[str] = []
    together = months.assign(patient_id=patients["patient"][:320].reindex(range(360), fill_value=1))
    for number, options in enumerate(({}, {"groups": "patient_id"})):
        seen.clear()
        model = AutoML(**QUICK, folds=2, output=tmp_path / str(number))
        model.on_progress = lambda snapshot: seen.append(snapshot.message) if snapshot.message else None
        model.fit(together, target="y", **options)
        warnings = [message for message in seen if message.startswith("warning")]
        advice = [message for message in warnings if "time='when'" in message or "groups='patient_id'" in message]
        assert len(advice) == (0 if options else 2), warnings


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"groups": "patients"}, DataError, "did you mean 'patient'"),
        ({"groups": "patient", "time": "height"}, UsageError, "got groups and time"),
        ({"time": [1, 2]}, DataError, "time has 2"),
        ({"valid": {"height": [1.0], "y": [2.0]}}, DataError, "like the training table.* 'weight'"),
        ({"valid": {"height": ["tall"], "weight": [1], "patient": [1], "y": [2.0]}}, DataError, "'tall' in row 1"),
        ({"valid": {"height": [1.0], "weight": [1.0], "patient": [1]}}, DataError, "no column 'y'"),
        ({"valid": {"height": [1.0], "weight": [1.0], "patient": [1], "y": [None]}}, DataError, "target"),
    ],
)
def test_wrong_calls_are_refused_before_anything_is_written(
    options: dict[str, Any], error: type[Exception], message: str, patients: pd.DataFrame, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        fit(patients, tmp_path, None, **options)
    assert not (tmp_path / "run").exists()
