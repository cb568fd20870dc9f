"""Who may go on: Ray's ASHA and HyperBand, with the portfolio outside their race.

Both compare candidates at equal resource (shares of the first fold's rounds, then folds). Portfolio candidates are
never stopped for being worse, only for bringing the ensemble nothing (:mod:`automl.tuning.race`); the searched ones
race against them, and among each other.
"""

from __future__ import annotations

from typing import Any, Final

from ray.tune.experiment import Trial
from ray.tune.schedulers import ASHAScheduler, FIFOScheduler, HyperBandScheduler, TrialScheduler

from automl.config import Scheduler
from automl.tuning.candidate import Candidate

_GRACE: Final = 2
_REDUCTION: Final = 3


def make_scheduler(kind: Scheduler, full_resource: int, telling: int = 0) -> TrialScheduler:
    """Return the scheduler for trials that end at ``full_resource``, of which less than ``telling`` tells nothing."""
    grace = max(_GRACE, telling)
    if kind == "asha" and grace < full_resource:
        return _Asha(full_resource, grace)
    if kind == "hyperband":
        return _HyperBand(full_resource)
    return FIFOScheduler()  # type: ignore[no-untyped-call]


def _races(trial: Trial) -> bool:
    return Candidate.from_json(trial.config["candidate"]).races


class _Asha(ASHAScheduler):
    """Asynchronous successive halving (Li et al. 2020).

    Ray records a trial that skips a rung at that rung later, with a result of more resource, which no other trial
    could match; here a result counts at the highest rung that it newly reaches, and never at a lower one.
    """

    def __init__(self, full_resource: int, grace: int) -> None:
        super().__init__(
            time_attr="resource",
            metric="loss",
            mode="min",
            max_t=full_resource + 1,
            grace_period=grace,
            reduction_factor=_REDUCTION,
        )
        self._milestones = [grace]
        while self._milestones[-1] * _REDUCTION <= full_resource:
            self._milestones.append(self._milestones[-1] * _REDUCTION)
        self._reached: dict[str, int] = {}

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Record the result and decide."""
        reached = max((rung for rung in self._milestones if rung <= result["resource"]), default=0)
        if reached <= self._reached.get(trial.trial_id, 0):
            return str(TrialScheduler.CONTINUE)
        self._reached[trial.trial_id] = reached
        decision = super().on_trial_result(tune_controller, trial, result)
        return str(decision if _races(trial) else TrialScheduler.CONTINUE)

    def on_trial_complete(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> None:
        """Forget the trial; its results were recorded as they came."""
        self.on_trial_remove(tune_controller, trial)


class _HyperBand(HyperBandScheduler):
    """HyperBand (Li et al. 2018) over the searched candidates only."""

    def __init__(self, full_resource: int) -> None:
        super().__init__(
            time_attr="resource", metric="loss", mode="min", max_t=full_resource, reduction_factor=_REDUCTION
        )

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        """Put a searched candidate into a bracket."""
        if _races(trial):
            super().on_trial_add(tune_controller, trial)

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Decide on a searched candidate."""
        return str(super().on_trial_result(tune_controller, trial, result) if _races(trial) else self.CONTINUE)

    def on_trial_remove(self, tune_controller: Any, trial: Trial) -> None:
        """Take a searched candidate out of its bracket; called for those that end or fail, too."""
        if _races(trial):
            super().on_trial_remove(tune_controller, trial)

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        """Return a waiting portfolio candidate, else what HyperBand chooses."""
        trials: list[Trial] = tune_controller.get_trials()
        for trial in trials:
            if trial.status == Trial.PENDING and not _races(trial):
                return trial
        chosen: Trial | None = super().choose_trial_to_run(tune_controller)
        return chosen
