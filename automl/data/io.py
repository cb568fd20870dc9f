"""Tables from files, databases and other libraries' frames, with nothing lost in silence."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl.config import AS_FOUND, ReadOptions
from automl.data.cells import cells_of, in_known_dtype, is_known, text_of
from automl.data.database import read_query
from automl.data.decimals import decimal_mark, settles_decimal
from automl.data.exact import exact, framed, with_gaps
from automl.data.files import named, read_content, read_files
from automl.data.json_rows import frame_of_rows, unnested
from automl.data.numerals import PADDED, Style, parse_numbers
from automl.data.reading import Reading
from automl.data.source import Source, is_path, locate, names_database
from automl.errors import DataError, suggestion


@contextmanager
def _of_whole_characters() -> Iterator[None]:
    """Refuse texts that hold half a character, as JSON of texts that were cut does."""
    try:
        yield
    except UnicodeEncodeError as error:
        text = error.object[max(0, error.start - 20) : error.start + 1]
        raise DataError(f"the text {text!r} ends with half a character, which no file can hold; repair it") from error


@_of_whole_characters()
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
        frame, decided = read_content(source.read(), reading, options)
    elif options.query is not None or names_database(source):
        frame = named(read_query(str(source), options.query))
        decided = Reading("sql", header=tuple(frame.columns))
    else:
        frame, decided = read_files(locate(source), reading, options)
    na = tuple(options.na) or (reading.na if reading else ())
    decimal = options.decimal or (reading.decimal_for(decided) if reading else None)
    settled = decided.format == "csv" or options.decimal is not None or settles_decimal(frame, na)
    decimal = decimal or decimal_mark(frame, decided.delimiter, na)
    frame, unmet = without_cells(frame, na, decimal)
    return frame, replace(decided, decimal=decimal, settled=settled, na=na, unmet=unmet, rows=len(frame))


@_of_whole_characters()
def read_data(
    data: object, *, reading: Reading | None = None, options: ReadOptions = AS_FOUND
) -> tuple[pd.DataFrame, Reading]:
    """Return a table that is named, see :func:`read_table`, or in memory, see :func:`as_frame`, and how it is read."""
    if is_path(data):
        return read_table(data, reading=reading, options=options)
    na = tuple(options.na) or (reading.na if reading else ())
    frame = as_frame(data, reading.header if reading else ())
    decimal = options.decimal or (reading.decimal if reading else decimal_mark(frame, na=na))
    settled = reading is not None or options.decimal is not None or settles_decimal(frame, na)
    frame, unmet = without_cells(frame, na, decimal)
    found = Reading("frame", header=tuple(frame.columns), decimal=decimal, settled=settled, na=na, unmet=unmet)
    return frame, replace(found, rows=len(frame))


def without_cells(frame: pd.DataFrame, na: Sequence[str], decimal: str = ".") -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the table without the cells that are one of ``na``, and those of ``na`` that no cell is.

    A cell is one of them if it is written so or is the same number, in a table with this decimal mark; ``007`` is none.

    >>> frame = pd.DataFrame({"a": ["n.v.", "-999.00"], "b": [-999.0, 1.0]})
    >>> without_cells(frame, ["n.v.", "-999", "?"])[0].isna().sum().tolist(), without_cells(frame, ["n.v.", "?"])[1]
    ([2, 1], ('?',))
    """
    if not na:
        return frame, ()
    words, style, met = [text_of(word) for word in na], Style(decimal=decimal), np.zeros(len(na), np.bool_)
    numbers = parse_numbers([word.strip() for word in na], style)

    def missing(series: pd.Series[Any]) -> NDArray[np.bool_]:
        if series.dtype.kind == "f":
            equal = [series.eq(number).to_numpy(np.bool_, na_value=False) for number in numbers.tolist()]
            met[:] |= list(map(np.any, equal))
            return np.asarray(np.any(equal, axis=0))
        cells = cells_of(series, ())
        texts = cells.values
        if series.dtype.kind == "M":  # days are written without a time
            texts = [text.removesuffix(" 00:00:00") for text in texts]
        read = np.where([PADDED.match(text) is not None for text in texts], np.nan, parse_numbers(texts, style))
        hits = (np.array(texts, dtype=object)[:, None] == words) | (read[:, None] == numbers)
        met[:] |= hits.any(axis=0)
        return cells.spread(hits.any(axis=1), False)

    left = pd.DataFrame({name: with_gaps(series, missing(series)) for name, series in frame.items()}, index=frame.index)
    return left, tuple(word for word, found in zip(na, met, strict=True) if not found)


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
        headless = "; they look like cells: has the table no line of names?" if _are_cells(columns) else ""
        raise DataError(f"there is no column {name!r}{suggestion(name, columns) or f'; columns: {shown}'}{headless}")
    return frame[name]


