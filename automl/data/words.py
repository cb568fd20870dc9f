"""What words are to a model: free text, names of categories, or mere codes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from unicodedata import east_asian_width

import numpy as np

from automl.data.cells import Cells
from automl.data.codes import built
from automl.data.disguised import disguised_words
from automl.data.lists import list_separator
from automl.data.number_style import SAMPLE, is_measured
from automl.data.table import Column, Kind

SMALL: Final = 20
"""Rows below which uniqueness says nothing."""
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
WORDED: Final = range(51, 20_001)
"""Categories whose words may say what they have in common; more take too long."""


def worded_column(name: str, cells: Cells) -> Column:
    """Return the column of words as text, an identifier or categories: by how many words, and how they repeat."""
    values, present = cells.values, int((cells.codes >= 0).sum())
    unique = round(len(values) / present, 4)
    words = float(np.mean([value.count(" ") + 1 for value in values]))
    shares = f"{len(values)} different values in {present} cells"
    separator = list_separator(values) if len(values) >= SMALL else None
    form = "words" if separator is None else f"lists separated by {separator!r}" if separator != "[" else "JSON arrays"
    if separator is not None and unique >= FEW_LISTS:
        return Column(name, Kind.TEXT, f"{form}: {shares}", separator=separator)
    sentences = (words >= SENTENCE and unique >= 0.1) or (words >= PHRASE and unique >= REPEATED)
    if separator is None and len(values) >= SMALL and sentences:
        return Column(name, Kind.TEXT, f"free text: {words:.1f} words a cell, {shares}", score=unique)
    if present >= SMALL and unique >= UNIQUE:
        if _telling(values):
            return Column(name, Kind.TEXT, f"long and not alike: {shares}", score=unique)
        if is_measured(values):
            return Column(name, Kind.TEXT, f"numbers in several units: {shares}", score=unique)
        return Column(name, Kind.IDENTIFIER, f"codes: {shares}", score=unique)
    return categorical_column(name, cells, f"{form}: {shares}")


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


def categorical_column(name: str, cells: Cells, reason: str) -> Column:
    """Return the column with its values as categories."""
    rows = int(cells.counts().sum())
    words = [value for value, is_word in zip(cells.values, disguised_words(cells.values), strict=True) if is_word]
    if words:
        reason += f"; {words[0]!r} stays a value of its own"
    repeated = round(1 - len(cells.values) / rows, 4)
    worded = len(cells.values) in WORDED and _mostly_letters(cells.values)
    categories = by_frequency(cells)
    return Column(name, Kind.CATEGORICAL, reason, categories, score=repeated, worded=worded, built=built(categories))


def _mostly_letters(values: list[str]) -> bool:
    """Return whether values may be made of words, rather than codes."""
    return 2 * sum(character.isalpha() for value in values for character in value) > sum(map(len, values))


def by_frequency(cells: Cells) -> tuple[str, ...]:
    """Return the different values by falling frequency."""
    counts: Mapping[str, int] = dict(zip(cells.values, cells.counts().tolist(), strict=True))
    return tuple(sorted(cells.values, key=lambda value: (-counts[value], value)))
