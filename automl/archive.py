"""The files of a saved model: written whole, checked against their hashes, packed into one ``.tar.gz``, and unpacked.

What is read may have been made up to harm: nothing is written outside of the folder it belongs to, nothing but plain
files is unpacked, and nothing grows far beyond its own size.
"""

from __future__ import annotations

import errno
import fcntl
import gzip
import hashlib
import os
import platform
import re
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Final

from automl.errors import ArtifactError, UsageError

ENDING: Final = ".tar.gz"
_RATIO: Final = 100
"""Bytes that one byte of an archive may become: models are text and numbers, which zip by 2 to 20."""
_ALWAYS: Final = 2**26
"""Bytes that any archive may become."""
_MOST_FILES: Final = 10_000
_PART: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")


def sha256(path: Path) -> str:
    """Return the hash of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_in(folder: Path) -> list[Path]:
    """Return all files below a folder, in a fixed order."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def size_of(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(file.stat().st_size for file in files_in(folder))


def partial_place(place: Path) -> Path:
    """Return where to write what will be at a place: beside it, or in it if it is an empty folder, where somebody may
    be, such as in the current one.
    """
    place, process = place.absolute(), f"{platform.node()}-{os.getpid()}"  # machines may share a folder
    return place / f".{process}" if _is_empty(place) else place.with_name(f".{process}.{place.name}")


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())


def settle(partial: Path, place: Path) -> None:
    """Bring what was written to its partial place to its place.

    Raises
    ------
    OSError
        If something is there by then.
    """
    if partial.parent != place.absolute():
        partial.rename(place)
        return
    if [entry.name for entry in place.iterdir()] != [partial.name]:
        raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), str(place))
    for entry in sorted(partial.iterdir()):
        entry.rename(place / entry.name)
    partial.rmdir()


@contextmanager
def whole(folder: Path, *, first: bool = False) -> Iterator[Path]:
    """Give a new folder to be filled, and bring it to its place when the block ends: nobody sees half of it.

    Parameters
    ----------
    first
        Whether what another process has brought to the place by then counts instead.

    Raises
    ------
    OSError
        If something is in its place by then, and it is not the first that counts.
    """
    partial = partial_place(folder)
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        settle(partial, folder)
    except OSError:
        if not (first and folder.exists()):
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def locked(file: Path, *, busy: str = "") -> Iterator[None]:
    """Keep other processes out of a block by a file, which is made. The lock of a process that is killed ends with it.

    Where the file system has no locks, nobody is kept out.

    Parameters
    ----------
    busy
        What the error says if another process is in the block; without, its end is waited for.

    Raises
    ------
    UsageError
        If another process is in the block.
    """
    with file.open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (fcntl.LOCK_NB if busy else 0))
        except BlockingIOError:
            raise UsageError(busy) from None
        except OSError:
            pass
        yield


def check(folder: Path, hashes: Mapping[str, str], places: Iterable[str], shown: Path) -> None:
    """Make sure that a folder holds files of these hashes, and nothing beside them that could be read, too.

    Parameters
    ----------
    hashes
        By path inside the folder.
    places
        The folders inside of it that will be read; what is left elsewhere of another version is not.
    shown
        What the folder is called in errors.

    Raises
    ------
    ArtifactError
        If a file is missing, changed, or more than there should be.
    """
    for name, digest in hashes.items():
        if not _inside(name):
            raise ArtifactError(f"{shown}: the manifest names a file outside of the folder: {name!r}")
        file = folder / name
        if not file.is_file():
            raise ArtifactError(f"{shown}: {name} is missing; export or copy the model again")
        if sha256(file) != digest:
            raise ArtifactError(f"{shown}: {name} was changed after it was saved; export or copy the model again")
        if file.suffix == ".npz" and not _stored(file):
            raise ArtifactError(f"{shown}: {name} is no plain file of arrays; automl did not write this model")
    files = {folder / name for name in hashes}
    known = files.union(*(file.parents for file in files))
    for place in places:
        for entry in (folder / place).rglob("*"):
            if entry not in known and not (entry.name.startswith(".") and entry.is_file()):
                name = entry.relative_to(folder).as_posix()
                raise ArtifactError(f"{shown}: {name!r} is not part of the model; remove it, or export the model again")


def pack(folder: Path, to: Path) -> None:
    """Write what is in a folder into a new ``.tar.gz`` file; equal files make equal bytes."""
    with (
        to.open("xb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=6) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for file in files_in(folder):
            entry = tarfile.TarInfo(file.relative_to(folder).as_posix())
            entry.size = file.stat().st_size
            with file.open("rb") as content:
                archive.addfile(entry, content)


def unpack(path: Path, to: Path) -> None:
    """Write the files of a ``.tar.gz`` into an empty folder.

    Raises
    ------
    ArtifactError
        If it is no such archive, is damaged, holds anything but plain files and folders with plain names inside of
        itself, or would become much larger than models do.
    """
    try:
        with _Limited(path) as zipped, tarfile.open(fileobj=zipped, mode="r|") as archive:
            for number, entry in enumerate(archive):
                _unpack_one(archive, entry, number, to)
            while zipped.read(2**20):  # to the end, where the checksum is
                pass
    except (tarfile.TarError, zlib.error, EOFError, OSError, ValueError, OverflowError, RecursionError) as error:
        raise ArtifactError(f"{path} holds no sound model ({error}); give a run folder or an exported model") from None
    except _RefusedError as error:
        raise ArtifactError(f"{path} {error}; automl did not write this archive") from None


def _unpack_one(archive: tarfile.TarFile, entry: tarfile.TarInfo, number: int, to: Path) -> None:
    """Write one entry. Only its name and its content are taken over: no owner, no mode, no time."""
    if number >= _MOST_FILES:
        raise _RefusedError(f"holds more than {_MOST_FILES} files")
    if not all(_PART.fullmatch(part) for part in PurePosixPath(entry.name).parts):
        raise _RefusedError(f"holds a file that may lie outside of it: {entry.name!r}")
    if entry.isdir():
        return
    content = archive.extractfile(entry) if entry.isreg() and not entry.issparse() else None
    if content is None:
        raise _RefusedError(f"holds {entry.name!r}, which is no plain file")
    place = to / entry.name
    place.parent.mkdir(parents=True, exist_ok=True)
    with content, place.open("xb") as file:
        shutil.copyfileobj(content, file)


class _RefusedError(Exception):
    """What is wrong with an archive."""


class _Limited(gzip.GzipFile):
    """An unzipped stream that ends with an error once it has given more than it may."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "rb")
        self._left = max(_ALWAYS, _RATIO * path.stat().st_size)

    def read(self, size: int | None = -1) -> bytes:
        """Return the next bytes."""
        data = super().read(size)
        self._left -= len(data)
        if self._left < 0:
            raise _RefusedError("would become far larger than it is")
        return data


def _stored(path: Path) -> bool:
    """Return whether a file of arrays is as large as what is in it."""
    try:
        with zipfile.ZipFile(path) as file:
            return all(entry.compress_type == zipfile.ZIP_STORED for entry in file.infolist())
    except (zipfile.BadZipFile, OSError):
        return False


def _inside(name: str) -> bool:
    path = Path(name)
    return not path.is_absolute() and ".." not in path.parts
