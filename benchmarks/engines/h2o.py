"""H2O AutoML with its defaults; it starts a Java server of its own in every process."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from benchmarks.engines.contract import Predict, Task, main, numbers, probabilities

if TYPE_CHECKING:
    import pandas as pd

METRICS = {"roc_auc": "AUC", "log_loss": "logloss", "rmse": "RMSE"}


def start(task: Task) -> None:
    import h2o

    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    h2o.init(nthreads=task.cores, port=port, name=f"comparison-{port}", verbose=False)
    h2o.no_progress()


def fit(task: Task, train: pd.DataFrame) -> None:
    import h2o
    from h2o.automl import H2OAutoML

    start(task)
    frame = h2o.H2OFrame(train)
    if not task.regression:
        frame[task.target] = frame[task.target].asfactor()
    automl = H2OAutoML(max_runtime_secs=int(task.seconds), sort_metric=METRICS[task.metric], seed=task.seed)
    automl.train(y=task.target, training_frame=frame)
    if automl.leader is None:
        raise RuntimeError("H2O found no model")
    h2o.save_model(automl.leader, task.model, filename="leader")


def load(task: Task) -> Predict:
    import h2o

    start(task)
    model = h2o.load_model(str(task.place / "leader"))
    if task.regression:
        return lambda rows: numbers(model.predict(h2o.H2OFrame(rows)).as_data_frame()["predict"])
    labels = model._model_json["output"]["domains"][-1]

    def predict(rows: pd.DataFrame) -> pd.DataFrame:
        table = model.predict(h2o.H2OFrame(rows)).as_data_frame().drop(columns="predict")
        return probabilities(table.to_numpy(), labels)

    return predict


if __name__ == "__main__":
    main(fit, load)
