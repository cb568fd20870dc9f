"""The target over all rows, and what a small model makes of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd

from automl.data.cells import Cells, cells_of
from automl.data.disguised import disguised_numbers
from automl.data.number_style import read_numbers
from automl.data.numerals import PLAIN, Style
from automl.data.table import ProblemType
from automl.evaluation.metrics import get_metric
from automl.profile.booster import FOLDS, out_of_fold
from automl.profile.columns import histogram, mixed_unit, summarise
from automl.profile.record import Baseline, Frequency, LookAlike, TargetProfile
from automl.profile.rows import Rows, vector
from automl.profile.words import RARE, look_alikes

FEWEST: Final = 60
"""Rows below which a small model tells nothing."""
STRAY: Final = 20
"""Different words of a target of numbers that are kept."""
MANY_CLASSES: Final = 20
"""Classes up to which the small model is quick; it builds one tree a class and round."""


def profile_target(rows: Rows, raw: pd.Series[Any] | None = None, missing: int = 0) -> TargetProfile | None:
    """Measure the target of all rows; ``raw`` is some or all of the column as it was read, of which so many rows have
    no target."""
    task, y = rows.task, rows.y
    if task is None or y is None:
        return None
    cells = None if raw is None or raw.dtype.kind in "iufb" else cells_of(raw)
    style, stray = (PLAIN, []) if cells is None else _stray(cells)
    values, counts = np.unique(y, return_counts=True)
    record = TargetProfile(
        name=task.target,
        problem_type=task.problem_type,
        reason=task.reason,
        rows=len(y),
        missing=missing,
        distinct=len(values),
        words=int(cells.counts()[stray].sum()) if cells is not None else 0,
        stray=tuple(sorted(cells.values[place] for place in stray)[:STRAY]) if cells is not None else (),
    )
    if task.problem_type.classification:
        held = np.bincount(y, minlength=task.n_classes).tolist()
        classes = tuple(Frequency(str(label), count) for label, count in zip(task.classes, held, strict=True))
        return replace(record, classes=classes, look_alikes=_misspelt(classes))
    top = int(counts.argmax())
    frequent = Frequency(f"{values[top]:.10g}", int(counts[top]))
    mixed = None if cells is None else mixed_unit(cells, style.unit)
    apart = tuple(Frequency(f"{value:.10g}", int((y == value).sum())) for value in disguised_numbers(y))
    return replace(record, numbers=summarise(y), histogram=histogram(y), top=frequent, placeholders=apart, mixed=mixed)


def _misspelt(classes: tuple[Frequency, ...]) -> tuple[LookAlike, ...]:
    """Return the classes that differ from another in capitals or blanks only, or are rare beside one that they look
    like: ``A-`` and ``A`` may be two grades."""
    counts = {each.value: each.count for each in classes}

    def spelling(value: str) -> str:
        return "".join(value.casefold().split())

    return tuple(
        pair
        for pair in look_alikes(counts)
        if spelling(pair.rare) == spelling(pair.frequent) or pair.count <= RARE * counts[pair.frequent]
    )


def _stray(cells: Cells) -> tuple[Style, list[int]]:
    """Return how the numbers are written, and the places of the values that are none if more than half of the cells are
    and those differ."""
    style, numbers = read_numbers(cells.values)
    read, counts = np.isfinite(numbers), cells.counts()
    several = np.count_nonzero(read) > 2 and counts[read].sum() > 0.5 * counts.sum()
    return style, np.flatnonzero(~read).tolist() if several else []


def small_model(rows: Rows, typed: pd.DataFrame, of_others: float) -> Baseline | None:
    """Return what a small boosted model reaches in cross-validation; None if there is too little to train on.

    Texts and vectors are not among its columns: ``of_others``, the prediction power of the best one, counts if it is
    more.
    """
    task, y = rows.task, rows.y
    used = [column for column in rows.schema.used if column.kind.single]
    if task is None or y is None or len(y) < FEWEST or not rows.schema.used or task.n_classes > MANY_CLASSES:
        return None
    if task.problem_type.classification and np.bincount(y, minlength=task.n_classes).min() < FOLDS:
        return None
    most = float(np.unique(y, return_counts=True)[1].max() / len(y))
    metric, trivial = {ProblemType.BINARY: ("roc_auc", 0.5), ProblemType.MULTICLASS: ("accuracy", most)}.get(
        task.problem_type, ("r2", 0.0)
    )
    alone = trivial + of_others * (1 - trivial)
    if not used:
        return Baseline(metric, alone, trivial)
    matrix = np.column_stack([vector(column, typed) for column in used])
    reached = get_metric(metric, task.problem_type)(y, out_of_fold(matrix, y, task.n_classes))
    return Baseline(metric, max(alone, reached), trivial)
