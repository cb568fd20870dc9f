"""AutoGluon, with the preset of the task. It has no seed for the whole fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.engines.contract import Predict, Task, main, numbers, probabilities

if TYPE_CHECKING:
    import pandas as pd

METRICS = {"roc_auc": "roc_auc", "log_loss": "log_loss", "rmse": "root_mean_squared_error"}


def fit(task: Task, train: pd.DataFrame) -> None:
    from autogluon.tabular import TabularPredictor

    predictor = TabularPredictor(
        task.target, problem_type=task.problem_type, eval_metric=METRICS[task.metric], path=task.model
    )
    predictor.fit(train, presets=task.preset, time_limit=task.seconds, num_cpus=task.cores, num_gpus=0)


def load(task: Task) -> Predict:
    from autogluon.tabular import TabularPredictor

    predictor = TabularPredictor.load(task.model)
    predictor.persist()
    if task.regression:
        return lambda rows: numbers(predictor.predict(rows))

    def predict(rows: pd.DataFrame) -> pd.DataFrame:
        table = predictor.predict_proba(rows)
        return probabilities(table.to_numpy(), list(table.columns))

    return predict


if __name__ == "__main__":
    main(fit, load)
