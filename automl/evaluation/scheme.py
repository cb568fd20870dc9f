"""How a table is validated: as its owner says, or else by random folds that keep equal rows together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl.data.repeated_rows import repeated_rows
from automl.data.roles import Roles, group_codes, moments
from automl.data.table import Task
from automl.errors import DataError, UsageError
from automl.evaluation.splits import Pairs, Splitter, by_column, by_groups, by_splitter, by_time, repeated
from automl.evaluation.validation import Folds, default_folds, default_run, make_folds

_WAY_OUT: Final = "use fewer folds, or split in another way"


class Scheme(NamedTuple):
    """A split, and which rows belong together."""

    folds: Folds
    groups: NDArray[np.intp] | None
    """(rows,) codes from 0; None = every row stands for itself."""


def make_scheme(
    typed: pd.DataFrame,
    y: NDArray[Any],
    task: Task,
    roles: Roles,
    wanted: int | Splitter | Pairs | None,
    *,
    repeats: int = 1,
    known: NDArray[np.bool_],
    weight: NDArray[np.float64] | None = None,
    random_state: int,
) -> Scheme:
    """Split the rows.

    Parameters
    ----------
    typed, y, roles
        The rows with a known target: their typed features, class codes or values, and role columns.
    wanted
        Number of folds, or a splitter, or pairs of row numbers; None = by the number of rows.
    repeats
        Times that the rows are split, each time anew.
    known
        (all rows,) which have a target; pairs count all rows.
    weight
        (rows,) how much each row counts.

    Raises
    ------
    UsageError
        If the rows cannot be split as asked for.
    DataError
        If a role column cannot say how.
    """
    number, splitter = (wanted, None) if isinstance(wanted, int) else (None, wanted)
    groups = None if roles.groups is None else group_codes(roles.groups)
    settled = "a splitter" if splitter is not None else f"a {roles.given} column"
    if repeats > 1 and (splitter is not None or roles.given not in (None, "groups")):
        raise UsageError(f"only random folds can be repeated, {settled} settles them; leave out repeats={repeats}")
    if splitter is not None:
        if roles.time is not None or roles.fold is not None:
            raise UsageError("a splitter makes the folds, so a time or fold column cannot; give one of the two")
        split = by_splitter(splitter, typed, y, roles.groups, known)
        if groups is not None:
            _require_whole(split, groups, roles)
        return Scheme(_usable(split, y, task), groups)
    if roles.fold is not None:
        if number is not None:
            raise UsageError(f"the fold column says how many folds there are, got folds={number} too; leave it out")
        return Scheme(_usable(by_column(roles.fold), y, task), None)
    seeds = [(random_state + i) % 2**32 for i in range(repeats)]
    size = {"folds": default_folds(len(y), number), "run": default_run(len(y), number)}
    if roles.time is not None:
        return Scheme(_usable(by_time(moments(roles.time), **size, fixed=number is not None), y, task), None)
    if groups is not None:
        fixed = number is not None
        splits = [by_groups(y, task.problem_type, groups, **size, fixed=fixed, random_state=seed) for seed in seeds]
        return Scheme(_usable(repeated(splits), y, task), groups)
    groups = repeated_rows(typed)
    splits = [
        make_folds(y, task.problem_type, **size, groups=groups, weight=weight, random_state=seed) for seed in seeds
    ]
    split = repeated(splits)
    return Scheme(replace(split, fixed=split.fixed or number is not None), groups)


def by_table(y: NDArray[Any], y_valid: NDArray[Any], task: Task, roles: Roles, wanted: object) -> Folds:
    """Return one fold that trains on the rows of one table and validates those of another, which are behind them.

    Raises
    ------
    UsageError
        If there is anything else that splits the rows.
    DataError
        If the rows to validate are all of one class.
    """
    if roles.given or wanted is not None:
        other = f"a {roles.given} column" if roles.given else "folds"
        raise UsageError(f"the validation table is validated on, got {other} too; leave one of them out")
    split = Folds(np.repeat(np.array([1, 0], np.int16), [len(y), len(y_valid)]), 1, fixed=True)
    return _usable(split, np.concatenate([y, y_valid]), task)


def _require_whole(folds: Folds, groups: NDArray[np.intp], roles: Roles) -> None:
    """Refuse folds that train on a part of a group and validate another one."""
    assert roles.groups is not None
    for fold in range(folds.run):
        train, valid = folds.split(fold)
        parted = valid[np.isin(groups[valid], groups[train])]
        if parted.size:
            group = str(roles.groups.iloc[parted[0]])
            raise UsageError(
                f"no group may be both trained on and validated, a fold has {group!r} on both sides; give a splitter "
                "that keeps groups together, such as GroupKFold, or leave out the groups"
            )


def _usable(folds: Folds, y: NDArray[Any], task: Task) -> Folds:
    """Return the folds that can be trained and scored: neither is possible with one value of the target.

    Folds that step back in time end where no further one can be trained, others are refused.
    """
    for fold in range(folds.run):
        train, _ = folds.split(fold)
        if (y[train] == y[train[0]]).all():
            if folds.forward and fold:
                folds = replace(folds, run=fold)
                break
            value = task.classes[y[train[0]]] if task.classes else y[train[0]]
            raise DataError(f"every fold must train on two target values, fold {fold} has only {value!r}; {_WAY_OUT}")
    scored = y[folds.valid_rows[: folds.final_rows]]
    if task.classes and (scored == scored[0]).all():
        value = task.classes[scored[0]]
        raise DataError(f"a score needs two classes, the {len(scored)} validated rows are all {value!r}; {_WAY_OUT}")
    return folds
