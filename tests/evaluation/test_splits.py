"""No later row tells of a validated one; scikit-learn's splitters are taken as they are."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import model_selection

from automl.data.table import ProblemType
from automl.errors import DataError, UsageError
from automl.evaluation.splits import by_column, by_groups, by_splitter, by_time, from_pairs
from automl.evaluation.validation import Folds

ROWS = 60
Y = np.arange(ROWS) % 2
GROUPS = np.arange(ROWS) // 5
ALL = np.ones(ROWS, np.bool_)
FRAME = pd.DataFrame({"a": np.arange(ROWS)})

moments = st.lists(st.integers(0, 30), min_size=2, max_size=80).map(np.array).filter(lambda each: np.ptp(each) > 0)


@settings(deadline=None, max_examples=100)
@given(moments, st.integers(1, 9))
def test_models_train_on_the_past_only(times, k):
    folds = by_time(times, folds=k, run=k, fixed=False)
    assert folds.run == folds.count == min(k, len(np.unique(times)) - 1)
    assert set(folds.split(0)[1]) >= set(np.flatnonzero(times == times.max()))
    for fold in range(folds.count):
        train, valid = folds.split(fold)
        assert len(train)
        assert times[train].max() < times[valid].min()
        nothing_between = (times > times[train].max()) & (times < times[valid].min())
        assert not nothing_between.any()
        if fold:
            newer_train, _ = folds.split(fold - 1)
            assert set(newer_train) == {*train, *valid}
    assert folds.forward


def test_blocks_of_time_have_the_same_size_where_they_can():
    times = np.random.default_rng(0).permutation(1_000)
    folds = by_time(times, folds=4, run=4, fixed=True)
    assert np.bincount(folds.assignment).tolist() == [200] * 5
    assert (folds.final, folds.recent) == (1, 3)
    assert folds.final_rows == 200
    assert np.array_equal(np.sort(times[folds.valid_rows[:200]]), np.arange(800, 1_000))


def test_a_holdout_by_time_is_the_latest_block():
    folds = by_time(np.arange(100), folds=9, run=1, fixed=False)
    train, valid = folds.split(0)
    assert valid.tolist() == list(range(90, 100))
    assert train.tolist() == list(range(90))
    assert folds.forward
    assert (folds.final, folds.recent) == (1, 1)
    assert np.array_equal(folds.valid_rows, valid)


def test_dates_are_moments():
    dates = np.array(["2024-03-01", "2024-01-01", "2024-02-01"], "datetime64[us]")
    assert by_time(dates, folds=2, run=2, fixed=True).assignment.tolist() == [0, 2, 1]


def test_the_values_of_a_column_are_folds():
    folds = by_column(pd.Series(["10", "2", "2", "1"]))
    assert folds.assignment.tolist() == [2, 1, 1, 0]
    assert folds.split(1)[0].tolist() == [0, 3]
    assert folds.fixed


@pytest.mark.parametrize(
    ("split", "error", "message"),
    [
        (lambda: by_time(np.zeros(5), folds=2, run=2, fixed=False), DataError, "2 different values"),
        (lambda: by_time(np.arange(3), folds=3, run=3, fixed=True), UsageError, "3 folds for 3 times"),
        (lambda: by_column(pd.Series(["a"] * 4, name="f")), DataError, "'f' has 1"),
        (lambda: by_column(pd.Series(["a", "b", None], name="f")), DataError, "'f' has none in row 3"),
        (lambda: by_column(pd.Series(np.arange(500), name="f")), DataError, "'f' has 500"),
        (lambda: group_folds(np.zeros(ROWS, np.intp), 3), DataError, "all rows are in one"),
        (lambda: group_folds(GROUPS, 13), UsageError, "13 folds for 12 groups"),
        (lambda: splitter_folds(5.5), UsageError, "folds must be a number"),
        (lambda: splitter_folds([([0, 1], [60])]), UsageError, "60"),
        (lambda: splitter_folds([([0, 1], [1, 2])]), UsageError, "fold 0 validates rows that it trains on"),
        (lambda: splitter_folds([([0, 1], [2]), ([0, 1], [])]), UsageError, "fold 1 needs rows"),
        (lambda: splitter_folds([]), UsageError, "got none"),
        (lambda: splitter_folds(model_selection.GroupKFold(5), groups=None), UsageError, "groups"),
        (lambda: splitter_folds(model_selection.KFold(500), None), UsageError, "500"),
    ],
)
def test_what_cannot_be_split_is_refused_in_one_line(split, error, message):
    with pytest.raises(error, match=message) as raised:
        split()
    assert "\n" not in str(raised.value)


def group_folds(groups, k) -> Folds:
    return by_groups(Y, ProblemType.BINARY, groups, folds=k, run=k, fixed=True, random_state=0)


@pytest.mark.parametrize(("groups", "run"), [(4, 4), (30, 5), (300, 1)])
def test_a_holdout_of_few_groups_is_not_enough(groups, run):
    rows = np.arange(900)
    split = by_groups(rows % 2, ProblemType.BINARY, rows % groups, folds=5, run=1, fixed=False, random_state=0)
    assert split.run == run


def splitter_folds(splitter, groups=GROUPS) -> Folds:
    return by_splitter(splitter, FRAME, Y, groups, ALL)


@pytest.mark.parametrize(
    "splitter",
    [
        model_selection.KFold(5, shuffle=True, random_state=0),
        model_selection.StratifiedKFold(3),
        model_selection.GroupKFold(4),
        model_selection.StratifiedGroupKFold(4),
        model_selection.LeaveOneGroupOut(),
        model_selection.RepeatedStratifiedKFold(n_splits=3, n_repeats=4, random_state=0),
        model_selection.ShuffleSplit(6, test_size=0.2, train_size=0.5, random_state=0),
        model_selection.PredefinedSplit(np.arange(ROWS) % 4 - 1),
        list(model_selection.KFold(3).split(FRAME)),
        [(Y == 0, Y == 1), (Y == 1, Y == 0)],
    ],
    ids=lambda each: type(each).__name__,
)
def test_a_splitter_is_taken_as_it_is(splitter):
    groups = GROUPS if "Group" in type(splitter).__name__ else None
    folds = splitter_folds(splitter, groups)
    pairs = list(splitter if isinstance(splitter, list) else splitter.split(FRAME, Y, groups))
    assert folds.run == folds.count == len(pairs)
    rows = np.arange(ROWS)
    for fold, (train, valid) in enumerate(pairs):
        assert np.array_equal(folds.split(fold)[0], np.sort(rows[train]))
        assert np.array_equal(folds.split(fold)[1], np.sort(rows[valid]))
    assert not folds.forward
    assert folds.fixed


@pytest.mark.parametrize(
    "splitter", [model_selection.TimeSeriesSplit(4), model_selection.TimeSeriesSplit(4, gap=3, max_train_size=12)]
)
def test_forward_chaining_is_recognised_and_starts_with_the_latest_block(splitter):
    folds = splitter_folds(splitter, None)
    assert folds.forward
    assert folds.final == 1
    for fold, (train, valid) in enumerate(reversed(list(splitter.split(FRAME)))):
        assert np.array_equal(folds.split(fold)[0], train)
        assert np.array_equal(folds.split(fold)[1], valid)


def test_all_rows_are_those_of_the_window_where_one_slides():
    by_moments = by_time(np.arange(ROWS), folds=4, run=2, fixed=True)
    for folds in (splitter_folds(model_selection.TimeSeriesSplit(4), None), by_moments):
        assert folds.on_all_rows().split(0)[0].tolist() == list(range(ROWS))
    folds = splitter_folds(model_selection.TimeSeriesSplit(4, max_train_size=20), None)
    train, valid = folds.split(0)
    again, seen = folds.on_all_rows().split(0)
    assert again.tolist() == sorted([*train, *valid])
    assert seen.tolist() == valid.tolist()


def test_pairs_count_the_rows_that_are_left_out_for_lack_of_a_target():
    known = ALL.copy()
    known[[0, 7]] = False
    pairs = [(range(30), range(30, 60)), (range(30, 60), range(30))]
    folds = by_splitter(pairs, FRAME[known], Y[known], None, known)
    assert folds.split(0)[0].tolist() == list(range(28))
    assert folds.split(0)[1].tolist() == list(range(28, 58))


@settings(deadline=None, max_examples=50)
@given(st.integers(2, 30), st.integers(1, 5), st.integers(0, 2**31))
def test_pairs_come_back_as_they_were_given(rows, k, seed):
    random = np.random.default_rng(seed)
    pairs = []
    for _ in range(k):
        order = random.permutation(rows)
        cut, end = sorted(random.choice(np.arange(1, rows + 1), 2, replace=False))
        pairs.append((np.sort(order[:cut]), np.sort(order[cut:end])))
    folds = from_pairs(pairs, rows)
    for fold, (train, valid) in enumerate(pairs):
        assert np.array_equal(folds.split(fold)[0], train)
        assert np.array_equal(folds.split(fold)[1], valid)
    joined = folds.joined([valid * 1.0 for _, valid in pairs])
    assert np.array_equal(joined, folds.valid_rows)
    assert set(folds.valid_rows) == {row for _, valid in pairs for row in valid}
