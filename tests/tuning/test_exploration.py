"""Laws of the search over the families' spaces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import inf, nan

import pytest
from toys import Other, Toy

from automl.data.table import ProblemType
from automl.models.base import Shape
from automl.tuning.candidate import Candidate
from automl.tuning.exploration import Exploration
from automl.tuning.journal import FoldRecord, Trial

SHAPE = Shape(ProblemType.REGRESSION, rows=100, columns=3)
FAMILIES = ("toy", "other")


def make() -> Exploration:
    return Exploration([Toy(), Other()], SHAPE, random_state=0)


def trial(family: str, offset: float, losses: dict[int, float], status: str = "done") -> Trial:
    records = {fold: FoldRecord(fold, loss, 0.0, 0.1, 0.0, 10, 1, "r", {}, 0.0) for fold, loss in losses.items()}
    return Trial(Candidate(family, {"offset": offset}, "portfolio"), records, status)  # type: ignore[arg-type]


def ask(exploration: Exploration, count: int) -> list[Candidate]:
    """Return candidates that all fail."""
    asked = []
    for _ in range(count):
        asked.append(found(exploration, FAMILIES))
        exploration.learn(Trial(asked[-1], {}, "failed"))
    return asked


def found(exploration: Exploration, among: Sequence[str]) -> Candidate:
    candidate = exploration.ask(among)
    assert candidate is not None
    return candidate


@pytest.mark.parametrize("best", FAMILIES)
def test_the_best_family_is_searched_most_often_but_not_alone(best: str) -> None:
    exploration = make()
    for family in FAMILIES:
        exploration.learn(trial(family, 1.0, {0: 0.0 if family == best else 1.0}))
    drawn = Counter(each.family for each in ask(exploration, 300))
    assert drawn[best] == pytest.approx(200, abs=30)


def test_only_what_is_affordable_is_asked_for() -> None:
    assert {found(make(), ["other"]).family for _ in range(5)} == {"other"}


def test_it_looks_near_the_best_that_the_portfolio_has_shown() -> None:
    exploration = make()
    for offset in range(11):
        exploration.learn(trial("toy", offset, {0: abs(offset - 3.0)}))
    offsets = [float(found(exploration, ["toy"]).params["offset"]) for _ in range(30)]
    assert sum(abs(offset - 3) < 2 for offset in offsets) > 15


def test_a_stopped_trial_counts_by_the_folds_that_it_has() -> None:
    exploration = make()
    exploration.learn(trial("toy", 1.0, {0: 5.0, 1: 1.0, 2: 3.0}))
    of = exploration._loss
    assert of(trial("other", 1.0, {0: 4.5}, "stopped")) == pytest.approx(2.5)  # half less than the best on its fold
    assert of(trial("other", 1.0, {0: 4.5, 1: nan}, "stopped")) == pytest.approx(2.5)
    assert of(trial("other", 1.0, {0: nan}, "stopped")) == inf
    assert of(trial("other", 1.0, {}, "stopped")) == inf
    assert of(trial("other", 1.0, {0: 0.0}, "failed")) == inf
    assert of(trial("other", 1.0, {0: 0.0}, "running")) == inf


def test_without_a_finished_trial_nothing_compares() -> None:
    assert make()._loss(trial("toy", 1.0, {0: 1.0}, "stopped")) == inf
