"""The cells of a column as distinct pieces of text: the one form that every kind is decided and parsed from."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from pandas.api.types import infer_dtype, is_object_dtype

from automl.data.table import MISSING, UNSEEN
from automl.errors import DataError

MISSING_WORDS: Final = frozenset(
    {"", "?", "-", "--", ".", "na", "n/a", "#n/a", "#na", "<na>", "nan", "-nan", "nat", "null", "none", "nil", "\\n"}
)
"""What people write for "no value", in lower case."""

LONGEST_MISSING: Final = max(map(len, MISSING_WORDS))

MISSING_LABELS: Final = MISSING_WORDS - {"-", "--", ".", "none", "nil"}
"""The same for a target of words, where ``none`` may be a class."""

_DECIMAL: Final = re.compile(r"-?\d+\.\d*")

FEW: Final = 64
"""Rows up to which plain Python is faster than Arrow."""


@dataclass(frozen=True, slots=True)
class Cells:
    """The distinct values of a column, stripped, and which row holds which."""

    values: list[str]
    """Distinct present values, in no particular order."""
    codes: NDArray[np.int32]
    """(rows,) index into ``values``, -1 where missing."""

    def counts(self) -> NDArray[np.int64]:
        """Return the rows that hold each value."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.values))

    def spread(self, parsed: NDArray[Any], missing: Any) -> NDArray[Any]:
        """Return (rows,) the parsed form of each row's value."""
        return np.append(parsed, np.array([missing], dtype=parsed.dtype))[self.codes]


def is_known(dtype: object) -> bool:
    """Return whether cells of a dtype are understood as they are; of others :func:`in_known_dtype` makes such."""
    if isinstance(dtype, np.dtype):
        return dtype.isnative and dtype.kind != "c" and dtype != np.longdouble
    return not isinstance(dtype, pd.ArrowDtype | pd.PeriodDtype)


