"""Many rows go through trees by tables of bits: to the last bit what one row after the other gets."""

from __future__ import annotations

from pathlib import Path

import lightgbm
import numpy as np
import pytest
import xgboost
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from automl.features.matrix import Matrix
from automl.models.bitvectors import MOST, WORD
from automl.models.boosting import Trained
from automl.models.leaves import LeafTable
from automl.models.lightgbm import LightGBMModel
from automl.models.lightgbm_c import FEW_ROWS, Trees
from automl.models.lookups import MANY, one_by_one, round_down
from automl.models.xgboost import XGBoostModel

COLUMNS = 5
TRAINED = Trained(20, 20, 0.1, 0.0, "rounds")


def rows_of(rows: int, seed: int = 0, missing: float = 0.1) -> NDArray[np.float32]:
    """Columns 0 and 1 are codes, below and above 32; the others have few and many values."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, COLUMNS)).astype(np.float32)
    X[:, 0], X[:, 1], X[:, 2] = rng.integers(0, 9, rows), rng.integers(0, 70, rows), rng.integers(0, 5, rows)
    X[rng.random(X.shape) < missing] = np.nan
    return X


def strange(rows: int) -> NDArray[np.float32]:
    """Values that training did not have."""
    X = rows_of(rows, seed=1)
    X[:200:2] = np.nan
    X[1:200:2, :2] = np.array([0, 9, 31, 32, 63, 64, 69, 70, 253, 254])[np.arange(100) % 10, None]
    X[1:200:2, 2:] = np.array([0, -0.0, 3e38, -3e38, np.inf, -np.inf, 1e-40, 1, 2, 4])[np.arange(100) % 10, None]
    return X


def target(X: NDArray[np.float32], classes: int) -> NDArray[np.float64]:
    y = np.nan_to_num(X[:, 3] + (X[:, 0] % 3 == 1) + (X[:, 1] % 7 == 2) * X[:, 4]).astype(np.float64)
    return y if classes == 0 else np.digitize(y, np.quantile(y, np.arange(1, classes) / classes)).astype(np.float64)


def as_matrix(X: NDArray[np.float32]) -> Matrix:
    return Matrix(X, tuple("abcde"), (0, 1), (9, 70))


def one_after_the_other(model: LightGBMModel | XGBoostModel, X: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.concatenate([model.predict(as_matrix(X[at : at + FEW_ROWS])) for at in range(0, len(X), FEW_ROWS)])


@pytest.mark.parametrize("missing", [0.0, 0.1])
@pytest.mark.parametrize(("leaves", "classes"), [(2, 0), (31, 2), (32, 3), (33, 0), (100, 0), (MOST * WORD, 0)])
def test_lightgbm(leaves: int, classes: int, missing: float) -> None:
    X = rows_of(3_000, missing=missing)
    params = {"num_leaves": leaves, "min_data_in_leaf": 2, "min_data_per_group": 2, "cat_smooth": 1, "verbosity": -1}
    if classes:
        params |= {"objective": "multiclass" if classes > 2 else "binary", "num_class": classes if classes > 2 else 1}
    data = lightgbm.Dataset(X, target(X, classes), categorical_feature=[0, 1])
    booster = lightgbm.train(params | {"num_threads": 1}, data, 20)
    model = LightGBMModel(booster.model_to_string().encode(), bool(classes), TRAINED)
    assert model.leaves.vectors is not None
    many = strange(MANY + 1)
    np.testing.assert_array_equal(model.predict(as_matrix(many)), one_after_the_other(model, many))


@pytest.mark.parametrize(("depth", "classes"), [(1, 0), (4, 2), (5, 3), (6, 0)])
def test_xgboost(depth: int, classes: int, tmp_path: Path) -> None:
    X = rows_of(3_000)
    data = xgboost.DMatrix(X, target(X, classes), feature_types=list("ccqqq"), enable_categorical=True)
    params = {"max_depth": depth, "nthread": 1, "tree_method": "hist", "verbosity": 0}
    if classes:
        params |= (
            {"objective": "multi:softprob", "num_class": classes} if classes > 2 else {"objective": "binary:logistic"}
        )
    model = XGBoostModel(bytes(xgboost.train(params, data, 20).save_raw("ubj")), bool(classes), TRAINED)
    model.save_for_few_rows(tmp_path)
    table = LeafTable.load(tmp_path)
    assert table is not None
    assert table.quick_for(MANY)
    assert not table.quick_for(MANY - 1)
    many = as_matrix(strange(MANY + 1))
    library = model.trees.margins(many.dense).reshape(MANY + 1, -1)
    np.testing.assert_array_equal(table.boosted(many.dense), library)
    quick = XGBoostModel(model.raw, bool(classes), TRAINED, table)
    np.testing.assert_array_equal(quick.predict(many), model.predict(many))
    np.testing.assert_array_equal(quick.predict(many), one_after_the_other(quick, many.dense))


def test_large_trees_are_left_to_the_libraries() -> None:
    X = rows_of(3_000)
    params = {"num_leaves": MOST * WORD + 1, "min_data_in_leaf": 1, "num_threads": 1, "verbosity": -1}
    text = lightgbm.train(params, lightgbm.Dataset(X, target(X, 0)), 1).model_to_string().encode()
    table = LeafTable.read(text, 1)
    assert table.vectors is None
    assert not table.quick_for(MANY)
    model = LightGBMModel(text, False, TRAINED)
    np.testing.assert_array_equal(model.predict(as_matrix(X)), Trees(text).raw(X)[:, 0])


def test_a_model_without_a_split_has_one_value() -> None:
    X = rows_of(MANY)
    text = lightgbm.train({"verbosity": -1}, lightgbm.Dataset(X[:30], np.arange(30.0) * 0 + 3), 1).model_to_string()
    model = LightGBMModel(text.encode(), False, TRAINED)
    np.testing.assert_array_equal(model.predict(as_matrix(X)), np.full(MANY, model.predict(as_matrix(X[:1]))[0]))


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 300), st.integers(1, 3), st.integers(1, 3), st.sampled_from([np.float32, np.float64]))
def test_sums_keep_the_order(trees: int, outputs: int, rows: int, kind: type) -> None:
    worth = np.random.default_rng(trees).normal(size=(trees, outputs, rows)).astype(kind)
    total = worth[0].copy()
    for each in worth[1:]:
        total += each
    np.testing.assert_array_equal(one_by_one(worth), total)


@settings(deadline=None, max_examples=100)
@given(st.floats(-1e300, 1e300), st.lists(st.floats(-(2.0**99), 2.0**99, width=32), min_size=1, max_size=5))
@example(-1e300, [0.0])
def test_rounded_thresholds_decide_equally(threshold: float, values: list[float]) -> None:
    rounded = round_down(np.array([threshold]))
    x = np.array([*values, np.float32(np.clip(threshold, -3e38, 3e38))], np.float32)
    np.testing.assert_array_equal(x <= rounded, x.astype(np.float64) <= threshold)
