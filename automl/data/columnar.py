"""Tables that keep their types: Parquet, and Arrow (Feather) files and streams."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import pandas as pd

from automl.data.exact import framed
from automl.errors import DataError

PARQUET: Final = b"PAR1"
ARROW: Final = b"ARROW1"
ARROW_STREAM: Final = b"\xff\xff\xff\xff"

UNNAMED_INDEX: Final = re.compile(r"__index_level_\d+__")
"""The column that pandas writes for row labels without a name."""


def regrouped(batches: Iterable[Any], rows: int) -> Iterator[Any]:
    """Return Arrow batches as tables of ``rows`` rows; the last one may have fewer, and none if there are none."""
    import pyarrow as pa

    held, begun = None, False
    for batch in batches:
        table = pa.Table.from_batches([batch])
        held = table if held is None else pa.concat_tables([held, table])
        while held.num_rows >= rows:
            yield held.slice(0, rows)
            held, begun = held.slice(rows), True
    if held is not None and (held.num_rows or not begun):
        yield held


def read_parquet(data: bytes) -> pd.DataFrame:
    """Return the table of a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    return _frame("Parquet", lambda: pq.read_table(pa.BufferReader(data)))


def read_arrow(data: bytes) -> pd.DataFrame:
    """Return the table of an Arrow file or stream; Feather is the same format."""
    import pyarrow as pa

    opened = pa.ipc.open_file if data.startswith(ARROW) else pa.ipc.open_stream
    return _frame("Arrow", lambda: opened(pa.BufferReader(data)).read_all())


def _frame(format: str, read: Callable[[], Any]) -> pd.DataFrame:
    with explained(format):
        table = read().replace_schema_metadata(None)  # an index with a name is a column like the others
        kept = [i for i, name in enumerate(table.column_names) if not UNNAMED_INDEX.fullmatch(name)]
        frame = framed(table.select(kept))
    if not len(frame):
        raise DataError(f"the {format} file has no rows")
    return frame


@contextmanager
def explained(format: str) -> Iterator[None]:
    """Turn what Arrow says of a file into the error that is shown."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(f"the {format} file is damaged ({error}); write it again") from error
