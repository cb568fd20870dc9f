"""Splits into folds: a row is predicted only by models that did not see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from automl.data.table import ProblemType
from automl.errors import DataError

TRAIN: Final = 0
VALID: Final = 1
UNUSED: Final = 2
SEEN: Final = 3
"""Trained on, and then validated: what that tells is no score."""

_SMALL_ROWS: Final = 1_500
"""Below this a model notices the rows that a fold takes away, and fits are cheap."""
_LARGE_ROWS: Final = 200_000
"""Above this one validation fold is precise enough, and k fits cost too much."""
_PARTS: Final = 5
"""Parts for cross-fitting where there is only one fold."""
_STRATA: Final = 10
"""Parts of the range of a numeric target that groups are spread by."""
_RECENT: Final = 3
"""Folds that tell how far to train on all rows where they step back in time: by their median, no odd one decides."""
_MANY: Final = 1_000
"""Groups of one size above which chance spreads them evenly."""


@dataclass(frozen=True, slots=True, eq=False)
class Folds:
    """A split of all rows into blocks, and what each fold does with each block.

    By default there is a fold for each block: it validates this block and trains on all others. ``run=count`` is
    cross-validation then, ``run=1`` a holdout of 1 / ``count`` of the rows.

    >>> folds = Folds(np.array([0, 1, 0, 1, 2], dtype=np.int16), run=2)
    >>> train, valid = folds.split(0)
    >>> train, valid, folds.valid_rows
    (array([1, 3, 4]), array([0, 2]), array([0, 2, 1, 3]))
    """

    assignment: NDArray[np.integer[Any]]
    """(rows,) the block of each row, 0 .. blocks - 1."""
    run: int
    """Folds that are trained and validated, the first ones."""
    roles: NDArray[np.int8] | None = None
    """(folds, blocks) ``TRAIN``, ``VALID``, ``UNUSED`` or ``SEEN``, where that is not the default."""
    fixed: bool = False
    """Whether the number of folds was asked for; if not, fewer are run where the time is short."""
    forward: bool = False
    """Whether folds step back in time: each trains on rows that the next one validates, none on those before."""

    @property
    def count(self) -> int:
        """Number of folds."""
        return len(self._roles)

    @property
    def valid_rows(self) -> NDArray[np.intp]:
        """Rows that get out-of-fold predictions, in the order in which the folds come to them."""
        rows = self._validated(self.run)
        return rows[np.sort(np.unique(rows, return_index=True)[1])] if self._overlap else rows

    @property
    def valid_folds(self) -> NDArray[np.intp]:
        """(valid rows,) the fold that predicts each of :attr:`valid_rows`, the first one if there are several."""
        first = (self._roles[: self.run] == VALID).argmax(axis=0)
        folds: NDArray[np.intp] = first[self.assignment[self.valid_rows]]
        return folds

    @property
    def final(self) -> int:
        """Folds whose models predict new rows and whose rows the score is about, the first ones.

        All, but one where folds step back in time: it was trained on the most rows and the latest, and the rows that it
        validates are the nearest to those that will come. A run ends by training what it has chosen once more, on those
        too, see :meth:`on_all_rows`.
        """
        return 1 if self.forward else self.run

    @property
    def recent(self) -> int:
        """Folds whose models tell how far to train one of all rows, the first ones.

        All; the latest few where folds step back in time: the older learn from ever fewer rows, but after a sudden
        change the latest alone would tell to learn next to nothing.
        """
        return min(self.run, _RECENT) if self.forward else self.run

    @property
    def final_rows(self) -> int:
        """How many of :attr:`valid_rows`, the first ones, the score is about."""
        return int(np.count_nonzero(self.valid_folds < self.final))

    def split(self, fold: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the rows to train on and the rows to validate on, each in rising order."""
        role = self._roles[fold][self.assignment]
        return np.flatnonzero((role == TRAIN) | (role == SEEN)), np.flatnonzero((role == VALID) | (role == SEEN))

    def on_all_rows(self) -> Folds:
        """Return one fold that trains on all rows, and sees those again that the first fold validates.

        Where folds step back in time, what the first one leaves out stays out: it has left a window that slides.
        """
        first = self._roles[:1]
        roles = np.where(first == VALID, SEEN, np.where((first == UNUSED) & self.forward, UNUSED, TRAIN))
        return Folds(self.assignment, 1, roles.astype(np.int8), fixed=True)

    def joined(self, predictions: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        """Return the predictions of the first folds as one array, in the order of :attr:`valid_rows`.

        A row that several folds predict gets the mean.
        """
        values = np.concatenate(predictions)
        if not self._overlap:
            return values
        _, first, place = np.unique(self._validated(len(predictions)), return_index=True, return_inverse=True)
        total = np.zeros((len(first), *values.shape[1:]))
        np.add.at(total, place, values)
        counts = np.bincount(place).reshape(-1, *(1 for _ in values.shape[1:]))
        mean: NDArray[np.float64] = (total / counts)[np.argsort(first)]
        return mean

    @property
    def _roles(self) -> NDArray[np.int8]:
        if self.roles is not None:
            return self.roles
        return np.eye(int(self.assignment.max()) + 1, dtype=np.int8)  # VALID is 1, TRAIN is 0

    @property
    def _overlap(self) -> bool:
        """Whether a row is validated more than once."""
        return bool(((self._roles[: self.run] == VALID).sum(axis=0) > 1).any())

    def _validated(self, folds: int) -> NDArray[np.intp]:
        return np.concatenate([self.split(fold)[1] for fold in range(folds)])


def make_folds(
    y: NDArray[Any],
    problem_type: ProblemType,
    *,
    folds: int,
    run: int | None = None,
    random_state: int,
    groups: NDArray[np.intp] | None = None,
    weight: NDArray[np.float64] | None = None,
) -> Folds:
    """Split rows so that all folds have the same size and target distribution, as far as that is possible.

    The rows of a class, or rows with neighbouring target values, are dealt out to the folds like cards, so no class is
    too rare: sizes differ by at most one row, and so do the rows of a class. Groups stay together, and are spread by
    their size and target as evenly as they allow.

    Parameters
    ----------
    y
        (rows,) class codes, or values.
    folds
        Number of folds; fewer if there are fewer rows or groups.
    run
        Folds to validate on; None = all.
    groups
        (rows,) group codes from 0; None = every row is one of its own.
    weight
        (rows,) how much each row counts: without groups, the rows of a class have about the same weight in all folds.

    Raises
    ------
    DataError
        If there are fewer than two rows.
    """
    rows = len(y)
    if rows < 2:
        raise DataError(f"validation needs at least 2 rows, got {rows}; add rows with a known target")
    rng = np.random.default_rng(random_state)
    count = min(folds, rows if groups is None else int(groups.max()) + 1)
    if groups is None:
        assignment = _dealt(y, problem_type, count, rng, weight)
    else:
        assignment = _fold_of_group(groups, y, problem_type, count, rng)[groups]
    if problem_type is ProblemType.BINARY:
        assignment = _rare_first(assignment, y, count)
    return Folds(assignment, count if run is None else min(run, count))


def _dealt(
    y: NDArray[Any],
    problem_type: ProblemType,
    count: int,
    rng: np.random.Generator,
    weight: NDArray[np.float64] | None = None,
) -> NDArray[np.int16]:
    """Return the fold of each row, all rows being alone."""
    order = np.lexsort((rng.random(len(y)), np.zeros(len(y)) if weight is None else weight, y))
    cards = np.arange(count, dtype=np.int16)
    rounds = np.tile(cards, (-(-len(y) // count), 1))
    # One order for all rounds is exact for classes; values need new ones, or one fold always gets the smallest.
    dealt = rng.permuted(cards)[rounds] if problem_type.classification else rng.permuted(rounds, axis=1)
    assignment = np.empty(len(y), dtype=np.int16)
    assignment[order] = dealt.ravel()[: len(y)]
    return assignment


def _rare_first(assignment: NDArray[np.int16], y: NDArray[Any], count: int) -> NDArray[np.int16]:
    """Return the folds in another order if some lack a class: these come last, for not all folds may be run.

    >>> _rare_first(np.array([0, 1, 2, 0, 1, 2], np.int16), np.array([0, 0, 1, 0, 0, 0]), 3)
    array([1, 2, 0, 1, 2, 0], dtype=int16)
    """
    codes = np.unique(y, return_inverse=True)[1]
    fewest = np.minimum(*(np.bincount(assignment[codes == code], minlength=count) for code in (0, 1)))
    if fewest.all():
        return assignment
    place = np.empty(count, np.int16)
    place[np.argsort(fewest == 0, kind="stable")] = np.arange(count)
    return place[assignment]


def _fold_of_group(
    groups: NDArray[np.intp], y: NDArray[Any], problem_type: ProblemType, count: int, rng: np.random.Generator
) -> NDArray[np.int16]:
    """Return the fold of each group.

    Groups of one size are dealt out like rows, by their mean target, if there are many. The others go one by one, the
    largest first, to the fold where the sum of the squared shares of all strata and of all rows grows the least.
    """
    sizes, sums = np.bincount(groups), np.bincount(groups, weights=y)
    folds = np.full(len(sizes), -1, np.int16)
    for size in np.flatnonzero(np.bincount(sizes) > _MANY).tolist():
        alike = sizes == size
        folds[alike] = _dealt(sums[alike] / size, problem_type if size == 1 else ProblemType.REGRESSION, count, rng)

    strata = _strata(y, problem_type)
    weight = 1.0 / np.bincount(strata) ** 2.0
    load = np.zeros((count, len(weight)))  # what a row of each stratum would add to the squared shares of each fold

    def add(fold: int, rows: NDArray[np.intp]) -> None:
        held = np.bincount(strata[rows], minlength=len(weight))
        load[fold] += held * weight + len(rows) / len(strata) ** 2.0

    for fold in range(count):
        add(fold, np.flatnonzero(folds[groups] == fold))
    by_group, ends = np.argsort(groups, kind="stable"), np.cumsum(sizes)
    for group in np.lexsort((rng.random(len(sizes)), -sizes)).tolist():
        if folds[group] < 0:
            rows = by_group[ends[group] - sizes[group] : ends[group]]
            folds[group] = load[:, strata[rows]].sum(axis=1).argmin()
            add(int(folds[group]), rows)
    return folds


def _strata(y: NDArray[Any], problem_type: ProblemType) -> NDArray[np.intp]:
    """Return the class of each row, or the part of the target's range that it lies in."""
    if problem_type.classification:
        return np.unique(y, return_inverse=True)[1]
    strata = np.empty(len(y), np.intp)
    strata[np.argsort(y, kind="stable")] = np.arange(len(y)) * _STRATA // len(y)
    return strata if len(y) >= _STRATA else np.zeros(len(y), np.intp)


def parts_to_cross_fit(
    fold_of_row: NDArray[np.integer],
    y: NDArray[Any],
    problem_type: ProblemType,
    random_state: int,
    groups: NDArray[np.intp] | None = None,
) -> NDArray[np.integer]:
    """Return the folds of the rows, or five random ones where all rows are of one; no group is parted but a single one.

    >>> y = np.arange(10) % 2
    >>> np.bincount(parts_to_cross_fit(np.zeros(10, np.intp), y, ProblemType.BINARY, 0)).tolist()
    [2, 2, 2, 2, 2]
    """
    if (fold_of_row != fold_of_row[0]).any():
        return fold_of_row
    if groups is not None:
        groups = np.unique(groups, return_inverse=True)[1]
        groups = groups if groups.max() else None
    return make_folds(y, problem_type, folds=_PARTS, random_state=random_state, groups=groups).assignment


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
