"""Plain LightGBM: defaults that others have tuned on many data sets, early stopping on a holdout, no search."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from benchmarks.engines.contract import Predict, Task, estimator, main

if TYPE_CHECKING:
    import pandas as pd

CLASSIFICATION = {"learning_rate": 0.04, "subsample": 0.75, "num_leaves": 50, "min_child_samples": 40}
REGRESSION = {"learning_rate": 0.05, "subsample": 0.7, "num_leaves": 100, "min_child_samples": 3}
METRICS = {"roc_auc": "auc", "log_loss": "multi_logloss", "rmse": "rmse"}
ROUNDS = 10_000
PATIENCE = 100
HOLDOUT = 0.2
SHARE = 0.85
"""Of the budget, for the rounds; the imports before and the saving after need the rest."""


def fit(task: Task, train: pd.DataFrame) -> None:
    from lightgbm import LGBMClassifier, LGBMRegressor, early_stopping
    from sklearn.model_selection import train_test_split

    X, y = task.features_and_target(train)
    categories = {name: sorted(X[name].dropna().astype(str).unique()) for name in X if not is_number(X[name])}
    X = categorical(X, categories)
    stratify = None if task.regression or y.value_counts().min() < 2 else y
    X_fit, X_stop, y_fit, y_stop = train_test_split(X, y, test_size=HOLDOUT, random_state=task.seed, stratify=stratify)
    make, settings = (LGBMRegressor, REGRESSION) if task.regression else (LGBMClassifier, CLASSIFICATION)
    model = make(
        n_estimators=ROUNDS, subsample_freq=1, n_jobs=task.cores, random_state=task.seed, verbosity=-1, **settings
    )
    stop = [early_stopping(PATIENCE, first_metric_only=True, verbose=False), within(SHARE * task.seconds)]
    model.fit(X_fit, y_fit, eval_set=[(X_stop, y_stop)], eval_metric=METRICS[task.metric], callbacks=stop)
    task.place.mkdir()
    (task.place / "model.pickle").write_bytes(pickle.dumps((model, categories)))


def within(seconds: float) -> Callable[[Any], None]:
    """Return a callback that ends the rounds in time."""
    from lightgbm.callback import EarlyStopException

    until = time.monotonic() + seconds

    def check(env: Any) -> None:
        if time.monotonic() > until:
            raise EarlyStopException(env.iteration, env.evaluation_result_list)

    return check


def is_number(column: pd.Series) -> bool:
    from pandas.api.types import is_numeric_dtype

    return bool(is_numeric_dtype(column))


def categorical(X: pd.DataFrame, categories: dict[str, list[str]]) -> pd.DataFrame:
    """Return the table with text as pandas categories, those of the training table."""
    import pandas as pd

    known = {
        name: pd.Categorical(X[name].where(X[name].isna(), X[name].astype(str)), values)
        for name, values in categories.items()
    }
    return X.assign(**known)


def load(task: Task) -> Predict:
    model, categories = pickle.loads((task.place / "model.pickle").read_bytes())
    return estimator(task, model, lambda rows: categorical(rows, categories))


if __name__ == "__main__":
    main(fit, load)
