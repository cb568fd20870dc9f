"""Trees in XGBoost's C library, without its Python package: that takes a second to import.

See XGBoost's ``c_api.h``, which is a stable interface.
"""

from __future__ import annotations

import ctypes
import json
import weakref
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from automl.models.native import library

_SETTINGS: Final = {"nthread": "1", "device": "cpu", "verbosity": "0"}
_MARGIN: Final = 1
_ASKED: Final = json.dumps(
    {
        "type": _MARGIN,
        "training": False,
        "iteration_begin": 0,
        "iteration_end": 0,
        "missing": float("nan"),
        "strict_shape": False,
        "cache_id": 0,
    }
).encode()


class Trees:
    """A model in XGBoost's UBJSON format, loaded, on the CPU, with one thread. Threads may share it."""

    def __init__(self, raw: bytes) -> None:
        self._handle = ctypes.c_void_p()
        _call("BoosterCreate", None, ctypes.c_uint64(0), ctypes.byref(self._handle))
        weakref.finalize(self, _library().XGBoosterFree, self._handle)
        for name, value in _SETTINGS.items():
            _call("BoosterSetParam", self._handle, ctypes.c_char_p(name.encode()), ctypes.c_char_p(value.encode()))
        _call("BoosterLoadModelFromBuffer", self._handle, ctypes.c_char_p(raw), ctypes.c_uint64(len(raw)))
        columns = ctypes.c_uint64()
        _call("BoosterGetNumFeature", self._handle, ctypes.byref(columns))
        self._columns = columns.value

    def margins(self, X: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (rows,) or (rows, outputs): the sums of the trees."""
        if X.shape[1] != self._columns:
            raise ValueError(f"the trees were grown on {self._columns} columns, got {X.shape[1]}")
        X = np.ascontiguousarray(X, np.float32)
        about = {"data": [X.__array_interface__["data"][0], True], "shape": X.shape, "typestr": "<f4", "version": 3}
        shape, dimensions = ctypes.POINTER(ctypes.c_uint64)(), ctypes.c_uint64()
        values = ctypes.POINTER(ctypes.c_float)()
        found = ctypes.byref(shape), ctypes.byref(dimensions), ctypes.byref(values)
        interface = ctypes.c_char_p(json.dumps(about).encode())
        _call("BoosterPredictFromDense", self._handle, interface, ctypes.c_char_p(_ASKED), None, *found)
        sizes = tuple(shape[place] for place in range(dimensions.value))
        return np.ctypeslib.as_array(values, sizes).copy()  # the next call of this thread overwrites them


@cache
def _library() -> Any:
    found = library("xgboost")
    found.XGBGetLastError.restype = ctypes.c_char_p
    return found


def _call(name: str, *arguments: Any) -> None:
    if getattr(_library(), f"XG{name}")(*arguments):
        raise RuntimeError(f"XGBoost: {_library().XGBGetLastError().decode(errors='replace')}")
