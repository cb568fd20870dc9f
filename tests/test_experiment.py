"""Three ways in give one result; what ends a run is said; equal seeds give equal runs."""

from __future__ import annotations

import json
import shutil
import signal
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.metrics import accuracy_score, mean_gamma_deviance, mean_poisson_deviance

from automl import AutoML, inspect_table, load, predict_files
from automl.data.schema import infer_schema
from automl.data.schema_file import schema_to_json
from automl.errors import ArtifactError, DataError, DataWarning, UsageError
from automl.tuning import store
from automl.tuning.review import leaderboard

DATASETS = Path(__file__).parents[1] / "datasets"
TINY: dict[str, Any] = {"max_trials": 1, "folds": 2}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return pd.read_csv(DATASETS / "churn.csv").head(300)


@pytest.fixture(scope="module")
def reference(frame: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> AutoML:
    return AutoML(**TINY, output=tmp_path_factory.mktemp("reference") / "run").fit(frame, target="churn")


@pytest.mark.parametrize("way", ["path", "X and y", "polars", "lists"])
def test_all_ways_in_give_the_same_model(way: str, frame: pd.DataFrame, reference: AutoML, tmp_path: Path) -> None:
    model = AutoML(**TINY, output=tmp_path / "run")
    if way == "path":
        frame.to_csv(tmp_path / "train.csv", index=False)
        model.fit(str(tmp_path / "train.csv"), target="churn")
    elif way == "X and y":
        model.fit(frame.drop(columns="churn"), frame["churn"])
    elif way == "polars":
        model.fit(pl.from_pandas(frame), target="churn")
    else:
        model.fit(frame.drop(columns="churn").to_dict(orient="list"), frame["churn"].tolist())
    np.testing.assert_array_equal(model.predict_proba(frame), reference.predict_proba(frame))
    assert model.score_ == reference.score_


def test_the_attributes_tell_the_result(frame: pd.DataFrame, reference: AutoML) -> None:
    assert (reference.problem_type_, reference.metric_, reference.stopped_) == ("binary", "roc_auc", "trials")
    assert list(reference.classes_) == ["no", "yes"]
    board = reference.leaderboard_
    assert {"lightgbm", "constant"} == set(board["family"])
    assert board["weight"].max() > 0
    assert reference.score_.low < reference.score_.value < reference.score_.high
    scores = reference.evaluate(frame)
    assert {"accuracy", "roc_auc", "log_loss", "brier", "mcc"} <= set(scores)
    assert scores["log_loss"] > 0


def test_numbers_of_numpy_are_taken(frame: pd.DataFrame, reference: AutoML, tmp_path: Path) -> None:
    options = {name: np.int64(value) for name, value in TINY.items()} | {"random_state": np.int64(0)}
    model = AutoML(**options, output=tmp_path / "run").fit(frame, target="churn")
    assert model.score_ == reference.score_


def test_only_families_that_were_asked_for_are_trained(frame: pd.DataFrame, tmp_path: Path) -> None:
    options: dict[str, Any] = {"max_trials": 3, "folds": 2, "families": ["knn", "linear"]}
    model = AutoML(**options, output=tmp_path / "run").fit(frame, target="churn")
    assert set(model.leaderboard_["family"]) == {"constant", "knn", "linear"}
    assert len(model.leaderboard_) == 4
    resumed = AutoML.resume(model.run_, time_budget=2)
    assert list(resumed.families) == options["families"]
    assert len(resumed.leaderboard_) > 4
    assert set(resumed.leaderboard_["family"]) == {"constant", "knn", "linear"}


def test_a_schema_of_the_whole_table_is_taken(frame: pd.DataFrame, tmp_path: Path) -> None:
    frame = frame.assign(patient=np.arange(300) // 3)
    records = schema_to_json(infer_schema(frame))
    model = AutoML(**TINY, schema=records, output=tmp_path / "run").fit(frame, target="churn", groups="patient")
    assert {"churn", "patient"}.isdisjoint(column.name for column in model.predictor_.schema.columns)
    with pytest.raises(UsageError, match="'churn' is the target"):
        AutoML(**TINY, types={"churn": "categorical"}, output=tmp_path / "other").fit(frame, target="churn")


def test_columns_without_names_are_called_by_number(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.integers(0, 9, (120, 4)))
    model = AutoML(**TINY, types={0: "categorical"}, output=tmp_path / "run").fit(table, target=3, groups=2)
    assert [str(column.kind) for column in model.predictor_.schema.columns] == ["categorical", "numeric"]
    with pytest.raises(UsageError, match="no such column"):
        AutoML(**TINY, types={7: "categorical"}, output=tmp_path / "other").fit(table, target=3)


def test_names_of_columns_may_have_blanks_and_be_numbers_of_numpy(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({" a": np.arange(120) // 4, "x ": rng.normal(size=120), 2: rng.normal(size=120)})
    table["y"] = rng.integers(0, 2, 120)
    table["w"] = 1.0 + np.arange(120)
    groups = {"groups": " a", "weight": " w "}
    model = AutoML(**TINY, interactions=[["x"], [2]], output=tmp_path / "run").fit(table, target="y", **groups)
    assert list(model.predictor_.feature_names_in_) == ["x", "2"]
    numbered = table.set_axis(range(5), axis=1)
    model = AutoML(**TINY, output=tmp_path / "numbered").fit(numbered, target=np.int64(3), groups=np.int64(0))
    assert list(model.predictor_.feature_names_in_) == ["1", "2", "4"]
    with pytest.raises(UsageError, match="groups must be another column than the target, got 'y' for both"):
        AutoML(**TINY).fit(table, target="y", groups="y")
    with pytest.raises(UsageError, match="groups must be another column than the weight, got 'w' for both"):
        AutoML(**TINY).fit(table, target="y", groups="w", weight="w")


def test_what_cannot_be_is_said_before_the_table_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for output in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(UsageError, match=r"file is a file; give another output"):
            AutoML(output=output).fit("none.csv", target="y")
    with pytest.raises(UsageError, match="on_progress must be a function, got 5"):
        AutoML(on_progress=5).fit("none.csv", target="y")  # type: ignore[arg-type]


def test_weights_have_the_name_of_scikit_learn_too(frame: pd.DataFrame, tmp_path: Path) -> None:
    weight = np.arange(1.0, 301.0)
    one = AutoML(**TINY, output=tmp_path / "one").fit(frame, target="churn", weight=weight)
    other = AutoML(**TINY, output=tmp_path / "other").fit(frame, target="churn", sample_weight=weight / weight.sum())
    assert other.score_.value == pytest.approx(one.score_.value)
    with pytest.raises(UsageError, match="weight and sample_weight are the same"):
        AutoML(**TINY).fit(frame, target="churn", weight=weight, sample_weight=weight)


def test_the_unit_of_weights_does_not_matter_beside_a_validation_table(frame: pd.DataFrame, tmp_path: Path) -> None:
    weight = np.random.default_rng(0).random(200)
    scores = []
    for place, unit in (("a", 1.0), ("b", 1e-4)):
        model = AutoML(max_trials=1, output=tmp_path / place)
        model.fit(frame.head(200), target="churn", weight=weight * unit, valid=frame.tail(100))
        scores.append(model.score_.value)
    assert scores[0] == pytest.approx(scores[1])


def test_a_file_of_decimal_commas_stands_beside_a_frame(tmp_path: Path) -> None:
    """1,125 and 2,5 are read as the file has them, whatever the training table was."""
    rng = np.random.default_rng(0)
    x = rng.integers(1_000, 9_000, 400) / 1_000
    table = pd.DataFrame({"x": x, "kind": rng.choice(list("abc"), 400), "y": (x * 2).round(3)})
    train, file = table.head(300), tmp_path / "later.csv"
    table.tail(100).to_csv(file, sep=";", decimal=",", index=False)
    found = []
    for place, valid in (("frame", table.tail(100)), ("file", file)):
        model = AutoML(max_trials=1, output=tmp_path / place).fit(train, target="y", valid=valid)
        found.append((model.score_.value, *model.evaluate(valid).values()))
    assert found[0] == pytest.approx(found[1])
    shift = inspect_table(train, target="y", test=file).profile.shift
    assert shift is not None
    assert max(column.psi for column in shift.columns) < 0.1


def comparable(model: AutoML) -> pd.DataFrame:
    """Return the leaderboard without what the clock decides; seconds are also written into model files."""
    return model.leaderboard_.drop(columns=["fit_seconds", "predict_ms_per_row", "size_bytes"])


def test_equal_seeds_give_equal_runs(frame: pd.DataFrame, tmp_path: Path) -> None:
    runs = [AutoML(max_trials=3, folds=2, output=tmp_path / name).fit(frame, target="churn") for name in "ab"]
    pd.testing.assert_frame_equal(comparable(runs[0]), comparable(runs[1]))
    np.testing.assert_array_equal(runs[0].predict_proba(frame), runs[1].predict_proba(frame))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_equal_seeds_give_equal_runs_on_ray_too(tmp_path: Path) -> None:
    data = pd.read_csv(DATASETS / "wine.csv")
    runs = [AutoML(max_trials=66, folds=2, output=tmp_path / name).fit(data, target="cultivar") for name in "ab"]
    assert "search" in {trial_origin(run) for run in runs[0].run_.glob("trials/*/candidate.json")}
    pd.testing.assert_frame_equal(comparable(runs[0]), comparable(runs[1]))
    np.testing.assert_array_equal(runs[0].predict_proba(data), runs[1].predict_proba(data))


def trial_origin(file: Path) -> str:
    origin: str = json.loads(file.read_text())["origin"]
    return origin


def test_a_resumed_run_goes_on_with_its_own_options(frame: pd.DataFrame, reference: AutoML, tmp_path: Path) -> None:
    first = AutoML(max_trials=2, folds=2, metric="log_loss", output=tmp_path / "run").fit(frame, target="churn")
    board = leaderboard(first.run_).to_frame()
    second = AutoML.resume(first.run_, time_budget=2)
    assert second.metric_ == "log_loss"
    assert set(board["candidate"]) < set(second.leaderboard_["candidate"])
    assert second.score_.value <= first.score_.value
    pd.testing.assert_frame_equal(first.leaderboard_, board)
    pd.testing.assert_frame_equal(first.leaderboard(frame).drop(columns="test"), board)
    np.testing.assert_array_equal(load(first.save(tmp_path / "first")).predict_proba(frame), first.predict_proba(frame))


def test_a_run_whose_trials_are_done_goes_on_if_it_is_given_time(reference: AutoML, tmp_path: Path) -> None:
    run = shutil.copytree(reference.run_, tmp_path / "run", symlinks=True)
    with pytest.warns(DataWarning, match="1 of 1 trials are done; give it time_budget"):
        same = AutoML.resume(run)
    assert same.leaderboard_["candidate"].tolist() == reference.leaderboard_["candidate"].tolist()
    assert len(AutoML.resume(run, time_budget=2).leaderboard_) > len(same.leaderboard_)


def test_a_run_that_is_being_trained_is_left_alone(frame: pd.DataFrame, reference: AutoML) -> None:
    before = sorted(reference.run_.rglob("*"))
    with store.claimed(reference.run_):
        with pytest.raises(UsageError, match="is being trained by another process"):
            AutoML.resume(reference.run_, time_budget=2)
        with pytest.raises(UsageError, match="holds a run already"):
            AutoML(**TINY, output=reference.run_).fit(frame, target="churn")
    assert sorted(reference.run_.rglob("*")) == before


def test_an_interrupt_keeps_the_best_so_far(frame: pd.DataFrame, tmp_path: Path) -> None:
    timer = threading.Timer(4, signal.raise_signal, [signal.SIGINT])
    timer.start()
    model = AutoML(time_budget=60, output=tmp_path / "run").fit(frame, target="churn")
    timer.join()
    assert model.stopped_ == "interrupted"
    assert model.seconds_ < 30
    assert len(model.predict(frame)) == len(frame)


def test_the_deadline_holds(frame: pd.DataFrame, tmp_path: Path) -> None:
    model = AutoML(time_budget=4, output=tmp_path / "run").fit(frame, target="churn")
    assert model.stopped_ == "deadline"
    assert len(model.leaderboard_) >= 2


def test_a_run_that_has_tried_everything_says_so(frame: pd.DataFrame, tmp_path: Path) -> None:
    model = AutoML(max_trials=100, folds=2, families=["knn"], output=tmp_path / "run").fit(frame, target="churn")
    assert model.stopped_ == "exhausted"


def test_nothing_is_written_where_no_model_fits_into_the_memory(frame: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="memory must hold at least one model"):
        AutoML(**TINY, memory=100_000_000, families=["xgboost"], output=tmp_path / "run").fit(frame, target="churn")
    assert not (tmp_path / "run").exists()


def test_what_is_no_run_folder_is_not_gone_on_with(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="is not a run folder"):
        AutoML.resume(tmp_path)
    assert not list(tmp_path.iterdir())


def test_progress_is_told(frame: pd.DataFrame, tmp_path: Path) -> None:
    seen: list[Any] = []
    AutoML(**TINY, output=tmp_path / "run", on_progress=seen.append).fit(frame, target="churn")
    messages = [snapshot.message for snapshot in seen if snapshot.message]
    assert any("binary" in message for message in messages)
    assert any(message.startswith("plan: 2 folds") for message in messages)
    assert seen[-1].score is not None
    assert seen[-1].board is not None


def test_the_owner_of_a_table_knows_its_types_better(tmp_path: Path) -> None:
    table = {"x": list(range(60)), "y": [x % 7 + 0.5 for x in range(60)]}
    with pytest.raises(DataError, match=r"types=\{'x': 'numeric'\}"):
        AutoML(**TINY, output=tmp_path / "run").fit(table, target="y")
    model = AutoML(**TINY, types={"x": "numeric"}, output=tmp_path / "run").fit(table, target="y")
    assert model.predictor_.schema["x"].kind == "numeric"
    assert AutoML.resume(model.run_, time_budget=2).get_params()["types"] == {"x": "numeric"}


@pytest.mark.parametrize("source", ["frame", "parquet"])
def test_durations_are_learned_and_predicted_in_seconds(source: str, tmp_path: Path) -> None:
    seconds = np.random.default_rng(0).integers(60, 5000, 80)
    frame = pd.DataFrame({"lasted": pd.to_timedelta(seconds, unit="s"), "long": seconds > 2000})
    frame.to_parquet(tmp_path / "train.parquet")
    model = AutoML(**TINY, output=tmp_path / "run").fit(
        frame if source == "frame" else tmp_path / "train.parquet", target="long"
    )
    assert model.predictor_.example_rows()[0]["lasted"] in seconds
    predicted = model.predict_proba(frame)
    for rows in (pd.DataFrame({"lasted": seconds}), frame.assign(lasted=frame["lasted"].astype("timedelta64[s]"))):
        np.testing.assert_array_equal(model.predict_proba(rows), predicted)
    frame.to_csv(tmp_path / "same.csv", index=False)
    np.testing.assert_array_equal(model.predict_proba(tmp_path / "same.csv"), predicted)
    few = frame.head(3).to_dict("records")
    np.testing.assert_allclose(model.predict_proba(few), predicted[:3])
    assert AutoML.resume(model.run_, time_budget=2).stopped_


@pytest.mark.parametrize("dtype", ["str", "object", "category", "string[pyarrow]"])
def test_classes_that_are_strings_stay_strings(dtype: str, tmp_path: Path) -> None:
    y = pd.Series(["0", "1"] * 40).astype(dtype)
    model = AutoML(**TINY, output=tmp_path / "run").fit({"x": np.arange(80) % 2 + 0.5}, y)
    assert accuracy_score(y, model.predict({"x": np.arange(80) % 2 + 0.5})) == 1.0
    assert model.evaluate({"x": [0.5, 1.5], "target": [0, 1]})["accuracy"] == 1.0


def test_scikit_learn_can_clone_it() -> None:
    model = clone(AutoML(time_budget=30, metric="f1"))
    assert (model.time_budget, model.metric) == (30, "f1")
    assert repr(model).startswith("AutoML(time_budget=30, metric='f1'")
    with pytest.raises(UsageError, match="did you mean 'metric'"):
        model.set_params(metrik="f1")


@pytest.mark.parametrize(
    ("X", "y", "target", "error", "message"),
    [
        ({"a": [1, 2]}, None, None, UsageError, "either y or the name"),
        ({"a": [1, 2]}, [0, 1], "a", UsageError, "either y or the name"),
        ({"a": [1, 2, 3]}, [0, 1], None, DataError, "the table has 3 rows, y has 2"),
        ({"a": [1, 2]}, "a", None, UsageError, "a column of the table is named as target='a'"),
        ({"a": [1, 2]}, np.array([[[1]], [[2]]]), None, DataError, "target must have one value a row, got a ndarray"),
        ({"a": [1j, 2]}, [0, 1], None, DataError, "'a' holds complex numbers; give their parts"),
        ({"a": 1, "b": 2}, [0], None, DataError, "one row is a list of one dict"),
        ({"a": [1, 2, 3]}, None, "b", DataError, "no column 'b'"),
        ({"a": [1, 2, 3]}, None, ["a"], UsageError, "target is the name of one column, got a list"),
    ],
)
def test_wrong_calls_are_refused_before_anything_is_written(
    X: object,
    y: object,
    target: Any,
    error: type[Exception],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    for output in (tmp_path / "run", None):
        with pytest.raises(error, match=message):
            AutoML(**TINY, output=output).fit(X, y, target=target)
    assert list(tmp_path.iterdir()) == []


def test_two_rows_have_a_model_and_nothing_is_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    X = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 1.0]})
    model = AutoML(max_trials=2, families=["lightgbm"], output=tmp_path / "run").fit(X, [0.5, 1.7])
    assert set(model.leaderboard_["status"]) == {"done"}
    assert capfd.readouterr() == ("", "")


def test_a_path_of_another_type_is_told_in_one_line(frame: pd.DataFrame, reference: AutoML, tmp_path: Path) -> None:
    wrong: Any = reference
    for call, message in (
        (lambda: AutoML(output=wrong).fit(frame, target="churn"), "output must be a path, got AutoML"),
        (lambda: load(wrong), "a saved model must be a path, got AutoML"),
        (lambda: predict_files(reference, frame, tmp_path / "a.csv"), "predict_frame takes tables in memory"),  # type: ignore[arg-type]
    ):
        with pytest.raises(UsageError, match=message):
            call()


def test_a_taken_folder_is_refused_before_the_table_is_read(reference: AutoML) -> None:
    with pytest.raises(UsageError, match="holds a run already"):
        AutoML(**TINY, output=reference.run_).fit("there_is_no_such_file.csv", target="y")


@pytest.mark.parametrize("names", [[0, 1], pd.MultiIndex.from_tuples([("v", "x"), ("v", "y")]), ["x", " y "]])
def test_a_target_is_named_as_its_column_is(names: Any, tmp_path: Path) -> None:
    frame = pd.DataFrame({0: np.arange(80) % 2 + 0.5, 1: np.arange(80) % 2}).set_axis(names, axis=1)
    model = AutoML(**TINY, output=tmp_path / "run").fit(frame, target=frame.columns[1])
    assert model.predictor_.task.target == str(frame.columns[1]).strip()
    assert model.predict(frame.iloc[:, :1]).tolist() == frame.iloc[:, 1].tolist()


@pytest.mark.parametrize("name", ["price", "target"])
def test_a_target_that_is_called_as_a_feature_is_not_taken_for_it(name: str, tmp_path: Path) -> None:
    prices = pd.DataFrame({name: np.random.default_rng(0).normal(size=120).cumsum(), "volume": np.arange(120) % 7})
    later = prices[name].diff().shift(-1).fillna(0.0)  # as of any forecast: the column of another time
    y: Any = later if name == "price" else later.to_numpy()
    model = AutoML(**TINY, families=["linear"], output=tmp_path / "run")
    with pytest.warns(DataWarning, match=f"y is called '{name}', as is a column of X"):
        model.fit(prices, y)
    own = model.predictor_.task.target
    assert own not in prices
    labelled = prices.assign(**{own: later})
    assert model.evaluate(labelled)["rmse"] == pytest.approx(-model.score(prices, later))
    assert model.leaderboard(labelled)["test"].notna().any()
    with pytest.raises(DataError, match=f"there is no column '{own}'"):
        model.evaluate(prices)


def test_an_own_loss_without_its_sign_is_doubted(frame: pd.DataFrame, tmp_path: Path) -> None:
    def misses(y: np.ndarray, prediction: np.ndarray) -> float:
        return float((prediction.argmax(axis=1) != y).mean())

    for direction in (None, False):
        said: list[str] = []
        if direction is not None:
            misses.greater_is_better = direction  # type: ignore[attr-defined]
        AutoML(
            **TINY,
            metric=misses,
            output=tmp_path / str(direction),
            on_progress=lambda snapshot, said=said: said.append(snapshot.message or ""),
        ).fit(frame, target="churn")
        assert any("the baseline is best; if its lower" in message for message in said) == (direction is None)


@pytest.mark.parametrize(
    ("metric", "of_scikit_learn"),
    [
        ("poisson_deviance", mean_poisson_deviance),
        ("gamma_deviance", mean_gamma_deviance),
        ("rmsle", None),
        ("rmse", None),
    ],
)
def test_predictions_stay_in_the_range_of_the_metric(
    metric: str, of_scikit_learn: Callable[..., float] | None, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 2))
    y = np.maximum(3 * x[:, 0] + rng.normal(size=300), 0) + (metric == "gamma_deviance") * 1e-3
    model = AutoML(**TINY, metric=metric, families=["linear"], output=tmp_path / "run").fit(x, y)
    new = np.array([[-9.0, 0.0], [2.0, 0.0]])
    predicted, loaded = model.predict(new), load(model.run_)
    least = float(y.min()) or (0.01 * y.mean() if metric == "poisson_deviance" else 0.0)
    assert least <= predicted[0] <= max(least, y.min()) < predicted[1]  # logarithms end at the least training value
    assert least <= model.predict_interval(new)[0, 0] <= predicted[0]
    many = pd.DataFrame(np.repeat(new, 200, axis=0), columns=["x0", "x1"])
    assert loaded.predict(many)[::200].tolist() == predicted.tolist()
    if of_scikit_learn is not None:
        assert model.evaluate(pd.DataFrame(x, columns=["x0", "x1"]).assign(target=y))[metric] == pytest.approx(
            of_scikit_learn(y, model.predict(x))
        )


def test_candidates_are_compared_by_what_they_would_serve(tmp_path: Path) -> None:
    """A line through amounts is below zero in places, where its logarithm would be without a bound."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 2))
    y = np.maximum(9 * x[:, 0] + rng.normal(size=300), 0)
    model = AutoML(max_trials=3, folds=2, metric="rmsle", families=["linear"], output=tmp_path / "run").fit(x, y)
    rows = {row.candidate: row for row in model.board_.rows if row.family == "linear"}
    plain = [row for row in rows.values() if row.params.get("target") != "log"]
    assert plain
    assert all(row.score.value < 1.5 for row in rows.values())


def test_classes_in_a_row_are_recognised_and_can_be_optimised_for(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    grades = np.clip(np.round(x + 3 + rng.normal(0, 0.3, 200)), 1, 5).astype(int)
    said: list[str] = []
    model = AutoML(
        max_trials=1,
        folds=2,
        metric="quadratic_kappa",
        output=tmp_path / "graded",
        on_progress=lambda snapshot: said.append(snapshot.message or ""),
    ).fit({"x": x, "grade": grades}, target="grade")
    assert model.predictor_.task.ordered
    assert model.score_.value > 0.8
    assert not any("numbers in a row" in message for message in said)
    AutoML(
        max_trials=1, output=tmp_path / "plain", on_progress=lambda snapshot: said.append(snapshot.message or "")
    ).fit({"x": x, "grade": grades}, target="grade")
    assert any("the classes 1 to 5 are numbers in a row" in message for message in said)


def test_the_order_that_words_are_taken_in_is_said_unless_it_was_declared(tmp_path: Path) -> None:
    x = np.arange(90) % 3 + np.random.default_rng(0).normal(0, 0.1, 90)
    sizes = ["low", "medium", "high"]
    for size in (np.array(sizes * 30), pd.Categorical(sizes * 30, sizes, ordered=True)):
        said: list[str] = []
        model = AutoML(
            max_trials=1,
            folds=2,
            metric="quadratic_kappa",
            output=tmp_path / type(size).__name__,
            on_progress=lambda snapshot, said=said: said.append(snapshot.message or ""),
        ).fit({"x": x}, size)
        warned = any("in this order: high < low < medium; name them so that they sort" in message for message in said)
        assert list(model.predictor_.task.classes) == (sorted(sizes) if warned else sizes)
        assert warned == isinstance(size, np.ndarray)


ODD: dict[str, Any] = {
    "lists of Arrow": pd.Series([[1, 2], [3]], dtype=pd.ArrowDtype(pa.list_(pa.int64()))),
    "structs of Arrow": pd.Series([{"u": 1}, {"u": 2}], dtype=pd.ArrowDtype(pa.struct([("u", pa.int64())]))),
    "maps of Arrow": pd.Series([[("k", 1)], [("k", 2)]], dtype=pd.ArrowDtype(pa.map_(pa.string(), pa.int64()))),
    "quarters": pd.Series(pd.period_range("2001Q1", periods=2, freq="Q")),
    "decimals of Arrow": pd.Series([Decimal("0.5"), Decimal("1.5")], dtype=pd.ArrowDtype(pa.decimal128(5, 2))),
    "big-endian": pd.Series(np.array([0.5, 1.5], dtype=">f8")),
    "long floats": pd.Series(np.array([0.5, 1.5], dtype=np.longdouble)),
}


@pytest.mark.parametrize("column", ODD.values(), ids=ODD.keys())
def test_odd_types_are_learned_from(column: pd.Series, tmp_path: Path) -> None:
    """Every stage takes them: the look at the table, the features, a later prediction."""
    frame = pd.DataFrame({"x": range(60), "odd": pd.concat([column] * 30, ignore_index=True)})
    model = AutoML(max_trials=1, folds=2, output=tmp_path / "run").fit(frame, frame.index % 2)
    assert [each.name for each in model.predictor_.schema.used if each.name == "odd"]
    assert (model.predict(frame) == frame.index % 2).mean() > 0.9


def test_a_shuffled_target_is_told(frame: pd.DataFrame, tmp_path: Path) -> None:
    X, y = frame.drop(columns="churn"), frame["churn"]
    with pytest.warns(DataWarning, match="in another order"):
        AutoML(**TINY, output=tmp_path / "run").fit(X, y.sample(frac=1, random_state=0))


def test_what_the_working_directory_becomes_does_not_matter(
    frame: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    model = AutoML(**TINY, output="run").fit(frame, target="churn")
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert load(model.save("copy")).score == model.score_
    assert len(model.leaderboard_)
    assert load(model.run_).score == model.score_


def test_a_score_on_training_rows_is_said_to_be_too_good(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=400), "b": rng.normal(size=400)})
    frame["y"] = np.where(frame["a"] + rng.normal(size=400) > 0, "yes", "no")
    model = AutoML(max_trials=1, families=["extra_trees"], n_jobs=1, output=tmp_path / "run").fit(frame, target="y")
    with pytest.warns(DataWarning, match="was the model trained on these rows"):
        model.evaluate(frame)
