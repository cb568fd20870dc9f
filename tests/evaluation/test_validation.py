"""Folds: every row once, all folds alike."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.data.table import ProblemType
from automl.errors import DataError
from automl.evaluation.validation import TRAIN, VALID, Folds, default_folds, default_run, make_folds

targets = st.lists(st.integers(0, 5), min_size=2, max_size=80).map(lambda codes: np.array(codes, dtype=np.int64))
problem_types = st.sampled_from(list(ProblemType))


@settings(deadline=None, max_examples=60)
@given(targets, problem_types, st.integers(2, 12), st.integers(0, 2**31))
def test_every_row_is_validated_once(y, problem_type, k, seed):
    folds = make_folds(y, problem_type, folds=k, random_state=seed)
    assert folds.count == folds.run == min(k, len(y))
    joined = []
    for fold in range(folds.count):
        train, valid = folds.split(fold)
        assert sorted([*train, *valid]) == list(range(len(y)))
        assert np.all(np.diff(train) > 0)
        assert np.all(np.diff(valid) > 0)
        joined.append(valid)
    sizes = [len(valid) for valid in joined]
    assert max(sizes) - min(sizes) <= 1
    assert np.array_equal(folds.valid_rows, np.concatenate(joined))


@settings(deadline=None, max_examples=60)
@given(targets, st.integers(2, 12), st.integers(0, 2**31))
def test_rows_of_a_class_are_spread_evenly(y, k, seed):
    folds = make_folds(y, ProblemType.MULTICLASS, folds=k, random_state=seed)
    for code in np.unique(y):
        counts = np.bincount(folds.assignment[y == code], minlength=folds.count)
        assert counts.max() - counts.min() <= 1


def test_values_have_the_same_distribution_in_every_fold():
    y = np.random.default_rng(0).lognormal(sigma=2, size=1_000)
    folds = make_folds(y, ProblemType.REGRESSION, folds=5, random_state=0)
    ranks = np.argsort(np.argsort(y))
    means = [ranks[folds.split(fold)[1]].mean() for fold in range(5)]
    assert np.ptp(means) < 1  # ranks 0 .. 999; 40 apart if drawn at random
    smallest = [folds.assignment[order] for order in np.argsort(y)[::5]]
    assert set(smallest) == set(range(5))


@settings(deadline=None, max_examples=30)
@given(targets, problem_types, st.integers(0, 2**31))
def test_a_seed_repeats_itself(y, problem_type, seed):
    first, second = (make_folds(y, problem_type, folds=3, random_state=seed) for _ in range(2))
    assert np.array_equal(first.assignment, second.assignment)


def test_seeds_differ():
    y = np.arange(100) % 2
    first, second = (make_folds(y, ProblemType.BINARY, folds=5, random_state=seed) for seed in (0, 1))
    assert not np.array_equal(first.assignment, second.assignment)


def test_a_holdout_validates_on_its_first_fold_only():
    y = np.arange(100) % 2
    folds = make_folds(y, ProblemType.BINARY, folds=10, run=1, random_state=0)
    assert (folds.count, folds.run) == (10, 1)
    assert np.array_equal(folds.valid_rows, folds.split(0)[1])
    assert len(folds.split(0)[0]) == 90


def test_one_row_cannot_be_validated():
    with pytest.raises(DataError, match="at least 2 rows, got 1"):
        make_folds(np.zeros(1), ProblemType.REGRESSION, folds=5, random_state=0)


@pytest.mark.parametrize(
    ("rows", "requested", "count", "run"),
    [(1_499, None, 8, 8), (1_500, None, 5, 5), (200_000, None, 5, 5), (200_001, None, 10, 1), (200_001, 4, 4, 4)],
)
def test_defaults_by_rows(rows, requested, count, run):
    assert default_folds(rows, requested) == count
    assert default_run(rows, requested) == run


groups_and_target = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 2)), min_size=4, max_size=90).map(
    lambda rows: (np.unique([group for group, _ in rows], return_inverse=True)[1], np.array([y for _, y in rows]))
)


@settings(deadline=None, max_examples=80)
@given(groups_and_target, problem_types, st.integers(2, 6), st.integers(0, 2**31))
def test_no_group_is_in_two_folds_and_no_fold_is_empty(drawn, problem_type, k, seed):
    groups, y = drawn
    folds = make_folds(y, problem_type, folds=k, random_state=seed, groups=groups)
    assert folds.count == min(k, groups.max() + 1)
    assert set(folds.assignment) == set(range(folds.count))
    for fold in range(folds.count):
        train, valid = folds.split(fold)
        assert not set(groups[train]) & set(groups[valid])


def test_groups_are_spread_by_size_and_by_target():
    random = np.random.default_rng(0)
    groups = np.repeat(np.arange(300), random.integers(1, 40, 300))
    y = (random.random(300)[groups] ** 3 > random.random(len(groups))).astype(np.int64)
    folds = make_folds(y, ProblemType.BINARY, folds=5, random_state=0, groups=groups)
    for counted in (y == y, y == 1):
        counts = np.bincount(folds.assignment[counted])
        assert np.ptp(counts) <= 0.03 * counts.mean()


@pytest.mark.parametrize("problem_type", list(ProblemType))
def test_many_groups_of_one_size_are_spread_too(problem_type):
    random = np.random.default_rng(0)
    groups = random.permutation(np.repeat(np.arange(3_000), [*[1] * 1_200, *[2] * 1_200, *[5] * 600]))
    y = random.integers(0, 3, len(groups))
    folds = make_folds(y, problem_type, folds=6, random_state=0, groups=groups)
    for counted in (y >= 0, y == 0, y == 1, y == 2):
        counts = np.bincount(folds.assignment[counted])
        assert np.ptp(counts) <= 0.1 * counts.mean()
    assert all(len(set(folds.assignment[groups == group])) == 1 for group in range(0, 3_000, 50))


@pytest.mark.parametrize("run", [1, 3])
def test_a_fold_on_all_rows_trains_on_each_of_them(run):
    folds = make_folds(np.arange(20.0), ProblemType.REGRESSION, folds=4, run=run, random_state=0).on_all_rows()
    train, valid = folds.split(0)
    assert (folds.run, folds.count) == (1, 1)
    assert train.tolist() == list(range(20))
    assert len(valid) == 5


def test_a_row_that_several_folds_predict_gets_the_mean():
    roles = np.array([[VALID, VALID, TRAIN], [TRAIN, VALID, VALID]], dtype=np.int8)
    folds = Folds(np.array([2, 0, 1, 1]), 2, roles)
    assert folds.valid_rows.tolist() == [1, 2, 3, 0]
    assert folds.valid_folds.tolist() == [0, 0, 0, 1]
    first, second = np.array([1.0, 2.0, 3.0]), np.array([10.0, 4.0, 7.0])  # rows 1, 2, 3 and rows 0, 2, 3
    assert folds.joined([first, second]).tolist() == [1.0, 3.0, 5.0, 10.0]
    assert folds.joined([first]).tolist() == [1.0, 2.0, 3.0]
    assert folds.joined([first[:, None], second[:, None]]).tolist() == [[1.0], [3.0], [5.0], [10.0]]


def test_k_folds_look_neither_forward_nor_back():
    folds = make_folds(np.arange(30), ProblemType.REGRESSION, folds=3, random_state=0)
    assert not folds.forward
    assert (folds.final, folds.final_rows) == (3, 30)


@given(st.integers(0, 2**32 - 1), st.integers(2, 200), st.integers(2, 10))
def test_the_rows_of_a_class_have_about_the_same_weight_in_all_folds(seed, rows, folds):
    rng = np.random.default_rng(seed)
    y, weight = rng.integers(0, 3, rows), rng.exponential(size=rows) ** 2
    split = make_folds(y, ProblemType.MULTICLASS, folds=folds, random_state=seed, weight=weight)
    for code in np.unique(y):
        of_class = y == code
        sums = np.bincount(split.assignment[of_class], weight[of_class], split.count)
        assert np.ptp(sums) <= weight[of_class].max() + 1e-9
    assert np.ptp(np.bincount(split.assignment, minlength=split.count)) <= 1


@pytest.mark.parametrize("seed", range(8))
def test_the_first_folds_have_both_classes(seed: int) -> None:
    y = np.repeat([0, 1], [997, 3])
    for groups in (None, np.arange(1000) // 2):
        folds = make_folds(y, ProblemType.BINARY, folds=10, run=1, random_state=seed, groups=groups)
        assert y[folds.split(0)[1]].any()
        assert y[folds.split(0)[0]].any()
