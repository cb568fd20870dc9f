"""Plain CatBoost: its own defaults, early stopping on a holdout, no search."""

from __future__ import annotations

import pickle
import time
from typing import TYPE_CHECKING, Any

from benchmarks.engines.contract import Predict, Task, estimator, main

if TYPE_CHECKING:
    import pandas as pd

METRICS = {"roc_auc": "AUC", "log_loss": "MultiClass", "rmse": "RMSE"}
PATIENCE = 50
HOLDOUT = 0.2
SHARE = 0.85
"""Of the budget, for the rounds; the imports before and the saving after need the rest."""


class Within:
    """Callback that ends the rounds in time."""

    def __init__(self, seconds: float) -> None:
        self.until = time.monotonic() + seconds

    def after_iteration(self, info: Any) -> bool:
        return time.monotonic() < self.until


def fit(task: Task, train: pd.DataFrame) -> None:
    from catboost import CatBoostClassifier, CatBoostRegressor
    from pandas.api.types import is_numeric_dtype
    from sklearn.model_selection import train_test_split

    X, y = task.features_and_target(train)
    names = [name for name in X if not is_numeric_dtype(X[name])]
    stratify = None if task.regression or y.value_counts().min() < 2 else y
    X_fit, X_stop, y_fit, y_stop = train_test_split(
        text(X, names), y, test_size=HOLDOUT, random_state=task.seed, stratify=stratify
    )
    model = (CatBoostRegressor if task.regression else CatBoostClassifier)(
        eval_metric=METRICS[task.metric],
        cat_features=names,
        thread_count=task.cores,
        random_seed=task.seed,
        early_stopping_rounds=PATIENCE,
        allow_writing_files=False,
        verbose=False,
    )
    model.fit(X_fit, y_fit, eval_set=(X_stop, y_stop), callbacks=[Within(SHARE * task.seconds)])
    task.place.mkdir()
    (task.place / "model.pickle").write_bytes(pickle.dumps((model, names)))


def text(X: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Return the table with categories as text, a missing one too: CatBoost takes no missing category."""
    return X.assign(**{name: X[name].astype(str).where(X[name].notna(), "missing") for name in names})


def load(task: Task) -> Predict:
    model, names = pickle.loads((task.place / "model.pickle").read_bytes())
    return estimator(task, model, lambda rows: text(rows, names))


if __name__ == "__main__":
    main(fit, load)
