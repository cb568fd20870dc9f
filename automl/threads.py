"""The threads of BLAS and OpenMP."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any


def limited_threads(threads: int) -> AbstractContextManager[object]:
    """Return a context in which BLAS and OpenMP use no more threads than that.

    >>> import numpy as np
    >>> with limited_threads(1):
    ...     float((np.ones((2, 2)) @ np.ones(2)).sum())
    4.0
    """
    context: AbstractContextManager[object] = _libraries(len(sys.modules)).limit(limits=threads)
    return context


@lru_cache(maxsize=1)
def _libraries(modules: int) -> Any:  # noqa: ARG001 - the key of the cache
    """Return the libraries of a process that has imported so many modules: looking for them takes milliseconds."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
