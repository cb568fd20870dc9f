import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss, roc_auc_score, root_mean_squared_error

from benchmarks.scores import canonical, score


def test_rmse_is_that_of_scikit_learn() -> None:
    truth, said = np.array([1.0, 2.5, -3.0]), np.array([1.5, 2.0, -1.0])
    found = score("rmse", pd.Series(truth.astype(str)), pd.DataFrame({"prediction": said}))
    assert found == pytest.approx(root_mean_squared_error(truth, said))


def test_roc_auc_is_that_of_scikit_learn_for_the_positive_class() -> None:
    y = pd.Series(["bad", "good", "bad ", "good", "good"])
    bad = np.array([0.9, 0.2, 0.4, 0.5, 0.1])
    table = pd.DataFrame({"prediction": ["bad"] * 5, "probability_bad": bad, "probability_good": 1 - bad})
    expected = roc_auc_score(y.str.strip() == "bad", bad)
    assert score("roc_auc", y, table, positive="bad") == pytest.approx(expected)


@given(st.lists(st.tuples(st.integers(0, 2), *[st.floats(0.01, 1)] * 3), min_size=3, max_size=30))
def test_log_loss_is_that_of_scikit_learn(rows: list[tuple[int, float, float, float]]) -> None:
    values = np.array([row[1:] for row in rows])
    values /= values.sum(axis=1, keepdims=True)
    labels = [row[0] for row in rows]
    table = pd.DataFrame(values, columns=["probability_0.0", "probability_1.0", "probability_2.0"])
    found = score("log_loss", pd.Series(map(str, labels)), table[table.columns[::-1]])
    assert found == pytest.approx(log_loss(labels, values, labels=[0, 1, 2]))


def test_a_class_that_an_engine_does_not_know_has_probability_zero() -> None:
    found = score("log_loss", pd.Series(["a", "b"]), pd.DataFrame({"probability_a": [1.0, 1.0]}))
    assert found == pytest.approx(-np.log(np.finfo(float).eps) / 2)


def test_missing_rows_are_an_error() -> None:
    with pytest.raises(ValueError, match="1 predictions for 2 rows"):
        score("rmse", pd.Series(["1", "2"]), pd.DataFrame({"prediction": [1.0]}))


@pytest.mark.parametrize(("one", "other"), [("1.0", "1"), (" >50K", ">50K"), ("TRUE", "True"), (1, "1"), ("007", 7)])
def test_labels_are_compared_by_what_they_say(one: object, other: object) -> None:
    assert canonical(one) == canonical(other)
