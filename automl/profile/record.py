"""The record: everything that is measured of a table, in plain values that can be written as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from automl.data.table import Kind, ProblemType

LEVELS: Final = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
"""Levels of :attr:`Numbers.quantiles`."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """The distribution of finite numbers; dates are seconds since 1970."""

    mean: float
    std: float
    skew: float
    kurtosis: float
    """Excess kurtosis, 0 for a normal distribution."""
    quantiles: tuple[float, ...]
    """At ``LEVELS``."""
    whole: bool
    """Whether all are whole numbers."""
    outliers: int
    """Values outside median +- 5 standard deviations, those taken between the 5 % and the 95 % quantile."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts in bins of equal width between the 0.5 % and the 99.5 % quantile; the outer bins take the rest."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    target: tuple[float | None, ...] = ()
    """Mean of the target in each bin (binary: share of the positive class), None where a bin is empty."""


@dataclass(frozen=True, slots=True)
class Frequency:
    """A value and how many rows have it."""

    value: str
    count: int
    target: float | None = None
    """Mean of the target in these rows (binary: share of the positive class)."""


@dataclass(frozen=True, slots=True)
class LookAlike:
    """A rare category that differs from a frequent one in case, blanks, punctuation or one letter."""

    rare: str
    frequent: str
    count: int
    """Rows with the rare one."""


@dataclass(frozen=True, slots=True)
class MixedUnit:
    """Numbers that are read alike, though not all are written in one unit."""

    sign: str
    """``%`` or ``‰``, which some lack; or Unicode's sign for any currency, where there are several."""
    cells: int
    """Cells with a number other than 0."""
    signed: int
    """Those with the sign."""


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """One feature column."""

    name: str
    kind: Kind
    reason: str
    missing: int
    distinct: int
    """Different present values."""
    numbers: Numbers | None = None
    histogram: Histogram | None = None
    top: tuple[Frequency, ...] = ()
    """The most frequent values."""
    rare: int = 0
    """Categories with less than 5 % of the rows of the most frequent one."""
    look_alikes: tuple[LookAlike, ...] = ()
    placeholders: tuple[Frequency, ...] = ()
    """Values that may stand for a missing one, such as 999 or ``unknown``."""
    stray: tuple[str, ...] = ()
    """Words among numbers or dates, and numbers in place of a missing one such as -999; they count as missing."""
    bounds: tuple[str, ...] = ()
    """Some of the bounds among numbers, such as ``<0.05``; they count as their number."""
    mixed: MixedUnit | None = None
    power: float | None = None
    """What the column alone tells of the target: 0 = nothing, 1 = everything."""
    correlation: float | None = None
    """Pearson's correlation with the target (binary: with 0 and 1)."""
    rank_correlation: float | None = None
    """Spearman's, which a few far values do not make."""
    ambiguous: bool = False
    """Dates: whether day and month could be swapped."""
    sorted: bool = False
    """Dates: the rows are in their order, rising or falling."""
    things: int | None = None
    """Different values in all rows of the table, where its name is that of an identifier."""
    order_chance: float | None = None
    """Dates and identifiers: how probable the differences of the target along their order would be by chance."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a small model reaches in cross-validation, beside the best constant."""

    metric: str
    """``roc_auc``, ``accuracy`` or ``r2``; greater is better."""
    score: float
    trivial: float


@dataclass(frozen=True, slots=True)
class TargetProfile:
    """The column to predict, over all rows."""

    name: str
    problem_type: ProblemType
    reason: str
    rows: int
    """Rows with a known target."""
    missing: int
    distinct: int
    classes: tuple[Frequency, ...] = ()
    """In the order of the task's classes; empty for regression."""
    look_alikes: tuple[LookAlike, ...] = ()
    """Classes that are most likely another one, written differently."""
    numbers: Numbers | None = None
    histogram: Histogram | None = None
    top: Frequency | None = None
    """The most frequent value in regression."""
    placeholders: tuple[Frequency, ...] = ()
    """Numbers apart from all others that most likely stand for a missing one, such as -999."""
    words: int = 0
    """Cells that are no numbers where most are."""
    stray: tuple[str, ...] = ()
    """Some of the values in these cells."""
    mixed: MixedUnit | None = None
    baseline: Baseline | None = None


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Rows that repeat others."""

    rows: int
    """Rows that repeat an earlier one, the target included."""
    examples: tuple[tuple[int, ...], ...]
    """Rows (from 1, without the header) of some groups of equal rows."""
    conflicting: int
    """Rows whose features are those of another row with a different class."""
    across_folds: int | None = None
    """Rows equal to one in another fold, if there are folds."""
    expected: bool = False
    """Whether few columns with few values allow hardly more different rows: new rows repeat these, too."""


@dataclass(frozen=True, slots=True)
class Associations:
    """How strongly pairs of columns go together, the target first."""

    names: tuple[str, ...]
    matrix: tuple[tuple[float, ...], ...]
    """Numbers with numbers: Spearman's correlation, -1 to 1. Categories: Cramér's V, 0 to 1. Mixed: the correlation
    ratio of the ranks, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A row that an isolation forest separates early."""

    row: int
    """From 1, without the header."""
    score: float
    """Anomaly score of Liu et al. (2008): 0.5 is usual, 1 is extreme."""
    cells: tuple[tuple[str, str, float], ...]
    """Its most unusual cells: column, value, share of rows that are as unusual."""


@dataclass(frozen=True, slots=True)
class ColumnShift:
    """How a column of the test table differs from the training table."""

    name: str
    psi: float
    """Population stability index: from 0.1 a change, from 0.25 a large one."""
    p_value: float
    """Kolmogorov-Smirnov or chi-squared test, adjusted for the number of columns (Benjamini and Hochberg 1995)."""
    unseen: float
    """Share of the present test cells whose category training does not have."""


@dataclass(frozen=True, slots=True)
class Shift:
    """The test table against the training table."""

    rows: int
    columns: tuple[ColumnShift, ...]
    auc: float | None
    """ROC AUC, in cross-validation, of a model that tells test rows from training rows: 0.5 = they look alike; None if
    there are too few."""
    absent: tuple[str, ...]
    """Columns that the test table lacks."""
    unreadable: tuple[str, ...]
    """Why columns cannot be read as their kind in training."""
    repeated: int
    """Test rows whose features are those of a training row, if that is no coincidence; see ``Duplicates.expected``."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A table, measured. What was not measured is None or empty."""

    rows: int
    sampled: int
    """Rows that statistics are from; duplicates and the target are measured on all."""
    columns: tuple[ColumnProfile, ...]
    target: TargetProfile | None = None
    duplicates: Duplicates | None = None
    associations: Associations | None = None
    anomalies: tuple[Anomaly, ...] = ()
    shift: Shift | None = None
