import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from automl.models.codebook import decode, encode

cells = st.floats(width=32) | st.sampled_from([0.0, -0.0, 0.5, 1.0])


@given(arrays.arrays(np.float32, st.tuples(st.integers(1, 60), st.integers(1, 4)), elements=cells))
def test_rows_come_back_bit_for_bit(values):
    stored = encode(values)
    np.testing.assert_array_equal(decode(stored).view(np.uint32), values.view(np.uint32))
    assert sum(array.nbytes for array in stored.values()) <= values.nbytes


@pytest.mark.parametrize(("dtype", "outputs"), [(np.float32, 7), (np.float64, 1)])
def test_pure_leaves_take_a_byte_each(dtype, outputs):
    values = np.eye(200, dtype=dtype)[np.random.default_rng(0).integers(200, size=5_000), :outputs]
    assert sum(array.nbytes for array in encode(values).values()) < 6_000


def test_few_bytes_do_not_become_many():
    with pytest.raises(ValueError, match="more than a model has"):
        decode({"values": np.zeros((1, 1_000), np.float32), "codes": np.zeros(100_000, np.uint8)})
