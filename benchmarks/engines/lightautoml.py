"""LightAutoML's preset for tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.engines.contract import Predict, Task, main, numbers, probabilities

if TYPE_CHECKING:
    import pandas as pd

TASKS = {"binary": "binary", "multiclass": "multiclass", "regression": "reg"}
METRICS = {"roc_auc": "auc", "log_loss": "crossentropy", "rmse": "mse"}


def fit(task: Task, train: pd.DataFrame) -> None:
    import joblib
    from lightautoml.automl.presets.tabular_presets import TabularAutoML
    from lightautoml.tasks import Task as LightTask

    automl = TabularAutoML(
        task=LightTask(TASKS[task.problem_type], metric=METRICS[task.metric]),
        timeout=task.seconds,
        cpu_limit=task.cores,
        reader_params={"n_jobs": task.cores, "random_state": task.seed},
    )
    automl.fit_predict(train, roles={"target": task.target})
    task.place.mkdir()
    joblib.dump(automl, task.place / "automl.joblib")


def load(task: Task) -> Predict:
    import joblib
    import numpy as np

    automl = joblib.load(task.place / "automl.joblib")
    if task.regression:
        return lambda rows: numbers(automl.predict(rows).data)
    places = automl.reader.class_mapping
    labels = [0, 1] if task.problem_type == "binary" else list(range(automl.reader._n_classes))
    for label, place in (places or {}).items():
        labels[place] = label

    def predict(rows: pd.DataFrame) -> pd.DataFrame:
        values = automl.predict(rows).data
        if task.problem_type == "binary":
            values = np.column_stack([1 - values[:, 0], values[:, 0]])
        return probabilities(values, labels)

    return predict


if __name__ == "__main__":
    main(fit, load)
