"""Splits that the owner of a table asks for: by groups, by time, by a column of folds, or by any splitter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from reprlib import repr as shortened
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from automl.data.cells import cells_of
from automl.data.table import ProblemType
from automl.errors import DataError, UsageError
from automl.evaluation.validation import TRAIN, UNUSED, VALID, Folds, make_folds

MOST_FOLDS: Final = 100
"""Values of a column of folds; with more, it is some other column."""

FEW_GROUPS: Final = 20
"""Groups of a fold below which it tells little of new ones; all folds are validated then, whatever their size."""

Pairs = Iterable[tuple[ArrayLike, ArrayLike]]


@runtime_checkable
class Splitter(Protocol):
    """What scikit-learn's splitters have in common."""

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Pairs:
        """Yield the training rows and the validation rows of each fold."""


def by_groups(
    y: NDArray[Any],
    problem_type: ProblemType,
    groups: NDArray[np.intp],
    *,
    folds: int,
    run: int,
    fixed: bool,
    random_state: int,
) -> Folds:
    """Return folds of whole groups, sizes and targets as equal as the groups allow.

    Parameters
    ----------
    groups
        (rows,) codes from 0.
    run
        Folds to validate on where each has many groups; of few, all are.

    Raises
    ------
    DataError
        If there is one group only.
    UsageError
        If more folds than groups are asked for.
    """
    count = int(groups.max()) + 1
    if count < 2:
        raise DataError("groups must be at least 2, all rows are in one; choose another column")
    if fixed and folds > count:
        raise UsageError(f"folds must not be more than the groups, got {folds} folds for {count} groups; ask for fewer")
    run = run if count >= FEW_GROUPS * folds else folds
    split = make_folds(y, problem_type, folds=folds, run=run, random_state=random_state, groups=groups)
    return replace(split, fixed=fixed)


def by_time(moments: NDArray[np.generic], *, folds: int, run: int, fixed: bool) -> Folds:
    """Return folds that train on the past and validate the block of rows after it: forward chaining.

    ``folds + 1`` blocks of about equal size, cut between different moments. Fold 0 validates the latest block and
    trains on all before it; the others step back. The oldest block is only trained on.

    >>> folds = by_time(np.array([3, 1, 2, 2]), folds=2, run=2, fixed=False)
    >>> folds.split(0), folds.split(1)
    ((array([1, 2, 3]), array([0])), (array([1]), array([2, 3])))

    Parameters
    ----------
    moments
        (rows,) anything with an order.

    Raises
    ------
    DataError
        If all moments are equal.
    UsageError
        If more folds are asked for than the moments can be cut into.
    """
    _, place, counts = np.unique(moments, return_inverse=True, return_counts=True)
    if len(counts) < 2:
        raise DataError("the time column must have at least 2 different values, all rows have one; choose another")
    if fixed and folds >= len(counts):
        raise UsageError(
            f"folds must be fewer than the different times, got {folds} folds for {len(counts)} times; ask for fewer"
        )
    blocks = min(folds + 1, len(counts))
    steps, ends = np.arange(1, blocks), np.cumsum(counts)
    cuts = 1 + np.searchsorted((ends[:-1] + ends[1:]) / 2, steps * len(place) / blocks)  # moments before each cut
    cuts = np.minimum(np.maximum.accumulate(cuts - steps) + steps, len(counts) - blocks + steps)
    block = np.searchsorted(cuts, np.arange(len(counts)), side="right")
    newest_first = (blocks - 1 - block[place]).astype(np.int16)
    fold, column = np.indices((blocks - 1, blocks))
    roles = np.select([column == fold, column > fold], [VALID, TRAIN], UNUSED).astype(np.int8)
    return Folds(newest_first, min(run, blocks - 1), roles, fixed, forward=True)


def by_column(fold: pd.Series[Any]) -> Folds:
    """Return one fold for each value of a column, in the order of the values.

    Raises
    ------
    DataError
        If a row has no value, or there is one value only, or too many.
    """
    cells = cells_of(fold)
    if (cells.codes < 0).any():
        row = fold.index[int(cells.codes.argmin())] + 1
        raise DataError(f"a fold column must have a value in every row, {fold.name!r} has none in row {row}; fill it")
    if not 2 <= len(cells.values) <= MOST_FOLDS:
        rule = f"a fold column must have 2 to {MOST_FOLDS} different values"
        raise DataError(f"{rule}, {fold.name!r} has {len(cells.values)}; choose another column")
    rising = sorted(cells.values, key=lambda value: (len(value), value))  # 9 before 10
    place = np.array([rising.index(value) for value in cells.values], np.int16)
    return Folds(place[cells.codes], len(place), fixed=True)


