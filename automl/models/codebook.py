"""Few different rows, each stored once: most leaves of a classification tree hold one class only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

LARGEST: Final = 1 << 28
"""Bytes that no model's rows take: a file that would become more was made to fill the memory."""
Arrays = Mapping[str, NDArray[Any]]


def encode(values: NDArray[np.floating]) -> Arrays:
    """Return (rows, k) values as arrays to store: the different rows and which each is, where that takes fewer bytes.

    >>> {name: array.shape for name, array in encode(np.repeat(np.eye(2), 50, axis=0)).items()}
    {'values': (2, 2), 'codes': (100,)}
    """
    bits = np.ascontiguousarray(values).view(f"u{values.itemsize}").astype(np.uint64)
    factors = np.random.default_rng(0).integers(2**63, size=values.shape[1], dtype=np.uint64) | 1
    _, first, codes = np.unique(bits @ factors, return_index=True, return_inverse=True)
    codes = codes.astype(np.min_scalar_type(max(len(first) - 1, 0)))
    different = values[first]
    smaller = different.nbytes + codes.nbytes < values.nbytes
    if smaller and np.array_equal(different[codes], values):  # two rows may have one sum
        return {"values": different, "codes": codes}
    return {"values": values}


def decode(arrays: Arrays) -> NDArray[np.floating]:
    """Read what :func:`encode` made, among other arrays.

    Raises
    ------
    ValueError
        If that would take more than ``LARGEST``.
    """
    values = arrays["values"]
    if "codes" not in arrays:
        return values
    codes = arrays["codes"]
    if len(codes) * values[0].nbytes > LARGEST:
        raise ValueError(f"{len(codes):,} rows of {values.shape[1]:,} values are more than a model has")
    return np.asarray(values[codes])