def in_known_dtype(series: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column of a dtype that nothing here knows as one that is known.

    Texts of Arrow are strings of pandas, like all others, its lists and structs are objects, periods begin, and a float
    has 64 bits.

    Raises
    ------
    DataError
        Of complex numbers, which nothing can be learned from.

    >>> in_known_dtype(pd.Series(pd.period_range("2026Q1", periods=2, freq="Q"))).astype(str).tolist()
    ['2026-01-01', '2026-04-01']
    """
    dtype = series.dtype
    if dtype.kind == "c":
        raise DataError(f"{series.name!r} holds complex numbers; give their parts, .real and .imag, as two columns")
    if isinstance(dtype, pd.PeriodDtype):
        return pd.Series(series.dt.to_timestamp())
    if isinstance(dtype, pd.ArrowDtype):
        import pyarrow as pa

        if pa.types.is_nested(dtype.pyarrow_dtype) or pa.types.is_decimal(dtype.pyarrow_dtype):
            return series.astype(object)
        return series.astype(pd.StringDtype("pyarrow")) if dtype.kind == "U" else series
    if isinstance(dtype, np.dtype) and not dtype.isnative:  # of FITS, HDF5 and netCDF
        series = series.astype(dtype.newbyteorder("="))
    return series.astype(np.float64) if dtype == np.longdouble else series


def text_of(value: object) -> str | None:
    """Return a cell as text, the same however a file or a program wrote it; None if it is missing.

    >>> [text_of(value) for value in (" a ", 1, 1.0, "1.0", 0.5, True, None, float("nan"), ["a", 1])]
    ['a', '1', '1', '1', '0.5', 'True', None, None, '["a", 1]']
    """
    if isinstance(value, str):
        text = value.strip()
        return text[:-2] if text.endswith(".0") and text[:-2].lstrip("-").isdigit() else text
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bytes):
        return text_of(value.decode(errors="replace"))
    if isinstance(value, float):
        if value != value:  # only NaN differs from itself
            return None
        return repr(value + 0.0).removesuffix(".0")  # the sum makes -0.0 plain
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, list | dict | np.ndarray):
        return json.dumps(value, default=_plain, skipkeys=True, ensure_ascii=False)
    return str(value).strip()


def _plain(value: object) -> object:
    """Return what JSON has no form for in one that it has."""
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)


def cells_of(
    series: pd.Series[Any], missing_words: Collection[str] = MISSING_WORDS, *, missing: Collection[str] = ()
) -> Cells:
    """Return the cells of a column of any dtype.

    ``missing_words`` are some of ``MISSING_WORDS`` and stand for any case; ``missing`` are compared as they are.
    """
    values, codes = _distinct(series)
    missing = frozenset(missing)
    index: dict[str, int] = {}
    place = np.full(len(values) + 1, -1, dtype=np.int32)
    for i, value in enumerate(values):
        text = text_of(value)
        if text is None or (len(text) <= LONGEST_MISSING and text.lower() in missing_words) or text in missing:
            continue
        place[i] = index.setdefault(text, len(index))
    return Cells(list(index), place[codes])


def _distinct(series: pd.Series[Any]) -> tuple[list[Any], NDArray[np.integer[Any]]]:
    """Return distinct raw values and (rows,) codes into them; a missing value may be coded -1."""
    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        held = series.cat.remove_unused_categories().cat  # a filtered column still names the values that are gone
        return held.categories.tolist(), held.codes.to_numpy()
    if len(series) <= FEW or (is_object_dtype(dtype) and infer_dtype(series) != "string"):
        return _each(series)  # to factorise objects would merge 1 and True
    if isinstance(dtype, pd.StringDtype):
        import pyarrow as pa

        array = pa.array(series)
        coded = (array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array).dictionary_encode()
        codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        return coded.dictionary.to_pylist(), codes
    try:
        codes, uniques = pd.factorize(series)
    except NotImplementedError:  # Arrow does not compare lists
        return _each(series)
    return uniques.tolist(), codes


def _each(series: pd.Series[Any]) -> tuple[list[Any], NDArray[np.integer[Any]]]:
    """Return all raw values, as if they differed."""
    return series.tolist(), np.arange(len(series))


def category_codes(categories: Sequence[str]) -> Mapping[str, int]:
    """Return the place of each category by its text, and by that which a program makes of numbers and days.

    >>> category_codes(["1200", "0400", "2.50"])
    {'1200': 0, '0400': 1, '2.50': 2, '400': 1, '2.5': 2}
    """
    codes = {category: place for place, category in enumerate(categories)}
    for place, category in enumerate(categories):
        if category.startswith("0") and category.isdigit():
            codes.setdefault(category.lstrip("0") or "0", place)
        else:
            codes.setdefault(_as_program_writes(category), place)
    return codes


def category_code(codes: Mapping[str, int], text: str) -> int:
    """Return the place of a text among categories, of which :func:`category_codes` gave the codes.

    >>> codes = category_codes(["2", "2024-05-31"])
    >>> [category_code(codes, text) for text in ("2", "2.00", "2024-05-31 00:00:00", "2.01")]
    [0, 0, 1, -2]
    """
    code = codes.get(text)
    return codes.get(_as_program_writes(text), UNSEEN) if code is None else code


def _as_program_writes(text: str) -> str:
    """Return decimals without the zeros at their end, and midnight as the day alone."""
    if _DECIMAL.fullmatch(text):
        return text.rstrip("0").rstrip(".")
    return text.removesuffix(" 00:00:00")


def number_codes(numbers: ArrayLike, categories: Sequence[str]) -> NDArray[np.int32]:
    """Return (rows,) the place of each number among categories that are whole numbers.

    >>> number_codes([7.0, np.nan, 7.5, 12.0], ["12", "7"]).tolist()
    [1, -1, -2, 0]
    """
    values, known = np.asarray(numbers, np.float64), np.array(categories or ["nan"], np.float64)
    order = np.argsort(known)
    place = order[np.searchsorted(known, values, sorter=order).clip(max=len(known) - 1)]
    codes = np.where(known[place] == values, place, UNSEEN)
    return np.where(np.isnan(values), MISSING, codes).astype(np.int32)


def number_names(numbers: NDArray[np.float64]) -> tuple[str, ...]:
    """Return the whole numbers as categories, the most frequent ones first.

    >>> number_names(np.array([12.0, 7.0, 7.0, 0.5, np.nan]))
    ('7', '12')
    """
    values, counts = np.unique(numbers[np.isfinite(numbers) & (np.trunc(numbers) == numbers)], return_counts=True)
    return tuple(str(int(value)) for value in values[np.lexsort((values, -counts))])


def plain_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as JSON values: missing is null, times are ISO 8601, durations seconds."""
    return [{str(name): _json_value(value) for name, value in row.items()} for row in frame.to_dict(orient="records")]


def _json_value(value: Any) -> str | int | float | bool | None:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value if isinstance(value, str | int | float | bool) else text_of(value)
