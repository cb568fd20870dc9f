"""A Parquet file in batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from automl.data.columnar import UNNAMED_INDEX, explained, regrouped
from automl.data.exact import framed
from automl.data.reading import Reading, column_names


@dataclass(frozen=True, slots=True, eq=False)
class ParquetFile:
    """A Parquet file in batches."""

    path: Path
    reading: Reading
    names: tuple[str, ...]
    stored: tuple[str, ...]
    """The columns as they are named in the file."""
    rows: int
    size: int
    """Bytes of all rows, unpacked."""

    @classmethod
    def open(cls, path: Path) -> ParquetFile:
        """Look at the description of a file; raises what :func:`read_parquet` does, but not if there are no rows."""
        import pyarrow.parquet as pq

        with explained("Parquet"), pq.ParquetFile(path) as file:
            about = file.metadata
            stored = tuple(name for name in file.schema_arrow.names if not UNNAMED_INDEX.fullmatch(name))
            size = sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups))
        return cls(path, Reading("parquet"), tuple(column_names(stored)), stored, about.num_rows, size)

    def batches(self, rows: int, keep: Sequence[str]) -> Iterator[tuple[pd.DataFrame, Any]]:
        """Return the table in frames of ``rows`` rows, each with some columns as an Arrow table."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        with explained("Parquet"), pq.ParquetFile(self.path) as file:
            stored = list(self.stored)
            none = pa.RecordBatch.from_pylist([], pa.schema([file.schema_arrow.field(name) for name in stored]))
            for table in regrouped(file.iter_batches(rows, columns=stored) if self.rows else [none], rows):
                named = table.replace_schema_metadata(None).rename_columns(self.names)
                yield framed(named), named.select(keep)
