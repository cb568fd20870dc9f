"""The rows that an SQL query selects, through SQLAlchemy."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd

from automl.data.exact import exact
from automl.data.source import display
from automl.errors import DataError, UsageError, option, suggestion


def read_query(url: str, query: str | None) -> pd.DataFrame:
    """Return the rows that a query selects, with the types of the database.

    Raises
    ------
    UsageError
        If there is no query, no SQLAlchemy, no driver, or the URL cannot be read.
    DataError
        If the database cannot be reached, does not understand the query, or selects nothing.
    """
    if query is None:
        raise UsageError(f"{display(url)!r} is a database; its rows are named by {option('query', 'select ...')}")
    if "://" not in url:
        raise UsageError(
            f"a query needs a database, and {display(url)!r} is none; name its URL, or leave out {option('query')}"
        )
    try:
        import sqlalchemy
    except ImportError:
        raise UsageError(f"reading {display(url)!r} needs SQLAlchemy; pip install 'automl[sql]'") from None
    try:
        engine = sqlalchemy.create_engine(re.sub("^postgres:", "postgresql:", url))  # which has two names elsewhere
    except (sqlalchemy.exc.SQLAlchemyError, ImportError, ValueError) as error:
        raise UsageError(f"{display(url)!r} cannot be opened: {error}") from error
    _require_file(engine.url)
    try:
        with engine.connect().execution_options(no_parameters=True) as connection:  # else % would announce one
            result = connection.exec_driver_sql(query)
            if not result.returns_rows:
                raise DataError("the query selects no rows; it must be a select")
            names, rows = list(result.keys()), [tuple(row) for row in result]
    except sqlalchemy.exc.SQLAlchemyError as error:
        raise DataError(f"the query failed: {getattr(error, 'orig', None) or error}") from error
    finally:
        engine.dispose()
    if not rows:
        raise DataError("the query selects no rows; look at its conditions")
    columns = [pd.Series(exact(cells)) for cells in zip(*rows, strict=True)]
    return pd.concat(columns, axis=1, keys=range(len(names))).set_axis(names, axis=1)


def _require_file(url: Any) -> None:
    """Refuse an SQLite file that is not there: opening it would make an empty one."""
    path = Path(url.database or ":memory:")
    if url.get_backend_name() == "sqlite" and str(path) != ":memory:" and not path.is_file():
        near = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        raise DataError(f"there is no file {str(path)!r}{suggestion(path.name, near)}")
