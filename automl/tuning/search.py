"""Trials on Ray Tune. With its neighbour ``schedulers`` training's only door to Ray.

This is what the process behind :class:`~automl.tuning.driver.SearchProcess` runs: it starts Ray while its parent reads
data and trains a first model, runs one job, and reports. The journal is the truth about what finished: Tune's own state
is thrown away.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from math import inf
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import psutil
import ray
from ray import cloudpickle, tune
from ray.tune import Callback, Trainable
from ray.tune.execution import class_cache
from ray.tune.experiment import Trial
from ray.tune.search import ConcurrencyLimiter, Searcher

from automl.config import FitConfig
from automl.deadline import DeadlinePassedError
from automl.evaluation.custom import MetricLike
from automl.memory import release_unused
from automl.models.base import Family
from automl.models.registry import get_family, register_family, registered
from automl.tuning.address import knock
from automl.tuning.budget import Plan
from automl.tuning.candidate import Candidate
from automl.tuning.driver import Broken, Event, Finished, Happened, Job, Message, Ready, end_session
from automl.tuning.journal import Journal
from automl.tuning.planner import Next, Planner, make_planner
from automl.tuning.problem import Problem
from automl.tuning.schedulers import make_scheduler
from automl.tuning.store import read_run
from automl.tuning.trial import Allowance, RaceLostError, Report, TrialRunner, full_resource, telling_resource

_PRELOAD: Final = ("automl.tuning.search", "lightgbm", "xgboost", "catboost", "sklearn.ensemble", "pandas")
_WORKERS_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 0.25
_BRACKET: Final = 30
"""Trials that wait for HyperBand to choose from: its largest bracket."""
_OBJECT_STORE: Final = 2_000_000_000
_LEAST_STORE: Final = 75 * 2**20
"""What Ray accepts at least."""


def main() -> None:
    """Start, run the job that comes, say that it ended. The parent's end is also this process's."""
    parent: Connection[Message, Any] = Connection(int(sys.argv[1]))
    with os.fdopen(int(sys.argv[2]), "rb") as handed:
        config, families, metric = cloudpickle.load(handed)
    _register(families)
    try:
        _start(config)
        parent.send(Ready())
        job: Job = parent.recv()
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
        _tune(job, config, families, metric, parent)
        parent.send(Finished())
    except Exception as error:
        with suppress(OSError):  # nobody is there to hear it
            parent.send(Broken(f"{type(error).__name__}: {error}"))


def _end_with(parent: Connection[Message, Any]) -> None:
    """Wait until the parent has closed the line, or died, and end this process with all of Ray's."""
    try:
        parent.recv()
    except (EOFError, OSError):
        end_session(os.getsid(0))


def _register(families: Sequence[Family]) -> None:
    """Make the families from outside the package known in this process."""
    for family in families:
        if family.name not in {known.name for known in registered()}:
            register_family(family)


def _start(config: FitConfig) -> None:
    """Start Ray here, or connect to the cluster."""
    _silence()
    if config.ray_address:
        knock(config.ray_address)
    local: dict[str, Any] = {
        "num_cpus": config.cores,
        "num_gpus": config.gpus,
        "include_dashboard": False,
        "object_store_memory": _object_store_memory(),
        "_system_config": {
            "preload_python_modules": list(_PRELOAD),
            "kill_idle_workers_interval_ms": 0,  # else, if it comes when cores are reserved, but not used yet, all end
        },
    }
    ray.init(
        address=config.ray_address or "local",
        log_to_driver=False,
        logging_level=logging.CRITICAL,
        **({} if config.ray_address else local),
    )
    if not config.ray_address:
        _await_workers()


def _await_workers() -> None:
    """Wait until the workers that Ray starts by itself have nothing left to import.

    A trial that came earlier would be given a further worker, which imports everything beside the first ones.
    """
    until, before = time.monotonic() + _WORKERS_SECONDS, 0.0
    while time.monotonic() < until:
        spent = 0.0
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):  # it has just ended
                spent += sum(process.cpu_times()[:2]) if process.cmdline()[:1] == ["ray::IDLE"] else 0.0
        if 0.0 < spent == before:
            break
        before = spent
        time.sleep(_LOOK_SECONDS)


