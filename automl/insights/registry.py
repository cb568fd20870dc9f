"""All insights. A new one is a function of a profile, and its line here."""

from __future__ import annotations

from typing import Final

from automl.insights import columns, rows, shift, target
from automl.insights.base import Finding, Insight, Severity
from automl.profile.record import Profile

INSIGHTS: Final = (
    Insight("cells_as_names", "No line of names", columns.cells_as_names, in_fit=True),
    Insight("leakage", "Target leakage", columns.leakage, in_fit=True),
    Insight("target_correlation", "Correlated with the target", columns.target_correlation, in_fit=True),
    Insight("duplicates_across_folds", "Duplicates across folds", rows.duplicates_across_folds, in_fit=True),
    Insight("tiny_class", "Too few rows of a class", target.tiny_class, in_fit=True),
    Insight("misspelt_classes", "Misspelt classes", target.misspelt_classes, in_fit=True),
    Insight("words_in_target", "Words in a numeric target", target.words_in_target, in_fit=True),
    Insight("disguised_target", "Disguised missing target", target.disguised_target, in_fit=True),
    Insight("weak_signal", "Weak signal", target.weak_signal),
    Insight("heavy_tailed_target", "Heavy-tailed target", target.heavy_tailed_target),
    Insight("frequent_target_value", "One frequent target value", target.frequent_target_value),
    Insight("unbalanced_classes", "Unbalanced classes", target.unbalanced_classes),
    Insight("many_classes", "Many classes", target.many_classes),
    Insight("missing_target", "Missing target", target.missing_target),
    Insight("absent_in_test", "Missing in the test table", shift.absent_in_test),
    Insight("unreadable_in_test", "Unreadable in the test table", shift.unreadable_in_test),
    Insight("told_apart", "Test rows differ", shift.told_apart),
    Insight("shifted_columns", "Shifted column", shift.shifted_columns),
    Insight("unseen_categories", "Unseen categories", shift.unseen_categories),
    Insight("test_rows_in_training", "Test rows in training", shift.test_rows_in_training),
    Insight("time_order", "Ordered by time", columns.time_order, in_fit=True),
    Insight("ambiguous_dates", "Day or month", columns.ambiguous_dates, in_fit=True),
    Insight("repeated_identifier", "Repeated identifier", columns.repeated_identifier, in_fit=True),
    Insight("telling_identifier", "Telling row number", columns.telling_identifier),
    Insight("duplicate_rows", "Duplicate rows", rows.duplicate_rows),
    Insight("conflicting_labels", "Conflicting labels", rows.conflicting_labels),
    Insight("disguised_missing", "Disguised missing values", columns.disguised_missing),
    Insight("misspelt_categories", "Misspelt categories", columns.misspelt_categories),
    Insight("mixed_units", "Mixed units", columns.mixed_units, in_fit=True),
    Insight("high_cardinality", "High cardinality", columns.high_cardinality),
    Insight("stray_words", "Words among numbers", columns.stray_words),
    Insight("mostly_missing", "Mostly missing", columns.mostly_missing),
    Insight("rare_categories", "Rare categories", columns.rare_categories),
    Insight("duplicate_columns", "Equal columns", columns.duplicate_columns),
    Insight("redundant_columns", "Redundant columns", rows.redundant_columns),
    Insight("uninformative", "Uninformative", columns.uninformative),
    Insight("constant", "Constant", columns.constant),
    Insight("identifier", "Identifier", columns.identifier),
)


def find(profile: Profile, *, in_fit: bool = False) -> tuple[Finding, ...]:
    """Return what there is to say of a table, the gravest first.

    Parameters
    ----------
    in_fit
        Leave it at what ``fit`` warns of: what could make its scores or models worthless, or needs a decision.
    """
    looking = [insight for insight in INSIGHTS if insight.in_fit or not in_fit]
    found = [finding for insight in looking for finding in insight.findings(profile)]
    told = [finding for finding in found if not in_fit or finding.severity is not Severity.LOW]
    return tuple(sorted(told, key=lambda finding: finding.severity.rank))
