import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.models.target import TargetScale, class_frequencies, softmax, validation_loss

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20).map(np.array)


@settings(deadline=None, max_examples=50)
@given(VALUES)
def test_standardised_values_come_back(y):
    scale = TargetScale.of(y)
    np.testing.assert_allclose(scale.restore(scale.standardise(y)), y, rtol=1e-9, atol=1e-6)


@settings(deadline=None, max_examples=50)
@given(VALUES, VALUES, st.sampled_from([0.1, 0.5]))
def test_restored_values_stay_near_the_training_range(y, z, beyond):
    restored = TargetScale.of(y, beyond=beyond).restore(z)
    margin = beyond * (y.max() - y.min())
    assert (restored >= y.min() - margin).all()
    assert (restored <= y.max() + margin).all()


def test_scale_survives_as_an_array():
    scale = TargetScale.of(np.array([1.0, 2.0, 4.0]))
    assert TargetScale(*scale.array().tolist()) == scale


def test_no_class_has_frequency_zero():
    frequencies = class_frequencies(np.array([0, 0, 0]), 3)
    assert frequencies.tolist() == pytest.approx([4 / 6, 1 / 6, 1 / 6])


def test_softmax_of_large_logits_is_finite():
    assert softmax(np.array([[1e4, -1e4]])).tolist() == [[1.0, 0.0]]


def test_validation_loss_is_log_loss_for_probabilities():
    probabilities = np.array([[0.25, 0.75], [0.5, 0.5]])
    assert validation_loss(np.array([1, 0]), probabilities) == pytest.approx(-(np.log(0.75) + np.log(0.5)) / 2)
