"""Random points of a search space."""

from __future__ import annotations

from math import log

import numpy as np

from automl.models.base import Choice, Float, Int, Space, Value


def sample(space: Space, rng: np.random.Generator) -> dict[str, Value]:
    """Draw a configuration; a parameter whose condition does not hold is left out.

    >>> sample({"depth": Int(2, 2), "kind": Choice(("a",)), "rate": Float(0.0, 1.0, when=("kind", ("b",)))},
    ...        np.random.default_rng(0))
    {'depth': 2, 'kind': 'a'}
    """
    drawn: dict[str, Value] = {}
    for name, dimension in space.items():
        if dimension.when is None or drawn.get(dimension.when[0]) in dimension.when[1]:
            drawn[name] = _value(dimension, rng)
    return drawn


def _value(dimension: Float | Int | Choice, rng: np.random.Generator) -> Value:
    if isinstance(dimension, Choice):
        return dimension.values[int(rng.integers(len(dimension.values)))]
    low, high = dimension.low, dimension.high
    if isinstance(dimension, Int):
        if not dimension.log:
            return int(rng.integers(dimension.low, dimension.high + 1))
        return min(dimension.high, int(np.exp(rng.uniform(log(low), log(high + 1)))))
    real = np.exp(rng.uniform(log(low), log(high))) if dimension.log else rng.uniform(low, high)
    return float(np.clip(real, low, high))
