"""Tables on their way out: CSV and Parquet, piece by piece, complete or not there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final, Literal, TextIO, cast, get_args

from automl.archive import partial_place
from automl.data.cells import text_of
from automl.deploy.output import writing_to
from automl.errors import DataError, UsageError

Format = Literal["csv", "parquet"]
Write = Callable[[Any], None]
"""Takes the next rows, an Arrow table."""


def is_folder(output: str | Path) -> bool:
    """Return whether an output is a folder: it is one already, or nothing yet and its name has no ending.

    >>> is_folder("out/"), is_folder("predictions"), is_folder("out.csv"), is_folder("/dev/stdout")
    (True, True, False, False)
    """
    path = Path(output)
    return str(output).endswith("/") or path.is_dir() or not (path.suffix or path.exists())


def is_stream(path: Path) -> bool:
    """Return whether a path is a named pipe or a device, such as /dev/stdout, wherever that leads."""
    return path.exists() and not path.is_dir() and (not path.is_file() or path.absolute().is_relative_to("/dev"))


def output_format(output: str | Path | TextIO, asked: Format | None = None) -> Format:
    """Return the format of an output: that of its ending, or for a folder the one asked for, else CSV, as for a
    stream, a pipe and a device.

    Raises
    ------
    UsageError
        If the ending is not known, or not that of the format asked for.
    """
    if asked not in (None, *get_args(Format)):
        raise UsageError(f"the format must be {' or '.join(get_args(Format))}, got {asked!r}")
    if isinstance(output, str | Path) and is_folder(output):
        return asked or "csv"
    path = Path(output) if isinstance(output, str | Path) else None
    ending = ".csv" if path is None or is_stream(path) else path.suffix.lower()
    found = next((format for format in get_args(Format) if ending == f".{format}"), None)
    if found is None:
        raise UsageError(f"the output must end in .csv or .parquet, or be a folder or -, got {str(output)!r}")
    if asked not in (None, found):
        raise UsageError(f"the output is {found}, it cannot be {asked}; give it another ending, or name a folder")
    return cast("Format", found)


def write_table(table: Any, output: str | Path | TextIO) -> None:
    """Write an Arrow table to a file or a stream.

    Raises
    ------
    UsageError
        If the file is neither ``.csv`` nor ``.parquet``.
    AutoMLError
        If the disk is full.
    """
    if not isinstance(output, str | Path):
        csv_writer(output)(table)
        return
    if is_folder(output):
        raise UsageError(f"the output must be a .csv or .parquet file or -, got {str(output)!r}")
    with writing(Path(output), output_format(output)) as write:
        write(table)


@contextmanager
def writing(path: Path, format: Format) -> Iterator[Write]:
    """Write a table to a file that is there when it is :func:`complete`."""
    with complete(path) as place, _WRITERS[format](place) as write:
        yield write


@contextmanager
def complete(path: Path) -> Iterator[Path]:
    """Give a hidden name, of this process, for what takes the place of ``path`` if the block ends well; a stream stays.

    Its folder is made if it is missing.

    Raises
    ------
    AutoMLError
        If the disk is full.
    """
    with writing_to(path):
        if is_stream(path):
            yield path
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = partial_place(path)
        try:
            yield partial
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        partial.replace(path)


def csv_writer(stream: TextIO) -> Write:
    """Return what writes CSV, the header once, as pandas writes it."""
    import pyarrow as pa

    header = True

    def write(table: Any) -> None:
        nonlocal header
        frame = table.to_pandas(integer_object_nulls=True)
        for place, kind in enumerate(table.schema.types):
            if pa.types.is_nested(kind) or pa.types.is_binary(kind):
                frame.isetitem(place, [text_of(cell) for cell in frame.iloc[:, place]])
        frame.to_csv(stream, index=False, header=header)
        header = False

    return write


@contextmanager
def _csv(path: Path) -> Iterator[Write]:
    with path.open("w", encoding="utf-8", newline="") as stream:
        yield csv_writer(stream)


@contextmanager
def _parquet(path: Path) -> Iterator[Write]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    writer = None

    def write(table: Any) -> None:
        nonlocal writer
        if writer is None:  # a column without values so far says nothing of its type; any has a text
            fields = [field.with_type(pa.string()) if pa.types.is_null(field.type) else field for field in table.schema]
            writer = pq.ParquetWriter(path, pa.schema(fields, table.schema.metadata))
        try:
            writer.write_table(table.cast(writer.schema))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise DataError(f"the kept columns change their type ({error}); write CSV") from error

    try:
        yield write
    finally:
        if writer is not None:
            writer.close()


_WRITERS: Final[Mapping[Format, Callable[[Path], AbstractContextManager[Write]]]] = {"csv": _csv, "parquet": _parquet}
