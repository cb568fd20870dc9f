"""Columns that identify rows, and those of them that tell of the target all the same: tables that grew over time keep
that order in them.
"""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl.data.table import Kind, Schema, Task

THINGS: Final = (
    "user|customer|client|patient|order|account|product|item|session|store|member|student|employee|device|visitor|"
    "passenger|transaction|person|subject|case|record|row|respondent"
)
"""What the ids of a table may be of, in one word with ``id``."""
BLOCKS: Final = 20
"""Parts of equal size that the rows are cut into, in the order of the identifier."""
BLOCK_ROWS: Final = 20
CHANCE: Final = 1e-9
"""Probability of such a difference between the parts if the order told nothing, below which it counts."""


def names_identifier(name: str) -> bool:
    """Return whether a column name says that it identifies rows.

    >>> [names_identifier(name) for name in ("id", "customerID", "Unnamed: 0", "userid", "width", "paid")]
    [True, True, True, True, False, False]
    """
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)
    if {"id", "uuid", "guid", "index", "unnamed", "identifier"} & {word.lower() for word in words}:
        return True
    return re.fullmatch(rf"(?:{THINGS})_?ids?", name.lower()) is not None


def with_telling_identifiers(
    frame: pd.DataFrame, schema: Schema, y: NDArray[Any], task: Task, *, settled: Container[str] = ()
) -> Schema:
    """Return the schema with those identifiers as numbers whose order tells of the target.

    The rows are cut into blocks in the order of the identifier; the blocks' targets are compared by a chi-squared test
    for classes, and by that of Kruskal and Wallis (1952) for values. Only whole numbers can tell. Rows that somebody
    sorted by their target, and numbered then, stay as they are: such a number is the answer, which new rows lack.

    Parameters
    ----------
    frame
        The columns as they were read, rows with a known target only.
    y
        (rows,) class codes or values.
    settled
        Columns whose kind their owner has set; they stay as they are.
    """
    columns = list(schema.columns)
    for i, column in enumerate(columns):
        if column.kind is not Kind.IDENTIFIER or column.name in settled:
            continue
        numbers = pd.to_numeric(frame.iloc[:, i], errors="coerce").to_numpy(np.float64, na_value=np.nan)
        if not np.isfinite(numbers).all():
            continue
        if sorts(numbers, y, task):
            columns[i] = replace(column, reason=f"{column.reason}, but they were sorted by the target before")
        elif chance_of_order(numbers, y, task) < CHANCE:
            told = f"{column.reason}, but their order tells of the target"
            columns[i] = replace(column, kind=Kind.NUMERIC, reason=told)
    return Schema(tuple(columns))


def chance_of_order(numbers: NDArray[np.float64], y: NDArray[Any], task: Task) -> float:
    """Return how probable it is that the targets of blocks of rows differ as much if the order means nothing.

    >>> from automl.data.table import ProblemType
    >>> task = Task("y", ProblemType.BINARY, "", (0, 1))
    >>> chance_of_order(np.arange(100), np.repeat([0, 1, 0], [30, 50, 20]), task) < CHANCE
    True
    """
    from scipy.stats import chi2_contingency, kruskal

    blocks = min(BLOCKS, len(y) // BLOCK_ROWS)
    if blocks < 2 or y.min() == y.max():
        return 1.0
    parts = np.array_split(y[np.argsort(numbers)], blocks)
    if not task.classes:
        return float(kruskal(*parts).pvalue)
    counts = np.array([np.bincount(part.astype(np.intp), minlength=task.n_classes) for part in parts])
    return float(chi2_contingency(counts[:, counts.any(axis=0)]).pvalue)


def sorts(numbers: NDArray[np.float64], y: NDArray[Any], task: Task) -> bool:
    """Return whether the targets of enough rows are sorted by their numbers: one class after the other, or by value.

    >>> from automl.data.table import ProblemType
    >>> sorts(np.arange(100), np.repeat([0, 1], 50), Task("y", ProblemType.BINARY, "", (0, 1)))
    True
    """
    if len(y) < BLOCK_ROWS:
        return False
    steps = np.diff(y[np.argsort(numbers)].astype(np.float64))
    if task.classes:
        return bool(np.count_nonzero(steps) == len(np.unique(y)) - 1)
    return bool((steps >= 0).all() or (steps <= 0).all())