def _are_cells(names: Sequence[str]) -> bool:
    """Return whether several names of columns, and more than a third of them, are numbers with a fraction or repeat."""
    cells = sum(re.fullmatch(r"-?\d+[.,]\d+", name) is not None for name in names)
    return cells > max(1, len(names) / 3)


def as_frame(data: object, header: Collection[str] = ()) -> pd.DataFrame:
    """Return a table from memory as a pandas frame: column names are text, cells are not touched.

    Takes pandas, polars and pyarrow tables, dicts of lists, lists of dicts, and 2-D arrays (columns ``x0``, ``x1``...).
    ``header`` are the columns of an earlier table, see :func:`~automl.data.json_rows.frame_of_rows`.

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
        frame = pd.DataFrame(data, columns=array_names(data.shape[1]))
    elif isinstance(data, Mapping | list):
        frame = _from_cells(data, header)
    else:
        frame = _from_library(data)
    found = unnested(named(frame), header)
    odd = [str(name) for name, dtype in found.dtypes.items() if not is_known(dtype)]
    return found.assign(**{name: in_known_dtype(found[name]) for name in odd}) if odd else found


def array_names(columns: int) -> list[str]:
    """Return the names that the columns of an array are given."""
    return [f"x{i}" for i in range(columns)]


def _from_cells(data: Mapping[Any, Any] | list[Any], header: Collection[str]) -> pd.DataFrame:
    rows = data if isinstance(data, list) else []
    if not all(isinstance(row, Mapping) for row in rows):
        raise DataError("a list must hold one dict a row, such as [{'age': 41}]; or use a frame, or numpy.array")
    try:
        if isinstance(data, list):
            return frame_of_rows(rows, header)
        return pd.DataFrame({name: exact(cells) if isinstance(cells, list) else cells for name, cells in data.items()})
    except UnicodeEncodeError:
        raise
    except ValueError as error:
        raise DataError(
            f"a dict must hold one list of equal length a column ({error}); one row is a list of one dict"
        ) from error


def _from_library(data: object) -> pd.DataFrame:
    import narwhals as nw

    try:
        native = nw.from_native(cast("Any", data), eager_only=True)
    except TypeError as error:
        got = f"{type(data).__name__}{_way_out(data)}"
        raise DataError(f"a table must be a path, a frame, dicts of lists or lists of dicts, got {got}") from error
    return framed(native.to_arrow())


def _way_out(data: object) -> str:
    """Return how what is no table can be given as one, where that is known."""
    import pyarrow as pa

    if isinstance(data, pa.RecordBatch):
        return "; give pyarrow.table(batch)"
    if isinstance(data, np.ndarray) and data.dtype.names:
        return " of records; give pandas.DataFrame(array)"
    if isinstance(data, np.ndarray):
        ways = ": array.reshape(-1, 1) is a column, (1, -1) a row" if data.ndim == 1 else ""
        return f" of shape {data.shape}; give one of two dimensions{ways}"
    method = next((name for name in ("toarray", "collect", "to_pandas") if hasattr(data, name)), None)
    return f"; give its .{method}()" if method else ""
