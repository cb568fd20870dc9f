"""Insights into the target."""

from __future__ import annotations

from collections.abc import Iterator

from automl.insights.base import Seen, Severity, code, counted, listed, one_spelling, share, spellings
from automl.profile.record import Profile

SKEW, KURTOSIS, SOME_KURTOSIS = 3.0, 10.0, 3.0
FEW_POSITIVE, FEW_OF_CLASS = 20, 11
"""Rows of a class (two classes, several) below which neither learning nor scoring is reliable."""
UNBALANCED = 0.01
"""Rows of the rarest class over those of the largest."""
MANY_CLASSES = 100
WEAK = 0.05
"""Part of the way from guessing to perfect that a small model should make."""


def missing_target(profile: Profile) -> Iterator[Seen]:
    """Rows without a target: nothing can be learned from them."""
    target = profile.target
    if target is not None and target.missing:
        total = target.rows + target.missing
        severity = Severity.MEDIUM if target.missing > 0.05 * total else Severity.LOW
        evidence = f"{counted(target.missing, 'row')} ({share(target.missing, total)}) have no {target.name!r}"
        yield Seen(severity, (target.name,), evidence, "they are left out; fill them in if the value is known")


def words_in_target(profile: Profile) -> Iterator[Seen]:
    """Words among the numbers of the target."""
    target = profile.target
    if target is None or not target.words:
        return
    severity = Severity.HIGH if target.words > 0.05 * target.rows else Severity.MEDIUM
    classes = target.problem_type.classification
    result = f"so it is taken as {target.problem_type}" if classes else "those rows are left out"
    words = listed([word[:40] for word in target.stray])
    evidence = f"{counted(target.words, 'cell')} of {target.name!r} hold {words} where most hold numbers; {result}"
    yield Seen(severity, (target.name,), evidence, "repair those cells, or leave them empty")


def disguised_target(profile: Profile) -> Iterator[Seen]:
    """Numbers that stand for a target that is not known: models learn to predict them."""
    target = profile.target
    if target is not None and target.placeholders:
        said = " and ".join(f"{each.value} in {counted(each.count, 'row')}" for each in target.placeholders)
        evidence = f"{target.name!r} is {said}, apart from all other values"
        fix = "leave those cells empty if it means that nothing is known; models and scores are led by them"
        yield Seen(Severity.HIGH, (target.name,), evidence, fix)


def heavy_tailed_target(profile: Profile) -> Iterator[Seen]:
    """A few values that are far from all others decide squared errors."""
    target = profile.target
    numbers = target.numbers if target is not None else None
    if target is None or numbers is None or not numbers.outliers:
        return
    heavy = abs(numbers.skew) > SKEW or numbers.kurtosis > KURTOSIS
    if heavy or numbers.kurtosis > SOME_KURTOSIS:
        severity = Severity.HIGH if heavy else Severity.MEDIUM
        evidence = (
            f"{counted(numbers.outliers, 'value')} of {target.name!r} lie far outside (skew {numbers.skew:.1f}, excess "
            f"kurtosis {numbers.kurtosis:.1f}); they decide RMSE and R2"
        )
        fix = f"check them; {code('metric', 'mae')} is not led by them, and the target's logarithm is tried in any case"
        yield Seen(severity, (target.name,), evidence, fix)


def frequent_target_value(profile: Profile) -> Iterator[Seen]:
    """One value in a quantity: a cap, a default, or two processes in one."""
    target = profile.target
    if target is None or target.top is None:
        return
    if target.top.count > max(0.1, 5 / target.distinct) * target.rows:
        evidence = f"{share(target.top.count, target.rows)} of the values of {target.name!r} are {target.top.value}"
        fix = "leave those cells empty if it stands for a missing value; else predict first whether it applies"
        yield Seen(Severity.MEDIUM, (target.name,), evidence, fix)


def tiny_class(profile: Profile) -> Iterator[Seen]:
    """Classes with too few rows to learn or to score."""
    target = profile.target
    if target is None or not target.classes:
        return
    least = FEW_POSITIVE if len(target.classes) == 2 else FEW_OF_CLASS
    few = [each for each in target.classes if each.count < least]
    if few:
        rarest = min(few, key=lambda each: each.count)
        evidence = (
            f"{listed([each.value for each in few])} of {target.name!r} {'have' if few[1:] else 'has'} fewer than "
            f"{least} rows (least: {rarest.count})"
        )
        fix = "add rows of them, or join or drop them; scores of such a class are chance"
        yield Seen(Severity.HIGH, (target.name,), evidence, fix)


def misspelt_classes(profile: Profile) -> Iterator[Seen]:
    """Classes that look like another one: a model learns, and is scored on, a difference that is none."""
    target = profile.target
    if target is not None and target.look_alikes:
        evidence = f"{target.name!r} writes some classes in two ways: {spellings(target.look_alikes)}"
        yield Seen(Severity.HIGH, (target.name,), evidence, one_spelling(target.look_alikes, target.rows))


def unbalanced_classes(profile: Profile) -> Iterator[Seen]:
    """One class is rare beside the largest."""
    target = profile.target
    if target is None or not target.classes:
        return
    rarest, largest = (pick(target.classes, key=lambda each: each.count) for pick in (min, max))
    if rarest.count < UNBALANCED * largest.count:
        evidence = (
            f"class {rarest.value!r} of {target.name!r} has {counted(rarest.count, 'row')}, class {largest.value!r} "
            f"{largest.count:,}: accuracy hardly notices the rare one"
        )
        fix = f"judge by {code('metric', 'average_precision')} or `balanced_accuracy`"
        yield Seen(Severity.MEDIUM, (target.name,), evidence, fix)


def many_classes(profile: Profile) -> Iterator[Seen]:
    """So many classes that the target may be something else."""
    target = profile.target
    if target is not None and len(target.classes) > MANY_CLASSES:
        evidence = f"{target.name!r} has {len(target.classes)} classes"
        fix = f"join the rare ones; if they are amounts, use {code('problem_type', 'regression')}"
        yield Seen(Severity.MEDIUM, (target.name,), evidence, fix)


def weak_signal(profile: Profile) -> Iterator[Seen]:
    """A small model is hardly better than guessing."""
    target = profile.target
    baseline = target.baseline if target is not None else None
    if target is None or baseline is None:
        return
    gain = (baseline.score - baseline.trivial) / (1 - baseline.trivial)
    if gain < WEAK:
        severity = Severity.HIGH if gain <= 0 else Severity.MEDIUM
        evidence = (
            f"a small model reaches {baseline.metric} {baseline.score:.3f} in cross-validation, guessing "
            f"{baseline.trivial:.3f}: the columns tell little of {target.name!r}"
        )
        fix = "check that rows and targets belong together; add columns that have to do with it"
        yield Seen(severity, (), evidence, fix)
