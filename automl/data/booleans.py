"""Yes and no in words."""

from __future__ import annotations

from typing import Final

import numpy as np

from automl.data.cells import Cells
from automl.data.table import Column, Kind

TRUE_WORDS: Final = frozenset({"true", "yes", "y", "t", "on"})
FALSE_WORDS: Final = frozenset({"false", "no", "n", "f", "off"})
SPELLINGS: Final = 16
"""Different values that yes and no may have, in small letters and capitals."""


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


def boolean_column(name: str, cells: Cells) -> Column | None:
    """Return the column as a boolean one if its two values are a word for yes and one for no, else None."""
    folded = {value.casefold() for value in cells.values[:SPELLINGS]}
    if len(cells.values) > SPELLINGS or len(folded) != 2 or not (folded & TRUE_WORDS and folded & FALSE_WORDS):
        return None
    pair = sorted(cells.values, key=lambda value: (value.casefold() in TRUE_WORDS, value))
    categories = (pair[0], pair[-1])
    return Column(name, Kind.BOOLEAN, f"two values: {categories[0]} and {categories[1]}", categories=categories)
