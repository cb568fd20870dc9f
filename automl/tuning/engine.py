"""The main loop of a run: first a model at once, then the plan, then trials until the time is up.

It owns the order of things and the deadline; it knows neither Ray nor algorithms.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from math import inf
from typing import TYPE_CHECKING, Final, Literal

from automl.deadline import NEVER, Deadline, DeadlinePassedError
from automl.errors import NoModelError
from automl.evaluation.leaderboard import Leaderboard
from automl.memory import release_unused
from automl.models.base import Family
from automl.predictor import Predictor
from automl.tuning.budget import Plan, fit_to_time, make_plan
from automl.tuning.candidate import Candidate
from automl.tuning.champion import Champion
from automl.tuning.interrupt import Interrupt
from automl.tuning.journal import Journal, Trial
from automl.tuning.matrices import unread_texts
from automl.tuning.planner import Next, Planner, make_planner
from automl.tuning.problem import Problem
from automl.tuning.progress import Reporter
from automl.tuning.store import StoredRun, save_plan
from automl.tuning.trial import Allowance, RaceLostError, TrialRunner, full_resource

if TYPE_CHECKING:
    from automl.tuning.driver import SearchProcess

Stopped = Literal["deadline", "trials", "exhausted", "interrupted"]
"""Exhausted: no deadline, but nothing was left to try."""

_RESERVE_SHARE: Final = 0.03
_QUICKENING: Final = 0.25
"""Last part of the time in which models of the ensemble are brought into their form for few rows while others train."""
_EXIT: Final = 0.3
"""Seconds from the last predictor to the end of the process."""
_CLOSING: Final = 0.5
"""Seconds from the end of the training to the last ensemble: the next look at the clock, and the end of the search."""
_MOST_SHARE: Final = 0.1
"""Share of the time that an ensemble and its saving may take at the end."""
_REFIT_SHARE: Final = 0.25
"""Share of the time that training the members once more may take."""
_LEAST_RESERVE: Final = 1.5
_LEAST_SHARE: Final = 0.25
"""Share of the time that is kept for the end where that is less: a few seconds are mostly for training, too."""
_MOST_RESERVE: Final = 3.0
_IMPORT: Final = 2.0
"""Seconds of which importing a library may be most: a fold of the preview that takes less is followed by another."""
_LARGE_CELLS: Final = 5_000_000
"""Rows times columns from which the preview takes seconds, more than Ray's start, and is given all cores."""
_UNKNOWN: Final = 1e-3
"""Seconds of a fold of the preview where there is none."""
_PULSE: Final = 0.2
"""Seconds between two looks at the clock while trials run elsewhere."""
_QUICK: Final = 3.0
"""Folds that are likely to take less are trained in this process until Ray is there; for Ray to train longer ones is
waited as long as they take: where others have the cores, its start may take most of the time."""


