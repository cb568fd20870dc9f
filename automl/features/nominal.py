"""Whole numbers that are rather names: codes of shops, postcodes, products. Their order says little of the target, and
each of them something of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl.data.cells import number_names
from automl.data.table import Column, Kind

FEWEST: Final = 10
"""Different numbers up to which a few splits tell all of them apart."""
MOST: Final = 20_000
"""Different numbers up to which they are categories."""
ROWS_EACH: Final = 2.0
"""Mean rows of a number from which it may be known in new rows."""
ROWS: Final = 200_000
"""Rows in which jumps are looked for."""
JUMPS: Final = 6.0
"""Standard errors that the target must jump more than chance alone would have it."""


def nominal_numbers(
    typed: pd.DataFrame, columns: Sequence[Column], targets: Sequence[NDArray[np.float64]]
) -> list[tuple[Column, NDArray[np.float64]]]:
    """Return the numeric columns whose target jumps from one whole number to the next, rather than rise and fall with
    them, as columns that are categories, too; with the jumps of each target; the highest ones first.

    Parameters
    ----------
    typed
        The typed frame.
    columns
        Those of its columns that may be such.
    targets
        (rows,) numbers each.
    """
    found = []
    for column in columns:
        if column.kind is Kind.NUMERIC and not column.nominal:
            numbers = typed[column.name].to_numpy()
            heights = np.fromiter(jumps(numbers, targets), np.float64)
            if heights.max(initial=0.0) > JUMPS:
                found.append((_nominal(column, numbers), heights))
    return sorted(found, key=lambda each: -each[1].max())


def _nominal(column: Column, numbers: NDArray[np.float64]) -> Column:
    reason = f"{column.reason}; each says something of its own, so they are categories, too"
    return replace(column, reason=reason, nominal=True, categories=number_names(numbers))


def jumps(numbers: NDArray[np.float64], targets: Sequence[NDArray[np.float64]]) -> Iterator[float]:
    """Yield how much the mean of each target jumps from one whole number to the next, in standard errors.

    The mean of a number is compared with that on the line between the means of the next smaller and the next larger
    one: what it lies beside the line, squared, over what chance lets it lie, is 1 in the mean where the target changes
    smoothly with the numbers, as in the differences of von Neumann (1941).

    Parameters
    ----------
    numbers
        (rows,) numbers, NaN where missing; others than whole ones that come again have no jumps.
    targets
        (rows,) numbers each.

    >>> codes, (effect, noise) = np.arange(5000) % 50, np.random.default_rng(0).normal(size=(2, 5000))
    >>> [height > JUMPS for height in jumps(codes * 1.0, [codes + noise, effect[codes] + noise])]
    [False, True]
    """
    known = np.flatnonzero(~np.isnan(numbers))
    known = known[:: -(-len(known) // ROWS) or 1]
    if not (np.trunc(numbers[known]) == numbers[known]).all():
        return
    values, place, counts = np.unique(numbers[known], return_inverse=True, return_counts=True)
    if not (FEWEST < len(values) <= MOST and len(known) >= ROWS_EACH * len(values)) or np.abs(values).max() > 2**53:
        return
    left = (values[2:] - values[1:-1]) / (values[2:] - values[:-2])  # the nearer one counts more
    parts = 1 / counts[1:-1] + left**2 / counts[:-2] + (1 - left) ** 2 / counts[2:]
    spread = np.sqrt(3.4 * len(parts))  # of a sum of squares, of which neighbours have parts in common
    for target in targets:
        means = np.bincount(place, target[known]) / counts
        noise = np.square(target[known] - means[place]).sum() / (len(known) - len(values))
        beside = np.square(means[1:-1] - left * means[:-2] - (1 - left) * means[2:])
        chance = max(noise, np.finfo(np.float64).eps * float(np.var(target[known])) or 1.0) * parts
        yield float((beside / chance - 1).sum() / spread)
