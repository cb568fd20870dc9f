"""Small problems that every family's tests share."""

from collections.abc import Callable, Generator

import numpy as np
import pytest

from automl.data.table import ProblemType
from automl.features.matrix import Matrix
from automl.models.base import FoldData, Model, Progress, Shape


def _matrix(values) -> Matrix:
    return Matrix(values, tuple(f"column{index}" for index in range(values.shape[1])))


@pytest.fixture(scope="session")
def as_matrix() -> Callable[..., Matrix]:
    return _matrix


@pytest.fixture(scope="session")
def problem() -> Callable[..., tuple[FoldData, Shape]]:
    """Rows of 5 normal columns whose first two decide a curved target."""

    def build(kind: ProblemType, n_classes: int = 0, rows: int = 400, missing: bool = False):
        rng = np.random.default_rng(7)
        X = rng.normal(size=(rows + 100, 5)).astype(np.float32)
        signal = X[:, 0] * X[:, 1] + X[:, 0] + rng.normal(0, 0.2, len(X))
        y = signal
        if kind.classification:
            y = np.digitize(signal, np.quantile(signal, np.arange(1, n_classes) / n_classes)).astype(np.int64)
        if missing:
            X[rng.random(X.shape) < 0.2] = np.nan
        data = FoldData(_matrix(X[:rows].copy()), y[:rows], _matrix(X[rows:].copy()), y[rows:])
        return data, Shape(kind, rows, 5, n_classes)

    return build


@pytest.fixture(scope="session")
def trained() -> Callable[..., tuple[Model, list[Progress]]]:
    """Run a fit to its end: the model, and what it yielded."""

    def run(fit: Generator[Progress, None, Model]) -> tuple[Model, list[Progress]]:
        reports = []
        while True:
            try:
                reports.append(next(fit))
            except StopIteration as end:
                return end.value, reports

    return run
