from __future__ import annotations

import numpy as np
import pytest
from typed_frames import TASKS

from automl.features.construct import MOST, OPERATORS, Arithmetic

NAMES = tuple("abcd")


@pytest.mark.parametrize(("operator", "code"), [(name, code) for code, name in enumerate(OPERATORS)])
def test_the_combination_that_makes_the_target_is_found(operator: str, code: int) -> None:
    generator = np.random.default_rng(code)
    dense = generator.uniform(1, 2, size=(1_000, 4))
    functions = (np.add, np.subtract, np.multiply, np.divide)
    y = functions[code](dense[:, 1], dense[:, 2]) + generator.normal(scale=0.01, size=1_000)
    combined = Arithmetic.fit(dense, NAMES, (), y, TASKS["regression"], random_state=0)
    assert {f"b {operator} c", f"c {operator} b"} & set(combined.names)
    made = combined(dense)
    correlations = [abs(np.corrcoef(made[:, i], y)[0, 1]) for i in range(made.shape[1])]
    assert max(correlations) > 0.98
    assert len(combined.names) <= MOST


def test_what_cannot_be_computed_is_missing() -> None:
    dense = np.array([[1.0, 0.0], [np.nan, 1.0], [1e300, 1e-300]])
    places = np.array([0]), np.array([1]), np.array([OPERATORS.index("/")])
    assert np.isnan(Arithmetic(("a / b",), *places)(dense)).tolist() == [[True], [True], [True]]


def test_codes_and_flags_are_not_combined() -> None:
    generator = np.random.default_rng(0)
    dense = np.column_stack([generator.integers(0, 9, 300), generator.integers(0, 2, 300), generator.normal(size=300)])
    combined = Arithmetic.fit(
        dense.astype(float), NAMES[:3], (0,), dense.sum(axis=1), TASKS["regression"], random_state=0
    )
    assert combined.names == ()
    assert combined(dense).shape == (300, 0)


def test_a_column_by_which_the_table_is_sorted_is_combined() -> None:
    generator = np.random.default_rng(0)
    dense = np.column_stack([np.repeat(np.arange(1.0, 11.0), 2_000), generator.uniform(1, 2, size=20_000)])
    combined = Arithmetic.fit(dense, ("a", "b"), (), dense[:, 0] / dense[:, 1], TASKS["regression"], random_state=0)
    assert "a / b" in combined.names
