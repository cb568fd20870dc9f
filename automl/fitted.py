"""What a fitted AutoML answers: predictions, scores and all that is known of its candidates."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl import artifact
from automl.data.source import path_of
from automl.errors import warn
from automl.estimator import ClassifierOnly, Estimator
from automl.evaluation.interval import Score
from automl.evaluation.leaderboard import Leaderboard
from automl.tuning.engine import Stopped
from automl.tuning.journal import Journal
from automl.tuning.review import leaderboard_of, out_of_fold
from automl.tuning.store import read_run


class Fitted(Estimator):
    """The side of :class:`~automl.AutoML` that asks its predictor, and the journal of its run."""

    run_: Path
    seconds_: float
    stopped_: Stopped
    _board: Leaderboard | None
    _journal: Journal
    """As it was when the fit ended: another may go on with the run."""

    def predict(self, X: object) -> NDArray[np.generic]:
        """Return (rows,) class labels or values, or (rows, levels) quantiles; ``X`` is a table or a path."""
        return self._fitted().predict(X)

    @ClassifierOnly
    def predict_proba(self, X: object) -> NDArray[np.float64]:
        """Return (rows, classes) probabilities, columns in the order of ``classes_``, which is sorted.

        So do models that were loaded. Whichever class is the ``positive`` one: its column is where ``classes_`` has it.
        """
        return self._fitted().predict_proba(X)

    def predict_interval(self, X: object, coverage: float = 0.9) -> NDArray[np.float64]:
        """Return (rows, 2): the bounds between which a value lies with probability ``coverage``."""
        return self._fitted().predict_interval(X, coverage)

    def evaluate(self, test: object, y: object = None) -> dict[str, float]:
        """Return every metric of the problem type, in its natural sign, on a labelled table.

        What was optimised comes first. ``y`` are (rows,) target values, if they are not a column of the table.
        :func:`automl.evaluate` tells more.
        """
        from automl.report.evaluation import evaluate

        metric, costs = self._asked
        report = evaluate(self._fitted(), test, y, metric=metric, cost_matrix=costs)
        if report.weighing and not report.weighted:
            warn(report.weighing)
        if report.unexpected:
            warn(report.verdict)
        return {each.name: each.score.value for each in report.assessment.scores}

    def save(self, path: str | Path) -> Path:
        """Copy the predictor to a new folder or ``NAME.automl.tar.gz``, to be read by :func:`automl.load`."""
        return artifact.copy(self._fitted(), path_of(path, "the path to save to"))

    @property
    def board_(self) -> Leaderboard:
        """All candidates, best first; where nobody looked while they were trained, it is made when first asked for."""
        self._fitted()
        if self._board is None:
            self._board = leaderboard_of(read_run(self.run_, self._asked[0]), self._journal)
        return self._board

    @property
    def leaderboard_(self) -> pd.DataFrame:
        """All candidates, best first."""
        return self.board_.to_frame()

    def out_of_fold(self) -> pd.DataFrame:
        """Return honest predictions for the training rows, see :func:`~automl.tuning.review.out_of_fold`.

        >>> from automl import AutoML
        >>> model = AutoML(max_trials=1).fit("churn.csv", target="churn")
        >>> model.out_of_fold().columns.to_list()
        ['fold', 'prediction', 'probability_no', 'probability_yes']
        """
        self._fitted()
        return out_of_fold(self.run_, self._asked[0])

    def leaderboard(self, test: object, y: object = None) -> pd.DataFrame:
        """Return ``leaderboard_`` with a further column: the score of each finished candidate on a labelled table.

        ``y`` are (rows,) target values, if they are not a column of the table.
        """
        from automl.report.leaderboard import leaderboard_on

        self._fitted()
        return leaderboard_on(self.run_, test, y, metric=self._asked[0], journal=self._journal).to_frame()

    @property
    def classes_(self) -> NDArray[np.generic] | None:
        """The sorted class labels, in the order of the columns of :meth:`predict_proba`; None for numbers."""
        return self._fitted().classes_

    @property
    def feature_names_in_(self) -> NDArray[np.generic]:
        """Names of the columns that the training table had, the target aside."""
        return self._fitted().feature_names_in_

    @property
    def n_features_in_(self) -> int:
        """How many they are."""
        return self._fitted().n_features_in_

    @property
    def score_(self) -> Score:
        """Out-of-fold score of the ensemble with its interval."""
        return self._fitted().score

    @property
    def problem_type_(self) -> str:
        """``binary``, ``multiclass``, ``regression`` or ``quantile``."""
        return self._fitted().problem_type_

    @property
    def metric_(self) -> str:
        """The metric that was optimised."""
        return self._fitted().metric
