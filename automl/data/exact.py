"""Whole numbers that no float holds, such as long identifiers: beside gaps, pandas would make floats of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_LARGEST: Final = 2**53
"""Up to here a float holds every whole number."""


def exact(cells: Sequence[Any]) -> Sequence[Any]:
    """Return the cells of a column as they become one without losing digits: as an array of objects if need be.

    >>> [pd.Series(exact([number, None])).tolist() for number in (2**53, 2**53 + 1)]
    [[9007199254740992.0, nan], [9007199254740993, None]]
    """
    large = any(isinstance(cell, int) and not -_LARGEST <= cell <= _LARGEST for cell in cells)
    return np.array(cells, dtype=object) if large and any(cell is None for cell in cells) else cells  # type: ignore[return-value]


def with_gaps(series: pd.Series[Any], gaps: NDArray[np.bool_]) -> pd.Series[Any]:
    """Return a column without some of its cells."""
    whole = series.dtype.kind in "iu" and gaps.any()
    large = whole and max(-int(series.min()), int(series.max())) > _LARGEST
    return (series.astype(object) if large else series).mask(gaps)


def framed(table: Any) -> pd.DataFrame:
    """Return an Arrow table as pandas holds it, with objects for such numbers; structs become columns, as in JSON."""
    import pyarrow as pa

    while any(map(pa.types.is_struct, table.schema.types)):
        table = table.flatten()
    frame: pd.DataFrame = table.to_pandas()
    for place, column in enumerate(table.columns):
        if column.null_count and _beyond_floats(column):
            frame.isetitem(place, column.to_pandas(integer_object_nulls=True))
    return frame


def _beyond_floats(column: Any) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not (pa.types.is_int64(column.type) or pa.types.is_uint64(column.type)):
        return False
    least, largest = pc.min_max(column).as_py().values()
    return least is not None and max(-least, largest) > _LARGEST
