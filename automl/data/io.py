"""Tables from files and from other libraries' frames, with nothing lost in silence.

A CSV file is read as text, every column: the kinds are decided by :mod:`automl.data.schema`, on the whole column, so
that a zip code keeps its zeros and an integer column may turn to words after 30,000 rows.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any, Final, TypeGuard, cast

import numpy as np
import pandas as pd

from automl.data.dialect import DELIMITERS, Dialect, decode, decompress, literal, records, sniff
from automl.errors import DataError, suggestion

PARQUET: Final = b"PAR1"
LONGEST_HEADER: Final = 1 << 20
NAMES: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "blank"}

Source = str | Path | IO[bytes]


@dataclass(frozen=True, slots=True)
class Reading:
    """How a table was read; a later file is read the same way.

    >>> Reading.from_json(Reading("csv", encoding="utf-8", delimiter=";").to_json()).describe()
    'CSV, semicolon, utf-8'
    """

    format: str
    """``csv``, ``parquet`` or ``frame``."""
    encoding: str | None = None
    delimiter: str | None = None
    quote: str = '"'
    escape: str = '"'
    skipped: int = 0
    """Lines before the header."""
    header: tuple[str, ...] = ()
    """The column names as they were found."""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self) | {"header": list(self.header)}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Reading:
        """Read what :meth:`to_json` wrote."""
        return replace(cls(**record), header=tuple(record["header"]))

    def describe(self) -> str:
        """Return one short line for people."""
        if self.format != "csv":
            return self.format.capitalize()
        parts = ["CSV", NAMES.get(self.delimiter or ",", repr(self.delimiter)), self.encoding or "utf-8"]
        if self.skipped:
            parts.append(f"{self.skipped} line{'s'[: self.skipped - 1]} before the header skipped")
        return ", ".join(parts)


def is_path(data: object) -> TypeGuard[str | Path]:
    """Return whether ``data`` names a file (``-`` is standard input) rather than holding a table."""
    return isinstance(data, str | Path)


def read_table(source: Source, *, reading: Reading | None = None) -> tuple[pd.DataFrame, Reading]:
    """Read a CSV or Parquet file; return the frame and how it was read.

    Parameters
    ----------
    source
        A path, ``-`` for standard input, or an open binary file. CSV may be compressed (gzip, zstd, bz2, zip).
    reading
        How an earlier file was read: delimiter and quotes are taken from it. A byte order mark and valid UTF-8 win over
        its encoding. The lines before the header are counted anew.

    Returns
    -------
    CSV: text columns (``string``, pyarrow), empty cells missing. Parquet: the types of the file.

    Raises
    ------
    DataError
        If there is no such file, or it is empty, has a header only, rows of unequal length, a quote that is never
        closed, or two columns of one name.
    """
    data = _content(source)
    if data.startswith(PARQUET):
        return _read_parquet(data)
    data = decompress(data)
    if data.startswith(PARQUET):
        return _read_parquet(data)
    return _read_csv(data, reading if reading and reading.delimiter else None)


def _content(source: Source) -> bytes:
    if not isinstance(source, str | Path):
        return source.read()
    if str(source) == "-":
        return sys.stdin.buffer.read()
    path = Path(source)
    if path.is_dir():
        inside = sorted(entry.name for entry in path.iterdir() if entry.suffix in (".csv", ".parquet", ".gz"))
        found = f", such as {str(path / inside[0])!r}" if inside else ""
        raise DataError(f"a table must be a file, got the folder {str(path)!r}; name a file{found}")
    if not path.exists():
        near = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        raise DataError(f"there is no file {str(path)!r}{suggestion(path.name, near)}")
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {str(path)!r}: {error.strerror}") from error


def _read_parquet(data: bytes) -> tuple[pd.DataFrame, Reading]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(pa.BufferReader(data))
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"the Parquet file is damaged ({error}); write it again") from error
    if not table.num_rows:
        raise DataError("the Parquet file has no rows")
    frame = _checked(cast("pd.DataFrame", table.to_pandas()), table.column_names)
    return frame, Reading("parquet", header=tuple(table.column_names))


def _read_csv(data: bytes, known: Reading | None) -> tuple[pd.DataFrame, Reading]:
    text, encoding = decode(data, known.encoding if known else None)
    if not text.strip():
        raise DataError("the file is empty; it needs a header and rows")
    if "\r" in text and text.count("\r") != text.count("\n"):
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    dialect = sniff(text, Dialect(known.delimiter or ",", known.quote, known.escape, 0) if known else None)
    lines = text.split("\n", dialect.skipped)
    body = lines[-1]
    names = _header(body, dialect)
    table = _parse(body, dialect, len(names))
    frame = table.slice(1).to_pandas(types_mapper=lambda _: pd.StringDtype("pyarrow"))
    if not len(frame):
        raise DataError(f"the file has a header ({', '.join(names[:5])}) but no rows")
    if not names[-1] and frame.iloc[:, -1].isna().all():  # every line ends with a delimiter
        frame, names = frame.iloc[:, :-1], names[:-1]
    frame = _checked(frame, names)
    reading = Reading("csv", encoding, dialect.delimiter, dialect.quote, dialect.escape, dialect.skipped, tuple(names))
    return frame, reading


def _header(body: str, dialect: Dialect) -> list[str]:
    head = body[:LONGEST_HEADER].lstrip("\r\n")
    first = head.partition("\n")[0]
    names = records(head, dialect)[0]
    held = [mark for mark in DELIMITERS if mark in first]
    if len(names) == 1 and held and not first.startswith(dialect.quote):
        marks = " and ".join(NAMES[mark] for mark in held)
        raise DataError(
            f"the file was split by {NAMES.get(dialect.delimiter, repr(dialect.delimiter))} into one column "
            f"but its header {first.strip()!r} holds {marks}; use one delimiter throughout"
        )
    return names


def _parse(body: str, dialect: Dialect, width: int) -> Any:
    """Return an Arrow table of text whose first row is the header."""
    import duckdb

    columns = "{" + ", ".join(f"'c{i}': 'VARCHAR'" for i in range(width)) + "}"
    single = width == 1
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        path.write_bytes((body.strip("\r\n") if single else body).encode(errors="replace"))
        query = (
            f"SELECT * FROM read_csv({literal(str(path))}, auto_detect=false, header=false, columns={columns}, "  # noqa: S608
            f"delim={literal(dialect.delimiter)}, quote={literal(dialect.quote)}, escape={literal(dialect.escape)})"
        )
        try:
            with duckdb.connect(config={"autoinstall_known_extensions": False}) as connection:
                return connection.sql(query).to_arrow_table()
        except duckdb.Error as error:
            raise _explained(str(error), dialect.skipped) from error


def _explained(message: str, skipped: int) -> DataError:
    line = re.search(r"CSV Error on Line: (\d+)", message)
    where = f"line {int(line[1]) + skipped}" if line else "a line"
    widths = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", message)
    if widths:
        return DataError(
            f"{where} has {widths[2]} value{'s'[: int(widths[2]) - 1]} but the header has {widths[1]}; "
            f"repair that line, or quote values that hold the delimiter"
        )
    if "unterminated quote" in message:
        return DataError(f"{where} has a quote that is not closed; close it, or double quotes inside a quoted value")
    return DataError(f"{where} cannot be read: {message.splitlines()[0]}")


def _checked(frame: pd.DataFrame, names: Iterable[object]) -> pd.DataFrame:
    """Give a frame text names without surrounding blanks, and refuse two columns of one name."""
    texts = ["" if name is None else str(name).strip() for name in names]
    texts = [name or f"unnamed_{i}" for i, name in enumerate(texts, start=1)]
    twice = [name for name, count in Counter(texts).items() if count > 1]
    if twice:
        raise DataError(f"column names must differ, got {twice[0]!r} {texts.count(twice[0])} times; rename one of them")
    return frame if texts == list(frame.columns) else frame.set_axis(texts, axis=1)


def as_frame(data: object) -> pd.DataFrame:
    """Return a table from memory as a pandas frame: column names are text, cells are not touched.

    Takes pandas, polars and pyarrow tables, dicts of lists, lists of dicts, and 2-D arrays (columns ``x0``, ``x1``...).

    >>> as_frame([{"a": 1, "b": "x"}, {"a": 2}])["a"].tolist()
    [1, 2]

    Raises
    ------
    DataError
        If it is none of these, or two columns have one name.
    """
    if isinstance(data, pd.DataFrame):
        frame = data
    elif isinstance(data, pd.Series):
        frame = data.to_frame()
    elif isinstance(data, np.ndarray) and data.ndim == 2:
        frame = pd.DataFrame(data, columns=[f"x{i}" for i in range(data.shape[1])])
    elif isinstance(data, Mapping | list):
        frame = _from_cells(data)
    else:
        frame = _from_library(data)
    return _checked(frame, frame.columns)


def _from_cells(data: Mapping[Any, Any] | list[Any]) -> pd.DataFrame:
    rows = data if isinstance(data, list) else []
    if not all(isinstance(row, Mapping) for row in rows):
        raise DataError("a list must hold one dict a row, such as [{'age': 41}]; or use a frame")
    try:
        return pd.DataFrame(data)
    except ValueError as error:
        raise DataError(f"a dict must hold one list of equal length a column ({error})") from error


def _from_library(data: object) -> pd.DataFrame:
    import narwhals as nw

    try:
        native = nw.from_native(cast("Any", data), eager_only=True)
    except TypeError as error:
        kind = type(data).__name__
        raise DataError(f"a table must be a path, a frame, dicts of lists or lists of dicts, got {kind}") from error
    return cast("pd.DataFrame", native.to_pandas())
