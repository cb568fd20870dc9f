"""Files of any format, one or several, as one table.

The format is told by the content, not by the name: what is compressed is unpacked, then Parquet, Arrow and Excel are
known by their first bytes, JSON by its brackets, and all other text is CSV.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import pandas as pd

from automl.config import ReadOptions
from automl.data.columnar import ARROW, ARROW_STREAM, PARQUET, read_arrow, read_parquet
from automl.data.compression import ZIP, decompress
from automl.data.delimited_file import DelimitedFile
from automl.data.encoding import decode
from automl.data.json_rows import begins_json, read_json
from automl.data.reading import Reading, column_names
from automl.data.source import content, display
from automl.data.workbook import read_workbook
from automl.errors import DataError, UsageError, option

REFUSED: Final = {
    b"SQLite format 3": "the file is an SQLite database; name it as sqlite:///FILE, and the query of its rows",
    b"\xd0\xcf\x11\xe0": "the file is an old Excel workbook (.xls); save it as .xlsx or CSV",
    b"%PDF": "the file is a PDF; save the table as CSV or .xlsx",
    b"\x89HDF": "the file is HDF5; save the table as Parquet or CSV",
}
"""Files that hold tables in a way that is not read, by their first bytes, and what to do."""


def read_files(names: Sequence[str], known: Reading | None, options: ReadOptions) -> tuple[pd.DataFrame, Reading]:
    """Return the rows of several files below each other; the first one says what the columns are."""
    first, reading = read_content(content(names[0]), known, options)
    if len(names) == 1:
        return first, reading
    frames = [first]
    for name in names[1:]:
        try:
            frame, found = read_content(content(name), reading, options)
        except DataError as error:
            raise DataError(f"{display(name)}: {error}") from error
        require_alike(found, reading, display(name))
        require_same(frame.columns, first.columns, display(name), display(names[0]))
        frames.append(frame[first.columns])
    return pd.concat(frames, ignore_index=True), replace(reading, files=len(names))


def require_alike(found: Reading, first: Reading, name: str) -> None:
    """Refuse a file of another format, or with another separator, than the first one."""
    if found.format != first.format:
        raise DataError(f"the files must have one format: {name} is {found.format}, not {first.format}")
    if found.delimiter != first.delimiter:
        marks = f"{name} is separated by {found.delimiter!r}, not by {first.delimiter!r}"
        raise DataError(f"the files must be separated alike: {marks}; rewrite it")


def require_same(columns: Iterable[str], first: Iterable[str], name: str, first_name: str) -> None:
    """Refuse a file with other columns than the first one; their order is free."""
    known = pd.Index(first)
    differing = known.symmetric_difference(pd.Index(columns), sort=False)
    if len(differing):
        where, other = (first_name, name) if differing[0] in known else (name, first_name)
        raise DataError(
            f"the files must have the same columns: {differing[0]!r} is in {where}, not in {other}; "
            "leave that file out or repair it"
        )


def read_content(data: bytes, known: Reading | None, options: ReadOptions) -> tuple[pd.DataFrame, Reading]:
    """Return the table of one file by its first bytes."""
    data = decompress(data)
    refused = next((why for magic, why in REFUSED.items() if data.startswith(magic)), None)
    if refused is not None:
        raise DataError(refused)
    if data.startswith(ZIP):
        frame, sheet, skipped = read_workbook(data, options.sheet, known.sheet if known else None)
        return _with_header(frame, Reading("excel", skipped=skipped, sheet=sheet))
    require_no_sheet(options)
    if data.startswith(PARQUET):
        return _with_header(read_parquet(data), Reading("parquet"))
    if data.startswith((ARROW, ARROW_STREAM)):
        return _with_header(read_arrow(data), Reading("arrow"))
    text, encoding = decode(data, known.encoding if known else None, options.encoding)
    if not text.strip():
        raise DataError("the file is empty; it needs a header and rows")
    if begins_json(text):
        return _with_header(read_json(text, known.header if known else ()), Reading("json", encoding))
    return _read_delimited(data, encoding, known, options.sep)


def _read_delimited(
    data: bytes, encoding: str, known: Reading | None, delimiter: str | None
) -> tuple[pd.DataFrame, Reading]:
    """Return the table of a CSV file as text columns."""
    with tempfile.TemporaryDirectory() as folder:
        stored = Path(folder, "stored")
        stored.write_bytes(data)
        file = DelimitedFile.open(stored, encoding, known, delimiter, Path(folder, "rewritten"))
        if not file.rows:
            raise DataError(f"the file has a header ({', '.join(file.names[:5])}) but no rows")
        return file.whole(), replace(file.reading, header=file.names)


def require_no_sheet(options: ReadOptions) -> None:
    """Refuse the name of a sheet for a file that is no workbook."""
    if options.sheet is not None:
        raise UsageError(
            f"the sheet {options.sheet!r} needs an Excel workbook, and the file is none; leave out {option('sheet')}"
        )


def _with_header(frame: pd.DataFrame, reading: Reading) -> tuple[pd.DataFrame, Reading]:
    return named(frame), replace(reading, header=tuple(str(name) for name in frame.columns))


def named(frame: pd.DataFrame) -> pd.DataFrame:
    """Give a frame the names of :func:`column_names`."""
    texts = column_names(frame.columns)
    return frame if texts == list(frame.columns) else frame.set_axis(texts, axis=1)
