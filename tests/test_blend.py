"""Laws of blends, and of the second layer."""

from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_info

from automl.blend import Blend, shift, stack
from automl.deadline import Deadline


def probabilities(rng, y, models):
    """Return models that know the classes with independent errors."""
    scores = [np.eye(3)[y] * rng.uniform(0.5, 2) + rng.normal(size=(len(y), 3)) for _ in range(models)]
    return [np.exp(each) / np.exp(each).sum(axis=1, keepdims=True) for each in scores]


def log_loss(y, prediction):
    return -np.log(prediction[np.arange(len(y)), y]).mean()


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(3, 60))
def test_a_pool_gives_probabilities_whatever_its_members_say(seed, models, rows):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, rows)
    predictions = probabilities(rng, y, models)
    predictions[0][0] = [0, 0, 1]
    blended = stack(predictions, y, np.full(models, 1 / models))(predictions)
    assert np.isfinite(blended).all()
    assert blended.min() >= 0
    assert blended.sum(axis=1) == pytest.approx(np.ones(rows))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_a_row_does_not_depend_on_the_rows_beside_it(seed):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, 40)
    predictions = probabilities(rng, y, 3)
    blend = stack(predictions, y, np.full(3, 1 / 3))
    whole = blend(predictions)
    assert np.array_equal(blend([each[7:8] for each in predictions]), whole[7:8])


def test_the_second_layer_fits_what_it_is_fitted_on_better_than_the_weights_it_started_from():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 2000)
    predictions, equal = probabilities(rng, y, 4), np.full(4, 0.25)
    assert log_loss(y, stack(predictions, y, equal)(predictions)) < log_loss(y, Blend(equal, log=True)(predictions))
    values = rng.normal(size=2000)
    models = [2 * values + 3 + rng.normal(scale=scale, size=2000) for scale in (0.1, 1.0)]
    blended = stack(models, values, np.full(2, 0.5))(models)
    assert np.sqrt(np.mean(np.square(blended - values))) < 0.1


def test_few_rows_change_little():
    rng = np.random.default_rng(0)
    y = np.array([0, 1, 2])
    predictions, prior = probabilities(rng, y, 2), np.array([0.7, 0.3])
    assert stack(predictions, y, prior).weights == pytest.approx(prior, abs=0.2)
    values = [y + rng.normal(scale=0.5, size=3) for _ in range(2)]
    assert stack(values, y, prior).weights == pytest.approx(prior, abs=0.2)


def test_members_without_a_weight_stay_out():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 100)
    predictions = probabilities(rng, y, 3)
    blend = stack(predictions, y, np.array([0.5, 0.0, 0.5]))
    assert blend.weights[1] == 0
    others = np.array([0, 2])
    assert np.array_equal(blend.only(others)([predictions[i] for i in others]), blend(predictions))


def test_values_below_the_least_one_are_raised_to_it():
    members = [np.array([-3.0, 1.0]), np.array([1.0, 2.0])]
    blend = Blend(np.array([0.5, 0.5]), least=0.0)
    assert blend(members).tolist() == [0.0, 1.5]
    assert blend.only(np.array([1]))(members[1:]).tolist() == [0.5, 1.0]


def test_a_constant_target_needs_no_care():
    blend = stack([np.full(5, 2.0), np.full(5, 4.0)], np.full(5, 3.0), np.array([0.5, 0.5]))
    assert blend([np.full(2, 2.0), np.full(2, 4.0)]) == pytest.approx([3.0, 3.0])


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(20, 200), st.integers(1, 4))
def test_a_shift_makes_every_level_cover_its_share(seed, rows, models):
    rng = np.random.default_rng(seed)
    y, levels = rng.normal(size=rows), np.array([0.1, 0.5, 0.9])
    predictions = [np.sort(rng.normal(size=(rows, 3)) + levels, axis=1) for _ in range(models)]
    weights = rng.dirichlet(np.ones(models))
    blend = shift(predictions, y, weights, levels)
    np.testing.assert_array_equal(blend.weights, weights)
    moved = Blend(weights)(predictions) + blend.bias
    np.testing.assert_allclose((y[:, None] <= moved).mean(axis=0), levels, atol=1 / rows + 1e-9)
    np.testing.assert_array_equal(blend(predictions), np.sort(moved, axis=1))


class Watching(Deadline):
    """Sees with how many threads those who look at it calculate."""

    threads: ClassVar[set[int]] = set()

    @property
    def passed(self):
        self.threads.update(each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas")
        return False


def test_a_pool_is_fitted_by_one_thread():
    """Threads would wait for each other longer than they work, seconds where others have the cores."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 60)
    stack(probabilities(rng, y, 2), y, np.full(2, 0.5), deadline=Watching())
    assert Watching.threads == {1}
