"""Numbers as people write them: ``1,200.50``, ``1.200,50``, ``$5``, ``12 %``, ``180 cm``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl.data.durations import MINUS, seconds

SIGNS: Final = (
    r"$\u00a2-\u00a5\u058f\u060b\u07fe\u07ff\u09f2\u09f3\u09fb\u0af1\u0bf9\u0e3f\u17db\u20a0-\u20c0\ua838\ufdfc\ufe69"
    r"\uff04\uffe0\uffe1\uffe5\uffe6"
)
"""The signs of currencies, Unicode's category Sc, as a class of a regular expression."""
CURRENCY: Final = (
    rf"[A-Z]{{0,3}}[{SIGNS}]|USD|EUR|GBP|CHF|JPY|INR|CAD|AUD|CNY|SEK|NOK|DKK|PLN|CZK|HUF|RON|BGN|UAH|RUB|TRY|BRL|MXN|"
    r"ARS|CLP|COP|PEN|ZAR|NGN|KES|EGP|ILS|AED|SAR|PKR|BDT|LKR|KRW|SGD|HKD|TWD|NZD|THB|MYR|IDR|PHP|VND|"
    r"Rs\.?|RM|Rp\.?|kr\.?|Kr\.?|zł|Kč|руб"
)
ABOUT: Final = "[~≈]"
"""Stands before numbers that are not exact."""
SUFFIX: Final = rf"{CURRENCY}|[%‰]|\+|[A-Za-zµ°][A-Za-z²³°/]{{0,9}}"
SCALES: Final = {"k": 1e3, "m": 1e6, "b": 1e9, "bn": 1e9}
SCALED: Final = "K/M/B"
"""Stands for scales in the unit of numbers that have them."""
BRACKETS: Final = "(-)"
"""The unit of numbers whose brackets mean a minus, as accountants write them."""
BEHIND: Final = "0-"
"""The unit of numbers that have their minus behind them, as SAP writes them."""
RANGES: Final = "a-b"
"""The unit of numbers among which ranges, ``1133 - 1384``, stand for their middle."""
BOUNDS: Final = "<>"
"""The unit of numbers among which bounds, ``<0.05``, stand for their number, as laboratories write what is too little
to be told."""
CURRENCIES: Final = "\u00a4"
"""The unit of numbers in several currencies; it is Unicode's sign for any of them."""
CLOCK: Final = "h:m:s"
"""The unit of times of day and durations; they are read in seconds."""
NEGATIVE: Final = ("-", "−", "(")
BETWEEN: Final = re.compile(r"(\D{0,5}\d[\d.,]*\D{0,12}?)\s*(?:-|–|\bto\b)\s*(\D{0,5}\d[\d.,]*\D{0,12})")
BOUND: Final = re.compile(r"^(?:[<>]=?|[≤≥])\s*")
PADDED: Final = re.compile(r"[-+−]?0\d")
"""Begins what is rather a code than a number: ``007``."""


@dataclass(frozen=True, slots=True)
class Style:
    """How the numbers of a column are written.

    >>> parse_numbers(["€1.2M", "(€500K)", "€3"], Style("€ K/M/B (-)")).tolist()
    [1200000.0, -500000.0, 3.0]
    """

    unit: str | None = None
    """The decoration; ``K/M/B`` behind it are thousands, millions, billions, ``(-)`` brackets for a minus, ``0-`` a
    minus behind, ``a-b`` that ranges are their middle; ``\u00a4`` is any currency; ``h:m:s`` are times of day and
    durations, in seconds."""
    decimal: str = "."


PLAIN: Final = Style()


