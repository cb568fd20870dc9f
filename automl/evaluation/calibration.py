"""Whether predictions mean what they say: how often something happened beside how often it should have."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sqrt
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from automl.evaluation.metric import Weight

_BINS: Final = 10
_ROWS: Final = 20
"""Rows of a bin from which on its share says something."""


@dataclass(frozen=True, slots=True)
class Share:
    """How often something happened, with a 90 % interval, beside how often it was expected to."""

    expected: float
    value: float
    low: float
    high: float
    rows: int


@dataclass(frozen=True, slots=True)
class Reliability:
    """Predicted probabilities beside what happened: the reliability curve (DeGroot and Fienberg 1983)."""

    bins: tuple[Share, ...]
    """By rising probability, each with about as many rows."""
    error: float
    """Expected calibration error: the mean distance between predicted and observed shares (Naeini et al. 2015)."""
    by_chance: float
    """What that error would be if every probability were right, for so few rows."""


def observed(happened: NDArray[np.bool_], expected: float, weight: Weight = None) -> Share:
    """Return the share of (rows,) in which something happened, with the interval of Wilson (1927).

    Of weighted rows it is as wide as of so many rows of one weight as would tell as much (Kish 1965).

    >>> share = observed(np.array([True, False, False, False] * 25), 0.3)
    >>> share.value, round(share.low, 2), round(share.high, 2)
    (0.25, 0.19, 0.33)
    """
    value = float(np.average(happened, weights=weight))
    rows = len(happened) if weight is None else float(weight.sum() ** 2 / np.square(weight).sum())
    normal = NormalDist().inv_cdf(0.95)
    scale = 1 + normal**2 / rows
    center = (value + normal**2 / (2 * rows)) / scale
    margin = normal * sqrt(value * (1 - value) / rows + (normal / (2 * rows)) ** 2) / scale
    low, high = max(center - margin, 0.0), min(center + margin, 1.0)
    return Share(expected, value, min(low, value), max(high, value), len(happened))


def reliability(probability: NDArray[np.float64], happened: NDArray[np.bool_], weight: Weight = None) -> Reliability:
    """Return the reliability of (rows,) probabilities that something happens.

    >>> found = reliability(np.repeat([0.1, 0.9], 100), np.tile([False] * 9 + [True], 20))
    >>> [(round(each.expected, 2), each.value, each.rows) for each in found.bins], round(found.error, 2)
    ([(0.1, 0.1, 100), (0.9, 0.1, 100)], 0.4)
    """
    mass = np.ones(len(happened)) if weight is None else weight
    bins: list[Share] = []
    error = by_chance = 0.0
    for rows in equal_bins(probability, weight):
        share = mass[rows] / mass.sum()
        expected = float(np.average(probability[rows], weights=share))
        bins.append(observed(happened[rows], expected, None if weight is None else weight[rows]))
        error += share.sum() * abs(bins[-1].value - expected)
        spread = sqrt(float(np.square(share) @ (probability[rows] * (1 - probability[rows]))))
        by_chance += sqrt(2 / pi) * spread  # the mean size of a normal error
    return Reliability(tuple(bins), float(error), by_chance)


def equal_bins(values: NDArray[np.float64], weight: Weight = None, *, most: int = _BINS) -> list[NDArray[np.intp]]:
    """Return the rows of each of up to ``most`` bins of rising values and about equal weight; equal ones stay together.

    >>> [rows.tolist() for rows in equal_bins(np.array([3.0, 1.0, 1.0, 2.0] * 10), most=2)][0][:4]
    [1, 2, 5, 6]
    """
    count = min(max(len(values) // _ROWS, 1), most)
    distinct, place = np.unique(values, return_inverse=True)
    mass = np.bincount(place, weight, len(distinct))
    middles = (np.cumsum(mass) - mass / 2) / mass.sum()
    code = np.minimum((middles * count).astype(np.intp), count - 1)[place]
    return [rows for each in range(count) if len(rows := np.flatnonzero(code == each))]
