"""What a model's report tells, from Python, and its page."""

from __future__ import annotations

import json
from dataclasses import replace
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pages import EVIL, Page, needs_nothing_else
from sklearn import metrics as sk

from automl import AutoML, ModelReport, ReadOptions, evaluate
from automl.data.table import ProblemType, Task
from automl.errors import DataError, UsageError
from automl.evaluation.assessment import assess
from automl.evaluation.decision import Decision
from automl.evaluation.interval import Score
from automl.evaluation.metrics import get_metric
from automl.predictor import Predictor

DATASETS = Path(__file__).parents[2] / "datasets"
TINY: dict[str, Any] = {"max_trials": 2, "folds": 3, "n_jobs": 1}


def evil(rows: int = 400, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows)
    label = np.where(x + rng.normal(size=rows) > 0, EVIL, "<b>no</b>")
    return pd.DataFrame({EVIL: x.round(3), "z": rng.normal(size=rows), "<y>": label})


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    return AutoML(**TINY, output=tmp_path_factory.mktemp("evil") / "run").fit(evil(), target="<y>").predictor_


@pytest.fixture(scope="module")
def report(model: Predictor) -> ModelReport:
    return evaluate(model, evil(seed=1))


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Predictor, pd.DataFrame]:
    frame = pd.read_csv(DATASETS / "diabetes.csv")
    model = AutoML(**TINY, output=tmp_path_factory.mktemp("diabetes") / "run")
    return model.fit(frame.iloc[:300], target=frame.columns[-1]).predictor_, frame.iloc[300:]


def scores(report: ModelReport) -> dict[str, float]:
    return {each.name: each.score.value for each in report.assessment.scores}


def test_new_rows_score_as_was_expected(model: Predictor, report: ModelReport) -> None:
    new = evil(seed=1)
    auc = sk.roc_auc_score(new["<y>"] == model.task.classes[1], model.predict_proba(new)[:, 1])
    assert next(iter(scores(report).items())) == ("roc_auc", pytest.approx(auc))
    assert scores(report)["accuracy"] == pytest.approx((model.predict(new) == new["<y>"]).mean())
    assert report.comparison is not None
    assert report.comparison.inside
    assert report.comparison.reported == model.score
    assert f"lies inside the {model.score.low:.4g} to {model.score.high:.4g} expected" in report.verdict


def test_rows_without_a_target_or_a_weight_do_not_count(model: Predictor) -> None:
    new = evil(seed=1)
    part = new.assign(w=np.where(np.arange(400) < 300, 1.0, 0.0))
    part.loc[:99, "<y>"] = None
    found = evaluate(model, part, weight="w")
    assert (found.rows, found.left_out, found.weighted) == (200, 200, True)
    assert scores(found) == pytest.approx(scores(evaluate(model, new.iloc[100:300])), nan_ok=True)
    assert scores(evaluate(model, new, weight=np.arange(400))) != pytest.approx(scores(evaluate(model, new)))


def test_files_are_read_as_in_training_but_for_what_is_said(
    model: Predictor, report: ModelReport, tmp_path: Path
) -> None:
    evil(seed=1).to_csv(tmp_path / "new.csv", index=False)
    found = evaluate(model, tmp_path / "new.csv")
    assert (found.name, scores(found)) == ("new.csv", scores(report))
    evil(seed=1).to_csv(tmp_path / "other.csv", index=False, decimal=",", sep=";")
    assert scores(evaluate(model, tmp_path / "other.csv", read=ReadOptions(sep=";", decimal=","))) == scores(report)


def test_a_surprise_is_said_and_told_from_luck(model: Predictor) -> None:
    def verdict(low: float, high: float) -> str:
        return evaluate(replace(model, score=Score((low + high) / 2, low, high)), evil(seed=1)).verdict

    assert verdict(0.2, 0.4).endswith(
        "than the 0.2 to 0.4 expected after training: was the model trained on these rows?"
    )
    assert "is worse than the 0.98 to 0.99" in verdict(0.98, 0.99)
    assert verdict(0.98, 0.99).endswith("do these rows differ from those it was trained on?")
    value = scores(evaluate(model, evil(seed=1)))["roc_auc"]
    assert "but these rows leave it open" in verdict(value + 0.001, 0.99)
    assert "cannot be compared" in verdict(nan, nan)


def test_one_class_alone_has_what_is_defined(model: Predictor) -> None:
    new = evil(seed=1)
    found = evaluate(model, new[new["<y>"] == EVIL])
    assert np.isnan(scores(found)["roc_auc"])
    assert scores(found)["log_loss"] > 0
    assert "cannot be compared" in found.verdict
    assert needs_nothing_else(found.to_html())
    assert found.to_json()["inside"] is None


