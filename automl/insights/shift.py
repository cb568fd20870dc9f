"""Insights into a test table beside the training table."""

from __future__ import annotations

from collections.abc import Iterator

from automl.insights.base import Seen, Severity, chance, code, counted, listed, share
from automl.profile.record import Profile

CHANGED, CHANGED_MUCH = 0.1, 0.25
"""Population stability index of a change, and of a large one."""
CHANCE = 0.01
"""Adjusted p-value below which a difference is not chance."""
UNSEEN = 0.05
APART, FAR_APART = 0.6, 0.75
"""ROC AUC of a model that tells the tables apart."""


def absent_in_test(profile: Profile) -> Iterator[Seen]:
    """Columns that the test table lacks."""
    if profile.shift is not None and profile.shift.absent:
        names = profile.shift.absent
        evidence = (
            f"{listed(names)} {'are' if names[1:] else 'is'} not in the test table: no prediction is possible there"
        )
        yield Seen(Severity.HIGH, names, evidence, "add what is missing, or train without it")


def unreadable_in_test(profile: Profile) -> Iterator[Seen]:
    """Columns that cannot be read as in training."""
    for reason in profile.shift.unreadable if profile.shift is not None else ():
        fix = f"repair those cells, or set the kind with {code('types')}"
        yield Seen(Severity.HIGH, (), f"in the test table {reason}", fix)


def shifted_columns(profile: Profile) -> Iterator[Seen]:
    """Columns whose distribution differs, beyond chance and by an amount that matters."""
    for shift in profile.shift.columns if profile.shift is not None else ():
        if shift.psi > CHANGED and shift.p_value < CHANCE:
            severity = Severity.HIGH if shift.psi > CHANGED_MUCH else Severity.MEDIUM
            evidence = (
                f"{shift.name!r} is distributed differently in the test table (stability index {shift.psi:.2f}, "
                f"p {chance(shift.p_value)})"
            )
            yield Seen(severity, (shift.name,), evidence, "find out why; models trust what they saw in training")


def unseen_categories(profile: Profile) -> Iterator[Seen]:
    """Categories of the test table that training does not have."""
    for shift in profile.shift.columns if profile.shift is not None else ():
        if shift.unseen > UNSEEN:
            evidence = (
                f"{share(shift.unseen, 1)} of the test cells of {shift.name!r} hold categories unknown in training"
            )
            yield Seen(
                Severity.MEDIUM, (shift.name,), evidence, "add such rows to training, or take coarser categories"
            )


def told_apart(profile: Profile) -> Iterator[Seen]:
    """A model tells test rows from training rows, whichever columns it takes."""
    if profile.shift is not None and profile.shift.auc is not None and profile.shift.auc > APART:
        severity = Severity.HIGH if profile.shift.auc > FAR_APART else Severity.MEDIUM
        evidence = f"a model tells test rows from training rows with ROC AUC {profile.shift.auc:.2f} (alike: 0.50)"
        fix = f"a cross-validated score will not hold there; with a date, validate forward in time: {code('time')}"
        yield Seen(severity, (), evidence, fix)


def test_rows_in_training(profile: Profile) -> Iterator[Seen]:
    """Test rows that training has too: a score on them is too good."""
    if profile.shift is not None and profile.shift.repeated:
        repeated, rows = profile.shift.repeated, profile.shift.rows
        severity = (
            Severity.HIGH if repeated > 0.05 * rows else Severity.MEDIUM if repeated > 0.01 * rows else Severity.LOW
        )
        evidence = f"{counted(repeated, 'test row')} ({share(repeated, rows)}) have the features of a training row"
        yield Seen(severity, (), evidence, "delete them from one of the tables if they are the same things")
