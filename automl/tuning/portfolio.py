"""The fixed part of the plan: which configurations are tried first, in which order."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from automl.models.base import Family, Shape
from automl.tuning.candidate import Candidate


def portfolio(families: Sequence[Family], shape: Shape) -> list[Candidate]:
    """Return the portfolio of all families: everybody's default first, then everybody's second, and so on.

    A diverse few before many of one kind: it is what an ensemble gains most from (Feurer et al. 2015; TabRepo, 2024).
    """
    rounds = zip_longest(*(_candidates(family, shape) for family in families))
    return [candidate for each in rounds for candidate in each if candidate is not None]


def _candidates(family: Family, shape: Shape) -> list[Candidate]:
    return [Candidate(family.name, params, "portfolio") for params in family.portfolio(shape)]
