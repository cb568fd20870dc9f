"""Insights into rows and columns that repeat others."""

from __future__ import annotations

from collections.abc import Iterator

from automl.insights.base import SHOWN, Seen, Severity, counted, share
from automl.profile.record import Profile

SOME, MANY = 0.01, 0.05
"""Shares of repeated rows that change what is learned and scored, by a little and by much."""
SAME = 0.98
"""Strength of an association between columns that say the same."""


def duplicate_rows(profile: Profile) -> Iterator[Seen]:
    """Rows that are equal, the target included; they weigh double."""
    duplicates = profile.duplicates
    if duplicates is not None and duplicates.rows and not duplicates.expected:
        severity = Severity.HIGH if duplicates.rows > MANY * profile.rows else Severity.MEDIUM
        example = " and ".join(f"{row:,}" for row in duplicates.examples[0][:2])
        evidence = (
            f"{counted(duplicates.rows, 'row')} ({share(duplicates.rows, profile.rows)}) "
            f"{'repeat' if duplicates.rows > 1 else 'repeats'} an earlier one, such as rows {example}"
        )
        yield Seen(severity, (), evidence, "delete them unless they are different things that look alike")


def duplicates_across_folds(profile: Profile) -> Iterator[Seen]:
    """Equal rows on both sides of a fold: the model is scored on what it was trained on."""
    duplicates = profile.duplicates
    across = duplicates.across_folds if duplicates is not None and not duplicates.expected else None
    if across is not None and across > SOME * profile.rows:
        severity = Severity.HIGH if across > MANY * profile.rows else Severity.MEDIUM
        evidence = (
            f"{counted(across, 'row')} ({share(across, profile.rows)}) are equal to one in another fold: the score is "
            "too good for new rows"
        )
        yield Seen(severity, (), evidence, "delete repeated rows unless they are different things that look alike")


def conflicting_labels(profile: Profile) -> Iterator[Seen]:
    """Equal features, different classes: no model can be right on all of them."""
    duplicates = profile.duplicates
    if duplicates is not None and duplicates.conflicting and not duplicates.expected:
        severity = Severity.MEDIUM if duplicates.conflicting > SOME * profile.rows else Severity.LOW
        evidence = (
            f"{counted(duplicates.conflicting, 'row')} ({share(duplicates.conflicting, profile.rows)}) have "
            "the features of another row, but not its class"
        )
        yield Seen(severity, (), evidence, "check their labels, or add a column that tells them apart")


def redundant_columns(profile: Profile) -> Iterator[Seen]:
    """Pairs of columns of which one follows from the other."""
    associations = profile.associations
    if associations is None:
        return
    target = profile.target.name if profile.target is not None else None
    pairs = [
        (one, other)
        for i, one in enumerate(associations.names)
        for j, other in enumerate(associations.names[:i])
        if abs(associations.matrix[i][j]) > SAME and target not in (one, other)
    ]
    if pairs:
        names = tuple(dict.fromkeys(name for pair in pairs for name in pair))
        said = ", ".join(f"{other!r} with {one!r}" for one, other in pairs[:SHOWN])
        more = f" and {counted(len(pairs) - SHOWN, 'more pair')}" if len(pairs) > SHOWN else ""
        evidence = f"columns say almost the same: {said}{more}"
        yield Seen(Severity.LOW, names, evidence, "one of each pair is enough; importance is shared between them")
