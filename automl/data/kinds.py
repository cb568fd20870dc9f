"""What a column means to a model, decided on all of its values, and why."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl.data.booleans import boolean_column
from automl.data.cells import Cells, cells_of, number_names
from automl.data.dates import COMPACT, NEVER, DateLayout, are_codes, date_layout, parse_dates, telling_date
from automl.data.disguised import disguised_numbers, disguised_words, is_limit
from automl.data.identifiers import names_identifier
from automl.data.number_style import is_measured, may_be_grouped, read_numbers
from automl.data.numerals import BOUNDS, CLOCK, CURRENCIES, PLAIN, RANGES, Style, parse_numbers, plain_numbers
from automl.data.table import Column, Kind
from automl.data.templates import MANY, are_amounts, common_texts
from automl.data.templates import matrix_of as matrix_of_texts
from automl.data.vectors import are_lists, common_length, holds_arrays, matrix_of
from automl.data.words import SMALL, UNIQUE, by_frequency, categorical_column, worded_column
from automl.errors import DataError

NOTHING: Final[Mapping[str, Any]] = {}

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
AMOUNT: Final = re.compile(r"\d[\d.,]*\s?[^\W\d_]{2}")
"""Begins a number in a unit of its own, ``12.5Acres``: no code, as ``207a`` may be."""
OTHER_SHARE: Final = 0.01
"""Or this share of its different values, if that is more and the words hold no digit; with one they may be codes."""
SEVERAL: Final = 50
"""Different values up to which amounts in several units are categories, and lists of numbers,"""
REPEATED: Final = 5
"""of which each is in so many rows in the mean."""
SHOWN: Final = 3
"""Texts around numbers that are told."""
NO_DATES: Final = ("0", "00000000", "99991231", "99999999")
"""What stands for no date among dates of eight digits."""


def infer_kind(name: str, series: pd.Series[Any], *, decimal: str = ".") -> Column:
    """Return the column with its kind; ``decimal`` is how ``1,200`` is read where the column itself leaves it open.

    >>> infer_kind("zip", pd.Series(["01234", "01234", "99999"])).kind
    <Kind.CATEGORICAL: 'categorical'>
    """
    fractions = _with_fractions(series) if decimal == "." else None
    if fractions is not None:
        return _without_disguised(Column(name, Kind.NUMERIC, "numbers"), fractions)
    if series.dtype.kind in "Mm" and series.nunique(dropna=False) > 1:
        return _of_time(name, series)
    if holds_arrays(series) and (vectors := _vectors(name, series.dropna().tolist())):
        return vectors
    cells = cells_of(series)
    if not cells.values:
        return Column(name, Kind.CONSTANT, "all values missing")
    present = int((cells.codes >= 0).sum())
    if len(cells.values) == 1 and present == len(series):
        return Column(name, Kind.CONSTANT, f"one value: {cells.values[0][:40]!r}")
    if isinstance(series.dtype, pd.CategoricalDtype):
        return categorical_column(name, cells, "a categorical type")
    told = boolean_column(name, cells) or _dates(name, cells)
    told = told or _numbers(name, cells, decimal, floats=series.dtype.kind == "f") or _vector(name, cells)
    if told:
        return told
    worded = worded_column(name, cells)
    return _template(worded, cells, decimal) or worded


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


def _of_time(name: str, series: pd.Series[Any]) -> Column:
    """Return the column of a type of dates or durations."""
    if series.dtype.kind == "m":
        return Column(name, Kind.NUMERIC, "durations, in seconds", unit=CLOCK)
    dates = Column(name, Kind.DATETIME, "a date type")
    if series.max().year < NEVER.astype(object).year:
        return dates
    cells = cells_of(series)
    return _with_missing(dates, cells, ~_endless(parse_dates(cells.values, None)))


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
        return replace(settled, categories=by_frequency(cells))
    if kind is Kind.NUMERIC:
        style, _ = read_numbers(cells.values, decimal)
        style = Style(given.get("unit", style.unit), given.get("decimal", style.decimal))
        parsed = parse_numbers(cells.values, style)
        known = np.isfinite(parsed)
        read = replace(settled, unit=style.unit, decimal=style.decimal)
        if settled.nominal:
            read = replace(read, categories=number_names(cells.spread(parsed, np.nan)))
        return _readable(read, cells, known)
    if kind is Kind.DATETIME and series.dtype.kind != "M":
        layout = date_layout(cells.values)
        found = given.get("format", layout.format if layout else COMPACT)
        open_ = layout is not None and layout.ambiguous and "format" not in given
        settled = replace(settled, format=found, ambiguous=open_)
        return _readable(settled, cells, ~np.isnat(parse_dates(cells.values, found)))
    if kind is Kind.TEMPLATE:
        texts = common_texts(cells.values, cells.counts(), decimal)
        if not texts:
            raise DataError(f"column {name!r} cannot be template: its numbers are not in a few texts; use text")
        return replace(settled, categories=tuple(texts), decimal=decimal, length=max(texts.values()))
    if kind is Kind.VECTOR:
        settled = replace(settled, length=settled.length or common_length(cells.values))
        return _readable(settled, cells, matrix_of(cells.values, settled.length)[1])
    if kind is Kind.BOOLEAN and not settled.categories:
        column = boolean_column(name, cells)
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


_READ_AS: Final = {RANGES: "ranges count as their middle", BOUNDS: "bounds such as <5 count as their number"}


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


def _vectors(name: str, lists: list[Any]) -> Column | None:
    """Return the column of lists and arrays in memory if all of them have equally many numbers."""
    length = common_length(lists) if are_lists(lists) else 0
    told = Column(name, Kind.VECTOR, f"lists of {length} numbers", length=length)
    return told if length and matrix_of(lists, length)[1].all() else None


def _vector(name: str, cells: Cells) -> Column | None:
    length = common_length(cells.values) if are_lists(cells.values) else 0
    often = len(cells.values) <= SEVERAL and cells.counts().mean() >= REPEATED  # such as intervals
    if not length or often:
        return None
    known = matrix_of(cells.values, length)[1]
    column = Column(name, Kind.VECTOR, f"lists of {length} numbers", length=length)
    return _with_missing(column, cells, known) if _mostly(known, cells) else None


def _template(column: Column, cells: Cells, decimal: str) -> Column | None:
    """Return a column of words as that of the numbers in a few texts, if these say more.

    One text with a whole number each is rather a name, several of them without a word a telephone number; what is built
    alike of whole numbers are codes.
    """
    few = column.kind is Kind.CATEGORICAL and len(cells.values) <= SEVERAL
    texts = {} if few or column.separator is not None else common_texts(cells.values, cells.counts(), decimal)
    if not texts:
        return None
    length = max(texts.values())
    numbers = matrix_of_texts(cells.values[:: -(-len(cells.values) // MANY)], length, decimal)
    whole = bool((numbers == np.trunc(numbers))[np.isfinite(numbers)].all())
    named = len(texts) == length == 1 and len(cells.values) >= UNIQUE * cells.counts().sum()
    if whole and (named or not any(letter.isalpha() for text in texts for letter in text)):
        return None
    if column.kind is not Kind.TEXT and not are_amounts(list(texts), fractions=not whole):
        return None
    shown = ", ".join(map(repr, list(texts)[:SHOWN])) + ", ..." * (len(texts) > SHOWN)
    reason = f"numbers in text: {shown}"
    return Column(column.name, Kind.TEMPLATE, reason, tuple(texts), decimal=decimal, length=length)


def _number_reason(style: Style) -> str:
    if style.unit == CLOCK:
        return "times of day or durations, in seconds"
    parts = (style.unit or "").split()
    named = " ".join(part for part in parts if part not in _READ_AS).replace(CURRENCIES, "several currencies")
    unit = f" in {named}" if named else ""
    comma = " with a decimal comma" if style.decimal == "," else ""
    return "; ".join([f"numbers{unit}{comma}", *(_READ_AS[part] for part in parts if part in _READ_AS)])


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
