"""What a predictor makes of tables that are not quite the training table."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from automl import AutoML, Predictor, load
from automl.errors import SchemaError, UsageError


@pytest.fixture(scope="module")
def predictor(churn_model: AutoML) -> Predictor:
    return load(churn_model.run_)


@pytest.fixture(scope="module")
def rows(churn: pd.DataFrame) -> pd.DataFrame:
    return churn.drop(columns="churn").head(40)


@pytest.fixture(scope="module")
def expected(predictor: Predictor, rows: pd.DataFrame) -> np.ndarray:
    return predictor.predict_proba(rows)


def test_probabilities_sum_to_one_and_decide_the_prediction(predictor, rows, expected) -> None:
    np.testing.assert_allclose(expected.sum(axis=1), 1)
    assert predictor.classes_.tolist() == ["no", "yes"]
    assert predictor.predict(rows).tolist() == [predictor.classes_[i] for i in expected.argmax(axis=1)]


def test_one_row_is_predicted_as_in_the_batch(predictor, rows, expected) -> None:
    alone = np.vstack([predictor.predict_proba(rows.iloc[[i]]) for i in range(12)])
    np.testing.assert_allclose(alone, expected[:12], rtol=1e-9)


def test_columns_are_matched_by_name(predictor, rows, expected) -> None:
    changed = rows[rows.columns[::-1]].assign(further=1, churn="no")
    np.testing.assert_array_equal(predictor.predict_proba(changed), expected)


def test_a_frame_keeps_its_index(predictor, rows) -> None:
    some = rows.set_index(pd.Index([f"row {i}" for i in range(len(rows))])).iloc[5:9]
    assert predictor.predict_frame(some, proba=True).index.equals(some.index)


def test_a_model_is_shown_in_a_line(predictor) -> None:
    assert re.fullmatch(r"Predictor\('churn': binary, roc_auc [\d.]+ \(.*\), members: \d+\)", repr(predictor))


@pytest.mark.parametrize(
    "convert",
    [
        pl.from_pandas,
        lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
        lambda frame: frame.to_dict(orient="list"),
        lambda frame: frame.to_dict(orient="records"),
        lambda frame: frame.set_index(np.arange(len(frame)) * 7),
    ],
    ids=["polars", "pyarrow", "dict of lists", "list of dicts", "odd index"],
)
def test_every_kind_of_table_gives_the_same(predictor, rows, expected, convert) -> None:
    np.testing.assert_allclose(predictor.predict_proba(convert(rows)), expected, rtol=1e-12)


def test_a_file_is_read_as_the_training_file_was(predictor, rows, expected, tmp_path) -> None:
    rows.to_csv(tmp_path / "new.csv", index=False)
    np.testing.assert_allclose(predictor.predict_proba(tmp_path / "new.csv"), expected, rtol=1e-12)


def test_all_missing_columns_are_named(predictor, rows) -> None:
    lacking = rows.drop(columns=["town", "plan"])
    with pytest.raises(SchemaError) as caught:
        predictor.predict(lacking)
    assert "'town'" in str(caught.value)
    assert "'plan'" in str(caught.value)


def test_a_word_in_a_numeric_column_is_named_with_its_row(predictor, rows) -> None:
    numeric = next(column.name for column in predictor.schema.used if column.kind == "numeric")
    wrong = rows.astype({numeric: object})
    wrong.iloc[3, wrong.columns.get_loc(numeric)] = "abc"
    with pytest.raises(SchemaError, match=rf"column '{numeric}' .*'abc' in row 4"):
        predictor.predict(wrong)


def test_an_object_in_a_numeric_column_is_wrong_whatever_stands_beside_it(predictor, rows, tmp_path) -> None:
    numeric = next(column.name for column in predictor.schema.used if column.kind == "numeric")
    plain, wrong = (json.loads(rows.iloc[[row]].to_json(orient="records"))[0] for row in range(2))
    wrong[numeric] = {"value": 42}
    for table in ([wrong], [wrong, plain], [plain, wrong]):
        (tmp_path / "new.json").write_text(json.dumps(table))
        for given in (table, tmp_path / "new.json"):
            with pytest.raises(SchemaError, match=rf"column '{numeric}' .* in row {table.index(wrong) + 1}"):
                predictor.predict(given)


def test_unseen_categories_gaps_and_infinities_are_predicted(predictor, rows) -> None:
    odd = rows.head(3).copy()
    for column in predictor.schema.used:
        if column.kind == "numeric":
            odd[column.name] = [np.inf, -np.inf, np.nan]
        elif column.kind == "categorical":
            odd[column.name] = ["never seen", None, ""]
        else:
            odd[column.name] = None
    probabilities = predictor.predict_proba(odd)
    assert np.isfinite(probabilities).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


def test_no_rows_give_no_predictions(predictor, rows) -> None:
    assert predictor.predict_proba(rows.head(0)).shape == (0, 2)


def test_the_table_is_not_changed(predictor, rows) -> None:
    before = rows.copy(deep=True)
    predictor.predict(rows)
    pd.testing.assert_frame_equal(rows, before)


def test_regression_has_no_probabilities(tmp_path) -> None:
    x = np.arange(60.0)
    model = AutoML(max_trials=1, folds=2, output=tmp_path / "run").fit({"x": x}, 3 * x + np.sin(x))
    assert model.problem_type_ == "regression"
    assert model.classes_ is None
    with pytest.raises(UsageError, match="needs classes"):
        model.predict_proba({"x": x})
    assert np.corrcoef(model.predict({"x": x}), x)[0, 1] > 0.9


def test_an_array_has_the_columns_of_the_training_array(predictor: Predictor, tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    array = np.column_stack([draw.normal(size=(60, 2)), draw.normal(size=60).round(1)])
    beside = AutoML(max_trials=1, folds=2, output=tmp_path / "beside").fit(array[:, :2], array[:, 2])
    within = AutoML(max_trials=1, folds=2, output=tmp_path / "within").fit(array, target="x2")
    expected = beside.predict(array[:, :2])
    for rows in (array, array[:, :2], pd.DataFrame({"x1": array[:, 1], "x0": array[:, 0]})):
        np.testing.assert_array_equal(within.predict(rows), expected)
    for rows in (array, array[:, :1]):
        with pytest.raises(SchemaError, match=rf"must have the 2 columns of the training table, got {rows.shape[1]}"):
            beside.predict(rows)
    with pytest.raises(SchemaError, match="missing: 'x0', 'x1'; they were those of an array: give one, or rename"):
        beside.predict({"a": [1.0], "b": [2.0]})
    with pytest.raises(SchemaError, match="no column names, and the training table had: 'customer_id'"):
        predictor.predict(np.zeros((2, len(predictor.schema.columns))))


def test_a_row_that_is_a_series_is_refused_with_a_way_out(predictor: Predictor, rows: pd.DataFrame) -> None:
    with pytest.raises(SchemaError, match=r"looks like a row; give a frame, such as df.iloc\[\[0\]\]"):
        predictor.predict(rows.iloc[0])
    assert len(predictor.predict(rows.iloc[[0]])) == 1


def test_a_missing_column_is_named_with_what_it_may_be(predictor: Predictor, rows: pd.DataFrame) -> None:
    renamed = rows.rename(columns={"plan": "Plan", "age": "years"})
    with pytest.raises(SchemaError, match=r"missing: 'age', 'plan' \(did you mean 'Plan'\?\); add them$"):
        predictor.predict(renamed)
