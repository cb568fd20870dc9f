"""The portfolio: every family in all its forms, each configuration once, what somebody registered first."""

from __future__ import annotations

from dataclasses import replace

import pytest
from toys import Base, Toy

from automl.data.table import ProblemType
from automl.models.base import Choice, Shape
from automl.models.registry import FAMILIES
from automl.tuning.configuration import Configuration, forms, space
from automl.tuning.portfolio import LARGE, SMALL, declared, portfolio

SHAPE = Shape(ProblemType.REGRESSION, rows=1_000, columns=5, numeric=4, skewed=True)


@pytest.mark.parametrize(
    "shape", [SHAPE, replace(SHAPE, rows=50_000), replace(SHAPE, numeric=0), replace(SHAPE, skewed=False)]
)
def test_every_configuration_comes_once(shape: Shape) -> None:
    candidates = portfolio(FAMILIES, shape)
    names = [candidate.id for candidate in candidates]
    assert len(set(names)) == len(names)
    further = set(names) - {candidate.id for candidate in declared(FAMILIES, shape).values()}
    assert set(names) >= {candidate.id for candidate in declared(FAMILIES, shape).values()}
    assert {name.partition("-")[0] for name in further} == ({"linear"} if shape.skewed and shape.numeric else set())


@pytest.mark.parametrize("classification", [True, False])
def test_the_order_names_what_is_declared(classification: bool) -> None:
    shape = Shape(ProblemType.BINARY if classification else ProblemType.REGRESSION, 1_000, 5, 2 * classification, 4)
    for order in (SMALL[classification], LARGE):
        assert len(set(order)) == len(order)
        assert set(order) <= set(declared(FAMILIES, shape))


@pytest.mark.parametrize("skewed", [False, True])
@pytest.mark.parametrize(("rows", "penalties"), [(1_000, {"l2", "elasticnet"}), (50_000, {"l2"})])
def test_regression_soon_sees_models_that_are_linear_in_the_columns(
    rows: int, penalties: set[str], skewed: bool
) -> None:
    """Also of an amount with a long tail: its logarithm is not linear where it is."""
    soon = portfolio(FAMILIES, replace(SHAPE, rows=rows, skewed=skewed))[:5]
    linear = [each.params for each in soon if each.params.get("scaling") == "standard" and each.family == "linear"]
    plain = [params for params in linear if not {"arithmetic", "target"} & params.keys()]
    assert {params["penalty"] for params in plain} == penalties


def test_where_errors_of_logarithms_count_all_forms_learn_them() -> None:
    for family in FAMILIES:
        learned = {params.get("target") for params in forms(family, replace(SHAPE, of_logarithms=True, skewed=False))}
        assert learned == {None if family.baseline else "log"}


def test_a_registered_family_shows_itself_first() -> None:
    assert portfolio([*FAMILIES, Toy()], SHAPE)[0].family == "toy"


def test_places_mean_the_same_for_every_shape() -> None:
    few = declared(FAMILIES, replace(SHAPE, numeric=0, skewed=False))
    for place, candidate in declared(FAMILIES, SHAPE).items():
        assert Configuration.of(candidate.params).own == Configuration.of(few[place].params).own


def test_a_baseline_has_one_form_and_nothing_to_search() -> None:
    assert list(forms(Base(), SHAPE)) == list(Base().portfolio(SHAPE))
    assert space(Base(), SHAPE) == {}


def test_a_family_that_knows_deviances_minimises_one_of_amounts() -> None:
    by_name = {family.name: family for family in FAMILIES}
    targets = {name: {params.get("target") for params in forms(by_name[name], SHAPE)} for name in ("lightgbm", "mlp")}
    assert targets == {"lightgbm": {None, "tweedie"}, "mlp": {None, "log"}}
    choice = space(by_name["lightgbm"], SHAPE)["target"]
    assert choice == Choice(("plain", "log", "poisson", "tweedie"))
    assert Configuration.of({"target": "poisson"}).power == 1
    for other in (replace(SHAPE, skewed=False), replace(SHAPE, of_means=False)):
        found = {params.get("target") for params in forms(by_name["lightgbm"], other)}
        assert found <= {None, "log"}


def test_columns_and_target_are_searched_where_there_is_a_choice() -> None:
    own = set(Toy().space(SHAPE))
    assert set(space(Toy(), SHAPE)) - own == {"arithmetic", "target"}
    assert set(space(Toy(), replace(SHAPE, numeric=1, skewed=False))) == own