@lru_cache(maxsize=2)
def pattern(decimal: str) -> re.Pattern[str]:
    """Return how numbers are written with a decimal mark: sign, unit, sign, digits, unit, and what closes them."""
    group = r"[,'’ \u00a0\u202f]" if decimal == "." else r"[.'’ \u00a0\u202f]"
    whole = rf"\d+|[1-9]\d{{0,2}}(?:{group}\d{{2,3}})*{group}\d{{3}}"
    mark = re.escape(decimal)
    number = rf"(?:(?:{whole})(?:{mark}\d*)?|{mark}\d+)(?:[eE][-+]?\d+)?"
    return re.compile(rf"([-+−(]?)\s*({CURRENCY}|{ABOUT})?\s*([-+(]?)({number})\s*({SUFFIX})?([)\-−]?)")


def parse_numbers(values: Sequence[str], style: Style = PLAIN) -> NDArray[np.float64]:
    """Return each value as a number, NaN where it is none; infinities are kept.

    >>> parse_numbers(["-$1,200.50", "7", "abc"], Style(unit="$")).tolist()
    [-1200.5, 7.0, nan]
    >>> parse_numbers(["1.200,5"], Style(decimal=",")).tolist()
    [1200.5]
    """
    if style.decimal == "." and "_" not in "".join(values):  # Python reads 1_000 as a number, people do not
        try:
            return np.fromiter(map(float, values), np.float64, len(values))
        except ValueError:
            pass
    return np.fromiter((_number(value, style) for value in values), np.float64, len(values))


def _number(value: str, style: Style) -> float:
    if style.unit == CLOCK:
        found_seconds = seconds(value)
        return _plain(value) if found_seconds is None else found_seconds
    if BOUNDS in (style.unit or "").split():
        value = BOUND.sub("", value)
    match = pattern(style.decimal).fullmatch(value)
    if match is None:
        ends = BETWEEN.fullmatch(value) if RANGES in (style.unit or "").split() else None
        low, high = (_number(end, style) for end in ends.groups()) if ends else (np.nan, np.nan)
        return (low + high) / 2 if low <= high else _plain(value)
    sign, prefix, inner_sign, number, suffix, close = match.groups()
    unit, scales, closing = _taken_apart(style.unit)
    scale = scales.get((suffix or "").casefold())
    suffix = suffix if scale is None else None
    found = prefix or suffix or unit
    known = found.casefold() == unit.casefold() or (unit == CURRENCIES and re.fullmatch(CURRENCY, found))
    if (prefix and suffix) or (sign and inner_sign) or not known:
        return float("nan")
    before = sign or inner_sign
    if (before == "(") != (close == ")") or close not in closing or (close in MINUS and before):
        return float("nan")
    digits = re.sub(rf"[^\d{re.escape(style.decimal)}eE+-]", "", number).replace(style.decimal, ".")
    return float(digits) * (scale or 1.0) * (-1.0 if (before or close) in NEGATIVE else 1.0)


@lru_cache(maxsize=64)
def _taken_apart(unit: str | None) -> tuple[str, Mapping[str, float], tuple[str, ...]]:
    """Return the decoration, the factors that letters stand for, and what numbers may end with."""
    parts = (unit or "").split()
    own = [part for part in parts if part not in (SCALED, BRACKETS, BEHIND, RANGES, BOUNDS)]
    closing = ("", *((")",) if BRACKETS in parts else ()), *(MINUS if BEHIND in parts else ()))
    return "".join(own), SCALES if SCALED in parts else {}, closing


def _plain(value: str) -> float:
    try:
        return float("nan") if "_" in value else float(value)
    except ValueError:
        return float("nan")


def plain_numbers(series: pd.Series[Any]) -> NDArray[np.float64] | None:
    """Return a column of text as numbers if every cell is plainly one or missing, else None.

    The fast way for long columns: Arrow and Python round the same text to the same number.
    """
    if not isinstance(series.dtype, pd.StringDtype):
        return None
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        numbers = pc.cast(pc.utf8_trim_whitespace(pa.array(series)), pa.float64())
    except pa.ArrowInvalid:
        return None
    return np.asarray(numbers.to_numpy(zero_copy_only=False) if isinstance(numbers, pa.Array) else numbers.to_numpy())
