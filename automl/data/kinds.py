"""What a column means to a model, decided on all of its values, and why."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, Literal
from unicodedata import east_asian_width

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl.data.cells import Cells, cells_of
from automl.data.codes import built
from automl.data.dates import COMPACT, NEVER, DateLayout, are_codes, date_layout, parse_dates, telling_date
from automl.data.disguised import disguised_numbers, disguised_words, is_limit
from automl.data.lists import list_separator
from automl.data.numerals import (
    CLOCK,
    CURRENCIES,
    PLAIN,
    SAMPLE,
    Style,
    is_measured,
    may_be_grouped,
    parse_numbers,
    plain_numbers,
    read_numbers,
)
from automl.data.table import Column, Kind
from automl.errors import DataError

NOTHING: Final[Mapping[str, Any]] = {}
TRUE_WORDS: Final = frozenset({"true", "yes", "y", "t", "on"})
FALSE_WORDS: Final = frozenset({"false", "no", "n", "f", "off"})

READABLE: Final = 0.95
"""Share of the present values that must be numbers (or dates) for a column to be numeric (or datetime)."""
OTHER_WORDS: Final = 10
"""Different other words that a numeric or datetime column may hold; they count as missing."""
FEW_WORDS: Final = 3
"""Such words that are taken for missing values also where they stand in more cells than that."""
MANY_READ: Final = 20
"""Different values that are read beside them,"""
MOST_READ: Final = 0.8
"""and the share of the cells that these are."""
THINGS: Final = (
    "user|customer|client|patient|order|account|product|item|session|store|member|student|employee|device|visitor|"
    "passenger|transaction|person|subject|case|record|row|respondent"
)
"""What the ids of a table may be of, in one word with ``id``."""
AMOUNT: Final = re.compile(r"\d[\d.,]*\s?[^\W\d_]{2}")
"""Begins a number in a unit of its own, ``12.5Acres``: no code, as ``207a`` may be."""
OTHER_SHARE: Final = 0.01
"""Or this share of its different values, if that is more and the words hold no digit; with one they may be codes."""
REPEATED: Final = 0.25
"""Share of different values below which names of several words are categories. Where more differ, people typed them by
hand, and their words say more than the whole."""
UNIQUE: Final = 0.95
"""Share of different values from which codes are identifiers."""
LONG: Final = 20.0
"""Mean letters from which codes that are not alike are text."""
WIDE: Final = 3
"""Letters that a wide one counts for, such as a Chinese one, which is a syllable or a word."""
LENGTHS: Final = 5
"""Different lengths from which values are not alike."""
FEW_LISTS: Final = 0.05
"""Share of different values below which lists are categories: the same ones come again and again."""
SENTENCE: Final = 4.0
"""Mean words from which values are sentences."""
PHRASE: Final = 1.5
"""Mean words from which values are names of several words."""
NO_DATES: Final = ("0", "00000000", "99991231", "99999999")
"""What stands for no date among dates of eight digits."""
SPELLINGS: Final = 16
"""Different values that yes and no may have, in small letters and capitals."""
SMALL: Final = 20
"""Rows below which uniqueness says nothing."""
WORDED: Final = range(51, 20_001)
"""Categories whose words may say what they have in common; more take too long."""


def infer_kind(name: str, series: pd.Series[Any], *, decimal: str = ".") -> Column:
    """Return the column with its kind; ``decimal`` is how ``1,200`` is read where the column itself leaves it open.

    >>> infer_kind("zip", pd.Series(["01234", "01234", "99999"])).kind
    <Kind.CATEGORICAL: 'categorical'>
    """
    fractions = _with_fractions(series) if decimal == "." else None
    if fractions is not None:
        return _without_disguised(Column(name, Kind.NUMERIC, "numbers"), fractions)
    cells = cells_of(series)
    if not cells.values:
        return Column(name, Kind.CONSTANT, "all values missing")
    present = int((cells.codes >= 0).sum())
    if len(cells.values) == 1 and present == len(series):
        return Column(name, Kind.CONSTANT, f"one value: {cells.values[0][:40]!r}")
    if isinstance(series.dtype, pd.CategoricalDtype):
        return _categorical(name, cells, "a categorical type")
    if series.dtype.kind == "M":
        dates = Column(name, Kind.DATETIME, "a date type")
        endless = series.max().year >= NEVER.astype(object).year
        return _with_missing(dates, cells, ~_endless(parse_dates(cells.values, None))) if endless else dates
    if series.dtype.kind == "m":
        return Column(name, Kind.NUMERIC, "durations, in seconds", unit=CLOCK)
    column = (
        _boolean(name, cells) or _dates(name, cells) or _numbers(name, cells, decimal, floats=series.dtype.kind == "f")
    )
    return column or _words(name, cells)


def _with_fractions(series: pd.Series[Any]) -> NDArray[np.float64] | None:
    """Return a column that is nothing but plain numbers, several with a fraction: then all else is settled."""
    if series.dtype.kind == "f":
        numbers: NDArray[np.float64] | None = series.to_numpy(np.float64, na_value=np.nan)
    else:
        numbers = plain_numbers(series)
    if numbers is None:
        return None
    finite = numbers[np.isfinite(numbers)]
    whole = finite == np.trunc(finite)
    fractions = finite[~whole]
    if len(fractions) < 2 or fractions.min() == fractions.max():
        return None
    of_text = series.dtype.kind != "f" and whole.any()
    return None if of_text and may_be_grouped(fractions, finite[whole]) else numbers


def forced_kind(
    name: str, series: pd.Series[Any], kind: Kind, *, decimal: str = ".", given: Mapping[str, Any] = NOTHING
) -> Column:
    """Return the column with the kind that its owner asked for; ``given`` are further fields of it that are settled.

    Raises
    ------
    DataError
        If the values cannot be that.
    """
    settled = Column(**{"reason": "set by hand", **given, "name": name, "kind": kind})
    cells = cells_of(series, missing=settled.missing)
    if kind is Kind.CATEGORICAL:
        return replace(settled, categories=_by_frequency(cells))
    if kind is Kind.NUMERIC:
        style, _ = read_numbers(cells.values, decimal)
        style = Style(given.get("unit", style.unit), given.get("decimal", style.decimal))
        known = np.isfinite(parse_numbers(cells.values, style))
        codes = _by_frequency(cells) if settled.nominal else ()
        return _readable(replace(settled, unit=style.unit, decimal=style.decimal, categories=codes), cells, known)
    if kind is Kind.DATETIME and series.dtype.kind != "M":
        layout = date_layout(cells.values)
        found = given.get("format", layout.format if layout else COMPACT)
        open_ = layout is not None and layout.ambiguous and "format" not in given
        settled = replace(settled, format=found, ambiguous=open_)
        return _readable(settled, cells, ~np.isnat(parse_dates(cells.values, found)))
    if kind is Kind.BOOLEAN and not settled.categories:
        column = _boolean(name, cells)
        if len(cells.values) > 2 and column is None:
            raise DataError(f"column {name!r} cannot be boolean: it has {len(cells.values)} values; use categorical")
        return replace(settled, categories=column.categories if column else tuple(sorted(cells.values)))
    return settled


def _readable(column: Column, cells: Cells, known: NDArray[np.bool_]) -> Column:
    """Return the column with the words that are not of its kind as missing ones; some value must be."""
    if cells.values and not known.any():
        raise DataError(f"column {column.name!r} cannot be {column.kind}: no value is, such as {cells.values[0]!r}")
    return _with_missing(column, cells, known)


def _with_missing(column: Column, cells: Cells, known: NDArray[np.bool_]) -> Column:
    others = sorted(value for value, is_known in zip(cells.values, known, strict=True) if not is_known)
    if not others:
        return column
    count, rows = int(cells.counts()[~known].sum()), int(cells.counts().sum())
    reason = (
        f"{column.reason}; {count} cell{'s'[: count - 1]} with other text such as {others[0][:40]!r} count as missing"
    )
    return replace(column, reason=reason, score=_share(rows - count, rows), missing=(*column.missing, *others))


def _without_disguised(column: Column, numbers: NDArray[np.float64]) -> Column:
    """Return the numeric column with those of its numbers as missing that stand for it."""
    found = disguised_numbers(numbers)
    if not found:
        return column
    words = [f"{number:.0f}" for number in found]
    count = int(np.isin(numbers, found).sum())
    reason = f"{column.reason}; {' and '.join(words)} in {count} cells, apart from all others, count as missing"
    return replace(column, reason=reason, missing=(*column.missing, *words))


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4)


def truth(value: str, categories: tuple[str, ...]) -> float:
    """Return 0 or 1 for a boolean's text, NaN if it is neither of the two values nor a word for them.

    >>> [truth(value, ("No", "Yes")) for value in ("no", "Yes", "TRUE", "0", "maybe")]
    [0.0, 1.0, 1.0, 0.0, nan]
    """
    folded = value.casefold()
    known = [category.casefold() for category in categories]
    if folded in known:
        return float(known.index(folded))
    if known and known[0] in FALSE_WORDS:
        if folded == "1" or folded in TRUE_WORDS:
            return 1.0
        if folded == "0" or folded in FALSE_WORDS:
            return 0.0
    return np.nan


def _boolean(name: str, cells: Cells) -> Column | None:
    folded = {value.casefold() for value in cells.values[:SPELLINGS]}
    if len(cells.values) > SPELLINGS or len(folded) != 2 or not (folded & TRUE_WORDS and folded & FALSE_WORDS):
        return None
    pair = sorted(cells.values, key=lambda value: (value.casefold() in TRUE_WORDS, value))
    categories = (pair[0], pair[-1])
    return Column(name, Kind.BOOLEAN, f"two values: {categories[0]} and {categories[1]}", categories=categories)


def _dates(name: str, cells: Cells) -> Column | None:
    values = cells.values
    own = [value for value in values if value not in NO_DATES]
    compact = len(own) >= 10 and all(len(value) == 8 and value[:2] in ("19", "20") for value in own)
    layout = DateLayout(COMPACT) if compact else date_layout(values)
    if layout is None:
        return None
    written = layout.format
    dates = parse_dates(values, written)
    none = _endless(dates) | np.isin(values, NO_DATES)
    known = ~np.isnat(dates) & ~none
    if not _mostly(known, cells, none) or (compact and known.sum() < len(own)) or are_codes(dates, written):
        return None
    reason = "dates" if written is None else f"dates written {written}"
    if layout.ambiguous:
        parts = "day, month and year" if written is not None and "%y" in written else "day and month"
        reason += f"; no value tells {parts} apart"
    elif written is not None and (telling := telling_date(values, written)) is not None:
        reason += f"; {telling!r} tells day and month apart"
    column = Column(name, Kind.DATETIME, reason, format=written, ambiguous=layout.ambiguous)
    return _with_missing(column, cells, known)


def _endless(dates: NDArray[np.datetime64]) -> NDArray[np.bool_]:
    """Return which dates stand for none: of the year 9999, beside others."""
    never = dates >= NEVER
    return never if np.count_nonzero(never) < np.count_nonzero(~np.isnat(dates)) else np.zeros_like(never)


def _mostly(known: NDArray[np.bool_], cells: Cells, none: NDArray[np.bool_] | Literal[False] = False) -> bool:
    """Return whether so many values are known that the others are missing ones, not what the column is about.

    ``none`` are values that surely stand for none.
    """
    if known.all() or not known.any():
        return bool(known.all())
    counts = cells.counts()
    limits = np.array([not read and is_limit(value) for value, read in zip(cells.values, known, strict=True)])
    if counts[limits].sum() > counts[known].sum():
        return False
    counts = np.where(none | limits | disguised_words(cells.values) | _few_words(cells, known), 0, counts)
    if counts[known].sum() < READABLE * counts.sum():
        return False
    others = [cells.values[i] for i in np.flatnonzero(~known & (counts > 0)) if not AMOUNT.match(cells.values[i])]
    codes = sum(any(map(str.isdigit, value)) for value in others)
    return codes <= OTHER_WORDS and len(others) <= max(OTHER_WORDS, OTHER_SHARE * known.sum())


def _few_words(cells: Cells, known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which values are words for "no value" in whatever language: a few, beside many that are read."""
    words = ~known & np.array([not any(map(str.isdigit, value)) for value in cells.values])
    counts = cells.counts()
    few = words.sum() <= FEW_WORDS and known.sum() >= MANY_READ and counts[known].sum() >= MOST_READ * counts.sum()
    return words if few else np.zeros_like(words)


