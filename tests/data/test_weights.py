"""Weights of rows and classes: what is read, what is refused, what their unit is."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.data.training import TrainingTable
from automl.data.weights import class_weights, on_average_one, row_weights
from automl.errors import DataError, UsageError


def test_numbers_and_texts_are_weights():
    assert row_weights(pd.Series([1, 0, 3])).tolist() == [1, 0, 3]
    assert row_weights(pd.Series(["1,5", "2", "0"])).tolist() == [1.5, 2, 0]
    assert row_weights(pd.Series([True, False])).tolist() == [1, 0]


def test_weights_have_the_decimal_mark_of_their_table(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("size;weight;label\n0,5;1,250;a\n1,75;2;b\n2,25;3,125;a\n")
    weight = TrainingTable.read(path, target="label", weight="weight").weight
    assert weight is not None
    assert weight.tolist() == [1.25, 2, 3.125]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1, -2, 3], "weights must be numbers of at least 0, 'w' has '-2' in row 2; repair it or leave out the row"),
        ([1, None], "'w' has 'nothing' in row 2"),
        ([np.inf, 1], "in row 1"),
        (["1", "heavy"], "'w' has 'heavy' in row 2"),
        ([0, 0], "weights must not all be 0"),
    ],
)
def test_what_is_no_weight_is_one_line(values, message):
    with pytest.raises(DataError, match=re.escape(message)):
        row_weights(pd.Series(values, name="w"))


@given(st.lists(st.floats(1e-3, 1e3), min_size=2, max_size=20), st.floats(0.01, 100))
def test_the_unit_does_not_matter(values, unit):
    weights, scaled = on_average_one(np.array(values)), on_average_one(np.array(values) * unit)
    if weights is not None and scaled is not None:
        np.testing.assert_allclose(weights, scaled)
        assert weights.mean() == pytest.approx(1)


@given(st.lists(st.integers(0, 2), min_size=1, max_size=40))
def test_balanced_classes_weigh_the_same(codes):
    y = np.array([0, 1, 2, *codes])
    weights = np.array(class_weights("balanced", ("a", "b", "c"), y, None))[y]
    assert np.bincount(y, weights) == pytest.approx([len(y) / 3] * 3)


def test_classes_are_named_as_the_user_writes_them():
    assert class_weights({"1": 3.0}, (0, 1), np.array([0, 1]), None) == (0.5, 1.5)
    assert class_weights({"yes": 3.0}, ("no", "yes"), np.array([0, 1]), np.array([1.5, 0.5])) == pytest.approx(
        (2 / 3, 2)
    )
    for wanted, message in (("even", "balanced or such as"), ({"maybe": 1.0}, "'maybe'"), ({"yes": 0.0}, "above 0")):
        with pytest.raises(UsageError, match=message):
            class_weights(wanted, ("no", "yes"), np.array([0, 1]), None)
    with pytest.raises(UsageError, match="need classes"):
        class_weights("balanced", (), np.array([0.5]), None)
