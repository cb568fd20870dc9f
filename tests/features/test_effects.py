"""Laws of the effects of categories."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from automl.data.table import MISSING, UNSEEN, Column, Kind, ProblemType, Task
from automl.features.effects import Effects
from automl.features.supervision import Supervision, supervise


def column(name: str, categories: list[str]) -> Column:
    return Column(name, Kind.CATEGORICAL, "", tuple(categories))


def supervised(y: NDArray[np.float64]) -> Supervision:
    return supervise(y, Task("y", ProblemType.REGRESSION, ""), random_state=0)


def correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def two_columns(rows: int, seed: int = 0) -> tuple[pd.DataFrame, list[Column], NDArray[np.float64]]:
    """Return columns that have much in common, and the sum of their effects."""
    rng = np.random.default_rng(seed)
    team = rng.integers(0, 60, rows)
    grade = np.clip(team * 35 // 60 + rng.integers(-6, 7, rows), 0, 34)
    of_team, of_grade = np.random.default_rng(1).normal(size=60), np.linspace(-4, 4, 35)
    frame = pd.DataFrame({"team": team.astype(np.int32), "grade": grade.astype(np.int32)})
    columns = [column("team", [f"t{i}" for i in range(60)]), column("grade", [f"g{i}" for i in range(35)])]
    return frame, columns, of_team[team] + of_grade[grade]


def test_columns_that_have_much_in_common_are_told_apart() -> None:
    frame, columns, truth = two_columns(2_000)
    y = truth + np.random.default_rng(2).normal(size=2_000)
    effects, train = Effects.fit(frame, columns, np.zeros((2_000, 0)), supervised(y))
    new, _, expected = two_columns(500, seed=3)
    assert correlation(effects.transform(new), expected) > 0.98
    assert correlation(train, truth) > 0.98
    of_team, of_grade = (table[2:, 0] for table in effects.tables)
    assert correlation(of_team, np.random.default_rng(1).normal(size=60)) > 0.8
    assert correlation(of_grade, np.linspace(-4, 4, 35)) > 0.98


def test_what_numbers_explain_is_no_effect() -> None:
    frame, columns, truth = two_columns(2_000)
    size = np.random.default_rng(2).normal(size=2_000)
    plain, beside = (
        Effects.fit(frame, columns, numbers, supervised(truth + 2 * size))[0].transform(frame)
        for numbers in (np.zeros((2_000, 0)), size[:, None])
    )
    assert np.std(beside - truth[:, None]) < np.std(plain - truth[:, None]) / 2


@pytest.mark.filterwarnings("error")
def test_numbers_may_be_of_any_size_constant_or_missing() -> None:
    frame, columns, truth = two_columns(400)
    size = np.random.default_rng(2).normal(size=400)
    for odd in (size * 1e38, np.where(size > 0, np.nan, size), np.full(400, np.nan), np.full(400, 7.0)):
        effects, train = Effects.fit(frame, columns, odd[:, None], supervised(truth))
        assert correlation(effects.transform(frame), truth) > 0.95
        assert correlation(train, truth) > 0.95


def test_rare_categories_share_the_effects_of_their_words() -> None:
    kinds, places = ["nurse", "clerk", "chief engineer", "driver"], [f"district {i}" for i in range(50)]
    names = [f"{kind} {place}" for kind in kinds for place in places]
    codes = np.random.default_rng(0).permutation(np.arange(200))
    kind = codes // 50
    y = np.array([1.0, 0.0, 9.0, 3.0])[kind]
    effects, _ = Effects.fit(
        pd.DataFrame({"job": codes[:150].astype(np.int32)}),
        [column("job", names)],
        np.zeros((150, 0)),
        supervised(y[:150]),
    )
    assert correlation(effects.transform(pd.DataFrame({"job": codes[150:].astype(np.int32)})), y[150:]) > 0.9


def test_no_training_row_sees_its_own_target() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 200, (2, 1_000))
    frame = pd.DataFrame({name: of.astype(np.int32) for name, of in zip("ab", codes, strict=True)})
    noise = rng.normal(size=1_000)
    y = rng.normal(size=200)[codes[0]] + rng.normal(size=200)[codes[1]] + noise
    columns = [column(name, [f"{name}{i}" for i in range(200)]) for name in "ab"]
    effects, train = Effects.fit(frame, columns, np.zeros((1_000, 0)), supervised(y))
    assert abs(correlation(train, noise)) < 0.1
    assert correlation(effects.transform(frame), noise) > 0.12  # which is why it must not


def test_effects_that_tell_no_more_than_the_means_of_one_column_are_left_out() -> None:
    frame, columns, _ = two_columns(2_000)
    y = np.random.default_rng(4).normal(size=60)[frame["team"]] + np.random.default_rng(5).normal(size=2_000)
    effects, train = Effects.fit(frame, columns, np.zeros((2_000, 0)), supervised(y))
    assert effects.names == ()
    assert train.shape == (2_000, 0)


def test_unseen_and_missing_categories_have_an_average_effect() -> None:
    frame, columns, truth = two_columns(2_000)
    effects, _ = Effects.fit(frame, columns, np.zeros((2_000, 0)), supervised(truth + 100))
    none = pd.DataFrame({"team": np.array([UNSEEN], np.int32), "grade": np.array([UNSEEN], np.int32)})
    assert effects.transform(none).tolist() == [[0.0]]
    missing = pd.DataFrame({"team": np.array([MISSING], np.int32), "grade": np.array([17], np.int32)})
    assert abs(effects.transform(missing)[0, 0]) < truth.std()


@pytest.mark.parametrize("categories", [8, 60])
def test_one_column_without_words_has_its_means_already(categories: int) -> None:
    names = [f"t{i}" for i in range(categories)]
    frame = pd.DataFrame({"team": np.arange(200, dtype=np.int32) % categories})
    effects, train = Effects.fit(frame, [column("team", names)], np.zeros((200, 0)), supervised(np.arange(200.0)))
    assert effects.names == ()
    assert train.shape == effects.transform(frame).shape == (200, 0)


def test_each_class_has_effects() -> None:
    frame, columns, truth = two_columns(600)
    y = np.digitize(truth, [-1.0, 1.0])
    task = Task("y", ProblemType.MULTICLASS, "", classes=("low", "middle", "high"))
    effects, train = Effects.fit(frame, columns, np.zeros((600, 0)), supervise(y, task, random_state=0))
    assert effects.names == tuple(f"effects of categories of {label}" for label in ("low", "middle", "high"))
    assert train.shape == (600, 3)
    assert correlation(train[:, 2], (y == 2).astype(float)) > 0.6
