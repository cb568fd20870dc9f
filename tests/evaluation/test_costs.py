"""A cost matrix is read from what people have, and the cheapest class is chosen."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from automl.data.table import ProblemType, Task
from automl.errors import UsageError
from automl.evaluation.costs import cost_metric, read_costs
from automl.evaluation.custom import resolve

COSTS = {"yes": {"no": 5.0}, "no": {"yes": 1.0}}


def test_mapping_json_csv_and_frame_are_the_same(tmp_path):
    (tmp_path / "costs.json").write_text(json.dumps(COSTS))
    (tmp_path / "costs.csv").write_text("true,no,yes\nyes,5,0\nno,0,1\n")
    assert read_costs(tmp_path / "costs.json") == COSTS
    table = read_costs(tmp_path / "costs.csv")
    assert read_costs(pd.read_csv(tmp_path / "costs.csv", index_col=0)) == table
    y, prediction = np.array([0, 1, 1]), np.array([[0.9, 0.1], [0.8, 0.2], [0.9, 0.1]])
    metrics = [cost_metric(each, ("no", "yes")) for each in (COSTS, table)]
    assert [metric(y, prediction) for metric in metrics] == [5 / 3, 5 / 3]  # from 1 / 6 on "yes" is cheaper


@pytest.mark.parametrize(
    ("name", "content", "form"),
    [
        ("costs.csv", b"", "a CSV file with a header"),
        ("costs.csv", "true,weiß\n".encode("cp1252"), "a CSV file with a header, in UTF-8"),
        ("costs.json", b"{'yes'", "JSON"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(tmp_path, name, content, form):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=f"is not {form}"):
        read_costs(tmp_path / name)


@pytest.mark.parametrize("classes", [2, 4])
def test_the_cost_is_that_of_the_cheapest_choice(classes):
    rng = np.random.default_rng(0)
    table = rng.integers(1, 9, (classes, classes)) * (1 - np.eye(classes))
    y, prediction, weight = rng.integers(0, classes, 50), rng.dirichlet(np.ones(classes), 50), rng.random(50)
    metric = cost_metric(
        {str(i): {str(j): table[i, j] for j in range(classes)} for i in range(classes)}, range(classes)
    )
    paid = table[y, (prediction @ table).argmin(axis=1)]
    assert metric(y, prediction) == pytest.approx(paid.mean())
    assert metric(y, prediction, weight) == pytest.approx(np.average(paid, weights=weight))
    assert metric.loss(y, prediction) == metric(y, prediction)


@pytest.mark.parametrize(
    ("costs", "message"),
    [
        ({"yes": {"no": 5}}, "needs a cost for 'yes' predicted where 'no' is true"),
        (COSTS | {"maybe": {"no": 1}}, "names 'maybe', which is no class of the target"),
        ({"yes": {"no": -1}, "no": {"yes": 1}}, "the right class must be the cheapest"),
        ({"yes": {"no": "much"}, "no": {"yes": 1}}, "holds a number for each true and predicted class"),
        ({"yes": 5}, "holds a number for each true and predicted class"),
    ],
)
def test_what_a_matrix_must_be(costs, message):
    with pytest.raises(UsageError, match=re.escape(message)):
        cost_metric(read_costs(costs), ("no", "yes"))


def test_a_matrix_is_a_metric_of_its_own():
    task = Task("y", ProblemType.BINARY, "", ("no", "yes"))
    assert resolve(None, task, costs=COSTS).name == resolve("cost", task, costs=COSTS).name == "cost"
    with pytest.raises(UsageError, match="give the cost matrix and no other metric"):
        resolve("roc_auc", task, costs=COSTS)
    with pytest.raises(UsageError, match="needs classes"):
        resolve(None, Task("y", ProblemType.REGRESSION, ""), costs=COSTS)
