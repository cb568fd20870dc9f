"""The statistics of one feature column."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl.data.cells import Cells, cells_of
from automl.data.disguised import NUMBERS, WORDS
from automl.data.numerals import BOUND, BOUNDS, CURRENCIES
from automl.data.table import MISSING, Column, Kind
from automl.profile.record import LEVELS, ColumnProfile, Frequency, Histogram, MixedUnit, Numbers
from automl.profile.rows import ranks, vector
from automl.profile.words import look_alikes

BINS: Final = 24
EQUAL, TINY = 1e-9, 1e-300
"""Relative and absolute width of a range that is no range: bins would have no width."""
TOP: Final = 8
"""Most frequent values that are kept."""
RARE: Final = 0.05
ISOLATED: Final = 0.25
"""Distance of a number that people write for "no value" from all others, over the width of their middle 90 %."""
FEWEST: Final = 3
VARIED: Final = 20
"""Different values above which one of them may stand out."""

Floats = NDArray[np.float64]


def profile_column(column: Column, raw: pd.Series[Any], typed: pd.DataFrame, signal: Floats | None) -> ColumnProfile:
    """Measure a column.

    Parameters
    ----------
    raw
        (rows,) as it was read.
    typed
        The typed frame of the same rows; holds the column if models see it.
    signal
        (rows,) a target that has a mean, or None.
    """
    if column.kind in (Kind.NUMERIC, Kind.BOOLEAN, Kind.DATETIME):
        measured = _measured(column, vector(column, typed), signal)
        if not column.unit:
            return measured
        cells = cells_of(raw, missing=column.missing)
        bounds = filter(BOUND.match, cells.values) if BOUNDS in column.unit.split() else ()
        return replace(measured, mixed=mixed_unit(cells, column.unit), bounds=tuple(islice(bounds, TOP)))
    if column.kind is Kind.CATEGORICAL:
        return _counted(column, typed[column.name].to_numpy(), list(column.categories), signal)
    cells = cells_of(raw)
    counted = _counted(column, cells.codes, cells.values, None)
    return replace(counted, top=()) if column.kind is Kind.VECTOR else counted


def mixed_unit(cells: Cells, unit: str | None) -> MixedUnit | None:
    """Return how many cells lack the unit of a column where that changes what they mean; None if none does.

    A bare 0.227 beside 42.4% may be 22.7 percent, a bare 7 beside $5 is most likely in dollars. Zero is zero.
    """
    sign = next((each for each in "%‰\u00a4" if each in (unit or "")), None)
    if sign is None:
        return None
    counts = cells.counts() * np.array([value.strip("+-0.,") != "" for value in cells.values])
    signed = counts[np.array([sign in value for value in cells.values])].sum()
    mixed = sign == CURRENCIES or signed < counts.sum()
    return MixedUnit(sign, int(counts.sum()), int(signed)) if mixed else None


def summarise(values: Floats) -> Numbers:
    """Return the distribution of finite numbers.

    >>> summarise(np.array([1.0, 2.0, 3.0])).mean
    2.0
    """
    quantiles = np.quantile(values, LEVELS)
    clipped = np.clip(values, quantiles[LEVELS.index(0.05)], quantiles[LEVELS.index(0.95)])
    outside = np.abs(values - np.median(values)) > 5 * clipped.std()
    mean, std = float(values.mean()), float(values.std()) if values.max() > values.min() else 0.0
    scaled = (values - mean) / (std or 1.0)
    return Numbers(
        mean=mean,
        std=std,
        skew=float(np.mean(scaled**3)),
        kurtosis=float(np.mean(scaled**4)) - 3.0 if std else 0.0,
        quantiles=tuple(quantiles.tolist()),
        whole=bool((values == np.trunc(values)).all()),
        outliers=int(outside.sum()) if clipped.std() > 0 else 0,
    )


def histogram(values: Floats, signal: Floats | None = None) -> Histogram:
    """Return counts, and means of the signal, in bins of equal width; those of whole numbers hold equally many."""
    low, high = np.quantile(values, (0.005, 0.995))
    if low == high:
        low, high = values.min(), values.max()
    if high - low <= max(TINY, EQUAL * max(abs(low), abs(high))):
        edges = np.array([low - 0.5, high + 0.5])
    elif (values == np.trunc(values)).all():
        low, high = np.floor(low), np.ceil(high)
        width = max(1.0, np.ceil((high - low + 1) / BINS))
        edges = np.arange(low, high + width + 1, width) - 0.5
        edges = edges[: np.searchsorted(edges, high) + 1]
    else:
        edges = np.linspace(low, high, BINS + 1)
    place = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    counts = np.bincount(place, minlength=len(edges) - 1)
    means = () if signal is None else _means(place, signal, counts)
    return Histogram(tuple(edges.tolist()), tuple(counts.tolist()), means)


def _means(place: NDArray[Any], signal: Floats, counts: NDArray[Any]) -> tuple[float | None, ...]:
    sums = np.bincount(place, weights=signal, minlength=len(counts))
    return tuple(float(total / count) if count else None for total, count in zip(sums, counts, strict=True))


def _measured(column: Column, values: Floats, signal: Floats | None) -> ColumnProfile:
    known = np.isfinite(values)
    present = values[known]
    told = None if signal is None else signal[known]
    distinct, place, counts = np.unique(present, return_inverse=True, return_counts=True)
    numeric = column.kind is Kind.NUMERIC
    labels = column.categories if column.kind is Kind.BOOLEAN else None
    return ColumnProfile(
        column.name,
        column.kind,
        column.reason,
        missing=int((~known).sum()),
        distinct=len(distinct),
        numbers=summarise(present) if len(present) else None,
        histogram=histogram(present, told) if len(present) else None,
        top=() if column.kind is Kind.DATETIME else _most_frequent(distinct, counts, place, told, labels),
        placeholders=_sentinels(distinct, counts, len(values)) if numeric else (),
        stray=column.missing,
        correlation=_pearson(present, told) if column.kind is not Kind.DATETIME else None,
        rank_correlation=_spearman(present, told) if column.kind is not Kind.DATETIME else None,
        ambiguous=column.ambiguous,
        sorted=column.kind is Kind.DATETIME and _in_order(present),
    )


def _most_frequent(
    distinct: Floats, counts: NDArray[Any], place: NDArray[Any], told: Floats | None, labels: tuple[str, ...] | None
) -> tuple[Frequency, ...]:
    means = None if told is None else _means(place, told, counts)
    return tuple(
        Frequency(
            labels[int(distinct[i])] if labels else f"{distinct[i]:.10g}", int(counts[i]), means[i] if means else None
        )
        for i in np.argsort(-counts, kind="stable")[:TOP]
    )


def _sentinels(distinct: Floats, counts: NDArray[Any], rows: int) -> tuple[Frequency, ...]:
    """Return the numbers that may stand for a missing one.

    Those people write for it, if no other value is near; and a number that is ten times as frequent as any other,
    unless most rows have it: then it is the norm, such as the zero of an amount that few have.
    """
    if len(distinct) <= VARIED:
        return ()
    found = [i for i in (0, len(distinct) - 1) if distinct[i] in NUMBERS and _isolated(distinct, counts, i)]
    second, top = np.argsort(counts, kind="stable")[-2:]
    if 0.1 * rows < counts[top] <= 0.5 * rows and counts[top] > 10 * counts[second]:
        found.append(int(top))
    return tuple(Frequency(f"{distinct[i]:.10g}", int(counts[i])) for i in dict.fromkeys(found))


def _isolated(distinct: Floats, counts: NDArray[Any], i: int) -> bool:
    others, weights = np.delete(distinct, i), np.delete(counts, i)
    low, high = (others[np.searchsorted(weights.cumsum(), share * weights.sum())] for share in (0.05, 0.95))
    return bool(counts[i] >= FEWEST and np.abs(others - distinct[i]).min() > ISOLATED * (high - low))


def _pearson(values: Floats, told: Floats | None) -> float | None:
    if told is None or len(values) < 3 or values.std() == 0 or told.std() == 0:
        return None
    return float(np.corrcoef(values, told)[0, 1])


def _spearman(values: Floats, told: Floats | None) -> float | None:
    return None if told is None else _pearson(ranks(values), ranks(told))


def _in_order(values: Floats) -> bool:
    steps = np.diff(values)
    return len(values) > VARIED and bool((steps != 0).any()) and bool((steps >= 0).all() or (steps <= 0).all())


def _counted(column: Column, codes: NDArray[Any], values: list[str], signal: Floats | None) -> ColumnProfile:
    present = codes[codes > MISSING]
    counts = np.bincount(present, minlength=len(values))
    held = np.flatnonzero(counts)
    means = None if signal is None else _means(present, signal[codes > MISSING], counts)
    order = held[np.argsort(-counts[held], kind="stable")]
    categorical = column.kind is Kind.CATEGORICAL
    words = {values[i]: int(counts[i]) for i in held}
    return ColumnProfile(
        column.name,
        column.kind,
        column.reason,
        missing=len(codes) - len(present),
        distinct=len(held),
        top=tuple(Frequency(values[i], int(counts[i]), means[i] if means else None) for i in order[:TOP]),
        rare=int((counts[held] < RARE * counts.max(initial=0)).sum()) if categorical else 0,
        look_alikes=look_alikes(words) if categorical else (),
        placeholders=tuple(Frequency(word, words[word]) for word in words if word.lower() in WORDS),
    )
