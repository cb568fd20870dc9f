"""One model a level, of every family that can aim at quantiles."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from automl.data.table import ProblemType
from automl.deadline import Deadline
from automl.evaluation.quantiles import coverage
from automl.features.matrix import Matrix
from automl.models import quantiles, transformed
from automl.models.base import Family, FitContext, FoldData, Model, Progress, Shape
from automl.models.registry import FAMILIES, get_family

LEVELS = (0.1, 0.5, 0.9)
ROWS = 1_000
Trained = Callable[..., tuple[Model, list[Progress]]]
ABLE = [family for family in FAMILIES if ProblemType.QUANTILE in family.problem_types]


def fold() -> tuple[FoldData, Shape]:
    """Amounts whose spread grows with the column."""
    generator = np.random.default_rng(0)
    X = generator.uniform(1, 3, size=(2 * ROWS, 1)).astype(np.float32)
    y = np.exp(X[:, 0] * (1 + 0.5 * generator.normal(size=2 * ROWS)))
    train, valid = (Matrix(part, ("x",)) for part in (X[:ROWS], X[ROWS:]))
    return FoldData(train, y[:ROWS], valid, y[ROWS:]), Shape(ProblemType.REGRESSION, ROWS, 1, skewed=True)


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("family", ABLE, ids=lambda family: family.name)
def test_levels_rise_cover_their_share_and_are_kept(family: Family, log: bool, tmp_path: Path, trained: Trained):
    data, shape = fold()
    context = FitContext(shape, rungs=(0.5,))
    model, reports = trained(transformed.fit(family, data, {}, context, log=log, levels=LEVELS))
    prediction = model.predict(data.X_valid)
    assert not reports
    assert prediction.shape == (ROWS, 3)
    assert (np.diff(prediction, axis=1) >= 0).all()
    np.testing.assert_allclose(coverage(data.y_valid, prediction), LEVELS, atol=0.06)
    model.save(tmp_path)
    loaded = transformed.load(family, tmp_path)
    np.testing.assert_array_equal(loaded.predict(data.X_valid), prediction)
    assert loaded.details == model.details
    with TemporaryDirectory() as apart:  # as a run does, in its own time; with the model beside it, as an export does
        for folder in (Path(apart), tmp_path):
            loaded.save_for_few_rows(folder)
        shutil.copytree(apart, tmp_path, dirs_exist_ok=True)
    quick = transformed.load(family, tmp_path)
    for few in (1, 3):
        rows = Matrix(data.X_valid.values[:few], ("x",))
        np.testing.assert_allclose(quick.predict(rows), prediction[:few], rtol=1e-6)


@pytest.mark.parametrize("family", ABLE, ids=lambda family: family.name)
def test_a_refit_goes_as_far_as_each_level_went_without_looking_at_validation_rows(family: Family, trained: Trained):
    data, shape = fold()
    model, _ = trained(quantiles.fit(family, data, {}, FitContext(shape), LEVELS))
    params = quantiles.settled(family, {}, model.details, LEVELS)
    assert params is not None
    seen = replace(data, X_valid=data.X_train, y_valid=data.y_train)
    again, _ = trained(quantiles.fit(family, seen, params, FitContext(shape), LEVELS))
    np.testing.assert_allclose(again.predict(data.X_valid), model.predict(data.X_valid), rtol=1e-6)


def test_crossing_levels_are_put_in_order(trained: Trained):
    """Noise alone, and nothing that stops: some rows of the three models must come out in the wrong order."""
    generator = np.random.default_rng(0)
    X = generator.normal(size=(200, 3)).astype(np.float32)
    y = generator.normal(size=200)
    matrix = Matrix(X, ("a", "b", "c"))
    data, shape = FoldData(matrix, y, matrix, y), Shape(ProblemType.REGRESSION, 200, 3)
    levels = (0.45, 0.5, 0.55)
    model, _ = trained(quantiles.fit(get_family("lightgbm"), data, {"max_rounds": 50}, FitContext(shape), levels))
    apart = np.column_stack([each.predict(matrix) for each in model.models])
    assert (np.diff(apart, axis=1) < 0).any()
    np.testing.assert_array_equal(model.predict(matrix), np.sort(apart, axis=1))


def test_every_level_has_its_share_of_the_time(trained: Trained):
    given = []

    class Watched(type(get_family("constant"))):
        def fit(self, data, params, context):
            given.append((context.quantile, context.deadline.remaining))
            return super().fit(data, params, context)

    data, shape = fold()
    trained(quantiles.fit(Watched(), data, {}, FitContext(shape, Deadline.after(60)), LEVELS))
    assert [level for level, _ in given] == list(LEVELS)
    for (_, seconds), share in zip(given, (20, 30, 60), strict=True):  # what is not used is left to the others
        assert share - 5 < seconds <= share
    model, _ = trained(quantiles.fit(get_family("catboost"), data, {}, FitContext(shape, Deadline.after(-1)), LEVELS))
    assert np.isfinite(model.predict(data.X_valid)).all()


def test_without_levels_a_family_is_left_alone(tmp_path: Path, trained: Trained):
    data, shape = fold()
    model, _ = trained(quantiles.fit(get_family("linear"), data, {}, FitContext(shape), ()))
    assert model.predict(data.X_valid).shape == (ROWS,)