class Engine:
    """Runs one problem to its end. The journal may hold trials of an earlier, interrupted run."""

    def __init__(
        self,
        run: StoredRun,
        journal: Journal,
        families: Sequence[Family],
        *,
        search: SearchProcess | None,
        reporter: Reporter,
    ) -> None:
        self._problem, self._config, self._about = run.problem, run.config, run.about
        self._journal = journal
        self._families = families
        self._search = search
        self._reporter = reporter
        budget = run.config.time_budget
        self._end = NEVER if budget is None else Deadline(reporter.started + budget)
        least = min(_LEAST_RESERVE, _LEAST_SHARE * (budget or 0.0))
        self._reserve = min(max(least, _RESERVE_SHARE * (budget or 0.0)), _MOST_RESERVE)
        self.champion = self._new_champion()
        self.board: Leaderboard | None = None
        """The last one; None where nobody looks."""
        self._running: dict[str, None] = {}
        self._threads = 1
        """Of a training that has all cores for itself."""
        self._interrupt = Interrupt()

    def run(self) -> Stopped:
        """Train until the deadline, the last trial or an interrupt; return which. SIGTERM is raised again at the end.

        Raises
        ------
        NoModelError
            If not even the baseline could be trained.
        KeyboardInterrupt
            If the interrupt came before there was a model.
        """
        stopped: Stopped = "interrupted"
        with self._interrupt.ends():
            stopped = self._train()
        with self._interrupt.ends():  # who asks once more does not want to wait for what would be better still
            if self._search is not None:  # the last ensemble needs the cores
                self._search.close()
            self.champion.update(self._end.earlier(_EXIT + self._refitting))
        if self.champion.predictor is not None:
            self._refit()
            with self._interrupt.ends():
                self.champion.finish(self._end.earlier(_EXIT))
            self._tell(board=True)
        self._interrupt.pass_on()
        if self.champion.predictor is None:
            if self._interrupt.came:
                raise KeyboardInterrupt
            raise NoModelError(self._first_failure())
        return "interrupted" if self._interrupt.came else stopped

    def _new_champion(self) -> Champion:
        config = self._config
        return Champion(self._problem, self._journal, self._about, config.most_members, repeatable=config.repeatable)

    @property
    def _deadline(self) -> Deadline:
        """When training stops; the rest is for the last ensemble and its saving, which take what they took before, and
        for training its members once more where that is done.

        The last one chooses from more trials, but has the cores for itself.
        """
        needed = min(_CLOSING + self.champion.cost + _EXIT, _MOST_SHARE * (self._config.time_budget or 0.0))
        return self._end.earlier(max(self._reserve, needed) + self._refitting)

    @property
    def _refitting(self) -> float:
        """Seconds that are kept for training the members once more."""
        return min(self.champion.refitting, _REFIT_SHARE * (self._config.time_budget or 0.0))

    @property
    def _over(self) -> bool:
        return self._interrupt.came or self._deadline.passed

    @property
    def predictor(self) -> Predictor:
        """The best predictor, which is on disk."""
        assert self.champion.predictor is not None
        return self.champion.predictor

    @property
    def best_is_baseline(self) -> bool:
        """Whether nothing that was trained is better than the baseline, in the mean of the folds."""
        run = self._problem.folds.run
        whole = [trial for trial in self._journal.trials() if trial.complete(run)]
        return min(whole, key=lambda trial: trial.loss(run)).candidate.origin == "baseline"

    def _train(self) -> Stopped:
        self._journal.move_deadline(self._deadline)
        plan = self._first_models()
        self._threads = plan.alone(self._problem.shape).threads
        save_plan(self._journal.root, plan)
        self._reporter.say(f"plan: {plan.describe(self._problem.folds.count)}")
        if self._train_here(plan, until_search=True) and self._search is not None:
            self._train_on_ray(self._search, plan)
            if self._search.error:
                self._reporter.warn(f"{self._search.error}; going on in this process")
                self._train_here(plan.alone(self._problem.shape))
        trials = (trial for trial in self._journal.trials() if trial.candidate.origin != "baseline")
        if sum(trial.status != "running" for trial in trials) >= (self._config.max_trials or inf):
            return "trials"
        return "exhausted" if self._end == NEVER else "deadline"

    def _refit(self) -> None:
        """Where folds step forward in time, train the members once more, on all rows, and serve them.

        The heaviest first, as far as the time goes; the others keep the model of their fold.
        """
        stale = self.champion.stale()
        if stale and not self._interrupt.came:
            self._reporter.say(f"training {_members(stale)} once more, on all rows: folds hold the newest back")
            deadline = self._end.earlier(_EXIT + self.champion.cost)
            allowance = Allowance(deadline, threads=self._threads, gpu=bool(self._config.gpus))
            with self._interrupt.ends():
                for trial in stale:
                    self._refit_one(trial, allowance)
            self.champion.renew()
            stale = self.champion.stale()
        if stale:
            self._reporter.warn(f"the newest rows are unknown to {_members(stale)}: the run ended too soon; resume it")

    def _refit_one(self, trial: Trial, allowance: Allowance) -> None:
        try:
            self.champion.refit(trial, allowance)
        except Exception as error:
            if self._interrupt.came:
                raise KeyboardInterrupt from error
            reason = f"{type(error).__name__}: {error}"
            self._reporter.warn(f"{trial.candidate.id} could not be trained once more, on all rows: {reason}")

    def _first_models(self) -> Plan:
        """Train the baseline and the preview, put the first predictors on disk, and plan by what they cost."""
        shape = self._problem.shape
        plan = make_plan(self._config, shape, self._families, self._problem.folds.run)
        plan = plan.alone(shape) if self._search is None else plan
        self._here(self._problem, self._baseline(), Allowance())
        self.champion.update(self._deadline)
        preview = self._preview(plan)
        threads = plan.alone(shape).threads if shape.rows * shape.columns >= _LARGE_CELLS else plan.threads
        allowance = Allowance(self._deadline, threads=threads, gpu=bool(self._config.gpus))
        if preview is not None:
            self._here(self._problem.with_folds_run(1), preview, allowance, end=False)
            if sum(self._preview_seconds()) < _IMPORT and plan.folds_run > 1:
                self._here(self._problem.with_folds_run(2), preview, allowance, end=False)
        if unread := unread_texts(self._journal.features):
            names = ", ".join(map(repr, unread))
            self._reporter.warn(f"too little time for the texts of {names}: only how they are written is used")
        features, fit = self._preview_seconds()
        plan = fit_to_time(
            plan,
            fit * threads / plan.threads,
            self._deadline.remaining,
            feature_seconds=features,
            folds_fixed=self._problem.folds.fixed,
            max_trials=self._config.max_trials,
        )
        if plan.folds_run < self._problem.folds.run:
            self._problem = self._problem.with_folds_run(plan.folds_run)
            self.champion = self._new_champion()
        if preview is not None:
            self._here(self._problem, preview, allowance)
            self.champion.update(self._deadline)
        return plan

    def _baseline(self) -> Candidate:
        family = next(family for family in self._families if family.baseline)
        return Candidate(family.name, family.portfolio(self._problem.shape)[0], "baseline")

    def _preview(self, plan: Plan) -> Candidate | None:
        for family in self._families:
            params = family.preview(self._problem.shape)
            if params is not None and family.name in plan.families:
                return Candidate(family.name, params, "preview", 1)
        return None

    def _train_here(self, plan: Plan, *, until_search: bool = False) -> bool:
        """Train in this process, until nothing is left to try or the search is ready; return whether it is."""
        search = self._search if until_search else None

        def ready() -> bool:
            return search is not None and not search.starting

        planner = make_planner(self._config, plan, self._problem, self._journal, searches=search is None)
        allowance = Allowance.planned(plan, self._config, self._deadline)
        runner = TrialRunner(self._problem, self._journal)
        release_unused()  # what the preview took
        seconds = plan.fold_seconds(self._preview_seconds()[1])
        waiting = Deadline.after(0.0 if search is None or seconds < _QUICK else seconds)
        while not self._over:
            if ready():
                return True
            proposal = planner.propose(self._deadline.remaining) if waiting.passed else Next.WAIT
            if isinstance(proposal, Candidate):
                self._train_one(planner, runner, proposal, allowance, ready)
            elif proposal is Next.FINISHED:
                return False
            else:
                time.sleep(_PULSE / 4)
        return False

    def _preview_seconds(self) -> tuple[float, float]:
        """Return what the features and the fit of a fold of the preview took at best; next to nothing if no family has
        one: nothing is known then.
        """
        trials = [trial for trial in self._journal.trials() if trial.candidate.origin == "preview"]
        records = [record for trial in trials for record in trial.folds.values()]
        features = min((record.feature_seconds for record in records), default=0.0)
        return features, min((record.fit_seconds for record in records), default=_UNKNOWN)

    def _train_one(
        self,
        planner: Planner,
        runner: TrialRunner,
        candidate: Candidate,
        allowance: Allowance,
        ready: Callable[[], bool],
    ) -> None:
        """Run a trial in this process and tell everybody. When the search is ready it goes on with the next fold."""
        self._here(self._problem, candidate, allowance, runner=runner, until=ready)
        planner.tell(self._journal.trial(candidate.id))
        self._update_if_cheap()
        self._tell(board=True)

    def _here(
        self,
        problem: Problem,
        candidate: Candidate,
        allowance: Allowance,
        *,
        runner: TrialRunner | None = None,
        end: bool = True,
        until: Callable[[], bool] = lambda: False,
    ) -> None:
        """Run a trial in this process to its end, or until it is to stop between two folds."""
        if self._journal.ended(candidate):  # in the run that this one goes on with
            return
        self._running[candidate.id] = None
        try:
            for report in (runner or TrialRunner(problem, self._journal)).run(candidate, allowance):
                if report.resource < full_resource(problem.folds) and report.fold is not None and until():
                    return
        except DeadlinePassedError:
            pass
        except RaceLostError as lost:
            self._journal.end(candidate, "stopped", str(lost))
        except Exception as error:
            if self._interrupt.came:
                raise KeyboardInterrupt from error
            self._journal.end(candidate, "failed", f"{type(error).__name__}: {error}")
        else:
            if end:
                self._journal.end(candidate, "done")
        finally:
            self._running.pop(candidate.id, None)

    def _train_on_ray(self, search: SearchProcess, plan: Plan) -> None:
        """Hand the rest over to the search and keep the champion up to date until it ends or the time is up."""
        if search.usable:
            search.run(plan, self._deadline)
        while not search.ended and not self._over:
            event = search.event(_PULSE)
            if event is None:
                last = self._deadline.remaining < _QUICKENING * (self._config.time_budget or inf)
                if last and not self.champion.refitting:  # others will take the place of what is trained again
                    self.champion.quicken(self._deadline, most=1)
                self._tell()
            elif event.what == "ended":
                self._running.pop(event.candidate.id, None)
                self._update_if_cheap()
                self._tell(board=True)
            else:
                self._running[event.candidate.id] = None
        self._running.clear()

    def _update_if_cheap(self) -> None:
        """Update the champion, unless that would run into the time of the last update.

        How long it took moves the end of the training, which the trials that run aim at: they are told.
        """
        if self._deadline.remaining > self.champion.cost:
            self.champion.update(self._deadline, now=False)
            self._journal.move_deadline(self._deadline)

    def _tell(self, *, board: bool = False) -> None:
        if not self._reporter.watched:
            return
        if board:
            self.board = self.champion.board()
        predictor = self.champion.predictor
        self._reporter.show(board=self.board, running=self._running, score=predictor.score if predictor else None)

    def _first_failure(self) -> str:
        reasons = [trial.reason for trial in self._journal.trials() if trial.reason]
        why = f"the first trial failed with {reasons[0]}" if reasons else "the time was too short"
        return f"no model was finished: {why}; give more time"


def _members(trials: Sequence[Trial]) -> str:
    return f"{len(trials)} member{'s' if len(trials) > 1 else ''} of the ensemble"
