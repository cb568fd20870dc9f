"""The preset that keeps what is cheap to serve."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from automl import AutoML, load
from automl.config import FAST_MEMBERS
from automl.data.table import ProblemType
from automl.ensemble import choose_blend
from automl.evaluation.metrics import get_metric
from automl.slim import Wanted, slim


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(300, 3)), columns=list("abc")).assign(d=rng.choice(list("xyz"), 300))
    return frame.assign(y=frame["a"] * 2 + frame["b"] ** 2 + (frame["d"] == "x") + rng.normal(0, 0.5, 300))


@pytest.fixture(scope="module")
def model(table: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> AutoML:
    run = tmp_path_factory.mktemp("fast") / "run"
    return AutoML(preset="fast", max_trials=4, folds=3, output=run).fit(table, target="y")


def test_one_model_of_each_of_few_candidates_is_served(model: AutoML, table: pd.DataFrame) -> None:
    members = load(model.run_).manifest["members"]
    assert 1 <= len(members) <= FAST_MEMBERS
    assert [len(each["folds"]) for each in members] == [1] * len(members)
    board = model.leaderboard_
    assert (board["folds"] == 3).sum() > FAST_MEMBERS
    np.testing.assert_array_equal(load(model.run_).predict(table), model.predict(table))


def test_it_is_brought_into_its_quick_form(model: AutoML) -> None:
    manifest = load(model.run_).manifest
    assert len(manifest["quick"]) == len(manifest["members"])


@pytest.mark.slow  # ten seconds of measuring
def test_it_can_be_slimmed_from_all_folds(model: AutoML, tmp_path: Path) -> None:
    options, chosen = slim(model.run_, tmp_path / "small", Wanted(row_ms=1e6))
    assert {len(each["folds"]) for each in options[0].predictor.manifest["members"]} == {3}
    served = next(option for option in options if option.name.endswith("one model each"))
    assert served.score.value == pytest.approx(model.score_.value, rel=0.05)  # which is cross-fitted over members, too
    assert chosen.name in {option.name for option in options}


def test_no_cross_fitted_blend_has_more_members() -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=200)
    predictions = [y + rng.normal(size=200) for _ in range(8)]
    metric, fold_of_row = get_metric("rmse", ProblemType.REGRESSION), np.arange(200) % 4
    free, _ = choose_blend(predictions, y, metric, fold_of_row)
    blend, honest = choose_blend(predictions, y, metric, fold_of_row, max_members=2)
    assert np.count_nonzero(free.weights) > 2
    assert np.count_nonzero(blend.weights) == 2
    assert metric.loss(y, honest) > metric.loss(y, blend(predictions)) * 0.9
