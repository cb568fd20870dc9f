"""Every error the engine raises on purpose, and its warning; each error knows the exit code of the command line.

    AutoMLError             1   something failed
    ├── UsageError          2   an option is wrong
    ├── DataError           3   the table is wrong
    │   └── SchemaError     3   a table does not match the schema that a model was trained on
    ├── ArtifactError       1   a saved model is missing, damaged or of an unknown format
    └── NoModelError        4   the budget ended before there was a model

Beside them stand a server's ``RequestError`` (:mod:`automl.deploy.problem`), ``NotFitted`` and ``NoMethodError``, which
scikit-learn's tools look for (:mod:`automl.estimator`), and ``NoFormula`` (:mod:`automl.formula.symbol`).
A message states the rule, the value and the way out, in one line.
"""

from __future__ import annotations

import difflib
import shlex
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_PACKAGE: Final = str(Path(__file__).parent)
_FLAGS: Final = {"time_budget": "--time", "time": "--time-column"}
"""Those with other names than in Python."""
_OF_READING: Final = ("sep", "encoding", "sheet", "query")
_flags = False


class AutoMLError(Exception):
    """Base of every error raised on purpose."""

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))  # one line, whatever the data that it quotes


class UsageError(AutoMLError, ValueError):
    """An option has a value that the engine cannot take."""

    exit_code = 2


class DataError(AutoMLError, ValueError):
    """The table cannot be read or learned from."""

    exit_code = 3


class SchemaError(DataError):
    """A table at predict time does not match the training schema.

    ``cells`` names each wrong cell as (row, column, value); rows are counted from 1, without the header.
    """

    def __init__(self, message: str, cells: Iterable[tuple[int, str, str]] = ()) -> None:
        super().__init__(message)
        self.cells = tuple(cells)


class DataWarning(UserWarning):
    """Something about the table or the options may mislead; the fit goes on."""


class ArtifactError(AutoMLError):
    """A saved model is missing, damaged, or of a format this version does not read."""


class NoModelError(AutoMLError):
    """The budget ended before any model was finished."""

    exit_code = 4


@contextmanager
def flags() -> Iterator[None]:
    """Within it, messages name options as flags: the command line is who reads them."""
    global _flags
    _flags = True
    try:
        yield
    finally:
        _flags = False


def option(name: str, value: object = None) -> str:
    """Return an option as whoever reads a message gives it: of the command line within :func:`flags`, else of Python.

    >>> option("types", {"zip code": "text"}), option("time", "day"), option("metric"), option("sep", ";")
    ("types={'zip code': 'text'}", "time='day'", 'metric', "read=ReadOptions(sep=';')")
    >>> with flags():
    ...     option("types", {"zip code": "text"}), option("time", "day"), option("metric"), option("sep", ";")
    ("--types 'zip code=text'", '--time-column day', '--metric', "--sep ';'")
    """
    if _flags:
        flag = _FLAGS.get(name, "--" + name.replace("_", "-"))
        values = [f"{key}={each}" for key, each in value.items()] if isinstance(value, Mapping) else [value]
        return flag if value is None else " ".join(f"{flag} {shlex.quote(str(each))}" for each in values)
    if name in _OF_READING:
        return f"read=ReadOptions({name}={'...' if value is None else repr(value)})"
    return name if value is None else f"{name}={value!r}"


def suggestion(name: object, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'churn'?"`` for the closest known name or one that it begins, or an empty string.

    >>> suggestion("chrun", ["age", "churn"]), suggestion("cat", ["categorical", "text"]), suggestion("x", ["age"])
    ("; did you mean 'churn'?", "; did you mean 'categorical'?", '')
    """
    names = {each.casefold(): each for each in known}
    wanted = str(name).casefold()
    begun = [each for each in names if wanted and each.startswith(wanted)]
    matches = difflib.get_close_matches(wanted, names, n=1, cutoff=0.6) or begun
    return f"; did you mean {names[matches[0]]!r}?" if matches else ""


def warn(message: str) -> None:
    """Issue a :class:`DataWarning` at the line that called this package."""
    level, frame = 1, sys._getframe().f_back
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, DataWarning, stacklevel=level + 1)
