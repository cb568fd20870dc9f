"""L-BFGS that ends at a deadline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from automl.deadline import NEVER, Deadline

Objective = Callable[[NDArray[np.float64]], tuple[float, NDArray[np.float64]]]


def minimised(
    objective: Objective,
    start: NDArray[np.float64],
    deadline: Deadline = NEVER,
    *,
    bounds: Any = None,
    options: Mapping[str, float] | None = None,
) -> NDArray[np.float64]:
    """Return where a function is lowest, or the best point that was found in time.

    Parameters
    ----------
    objective
        Returns the value and its gradient.
    bounds, options
        As ``scipy.optimize.minimize`` takes them.

    >>> minimised(lambda x: (float((x - 2) @ (x - 2)), 2 * (x - 2)), np.zeros(2)).round(6).tolist()
    [2.0, 2.0]
    """
    from scipy.optimize import minimize

    def stop(_: NDArray[np.float64]) -> None:
        if deadline.passed:
            raise StopIteration

    solver: Any = minimize  # its stubs refuse a value that comes with its gradient
    found = solver(objective, start, method="L-BFGS-B", jac=True, bounds=bounds, callback=stop, options=options)
    return np.asarray(found.x)
