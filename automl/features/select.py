"""Which columns are worth their place: filters, and importance against random probes."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from automl.data.table import Task
from automl.features.numeric import LARGEST
from automl.features.sampling import sample

MOSTLY_MISSING: Final = 0.995
"""Share of missing rows above which a column is dropped."""
TELLING: Final = 50
"""Known rows with which it stays all the same: of many rows, a small share may be the ones that matter."""
WIDE: Final = 100
"""Columns above which importance decides."""
THIN: Final = 10
"""Rows a column below which importance decides."""
FEWEST: Final = 20
"""Columns that importance leaves at least."""
ROWS: Final = 20_000
CELLS: Final = 3_000_000
"""Rows times columns that importance is measured on."""
TREES: Final = 60
LEAVES: Final = 15
QUANTILE: Final = 0.9
"""Quantile of the probes' importances; what is not above it could be noise."""


def distinct(values: NDArray[np.float64], cardinalities: tuple[int, ...]) -> NDArray[np.intp]:
    """Return the columns that are neither constant, nor mostly missing, nor equal to an earlier one.

    A column is constant if all its rows are equal, where missing is a value too.

    >>> distinct(np.array([[1.0, 2.0, 1.0, 0.0], [1.0, 3.0, 1.0, np.nan], [1.0, 3.0, 1.0, 0.0]]), (0, 0, 0, 0)).tolist()
    [1, 3]
    """
    kept: list[int] = []
    seen: set[tuple[int, bytes]] = set()
    for i, cardinality in enumerate(cardinalities):
        column = np.ascontiguousarray(values[:, i]) + 0.0  # makes -0 equal to 0
        missing = np.isnan(column)
        share = missing.mean() if len(column) else 1.0
        rare = share > MOSTLY_MISSING and len(column) - np.count_nonzero(missing) < TELLING
        if rare or (not missing.any() and column.min() == column.max()):
            continue
        column[missing] = np.nan
        fingerprint = (cardinality, blake2b(column.tobytes(), digest_size=16).digest())
        if fingerprint not in seen:
            seen.add(fingerprint)
            kept.append(i)
    return np.array(kept, np.intp)


def crowded(rows: int, columns: int) -> bool:
    """Return whether there are so many columns that noise among them hurts."""
    return columns > FEWEST and (columns > WIDE or columns * THIN > rows)


def above_probes(values: NDArray[np.float32], y: NDArray[Any], task: Task, random_state: int) -> NDArray[np.intp]:
    """Return the columns that help a small boosted model more than shuffled copies of columns do.

    The probes of Stoppiglia, Dreyfus, Dubois, Oussar (2003); importance is the total gain.
    """
    generator = np.random.default_rng(random_state)
    columns = values.shape[1]
    rows = sample(len(values), min(ROWS, CELLS // columns), random_state)
    inner = values[rows]
    probes = generator.permuted(inner[:, generator.choice(columns, max(10, columns // 10))], axis=0)
    gain = gains(np.concatenate([inner, probes], axis=1), y[rows], task, random_state)
    least = np.quantile(gain[columns:], QUANTILE)
    order = np.argsort(-gain[:columns], kind="stable")
    return np.sort(order[: max(FEWEST, int((gain[:columns] > least).sum()))])


def gains(
    values: NDArray[np.floating],
    y: NDArray[Any],
    task: Task,
    random_state: int,
    *,
    categorical: tuple[int, ...] = (),
) -> NDArray[np.float64]:
    """Return (columns,) total gains of a small boosted model."""
    import lightgbm

    classes = task.n_classes if task.n_classes > 2 else 1
    settings = {
        "objective": {0: "regression", 2: "binary"}.get(task.n_classes, "multiclass"),
        "num_class": classes,
        "num_leaves": LEAVES,
        "learning_rate": 0.1,
        "feature_fraction": 0.3,
        "min_data_in_leaf": min(20, max(2, len(values) // 20)),
        "max_bin": 63,
        "num_threads": 1,
        "deterministic": True,
        "seed": random_state,
        "verbosity": -1,
    }
    table = np.clip(values, -LARGEST, LARGEST).astype(np.float32)
    data = lightgbm.Dataset(table, y.astype(np.float64), categorical_feature=list(categorical), params=settings)
    model = lightgbm.train(settings, data, num_boost_round=max(3, TREES // classes))
    gain: NDArray[np.float64] = model.feature_importance("gain")
    return gain
