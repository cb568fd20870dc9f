"""Quantiles of a target of numbers, through all doors."""

import asyncio
import json
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
import pytest

from automl import AutoML, load
from automl.cli import main
from automl.config import FitConfig
from automl.deploy.server import create_app
from automl.errors import DataError, UsageError

DATASETS = Path(__file__).parents[1] / "datasets"
LEVELS = (0.1, 0.5, 0.9)
NAMES = ["q0.1", "q0.5", "q0.9"]


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return pd.read_csv(DATASETS / "diabetes.csv")


@pytest.fixture(scope="module")
def model(frame: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> AutoML:
    model = AutoML(max_trials=3, folds=5, quantiles=(0.9, 0.1, 0.5), output=tmp_path_factory.mktemp("quantile") / "run")
    return model.fit(frame.iloc[:300], target=frame.columns[-1])


def test_levels_cover_their_share_of_new_rows(model: AutoML, frame: pd.DataFrame) -> None:
    new = frame.iloc[300:]
    y, predicted = new.iloc[:, -1].to_numpy(), model.predict(new)
    assert predicted.shape == (len(new), 3)
    assert (np.diff(predicted, axis=1) >= 0).all()
    np.testing.assert_allclose((y[:, None] <= predicted).mean(axis=0), LEVELS, atol=0.12)
    np.testing.assert_allclose(model.predictor_.coverage, LEVELS, atol=0.05)


def test_it_is_scored_by_the_mean_pinball_loss(model: AutoML, frame: pd.DataFrame) -> None:
    assert (model.problem_type_, model.metric_) == ("quantile", "pinball")
    assert model.predictor_.task.levels == LEVELS
    board = model.leaderboard_.set_index("family").score
    assert model.score_.value < 0.8 * board["constant"]
    new = frame.iloc[300:]
    scores = model.evaluate(new)
    error = new.iloc[:, -1].to_numpy()[:, None] - model.predict(new)
    expected = np.maximum(np.array(LEVELS) * error, (np.array(LEVELS) - 1) * error).mean()
    assert scores["pinball"] == pytest.approx(expected)
    assert 0 < scores["d2_pinball"] < 1
    assert scores["coverage_error"] < 0.1


def test_it_is_kept_and_read(
    model: AutoML, frame: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = frame.iloc[300:305].drop(columns=frame.columns[-1])
    expected = model.predict(rows)
    loaded = load(model.run_)
    assert loaded.coverage == model.predictor_.coverage
    np.testing.assert_array_equal(loaded.predict(rows), expected)
    answer = loaded.predict_frame(rows)
    assert list(answer.columns) == NAMES
    np.testing.assert_array_equal(answer.to_numpy(), expected)
    rows.to_csv(tmp_path / "new.csv", index=False)
    assert main(["predict", str(model.run_), str(tmp_path / "new.csv")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "q0.1,q0.5,q0.9"
    np.testing.assert_allclose([[float(cell) for cell in line.split(",")] for line in lines[1:]], expected)


def test_the_endpoint_answers_and_describes_each_level(model: AutoML, frame: pd.DataFrame) -> None:
    rows = frame.iloc[300:305].drop(columns=frame.columns[-1])
    app = create_app(load(model.run_))

    async def ask() -> tuple[httpx.Response, httpx.Response, httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://a") as client:
            body = {"rows": rows.to_dict(orient="records")}
            asked = await client.post("/predict", json=body), await client.post("/predict?interval=0.9", json=body)
            return *asked, await client.get("/openapi.json")

    answered, interval, described = asyncio.run(ask())
    assert [list(row) for row in answered.json()["predictions"]] == [NAMES] * len(rows)
    np.testing.assert_allclose([list(row.values()) for row in answered.json()["predictions"]], model.predict(rows))
    assert interval.status_code == 400
    operation = described.json()["paths"]["/predict"]["post"]
    assert [parameter["name"] for parameter in operation["parameters"]] == ["reasons"]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    item = schema["properties"]["predictions"]["items"]
    assert item["required"] == NAMES
    assert list(item["properties"]) == [*NAMES, "explained", "reasons"]


def test_a_run_goes_on_with_its_levels(model: AutoML) -> None:
    again = AutoML.resume(model.run_)
    assert again.quantiles == LEVELS
    assert again.score_ == model.score_


def test_what_needs_one_value_or_classes_is_refused(model: AutoML, frame: pd.DataFrame) -> None:
    with pytest.raises(UsageError, match=r"intervals need one value a row, but this model predicts q0.1, q0.5, q0.9"):
        model.predict_interval(frame)
    with pytest.raises(UsageError, match="probabilities need classes"):
        model.predictor_.predict_frame(frame, proba=True)
    words = frame.assign(word=["low", "high"] * (len(frame) // 2))
    with pytest.raises(DataError, match="quantile needs a target of numbers, 'word' has"):
        AutoML(problem_type="quantile", max_trials=1).fit(words, target="word")


def test_levels_are_numbers_between_0_and_1_in_order() -> None:
    assert FitConfig(problem_type="quantile").quantiles == LEVELS
    config = FitConfig(quantiles=["0.9", ".5", "0.5"])
    assert (config.problem_type, config.quantiles) == ("quantile", (0.5, 0.9))
    assert FitConfig.from_json(json.loads(json.dumps(config.to_json()))) == config
    for wrong in ((), (0.0, 0.5), (1.5,), ("half",), 0.5):
        with pytest.raises(UsageError, match="quantiles must be numbers between 0 and 1"):
            FitConfig(quantiles=wrong)
    with pytest.raises(UsageError, match="quantiles need the problem type quantile, got binary; leave out one of them"):
        FitConfig(quantiles=(0.5,), problem_type="binary")


def test_quantiles_have_metrics_of_their_own(frame: pd.DataFrame) -> None:
    with pytest.raises(UsageError, match="'rmse' is for regression problems, this one is quantile; choose one of pinb"):
        AutoML(quantiles=(0.5,), metric="rmse", max_trials=1).fit(frame, target=frame.columns[-1])
