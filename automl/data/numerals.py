"""Numbers as people write them: ``1,200.50``, ``1.200,50``, ``$5``, ``12 %``, ``180 cm``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

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
CURRENCIES: Final = "\u00a4"
"""The unit of numbers in several currencies; it is Unicode's sign for any of them."""
MEASURED: Final = 10
"""Different values that a column needs before a word behind its numbers is taken for a unit."""
RARE: Final = 0.05
"""Share of the values below which a word behind them is none's unit but theirs."""
CLOCK: Final = "h:m:s"
"""The unit of times of day and durations; they are read in seconds."""
MINUS: Final = ("-", "−")
NEGATIVE: Final = ("-", "−", "(")
TIME: Final = re.compile(
    r"([-+−]?)(?:(\d+) days?,? \+?)?(\d+):([0-5]\d)(?::([0-5]\d(?:\.\d+)?))?(?: ?([AaPp])\.?[Mm]\.?)?"
)
SPANS: Final = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86400.0),
    **dict.fromkeys(("w", "wk", "wks", "week", "weeks"), 7 * 86400.0),
    **dict.fromkeys(("mo", "mon", "mons", "mos", "month", "months"), 365.25 / 12 * 86400.0),
    **dict.fromkeys(("y", "yr", "yrs", "year", "years"), 365.25 * 86400.0),
}
"""Seconds in the units of durations."""
SPAN: Final = re.compile(rf"(\d+(?:\.\d+)?) ?({'|'.join(sorted(SPANS, key=len, reverse=True))})\.?(?![a-z])", re.I)
LASTING: Final = re.compile(rf"[-−]?(?:{SPAN.pattern}(?:,? (?:and )?)?){{1,6}}", re.I)
"""``2h 50m``, ``1 year, 3 months``."""
BETWEEN: Final = re.compile(r"(\D{0,5}\d[\d.,]*\D{0,12}?)\s*(?:-|–|\bto\b)\s*(\D{0,5}\d[\d.,]*\D{0,12})")
GROUPED: Final = re.compile(r"[-+]?[1-9]\d{0,2}(\.\d{3})+")
PADDED: Final = re.compile(r"[-+−]?0\d")
"""Begins what is rather a code than a number: ``007``."""
SHAPED: Final = 0.95
"""Share of values with the shape of a number from which they measure something, where that shape is no code's."""
SAMPLE: Final = 1000
HOPELESS: Final = 200
"""Different values without a number among them after which the column is taken for none of numbers."""
FEW: Final = 100
"""Values that tell a column of words from one of numbers."""


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
def _pattern(decimal: str) -> re.Pattern[str]:
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
        return _seconds(value)
    match = _pattern(style.decimal).fullmatch(value)
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
    own = [part for part in parts if part not in (SCALED, BRACKETS, BEHIND, RANGES)]
    closing = ("", *((")",) if BRACKETS in parts else ()), *(MINUS if BEHIND in parts else ()))
    return "".join(own), SCALES if SCALED in parts else {}, closing


def _seconds(value: str) -> float:
    """Read ``10:30``, ``1:02:03.5``, ``9:15 PM``, ``2h 50m``, and durations as pandas and Python write them."""
    match = TIME.fullmatch(value)
    if match is None:
        if not LASTING.fullmatch(value):
            return _plain(value)
        lasting = sum(float(number) * SPANS[unit.lower()] for number, unit in SPAN.findall(value))
        return -lasting if value[0] in MINUS else lasting
    sign, days, hours, minutes, seconds, half = match.groups()
    hour = int(hours) if half is None else int(hours) % 12 + 12 * (half in "Pp")
    clock = 3600.0 * hour + 60.0 * int(minutes) + float(seconds or 0)
    negative = sign in ("-", "−")
    if days is None:
        return -clock if negative else clock
    return 86400.0 * int(days) * (-1.0 if negative else 1.0) + clock  # -1 day + 23:00:00 is an hour


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


