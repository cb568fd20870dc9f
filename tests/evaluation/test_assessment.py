"""What is behind the figures."""

from __future__ import annotations

from dataclasses import replace
from math import nan

import numpy as np
import pytest
from sklearn import metrics as sk

from automl.data.table import ProblemType, Task
from automl.evaluation.assessment import Comparison, assess
from automl.evaluation.conformal import Residuals
from automl.evaluation.decision import Decision
from automl.evaluation.interval import Score
from automl.evaluation.metrics import get_metric, metrics_for

BINARY = Task("y", ProblemType.BINARY, "", ("no", "yes"))
THREE = Task("y", ProblemType.MULTICLASS, "", ("a", "b", "c"))
NUMBER = Task("y", ProblemType.REGRESSION, "")
ROWS = 600


def probabilities(classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return class codes and probabilities that are right."""
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.full(classes, 0.7), ROWS)
    return (rng.random(ROWS)[:, None] > shares.cumsum(axis=1)).sum(axis=1).clip(max=classes - 1), shares


@pytest.mark.parametrize("weighted", [False, True])
def test_classes_are_decided_as_the_model_does(weighted: bool) -> None:
    y, raw = probabilities(2)
    weight = np.random.default_rng(1).uniform(0.5, 2, ROWS) if weighted else None
    chosen = raw[:, 1] >= 0.3
    found = assess(BINARY, y, raw, metrics_for(BINARY.problem_type), decision=Decision(0.3), weight=weight)
    scores = {each.name: each.score for each in found.scores}
    assert scores["f1"].value == pytest.approx(sk.f1_score(y, chosen, sample_weight=weight))
    assert scores["roc_auc"].value == pytest.approx(sk.roc_auc_score(y, raw[:, 1], sample_weight=weight))
    assert all(score.low <= score.value <= score.high for score in scores.values())
    assert found.classes is not None
    np.testing.assert_allclose(found.classes.confusion, sk.confusion_matrix(y, chosen, sample_weight=weight))
    precision, recall, f1, _ = sk.precision_recall_fscore_support(y, chosen, sample_weight=weight)
    for i, each in enumerate(found.classes.each):
        assert (each.precision, each.recall, each.f1) == pytest.approx((precision[i], recall[i], f1[i]))
        assert (each.rows, each.predicted) == ((y == i).sum(), (chosen == i).sum())
    assert found.classes.ranking is not None
    assert found.classes.reliability == found.classes.each[1].reliability


def test_more_classes_are_told_one_from_the_others() -> None:
    y, raw = probabilities(3)
    found = assess(THREE, y, raw, [get_metric("log_loss", THREE.problem_type)], decision=Decision()).classes
    assert found is not None
    assert found.ranking is None
    for code, each in enumerate(found.each):
        assert each.roc_auc == pytest.approx(sk.roc_auc_score(y == code, raw[:, code]))
    right, probable = (raw.argmax(axis=1) == y).mean(), raw.max(axis=1).mean()
    bins = found.reliability.bins
    assert np.average([each.value for each in bins], weights=[each.rows for each in bins]) == pytest.approx(right)
    assert np.average([each.expected for each in bins], weights=[each.rows for each in bins]) == pytest.approx(probable)


def test_numbers_have_intervals_errors_and_points() -> None:
    rng = np.random.default_rng(0)
    prediction = rng.uniform(0, 10, 3_000)
    y = prediction + rng.normal(size=3_000) * (1 + prediction)
    residuals = Residuals.fit(y[:1_500], prediction[:1_500])
    new, raw = y[1_500:], prediction[1_500:]
    metrics = [get_metric("mae", NUMBER.problem_type)]
    found = assess(NUMBER, new, raw, metrics, decision=Decision(), residuals=residuals).values
    assert found is not None
    assert [each.share.expected for each in found.intervals] == [0.5, 0.8, 0.9]
    for each in found.intervals:
        assert each.share.value == pytest.approx(each.share.expected, abs=0.05)
    assert np.diff([each.width for each in found.intervals]).min() > 0
    assert found.errors[-1].high - found.errors[-1].low > 3 * (found.errors[0].high - found.errors[0].low)
    assert sum(each.rows for each in found.errors) == 1_500
    assert len(found.points) == 1_000
    assert set(found.points) <= set(zip(raw.tolist(), new.tolist(), strict=True))
    older = assess(NUMBER, new, raw, metrics, decision=Decision()).values
    assert older == replace(found, intervals=())


def test_quantiles_have_the_share_below_each() -> None:
    task = Task("y", ProblemType.QUANTILE, "", levels=(0.1, 0.9))
    y = np.arange(100.0)
    raw = np.column_stack([np.full(100, 9.0), np.full(100, 79.0)])
    metrics = metrics_for(task.problem_type, levels=task.levels)
    found = assess(task, y, raw, metrics, decision=Decision())
    assert [(each.expected, each.value) for each in found.levels] == [(0.1, 0.1), (0.9, 0.8)]
    assert found.levels[0].low < 0.1 < found.levels[0].high
    assert found.levels[1].high < 0.9


@pytest.mark.parametrize(
    ("value", "low", "high", "greater", "inside", "better", "open_"),
    [
        (0.8, 0.7, 0.9, True, True, False, True),
        (0.95, 0.9, 0.99, True, False, True, True),
        (0.6, 0.55, 0.65, True, False, False, False),
        (0.6, 0.55, 0.65, False, False, True, False),
        (nan, nan, nan, True, None, False, False),
    ],
)
def test_scores_are_compared_in_their_natural_sign(
    value: float, low: float, high: float, greater: bool, inside: bool | None, better: bool, open_: bool
) -> None:
    compared = Comparison("m", greater, Score(0.81, 0.7, 0.9), Score(value, low, high))
    assert compared.inside is inside
    assert compared.open is open_
    if inside is False:
        assert compared.better is better
