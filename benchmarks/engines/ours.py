"""Our engine: its command line fits and predicts; the loaded model is timed in process like that of any other."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.engines.contract import Predict, Task, main, numbers, probabilities

if TYPE_CHECKING:
    import pandas as pd

AUTOML = str(Path(sys.executable).with_name("automl"))


def fit_command(task: Task) -> list[str]:
    told = ["--target", task.target, "--metric", task.metric, "--time", f"{task.seconds:g}s", "--json"]
    limits = ["--jobs", str(task.cores), "--random-state", str(task.seed)]
    preset = ["--preset", task.preset] if task.preset else []
    return [AUTOML, "fit", task.train, *told, *limits, *preset, "--output", task.model]


def predict_command(task: Task) -> list[str]:
    proba = [] if task.regression else ["--proba"]
    return [AUTOML, "predict", task.model, task.test, *proba, "--output", task.predictions]


def report(printed: str) -> dict[str, Any]:
    """Return what ``automl fit --json`` says of its own model."""
    said = json.loads(printed)
    return {"estimate": said["score"], "candidates": len(said["leaderboard"])}


def fit(task: Task, train: pd.DataFrame) -> None:
    raise NotImplementedError("our engine is fitted by fit_command")


def load(task: Task) -> Predict:
    from automl import load as load_model

    model = load_model(task.model)
    if task.regression:
        return lambda rows: numbers(model.predict(rows))
    return lambda rows: probabilities(model.predict_proba(rows), list(model.classes_))


if __name__ == "__main__":
    main(fit, load)
