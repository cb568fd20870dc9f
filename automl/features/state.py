"""Fitted records to JSON and arrays and back: what is loaded is data, never code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

from automl.errors import ArtifactError

_AS_THEY_ARE: Final = (bool, int, float, str)
"""Items that JSON gives back as they were."""
_hints = cache(get_type_hints)


def pack(value: Any, arrays: dict[str, NDArray[Any]], path: str) -> Any:
    """Return a record of dataclasses, tuples and plain values as JSON values; arrays go into ``arrays`` by their path.

    >>> from automl.features.matrix import Needs
    >>> pack(Needs(), {}, "needs")["missing"]
    'native'
    """
    if isinstance(value, np.ndarray):
        arrays[path] = value
        return None
    if is_dataclass(value):
        return {f.name: pack(getattr(value, f.name), arrays, f"{path}.{f.name}") for f in fields(value)}
    if isinstance(value, tuple):
        return [pack(item, arrays, f"{path}.{i}") for i, item in enumerate(value)]
    return value


def unpack(hint: Any, value: Any, arrays: Mapping[str, NDArray[Any]], path: str) -> Any:
    """Read what :func:`pack` wrote; ``hint`` is the annotated type, such as ``tuple[str, ...]`` or a dataclass."""
    origin = get_origin(hint)
    if origin is np.ndarray:
        return arrays[path]
    if origin is UnionType:
        known = next(option for option in get_args(hint) if option is not NoneType)
        return None if value is None else unpack(known, value, arrays, path)
    if origin is tuple:
        item_hint = get_args(hint)[0]
        if item_hint in _AS_THEY_ARE:  # the words of a text are many
            return tuple(value)
        return tuple(unpack(item_hint, item, arrays, f"{path}.{i}") for i, item in enumerate(value))
    if is_dataclass(hint) and isinstance(hint, type):
        hints = _hints(hint)
        known = [f.name for f in fields(hint) if f.name in value or f.default is MISSING]  # others are newer
        return hint(**{name: unpack(hints[name], value[name], arrays, f"{path}.{name}") for name in known})
    return value


def write(value: Any, folder: Path, name: str, version: int) -> None:
    """Write a dataclass as ``NAME.json`` and ``arrays.npz`` into an existing folder."""
    arrays: dict[str, NDArray[Any]] = {}
    record = {"format": version, **pack(value, arrays, name)}
    (folder / f"{name}.json").write_text(json.dumps(record), encoding="utf-8")
    np.savez(folder / "arrays.npz", allow_pickle=False, **arrays)


def read(cls: type, folder: Path, name: str, version: int) -> Any:
    """Read the dataclass that :func:`write` wrote.

    Raises
    ------
    ArtifactError
        If it was written in another version of its format.
    """
    record = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    if record["format"] != version:
        raise ArtifactError(
            f"{name} of format {version} can be read, {folder} has format {record['format']}; "
            "install the version of automl that wrote it"
        )
    with np.load(folder / "arrays.npz", allow_pickle=False) as arrays:
        return unpack(cls, record, arrays, name)
