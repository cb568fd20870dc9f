import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from automl.models.affine import affine, bounded


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 90), st.integers(1, 70), st.integers(1, 9), st.booleans())
def test_a_row_gives_the_same_bits_in_every_batch(rows, columns, outputs, sparse):
    rng = np.random.default_rng(rows * columns + outputs)
    X = rng.normal(size=(rows, columns)).astype(np.float32)
    weights = rng.normal(size=(columns, outputs)).astype(np.float32)
    bias = rng.normal(size=outputs).astype(np.float32)
    batch = affine(csr_array(X) if sparse else X, weights, bias)
    np.testing.assert_allclose(batch, X.astype(np.float64) @ weights + bias, rtol=1e-4, atol=1e-4)
    for row in {0, rows // 2, rows - 1}:
        alone = X[[row]]
        np.testing.assert_array_equal(affine(csr_array(alone) if sparse else alone, weights, bias)[0], batch[row])


def test_no_rows_give_no_rows():
    assert affine(np.empty((0, 3), np.float32), np.ones((3, 2), np.float32), np.zeros(2, np.float32)).shape == (0, 2)


def test_bounds_hold_for_sparse_values_too():
    assert np.abs(bounded(csr_array(np.array([[0, 1e30, -1e30]], np.float32))).toarray()).max() == 1000