def number_style(values: Sequence[str], prefer: str = ".") -> Style:
    """Return the style that reads most of the values; in doubt plain numbers, then the decimal mark ``prefer``.

    ``1,200`` alone is ambiguous: a column of such values has thousands unless ``prefer`` is a comma, and the other way
    round for ``1.200``.

    >>> number_style(["$1,200.50", "$3"]), number_style(["2,5", "0,125"])
    (Style(unit='$', decimal='.'), Style(unit=None, decimal=','))
    """
    sample = values[:: max(1, len(values) // SAMPLE)]
    plain = parse_numbers(sample)
    if not np.isnan(plain).any() and not any("," in value for value in sample):
        return Style(None, ",") if dots_group(sample) and (prefer == "," or _small_beside(sample)) else PLAIN
    unit = _unit(sample)
    styles = [Style(unit, mark) for mark in (prefer, "," if prefer == "." else ".")]
    read = [_read(sample, style) for style in styles]
    return styles[read.index(max(read))] if max(read) > np.isfinite(plain).sum() or prefer == "," else PLAIN


def column_style(values: Sequence[str], prefer: str = ".") -> Style:
    """Return :func:`number_style`, or what only many different values tell: times, scales, several currencies, and
    brackets or a mark behind for a minus.

    Times must be most of the values. Scales and currencies are believed where at least two of them occur, the forms of
    a minus where some numbers have none.

    >>> column_style([f"{i}.5{scale}" for i in range(9) for scale in "KM"]).unit
    'K/M/B'
    """
    style, sample = number_style(values, prefer), values[:: max(1, len(values) // SAMPLE)]
    few = sample[:: max(1, len(sample) // FEW)]
    forms = (_pattern(style.decimal), TIME, LASTING)
    shaped = sum(any(form.fullmatch(value) for form in forms) for value in few)
    if len(sample) < MEASURED or 2 * shaped < len(few):  # words
        return style
    read = _read(sample, style)
    if read == len(sample) and (style.unit or "").casefold() not in SCALES:
        return style
    if 2 * sum(TIME.fullmatch(value) is not None for value in sample) > len(sample) or _lasting(sample):
        return Style(CLOCK)
    matches = [_pattern(style.decimal).fullmatch(value) for value in sample]
    ends = {match[6] for match in matches if match}
    special = [SCALED] * _scaled([match for match in matches if match])
    special += [RANGES] * any(BETWEEN.fullmatch(value) for value in sample)
    special += [BRACKETS] * ({"", ")"} <= ends) + [BEHIND] * ("" in ends and not ends.isdisjoint(MINUS))
    units = {(match[2] or match[5] or "").casefold() for match in matches if match}
    currencies = sum(re.fullmatch(CURRENCY, unit, re.IGNORECASE) is not None for unit in units) > 1
    if not special and not currencies:
        return style
    own = CURRENCIES if currencies else _unit(sample) or ""
    own = "" if SCALED in special and own.casefold() in SCALES else own
    found = Style(" ".join([own, *special]).strip(), style.decimal)
    return found if _read(sample, found) > read or SCALED in special else style


def _scaled(matches: Sequence[re.Match[str]]) -> bool:
    """Return whether letters behind numbers are scales: several of them, one behind an amount, ``€2K``, or thousands
    beside what is less than one, ``1.2k``.
    """
    scales = [(SCALES.get((match[5] or "").casefold(), 0.0), match) for match in matches]
    found = {scale for scale, _ in scales if scale}
    if len(found) > 1 or any(scale and match[2] for scale, match in scales):
        return True
    rest = [match for scale, match in scales if not scale]
    small = all(not match[5] and len(match[4]) <= 3 for match in rest)
    return found == {SCALES["k"]} and len(rest) < len(scales) - 1 and bool(rest) and small


def _lasting(sample: Sequence[str]) -> bool:
    """Return whether most values are durations, some of several parts or in several units: else ``m`` may be metres."""
    found = [SPAN.findall(value) for value in sample if LASTING.fullmatch(value)]
    units = {SPANS[unit.lower()] for parts in found for _, unit in parts if len(unit) > 2}
    return 2 * len(found) > len(sample) and (len(units) > 1 or any(len(parts) > 1 for parts in found))


def read_numbers(values: Sequence[str], prefer: str = ".") -> tuple[Style, NDArray[np.float64]]:
    """Return the style of the different values of a column, and each as a number, NaN where it is none.

    What most styles of a sample leave unread is a sample of its own: a few brackets for a minus among many amounts.

    >>> read_numbers([*map(str, range(3000)), "(7)"])[1][-1].item()
    -7.0
    """
    style = column_style(values, prefer)
    if len(values) > HOPELESS and np.isnan(parse_numbers(values[:HOPELESS], style)).all():
        return style, np.full(len(values), np.nan)
    numbers = parse_numbers(values, style)
    unread = np.flatnonzero(np.isnan(numbers))
    if len(values) <= SAMPLE or not 0 < 2 * len(unread) < len(values):
        return style, numbers
    read, half = np.flatnonzero(~np.isnan(numbers)), SAMPLE // 2
    places = [*read[:: len(read) // half], *unread[:: max(1, len(unread) // half)]]
    other = column_style([values[place] for place in places], prefer)
    again = parse_numbers(values, other)
    return (other, again) if np.isnan(again).sum() < len(unread) else (style, numbers)


def is_measured(values: Sequence[str]) -> bool:
    """Return whether nearly all values are numbers, most with a fraction or a decoration that codes do not have.

    >>> is_measured(["$9.94", "(€25.20)", "12 %"]), is_measured(["5363", "5364", "C5365", "207a"])
    (True, False)
    """
    sample = values[:: max(1, len(values) // SAMPLE)]
    matches = [_pattern(".").fullmatch(value) or _pattern(",").fullmatch(value) for value in sample]
    marked = sum(bool(m and (m[2] or m[6] or not m[4].isdigit() or m.end(4) < m.start(5))) for m in matches)
    return sum(map(bool, matches)) >= SHAPED * len(sample) and 2 * marked > len(sample)


def _read(sample: Sequence[str], style: Style) -> int:
    return int(np.isfinite(parse_numbers(sample, style)).sum())


def dots_group(sample: Sequence[str]) -> bool:
    """Return whether every dot is followed by three digits, as in ``1.500``: thousands where commas are decimal."""
    dotted = [value for value in sample if "." in value]
    return bool(dotted) and all(GROUPED.fullmatch(value) for value in dotted)


def _small_beside(sample: Sequence[str]) -> bool:
    """Return whether dots group thousands, though no comma says so: many have one, all others are below a thousand."""
    whole = [value for value in sample if "." not in value]
    return 0 < len(whole) <= len(sample) - MEASURED and all(len(value.lstrip("+-")) <= 3 for value in whole)


def may_be_grouped(fractions: NDArray[np.float64], whole: NDArray[np.float64]) -> bool:
    """Return whether numbers with and without a fraction may be such thousands: quickly, before a look at their text.

    >>> may_be_grouped(np.array([1.5, 12.25]), np.array([999.0])), may_be_grouped(np.array([0.5]), np.array([999.0]))
    (True, False)
    """
    thousands = fractions * 1000
    small = bool(np.abs(whole).max() < 1000 and np.abs(fractions).min() > 1)
    return small and bool((np.abs(thousands - np.rint(thousands)) < 1e-6).all())


def _unit(sample: Sequence[str]) -> str | None:
    """Return the commonest decoration; words count only on a column of many different numbers.

    A letter right behind the digits must be on most of them: ``5m`` is a length among its like, ``207a`` a house.
    """
    units: Counter[str] = Counter()
    glued: Counter[str] = Counter()
    for value in sample:
        match = _pattern(".").fullmatch(value) or _pattern(",").fullmatch(value)
        if match and (match[2] or match[5]):
            units[match[2] or match[5]] += 1
            glued[match[5]] += match.start(5) == match.end(4)
    if not units:
        return None
    unit = units.most_common(1)[0][0]
    if len(unit) > 1 and unit.isalpha() and units[unit] < RARE * len(sample):  # 4 Acres among thousands of square feet
        return None
    if unit.isalpha() and len(units) > 1 and 2 * units[unit] <= units.total():  # others have another one
        return None
    if len(unit) == 1 and 2 * glued[unit] > units[unit] and 2 * units[unit] < len(sample) and unit.isalpha():
        return None
    return unit if len(sample) >= MEASURED or not unit.isalpha() or (unit.isupper() and len(unit) > 1) else None
