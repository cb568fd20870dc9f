from math import inf, isclose

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.data.table import ProblemType
from automl.deadline import Deadline
from automl.models.base import FitContext, Shape
from automl.models.boosting import FASTEST, IDLE, RoundControl, boost, linked, patience
from automl.models.xgboost import XGBoost

RATES = st.floats(1e-3, FASTEST)
SHAPE = Shape(ProblemType.REGRESSION, 1_000, 3)


def simulate(control, seconds, budget, loss=lambda n: 1 / n):
    """Run the control against a clock of its own; return the seconds spent."""
    spent, going = 0.0, True
    while going:
        spent += seconds
        going = control.record(loss(control.rounds + 1), seconds, budget - spent)
    return spent


@settings(deadline=None, max_examples=60)
@given(RATES, st.floats(1e-3, 2.0), st.floats(0.1, 100.0), st.floats(0.0, 0.1))
def test_a_steady_booster_never_overruns(rate, seconds, budget, closing):
    control = RoundControl(rate, 1_000, 10.0, closing=closing)
    spent = simulate(control, seconds, budget)
    overrun = spent + closing * control.rounds - budget
    assert overrun <= 1e-9 or control.rounds == 1
    assert rate <= control.learning_rate <= FASTEST


@settings(deadline=None, max_examples=60)
@given(RATES, st.floats(1e-3, 0.1), st.floats(2.0, 50.0))
def test_the_distance_is_covered_in_time_if_the_fastest_rate_can(rate, seconds, budget):
    control = RoundControl(rate, 1_000, 10.0)
    planned, possible = control.distance, FASTEST * (budget / seconds - 10)
    simulate(control, seconds, budget, loss=lambda n: -n)
    assert control.covered >= 0.9 * min(planned, possible) or control.rounds == control.most_rounds


@settings(deadline=None, max_examples=30)
@given(RATES, st.lists(st.floats(0.0, 10.0), min_size=1, max_size=200))
def test_without_a_deadline_the_clock_changes_nothing(rate, durations):
    quick, slow = RoundControl(rate, 1_000, 10.0), RoundControl(rate, 1_000, 10.0)
    for number, seconds in enumerate(durations):
        loss = abs(number - 50)
        assert quick.record(loss, 0.0, inf) == slow.record(loss, seconds, inf)
    assert (quick.learning_rate, quick.best_rounds, quick.stopped) == (rate, slow.best_rounds, slow.stopped)


@settings(deadline=None, max_examples=60)
@given(RATES, st.integers(1, 10**7), st.integers(0, 10_000))
def test_patience_falls_with_rows_and_rate_and_grows_with_the_best_round(rate, rows, best):
    assert 20 <= patience(rate, rows, best) <= max(300, best)
    assert patience(rate, 2 * rows, best) <= patience(rate, rows, best)
    assert patience(2 * rate, rows, best) <= patience(rate, rows, best)
    assert patience(rate, rows, best + 100) >= patience(rate, rows, best)


def test_the_best_round_is_kept_and_waiting_ends():
    control = RoundControl(0.3, 1_000, 10.0)
    simulate(control, 0.0, inf, loss=lambda n: abs(n - 30))
    assert (control.best_rounds, control.rounds, control.stopped) == (30, 50, "early")


def test_a_loss_that_is_never_finite_keeps_the_first_round():
    control = RoundControl(0.1, 1_000, 10.0)
    simulate(control, 0.0, inf, loss=lambda n: inf)
    assert (control.best_rounds, control.stopped) == (1, "early")


def test_all_rounds_that_are_allowed():
    control = RoundControl(0.1, 1_000, 10.0, most_rounds=70)
    simulate(control, 0.0, inf)
    assert (control.rounds, control.stopped) == (70, "rounds")
    assert isclose(control.share, 1.0)


def test_a_booster_that_cannot_learn_faster_stops_at_the_deadline():
    control = RoundControl(0.01, 1_000, 10.0, adapts=False)
    simulate(control, 1.0, 30.0)
    assert (control.learning_rate, control.rounds, control.stopped) == (0.01, 30, "deadline")


class Staircase:
    """A booster whose loss falls each round that grows a tree."""

    def __init__(self, barren=frozenset()):
        self.calls, self.grown, self.rates, self.barren = 0, 0, [], barren

    def advance(self):
        self.calls += 1
        if self.calls in self.barren:
            return None
        self.grown += 1
        return 1 / self.grown

    def set_learning_rate(self, learning_rate):
        self.rates.append(learning_rate)

    def prediction(self):
        return np.full(2, float(self.grown))


def reports(rounds, control, context):
    return [(report.rung, report.prediction[0]) for report in boost(rounds, control, context)]


def test_rungs_are_reported_once_in_order():
    rounds, control = Staircase(), RoundControl(0.1, 1_000, 10.0, most_rounds=200)
    assert reports(rounds, control, FitContext(SHAPE, rungs=(0.125, 0.25, 1.0))) == [(0, 13), (1, 25), (2, 100)]


def test_a_few_rounds_without_a_tree_are_passed_over():
    rounds, control = Staircase(barren={2, 5, 6}), RoundControl(0.1, 1_000, 10.0, most_rounds=20)
    assert reports(rounds, control, FitContext(SHAPE)) == []
    assert (rounds.calls, rounds.grown, control.rounds, control.stopped) == (23, 20, 20, "rounds")


def test_training_ends_when_no_tree_grows_any_more():
    rounds, control = Staircase(barren=frozenset(range(4, 1_000))), RoundControl(0.1, 1_000, 10.0)
    assert reports(rounds, control, FitContext(SHAPE)) == []
    assert (rounds.calls, control.rounds, control.stopped) == (3 + IDLE, 3, "early")


def test_one_round_is_trained_after_the_deadline():
    rounds, control = Staircase(), RoundControl(0.1, 1_000, 10.0)
    assert reports(rounds, control, FitContext(SHAPE, deadline=Deadline.after(-5))) == []
    assert (rounds.grown, control.best_rounds, control.stopped) == (1, 1, "deadline")


def test_linked_margins_sum_to_one():
    margins = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    np.testing.assert_allclose(linked(margins, classification=True).sum(axis=1), 1, atol=1e-15)
    np.testing.assert_allclose(linked(margins[:, 0], classification=True).sum(axis=1), 1, atol=1e-15)
    assert linked(margins[:, 0], classification=False).dtype == np.float64


@given(st.integers(3, 1_000))
def test_a_preview_of_many_classes_grows_about_as_many_trees_as_one_of_few(classes):
    few, many = (
        XGBoost().preview(Shape(ProblemType.MULTICLASS, 1_000, 5, each))["max_rounds"] for each in (3, classes)
    )
    assert XGBoost().preview(Shape(ProblemType.REGRESSION, 1_000, 5))["max_rounds"] == few
    assert 10 <= many <= few
    assert many * classes <= max(10 * few, 10 * classes)
