"""A table in batches of rows, read exactly as :func:`automl.data.io.read_table` reads it whole.

CSV and Parquet files may be larger than the memory. They must lie on the disk: standard input, addresses and compressed
files are first copied to the temporary folder. Other formats are read whole. Unlike there, CSV and Parquet files may
have no rows: a table of such files alone is one empty batch.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any, Final, Protocol

import pandas as pd

from automl.config import ReadOptions
from automl.data.cells import text_of
from automl.data.columnar import ARROW, ARROW_STREAM, PARQUET
from automl.data.compression import ZIP, unpack
from automl.data.database import read_query
from automl.data.decimals import decimal_mark
from automl.data.delimited_file import DelimitedFile
from automl.data.dialect import SAMPLE
from automl.data.encoding import MARK, encoding_of
from automl.data.files import REFUSED, named, read_content, require_alike, require_no_sheet, require_same
from automl.data.io import column_of
from automl.data.json_rows import begins_json
from automl.data.parquet_file import ParquetFile
from automl.data.reading import Reading
from automl.data.source import display, local, locate, names_database
from automl.errors import DataError

ROWS: Final = 100_000
"""Rows of a batch."""

SIZE: Final = 1 << 25
"""Bytes of a batch of long rows, which then has fewer of them."""


class TableFile(Protocol):
    """A file of rows."""

    @property
    def reading(self) -> Reading:
        """How it is read."""

    @property
    def names(self) -> Sequence[str]:
        """The columns."""

    @property
    def rows(self) -> int:
        """Their number."""

    @property
    def size(self) -> int:
        """Bytes of all rows."""

    def batches(self, rows: int, keep: Sequence[str]) -> Iterator[tuple[pd.DataFrame, Any]]:
        """Return the rows in frames of ``rows``, or one of none, each with the columns ``keep`` as an Arrow table."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Some rows of a table."""

    number: int
    start: int
    """Rows of the table before it."""
    frame: pd.DataFrame
    kept: Any
    """Arrow table of the columns to be kept, as they are stored."""


@dataclass(frozen=True, slots=True, eq=False)
class Batches:
    """A table whose batches are always the same; none spans two files, and files without rows have none."""

    files: Sequence[TableFile]
    paths: Sequence[Path]
    """Where the files lie; none for a query."""
    options: ReadOptions
    """How the cells of a frame are written, for those who type it."""

    @property
    def rows(self) -> int:
        """Rows of the table."""
        return sum(file.rows for file in self.files)

    def __len__(self) -> int:
        return sum(max(1, ceil(file.rows / _rows(file))) for file in _filled(self.files))

    def read(self, keep: Sequence[str] = ()) -> Iterator[Batch]:
        """Return all batches in order.

        Raises
        ------
        DataError
            If there is no column that is to be kept.
        """
        for name in keep:
            column_of(pd.DataFrame(columns=list(self.files[0].names)), name)
        number = start = 0
        for file in _filled(self.files):
            for frame, kept in file.batches(_rows(file), keep):
                yield Batch(number, start, frame, kept)
                number, start = number + 1, start + len(frame)

    def digest(self) -> str:
        """Return a hash of the content."""
        whole = hashlib.sha256()
        for path in self.paths:
            with path.open("rb") as file:
                whole.update(hashlib.file_digest(file, "sha256").digest())
        if not self.paths:
            for batch in self.read():
                whole.update(batch.frame.to_csv(index=False).encode())
        return whole.hexdigest()


def _filled(files: Sequence[TableFile]) -> Sequence[TableFile]:
    """Return the files that have rows, or the first one if none has."""
    return [file for file in files if file.rows] or files[:1]


def _rows(file: TableFile) -> int:
    return max(1, min(ROWS, SIZE * file.rows // max(1, file.size)))


@dataclass(frozen=True, slots=True, eq=False)
class WholeTable:
    """A table in memory."""

    reading: Reading
    frame: pd.DataFrame

    @property
    def names(self) -> Sequence[str]:
        """The columns."""
        return list(self.frame.columns)

    @property
    def rows(self) -> int:
        """Their number."""
        return len(self.frame)

    @property
    def size(self) -> int:
        """Bytes of all rows: of no interest, for they are in memory already."""
        return 0

    def batches(self, rows: int, keep: Sequence[str]) -> Iterator[tuple[pd.DataFrame, Any]]:
        """Return slices of the frame; columns of several types are kept as text."""
        import pyarrow as pa

        try:
            kept = pa.Table.from_pandas(self.frame[list(keep)], preserve_index=False)
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            kept = pa.table({name: pa.array(map(text_of, self.frame[name]), pa.string()) for name in keep})
        for start in range(0, len(self.frame), rows):
            yield self.frame.iloc[start : start + rows], kept.slice(start, rows)


@contextmanager
def open_batches(source: str | Path, *, reading: Reading, options: ReadOptions) -> Iterator[Batches]:
    """Look at all files of a source, and at every row of CSV; parameters and errors are those of ``read_table``.

    Files that are not read where they lie are copied to a temporary folder until the end.
    """
    na = tuple(options.na) or reading.na
    with tempfile.TemporaryDirectory() as folder:
        if options.query is not None or names_database(source):
            files: list[TableFile] = [WholeTable(Reading("sql"), named(read_query(str(source), options.query)))]
            paths: list[Path] = []
        else:
            names = locate(source)
            paths = [_unpacked(name, Path(folder, str(number))) for number, name in enumerate(names)]
            copies = [Path(folder, str(number), "rewritten") for number in range(len(names))]
            files = _open_all(names, paths, copies, reading, options)
        first = _filled(files)[0]
        decimal = options.decimal or reading.decimal_for(first.reading)
        if decimal is None:  # the rows of the first batch must tell
            rows, _ = next(first.batches(_rows(first), ()))
            decimal = decimal_mark(rows, first.reading.delimiter, na)
        yield Batches(files, paths, ReadOptions(decimal=decimal, na=na))


def _unpacked(name: str, place: Path) -> Path:
    place.mkdir()
    return unpack(local(name, place / "stored"), place / "unpacked")


def _open_all(
    names: Sequence[str], paths: Sequence[Path], copies: Sequence[Path], reading: Reading, options: ReadOptions
) -> list[TableFile]:
    """Open the files of a table; the first one says what the columns are, and how the others are read."""
    first = _open(paths[0], copies[0], reading, options)
    files = [first]
    for name, path, copy in zip(names[1:], paths[1:], copies[1:], strict=True):
        try:
            file = _open(path, copy, first.reading, options)
        except DataError as error:
            raise DataError(f"{display(name)}: {error}") from error
        require_alike(file.reading, first.reading, display(name))
        require_same(file.names, first.names, display(name), display(names[0]))
        files.append(file)
    return files


def _open(path: Path, copy: Path, known: Reading, options: ReadOptions) -> TableFile:
    """Open one file that is not compressed; what its format needs rewritten is written to ``copy``."""
    with path.open("rb") as file:
        begin = file.read(8)
        if begin.startswith(PARQUET):
            require_no_sheet(options)
            return ParquetFile.open(path)
        if not begin.startswith((ARROW, ARROW_STREAM, ZIP, *REFUSED)):
            encoding = encoding_of(file, known.encoding, options.encoding)
            with path.open(encoding=encoding, errors="replace") as text:
                head = text.read(SAMPLE).removeprefix(MARK)
            if head.strip() and not begins_json(head):
                require_no_sheet(options)
                return DelimitedFile.open(path, encoding, known, options.sep, copy)
    frame, found = read_content(path.read_bytes(), known, options)
    return WholeTable(found, frame)
