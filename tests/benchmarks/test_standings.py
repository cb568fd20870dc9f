import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.standings import TIE, compare, elo, elo_intervals, losses, ranks, sizes

tables = st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=1, max_size=12).map(
    lambda rows: pd.DataFrame(rows, columns=["a", "b", "c"])
)


def result(engine: str, name: str, score: float | None, *, metric: str = "rmse", **more: object) -> dict[str, object]:
    found = {"engine": engine, "time": 60, "seed": 0, "busy": 0, "set": name, "metric": metric, "n_train": 500}
    constant = {"rmse": 10.0, "roc_auc": 0.5, "log_loss": 1.0}[metric]
    baselines = {"baseline_constant": constant, "baseline_hgb": constant}
    return found | baselines | ({"error": "no model"} if score is None else {"score": score}) | more


def test_a_loss_is_the_distance_to_the_best_relative_to_the_constant() -> None:
    table = losses([result("ours", "x", 2.0), result("flaml", "x", 4.0), result("h2o", "x", 30.0)])
    assert table.loc["x"].to_dict() == pytest.approx({"ours@60": 0, "flaml@60": 0.25, "h2o@60": 1, "hgb": 1})


def test_greater_is_better_for_roc_auc() -> None:
    table = losses([result(e, "x", s, metric="roc_auc") for e, s in (("ours", 0.9), ("flaml", 0.8))])
    assert table.loc["x", ["ours@60", "flaml@60"]].tolist() == pytest.approx([0, 0.25])


def test_a_failed_run_counts_as_the_constant_prediction() -> None:
    table = losses([result("ours", "x", 2.0), result("flaml", "x", None)])
    assert table.loc["x", "flaml@60"] == 1


def test_a_run_that_is_missing_is_not_a_loss() -> None:
    table = losses([result("ours", "x", 2.0), result("ours", "y", 2.0), result("flaml", "x", 1.0)])
    duel = compare(table, "ours@60", "flaml@60")
    assert (duel.wins, duel.ties, duel.losses) == (0, 0, 1)


def test_seeds_are_averaged() -> None:
    table = losses([result("ours", "x", 1.0, seed=0), result("ours", "x", 3.0, seed=1), result("flaml", "x", 2.0)])
    assert table.loc["x", ["ours@60", "flaml@60"]].tolist() == [0, 0]


def test_budgets_are_contestants_of_their_own() -> None:
    table = losses([result("ours", "x", 1.0), result("flaml", "x", 2.0, time=300), result("h2o", "x", 2.0, busy=4)])
    assert set(table) == {"ours@60", "flaml@300", "h2o@60+busy4", "hgb"}


def test_sizes() -> None:
    rows = {"a": 1_999, "b": 2_000, "c": 19_999, "d": 20_000}
    found = sizes([result("ours", name, 1.0, n_train=count) for name, count in rows.items()])
    assert found.tolist() == ["small", "medium", "medium", "large"]


def test_wins_ties_and_losses() -> None:
    table = pd.DataFrame({"a": [0.0, 0.0, 0.5, 0.0], "b": [0.5, TIE / 2, 0.0, 0.2]})
    duel = compare(table, "a", "b")
    assert str(duel) == "2 / 1 / 1"
    assert duel.share == pytest.approx(2.5 / 4)
    assert duel.low <= duel.share <= duel.high


@given(tables)
def test_a_win_is_a_loss_of_the_other(table: pd.DataFrame) -> None:
    one, other = compare(table, "a", "b"), compare(table, "b", "a")
    assert (one.wins, one.ties, one.losses) == (other.losses, other.ties, other.wins)
    assert one.share == pytest.approx(1 - other.share)


@given(tables)
def test_ranks_share_out_what_there_is(table: pd.DataFrame) -> None:
    assert ranks(table).sum() == pytest.approx(6)


@given(tables)
def test_elo_does_not_know_names_or_orders(table: pd.DataFrame) -> None:
    found = elo(table)
    swapped = elo(table.rename(columns={"a": "c", "c": "a"})[["a", "b", "c"]])
    assert found["a"] == pytest.approx(swapped["c"], abs=1e-3)
    assert found.mean() == pytest.approx(1000)


def test_elo_of_equals_is_equal() -> None:
    assert elo(pd.DataFrame({"a": [0.0, 1.0], "b": [1.0, 0.0]})).tolist() == pytest.approx([1000, 1000])


def test_elo_of_ten_wins_for_each_loss_is_four_hundred_apart() -> None:
    wins = np.r_[np.zeros(10_000), np.ones(1_000)]
    found = elo(pd.DataFrame({"a": wins, "b": 1 - wins}))
    assert found["a"] - found["b"] == pytest.approx(400, abs=1)


def test_elo_intervals_hold_the_rating_and_are_repeatable() -> None:
    table = pd.DataFrame(np.random.default_rng(0).random((12, 3)), columns=["a", "b", "c"])
    intervals, found = elo_intervals(table), elo(table)
    assert ((intervals["low"] <= found) & (found <= intervals["high"])).all()
    pd.testing.assert_frame_equal(intervals, elo_intervals(table))
