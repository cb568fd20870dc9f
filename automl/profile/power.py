"""What one column alone tells of the target, measured on rows that its model did not see."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl.data.table import Column, Kind, ProblemType, Task
from automl.evaluation.classification import d2_brier, roc_auc
from automl.evaluation.regression import r2
from automl.profile.rows import matrix, ranks, vector

FOLDS: Final = 3
FEWEST: Final = 30
"""Rows below which nothing can be said."""
LEAVES: Final = (8, 64)
"""Leaves of the trees: few for a weak signal, many for one that is in every detail; the better tree counts."""
LEAF_ROWS: Final = 5
PRIOR: Final = 5.0
"""Rows' worth of the overall mean that a category starts with."""
WORDS: Final = 4096
TEXT_ROWS: Final = 4_000
TINY: Final = 1e-30

Outputs = NDArray[np.float64]
Learn = Callable[[Any, Outputs, Any], Outputs]
"""Training features and outputs, and the features to predict."""


def prediction_power(column: Column, typed: pd.DataFrame, y: NDArray[Any], task: Task) -> float | None:
    """Return how well a model of one column predicts the target: 0 = like guessing, 1 = perfectly; None if unknown.

    Numbers and dates: a small decision tree. Categories: their mean target in training rows, drawn towards the overall
    one. Text: a ridge regression on its words. Several numbers: one on them, or a tree. All are cross-validated. The
    score s is the ROC AUC (binary), the accuracy or the Brier skill (multiclass; the second sees what does not change
    the likeliest class), or R2 of the ranks of the target (regression; one outlier cannot decide it), given as
    max((s - b) / (1 - b), 0) with b the score of guessing.

    >>> frame = pd.DataFrame({"x": np.arange(60.0)})
    >>> column = Column("x", Kind.NUMERIC, "")
    >>> task = Task("y", ProblemType.BINARY, "", (0, 1))
    >>> prediction_power(column, frame, (np.arange(60) > 30).astype(int), task)
    1.0
    """
    rng = np.random.default_rng(0)
    if not column.kind.single and len(y) > TEXT_ROWS:
        picked = np.sort(rng.choice(len(y), TEXT_ROWS, replace=False))
        typed, y = typed.iloc[picked], y[picked]
    if len(y) < FEWEST or y.min() == y.max():
        return None
    features: Any
    learners: tuple[Learn, ...]
    if column.kind is Kind.TEXT:
        features, learners = _words(typed[column.name]), (_ridge,)
    elif column.length:
        features, learners = _standardised(matrix(column, typed)), (_ridge, _TREES[-1])
    elif column.kind is Kind.CATEGORICAL:
        codes, _ = pd.factorize(vector(column, typed))  # as many as there are here, whatever they are
        features, learners = codes, (_means,)
    else:  # only the order of numbers matters to a tree; missing ones come before all others
        features, learners = np.nan_to_num(ranks(vector(column, typed))), _TREES
    wanted, fold = _wanted(y, task), rng.permuted(np.arange(len(y)) % FOLDS)
    return round(
        max(0.0, *(_skill(y, _out_of_fold(learn, features, wanted, fold), wanted, task) for learn in learners)), 4
    )


def _out_of_fold(learn: Learn, features: Any, wanted: Outputs, fold: NDArray[Any]) -> Outputs:
    predicted = np.empty_like(wanted)
    for k in range(FOLDS):
        predicted[fold == k] = learn(features[fold != k], wanted[fold != k], features[fold == k])
    return predicted


def _wanted(y: NDArray[Any], task: Task) -> Outputs:
    """Return the target as (rows, outputs): one column a class of several, else one of 0 and 1 or of ranks."""
    if task.problem_type is ProblemType.MULTICLASS:
        return np.asarray(np.eye(task.n_classes)[y])
    if task.problem_type is ProblemType.BINARY:
        return y.astype(np.float64)[:, None]
    return ranks(y.astype(np.float64))[:, None]


def _skill(y: NDArray[Any], predicted: Outputs, wanted: Outputs, task: Task) -> float:
    if task.problem_type is ProblemType.BINARY:
        return 2 * roc_auc(y, np.column_stack([1 - predicted, predicted])) - 1
    if not task.problem_type.classification:
        return r2(wanted[:, 0], predicted[:, 0])
    trivial = np.bincount(y).max() / len(y)
    right = float(np.mean(predicted.argmax(axis=1) == y))
    return float(max((right - trivial) / (1 - trivial), d2_brier(y, predicted)))


def _tree(leaves: int, train: Outputs, wanted: Outputs, valid: Outputs) -> Outputs:
    """Predict by a tree; its checks would take longer than it does."""
    from sklearn.tree import DecisionTreeRegressor

    tree = DecisionTreeRegressor(max_leaf_nodes=leaves, min_samples_leaf=LEAF_ROWS, random_state=0)
    tree.fit(train.astype(np.float32).reshape(len(train), -1), wanted, check_input=False)
    predicted: Outputs = tree.predict(valid.astype(np.float32).reshape(len(valid), -1), check_input=False)
    return predicted.reshape(len(valid), -1)


_TREES: Final = tuple(partial(_tree, leaves) for leaves in LEAVES)


def _means(train: Outputs, wanted: Outputs, valid: Outputs) -> Outputs:
    overall = wanted.mean(axis=0)
    places = [codes + 1 for codes in (train, valid)]  # 0 is missing
    size = max(int(place.max(initial=0)) for place in places) + 1
    counts = np.bincount(places[0], minlength=size)
    sums = np.column_stack([np.bincount(places[0], weights=each, minlength=size) for each in wanted.T])
    means = (sums + PRIOR * overall) / (counts + PRIOR)[:, None]
    picked: Outputs = means[places[1]]
    return picked


def _words(texts: pd.Series[Any]) -> Any:
    from sklearn.feature_extraction.text import HashingVectorizer

    return HashingVectorizer(n_features=WORDS, alternate_sign=False).transform(texts.fillna(""))


def _standardised(numbers: Outputs) -> Outputs:
    held = np.nan_to_num(numbers[:, np.isfinite(numbers).any(axis=0)], nan=np.nan)
    return np.asarray(np.nan_to_num((held - np.nanmean(held, axis=0)) / np.maximum(np.nanstd(held, axis=0), TINY)))


def _ridge(train: Any, wanted: Outputs, valid: Any) -> Outputs:
    from sklearn.linear_model import Ridge

    model = Ridge(solver="sparse_cg", max_iter=30, tol=1e-2).fit(train, wanted)
    predicted: Outputs = model.predict(valid)
    return predicted.reshape(valid.shape[0], -1)
