"""All families the engine knows, in the order in which their portfolios are interleaved."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from automl.data.table import ProblemType
from automl.errors import UsageError, suggestion
from automl.models.base import RESERVED, Family, Shape
from automl.models.catboost import CatBoost
from automl.models.constant import Constant
from automl.models.extra_trees import ExtraTrees
from automl.models.gaussian_process import GaussianProcess
from automl.models.lightgbm import LightGBM
from automl.models.linear import Linear
from automl.models.mlp import MLP
from automl.models.neighbors import Neighbors
from automl.models.random_forest import RandomForest
from automl.models.xgboost import XGBoost

FAMILIES: Final[tuple[Family, ...]] = (
    LightGBM(),
    CatBoost(),
    XGBoost(),
    MLP(),
    Linear(),
    GaussianProcess(),
    Neighbors(),
    ExtraTrees(),
    RandomForest(),
    Constant(),
)

_OUTSIDE: Final[dict[str, Family]] = {}
"""Families registered from outside the package, by name."""
_USUAL: Final = {ProblemType.BINARY: 2, ProblemType.MULTICLASS: 3, ProblemType.REGRESSION: 0}
"""Classes of a usual problem."""
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")


def registered() -> tuple[Family, ...]:
    """Return every family: the package's own, then those registered from outside."""
    return (*FAMILIES, *_OUTSIDE.values())


def get_family(name: str) -> Family:
    """Return the family of this name.

    Raises
    ------
    UsageError
        If there is none.

    >>> get_family("linear").name
    'linear'
    """
    for family in registered():
        if family.name == name:
            return family
    known = [family.name for family in registered()]
    raise UsageError(f"unknown model family {name!r}{suggestion(name, known)}; known: {', '.join(known)}")


def named_families(names: str | Sequence[str]) -> tuple[str, ...]:
    """Return the names of the families that were asked for, one or several; or of all but those behind a ``-``.

    Raises
    ------
    UsageError
        If one is not known, or none is left.

    >>> named_families("linear"), named_families(["linear", "mlp"]), "mlp" in named_families(["-mlp"])
    (('linear',), ('linear', 'mlp'), False)
    """
    given = list(map(str, names)) if isinstance(names, Iterable) and not isinstance(names, str) else [names]
    if not all(isinstance(name, str) for name in given):
        raise UsageError(f"families must be names, such as ('lightgbm', 'linear'), got {names!r}")
    left_out = [get_family(name[1:]).name for name in given if name.startswith("-")]
    asked = [get_family(name).name for name in given if not name.startswith("-")]
    if not given or (asked and left_out):
        raise UsageError(f"families must be names to train or, all with a -, names to leave out; got {given}")
    chosen = asked or [family.name for family in registered() if family.name not in left_out]
    if all(get_family(name).baseline for name in chosen):
        raise UsageError(f"families must leave something to train beside the baseline, got {given}")
    return tuple(chosen)


def register_family(family: Family) -> None:
    """Add a family from outside the package to this process; worker processes of a run receive it too.

    Raises
    ------
    UsageError
        If the object is not a :class:`Family`, its name is taken, or its name is not lower-case snake case; or if a
        hyperparameter has a reserved name.
    """
    if not isinstance(family, Family):
        raise UsageError(f"a family must be an instance of automl.models.base.Family, got {family!r}")
    if not _NAME.fullmatch(family.name):
        raise UsageError(
            f"a family's name must be 1 to 40 of a-z, 0-9 and _, starting with a letter, got {family.name!r}"
        )
    if family.name in {known.name for known in registered()}:
        raise UsageError(f"family names must be unique, {family.name!r} is taken; choose another name")
    if taken := sorted(_hyperparameters(family).intersection(RESERVED)):
        raise UsageError(
            f"hyperparameters must not be named {', '.join(RESERVED)}, family {family.name!r} has {taken[0]!r}; give "
            "it another name"
        )
    _OUTSIDE[family.name] = family


def _hyperparameters(family: Family) -> set[str]:
    """Return the names of a family's hyperparameters, as problems of a usual size show them."""
    shapes = [Shape(kind, 1_000, 10, classes) for kind, classes in _USUAL.items() if kind in family.problem_types]
    named = ((family.space(shape), family.defaults(shape), *family.portfolio(shape)) for shape in shapes)
    return {name for every in named for params in every for name in params}
