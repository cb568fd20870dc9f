"""The columns of a table as inputs of an ONNX file, and what types them as :mod:`automl.data.schema` does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl.data.booleans import FALSE_WORDS, TRUE_WORDS, truth
from automl.data.cells import MISSING_WORDS, text_of
from automl.data.numerals import parse_numbers
from automl.data.table import MISSING, UNSEEN, Column, Kind, Schema
from automl.errors import AutoMLError, option
from automl.formula.symbol import Symbol

LARGEST_WHOLE: Final = 2.0**53
"""Beyond, not every whole number is a double."""
ALL_SPELLINGS: Final = 5
"""Letters up to which a word is known in any mix of small and capital ones."""


def typed(column: Column) -> tuple[Symbol, dict[str, Symbol]]:
    """Return the input that holds a column as it is written, (rows, 1), and the symbols of what is read from it, by the
    names of the typed frame.

    Numbers are doubles, NaN where missing. All else is text, as :func:`~automl.data.cells.text_of` writes it, empty
    where missing.

    Raises
    ------
    AutoMLError
        If the column is text or dates, or models see its words or pieces.
    """
    if column.worded or column.built:
        raise AutoMLError(
            f"column {column.name!r} has many values, and models read their words or pieces, which no operator of ONNX "
            f"does; train on the values alone: {option('types', {column.name: 'categorical'})}"
        )
    match column.kind:
        case Kind.NUMERIC:
            numbers = Symbol.named(column.name, np.float64)
            values = _numeric(column, numbers)
            codes = {further.name: _codes(column, values) for further in column.derived}
            return numbers, {column.name: values, **codes}
        case Kind.BOOLEAN:
            texts = Symbol.named(column.name, object)
            return texts, {column.name: _boolean(column, texts)}
        case Kind.CATEGORICAL:
            texts = Symbol.named(column.name, object)
            return texts, {column.name: _categorical(column, texts)}
    raise AutoMLError(
        f"column {column.name!r} is {column.kind}, which no operator of ONNX takes apart; train without it: "
        f"{option('types', {column.name: 'identifier'})}"
    )


def feeds(frame: pd.DataFrame, typed_frame: pd.DataFrame, schema: Schema) -> dict[str, NDArray[Any]]:
    """Return the inputs for the rows of a raw table, whose typed frame the predictor makes."""
    return {
        column.name: typed_frame[[column.name]].to_numpy(np.float64)
        if column.kind is Kind.NUMERIC
        else np.array([[text_of(value) or ""] for value in frame[column.name]], dtype=object)
        for column in schema.used
    }


def _numeric(column: Column, numbers: Any) -> Any:
    missing = np.logical_not(np.isfinite(numbers))
    codes = parse_numbers(column.missing)
    for code in codes[np.isfinite(codes)].tolist():
        missing = np.logical_or(missing, np.equal(numbers, code))
    return np.where(missing, np.nan, numbers)


def _codes(column: Column, numbers: Any) -> Any:
    """Return the categories of typed numbers, which are whole if they have one."""
    missing = np.isnan(numbers)
    within: Any = np.clip(np.where(missing, 0.0, numbers), -LARGEST_WHOLE, LARGEST_WHOLE)
    whole = within.astype(np.int64)
    codes = whole.then(
        "LabelEncoder",
        dtype=np.int64,
        keys_int64s=[int(category) for category in column.categories],
        values_int64s=list(range(len(column.categories))),
        default_int64=UNSEEN,
    )
    return np.where(missing, MISSING, np.where(np.equal(whole, numbers), codes, UNSEEN))


def _boolean(column: Column, texts: Symbol) -> Symbol:
    words = (*column.categories, *TRUE_WORDS, *FALSE_WORDS, "0", "1")
    known = {each: truth(word, column.categories) for word in words for each in _spellings(word)}
    known = {each: value for each, value in known.items() if value == value} | dict.fromkeys(_missing(column), np.nan)
    return texts.then(
        "LabelEncoder",
        dtype=np.float64,
        keys_strings=list(known),
        values_tensor=np.array(list(known.values())),
        default_tensor=np.array([np.nan]),
    )


def _categorical(column: Column, texts: Symbol) -> Symbol:
    known = {each: code for code, category in enumerate(column.categories) for each in _written(category)}
    known |= dict.fromkeys(_missing(column), MISSING)
    return texts.then(
        "LabelEncoder",
        dtype=np.int64,
        keys_strings=list(known),
        values_int64s=list(known.values()),
        default_int64=UNSEEN,
    )


def _missing(column: Column) -> Iterable[str]:
    """Yield every text that means that a value is missing."""
    for word in sorted(MISSING_WORDS):
        yield from _spellings(word)
    yield from column.missing


def _spellings(word: str) -> Iterable[str]:
    """Yield a word in small and capital letters."""
    if len(word) <= ALL_SPELLINGS:
        forms: Iterable[str] = map("".join, product(*({letter.lower(), letter.upper()} for letter in word)))
    else:
        forms = word, word.lower(), word.upper(), word.capitalize(), word.title()
    for form in forms:
        yield from _written(form)


def _written(text: str) -> Sequence[str]:
    """Return the ways to write a text: a whole number may also end in .0."""
    return (text, f"{text}.0") if text.lstrip("-").isdigit() else (text,)


def described(column: Column) -> str:
    """Return what an input takes, in words."""
    if column.kind is Kind.NUMERIC:
        return "a number; NaN = missing"
    return "text without spaces around it; empty = missing"
