"""A run folder keeps its split, and folders without one of the newer files are read as they were meant."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from automl.config import FitConfig
from automl.errors import UsageError
from automl.evaluation.splits import by_time
from automl.tuning import store
from automl.tuning.journal import read_json, write_json
from automl.tuning.store import StoredRun

NewRun = Callable[[FitConfig], tuple[Path, StoredRun]]


def test_the_split_is_read_as_it_was_written(toy_run: NewRun, tmp_path: Path) -> None:
    _, run = toy_run(FitConfig(max_trials=1))
    rows = len(run.problem.y)
    folds, groups = by_time(np.arange(rows) // 2, folds=3, run=2, fixed=True), np.arange(rows) // 5
    (tmp_path / "timed").mkdir()
    store.create(tmp_path / "timed", replace(run, problem=replace(run.problem, folds=folds, groups=groups)))
    problem = store.read_run(tmp_path / "timed").problem
    assert (problem.folds.run, problem.folds.count, problem.folds.fixed, problem.folds.forward) == (2, 3, True, True)
    for fold in range(3):
        for found, expected in zip(problem.folds.split(fold), folds.split(fold), strict=True):
            assert np.array_equal(found, expected)
    assert problem.groups is not None
    assert np.array_equal(problem.groups, groups)


def test_a_run_folder_is_trained_in_by_one_process_until_that_ends(tmp_path: Path) -> None:
    code = "import sys, time; from pathlib import Path; from automl.tuning import store\n"
    code += "with store.claimed(Path(sys.argv[1])):\n    print('claimed', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE) as other:
        try:
            assert other.stdout is not None
            assert other.stdout.readline() == b"claimed\n"
            with pytest.raises(UsageError, match="is being trained by another process"), store.claimed(tmp_path):
                pass
        finally:
            other.kill()
    with store.claimed(tmp_path), pytest.raises(UsageError), store.claimed(tmp_path):
        pass


@pytest.mark.parametrize("folds", [None, 3])
def test_a_run_of_an_earlier_version_goes_on(toy_run: NewRun, folds: int | None) -> None:
    root, run = toy_run(FitConfig(max_trials=1, folds=folds))
    stored = read_json(root / "run.json")
    write_json(root / "run.json", {key: value for key, value in stored.items() if key != "folds_fixed"})
    (root / "places.npy").unlink()
    assert sorted(file.name for file in root.glob("*.npy")) == ["folds.npy", "target.npy"]
    problem = store.read_run(root).problem
    assert np.array_equal(problem.folds.assignment, run.problem.folds.assignment)
    assert (problem.folds.roles, problem.groups) == (None, None)
    assert problem.folds.fixed == (folds is not None)


def test_the_time_between_two_resumes_is_not_used(toy_run: NewRun) -> None:
    root, run = toy_run(FitConfig(time_budget=60))
    yesterday = time.time() - 86_400

    def finish(fold: int, at: float) -> None:
        folder = root / "trials" / "toy" / f"fold-{fold}"
        folder.mkdir(parents=True)
        write_json(folder / "record.json", {"finished": at})

    store.save_start(root, replace(run, started=yesterday))
    finish(0, yesterday + 20)
    today = store.reopen_run(root, None)
    assert today.config.time_budget == pytest.approx(40)
    store.save_start(root, today)
    assert store.reopen_run(root, None).config.time_budget == pytest.approx(40)
    finish(1, today.started + 10)
    assert store.reopen_run(root, None).config.time_budget == pytest.approx(30)
    longer = store.reopen_run(root, 300)
    store.save_start(root, longer)
    finish(2, longer.started + 60)
    assert store.reopen_run(root, None).config.time_budget == pytest.approx(240)
    finish(3, longer.started + 299.5)
    with pytest.raises(UsageError, match="has used its 300 s"):
        store.reopen_run(root, None)


def test_runs_of_the_same_second_get_folders_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = [store.new_folder(None, 1e9).name for _ in range(3)]
    assert names == [names[0], f"{names[0]}-2", f"{names[0]}-3"]
    assert sorted(place.name for place in (tmp_path / "runs").iterdir()) == names
    assert store.new_folder(tmp_path / "mine", 1e9) == store.new_folder(tmp_path / "mine", 1e9) == tmp_path / "mine"
