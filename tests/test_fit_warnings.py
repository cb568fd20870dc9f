"""What a fit says before it trains."""

from __future__ import annotations

from pathlib import Path
from warnings import catch_warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import KFold

from automl import AutoML
from automl.errors import DataWarning


def warnings(frame: pd.DataFrame, folder: Path, *, folds: int | KFold = 2, **options: float) -> list[str]:
    """The warnings of a fit; all come before its plan."""
    messages: list[str] = []
    model = AutoML(
        folds=folds, output=folder / "run", on_progress=lambda seen: messages.append(seen.message or ""), **options
    )
    model.fit(frame, target="y")
    plan = next(i for i, message in enumerate(messages) if message.startswith("plan"))
    assert not any(message.startswith("warning") for message in messages[plan:])
    return [message for message in messages if message.startswith("warning")]


@pytest.fixture
def frame() -> pd.DataFrame:
    draw = np.random.default_rng(0)
    y = draw.integers(0, 2, 300)
    return pd.DataFrame({"x": np.round(draw.normal(y, 1.5), 4), "z": np.round(draw.normal(-y, 1.5), 4), "y": y})


def test_a_sound_table_needs_no_warning(frame: pd.DataFrame, tmp_path: Path) -> None:
    assert warnings(frame, tmp_path, max_trials=1) == []


def test_leaks_duplicates_tiny_classes_and_order_are_said(frame: pd.DataFrame, tmp_path: Path) -> None:
    few = frame["y"].eq(0) | (np.arange(300) < 24)
    frame = frame[few].assign(paid=lambda rows: rows["y"] * 3.0)
    frame = pd.concat([frame, frame.iloc[24:60]], ignore_index=True)
    frame["day"] = pd.date_range("2024-01-01", periods=len(frame), freq="h")
    frame.loc[frame.index[-30:], "day"] = frame["day"].iloc[-31]
    said = warnings(frame, tmp_path, max_trials=1)
    assert said[0].startswith("warning: 'paid' alone tells 'y' almost completely")
    assert any("fewer than 20 rows" in message for message in said)
    assert any("in the order of 'day'" in message for message in said)


def test_rows_that_repeat_across_folds_are_said(frame: pd.DataFrame, tmp_path: Path) -> None:
    twice = pd.concat([frame, frame.iloc[:60]], ignore_index=True)
    assert warnings(twice, tmp_path / "own", max_trials=1) == [], "our folds keep them together"
    said = warnings(twice, tmp_path, max_trials=1, folds=KFold(2, shuffle=True, random_state=0))
    assert len(said) == 1
    assert "equal to one in another fold" in said[0]


def test_rows_to_validate_on_that_were_trained_on_are_said(frame: pd.DataFrame, tmp_path: Path) -> None:
    messages: list[str] = []
    model = AutoML(max_trials=1, output=tmp_path / "run", on_progress=lambda seen: messages.append(seen.message or ""))
    model.fit(frame.head(200), target="y", valid=frame.tail(150))
    (found,) = (message for message in messages if "to validate on" in message)
    assert found.startswith("warning: 50 of the 150 rows to validate on have the features of a training row")


def test_warnings_of_a_fit_without_progress_are_python_warnings(frame: pd.DataFrame, tmp_path: Path) -> None:
    frame = frame.assign(paid=frame["y"] * 3.0, code=[f"k{i}" for i in range(300)], id=range(300), c=1)
    frame["y"] = frame["y"].astype(float).where(frame.index >= 5)
    with pytest.warns(DataWarning) as caught:
        AutoML(max_trials=1, folds=2, output=tmp_path / "run").fit(frame, target="y")
    said = [str(each.message) for each in caught]
    assert [message for message in said if "left out" in message] == [
        "5 rows without a target are left out",
        "column 'code' is left out: identifier, codes: 295 different values in 295 cells; "
        "types={'code': 'text'} keeps it",
    ]
    assert any(message.startswith("'paid' alone tells 'y'") for message in said)
    assert {each.filename for each in caught} == {__file__}, "the line of the caller, not one of ours"


def test_values_of_a_target_that_are_no_numbers_are_named(frame: pd.DataFrame, tmp_path: Path) -> None:
    amounts = (frame["x"] + 3).map("{:.2f}".format)
    said = warnings(frame.assign(y=amounts.where(frame.index % 100 > 0, "ca. 5")), tmp_path, max_trials=1)
    assert "warning: 3 rows without a target are left out; 'ca. 5' cannot be read as numbers" in said


def test_a_target_in_several_units_is_said(frame: pd.DataFrame, tmp_path: Path) -> None:
    rates = [f"{x:.3f}" if i % 4 == 0 else f"{100 * x:.1f}%" for i, x in enumerate(frame["x"])]
    said = warnings(frame.assign(y=rates), tmp_path, max_trials=1)
    assert any("of the cells of 'y' have the sign %" in message for message in said)


def test_what_is_settled_needs_no_warning(frame: pd.DataFrame, tmp_path: Path) -> None:
    frame = frame.assign(code=[f"k{i}" for i in range(300)])
    with catch_warnings(action="error"):
        AutoML(max_trials=1, folds=2, types={"code": "identifier"}, output=tmp_path / "run").fit(frame, target="y")


def test_a_leak_is_said_in_a_few_seconds_too(frame: pd.DataFrame, tmp_path: Path) -> None:
    said = warnings(frame.assign(paid=frame["y"] * 3.0), tmp_path, time_budget=5)
    assert [message.split(" alone")[0] for message in said] == ["warning: 'paid'"]


def test_the_positive_class_is_said_where_the_metric_is_of_it(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=200)
    frame = pd.DataFrame({"x": x, "y": np.where(x + draw.normal(size=200) > 1.5, "fraud", "ok")})
    for name, options, said in (
        ("guess", {}, " of the positive class 'ok', positive='fraud' for the other one"),
        ("given", {"positive": "fraud"}, " of the positive class 'fraud'"),
    ):
        messages: list[str] = []
        model = AutoML(
            max_trials=1,
            folds=2,
            metric="f1",
            output=tmp_path / name,
            on_progress=lambda seen, to=messages: to.append(seen.message or ""),
            **options,
        )
        model.fit(frame, target="y")
        assert any(message.endswith(f"metric f1{said}") for message in messages)
        warned = [message for message in messages if message.startswith("warning: f1 is of 'ok'")]
        assert len(warned) == (name == "guess")


def test_the_class_that_a_direction_is_about_is_said(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    income = draw.normal(size=200)
    frame = pd.DataFrame({"income": income, "buys": np.where(income + draw.normal(size=200) > 0, "Ja", "Nein")})
    doubted = "; positive='Ja' makes it that of 'Ja', positive='Nein' settles it"
    for name, options, about, more in (("guess", {}, "Nein", doubted), ("given", {"positive": "Ja"}, "Ja", "")):
        messages: list[str] = []
        model = AutoML(
            max_trials=1,
            folds=2,
            monotone={"income": "increasing"},
            output=tmp_path / name,
            on_progress=lambda seen, to=messages: to.append(seen.message or ""),
            **options,
        )
        model.fit(frame, target="buys")
        said = f"what increases or decreases is the probability of {about!r}{more}"
        assert [message for message in messages if "increases" in message] == [f"warning: {said}" if more else said]
        probabilities = model.predict_proba(pd.DataFrame({"income": np.linspace(-3, 3, 50)}))
        assert np.diff(probabilities[:, list(model.classes_).index(about)]).min() >= 0
