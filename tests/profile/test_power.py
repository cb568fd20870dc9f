"""Prediction power: nothing for noise, everything for the target, honest in between."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from automl.data.schema import apply_schema, infer_schema
from automl.data.table import ProblemType
from automl.data.task import encode_target, infer_task
from automl.profile.power import prediction_power
from automl.profile.rows import ranks

RNG = np.random.default_rng(0)
ROWS = 900
BINARY = RNG.choice(["no", "yes"], ROWS)
KINDS = RNG.choice(["a", "b", "c"], ROWS)
VALUES = RNG.lognormal(3, 1, ROWS)
TARGETS: dict[ProblemType, NDArray[Any]] = {
    ProblemType.BINARY: BINARY,
    ProblemType.MULTICLASS: KINDS,
    ProblemType.REGRESSION: VALUES,
}


def power(column: object, target: NDArray[Any]) -> float:
    frame = pd.DataFrame({"x": column})
    task = infer_task(pd.Series(target), "y")
    y, _ = encode_target(pd.Series(target), task)
    schema = infer_schema(frame)
    found = prediction_power(schema.columns[0], apply_schema(frame, schema), y, task)
    assert found is not None
    return found


@pytest.mark.parametrize("problem_type", TARGETS)
def test_a_copy_of_the_target_tells_everything(problem_type: ProblemType) -> None:
    assert power(TARGETS[problem_type], TARGETS[problem_type]) > 0.98


@pytest.mark.parametrize("problem_type", TARGETS)
@pytest.mark.parametrize("kind", ["numbers", "categories", "codes", "text"])
def test_noise_tells_nothing(problem_type: ProblemType, kind: str) -> None:
    draw = np.random.default_rng(1)
    words = np.array(["fast", "slow", "good", "bad", "fine", "ugly", "red", "blue", "green", "white"])
    noise = {
        "numbers": draw.normal(size=ROWS),
        "categories": draw.choice(list("klmn"), ROWS),
        "codes": [f"c{i}" for i in draw.integers(0, 300, ROWS)],
        "text": [" ".join(row) for row in draw.choice(words, (ROWS, 6))],
    }[kind]
    assert power(noise, TARGETS[problem_type]) < 0.15


def test_words_and_missing_cells_can_tell_of_the_target() -> None:
    praise = np.where(BINARY == "yes", "really a very good and useful thing", "it broke down again after some days")
    numbered = [f"{words} number {i}" for i, words in enumerate(praise)]
    assert power(numbered, BINARY) > 0.95
    assert power(np.where(BINARY == "yes", RNG.normal(size=ROWS), np.nan), BINARY) > 0.95


def test_a_weak_signal_is_between() -> None:
    weak = (BINARY == "yes") + np.random.default_rng(2).normal(0, 1.5, ROWS)
    assert 0.1 < power(weak, BINARY) < 0.6


@settings(max_examples=15, deadline=None)
@given(st.floats(0.1, 9), st.floats(-100, 100))
def test_only_the_order_of_numbers_counts(scale: float, shift: float) -> None:
    weak = np.round((BINARY == "yes") + np.random.default_rng(2).normal(0, 1.5, ROWS), 3)
    plain = power(weak, BINARY)
    assert power(weak * scale + shift, BINARY) == plain


@given(st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), max_size=30))
def test_ranks_keep_the_order(values: list[float]) -> None:
    column = np.array(values, dtype=np.float64)
    found = ranks(column)
    known = np.isfinite(column)
    assert (np.isfinite(found) == known).all()
    assert ((found[known] > 0) & (found[known] <= 1)).all()
    np.testing.assert_array_equal(np.sign(np.diff(found[known])), np.sign(np.diff(column[known])))


def test_few_rows_or_one_class_tell_nothing() -> None:
    frame = pd.DataFrame({"x": np.arange(20.0) + 0.5})
    task = infer_task(pd.Series([0, 1] * 10), "y")
    column = infer_schema(frame).columns[0]
    assert prediction_power(column, frame, np.array([0, 1] * 10), task) is None
    assert prediction_power(column, pd.concat([frame] * 4), np.zeros(80, dtype=np.int64), task) is None
