"""Equal rows share a fold; what its owner says about a table decides how it is split."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GroupKFold, KFold

from automl.data.roles import Roles
from automl.data.table import ProblemType, Task
from automl.errors import DataError, UsageError
from automl.evaluation.scheme import by_table, make_scheme
from automl.evaluation.validation import make_folds

TASK = Task("y", ProblemType.BINARY, "", ("no", "yes"))
ROWS = 40
Y = np.arange(ROWS) % 2


def scheme(frame: pd.DataFrame, y=Y, wanted=4, **roles):
    given_roles = Roles(**{role: pd.Series(values) for role, values in roles.items()})
    return make_scheme(frame, y, TASK, given_roles, wanted, known=np.ones(len(frame), np.bool_), random_state=0)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 60), min_size=4, max_size=60), st.integers(0, 9))
def test_equal_rows_share_a_fold(origins, seed):
    values = np.random.default_rng(seed).normal(size=(61, 3))
    frame = pd.DataFrame(values[origins], columns=list("abc"))
    y = np.arange(len(frame)) % 2
    folds, groups = scheme(frame, y)
    if len(set(origins)) == len(origins):
        assert groups is None
    if len(set(origins)) ** 3 > 10 * len(origins):
        for fold in range(folds.count):
            train, valid = folds.split(fold)
            assert not set(np.take(origins, train)) & set(np.take(origins, valid))


def test_without_equal_rows_all_is_as_it_was():
    frame = pd.DataFrame({"a": np.arange(ROWS) * 0.5, "b": 1.0})
    folds, groups = scheme(frame)
    assert groups is None
    expected = make_folds(Y, ProblemType.BINARY, folds=4, random_state=0)
    assert np.array_equal(folds.assignment, expected.assignment)
    assert folds.roles is None


@pytest.mark.parametrize("grouped", [False, True])
def test_folds_are_repeated_each_time_anew(grouped):
    frame = pd.DataFrame({"a": np.arange(ROWS) * 0.5})
    roles = Roles(groups=pd.Series([f"g{row // 2}" for row in range(ROWS)])) if grouped else Roles()
    known = np.ones(ROWS, np.bool_)
    folds, _ = make_scheme(frame, Y, TASK, roles, 4, repeats=3, known=known, random_state=0)
    assert (folds.count, folds.run, folds.fixed, folds.forward) == (12, 12, True, False)
    splits = [folds.split(fold) for fold in range(12)]
    for first in (0, 4, 8):
        assert sorted(np.concatenate([valid for _, valid in splits[first : first + 4]]).tolist()) == list(range(ROWS))
    assert len({tuple(valid) for _, valid in splits}) == 12
    assert all(len(train) + len(valid) == ROWS and not set(train) & set(valid) for train, valid in splits)
    if grouped:
        assert all(not set(train // 2) & set(valid // 2) for train, valid in splits)


@pytest.mark.parametrize("roles", [{"time": range(ROWS)}, {"fold": [0, 1] * 20}])
def test_what_settles_the_folds_is_not_repeated(roles):
    given = Roles(**{role: pd.Series(values) for role, values in roles.items()})
    with pytest.raises(UsageError, match=r"only random folds can be repeated.*repeats=2"):
        make_scheme(pd.DataFrame({"a": range(ROWS)}), Y, TASK, given, None, repeats=2, known=Y >= 0, random_state=0)


def test_rows_that_repeat_by_necessity_are_free():
    frame = pd.DataFrame({"a": np.arange(ROWS) % 3, "b": np.arange(ROWS) % 4}, dtype=np.float64)
    assert scheme(frame).groups is None


def test_each_role_splits_in_its_way():
    frame = pd.DataFrame({"a": np.arange(ROWS) * 0.5})
    groups = [f"g{row // 5}" for row in range(ROWS)]
    by_groups, codes = scheme(frame, groups=groups)
    assert codes is not None
    assert all(len(set(by_groups.assignment[codes == code])) == 1 for code in range(8))
    by_time = scheme(frame, time=np.arange(ROWS)).folds
    assert by_time.forward
    by_column = scheme(frame, wanted=None, fold=np.arange(ROWS) // 10).folds
    assert by_column.assignment.tolist() == (np.arange(ROWS) // 10).tolist()
    further = by_table(Y[:30], Y[30:], TASK, Roles(), None)
    assert [rows.tolist() for rows in further.split(0)] == [list(range(30)), list(range(30, 40))]
    assert further.run == 1


def test_the_past_must_hold_both_classes():
    frame = pd.DataFrame({"a": np.arange(ROWS) * 0.5})
    changing = ((np.arange(ROWS) >= 20) & (np.arange(ROWS) != 35)).astype(np.int64)
    folds = scheme(frame, changing, time=np.arange(ROWS)).folds
    assert folds.run == 2  # trained on rows 0 - 31 and 0 - 23; before there is one class only
    late = (np.arange(ROWS) >= 38).astype(np.int64)
    with pytest.raises(DataError, match="train on two target values, fold 0 has only 'no'"):
        scheme(frame, late, time=np.arange(ROWS))
    halves = (np.arange(ROWS) >= 20).astype(np.int64)
    with pytest.raises(DataError, match=r"train on two target values, fold 0 has only '(no|yes)'"):
        scheme(frame, halves, groups=np.arange(ROWS) // 20, wanted=None)
    with pytest.raises(DataError, match="the 8 validated rows are all 'yes'"):
        scheme(frame, halves, time=np.arange(ROWS))
    with pytest.raises(DataError, match="the 20 validated rows are all 'yes'"):
        by_table(Y, np.ones(20, np.int64), TASK, Roles(), None)


@pytest.mark.parametrize(
    ("roles", "wanted", "message"),
    [
        ({"fold": np.arange(ROWS) % 3}, 3, "got folds=3 too"),
        ({"fold": np.arange(ROWS) % 3}, KFold(3), "a splitter makes the folds"),
        ({"time": np.arange(ROWS)}, KFold(3), "a splitter makes the folds"),
    ],
)
def test_two_ways_to_split_are_one_too_many(roles, wanted, message):
    with pytest.raises(UsageError, match=message):
        scheme(pd.DataFrame({"a": np.arange(ROWS) * 0.5}), wanted=wanted, **roles)


def test_wrong_pairs_are_shown_in_short():
    pairs = [(np.arange(30), np.arange(30, 99))] * 9
    with pytest.raises(UsageError, match="out of bounds") as error:
        scheme(pd.DataFrame({"a": np.arange(ROWS) * 0.5}), wanted=pairs)
    assert len(str(error.value)) < 600


def test_given_folds_part_no_group():
    frame, groups = pd.DataFrame({"a": np.arange(ROWS) * 0.5}), [f"g{row // 5}" for row in range(ROWS)]
    assert scheme(frame, wanted=GroupKFold(4), groups=groups).folds.run == 4
    pairs = [(np.arange(20), np.arange(20, 40)), (np.arange(22, 40), np.arange(22))]
    for wanted in (list(KFold(3).split(frame)), pairs):
        with pytest.raises(UsageError, match=r"a fold has 'g\d' on both sides; give a splitter that keeps groups"):
            scheme(frame, wanted=wanted, groups=groups)


@pytest.mark.parametrize(("roles", "wanted"), [(Roles(groups=pd.Series([1, 2])), None), (Roles(), 3)])
def test_beside_a_validation_table_nothing_splits(roles, wanted):
    with pytest.raises(UsageError, match="the validation table is validated on, got"):
        by_table(Y, Y, TASK, roles, wanted)
