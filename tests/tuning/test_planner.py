"""Laws of the planner: order, affordability, repeatability, resume."""

from __future__ import annotations

import random
from dataclasses import replace
from math import inf

import pytest
from toys import Other, Toy

from automl.data.table import ProblemType
from automl.models.base import Shape
from automl.tuning.candidate import Candidate
from automl.tuning.journal import FoldRecord, Trial
from automl.tuning.planner import Next, Planner

SHAPE = Shape(ProblemType.REGRESSION, rows=100, columns=3)


def make(**options: object) -> Planner:
    return Planner([Toy(), Other()], SHAPE, random_state=0, **options)  # type: ignore[arg-type]


def done(candidate: Candidate, loss: float, seconds: float = 0.1) -> Trial:
    return Trial(candidate, {0: record(0, loss, seconds)}, "done")


def take(planner: Planner, count: int) -> list[Candidate]:
    taken = []
    for _ in range(count):
        candidate = planner.propose(inf)
        assert isinstance(candidate, Candidate)
        taken.append(candidate)
        planner.tell(done(candidate, float(len(candidate.id))))
    return taken


def record(fold: int, loss: float, seconds: float) -> FoldRecord:
    return FoldRecord(fold, loss, 0.0, seconds, 0.0, 10, 1, "recipe", {}, 0.0)


def test_the_portfolio_comes_first_and_alternates_between_families() -> None:
    first = take(make(), 3)
    assert [(each.family, each.params["offset"]) for each in first] == [("toy", 0.5), ("other", 2.0), ("toy", 1.0)]
    assert [each.index for each in first] == [0, 1, 2]


def test_the_search_stays_inside_the_space_and_its_conditions() -> None:
    searched = take(make(), 43)[3:]
    assert {each.origin for each in searched} == {"search"}
    assert {each.family for each in searched} == {"toy", "other"}
    for each in searched:
        assert 0 <= float(each.params["offset"]) <= 10
        assert ("scale" in each.params) == (each.params["kind"] == "scaled")
    assert len({each.id for each in searched}) == len(searched)


def test_a_repeatable_search_does_not_depend_on_the_order_of_arrival() -> None:
    def run(seed: int) -> list[str]:
        planner, order, waiting, proposed = make(repeatable=True), random.Random(seed), [], []
        while len(proposed) < 25:
            candidate = planner.propose(inf)
            if candidate is Next.WAIT or (isinstance(candidate, Candidate) and len(waiting) == 3):
                ended = waiting.pop(order.randrange(len(waiting)))
                planner.tell(done(ended, float(ended.params["offset"]), order.random()))
            if isinstance(candidate, Candidate):
                waiting.append(candidate)
                proposed.append(candidate.id)
        return proposed

    assert run(1) == run(2)


def test_max_trials_ends_it() -> None:
    planner = make(max_trials=4)
    take(planner, 4)
    assert planner.propose(inf) is Next.FINISHED


def test_nothing_is_proposed_that_cannot_be_trained_in_time() -> None:
    slow = Candidate("toy", {"offset": 9.0}, "portfolio", 0)
    planner = make(trials=[done(slow, 1.0, 60.0)])
    for _ in range(20):
        candidate = planner.propose(20.0)
        assert isinstance(candidate, Candidate)
        assert candidate.family == "other"
    assert planner.propose(0.5) is Next.FINISHED


def test_a_new_family_needs_the_time_of_its_features() -> None:
    wide = replace(record(0, 1.0, 60.0), feature_seconds=8.0)
    planner = make(trials=[Trial(Candidate("toy", {"offset": 9.0}, "portfolio", 0), {0: wide}, "done")])
    assert [planner.propose(remaining) is Next.FINISHED for remaining in (4.0, 8.1)] == [True, False]


def test_a_trial_that_was_stopped_tells_what_all_its_folds_would_take() -> None:
    slow = Candidate("toy", {"offset": 9.0}, "search", 0)
    planner = make(folds=5, trials=[Trial(slow, {0: record(0, 1.0, 10.0)}, "stopped")])
    assert {each.family for each in (planner.propose(20.0) for _ in range(20)) if isinstance(each, Candidate)} == {
        "other"
    }


@pytest.mark.parametrize("status", ["failed", "running"])
def test_failed_trials_do_not_stop_the_search(status: str) -> None:
    planner = make()
    for _ in range(12):
        candidate = planner.propose(inf)
        assert isinstance(candidate, Candidate)
        planner.tell(Trial(candidate, {}, status))  # type: ignore[arg-type]


@pytest.mark.parametrize("status", ["done", "stopped", "failed"])
def test_a_resumed_run_does_not_repeat_what_has_ended(status: str) -> None:
    before = take(make(), 5)
    trials = [Trial(each, {0: record(0, 1.0, 0.1)}, status) for each in before]  # type: ignore[arg-type]
    planner = make(trials=trials)
    after = take(planner, 5)
    assert not {each.id for each in before} & {each.id for each in after}
    assert [each.index for each in after] == [5, 6, 7, 8, 9]


def test_a_resumed_run_finishes_what_was_running_first() -> None:
    interrupted = Candidate("toy", {"offset": 7.5, "kind": "plain"}, "search", 4)
    planner = make(trials=[Trial(interrupted, {0: record(0, 1.0, 0.1)}, "running")])
    first = planner.propose(inf)
    assert isinstance(first, Candidate)
    assert first.id == interrupted.id
