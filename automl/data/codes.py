"""Codes that are built alike, of letters and digits: ``F/761/S``, ``3 BHK``, ``18-Sep``, ``126/83``.

How they are built is said by a letter for each piece, ``A`` for letters and ``9`` for digits: ``A9A`` for ``F/761/S``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import takewhile
from typing import Final

FEWEST: Final = 10
"""Different values up to which a model tells them apart by themselves."""
SAMPLE: Final = 2_000
PIECES: Final = 5
"""Pieces that are looked at, the first ones."""
ALIKE: Final = 0.8
"""Share of the different values that must begin with a piece of the commonest form,"""
REACHED: Final = 0.3
"""and share that must reach a further piece for it to be one."""
PIECE: Final = re.compile(r"[^\W\d_]+|\d+")


def built(values: Sequence[str]) -> str:
    """Return how the different values of a column are built; empty if not alike, or of letters or digits only.

    >>> built([f"{deck}/{i}/{side}" for deck in "ABC" for i in range(9) for side in "PS"]), built(["fire", "chief"] * 9)
    ('A9A', '')
    """
    if len(values) <= FEWEST:
        return ""
    forms = Counter(_form(value) for value in values[:: -(-len(values) // SAMPLE)])
    common = max(forms, key=lambda form: forms[form])
    reach = [sum(_alike(form, common) > i for form in forms.elements()) for i in range(len(common))]
    enough = [count >= (REACHED if i else ALIKE) * forms.total() for i, count in enumerate(reach)]
    form = "".join(takewhile(bool, (kind * fits for kind, fits in zip(common, enough, strict=True))))
    return form if "9" in form and len(form) > 1 else ""


def piece(value: str, form: str) -> str | None:
    """Return the last piece of a form in a value, digits without zeros before them; None if it is built otherwise.

    >>> piece("F/0761/S", "A9"), piece("F/0761/S", "A9A"), piece("F", "A9"), piece("7/S", "A9")
    ('761', 'S', None, None)
    """
    pieces = PIECE.findall(value)[: len(form)]
    if len(pieces) < len(form) or _form(value)[: len(form)] != form:
        return None
    last: str = pieces[-1]
    return last.lstrip("0") or "0" if form[-1] == "9" else last


def pattern(form: str) -> str:
    """Return the regular expression whose only group is the last piece of a form, for those who read codes elsewhere.

    >>> [re.search(pattern("A9"), value)[1] for value in ("F/0761/S", "B71")]
    ['0761', '71']
    """
    kinds = {"A": r"[^\W\d_]+", "9": r"\d+"}
    between = [r"[\W_]" + ("+" if i and form[i] == form[i - 1] else "*") for i in range(len(form))]
    *before, last = (gap + f"({kinds[kind]})" for gap, kind in zip(between, form, strict=True))
    return "^" + "".join(each.replace("(", "").replace(")", "") for each in before) + last


@lru_cache(maxsize=256)
def words(values: tuple[str, ...], form: str) -> tuple[str, ...]:
    """Return what different values have for the last piece of a form, in their order.

    >>> words(("F/1/S", "G/2/S", "F/3/P"), "A"), words(("F/1/S", "G/2/S", "F/3/P"), "A9A")
    (('F', 'G'), ('S', 'P'))
    """
    return tuple(dict.fromkeys(found for value in values if (found := piece(value, form)) is not None))


def _form(value: str) -> str:
    return "".join("9" if found[0].isdecimal() else "A" for found in PIECE.findall(value)[:PIECES])


def _alike(form: str, common: str) -> int:
    """Return how many pieces of a form are of the same kinds as those of another one, from the first on."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(form, common, strict=False)))
