"""Cells that hold several values: ``action|comedy|drama``, or JSON arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

SEPARATORS: Final = ("|", ";", ",")
ARRAY: Final = "["
"""Stands for JSON arrays where a separator is expected."""
SAMPLE: Final = 500
SEVERAL: Final = 1.5
"""Mean elements of different cells from which they are lists."""
AGAIN: Final = 3.0
"""Times that an element must come again in the mean: those of a list do, the parts of a sentence do not."""


def list_separator(values: Sequence[str]) -> str | None:
    """Return what separates the elements in the different cells of a column, None if they are no lists.

    >>> genres = ["drama", "war"] + [f"{a}|{b}" for a in ("drama", "war", "love") for b in ("comedy", "crime", "sport")]
    >>> list_separator(genres), list_separator(['["a", "b"]', '["c"]']), list_separator(["Smith, Ann", "Bird, Tom"])
    ('|', '[', None)
    """
    sample = values[:: max(1, len(values) // SAMPLE)]
    if all(value.startswith("[") and value.endswith("]") and _array(value) is not None for value in sample):
        return ARRAY
    for separator in SEPARATORS:
        if sum(separator in value for value in sample) < len(sample) / 2:
            continue
        elements = [element for value in sample for element in split_list(value, separator)]
        several = len(elements) >= SEVERAL * len(sample)
        if several and len(elements) >= AGAIN * len(set(elements)):
            return separator
    return None


def split_list(value: str, separator: str) -> list[str]:
    """Return the elements of a cell; one that is no JSON array is a single element where arrays are expected.

    >>> split_list(" a | b|", "|"), split_list('["x y", 1]', "[")
    (['a', 'b'], ['x y', '1'])
    """
    elements = _array(value) if separator == ARRAY else value.split(separator)
    return [value] if elements is None else [element for element in map(str.strip, elements) if element]


def _array(value: str) -> list[str] | None:
    import orjson

    try:
        elements = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(elements, list):
        return None
    return [element if isinstance(element, str) else orjson.dumps(element).decode() for element in elements]


def listed(value: str, separator: str) -> str:
    """Return a list as a text with one word an element, which is what text features count."""
    return " ".join("_".join(element.split()) for element in split_list(value, separator))
