from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from typed_frames import TASKS, schema_of

from automl.data.table import MISSING, UNSEEN
from automl.features.encode import SMOOTHING, OneHot
from automl.features.matrix import Matrix, Needs
from automl.features.pipeline import Features, fit_features


def names_of(count: int, text: str = "v") -> tuple[str, ...]:
    return tuple(f"{text}{i}" for i in range(count))


def fitted(
    codes: list[int], y: np.ndarray, needs: Needs, categories: tuple[str, ...], task: str = "regression"
) -> tuple[Features, Matrix]:
    frame = pd.DataFrame({"c": np.array(codes, np.int32)})
    return fit_features(frame, y, schema_of(c=categories), TASKS[task], needs, random_state=0)


def column(matrix: Matrix, name: str) -> list[float]:
    return [float(value) for value in matrix.dense[:, matrix.names.index(name)]]


def of_codes(features: Features, *codes: int) -> Matrix:
    return features.transform(pd.DataFrame({"c": np.array(codes, np.int32)}))


def test_codes_follow_the_frequency_in_training_and_rare_ones_are_missing() -> None:
    codes = [2, 2, 2, 0, 0, 1, MISSING]
    features, matrix = fitted(codes, np.arange(7.0), Needs(), names_of(4))
    assert matrix.categorical == (0,)
    assert matrix.cardinalities == (2,)
    np.testing.assert_array_equal(column(matrix, "c"), [0, 0, 0, 1, 1, np.nan, np.nan])
    np.testing.assert_array_equal(column(of_codes(features, 2, 3, UNSEEN), "c"), [0, np.nan, np.nan])


def test_beyond_255_categories_share_a_code() -> None:
    codes = np.repeat(np.arange(300), 2).tolist()
    _, matrix = fitted(codes, np.arange(600.0), Needs(), names_of(300))
    assert matrix.cardinalities == (256,)
    assert set(column(matrix, "c")[-90:]) == {255.0}


@pytest.mark.parametrize(
    ("count", "categories", "expected"),
    [
        (3, "codes", ["c"]),
        (12, "codes", ["c", "mean(c)"]),
        (40, "codes", ["c", "mean(c)", "count(c)"]),
        (3, "numbers", ["c"]),
        (12, "numbers", ["mean(c)"]),
        (40, "numbers", ["mean(c)", "count(c)"]),
        (3, "onehot", ["c = v0", "c = v1", "c = v2"]),
        (40, "onehot", ["mean(c)"]),
    ],
)
def test_cardinality_decides(count: int, categories: str, expected: list[str]) -> None:
    generator = np.random.default_rng(0)
    codes = np.repeat(np.arange(count), np.arange(count, 0, -1) + 3)
    y = generator.normal(size=len(codes))
    needs = Needs(categories=categories)  # type: ignore[arg-type]
    _, matrix = fitted(codes.tolist(), y, needs, names_of(count))
    assert list(matrix.names) == expected


def test_one_hot_has_a_column_for_missing_where_training_had_it() -> None:
    features, matrix = fitted([0, 1, 0, MISSING, 1, 0], np.arange(6.0), Needs(categories="onehot"), names_of(3))
    assert matrix.names == ("c = v0", "c = v1", "missing(c)")
    assert of_codes(features, MISSING, UNSEEN, 2, 0).dense.tolist() == [[0, 0, 1], [0, 0, 0], [0, 0, 0], [1, 0, 0]]


def test_sparse_levels_need_five_rows() -> None:
    codes = np.concatenate([np.repeat(np.arange(40), 5), np.repeat(np.arange(40, 60), 4)]).astype(np.int32)
    part = OneHot.fit(schema_of(c=names_of(60))["c"], codes)
    assert part.names == tuple(f"c = v{i}" for i in range(40))
    rows = part.transform(pd.DataFrame({"c": np.array([3, 50, UNSEEN, MISSING], np.int32)}))
    assert rows.toarray().sum(axis=1).tolist() == [1, 0, 0, 0]
    assert rows.toarray()[0, 3] == 1


def test_means_are_smoothed_and_unseen_gets_the_overall_mean() -> None:
    codes = np.repeat(np.arange(12), 20)
    y = (codes == 0) * 100.0
    features, _ = fitted(codes.tolist(), y, Needs(categories="numbers"), names_of(13))
    encoded = column(of_codes(features, 0, 1, 12, UNSEEN, MISSING), "mean(c)")
    overall = y.mean()
    smooth = [(2000 + SMOOTHING * overall) / (20 + SMOOTHING), SMOOTHING * overall / (20 + SMOOTHING)]
    assert encoded == pytest.approx([*smooth, overall, overall, overall], rel=1e-6)


def test_multiclass_has_a_mean_for_each_class() -> None:
    generator = np.random.default_rng(0)
    codes = generator.integers(0, 12, 300)
    _, matrix = fitted(codes.tolist(), codes % 3, Needs(categories="numbers"), names_of(12), "multiclass")
    assert matrix.names == ("mean(c) of a", "mean(c) of b", "mean(c) of c")
    right = matrix.dense[np.arange(300), codes % 3]
    assert (right > 0.5).mean() > 0.95


@pytest.mark.parametrize("task", ["regression", "binary"])
def test_a_row_cannot_read_its_own_target(task: str) -> None:
    """Means of a random column with few rows a value: in sample they tell the target, out of fold they cannot."""
    correlations, in_sample = [], []
    for seed in range(8):
        generator = np.random.default_rng(seed)
        codes = generator.integers(0, 1000, 3000)
        y = generator.normal(size=3000) if task == "regression" else generator.integers(0, 2, 3000)
        features, matrix = fitted(codes.tolist(), y, Needs(categories="numbers"), names_of(1000), task)
        correlations.append(np.corrcoef(column(matrix, "mean(c)"), y)[0, 1])
        in_sample.append(np.corrcoef(column(of_codes(features, *codes.tolist()), "mean(c)"), y)[0, 1])
    assert np.mean(in_sample) > 0.4
    assert abs(np.mean(correlations)) < 0.04
    assert np.max(np.abs(correlations)) < 0.1
