"""Any family on resampled training rows: fewer of frequent classes, or more of rare ones. The door to imbalanced-learn.

No family knows of it: what is wrapped here sees other shares of the classes, and its probabilities are brought back.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from automl.errors import UsageError
from automl.features.matrix import Matrix
from automl.models.base import Family, FitContext, FoldData, Model, Params, Progress, Value, relay

RARE: Final = 0.1
"""Share of the rarest class below which resampling is tried."""
MOST: Final = 3
"""Rows of the most frequent class to one of the rarest, after resampling."""
UNDER: Final = "under"
OVER: Final = "over"
SMOTE: Final = "smote"
_NEIGHBOURS: Final = 5
_FILE: Final = "shares.json"


def require_library() -> None:
    """Check that imbalanced-learn is installed.

    Raises
    ------
    UsageError
        If it is not.
    """
    if find_spec("imblearn") is None:
        raise UsageError("resampling needs imbalanced-learn, which is not installed; pip install 'automl[imbalance]'")


def imbalanced(y: NDArray[Any], n_classes: int) -> bool:
    """Return whether the rarest of the classes has few rows.

    >>> imbalanced(np.repeat([0, 1], [19, 1]), 2), imbalanced(np.repeat([0, 1], [4, 1]), 2)
    (True, False)
    """
    return n_classes > 0 and bool(np.bincount(y, minlength=n_classes).min() < RARE * len(y))


def fit(
    family: Family, data: FoldData, params: Params, context: FitContext, how: str
) -> Generator[Progress, None, Model]:
    """Train as :meth:`Family.fit` does, on resampled rows: ``under``, ``over`` or ``smote``.

    The family stops early on validation rows that are weighted as if their classes had been resampled, too.
    """
    classes = context.shape.n_classes
    rows = resample(data, how, context.random_state)
    before, after = (_shares(each.y_train, classes, each.weight_train) for each in (data, rows))
    back = np.divide(before, after, out=np.ones(classes), where=after > 0)
    if family.weighted:
        weight = 1 / back[data.y_valid.astype(np.intp)]
        rows = replace(rows, weight_valid=weight if data.weight_valid is None else weight * data.weight_valid)
    training = family.fit(rows, params, context)
    model = yield from relay(training, lambda each: replace(each, prediction=correct_prior(each.prediction, back)))
    return PriorCorrected(model, tuple(back.tolist()))


def loaded(model: Model, folder: Path) -> Model:
    """Return a model as :func:`fit` made it, once its family has read it from the folder."""
    about = folder / _FILE
    return PriorCorrected(model, tuple(json.loads(about.read_text(encoding="utf-8")))) if about.exists() else model


def resample(data: FoldData, how: str, random_state: int) -> FoldData:
    """Return the fold with resampled training rows; those that are validated stay.

    ``smote`` makes rows between neighbours (Chawla et al. 2002); of columns of 0 and 1 they take what most neighbours
    have (SMOTENC). Where a class has too few rows for that, they are repeated.
    """
    from imblearn.over_sampling import RandomOverSampler
    from imblearn.under_sampling import RandomUnderSampler

    X, y = data.X_train, data.y_train.astype(np.int64)
    present, counts = np.unique(y, return_counts=True)
    smaller, larger = np.minimum(counts, MOST * counts.min()), np.maximum(counts, counts.max() // MOST)
    wanted = dict(zip(present.tolist(), (smaller if how == UNDER else larger).tolist(), strict=True))
    if how == SMOTE and counts.min() > 1:
        return _between_neighbours(data, wanted, min(_NEIGHBOURS, int(counts.min()) - 1), random_state)
    sampler = RandomUnderSampler if how == UNDER else RandomOverSampler
    numbers = np.arange(len(y))[:, None]
    chosen = np.sort(sampler(sampling_strategy=wanted, random_state=random_state).fit_resample(numbers, y)[0].ravel())
    weight = None if data.weight_train is None else data.weight_train[chosen]
    return _with_rows(data, X.values[chosen], y[chosen], weight)


def _between_neighbours(data: FoldData, wanted: Mapping[int, int], neighbours: int, random_state: int) -> FoldData:
    from imblearn import over_sampling

    values, y = data.X_train.dense, data.y_train.astype(np.int64)
    flags = np.flatnonzero(((values == 0) | (values == 1)).all(axis=0))
    settings: dict[str, Any] = {
        "sampling_strategy": dict(wanted),
        "k_neighbors": neighbours,
        "random_state": random_state,
    }
    mixed = 0 < len(flags) < values.shape[1]
    sampler = (
        over_sampling.SMOTENC(categorical_features=flags, **settings) if mixed else over_sampling.SMOTE(**settings)
    )
    made, classes = sampler.fit_resample(values, y)
    weight = data.weight_train
    if weight is not None:  # rows that were made count like those of their class
        mean = np.bincount(y, weight) / np.maximum(np.bincount(y), 1)
        weight = np.concatenate([weight, mean[classes[len(y) :]]])
    return _with_rows(data, np.ascontiguousarray(made, np.float32), classes, weight)


def _with_rows(data: FoldData, values: Any, y: NDArray[Any], weight: NDArray[np.float64] | None) -> FoldData:
    """Return the fold with other training rows, which nothing is cached for."""
    return replace(data, X_train=replace(data.X_train, values=values, key=""), y_train=y, weight_train=weight)


def _shares(y: NDArray[Any], classes: int, weight: NDArray[np.float64] | None) -> NDArray[np.float64]:
    counts = np.bincount(y.astype(np.intp), weight, classes)
    return np.asarray(counts / counts.sum())


def correct_prior(prediction: NDArray[np.float64], back: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (rows, classes) probabilities for the classes' own shares.

    Each is multiplied by its share before over its share after resampling (King and Zeng 2001; for rows that were left
    out Dal Pozzolo et al. 2015).

    >>> correct_prior(np.array([[0.5, 0.5]]), np.array([0.9 / 0.5, 0.1 / 0.5])).round(3).tolist()
    [[0.9, 0.1]]
    """
    shares = prediction * back
    known: NDArray[np.float64] = shares / shares.sum(axis=1, keepdims=True)
    return known


@dataclass(frozen=True, slots=True, eq=False)
class PriorCorrected(Model):
    """A model of resampled rows, and what its probabilities are multiplied by."""

    model: Model
    back: tuple[float, ...]

    def predict(self, X: Matrix) -> NDArray[np.float64]:
        """Return probabilities for the classes' own shares."""
        return correct_prior(self.model.predict(X), np.array(self.back))

    def formula(self, X: Any) -> Any:
        """Return what ``predict`` does, as a symbol of the columns."""
        return correct_prior(self.model.formula(X), np.array(self.back))

    def save(self, folder: Path) -> None:
        """Write the model, and ``shares.json`` beside it."""
        self.model.save(folder)
        (folder / _FILE).write_text(json.dumps(self.back), encoding="utf-8")

    def save_for_few_rows(self, folder: Path) -> None:
        """Write that of the model."""
        self.model.save_for_few_rows(folder)

    @property
    def details(self) -> Mapping[str, Value]:
        """Those of the model."""
        return self.model.details
