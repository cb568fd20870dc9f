"""Excel workbooks (.xlsx): one sheet is a table, with or without lines of titles above its header."""

from __future__ import annotations

import io
import warnings
import zipfile
import zlib
from collections.abc import Sequence
from typing import Any, Final

import pandas as pd

from automl.data.dialect import title_lines
from automl.errors import DataError, UsageError, option, suggestion

Rows = list[tuple[Any, ...]]

BROKEN_ZIP: Final = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)


def read_workbook(data: bytes, sheet: str | None, likely: str | None = None) -> tuple[pd.DataFrame, str, int]:
    """Return the table of a sheet, the name of the sheet, and the lines before its header.

    Parameters
    ----------
    sheet
        Its name; needed if several sheets hold data.
    likely
        The one of an earlier workbook, which is taken if it is there.

    Raises
    ------
    UsageError
        If openpyxl is missing, or there is no such sheet, or it must be named.
    DataError
        If the workbook is damaged or the sheet holds no table.
    """
    sheets = _sheets(data)
    asked = likely if sheet is None and likely in sheets else sheet
    name = _chosen({name: rows for name, rows in sheets.items() if rows}, asked, list(sheets))
    rows = sheets[name]
    skipped = title_lines([_cells(row) for row in rows])
    header, body = rows[skipped], rows[skipped + 1 :]
    if not body:
        raise DataError(f"the sheet {name!r} has a header but no rows")
    kept = [i for i in range(len(header)) if any(row[i] is not None for row in rows[skipped:])]
    columns = [pd.Series([row[i] for row in body], dtype=object).infer_objects() for i in kept]
    frame = pd.concat(columns, axis=1, keys=range(len(kept)))
    return frame.set_axis(["" if header[i] is None else header[i] for i in kept], axis=1), name, skipped


def _sheets(data: bytes) -> dict[str, Rows]:
    """Return the rows of every sheet by its name."""
    try:
        import openpyxl
    except ImportError:
        raise UsageError("reading Excel workbooks needs openpyxl; pip install 'automl[excel]'") from None
    try:
        with warnings.catch_warnings():  # on styles and extensions, which a table does not need
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
            return {sheet.title: _rows(sheet) for sheet in book.worksheets}
    except (*BROKEN_ZIP, OSError, ValueError, LookupError, TypeError, AttributeError, SyntaxError) as error:
        raise DataError(f"the workbook is damaged ({error}); save it again") from error


def _rows(sheet: Any) -> Rows:
    """Return the rows, as wide as each other, without the empty ones: Excel keeps those that were once written to."""
    sheet.reset_dimensions()  # what a file says of its size may be wrong: all rows are read
    rows = [tuple(row) for row in sheet.iter_rows(values_only=True)]
    width = max(map(len, rows), default=0)
    return [row + (None,) * (width - len(row)) for row in rows if any(cell is not None for cell in row)]


def _cells(row: tuple[Any, ...]) -> list[Any]:
    """Return the cells of a row; of a title, which may stand anywhere, only itself. The names of a table whose other
    columns have none end where its rows do."""
    held = [cell for cell in row if cell is not None]
    return held if len(held) == 1 and row[-1] is None else ["" if cell is None else cell for cell in row]


def _chosen(filled: dict[str, Rows], asked: str | None, names: Sequence[str]) -> str:
    if asked is not None:
        if asked not in names:
            known = suggestion(asked, names) or f"; sheets: {', '.join(names)}"
            raise UsageError(f"there is no sheet {asked!r}{known}")
        if asked not in filled:
            raise DataError(f"the sheet {asked!r} is empty")
        return asked
    if not filled:
        raise DataError("the workbook is empty; it needs a sheet with a header and rows")
    if len(filled) > 1:
        raise UsageError(
            f"{len(filled)} sheets hold data: {', '.join(map(repr, filled))}; name one with {option('sheet')}"
        )
    return next(iter(filled))
