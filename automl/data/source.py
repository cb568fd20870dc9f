"""Where tables come from: files, patterns of files, standard input, and addresses such as ``s3://bucket/part-*.csv``."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from glob import glob, has_magic
from pathlib import Path
from typing import IO, Any, Final, TypeGuard

from automl.errors import DataError, UsageError, suggestion

Source = str | Path | IO[bytes]


DATABASES: Final = frozenset(
    {"sqlite", "postgresql", "postgres", "mysql", "mariadb", "mssql", "oracle", "duckdb", "snowflake", "redshift"}
)


def names_database(source: object) -> bool:
    """Return whether a source is the URL of a database.

    >>> names_database("postgresql+psycopg://host/shop"), names_database("s3://bucket/shop.csv")
    (True, False)
    """
    scheme, mark, _ = str(source).partition("://")
    return bool(mark) and scheme.partition("+")[0] in DATABASES


def is_path(data: object) -> TypeGuard[str | Path]:
    """Return whether ``data`` names a table (``-`` is standard input) rather than holding one."""
    return isinstance(data, str | Path)


def path_of(given: object, what: str, way_out: str = "") -> Path:
    """Return a path that was given as a text or a path.

    Raises
    ------
    UsageError
        If it is neither.
    """
    if not isinstance(given, str | os.PathLike):
        raise UsageError(f"{what} must be a path, got {type(given).__name__}{way_out}")
    return Path(given)


def locate(source: str | Path) -> list[str]:
    """Return the files that a path, a pattern such as ``part-*.csv`` or an address names, in the order of their names.

    Raises
    ------
    DataError
        If there is no such file, or it is a folder.
    """
    name = str(source)
    if name == "-":
        return [name]
    if names_database(name):
        raise UsageError(f"a table must be a file, got the database {display(name)!r}; read it with a query first")
    if "://" in name:
        plain = name.partition("?")[0] if name.startswith("http") else name  # where ? is no wildcard
        return _remote_files(name) if has_magic(plain) else [name]
    path = Path(source)
    if path.is_dir():
        inside = sorted(entry.name for entry in path.iterdir() if entry.suffix in (".csv", ".parquet", ".gz"))
        parts = str(path / f"*{Path(inside[0]).suffix}") if inside else str(path / "*.csv")
        raise DataError(f"a table must be a file, got the folder {name!r}; name a file in it, or all as {parts!r}")
    if path.exists():
        return [name]
    if has_magic(name):
        found = sorted(filter(os.path.isfile, glob(name, recursive=True)))  # noqa: PTH207 - any pattern
        if not found:
            raise DataError(f"no file matches {name!r}; quote the pattern and look at the folder")
        return found
    near = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    raise DataError(f"there is no file {name!r}{suggestion(path.name, near)}")


def content(name: str) -> bytes:
    """Return the bytes of one file that :func:`locate` returned."""
    with _opened(name) as file:
        return file.read()


def local(name: str, to: Path) -> Path:
    """Return the path of one file that :func:`locate` returned; what is not on this machine's disk is copied to ``to``.

    It passes through memory in pieces.
    """
    if name != "-" and "://" not in name and Path(name).is_file():
        return Path(name)
    with _opened(name) as file, to.open("wb") as copy:
        shutil.copyfileobj(file, copy)
    return to


@contextmanager
def _opened(name: str) -> Iterator[IO[bytes]]:
    if name == "-":
        yield sys.stdin.buffer
    elif "://" in name:
        system, path = _system(name)
        try:
            with system.open(path, "rb") as file:
                yield file
        except Exception as error:  # every storage has exceptions of its own
            raise _unreachable(name, error) from error
    else:
        try:
            with Path(name).open("rb") as file:
                yield file
        except OSError as error:
            raise DataError(f"cannot read {name!r}: {error.strerror}") from error


def display(source: object) -> str:
    """Return the name of a source for people, without the password that an address may hold.

    >>> display("postgresql://me:secret@host/shop"), display("data/train.csv"), display("-")
    ('postgresql://me:***@host/shop', 'train.csv', 'standard input')
    >>> display("https://host:8080/@scope/train.csv?token=secret")
    'https://host:8080/@scope/train.csv'
    """
    name = str(source)
    if name == "-":
        return "standard input"
    scheme, mark, rest = name.partition("://")
    if not mark:
        return Path(name).name
    server, slash, path = rest.partition("?")[0].partition("/")
    login, at, host = server.rpartition("@")
    user, colon, _ = login.partition(":")
    return f"{scheme}://{user}{':***' if colon else ''}{at}{host}{slash}{path}"


def _remote_files(pattern: str) -> list[str]:
    system, path = _system(pattern)
    try:
        found = sorted(system.glob(path))
    except Exception as error:  # as above
        raise _unreachable(pattern, error) from error
    if not found:
        raise DataError(f"no file matches {display(pattern)!r}")
    return [str(system.unstrip_protocol(each)) for each in found]


def _system(name: str) -> tuple[Any, str]:
    """Return the file system of an address and the path in it."""
    try:
        import fsspec
    except ImportError:
        raise UsageError(f"reading {display(name)!r} needs fsspec; pip install 'automl[remote]'") from None
    try:
        system, path = fsspec.url_to_fs(name)
    except ImportError as error:
        raise UsageError(f"{display(name)!r} cannot be read yet: {error}") from error
    except ValueError as error:
        scheme = name.partition("://")[0]
        hint = suggestion(scheme, fsspec.available_protocols())
        raise UsageError(f"addresses of the kind {scheme + '://'!r} are not known{hint}") from error
    return system, path


def _unreachable(name: str, error: Exception) -> DataError:
    happened: BaseException = error
    if isinstance(error, FileNotFoundError) and name.startswith("http"):  # fsspec says so of every failure there
        happened = error.__cause__ or error
    status, message = (getattr(happened, each, None) for each in ("status", "message"))
    if isinstance(happened, FileNotFoundError) or status == 404:
        return DataError(f"there is no file {display(name)!r}")
    said = f"{status} {message}" if status else str(happened)
    return DataError(f"cannot read {display(name)!r}: {said or type(happened).__name__}")
