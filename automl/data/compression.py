"""Compressed files, told by their first bytes: gzip, zstd, bz2, xz, or a zip archive of one table."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from typing import Final

from automl.errors import DataError

WORKBOOK: Final = "xl/workbook.xml"
"""The file inside of a zip archive that makes it an Excel workbook."""


def decompress(data: bytes) -> bytes:
    """Return the content of gzip, zstd, bz2, xz or one-file zip data, and any other data as it is.

    Raises
    ------
    DataError
        If the archive holds more than one file, is encrypted, or is damaged.
    """
    open_as = next((open_as for magic, open_as in COMPRESSIONS.items() if data.startswith(magic)), None)
    if open_as is None:
        return data
    try:
        return open_as(data)
    except DataError:
        raise
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
        raise DataError(f"the compressed data is damaged ({error}); write the file again") from error
    except (NotImplementedError, RuntimeError) as error:  # an unknown method, a password
        raise DataError(f"the zip archive cannot be opened ({error}); unpack it and name the file inside") from error


def _unzip(data: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX")]
        if WORKBOOK in names:
            return data
        if "mimetype" in names:
            raise DataError("OpenDocument spreadsheets are not read; save the table as .xlsx or CSV")
        if len(names) != 1:
            raise DataError(f"a zip archive must hold one table, got {len(names)} files; unpack it and name one")
        return archive.read(names[0])


def _unbz2(data: bytes) -> bytes:
    with bz2.open(io.BytesIO(data)) as stream:
        return stream.read()


def _unzstd(data: bytes) -> bytes:
    import pyarrow as pa

    with pa.input_stream(pa.BufferReader(data), compression="zstd") as stream:
        return bytes(stream.read())


COMPRESSIONS: Final = {
    b"\x1f\x8b": gzip.decompress,
    b"\x28\xb5\x2f\xfd": _unzstd,
    b"BZh": _unbz2,
    b"\xfd7zXZ\x00": lzma.decompress,
    b"PK\x03\x04": _unzip,
}
