"""Numeric and boolean columns, and what takes the place of missing values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

LARGEST: Final = float(np.finfo(np.float32).max)
EXACT: Final = 2.0**24
"""Whole numbers are exact in float32 up to here."""
ALIKE: Final = 16
"""How many times as far from 0 as from each other values lie that share their leading digits."""
RARE: Final = 0.005
"""Share of missing rows below which an indicator column does not pay."""


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """Columns that are numbers already."""

    names: tuple[str, ...]
    origins: NDArray[np.float64]
    """What is subtracted: the training minimum where float32 could not tell the values apart, else 0: quotients of
    columns are to mean what they say."""

    @classmethod
    def fit(cls, frame: pd.DataFrame, names: tuple[str, ...]) -> tuple[Numbers, NDArray[np.float64]]:
        """Return the part and the training columns, (rows, names)."""
        values = cls(names, np.zeros(len(names))).transform(frame)
        lowest = np.fmin.reduce(values, axis=0, initial=np.inf)
        highest = np.fmax.reduce(values, axis=0, initial=-np.inf)
        farthest, spread = np.maximum(highest, -lowest), highest - lowest
        far = (farthest > EXACT) & (spread < farthest / ALIKE) & np.isfinite(lowest)
        part = cls(names, np.where(far, lowest, 0.0))
        values -= part.origins
        return part, values

    def transform(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """Return (rows, names); what is beyond float32 is cut off."""
        values = np.empty((len(frame), len(self.names)), order="F")
        for i, name in enumerate(self.names):
            values[:, i] = frame[name].to_numpy()
        np.clip(values, -LARGEST, LARGEST, out=values)
        values -= self.origins
        return values


@dataclass(frozen=True, slots=True, eq=False)
class Filling:
    """Replaces missing values by the training median, and says where it did in further columns of 0 and 1."""

    medians: NDArray[np.float64]
    flagged: NDArray[np.intp]
    """Columns with an indicator: those where training had enough missing values."""

    @classmethod
    def fit(cls, values: NDArray[np.float64]) -> Filling:
        """Learn from training columns; those that are missing in the same rows share one indicator."""
        missing = np.isnan(values)
        medians = np.array([_median(values[~missing[:, i], i]) for i in range(values.shape[1])])
        patterns = {missing[:, i].tobytes(): i for i in np.flatnonzero(missing.mean(axis=0) >= RARE)[::-1].tolist()}
        return cls(medians, np.array(sorted(patterns.values()), np.intp))

    def names(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return the names of all columns, the indicators last."""
        return (*names, *(f"missing({names[i]})" for i in self.flagged))

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (rows, columns + indicators) without missing values."""
        missing = np.isnan(values)
        return np.concatenate([np.where(missing, self.medians, values), missing[:, self.flagged]], axis=1)


def _median(values: NDArray[np.float64]) -> float:
    """Return the lower median, which is one of the values, so that a column of 0 and 1 remains one; 0 if empty."""
    if not len(values):
        return 0.0
    middle = (len(values) - 1) // 2
    return float(np.partition(values, middle)[middle])
