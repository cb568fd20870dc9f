import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier, ExtraTreeRegressor

from automl.data.table import ProblemType
from automl.deadline import Deadline
from automl.models.base import FitContext
from automl.models.extra_trees import ExtraTrees
from automl.models.nodes import Nodes
from automl.models.random_forest import RandomForest


def with_missing(rows: int, columns: int) -> np.ndarray:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(rows, columns)).astype(np.float32)
    X[rng.random(X.shape) < 0.2] = np.nan
    return X


@pytest.mark.parametrize("max_leaf_nodes", [None, 20])
def test_flat_nodes_predict_what_the_tree_predicts(max_leaf_nodes):
    X, unseen = with_missing(300, 4), with_missing(200, 4)
    y = np.nan_to_num(X).sum(axis=1)
    tree = ExtraTreeRegressor(max_leaf_nodes=max_leaf_nodes, random_state=0).fit(X, y)
    nodes = Nodes.of(tree.tree_, tree.tree_.value[:, 0, :])
    np.testing.assert_array_equal(nodes.total(unseen)[:, 0], tree.predict(unseen).astype(np.float32))


def test_joined_trees_add_up():
    X = with_missing(200, 3)
    y = (np.nan_to_num(X[:, 0]) > 0).astype(int)
    trees = [DecisionTreeClassifier(max_depth=depth, random_state=0).fit(X, y) for depth in (1, 3, 9)]
    nodes = Nodes.joined([Nodes.of(tree.tree_, tree.tree_.value[:, 0, :]) for tree in trees])
    expected = np.sum([tree.predict_proba(X).astype(np.float32) for tree in trees], axis=0, dtype=np.float64)
    np.testing.assert_allclose(nodes.total(X), expected, rtol=1e-15)


@pytest.mark.parametrize("family", [ExtraTrees(), RandomForest()], ids=lambda family: family.name)
@pytest.mark.parametrize("kind", [ProblemType.MULTICLASS, ProblemType.REGRESSION])
def test_threads_and_rungs_do_not_change_a_forest(family, kind, problem, trained):
    data, shape = problem(kind, 3 if kind.classification else 0, missing=True)
    alone, none = trained(family.fit(data, {"trees": 12}, FitContext(shape)))
    together, reports = trained(family.fit(data, {"trees": 12}, FitContext(shape, threads=3, rungs=(0.3, 1.0))))
    np.testing.assert_array_equal(alone.predict(data.X_valid), together.predict(data.X_valid))
    assert none == []
    assert [report.rung for report in reports] == [0, 1]
    np.testing.assert_allclose(reports[-1].prediction, together.predict(data.X_valid), rtol=1e-12)


def test_a_row_is_the_same_alone(problem, trained, as_matrix):
    data, shape = problem(ProblemType.MULTICLASS, 4, missing=True)
    model, _ = trained(ExtraTrees().fit(data, {"trees": 150}, FitContext(shape)))
    batch = model.predict(data.X_valid)
    for row in range(30):
        np.testing.assert_array_equal(model.predict(as_matrix(data.X_valid.dense[[row]]))[0], batch[row])


def test_a_short_deadline_gives_fewer_trees_on_fewer_rows(problem, trained):
    data, shape = problem(ProblemType.BINARY, 2, rows=20_000)
    model, _ = trained(RandomForest().fit(data, {"trees": 200}, FitContext(shape, Deadline.after(0.3))))
    assert model.details["stopped"] == "deadline"
    assert 1 <= model.details["rounds"] < 200
    assert model.details["rows"] < 20_000
    wrong = model.predict(data.X_valid).argmax(axis=1) != data.y_valid
    assert wrong.mean() < 0.25


def test_big_forests_are_cut_to_their_size(monkeypatch, problem, trained, tmp_path):
    monkeypatch.setattr("automl.models.forest.MODEL_BYTES", 40_000)
    data, shape = problem(ProblemType.REGRESSION, rows=2_000)
    model, _ = trained(ExtraTrees().fit(data, {"trees": 20}, FitContext(shape)))
    model.save(tmp_path)
    assert (tmp_path / "forest.npz").stat().st_size < 45_000
