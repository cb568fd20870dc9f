"""The best so far: the ensemble over all finished trials, and its predictor on disk."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from math import inf, nextafter
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from automl import archive, assembly
from automl.artifact import Opened, load
from automl.assembly import About, Ensemble, Member
from automl.deadline import NEVER, Deadline
from automl.errors import ArtifactError
from automl.evaluation.leaderboard import Leaderboard
from automl.models.base import Model
from automl.models.registry import get_family
from automl.predictor import Predictor
from automl.tuning.journal import Journal, Trial
from automl.tuning.outoffold import OutOfFold
from automl.tuning.problem import Problem
from automl.tuning.refit import Refit, member
from automl.tuning.review import Board
from automl.tuning.trial import Allowance

_CONTENDERS: Final = 24
"""Trials that the ensemble chooses from."""
_OF_FAMILY: Final = 3
"""Contenders that come from each family first: what is weaker alone may err in other rows."""
_KEPT: Final = 2
"""Predictors of a fit on disk: the best, and the one before it for whoever is just reading it."""
_BYTES_A_SECOND: Final = 5_000_000
"""Bytes of models that are brought into their form for few rows in a second; measured twice as many."""
_OVERHEAD: Final = 0.05
"""Share of the time that updates may take while trials run."""


class Champion:
    """Chooses the ensemble and keeps its predictor on disk, replaced in one step and by better ones only.

    Parameters
    ----------
    most
        Members that are served at most, and then with the model of one fold each; None = all that help, with all folds.
    repeatable
        Whether the last choice counts even if an earlier one, from fewer trials, looked better: when trials end depends
        on the clock.
    """

    def __init__(
        self, problem: Problem, journal: Journal, about: About, most: int | None = None, *, repeatable: bool = False
    ) -> None:
        self._most = most
        self._repeatable = repeatable
        self._problem = problem
        self._journal = journal
        self._out_of_fold = OutOfFold(problem, journal)
        self._refit = Refit(problem, journal) if problem.folds.forward else None
        self._board = Board(problem, journal)
        self._about = about
        self._opened: Opened = {}
        self._predictions: dict[str, NDArray[np.float64]] = {}
        """Those of the last contenders."""
        self._loss = inf
        self._considered: frozenset[str] = frozenset()
        self._updated = -inf
        self._choosing = 0.0
        self._settling = 0.0
        """Seconds that the last update took from the choice to its end."""
        self._writing = 0.0
        self._ensemble: Ensemble | None = None
        self._before = (journal.root / "model").resolve().name
        """The predictor of the fit that this one goes on with: whoever holds it may still save it."""
        self.predictor: Predictor | None = None
        self.refitting = 0.0
        """Seconds that it is likely to take to train its members once more on all rows; 0 where that is not done."""
        if self._refit is None:  # else its members may still have to be trained once more
            self._take_over()

    def _take_over(self) -> None:
        """Begin with the predictor of the fit that this one goes on with: only a better one takes its place."""
        try:
            honest, predictor = self._journal.out_of_fold(), load(self._journal.root)
        except ArtifactError:  # there is none, or it cannot be read
            return
        trained = not all(get_family(each["family"]).baseline for each in predictor.manifest["members"])
        if trained and len(honest) == len(self._problem.folds.valid_rows):
            self.predictor = predictor
            # the same one may: it was perhaps not brought into its form for few rows
            self._loss = nextafter(self._out_of_fold.judged(honest).loss, inf)

    @property
    def cost(self) -> float:
        """Seconds that an update takes which finds a better ensemble, by the last ones."""
        return self._choosing + self._settling

    def update(self, deadline: Deadline = NEVER, *, now: bool = True) -> bool:
        """Choose the ensemble anew if trials have finished; return whether a better predictor was written.

        The choice ends early enough to be written by the deadline; without the time for it, only a first predictor
        beyond the baseline is made. With ``now=False`` only if that takes a small share of the time since the last one.
        """
        deadline = deadline.earlier(self._settling)
        if self._loss < inf and deadline.passed:
            return False
        started = time.perf_counter()
        if not now and started - self._updated < self.cost / _OVERHEAD:
            return False
        trials = [trial for trial in self._journal.trials() if trial.complete(self._problem.folds.run)]
        considered = frozenset(trial.candidate.id for trial in trials)
        if not trials or considered == self._considered:
            return False
        better = self._choose(trials, deadline)
        self._considered = considered
        self._updated = time.perf_counter()
        return better

    def quicken(self, deadline: Deadline, *, most: int | None = None) -> None:
        """Bring models of the predictor into their form for few rows, as far as the time goes.

        They are part of the next predictor that is written.

        Parameters
        ----------
        most
            Models at most; None = all.
        """
        if self._ensemble is None:
            return
        slow = ((m.family, fold) for m in self._ensemble.members for fold in m.folds if not fold.quick.exists())
        for family, fold in islice(slow, most):
            if archive.size_of(fold.model) < _BYTES_A_SECOND * deadline.remaining:
                assembly.quicken(family, fold)

    def finish(self, deadline: Deadline) -> None:
        """Bring all models into that form, and write the predictor once more."""
        self.quicken(deadline.earlier(self._writing))
        if self._ensemble is not None and deadline.remaining > self._writing:
            self._opened = {path: each for path, each in self._opened.items() if not isinstance(each, Model)}
            self._write(self._ensemble)

    def stale(self) -> list[Trial]:
        """Return the members that wait for being trained once more, on all rows, the heaviest first.

        None where folds do not step forward in time.
        """
        if self._refit is None or self._ensemble is None:
            return []
        heaviest = np.argsort(-np.abs(self._ensemble.blend.weights), kind="stable")
        trials = [self._journal.trial(self._ensemble.members[i].candidate) for i in heaviest]
        return [trial for trial in trials if self._refit.waiting(trial)]

    def refit(self, trial: Trial, allowance: Allowance) -> None:
        """Train a member once more, on all rows, if the time is enough for it."""
        if self._refit is not None:
            self._refit(trial, allowance)

    def renew(self) -> None:
        """Write the predictor with what was trained on all rows since it was written; everything told of it stays."""
        if self._ensemble is None:
            return
        members = [self._member(self._journal.trial(each.candidate)) for each in self._ensemble.members]
        if members != self._ensemble.members:
            self._write(replace(self._ensemble, members=members))

    def board(self) -> Leaderboard:
        """Return the leaderboard over all trials."""
        return self._board.of(self.predictor.manifest["members"] if self.predictor else ())

    def _choose(self, trials: Sequence[Trial], deadline: Deadline) -> bool:
        beyond = [trial for trial in trials if trial.candidate.origin != "baseline"]
        contenders = _contenders(beyond or trials, self._problem.folds.run)
        began = time.perf_counter()
        self._predictions = {trial.candidate.id: self._prediction(trial.candidate.id) for trial in contenders}
        costs = [float(f"{trial.size:.2g}") for trial in contenders]  # files also hold the seconds that a fit took
        predictions = list(self._predictions.values())
        blend, honest = self._out_of_fold.blended(predictions, most=self._most, costs=costs, deadline=deadline)
        started = time.perf_counter()
        self._choosing = started - began
        judged = self._out_of_fold.judged(honest)
        loss = judged.loss
        if self.predictor is not None and not loss < self._loss and not self._repeatable:
            return False
        chosen = np.flatnonzero(blend.weights)
        members = [self._member(contenders[i]) for i in chosen]
        self._write(self._out_of_fold.ensemble(members, blend.only(chosen), judged))
        self.refitting = self._refit.seconds([contenders[i] for i in chosen]) if self._refit else 0.0
        self._journal.write_out_of_fold(honest)
        self._settling = time.perf_counter() - started
        self._loss = loss if beyond else inf  # whatever is trained takes the place of the baseline
        return True

    def _member(self, trial: Trial) -> Member:
        """Return a candidate with its model of all rows if there is one, else with those of its folds."""
        refitted = self._refit.member(trial) if self._refit else None
        return refitted or member(self._journal, trial, 1 if self._most else self._problem.folds.final)

    def _write(self, ensemble: Ensemble) -> None:
        """Write the next predictor, let everyone see it, and drop the outdated ones."""
        started = time.perf_counter()
        folder = self._journal.root / "models"
        folder.mkdir(exist_ok=True)
        versions = sorted(
            (place for place in folder.iterdir() if place.name.isdigit()), key=lambda place: int(place.name)
        )
        number = int(versions[-1].name) + 1 if versions else 1
        predictor = assembly.write(folder / f"{number:04d}", ensemble, self._about, self._opened)
        point_to(self._journal.root / "model", Path("models") / predictor.folder.name)
        for outdated in versions[: 1 - _KEPT]:
            if outdated.name != self._before:
                shutil.rmtree(outdated)
        self._ensemble, self.predictor = ensemble, predictor
        self._writing = time.perf_counter() - started

    def _prediction(self, candidate_id: str) -> NDArray[np.float64]:
        known = self._predictions.get(candidate_id)
        return self._out_of_fold.prediction(candidate_id, self._problem.folds.run) if known is None else known


def _contenders(trials: Sequence[Trial], run: int) -> list[Trial]:
    """Return the best trials of each family, then the best of all that are left, sorted by their loss."""
    ranked = sorted(trials, key=lambda trial: trial.loss(run))
    families: Counter[str] = Counter()
    further = []
    for trial in ranked:
        further.append(families[trial.candidate.family] >= _OF_FAMILY)
        families[trial.candidate.family] += 1
    chosen = np.argsort(further, kind="stable")[:_CONTENDERS]
    return [ranked[i] for i in np.sort(chosen).tolist()]


def point_to(link: Path, target: Path) -> None:
    """Make ``link`` a symbolic link to the relative ``target``, in one step.

    A folder in its place, as copying a run without its links leaves it, is removed before.
    """
    if link.is_dir() and not link.is_symlink():
        shutil.rmtree(link)
    partial = link.with_name(f".{link.name}")
    partial.unlink(missing_ok=True)
    partial.symlink_to(target, target_is_directory=True)
    partial.replace(link)
