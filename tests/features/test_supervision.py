"""Inner folds do not part groups, so that an encoding does not tell a row of the targets in its group."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.data.schema import apply_schema, infer_schema
from automl.data.table import Column, Kind, ProblemType, Schema, Task
from automl.features.encode import fit_table
from automl.features.matrix import Needs
from automl.features.pipeline import fit_features
from automl.features.supervision import Supervision, supervise
from automl.features.text import Texts

TASK = Task("y", ProblemType.REGRESSION, "")


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 9), min_size=2, max_size=60), st.integers(0, 99))
def test_inner_folds_hold_whole_groups(codes, seed):
    groups = np.array(codes)
    y = np.random.default_rng(seed).normal(size=len(groups))
    folds = supervise(y, TASK, seed, groups).folds
    held = [set(folds[groups == group]) for group in set(codes)]
    if len(held) > 1:
        assert all(len(each) == 1 for each in held)
        assert len(set(folds)) == min(5, len(held))


def test_without_groups_inner_folds_are_as_they_were():
    y = np.random.default_rng(0).normal(size=50)
    alone = supervise(y, TASK, 3, np.arange(50)).folds
    assert np.array_equal(alone, supervise(y, TASK, 3).folds)


def test_a_category_of_one_group_tells_its_rows_nothing():
    random = np.random.default_rng(0)
    group = np.repeat(np.arange(40), 6)
    frame = pd.DataFrame({"street": [f"street {g}" for g in group], "x": random.normal(size=240)})
    y = random.normal(size=40)[group]
    schema = infer_schema(frame, overrides={"street": "categorical"})
    typed = apply_schema(frame, schema)
    needs = Needs(categories="numbers")

    def told(groups):
        features, matrix = fit_features(typed, y, schema, TASK, needs, random_state=0, groups=groups)
        if "mean(street)" not in features.names:  # it would be the same in all rows
            return 0.0
        return abs(np.corrcoef(matrix.dense[:, features.names.index("mean(street)")], y)[0, 1])

    assert told(None) > 0.9
    assert told(group) == 0.0


def test_weights_are_repeated_rows():
    """In the means of categories and in what is predicted from text, given the inner folds."""
    rng, rows = np.random.default_rng(0), 300
    codes = rng.integers(0, 20, rows)
    words = np.array(["fire", "flood", "calm", "storm"])
    frame = pd.DataFrame(
        {"street": [f"street {code}" for code in codes], "said": [" ".join(rng.choice(words, 6)) for _ in range(rows)]}
    )
    schema = infer_schema(frame, overrides={"street": "categorical", "said": "text"})
    typed = apply_schema(frame, schema)
    fires = frame["said"].str.count("fire").to_numpy()
    y, times, folds = codes / 2 + 4 * fires + rng.normal(size=rows), rng.integers(1, 5, rows), rng.integers(0, 5, rows)
    again = np.repeat(np.arange(rows), times)
    weighted = Supervision(y[:, None], ("",), folds, 0, times.astype(float))
    repeated = Supervision(y[again, None], ("",), folds[again], 0)
    plain = Supervision(y[:, None], ("",), folds, 0)

    def told(supervision, frame):
        column = schema["street"]
        table, train = fit_table(column, frame["street"].to_numpy(), Needs(categories="numbers"), supervision)
        place = table.names.index("mean(street)")
        texts = Texts.fit(frame, Schema((Column("said", Kind.TEXT, ""),)), supervision)[1][0][:, -1]
        return table.rows[:, place], train[:, place], texts

    some, same, others = (
        told(weighted, typed),
        told(repeated, typed.iloc[again].reset_index(drop=True)),
        told(plain, typed),
    )
    assert np.allclose(some[0], same[0], rtol=1e-6)
    assert np.allclose(some[1][again], same[1], rtol=1e-6)
    assert np.allclose(some[2][again], same[2], atol=0.05)
    assert not np.allclose(some[0], others[0], rtol=1e-3)
    assert not np.allclose(some[2], others[2], atol=0.1)


@pytest.mark.parametrize(("origin", "size"), [(1.7e9, 50.0), (0.0, 1e-7), (0.0, 1e18)])
def test_features_learn_of_a_target_in_any_unit(origin: float, size: float) -> None:
    rng = np.random.default_rng(0)
    job = rng.integers(0, 60, 3_000)
    frame = pd.DataFrame({"job": job.astype(np.int32)} | {f"n{i}": rng.normal(size=3_000) for i in range(3)})
    column = Column("job", Kind.CATEGORICAL, "", categories=tuple(f"j{i}" for i in range(60)))
    numbers = tuple(Column(f"n{i}", Kind.NUMERIC, "") for i in range(3))
    plain = job % 7 + frame["n1"].to_numpy() * frame["n2"].to_numpy()
    needs = Needs(missing="impute", categories="numbers", arithmetic=True)
    rows = Schema((column, *numbers)), Task("y", ProblemType.REGRESSION, "")
    expected, _ = fit_features(frame, plain, *rows, needs, random_state=0)
    features, _ = fit_features(frame, origin + size * plain, *rows, needs, random_state=0)
    assert {"n1 * n2", "mean(job)"} <= set(expected.names) & set(features.names)
    means = (each.transform(frame).dense[:, each.names.index("mean(job)")] for each in (expected, features))
    assert np.corrcoef(*means)[0, 1] > 0.999
