"""How a CSV file is written: compression, encoding, delimiter, quotes, lines before the header."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import tempfile
import zipfile
import zlib
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Final

from automl.errors import DataError

DELIMITERS: Final = (",", ";", "\t", "|")
SAMPLE: Final = 1 << 18
"""Characters that the decision is made on."""

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


def decompress(data: bytes) -> bytes:
    """Return the content of gzip, zstd, bz2 or one-file zip data, and any other data as it is.

    Raises
    ------
    DataError
        If the archive holds more than one file, or is damaged.
    """
    open_as = next((open_as for magic, open_as in COMPRESSIONS.items() if data.startswith(magic)), None)
    if open_as is None:
        return data
    try:
        return open_as(data)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise DataError(f"the compressed data is damaged ({error}); write the file again") from error


def _unzip(data: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX")]
        if len(names) != 1:
            raise DataError(f"a zip archive must hold one table, got {len(names)} files; unpack it and name one")
        return archive.read(names[0])


def _unbz2(data: bytes) -> bytes:
    with bz2.open(io.BytesIO(data)) as stream:
        return stream.read()


def _unzstd(data: bytes) -> bytes:
    import pyarrow as pa

    with pa.input_stream(pa.BufferReader(data), compression="zstd") as stream:
        return bytes(stream.read())


COMPRESSIONS: Final = {
    b"\x1f\x8b": gzip.decompress,
    b"\x28\xb5\x2f\xfd": _unzstd,
    b"BZh": _unbz2,
    b"PK\x03\x04": _unzip,
}


def decode(data: bytes, likely: str | None = None) -> tuple[str, str]:
    """Return the text and its encoding: byte order mark, else UTF-8 if valid, else ``likely``, else the best guess.

    >>> decode("Zürich;Köln".encode("latin-1"))
    ('Zürich;Köln', 'cp1252')
    """
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if data.startswith(mark):
            return data.decode(encoding), encoding
    tried = ["utf-16-le", "utf-16-be"] if b"\x00" in data[:200] else ["utf-8", *([likely] if likely else [])]
    for encoding in tried:
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    encoding = _guess(data)
    return data.decode(encoding, errors="replace"), encoding


def _guess(data: bytes) -> str:
    from charset_normalizer import from_bytes

    lines = [line for line in data.splitlines() if not line.isascii()]
    matches = from_bytes(b"\n".join(lines)[:SAMPLE])
    best = matches.best()
    if best is None or {"latin_1", "cp1252"} & {name for match in matches for name in match.could_be_from_charset}:
        return "cp1252"
    return best.encoding


def sniff(text: str, known: Dialect | None = None) -> Dialect:
    """Decide the dialect on the beginning of a text: DuckDB names the delimiter and quotes, the rows the preamble.

    With a ``known`` dialect only the lines before the header are counted. DuckDB's own count of them is not used: it
    leaves out whole ragged tables silently.
    """
    sample = text[:SAMPLE]
    if len(text) > SAMPLE:
        sample = sample[: sample.rfind("\n") + 1] or sample
    comments = _comment_lines(sample)
    body = sample.split("\n", comments)[-1]
    dialect = known or _corrected(body, _sniff_characters(body))
    return replace(dialect, skipped=comments + _title_lines(body, dialect))


def _corrected(body: str, dialect: Dialect) -> Dialect:
    """Return the dialect without the sniffer's mistakes on ragged rows and on apostrophes."""
    if dialect.quote == "'":
        dialect = _apostrophes(body, dialect)
    header = body.split("\n", _title_lines(body, dialect))[-1].partition("\n")[0]
    held = max(DELIMITERS, key=header.count)
    if dialect.delimiter not in header and held in header and dialect.quote not in header:
        return replace(dialect, delimiter=held)  # ragged rows mislead the sniffer: the header decides
    return dialect


def _sniff_characters(body: str) -> Dialect:
    import duckdb

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sample.csv"
        path.write_bytes(body.encode())
        query = f"SELECT Delimiter, Quote, Escape FROM sniff_csv({literal(str(path))}, all_varchar=true, header=true)"  # noqa: S608
        try:
            with duckdb.connect(config={"autoinstall_known_extensions": False, "threads": 1}) as connection:
                (found,) = connection.execute(query).fetchall()
        except duckdb.Error:
            first = body.partition("\n")[0]
            found = (max(DELIMITERS, key=first.count), '"', '"')
    delimiter, quote, escape = ("" if value in (None, "(empty)", "\0") else str(value) for value in found)
    quote = quote or '"'
    return Dialect(delimiter or ",", quote, escape if escape == "\\" else quote, 0)


def _apostrophes(body: str, dialect: Dialect) -> Dialect:
    """Return the dialect with the usual quotes if the rows are even with them and the header has no apostrophes."""
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
    """Count the leading ``#`` lines; a last one such as ``#id,age`` may be the header."""
    lines = sample.split("\n")
    count = next((i for i, line in enumerate(lines) if not line.startswith("#")), len(lines))
    if count == 0 or count == len(lines):
        return 0
    last, following = lines[count - 1], lines[count]
    header = any(0 < last.count(mark) == following.count(mark) for mark in DELIMITERS) and last[1:2].strip() != ""
    return count - 1 if header else count


def _title_lines(body: str, dialect: Dialect) -> int:
    """Count the leading lines that are blank, or hold one value where the rows below hold several."""
    rows = records(body, dialect)
    widths = Counter(len(row) for row in rows if row)
    usual = widths.most_common(1)[0][0] if widths else 1
    count = next((i for i, row in enumerate(rows) if len(row) > 1 or (row and usual == 1)), 0)
    return count if all(len(row) <= 1 for row in rows[:count]) else 0
