from dataclasses import replace

import numpy as np

from automl.features.matrix import Matrix
from automl.models.binned import BinnedCache


def fold(key, rows=10):
    X = Matrix(np.zeros((rows, 2), np.float32), ("a", "b"), key=key)
    return X, replace(X)


def test_built_once_for_a_fold_and_binning():
    cache, data = BinnedCache(), fold("run/fold-0")
    first = cache.get(*data, 255, lambda: [1])
    assert cache.get(*data, 255, lambda: [2]) is first
    assert cache.get(*data, 63, lambda: [3]) == [3]


def test_no_key_is_never_kept():
    cache, data = BinnedCache(), fold("")
    assert [cache.get(*data, 255, lambda: [1]), cache.get(*data, 255, lambda: [2])] == [[1], [2]]


def test_a_key_that_comes_back_with_other_data_is_built_again():
    cache = BinnedCache()
    cache.get(*fold("run/fold-0"), 255, lambda: [1])
    assert cache.get(*fold("run/fold-0"), 255, lambda: [2]) == [2]


def test_the_longest_unused_goes_first_and_the_newest_stays():
    cache = BinnedCache(cells=100)
    folds = {name: fold(name) for name in "abc"}
    for name in "abac":
        cache.get(*folds[name], 0, lambda name=name: name)
    assert cache.get(*folds["a"], 0, lambda: "again") == "a"
    assert cache.get(*folds["b"], 0, lambda: "again") == "again"
    large = fold("large", rows=1_000)
    assert cache.get(*large, 0, lambda: "large") == cache.get(*large, 0, lambda: "again") == "large"
