"""Matrix products whose rows do not depend on the batch."""

from __future__ import annotations

from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Floating = TypeVar("Floating", np.float32, np.float64)

BLOCK: Final = 8
"""BLAS adds up a row in another order for another number of rows: so it always gets this many. With more, a single row
would wait for the threads that BLAS then starts, and batches are no quicker."""

FAR: Final = 1_000.0
"""Spreads from the centre: what lies further away is an error in the table, or says no more than this."""


def affine(X: NDArray[Floating] | csr_array, weights: NDArray[Floating], bias: NDArray[Floating]) -> NDArray[Floating]:
    """Return ``X @ weights + bias``, (rows, outputs); a row alone gives the same bits as in a batch.

    >>> affine(np.ones((1, 2), np.float32), np.ones((2, 1), np.float32), np.ones(1, np.float32)).tolist()
    [[3.0]]
    """
    if not isinstance(X, np.ndarray):  # sparse, or a symbol
        return X @ weights + bias
    rows = len(X)
    blocks = -(-rows // BLOCK)
    if rows % BLOCK:
        X = np.concatenate([X, np.zeros((blocks * BLOCK - rows, X.shape[1]), X.dtype)])
    product = np.matmul(X.reshape(blocks, BLOCK, X.shape[1]), weights)
    return np.asarray(product.reshape(blocks * BLOCK, weights.shape[1])[:rows] + bias)


def bounded(X: NDArray[np.float32] | csr_array) -> NDArray[np.float32] | csr_array:
    """Return scaled inputs with nothing beyond ``FAR``, so that no product overflows.

    >>> bounded(np.array([[0.5, 1e30]], np.float32)).tolist()
    [[0.5, 1000.0]]
    """
    if isinstance(X, csr_array):
        if np.abs(X.data).max(initial=0) <= FAR:
            return X
        return csr_array((np.clip(X.data, -FAR, FAR), X.indices, X.indptr), shape=X.shape)
    return np.clip(X, -FAR, FAR)
