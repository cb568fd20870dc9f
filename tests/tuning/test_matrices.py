"""Features of a fold and recipe are fitted once for all, also by processes that ask at the same time."""

from __future__ import annotations

import errno
import fcntl
import multiprocessing
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from automl.config import FitConfig
from automl.features.matrix import Needs
from automl.tuning import store
from automl.tuning.matrices import Matrices, fitted
from automl.tuning.store import StoredRun, read_run

NewRun = Callable[[FitConfig], tuple[Path, StoredRun]]


def ask(root: Path) -> float:
    return float(Matrices(read_run(root).problem, root / "features").fold(0, Needs())[0].X_train.dense.sum())


def test_all_processes_see_the_same_files(toy_run: NewRun) -> None:
    root, run = toy_run(FitConfig(max_trials=1))
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        sums = pool.map(ask, [root] * 6)
    assert len(set(sums)) == 1
    place = root / "features" / Needs().recipe
    assert sorted(entry.name for entry in place.iterdir()) == [".fold-0.lock", "fold-0"]
    before = (place / "fold-0" / "train" / "values.npy").stat().st_mtime_ns
    Matrices(run.problem, root / "features").fold(0, Needs())
    assert (place / "fold-0" / "train" / "values.npy").stat().st_mtime_ns == before


def test_a_file_system_without_locks_is_good_enough(toy_run: NewRun, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the lock of the run folder is: network file systems may have none."""

    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    root, run = toy_run(FitConfig(max_trials=1))
    with store.claimed(root):
        data, _ = Matrices(run.problem, root / "features").fold(0, Needs())
    assert data.X_train.rows + data.X_valid.rows == 40


def test_rows_are_those_of_the_fold(toy_run: NewRun) -> None:
    root, run = toy_run(FitConfig(max_trials=1))
    data, scored = Matrices(run.problem, root / "features").fold(1, Needs())
    train, stopping, valid = run.problem.parts(1)
    b = run.problem.frame["b"].to_numpy().astype(np.float32)
    for X, rows in ((data.X_train, train), (data.X_valid, stopping), (scored, valid)):
        np.testing.assert_array_equal(X.dense[:, 1], b[rows])
    np.testing.assert_array_equal(data.y_train, run.problem.y[train])
    np.testing.assert_array_equal(data.y_valid, run.problem.y[stopping])
    assert len({data.X_train.key, data.X_valid.key, scored.key}) == 3


def test_a_fit_that_fails_leaves_nothing(toy_run: NewRun, monkeypatch: pytest.MonkeyPatch) -> None:
    root, run = toy_run(FitConfig(max_trials=1))
    matrices = Matrices(run.problem, root / "features")
    with monkeypatch.context() as patch:
        patch.setattr(pd.DataFrame, "iloc", property(lambda self: 1 / 0))
        with pytest.raises(ZeroDivisionError):
            matrices.fold(0, Needs())
    assert not fitted(root / "features", Needs().recipe, 0).parent.exists()
    assert matrices.fold(0, Needs())[0].X_train.rows == len(run.problem.parts(0).train)
    assert sorted(entry.name for entry in (root / "features" / Needs().recipe).iterdir()) == [".fold-0.lock", "fold-0"]
