"""Numbers, shares and dates as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Final

from automl.data.table import Kind
from automl.profile.record import LEVELS, ColumnProfile

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FEW_DAYS: Final = 5 * 86_400.0


def number(value: float | None) -> str:
    """Return a number with about four digits that count; an empty string if there is none.

    >>> number(1234567.8), number(12.3456), number(0.00001234), number(3.0), number(None)
    ('1,234,568', '12.35', '1.234e-05', '3', '')
    """
    if value is None:
        return ""
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e12 else f"{value:.4g}"


def figure(value: float) -> str:
    """Return a number that may not be defined: a dash then.

    >>> figure(0.12345), figure(float("nan"))
    ('0.1235', '–')
    """
    return number(value) if isfinite(value) else "–"


def quantile(column: ColumnProfile, level: float) -> str:
    """Return a quantile of a column of numbers or dates; dates with their time if all are within a few days.

    Parameters
    ----------
    level
        One of :data:`automl.profile.record.LEVELS`.
    """
    if column.numbers is None:
        return ""
    values = column.numbers.quantiles
    value = values[LEVELS.index(level)]
    if column.kind is not Kind.DATETIME:
        return number(value)
    return moment(value, time=values[-1] - values[0] < _FEW_DAYS)


def moment(seconds: float, *, time: bool) -> str:
    """Return seconds since 1970 as a date, with its time or without.

    >>> moment(86_400 * 365 + 3_600, time=False), moment(3_600, time=True)
    ('1971-01-01', '1970-01-01 01:00')
    """
    try:
        return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%d %H:%M" if time else "%Y-%m-%d")
    except OverflowError:
        return number(seconds)
