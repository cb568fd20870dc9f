"""What an engine is to the comparison: ``fit`` makes a folder of a table, ``load`` makes predictions with it.

An engine's file runs in the engine's environment, as ``python -m benchmarks.engines.NAME fit|predict TASK``, where
``TASK`` is a file that :class:`Task` describes. Nothing but pandas and the standard library is imported here.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd

SINGLE_ROWS = 100
SINGLE_SECONDS = 10.0
WARM_UP = 3
AGAIN = 3
AGAIN_SECONDS = 20.0
"""A table that takes longer is not predicted again."""


@dataclass(frozen=True)
class Task:
    """All that an engine is told. The test table has no target column."""

    train: str
    test: str
    target: str
    problem_type: Literal["binary", "multiclass", "regression"]
    metric: Literal["roc_auc", "log_loss", "rmse"]
    seconds: float
    """Budget of the fit, from the start of the process to the saved model."""
    cores: int
    seed: int
    preset: str
    model: str
    """Folder to save in; it does not exist."""
    predictions: str
    timings: str

    @property
    def place(self) -> Path:
        return Path(self.model)

    @property
    def regression(self) -> bool:
        return self.problem_type == "regression"

    def features_and_target(self, frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
        return frame.drop(columns=self.target), frame[self.target]

    def elsewhere(self, predictions: Path) -> Task:
        """Return the same task with the predictions in another file."""
        return replace(self, predictions=str(predictions))

    def write(self, file: Path) -> None:
        file.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")


Fit = Callable[[Task, "pd.DataFrame"], None]
Predict = Callable[["pd.DataFrame"], "pd.DataFrame"]
Load = Callable[[Task], Predict]


def main(fit: Fit, load: Load) -> None:
    """Do what the command line says with an engine's two functions."""
    import pandas as pd

    stage, file = sys.argv[1:]
    task = Task(**json.loads(Path(file).read_text(encoding="utf-8")))
    if stage == "fit":
        fit(task, pd.read_csv(task.train))
    else:
        predict(task, load(task), pd.read_csv(task.test))


def predict(task: Task, model: Predict, rows: pd.DataFrame) -> None:
    """Write the predictions for all rows, and the times of the whole table and of single rows.

    The first prediction of a table also loads what an engine loads when it is first asked, libraries included.
    """
    table, seconds = timed(model, rows)
    table.to_csv(task.predictions, index=False)
    times: dict[str, object] = {"table_seconds": seconds, "rows_per_second": len(rows) / seconds}
    if seconds < AGAIN_SECONDS:
        times["again_rows_per_second"] = len(rows) / min(timed(model, rows)[1] for _ in range(AGAIN))
    try:
        times["row_ms"] = 1000 * single(model, rows)
    except Exception as error:  # some engines read one row otherwise than many; their table counts all the same
        times["row_error"] = f"{type(error).__name__}: {error}"[:300]
    Path(task.timings).write_text(json.dumps(times), encoding="utf-8")


def timed(model: Predict, rows: pd.DataFrame) -> tuple[pd.DataFrame, float]:
    """Return predictions, and the seconds that they took."""
    started = time.perf_counter()
    table = model(rows)
    return table, time.perf_counter() - started


def single(model: Predict, rows: pd.DataFrame) -> float:
    """Return the median seconds of a prediction for one row."""
    times: list[float] = []
    started = time.perf_counter()
    for number in range(WARM_UP + SINGLE_ROWS):
        row = rows.iloc[[number % len(rows)]].reset_index(drop=True)
        times.append(timed(model, row)[1])
        if number >= WARM_UP and time.perf_counter() - started > SINGLE_SECONDS:
            break
    return statistics.median(times[WARM_UP:])


def probabilities(values: object, labels: Sequence[object]) -> pd.DataFrame:
    """Return probabilities, one column a class, as the contract names them."""
    import pandas as pd

    return pd.DataFrame(values, columns=[f"probability_{label}" for label in labels])


def estimator(task: Task, model: Any, prepare: Callable[[pd.DataFrame], pd.DataFrame]) -> Predict:
    """Return the predictions of a model with scikit-learn's methods, for rows that are prepared first."""
    if task.regression:
        return lambda rows: numbers(model.predict(prepare(rows)))
    return lambda rows: probabilities(model.predict_proba(prepare(rows)), list(model.classes_))


def numbers(values: object) -> pd.DataFrame:
    """Return predictions of a regression as the contract names them."""
    import numpy as np
    import pandas as pd

    return pd.DataFrame({"prediction": np.asarray(values, dtype=float).ravel()})
