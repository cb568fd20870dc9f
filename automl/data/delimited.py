"""CSV: every cell as text, every row or none.

The kinds are decided by :mod:`automl.data.schema`, on the whole column, so that a zip code keeps its zeros and an
integer column may turn to words after 30,000 rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from automl.data.dialect import DELIMITERS, SAMPLE, Dialect, literal, records, sniff
from automl.data.encoding import MARK
from automl.data.reading import Reading
from automl.errors import DataError, option

LONGEST_HEADER: Final = 1 << 20
LONGEST_ROW: Final = 2_000_000
"""Bytes of a row for which the parser makes room at first: it reads by blocks of several rows."""
BEGINNING: Final = SAMPLE + LONGEST_HEADER
COMMENT: Final = "# "
"""What NumPy writes before a header."""
MARKS: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "blank"}


def layout(text: str, known: Reading | None, delimiter: str | None) -> tuple[Dialect, list[str]]:
    """Return how a CSV text is written, and the column names, by its first ``BEGINNING`` characters.

    A ``known`` dialect is kept unless only another one finds columns of the earlier table.
    """
    earlier = Dialect(known.delimiter, known.quote, known.escape, 0) if known and known.delimiter else None
    dialect = sniff(text, earlier, delimiter)
    if known and earlier and delimiter is None and not _names_one(text, dialect, known.header):
        other = sniff(text)
        dialect = other if _names_one(text, other, known.header) else dialect
    return dialect, _header(text.split("\n", dialect.skipped)[-1], dialect, certain=delimiter is not None)


def _names_one(text: str, dialect: Dialect, header: Sequence[str]) -> bool:
    """Return whether the first line of a text names one of the columns."""
    head = text.split("\n", dialect.skipped)[-1][:LONGEST_HEADER].lstrip("\r\n").removeprefix(MARK)
    return not {name.strip() for name in next(iter(records(head, dialect)), [])}.isdisjoint(header)


def _header(body: str, dialect: Dialect, *, certain: bool) -> list[str]:
    head = body[:LONGEST_HEADER].lstrip("\r\n").removeprefix(MARK)
    first = head.partition("\n")[0]
    names = next(iter(records(head.removeprefix(COMMENT), dialect)), [])
    if names in ([], [""]):
        raise DataError("the file has no header; the first line must name the columns")
    held = [mark for mark in DELIMITERS if mark in first]
    if len(names) == 1 and held and not certain and not first.startswith(dialect.quote):
        marks = " and ".join(MARKS[mark] for mark in held)
        raise DataError(
            f"the file was split by {MARKS.get(dialect.delimiter, repr(dialect.delimiter))} into one column "
            f"but its header {first.strip()[:60]!r} holds {marks}; use one delimiter throughout, or name "
            f"it with {option('sep')}"
        )
    return names


@contextmanager
def select(
    what: str,
    path: Path,
    dialect: Dialect,
    width: int,
    where: str = "true",
    *,
    longest: int,
    threads: int | None = None,
) -> Iterator[Any]:
    """Query a CSV file in UTF-8 for its columns ``c0``, ``c1``...: text, the first row is the header.

    Parameters
    ----------
    where
        Condition of SQL for its rows.
    longest
        Bytes of a row at most.

    Raises
    ------
    DataError
        If its rows are of unequal length, or a quote is never closed; also as the result is read.
    """
    import duckdb

    columns = "{" + ", ".join(f"'c{i}': 'VARCHAR'" for i in range(width)) + "}"
    query = (
        f"SELECT {what} FROM read_csv({literal(str(path))}, auto_detect=false, header=false, columns={columns}, "  # noqa: S608
        f"compression='none', hive_partitioning=false, max_line_size={longest}, "
        f"delim={literal(dialect.delimiter)}, quote={literal(dialect.quote)}, escape={literal(dialect.escape)}) "
        f"WHERE {where}"
    )
    config: dict[str, Any] = {"autoinstall_known_extensions": False} | ({"threads": threads} if threads else {})
    try:
        with duckdb.connect(config=config) as connection:
            yield connection.sql(query)
    except duckdb.Error as error:
        raise _explained(str(error), dialect.skipped) from error


def _explained(message: str, skipped: int) -> DataError:
    line = re.search(r"CSV Error on Line: (\d+)", message)
    where = f"line {int(line[1]) + skipped}" if line else "a line"
    widths = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", message)
    if widths:
        named, held = int(widths[1]), int(widths[2])
        unnamed = line and line[1] == "2" and held == named + 1  # R writes row names so
        way_out = "name the first column, too, if it holds row names" if unnamed else "repair that line"
        return DataError(
            f"{where} has {held} value{'s'[: held - 1]} but the header has {named}; "
            f"{way_out}, or quote values that hold the delimiter"
        )
    if "unterminated quote" in message:
        return DataError(f"{where} has a quote that is not closed; close it, or double quotes inside a quoted value")
    return DataError(f"{where} cannot be read: {message.splitlines()[0]}")
