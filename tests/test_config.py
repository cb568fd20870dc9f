"""Options are validated once, before anything is done."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from automl.config import FitConfig, ReadOptions
from automl.errors import UsageError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"time_budget": "60"}, "time budget must be at least 1 second, got '60'"),
        ({"time_budget": 0.5}, "time budget must be at least 1 second, got 0.5"),
        ({"folds": [3]}, r"folds must be a whole number of at least 2, got \[3\]"),
        ({"max_trials": 2.5}, "max trials must be a whole number of at least 1, got 2.5"),
        ({"n_jobs": 1.5}, "jobs must be a whole number of at least 1, got 1.5"),
        ({"gpus": 0.5}, "gpus must be a whole number of at least 0, got 0.5"),
        ({"random_state": 1.5}, "random state must be a whole number from 0 to 4,294,967,295, got 1.5"),
        ({"random_state": 2**40}, "random state .* got 1099511627776"),
        ({"random_state": None}, "random state .* got None"),
        ({"class_weight": [1, 2]}, r"class weight must be balanced or numbers by class, .* got \[1, 2\]"),
        ({"class_weight": {"a": float("inf")}}, "class weights must be numbers, .* got inf"),
        ({"class_weight": {"a": "five"}}, "class weights must be numbers, .* got 'five'"),
        ({"types": ["a"]}, r"types must be kinds by column, .* got \['a'\]"),
        ({"monotone": "a"}, "monotone must be directions by column, .* got 'a'"),
        ({"interactions": ["a"]}, "interactions must be groups of columns, .* got 'a'"),
        ({"interactions": 5}, "interactions must be groups of columns, .* got 5"),
        ({"resample": "yes"}, "resample must be True or False, got 'yes'"),
        ({"read": {"sep": ";"}}, "read must be ReadOptions, such as .* got {'sep': ';'}"),
        ({"preset": ["fast"]}, "preset must be one of fast, balanced, best"),
    ],
)
def test_what_an_option_cannot_be_is_said_in_one_line(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        FitConfig(**options)


def test_columns_and_classes_have_their_names_here() -> None:
    config = FitConfig(
        types={0: "numeric", " a": "text"},  # type: ignore[dict-item]
        monotone={"a ": "increasing"},
        interactions=[(0, " a"), [2]],  # type: ignore[list-item]
        class_weight={1: 5},  # type: ignore[dict-item]
        memory=8e9,  # type: ignore[arg-type]
    )
    assert config.types == {"0": "numeric", "a": "text"}
    assert config.monotone == {"a": "increasing"}
    assert config.interactions == [["0", "a"], ["2"]]
    assert config.class_weight == {"1": 5}
    assert isinstance(config.memory, int)


def test_cells_that_are_missing_may_be_numbers() -> None:
    numbers: Any = [-999, np.int64(-1)]
    assert ReadOptions(na=numbers).na == ("-999", "-1")
    assert ReadOptions(na=numbers[0]).na == ("-999",)
    assert ReadOptions(na={"n.v."}).na == ("n.v.",)  # type: ignore[arg-type]
    for options in ({"sep": 5}, {"encoding": 5}, {"sheet": 0}, {"na": object()}):
        with pytest.raises(UsageError, match="must be"):
            ReadOptions(**options)


def test_none_is_nothing_where_there_may_be_nothing() -> None:
    assert ReadOptions(na=None) == ReadOptions()  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="repeats must be a whole number from 1 to 100, got None"):
        FitConfig(repeats=None)  # type: ignore[arg-type]


def test_numbers_of_numpy_are_numbers() -> None:
    of_numpy: dict[str, Any] = {
        "time_budget": np.float32(30),
        "folds": np.int64(3),
        "resample": np.bool_(True),
        "class_weight": {"a": np.float64(2), "b": np.int8(1)},
        "interactions": np.array([["x", "y"]]),
        "quantiles": np.array([0.5]),
    }
    config = FitConfig(**of_numpy)
    assert config.folds == 3
    assert FitConfig.from_json(json.loads(json.dumps(config.to_json()))) == config
