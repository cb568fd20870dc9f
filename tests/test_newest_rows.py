"""Where folds step forward in time, what is served has learned from the newest rows; what is told of it has not."""

from __future__ import annotations

import runpy
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import r2_score
from sklearn.model_selection import TimeSeriesSplit

from automl import AutoML, evaluate, explain, load
from automl.data.table import ProblemType
from automl.deploy.export import export
from automl.models.registry import FAMILIES
from automl.report.leaderboard import leaderboard_on
from automl.slim import slim
from automl.tuning.journal import Journal
from automl.tuning.store import read_run

ROWS = 320
NEW = pd.DataFrame({"shop": ["new"] * 5, "size": [0.0] * 5})
"""Rows of a shop that opened in the latest block: there the target is 50, elsewhere 20 to 40."""


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    shop = np.where((np.arange(ROWS) >= 250) & (rng.random(ROWS) < 0.8), "new", rng.choice(list("abc"), ROWS))
    size = rng.normal(size=ROWS)
    level = pd.Series(shop).map({"a": 20, "b": 30, "c": 40, "new": 50}).to_numpy()
    y = level + 2 * size + rng.normal(size=ROWS)
    when = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(ROWS), unit="D")
    return pd.DataFrame({"when": when, "shop": shop, "size": size, "y": y})


@pytest.fixture(scope="module")
def model(table: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> AutoML:
    output = tmp_path_factory.mktemp("newest") / "run"
    return AutoML(max_trials=3, folds=3, metric="r2", output=output).fit(table, target="y", time="when")


def on_all_rows(model: AutoML) -> list[bool]:
    """Return whether each member is a model of all rows."""
    count = read_run(model.run_).problem.folds.count
    return [[fold["fold"] for fold in each["folds"]] == [count] for each in model.predictor_.manifest["members"]]


def test_what_is_new_in_the_latest_block_is_known(model: AutoML) -> None:
    assert all(on_all_rows(model))
    assert np.all(np.abs(model.predict(NEW) - 50) < 3)
    assert np.all(np.abs(load(model.run_).predict(NEW) - 50) < 3)


def test_of_two_moments_the_later_is_validated_and_then_learned_from(table: pd.DataFrame, tmp_path: Path) -> None:
    halves = np.repeat([2023, 2024], ROWS // 2)
    model = AutoML(max_trials=2, output=tmp_path / "run").fit(table.drop(columns="when"), target="y", time=halves)
    assert all(on_all_rows(model))
    assert np.all(np.abs(model.predict(NEW) - 50) < 5)


def test_the_score_is_that_of_models_which_had_not_seen_it(model: AutoML, table: pd.DataFrame) -> None:
    latest = table.tail(80)
    assert model.score_.value < 0.5
    for row in model.board_.rows:
        assert row.score is not None
        assert row.score.value == pytest.approx(r2_score(latest["y"], Journal(model.run_).prediction(row.candidate, 0)))
    unseen = model.out_of_fold().tail(80)
    assert r2_score(latest["y"], unseen["prediction"]) == pytest.approx(model.score_.value, abs=0.05)
    low, high = model.predict_interval(NEW).T
    assert np.all(high - low > 20)  # they err by that much at what is new


MODELS = [each for each in FAMILIES if not each.baseline]
QUANTILES = {"quantiles": [0.1, 0.5, 0.9]}


@pytest.mark.parametrize(
    ("family", "options"),
    [
        *((each.name, {}) for each in MODELS),
        *((each.name, QUANTILES) for each in MODELS if ProblemType.QUANTILE in each.problem_types),
    ],
)
def test_every_family_learns_it(table: pd.DataFrame, tmp_path: Path, family: str, options: dict[str, Any]) -> None:
    alone = AutoML(max_trials=1, folds=3, families=(family,), output=tmp_path / "run", **options)
    alone.fit(table, target="y", time="when")
    assert all(on_all_rows(alone))
    predicted = np.asarray(alone.predict(NEW), np.float64).reshape(5, -1)
    assert np.all(np.abs(predicted[:, predicted.shape[1] // 2] - 50) < 6)


def test_logarithms_and_splitters_learn_it(table: pd.DataFrame, tmp_path: Path) -> None:
    amounts = table.assign(y=np.exp(table["y"] / 8))
    model = AutoML(max_trials=5, n_jobs=1, folds=TimeSeriesSplit(3), metric="mae", output=tmp_path / "run")
    model.fit(amounts.drop(columns="when"), target="y")
    assert "log" in {row.params.get("target") for row in model.board_.rows if row.weight > 0}
    assert all(on_all_rows(model))
    assert np.all(np.abs(np.log(model.predict(NEW).astype(float)) * 8 - 50) < 5)


def test_a_resumed_run_goes_on_and_ends_on_all_rows_again(table: pd.DataFrame, tmp_path: Path) -> None:
    first = AutoML(max_trials=1, folds=3, metric="r2", output=tmp_path / "run").fit(table, target="y", time="when")
    before = len(first.board_.rows)
    resumed = AutoML.resume(first.run_, time_budget=6)
    assert len(resumed.board_.rows) > before
    assert all(on_all_rows(resumed))
    assert np.all(np.abs(resumed.predict(NEW) - 50) < 4)


def test_equal_seeds_give_equal_models(model: AutoML, table: pd.DataFrame, tmp_path: Path) -> None:
    again = AutoML(max_trials=3, folds=3, metric="r2", output=tmp_path / "run").fit(table, target="y", time="when")
    np.testing.assert_array_equal(again.predict(table), model.predict(table))


def test_what_is_made_of_a_run_knows_it_too(model: AutoML, table: pd.DataFrame, tmp_path: Path) -> None:
    options, _ = slim(model.run_, tmp_path / "small")
    np.testing.assert_array_equal(options[0].predictor.predict(table), model.predict(table))
    for option in options:
        assert np.all(np.abs(option.predictor.predict(NEW) - 50) < 6), option.name
    trained = [row for row in model.board_.rows if row.family != "constant"]
    for row in trained:
        alone = load(export(model.run_, tmp_path / row.candidate, candidate=row.candidate))
        assert np.all(np.abs(alone.predict(NEW) - 50) < 6)
        assert row.score is not None
        assert alone.score.value == row.score.value
    assert explain(model, NEW).importance().idxmax() == "shop"
    report = evaluate(model, table.tail(40))
    assert report.assessment.scores[0].score.value > 0.9
    tested = {row.candidate: row.test for row in leaderboard_on(model.run_, table.tail(80)).rows}
    for row in trained:  # by the models that were scored
        assert row.score is not None
        assert tested[row.candidate] == pytest.approx(row.score.value)


def test_a_candidate_as_code_returns_a_model_of_all_rows(model: AutoML, table: pd.DataFrame, tmp_path: Path) -> None:
    table.to_csv(tmp_path / "table.csv", index=False)
    read = AutoML(max_trials=1, folds=3, output=tmp_path / "run").fit(tmp_path / "table.csv", target="y", time="when")
    script = runpy.run_path(str(export(read.run_, tmp_path / "code", "code") / "train.py"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the libraries that the script calls
        trained = script["main"](tmp_path / "table.csv")
        predicted = trained.predict(script["features"](NEW.astype({"size": str})))
    assert np.all(np.abs(predicted - 50) < 6)
