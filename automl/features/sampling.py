"""Some of many rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def sample(rows: int, most: int, random_state: int) -> NDArray[np.intp]:
    """Return the rows to learn from, in order: all of them, or ``most`` drawn at random."""
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(random_state).choice(rows, most, replace=False))
