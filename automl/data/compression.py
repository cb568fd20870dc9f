"""Compressed files, told by their first bytes: gzip, zstd, bz2, xz, or a zip archive of one table."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, cast

from automl.errors import DataError

ZIP: Final = b"PK\x03\x04"
WORKBOOK: Final = "xl/workbook.xml"
"""The file inside of a zip archive that makes it an Excel workbook."""


def decompress(data: bytes) -> bytes:
    """Return the content of gzip, zstd, bz2, xz or one-file zip data, and any other data as it is.

    Raises
    ------
    DataError
        If the archive holds more than one file, is encrypted, or is damaged.
    """
    open_as = _opener(data)
    if open_as is None:
        return data
    with _explained(), open_as(io.BytesIO(data)) as content:
        return content.read()


def unpack(path: Path, to: Path) -> Path:
    """Return the path of a file that is not compressed: ``path`` if it is none, else its content, written to ``to``.

    It passes through memory in pieces. Raises what :func:`decompress` does.
    """
    with path.open("rb") as file:
        open_as = _opener(file.read(LONGEST_MAGIC))
        if open_as is None:
            return path
        file.seek(0)
        with _explained(), open_as(file) as content, to.open("wb") as copy:
            shutil.copyfileobj(content, copy)
    return to


def _opener(begin: bytes) -> Callable[[IO[bytes]], IO[bytes]] | None:
    return next((open_as for magic, open_as in COMPRESSIONS.items() if begin.startswith(magic)), None)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except DataError:
        raise
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
        if isinstance(error, OSError) and error.errno is not None:  # such as a full disk
            raise
        raise DataError(f"the compressed data is damaged ({error}); write the file again") from error
    except (NotImplementedError, RuntimeError) as error:  # an unknown method, a password
        raise DataError(f"the zip archive cannot be opened ({error}); unpack it and name the file inside") from error


def _gunzip(file: IO[bytes]) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(file))


def _unzstd(file: IO[bytes]) -> IO[bytes]:
    import pyarrow as pa

    return cast("IO[bytes]", pa.CompressedInputStream(pa.PythonFile(file, "r"), "zstd"))


def _unzip(file: IO[bytes]) -> IO[bytes]:
    archive = zipfile.ZipFile(file)
    names = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX")]
    if WORKBOOK in names:
        file.seek(0)
        return file
    if "mimetype" in names:
        raise DataError("OpenDocument spreadsheets are not read; save the table as .xlsx or CSV")
    if len(names) != 1:
        raise DataError(f"a zip archive must hold one table, got {len(names)} files; unpack it and name one")
    return archive.open(names[0])


COMPRESSIONS: Final[Mapping[bytes, Callable[[IO[bytes]], IO[bytes]]]] = {
    b"\x1f\x8b": _gunzip,
    b"\x28\xb5\x2f\xfd": _unzstd,
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
    ZIP: _unzip,
}
LONGEST_MAGIC: Final = max(map(len, COMPRESSIONS))
