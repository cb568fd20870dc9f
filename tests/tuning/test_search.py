"""Trials on a real Ray: workers are reused, whatever may fail fails alone, families may come from outside."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from math import inf
from pathlib import Path

import psutil
import pytest
from toys import Fixed, OnGPU, Toy

from automl import AutoML
from automl.config import FitConfig, Scheduler
from automl.deadline import NEVER, Deadline
from automl.errors import DataError, DataWarning
from automl.tuning.budget import Plan
from automl.tuning.driver import Event, SearchProcess, searching
from automl.tuning.journal import Journal, Trial
from automl.tuning.progress import Reporter
from automl.tuning.store import StoredRun

NewRun = Callable[..., tuple[Path, StoredRun]]
WORKERS = 2
pytestmark = pytest.mark.usefixtures("every_core")


def search(root: Path, config: FitConfig, plan: Plan, seconds: float = 60.0, metric: str | None = None) -> list[Event]:
    """Run a search to its end and return what it reported."""
    driver, events = SearchProcess(config, metric), []
    try:
        driver.enter(root)
        while driver.starting:
            time.sleep(0.05)
        assert driver.usable, driver.error
        driver.run(plan, Deadline.after(seconds))
        while not driver.ended:
            event = driver.event(0.2)
            events += [event] if event else []
    finally:
        driver.close()
    assert driver.error is None, (root / "search.log").read_text()
    return events


def trials(root: Path) -> dict[float, Trial]:
    found = Journal(root).trials()
    return {float(trial.candidate.params["offset"]): trial for trial in found if "offset" in trial.candidate.params}


def test_every_trial_may_fail_and_workers_are_reused(
    toy_run: NewRun, toy_families: Callable[..., None], tmp_path: Path
) -> None:
    quick = [{"offset": float(offset)} for offset in range(12)]
    failing = {"offset": 20.0, "fails": True}
    dying = {"offset": 30.0, "dies_once": str(tmp_path / "died")}
    toy_families(Fixed(*quick, failing, dying))
    config = FitConfig(max_trials=30, n_jobs=WORKERS)
    root, _ = toy_run(config)
    events = search(root, config, Plan(("fixed",), folds_run=3, concurrency=WORKERS, threads=1))
    found = trials(root)
    assert [found[float(offset)].status for offset in range(12)] == ["done"] * 12
    assert (found[20.0].status, found[20.0].reason) == ("failed", "ValueError: told to fail")
    assert (found[30.0].status, len(found[30.0].folds)) == ("done", 3)
    pids = {record.details["pid"] for trial in found.values() for record in trial.folds.values()}
    assert len(pids) <= WORKERS + 1  # one died and was replaced
    assert {event.candidate.id for event in events if event.what == "ended"} == {
        trial.candidate.id for trial in Journal(root).trials()
    }
    assert not (root / "ray").exists()


@pytest.mark.slow
def test_a_metric_of_the_user_and_gpus_reach_the_workers(
    toy_run: Callable[..., tuple[Path, StoredRun]],
    toy_families: Callable[..., None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "their_metrics.py").write_text(
        "def closeness(y, prediction):\n    return 7 - abs(y - prediction).max()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    toy_families(Fixed({"offset": 0.0}, {"offset": 5.0}), OnGPU({}))
    config = FitConfig(max_trials=3, n_jobs=1, gpus=1)
    root, run = toy_run(config, "their_metrics:closeness")
    plan = Plan(("fixed", "on_gpu"), folds_run=3, concurrency=1, threads=1)
    search(root, config, plan, metric="their_metrics:closeness")
    (with_gpu,) = (trial.candidate.id for trial in Journal(root).trials() if trial.candidate.family == "on_gpu")
    assert set(Journal(root).prediction(with_gpu, 0)) == {1.0}
    for offset, trial in trials(root).items():
        train, _, valid = run.problem.parts(0)
        y, mean = run.problem.y[valid], run.problem.y[train].mean()
        assert trial.status == "done", trial.reason
        assert trial.folds[0].loss == pytest.approx(abs(y - mean - offset).max() - 7)


@pytest.mark.parametrize(
    "scheduler",
    ["asha", pytest.param("hyperband", marks=pytest.mark.slow), pytest.param("none", marks=pytest.mark.slow)],
)
def test_searched_trials_race_under_every_scheduler(
    toy_run: NewRun, toy_families: Callable[..., None], scheduler: Scheduler
) -> None:
    toy_families(Toy())
    config = FitConfig(time_budget=60, max_trials=25, n_jobs=WORKERS, scheduler=scheduler)
    root, _ = toy_run(config, rows=6_000)
    search(root, config, Plan(("toy",), folds_run=3, concurrency=WORKERS, threads=1))
    found = Journal(root).trials()
    assert len(found) == 25
    assert {trial.candidate.origin for trial in found} == {"portfolio", "search"}
    assert {trial.status for trial in found} <= {"done", "stopped"}
    assert all(trial.complete(3) for trial in found if trial.status == "done")
    stopped = [trial for trial in found if trial.status == "stopped"]
    behind = [trial for trial in stopped if "stopped early" in trial.reason]
    assert bool(behind) == (scheduler != "none")
    assert {trial.candidate.origin for trial in behind} <= {"search"}
    assert all("brings the ensemble nothing" in trial.reason for trial in stopped if trial not in behind)
    best = min(found, key=lambda trial: trial.folds[0].loss if trial.folds else inf)
    assert best.status == "done"


def title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:  # it has just ended
        return ""


@pytest.mark.slow
def test_close_ends_every_process_at_once(toy_run: NewRun, toy_families: Callable[..., None]) -> None:
    toy_families(Fixed(*({"offset": float(offset), "seconds": 30.0} for offset in range(2))))
    config = FitConfig(max_trials=2, n_jobs=WORKERS)
    root, _ = toy_run(config)
    driver = SearchProcess(config)
    try:
        driver.enter(root)
        while driver.starting:
            time.sleep(0.05)
        driver.run(Plan(("fixed",), folds_run=3, concurrency=WORKERS, threads=1), NEVER)
        family: list[psutil.Process] = []
        while sum("Trainable" in title(each) for each in family) < WORKERS:
            time.sleep(0.1)
            search = next(each for each in psutil.Process().children() if "automl.tuning.search" in title(each))
            family = [search, *search.children(recursive=True)]
    finally:
        driver.close()
    _, alive = psutil.wait_procs(family, timeout=2)
    assert [each for each in alive if each.status() != psutil.STATUS_ZOMBIE] == []
    assert driver.event(0.1) is None


def test_a_search_that_is_dead_when_it_is_to_run_says_so(toy_run: NewRun) -> None:
    """Then the run goes on in its own process, as it does where Ray does not start."""
    config = FitConfig(max_trials=2, n_jobs=WORKERS)
    root, _ = toy_run(config)
    driver = SearchProcess(config)
    try:
        driver.enter(root)
        driver._process.kill()
        driver._process.wait()
        driver.run(Plan(("fixed",), folds_run=3, concurrency=WORKERS, threads=1), NEVER)
        assert driver.ended
        assert "its process ended" in str(driver.error)
    finally:
        driver.close()


def test_where_a_metric_cannot_be_sent_there_is_no_search() -> None:
    """The trials are run in this process alone."""
    lock, reporter, opened = threading.Lock(), Reporter(None, 0.0, None), ExitStack()
    children = psutil.Process().children()
    with pytest.warns(DataWarning, match="cannot be sent to other processes.*training in this process alone"):
        search = opened.enter_context(searching(FitConfig(max_trials=9), lambda y, p: float(lock.locked()), reporter))
    assert search is None
    assert psutil.Process().children() == children
    opened.close()


def test_where_the_table_is_refused_the_search_ends_with_it(tmp_path: Path) -> None:
    """Ray starts while the table is read."""
    children = psutil.Process().children()
    with pytest.raises(DataError):
        AutoML(time_budget=60, output=tmp_path / "run").fit({"x": [1, 2, 3]}, [1.0, 1.0, 1.0])
    assert psutil.Process().children() == children
    assert not (tmp_path / "run").exists()


def test_a_search_that_dies_says_so() -> None:
    driver = SearchProcess(FitConfig(max_trials=2, n_jobs=WORKERS))
    max(psutil.Process().children(), key=psutil.Process.create_time).kill()
    while driver.starting:
        time.sleep(0.02)
    assert not driver.usable
    assert driver.error is not None
    assert "its process ended" in driver.error
    driver.close()


def test_a_job_may_be_larger_than_what_a_pipe_holds() -> None:
    """Such as the kinds of some ten thousand columns."""
    types = {f"column {i}": "numeric" for i in range(50_000)}
    started = time.monotonic()
    driver = SearchProcess(FitConfig(max_trials=2, n_jobs=WORKERS, types=types))
    waited = time.monotonic() - started
    try:
        while driver.starting:
            time.sleep(0.05)
        assert driver.usable
        assert waited < time.monotonic() - started - waited
    finally:
        driver.close()


def test_a_cluster_that_is_not_there_is_said_at_once_and_the_run_goes_on(tmp_path: Path) -> None:
    model = AutoML(time_budget=7, folds=2, types={"x": "numeric"}, ray_address="127.0.0.1:1", output=tmp_path / "run")
    with pytest.warns(DataWarning, match=r"ConnectionRefusedError.*going on in this process"):
        model.fit({"x": list(range(60))}, [x * 1.5 for x in range(60)])
    assert len(model.leaderboard_) > 3


@pytest.mark.parametrize(("megabytes", "store"), [(64, 2_000_000_000), (158, 79 * 2**20), (1_000_000, 2_000_000_000)])
def test_shared_objects_find_a_place_in_a_container(
    megabytes: int, store: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from automl.tuning.search import _object_store_memory

    real = os.statvfs("/")
    blocks = megabytes * 2**20 // real.f_frsize
    monkeypatch.setattr(os, "statvfs", lambda path: os.statvfs_result([*real[:4], blocks, *real[5:]]))
    assert _object_store_memory() == store
