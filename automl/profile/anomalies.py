"""Rows unlike the others."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl.data.table import Column, Kind
from automl.profile.record import Anomaly
from automl.profile.rows import Rows, ranks, vector

ROWS: Final = 10_000
COLUMNS: Final = 100
"""Columns that are looked at."""
FEWEST: Final = 50
SHOWN: Final = 10
CELLS: Final = 3
"""Unusual cells that are named for each row."""


def find_anomalies(table: Rows, *, random_state: int) -> tuple[Anomaly, ...]:
    """Return the rows, of up to 10,000, that an isolation forest (Liu et al. 2008) separates earliest, those first.

    Numbers and dates go in as they are, categories as their frequency.
    """
    from sklearn.ensemble import IsolationForest

    used = [column for column in table.schema.used if column.kind.single][:COLUMNS]
    if len(used) < 2 or len(table) < FEWEST:
        return ()
    rows = table.sample(ROWS, random_state)
    typed = rows.typed()
    columns = [vector(column, typed) for column in used]
    usual = np.column_stack([_usual(column, values) for column, values in zip(used, columns, strict=True)])
    positions = np.column_stack(
        [
            _frequency(values) if column.kind is Kind.CATEGORICAL else np.nan_to_num(values, nan=_middle(values))
            for column, values in zip(used, columns, strict=True)
        ]
    )
    scores = -IsolationForest(random_state=0).fit(positions).score_samples(positions)
    worst = np.argsort(-scores, kind="stable")[:SHOWN]
    return tuple(
        Anomaly(int(rows.numbers[row]), round(float(scores[row]), 3), _cells(used, typed, row, usual[row]))
        for row in worst
    )


def _frequency(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return, for each row, the share of rows with its value; missing is a value."""
    codes, _ = pd.factorize(values, use_na_sentinel=False)
    return np.asarray(np.bincount(codes)[codes] / len(values))


def _middle(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else 0.0


def _usual(column: Column, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return, for each cell, the share of rows that are as far out; a missing one is not unusual."""
    if column.kind is Kind.CATEGORICAL:
        return _frequency(values)
    low = ranks(values)
    high = ranks(-values)
    return np.where(np.isnan(values), 1.0, np.minimum(1.0, 2 * np.minimum(low, high)))


def _cells(
    used: list[Column], typed: pd.DataFrame, row: int, usual: NDArray[np.float64]
) -> tuple[tuple[str, str, float], ...]:
    picked = np.argsort(usual, kind="stable")[:CELLS]
    return tuple(
        (used[i].name, _shown(used[i], typed[used[i].name].iloc[row]), round(float(usual[i]), 5)) for i in picked
    )


def _shown(column: Column, value: Any) -> str:
    if column.kind is Kind.CATEGORICAL:
        return column.categories[value] if value >= 0 else "missing"
    if pd.isna(value):
        return "missing"
    if column.kind is Kind.BOOLEAN:
        return column.categories[int(value)]
    if column.kind is Kind.DATETIME:
        return str(value)
    return f"{value:,.6g}"
