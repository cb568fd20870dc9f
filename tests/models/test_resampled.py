"""Families on resampled rows, whose probabilities stay honest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from automl import AutoML
from automl.data.table import ProblemType
from automl.errors import UsageError
from automl.features.matrix import Matrix
from automl.models import resampled
from automl.models.base import FitContext, FoldData, Model, Progress, Shape
from automl.models.registry import FAMILIES, get_family
from automl.models.target import validation_loss
from automl.tuning.configuration import RESAMPLE
from automl.tuning.portfolio import portfolio

ROWS = 2_000
WAYS = ("under", "over", "smote")


def rare_fold(classes: int = 2) -> tuple[FoldData, Shape]:
    """Two numbers and a flag, and a few rows of all classes but the first."""
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=(2 * ROWS, 2)), rng.integers(0, 2, 2 * ROWS)]).astype(np.float32)
    signal = X[:, 0] + X[:, 1] + X[:, 2] + rng.normal(size=2 * ROWS)
    y = np.digitize(signal, [3.5, 4.5][: classes - 1]).astype(np.int64)
    train, valid = (Matrix(X[part], ("a", "b", "c"), key="fold") for part in (slice(ROWS), slice(ROWS, None)))
    shape = Shape(ProblemType.BINARY if classes == 2 else ProblemType.MULTICLASS, ROWS, 3, classes)
    return FoldData(train, y[:ROWS], valid, y[ROWS:]), shape


def run(name: str, data: FoldData, shape: Shape, how: str) -> tuple[Model, list[Progress]]:
    family, reports = get_family(name), []
    training = resampled.fit(family, data, family.portfolio(shape)[0], FitContext(shape, rungs=(0.5,)), how)
    while True:
        try:
            reports.append(next(training))
        except StopIteration as end:
            return end.value, reports


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("classes", [2, 3])
def test_frequent_classes_have_three_rows_for_one_of_the_rarest(how: str, classes: int) -> None:
    data, _ = rare_fold(classes)
    data = replace(data, weight_train=np.where(data.y_train == 1, 2.0, 1.0))
    rows = resampled.resample(data, how, 0)
    before, after = np.bincount(data.y_train), np.bincount(rows.y_train)
    assert after.max() == pytest.approx(3 * after.min(), abs=3)
    assert (after <= before).all() if how == "under" else (after >= before).all()
    assert rows.X_train.rows == len(rows.y_train)
    assert rows.X_train.key == ""
    assert (rows.X_valid, rows.y_valid) == (data.X_valid, data.y_valid)
    assert rows.weight_train is not None
    assert rows.weight_train == pytest.approx(np.where(rows.y_train == 1, 2.0, 1.0))
    assert set(np.unique(rows.X_train.dense[:, 2])) == {0, 1}
    made = len(np.unique(rows.X_train.dense[:, 0])) > len(np.unique(data.X_train.dense[:, 0]))
    assert made is (how == "smote")


@pytest.mark.parametrize("name", ["lightgbm", "catboost", "linear", "knn"])
@pytest.mark.parametrize("classes", [2, 3])
def test_probabilities_are_those_of_the_table(name: str, classes: int, tmp_path: Path) -> None:
    data, shape = rare_fold(classes)
    shares = np.bincount(data.y_valid) / ROWS
    model, reports = run(name, data, shape, "under")
    assert isinstance(model, resampled.PriorCorrected)
    prediction = model.predict(data.X_valid)
    assert prediction.mean(axis=0) == pytest.approx(shares, abs=0.02)
    assert prediction.sum(axis=1) == pytest.approx(np.ones(ROWS))
    constant = validation_loss(data.y_valid, np.tile(shares, (ROWS, 1)))
    assert (
        validation_loss(data.y_valid, prediction)
        < constant
        < validation_loss(data.y_valid, model.model.predict(data.X_valid))
    )
    assert all(each.prediction.mean(axis=0) == pytest.approx(shares, abs=0.05) for each in reports)
    model.save(tmp_path)
    again = resampled.loaded(get_family(name).load(tmp_path), tmp_path)
    np.testing.assert_array_equal(again.predict(data.X_valid), prediction)
    assert again.details == model.details


def test_a_class_of_one_row_is_repeated() -> None:
    data, _ = rare_fold()
    y = np.zeros(ROWS, np.int64)
    y[5] = 1
    rows = resampled.resample(replace(data, y_train=y), "smote", 0)
    assert np.bincount(rows.y_train).tolist() == [ROWS - 1, (ROWS - 1) // 3]


def test_it_is_tried_only_if_asked_for() -> None:
    shape = Shape(ProblemType.BINARY, 1_000, 5, 2, numeric=5)
    plain, asked = portfolio(FAMILIES, shape), portfolio(FAMILIES, replace(shape, resample=True))
    ways = {(each.family, each.params[RESAMPLE]) for each in asked if RESAMPLE in each.params}
    assert [each.id for each in asked if RESAMPLE not in each.params] == [each.id for each in plain]
    assert ("linear", "smote") in ways
    assert ("lightgbm", "smote") not in ways  # missing values stay missing there
    assert ("lightgbm", "under") in ways
    assert [RESAMPLE in each.params for each in asked[:6]] == [False, True] * 3


def test_it_needs_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(resampled, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'automl\[imbalance\]'"):
        AutoML(resample=True, max_trials=1, output=tmp_path / "run").fit(
            {"a": [1, 2, 3, 4], "y": list("abab")}, target="y"
        )
    assert not (tmp_path / "run").exists()
