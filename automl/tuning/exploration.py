"""What the search tries next: a family by chance, the better the likelier, and in its space what looks best."""

from __future__ import annotations

from collections.abc import Container, Sequence
from math import inf, isnan
from statistics import mean

import numpy as np

from automl.models.base import Family, Shape
from automl.tuning.candidate import Candidate
from automl.tuning.journal import Trial, mean_loss
from automl.tuning.study import Study


class Exploration:
    """Searches the spaces of all families.

    In the order of their best losses, the r-th family is drawn with a probability proportional to 1 / r: the best ones
    are worth the most time, but an ensemble gains from different ones.
    """

    def __init__(self, families: Sequence[Family], shape: Shape, random_state: int) -> None:
        studies = {family.name: Study(family, shape, random_state) for family in families}
        self._studies = {name: study for name, study in studies.items() if study}
        self._best = dict.fromkeys(self._studies, inf)
        self._reference: Trial | None = None
        self._random = np.random.default_rng(random_state)

    @property
    def families(self) -> Sequence[str]:
        """Families that have something to search."""
        return tuple(self._studies)

    def learn(self, trial: Trial) -> None:
        """Learn from a trial that has ended, whoever proposed it."""
        family = trial.candidate.family
        if family not in self._studies:
            return
        loss = self._loss(trial)
        if trial.status == "done" and (self._reference is None or loss < mean_loss(self._reference.folds.values())):
            self._reference = trial
        self._best[family] = min(loss, self._best[family])
        self._studies[family].tell(trial.candidate, loss)

    def ask(self, among: Sequence[str], known: Container[str] = ()) -> Candidate | None:
        """Return a candidate of one of these families whose id is not known; None if none of them has one left."""
        ranked = sorted(among, key=lambda family: self._best[family])
        shares = 1 / np.arange(1, len(ranked) + 1)
        drawn = self._random.choice(ranked, len(ranked), replace=False, p=shares / shares.sum())
        found = (self._studies[str(family)].ask(known) for family in drawn)
        return next(filter(None, found), None)

    def _loss(self, trial: Trial) -> float:
        """Return the loss over all folds; of a trial that was stopped, what it would be if its further folds were as
        far from those of the best trial as the ones that it has. Infinite if nothing tells."""
        if trial.status == "done":
            return mean_loss(trial.folds.values())
        if trial.status != "stopped" or self._reference is None:
            return inf
        best = self._reference.folds
        apart = [record.loss - best[fold].loss for fold, record in trial.folds.items() if fold in best]
        known = [each for each in apart if not isnan(each)]
        return mean_loss(best.values()) + mean(known) if known else inf
