"""The fixed part of the plan: which configurations are tried first, in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Final

from automl.models.base import Family, Shape
from automl.tuning.candidate import Candidate
from automl.tuning.configuration import forms

Place = tuple[str, int]
"""A family, and the place among its configurations in all their forms."""

ORDER: Final[Mapping[bool, tuple[Place, ...]]] = {True: (), False: ()}
"""By whether it is classification: what brings an ensemble most per second, over many tables.

Made by ``benchmarks/portfolio.py``.
"""


def portfolio(families: Sequence[Family], shape: Shape) -> list[Candidate]:
    """Return the portfolio of all families, each configuration once.

    Families that ``ORDER`` does not know, which somebody has registered, show their default first. Then comes the
    measured order, then everybody's second, third and so on: a diverse few before many of one kind is what an
    ensemble gains most from (Feurer et al. 2015; TabRepo, Salinas & Erickson 2024).
    """
    left = declared(families, shape)
    order = ORDER[shape.problem_type.classification]
    known = {name for name, _ in order}
    first = [(name, 0) for name in (family.name for family in families) if name not in known]
    chosen = [left.pop(place) for place in (*(first if known else ()), *order) if place in left]
    lists = [[left[place] for place in left if place[0] == family.name] for family in families]
    rounds = [candidate for each in zip_longest(*lists) for candidate in each if candidate is not None]
    return list({candidate.id: candidate for candidate in (*chosen, *rounds)}.values())


def declared(families: Sequence[Family], shape: Shape) -> dict[Place, Candidate]:
    """Return what the families declare, in all forms."""
    return {
        (family.name, place): Candidate(family.name, params, "portfolio")
        for family in families
        for place, params in enumerate(forms(family, shape))
    }
