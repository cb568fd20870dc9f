"""Datetime columns as numbers: the stamp, its parts, its cycles, and the days between two of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

PAIRED: Final = 6
"""Datetime columns up to which all pairs are compared."""
DAY: Final = 86_400_000_000
HOUR: Final = 3_600_000_000
CYCLES: Final = {"month": (12, 1), "weekday": (7, 1), "hour": (24, 3)}
"""Length and number of waves: a day has more than one rise and fall."""


@dataclass(frozen=True, slots=True, eq=False)
class Dates:
    """All datetime columns of a table."""

    sources: tuple[str, ...]
    starts: NDArray[np.int64]
    """The first training moment of each column, microseconds since 1970."""
    cycles: bool
    """Whether month, weekday and hour are also points on a circle, for models that do not cut into intervals."""

    @classmethod
    def fit(cls, frame: pd.DataFrame, sources: tuple[str, ...], *, cycles: bool) -> Dates:
        """Learn where each column starts."""
        columns = (np.asarray(frame[name].to_numpy(), "datetime64[us]") for name in sources)
        known = [moments[~np.isnat(moments)].view(np.int64) for moments in columns]
        return cls(sources, np.array([stamps.min() if len(stamps) else 0 for stamps in known], np.int64), cycles)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns."""
        parts = (f"{part}({name})" for name, part in product(self.sources, self._kinds))
        return (*parts, *(f"days({a} - {b})" for a, b in combinations(self._paired, 2)))

    @property
    def made_of(self) -> tuple[tuple[str, ...], ...]:
        """The sources of each of :attr:`names`."""
        return (*((name,) for name, _ in product(self.sources, self._kinds)), *combinations(self._paired, 2))

    @property
    def _kinds(self) -> tuple[str, ...]:
        """What is made of each source."""
        nothing = np.zeros(0, "datetime64[us]")
        return tuple(part for part, _ in _parts(nothing, np.int64(0), cycles=self.cycles))

    @property
    def _paired(self) -> tuple[str, ...]:
        return self.sources if len(self.sources) <= PAIRED else ()

    def transform(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """Return (rows, names), NaN where a moment is missing."""
        return self.of({name: frame[name].to_numpy() for name in self.sources}, len(frame))

    def of(self, columns: Mapping[str, NDArray[Any]], rows: int) -> NDArray[np.float64]:
        """Return the same for the columns of a frame by name."""
        moments = {name: np.asarray(columns[name], "datetime64[us]") for name in self.sources}
        values = [
            np.where(np.isnat(moments[name]), np.nan, values)
            for name, start in zip(self.sources, self.starts, strict=True)
            for _, values in _parts(moments[name], start, cycles=self.cycles)
        ]
        days = [np.where(np.isnat(m), np.nan, m.view(np.int64) / DAY) for m in (moments[n] for n in self._paired)]
        values += [a - b for a, b in combinations(days, 2)]
        return np.array(values).T if values else np.zeros((rows, 0))


def _parts(moments: NDArray[np.datetime64], start: np.int64, *, cycles: bool) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield name and values of each part; what stands for NaT is to be overwritten."""
    stamps = np.where(np.isnat(moments), start, moments.view(np.int64))
    known = stamps.view("datetime64[us]")
    days, within = np.divmod(stamps, DAY)
    years, months = known.astype("datetime64[Y]"), known.astype("datetime64[M]")
    parts = {
        "year": years.astype(np.int64) + 1970,
        "month": months.astype(np.int64) % 12 + 1,
        "day": days - months.astype("datetime64[D]").astype(np.int64) + 1,
        "weekday": (days + 3) % 7,
        "yearday": days - years.astype("datetime64[D]").astype(np.int64) + 1,
        "hour": within // HOUR,
    }
    yield "stamp", stamps / DAY - start / DAY
    for name, values in parts.items():
        yield name, values
    yield "time", within / HOUR
    if cycles:
        for name, (length, waves) in CYCLES.items():
            angles = 2 * np.pi * np.arange(length) / length
            for wave in range(1, waves + 1):
                suffix = f" {wave}" if waves > 1 else ""
                yield f"sin {name}{suffix}", np.sin(wave * angles)[parts[name] % length]
                yield f"cos {name}{suffix}", np.cos(wave * angles)[parts[name] % length]