def test_a_metric_of_your_own_is_compared_where_its_code_is_given(model: Predictor) -> None:
    def gain(y: np.ndarray, prediction: np.ndarray) -> float:
        return float(np.where(y == 1, prediction[:, 1], 0).sum())

    own = replace(model, metric="shop:gain")
    found = evaluate(own, evil(seed=1))
    assert found.comparison is None
    assert "'shop:gain', whose code it does not hold" in found.verdict
    assert needs_nothing_else(found.to_html())
    gain.__module__, gain.__qualname__ = "shop", "gain"
    assert next(iter(scores(evaluate(own, evil(seed=1), metric=gain)))) == "shop:gain"
    with pytest.raises(UsageError, match="optimises 'shop:gain', not 'f1'"):
        evaluate(own, evil(seed=1), metric="f1")
    assert "optimised a cost matrix, which it does not hold" in evaluate(replace(model, metric="cost"), evil()).verdict
    costs = {EVIL: {"<b>no</b>": 5}, "<b>no</b>": {EVIL: 1}}
    assert next(iter(scores(evaluate(replace(model, metric="cost"), evil(), cost_matrix=costs)))) == "cost"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda new: new.drop(columns="<y>"), "there is no column '<y>'"),
        (lambda new: new.assign(**{"<y>": None}), "no row has a value of the target '<y>'"),
        (lambda new: new.assign(**{"<y>": "maybe"}), "'maybe' is no class of the target"),
        (lambda new: new.drop(columns="z"), "'z'"),
    ],
)
def test_what_is_wrong_is_said(model: Predictor, change: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        evaluate(model, change(evil(seed=1)))


def test_json_holds_everything(report: ModelReport) -> None:
    plain = report.to_json()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert plain["assessment"]["classes"]["reliability"]["error"] < 0.2
    assert [each["name"] for each in plain["assessment"]["scores"]] == list(scores(report))
    assert plain["reported"]["low"] < plain["reported"]["value"]


def test_the_page_needs_nothing_else_and_escapes_what_it_shows(report: ModelReport) -> None:
    page = report.to_html()
    parsed = Page(page)
    assert needs_nothing_else(page)
    assert "<script" not in page
    assert "<b>no" not in page
    assert sum(EVIL in text for text in parsed.text) > 3
    assert {"calibration", "decisions", "curves", "metrics"} <= set(parsed.ids)
    assert page.count("<svg") == 3
    assert report._repr_html_().startswith("<iframe srcdoc=")


def test_numbers_have_their_own_parts(numbers: tuple[Predictor, pd.DataFrame]) -> None:
    model, new = numbers
    found = evaluate(model, new)
    assert found.assessment.values is not None
    for each in found.assessment.values.intervals:
        assert each.share.low - 0.1 < each.share.expected < each.share.high + 0.1
    page = found.to_html()
    assert needs_nothing_else(page)
    assert {"errors", "intervals", "metrics"} <= set(Page(page).ids)
    assert page.count("<svg") == 2
    older = evaluate(replace(model, residuals=None), new).to_html()
    assert needs_nothing_else(older)
    assert "intervals" not in Page(older).ids


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_few_rows_are_enough(rows: int, model: Predictor, numbers: tuple[Predictor, pd.DataFrame]) -> None:
    for each, table in ((model, evil(seed=1)), numbers):
        assert needs_nothing_else(evaluate(each, table.head(rows)).to_html())


def test_quantiles_have_the_share_below_each(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    frame = pd.DataFrame({"x": x, "y": x + rng.normal(size=400)})
    model = AutoML(**TINY | {"max_trials": 1}, quantiles=(0.1, 0.9), output=tmp_path / "run").fit(
        frame[:300], target="y"
    )
    found = evaluate(model.predictor_, frame[300:])
    assert [each.expected for each in found.assessment.levels] == [0.1, 0.9]
    assert needs_nothing_else(found.to_html())
    assert "quantiles" in Page(found.to_html()).ids


def test_of_many_classes_the_most_frequent_are_drawn(report: ModelReport) -> None:
    rng = np.random.default_rng(0)
    task = Task("y", ProblemType.MULTICLASS, "", tuple(f"class {i:03}" for i in range(120)))
    y, raw = rng.integers(0, 120, 2_000), rng.dirichlet(np.ones(120), 2_000)
    found = assess(task, y, raw, [get_metric("log_loss", task.problem_type)], decision=Decision())
    page = replace(report, task=task, assessment=found).to_html()
    assert needs_nothing_else(page)
    assert "The 20 most frequent classes" in page
    assert "20 further classes" in page
    assert page.count("<svg") == 1