def _numbers(name: str, cells: Cells, decimal: str, *, floats: bool) -> Column | None:
    style, numbers = read_numbers(cells.values, decimal)
    known = ~np.isnan(numbers)
    measured = cells.counts()[known].sum() >= READABLE * cells.counts().sum() and is_measured(cells.values)
    if not (measured or _mostly(known, cells)) or _zero_padded(cells.values):
        return None
    if known.all() and style == PLAIN:
        reason = _row_number(name, numbers, cells, floats=floats)
        if reason:
            return Column(name, Kind.IDENTIFIER, reason)
    column = Column(name, Kind.NUMERIC, _number_reason(style), unit=style.unit, decimal=style.decimal)
    return _with_missing(_without_disguised(column, cells.spread(numbers, np.nan)), cells, known)


def _number_reason(style: Style) -> str:
    if style.unit == CLOCK:
        return "times of day or durations, in seconds"
    named = (style.unit or "").replace(CURRENCIES, "several currencies")
    unit = f" in {named}" if named else ""
    return "numbers" + unit + (" with a decimal comma" if style.decimal == "," else "")


def _zero_padded(values: list[str]) -> bool:
    """Return whether whole numbers are codes: three digits and more, some padded with zeros, as in ``01234``, or two,
    beside ``2A``.
    """
    padded = [value for value in values if len(value) > 1 and value[0] == "0" and value.isdigit()]
    coded = any(len(value) == 2 and value.isalnum() and value[0].isdigit() and value[1].isalpha() for value in values)
    if not coded:  # months and hours have two digits, 2A is no number
        padded = [value for value in padded if len(value) > 2]
    return len(padded) >= 0.01 * len(values) and bool(padded)


