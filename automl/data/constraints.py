"""What a model must keep to, whatever the data say: directions of columns, and columns that may not act together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

from automl.data.table import Kind, ProblemType, Schema, Task
from automl.errors import UsageError, option, suggestion

DIRECTIONS: Final[Mapping[str, int]] = {"increasing": 1, "decreasing": -1}

Sources = Sequence[tuple[str, ...]]
"""For each column of a matrix the columns of the table that it is made of."""


@dataclass(frozen=True, slots=True)
class Constraints:
    """Monotone and interaction constraints over the columns of a table.

    >>> constraints = Constraints.of({"size": "increasing"}, [["size", "age"], ["price"]])
    >>> constraints.directions([("size",), ("age",), ("price",), ("town",)])
    [1, 0, 0, 0]
    >>> constraints.groups([("size",), ("age",), ("price",), ("town",)])
    [[0, 1], [2], [3]]
    """

    monotone: Mapping[str, int] = field(default_factory=dict)
    """1 where the prediction never falls as the column rises and all others stay, -1 where it never rises. Of two
    classes it is about the probability of the positive one. Missing values are outside of the promise."""
    interactions: tuple[tuple[str, ...], ...] = ()
    """Groups of columns: a branch of a tree only has columns of one group. As in scikit-learn, the columns that are in
    no group are one further group (LightGBM would never use them, XGBoost would keep each to itself)."""

    @classmethod
    def of(cls, monotone: Mapping[str, str] | None, interactions: Sequence[Sequence[str]] | None) -> Self:
        """Read the options of a fit."""
        directions = {name: DIRECTIONS[direction] for name, direction in (monotone or {}).items()}
        return cls(directions, tuple(map(tuple, interactions or ())))

    def check(self, schema: Schema, task: Task) -> None:
        """Check that a table can have them.

        Raises
        ------
        UsageError
            If a column is unknown, a monotone one holds no numbers, or one should be monotone among several classes.
        """
        if self.monotone and task.problem_type is ProblemType.MULTICLASS:
            raise UsageError(
                f"monotone constraints need numbers or two classes, {task.target!r} has {task.n_classes} classes, "
                "whose probabilities cannot all rise with a column; leave them out"
            )
        kinds = {column.name: column.kind for column in schema.columns}
        for name in (*self.monotone, *(name for group in self.interactions for name in group)):
            if name not in kinds:
                raise UsageError(f"a constraint names {name!r}, which is no feature{suggestion(name, kinds)}")
        for name in self.monotone:
            if kinds[name] not in (Kind.NUMERIC, Kind.BOOLEAN):
                raise UsageError(
                    f"a monotone column must hold numbers, {name!r} is {kinds[name]}; leave it out, or say "
                    f"{option('types', {name: 'numeric'})} if it does"
                )

    def directions(self, sources: Sources) -> list[int]:
        """Return 1, -1 or 0 for each column of a matrix; empty if none is monotone."""
        if not self.monotone:
            return []
        return [self.monotone.get(made_of[0], 0) if len(made_of) == 1 else 0 for made_of in sources]

    def groups(self, sources: Sources) -> list[list[int]]:
        """Return the columns of a matrix by group, those in no group last; empty if all may act together."""
        if not self.interactions:
            return []
        every = self._groups({name for made_of in sources for name in made_of})
        indices = [[i for i, made_of in enumerate(sources) if group.issuperset(made_of)] for group in every]
        return [group for group in indices if group]

    def allow(self, made_of: Iterable[str]) -> bool:
        """Return whether one column may be made of these: of several only if none is monotone and one group has all.

        >>> constraints = Constraints.of({"a": "increasing"}, [["a", "b", "c"]])
        >>> constraints.allow(["a"]), constraints.allow(["b", "c"]), constraints.allow(["a", "b"])
        (True, True, False)
        >>> constraints.allow(["c", "d"]), constraints.allow(["d", "e"])
        (False, True)
        """
        names = set(made_of)
        if len(names) < 2:
            return True
        return names.isdisjoint(self.monotone) and any(names <= group for group in self._groups(names))

    def combinable(self, names: Iterable[str]) -> int:
        """Return how many of these columns can be combined with each other at most."""
        free = set(names) - set(self.monotone)
        return max((len(group & free) for group in self._groups(free)), default=0)

    def _groups(self, names: set[str]) -> list[set[str]]:
        """Return the groups and, of the given columns, those that are in none."""
        return [*map(set, self.interactions), names.difference(*self.interactions)]


FREE: Final = Constraints()
