"""How a test table differs from the training table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl.data.repeated_rows import has_room
from automl.data.schema import apply_schema
from automl.data.table import UNSEEN, Column, Kind, Schema
from automl.errors import SchemaError
from automl.evaluation.classification import roc_auc
from automl.profile.booster import out_of_fold
from automl.profile.record import ColumnShift, Shift
from automl.profile.repeats import comparable, row_codes
from automl.profile.rows import Rows, vector

ROWS: Final = 10_000
BINS: Final = 10
CATEGORIES: Final = 20
"""Most frequent categories that are told apart; the others are one."""
FEWEST: Final = 50
"""Rows of each table below which nothing can be said."""

Floats = NDArray[np.float64]


def find_shift(train: Rows, frame: pd.DataFrame, schema: Schema, *, random_state: int = 0) -> Shift:
    """Compare a test table with a training table, column by column and as a whole.

    Parameters
    ----------
    frame, schema
        The test table as it was read, which may hold further columns, and how its cells are to be read.
    """
    names = {str(name): i for i, name in enumerate(frame.columns)}
    known = [column for column in schema.used if column.name in names]
    common = frame.iloc[:, [names[column.name] for column in known]]
    few = common if len(common) <= ROWS else common.sample(ROWS, random_state=random_state)
    typed, unreadable = _readable(few, known)
    old, read = train.sample(ROWS, random_state).typed(), set(typed.columns)
    pairs = [
        (column, vector(column, old), vector(column, typed))
        for column in known
        if read.issuperset(Schema((column,)).of(*Kind)) and min(len(old), len(few)) >= FEWEST
    ]
    return Shift(
        rows=len(frame),
        columns=_adjusted([_column_shift(*pair) for pair in pairs]),
        auc=_told_apart(pairs) if pairs else None,
        absent=tuple(column.name for column in schema.used if column.name not in names),
        unreadable=unreadable,
        repeated=_repeated(train.frame[common.columns], common) if known else 0,
    )


def _readable(frame: pd.DataFrame, columns: list[Column]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the typed columns that can be read as in training, and why the others cannot."""
    typed: dict[str, Any] = {}
    reasons: list[str] = []
    for column in columns:
        try:
            typed |= {str(name): cells for name, cells in apply_schema(frame[[column.name]], Schema((column,))).items()}
        except SchemaError as error:
            reasons.append(str(error))
    return pd.DataFrame(typed, index=pd.RangeIndex(len(frame))), tuple(reasons)


def _column_shift(column: Column, before: Floats, after: Floats) -> ColumnShift:
    from scipy.stats import chi2_contingency, ks_2samp

    one, two = before[np.isfinite(before)], after[np.isfinite(after)]
    shares = _binned(column, before, after)

    def differ(counts: Floats) -> float:
        held = counts.sum(axis=0) > 0
        return float(chi2_contingency(counts[:, held]).pvalue) if held.sum() > 1 else 1.0

    if column.kind is not Kind.CATEGORICAL and len(one) and len(two):  # either the values, or that there are any
        known = np.array([[len(values), len(all_) - len(values)] for values, all_ in ((one, before), (two, after))])
        chance = min(1.0, 2 * min(float(ks_2samp(one, two).pvalue), differ(known.astype(np.float64))))
    else:
        chance = differ(shares)
    unseen = float(np.mean(two == UNSEEN)) if column.kind is Kind.CATEGORICAL and len(two) else 0.0
    return ColumnShift(column.name, round(_stability(shares), 4), chance, round(unseen, 4))


def _binned(column: Column, before: Floats, after: Floats) -> NDArray[np.float64]:
    """Return (2, bins) counts: bins of equal frequency in training, or the most frequent categories; then missing."""
    if column.kind is Kind.CATEGORICAL:  # codes are by falling frequency; -2 and the rare ones are the others
        places = [np.where((values < 0) | (values >= CATEGORIES), CATEGORIES, values) for values in (before, after)]
        width = CATEGORIES + 1
    else:
        known = before[np.isfinite(before)]
        edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1])) if len(known) else np.array([])
        places = [np.searchsorted(edges, values, side="left").astype(np.float64) for values in (before, after)]
        width = len(edges) + 1
    places = [np.where(np.isnan(v), width, p) for v, p in zip((before, after), places, strict=True)]
    return np.array([np.bincount(place.astype(np.intp), minlength=width + 1) for place in places], dtype=np.float64)


def _stability(counts: NDArray[np.float64]) -> float:
    """Return the population stability index; half a row in each bin keeps empty ones finite."""
    held = counts[:, counts.sum(axis=0) > 0] + 0.5
    before, after = held / held.sum(axis=1, keepdims=True)
    return float(((after - before) * np.log(after / before)).sum())


def _adjusted(shifts: list[ColumnShift]) -> tuple[ColumnShift, ...]:
    from scipy.stats import false_discovery_control

    if not shifts:
        return ()
    adjusted = false_discovery_control([shift.p_value for shift in shifts])
    told = [replace(shift, p_value=float(chance)) for shift, chance in zip(shifts, adjusted, strict=True)]
    return tuple(sorted(told, key=lambda shift: -shift.psi))


def _told_apart(pairs: list[tuple[Column, Floats, Floats]]) -> float:
    old = np.column_stack([before for _, before, _ in pairs])
    new = np.column_stack([after for _, _, after in pairs])
    matrix, is_new = np.vstack([old, new]), np.repeat([0, 1], [len(old), len(new)])
    return round(roc_auc(is_new, out_of_fold(matrix, is_new, 2)), 4)


def _repeated(train: pd.DataFrame, test: pd.DataFrame) -> int:
    both = comparable(pd.concat([train, test], ignore_index=True))
    if not has_room(both):
        return 0
    codes = row_codes(both)
    return int(np.isin(codes[len(train) :], codes[: len(train)]).sum())
