"""What a fit says before it trains."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import KFold

from automl import AutoML


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


def test_a_leak_is_said_in_a_few_seconds_too(frame: pd.DataFrame, tmp_path: Path) -> None:
    said = warnings(frame.assign(paid=frame["y"] * 3.0), tmp_path, time_budget=5)
    assert [message.split(" alone")[0] for message in said] == ["warning: 'paid'"]