def _row_number(name: str, numbers: NDArray[np.float64], cells: Cells, *, floats: bool) -> str | None:
    """Return why whole numbers are an identifier: all differ, and the name or the order of the rows says so."""
    rows = len(cells.codes)
    if len(numbers) < rows or not np.array_equal(numbers, np.trunc(numbers)):
        return None
    if names_identifier(name):
        return "its name, and every row has another whole number"
    steps = np.diff(numbers[cells.codes])
    if rows >= SMALL and not floats and (steps > 0).all() and steps.mean() < 1.5:
        return "it counts the rows"
    return None


def names_identifier(name: str) -> bool:
    """Return whether a column name says that it identifies rows.

    >>> [names_identifier(name) for name in ("id", "customerID", "Unnamed: 0", "userid", "width", "paid")]
    [True, True, True, True, False, False]
    """
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)
    if {"id", "uuid", "guid", "index", "unnamed", "identifier"} & {word.lower() for word in words}:
        return True
    return re.fullmatch(rf"(?:{THINGS})_?ids?", name.lower()) is not None


def _by_frequency(cells: Cells) -> tuple[str, ...]:
    counts: Mapping[str, int] = dict(zip(cells.values, cells.counts().tolist(), strict=True))
    return tuple(sorted(cells.values, key=lambda value: (-counts[value], value)))


