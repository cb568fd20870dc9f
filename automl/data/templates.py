"""Numbers in a few fixed texts: ``5 kg`` and ``300 g``, ``4 x 3 cm``, ``90 min`` and ``2 Seasons``.

What they mean together is left to the models: they see the numbers, and which text is around them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from automl.data.numerals import SIGNS

TEXTS: Final = 12
"""Different texts at most,"""
COVERED: Final = 0.95
"""share of the cells that must have them,"""
OFTEN: Final = 0.01
"""and share of the cells from which a text is one of them."""
NUMBERS: Final = 6
"""Numbers of a cell at most."""
LONGEST: Final = 200
"""Characters of a cell that are looked at."""
HOLE: Final = "#"
"""Stands for a number in a text."""
SAMPLE: Final = 200
MANY: Final = 20_000
"""Different values from which some are enough."""
_BEGINNING: Final = re.compile(rf"[{SIGNS}]? ?{HOLE}")
_UNIT: Final = re.compile(rf"[{SIGNS}] ?{HOLE}.*|{HOLE} ?[^\W\d_]{{2}}[^{HOLE}]*|{HOLE} .*[^\W\d_][^{HOLE}]*")
_VERSION: Final = re.compile(rf"{HOLE}\.\S|\.{HOLE}")
"""Is in the text of versions and addresses, ``1.10.3``."""
_SIGN: Final = r"(?<![\w)\]])[-+−]?"
_NUMBER: Final[Mapping[str, re.Pattern[str]]] = {
    mark: re.compile(rf"{_SIGN}(?:\d{{1,3}}(?:{group}\d{{3}})+|\d+)(?:{re.escape(mark)}\d+)?")
    for mark, group in ((".", ","), (",", r"\."))
}


@dataclass(frozen=True, slots=True)
class Template:
    """A cell taken apart."""

    text: str
    """With a hole for each number."""
    numbers: Sequence[float]


def take_apart(value: str, decimal: str = ".") -> Template:
    """Return the numbers of a cell, and the text around them.

    >>> take_apart("1,250.5 sq. ft.").text, take_apart("$28K-$58K").numbers, take_apart("-5 to -2").numbers
    ('# sq. ft.', [28.0, 58.0], [-5.0, -2.0])
    """
    value = value[:LONGEST]
    pattern, group = _NUMBER[decimal], "," if decimal == "." else "."
    found = [number.replace(group, "").replace(decimal, ".").replace("−", "-") for number in pattern.findall(value)]
    return Template(" ".join(pattern.sub(HOLE, value).split()), list(map(float, found)))


def common_texts(values: Sequence[str], counts: NDArray[np.integer], decimal: str = ".") -> Mapping[str, int]:
    """Return the few texts of nearly all cells by falling frequency, and how many numbers each has; else none.

    Of very many values some are looked at.

    Parameters
    ----------
    counts
        (values,) cells of each.

    >>> dict(common_texts(["5 kg", "3 kg", "20 g", "?"], np.array([20, 30, 40, 2])))
    {'# kg': 1, '# g': 1, '?': 0}
    >>> dict(common_texts(["fire", "war", "I met 3 men"], np.array([1, 1, 1])))
    {}
    """
    some = values[:: -(-len(values) // SAMPLE) or 1]
    if len({take_apart(value, decimal).text for value in some}) > max(TEXTS, len(some) // 4):
        return {}
    found: Counter[str] = Counter()
    numbers: dict[str, int] = {}
    step = -(-len(values) // MANY) or 1
    for value, count in zip(values[::step], counts[::step].tolist(), strict=True):
        template = take_apart(value, decimal)
        found[template.text] += count
        numbers[template.text] = len(template.numbers)
    total = found.total()
    often = {text: count for text, count in found.most_common(TEXTS) if count >= OFTEN * total}
    numbered = sum(count for text, count in often.items() if numbers[text])
    if sum(often.values()) < COVERED * total or 2 * numbered < total or any(map(_VERSION.search, often)):
        return {}
    return {text: min(numbers[text], NUMBERS) for text in often}


def are_amounts(texts: Sequence[str], *, fractions: bool) -> bool:
    """Return whether texts are those of amounts in units, or of numbers with ``fractions``; others are of codes.

    >>> are_amounts(["#GB", "#TB"], fractions=False), are_amounts(["#", "#A", "#B"], fractions=False)
    (True, False)
    >>> are_amounts(["#Nm@ #rpm", "#kgm at #-#rpm"], fractions=True), are_amounts(["#."], fractions=True)
    (True, False)
    """
    if not all(map(_BEGINNING.match, texts)) or not any(letter.isalpha() for text in texts for letter in text):
        return False
    return fractions or (len(texts) > 1 and all(map(_UNIT.fullmatch, texts)))


def matrix_of(values: Sequence[str], length: int, decimal: str) -> NDArray[np.float64]:
    """Return (values, length) the first numbers of each cell, NaN where there are not so many."""
    numbers = np.full((len(values), length), np.nan)
    for i, value in enumerate(values):
        known = take_apart(value, decimal).numbers[:length]
        numbers[i, : len(known)] = known
    return numbers
