"""A CSV file, whole or in batches, with the parser, and the rules, of :mod:`automl.data.delimited`."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from glob import has_magic
from pathlib import Path
from typing import Any, Final

import pandas as pd

from automl.data.columnar import regrouped
from automl.data.delimited import BEGINNING, LONGEST_ROW, layout, select
from automl.data.dialect import Dialect, literal
from automl.data.encoding import BLOCK, MARK, UNREADABLE
from automl.data.reading import Reading, column_names
from automl.errors import DataError

BATCH: Final = 16_384
"""Rows that the parser hands over at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class DelimitedFile:
    """A CSV file whose rows, if it has any, were counted, and all found to be of equal length."""

    path: Path
    """UTF-8, the header first."""
    reading: Reading
    dialect: Dialect
    names: tuple[str, ...]
    width: int
    """Values in a row; the last one may be without name and value in all of them, and is left out."""
    rows: int
    size: int
    """Bytes of all rows."""
    longest: int
    """Bytes of a row at most."""
    header: str
    """The condition by which the parser knows the header, wherever it stands."""

    @classmethod
    def open(cls, path: Path, encoding: str, known: Reading | None, delimiter: str | None, copy: Path) -> DelimitedFile:
        """Look at all of a file that is not compressed; one that the parser does not take is rewritten to ``copy``.

        Parameters
        ----------
        known
            How an earlier file was read; delimiter and quotes are taken from it.
        delimiter
            The one that the owner of the file has named.

        Raises
        ------
        DataError
            If there are rows of unequal length, or a quote that is never closed.
        """
        newline, unreadable = _scanned(path, encoding)
        with path.open(encoding=encoding, errors="replace", newline=newline) as text:
            dialect, found = layout(text.read(BEGINNING).removeprefix(MARK), known, delimiter)
        utf_8 = codecs.lookup(encoding).name in ("utf-8", "utf-8-sig", "ascii")
        if not utf_8 or unreadable or newline is None or dialect.skipped or len(found) == 1 or has_magic(str(path)):
            path = _rewritten(path, encoding, newline, dialect.skipped, copy, single=len(found) == 1)
        header = _is_header(found, range(len(found)))
        rows, last, again, longest = _counted(path, dialect, found)
        ends_with_delimiter = not found[-1] and last == 0
        names = column_names(found[:-1] if ends_with_delimiter else found)
        reading = Reading("csv", encoding, dialect.delimiter, dialect.quote, dialect.escape, dialect.skipped)
        reading = replace(reading, unreadable=unreadable, headers=again)
        rows -= 1 + again
        return cls(path, reading, dialect, tuple(names), len(found), rows, path.stat().st_size, longest, header)

    def whole(self) -> pd.DataFrame:
        """Return the table as text."""
        with self._select() as found:
            return self._frame(found.to_arrow_table().slice(not self.reading.headers))

    def batches(self, rows: int, keep: Sequence[str]) -> Iterator[tuple[pd.DataFrame, Any]]:
        """Return the table in frames of ``rows`` rows of text, each with some columns as an Arrow table."""
        for table in regrouped(self._rows(), rows):
            yield self._frame(table), table.rename_columns(self.names).select(keep)

    def _frame(self, table: Any) -> pd.DataFrame:
        frame: pd.DataFrame = table.rename_columns(self.names).to_pandas(
            types_mapper=lambda _: pd.StringDtype("pyarrow")
        )
        return frame

    def _select(self, threads: int | None = None) -> AbstractContextManager[Any]:
        columns = ", ".join(f"c{i}" for i in range(len(self.names)))
        where = f"NOT ({self.header})" if self.reading.headers else "true"
        return select(columns, self.path, self.dialect, self.width, where, longest=self.longest, threads=threads)

    def _rows(self) -> Iterator[Any]:
        """Return the rows as the parser hands them over, without the header; no rows come at once, too."""
        import pyarrow as pa

        with self._select(threads=1) as found:
            header, reader = not self.reading.headers, found.to_arrow_reader(BATCH)
            if not self.rows:
                yield pa.RecordBatch.from_pylist([], reader.schema)
            for batch in reader if self.rows else ():
                yield batch.slice(header)
                header = False


def _scanned(path: Path, encoding: str) -> tuple[str | None, int]:
    """Return how Python must read the lines of a file so that they end alike, as they are or translated, and in how
    many places it is not text of its encoding.
    """
    with path.open(encoding=encoding, errors="replace") as text:
        unreadable = sum(block.count(UNREADABLE) for block in iter(lambda: text.read(BLOCK), ""))
        return "" if text.newlines in (None, "\n", "\r\n") else None, unreadable


def _is_header(names: Sequence[str], places: Iterable[int]) -> str:
    """Return the condition of SQL that some cells of a row are those of the header; a single name may be any cell."""
    cells = {f"c{i}": literal(names[i]) if names[i] else "NULL" for i in places}
    return " AND ".join(f"{c} IS NOT DISTINCT FROM {name}" for c, name in cells.items()) if len(cells) > 1 else "false"


def _counted(path: Path, dialect: Dialect, names: Sequence[str]) -> tuple[int, int, int, int]:
    """Return how many rows there are, how many of them have a last value, how many but the first are the header, as in
    files that were joined, and the bytes of a row at most.
    """
    size, width = path.stat().st_size, len(names)
    ends, header = _is_header(names, {0, width - 1}), _is_header(names, range(width))
    for longest in (LONGEST_ROW, size) if size > LONGEST_ROW else (LONGEST_ROW,):
        try:
            what = f"count(*), count(c{width - 1}), count(*) FILTER (WHERE {ends})"
            with select(what, path, dialect, width, longest=longest) as counted:
                ((rows, last, again),) = counted.fetchall()
            if again > 1:
                with select(header, path, dialect, width, longest=longest) as found:
                    ((is_first,),) = found.limit(1).fetchall()  # not behind a comment sign
                with select("count(*)", path, dialect, width, header, longest=longest) as counted:
                    ((again,),) = counted.fetchall() if is_first else [(0,)]
            return rows, last, max(0, again - 1), longest
        except DataError as error:
            failure = error
    raise failure


def _rewritten(path: Path, encoding: str, newline: str | None, skipped: int, to: Path, *, single: bool) -> Path:
    """Write a file as UTF-8 from its header on, and return where."""
    with (
        path.open(encoding=encoding, errors="replace", newline=newline) as text,
        to.open("w", encoding="utf-8", errors="replace", newline="") as copy,
    ):
        for _ in range(skipped):
            text.readline()
        blocks: Iterable[str] = iter(lambda: text.read(BLOCK), "")
        copy.writelines(_stripped(blocks) if single else blocks)
    return to


def _stripped(blocks: Iterable[str]) -> Iterator[str]:
    """Return a text without the blank lines around it, which would be rows of a single column."""
    held, begun = "", False
    for block in blocks:
        text = held + block if begun else block.lstrip("\r\n")
        kept = text.rstrip("\r\n")
        held, begun = text[len(kept) :], begun or bool(kept)
        yield kept
