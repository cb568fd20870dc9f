"""How strongly pairs of columns go together, numbers and categories alike."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from automl.data.table import Kind
from automl.profile.record import Associations
from automl.profile.rows import Rows, ranks, vector

ROWS: Final = 5_000
COLUMNS: Final = 30
"""Columns that are compared: a larger matrix cannot be read."""
CATEGORIES: Final = 200
"""Most categories of a column that is compared: with few rows each, all columns seem related."""
FEWEST: Final = 10

Floats = NDArray[np.float64]


def associate(table: Rows, names: list[str], *, random_state: int) -> Associations | None:
    """Compare the target and the named columns pair by pair, on up to 5,000 rows; None if there are fewer than two.

    Two numbers: the correlation of Spearman. Two categories: Cramér's V, corrected for its bias (Bergsma 2013). A
    number and a category: the correlation ratio of the ranks.

    Parameters
    ----------
    names
        Columns by falling interest; the first of them are compared.
    """
    rows = table.sample(ROWS, random_state)
    typed = rows.typed()
    parts: dict[str, tuple[Floats, bool]] = {}
    if rows.task is not None and rows.y is not None:
        classes = rows.task.n_classes
        if classes <= CATEGORIES:
            parts[rows.task.target] = (rows.y.astype(np.float64), classes > 2)
    place = {name: i for i, name in enumerate(names)}
    for column in sorted(rows.schema.used, key=lambda column: place[column.name]):
        if column.kind.single and len(column.categories) <= CATEGORIES and len(parts) <= COLUMNS:
            parts[column.name] = (vector(column, typed), column.kind is Kind.CATEGORICAL)
    if len(parts) < 2:
        return None
    columns = list(parts.values())
    matrix = np.eye(len(columns))
    for i, one in enumerate(columns):
        for j, other in enumerate(columns[:i]):
            matrix[i, j] = matrix[j, i] = _strength(one, other)
    return Associations(tuple(parts), tuple(tuple(row) for row in matrix.round(3).tolist()))


def _strength(one: tuple[Floats, bool], other: tuple[Floats, bool]) -> float:
    both = np.isfinite(one[0]) & np.isfinite(other[0])
    if both.sum() < FEWEST:
        return 0.0
    (a, a_is_category), (b, b_is_category) = (one[0][both], one[1]), (other[0][both], other[1])
    if a.min() == a.max() or b.min() == b.max():
        return 0.0
    if a_is_category and b_is_category:
        return _cramer(a, b)
    if a_is_category or b_is_category:
        return _correlation_ratio(a, b) if a_is_category else _correlation_ratio(b, a)
    return float(np.corrcoef(ranks(a), ranks(b))[0, 1])


def _cramer(a: Floats, b: Floats) -> float:
    rows, columns = (np.unique(codes, return_inverse=True)[1] for codes in (a, b))
    height, width, total = rows.max() + 1, columns.max() + 1, len(a)
    table = np.bincount(rows * width + columns, minlength=height * width).reshape(height, width)
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / total
    phi = max(0.0, ((table - expected) ** 2 / expected).sum() / total - (height - 1) * (width - 1) / (total - 1))
    smaller = min(side - (side - 1) ** 2 / (total - 1) for side in (height, width)) - 1
    return float(np.sqrt(min(1.0, phi / smaller))) if smaller > 0 else 0.0


def _correlation_ratio(categories: Floats, numbers: Floats) -> float:
    values = ranks(numbers)
    _, place = np.unique(categories, return_inverse=True)
    counts = np.bincount(place)
    if len(counts) == len(values):
        return 0.0
    means = np.bincount(place, weights=values) / counts
    between = float((counts * (means - values.mean()) ** 2).sum() / ((values - values.mean()) ** 2).sum())
    chance = (len(counts) - 1) / (len(values) - 1)
    return float(np.sqrt(max(0.0, (between - chance) / (1 - chance))))
