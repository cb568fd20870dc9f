"""H2O AutoML with its defaults; it starts a Java server of its own in every process."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

from benchmarks.engines.contract import Predict, Task, main, numbers, probabilities

if TYPE_CHECKING:
    import pandas as pd

METRICS = {"roc_auc": "AUC", "log_loss": "logloss", "rmse": "RMSE"}
KINDS = {"int": "numeric", "real": "numeric"}
"""What the reader of rows calls the types of a frame."""


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
    kinds = {name: kind for name, kind in frame.types.items() if name != task.target}
    (task.place / "types.json").write_text(json.dumps(kinds), encoding="utf-8")


def load(task: Task) -> Predict:
    import h2o

    start(task)
    model = h2o.load_model(str(task.place / "leader"))
    kinds = json.loads((task.place / "types.json").read_text(encoding="utf-8"))

    def answer(rows: pd.DataFrame) -> pd.DataFrame:
        """Read the rows with the types of the training table: those of one row would be guessed otherwise."""
        frame = h2o.H2OFrame(rows, column_types={name: KINDS.get(kinds[name], kinds[name]) for name in rows})
        return model.predict(frame).as_data_frame()

    if task.regression:
        return lambda rows: numbers(answer(rows)["predict"])
    labels = model._model_json["output"]["domains"][-1]

    def predict(rows: pd.DataFrame) -> pd.DataFrame:
        return probabilities(answer(rows).drop(columns="predict").to_numpy(), labels)

    return predict


if __name__ == "__main__":
    main(fit, load)
