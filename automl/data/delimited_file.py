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
from automl.data.dialect import Dialect
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
        rows, last, longest = _counted(path, dialect, len(found))
        ends_with_delimiter = not found[-1] and last == 0
        names = column_names(found[:-1] if ends_with_delimiter else found)
        reading = Reading("csv", encoding, dialect.delimiter, dialect.quote, dialect.escape, dialect.skipped)
        reading = replace(reading, unreadable=unreadable)
        return cls(path, reading, dialect, tuple(names), len(found), rows - 1, path.stat().st_size, longest)

    def whole(self) -> pd.DataFrame:
        """Return the table as text."""
        with self._select() as found:
            return self._frame(found.to_arrow_table().slice(1))

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
        return select(columns, self.path, self.dialect, self.width, longest=self.longest, threads=threads)

    def _rows(self) -> Iterator[Any]:
        """Return the rows as the parser hands them over, without the header."""
        with self._select(threads=1) as found:
            header = 1
            for batch in found.to_arrow_reader(BATCH):
                yield batch.slice(header)
                header = 0


def _scanned(path: Path, encoding: str) -> tuple[str | None, int]:
    """Return how Python must read the lines of a file so that they end alike, as they are or translated, and in how
    many places it is not text of its encoding.
    """
    with path.open(encoding=encoding, errors="replace") as text:
        unreadable = sum(block.count(UNREADABLE) for block in iter(lambda: text.read(BLOCK), ""))
        return "" if text.newlines in (None, "\n", "\r\n") else None, unreadable


def _counted(path: Path, dialect: Dialect, width: int) -> tuple[int, int, int]:
    """Return how many rows there are, how many of them have a last value, and the bytes of a row at most."""
    size = path.stat().st_size
    for longest in (LONGEST_ROW, size) if size > LONGEST_ROW else (LONGEST_ROW,):
        try:
            with select(f"count(*), count(c{width - 1})", path, dialect, width, longest=longest) as counted:
                ((rows, last),) = counted.fetchall()
                return rows, last, longest
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