def by_splitter(
    splitter: Splitter | Pairs,
    X: pd.DataFrame,
    y: NDArray[Any],
    groups: pd.Series[Any] | None,
    known: NDArray[np.bool_],
) -> Folds:
    """Return the folds of a scikit-learn splitter, or those given as pairs of (train, valid) row numbers.

    Folds that train on the past of what they validate, as ``TimeSeriesSplit`` has them, are turned around: the latest
    comes first, see :attr:`Folds.forward`.

    Parameters
    ----------
    X, y, groups
        What the splitter gets: the rows with a known target.
    known
        (all rows,) which have one; pairs count all rows.

    Raises
    ------
    UsageError
        If it cannot split these rows, or a fold has no rows to train on or to validate on, or a row is in both.
    """
    try:
        pairs = splitter.split(X, y, groups) if isinstance(splitter, Splitter) else _renumbered(splitter, known)
        folds = from_pairs(pairs, len(X))
    except UsageError:
        raise
    except (ValueError, TypeError, IndexError) as error:
        reason = " ".join(str(error).split())
        given = repr(splitter) if isinstance(splitter, Splitter) else shortened(splitter)  # of pairs the first numbers
        raise UsageError(
            f"folds must be a number, a splitter of scikit-learn or pairs of row numbers, got {given} ({reason})"
        ) from error
    assert folds.roles is not None
    newest_first = folds.roles[::-1]
    return replace(folds, roles=newest_first, forward=True) if _steps_back(newest_first) else folds


def _steps_back(roles: NDArray[np.int8]) -> bool:
    """Return whether each of several folds trains on rows that the next one validates, and none on those before."""
    shared = (roles == TRAIN).astype(np.intp) @ (roles == VALID).astype(np.intp).T
    return len(roles) > 1 and bool(shared.diagonal(1).all()) and not np.tril(shared).any()


def _renumbered(pairs: Pairs, known: NDArray[np.bool_]) -> Pairs:
    """Yield the pairs without the rows that are left out."""
    place = np.cumsum(known) - 1
    for train, valid in pairs:
        trained, validated = _chosen(train, len(known)), _chosen(valid, len(known))
        yield place[trained[known[trained]]], place[validated[known[validated]]]


def _chosen(rows: ArrayLike, count: int) -> NDArray[np.intp]:
    """Return row numbers given as such or as a mask."""
    given = np.asarray(rows)
    chosen: NDArray[np.intp] = np.arange(count)[given if given.size else given.astype(np.intp)]
    return chosen


def from_pairs(pairs: Pairs, rows: int) -> Folds:
    """Return folds given as (train, valid) row numbers or masks; rows that always go together become a block.

    >>> folds = from_pairs([([0, 1], [2]), ([0, 2], [3, 1])], rows=4)
    >>> folds.split(0), folds.split(1)
    ((array([0, 1]), array([2])), (array([0, 2]), array([1, 3])))
    """
    assignment, roles = np.zeros(rows, np.intp), np.zeros((0, 1), np.int8)
    for number, (train, valid) in enumerate(pairs):
        role = np.full(rows, UNUSED, np.int8)
        role[_chosen(train, rows)] = TRAIN
        held = _chosen(valid, rows)
        if (role[held] == TRAIN).any():
            raise UsageError(f"fold {number} validates rows that it trains on; leave them out of one of the two")
        role[held] = VALID
        if not {TRAIN, VALID} <= set(role.tolist()):
            raise UsageError(f"fold {number} needs rows to train on and rows to validate on; leave it out")
        kept, assignment = np.unique(assignment * 3 + role, return_inverse=True)
        roles = np.concatenate([roles[:, kept // 3], (kept % 3)[None].astype(np.int8)])
    if not len(roles):
        raise UsageError("folds must be at least one pair of row numbers to train on and to validate on, got none")
    return Folds(assignment.astype(np.int32), len(roles), roles, fixed=True)


def repeated(splits: Sequence[Folds]) -> Folds:
    """Return all folds of several splits of the same rows, as of Burman (1989); of one split those that it has.

    >>> one, other = (Folds(np.array(blocks, np.int16), 2) for blocks in ([0, 0, 1, 1], [0, 1, 0, 1]))
    >>> repeated([one, other]).split(3)
    (array([0, 2]), array([1, 3]))
    """
    if len(splits) == 1:
        return splits[0]
    pairs = (split.split(fold) for split in splits for fold in range(split.run))
    return from_pairs(pairs, len(splits[0].assignment))
