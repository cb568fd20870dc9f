"""The only reader of test labels: it scores a table of predictions with the metric of a data set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

GREATER_IS_BETTER = {"roc_auc": True, "log_loss": False, "rmse": False}
COLUMN = "probability_"


def scored(meta: dict[str, Any], test: Path, predicted: Path) -> float:
    """Return the metric of meta.json on the test labels."""
    target = meta["target"]
    y = pd.read_csv(test, usecols=[target], dtype=str, keep_default_na=False)[target]
    return score(meta["metric"], y, pd.read_csv(predicted), positive=meta.get("positive_class"))


def score(metric: str, y: pd.Series, table: pd.DataFrame, *, positive: str | None = None) -> float:
    """Return a metric of predictions: a column ``prediction``, or one ``probability_LABEL`` for every class.

    ``y`` is text as it stands in the file. Labels are compared by what they say: ``1.0`` is ``1``. A class without a
    column has probability zero; the logarithm is taken of at least the machine epsilon, as scikit-learn does.
    """
    if len(table) != len(y):
        raise ValueError(f"{len(table)} predictions for {len(y)} rows")
    if metric == "rmse":
        return float(np.sqrt(np.mean((table["prediction"].to_numpy() - y.to_numpy(dtype=float)) ** 2)))
    columns = {canonical(name.removeprefix(COLUMN)): name for name in table if name.startswith(COLUMN)}
    labels = y.map(canonical)
    if metric == "roc_auc":
        if positive is None:
            raise ValueError("roc_auc needs the positive_class of meta.json")
        return float(roc_auc_score(labels == canonical(positive), table[columns[canonical(positive)]]))
    if metric == "log_loss":
        right = np.zeros(len(y))
        for label, name in columns.items():
            right = np.where(labels == label, table[name], right)
        return float(-np.mean(np.log(np.clip(right, np.finfo(float).eps, 1))))
    raise ValueError(f"metric of meta.json must be one of {list(GREATER_IS_BETTER)}, got {metric!r}")


def canonical(label: object) -> str:
    """Return one spelling of a label, however an engine has read and written it."""
    text = str(label).strip()
    try:
        number = float(text)
    except ValueError:
        return text.casefold() if text.casefold() in ("true", "false") else text
    return str(int(number)) if number.is_integer() else repr(number)
