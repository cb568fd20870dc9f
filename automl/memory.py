"""Memory that was freed but that allocators keep for later."""

from __future__ import annotations

import ctypes
from contextlib import suppress
from functools import cache
from typing import Any


def release_unused() -> None:
    """Give freed memory back to the system: Arrow's pool, and the heap of C where its library can be asked.

    Both keep what they once needed; after a large table was read, or a large model trained, that is most of a process.
    Takes milliseconds.

    >>> release_unused()
    """
    import pyarrow as pa

    pa.default_memory_pool().release_unused()
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Any:
    with suppress(OSError, AttributeError):  # only glibc has it
        return ctypes.CDLL(None).malloc_trim
    return None
