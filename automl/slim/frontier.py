"""What can be served, from the full ensemble to one small booster: score, time of a row, bytes; and which to take."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan
from typing import Any, Final

import numpy as np

from automl import archive
from automl.errors import AutoMLError
from automl.evaluation.interval import Score
from automl.predictor import Predictor

CALLS: Final = 60
"""Predictions of one row that a latency is the median of."""


@dataclass(frozen=True, slots=True, eq=False)
class Option:
    """A predictor that could be served."""

    name: str
    predictor: Predictor
    lost: float
    """How much worse than the full ensemble it is, in the metric; negative = better."""
    error: float
    """The standard error of ``lost``; NaN where there is none."""
    kept: float
    """Share of the full ensemble's score that remains: 0.95 of an AUC of 0.9, or an error that is 1 / 0.95 as large."""
    row_ms: float
    """Milliseconds for one row, the median of some calls."""
    size_bytes: int

    @property
    def score(self) -> Score:
        """Out of fold, with the interval expected on new data."""
        return self.predictor.score

    def describe(self) -> str:
        """Return the option in a line."""
        return f"{self.name}: {self.score.value:.5g}, {self.row_ms:.2f} ms a row, {self.size_bytes / 1e6:.2f} MB"

    @property
    def even(self) -> bool:
        """Whether it is within one standard error of the full ensemble."""
        return self.lost <= (0.0 if isnan(self.error) else self.error)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Limits for what is served; None = no limit."""

    row_ms: float | None = None
    size_bytes: int | None = None
    keep: float | None = None
    """Share of the full ensemble's score that must remain."""


ANYTHING: Final = Wanted()


def measured(predictor: Predictor) -> tuple[float, int]:
    """Return the milliseconds that one row takes, and the bytes on disk."""
    row = predictor.example_rows()[:1]
    predictor.raw(row)
    seconds = []
    for _ in range(CALLS):
        start = time.perf_counter()
        predictor.raw(row)
        seconds.append(time.perf_counter() - start)
    return 1000 * float(np.median(seconds)), archive.size_of(predictor.folder)


def choose(options: Sequence[Option], wanted: Wanted) -> Option:
    """Return the best option within the limits; without any, the quickest that is even with the full ensemble.

    With a share to keep, the quickest that keeps it and is within the other limits.

    Raises
    ------
    AutoMLError
        If no option is within the limits; says how near they come.
    """
    if wanted == ANYTHING:
        return min((option for option in options if option.even), key=lambda option: option.row_ms)
    fits = [option for option in options if _within(option, wanted)]
    if not fits:
        quickest, smallest = min(o.row_ms for o in options), min(o.size_bytes for o in options)
        told = f"the quickest option takes {quickest:.2f} ms a row, the smallest {smallest / 1e6:.2f} MB"
        if wanted.keep is not None:
            others = [option.kept for option in options if _within(option, replace(wanted, keep=None))]
            told = f"what is quick and small enough keeps {max(others):.4f} of the score" if others else told
        raise AutoMLError(f"nothing is within these limits: {told}; allow more")
    return min(fits, key=lambda option: option.lost if wanted.keep is None else option.row_ms)


def _within(option: Option, wanted: Wanted) -> bool:
    return (
        (wanted.row_ms is None or option.row_ms <= wanted.row_ms)
        and (wanted.size_bytes is None or option.size_bytes <= wanted.size_bytes)
        and (wanted.keep is None or option.kept >= wanted.keep)
    )


def share(value: float, full: float, *, greater_is_better: bool) -> float:
    """Return the share of a score that remains, see :class:`Option`; of scores that are not positive all or nothing.

    >>> share(0.855, 0.9, greater_is_better=True), share(2.0, 1.0, greater_is_better=False)
    (0.95, 0.5)
    """
    better, worse = (full, value) if greater_is_better else (value, full)
    if better <= 0:
        return 1.0 if worse >= better else 0.0
    return worse / better


def to_json(options: Sequence[Option], chosen: Option) -> list[Mapping[str, Any]]:
    """Return the options as plain values, the slowest first."""
    return [
        {
            "option": option.name,
            "score": option.score.value,
            "low": option.score.low,
            "high": option.score.high,
            "lost": option.lost,
            "error": None if isnan(option.error) else option.error,
            "kept": option.kept,
            "row_ms": option.row_ms,
            "size_bytes": option.size_bytes,
            "within_one_standard_error": option.even,
            "chosen": option.name == chosen.name,
        }
        for option in sorted(options, key=lambda option: -option.row_ms)
    ]


def to_text(options: Sequence[Option], chosen: Option) -> str:
    """Return the options as a table, the slowest first; ``*`` marks the chosen one."""
    width = max(len(option.name) for option in options)
    lines = [f"  {'option':{width}}  {'score':>9}  {'lost':>9}  {'±':>8}  {'kept':>6}  {'ms a row':>8}  {'MB':>6}"]
    for option in sorted(options, key=lambda option: -option.row_ms):
        mark = "*" if option.name == chosen.name else " "
        figures = f"{option.score.value:9.5g}  {option.lost:9.2g}  {option.error:8.2g}  {option.kept:6.4f}"
        lines.append(f"{mark} {option.name:{width}}  {figures}  {option.row_ms:8.3f}  {option.size_bytes / 1e6:6.2f}")
    notes = (
        "scores are out of fold: those of one fold's model; a mean of folds or a model of all rows is often better",
        "members are given here and weighed anew; the score of the run also pays for their choice among all candidates",
    )
    return "\n".join([*lines, *notes])
