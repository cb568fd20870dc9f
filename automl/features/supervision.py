"""What encodings learn from: the target as columns of numbers, and inner folds that keep a row from seeing its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from automl.data.table import ProblemType, Task

FOLDS: Final = 5
MOST_CLASSES: Final = 10
"""Multiclass: only the most frequent classes get columns of their own."""
SPREADS: Final = (1e-3, 1e12)
"""Spreads of a target that keeps its unit: beyond, gains of trees, its squares, meet the limits of libraries."""
ALIKE: Final = 1e-4
"""The least of it as a share of the mean: of the seven digits of single precision, three tell values apart then."""


@dataclass(frozen=True, slots=True, eq=False)
class Supervision:
    """The target of the training rows, for encodings that are made out of fold."""

    values: NDArray[np.float64]
    """(rows, targets): the target, 1 for the positive class, or 1 for each of the frequent classes."""
    labels: tuple[str, ...]
    """The class of each target column; empty text where there is only one."""
    folds: NDArray[np.intp]
    """(rows,) inner fold of each row."""
    random_state: int
    weight: NDArray[np.float64] | None = None
    """(rows,) how much each row counts; None = all alike."""

    def named(self, text: str) -> tuple[str, ...]:
        """Return a column name for each target.

        >>> one = np.zeros(1, np.intp)
        >>> Supervision(np.zeros((1, 2)), ("a", "b"), one, 0).named("mean(job)")
        ('mean(job) of a', 'mean(job) of b')
        """
        return tuple(f"{text} of {label}" if label else text for label in self.labels)


def supervise(
    y: NDArray[Any],
    task: Task,
    random_state: int,
    groups: NDArray[np.intp] | None = None,
    weight: NDArray[np.float64] | None = None,
) -> Supervision:
    """Return the target as columns with stratified inner folds, which do not part the rows of a group."""
    folds = _stratified(y, random_state) if groups is None else _grouped(y, random_state, groups)
    if task.problem_type is not ProblemType.MULTICLASS:  # numbers, or 1 for the positive class
        return Supervision(np.asarray(y, np.float64)[:, None], ("",), folds, random_state, weight)
    counts = np.bincount(y, minlength=task.n_classes)
    classes = np.sort(np.argsort(-counts, kind="stable")[: min(MOST_CLASSES, np.count_nonzero(counts))])
    labels = tuple(str(task.classes[code]) for code in classes.tolist())
    return Supervision((y[:, None] == classes).astype(np.float64), labels, folds, random_state, weight)


def unit_of(values: NDArray[np.float64]) -> tuple[float, float] | None:
    """Return the mean and the spread of a target that libraries can only learn without them, else None.

    >>> unit_of(np.array([1.7e9, 1.7e9 + 100])), unit_of(np.array([1.0, 3.0]))
    ((1700000050.0, 50.0), None)
    """
    mean, spread = float(values.mean()), float(values.std())
    low, high = SPREADS
    learned = spread == 0 or (low <= spread <= high and spread >= ALIKE * abs(mean))
    return None if learned else (mean, spread)


def in_unit(y: NDArray[Any], task: Task) -> NDArray[Any]:
    """Return a target as features and models can learn it, in another unit where that is needed."""
    if task.classes:
        return y
    values = np.asarray(y, np.float64)
    mean, spread = unit_of(values) or (0.0, 1.0)
    return (values - mean) / spread


def _stratified(y: NDArray[Any], random_state: int) -> NDArray[np.intp]:
    """Return folds with about the same distribution of the target, numbers or classes.

    Neighbours in the order of the target go to different folds. Were the folds' means unequal, then the mean of the
    other folds would tell a row something about its own.
    """
    generator = np.random.default_rng(random_state)
    order = np.lexsort((generator.random(len(y)), y))
    blocks = -(-len(y) // FOLDS)
    shuffled = generator.permuted(np.tile(np.arange(FOLDS), (blocks, 1)), axis=1).ravel()[: len(y)]
    folds = np.empty(len(y), np.intp)
    folds[order] = shuffled
    return folds


def _grouped(y: NDArray[Any], random_state: int, groups: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return folds of whole groups with about the same distribution of the groups' mean targets."""
    _, place, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if len(sizes) == 1:  # nothing but its own rows could tell a row of its target
        return _stratified(y, random_state)
    return _stratified(np.bincount(place, weights=y) / sizes, random_state)[place]
