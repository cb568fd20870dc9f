"""Trees in LightGBM's C library, without its Python package: that takes half a second to import, and longer for a row.

See LightGBM's ``c_api.h``, which is a stable interface.
"""

from __future__ import annotations

import ctypes
import weakref
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from automl.models.native import library

FEW_ROWS: Final = 16
"""Rows up to which one by one is quicker: a batch starts threads."""
_FLOAT32: Final = 0
_ROW_MAJOR: Final = 1
_RAW, _LEAVES = 1, 2
_SETTINGS: Final = b"num_threads=1 verbosity=-1"


class Trees:
    """A model in LightGBM's text format, loaded. Threads may share it; columns beyond those it knows do not count.

    Parameters
    ----------
    text
        The model.
    """

    def __init__(self, text: bytes) -> None:
        self._handle, iterations = ctypes.c_void_p(), ctypes.c_int()
        _call("BoosterLoadModelFromString", ctypes.c_char_p(text), ctypes.byref(iterations), ctypes.byref(self._handle))
        weakref.finalize(self, _library().LGBM_BoosterFree, self._handle)
        outputs, columns = ctypes.c_int(), ctypes.c_int()
        _call("BoosterGetNumClasses", self._handle, ctypes.byref(outputs))
        _call("BoosterGetNumFeature", self._handle, ctypes.byref(columns))
        self.outputs, self._columns = outputs.value, columns.value
        self._widths = {_RAW: outputs.value, _LEAVES: iterations.value * outputs.value}
        self._single = {kind: self._for_single_rows(kind) for kind in self._widths}

    def raw(self, X: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return (rows, outputs): the sums of the trees."""
        return self._predict(X, _RAW)

    def leaves(self, X: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return (rows, trees): the number of the leaf that a row falls into."""
        return self._predict(X, _LEAVES)

    def _predict(self, X: NDArray[np.float32], kind: int) -> NDArray[np.float64]:
        if X.shape[1] < self._columns:
            raise ValueError(f"the trees were grown on {self._columns} columns, got {X.shape[1]}")
        X, rows = np.ascontiguousarray(X[:, : self._columns], np.float32), len(X)
        out = np.empty((rows, self._widths[kind]))
        length = ctypes.c_int64()
        source, target = _address(X), _address(out)
        if rows > FEW_ROWS:
            shape = ctypes.c_int32(rows), ctypes.c_int32(self._columns), ctypes.c_int(_ROW_MAJOR)
            limits = ctypes.c_int(0), ctypes.c_int(-1), ctypes.c_char_p(_SETTINGS), ctypes.byref(length)
            data = ctypes.c_void_p(source), ctypes.c_int(_FLOAT32), *shape, ctypes.c_int(kind)
            _call("BoosterPredictForMat", self._handle, *data, *limits, ctypes.c_void_p(target))
            return out
        predict, single, by_reference = _single_row(), self._single[kind], ctypes.byref(length)
        for row in range(rows):
            _check(predict(single, source + row * X.strides[0], by_reference, target + row * out.strides[0]))
        return out

    def _for_single_rows(self, kind: int) -> ctypes.c_void_p:
        """Return what LightGBM prepares once for many single rows."""
        config = ctypes.c_void_p()
        limits = ctypes.c_int(0), ctypes.c_int(-1), ctypes.c_int(_FLOAT32), ctypes.c_int32(self._columns)
        settings = ctypes.c_char_p(_SETTINGS), ctypes.byref(config)
        _call("BoosterPredictForMatSingleRowFastInit", self._handle, ctypes.c_int(kind), *limits, *settings)
        weakref.finalize(self, _library().LGBM_FastConfigFree, config)
        return config


def _address(array: NDArray[Any]) -> int:
    address: int = array.__array_interface__["data"][0]  # ten times as quick as array.ctypes
    return address


@cache
def _library() -> Any:
    found = library("lightgbm")
    found.LGBM_GetLastError.restype = ctypes.c_char_p
    return found


@cache
def _single_row() -> Any:
    function = _library().LGBM_BoosterPredictForMatSingleRowFast
    function.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.POINTER(ctypes.c_int64), ctypes.c_void_p]
    return function


def _call(name: str, *arguments: Any) -> None:
    _check(getattr(_library(), f"LGBM_{name}")(*arguments))


def _check(status: int) -> None:
    if status:
        raise RuntimeError(f"LightGBM: {_library().LGBM_GetLastError().decode(errors='replace')}")
