"""What a candidate is beyond its family, and what is taken over from its folds when it is trained once more."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

import numpy as np
import pytest

from automl.data.table import ProblemType
from automl.features.matrix import Matrix
from automl.models import transformed
from automl.models.base import FitContext, FoldData, Model, Params, Progress, Shape
from automl.models.registry import get_family
from automl.tuning.configuration import Configuration, as_told, settled


def trained(training: Generator[Progress, None, Model]) -> Model:
    while True:
        try:
            next(training)
        except StopIteration as end:
            model: Model = end.value
            return model


def test_the_factor_of_a_logarithm_is_that_of_rows_which_the_model_had_not_seen() -> None:
    """Of the rows that it knows, a flexible model leaves next to no scatter: their factor would be about 1."""
    generator = np.random.default_rng(0)
    X = generator.uniform(0, 2, size=(800, 1)).astype(np.float32)
    y = np.exp(X[:, 0] + generator.normal(size=len(X)))
    parts = [Matrix(X[rows], ("x",)) for rows in (slice(400), slice(400, None))]
    data, context = FoldData(parts[0], y[:400], parts[1], y[400:]), FitContext(Shape(ProblemType.REGRESSION, 400, 1))
    family, params = get_family("random_forest"), {"target": "log"}
    model = trained(transformed.fit(family, data, {}, context, log=True, means=True))
    again = settled(family, params, model.details, ())
    assert again is not None
    configuration = Configuration.of(again)
    assert configuration.log
    assert configuration.factor is not None
    assert configuration.factor > 1.2
    seen = replace(data, X_valid=data.X_train, y_valid=data.y_train)
    how = {"log": True, "means": True}
    same = trained(transformed.fit(family, seen, configuration.own, context, **how, factor=configuration.factor))
    np.testing.assert_allclose(same.predict(data.X_valid), model.predict(data.X_valid), rtol=1e-6)


def test_what_an_earlier_version_did_not_note_cannot_be_taken_over() -> None:
    boosted: Params = {"best_rounds": 5, "rounds": 9, "learning_rate": 0.1}
    family = get_family("lightgbm")
    assert settled(family, {}, boosted, ()) == {"learning_rate": 0.1, "max_rounds": 5}
    assert settled(family, {"target": "log"}, boosted, ()) is None
    for name in ("lightgbm", "linear", "knn", "mlp", "random_forest"):
        assert settled(get_family(name), {}, {"rounds": 9, "penalty": 0.1, "k": 3}, (0.1, 0.9)) is None
    assert settled(get_family("mlp"), {}, {"rounds": 9}, ()) is None


@pytest.mark.parametrize(
    ("details", "told"),
    [
        ({"learning_rate": 0.1, "stopped": "rounds"}, True),
        ({"learning_rate": 0.1, "stopped": "deadline"}, False),
        ({"learning_rate": 0.3, "stopped": "rounds"}, False),
        ({"learning_rate": 0.3, "stopped": "rounds", "0:learning_rate": 0.1, "1:learning_rate": 0.2}, True),
        ({"learning_rate": 0.1, "stopped": "rounds", "0:learning_rate": 0.1, "1:learning_rate": 0.3}, False),
        ({"learning_rate": 0.1, "stopped": "rounds", "0:stopped": "rounds", "1:stopped": "deadline"}, False),
        ({}, True),
    ],
)
def test_a_model_that_was_hurried_is_not_what_it_was_told_to_be(details: Params, told: bool) -> None:
    params = {"learning_rate": 0.1, "max_rounds": 5, "1:learning_rate": 0.2}
    assert as_told(get_family("lightgbm"), params, details) is told
