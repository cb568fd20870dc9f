"""How the numbers of a column are written, as most of its values say."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from automl.data.durations import LASTING, MINUS, TIME, are_durations, are_times
from automl.data.numerals import (
    BEHIND,
    BETWEEN,
    BOUND,
    BOUNDS,
    BRACKETS,
    CLOCK,
    CURRENCIES,
    CURRENCY,
    PLAIN,
    RANGES,
    SCALED,
    SCALES,
    Style,
    parse_numbers,
    pattern,
)

MEASURED: Final = 10
"""Different values that a column needs before a word behind its numbers is taken for a unit."""
RARE: Final = 0.05
"""Share of the values below which a word behind them is none's unit but theirs."""
GROUPED: Final = re.compile(r"[-+]?[1-9]\d{0,2}(\.\d{3})+")
SHAPED: Final = 0.95
"""Share of values with the shape of a number from which they measure something, where that shape is no code's."""
HOPELESS: Final = 200
"""Different values without a number among them after which the column is taken for none of numbers."""
FEW: Final = 100
"""Values that tell a column of words from one of numbers."""
SAMPLE: Final = 1000


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
    forms = (pattern(style.decimal), TIME, LASTING)
    shaped = sum(any(form.fullmatch(BOUND.sub("", value)) for form in forms) for value in few)
    if len(sample) < MEASURED or 2 * shaped < len(few):  # words
        return style
    read = _read(sample, style)
    if read == len(sample) and (style.unit or "").casefold() not in SCALES:
        return style
    if are_times(sample) or are_durations(sample):
        return Style(CLOCK)
    matches = [pattern(style.decimal).fullmatch(value) for value in sample]
    ends = {match[6] for match in matches if match}
    special = [SCALED] * _scaled([match for match in matches if match])
    special += [RANGES] * any(BETWEEN.fullmatch(value) for value in sample)
    special += [BOUNDS] * any(BOUND.match(value) for value in sample)
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
    matches = [pattern(".").fullmatch(value) or pattern(",").fullmatch(value) for value in sample]
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
        match = pattern(".").fullmatch(value) or pattern(",").fullmatch(value)
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
