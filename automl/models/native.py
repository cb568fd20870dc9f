"""The C libraries of packages, without the packages: these take up to a second to import."""

from __future__ import annotations

import ctypes
from functools import cache
from importlib.util import find_spec
from pathlib import Path


@cache
def library(package: str) -> ctypes.CDLL:
    """Return the library that a package brings, ``lib_<package>.*`` or ``lib<package>.*``.

    Raises
    ------
    ImportError
        If it is not there.
    """
    spec = find_spec(package)
    places = [Path(place) for place in (spec.submodule_search_locations if spec else None) or ()]
    names = (f"lib_{package}.*", f"lib{package}.*")
    found = [path for place in places for name in names for path in sorted(place.rglob(name))]
    if not found:
        raise ImportError(f"{package} is not installed with its library; install {package} again")
    return ctypes.CDLL(str(found[0]))