def _categorical(name: str, cells: Cells, reason: str) -> Column:
    rows = int(cells.counts().sum())
    words = [value for value, is_word in zip(cells.values, disguised_words(cells.values), strict=True) if is_word]
    if words:
        reason += f"; {words[0]!r} stays a value of its own"
    score = _share(rows - len(cells.values), rows)
    worded = len(cells.values) in WORDED and _mostly_letters(cells.values)
    categories = _by_frequency(cells)
    return Column(name, Kind.CATEGORICAL, reason, categories, score=score, worded=worded, built=built(categories))


def _mostly_letters(values: list[str]) -> bool:
    """Return whether values may be made of words, rather than codes."""
    return 2 * sum(character.isalpha() for value in values for character in value) > sum(map(len, values))


def _telling(values: list[str]) -> bool:
    """Return whether values without blanks are no mere codes: sentences of some scripts, addresses, formulas.

    They are long, of many lengths, and most of them differ in more than digits.
    """
    sample = values[:: max(1, len(values) // SAMPLE)]
    if len(set(map(len, sample))) < LENGTHS or sum(map(_letters, sample)) < LONG * len(sample):
        return False
    return len({re.sub(r"\d+", "0", value) for value in sample}) > len(sample) / 2


def _letters(value: str) -> int:
    wide = 0 if value.isascii() else sum(east_asian_width(letter) in "WF" for letter in value)
    return len(value) + (WIDE - 1) * wide


def _words(name: str, cells: Cells) -> Column:
    values, present = cells.values, int((cells.codes >= 0).sum())
    unique, score = len(values) / present, _share(len(values), present)
    words = float(np.mean([value.count(" ") + 1 for value in values]))
    shares = f"{len(values)} different values in {present} cells"
    separator = list_separator(values) if len(values) >= SMALL else None
    form = "words" if separator is None else f"lists separated by {separator!r}" if separator != "[" else "JSON arrays"
    if separator is not None and unique >= FEW_LISTS:
        return Column(name, Kind.TEXT, f"{form}: {shares}", separator=separator)
    sentences = (words >= SENTENCE and unique >= 0.1) or (words >= PHRASE and unique >= REPEATED)
    if separator is None and len(values) >= SMALL and sentences:
        return Column(name, Kind.TEXT, f"free text: {words:.1f} words a cell, {shares}", score=score)
    if present >= SMALL and unique >= UNIQUE:
        if _telling(values):
            return Column(name, Kind.TEXT, f"long and not alike: {shares}", score=score)
        if is_measured(values):
            return Column(name, Kind.TEXT, f"numbers in several units: {shares}", score=score)
        return Column(name, Kind.IDENTIFIER, f"codes: {shares}", score=score)
    return _categorical(name, cells, f"{form}: {shares}")
