"""Features of many recipes and folds in one go are those of each, to the last bit."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from automl.data.schema import apply_schema, infer_schema
from automl.data.table import ProblemType, Task
from automl.features.fused import Fused
from automl.features.matrix import Matrix, Needs
from automl.features.pipeline import Features, fit_features, fit_texts

ROWS = 800
RECIPES = [
    Needs(),
    Needs(arithmetic=True),
    Needs(missing="impute", categories="onehot", scaling="robust"),
    Needs(missing="impute", categories="numbers", scaling="quantile", arithmetic=True),
    Needs(missing="impute", categories="numbers", scaling="standard"),
    Needs(missing="impute", categories="onehot", scaling="robust", sparse=True),
    Needs(missing="impute", categories="onehot", scaling="robust", text="tfidf", sparse=True),
]
DATES = {"a": 1, "b - c": 3, "a - b": 7, "c": 20}
KINDS = {"stamp": "numeric", "note": "text", "title": "text"}
WORDS = ("slow", "again", "outage", "Thanks!", "really", "why?", "12", "minutes", "http://x.y", "Große")


def table() -> pd.DataFrame:
    """Numbers with gaps and far from zero, flags, dates, few and many categories, texts."""
    rng = np.random.default_rng(0)
    moments = np.datetime64("2024-01-01", "m") + rng.integers(0, 10**6, (2, ROWS))
    frame = pd.DataFrame(
        {
            "size": rng.normal(size=ROWS),
            "price": rng.gamma(2, 100, ROWS),
            "stamp": rng.integers(10**11, 10**11 + 10**6, ROWS).astype(float),
            "paid": rng.choice(["yes", "no"], ROWS),
            "city": rng.choice(list("abcde"), ROWS),
            "street": rng.choice([f"{WORDS[i % 4]} lane {i}" for i in range(60)], ROWS),
            "from": moments[0].astype("datetime64[us]"),
            "to": moments[1].astype("datetime64[us]"),
            "note": [" ".join(rng.choice(WORDS, rng.integers(1, 9))) for _ in range(ROWS)],
            "title": [
                f"{word} {number}"
                for word, number in zip(rng.choice(WORDS[:4], ROWS), rng.permutation(ROWS), strict=True)
            ],
        }
    )
    return frame.mask(rng.random(frame.shape) < 0.05)


def plain(matrix: Matrix) -> np.ndarray:
    values = matrix.values
    return values.toarray() if isinstance(values, csr_array) else values


@pytest.fixture(scope="module")
def fitted() -> tuple[pd.DataFrame, list[Features]]:
    frame = table()
    schema = infer_schema(frame, overrides=KINDS)
    typed = apply_schema(frame, schema)
    said = sum(typed[name].str.contains("again") * 1000 for name in schema.texts)
    y = np.nan_to_num(typed["size"] * typed["price"]) + said.to_numpy(np.float64)
    task = Task("y", ProblemType.REGRESSION, "")
    halves = [np.arange(ROWS) % 2 == half for half in (0, 1)]
    texts = [fit_texts(typed[half], y[half], schema, task, random_state=0) for half in halves]
    features = [
        fit_features(typed[half], y[half], schema, task, needs, random_state=0, texts=read)[0]
        for needs, (half, read) in product(RECIPES, zip(halves, texts, strict=True))
    ]
    return typed, features


@pytest.mark.parametrize("rows", [0, 1, 7, ROWS])
def test_every_matrix_is_equal_to_the_last_bit(fitted: tuple[pd.DataFrame, list[Features]], rows: int) -> None:
    typed, features = fitted
    fused = Fused.of(features)
    assert fused is not None
    some = typed.iloc[:rows]
    matrices = fused({name: some[name].to_numpy() for name in some}, rows)
    for each, matrix in zip(features, matrices, strict=True):
        alone = each.transform(some)
        assert type(matrix.values) is type(alone.values)
        np.testing.assert_array_equal(plain(matrix), plain(alone))
        assert (matrix.names, matrix.categorical) == (alone.names, alone.categorical)
        assert isinstance(matrix.values, csr_array) or matrix.values.flags.c_contiguous


def test_one_recipe_is_enough(fitted: tuple[pd.DataFrame, list[Features]]) -> None:
    typed, features = fitted
    fused = Fused.of(features[:1])
    assert fused is not None
    matrix = fused({name: typed[name].to_numpy() for name in typed}, ROWS)[0]
    np.testing.assert_array_equal(matrix.values, features[0].transform(typed).values)


def test_features_that_see_nothing_may_come_first(fitted: tuple[pd.DataFrame, list[Features]]) -> None:
    typed, features = fitted
    task = Task("y", ProblemType.REGRESSION, "")
    schema = infer_schema(table(), overrides=KINDS)
    blind, _ = fit_features(typed, np.arange(ROWS), schema, task, Needs(blind=True), random_state=0)
    fused = Fused.of([blind, features[2]])
    assert fused is not None
    nothing, matrix = fused({name: typed[name].to_numpy() for name in typed}, ROWS)
    assert nothing.values.shape == (ROWS, 0)
    np.testing.assert_array_equal(matrix.values, features[2].transform(typed).values)


def test_what_folds_have_in_common_is_made_once(fitted: tuple[pd.DataFrame, list[Features]]) -> None:
    """All recipes of a fold see the same topics; the styles are those of all folds."""
    _, features = fitted
    fused = Fused.of(features)
    assert fused is not None
    assert [style.source for style in fused.written.styles] == ["note", "title"]
    assert (len(fused.written.bags), len(fused.written.topics)) == (6, 6)


def test_days_between_dates_of_confusing_names_are_told_apart() -> None:
    """Both pairs are called ``days(a - b - c)``."""
    dates = {name: pd.date_range("2024-01-01", periods=60, freq=f"{days}D") for name, days in DATES.items()}
    frame = pd.DataFrame(dates)
    schema = infer_schema(frame)
    typed, task = apply_schema(frame, schema), Task("y", ProblemType.REGRESSION, "")
    features, _ = fit_features(typed, np.arange(60.0), schema, task, Needs(), random_state=0)
    fused = Fused.of([features])
    assert fused is not None
    matrix = fused({name: typed[name].to_numpy() for name in typed}, 60)[0]
    np.testing.assert_array_equal(matrix.values, features.transform(typed).values)
