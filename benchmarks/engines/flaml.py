"""FLAML with its defaults: one model, the best that its search found."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

from benchmarks.engines.contract import Predict, Task, estimator, main

if TYPE_CHECKING:
    import pandas as pd


def fit(task: Task, train: pd.DataFrame) -> None:
    from flaml import AutoML

    X, y = task.features_and_target(train)
    automl = AutoML()
    automl.fit(
        X,
        y,
        task=task.problem_type,
        metric=task.metric,
        time_budget=task.seconds,
        n_jobs=task.cores,
        seed=task.seed,
        verbose=0,
    )
    if automl.model is None:
        raise RuntimeError("FLAML found no model")
    task.place.mkdir()
    (task.place / "automl.pickle").write_bytes(pickle.dumps(automl))


def load(task: Task) -> Predict:
    automl = pickle.loads((task.place / "automl.pickle").read_bytes())
    return estimator(task, automl, lambda rows: rows)


if __name__ == "__main__":
    main(fit, load)
