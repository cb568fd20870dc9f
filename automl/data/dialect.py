"""How a CSV file is written: encoding, delimiter, quotes, lines before the header."""

from __future__ import annotations

import codecs
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
from typing import IO, Final

from automl.errors import DataError, option

DELIMITERS: Final = (",", ";", "\t", "|")
SAMPLE: Final = 1 << 18
"""Characters that the decision is made on."""

BLOCK: Final = 1 << 20
"""Bytes that are decoded at a time."""

MARK: Final = "\ufeff"
"""A byte order mark, decoded."""

SEPARATOR: Final = re.compile(r'"?sep=([^\n])"?[ \t\r]*(?:\n|$)', re.IGNORECASE)
"""A first line that is for Excel, and names the delimiter."""

NUMBERS: Final = re.compile(r"(?:[-+.\d\s,;|]|e[-+]|nan|inf)+", re.IGNORECASE)
"""A row of numbers."""

UNREADABLE: Final = "\ufffd"
"""What stands for bytes that are no text."""

SLIP: Final = 10
"""Letters beyond ASCII for each such place, from which a text is UTF-8 with slips, and not of another encoding."""

WHOLE: Final = 9
"""From this many rows on the last one is not looked at: the end of the sample may have cut it."""

TOGETHER: Final = 1.5
"""Mean bytes beyond ASCII in a row, below which they are single letters such as ``ü``, not halves of others."""

WINDOWS: Final = {"mac_cyrillic": "cp1251", "mac_greek": "cp1253", "mac_latin2": "cp1250", "mac_roman": "cp1252"}
"""Encodings that differ in few letters from the ones that files with these letters are far more often written in."""

BYTE_ORDER_MARKS: Final = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the rows of a text are written; ``skipped`` lines come before the header."""

    delimiter: str
    quote: str
    escape: str
    skipped: int


def decode(data: bytes, likely: str | None = None, asked: str | None = None) -> tuple[str, str]:
    """Return the text and its encoding, see :func:`encoding_of`.

    >>> decode("Zürich;Köln".encode("latin-1"))
    ('Zürich;Köln', 'cp1252')
    """
    encoding = encoding_of(io.BytesIO(data), likely, asked)
    return data.decode(encoding, errors="replace").removeprefix(MARK), encoding


def encoding_of(file: IO[bytes], likely: str | None = None, asked: str | None = None) -> str:
    """Return the encoding of a file: byte order mark, else UTF-8 if valid, else ``likely``, else UTF-8 if it nearly is,
    else the best guess.

    ``asked`` is the encoding that the owner of the file has named; the text is in it, or refused. The whole file is
    looked at, in pieces.

    Raises
    ------
    DataError
        If the file is no text, or not in the encoding asked for.
    """
    file.seek(0)
    begin = file.read(200)
    marked = next((encoding for mark, encoding in BYTE_ORDER_MARKS.items() if begin.startswith(mark)), None)
    if certain := asked or marked:
        _require(file, certain)
        return certain
    tried = ["utf-16-le", "utf-16-be"] if b"\x00" in begin else ["utf-8", *([likely] if likely else [])]
    for encoding in tried:
        with suppress(UnicodeDecodeError):
            if not any("\x00" in text for text in _texts(file, encoding)):
                return encoding
    if any(b"\x00" in block for block in _blocks(file)):
        raise DataError("the file is binary, no text; save the table as CSV, Parquet, JSON lines or .xlsx")
    return "utf-8" if _nearly_utf_8(file) else _guess(file)


def _nearly_utf_8(file: IO[bytes]) -> bool:
    """Return whether a text is UTF-8 but for a slip here and there: hardly another encoding looks like it by chance."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    beyond = slips = 0
    for block in _blocks(file):
        text = decoder.decode(block)
        beyond += len(text) - len(text.encode("ascii", "ignore"))
        slips += text.count(UNREADABLE)
    return beyond > SLIP * slips


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    return iter(lambda: file.read(BLOCK), b"")


def _texts(file: IO[bytes], encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)()
    for block in _blocks(file):
        yield decoder.decode(block)
    yield decoder.decode(b"", final=True)


def _require(file: IO[bytes], encoding: str) -> None:
    try:
        binary = any("\x00" in text for text in _texts(file, encoding))
    except (UnicodeError, ValueError) as error:
        raise DataError(
            f"the file is not written in {encoding} ({error}); name another with {option('encoding')}"
        ) from error
    if binary:
        raise DataError(f"the file is no {encoding} text: it holds zero bytes; save the table again, as UTF-8")


def _guess(file: IO[bytes]) -> str:
    from charset_normalizer import from_bytes
    from charset_normalizer.utils import is_multi_byte_encoding

    sample = _beyond_ascii(file)
    matches = from_bytes(sample)
    best = matches.best()
    if best is None or {"latin_1", "cp1252"} & {name for match in matches for name in match.could_be_from_charset}:
        return "cp1252"
    runs = re.findall(rb"[\x80-\xff]+", sample)
    alone = sum(map(len, runs)) < TOGETHER * len(runs)
    if alone and is_multi_byte_encoding(best.encoding):
        return "cp1252"
    return WINDOWS.get(best.encoding, best.encoding)


def _beyond_ascii(file: IO[bytes]) -> bytes:
    """Return the first lines that hold more than ASCII, or pieces of them."""
    file.seek(0)
    sample = b""
    while len(sample) < SAMPLE and (line := file.readline(SAMPLE)):
        if not line.isascii():
            sample += line
    return sample[:SAMPLE]


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
    dialect = _apostrophes(body, dialect)
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


def literal(text: str) -> str:
    """Return an SQL string literal.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def records(text: str, dialect: Dialect) -> list[list[str]]:
    """Return the first rows of a text, for decisions only."""
    doubled = dialect.escape == dialect.quote
    lines = csv.reader(
        islice(io.StringIO(text, newline="\n"), 2000),
        delimiter=dialect.delimiter,
        quotechar=dialect.quote,
        doublequote=doubled,
        escapechar=None if doubled else dialect.escape,
    )
    rows: list[list[str]] = []
    with suppress(csv.Error):  # a value beyond the reader's limit: the rows before it are enough
        for row in lines:
            rows.append(row)  # noqa: PERF402 - the rows before an error must be kept
    return rows


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
