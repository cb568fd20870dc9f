"""How a CSV file is written: delimiter, quotes, lines before the header."""

from __future__ import annotations

import csv
import io
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Final

DELIMITERS: Final = (",", ";", "\t", "|")
SAMPLE: Final = 1 << 18
"""Characters that the decision is made on."""

SEPARATOR: Final = re.compile(r'"?sep=([^\n])"?[ \t\r]*(?:\n|$)', re.IGNORECASE)
"""A first line that is for Excel, and names the delimiter."""

NUMBERS: Final = re.compile(r"(?:[-+.\d\s,;|]|e[-+]|nan|inf)+", re.IGNORECASE)
"""A row of numbers."""

WHOLE: Final = 9
"""From this many rows on the last one is not looked at: the end of the sample may have cut it."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the rows of a text are written; ``skipped`` lines come before the header."""

    delimiter: str
    quote: str
    escape: str
    skipped: int


def sniff(text: str, known: Dialect | None = None, delimiter: str | None = None) -> Dialect:
    """Decide the dialect on the beginning of a text: DuckDB names the delimiter and quotes, the rows the preamble.

    With a ``known`` dialect only the lines before the header are counted. DuckDB's own count of them is not used: it
    leaves out whole ragged tables silently. A ``delimiter`` that is given is not questioned, nor that of Excel's line
    ``sep=;``.
    """
    sample = text[:SAMPLE]
    if len(text) > SAMPLE:
        sample = sample[: sample.rfind("\n") + 1] or sample
    said = SEPARATOR.match(sample)
    first = 1 if said else 0
    delimiter = delimiter or (said[1] if said else None)
    first += _comment_lines(sample.split("\n", first)[-1])
    body = sample.split("\n", first)[-1]
    dialect = known or _corrected(body, _sniff_characters(body, delimiter), delimiter)
    if delimiter is not None:
        dialect = replace(dialect, delimiter=delimiter)
    return replace(dialect, skipped=first + title_lines(records(body, dialect)))


def _corrected(body: str, dialect: Dialect, delimiter: str | None) -> Dialect:
    """Return the dialect without the sniffer's mistakes on ragged rows and on apostrophes."""
    dialect = _without_escapes(body, _apostrophes(body, dialect))
    if delimiter is not None:
        return dialect
    dialect = _with_header(body, dialect)
    header = body.split("\n", title_lines(records(body, dialect)))[-1].partition("\n")[0]
    held = max(DELIMITERS, key=header.count)
    if dialect.delimiter not in header and held in header and dialect.quote not in header:
        return _apostrophes(
            body, replace(dialect, delimiter=held)
        )  # ragged rows mislead the sniffer: the header decides
    return dialect


def _with_header(body: str, dialect: Dialect) -> Dialect:
    """Return the dialect with another delimiter if that one explains all rows, and a line that would be skipped too.

    A decimal comma in every cell looks like a delimiter that only the header ``x;price`` lacks.
    """
    skipped = title_lines(records(body, dialect))
    for mark in DELIMITERS if skipped else ():
        other = replace(dialect, delimiter=mark)
        rows = [row for row in records(body, other) if row]
        widths = {len(row) for row in (rows[:-1] if len(rows) > WHOLE else rows)}
        if title_lines(rows) < skipped and len(widths) == 1 and widths != {1}:
            return other
    return dialect


def _sniff_characters(body: str, delimiter: str | None) -> Dialect:
    import duckdb

    given = "" if delimiter is None else f", delim={literal(delimiter)}"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sample.csv"
        path.write_bytes(body.encode())
        query = (
            "SELECT Delimiter, Quote, Escape "  # noqa: S608 - every text in it is a literal
            f"FROM sniff_csv({literal(str(path))}, all_varchar=true, header=true{given})"
        )
        try:
            with duckdb.connect(config={"autoinstall_known_extensions": False, "threads": 1}) as connection:
                (found,) = connection.execute(query).fetchall()
        except duckdb.Error:
            first = body.partition("\n")[0]
            found = (delimiter or max(DELIMITERS, key=first.count), '"', '"')
    delimiter, quote, escape = ("" if value in (None, "(empty)", "\0") else str(value) for value in found)
    quote = quote or '"'
    return Dialect(delimiter or ",", quote, escape if escape == "\\" else quote, 0)


def _apostrophes(body: str, dialect: Dialect) -> Dialect:
    """Return a dialect of apostrophes with the usual quotes if the rows are even with them and the header has none."""
    if dialect.quote != "'":
        return dialect
    usual = replace(dialect, quote='"', escape='"')
    rows = records(body, usual)
    even = len({len(row) for row in rows if row}) == 1
    return usual if even and not body.startswith("'") else dialect


def _without_escapes(body: str, dialect: Dialect) -> Dialect:
    """Return a dialect of backslashes without them if all rows are valid and even so: one may just end a cell."""
    if dialect.escape == dialect.quote:
        return dialect
    usual = replace(dialect, escape=dialect.quote)
    try:
        widths = {len(row) for row in _records(body, usual, strict=True) if row}
    except csv.Error:
        return dialect
    return usual if len(widths) == 1 else dialect


def literal(text: str) -> str:
    """Return an SQL string literal.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def records(text: str, dialect: Dialect) -> list[list[str]]:
    """Return the first rows of a text, for decisions only."""
    rows: list[list[str]] = []
    with suppress(csv.Error):  # a value beyond the reader's limit: the rows before it are enough
        for row in _records(text, dialect, strict=False):
            rows.append(row)  # noqa: PERF402 - the rows before an error must be kept
    return rows


def _records(text: str, dialect: Dialect, *, strict: bool) -> Iterator[list[str]]:
    doubled = dialect.escape == dialect.quote
    return csv.reader(
        islice(io.StringIO(text, newline="\n"), 2000),
        delimiter=dialect.delimiter,
        quotechar=dialect.quote,
        doublequote=doubled,
        escapechar=None if doubled else dialect.escape,
        strict=strict,
    )


def _comment_lines(sample: str) -> int:
    """Count the leading ``#`` lines; a last one such as ``#id,age``, or ``# id,age`` above numbers, may be the header.

    NumPy writes the latter.
    """
    lines = sample.split("\n")
    count = next((i for i, line in enumerate(lines) if not line.startswith("#")), len(lines))
    if count == 0 or count == len(lines):
        return 0
    last, following = lines[count - 1], lines[count]
    even = any(0 < last.count(mark) == following.count(mark) for mark in DELIMITERS)
    header = last[1:2].strip() != "" or (NUMBERS.fullmatch(following) and not NUMBERS.fullmatch(last[1:]))
    return count - 1 if even and header else count


def title_lines(rows: Sequence[Sequence[object]]) -> int:
    """Count the leading rows that are blank, or hold one value where the rows below hold several.

    Spreadsheets fill short rows up with empty cells.

    >>> title_lines([["Report", ""], [], ["city", "size"], ["Bern", "1"]])
    2
    """
    rows = [row[: max((i for i, cell in enumerate(row, 1) if cell != ""), default=0)] for row in rows]
    widths = Counter(len(row) for row in rows if row)
    usual = widths.most_common(1)[0][0] if widths else 1
    count = next((i for i, row in enumerate(rows) if len(row) > 1 or (row and usual == 1)), 0)
    return count if all(len(row) <= 1 for row in rows[:count]) else 0
