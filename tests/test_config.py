"""Options are validated once, before anything is done."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from automl.config import FitConfig
from automl.errors import UsageError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"time_budget": "60"}, "time budget must be at least 1, got '60'"),
        ({"time_budget": 0.5}, "time budget must be at least 1, got 0.5"),
        ({"folds": [3]}, r"folds must be at least 2, got \[3\]"),
        ({"preset": ["fast"]}, "preset must be one of fast, balanced, best"),
    ],
)
def test_what_an_option_cannot_be_is_said_in_one_line(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        FitConfig(**options)


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
