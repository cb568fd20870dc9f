"""The decimal mark of a table, which settles the columns that leave it open."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Final

import numpy as np
import pandas as pd

from automl.data.cells import MISSING_WORDS
from automl.data.number_style import SAMPLE, dots_group, number_style
from automl.data.numerals import parse_numbers

CERTAIN: Final = 0.95
"""Share of the cells of a column that must be numbers for it to tell the decimal mark of the table."""


def decimal_mark(frame: pd.DataFrame, delimiter: str | None = None, na: Collection[str] = ()) -> str:
    """Return the decimal mark of a table: a comma if as many columns are certainly written with it as with a dot.

    Not where commas separate the columns already: a quoted ``3,7`` among them is rather a pair. ``na`` are further
    cells that count as missing.

    >>> decimal_mark(pd.DataFrame({"a": ["1,250"], "b": ["0,5"]})), decimal_mark(pd.DataFrame({"a": ["1,250"]}))
    (',', '.')
    """
    commas = 0 if delimiter == "," else sum(_certain(series, ",", na) for _, series in frame.items())
    if not commas:  # as in most tables, whose dots need no look then
        return "."
    dots = sum(_certain(series, ".", na) for _, series in frame.items())
    return "," if commas >= dots else "."


def settles_decimal(frame: pd.DataFrame, na: Collection[str] = ()) -> bool:
    """Return whether a column tells the decimal mark of a table; numbers of their own type have none.

    >>> settles_decimal(pd.DataFrame({"a": ["0,5"]})), settles_decimal(pd.DataFrame({"a": [0.5], "b": ["1,250"]}))
    (True, False)
    """
    return any(_certain(series, mark, na) for mark in (",", ".") for _, series in frame.items())


def _certain(series: pd.Series[Any], mark: str, na: Collection[str]) -> bool:
    """Return whether the cells of a column are numbers that only this decimal mark explains."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if series.dtype == object:
        texts = pa.array([value for value in series if isinstance(value, str)], pa.string())
    elif isinstance(series.dtype, pd.StringDtype):
        texts = pa.array(series)
    else:
        return False
    if not _may_hold(texts, mark.encode()):
        return False
    marked = texts.filter(pc.match_substring(texts, mark))
    cells = (value.strip() for value in (*_spread(marked), *_spread(texts.drop_null())))
    sample = [cell for cell in cells if cell.lower() not in MISSING_WORDS and cell not in na]
    style = number_style(sample)
    if not sample or style.decimal != mark or (mark == "." and dots_group(sample)):
        return False
    return float(np.isfinite(parse_numbers(sample, style)).mean()) >= CERTAIN


def _may_hold(texts: Any, mark: bytes) -> bool:
    """Return whether the bytes of an Arrow array of texts hold a mark: much faster than a look at each text."""
    chunks = texts.chunks if hasattr(texts, "chunks") else [texts]
    buffers = (buffer for chunk in chunks for buffer in chunk.buffers()[-1:] if buffer)
    return any(re.search(re.escape(mark), buffer) for buffer in buffers)  # which copies nothing


def _spread(texts: Any) -> list[str]:
    """Return some of the texts of an Arrow array, from all over it."""
    import pyarrow as pa

    places = pa.array(range(0, len(texts), max(1, len(texts) // SAMPLE)), pa.int64())
    taken: list[str] = texts.take(places).to_pylist()
    return taken
