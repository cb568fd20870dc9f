"""Laws of the search in the space of one family."""

from __future__ import annotations

from collections import Counter

import optuna

from automl.data.table import ProblemType
from automl.models.base import Shape
from automl.models.registry import get_family
from automl.tuning.study import Study

FAMILY, SHAPE = get_family("knn"), Shape(ProblemType.BINARY, rows=1_000, columns=10, n_classes=2, numeric=5)


def states(study: Study) -> Counter[optuna.trial.TrialState]:
    return Counter(trial.state for trial in study._opened().trials)


def test_every_question_is_answered_once() -> None:
    """Also where the space is so small that points come again while they are trained."""
    study = Study(FAMILY, SHAPE, random_state=0)
    asked = [candidate for candidate in (study.ask() for _ in range(20)) if candidate]
    assert len({candidate.id for candidate in asked}) == len(asked) > 10
    for candidate in asked:
        study.tell(candidate, 0.5)
    counts = states(study)
    assert counts[optuna.trial.TrialState.COMPLETE] == len(asked)
    assert counts[optuna.trial.TrialState.FAIL] > 0
    assert counts[optuna.trial.TrialState.RUNNING] == 0


def test_what_is_known_is_not_asked_for() -> None:
    one, other = (Study(FAMILY, SHAPE, random_state=0) for _ in range(2))
    first = one.ask()
    assert first is not None
    assert other.ask({first.id}) != first


def test_a_space_comes_to_its_end() -> None:
    """With an answer, not with a question that was answered before."""
    study, known = Study(FAMILY, SHAPE, random_state=0), set()
    while candidate := study.ask(known):
        known.add(candidate.id)
        study.tell(candidate, 0.5)
    assert study.ask(known) is None
