"""Splits into folds: every row is predicted at most once, by models that did not see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from automl.data.table import ProblemType
from automl.errors import DataError

_SMALL_ROWS: Final = 1_500
"""Below this a model notices the rows that a fold takes away, and fits are cheap."""
_LARGE_ROWS: Final = 200_000
"""Above this one validation fold is precise enough, and k fits cost too much."""


@dataclass(frozen=True, slots=True, eq=False)
class Folds:
    """A split of all rows into ``count`` folds, of which the first ``run`` are validated on.

    ``run=count`` is cross-validation, ``run=1`` a holdout of 1 / ``count`` of the rows.

    >>> folds = Folds(np.array([0, 1, 0, 1, 2], dtype=np.int16), run=2)
    >>> train, valid = folds.split(0)
    >>> train, valid, folds.valid_rows
    (array([1, 3, 4]), array([0, 2]), array([0, 2, 1, 3]))
    """

    assignment: NDArray[np.int16]
    """(rows,) the fold of each row, 0 .. count - 1."""
    run: int

    @property
    def count(self) -> int:
        """Number of folds."""
        return int(self.assignment.max()) + 1

    @property
    def valid_rows(self) -> NDArray[np.intp]:
        """Rows that get out-of-fold predictions, fold after fold: the order of the folds' predictions joined."""
        order = np.argsort(self.assignment, kind="stable")
        return order[: np.count_nonzero(self.assignment < self.run)]

    def split(self, fold: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the rows to train on and the rows to validate on, each in rising order."""
        valid = self.assignment == fold
        return np.flatnonzero(~valid), np.flatnonzero(valid)


def make_folds(
    y: NDArray[Any], problem_type: ProblemType, *, folds: int, run: int | None = None, random_state: int
) -> Folds:
    """Split rows so that all folds have the same size and target distribution, as far as that is possible.

    The rows of a class, or rows with neighbouring target values, are dealt out to the folds like cards, so no class is
    too rare: sizes differ by at most one row, and so do the rows of a class.

    Parameters
    ----------
    y
        (rows,) class codes, or values.
    folds
        Number of folds; fewer if there are fewer rows.
    run
        Folds to validate on; None = all.

    Raises
    ------
    DataError
        If there are fewer than two rows.
    """
    rows = len(y)
    if rows < 2:
        raise DataError(f"validation needs at least 2 rows, got {rows}; add rows with a known target")
    count = min(folds, rows)
    rng = np.random.default_rng(random_state)
    order = np.lexsort((rng.random(rows), y))
    rounds = np.tile(np.arange(count, dtype=np.int16), (-(-rows // count), 1))
    # One order for all rounds is exact for classes; values need new ones, or one fold always gets the smallest.
    dealt = rng.permuted(rounds[0])[rounds] if problem_type.classification else rng.permuted(rounds, axis=1)
    assignment = np.empty(rows, dtype=np.int16)
    assignment[order] = dealt.ravel()[:rows]
    return Folds(assignment, count if run is None else min(run, count))


def default_folds(rows: int, requested: int | None) -> int:
    """Return the number of folds to split into: 8 for small data, 5, or 10 for large data.

    >>> [default_folds(rows, None) for rows in (1_000, 50_000, 500_000)], default_folds(50_000, 3)
    ([8, 5, 10], 3)
    """
    if requested is not None:
        return requested
    return 8 if rows < _SMALL_ROWS else 5 if rows <= _LARGE_ROWS else 10


def default_run(rows: int, requested: int | None) -> int:
    """Return how many of :func:`default_folds` to validate on: all, or one (a holdout) for large data.

    >>> default_run(50_000, None), default_run(500_000, None), default_run(500_000, 3)
    (5, 1, 3)
    """
    return 1 if requested is None and rows > _LARGE_ROWS else default_folds(rows, requested)
