"""A student comes near its teacher, for every kind of target."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from automl import AutoML
from automl.data.schema import apply_schema
from automl.data.table import Column, Kind, ProblemType, Schema
from automl.features.matrix import Matrix
from automl.slim import slim
from automl.slim.student import distil, made_up


@pytest.mark.parametrize("classes", [0, 2, 3])
def test_a_student_says_what_its_teacher_says(classes: int) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 3)).astype(np.float32)
    soft, kind = X[:, 0].astype(np.float64) * 2 + X[:, 1], ProblemType.REGRESSION
    if classes:
        raised = np.exp(X[:, :classes].astype(np.float64))
        soft = raised / raised.sum(axis=1, keepdims=True)
        kind = ProblemType.BINARY if classes == 2 else ProblemType.MULTICLASS
    matrix = Matrix(X, ("a", "b", "c"))
    student = distil(matrix, soft, kind, rounds=60)
    assert np.abs(student.predict(matrix) - soft).mean() < 0.1 * np.abs(soft - soft.mean(axis=0)).mean()


def test_weights_say_which_rows_count() -> None:
    X = Matrix(np.repeat([[0.0], [1.0]], 100, axis=0).astype(np.float32), ("a",))
    twice = Matrix(np.zeros((200, 1), np.float32), ("a",))
    soft = np.repeat([0.0, 10.0], 100)
    weight = np.repeat([3.0, 1.0], 100)
    assert distil(twice, soft, ProblemType.REGRESSION, rounds=30, weight=weight).predict(twice)[0] == pytest.approx(2.5)
    assert distil(X, soft, ProblemType.REGRESSION, rounds=30).predict(X)[-1] == pytest.approx(10, abs=0.5)


def test_made_up_rows_keep_kinds_and_values() -> None:
    frame = pd.DataFrame(
        {"n": [1.0, 2.0], "c": np.array([0, 1], np.int32), "t": pd.array(["x", "y"], "string[pyarrow]")}
    )
    kinds = {"n": Kind.NUMERIC, "c": Kind.CATEGORICAL, "t": Kind.TEXT}
    schema = Schema(tuple(Column(name, kind, "") for name, kind in kinds.items()))
    made = made_up(frame, schema, 50, np.random.default_rng(0))
    assert made.dtypes.tolist() == frame.dtypes.tolist()
    assert set(made["t"]) <= {"x", "y"}
    assert len(made) == 50
    assert not len(made_up(frame, schema, 0, np.random.default_rng(0)))


def test_words_stay_with_their_value() -> None:
    schema = Schema((Column("c", Kind.CATEGORICAL, "", tuple("abc"), worded=True), Column("n", Kind.NUMERIC, "")))
    table = pd.DataFrame({"c": list("abcabc"), "n": np.arange(6.0)})
    made = made_up(apply_schema(table, schema), schema, 50, np.random.default_rng(0))
    assert [schema["c"].categories[code] for code in made["c"]] == made["c in words"].tolist()
    assert len(made.drop_duplicates()) > 6


def test_numbers_that_are_alike_beside_their_size_are_taught_all_the_same(tmp_path: Path) -> None:
    """LightGBM holds targets with seven digits: these moments are told apart by the ninth."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.normal(size=300)})
    moments = 1.7e9 + 50 * table["a"]
    model = AutoML(max_trials=1, folds=2, output=tmp_path / "run").fit(table, moments.rename("moment"))
    options, _ = slim(tmp_path / "run", tmp_path / "small")
    student = next(option.predictor for option in options if option.name.startswith("student"))
    assert np.abs(student.predict(table) - model.predict(table)).mean() < 10
