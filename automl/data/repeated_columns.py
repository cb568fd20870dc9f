"""Columns that repeat another one."""

from __future__ import annotations

from collections.abc import Container, Sequence
from hashlib import blake2b
from typing import Any, Final

import numpy as np
import pandas as pd

from automl.data.cells import cells_of
from automl.data.table import Column, Kind

PROBE: Final = 200
"""Rows that are compared first; few columns that agree on them differ elsewhere, unless they are sparse."""


def with_duplicates(frame: pd.DataFrame, columns: Sequence[Column], *, settled: Container[str]) -> list[Column]:
    """Return the columns of a frame, those with exactly the cells of an earlier one marked as its duplicates.

    ``settled`` are columns whose kind their owner has set; they stay as they are.
    """
    probes = frame.iloc[:: max(1, len(frame) // PROBE)]
    groups: dict[tuple[str, ...], list[int]] = {}
    for i, column in enumerate(columns):
        if column.kind.used:
            groups.setdefault((column.kind, *map(str, probes.iloc[:, i].tolist())), []).append(i)
    decided = list(columns)
    for group in groups.values():
        seen: dict[bytes, list[int]] = {}
        for i in group if len(group) > 1 else ():
            alike = seen.setdefault(_digest(frame.iloc[:, i]), [])
            same = next((j for j in alike if frame.iloc[:, i].equals(frame.iloc[:, j])), None)
            if same is None or columns[i].name in settled:
                alike.append(i)
            else:
                reason = f"the same cells as {columns[same].name!r} in every row"
                decided[i] = Column(columns[i].name, Kind.DUPLICATE, reason)
    return decided


def _digest(series: pd.Series[Any]) -> bytes:
    """Return what equal columns have in common, and others hardly ever: of texts, which rows hold the same."""
    plain = isinstance(series.dtype, np.dtype) and series.dtype != object
    return blake2b((series.to_numpy() if plain else cells_of(series).codes).tobytes()).digest()
