"""mljar-supervised, in the mode that the task's preset names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.engines.contract import Predict, Task, main, numbers, probabilities

if TYPE_CHECKING:
    import pandas as pd

TASKS = {"binary": "binary_classification", "multiclass": "multiclass_classification", "regression": "regression"}
METRICS = {"roc_auc": "auc", "log_loss": "logloss", "rmse": "rmse"}
COLUMN = "prediction_"


def fit(task: Task, train: pd.DataFrame) -> None:
    from supervised import AutoML

    automl = AutoML(
        results_path=task.model,
        mode=task.preset,
        ml_task=TASKS[task.problem_type],
        eval_metric=METRICS[task.metric],
        total_time_limit=int(task.seconds),
        n_jobs=task.cores,
        random_state=task.seed,
        verbose=0,
    )
    automl.fit(*task.features_and_target(train))


def load(task: Task) -> Predict:
    from supervised import AutoML

    automl = AutoML(results_path=task.model)
    if task.regression:
        return lambda rows: numbers(automl.predict(rows))

    def predict(rows: pd.DataFrame) -> pd.DataFrame:
        table = automl.predict_all(rows).filter(regex=f"^{COLUMN}")
        return probabilities(table.to_numpy(), [name.removeprefix(COLUMN) for name in table])

    return predict


if __name__ == "__main__":
    main(fit, load)
