"""Monotone and interaction constraints, from the options to the predictor that is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from automl import AutoML, Predictor, load
from automl.errors import UsageError
from automl.tuning.store import read_run

ROWS = 400
TOWNS = [f"town {i}" for i in range(14)]
OPTIONS: dict[str, Any] = {"time_budget": 5, "folds": 3, "n_jobs": 1}
KEEPERS = ("lightgbm", "catboost", "xgboost")
ORDER = {"size": "increasing", "age": "decreasing"}


def rows(number: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 700, number), unit="D")
    numbers = {name: rng.normal(size=number).round(4) for name in ("size", "age", "rooms", "noise")}
    return pd.DataFrame(numbers | {"town": rng.choice(TOWNS, number), "day": days})


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """An amount that rises with the size, as a rule: waves say otherwise, and so does a product."""
    frame, rng = rows(ROWS, 0), np.random.default_rng(1)
    frame.loc[rng.random(ROWS) < 0.05, ["size", "rooms"]] = np.nan
    size, rooms = frame["size"].fillna(0), frame["rooms"].fillna(0)
    signal = size + np.sin(4 * size) - 0.3 * frame["age"] + size * rooms + (frame["town"] < "town 5")
    amount = np.exp(0.7 * signal + 0.3 * rng.normal(size=ROWS))
    return frame.assign(amount=amount, dear=np.where(amount > np.median(amount), "yes", "no"))


def least_step(predictor: AutoML | Predictor, column: str) -> float:
    """Return the least change of predictions of random rows as a column rises, all others fixed."""
    some, grid = rows(60, 2), np.linspace(-4, 4, 50)
    along = some.loc[some.index.repeat(len(grid))].assign(**{column: np.tile(grid, len(some))})
    proba = predictor.problem_type_ == "binary"
    values = predictor.predict_proba(along)[:, 1] if proba else predictor.predict(along).astype(float)
    return float(np.diff(values.reshape(len(some), -1), axis=1).min())


@pytest.fixture(scope="module", params=["rmse", "log_loss"])
def ordered(request: pytest.FixtureRequest, table: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> AutoML:
    target = "dear" if request.param == "log_loss" else "amount"
    frame = table.drop(columns="dear" if target == "amount" else "amount")
    model = AutoML(**OPTIONS, metric=request.param, monotone=ORDER, output=tmp_path_factory.mktemp("ordered") / "run")
    return model.fit(frame, target=target)


def test_the_ensemble_rises_and_falls_as_promised(table: pd.DataFrame, ordered: AutoML) -> None:
    size = least_step(ordered, "size")
    assert size >= -1e-9 * table["amount"].max()
    assert least_step(load(ordered.run_), "size") == size
    some = rows(60, 2)
    assert least_step(ordered, "rooms") < 0
    down = some.loc[some.index.repeat(50)].assign(age=np.tile(np.linspace(4, -4, 50), len(some)))
    values = ordered.predict_proba(down)[:, 1] if ordered.classes_ is not None else ordered.predict(down)
    assert np.diff(values.astype(float).reshape(60, -1), axis=1).min() >= -1e-9 * table["amount"].max()


def test_only_families_that_keep_it_are_trained(ordered: AutoML) -> None:
    assert {"constant", "lightgbm"} <= set(ordered.leaderboard_["family"]) <= {"constant", *KEEPERS}
    assert "failed" not in set(ordered.leaderboard_["status"])


def test_a_resume_keeps_the_promise(ordered: AutoML) -> None:
    before = len(ordered.leaderboard_)
    resumed = AutoML.resume(ordered.run_, time_budget=2)
    assert resumed.monotone == ORDER
    assert len(resumed.leaderboard_) > before
    assert least_step(resumed, "size") >= -1e-6
    assert set(resumed.leaderboard_["family"]) <= {"constant", *KEEPERS}


def test_without_the_promise_the_data_decide(table: pd.DataFrame, tmp_path: Path) -> None:
    model = AutoML(max_trials=1, folds=2, n_jobs=1, output=tmp_path / "run")
    assert least_step(model.fit(table.drop(columns="dear"), target="amount"), "size") < 0


def test_columns_of_different_groups_do_not_act_together(table: pd.DataFrame, tmp_path: Path) -> None:
    """Boosted trees are a sum of functions of the groups; the ensemble of a regression is one, too."""
    frame = table.drop(columns="dear").assign(amount=np.log(table["amount"]))
    model = AutoML(**OPTIONS, interactions=[["size", "age"], ["town"]], output=tmp_path / "run")
    model.fit(frame, target="amount")
    assert set(model.leaderboard_["family"]) <= {"constant", "lightgbm", "xgboost"}
    assert read_run(model.run_).problem.constraints.interactions == (("size", "age"), ("town",))

    def second_difference(a: str, b: str) -> float:
        one, other = rows(100, 3), rows(100, 4)
        changed = [one, one.assign(**{a: other[a]}), one.assign(**{b: other[b]})]
        changed.append(changed[1].assign(**{b: other[b]}))
        none, first, second, both = (model.predict(each).astype(float) for each in changed)
        return float(np.abs(both - first - second + none).max())

    assert second_difference("size", "rooms") < 1e-4
    assert second_difference("town", "day") < 1e-4
    assert second_difference("size", "age") > 1e-4
    assert second_difference("rooms", "day") > 1e-4


@pytest.mark.parametrize(
    ("options", "target", "message"),
    [
        ({"monotone": {"sizes": "increasing"}}, "amount", "'sizes', which is no feature; did you mean 'size'"),
        ({"monotone": {"amount": "increasing"}}, "amount", "'amount', which is no feature"),
        ({"monotone": {"town": "increasing"}}, "amount", "'town' is categorical"),
        ({"monotone": {"size": "up"}}, "amount", "direction of 'size' must be one of increasing, decreasing, got 'up'"),
        ({"monotone": ORDER}, "town", "'town' has 14 classes"),
        ({"interactions": [["size", "rom"]]}, "amount", "'rom', which is no feature"),
        ({"interactions": ["size", "age"]}, "amount", "must be groups"),
        (
            {"monotone": ORDER, "families": "extra_trees"},
            "amount",
            "families extra_trees: none can learn regression with these constraints; these can: lightgbm, catboost",
        ),
    ],
)
def test_what_cannot_be_promised_is_refused(
    table: pd.DataFrame, tmp_path: Path, options: dict[str, Any], target: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        AutoML(**OPTIONS, **options, output=tmp_path / "run").fit(table, target=target)
    assert not (tmp_path / "run").exists()
