"""Cells that are lists of equally many numbers, such as embeddings, pixels or ``47.36, 8.55``: each place is a number.

They are lists or arrays in memory, or text: of JSON, as numpy and PostgreSQL write them, or separated by blanks,
commas, semicolons or bars.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SAMPLE: Final = 20
MANY: Final = 16
"""Numbers from which whole ones without brackets are hardly names of things, ``12, 7``, or digits of a telephone."""
_SURE: Final = re.compile(r"[\[({]|.*[.]|.*,.*[;|]")
"""Begins a cell that has brackets, or a number with a fraction."""
_NO_BRACKETS: Final = str.maketrans("[](){}", "      ")
_SEPARATORS: Final = (";", "|", ",")
_NO_NUMBER: Final = ("null", "none", "na")


def numbers_of(cell: object) -> Floats | None:
    """Return the several numbers of a cell, NaN where one is missing; None if it is no list of numbers.

    >>> [numbers_of(cell).tolist() for cell in ([1, 2.5], "[1, null]", "[0.5  1.\\n 2. ]", "47,36; 8,55")]
    [[1.0, 2.5], [1.0, nan], [0.5, 1.0, 2.0], [47.36, 8.55]]
    >>> [numbers_of(cell) for cell in ("1.5", "1, a", ["a", "b"], "2024.5.1")]
    [None, None, None, None]
    """
    try:
        if isinstance(cell, str):
            found = np.array(list(map(float, _parts(cell))))
        elif isinstance(cell, list | tuple | np.ndarray):
            found = np.asarray(cell, np.float64).ravel()
        else:
            return None
    except (TypeError, ValueError):
        return None
    return found if len(found) > 1 else None


def _parts(text: str) -> Sequence[str]:
    """Return what may be the numbers in a text, as they are written for programs."""
    plain = text.translate(_NO_BRACKETS)
    mark = next((each for each in _SEPARATORS if each in plain), None)
    if mark != ",":
        plain = plain.replace(",", ".")
    parts = [part.strip() for part in plain.split(mark)] if "_" not in plain else ()
    return ["nan" if part.lower() in _NO_NUMBER else part for part in parts]


def common_length(values: Sequence[Any]) -> int:
    """Return how many numbers most of some cells have; 0 if most are no lists of numbers.

    >>> common_length(["[1, 2]", "[3, 4]", "?"]), common_length(["a", "b c"])
    (2, 0)
    """
    lengths = Counter(0 if found is None else len(found) for found in map(numbers_of, values))
    length, count = max(lengths.items(), key=lambda each: each[1], default=(0, 0))
    return length if 2 * count > len(values) else 0


def are_lists(values: Sequence[Any]) -> bool:
    """Return whether cells look like lists of numbers, not like several digits of something, by a few of them.

    >>> are_lists(["47.36, 8.55", "47.4, 8"]), are_lists(["[1, 2]"]), are_lists(["079 123 45 67", "12,7"])
    (True, True, False)
    """
    some = values[:: -(-len(values) // SAMPLE) or 1]
    length = common_length(some)
    texts = [cell for cell in some if isinstance(cell, str)]
    told = sum(_SURE.match(text) is not None for text in texts) if length < MANY else len(texts)
    return length > 0 and 2 * told >= len(texts)


def matrix_of(values: Sequence[Any], length: int) -> tuple[Floats, NDArray[np.bool_]]:
    """Return (values, length) the numbers of cells, NaN where there are not so many, and (values,) where there are."""
    numbers, known = np.full((len(values), length), np.nan), np.zeros(len(values), np.bool_)
    for i, found in enumerate(map(numbers_of, values)):
        if found is not None and len(found) == length:
            numbers[i], known[i] = found, True
    numbers[~np.isfinite(numbers)] = np.nan
    return numbers, known


def holds_arrays(series: pd.Series[Any]) -> bool:
    """Return whether the cells of a column in memory are lists or arrays, not texts; missing ones do not count."""
    if series.dtype != object:
        return False
    present = series[series.notna()]
    return len(present) > 0 and all(isinstance(cell, list | tuple | np.ndarray) for cell in present)
