import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest

pytest.register_assert_rewrite("contract")

from contract import FamilyContract  # noqa: E402

from automl.data.table import ProblemType  # noqa: E402
from automl.errors import UsageError  # noqa: E402
from automl.features.matrix import Matrix, Needs  # noqa: E402
from automl.models.base import Choice, Family, FitContext, FoldData, Model, Params, Progress, Shape, Space, complete  # noqa: E402
from automl.models.registry import _OUTSIDE, FAMILIES, get_family, named_families, register_family, registered  # noqa: E402


class LineModel(Model):
    def __init__(self, weights):
        self.weights = weights

    def predict(self, X: Matrix):
        return (X.dense * self.weights[:-1]).sum(axis=1) + self.weights[-1]

    def save(self, folder: Path) -> None:
        np.save(folder / "weights.npy", self.weights)


class Line(Family):
    """Least squares: a family of a user."""

    name = "line"
    problem_types = (ProblemType.REGRESSION,)

    def needs(self, params: Params) -> Needs:
        return Needs(missing="impute", categories="onehot", scaling="standard")

    def portfolio(self, shape: Shape) -> tuple[Params, ...]:
        return ({},)

    def space(self, shape: Shape) -> Space:
        return {}

    def fit(self, data: FoldData, params: Params, context: FitContext) -> Generator[Progress, None, Model]:
        yield from ()
        complete(params, {})
        X = np.column_stack([data.X_train.dense, np.ones(data.X_train.rows)]).astype(np.float64)
        return LineModel(np.linalg.lstsq(X, data.y_train)[0])

    def load(self, folder: Path) -> Model:
        return LineModel(np.load(folder / "weights.npy", allow_pickle=False))

    def memory(self, shape: Shape, params: Params) -> int:
        return 16 * shape.rows * shape.columns


class Named(Line):
    def __init__(self, name):
        self.name = name


@pytest.fixture(scope="module", autouse=True)
def line():
    register_family(Line())
    yield
    del _OUTSIDE["line"]


class TestFamilyOfAUser(FamilyContract):
    families = (Line(),)


def test_a_registered_family_is_found_behind_the_packages_own():
    assert isinstance(get_family("line"), Line)
    assert registered()[: len(FAMILIES)] == FAMILIES
    assert [family.name for family in registered()].count("line") == 1


@pytest.mark.parametrize("name", ["lightgbm", "line"])
def test_a_taken_name_is_refused(name):
    with pytest.raises(UsageError, match=f"unique, '{name}' is taken"):
        register_family(Named(name))


@pytest.mark.parametrize("name", ["", "Line", "two words", "../up", "9lives", "a" * 41])
def test_a_bad_name_is_refused(name):
    with pytest.raises(UsageError, match="a family's name must be"):
        register_family(Named(name))


@pytest.mark.parametrize("place", ["space", "portfolio", "defaults"])
def test_a_reserved_name_of_a_hyperparameter_is_refused(place, monkeypatch):
    params = {"target": Choice(("a", "b"))} if place == "space" else {"target": "a"}
    monkeypatch.setattr(Named, place, lambda self, shape: (params,) if place == "portfolio" else params)
    with pytest.raises(UsageError, match="family 'other' has 'target'; give it another name"):
        register_family(Named("other"))
    assert "other" not in _OUTSIDE


def test_a_class_instead_of_an_object_is_refused():
    with pytest.raises(UsageError, match="instance of"):
        register_family(Line)


def test_an_unknown_name_gets_a_suggestion():
    with pytest.raises(UsageError, match="did you mean 'lightgbm'"):
        get_family("lightgmb")


def test_families_are_declared_in_order():
    names = [family.name for family in FAMILIES]
    assert names == [
        "lightgbm",
        "catboost",
        "xgboost",
        "mlp",
        "linear",
        "gaussian_process",
        "knn",
        "extra_trees",
        "random_forest",
        "constant",
    ]
    assert [family.name for family in FAMILIES if family.baseline] == ["constant"]


def test_the_registry_imports_no_heavy_library():
    heavy = ["lightgbm", "xgboost", "catboost", "sklearn", "pandas", "ray", "torch"]
    code = f"import sys, automl.models.registry; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_something_must_be_left_to_train() -> None:
    for nothing in (["constant"], [f"-{family.name}" for family in registered() if not family.baseline]):
        with pytest.raises(UsageError, match="something to train beside the baseline"):
            named_families(nothing)
    with pytest.raises(UsageError, match="names to leave out"):
        named_families(["linear", "-mlp"])
    with pytest.raises(UsageError, match=r"families must be names, .* got 5"):
        named_families(5)
