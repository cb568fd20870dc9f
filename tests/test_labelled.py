"""A labelled table as a model answers it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from automl import AutoML, Predictor
from automl.data.table import ProblemType
from automl.errors import DataError, UsageError
from automl.evaluation.metrics import get_metric
from automl.labelled import Labelled, optimised


@pytest.fixture(scope="module")
def model(churn_model: AutoML) -> Predictor:
    return churn_model.predictor_


def test_rows_without_target_or_weight_do_not_count(model: Predictor, churn: pd.DataFrame) -> None:
    weight = np.where(np.arange(len(churn)) < 10, 0.0, 2.0)
    table = churn.assign(churn=churn["churn"].mask(np.arange(len(churn)) >= len(churn) - 5))
    rows = Labelled.of(model, table, weight=weight)
    assert rows.left_out == 15
    assert len(rows.y) == len(rows.raw) == len(rows.weight) == len(churn) - 15
    np.testing.assert_array_equal(rows.raw, model.predict_proba(churn)[10:-5])


def test_a_score_is_that_of_scikit_learn(model: Predictor, churn: pd.DataFrame) -> None:
    """One of classes sees those that the model chooses."""
    weight = np.random.default_rng(0).random(len(churn))
    rows = Labelled.of(model, churn.drop(columns="churn"), y=churn["churn"], weight=weight)
    true = churn["churn"] == "yes"
    expected = roc_auc_score(true, model.predict_proba(churn)[:, 1], sample_weight=weight)
    assert rows.score(optimised(model, None, None)) == pytest.approx(expected)
    chosen = f1_score(true, model.predict(churn) == "yes", sample_weight=weight)
    assert rows.score(get_metric("f1", ProblemType.BINARY)) == pytest.approx(chosen)


def test_a_table_without_labels_is_refused(model: Predictor, churn: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="no row has a value of the target 'churn'; give a labelled table"):
        Labelled.of(model, churn.assign(churn=None))
    with pytest.raises(DataError, match="there is no column 'churn'"):
        Labelled.of(model, churn.drop(columns="churn"))


def test_another_metric_than_was_optimised_is_refused(model: Predictor) -> None:
    with pytest.raises(UsageError):
        optimised(model, "log_loss", None)
