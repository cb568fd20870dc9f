"""The curves of all thresholds are scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_curve, roc_curve

from automl.evaluation.ranking import ranking


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.booleans(), st.booleans())
def test_curves_are_those_of_scikit_learn(seed: int, weighted: bool, ties: bool) -> None:
    rng = np.random.default_rng(seed)
    rows = int(rng.integers(2, 150))
    positive = np.append(rng.random(rows - 1) < 0.5, True)
    positive[0] = False
    probability = rng.random(rows).round(1 if ties else 9)
    weight = rng.uniform(0.5, 3, rows) if weighted else None
    found = ranking(positive, probability, weight)
    assert found is not None
    false, true, thresholds = roc_curve(positive, probability, sample_weight=weight, drop_intermediate=False)
    np.testing.assert_allclose(found.false_positives, false[1:], atol=1e-9)
    np.testing.assert_allclose(found.recall, true[1:], atol=1e-9)
    np.testing.assert_allclose(found.thresholds, thresholds[1:])
    precision, recall, _ = precision_recall_curve(positive, probability, sample_weight=weight)
    np.testing.assert_allclose(found.precision, precision[-2::-1], atol=1e-9)
    np.testing.assert_allclose(found.recall, recall[-2::-1], atol=1e-9)
    assert found.positives == pytest.approx(np.average(positive, weights=weight))


def test_many_thresholds_are_thinned_and_keep_their_ends() -> None:
    rng = np.random.default_rng(0)
    positive = rng.random(5_000) < 0.3
    found = ranking(positive, rng.random(5_000) + 0.2 * positive)
    assert found is not None
    assert len(found.recall) == 200
    assert (found.recall[-1], found.false_positives[-1]) == (1.0, 1.0)
    assert (np.diff(found.thresholds) < 0).all()


def test_one_class_has_no_curve() -> None:
    assert ranking(np.ones(3, bool), np.array([0.1, 0.2, 0.3])) is None
    assert ranking(np.zeros(3, bool), np.array([0.1, 0.2, 0.3])) is None
