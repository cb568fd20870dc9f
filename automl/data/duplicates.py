"""Columns that repeat another one."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Final

import pandas as pd

from automl.data.table import Column, Kind

PROBE: Final = 200
"""Rows that are compared first; few columns that agree on them differ elsewhere."""


def with_duplicates(frame: pd.DataFrame, columns: Sequence[Column], *, settled: Container[str]) -> list[Column]:
    """Return the columns of a frame, those with exactly the cells of an earlier one marked as its duplicates.

    ``settled`` are columns whose kind their owner has set; they stay as they are.
    """
    probes = frame.iloc[:: max(1, len(frame) // PROBE)]
    seen: dict[tuple[str, ...], list[int]] = {}
    decided = list(columns)
    for i, column in enumerate(columns):
        if not column.kind.used:
            continue
        alike = seen.setdefault((column.kind, *map(str, probes.iloc[:, i].tolist())), [])
        same = next((j for j in alike if frame.iloc[:, i].equals(frame.iloc[:, j])), None)
        if same is None or column.name in settled:
            alike.append(i)
        else:
            reason = f"the same cells as {columns[same].name!r} in every row"
            decided[i] = Column(column.name, Kind.DUPLICATE, reason)
    return decided
