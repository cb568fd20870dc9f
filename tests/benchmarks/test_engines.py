"""The contract of an engine, on models small enough to be read."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.engines.contract import AGAIN, Task, numbers, predict, probabilities


def task(folder: Path) -> Task:
    names = {name: str(folder / name) for name in ("train", "test", "model", "predictions", "timings")}
    return Task(**names, target="y", problem_type="regression", metric="rmse", seconds=1, cores=1, seed=0, preset="")


def test_a_task_survives_its_file(tmp_path: Path) -> None:
    task(tmp_path).write(tmp_path / "task.json")
    assert Task(**json.loads((tmp_path / "task.json").read_text())) == task(tmp_path)


def test_a_model_is_asked_for_the_table_and_for_single_rows(tmp_path: Path) -> None:
    asked: list[int] = []

    def model(rows: pd.DataFrame) -> pd.DataFrame:
        asked.append(len(rows))
        return numbers(rows["x"])

    predict(task(tmp_path), model, pd.DataFrame({"x": np.arange(5.0)}))
    assert asked[: 1 + AGAIN] == [5] * (1 + AGAIN)
    assert set(asked[1 + AGAIN :]) == {1}
    assert pd.read_csv(tmp_path / "predictions")["prediction"].tolist() == [0, 1, 2, 3, 4]
    assert json.loads((tmp_path / "timings").read_text())["row_ms"] > 0


def test_an_engine_that_cannot_read_one_row_keeps_its_predictions(tmp_path: Path) -> None:
    def model(rows: pd.DataFrame) -> pd.DataFrame:
        if len(rows) == 1:
            raise ValueError("one row only")
        return probabilities([[0.2, 0.8]] * len(rows), ["no", "yes"])

    predict(task(tmp_path), model, pd.DataFrame({"x": np.arange(5.0)}))
    assert list(pd.read_csv(tmp_path / "predictions")) == ["probability_no", "probability_yes"]
    assert "one row only" in json.loads((tmp_path / "timings").read_text())["row_error"]
