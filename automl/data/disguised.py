"""Missing values in disguise: the words and numbers that people and programs write where they know nothing."""

from __future__ import annotations

import re
from typing import Final

import numpy as np
from numpy.typing import NDArray

WORDS: Final = frozenset(
    {
        "unknown",
        "unk",
        "not known",
        "missing",
        "undefined",
        "unspecified",
        "not specified",
        "not given",
        "not available",
    }
    | {"not applicable", "no data", "no value", "no answer", "blank", "(blank)", "empty", "(null)", "<null>", "n.a."}
    | {"n.v.", "n.d.", "k.a.", "tbd", "tba", "xx", "xxx", "??", "???", "---", "#value!", "#div/0!", "#ref!", "#name?"}
    | {"#num!", "#null!"}
    | {"0000-00-00", "0000-00-00 00:00:00", "0000-00-00t00:00:00", "00.00.0000", "00/00/0000"}
)
"""Words for "not known", in lower case. Among numbers or dates they are missing; among words they stay a category."""

LIMIT: Final = re.compile(r"[<>≤≥]=?\s*[\d.,]*\d\D{0,10}")
"""``<0.05`` or ``> 100 mg``."""

NINES: Final = (99.0, 999.0, 9999.0, 99999.0, 999999.0, 9999999.0)
NUMBERS: Final = frozenset({0.0, -1.0, -9.0, *NINES, *(-nines for nines in NINES)})
"""Numbers for "not known", where they lie apart from all others."""

ENOUGH: Final = 20
"""Different other numbers that a column needs before one can lie apart."""
FAR: Final = 3.0
"""Times the range of the other numbers that one must be away from them: a largest value that was cut off is nearer."""
OFTEN: Final = 5.0
"""Times that the only negative number must be as frequent as the others are in the mean."""


def disguised_numbers(numbers: NDArray[np.float64]) -> tuple[float, ...]:
    """Return the numbers of a column, (cells,) with NaN where missing, that stand for a missing value.

    Such a number is 0, -1, -9 or plus or minus 99, 999..., comes more than once, and lies apart: three times as far
    from all other numbers as these are from each other, or as the only negative one and far more frequent than they.

    >>> disguised_numbers(np.array([*range(18, 80), 999, 999.0])), disguised_numbers(np.arange(100.0))
    ((999.0,), ())
    """
    found: list[float] = []
    finite = numbers[np.isfinite(numbers)]
    while len(finite):
        ends = {float(finite.min()), float(finite.max())}
        apart = next((end for end in sorted(ends & NUMBERS) if _apart(end, finite)), None)
        if apart is None:
            break
        found.append(apart)
        finite = finite[finite != apart]
    return tuple(sorted(found))


def _apart(end: float, numbers: NDArray[np.float64]) -> bool:
    others = numbers[numbers != end]
    count = len(numbers) - len(others)
    if count < 2 or len(others) <= ENOUGH:
        return False
    low, high = float(others.min()), float(others.max())
    far = max(low - end, end - high) >= FAR * (high - low)
    if not far and not end < 0 <= low:
        return False
    different = len(np.unique(others))
    return different >= ENOUGH and (far or count >= OFTEN * len(others) / different)


def is_limit(value: str) -> bool:
    """Return whether a text is a limit that an instrument could not measure beyond: among numbers it is missing.

    >>> is_limit("<0.05"), is_limit("<b>")
    (True, False)
    """
    return LIMIT.fullmatch(value) is not None


def disguised_words(values: list[str]) -> NDArray[np.bool_]:
    """Return which of the values of a column are words for "not known"."""
    return np.array([value.lower() in WORDS for value in values], dtype=np.bool_)
