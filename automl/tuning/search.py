"""Trials on Ray Tune. With its neighbour ``schedulers`` the only door to Ray.

Ray lives in one background thread from its start to its end, because its processes die with the thread that started
them. The thread starts Ray while the caller reads data and trains a first model; when a :class:`Job` is handed over it
runs Tune, and the caller watches a queue of :class:`Event`. The journal is the truth about what finished: Tune's own
state is thrown away.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final, Literal

import ray
from ray import tune
from ray.tune import Callback, Trainable
from ray.tune.experiment import Trial
from ray.tune.search import ConcurrencyLimiter, Searcher

from automl.config import FitConfig, Scheduler
from automl.models.base import Family
from automl.models.registry import FAMILIES, get_family, register_family, registered
from automl.tuning.candidate import Candidate
from automl.tuning.journal import Journal
from automl.tuning.planner import Next, Planner
from automl.tuning.problem import Problem
from automl.tuning.schedulers import make_scheduler
from automl.tuning.trial import Allowance, DeadlinePassedError, Report, TrialRunner, full_resource

_PRELOAD: Final = ("automl.tuning.search", "lightgbm", "xgboost", "catboost", "sklearn.ensemble", "pandas")
_GRACE: Final = 1.0
"""Seconds in which Tune may end by itself once the trials' time is over."""
_OBJECT_STORE: Final = 2_000_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """A search: what to train on, who proposes, and with what."""

    problem: Problem
    planner: Planner
    root: Path
    """The run folder; on a cluster, on storage that all machines share."""
    allowance: Allowance
    concurrency: int
    scheduler: Scheduler
    gpus: float


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened to a trial."""

    kind: Literal["started", "progressed", "ended"]
    candidate: Candidate


class RaySearch:
    """Ray in the background: starts at once, runs one job, is closed."""

    def __init__(self, config: FitConfig) -> None:
        self._config = config
        self._ready = threading.Event()
        self._finished = threading.Event()
        self._closing = threading.Event()
        self._job: SimpleQueue[Job | None] = SimpleQueue()
        self._owner = False
        self.error: str | None = None
        """Why Ray could not start or broke, if so."""
        self.events: SimpleQueue[Event] = SimpleQueue()
        self._thread = threading.Thread(target=self._live, name="ray", daemon=True)
        self._thread.start()

    @property
    def starting(self) -> bool:
        """Whether Ray is still on its way."""
        return not self._ready.is_set()

    @property
    def usable(self) -> bool:
        """Whether Ray has started and works."""
        return self._ready.is_set() and self.error is None

    @property
    def finished(self) -> bool:
        """Whether the job has ended."""
        return self._finished.is_set()

    def run(self, job: Job) -> None:
        """Hand over the job; returns at once."""
        self._job.put(job)

    def close(self) -> None:
        """End what is still running, after a moment to end by itself, and stop Ray if it was started here."""
        self._job.put(None)
        self._closing.set()
        self._ready.wait(30)
        if not self._finished.wait(_GRACE) and self.usable and self._owner:
            ray.shutdown()
        self._thread.join(30)

    def _live(self) -> None:
        try:
            self._start()
        except Exception as error:
            self.error = f"Ray did not start ({type(error).__name__}: {error})"
        self._ready.set()
        job = self._job.get()
        if job is not None and self.error is None:
            try:
                _tune(job, self.events)
            except Exception as error:
                if not self._closing.is_set():
                    self.error = f"Ray Tune broke ({type(error).__name__}: {error})"
        self._finished.set()
        if self._owner:  # at once, while the caller saves the last predictor
            ray.shutdown()

    def _start(self) -> None:
        _silence()
        if ray.is_initialized():
            return
        address = self._config.ray_address
        local: dict[str, Any] = {
            "num_cpus": self._config.cores,
            "num_gpus": self._config.gpus,
            "include_dashboard": False,
            "object_store_memory": _object_store_memory(),
            "_system_config": {"preload_python_modules": list(_PRELOAD)},
        }
        ray.init(
            address=address or "local",
            log_to_driver=False,
            logging_level=logging.CRITICAL,
            **({} if address else local),
        )
        self._owner = True


def _object_store_memory() -> int:
    """Return the bytes for shared objects: enough for the frame, never most of the shared memory."""
    stat = os.statvfs("/dev/shm") if Path("/dev/shm").exists() else None  # noqa: S108 - only asked for its size
    return min(_OBJECT_STORE, int(stat.f_bavail * stat.f_frsize * 0.5)) if stat else _OBJECT_STORE


def _silence() -> None:
    os.environ["RAY_AIR_NEW_OUTPUT"] = "0"
    os.environ["TUNE_DISABLE_AUTO_CALLBACK_LOGGERS"] = "1"
    os.environ["TUNE_DISABLE_AUTO_CALLBACK_SYNCER"] = "1"
    os.environ["TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S"] = "0"
    os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"
    os.environ["RAY_ENABLE_AUTO_CONNECT"] = "0"  # or a call that comes after the shutdown starts Ray again
    for name in ("ray", "ray.tune"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _tune(job: Job, events: SimpleQueue[Event]) -> None:
    """Run Tune until the planner has nothing more to propose."""
    storage = job.root.resolve() / "ray"
    outside = [family for family in registered() if family not in FAMILIES]
    trainable = tune.with_parameters(
        FoldTrainable,
        problem=job.problem,
        root=job.root.resolve(),
        allowance=job.allowance,
        families=outside,
    )
    threads = job.allowance.threads
    share = job.gpus / job.concurrency

    def resources(config: Mapping[str, Any]) -> tune.PlacementGroupFactory:
        uses_gpu = share > 0 and get_family(config["candidate"]["family"]).gpu
        return tune.PlacementGroupFactory([{"CPU": threads} | ({"GPU": min(1.0, share)} if uses_gpu else {})])

    searcher: Searcher = _PlannerSearcher(job, Journal(job.root))
    # HyperBand fills a bracket before it halves it: its paused trials must not count as running ones.
    if job.scheduler != "hyperband":
        searcher = ConcurrencyLimiter(searcher, max_concurrent=job.concurrency)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tuner = tune.Tuner(
            tune.with_resources(trainable, resources),
            tune_config=tune.TuneConfig(
                search_alg=searcher,
                scheduler=make_scheduler(job.scheduler, full_resource(job.problem.folds)),
                num_samples=-1,
                reuse_actors=True,
            ),
            run_config=tune.RunConfig(
                name="tune",
                storage_path=str(storage),
                verbose=0,
                failure_config=tune.FailureConfig(max_failures=1),
                callbacks=[_Events(events)],
            ),
        )
        tuner.fit()
    shutil.rmtree(storage, ignore_errors=True)


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
        for family in families:
            if family.name not in {known.name for known in registered()}:
                register_family(family)
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

    def __init__(self, job: Job, journal: Journal) -> None:
        super().__init__(metric="loss", mode="min")
        self._planner = job.planner
        self._deadline = job.allowance.deadline
        self._journal = journal
        self._running: dict[str, Candidate] = {}
        self._last: dict[str, float] = {}

    def suggest(self, trial_id: str) -> Any:
        """Return the next candidate as a configuration."""
        proposal = self._planner.propose(self._deadline.remaining)
        if isinstance(proposal, Next):
            return None if proposal is Next.WAIT else Searcher.FINISHED
        self._running[trial_id] = proposal
        return {"candidate": proposal.to_json()}

    def on_trial_result(self, trial_id: str, result: Mapping[str, Any]) -> None:
        """Remember the last loss of a trial that may yet be stopped."""
        self._last[trial_id] = result["loss"]

    def on_trial_complete(self, trial_id: str, result: Mapping[str, Any] | None = None, error: bool = False) -> None:
        """Tell the planner how a trial ended."""
        candidate = self._running.pop(trial_id)
        if error or result is None:
            self._journal.end(candidate, "failed", "the worker process died twice")
            self._planner.tell(candidate, inf, 0.0)
            return
        ended = result["ended"]
        if ended == "":
            self._journal.end(candidate, "stopped", "stopped early: behind the others at the same point")
        loss = inf if ended in ("late", "failed") else result["loss"]
        seconds = sum(record.fit_seconds for record in self._journal.trial(candidate.id).folds.values())
        self._planner.tell(candidate, loss, seconds, stopped=ended == "")

    def __getstate__(self) -> dict[str, object]:
        """Give Tune's own record of the experiment nothing: the journal is the truth."""
        return {}

    def save(self, checkpoint_path: str) -> None:
        """Save nothing: the journal is the truth."""

    def restore(self, checkpoint_path: str) -> None:
        """Restore nothing: a resumed run makes a new searcher from the journal."""


class _Events(Callback):
    """Passes on what Tune reports."""

    def __init__(self, events: SimpleQueue[Event]) -> None:
        self._events = events

    def __getstate__(self) -> dict[str, object]:
        """Give Tune's own record of the experiment nothing: the queue belongs to this process."""
        return {}

    def on_trial_start(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """A trial was started or goes on."""
        self._put("started", trial)

    def on_trial_result(
        self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **info: Any
    ) -> None:
        """A trial has reported."""
        self._put("progressed", trial)

    def on_trial_complete(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """A trial has ended or was stopped."""
        self._put("ended", trial)

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """A trial has failed for good."""
        self._put("ended", trial)

    def _put(self, kind: Literal["started", "progressed", "ended"], trial: Trial) -> None:
        self._events.put(Event(kind, Candidate.from_json(trial.config["candidate"])))