def _object_store_memory() -> int:
    """Return the bytes for shared objects: enough for the frame, never most of the shared memory.

    Where that is less than Ray needs, such as in containers by default, Ray is asked for more than there is: it then
    keeps them among its temporary files.
    """
    stat = os.statvfs("/dev/shm") if Path("/dev/shm").exists() else None  # noqa: S108 - only asked for its size
    half = stat.f_bavail * stat.f_frsize // 2 if stat else 0
    return min(_OBJECT_STORE, half) if half >= _LEAST_STORE else _OBJECT_STORE


def _silence() -> None:
    os.environ["RAY_AIR_NEW_OUTPUT"] = "0"
    os.environ["TUNE_DISABLE_AUTO_CALLBACK_LOGGERS"] = "1"
    os.environ["TUNE_DISABLE_AUTO_CALLBACK_SYNCER"] = "1"
    os.environ["TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S"] = "0"
    os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"
    # Tune's variables, meant for a library that is not used here, would make Ray start other workers than it has ready
    getattr(class_cache, "DEFAULT_ENV_VARS", {}).clear()
    for name in ("ray", "ray.tune"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _tune(
    job: Job,
    config: FitConfig,
    families: Sequence[Family],
    metric: MetricLike | None,
    parent: Connection[Message, Any],
) -> None:
    """Run Tune until the planner has nothing more to propose."""
    plan, journal = job.plan, Journal(job.root)
    problem = read_run(job.root, metric).problem.with_folds_run(plan.folds_run)
    planner = make_planner(config, plan, problem, journal)
    scheduler = make_scheduler(config.race, full_resource(problem.folds), telling_resource(problem))
    trainable = tune.with_parameters(
        FoldTrainable,
        problem=problem,
        root=job.root,
        allowance=Allowance.planned(plan, config, job.deadline),
        families=families,
    )
    del problem  # the workers share one copy
    searcher: Searcher = _PlannerSearcher(planner, job, journal)
    if config.race == "hyperband":  # halves a bracket once all its trials are there: they must come before they can run
        os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(_BRACKET)
    else:
        searcher = ConcurrencyLimiter(searcher, max_concurrent=plan.concurrency)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tune.Tuner(
            tune.with_resources(trainable, _resources(plan, config.gpus or 0)),
            tune_config=tune.TuneConfig(
                search_alg=searcher,
                scheduler=scheduler,
                num_samples=-1,
                reuse_actors=True,
            ),
            run_config=tune.RunConfig(
                name="tune",
                storage_path=str(job.storage),
                verbose=0,
                failure_config=tune.FailureConfig(max_failures=1),
                callbacks=[_Events(parent, journal)],
            ),
        ).fit()


def _resources(plan: Plan, gpus: int) -> Callable[[Mapping[str, Any]], tune.PlacementGroupFactory]:
    """Return what a trial reserves: its threads, and its share of the GPUs if its family can use one."""
    share = min(1.0, gpus / plan.concurrency)

    def resources(config: Mapping[str, Any]) -> tune.PlacementGroupFactory:
        uses_gpu = share > 0 and get_family(config["candidate"]["family"]).gpu
        return tune.PlacementGroupFactory([{"CPU": plan.threads} | ({"GPU": share} if uses_gpu else {})])

    return resources


class FoldTrainable(Trainable):
    """A trial as Tune sees it: one step from one report to the next. Actors are reused from trial to trial."""

    def setup(  # type: ignore[override]  # Tune hands over what with_parameters was given
        self,
        config: Mapping[str, Any],
        problem: Problem,
        root: Path,
        allowance: Allowance,
        families: Sequence[Family],
    ) -> None:
        """Prepare this worker for the run's trials."""
        _register(families)
        self._journal = Journal(root)
        self._runner = TrialRunner(problem, self._journal)
        self._allowance = allowance
        self._full = full_resource(problem.folds)
        self._begin(config)

    def _begin(self, config: Mapping[str, Any]) -> None:
        self._candidate = Candidate.from_json(config["candidate"])
        self._reports: Iterator[Report] = self._runner.run(self._candidate, self._allowance)
        self._reported = 0

    def step(self) -> dict[str, Any]:
        """Train to the next report. A failure ends this trial alone; its reason is in the journal."""
        try:
            report = next(report for report in self._reports if report.resource > self._reported)
        except DeadlinePassedError:
            return {"loss": inf, "resource": self._reported, "ended": "late", "done": True}
        except RaceLostError as lost:
            self._journal.end(self._candidate, "stopped", str(lost))
            return {"loss": lost.loss, "resource": self._reported, "ended": "lost", "done": True}
        except Exception as error:
            self._journal.end(self._candidate, "failed", f"{type(error).__name__}: {error}")
            return {"loss": inf, "resource": self._reported, "ended": "failed", "done": True}
        self._reported = report.resource
        done = report.resource >= self._full
        if done:
            self._journal.end(self._candidate, "done")
        ended = "done" if done else ""
        return {"loss": report.loss, "resource": report.resource, "ended": ended, "done": done}

    def reset_config(self, new_config: Mapping[str, Any]) -> bool:
        """Turn to another candidate in the same process."""
        release_unused()
        self._begin(new_config)
        return True

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Keep how far was reported; finished folds are in the journal already."""
        Path(checkpoint_dir, "reported").write_text(str(self._reported), encoding="ascii")

    def load_checkpoint(self, checkpoint: str) -> None:  # type: ignore[override]  # a path, as it was saved
        """Go on after what was reported; an interrupted fold is trained again."""
        self._reported = int(Path(checkpoint, "reported").read_text(encoding="ascii"))


class _PlannerSearcher(Searcher):
    """Lets Tune ask our planner."""

    def __init__(self, planner: Planner, job: Job, journal: Journal) -> None:
        super().__init__(metric="loss", mode="min")
        self._planner = planner
        self._deadline = job.deadline
        self._journal = journal
        self._running: dict[str, Candidate] = {}
        self._last: dict[str, Mapping[str, Any]] = {}

    def suggest(self, trial_id: str) -> Any:
        """Return the next candidate as a configuration."""
        proposal = self._planner.propose(self._journal.deadline(self._deadline).remaining)
        if isinstance(proposal, Next):
            return None if proposal is Next.WAIT else Searcher.FINISHED
        self._running[trial_id] = proposal
        return {"candidate": proposal.to_json()}

    def on_trial_result(self, trial_id: str, result: Mapping[str, Any]) -> None:
        """Remember the last result of a trial: one that is stopped while it waits comes without."""
        self._last[trial_id] = result

    def on_trial_complete(self, trial_id: str, result: Mapping[str, Any] | None = None, error: bool = False) -> None:
        """Tell the planner how a trial ended."""
        candidate, last = self._running.pop(trial_id), result or self._last.get(trial_id)
        if last is not None and not last["ended"] and not error:
            self._journal.end(candidate, "stopped", "stopped early: behind the others at the same point")
        self._planner.tell(self._journal.trial(candidate.id))

    def __getstate__(self) -> dict[str, object]:
        """Give Tune's own record of the experiment nothing: the journal is the truth."""
        return {}

    def save(self, checkpoint_path: str) -> None:
        """Save nothing: the journal is the truth."""

    def restore(self, checkpoint_path: str) -> None:
        """Restore nothing: a resumed run makes a new searcher from the journal."""


class _Events(Callback):
    """Passes on to the parent process what Tune reports."""

    def __init__(self, parent: Connection[Message, Any], journal: Journal) -> None:
        self._parent = parent
        self._journal = journal

    def __getstate__(self) -> dict[str, object]:
        """Give Tune's own record of the experiment nothing: the line belongs to this process."""
        return {}

    def on_trial_start(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """A trial was started or goes on."""
        self._send("started", trial)

    def on_trial_complete(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """A trial has ended or was stopped."""
        self._send("ended", trial)

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """A trial's worker has died, for the second time."""
        last = str(trial.get_error()).strip().splitlines()[-1:]
        self._journal.end(_candidate(trial), "failed", f"its worker died twice: {' '.join(last)}")
        self._send("ended", trial)

    def _send(self, what: Happened, trial: Trial) -> None:
        self._parent.send(Event(what, _candidate(trial)))


def _candidate(trial: Trial) -> Candidate:
    return Candidate.from_json(trial.config["candidate"])
