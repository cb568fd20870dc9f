"""Rows that repeat another one, and therefore belong into the same fold."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

ROOM: Final = 10
"""Possible combinations of values a row from which a row that repeats another is a copy, not a coincidence."""


def repeated_rows(typed: pd.DataFrame) -> NDArray[np.intp] | None:
    """Return (rows,) codes from 0 that equal rows share, or None if there are none, or they are nothing special.

    Where few columns with few values each allow hardly more different rows than there are, new rows repeat them too.

    >>> codes = repeated_rows(pd.DataFrame({"a": np.arange(60.0) % 59, "b": np.arange(60.0) % 59}))
    >>> codes[0] == codes[59], len(set(codes))
    (np.True_, 59)
    >>> repeated_rows(pd.DataFrame({"a": np.arange(60.0) % 59})) is None
    True
    """
    hashes = pd.util.hash_pandas_object(typed, index=False).to_numpy()
    distinct, codes = np.unique(hashes, return_inverse=True)
    return codes if len(distinct) < len(hashes) and has_room(typed) else None


def rows_again(first: pd.DataFrame, second: pd.DataFrame) -> int:
    """Return how many rows of a second table repeat one of the first, where that is no coincidence.

    >>> rows_again(pd.DataFrame({"a": np.arange(60.0), "b": 1.5}), pd.DataFrame({"a": [7.0, 61.5], "b": 1.5}))
    0
    >>> several = pd.DataFrame({"a": np.arange(60.0), "b": np.arange(60.0) % 59})
    >>> rows_again(several, several.head(7))
    7
    """
    codes = repeated_rows(pd.concat([first, second], ignore_index=True))
    return 0 if codes is None else int(np.isin(codes[len(first) :], codes[: len(first)]).sum())


def has_room(frame: pd.DataFrame) -> bool:
    """Return whether the values of the columns allow so many different rows that equal ones are no coincidence.

    >>> has_room(pd.DataFrame({"sex": ["f", "m"] * 50, "class": [1, 2, 3, 1] * 25}))
    False
    """
    possible = 1
    for name in frame:
        possible *= frame[name].nunique(dropna=False)
        if possible > ROOM * len(frame):
            return True
    return False
