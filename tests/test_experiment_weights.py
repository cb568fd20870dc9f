"""Weights, the positive class, thresholds and costs, from the table to the predictor on disk."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from automl import AutoML, evaluate, load
from automl.cli import main
from automl.errors import DataError, DataWarning, UsageError
from automl.tuning.store import read_run

ROWS = 1_000
TINY: dict[str, Any] = {"max_trials": 2, "folds": 3, "n_jobs": 1}


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """A rare class that two columns tell of, and weights that know the first rows to be of no use."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(ROWS, 3))
    rare = X[:, 0] + X[:, 1] + 1.5 * rng.normal(size=ROWS) > 2.8
    weight = np.where(np.arange(ROWS) < 100, 0.0, rng.integers(1, 4, ROWS))
    return pd.DataFrame(X, columns=list("abc")).assign(bought=np.where(rare, "buy", "pass"), w=weight)


@pytest.fixture(scope="module")
def weighted(table: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> AutoML:
    output = tmp_path_factory.mktemp("weighted") / "run"
    model = AutoML(**TINY, metric="f1", positive="buy", output=output)
    return model.fit(table, target="bought", weight="w")


def test_the_positive_class_is_the_last_name_and_what_f1_is_about(table: pd.DataFrame, weighted: AutoML) -> None:
    assert weighted.classes_ is not None
    assert weighted.classes_.tolist() == ["buy", "pass"]
    shares = weighted.predict_proba(table)
    assert shares[table["bought"] == "buy", 0].mean() > shares[table["bought"] == "pass", 0].mean()
    named = weighted.predictor_.predict_frame(table, proba=True)
    assert list(named) == ["prediction", "probability_pass", "probability_buy"]
    np.testing.assert_array_equal(named[["probability_buy", "probability_pass"]], shares)
    f1 = sk.f1_score(table["bought"], weighted.predict(table), pos_label="buy", sample_weight=table["w"])
    assert weighted.evaluate(table)["f1"] == pytest.approx(f1)
    recall = sk.recall_score(table["bought"], weighted.predict(table), pos_label="buy", sample_weight=table["w"])
    assert weighted.evaluate(table)["recall"] == pytest.approx(recall)
    assert weighted.evaluate(table.drop(columns="w"))["f1"] != pytest.approx(f1)


def test_the_threshold_is_part_of_the_predictor(table: pd.DataFrame, weighted: AutoML) -> None:
    decision = weighted.predictor_.decision
    assert decision.threshold is not None
    assert 0 < decision.threshold < 0.5
    loaded = load(weighted.run_)
    assert loaded.decision == decision
    expected = np.where(loaded.predict_proba(table)[:, 0] >= decision.threshold, "buy", "pass")
    assert loaded.predict(table).tolist() == expected.tolist()
    assert loaded.predict_frame(table)["prediction"].tolist() == expected.tolist()
    assert decision.describe(loaded.task.classes).startswith("predicts 'buy' from a probability of 0.")


def test_the_score_of_the_threshold_is_honest(weighted: AutoML) -> None:
    """It is not above what the threshold reaches on the rows that it was chosen on."""
    assert weighted.score_.low < weighted.score_.value < weighted.evaluate(table_of(weighted))["f1"]


def table_of(model: AutoML) -> pd.DataFrame:
    problem = read_run(model.run_).problem
    labels = np.array(problem.task.classes)[problem.y.astype(int)]
    return problem.frame.assign(bought=labels)


def test_weights_are_kept_for_a_resume_and_are_no_feature(table: pd.DataFrame, weighted: AutoML) -> None:
    stored = read_run(weighted.run_)
    assert stored.about.weight == "w"
    assert stored.problem.weight is not None
    assert stored.problem.weight == pytest.approx(table["w"][100:] / table["w"][100:].mean())
    assert "w" not in [column.name for column in weighted.predictor_.schema.columns]
    resumed = AutoML.resume(weighted.run_, time_budget=2)
    assert (resumed.metric_, resumed.get_params()["positive"]) == ("f1", "buy")
    assert resumed.evaluate(table)["f1"] > 0


def test_what_is_scored_later_is_weighed_as_in_training(table: pd.DataFrame, weighted: AutoML, tmp_path: Path) -> None:
    """As by ``fit --test`` and ``leaderboard --test``; where that cannot be, it is said."""
    known, bare = table[table["w"] > 0], table.drop(columns="w")
    model = weighted.predictor_  # the run has been resumed
    expected = sk.f1_score(known["bought"], model.predict(known), pos_label="buy", sample_weight=known["w"])
    report = evaluate(model, table)
    assert report.assessment.scores[0].score.value == weighted.evaluate(table)["f1"] == pytest.approx(expected)
    assert weighted.score(table) == weighted.evaluate(table)["f1"]
    assert (report.weighted, report.weighing) == (True, "rows count by 'w', as in training")
    assert weighted.leaderboard(table)["test"].notna().any()
    missing = "rows count alike here, in training by 'w', which this table lacks"
    report = evaluate(model, bare)
    assert (report.weighted, report.weighing) == (False, missing)
    assert report.assessment.scores[0].score.value != pytest.approx(expected)
    assert f"R{missing[1:]}." in report.to_html().replace("&#39;", "'")
    for score in (weighted.evaluate, weighted.leaderboard):
        with pytest.warns(DataWarning, match=missing):
            score(bare)
    bare.to_csv(tmp_path / "bare.csv", index=False)
    with pytest.warns(DataWarning) as caught:
        assert main(["leaderboard", str(weighted.run_), "--test", str(tmp_path / "bare.csv")]) == 0
    assert warnings.formatwarning(caught[0].message, DataWarning, "", 0) == f"warning: {missing}\n"
    assert evaluate(model, table, weight=np.ones(len(table))).weighing == "rows count by the weights given"


def test_weights_that_were_no_column_are_known_of(table: pd.DataFrame, tmp_path: Path) -> None:
    model = AutoML(**TINY | {"max_trials": 1}, output=tmp_path / "run")
    model.fit(table.drop(columns=["w", "bought"]), table["bought"], sample_weight=table["w"].fillna(0))
    report = evaluate(load(model.run_), table)
    assert report.weighing == "rows count alike here, in training by weights that were no column"


def test_rows_of_no_weight_are_not_there_and_the_unit_does_not_matter(table: pd.DataFrame, tmp_path: Path) -> None:
    few = table.assign(w=np.where(np.arange(ROWS) < 150, 0.0, 2.5))
    there = AutoML(**TINY, output=tmp_path / "a").fit(few, target="bought", weight="w")
    gone = AutoML(**TINY, output=tmp_path / "b").fit(few.tail(ROWS - 150).drop(columns="w"), target="bought")
    np.testing.assert_array_equal(there.predict_proba(table), gone.predict_proba(table))
    assert there.score_ == gone.score_


def test_class_weights_make_a_class_likelier(table: pd.DataFrame, tmp_path: Path) -> None:
    options = {**TINY, "metric": "roc_auc", "positive": "buy"}
    frame = table.drop(columns="w")
    plain = AutoML(**options, output=tmp_path / "a").fit(frame, target="bought")
    balanced = AutoML(**options, class_weight="balanced", output=tmp_path / "b").fit(frame, target="bought")
    rows = [json_of(model, "lightgbm") for model in (plain, balanced)]
    assert rows[1] > 1.5 * rows[0]
    assert balanced.predict_proba(frame)[:, 0].mean() > 1.5 * plain.predict_proba(frame)[:, 0].mean()
    assert AutoML.resume(balanced.run_, time_budget=2).get_params()["class_weight"] == "balanced"


def json_of(model: AutoML, family: str) -> float:
    """Return the mean out-of-fold probability of the positive class by the first trial of a family."""
    place = sorted(model.run_.glob(f"trials/{family}-*/fold-0/prediction.npy"))[0]
    return float(np.load(place)[:, 1].mean())


def test_costs_decide(table: pd.DataFrame, tmp_path: Path) -> None:
    costs = {"buy": {"pass": 20}, "pass": {"buy": 1}}
    model = AutoML(**TINY, cost_matrix=costs, output=tmp_path / "run").fit(table, target="bought")
    assert model.metric_ == "cost"
    assert 0 <= model.score_.value < 1
    assert (model.predict(table) == "buy").mean() > 1.5 * (table["bought"] == "buy").mean()
    assert load(model.run_).decision == model.predictor_.decision


def test_several_classes_have_multipliers(table: pd.DataFrame, tmp_path: Path) -> None:
    frame = table.drop(columns="w").assign(bought=np.digitize(table["a"] + 0.5 * table["b"], [1.2, 2.2]))
    frame["a"] += np.random.default_rng(1).normal(size=ROWS)
    model = AutoML(**TINY, metric="balanced_accuracy", output=tmp_path / "run").fit(frame, target="bought")
    multipliers = model.predictor_.decision.multipliers
    assert multipliers[0] < multipliers[1] < multipliers[2]
    loaded = load(model.run_)
    assert loaded.decision == model.predictor_.decision
    expected = (loaded.predict_proba(frame) * multipliers).argmax(axis=1)
    assert loaded.predict(frame).tolist() == expected.tolist()
    assert model.evaluate(frame)["balanced_accuracy"] == pytest.approx(
        sk.balanced_accuracy_score(frame["bought"], expected)
    )


def test_accuracy_of_a_rare_class_is_warned_of(table: pd.DataFrame, tmp_path: Path) -> None:
    said: list[str] = []
    options = TINY | {"max_trials": 1, "metric": "accuracy"}
    model = AutoML(**options, output=tmp_path / "run", on_progress=lambda each: said.append(each.message or ""))
    model.fit(table, target="bought")
    assert any("'pass', so accuracy says little of the others" in message for message in said)


@pytest.mark.parametrize(
    ("options", "weight", "error", "message"),
    [
        ({}, [-1.0] * ROWS, DataError, "'weight' has '-1' in row 1"),
        ({}, [1.0] * 3, DataError, "weight must have one value a row"),
        ({}, "v", DataError, "no column 'v'"),
        ({"positive": "sell"}, None, UsageError, "the positive class names 'sell', which is no class"),
        ({"class_weight": "even"}, None, UsageError, "balanced or such as"),
        ({"metric": "rmse"}, None, UsageError, "is for regression problems"),
        ({"metric": lambda y, p: 0.0}, np.arange(ROWS) + 1, UsageError, "no third parameter for the weights"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(
    table: pd.DataFrame, tmp_path: Path, options: dict[str, Any], weight: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        AutoML(**TINY, **options, output=tmp_path / "run").fit(table, target="bought", weight=weight)
    assert not (tmp_path / "run").exists()


def test_a_metric_of_ones_own_is_given_again_for_a_resume(table: pd.DataFrame, tmp_path: Path) -> None:
    def hits(y: Any, prediction: Any) -> float:
        return float((prediction.argmax(axis=1) == y).mean())

    model = AutoML(**TINY | {"max_trials": 1}, metric=hits, output=tmp_path / "run").fit(table, target="bought")
    assert model.metric_.endswith("hits")
    assert model.score_.value > 0.5
    with pytest.raises(UsageError, match="give it again"):
        AutoML.resume(model.run_, time_budget=2)
    assert AutoML.resume(model.run_, time_budget=2, metric=hits).score_.value >= model.score_.value
