"""The fixed part of the plan: which configurations are tried first, in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import Final

from automl.models.base import TARGET, Family, Shape
from automl.models.registry import FAMILIES
from automl.tuning.candidate import Candidate
from automl.tuning.configuration import forms, resampled

Place = tuple[str, int]
"""A family, and the place among its configurations in all their forms."""

LINES: Final[tuple[Place, ...]] = (("linear", 6), ("linear", 2))
"""Ridge regression and the elastic net, put early by hand, of many rows the first alone.

None of the tables that made the orders is linear; where one is, nothing else comes near (10 exact columns, 20 s: RMSE
.117 without them, the noise is .010), and elsewhere they are the cheapest candidates there are.
"""
SMOOTH: Final[tuple[Place, ...]] = (("gaussian_process", 0), ("gaussian_process", 2))
"""Put here by hand likewise: none of those tables is as smooth as measurements of machines or bodies can be."""
SMALL: Final[Mapping[bool, tuple[Place, ...]]] = {
    True: (
        ("linear", 1),
        ("knn", 3),
        ("lightgbm", 10),
        ("extra_trees", 0),
        ("linear", 0),
        ("extra_trees", 1),
        ("catboost", 5),
        ("mlp", 3),
        ("linear", 2),
        SMOOTH[0],
        ("linear", 4),
        ("mlp", 0),
        ("catboost", 4),
        SMOOTH[1],
    ),
    False: (
        ("lightgbm", 7),
        ("mlp", 5),
        *LINES,
        *SMOOTH,
        ("extra_trees", 1),
        ("lightgbm", 4),
        ("catboost", 5),
        ("mlp", 1),
        ("catboost", 6),
        ("catboost", 8),
        ("lightgbm", 2),
        ("extra_trees", 4),
        ("extra_trees", 0),
    ),
}
"""By whether it is classification: what brings an ensemble most per second, on 17 tables of up to 3,000 rows.

Made by ``benchmarks/portfolio.py``, which also says what it is worth on tables that it was not made with.
"""
LARGE: Final[tuple[Place, ...]] = (
    ("lightgbm", 3),
    ("xgboost", 4),
    ("catboost", 0),
    LINES[0],
    ("xgboost", 1),
    ("catboost", 5),
    ("extra_trees", 1),
    ("lightgbm", 7),
    ("mlp", 1),
    ("catboost", 4),
    ("lightgbm", 0),
)
"""Of many rows every trial takes all the time that it may, and boosters learn more from them than others.

Put together by hand, from the losses that those records have of the larger tables. Orders that were made with
``benchmarks/portfolio.py --large``, of 18 tables of 8,000 to 30,000 rows, were no better on tables left out.
"""
LARGE_ROWS: Final = 10_000


def portfolio(families: Sequence[Family], shape: Shape) -> list[Candidate]:
    """Return the portfolio of all families, each configuration once.

    Families that the package does not know, which somebody has registered, show their default first. Then comes the
    measured order, in turn with resampled rows where these are asked for, then everybody's first, second and so on: a
    diverse few before many of one kind is what an ensemble gains most from (Feurer et al. 2015; TabRepo, Salinas &
    Erickson 2024).
    """
    left = declared(families, shape)
    own = {family.name for family in FAMILIES}
    order = LARGE if shape.rows > LARGE_ROWS else SMALL[shape.problem_type.classification]
    registered = [(family.name, 0) for family in families if family.name not in own]
    chosen = [each for place in (*registered, *order) if place in left for each in _with_plain(place, left.pop(place))]
    rare = [[Candidate(family.name, params, "portfolio") for params in resampled(family, shape)] for family in families]
    lists = [[left[place] for place in left if place[0] == family.name] for family in families]
    every = [*_in_turn([chosen, _in_turn(rare)]), *_in_turn(lists)]
    return list({candidate.id: candidate for candidate in every}.values())


def _with_plain(place: Place, candidate: Candidate) -> list[Candidate]:
    """Return a candidate, of ``LINES`` first on the target as it is: where that is linear, its logarithm is not."""
    plain = {name: value for name, value in candidate.params.items() if name != TARGET}
    return [replace(candidate, params=plain), candidate] if place in LINES else [candidate]


def _in_turn(lists: Sequence[Sequence[Candidate]]) -> list[Candidate]:
    """Return the first of each list, then the second of each, and so on."""
    return [candidate for each in zip_longest(*lists) for candidate in each if candidate is not None]


def declared(families: Sequence[Family], shape: Shape) -> dict[Place, Candidate]:
    """Return what the families declare, in all forms."""
    return {
        (family.name, place): Candidate(family.name, params, "portfolio")
        for family in families
        for place, params in enumerate(forms(family, shape))
    }
