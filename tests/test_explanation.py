"""What columns add to a prediction sums to it, and says what is there."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from automl import AutoML, Predictor, explain
from automl.cli import main
from automl.errors import DataError, SchemaError, UsageError
from automl.explanation import Reason


@pytest.fixture(scope="module")
def numbers() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(400, 3)), columns=["a", "b", "unrelated"])
    return frame.assign(y=10 * frame["a"] - 5 * frame["b"])


@pytest.fixture(scope="module")
def regression(numbers: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> AutoML:
    return AutoML(max_trials=4, folds=2, output=tmp_path_factory.mktemp("why") / "run").fit(numbers, target="y")


def test_what_columns_add_sums_to_the_prediction(regression: AutoML, numbers: pd.DataFrame) -> None:
    rows = numbers.drop(columns="y").head(5)
    found = explain(regression.predictor_, rows)
    np.testing.assert_allclose(found.base + found.added.sum(axis=1), regression.predict(rows), rtol=1e-9)
    np.testing.assert_array_equal(found.predicted, regression.predict(rows))
    assert list(found.frame()) == ["base", "a", "b", "unrelated", "predicted"]


def test_a_sum_is_taken_apart_and_what_does_not_matter_adds_little(regression: AutoML, numbers: pd.DataFrame) -> None:
    rows, examples = numbers.head(10), pd.DataFrame(regression.predictor_.example_rows())
    added = explain(regression.predictor_, rows).added
    wanted = np.column_stack([10 * (rows["a"] - examples["a"].mean()), -5 * (rows["b"] - examples["b"].mean())])
    assert np.abs(added[:, :2] - wanted).mean() < 1.5
    assert np.abs(added[:, 2]).mean() < 0.5
    strongest = explain(regression.predictor_, rows).reasons(1)
    assert [row[0].column for row in strongest] == np.where(
        np.abs(wanted[:, 0]) > np.abs(wanted[:, 1]), "a", "b"
    ).tolist()


def test_classes_and_texts_are_explained_by_probability(churn_model: AutoML, churn: pd.DataFrame) -> None:
    found = explain(churn_model.predictor_, churn.head(2), pairs=1)
    probabilities = churn_model.predict_proba(churn.head(2))
    np.testing.assert_allclose(found.base + found.added.sum(axis=1), probabilities[:, 1], atol=1e-9)
    assert found.of == ["yes", "yes"]
    assert list(found.told(1)) == ["base", "reason_1", "predicted", "of"]
    assert found.table["customer_id" if "customer_id" in found.names else found.names[0]].tolist()
    first = found.told(2).iloc[0]
    assert first["reason_1"].count(": ") >= 1


@pytest.mark.parametrize(
    "options",
    [{"metric": "f1_macro"}, {"cost_matrix": {"a": {"b": 1, "c": 1}, "b": {"a": 1, "c": 1}, "c": {"a": 9, "b": 9}}}],
    ids=["multipliers", "costs"],
)
def test_the_class_that_is_predicted_is_explained_though_another_is_likelier(
    options: dict[str, Any], numbers: pd.DataFrame, tmp_path: Path
) -> None:
    noisy = numbers["a"] + np.random.default_rng(1).normal(size=len(numbers))
    X, y = numbers[["a", "b"]], np.take(["a", "b", "c"], np.digitize(noisy, [0.3, 1.9]))
    model = AutoML(max_trials=1, folds=2, output=tmp_path / "run", **options).fit(X, y)
    shares, predicted = model.predict_proba(X), model.predict(X)
    [other] = np.nonzero(np.take(["a", "b", "c"], shares.argmax(axis=1)) != predicted)
    found = explain(model, X.iloc[other[:5]], pairs=1)
    assert list(found.of) == predicted[other[:5]].tolist()
    assert len(found.of) == 5
    chosen = shares[other[:5], ["abc".index(label) for label in found.of]]
    np.testing.assert_allclose(found.base + found.added.sum(axis=1), chosen, atol=1e-9)


def test_equal_seeds_explain_alike(regression: AutoML, numbers: pd.DataFrame) -> None:
    one, other = (explain(regression.predictor_, numbers.head(2), random_state=3).added for _ in range(2))
    np.testing.assert_array_equal(one, other)


def test_what_cannot_be_explained_is_said(regression: AutoML) -> None:
    with pytest.raises(SchemaError, match="missing"):
        explain(regression.predictor_, pd.DataFrame({"a": [1.0]}))
    for pairs in (0, 1.5):
        with pytest.raises(UsageError, match="pairs must be a whole number"):
            explain(regression.predictor_, pd.DataFrame({"a": [1.0], "b": [1.0], "unrelated": [1.0]}), pairs=pairs)  # type: ignore[arg-type]
    assert explain(regression.predictor_, pd.DataFrame({"a": [], "b": [], "unrelated": []})).added.shape == (0, 3)


def test_from_the_command_line(
    regression: AutoML, numbers: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    numbers.head(3).to_csv(tmp_path / "rows.csv", index=False)
    assert main(["explain", str(regression.run_), str(tmp_path / "rows.csv"), "--top", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "base,reason_1,predicted"
    assert len(lines) == 4
    assert main(["explain", str(regression.run_), str(tmp_path / "rows.csv"), "-o", str(tmp_path / "why.csv")]) == 0
    assert list(pd.read_csv(tmp_path / "why.csv")) == ["base", "a", "b", "unrelated", "predicted"]


@pytest.mark.parametrize("further", [(), ("--importance",)])
def test_a_wrong_cell_is_named_by_its_row_and_nothing_is_written(
    regression: AutoML, numbers: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str], further: tuple[str]
) -> None:
    table = numbers.head(20).astype({"a": object})
    table.loc[14, "a"] = "oops"
    table.to_csv(tmp_path / "rows.csv", index=False)
    output = tmp_path / "new" / "why.csv"
    assert main(["explain", str(regression.run_), str(tmp_path / "rows.csv"), "-o", str(output), *further]) == 3
    assert "'oops' in row 15" in capsys.readouterr().err
    assert not output.exists()
    numbers.head(20).to_csv(tmp_path / "rows.csv", index=False)
    assert main(["explain", str(regression.run_), str(tmp_path / "rows.csv"), "-o", str(output), *further]) == 0
    assert len(pd.read_csv(output)) == (3 if further else 20)


def test_the_class_that_is_explained_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frame = pd.DataFrame({"x": np.repeat([0.0, 5.0, 9.5], 30) + np.arange(90) % 3, "y": np.repeat(["a", "b", "c"], 30)})
    run = AutoML(max_trials=2, folds=2, output=tmp_path / "run").fit(frame, target="y").run_
    rows = tmp_path / "rows.csv"
    frame.iloc[[0, 89, *range(30, 40)]].assign(id=range(12)).to_csv(rows, index=False)
    command = ["explain", str(run), str(rows), "--top", "1", "--keep", "id", "--keep", "x"]
    assert main(command) == 0
    told = pd.read_csv(StringIO(capsys.readouterr().out))
    assert list(told) == ["id", "x", "base", "reason_1", "predicted", "of"]
    assert told["id"].tolist() == list(range(12))
    assert told["of"].tolist() == ["a", "c", *"b" * 10]
    assert main(["explain", str(run), str(rows), "--keep", "x"]) == 2
    assert "'x' cannot be kept: what it adds is called so; use --top" in capsys.readouterr().err


def test_a_wide_table_is_predicted_in_blocks(
    regression: AutoML, numbers: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor, rows = regression.predictor_, numbers.head(2)
    at_once = explain(predictor, rows).added
    seen: list[int] = []
    of_typed = Predictor.of_typed

    def counted(self: Predictor, typed: pd.DataFrame) -> NDArray[np.float64]:
        seen.append(typed.size)
        return of_typed(self, typed)

    monkeypatch.setattr(Predictor, "of_typed", counted)
    monkeypatch.setattr("automl.explanation.CELLS", 200)
    np.testing.assert_allclose(explain(predictor, rows).added, at_once, rtol=1e-9)
    assert max(seen) <= 200


def test_importance_is_how_far_a_column_moves_predictions(
    regression: AutoML, numbers: pd.DataFrame, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    importance = explain(regression, numbers.head(40)).importance()
    assert list(importance.index) == ["a", "b", "unrelated"]
    assert importance["a"] == pytest.approx(np.abs(10 * numbers["a"]).mean(), rel=0.3)
    numbers.head(4).to_csv(tmp_path / "rows.csv", index=False)
    assert main(["explain", str(regression.run_), str(tmp_path / "rows.csv"), "--importance"]) == 0
    told = pd.read_csv(StringIO(capsys.readouterr().out), index_col="column")
    pd.testing.assert_series_equal(
        told["importance"], explain(regression, numbers.head(4)).importance(), check_names=False
    )
    assert main(["explain", str(regression.run_), str(tmp_path / "rows.csv"), "--importance", "--top", "1"]) == 2
    assert "leave out one" in capsys.readouterr().err


def test_columns_may_be_called_like_what_stands_beside_them(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"base": rng.normal(size=60), "of": rng.normal(size=60)}).assign(y=lambda t: t["base"] > 0)
    model = AutoML(max_trials=1, folds=2, output=tmp_path / "run").fit(frame, target="y")
    found = explain(model, frame[frame["y"]].head(2)).frame()
    assert list(found) == ["base_", "base", "of", "predicted", "of_"]
    assert list(found.index) == list(frame[frame["y"]].head(2).index)


def test_only_a_model_can_be_asked(numbers: pd.DataFrame) -> None:
    for asked in (AutoML(), "run"):
        with pytest.raises(UsageError, match="a model is a fitted AutoML or what"):
            explain(asked, numbers)


def test_a_cell_with_parts_is_told_as_json() -> None:
    told = [Reason("place", value, 0.5).written for value in ({"a": 0.029, "b": "y"}, np.array([1, 2]), 3.0, "x")]
    assert told == ['{"a": 0.029, "b": "y"}', "[1, 2]", "3.0", "x"]


def test_no_rows_have_no_importance(regression: AutoML, numbers: pd.DataFrame) -> None:
    none = explain(regression.predictor_, numbers.head(0))
    assert none.frame().empty
    with pytest.raises(DataError, match="this table has none"):
        none.importance()
