"""Candidates as members of an ensemble: with the models of their folds, or with one that was trained on all rows."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Final

from automl.assembly import FoldFiles, Member
from automl.deadline import DeadlinePassedError
from automl.features.matrix import Needs
from automl.models.registry import get_family
from automl.tuning.budget import threads_alone
from automl.tuning.candidate import Candidate
from automl.tuning.configuration import as_told, settled
from automl.tuning.journal import Journal, Trial
from automl.tuning.matrices import fitted, fitted_texts, unread_texts
from automl.tuning.problem import Problem
from automl.tuning.store import StoredRun
from automl.tuning.trial import Allowance, TrialRunner

_LEAST_SHARE: Final = 0.5
"""Nothing is begun with less than this share of the time that its fit is likely to take: the first fold had others
beside it, and what does not end in time is only not used."""
_BLIND: Final = Needs(blind=True).recipe


def member(journal: Journal, trial: Trial, run: int) -> Member:
    """Return a trial as a member of an ensemble, with the files of its first ``run`` folds."""
    folds = [
        FoldFiles(
            fold=record.fold,
            recipe=record.recipe,
            model=journal.fold(trial.candidate.id, record.fold) / "model",
            features=fitted(journal.features, record.recipe, record.fold),
            texts=fitted_texts(journal.features, record.fold),
        )
        for record in trial.folds.values()
        if record.fold < run
    ]
    return Member(trial.candidate.id, trial.candidate.family, folds)


def with_all_cores(run: StoredRun) -> Allowance:
    """Return what a training may use that comes after a run."""
    return Allowance(threads=threads_alone(run.config.cores, run.problem.shape))


class Refit:
    """Trains candidates on all rows, each once, in a journal of its own.

    What the validation rows of their folds decided, such as the rounds, is taken over from there.

    Parameters
    ----------
    to
        Where to train; None = in the folder ``refit`` of the run, whose models are taken anyway where they are there.
    """

    def __init__(self, problem: Problem, journal: Journal, to: Journal | None = None) -> None:
        self._problem, self._whole = problem, problem.on_all_rows()
        self._journal = journal
        self._kept = Journal(journal.root / "refit")
        self._to = to or self._kept

    def __call__(self, trial: Trial, allowance: Allowance) -> Member | None:
        """Return a candidate with its model of all rows, which is trained if it is not there yet.

        None if its family cannot do without validation rows, or the time is too short.
        """
        found, again = self.member(trial), self._again(trial)
        if found or again is None or self.seconds([trial], _LEAST_SHARE) > allowance.deadline.remaining:
            return found
        shutil.rmtree(self._to.fold(again.id, 0), ignore_errors=True)  # there if the time has cut it short before
        try:
            for _ in self._runner.run(again, allowance):
                pass
        except DeadlinePassedError:
            return None
        return self.member(trial)

    def member(self, trial: Trial) -> Member | None:
        """Return a candidate with its model of all rows, if that is there."""
        again = self._again(trial)
        if again is None:
            return None
        for journal in (self._kept, self._to):
            if not journal.fold(again.id, 0).exists():
                continue
            trained = journal.trial(again.id)
            if as_told(get_family(again.family), again.params, trained.folds[0].details):
                files = member(journal, trained, 1).folds[0]
                # no fold of the run has this number: in a predictor nothing lies in the place of something else
                return Member(trial.candidate.id, again.family, [replace(files, fold=self._problem.folds.count)])
        return None

    def waiting(self, trial: Trial) -> bool:
        """Return whether a candidate can be trained on all rows and is not yet."""
        return self._again(trial) is not None and self.member(trial) is None

    def seconds(self, trials: Sequence[Trial], share: float = 1.0) -> float:
        """Return what training the waiting ones of some candidates is likely to take.

        By what their first folds took, the features of each recipe counted once.

        Parameters
        ----------
        share
            Of the fits, which end by a deadline; the features do not.
        """
        waiting = [trial for trial in trials if self.waiting(trial)]
        features = self._feature_seconds({trial.folds[0].recipe for trial in waiting})
        grown = len(self._whole.folds.split(0)[0]) / len(self._problem.folds.split(0)[0])
        return grown * (features + share * sum(map(self._fit_seconds, waiting)))

    def _fit_seconds(self, trial: Trial) -> float:
        """Return what the first fold took, in as many rounds as it will be."""
        record, decided = trial.folds[0], trial.details(self._problem.folds.recent)
        rounds = float(decided.get("best_rounds", decided.get("rounds", 1.0)))
        share = rounds / max(float(record.details.get("rounds", 1.0)), 1.0)
        return share * record.fit_seconds + record.predict_seconds

    def _feature_seconds(self, recipes: set[str]) -> float:
        """Return what it took to fit the features of recipes, as far as they are not there for all rows."""
        known = [trial.folds[0] for trial in self._journal.trials() if 0 in trial.folds]
        if self._problem.schema.texts and not fitted_texts(self._to.features, 0).exists() and recipes - {_BLIND}:
            # whoever came first has read the texts for all
            recipes = recipes | {min((each.finished, each.recipe) for each in known if each.recipe != _BLIND)[1]}
        new = [recipe for recipe in recipes if not (self._to.features / recipe).exists()]
        return sum(max(each.feature_seconds for each in known if each.recipe == recipe) for recipe in new)

    @cached_property
    def _runner(self) -> TrialRunner:
        unread = unread_texts(self._journal.features)
        return TrialRunner(replace(self._whole, unread=unread), self._to)

    def _again(self, trial: Trial) -> Candidate | None:
        """Return the candidate with what its folds decided as hyperparameters; None if it cannot do without them."""
        candidate, details = trial.candidate, trial.details(self._problem.folds.recent)
        params = settled(get_family(candidate.family), candidate.params, details, self._problem.task.levels)
        return None if params is None else replace(candidate, params=params)
