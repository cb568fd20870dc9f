"""A small boosted model, in cross-validation: enough to see whether there is anything to learn."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

ROUNDS: Final = 50
FOLDS: Final = 3
SETTINGS: Final = {
    "learning_rate": 0.2,
    "num_leaves": 15,
    "min_data_in_leaf": 10,
    "min_sum_hessian_in_leaf": 1.0,  # rare classes make steps without end
    "lambda_l2": 1.0,
    "num_threads": 1,  # on a table this small, threads mostly wait for each other
    "deterministic": True,
    "seed": 0,
    "verbosity": -1,
}


def out_of_fold(matrix: NDArray[np.float64], y: NDArray[Any], classes: int) -> NDArray[np.float64]:
    """Return (rows,) values or (rows, classes) probabilities from models that did not see the row.

    Parameters
    ----------
    y
        (rows,) class codes or values.
    classes
        Their number, 0 for values.
    """
    import lightgbm

    objective = {0: "regression", 2: "binary"}.get(classes, "multiclass")
    settings = SETTINGS | {"objective": objective} | ({"num_class": classes} if classes > 2 else {})
    predicted = np.empty((len(y), classes) if classes > 2 else len(y))
    fold = _folds(y)
    for k in range(FOLDS):
        train = lightgbm.Dataset(matrix[fold != k], y[fold != k].astype(np.float64), params=settings)
        model = lightgbm.train(settings, train, num_boost_round=ROUNDS)
        predicted[fold == k] = np.asarray(model.predict(matrix[fold == k], num_threads=1))
    return np.column_stack([1 - predicted, predicted]) if classes == 2 else predicted


def _folds(y: NDArray[Any]) -> NDArray[np.intp]:
    """Deal rows with equal or neighbouring targets out to the folds."""
    rng = np.random.default_rng(0)
    fold = np.empty(len(y), dtype=np.intp)
    fold[np.lexsort((rng.random(len(y)), y))] = np.arange(len(y)) % FOLDS
    return fold
