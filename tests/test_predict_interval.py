"""Intervals around predicted numbers, through all doors."""

import asyncio
from pathlib import Path
from warnings import catch_warnings

import httpx
import numpy as np
import pandas as pd
import pytest

from automl import AutoML, evaluate, load
from automl.cli import main
from automl.deploy.batch import predict_files
from automl.deploy.server import create_app
from automl.errors import DataWarning, UsageError

DATASETS = Path(__file__).parents[1] / "datasets"


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return pd.read_csv(DATASETS / "diabetes.csv")


@pytest.fixture(scope="module")
def run(frame: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = AutoML(max_trials=2, folds=5, output=tmp_path_factory.mktemp("diabetes") / "run")
    return model.fit(frame.iloc[:300], target=frame.columns[-1]).run_


def post(run: Path, path: str, frame: pd.DataFrame) -> httpx.Response:
    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(create_app(load(run))), base_url="http://a"
        ) as client:
            return await client.post(path, json={"rows": frame.to_dict(orient="records")})

    return asyncio.run(ask())


def test_new_rows_lie_in_them_about_as_often_as_promised(run: Path, frame: pd.DataFrame) -> None:
    new = frame.iloc[300:]
    predictor = load(run)
    y, prediction = new[frame.columns[-1]], predictor.predict(new)
    low, high = predictor.predict_interval(new, 0.8).T
    assert ((low <= y) & (y <= high)).mean() == pytest.approx(0.8, abs=0.1)
    assert (low <= prediction).all()
    assert (prediction <= high).all()


def test_all_doors_give_the_same_bounds(run: Path, frame: pd.DataFrame, tmp_path: Path) -> None:
    new = frame.iloc[300:].drop(columns=frame.columns[-1])
    expected = load(run).predict_interval(new, 0.8)
    new.to_csv(tmp_path / "new.csv", index=False)
    assert (
        main(["predict", str(run), str(tmp_path / "new.csv"), "-o", str(tmp_path / "out.csv"), "--interval", "0.8"])
        == 0
    )
    out = pd.read_csv(tmp_path / "out.csv")
    assert list(out.columns) == ["prediction", "low", "high"]
    np.testing.assert_allclose(out[["low", "high"]], expected)
    answers = post(run, "/predict?interval=0.8", new).json()["predictions"]
    np.testing.assert_allclose([[answer["low"], answer["high"]] for answer in answers], expected)
    assert set(post(run, "/predict", new).json()["predictions"][0]) == {"prediction"}


def test_a_coverage_that_few_rows_cannot_tell_of_is_said(frame: pd.DataFrame, tmp_path: Path) -> None:
    target = frame.columns[-1]
    model = AutoML(max_trials=1, folds=2, output=tmp_path / "run").fit(frame.head(16), target=target)
    said = r"intervals of 95.0% cannot be told from the errors of 16 rows: these hold 88.2% at most"
    for ask in (model.predict_interval, lambda rows, each: model.predictor_.predict_frame(rows, interval=each)):
        with pytest.warns(DataWarning, match=said):
            ask(frame, 0.95)
        with catch_warnings(action="error"):
            ask(frame, 0.88)
    with pytest.warns(DataWarning) as caught:
        predict_files(model.predictor_, DATASETS / "diabetes.csv", tmp_path / "out.csv", interval=0.95)
    assert len(caught) == 1
    report = evaluate(model, frame)
    assert report.assessment.values is not None
    assert [each.share.expected for each in report.assessment.values.intervals] == [0.5, 0.8]


@pytest.mark.parametrize("interval", ["wide", "90", "0", "nan"])
def test_the_endpoint_refuses_what_is_no_probability(run: Path, frame: pd.DataFrame, interval: str) -> None:
    answer = post(run, f"/predict?interval={interval}", frame.head(1))
    assert answer.status_code == 400
    assert "0.9" in answer.json()["detail"]


def test_a_coverage_that_is_no_number_is_refused_by_every_door(run: Path, frame: pd.DataFrame) -> None:
    model, wrong = load(run), "0.9"
    for ask in (model.predict_interval, lambda rows, each: model.predict_frame(rows, interval=each)):
        with pytest.raises(UsageError, match=r"got '0\.9'"):
            ask(frame.head(2), wrong)


def test_classes_have_probabilities_instead(churn_model: AutoML, churn: pd.DataFrame) -> None:
    with pytest.raises(UsageError, match="ask for probabilities"):
        churn_model.predict_interval(churn.head())
