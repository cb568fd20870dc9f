"""Tables from files, databases and other libraries' frames, with nothing lost in silence.

The format is told by the content, not by the name: what is compressed is unpacked, then Parquet, Arrow and Excel are
known by their first bytes, JSON by its brackets, and all other text is CSV.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import pandas as pd

from automl.config import AS_FOUND, ReadOptions
from automl.data.cells import text_of
from automl.data.columnar import ARROW, ARROW_STREAM, PARQUET, read_arrow, read_parquet
from automl.data.compression import decompress
from automl.data.database import names_database, read_query
from automl.data.delimited import read_delimited
from automl.data.dialect import decode
from automl.data.json_rows import begins_json, frame_of_rows, read_json
from automl.data.numerals import decimal_mark, parse_numbers
from automl.data.reading import Reading
from automl.data.source import Source, content, display, locate
from automl.data.workbook import read_workbook
from automl.errors import DataError, suggestion

ZIP: Final = b"PK\x03\x04"
REFUSED: Final = {
    b"SQLite format 3": "the file is an SQLite database; name it as sqlite:///FILE and say --query 'select ...'",
    b"\xd0\xcf\x11\xe0": "the file is an old Excel workbook (.xls); save it as .xlsx or CSV",
    b"%PDF": "the file is a PDF; save the table as CSV or .xlsx",
    b"\x89HDF": "the file is HDF5; save the table as Parquet or CSV",
}
"""Files that hold tables in a way that is not read, by their first bytes, and what to do."""


def read_table(
    source: Source, *, reading: Reading | None = None, options: ReadOptions = AS_FOUND
) -> tuple[pd.DataFrame, Reading]:
    """Read a table; return the frame and how it was read.

    Parameters
    ----------
    source
        A path or a pattern of paths (``part-*.csv``), an address (``s3://...``, ``https://...``), the URL of a
        database, ``-`` for standard input, or an open binary file. CSV, Parquet, Arrow (Feather), JSON and Excel files,
        each of them compressed or not (gzip, zstd, bz2, xz, zip).
    reading
        How an earlier file was read: what was decided then holds again. A byte order mark and valid UTF-8 win over its
        encoding. The lines before the header are counted anew.
    options
        What the owner of the file knows better; wins over ``reading``.

    Returns
    -------
    CSV: text columns (``string``, pyarrow), empty cells missing. Other formats: their own types.

    Raises
    ------
    DataError
        If there is no such file, it is empty, damaged or no table, or several files have different columns.
    UsageError
        If an option does not fit, or a library that the source needs is not installed.
    """
    if not isinstance(source, str | Path):
        frame, decided = _read(source.read(), reading, options)
    elif options.query is not None or names_database(source):
        frame = _named(read_query(str(source), options.query))
        decided = Reading("sql", header=tuple(frame.columns))
    else:
        frame, decided = _read_files(locate(source), reading, options)
    na = tuple(options.na) or (reading.na if reading else ())
    frame = without_cells(frame, na)
    decimal = options.decimal or (reading.decimal if reading and reading.format == decided.format else None)
    return frame, replace(decided, decimal=decimal or decimal_mark(frame), na=na, rows=len(frame))


def _read_files(names: Sequence[str], reading: Reading | None, options: ReadOptions) -> tuple[pd.DataFrame, Reading]:
    """Return the rows of several files below each other; the first one says what the columns are."""
    if len(names) == 1:
        return _read(content(names[0]), reading, options)
    frames: list[pd.DataFrame] = []
    for name in names:
        try:
            frame, found = _read(content(name), reading, options)
        except DataError as error:
            raise DataError(f"{display(name)}: {error}") from error
        if frames:
            _require_same(frame, frames[0], display(name), display(names[0]))
            frame = frame[frames[0].columns]
        else:
            reading = found if found.format == "csv" else reading
            first = found
        frames.append(frame)
    return pd.concat(frames, ignore_index=True), replace(first, files=len(names))


def _require_same(frame: pd.DataFrame, first: pd.DataFrame, name: str, first_name: str) -> None:
    differing = [*first.columns.difference(frame.columns, sort=False), *frame.columns.difference(first.columns)]
    if differing:
        where = first_name if differing[0] in first else name
        raise DataError(
            f"the files must have the same columns: {differing[0]!r} is only in {where}, not in "
            f"{name if where == first_name else first_name}; leave that file out or repair it"
        )


def _read(data: bytes, known: Reading | None, options: ReadOptions) -> tuple[pd.DataFrame, Reading]:
    """Return the table of one file by its first bytes."""
    data = decompress(data)
    refused = next((why for magic, why in REFUSED.items() if data.startswith(magic)), None)
    if refused is not None:
        raise DataError(refused)
    if data.startswith(ZIP):
        frame, sheet, skipped = read_workbook(data, options.sheet)
        return _with_header(frame, Reading("excel", skipped=skipped, sheet=sheet))
    if data.startswith(PARQUET):
        return _with_header(read_parquet(data), Reading("parquet"))
    if data.startswith((ARROW, ARROW_STREAM)):
        return _with_header(read_arrow(data), Reading("arrow"))
    text, encoding = decode(data, known.encoding if known else None, options.encoding)
    if not text.strip():
        raise DataError("the file is empty; it needs a header and rows")
    if begins_json(text):
        return _with_header(read_json(text), Reading("json", encoding))
    frame, names, dialect = read_delimited(text, known, options.sep)
    reading = Reading("csv", encoding, dialect.delimiter, dialect.quote, dialect.escape, dialect.skipped, tuple(names))
    return _named(frame, names), reading


def _with_header(frame: pd.DataFrame, reading: Reading) -> tuple[pd.DataFrame, Reading]:
    return _named(frame), replace(reading, header=tuple(str(name) for name in frame.columns))


def _named(frame: pd.DataFrame, names: Iterable[object] | None = None) -> pd.DataFrame:
    """Give a frame text names without surrounding blanks, and refuse two columns of one name."""
    texts = ["" if name is None else str(name).strip() for name in (frame.columns if names is None else names)]
    texts = [name or f"unnamed_{i}" for i, name in enumerate(texts, start=1)]
    twice = [name for name, count in Counter(texts).items() if count > 1]
    if twice:
        raise DataError(f"column names must differ, got {twice[0]!r} {texts.count(twice[0])} times; rename one of them")
    return frame if texts == list(frame.columns) else frame.set_axis(texts, axis=1)


def from_memory(data: object, options: ReadOptions = AS_FOUND) -> tuple[pd.DataFrame, Reading]:
    """Return a table from memory, see :func:`as_frame`, and how its cells are read."""
    frame = without_cells(as_frame(data), options.na)
    header, decimal = tuple(frame.columns), options.decimal or decimal_mark(frame)
    return frame, Reading("frame", header=header, decimal=decimal, na=tuple(options.na), rows=len(frame))


def without_cells(frame: pd.DataFrame, na: Sequence[str]) -> pd.DataFrame:
    """Return the table without the cells that are written as one of ``na``; numbers are compared as numbers.

    >>> without_cells(pd.DataFrame({"a": ["n.v.", "x"], "b": [-999.0, 1.0]}), ["n.v.", "-999"]).isna().sum().tolist()
    [1, 1]
    """
    if not na:
        return frame
    words = {word.strip() for word in na}
    numbers = parse_numbers(list(na))

    def found(series: pd.Series[Any]) -> pd.Series[bool]:
        if series.dtype.kind in "iuf":
            return series.isin(numbers)
        texts = series.str.strip() if isinstance(series.dtype, pd.StringDtype) else series.map(text_of)
        return texts.isin(words)

    return pd.DataFrame({name: series.mask(found(series)) for name, series in frame.items()}, index=frame.index)


def column_of(frame: pd.DataFrame, name: str) -> pd.Series[Any]:
    """Return a column by its name.

    Raises
    ------
    DataError
        If there is none; the closest name is suggested.
    """
    if name not in frame.columns:
        columns = [str(column) for column in frame.columns]
        shown = ", ".join(columns[:10]) + (", ..." if len(columns) > 10 else "")
        raise DataError(f"there is no column {name!r}{suggestion(name, columns) or f'; columns: {shown}'}")
    return frame[name]


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
    return _named(frame)


def _from_cells(data: Mapping[Any, Any] | list[Any]) -> pd.DataFrame:
    rows = data if isinstance(data, list) else []
    if not all(isinstance(row, Mapping) for row in rows):
        raise DataError("a list must hold one dict a row, such as [{'age': 41}]; or use a frame")
    try:
        return frame_of_rows(rows) if isinstance(data, list) else pd.DataFrame(data)
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
