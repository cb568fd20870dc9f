"""Columns made of two others: what a tree would need many splits for, such as a ratio, becomes one column."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from automl.data.table import Task
from automl.features.sampling import sample
from automl.features.select import gains

OPERATORS: Final = ("+", "-", "*", "/")
_FUNCTIONS: Final = (np.add, np.subtract, np.multiply, np.divide)
"""What the operators stand for, in their order."""
SOURCES: Final = 8
"""Columns that are combined: those that a small boosted model gains most from."""
MOST: Final = 24
"""Combinations that are kept."""
SPREAD: Final = 6
"""Distinct values that a column must have to be combined: flags and codes have nothing to add or divide."""
SPREAD_ROWS: Final = 1_000
"""Rows in which they are looked for."""
CELLS: Final = 1_000_000
"""Rows times columns that the combinations are compared on."""


@dataclass(frozen=True, slots=True, eq=False)
class Arithmetic:
    """Sums, differences, products and quotients of pairs of dense columns."""

    names: tuple[str, ...]
    left: NDArray[np.intp]
    right: NDArray[np.intp]
    operator: NDArray[np.intp]
    """Index into ``OPERATORS``."""

    @classmethod
    def fit(
        cls,
        dense: NDArray[np.float64],
        names: tuple[str, ...],
        categorical: tuple[int, ...],
        y: NDArray[Any],
        task: Task,
        random_state: int,
        allowed: Callable[[int, int], bool] = lambda *_: True,
    ) -> Arithmetic:
        """Combine the columns that tell most of the target, and keep the combinations that tell more than others.

        As in OpenFE (Zhang et al. 2023) and AutoGluon a combination is judged beside the columns it is made of: by the
        total gain of a small boosted model that sees all of them.

        Parameters
        ----------
        dense
            (rows, columns) of the training rows, missing values as NaN.
        categorical
            Columns that hold codes; they are not combined.
        allowed
            Whether two columns may be combined.
        """
        some = dense[sample(len(dense), SPREAD_ROWS, random_state)]
        numeric = [i for i in _spread(some) if i not in categorical]
        pairs: list[tuple[int, int, int]] = []
        if len(numeric) >= 2:
            rows = sample(len(dense), CELLS // len(names), random_state)
            alone = gains(dense[rows], y[rows], task, random_state, categorical=categorical)
            sources = sorted(numeric, key=lambda i: -alone[i])[:SOURCES]
            pairs = [(a, b, code) for a, b, code in _pairs(sources) if allowed(a, b)]
        if not pairs:
            return cls((), *(np.zeros(0, np.intp) for _ in range(3)))
        every = cls._of(pairs, names)
        rows = sample(len(dense), CELLS // (len(names) + len(every.names)), random_state)
        joined = np.concatenate([dense[rows], every(dense[rows])], axis=1)
        together = gains(joined, y[rows], task, random_state, categorical=categorical)[len(names) :]
        best = np.argsort(-together, kind="stable")[:MOST]
        return every._only(np.sort(best[together[best] > 0]))

    def __call__(self, dense: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (rows, names); NaN where a part is missing or the result is not finite."""
        left, right = dense[:, self.left], dense[:, self.right]
        values = np.empty_like(left)
        with np.errstate(all="ignore"):
            for code, function in enumerate(_FUNCTIONS):
                columns = self.operator == code
                values[:, columns] = function(left[:, columns], right[:, columns])
        values[~np.isfinite(values)] = np.nan
        return values

    def formula(self, dense: Any) -> Any:
        """Return the same of a symbol."""
        groups, made = [], []
        for code, function in enumerate(_FUNCTIONS):
            columns = np.flatnonzero(self.operator == code)
            if len(columns):
                groups.append(columns)
                made.append(function(dense[:, self.left[columns]], dense[:, self.right[columns]]))
        values = np.concatenate(made, axis=1)[:, np.argsort(np.concatenate(groups))]
        return np.where(np.isfinite(values), values, np.nan)

    @classmethod
    def _of(cls, combinations: list[tuple[int, int, int]], names: tuple[str, ...]) -> Arithmetic:
        left, right, operator = np.array(combinations, np.intp).T
        made = tuple(f"{names[a]} {OPERATORS[code]} {names[b]}" for a, b, code in combinations)
        return cls(made, left, right, operator)

    def _only(self, kept: NDArray[np.intp]) -> Arithmetic:
        names = tuple(self.names[i] for i in kept)
        return Arithmetic(names, self.left[kept], self.right[kept], self.operator[kept])


def _spread(dense: NDArray[np.float64]) -> Iterator[int]:
    """Yield the columns with more than a few distinct values."""
    for i, column in enumerate(dense.T):
        if len(np.unique(column[~np.isnan(column)])) >= SPREAD:
            yield i


def _pairs(sources: list[int]) -> Iterator[tuple[int, int, int]]:
    """Yield (left, right, operator): each pair once, and quotients both ways."""
    divide = OPERATORS.index("/")
    for a, b in combinations(sources, 2):
        yield from ((a, b, code) for code in range(divide))
    yield from ((a, b, divide) for a, b in permutations(sources, 2))
